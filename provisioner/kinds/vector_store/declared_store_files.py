"""Which files a vector store holds: entries matched, their settings merged, what file_search
refuses reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from provisioner.kinds.base import OPENAI, Finding, Path, Scope
from provisioner.kinds.common import MAX_ATTRIBUTES, StaticChunking, applies
from provisioner.kinds.file.accepted import SEARCHABLE, counted, in_capitals, remedy, unaccepted
from provisioner.kinds.table import MAX_VALUE
from provisioner.kinds.vector_store.spec import Entry, IdEntry, PathEntry
from provisioner.model import Stamp

_PLACEHOLDER = re.compile(r"(?P<literal>\$)?\$\{file\.(?P<name>[^}]*)\}")
_SAFE = 256
"""Characters of a text attribute that every description of the limit agrees on."""


def _placeholders(path: str) -> dict[str, str]:
    folder, _, name = path.rpartition("/")
    stem, dot, _ = name.rpartition(".")
    return {"path": path, "folder": folder, "name": name, "stem": stem if dot and stem else name}


def _filled(text: str, path: str) -> str:
    """The text for one file; `$${file.path}` stands for a literal `${file.path}`."""
    values = _placeholders(path)

    def one(found: re.Match[str]) -> str:
        return found[0][1:] if found["literal"] else values.get(found["name"], found[0])

    return _PLACEHOLDER.sub(one, text)


def read_files(entries: list[Entry] | None, scope: Scope, at: Path) -> dict[str, dict[str, Any]]:
    """Every file of a store by its path, or by `id:FILE_ID` where it is not managed here."""
    return DeclaredStoreFiles(scope, at).collect(entries or [])


def read_chunking(chunking: str | StaticChunking | None, scope: Scope, at: Path) -> Any:
    """`auto`, or the two sizes; null says `auto`. Neighbours share at most half a chunk, which a
    model cannot say.
    """
    if not isinstance(chunking, StaticChunking):
        return _neutral(chunking)
    size, overlap = chunking.max_chunk_size_tokens, chunking.chunk_overlap_tokens
    if overlap * 2 > size:
        detail = (
            f"`{scope.address}` has `chunk_overlap_tokens: {overlap}`; "
            f"it must be at most {size // 2}, half of `max_chunk_size_tokens: {size}`."
        )
        where = (*at, "chunk_overlap_tokens")
        scope.report(Finding(where, "Value out of range", detail, f"write `{size // 2}`"))
    return _neutral(chunking)


def _neutral(chunking: str | StaticChunking | None) -> Any:
    return chunking.declared() if isinstance(chunking, StaticChunking) else "auto"


class DeclaredStoreFiles:
    """The files of one store, collected entry by entry."""

    def __init__(self, scope: Scope, at: Path) -> None:
        self.scope, self.at = scope, at
        self.found: dict[str, dict[str, Any]] = {}
        self.said: set[tuple[Path, str]] = (
            set()
        )  # findings that are the same for every file of an entry

    def collect(self, entries: Iterable[Entry]) -> dict[str, dict[str, Any]]:
        """Every file by its path, or by `id:FILE_ID` where it is not managed here."""
        for index, entry in enumerate(entries):
            at = (*self.at, index)
            if isinstance(entry, str):
                self._add(self._match(entry, [], at), None, at)
                continue
            if not applies(entry.only, self.scope.environment):
                continue
            read_chunking(entry.chunking, self.scope, (*at, "chunking"))
            self._check_attributes(entry, at)
            if isinstance(entry, IdEntry):
                self.scope.file({"id": entry.id}, (*at, "id"))
                self._merge(f"id:{entry.id}", {"id": entry.id}, entry, at)
            else:
                self._add(self._match(entry.path, entry.exclude, (*at, "path")), entry, at)
        return self.found

    def _match(self, pattern: str, exclude: list[str], at: Path) -> list[str]:
        """The matched files that file_search accepts; the others are reported, one finding an
        extension.
        """
        paths = self.scope.glob(pattern, exclude, at)
        refused = unaccepted(paths, SEARCHABLE)
        for suffix, some in refused.items():
            detail = (
                f"`{self.scope.address}` cannot hold {counted(suffix, some)}: file_search does not"
                " read "
            )
            detail += f"`{suffix}`." if suffix else "files without an extension."
            self.scope.report(Finding(at, "Extension not accepted", detail, remedy(suffix)))
        bad = {path for some in refused.values() for path in some}
        accepted = [path for path in paths if path not in bad] if bad else paths
        self._check_capitals(accepted, at)
        return accepted

    def _check_capitals(self, paths: list[str], at: Path) -> None:
        for suffix, some in in_capitals(paths).items():
            detail = (
                f"`{self.scope.address}` holds {counted(f'.{suffix}', some)}: OpenAI's file_search"
                " refuses extensions in capitals."
            )
            finding = Finding(
                at,
                "Extension in capitals",
                detail,
                hint=f"rename it to `{some[0].removesuffix(suffix)}{suffix.lower()}`",
                severity="warning",
                rule=OPENAI,
            )
            self.scope.report(finding)

    def _add(self, paths: list[str], entry: PathEntry | None, at: Path) -> None:
        place = at if entry is None else (*at, "path")
        for path in paths:
            reference = self.scope.file(path, place)
            if isinstance(reference, str) and self._stampable(path, place):
                self._merge(path, {"file": reference}, entry, at)

    def _merge(
        self, key: str, start: dict[str, Any], entry: PathEntry | IdEntry | None, at: Path
    ) -> None:
        store_file = self.found.setdefault(key, start)
        if entry is None:
            return
        if entry.chunking is not None:
            store_file["chunking"] = _neutral(entry.chunking)
        if entry.attributes is not None:
            here = self._replaced(entry.attributes, key, at)
            merged = store_file["attributes"] = {**store_file.get("attributes", {}), **here}
            self._check_count(merged, key, at)

    def _replaced(self, attributes: dict[str, Any], path: str, at: Path) -> dict[str, Any]:
        replaced = dict(attributes)
        for key, value in attributes.items():
            if isinstance(value, str) and "${file." in value:
                replaced[key] = _filled(value, path)
                self._check_length(key, replaced[key], path, at)
        return replaced

    def _check_attributes(self, entry: PathEntry | IdEntry, at: Path) -> None:
        for key, value in (entry.attributes or {}).items():
            if not isinstance(value, str):
                continue
            where = (*at, "attributes", key)
            for found in _PLACEHOLDER.finditer(value):
                if not found["literal"]:
                    self._check_placeholder(found["name"], entry, where)
            if "${file." not in value:
                self._check_length(key, value, None, at)

    def _check_placeholder(self, name: str, entry: PathEntry | IdEntry, at: Path) -> None:
        known = ", ".join(f"`${{file.{one}}}`" for one in _placeholders(""))
        if isinstance(entry, IdEntry):
            detail = (
                f"`{self.scope.address}` uses `${{file.{name}}}` for a file that is not managed"
                " here."
            )
            self.scope.report(Finding(at, "Unknown path", detail, "write the value out"))
        elif name not in _placeholders(""):
            detail = f"`{self.scope.address}` uses `${{file.{name}}}`, which does not exist."
            self.scope.report(Finding(at, "Unknown variable", detail, f"there are {known}"))

    def _check_length(self, key: str, value: str, path: str | None, at: Path) -> None:
        if len(value) <= _SAFE or (at, key) in self.said:
            return
        self.said.add((at, key))
        of = f" of `{path}`" if path else ""
        has = f"`{self.scope.address}` has {len(value)} characters in the attribute `{key}`{of}"
        where = (*at, "attributes", key)
        if len(value) > MAX_VALUE:
            self.scope.report(
                Finding(where, "Too many characters", f"{has}; there must be at most {MAX_VALUE}.")
            )
        else:
            detail = f"{has}; some services take only {_SAFE}."
            self.scope.report(
                Finding(where, "Long attribute", detail, "shorten it to be sure", "warning")
            )

    def _check_count(self, attributes: dict[str, Any], key: str, at: Path) -> None:
        if len(attributes) <= MAX_ATTRIBUTES or (at, "") in self.said:
            return
        self.said.add((at, ""))
        detail = (
            f"`{self.scope.address}` gives `{key}` {len(attributes)} attributes from several"
            f" entries; there must be at most {MAX_ATTRIBUTES}, because the service takes 16 and"
            " two are ours."
        )
        self.scope.report(Finding((*at, "attributes"), "Too many attributes", detail))

    @cached_property
    def _longest(self) -> int:
        """Characters of a path beside which the rest of our stamp still fits into an attribute."""
        workspace = self.scope.workspace or "w" * 64
        return MAX_VALUE - len(str(Stamp(workspace, self.scope.environment, "", "0" * 8, 10**9)))

    def _stampable(self, path: str, at: Path) -> bool:
        """Whether our stamp, which holds the path, fits into an attribute."""
        most = self._longest
        if len(path) <= most:
            return True
        detail = f"`{path}` has {len(path)} characters; with our stamp there is room for {most}."
        self.scope.report(Finding(at, "Path too long", detail, "shorten the names of its folders"))
        return False
