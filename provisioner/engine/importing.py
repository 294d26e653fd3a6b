"""Taking over what exists at a service: its objects become specs, `imports` name them until the
lock does, and nothing that somebody else has stamped is touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from provisioner import disk
from provisioner.engine.context import Context
from provisioner.engine.drift import (
    every_file,
    everything,
    named_ids,
    not_proposed,
    proposed,
)
from provisioner.engine.preflight import LOOK, NOT_FOUND, check_lock
from provisioner.engine.refresh import Listed
from provisioner.engine.session import Session
from provisioner.engine.unfit import living, references, valid
from provisioner.errors import PlanError, RouteMissing, SpecError, UsageError, not_written
from provisioner.importing.live import NO_FIELD, found_object, with_store_files
from provisioner.importing.nouns import Found, Origin
from provisioner.importing.pairing import Documents, Paired
from provisioner.importing.writing import INTO, Drafted, write_specs
from provisioner.kinds import Key, file_kind, is_file, kind
from provisioner.kinds.base import Names
from provisioner.kinds.vector_store.store_files import list_store_files
from provisioner.model import Address, Live, Problem, StoreFile
from provisioner.plan import PlanOptions, Situation
from provisioner.records import dataclass
from provisioner.remote import together
from provisioner.text import listed, quoted, spelt
from provisioner.workspace.sections import declarable
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
    into = _bytes(context.root, options.into)
    async with Session.reading(replace(context, bare=True)) as session:
        case = await session.situation(PlanOptions())
        reader = _Reader(session, case, options)
        drafts = await (reader.one(*options.one) if options.one else reader.all())
    # Reading a service may take minutes, in which an editor saves the spec.
    before = {**drafts.drafted.before, options.into: into}
    return replace(drafts, drafted=replace(drafts.drafted, before=before))


def _bytes(root: Path, name: str) -> bytes | None:
    """What a file holds; None where there is none."""
    try:
        return disk.read(root / name, disk.LARGEST_TEXT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise not_written(name, error) from error


class _Reader:
    def __init__(self, session: Session, case: Situation, options: ImportOptions) -> None:
        self.session, self.case, self.options = session, case, options
        self.context = session.context
        self.remarks: list[str] = []
        self.origin = Origin(self.context.service.base_url)
        self.shown: Listed = {}  # what was listed
        self.files: Mapping[str, Live] = {}  # of every purpose

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
        self.shown = await everything(self.session)
        self.files = self.shown.get((file_kind().name, None)) or {}
        stamped = [
            live
            for objects in self.shown.values()
            for live in (objects or {}).values()
            if live.stamp
            and (live.stamp.workspace, live.stamp.environment)
            == (self.case.workspace, self.case.environment)
        ]
        refreshed = replace(self.session.refreshed, stamped=tuple(stamped))
        check_lock(refreshed, self.case.lock, fresh=self.case.fresh)
        known = named_ids(self.context, self.case)
        chosen: dict[Key, dict[str, Live]] = {}
        for key, objects in self.shown.items():
            if objects is None or not self._wanted(key[0]):
                continue
            chosen[key] = {
                id: live
                for id, live in sorted(objects.items())
                if id not in known
                and proposed(key[0], live)
                and self._matches(key[0], live)
                and not self._foreign(live)
            }
        not_proposed(self.session.remote, self.files.values())
        return self._drafts(await self._found(chosen, {}), {}, {})

    @property
    def _over(self) -> set[Address]:
        """The addresses that have an object, or are to have one."""
        return {*self.case.lock.ids, *self.case.imports}

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
        held = await together(self._held(one.id or "") for one in stores)
        for one, inside in zip(stores, held, strict=True):
            at = found.index(one)
            found[at : at + 1] = [] if inside is None else [with_store_files(one, inside)]
        if not self.files and any(_file_ids(one) for one in found):
            self.files = await every_file(self.session)
        shown = {*self.files, *(id for objects in self.shown.values() for id in objects or {})}
        found, gone = await living(self.session.remote, self.context.environment.api, found, shown)
        self._say_what_is_lost(found)
        self.remarks += gone
        loose = [live for key, some in chosen.items() if key[0] == files for live in some.values()]
        return [*found, *self._files(found, loose, given)]

    async def _held(self, store: str) -> Mapping[str, StoreFile] | None:
        """The documents of a store; None, and a remark, where the service shows none."""
        try:
            return await list_store_files(self.session.remote, store)
        except RouteMissing:
            detail = "the service does not show its documents, or it is gone by now"
            self.remarks.append(f"`{store}` is left out: {detail}.")
            return None

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
        unknown: dict[str, list[str]] = defaultdict(list)
        for one in found:
            for lost in one.losses:
                if lost.why == NO_FIELD:
                    unknown[lost.what].append(str(one.id))
                    continue
                what = "is left unstamped" if lost.what == "metadata" else "is not in the spec"
                self.remarks.append(f"{lost.why}: it {what}.")
        self.remarks += _unknown_fields(unknown)

    def _files(
        self, found: Iterable[Found], loose: Iterable[Live], given: Mapping[str, Address]
    ) -> list[Found]:
        """The documents that are local files: each is known by its path from now on."""
        used = {id for one in found for id in _file_ids(one)}
        # What is in a store that an earlier run has begun with is no loose file either.
        begun = {id for address in self.case.imports for id in self.case.held(address)}
        loose = [live for live in loose if live.id not in begun]
        documents = Documents(self.context.root, self.options.documents)
        paired = Paired({id: address.name for id, address in given.items() if is_file(address)})
        if self.options.documents is not None:
            for one in found:
                ids = [id for id in _file_ids(one) if id in self.files]
                documents.pair([self.files[id] for id in ids], paired)
            # A second upload of what has an object is of no use to anybody.
            there = {address.name for address in self._over if is_file(address)}
            free = [live for live in loose if live.id not in used]
            documents.pair(free, paired, but={*there, *paired.paths.values()})
        self.remarks += paired.remarks
        known = {**self.files, **{live.id: live for live in loose}}
        result = [
            _found_file(known[id], path, self.origin)
            for id, path in paired.paths.items()
            if id in known
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
        kept = sorted(set(used) - paired.paths.keys())
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

        def write(found: list[Found]) -> Drafted:
            drafted = write_specs(
                context.root,
                found,
                into=self.options.into,
                taken={*context.workspace.written, *self.case.lock.resources, *self.case.imports},
                over=self._over,
                known={**known, **given},
                imports=True,
                also=also,
                environment=context.environment.name if context.several else None,
            )
            for name in drafted.files:
                try:
                    inside(context.root, name)
                except OSError as error:
                    raise not_written(name, error) from error
            return drafted

        try:
            drafted, left_out = valid(context, found, write)
        except Unwritable as why:
            detail = f"Nothing can be added to `{self.options.into}`: {why}."
            raise SpecError(
                Problem("Cannot be added", detail, "name another file with `--into FILE`")
            ) from None
        odd = sorted(self.session.remote.oddities)
        return Drafts(drafted, (*self.remarks, *left_out, *drafted.remarks, *odd))


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
    return Problem(NOT_FOUND, f"The service has no {what} `{id}`.", LOOK)


def _unknown_fields(holders: Mapping[str, list[str]]) -> Iterator[str]:
    """What a later release of the service may have, said once for all that have the same."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path, ids in holders.items():
        alike[tuple(ids)].append(path)
    for of, paths in alike.items():
        what = "is no field" if len(paths) == 1 else "are no fields"
        some, of_these = listed(map(spelt, paths)), listed(map(spelt, of))
        yield f"{some} of {of_these} {what} of a spec, and not written: nobody compares it."


def _file_ids(found: Found) -> list[str]:
    """The ids of the files that a store holds, or that tools are given."""
    return [id for name, id in references(found.fields) if name == file_kind().name]


def _found_file(live: Live, path: str, origin: Origin) -> Found:
    fields = {"path": path}
    for one in file_kind().fields:
        value = live.fields.get(one.name)
        if one.name in ("purpose", "expires_after") and value not in (None, one.default):
            fields[one.name] = value
    name = str(live.fields.get("filename") or path)
    return Found(file_kind().name, name, fields, origin, id=live.id, age=live.created_at)


def inside(root: Path, name: str) -> Path:
    """Where a file of the workspace lies; OSError where a link leads out of it."""
    place = root / name
    if not disk.real(place).is_relative_to(disk.real(root)):
        raise disk.Unfit("a link leads out of the workspace")
    above = next(folder for folder in place.parents if folder.exists())
    if not disk.is_folder(above):
        raise disk.Unfit(f"`{above.name}` is a file, not a folder")
    return place
