"""What `policies:` in `provisioner.yaml` may say, and what the policies of one environment come to."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from provisioner.kinds.common import Strict, refusal
from provisioner.model import Policies, Source, Waiver
from provisioner.spec.environments import FILE

_ADDRESS = r"assistant\.[a-z][a-z0-9_-]{0,63}"
_ACTION = "`deny` stops a plan, `warn` only says so, `ignore` switches the policy off"  # `off` would be read as false
Action = Literal["deny", "warn", "ignore"]


def _day(value: object) -> object:
    """YAML reads a day without quotes as a date; in quotes it is the same."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    elif isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise refusal("day", "is no day", "write it like `2027-01-31`")


def _address(value: str) -> str:
    if re.fullmatch(_ADDRESS, value):
        return value
    raise refusal("address", "is not the address of an assistant", "write it like `assistant.support`")


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Assistant = Annotated[str, AfterValidator(_address), WithJsonSchema({"type": "string", "pattern": f"^{_ADDRESS}$"})]


class ModelsPolicy(Strict):
    """The models that assistants may use."""

    allow: list[Annotated[str, Field(min_length=1)]] | None = Field(
        default=None,
        min_length=1,
        description="Names of models; `*` stands for any characters. Any model when left out",
        examples=[["gpt-4o", "gpt-5*"]],
    )
    action: Action = Field(default="deny", description=_ACTION, examples=["warn"])


class ShutdownPolicy(Strict):
    """Models with an announced end: a warning before that day, an error after it."""

    action: Action = Field(
        default="deny", description="`deny` stops a plan after that day, `warn` only says so, `ignore` switches it off"
    )
    warn_days: int = Field(
        default=60, ge=0, le=3650, description="Days before the shutdown from which on it is told", examples=[90]
    )


class WaiverFile(Strict):
    """A breach that is put up with for a while."""

    policy: Literal["models", "model_shutdown"] = Field(
        description="The policy that it is about", examples=["model_shutdown"]
    )
    address: Assistant = Field(description="The assistant that may break it", examples=["assistant.support"])
    reason: str = Field(min_length=1, description="Why; every plan shows it", examples=["moves with the next release"])
    expires: Day = Field(description="The last day on which it holds", examples=["2027-01-31"])


class PoliciesFile(Strict):
    """What plans are held against."""

    models: ModelsPolicy | None = Field(
        default=None,
        description="The models that assistants may use",
        examples=[{"allow": ["gpt-4o", "gpt-5*"], "action": "deny"}],
    )
    model_shutdown: ShutdownPolicy | None = Field(
        default=None,
        description="Models with an announced end; on by default",
        examples=[{"action": "warn", "warn_days": 90}],
    )
    waivers: list[WaiverFile] = Field(default=[], description="Breaches that are put up with for a while")


def policies(top: PoliciesFile | None, own: PoliciesFile | None, environment: str) -> Policies:
    """The policies of an environment: its own keys replace those at the top, its waivers are added to them."""
    models = {**_said(top and top.models), **_said(own and own.models)}
    shutdown = {**_said(top and top.model_shutdown), **_said(own and own.model_shutdown)}
    return Policies(
        tuple(models.get("allow") or ()),
        models.get("action", "deny"),
        shutdown.get("action", "deny"),
        shutdown.get("warn_days", 60),
        (
            *_waivers(top, Source(FILE, ("policies", "waivers"))),
            *_waivers(own, Source(FILE, ("environments", environment, "policies", "waivers"))),
        ),
    )


def _said(part: Strict | None) -> dict[str, Any]:
    return part.declared() if part else {}


def _waivers(said: PoliciesFile | None, source: Source) -> list[Waiver]:
    listed = enumerate(said.waivers if said else ())
    return [Waiver(one.policy, one.address, one.reason, one.expires, source.at(at)) for at, one in listed]
