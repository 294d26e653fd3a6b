"""Words for messages: suggestions, lists and values in one line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

SHORT = 60


def did_you_mean(word: object, known: Iterable[str]) -> str | None:
    """`did you mean …` for the nearest known word, if one is near."""
    import difflib

    choices = sorted(set(known))
    folded = {choice.casefold().replace("-", "_"): choice for choice in reversed(choices)}
    near = difflib.get_close_matches(str(word).casefold().replace("-", "_"), folded, n=1, cutoff=0.6)
    return f"did you mean `{folded[near[0]]}`?" if near else None


def suggest(word: object, known: Iterable[str], label: str) -> str | None:
    """A suggestion, or else the choices themselves where they are few enough to read."""
    choices = sorted(set(known))
    hint = did_you_mean(word, choices)
    if hint or not choices:
        return hint
    return f"{label}: {quoted(choices, 'and')}" if len(choices) <= 24 else None


def quoted(words: Iterable[object], joint: str = "or") -> str:
    """`a`, `b` or `c`."""
    marked = [f"`{word}`" for word in words]
    return f" {joint} ".join([", ".join(marked[:-1]), marked[-1]]) if len(marked) > 1 else "".join(marked)


def shown(value: Any) -> str:
    """A value as YAML would show it in one short line."""
    if isinstance(value, str):
        line = value if value and value == value.strip() and value.isprintable() else json.dumps(value)
    elif value is None or isinstance(value, bool | int | float | list | dict):
        line = json.dumps(value, ensure_ascii=False, default=str)
    else:
        line = str(value)
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
