"""Every spec file read and its sections put together: what is declared, before anything is checked
by its kind.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from provisioner.kinds import is_file
from provisioner.kinds.base import Finding, Kind
from provisioner.masking import with_secret
from provisioner.model import ID_RULE, Address, Problem, Source, is_id
from provisioner.text import did_you_mean, dotted, sort_of, spelt, suggest
from provisioner.workspace.tree import FileRefused, Tree, TreeEntry, not_readable
from provisioner.yamltext.reading import Reading, read_yaml

FOLDER = "specs"
SUFFIXES = (".yaml", ".yml")
LISTS = ("imports", "moved", "removed")
UNKNOWN = "Unknown section"

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

    @property
    def empty(self) -> bool:
        return not self.resources

    def names(self, kind: str) -> list[str]:
        return [name for known, name in self.resources if known == kind]


def collect(tree: Tree, kinds: dict[str, Kind]) -> Sections:
    """Read every spec of the workspace."""
    sections = Sections()
    by_section = {kind.section: kind for kind in kinds.values()}
    for entry in _spec_files(tree, sections):
        reading, dynamic = _read(tree, entry, sections)
        if reading is not None:
            _add(sections, entry.path, reading=reading, dynamic=dynamic, kinds=by_section)
    _explain_named_files(tree, sections)
    return sections


def _spec_files(tree: Tree, sections: Sections) -> list[TreeEntry]:
    try:
        below = list(tree.below(FOLDER))
    except FileRefused as refused:
        problem = Problem(
            refused.summary, f"`{FOLDER}` {refused.detail}.", refused.hint, file=FOLDER
        )
        if refused.summary == "File not found":
            detail = f"There is no folder `{FOLDER}/` in `{tree.root}`."
            hint = "`provisioner init` writes a starter workspace; `-C DIR` chooses another folder"
            problem = Problem("No specs", detail, hint, file=FOLDER)
        sections.problems.append(problem)
        return []
    files = sorted(
        (entry for entry in below if entry.path.endswith(SUFFIXES)), key=lambda entry: entry.path
    )
    if not files:
        meant = filter(_MEANT.fullmatch, (entry.path for entry in below))
        near = sorted(meant, key=lambda path: (path.lower().endswith(".json"), path))
        hint = (
            f"rename `{near[0]}` to end in `.yaml`"
            if near
            else "`provisioner init` writes a starter workspace"
        )
        detail = f"There is no `*.yaml` file below `{FOLDER}/`."
        sections.problems.append(Problem("No specs", detail, hint, "warning", file=FOLDER))
    return files


def _read(tree: Tree, entry: TreeEntry, sections: Sections) -> tuple[Reading | None, bool]:
    data = b""
    try:
        tree.inside(entry)
        data = tree.read(entry)
        reading = read_yaml(data)
        if b"://" in data:
            sections.findings += secrets_in(Source(entry.path), reading.value)
        return reading, b"${" in data
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
    return None, False


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


def _add(
    sections: Sections, file: str, *, reading: Reading, dynamic: bool, kinds: dict[str, Kind]
) -> None:
    source = Source(file)
    if reading.odd:
        sections.odd.append(file)
    if reading.value is None:
        finding = Finding(
            (), "Empty file", f"`{file}` declares nothing.", "remove it", severity="warning"
        )
        sections.findings.append(SourcedFinding(source, finding))
    elif not isinstance(reading.value, dict):
        detail = f"`{file}` is {sort_of(reading.value)}; a spec is a mapping of sections."
        hint = f"begin with a section, like `{min(kinds, default='assistants')}:`"
        sections.findings.append(SourcedFinding(source, Finding((), "Wrong type", detail, hint)))
    else:
        for section, value in reading.value.items():
            _section(
                sections,
                source.at(section),
                section=str(section),
                value=value,
                dynamic=dynamic,
                kinds=kinds,
            )


def _section(
    sections: Sections,
    source: Source,
    *,
    section: str,
    value: Any,
    dynamic: bool,
    kinds: dict[str, Kind],
) -> None:
    if section.startswith("x-"):
        return
    if section in LISTS:
        _list(sections, source, section, value)
    elif section not in kinds:
        sections.findings.append(SourcedFinding(source, _unknown_section(section, kinds)))
    elif isinstance(value, dict):
        for name, resource in value.items():
            _resource(
                sections,
                kinds[section],
                source=source.at(name),
                name=name,
                value=resource,
                dynamic=dynamic,
            )
    elif value is not None:
        detail = f"`{section}` is {sort_of(value)}; it must map names to resources."
        hint = (
            "write `NAME:` instead of a dash"
            if isinstance(value, list)
            else "write `NAME:` below it, and the fields below that"
        )
        sections.findings.append(SourcedFinding(source, Finding((), "Wrong type", detail, hint)))


def _unknown_section(section: str, kinds: dict[str, Kind]) -> Finding:
    if section in ("workspace", "environments", "variables", "default_environment", "policies"):
        detail = f"`{section}` is not a section of a spec."
        return Finding((), UNKNOWN, detail, "it belongs in `provisioner.yaml`")
    hint = suggest(section, [*kinds, *LISTS], "sections are")
    return Finding((), UNKNOWN, f"There is no section `{section}`.", hint)


def _explain_named_files(tree: Tree, sections: Sections) -> None:
    """A schema or document in YAML was read as a spec. Where a spec names the file, that is said,
    and once.
    """
    unknown = {
        sourced.source.file for sourced in sections.findings if sourced.finding.summary == UNKNOWN
    }
    users = _users(tree, sections, unknown) if unknown else {}
    said: set[str] = set()
    kept: list[SourcedFinding] = []
    for sourced in sections.findings:
        file = sourced.source.file
        if sourced.finding.summary != UNKNOWN or file not in users:
            kept.append(sourced)
        elif file not in said:
            said.add(file)
            kept.append(SourcedFinding(sourced.source, _misplaced(sourced.finding, users[file])))
    sections.findings = kept


def _misplaced(finding: Finding, user: str) -> Finding:
    detail = (
        f"{finding.detail} `{user}` names this file, but every YAML file below `{FOLDER}/` is read"
        " as a spec."
    )
    return replace(
        finding, detail=detail, hint=f"move it out of `{FOLDER}/`, or write a schema as JSON"
    )


def _users(tree: Tree, sections: Sections, files: set[str]) -> dict[str, str]:
    """Which of these files a resource names by its path, and one that does."""
    users: dict[str, str] = {}
    for raw in sections.resources.values():
        for text in _texts(raw.value):
            with contextlib.suppress(FileRefused):
                path = tree.normal(text)
                if path in files:
                    users.setdefault(path, raw.title)
    return users


def _texts(value: Any) -> Iterator[str]:
    """What could be a path to a YAML file, at any depth."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict | list):
            waiting += found.values() if isinstance(found, dict) else found
        elif isinstance(found, str) and found.endswith(SUFFIXES):
            yield found


def _list(sections: Sections, source: Source, section: str, value: Any) -> None:
    if isinstance(value, list):
        sections.lists[section] += [(item, source.at(index)) for index, item in enumerate(value)]
    elif value is not None:
        detail = f"`{section}` is {sort_of(value)}; it must be a list."
        sections.findings.append(
            SourcedFinding(
                source, Finding((), "Wrong type", detail, "begin each entry with a dash")
            )
        )


def _resource(
    sections: Sections, kind: Kind, *, source: Source, name: Any, value: Any, dynamic: bool
) -> None:
    if not isinstance(name, str):
        return  # reported as an invalid key
    raw = RawResource(
        kind,
        name,
        value={} if value is None else value,
        source=source,
        dynamic=dynamic and _holds_placeholder(value),
    )
    if not _NAME.fullmatch(name):
        sections.findings.append(SourcedFinding(source, _bad_name(raw), raw.title))
    first = sections.resources.setdefault((kind.name, name), raw)
    if first is not raw:
        sections.duplicates.append((first, source))


def _bad_name(raw: RawResource) -> Finding:
    plain = unicodedata.normalize("NFKD", raw.name.lower()).encode("ascii", "ignore")
    better = re.sub(r"[^a-z0-9_-]+", "_", plain.decode()).strip("_-").lstrip("0123456789_-")[:64]
    hint = f"did you mean `{better}`?" if better else "write a name like `support`"
    rule = (
        "a name has small letters, digits, `_` and `-`, begins with a letter and has at most 64"
        " characters"
    )
    return Finding(
        (), "Invalid name", f"`{raw.name}` cannot be a name in `{raw.kind.section}`; {rule}.", hint
    )


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
