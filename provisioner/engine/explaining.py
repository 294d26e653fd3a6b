"""What may be declared, field by field: what it is, how each API carries it, and an example."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from provisioner.engine.schema_parts import NAME, Found, Node, Part, Schema, about
from provisioner.errors import UsageError
from provisioner.kinds import kinds
from provisioner.kinds.base import Kind, Path
from provisioner.kinds.table import Field, named
from provisioner.model import Problem
from provisioner.records import dataclass
from provisioner.text import did_you_mean, listed, suggest
from provisioner.yamltext.examples import Commented, block, uncommented

if TYPE_CHECKING:
    from provisioner.engine.carrying import Carried

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
    file: str = ""  # where it stands, if it is no kind of resource


Files = Mapping[str, Callable[[], Node]]
"""The schemas of what an author writes, by what the file is called."""


def explained(words: str, files: Files) -> Explained:
    """What `assistant`, `assistant.temperature` or `assistant.tools.mcp.server_url` is, or another
    word that stands at the top of a file, as in `imports.to`. UsageError for a name that there is
    none of.
    """
    first, *names = words.split(".")
    by_section = {kind.section: kind for kind in kinds().values()}
    kind = kinds().get(first) or by_section.get(first)
    if kind is not None:
        return Explaining(kind).of(names)
    known: dict[str, Word] = {}
    for name, schema in files.items():
        known |= {word.name: word for word in words_of(name, schema(), first)}
    if first in known:
        return known[first].of(names)
    choices = [*kinds(), *known]
    places = _places(first, known.values())
    hint = (
        (f"it stands in {listed(f'`{place}`' for place in places)}" if places else None)
        or did_you_mean(first, choices)
        or suggest(first, kinds(), "the kinds are")
    )
    raise UsageError(Problem("Unknown kind", f"There is no kind `{first}`.", hint))


def _places(name: str, words: Iterable[Word]) -> list[str]:
    """Where a field of this name stands, for who asks for it alone."""
    fields = [f"{kind.name}.{name}" for kind in kinds().values() if name in kind.spec.model_fields]
    fields += [
        f"{word.name}.{name}" for word in words if name in {part.name for part in word.fields()}
    ]
    return fields


def words_of(file: str, schema: Node, wanted: str = "") -> Iterator[Word]:
    """The words at the top of a file that are no kind's; of those that a pattern has the one that
    is wanted.
    """
    sections = {kind.section for kind in kinds().values()}
    named = {name: one for name, one in schema["properties"].items() if name not in sections}
    for pattern, one in schema.get("patternProperties", {}).items():
        if re.match(pattern, wanted):
            named[wanted] = one
    for name, one in named.items():
        yield Word(name, file, one, schema.get("$defs", {}), name in schema.get("required", ()))


class Word(Schema):
    """A word at the top of a file, which is no kind of resource."""

    def __init__(
        self, name: str, file: str, node: Node, definitions: dict[str, Node], required: bool
    ) -> None:
        super().__init__(definitions)
        self.name = name
        self.file = file
        self.node = node
        self.required = required

    def fields(self) -> Iterator[Part]:
        return self.parts(self.node)

    def of(self, names: Sequence[str]) -> Explained:
        found = self.descend(self.node, names)
        if found is None:
            raise self.unknown(self.node, names, self.name)
        example = found.whole(_commented(self.sample(found.node), found.node))
        return Explained(
            ".".join([self.name, *names]),
            found.node,
            block({self.name: example}),
            definitions=self.definitions,
            required=found.required if names else self.required,
            parts=tuple(self.parts(found.node)),
            file=self.file,
        )


class Explaining(Schema):
    """One kind. What needs pydantic is read when it is asked for."""

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self.kind = kind
        self._known: dict[str, Node] = {}  # the schema of the whole, and of its fields

    def of(self, names: Sequence[str]) -> Explained:
        path = ".".join([self.kind.name, *names])
        if not names:
            return self._kind(path)
        one = self.kind.fields.get(names[0])
        found = self.descend(self._whole(names[0]), names)
        if found is None:
            raise self.unknown(self._whole(None), names, self.kind.name)
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
            parts=tuple(self.parts(found.node)),
            sent=self.kind.inlined or bool(one and one.kept),
            carried=tuple(self._carried(one, names, uncommented(example), found.way)),
        )

    def _kind(self, path: str) -> Explained:
        whole = self._whole(None)
        known = {one.name for one in self.kind.fields}
        # What every resource may say stands behind what this one may.
        parts = sorted(self.parts(whole), key=lambda part: bool(known) and part.name not in known)
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
        return block({self.kind.section: {NAME: resource}})

    def _carried(
        self, one: Field | None, names: Sequence[str], example: Any, way: Path
    ) -> Iterator[Carried]:
        if one is None or not one.kept or self.kind.inlined:
            return
        from provisioner.engine.carrying import Carried, carried, of_declared

        for api in self.kind.apis:
            if api is None and (len(names) > 1 or one.unread):
                continue
            if len(names) == 1 and one.name == api:
                # A block of what one API alone has is the request's own.
                yield Carried(api, "")
            elif self._modelled(names[0]) or one.sort.declare:
                yield carried(self.kind, api, example, way)
            else:
                yield of_declared(self.kind, api, example, way)

    # The schema, as far as it is needed.

    def _whole(self, first: str | None) -> Node:
        """The schema of one resource: of one of its fields alone where that can be told from the
        table.
        """
        one = self.kind.fields.get(first or "")
        if one is None or not one.about or one.sort.written is None:
            if "" not in self._known:
                self._known[""] = self.defined(self.kind.spec.model_json_schema())
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
            node = self.defined(TypeAdapter(takes).json_schema())
        said = max(one.about, node.get("description", ""), key=len)
        limits = {_LIMITS[name]: limit for name, limit in one.limits.items()}
        if node.get("type") == "array":
            limits = {_LISTS.get(name, name): limit for name, limit in limits.items()}
        return {**node, **limits, "description": said, "examples": list(one.examples)}

    # Values that are examples.

    def _filled(self, found: Found) -> Any:
        """An example of what is explained itself. A mapping without one has every field that fits
        beside the others and that no API loses which has the rest.
        """
        node = found.node
        if node.get("examples") or "properties" not in node:
            return self.sample(node)
        from provisioner.engine.carrying import troubles

        sample = self.sample(node)
        known = troubles(self.kind, found.whole(sample))
        for name, one in self._optional(node, sample):
            more = {**sample, name: self.sample(one)}
            now = troubles(self.kind, found.whole(more))
            if now.no_worse(known):
                sample, known = more, now
        nodes = node["properties"]
        return {name: _commented(one, self.resolved(nodes[name])) for name, one in sample.items()}

    def _optional(self, node: Node, sample: Any) -> Iterator[tuple[str, Node]]:
        """What may be said beside what an example says already, where there are examples of it."""
        from provisioner.kinds.common import Resource

        for name, one in node.get("properties", {}).items():
            said = name in sample or name in Resource.model_fields
            if not said and self.resolved(one).get("examples"):
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
            words = self.resolved(nodes.get(name, {})).get("enum", ())
            yield from ((name, word) for word in words if word != _bare(sample[name]))
        for name, one in self._optional(node, sample):
            yield name, self.sample(one)
        for name in sample:
            if name in nodes and name not in node.get("required", ()):
                yield name, _GONE


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
    said = about(node)
    return Commented(value, said.removesuffix(".")) if said else value
