"""YAML that cannot be read, explained in plain words with the remedy."""

from __future__ import annotations

import re
from dataclasses import replace

import yaml

from provisioner.masking import HOLDER
from provisioner.model import Problem
from provisioner.records import dataclass
from provisioner.yamltext.reading import DEEPEST_YAML, TooDeep, UnfoldsTooFar

_VARIABLE = re.compile(r"""(?<!["'\w$])(\$\{[\w.]*\})""")
_PATTERN = re.compile(r"""(?:^|[\s\[,:-])(\*[^\s,\]}"']*)""")
_QUOTED = re.compile(r'write `"([^"]*)"`')
_GLUED = re.compile(r"(?:- +)?([A-Za-z_][\w-]*):([^\s:/].*)")
_INDENT = re.compile(r" *(?:- +)*")
_PAIR = re.compile(rf"(?P<indent>{_INDENT.pattern})(?P<key>[A-Za-z_][\w-]*): +(?P<value>[^\s#].*)")
_BLOCK = re.compile(r"[|>][-+0-9]*\s*(#.*)?")
_CLOSED = re.compile(r"""(?:"[^"\\]*"|'[^']*')\s*(#.*)?""")
_CURLY = "“”„‘’ "
_COMMENT = re.compile(r"( +# .*)")
_ALONE = re.compile(r"(?:- +)?([A-Za-z_][\w-]*)( +[^:#]+)?$")
_WORDS = (
    (
        "found undefined alias",
        "`*` at the beginning of a value refers to an anchor, and there is none of this name.",
        "define it with `&` above, or quote the value",
    ),
    (
        "did not find expected alphabetic or numeric",
        "A value that begins with `*` or `&` must be quoted.",
        "quote the value",
    ),
    (
        "mapping values are not allowed",
        "A second `: ` in one line cannot be read; text that contains it must be quoted.",
        "quote the text",
    ),
    (
        "found character that cannot start any token",
        "A value cannot begin with this character unless it is quoted.",
        "quote the value",
    ),
    (
        "could not find expected ':'",
        "This is not a key, because no `: ` follows it.",
        "write `: ` after it",
    ),
    (
        "did not find expected key",
        "A key is expected here; the indentation or a quote above may be wrong.",
        "indent it as the keys beside it, and write an apostrophe inside `'…'` twice",
    ),
    (
        "did not find expected '-' indicator",
        "An entry of a list is expected here; the indentation may be wrong.",
        "begin it with `- `, in the column of the entries above",
    ),
    (
        "did not find expected ',' or ']'",
        "A `[` is not closed, or a `,` is missing.",
        "close it with `]`",
    ),
    (
        "did not find expected ',' or '}'",
        "A `{` is not closed, or a `,` is missing.",
        "close it with `}`",
    ),
    ("found unexpected end of stream", "A quote is not closed.", "close it, with the same sign"),
    (
        "found unexpected document indicator",
        "A quote is not closed.",
        "close it, with the same sign",
    ),
    (
        "found unknown escape character",
        "In double quotes a backslash begins an escape, and there is none like this.",
        "write the backslash twice, or use single quotes",
    ),
    (
        "escape",
        "In double quotes a backslash begins an escape, and this one names no letter.",
        "write the letter itself",
    ),
    ("found duplicate anchor", "An anchor is defined twice.", "rename one of them"),
    (
        "did not find expected comment or line break",
        "After `|` or `>` the text begins in the next line.",
        "begin a new line, indented",
    ),
    ("did not find expected node content", "A value is missing here.", "write one, or `null`"),
    (
        "directive",
        "A line that begins with `%` is a directive, and there is none like this.",
        "take the line out",
    ),
)


@dataclass(frozen=True, slots=True)
class _Place:
    line: int
    column: int
    text: str
    before: tuple[str, ...] = ()  # the lines above that say something

    @property
    def above(self) -> str:
        return self.before[-1] if self.before else ""

    @property
    def below(self) -> tuple[str, ...]:
        """The nearest line above that begins further left, and what follows it."""
        indent = len(self.text) - len(self.text.lstrip())
        for at in range(len(self.before) - 1, -1, -1):
            if _depth(self.before[at]) < indent:
                return self.before[at:]
        return ("",)


def explain(file: str, data: bytes, error: Exception) -> Problem:
    """The problem behind an error of reading `data`."""
    broken = not_utf8(file, data)
    if broken:
        return broken
    lines = data.decode("utf-8-sig").splitlines() or [""]
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if "expected ':'" in str(error) and getattr(error, "context_mark", None):
        mark = error.context_mark  # type: ignore[attr-defined]  # where the key begins that has none
    line, column = (mark.line, mark.column) if mark else _unprintable(lines)
    if line >= len(lines):
        line, column = len(lines) - 1, len(lines[-1])
    before = (text for text in lines[:line] if text.strip() and text.strip()[0] != "#")
    place = _Place(line + 1, column + 1, lines[line], tuple(before))

    def problem(summary: str, detail: str, hint: str | None) -> Problem:
        return Problem(summary, detail, hint, file=file, line=place.line, column=place.column)

    if isinstance(error, TooDeep):
        detail = f"Values are nested in more than {DEEPEST_YAML} levels."
        return problem("Nested too deeply", detail, "flatten them")
    if isinstance(error, UnfoldsTooFar):
        detail = (
            "The aliases of this file refer to each other so often that they would unfold without"
            " end."
        )
        return problem(
            "Too many aliases",
            detail,
            "write the values out, or let aliases refer to small anchors",
        )
    if "expected a single document" in str(error):
        return problem(
            "Several documents", "A spec file holds one YAML document.", "make two files of it"
        )
    return _at_token(problem("Invalid YAML", *_reason(place, error)), place)


def _at_token(problem: Problem, place: _Place) -> Problem:
    """Where the hint quotes a piece of the line, the piece is the place; libyaml stops somewhere
    inside it.
    """
    token = _QUOTED.fullmatch(problem.hint or "")
    column = place.text.find(token[1]) if token else -1
    return problem if column < 0 else replace(problem, column=column + 1)


def not_utf8(file: str, data: bytes) -> Problem | None:
    """Why the bytes are not UTF-8 text, if they are not."""
    if b"\0" in data[:4]:
        detail = "The file looks like UTF-16 or UTF-32, not UTF-8."
        return Problem("Not UTF-8", detail, "save the file as UTF-8", file=file, line=1, column=1)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        detail = f"Byte 0x{data[error.start]:02X} is not UTF-8."
        return Problem(
            "Not UTF-8", detail, "save the file as UTF-8", file=file, line=line, column=column
        )
    return None


def _unprintable(lines: list[str]) -> tuple[int, int]:
    for number, line in enumerate(lines):
        for column, letter in enumerate(line):
            if (letter < " " and letter != "\t") or letter == "\x7f":
                return number, column
    return 0, 0


def _reason(place: _Place, error: Exception) -> tuple[str, str | None]:
    said = str(getattr(error, "problem", None) or error)
    if HOLDER.search(f"{place.below[0]} {place.above} {place.text}"):
        return _plainly(said)  # a line with a secret is not quoted
    indent = place.text[: len(place.text) - len(place.text.lstrip())]
    if "\t" in indent or (
        "cannot start any token" in said and place.text[place.column - 1 :].startswith("\t")
    ):
        return "The line is indented with a tab; YAML allows only spaces.", "indent with two spaces"
    variable = _VARIABLE.search(place.text)
    if variable and "{" in place.text.replace(variable[1], ""):
        return (
            f"`{variable[1]}` is not quoted, and inside `{{…}}` or `[…]` its braces are YAML.",
            _write(variable[1]),
        )
    if isinstance(error, yaml.reader.ReaderError) or "control characters" in said:
        return (
            "The file holds a control character that YAML does not allow.",
            "remove it, or write it as an escape",
        )
    return _worded(place, said)


def _plainly(said: str) -> tuple[str, str]:
    return next(
        ((words, hint) for part, words, hint in _WORDS if part in said),
        (f"YAML cannot read it: {said}.", "quote the text, or see the line above"),
    )


def _worded(place: _Place, said: str) -> tuple[str, str | None]:
    detail, general = _plainly(said)
    pattern = _PATTERN.search(place.text)
    variable = _VARIABLE.search(place.text)
    if pattern and ("alias" in said or "alphabetic" in said):
        return detail, _write(_value(place.text, pattern[1]))
    if variable and ("expected" in said):
        return detail, _write(variable[1])
    if "cannot start any token" in said:
        return (
            detail,
            _write(re.split(r"[,\]}]| #", place.text[place.column - 1 :])[0].strip()) or general,
        )
    if "mapping values" in said or "expected key" in said:
        better = _outside_text(place) or _too_far(place) or _odd_quotes(place)
        if better:
            return better
    if "mapping values" in said:
        return _second_colon(place, detail) or (detail, general)
    return _no_key(place, said) or (detail, general)


def _outside_text(place: _Place) -> tuple[str, str] | None:
    """A line between the columns of a block text and of its key."""
    first, *text = place.below
    key = _PAIR.match(first)
    if not (key and text and _BLOCK.fullmatch(key["value"])):
        return None
    here, column = (len(line) - len(line.lstrip()) for line in (place.text, text[0]))
    if here >= column:
        return None
    return (
        f"The line begins neither with the text of `{key['key']}` nor below that key.",
        f"begin it in column {len(key['indent']) + 1} as a key, or in column {column + 1} as text",
    )


def _too_far(place: _Place) -> tuple[str, str] | None:
    """A key in a column of its own, below one that has its value already."""
    above, here = _PAIR.match(place.below[0]), _PAIR.match(f"{place.text} ~")
    if not (above and here) or place.text.count(": ") > 1:
        return None
    if above["value"][0] in "|>&*!'\"" and not _CLOSED.fullmatch(above["value"]):
        return None
    column = len(above["indent"])
    return (
        f"`{here['key']}` is indented further than `{above['key']}`, which has a value already.",
        f"begin `{here['key']}` in column {column + 1}, below `{above['key']}`",
    )


def _value(line: str, start: str) -> str:
    """The text of a line that begins so: what stands behind its key, or the word alone."""
    pair = _PAIR.match(line)
    if pair and pair["value"].startswith(start) and '"' not in pair["value"]:
        return _COMMENT.split(pair["value"], maxsplit=1)[0]
    return start


def _odd_quotes(place: _Place) -> tuple[str, str] | None:
    """Text that ends its own quotes, has those of a word processor, or begins with braces."""
    pair = _PAIR.match(place.text)
    if not pair:
        return None
    key = pair["key"]
    text, *comment = _COMMENT.split(pair["value"], maxsplit=1)
    inner = text[1:-1]
    if text[0] in _CURLY:
        return (
            f"`{text[0]}` is no quote in YAML; only `\"` and `'` are.",
            f"write `{key}: {_in_quotes(text.strip(_CURLY))}{''.join(comment)}`",
        )
    if text[:2] == "{{":
        return (
            "A value that begins with `{{` is read as mappings unless it is quoted.",
            f"write `{key}: {_in_quotes(text)}{''.join(comment)}`",
        )
    if text[0] in "'\"" and text[-1] == text[0] and text[0] in inner:
        return (
            f"The quoted text ends at the second `{text[0]}`, and more follows.",
            f"write `{key}: {_in_quotes(inner)}{''.join(comment)}`",
        )
    return None


def _in_quotes(text: str) -> str:
    """Plain text in quotes that it does not hold itself, or holds twice."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def _second_colon(place: _Place, detail: str) -> tuple[str, str] | None:
    """Two keys in one line; or one below a line that should have been a key."""
    above = place.above.strip()
    alone = _ALONE.fullmatch(above)
    if alone and place.text.count(": ") < 2:
        wanted = f"{alone[1]}:{' ' + alone[2].strip() if alone[2] else ''}"
        return (
            f"`{above}` in a line above has no `:`, so no key can stand below it.",
            f"write `{wanted}`",
        )
    glued = _GLUED.fullmatch(above)
    if glued and place.text.count(": ") < 2:
        return (
            f"`{above}` in a line above has no blank after its colon, so it is not a key.",
            f"write `{glued[1]}: {glued[2]}`",
        )
    key, _, said = place.text.strip().removeprefix("- ").partition(": ")
    value, *comment = _COMMENT.split(said, maxsplit=1)
    if not value or ("'" in value and '"' in value):
        return None
    quote = "'" if '"' in value else '"'
    return detail, f"write `{key}: {quote}{value}{quote}{''.join(comment)}`"


def _no_key(place: _Place, said: str) -> tuple[str, str] | None:
    """A line that is not a key: a blank is missing, or it is text in the column of a key."""
    if "expected ':'" not in said:
        return None
    line = place.text.strip()
    above = _PAIR.match(place.above)
    if above and _BLOCK.fullmatch(above["value"]):
        column = len(above["indent"]) + 1
        return (
            f"The text of `{above['key']}` must be indented further than `{above['key']}` itself.",
            f"begin each of its lines in column {column + 2}",
        )
    glued = _GLUED.fullmatch(line)
    if glued:
        return "After the colon of a key comes a blank.", f"write `{glued[1]}: {glued[2]}`"
    if re.match(r"-[^\s-]", line):
        return "After the dash of an entry comes a blank.", f"write `- {line[1:]}`"
    return None


def _depth(line: str) -> int:
    """The column of a key, from 0; dashes before it are indentation."""
    found = _INDENT.match(line)
    return found.end() if found else 0


def _write(text: str) -> str:
    return f'write `"{text}"`'
