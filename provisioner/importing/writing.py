"""From what was found to specs as an author would have written them: names, shared tools, texts in
files of their own, tidy YAML. Reads the workspace, and writes nothing.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import field
from pathlib import Path
from typing import Any

from provisioner import disk, jsontext
from provisioner.diff import same
from provisioner.digests import LFS_HEAD
from provisioner.importing.layout import says, spec_edited, text_of
from provisioner.importing.names import Names
from provisioner.importing.nouns import Found
from provisioner.importing.patterns import folded
from provisioner.jsontext import canonical
from provisioner.kinds import file_at, file_kind, holds_files, inlined_kind, is_file, kind, kinds
from provisioner.kinds.base import PURPOSE
from provisioner.model import Address, Desired, Fields, Source
from provisioner.records import dataclass
from provisioner.text import brief, listed
from provisioner.workspace.editing import as_written, literal, written_tools
from provisioner.workspace.setting import SETTINGS_FILE
from provisioner.workspace.tree import Tree
from provisioner.yamltext.reading import DEEPEST_YAML, read_yaml
from provisioner.yamltext.spelling import Placement, Unwritable, value_spelt

INTO = "specs/imported.yaml"
CHECKS = "checks"
PROMPTS, SCHEMAS = "specs/prompts", "specs/schemas"
_LONG_TEXT = 300  # characters of instructions that are worth a file of their own
_LONG_SCHEMA = 500  # and of a JSON Schema, in one line
_MOST_NAMES = 1000  # of files, tried one after another: then nothing can be written there
_MARK = "\ufeff"
_DEVICE = re.compile(r"con|prn|aux|nul|(com|lpt)\d", re.I)  # on Windows no name of a file


@dataclass(frozen=True, slots=True)
class Drafted:
    """What the specs would be."""

    # The whole content of each file that is new or changes, by its path from the root. The spec
    # that names the others comes last: written in this order, a half never counts.
    files: Mapping[str, bytes] = field(default_factory=dict)
    addresses: tuple[Address | None, ...] = ()  # of what was found, in that order; None: left out
    remarks: tuple[str, ...] = ()
    # What these files were when they were read; None where there was none.
    before: Mapping[str, bytes | None] = field(default_factory=dict)
    # Of each resource, shared tools included: the place in what was found of the first it is for.
    origins: Mapping[Address, int] = field(default_factory=dict)


def write_specs(
    root: Path,
    found: Sequence[Found],
    *,
    into: str = INTO,
    taken: Collection[Address] = (),
    known: Mapping[str, Address] | None = None,
    imports: bool = False,
    also: Mapping[Address, str] | None = None,
    over: Collection[Address] = (),
    environment: str | None = None,
) -> Drafted:
    """The specs of everything found, added to the file `into`; the same input, the same bytes.
    `taken`: addresses that there are, none of which is written again. `known`: the addresses of
    ids that are managed or have to have that one. `imports`: whether what has an id is to be taken
    over, and `also` these ids at addresses that are declared; in that `environment` alone where one
    is named. `over`: addresses for which nothing is to be taken over any more. Unwritable where
    `into` is laid out so that nothing can be added.
    """
    writer = _Writer(root, found, Names(taken), dict(known or {}))
    writer.write()
    writer.declare_variables()
    if imports:
        writer.fold()
    wanted = {**(also or {}), **(writer.ids(over) if imports else {})}
    only = {"environment": environment} if environment else {}
    writer.add(into, [{"to": str(to), "id": id, **only} for to, id in wanted.items()])
    addresses = tuple(writer.addresses.get(index) for index in range(len(found)))
    return Drafted(writer.files, addresses, tuple(writer.remarks), writer.before, writer.origins)


class _Writer:
    def __init__(
        self, root: Path, found: Sequence[Found], names: Names, known: dict[str, Address]
    ) -> None:
        self.root, self.found, self.names, self.known = root, found, names, known
        self.files: dict[str, bytes] = {}
        self.before: dict[str, bytes | None] = {}
        self.remarks: list[str] = []
        self.variables = {name for one in found for name in one.variables}
        self.addresses: dict[int, Address] = {}  # by the place in `found`
        self.resources: dict[Address, Any] = {}  # what is written for each
        self.origins: dict[Address, int] = {}  # the place in `found` of the first it is for
        self.used: set[str] = set()  # the paths that they name
        # The oldest first: what is made later takes no name away. Without an age the order of the
        # source says which came first.
        self.order = sorted(range(len(found)), key=lambda index: (*_age(found[index]), index))

    def write(self) -> None:
        """What is written for each thing found."""
        self._name()
        for index in self.order:
            address = self.addresses[index]
            try:
                written = self._written(address, self.found[index])
                # Half a character, say, which no file can hold.
                value_spelt(written, Placement(flow=False))
            except Unwritable as why:
                self.remarks.append(f"`{self.found[index].id or address}` is left out: {why}.")
                del self.addresses[index]
            else:
                self.resources[address] = written
                self.origins.setdefault(address, index)
        self._share()
        self._point_out_twins()
        self.used = {entry for written in self.resources.values() for entry in _paths(written)}

    def fold(self) -> None:
        """Let patterns stand for the files of a store where they name the same ones."""
        tree = Tree(self.root)
        for address, written in self.resources.items():
            if holds_files(address) and isinstance(written.get("files"), list):
                written["files"] = sorted(folded(tree, written["files"]), key=_by_path)

    def ids(self, over: Collection[Address]) -> dict[Address, str]:
        """What is to be taken over. Of a path with several ids only the first, and none where that
        is `over`: the others are paired with it.
        """
        found: dict[Address, str] = {}
        for index in self.order:
            id, address = self.found[index].id, self.addresses.get(index)
            if id and address and address not in over:
                found.setdefault(address, id)
        return found

    def _name(self) -> None:
        named: dict[tuple[str, str], list[Address]] = defaultdict(list)
        for index in self.order:
            one = self.found[index]
            if one.kind == file_kind().name:
                address = file_at(one.fields["path"])
            else:
                called = one.name or _source_name(one)
                address = self.known.get(one.id or "") or self.names.give(one.kind, called, one.id)
                if one.name:
                    named[one.kind, one.name].append(address)
            self.addresses[index] = address
            if one.id:
                self.known.setdefault(one.id, address)
        for (_, name), addresses in named.items():
            if len(addresses) > 1:
                some = listed(f"`{address}`" for address in addresses)
                self.remarks.append(
                    f"{len(addresses)} have the name {json.dumps(brief(name))}: {some}."
                )

    def declare_variables(self) -> None:
        """Declare the variables whose values are known; what `provisioner.yaml` has stays."""
        wanted: dict[str, Any] = {}
        for one in self.found:
            for name, value in one.variables.items():
                if wanted.get(name) is None:
                    wanted[name] = value
        there = self._there(SETTINGS_FILE)
        text = there.decode("utf-8-sig") if there else ""
        old = (read_yaml(text.encode()).value if text.strip() else None) or {}
        declared = old.get("variables") or {}
        unknown = [f"`{name}`" for name in wanted if wanted[name] is None and name not in declared]
        if unknown:
            self.remarks.append(
                f"{listed(unknown)} below `variables` in `{SETTINGS_FILE}`: nobody knows a value,"
                " so write one."
            )
        new = {name: wanted[name] for name in wanted if wanted[name] is not None}
        new = {name: literal(new[name]) for name in new if name not in declared}
        if new and not old:
            self.files[SETTINGS_FILE] = (text + text_of({"variables": new})).encode()
        elif new:
            whole = {**old, "variables": {**declared, **new}}
            mark = _MARK if there and there.startswith(_MARK.encode()) else ""
            self.files[SETTINGS_FILE] = (mark + spec_edited(text, old, whole)).encode()

    # One resource.

    def _written(self, address: Address, one: Found) -> Any:
        shown = self._named(one.fields)
        fields = kinds()[one.kind].completed(address, shown)
        if fields != shown:
            secrets = kinds()[one.kind].secrets(fields).values()
            names = listed(f"`{secret['env']}`" for secret in secrets if "env" in secret)
            self.remarks.append(
                f"No service gives a secret back: `{address}` has what it had, and"
                f" `provisioner apply --rotate {address}` sends what {names} has."
            )
        written: Fields = {}
        known = kinds()[one.kind].fields
        order = ["name", "description", *(each.name for each in known), *fields]
        for name in dict.fromkeys(name for name in order if name in fields):
            each = known.get(name)
            edited = each.sort.edited if each else ""
            value = fields[name]
            if edited == "text":
                written[name] = self._text(address, value)
            elif edited == "tools" and isinstance(value, list):
                written[name] = self._tools(address, value)
            elif edited == "format" and isinstance(value, dict):
                written[name] = self._format(address, value)
            elif edited == "store_files" and isinstance(value, list):
                written[name] = sorted(map(self._entry, value), key=_by_path)
            elif each and each.sort.refers_to and isinstance(value, str):
                written[name] = Address.parse(value).name
            else:
                written[name] = self._literal(each.sort.spelt(value) if each else value)
        return written

    def _named(self, value: Any) -> Any:
        """The same with the addresses of what is referred to by an id."""
        if isinstance(value, dict):
            if value.keys() == {"id"} and value["id"] in self.known:
                return str(self.known[value["id"]])
            return {key: self._named(inner) for key, inner in value.items()}
        return [self._named(inner) for inner in value] if isinstance(value, list) else value

    def _literal(self, value: Any) -> Any:
        """A value as YAML says it: what looks like a variable and is none is escaped."""
        return self._variables(literal(value))

    def _variables(self, value: Any) -> Any:
        if not self.variables:
            return value
        if isinstance(value, str):
            names = "|".join(map(re.escape, sorted(self.variables)))
            return re.sub(rf"\$(\$\{{var\.(?:{names})\}})", r"\1", value)
        if isinstance(value, dict):
            return {key: self._variables(inner) for key, inner in value.items()}
        return [self._variables(inner) for inner in value] if isinstance(value, list) else value

    def _text(self, address: Address, text: Any) -> Any:
        """A text in the YAML, or in a file where it is long and a file gives it back as it is."""
        written = self._literal(text)
        if not isinstance(text, str) or len(text) < _LONG_TEXT or not _survives(text):
            return written
        if written != literal(text):  # a variable: a file has none
            return written
        return {"file": self._beside(f"{PROMPTS}/{address.name}", ".md", text.encode())}

    def _beside(self, stem: str, suffix: str, data: bytes) -> str:
        """The path of a file of its own that holds these bytes; what is there already stays."""
        folder, _, name = stem.rpartition("/")
        stem = f"{folder}/{name}_" if _DEVICE.fullmatch(name) else stem
        count, path = 1, stem + suffix
        while (there := self._there(path)) not in (None, data) and count < _MOST_NAMES:
            count += 1
            path = f"{stem}_{count}{suffix}"
        if there != data:
            self.files[path] = data
        return path

    def _there(self, path: str) -> bytes | None:
        if path in self.files:
            return self.files[path]
        place = self.root / path
        try:
            self.before[path] = disk.read(place, disk.LARGEST_TEXT)
        except (FileNotFoundError, NotADirectoryError):
            self.before[path] = None
        except OSError:
            return b""  # something else that is in the way
        return self.before[path]

    def _tools(self, address: Address, tools: Sequence[Fields]) -> list[Any]:
        api = None if address.kind != "assistant" else "assistants"
        want = Desired(address, {}, Source(""))
        form = kind(address.kind).form(api)
        written = written_tools(form, want, raw=[], live=list(tools), documents={})
        return [self._tool(address, tool) for tool in written]

    def _tool(self, address: Address, tool: Any) -> Any:
        if not isinstance(tool, dict):
            return tool
        tool = self._variables(tool)
        if isinstance(tool.get("parameters"), dict):
            stem = str(tool.get("name") or address.name)
            tool["parameters"] = self._schema(stem, tool["parameters"])
        return tool

    def _format(self, address: Address, value: Fields) -> Any:
        if value.get("type") != "json_schema":
            return self._literal(value)
        plain = {"strict": False}
        written = self._variables(as_written({}, {}, live=value, plain=plain, documents={}))
        if isinstance(written.get("schema"), dict):
            written["schema"] = self._schema(address.name, written["schema"])
        return written

    def _schema(self, stem: str, written: Any) -> Any:
        """A JSON Schema in the YAML, or in a file where it is long or would be read as one."""
        reads_as_a_file = written.keys() == {"file"}
        if len(canonical(written)) < _LONG_SCHEMA and not reads_as_a_file:
            return written
        schema = _unescaped(written)
        try:
            text = jsontext.indented(schema) + "\n"
            kept = same(jsontext.read(text, deepest=DEEPEST_YAML, unique=True), schema)
            data = text.encode()
        except ValueError:
            kept, data = False, b""
        if not kept or (self.variables and "${var." in text):
            return written
        name = re.sub(r"[^A-Za-z0-9_-]", "_", stem)[:64]
        return {"file": self._beside(f"{SCHEMAS}/{name}", ".json", data)}

    def _entry(self, entry: Any) -> Any:
        """A file of a store. One that has a path by now is named by that."""
        if not isinstance(entry, dict):
            return _path(entry) if isinstance(entry, str) else entry
        at = self.known.get(entry.get("id", ""))
        settings = {key: self._literal(entry[key]) for key in entry if key not in ("id", "path")}
        if at is not None and is_file(at):
            path = literal(at.name)
            return {"path": path, **settings} if settings else path
        start = {key: entry[key] for key in ("id", "path") if key in entry}
        return {**start, **settings}

    # Everything together.

    def _share(self) -> None:
        """Functions with one body in several places are declared once, below `tools`."""
        bodies = Counter(canonical(tool) for _, tool in self._functions())
        shared: dict[str, Address] = {}
        declared: dict[Address, Fields] = {}
        for address, tool in self._functions():
            body = canonical(tool)
            if bodies[body] > 1 and body not in shared:
                name = str(tool.get("name") or "")
                at = shared[body] = self.names.give(inlined_kind().name, name)
                self.origins[at] = self.origins[address]
                said = {key: tool[key] for key in tool if key != "type"}
                declared[at] = said if at.name != name else {**said, "name": None}
        for written in self.resources.values():
            if isinstance(written.get("tools"), list):
                written["tools"] = [_use(tool, shared) for tool in written["tools"]]
        for at, said in declared.items():
            self.resources[at] = {key: said[key] for key in said if said[key] is not None}

    def _functions(self) -> Iterator[tuple[Address, Fields]]:
        for address, written in self.resources.items():
            tools = written.get("tools")
            for tool in tools if isinstance(tools, list) else ():
                if isinstance(tool, dict) and tool.get("type") == "function":
                    yield address, tool

    def _point_out_twins(self) -> None:
        alike: dict[str, list[int]] = defaultdict(list)
        for index, address in sorted(self.addresses.items(), key=lambda pair: pair[1]):
            fields = self.found[index].fields
            said = {key: fields[key] for key in fields if key not in ("name", CHECKS)}
            if not is_file(address) and said.keys() - {"model"}:
                alike[canonical([address.kind, said])].append(index)
        for twins in alike.values():
            if len(twins) > 1:
                some = listed(f"`{self.addresses[index]}`" for index in twins)
                names = {self.found[index].name for index in twins}
                but = ", but for their names" if len(names) > 1 else ""
                self.remarks.append(f"{some} say the same{but}.")

    def _document(self, imports: Sequence[Fields]) -> dict[str, Any]:
        document: dict[str, Any] = {}
        by_section: dict[str, dict[str, Any]] = defaultdict(dict)
        for address, written in sorted(self.resources.items()):
            section = kinds()[address.kind].section
            if not is_file(address):
                by_section[section][address.name] = written
                continue
            plain = {key: written[key] for key in written if written[key] != PURPOSE}
            if plain.keys() != {"path"} or address.name not in self.used:
                name = self.names.give(address.kind, Path(address.name).stem).name
                by_section[section][name] = plain
        for section in ("vector_stores", "files", "tools", "assistants", *sorted(by_section)):
            if section in by_section:
                document[section] = by_section[section]
        return {**document, "imports": list(imports)} if imports else document

    def add(self, into: str, imports: Sequence[Fields]) -> None:
        """Put everything into the spec."""
        document = self._document(imports)
        if not document:
            return
        there = self._there(into)
        text = there.decode("utf-8-sig") if there else ""
        old = read_yaml(text.encode()).value if text.strip() else None
        if old is None:
            self.files[into] = (text + text_of(document)).encode()
            return
        new = deepcopy(old)
        more = {}
        for section, entries in document.items():
            if section not in new:
                more[section] = entries
            elif isinstance(entries, list):
                new[section] = [*(new[section] or ()), *entries]
            else:
                new[section] = {**(new[section] or {}), **_with_checks(entries, new[section])}
        mark = _MARK if there and there.startswith(_MARK.encode()) else ""
        self.files.pop(into, None)  # it comes last
        result = spec_edited(text, old, new)
        whole = {**new, **more}
        below = f"{result.rstrip()}\n\n{text_of(more)}" if more else result
        if not says(below, whole):  # the whole spec is in braces, say
            below = spec_edited(text, old, whole)
        self.files[into] = (mark + below).encode()


def _with_checks(entries: Mapping[str, Any], old: Any) -> dict[str, Any]:
    """Entries of a section, with the checks that stand there already: those stay as they are."""
    found = {}
    for name, written in entries.items():
        there = old.get(name) if isinstance(old, Mapping) else None
        checks = there.get(CHECKS) if isinstance(there, Mapping) else None
        if isinstance(checks, Mapping):
            more = written.get(CHECKS) or {}
            new = {key: more[key] for key in more if key not in checks}
            written = {**written, CHECKS: {**checks, **new}}
        found[name] = written
    return found


def _by_path(entry: Any) -> tuple[bool, str]:
    """Paths in their order, then what has none in its own."""
    path = entry if isinstance(entry, str) else entry.get("path")
    return path is None, path or ""


def _source_name(one: Found) -> str | None:
    """What the file is called that makes something without a name; what has an id of the service
    is called after that.
    """
    if one.id and not one.id.startswith("made:"):
        return None
    stem = Path(one.origin.source).stem
    return one.kind if stem.startswith("<") else stem


def _age(one: Found) -> tuple[bool, int, str]:
    return one.age is None, one.age or 0, (one.id or "") if one.age is not None else ""


def _use(tool: Any, shared: Mapping[str, Address]) -> Any:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        return tool
    at = shared.get(canonical(tool))
    return {"use": at.name} if at else tool


def _path(reference: str) -> str:
    return reference.removeprefix(f"{file_kind().name}.")


def _paths(written: Mapping[str, Any]) -> Iterator[str]:
    """The local files that a resource names by their paths."""
    for entry in written.get("files") or ():
        if isinstance(entry, str):
            yield _unescaped(entry)
        elif "file" in entry:
            yield _unescaped(entry["file"])
        elif "path" in entry:
            yield _unescaped(entry["path"])
    tools = written.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        for one in tool.get("files") or () if isinstance(tool, dict) else ():
            if isinstance(one, str):
                yield one


def _survives(text: str) -> bool:
    """Whether a prompt file gives this text back as it is."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return False
    read = data.decode("utf-8-sig").replace("\r\n", "\n")
    return read == text and bool(text.strip()) and not data.startswith(LFS_HEAD)


def _unescaped(value: Any) -> Any:
    """What a value says once it is read: a file has no placeholders to escape."""
    if isinstance(value, str):
        return value.replace("$${", "${")
    if isinstance(value, dict):
        return {key: _unescaped(inner) for key, inner in value.items()}
    return [_unescaped(inner) for inner in value] if isinstance(value, list) else value
