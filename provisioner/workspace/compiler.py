"""One environment's specs: every declaration, what its API makes of it, and how they hang
together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from provisioner.diff import parts
from provisioner.kinds import file_at, file_kind, is_file
from provisioner.kinds import kind as kind_of
from provisioner.kinds.base import Finding, Form, Loss, Path
from provisioner.model import Address, Desired, Fields, Problem, Source
from provisioner.records import dataclass
from provisioner.text import did_you_mean, quoted, shown
from provisioner.workspace.contents import Contents
from provisioner.workspace.declaring import Declaration, Declaring, unknown_environments
from provisioner.workspace.memory import Sound
from provisioner.workspace.sections import RawResource, SourcedFinding, bad_id
from provisioner.workspace.setting import SETTINGS_FILE as CONFIG
from provisioner.workspace.setting import Environment, switched_off


@dataclass(frozen=True, slots=True)
class External:
    """An object that is named by its id and not managed here: checked to exist, never touched."""

    kind: str
    id: str
    source: Source
    api: str | None = None  # through which it is there, where that is not the environment's


@dataclass(frozen=True, slots=True)
class Import:
    """An existing object that is to become a resource's."""

    to: Address
    id: str
    source: Source


@dataclass(frozen=True, slots=True)
class Moved:
    """A resource that had another address."""

    origin: Address
    to: Address
    source: Source


@dataclass(frozen=True, slots=True)
class Removed:
    """A resource that is no longer declared on purpose; without `destroy` its object stays at the
    service.
    """

    origin: Address
    destroy: bool
    source: Source


@dataclass(frozen=True, slots=True)
class Specs:
    """What the specs want of one environment, and what is wrong with them."""

    desired: dict[Address, Desired] = field(default_factory=dict)
    externals: tuple[External, ...] = ()
    imports: tuple[Import, ...] = ()
    moved: tuple[Moved, ...] = ()
    removed: tuple[Removed, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    empty: bool = False  # no spec declares anything

    @property
    def failed(self) -> bool:
        """Whether any problem is an error; warnings stop nothing."""
        return any(problem.severity == "error" for problem in self.problems)


Checked = tuple[tuple[Finding, ...], tuple[Loss, ...]]


class Compiler:
    """Puts the declarations of one environment together."""

    def __init__(
        self, environment: Environment, declaring: Declaring, checked: dict[tuple[str, str], Any]
    ) -> None:
        self.environment = environment
        self.declaring = declaring
        self.findings: list[SourcedFinding] = []
        self.desired: dict[Address, Desired] = {}
        self._checked = (
            checked  # by kind, name and API; shared between environments with `declared`
        )
        self._externals: dict[tuple[str, str], External] = {}
        self._files: dict[str, tuple[Fields, Source, str]] = {}
        self._citing: list[RawResource] = []  # whose checks name documents
        # What is worth remembering: of what there is nothing to say, whatever other files say.
        self.sound: dict[tuple[str, str], Sound] = {}

    @property
    def externals(self) -> tuple[External, ...]:
        return tuple(self._externals.values())

    def exists(self, address: Address) -> bool:
        """Whether the address is declared in this environment, soundly or not."""
        raw = self.declaring.find(address.kind, address.name)
        return address in self.desired or (
            not is_file(address) and raw is not None and self.declaring.present(raw)
        )

    def run(self) -> None:
        """Compile every resource of the environment."""
        environments = self.declaring.environments
        for raw in self.declaring.shared.sections.resources.values():
            if not raw.only or self.declaring.present(raw):
                self._external(raw) if raw.external else self._resource(raw)
            elif not raw.dynamic and not raw.external and not set(raw.only) & set(environments):
                # It exists nowhere, and is checked as far as it can be without an environment.
                self._report(raw, self.declaring.declaration(raw).findings)
            if raw.external and raw.only:
                self._report(raw, unknown_environments(raw.value, environments))
        self._add_files()
        for raw in self._citing:
            self._report(raw, list(self._uncitable(raw)))
        self.findings += self._beside()
        self.findings += self._circles()
        self.findings += self._elsewhere()
        self.findings += self._unknown_losses()
        self.findings = [self._judged(one) for one in self.findings]

    def _beside(self) -> Iterator[SourcedFinding]:
        """What is wrong with several resources together."""
        present = {address.kind for address in self.desired}
        fields = {address: want.fields for address, want in self.desired.items()}
        for name, kind in self.declaring.shared.kinds.items():
            for address, finding in kind.beside(fields) if name in present else ():
                yield SourcedFinding(self.desired[address].source, finding, str(address))

    def _circles(self) -> Iterator[SourcedFinding]:
        """What depends on each other in a circle."""
        edges = {address: one.depends_on for address, one in self.desired.items() if one.depends_on}
        graph: dict[Address, list[Address]] = {}
        for address, needs in edges.items():
            dependent = [other for other in needs if other in edges]
            if dependent:
                graph[address] = dependent
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle: list[Address] = error.args[1]
            detail = f"{quoted(circle[:-1], 'and')} depend on each other in a circle."
            source = self.desired[circle[0]].source
            yield SourcedFinding(source, Finding((), "Circular reference", detail), str(circle[0]))

    def _elsewhere(self) -> Iterator[SourcedFinding]:
        """What is named and is there through another API than it can be named through."""
        for address, want in self.desired.items():
            through = kind_of(address.kind).form(want.api).through if want.depends_on else {}
            for one in want.depends_on:
                api, path = through.get(one.kind, (None, ()))
                other = self.desired.get(one)
                if api is None or other is None or other.api == api:
                    continue
                detail = f"`{address}` names `{one}`, which is there through `{other.api}` and not"
                detail += f" through `{api}`."
                finding = Finding(path, "Not through API", detail, f"give `{one}` `api: {api}`")
                yield SourcedFinding(want.source, finding, str(address))

    def _judged(self, sourced: SourcedFinding) -> SourcedFinding:
        """What breaks a rule of OpenAI's own service is an error there, and under an API that no
        other service has.
        """
        finding = sourced.finding
        if finding.rule is None or not (self.environment.public or self._only_openai(sourced)):
            return sourced
        return replace(sourced, finding=replace(finding, severity="error"))

    def _only_openai(self, sourced: SourcedFinding) -> bool:
        kind, _, name = (sourced.address or "").partition(".")
        want = self.desired.get(Address(kind, name))
        return want is not None and kind_of(kind).form(want.api).only_openai

    def _report(self, raw: RawResource, findings: list[Finding] | tuple[Finding, ...]) -> None:
        self.findings += [SourcedFinding(raw.source, finding, raw.title) for finding in findings]

    def _external(self, raw: RawResource) -> None:
        findings: list[Finding] = []
        if raw.dynamic:
            self.declaring.values.replace(raw.value, findings.append)
        id = self.declaring.external_id(raw)
        finding = bad_id(id, ("id",), f"`{raw.title}`") if id else None
        if finding:
            findings = [finding]
        elif id:
            self._externals.setdefault((raw.kind.name, id), External(raw.kind.name, id, raw.source))
        elif not findings and not self.declaring.values.missing:
            written = shown(raw.value["id"])
            hint = (
                None if isinstance(raw.value["id"], int | float) else "for example `id: vs_abc123`"
            )
            findings = [
                Finding(
                    ("id",),
                    "Wrong type",
                    f"`{raw.title}` has `id: {written}`; it must be text.",
                    hint,
                )
            ]
        self._report(raw, findings)

    def _sound(self, raw: RawResource, sound: Sound) -> None:
        """What is known to be right without being read: all but most of its fields, which nobody
        asks for who lets a workspace remember.
        """
        address = Address(raw.kind.name, raw.name)
        if self.environment.public and (
            off := switched_off(f"`{address}` uses", sound.api, ("api",))
        ):
            self._report(raw, [off])
        api = sound.api or self.environment.api
        fields = {"model": sound.model}
        self.desired[address] = Desired(address, fields, raw.source, sound.depends_on, api)

    def _resource(self, raw: RawResource) -> None:
        if isinstance(raw.value, Sound):
            self._sound(raw, raw.value)
            return
        declaration = self.declaring.declaration(raw)
        if declaration.findings:
            self._report(raw, declaration.findings)
        self._add_externals(raw, declaration)
        sources: dict[Path, Source] = {}  # of all that a pattern matches it is one
        for name, wish in declaration.files.items():
            # Of a faulty one nobody knows.
            wanted = {} if declaration.fields is None else wish.fields
            source = sources.get(wish.at)
            if source is None:
                source = sources[wish.at] = raw.source.at(*wish.at)
            known = self._files.get(name)
            if known is None or (wanted and not known[0]):
                self._files[name] = (wanted, source, raw.title)
            elif wanted and wanted != known[0]:
                detail = (
                    f"`{raw.title}` and `{known[2]}` want `{name}` to be uploaded in two different"
                    " ways."
                )
                self.findings.append(
                    SourcedFinding(
                        source,
                        Finding((), "Two different uploads", detail, "copy the file"),
                        raw.title,
                    )
                )
        if declaration.fields is not None and not (raw.kind.inlined or raw.kind.uploaded):
            self._desire(raw, declaration, declaration.fields)

    def _add_externals(self, raw: RawResource, declaration: Declaration) -> None:
        for kind, id, path in declaration.externals:
            api, _ = raw.kind.through.get(kind, (None, ()))
            known = self._externals.get((kind, id))
            if known is None or (api and not known.api):
                self._externals[kind, id] = External(kind, id, raw.source.at(*path), api)

    def _add_files(self) -> None:
        contents: Contents = self.declaring.shared.contents
        kind = file_kind()
        purpose = kind.fields["purpose"].default
        for path, (fields, source, _) in self._files.items():
            digest = contents.accept(path)
            said = {"sha256": digest.sha256, "bytes": digest.bytes, "purpose": purpose, **fields}
            address = file_at(path)
            self.desired[address] = Desired(address, said, source)
        form = kind.form(None)
        if type(form).check is Form.check:
            return
        for path, (_, source, title) in self._files.items():
            address = file_at(path)
            for finding in form.check(address, self.desired[address].fields):
                self.findings.append(SourcedFinding(source, replace(finding, path=()), title))

    def _desire(self, raw: RawResource, declaration: Declaration, fields: Fields) -> None:
        address = Address(raw.kind.name, raw.name)
        spec = declaration.spec
        layered = raw.kind.fields.get("api") is not None
        own = getattr(spec, "api", None) if layered else None
        api = (own or self.environment.api) if layered else None
        if self.environment.public and (off := switched_off(f"`{address}` uses", own, ("api",))):
            self._report(raw, [off])
        findings, losses = self._checks(raw, declaration, fields=fields, address=address, api=api)
        lifecycle = getattr(spec, "lifecycle", None)
        lost: tuple[str, ...] = ()
        if findings or losses:
            self._report(raw, [one for one in findings if not _follows(one, declaration.findings)])
            lost = self._lost(address, losses)
            left = [loss for loss in losses if loss.name not in lost]
            self._report(raw, [_not_carried(address, loss, api) for loss in left])
        elif layered and lifecycle is None and declaration.quiet:
            self._note(raw, own, fields, declaration.depends_on)
        if declaration.cited:
            self._citing.append(raw)
        self.desired[address] = Desired(
            address,
            fields,
            source=raw.source,
            depends_on=declaration.depends_on,
            api=api,
            protect=bool(lifecycle and lifecycle.protect),
            ignore_changes=tuple(lifecycle.ignore_changes) if lifecycle else (),
            lost=lost,
            checks=declaration.checks,
        )

    def _lost(self, address: Address, losses: Iterable[Loss]) -> tuple[str, ...]:
        """The losses that the environment accepts, each once."""
        accepted = self.environment.accept_loss
        names = [
            loss.name
            for loss in losses
            if loss.name in accepted or f"{address}#{loss.name}" in accepted
        ]
        return tuple(dict.fromkeys(names))

    def _note(
        self, raw: RawResource, own: str | None, fields: Fields, depends_on: tuple[Address, ...]
    ) -> None:
        """That there is nothing to say of a resource. Kinds look at the fields of those who name
        them, beside each other; stores do not.
        """
        if not raw.only and all(kind_of(one.kind).holds_files for one in depends_on):
            sound = Sound(own, str(fields.get("model")), depends_on)
            self.sound[raw.kind.name, raw.name] = sound

    def _uncitable(self, raw: RawResource) -> Iterator[Finding]:
        """Documents that checks want cited and that nothing of the resource holds. What is not
        managed here may hold anything.
        """
        want = self.desired[Address(raw.kind.name, raw.name)]
        if raw.kind.fields.unmanaged(want.fields):
            return
        held: set[str] = set()
        for one in map(self.desired.get, want.depends_on):
            if one is None:  # it has a finding of its own
                return
            files = one.files
            if any("id" in file for file in files.values()):
                return
            held |= {one.address.name} if is_file(one.address) else set(files)
        for path, at in self.declaring.declaration(raw).cited:
            if path not in held:
                detail = f"Nothing that `{want.address}` searches or reads holds `{shown(path)}`."
                hint = did_you_mean(path, held) or "add it to the `files` of one of its stores"
                yield Finding(at, "Nothing to cite", detail, hint)

    def _checks(
        self,
        raw: RawResource,
        declaration: Declaration,
        *,
        fields: Fields,
        address: Address,
        api: str | None,
    ) -> Checked:
        key = (str(address), api or "")
        known: tuple[Declaration, Checked] | None = self._checked.get(key)
        if known is not None and known[0] is declaration:
            return known[1]
        form = raw.kind.form(api)
        checked = tuple(form.check(address, fields)), tuple(form.losses(address, fields))
        self._checked[key] = (declaration, checked)
        return checked

    def _unknown_losses(self) -> Iterator[SourcedFinding]:
        """Entries of `accept_loss` that can never be a loss."""
        if not self.environment.accept_loss:
            return
        layered = [
            kind
            for kind in self.declaring.shared.kinds.values()
            if kind.fields.get("api") is not None
        ]
        known = {name for kind in layered for name in kind.spec.model_fields}
        known |= {loss.name for _, (_, losses) in self._checked.values() for loss in losses}
        for index, entry in enumerate(self.environment.accept_loss):
            address, mark, name = entry.rpartition("#")
            where = Source(CONFIG, ("environments", self.environment.name, "accept_loss", index))
            kind, _, resource = address.partition(".")
            declared = self.declaring.find(kind, resource) is not None or self.declaring.unread(
                resource
            )
            if mark and not declared:
                detail = f"`accept_loss` names `{address}`, which is not declared."
                hint = did_you_mean(address, map(str, self.desired))
                yield SourcedFinding(where, Finding((), "Unknown name", detail, hint))
            elif name.partition(".")[0] not in known:
                detail = f"`accept_loss` names `{name}`, which is not a field that can be lost."
                hint = did_you_mean(name, known) or 'write a field, or `"assistant.NAME#FIELD"`'
                yield SourcedFinding(where, Finding((), "Unknown name", detail, hint))


def keys_among(
    desired: Mapping[Address, Desired], environments: Mapping[str, Environment]
) -> Iterator[SourcedFinding]:
    """Secrets that are said to be where the key of an environment is."""
    holders = {one.api_key_env: name for name, one in environments.items()}
    for address, want in desired.items():
        for unit, reference in kind_of(address.kind).secrets(want.fields).items():
            variable = reference.get("env")
            if variable not in holders:
                continue
            detail = (
                f"`{address}` takes `{unit}` from `{variable}`, which holds the key of the"
                f" environment `{holders[variable]}`. That is sent to nobody else."
            )
            hint = "keep the secret in a variable of its own"
            path = tuple(parts(unit))
            yield SourcedFinding(
                want.source, Finding(path, "Key, not secret", detail, hint), str(address)
            )


def _follows(finding: Finding, earlier: list[Finding]) -> bool:
    """Whether it is about something of which a part has been left out, because that has a finding
    of its own.
    """
    paths = [one.path for one in earlier if one.severity == "error"]
    return (
        any(path[: len(finding.path)] == finding.path for path in paths) if finding.path else False
    )


def _not_carried(address: Address, loss: Loss, api: str | None) -> Finding:
    detail = (
        f"`{address}` has `{loss.name}`, which the API `{api}` cannot carry:"
        f" {loss.why.rstrip('.')}."
    )
    hint = (
        loss.hint
        or f"take it out, or accept it with `accept_loss: [{loss.name}]` in the environment"
    )
    return Finding(loss.path, "Not carried by API", detail, hint)
