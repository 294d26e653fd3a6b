"""`${var.NAME}`, `${environment}` and `$${` in the strings of a spec."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from provisioner.kinds.base import Finding, Path
from provisioner.model import Problem, Source
from provisioner.records import dataclass
from provisioner.text import did_you_mean, quoted, shown, suggest
from provisioner.workspace.setting import SETTINGS_FILE, Environment, Variable

_PLACE = re.compile(r"\$\$\{|\$\{([^{}]*)(\})?")
_WHOLE = re.compile(r"\$\{\s*var\.([^{}\s]*)\s*\}")
_OWN = ("file.path", "file.folder", "file.name", "file.stem")
PREFIX = "PROVISIONER_VAR_"
LITERAL = "write `$${` for a literal `${`"


@dataclass(frozen=True)
class Values:
    """The variables of one environment. `missing` ones are required and not given: reported once,
    not at every use.
    """

    environment: str
    variables: Mapping[str, Variable]
    declared: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()

    def replace(self, value: Any, report: Callable[[Finding], None], path: Path = ()) -> Any:
        """The value with every placeholder replaced; findings are reported by path."""
        if isinstance(value, str):
            return self._text(value, report, path) if "${" in value else value
        if isinstance(value, dict):
            return {key: self.replace(inner, report, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [
                self.replace(inner, report, (*path, index)) for index, inner in enumerate(value)
            ]
        return value

    def _text(self, text: str, report: Callable[[Finding], None], path: Path) -> Any:
        whole = whole_variable(text)
        if whole is not None:
            return self._variable(whole, report, path)

        def one(match: re.Match[str]) -> str:
            if match[0].startswith("$$"):
                # The kind that knows `${file.path}` takes its `$${file.path}` literally.
                return (
                    match[0] if text.startswith("file.", match.end()) and _of_a_file(path) else "${"
                )
            name = (match[1] or "").strip()
            if match[2] is None:
                closed = name.startswith("var.") or name == "environment"
                hint = f"write `{match[0]}}}`" if closed else LITERAL
                report(
                    Finding(
                        path, "Unfinished placeholder", f"`{shown(match[0])}` has no `}}`.", hint
                    )
                )
            elif name == "environment":
                return self.environment
            elif name.startswith("var."):
                value = self._variable(name[4:], report, path)
                return value if isinstance(value, str) else json.dumps(value)
            elif name not in _OWN or not _of_a_file(path):
                report(_unknown(match[0], name, path))
            return match[0]

        return _PLACE.sub(one, text)

    def _variable(self, name: str, report: Callable[[Finding], None], path: Path) -> Variable:
        if name in self.variables:
            return self.variables[name]
        if name not in self.missing:
            hint = (
                did_you_mean(name, self.declared)
                or f"declare it below `variables:` in `{SETTINGS_FILE}`"
            )
            report(
                Finding(path, "Unknown variable", f"The variable `{name}` is not declared.", hint)
            )
        return Missing(name)


def _of_a_file(path: Path) -> bool:
    """Whether it is an attribute of a store's files."""
    return path[:1] == ("files",) and "attributes" in path


class Missing(str):
    """Stands for a variable without a value, whose absence has been reported."""


def _unknown(written: str, name: str, path: Path) -> Finding:
    if name in _OWN:
        detail = f"`{written}` has a meaning only in the attributes of a store's files."
        return Finding(path, "Unknown placeholder", detail, LITERAL)
    known = ["environment", "var.NAME", *(_OWN if _of_a_file(path) else ())]
    hint = did_you_mean(name, known) or LITERAL
    return Finding(
        path,
        "Unknown placeholder",
        f"`{written}` is none of {quoted(f'${{{word}}}' for word in known)}.",
        hint,
    )


@dataclass
class Resolving:
    """Finds the value of every variable: its default < the environment's < PROVISIONER_VAR_NAME <
    --var.
    """

    defaults: Mapping[str, Variable]
    environments: Mapping[str, Environment]
    problems: list[Problem] = field(default_factory=list)

    def values(
        self, environment: Environment, given: Mapping[str, str]
    ) -> tuple[Values, list[tuple[Source, Finding]]]:
        """The values in one environment, and what is wrong with them."""
        findings: list[tuple[Source, Finding]] = []
        variables: dict[str, Variable] = {}
        missing = []
        for name, default in self.defaults.items():
            value = self._value(
                name, default, environment=environment, given=given, findings=findings
            )
            if value is None:
                missing.append(name)
                detail = f"The variable `{name}` has no default and no value."
                hint = (
                    f"give it in the environment's `variables:`, as `{PREFIX}{name}` or with `--var"
                    f" {name}=…`"
                )
                findings.append(
                    (
                        Source(SETTINGS_FILE, ("variables", name)),
                        Finding((), "Missing variable", detail, hint),
                    )
                )
            else:
                variables[name] = value
        for name in given:
            if name not in self.defaults:
                hint = (
                    suggest(name, self.defaults, "declared are")
                    or f"declare it below `variables:` in `{SETTINGS_FILE}`"
                )
                detail = f"`--var {name}=…` sets a variable that is not declared."
                findings.append(
                    (Source(SETTINGS_FILE), Finding((), "Unknown variable", detail, hint))
                )
        return Values(
            environment.name, variables, frozenset(self.defaults), frozenset(missing)
        ), findings

    def _value(
        self,
        name: str,
        default: Variable,
        *,
        environment: Environment,
        given: Mapping[str, str],
        findings: list[tuple[Source, Finding]],
    ) -> Variable:
        text, where = given.get(name), f"--var {name}"
        if text is None:
            text, where = _from_process(name)
        if text is None:
            return environment.variables.get(name, default)
        # A value whose type a text is to take: the default, or for a required variable
        # any environment's.
        known = [
            default,
            *(environment.variables.get(name) for environment in self.environments.values()),
        ]
        model = next((value for value in known if value is not None), None)
        try:
            return _parse(text, model)
        except (ValueError, RecursionError):
            wanted = "`true` or `false`" if isinstance(model, bool) else "a number"
            detail = (
                f"`{where}` gives `{shown(text)}`; the variable `{name}` is {wanted}, as its"
                f" default `{shown(model)}`."
            )
            hint = f"give `{where}={shown(model)}`"
            findings.append(
                (
                    Source(SETTINGS_FILE, ("variables", name)),
                    Finding((), "Wrong type", detail, hint),
                )
            )
            return model


def _from_process(name: str) -> tuple[str | None, str]:
    for key in (PREFIX + name, PREFIX + name.upper()):
        if key in os.environ:
            return os.environ[key], key
    return None, ""


def whole_variable(text: str) -> str | None:
    """The name of the variable that a text is, and nothing else."""
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else None


def origin(name: str, environment: Environment, given: Mapping[str, str]) -> Path | str:
    """Where a variable has its value from: a path in `provisioner.yaml`, or what else says it, like
    `--var model`.
    """
    if name in given:
        return f"--var {name}"
    key = _from_process(name)[1]
    if key:
        return key
    top: Path = ("variables", name)
    return ("environments", environment.name, *top) if name in environment.variables else top


def _parse(text: str, model: Variable) -> Variable:
    if isinstance(model, bool):
        if text.lower() not in ("true", "false"):
            raise ValueError(text)
        return text.lower() == "true"
    if isinstance(model, int | float):
        number = json.loads(text)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise ValueError(text)
        return number
    return text
