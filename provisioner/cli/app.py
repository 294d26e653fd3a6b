"""The table of commands, each imported only when it is called or described, and the ends of every
run.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from enum import EnumType
from functools import cache, partial
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from provisioner import interrupts
from provisioner.cli.habits import command_hint, one_dash, option_words
from provisioner.cli.options import Chdir, EnvironmentOption
from provisioner.cli.streams import ResultsLost, guarded_streams, no_results

# In the order of the help. A test compares each summary with the command's own.
COMMANDS = {
    "init": "Write a commented starter workspace.",
    "validate": "Check the specs of every environment, without a connection.",
    "fmt": "Bring the specs into one layout, comments kept.",
    "plan": "Show what an apply would change.",
    "apply": "Make the service match the specs, or apply a saved plan.",
    "destroy": "Delete everything that the lock names.",
    "drift": "Show what somebody else changed since the last apply.",
    "accept": "Write what somebody else changed at the service into the specs.",
    "import": "Take over objects that exist: specs are written, the lock is filled.",
    "models": "Show the models in use and when they end, or replace one.",
    "show": "Show what was applied, or a saved plan.",
    "state": "Look at the lock, or change what it says.",
    "versions": "List the versions of a request profile that are kept.",
    "diff": "Show what differs between two versions of a request profile.",
    "rollback": "Make an older version of a request profile the newest again.",
    "force-unlock": "Take the lock away from a process that is gone.",
    "output": "Print what applications need: ids, request profiles, and calls.",
    "check": "Hold the checks of the specs with what is applied, or with what is planned.",
    "chat": "Talk with an assistant that has been applied, or with what is planned.",
    "graph": "Draw what depends on what, as a Mermaid flowchart.",
    "explain": "Explain a kind or a field: limits, default, each API, and an example.",
    "schema": "Print the JSON Schemas of what is read, kept and printed.",
    "local": "Run the embedded service, or forget its data.",
    "version": "Print the version.",
}

_WORDS_OF_PYTHON = {"import": "importing"}  # no module can be called so

# What our own GitHub Action calls, and nobody else needs.
_INTERNAL = {
    "compare-origin": "Tell where keys would go otherwise than by another provisioner.yaml.",
}

# typer re-exports BadParameter alone; its base is the error of every wrong command line, wherever
# that lives. So it is with what commands and groups have in common.
WrongUsage: Any = typer.BadParameter.__mro__[1]
_Click: Any = TyperCommand.__mro__[1]


class _Ours(_Click):  # type: ignore[misc]  # its base is found at run time, see above
    """Where a long option has two dashes: `-yes` is not `-y -e s`."""

    def get_help_option(self, ctx: Any) -> Any:
        found = super().get_help_option(ctx)
        return found if found is None or "process_value" in vars(found) else _light_option(found)

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        if one_dash(self, args):
            raise WrongUsage("", ctx=ctx)
        return super().parse_args(ctx, args)


class Command(_Ours, TyperCommand):
    """One command."""


class Group(_Ours, TyperGroup):
    """A group that knows `help`, and what a misspelt command may have meant."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] == "help":
            asked = [word for word in args[1:] if word != "help"]
            if not asked or asked[0].startswith("-"):
                sys.stdout.write(f"{ctx.get_help()}\n")
                ctx.exit()
            args = [*asked, "--help"]
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise UnknownCommand(name, self.list_commands(ctx), ctx)
        return super().resolve_command(ctx, args)


class UnknownCommand(WrongUsage):  # type: ignore[misc]  # its base is found at run time, see above
    """A command that does not exist, with what to type instead."""

    def __init__(self, name: str, known: Sequence[str], context: Any) -> None:
        super().__init__(f"There is no command `{name}`.", ctx=context)
        from provisioner.text import did_you_mean

        near = did_you_mean(name, known)
        habit = command_hint(name) if "plan" in known else None
        listed = ", ".join(f"`{one}`" for one in known)
        self.hint = habit or near or f"the commands are {listed}"


class Root(Group):
    """The commands of the table; the module of each has its name."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load_command(cmd_name) if cmd_name in COMMANDS or cmd_name in _INTERNAL else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def module_of(name: str) -> Any:
    """The module of one command."""
    word = _WORDS_OF_PYTHON.get(name, name.replace("-", "_"))
    return import_module(f"provisioner.cli.{word}")


@cache
def load_command(name: str) -> Any:
    """One command as click has it."""
    module = module_of(name)
    app = typer.Typer(
        name=name,
        cls=Group,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help={**COMMANDS, **_INTERNAL}[name],
    )
    for word, function in module.COMMANDS.items():
        app.command(word, cls=Command)(function)
    if list(module.COMMANDS) != [name]:
        app.callback()(_group)
    return _light(get_command(app))


def _group() -> None:
    """A group alone does nothing."""


def root() -> Any:
    """The whole command line as click has it; the reference page is made from it."""
    app = typer.Typer(
        cls=Root,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(provisioner)
    return _light(get_command(app))


def _light(command: Any) -> Any:
    """The command, whose parameters are converted only where there is something to convert: typer
    asks pydantic even about options that nobody has given, and its import takes longer than
    everything else at the start of a command.
    """
    for parameter in command.params:
        _light_option(parameter)
    for inner in getattr(command, "commands", {}).values():
        _light(inner)
    return command


def _light_option(parameter: Any) -> Any:
    parameter.process_value = partial(_process, parameter, parameter.process_value)
    return parameter


def _process(parameter: Any, convert: Callable[[Any, Any], Any], context: Any, value: Any) -> Any:
    """A value as the command is to get it, if that needs no thought; else what `convert` makes
    of it.
    """
    if value is None and not parameter.required:
        found: Any = () if parameter.multiple or parameter.nargs != 1 else None
    else:
        takes = getattr(parameter, "type_descriptor", None)
        found = _evident(takes, value) if takes else None
        if found is None:
            return convert(context, value)
    return found if parameter.callback is None else parameter.callback(context, parameter, found)


_NUMBER = re.compile(r"[0-9]{1,9}")


def _evident(takes: Any, value: Any) -> Any:
    """A value that is plainly what an option takes, as that; None for any other."""
    sort = takes.annotation
    if type(value) is sort and (sort in (str, bool) or isinstance(sort, EnumType)):
        return value
    if type(value) is str and isinstance(sort, EnumType) and value in sort._value2member_map_:
        return sort(value)
    if sort == list[str] and type(value) in (list, tuple) and {*map(type, value)} == {str}:
        return list(value)
    if sort in (int, float) and _NUMBER.fullmatch(str(value)):
        low, high = takes.parameter_info.min, takes.parameter_info.max
        number = sort(value)
        in_range = (low is None or low <= number) and (high is None or number <= high)
        return number if in_range else None
    return None


def provisioner(
    context: typer.Context, chdir: Chdir = None, environment: EnvironmentOption = None
) -> None:
    """Keep OpenAI assistants, tools, vector stores and files as code: validate, plan, apply."""
    context.obj = (chdir, environment)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; 2 means changes, never wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        # What a stream cannot carry (an arrow in ASCII, half a character of a file's name) is spelt
        # out.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # in some tests a stream is not a text file
            reconfigure(errors="backslashreplace")
    with guarded_streams():
        try:
            code = _carry_out(arguments)
            sys.stdout.flush()
        except ResultsLost as lost:
            return no_results(lost.why)
        return code


def _carry_out(arguments: Sequence[str]) -> int:
    command = root()
    if not arguments:
        with command.make_context("provisioner", [], resilient_parsing=True) as context:
            sys.stderr.write(f"{command.get_help(context)}\n")
        return 1
    try:
        with interrupts.watched():
            code = command.main(list(arguments), prog_name="provisioner", standalone_mode=False)
            sys.stdout.flush()
    except WrongUsage as error:
        return _wrong_usage(error, arguments)
    except (KeyboardInterrupt, typer.Abort):  # typer turns one into the other where it meets it
        return interrupts.CODE
    return code if isinstance(code, int) else 0


def _wrong_usage(error: Any, arguments: Sequence[str]) -> int:
    from provisioner.cli.console import fail, wants_json  # `--help` does without them
    from provisioner.model import Problem

    path = error.ctx.command_path if error.ctx else "provisioner"
    detail = error.format_message() or "A command is missing."
    hint = getattr(error, "hint", None)
    habit = option_words(error.ctx.command, arguments) if error.ctx and not hint else None
    if habit:
        detail, hint = habit
    problem = Problem("Wrong usage", detail, hint or f"`{path} --help` lists what it takes")
    return fail([problem], as_json=wants_json(arguments))
