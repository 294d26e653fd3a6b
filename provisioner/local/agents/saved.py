"""Owns saved agents, and how a configuration of one is filled in and changed."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException

from .. import checks
from ..assistants import EFFORTS
from ..errors import bad, no_agent
from ..schemas import schema_error
from ..service import Call, EmbeddedService, Reply, new_id
from .records import Records
from .tools import SAVED_TOOLS, TOOLS

AGENTS = Records("agents", no_agent)
LONGEST = 1_048_576
SUBAGENTS = 6  # at once, where agents may make some and nothing is said


def _schema(path: str, value: Any) -> dict[str, Any]:
    given = checks.json_object(path, value)
    wrong = schema_error(given)
    if wrong is not None:
        raise bad(f"Invalid schema for '{path}': {wrong}", path, "invalid_json_schema")
    return given


_FORMAT = checks.variants(
    {
        "text": checks.fields({"type": checks.any_value}),
        "json_schema": checks.fields({"type": checks.any_value, "schema": _schema}, ("schema",)),
    }
)
EFFORT = checks.nullable(checks.one_of(*EFFORTS))
MODEL = checks.string(longest=LONGEST, shortest=1)
SERVICE_TIER = checks.nullable(
    checks.one_of("auto", "default", "flex", "priority", "fast", "ultrafast")
)
# What a session may say otherwise than the saved agent.
_CONFIG: dict[str, checks.Check] = {
    "model": MODEL,
    "instructions": checks.nullable(checks.string(longest=LONGEST)),
    "reasoning": checks.nullable(
        checks.fields(
            {
                "effort": EFFORT,
                "summary": checks.nullable(checks.one_of("concise", "detailed", "auto")),
            }
        )
    ),
    "text": checks.nullable(
        checks.fields(
            {
                "format": checks.nullable(_FORMAT),
                "verbosity": checks.nullable(checks.one_of("low", "medium", "high")),
            }
        )
    ),
    "service_tier": SERVICE_TIER,
    "multi_agent": checks.nullable(
        checks.fields(
            {"enabled": checks.boolean, "max_concurrent_subagents": checks.integer(1)},
            ("enabled",),
        )
    ),
    "compaction": checks.nullable(checks.fields({"async": checks.nullable(checks.boolean)})),
    "experimental": checks.fields({"time_awareness": checks.boolean}),
}
INLINE = checks.fields(_CONFIG | {"tools": checks.nullable(TOOLS)})
_SAVED = _CONFIG | {
    "name": checks.nullable(checks.string(longest=128)),
    "metadata": checks.metadata,
    "tools": checks.nullable(SAVED_TOOLS),
}
_CREATE = checks.fields(_SAVED, ("model",))
_UPDATE = checks.fields(_SAVED)


# What comes back where nothing is said.
_OBJECTS: dict[str, dict[str, Any]] = {
    "reasoning": {"effort": None, "summary": None},
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "compaction": {"async": False},
}
_OTHERS: dict[str, Any] = {"service_tier": "auto", "tools": [], "metadata": {}}


def _filled(name: str, value: Any) -> Any:
    """A field as it comes back; null is the default, in objects too."""
    if name in _OBJECTS:
        said = {key: one for key, one in (value or {}).items() if one is not None}
        return _OBJECTS[name] | said
    if name == "multi_agent":
        enabled = (value or {}).get("enabled", False)
        most = (value or {}).get("max_concurrent_subagents", SUBAGENTS) if enabled else None
        return {"enabled": enabled, "max_concurrent_subagents": most}
    return _OTHERS.get(name) if value is None else value


def applied(config: Reply, given: dict[str, Any]) -> Reply:
    """What is omitted stays, an object replaces the old one, null is the default; `experimental`
    alone is merged.
    """
    changes = {name: _filled(name, one) for name, one in given.items()}
    if "experimental" in given:
        changes["experimental"] = config["experimental"] | given["experimental"]
    return config | changes


def defaults() -> Reply:
    names = ("instructions", "reasoning", "text", "service_tier", "multi_agent", "compaction")
    blank = {name: _filled(name, None) for name in (*names, "tools")}
    return blank | {"experimental": {"time_awareness": False}}


def create(service: EmbeddedService, call: Call) -> Reply:
    given = _CREATE("", call.body)
    head: Reply = {"id": new_id("agt"), "object": "agent", "name": None, "metadata": {}}
    times = {"created_at": service.now(), "updated_at": service.now()}
    body = applied(head | times | defaults(), given)
    AGENTS.add(service, body)
    return body


def _id(call: Call) -> str:
    """Raises for what has no route of its own, and still is no agent."""
    agent_id = call.params["agent_id"]
    if agent_id in ("automations", "environments", "sessions"):
        raise HTTPException(404)
    return agent_id


def retrieve(service: EmbeddedService, call: Call) -> Reply:
    return AGENTS.find(service, _id(call))


def list_(service: EmbeddedService, call: Call) -> Reply:
    return AGENTS.page(service, call)


def update(service: EmbeddedService, call: Call) -> Reply:
    """Sessions that there are keep the agent as it was when they began."""
    agent_id, given = _id(call), _UPDATE("", call.body)
    with service.database.transaction():
        body = AGENTS.find(service, agent_id)
        body = applied(body, given) | {"updated_at": service.now()}
        AGENTS.write(service, body)
    return body


def delete(service: EmbeddedService, call: Call) -> Reply:
    agent_id = _id(call)
    AGENTS.remove(service, agent_id)
    return {"id": agent_id, "object": "agent.deleted", "deleted": True}
