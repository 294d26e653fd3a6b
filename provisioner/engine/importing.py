"""Taking over what exists at a service: its objects become specs, `imports` name them until the
lock does, and nothing that somebody else has stamped is touched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from provisioner import disk
from provisioner.diff import parts, top
from provisioner.engine.context import Context
from provisioner.engine.drift import everything, named_ids
from provisioner.engine.preflight import check_lock
from provisioner.engine.session import Session
from provisioner.errors import PlanError, SpecError, UsageError
from provisioner.importing.live import found_object, no_room, with_store_files
from provisioner.importing.nouns import Found, Origin
from provisioner.importing.pairing import Documents, Paired
from provisioner.importing.writing import INTO, Drafted, spec_edited, write_specs
from provisioner.kinds import Key, file_kind, is_file, kind
from provisioner.kinds.base import Names
from provisioner.kinds.vector_store.store_files import list_store_files
from provisioner.model import Action, Address, Change, Live, Plan, Problem
from provisioner.model.plans import QUIET
from provisioner.plan import PlanOptions, Situation
from provisioner.remote import together
from provisioner.text import listed, quoted
from provisioner.workspace.sections import FOLDER, declarable
from provisioner.yamltext.reading import read_yaml
from provisioner.yamltext.spelling import Unwritable


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What is to be taken over, and where its specs go."""

    kinds: Collection[str] = ()  # all, where none is named
    match: str | None = None  # a pattern over names
    into: str = INTO
    documents: str | None = None  # the folder of local files that documents are paired with
    one: tuple[Address, str] | None = None  # this object alone, at this address


@dataclass(frozen=True, slots=True)
class Drafts:
    """What an import would write, and what it found that it leaves alone."""

    drafted: Drafted = field(default_factory=Drafted)
    remarks: tuple[str, ...] = ()


async def draft(context: Context, options: ImportOptions) -> Drafts:
    """The specs of everything that is to be taken over. Nothing is written."""
    async with Session.reading(replace(context, bare=True)) as session:
        case = await session.situation(PlanOptions())
        reader = _Reader(session, case, options)
        if options.one:
            return await reader.one(*options.one)
        return await reader.all()


class _Reader:
    def __init__(self, session: Session, case: Situation, options: ImportOptions) -> None:
        self.session, self.case, self.options = session, case, options
        self.context = session.context
        self.remarks: list[str] = []
        self.origin = Origin(self.context.service.base_url)

    async def one(self, address: Address, id: str) -> Drafts:
        """One object, which is to have this address."""
        self._check(address)
        locked = self.case.lock.resources.get(address)
        if locked and locked.id == id:
            return Drafts(remarks=(f"`{id}` is `{address}` in the lock already.",))
        if locked or id in self.case.lock.known_ids:
            raise PlanError(_in_the_lock(self.case, address, id))
        if self.case.imports.get(address) == id:
            return Drafts()
        want = self.case.desired.get(address)
        api = want.api if want else self._api(address.kind)
        form = kind(address.kind).form(api)
        live = await form.read(self.session.remote, id, Names()) if form.remote else None
        if live is None:
            raise UsageError(_not_there(address, id, api, form.remote))
        if self._foreign(live):
            raise PlanError(Problem("Foreign object", self.remarks[-1], _LET_GO))
        if want is not None:
            return self._drafts([], {}, {address: id})
        if is_file(address) and not disk.is_file(self.context.root / address.name):
            detail = f"There is no file `{address.name}` in the workspace that `{id}` could be."
            raise UsageError(Problem("File not found", detail, "name the path of a local file"))
        found = await self._found({(address.kind, api): {id: live}}, {id: address})
        return self._drafts(found, {id: address}, {})

    async def all(self) -> Drafts:
        """Everything that nobody has stamped and nothing here names."""
        listed_ones = await everything(self.session)
        stamped = [
            live
            for objects in listed_ones.values()
            for live in (objects or {}).values()
            if live.stamp
            and (live.stamp.workspace, live.stamp.environment)
            == (self.case.workspace, self.case.environment)
        ]
        refreshed = replace(self.session.refreshed, stamped=tuple(stamped))
        check_lock(refreshed, self.case.lock, fresh=self.case.fresh)
        known = named_ids(self.context, self.case)
        chosen: dict[Key, dict[str, Live]] = {}
        for key, objects in listed_ones.items():
            if objects is None or not self._wanted(key[0]):
                continue
            chosen[key] = {
                id: live
                for id, live in sorted(objects.items())
                if id not in known and self._matches(key[0], live) and not self._foreign(live)
            }
        return self._drafts(await self._found(chosen, {}), {}, {})

    def _wanted(self, name: str) -> bool:
        return not self.options.kinds or name in self.options.kinds

    def _matches(self, name: str, live: Live) -> bool:
        pattern = self.options.match
        called = str(live.fields.get("name") or live.fields.get("filename") or "")
        if live.status == "expired":
            self.remarks.append(f"`{live.id}` has expired, and is left out.")
            return False
        return pattern is None or fnmatchcase(called.casefold(), pattern.casefold())

    def _foreign(self, live: Live) -> bool:
        if live.stamp is None:
            return False
        whose = "another lock's: it is left alone"
        if self.case.lock.owns(live.stamp):
            whose = "ours: `provisioner plan` says what becomes of it"
        self.remarks.append(f"`{live.id}` carries the stamp `{live.stamp}`, which is {whose}.")
        return True

    def _api(self, name: str) -> str | None:
        return self.context.environment.api if kind(name).per_api else None

    def _check(self, address: Address) -> None:
        """UsageError for an address that no spec could declare."""
        try:
            good = declarable(self.context.root, address) and not kind(address.kind).inlined
        except KeyError:
            good = False
        if not good:
            detail = f"No spec could declare `{address}`."
            hint = "write an address like `assistant.support`, or `file.docs/a.md`"
            raise UsageError(Problem("Wrong address", detail, hint))

    async def _found(
        self, chosen: Mapping[Key, Mapping[str, Live]], given: Mapping[str, Address]
    ) -> list[Found]:
        """What was chosen, stores with their documents, documents with their local files."""
        found: list[Found] = []
        files = file_kind().name
        for (name, api), objects in sorted(chosen.items(), key=lambda pair: pair[0][0]):
            if name != files and self._declarable(name, objects):
                found += [found_object(name, api, one, self.origin) for one in objects.values()]
        stores = [one for one in found if kind(one.kind).holds_files and one.id]
        held = await together(list_store_files(self.session.remote, one.id or "") for one in stores)
        for one, inside in zip(stores, held, strict=True):
            found[found.index(one)] = with_store_files(one, inside)
        self._say_what_is_lost(found)
        loose = [live for key, some in chosen.items() if key[0] == files for live in some.values()]
        return [*found, *await self._files(found, loose, given)]

    def _declarable(self, name: str, objects: Mapping[str, Live]) -> bool:
        """Whether what the service shows is enough for a spec; said where it is not."""
        hidden = [one.name for one in kind(name).fields if one.required and one.unread]
        if hidden and objects:
            some = listed(f"`{id}`" for id in sorted(objects))
            self.remarks.append(
                f"{some}: the service does not show what {quoted(hidden, 'and')} of a"
                f" {name.replace('_', ' ')} is. Declare it below `{kind(name).section}`, and name"
                " its id below `imports`."
            )
        return not hidden

    def _say_what_is_lost(self, found: Iterable[Found]) -> None:
        for one in found:
            for lost in one.losses:
                what = "is left unstamped" if lost.what == "metadata" else "is not in the spec"
                self.remarks.append(f"{lost.why}: it {what}.")

    async def _files(
        self, found: Iterable[Found], loose: Iterable[Live], given: Mapping[str, Address]
    ) -> list[Found]:
        """The documents that are local files: each is known by its path from now on."""
        found = list(found)
        used = {id for one in found for id in _file_ids(one.fields)}
        listed_files = (
            {
                live.id: live
                for live in await file_kind().form(None).list(self.session.remote, Names(), None)  # type: ignore[call-arg]  # of every purpose
            }
            if used or self.options.documents
            else {}
        )
        documents = Documents(self.context.root, self.options.documents)
        paired = Paired({id: address.name for id, address in given.items() if is_file(address)})
        if self.options.documents is not None:
            for one in found:
                ids = [id for id in _file_ids(one.fields) if id in listed_files]
                documents.pair([listed_files[id] for id in ids], paired)
            documents.pair([live for live in loose if live.id not in used], paired)
        self.remarks += paired.remarks
        everything_known = {**listed_files, **{live.id: live for live in loose}}
        result = [
            _found_file(everything_known[id], path, self.origin)
            for id, path in paired.paths.items()
            if id in everything_known
        ]
        self._say_what_stays(used, loose, paired)
        return result

    def _say_what_stays(self, used: Collection[str], loose: Iterable[Live], paired: Paired) -> None:
        alone = [live.id for live in loose if live.id not in {*used, *paired.paths}]
        if alone:
            some = listed(f"`{id}`" for id in sorted(alone))
            many = "file is" if len(alone) == 1 else "files are"
            self.remarks.append(
                f"{len(alone)} {many} in nothing that is taken over, and without bytes no spec can"
                f" declare one: {some}. `--files DIR` pairs them with local files."
            )
        kept = sorted(used - paired.paths.keys()) if isinstance(used, set) else []
        if kept and self.options.documents is not None:
            some = listed(f"`{id}`" for id in kept)
            self.remarks.append(
                f"Without a local file of the same name, and kept by its id: {some}."
            )

    def _drafts(
        self, found: list[Found], given: Mapping[str, Address], also: Mapping[Address, str]
    ) -> Drafts:
        context = self.context
        known = {id: address for address, id in self.case.lock.ids.items()}
        several = len(context.workspace.environments) > 1
        try:
            drafted = write_specs(
                context.root,
                found,
                into=self.options.into,
                taken={*context.workspace.written, *self.case.lock.resources},
                known={**known, **given},
                imports=True,
                also=also,
                environment=context.environment.name if several else None,
            )
        except Unwritable as why:
            detail = f"Nothing can be added to `{self.options.into}`: {why}."
            raise SpecError(
                Problem("Cannot be added", detail, "name another file with `--into FILE`")
            ) from None
        return Drafts(drafted, (*self.remarks, *drafted.remarks))


_LET_GO = (
    "let it go there first, with `provisioner state rm`; it stays at the service, without a stamp"
)


def _in_the_lock(case: Situation, address: Address, id: str) -> Problem:
    locked = case.lock.resources.get(address)
    if locked:
        detail = f"`{address}` is `{locked.id}` in the lock, so it cannot become `{id}` as well."
        hint = f"choose another address, or let it go first: `provisioner state rm {address}`"
        return Problem("Already in the lock", detail, hint)
    owner = next(one.address for one in case.lock.resources.values() if id in one.ids)
    hint = f"to rename it, `provisioner state mv {owner} {address}`"
    return Problem("Already in the lock", f"`{id}` is `{owner}` in the lock.", hint)


def _not_there(address: Address, id: str, api: str | None, remote: bool) -> Problem:
    if not remote:
        detail = (
            f"Under `api: {api}` an assistant has no object of its own that could be taken over."
        )
        return Problem("Nothing to import", detail, "name the environment with `-e`")
    what = address.kind.replace("_", " ")
    hint = "look whether the id is right, and whether the key belongs to the right project"
    return Problem("Object not found", f"The service has no {what} `{id}`.", hint)


def _file_ids(fields: Mapping[str, Any]) -> Iterator[str]:
    """The ids of the files that a store holds, or that tools are given."""
    tools = [one for one in fields.get("tools") or () if isinstance(one, dict)]
    for holder in (fields, *tools):
        for one in holder.get("files") or ():
            named = one.get("file", one) if isinstance(one, dict) else None
            if isinstance(named, dict) and "id" in named:
                yield named["id"]


def _found_file(live: Live, path: str, origin: Origin) -> Found:
    fields = {"path": path}
    for one in file_kind().fields:
        value = live.fields.get(one.name)
        if one.name in ("purpose", "expires_after") and value not in (None, one.default):
            fields[one.name] = value
    name = str(live.fields.get("filename") or path)
    return Found(file_kind().name, name, fields, origin, id=live.id, age=live.created_at)


# Writing, and what is left to do.


class EditedMeanwhile(Exception):
    """Somebody has edited what was read just now."""


def inside(root: Path, name: str) -> Path:
    """Where a file of the workspace lies; OSError where a link leads out of it."""
    place = root / name
    if not disk.real(place).is_relative_to(disk.real(root)):
        raise disk.Unfit("a link leads out of the workspace")
    return place


def put(root: Path, drafted: Drafted) -> dict[str, bytes | None]:
    """Write the drafted files, the spec last; what they were before, None where there was none."""
    before: dict[str, bytes | None] = {}
    for name, data in drafted.files.items():
        try:
            place = inside(root, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            before[name] = disk.read(place, disk.LARGEST_TEXT) if disk.is_file(place) else None
            disk.replace(place, data)
        except OSError as error:
            detail = f"`{name}` cannot be written: {error.strerror}."
            raise SpecError(
                Problem("File not written", detail, "mend that, and run the same again", file=name)
            ) from error
    return before


def take_back(root: Path, before: Mapping[str, bytes | None]) -> None:
    """Make files be again what they were, the spec first."""
    for name, data in reversed(list(before.items())):
        if data is None:
            disk.remove(root / name)
        else:
            disk.replace(root / name, data)


async def planned(session: Session, options: PlanOptions, drafts: Drafts | None) -> Plan:
    """The plan. With `drafts` nothing can differ from what was read for them; EditedMeanwhile where
    something does.
    """
    try:
        plan = await session.plan(options)
    except SpecError as error:
        if drafts and any(one.summary == "Object not found" for one in error.problems):
            raise EditedMeanwhile from None
        raise
    if drafts and any(
        change.address in drafts.drafted.addresses and _edited(change) for change in plan.changes
    ):
        raise EditedMeanwhile
    return plan


def _edited(change: Change) -> bool:
    """Whether an object is not what its draft says. Local files may be other versions."""
    if is_file(change.address):
        return False
    apart = kind(change.address.kind).form(change.api).apart
    return any(
        top(field.path) not in apart or parts(field.path)[1].startswith("id:")
        for field in change.fields
    )


def waiting(context: Context, into: str) -> dict[Address, str]:
    """What `imports` name and the lock has not yet. An entry that an import has written stays until
    everything about it is done, the files of a store included.
    """
    if not disk.is_folder(context.root / FOLDER):
        return {}
    state = context.checked(context.store.peek().state)
    locked = state.ids if state else {}
    return {
        item.to: item.id
        for item in context.specs.imports
        if item.to in context.specs.desired
        and (item.to not in locked or (item.source.file == into and locked[item.to] == item.id))
    }


async def unstamped(session: Session, wanted: Mapping[Address, str], none: bool) -> set[Address]:
    """What is taken over without a stamp: all of it, or what has no room for one."""
    if none:
        return set(wanted)
    context = session.context
    asked = []
    for address, id in wanted.items():
        form = kind(address.kind).form(context.specs.desired[address].api)
        if form.stamped:
            asked.append((address, form.read(session.remote, id, Names())))
    lives = await together(one for _, one in asked)
    return {
        address
        for (address, _), live in zip(asked, lives, strict=True)
        if live is not None and no_room(live)
    }


def check_untouched(plan: Plan) -> None:
    """PlanError where something would be written at the service although nothing may be."""
    writes = [str(change.address) for change in plan.changes if change.action is not Action.KEEP]
    writes += [
        f"{item.store}: {item.path}"
        for item in plan.store_file_changes
        if item.action not in (*QUIET, "update")
    ]
    if writes:
        some = listed(f"`{one}`" for one in writes)
        detail = f"With `--no-stamp` nothing is written at the service, and {some} would be."
        hint = "leave `--no-stamp` out, or make the specs say what the service has"
        raise PlanError(Problem("Not without a write", detail, hint))


def take_out_imports(context: Context, into: str) -> None:
    """Take the entries of `imports` that are over out of the spec that they were written into."""
    place = context.root / into
    state = context.store.peek().state
    if state is None or not disk.is_file(place):
        return
    data = disk.read(place, disk.LARGEST_TEXT)
    text = data.decode("utf-8-sig")
    old = read_yaml(text.encode()).value
    entries = old.get("imports") if isinstance(old, dict) else None
    over = {(str(address), entry.id) for address, entry in state.resources.items()}
    left = [one for one in entries or () if (one.get("to"), one.get("id")) not in over]
    if len(left) == len(entries or ()):
        return
    new = {**old, "imports": left} if left else {key: old[key] for key in old if key != "imports"}
    if new:
        mark = "\ufeff" if data.startswith(b"\xef\xbb\xbf") else ""
        disk.replace(place, (mark + spec_edited(text, old, new)).encode())
    else:
        disk.remove(place)
