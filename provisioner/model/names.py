"""What things are called and where they stand: addresses, positions, stamps, problems, actions."""

from __future__ import annotations

import re
import sys
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from provisioner.records import dataclass

Fields = dict[str, Any]
"""Fields of a resource in their neutral, declared spelling; references are addresses
(`vector_store.kb`) or `{"id": …}` for an object that is not managed here."""


LONGEST_ID = 512
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:=@+~-]*")
ID_RULE = (
    f"letters, digits and `_.:=@+~-`, beginning with a letter, a digit or `_`, at most {LONGEST_ID}"
    " characters"
)


def is_id(value: object) -> bool:
    """Whether something can be the id of an object: it goes into URLs, so that it must not lead
    anywhere else.
    """
    return isinstance(value, str) and len(value) <= LONGEST_ID and _ID.fullmatch(value) is not None


class Address(NamedTuple):
    """What a resource is called: `kind.name`. A tuple, because a plan looks up hundreds of
    thousands of them; and, of one text, one tuple: what is the same object is found sooner.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `kind.name`; raises ValueError for anything else."""
        return _parsed(text)


@cache
def _parsed(text: str) -> Address:
    kind, dot, name = text.partition(".")
    if not (kind and dot and name):
        raise ValueError(f"`{text}` is not an address like `assistant.support`")
    return Address(sys.intern(kind), name)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file below the workspace; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """Where something was declared, as data: the file and the keys that lead to it. Positions are
    looked up from it only when one is printed.
    """

    file: str
    path: tuple[str | int, ...] = ()

    def at(self, *more: str | int) -> Source:
        return Source(self.file, self.path + more)


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem the user can act on."""

    summary: str
    detail: str
    hint: str | None = None
    severity: str = "error"
    file: str | None = None
    line: int | None = None
    column: int | None = None
    address: str | None = None

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        return (self.file or "", self.line or 0, self.column or 0, self.summary, self.detail)


class Action(Enum):
    """What a plan does with a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    FORGET = "forget"
    KEEP = "keep"

    makes: bool  # whether there is a new object afterwards
    goes: bool  # whether the resource is not managed any more afterwards
    ends: bool  # whether the object is deleted
    stays: bool  # whether it is the same object afterwards, and still managed
    # Whether something is written that was there before, in place or as a new object.
    alters: bool

    def __init__(self, word: str) -> None:
        # Of each action once: a plan asks tens of times for every resource.
        self.makes = word in ("create", "replace")
        self.goes = word in ("delete", "forget")
        self.ends = word in ("delete", "replace")
        self.stays = word in ("keep", "update")
        self.alters = word in ("update", "replace")


SYMBOLS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "-/+",
    Action.DELETE: "-",
    Action.FORGET: ".",
    Action.KEEP: " ",
}

_STAMP = re.compile(
    r"(?P<workspace>[^/]+)/(?P<environment>[^/]+)/(?P<address>.+)#(?P<lineage>[0-9a-f]{8})\.(?P<serial>[0-9]{1,18})"
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Our mark of ownership on an object:
    `<workspace>/<environment>/<address>#<lineage>.<serial>`.
    """

    KEY = "provisioner"

    workspace: str
    environment: str
    address: str
    lineage: str  # its first eight characters
    serial: int

    def __str__(self) -> str:
        return f"{self.workspace}/{self.environment}/{self.address}#{self.lineage}.{self.serial}"

    @classmethod
    def parse(cls, text: object) -> Stamp | None:
        """Read a stamp; None for anything that is not one."""
        match = _STAMP.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            return None
        workspace, environment, address, lineage, serial = match.groups()
        return cls(workspace, environment, address, lineage, int(serial))
