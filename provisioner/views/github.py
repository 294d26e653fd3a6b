"""Text of others that GitHub shows as it is: no mark-up, link, mention or marker can come out of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

_TICKS = re.compile(r"`+")
_SPAN = re.compile(r"`([^`]+)`")
_SPECIAL = re.compile(r"([\\`*_\[\]<>&~|$])")
_FIRST = re.compile(r"^([#+\-=]|\d+(?=[.)]))")  # a heading, a list, a rule, where a paragraph begins
# What GitHub makes links, mentions and pictures of even in plain text: names, issues, addresses, emoji. An entity
# for a space without width goes into the middle.
_LINKED = re.compile(r"(@(?=\w)|#(?=\d)|\bgh-(?=\d)|:(?=//)|\bwww(?=\.)|:(?=[\w+-]+:))", re.IGNORECASE)
_APART = "&#8203;"
_OPEN, _CLOSE = "\u2062", "\u2064"  # invisible; text of others has none, see `values.visible`
_NUMBER = re.compile(r"\d+(?::\d+)?$")
_PASSING = re.compile(f"{_OPEN}[^{_CLOSE}]*{_CLOSE}")
_MARKER = re.compile(r"<!(--\s*provisioner\s*:)", re.IGNORECASE)


def code(text: str) -> str:
    """A code span; in one nothing is linked."""
    ticks = "`" * (_longest(text) + 1)
    pad = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{ticks}{pad}{text}{pad}{ticks}" if text else ""


def prose(text: str) -> str:
    """A sentence in which names stand in backticks: those become code, everything else plain text."""
    parts = _SPAN.split(text)
    return "".join(code(part) if number % 2 else _plain(part) for number, part in enumerate(parts))


def _plain(text: str) -> str:
    return _FIRST.sub(r"\\\1", _LINKED.sub(rf"\1{_APART}", _SPECIAL.sub(r"\\\1", text)))


def html_text(text: str) -> str:
    """Plain text inside an HTML tag."""
    return _LINKED.sub(rf"\1{_APART}", escape(text))


def fence(lines: Iterable[str], info: str = "diff") -> str:
    """A fenced block that none of its lines can close."""
    text = "\n".join(lines)
    ticks = "`" * max(3, _longest(text) + 1)
    return f"{ticks}{info}\n{text}\n{ticks}\n"


def unmarked(text: str) -> str:
    """The text without any comment that a program could take for one of ours."""
    return _MARKER.sub(r"<! \1", text)


def passing(text: str) -> str:
    """A text whose number at the end is only that of the moment: the line of a position, the serial of a lock. It is
    marked, so that a program can leave it out when it compares what was shown."""
    return _NUMBER.sub(rf"{_OPEN}\g<0>{_CLOSE}", text)


def weight(text: str) -> int:
    """What a text counts at most against GitHub's limit: bytes are never fewer than characters of any sort. A number of
    the moment counts as a long one, so that how much is shown does not hang on it."""
    return len(_PASSING.sub("x" * 24, text).encode(errors="surrogatepass"))


def _longest(text: str) -> int:
    return max(map(len, _TICKS.findall(text)), default=0)
