"""Specs out of sources: exports, code and configurations. Nothing is asked of a service, nothing is
run, and what was written before by hand stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner import disk
from provisioner.diff import same
from provisioner.errors import SpecError
from provisioner.importing.conversations import take_conversations
from provisioner.importing.nouns import Findings
from provisioner.importing.sources import read_sources, without_keys
from provisioner.importing.writing import CHECKS, Drafted, write_specs
from provisioner.kinds import kinds
from provisioner.model import Address, Problem
from provisioner.text import listed
from provisioner.workspace import Workspace
from provisioner.yamltext.reading import value_of
from provisioner.yamltext.spelling import Unwritable


@dataclass(frozen=True, slots=True)
class FromSources:
    """What some sources describe, and the specs that it would be."""

    findings: Findings
    drafted: Drafted = field(default_factory=Drafted)
    changed: tuple[str, ...] = ()  # the files that are new or change


def draft_sources(root: Path, source: Path | bytes, into: str, answers: int = 0) -> FromSources:
    """The specs of what a file, a folder or some bytes describe, with the newest `answers`
    conversations of each assistant as checks. Nothing is written. The same input gives the same
    bytes, and once it was written there is nothing to write. SpecError where the file `into` says
    something else of the same names.
    """
    findings = read_sources(source, root)
    take_conversations(findings, answers)
    findings.found = [without_keys(one) for one in findings.found]  # people paste keys, too
    old = _document(root, into)
    here = {address for address, _ in _entries(old)}
    taken = Workspace.open(root).written - here
    try:
        drafted = write_specs(root, findings.found, into=into, taken=taken)
    except Unwritable as why:
        detail = f"Nothing can be added to `{into}`: {why}."
        hint = "name another file with `--into FILE`"
        raise SpecError(Problem("Cannot be added", detail, hint, file=into)) from None
    _check_kept(old, drafted, into)
    changed = [name for name, data in drafted.files.items() if _there(root, name) != data]
    return FromSources(findings, drafted, tuple(changed))


def _there(root: Path, name: str) -> bytes | None:
    try:
        return disk.read(root / name, disk.LARGEST_TEXT)
    except OSError:
        return None


def _document(root: Path, into: str) -> Mapping[str, Any]:
    value = value_of(_there(root, into) or b"")
    return value if isinstance(value, dict) else {}


def _entries(document: Mapping[str, Any]) -> Iterator[tuple[Address, Any]]:
    sections = {one.section: name for name, one in kinds().items()}
    for section, entries in document.items():
        if section in sections and isinstance(entries, dict):
            for name, said in entries.items():
                yield Address(sections[section], str(name)), said


def _check_kept(old: Mapping[str, Any], drafted: Drafted, into: str) -> None:
    """What the file says already is not written over; checks are added to those that it has."""
    value = value_of(drafted.files.get(into, b""))
    new = dict(_entries(value if isinstance(value, dict) else {}))
    other = [
        f"`{address}`"
        for address, said in _entries(old)
        if address in new and not same(_unchecked(said), _unchecked(new[address]))
    ]
    if other:
        detail = f"`{into}` says something else of {listed(other)} than the source does."
        hint = "take what is to be read again out of it, or write `--into specs/OTHER.yaml`"
        raise SpecError(Problem("Already there", detail, hint, file=into))


def _unchecked(said: Any) -> Any:
    return {key: said[key] for key in said if key != CHECKS} if isinstance(said, dict) else said
