"""Which local file a document is: by its name and size, or by its name alone where nothing else has
that.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import field
from pathlib import Path

from provisioner.digests import hash_file
from provisioner.model import Live
from provisioner.records import dataclass
from provisioner.text import listed
from provisioner.workspace.contents import Contents
from provisioner.workspace.tree import FileRefused


@dataclass
class Paired:
    """Paths of local files, by the ids of the documents that they are."""

    paths: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


class Documents:
    """The local files below a folder of the workspace."""

    def __init__(self, root: Path, folder: str | None) -> None:
        self.root = root
        self._contents = Contents(root)
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._sizes: dict[str, int] = {}
        if folder is None:
            return
        tree = self._contents.tree
        place = str(root / folder) if folder else str(root)
        for entry in tree.walk(folder, place, above=()):
            try:
                tree.inside(entry)
            except FileRefused:  # a link that leaves the workspace, a pipe
                continue
            self._by_name[entry.path.rpartition("/")[2]].append(entry.path)
            self._sizes[entry.path] = Path(entry.place).stat().st_size

    def pair(
        self, documents: Iterable[Live], paired: Paired, but: Collection[str] = frozenset()
    ) -> None:
        """Pair the documents of one store, or of one tool, one to one with local files, `but` these
        paths. Several that look alike are paired by age and path where all the local bytes are the
        same; otherwise nobody knows which is which, and they stay as they are.
        """
        by_name: dict[str, list[Live]] = defaultdict(list)
        for one in sorted(documents, key=lambda live: (live.created_at, live.id)):
            if one.id not in paired.paths:
                name = unicodedata.normalize("NFC", str(one.fields.get("filename") or ""))
                by_name[name].append(one)
        for name, some in by_name.items():
            named = (path for path in self._by_name.get(name, ()) if path not in but)
            paths = filter(self._usable, sorted(named))
            self._of_a_name(some, list(paths), paired)

    def _usable(self, path: str) -> bool:
        """Whether a spec may name it: an empty file, say, is no document."""
        try:
            self._contents.accept(self._contents.path(path))
        except FileRefused:
            return False
        return True

    def _of_a_name(self, documents: list[Live], paths: list[str], paired: Paired) -> None:
        if not paths:
            return
        if len(documents) == len(paths) == 1:  # another size is another version
            paired.paths[documents[0].id] = paths[0]
            return
        by_size: dict[int, list[Live]] = defaultdict(list)
        for one in documents:
            by_size[int(one.fields.get("bytes") or 0)].append(one)
        for size, some in by_size.items():
            alike = [path for path in paths if self._sizes[path] == size]
            if len({hash_file(self.root, path) for path in alike}) > 1:
                ids = listed(f"`{one.id}`" for one in some)
                files = listed(f"`{path}`" for path in alike)
                paired.remarks.append(
                    f"{ids} may be {files}: they look the same and differ. Say which is which with"
                    " `imports`."
                )
            else:
                pairs = zip(some, alike, strict=False)
                paired.paths.update((one.id, path) for one, path in pairs)
