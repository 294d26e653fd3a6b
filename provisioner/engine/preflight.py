"""What is refused before anything is decided: foreign, forgotten or unknown things."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from provisioner.apply.exactly_once import Lookalikes
from provisioner.apply.recorded import own_paths
from provisioner.diff import top
from provisioner.digests import hash_file, held_path
from provisioner.engine.context import Context
from provisioner.engine.others import Others
from provisioner.engine.refresh import Refreshed
from provisioner.errors import PlanError, SpecError, UsageError
from provisioner.kinds import Key, is_file, kind
from provisioner.kinds.base import Names
from provisioner.kinds.wire import MAX_PAIRS
from provisioner.masking import with_known_secret
from provisioner.model import (
    Action,
    Address,
    Change,
    Fields,
    Live,
    LockState,
    Plan,
    Problem,
    Service,
    Source,
    Stamp,
)
from provisioner.plan import PlanOptions, Situation
from provisioner.plan.moves import conflicts
from provisioner.plan.ownership import Claim, claim_problem, foreign, foreign_problem
from provisioner.remote import Remote, together
from provisioner.text import did_you_mean, listed
from provisioner.workspace import External, Import, Specs
from provisioner.workspace.setting import LOCAL

_Finding = tuple[str, str, str]  # summary, detail and hint
NOT_FOUND = "Object not found"
LOOK = "look whether the id is right, and whether the key belongs to the right project"


def check_lock(refreshed: Refreshed, lock: LockState, *, fresh: bool) -> None:
    """PlanError when the lock cannot be the newest one: it is gone, or this checkout is behind."""
    stamps = [(live.id, live.stamp) for live in refreshed.stamped if live.stamp]
    if fresh and stamps:
        id, stamp = stamps[0]
        raise PlanError(
            Problem(
                "Lock is gone",
                f"The service has objects stamped `{lock.workspace}/{lock.environment}` (`{id}` is"
                f" `{stamp.address}`; {len(stamps)} in all), but there is no lock that names them."
                " Creating them again would make duplicates.",
                "restore the lockfile, e.g. from version control, or run `provisioner state"
                f" rebuild`; but if another folder with the name `{lock.workspace}` made them, they"
                " are not yours: give this one another name (`workspace:` in `provisioner.yaml`)",
            )
        )
    for id, stamp in (*stamps, *_held(refreshed)):
        if stamp.serial > lock.serial and lock.owns(stamp):
            raise PlanError(
                Problem(
                    "Lock is behind",
                    f"`{id}` (`{stamp.address}`) was written by apply {stamp.serial}, and this lock"
                    f" is at {lock.serial}: somebody has applied since.",
                    "get the newest lockfile, e.g. with `git pull`; where it is lost, run"
                    " `provisioner state rebuild`",
                )
            )


def _held(refreshed: Refreshed) -> Iterator[tuple[str, Stamp]]:
    observed = refreshed.observed
    for live in (*observed.live.values(), *(stray.live for stray in observed.strays)):
        for store_file in (live.store_files or {}).values():
            if store_file.stamp:
                yield store_file.id, store_file.stamp


def check_ownership(lock: LockState, refreshed: Refreshed, claimed: Iterable[Claim] = ()) -> None:
    """PlanError for each object of the lock that somebody else has stamped, and for each declared
    address that several objects claim.
    """
    observed = refreshed.observed
    problems = [foreign_problem(one) for one in foreign(lock, observed.live, observed.old)]
    problems += [
        claim_problem(claim, locked=claim.address in lock.ids)
        for claim in claimed
        if claim.only is None
    ]
    if problems:
        raise PlanError(problems)


def check_key(remote: Remote, lock: LockState, service: Service) -> None:
    """PlanError when the key belongs elsewhere than the lock was written for; a declared
    organization or project is sent with every request, and the service itself refuses a key that is
    not theirs.
    """
    declared = {"organization": service.organization, "project": service.project}
    for key, has in remote.seen.items():
        pinned = lock.origin.get(key)
        if pinned and not declared.get(key) and has != pinned:
            raise PlanError(
                Problem(
                    "Foreign key",
                    f"The lock was written for the {key} `{pinned}`, and this key belongs to"
                    f" `{has}`.",
                    f"use a key of `{pinned}`, or declare a new environment with a lock of its own",
                )
            )


def pinned(remote: Remote, lock: LockState, service: Service) -> dict[str, str | None]:
    """The origin that the first apply writes down: what is declared, else where the key turned out
    to belong.
    """
    if service.base_url == LOCAL:
        return lock.origin
    # What was said before the secrets were read may be one of them.
    seen = {key: value for key, value in remote.seen.items() if not with_known_secret(value)}
    return {
        **lock.origin,
        **{key: value for key, value in seen.items() if not lock.origin.get(key)},
        **{key: value for key, value in service.origin.items() if value},
    }


def check_bytes(root: Path, plan: Plan) -> None:
    """PlanError naming each file that is no longer what a saved plan would upload; nothing has been
    done yet.
    """
    problems = [
        Problem(
            "File changed",
            f"`{path}` is not the file that the plan was made with any more.",
            "restore its bytes, or plan again",
            file=path,
            address=str(change.address),
        )
        for change in plan.changes
        for path, (sha256, size) in _uploaded(change)
        if not _is_planned(root, path, sha256, size)
    ]
    if problems:
        raise PlanError(problems)


def _uploaded(change: Change) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """The files that a change sends, with the sha256 and the size of each; None: any size."""
    fields = change.after
    if fields is None or not change.matters:
        return
    if is_file(change.address):
        if change.action.makes:
            yield change.address.name, (fields.get("sha256"), fields.get("bytes"))
        return
    paths = None if change.action.makes else own_paths(change)
    form = kind(change.address.kind).form(change.api)
    for path, sha256 in form.bytes_of(fields, paths).items():
        yield path, (sha256, None)


def _is_planned(root: Path, path: str, sha256: str | None, size: int | None) -> bool:
    try:
        held_path(root, path)
        found, bytes = hash_file(root, path)
    except OSError:
        return False
    return found == sha256 and size in (bytes, None)


async def loose_uploads(
    context: Context, others: Others, refreshed: Refreshed, *, lock: LockState, plan: Plan
) -> list[str]:
    """Notes on files at the service that look like uploads of ours which were never attached;
    nothing deletes them.
    """
    why = _may_be_uploaded(lock, plan)
    if not why:
        return []
    known = lock.known_ids
    for live in refreshed.observed.live.values():
        known |= {live.id, *(live.store_files or {})}
    alike = {
        id: (str(live.fields["filename"]), why[looks])
        for id, live in sorted(refreshed.files.items())
        if id not in known
        and (looks := (live.fields.get("filename"), live.fields.get("bytes"))) in why
    }
    if not alike:
        return []
    held = await others.in_a_store() | context.named_elsewhere
    return [
        f"The file `{id}` (`{name}`) has the name and size of {reason} It is in no vector store,"
        " and is left alone."
        for id, (name, reason) in alike.items()
        if id not in held
    ]


def alike(context: Context, refreshed: Refreshed, case: Situation, plan: Plan) -> Iterator[str]:
    """Notes on objects without a stamp that look exactly like what would be made."""
    if not any(change.action is Action.CREATE for change in plan.changes):
        return
    names = Names(refreshed.ids)
    known = case.lock.known_ids | {live.id for live in refreshed.observed.live.values()}
    seen: dict[Key, Lookalikes] = {}
    for change in plan.changes:
        address, form = change.address, kind(change.address.kind).form(change.api)
        new = change.action is Action.CREATE and change.after is not None
        if not new or form.stamped or not form.remote or is_file(address):
            continue
        key = (address.kind, change.api)
        if key not in seen:
            objects = (refreshed.listed.get(key) or {}).values()
            unknown = [live for live in objects if live.id not in known]
            seen[key] = Lookalikes(form, unknown, names)
        looks = form.looks(address, change.after or {}, names)
        found = {live.id for live in seen[key].of(address, looks)}
        for id in sorted(found - context.named_elsewhere if found else found):
            yield (
                f"`{id}` looks exactly like `{address}`, which would be made: it may be left"
                " over from an apply whose journal is gone. Nothing says whose it is; name it"
                " below `imports` to take it over. Otherwise it is left alone."
            )


def _may_be_uploaded(lock: LockState, plan: Plan) -> dict[tuple[object, object], str]:
    """Names and sizes of uploads that may be left, with the reason to think so."""
    uploads: dict[tuple[object, object], str] = {}
    for entry in lock.resources.values():
        if entry.resent:
            looks = PurePosixPath(entry.address.name).name, entry.fields.get("bytes")
            why = "whose upload was sent again after its reply was lost: it may be the first one."
            uploads[looks] = f"`{entry.address}`, {why}"
    for change in plan.changes:
        if is_file(change.address) and change.action.makes:
            looks = PurePosixPath(change.address.name).name, (change.after or {}).get("bytes")
            uploads[looks] = (
                "one that would be uploaded: it may be left over from an apply whose journal is"
                " gone."
            )
    return uploads


async def check_externals(
    remote: Remote, context: Context, specs: Specs, refreshed: Refreshed
) -> None:
    """SpecError for each named object that is not managed here and does not exist."""
    shown = {id for objects in refreshed.listed.values() for id in objects or {}}
    forms = [
        (kind(item.kind).form(item.api or context.environment.api), item)
        for item in specs.externals
        if item.id not in shown
    ]
    asked = [(form, item) for form, item in forms if form.remote]
    answers = await together([form.read(remote, item.id, Names()) for form, item in asked])
    missing = [item for (_, item), live in zip(asked, answers, strict=True) if live is None]
    said = [
        (
            item.source,
            f"The service has no {item.kind.replace('_', ' ')} `{item.id}`{_through(item)}.",
        )
        for item in missing
    ]
    _refuse(context, [(source, (NOT_FOUND, detail, LOOK)) for source, detail in said])


def _through(item: External) -> str:
    return f" through `{item.api}`" if item.api else ""


def check_imports(context: Context, case: Situation, unstamped: Collection[Address] = ()) -> None:
    """SpecError for each import of an object that is not there, or that belongs to
    something else, or that has no room for our stamp and is not to be left `unstamped`.
    """
    owners = {
        id: entry.address
        for entry in case.lock.resources.values()
        for id in (entry.id, *entry.deposed)
        if id
    }
    waiting = [
        item
        for item in context.specs.imports
        if item.to in case.imports and item.to in case.desired
    ]
    findings = [
        (item.source, _import_finding(case, item, owners.get(item.id), unstamped))
        for item in waiting
    ]
    _refuse(context, [(source, finding) for source, finding in findings if finding])


def imports_that_are_over(context: Context, case: Situation) -> list[str]:
    """Notes on imports that are left in the specs although what they took over was deleted."""
    return [
        f"`imports` names `{item.id}`, which was `{item.to}` and has been deleted: a new one is"
        " made. Take the entry out."
        for item in context.specs.imports
        if item.id in case.lock.deleted
        and item.to in case.desired
        and item.to not in (*case.imports, *case.lock.resources)
    ]


def _import_finding(
    case: Situation, item: Import, owner: Address | None, unstamped: Collection[Address]
) -> _Finding | None:
    live, form = case.observed.live.get(item.to), case.form(item.to)
    if not form.remote:
        api = case.desired[item.to].api
        detail = (
            f"`{item.to}` is deployed through `{api}`, where no object of its own exists that could"
            " be imported."
        )
        return (
            "Nothing to import",
            detail,
            "remove the entry, or give it the `environment` that it is meant for",
        )
    if owner:
        detail = f"`{item.id}` belongs to `{owner}`, so it cannot become `{item.to}` as well."
        return (
            "Already in the lock",
            detail,
            f"if it was renamed, write `moved: [{{from: {owner}, to: {item.to}}}]`",
        )
    if live is None:
        detail = (
            f"The service has no {item.to.kind.replace('_', ' ')} `{item.id}`, which is to become"
            f" `{item.to}`."
        )
        return NOT_FOUND, detail, LOOK
    if live.stamp and not case.lock.owns(live.stamp):
        detail = f"`{item.id}` carries the stamp `{live.stamp}`: it is managed with another lock."
        hint = (
            f"let it go there first, with `provisioner state rm {live.stamp.address}`; it stays at"
            " the service"
        )
        return "Foreign object", detail, hint
    if not form.stamped or item.to in unstamped:
        return None
    return _no_room(item, live, case.desired[item.to].fields)


def _no_room(item: Import, live: Live, declared: Fields) -> _Finding | None:
    """Where somebody else's metadata, which stays, leaves none for our stamp."""
    theirs = live.fields.get("metadata") or {}
    pairs = {*theirs, *(declared.get("metadata") or {})}
    excess = len(pairs) + 1 - MAX_PAIRS
    if excess <= 0:
        return None
    detail = (
        f"`{item.id}` has {len(theirs)} pairs of metadata. With what `{item.to}` declares and our"
        f" stamp it would have {len(pairs) + 1}, and the service takes {MAX_PAIRS}."
    )
    named = listed(f"`{name}`" for name in sorted(theirs))
    hint = f"take {excess} off it first, at the service; it has {named}"
    return "No room for stamp", detail, hint


def check_moves(context: Context, case: Situation) -> None:
    """SpecError for each move onto an address that the lock has already: one of the two objects
    would be lost.
    """
    moved = {(move.origin, move.to): move.source for move in context.specs.moved}
    findings = []
    for origin, to in conflicts(case.lock, moved):
        hint = (
            f"to delete `{origin}`, remove this entry; to leave it there, `provisioner state rm"
            f" {origin}`"
        )
        findings.append(
            (
                moved[origin, to],
                ("Move not possible", f"`{origin}` cannot become `{to}`: the lock has both.", hint),
            )
        )
    _refuse(context, findings)


def _refuse(context: Context, findings: Iterable[tuple[Source, _Finding]]) -> None:
    """SpecError with the place of each problem, if there is any."""
    problems = []
    for source, finding in findings:
        place = context.workspace.locate(source)
        problems.append(Problem(*finding, file=place.file, line=place.line, column=place.column))
    if problems:
        raise SpecError(problems)


def check_times(context: Context, case: Situation, plan: Plan, now: float) -> None:
    """SpecError for what would be made or changed to do something at a time that is over."""
    findings = []
    for change in plan.changes:
        if not (change.action.makes or change.action.alters):
            continue
        want = case.desired.get(change.address)
        if want is None:
            continue
        late = case.form(change.address).late(change.address, want.fields, now)
        changed = {top(one.path) for one in change.fields}
        if late and (change.action.makes or changed.intersection(map(str, late.path))):
            said = late.summary, late.detail, late.hint or ""
            findings.append((want.source.at(*late.path), said))
    _refuse(context, findings)


def check_plan(case: Situation, options: PlanOptions) -> None:
    """UsageError for an address that neither the specs nor the lock know."""
    known = {*case.desired, *case.lock.resources}
    named = options.targets | options.excludes | options.replaces | options.rotates
    unknown = sorted(named - known)
    if unknown:
        raise UsageError(
            Problem(
                "Unknown address",
                f"Neither the specs nor the lock have `{address}`.",
                did_you_mean(address, map(str, known)),
            )
            for address in unknown
        )
    plain = [
        address
        for address in sorted(options.rotates)
        if not kind(address.kind).secrets(case.fields(address))
    ]
    if plain:
        raise UsageError(
            Problem(
                "No secret",
                f"`{address}` has no secret that could be sent again.",
                "name a resource whose spec says where a secret is",
            )
            for address in plain
        )
