"""Owns automations and their invocations. Nothing here happens by itself: a schedule is kept and
shown, and what is invoked is invoked by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .. import checks, paging
from ..db import DbRow
from ..errors import ApiError, bad, conflict, no_automation, none_of
from ..service import Call, EmbeddedService, Reply, new_id
from . import environments, saved, schedules, sessions, vaults
from .records import Records

AUTOMATIONS = Records("automations", no_automation, kept_back=("env",))
_OF_SESSION = "json_extract(body, '$.target.session_id') = ?"
_INSTRUCTIONS = checks.string(shortest=1)

no_invocation = none_of("invocation")

_NEW_SESSION = checks.fields(
    {
        "type": checks.any_value,
        "environment": environments.ENVIRONMENT,
        "input": sessions.messages,
        "agent": saved.INLINE,
        "agent_id": checks.string(),
        "metadata": checks.metadata,
        "vault_ids": sessions.VAULT_IDS,
    },
    ("environment", "input"),
)


def _new_session(path: str, value: Any) -> dict[str, Any]:
    given: dict[str, Any] = _NEW_SESSION(path, value)
    if "agent" in given and "agent_id" in given:
        raise checks.exclusive(path, "agent", "agent_id")
    if "agent" not in given and "agent_id" not in given:
        raise checks.required(f"{path}.agent_id")
    if "agent" in given and "model" not in given["agent"]:
        raise checks.required(f"{path}.agent.model")
    return given


_TARGET = checks.variants(
    {
        "new_session": _new_session,
        "existing_session": checks.fields(
            {
                "type": checks.any_value,
                "instructions": _INSTRUCTIONS,
                "session_id": checks.string(),
            },
            ("instructions", "session_id"),
        ),
    }
)
_SHARED: dict[str, checks.Check] = {
    "name": checks.string(longest=256, shortest=1),
    "target": _TARGET,
    "metadata": checks.pairs(checks.string(longest=512)),
}
_SCHEDULES: dict[str, dict[str, checks.Check]] = {
    "periodic": {"expression": schedules.expression, "timezone": schedules.timezone},
    "once": {"run_at": checks.integer(0)},
}
_CREATE = checks.variants(
    {
        kind: checks.fields(_SHARED | own | {"type": checks.any_value}, ("name", "target", *own))
        for kind, own in _SCHEDULES.items()
    }
)
_UPDATES = {kind: checks.fields(_SHARED | own) for kind, own in _SCHEDULES.items()}


def _check_future(service: EmbeddedService, given: Mapping[str, Any]) -> None:
    if "run_at" in given and given["run_at"] <= service.now():
        raise bad("Invalid 'run_at': expected a time in the future.", "run_at", "invalid_value")


def _check_known(service: EmbeddedService, target: Mapping[str, Any]) -> None:
    """What a target names must exist."""
    if target["type"] == "existing_session":
        sessions.looked_at(service, target["session_id"])
        return
    if "agent_id" in target:
        service.settling.check("use", "agents", [target["agent_id"]])
        saved.AGENTS.row(service, target["agent_id"])
    environments.check_known(service, target["environment"])
    vaults.attached(service, target.get("vault_ids"))


def _kept(target: dict[str, Any]) -> dict[str, Any]:
    """The target as it is shown, and what of it is not."""
    if target["type"] == "existing_session":
        return {"target": target, "env": []}
    agent = saved.applied(saved.defaults(), target["agent"]) if "agent" in target else None
    said = [{"type": "message", "role": "user", "content": one} for one in target["input"]]
    shown = {
        "type": "new_session",
        "agent": agent,
        "agent_id": target.get("agent_id"),
        "environment": environments.configured(target["environment"]),
        "input": said,
        "metadata": target.get("metadata") or {},
        "vault_ids": target.get("vault_ids") or [],
    }
    return {"target": shown, "env": target["environment"].get("env")}


def create(service: EmbeddedService, call: Call) -> Reply:
    given = _CREATE("", call.body)
    _check_future(service, given)
    _check_known(service, given["target"])
    body = {
        "id": new_id("auto"),
        "object": "agent.automation",
        "created_at": service.now(),
        "created_by": {"type": "developer"},
        "metadata": {},
        "status": "active",
        "pause_reason": None,
    }
    body |= given | _kept(given["target"])
    AUTOMATIONS.add(service, body)
    return AUTOMATIONS.shown(body)


def _as_of_now(service: EmbeddedService, body: Reply) -> Reply:
    """Of a time that is over, nothing is left to wait for."""
    over = body["type"] == "once" and body["run_at"] <= service.now()
    return body | {"status": "completed"} if over and body["status"] == "active" else body


def _found(service: EmbeddedService, call: Call) -> Reply:
    return _as_of_now(service, AUTOMATIONS.find(service, call.params["automation_id"]))


def retrieve(service: EmbeddedService, call: Call) -> Reply:
    return AUTOMATIONS.shown(_found(service, call))


def list_(service: EmbeddedService, call: Call) -> Reply:
    session_id = call.query.get("session_id")
    where, params = ("1", ()) if session_id is None else (_OF_SESSION, (session_id,))
    page = AUTOMATIONS.page(service, call, where, params)
    return page | {"data": [_as_of_now(service, body) for body in page["data"]]}


def update(service: EmbeddedService, call: Call) -> Reply:
    with service.database.transaction():
        body = _found(service, call)
        given = _UPDATES[body["type"]]("", call.body)
        if "run_at" in given and body["status"] == "completed":
            raise conflict("'run_at' cannot be changed: the scheduled invocation exists already.")
        _check_future(service, given)
        if "target" in given:
            _check_same(body["target"], given["target"])
            _check_known(service, given["target"])
            given |= _kept(given["target"])
        body |= given
        AUTOMATIONS.write(service, body)
    return AUTOMATIONS.shown(body)


def _check_same(before: Reply, target: Reply) -> None:
    if target["type"] != before["type"]:
        raise bad(
            f"The type of a target cannot be changed: it is '{before['type']}'.",
            "target.type",
            "invalid_value",
        )


def _switch(service: EmbeddedService, call: Call, status: str) -> Reply:
    with service.database.transaction():
        body = _found(service, call)
        if body["status"] == "completed":
            raise conflict(f"Automation '{body['id']}' is completed.")
        body |= {"status": status, "pause_reason": None}
        AUTOMATIONS.write(service, body)
    return AUTOMATIONS.shown(_as_of_now(service, body))


def pause(service: EmbeddedService, call: Call) -> Reply:
    return _switch(service, call, "paused")


def resume(service: EmbeddedService, call: Call) -> Reply:
    return _switch(service, call, "active")


def delete(service: EmbeddedService, call: Call) -> Reply:
    """Sessions that it made stay."""
    automation_id = call.params["automation_id"]
    with service.database.transaction():
        AUTOMATIONS.remove(service, automation_id)
        service.database.run("DELETE FROM invocations WHERE automation = ?", [automation_id])
    return {"id": automation_id, "object": "agent.automation.deleted", "deleted": True}


def invoke(service: EmbeddedService, call: Call) -> Reply:
    """What comes of it is known at once; until it is due, it is shown as queued."""
    body = _found(service, call)
    invocation: Reply = {
        "id": new_id("inv"),
        "object": "agent.automation.invocation",
        "automation_id": body["id"],
        "created_at": service.now(),
        "scheduled_at": None,
        "skip_reason": None,
        "source": {"type": "manual"},
    } | _delivered(service, body, call.headers)
    row = {"id": invocation["id"], "created_at": invocation["created_at"]}
    row |= {"automation": body["id"], "due_at": service.clock() + service.run_seconds}
    row |= {"body": json.dumps(invocation)}
    service.database.run(
        "INSERT INTO invocations (id, created_at, automation, due_at, body) VALUES (?, ?, ?, ?, ?)",
        list(row.values()),
    )
    return _queued(invocation)


def _delivered(service: EmbeddedService, body: Reply, headers: Mapping[str, str]) -> Reply:
    target = body["target"]
    try:
        if target["type"] == "existing_session":
            sessions.deliver(service, target["session_id"], target["instructions"])
            session_id = target["session_id"]
        else:
            session_id = sessions.start(service, _opening(body), headers)
    except ApiError as refusal:
        code = "resource_not_found" if refusal.status == 404 else refusal.code or "invalid_request"
        error = {"code": code, "message": refusal.message}
        return {"status": "failed", "session_id": None, "error": error}
    return {"status": "completed", "session_id": session_id, "error": None}


def _opening(body: Reply) -> Reply:
    """What a session is asked for with."""
    target = body["target"]
    given = {name: one for name, one in target.items() if name != "type" and one is not None}
    given["input"] = [message["content"] for message in target["input"]]
    given["environment"] = target["environment"] | {"env": body["env"]}
    return given


def _queued(invocation: Reply) -> Reply:
    return invocation | {"status": "queued", "session_id": None, "error": None}


def _shown(service: EmbeddedService, row: DbRow) -> Reply:
    body: Reply = json.loads(row["body"])
    return body if row["due_at"] <= service.clock() else _queued(body)


def list_invocations(service: EmbeddedService, call: Call) -> Reply:
    automation_id = _found(service, call)["id"]
    source = paging.PageSource("invocations", "automation = ?", (automation_id,))
    page = paging.read_page(call.query)
    rows, more = paging.select(service.database, page, source, no_invocation)
    return paging.envelope([_shown(service, row) for row in rows], more)


def retrieve_invocation(service: EmbeddedService, call: Call) -> Reply:
    automation_id, invocation_id = _found(service, call)["id"], call.params["invocation_id"]
    row = service.database.one(
        "SELECT * FROM invocations WHERE automation = ? AND id = ?", [automation_id, invocation_id]
    )
    if row is None:
        raise no_invocation(invocation_id)
    return _shown(service, row)
