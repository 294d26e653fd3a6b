"""Holding checks: which there are, with whom each is held, and what comes of it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import json
import time
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import field
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Literal

from provisioner import disk, interrupts, jsontext
from provisioner.conversation import (
    Attachment,
    Conversation,
    Message,
    Partner,
    Reply,
    open_conversation,
)
from provisioner.digests import hash_file, held_path
from provisioner.engine.callables import Answering, importable, in_thread
from provisioner.engine.context import Context
from provisioner.engine.expecting import Documents, misses, spelt_call
from provisioner.engine.judging import judged
from provisioner.engine.leftovers import (
    FOLDER,
    PATIENCE,
    Leftovers,
    Recorded,
    odd_seconds,
    recording,
    sweep,
)
from provisioner.engine.session import remember
from provisioner.errors import ProvisionerError, ServiceError, UsageError
from provisioner.kinds.base import Form, Write
from provisioner.model import (
    Address,
    Attempt,
    Check,
    CheckReport,
    CheckResult,
    CheckTurn,
    LockState,
    Miss,
    Problem,
    TurnResult,
)
from provisioner.records import dataclass
from provisioner.remote import HashingReader, Remote

LONGEST = 300.0  # seconds that a turn may take where its check says nothing
_INTERRUPTED = Problem("Interrupted", "The run was stopped before it was over.")


@dataclass(frozen=True, slots=True)
class Draft:
    """An object that is planned: it is made for the time of the checks, and is nobody's."""

    form: Form
    write: Write


@dataclass(frozen=True, slots=True)
class Subject:
    """A check and with whom it is held. Where that is nobody, `problem` says why; `waits`: it is
    only that nothing was applied yet.
    """

    address: Address
    check: Check
    partner: Partner | None = None
    model: str = ""  # the assistant's own, which judges where no other is named
    documents: Documents = field(default_factory=dict)
    basis: str = ""  # a digest of the assistant and its documents: what an answer depends on
    problem: Problem | None = None
    waits: bool = False
    draft: Draft | None = None  # what the partner is once it is made
    side: Literal["", "applied", "planned"] = ""

    @property
    def title(self) -> str:
        return f"{self.address}#{self.check.name}"


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How checks are held. `max_tokens`: of all of them together."""

    max_tokens: int | None = None
    parallelism: int = 8


async def run_checks(
    context: Context,
    subjects: Sequence[Subject],
    options: CheckOptions,
    on_done: Callable[[CheckResult], None],
    notes: Iterable[str] = (),
    lock: LockState | None = None,
) -> CheckReport:
    """Hold every check, and give back what was made for it. What cannot be held is an error by
    name. An interrupt ends what is under way; the report then says so. What `lock` has been written
    for just now may not be shown yet: it is waited for.
    """
    began = time.monotonic()
    run = _Run(context, options, on_done, lock)
    with importable(context.root):
        await run.hold(subjects)
    results = [
        run.results.get(index) or _error(one, _INTERRUPTED) for index, one in enumerate(subjects)
    ]
    return CheckReport(
        context.workspace.name,
        context.environment.name,
        tuple(results),
        notes=(*notes, *dict.fromkeys(run.notes)),
        seconds=time.monotonic() - began,
        interrupted=run.interrupted,
    )


@contextlib.asynccontextmanager
async def recorded_run(
    context: Context, remote: Remote, notes: list[str]
) -> AsyncIterator[Leftovers]:
    """The record of what is made inside, which is deleted at the end; what others have left that
    are not alive any more is deleted first. What there is to say of it comes to the notes.
    """
    place = context.root, context.environment.name, context.service.base_url
    notes += await sweep(*place, remote)
    with recording(*place) as left:
        try:
            yield left
        except (Exception, asyncio.CancelledError):  # anything else is the end of the process
            notes += await left.clear(remote)
            raise
        notes += await left.clear(remote)


def recorded(context: Context, remote: Remote, left: Leftovers, about: str) -> Recorded:
    """The service, where whatever is made says for whom, and in which run."""
    named = f"{context.workspace.name}/{context.environment.name}/{about}"
    return Recorded(remote, left, about, mark=f"{named}~{left.run}")


async def make_draft(
    context: Context, remote: Remote, left: Leftovers, address: Address, draft: Draft
) -> str:
    """Make what is only planned, for a while; its id."""
    service = recorded(context, remote, left, f"{address}~temporary")
    return (await draft.form.create(service, draft.write)).id


def _error(one: Subject, problem: Problem, attempts: Iterable[Attempt] = ()) -> CheckResult:
    outcome: Literal["error", "needs_apply"] = "needs_apply" if one.waits else "error"
    return CheckResult(one.address, one.check, outcome, tuple(attempts), problem, side=one.side)


class _Budget:
    """Tokens that may be used, and those that were."""

    def __init__(self, most: int | None, what: str) -> None:
        self.used = 0
        self._most, self._what = most, what

    def check(self, *, over: bool = False) -> None:
        """UsageError where nothing is left; `over`: where more was used than there was."""
        if self._most is None or self.used < self._most + over:
            return
        detail = f"{self._what} allows {self._most:,} tokens, and {self.used:,} were used."
        raise UsageError(Problem("Budget ran out", detail, "allow more, or check less at once"))


class _Run:
    """One run over many checks."""

    remote: Remote
    left: Leftovers

    def __init__(
        self,
        context: Context,
        options: CheckOptions,
        on_done: Callable[[CheckResult], None],
        lock: LockState | None,
    ) -> None:
        self.context, self.options, self.on_done = context, options, on_done
        self.lock = lock
        self.results: dict[int, CheckResult] = {}
        self.notes: list[str] = []
        self.interrupted = False
        self._budget = _Budget(options.max_tokens, "The run")
        # By what they make: the ids of what is made once for all checks.
        self._shared: dict[tuple[str, str], asyncio.Task[str]] = {}

    async def hold(self, subjects: Sequence[Subject]) -> None:
        pending: list[tuple[int, Subject]] = []
        for index, one in enumerate(subjects):
            known = _error(one, one.problem) if one.problem else self._kept(one)
            if known:
                self._done(index, known)
            else:
                pending.append((index, one))
        context = self.context
        if not pending and not any((context.root / FOLDER).glob("*/*.jsonl")):
            return
        try:
            self.remote = context.remote(self.options.parallelism)
        except ProvisionerError as error:  # no key
            for index, one in pending:
                self._done(index, _error(one, error.problems[0]))
            return
        if self.lock is not None:
            remember(self.remote, self.lock)
        async with self.remote, recorded_run(context, self.remote, self.notes) as self.left:
            await self._work(pending)

    async def _work(self, pending: Sequence[tuple[int, Subject]]) -> None:
        queue = iter(pending)
        count = min(self.options.parallelism, len(pending))
        workers = [asyncio.create_task(self._worker(queue)) for _ in range(count)]

        def stop() -> None:
            self.interrupted = True
            for worker in workers:
                worker.cancel()

        with interrupts.stopping(stop):
            ends = await asyncio.gather(*workers, return_exceptions=True)
            await asyncio.gather(*self._shared.values(), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
                raise end

    async def _worker(self, queue: Iterator[tuple[int, Subject]]) -> None:
        for index, one in queue:
            self._done(index, await self._check(one))

    def _done(self, index: int, result: CheckResult) -> None:
        self.results[index] = result
        self.on_done(result)

    # One check.

    async def _check(self, one: Subject) -> CheckResult:
        """Try it until it has passed often enough, or cannot any more."""
        check = one.check
        try:
            await self._import(one)
        except ProvisionerError as error:  # before anything is paid for
            return _error(one, error.problems[0])
        budget = _Budget(check.max_tokens, f"`max_tokens` of `{one.title}`")
        attempts: list[Attempt] = []
        passes = 0
        while passes < check.passes <= passes + check.attempts - len(attempts):
            attempts.append(await self._attempt(one, budget))
            if (problem := attempts[-1].problem) is not None:
                return _error(one, problem, attempts)
            passes += attempts[-1].passed
        held = passes >= check.passes
        outcome: Literal["passed", "failed"] = "passed" if held else "failed"
        result = CheckResult(one.address, check, outcome, attempts=tuple(attempts), side=one.side)
        if held and check.cache:
            self._keep(one, attempts)
        return result

    async def _import(self, one: Subject) -> None:
        """Import the callables in a thread: an interrupt is heard however long that takes."""
        try:
            async with asyncio.timeout(LONGEST):
                for turn in one.check.turns:
                    if turn.answer:
                        await in_thread(partial(Answering, turn, self.context.root))
        except TimeoutError:
            detail = f"What answers in `{one.title}` is not imported after {LONGEST:g} seconds."
            hint = "do less while the module is imported"
            raise UsageError(Problem("Callable not ready", detail, hint)) from None

    async def _attempt(self, one: Subject, budget: _Budget) -> Attempt:
        """One conversation, up to the first turn that does not hold."""
        service = recorded(self.context, self.remote, self.left, one.title)
        turns: list[TurnResult] = []
        try:
            self._afford(budget)
            talk = await open_conversation(service, await self._partner(one))
            try:
                for turn in one.check.turns:
                    self._afford(budget)
                    turns.append(await self._turn(one, talk, turn))
                    budget.used += turns[-1].tokens
                    self._budget.used += turns[-1].tokens
                    if turns[-1].misses:
                        break
                    budget.check(over=True)
            finally:
                # What cannot be deleted now is tried once more at the end of the run.
                with contextlib.suppress(ServiceError, TimeoutError):
                    async with asyncio.timeout(PATIENCE):
                        await talk.close()
        except ProvisionerError as error:
            return Attempt(tuple(turns), error.problems[0])
        return Attempt(tuple(turns))

    async def _partner(self, one: Subject) -> Partner:
        assert one.partner is not None
        if one.draft is None:
            return one.partner
        make = partial(make_draft, self.context, self.remote, self.left, one.address, one.draft)
        id = await asyncio.shield(self._once(("draft", str(one.address)), make))
        return dataclasses.replace(one.partner, id=id)

    def _once(
        self, what: tuple[str, str], make: Callable[[], Coroutine[Any, Any, str]]
    ) -> asyncio.Task[str]:
        """The id of what is made once for all checks of the run, and deleted at its end."""
        if what not in self._shared:
            self._shared[what] = asyncio.create_task(make())
        return self._shared[what]

    def _afford(self, budget: _Budget) -> None:
        self._budget.check()
        budget.check()

    async def _turn(self, one: Subject, talk: Conversation, turn: CheckTurn) -> TurnResult:
        answering = Answering(turn, self.context.root)
        attached = []
        for file in turn.attach:
            upload = partial(self._upload, file.path, one.title)
            attached.append((file, await asyncio.shield(self._once(("file", file.path), upload))))
        message = Message(turn.say, tuple(Attachment(id, file.tool) for file, id in attached))
        deadline = turn.expect.max_seconds or LONGEST
        reply = await talk.say(message, answering, lambda _event: None, deadline)
        documents = {**one.documents, **{file.path: (id,) for file, id in attached}}
        found = misses(turn.expect, reply, documents)
        if answering.failure:
            found = (Miss("an answer for each function that is called", answering.failure),)
        warnings, tokens = await self._judged(one, turn, reply) if not found else ((), 0)
        return TurnResult(
            said=turn.say,
            replied=reply.text,
            misses=found,
            warnings=warnings,
            calls=tuple(spelt_call(call) for call in reply.calls),
            tokens=reply.usage.total + tokens,
            seconds=reply.seconds,
            was=turn.was,
        )

    async def _judged(
        self, one: Subject, turn: CheckTurn, reply: Reply
    ) -> tuple[tuple[str, ...], int]:
        if turn.judge is None:
            return (), 0
        model = turn.judge.model or one.model
        return await judged(self.remote, turn.judge.rubric, model, said=turn.say, reply=reply.text)

    async def _upload(self, path: str, about: str) -> str:
        root = self.context.root
        try:
            sha256, size = hash_file(root, path)
            reader = HashingReader.open(held_path(root, path), path, sha256, size)
        except OSError as error:
            detail = f"`{path}` cannot be read: {error.strerror or error}."
            raise UsageError(Problem("File not readable", detail)) from None
        name, seconds = PurePosixPath(path).name, odd_seconds()
        expires = {"anchor": "created_at", "seconds": seconds}
        noted = self.left.intend("/files", about, filename=name, bytes=size, seconds=seconds)
        with reader:
            made = await self.left.make(
                noted, lambda: self.remote.upload(reader, name, "assistants", expires)
            )
        return str(made["id"])

    # Answers that were kept.

    def _kept(self, one: Subject) -> CheckResult | None:
        """What held before and still does, because nothing that it depends on has changed."""
        if not one.check.cache:
            return None
        try:
            kept = jsontext.read(disk.read(self._place(one), disk.LARGEST))
            attempts = tuple(_attempt_from(each, one.check) for each in kept["attempts"])
        except (OSError, jsontext.Unreadable, KeyError, TypeError, ValueError):
            return None
        return CheckResult(
            one.address, one.check, "passed", attempts=attempts, cached=True, side=one.side
        )

    def _keep(self, one: Subject, attempts: Iterable[Attempt]) -> None:
        kept = {"attempts": [dataclasses.asdict(attempt) for attempt in attempts]}
        with contextlib.suppress(OSError):
            disk.cache(self._place(one), json.dumps(kept, ensure_ascii=False).encode())

    def _place(self, one: Subject) -> Any:
        root = self.context.root
        files = {file.path for turn in one.check.turns for file in turn.attach}
        # What is only shown decides nothing.
        check = dataclasses.asdict(one.check)
        for turn in check["turns"]:
            del turn["was"]
        about = {
            "service": self.context.service.base_url,
            "basis": one.basis,
            "model": one.model,
            "check": check,
            "files": {path: hash_file(root, path)[0] for path in sorted(files)},
        }
        return disk.cached(root / disk.CACHE, jsontext.canonical(about), prefix="check-")


def _attempt_from(kept: Mapping[str, Any], check: Check) -> Attempt:
    turns = []
    for turn, written in zip(kept["turns"], check.turns, strict=True):
        given = {**turn, "misses": tuple(Miss(**one) for one in turn["misses"])}
        given["was"] = written.was
        given |= {name: tuple(turn[name]) for name in ("warnings", "calls")}
        turns.append(TurnResult(**given))
    return Attempt(tuple(turns))


def digest(value: Any) -> str:
    """A digest of a value that is JSON."""
    return hashlib.sha256(jsontext.canonical(value).encode()).hexdigest()
