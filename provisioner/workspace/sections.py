"""Every spec file read and its sections put together: what is declared, before anything is checked
by its kind.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

import yaml

from provisioner.digests import Mark
from provisioner.kinds import is_file
from provisioner.kinds.base import Finding, Kind
from provisioner.masking import with_secret
from provisioner.model import ID_RULE, Address, Problem, Source, is_id
from provisioner.records import dataclass
from provisioner.text import did_you_mean, dotted, sort_of, spelt, suggest
from provisioner.workspace.memory import Memory, Sound, Told, standing
from provisioner.workspace.tree import FileRefused, Tree, TreeEntry, not_readable
from provisioner.yamltext.reading import Places, Reading, read_yaml

FOLDER = "specs"
SUFFIXES = (".yaml", ".yml")
LISTS = ("imports", "moved", "removed")
UNKNOWN = "Unknown section"
NO_SPECS = "No specs"

# The sections of `provisioner.yaml`.
_SETTINGS = ("workspace", "environments", "variables", "default_environment", "policies")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
# JSON that lies deeper is a schema, or data.
_MEANT = re.compile(rf".*\.ya?ml|{FOLDER}/[^/]+\.json", re.IGNORECASE)
_LISTED = re.compile(rb"^[ \t]+[\"']?([a-z][a-z0-9_-]*)[\"']?[ \t]*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RawResource:
    """One resource as it is written. `dynamic`: it holds `${…}` and may differ between
    environments.
    """

    kind: Kind
    name: str
    value: Any
    source: Source
    dynamic: bool

    @property
    def title(self) -> str:
        return f"{self.kind.name}.{self.name}"

    @property
    def external(self) -> bool:
        """Only an id: an object that exists and is not managed here."""
        named = (
            isinstance(self.value, dict)
            and "id" in self.value
            and self.value.keys() <= {"id", "only"}
        )
        return named and not self.kind.inlined

    @property
    def only(self) -> list[str]:
        """The environments that it exists in; none means all. What is not a name is reported, and
        left out here.
        """
        said = self.value.get("only") if isinstance(self.value, dict) else None
        return (
            [name for name in said if isinstance(name, str) and "${" not in name]
            if isinstance(said, list)
            else []
        )


@dataclass(frozen=True, slots=True)
class SourcedFinding:
    """A finding, and the declaration that it is in."""

    source: Source
    finding: Finding
    address: str | None = None


@dataclass
class Sections:
    """What all spec files declare together."""

    resources: dict[tuple[str, str], RawResource] = field(default_factory=dict)
    lists: dict[str, list[tuple[Any, Source]]] = field(
        default_factory=lambda: {name: [] for name in LISTS}
    )
    findings: list[SourcedFinding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)  # files to look at once more
    # Names that files which cannot be read may declare.
    unread: set[str] = field(default_factory=set)
    duplicates: list[tuple[RawResource, Source]] = field(default_factory=list)
    # Files that hold nothing but resources, all alike in every environment, and of which there is
    # nothing to say so far.
    plain: dict[str, Mark] = field(default_factory=dict)
    remembered: list[Sound] = field(default_factory=list)  # resources that were not read again
    places: dict[str, Places] = field(default_factory=dict)  # of resources, by file

    @property
    def said(self) -> int:
        """How much there is that files have beside resources."""
        found = len(self.findings) + len(self.problems) + len(self.odd) + len(self.duplicates)
        return found + sum(map(len, self.lists.values()))

    @property
    def empty(self) -> bool:
        return not self.resources

    def names(self, kind: str) -> list[str]:
        return [name for known, name in self.resources if known == kind]


def collect(tree: Tree, kinds: dict[str, Kind], memory: Memory | None = None) -> Sections:
    """Read every spec of the workspace, or take what it says from memory."""
    sections = Sections()
    by_section = {kind.section: kind for kind in kinds.values()}
    for entry in _spec_files(tree, sections):
        ordinary = entry.plain and not entry.link and not entry.twin
        told = memory.told(entry.path, entry.place) if memory and ordinary else None
        if told is not None and _recall(sections, kinds, entry.path, told):
            continue
        before = sections.said
        reading, dynamic, marked = _read(tree, entry, sections)
        if reading is not None:
            sections.places[entry.path] = reading.places
            _SpecFile(sections, by_section, entry.path, dynamic).add(reading)
        if marked and reading and ordinary and not dynamic and sections.said == before:
            sections.plain[entry.path] = marked
    unread = any(one.finding.summary == UNKNOWN for one in sections.findings)
    if memory and (unread or not standing(sections.resources, sections.remembered)):
        memory.forget()
        return collect(tree, kinds)
    _explain_named_files(tree, sections)
    return sections


def _recall(sections: Sections, kinds: dict[str, Kind], file: str, told: Sequence[Told]) -> bool:
    """Add what a file is remembered to declare, if anything could be declared so."""
    for named, name, sound in told:
        kind = kinds.get(named)
        if kind is None or not kind.per_api or not _NAME.fullmatch(name):
            return False
        if sound.api is not None and sound.api not in kind.apis:
            return False
    for named, name, sound in told:
        place = Source(file, (kinds[named].section, name))
        raw = RawResource(kinds[named], name, value=sound, source=place, dynamic=False)
        first = sections.resources.setdefault((named, name), raw)
        if first is not raw:
            sections.duplicates.append((first, place))
        sections.remembered.append(sound)
    return True


def _spec_files(tree: Tree, sections: Sections) -> list[TreeEntry]:
    try:
        below = list(tree.below(FOLDER))
    except FileRefused as refused:
        problem = Problem(
            refused.summary, f"`{FOLDER}` {refused.detail}.", refused.hint, file=FOLDER
        )
        if refused.summary == "File not found":
            detail = f"There is no folder `{FOLDER}/` in `{tree.root}`."
            problem = Problem(NO_SPECS, detail, _to_begin(tree), file=FOLDER)
        sections.problems.append(problem)
        return []
    files = sorted(
        (entry for entry in below if entry.path.endswith(SUFFIXES)), key=lambda entry: entry.path
    )
    if not files:
        meant = filter(_MEANT.fullmatch, (entry.path for entry in below))
        near = sorted(meant, key=lambda path: (path.lower().endswith(".json"), path))
        hint = f"rename `{near[0]}` to end in `.yaml`" if near else _to_begin(tree)
        detail = f"There is no `*.yaml` file below `{FOLDER}/`."
        sections.problems.append(Problem(NO_SPECS, detail, hint, "warning", file=FOLDER))
    return files


def _to_begin(tree: Tree) -> str:
    """The next step without a spec; `init` writes nothing beside a `provisioner.yaml`."""
    if (tree.root / "provisioner.yaml").exists():
        return (
            f"write `assistants: {{helper: {{model: gpt-4o}}}}` into `{FOLDER}/assistant.yaml` to"
            " begin with; `-C DIR` chooses another folder"
        )
    return "`provisioner init` writes a starter workspace; `-C DIR` chooses another folder"


def _read(
    tree: Tree, entry: TreeEntry, sections: Sections
) -> tuple[Reading | None, bool, Mark | None]:
    data = b""
    try:
        tree.inside(entry)
        data, marked = tree.read_marked(entry)
        reading = read_yaml(data)
        if b"://" in data:
            sections.findings += secrets_in(Source(entry.path), reading.value)
        return reading, b"${" in data, marked
    except (OSError, FileRefused) as error:
        refused = error if isinstance(error, FileRefused) else not_readable(error)
        sections.problems.append(
            Problem(
                refused.summary, f"`{entry.path}` {refused.detail}.", refused.hint, file=entry.path
            )
        )
    except (yaml.YAMLError, ValueError) as error:
        from provisioner.yamltext.syntax import explain

        sections.problems.append(explain(entry.path, data, error))
        sections.unread.update(name.decode() for name in _LISTED.findall(data))
    return None, False, None


def secrets_in(source: Source, value: Any) -> Iterator[SourcedFinding]:
    """A warning for every address with a password or a key in it."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while waiting:
        path, found = waiting.pop()
        if isinstance(found, dict):
            waiting += [((*path, str(key)), inner) for key, inner in found.items()]
        elif isinstance(found, list):
            waiting += [((*path, index), inner) for index, inner in enumerate(found)]
        elif isinstance(found, str) and "://" in found and with_secret(found):
            detail = (
                f"`{dotted(path)}` holds an address with a password or key in it. It is masked in"
                " what is printed, but whoever reads this file, the lock or a saved plan has it."
            )
            hint = "take it out and revoke it; your application adds it to the request"
            yield SourcedFinding(
                source,
                Finding(path, "Secret in address", detail=detail, hint=hint, severity="warning"),
            )


@dataclass(frozen=True, slots=True)
class _SpecFile:
    """Puts one file into the sections. `dynamic`: a `${` is somewhere in it."""

    sections: Sections
    kinds: dict[str, Kind]  # by section
    file: str
    dynamic: bool

    def report(self, source: Source, finding: Finding, address: str | None = None) -> None:
        self.sections.findings.append(SourcedFinding(source, finding, address))

    def add(self, reading: Reading) -> None:
        source, value = Source(self.file), reading.value
        if reading.odd:
            self.sections.odd.append(self.file)
        if value is None:
            detail = f"`{self.file}` declares nothing."
            self.report(source, Finding((), "Empty file", detail, "remove it", severity="warning"))
        elif not isinstance(value, dict):
            detail = f"`{self.file}` is {sort_of(value)}; a spec is a mapping of sections."
            hint = f"begin with a section, like `{min(self.kinds, default='assistants')}:`"
            self.report(source, Finding((), "Wrong type", detail, hint))
        else:
            above = None  # an empty section, which names may follow that are not indented
            for section, inner in value.items():
                if not str(section).startswith("x-"):
                    self.section(source.at(section), str(section), inner, above)
                if inner is None:
                    above = section
                elif section in self.kinds or section in LISTS:
                    above = None

    def section(self, source: Source, section: str, value: Any, above: Any) -> None:
        """One section; `above` is an empty one that it stands below."""
        if section in LISTS:
            self.entries(source, section, value)
        elif section not in self.kinds:
            self.report(source, self._unknown(section, above))
        elif isinstance(value, dict):
            for name, resource in value.items():
                self.resource(source.at(name), self.kinds[section], name, resource)
        elif value is not None:
            detail = f"`{section}` is {sort_of(value)}; it must map names to resources."
            hint = "write `NAME:` below it, and the fields below that"
            if isinstance(value, list):
                hint = "write `NAME:` instead of a dash"
            self.report(source, Finding((), "Wrong type", detail, hint))

    def _unknown(self, section: str, above: Any) -> Finding:
        detail = f"There is no section `{section}`."
        hint = suggest(section, [*self.kinds, *LISTS], "sections are")
        if section in _SETTINGS:
            detail = f"`{section}` is not a section of a spec."
            hint = "it belongs in `provisioner.yaml`"
        elif above in self.kinds and not did_you_mean(section, [*self.kinds, *LISTS]):
            hint = f"indent it by two spaces, if it belongs below `{above}`"
        return Finding((), UNKNOWN, detail, hint)

    def entries(self, source: Source, section: str, value: Any) -> None:
        """Those of `imports`, `moved` and `removed`."""
        if isinstance(value, list):
            found = [(item, source.at(index)) for index, item in enumerate(value)]
            self.sections.lists[section] += found
        elif value is not None:
            detail = f"`{section}` is {sort_of(value)}; it must be a list."
            hint = "begin each entry with a dash"
            self.report(source, Finding((), "Wrong type", detail, hint))

    def resource(self, source: Source, kind: Kind, name: Any, value: Any) -> None:
        if not isinstance(name, str):
            return  # reported as an invalid key
        written = {} if value is None else value
        dynamic = self.dynamic and _holds_placeholder(value)
        raw = RawResource(kind, name, value=written, source=source, dynamic=dynamic)
        if not _NAME.fullmatch(name):
            plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
            better = re.sub(r"[^a-z0-9_-]+", "_", plain).strip("_-")
            if better[:1].isdigit():
                better = f"{kind.name}_{better}"
            better = better[:64]
            hint = f"did you mean `{better}`?" if better else "write a name like `support`"
            detail = (
                f"`{name}` cannot be a name in `{kind.section}`; a name has small letters, digits,"
                " `_` and `-`, begins with a letter and has at most 64 characters."
            )
            self.report(source, Finding((), "Invalid name", detail, hint), raw.title)
        first = self.sections.resources.setdefault((kind.name, name), raw)
        if first is not raw:
            self.sections.duplicates.append((first, source))


def _explain_named_files(tree: Tree, sections: Sections) -> None:
    """A schema or document in YAML was read as a spec. Where a spec names the file, that is said,
    and once.
    """
    unknown = {one.source.file for one in sections.findings if one.finding.summary == UNKNOWN}
    if not unknown:
        return
    # Which of these files a resource names by its path, and one that does.
    users: dict[str, str] = {}
    for raw in sections.resources.values():
        for text in _texts(raw.value):
            with contextlib.suppress(FileRefused):
                users.setdefault(tree.normal(text), raw.title)
    said: set[str] = set()
    kept: list[SourcedFinding] = []
    for sourced in sections.findings:
        file, finding = sourced.source.file, sourced.finding
        if finding.summary != UNKNOWN or file not in users:
            kept.append(sourced)
        elif file not in said:
            said.add(file)
            detail = (
                f"{finding.detail} `{users[file]}` names this file, but every YAML file below"
                f" `{FOLDER}/` is read as a spec."
            )
            hint = f"move it out of `{FOLDER}/`, or write a schema as JSON"
            kept.append(SourcedFinding(sourced.source, replace(finding, detail=detail, hint=hint)))
    sections.findings = kept


def _texts(value: Any) -> Iterator[str]:
    """What could be a path to a YAML file, at any depth."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict | list):
            waiting += found.values() if isinstance(found, dict) else found
        elif isinstance(found, str) and found.endswith(SUFFIXES):
            yield found


def declarable(root: Path, address: Address) -> bool:
    """Whether a spec could declare something at this address; a file need not be there."""
    if not is_file(address):
        return _NAME.fullmatch(address.name) is not None
    try:
        return Tree(root).normal(address.name) == address.name and address.name.isprintable()
    except FileRefused:
        return False


def bad_id(id: str, path: tuple[str | int, ...], what: str) -> Finding | None:
    """Why something cannot be the id of an object; None where it can."""
    if is_id(id):
        return None
    detail = f"{what} has the id {spelt(id)}, which no object can have; an id has {ID_RULE}."
    return Finding(
        path, "Invalid id", detail, "copy it from the dashboard, or from a list of the API"
    )


def _holds_placeholder(value: Any) -> bool:
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, dict):
        return any(map(_holds_placeholder, value.values()))
    return isinstance(value, list) and any(map(_holds_placeholder, value))


def unknown_environment(name: str, known: list[str]) -> Finding:
    """`only`, or an import, names an environment that there is none of."""
    hint = did_you_mean(name, known) or suggest(name, known, "environments are")
    return Finding((), "Unknown environment", f"There is no environment `{name}`.", hint)
