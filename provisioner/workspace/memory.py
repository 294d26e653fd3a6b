"""What `validate` has found to be without a problem: a spec that has not changed since is not read
again, and only what several files say together is looked at.

A file is remembered where nothing at all was found in it, and where it depends on nothing but its
own bytes and on other resources that are there: no variables, no `only`, no other files, no shared
tools. Whatever else it names is checked in every run. Nothing but names is kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

import provisioner
from provisioner import disk, jsontext
from provisioner.digests import FRESH, Mark, mark
from provisioner.model import Address
from provisioner.records import dataclass

PLACE = f"{disk.CACHE}/specs.json"
FEW = 50  # files; as many are read in the time that it takes to look whether they have changed
_MOST = 100_000
_PARTS = ("kinds", "workspace", "yamltext")  # of us: what says whether a spec is right


@dataclass(frozen=True, slots=True)
class Sound:
    """Stands for the value of a resource that was found sound, and has not been read again."""

    api: str | None  # its own, where it says one
    model: str  # what policies go by
    depends_on: tuple[Address, ...]


Told = tuple[str, str, Sound]  # kind and name
Known = dict[str, tuple[Mark, list[Told]]]


class Memory:
    """The sound files of one workspace. `apis`: those through which its environments deploy."""

    def __init__(self, root: Path, apis: Iterable[str]) -> None:
        self._file = root / PLACE
        self._basis = _basis(apis)
        self._known: Known | None = None
        self._used: set[str] = set()
        # Before anything is read: what is written after that may show the times that it had then.
        self._began = time.time_ns()

    def told(self, path: str, place: str) -> list[Told] | None:
        """What a file declares, if it is sound and has not changed."""
        if self._known is None:
            self._known = _load(self._file, self._basis)
        known = self._known.get(path)
        if known is None:
            return None
        try:
            found = os.stat(place)  # noqa: PTH116 - a path object for each of 10,000 files costs
        except OSError:
            return None
        if known[0] != mark(found):
            return None
        self._used.add(path)
        return known[1]

    def forget(self) -> None:
        """Let everything be read again."""
        self._used.clear()

    def keep(self, found: Known) -> None:
        """Remember these files, and what was used; a cache that cannot be written is not an
        error.
        """
        known, began = self._known or {}, self._began
        kept = {path: known[path] for path in self._used}
        kept |= {path: one for path, one in found.items() if began - max(one[0][1:3]) > FRESH}
        if kept.keys() == known.keys() and not found.keys() & kept.keys():
            return
        if len(kept) >= FEW or known:
            with contextlib.suppress(UnicodeError):  # names on disk need not be Unicode
                disk.cache(self._file, _spelt(self._basis, dict(list(kept.items())[:_MOST])))


def _basis(apis: Iterable[str]) -> list[Any]:
    """What else decides whether a spec is right: this release, and what reads YAML. What is
    installed from a checkout changes without a new version.
    """
    here = Path(provisioner.__file__).parent
    changed = [_changed(here / part) for part in _PARTS]
    versions = [provisioner.__version__, platform.python_version(), yaml.__version__]
    return [1, *versions, yaml.__with_libyaml__, sorted(set(apis)), changed]


def _changed(folder: Path | str) -> list[int]:
    """How many modules a folder has, and when and in which size they were written."""
    count = newest = size = 0
    with os.scandir(folder) as names:
        for one in names:
            if one.name.endswith(".py"):
                found = one.stat()
                count, size = count + 1, size + found.st_size
                newest = max(newest, found.st_mtime_ns)
            elif one.name != "__pycache__" and one.is_dir():
                inner = _changed(one.path)
                count, newest, size = count + inner[0], max(newest, inner[1]), size + inner[2]
    return [count, newest, size]


def _spelt(basis: list[Any], known: Known) -> bytes:
    # By column, and flat, because that is read twice as fast as an object for each file.
    marks, told = zip(*known.values(), strict=True) if known else ((), ())
    kept = {
        "basis": basis,
        "paths": list(known),
        "marks": list(zip(*marks, strict=True)),
        "told": [[text for one in some for text in _words(*one)] for some in told],
    }
    return json.dumps(kept, ensure_ascii=False).encode()


_WORDS = 5  # for each resource


def _words(kind: str, name: str, sound: Sound) -> tuple[str, ...]:
    needs = " ".join(map(str, sound.depends_on))
    return kind, name, sound.api or "", sound.model, needs


def _load(file: Path, basis: list[Any]) -> Known:
    """What was kept, where it is about what is here now; nothing where it cannot be read."""
    try:
        kept = jsontext.read(disk.read(file, disk.LARGEST))
        if kept["basis"] != basis or not kept["paths"]:
            return {}
        rows = zip(kept["paths"], zip(*kept["marks"], strict=True), kept["told"], strict=True)
        return {path: (marked, _told(words)) for path, marked, words in rows}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _told(words: list[str]) -> list[Told]:
    "".join(words)  # TypeError where one of them is no text
    columns = (words[at::_WORDS] for at in range(_WORDS))
    return [
        (kind, name, Sound(api or None, str(model), tuple(map(Address.parse, needs.split()))))
        for kind, name, api, model, needs in zip(*columns, strict=True)
    ]


def standing(sounds: Mapping[Any, Any], found: Iterable[Sound]) -> bool:
    """Whether everything that sound resources depend on is there, in every environment."""
    for sound in found:
        for address in sound.depends_on:
            raw = sounds.get((address.kind, address.name))
            if raw is None or raw.external or raw.only:
                return False
    return True
