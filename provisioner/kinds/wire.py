"""What the forms share: metadata with our stamp in it, resets, and the verbs of an object that
carries both.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from provisioner import shapes
from provisioner.diff import top, units
from provisioner.errors import ServiceError
from provisioner.kinds.base import Form, Names, Write
from provisioner.kinds.table import Field, unstamped
from provisioner.model import ID_RULE, Address, Fields, Live, LockState, Problem, Stamp, is_id
from provisioner.shapes import Shape, misfit
from provisioner.text import spelt

if TYPE_CHECKING:
    from provisioner.remote import Remote

Raw = Mapping[str, Any]
_NOT_OURS = "look at that service: it is not what it seems to be"
MAX_PAIRS = 16  # of metadata, our stamp included
_MOST = 10**15  # which no count and no time in seconds comes to


def route(collection: str, id: str, *more: str) -> str:
    """The path of an object, and of what is below it: `route("/vector_stores", id, "files", file)`.
    Whatever comes in, nothing but an id goes out where one belongs.
    """
    for one in (id, *more[1::2]):
        if not is_id(one):
            detail = f"{spelt(one)} cannot be the id of an object; an id has {ID_RULE}."
            raise ServiceError(
                Problem("Not an id", detail, "nothing was sent; look where it comes from")
            )
    return "/".join((collection, id, *more))


def key(path: str) -> str | None:
    """`team` of `metadata.team`, `odd key` of `metadata["odd key"]`, None of `metadata`."""
    rest = path[len(top(path)) :]
    if rest.startswith("["):
        return str(json.JSONDecoder().raw_decode(rest, 1)[0])
    return rest[1:] or None


def stamp(metadata: Any) -> Stamp | None:
    return Stamp.parse(metadata.get(Stamp.KEY)) if isinstance(metadata, Mapping) else None


def check_reply(path: str, raw: Raw, known: Mapping[str, Shape]) -> None:
    """ServiceError where a part of an object is not of the shape that OpenAI's has."""
    odd = misfit(raw, known)
    if odd is not None:
        detail = (
            f"`{path}` shows `{raw.get('id')}` with {spelt(raw[odd])} as `{odd}`,"
            " which has another shape at OpenAI."
        )
        raise ServiceError(Problem("Reply not understood", detail, _NOT_OURS))


def number(raw: Raw, name: str) -> int:
    """A count or a time that a server may leave out. One that nothing can have says nothing: it
    would go into the journal, and make it unreadable.
    """
    value = raw.get(name)
    return int(value) if isinstance(value, int | float) and abs(value) < _MOST else 0


def counts(raw: Raw) -> Raw:
    """How many files of a store are how far; nothing where a server counts in its own way."""
    found = raw.get("file_counts")
    return found if isinstance(found, Mapping) else {}


def merged(live: Any, declared: Any, paths: Collection[str], mark: Stamp) -> dict[str, Any]:
    """Metadata to send: what is live at this moment, with the keys that `paths` names set or
    removed, and our stamp. Keys that somebody else wrote stay, whether the service merges or
    replaces.
    """
    ours = declared or {}
    named = {key(path) for path in paths if top(path) == "metadata"}
    touched = set(ours) if None in named else named
    kept = {
        name: value
        for name, value in unstamped(live).items()
        if name not in touched or name in ours
    }
    return {**kept, **{name: ours[name] for name in ours if name in touched}, Stamp.KEY: str(mark)}


def sent_surroundings(declared: Raw | None, names: Names) -> dict[str, Any]:
    """Where an agent works, as a request has it; nowhere where nothing is said."""
    found = dict(declared or {"type": "none"})
    if template := found.pop("template", None):
        found["environment_template_id"] = names.id_of(template)
    return found


def shown_surroundings(raw: Raw, names: Names) -> Fields:
    """The same as an author would declare it; what comes from a template or a default is left
    out.
    """
    known = ("type", "container_size", "workspace_directory")
    found = {name: raw[name] for name in known if raw.get(name) is not None}
    if template := raw.get("environment_template_id"):
        found["template"] = names.reference(template)
    return found


class ObjectForm(Form):
    """An object, read and written at `collection`. Without metadata nothing says whose it is: after
    a lost reply it is known by how it looks.
    """

    collection: ClassVar[str]
    replies: ClassVar[Mapping[str, Shape]] = {}  # what the service spells in its own way
    named: ClassVar[bool] = False  # whether the service takes none without a name

    @cached_property
    def taken(self) -> list[Field]:
        """The fields that the service takes, metadata apart."""
        return [
            one
            for one in self.table.carried(self.api)
            if not one.certain and one.name != "metadata"
        ]

    @cached_property
    def own(self) -> list[Field]:
        """The fields that the service takes and shows, metadata apart."""
        return [
            one for one in self.table.carried(self.api) if not one.unread and one.name != "metadata"
        ]

    @cached_property
    def _paths(self) -> Mapping[str, tuple[str, ...]]:
        """Where a reply has each field."""
        return {one.name: one.path(self.api) for one in self.table}

    @cached_property
    def _shapes(self) -> Mapping[str, Shape]:
        own = {one.name: shapes.an_id if one.sort.refers_to else one.sort.shape for one in self.own}
        return {**own, "metadata": shapes.mapping(), "status": shapes.text, **self.replies}

    def defaults(self, address: Address, fields: Fields) -> Fields:
        """The name of the resource, where it says no other; null is another one where none has to
        be.
        """
        says = fields.get("name") is not None if self.named else "name" in fields
        return {} if says else {"name": address.name}

    def normal(self, address: Address, fields: Fields) -> Fields:
        more = self.defaults(address, fields)
        return super().normal(address, {**fields, **more} if more else fields)

    def live(self, raw: Raw, names: Names) -> Live:
        """A reply in neutral spelling; what we do not know is in `reply` alone, what is missing
        stays missing. ServiceError where it is not of the shape that OpenAI's has.
        """
        return self._live(raw, names)

    def _live(self, raw: Raw, names: Names, mark: Stamp | None = None) -> Live:
        self._checked(raw)
        fields = {
            one.name: self.shown(one, raw, names)
            for one in self.own
            if self._paths[one.name][0] in raw
        }
        return Live(
            str(raw["id"]),
            fields,
            mark,
            status=raw.get("status"),
            created_at=number(raw, "created_at"),
            updated_at=number(raw, "updated_at"),
            reply={} if mark else raw,
        )

    def _checked(self, raw: Raw) -> Raw:
        """A reply that is of the shape that OpenAI's has: nothing else is built upon."""
        check_reply(self.collection, raw, self._shapes)
        return raw

    def shown(self, one: Field, raw: Raw, names: Names) -> Any:
        """The value of a field that a reply has, as an author would declare it."""
        value: Any = raw
        for name in self._paths[one.name]:
            value = (value or {}).get(name)
        return names.reference(value) if one.sort.refers_to and value else value

    def sent(self, one: Field, value: Any, write: Write) -> dict[str, Any]:
        """A declared value as the service wants it; null for what is reset."""
        named = one.sort.refers_to and value is not None
        return {one.name: write.names.id_of(value) if named else value}

    def body(self, write: Write, units: Collection[str]) -> dict[str, Any]:
        """The fields named by `units` as the service wants them, without metadata."""
        wanted = {**write.fields, **self.defaults(write.address, write.fields)}
        body: dict[str, Any] = {}
        for one in self.taken:
            if one.name in units:
                for name, value in self.sent(one, wanted.get(one.name), write).items():
                    there = body.get(name)  # several fields may be parts of one object
                    body[name] = {**there, **value} if isinstance(there, dict) else value
        return body

    def looks(self, address: Address, fields: Fields, names: Names) -> str:
        """Of what is referred to the ids count: addresses may stand for others by then."""
        shown = self.normal(address, self.table.renamed(fields, names.unmanaged))
        whole = [one.name for one in self.own if one.name not in self.keyed | self.given]
        seen = {name: shown[name] for name in whole}
        for unit, value in units(shown, self.keyed).items():
            if top(unit) in self.keyed and not self.hides(unit):
                seen[unit] = value
        canonical = json.dumps(seen, sort_keys=True, separators=(",", ":"))
        import hashlib  # 3 ms, where nothing is looked for

        return hashlib.sha256(canonical.encode()).hexdigest()

    def parent(self, write: Write) -> str:
        """The collection of the object that a write is about."""
        return self.collection

    async def place(self, remote: Remote, id: str) -> str | None:
        """The path of an object; None where it is known to be nowhere."""
        return route(self.collection, id)

    def begin(self, remote: Remote) -> None:
        remote.begin(self.collection)

    async def listed(self, remote: Remote, known: Sequence[str] = ()) -> Sequence[Raw]:
        """What the service lists, whether it can be read or not."""
        return await remote.list(self.collection, known=known)

    async def list(self, remote: Remote, names: Names, known: Sequence[str] = ()) -> Sequence[Live]:
        """Everything. What is not of the shape that OpenAI's has, and bears no stamp, belongs to
        somebody else and must not stop us: nothing but its id is known (`Live.unfit`).
        """
        found: list[Live] = []
        # From its end, so that each reply goes as soon as it is read.
        raws = list(reversed(await self.listed(remote, known)))
        while raws:
            raw = raws.pop()
            try:
                found.append(self.live(raw, names))
            except ServiceError as error:
                if stamp(raw.get("metadata")):
                    raise
                problem = error.problems[0]
                remote.note(f"{problem.detail.rstrip('.')}: it is left out.")
                found.append(Live(str(raw["id"]), {}, unfit=problem))
        return found

    async def read(self, remote: Remote, id: str, names: Names) -> Live | None:
        path = await self.place(remote, id)
        raw = await remote.find(path) if path else None
        return None if raw is None else self.live(raw, names)

    async def create(self, remote: Remote, write: Write) -> Live:
        units = {*self.defaults(write.address, write.fields), *write.fields}
        body = {name: value for name, value in self.body(write, units).items() if value is not None}
        return await self._create(remote, write, body)

    async def _create(self, remote: Remote, write: Write, body: dict[str, Any]) -> Live:
        collection = self.parent(write)
        raw = self._checked(await remote.post(collection, body))
        path = route(collection, raw["id"])
        return self.live(await self._whole(remote, raw, body, path), write.names)

    async def update(self, remote: Remote, write: Write) -> Live:
        return await self._update(
            remote, write, self.body(write, {top(unit) for unit in write.paths})
        )

    async def _update(self, remote: Remote, write: Write, body: dict[str, Any]) -> Live:
        path = route(self.parent(write), write.id or "")
        raw = await self._send(remote, path, body)
        blanks = {one.name: one.blank for one in self.own if one.blank is not None}
        reset = {
            name: blanks[name] for name, value in body.items() if value is None and name in blanks
        }
        stubborn = {
            name: value for name, value in reset.items() if raw.get(name) not in (None, value)
        }
        if stubborn:
            remote.note(
                f"`{self.collection}` keeps a field that is sent as null; its default was sent"
                " instead."
            )
            raw = await self._send(remote, path, stubborn)
        return self.live(raw, write.names)

    async def delete(self, remote: Remote, id: str) -> None:
        path = await self.place(remote, id)
        if path:
            await remote.delete(path)

    async def _send(self, remote: Remote, path: str, body: dict[str, Any]) -> Raw:
        raw = self._checked(await remote.post(path, body, repeatable=True))
        return await self._whole(remote, raw, body, path)

    async def _whole(self, remote: Remote, raw: Raw, body: Raw, path: str) -> Raw:
        """The reply of a write, completed by a read where it lacks what was sent. The write itself
        succeeded: a read that fails must not make its id be forgotten.
        """
        lacking = body.keys() - raw.keys() - self.unread
        if not lacking:
            return raw
        try:
            found = await remote.find(path)
        except ServiceError:
            found = None
        whole = {**raw, **(found or {})}
        for name in sorted(lacking):
            if name not in whole:
                remote.note(f"`{self.collection}` never shows `{name}`.")
        if lacking & whole.keys():
            remote.note(
                f"`{self.collection}` answers a write without all that was written; it is read once"
                " more."
            )
        return whole


class StampedForm(ObjectForm):
    """An object with metadata, our stamp among it."""

    stamped = True

    def labels(self, write: Write) -> tuple[Fields, Collection[str]]:
        """The metadata that is ours, and the units that differ, as of `Write.paths`."""
        return self.metadata(write.fields, write.lost), write.paths

    def completed(self, body: dict[str, Any], before: Raw) -> dict[str, Any]:
        """The body of an update, with what would be lost by leaving it out; `before` is live."""
        return body

    def live(self, raw: Raw, names: Names) -> Live:
        metadata = raw.get("metadata")
        mark = stamp(metadata)
        found = self._live(raw, names, mark)
        found.fields["metadata"] = unstamped(metadata)
        return found

    async def _create(self, remote: Remote, write: Write, body: dict[str, Any]) -> Live:
        own = {**self.labels(write)[0], Stamp.KEY: str(write.stamp)}
        made = await super()._create(remote, write, {**body, "metadata": own})
        # Some gateways mark what passes through them.
        foreign = sorted(made.fields["metadata"].keys() - own.keys())
        if foreign:
            names = ", ".join(f"`{name}`" for name in foreign)
            remote.note(
                f"`{self.collection}` adds metadata of its own ({names}), which is left alone."
            )
        return made

    async def _update(self, remote: Remote, write: Write, body: dict[str, Any]) -> Live:
        before = self._checked(await remote.get(route(self.parent(write), write.id or "")))
        ours, paths = self.labels(write)
        metadata = merged(before.get("metadata"), ours, paths, write.stamp)
        body = {**self.completed(body, before), "metadata": metadata}
        return await super()._update(remote, write, body)

    async def release(self, remote: Remote, id: str, lock: LockState) -> None:
        """Take the stamp of a lock off an object that is not managed by it any more; that of
        another lock stays, and an object that is gone needs nothing.
        """
        path = await self.place(remote, id)
        raw = await remote.find(path) if path else None
        mark = stamp(self._checked(raw).get("metadata")) if raw is not None else None
        if path and raw is not None and mark and lock.owns(mark):
            left = {"metadata": unstamped(raw["metadata"])}
            self._checked(await remote.post(path, left, repeatable=True))
