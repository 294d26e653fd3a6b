"""Owns putting files into a store: which files may go in, and the queue for indexing that they
join.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from . import checks
from .errors import bad, missing
from .service import EmbeddedService

EXTENSIONS = (
    ".c .cpp .cs .css .doc .docx .go .html .java .js .json .md .pdf .php .pptx .py .rb .sh .tex .ts"
    " .txt"
)
SUPPORTED = frozenset(EXTENSIONS.split())


@dataclass(frozen=True)
class Attachment:
    """A file that is to be put into a store; `sizes` are the tokens of a chunk and of the
    overlap.
    """

    file_id: str
    attributes: dict[str, Any]
    sizes: tuple[int, int]


def attachment(given: dict[str, Any]) -> Attachment:
    sizes = checks.chunk_sizes(given.get("chunking_strategy"))
    return Attachment(given["file_id"], given.get("attributes") or {}, sizes)


def known_files(service: EmbeddedService, file_ids: Sequence[str], param: str) -> dict[str, str]:
    """Filename by id; all must exist and have an extension that can be searched, or none is taken.

    Asked inside the transaction that attaches them, so that none is deleted in between.
    """
    service.settling.check("attach", "files", file_ids)
    names: dict[str, str] = {}
    for start in range(0, len(file_ids), 500):
        some = file_ids[start : start + 500]
        marks = ", ".join("?" * len(some))
        names |= {
            row["id"]: row["filename"]
            for row in service.database.all(
                f"SELECT id, filename FROM files WHERE id IN ({marks})", some
            )
        }
    unknown = [file_id for file_id in dict.fromkeys(file_ids) if file_id not in names]
    if unknown:
        raise missing(f"Files [{', '.join(unknown)}] were not found", param)
    _refuse_unsupported(names.values())
    return names


def _refuse_unsupported(filenames: Iterable[str]) -> None:
    extensions = {PurePosixPath(name).suffix.lower() for name in filenames}
    unsupported = sorted(extension or "none" for extension in extensions - SUPPORTED)
    if unsupported:
        raise bad(
            f"Files with extensions [{', '.join(unsupported)}] are not supported for retrieval. "
            "See https://platform.openai.com/docs/assistants/tools/file-search/supported-files",
            "file_ids",
            "unsupported_file",
        )


def attach_files(
    service: EmbeddedService, store: int, wanted: Iterable[Attachment], names: Mapping[str, str]
) -> None:
    """Queue files for indexing, inside a transaction; one that is attached already stays as it is,
    unless it failed.
    """
    now = service.clock()
    service.database.connection.executemany(
        "INSERT INTO store_files (store, file_id, created_at, status, due_at, attributes,"
        " chunk_tokens, overlap_tokens) VALUES (?, ?, ?, 'in_progress', ?, ?, ?, ?) ON CONFLICT"
        " (store, file_id) DO UPDATE SET status = excluded.status, due_at = excluded.due_at,"
        " attributes = excluded.attributes, chunk_tokens = excluded.chunk_tokens, overlap_tokens ="
        " excluded.overlap_tokens, error_code = NULL, error_message = NULL WHERE status IN"
        " ('failed', 'cancelled')",
        (
            (
                store,
                one.file_id,
                int(now),
                now + service.indexing_delay(names[one.file_id]),
                json.dumps(one.attributes),
                *one.sizes,
            )
            for one in wanted
        ),
    )
