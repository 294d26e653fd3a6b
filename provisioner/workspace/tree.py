"""The files below a workspace: paths made plain, looked up and matched."""

from __future__ import annotations

import errno
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from provisioner import disk
from provisioner.digests import Mark, mark
from provisioner.records import dataclass

_OURS = (disk.OURS, ".git")
_MAGIC = re.compile(r"[*?\[]")


class FileRefused(Exception):
    """A path that cannot be used: summary, detail (completing "`path` …") and hint."""

    def __init__(self, summary: str, detail: str, hint: str | None = None) -> None:
        super().__init__(summary)
        self.summary, self.detail, self.hint = summary, detail, hint


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One name in a folder. `path` is in NFC, `place` as the disk spells it."""

    path: str
    place: str
    folder: bool
    link: bool
    plain: bool = True  # a file to read: no pipe, no device
    twin: bool = False  # another name beside it is the same in NFC


class Tree:
    """The workspace's folders, each read at most once. `drafts` are what some files would hold, by
    their real place on disk: a file may have several names. `new`: the paths of those that are not
    there yet.
    """

    def __init__(
        self, root: Path, drafts: Mapping[str, bytes] | None = None, new: Iterable[str] = ()
    ) -> None:
        self.root = root
        self.drafts = drafts or {}
        self._real = os.path.realpath(root)
        self._folders: dict[str, dict[str, TreeEntry]] = {}
        self._new: dict[str, dict[str, TreeEntry]] = {}  # by the folder that they would be in
        for path in new:
            self._add(path)

    def _add(self, path: str) -> None:
        """Let a file that is not there, and the folders above it, be found."""
        inner, folder = path, False
        while inner:
            above, _, name = inner.rpartition("/")
            entry = TreeEntry(inner, f"{self.root}/{inner}", folder=folder, link=False)
            self._new.setdefault(above, {})[name] = entry
            inner, folder = above, True

    def entries(self, folder: str, place: str) -> dict[str, TreeEntry]:
        """The names in a folder; raises OSError."""
        listed = self._folders.get(folder)
        if listed is None:
            listed = self._folders[folder] = {}
            prefix = f"{folder}/" if folder else ""
            new = self._new.get(folder)
            try:
                with os.scandir(place) as names:
                    for name in names:
                        plain = name.name
                        if not plain.isascii():
                            plain = unicodedata.normalize("NFC", plain)
                        if plain not in _OURS:
                            listed[plain] = _entry(prefix + plain, name, twin=plain in listed)
            except FileNotFoundError:
                if new is None:
                    raise
            for plain, entry in (new or {}).items():
                listed.setdefault(plain, entry)
        return listed

    def normal(self, path: str) -> str:
        """A path as addresses spell it: NFC, `/`, no `.`; Refused where it leaves the workspace."""
        if path.startswith(("/", "~")) or re.match(r"[A-Za-z]:[\\/]", path):
            raise FileRefused(
                "Absolute path", "is absolute", "write a path relative to the workspace root"
            )
        parts: list[str] = []
        for part in unicodedata.normalize("NFC", path).split("/"):
            if part == "..":
                if not parts:
                    raise FileRefused(
                        "Path outside workspace",
                        "leaves the workspace",
                        "copy the file into the workspace",
                    )
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        if not parts or "\0" in path:
            raise FileRefused(
                "Invalid path", "names no file", "write the path of a file, like `docs/a.md`"
            )
        own = next((part for part in parts if part in _OURS), None)
        if own:
            detail = f"is inside `{own}/`, which is not part of the workspace"
            raise FileRefused("Invalid path", detail, "copy the file into another folder")
        return "/".join(parts)

    def find(self, path: str) -> TreeEntry:
        """The file that a normal path names; Refused where there is none."""
        folder, place = "", str(self.root)
        parts = path.split("/")
        for index, part in enumerate(parts):
            entry = self._step(folder, place, part)
            self.inside(entry)
            folder, place = entry.path, entry.place
            if index + 1 < len(parts) and not entry.folder:
                raise FileRefused("File not found", f"does not exist; `{entry.path}` is a file")
        if entry.folder:
            hint = f"write `{entry.path}/**/*` for all files below it"
            raise FileRefused("Folder, not file", "is a folder; a file is expected", hint)
        return entry

    def _step(self, folder: str, place: str, part: str) -> TreeEntry:
        try:
            names = self.entries(folder, place)
        except OSError as error:
            raise not_readable(error, folder) from None
        if part not in names:
            raise FileRefused("File not found", "does not exist")
        return names[part]

    def inside(self, entry: TreeEntry) -> None:
        """Refused where an entry is not a file or folder of the workspace: a link out of it, a
        pipe, one of two names that are the same.
        """
        if entry.twin:
            detail = "is the name of two files, which differ only in how Unicode composes a letter"
            raise FileRefused("Two files, one name", detail, "rename or remove one of them")
        if entry.link and not self._below(entry.place):
            hint = "copy the file into the workspace"
            raise FileRefused(
                "Path outside workspace", "is a symbolic link that leaves the workspace", hint
            )
        if not (entry.plain or entry.folder):
            raise _special(entry)

    def _below(self, place: str) -> bool:
        real = os.path.realpath(place)
        inner = os.path.relpath(real, self._real).split("/")
        return inner[0] != ".." and not any(part in _OURS for part in inner)

    def read(self, entry: TreeEntry) -> bytes:
        """What a file holds, or would hold; raises OSError."""
        return self.read_marked(entry)[0]

    def read_marked(self, entry: TreeEntry) -> tuple[bytes, Mark | None]:
        """The same, and by what it is known whether the file has changed; nothing of a draft."""
        draft = self.draft(entry)
        if draft is not None:
            return draft, None
        data, found = disk.read_found(entry.place, disk.LARGEST_TEXT)
        return data, mark(found)

    def draft(self, entry: TreeEntry) -> bytes | None:
        """What a file would hold, where that is not what it holds."""
        return self.drafts.get(os.path.realpath(entry.place)) if self.drafts else None

    def near(self, path: str) -> list[str]:
        """Paths that a missing one may have been meant to be: those in its folder, or else
        everywhere.
        """
        folder = path.rpartition("/")[0]
        listed = self._folders.get(folder)
        inside = [entry.path for entry in (listed or {}).values() if not entry.folder]
        if inside:
            return inside
        return [
            entry.path
            for _, entry in zip(range(5000), self.walk("", str(self.root), above=()), strict=False)
        ]

    def match(self, pattern: str) -> Iterator[TreeEntry]:
        """Every file that a normal pattern matches, unsorted."""
        parts = pattern.split("/")
        fixed = 0
        while fixed + 1 < len(parts) and not is_pattern(parts[fixed]):
            fixed += 1
        base = "/".join(parts[:fixed])
        place = str(self.root)
        for index in range(fixed):
            entry = self._step("/".join(parts[:index]), place, parts[index])
            self.inside(entry)
            if not entry.folder:
                return
            place = entry.place
        wanted = compiled(pattern)
        deep = None if "**" in parts[fixed:] else len(parts) - fixed
        for entry in self.walk(
            base,
            place,
            above=(),
            deep=deep,
            hidden=any(part.startswith(".") for part in parts[fixed:]),
        ):
            if wanted.fullmatch(entry.path):
                yield entry

    def below(self, folder: str) -> Iterator[TreeEntry]:
        """The files below a folder, by its normal path; Refused where there is none."""
        above, place = "", str(self.root)
        for part in folder.split("/"):
            entry = self._step(above, place, part)
            self.inside(entry)
            if not entry.folder:
                raise FileRefused("Folder expected", f"needs a folder; `{entry.path}` is a file")
            above, place = entry.path, entry.place
        return self.walk(folder, place, above=())

    def walk(
        self,
        folder: str,
        place: str,
        *,
        above: tuple[str, ...],
        deep: int | None = None,
        hidden: bool = False,
    ) -> Iterator[TreeEntry]:
        """The files below a folder, `deep` levels at most. A link to a folder is followed, but
        never in a circle.
        """
        try:
            names = list(self.entries(folder, place).items())
        except OSError as error:
            raise not_readable(error, folder) from None
        for name, entry in names:
            if name[0] == "." and not hidden:
                continue
            if not entry.folder:
                yield entry
            elif deep is None or deep > 1:
                yield from self._below_folder(
                    entry, above, None if deep is None else deep - 1, hidden
                )

    def _below_folder(
        self, entry: TreeEntry, above: tuple[str, ...], deep: int | None, hidden: bool
    ) -> Iterator[TreeEntry]:
        if entry.link:
            real = os.path.realpath(entry.place)
            if real in above or os.path.realpath(os.path.dirname(entry.place)).startswith(real):  # noqa: PTH120
                return
            if not self._below(entry.place):
                yield entry  # reported by whoever looks at it
                return
            above = (*above, real)
        yield from self.walk(entry.path, entry.place, above=above, deep=deep, hidden=hidden)


def _entry(path: str, name: os.DirEntry[str], twin: bool) -> TreeEntry:
    try:
        return TreeEntry(
            path,
            name.path,
            folder=name.is_dir(),
            link=name.is_symlink(),
            plain=name.is_file(),
            twin=twin,
        )
    except OSError:  # a link in a circle
        return TreeEntry(path, name.path, folder=False, link=True, plain=False, twin=twin)


def _special(entry: TreeEntry) -> FileRefused:
    """Why an entry that is neither a file nor a folder cannot be used."""
    try:
        os.stat(entry.place)  # noqa: PTH116 - as everywhere here, places are text
    except FileNotFoundError:
        return FileRefused(
            "File not found",
            "is a symbolic link to what does not exist",
            "mend the link, or remove it",
        )
    except OSError as error:
        return not_readable(error)
    return FileRefused("Not a file", "is a pipe, a socket or a device", "put a file there")


def not_readable(error: OSError, what: str = "") -> FileRefused:
    """Why something on disk cannot be read."""
    reason = error.strerror or str(error)
    where = f" (`{what}`)" if what else ""
    if isinstance(error, FileNotFoundError):
        return FileRefused("File not found", "does not exist")
    if isinstance(error, NotADirectoryError | IsADirectoryError):
        other, wanted = (
            ("folder", "file") if isinstance(error, IsADirectoryError) else ("file", "folder")
        )
        return FileRefused(f"Not a {wanted}", f"is a {other}; a {wanted} is expected", "rename it")
    if isinstance(error, disk.TooLarge):
        return FileRefused(
            "File too large",
            reason.removeprefix("it "),
            "split it, or take out what does not belong there",
        )
    if isinstance(error, disk.Unfit):
        return FileRefused("Not a file", reason.removeprefix("it "), "put a file there")
    if error.errno == errno.ELOOP:
        return FileRefused(
            "Link in a circle", "is a symbolic link that leads back to itself", "remove it"
        )
    return FileRefused(
        "Unreadable file", f"cannot be read{where}: {reason.lower()}", "check the permissions"
    )


def is_pattern(path: str) -> bool:
    """Whether a path holds `*`, `?` or `[`."""
    return _MAGIC.search(path) is not None


@lru_cache(maxsize=1024)
def compiled(pattern: str, hidden: bool = False) -> re.Pattern[str]:
    """A pattern over whole paths: `**` any folders, `*` and `?` within a name. Without `hidden`,
    names that begin with a dot must be spelt so. Refused where a set in it holds nothing.

    What comes before a star is matched where it first fits and never tried again: that is enough,
    and however many stars there are, the time is not that of all their combinations.
    """
    seen = "" if hidden else r"(?!\.)"
    runs: list[list[str]] = [[]]  # the names between two `**`
    for part in pattern.split("/"):
        if part == "**":
            runs += [] if len(runs) > 1 and not runs[-1] else [[]]  # `**/**` is one
        else:
            runs[-1].append(("" if part.startswith(".") else seen) + _segment(part))
    runs[-1] = runs[-1] or [f"{seen}[^/]+"]  # a `**` at the end stands for the files as well
    first, *others = ["/".join(run) for run in runs]
    folders = f"(?:{seen}[^/]+/)*"
    text = f"{first}/" if first and others else first
    text += "".join(f"(?>{folders}?{run}/)" for run in others[:-1])
    return re.compile(text + (folders + others[-1] if others else ""))


def _segment(part: str) -> str:
    """One name: pieces between stars, each but the last where it first fits."""
    pieces, index = [""], 0
    while index < len(part):
        letter = part[index]
        end = part.find("]", index + 2) if letter == "[" else -1
        if end > 0:
            # `[a-z]` or `[!a-z]`.
            written = part[index : end + 1]
            inner = written[1:-1]
            other = inner[0] in "!^"
            text = re.sub(
                r"([\\\[&~|])|-(?=-)", lambda found: f"\\{found[0]}", inner[1:] if other else inner
            )
            made = f"[^/{text}]" if other else f"(?!/)[{text}]"
            try:
                re.compile(made)
            except re.error:
                detail = f"holds `{written}`, a range that runs backwards"
                raise FileRefused(
                    "Invalid pattern", detail, "write the lower letter first, like `[a-z]`"
                ) from None
            pieces[-1] += made
            index = end
        elif letter == "*":
            pieces += [] if len(pieces) > 1 and not pieces[-1] else [""]
        else:
            pieces[-1] += "[^/]" if letter == "?" else re.escape(letter)
        index += 1
    first, *others = pieces
    middle = "".join(f"(?>[^/]*?{piece})" for piece in others[:-1])
    return first + middle + (f"[^/]*{others[-1]}" if others else "")
