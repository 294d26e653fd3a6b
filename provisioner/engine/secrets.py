"""Secrets in a plan and in an apply: compared by fingerprints where that can be, read before the
first write, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from provisioner.apply.recorded import own_paths
from provisioner.errors import PlanError
from provisioner.kinds import kind
from provisioner.kinds.base import Reference
from provisioner.model import Address, Change, Desired, LockState, Plan, Problem
from provisioner.plan import Situation
from provisioner.plan.decide import unverified
from provisioner.text import listed
from provisioner.workspace.secrets import (
    KEY_FILE,
    KEY_VARIABLE,
    FingerprintKey,
    Secret,
    SecretRefused,
    find_key,
    new_key,
    read_secret,
)

Secrets = Mapping[Address, Mapping[str, Secret]]


def fingerprinted(desired: Mapping[Address, Desired], root: Path) -> Mapping[Address, Desired]:
    """The same resources with the fingerprints of their secrets, as far as these can be had: a plan
    needs neither values nor the key, and runs no command.
    """
    secretive = {
        address: secrets
        for address, want in desired.items()
        if (secrets := kind(address.kind).secrets(want.fields))
    }
    if not secretive:
        return desired
    try:
        key = find_key(root)
    except SecretRefused:
        key = None
    if key is None:
        return desired
    marked = {
        address: replace(desired[address], fingerprints=dict(_marks(secrets, key, root)))
        for address, secrets in secretive.items()
    }
    return {**desired, **marked}


def _marks(
    secrets: Mapping[str, Reference], key: FingerprintKey, root: Path
) -> Iterator[tuple[str, str]]:
    for path, reference in secrets.items():
        if "command" in reference:
            continue
        try:
            yield path, key.of(path, read_secret(reference, root))
        except SecretRefused:
            continue


def unverified_note(case: Situation) -> Iterator[str]:
    """The one thing to say of secrets that cannot be compared here."""
    found = [f"`{address}#{path}`" for address, path in unverified(case)]
    if found:
        yield (
            f"Nobody can say here whether {listed(found, 5)} is still what was sent: the value or"
            f" the key of fingerprints (`{KEY_VARIABLE}`) is missing, or a command would have to"
            " run. `--rotate ADDR` sends it again."
        )


def read_all(plan: Plan, state: LockState, root: Path, *, may_ask: bool) -> Secrets:
    """Every secret that a plan will send, read before anything is written; PlanError naming each
    one that cannot be had. `may_ask`: on a terminal a key is made where there was never one.
    """
    problems: list[Problem] = []
    values: dict[Address, dict[str, str]] = {}
    for change in plan.changes:
        for path, reference in _sent(change):
            try:
                values.setdefault(change.address, {})[path] = read_secret(reference, root)
            except SecretRefused as refused:
                problems.append(_missing(change, path, refused))
    if not (values or problems):
        return {}
    key = _key(state, root, problems, may_ask)
    if problems:
        raise PlanError(problems)
    return {
        address: {
            path: Secret(value, key.of(path, value) if key else None) for path, value in one.items()
        }
        for address, one in values.items()
    }


def _sent(change: Change) -> Iterator[tuple[str, Reference]]:
    """The secrets that carrying out a change sends: all of what is made, else those that differ."""
    if change.after is None or not change.matters:
        return
    paths = own_paths(change)
    own = kind(change.address.kind)
    form = own.form(change.api)
    for path, reference in own.secrets(change.after).items():
        if change.action.makes or form.goes_along(path, paths):
            yield path, reference


def _missing(change: Change, path: str, refused: SecretRefused) -> Problem:
    detail = f"`{change.address}` needs `{path}`, and {refused}. Nothing was written."
    return Problem(
        "Secret missing",
        detail,
        "set it where the apply runs; a plan does without",
        address=str(change.address),
    )


def _key(
    state: LockState, root: Path, problems: list[Problem], may_ask: bool
) -> FingerprintKey | None:
    try:
        key = find_key(root)
    except SecretRefused as refused:
        problems.append(
            Problem("Key of fingerprints", f"{refused}.", f"mend it, or delete `{KEY_FILE}`")
        )
        return None
    marked = any(entry.fingerprints for entry in state.resources.values())
    if key is None and may_ask and not marked and not problems:
        return new_key(root)
    return key
