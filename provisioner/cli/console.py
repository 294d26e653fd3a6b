"""What every command gets: where, which environment, how to print; and how its errors end."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, get_type_hints

import typer

from provisioner import disk, interrupts, jsontext
from provisioner.cli import options
from provisioner.cli.streams import ResultsLost
from provisioner.errors import ProvisionerError, UsageError
from provisioner.model import Address, Position, Problem
from provisioner.records import dataclass

if TYPE_CHECKING:
    from provisioner.engine import Context
    from provisioner.views.values import Paint


P = ParamSpec("P")
_LONGEST = 200  # characters of a path that are worth reading
_COMMON = {
    "chdir": (options.Chdir, None),
    "environment": (options.EnvironmentOption, None),
    "variables": (options.Variables, None),
    "json": (options.Json, False),
    "no_color": (options.NoColor, False),
    "quiet": (options.Quiet, False),
    "verbose": (options.Verbose, False),
}


@dataclass(frozen=True, slots=True)
class Console:
    """The common options of one run."""

    root: Path
    base: Path  # what paths of the command line and positions are relative to
    environment: str | None
    variables: dict[str, str]
    json: bool
    color: bool
    quiet: bool
    verbose: bool

    def path(self, path: str | Path) -> Path:
        """A path of the command line: from the folder of `-C`, as with Terraform's and git's own,
        or from the working folder.
        """
        return self.base / path

    def placed(self, problems: Iterable[Problem]) -> list[Problem]:
        """The same problems with their files as they are called from the working folder."""
        return [replace(one, file=self.called(one.file)) if one.file else one for one in problems]

    def at(self, place: Position) -> Position:
        """The same place with its file as it is called from the working folder."""
        return replace(place, file=self.called(place.file))

    def called(self, file: str) -> str:
        """A file of the workspace as it is called from the working folder."""
        if self.root == self.base:
            return file
        return Path(os.path.relpath(self.root / file, self.base)).as_posix()

    def paint(self, stream: Any = None) -> Paint:
        from provisioner.views.values import Paint

        return Paint(self.color and color_wanted(stream or sys.stdout))

    def result(self, text: str) -> None:
        """Print a result to stdout, before whatever is said next: a log may have both streams in
        one.
        """
        sys.stdout.write(text)
        sys.stdout.flush()

    def document(self, document: Any) -> None:
        """Print a result as one JSON document."""
        self.result(jsontext.indented(document) + "\n")

    def save(self, out: Path, data: bytes, what: str, mode: int | None = None) -> None:
        """Write a file that was asked for, whole or not at all."""
        try:
            disk.put(self.path(out), data, mode)
        except OSError as error:
            detail = f"`{out}` cannot be written: {error.strerror}."
            hint = disk.remedy(error, "name a file in a folder that you may write to")
            raise UsageError(Problem(f"{what} not saved", detail, hint)) from error

    def saved(self, out: Path, data: bytes, what: str, mode: int | None = None) -> bool:
        """Whether it could be written, beside a result that is printed by now: what is wrong is
        said on stderr, because stdout has its document.
        """
        try:
            self.save(out, data, what, mode)
        except UsageError as error:
            fail(error.problems, as_json=False)
            return False
        return True

    def say(self, text: str) -> None:
        """Say something that is not a result."""
        if not self.quiet and text:
            print(text, file=sys.stderr, flush=True)

    @property
    def terminal(self) -> bool:
        """Whether somebody is there to be asked."""
        return sys.stdin.isatty() and sys.stdout.isatty()

    def open(self) -> Context:
        """The workspace in its environment, which must be named where nobody sees which one
        it is.
        """
        from provisioner import engine

        if self.environment is None and not self.terminal:
            from provisioner.workspace import Workspace

            workspace = Workspace.open(self.root)
            names = sorted(workspace.environments)
            if len(names) > 1:
                listed = ", ".join(f"`{name}`" for name in names)
                detail = (
                    f"This workspace has the environments {listed}. Without a terminal one of them"
                    " must be named."
                )
                hint = f"add `-e {workspace.default_environment}`, or set PROVISIONER_ENV"
                raise UsageError(Problem("Environment not named", detail, hint))
        return engine.open_context(self.root, self.environment, self.variables)


def command(function: Callable[Concatenate[Console, P], int | None]) -> Callable[..., int]:
    """A command: its function gets a console and its own options; its errors become problems and
    exit codes.
    """

    def called(context: typer.Context, **given: Any) -> int:
        common = {name: given.pop(name) for name in _COMMON}
        common["json"] = common["json"] or getattr(given.get("format"), "value", None) == "json"
        console = None
        try:
            console = _console(context, common)
            return function(console, **given) or 0  # type: ignore[call-arg]  # as the signature says
        except KeyboardInterrupt:
            print("Interrupted.", file=sys.stderr)
            return interrupts.CODE
        except ResultsLost:
            raise  # the end of the run says it
        except Exception as error:  # noqa: BLE001  # the end of the line: nobody above could do better
            problems = _gathered(error)
            problems = console.placed(problems) if console else problems
            if problems:
                color = not common["no_color"] and color_wanted(sys.stderr)
                events = context.info_name in ("apply", "chat", "destroy", "rollback")
                code = fail(problems, as_json=common["json"], color=color, summary=events)
            else:
                code = bug(error, verbose=common["verbose"], as_json=common["json"])
            return interrupts.CODE if interrupts.came() else code

    called.__name__, called.__doc__ = function.__name__, function.__doc__
    # The command's own options, then the common ones.
    kinds = inspect.Parameter
    hints = get_type_hints(function, include_extras=True)
    own = list(inspect.signature(function).parameters.values())[1:]
    parameters = [kinds("context", kinds.KEYWORD_ONLY, annotation=typer.Context)]
    parameters += [one.replace(annotation=hints[one.name], kind=kinds.KEYWORD_ONLY) for one in own]
    for name, (annotation, default) in _COMMON.items():
        parameters.append(kinds(name, kinds.KEYWORD_ONLY, annotation=annotation, default=default))
    signature = inspect.Signature(parameters)
    called.__signature__ = signature  # type: ignore[attr-defined]  # what typer reads
    called.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()}
    return called


def _gathered(error: Exception) -> list[Problem]:
    """The problems of a group of errors that failed side by side; none where one of them is no
    problem of ours.
    """
    if isinstance(error, OSError) and error.filename is not None:
        # A path that the disk refuses, wherever it came from, is nobody's bug.
        name = (
            os.fsdecode(error.filename)
            if isinstance(error.filename, str | bytes)
            else str(error.filename)
        )
        shown = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}… ({len(name):,} characters)"
        detail = f"`{shown}` cannot be used: {(error.strerror or type(error).__name__).lower()}."
        hint = disk.remedy(error, "name another place, or mend this one")
        return [Problem("File not usable", detail, hint)]
    if not isinstance(error, ExceptionGroup):
        return list(error.problems) if isinstance(error, ProvisionerError) else []
    gathered = [_gathered(one) for one in error.exceptions]
    return (
        list(dict.fromkeys(problem for each in gathered for problem in each))
        if all(gathered)
        else []
    )


def _console(context: typer.Context, common: dict[str, Any]) -> Console:
    chdir, environment = context.find_root().obj or (None, None)
    named = common["chdir"] or chdir
    base = disk.real(named or ".")
    if not base.is_dir():
        raise UsageError(
            Problem(
                "Folder not found", f"`{base}` is not a folder.", "name the workspace with `-C DIR`"
            )
        )
    search = named is None and context.info_name not in _WITHOUT_WORKSPACE
    root = _workspace_above(base) if search else base
    variables: dict[str, str] = {}
    for text in common["variables"] or ():
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UsageError(
                Problem("Wrong usage", f"`--var {text}` is not of the form `--var NAME=VALUE`.")
            )
        variables[name] = value
    console = Console(
        root,
        base,
        environment=common["environment"] or environment,
        variables=variables,
        json=common["json"],
        color=not common["no_color"],
        quiet=common["quiet"],
        verbose=common["verbose"] or os.environ.get("PROVISIONER_DEBUG") == "1",
    )
    if root != base:
        console.say(f"Workspace: {root}")
    return console


_WITHOUT_WORKSPACE = ("explain", "init", "schema", "version")


def _workspace_above(folder: Path) -> Path:
    """The nearest folder from here upwards that has a `provisioner.yaml`, up to the root of the git
    repository; this one, where none has, or where it is a workspace without settings. A folder of
    another user is not gone into.
    """
    with contextlib.suppress(OSError):  # a folder that nobody may look at
        if (folder / "specs").is_dir():
            return folder
        for place in (folder, *folder.parents):
            if place.stat().st_uid != folder.stat().st_uid:
                break
            if (place / "provisioner.yaml").is_file():
                return place
            if os.path.lexists(place / ".git"):
                break
    return folder


def refuse_file(folder: Path) -> None:
    """UsageError where something else stands in the place of a folder that is to be written
    into.
    """
    for place in (folder, *folder.parents):
        if place.is_dir():
            return
        if os.path.lexists(place):
            detail = f"`{place}` is not a folder, so nothing can be written into it."
            raise UsageError(Problem("Not a folder", detail, "name another folder"))


def is_kept(place: Path) -> bool:
    """Whether a file is called like the settings of a workspace, a lock or its journal: no result
    is written over those.
    """
    name = place.name
    return name in ("provisioner.yaml", "lock.json") or name.endswith((".lock.json", ".journal"))


def addresses(texts: list[str] | None) -> frozenset[Address]:
    """The addresses of a command line."""
    return frozenset(address_of(text) for text in texts or ())


def address_of(text: str) -> Address:
    """One address of a command line."""
    try:
        return Address.parse(text)
    except ValueError as error:
        plain = re.fullmatch(r"[\w-]+", text)
        hint = f"write its kind before it: `assistant.{text}`" if plain else None
        raise UsageError(Problem("Not an address", f"{error}.", hint)) from None


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a command line, right or wrong, asked for JSON."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return any(
        first in ("--json", "--format=json") or (first, second) == ("--format", "json")
        for first, second in pairs
    )


def fail(
    problems: Iterable[Problem], *, as_json: bool, color: bool | None = None, summary: bool = False
) -> int:
    """Print problems, as text to stderr or as one JSON document to stdout (the `summary` of a
    stream of events, where there is one), and return the exit code.
    """
    from provisioner.views.problems import problems_json, problems_text
    from provisioner.views.values import Paint

    if as_json:
        head = {"type": "summary"} if summary else {}
        print(json.dumps({**head, **problems_json(problems)}, ensure_ascii=False))
    else:
        sys.stderr.write(
            problems_text(problems, Paint(color_wanted(sys.stderr) if color is None else color))
        )
    return 1


def color_wanted(stream: object) -> bool:
    """Whether colours are wanted on a stream: a terminal that is not dumb, without NO_COLOR."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty())


def bug(error: BaseException, *, verbose: bool, as_json: bool) -> int:
    """Tell of an error of our own in one line; its traceback only to who asks."""
    if verbose or os.environ.get("PROVISIONER_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    from provisioner.masking import without_keys

    message = without_keys(str(error).split("\n", 1)[0])
    said = f"{type(error).__name__}: {message}" if message else type(error).__name__
    if as_json:
        from provisioner.model import Problem

        return fail([Problem("This is a bug in provisioner", said, _REPORT)], as_json=True)
    print(f"This is a bug in provisioner: {said} ({_REPORT})", file=sys.stderr)
    return 1


_REPORT = "PROVISIONER_DEBUG=1 shows the traceback for a report"
