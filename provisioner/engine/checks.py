"""What is refused before anything is decided: foreign, forgotten or unknown things."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from provisioner.engine.context import Context
from provisioner.engine.refresh import Seen
from provisioner.errors import PlanError, SpecError, UsageError
from provisioner.kinds import kind
from provisioner.kinds.base import Names
from provisioner.model import Address, LockState, Problem, Stamp
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
                "restore the lockfile, e.g. from version control",
            )
        )
    for id, stamp in (*stamps, *_held(seen, ours)):
        if stamp.lineage == lock.lineage[:8] and stamp.serial > lock.serial:
            raise PlanError(
                Problem(
                    "Lock is behind",
                    f"`{id}` (`{stamp.address}`) was written by apply {stamp.serial}, and this lock is at "
                    f"{lock.serial}: somebody has applied since.",
                    "get the newest lockfile, e.g. with `git pull`",
                )
            )


def _held(seen: Seen, ours: tuple[str, str]) -> Iterator[tuple[str, Stamp]]:
    for live in seen.observed.live.values():
        for member in (live.members or {}).values():
            if member.stamp and (member.stamp.workspace, member.stamp.environment) == ours:
                yield member.id, member.stamp


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
