"""Owns responses. What becomes of one is known as soon as it is asked for; until it is due, it is
shown as being worked on.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from starlette.responses import Response

from .. import checks, files, vector_stores
from ..db import DbRow
from ..errors import ApiError, bad, missing
from ..service import Call, EmbeddedService, Reply, new_id
from . import answering, conversations, ending, items, request, response_events, sse
from .fate import FATE, Fate

QUEUED_SECONDS, WORKING_SECONDS = 0.05, 0.1  # of a response in the background
LONGEST = 600.0  # seconds for which somebody waits for what never ends
LOOK_SECONDS = 0.02
FAILED = "The server had an error while processing your request. Sorry about that!"

_COUNTED = checks.fields(request.COUNTED | {"personality": checks.any_value})


async def create(service: EmbeddedService, call: Call) -> Reply | Response:
    given = request.checked(call.body)
    response_id = _begin(service, given)
    if given.get("stream"):
        return sse.stream(_events(service, response_id, after=-1))
    if given.get("background"):
        return _view(service, _row(service, response_id))
    return await _ended(service, response_id)


def _begin(service: EmbeddedService, given: dict[str, Any]) -> str:
    ending.catch_up(service)
    _check_tools(service, given)
    # A conversation that is free now must still be free when this has been written down.
    with service.database.transaction():
        response_id = _written_down(service, given)
    ending.catch_up(service)
    return response_id


def _written_down(service: EmbeddedService, given: dict[str, Any]) -> str:
    own = items.taken(service, "input", given.get("input"))
    before = _context(service, given)
    if not own and not before:
        raise bad("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    whole = [*before, *own]
    items.check_unique(whole)
    items.check_calls(items.turns(whole))
    fate = FATE.get()
    body = _answered(service, given, whole, fate)
    service.database.run(
        "INSERT INTO responses (id, created_at, started_at, due_at, conversation, context,"
        " body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            body["id"],
            body["created_at"],
            service.clock(),
            _due(service, given, fate),
            given.get("conversation"),
            json.dumps(before),
            json.dumps(body),
        ],
    )
    items.keep(service, body["id"], "input", own)
    return str(body["id"])


def _check_tools(service: EmbeddedService, given: dict[str, Any]) -> None:
    """What the tools work on must be there."""
    files.purge_expired(service)
    for index, tool in enumerate(given.get("tools", [])):
        if tool["type"] == "file_search":
            service.settling.check("use", "vector_stores", tool["vector_store_ids"])
            for store_id in tool["vector_store_ids"]:
                vector_stores.find_usable(service, store_id)
        container = tool.get("container")
        if isinstance(container, dict):
            service.settling.check("use", "files", container["file_ids"])
            for file_id in container["file_ids"]:
                if service.database.one("SELECT 1 FROM files WHERE id = ?", [file_id]) is None:
                    where = f"tools[{index}].container.file_ids"
                    raise missing(f"Files [{file_id}] were not found", where)


def _context(service: EmbeddedService, given: dict[str, Any]) -> list[items.Item]:
    """What was said before."""
    previous, conversation = given.get("previous_response_id"), given.get("conversation")
    if conversation is not None:
        conversations.find(service, conversation)
        _check_free(service, conversation)
        return items.kept(service, conversation, "conversation")
    if previous is None:
        return []
    row = service.database.one("SELECT * FROM responses WHERE id = ?", [previous])
    # What is not to be kept may still be there while its reply is on its way.
    if row is None or not json.loads(row["body"])["store"]:
        raise bad(
            f"Previous response with id '{previous}' not found.",
            "previous_response_id",
            "previous_response_not_found",
        )
    before: list[items.Item] = json.loads(row["context"])
    own = [items.kept(service, previous, part) for part in ("input", "output")]
    return [*before, *own[0], *own[1]]


def _check_free(service: EmbeddedService, conversation: str) -> None:
    busy = "SELECT 1 FROM responses WHERE conversation = ? AND NOT settled"
    if service.database.one(busy, [conversation]) is not None:
        raise bad(
            "Another process is currently operating on this conversation. Please retry in a few"
            " seconds.",
            "conversation",
            "conversation_locked",
        )


def _due(service: EmbeddedService, given: dict[str, Any], fate: Fate | None) -> float | None:
    """When it is done; None where nothing but a cancel ends it."""
    if fate is not None and fate.seconds is None:
        return None if given.get("background") else service.clock() + LONGEST
    working = QUEUED_SECONDS + WORKING_SECONDS if given.get("background") else 0.0
    return service.clock() + max(working, fate.seconds or 0.0 if fate else 0.0)


def _answered(
    service: EmbeddedService,
    given: dict[str, Any],
    whole: Sequence[items.Item],
    fate: Fate | None,
) -> Reply:
    """The response as it will end up."""
    body = {"id": new_id("resp"), "object": "response", "created_at": service.now()}
    body |= request.echo(given)
    outcome = fate.outcome if fate else None
    if outcome in ("failed", "expired"):
        code = (fate.code if fate else None) or "server_error"
        return body | _end("failed", error={"code": code, "message": FAILED})
    output = answering.output(service, given, whole)
    output, short = answering.cut(output, given.get("max_output_tokens", 1 << 60))
    reason = "max_output_tokens" if short else None
    if outcome == "incomplete":
        reason = (fate.code if fate else None) or "max_output_tokens"
        tokens = answering.usage(given, whole, output)["output_tokens"]
        output, _ = answering.cut(output, tokens // 2)
    used = answering.usage(given, whole, output)
    if reason is not None:
        return body | _end("incomplete", output, used, incomplete={"reason": reason})
    return body | _end("completed", output, used)


def _end(
    status: str,
    output: Sequence[items.Item] = (),
    used: dict[str, Any] | None = None,
    *,
    error: dict[str, Any] | None = None,
    incomplete: dict[str, Any] | None = None,
) -> Reply:
    return {
        "status": status,
        "error": error,
        "incomplete_details": incomplete,
        "output": list(output),
        "usage": used,
        "completed_at": None,
    }


def _row(service: EmbeddedService, response_id: str) -> DbRow:
    ending.catch_up(service)
    row = service.database.one("SELECT * FROM responses WHERE id = ?", [response_id])
    if row is None:
        raise no_response(response_id)
    return row


def _find(service: EmbeddedService, response_id: str) -> DbRow:
    """One that was to be kept."""
    row = _row(service, response_id)
    if not json.loads(row["body"])["store"]:
        raise no_response(response_id)
    return row


def no_response(response_id: str) -> ApiError:
    return missing(f"Response with id '{response_id}' not found.")


def _view(service: EmbeddedService, row: DbRow) -> Reply:
    body: Reply = json.loads(row["body"])
    if row["settled"]:
        return body
    queued = body["background"] and service.clock() < row["started_at"] + QUEUED_SECONDS
    return body | _end("queued" if queued else "in_progress")


async def _ended(service: EmbeddedService, response_id: str) -> Reply:
    """Wait until it is done; what was not to be kept goes then."""
    while not (row := _row(service, response_id))["settled"]:
        await asyncio.sleep(LOOK_SECONDS)
    body: Reply = json.loads(row["body"])
    if not body["store"]:
        _remove(service, row)
    return body


async def _events(
    service: EmbeddedService, response_id: str, after: int
) -> AsyncIterator[sse.Event]:
    row = _row(service, response_id)
    opening = list(response_events.opening(json.loads(row["body"]) | _end("in_progress")))
    for number, event in response_events.numbered(iter(opening), 0):
        if number > after:
            yield event
    try:
        final = await _ended(service, response_id)
    except ApiError:  # it was deleted meanwhile, and a stream has no other way to refuse
        return
    for number, event in response_events.numbered(response_events.rest(final), len(opening)):
        if number > after:
            yield event


def retrieve(service: EmbeddedService, call: Call) -> Reply | Response:
    row = _find(service, call.params["response_id"])
    if call.query.get("stream") != "true":
        return _view(service, row)
    written = call.query.get("starting_after", "-1")
    number = checks.whole_number(written)
    after = checks.integer(-1)("starting_after", written if number is None else number)
    return sse.stream(_events(service, row["id"], after))


def delete(service: EmbeddedService, call: Call) -> Reply:
    row = _find(service, call.params["response_id"])
    _remove(service, row)
    return {"id": row["id"], "object": "response", "deleted": True}


def _remove(service: EmbeddedService, row: DbRow) -> None:
    with service.database.transaction():
        service.database.run("DELETE FROM responses WHERE seq = ?", [row["seq"]])
        service.database.run("DELETE FROM items WHERE owner = ?", [row["id"]])


def cancel(service: EmbeddedService, call: Call) -> Reply:
    row = _find(service, call.params["response_id"])
    body: Reply = json.loads(row["body"])
    if not body["background"]:
        raise bad("Cannot cancel a synchronous response.")
    cancelled = body | _end("cancelled")
    # Another process may end it in this very moment.
    service.database.run(
        "UPDATE responses SET settled = 1, body = ? WHERE seq = ? AND NOT settled",
        [json.dumps(cancelled), row["seq"]],
    )
    return _view(service, _find(service, row["id"]))


def input_items(service: EmbeddedService, call: Call) -> Reply:
    row = _find(service, call.params["response_id"])
    return items.page(service, call, row["id"], "input")


def count(service: EmbeddedService, call: Call) -> Reply:
    given = {name: one for name, one in _COUNTED("", call.body).items() if one is not None}
    request.check_context(given)
    own = items.taken(service, "input", given.get("input"))
    whole = [*_context(service, given), *own]
    return {"object": "response.input_tokens", "input_tokens": answering.input_tokens(given, whole)}
