"""Checks of what a plan would make, held beside what is applied and before anything is changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NamedTuple

from provisioner.apply.recorded import own_paths
from provisioner.conversation import Partner
from provisioner.diff import top
from provisioner.engine.checking import (
    CheckOptions,
    Draft,
    Subject,
    make_draft,
    recorded,
    recorded_run,
    run_checks,
)
from provisioner.engine.context import Context
from provisioner.engine.session import Session, moved_entries, remember
from provisioner.engine.subjects import chosen_checks, subject_of
from provisioner.errors import UsageError
from provisioner.kinds import is_file, kind
from provisioner.kinds.base import Form, Names, ProfileForm, Write
from provisioner.model import (
    Action,
    Address,
    Change,
    Check,
    CheckReport,
    CheckResult,
    Desired,
    Fields,
    Locked,
    LockState,
    Plan,
    Problem,
    Profile,
    Stamp,
)
from provisioner.model.plans import QUIET
from provisioner.plan import PlanOptions
from provisioner.records import dataclass
from provisioner.remote import Remote
from provisioner.text import listed

_GONE = ("gone", "api_gone")


@dataclass(frozen=True, slots=True)
class Pair:
    """A check with what is planned and, where that is something else, with what is applied."""

    planned: Subject
    applied: Subject | None = None
    unchanged: bool = False


class Planned(NamedTuple):
    """Checks of what is planned, what there is to say of them, and the lock as it is."""

    pairs: list[Pair]
    notes: list[str]
    lock: LockState | None = None


async def planned(context: Context, words: Sequence[str] = ()) -> Planned:
    """The checks of the specs, or those that `words` name, with what an apply would make of them.
    The service is asked, as for a plan, and not written to.
    """
    chosen = chosen_checks(context.specs.desired, words)
    return await _foreseen(context, chosen) if chosen else Planned([], [])


async def _foreseen(context: Context, chosen: Mapping[Address, Sequence[Check]]) -> Planned:
    async with Session.reading(context, refreshing=True) as session:
        plan = await session.plan(PlanOptions())
    outlook = _Outlook(context, plan)
    pairs: list[Pair] = []
    for address, checks in sorted(chosen.items()):
        pairs += outlook.pairs(address, checks)
    return Planned(pairs, list(_stops(plan)), outlook.lock)


def _stops(plan: Plan) -> Iterator[str]:
    whys = [block.detail for block in plan.blocked]
    whys += [problem.detail for problem in plan.problems if problem.severity == "error"]
    for why in whys:
        yield f"The plan as it is cannot be applied: {why}"


async def check_pairs(
    context: Context,
    planned: Planned,
    options: CheckOptions,
    on_done: Callable[[CheckResult], None],
) -> CheckReport:
    """Hold them all, and put the results of each check together."""
    pairs = planned.pairs
    subjects: list[Subject] = []
    for pair in pairs:
        subjects += [pair.applied] if pair.applied else []
        subjects.append(pair.planned)
    report = await run_checks(
        context, subjects, options, on_done=on_done, notes=planned.notes, lock=planned.lock
    )
    found = iter(report.results)
    results: list[CheckResult] = []
    for pair in pairs:
        before = next(found) if pair.applied else None
        results.append(replace(next(found), applied=before, unchanged=pair.unchanged))
    return replace(report, results=tuple(results), planned=True)


async def planned_partner(context: Context, address: Address) -> Planned:
    """An assistant of the specs as an apply would make it, as the only pair, for `meet_planned`.
    UsageError where nobody can talk to it before that.
    """
    found = await _foreseen(context, {address: [Check("chat", ())]})
    problem = found.pairs[0].planned.problem
    if problem is not None:
        hint = "run `provisioner apply`, and talk without `--planned`"
        raise UsageError(replace(problem, severity="error", hint=hint, address=str(address)))
    return found


@asynccontextmanager
async def meet_planned(
    context: Context, found: Planned, say: Callable[[str], None]
) -> AsyncIterator[tuple[Remote, Partner]]:
    """The service, and whom to talk to there. What is made for it is recorded, and deleted at the
    end; what there is to say of that is said.
    """
    one = found.pairs[0].planned
    assert one.partner is not None
    notes: list[str] = []
    try:
        async with context.remote() as remote:
            if found.lock is not None:
                remember(remote, found.lock)
            async with recorded_run(context, remote, notes) as left:
                partner = one.partner
                if one.draft is not None:
                    id = await make_draft(context, remote, left, one.address, one.draft)
                    partner = replace(partner, id=id)
                yield recorded(context, remote, left, one.title), partner
    finally:
        for note in notes:
            say(note)


class _Outlook:
    """What a plan would leave, as far as it is known before it is applied."""

    def __init__(self, context: Context, plan: Plan) -> None:
        self.context, self.plan = context, plan
        self.desired = context.specs.desired
        self.lock = context.checked(context.store.peek().state) or context.fresh()
        self.entries = moved_entries(self.lock, plan)
        self.changes = {change.address: change for change in plan.changes}
        for address, change in self.changes.items():
            if change.importing and change.action.stays:
                self.entries[address] = _imported(change)
        written = [item for item in plan.store_file_changes if item.action not in QUIET]
        self.rewritten = {item.store for item in written}

    def pairs(self, address: Address, checks: Sequence[Check]) -> Iterator[Pair]:
        """The checks of one assistant. Of what needs an apply, the applied one is not asked either:
        there is nothing to hold beside its answers.
        """
        want, first = self.desired[address], checks[0]
        if waits := self._waits(want):
            pair = Pair(Subject(address, first, problem=waits, waits=True, side="planned"))
        else:
            pair = self._known(want, first)
        for check in checks:
            applied = replace(pair.applied, check=check) if pair.applied else None
            yield replace(pair, planned=replace(pair.planned, check=check), applied=applied)

    def _waits(self, want: Desired) -> Problem | None:
        """What an assistant uses that is not there yet, or not as it is going to be."""
        whys = []
        for one in want.depends_on:
            change, entry = self.changes.get(one), self.entries.get(one)
            if entry is None or entry.id is None or (change and change.action.makes):
                whys.append(f"`{one}` is {'not uploaded' if is_file(one) else 'not there'} yet")
            elif one in self.rewritten:
                whys.append(f"what is in `{one}` would change")
        if not whys:
            return None
        detail = f"It cannot be told before an apply: {listed(whys)}."
        hint = "run `provisioner check` after the apply"
        return Problem("Needs apply", detail, hint, severity="warning")

    def _known(self, want: Desired, check: Check) -> Pair:
        address = want.address
        change, entry = self.changes[address], self.entries.get(address)
        if entry is None or not (entry.id or entry.profile) or change.reason in _GONE:
            entry = None
        form = kind(address.kind).form(want.api)
        made = self._profiled(want, change, form) if isinstance(form, ProfileForm) else want
        if entry and not _differs(entry, change, made):
            subject = subject_of(entry, check, self.entries)
            return Pair(replace(subject, side="planned"), unchanged=True)
        old = subject_of(entry, check, self.entries) if entry else None
        new = (
            subject_of(made, check, self.entries)
            if isinstance(made, Locked)
            else self._drafted(want, change, check, form)
        )
        return Pair(replace(new, side="planned"), replace(old, side="applied") if old else None)

    def _names(self, want: Desired) -> Names:
        ids = {one: self.entries[one].id for one in want.depends_on}
        return Names({one: id for one, id in ids.items() if id})

    def _profiled(self, want: Desired, change: Change, form: ProfileForm) -> Locked:
        """The entry that an apply would write, with the request as it would be rendered."""
        entry = self.entries.get(want.address)
        old = entry.profile if entry else None
        version = old.version + 1 if old else 1
        owner = f"{self.plan.workspace}/{self.plan.environment}/{want.address}@{version}"
        request = form.render(want.address, want.fields, self._names(want), change.lost, owner)
        profile = Profile(version, form.digest(request), request)
        return Locked(
            want.address, None, want.fields, want.depends_on, api=want.api, profile=profile
        )

    def _drafted(self, want: Desired, change: Change, check: Check, form: Form) -> Subject:
        """A check with an assistant that is made for it, as the service would have it then."""
        fields = _outcome(want, change)
        stamp = Stamp(
            self.plan.workspace,
            self.plan.environment,
            str(want.address),
            lineage=self.lock.lineage[:8],
            serial=self.lock.serial + 1,
        )
        write = Write(
            want.address, fields, self._names(want), stamp=stamp, lost=frozenset(change.lost)
        )
        entry = Locked(want.address, None, fields, want.depends_on, api=want.api)
        subject = subject_of(entry, check, self.entries)
        return replace(subject, draft=Draft(form, write))


def _imported(change: Change) -> Locked:
    """What is about to be taken over, as it is."""
    return Locked(
        change.address, change.importing, change.before or {}, change.depends_on, api=change.api
    )


def _differs(entry: Locked, change: Change, made: Locked | Desired) -> bool:
    """Whether an apply would leave something else than what there is."""
    if entry.api != made.api or change.action.makes:
        return True
    if change.action is Action.KEEP:
        return False
    if isinstance(made, Locked) and made.profile and entry.profile:
        return made.profile.digest != entry.profile.digest
    return bool(own_paths(change))


def _outcome(want: Desired, change: Change) -> Fields:
    """The fields of an object after an apply: as they are declared and, where it is changed in
    place, what else it has.
    """
    if not change.action.stays or change.before is None:
        return want.fields
    kept = {top(path) for path in want.ignore_changes} & change.before.keys()
    reset = {top(item.path) for item in change.fields}
    found = {name: value for name, value in change.before.items() if name not in reset}
    found |= want.fields
    found |= {name: change.before[name] for name in kept}
    return {**found, "metadata": want.fields.get("metadata") or {}}
