"""What people type who come from other tools, and what to type here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# A command elsewhere, and the command here that does the same.
_COMMANDS = {
    "delete": "destroy",
    "deploy": "apply",
    "format": "fmt",
    "lint": "validate",
    "new": "init",
    "outputs": "output",
    "preview": "plan",
    "push": "apply",
    "reset": "local reset",
    "rm": "state rm",
    "serve": "local serve",
    "status": "plan",
    "sync": "apply",
    "up": "apply",
}
_ADVICE = {
    "describe": "`provisioner state show ADDR` prints what was applied, `explain KIND` what can be",
    "docs": "`provisioner explain KIND.FIELD` says what a field is, with an example",
    "history": "`provisioner versions ADDR` lists the versions of a request profile",
    "refresh": "every plan looks at the service; `provisioner drift` shows what others changed",
    "revert": "`git revert` and an apply; when minutes count, `provisioner rollback ADDR --to N`",
    "rollout": (
        "`provisioner versions ADDR` lists the versions of a request profile, and `provisioner"
        " rollback ADDR --to N` puts one back"
    ),
    "taint": "`provisioner plan --replace ADDR` replaces a resource",
    "test": "`provisioner check` holds the checks of the specs, `provisioner validate` reads them",
    "undo": "`git revert` and an apply; when minutes count, `provisioner rollback ADDR --to N`",
    "unlock": "did you mean `force-unlock`?",
    "workspace": "environments are declared in `provisioner.yaml`; `-e NAME` names one",
}

# An option elsewhere, without its dashes.
_OPTIONS = {
    "dry-run": "`provisioner plan` shows it and changes nothing",
    "recursive": "`provisioner explain KIND -v` tells of every field below",
    "raw": "`provisioner output ADDR --format env` prints `NAME=VALUE`, as a shell reads it",
    "refresh": "every plan looks at the service, unless `--no-refresh` is given",
    "refresh-only": "`provisioner drift` shows what somebody else changed, and changes nothing",
    "to-revision": "`provisioner rollback ADDR --to N` names the version",
    "var-file": "put values below `variables:` in `provisioner.yaml`, or write `--var NAME=VALUE`",
    "workspace": "an environment is named by `-e NAME`",
}
# Where a command has a word of its own for it.
_OPTIONS_OF = {
    ("accept", "dry-run"): _OPTIONS["refresh-only"],
    ("destroy", "dry-run"): "`provisioner plan --destroy` shows it and changes nothing",
    ("fmt", "dry-run"): "`provisioner fmt --check` names the files and changes nothing",
}


def command_hint(name: str) -> str | None:
    """What to type instead of a command of another tool."""
    if name in _COMMANDS:
        return f"did you mean `{_COMMANDS[name]}`?"
    return _ADVICE.get(name)


def one_dash(command: Any, arguments: Sequence[str]) -> str | None:
    """The first long option that stands there with one dash; not `-help`, which works."""
    known = {name for parameter in command.params for name in parameter.opts}
    for argument in arguments:
        if argument == "--":
            return None
        word = argument.partition("=")[0]
        if not word.startswith("--") and len(word) > 2 and f"-{word}" in known:
            return word
    return None


def option_words(command: Any, arguments: Sequence[str]) -> tuple[str, str] | None:
    """Detail and hint for the first option that another tool would take, if there is one; `command`
    is the one of click that has refused the command line.
    """
    dashed = one_dash(command, arguments)
    if dashed:
        return f"There is no option `{dashed}`.", f"write `-{dashed}`, with two dashes"
    known = {name for parameter in command.params for name in parameter.opts}
    for argument in arguments:
        if argument == "--":
            return None
        word = argument.partition("=")[0]
        name = word.lstrip("-")
        hint = _OPTIONS_OF.get((command.name, name)) or _OPTIONS.get(name)
        if hint and word.startswith("-") and word not in known:
            return f"There is no option `{word}`.", hint
    return None
