"""The lockfile as text: `LockState` to JSON and back, and everything that can be wrong with one."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from provisioner import jsontext
from provisioner.errors import LockError
from provisioner.lock.entry import (
    WrongShape,
    approved_from_json,
    approved_to_json,
    entry_from_json,
    entry_to_json,
)
from provisioner.model import Address, Locked, LockState, Problem, is_id
from provisioner.records import dataclass

_VERSION = 2
READABLE = (1, _VERSION)
"""Version 1, of release 0.1.0, is read; the next apply that changes something writes the
lock anew."""

_RESTORE = (
    "restore the file from version control (`git checkout -- {file}`), then run `provisioner plan`"
)
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?: .*)?$", re.M)
_HEAD: dict[str, tuple[type, str]] = {
    "lineage": (str, "a string"),
    "serial": (int, "a whole number"),
    "workspace": (str, "a string"),
    "environment": (str, "a string"),
    "origin": (dict, "a mapping"),
    "resources": (dict, "a mapping"),
}
_OPTIONAL: dict[str, tuple[type, str]] = {
    "written": (str, "a string"),
    "applied": (dict, "a mapping"),
    "deleted": (list, "a list"),
}
_MOST_SERIAL = 10**15
_KNOWN = {"version", *_HEAD, *_OPTIONAL}


def fresh(workspace: str, environment: str, origin: Mapping[str, str | None]) -> LockState:
    """The state before the first apply: a new lineage, serial 0, nothing in it."""
    return LockState(
        workspace, environment, lineage=str(uuid.uuid4()), serial=0, origin=dict(origin)
    )


def dump(state: LockState) -> str:
    """The text of a lockfile; the same state always gives the same bytes."""
    document = {
        **state.unknown,
        **({"written": state.written} if state.written else {}),
        **({"applied": approved_to_json(state.approved)} if state.approved else {}),
        **({"deleted": list(state.deleted)} if state.deleted else {}),
        "version": _VERSION,
        "lineage": state.lineage,
        "serial": state.serial,
        "workspace": state.workspace,
        "environment": state.environment,
        "origin": state.origin,
        "resources": {
            str(address): entry_to_json(entry) for address, entry in state.resources.items()
        },
    }
    return jsontext.indented(document, sort=True) + "\n"


def parse(text: str, file: str) -> LockState:
    """Read a lockfile, which problems call `file`. Raises LockError with every problem in it."""
    try:
        raw = jsontext.read(text, deepest=jsontext.DEEPEST_OURS, unique=True)
    except jsontext.Unreadable as error:
        raise LockError(_unreadable(text, file, error)) from None
    if not isinstance(raw, dict):
        detail, hint = f"`{file}` is not a mapping.", _RESTORE.format(file=file)
        raise LockError(Problem("Broken lockfile", detail, hint, file=file, line=1, column=1))
    problems = list(_head_problems(raw, text, file))
    if problems:
        raise LockError(problems)
    return LockState(
        workspace=raw["workspace"],
        environment=raw["environment"],
        lineage=raw["lineage"],
        serial=raw["serial"],
        origin=raw["origin"],
        resources=_resources(raw["resources"], text, file),
        written=raw.get("written"),
        approved=approved_from_json(raw["applied"]) if "applied" in raw else None,
        deleted=tuple(raw.get("deleted", ())),
        unknown={key: value for key, value in raw.items() if key not in _KNOWN},
    )


def check_origin(
    state: LockState,
    workspace: str,
    *,
    environment: str,
    origin: Mapping[str, str | None],
    file: str | None = None,
) -> None:
    """Refuse the lock of another workspace, environment or service.

    An organization or project that either side leaves open is not a difference: it is pinned by the
    first apply and may be left out of `provisioner.yaml`.
    """
    findings = [
        *_foreign_names(state, workspace, environment),
        *_foreign_origin(state.origin, origin),
    ]
    if findings:
        raise LockError(
            [Problem(summary, detail, hint, file=file) for summary, detail, hint in findings]
        )


def _unreadable(text: str, file: str, error: jsontext.Unreadable) -> Problem:
    marker = _CONFLICT.search(text)
    if marker:
        return Problem(
            "Merge conflict",
            f"`{file}` has a conflict marker; two branches were applied, and only one side is what"
            " the service has.",
            f"take one side whole (`git checkout --theirs {file}`, or `--ours`), as a rule the one"
            " with the higher `serial`; then run `provisioner plan`, which compares it with the"
            " service",
            file=file,
            line=text.count("\n", 0, marker.start()) + 1,
            column=1,
        )
    if error.key is not None:
        line, column = _locate(text, error.key, last=True)
        detail = (
            f"`{error.key}` is in the same mapping of `{file}` twice; a merge may have kept both"
            " sides."
        )
        hint = "remove the one that does not agree with the service, then run `provisioner plan`"
        return Problem("Duplicate key", detail, hint, file=file, line=line, column=column)
    hint = _RESTORE.format(file=file)
    return Problem(
        "Broken lockfile",
        f"`{file}` {error}.",
        hint,
        file=file,
        line=error.line,
        column=error.column,
    )


def _head_problems(raw: dict[str, Any], text: str, file: str) -> Iterator[Problem]:
    version = raw.get("version")
    line, column = _locate(text, "version")
    if isinstance(version, int) and version > _VERSION:
        detail = f"`{file}` has version {version}; this release reads versions up to {_VERSION}."
        hint = "install the release that wrote it: `pip install --upgrade assistants-provisioner`"
        yield Problem("Newer lockfile", detail, hint, file=file, line=line, column=column)
        return
    if type(version) is not int or version not in READABLE:
        detail = f"`{file}` must have `version: {_VERSION}`, and has {json.dumps(version)}."
        yield Problem(
            "Broken lockfile",
            detail,
            _RESTORE.format(file=file),
            file=file,
            line=line,
            column=column,
        )
        return
    present = {key: shape for key, shape in _OPTIONAL.items() if key in raw}
    for key, (kind, what) in {**_HEAD, **present}.items():
        if type(raw.get(key)) is not kind:
            yield _head_problem(f"`{key}` must be {what}", key, text, file)
    if type(raw.get("serial")) is int and not 0 <= raw["serial"] < _MOST_SERIAL:
        yield _head_problem("`serial` must be a count of applies", "serial", text, file)
    for key, why in _odd_values(raw):
        yield _head_problem(why, key, text, file)


def _odd_values(raw: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong inside a head whose values have the right types, by key."""
    origin, applied = raw.get("origin"), raw.get("applied")
    if isinstance(origin, dict) and not all(
        value is None or isinstance(value, str) for value in origin.values()
    ):
        yield "origin", "`origin` must hold strings or null"
    deleted = raw.get("deleted")
    if isinstance(deleted, list) and not all(map(is_id, deleted)):
        yield "deleted", "`deleted` must hold ids"
    if isinstance(applied, dict):
        try:
            approved_from_json(applied)
        except WrongShape as wrong:
            yield "applied", f"{wrong} in `applied`"


def _head_problem(why: str, key: str, text: str, file: str) -> Problem:
    line, column = _locate(text, key)
    hint = _RESTORE.format(file=file)
    return Problem(
        "Broken lockfile", f"{why} in `{file}`.", hint, file=file, line=line, column=column
    )


def _resources(raw: dict[str, Any], text: str, file: str) -> dict[Address, Locked]:
    entries: dict[Address, Locked] = {}
    problems: list[Problem] = []
    for name, value in raw.items():
        try:
            address = Address.parse(name)
            entries[address] = entry_from_json(address, value)
        except WrongShape as wrong:
            problems.append(_entry_problem(name, str(wrong), key=wrong.key, text=text, file=file))
        except ValueError as error:
            problems.append(_entry_problem(name, str(error), key=None, text=text, file=file))
    problems += [_shared_problem(shared, text, file) for shared in shared_ids(entries)]
    if problems:
        raise LockError(problems)
    return entries


@dataclass(frozen=True, slots=True)
class SharedId:
    """An object that two entries of a lock name: what deletes the one would delete the other."""

    id: str
    first: Address
    second: Address
    deposed: bool  # one of them as an old object

    def __str__(self) -> str:
        how = ", by one of them as an old object that may be deleted" if self.deposed else ""
        return f"`{self.id}` is named by both `{self.first}` and `{self.second}`{how}"


def shared_ids(resources: Mapping[Address, Locked]) -> Iterator[SharedId]:
    """Every object that is the one of an address and is named once more."""
    owners: dict[str, Address] = {}
    for address, entry in resources.items():
        if entry.id is not None:
            first = owners.setdefault(entry.id, address)
            if first is not address:
                yield SharedId(entry.id, first, address, deposed=False)
    for address, entry in resources.items():
        for id in entry.deposed:
            if id in owners:
                yield SharedId(id, owners[id], address, deposed=True)


def _shared_problem(shared: SharedId, text: str, file: str) -> Problem:
    line, column = _locate(text, str(shared.second))
    hint = (
        "take it out of the entry that does not agree with the service, or"
        f" {_RESTORE.format(file=file)}"
    )
    address = str(shared.second)
    return Problem(
        "Id in use",
        f"{shared} in `{file}`.",
        hint,
        file=file,
        line=line,
        column=column,
        address=address,
    )


def _entry_problem(name: str, why: str, *, key: str | None, text: str, file: str) -> Problem:
    line, column = _locate(text, name, *([key] if key else []))
    hint = _RESTORE.format(file=file)
    return Problem(
        "Broken lock entry", f"{why}.", hint, file=file, line=line, column=column, address=name
    )


def _locate(text: str, *keys: str, last: bool = False) -> tuple[int | None, int | None]:
    """Where the chain of keys is written, as line and column; of the first key alone, if the rest
    is not found.
    """
    offset: int | None = None
    for key in keys:
        spellings = "|".join(
            {re.escape(json.dumps(key)), re.escape(json.dumps(key, ensure_ascii=False))}
        )
        matches = list(re.compile(rf"(?:{spellings})\s*:").finditer(text, offset or 0))
        if not matches:
            break
        offset = matches[-1 if last else 0].start()
    if offset is None:
        return None, None
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _foreign_names(
    state: LockState, workspace: str, environment: str
) -> Iterator[tuple[str, str, str]]:
    if state.workspace != workspace:
        yield (
            "Foreign lock",
            (
                f"The lock belongs to the workspace `{state.workspace}`, and this one is"
                f" `{workspace}`."
            ),
            (
                f"write `workspace: {state.workspace}` into `provisioner.yaml` if it is the same"
                " one; otherwise give this workspace a lock of its own (`lock:` of the"
                " environment)"
            ),
        )
    if state.environment != environment:
        yield (
            "Foreign lock",
            (
                f"The lock belongs to the environment `{state.environment}`, and this one is"
                f" `{environment}`."
            ),
            (
                f"give `{environment}` a lock of its own (`lock:` in `provisioner.yaml`), or use"
                f" `-e {state.environment}`"
            ),
        )


def _foreign_origin(
    locked: Mapping[str, str | None], origin: Mapping[str, str | None]
) -> Iterator[tuple[str, str, str]]:
    ours, theirs = locked.get("base_url"), origin.get("base_url")
    if ours and theirs and ours.rstrip("/") != theirs.rstrip("/"):
        yield (
            "Foreign origin",
            (
                f"The lock was written for the service `{ours}`, and this environment is at"
                f" `{theirs}`; the ids in it mean nothing there."
            ),
            f"set `service: {ours}` again, or declare a new environment with a lock of its own",
        )
    for key, setting in (("organization", "organization"), ("project", "openai_project")):
        ours, theirs = locked.get(key), origin.get(key)
        if ours and theirs and ours != theirs:
            yield (
                "Foreign origin",
                (
                    f"The lock was written for the {key} `{ours}`, and this environment reaches"
                    f" `{theirs}`."
                ),
                (
                    f"use a key of `{ours}` (`{setting}: {ours}`), or declare a new environment"
                    " with a lock of its own"
                ),
            )
