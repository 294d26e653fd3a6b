"""Looking for edits that somebody else made: everything is read, nothing is written, neither here
nor there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path

from provisioner.diff import ignored, join
from provisioner.engine.context import Context
from provisioner.engine.refresh import Listed, list_forms
from provisioner.engine.session import Session
from provisioner.errors import RouteMissing, ServiceError, UsageError
from provisioner.importing.names import Names as NameGiver
from provisioner.kinds import Key, file_at, file_kind, keys, kind
from provisioner.kinds.base import PURPOSE, Names, UploadForm
from provisioner.model import Address, Drift, Drifted, Live, Problem, Unmanaged
from provisioner.plan import PlanOptions, Situation
from provisioner.plan.drifting import Examined, examine, worst
from provisioner.plan.users import unmanaged
from provisioner.plan.whole import unkept_notes
from provisioner.records import dataclass
from provisioner.remote import Remote, together
from provisioner.text import did_you_mean, listed
from provisioner.workspace.sections import declarable

_PURPOSES = (PURPOSE, "user_data")  # of documents
_PATH = re.compile(r'[^.\[\]]+(?:\.[^.\[\]]+|\["(?:[^"\\]|\\.)*"\]|\[\d+\])*')


@dataclass(frozen=True, slots=True)
class DriftOptions:
    """What a user asked of a drift report. `ignore` holds `ADDR` and `ADDR#path`."""

    pending: bool = False
    unmanaged: bool = False
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ignored:
    """What is left out of the report."""

    whole: Collection[Address] = ()
    paths: Mapping[Address, list[str]] = field(default_factory=dict)

    def holds(self, address: Address, path: str = "") -> bool:
        return address in self.whole or ignored(path, self.paths.get(address, ()))

    def holds_file(self, one: Unmanaged) -> bool:
        return one.store is not None and self.holds(one.store, join("files", f"id:{one.id}"))


async def read_drift(context: Context, options: DriftOptions) -> tuple[Drift, Situation]:
    """What was last applied compared with what the service has, and everything that it was found
    from.
    """
    # Who asks what there is at a service may be about to begin.
    context = replace(context, bare=context.bare or options.unmanaged)
    async with Session.reading(context, refreshing=True) as session:
        case = await session.situation(PlanOptions())
        # UsageError for an address that neither the specs nor the lock have.
        known = {*case.desired, *case.lock.resources}
        whole: set[Address] = set()
        paths: dict[Address, list[str]] = {}
        for word in options.ignore:
            address, path = address_and_path(word, known, "which `--ignore` names")
            if path:
                paths.setdefault(address, []).append(path)
            else:
                whole.add(address)
        left_out = _Ignored(whole, paths)
        examined = examine(case)
        unmanaged = await find_unmanaged(session, case, examined) if options.unmanaged else []
        odd = sorted(session.remote.oddities) if options.unmanaged else []
        drift = Drift(
            case.workspace,
            case.environment,
            service=case.service,
            lineage=case.lock.lineage,
            serial=case.lock.serial,
            found=tuple(_found(context, examined, left_out, pending=options.pending)),
            unverifiable=tuple(
                x
                for one in examined
                for x in one.unverifiable
                if not left_out.holds(x.address, x.path)
            ),
            unmanaged=tuple(one for one in unmanaged if not left_out.holds_file(one)),
            notes=tuple(
                dict.fromkeys([*session.notes, *case.observed.notes, *odd, *_notes(case, examined)])
            ),
            checked=sum(one.remote for one in examined),
            several=context.several,
            profiles=sum(entry.profile is not None for entry in case.lock.resources.values()),
        )
    return drift, case


def address_and_path(word: str, known: Collection[Address], why: str) -> tuple[Address, str]:
    """`ADDR` or `ADDR#path`; a file's path may hold a `#` of its own."""
    by_text = {str(address): address for address in known}
    ends = [at for at, letter in enumerate(word) if letter == "#"]
    for end in (len(word), *reversed(ends)):
        if word[:end] in by_text:
            path = word[end + 1 :]
            if end < len(word) and not _PATH.fullmatch(path):
                hint = (
                    "write it like `assistant.support#metadata.team` or"
                    ' `vector_store.kb#files["docs/a.md"].chunking`'
                )
                raise UsageError(
                    Problem("Wrong usage", f"`{word}` has no field after its `#`.", hint)
                )
            return by_text[word[:end]], path
    detail = f"Neither the specs nor the lock have `{word}`, {why}."
    raise UsageError(
        Problem("Unknown address", detail, did_you_mean(word.partition("#")[0], map(str, known)))
    )


def _found(
    context: Context, examined: Iterable[Examined], left_out: _Ignored, *, pending: bool
) -> Iterator[Drifted]:
    for item in (one.drifted for one in examined if one.drifted):
        if left_out.holds(item.address):
            continue
        fields = tuple(
            change
            for change in item.fields
            if (pending or change.drift != "local")
            and not left_out.holds(item.address, change.path)
        )
        if item.drift == "missing" or fields or (pending and item.reason):
            place = context.workspace.locate(item.source) if item.source else None
            drift = item.drift if item.drift == "missing" else worst(fields)
            yield replace(item, drift=drift, fields=fields, position=place)


def _notes(case: Situation, examined: Iterable[Examined]) -> Iterator[str]:
    if case.fresh:
        yield (
            f"Nothing was ever applied to `{case.environment}`: there is no lock, so nothing can"
            " have drifted."
        )
    if case.observed.api_gone:
        said = _some(map(str, sorted(case.observed.api_gone)))
        yield f"{said} cannot be compared: the API that made them is gone from the service."
    for one in examined:
        files = one.files
        if files.foreign and files.kept:
            count = len(files.foreign)
            others = (
                "1 file that somebody else put there; it is"
                if count == 1
                else f"{count:,} files of others; they are"
            )
            yield f"`{one.address}` holds {others} left alone (`--unmanaged` lists such files)."
        if files.indexing:
            yield f"{_some(files.indexing)} of `{one.address}`: still being indexed."
    yield from unkept_notes(case, {one.address: one.unkept for one in examined})
    # Objects with our stamp beside the lock: a plan says what becomes of them.
    known = {live.id for live in case.observed.live.values()}
    ids = sorted({stray.live.id for stray in case.observed.strays} - known)
    if ids:
        yield (
            f"{_some(ids)}: stamped as ours, but not in the lock. `provisioner plan` says what"
            " becomes of them."
        )


def _some(names: Iterable[str]) -> str:
    return listed(f"`{name}`" for name in names)


async def everything(session: Session) -> Listed:
    """What planning has listed, and the kinds beside: nobody has to declare a store for one to be
    seen. Files of every purpose. None, and a note, for what the service does not have or show.
    """
    seen = session.refreshed.listed
    own = (None, session.context.environment.api)
    files = (file_kind().name, None)
    left = [key for key in keys() if key[1] in own and key not in seen and key != files]
    found = await together(_listed(session, key) for key in left)
    shown = {**seen, **dict(zip(left, found, strict=True)), files: await _every_file(session)}
    for (name, _), objects in shown.items():
        if objects is None:
            what = name.replace("_", " ")
            session.remote.note(f"The service shows no {what}s: that API is not there for us.")
    return shown


async def _listed(session: Session, key: Key) -> dict[str, Live] | None:
    try:
        return (await list_forms(session.remote, [key], Names()))[key]
    except ServiceError as error:
        if error.status in (403, 410):
            return None
        raise


async def _every_file(session: Session) -> dict[str, Live] | None:
    form = file_kind().form(None)
    assert isinstance(form, UploadForm)
    try:
        return {live.id: live for live in await form.list(session.remote, Names(), None)}
    except RouteMissing:
        return None


async def every_file(session: Session) -> dict[str, Live]:
    """The files of every purpose by id; none where the service lists none."""
    return await _every_file(session) or {}


def proposed(name: str, live: Live) -> bool:
    """Whether somebody may want to manage it: what a batch reads, say, is used once."""
    if live.unfit is not None:
        return False
    return name != file_kind().name or live.fields.get("purpose", PURPOSE) in _PURPOSES


def not_proposed(remote: Remote, files: Iterable[Live]) -> None:
    """Say in one line what there is of files that nobody would manage."""
    count = Counter(
        str(live.fields.get("purpose")) for live in files if not proposed(file_kind().name, live)
    )
    if not count:
        return
    total = count.total()
    said = listed(f"{many:,} of `{purpose}`" for purpose, many in sorted(count.items()))
    what = "1 file has another purpose" if total == 1 else f"{total:,} files have other purposes"
    remote.note(f"{what} than documents have, left alone: {said}.")


async def find_unmanaged(
    session: Session, case: Situation, examined: Iterable[Examined]
) -> list[Unmanaged]:
    """What others put into our stores, then what nobody stamped and nothing here names."""
    shown = await everything(session)
    not_proposed(session.remote, (shown.get((file_kind().name, None)) or {}).values())
    named = named_ids(session.context, case)
    lives = {id: live for objects in shown.values() for id, live in (objects or {}).items()}
    taken = NameGiver({*session.context.workspace.written, *case.lock.resources})
    unmanaged_ones: list[Unmanaged] = []
    for one in examined:
        named.update(one.files.foreign)
        if one.files.kept:  # otherwise they are drift
            unmanaged_ones += [
                _unmanaged(file_kind().name, lives.get(id, Live(id, {})), store=one.address)
                for id in one.files.foreign
            ]
    for key, objects in sorted(shown.items(), key=lambda pair: pair[0][0]):
        loose = [
            live
            for live in (objects or {}).values()
            if live.stamp is None and live.id not in named and proposed(key[0], live)
        ]
        # The oldest first, as `import` gives names.
        for live in sorted(loose, key=lambda live: (live.created_at, live.id)):
            to = _address_of(session.context.root, key[0], live, taken)
            unmanaged_ones.append(_unmanaged(key[0], live, to=to))
    return unmanaged_ones


def _unmanaged(
    name: str, live: Live, *, store: Address | None = None, to: Address | None = None
) -> Unmanaged:
    called = str(live.fields.get("name") or live.fields.get("filename") or "")
    return Unmanaged(
        name,
        live.id,
        called,
        store,
        to=to,
        model=live.fields.get("model"),
        created_at=live.created_at,
    )


def _address_of(root: Path, name: str, live: Live, taken: NameGiver) -> Address | None:
    """What it could be called: a file after its path, if it were in the root."""
    if name != file_kind().name:
        return taken.give(name, live.fields.get("name"), live.id)
    address = file_at(str(live.fields.get("filename") or ""))
    return address if address.name and declarable(root, address) else None


def named_ids(context: Context, case: Situation) -> set[str]:
    """Every id that the lock or the specs name, managed or not."""
    ids = {
        *case.lock.known_ids,
        *case.imports.values(),
        *(item.id for item in context.specs.externals),
    }
    ids |= {live.id for live in case.observed.live.values()} | {
        stray.live.id for stray in case.observed.strays
    }
    for entry in case.lock.resources.values():
        ids.update(unmanaged(entry.fields))
        ids.update(id for files in entry.deposed_files.values() for id in files)
        profiles = kind(entry.address.kind).profile_form if entry.older else None
        if profiles:
            ids.update(id for version in entry.older for id in profiles.kept_ids(version))
    return ids
