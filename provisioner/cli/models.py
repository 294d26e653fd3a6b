"""`models`: which models are in use, when they end, and another one in their place."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner import interrupts
from provisioner.cli import options
from provisioner.cli.console import Console, command
from provisioner.errors import UsageError
from provisioner.model import Problem

if TYPE_CHECKING:
    from provisioner.engine.models import ModelsInUse, ReplacedModels, Replacement
    from provisioner.model import CheckReport, Position


@command
def models(
    console: Console,
    replace: Annotated[
        list[str] | None,
        typer.Option(
            "--replace",
            metavar="OLD=NEW",
            help="Show the specs with another model in the place of one; repeatable.",
        ),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write what `--replace` shows into the specs.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Hold the checks with the new models beside what is applied; where one fails,"
            " nothing is written.",
        ),
    ] = False,
    format: Annotated[
        options.ReportFormat, typer.Option("--format", help="How to print it.")
    ] = options.ReportFormat.text,
) -> int:
    """Show the models in use and when they end, or replace one."""
    from provisioner.engine.models import models_in_use, replace_models

    wanted = _wanted(replace or ())
    if (write or check) and not wanted:
        detail = "`--write` and `--check` need something to write, or to check."
        raise UsageError(Problem("Wrong usage", detail, "add `--replace OLD=NEW`"))
    if not wanted:
        found = interrupts.run_main(models_in_use(console.open()))
        _show_in_use(console, found, format)
        return 0
    drafted = replace_models(console.open(), wanted)
    report = interrupts.run_main(_check(console, drafted)) if check else None
    held = report is None or report.passed
    replaced = drafted.write() if write and held else drafted.found
    _show_replaced(console, replaced, report, format)
    if write and not held:
        console.say("Nothing was written: not every check holds with the new models.")
    if report is not None and report.interrupted:
        return interrupts.CODE
    return 0 if held and not replaced.kept else 1


async def _check(console: Console, drafted: Replacement) -> CheckReport:
    """Hold the checks of what would have another model, beside those of what is applied."""
    from provisioner.cli.check import progress
    from provisioner.engine.checking import CheckOptions
    from provisioner.engine.planned import Planned, check_pairs, planned

    words, context = drafted.with_checks(), drafted.drafted()
    found = await planned(context, words) if words else Planned([], [])
    if not found.pairs:
        console.say("No checks: nothing that would have another model has any.")
    with progress(console) as on_done:
        return await check_pairs(context, found, CheckOptions(), on_done)


def _wanted(words: list[str] | tuple[str, ...]) -> dict[str, str]:
    """Old model -> new one."""
    wanted: dict[str, str] = {}
    for word in words:
        old, equals, new = word.partition("=")
        plain = old and new and not any(part in word for part in (" ", "\t", "\n", "${"))
        if not (equals and plain and new.isprintable()):
            detail = f"`--replace {word}` is not of the form `--replace OLD=NEW`."
            raise UsageError(Problem("Wrong usage", detail, "`--replace gpt-4o=gpt-5.6`"))
        if wanted.setdefault(old, new) != new:
            detail = f"`--replace` names two models in the place of `{old}`."
            raise UsageError(Problem("Wrong usage", detail, "name one of them"))
    return wanted


def _show_in_use(console: Console, found: ModelsInUse, format: options.ReportFormat) -> None:
    from provisioner.views.models import models_document, models_markdown, models_outline
    from provisioner.views.text import outline_text

    if console.json:
        console.document(models_document(found))
    elif format is options.ReportFormat.markdown:
        console.result(models_markdown(found))
    else:
        console.result(outline_text(models_outline(_placed(console, found)), console.paint()))


def _placed(console: Console, found: ModelsInUse) -> ModelsInUse:
    """The same with its positions as they are called from the working folder."""
    models = []
    for model in found.models:
        users = [
            dataclasses.replace(user, position=_here(console, user.position))
            if user.position
            else user
            for user in model.users
        ]
        models.append(dataclasses.replace(model, users=tuple(users)))
    return dataclasses.replace(found, models=tuple(models))


def _here(console: Console, place: Position) -> Position:
    return dataclasses.replace(place, file=console.called(place.file))


def _show_replaced(
    console: Console,
    found: ReplacedModels,
    report: CheckReport | None,
    format: options.ReportFormat,
) -> None:
    from provisioner.views.checks import checks_document, checks_markdown, checks_text
    from provisioner.views.models import replaced_document, replaced_markdown, replaced_outline
    from provisioner.views.text import outline_text

    checked = report if report and (report.results or report.notes) else None
    if console.json:
        checks = checks_document(report) if report else None
        console.document({**replaced_document(found), "checks": checks})
    elif format is options.ReportFormat.markdown:
        console.result(replaced_markdown(found))
        if checked:
            console.result(f"\n{checks_markdown(checked)}")
    else:
        placed = [
            dataclasses.replace(one, position=_here(console, one.position))
            for one in found.replaced
        ]
        shown = dataclasses.replace(found, replaced=tuple(placed))
        console.result(outline_text(replaced_outline(shown), console.paint()))
        if checked:
            console.result(f"\n{checks_text(checked, console.paint())}")


COMMANDS = {"models": models}
