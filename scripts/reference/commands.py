"""The reference of the command line, generated from the functions that typer calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cache
from typing import Any, get_args

from provisioner.cli import app
from provisioner.text import sentence
from scripts.reference.markdown import NOTICE, link, table

INTRODUCTION = """\
Results go to stdout, everything else to stderr. `--json` prints one JSON document, `apply` and
`destroy` print one JSON event a line. Without a terminal nothing is asked: an apply that would have
to ask shows the plan and exits with 1. Without a terminal the environment must be named where a
workspace has more than one.

## Exit codes

| code | meaning |
| --- | --- |
| 0 | done |
| 1 | any error, wrong usage included; a plan that cannot be applied; `fmt --check`: not tidy |
| 2 | there are changes (`plan --detailed-exitcode`), or there is drift (`drift`); nothing else |
| 130 | interrupted |

## Addresses

`ADDR` is `kind.name`: `assistant.support`, `vector_store.handbook`, `file.docs/leave.md`.
"""
ENVIRONMENT = """\
## Environment variables

| name | meaning |
| --- | --- |
| `PROVISIONER_ENV` | the environment, where `-e` is not given |
| `PROVISIONER_VAR_NAME` | the value of the variable `NAME` |
| `PROVISIONER_DEBUG=1` | as `-v`; shows the traceback of a bug |
| `PROVISIONER_NO_CALLABLES=1` | `check` runs no code of the workspace |
| `NO_COLOR` | no colours |
| `OPENAI_API_KEY` | the API key, unless `api_key` of the environment names another variable |
"""

_DEFAULT = """\
`default_environment` of `provisioner.yaml` counts on a terminal only. Without one and with several
environments, `-e` or `PROVISIONER_ENV` has to name one.
"""

Function = Callable[..., Any]
_EXTRA = {
    "plan": (
        "Exits with 0, or with 2 under `--detailed-exitcode` where there are changes. A plan that"
        " is blocked exits with 1. `--out` writes the plan whole or not at all, readable by its"
        " owner alone."
    ),
    "apply": (
        "Exits with 1 where anything failed or was skipped; what was done is in the lock, and the"
        " next apply goes on from there. A saved plan is applied exactly or refused, and nobody is"
        " asked, unless it was made with `--destroy`. With `--check` it exits with 1 where a check"
        " does not hold, too, and names the commit to revert; nothing is checked where the apply"
        " failed."
    ),
    "drift": (
        "Exits with 2 where something was changed outside, changed on both sides or is missing,"
        " else with 0; your own edits do not count. Nothing is written, neither here nor at the"
        " service."
    ),
    "fmt": "Prints the files that changed, or with `--check` those that would.",
    "validate": (
        "Checks every environment unless `-e` is given. Errors exit with 1, warnings with 0. With"
        " `-v` it shows what the API of each environment makes of each assistant: what is carried,"
        " renamed, left to the API's own default, unused or lost. See [the APIs](../apis.md)."
    ),
    "check": (
        "Exits with 0 where every check held, or where there are none, and with 1 where one did not"
        " or could not be run. With `--planned`, what cannot be told before an apply is shown as"
        " `needs apply`, and is no failure. What is made at the service for a check is deleted"
        " afterwards. See [checks](../checks.md)."
    ),
    "explain": (
        "Needs neither a workspace nor a key. Fields lie as deep as they do in a spec:"
        " `assistant.tools.file_search.max_num_results`, `vector_store.files.chunking`. `-v` adds"
        " the types and limits of the fields below. What each API calls a field is where a request"
        " of this release has it."
    ),
    "output": "Reads the lock alone; needs no key.",
    "versions": "Reads the lock alone; needs no key. See [versions](../versions.md).",
    "diff": (
        "Reads the lock alone; needs no key. Exits with 0 whether they differ or not. What an apply"
        " would change is shown by `plan`."
    ),
    "rollback": (
        "Shows what changes and asks; without a terminal it needs `-y`. The service is only asked"
        " whether everything is there that the version names, and the specs are not read. Exits"
        " with 0 where the newest version sends the same already. See [versions](../versions.md)."
    ),
    "state mv": (
        "The object at the service is stamped with the new address first, then the lock is written."
        " Where the service cannot be reached, nothing is moved; the same command finishes what was"
        " stopped. Rename the resource in the specs as well."
    ),
}


def page() -> str:
    """The whole page."""
    named = dict(_commands())
    contents = "".join(f"- {link(f'provisioner {name}')}\n" for name in named)
    parts = [
        "# Commands\n",
        f"{NOTICE}\n",
        INTRODUCTION,
        ENVIRONMENT,
        _DEFAULT,
        "## Common options\n",
    ]
    parts += [
        "Every command takes these. `-C` and `-e` may also stand before the command.\n",
        _common(),
        contents,
    ]
    parts += [_command(name, function) for name, function in named.items()]
    return "\n".join(parts)


def _commands() -> Iterator[tuple[str, Function]]:
    """Every command by the words that are typed."""
    for name in app.COMMANDS:
        functions: dict[str, Function] = app.module_of(name).COMMANDS
        for word, function in functions.items():
            yield (name if list(functions) == [name] else f"{name} {word}"), function


def _common() -> str:
    some = next(function for _, function in _commands())
    parameters = inspect.signature(some).parameters
    shared = [one for name, one in parameters.items() if name in _shared() and name != "context"]
    return table(("option", "meaning"), [_row(one.annotation, one.default) for one in shared])


def _command(name: str, function: Function) -> str:
    own = [
        one for one in inspect.signature(function).parameters.values() if one.name not in _shared()
    ]
    arguments = [one for one in own if _is_argument(one)]
    options = [one for one in own if not _is_argument(one)]
    usage = " ".join(
        ["provisioner", name, *(["[OPTIONS]"] if options else []), *map(_metavar, arguments)]
    )
    parts = [
        f"## provisioner {name}\n",
        f"{sentence(inspect.getdoc(function) or '')}\n",
        f"```text\n{usage}\n```\n",
    ]
    for title, some in (("argument", arguments), ("option", options)):
        if some:
            parts.append(
                table((title, "meaning"), [_row(one.annotation, one.default) for one in some])
            )
    if name in _EXTRA:
        parts.append(f"{_EXTRA[name]}\n")
    return "\n".join(parts)


@cache
def _shared() -> frozenset[str]:
    """The names of the parameters that every command has."""
    return frozenset.intersection(
        *(frozenset(inspect.signature(one).parameters) for _, one in _commands())
    )


def _typer_info(annotation: Any) -> Any:
    """What typer knows of a parameter: names, help, limits."""
    return get_args(annotation)[1]


def _is_argument(parameter: inspect.Parameter) -> bool:
    return type(_typer_info(parameter.annotation)).__name__ == "ArgumentInfo"


def _metavar(parameter: inspect.Parameter) -> str:
    return str(_typer_info(parameter.annotation).metavar)


def _row(annotation: Any, default: Any) -> tuple[str, str]:
    kind, info = get_args(annotation)[:2]
    choices = _choices(kind)
    value = info.metavar or "|".join(choices)
    names = ", ".join(f"`{name}`" for name in _names(info))
    head = f"{names} `{value}`" if names and value else names or f"`{value}`"
    return head, " ".join([sentence(info.help), *_more(kind, info, default)])


def _names(info: Any) -> list[str]:
    """The spellings of an option, short ones first; typer keeps the first one apart. None for an
    argument.
    """
    given = (info.default, *(info.param_decls or ()))
    return sorted(
        (name for name in given if isinstance(name, str) and name.startswith("-")), key=len
    )


def _more(kind: Any, info: Any, default: Any) -> Iterator[str]:
    if (
        list in [getattr(one, "__origin__", None) for one in (kind, *get_args(kind))]
        and "repeatable" not in info.help
    ):
        yield "Repeatable." if _names(info) else "Several may be given."
    if info.min is not None:
        yield f"At least {info.min}." if info.max is None else f"{info.min} to {info.max}."
    shown = default.value if isinstance(default, Enum) else default
    if isinstance(shown, str | int | float) and not isinstance(shown, bool):
        yield f"Default `{shown}`."
    if info.envvar:
        yield f"Or `{info.envvar}`."


def _choices(kind: Any) -> list[str]:
    for one in (kind, *get_args(kind)):
        if isinstance(one, type) and issubclass(one, Enum):
            return [str(member.value) for member in one]
    return []
