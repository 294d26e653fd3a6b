"""Where the pages of long lists began the last time: only a hint, kept beside the workspace, wrong at no cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from provisioner import disk, jsontext
from provisioner.model import is_id


class Hints:
    """Cursors by list; without a folder it knows nothing and remembers nothing."""

    def __init__(self, folder: Path | None, service: str) -> None:
        self._folder, self._service = folder, service

    def cursors(self, name: str) -> list[str]:
        """The last id of each page but the last, in the order of the list."""
        if self._folder is None:
            return []
        try:
            found = jsontext.read(disk.read(self._file(self._folder, name), disk.LARGEST))
        except (OSError, jsontext.Unreadable):
            return []
        return [id for id in found if is_id(id)] if isinstance(found, list) else []

    def remember(self, name: str, ids: Sequence[str], page: int) -> None:
        """Take note of a list that was just read in full; a folder that cannot be written is no fault."""
        if self._folder is None or len(ids) <= page:
            return
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            disk.replace(self._file(self._folder, name), json.dumps(list(ids[page - 1 : len(ids) - 1 : page])).encode())

    def _file(self, folder: Path, name: str) -> Path:
        return folder / f"{hashlib.sha256(f'{self._service} {name}'.encode()).hexdigest()[:24]}.json"
