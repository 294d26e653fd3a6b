"""Owns how runs go on: whatever is due when somebody looks is done; nothing runs in between.

A run begins when it is first looked at: the model has its answer, tools that the service itself has
are used, and half of the text is said. When its time has come, the rest is.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Any

from .. import search, vector_stores
from ..db import DbRow
from ..parsing import TOKEN, count_tokens
from ..service import EmbeddedService, Reply, letters
from . import messages
from .builtin import answer
from .journal import Journal
from .question import Answer, Called, Function, Passage, Question, Returned, Said, Turn

LIFETIME = 600  # seconds
LONGEST_INDEXING = 60  # seconds for which a run waits for files
MOST_RESULTS = 20
NO_CODE = "# The embedded service executes nothing. No code was run for this call."
ERRORS = {
    "server_error": "Sorry, something went wrong.",
    "rate_limit_exceeded": "Rate limit reached for requests.",
    "invalid_prompt": "The prompt was refused.",
}
_WORD = re.compile(r"\s*\S+(?:\s+$)?")
MOST_PIECES = 100  # of a text between two citations
# Why the message of a run that ended is incomplete.
_REASONS = {
    "failed": "run_failed",
    "expired": "run_expired",
    "cancelled": "run_cancelled",
    "incomplete": "max_tokens",
}


def catch_up(service: EmbeddedService, thread: DbRow) -> None:
    """Do what is due in a thread."""
    while _go_on(service, thread):
        pass


def active(service: EmbeddedService, thread: DbRow) -> DbRow | None:
    """The run that has not ended."""
    return service.database.one(
        "SELECT * FROM runs WHERE thread = ? AND due_at IS NOT NULL", [thread["seq"]]
    )


def _go_on(service: EmbeddedService, thread: DbRow) -> bool:
    """Whether something was done, so that more may be due."""
    due = "SELECT * FROM runs WHERE thread = ? AND due_at <= ?"
    params = [thread["seq"], service.clock()]
    if service.database.one(due, params) is None:
        return False
    vector_stores.refresh(service)
    with service.database.transaction():
        # Read again under the lock: another process may have done it meanwhile.
        row = service.database.one(due, params)
        return row is not None and _step(service, row)


def _step(service: EmbeddedService, row: DbRow) -> bool:
    journal = Journal(service, row, row["due_at"])
    status = journal.run["status"]
    if status == "cancelling":
        end(journal, "cancelled", cancelled_at=int(journal.when))
    elif row["due_at"] >= journal.run["expires_at"]:
        end(journal, "expired")
    elif status == "queued":
        stores = _stores(service, journal)
        waits = service.clock() < row["due_at"] + LONGEST_INDEXING
        if waits and any(one["in_progress"] for one in stores):
            return False
        _begin(journal, stores)
    else:
        _finish(journal)
    journal.save()
    return True


def _stores(service: EmbeddedService, journal: Journal) -> list[DbRow]:
    """Where this run searches: the assistant's store and the thread's."""
    if not any(tool["type"] == "file_search" for tool in journal.run["tools"]):
        return []
    thread = service.database.one("SELECT body FROM threads WHERE seq = ?", [journal.row["thread"]])
    resources = json.loads(thread["body"])["tool_resources"] if thread else {}
    named = [*journal.work["stores"], *resources.get("file_search", {}).get("vector_store_ids", [])]
    found = []
    for store_id in dict.fromkeys(named):
        row = service.database.one("SELECT * FROM vector_stores WHERE id = ?", [store_id])
        if row is not None:
            found.append(row)
    return found


def _begin(journal: Journal, stores: list[DbRow]) -> None:
    started = journal.run["started_at"] or int(journal.when)
    journal.run_is("in_progress", started_at=started)
    expired = [one["id"] for one in stores if one["expired"]]
    if expired:
        fail(journal, "server_error", f"Vector store '{expired[0]}' has expired.")
        return
    turns, prompt = _turns(journal)
    journal.work["prompt"] = prompt
    limit = journal.run["max_prompt_tokens"]
    if limit is not None and journal.work["usage"]["prompt_tokens"] + prompt > limit:
        _stop_short(journal, "max_prompt_tokens")
        return
    _answer(journal, turns, stores)
    if journal.run["status"] == "in_progress":
        journal.due = min(journal.when + _seconds(journal), journal.run["expires_at"])


def _seconds(journal: Journal) -> float:
    if journal.fate is None:
        return 0.0 if journal.streamed else journal.service.run_seconds
    seconds = journal.fate["seconds"]
    return LIFETIME if seconds is None else float(seconds)


def _turns(journal: Journal) -> tuple[list[Turn], int]:
    """What the model reads, and how many tokens that is."""
    run = journal.run
    body = journal.service.database.one(
        "SELECT * FROM threads WHERE seq = ?", [journal.row["thread"]]
    )
    read = (
        [one for one in messages.of_thread(journal.service, body) if one["content"]] if body else []
    )
    newest = run["truncation_strategy"]["last_messages"]
    if newest:
        read = read[-newest:]
    fixed = count_tokens(run["instructions"]) + count_tokens(json.dumps(run["tools"]))
    own, spent = _called(journal.service, run["id"])
    groups, counts = _read(journal.service, read)
    first = _first_kept(counts, fixed + spent, run["max_prompt_tokens"])
    said = [turn for group in groups[first:] for turn in group]
    return said + own, fixed + spent + sum(counts[first:])


def _read(service: EmbeddedService, read: list[Reply]) -> tuple[list[list[Turn]], list[int]]:
    """Each message behind what its run had called before it, and how many tokens that is."""
    groups: list[list[Turn]] = []
    counts = []
    shown = set()
    for one in read:
        called, spent = ([], 0) if one["run_id"] in shown else _called(service, one["run_id"])
        shown.add(one["run_id"])
        text = messages.said(one)
        groups.append([*called, Said(one["role"], text)])
        counts.append(spent + count_tokens(text))
    return groups, counts


def _first_kept(counts: list[int], fixed: int, limit: int | None) -> int:
    """Old messages are left out where all would be too long; the last one never is."""
    first = 0
    while limit is not None and first < len(counts) - 1 and fixed + sum(counts[first:]) > limit:
        first += 1
    return first


def _called(service: EmbeddedService, run_id: str | None) -> tuple[list[Turn], int]:
    """The calls of functions that a run made and had answered, and how many tokens that is."""
    rows = service.database.all(
        "SELECT s.body FROM run_steps s JOIN runs r ON r.seq = s.run WHERE r.id = ? ORDER BY s.seq",
        [run_id],
    )
    turns: list[Turn] = []
    spent = 0
    for row in rows:
        for call in json.loads(row["body"])["step_details"].get("tool_calls", []):
            if call["type"] == "function":
                function = call["function"]
                turns.append(Called(call["id"], function["name"], function["arguments"]))
                turns.append(Returned(call["id"], function["output"] or ""))
                spent += count_tokens(json.dumps(function))
    return turns, spent


def _question(journal: Journal, turns: list[Turn], hits: list[search.Hit]) -> Question:
    run = journal.run
    functions = []
    for tool in run["tools"]:
        if tool["type"] == "function":
            function = tool["function"]
            functions.append(Function(function["name"], function.get("parameters")))
    choice, wanted = run["tool_choice"], run["response_format"]
    if isinstance(choice, dict):
        choice = choice["function"]["name"] if choice["type"] == "function" else choice["type"]
    kind = "auto" if isinstance(wanted, str) else wanted["type"]
    return Question(
        turns=turns,
        functions=functions,
        hosted=[tool["type"] for tool in run["tools"] if tool["type"] != "function"],
        passages=[Passage(one.file_id, one.filename, one.text, one.score) for one in hits],
        tool_choice=choice,
        parallel=run["parallel_tool_calls"],
        json_only=kind == "json_object",
        schema=wanted["json_schema"].get("schema") or {} if kind == "json_schema" else None,
    )


def _answer(journal: Journal, turns: list[Turn], stores: list[DbRow]) -> None:
    hits = _search(journal, turns, stores)
    found = answer(_question(journal, turns, hits))
    left = journal.run["max_completion_tokens"]
    if left is not None:
        left -= journal.work["usage"]["completion_tokens"]
    if found.calls:
        _call(journal, found, left)
        return
    if (stores and journal.run["tool_choice"] != "none") or "file_search" in found.used:
        _use(journal, _search_call(journal, hits))
    if "code_interpreter" in found.used:
        code = {"input": NO_CODE, "outputs": []}
        _use(
            journal,
            {"id": _call_id(), "type": "code_interpreter", "code_interpreter": code},
        )
    pieces, cut = _pieces(found, left)
    journal.work |= {"pieces": pieces[(len(pieces) + 1) // 2 :], "cut": cut}
    message = journal.open_message()
    for piece, notes in pieces[: (len(pieces) + 1) // 2]:
        journal.say(message, piece, notes)
    messages.write(journal.service, message)


def _call_id() -> str:
    return f"call_{letters(24)}"


def _tool(journal: Journal) -> dict[str, Any]:
    tools = (tool for tool in journal.run["tools"] if tool["type"] == "file_search")
    settings: dict[str, Any] = next(tools)["file_search"]
    return settings


def _search(journal: Journal, turns: list[Turn], stores: list[DbRow]) -> list[search.Hit]:
    asked = [one.text for one in turns if isinstance(one, Said) and one.role == "user"]
    if not stores or not asked or journal.run["tool_choice"] == "none":
        return []
    settings = _tool(journal)
    hits = search.best(
        journal.service,
        stores,
        asked[-1:],
        threshold=settings["ranking_options"]["score_threshold"],
    )
    return hits[: settings.get("max_num_results", MOST_RESULTS)]


def _search_call(journal: Journal, hits: list[search.Hit]) -> dict[str, Any]:
    ranking = _tool(journal)["ranking_options"]
    results = []
    for hit in hits:
        results.append(
            {
                "file_id": hit.file_id,
                "file_name": hit.filename,
                "score": hit.score,
                "content": [{"type": "text", "text": hit.text}],
            }
        )
    shown = {name: ranking[name] for name in ("ranker", "score_threshold")}
    return {
        "id": _call_id(),
        "type": "file_search",
        "file_search": {"ranking_options": shown, "results": results},
    }


def _use(journal: Journal, call: dict[str, Any]) -> None:
    """A tool that the service itself has is used at once."""
    step = journal.open_step({"type": "tool_calls", "tool_calls": [call]})
    journal.close_step(step, "completed", (0, 0), None)


def _call(journal: Journal, found: Answer, left: int | None) -> None:
    calls = []
    for one in found.calls:
        function = {"name": one.name, "arguments": one.arguments, "output": None}
        calls.append({"id": _call_id(), "type": "function", "function": function})
    if left is not None and _spoken(calls) > left:
        _stop_short(journal, "max_completion_tokens")
        return
    journal.open_step({"type": "tool_calls", "tool_calls": calls})


def _spoken(calls: list[dict[str, Any]]) -> int:
    functions = (call["function"] for call in calls)
    return sum(count_tokens(f"{one['name']} {one['arguments']}") for one in functions)


def _pieces(found: Answer, left: int | None) -> tuple[list[Any], bool]:
    """The text in pieces, each with its annotations, and whether it had to be cut short."""
    end, cut = len(found.text), False
    spans = [match.span() for match in TOKEN.finditer(found.text)]
    if left is not None and len(spans) > left:
        end, cut = (spans[left - 1][1] if left > 0 else 0), True
    pieces: list[Any] = []
    at = 0
    for citation in found.citations:
        if citation.end <= end:
            pieces += [[one, []] for one in _words(found.text[at : citation.start])]
            pieces.append([citation.mark, [_note(citation)]])
            at = citation.end
    return pieces + [[one, []] for one in _words(found.text[at:end])], cut


def _words(text: str) -> list[str]:
    """The text in pieces of at least four words."""
    words = _WORD.findall(text) or [text]
    size = max(4, -(-len(words) // MOST_PIECES))
    pieces = ("".join(words[at : at + size]) for at in range(0, len(words), size))
    return [piece for piece in pieces if piece]


def _note(citation: Any) -> dict[str, Any]:
    return {
        "type": "file_citation",
        "text": citation.mark,
        "start_index": citation.start,
        "end_index": citation.end,
        "file_citation": {"file_id": citation.passage.file_id},
    }


def _finish(journal: Journal) -> None:
    fate = journal.fate or {"outcome": "stays", "code": None}
    if fate["outcome"] == "failed":
        code = fate["code"] or "server_error"
        fail(journal, code, ERRORS.get(code, ERRORS["server_error"]))
    elif fate["outcome"] == "expired":
        end(journal, "expired")
    elif fate["outcome"] == "incomplete":
        _stop_short(journal, fate["code"] or "max_completion_tokens")
    elif journal.work["message"]:
        _say_rest(journal)
    else:
        _require(journal)


def _say_rest(journal: Journal) -> None:
    message = journal.message()
    if message is not None:
        for piece, notes in journal.work["pieces"]:
            journal.say(message, piece, notes)
        messages.write(journal.service, message)
    if journal.work["cut"]:
        _stop_short(journal, "max_completion_tokens")
    else:
        _close(journal, "completed", None, None)
        journal.run_is("completed", completed_at=int(journal.when))


def _require(journal: Journal) -> None:
    step = journal.step()
    calls = []
    for call in step["step_details"]["tool_calls"] if step else []:
        function = {name: call["function"][name] for name in ("name", "arguments")}
        calls.append({"id": call["id"], "type": "function", "function": function})
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}
    journal.due = journal.run["expires_at"]
    journal.run_is("requires_action", required_action=action)


def answer_calls(journal: Journal, outputs: dict[str, str]) -> None:
    """What the application gave back for the calls; the model is asked again."""
    step = journal.step()
    if step is None:
        return
    calls = step["step_details"]["tool_calls"]
    for call in calls:
        call["function"]["output"] = outputs[call["id"]]
    journal.close_step(step, "completed", (journal.work["prompt"], _spoken(calls)), None)
    journal.due = journal.when
    journal.run_is("queued", required_action=None)


def fail(journal: Journal, code: str, message: str) -> None:
    error = {"code": code, "message": message}
    end(journal, "failed", last_error=error, failed_at=int(journal.when))


def _stop_short(journal: Journal, reason: str) -> None:
    end(journal, "incomplete", incomplete_details={"reason": reason})


def end(journal: Journal, status: str, **changes: Any) -> None:
    """The run is over before its time. A step has no status `incomplete`, it is completed."""
    error = changes.get("last_error")
    if error and error["code"] == "invalid_prompt":  # which a step does not have
        error = error | {"code": "server_error"}
    _close(journal, "completed" if status == "incomplete" else status, _REASONS[status], error)
    journal.run_is(status, **changes)


def _close(journal: Journal, status: str, reason: str | None, error: Any) -> None:
    """Close the message that is being said, if any, and its step."""
    spoken = 0
    message = journal.message()
    if message is not None:
        spoken = journal.close_message(message, reason)
    step = journal.step()
    if step is not None:
        calls = step["step_details"].get("tool_calls", [])
        tokens = (journal.work["prompt"], spoken + _spoken(calls))
        journal.close_step(step, status, tokens, error)


def new_work(stores: list[str], *, include: bool) -> dict[str, Any]:
    usage = {"prompt_tokens": 0, "completion_tokens": 0}
    return {
        "stores": stores,
        "include": include,
        "usage": usage,
        "step": None,
        "message": None,
        "prompt": 0,
    }


def fate_of(fate: Any) -> str | None:
    return None if fate is None else json.dumps(asdict(fate))


def body_of(row: DbRow) -> Reply:
    body: Reply = json.loads(row["body"])
    return body
