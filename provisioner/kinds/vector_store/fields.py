"""The fields of a vector store: what each holds, and what the service makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner import shapes
from provisioner.kinds.table import TEXT, Field, Sort, Table, choice, metadata
from provisioner.shapes import each, either, mapping

# What the service shows for `auto`.
_AUTO = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}
_SPEC = "provisioner.kinds.vector_store.spec:"
_STORE_FILES = "provisioner.kinds.vector_store.declared_store_files:"
_PARTS = mapping(
    {
        "id": shapes.an_id,
        "file": shapes.address,
        "sha256": shapes.text,
        "attributes": mapping(),
        "chunking": either(shapes.text, mapping()),
    },
    need=(),
)


def chunks(chunking: Any) -> Any:
    """Chunking in normal form: `auto` is what the service makes of it."""
    return dict(_AUTO) if chunking in (None, "auto") else chunking


def _store_file(value: Any) -> bool:
    """A file of ours by its address, or one that is not managed by its id."""
    return _PARTS(value) and any(isinstance(value.get(key), str) for key in ("file", "id"))


def _renamed(entries: Any, addresses: Mapping[str, str]) -> Any:
    """The same store files, those of a file that has moved below its new path."""
    found = {}
    for path, entry in (entries or {}).items():
        to = addresses.get(entry.get("file"))
        if to is None:
            found[path] = entry
        else:
            found[to.partition(".")[2]] = {**entry, "file": to}
    return found


FIELDS = Table(
    Field(
        "name",
        TEXT,
        "Name that people see, at most 256 characters; default: the resource's name",
        ["Employee handbook"],
        {"max_length": 256},
    ),
    Field(
        "description",
        TEXT,
        "What is in it, at most 512 characters; a change makes a new store",
        ["Rules for all staff"],
        {"max_length": 512},
        fixed=True,
    ),
    metadata({"department": "hr"}),
    Field(
        "expires_after",
        Sort(written=f"{_SPEC}StoreExpiry", shape=mapping()),
        "When the service deletes it; never when left out",
        [{"anchor": "last_active_at", "days": 365}],
        unkept="it does not expire when the specs say",
    ),
    Field(
        "chunking",
        Sort(
            written="provisioner.kinds.common:Chunking",
            shape=either(shapes.text, mapping()),
            normal=chunks,
            declare=f"{_STORE_FILES}read_chunking",
        ),
        "How its files are cut into chunks; default `auto`",
        ["auto", {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}],
        unread=True,
        certain=True,  # seen in its files
        unkept="the document is found in other pieces",
    ),
    Field(
        "other_files",
        choice("keep", "remove", "fail"),
        "Files that somebody else put into the store; default `keep`",
        ["remove"],
        default="keep",
        unread=True,
        certain=True,
        local=True,  # a rule of ours
    ),
    Field(
        "files",
        Sort(
            written=f"{_SPEC}Entries",
            shape=each(_store_file),
            declare=f"{_STORE_FILES}read_files",
            edited="store_files",
            refers_to=("file",),
            references=lambda entries: [
                entry["file"] for entry in (entries or {}).values() if "file" in entry
            ],
            renamed=_renamed,
        ),
        "The files in it: paths, globs, or entries with settings. A file matched twice gets the"
        " settings of both, later ones win. Left out: its files are not managed here",
        [
            [
                "docs/**/*.md",
                {"path": "data/prices.json", "attributes": {"team": "sales"}},
                {"id": "file-abc"},
            ]
        ],
        default={},
        unread=True,
        certain=True,  # seen in the list of its files
    ),
)
