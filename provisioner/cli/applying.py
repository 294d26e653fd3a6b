"""What `apply` and `destroy` share: approval, progress, the summary."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from provisioner import interrupts
from provisioner.cli.console import Console
from provisioner.cli.options import PlanFormat
from provisioner.cli.planning import show_plan, text_of
from provisioner.errors import PlanError, UsageError
from provisioner.kinds import is_file
from provisioner.model import Applied, Event, Plan, Problem
from provisioner.records import dataclass

if TYPE_CHECKING:
    from provisioner.cli.afterwards import Checked
    from provisioner.engine import ApplyOptions, Context, Session
    from provisioner.plan import PlanOptions


@dataclass(frozen=True, slots=True)
class GivenApproval:
    """What allows a plan to be applied."""

    given: bool = False
    checksum: str | None = None  # of the plan that was approved elsewhere
    force: bool = False  # override the safety stops that a saved plan has met
    commit: str | None = None  # what the plan is of


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """How a plan is carried out, and how what came of it is printed."""

    options: ApplyOptions
    approval: GivenApproval
    format: PlanFormat = PlanFormat.text
    check: bool = False  # hold the checks of what was applied


def decide_and_apply(console: Console, wanted: PlanOptions, request: ApplyRequest) -> int:
    """Plan, show, ask, apply: under one lease, so that nothing moves between."""
    return interrupts.run_main(_decide_and_apply(console, console.open(), wanted, request))


async def _decide_and_apply(
    console: Console, context: Context, wanted: PlanOptions, request: ApplyRequest
) -> int:
    from provisioner.engine import Session

    commit = _commit(context, request)
    async with Session.writing(context, request.options, console.say) as session:
        plan = await session.plan(wanted)
        done = await confirm_and_carry_out(console, session, plan, request)
    if done is None:
        return 1
    return await _end(console, context, done, request, commit=commit)


async def confirm_and_carry_out(
    console: Console, session: Session, plan: Plan, request: ApplyRequest
) -> Applied | None:
    """Show a plan, ask, and apply it; None where that was refused."""
    _show_beforehand(console, plan, request.format)
    _check(session, plan, request.approval)
    if not (request.approval.given or _confirmed(console, plan)):
        return None
    return await _carry_out(console, session, plan, request)


def apply_saved(console: Console, plan: Plan, request: ApplyRequest) -> int:
    """Carry out a saved plan exactly, or refuse it; the specs are not even read."""
    from provisioner import engine

    if console.environment not in (None, plan.environment):
        detail = (
            f"The plan was made for `{plan.environment}`, and `{console.environment}` was named."
        )
        raise PlanError(
            Problem("Foreign plan", detail, f"leave `-e` out, or plan for `{console.environment}`")
        )
    context = engine.open_context(console.root, plan.environment)
    return interrupts.run_main(_apply_saved(console, context, plan, request))


async def _apply_saved(
    console: Console, context: Context, plan: Plan, request: ApplyRequest
) -> int:
    from provisioner.engine import Session
    from provisioner.engine.session import check_applicable

    _show_beforehand(console, plan, request.format)
    check_applicable(plan, request.approval.force)
    commit = _commit(context, request, saved=True)
    async with Session.writing(context, request.options, console.say, needs_specs=False) as session:
        _check(session, plan, request.approval)
        await session.check_saved(plan)
        # Whoever saved a plan has seen it. That everything goes is asked about all the same.
        if plan.destroy and not (request.approval.given or _confirmed(console, plan)):
            return 1
        done = await _carry_out(console, session, plan, request)
    return await _end(console, context, done, request, commit=commit, saved=True)


def _commit(context: Context, request: ApplyRequest, *, saved: bool = False) -> str | None:
    """What checks after the apply have to know before it: that there are specs, and of which commit
    they are.
    """
    if not request.check:
        return None
    from provisioner.engine.afterwards import head, refuse_without_specs

    refuse_without_specs(context)
    return request.approval.commit or (None if saved else head(context))


def _show_beforehand(console: Console, plan: Plan, format: PlanFormat) -> None:
    """Print the plan that is about to be applied; among events it is the first of them, and beside
    a document about the result it is not a result.
    """
    if console.json:
        from provisioner.planfile.writing import plan_document
        from provisioner.views.review import review_json

        event = {"type": "plan", **plan_document(plan, review_json(plan))}
        print(json.dumps(event, ensure_ascii=False), flush=True)
    elif format.document:
        console.say(text_of(console, plan, console.paint(sys.stderr)).removesuffix("\n"))
    else:
        show_plan(console, plan, format)


def _check(session: Session, plan: Plan, approval: GivenApproval) -> None:
    """Refuse a plan that is stopped, or that is not the one that was approved elsewhere."""
    from provisioner.engine.session import check_applicable

    check_applicable(plan, approval.force)
    session.check_approval(plan, approval.checksum, approval.commit)


def _confirmed(console: Console, plan: Plan) -> bool:
    """Whether nothing speaks against carrying out a plan that nobody has approved yet. An empty one
    is carried out as well: the lock may have to learn what the service has already.
    """
    confirmed = plan.empty or _ask(console, plan)
    if not confirmed:
        console.say("Nothing was changed.")
    return confirmed


def _ask(console: Console, plan: Plan) -> bool:
    """Ask on a terminal; only `yes` is a yes."""
    if not console.terminal or console.json:
        hint = "review the plan and add `--auto-approve`"
        if not (plan.destroy or plan.rolls_back):
            hint += ", or save it with `plan --out FILE` and apply the file"
        raise UsageError(
            Problem(
                "Approval needed",
                "There are changes, and there is no terminal on which to ask for confirmation.",
                hint,
            )
        )
    verb = "destroy" if plan.destroy else "apply"
    with interrupts.promptly():
        sys.stderr.write(
            f"\nDo you want to {verb} this in `{plan.environment}`? Only `yes` is accepted: "
        )
        sys.stderr.flush()
        return sys.stdin.readline().strip() == "yes"


async def _carry_out(
    console: Console, session: Session, plan: Plan, request: ApplyRequest
) -> Applied:
    """Apply, report what happens while it happens, and sum it up. The summary is the last of all
    events: where checks follow, it waits for them.
    """

    events: list[Event] = []
    with reporter(console) as report:

        def on_event(event: Event) -> None:
            events.append(event)
            report(event)

        applied = await session.apply(
            plan, on_event, force=request.approval.force, commit=request.approval.commit
        )
    if not (console.json and request.check):
        _sum_up(console, applied, events, request.format)
    return applied


async def _end(
    console: Console,
    context: Context,
    applied: Applied,
    request: ApplyRequest,
    *,
    commit: str | None,
    saved: bool = False,
) -> int:
    """The exit code, and where they are wanted the checks of what was applied: if all of it was."""
    checked = None
    if request.check and exit_code(applied) == 0:
        from provisioner.cli.afterwards import check_afterwards, conclude

        try:
            checked = await check_afterwards(console, context, applied.plan, commit, saved=saved)
        finally:
            if console.json:
                _last_event(console, applied, checked)
        conclude(console, checked, request.format)
        return checked.code
    if console.json and request.check:
        _last_event(console, applied)
    return exit_code(applied)


def exit_code(applied: Applied) -> int:
    """Of an apply: whether all of it was done."""
    if applied.interrupted:
        return interrupts.CODE
    return 1 if applied.failed or applied.skipped else 0


def _last_event(console: Console, applied: Applied, checked: Checked | None = None) -> None:
    from provisioner.views.progress import summary_json

    console.result(summary_json(applied, checked.document if checked else None))


def _sum_up(console: Console, applied: Applied, events: list[Event], format: PlanFormat) -> None:
    from provisioner.views.problems import problems_text
    from provisioner.views.progress import summary_text
    from provisioner.views.values import inline

    if console.json:
        _last_event(console, applied)
        return
    for note in applied.notes:
        console.say(inline(note))
    failed = console.placed(applied.failed)
    sys.stderr.write(problems_text(failed, console.paint(sys.stderr)))
    if format.document:
        from provisioner.cli.planning import rendered
        from provisioner.views.picture import applied_graph
        from provisioner.views.progress import applied_outline

        console.result(
            rendered(
                format, applied_outline(applied, events), lambda: applied_graph(applied, events)
            )
        )
    else:
        console.result(summary_text(applied))


_EVERY = 5.0  # seconds between two plain lines about the same thing
_FRAME = 0.1


@contextmanager
def reporter(console: Console) -> Iterator[Callable[[Event], None]]:
    """What an apply calls for each event."""
    if console.json:
        yield _print_json
    elif console.quiet:
        yield lambda _event: None
    elif sys.stderr.isatty():
        bar = Bar()
        try:
            yield bar
        finally:
            bar.clear()
    else:
        yield Lines()


def _print_json(event: Event) -> None:
    from provisioner.views.progress import event_json

    if event.type != "summary":  # the one summary comes last, from what the apply returns
        sys.stdout.write(event_json(event))
        sys.stdout.flush()


class Lines:
    """Plain lines; counts are reported at their ends and every few seconds between."""

    def __init__(self) -> None:
        self._reported: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        from provisioner.views.progress import event_line

        if event.type == "progress":
            key, now = f"{event.address} {event.detail}", time.monotonic()
            if event.done < event.total and now - self._reported.get(key, -_EVERY) < _EVERY:
                return
            self._reported[key] = now
        # Failures are reported once, as problems, when the apply is over.
        if event.type not in ("failed", *self._silent(event)) and (line := event_line(event)):
            print(line, file=sys.stderr, flush=True)

    def _silent(self, event: Event) -> tuple[str, ...]:
        """Of ten thousand files only the end of each is reported."""
        return ("started",) if event.address and is_file(event.address) else ()


class Bar(Lines):
    """Plain lines above, and one line below them that is drawn again and again."""

    def __init__(self) -> None:
        super().__init__()
        self._began: dict[str, float] = {}
        self._drawn = 0.0
        self._shown = False

    def __call__(self, event: Event) -> None:
        if event.type == "progress" and event.done < event.total:
            self._draw(event)
        else:
            self.clear()
            super().__call__(event)

    def _silent(self, event: Event) -> tuple[str, ...]:
        """The bar counts the files; the plan above has named them."""
        return ("started", "done") if event.address and is_file(event.address) else ()

    def _draw(self, event: Event) -> None:
        from provisioner.views.progress import bar_text

        now = time.monotonic()
        began = self._began.setdefault(f"{event.address} {event.detail}", now)
        if now - self._drawn < _FRAME:
            return
        self._drawn, self._shown = now, True
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r\x1b[2K{bar_text(event, now - began)[:width]}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the bar off the screen."""
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._shown = False
