"""Owns what is written down while a run goes on: the run, its steps and messages, and, where it is
streamed, the events that tell of them.
"""

from __future__ import annotations

import json
from typing import Any

from ..db import DbRow
from ..parsing import count_tokens
from ..service import EmbeddedService, Reply, letters
from . import messages

ENDS = ("completed", "failed", "cancelled", "expired", "incomplete")
_STAMPS = {
    "completed": "completed_at",
    "failed": "failed_at",
    "cancelled": "cancelled_at",
    "expired": "expired_at",
}


class Journal:
    """One run within a transaction; `when` is the time at which things happen. `save` comes last.

    `work` is what the run has to remember and nobody sees.
    """

    def __init__(self, service: EmbeddedService, row: DbRow, when: float) -> None:
        self.service, self.row, self.when = service, row, when
        self.run: Reply = json.loads(row["body"])
        self.work: dict[str, Any] = json.loads(row["work"])
        self.due: float | None = row["due_at"]
        self.fate: dict[str, Any] | None = json.loads(row["fate"]) if row["fate"] else None
        self.streamed = bool(row["streamed"])

    def save(self) -> None:
        self.service.database.run(
            "UPDATE runs SET body = ?, work = ?, due_at = ?, fate = ?, streamed = ? WHERE seq = ?",
            [
                json.dumps(self.run),
                json.dumps(self.work),
                self.due,
                json.dumps(self.fate) if self.fate else None,
                self.streamed,
                self.row["seq"],
            ],
        )

    def tell(self, name: str, data: Reply) -> None:
        if self.streamed:
            self.service.database.run(
                "INSERT INTO run_events (run, name, data) VALUES (?, ?, ?)",
                [self.row["seq"], f"thread.{name}", json.dumps(data)],
            )

    def run_is(self, status: str, **changes: Any) -> None:
        self.run |= {"status": status} | changes
        if status in ENDS:
            spent = self.work["usage"]
            self.run["usage"] = spent | {"total_tokens": sum(spent.values())}
            self.run["required_action"] = None
            self.due = None
            if status != "expired":
                self.run["expires_at"] = None
        self.tell(f"run.{status}", self.run)

    def open_step(self, details: dict[str, Any]) -> Reply:
        empty = details | {"tool_calls": []} if details["type"] == "tool_calls" else details
        step = {
            "id": f"step_{letters(24)}",
            "object": "thread.run.step",
            "created_at": int(self.when),
            "run_id": self.run["id"],
            "assistant_id": self.run["assistant_id"],
            "thread_id": self.run["thread_id"],
            "type": details["type"],
            "status": "in_progress",
            "cancelled_at": None,
            "completed_at": None,
            "expired_at": None,
            "failed_at": None,
            "last_error": None,
            "step_details": empty,
            "metadata": {},
            "usage": None,
        }
        self.tell("run.step.created", step)
        self.tell("run.step.in_progress", step)
        for index, call in enumerate(details.get("tool_calls", [])):
            for delta in _call_deltas(call, index, results=self.work["include"]):
                self._step_delta(step["id"], delta)
        step["step_details"] = details
        self.service.database.run(
            "INSERT INTO run_steps (id, created_at, run, body) VALUES (?, ?, ?, ?)",
            [step["id"], step["created_at"], self.row["seq"], json.dumps(step)],
        )
        self.work["step"] = step["id"]
        return step

    def _step_delta(self, step_id: str, call: dict[str, Any]) -> None:
        details = {"type": "tool_calls", "tool_calls": [call]}
        self.tell(
            "run.step.delta",
            {
                "id": step_id,
                "object": "thread.run.step.delta",
                "delta": {"step_details": details},
            },
        )

    def step(self) -> Reply | None:
        """The step that is open."""
        found = self.service.database.one(
            "SELECT body FROM run_steps WHERE id = ?", [self.work["step"]]
        )
        return json.loads(found["body"]) if found else None

    def close_step(self, step: Reply, status: str, tokens: tuple[int, int], error: Any) -> None:
        """`tokens` are those of the prompt and those that came of it."""
        spent = dict(zip(("prompt_tokens", "completion_tokens"), tokens, strict=True))
        for name, count in spent.items():
            self.work["usage"][name] += count
        step |= {
            "status": status,
            _STAMPS[status]: int(self.when),
            "last_error": error,
            "usage": spent | {"total_tokens": sum(tokens)},
        }
        self.service.database.run(
            "UPDATE run_steps SET body = ? WHERE id = ?", [json.dumps(step), step["id"]]
        )
        self.work["step"] = None
        self.tell(f"run.step.{status}", without_results(step, shown=self.work["include"]))

    def open_message(self) -> Reply:
        author = {"assistant_id": self.run["assistant_id"], "run_id": self.run["id"]}
        message = messages.blank(self.run["thread_id"], "assistant", self.when) | author
        self.open_step(
            {"type": "message_creation", "message_creation": {"message_id": message["id"]}}
        )
        self.tell("message.created", message)
        self.tell("message.in_progress", message)
        messages.insert(self.service, self.row["thread"], message)
        self.work["message"] = message["id"]
        return message

    def message(self) -> Reply | None:
        """The message that is open; a client may have deleted it."""
        found = self.service.database.one(
            "SELECT body FROM thread_messages WHERE id = ?", [self.work["message"]]
        )
        return json.loads(found["body"]) if found else None

    def say(self, message: Reply, piece: str, notes: list[dict[str, Any]]) -> None:
        """Add a piece of text with its annotations."""
        if not message["content"]:
            message["content"] = [{"type": "text", "text": {"value": "", "annotations": []}}]
        text = message["content"][0]["text"]
        numbered = [
            {"index": len(text["annotations"]) + number} | note for number, note in enumerate(notes)
        ]
        first = not text["value"]
        text["value"] += piece
        text["annotations"] += notes
        shown = {"value": piece} | ({"annotations": numbered} if numbered or first else {})
        part = {"index": 0, "type": "text", "text": shown}
        self.tell(
            "message.delta",
            {
                "id": message["id"],
                "object": "thread.message.delta",
                "delta": {"content": [part]},
            },
        )

    def close_message(self, message: Reply, reason: str | None) -> int:
        """How many tokens were said. With a `reason`, the message is incomplete."""
        if reason is None:
            message |= {"status": "completed", "completed_at": int(self.when)}
        else:
            message |= {
                "status": "incomplete",
                "incomplete_at": int(self.when),
                "incomplete_details": {"reason": reason},
            }
        messages.write(self.service, message)
        self.work["message"] = None
        self.tell(f"message.{message['status']}", message)
        return count_tokens(messages.said(message))


def _call_deltas(call: dict[str, Any], index: int, *, results: bool) -> list[dict[str, Any]]:
    """A tool call in the pieces in which it comes."""
    kind = call["type"]
    head = {"index": index, "type": kind}
    if kind == "file_search":
        whole = shown_search(call, content=results)["file_search"]
        empty: dict[str, Any] = {}
        return [head | {"id": call["id"], kind: empty}, head | {kind: whole}]
    field = "arguments" if kind == "function" else "input"
    text = call[kind][field]
    deltas = [head | {"id": call["id"], kind: call[kind] | {field: ""}}]
    middle = (len(text) + 1) // 2
    pieces = [one for one in (text[:middle], text[middle:]) if one]
    return deltas + [head | {kind: {field: one}} for one in pieces]


def shown_search(call: dict[str, Any], *, content: bool) -> dict[str, Any]:
    """A file search, whose passages are shown to those who ask for them."""
    if call["type"] != "file_search" or content:
        return call
    results = []
    for result in call["file_search"]["results"]:
        results.append({name: one for name, one in result.items() if name != "content"})
    return call | {"file_search": call["file_search"] | {"results": results}}


def without_results(step: Reply, *, shown: bool) -> Reply:
    details = step["step_details"]
    if "tool_calls" not in details:
        return step
    calls = [shown_search(call, content=shown) for call in details["tool_calls"]]
    return step | {"step_details": details | {"tool_calls": calls}}
