"""What a value in code can be, where it is more than a literal."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from provisioner.importing import code
from provisioner.importing.beside import Beside
from provisioner.importing.code import At
from provisioner.records import dataclass


class Unparsable(ValueError):
    """A source that does not follow its language, with the place."""

    def __init__(self, why: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(why)
        self.line, self.column = line, column


class TooMuch(Exception):
    """Code that goes on for longer than anybody's assistants."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """What only a run would tell."""

    name: str
    text: str
    at: At
    default: Any = None


@dataclass(frozen=True, slots=True)
class Mixed:
    """Text with places that only a run fills."""

    parts: tuple[str | Unknown, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that the code names; its path as it stands there, or what only a run would tell."""

    path: Any
    at: At


@dataclass(frozen=True, slots=True)
class Thing:
    """Something of a library, by its dotted name: `client.beta.assistants`."""

    path: str
    at: At


@dataclass(frozen=True, slots=True)
class Imported:
    """A name that another module has, as long as nobody used it."""

    module: str
    name: str | None
    at: At


@dataclass(slots=True, eq=False)
class Made:
    """An object that a call makes at the service."""

    kind: str
    raw: dict[str, Any]
    at: At
    id: str
    call: str = ""
    client: str = ""  # `OpenAI`, `AzureOpenAI`, or nothing where nobody knows
    source: str = ""  # the file of the call, where it is another one than that which is read
    uncalled: tuple[str, At] | None = None  # the function that makes it, if nobody calls it here


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    function: code.Function
    scope: Scope


@dataclass(slots=True, eq=False)
class Unit:
    """One file of code: what lies beside it, how it is called in messages, and what it imports."""

    beside: Beside
    source: str = ""
    imports: dict[str, tuple[str, str | None]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The file itself, whatever it is called."""
        return str(self.beside.file.resolve()) if self.beside.file else self.source


@dataclass(slots=True, eq=False)
class Scope:
    """Names and what they stand for, innermost first."""

    outer: Scope | None = None
    names: dict[str, Any] = field(default_factory=dict)
    own: Unit | None = None  # of the outermost one

    @property
    def unit(self) -> Unit:
        here = self
        while here.outer is not None:
            here = here.outer
        assert here.own is not None
        return here.own

    def get(self, name: str) -> Any:
        here: Scope | None = self
        while here is not None:
            if name in here.names:
                return here.names[name]
            here = here.outer
        return MISSING

    def set(self, name: str, value: Any) -> None:
        self.names[name] = value


class _Missing:
    pass


MISSING = _Missing()


@dataclass(frozen=True, slots=True)
class Bound:
    """A method of a value that is known."""

    of: Any
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Model(Thing):
    """A class of the code that is declared field by field; it may be the schema of something."""

    declared: code.Class
    scope: Scope
    names: dict[str, Any]  # what its body gives a value
    bases: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Typed:
    """A type that code gives a name: `Level = Literal["low", "high"]`."""

    node: code.Node
    scope: Scope


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON Schema that code builds."""

    json: dict[str, Any]
    optional: bool = False  # whether what holds it may leave it out


@dataclass(frozen=True, slots=True)
class NoSchema(Unknown):
    """A schema that code makes, with the part of it that only a run would tell."""


class Untold(Exception):
    """A part of a schema that only a run would tell."""

    def __init__(self, text: str, at: At) -> None:
        super().__init__(text)
        self.text, self.at = text, at
