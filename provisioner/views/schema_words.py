"""JSON Schemas in words: types, limits, defaults and meanings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.text import sentence
from provisioner.yamltext.examples import flow

Node = Mapping[str, Any]

_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
}
_ABBREVIATIONS = {"mcp": "MCP", "json": "JSON", "id": "ID"}
_SAID = re.compile(r"\bdefaults?\b", re.I)
_AS_WRITTEN = {
    "Unmanaged": "`{id: …}`",
    "From file": "`{file: PATH}`",
    "From files": "`{files: [PATH, …]}`",
}


class Words:
    """The types of values in words. A mapping that has fields of its own goes by its title."""

    def __init__(self, definitions: Mapping[str, Node]) -> None:
        self.definitions = definitions

    def words(self, node: Node, field: str = "") -> str:
        """The type of a value; `field` is what it is called, where that has to serve as its
        name.
        """
        if "$ref" in node:
            return self._reference(node["$ref"].rpartition("/")[2])
        if "anyOf" in node or "oneOf" in node:
            return either([self.words(one, field) for one in self._branches(node)])
        if "const" in node:
            return code(node["const"])
        if "enum" in node:
            return either([code(one) for one in node["enum"]])
        return self._plain(node, field)

    def _branches(self, node: Node) -> Iterator[Node]:
        """What a value may be, choices within choices on one level."""
        for one in node.get("anyOf") or node["oneOf"]:
            inner = self.definitions.get(one.get("$ref", "").rpartition("/")[2], one)
            if "anyOf" in inner:
                yield from self._branches(inner)
            elif one.get("type") != "null":
                yield one

    def called(self, name: str, node: Node) -> str:  # others link to it
        """What a mapping with fields of its own is called."""
        return title(name).lower() if title(name)[1:].islower() else title(name)

    def _plain(self, node: Node, field: str) -> str:
        kind = node.get("type")
        if kind == "array":
            return f"list of {self.words(node.get('items', {}))}"
        if kind == "object" and "properties" in node:
            # Without a definition: after its type, or after the field that it stands in.
            name = str(node["properties"].get("type", {}).get("const") or f"{field}_block")
            return self._mapping(name, node)
        if kind == "object":
            inner = next(
                iter(node.get("patternProperties", {}).values()), node.get("additionalProperties")
            )
            return (
                f"mapping of names to {self.words(inner)}"
                if isinstance(inner, Mapping) and inner
                else "mapping"
            )
        return _TYPES.get(str(kind), "anything")

    def _reference(self, name: str) -> str:
        node = self.definitions[name]
        if "properties" not in node:  # another name for a type
            return self.words({key: value for key, value in node.items() if key != "description"})
        same = self._same(name)
        return self._mapping(same, self.definitions[same])

    def _same(self, name: str) -> str:
        """A definition that differs from another by `only` alone is reported as that one."""
        other = name.removeprefix("Shared")
        known = self.definitions.get(other)
        return other if known and _keys(known) == _keys(self.definitions[name]) else name

    def _mapping(self, name: str, node: Node) -> str:
        return _AS_WRITTEN.get(title(name)) or self.called(name, node)


def _keys(node: Node) -> set[str]:
    return set(node.get("properties", ())) - {"only"}


def title(name: str) -> str:
    """`File search` for `FileSearch` and `file_search`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ")
    said = [_ABBREVIATIONS.get(word.lower(), word.lower()) for word in words.split()]
    return " ".join([said[0][:1].upper() + said[0][1:], *said[1:]])


def either(choices: list[str]) -> str:
    """`a`, `b` or `c`, each once."""
    distinct = list(dict.fromkeys(choices))
    return distinct[0] if len(distinct) == 1 else f"{', '.join(distinct[:-1])} or {distinct[-1]}"


def code(value: Any) -> str:
    """A value as an author would write it on one line."""
    return f"`{flow(value)}`"


def limits(node: Node) -> str:
    """What a value must keep to, in words; of the first branch that has any."""
    found = _limits(node)
    for branch in node.get("anyOf", ()):
        found = found or _limits(branch)
    return ", ".join(found)


def _limits(node: Node) -> list[str]:
    ends = (node.get("minimum"), node.get("maximum"))
    found = [_range(*ends)] if ends != (None, None) else []
    units = (("Length", "characters"), ("Items", "entries"), ("Properties", "pairs"))
    for unit, word in units:
        if (most := node.get(f"max{unit}")) is not None:
            found.append(f"at most {most:,} {word}")
        elif node.get(f"min{unit}"):
            found.append("not empty")
    return found


def _range(least: Any, most: Any) -> str:
    if most is None:
        return f"at least {least:,}"
    return f"{least:,} to {most:,}" if least is not None else f"at most {most:,}"


def about(node: Node) -> str:
    """The meaning of a field, its default and an example."""
    said = description(node)
    parts = [sentence(said)]
    if "default" in node and not _SAID.search(said):
        parts.append(f"Default {code(node['default'])}.")
    if node.get("examples"):
        parts.append(f"Example: {' or '.join(map(code, node['examples'][:2]))}")
    return " ".join(part for part in parts if part)


def description(node: Node) -> str:
    """The description; that of the type itself, where it says more."""
    branches = [one for one in node.get("anyOf", ()) if one.get("type") != "null"]
    inner = branches[0].get("description", "") if len(branches) == 1 else ""
    own: str = node.get("description", "")
    return max(own, inner, key=len)
