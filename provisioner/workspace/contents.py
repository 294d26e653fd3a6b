"""The files that specs name: accepted or refused once, read at most once."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from provisioner import disk, jsontext
from provisioner.digests import LFS_HEAD, Digest, Digests, digest_of
from provisioner.text import did_you_mean
from provisioner.workspace.tree import (
    FileRefused,
    Tree,
    TreeEntry,
    compiled,
    is_pattern,
    not_readable,
)
from provisioner.yamltext.reading import DEEPEST_YAML, read_yaml, value_of

_ROOTED = "paths begin at the workspace root"
_LARGEST = 512 * 1024 * 1024
_LFS = FileRefused(
    "Git LFS pointer", "is a Git LFS pointer, not the document", "run `git lfs pull`"
)
_EMPTY = FileRefused("Empty file", "is empty", "write something into it, or take it out")
_OURS = FileRefused(
    "File of our own",
    "is a file that `provisioner` writes itself: a lock, its journal or lease, a plan or a report",
    "name another file; a pattern passes it over",
)
_BESIDE = ("", ".journal", ".lease", ".reserve")  # what lies beside a lock, by how its name goes on
_DEEP = "Nested too deeply"


class Contents:
    """What the workspace's files hold."""

    def __init__(
        self,
        root: Path,
        drafts: Mapping[str, bytes] | None = None,
        locks: Iterable[str] = (),
        new: Iterable[str] = (),
    ) -> None:
        self._ours = {
            f"{unicodedata.normalize('NFC', lock)}{beside}" for lock in locks for beside in _BESIDE
        }
        self.tree = Tree(root, drafts, new)
        self.digests = Digests(root)
        self._entries: dict[str, TreeEntry] = {}
        self._accepted: dict[str, Digest | FileRefused] = {}
        self._texts: dict[str, str | FileRefused] = {}
        self._documents: dict[str, Any] = {}

    def path(self, written: str) -> str:
        """The path as addresses spell it, of a file that exists; Refused otherwise."""
        if written in self._entries:
            return written
        path = self.tree.normal(written)
        if path not in self._entries:
            try:
                self._entries[path] = self.tree.find(path)
            except FileRefused as refused:
                raise self._with_suggestion(refused, path) from None
        return path

    def exists(self, written: str) -> bool:
        """Whether the path is that of a file."""
        try:
            self.tree.find(self.tree.normal(written))
        except FileRefused:
            return False
        return True

    def _with_suggestion(self, refused: FileRefused, path: str) -> FileRefused:
        if refused.summary != "File not found" or refused.hint:
            return refused
        if "://" in path or ":/" in path:
            return FileRefused(
                refused.summary, "is not a file of the workspace", "download it, and name the file"
            )
        try:
            near = self.tree.near(path)
        except FileRefused:
            near = []
        detail = refused.detail + ("; a pattern cannot stand here" if is_pattern(path) else "")
        return FileRefused(refused.summary, detail, did_you_mean(path, near) or _ROOTED)

    def accept(self, path: str) -> Digest:
        """The digest of a file that may be uploaded; Refused otherwise. `path` is a result of
        `path` or `glob`.
        """
        known = self._accepted.get(path)
        if known is None:
            known = self._accepted[path] = self._look(path)
        if isinstance(known, FileRefused):
            raise known
        return known

    def _look(self, path: str) -> Digest | FileRefused:
        entry = self._entries[path]
        if path in self._ours:
            return _OURS
        if not _unicode(path):
            return FileRefused("Invalid path", "has a name that is not Unicode", "rename it")
        try:
            self.tree.inside(entry)
            draft = self.tree.draft(entry)
            if draft is not None:
                return _OURS if digest_of(draft).ours else digest_of(draft)
            stat = os.stat(entry.place)  # noqa: PTH116 - a path object for each of 10,000 files costs
            if stat.st_size == 0:
                return _EMPTY
            if stat.st_size > _LARGEST:
                detail = f"has {stat.st_size} bytes; a file may have at most 512 MB ({_LARGEST})"
                return FileRefused("File too large", detail, "split it")
            digest = self.digests.of(path, stat, entry.place)
        except FileRefused as refused:
            return refused
        except OSError as error:
            return not_readable(error)
        unfit = _OURS if digest.ours else _LFS
        return unfit if digest.ours or digest.lfs else digest

    def folder(self, written: str) -> dict[str, Digest]:
        """Every file below a folder, by its path from there; Refused where one cannot be uploaded.
        Hidden files are passed over, as by patterns; empty ones are files like others.
        """
        base = self.tree.normal(written)
        entries = sorted(self.tree.below(base), key=lambda entry: entry.path)
        self._entries.update((entry.path, entry) for entry in entries)
        found: dict[str, Digest] = {}
        for entry in entries:
            try:
                found[entry.path.removeprefix(f"{base}/")] = self.accept(entry.path)
            except FileRefused as refused:
                if refused is _EMPTY:
                    found[entry.path.removeprefix(f"{base}/")] = digest_of(b"")
                elif refused is not _OURS:
                    detail = f"holds `{entry.path}`, which {refused.detail}"
                    raise FileRefused(refused.summary, detail, refused.hint) from None
        return found

    def glob(self, pattern: str, exclude: list[str]) -> list[str]:
        """The sorted paths that a path or pattern names; Refused where there is none."""
        # A file may really be called `a[1].md`.
        if not is_pattern(pattern) or self.exists(pattern):
            return self._without([self.path(pattern)], exclude)
        normal = self.tree.normal(pattern)
        matched = {entry.path: entry for entry in self._matching(normal)}
        left = self._without(sorted(matched), exclude)
        self._entries.update(matched)
        self.glance(left)
        paths = [path for path in left if not self._is_ours(path)]
        if paths:
            return paths
        if left:
            detail, hint = "matches only files that `provisioner` writes itself", None
        elif matched:
            detail, hint = "matches only files that are excluded", "shorten `exclude`"
        else:
            detail, hint = "matches no file", self._why_nothing(normal)
        raise FileRefused("Nothing matched", detail, hint)

    def glance(self, paths: Iterable[str]) -> None:
        """Accept what is plainly as it was when it was hashed; everything else is looked at one by
        one. `paths` are as for `accept`. One loop: of 10,000 files, a call for each costs as much
        as asking the disk.
        """
        if self.tree.drafts:
            return
        remembered, entries, ask = self.digests.known().get, self._entries, os.stat
        for path in paths:
            entry, known = entries[path], remembered(path)
            if known is None or entry.link or entry.twin:
                continue
            try:
                now = ask(entry.place)
            except OSError:
                continue
            if known[0] == (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino):
                digest = known[1]
                if not (digest.ours or digest.lfs) and 0 < digest.bytes <= _LARGEST:
                    self._accepted[path] = digest
        for path in self._ours:
            self._accepted.pop(path, None)

    def _is_ours(self, path: str) -> bool:
        """Whether a pattern passes a file over, because no second plan would be empty with it."""
        known = self._accepted.get(path)
        if known is None:
            known = self._accepted[path] = self._look(path)
        return known is _OURS

    def _matching(self, pattern: str) -> list[TreeEntry]:
        try:
            return list(self.tree.match(pattern))
        except FileRefused as refused:
            if refused.summary == "File not found":
                return []
            raise

    def _without(self, paths: list[str], exclude: list[str]) -> list[str]:
        left = paths
        for written in exclude:
            pattern = compiled(self.tree.normal(written), hidden=True)
            left = [path for path in left if not pattern.fullmatch(path)]
        return left

    def _why_nothing(self, pattern: str) -> str | None:
        folder = pattern.partition("*")[0].rpartition("/")[0]
        if folder and not is_pattern(folder) and not disk.is_folder(self.tree.root / folder):
            return f"there is no folder `{folder}`"
        try:
            loose = compiled(pattern.casefold())
        except FileRefused:  # `[Z-a]` runs backwards in small letters
            return _ROOTED
        near = [entry.path for entry in self.tree.walk("", str(self.tree.root), above=())]
        other = next((path for path in near if loose.fullmatch(path.casefold())), None)
        return f"upper and lower case matter: there is `{other}`" if other else _ROOTED

    def text(self, path: str) -> str:
        """A text file, without its byte-order mark and with plain line ends; Refused otherwise."""
        if path not in self._texts:
            self._texts[path] = self._text(path)
        content = self._texts[path]
        if isinstance(content, FileRefused):
            raise content
        return content

    def _text(self, path: str) -> str | FileRefused:
        try:
            data = self.tree.read(self._entries[path])
        except OSError as error:
            return not_readable(error)
        if data.startswith(LFS_HEAD):
            return _LFS
        from provisioner.yamltext.syntax import not_utf8

        broken = not_utf8(path, data)
        if broken:
            detail = f"is not UTF-8 (line {broken.line}, column {broken.column})"
            return FileRefused("Not UTF-8", detail, "save it as UTF-8")
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
        return text if text.strip() else _EMPTY

    def front_matter(self, path: str) -> Mapping[str, Any]:
        """The YAML between two `---` at the beginning of a text file, empty where there is none;
        Refused where the file is no text.
        """
        text = self.text(path)
        head = text.removeprefix("---\n").split("\n---", 1)[0] if text.startswith("---\n") else ""
        value = value_of(head.encode())
        return value if isinstance(value, dict) else {}

    def document(self, path: str) -> Any:
        """The JSON or YAML document in a file; Refused otherwise."""
        if path not in self._documents:
            self._documents[path] = _document(path, self.text(path))
        if isinstance(self._documents[path], FileRefused):
            raise self._documents[path]
        return self._documents[path]


def _document(path: str, text: str) -> Any:
    if path.lower().endswith((".yaml", ".yml")):
        data = text.encode()
        try:
            reading = read_yaml(data)
        except yaml.YAMLError as error:
            from provisioner.yamltext.syntax import explain

            odd = explain(path, data, error)
            return FileRefused(
                odd.summary,
                f"cannot be read (line {odd.line}, column {odd.column}). {odd.detail.rstrip('.')}",
                odd.hint,
            )
        if reading.odd:
            return _odd(data, reading.value)
        return reading.value
    try:
        return jsontext.read(text, deepest=DEEPEST_YAML, unique=True)
    except jsontext.Unreadable as error:
        if error.key is not None:
            return FileRefused(
                "Duplicate key",
                f"holds the key `{error.key}` twice in one object",
                "keep one of them",
            )
        where = f" (line {error.line}, column {error.column})" if error.line else ""
        if "nested" in str(error):
            return FileRefused(_DEEP, f"{error}{where}", "flatten it")
        if "half a character" in str(error):
            return FileRefused(
                "Half a character", f"{error}{where}", "write the character itself, or both halves"
            )
        return FileRefused("Invalid JSON", f"{error}{where}", "mend the file")


def _odd(data: bytes, value: Any) -> Any:
    from provisioner.workspace.explain.problems import oddities
    from provisioner.yamltext.reading import compose

    node = compose(data)
    errors = [odd for odd in oddities(node) if odd.severity == "error"] if node else []
    if not errors:
        return value
    first = errors[0]
    line = first.node.start_mark.line + 1
    return FileRefused(
        first.summary,
        f"holds something doubtful in line {line}. {first.detail.rstrip('.')}",
        first.hint,
    )


def _unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
