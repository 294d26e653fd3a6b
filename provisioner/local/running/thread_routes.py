"""Owns which handler answers which request below `/v1/threads`."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from ..service import Call, EmbeddedService, Reply
from . import reading, runs, threads

THREAD = "/v1/threads/{thread_id}"
MESSAGE = f"{THREAD}/messages/{{message_id}}"
RUN = f"{THREAD}/runs/{{run_id}}"
# The first path that fits wins, so a run together with its thread comes before a thread by its id.
THREAD_ROUTES: list[tuple[str, str, Callable[[EmbeddedService, Call], Reply | Response]]] = [
    ("POST", "/v1/threads", threads.create),
    ("POST", "/v1/threads/runs", runs.create_both),
    ("GET", THREAD, threads.retrieve),
    ("POST", THREAD, threads.update),
    ("DELETE", THREAD, threads.delete),
    ("POST", f"{THREAD}/messages", reading.add_message),
    ("GET", f"{THREAD}/messages", reading.list_messages),
    ("GET", MESSAGE, reading.retrieve_message),
    ("POST", MESSAGE, reading.update_message),
    ("DELETE", MESSAGE, reading.delete_message),
    ("POST", f"{THREAD}/runs", runs.create),
    ("GET", f"{THREAD}/runs", runs.list_),
    ("GET", RUN, runs.retrieve),
    ("POST", RUN, runs.update),
    ("POST", f"{RUN}/cancel", runs.cancel),
    ("POST", f"{RUN}/submit_tool_outputs", runs.submit),
    ("GET", f"{RUN}/steps", reading.list_steps),
    ("GET", f"{RUN}/steps/{{step_id}}", reading.retrieve_step),
]
