"""`import --from`: what a file, a folder or the standard input describes. Everything is read as
text and nothing is ever run.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from provisioner import disk, jsontext
from provisioner.errors import SpecError
from provisioner.importing import terraform, terraform_state
from provisioner.importing.azure import on_azure, says_azure
from provisioner.importing.beside import Beside, named
from provisioner.importing.code_sources import Reading, looks_like, reaches, read_code, worth
from provisioner.importing.containers import (
    is_har,
    is_notebook,
    read_har,
    read_markdown,
    read_notebook,
)
from provisioner.importing.json_exports import parsed, read_json, read_value
from provisioner.importing.nouns import MOST, Crowded, Findings, Found, Lost, Origin
from provisioner.importing.promptfoo import is_promptfoo, read_promptfoo
from provisioner.importing.store_spelling import join_documents
from provisioner.importing.taking import Losses
from provisioner.importing.taking import Path as Place
from provisioner.jsontext import Unreadable, canonical
from provisioner.masking import without_loose
from provisioner.model import Problem
from provisioner.text import spelt
from provisioner.workspace.sections import FOLDER, SUFFIXES
from provisioner.workspace.setting import SETTINGS_FILE
from provisioner.yamltext.format import format_text
from provisioner.yamltext.reading import value_of

LARGEST = 32 * 1024 * 1024  # bytes of one source
LARGEST_IN_FOLDER = 128 * 1024 * 1024
MOST_FILES = 5_000
SKIPPED = frozenset(
    [
        "node_modules",
        "__pycache__",
        "venv",
        "env",
        "dist-packages",
        "site-packages",
        ".git",
        ".venv",
        ".tox",
        ".provisioner",
        ".terraform",
    ]
)
_VARIABLE = re.compile(r"\$\{var\.")
STDIN = "<stdin>"
_PACKED = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "packed by gzip",
    b"BZh": "packed by bzip2",
    b"\xfd7zXZ": "packed by xz",
    b"\x28\xb5\x2f\xfd": "packed by zstd",
}
_MARKDOWN = re.compile(r"^[ \t]*(```|~~~)", re.M)
_CONFIGURATION = re.compile(r"^(providers|targets|prompts|assistants|instructions):", re.M)
_OBJECT = re.compile(r"\s*[A-Z]\w*(\[\w+\])?\(\w+=")
_KEY = re.compile(r"^[\w-]+:(\s|$)", re.M)


def read_sources(source: Path | bytes, root: Path | None = None) -> Findings:
    """What a file, a folder, or the bytes of the standard input describe. Paths in the answer are
    relative to `root`, where they lie in it.
    """
    name = STDIN if isinstance(source, bytes) else named(source, root)
    try:
        if isinstance(source, bytes):
            findings = _bytes(source, STDIN, Reading(root=root))
        elif source.is_dir():
            findings = _folder(source, Reading(source, root))
        else:
            findings = _file(source, Reading(source.parent, root))
    except Crowded:
        why = f"describes more than {MOST:,} things"
        findings = _refused(
            "Source too large", name, why, "give it in parts, with `--into` for each"
        )
    join_documents(findings)
    findings.found = _distinct(findings.found)
    _join_states(findings)
    _keep_files_here(findings, root)
    findings.found = [without_keys(one) for one in findings.found]
    failed = any(problem.severity == "error" for problem in findings.problems)
    if not findings.found and not failed:
        findings.problems.append(_nothing(name))
    return findings


def _join_states(findings: Findings) -> None:
    """What a state of Terraform knows of a resource whose configuration was read, too, is that
    resource: the configuration says what it should be.
    """
    configured = {one.id for one in findings.found}
    kept = []
    for one in findings.found:
        configuration = f"made:{one.origin.path}"
        if configuration not in configured:
            kept.append(one)
            continue
        if one.id:
            findings.ids[configuration] = one.id
        why = f"is in the configuration, too, whose values were taken; its id is `{one.id}`"
        findings.losses.append(Lost(one.origin, one.origin.path, why, None, "note"))
    findings.found = kept


def without_keys(one: Found) -> Found:
    """The same with the keys and passwords in it masked, each of which is named by its place."""
    losses = Losses(one.origin)

    def clean(value: Any, at: Place) -> Any:
        if isinstance(value, str) and (safe := without_loose(value)) != value:
            hint = "take it out of the source, and give it to your application another way"
            losses.say(at, "holds what looks like a key; it is masked in the spec", hint, "error")
            return safe
        if isinstance(value, dict):
            return {key: clean(inner, (*at, str(key))) for key, inner in value.items()}
        if isinstance(value, list):
            return [clean(inner, (*at, index)) for index, inner in enumerate(value)]
        return value

    fields, variables = clean(one.fields, ()), clean(one.variables, ("variables",))
    said = [replace(lost, why=without_loose(lost.why)) for lost in one.losses]
    return replace(one, fields=fields, variables=variables, losses=(*said, *losses.all))


def _keep_files_here(findings: Findings, root: Path | None) -> None:
    """A file whose bytes are not in the workspace cannot be declared: it is reported, and who uses
    it names it by its id.
    """
    kept = []
    for one in findings.found:
        path = one.fields.get("path")
        here = root is not None and isinstance(path, str) and disk.is_file(root / path)
        if one.kind != "file":
            kept.append(one)
        elif here:
            there = tuple(lost for lost in one.losses if lost.severity != "error")
            kept.append(replace(one, losses=there))  # its bytes need not be in the source
        else:
            findings.losses += one.losses
    findings.found = kept


def _nothing(name: str) -> Problem:
    return Problem(
        summary="Nothing found",
        detail=f"{spelt(name)} describes no assistant, prompt, vector store or file that is known"
        " here.",
        hint="give an export (JSON, JSON Lines), or code, or a configuration that makes one",
        file=name,
    )


def _refused(summary: str, name: str, why: str, hint: str) -> Findings:
    problem = Problem(summary=summary, detail=f"{spelt(name)} {why}.", hint=hint, file=name)
    return Findings(problems=[problem])


def _file(path: Path, reading: Reading) -> Findings:
    name = named(path, reading.root)
    try:
        if not path.is_file():
            why = "is not a file" if path.exists() else "does not exist"
            return _refused("No such source", name, why, "give a file, a folder, or `-`")
        size = path.stat().st_size
        if size > LARGEST:
            return _too_large(name, size)
        return _bytes(path.read_bytes(), name, reading, path)
    except OSError as error:
        why = f"cannot be read: {error.strerror or error}"
        return _refused("No such source", name, why, "check the path and its permissions")


def _too_large(name: str, size: int) -> Findings:
    why = f"has {size:,} bytes; a source may have at most {LARGEST:,}"
    return _refused("Source too large", name, why, "split it, or leave out what is no assistant")


def _bytes(data: bytes, name: str, reading: Reading, path: Path | None = None) -> Findings:
    if len(data) > LARGEST:
        return _too_large(name, len(data))
    if kind := next((kind for mark, kind in _PACKED.items() if data.startswith(mark)), None):
        return _refused("Not readable", name, f"is {kind}", "unpack it, and give what is in it")
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff") and data[2:4] != b"\0\0"
    if b"\0" in data[:1000] and not marked:
        return _refused("Not readable", name, "is not text in UTF-8", "save it as UTF-8")
    try:
        text = data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        why = f"is not text in UTF-8 (byte {error.start + 1:,})"
        return _refused("Not readable", name, why, "save it as UTF-8")
    return read_text(text, name, reading, path)


def read_text(text: str, name: str, reading: Reading, path: Path | None = None) -> Findings:
    """What one text describes, in the language that it is written in: by its content, because the
    ending of a name says little (`.bak`, TypeScript in `.py`).
    """
    if text.lstrip()[:1] in ("{", "[") or _printed(text):
        return _deployed(text, _json(text, name, reading, path))
    if name.endswith((".md", ".markdown")) and _MARKDOWN.search(text):
        return read_markdown(text, name, reading, path)
    if terraform.looks_like(text):
        beside = Beside(reading.folder, path, root=reading.root)
        read = terraform.read_terraform(text, name, beside, reading.variables)
        return _deployed(text, read)
    if _MARKDOWN.search(text) and (found := read_markdown(text, name, reading, path)).found:
        return found
    if (value := _yaml(text)) is not None:
        return _deployed(text, _document(value, name))
    if name.endswith((".yaml", ".yml")) and (broken := _unreadable_yaml(text, name)):
        return broken
    language = looks_like(text)
    if language is None or not (worth(text) or reaches(text, reading, path)):
        return Findings() if path is not None and text.strip() else read_json(text, name)
    return read_code(text, name, language, reading, path)


def _printed(text: str) -> bool:
    """Whether a text looks like what Python prints of an object that the SDK has read."""
    return _OBJECT.match(text) is not None and "object='" in text


def _deployed(text: str, findings: Findings) -> Findings:
    """What a document at Azure calls a model is a deployment."""
    if says_azure(text):
        findings.found = [
            one if _VARIABLE.match(str(one.fields.get("model"))) else on_azure(one)
            for one in findings.found
        ]
    return findings


def _json(text: str, name: str, reading: Reading, path: Path | None) -> Findings:
    """JSON, or one of the formats that are written in it."""
    marks = ('"entries"', '"nbformat"', '"terraform_version"', '"providers"')
    if not any(mark in text for mark in marks):
        return read_json(text, name)
    findings = Findings()
    try:
        value = parsed(text, name, findings)
    except Unreadable:
        return read_json(text, name)
    if is_har(value):
        findings.add(read_har(value, name))
    elif is_notebook(value):
        findings.add(read_notebook(value, name, reading, path))
    elif isinstance(value, dict) and {"terraform_version", "resources"} <= value.keys():
        terraform_state.read_state(value, Origin(name), findings)
    elif is_promptfoo(value):
        findings.add(read_promptfoo(value, name))
    else:
        return read_json(text, name)
    return findings


def _yaml(text: str) -> Any:
    """The value of a text that is YAML with keys; None for anything else."""
    if not _KEY.search(text[:20_000]):
        return None
    value = value_of(text.encode())
    try:
        json.dumps(value)
    except (ValueError, TypeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _unreadable_yaml(text: str, name: str) -> Findings | None:
    """What is wrong with a configuration that is meant to be YAML and is none."""
    if not _CONFIGURATION.search(text[:20_000]):
        return None
    try:
        format_text(text)
    except SpecError as error:
        return Findings(problems=[replace(one, file=name) for one in error.problems])
    except (ValueError, RecursionError):
        pass
    why = "is nested too deep, or refers to itself"
    return _refused("Not readable", name, why, "write it out, or give a smaller part")


def _document(value: Any, name: str) -> Findings:
    """What a YAML document describes: a configuration of promptfoo, or an export in YAML."""
    if is_promptfoo(value):
        return read_promptfoo(value, name)
    return read_value_of(value, name)


def read_value_of(value: Any, name: str) -> Findings:
    """What a value describes that was put together from several files."""
    findings = Findings()
    read_value(value, Origin(name), findings)
    return findings


def _folder(folder: Path, reading: Reading) -> Findings:
    """Every source in a folder; what describes nothing is passed over."""
    findings = Findings()
    read = 0
    for count, path in enumerate(_files(folder, reading.root)):
        if count >= MOST_FILES or read > LARGEST_IN_FOLDER:
            why = f"holds more than {MOST_FILES:,} files or {LARGEST_IN_FOLDER:,} bytes of sources"
            hint = "give a smaller folder, or one file after the other"
            findings.add(_refused("Source too large", named(folder, reading.root), why, hint))
            break
        read += path.stat().st_size
        one = _written_out(path, reading) or _file(path, reading)
        if not one.empty:
            findings.add(one)
    # A function that another file calls is what that one makes of it.
    findings.found = [one for one in findings.found if one.uncalled not in reading.called]
    return findings


_TEXTS = ("instructions.txt", "instructions.md", "prompt.md", "prompt.txt")
_SOURCES = frozenset(
    [
        ".json",
        ".jsonl",
        ".ndjson",
        ".har",
        ".ipynb",
        ".py",
        ".pyi",
        ".ts",
        ".tsx",
        ".js",
        ".jsx",
        ".mjs",
        ".cjs",
        ".mts",
        ".cts",
        ".tf",
        ".tfstate",
        ".hcl",
        ".yaml",
        ".yml",
        ".md",
        ".markdown",
        ".bak",
        ".txt",
    ]
)


def _files(folder: Path, root: Path | None) -> list[Path]:
    """The files of a folder that may be sources, sorted; links are not followed."""
    found: list[Path] = []
    specs = root.resolve() / FOLDER if root is not None else None
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        paths = [Path(here, name) for name in sorted(names)]
        found += [
            path
            for path in paths
            if path.suffix.lower() in _SOURCES
            and path.is_file()
            and not path.is_symlink()
            and not _own(path, specs)
        ]
        if len(found) > MOST_FILES:
            break
    return found


def _own(path: Path, specs: Path | None) -> bool:
    """Whether a file is part of the workspace that is written: what was found once is no source."""
    if specs is None:
        return False
    if path.name.endswith((".lock.json", ".plan.json")):
        return True
    place = path.resolve()
    if not place.is_relative_to(specs):
        return place == specs.parent / SETTINGS_FILE
    inner = place.relative_to(specs).parts
    return place.suffix.lower() in SUFFIXES or inner[0] in ("prompts", "schemas")


def _written_out(path: Path, reading: Reading) -> Findings | None:
    """`asst_…/instructions.txt`: a folder named by an id, with the text in a file of its own."""
    id, name = path.parent.name, named(path, reading.root)
    if not id.startswith(("asst_", "pmpt_")):
        return None
    if path.suffix == ".json":
        return _with_texts(_settings(path, id, reading), path.parent, reading)
    if path.name not in _TEXTS:
        return None
    beside = [_settings(one, id, reading) for one in path.parent.glob("*.json")]
    if any(_assistants(read) for read in beside) or _texts(path.parent)[0] != path:
        return Findings()  # said together with the settings beside it, or with the first text
    alone = read_value_of({"id": id, "instructions": _text(path)}, name)
    return _with_texts(alone, path.parent, reading)


def _settings(path: Path, id: str, reading: Reading) -> Findings:
    """Settings in a folder named by an id, which they need not repeat."""
    read = _file(path, reading)
    if _assistants(read) or len(list(path.parent.glob("*.json"))) > 1:
        return read
    try:
        value = jsontext.read(path.read_bytes(), unique=True)
    except (OSError, Unreadable):
        return read
    whole = isinstance(value, dict) and not read.found
    return read_value_of({"id": id, **value}, named(path, reading.root)) if whole else read


def _assistants(read: Findings) -> list[Found]:
    return [one for one in read.found if one.kind == "assistant"]


def _texts(folder: Path) -> list[Path]:
    return [folder / name for name in _TEXTS if (folder / name).is_file()]


def _with_texts(read: Findings, folder: Path, reading: Reading) -> Findings:
    """Settings whose instructions lie in a file beside them; what another text there says is
    reported.
    """
    several = _assistants(read)
    for one in several:
        fields, losses = dict(one.fields), Losses(one.origin)
        for path in _texts(folder):
            text = _text(path)
            if text and not fields.get("instructions"):
                fields["instructions"] = text
            elif text.strip() != str(fields.get("instructions") or "").strip():
                why = "says something else than the instructions that were taken"
                losses.say((named(path, reading.root),), why, "compare them")
        id = one.id or (folder.name if len(several) == 1 else None)
        if id not in (None, folder.name):
            why = f"is not the id of what is in it (`{id}`), which was taken"
            losses.say((named(folder, reading.root),), why)
        more = replace(one, fields=fields, id=id, losses=(*one.losses, *losses.all))
        read.found[read.found.index(one)] = more
    return read


def _text(path: Path) -> str:
    """The text of a small file; what is not UTF-8 in it is marked."""
    with path.open("rb") as file:
        return file.read(LARGEST).decode("utf-8-sig", "replace")


def _distinct(found: list[Found]) -> list[Found]:
    """Without what was found before: the same thing in two files, or compiled from another one."""
    alike: dict[str, str] = {}
    kept: dict[str, Found] = {}
    for one in sorted(found, key=lambda one: one.kind == "assistant"):
        one = replace(one, fields=_renamed(one.fields, alike))
        id = None if one.id is None or one.id.startswith("made:") else one.id
        key = canonical([one.kind, one.name, id, one.fields])
        first = kept.get(key)
        if first is None:
            kept[key] = one
            continue
        if one.id and first.id:
            alike[one.id] = first.id
        fewer, more = sorted([first, one], key=lambda each: len(each.losses))
        losses = fewer.losses
        if one.origin.column is None:  # a document; of code, one was only read better
            named_there = {lost.what for lost in losses}
            losses += tuple(lost for lost in more.losses if lost.what not in named_there)
        kept[key] = replace(fewer, origin=first.origin, id=first.id, losses=losses)
    return list(kept.values())


def _renamed(value: Any, ids: Mapping[str, str]) -> Any:
    """The same with other ids where something is referred to by one of these."""
    if isinstance(value, dict):
        if value.keys() == {"id"} and isinstance(value["id"], str):
            return {"id": ids.get(value["id"], value["id"])}
        return {key: _renamed(inner, ids) for key, inner in value.items()}
    return [_renamed(inner, ids) for inner in value] if isinstance(value, list) else value
