"""Sources in a programming language: which one it is, and what its calls make."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any

from provisioner.importing import code, python_code, script_code
from provisioner.importing.beside import Beside, named
from provisioner.importing.code_calls import Calls
from provisioner.importing.code_found import TooMany, Variables, found_in
from provisioner.importing.code_values import Made, TooMuch, Unparsable
from provisioner.importing.evaluating import Evaluator
from provisioner.importing.nouns import Findings, Lost, Origin
from provisioner.model import Problem
from provisioner.records import dataclass

MOST_IMPORTS = 100  # of one source that are looked at
_IMPORTS = re.compile(
    r"(?:^|\n)[ \t]*from[ \t]+(\.+ import \w+)|(?:^|\n)[ \t]*from[ \t]+([\w.]+)[ \t]+import"
    r"|(?:^|\n)[ \t]*import[ \t]+([\w.]+)|from\s*['\"](\.[^'\"\n]+)['\"]"
    r"|require\(['\"](\.[^'\"\n]+)['\"]\)"
)
LARGEST = 2 * 1024 * 1024  # characters of a source; longer ones were not written by hand
_HINTS = re.compile(
    r"assistants\s*\.\s*create|/v1/assistants|vector_?[sS]tores\s*\.|responses\s*\.\s*(create|parse|stream)|\b(Sandbox|Realtime)?Agent\b"
    r"|['\"`]pmpt_\w"
)
_SCRIPT = re.compile(
    r"(^|\n)\s*(export\s+)?(const|let|var|interface|type)\s+[\w{\[]|require\(|=>|(^|\n)\s*import\s[^\n]*"
    r"\sfrom\s*['\"]|(^|\n)\s*import\s*['\"{]|new\s+\w+\(|(^|\n)\s*//|;\s*\n"
)
_PYTHON = re.compile(
    r"(^|\n)(from\s+[\w.]+\s+import\s|import\s+[\w.]+|\s*(async\s+)?def\s+\w+\(|class\s+\w+.*:\s*\n"
    r"|@\w+|#!.*python)|(^|\n)\s*#\s"
)


@dataclass(slots=True)
class Reading:
    """What reading several sources together shares."""

    folder: Path | None = None  # what was given: nothing outside of it is read
    root: Path | None = None  # of the workspace, from which paths are written
    variables: Variables = field(default_factory=Variables)
    modules: dict[Path, dict[str, Any]] = field(default_factory=dict)  # what was imported so far
    made: dict[str, Made] = field(default_factory=dict)  # what all of them make, by its id
    called: set[tuple[str, code.At]] = field(default_factory=set)  # functions, from other files


def looks_like(text: str) -> str | None:
    """The programming language of a text, by what it says; None if it is no code."""
    head = text[:200_000]
    script, python = len(_SCRIPT.findall(head)), len(_PYTHON.findall(head))
    if not script and not python:
        return "python" if _HINTS.search(head) else None
    return "typescript" if script > python else "python"


def worth(text: str) -> bool:
    """Whether there may be an assistant in a piece of code."""
    return _HINTS.search(text) is not None


def reaches(text: str, reading: Reading, path: Path | None) -> bool:
    """Whether a piece of code imports one of its folder in which there may be an assistant."""
    beside = Beside(reading.folder, path)
    modules = [next(filter(None, match.groups())) for match in _IMPORTS.finditer(text)]
    for module in list(dict.fromkeys(modules))[:MOST_IMPORTS]:
        found = beside.module(module.replace(" import ", ""))
        if found is not None and worth(beside.text(str(found)) or ""):
            return True
    return False


def read_code(
    text: str, name: str, language: str, reading: Reading, path: Path | None = None, line: int = 1
) -> Findings:
    """What the calls in a source make. `line` is where in the file it begins."""
    if len(text) > LARGEST:
        return _problem("Source too large", name, f"has {len(text):,} characters of code", line)
    try:
        program = _parser(language)(text)
        calls = Calls(name, reading.made)
        beside = Beside(
            reading.folder, path, _names(reading), root=reading.root, modules=reading.modules
        )
        evaluator = Evaluator(beside, calls, name)
        calls.evaluator = evaluator
        evaluator.run(program)
        calls.refer()
        reading.called |= evaluator.elsewhere
        found = found_in(evaluator, calls, name, reading.variables)
    except Unparsable as error:
        return _problem(
            "Not readable", name, str(error), (error.line or 1) + line - 1, error.column
        )
    except (RecursionError, TooMuch, TooMany):
        why = "is nested too deep, or goes on for too long, to be followed"
        return _problem("Not readable", name, why, line)
    findings = Findings(found=found, losses=[*calls.losses, *_branches(evaluator, calls, name)])
    findings.problems += _strangers(calls, name)
    return findings


def _parser(language: str) -> Callable[[str], code.Program]:
    if language == "python":
        return python_code.parse
    return script_code.parse


def _names(reading: Reading) -> Callable[[Beside], dict[str, Any]]:
    """What a module of the folder calls things, found by reading it and following its literals."""

    def read(beside: Beside) -> dict[str, Any]:
        text = beside.text(str(beside.file)) if beside.file else None
        if text is None or beside.file is None or reading.folder is None:
            return {}
        inner = beside.file.resolve().relative_to(reading.folder.resolve())
        name = named(reading.folder / inner, reading.root)
        calls = Calls(name, reading.made)
        evaluator = calls.evaluator = Evaluator(beside, calls, name)
        try:
            program = _parser(looks_like(text) or "python")(text)
            evaluator.block(program.body, evaluator.scope)
        except (Unparsable, RecursionError, TooMuch):
            return {}
        return evaluator.scope.names

    return read


def _problem(
    summary: str, name: str, why: str, line: int | None = None, column: int | None = None
) -> Findings:
    hint = "nothing was read from it; give a smaller part, or write it by hand"
    detail = f"`{name}` {why}."
    return Findings(problems=[Problem(summary, detail, hint, file=name, line=line, column=column)])


def _strangers(calls: Calls, name: str) -> list[Problem]:
    """`Agent` of another library, by name."""
    return [
        Problem(
            summary="Agent of another library",
            detail=f"`Agent` in `{name}` is not OpenAI's: "
            + (
                f"it comes from `{module}`." if module != "Agent" else "no import says whose it is."
            ),
            hint="only the Agents SDK (`agents`, `@openai/agents`) is read",
            severity="warning",
            file=name,
            line=at[0],
            column=at[1],
        )
        for module, at in calls.strangers.items()
    ]


def _branches(evaluator: Evaluator, calls: Calls, name: str) -> list[Lost]:
    """The branches of an exported workflow, each with its place."""
    if not any(made.call == "Agent" for made in calls.made):
        return []
    why = "is a branch of a workflow, which no spec has"
    lost = {
        branch.at: Lost(Origin(name, *branch.at), f"if {branch.text}", why)
        for branch in evaluator.branches
        if branch.text not in ("except", "while") and _runs(branch)
    }
    return list(lost.values())


def _runs(branch: code.Branch) -> bool:
    return "run(" in repr(branch)
