"""Small damage to documents, drawn from a seed: to their values, and to the text that they are
written in.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

Path = tuple[Any, ...]

_RAW = {  # what JSON cannot be written with by `json`: stands as text until everything is text
    "~nan~": "NaN",
    "~infinity~": "-Infinity",
    "~beyond~": "1e999",
    "~digits~": "9" * 5000,
    "~half~": '"\\ud800"',
    "~deep~": "[" * 600 + "]" * 600,
    "~deeper~": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "~twice~": '{"id": "a", "id": "b"}',
    "~tall~": "[" * 140 + "]" * 140,
}
_SIMPLE: list[Any] = [
    *(None, True, False, 0, -1, 3, 2**63, 10**99, -0.5, 1e308, 17.0),
    *(
        "",
        " ",
        "x",
        "a.b",
        "file.",
        ".",
        "../files/x",
        "..",
        "a/b",
        "%2e%2e",
        "null",
        "\x00",
        "\x1b[31m",
        "é" * 300,
    ),
    *(
        "assistant.full",
        "vector_store.kb",
        "file.docs/a.md",
        "widget.x",
        'metadata["odd',
        "1970-01-01T00:00:00",
    ),
    *(
        [],
        {},
        [None],
        [[]],
        [{}],
        {"": None},
        {"id": "x"},
        {"id": "../x"},
        {"id": 1},
        {"a": {"b": []}},
        ["a", "a"],
    ),
]


def damaged(value: Any, draw: random.Random) -> Any:
    """The value with one to three parts of it changed, taken out, added or put elsewhere."""
    value = copy.deepcopy(value)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        places = list(_places(value, ()))
        path = draw.choice(places)
        value = draw.choice(_CHANGES)(value, path, draw, places)
    return value


def _places(value: Any, path: Path) -> Iterator[Path]:
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in items:
        yield from _places(inner, (*path, key))


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _set(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    _at(value, path[:-1])[path[-1]] = new
    return value


def _odd(draw: random.Random) -> Any:
    return copy.deepcopy(draw.choice(_SIMPLE)) if draw.random() < 0.8 else draw.choice(list(_RAW))


def _replace(value: Any, path: Path, draw: random.Random, _places: list[Path]) -> Any:
    return _set(value, path, _odd(draw))


def _remove(value: Any, path: Path, _draw: random.Random, _places: list[Path]) -> Any:
    if path:
        del _at(value, path[:-1])[path[-1]]
    return value


def _wrap(value: Any, path: Path, draw: random.Random, _places: list[Path]) -> Any:
    inner = _at(value, path)
    return _set(
        value,
        path,
        draw.choice(([inner], {"x": inner}, str(inner)[:200], {str(inner)[:40]: inner})),
    )


def _swap(value: Any, path: Path, draw: random.Random, places: list[Path]) -> Any:
    return _set(value, path, copy.deepcopy(_at(value, draw.choice(places))))


def _add(value: Any, path: Path, draw: random.Random, _places: list[Path]) -> Any:
    inner = _at(value, path)
    if isinstance(inner, dict):
        inner[str(draw.choice([item for item in _SIMPLE if isinstance(item, str)]))] = _odd(draw)
    elif isinstance(inner, list):
        inner.append(
            copy.deepcopy(draw.choice(inner)) if inner and draw.random() < 0.5 else _odd(draw)
        )
    return value


def _rename(value: Any, path: Path, draw: random.Random, places: list[Path]) -> Any:
    """An entry under the key of another one, or under one of another sort."""
    if not path or not isinstance(path[-1], str):
        return value
    keys = [place[-1] for place in places if place and isinstance(place[-1], str)] + [
        "",
        "widget.x",
        "file.../x",
    ]
    parent = _at(value, path[:-1])
    parent[draw.choice(keys)] = parent.pop(path[-1])
    return value


Change = Callable[[Any, Path, random.Random, list[Path]], Any]
_CHANGES: list[Change] = [_replace, _replace, _replace, _remove, _wrap, _swap, _add, _rename]


def written(value: Any, indent: int | None = 2) -> str:
    """A document as text, with what `json` does not write."""
    text = json.dumps(value, indent=indent)
    for mark, raw in _RAW.items():
        text = text.replace(f'"{mark}"', raw)
    return text


_NOISE = (
    b"\xff",
    b"\x00",
    b'"',
    b"{",
    b"]",
    b":",
    b",",
    b"<<<<<<< ours\n",
    b"\xef\xbb\xbf",
    b"\\",
    b"&a *a",
    b"\t",
)


def torn(text: bytes, draw: random.Random) -> bytes:
    """Bytes with something taken out, put in or turned round."""
    at, end = sorted((draw.randrange(len(text) + 1), draw.randrange(len(text) + 1)))
    few = text[at : at + draw.randrange(1, 9)]
    noise = draw.choice(_NOISE)
    return draw.choice(
        (
            text[:at],
            text[:at] + text[end:],
            text[:at] + noise + text[at:],
            text[:at] + noise + text[at + len(few) :],
            text[:at] + few * draw.randrange(2, 500) + text[at:],
            text[:end] + text[at:],
            text[:at] + text[at:end][::-1] + text[end:],
            b"",
        )
    )
