"""A conversation through the Assistants API: a thread, its messages, its runs."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import cache
from typing import TYPE_CHECKING, Any

from provisioner.conversation.nouns import Answerer, Call, Citation, Event, Message, Reply, Usage
from provisioner.conversation.turns import (
    STOPPING,
    NotAnswered,
    Pauses,
    Turn,
    delete_all,
    known_words,
    refuses_streams,
)
from provisioner.errors import ReplyLost, ServiceError
from provisioner.model import Problem
from provisioner.remote import Remote

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.beta import AssistantStreamEvent
    from openai.types.beta.threads import Run

    Ask = Callable[[AsyncOpenAI], Awaitable[AsyncStream[AssistantStreamEvent]]]

_MOVING = frozenset({"queued", "in_progress", "cancelling"})
_OVER = frozenset({"completed", "failed", "cancelled", "incomplete", "expired"})
_WAITING = "requires_action"
_ACTIVE = re.compile(r"active run|while a run\b")  # why a service refuses a message or a run
_RUN = re.compile(r"\brun_\w+")
_TURN = "turn"  # the key of the metadata that says what belongs to one turn
_PATIENCE = 60.0  # seconds that a run of somebody else may take to end by itself
_LOOKS = 3  # for what may be there although the reply was lost
_ODD = 5  # looks after which a run in a state that nobody knows is believed to stay in it


class Thread:
    """A conversation with one assistant."""

    kind = "thread"

    def __init__(self, remote: Remote, assistant: str, id: str) -> None:
        self.id = id
        self._remote, self._assistant = remote, assistant
        self._path = f"/threads/{id}"
        self._streams = True  # until the service refuses to
        self._stores = False  # whether a message may have made the service make a store
        self._token = ""  # says which turn something was made for
        self._run: Run | None = None  # that of this turn, as it was last seen
        self._started = False  # whether there may be one
        self._unseen = False  # whether something may have been said that no stream showed

    @classmethod
    async def open(cls, remote: Remote, assistant: str) -> Thread:
        """A new thread. One whose reply is lost is empty and costs nothing: it is let be."""
        try:
            made = await remote.post("/threads", {})
        except ReplyLost:
            made = await remote.post("/threads", {})
        return cls(remote, assistant, str(made["id"]))

    async def say(
        self, message: Message, answer: Answerer, tell: Callable[[Event], None], deadline: float
    ) -> Reply:
        turn = Turn(answer, tell)
        self._token, self._run, self._started, self._unseen = uuid.uuid4().hex, None, False, False
        try:
            async with asyncio.timeout(deadline) as limit:
                await self._add(turn, message)
                await self._start(turn)
                await self._answered(turn)
        except TimeoutError:
            await self._stop(turn)
            if not limit.expired():
                raise
            return self._reply(turn, "cancelled", f"it took longer than {deadline:g} s")
        except NotAnswered as error:
            await self._stop(turn)
            return turn.reply("failed", str(error), _usage(self._run))
        except (asyncio.CancelledError, Exception):
            await self._stop(turn)
            raise
        return self._reply(turn, "cancelled", "")

    def _reply(self, turn: Turn, status: str, why: str) -> Reply:
        if self._run is None:
            return turn.reply(status, why)
        return turn.reply(self._run.status, why or _reason(self._run), _usage(self._run))

    async def close(self) -> None:
        stores: list[str] = []
        if self._stores:
            found = await self._remote.find(self._path) or {}
            held = (found.get("tool_resources") or {}).get("file_search") or {}
            stores = list(held.get("vector_store_ids") or ())
        await delete_all(self._remote, [self._path, *(f"/vector_stores/{id}" for id in stores)])

    async def _add(self, turn: Turn, message: Message) -> None:
        """Add the message. One whose reply was lost is looked for, and added again where it is not
        there.
        """
        body: dict[str, Any] = {
            "role": "user",
            "content": message.text,
            "metadata": {_TURN: self._token},
        }
        if message.attachments:
            body["attachments"] = [
                {"file_id": one.file_id, "tools": [{"type": one.tool}]}
                for one in message.attachments
            ]
            if any(one.tool == "file_search" for one in message.attachments):
                self._stores = True

        async def add() -> None:
            await self._remote.post(f"{self._path}/messages", body)

        try:
            await self._past_others(turn, add)
        except ReplyLost:
            if await self._marked("messages"):
                turn.remark("the reply to the message was lost; the message is there")
            else:
                turn.remark("the message was lost on its way, and is sent again")
                await self._past_others(turn, add)

    async def _start(self, turn: Turn) -> None:
        """Start the run. One whose reply was lost is looked for, because a second one would be
        paid for as well.
        """
        marks = {_TURN: self._token}
        body = {"assistant_id": self._assistant, "metadata": marks}

        def ask(sdk: AsyncOpenAI) -> Awaitable[AsyncStream[AssistantStreamEvent]]:
            return sdk.beta.threads.runs.create(
                self.id, assistant_id=self._assistant, metadata=marks, stream=True
            )

        async def start() -> None:
            self._started = True
            await self._send(turn, f"{self._path}/runs", ask, body)

        try:
            await self._past_others(turn, start)
        except ReplyLost:
            found = await self._marked("runs")
            if found:
                self._adopt(turn, found)
            else:
                turn.remark("the run was lost on its way and is not there; it is started again")
                await self._past_others(turn, start)

    def _adopt(self, turn: Turn, found: Run | Mapping[str, Any]) -> None:
        turn.remark("the reply to the run was lost; the run is there and is waited for")
        self._run = _run_of(found) if isinstance(found, Mapping) else found
        self._unseen = True

    async def _answered(self, turn: Turn) -> None:
        """Until the run is over: wait for it, and give it what functions return."""
        while True:
            await self._rest(turn)
            run = self._run
            if run is None or run.status != _WAITING:
                break
            outputs = await turn.answered(_calls(run))
            await self._submit(turn, run, outputs)
        if run is not None and self._unseen:
            await self._read(turn, run.id)

    async def _submit(self, turn: Turn, run: Run, outputs: Mapping[str, str]) -> None:
        """Give a run what functions return, again where that was lost on its way."""
        given = [{"tool_call_id": id, "output": output} for id, output in outputs.items()]
        path = f"{self._path}/runs/{run.id}/submit_tool_outputs"

        def ask(sdk: AsyncOpenAI) -> Awaitable[AsyncStream[AssistantStreamEvent]]:
            tool_outputs: Any = given  # typed dicts, by name
            return sdk.beta.threads.runs.submit_tool_outputs(
                run.id, thread_id=self.id, tool_outputs=tool_outputs, stream=True
            )

        for last in (False, True):
            try:
                await self._send(turn, path, ask, {"tool_outputs": given})
                return
            except ServiceError as error:
                self._run, _ = await self._look(run.id)
                self._unseen = True
                if not _same_question(self._run, run):
                    turn.remark("the reply to the outputs was lost; the run went on")
                    return
                if last or not isinstance(error, ReplyLost):
                    raise
                turn.remark("the outputs were lost on their way, and are sent again")

    async def _send(self, turn: Turn, path: str, ask: Ask, body: Mapping[str, Any]) -> None:
        """Send what makes a run go on, over a stream where the service has streams."""
        if self._streams:
            try:
                await self._streamed(turn, path, ask, body)
                return
            except ServiceError as error:
                if not refuses_streams(error):
                    raise
            self._streams = False
            turn.remark("this service does not stream: the answer comes when it is whole")
        self._run = _run_of(await self._remote.post(path, body))
        self._unseen = True

    async def _streamed(self, turn: Turn, path: str, ask: Ask, body: Mapping[str, Any]) -> None:
        """Follow a stream; where it breaks off after the run was seen, the run is asked for
        later on.
        """
        heard = False
        try:
            async with aclosing(self._remote.stream(path, ask, body)) as events:
                async for event in events:
                    heard = self._take(turn, event) or heard
        except ServiceError:
            if not heard:
                raise
            self._unseen = True
            turn.remark("the stream broke off; the run is asked how it goes on")
        if not heard:
            self._streams = False
            nothing = f"`POST {path}` was answered with a stream of no events."
            raise ReplyLost(Problem("Reply lost", nothing))

    # What a stream says.

    def _take(self, turn: Turn, event: AssistantStreamEvent) -> bool:
        """One event; whether it says how the run is."""
        name, data = str(event.event), event.data
        if name not in _known_events():
            turn.remark(f"the service sent `{name}`, an event that this release does not know")
        elif name.startswith("thread.run.step."):
            _tell_step(turn, name.rpartition(".")[2], data)
        elif name.startswith("thread.run."):
            self._run = data  # type: ignore[assignment]  # the name of the event says so
            return True
        elif name == "thread.message.delta":
            _tell_delta(turn, data)
        elif name in ("thread.message.completed", "thread.message.incomplete"):
            _tell_message(turn, data)
        return False

    # What is asked for.

    async def _look(self, id: str) -> tuple[Run, float | None]:
        """A run as it is now, and after how many seconds the service wants to be asked again."""
        found, after = await self._remote.poll(f"{self._path}/runs/{id}")
        return _run_of(found), after

    async def _rest(self, turn: Turn) -> None:
        """Wait until the run has come to rest: over, or waiting for outputs."""
        pauses, after, odd = Pauses(), None, 0
        while (run := self._run) and run.status not in _OVER and run.status != _WAITING:
            if run.status not in _MOVING:
                turn.remark(f"the service calls the run `{run.status}`: nobody knows what that is")
                odd += 1
                if odd > _ODD:
                    return
            await asyncio.sleep(pauses.next(after))
            self._run, after = await self._look(run.id)
            self._unseen = True

    async def _read(self, turn: Turn, run: str) -> None:
        """Read what a run has said, where no stream showed it to the end."""
        from openai.types.beta.threads import Message as Said

        for item in await self._remote.list(f"{self._path}/messages", run_id=run, order="asc"):
            if item.get("role") == "assistant" and item.get("run_id") == run:
                _tell_message(turn, Said.construct(**item))

    async def _marked(self, what: str, looks: int = _LOOKS) -> Mapping[str, Any] | None:
        """What of this turn is there, if anything is: a service may show it late."""
        pauses = Pauses()
        for look in range(looks):
            if look:
                await asyncio.sleep(pauses.next())
            for item in await self._remote.list(f"{self._path}/{what}"):
                if (item.get("metadata") or {}).get(_TURN) == self._token:
                    return item
        return None

    # What stands in the way.

    async def _past_others(self, turn: Turn, ask: Callable[[], Awaitable[None]]) -> None:
        """Ask; where a run that is still active stands in the way, see to that first."""
        for last in (False, False, True):
            try:
                await ask()
                return
            except ServiceError as error:
                said = error.problems[0].detail
                if last or error.status != 400 or not _ACTIVE.search(said):
                    raise
                run = await self._active(said)
            if run is not None and (run.metadata or {}).get(_TURN) == self._token:
                self._adopt(turn, run)
                return
            if run is not None:
                await self._outwait(turn, run)

    async def _active(self, said: str) -> Run | None:
        """The run that a refusal names, or the one that is found."""
        named = _RUN.search(said)
        if named:
            return (await self._look(named[0]))[0]
        for item in await self._remote.list(f"{self._path}/runs"):
            if item.get("status") not in _OVER:
                return _run_of(item)
        return None

    async def _outwait(self, turn: Turn, run: Run) -> None:
        """Wait for a run that is not of this turn; cancel one that waits for outputs, which nobody
        will give, or that takes too long.
        """
        if run.status in _MOVING:
            turn.remark("another run is active in this conversation: it is waited for")
        pauses, after = Pauses(), None
        try:
            async with asyncio.timeout(_PATIENCE):
                while run.status in _MOVING:
                    await asyncio.sleep(pauses.next(after))
                    run, after = await self._look(run.id)
        except TimeoutError:
            pass
        if run.status not in _OVER:
            turn.remark("another run of this conversation was cancelled: it would not have ended")
            await self._cancelled(run.id)

    async def _cancelled(self, id: str) -> Run:
        """Cancel a run, and wait until it has stopped."""
        try:
            await self._remote.post(f"{self._path}/runs/{id}/cancel", {}, repeatable=True)
        except ServiceError as error:
            if error.status != 400:  # it is over already, or being cancelled
                raise
        pauses = Pauses()
        run, after = await self._look(id)
        while run.status not in _OVER:
            await asyncio.sleep(pauses.next(after))
            run, after = await self._look(id)
        return run

    async def _stop(self, turn: Turn) -> None:
        """Cancel the run of this turn, if there is one; what cannot be stopped is reported."""
        try:
            async with asyncio.timeout(STOPPING):
                if self._run is None and self._started:
                    found = await self._marked("runs")
                    self._run = _run_of(found) if found else None
                if self._run is not None and self._run.status not in _OVER:
                    self._run = await self._cancelled(self._run.id)
        except TimeoutError:
            turn.remark(f"the run was cancelled, but did not stop within {STOPPING:g} s")
        except ServiceError as error:
            turn.remark(f"the run may go on, because it could not be cancelled: {error}")


@cache
def _known_events() -> frozenset[str]:
    from openai.types.beta import AssistantStreamEvent

    return known_words(AssistantStreamEvent, "event")


def _run_of(item: Mapping[str, Any]) -> Run:
    from openai.types.beta.threads import Run

    return Run.construct(**item)


def _calls(run: Run) -> list[Call]:
    """What a run waits for. NotAnswered where it is nothing that can be given."""
    action = run.required_action
    asked = getattr(action, "submit_tool_outputs", None)
    calls = [
        Call(call.id, call.function.name, call.function.arguments)
        for call in getattr(asked, "tool_calls", None) or ()
        if call.type == "function"
    ]
    if not calls:
        kind = getattr(action, "type", None) or "something"
        raise NotAnswered(f"the run waits for `{kind}`, which is not known here")
    return calls


def _same_question(run: Run, before: Run) -> bool:
    return run.status == _WAITING and _calls(run) == _calls(before)


def _usage(run: Run | None) -> Usage:
    used = run.usage if run is not None else None
    return Usage(used.prompt_tokens, used.completion_tokens) if used else Usage()


def _reason(run: Run) -> str:
    if run.last_error:
        return f"{run.last_error.code}: {run.last_error.message}"
    if run.incomplete_details:
        return str(run.incomplete_details.reason)
    said = {"expired": "it expired before it was done", "cancelled": "somebody cancelled it"}
    return said.get(run.status, f"the service says `{run.status}` and no more")


def _tell_delta(turn: Turn, data: Any) -> None:
    for part in data.delta.content or ():
        text = getattr(part, "text", None)
        turn.piece(data.id, (text.value if text else getattr(part, "refusal", None)) or "")


def _tell_message(turn: Turn, message: Any) -> None:
    """A message as it is in the end."""
    texts, citations = [], []
    for part in message.content or ():
        if part.type == "text":
            texts.append(part.text.value)
            citations += [
                Citation(
                    note.file_citation.file_id,
                    "",
                    getattr(note.file_citation, "quote", None) or "",
                )
                for note in part.text.annotations or ()
                if note.type == "file_citation"
            ]
        elif part.type == "refusal":
            texts.append(part.refusal)
        else:
            turn.remark(f"a part of the answer is no text, but `{part.type}`")
    turn.message(message.id, "".join(texts), citations)
    details = getattr(message, "incomplete_details", None)
    if details:
        turn.remark(f"the message is not complete: {details.reason}")


def _tell_step(turn: Turn, state: str, data: Any) -> None:
    """A tool that the service runs; functions are told when they are answered."""
    details = data.delta.step_details if state == "delta" else data.step_details
    for call in getattr(details, "tool_calls", None) or ():
        if call.type != "function":
            turn.tool(data.id, call.type, "in_progress" if state == "delta" else state)
    error = getattr(data, "last_error", None)
    if error:
        turn.remark(f"a step failed: {error.code}: {error.message}")
