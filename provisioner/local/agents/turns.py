"""Owns how the turns of a session go on, and the events that tell of it: whatever is due when
somebody looks is done; nothing runs in between.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..db import DbRow
from ..errors import ApiError
from ..parsing import count_tokens
from ..running import items
from ..running.builtin import VERBS, answer, words
from ..running.fate import FATE, Fate
from ..running.question import Answer, Called, Function, Question, Returned, Said, Turn
from ..running.response_events import pieces
from ..service import EmbeddedService, Reply, new_id

NO_SERVER = "No MCP server is asked here."
FAILURES = {
    "failed": ("server_error", "The model service encountered an unexpected error."),
    "expired": ("request_timeout", "The request timed out before the model service responded."),
    "incomplete": (
        "max_output_tokens",
        "The model reached its output token limit before finishing the response.",
    ),
}
MOST_PIECES = 100  # of a text
# Items that are not the agent's own.
_GIVEN = ("user", "function_call_output")
Item = dict[str, Any]
Content = list[dict[str, Any]]


class Work:
    """One session within a transaction; `save` comes last."""

    def __init__(self, service: EmbeddedService, session: Reply) -> None:
        self.service, self.session = service, session
        self.session["last_active_at"] = service.now()

    def save(self) -> None:
        self.service.database.run(
            "UPDATE agent_sessions SET body = ? WHERE id = ?",
            [json.dumps(self.session), self.session["id"]],
        )

    def tell(self, name: str, /, **data: Any) -> None:
        event = {"type": name, "event_id": new_id("evt")} | data
        self.service.database.run(
            "INSERT INTO agent_events (session, data) VALUES (?, ?)",
            [self.session["id"], json.dumps(event)],
        )

    def session_is(self, status: str, actions: Sequence[Item] = ()) -> None:
        self.session |= {"status": status, "required_actions": list(actions)}
        self.tell(f"agent.session.{status}", session=self.session)

    def tell_turn(self, turn: Reply, name: str, /, **data: Any) -> None:
        places = {"session_id": self.session["id"], "turn_id": turn["id"]}
        self.tell(f"agent.session.turn.{name}", **places, **data)

    def add(self, turn: Reply, item: Item) -> None:
        """An item that the application gave."""
        self._keep(turn, item)
        self.tell_turn(turn, "item.added", item=item, output_index=None)

    def produce(self, turn: Reply, item: Item, *, waits: bool = False) -> None:
        """An item of the agent. One that waits is not done yet."""
        index = len(self._own(turn))
        begun = item | {"status": "in_progress"}
        if item["type"] == "message":
            begun["content"] = []
        self._keep(turn, begun if waits else item)
        self.tell_turn(turn, "item.added", item=begun, output_index=index)
        if item["type"] == "message":
            self._say(turn, item, index)
        if not waits:
            self.tell_turn(turn, "item.done", item=item, output_index=index)

    def finish(self, turn: Reply, call_id: str, status: str) -> None:
        """A call that waited is done."""
        own = self._own(turn)
        for index, item in enumerate(own):
            if item.get("call_id") == call_id:
                done = item | {"status": status}
                self.service.database.run(
                    "UPDATE items SET body = ? WHERE owner = ? AND id = ?",
                    [json.dumps(done), self.session["id"], done["id"]],
                )
                self.tell_turn(turn, "item.done", item=done, output_index=index)

    def _say(self, turn: Reply, item: Item, index: int) -> None:
        place = {"item_id": item["id"], "output_index": index, "content_index": 0}
        part = item["content"][0]
        self.tell_turn(turn, "content_part.added", **place, part=part | {"text": ""})
        said = pieces(part["text"])
        size = -(-len(said) // MOST_PIECES)
        for at in range(0, len(said), size or 1):
            delta = "".join(said[at : at + size])
            self.tell_turn(turn, "output_text.delta", **place, delta=delta)
        self.tell_turn(turn, "output_text.done", **place, text=part["text"])
        self.tell_turn(turn, "content_part.done", **place, part=part)

    def _keep(self, turn: Reply, item: Item) -> None:
        items.keep(self.service, self.session["id"], turn["id"], [item])

    def _own(self, turn: Reply) -> list[Item]:
        kept = items.kept(self.service, self.session["id"], turn["id"])
        return [item for item in kept if item.get("role", item["type"]) not in _GIVEN]


def active(work: Work) -> DbRow | None:
    return work.service.database.one(
        "SELECT * FROM agent_turns WHERE session = ? AND active", [work.session["id"]]
    )


def say(work: Work, messages: Sequence[Content]) -> None:
    """A message to an idle session begins a turn; one during a turn is heard within it."""
    row = active(work)
    turn = _begin(work) if row is None else json.loads(row["body"])
    for content in messages:
        said = {"role": "user", "status": "completed", "content": content}
        work.add(turn, {"id": new_id("msg"), "type": "message", "turn_id": turn["id"]} | said)


def _begin(work: Work) -> Reply:
    service, now = work.service, work.service.now()
    turn: Reply = {
        "id": new_id("turn"),
        "object": "agent.session.turn",
        "session_id": work.session["id"],
        "agent_id": work.session["agent"]["id"],
        "subagent_id": None,
        "status": "queued",
        "created_at": now,
        "started_at": None,
        "completed_at": None,
        "error": None,
        "usage": None,
        "prompt_cache_options": work.session["prompt_cache_options"],
    }
    service.database.run(
        "INSERT INTO agent_turns (id, created_at, session, active, body) VALUES (?, ?, ?, 1, ?)",
        [turn["id"], now, work.session["id"], json.dumps(turn)],
    )
    work.tell_turn(turn, "created", turn=turn)
    work.session_is("in_progress")
    turn |= {"status": "in_progress", "started_at": now}
    work.tell_turn(turn, "in_progress", turn=turn)
    _go_on_later(work, turn)
    return turn


def _go_on_later(work: Work, turn: Reply) -> None:
    fate, service = FATE.get(), work.service
    seconds = service.run_seconds if fate is None else fate.seconds
    told = None
    if fate is not None:
        told = json.dumps({"outcome": fate.outcome, "seconds": fate.seconds, "code": fate.code})
    service.database.run(
        "UPDATE agent_turns SET body = ?, due_at = ?, fate = ? WHERE id = ?",
        [
            json.dumps(turn),
            None if seconds is None else service.clock() + seconds,
            told,
            turn["id"],
        ],
    )


def catch_up(service: EmbeddedService, session_id: str) -> None:
    """Do what is due in a session."""
    due = "SELECT * FROM agent_turns WHERE session = ? AND active AND due_at <= ?"
    params = [session_id, service.clock()]
    if service.database.one(due, params) is None:
        return
    with service.database.transaction():
        # Read again under the lock: another process may have done it meanwhile.
        row = service.database.one(due, params)
        session = service.database.one("SELECT body FROM agent_sessions WHERE id = ?", [session_id])
        if row is not None and session is not None:
            work = Work(service, json.loads(session["body"]))
            _step(work, row)
            work.save()


def _step(work: Work, row: DbRow) -> None:
    turn: Reply = json.loads(row["body"])
    fate = Fate(**json.loads(row["fate"])) if row["fate"] else None
    if fate is not None and fate.outcome in FAILURES:
        code, message = FAILURES[fate.outcome]
        _fail(work, turn, fate.code or code, message)
        return
    said = _history(work)
    agent = work.session["agent"]
    functions = [
        Function(tool["name"], tool["parameters"])
        for tool in agent["tools"]
        if tool["type"] == "function"
    ]
    searches = any(
        tool["type"] == "web_search" and tool["mode"] != "disabled" for tool in agent["tools"]
    )
    question = Question(
        turns=said,
        functions=functions,
        hosted=["web_search"] if searches else [],
        schema=agent["text"]["format"].get("schema"),
    )
    answered = answer(question)
    _spend(work, turn, said, answered)
    if answered.calls:
        _call(work, turn, answered)
    else:
        _reply(work, turn, _asked(said), answered)


def _history(work: Work) -> list[Turn]:
    """All that was said in the session."""
    rows = work.service.database.all(
        "SELECT body FROM items WHERE owner = ? ORDER BY created_at, seq", [work.session["id"]]
    )
    said: list[Turn] = []
    for item in (json.loads(row["body"]) for row in rows):
        match item["type"]:
            case "message":
                said.append(Said(item["role"], items.text_of(item["content"])))
            case "function_call":
                arguments = json.dumps(item["arguments"], ensure_ascii=False)
                said.append(Called(item["call_id"], item["name"], arguments))
            case "function_call_output":
                returned = item["error"] or items.text_of(item["output"] or "")
                said.append(Returned(item["call_id"], returned))
    return said


def _asked(said: Sequence[Turn]) -> str:
    """The last message of the user."""
    for turn in reversed(said):
        if isinstance(turn, Said) and turn.role == "user":
            return turn.text
    return ""


def _spend(work: Work, turn: Reply, said: Sequence[Turn], answered: Answer) -> None:
    agent = work.session["agent"]
    read = count_tokens(agent["instructions"] or "") + count_tokens(json.dumps(agent["tools"]))
    for one in said:
        read += count_tokens(" ".join(str(part) for part in vars(one).values()))
    wrote = count_tokens(answered.text)
    wrote += sum(count_tokens(f"{call.name} {call.arguments}") for call in answered.calls)
    turn["usage"] = _sum(turn["usage"], read, wrote)
    work.session["usage"] = _sum(work.session["usage"], read, wrote)


def _sum(before: Reply | None, read: int, wrote: int) -> Reply:
    if before is not None:
        read, wrote = read + before["input_tokens"], wrote + before["output_tokens"]
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": wrote,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + wrote,
    }


def _call(work: Work, turn: Reply, answered: Answer) -> None:
    actions = []
    for call in answered.calls:
        wanted = {
            "type": "function_call",
            "call_id": new_id("call"),
            "name": call.name,
            "arguments": json.loads(call.arguments),
            "turn_id": turn["id"],
        }
        work.produce(turn, wanted | {"id": new_id("fc")}, waits=True)
        actions.append(wanted)
    _write(work, turn | {"status": "waiting"})
    work.session_is("requires_action", actions)


def _reply(work: Work, turn: Reply, asked: str, answered: Answer) -> None:
    place = {"status": "completed", "turn_id": turn["id"]}
    text = answered.text
    for call in _server_calls(work, asked):
        work.produce(turn, call | place)
        if work.session["agent"]["text"]["format"]["type"] == "text":
            text = f"{call['server_label']} was asked, but {_lower(NO_SERVER)}\n{text}"
    if "web_search" in answered.used:
        action = {"type": "search", "query": asked, "queries": [asked]}
        search = {"id": new_id("ws"), "type": "web_search_call", "action": action}
        work.produce(turn, search | place)
    message = {
        "id": new_id("msg"),
        "type": "message",
        "role": "assistant",
        "phase": "final_answer",
        "content": [{"type": "output_text", "text": text}],
    }
    work.produce(turn, message | place)
    _end(work, turn, "completed")


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _server_calls(work: Work, asked: str) -> list[Item]:
    """A server that the message is about would be asked, if there were any."""
    said, calls = set(words(asked)), []
    for tool in work.session["agent"]["tools"]:
        if tool["type"] != "mcp":
            continue
        allowed = tool["allowed_tools"] or []
        names = [one for one in allowed if said & (set(words(one)) - VERBS)]
        if names or said & set(words(tool["server_label"])):
            calls.append(
                {
                    "id": new_id("mcp"),
                    "type": "mcp_call",
                    "server_label": tool["server_label"],
                    "name": (names or allowed or [tool["server_label"]])[0],
                    "arguments": {},
                    "output": None,
                    "error": NO_SERVER,
                }
            )
    return calls


def _write(work: Work, turn: Reply, *, goes_on: bool = True) -> None:
    """Nothing happens to it until the application does something."""
    work.service.database.run(
        "UPDATE agent_turns SET body = ?, active = ?, due_at = NULL WHERE id = ?",
        [json.dumps(turn), goes_on, turn["id"]],
    )


def _end(work: Work, turn: Reply, status: str, error: Reply | None = None) -> None:
    turn |= {"status": status, "completed_at": work.service.now(), "error": error}
    _write(work, turn, goes_on=False)
    work.tell_turn(turn, status, turn=turn, usage=turn["usage"])
    work.session_is("idle")


def _fail(work: Work, turn: Reply, code: str, message: str) -> None:
    error = {"code": code, "message": message}
    session_id = work.session["id"]
    told = error | {"type": "server_error", "param": None}
    work.tell("error", session_id=session_id, error=told)
    _end(work, turn, "failed", error)


def give_result(work: Work, given: dict[str, Any]) -> None:
    """What the application gave back for a call; once all are answered, the turn goes on."""
    call_id, waiting = given["call_id"], work.session["required_actions"]
    left = [one for one in waiting if one["call_id"] != call_id]
    row = active(work)
    turn: Reply = {} if row is None else json.loads(row["body"])
    if len(left) == len(waiting) or turn.get("id") != given["turn_id"]:
        raise ApiError(400, f"Unknown pending tool call: {call_id}", code="invalid_request_error")
    status = "completed" if given["success"] else "failed"
    work.finish(turn, call_id, status)
    output = given.get("output") if given["success"] else None
    failure = None if given["success"] else given.get("error") or "The function failed."
    result = {"call_id": call_id, "output": output, "error": failure, "status": status}
    head = {"id": new_id("fco"), "type": "function_call_output", "turn_id": turn["id"]}
    work.add(turn, head | result)
    if left:
        work.session["required_actions"] = left
    else:
        work.session_is("in_progress")
        _go_on_later(work, turn | {"status": "in_progress"})


def cancel(work: Work) -> None:
    """End what is under way, if anything is."""
    row = active(work)
    if row is not None:
        turn: Reply = json.loads(row["body"])
        for action in work.session["required_actions"]:
            work.finish(turn, action["call_id"], "incomplete")
        _end(work, turn, "cancelled")
