"""YAML that cannot be read, explained in plain words with the remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import yaml

from provisioner.model import Problem
from provisioner.spec.reading import DEEPEST, TooDeep, TooLarge

_VARIABLE = re.compile(r"""(?<!["'\w$])(\$\{[\w.]*\})""")
_PATTERN = re.compile(r"""(?:^|[\s\[,:-])(\*[^\s,\]}"']*)""")
_QUOTED = re.compile(r'write `"([^"]*)"`')
_WORDS = (
    ("found undefined alias", "`*` at the beginning of a value refers to an anchor, and there is none of this name."),
    ("did not find expected alphabetic or numeric", "A value that begins with `*` or `&` must be quoted."),
    (
        "mapping values are not allowed",
        "A second `: ` in one line cannot be read; text that contains it must be quoted.",
    ),
    ("found character that cannot start any token", "A value cannot begin with this character unless it is quoted."),
    ("could not find expected ':'", "A key without `:` stands above."),
    ("did not find expected key", "A key is expected here; the indentation or a quote above may be wrong."),
    ("did not find expected '-' indicator", "An entry of a list is expected here; the indentation may be wrong."),
    ("did not find expected ',' or ']'", "A `[` is not closed, or a `,` is missing."),
    ("did not find expected ',' or '}'", "A `{` is not closed, or a `,` is missing."),
    ("found unexpected end of stream", "A quote is not closed."),
    ("found unexpected document indicator", "A quote is not closed."),
    ("found unknown escape character", "In double quotes a backslash begins an escape, and there is none like this."),
    ("found duplicate anchor", "An anchor is defined twice."),
)


@dataclass(frozen=True, slots=True)
class _Place:
    line: int
    column: int
    text: str


def explain(file: str, data: bytes, error: Exception) -> Problem:
    """The problem behind an error of reading `data`."""
    broken = not_utf8(file, data)
    if broken:
        return broken
    place = _place(data.decode("utf-8-sig"), error)

    def problem(summary: str, detail: str, hint: str | None) -> Problem:
        return Problem(summary, detail, hint, file=file, line=place.line, column=place.column)

    if isinstance(error, TooDeep | RecursionError):
        return problem("Nested too deeply", f"Values are nested in more than {DEEPEST} levels.", None)
    if isinstance(error, TooLarge):
        detail = "The aliases of this file refer to each other so often that they would unfold without end."
        return problem("Too many aliases", detail, "write the values out, or let aliases refer to small anchors")
    if "expected a single document" in str(error):
        return problem("Several documents", "A spec file holds one YAML document.", "make two files of it")
    return _at_token(problem("Invalid YAML", *_reason(place, error)), place)


def _at_token(problem: Problem, place: _Place) -> Problem:
    """Where the hint quotes a piece of the line, the piece is the place; libyaml stops somewhere inside it."""
    token = _QUOTED.fullmatch(problem.hint or "")
    column = place.text.find(token[1]) if token else -1
    return problem if column < 0 else replace(problem, column=column + 1)


def not_utf8(file: str, data: bytes) -> Problem | None:
    """Why the bytes are not UTF-8 text, if they are not."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        detail = f"Byte 0x{data[error.start]:02X} is not UTF-8."
        return Problem("Not UTF-8", detail, "save the file as UTF-8", file=file, line=line, column=column)
    return None


def _place(text: str, error: Exception) -> _Place:
    lines = text.splitlines() or [""]
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line, mark.column) if mark else _unprintable(lines)
    if line >= len(lines):
        line, column = len(lines) - 1, len(lines[-1])
    return _Place(line + 1, column + 1, lines[line])


def _unprintable(lines: list[str]) -> tuple[int, int]:
    for number, line in enumerate(lines):
        for column, letter in enumerate(line):
            if (letter < " " and letter != "\t") or letter == "\x7f":
                return number, column
    return 0, 0


def _reason(place: _Place, error: Exception) -> tuple[str, str | None]:
    told = str(getattr(error, "problem", None) or error)
    indent = place.text[: len(place.text) - len(place.text.lstrip())]
    if "\t" in indent or ("cannot start any token" in told and place.text[place.column - 1 :].startswith("\t")):
        return "The line is indented with a tab; YAML allows only spaces.", "indent with two spaces"
    variable = _VARIABLE.search(place.text)
    if variable and "{" in place.text.replace(variable[1], ""):
        return f"`{variable[1]}` is not quoted, and inside `{{…}}` or `[…]` its braces are YAML.", _write(variable[1])
    if isinstance(error, yaml.reader.ReaderError) or "control characters" in told:
        return "The file holds a control character that YAML does not allow.", "remove it, or write it as an escape"
    return _worded(place, told)


def _worded(place: _Place, told: str) -> tuple[str, str | None]:
    detail = next((words for part, words in _WORDS if part in told), None) or f"YAML cannot read it: {told}."
    pattern = _PATTERN.search(place.text)
    variable = _VARIABLE.search(place.text)
    if pattern and ("alias" in told or "alphabetic" in told):
        return detail, _write(pattern[1])
    if variable and ("expected" in told):
        return detail, _write(variable[1])
    if "mapping values" in told:
        key, _, value = place.text.strip().removeprefix("- ").partition(": ")
        return detail, f'write `{key}: "{value}"`' if value and '"' not in value else None
    return detail, None


def _write(text: str) -> str:
    return f'write `"{text}"`'
