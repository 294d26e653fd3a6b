"""What can be answered without the service: validate, state, outputs, graph."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.engine.shutdowns import kept_answers, policies_apply, utc_today
from provisioner.kinds import kind
from provisioner.kinds.base import Names
from provisioner.model import Address, Carrying, Desired, LockState, Problem, Report
from provisioner.workspace import Workspace
from provisioner.workspace.setting import SETTINGS_FILE
from provisioner.workspace.workspace import by_problem

if TYPE_CHECKING:
    from provisioner.engine.context import Context


def validate(
    root: Path,
    environment: str | None = None,
    variables: Mapping[str, str] | None = None,
    today: date | None = None,
    *,
    carrying: bool = False,
) -> Report:
    """Check a workspace in one environment, or in all of them. `today` is what policies go by;
    `carrying`: say as well what the API of each makes of every field.
    """
    workspace = Workspace.open(root)
    if not carrying:  # which looks at every field
        workspace.remember()
    report = checked(workspace, environment, variables, today, carrying=carrying)
    workspace.keep()
    _validated[:] = [workspace]
    return report


# The last workspace that was validated. The command ends right afterwards, and taking ten thousand
# specs apart before that takes a twentieth of the time that reading them does.
_validated: list[Workspace] = []


def checked(
    workspace: Workspace,
    environment: str | None = None,
    variables: Mapping[str, str] | None = None,
    today: date | None = None,
    *,
    carrying: bool = False,
) -> Report:
    """The same of a workspace that is open, or that is only drafted."""
    names = [environment] if environment else list(workspace.environments)
    found: dict[str, list[Problem]] = {}
    counts: Counter[str] = Counter()
    desired: dict[str, Mapping[Address, Desired]] = {}
    for name in names:
        specs = workspace.compile(name, dict(variables or {}))
        found[name] = [*specs.problems, *_late(workspace, specs.desired, time.time())]
        counts |= Counter(address.kind for address in specs.desired)
        desired[name] = specs.desired
    problems = list(by_problem(found))
    # What holds is known.
    if not any(
        problem.severity == "error" and problem.file == SETTINGS_FILE for problem in problems
    ):
        # What the policies say, as far as that is known without asking anybody.
        shutdowns = {
            name: kept_answers(workspace.root, workspace.environments[name]) for name in desired
        }
        if any(
            policies_apply(workspace.environments[name].policies, known)
            for name, known in shutdowns.items()
        ):
            # All of planning, which `validate` mostly does without.
            from provisioner.engine.policies import rule_all

            problems += rule_all(workspace, desired, shutdowns, today or utc_today())
    carried = [one for name in names for one in _carrying(name, desired[name])] if carrying else []
    return Report(
        sorted(problems, key=lambda problem: problem.order),
        dict(sorted(counts.items())),
        names,
        tuple(carried),
    )


def _late(
    workspace: Workspace, desired: Mapping[Address, Desired], now: float
) -> Iterator[Problem]:
    """Warnings of what can be as it is only where it was made before: nobody asks the lock here."""
    for address, want in desired.items():
        late = kind(address.kind).form(want.api).late(address, want.fields, now)
        if late:
            place = workspace.locate(want.source.at(*late.path))
            yield Problem(
                late.summary,
                late.detail,
                f"where it has run, all is well; else {late.hint}",
                severity="warning",
                file=place.file,
                line=place.line,
                column=place.column,
                address=str(address),
            )


def _carrying(environment: str, desired: Mapping[Address, Desired]) -> Iterator[Carrying]:
    for address, want in sorted(desired.items()):
        if fields := tuple(kind(address.kind).mapped(want.api, address, want.fields)):
            accepted = frozenset(want.lost)
            yield Carrying(environment, address, str(want.api), fields, accepted)


def state(context: Context) -> LockState | None:
    """The lock with what a stopped apply left in its journal; None where nothing was ever
    applied.
    """
    return context.checked(context.store.peek().state)


def restore(context: Context, rebuilt: LockState) -> None:
    """Write a rebuilt lock in place of the one that is gone or behind."""
    with context.store.lease():
        context.store.fold_journal()
        context.store.write(rebuilt)


def outputs(context: Context) -> dict[str, dict[str, Any]]:
    """What an application needs of each resource: its id, and the pinned request of a profile."""
    known = state(context)
    by_address: dict[str, dict[str, Any]] = {}
    names = Names(known.ids) if known else Names()
    for address, entry in sorted(known.resources.items()) if known else ():
        if not (entry.profile or entry.id):
            continue
        more = kind(address.kind).form(entry.api).output(entry, names)
        if entry.profile:
            profile = entry.profile
            by_address[str(address)] = {
                "id": None,
                "version": profile.version,
                "digest": profile.digest,
                "request": profile.request,
                **more,
            }
        else:
            by_address[str(address)] = {"id": entry.id, **more}
    return by_address


def apis(context: Context) -> dict[str, str]:
    """The API of each assistant that was applied."""
    known = state(context)
    entries = known.resources.items() if known else ()
    return {str(address): entry.api for address, entry in entries if entry.api}


def graph(context: Context) -> dict[Address, tuple[Address, ...]]:
    """Each declared resource and what it depends on."""
    return {address: want.depends_on for address, want in sorted(context.specs.desired.items())}
