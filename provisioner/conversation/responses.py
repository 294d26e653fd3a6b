"""A conversation through the Responses API: a request profile, sent anew for each answer."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import replace
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
from provisioner.errors import NotFound, ReplyLost, RouteMissing, ServiceError
from provisioner.model import Problem
from provisioner.remote import Remote

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.responses import Response, ResponseStreamEvent

_MOVING = frozenset({"queued", "in_progress"})
_BEGUN = frozenset({"response.created", "response.queued", "response.in_progress"})
_ENDED = frozenset({"response.completed", "response.failed", "response.incomplete"})
_PIECES = frozenset({"response.output_text.delta", "response.refusal.delta"})
_ITEMS = frozenset({"response.output_item.added", "response.output_item.done"})
_OURS = ("input", "conversation", "previous_response_id", "stream")  # of a request, per turn
_LOCKED = "conversation_locked"
_PATIENCE = 60.0  # seconds that somebody else's answer in the same conversation may take
_SEALED = "reasoning.encrypted_content"
_NOT_TWICE = "it may have been carried out, and paid for, so that it is not sent again: ask anew"
_NOT_ANSWERED = "The call was broken off before there was an answer."


class Responses:
    """A conversation with one request profile. The service remembers it in a conversation, where it
    has these, or by the last response; with `store: false` we do, and send everything again.
    """

    kind = "conversation"

    def __init__(self, remote: Remote, request: Mapping[str, Any], id: str) -> None:
        self.id = id  # empty where the service has no object for it
        self._remote = remote
        self._request = {
            key: copy.deepcopy(value) for key, value in request.items() if key not in _OURS
        }
        self._stored = request.get("store") is not False
        if not self._stored and "reasoning" in request:
            # What a model thought is taken back only as it was given away.
            included = self._request.get("include") or []
            self._request["include"] = list(dict.fromkeys([*included, _SEALED]))
        self._streams = True  # until the service refuses to
        self._previous: str | None = None
        self._items: list[Any] = []  # everything so far, where nobody else keeps it
        self._owed: list[str] = []  # calls that have no output yet
        self._made: list[str] = []  # paths of what is deleted in the end
        self._response: Response | None = None  # the one under way, as it was last seen
        self._used = Usage()

    @classmethod
    async def open(cls, remote: Remote, request: Mapping[str, Any]) -> Responses:
        """A new conversation. One whose reply is lost is empty and costs nothing: it is let be."""
        if request.get("store") is False:
            return cls(remote, request, "")
        try:
            try:
                made = await remote.post("/conversations", {})
            except ReplyLost:
                made = await remote.post("/conversations", {})
        except RouteMissing:
            return cls(remote, request, "")
        return cls(remote, request, str(made["id"]))

    async def say(
        self, message: Message, answer: Answerer, tell: Callable[[Event], None], deadline: float
    ) -> Reply:
        turn, why = Turn(answer, tell), ""
        self._response, self._used = None, Usage()
        try:
            async with asyncio.timeout(deadline) as limit:
                await self._converse(turn, message)
        except TimeoutError:
            await self._stop(turn)
            if not limit.expired():
                raise
            why = f"it took longer than {deadline:g} s"
            return turn.reply("cancelled", why, self._used)
        except NotAnswered as error:
            return turn.reply("failed", str(error), self._used)
        except (asyncio.CancelledError, Exception):
            await self._stop(turn)
            raise
        response: Any = self._response
        return turn.reply(str(response.status), _reason(response), self._used)

    async def close(self) -> None:
        conversation = [f"/conversations/{self.id}"] if self.id else []
        await delete_all(self._remote, [*conversation, *reversed(self._made)])

    async def _converse(self, turn: Turn, message: Message) -> None:
        said: dict[str, Any] = {"role": "user", "content": message.text}
        await self._attach(message)
        # An answer that was broken off may have left calls, without which nothing goes on.
        items = [*_outputs(dict.fromkeys(self._owed, _NOT_ANSWERED)), said]
        while True:
            response = await self._ask(turn, items)
            self._remember(items, response)
            calls = _calls(response)
            if not calls or response.status != "completed":
                return
            items = _outputs(await turn.answered(calls))

    def _remember(self, items: Iterable[Any], response: Response) -> None:
        used = response.usage
        if used:
            self._used = Usage(
                self._used.input + used.input_tokens, self._used.output + used.output_tokens
            )
        if response.status not in ("completed", "incomplete"):
            return
        self._previous = response.id
        self._owed = [call.id for call in _calls(response)]
        if not self._stored:
            sealed = [item.to_dict(mode="json") for item in response.output]
            kept = [
                item
                for item in sealed
                if item.get("type") != "reasoning" or item.get("encrypted_content")
            ]
            self._items += [*items, *kept]

    def _body(self, items: list[Any]) -> dict[str, Any]:
        if self.id:
            return {**self._request, "conversation": self.id, "input": items}
        if not self._stored:
            return {**self._request, "input": [*self._items, *items]}
        if self._previous:
            return {**self._request, "previous_response_id": self._previous, "input": items}
        return {**self._request, "input": items}

    # Asking.

    async def _ask(self, turn: Turn, items: list[Any]) -> Response:
        """One response, whole. Where somebody else's is under way in the conversation, that is
        waited for.
        """
        pauses, end = Pauses(), asyncio.get_running_loop().time() + _PATIENCE
        while True:
            self._response = None
            try:
                response = await self._send(turn, self._body(items))
                break
            except ServiceError as error:
                late = asyncio.get_running_loop().time() > end
                if error.code != _LOCKED or late or self._response is not None:
                    raise
                turn.remark("another answer is under way in this conversation: it is waited for")
            await asyncio.sleep(pauses.next())
        for item in response.output or ():
            _tell_item(turn, item)
        return response

    async def _send(self, turn: Turn, body: Mapping[str, Any]) -> Response:
        """Send a request. ReplyLost says that it is not sent again: nobody can look up what has no
        id yet.
        """
        try:
            await self._sent(turn, body)
        except ServiceError as error:
            if self._response is None or not self._stored:
                raise _lost(error) if isinstance(error, ReplyLost) else error from None
            turn.remark("the stream broke off; the response is asked how it goes on")
        return await self._rest()

    async def _sent(self, turn: Turn, body: Mapping[str, Any]) -> None:
        """Send it over a stream, where the service has streams."""
        if self._streams:
            try:
                await self._streamed(turn, body)
                return
            except ServiceError as error:
                if self._response is not None or not refuses_streams(error):
                    raise
            self._streams = False
            turn.remark("this service does not stream: the answer comes when it is whole")
        self._see(_response_of(await self._remote.post("/responses", body)))

    async def _streamed(self, turn: Turn, body: Mapping[str, Any]) -> None:
        request: Any = body

        async def ask(sdk: AsyncOpenAI) -> AsyncStream[ResponseStreamEvent]:
            stream: AsyncStream[ResponseStreamEvent]
            stream = await sdk.responses.create(**request, stream=True)
            return stream

        async with aclosing(self._remote.stream("/responses", ask, body)) as events:
            await self._follow(turn, events)
        if self._response is None:
            self._streams = False
            nothing = "`POST /responses` was answered with a stream of no events."
            raise ReplyLost(Problem("Reply lost", nothing))

    async def _follow(self, turn: Turn, events: AsyncIterator[ResponseStreamEvent]) -> None:
        async for event in events:
            name, said = str(event.type), event  # type: Any, Any
            if name in _BEGUN or name in _ENDED:
                self._see(said.response)
            elif name in _PIECES:
                turn.piece(said.item_id, said.delta)
            elif name in _ITEMS:
                _tell_tool(turn, said.item, name.rpartition(".")[2])
            elif name == "error":
                detail = f"The answer broke off: {said.message} (`{said.code}`)."
                raise ServiceError(Problem("Service failing", detail, "try again later"))
            elif name not in _known_events():
                turn.remark(f"the service sent `{name}`, an event that this release does not know")

    def _see(self, response: Response) -> None:
        """A response, as it was seen just now; what is stored is deleted in the end."""
        self._response = response
        path = f"/responses/{response.id}"
        if self._stored and path not in self._made:
            self._made.append(path)

    async def _rest(self) -> Response:
        """The response at its end; asked for where no stream has shown that."""
        response, pauses, after = self._response, Pauses(), None
        assert response is not None
        while response.status in _MOVING:
            if not self._stored:
                raise _lost(ReplyLost(Problem("Reply lost", "The stream broke off.")))
            await asyncio.sleep(pauses.next(after))
            try:
                found, after = await self._remote.poll(f"/responses/{response.id}")
            except NotFound as error:
                raise _lost(ReplyLost(error.problems[0])) from None
            response = _response_of(found)
        self._response = response
        return response

    async def _stop(self, turn: Turn) -> None:
        """A response ends with its stream, and one in the background is cancelled. What goes on all
        the same would keep the conversation locked, and is deleted.
        """
        response = self._response
        if response is None or response.status not in _MOVING or not self._stored:
            return
        path = f"/responses/{response.id}"
        try:
            async with asyncio.timeout(STOPPING):
                if response.background:
                    await self._remote.post(f"{path}/cancel", {}, repeatable=True)
                    self._response = await self._rest()
                elif (await self._remote.find(path) or {}).get("status") in _MOVING:
                    await self._remote.delete(path)
        except (TimeoutError, ServiceError) as error:
            turn.remark(f"the response may go on, because it could not be stopped: {error}")

    # What goes along with a message.

    async def _attach(self, message: Message) -> None:
        """Give files to the tools of the request, from this message on."""
        held = [one.file_id for one in message.attachments if one.tool == "code_interpreter"]
        sought = [one.file_id for one in message.attachments if one.tool == "file_search"]
        if held:
            tool = self._tool("code_interpreter", {"container": {"type": "auto"}})
            if not isinstance(tool["container"], dict):
                detail = "The code interpreter of this profile has a container of its own, which"
                raise ServiceError(Problem("Not attached", f"{detail} takes no file along."))
            tool["container"]["file_ids"] = [*tool["container"].get("file_ids", ()), *held]
        if sought:
            tool = self._tool("file_search", {"vector_store_ids": []})
            tool["vector_store_ids"] = [*tool["vector_store_ids"], await self._store(sought)]

    def _tool(self, name: str, new: Mapping[str, Any]) -> dict[str, Any]:
        """The tool of the request that has this type; added where there is none."""
        tools = self._request.setdefault("tools", [])
        for tool in tools:
            if tool.get("type") == name:
                return tool  # type: ignore[no-any-return]  # a profile is JSON
        tools.append({"type": name, **new})
        return tools[-1]  # type: ignore[no-any-return]  # the same

    async def _store(self, files: list[str]) -> str:
        """A vector store for what was attached, searched through from when it is ready."""
        body = {
            "name": "attached to a conversation",
            "file_ids": files,
            "expires_after": {"anchor": "last_active_at", "days": 1},
        }
        made = await self._remote.post("/vector_stores", body)
        path = f"/vector_stores/{made['id']}"
        self._made.append(path)
        pauses, after = Pauses(), None
        while made.get("status") == "in_progress":
            await asyncio.sleep(pauses.next(after))
            made, after = await self._remote.poll(path)
        return str(made["id"])


@cache
def _known_events() -> frozenset[str]:
    from openai.types.responses import ResponseStreamEvent

    return known_words(ResponseStreamEvent, "type")


def _response_of(item: Mapping[str, Any]) -> Response:
    from openai.types.responses import Response

    return Response.construct(**item)


def _lost(error: ReplyLost) -> ReplyLost:
    return ReplyLost(replace(error.problems[0], hint=_NOT_TWICE))


def _calls(response: Response) -> list[Call]:
    return [
        Call(item.call_id, item.name, item.arguments)
        for item in response.output or ()
        if item.type == "function_call"
    ]


def _outputs(outputs: Mapping[str, str]) -> list[Any]:
    return [
        {"type": "function_call_output", "call_id": id, "output": output}
        for id, output in outputs.items()
    ]


def _reason(response: Response) -> str:
    if response.error:
        return f"{response.error.code}: {response.error.message}"
    if response.incomplete_details:
        return str(response.incomplete_details.reason)
    if response.status == "cancelled":
        return "somebody cancelled it"
    return f"the service says `{response.status}` and no more"


def _tell_tool(turn: Turn, item: Any, state: str) -> None:
    """A tool that the service runs; functions are told when they are answered."""
    name = str(item.type)
    if name.endswith("_call") and name != "function_call":
        status = getattr(item, "status", None) or {"added": "in_progress"}.get(state, "completed")
        turn.tool(str(getattr(item, "id", "")), name.removesuffix("_call"), str(status))


def _tell_item(turn: Turn, item: Any) -> None:
    """An item of a response at its end."""
    if item.type != "message":
        _tell_tool(turn, item, "done")
        return
    texts, citations = [], []
    for part in item.content or ():
        texts.append(getattr(part, "text", None) or getattr(part, "refusal", None) or "")
        citations += [_citation(note) for note in getattr(part, "annotations", None) or ()]
    turn.message(item.id, "".join(texts), [one for one in citations if one is not None])


def _citation(note: Any) -> Citation | None:
    if note.type == "url_citation":
        return Citation("", note.url)
    if note.type in ("file_citation", "container_file_citation"):
        return Citation(note.file_id, getattr(note, "filename", None) or "")
    return None
