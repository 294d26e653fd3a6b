"""How vector stores exist at the service; the files in them are in `store_files`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from provisioner.kinds.base import Names
from provisioner.kinds.vector_store.fields import FIELDS, chunks
from provisioner.kinds.wire import Raw, StampedForm, counts, number
from provisioner.model import Address, Fields, Live, LockState
from provisioner.shapes import Shape, mapping

if TYPE_CHECKING:
    from provisioner.remote import Remote


class VectorStoreForm(StampedForm):
    """The same through every API."""

    collection = "/vector_stores"
    table = FIELDS
    apart = frozenset({"files"})
    replies: ClassVar[Mapping[str, Shape]] = {"file_counts": mapping()}

    @cached_property
    def unkept(self) -> Mapping[str, str]:
        lost = "a search that filters by it does not see the document as the specs have it"
        return {**super().unkept, "attributes": lost}

    def normal(self, address: Address, fields: Fields) -> Fields:
        found = super().normal(address, fields)
        files = (fields.get("files") or {}).items()
        return {**found, "files": {path: _file(one, found["chunking"]) for path, one in files}}

    def live(self, raw: Raw, names: Names) -> Live:
        total = number(counts(raw), "total")
        return replace(super().live(raw, names), file_count=total)

    async def release(self, remote: Remote, id: str, lock: LockState) -> None:
        """Take our marks off its files as well."""
        # All of `remote`, which `validate` does without.
        from provisioner.kinds.vector_store import store_files

        await store_files.release(remote, id, lock)
        await super().release(remote, id, lock)


def _file(entry: Mapping[str, Any], chunking: Any) -> Fields:
    """One file of a store: which one it is and how it is found; its version belongs to the file."""
    named = {"file": entry["file"]} if "file" in entry else {"id": entry.get("id")}
    return {
        **named,
        "attributes": entry.get("attributes") or {},
        "chunking": chunks(entry["chunking"]) if entry.get("chunking") else chunking,
    }


FORM = VectorStoreForm()
