"""Which models there are and when they end: what the service says itself, kept for a day, else what
OpenAI has announced.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner import disk, jsontext
from provisioner.engine import announced
from provisioner.errors import ServiceError
from provisioner.model import Policies
from provisioner.records import dataclass
from provisioner.workspace.setting import LOCAL

if TYPE_CHECKING:
    from provisioner.remote import Remote
    from provisioner.workspace import Environment

DAY = 24 * 60 * 60.0  # seconds for which an answer is not asked for again
ASKING_SECONDS = 5.0  # seconds; a plan is right without an answer as well
_LATER = (401, 408, 429)  # answers that say nothing of what the service has

Given = dict[str, date | None]  # by model; None: the service says that no end is announced


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service says of its models."""

    given: Given = field(default_factory=dict)
    names: frozenset[str] = frozenset()  # of all models, those of which it says no end included


@dataclass(frozen=True, slots=True)
class Shutdowns:
    """What is known of one service. OpenAI's announcements are about its own service: what another
    one calls `gpt-4o` ends when that one says so.
    """

    given: Mapping[str, date | None] = field(default_factory=dict)
    public: bool = False
    names: frozenset[str] = frozenset()  # of all models that it lists; none where nobody knows
    fresh: bool = False  # whether the service has answered within the day

    def of(self, model: str) -> date | None:
        """The announced end of a model."""
        if model in self.given:
            return self.given[model]
        return announced.shutdown(model) if self.public else None

    def source(self, model: str) -> str:
        """Who says so."""
        return (
            "as the service says"
            if model in self.given
            else f"by OpenAI's announcements as of {announced.AS_OF}"
        )

    def replacement(self, model: str) -> str | None:
        """What OpenAI recommends in the place of a model of its own service."""
        return announced.replacement(model) if self.public else None

    @property
    def known(self) -> bool:
        """Whether anybody says anything about any model."""
        return self.public or bool(self.given)

    @property
    def ending(self) -> bool:
        """Whether the end of any model is known."""
        return self.public or any(self.given.values())


def policies_apply(policies: Policies, shutdowns: Shutdowns) -> bool:
    """Whether the policies of an environment can say anything at all."""
    return bool(policies.allow or policies.waivers or shutdowns.ending or shutdowns.names)


def utc_today() -> date:
    """The day everywhere, so that two machines say the same."""
    return datetime.now(UTC).date()


def kept_answers(root: Path, environment: Environment) -> Shutdowns:
    """What is known without asking, however long ago it was asked."""
    asked_before = (root / disk.CACHE).is_dir()  # the name of the file is a hash: 3 ms of import
    kept = _read(_file(root, environment)) if asked_before else None
    return _known(environment, kept[1] if kept else Answer())


async def asked(root: Path, environment: Environment, remote: Remote) -> Shutdowns:
    """What the service says, asked at most once a day. A service that gives no answer has none to
    give.
    """
    file, now = _file(root, environment), time.time()
    at, before = _read(file) or (0.0, Answer())
    if 0 <= now - at < DAY:
        return _known(environment, before, fresh=True)
    answer = await _ask(remote)
    if answer is None:
        return _known(environment, before)
    models = {model: day.isoformat() if day else None for model, day in answer.given.items()}
    kept = {"at": now, "models": models, "names": sorted(answer.names)}
    disk.cache(file, json.dumps(kept).encode())
    return _known(environment, answer, fresh=True)


def _known(environment: Environment, answer: Answer, *, fresh: bool = False) -> Shutdowns:
    # The embedded service takes any model, whatever it lists.
    names = frozenset() if environment.service == LOCAL else answer.names
    return Shutdowns(answer.given, environment.public, names, fresh)


async def _ask(remote: Remote) -> Answer | None:
    """The answer; None where a later one may be different."""
    import asyncio  # `validate` asks nobody

    try:
        async with asyncio.timeout(ASKING_SECONDS):
            return _parsed(await remote.glance("/models"))
    except TimeoutError:
        return None
    except ServiceError as error:
        final = error.status is not None and error.status < 500 and error.status not in _LATER
        return Answer() if final else None


def _parsed(reply: Any) -> Answer:
    """The models, and which of them say whether they end; whatever else a service may answer is
    passed over.
    """
    listed = reply.get("data") if isinstance(reply, dict) else None
    models = [
        item
        for item in (listed if isinstance(listed, list) else ())
        if isinstance(item, dict) and isinstance(item.get("id"), str)
    ]
    given = {
        item["id"]: _day(item["shutdown_date"])
        for item in models
        if "shutdown_date" in item and _is_day(item["shutdown_date"])
    }
    return Answer(given, frozenset(item["id"] for item in models))


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _is_day(value: object) -> bool:
    with suppress(ValueError):
        return value is None or (isinstance(value, str) and bool(date.fromisoformat(value)))
    return False


def _file(root: Path, environment: Environment) -> Path:
    origin = f"{environment.service} {environment.organization} {environment.project}"
    return disk.cached(root / disk.CACHE, origin, "models-")


def _read(file: Path) -> tuple[float, Answer] | None:
    """When it was asked, and the answer; None for whatever is not what was written."""
    try:
        kept = jsontext.read(disk.read(file, disk.LARGEST_TEXT))
        given = {str(model): _day(day) for model, day in kept["models"].items()}
        return float(kept["at"]), Answer(given, frozenset(map(str, kept.get("names", ()))))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
