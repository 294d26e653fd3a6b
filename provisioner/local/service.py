"""Owns what every handler is given: the service's state, one call to it, and fresh ids."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from .db import Database
from .settling import LateWrites

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

Reply = dict[str, Any]
MetadataUpdate = Literal["replace", "merge"]

ALPHANUMERIC = string.ascii_letters + string.digits


class IndexingFaults(Protocol):
    """What a faults file says about the indexing of a file."""

    def seconds(self, filename: str) -> float | None: ...

    def failure(self, filename: str) -> tuple[str, str] | None: ...


@dataclass(frozen=True)
class EmbeddedService:
    """`clock` gives Unix seconds, with a fraction."""

    database: Database
    blobs: Path
    clock: Callable[[], float]
    indexing_seconds: float
    metadata_update: MetadataUpdate
    indexing_faults: IndexingFaults
    settling: LateWrites
    # How long a run takes that nobody streams.
    run_seconds: float = 0.05
    # Whether this only reads, and so sees what has arrived instead of the truth.
    reads: bool = False

    def now(self) -> int:
        return int(self.clock())

    def seen(self, table: str) -> str:
        """Where an object is looked up by its id."""
        return f"seen_{table}" if self.reads else table

    def listed(self, table: str) -> str:
        """Where a list is read from."""
        return f"listed_{table}" if self.reads else table

    def blob(self, name: str) -> Path:
        return self.blobs / name

    def indexing_delay(self, filename: str) -> float:
        slow = self.indexing_faults.seconds(filename)
        return self.indexing_seconds if slow is None else slow


@dataclass(frozen=True)
class Call:
    """One request, parsed: `params` from the path, `query` from the URL, `body` from JSON. Names of
    `headers` are in lower case.
    """

    params: Mapping[str, str]
    query: QueryParams
    body: dict[str, Any]
    headers: Mapping[str, str]


def letters(count: int) -> str:
    return "".join(secrets.choice(ALPHANUMERIC) for _ in range(count))


def new_id(kind: str) -> str:
    """An id in the form that the kind has at OpenAI."""
    match kind:
        case "file":
            return f"file-{letters(22)}"
        case "assistant":
            return f"asst_{letters(24)}"
        case "vector_store":
            return f"vs_{secrets.token_hex(16)}"
        case "batch":
            return f"vsfb_{secrets.token_hex(16)}"
        case _:
            return f"{kind}_{secrets.token_hex(16)}"
