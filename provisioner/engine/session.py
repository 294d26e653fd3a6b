"""Planning and applying against one service, over one connection and, while writing, under one
lease.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from provisioner import interrupts
from provisioner.apply.run import Run
from provisioner.apply.tasks import carry_out
from provisioner.engine import preflight, stale
from provisioner.engine.approval import begin, check_approval, end
from provisioner.engine.context import ANY, Context
from provisioner.engine.others import Others
from provisioner.engine.policies import rule_plan
from provisioner.engine.recover import CREATES, close_intents, recover
from provisioner.engine.refresh import (
    Refreshed,
    RefreshRequest,
    begin_lists,
    from_lock,
    look_into,
    refresh,
)
from provisioner.engine.secrets import fingerprinted, notes_on_secrets, read_all
from provisioner.engine.shutdowns import Shutdowns, asked, kept_answers
from provisioner.engine.takeover import take_over
from provisioner.errors import LockError, PlanError, ProvisionerError
from provisioner.kinds import file_kind, holds_files, is_file
from provisioner.kinds.base import Names
from provisioner.lock.journal import Folded, Intent
from provisioner.model import Address, Applied, Event, Live, Locked, LockState, Plan, Problem
from provisioner.plan import PlanOptions, Situation, make_plan
from provisioner.plan.going import ended_stores, holds_unknown, with_digests
from provisioner.plan.moves import with_moves
from provisioner.plan.named import by_address
from provisioner.plan.store_files import begun_ids
from provisioner.planfile.basis import basis
from provisioner.records import dataclass
from provisioner.remote import Remote
from provisioner.remote.lists import both
from provisioner.remote.settling import LOCK
from provisioner.workspace.setting import LOCAL


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How an apply goes about it."""

    parallelism: int = 10
    lock_timeout: float = 0.0
    deadline: float = 1800.0  # seconds that a store may take to index
    terminal: bool = False  # whether somebody sits there, so that a key may be made


_MOST_BEGUN = 5_000  # objects, files apart
_READING = 20  # requests at once of a session that only reads
_ATTENTIVE = 0.001  # seconds after which a thread at work lets the one go on that has a reply


class _Begun(NamedTuple):
    """The lock by which lists were begun, and until when they are to be doubted."""

    folded: Folded
    doubted: float | None


_UNASKED = (
    "Compared with the lock alone: the service was not asked, and this plan cannot be applied."
)


class Session:
    """One workspace at one service. Made by `reading` or `writing`."""

    def __init__(self, context: Context, remote: Remote, options: ApplyOptions) -> None:
        self.context = context
        self.remote = remote
        self.options = options
        self.refreshed = Refreshed(from_lock(context.fresh()))
        self.notes: tuple[str, ...] = ()
        # What a stopped apply has left, and nobody but a person can tell.
        self.questions: tuple[Problem, ...] = ()
        # What a stopped apply may have uploaded for all that can be seen.
        self.unfound: tuple[Address, ...] = ()
        self.shutdowns = Shutdowns()
        # What is taken over as it is, without our stamp.
        self.unstamped: Collection[Address] = ()
        self._begun: _Begun | None = None

    @classmethod
    @asynccontextmanager
    async def reading(
        cls, context: Context, connect: bool = True, *, refreshing: bool = False
    ) -> AsyncIterator[Session]:
        """For commands that change nothing; they take no lease, and the service is not written to
        by construction. `refreshing`: everything that the lock names is going to be read, and is on
        its way while the specs are.
        """
        local = context.service.base_url == LOCAL  # which is no faster, and makes files of its own
        if local or not (connect and refreshing):
            _ = context.specs
        if not connect:
            yield cls(context, Remote.open("http://nowhere.invalid", "none"), ApplyOptions())
            return
        try:
            opened = context.remote(_READING, read_only=True)
        except ProvisionerError:
            _ = context.specs  # bad specs are reported before anything asks for a key
            raise
        async with opened as remote:
            session = cls(context, remote, ApplyOptions())
            if refreshing and not local and session._begin():
                with _attentive():
                    await asyncio.to_thread(getattr, context, "specs")
            else:
                _ = context.specs
            yield session

    def _begin(self) -> bool:
        """Let the lists that refreshing asks for be on their way; False where something has to come
        first, or is wrong, which is said when it is asked for.
        """
        try:
            folded = self.context.store.peek()
            locked = self.context.checked(folded.state)
        except ProvisionerError:
            return False
        if locked is None or folded.open_intents or _large(locked):
            return False
        remember(self.remote, locked)
        self._begun = _Begun(folded, self.remote.settling.doubted([LOCK]))
        begin_lists(self.remote, locked)
        return True

    @classmethod
    @asynccontextmanager
    async def writing(
        cls,
        context: Context,
        options: ApplyOptions,
        on_wait: Callable[[str], None],
        *,
        needs_specs: bool = True,
    ) -> AsyncIterator[Session]:
        """For an apply: the lease is held from before the plan until the lock is written."""
        if needs_specs:
            _ = context.specs
        remote = context.remote(options.parallelism)
        async with remote:
            with context.store.lease(options.lock_timeout, on_wait):
                context.checked(context.store.peek().state)
                context.store.fold_journal()
                session = cls(context, remote, options)
                await session.recover()
                yield session

    @property
    def lock(self) -> LockState:
        """The lock as it is now, with what a stopped apply has left in its journal."""
        return self.context.checked(self.context.store.peek().state) or self.context.fresh()

    async def recover(self) -> None:
        """Take over what a stopped apply left open, so that planning starts from the truth."""
        store = self.context.store
        state, intents = store.peek()
        if state is None or not intents:
            return
        self.context.check_known(map(_begun, intents))
        remember(self.remote, state)
        recovered = await recover(self.remote, state, intents, shared=self.context.shared)
        # Elsewhere nothing of ours is ever found.
        preflight.check_key(self.remote, state, self.context.service)
        if recovered.questions:
            raise PlanError(recovered.questions)
        self.notes, self.unfound = tuple(recovered.notes), tuple(recovered.unfound())
        with store.journal(state) as journal:
            close_intents(journal, recovered)
        store.fold_journal()

    async def plan(self, options: PlanOptions) -> Plan:
        """Compare everything and decide."""
        case = await self.situation(options, judged=not options.destroy)
        if self.questions:
            raise PlanError(self.questions)
        preflight.check_ownership(case.lock, self.refreshed, case.claims.values())
        preflight.check_moves(self.context, case)
        if options.refresh and not options.destroy:
            preflight.check_imports(self.context, case, self.unstamped)
        preflight.check_plan(case, options)
        if options.refresh:
            case = await take_over(self.remote, self.context.root, case, self.refreshed.files)
        plan = make_plan(case, self.context.specs.problems)
        others = self._others(case.lock, case.adopted.values())
        if options.refresh:
            users, observed = await both(
                others.users(plan), look_into(self.remote, case.observed, ended_stores(plan))
            )
            if users or observed is not case.observed:
                case = replace(case, others=users, observed=observed)
                plan = make_plan(case, self.context.specs.problems)
            # Every file by id, also where only others have files: those that a store takes
            # along are known by name.
            listed = (file_kind().name, None) in self.refreshed.listed
            if listed or not holds_unknown(case, plan, self.refreshed.files):
                files = self.refreshed.files
            else:
                files = {
                    live.id: live
                    for live in await file_kind().form(None).list(self.remote, Names())
                }
            plan = with_digests(case, plan, files)
        preflight.check_times(self.context, case, plan, self.remote.now())
        loose = await preflight.loose_uploads(
            self.context, others, self.refreshed, lock=case.lock, plan=plan
        )
        loose += preflight.alike(self.context, self.refreshed, case, plan)
        unasked = () if options.refresh else (_UNASKED,)
        over = () if options.destroy else preflight.imports_that_are_over(self.context, case)
        secret = () if options.destroy else notes_on_secrets(case, plan)
        plan = replace(plan, notes=(*unasked, *self.notes, *over, *loose, *secret, *plan.notes))
        return self._placed(case, rule_plan(self.context, plan, self.shutdowns))

    def _others(self, lock: LockState, adopted: Iterable[Live] = ()) -> Others:
        ours = {live.id for live in (*self.refreshed.observed.live.values(), *adopted)}
        return Others(
            self.remote,
            lock,
            listed=dict(self.refreshed.listed),
            names=self.refreshed.ids,
            ours=ours,
        )

    async def situation(self, options: PlanOptions, *, judged: bool = False) -> Situation:
        """Read everything that deciding needs; PlanError where it cannot be decided at all.
        `judged`: policies too.
        """
        context = self.context
        specs = context.specs
        begun, self._begun = self._begun, None
        folded = begun.folded if begun else context.store.peek()
        locked = context.checked(folded.state)
        context.check_known(map(_begun, folded.open_intents))
        if locked and not begun:
            remember(self.remote, locked)
        # Without the lease nothing of what is found is written down.
        if locked and folded.open_intents and options.refresh:
            recovered = await recover(
                self.remote, locked, folded.open_intents, shared=context.shared
            )
            locked = recovered.state
            self.notes, self.questions = tuple(recovered.notes), tuple(recovered.questions)
            remember(self.remote, locked)
        lock, moves = with_moves(
            locked or context.fresh(),
            specs.desired,
            [(move.origin, move.to) for move in specs.moved],
        )
        imports = {item.to: item.id for item in specs.imports if item.to not in lock.resources}
        if options.refresh:
            ours = (context.workspace.name, context.environment.name)
            request = RefreshRequest(
                self.remote,
                lock,
                desired=specs.desired,
                imports=imports,
                ours=ours,
                doubted=begun.doubted if begun else None,
            )
            self.refreshed, self.shutdowns = await both(
                refresh(request), self._shutdowns(ask=judged)
            )
            preflight.check_key(self.remote, lock, context.service)
            preflight.check_lock(self.refreshed, lock, fresh=locked is None)
            await preflight.check_externals(self.remote, context, specs, self.refreshed)
        else:
            self.refreshed = Refreshed(from_lock(lock))
            self.shutdowns = await self._shutdowns(ask=False)
        live = self.refreshed.observed.live
        imports = {to: id for to, id in imports.items() if to in live or id not in lock.deleted}
        case = self._situation(lock, moves, imports, options)
        return replace(case, fresh=locked is None)

    async def _shutdowns(self, *, ask: bool) -> Shutdowns:
        """When models end; asked beside the lists, where it matters to anybody."""
        where = self.context.root, self.context.environment
        uses_models = any("model" in want.fields for want in self.context.specs.desired.values())
        if ask and uses_models and self.context.environment.policies.shutdown != "ignore":
            return await asked(*where, self.remote)
        return kept_answers(*where)

    def _situation(
        self,
        lock: LockState,
        moves: Mapping[Address, Address],
        imports: Mapping[Address, str],
        options: PlanOptions,
    ) -> Situation:
        context = self.context
        on_drift = options.on_drift or context.environment.on_drift
        forgets = {item.origin: item.source for item in context.specs.removed if not item.destroy}
        destroys = frozenset(item.origin for item in context.specs.removed if item.destroy)
        return Situation(
            context.workspace.name,
            context.environment.name,
            service=context.service,
            lock=lock,
            desired=fingerprinted(
                by_address(context.specs.desired, {**lock.ids, **imports}), context.root
            ),
            observed=self.refreshed.observed,
            options=replace(options, on_drift=on_drift),
            keep_versions=context.environment.keep_versions,
            imports=imports,
            forgets=forgets,
            moves=moves,
            destroys=destroys,
        )

    def _placed(self, case: Situation, plan: Plan) -> Plan:
        """The plan with the positions of what it changes, and with what it rests on."""
        changes = tuple(
            replace(change, position=self.context.workspace.locate(change.source))
            if change.matters and change.source
            else change
            for change in plan.changes
        )
        placed = replace(plan, changes=changes, approved=case.lock.approved)
        return replace(placed, basis=basis(placed, case.lock.resources, case.live))

    def check_approval(self, plan: Plan, checksum: str | None, commit: str | None) -> None:
        """PlanError where a plan is not what somebody approved elsewhere, or where that was done
        already.
        """
        state = self.context.store.peek().state
        check_approval(plan, state.approved if state else None, checksum, commit)

    async def apply(
        self,
        plan: Plan,
        on_event: Callable[[Event], None],
        *,
        force: bool = False,
        commit: str | None = None,
    ) -> Applied:
        """Carry out a plan that this session made, or one that was saved and is not stale.
        `commit`: what it is of, so that it is done once.
        """
        check_applicable(plan, force)
        context = self.context
        state = context.checked(context.store.peek().state)
        if state is None:
            state = replace(context.fresh(), lineage=plan.lineage)
        secrets, on_key = read_all(plan, state, context, may_make_key=self.options.terminal)
        state = replace(state, origin=preflight.pinned(self.remote, state, context.service))
        begun = begin(plan, state.approved, commit)
        with context.store.journal(state, begun) as journal:
            run = Run(
                plan,
                context.root,
                remote=self.remote,
                state=replace(state, resources=moved_entries(state, plan)),
                written=dict(state.resources),
                journal=journal,
                on_event=on_event,
                seen_files=self.refreshed.files,
                listed=self.refreshed.listed,
                deadline=self.options.deadline,
                commit=commit,
                shared=context.shared,
                stamps={
                    live.id: live.stamp
                    for live in self.refreshed.observed.live.values()
                    if live.stamp
                },
                doubtful=context.doubtful,
                unfound=self.unfound,
                unstamped=self.unstamped,
                secrets=secrets,
            )
            self.remote.tell_waits(lambda why: on_event(Event("waiting", detail=why)))
            with interrupts.stopping(run.interrupt):
                applied = await self._carried_out(run)
            if begun is not None:
                journal.left(end(plan, state.approved, applied.undone, commit))
        after = context.store.fold_journal().state
        oddities = sorted(self.remote.oddities - set(plan.notes))
        notes = (*on_key, *applied.notes, *oddities)
        return replace(applied, notes=notes, serial=after.serial if after else 0)

    async def _carried_out(self, run: Run) -> Applied:
        try:
            return await carry_out(run, self.options.parallelism)
        except LockError as error:
            raise LockError([*error.problems, *run.unowned()]) from error

    async def check_saved(self, plan: Plan) -> None:
        """Refuse a saved plan that no longer fits; PlanError names what has moved."""
        context = self.context
        stale.check_identity(context, plan)
        preflight.check_bytes(context.root, plan)
        lock = context.checked(context.store.peek().state)
        stale.check_lineage(plan, lock)
        known = lock or replace(context.fresh(), lineage=plan.lineage)
        context.check_known(_named(plan))
        moved = moved_entries(known, plan)
        stale.check_entries(plan, known.resources, moved)
        stale.check_store_files(plan, moved)
        stale.check_ids(plan, moved)
        stale.check_order(plan, moved)
        known = replace(known, resources=moved)  # by the addresses of the plan from here on
        remember(self.remote, known)
        request = stale.refresh_request(self.remote, known, plan)
        refreshed = await refresh(request)
        self.refreshed = replace(
            refreshed, observed=await look_into(self.remote, refreshed.observed, ended_stores(plan))
        )
        preflight.check_key(self.remote, known, context.service)
        preflight.check_ownership(known, self.refreshed)
        stale.check_basis(plan, moved, self.refreshed)
        preflight.check_lock(self.refreshed, known, fresh=lock is None)
        await stale.check_strays(request, plan, self.refreshed)
        stale.check_users(plan, await self._others(known).users(plan))


@contextmanager
def _attentive() -> Iterator[None]:
    """Let replies be met, and the next requests be sent, beside a thread that is busy."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_ATTENTIVE)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def _large(lock: LockState) -> bool:
    """Whether the replies would take too much memory beside the specs as they are read. Files are
    small.
    """
    return sum(not is_file(address) for address in lock.resources) > _MOST_BEGUN


def _begun(intent: Intent) -> tuple[Address, str | None]:
    """What an intent is about, with the API in which it is looked for."""
    return intent.address, intent.data.get("api") if intent.action in CREATES else ANY


def _named(plan: Plan) -> list[tuple[Address, str | None]]:
    """Every address of a plan, with the API where one is said."""
    changes = [(one.address, one.api) for one in plan.changes] + [
        (one.address, one.api) for one in plan.orphans
    ]
    named = {
        address
        for change in plan.changes
        for address in (*change.depends_on, change.previous)
        if address
    }
    named |= {item.store for item in plan.store_file_changes} | {
        item.file for item in plan.store_file_changes if item.file
    }
    return [
        *changes,
        *((address, ANY) for address in sorted(named | {one.address for one in plan.deposed})),
    ]


def remember(remote: Remote, lock: LockState) -> None:
    """Let the service be doubted about what the lock has been written for just now. Under the
    lock's own name: about what it has no longer.
    """
    if lock.written is None:
        return
    try:
        at = datetime.fromisoformat(lock.written).timestamp()
    except ValueError:  # a time that somebody has edited: then nothing is young
        return
    if not remote.settling.recent(at):
        return
    stores = [entry for entry in lock.resources.values() if holds_files(entry.address)]
    held = [
        f"{store.id}/{file}"
        for store in stores
        for file in (*store.file_ids, *begun_ids(lock, store))
    ]
    remote.settling.wrote(LOCK, *lock.known_ids, *held, at=at)


def check_applicable(plan: Plan, force: bool) -> None:
    """PlanError for a plan that must not be applied."""
    stops = [block for block in plan.blocked if not (force and block.forced)]
    if not plan.refreshed:
        detail = (
            "It was made with `--no-refresh`, against the lock alone; the service may be different."
        )
        raise PlanError(Problem("Plan not applicable", detail, "plan again without `--no-refresh`"))
    errors = [problem for problem in plan.problems if problem.severity == "error"]
    if errors or stops:
        raise PlanError([*errors, *(Problem("Plan is blocked", block.detail) for block in stops)])


def moved_entries(state: LockState, plan: Plan) -> dict[Address, Locked]:
    """The entries of a lock once the moves of a plan are carried out."""
    moved = [(change.previous, change.address) for change in plan.changes if change.previous]
    return with_moves(state, {}, [(origin, to) for origin, to in moved if origin])[0].resources
