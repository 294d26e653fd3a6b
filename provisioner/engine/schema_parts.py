"""A JSON Schema taken apart: what lies below a name, and a value that fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from provisioner.errors import UsageError
from provisioner.kinds.base import Path
from provisioner.model import Problem
from provisioner.records import dataclass
from provisioner.text import suggest

Node = dict[str, Any]
NAME = "example"


@dataclass(frozen=True, slots=True)
class Part:
    """A field below what is explained, or one of the types that it may be of."""

    name: str
    node: Node
    required: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A value's schema, and how a value of it becomes one of the whole."""

    node: Node
    whole: Callable[[Any], Any]
    way: Path = ()  # to the value, in the whole
    required: bool = False
    # The mappings on that way, outermost first: where they are, and their schemas.
    levels: tuple[tuple[Path, Node], ...] = ()


class Schema:
    """Definitions, and what is found by following them."""

    def __init__(self, definitions: dict[str, Node] | None = None) -> None:
        self.definitions: dict[str, Node] = definitions or {}

    def defined(self, schema: Node) -> Node:
        self.definitions |= schema.pop("$defs", {})
        return schema

    def resolved(self, node: Node) -> Node:
        """A node with what it refers to, and without the branch that only allows null."""
        if "$ref" in node:
            target = self.definitions[node["$ref"].rpartition("/")[2]]
            node = {**target, **{key: node[key] for key in node if key != "$ref"}}
        branches = [one for one in branches_of(node) if one.get("type") != "null"]
        if len(branches) == 1:
            inner = self.resolved(branches[0])
            own = {key: node[key] for key in node if key not in ("anyOf", "oneOf", "default")}
            said = max(node.get("description", ""), inner.get("description", ""), key=len)
            return {**inner, **own, **({"description": said} if said else {})}
        return node

    # From a whole to its parts.

    def parts(self, node: Node) -> Iterator[Part]:
        """What may be said below a value: fields, and where there are several types, those."""
        found: dict[str, Part] = {}
        for part in self._below(self.resolved(node)):
            found.setdefault(part.name, part)
        yield from found.values()

    def _below(self, node: Node) -> Iterator[Part]:
        branches = [self.resolved(one) for one in branches_of(node)]
        types = _types(branches)
        if len(types) > 1:
            yield from (Part(name, one) for name, one in types.items())
            branches = [one for one in branches if one not in types.values()]
        for branch in branches:
            below = self._below(branch)
            # Whoever writes the one of them does not write the other.
            yield from (replace(part, required=False) for part in below)
        for inner in _inner(node):
            yield from self._below(self.resolved(inner))
        required = node.get("required", ())
        for name, one in node.get("properties", {}).items():
            if about(self.resolved(one)):
                yield Part(name, self.resolved(one), name in required)

    def unknown(self, whole: Node, names: Sequence[str], path: str) -> UsageError:
        """What says that there is no such name below `path`, and what there is."""
        # The longest part of it that there is, to say what is below that.
        known, at = whole, 0
        while at < len(names) and (nearer := self.descend(whole, names[: at + 1])):
            known, at = nearer.node, at + 1
        choices = [part.name for part in self.parts(known)]
        above = ".".join([path, *names[:at]])
        detail = f"`{above}` has no field `{names[at]}`."
        hint = suggest(names[at], choices, "it has") or f"`provisioner explain {above}` lists them"
        return UsageError(Problem("Unknown field", detail, hint if choices else "it has none"))

    def descend(self, node: Node, names: Sequence[str]) -> Found | None:
        node = self.resolved(node)
        if not names:
            return Found(node, lambda value: value)
        if names[0] in node.get("properties", {}):
            return self._property(node, names[0], names[1:])
        return self._into_branch(node, names) or self._into_entry(node, names)

    def _into_branch(self, node: Node, names: Sequence[str]) -> Found | None:
        branches = [self.resolved(one) for one in branches_of(node)]
        types = _types(branches)
        if len(types) > 1:
            if names[0] in types:
                return self.descend(types[names[0]], names[1:])
            branches = [one for one in branches if one not in types.values()]
        found = [one for branch in branches if (one := self.descend(branch, names))]
        # Of several the one that is listed: the others have nothing to say of it.
        found.sort(key=lambda one: not about(one.node))
        return found[0] if found else None

    def _into_entry(self, node: Node, names: Sequence[str]) -> Found | None:
        """A list or a mapping of names says nothing itself: what is below is that of an entry."""
        listed = node.get("type") == "array"
        for inner in _inner(node):
            found = self.descend(inner, names)
            if found:
                return _within(found, 0 if listed else NAME, listed)
        return None

    def _property(self, node: Node, name: str, rest: Sequence[str]) -> Found | None:
        found = self.descend(node["properties"][name], rest)
        if found is None:
            return None
        required = node.get("required", ())
        beside = {
            other: self.sample(one)
            for other, one in node["properties"].items()
            if other != name and (other in required or "const" in one or self.refers(one))
        }

        def whole(value: Any) -> Any:
            return {**beside, name: found.whole(value)}

        is_required = name in required if not rest else found.required
        below = (((name, *way), inner) for way, inner in found.levels)
        return Found(
            found.node, whole, (name, *found.way), is_required, levels=(((), node), *below)
        )

    def refers(self, node: Node) -> bool:
        """Whether it names what something works on, without which an example says little."""
        items = self.resolved(node).get("items", {})
        return any(one.get("$ref", "").endswith("/Unmanaged") for one in branches_of(items))

    def sample(self, node: Node) -> Any:
        """A value that a schema takes."""
        node = self.resolved(node)
        if node.get("examples"):
            return node["examples"][0]
        for key in ("const", "default"):
            if node.get(key) not in (None, [], {}):
                return node[key]
        if "enum" in node:
            return node["enum"][0]
        branches = branches_of(node)
        return self.sample(branches[-1]) if branches else self._typed(node)

    def _typed(self, node: Node) -> Any:
        kind = node.get("type")
        if kind == "array":
            return [self.sample(node.get("items", {}))]
        if kind == "object":
            required = node.get("required", ())
            return {
                name: self.sample(one)
                for name, one in node.get("properties", {}).items()
                if name in required or "const" in one or self.refers(one)
            }
        values = {"integer": node.get("minimum", 1), "number": 1, "boolean": True}
        return values.get(str(kind), "text")


def _within(found: Found, key: str | int, listed: bool) -> Found:
    def whole(value: Any) -> Any:
        inner = found.whole(value)
        return [inner] if listed else {key: inner}

    levels = tuple(((key, *way), node) for way, node in found.levels)
    return Found(found.node, whole, (key, *found.way), found.required, levels)


def about(node: Node) -> str:
    return str(node.get("description", ""))


def branches_of(node: Node) -> list[Node]:
    return list(node.get("anyOf") or node.get("oneOf") or ())


def _types(branches: Sequence[Node]) -> dict[str, Node]:
    """The branches that a `type` tells apart."""
    constants = ((one.get("properties", {}).get("type", {}).get("const"), one) for one in branches)
    return {name: one for name, one in constants if name}


def _inner(node: Node) -> Iterator[Node]:
    """What the entries of a list, or of a mapping of names, are."""
    extra = node.get("additionalProperties")
    found = [node.get("items"), *node.get("patternProperties", {}).values(), extra]
    yield from (one for one in found if isinstance(one, dict) and one)
