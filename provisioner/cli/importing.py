"""`import`: take over what exists at the service."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner import disk, interrupts
from provisioner.cli import options
from provisioner.cli.console import Console, address_of, command
from provisioner.errors import PlanError, ProvisionerError, UsageError
from provisioner.kinds import is_file
from provisioner.model import Address, Plan, Problem
from provisioner.records import dataclass

if TYPE_CHECKING:
    from provisioner.engine import Context, Session
    from provisioner.engine.importing import Drafts, ImportOptions

_OFTEN = 100  # documents that take a while, and texts between two lines of progress
_WRITTEN = (
    "The specs are written, and their `imports` name what is not taken over yet: the same command,"
    " or `provisioner apply`, goes on from there."
)
_EMPTY = "The plan for what was imported is empty: the specs say what the service has."
_EDITED = (
    "The plan for what was imported is not empty: somebody has edited it meanwhile. `provisioner"
    " accept` takes that into the specs, and `provisioner apply` undoes it."
)


@dataclass(frozen=True, slots=True)
class _How:
    """What is allowed, and how it goes about it."""

    approved: bool
    stamp: bool
    download: bool
    parallelism: int
    lock_timeout: float


@command
def import_(
    console: Console,
    addr: Annotated[
        str | None, typer.Argument(metavar="[ADDR]", help="The address that one object is to have.")
    ] = None,
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Its id.")] = None,
    all: Annotated[
        bool, typer.Option("--all", help="Everything that nobody has stamped and no spec names.")
    ] = False,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="KIND", help="Of this kind alone; repeatable."),
    ] = None,
    match: Annotated[
        str | None, typer.Option("--match", metavar="GLOB", help="Of such a name alone.")
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            "--into",
            metavar="FILE",
            help="The spec that it is written into; default: `specs/imported.yaml`.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE|DIR|-",
            help="Specs out of an export, code or a configuration; nothing of it is run.",
        ),
    ] = None,
    answers: Annotated[
        int,
        typer.Option(
            "--answers",
            metavar="N",
            min=0,
            help="With --from: at most so many old conversations of each assistant as its checks.",
        ),
    ] = 0,
    no_stamp: Annotated[
        bool,
        typer.Option("--no-stamp", help="Leave the objects as they are: only the lock is filled."),
    ] = False,
    files: Annotated[
        Path | None,
        typer.Option(
            "--files",
            metavar="DIR",
            help="Local files that documents are paired with, by name and size.",
        ),
    ] = None,
    download: Annotated[
        bool,
        typer.Option(
            "--download",
            help="Write the texts of other documents into `extracted/`, as the service has them.",
        ),
    ] = False,
    auto_approve: options.AutoApprove = False,
    parallelism: options.Parallelism = 10,
    lock_timeout: options.LockTimeout = 0,
) -> int:
    """Take over objects that exist: specs are written, the lock is filled."""
    if source is not None:
        other = bool(addr or id or all or kind or match)
        return _import_from(console, source, into, answers=answers, other=other)
    if answers:
        raise UsageError(Problem("Wrong usage", "`--answers` is for `--from`."))
    from provisioner.engine.importing import ImportOptions
    from provisioner.importing.writing import INTO

    if bool(addr) == all or bool(addr) != bool(id):
        hint = (
            "write `provisioner import assistant.support asst_…`, `provisioner import --all`, or"
            " `provisioner import --from export.json`"
        )
        raise UsageError(Problem("Wrong usage", "One object, `--all`, or `--from`.", hint))
    if addr and (kind or match is not None):
        hint = f"write `provisioner import {addr} {id}`"
        raise UsageError(Problem("Wrong usage", "`--kind` and `--match` are for `--all`.", hint))
    wanted = ImportOptions(
        _kinds(kind or []),
        match,
        into=_inside(console, into, "--into") if into else INTO,
        documents=_inside(console, files, "--files") if files is not None else None,
        one=(address_of(addr), id) if addr and id else None,
    )
    _check_into(wanted.into)
    how = _How(auto_approve, not no_stamp, download, parallelism, lock_timeout)
    return interrupts.run_main(_import(console, wanted, how))


def _import_from(
    console: Console, source: str, into: Path | None, *, answers: int, other: bool
) -> int:
    """Write the specs of what a source describes, and say what of it is not in them."""
    from provisioner.engine import imported
    from provisioner.engine.from_sources import draft_sources
    from provisioner.importing.sources import LARGEST
    from provisioner.importing.writing import INTO
    from provisioner.views.losses import losses_text, sources_json
    from provisioner.views.problems import problems_text

    if other:
        hint = "write `provisioner import --from FILE`, with `--into FILE` or without"
        raise UsageError(Problem("Wrong usage", "`--from` reads all of a source.", hint))
    where = _inside(console, into, "--into") if into else INTO
    _check_into(where)
    given = sys.stdin.buffer.read(LARGEST + 1) if source == "-" else console.path(source)
    made = draft_sources(console.root, given, where, answers)
    imported.put(console.root, made.drafted)
    failed = any(problem.severity == "error" for problem in made.findings.problems)
    if console.json:
        console.document(sources_json(made))
        return int(failed)
    problems = made.findings.problems
    sys.stderr.write(problems_text(problems, console.paint(sys.stderr)) if problems else "")
    for name in made.changed:
        console.say(f"Wrote {console.called(name)}")
    console.result(losses_text(made, verbose=console.verbose))
    return int(failed)


def _kinds(words: list[str]) -> frozenset[str]:
    from provisioner.kinds import kinds
    from provisioner.text import suggest

    known = {name for name, one in kinds().items() if not one.inlined}
    sections = {kinds()[name].section: name for name in known}
    chosen = [sections.get(word, word) for word in words]
    for word in chosen:
        if word not in known:
            detail = f"There is no kind `{word}` that could be listed."
            raise UsageError(Problem("Wrong usage", detail, suggest(word, known, "there are")))
    return frozenset(chosen)


def _inside(console: Console, path: Path, option: str) -> str:
    """A path of the command line from the root of the workspace; UsageError outside of it."""
    place = disk.real(console.path(path))
    root = disk.real(console.root)
    if not place.is_relative_to(root):
        detail = f"`{option} {path}` is outside of the workspace."
        raise UsageError(Problem("Wrong usage", detail, f"name something below `{root}`"))
    if option == "--files" and not disk.is_folder(place):
        raise UsageError(Problem("Wrong usage", f"`{path}` is not a folder.", "name a folder"))
    inner = place.relative_to(root).as_posix()
    return "" if inner == "." else inner


def _check_into(into: str) -> None:
    from provisioner.workspace.sections import FOLDER, SUFFIXES

    hidden = any(part.startswith(".") for part in into.split("/"))
    if hidden or not (into.startswith(f"{FOLDER}/") and into.endswith(SUFFIXES)):
        detail = f"`{into}` is not a spec: those are the YAML files below `specs/`"
        detail += ", but for hidden ones." if hidden else "."
        raise UsageError(Problem("Wrong usage", detail, "write `--into specs/imported.yaml`, say"))


async def _import(console: Console, wanted: ImportOptions, how: _How) -> int:
    """What somebody edits between reading and planning is read again, twice at most; then it is
    shown in the plan.
    """
    from provisioner.engine import imported, importing

    for last in (False, False, True):
        drafts = await importing.draft(console.open(), wanted)
        before = imported.put(console.root, drafts.drafted)
        try:
            return await _adopt(console, wanted, how=how, drafts=drafts, last=last)
        except imported.EditedMeanwhile:
            imported.take_back(console.root, before)
    raise AssertionError("the last one is planned as it is")


async def _adopt(
    console: Console, wanted: ImportOptions, *, how: _How, drafts: Drafts, last: bool
) -> int:
    from provisioner.engine import imported

    context = console.open()
    waiting = imported.waiting(context, wanted.into)
    if wanted.one:
        waiting = {address: id for address, id in waiting.items() if address == wanted.one[0]}
    left = None
    if waiting:
        try:
            code = await _take_over(console, context, waiting, how=how, drafts=drafts, last=last)
        except ProvisionerError:  # nobody is there to say yes, or the lock is read-only, say
            console.say(_WRITTEN)
            raise
        if code:
            console.say(_WRITTEN)
            return code
        left = await _left(console, waiting)
    else:
        _say(console, drafts)
    imported.take_out_imports(context, wanted.into)
    if how.download:
        await _download(console)
    _report(console, drafts, waiting, left)
    return 0 if left is None or left.empty else 1


def _say(console: Console, drafts: Drafts, said: Collection[str] = ()) -> None:
    """What was written, and what there is to say of it that the plan has not `said`."""
    from provisioner.views.values import inline

    for name in drafts.drafted.files:
        console.say(f"Wrote {console.called(name)}")
    for remark in drafts.remarks:
        if remark not in said:
            console.say(inline(remark))


async def _take_over(
    console: Console,
    context: Context,
    waiting: Mapping[Address, str],
    *,
    how: _How,
    drafts: Drafts,
    last: bool,
) -> int:
    from provisioner.cli.applying import (
        ApplyRequest,
        GivenApproval,
        confirm_and_carry_out,
        exit_code,
    )
    from provisioner.engine import ApplyOptions, Session, imported
    from provisioner.plan import PlanOptions

    documents = sum(map(is_file, waiting))
    if documents >= _OFTEN:
        console.say(f"Comparing {documents:,} documents with the local files…")
    options = ApplyOptions(parallelism=how.parallelism, lock_timeout=how.lock_timeout)
    async with Session.writing(context, options, console.say) as session:
        session.unstamped = await imported.unstamped(session, waiting, none=not how.stamp)
        plan = await imported.planned(
            session, PlanOptions(targets=frozenset(waiting)), None if last else drafts
        )
        _say(console, drafts, plan.notes)
        if not how.stamp:
            imported.check_untouched(plan)
        # Where nothing is written, there is nothing to approve.
        approval = GivenApproval(how.approved or not how.stamp)
        if console.json:
            return await _quietly(session, plan, approval.given)
        request = ApplyRequest(options, approval)
        done = await confirm_and_carry_out(console, session, plan, request)
    return 1 if done is None else exit_code(done)


async def _quietly(session: Session, plan: Plan, approved: bool) -> int:
    """The same without a word: the one document comes at the end."""
    from provisioner.engine.session import check_applicable

    check_applicable(plan, force=False)
    if not approved:
        hint = "review it with `provisioner plan`, and add `--auto-approve`"
        raise UsageError(Problem("Approval needed", "There is no terminal to ask on.", hint))
    applied = await session.apply(plan, lambda _event: None)
    if applied.failed:
        raise PlanError(applied.failed)
    return interrupts.CODE if applied.interrupted else 0


async def _download(console: Console) -> None:
    from provisioner.engine.extracting import FOLDER, extract
    from provisioner.text import listed

    def progress(done: int, total: int) -> None:
        if done % _OFTEN == 0 and done < total:
            console.say(f"{done:,} of {total:,} texts")

    found = await extract(console.open(), progress)
    console.say(
        f"{len(found.written):,} texts in `{FOLDER}/`, {found.there:,} that were there. They are"
        " what the service has read out of documents, not the documents: nothing uploads them."
    )
    if found.without:
        some = listed(f"`{id}`" for id in found.without)
        console.say(f"The service shows no text of {some}.")


async def _left(console: Console, waiting: Mapping[Address, str]) -> Plan:
    """What a plan has left for what was imported: nothing."""
    from provisioner.cli.planning import plan_now
    from provisioner.plan import PlanOptions

    return await plan_now(console.open(), PlanOptions(targets=frozenset(waiting)))


def _report(
    console: Console, drafts: Drafts, imported: Mapping[Address, str], left: Plan | None
) -> None:
    if console.json:
        console.document(
            {
                "imported": {str(address): id for address, id in sorted(imported.items())},
                "written": sorted(drafts.drafted.files),
                "remarks": list(drafts.remarks),
                "plan_is_empty": left is None or left.empty,
            }
        )
    elif left is None:
        console.result("Nothing to import.\n")
    elif left.empty:
        console.result(f"{_EMPTY}\n")
    else:
        from provisioner.cli.planning import text_of

        console.result(text_of(console, left, console.paint()))
        console.say(_EDITED)


COMMANDS = {"import": import_}
