"""How vector stores exist at the service; the files in them are in `store_files`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from provisioner.kinds.base import Names, Write
from provisioner.kinds.wire import Raw, StampedForm, number, stamp, text, unstamped
from provisioner.model import Address, Fields, Live, LockState

if TYPE_CHECKING:
    from provisioner.remote import Remote

_AUTO = {
    "max_chunk_size_tokens": 800,
    "chunk_overlap_tokens": 400,
}  # what the service shows for `auto`


def chunks(chunking: Any) -> Any:
    """Chunking in normal form: `auto` is what the service makes of it."""
    return dict(_AUTO) if chunking in (None, "auto") else chunking


class VectorStoreForm(StampedForm):
    """The same through every API."""

    collection = "/vector_stores"
    fixed = frozenset({"description"})
    unread = frozenset({"chunking", "other_files", "files"})
    certain = unread  # seen in its files, or a rule of ours
    unkept: ClassVar[Mapping[str, str]] = {
        **StampedForm.unkept,
        "expires_after": "it does not expire when the specs say",
        "attributes": "a search that filters by it does not see the document as the specs have it",
        "chunking": "the document is found in other pieces",
    }

    def normal(self, address: Address, fields: Fields) -> Fields:
        chunking = chunks(fields.get("chunking"))
        files = (fields.get("files") or {}).items()
        return {
            "name": text(fields.get("name", address.name)),
            "description": text(fields.get("description")),
            "metadata": unstamped(fields.get("metadata")),
            "expires_after": fields.get("expires_after"),
            "chunking": chunking,
            "other_files": fields.get("other_files") or "keep",
            "files": {path: _file(entry, chunking) for path, entry in files},
        }

    def live(self, raw: Raw, names: Names) -> Live:
        metadata = raw.get("metadata")
        fields = {
            name: raw[name] for name in ("name", "description", "expires_after") if name in raw
        }
        return Live(
            str(raw["id"]),
            {**fields, "metadata": unstamped(metadata)},
            stamp(metadata),
            raw.get("status"),
            number(raw, "created_at"),
            file_count=number(raw.get("file_counts") or {}, "total"),
        )

    async def release(self, remote: Remote, id: str, lock: LockState) -> None:
        """Take our marks off its files as well."""
        from provisioner.kinds.vector_store import (
            store_files,
        )  # all of `remote`, which `validate` does without

        await store_files.release(remote, id, lock)
        await super().release(remote, id, lock)

    def body(self, write: Write, units: Collection[str]) -> dict[str, Any]:
        wanted = {"name": write.address.name, **write.fields}
        return {
            name: wanted.get(name)
            for name in ("name", "description", "expires_after")
            if name in units
        }


def _file(entry: Mapping[str, Any], chunking: Any) -> Fields:
    """One file of a store: which one it is and how it is found; its version belongs to the file."""
    named = {"file": entry["file"]} if "file" in entry else {"id": entry.get("id")}
    return {
        **named,
        "attributes": entry.get("attributes") or {},
        "chunking": chunks(entry["chunking"]) if entry.get("chunking") else chunking,
    }
