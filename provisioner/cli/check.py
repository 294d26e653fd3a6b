"""`check`: holds the conversations of the specs with what was applied, or with what is planned."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner import disk, interrupts
from provisioner.cli.console import Console, command, is_kept, refuse_file
from provisioner.cli.streams import aside
from provisioner.errors import UsageError
from provisioner.model import Problem

if TYPE_CHECKING:
    from provisioner.engine.checking import CheckOptions
    from provisioner.model import CheckReport, CheckResult

_NO_CHECKS = """\
There are no checks, so nothing was checked. Write one below an assistant:
    checks:
      greeting:
        - say: Hello
          expect: {contains: hello}"""


class CheckFormat(StrEnum):
    """How the result of checks is printed."""

    text = "text"
    json = "json"
    markdown = "markdown"


class Export(StrEnum):
    """Whose configuration checks are written as."""

    promptfoo = "promptfoo"


@command
def check(
    console: Console,
    addresses: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ADDR[#NAME]]...", help="Only the checks of this, or only one."),
    ] = None,
    planned: Annotated[
        bool,
        typer.Option(
            "--planned", help="Check what an apply would make, beside what is applied now."
        ),
    ] = False,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", metavar="FILE", help="Write the result as JUnit XML as well."),
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-tokens",
            metavar="N",
            min=1,
            help="Tokens that all checks together may take; what is not held then is an error.",
        ),
    ] = None,
    parallelism: Annotated[
        int, typer.Option("--parallelism", metavar="N", min=1, help="Conversations at once.")
    ] = 8,
    format: Annotated[CheckFormat, typer.Option("--format", help="How to print it.")] = (
        CheckFormat.text
    ),
    export: Annotated[
        Export | None,
        typer.Option(
            "--export", help="Write the checks as the configuration of this, and ask nobody."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="With --export: write it there."),
    ] = None,
) -> int:
    """Hold the checks of the specs with what is applied, or with what is planned."""
    from provisioner.engine.checking import CheckOptions

    if export is not None and (junit is not None or console.json or planned):
        detail = "`--export` asks nobody, so `--json`, `--junit` and `--planned` are not for it."
        raise UsageError(Problem("Wrong usage", detail))
    if export is not None:
        return _export(console, addresses or [], out)
    if out is not None:
        raise UsageError(Problem("Wrong usage", "`--out` is for `--export`."))
    if junit is not None:
        _prepare(console, junit)
    wanted = CheckOptions(max_tokens, parallelism)
    report = interrupts.run_main(_check(console, addresses or [], wanted, planned=planned))
    try:
        console.result(_text(console, report, format))
    finally:  # what was paid for is kept, where stdout takes nothing
        saved = junit is None or console.saved(junit, _junit(report), "Result")
    if report.interrupted:
        return interrupts.CODE
    return 0 if report.passed and saved else 1


def _junit(report: CheckReport) -> bytes:
    from provisioner.views.junit import checks_junit

    return checks_junit(report).encode()


def _prepare(console: Console, out: Path) -> None:
    """Make room for a file before anything is paid for that is to stand in it."""
    place = console.path(out)
    refuse_file(place.parent)
    if disk.is_folder(place):
        raise UsageError(Problem("Wrong usage", f"`{out}` is a folder.", "name a file in it"))
    if disk.real(place).is_relative_to(console.root / "specs"):
        detail = f"`{out}` would be read as a spec."
        raise UsageError(Problem("Wrong usage", detail, "name a file outside `specs/`"))
    if is_kept(disk.real(place)):
        detail = f"`{out}` looks like the settings of a workspace or a lock, not like a result."
        raise UsageError(Problem("Wrong usage", detail, "name another file"))
    disk.make_folder(place.parent)


def _export(console: Console, addresses: list[str], out: Path | None) -> int:
    """Checks as promptfoo has them; what it cannot say is said. Nothing exported is a failure."""
    from provisioner.engine.subjects import applied
    from provisioner.views.promptfoo import exported
    from provisioner.views.values import inline

    if out is not None:
        _prepare(console, out)
    context = console.open()
    subjects, notes, _ = applied(context, addresses)
    if not subjects:
        console.say(_NO_CHECKS)
    written = exported(subjects, context.workspace.name, context.environment, notes)
    for note in written.notes:
        console.say(f"note: {inline(note)}")
    for lost in written.lost:
        console.say(f"not translated: {inline(lost)}")
    if out is None:
        console.result(written.text)
    else:
        console.save(out, written.text.encode(), "Result")
    return 0 if written.tests else 1


async def _check(
    console: Console, addresses: list[str], wanted: CheckOptions, *, planned: bool
) -> CheckReport:
    context = console.open()
    with progress(console) as on_done:
        if planned:
            from provisioner.engine.planned import check_pairs
            from provisioner.engine.planned import planned as pairs_of

            found = await pairs_of(context, addresses)
            if not found.pairs:
                console.say(_NO_CHECKS)
            return await check_pairs(context, found, wanted, on_done)
        from provisioner.engine.checking import run_checks
        from provisioner.engine.subjects import applied

        subjects, notes, lock = applied(context, addresses)
        if not subjects:
            console.say(_NO_CHECKS)
        return await run_checks(context, subjects, wanted, on_done=on_done, notes=notes, lock=lock)


@contextmanager
def progress(console: Console) -> Iterator[Callable[[CheckResult], None]]:
    """What a run over checks calls for each of them, to say it as it comes. What a callable of the
    workspace prints meanwhile is not a result.
    """
    from provisioner.views.checks import check_line

    paint = console.paint(sys.stderr)
    with aside():
        yield lambda result: console.say(check_line(result, paint))


def _text(console: Console, report: CheckReport, format: CheckFormat) -> str:
    from provisioner.views.checks import checks_json, checks_markdown, checks_text

    if console.json:
        return checks_json(report)
    if format is CheckFormat.markdown:
        return checks_markdown(report)
    # Where the lines of the progress are still on the screen, they are not said again.
    seen = not console.quiet and sys.stdout.isatty() and sys.stderr.isatty()
    return checks_text(report, console.paint(), brief=seen)


COMMANDS = {"check": check}
