"""The kind `vector_store`: files, cut into chunks, for file_search."""

from __future__ import annotations

from typing import Any, ClassVar

from provisioner.kinds.base import Form, Kind
from provisioner.kinds.vector_store.fields import FIELDS


class VectorStoreKind(Kind):
    """Files, cut into chunks, for file_search."""

    name: ClassVar[str] = "vector_store"
    section: ClassVar[str] = "vector_stores"
    summary: ClassVar[str] = "Files, cut into chunks and indexed, that assistants search."
    about: ClassVar[str] = "A vector store: files, cut into chunks, for file_search."
    fields = FIELDS
    holds_files = True
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"name": "Employee handbook", "files": ["docs/handbook/**/*.md"]},
        {
            "description": "Contracts and rules",
            "expires_after": {"anchor": "last_active_at", "days": 365},
            "metadata": {"department": "legal"},
            "chunking": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400},
            "other_files": "remove",
            "files": [
                {
                    "path": "docs/**/*.md",
                    "exclude": ["docs/drafts/**"],
                    "attributes": {"team": "legal", "year": 2026, "source": "${file.path}"},
                    "chunking": "auto",
                },
                {"id": "file-abc"},
            ],
        },
    )

    def form(self, api: str | None) -> Form:
        """Vector stores are the same through every API."""
        from provisioner.kinds.vector_store.form import FORM  # not needed where none is declared

        return FORM


KIND = VectorStoreKind()
