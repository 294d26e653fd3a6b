"""What becomes of one field: what the specs say, what was applied last, what the service has → what is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from provisioner.digests import sha256_of
from provisioner.model import SYMBOLS, FieldChange, Overwritten
from provisioner.plan import make_plan
from tests.plan.spelling import BASE, situation
from tests.plan.spelling import stamp as our_stamp
from tests.support.tables import table

OTHERS: dict[str, Any] = dict.fromkeys(BASE)
REQUIRED: dict[str, dict[str, Any]] = {
    "assistant": {"model": "gpt-4o"},
    "vector_store": {},
    "file": {"sha256": "a", "bytes": 10, "purpose": "assistants"},
}
TOOLS = {"search": "file_search", "code": "code_interpreter"}


def written(
    field: str,
    specs: str,
    lock: str,
    service: str,
    *,
    wanted: Mapping[str, Any] | None = None,
    locked: Mapping[str, Any] | None = None,
    shown: Mapping[str, Any] | None = None,
) -> str:
    """What is written over what, and whose edit that undoes. Cells are YAML, and `-` is a field that is not there;
    the rest is what a side says besides."""
    kind, path = field.split(" ")
    address = f"{kind}.x"
    sides = (
        {**OTHERS, address: {**REQUIRED[kind], **_declared(path, specs), **(wanted or {})}},
        {**OTHERS, address: {**REQUIRED[kind], **_declared(path, lock), **(locked or {})}},
        {address: {**_shown(path, service), **(shown or {})}},
    )
    plan = make_plan(situation(*sides))
    (change,) = plan.changes
    lines = [_line(one) for one in change.fields]
    if any("does not keep" in note for note in plan.notes):
        lines.append("not kept")
    return " ".join([SYMBOLS[change.action], ", ".join(lines)]).strip() or "-"


def _declared(path: str, cell: str) -> dict[str, Any]:
    """The fields that specs or lock have."""
    if cell == "-":
        return {}
    name, _, key = path.partition(".")
    value = yaml.safe_load(cell)
    if name == "tools":
        value = [{"type": TOOLS[word]} for word in value]
    if name == "chunking" and "/" in cell:
        whole, overlap = map(int, cell.split("/"))
        value = {"max_chunk_size_tokens": whole, "chunk_overlap_tokens": overlap}
    return {name: {key: value} if key else value}


def _shown(path: str, cell: str) -> dict[str, Any]:
    """The fields that the service has, instead of those that were applied last."""
    name, _, key = path.partition(".")
    nothing: dict[str, Any] = {name: {} if key else ...}
    return nothing | _declared(path, cell)


def _line(one: FieldChange) -> str:
    drift = f", {one.drift}" if one.drift else ""
    return f"{_cell(one.before)} → {_cell(one.after)}{drift}"


def _cell(value: Any) -> str:
    if isinstance(value, list):
        words = {type: word for word, type in TOOLS.items()}
        return f"[{', '.join(words[tool['type']] for tool in value)}]"
    if isinstance(value, dict) and "max_chunk_size_tokens" in value:
        return f"{value['max_chunk_size_tokens']}/{value['chunk_overlap_tokens']}"
    return value if isinstance(value, str) and value else json.dumps(value)


@table("""
    field                 | specs | lock | service | planned
    assistant temperature | 0.2   | 0.2  | 0.2     | -
    assistant temperature | 1     | 1.0  | 1       | -
    assistant temperature | 0.1   | 0.2  | 0.2     | ~ 0.2 → 0.1
    assistant temperature | 0.2   | 0.2  | 0.5     | ~ 0.5 → 0.2, remote
    assistant temperature | 0.1   | 0.2  | 0.5     | ~ 0.5 → 0.1, both
    assistant temperature | 0.5   | 0.2  | 0.5     | -
    assistant temperature | 0.2   | 0.2  | -       | ~ 1.0 → 0.2, remote
    assistant description | ""    | -    | null    | -
    assistant description | a     | a    | A       | ~ A → a, remote
""")
def test_three_ways(field: str, specs: str, lock: str, service: str, planned: str) -> None:
    """An edit of one's own is written, somebody else's is undone; what is in sync already is let be."""
    assert written(field, specs, lock, service) == planned


@table("""
    field                 | specs | lock | service | planned
    assistant temperature | 0.2   | -    | -       | ~ 1.0 → 0.2
    assistant temperature | 0.2   | -    | 0.5     | ~ 0.5 → 0.2
    assistant temperature | 0.2   | -    | 0.2     | -
    assistant temperature | 1     | -    | -       | -
    assistant temperature | -     | -    | 0.5     | -
    assistant temperature | -     | 0.2  | 0.2     | ~ 0.2 → 1.0
    assistant temperature | -     | 0.2  | 1       | -
    assistant temperature | -     | 0.2  | 0.5     | ~ 0.5 → 1.0, both
    assistant temperature | -     | 1    | 0.5     | ~ 0.5 → 1.0, remote
    assistant temperature | null  | -    | -       | -
    assistant temperature | null  | -    | 0.5     | ~ 0.5 → 1.0
    assistant temperature | null  | null | 0.5     | ~ 0.5 → 1.0, remote
    assistant temperature | null  | 0.2  | 0.2     | ~ 0.2 → 1.0
    assistant temperature | 0.2   | null | 1       | ~ 1.0 → 0.2
    assistant temperature | -     | null | 1       | -
    assistant name        | -     | y    | y       | ~ y → x
    assistant name        | -     | -    | y       | -
""")
def test_absent_null_and_default(
    field: str, specs: str, lock: str, service: str, planned: str
) -> None:
    """Null declares the default; what is declared no more is reset to it; what nobody declares is nobody's."""
    assert written(field, specs, lock, service) == planned


@table("""
    field                     | specs          | lock           | service        | planned
    assistant tools           | [search]       | [search]       | [search]       | -
    assistant tools           | [code, search] | [search, code] | [search, code] | -
    assistant tools           | [search]       | [search]       | [code, search] | ~ [code, search] → [search], remote
    assistant tools           | [code, search] | [search]       | [search]       | ~ [search] → [code, search]
    assistant tools           | []             | [search]       | [search]       | ~ [search] → []
    assistant tools           | -              | [search]       | [search]       | ~ [search] → []
    assistant tools           | -              | -              | [search]       | -
    assistant response_format | auto           | auto           | text           | ~ text → auto, remote
""")
def test_whole_values(field: str, specs: str, lock: str, service: str, planned: str) -> None:
    """Tools and the response format are one value each, in whatever order."""
    assert written(field, specs, lock, service) == planned


@table("""
    field                      | specs | lock | service | planned
    assistant metadata.team    | hr    | hr   | hr      | -
    assistant metadata.team    | it    | hr   | hr      | ~ hr → it
    assistant metadata.team    | hr    | hr   | it      | ~ it → hr, remote
    assistant metadata.team    | hr    | hr   | -       | ~ null → hr, remote
    assistant metadata.team    | it    | hr   | ops     | ~ ops → it, both
    assistant metadata.team    | hr    | -    | -       | ~ null → hr
    assistant metadata.team    | -     | hr   | hr      | ~ hr → null
    assistant metadata.team    | -     | hr   | -       | -
    assistant metadata.team    | -     | -    | theirs  | -
    vector_store metadata.team | -     | -    | theirs  | -
    vector_store metadata.team | hr    | hr   | it      | ~ it → hr, remote
""")
def test_keys(field: str, specs: str, lock: str, service: str, planned: str) -> None:
    """Metadata are compared key by key, and a key that was never declared here is somebody else's."""
    assert written(field, specs, lock, service) == planned
    theirs = {"metadata": {**_shown("metadata.team", service)["metadata"], "gateway": "1"}}
    assert written(field, specs, lock, service, shown=theirs) == planned


@table("""
    field                    | specs     | lock      | service   | planned
    vector_store description | new       | old       | old       | -/+ old → new
    vector_store description | old       | old       | new       | -/+ new → old, remote
    vector_store description | new       | old       | new       | -
    vector_store description | -         | old       | old       | -/+ old → null
    vector_store description | -         | -         | new       | -
    vector_store name        | new       | old       | old       | ~ old → new
    file purpose             | vision    | vision    | vision    | -
    file purpose             | vision    | assistants | assistants | -/+ assistants → vision
""")
def test_fixed_fields(field: str, specs: str, lock: str, service: str, planned: str) -> None:
    """What cannot be changed in place is made anew."""
    assert written(field, specs, lock, service) == planned


@table("""
    field                    | specs   | lock    | service | planned
    vector_store chunking    | 200/50  | 200/50  | -       | -
    vector_store chunking    | 200/50  | 800/400 | -       | ~ 800/400 → 200/50
    vector_store chunking    | 800/400 | auto    | -       | -
    vector_store chunking    | auto    | -       | -       | -
    vector_store chunking    | -       | 200/50  | -       | ~ 200/50 → 800/400
    vector_store other_files | keep    | -       | -       | -
    vector_store other_files | fail    | remove  | -       | ~ remove → fail
    file sha256              | a       | a       | -       | -
    file sha256              | b       | a       | -       | -/+ a → b
""")
def test_write_only_fields(field: str, specs: str, lock: str, service: str, planned: str) -> None:
    """What the service never shows is compared with what was applied last."""
    assert written(field, specs, lock, service) == planned


@table("""
    ignored       | field                   | specs | lock | service | planned
    temperature   | assistant temperature   | 0.1   | 0.2  | 0.5     | -
    temperature   | assistant temperature   | -     | 0.2  | 0.2     | -
    name          | assistant temperature   | 0.1   | 0.2  | 0.5     | ~ 0.5 → 0.1, both
    metadata      | assistant metadata.team | it    | hr   | ops     | -
    metadata.team | assistant metadata.team | it    | hr   | ops     | -
    metadata.cost | assistant metadata.team | it    | hr   | ops     | ~ ops → it, both
""")
def test_ignored_and_lost_fields(
    ignored: str, field: str, specs: str, lock: str, service: str, planned: str
) -> None:
    """`ignore_changes` leaves a field to others, and what an API cannot carry is not missed."""
    ignoring, losing = {"ignore_changes": (ignored,)}, {"lost": (ignored,)}
    assert written(field, specs, lock, service, wanted=ignoring) == planned
    assert written(field, specs, lock, service, wanted=losing) == planned


@table("""
    specs | lock | service | planned
    -     | -    | 0.2     | ~ 0.2 → 1.0
    -     | -    | 1       | -
    0.5   | -    | 0.2     | ~ 0.2 → 0.5
    0.2   | -    | 0.2     | -
    0.2   | 0.2  | 0.5     | ~ 0.5 → 0.2
    0.1   | 0.2  | 0.5     | ~ 0.5 → 0.1
    0.2   | 0.2  | 0.2     | -
""")
def test_what_is_still_to_be_written(specs: str, lock: str, service: str, planned: str) -> None:
    """A reset that the service did not do, and what a stopped apply may have written, is nobody's
    edit.
    """
    unsure = {"resetting": ("temperature",)}
    assert written("assistant temperature", specs, lock, service, locked=unsure) == planned


@table("""
    specs | lock | service | planned
    0.2   | 0.2  | 0.7     | not kept
    0.2   | 0.2  | 0.8     | ~ 0.8 → 0.2, remote
    0.2   | 0.2  | 0.2     | -
    0.1   | 0.2  | 0.7     | ~ 0.7 → 0.1
    0.1   | 0.2  | 0.8     | ~ 0.8 → 0.1, both
    0.7   | 0.2  | 0.7     | -
""")
def test_what_the_service_did_not_keep(specs: str, lock: str, service: str, planned: str) -> None:
    """It was sent 0.2 and has made 0.7 of it, which is no change and no edit as long as both stay so."""
    unkept = {"unkept": {"temperature": {"sent": 0.2, "got": 0.7}}}
    assert written("assistant temperature", specs, lock, service, locked=unkept) == planned


@table("""
    stamp | specs | lock | service | planned
    2     | 0.2   | 0.2  | 0.9     | not kept
    3     | 0.2   | 0.2  | 0.9     | ~ 0.9 → 0.2, remote
    2     | 0.2   | 0.2  | 0.8     | ~ 0.8 → 0.2, remote
    2     | 0.1   | 0.2  | 0.9     | ~ 0.9 → 0.1
    3     | 0.1   | 0.2  | 0.9     | ~ 0.9 → 0.1, both
    2     | -     | 0.2  | 0.9     | ~ 0.9 → 1.0
""")
def test_whose_edit_it_is(stamp: str, specs: str, lock: str, service: str, planned: str) -> None:
    """Apply 3 wrote 0.2 over 0.9. Where that is back under the stamp of apply 2, the service did not keep the update;
    under that of apply 3 somebody has put it back."""
    before = {"overwritten": Overwritten(2, {"temperature": sha256_of(0.9)})}
    mark = {"stamp": our_stamp("assistant.x", serial=int(stamp))}
    found = written("assistant temperature", specs, lock, service, locked=before, shown=mark)
    assert found == planned
