"""JSON Schemas out of the types of Python: pydantic's models and their like, and the signatures of
functions. What only a run would tell raises Untold, with its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from provisioner.importing import code
from provisioner.importing.code_values import (
    Closure,
    Mixed,
    Model,
    Schema,
    Scope,
    Thing,
    Typed,
    Unknown,
    Untold,
)

if TYPE_CHECKING:
    from provisioner.importing.evaluating import Evaluator

_PLAIN: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "list": {"type": "array", "items": {}},
    "dict": {"type": "object"},
    "Any": {},
    "object": {},
    "datetime": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time"},
    "timedelta": {"type": "string", "format": "duration"},
    "UUID": {"type": "string", "format": "uuid"},
    "EmailStr": {"type": "string", "format": "email"},
    "HttpUrl": {"type": "string", "format": "uri"},
    "AnyUrl": {"type": "string", "format": "uri"},
}
_PLAIN |= {"List": _PLAIN["list"], "Dict": _PLAIN["dict"], "NoneType": _PLAIN["None"]}
_MANY = ("list", "List", "Sequence", "Iterable", "Collection")
_ONCE = ("set", "Set", "frozenset", "FrozenSet")
_MAPS = ("dict", "Dict", "Mapping", "MutableMapping")
_PASSED = ("Required", "NotRequired", "ReadOnly", "Final")
GENERIC = frozenset(
    [
        "Literal",
        "Optional",
        "Union",
        "Annotated",
        "Tuple",
        "tuple",
        *_MANY,
        *_ONCE,
        *_MAPS,
        *_PASSED,
    ]
)
_BASES = ("BaseModel", "TypedDict", "SQLModel")
_ENUMS = ("Enum", "StrEnum", "IntEnum")
_LIMITS = {
    "ge": "minimum",
    "le": "maximum",
    "gt": "exclusiveMinimum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
    "regex": "pattern",
    "description": "description",
    "title": "title",
    "examples": "examples",
    "min_items": "minItems",
    "max_items": "maxItems",
}
_PLAINLY = ("min_length", "max_length", "default", "alias", "frozen", "repr", "exclude", "init")
_SETTINGS = frozenset([*_LIMITS, *_PLAINLY, "kw_only"])
_CONTEXTS = ("self", "cls", "ctx", "context", "wrapper", "run_context")
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
DEEPEST = 40  # types within types


def strict(schema: Any) -> Any:
    """The schema as the libraries send it with `strict`: every field is required, no other one is
    allowed, and what could be left out may be null.
    """
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: strict(value) if key in ("items", "anyOf", "prefixItems") else value
        for key, value in schema.items()
        if not (key == "default" and value is None)
    }
    fields = schema.get("properties")
    if isinstance(fields, dict):
        required = schema.get("required", [])
        made["properties"] = {
            name: strict(one)
            if name in required or not isinstance(one, dict) or "default" in one
            else nullable(strict(one))
            for name, one in fields.items()
        }
        made["required"] = list(fields)
    if schema.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, or null."""
    kind = schema.get("type")
    null = {"type": "null"}
    if not schema or kind == "null" or null in schema.get("anyOf", []):
        return schema
    if isinstance(kind, str) and not {"enum", "const", "properties", "items"} & schema.keys():
        return {**schema, "type": [kind, "null"]}
    if isinstance(kind, list):
        return schema if "null" in kind else {**schema, "type": [*kind, "null"]}
    about = {key: schema[key] for key in ("description", "default") if key in schema}
    rest = {key: value for key, value in schema.items() if key not in about}
    several = rest["anyOf"] if rest.keys() == {"anyOf"} else [rest]
    made: dict[str, Any] = {"anyOf": [*several, null]}
    return made | about


def of_values(values: list[Any], node: code.Node) -> dict[str, Any]:
    """The schema of one value out of some."""
    kinds = {type(value) for value in values}
    if not values or not kinds <= _TYPES.keys():
        raise Untold(node.text, node.at)
    names = sorted(_TYPES[kind] for kind in kinds)
    types = {"type": names[0] if len(names) == 1 else names}
    return {**types, "const": values[0]} if len(values) == 1 else {**types, "enum": values}


def schema_of(ev: Evaluator, value: Any) -> dict[str, Any]:
    """The JSON Schema that a value of code is. Untold where it is none, or not known whole."""
    if isinstance(value, Schema):
        return value.json
    if isinstance(value, Model):
        return Types(ev).of_model(value)
    if isinstance(value, Typed):
        return Types(ev).of_type(value.node, value.scope)
    if isinstance(value, Thing | Unknown):
        text = value.path if isinstance(value, Thing) else value.text
        raise Untold(text, value.at)
    raise Untold("a schema", getattr(value, "at", (1, 1)))


class Types:
    """Types of one file on their way to schemas."""

    def __init__(self, ev: Evaluator) -> None:
        self.ev = ev
        self._inside: list[Any] = []  # what the model at hand stands in

    # Models.

    def of_model(self, model: Model) -> dict[str, Any]:
        if model.declared in self._inside or len(self._inside) > DEEPEST:  # refers to itself
            raise Untold(model.declared.name, model.at)
        if enumerated(model):
            values = [value for value in model.names.values() if type(value) in _TYPES]
            return of_values(values, code.Node(model.at, model.declared.name))
        if not is_model(model):
            raise Untold(model.declared.name, model.at)
        self._inside.append(model.declared)
        made = self._fields(model)
        self._inside.pop()
        return made

    def _fields(self, model: Model) -> dict[str, Any]:
        properties: dict[str, Any] = {}
        required: list[str] = []
        for base in model.bases:
            if isinstance(base, Model):
                inherited = self._fields(base)
                properties |= inherited["properties"]
                required += inherited.get("required", [])
        for field in model.declared.fields:
            if field.name.startswith("_") or _word(field.type) == "ClassVar":
                continue
            settings = self._settings(field.default, model.scope)
            name = str(settings.pop("alias", field.name))
            schema = self._limited(self.of_type(field.type, model.scope), settings)
            properties[name] = schema
            if name in required:
                required.remove(name)
            if "default" not in schema and _word(field.type) != "NotRequired":
                required.append(name)
        made: dict[str, Any] = {"type": "object", "properties": properties}
        made |= {"required": required} if required else {}
        config = model.names.get("model_config")
        if isinstance(config, dict) and config.get("extra") == "forbid":
            made["additionalProperties"] = False
        about = model.declared.about
        return {"description": about, **made} if about else made

    def _settings(self, node: code.Node | None, scope: Scope) -> dict[str, Any]:
        """What stands behind `=`: a default, or `Field(…)`."""
        if node is None:
            return {}
        if not isinstance(node, code.Call) or _word(node.function) not in ("Field", "field"):
            return {"default": self._known(node, scope)}
        given = _given(node)
        factory = given.pop("default_factory", None)
        settings = {name: self._known(value, scope) for name, value in given.items()}
        if factory is not None:
            empty: dict[str, Any] = {"list": [], "dict": {}, "set": []}
            if factory.text not in empty:
                raise Untold(factory.text, factory.at)
            settings["default"] = empty[factory.text]
        return settings

    def _known(self, node: code.Node, scope: Scope) -> Any:
        """A value that a schema can hold."""
        value = self.ev.value(node, scope)
        if isinstance(value, Unknown | Mixed | Thing | Typed | Schema | Closure):
            raise Untold(node.text, node.at)
        return value

    def _limited(self, schema: dict[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
        made = dict(schema)
        for name, value in settings.items():
            if name in ("min_length", "max_length"):
                many = "Items" if schema.get("type") == "array" else "Length"
                made[name[:3] + many] = value
            elif name in _LIMITS:
                made[_LIMITS[name]] = value
            elif name == "default":
                made["default"] = value
        return made

    # Types.

    def of_type(self, node: code.Node | None, scope: Scope) -> dict[str, Any]:
        self.ev.step()
        if node is None:
            return {}
        if isinstance(node, code.Const) and isinstance(node.value, str):
            node = code.Name(node.at, node.value, node.value)
        if isinstance(node, code.Const) and node.value is None:
            return dict(_PLAIN["None"])
        if isinstance(node, code.DictOf) and all(key is None for key, _ in node.items):
            return self._union([value for _, value in node.items], scope)  # `A | B`
        if isinstance(node, code.Index) and _word(node.of) in GENERIC:
            return self._generic(_word(node.of), node, scope)
        return self._named(node, scope)

    def _named(self, node: code.Node, scope: Scope) -> dict[str, Any]:
        value = self.ev.value(node, scope)
        if isinstance(value, Model):
            return self.of_model(value)
        if isinstance(value, Typed):
            return self.of_type(value.node, value.scope)
        if isinstance(value, Thing) and _word(node) in _PLAIN:
            return dict(_PLAIN[_word(node)])
        raise Untold(node.text, node.at)

    def _generic(self, word: str, node: code.Index, scope: Scope) -> dict[str, Any]:
        key = node.key or code.Node(node.at, node.text)
        several = list(key.items) if isinstance(key, code.ListOf) else [key]
        if word == "Literal":
            return of_values([self._known(one, scope) for one in several], node)
        if word == "Optional":
            several.append(code.Const(node.at, "None", None))
        if word in ("Union", "Optional"):
            return self._union(several, scope)
        if word == "Annotated":
            return self._annotated(several, scope)
        if word in _MAPS and len(several) == 2:
            return {"type": "object", "additionalProperties": self.of_type(several[1], scope)}
        if word.lower() == "tuple" and [one.text for one in several[1:]] == ["..."]:
            several = several[:1]
        if len(several) != 1:
            raise Untold(node.text, node.at)
        return self._of_one(word, self.of_type(several[0], scope))

    def _of_one(self, word: str, inner: dict[str, Any]) -> dict[str, Any]:
        if word in _PASSED:
            return inner
        once = {"uniqueItems": True} if word in _ONCE else {}
        return {"type": "array", "items": inner, **once}

    def _union(self, nodes: list[code.Node], scope: Scope) -> dict[str, Any]:
        """One of several types; `A | B | None` stands as a pair within a pair."""
        found: list[dict[str, Any]] = []
        for node in nodes:
            schema = self.of_type(node, scope)
            found += schema["anyOf"] if schema.keys() == {"anyOf"} else [schema]
        return found[0] if len(found) == 1 else {"anyOf": found}

    def _annotated(self, nodes: list[code.Node], scope: Scope) -> dict[str, Any]:
        made = self.of_type(nodes[0], scope)
        for node in nodes[1:]:
            if isinstance(node, code.Const) and isinstance(node.value, str):
                made = {**made, "description": node.value}
            else:
                if not isinstance(node, code.Call) or _word(node.function) != "Field":
                    raise Untold(node.text, node.at)
                made = self._limited(made, self._settings(node, scope))
        return made


def _given(node: code.Call) -> dict[str, code.Node]:
    """The settings of a `Field(…)`; `...` is no default."""
    if len(node.args) > 1:
        raise Untold(node.text, node.at)
    given = {"default": node.args[0]} if node.args else {}
    for name, value in node.named:
        if name is None or name not in (*_SETTINGS, "default_factory"):
            raise Untold(f"{name}={value.text}" if name else value.text, value.at)
        given[name] = value
    if "default" in given and given["default"].text == "...":
        del given["default"]
    return given


def is_model(value: Any) -> bool:
    """Whether a class is declared field by field: pydantic's models, dataclasses, `TypedDict`."""
    if not isinstance(value, Model):
        return False
    marked = any(_word(mark) == "dataclass" for mark in value.declared.marks)
    based = any(_word(base) in _BASES for base in value.declared.bases)
    return marked or based or any(is_model(base) for base in value.bases)


def enumerated(model: Model) -> bool:
    return any(_word(base) in _ENUMS for base in model.declared.bases)


def _word(node: code.Node | None) -> str:
    """The last word of a name, with or without what it is given: `typing.List[str]` is `List`."""
    if isinstance(node, code.Call):
        return _word(node.function)
    if isinstance(node, code.Index):
        return _word(node.of)
    if isinstance(node, code.Attr):
        return node.name
    return node.id if isinstance(node, code.Name) else ""


# Functions.

_SECTION = re.compile(
    r"^[ \t]*(Args|Arguments|Parameters|Params|Returns?|Raises|Yields|Examples?|Notes?)"
    r"[ \t]*:?[ \t]*(?:\n[ \t]*-{3,}[ \t]*)?$",
    re.M,
)
_FIELD = re.compile(r"^[ \t]*:(?:param|arg)(?:[ \t]+[\w\[\], ]+)?[ \t]+(\w+)[ \t]*:", re.M)
_ARGUMENT = re.compile(
    r"^[ \t]*\*{0,2}(?P<name>\w+)[ \t]*(?:\([^)\n]*\))?[ \t]*:[ \t]*(?P<said>.*)$"
)


def parameters(ev: Evaluator, closure: Closure, about: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a function as a schema, by its signature and what is said of each."""
    types = Types(ev)
    properties: dict[str, Any] = {}
    required = []
    for index, param in enumerate(closure.function.params):
        if param.rest:
            raise Untold(f"**{param.name}", param.at)
        if index == 0 and _is_context(param):
            continue
        schema = types.of_type(param.type, closure.scope)
        if param.name in about:
            schema.setdefault("description", about[param.name])
        settings = types._settings(param.default, closure.scope)
        properties[param.name] = types._limited(schema, settings)
        if "default" not in settings:
            required.append(param.name)
    made = {"type": "object", "properties": properties}
    return {**made, "required": required} if required else made


def _is_context(param: code.Param) -> bool:
    typed = _word(param.type)
    return param.name in _CONTEXTS or typed in ("RunContextWrapper", "ToolContext", "RunContext")


def docstring(text: str) -> tuple[str, dict[str, str]]:
    """What a docstring says of a function, and of each of its parameters."""
    about: dict[str, str] = {}
    fields = list(_FIELD.finditer(text))
    for match in fields:
        rest = re.split(r"\n[ \t]*(?::|\n)", text[match.end() :], maxsplit=1)[0]
        about[match[1]] = " ".join(rest.split())
    if fields:
        return text[: fields[0].start()].strip(), about
    sections = list(_SECTION.finditer(text))
    for index, match in enumerate(sections):
        if match[1] in ("Args", "Arguments", "Parameters", "Params"):
            end = sections[index + 1].start() if index + 1 < len(sections) else len(text)
            about |= _arguments(text[match.end() : end])
    head = text[: sections[0].start()] if sections else text
    return head.strip(), about


def _arguments(text: str) -> dict[str, str]:
    about: dict[str, str] = {}
    name, margin = "", -1
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        match = _ARGUMENT.match(line)
        if match and (margin < 0 or indent <= margin):
            name, margin = match["name"], indent
            about[name] = match["said"].strip()
        elif name and line.strip():
            about[name] = f"{about[name]} {line.strip()}".strip()
    return about
