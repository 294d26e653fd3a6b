"""Owns the requests about runs: what starts one, changes it, ends it and gives it what it asks
for.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from starlette.responses import Response

from .. import assistants, checks, paging, tools, vector_stores
from ..db import DbRow
from ..errors import ApiError, bad, no_run
from ..service import Call, EmbeddedService, Reply, letters
from . import messages, progress, sse, threads
from .fate import FATE
from .journal import ENDS, Journal

LOOK_EVERY = 0.02  # seconds, while a stream has nothing to tell
RESULTS = "step_details.tool_calls[*].file_search.results[*].content"
LAST_EVENTS = tuple(f"thread.run.{status}" for status in (*ENDS, "requires_action"))
_NAMED = checks.variants(
    {
        "function": checks.fields(
            {
                "type": checks.any_value,
                "function": checks.fields({"name": checks.string()}, ("name",)),
            },
            ("function",),
        ),
        "file_search": checks.fields({"type": checks.any_value}),
        "code_interpreter": checks.fields({"type": checks.any_value}),
    }
)
_TRUNCATION = checks.fields(
    {
        "type": checks.one_of("auto", "last_messages"),
        "last_messages": checks.nullable(checks.integer(1)),
    },
    ("type",),
)


def _tool_choice(path: str, value: Any) -> Any:
    if isinstance(value, str):
        return checks.one_of("none", "auto", "required")(path, value)
    return _NAMED(path, value)


_ASSISTANT = {
    name: checks.nullable(assistants.SETTINGS[name])
    for name in (
        "model",
        "instructions",
        "temperature",
        "top_p",
        "response_format",
        "reasoning_effort",
    )
}
_RUN: dict[str, checks.Check] = _ASSISTANT | {
    "assistant_id": checks.string(),
    "tools": checks.nullable(checks.array(tools.TOOL_RULES, most=20, of="objects")),
    "metadata": checks.metadata,
    "max_prompt_tokens": checks.nullable(checks.integer(256)),
    "max_completion_tokens": checks.nullable(checks.integer(256)),
    "truncation_strategy": checks.nullable(_TRUNCATION),
    "tool_choice": checks.nullable(_tool_choice),
    "parallel_tool_calls": checks.boolean,
    "stream": checks.nullable(checks.boolean),
}
_CREATE = checks.fields(
    _RUN
    | {
        "additional_instructions": checks.nullable(checks.string(longest=256_000)),
        "additional_messages": checks.nullable(checks.array(messages.MESSAGE, of="objects")),
    },
    ("assistant_id",),
)
_CREATE_BOTH = checks.fields(
    _RUN
    | {
        "thread": checks.nullable(threads.THREAD),
        "tool_resources": assistants.resources(assistants.STORE_IDS),
    },
    ("assistant_id",),
)
_OUTPUT = checks.fields({"tool_call_id": checks.string(), "output": checks.string()})
_OUTPUTS = checks.fields(
    {
        "tool_outputs": checks.array(_OUTPUT, of="objects"),
        "stream": checks.nullable(checks.boolean),
    },
    ("tool_outputs",),
)
_UPDATE = checks.fields({"metadata": checks.metadata})


def looked_at(service: EmbeddedService, thread_id: str) -> DbRow:
    """The thread after what is due in it was done."""
    thread = threads.find(service, thread_id)
    progress.catch_up(service, thread)
    return thread


def find(service: EmbeddedService, thread: DbRow, run_id: str) -> DbRow:
    row = service.database.one(
        "SELECT * FROM runs WHERE thread = ? AND id = ?", [thread["seq"], run_id]
    )
    if row is None:
        raise no_run(run_id)
    return row


def create(service: EmbeddedService, call: Call) -> Reply | Response:
    given = _CREATE("", call.body)
    thread = looked_at(service, call.params["thread_id"])
    assistant = json.loads(assistants.find(service, given["assistant_id"])["body"])
    said = given.get("additional_messages") or []
    body = _new(service, thread["id"], assistant, given)
    # Whoever is refused because of another process's run has said nothing either.
    with service.database.transaction():
        _refuse_second(service, thread)
        _refuse_empty(body, said + messages.of_thread(service, thread))
        threads.check_files(service, said)
        threads.say(service, thread["id"], said)
        return _start(service, thread, body, _work(assistant, given, call), given.get("stream"))


def create_both(service: EmbeddedService, call: Call) -> Reply | Response:
    """A thread and a run on it."""
    given = _CREATE_BOTH("", call.body)
    assistant = json.loads(assistants.find(service, given["assistant_id"])["body"])
    wanted = given.get("thread") or {}
    given["tool_resources"] = threads.known(service, given.get("tool_resources"))
    body = _new(service, "", assistant, given)
    _refuse_empty(body, wanted.get("messages") or [])
    thread = threads.make(service, wanted)
    body["thread_id"] = thread["id"]
    head = [sse.Event("thread.created", json.loads(thread["body"]))]
    return _start(service, thread, body, _work(assistant, given, call), given.get("stream"), head)


def _refuse_second(service: EmbeddedService, thread: DbRow) -> None:
    active = progress.active(service, thread)
    if active is not None:
        raise bad(f"Thread {thread['id']} already has an active run {active['id']}.")


def _refuse_empty(body: Reply, said: list[dict[str, Any]]) -> None:
    if not body["instructions"] and not any(one["role"] == "user" for one in said):
        raise bad(
            "Run creation requires a Thread with a user message or an assistant with instructions.",
            code="invalid_thread",
        )


def _work(assistant: Reply, given: dict[str, Any], call: Call) -> dict[str, Any]:
    resources = assistant["tool_resources"] | given.get("tool_resources", {})
    stores = resources.get("file_search", {}).get("vector_store_ids", [])
    return progress.new_work(stores, include=wants_results(call))


def wants_results(call: Call) -> bool:
    """Whether the passages of file searches are to be shown."""
    return RESULTS in (call.query.get("include[]"), call.query.get("include"))


def _new(
    service: EmbeddedService, thread_id: str, assistant: Reply, given: dict[str, Any]
) -> Reply:
    now = service.now()
    chosen = {name: one for name, one in given.items() if one is not None}
    instructions = chosen.get("instructions", assistant["instructions"] or "")
    more = chosen.get("additional_instructions")
    taken = {name: chosen.get(name, assistant[name]) for name in ("model", "tools", *_ASSISTANT)}
    times = ("started_at", "cancelled_at", "failed_at", "completed_at")
    return {
        "id": f"run_{letters(24)}",
        "object": "thread.run",
        "created_at": now,
        "assistant_id": assistant["id"],
        "thread_id": thread_id,
        "status": "queued",
        **dict.fromkeys(times),
        "expires_at": now + progress.LIFETIME,
        "required_action": None,
        "last_error": None,
        "incomplete_details": None,
        **taken,
        "instructions": "\n".join(one for one in (instructions, more) if one),
        "metadata": chosen.get("metadata", {}),
        "usage": None,
        "max_prompt_tokens": chosen.get("max_prompt_tokens"),
        "max_completion_tokens": chosen.get("max_completion_tokens"),
        "truncation_strategy": {"type": "auto", "last_messages": None}
        | chosen.get("truncation_strategy", {}),
        "tool_choice": chosen.get("tool_choice", "auto"),
        "parallel_tool_calls": chosen.get("parallel_tool_calls", True),
    }


def _start(
    service: EmbeddedService,
    thread: DbRow,
    body: Reply,
    work: dict[str, Any],
    streamed: bool | None,
    head: Sequence[sse.Event] = (),
) -> Reply | Response:
    with service.database.transaction():
        service.database.run(
            "INSERT INTO runs (id, created_at, thread, due_at, streamed, fate, work, body) VALUES"
            " (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                body["id"],
                body["created_at"],
                thread["seq"],
                service.clock(),
                bool(streamed),
                progress.fate_of(FATE.get()),
                json.dumps(work),
                json.dumps(body),
            ],
        )
        row = find(service, thread, body["id"])
        journal = Journal(service, row, service.clock())
        journal.tell("run.created", body)
        journal.tell("run.queued", body)
    if streamed:
        return sse.stream(_events(service, thread, row, after=0, head=head))
    return body


async def _events(
    service: EmbeddedService,
    thread: DbRow,
    run: DbRow,
    *,
    after: int,
    head: Sequence[sse.Event] = (),
) -> AsyncIterator[sse.Event]:
    """What is written down of a run, as it comes, until it ends or waits for the application."""
    for event in head:
        yield event
    name = ""
    while name not in LAST_EVENTS:
        progress.catch_up(service, thread)
        told = service.database.all(
            "SELECT * FROM run_events WHERE run = ? AND seq > ? ORDER BY seq", [run["seq"], after]
        )
        for row in told:
            after, name = row["seq"], row["name"]
            yield sse.Event(name, row["data"])
        if service.database.one("SELECT 1 FROM runs WHERE seq = ?", [run["seq"]]) is None:
            yield sse.Event("error", no_run(run["id"]).envelope(""))
            break
        if name not in LAST_EVENTS:
            await asyncio.sleep(LOOK_EVERY)
    service.database.run("DELETE FROM run_events WHERE run = ? AND seq <= ?", [run["seq"], after])
    yield sse.Event("done", "[DONE]")


def list_(service: EmbeddedService, call: Call) -> Reply:
    thread = looked_at(service, call.params["thread_id"])
    page = paging.read_page(call.query)
    source = paging.PageSource("runs", "thread = ?", (thread["seq"],))
    rows, more = paging.select(service.database, page, source, no_run)
    return paging.envelope([json.loads(row["body"]) for row in rows], more)


def retrieve(service: EmbeddedService, call: Call) -> Reply:
    thread = looked_at(service, call.params["thread_id"])
    return progress.body_of(find(service, thread, call.params["run_id"]))


def update(service: EmbeddedService, call: Call) -> Reply:
    given = _UPDATE("", call.body)
    thread = looked_at(service, call.params["thread_id"])
    with service.database.transaction():
        row = find(service, thread, call.params["run_id"])
        body = progress.body_of(row)
        if body["status"] not in ENDS:
            raise bad(f"Cannot update run with status '{body['status']}'.")
        if "metadata" in given:
            body["metadata"] = vector_stores.new_metadata(
                service, body["metadata"], given["metadata"]
            )
        service.database.run(
            "UPDATE runs SET body = ? WHERE seq = ?", [json.dumps(body), row["seq"]]
        )
    return body


def cancel(service: EmbeddedService, call: Call) -> Reply:
    """It is cancelled when it is looked at next."""
    thread = looked_at(service, call.params["thread_id"])
    with service.database.transaction():
        row = find(service, thread, call.params["run_id"])
        journal = Journal(service, row, service.clock())
        status = journal.run["status"]
        if status in (*ENDS, "cancelling"):
            raise bad(f"Cannot cancel run with status '{status}'.")
        journal.due = service.clock()
        journal.run_is("cancelling")
        journal.save()
    return journal.run


def submit(service: EmbeddedService, call: Call) -> Reply | Response:
    given = _OUTPUTS("", call.body)
    thread = looked_at(service, call.params["thread_id"])
    with service.database.transaction():
        row = find(service, thread, call.params["run_id"])
        journal = Journal(service, row, service.clock())
        outputs = _checked_outputs(journal, given["tool_outputs"])
        newest = "SELECT ifnull(max(seq), 0) AS seq FROM run_events WHERE run = ?"
        last = service.database.one(newest, [row["seq"]])
        fate = progress.fate_of(FATE.get())
        journal.streamed = bool(given.get("stream"))
        journal.fate = json.loads(fate) if fate else None
        progress.answer_calls(journal, outputs)
        journal.save()
    if journal.streamed:
        after = last["seq"] if last else 0
        return sse.stream(_events(service, thread, row, after=after))
    return journal.run


def _checked_outputs(journal: Journal, given: list[dict[str, Any]]) -> dict[str, str]:
    """Output by the id of the call; all calls are answered at once."""
    status = journal.run["status"]
    if status != "requires_action":
        raise bad(f'Runs in status "{status}" do not accept tool outputs.')
    calls = journal.run["required_action"]["submit_tool_outputs"]["tool_calls"]
    wanted = [call["id"] for call in calls]
    answered = [one.get("tool_call_id", "") for one in given]
    if sorted(wanted) != sorted(answered):
        raise _wrong_outputs(wanted, answered)
    return {one["tool_call_id"]: one.get("output", "") for one in given}


def _wrong_outputs(wanted: list[str], answered: list[str]) -> ApiError:
    return bad(f"Expected tool outputs for call_ids {wanted}, got {answered}", "tool_outputs")
