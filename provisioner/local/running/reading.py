"""Owns the requests about what runs leave in a thread: its messages, and the steps of a run."""

from __future__ import annotations

import json

from .. import paging
from ..errors import bad, no_message, no_step
from ..service import Call, EmbeddedService, Reply
from . import messages, progress, runs, threads
from .journal import without_results


def add_message(service: EmbeddedService, call: Call) -> Reply:
    given = messages.MESSAGE("", call.body)
    thread = runs.looked_at(service, call.params["thread_id"])
    with service.database.transaction():
        active = progress.active(service, thread)
        if active is not None:
            raise bad(f"Can't add messages to {thread['id']} while a run {active['id']} is active.")
        threads.check_files(service, [given])
        return threads.say(service, thread["id"], [given])[0]


def list_messages(service: EmbeddedService, call: Call) -> Reply:
    thread = runs.looked_at(service, call.params["thread_id"])
    page = paging.read_page(call.query)
    run_id = call.query.get("run_id")
    source = (
        paging.PageSource("thread_messages", "thread = ? AND run_id = ?", (thread["seq"], run_id))
        if run_id
        else paging.PageSource("thread_messages", "thread = ?", (thread["seq"],))
    )
    rows, more = paging.select(service.database, page, source, no_message)
    return paging.envelope([json.loads(row["body"]) for row in rows], more)


def retrieve_message(service: EmbeddedService, call: Call) -> Reply:
    thread = runs.looked_at(service, call.params["thread_id"])
    return messages.find(service, thread, call.params["message_id"])


def update_message(service: EmbeddedService, call: Call) -> Reply:
    given = messages.UPDATE("", call.body)
    thread = runs.looked_at(service, call.params["thread_id"])
    with service.database.transaction():
        body = messages.find(service, thread, call.params["message_id"])
        return messages.change(service, body, given)


def delete_message(service: EmbeddedService, call: Call) -> Reply:
    """What was attached stays with the thread."""
    thread = runs.looked_at(service, call.params["thread_id"])
    body = messages.find(service, thread, call.params["message_id"])
    service.database.run("DELETE FROM thread_messages WHERE id = ?", [body["id"]])
    return {"id": body["id"], "object": "thread.message.deleted", "deleted": True}


def list_steps(service: EmbeddedService, call: Call) -> Reply:
    thread = runs.looked_at(service, call.params["thread_id"])
    run = runs.find(service, thread, call.params["run_id"])
    page = paging.read_page(call.query)
    source = paging.PageSource("run_steps", "run = ?", (run["seq"],))
    rows, more = paging.select(service.database, page, source, no_step)
    shown = runs.wants_results(call)
    steps = [without_results(json.loads(row["body"]), shown=shown) for row in rows]
    return paging.envelope(steps, more)


def retrieve_step(service: EmbeddedService, call: Call) -> Reply:
    thread = runs.looked_at(service, call.params["thread_id"])
    run = runs.find(service, thread, call.params["run_id"])
    row = service.database.one(
        "SELECT body FROM run_steps WHERE run = ? AND id = ?",
        [run["seq"], call.params["step_id"]],
    )
    if row is None:
        raise no_step(call.params["step_id"])
    return without_results(json.loads(row["body"]), shown=runs.wants_results(call))
