"""The fields of an automation: what each holds, and what the service makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from provisioner import shapes
from provisioner.kinds.table import TEXT, Field, Sort, Table, choice, metadata
from provisioner.shapes import either, many, mapping, maybe

_SPEC = "provisioner.kinds.automation.spec:"


def _named(target: Any) -> Iterator[Any]:
    """The agent, the template and the vaults of a target."""
    found = target or {}
    surroundings = found.get("environment") or {}
    yield from (one for one in (found.get("assistant"), surroundings.get("template")) if one)
    yield from found.get("vaults") or ()


def _renamed(target: Any, addresses: Mapping[str, Any]) -> Any:
    def new(one: Any) -> Any:
        return addresses.get(one, one) if isinstance(one, str) else one

    found = dict(target or {})
    if "assistant" in found:
        found["assistant"] = new(found["assistant"])
    surroundings = found.get("environment") or {}
    if "template" in surroundings:
        found["environment"] = {**surroundings, "template": new(surroundings["template"])}
    if "vaults" in found:
        found["vaults"] = [new(vault) for vault in found["vaults"] or ()]
    return target and found


BLANK: Mapping[str, Any] = {"environment": {"type": "none"}, "metadata": {}, "vaults": []}
"""What the target of a new session has where nothing is said."""


def _normal(target: Mapping[str, Any] | None) -> dict[str, Any]:
    """With null for what is so anyway: the service shows it, however it came about."""
    found = {"type": "new_session", **(target or {})}
    return {name: None if value == BLANK.get(name) else value for name, value in found.items()}


def _name(reference: Any) -> Any:
    """A reference as an author writes it."""
    return reference.partition(".")[2] if isinstance(reference, str) else reference


def _spelt(target: Any) -> Any:
    found = {name: value for name, value in (target or {}).items() if value}
    if "assistant" in found:
        found["assistant"] = _name(found["assistant"])
    surroundings = dict(found.get("environment") or {})
    if template := surroundings.get("template"):
        found["environment"] = {**surroundings, "template": _name(template)}
    elif len(surroundings) == 1 and surroundings["type"] != "self_hosted":
        found["environment"] = surroundings["type"]
    if "vaults" in found:
        found["vaults"] = [_name(vault) for vault in found["vaults"]]
    return found


def moment(value: Any) -> Any:
    """A time as people read it, in UTC, however it was written; beyond the calendar, in seconds."""
    try:
        found = datetime.fromtimestamp(seconds(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return value
    return f"{found:%Y-%m-%dT%H:%M:%SZ}"


def seconds(value: Any) -> Any:
    """A time as the service has it: in Unix seconds."""
    return round(datetime.fromisoformat(value).timestamp()) if isinstance(value, str) else value


TARGET = Sort(
    written=f"{_SPEC}Target",
    shape=mapping(
        {
            "type": shapes.word,
            "assistant": maybe(shapes.reference),
            "environment": mapping({"type": shapes.word, "template": maybe(shapes.reference)}),
            "vaults": many(shapes.reference),
            "input": many(either(shapes.text, mapping())),
            "metadata": mapping(),
            "session_id": shapes.word,
            "instructions": shapes.text,
        }
    ),
    normal=_normal,
    declare=f"{_SPEC}read_target",
    spelt=_spelt,
    refers_to=("assistant", "environment_template", "vault"),
    references=_named,
    renamed=_renamed,
)

FIELDS = Table(
    Field(
        "name",
        TEXT,
        "Name that people see, at most 256 characters; default: the resource's name",
        ["Every weekday"],
        {"min_length": 1, "max_length": 256},
    ),
    Field(
        "type",
        choice("periodic", "once"),
        "`periodic`: as an `expression` says; `once`: at `run_at`; fixed",
        ["periodic"],
        required=True,
        fixed=True,
    ),
    Field(
        "expression",
        TEXT,
        "When it runs, as cron has it: minute, hour, day, month, weekday",
        ["0 8 * * 1-5"],
        {"max_length": 256},
    ),
    Field("timezone", TEXT, "Where the clock of `expression` hangs", ["Europe/Berlin"]),
    Field(
        "run_at",
        Sort(
            written=f"{_SPEC}Moment",
            shape=either(shapes.text, shapes.whole),
            normal=moment,
        ),
        "When it runs, as RFC 3339 has it or in Unix seconds; once it has run, a change makes a new"
        " automation",
        ["2027-01-31T12:00:00Z"],
    ),
    Field(
        "status",
        choice("active", "paused"),
        "Whether it runs; default `active`. One that has run is `completed`, and in sync",
        ["paused"],
        default="active",
    ),
    Field(
        "target",
        TARGET,
        "What is told to whom: a new session of an agent, or a session that is there; its type is"
        " fixed",
        [{"type": "new_session", "assistant": "triage", "input": ["Sort the tickets."]}],
        required=True,
        keyed=True,
    ),
    metadata({"team": "support"}),
)
