"""Which file of a vector store that is taken over is which local file. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import PurePosixPath

from provisioner.model import Address, Fields
from provisioner.records import dataclass
from provisioner.text import listed

Look = tuple[str, int]  # base name and bytes: all that a service tells of a file


@dataclass(frozen=True, slots=True)
class ForeignStoreFile:
    """A file as a vector store of somebody else holds it."""

    id: str
    name: str
    bytes: int
    created_at: int = 0


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Local paths, with the ids of the store files that they are, and what only the author can
    say.
    """

    ids: Mapping[str, str] = field(default_factory=dict)
    questions: tuple[str, ...] = ()


def pair(
    store: Address,
    wanted: Mapping[str, Fields],
    store_files: Iterable[ForeignStoreFile],
    given: Mapping[str, str],
) -> _Pairs:
    """Pair files with store files, one to one, by base name and size. `wanted` has the fields of
    each file by path; `given` are pairs that the specs name. Several that look the same are paired
    by age and path where all the local bytes are equal, so that it does not matter which is which;
    otherwise they are a question.
    """
    ids = {path: id for path, id in given.items() if path in wanted}
    taken = set(ids.values())
    alike: dict[Look, list[ForeignStoreFile]] = defaultdict(list)
    for store_file in sorted(store_files, key=lambda one: (one.created_at, one.id)):
        if store_file.id not in taken:
            alike[store_file.name, store_file.bytes].append(store_file)
    local: dict[Look, list[str]] = defaultdict(list)
    for path in sorted(wanted.keys() - ids.keys()):
        local[PurePosixPath(path).name, wanted[path]["bytes"]].append(path)
    questions = []
    for look, paths in local.items():
        if look in alike and len({wanted[path]["sha256"] for path in paths}) > 1:
            questions.append(_question(store, look, paths, alike[look]))
        else:
            ids.update(
                zip(paths, [store_file.id for store_file in alike.get(look, ())], strict=False)
            )
    return _Pairs(ids, tuple(questions))


def _question(
    store: Address, look: Look, paths: list[str], store_files: list[ForeignStoreFile]
) -> str:
    ids = listed(f"`{store_file.id}`" for store_file in store_files)
    files = listed(f"`{path}`" for path in paths)
    return (
        f"`{store}` holds {ids}, called `{look[0]}` and {look[1]:,} bytes long, which may be"
        f" {files}: they look the same and differ. Say which is which, with `imports: [{{to:"
        f" file.{paths[0]}, id: {store_files[0].id}}}, …]`."
    )
