"""What a declaration asks of its workspace while it becomes fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from provisioner.kinds.base import Fault, Path, Scope
from provisioner.model import Address, Fields
from provisioner.spec.contents import Contents
from provisioner.spec.sections import TOOL, Raw, bad_id
from provisioner.spec.tree import Refused
from provisioner.spec.words import quoted, shown, suggest

T = TypeVar("T")


@dataclass
class Wish:
    """How a file is to be uploaded, and where that was said."""

    fields: Fields
    at: Path


@dataclass
class Declaration:
    """What became of one resource. `bound`: it may come out differently in another environment."""

    raw: Raw
    spec: Any = None
    fields: Fields | None = None
    faults: list[Fault] = field(default_factory=list)
    files: dict[str, Wish] = field(default_factory=dict)
    externals: list[tuple[str, str, Path]] = field(default_factory=list)
    depends_on: tuple[Address, ...] = ()
    bound: bool = False

    @property
    def failed(self) -> bool:
        return self.fields is None or any(fault.severity == "error" for fault in self.faults)


class Neighbours(Protocol):
    """The other resources of the workspace, as one environment sees them."""

    workspace: str
    environment: str

    def find(self, kind: str, name: str) -> Raw | None: ...
    def names(self, kind: str) -> list[str]: ...
    def unread(self, name: str) -> bool: ...
    def external_id(self, raw: Raw) -> str | None: ...
    def declaration(self, raw: Raw) -> Declaration: ...


class ResourceScope(Scope):
    """The scope of one declaration."""

    def __init__(self, declaration: Declaration, contents: Contents, neighbours: Neighbours) -> None:
        self.address = Address(declaration.raw.kind.name, declaration.raw.name)
        self.declaration = declaration
        self._contents = contents
        self._neighbours = neighbours

    @property
    def environment(self) -> str:  # type: ignore[override]  # a property, because scopes are made by the thousand
        return self._neighbours.environment

    @property
    def workspace(self) -> str:  # type: ignore[override]  # as above
        return self._neighbours.workspace

    def report(self, fault: Fault) -> None:
        self.declaration.faults.append(fault)

    def _try(self, written: str, path: Path, use: Callable[[], T]) -> T | None:
        try:
            return use()
        except Refused as refused:
            detail = f"`{shown(written)}` of `{self.address}` {refused.detail}."
            self.report(Fault(path, refused.summary, detail, refused.hint))
            return None

    def text(self, value: str | Mapping[str, Any], path: Path) -> str | None:
        """A string, `{file: PATH}` or `{files: [PATH, …]}` as text."""
        if isinstance(value, str):
            return value
        if "file" in value:
            return self._text(value["file"], (*path, "file"))
        parts = [self._text(name, (*path, "files", index)) for index, name in enumerate(value["files"])]
        found = [part for part in parts if part is not None]
        if len(found) < len(parts):
            return None
        return "\n\n".join(part.rstrip("\n") for part in found[:-1]) + "\n\n" * (len(found) > 1) + found[-1]

    def _text(self, name: str, path: Path) -> str | None:
        return self._try(name, path, lambda: self._contents.text(self._contents.path(name)))

    def document(self, value: Mapping[str, Any], path: Path) -> Any:
        """A mapping as it is, or the document that `{file: PATH}` names."""
        if value.keys() != {"file"} or not isinstance(value["file"], str):
            return value
        name = value["file"]
        return self._try(name, (*path, "file"), lambda: self._contents.document(self._contents.path(name)))

    def reference(self, kind: str, value: str | Mapping[str, Any], path: Path) -> Any:
        """`vector_store.NAME` for a declared name, `{"id": …}` for what is not managed here."""
        if not isinstance(value, str):
            return self._unmanaged(kind, str(value["id"]), (*path, "id"))
        raw = self._find(kind, value, path)
        if raw is None:
            return None
        if raw.external:
            self.declaration.bound |= raw.dynamic
            id = self._neighbours.external_id(raw)
            return {"id": id} if id else None
        return f"{kind}.{value}"

    def _unmanaged(self, kind: str, id: str, path: Path) -> dict[str, str]:
        fault = bad_id(id, path, f"`{self.address}`")
        if fault:
            self.report(fault)
        else:
            self.declaration.externals.append((kind, id, path))
        return {"id": id}

    def _find(self, kind: str, name: str, path: Path) -> Raw | None:
        """The resource of this name that exists in this environment."""
        raw = self._neighbours.find(kind, name)
        if raw is None:
            if not self._neighbours.unread(name):
                self.report(self._unknown(kind, name, path))
            return None
        if raw.only:
            self.declaration.bound = True
            if self._neighbours.environment not in raw.only:
                detail = f"`{self.address}` refers to `{raw.title}`, which exists only in {quoted(raw.only, 'and')}."
                hint = f"give `{self.address}` the same `only`, or take it away from `{raw.title}`"
                self.report(Fault(path, "Not in environment", detail, hint))
                return None
        return raw

    def _unknown(self, kind: str, name: str, path: Path) -> Fault:
        known = self._neighbours.names(kind)
        what = kind.replace("_", " ")
        detail = f"`{self.address}` refers to the {what} `{shown(name)}`, which is not declared."
        bare = name.removeprefix(f"{kind}.")
        if bare != name and bare in known:
            return Fault(path, "Unknown reference", detail, f"write its name alone: `{bare}`")
        hint = suggest(name, known, "declared are") or "declare it, or write `{id: …}` for one not managed here"
        return Fault(path, "Unknown reference", detail, hint)

    def file(self, value: str | Mapping[str, Any], path: Path) -> Any:
        """`file.PATH` for a path, which becomes a file resource; `{"id": …}` for `{id: …}`."""
        if not isinstance(value, str):
            return self._unmanaged("file", str(value["id"]), (*path, "id"))
        try:
            name = self._contents.path(value)
            self._contents.accept(name)
        except Refused as refused:
            detail = f"`{shown(value)}` of `{self.address}` {refused.detail}."
            self.report(Fault(path, refused.summary, detail, refused.hint))
            return None
        if name not in self.declaration.files:
            self.declaration.files[name] = Wish({}, path)
        return f"file.{name}"

    def glob(self, pattern: str, exclude: Sequence[str], path: Path) -> list[str]:
        """The sorted workspace paths that a path or pattern matches; none is a fault."""
        return self._try(pattern, path, lambda: self._contents.glob(pattern, list(exclude))) or []

    def tool(self, name: str, path: Path) -> Fields | None:
        """The declared fields of a shared tool."""
        raw = self._find(TOOL, name, path)
        if raw is None:
            return None
        found = self._neighbours.declaration(raw)
        self.declaration.bound |= found.bound or raw.dynamic
        return None if found.failed else found.fields

    def size(self, path: str) -> int:
        """Bytes of a file that `file` or `glob` has accepted."""
        try:
            return self._contents.accept(path).bytes
        except Refused:
            return 0

    def set_file(self, path: str, fields: Fields, at: Path) -> None:
        """Say how a file is uploaded; two different wishes are a fault."""
        wish = self.declaration.files.setdefault(path, Wish({}, at))
        wish.at = at
        wish.fields.update(fields)
