"""What `plan`, `apply` and `destroy` share: making, printing, saving and reading a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner import disk
from provisioner.cli.console import Console, is_kept
from provisioner.cli.options import PlanFormat
from provisioner.errors import PlanError, UsageError
from provisioner.model import Plan, Problem

if TYPE_CHECKING:
    from provisioner.engine import Context
    from provisioner.plan import PlanOptions
    from provisioner.views.lines import Outline
    from provisioner.views.picture import Graph
    from provisioner.views.values import Paint


async def plan_now(context: Context, options: PlanOptions) -> Plan:
    """Compare and decide, and change nothing."""
    from provisioner.engine import Session
    from provisioner.workspace.workspace import undisturbed

    connect = options.refresh
    # What is made is kept to the end: looking for garbage takes a twelfth of a plan and finds none.
    with undisturbed():
        async with Session.reading(context, connect, refreshing=connect) as session:
            context.workspace.let_go()
            return await session.plan(options)


def show_plan(console: Console, plan: Plan, format: PlanFormat) -> None:
    """Print a plan as a result."""
    if console.json:
        console.result(_json(plan))
    elif format.document:
        from provisioner.views.outline import outline
        from provisioner.views.picture import plan_graph

        console.result(rendered(format, outline(plan, verbose=True), lambda: plan_graph(plan)))
    else:
        console.result(text_of(console, plan, console.paint()))


def text_of(console: Console, plan: Plan, paint: Paint) -> str:
    """A plan for the terminal, its positions as they are called from the working folder."""
    from provisioner.views.text import plan_text

    return plan_text(_placed(console, plan), paint=paint, verbose=console.verbose)


def _placed(console: Console, plan: Plan) -> Plan:
    """The same plan with its positions as they are called from the working folder."""
    changes = [
        replace(change, position=console.at(change.position)) if change.position else change
        for change in plan.changes
    ]
    return replace(plan, changes=tuple(changes), problems=tuple(console.placed(plan.problems)))


def _json(plan: Plan) -> str:
    from provisioner.planfile.writing import plan_json
    from provisioner.views.review import review_json

    return plan_json(plan, review_json(plan))


def saved(console: Console, plan: Plan, out: Path) -> bool:
    """Whether a plan that is shown by now could be written into a file, readable by its owner
    alone: prompts are in it.
    """
    if not console.saved(out, _json(plan).encode(errors="surrogatepass"), "Plan", 0o600):
        return False
    then = (
        "As it is it cannot be applied."
        if plan.stopped
        else f"Apply it with: provisioner apply {out}"
    )
    console.say(f"Saved the plan to {out}. {then}")
    return True


def check_out(console: Console, out: Path, *, refreshed: bool) -> None:
    """Refuse a plan file that would be taken for something else, before any work is done."""
    if not refreshed:
        raise _wrong(
            "A plan made with `--no-refresh` cannot be applied, so it is not saved.",
            "leave one of them out",
        )
    check_place(console, out, what="a plan", such_as="prod.plan.json")


def check_place(console: Console, out: Path, *, what: str, such_as: str) -> None:
    """Refuse to save where something else belongs."""
    place = disk.real(console.path(out))
    spec_like = place.suffix.lower() in (".yaml", ".yml") or is_kept(place)
    if spec_like or place.is_relative_to(console.root / "specs"):
        raise _wrong(
            f"`--out {out}` looks like a spec or a lock, not like {what}.",
            f"name it `{such_as}`, say",
        )
    if disk.is_folder(console.path(out)):
        raise _wrong(f"`--out {out}` is a folder.", "name a file in it")


def _wrong(detail: str, hint: str) -> UsageError:
    return UsageError(Problem("Wrong usage", detail, hint))


def read_plan_file(console: Console, file: Path) -> Plan:
    """The plan in a file; PlanError where it is missing, foreign, altered or newer."""
    from provisioner.planfile.reading import read_plan

    try:
        content = disk.read(console.path(file), disk.LARGEST)
    except OSError as error:
        detail = f"`{file}` cannot be read: {error.strerror}."
        raise PlanError(
            Problem("Plan file unreadable", detail, "make one with `plan --out FILE`")
        ) from error
    return read_plan(content, str(file))


def refuse_options(console: Console, file: Path, options: Mapping[str, object]) -> None:
    """A saved plan has decided everything; what would change it is refused instead of ignored."""
    given = [f"`{name}`" for name, value in options.items() if value]
    if console.variables:
        given.append("`--var`")
    if given:
        detail = (
            f"`{file}` is a saved plan and is applied exactly; {', '.join(given)} cannot change it."
        )
        raise UsageError(Problem("Wrong usage", detail, "give them to `plan --out FILE` instead"))


def rendered(format: PlanFormat, outline: Outline, graph: Callable[[], Graph]) -> str:
    """An unfolded outline as Markdown or as a page; only a page needs the graph."""
    if format is PlanFormat.markdown:
        from provisioner.views.markdown import markdown

        return markdown(outline)
    from provisioner.views.html import html

    return html(outline, graph())
