"""What may be declared, field by field: what it is, how each API carries it, and an example."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args, get_origin

from provisioner.errors import UsageError
from provisioner.kinds import kinds
from provisioner.kinds.base import Kind, Path
from provisioner.kinds.table import Field, named
from provisioner.model import Problem
from provisioner.text import suggest
from provisioner.yamltext.examples import Commented, block, uncommented

Node = dict[str, Any]
_NAME = "example"
_LIMITS = {
    "ge": "minimum",
    "le": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
}
_LISTS = {"minLength": "minItems", "maxLength": "maxItems"}
_PLAIN: dict[Any, str] = {str: "string", float: "number", int: "integer", bool: "boolean"}
_GONE = object()  # the value of what an example is to have no more


@dataclass(frozen=True, slots=True)
class Part:
    """A field below what is explained, or one of the types that it may be of."""

    name: str
    node: Node
    required: bool = False


@dataclass(frozen=True, slots=True)
class Carried:
    """How one API carries a field: where a request has it, or what has to be accepted to lose."""

    api: str
    path: str | None  # None: it does not; empty: at the top, each of its keys
    loss: str | None = None  # what `accept_loss` calls it


@dataclass(frozen=True, slots=True)
class Explained:
    """A kind, or a field of one, however deep. `node` is its JSON Schema."""

    path: str
    node: Node
    example: str  # YAML that is a valid spec
    definitions: Mapping[str, Node] = field(default_factory=dict)
    required: bool = False
    fixed: bool = False  # a change makes a new object
    default: Any = None  # what the service makes of null
    parts: tuple[Part, ...] = ()
    sent: bool = True  # False: a setting of ours, which no request has
    carried: tuple[Carried, ...] = ()  # empty: nobody can tell beforehand


def explained(words: str) -> Explained:
    """What `assistant`, `assistant.temperature` or `assistant.tools.mcp.server_url` is. UsageError
    for a name that there is none of.
    """
    first, *names = words.split(".")
    by_section = {kind.section: kind for kind in kinds().values()}
    kind = kinds().get(first) or by_section.get(first)
    if kind is None:
        detail = f"There is no kind `{first}`."
        raise UsageError(Problem("Unknown kind", detail, suggest(first, kinds(), "the kinds are")))
    return Explaining(kind).of(names)


@dataclass(frozen=True, slots=True)
class _Found:
    """A value's schema, and how a value of it becomes one of the whole."""

    node: Node
    whole: Callable[[Any], Any]
    way: Path = ()  # to the value, in the whole
    required: bool = False
    # The mappings on that way, outermost first: where they are, and their schemas.
    levels: tuple[tuple[Path, Node], ...] = ()


class Explaining:
    """One kind. What needs pydantic is read when it is asked for."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.definitions: dict[str, Node] = {}
        self._known: dict[str, Node] = {}  # the schema of the whole, and of its fields

    def of(self, names: Sequence[str]) -> Explained:
        path = ".".join([self.kind.name, *names])
        if not names:
            return self._kind(path)
        one = self.kind.fields.get(names[0])
        found = self._find(self._whole(names[0]), names, self.kind.name)
        example = found.whole(_commented(self._filled(found), found.node))
        if len(names) > 1 or self._modelled(names[0]):
            example = self._mended(example, found.levels, found.way)
        return Explained(
            path,
            found.node,
            self._spec(example),
            definitions=self.definitions,
            required=found.required,
            fixed=bool(one and one.fixed),
            default=one.default if one and len(names) == 1 else None,
            parts=tuple(self._parts(found.node)),
            sent=self.kind.inlined or bool(one and one.kept),
            carried=tuple(self._carried(one, names, uncommented(example), found.way)),
        )

    def _kind(self, path: str) -> Explained:
        whole = self._whole(None)
        known = {one.name for one in self.kind.fields}
        # What every resource may say stands behind what this one may.
        parts = sorted(self._parts(whole), key=lambda part: bool(known) and part.name not in known)
        nodes = {part.name: part.node for part in parts}
        fullest = max(self.kind.examples, key=len)
        example: Any = {
            name: _commented(value, nodes.get(name, {})) for name, value in fullest.items()
        }
        node = {"description": self.kind.summary, "type": "object"}
        if nodes.keys().isdisjoint(example):  # of several types, each with fields of its own
            example = _commented(example, node)
        example = self._mended(example, [((), whole)], ())
        return Explained(
            path, node, self._spec(example), definitions=self.definitions, parts=tuple(parts)
        )

    def _spec(self, resource: Any) -> str:
        return block({self.kind.section: {_NAME: resource}})

    def _carried(
        self, one: Field | None, names: Sequence[str], example: Any, way: Path
    ) -> Iterator[Carried]:
        if one is None or not one.kept or self.kind.inlined:
            return
        apis = [api for api in self.kind.apis if api is not None]
        if not apis and len(names) == 1 and not one.unread:
            yield Carried("every API", ".".join(one.path("")))
        for api in apis:
            if one.apis is not None and api not in one.apis:
                yield Carried(api, None)
            elif len(names) == 1:
                # A block of what one API alone has is the request's own.
                yield Carried(api, "" if one.name == api else ".".join(one.path(api)))
            else:
                from provisioner.engine.carrying import carried

                yield Carried(api, *carried(self.kind, api, example, way))

    # The schema, as far as it is needed.

    def _whole(self, first: str | None) -> Node:
        """The schema of one resource: of one of its fields alone where that can be told from the
        table.
        """
        one = self.kind.fields.get(first or "")
        if one is None or not one.about or one.sort.written is None:
            if "" not in self._known:
                self._known[""] = self._defined(self.kind.spec.model_json_schema())
            return self._known[""]
        needed = {name: self._field(self.kind.fields[name]) for name in self._required()}
        return {
            "type": "object",
            "properties": {**needed, one.name: self._field(one)},
            "required": list(needed),
        }

    def _required(self) -> list[str]:
        return [one.name for one in self.kind.fields if one.required]

    def _modelled(self, name: str) -> bool:
        """Whether models are needed to read the schema of a field and of what is required beside
        it. Where they are not, no check speaks of the field, and they are not imported for one.
        """
        needed = [self.kind.fields.get(one) for one in (name, *self._required())]
        return any(one is None or isinstance(one.sort.written, str) for one in needed)

    def _field(self, one: Field) -> Node:
        if one.name not in self._known:
            self._known[one.name] = self._read(one)
        return self._known[one.name]

    def _read(self, one: Field) -> Node:
        """The schema of a field: what it takes, and what the table says of it."""
        written = one.sort.written
        if get_origin(written) is Literal:
            node: Node = {"enum": list(get_args(written))}
        elif written in _PLAIN:
            node = {"type": _PLAIN[written]}
        else:
            from pydantic import TypeAdapter

            takes = named(written) if isinstance(written, str) else written
            node = self._defined(TypeAdapter(takes).json_schema())
        said = max(one.about, node.get("description", ""), key=len)
        limits = {_LIMITS[name]: limit for name, limit in one.limits.items()}
        if node.get("type") == "array":
            limits = {_LISTS.get(name, name): limit for name, limit in limits.items()}
        return {**node, **limits, "description": said, "examples": list(one.examples)}

    def _defined(self, schema: Node) -> Node:
        self.definitions |= schema.pop("$defs", {})
        return schema

    def _resolved(self, node: Node) -> Node:
        """A node with what it refers to, and without the branch that only allows null."""
        if "$ref" in node:
            target = self.definitions[node["$ref"].rpartition("/")[2]]
            node = {**target, **{key: node[key] for key in node if key != "$ref"}}
        branches = [one for one in _branches(node) if one.get("type") != "null"]
        if len(branches) == 1:
            inner = self._resolved(branches[0])
            own = {key: node[key] for key in node if key not in ("anyOf", "oneOf", "default")}
            said = max(node.get("description", ""), inner.get("description", ""), key=len)
            return {**inner, **own, **({"description": said} if said else {})}
        return node

    # From a whole to its parts.

    def _parts(self, node: Node) -> Iterator[Part]:
        """What may be said below a value: fields, and where there are several types, those."""
        found: dict[str, Part] = {}
        for part in self._below(self._resolved(node)):
            found.setdefault(part.name, part)
        yield from found.values()

    def _below(self, node: Node) -> Iterator[Part]:
        branches = [self._resolved(one) for one in _branches(node)]
        types = _types(branches)
        if len(types) > 1:
            yield from (Part(name, one) for name, one in types.items())
            branches = [one for one in branches if one not in types.values()]
        for branch in branches:
            below = self._below(branch)
            # Whoever writes the one of them does not write the other.
            yield from (replace(part, required=False) for part in below)
        for inner in _inner(node):
            yield from self._below(self._resolved(inner))
        required = node.get("required", ())
        for name, one in node.get("properties", {}).items():
            if _said(self._resolved(one)):
                yield Part(name, self._resolved(one), name in required)

    def _find(self, node: Node, names: Sequence[str], path: str) -> _Found:
        found = self._descend(node, names)
        if found is not None:
            return found
        # The longest part of it that there is, to say what is below that.
        known, at = node, 0
        while at < len(names) and (nearer := self._descend(node, names[: at + 1])):
            known, at = nearer.node, at + 1
        choices = [part.name for part in self._parts(known if at else self._whole(None))]
        above = ".".join([path, *names[:at]])
        detail = f"`{above}` has no field `{names[at]}`."
        hint = suggest(names[at], choices, "it has") or f"`provisioner explain {above}` lists them"
        raise UsageError(Problem("Unknown field", detail, hint if choices else "it has none"))

    def _descend(self, node: Node, names: Sequence[str]) -> _Found | None:
        node = self._resolved(node)
        if not names:
            return _Found(node, lambda value: value)
        if names[0] in node.get("properties", {}):
            return self._property(node, names[0], names[1:])
        return self._into_branch(node, names) or self._into_entry(node, names)

    def _into_branch(self, node: Node, names: Sequence[str]) -> _Found | None:
        branches = [self._resolved(one) for one in _branches(node)]
        types = _types(branches)
        if len(types) > 1:
            if names[0] in types:
                return self._descend(types[names[0]], names[1:])
            branches = [one for one in branches if one not in types.values()]
        found = [one for branch in branches if (one := self._descend(branch, names))]
        # Of several the one that is listed: the others have nothing to say of it.
        found.sort(key=lambda one: not _said(one.node))
        return found[0] if found else None

    def _into_entry(self, node: Node, names: Sequence[str]) -> _Found | None:
        """A list or a mapping of names says nothing itself: what is below is that of an entry."""
        listed = node.get("type") == "array"
        for inner in _inner(node):
            found = self._descend(inner, names)
            if found:
                return _within(found, 0 if listed else _NAME, listed)
        return None

    def _property(self, node: Node, name: str, rest: Sequence[str]) -> _Found | None:
        found = self._descend(node["properties"][name], rest)
        if found is None:
            return None
        required = node.get("required", ())
        beside = {
            other: self._sample(one)
            for other, one in node["properties"].items()
            if other != name and (other in required or "const" in one or self._refers(one))
        }

        def whole(value: Any) -> Any:
            return {**beside, name: found.whole(value)}

        is_required = name in required if not rest else found.required
        below = (((name, *way), inner) for way, inner in found.levels)
        return _Found(
            found.node, whole, (name, *found.way), is_required, levels=(((), node), *below)
        )

    # Values that are examples.

    def _filled(self, found: _Found) -> Any:
        """An example of what is explained itself. A mapping without one has every field that fits
        beside the others and that no API loses which has the rest.
        """
        node = found.node
        if node.get("examples") or "properties" not in node:
            return self._sample(node)
        from provisioner.engine.carrying import troubles

        sample = self._sample(node)
        known = troubles(self.kind, found.whole(sample))
        for name, one in self._optional(node, sample):
            more = {**sample, name: self._sample(one)}
            now = troubles(self.kind, found.whole(more))
            if now.no_worse(known):
                sample, known = more, now
        nodes = node["properties"]
        return {name: _commented(one, self._resolved(nodes[name])) for name, one in sample.items()}

    def _optional(self, node: Node, sample: Any) -> Iterator[tuple[str, Node]]:
        """What may be said beside what an example says already, where there are examples of it."""
        from provisioner.kinds.common import Resource

        for name, one in node.get("properties", {}).items():
            said = name in sample or name in Resource.model_fields
            if not said and self._resolved(one).get("examples"):
                yield name, one

    def _mended(self, example: Any, levels: Sequence[tuple[Path, Node]], at: Path) -> Any:
        """An example with what it lacks to be valid through every API that carries what is
        explained, which lies `at` the end of a way: a tool that a check speaks of, one of several
        settings that exclude each other, the name of the only API that has what else is needed.
        What lies nearest comes first.
        """
        from provisioner.engine.carrying import troubles

        known = troubles(self.kind, uncommented(example), at)
        for way, part in reversed(levels):
            if known.none:
                break
            whole = self._whole(None)
            node = part if way or "properties" not in whole else whole
            for name, value in self._edits(node, _at(example, way)):
                if at[: len(way) + 1] == (*way, name):
                    continue
                more = _with(example, way, name, value)
                now = troubles(self.kind, uncommented(more), at)
                # Another word, of a `type` for instance, is for where nothing more is needed then.
                another = value is not _GONE and name in _at(example, way)
                if now.none or (now.better(known) and not another):
                    example, known = more, now
                if known.none:
                    break
        return example

    def _edits(self, node: Node, sample: Any) -> Iterator[tuple[str, Any]]:
        """What an example may say otherwise in a mapping: another word where it says one of
        several, then something more, then something less.
        """
        nodes = node.get("properties", {})
        for name in sample:
            words = self._resolved(nodes.get(name, {})).get("enum", ())
            yield from ((name, word) for word in words if word != _bare(sample[name]))
        for name, one in self._optional(node, sample):
            yield name, self._sample(one)
        for name in sample:
            if name in nodes and name not in node.get("required", ()):
                yield name, _GONE

    def _refers(self, node: Node) -> bool:
        """Whether it names what something works on, without which an example says little."""
        items = self._resolved(node).get("items", {})
        return any(one.get("$ref", "").endswith("/Unmanaged") for one in _branches(items))

    def _sample(self, node: Node) -> Any:
        """A value that a schema takes."""
        node = self._resolved(node)
        if node.get("examples"):
            return node["examples"][0]
        for key in ("const", "default"):
            if node.get(key) not in (None, [], {}):
                return node[key]
        if "enum" in node:
            return node["enum"][0]
        branches = _branches(node)
        return self._sample(branches[-1]) if branches else self._typed(node)

    def _typed(self, node: Node) -> Any:
        kind = node.get("type")
        if kind == "array":
            return [self._sample(node.get("items", {}))]
        if kind == "object":
            required = node.get("required", ())
            return {
                name: self._sample(one)
                for name, one in node.get("properties", {}).items()
                if name in required or "const" in one or self._refers(one)
            }
        values = {"integer": node.get("minimum", 1), "number": 1, "boolean": True}
        return values.get(str(kind), "text")


def _at(example: Any, way: Path) -> Any:
    """What an example has at the end of a way, its comment apart."""
    for key in way:
        example = _bare(example)[key]
    return _bare(example)


def _with(example: Any, way: Path, name: str, value: Any) -> Any:
    """The same example with another value in the mapping at the end of a way, or without one."""
    if isinstance(example, Commented):
        return replace(example, value=_with(example.value, way, name, value))
    if not way:
        rest = {other: one for other, one in example.items() if other != name}
        return rest if value is _GONE else {**example, name: value}
    inner = _with(example[way[0]], way[1:], name, value)
    return [inner] if isinstance(example, list) else {**example, way[0]: inner}


def _bare(example: Any) -> Any:
    return example.value if isinstance(example, Commented) else example


def _commented(value: Any, node: Node) -> Any:
    said = _said(node)
    return Commented(value, said.removesuffix(".")) if said else value


def _within(found: _Found, key: str | int, listed: bool) -> _Found:
    def whole(value: Any) -> Any:
        inner = found.whole(value)
        return [inner] if listed else {key: inner}

    levels = tuple(((key, *way), node) for way, node in found.levels)
    return _Found(found.node, whole, (key, *found.way), found.required, levels)


def _said(node: Node) -> str:
    return str(node.get("description", ""))


def _branches(node: Node) -> list[Node]:
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
