"""Words for messages: suggestions, lists, quoting and values in one line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from provisioner.masking import without_keys


def listed(names: Iterable[str], shown: int = 3) -> str:
    """`a, b, c and 9 more`."""
    found = list(names)
    rest = len(found) - shown
    return ", ".join(found[:shown]) + (f" and {rest:,} more" if rest > 0 else "")


def spelt(value: Any, limit: int = 80) -> str:
    """A value from outside as a message quotes it: on one line, not too long, nothing in it that a
    terminal obeys.
    """
    line = value if isinstance(value, str) else json.dumps(value, default=str)
    if not line.isprintable() or not line.strip():
        line = json.dumps(line)
    if len(line) > limit:
        line = f"{without_keys(line)[:limit]}…"  # half a secret is not known any more
    return f"`{line}`"


def brief(name: str, limit: int = 256) -> str:
    """A name, cut where no name is that long."""
    return name if len(name) <= limit else f"{name[:limit]}…"


SHORT = 60
LONGEST = 256  # characters of a word that is worth a suggestion
MANY = 100  # choices that are compared closely


def did_you_mean(word: object, known: Iterable[str]) -> str | None:
    """`did you mean …` for the nearest known word, if one is near."""
    near = _nearest(_folded(str(word)), tuple(sorted(set(known))))
    return f"did you mean `{near}`?" if near else None


def _folded(word: str) -> str:
    return word.casefold().replace("-", "_")


@lru_cache(maxsize=64)
def _by_folded(choices: tuple[str, ...]) -> dict[str, str]:
    return {_folded(choice): choice for choice in reversed(choices)}


@lru_cache(maxsize=64)
def _by_name(choices: tuple[str, ...]) -> dict[str, str]:
    """Addresses by their names, for a name that is said without its kind."""
    return {
        name: choice
        for folded, choice in reversed(_by_folded(choices).items())
        if (name := folded.partition(".")[2])
    }


@lru_cache(maxsize=65536)
def _nearest(word: str, choices: tuple[str, ...]) -> str | None:
    import difflib

    folded = _by_folded(choices)
    if word in folded:
        return folded[word]
    if len(word) > LONGEST:
        return None
    if word in _by_name(choices):
        return _by_name(choices)[word]
    near = difflib.get_close_matches(
        word, folded if len(folded) <= MANY else _alike(word, choices), n=1, cutoff=0.6
    )
    return folded[near[0]] if near else None


def _alike(word: str, choices: tuple[str, ...]) -> list[str]:
    """Of thousands only some that begin or end alike: a close look at each would take far
    too long.
    """
    half = len(word) // 2
    begin = _parts(choices, 0, half).get(word[:half], ())
    end = _parts(choices, half - len(word), None).get(word[half:], ())
    found = (other for other in dict.fromkeys((*begin, *end)) if abs(len(other) - len(word)) <= 2)
    return list(islice(found, MANY))


@lru_cache(maxsize=256)
def _parts(choices: tuple[str, ...], start: int, stop: int | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for other in _by_folded(choices):
        found.setdefault(other[start:stop], []).append(other)
    return found


def suggest(word: object, known: Iterable[str], label: str) -> str | None:
    """A suggestion, or else the choices themselves where they are few enough to read."""
    choices = sorted(set(known))
    hint = did_you_mean(word, choices)
    if hint or not choices:
        return hint
    return f"{label}: {quoted(choices, 'and')}" if len(choices) <= 24 else None


def sentence(text: str) -> str:
    """Text as a sentence: a capital at its beginning and a full stop at its end."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def quoted(words: Iterable[object], joint: str = "or") -> str:
    """`a`, `b` or `c`."""
    marked = [f"`{word}`" for word in words]
    return (
        f" {joint} ".join([", ".join(marked[:-1]), marked[-1]])
        if len(marked) > 1
        else "".join(marked)
    )


def shown(value: Any) -> str:
    """A value as YAML would show it in one short line."""
    if isinstance(value, str):
        line = (
            value if value and value == value.strip() and value.isprintable() else json.dumps(value)
        )
    elif value is None or isinstance(value, bool | int | float | list | dict):
        line = json.dumps(value, ensure_ascii=False, default=str)
    else:
        line = str(value)
    line = without_keys(line)  # before it is cut: half an address no longer looks like one
    return line if len(line) <= SHORT else line[: SHORT - 1] + "…"


def dotted(path: Iterable[str | int]) -> str:
    """`tools[0].name`, odd keys in brackets."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("_", "").replace("-", "").isalnum():
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text


def sort_of(value: Any) -> str:
    """What a value is, in plain words."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "a number" if isinstance(value, int | float) else "a date"
