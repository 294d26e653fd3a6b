"""A conversation through the Agents API: a session, its turns, its events."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from functools import cache
from typing import TYPE_CHECKING, Any

from provisioner.conversation.nouns import Answerer, Call, Event, Message, Reply, Usage
from provisioner.conversation.turns import (
    STOPPING,
    NotAnswered,
    Pauses,
    Turn,
    known_words,
    refuses_streams,
)
from provisioner.errors import ReplyLost, ServiceError
from provisioner.model import Problem
from provisioner.remote import Remote

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.beta import AgentSessionEvent

SESSIONS = "/agents/sessions"
_RUNNING = frozenset({"in_progress", "requires_action"})
_OVER = frozenset({"completed", "failed", "cancelled"})  # of a turn
_RESTING = frozenset({"idle", "requires_action", "failed"})  # of a session
_TURN = "turn"  # the key of the metadata that says what was made for which message
_LOOKS = 3  # for a session that may be there although the reply was lost
_SESSION, _OF_TURN = "agent.session.", "agent.session.turn."
_INPUT = "agent.session.input."
_NOTHING_ATTACHED = "An agent's session takes no files along with a message."
_MOUNTED = "mount them with the `files` of an environment template that the `session` names"


class Session:
    """A conversation with one saved agent. The session begins with the first message: without an
    environment the service makes none that has nothing to do.
    """

    kind = "session"

    def __init__(self, remote: Remote, arguments: Mapping[str, Any]) -> None:
        """`arguments` of `sessions.create`: the agent, the environment, vaults."""
        self.id = ""  # until there is one
        self._remote, self._arguments = remote, arguments
        self._streams = True  # until the service refuses to
        self._token = ""  # says which message the session was made for
        self._begun = False  # whether there may be one
        self._past: set[str] = set()  # the turns before this one
        self._turn: Mapping[str, Any] | None = None  # this one, as it was last seen
        self._given: set[str] = set()  # the calls that were answered
        self._written: set[str] = set()  # the messages whose first piece was seen

    @property
    def _path(self) -> str:
        return f"{SESSIONS}/{self.id}"

    async def say(
        self, message: Message, answer: Answerer, tell: Callable[[Event], None], deadline: float
    ) -> Reply:
        turn, status, why = Turn(answer, tell), "", ""
        self._turn, self._given, self._token = None, set(), uuid.uuid4().hex
        try:
            async with asyncio.timeout(deadline) as limit:
                failed = await self._converse(turn, message)
        except TimeoutError:
            await self._stop(turn)
            if not limit.expired():
                raise
            status, why = "cancelled", f"it took longer than {deadline:g} s"
        except NotAnswered as error:
            await self._stop(turn)
            status, why = "failed", str(error)
        except (asyncio.CancelledError, Exception):
            await self._stop(turn)
            raise
        else:
            status, why = _end(self._turn, failed)
        return turn.reply(status, why, _usage(self._turn))

    async def close(self) -> None:
        if self.id:
            await delete_session(self._remote, self._path)

    async def _converse(self, turn: Turn, message: Message) -> str:
        """A turn, whole; why the session failed, if it did."""
        if message.attachments:
            raise ServiceError(Problem("Not attached", _NOTHING_ATTACHED, _MOUNTED))
        said = [
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": message.text}],
            }
        ]
        if self.id:
            self._past = {str(one["id"]) for one in await self._turns()}
            await self._send(turn, {"type": f"{_INPUT}message", "input": said})
        else:
            await self._begin(turn, said)
        while (session := await self._rest())["status"] == "requires_action":
            await self._give(turn, session["required_actions"])
        await self._read(turn)
        return str(session.get("error") or "") if session["status"] == "failed" else ""

    async def _begin(self, turn: Turn, said: Any) -> None:
        """Begin the session. One whose reply was lost is looked for, because a second one would be
        paid for as well.
        """
        self._begun = True
        body = {**self._arguments, "input": said, "metadata": {_TURN: self._token}}
        try:
            await self._open(turn, body)
        except ReplyLost:
            self.id = str((await self._marked() or {}).get("id", ""))
            there = "is there and is waited for" if self.id else "is not there; it is begun again"
            turn.remark(f"the reply to the session was lost; the session {there}")
            if not self.id:
                await self._open(turn, body)

    async def _open(self, turn: Turn, body: Mapping[str, Any]) -> None:
        """Begin it over a stream, where the service has streams."""
        if self._streams:
            try:
                await self._streamed(turn, body)
                return
            except ServiceError as error:
                if self.id or not refuses_streams(error):
                    raise
            self._no_streams(turn)
        self.id = str((await self._remote.post(SESSIONS, body))["id"])

    async def _streamed(self, turn: Turn, body: Mapping[str, Any]) -> None:
        request: Any = self._remote.marked(body)

        async def ask(sdk: AsyncOpenAI) -> AsyncStream[AgentSessionEvent]:
            stream: AsyncStream[AgentSessionEvent]
            stream = await sdk.beta.agents.sessions.create(**request, stream=True)
            return stream

        async with aclosing(self._remote.stream(SESSIONS, ask, request)) as events:
            first: Any = await anext(events, None)
            if first is None:
                nothing = f"`POST {SESSIONS}` was answered with a stream of no events."
                raise ReplyLost(Problem("Reply lost", nothing))
            self.id = str(first.session.id)
            await self._follow(turn, events)

    async def _marked(self) -> dict[str, Any] | None:
        """The session of this message, if there is one: a service may show it late."""
        pauses, sought = Pauses(), {f"metadata[{_TURN}]": self._token}
        for look in range(_LOOKS):
            if look:
                await asyncio.sleep(pauses.next())
            for item in await self._remote.list(SESSIONS, **sought):
                if (item.get("metadata") or {}).get(_TURN) == self._token:
                    return item
        return None

    async def _send(self, turn: Turn, *events: Mapping[str, Any]) -> None:
        """Send what the session goes on with, and hear what comes of it."""
        heard = await self._listening(turn)
        try:
            body = {"events": list(events)}
            await self._remote.submit(f"{self._path}/events", body, key=uuid.uuid4().hex)
            if heard is not None:
                await self._follow(turn, heard)
        finally:
            if heard is not None:
                await heard.aclose()

    async def _give(self, turn: Turn, actions: list[Mapping[str, Any]]) -> None:
        """Give the session what functions return."""
        wanted = self._unanswered(actions)
        turns = {one.get("call_id"): one.get("turn_id") for one in wanted}
        outputs = await turn.answered(_calls(wanted))
        results = [
            {
                "type": f"{_INPUT}tool_result",
                "call_id": id,
                "turn_id": turns[id],
                "success": True,
                "output": output,
            }
            for id, output in outputs.items()
        ]
        self._given |= outputs.keys()
        await self._send(turn, *results)

    def _unanswered(self, actions: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """What the session waits for and was not given yet."""
        return [one for one in actions if one.get("call_id") not in self._given]

    # What is asked for.

    async def _turns(self) -> list[Mapping[str, Any]]:
        """The turns of the agent itself, the newest first."""
        found = await self._remote.list(f"{self._path}/turns")
        return [one for one in found if not one.get("subagent_id")]

    async def _rest(self) -> Mapping[str, Any]:
        """Wait until the session has come to rest: done, failed, or waiting for something."""
        pauses, after = Pauses(), None
        while True:
            session, after = await self._remote.poll(self._path)
            if await self._rests(session):
                return session
            await asyncio.sleep(pauses.next(after))

    async def _rests(self, session: Mapping[str, Any]) -> bool:
        """Whether nothing more comes: what is shown may be how it was before the message."""
        if session["status"] == "requires_action":
            return bool(self._unanswered(session["required_actions"]))
        if session["status"] in _RUNNING:
            return False
        new = [one for one in await self._turns() if one["id"] not in self._past]
        self._turn = new[0] if new else self._turn
        if session["status"] == "failed":
            return True
        return bool(new) and new[0]["status"] in _OVER

    async def _read(self, turn: Turn) -> None:
        """Read what was said in this turn: a stream may not have shown all of it."""
        if self._turn is None:
            return
        path = f"{self._path}/turns/{self._turn['id']}/items"
        for item in await self._remote.list(path, order="asc"):
            _tell_item(turn, item)

    # What is heard.

    async def _listening(self, turn: Turn) -> AsyncGenerator[AgentSessionEvent] | None:
        """What happens from now on; None where the service has no streams."""

        async def ask(sdk: AsyncOpenAI) -> AsyncStream[AgentSessionEvent]:
            return await sdk.beta.agents.sessions.events.stream(self.id, include_obfuscation=False)

        if not self._streams:
            return None
        events = self._remote.stream(f"{self._path}/events", ask, method="GET")
        try:
            await anext(events, None)  # how the session is
        except ServiceError:
            self._no_streams(turn)
            return None
        return events

    def _no_streams(self, turn: Turn) -> None:
        self._streams = False
        turn.remark("this service does not stream: the answer comes when it is whole")

    async def _follow(self, turn: Turn, events: AsyncGenerator[AgentSessionEvent]) -> None:
        """Tell what happens, until the session has come to rest."""
        try:
            async for event in events:
                said: dict[str, Any] = event.to_dict(mode="json")
                name = str(said.get("type"))
                if name.removeprefix(_SESSION) in _RESTING and await self._rests(said["session"]):
                    return
                self._take(turn, name, said)
        except ServiceError:
            turn.remark("the stream broke off; the session is asked how it goes on")

    def _take(self, turn: Turn, name: str, said: Mapping[str, Any]) -> None:
        """One event. What subagents do is their own."""
        if name not in _known_events():
            turn.remark(f"the service sent `{name}`, an event that this release does not know")
        if name == "error":
            turn.remark(f"the service says: {said['error']['code']}: {said['error']['message']}")
        begun = said.get("turn") or {}
        if begun and not begun.get("subagent_id") and begun["id"] not in self._past:
            self._turn = begun
        if not name.startswith(_OF_TURN) or said.get("turn_id") != (self._turn or {}).get("id"):
            return
        what = name.removeprefix(_OF_TURN)
        if what == "item.added" and _is_answer(said["item"]):
            self._written.add(said["item"]["id"])
        elif what == "output_text.delta" and said["item_id"] in self._written:
            turn.piece(said["item_id"], said["delta"])
        elif what in ("item.added", "item.done"):
            _tell_item(turn, said["item"], what.rpartition(".")[2])

    # What has to end.

    async def _stop(self, turn: Turn) -> None:
        """Cancel what is under way, if anything is; what cannot be stopped is reported."""
        try:
            async with asyncio.timeout(STOPPING):
                if not self.id and self._begun:
                    self.id = str((await self._marked() or {}).get("id", ""))
                if self.id:
                    await stop_session(self._remote, self._path)
        except TimeoutError:
            turn.remark(f"the turn was cancelled, but did not stop within {STOPPING:g} s")
        except ServiceError as error:
            turn.remark(f"the turn may go on, because it could not be cancelled: {error}")


async def stop_session(remote: Remote, path: str) -> None:
    """Cancel what a session does, and wait until it has stopped; one that is gone does nothing."""
    session = await remote.find(path)
    if session is None or session["status"] not in _RUNNING:
        return
    cancel = {"events": [{"type": f"{_INPUT}cancel"}]}
    await remote.submit(f"{path}/events", cancel, key=uuid.uuid4().hex)
    pauses, after = Pauses(), None
    while session["status"] in _RUNNING:
        await asyncio.sleep(pauses.next(after))
        session, after = await remote.poll(path)


async def delete_session(remote: Remote, path: str) -> None:
    """Delete a session, which the service refuses for as long as it does something."""
    await stop_session(remote, path)
    await remote.delete(path)


@cache
def _known_events() -> frozenset[str]:
    from openai.types.beta import AgentSessionEvent

    return known_words(AgentSessionEvent, "type")


def _calls(actions: list[Mapping[str, Any]]) -> Iterator[Call]:
    """The functions that a session waits for. NotAnswered where it is nothing that can be given."""
    for one in actions:
        if one["type"] != "function_call":
            raise NotAnswered(f"the session waits for `{one['type']}`, which nobody gives it here")
        arguments = one["arguments"]
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        yield Call(one["call_id"], one["name"], arguments)


def _is_answer(item: Mapping[str, Any]) -> bool:
    """Whether an item is what the agent says in the end, not what it says while it works."""
    said = item["type"] == "message" and item["role"] == "assistant"
    return said and item.get("phase") != "commentary"


def _tell_item(turn: Turn, item: Mapping[str, Any], state: str = "done") -> None:
    name = str(item["type"])
    if name == "message":
        text = "".join(part.get("text") or "" for part in item["content"] or ())
        if _is_answer(item):
            turn.message(item["id"], text)
        elif item["role"] == "assistant" and state == "done":
            turn.remark(f"meanwhile: {text}")
    elif name.endswith(("_call", "_execution")) and name != "function_call":
        status = item.get("status") or {"added": "in_progress"}.get(state, "completed")
        turn.tool(str(item["id"]), name.removesuffix("_call"), str(status))


def _end(turn: Mapping[str, Any] | None, failed: str) -> tuple[str, str]:
    """How a turn ended, and why, where it is not completed."""
    if turn is None or failed:
        return "failed", failed or "the session failed, and the service says no more"
    if turn.get("error"):
        return str(turn["status"]), f"{turn['error']['code']}: {turn['error']['message']}"
    if turn["status"] == "cancelled":
        return "cancelled", "somebody cancelled it"
    return str(turn["status"]), f"the service says `{turn['status']}` and no more"


def _usage(turn: Mapping[str, Any] | None) -> Usage:
    used = (turn or {}).get("usage")
    return Usage(used["input_tokens"], used["output_tokens"]) if used else Usage()
