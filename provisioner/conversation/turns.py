"""What is gathered of one turn while it goes on, whatever API it goes through."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Any, get_args

from provisioner.conversation.nouns import Answerer, Call, Citation, Event, Reply, Usage
from provisioner.errors import ProvisionerError, ServiceError
from provisioner.remote import Remote

FIRST, LONGEST = 0.2, 5.0  # seconds between two looks at what is under way
STOPPING = 30.0  # seconds that a service may take to cancel


class NotAnswered(Exception):
    """What the assistant waits for is not given, for a reason in half a sentence."""


class Pauses:
    """How long to wait between two looks: longer each time, unless the service has a wish."""

    def __init__(self) -> None:
        self._next = FIRST

    def next(self, wished: float | None = None) -> float:
        pause, self._next = self._next, min(self._next * 1.5, LONGEST)
        return pause if wished is None else min(max(wished, 0.0), LONGEST)


class Turn:
    """One turn: what was said, called and cited so far."""

    def __init__(self, answer: Answerer, tell: Callable[[Event], None]) -> None:
        self.tell = tell
        self._answer = answer
        self._begun = time.monotonic()
        self._told: dict[str, str] = {}  # what was told of each message
        self._whole: dict[str, str] = {}  # what each message says in the end
        self._calls: dict[str, Call] = {}
        self._outputs: dict[str, str] = {}
        self._citations: list[Citation] = []
        self._remarks: set[str] = set()
        self._tools: set[tuple[str, str, str]] = set()

    def remark(self, text: str) -> None:
        """Say, once, what is odd."""
        if text not in self._remarks:
            self._remarks.add(text)
            self.tell(Event("remark", text))

    def piece(self, message: str, text: str) -> None:
        """A piece of a message."""
        if text:
            if message not in self._told and self._told:
                self.tell(Event("text", "\n\n"))
            self._told[message] = self._told.get(message, "") + text
            self.tell(Event("text", text))

    def message(self, message: str, text: str, citations: Iterable[Citation] = ()) -> None:
        """A message as it is in the end; what was not told of it yet is told now."""
        told = self._told.get(message, "")
        if text.startswith(told):
            self.piece(message, text[len(told) :])
        elif text != told:
            self.remark("the message differs from what was streamed of it, and is given whole")
            self._told.pop(message)
            self.piece(message, text)
        self._whole[message] = text
        known = set(self._citations)
        self._citations += [one for one in dict.fromkeys(citations) if one not in known]

    def tool(self, id: str, name: str, state: str) -> None:
        """How far a tool is that the service runs, each state once."""
        if (id, name, state) not in self._tools:
            self._tools.add((id, name, state))
            self.tell(Event("tool", f"{name}: {state.replace('_', ' ')}"))

    async def answered(self, calls: Iterable[Call]) -> dict[str, str]:
        """What functions return, by the ids of their calls; asked one after another, because a
        person may be who answers. NotAnswered where one raises.
        """
        outputs: dict[str, str] = {}
        for call in calls:
            if call.id not in self._calls:
                self._calls[call.id] = call
                self.tell(Event("call", call=call))
            if call.id not in self._outputs:
                try:
                    self._outputs[call.id] = await self._answer(call)
                except NotAnswered:
                    raise
                except Exception as error:  # whatever an author's function raises
                    said = str(error) if isinstance(error, ProvisionerError) else repr(error)
                    raise NotAnswered(f"`{call.name}` was not answered: {said}") from error
            outputs[call.id] = self._outputs[call.id]
        return outputs

    def reply(self, status: str, reason: str = "", usage: Usage | None = None) -> Reply:
        """The turn as it ended."""
        texts = {**self._told, **self._whole}
        return Reply(
            status=status,
            text="\n\n".join(text for text in texts.values() if text),
            reason="" if status == "completed" else reason,
            calls=tuple(self._calls.values()),
            outputs=dict(self._outputs),
            citations=tuple(self._citations),
            usage=usage or Usage(),
            seconds=time.monotonic() - self._begun,
        )


def known_words(union: Any, field: str) -> frozenset[str]:
    """The words that a discriminating field may have in a union of the SDK's types."""
    words: set[str] = set()
    for member in get_args(get_args(union)[0]):
        words.update(get_args(member.model_fields[field].annotation))
    return frozenset(words)


def refuses_streams(error: ServiceError) -> bool:
    """Whether a service refuses a request because of its `stream: true`."""
    said = error.problems[0].detail
    return error.status in (400, 404, 405, 422, 501) and bool(re.search(r"\bstream", said, re.I))


async def delete_all(remote: Remote, paths: Iterable[str]) -> None:
    """Delete what was made for a conversation, all of it: the first error is raised in the end."""
    failed: list[ServiceError] = []
    for path in paths:
        try:
            await remote.delete(path)
        except ServiceError as error:
            failed.append(error)
    if failed:
        raise failed[0]
