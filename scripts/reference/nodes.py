"""JSON Schemas in words: types, limits, defaults, and a name for every mapping that has fields of
its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.reference.markdown import code, link, sentence, table

Node = dict[str, Any]

_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
}
_ABBREVIATIONS = {"mcp": "MCP", "json": "JSON", "id": "ID"}
_SAID = re.compile(r"\bdefaults?\b", re.I)


class Shapes:
    """The mappings of a schema by the title that they have on the page."""

    def __init__(self, definitions: Mapping[str, Node], roots: Mapping[str, str]) -> None:
        """`roots` gives definitions that have a section of their own, and its title."""
        self._definitions = definitions
        self._titles = {**{name: title(name) for name in definitions}, **roots}
        self._inline: dict[str, Node] = {}
        self._used: dict[str, Node] = {}

    def definition(self, name: str) -> Node:
        return self._definitions[name]

    def fields(self, node: Node) -> str:
        """A table of the fields of a mapping."""
        required = node.get("required", ())
        rows = [
            (
                f"`{name}`" + (" (required)" if name in required else ""),
                self.words(one, name),
                limits(one),
                self._about(one),
            )
            for name, one in node.get("properties", {}).items()
        ]
        return table(("field", "type", "limits", "meaning"), rows)

    def _about(self, node: Node) -> str:
        if "$ref" in node and "description" not in node:
            return about({**self._definitions[node["$ref"].rpartition("/")[2]], **node})
        return about(node)

    def words(self, node: Node, field: str = "") -> str:
        """The type of a value; `field` is what it is called, where that has to serve as its
        name.
        """
        if "$ref" in node:
            return self._reference(node["$ref"].rpartition("/")[2])
        if "anyOf" in node:
            return _either([self.words(one, field) for one in self._branches(node)])
        if "const" in node:
            return code(node["const"])
        if "enum" in node:
            return _either([code(one) for one in node["enum"]])
        return self._plain(node, field)

    def _branches(self, node: Node) -> Iterator[Node]:
        """What a value may be, choices within choices on one level."""
        for one in node["anyOf"]:
            inner = self._definitions.get(one.get("$ref", "").rpartition("/")[2], one)
            if "anyOf" in inner:
                yield from self._branches(inner)
            elif one.get("type") != "null":
                yield one

    def _plain(self, node: Node, field: str) -> str:
        kind = node.get("type")
        if kind == "array":
            return f"list of {self.words(node.get('items', {}))}"
        if kind == "object" and "properties" in node:
            return self._named(node, field)
        if kind == "object":
            inner = next(
                iter(node.get("patternProperties", {}).values()), node.get("additionalProperties")
            )
            return (
                f"mapping of names to {self.words(inner)}"
                if isinstance(inner, dict) and inner
                else "mapping"
            )
        return _TYPES.get(str(kind), "anything")

    def _reference(self, name: str) -> str:
        node = self._definitions[name]
        if "properties" not in node:  # another name for a type
            return self.words({key: value for key, value in node.items() if key != "description"})
        return self._use(self._same(name), self._definitions[self._same(name)])

    def _same(self, name: str) -> str:
        """A definition that differs from another by `only` alone is reported as that one."""
        other = name.removeprefix("Shared")
        known = self._definitions.get(other)
        return other if known and _keys(known) == _keys(self._definitions[name]) else name

    def _named(self, node: Node, field: str) -> str:
        """A mapping without a definition is called after its type, or after the field that it
        stands in.
        """
        name = str(node["properties"].get("type", {}).get("const") or f"{field}_block")
        return self._use(name, self._inline.setdefault(name, node))

    def _use(self, name: str, node: Node) -> str:
        called = self._titles.get(name) or title(name)
        if called == "Unmanaged":
            return "`{id: …}`"
        if called == "From file":
            return "`{file: PATH}`"
        if called == "From files":
            return "`{files: [PATH, …]}`"
        self._used.setdefault(called, node)
        return link(called)

    def used(self, done: set[str]) -> Iterator[tuple[str, Node]]:
        """The mappings that were spoken of and have no section yet; telling one may bring up
        further ones.
        """
        while left := [one for one in self._used if one not in done]:
            for called in left:
                done.add(called)
                yield called, self._used[called]


def title(name: str) -> str:
    """`File search` for `FileSearch` and `file_search`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ")
    said = [_ABBREVIATIONS.get(word.lower(), word.lower()) for word in words.split()]
    return " ".join([said[0][:1].upper() + said[0][1:], *said[1:]])


def _keys(node: Node) -> set[str]:
    return set(node.get("properties", ())) - {"only"}


def _either(choices: list[str]) -> str:
    distinct = list(dict.fromkeys(choices))
    return distinct[0] if len(distinct) == 1 else f"{', '.join(distinct[:-1])} or {distinct[-1]}"


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
    said = _said(node)
    parts = [sentence(said)]
    if "default" in node and not _SAID.search(said):
        parts.append(f"Default {code(node['default'])}.")
    if node.get("examples"):
        parts.append(f"Example: {' or '.join(map(code, node['examples'][:2]))}")
    return " ".join(part for part in parts if part)


def _said(node: Node) -> str:
    """The description; that of the type itself, where it says more."""
    branches = [one for one in node.get("anyOf", ()) if one.get("type") != "null"]
    inner = branches[0].get("description", "") if len(branches) == 1 else ""
    own: str = node.get("description", "")
    return max(own, inner, key=len)
