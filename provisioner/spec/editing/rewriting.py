"""A YAML or JSON text made to say another value: what stays the same keeps every byte, comments included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

import yaml

from provisioner.diff import same
from provisioner.spec.editing.cuts import Cuts
from provisioner.spec.editing.patches import Items
from provisioner.spec.editing.pieces import Piece, taken_apart
from provisioner.spec.editing.scalars import Unwritable
from provisioner.spec.reading import DEEPEST, read, too_deep


class Entangled(Unwritable):
    """The value is written in a place that stands for others as well."""


def rewritten(text: str, old: Any, new: Any, *, json_only: bool = False) -> str:
    """The text, which says `old`, changed where `new` is different; Unwritable where that cannot be done so that
    nothing else changes."""
    if too_deep(new):
        raise Unwritable(f"it is nested in more than {DEEPEST} levels")
    root = taken_apart(text)
    for one_line in (False, True):  # what stands around a value may not bear one of several lines
        cuts = Cuts(text, json_only=json_only, one_line=one_line)
        if root is not None:
            _Rewriting(cuts).differ(root, old, new, _Around())
        result = cuts.result()
        if _says(result, new):
            return result
    raise Unwritable("the file is laid out in a way that cannot be kept")


def _says(text: str, value: Any) -> bool:
    try:
        return same(read(text.encode()).value, value)
    except (yaml.YAMLError, UnicodeError):
        return False


@dataclass(frozen=True, slots=True)
class _Around:
    """What a value stands in: in which column the key or dash stands, and the key itself."""

    column: int = -1
    flow: bool = False
    key: Piece | None = None


@dataclass
class _Rewriting:
    cuts: Cuts
    trail: list[str] = field(default_factory=list)

    def differ(self, piece: Piece, old: Any, new: Any, around: _Around) -> None:
        """Walk down to what differs and note the cuts."""
        if same(old, new) and not _reordered(new):
            return
        if piece.shared:
            raise Entangled(f"it comes from the anchor `&{piece.anchor}`, which other places use as well")
        if piece.sort == "mapping" and isinstance(new, dict) and isinstance(old, dict):
            self._mapping(piece, old, new, around)
        elif piece.sort == "sequence" and isinstance(new, list) and isinstance(old, list):
            self._sequence(piece, old, new, around)
        else:
            self.cuts.replace(piece, new, around.column, around.flow, around.key)

    def _mapping(self, piece: Piece, old: dict[Any, Any], new: dict[Any, Any], around: _Around) -> None:
        own = {key.said: index for index, key in enumerate(piece.keys) if key.said != "<<"}
        for key in {**old, **new}:
            changed = key not in old or key not in new or not same(old[key], new[key])
            if changed and key in old and str(key) not in own:
                raise Entangled("it comes from an anchor through `<<`, which other places use as well")
        gone = [index for key, index in own.items() if key in old and key not in new]
        added = [(key, new[key]) for key in new if key not in old]
        if len(gone) == len(piece.keys) or not piece.keys:
            self.cuts.replace(piece, new, around.column, around.flow, around.key)
            return
        for key, index in own.items():
            if key in new and key in old:
                inner = _Around(piece.column, piece.style == "flow", piece.keys[index])
                self.differ(piece.items[index], old[key], new[key], inner)
        self.cuts.remove(piece, gone)
        self.cuts.add_pairs(piece, max(set(range(len(piece.keys))) - set(gone)), added)

    def _sequence(self, piece: Piece, old: list[Any], new: list[Any], around: _Around) -> None:
        origins = new.origins if isinstance(new, Items) else _aligned(old, new)
        kept = {origin for origin in origins if origin is not None}
        if not kept:
            self.cuts.replace(piece, list(new), around.column, around.flow, around.key)
            return
        inner = _Around(piece.column, piece.style == "flow")
        fresh: list[Any] = []
        last: int | None = None
        for origin, value in zip(origins, new, strict=True):
            if origin is None:
                fresh.append(value)
                continue
            self.differ(piece.items[origin], old[origin], value, inner)
            self.cuts.add_items(piece, last, fresh, before=origin)
            fresh, last = [], origin
        self.cuts.add_items(piece, last, fresh)
        self.cuts.remove(piece, [index for index in range(len(piece.items)) if index not in kept])


def _reordered(new: Any) -> bool:
    return isinstance(new, Items) and new.origins != list(range(len(new)))


def _aligned(old: Sequence[Any], new: Sequence[Any]) -> list[int | None]:
    """For each new entry the old one that it is or was made from."""
    before, after = ([json.dumps(item, sort_keys=True, default=str) for item in side] for side in (old, new))
    origins: list[int | None] = []
    for _, at, end, start, stop in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        pairs = end - at == stop - start
        origins += range(at, end) if pairs else [None] * (stop - start)
    return origins
