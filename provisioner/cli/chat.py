"""`chat`: a conversation with an assistant, as it was applied or as it is planned."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provisioner import interrupts
from provisioner.cli.console import Console, command, fail
from provisioner.cli.streams import aside
from provisioner.errors import ProvisionerError, ServiceError, UsageError
from provisioner.model import Problem

if TYPE_CHECKING:
    from provisioner.conversation import Call, Conversation, Event, Partner, Reply
    from provisioner.engine import Context
    from provisioner.remote import Remote

    Answer = Callable[[Call], Awaitable[str]]
    Meeting = AbstractAsyncContextManager[tuple[Remote, Partner]]

LONGEST = 600.0  # seconds that a turn may take, as long as a run lives


@command
def chat(
    console: Console,
    addr: Annotated[
        str | None,
        typer.Argument(metavar="[ADDR]", help="The assistant; default: the only one there is."),
    ] = None,
    planned: Annotated[
        bool,
        typer.Option("--planned", help="Talk with what an apply would make, before there is one."),
    ] = False,
    answer: Annotated[
        str | None,
        typer.Option(
            "--answer",
            metavar="MODULE:FUNCTION",
            help="Code of the workspace that answers functions; it is called with name and"
            " arguments.",
        ),
    ] = None,
    as_check: Annotated[
        str | None,
        typer.Option(
            "--as-check", metavar="NAME", help="Write what was said into the spec as a check."
        ),
    ] = None,
) -> int:
    """Talk with an assistant that has been applied, or with what is planned."""
    from provisioner.engine import as_check as checks
    from provisioner.engine import partners
    from provisioner.engine.callables import importable

    context = console.open()
    if planned:
        partner, meeting = _planned(console, context, addr)
    else:
        partner = partners.partner(context, addr)
        meeting = partners.meet(context, partner)
    documents = partners.documents(context)
    place = checks.place_for_check(context, partner.address, as_check) if as_check else None
    with importable(context.root) if answer else nullcontext():
        screen = Events(console, documents) if console.json else Screen(console, documents)
        talk = Talk(meeting, partner.address, screen)
        if answer:
            talk.answer = by_callable(context, answer)
        code = interrupts.run_main(talk.run())
    if place and talk.said:
        at = checks.write_check(place, talk.said, documents)
        console.say(f"Written as check `{as_check}` to {console.called(at.file)}:{at.line}.")
    return code


def _planned(console: Console, context: Context, addr: str | None) -> tuple[Partner, Meeting]:
    """An assistant of the specs as an apply would make it; what there is to know first is said."""
    from provisioner.engine.partners import declared_partner
    from provisioner.engine.planned import meet_planned, planned_partner

    address = declared_partner(context, addr)
    found = interrupts.run_main(planned_partner(context, address))
    (pair,) = found.pairs
    for note in found.notes:
        console.say(note)
    if pair.unchanged:
        console.say(f"An apply would not change `{address}`: this is as it was applied.")
    partner = pair.planned.partner
    assert partner is not None
    return partner, meet_planned(context, found, console.say)


class Screen:
    """Shows a conversation as text, and asks a person where there is one."""

    def __init__(self, console: Console, documents: dict[str, str]) -> None:
        self.console, self.names = console, dict(documents)
        self.person = console.terminal
        self._paint = console.paint()
        self._begun = False  # whether the cursor is behind a text

    def opened(self, partner: Partner, conversation: Conversation) -> None:
        if self.person:
            self.console.say(
                f"Talking with `{partner.address}` through `{partner.api}`. `/help` says how."
            )

    def tell(self, event: Event) -> None:
        from provisioner.views.talk import call_text
        from provisioner.views.values import inline, visible

        if event.call is not None:
            self._line(self._paint("bold", f"→ {call_text(event.call)}"))
        elif event.kind == "text":
            self.console.result(visible(event.text))
            self._begun = not event.text.endswith("\n")
        else:
            self._aside(inline(event.text))

    def ended(self, reply: Reply) -> None:
        """Behind a turn: what it rests on, how it ended."""
        from provisioner.views.talk import cited, end_text
        from provisioner.views.values import inline

        self._end_line()
        for name in cited(reply, self.names):
            self._line(self._paint("dim", f"  cites {inline(name)}"))
        self._aside(end_text(reply))

    def over(self, replies: list[Reply]) -> None:
        """At the end of everything."""

    def broken_off(self) -> None:
        self._end_line()
        self._aside("broken off")

    def help(self) -> None:
        from provisioner.views.talk import HELP

        self.console.result(HELP)

    def failed(self, error: ProvisionerError) -> None:
        """A turn that could not be held, where the conversation goes on."""
        self._end_line()
        fail(error.problems, as_json=False)

    def ask(self, prompt: str) -> str | None:
        """A line of the person, or of what is piped in; None at the end. KeyboardInterrupt where it
        is refused.
        """
        with interrupts.refusable():
            if self.person:
                with suppress(ImportError):
                    import readline  # noqa: F401  # it makes what is typed editable

                try:
                    return input(prompt)
                except EOFError:
                    self.console.result("\n")
                    return None
            line = sys.stdin.readline() if sys.stdin else ""
        return line.rstrip("\r\n") if line else None

    def _line(self, text: str) -> None:
        self._end_line()
        self.console.result(f"{text}\n")

    def _aside(self, text: str) -> None:
        """What is no part of the conversation."""
        if self.person:
            self._end_line()
        self.console.say(self.console.paint(sys.stderr)("dim", f"  {text}"))

    def _end_line(self) -> None:
        if self._begun:
            self.console.result("\n")
        self._begun = False


class Events(Screen):
    """The same as one JSON event a line; nobody is asked."""

    def __init__(self, console: Console, documents: dict[str, str]) -> None:
        super().__init__(console, documents)
        self.person = False

    def opened(self, partner: Partner, conversation: Conversation) -> None:
        about = {"address": partner.address, "api": partner.api, "id": conversation.id or None}
        self._event({"type": "conversation", **about})

    def tell(self, event: Event) -> None:
        from provisioner.views.talk import event_json

        self._event(event_json(event))

    def ended(self, reply: Reply) -> None:
        from provisioner.views.talk import reply_json

        self._event(reply_json(reply, self.names))

    def over(self, replies: list[Reply]) -> None:
        from provisioner.views.talk import summary_json

        self._event(summary_json(replies))

    def help(self) -> None:
        """Nobody reads it."""

    def _event(self, event: dict[str, Any]) -> None:
        self.console.result(json.dumps(event, ensure_ascii=False) + "\n")


class Talk:
    """A conversation, from its first message to its end; `said` is what became of it."""

    def __init__(self, meeting: Meeting, address: str, screen: Screen) -> None:
        self._meeting, self._address, self._screen = meeting, address, screen
        self.said: list[tuple[str, Reply]] = []
        self.answer: Answer = self._by_person if screen.person else self._by_nobody
        self._unanswered: UsageError | None = None

    async def run(self) -> int:
        from provisioner.conversation import open_conversation

        async with self._meeting as (remote, partner):
            remote.tell_waits(lambda why: self._screen.console.say(f"Waiting {why}"))
            conversation = await open_conversation(remote, partner)
            try:
                self._screen.opened(partner, conversation)
                interrupted = await self._converse(remote, conversation)
            finally:
                await self._close(conversation)
        replies = [reply for _, reply in self.said]
        self._screen.over(replies)
        if interrupted:
            return interrupts.CODE
        # A person has seen it, and may have gone on all the same.
        whole = all(reply.status == "completed" for reply in replies)
        return 0 if whole or self._screen.person else 1

    async def _converse(self, remote: Remote, conversation: Conversation) -> bool:
        """Turn by turn, until nothing more is said; whether that was by an interrupt."""
        while True:
            try:
                text = self._screen.ask("> ")
            except KeyboardInterrupt:
                return True
            if text is None or text.strip() == "/quit":
                return False
            if text.strip() == "/help":
                self._screen.help()
            elif text.strip():
                reply = await self._turn(conversation, sendable(text.strip()))
                if reply is not None:
                    await self._name(remote, reply)
                    self._screen.ended(reply)
                    if self._unanswered:
                        raise self._unanswered
                    self.said.append((text.strip(), reply))

    async def _name(self, remote: Remote, reply: Reply) -> None:
        """Learn the names of cited documents that neither the specs nor the service has named."""
        named = self._screen.names
        for one in reply.citations:
            if not (one.filename or one.file_id in named):
                found = await remote.find(f"/files/{one.file_id}") or {}
                named[one.file_id] = str(found.get("filename") or one.file_id)

    async def _turn(self, conversation: Conversation, text: str) -> Reply | None:
        """One turn; None where it was broken off."""
        from provisioner.conversation import Message

        task = asyncio.create_task(
            conversation.say(Message(text), self.answer, self._screen.tell, LONGEST)
        )

        def stop() -> None:
            task.cancel()

        try:
            with interrupts.stopping(stop) if self._screen.person else nullcontext():
                await asyncio.wait({task})
        finally:
            task.cancel()
            await asyncio.wait({task})
        if task.cancelled():
            self._screen.broken_off()
            return None
        try:
            return task.result()
        except ServiceError as error:
            if not self._screen.person:
                raise
            self._screen.failed(error)
            return None

    async def _close(self, conversation: Conversation) -> None:
        try:
            await conversation.close()
        except (ServiceError, asyncio.CancelledError):
            self._screen.console.say(
                f"The {conversation.kind} `{conversation.id}` was not deleted, and stays."
            )
            raise

    async def _by_person(self, call: Call) -> str:
        from provisioner.conversation import NotAnswered
        from provisioner.views.values import inline

        try:
            given = self._screen.ask(f"{inline(call.name)} returns: ")
        except KeyboardInterrupt:
            task = asyncio.current_task()
            assert task
            task.cancel()
            await asyncio.sleep(0)
            given = None
        if given is None:
            raise NotAnswered(f"`{call.name}` was not answered")
        return sendable(given)

    async def _by_nobody(self, call: Call) -> str:
        from provisioner.conversation import NotAnswered

        detail = f"`{call.name}` is called, and without a terminal nobody can answer it."
        hint = "name what answers with `--answer package.module:function`, or chat on a terminal"
        problem = Problem("Function not answered", detail, hint, address=self._address)
        self._unanswered = UsageError(problem)
        raise NotAnswered(f"`{call.name}` was not answered")


def by_callable(context: Context, named: str) -> Answer:
    """Functions are answered by a callable of the workspace."""
    from provisioner.conversation import NotAnswered
    from provisioner.engine.callables import Answering, Unanswered
    from provisioner.model import CheckTurn

    with aside():
        answering = Answering(CheckTurn("", answer=named), context.root)

    async def answer(call: Call) -> str:
        try:
            with aside():
                return await answering(call)
        except Unanswered as error:
            raise NotAnswered(str(error)) from error

    return answer


def sendable(text: str) -> str:
    """A line that can be sent; UsageError where it was no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        detail = "A message is not UTF-8."
        raise UsageError(Problem("Not a text", detail, "write it as UTF-8")) from None
    return text


COMMANDS = {"chat": chat}
