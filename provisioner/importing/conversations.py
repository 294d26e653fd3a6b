"""Conversations that an export has beside its assistants: what was asked and answered, as checks of
the assistant that answered.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from provisioner.importing.nouns import Findings, Found, Lost, Message, Origin, Run
from provisioner.importing.taking import Path
from provisioner.records import dataclass
from provisioner.text import spelt

USUAL = 20  # conversations of an assistant that are worth looking at
_MOST_TURNS = 100  # of a check
_PARTS = ("thread", "thread.message", "thread.run", "thread.run.step")
# What a part is where it does not say so: by its id, and by a key that nothing else has.
_IDS = {
    "thread_": ("thread", "messages"),
    "run_": ("thread.run", "thread_id"),
    "step_": ("thread.run.step", "step_details"),
}
_THREAD = re.compile(r"thread_[A-Za-z0-9]+")
_SPOKEN = ("text", "input_text", "output_text")


@dataclass(frozen=True, slots=True)
class Thread:
    """The thread around something, and the assistant of all of it, as far as they are said."""

    id: str | None = None
    assistant: str | None = None


def thread_around(at: Path, source: str) -> Thread:
    """The thread that a path in a document is named after, or else a folder or a file."""
    named = [step for step in at if isinstance(step, str) and _THREAD.fullmatch(step)]
    named += [found[0] for found in reversed(list(_THREAD.finditer(source)))]
    return Thread(named[0] if named else None)


def part_of_talk(value: Mapping[str, Any], thread: Thread) -> str | None:
    """Which part of a conversation a mapping is, if it is one."""
    said, id = value.get("object"), str(value.get("id", ""))
    if said in _PARTS:
        return str(said)
    for start, (part, key) in _IDS.items():
        if id.startswith(start) and key in value:
            return part
    if "model" in value:
        return None
    if isinstance(value.get("messages"), list | dict) and "thread_id" in value:
        return "thread"
    spoken = isinstance(value.get("role"), str) and "content" in value
    return "thread.message" if spoken and (thread.id or "thread_id" in value) else None


def entered(value: Mapping[str, Any]) -> Thread:
    """What a thread says of itself."""
    return Thread(_text(value, "id") or _text(value, "thread_id"), _text(value, "assistant_id"))


def add_part(
    part: str, value: Mapping[str, Any], origin: Origin, thread: Thread, findings: Findings
) -> None:
    """One message, run, or step of a run, to what was found."""
    around = _text(value, "thread_id") or thread.id
    assistant = _text(value, "assistant_id") or thread.assistant
    if part == "thread.message":
        at = value.get("created_at")
        message = Message(
            origin=origin,
            thread=around,
            role=str(value.get("role")),
            text=_words(value),
            id=_text(value, "id"),
            at=at if isinstance(at, int | float) else None,
            assistant=assistant,
            run=_text(value, "run_id"),
        )
        findings.messages.append(message)
    else:
        id = _text(value, "run_id" if part == "thread.run.step" else "id")
        findings.runs.append(Run(origin, id, assistant, _outputs(value)))


def _text(value: Mapping[str, Any], key: str) -> str | None:
    found = value.get(key)
    return found if isinstance(found, str) and found else None


def _words(value: Mapping[str, Any]) -> str | None:
    """What a message says, where that is text and nothing else."""
    content = value.get("content")
    parts = [content] if isinstance(content, str) else content
    if not isinstance(parts, list) or value.get("attachments") or value.get("file_ids"):
        return None
    texts = [part if isinstance(part, str) else _part(part) for part in parts]
    known = [text for text in texts if text is not None]
    whole = "\n\n".join(known)
    return whole if len(known) == len(texts) and whole.strip() else None


def _part(part: Any) -> str | None:
    if not isinstance(part, Mapping) or part.get("type", "text") not in _SPOKEN:
        return None
    text = part.get("text")
    said = text.get("value") if isinstance(text, Mapping) else text
    return said if isinstance(said, str) else None


def _outputs(step: Mapping[str, Any]) -> dict[str, str]:
    """What functions returned in a step of a run."""
    details = step.get("step_details")
    calls = details.get("tool_calls") if isinstance(details, Mapping) else None
    found: dict[str, str] = {}
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, Mapping) else None
        output = function.get("output") if isinstance(function, Mapping) else None
        if isinstance(function, Mapping) and isinstance(output, str):
            found[str(function.get("name"))] = output
    return found


# What becomes of them.


@dataclass(slots=True)
class _Conversation:
    """One thread, as a check would have it."""

    messages: list[Message]
    turns: list[dict[str, Any]]
    assistant: str | None  # its id
    unfit: str | None = None  # why it cannot be a check

    @property
    def newest(self) -> float:
        return max((message.at or 0 for message in self.messages), default=0)

    @property
    def id(self) -> str:
        return self.messages[0].thread or ""


def take_conversations(findings: Findings, most: int) -> None:
    """Make the newest conversations of each assistant its checks, at most so many; how many others
    there are, and why, is a loss.
    """
    there = {one.id for one in findings.found if one.kind == "assistant" and one.id}
    runs = {run.id: run for run in findings.runs if run.assistant}
    outputs: dict[str | None, dict[str, str]] = defaultdict(dict)
    for run in findings.runs:
        outputs[run.id] |= run.outputs
    of: dict[str | None, list[_Conversation]] = defaultdict(list)
    unfit: list[_Conversation] = []
    for messages in _threads(findings.messages):
        one = _read(messages, runs, outputs)
        if one.unfit is None and one.assistant not in there:
            one.unfit = "none of the assistants in the source answers in them"
        (unfit if one.unfit else of[one.assistant]).append(one)
    for index, found in enumerate(findings.found):
        some = sorted(of.pop(found.id, ()), key=lambda one: (-one.newest, one.id))
        taken, left = some[:most], some[most:]
        if taken:
            checks = _checks(taken, found)
            findings.found[index] = replace(found, fields={**found.fields, "checks": checks})
        if left:
            findings.losses.append(_left(found, left, most))
    for why, count in Counter(one.unfit for one in unfit).items():
        first = next(one for one in unfit if one.unfit == why)
        text = f"has {_many(count)} that cannot be checks: {why}"
        findings.losses.append(Lost(first.messages[0].origin, "threads", text))


def _threads(messages: Iterable[Message]) -> list[list[Message]]:
    """The messages of each thread in the order in which they were said, none of them twice."""
    of: dict[str | None, list[Message]] = defaultdict(list)
    known: set[str] = set()
    for message in messages:
        if message.id is None or message.id not in known:
            of[message.thread].append(message)
        known |= {message.id} if message.id else set()
    found = []
    for some in of.values():
        ages = [message.at for message in some if message.at is not None]
        if len(ages) == len(some):
            # The service lists the newest first; those of one second stay in their order.
            some = some[::-1] if ages[0] > ages[-1] else some
            some.sort(key=lambda message: message.at or 0)
        found.append(some)
    return found


def _read(
    messages: list[Message],
    runs: Mapping[str | None, Run],
    outputs: Mapping[str | None, Mapping[str, str]],
) -> _Conversation:
    """What of a thread a check can be made of, or why none can."""
    answering = {
        message.assistant or (runs[message.run].assistant if message.run in runs else None)
        for message in messages
        if message.role != "user"
    } - {None}
    one = _Conversation(messages, _turns(messages, outputs), next(iter(answering), None))
    if any(message.text is None for message in messages):
        one.unfit = "a message is not text alone"
    elif len(answering) > 1:
        one.unfit = "several assistants answer in them"
    elif not one.turns:
        one.unfit = "nothing is asked and answered in them"
    return one


def _turns(
    messages: list[Message], outputs: Mapping[str | None, Mapping[str, str]]
) -> list[dict[str, Any]]:
    """Questions with their answers. What was asked last and never answered is left out."""
    turns: list[dict[str, Any]] = []
    asked: list[str] = []
    for message in messages:
        text = message.text or ""
        if message.role == "user":
            asked.append(text)
            continue
        if asked:
            turns.append({"say": "\n\n".join(asked), "was": text, "outputs": {}})
            asked = []
        elif turns:
            turns[-1]["was"] += f"\n\n{text}"
        if turns:
            turns[-1]["outputs"] |= outputs.get(message.run, {})
    return turns


def _checks(taken: Sequence[_Conversation], found: Found) -> dict[str, Any]:
    """A check for each, by the id of its thread."""
    tools = found.fields.get("tools")
    functions = {
        tool.get("name")
        for tool in (tools if isinstance(tools, list) else ())
        if isinstance(tool, dict) and tool.get("type") == "function"
    }
    checks: dict[str, Any] = {}
    for one in taken:
        base = re.sub(r"[^a-z0-9_-]", "_", one.id.lower())[:56]
        base = base if base[:1].isalpha() else f"thread_{base}".rstrip("_")
        name, count = base, 1
        while name in checks:
            count += 1
            name = f"{base}_{count}"
        checks[name] = [_turn(turn, functions) for turn in one.turns[:_MOST_TURNS]]
    return checks


def _turn(turn: dict[str, Any], functions: set[Any]) -> dict[str, Any]:
    outputs = {name: out for name, out in turn["outputs"].items() if name in functions}
    kept = {"say": turn["say"], "was": turn["was"]}
    return {**kept, "outputs": outputs} if outputs else kept


def _left(found: Found, left: Sequence[_Conversation], most: int) -> Lost:
    origin = left[0].messages[0].origin
    who = spelt(found.name or found.id or "it")
    if most:
        why = f"has {_many(len(left))} more with {who}, older than the {most} that were taken"
        return Lost(origin, "threads", why, f"`--answers {most + len(left)}` takes all of them")
    why = f"has {_many(len(left))} with {who}, which were not taken"
    hint = (
        f"`--answers {USUAL}` takes the newest {USUAL} as checks, with what people wrote: see that"
        " nothing personal is in it"
    )
    return Lost(origin, "threads", why, hint)


def _many(count: int) -> str:
    return "1 conversation" if count == 1 else f"{count:,} conversations"
