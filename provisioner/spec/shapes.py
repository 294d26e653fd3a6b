"""What a model allows at a path, read from its JSON Schema; only asked when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from provisioner.kinds.base import Path
from provisioner.spec.words import shown

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
        found = list(self._flat(_schema(self._model), value))
        for step in path:
            value = _inner(value, step)
            found = [flat for schema in found for inner in _enter(schema, step) for flat in self._flat(inner, value)]
        return found

    def _flat(self, schema: Any, value: Any) -> Iterator[dict[str, Any]]:
        if not isinstance(schema, dict):
            return
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            yield from self._flat(_schema(self._model).get("$defs", {}).get(name, {}), value)
        if _fits(schema, value):
            yield schema
            for branch in [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]:
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
        if low is not None and high is not None:
            return f"between {shown(low)} and {shown(high)}"
        if high is not None:
            return f"at most {shown(high)}"
        if low is not None:
            return f"at least {shown(low)}"
        above = merged.get("exclusiveMinimum")
        return f"more than {shown(above)}" if above is not None else "a finite number"

    def sorts(self, path: Path, value: Any) -> str:
        """What may stand at the path: `text or a mapping`; nothing where the schema does not say."""
        said = [schema["type"] for schema in self.at(path, value) if isinstance(schema.get("type"), str)]
        if "number" in said:
            said = [name for name in said if name != "integer"]
        words = list(dict.fromkeys(_SORTS[name] for name in said if name in _SORTS))
        return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)

    def description(self, path: Path, value: Any) -> str | None:
        """What the field is for."""
        return next((schema["description"] for schema in self.at(path, value) if "description" in schema), None)

    def examples(self, path: Path, value: Any) -> list[Any]:
        """Good values of the field."""
        return [example for schema in self.at(path, value) for example in schema.get("examples", ())]

    def required(self, path: Path, value: Any) -> list[str]:
        """The keys that a mapping at the path must have."""
        return list(dict.fromkeys(key for schema in self.at(path, value) for key in schema.get("required", ())))


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
    return known is None or value.get("type", said.get("default")) in known or not isinstance(value.get("type"), str)
