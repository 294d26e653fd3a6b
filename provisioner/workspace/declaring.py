"""Every resource validated and declared: once for all environments where it says the same in all of
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from provisioner.kinds import file_at, file_kind, inlined_kind
from provisioner.kinds import kind as kind_of
from provisioner.kinds.base import Finding, Kind, Path, Scope
from provisioner.kinds.table import Said
from provisioner.model import Address, Fields
from provisioner.records import dataclass
from provisioner.text import quoted, shown, suggest
from provisioner.workspace.contents import Contents
from provisioner.workspace.sections import RawResource, Sections, bad_id, unknown_environment
from provisioner.workspace.tree import FileRefused
from provisioner.workspace.variables import Missing, Values

if TYPE_CHECKING:
    from pydantic import BaseModel

    from provisioner.model import Check


_T = TypeVar("_T")


@dataclass
class Wish:
    """How a file is to be uploaded, and where that was said."""

    fields: Fields
    at: Path


@dataclass
class Declaration:
    """What became of one resource. `bound`: it may come out differently in another environment."""

    raw: RawResource
    spec: Any = None
    fields: Fields | None = None
    findings: list[Finding] = field(default_factory=list)
    files: dict[str, Wish] = field(default_factory=dict)
    externals: list[tuple[str, str, Path]] = field(default_factory=list)
    checks: tuple[Check, ...] = ()
    cited: list[tuple[str, Path]] = field(default_factory=list)  # by those checks
    depends_on: tuple[Address, ...] = ()
    bound: bool = False
    alone: bool = True  # whether it depends on nothing but itself and on managed resources

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to say of it, in any environment and whatever files hold."""
        more = self.findings, self.files, self.externals, self.checks, self.cited
        return self.alone and not self.bound and self.fields is not None and not any(more)

    @property
    def failed(self) -> bool:
        return self.fields is None or any(finding.severity == "error" for finding in self.findings)


class Neighbours(Protocol):
    """The other resources of the workspace, as one environment sees them."""

    workspace: str
    environment: str

    def find(self, kind: str, name: str) -> RawResource | None: ...
    def names(self, kind: str) -> list[str]: ...
    def unread(self, name: str) -> bool: ...
    def external_id(self, raw: RawResource) -> str | None: ...
    def declaration(self, raw: RawResource) -> Declaration: ...


class ResourceScope(Scope):
    """The scope of one declaration."""

    def __init__(
        self, declaration: Declaration, contents: Contents, neighbours: Neighbours
    ) -> None:
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

    def report(self, finding: Finding) -> None:
        self.declaration.findings.append(finding)

    def _try(self, written: str, path: Path, use: Callable[[], _T]) -> _T | None:
        self.declaration.alone = False
        try:
            return use()
        except FileRefused as refused:
            detail = f"`{shown(written)}` of `{self.address}` {refused.detail}."
            self.report(Finding(path, refused.summary, detail, refused.hint))
            return None

    def text(self, value: str | Mapping[str, Any], path: Path) -> str | None:
        """A string, `{file: PATH}` or `{files: [PATH, …]}` as text."""
        if isinstance(value, str):
            return value
        if "file" in value:
            return self._text(value["file"], (*path, "file"))
        parts = [
            self._text(name, (*path, "files", index)) for index, name in enumerate(value["files"])
        ]
        texts = [part for part in parts if part is not None]
        if len(texts) < len(parts):
            return None
        return (
            "\n\n".join(part.rstrip("\n") for part in texts[:-1])
            + "\n\n" * (len(texts) > 1)
            + texts[-1]
        )

    def _text(self, name: str, path: Path) -> str | None:
        return self._try(name, path, lambda: self._contents.text(self._contents.path(name)))

    def front_matter(self, value: str, path: Path) -> Mapping[str, Any] | None:
        """The YAML between two `---` at the beginning of a text file."""
        return self._try(
            value, path, lambda: self._contents.front_matter(self._contents.path(value))
        )

    def exists(self, path: str) -> bool:
        """Whether the workspace has a file there."""
        self.declaration.alone = False
        return self._contents.exists(path)

    def document(self, value: Mapping[str, Any], path: Path) -> Any:
        """A mapping as it is, or the document that `{file: PATH}` names."""
        if value.keys() != {"file"} or not isinstance(value["file"], str):
            return value
        name = value["file"]
        return self._try(
            name, (*path, "file"), lambda: self._contents.document(self._contents.path(name))
        )

    def reference(self, kind: str, value: str | Mapping[str, Any], path: Path) -> Any:
        """`vector_store.NAME` for a declared name, `{"id": …}` for what is not managed here."""
        if not isinstance(value, str):
            return self._unmanaged(kind, str(value["id"]), (*path, "id"))
        raw = self._find(kind, value, path)
        if raw is None:
            return None
        if raw.external:
            self.declaration.alone = False
            self.declaration.bound |= raw.dynamic
            id = self._neighbours.external_id(raw)
            if id and kind in self.declaration.raw.kind.through:
                self.declaration.externals.append((kind, id, path))
            return {"id": id} if id else None
        return f"{kind}.{value}"

    def _unmanaged(self, kind: str, id: str, path: Path) -> dict[str, str]:
        finding = bad_id(id, path, f"`{self.address}`")
        self.declaration.alone = False
        if finding:
            self.report(finding)
        else:
            self.declaration.externals.append((kind, id, path))
        return {"id": id}

    def _find(self, kind: str, name: str, path: Path) -> RawResource | None:
        """The resource of this name that exists in this environment."""
        raw = self._neighbours.find(kind, name)
        if raw is None:
            if not self._neighbours.unread(name):
                self.report(self._unknown(kind, name, path))
            return None
        if raw.only:
            self.declaration.bound = True
            if self._neighbours.environment not in raw.only:
                detail = (
                    f"`{self.address}` refers to `{raw.title}`, which exists only in"
                    f" {quoted(raw.only, 'and')}."
                )
                hint = f"give `{self.address}` the same `only`, or take it away from `{raw.title}`"
                self.report(Finding(path, "Not in environment", detail, hint))
                return None
        return raw

    def _unknown(self, kind: str, name: str, path: Path) -> Finding:
        known = self._neighbours.names(kind)
        what = kind.replace("_", " ")
        detail = f"`{self.address}` refers to the {what} `{shown(name)}`, which is not declared."
        bare = name.removeprefix(f"{kind}.")
        if bare != name and bare in known:
            return Finding(path, "Unknown reference", detail, f"write its name alone: `{bare}`")
        named = kind_of(kind)
        declare = f"declare it below `{named.section}:`"
        if not named.inlined:
            declare += ", or write `{id: …}` for one not managed here"
        hint = suggest(name, known, "declared are") or declare
        return Finding(path, "Unknown reference", detail, hint)

    def file(self, value: str | Mapping[str, Any], path: Path) -> Any:
        """`file.PATH` for a path, which becomes a file resource; `{"id": …}` for `{id: …}`."""
        if not isinstance(value, str):
            return self._unmanaged(file_kind().name, str(value["id"]), (*path, "id"))
        name = self.loose_file(value, path)
        if name is None:
            return None
        if name not in self.declaration.files:
            self.declaration.files[name] = Wish({}, path)
        return str(file_at(name))

    def loose_file(self, value: str, path: Path) -> str | None:
        """The path of a file that could be uploaded."""

        def accepted() -> str:
            name = self._contents.path(value)
            self._contents.accept(name)
            return name

        return self._try(value, path, accepted)

    def folder(self, value: str, path: Path) -> Mapping[str, tuple[str, int]] | None:
        """The sha256 and size of every file of a folder, by its path from there."""
        found = self._try(value, path, lambda: self._contents.folder(value))
        if found is None:
            return None
        return {name: (digest.sha256, digest.bytes) for name, digest in found.items()}

    def cited(self, value: str, path: Path) -> None:
        """Say that replies have to cite a document."""
        self.declaration.cited.append((value, path))

    def glob(self, pattern: str, exclude: Sequence[str], path: Path) -> list[str]:
        """The sorted workspace paths that a path or pattern matches; none is a finding."""
        return self._try(pattern, path, lambda: self._contents.glob(pattern, list(exclude))) or []

    def tool(self, name: str, path: Path) -> Fields | None:
        """The declared fields of a shared tool."""
        self.declaration.alone = False
        raw = self._find(inlined_kind().name, name, path)
        if raw is None:
            return None
        declaration = self._neighbours.declaration(raw)
        self.declaration.bound |= declaration.bound or raw.dynamic
        return None if declaration.failed else declaration.fields

    def size(self, path: str) -> int:
        """Bytes of a file that `file` or `glob` has accepted."""
        try:
            return self._contents.accept(path).bytes
        except FileRefused:
            return 0

    def set_file(self, path: str, fields: Fields, at: Path) -> None:
        """Say how a file is uploaded; two different wishes are an error."""
        wish = self.declaration.files.setdefault(path, Wish({}, at))
        wish.at = at
        wish.fields.update(fields)


_Key = tuple[str, str]


@dataclass(frozen=True)
class SharedWorkspace:
    """What all environments of a workspace share."""

    workspace: str
    sections: Sections
    contents: Contents
    environments: tuple[str, ...]
    kinds: dict[str, Kind]
    validated: dict[_Key, Validated]
    declared: dict[_Key, Declaration]


@dataclass(frozen=True, slots=True)
class Validated:
    """A resource in the form of its kind's model. `sound`: nothing had to be left out to
    get there.
    """

    value: Any
    spec: BaseModel | Said | None
    findings: tuple[Finding, ...] = ()
    sound: bool = True
    placed: Callable[[Path], Path] | None = None  # from the salvaged value back to what is written
    blind: frozenset[Path] = frozenset()  # places without a value, which has been reported


class Declaring:
    """The declarations of one environment."""

    def __init__(self, shared: SharedWorkspace, values: Values) -> None:
        self.shared = shared
        self.values = values
        self.workspace = shared.workspace
        self.environment = values.environment
        self._own: dict[_Key, Declaration] = {}

    def find(self, kind: str, name: str) -> RawResource | None:
        """The resource of this name, whatever environments it exists in."""
        return self.shared.sections.resources.get((kind, name))

    def names(self, kind: str) -> list[str]:
        """Every declared name of a kind."""
        return self.shared.sections.names(kind)

    def unread(self, name: str) -> bool:
        """Whether a file that cannot be read may declare it: then its absence is not worth
        a word.
        """
        return name in self.shared.sections.unread

    def external_id(self, raw: RawResource) -> str | None:
        """The id that an external resource names here; None where that has a finding, reported
        with the resource.
        """
        external = (
            self.values.replace(raw.value["id"], lambda _finding: None)
            if raw.dynamic
            else raw.value["id"]
        )
        return (
            external
            if isinstance(external, str) and external and not isinstance(external, Missing)
            else None
        )

    def present(self, raw: RawResource) -> bool:
        """Whether the resource exists in this environment."""
        return not raw.only or self.environment in raw.only

    def declaration(self, raw: RawResource) -> Declaration:
        """The declaration of a resource, made once."""
        key = (raw.kind.name, raw.name)
        declared = self.shared.declared.get(key) or self._own.get(key)
        if declared is None:
            declared = self._declare(raw)
            shared = not (raw.dynamic or declared.bound)
            (self.shared.declared if shared else self._own)[key] = declared
        return declared

    def _declare(self, raw: RawResource) -> Declaration:
        checked = self._validate(raw)
        # What is recognized says nothing of environments.
        bound = not isinstance(checked.spec, Said) and any(
            path and "only" in item for path, item in _entries(raw.value)
        )
        declaration = Declaration(raw, checked.spec, findings=list(checked.findings), bound=bound)
        if checked.spec is None:
            return declaration
        scope = ResourceScope(declaration, self.shared.contents, self)
        before = len(declaration.findings)
        fields = raw.kind.declare(checked.spec, scope)
        declaration.checks = raw.kind.checks(checked.spec, fields, scope)
        if checked.sound:
            declaration.fields = fields
            declaration.depends_on = tuple(raw.kind.references(fields))
        else:
            # Of what was found in a salvaged value, that which does not follow from its findings.
            from provisioner.workspace.explain.findings import STAND_IN

            faulty = {
                finding.path
                for finding in checked.findings
                if finding.summary != "Too many entries"
            } | checked.blind
            left = []
            for finding in declaration.findings[before:]:
                path = checked.placed(finding.path) if checked.placed else finding.path
                below = any(path[:length] in faulty for length in range(len(path) + 1))
                if not below and STAND_IN not in finding.detail:
                    left.append(replace(finding, path=path))
            declaration.findings[before:] = left
        return declaration

    def _validate(self, raw: RawResource) -> Validated:
        if raw.dynamic:
            findings = [
                finding
                for finding in unknown_environments(raw.value, self.environments)
                if "${" in finding.detail
            ]
            value = self.values.replace(raw.value, findings.append)
            known = validated(raw, value, self.environments)
            # A value that could not be put in says nothing about the type that it will have.
            blind = {finding.path for finding in findings} | set(_missing(value))
            reported: list[Finding] = []
            for finding in known.findings:
                inside = any(finding.path[: len(path)] == path for path in blind)
                if not inside and (*finding.path[:-1], "type") not in blind:
                    reported.append(finding)
            sound = known.sound and not findings and not blind
            return replace(
                known, findings=(*findings, *reported), sound=sound, blind=frozenset(blind)
            )
        key = (raw.kind.name, raw.name)
        checked = self.shared.validated.get(key)
        if checked is None:
            checked = self.shared.validated[key] = validated(raw, raw.value, self.environments)
        return checked

    @cached_property
    def environments(self) -> tuple[str, ...]:
        return self.shared.environments


def validated(raw: RawResource, value: Any, environments: tuple[str, ...]) -> Validated:
    """Hold a value against its kind's model. Where it does not fit, what is left without the faulty
    parts is declared all the same, so that one run finds everything.
    """
    recognized = raw.kind.recognized(value)
    if recognized is not None:
        return Validated(value, recognized)
    from pydantic import ValidationError  # which costs as much as all the rest of a small workspace

    model = raw.kind.spec
    unknown = tuple(unknown_environments(value, environments))
    try:
        return Validated(value, model.model_validate(value), unknown)
    except ValidationError as error:
        from provisioner.workspace.explain.findings import plain, salvage

        findings = (*plain(raw.title, value, error, model), *unknown)
        spec, placed = salvage(value, error, model)
        return Validated(value, spec, findings, sound=False, placed=placed)


def _missing(value: Any, path: Path = ()) -> list[Path]:
    if isinstance(value, Missing):
        return [path]
    if isinstance(value, dict):
        return [place for key, inner in value.items() for place in _missing(inner, (*path, key))]
    if isinstance(value, list):
        return [
            place for index, inner in enumerate(value) for place in _missing(inner, (*path, index))
        ]
    return []


def _entries(value: Any) -> list[tuple[Path, Any]]:
    """The resource and the entries of its lists: whatever may say `only`."""
    if not isinstance(value, dict):
        return []
    lists = [(key, inner) for key, inner in value.items() if isinstance(inner, list)]
    inside = [((key, index), item) for key, items in lists for index, item in enumerate(items)]
    return [((), value), *((path, item) for path, item in inside if isinstance(item, dict))]


def unknown_environments(value: Any, known: tuple[str, ...]) -> list[Finding]:
    """Environments that `only` names, here or in entries, and that there are none of."""
    findings = []
    for path, item in _entries(value):
        said = item.get("only")
        for index, name in enumerate(said if isinstance(said, list) else ()):
            if isinstance(name, str) and name and name not in known:
                findings.append(
                    replace(unknown_environment(name, list(known)), path=(*path, "only", index))
                )
    return findings
