"""Many files of a folder as one pattern, where it names exactly these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from os.path import commonpath
from pathlib import PurePosixPath
from typing import Any

from provisioner.jsontext import canonical
from provisioner.records import dataclass
from provisioner.workspace.editing import literal
from provisioner.workspace.sections import FOLDER
from provisioner.workspace.tree import FileRefused, Tree, is_pattern

_FEWEST = 10  # files that are worth a pattern: fewer are better seen one by one
_SHARE = 10  # of as many files that a pattern names one may have to be excluded from it …
_MOST = 10  # … and no more than these in all


@dataclass(frozen=True, slots=True)
class _Pattern:
    text: str
    named: frozenset[str]  # the paths that it stands for
    exclude: tuple[str, ...]


def folded(tree: Tree, entries: Iterable[Any]) -> list[Any]:
    """The `files` of a store, in which a pattern stands for many paths with the same settings. What
    a pattern would match beside them is excluded from it.
    """
    left: list[Any] = []
    alike: dict[str, dict[str, Any]] = defaultdict(dict)  # entries by path, by their settings
    for entry in entries:
        one = {"path": entry} if isinstance(entry, str) else entry
        if "path" in one and "exclude" not in one and not is_pattern(one["path"]):
            settings = {key: one[key] for key in one if key != "path"}
            alike[canonical(settings)][one["path"]] = entry
        else:
            left.append(entry)
    for some in alike.values():
        for pattern in _patterns(tree, set(some)):
            settings = some[min(pattern.named)]
            extra = {"exclude": list(pattern.exclude)} if pattern.exclude else {}
            if isinstance(settings, dict):
                extra |= {key: settings[key] for key in settings if key != "path"}
            left.append({"path": pattern.text, **extra} if extra else pattern.text)
            for path in pattern.named:
                del some[path]
        left += some.values()
    return left


def _patterns(tree: Tree, paths: set[str]) -> list[_Pattern]:
    if len(paths) < _FEWEST:
        return []
    folder = commonpath(str(PurePosixPath(path).parent) for path in paths)
    return list(_below(tree, "" if folder == "." else folder, paths))


def _below(tree: Tree, folder: str, paths: set[str]) -> Iterator[_Pattern]:
    """Patterns for the paths below a folder: one for each suffix, or else one folder at a time."""
    if len(paths) < _FEWEST or is_pattern(folder) or folder.split("/")[0] == FOLDER:
        return
    left = set(paths)
    if folder:  # from the root on it would match what has nothing to do with documents
        for suffix in sorted({PurePosixPath(path).suffix for path in paths}):
            some = {path for path in paths if PurePosixPath(path).suffix == suffix}
            found = _of_a_suffix(tree, folder, suffix, some)
            if found:
                left -= found.named
                yield found
    by_folder: dict[str, set[str]] = defaultdict(set)
    for path in left:
        name, slash, _ = path[len(folder) :].lstrip("/").partition("/")
        if slash:
            by_folder[f"{folder}/{name}" if folder else name].add(path)
    for inner, some in sorted(by_folder.items()):
        yield from _below(tree, inner, some)


def _of_a_suffix(tree: Tree, folder: str, suffix: str, paths: set[str]) -> _Pattern | None:
    direct = {path for path in paths if "/" not in path[len(folder) + 1 :]}
    deep = None
    if direct != paths:
        deep = _pattern(tree, f"{folder}/**/*{suffix}", paths)
    return deep or _pattern(tree, f"{folder}/*{suffix}", direct)


def _pattern(tree: Tree, text: str, wanted: set[str]) -> _Pattern | None:
    """A pattern that names nothing else, or little that can be excluded."""
    try:
        matched = {entry.path for entry in tree.match(text)}
    except FileRefused:
        return None
    named, others = matched & wanted, sorted(matched - wanted)
    excludable = len(others) <= min(_MOST, len(named) // _SHARE)
    if len(named) < _FEWEST or not excludable or any(map(is_pattern, others)):
        return None
    return _Pattern(literal(text), frozenset(named), tuple(map(literal, others)))
