"""Normal form against normal form, field by field; the only user of deepdiff, and only for values
that differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from provisioner.masking import unconcealed
from provisioner.model import Fields
from provisioner.records import dataclass

if TYPE_CHECKING:
    from provisioner.model import FieldChange

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
ABSENT: Any = object()  # a part that is not there, where null would be one


@lru_cache(maxsize=4096)  # the same labels are joined for every object
def join(path: str, key: str) -> str:
    """`metadata` + `team` is `metadata.team`; odd keys go in brackets: `files["docs/a.md"]`."""
    return (
        f"{path}.{key}"
        if _PLAIN.fullmatch(key)
        else f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    )


def parts(path: str) -> list[str]:
    """What `join` has put together: `files["docs/a.md"].attributes.team` in four."""
    found, at = [], 0
    while at < len(path):
        if path.startswith('["', at):
            key, end = json.JSONDecoder().raw_decode(path, at + 1)
            at = end + 1
        else:
            at += path.startswith(".", at)
            key = re.split(r"[.\[]", path[at:], maxsplit=1)[0]
            at += len(key)
        found.append(str(key))
    return found


def top(path: str) -> str:
    """The field that a path begins with: `metadata` of `metadata.team` and of `metadata["odd
    key"]`.
    """
    return path.split("[", 1)[0].split(".", 1)[0]


def units(fields: Fields, keyed: Collection[str]) -> dict[str, Any]:
    """The owned units of some fields: each top-level field whole, those in `keyed` key by key; so
    is what lies below them under a path in `keyed`.
    """
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if name in keyed:
            _by_key(name, value, keyed, found)
        else:
            found[name] = value
    return found


def _by_key(path: str, value: Any, keyed: Collection[str], found: dict[str, Any]) -> None:
    for key, item in (value or {}).items():
        below = join(path, key)
        if below in keyed and isinstance(item, Mapping):
            _by_key(below, item, keyed, found)
        else:
            found[below] = item


def same(left: Any, right: Any) -> bool:
    """Equality as JSON has it: 1 is 1.0, but true is not 1."""
    return left is right or (
        left == right and (type(left) is str or _same_flags(left, right))  # most of it is text
    )


def _same_flags(left: Any, right: Any) -> bool:
    """Whether of two equal values each part is true or false where the other's is."""
    sort = type(left)
    if sort is dict:
        for key, value in left.items():
            # Most of what is compared is text.
            if type(value) is str or value is (other := right[key]):
                continue
            if not _same_flags(value, other):
                return False
        return True
    if sort is list or sort is tuple or isinstance(left, list):
        return all(map(_same_flags, left, right))
    return (sort is bool) == (type(right) is bool)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What three-way comparing found: the fields to write, and those that the service will not
    keep.
    """

    changes: tuple[FieldChange, ...] = ()
    unkept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sides:
    """One object seen three ways, as units in normal form. `have` is complete; `want` and `base`
    hold only what was declared; `default` says what an undeclared unit is worth.
    """

    want: Mapping[str, Any]
    base: Mapping[str, Any]
    have: Mapping[str, Any]
    default: Mapping[str, Any]
    resetting: Collection[str] = ()
    unkept: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # The service has what was there before our last update, with our stamp of then.
    undone: Collection[str] = ()
    ignored: Collection[str] = ()


def compare(sides: Sides) -> Comparison:
    """Each owned unit whose live value is not the desired one."""
    from provisioner.model import FieldChange  # what checks specs does without a plan

    changes: list[FieldChange] = []
    unkept: list[str] = []
    want, have, default = sides.want, sides.have, sides.default
    for path in _owned(sides):
        after = want[path] if path in want else default.get(path)
        before = have[path] if path in have else default.get(path)
        if same(before, after):
            continue
        if sides.unkept and _known_unkept(sides.unkept.get(path), after, before):
            unkept.append(path)
            continue
        if _is_undone(sides, path, after):
            unkept.append(path)
            continue
        changes.append(
            FieldChange(
                path,
                before,
                after=after,
                locked=sides.base.get(path),
                drift=_drift(sides, path, before, after),
            )
        )
    return Comparison(tuple(changes), tuple(unkept))


def _owned(sides: Sides) -> Iterable[str]:
    seen = dict.fromkeys([*sides.want, *sides.base, *sides.resetting, *sides.undone])
    if not sides.ignored:
        return seen
    return [path for path in seen if not ignored(path, sides.ignored)]


def ignored(path: str, names: Collection[str]) -> bool:
    """Whether `path` is one of `names` or lies below one: `metadata` covers `metadata.team`."""
    return any(path == name or path.startswith((name + ".", name + "[")) for name in names)


def _known_unkept(record: Mapping[str, Any] | None, sent: Any, got: Any) -> bool:
    """Whether the service has what it made of a value at once; secrets in it are not kept."""
    if record is None or not same(record.get("sent"), sent):
        return False
    return same(unconcealed(record.get("got"), got), got)


def _is_undone(sides: Sides, path: str, after: Any) -> bool:
    return path in sides.undone and same(after, sides.base.get(path))


def _drift(sides: Sides, path: str, before: Any, after: Any) -> str | None:
    base = sides.base.get(path, ABSENT)
    if base is ABSENT or same(before, base):
        return None
    if path in sides.resetting or path in sides.undone:
        return None  # a stopped apply of ours was about to write it; the service did not keep it
    record = sides.unkept.get(path)
    if _known_unkept(record, base, before):
        return None  # the service never took it: no hand edited this
    return "remote" if same(after, base) else "both"


_Leaf = tuple[str, Any, Any]


def inside(before: Any, after: Any) -> list[_Leaf]:
    """Where two nested values differ, as (path, before, after); ABSENT stands for a part that is
    not there.
    """
    found: list[_Leaf] = []
    _leaves("", before, after, found)
    return sorted(found, key=_by_path) if len(found) > 1 else found


def _leaves(path: str, before: Any, after: Any, found: list[_Leaf]) -> None:
    """Mappings are walked here: deepdiff takes a millisecond, and lists alone need it."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            old, new = before.get(key, ABSENT), after.get(key, ABSENT)
            if not same(old, new):
                _leaves(join(path, key) if path else str(key), old, new, found)
    elif isinstance(before, list) and isinstance(after, list):
        found += ((f"{path}{below}", old, new) for below, old, new in _in_lists(before, after))
    else:
        found.append((path, before, after))


def _in_lists(before: list[Any], after: list[Any]) -> Iterator[_Leaf]:
    # Costs a tenth of a second to import; most commands never come here.
    from deepdiff import DeepDiff

    marked = _mapped(before, _marked), _mapped(after, _marked)
    found = DeepDiff(*marked, view="tree", threshold_to_diff_deeper=0)
    for group in found.values():
        for leaf in group:
            old, new = _mapped(leaf.t1, _part), _mapped(leaf.t2, _part)
            # To deepdiff 1 is not 1.0.
            if not same(old, new):
                yield _spell(leaf.path(output_format="list")), old, new


_MARKS = {True: b"true", False: b"false"}  # JSON has no bytes
_FLAGS = {mark: flag for flag, mark in _MARKS.items()}


def _mapped(value: Any, of: Callable[[Any], Any]) -> Any:
    """A nested value with something else for whatever is no list and no mapping."""
    if isinstance(value, dict):
        return {key: _mapped(item, of) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, of) for item in value]
    return of(value)


def _marked(value: Any) -> Any:
    """To deepdiff true is 1, in whichever way it is asked."""
    return _MARKS[value] if isinstance(value, bool) else value


def _part(value: Any) -> Any:
    if isinstance(value, bytes):
        return _FLAGS[value]
    return ABSENT if type(value).__name__ == "NotPresent" else value


def _by_path(leaf: _Leaf) -> str:
    return leaf[0]


def _spell(keys: list[str | int]) -> str:
    path = ""
    for key in keys:  # the first one is a place in a list
        path = f"{path}[{key}]" if isinstance(key, int) else join(path, key)
    return path
