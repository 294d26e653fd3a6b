"""What a journal says about the lock that it belongs to, or does not belong to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from provisioner.errors import LockError
from provisioner.lock.entry import alike
from provisioner.lock.journal import Folded, Intent, Journal, Sink, fold, opening
from provisioner.model import Address, Locked, LockState

from .contract import LEAVE, ORIGIN, SUPPORT, entry, state

HEAD = {
    "lineage": "7" * 8,
    "serial": 3,
    "workspace": "acme",
    "environment": "prod",
    "origin": ORIGIN,
    "carried": [],
}
HELP = Address("assistant", "help")
MADE: dict[str, Any] = {"id": "asst_1", "fields": {}}


class Lines(Sink):
    """A journal in memory."""

    def __init__(self) -> None:
        self.text = ""

    def append(self, data: bytes) -> None:
        self.text += data.decode()

    def close(self) -> None:
        """Nothing to let go of."""

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


def text(*records: dict[str, Any], **head: Any) -> str:
    return "".join(json.dumps(record) + "\n" for record in ({**HEAD, **head}, *records))


def intent(
    id: int, address: Address = SUPPORT, action: str = "create", **more: Any
) -> dict[str, Any]:
    return {"type": "intent", "id": id, "address": str(address), "action": action, **more}


def result(id: int, *entry: dict[str, Any] | None, **also: Any) -> dict[str, Any]:
    """What came of an intent: an entry, None for none any more; without either it was dismissed."""
    given = {"entry": entry[0]} if entry else {}
    return {"type": "result", "id": id, **given, **({"also": also} if also else {})}


LOCK = state(3, entry(LEAVE, "file-1"))
WITH = state(4, entry(LEAVE, "file-1"), entry(SUPPORT, "asst_1"))

# The lock before, the journal, the lock after, and what is open: an address, with `?` where it is
# only a hint.
STORIES: dict[str, tuple[LockState | None, str | None, LockState | None, list[str]]] = {
    "no journal": (LOCK, None, LOCK, []),
    "an empty journal": (LOCK, "", LOCK, []),
    "only a head": (LOCK, text(), LOCK, []),
    "something made": (LOCK, text(intent(1), result(1, MADE)), WITH, []),
    "something gone": (LOCK, text(intent(1, LEAVE, "delete"), result(1, None)), state(4), []),
    "something moved": (
        state(3, entry(HELP, "asst_1"), entry(LEAVE, "file-1")),
        text(intent(1), result(1, MADE, **{str(HELP): None})),
        WITH,
        [],
    ),
    "something made beside": (
        LOCK,
        text(intent(1, LEAVE), result(1, None, **{str(SUPPORT): MADE})),
        state(4, entry(SUPPORT, "asst_1")),
        [],
    ),
    "something tried and dismissed": (LOCK, text(intent(1), result(1)), LOCK, []),
    "something begun: a stamp of the next serial may be at the service": (
        LOCK,
        text(intent(1)),
        replace(LOCK, serial=4),
        ["assistant.support"],
    ),
    "one made and one begun": (
        LOCK,
        text(intent(1), intent(2, HELP), result(1, MADE)),
        WITH,
        ["assistant.help"],
    ),
    "something carried over from an earlier journal": (
        LOCK,
        text(intent(1), carried=[1]),
        LOCK,
        ["assistant.support"],
    ),
    "something carried over, and something begun": (
        LOCK,
        text(intent(1), intent(2, HELP), carried=[1]),
        replace(LOCK, serial=4),
        ["assistant.support", "assistant.help"],
    ),
    "something carried over and made": (
        LOCK,
        text(intent(1), result(1, MADE), carried=[1]),
        WITH,
        [],
    ),
    "the lock has it already": (
        WITH,
        text(intent(1), result(1, MADE), intent(2, HELP)),
        WITH,
        ["assistant.help"],
    ),
    "the lock has something else": (
        state(4, entry(SUPPORT, "asst_2")),
        text(intent(1), result(1, MADE)),
        state(4, entry(SUPPORT, "asst_2")),
        ["assistant.support?"],
    ),
    "the lock has gone on": (
        state(5, entry(SUPPORT, "asst_1")),
        text(intent(1), result(1, MADE), intent(2, HELP)),
        state(5, entry(SUPPORT, "asst_1")),
        ["assistant.support?", "assistant.help?"],
    ),
    "the lock is behind": (
        state(2),
        text(intent(1), result(1, MADE)),
        state(2),
        ["assistant.support?"],
    ),
    "the lock is of another lineage": (
        replace(LOCK, lineage="8" * 8),
        text(intent(1), result(1, MADE), intent(2, HELP), result(2)),
        replace(LOCK, lineage="8" * 8),
        ["assistant.support?"],
    ),
    "no lock yet": (
        None,
        text(intent(1), result(1, MADE), serial=0),
        state(1, entry(SUPPORT, "asst_1")),
        [],
    ),
    "no lock yet, and nothing made": (None, text(serial=0), None, []),
    "no lock any more": (None, text(intent(1), result(1, MADE)), None, ["assistant.support?"]),
    "a torn line": (
        LOCK,
        text(intent(1)) + '{"type": "resu',
        replace(LOCK, serial=4),
        ["assistant.support"],
    ),
    "a line that only lacks its end": (
        LOCK,
        text(intent(1), result(1, MADE)).rstrip("\n"),
        WITH,
        [],
    ),
    "a head that only lacks its end": (LOCK, text().rstrip("\n"), LOCK, []),
    "half a head": (LOCK, text()[:20], LOCK, []),
    "a hint of an earlier journal": (
        LOCK,
        text(intent(1, hint=True), carried=[1]),
        LOCK,
        ["assistant.support?"],
    ),
}


@pytest.mark.parametrize("row", STORIES)
def test_folding(row: str) -> None:
    """What a journal knows goes into its own lock; of another lock it is only a hint."""
    before, journal, after, left = STORIES[row]
    folded = fold(before, journal)
    assert folded.state == after
    assert [f"{one.address}{'?' if one.hint else ''}" for one in folded.open_intents] == left


def test_the_origin_is_that_of_the_apply() -> None:
    """An organization that the apply has pinned is kept with what it made."""
    pinned = {**ORIGIN, "organization": "org-1"}
    assert fold(LOCK, text(intent(1), result(1, MADE), origin=pinned)) == Folded(
        replace(WITH, origin=pinned), []
    )
    assert fold(None, text(intent(1), result(1, MADE), serial=0, origin=pinned)).state == replace(
        state(1, entry(SUPPORT, "asst_1")), origin=pinned
    )


@pytest.mark.parametrize("before", [None, LOCK])
def test_what_is_folded_is_as_young_as_the_journal(before: LockState | None) -> None:
    """Who only reads has to know that the service may not show it yet."""
    head = {} if before else {"serial": 0}
    journal = text(
        intent(1, at=86_400.5), {**result(1, MADE), "at": 86_401.25}, intent(2, HELP), **head
    )
    found = fold(before, journal).state
    assert found and found.written == "1970-01-02T00:00:01.250000+00:00"


def test_what_an_open_intent_says() -> None:
    """Everything that was written beside it, the notes after it, and when it was."""
    noted = {"type": "created", "id": 7, "object": "asst_1"}
    (found,) = fold(LOCK, text(intent(7, at=12.5, filename="a.md", since=3), noted)).open_intents
    assert found == Intent(
        7, SUPPORT, "create", {"filename": "a.md", "since": 3}, (noted,), at=12.5
    )


def test_a_result_that_does_not_fit_is_a_note() -> None:
    """What came of an intent is kept with its hint, and is not folded when the hint is carried
    over.
    """
    other = replace(LOCK, lineage="8" * 8)
    (hint,) = fold(other, text(intent(1), result(1, MADE))).open_intents
    assert [record["type"] for record in hint.partial] == ["was"]
    carried = opening(other, [hint])
    assert json.loads(carried.splitlines()[0])["carried"] == [1]
    assert fold(other, carried) == Folded(other, [hint])


DAMAGE: dict[str, tuple[str, int, str]] = {
    "a line that is no JSON": (
        text(intent(1)).replace('"create"', "create"),
        2,
        "not a JSON mapping",
    ),
    "a line that is no mapping": (text() + "[]\n", 2, "not a JSON mapping"),
    "an empty line": (text() + "\n" + text(), 2, "not a JSON mapping"),
    "a result of nothing": (text(result(1, MADE)), 2, "1"),
    "no sort": (text({"id": 1}), 2, "type"),
    "an id that is none": (text({**intent(1), "id": "1"}), 2, "`id` must be a whole number"),
    "a time that is none": (text(intent(1, at="now")), 2, "`at` must be a time in seconds"),
    "a truth for a time": (text(intent(1, at=True)), 2, "`at` must be a time in seconds"),
    "an address that is none": (
        text({**intent(1), "address": "support"}),
        2,
        "`address` is of another shape",
    ),
    "an entry that is none": (
        text(intent(1), result(1, {"id": 1, "fields": {}})),
        3,
        "must be an id",
    ),
    "another address that is none": (
        text(intent(1), result(1, MADE, kb=None)),
        3,
        "is not an address",
    ),
    "a head without a lineage": (text(lineage=None), 1, "does not say which lock"),
    "a head with a serial in words": (text(serial="3"), 1, "does not say which lock"),
    "a head with a true serial": (text(serial=True), 1, "does not say which lock"),
}


@pytest.mark.parametrize("row", DAMAGE)
def test_damage(row: str) -> None:
    """What no crash explains is refused with its line: believing half of it could lose an
    object.
    """
    journal, line, why = DAMAGE[row]
    with pytest.raises(LockError) as refused:
        fold(LOCK, journal, "x.journal")
    (problem,) = refused.value.problems
    assert (problem.summary, problem.file, problem.line) == ("Broken journal", "x.journal", line)
    assert (
        problem.detail.startswith(f"Line {line} of `x.journal` cannot be read: ")
        and why in problem.detail
    )


def test_times_may_be_whole() -> None:
    """A time in whole seconds is a time, and a journal of 0.1.0 has none."""
    assert [one.at for one in fold(LOCK, text(intent(1, at=12), intent(2, HELP))).open_intents] == [
        12,
        None,
    ]


def test_what_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thing is a line with its time, in milliseconds; numbers go on from those that were
    carried over.
    """
    monkeypatch.setattr("time.time", lambda: 1.23456)
    sink = Lines()
    carried = Intent(4, LEAVE, "delete", {"object": "file-1"}, hint=True, at=0.5)
    journal = Journal(sink, [carried])
    id = journal.intent(SUPPORT, "create", name="x")
    asyncio.run(journal.note(id, "created", object="asst_1"))
    journal.result(id, entry(SUPPORT, "asst_1"), {HELP: None, LEAVE: entry(LEAVE, "file-2")})
    assert journal.open == (carried,)
    journal.dismiss(4)
    assert journal.open == ()
    assert sink.records == [
        intent(5, name="x", at=1.235),
        {"type": "created", "id": 5, "object": "asst_1", "at": 1.235},
        {
            "type": "result",
            "id": 5,
            "entry": {"fields": {}, "id": "asst_1"},
            "also": {"assistant.help": None, "file.docs/leave.md": {"fields": {}, "id": "file-2"}},
            "at": 1.235,
        },
        {"type": "result", "id": 4, "at": 1.235},
    ]
    assert opening(LOCK, [carried]).splitlines()[1] == json.dumps(
        {"object": "file-1", **intent(4, LEAVE, "delete", hint=True, at=0.5)}, separators=(",", ":")
    )


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (lambda journal: asyncio.run(journal.note(1, "intent")), ValueError),
        (lambda journal: asyncio.run(journal.note(1, "result")), ValueError),
        (lambda journal: asyncio.run(journal.note(1, "created", at=3)), ValueError),
        (lambda journal: journal.intent(SUPPORT, "create", hint=True), ValueError),
        (lambda journal: journal.intent(SUPPORT, "create", size=float("nan")), ValueError),
        (lambda journal: journal.result(2, None), KeyError),
        (lambda journal: journal.dismiss(2), KeyError),
        (lambda journal: asyncio.run(journal.note(2, "created")), KeyError),
    ],
)
def test_what_is_never_written(wrong: Callable[[Journal], Any], error: type[Exception]) -> None:
    """A line that could not be read, or not understood, is an error of ours; the journal stays
    whole.
    """
    sink = Lines()
    journal = Journal(sink)
    journal.intent(SUPPORT, "create")
    before = sink.text
    with pytest.raises(error):
        wrong(journal)
    assert sink.text == before
    assert [one.id for one in journal.open] == [1]


def test_a_result_is_given_once() -> None:
    """What is closed is closed."""
    journal = Journal(Lines())
    id = journal.intent(SUPPORT, "create")
    journal.result(id, None)
    with pytest.raises(KeyError):
        journal.dismiss(id)


def test_a_clock_that_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What leaves after that says so once, and not with each of its requests."""
    now = 1_800_000_000.0
    monkeypatch.setattr("provisioner.lock.journal.time.time", lambda: now)
    lines = Lines()
    journal = Journal(lines)
    number = journal.intent(SUPPORT, "files")
    now -= 3600
    for _ in range(5):
        now += 1
        asyncio.run(journal.leaving(number, 60))
    assert [record["type"] for record in lines.records] == ["intent", "leaving"]
    (left,) = journal.open
    assert left.latest == 1_800_000_000


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (None, None, True),
        (None, entry(SUPPORT, "a"), False),
        (entry(SUPPORT, "a", n=1), entry(SUPPORT, "a", n=1.0), True),
        (entry(SUPPORT, "a", n=1), entry(SUPPORT, "a", n=True), False),
        (entry(SUPPORT, "a", n={"x": [0]}), entry(SUPPORT, "a", n={"x": [False]}), False),
        (entry(SUPPORT, "a", n=1), entry(SUPPORT, "b", n=1), False),
    ],
)
def test_entries_that_say_the_same(one: Locked | None, other: Locked | None, same: bool) -> None:
    """Two of them, or none twice; a flag is no number."""
    assert alike(one, other) is alike(other, one) is same
