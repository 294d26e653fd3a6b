"""The policies of an environment applied to what it declares: problems with their places, and what
is waived.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from provisioner.engine.shutdowns import Shutdowns, policies_apply
from provisioner.model import Address, Desired, Plan, Policies, Problem, Source, Waiver
from provisioner.plan.policy import Breach, breaches, expired, unlisted, unused
from provisioner.records import dataclass
from provisioner.text import did_you_mean, quoted
from provisioner.workspace import Environment, Workspace
from provisioner.workspace.explain.findings import STAND_IN
from provisioner.workspace.workspace import naming

if TYPE_CHECKING:
    from provisioner.engine.context import Context

_FEW = 3  # further users of a model that are named
_WAIVE = "or waive it below `policies` in `provisioner.yaml`"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policies of one environment come to."""

    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()  # what is waived
    unused: frozenset[Waiver] = frozenset()
    declared: frozenset[str] = frozenset()  # addresses


def rule(
    workspace: Workspace,
    environment: Environment,
    *,
    wanted: Iterable[Desired],
    shutdowns: Shutdowns,
    today: date,
) -> Ruling:
    """Judge what one environment wants."""
    policies = environment.policies
    if not policies_apply(policies, shutdowns):
        return Ruling()
    judged = [want for want in wanted if not str(want.fields.get("model")).startswith(STAND_IN)]
    broken = sorted(breaches(policies, judged, shutdowns.of, today), key=lambda one: one.address)
    certain = [
        one for one in unused(policies, broken, today) if one.policy == "models" or shutdowns.known
    ]
    reported = _Reporting(workspace, policies, shutdowns, today)
    missing = unlisted(judged, shutdowns.names, sure=shutdowns.public)
    return Ruling(
        (
            *reported.problems([one for one in broken if not one.waiver]),
            *(
                reported.unlisted(want)
                for want in missing
                if not shutdowns.of(want.fields["model"])
            ),
        ),
        tuple(reported.waived(one, one.waiver) for one in broken if one.waiver and one.severity),
        frozenset(certain),
        frozenset(str(want.address) for want in judged),
    )


def rule_plan(context: Context, plan: Plan, shutdowns: Shutdowns) -> Plan:
    """The plan with what the policies say of everything that is to be there once it is applied."""
    environment, desired = context.environment, context.specs.desired
    staying = [change.address for change in plan.changes if not change.action.goes]
    wanted = [desired[address] for address in staying if address in desired]
    ruling = rule(
        context.workspace, environment, wanted=wanted, shutdowns=shutdowns, today=context.today
    )
    whole = len(wanted) == len(desired)  # else a waiver may be about what `--target` left out
    loose = needless(context.workspace, {environment.name: ruling}) if whole else []
    problems = sorted((*plan.problems, *ruling.problems, *loose), key=lambda problem: problem.order)
    return replace(plan, problems=tuple(problems), notes=(*plan.notes, *ruling.notes))


def rule_all(
    workspace: Workspace,
    desired: Mapping[str, Mapping[Address, Desired]],
    shutdowns: Mapping[str, Shutdowns],
    today: date,
) -> list[Problem]:
    """The problems of several environments; what only some of them have names them."""
    rulings = {
        name: rule(
            workspace,
            workspace.environments[name],
            wanted=wanted.values(),
            shutdowns=shutdowns[name],
            today=today,
        )
        for name, wanted in desired.items()
    }
    where: dict[Problem, list[str]] = defaultdict(list)
    for name, ruling in rulings.items():
        for problem in ruling.problems:
            where[problem].append(name)
    reported = [
        problem if len(names) == len(rulings) else naming(problem, names)
        for problem, names in where.items()
    ]
    return [*reported, *needless(workspace, rulings)]


def needless(workspace: Workspace, rulings: Mapping[str, Ruling]) -> list[Problem]:
    """A warning for each waiver that was judged wherever it holds, and is needed nowhere."""
    declared = {address for ruling in rulings.values() for address in ruling.declared}
    idle = {waiver: None for ruling in rulings.values() for waiver in ruling.unused}
    problems = []
    for waiver in idle:
        path = waiver.source.path
        # It holds in its own environment or, where it stands at the top, in all.
        places = [str(path[1])] if path[0] == "environments" else list(workspace.environments)
        if all(name in rulings and waiver in rulings[name].unused for name in places):
            problems.append(_needless(workspace, waiver, declared))
    return problems


def _needless(workspace: Workspace, waiver: Waiver, declared: set[str]) -> Problem:
    known = waiver.address in declared
    why = "keeps to it" if known else "is not declared"
    detail = f"A waiver lets `{waiver.address}` break the policy `{waiver.policy}`, but it {why}."
    hint = None if known else did_you_mean(waiver.address, declared)
    return _problem(
        workspace,
        waiver.source,
        summary="Waiver not needed",
        detail=detail,
        hint=hint or "remove it",
        severity="warning",
    )


def _problem(
    workspace: Workspace,
    source: Source,
    *,
    summary: str,
    detail: str,
    hint: str,
    severity: str,
    address: str | None = None,
) -> Problem:
    place = workspace.locate(source)
    return Problem(
        summary,
        detail,
        hint=hint,
        severity=severity,
        file=place.file,
        line=place.line,
        column=place.column,
        address=address,
    )


@dataclass(frozen=True, slots=True)
class _Reporting:
    """Puts breaches into words."""

    workspace: Workspace
    policies: Policies
    shutdowns: Shutdowns
    today: date

    def problems(self, broken: Iterable[Breach]) -> Iterator[Problem]:
        """One for each assistant with a wrong model, for each model that ends, and for each waiver
        that ended.
        """
        ending: dict[str, list[Breach]] = defaultdict(list)
        for breach in broken:
            if breach.end is None:
                yield self._not_allowed(breach)
            elif breach.severity:
                ending[breach.model].append(breach)
        for users in ending.values():
            yield self._ending(*users)
        for waiver in self.policies.waivers:
            if expired(waiver, self.today):
                yield self._expired(waiver)

    def waived(self, breach: Breach, waiver: Waiver) -> str:
        """A line for a breach that is put up with."""
        what = f"ends on {breach.end}" if breach.end else "is not allowed"
        return (
            f"`{breach.address}` uses `{breach.model}`, which {what}; waived until"
            f" {waiver.expires}: {waiver.reason}"
        )

    def unlisted(self, want: Desired) -> Problem:
        """A warning for a model that the service does not list."""
        model = want.fields["model"]
        return _problem(
            self.workspace,
            want.source.at("model"),
            summary="Unknown model",
            detail=f"`{want.address}` has `model: {model}`, which the service does not list.",
            hint=did_you_mean(model, self.shutdowns.names)
            or "look whether the name is right, and whether the key may use that model",
            severity="warning",
            address=str(want.address),
        )

    def _not_allowed(self, breach: Breach) -> Problem:
        allowed = self.policies.allow
        near = did_you_mean(breach.model, (name for name in allowed if "*" not in name))
        detail = (
            f"`{breach.address}` has `model: {breach.model}`, which the policy `models` does not"
            " allow."
        )
        return self._at(
            breach, "Model not allowed", detail, near or f"allowed are {quoted(allowed, 'and')}"
        )

    def _ending(self, first: Breach, *others: Breach) -> Problem:
        over = first.end is not None and self.today > first.end
        verb, source = "was" if over else "is", self.shutdowns.source(first.model)
        detail = (
            f"`{first.address}` uses `{first.model}`, which {verb} shut down on {first.end},"
            f" {source}."
        )
        if others:
            places = [
                (one.address, self.workspace.locate(one.want.source.at("model")))
                for one in others[:_FEW]
            ]
            reported = [
                f"`{address}` ({place.file}:{place.line}:{place.column})"
                for address, place in places
            ]
            rest = [f"{len(others) - _FEW:,} more"] if len(others) > _FEW else []
            *most, last = [*reported, *rest]
            users = f"{', '.join(most)} and {last}" if most else last
            detail += f" So {'does' if len(others) == 1 else 'do'} {users}."
        summary, when = (
            ("Model shut down", "") if over else ("Model shutdown ahead", " before that day")
        )
        return self._at(first, summary, detail, f"choose another model{when}, {_WAIVE}")

    def _expired(self, waiver: Waiver) -> Problem:
        detail = (
            f"The waiver of `{waiver.policy}` for `{waiver.address}` held until {waiver.expires}"
            " and no longer counts."
        )
        hint = "remove it, or give it a later day and a reason that still holds"
        return _problem(
            self.workspace,
            waiver.source,
            summary="Waiver expired",
            detail=detail,
            hint=hint,
            severity="warning",
        )

    def _at(self, breach: Breach, summary: str, detail: str, hint: str) -> Problem:
        severity, source = breach.severity or "warning", breach.want.source.at("model")
        return _problem(
            self.workspace,
            source,
            summary=summary,
            detail=detail,
            hint=hint,
            severity=severity,
            address=str(breach.address),
        )
