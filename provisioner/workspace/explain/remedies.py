"""What to write instead: the remedy of what is wrong, taken from what the model says of the
place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from provisioner.kinds.base import Path
from provisioner.text import did_you_mean, dotted, quoted, shown, suggest

if TYPE_CHECKING:
    from pydantic import BaseModel


_SORTS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "object": "a mapping",
    "array": "a list",
}


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


class Shapes:
    """The schemas that apply to each place of a value."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    def at(self, path: Path, value: Any) -> list[dict[str, Any]]:
        """Every schema of the place; branches whose `type` says something else are left out."""
        schemas = list(self._flat(_schema(self._model), value))
        for step in path:
            value = _inner(value, step)
            schemas = [
                flat
                for schema in schemas
                for inner in _enter(schema, step)
                for flat in self._flat(inner, value)
            ]
        return schemas

    def _flat(self, schema: Any, value: Any) -> Iterator[dict[str, Any]]:
        if not isinstance(schema, dict):
            return
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            yield from self._flat(_schema(self._model).get("$defs", {}).get(name, {}), value)
        if _fits(schema, value):
            yield schema
            for branch in [
                *schema.get("anyOf", ()),
                *schema.get("oneOf", ()),
                *schema.get("allOf", ()),
            ]:
                yield from self._flat(branch, value)

    def keys(self, path: Path, value: Any) -> list[str]:
        """The keys that a mapping at the path may have."""
        return [key for schema in self.at(path, value) for key in schema.get("properties", {})]

    def range(self, path: Path, value: Any) -> str:
        """`between 0 and 2`, or the half of it that there is."""
        merged: dict[str, Any] = {}
        for schema in reversed(self.at(path, value)):
            merged |= schema
        low, high = merged.get("minimum"), merged.get("maximum")
        above = merged.get("exclusiveMinimum")
        if above is not None and high is not None:
            return f"above {shown(above)} and at most {shown(high)}"
        if low is not None and high is not None:
            return f"between {shown(low)} and {shown(high)}"
        if high is not None:
            return f"at most {shown(high)}"
        if low is not None:
            return f"at least {shown(low)}"
        return f"more than {shown(above)}" if above is not None else "a finite number"

    def sorts(self, path: Path, value: Any) -> str:
        """What may stand at the path: `text or a mapping`; nothing where the schema does
        not say.
        """
        said = [
            schema["type"] for schema in self.at(path, value) if isinstance(schema.get("type"), str)
        ]
        if "number" in said:
            said = [name for name in said if name != "integer"]
        words = list(dict.fromkeys(_SORTS[name] for name in said if name in _SORTS))
        return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)

    def description(self, path: Path, value: Any) -> str | None:
        """What the field is for."""
        return next(
            (schema["description"] for schema in self.at(path, value) if "description" in schema),
            None,
        )

    def examples(self, path: Path, value: Any) -> list[Any]:
        """Good values of the field."""
        return [
            example for schema in self.at(path, value) for example in schema.get("examples", ())
        ]

    def required(self, path: Path, value: Any) -> list[str]:
        """The keys that a mapping at the path must have."""
        return list(
            dict.fromkeys(
                key for schema in self.at(path, value) for key in schema.get("required", ())
            )
        )


def _inner(value: Any, step: str | int) -> Any:
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None


def _enter(schema: dict[str, Any], step: str | int) -> Iterator[Any]:
    if isinstance(step, int):
        yield schema.get("items")
    elif step in schema.get("properties", {}):
        yield schema["properties"][step]
    elif "patternProperties" in schema:
        yield from schema["patternProperties"].values()
    else:
        yield schema.get("additionalProperties")


def _fits(schema: dict[str, Any], value: Any) -> bool:
    """Whether the constant `type` of a branch is the one that is written."""
    if not isinstance(value, dict):
        return True
    said = schema.get("properties", {}).get("type", {})
    known = [said["const"]] if "const" in said else said.get("enum")
    return (
        known is None
        or value.get("type", said.get("default")) in known
        or not isinstance(value.get("type"), str)
    )


_GLUED = re.compile(r"([A-Za-z_][\w-]*):(\S.*)")
_LEFT_OUT = "write a value, or leave the key out"


class Remedies:
    """The remedies for findings of one value, `whole`."""

    def __init__(self, name: str, shapes: Shapes, whole: Any) -> None:
        self._name, self._shapes, self._whole = name, shapes, whole

    def example(self, path: Path) -> str | None:
        """`for example …`, or what the field is."""
        for written in self._written(path):
            return (
                f"for example `{path[-1]}: {written}`"
                if path and isinstance(path[-1], str)
                else f"as in `{written}`"
            )
        return self._purpose(path)

    def _written(self, path: Path) -> list[str]:
        """Examples that fit into a line."""
        examples = [shown(value) for value in self._shapes.examples(path, self._whole)]
        return [written for written in examples if not written.endswith("…")]

    def _purpose(self, path: Path) -> str | None:
        said = self._shapes.description(path, self._whole)
        return f"`{path[-1]}` is: {said}" if said and path else None

    def missing(self, path: Path) -> str | None:
        """The key out of the text that it has become a part of, or with a value that it may
        have.
        """
        for name, text in beside(self._whole, path).items():
            line = isinstance(text, str) and re.search(
                rf"^\s*{re.escape(str(path[-1]))}:(?: .*)?$", text, re.M
            )
            if line:
                return (
                    f"`{shown(line[0].strip())}` has become part of the text of `{name}`: begin it"
                    f" in the column of `{name}`"
                )
        for written in self._written(path):
            return f"write `{path[-1]}: {written}`"
        return self._purpose(path) or f"add `{path[-1]}`"

    def range(self, path: Path) -> str | None:
        """What the numbers mean, which a description tells after a colon; or else an example."""
        said = self._shapes.description(path, self._whole) or ""
        return said.partition(": ")[2] or self.example(path)

    def pattern(self, path: Path, value: Any, pattern: str) -> str | None:
        """The value without what it may not hold, or an example."""
        better = (
            re.sub(r"[^A-Za-z0-9_-]+", "_", value).strip("_")[:64] if isinstance(value, str) else ""
        )
        if better and better != value and "/" not in pattern and re.search(pattern, better):
            return f"did you mean `{better}`?"
        return self.example(path)

    def rule(self, path: Path) -> str:
        """What a pattern means, in words."""
        said = self._shapes.description(path, self._whole)
        return f": {said[:1].lower()}{said[1:]}" if said else ""

    def unknown(self, path: Path, beside: list[str]) -> str | None:
        """The key that was meant, or those that there are."""
        key, known = str(path[-1]), self._shapes.keys(path[:-1], self._whole)
        if key == "id" and len(path) == 1:
            return (
                "an `id` stands alone, for an object that is not managed here; `imports:` takes one"
                " over"
            )
        if key in known:
            others = [other for other in beside if other != key and other in known]
            return f"it does not go with {quoted(others, 'and')}" if others else "leave it out"
        return suggest(key, known, "it can have")

    def meant(self, key: str, path: Path) -> str | None:
        """`did you mean …` for an unknown key."""
        return did_you_mean(key, self._shapes.keys(path, self._whole))

    def sort(self, path: Path, value: Any, must: str) -> str | None:
        """How a value of a wrong sort becomes a right one. Text that YAML read as something else is
        reported later.
        """
        if value is None:
            if path and path[-1] in self._shapes.required(path[:-1], self._whole):
                return self.missing(path)
            return _LEFT_OUT if path else "write its fields below it"
        if isinstance(value, str):
            return self._from_text(path, value, must) or self.example(path) or self._keys(path)
        if "a list" in must and not isinstance(value, dict):
            return self._in_list(path, value)
        if "text" in must and not isinstance(value, dict | list):
            return None
        return self.example(path) or self._keys(path) or f"write {must}"

    def _keys(self, path: Path) -> str | None:
        return suggest("", self._shapes.keys(path, {}), "it can have")

    def _from_text(self, path: Path, text: str, must: str) -> str | None:
        plain = _plain(text)
        if plain is not None and ("number" in must or "true" in must):
            return f"write `{plain}` without quotes"
        if "a list" in must:
            return self._in_list(path, text)
        return self._from_line(path, text) if "a mapping" in must else None

    def _in_list(self, path: Path, value: Any) -> str | None:
        return f"write `{path[-1]}: [{shown(value)}]`" if path else None

    def _from_line(self, path: Path, text: str) -> str | None:
        """Text where a mapping is expected: `model:gpt-4o`, a field in the column of its resource,
        or a short form.
        """
        glued = _GLUED.fullmatch(text)
        keys = self._shapes.keys(path, {})
        if glued and glued[1] in keys:
            return f"write a space after the colon: `{glued[1]}: {glued[2]}`"
        field = self._name.rpartition(".")[2]
        if not path and field in keys:
            return f"indent `{field}` further: it is a field of the resource above"
        required = self._shapes.required(path, {})
        where = f"{path[-1]}: " if path and isinstance(path[-1], str) else ""
        return f"write `{where}{{{required[0]}: {shown(text)}}}`" if len(required) == 1 else None

    def choice(self, path: Path, value: Any, choices: list[str]) -> str | None:
        """The value that was meant; or the longer form, where there is one."""
        hint = did_you_mean(value, choices) if isinstance(value, str) else None
        longer = [one for one in self._shapes.examples(path, self._whole) if isinstance(one, dict)]
        if longer and not hint:
            return f"or a mapping, as in `{dotted(path[-1:])}: {shown(longer[0])}`"
        return hint or self.example(path) or f"for example `{choices[0]}`"

    def length(self, path: Path, value: Any, limit: int | None) -> str | None:
        """Shorter by how much, or something rather than nothing."""
        size = len(value) if hasattr(value, "__len__") else 0
        if limit is None or size <= limit:
            return self.example(path) or "write something, or take it out"
        over = size - limit
        return (
            f"shorten it by {over} characters"
            if isinstance(value, str)
            else f"take {over} of them away"
        )


def beside(whole: Any, path: Path) -> dict[str, Any]:
    """The mapping in which the last key of a path stands, or would stand."""
    for step in path[:-1]:
        whole = whole[step]
    return whole if isinstance(whole, dict) else {}


def _plain(text: str) -> str | None:
    """A number or boolean that stands in quotes, or is written as YAML does not know it."""
    try:
        value = json.loads(text.strip().lower())
    except (ValueError, RecursionError):
        return None
    return json.dumps(value) if isinstance(value, int | float) else None
