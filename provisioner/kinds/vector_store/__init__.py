"""The kind `vector_store`: files, cut into chunks, for file_search."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, ClassVar

from provisioner.kinds.base import Form, Kind, Scope
from provisioner.kinds.chunks import check_chunking, neutral_chunking
from provisioner.kinds.vector_store.declared_store_files import DeclaredStoreFiles
from provisioner.kinds.vector_store.spec import VectorStoreSpec
from provisioner.model import Address, Fields

_PLAIN = {"name", "description", "metadata", "expires_after", "other_files"}


@cache
def _form() -> Form:
    from provisioner.kinds.vector_store.form import VectorStoreForm

    return VectorStoreForm()


class VectorStoreKind(Kind):
    """Files, cut into chunks, for file_search."""

    name: ClassVar[str] = "vector_store"
    section: ClassVar[str] = "vector_stores"
    spec = VectorStoreSpec
    summary: ClassVar[str] = "Files, cut into chunks and indexed, that assistants search."
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
        return _form()

    def declare(self, spec: VectorStoreSpec, scope: Scope) -> Fields:
        """The store's own fields, and its files by path."""
        fields = spec.model_dump(include=_PLAIN, exclude_unset=True)
        if "chunking" in spec.model_fields_set:
            check_chunking(spec.chunking, scope, ("chunking",))
            fields["chunking"] = neutral_chunking(spec.chunking)
        if "files" in spec.model_fields_set:
            fields["files"] = DeclaredStoreFiles(scope).collect(spec.files or [])
        return fields

    def references(self, fields: Fields) -> Iterator[Address]:
        """The files in it."""
        for entry in (fields.get("files") or {}).values():
            if "file" in entry:
                yield Address("file", entry["file"].removeprefix("file."))


KIND = VectorStoreKind()
