"""How automations exist at the service. None runs before it is as the specs say: one that is to be
paused begins far away, and one that is replaced rests before its successor is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from provisioner.errors import ServiceError
from provisioner.kinds.automation.fields import BLANK, FIELDS, seconds
from provisioner.kinds.base import Finding, Names, Path, Write
from provisioner.kinds.table import Field
from provisioner.kinds.wire import (
    Raw,
    StampedForm,
    route,
    sent_surroundings,
    shown_surroundings,
)
from provisioner.model import Address, Fields, Live, Problem
from provisioner.shapes import Shape, many, mapping, text

if TYPE_CHECKING:
    from provisioner.remote import Remote

_COMPLETED = "completed"
_FAR = {"expression": "0 0 29 2 *", "run_at": 4_102_444_800}  # 29 February; the year 2100
_TARGET = mapping({"type": text, "environment": mapping(), "input": many(mapping())})


class AutomationForm(StampedForm):
    """An object at `/agents/automations`."""

    collection = "/agents/automations"
    table = FIELDS
    named = True
    replies: ClassVar[Mapping[str, Shape]] = {"target": _TARGET, "created_by": mapping()}
    fixed = frozenset({"type", "target.type"})
    retired: ClassVar[Fields] = {"status": "paused"}
    through: ClassVar[Mapping[str, tuple[str, Path]]] = {
        "assistant": ("agents", ("target", "assistant"))
    }

    def later(self, fields: Fields) -> frozenset[str]:
        if fields.get("status") != "paused":
            return frozenset()
        return frozenset({"status", *(_FAR.keys() & fields.keys())})

    def idle(self, live: Live) -> frozenset[str]:
        return frozenset({"status"} if live.status == _COMPLETED else ())

    def late(self, address: Address, fields: Fields, now: float) -> Finding | None:
        moment = seconds(fields.get("run_at"))
        if moment is None or moment > now:
            return None
        detail = f"`run_at` of `{address}` is over, so that it cannot run any more."
        hint = "set a later time, or take it out of the specs"
        return Finding(("run_at",), "Time is over", detail, hint)

    def stuck(self, live: Live) -> frozenset[str]:
        return frozenset({"run_at"} if live.status == _COMPLETED else ())

    def shown(self, one: Field, raw: Raw, names: Names) -> Any:
        if one.name == "target":
            return _shown(raw["target"], names)
        if one.name == "status" and raw["status"] == _COMPLETED:
            return "active"  # it has run, and was not paused then
        return super().shown(one, raw, names)

    def sent(self, one: Field, value: Any, write: Write) -> dict[str, Any]:
        if one.name == "target":
            removed = {name: BLANK[name] for name in BLANK if f"target.{name}" in write.paths}
            return {"target": _sent({**removed, **(value or {})}, write.names)}
        if one.name == "run_at":
            return {"run_at": seconds(value)}
        return {} if one.name == "status" else super().sent(one, value, write)

    def completed(self, body: dict[str, Any], before: Raw) -> dict[str, Any]:
        """A target is replaced whole: what others have put into it stays. What an automation of its
        type does not have is not sent, and its type is not sent again.
        """
        kept = {name: value for name, value in body.items() if name == "name" or value is not None}
        kept.pop("type", None)
        if "target" in kept and kept["target"]["type"] == "new_session":
            there = {name: before["target"].get(name) for name in ("metadata", "vault_ids")}
            kept["target"] = {**{name: one for name, one in there.items() if one}, **kept["target"]}
        return kept

    async def listed(self, remote: Remote, known: Sequence[str] = ()) -> Sequence[Raw]:
        """All but those that agents have made for themselves: they are nobody else's."""
        return [raw for raw in await super().listed(remote, known) if not _of_agent(raw)]

    async def read(self, remote: Remote, id: str, names: Names) -> Live | None:
        raw = await remote.find(route(self.collection, id))
        if raw is not None and _of_agent(raw):
            detail = f"An agent has made `{id}` for itself, in one of its sessions."
            hint = "leave it to the agent, or delete it and declare one of your own"
            raise ServiceError(Problem("Made by an agent", detail, hint))
        return None if raw is None else self.live(raw, names)

    async def create(self, remote: Remote, write: Write) -> Live:
        later = self.later(write.fields)
        far = {name: _FAR[name] for name in later & _FAR.keys()}
        late = self.late(write.address, write.fields, remote.now())
        if late:
            where = str(write.address)
            raise ServiceError(Problem(late.summary, late.detail, late.hint, address=where))
        first = {name: value for name, value in write.fields.items() if name != "status"}
        return await super().create(remote, replace(write, fields={**first, **far}))

    async def update(self, remote: Remote, write: Write) -> Live:
        """Rest first, change then; or change first, and run then."""
        path = route(self.collection, write.id or "")
        status = (write.fields.get("status") or "active") if "status" in write.paths else None
        if status == "paused":
            await remote.post(f"{path}/pause", {}, repeatable=True)
        live = await super().update(remote, write)
        if status == "active":
            raw = await remote.post(f"{path}/resume", {}, repeatable=True)
            live = self.live(raw, write.names)
        return live

    async def retire(self, remote: Remote, id: str) -> None:
        path = route(self.collection, id)
        if (await remote.find(path) or {}).get("status") == "active":
            await remote.post(f"{path}/pause", {}, repeatable=True)


def _of_agent(raw: Raw) -> bool:
    by = raw.get("created_by")
    return isinstance(by, Mapping) and by.get("type") == "agent"


def _sent(target: Fields, names: Names) -> Fields:
    """A target as a request has it. What it does not name at all is left to `completed`."""
    if target["type"] == "existing_session":
        return {name: target[name] for name in ("type", "session_id", "instructions")}
    found: Fields = {
        "type": "new_session",
        "agent_id": names.id_of(target["assistant"]),
        "environment": sent_surroundings(target.get("environment"), names),
        "input": [_message(one) for one in target["input"]],
    }
    if "metadata" in target:
        found["metadata"] = target["metadata"] or {}
    if "vaults" in target:
        found["vault_ids"] = [names.id_of(vault) for vault in target["vaults"] or ()]
    return found


def _message(said: Any) -> Any:
    if not isinstance(said, str):
        return said
    content = [{"type": "input_text", "text": said}]
    return {"type": "message", "role": "user", "content": content}


def _shown(target: Raw, names: Names) -> Fields:
    """The same as an author would declare it."""
    if target.get("type") == "existing_session":
        return {name: target.get(name) for name in ("type", "session_id", "instructions")}
    agent = target.get("agent_id")
    found: Fields = {
        "type": "new_session",
        "assistant": names.reference(agent) if agent else None,
        "environment": shown_surroundings(target.get("environment") or {"type": "none"}, names),
        "input": [_said(one) for one in target.get("input") or ()],
        "metadata": target.get("metadata") or {},
        "vaults": [names.reference(vault) for vault in target.get("vault_ids") or ()],
    }
    return found


def _said(message: Raw) -> Any:
    """What a message says, where it is one text."""
    parts: Sequence[Raw] = message.get("content") or ()
    if len(parts) == 1 and parts[0].get("type") == "input_text":
        return parts[0].get("text")
    return {name: message[name] for name in ("type", "role", "content") if name in message}


FORM = AutomationForm()
