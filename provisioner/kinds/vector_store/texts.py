"""Whether a store file has the text of a local file: the only content that a
service gives back.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from provisioner import disk
from provisioner.errors import ServiceError
from provisioner.kinds.vector_store.store_files import content

if TYPE_CHECKING:
    from provisioner.remote import Remote


async def same_text(remote: Remote, store_id: str, file_id: str, path: Path) -> bool | None:
    """Whether both have the same text, white space folded; None where one of them cannot be read as
    text.
    """
    try:
        ours = disk.read(path, disk.LARGEST).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
    try:
        theirs = await content(remote, store_id, file_id)
    except ServiceError:  # where a service does not say, whoever asks has not failed
        return None
    return None if theirs is None else _folded(ours) == _folded(theirs)


def _folded(text: str) -> str:
    """Every run of white space as one blank: services lay out anew what they read."""
    return " ".join(text.split())
