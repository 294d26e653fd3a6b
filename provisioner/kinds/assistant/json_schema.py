"""Whether a JSON Schema is valid, and whether it keeps to the subset that `strict: true` allows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import field
from typing import Any

from provisioner.kinds.assistant.json_keywords import BARE_NULL, TYPES, invalid, nodes
from provisioner.kinds.base import OPENAI, Finding, Path, Scope
from provisioner.records import dataclass

_REFERENCE = "see https://json-schema.org/understanding-json-schema"
_QUOTE = 'write `"null"`'
_ENCODER = json.JSONEncoder(allow_nan=False)
_known: dict[tuple[str, bool, bool], tuple[Flaw, ...]] = {}


@dataclass(frozen=True, slots=True)
class Flaw:
    """One finding in a schema, reported by the path of the offending node below its root."""

    path: Path
    summary: str
    detail: str
    hint: str | None = None
    severity: str = "error"
    rule: str | None = None  # as of a `Finding`


def dotted(path: Path) -> str:
    """`properties.location.type`; keys that are not words in brackets."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("_", "").replace("-", "").replace("$", "").isalnum():
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text


def flaws(schema: Any, *, strict: bool, function: bool = False) -> tuple[Flaw, ...]:
    """Every finding of a schema, or of the parameters of a function. The same content is looked at
    once, however many assistants use it.
    """
    try:
        key = (repr(schema), strict, function)
        known = _known.get(key)
        if known is None:
            _ENCODER.encode(schema)
            known = _known[key] = _found(schema, strict, function)
        return known
    except (TypeError, ValueError, RecursionError) as error:
        return (Flaw((), "Not a JSON Schema", f"cannot be written as JSON: {error}", None),)


def _found(schema: Any, strict: bool, function: bool) -> tuple[Flaw, ...]:
    try:
        found = list(_whole(schema)) or list(_invalid(schema))
        if not found and strict:
            for path, why, hint, severity in outside_subset(schema):
                found.append(Flaw(path, "Not a strict schema", why, hint, severity))
        elif not found and function:
            found = [*_wrong_root(schema), *_unfinished(schema)]
        return tuple(found)
    except RecursionError:
        return (
            Flaw(
                (),
                "Schema too deep",
                "is nested too deeply to be read",
                "flatten it, or use `$defs`",
            ),
        )


_WHOLES = (
    ("a whole function", ("function", "parameters")),
    ("a whole function", ("parameters",)),
    ("a whole tool", ("inputSchema",)),
    ("a whole tool", ("input_schema",)),
    ("a whole tool", ("args_schema",)),
    ("a whole tool", ("toolSpec", "inputSchema", "json")),
    ("a whole response format", ("json_schema", "schema")),
    ("a whole response format", ("schema",)),
)
"""What people have in a file, and where the schema stands in it."""
_LISTS = (("tools",), ("functions",), ("result", "tools"))
"""Where a document lists tools: one of a program, the answer of an MCP server."""
_OF_TOOLS = (None, "function", "custom", "json_schema")


def _whole(schema: Any) -> Iterator[Flaw]:
    """Something that holds a schema, given in the place of one."""
    if _lists_tools(schema):
        hint = "make a function of each tool, and keep only its schema as `parameters`"
        yield Flaw((), "Not a JSON Schema", "is a list of tools, not the schema of one", hint)
    if not isinstance(schema, dict) or "properties" in schema:
        return
    if "openapi" in schema or "swagger" in schema:
        hint = (
            "take the schema out of it: what stands below `schema` in the `requestBody` of one"
            " operation, or one of `components.schemas`"
        )
        yield Flaw((), "Not a JSON Schema", "is an OpenAPI document", hint)
    elif schema.get("type") in _OF_TOOLS:
        for what, path in _WHOLES:
            if isinstance(_at(schema, path), dict):
                place = dotted(path)
                hint = f"keep only what stands below its `{place}`; the rest belongs in the spec"
                yield Flaw((), "Not a JSON Schema", f"is {what}, not the schema in it", hint)
                return


def _lists_tools(schema: Any) -> bool:
    listed = [schema]
    if isinstance(schema, dict) and "type" not in schema:
        listed = [_at(schema, path) for path in _LISTS]
    return any(isinstance(one, list) and one and isinstance(one[0], dict) for one in listed)


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if isinstance(value, list) and isinstance(step, int):
            value = value[step]
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _invalid(schema: Any) -> Iterator[Flaw]:
    suspects = invalid(schema)
    confirmed = any(not sure for _, _, sure in suspects) and _refused(schema)
    for path, why, sure in suspects:
        if sure or confirmed:
            hint = _QUOTE if why == BARE_NULL else _remedy(path, _at(schema, path))
            yield Flaw(path, "Not a JSON Schema", why, hint)


_ELSEWHERE = {
    "bool": "boolean",
    "dict": "object",
    "float": "number",
    "int": "integer",
    "list": "array",
    "str": "string",
}
"""What Python calls the types."""


def _remedy(path: Path, value: Any) -> str:
    """What to write instead of the value of a keyword."""
    keyword = path[-1] if path else None
    if keyword == "type" and isinstance(value, str):
        kind = _ELSEWHERE.get(value.lower(), value.lower())
        if kind in TYPES:
            return f"write `{kind}`"
    if keyword == "$ref":
        return "copy what it names below `$defs`, and write `#/$defs/NAME`"
    if keyword == "required" and isinstance(value, bool):
        return "list the names that are required, beside `properties`"
    return _REFERENCE


def _refused(schema: Any) -> bool:
    """A second opinion, asked only when the quick look found something: it costs an import and
    milliseconds.
    """
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError:
        return True
    return False


def read_schema(written: dict[str, Any], strict: bool, scope: Scope, at: Path) -> Any:
    """The schema that a spec holds at `at`, or names there by `{file: PATH}`; its findings are
    reported.
    """
    by_file = written.keys() == {"file"}
    if by_file and not isinstance(written["file"], str):
        detail = (
            f"`{dotted((*at, 'file'))}` of `{scope.address}` must be the path of a JSON Schema."
        )
        scope.report(
            Finding((*at, "file"), "Wrong type", detail, "write `{file: schemas/name.json}`")
        )
        return None
    schema = scope.document(written, at)
    if schema is not None:
        source = written["file"] if by_file else None
        label = str(at[-1])
        for flaw in flaws(schema, strict=strict, function=label == "parameters"):
            node = dotted((label, *flaw.path))
            where = f"`{node}` in `{source}`" if source else f"`{node}`"
            path = (*at, "file") if source else (*at, *flaw.path)
            said = f"{where} of `{scope.address}` {flaw.detail}."
            finding = Finding(
                path,
                flaw.summary,
                said,
                hint=flaw.hint,
                severity=flaw.severity,
                rule=flaw.rule,
            )
            scope.report(finding)
    return schema


_WRITE_OBJECT = "write `type: object` and name each argument below `properties`"


def _wrong_root(schema: dict[str, Any]) -> Iterator[Flaw]:
    """The arguments of a function are an object, whether strict or not; no schema at all takes
    none.
    """
    kind = schema.get("type")
    if kind not in (None, "object"):
        why = "must be `object`, because the arguments of a function are named"
        yield Flaw(("type",), "Not an object", why, _WRITE_OBJECT)
        return
    for keyword in ("anyOf", "oneOf", "allOf", "enum", "not"):
        if keyword in schema:
            why = "stands at the top, where OpenAI takes one object"
            hint = "write `type: object` at the top, and put it into a property"
            yield _refused_by_openai((keyword,), "Not an object", why, hint)
            return
    if kind is None and "$ref" in schema:
        why = "stands at the top, where OpenAI takes one object"
        hint = "write out what it names, with `type: object` at the top"
        yield _refused_by_openai(("$ref",), "Not an object", why, hint)
    elif kind is None and schema:
        yield _refused_by_openai(
            (), "Not an object", "does not say `type: object` at the top", _WRITE_OBJECT
        )


def _unfinished(schema: Any) -> Iterator[Flaw]:
    """What OpenAI refuses in the parameters of any function."""
    for path, node in nodes(schema):
        types = node.get("type")
        types = types if isinstance(types, list) else [types]
        if "array" in types and "items" not in node:
            hint = "say what it holds, as in `items: {type: string}`"
            yield _refused_by_openai(
                path, "Array without items", "is an array without `items`", hint
            )
        reference = node.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            why = f"is `{reference}`, which leads out of the schema, and nobody follows it"
            hint = "copy what it names below `$defs`, and write `#/$defs/NAME`"
            yield _refused_by_openai((*path, "$ref"), "External reference", why, hint)


def _refused_by_openai(path: Path, summary: str, detail: str, hint: str) -> Flaw:
    return Flaw(path, summary, detail, hint=hint, severity="warning", rule=OPENAI)


Violation = tuple[Path, str, str, str]
"""Where, why, the remedy, and how severe."""

MAX_LEVELS = 10
MAX_PROPERTIES = 5000
MAX_ENUM = 1000
MAX_TEXT = 120_000
LARGE_ENUM = 250
MAX_LARGE_ENUM_TEXT = 15_000

_REFUSED = {
    "allOf": "write the merged schema out",
    "oneOf": "use `anyOf`",
    "not": "leave it out, or list what is allowed in an `enum`",
    "if": "use `anyOf` with one object for each case",
    "then": "use `anyOf` with one object for each case",
    "else": "use `anyOf` with one object for each case",
    "dependentRequired": "require every property and allow `null`",
    "dependentSchemas": "require every property and allow `null`",
    "patternProperties": "name every property, or use a list of key and value",
    "propertyNames": "name every property, or use a list of key and value",
    "minProperties": "leave it out: every property is required anyway",
    "maxProperties": "leave it out: no other property is allowed anyway",
    "unevaluatedProperties": "write `additionalProperties: false`",
    "unevaluatedItems": "leave it out",
    "contains": "leave it out",
    "minContains": "leave it out",
    "maxContains": "leave it out",
    "uniqueItems": "leave it out and say it in the description",
    "prefixItems": "use an object with one property for each place",
}
_NESTED = ("properties", "items", "anyOf", "$defs", "definitions")
_DOUBTFUL = ("default", "minLength", "maxLength")
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")


@dataclass
class _Tally:
    properties: int = 0
    enum: int = 0
    text: int = 0
    seen: list[Violation] = field(default_factory=list)

    def report(self, path: Path, why: str, hint: str, severity: str = "error") -> None:
        self.seen.append((path, why, hint, severity))


def outside_subset(schema: dict[str, Any]) -> Iterator[Violation]:
    """What the service would refuse in a schema that is valid JSON Schema."""
    tally = _Tally()
    if "anyOf" in schema:
        tally.report(
            ("anyOf",),
            "stands at the root, where strict mode takes one object",
            "put it into a property",
        )
    elif schema.get("type") != "object":
        tally.report(("type",), "must be `object` at the root", "write `type: object`")
    _node(schema, (), 0, tally)
    for count, most, thing in (
        (tally.properties, MAX_PROPERTIES, "properties"),
        (tally.enum, MAX_ENUM, "enum values"),
        (tally.text, MAX_TEXT, "characters in names, enum values and constants"),
    ):
        if count > most:
            tally.report(
                (),
                f"has {count:,} {thing}; strict mode takes {most:,}",
                "split it, or use `strict: false`",
            )
    yield from tally.seen


def _node(node: Any, path: Path, level: int, tally: _Tally) -> None:
    if not isinstance(node, dict):
        tally.report(path, "must be a mapping in strict mode", "say what is allowed")
        return
    types = node.get("type", ())
    types = (types,) if isinstance(types, str) else types
    _keywords(node, path, tally)
    _values(node, path, tally)
    if path and not types and not any(key in node for key in ("anyOf", "$ref", "enum", "const")):
        tally.report(path, "has no `type`", "add one, as in `type: string`")
    if "object" in types or "properties" in node:
        level += 1
        _object(node, path, level, tally)
    if "array" in types and "items" not in node:
        tally.report(path, "is an array without `items`", "add `items`")
    _below(node, path, level, tally)


def _keywords(node: dict[str, Any], path: Path, tally: _Tally) -> None:
    for keyword in node:
        if keyword in _REFUSED:
            tally.report((*path, keyword), "is not allowed in strict mode", _REFUSED[keyword])
        elif keyword in _DOUBTFUL:
            hint = "say it in the description"
            tally.report(
                (*path, keyword), "is not among the keywords of strict mode", hint, "warning"
            )
    if "format" in node and node["format"] not in _FORMATS:
        known = ", ".join(_FORMATS)
        why = f"is `{node['format']}`; strict mode knows {known}"
        tally.report(
            (*path, "format"), why, "leave it out and say it in the description", "warning"
        )
    if not str(node.get("$ref", "#")).startswith("#"):
        tally.report((*path, "$ref"), "leads out of the schema", "define it below `$defs`")


def _values(node: dict[str, Any], path: Path, tally: _Tally) -> None:
    if "const" in node:
        tally.text += len(str(node["const"]))
    if "enum" not in node:
        return
    values = [value for value in node["enum"] if isinstance(value, str)]
    length = sum(map(len, values))
    tally.enum += len(node["enum"])
    tally.text += length
    if len(values) > LARGE_ENUM and length > MAX_LARGE_ENUM_TEXT:
        why = (
            f"has {len(values)} values of {length:,} characters together; over {LARGE_ENUM} values"
            " take 15,000"
        )
        tally.report((*path, "enum"), why, "shorten the values")


def _object(node: dict[str, Any], path: Path, level: int, tally: _Tally) -> None:
    properties, required = node.get("properties", {}), node.get("required", [])
    tally.properties += len(properties)
    tally.text += sum(map(len, properties))
    if level == MAX_LEVELS + 1:
        tally.report(
            path, f"is nested {level} levels deep; strict mode takes {MAX_LEVELS}", "flatten it"
        )
    if node.get("additionalProperties") is not False:
        why = "must be `false` for every object in strict mode"
        tally.report((*path, "additionalProperties"), why, "add `additionalProperties: false`")
    if missing := [name for name in properties if name not in required]:
        verb = "is" if len(missing) == 1 else "are"
        why = f"must name every property in strict mode; {_quoted(missing)} {verb} missing"
        hint = 'add them; what may be absent has the type `[string, "null"]` instead'
        tally.report((*path, "required"), why, hint)
    if unknown := [name for name in required if name not in properties]:
        tally.report(
            (*path, "required"),
            f"names {_quoted(unknown)}, which `properties` lacks",
            "declare or remove it",
        )


def _quoted(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _below(node: dict[str, Any], path: Path, level: int, tally: _Tally) -> None:
    for keyword in _NESTED:
        if keyword not in node:
            continue
        if keyword == "items":
            _node(node["items"], (*path, "items"), level, tally)
        elif keyword == "anyOf":
            for index, one in enumerate(node["anyOf"]):
                _node(one, (*path, "anyOf", index), level, tally)
        else:
            depth = level
            if keyword != "properties":  # definitions stand for themselves, wherever they are used
                depth = 0
                tally.text += sum(map(len, node[keyword]))
            for name, one in node[keyword].items():
                _node(one, (*path, keyword, name), depth, tally)
