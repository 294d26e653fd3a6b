"""What is refused before anything is decided: foreign, forgotten or unknown things."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from provisioner.digests import hash_file
from provisioner.engine.context import LOCAL, Context
from provisioner.engine.refresh import Seen
from provisioner.errors import PlanError, SpecError, UsageError
from provisioner.kinds import kind
from provisioner.kinds.base import Names
from provisioner.model import Action, Address, Fields, LockState, Plan, Problem, Service, Stamp
from provisioner.plan import PlanOptions, Situation
from provisioner.remote import Remote, together
from provisioner.spec import Specs


def check_ownership(seen: Seen, lock: LockState, *, fresh: bool, ours: tuple[str, str]) -> None:
    """PlanError when the lock cannot be the newest one: it is gone, or this checkout is behind."""
    stamps = [(live.id, live.stamp) for live in seen.stamped if live.stamp]
    if fresh and stamps:
        id, stamp = stamps[0]
        raise PlanError(
            Problem(
                "Lock is gone",
                f"{len(stamps)} objects at the service are stamped `{ours[0]}/{ours[1]}` (`{id}` is "
                f"`{stamp.address}`), but there is no lock that names them. Creating them again would make duplicates.",
                "restore the lockfile, e.g. from version control, or run `provisioner state rebuild`",
            )
        )
    for id, stamp in (*stamps, *_held(seen, ours)):
        if stamp.lineage == lock.lineage[:8] and stamp.serial > lock.serial:
            raise PlanError(
                Problem(
                    "Lock is behind",
                    f"`{id}` (`{stamp.address}`) was written by apply {stamp.serial}, and this lock is at "
                    f"{lock.serial}: somebody has applied since.",
                    "get the newest lockfile, e.g. with `git pull`; where it is lost, run `provisioner state rebuild`",
                )
            )


def _held(seen: Seen, ours: tuple[str, str]) -> Iterator[tuple[str, Stamp]]:
    for live in seen.observed.live.values():
        for member in (live.members or {}).values():
            if member.stamp and (member.stamp.workspace, member.stamp.environment) == ours:
                yield member.id, member.stamp


def check_key(remote: Remote, lock: LockState, service: Service) -> None:
    """PlanError when the key belongs elsewhere than the lock was written for; a declared organization or project is
    sent with every request, and the service itself refuses a key that is not theirs."""
    declared = {"organization": service.organization, "project": service.project}
    for key, seen in remote.seen.items():
        pinned = lock.origin.get(key)
        if pinned and not declared.get(key) and seen != pinned:
            raise PlanError(
                Problem(
                    "Foreign key",
                    f"The lock was written for the {key} `{pinned}`, and this key belongs to `{seen}`.",
                    f"use a key of `{pinned}`, or declare a new environment with a lock of its own",
                )
            )


def pinned(remote: Remote, lock: LockState, service: Service) -> dict[str, str | None]:
    """The origin that the first apply writes down: what is declared, else where the key turned out to belong."""
    if service.base_url == LOCAL:
        return lock.origin
    return {
        **lock.origin,
        **{key: value for key, value in remote.seen.items() if not lock.origin.get(key)},
        **{key: value for key, value in service.origin.items() if value},
    }


def check_bytes(root: Path, plan: Plan) -> None:
    """PlanError naming each file that is no longer what a saved plan would upload; nothing has been done yet."""
    making = (Action.CREATE, Action.REPLACE)
    problems = []
    for change in plan.changes:
        fields = change.after or {}
        if change.address.kind == "file" and change.action in making and not _is_planned(root, change.address, fields):
            detail = f"`{change.address.name}` is not the file that the plan was made with any more."
            hint = "restore its bytes, or plan again"
            problems.append(
                Problem("File changed", detail, hint, file=change.address.name, address=str(change.address))
            )
    if problems:
        raise PlanError(problems)


def _is_planned(root: Path, address: Address, fields: Fields) -> bool:
    try:
        return hash_file(root, address.name) == (fields["sha256"], fields["bytes"])
    except OSError:
        return False


def loose_uploads(seen: Seen, lock: LockState, plan: Plan) -> list[str]:
    """Notes on files at the service that look like uploads of ours which were never attached; nothing deletes them."""
    known = lock.known_ids
    for live in seen.observed.live.values():
        known |= {live.id, *(live.members or {})}
    wanted = {
        (PurePosixPath(change.address.name).name, (change.after or {}).get("bytes"))
        for change in plan.changes
        if change.address.kind == "file" and change.action in (Action.CREATE, Action.REPLACE)
    }
    return [
        f"The file `{id}` (`{live.fields['filename']}`) has the name and size of one that would be uploaded and is in "
        "none of our stores: it may be left over from an apply whose journal is gone. It is left alone."
        for id, live in sorted(seen.files.items())
        if id not in known and (live.fields.get("filename"), live.fields.get("bytes")) in wanted
    ]


async def check_externals(remote: Remote, context: Context, specs: Specs) -> None:
    """SpecError for each named object that is not managed here and does not exist."""
    forms = [kind(item.kind).form(context.environment.api) for item in specs.externals]
    reads = [
        form.read(remote, item.id, Names()) for form, item in zip(forms, specs.externals, strict=True) if form.remote
    ]
    found = await together(reads)
    listed = [item for form, item in zip(forms, specs.externals, strict=True) if form.remote]
    missing = [item for item, live in zip(listed, found, strict=True) if live is None]
    if missing:
        places = [(item, context.workspace.locate(item.source)) for item in missing]
        raise SpecError(
            Problem(
                "Object not found",
                f"The service has no {item.kind.replace('_', ' ')} `{item.id}`.",
                "look whether the id is right, and whether the key belongs to the right project",
                file=place.file,
                line=place.line,
                column=place.column,
            )
            for item, place in places
        )


def check_plan(case: Situation, options: PlanOptions) -> None:
    """UsageError for an address that neither the specs nor the lock know."""
    known = {*case.desired, *case.lock.resources}
    unknown = sorted((options.targets | options.excludes | options.replaces) - known)
    if unknown:
        raise UsageError(
            Problem("Unknown address", f"Neither the specs nor the lock have `{address}`.", _similar(address, known))
            for address in unknown
        )


def _similar(address: Address, known: set[Address]) -> str | None:
    close = difflib.get_close_matches(str(address), [str(other) for other in known], n=1)
    return f"did you mean `{close[0]}`?" if close else None
