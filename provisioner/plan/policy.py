"""Which resources with a model break a policy, how badly, which waivers put up with it, and which
name a model that there is none of. Pure: the day is given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date, timedelta
from fnmatch import fnmatchcase

from provisioner.kinds import kind
from provisioner.model import Address, Desired, Policies, Policy, Strictness, Waiver
from provisioner.records import dataclass

_Shutdowns = Callable[[str], date | None]  # the announced end of a model, where one is known


@dataclass(frozen=True, slots=True)
class Breach:
    """What one resource has against one policy. `severity`: "error", "warning", or None before it
    is reported.
    """

    policy: Policy
    want: Desired
    severity: str | None
    end: date | None = None  # of the model
    waiver: Waiver | None = None

    @property
    def address(self) -> Address:
        return self.want.address

    @property
    def model(self) -> str:
        return str(self.want.fields["model"])


def breaches(
    policies: Policies, wanted: Iterable[Desired], shutdown: _Shutdowns, today: date
) -> Iterator[Breach]:
    """Every breach. One that is waived carries its waiver, however bad it is."""
    holding = {
        (one.policy, one.address): one for one in policies.waivers if not expired(one, today)
    }
    for want in with_model(wanted):
        for policy, severity, end in _broken(policies, want.fields["model"], shutdown, today):
            yield Breach(
                policy,
                want,
                severity=severity,
                end=end,
                waiver=holding.get((policy, str(want.address))),
            )


def unlisted(wanted: Iterable[Desired], names: Collection[str], *, sure: bool) -> list[Desired]:
    """The resources whose model is not among those that a service lists. Unless it is `sure` to
    list all that it has, one that lists no model of ours is not believed.
    """
    users = list(with_model(wanted))
    missing = [want for want in users if want.fields["model"] not in names]
    believed = bool(names) and (sure or len(missing) < len(users))
    return missing if believed else []


def with_model(wanted: Iterable[Desired]) -> Iterator[Desired]:
    """The resources that name a model."""
    for want in wanted:
        has_model = kind(want.address.kind).fields.get("model")
        if has_model and isinstance(want.fields.get("model"), str):
            yield want


def _broken(
    policies: Policies, model: str, shutdown: _Shutdowns, today: date
) -> Iterator[tuple[Policy, str | None, date | None]]:
    if policies.models != "ignore" and not allowed(policies, model):
        yield "models", _severity(policies.models), None
    end = shutdown(model) if policies.shutdown != "ignore" else None
    if end is not None:
        near = today >= end - timedelta(days=policies.warn_days)
        severity = "warning" if near else None
        if today > end:
            severity = _severity(policies.shutdown)
        yield "model_shutdown", severity, end


def allowed(policies: Policies, model: str) -> bool:
    """Whether a model is on the list, or there is none."""
    return not policies.allow or any(fnmatchcase(model, pattern) for pattern in policies.allow)


def _severity(action: Strictness) -> str:
    return "error" if action == "deny" else "warning"


def expired(waiver: Waiver, today: date) -> bool:
    """Whether its last day is over."""
    return today > waiver.expires


def unused(policies: Policies, broken: Iterable[Breach], today: date) -> list[Waiver]:
    """The waivers that hold and have nothing to waive. One for a model whose end is known, but not
    near, has.
    """
    used = {one.waiver for one in broken}
    return [
        waiver for waiver in policies.waivers if waiver not in used and not expired(waiver, today)
    ]
