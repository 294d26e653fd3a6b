"""Creating exactly one object, also when the reply to a request never comes."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from provisioner.apply.lookout import Read
from provisioner.apply.run import Run
from provisioner.diff import units
from provisioner.digests import held_path
from provisioner.errors import (
    FORBIDDEN,
    PlanError,
    Refused,
    ReplyLost,
    RouteMissing,
    ServiceError,
)
from provisioner.kinds import Key, file_kind, is_file, kind, naming
from provisioner.kinds.base import PURPOSE, Form, Names, UploadForm, Write
from provisioner.kinds.wire import route
from provisioner.model import Action, Address, Change, Event, Live, Problem, Stamp
from provisioner.plan.users import unmanaged
from provisioner.records import dataclass
from provisioner.remote import HashingReader, Remote, together

ATTEMPTS = 4
PAUSE = 0.4  # seconds before what was not found is looked for once more; doubled with each attempt


@dataclass(frozen=True, slots=True)
class Made:
    """One object and its intent, which is still open and names everything needed to look again
    after a crash. `found`: its reply was lost, so that it was looked for; `resent`: and not found,
    so that it was made again.
    """

    intent: int
    live: Live
    found: bool = False
    resent: bool = False


async def create_once(run: Run, form: Form, write: Write, change: Change) -> Made:
    """Create an object. After a lost reply it is looked for, at once and after a pause, and taken
    over; only where it is not there is the request sent again.
    """
    if form.stamped:
        return await _create(run, form, write, change)
    async with run.turn(_turn(form, write)):
        return await _create(run, form, write, change)


def _turn(form: Form, write: Write) -> Hashable:
    """Of what has no stamp and looks the same, one is made at a time."""
    if is_file(write.address):
        return _looks(write)
    return write.address.kind, form.looks(write.address, write.fields, write.names)


def _looks(write: Write) -> tuple[str, int, str]:
    """All that tells one upload from another at the service."""
    fields = write.fields
    return PurePosixPath(write.address.name).name, fields["bytes"], fields.get("purpose") or PURPOSE


async def _create(run: Run, form: Form, write: Write, change: Change) -> Made:
    # A replacement may have begun with something else, and what is not planned has come up later.
    first = change.action is Action.CREATE and change is run.change(change.address)
    number = await run.intent(
        write.address,
        change.action.value,
        first=first,
        **_traces(run, form, write, change),
    )
    for attempt in range(1, ATTEMPTS + 1):
        try:
            live = await (
                _upload(run, form, write)
                if is_file(write.address)
                else form.create(run.remote, write)
            )
            _check_new(run, write.address, live.id)
            run.unrecorded[number] = (write.address, live.id)
            return Made(number, live, resent=attempt > 1)
        except ReplyLost:
            # What was just made may not be listed at once, also at a service that is believed
            # otherwise.
            pause = min(PAUSE * 2 ** (attempt - 1), 5) if attempt < ATTEMPTS else 0.0
            made = await _find(run, form, write, max(pause, run.remote.settling.seconds))
            if made is not None:
                run.on_event(
                    Event(
                        "found",
                        write.address,
                        action=change.action,
                        id=made.id,
                        detail="the reply was lost",
                    )
                )
                run.unrecorded[number] = (write.address, made.id)
                return Made(number, made, found=True)
            if attempt == ATTEMPTS:
                raise
            await run.journal.note(number, "again", sent=round(run.remote.now(), 3))
        except (PlanError, ServiceError):  # the bytes are not the planned ones, or it is refused
            if attempt == 1:  # for certain, so that nothing has to be looked for
                run.journal.dismiss(number)
            raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _check_new(run: Run, address: Address, id: str) -> None:
    """ServiceError for an id that this apply was given for something else already: two entries with
    one id would delete each other's object.
    """
    other = run.given.setdefault(id, address)
    if other != address:
        detail = (
            f"The service has answered the creation of `{address}` with the id `{id}`, which"
            f" `{other}` has."
        )
        hint = (
            "look at that service: it is not what it seems to be; what was made for the second one"
            " stays there"
        )
        raise ServiceError(Problem("Reply not understood", detail, hint, address=str(address)))


def _traces(run: Run, form: Form, write: Write, change: Change) -> dict[str, object]:
    """What an object can be found by when the process ends before its id is known, and which units
    are ours then.
    """
    if not is_file(write.address):
        wrote = units(
            {key: value for key, value in write.fields.items() if key not in form.apart},
            form.keyed,
        )
        return {
            **_marks(run, form, write),
            **({"api": change.api} if change.api else {}),
            "wrote": sorted(wrote),
        }
    name, fields = PurePosixPath(write.address.name).name, write.fields
    own: dict[str, object] = {
        key: fields[key] for key in ("sha256", "bytes", "purpose") if key in fields
    }
    return {
        "filename": name,
        **own,
        "since": run.since,
        "seen": run.seen_like(name),
        "sent": round(run.remote.now(), 3),
    }


def _marks(run: Run, form: Form, write: Write) -> dict[str, object]:
    """What tells the object from all others: its stamp, or how it looks and which ones that look
    the same were there already.
    """
    if form.stamped:
        return {"stamp": str(write.stamp)}
    key = (write.address.kind, form.api)
    if key not in run.lookalikes:
        ids = {address: entry.id for address, entry in run.state.resources.items() if entry.id}
        run.lookalikes[key] = Lookalikes(form, run.seen(*key), Names(ids))
    looks = form.looks(write.address, write.fields, write.names)
    content = form.content(write.fields)
    return {
        "looks": looks,
        "seen": sorted(live.id for live in run.lookalikes[key].of(write.address, looks)),
        "sent": round(run.remote.now(), 3),
        **({"content": content} if content else {}),
    }


class Lookalikes:
    """Objects without a stamp by how they look. Each is looked at once, however many are asked for;
    `names` are those that they were read with.
    """

    def __init__(self, form: Form, objects: Iterable[Live], names: Names) -> None:
        self._form, self._objects, self._names = form, objects, names
        self._found: dict[str, list[Live]] = {}
        self._open: list[Live] = []  # these look like whoever asks, where they say nothing
        self._sorted = False

    def of(self, address: Address, looks: str) -> list[Live]:
        """Those that look like what is to be made at an address."""
        if not self._sorted:
            self._sorted = True
            for live in self._objects:
                if self._form.defaults(address, live.fields):
                    self._open.append(live)
                else:
                    self._found.setdefault(self._look(address, live), []).append(live)
        own = [live for live in self._open if self._look(address, live) == looks]
        return [*self._found.get(looks, ()), *own]

    def _look(self, address: Address, live: Live) -> str:
        return self._form.looks(address, live.fields, self._names)


def _alike(run: Run, form: Form, write: Write, objects: Iterable[Live]) -> list[Live]:
    """Those of some objects that look the same as what is to be made. They were read with the names
    of the lock, and what is to be made may name what this apply has made.
    """
    looks = form.looks(write.address, write.fields, write.names)
    names = run.names(list(run.entries))
    return [live for live in objects if form.looks(write.address, live.fields, names) == looks]


async def _upload(run: Run, form: Form, write: Write) -> Live:
    name = write.address.name
    try:
        path = held_path(run.root, name)
    except OSError as error:
        detail = f"`{name}` changed since the plan: {error.strerror}. It was not uploaded."
        raise PlanError(
            Problem("File changed", detail, "plan again", address=str(write.address))
        ) from None
    with HashingReader.open(path, name, write.fields["sha256"], write.fields["bytes"]) as stream:
        return await form.create(run.remote, replace(write, content=stream))


async def _find(run: Run, form: Form, write: Write, seconds: float) -> Live | None:
    """The object that a lost reply left behind, looked for during some seconds: by its stamp, a
    file by being the only one that it can be.
    """
    until = time.time() + seconds
    async for objects in run.lookout.lists(*_list_of(run, form, write), until):
        if is_file(write.address):
            made = await _only_candidate(run, objects, write)
        elif not form.stamped:
            made = await _only_alike(run, form, write, objects)
        else:
            alike = [live for live in objects if live.stamp == write.stamp]
            if len(alike) > 1:
                raise PlanError(undecided(write.address, [live.id for live in alike]))
            made = alike[0] if alike else None
        if made is not None:
            return made
    return None


async def _only_alike(run: Run, form: Form, write: Write, objects: Sequence[Live]) -> Live | None:
    """The one object without a stamp that can only be what was sent: it looks the same, was not
    there before, and nobody else of ours works here. What another creation of this apply was
    answered with is not it, recorded or not.
    """
    before = {live.id for live in run.seen(write.address.kind, form.api)}
    taken = before.union(run.given, *(entry.ids for entry in run.entries.values()))
    fresh = [live for live in objects if live.id not in taken]
    alike = await with_content(
        run.remote, form, _alike(run, form, write, fresh), form.content(write.fields)
    )
    if len(alike) == 1 and not run.shared:
        return alike[0]
    run.notes += [note for note in map(suspect, alike) if note not in run.notes]
    return None


async def with_content(
    remote: Remote, form: Form, alike: Sequence[Live], content: str
) -> list[Live]:
    """Those that have some content as well, where a closer look can tell."""
    if not content:
        return list(alike)
    found = await together(form.read_content(remote, live.id) for live in alike)
    return [live for live, have in zip(alike, found, strict=True) if have == content]


def suspect(live: Live) -> str:
    """What to say of an object that may be ours and is left alone."""
    return (
        f"`{live.id}` may be what a request of ours has made whose reply was lost; nothing says"
        " whose it is, and it was left alone."
    )


def _list_of(run: Run, form: Form, write: Write) -> tuple[Hashable, Read]:
    """The list in which an object would be, as all see it who look for one of that kind."""
    if isinstance(form, UploadForm):
        purpose = _looks(write)[2]
        return (write.address.kind, purpose), lambda: form.list(run.remote, Names(), purpose)
    return (write.address.kind, form.api), lambda: form.list(
        run.remote, run.names(list(run.entries))
    )


def undecided(address: Address, ids: Iterable[str]) -> Problem:
    """The question which of several objects with one stamp is what an apply has made. Nothing is
    taken over, nothing made again and nothing deleted until it is answered, at the service.
    """
    names = ", ".join(f"`{id}`" for id in sorted(ids))
    return Problem(
        "Several objects",
        f"{names} carry the stamp with which `{address}` was to be made, and its reply was lost:"
        " one may be a copy.",
        f"delete what nobody needs, or take the key `{Stamp.KEY}` off the copy, and apply again",
        address=str(address),
    )


async def _only_candidate(run: Run, files: Sequence[Live], write: Write) -> Live | None:
    looks, entries = _looks(write), run.entries.values()
    taken = set(run.seen_files).union(
        (entry.id for entry in entries if entry.id), *(entry.deposed for entry in entries)
    )
    alike = [live for live in files if live.id not in taken and looks_of(live) == looks]
    if not alike:
        return None
    suspects = await survey(run.remote, alike, run.state.lineage, shared=run.shared)
    if suspects.only() and not _has_twin(run, write, looks[0]):
        return suspects.only()
    run.notes += [note for note in suspects.notes() if note not in run.notes]
    return None


def _has_twin(run: Run, write: Write, name: str) -> bool:
    """Whether this apply uploads another file that looks the same from outside but has
    other bytes.
    """
    for change in run.plan.changes:
        fields = change.after or {}
        looks = (PurePosixPath(change.address.name).name, fields.get("bytes"))
        same = is_file(change.address) and looks == (name, write.fields["bytes"])
        if same and fields.get("sha256") != write.fields["sha256"]:
            return True
    return False


@dataclass(frozen=True, slots=True)
class Survey:
    """What the service says about suspects. `loose` are those that are attached to nothing.
    `alone`: nobody else who works like us keeps anything here. A file has no stamp, but the store
    that it is meant for does, and is there before it: where all stamps are ours, so is the upload.
    Files that no store holds leave no such sign, so the other environments of the workspace are
    known from its configuration.
    """

    loose: tuple[Live, ...]
    alone: bool

    def only(self) -> Live | None:
        """The one that can only be ours."""
        return self.loose[0] if self.alone and len(self.loose) == 1 else None

    def notes(self) -> list[str]:
        """What to say of suspects that are left alone."""
        why = "" if self.alone else ", and others upload here as well"
        return [
            f"The file `{live.id}` (`{live.fields.get('filename')}`) may be an upload of ours whose"
            f" reply was lost{why}; it was left alone."
            for live in self.loose
        ]


def looks_of(live: Live) -> tuple[object, ...]:
    """All that tells one upload from another at the service."""
    return tuple(live.fields.get(key) for key in ("filename", "bytes", "purpose"))


async def survey(remote: Remote, suspects: Sequence[Live], lineage: str, *, shared: bool) -> Survey:
    """Look at everything that a file can be attached to. `shared`: another environment of ours uses
    this service.
    """
    stores: list[Live] = []
    used: set[str] = set()
    stamps: list[Stamp | None] = []
    keys = naming({file_kind().name})
    listed = await together(_listed(remote, key) for key in keys)
    hidden = None in listed
    for (name, _), found in zip(keys, listed, strict=True):
        objects = found or ()
        stamps += [live.stamp for live in objects]
        if kind(name).holds_files:
            stores += objects
        else:
            used.update(id for live in objects for id in unmanaged(live.fields))
    held = await together(
        together(_holds(remote, store.id, live.id) for store in stores) for live in suspects
    )
    loose = [
        live
        for live, taken in zip(suspects, held, strict=True)
        if not any(taken) and live.id not in used
    ]
    ours = all(mark is None or mark.lineage == lineage[:8] for mark in stamps)
    return Survey(tuple(loose), ours and not (shared or hidden))


async def _listed(remote: Remote, key: Key) -> Sequence[Live] | None:
    """None where a restricted key may not see them."""
    name, api = key
    try:
        objects = await kind(name).form(api).list(remote, Names())
    except RouteMissing:  # a service without this API
        return ()
    except Refused as error:
        if error.status != FORBIDDEN:
            raise
        return None
    for live in objects:
        if live.unfit is not None:  # nobody knows what it uses
            raise ServiceError(live.unfit)
    return objects


async def _holds(remote: Remote, store: str, file: str) -> bool:
    try:
        return await remote.find(route("/vector_stores", store, "files", file)) is not None
    # The store has gone meanwhile, or is listed before it can be found.
    except ServiceError as error:
        if error.status not in (400, 404):
            raise
        return False
