"""Owns values that fit a JSON Schema, drawn from what was said where something in it fits."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from .patterns import matching

Schema = dict[str, Any]

DEEPEST = 40  # levels; a schema that names itself goes on no further than it must
MOST_VALUES = 5_000  # of one answer; what comes after them is as short as can be
LONGEST = 20_000  # characters that are made up, and items
FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def fitting_json(schema: Schema, asked: str, text: str) -> str:
    """JSON that obeys `schema`. Names, numbers and choices are looked for in `asked`; free text is
    `text`.
    """
    return json.dumps(_Fitting(schema, asked, text).value(schema, 0), ensure_ascii=False)


class _Fitting:
    def __init__(self, root: Schema, asked: str, text: str) -> None:
        self.root, self.asked, self.text = root, asked, text
        self.left, self.cut = MOST_VALUES, False
        self.names = _names(asked)
        self.numbers = [float(one) for one in re.findall(r"-?\d+(?:\.\d+)?", asked)]

    def value(self, schema: Any, depth: int) -> Any:
        schema = self._resolved(schema)
        self.left -= 1
        if self.left < 0:
            depth = max(depth, DEEPEST + 1)
        self.cut = self.cut or depth > DEEPEST
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choice(schema["enum"])
        if depth > 2 * DEEPEST:
            return None
        return self._made(schema, depth)

    def _made(self, schema: Schema, depth: int) -> Any:
        if schema.get("anyOf") or schema.get("oneOf"):
            return self._branch(schema, "anyOf" if schema.get("anyOf") else "oneOf", depth)
        if schema.get("allOf"):
            return self.value(_joined(schema, schema["allOf"], self._resolved), depth + 1)
        kind = _type(schema)
        if kind in ("object", "array"):
            return (self._object if kind == "object" else self._array)(schema, depth)
        return self._scalar(schema, kind)

    def _scalar(self, schema: Schema, kind: str | None) -> Any:
        if kind == "string":
            return self._string(schema)
        if kind in ("integer", "number"):
            return self._number(schema, whole=kind == "integer")
        return True if kind == "boolean" else None

    def _resolved(self, schema: Any) -> Schema:
        """The schema that a reference in the same document names."""
        for _ in range(DEEPEST):
            if not isinstance(schema, dict):
                return {} if schema is not False else {"type": "null"}
            pointer = schema.get("$ref")
            if not isinstance(pointer, str) or not pointer.startswith("#"):
                return schema
            found: Any = self.root
            for part in pointer.lstrip("#").split("/")[1:]:
                name = part.replace("~1", "/").replace("~0", "~")
                found = found.get(name, {}) if isinstance(found, dict) else {}
            schema = found
        return {}

    def _choice(self, choices: Sequence[Any]) -> Any:
        said = self.asked.lower()
        mentioned = (one for one in choices if isinstance(one, str) and one.lower() in said)
        return next(mentioned, choices[0] if choices else None)

    def _branch(self, schema: Schema, key: str, depth: int) -> Any:
        """The first branch that holds: something rather than null, or deep down one that ends
        here.
        """
        rest = {name: one for name, one in schema.items() if name != key}
        branches = [_joined(rest, [one], self._resolved) for one in schema[key]]
        ends_here = depth > DEEPEST // 4
        branches.sort(
            key=lambda one: _type(one) in (("object", "array") if ends_here else ("null",))
        )
        made = []
        for branch in branches[: 1 if depth > DEEPEST else None]:
            made.append(self.value(branch, depth + 1))
            # Nothing fits a schema that never ends, and to find that out could take for ever.
            if self.cut or self._obeys(schema, made[-1]):
                return made[-1]
        return made[0]

    def _obeys(self, schema: Schema, value: Any) -> bool:
        definitions = {key: self.root[key] for key in ("$defs", "definitions") if key in self.root}
        # Nothing is fetched for a reference to somewhere else.
        validator = Draft202012Validator(definitions | schema, registry=Registry())
        try:
            return validator.is_valid(value)
        except (Unresolvable, re.error, RecursionError):
            return False

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = [name for name in schema.get("required", []) if isinstance(name, str)]
        shown = [name for name in properties if name in required or depth <= DEEPEST // 8]
        names = list(dict.fromkeys([*shown, *required]))
        if depth > DEEPEST:
            return {}
        others = schema.get("additionalProperties")
        others = others if isinstance(others, dict) else {"type": "string"}
        return {name: self.value(properties.get(name, others), depth + 1) for name in names}

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        least = schema.get("minItems", 0 if depth > DEEPEST // 8 else 1)
        count = int(min(least, schema.get("maxItems", least), LONGEST))
        if depth > DEEPEST:
            return []
        first = schema.get("prefixItems", [])
        return [
            self.value(first[index] if index < len(first) else schema.get("items", {}), depth + 1)
            for index in range(count)
        ]

    def _string(self, schema: Schema) -> str:
        least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
        if "pattern" in schema:
            return self._matching(schema["pattern"])
        if schema.get("format") in FORMATS:
            return FORMATS[str(schema["format"])]
        # An answer is one text; what a function is asked for is more often a name in the message.
        drawn = self.names if self.text == self.asked else []
        text: str = next((one for one in drawn if least <= len(one) <= most), self.text)
        cut = text if most == math.inf else text[: int(most)]
        return cut.ljust(int(min(least, LONGEST)), "x")

    def _matching(self, pattern: str) -> str:
        said: list[str] = [*self.names, *re.findall(r"\S+", self.asked), self.text]
        try:
            wanted = re.compile(pattern)
        except (re.error, OverflowError, RecursionError):
            return self.text
        return next((one for one in said if wanted.search(one)), None) or matching(pattern)

    def _number(self, schema: Schema, *, whole: bool) -> float:
        least, most = _bounds(schema, whole=whole)
        step = schema.get("multipleOf", 1 if whole else None)
        said = (one for one in self.numbers if least <= one <= most)
        found = next((one for one in said if not whole or one.is_integer()), None)
        if found is None:
            found = min(max(least, 0.0), most)
        if step and math.isfinite(found / step):
            found = math.ceil(found / step) * step
            found = found if found <= most else math.floor(most / step) * step
        if not math.isfinite(found):
            return 0
        return int(found) if whole or float(found).is_integer() else found


def _names(asked: str) -> list[str]:
    """What in a message looks like a value: what is quoted, else words with a capital within it."""
    quoted = re.findall(r"[\"“'`]([^\"”'`]+)[\"”'`](?!\w)", asked)
    inner = re.findall(r"(?<=[^.!?\s]\s)[A-ZÀ-Þ][\w-]*(?:\s[A-ZÀ-Þ][\w-]*)*", asked)
    return [*quoted, *(one for one in inner if one != "I")]


def _type(schema: Schema) -> str | None:
    kind = schema.get("type")
    if isinstance(kind, list):
        return next((one for one in kind if one != "null"), "null")
    if kind is None:
        implied = {"properties": "object", "items": "array", "pattern": "string"}
        kind = next((implied[key] for key in implied if key in schema), "string")
    return str(kind)


def _bounds(schema: Schema, *, whole: bool) -> tuple[float, float]:
    gap = 1 if whole else 1e-6
    least, most = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    if isinstance(schema.get("exclusiveMinimum"), int | float):
        least = max(least, schema["exclusiveMinimum"] + gap)
    if isinstance(schema.get("exclusiveMaximum"), int | float):
        most = min(most, schema["exclusiveMaximum"] - gap)
    return least, most


def _joined(schema: Schema, parts: Iterable[Any], resolved: Any) -> Schema:
    """One schema that asks for what all of them ask for."""
    whole = {name: one for name, one in schema.items() if name not in ("allOf", "$ref")}
    for part in map(resolved, parts):
        properties = whole.get("properties", {}) | part.get("properties", {})
        required = [*whole.get("required", []), *part.get("required", [])]
        whole = whole | part
        if properties:
            whole["properties"] = properties
        if required:
            whole["required"] = list(dict.fromkeys(required))
    return whole
