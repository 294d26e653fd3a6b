"""Owns sessions: conversations with an agent, as it was when they began."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from .. import checks, paging
from ..errors import ApiError, bad, conflict, none_of
from ..running import items, sse
from ..service import Call, EmbeddedService, Reply, letters, new_id
from . import environments, saved, turns, vaults
from .records import Records, with_metadata
from .tools import TOOLS

LOOK_SECONDS = 0.02
LONGEST = 600.0  # seconds for which a stream stays open that has nothing to tell
RUNNING = ("in_progress", "requires_action")

no_session = none_of("session")
no_turn = none_of("turn")

SESSIONS = Records("agent_sessions", no_session, late=False)
_TURNS = Records("agent_turns", no_turn, late=False)
_PART = checks.variants(
    {
        "input_text": checks.fields({"type": checks.any_value, "text": checks.string()}, ("text",)),
        "input_image": checks.fields(
            {"type": checks.any_value, "image_url": checks.string()}, ("image_url",)
        ),
    }
)
_PARTS = checks.array(_PART, least=1, of="objects")
_MESSAGE = checks.fields(
    {"type": checks.one_of("message"), "role": checks.one_of("user"), "content": _PARTS},
    ("role", "content"),
)
_MESSAGES = checks.array(_MESSAGE, least=1, of="objects")


def messages(path: str, value: Any) -> list[turns.Content]:
    """The contents of a list of user messages."""
    return [one["content"] for one in _MESSAGES(path, value)]


def _input(path: str, value: Any) -> list[turns.Content]:
    if isinstance(value, str):
        checks.string(shortest=1)(path, value)
        return [[{"type": "input_text", "text": value}]]
    return messages(path, value)


VAULT_IDS = checks.nullable(checks.array(checks.string(), most=vaults.MOST_VAULTS))
_CACHE = checks.nullable(checks.fields({"ttl": checks.one_of("30m", "12h")}))
_REVIEW = checks.one_of("none", "auto_review")
_CREATE = checks.fields(
    {
        "environment": environments.ENVIRONMENT,
        "agent": saved.INLINE,
        "agent_id": checks.string(),
        "input": checks.nullable(_input),
        "metadata": checks.metadata,
        "prompt_cache_options": _CACHE,
        "review": _REVIEW,
        "stream": checks.nullable(checks.boolean),
        "stream_options": checks.fields({"include_obfuscation": checks.boolean}),
        "vault_ids": VAULT_IDS,
    },
    ("environment",),
)
_UPDATE = checks.fields(
    {
        "agent": checks.fields(
            {
                "model": saved.MODEL,
                "reasoning": checks.fields({"effort": saved.EFFORT}),
                "service_tier": saved.SERVICE_TIER,
                "tools": checks.nullable(TOOLS),
            }
        ),
        "metadata": checks.metadata,
        "prompt_cache_options": _CACHE,
        "review": _REVIEW,
    }
)


def _output(path: str, value: Any) -> Any:
    return value if isinstance(value, str) else _PARTS(path, value)


_APPROVAL = {"type": checks.any_value, "request_id": checks.string(), "response": checks.any_value}
_EVENT = checks.variants(
    {
        "agent.session.input.message": checks.fields(
            {"type": checks.any_value, "input": messages}, ("input",)
        ),
        "agent.session.input.cancel": checks.fields({"type": checks.any_value}),
        "agent.session.input.tool_result": checks.fields(
            {
                "type": checks.any_value,
                "call_id": checks.string(),
                "turn_id": checks.string(),
                "success": checks.boolean,
                "output": checks.nullable(_output),
                "error": checks.nullable(checks.string()),
            },
            ("call_id", "turn_id", "success"),
        ),
        "agent.session.input.mcp_approval_request_result": checks.fields(
            _APPROVAL, ("request_id", "response")
        ),
        "agent.session.input.computer_use_approval_request_result": checks.fields(
            _APPROVAL, ("request_id", "response")
        ),
    }
)
_EVENTS = checks.fields({"events": checks.array(_EVENT, least=1, of="objects")}, ("events",))


def create(service: EmbeddedService, call: Call) -> Reply | Response:
    given = _CREATE("", call.body)
    streamed, kind = bool(given.get("stream")), given["environment"]["type"]
    if "stream_options" in given and not streamed:
        raise bad("'stream_options' is only allowed when 'stream' is true.", "stream_options")
    if not given.get("input") and (kind == "none" or (streamed and kind != "self_hosted")):
        raise checks.required("input")
    session_id = start(service, given, call.headers)
    if not streamed:
        return looked_at(service, session_id)
    padded = given.get("stream_options", {}).get("include_obfuscation", True)
    return sse.stream(_told(service, session_id, after=0, padded=padded, until_idle=True))


def start(service: EmbeddedService, given: dict[str, Any], headers: Mapping[str, str]) -> str:
    """Begin a session, and its first turn if there is anything to say; all or nothing."""
    credentials = vaults.attached(service, given.get("vault_ids"))
    agent = _agent(service, given)
    _check_servers(agent["tools"], credentials)
    environment = environments.provisioned(service, given["environment"], credentials, headers)
    now = service.now()
    body: Reply = {
        "id": new_id("session"),
        "object": "agent.session",
        "created_at": now,
        "last_active_at": now,
        "agent": agent,
        "environment": environment,
        "error": None,
        "metadata": given.get("metadata") or {},
        "required_actions": [],
        "status": "idle",
        "usage": None,
        "vault_ids": given.get("vault_ids") or [],
        "prompt_cache_options": given.get("prompt_cache_options"),
    }
    if given.get("review") == "auto_review":
        body["review"] = "auto_review"
    with service.database.transaction():
        SESSIONS.add(service, body)
        work = turns.Work(service, body)
        work.tell("agent.session.created", session=body)
        if given.get("input"):
            turns.say(work, given["input"])
        else:
            work.session_is("idle")
        work.save()
    return str(body["id"])


def _agent(service: EmbeddedService, given: dict[str, Any]) -> Reply:
    """The saved agent, if any, with what is said otherwise."""
    config, own = saved.defaults() | {"id": new_id("agt"), "name": None}, given.get("agent") or {}
    agent_id = given.get("agent_id")
    if agent_id is not None:
        service.settling.check("use", "agents", [agent_id])
        found = saved.AGENTS.find(service, agent_id)
        config = {name: found[name] for name in (*config, "model")}
        config["tools"] = [_sessions_own(tool) for tool in config["tools"]]
    elif own.get("model") is None:
        raise checks.required("agent.model" if "agent" in given else "agent")
    return saved.applied(config, own)


def _sessions_own(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool of a saved agent as a session shows it: without headers."""
    if tool["type"] != "mcp" or tool["transport"]["type"] != "http":
        return tool
    shown = {name: tool["transport"][name] for name in ("type", "server_url")}
    return tool | {"transport": shown}


def _check_servers(tools: Sequence[dict[str, Any]], credentials: Sequence[Reply]) -> None:
    """Which credential goes to a server must be clear."""
    by_id = {one["id"]: one["auth"].get("mcp_server_url") for one in credentials}
    for tool in (one for one in tools if one["type"] == "mcp"):
        label, named = tool["server_label"], tool["credential_id"]
        url = tool["transport"].get("server_url")
        if named is not None and by_id.get(named) != url:
            raise bad(
                f"The credential '{named}' of the MCP server '{label}' is not attached for"
                f" '{url}'.",
                "vault_ids",
            )
        if named is None and url is not None and list(by_id.values()).count(url) > 1:
            raise bad(
                f"More than one attached credential matches the MCP server '{label}': set its"
                " 'credential_id'.",
                "vault_ids",
            )


def looked_at(service: EmbeddedService, session_id: str) -> Reply:
    """The session after what is due in it was done."""
    turns.catch_up(service, session_id)
    return SESSIONS.find(service, session_id)


def retrieve(service: EmbeddedService, call: Call) -> Reply:
    return looked_at(service, call.params["session_id"])


def list_(service: EmbeddedService, call: Call) -> Reply:
    due = "SELECT DISTINCT session FROM agent_turns WHERE active AND due_at <= ?"
    for row in service.database.all(due, [service.clock()]):
        turns.catch_up(service, row["session"])
    where, params = with_metadata(call)
    agent_id = call.query.get("agent_id")
    if agent_id is not None:
        where, params = f"{where} AND json_extract(body, '$.agent.id') = ?", (*params, agent_id)
    return SESSIONS.page(service, call, where, params)


def update(service: EmbeddedService, call: Call) -> Reply:
    given = _UPDATE("", call.body)
    with service.database.transaction():
        body = looked_at(service, call.params["session_id"])
        agent = given.get("agent", {})
        if "reasoning" in agent:
            agent["reasoning"] = body["agent"]["reasoning"] | agent["reasoning"]
        body["agent"] = saved.applied(body["agent"], agent)
        if "metadata" in given:
            body["metadata"] = given["metadata"] or {}
        if "prompt_cache_options" in given:
            body["prompt_cache_options"] = given["prompt_cache_options"]
        if "review" in given:
            body.pop("review", None)
            body |= {"review": "auto_review"} if given["review"] == "auto_review" else {}
        SESSIONS.write(service, body)
    return body


def delete(service: EmbeddedService, call: Call) -> Reply:
    session_id = call.params["session_id"]
    with service.database.transaction():
        if looked_at(service, session_id)["status"] in RUNNING:
            raise conflict(
                f"Session '{session_id}' has work under way. Cancel it before the session is"
                " deleted."
            )
        SESSIONS.remove(service, session_id)
        for table in ("agent_turns", "agent_events", "agent_inputs"):
            service.database.run(f"DELETE FROM {table} WHERE session = ?", [session_id])
        service.database.run("DELETE FROM items WHERE owner = ?", [session_id])
    return {"id": session_id, "object": "agent.session.deleted", "deleted": True}


def send(service: EmbeddedService, call: Call) -> Response:
    """202: what was sent is accepted, and what comes of it is told by events."""
    given = _EVENTS("", call.body)["events"]
    session_id, key = call.params["session_id"], call.headers.get("idempotency-key")
    with service.database.transaction():
        work = turns.Work(service, looked_at(service, session_id))
        if key is None or _is_new(service, session_id, key):
            for event in given:
                _take(work, event)
            work.save()
    return Response(status_code=202)


def _is_new(service: EmbeddedService, session_id: str, key: str) -> bool:
    made = service.database.run(
        "INSERT OR IGNORE INTO agent_inputs (session, key) VALUES (?, ?)", [session_id, key]
    )
    return made.rowcount == 1


def _take(work: turns.Work, event: dict[str, Any]) -> None:
    match event["type"].removeprefix("agent.session.input."):
        case "message":
            turns.say(work, event["input"])
        case "cancel":
            turns.cancel(work)
        case "tool_result":
            turns.give_result(work, event)
        case _:
            raise ApiError(
                400,
                f"Unknown pending approval request: {event['request_id']}",
                code="invalid_request_error",
            )


def deliver(service: EmbeddedService, session_id: str, text: str) -> None:
    """What an automation has to say to a session."""
    with service.database.transaction():
        work = turns.Work(service, looked_at(service, session_id))
        turns.say(work, [[{"type": "input_text", "text": text}]])
        work.save()


def listen(service: EmbeddedService, call: Call) -> Response:
    """How the session is, then what happens from now on."""
    session_id = call.params["session_id"]
    looked_at(service, session_id)
    last = service.database.one(
        "SELECT seq FROM agent_events WHERE session = ? AND"
        " json_extract(data, '$.session.id') = session ORDER BY seq DESC LIMIT 1",
        [session_id],
    )
    padded = call.query.get("include_obfuscation") != "false"
    after = last["seq"] - 1 if last else 0
    return sse.stream(_told(service, session_id, after=after, padded=padded))


async def _told(
    service: EmbeddedService,
    session_id: str,
    *,
    after: int,
    padded: bool,
    until_idle: bool = False,
) -> AsyncIterator[sse.Event]:
    quiet_since = service.clock()
    while service.clock() < quiet_since + LONGEST:
        turns.catch_up(service, session_id)
        rows = service.database.all(
            "SELECT seq, data FROM agent_events WHERE session = ? AND seq > ? ORDER BY seq",
            [session_id, after],
        )
        for row in rows:
            after, event = row["seq"], json.loads(row["data"])
            padding = {"obfuscation": letters(len(row["data"]) % 16 + 1)} if padded else {}
            yield sse.Event(event["type"], event | padding)
            if until_idle and event["type"] in ("agent.session.idle", "agent.session.failed"):
                return
        quiet_since = service.clock() if rows else quiet_since
        there = "SELECT 1 FROM agent_sessions WHERE id = ?"
        if service.database.one(there, [session_id]) is None:
            return
        await asyncio.sleep(LOOK_SECONDS)


def list_items(service: EmbeddedService, call: Call) -> Reply:
    session = looked_at(service, call.params["session_id"])
    source = paging.PageSource("items", "owner = ?", (session["id"],))
    page = paging.read_page(call.query)
    rows, more = paging.select(service.database, page, source, items.no_item)
    return paging.envelope([json.loads(row["body"]) for row in rows], more)


def list_turns(service: EmbeddedService, call: Call) -> Reply:
    session = looked_at(service, call.params["session_id"])
    return _TURNS.page(service, call, "session = ?", (session["id"],))


def retrieve_turn(service: EmbeddedService, call: Call) -> Reply:
    session = looked_at(service, call.params["session_id"])
    turn = _TURNS.find(service, call.params["turn_id"])
    if turn["session_id"] != session["id"]:
        raise no_turn(turn["id"])
    return turn


def list_turn_items(service: EmbeddedService, call: Call) -> Reply:
    turn = retrieve_turn(service, call)
    return items.page(service, call, turn["session_id"], turn["id"])


def list_nothing(service: EmbeddedService, call: Call) -> Reply:
    """What no session here ever has: artifacts, traces and subagents."""
    looked_at(service, call.params["session_id"])
    return paging.envelope([], more=False)
