"""Conversations beside assistants: whatever they are kept in, they become checks, or are counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioner.engine.from_sources import draft_sources
from provisioner.importing.conversations import take_conversations
from provisioner.importing.nouns import Findings
from provisioner.importing.sources import read_sources

ASSISTANT = {
    "id": "asst_1",
    "object": "assistant",
    "name": "Support",
    "model": "gpt-4o",
    "tools": [{"type": "function", "function": {"name": "find"}}],
}


def message(number: int, role: str, text: Any, thread: str = "thread_a", **more: Any) -> Any:
    """As the service lists it."""
    content = [{"type": "text", "text": {"value": text, "annotations": []}}]
    return {
        "id": f"msg_{thread}_{number}",
        "object": "thread.message",
        "created_at": 1_700_000_000 + number,
        "thread_id": thread,
        "role": role,
        "content": content if isinstance(text, str) else text,
        "assistant_id": "asst_1" if role == "assistant" else None,
        "run_id": "run_1" if role == "assistant" else None,
        **more,
    }


TALK = [message(1, "user", "How many?"), message(2, "assistant", "27.")]
TURN = {"say": "How many?", "was": "27."}


def read(source: Any, most: int = 20) -> Findings:
    """With the conversations taken."""
    findings = read_sources(source if isinstance(source, Path) else json.dumps(source).encode())
    take_conversations(findings, most)
    return findings


def checks(findings: Findings) -> Any:
    (found,) = findings.found
    return found.fields.get("checks")


def told(findings: Findings) -> list[str]:
    return [lost.why for lost in findings.losses if lost.severity == "warning"]


@pytest.mark.parametrize(
    "around",
    [
        {"threads": [{"id": "thread_a", "object": "thread", "messages": TALK}]},
        {"messages": {"object": "list", "data": TALK[::-1], "has_more": False}},
        {
            "threads": [
                {
                    "id": "thread_a",
                    "assistant_id": "asst_1",
                    "messages": [
                        {"role": "user", "content": "How many?"},
                        {"role": "assistant", "content": "27."},
                    ],
                }
            ]
        },
        {
            "threads": {
                "thread_a": [{**one, "thread_id": None, "assistant_id": None} for one in TALK]
            },
            "runs": [{"id": "run_1", "object": "thread.run", "assistant_id": "asst_1"}],
        },
    ],
)
def test_what_they_are_kept_in(around: Any) -> None:
    """Threads with messages, pages of messages with the newest first, dumps made by hand, maps
    with runs: the same check comes of them, and a run is no assistant.
    """
    findings = read({"assistants": [ASSISTANT], **around})
    assert checks(findings) == {"thread_a": [TURN]}
    assert not told(findings)


def test_lines_folders_and_recordings(tmp_path: Path) -> None:
    """JSON Lines of messages, a folder a thread, and what a browser has recorded."""
    folder = tmp_path / "export"
    (folder / "threads/thread_a").mkdir(parents=True)
    (folder / "assistants.json").write_text(json.dumps([ASSISTANT]))
    bare = [{key: one[key] for key in one if key != "thread_id"} for one in TALK]
    (folder / "threads/thread_a/messages.json").write_text(json.dumps(bare))
    lines = "\n".join(json.dumps({**one, "thread_id": "thread_b"}) for one in TALK)
    (folder / "messages.jsonl").write_text(lines.replace("msg_", "msg_b"))
    request = {
        "method": "GET",
        "url": "https://api.openai.com/v1/threads/thread_c/messages?limit=9",
    }
    page = {"object": "list", "data": [{**one, "id": f"{one['id']}c"} for one in TALK]}
    body = json.dumps(page).replace("thread_a", "thread_c")
    entry = {"request": request, "response": {"content": {"text": body}}}
    (folder / "browser.har").write_text(json.dumps({"log": {"entries": [entry]}}))
    assert checks(read(folder)) == {f"thread_{name}": [TURN] for name in "abc"}


def test_without_a_wish_they_are_only_counted() -> None:
    """Nothing that a person wrote becomes part of a spec, and the report says how it would."""
    findings = read({"assistants": [ASSISTANT], "messages": TALK}, most=0)
    assert checks(findings) is None
    assert told(findings) == ["has 1 conversation with `Support`, which were not taken"]


def test_the_newest_are_taken_and_the_rest_is_counted() -> None:
    """In an order that does not depend on that of the source."""
    many = [
        {**one, "id": f"{one['id']}{n}", "created_at": one["created_at"] + n * 10}
        for n in (2, 0, 1)
        for one in (message(1, "user", "Hi", f"thread_{n}"), message(2, "assistant", "Ho"))
    ]
    for one in many:
        one["thread_id"] = f"thread_{one['id'][-1]}"
    findings = read({"assistants": [ASSISTANT], "messages": many}, most=2)
    assert list(checks(findings)) == ["thread_2", "thread_1"]
    assert told(findings) == [
        "has 1 conversation more with `Support`, older than the 2 that were taken"
    ]


def test_turns() -> None:
    """Questions in a row are one, answers in a row are one; what was never answered is left out; an
    output of a function that the assistant has goes along.
    """
    talk = [
        message(1, "user", "One"),
        message(2, "user", "Two"),
        message(3, "assistant", "Three"),
        message(4, "assistant", "Four"),
        message(5, "user", "Five"),
    ]
    calls = [
        {"type": "function", "function": {"name": name, "arguments": "{}", "output": '{"a": 1}'}}
        for name in ("find", "gone")
    ]
    step = {"id": "step_1", "object": "thread.run.step", "run_id": "run_1"}
    step["step_details"] = {"type": "tool_calls", "tool_calls": calls}  # type: ignore[assignment]
    findings = read({"assistants": [ASSISTANT], "messages": talk, "steps": [step]})
    turn = {"say": "One\n\nTwo", "was": "Three\n\nFour", "outputs": {"find": '{"a": 1}'}}
    assert checks(findings) == {"thread_a": [turn]}


@pytest.mark.parametrize(
    "talk, why",
    [
        ([message(1, "user", [{"type": "image_file"}]), TALK[1]], "a message is not text alone"),
        ([message(1, "user", "Hi", attachments=[{}]), TALK[1]], "a message is not text alone"),
        (TALK[:1], "nothing is asked and answered in them"),
        (
            [*TALK, message(3, "assistant", "Me", assistant_id="asst_2")],
            "several assistants answer",
        ),
        ([TALK[0], message(2, "assistant", "Me", assistant_id="asst_2")], "none of the assistants"),
    ],
)
def test_what_cannot_be_a_check(talk: Any, why: str) -> None:
    """It is counted, with the reason; the assistant is there without it."""
    findings = read({"assistants": [ASSISTANT], "messages": talk})
    assert checks(findings) is None
    (said,) = told(findings)
    assert said.startswith(f"has 1 conversation that cannot be checks: {why}")


def test_what_only_looks_like_one() -> None:
    """Settings whose id begins so are an assistant; what nobody signed is nobody's."""
    bare = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]
    settings = {"id": "run_bot", "model": "m", "instructions": "Run."}
    findings = read({"bots": [settings], "thread_id": "thread_a", "messages": bare})
    assert checks(findings) is None
    (said,) = told(findings)[-1:]
    assert said.endswith("none of the assistants in the source answers in them")
    assert checks(read({"id": "thread_bot", "model": "m", "instructions": "Sew."})) is None


def test_keys_that_people_wrote(tmp_path: Path) -> None:
    """A key in a question is masked in the check, as one in instructions is, and is named."""
    key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
    talk = [
        {"object": "thread.message", "thread_id": "thread_a", "role": role, "content": f"my {key}"}
        | {"assistant_id": "asst_1", "created_at": at, "id": f"msg_{at}"}
        for at, role in enumerate(("user", "assistant"))
    ]
    assistant = {"id": "asst_1", "object": "assistant", "model": "m", "instructions": "x"}
    made = draft_sources(tmp_path, json.dumps([assistant, *talk]).encode(), "specs/a.yaml", 5)
    (written,) = made.drafted.files.values()
    assert b"say:" in written
    assert key.encode() not in written
    (found,) = made.findings.found
    masked = [lost.what for lost in found.losses if "masked" in lost.why]
    assert masked == ["checks.thread_a[0].say", "checks.thread_a[0].was"]
