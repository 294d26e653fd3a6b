"""Which document of a vector store that is taken over is which local file. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from provisioner.model import Address, Fields
from provisioner.text import listed

Look = tuple[str, int]  # base name and bytes: all that a service tells of a file


@dataclass(frozen=True, slots=True)
class Document:
    """A file as a vector store of somebody else holds it."""

    id: str
    name: str
    bytes: int
    created_at: int = 0


@dataclass(frozen=True, slots=True)
class Pairs:
    """Local paths with the ids of the documents that they are, and what only the author can say."""

    ids: Mapping[str, str] = field(default_factory=dict)
    questions: tuple[str, ...] = ()


def pair(
    store: Address,
    wanted: Mapping[str, Fields],
    documents: Iterable[Document],
    given: Mapping[str, str],
) -> Pairs:
    """Pair files with documents, one to one, by base name and size. `wanted` has the fields of each
    file by path; `given` are pairs that the specs name. Several that look the same are paired by
    age and path where all the local bytes are equal, so that it does not matter which is which;
    otherwise they are a question.
    """
    ids = {path: id for path, id in given.items() if path in wanted}
    taken = set(ids.values())
    alike: dict[Look, list[Document]] = defaultdict(list)
    for document in sorted(documents, key=lambda one: (one.created_at, one.id)):
        if document.id not in taken:
            alike[document.name, document.bytes].append(document)
    local: dict[Look, list[str]] = defaultdict(list)
    for path in sorted(wanted.keys() - ids.keys()):
        local[PurePosixPath(path).name, wanted[path]["bytes"]].append(path)
    questions = []
    for look, paths in local.items():
        if look in alike and len({wanted[path]["sha256"] for path in paths}) > 1:
            questions.append(_question(store, look, paths, alike[look]))
        else:
            ids.update(zip(paths, [document.id for document in alike.get(look, ())], strict=False))
    return Pairs(ids, tuple(questions))


def _question(store: Address, look: Look, paths: list[str], documents: list[Document]) -> str:
    ids = listed(f"`{document.id}`" for document in documents)
    files = listed(f"`{path}`" for path in paths)
    return (
        f"`{store}` holds {ids}, called `{look[0]}` and {look[1]:,} bytes long, which may be"
        f" {files}: they look the same and differ. Say which is which, with `imports: [{{to:"
        f" file.{paths[0]}, id: {documents[0].id}}}, …]`."
    )
