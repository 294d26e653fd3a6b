"""What an author may write for an automation, where it is more than a word or a number."""

import re
import zoneinfo
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from provisioner.kinds.base import Finding, Path, Scope
from provisioner.kinds.common import (
    FromFile,
    FromFiles,
    Metadata,
    Reference,
    Strict,
    Writing,
    read_writing,
    refusal,
)
from provisioner.kinds.surroundings import Surroundings, read_surroundings
from provisioner.kinds.table import as_written
from provisioner.model import Address
from provisioner.text import did_you_mean

_OF = {"periodic": ("expression", "timezone"), "once": ("run_at",)}
_TERM = re.compile(r"(\*|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/[0-9]+)?")
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_NAMES = ("minute", "hour", "day", "month", "weekday")
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # days of the months
_WORDS = {
    3: ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    4: ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}


def _moment(value: object) -> object:
    try:
        known = isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        known = False
    if not known and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        hint = 'write it like "2027-01-31T12:00:00Z"'
        raise refusal("moment", "is not a time with its zone, as RFC 3339 has it", hint)
    return value


Moment = Annotated[
    Any,
    BeforeValidator(_moment),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "integer", "minimum": 0},
            ]
        }
    ),
]


class NewSession(Strict):
    """A session of its own for each run."""

    type: Literal["new_session"] = Field(
        default="new_session", description="A session of its own for each run"
    )
    assistant: Reference = Field(
        description="The agent: an assistant through `api: agents`", examples=["triage"]
    )
    environment: Surroundings | None = Field(
        default=None,
        description="Where it works: `none`, `openai_hosted`, or one with settings",
        examples=["none", {"template": "box"}],
    )
    vaults: list[Reference] | None = Field(
        default=None,
        max_length=10,
        description="The vaults whose credentials it may use, at most 10",
        examples=[["keys"]],
    )
    input: list[Writing] = Field(
        min_length=1,
        description="What it is told: texts, each a message of the user",
        examples=[["Sort the tickets.", {"file": "prompts/night.md"}]],
    )
    metadata: Metadata | None = Field(
        default=None, description="Labels of its sessions", examples=[{"team": "support"}]
    )


class ExistingSession(Strict):
    """A session that is there already."""

    type: Literal["existing_session"] = Field(description="A session that is there already")
    session_id: str = Field(
        min_length=1, max_length=256, description="Its id", examples=["session_abc123"]
    )
    instructions: Writing = Field(
        description="What it is told", examples=["Look again.", {"file": "prompts/look.md"}]
    )


def _choose_target(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "<existing_session>" if kind == "existing_session" else "<new_session>"


Target = Annotated[
    Annotated[NewSession, Tag("<new_session>")]
    | Annotated[ExistingSession, Tag("<existing_session>")],
    Discriminator(_choose_target),
]


def read_target(value: NewSession | ExistingSession, scope: Scope, at: Path) -> Any:
    """What it says: texts out of their files, what it names by addresses or ids."""
    found = {"type": value.type, **value.declared()}
    if isinstance(value, ExistingSession):
        found["instructions"] = _text(value.instructions, scope, (*at, "instructions"))
        return found
    agent = as_written(value.assistant)
    found["assistant"] = scope.reference("assistant", agent, (*at, "assistant"))
    if value.environment is not None:
        place = (*at, "environment")
        found["environment"] = read_surroundings(found["environment"], scope, place)
    if value.vaults is not None:
        found["vaults"] = [
            scope.reference("vault", as_written(vault), (*at, "vaults", index))
            for index, vault in enumerate(value.vaults)
        ]
    found["input"] = [
        _text(one, scope, (*at, "input", index)) for index, one in enumerate(value.input)
    ]
    return found


def _text(value: str | FromFile | FromFiles, scope: Scope, at: Path) -> str | None:
    text = read_writing(value, scope, at)
    if text is not None and not text.strip():
        detail = f"`{scope.address}` says nothing here."
        scope.report(Finding(at, "Nothing said", detail, "write what the agent is told"))
    return text


def odd_schedule(spec: Any, address: Address) -> Iterator[Finding]:
    """What of a schedule is missing, belongs to the other type, or cannot be."""
    for kind, names in _OF.items():
        for name in names:
            given = getattr(spec, name) is not None
            if given == (kind == spec.type):
                continue
            has = "needs" if kind == spec.type else "has no"
            detail = f"`{address}` is `type: {spec.type}`, which {has} `{name}`."
            hint = (
                f"write `{name}`" if kind == spec.type else f"take it out, or write `type: {kind}`"
            )
            yield Finding((name,), "Odd schedule", detail, hint)
    if spec.expression is not None and not _is_cron(spec.expression):
        detail = (
            f"`{address}` has `expression: {spec.expression}`, which is not five fields of cron."
        )
        hint = 'write minute, hour, day, month and weekday, like "0 8 * * 1-5"'
        yield Finding(("expression",), "Odd schedule", detail, hint)
    elif spec.expression is not None and (never := _never(spec.expression)):
        detail = f"`{address}` has `expression: {spec.expression}`, which never comes: {never}."
        hint = "name a moment that there is, or take the automation out"
        yield Finding(("expression",), "Odd schedule", detail, hint)
    if spec.timezone is not None and not _is_zone(spec.timezone):
        detail = f"`{address}` has `timezone: {spec.timezone}`, which is no zone of IANA's."
        near = did_you_mean(spec.timezone, zoneinfo.available_timezones())
        yield Finding(("timezone",), "Odd schedule", detail, near or 'write it like "UTC"')


def _is_cron(expression: str) -> bool:
    parts = expression.split()
    return len(parts) == len(_RANGES) and all(map(_fits, parts, _RANGES))


def _fits(part: str, ends: tuple[int, int]) -> bool:
    """Whether a field has terms of cron, with no number that it cannot have."""
    terms = [_TERM.fullmatch(term) for term in part.split(",")]
    spans = [term[1].split("-") for term in terms if term]
    numbers = [int(one) for span in spans for one in span if one.isdecimal()]
    return all(terms) and all(ends[0] <= number <= ends[1] for number in numbers)


def _never(expression: str) -> str | None:
    """Why a schedule never comes; None where it does, or where nobody can tell."""
    fields = expression.split()
    found = [_values(part, at) for at, part in enumerate(fields)]
    for part, values, name in zip(fields, found, _NAMES, strict=True):
        if values is not None and not values:
            return f"`{part}` stands for no {name}"
    _, _, days, months, _ = found
    # Where days of the month and of the week are named, either will do.
    if fields[4].startswith("*") and days and months:
        longest = max(_LONGEST[month - 1] for month in months)
        if min(days) > longest:
            return f"none of its months has a day {min(days)}"
    return None


def _values(part: str, at: int) -> set[int] | None:
    """The numbers that a field stands for; None where it has words that only the service knows."""
    found: set[int] = set()
    for term in part.split(","):
        span, _, step = term.partition("/")
        first, last = _ends(span, at, stepped=bool(step))
        if first is None or last is None or first > last:
            return None
        if not step or int(step):
            found.update(range(first, last + 1, int(step or 1)))
    return found


def _ends(span: str, at: int, stepped: bool) -> tuple[int | None, int | None]:
    lowest, highest = _RANGES[at]
    if span == "*":
        return lowest, highest
    first, _, last = span.partition("-")
    if not last and stepped:
        return _number(first, at), highest
    return _number(first, at), _number(last or first, at)


def _number(word: str, at: int) -> int | None:
    """What a number says, or the name of a month or weekday."""
    names = _WORDS.get(at, ())
    if word[:3].lower() in names:
        return names.index(word[:3].lower()) + _RANGES[at][0]
    return int(word) if word.isdecimal() else None


def _is_zone(name: str) -> bool:
    """Whether there is such a zone; a machine without any cannot tell."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return not zoneinfo.available_timezones()
    return True
