"""Secrets in a plan and in an apply: compared by fingerprints where that can be, read before the
first write, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from provisioner.apply.recorded import own_paths
from provisioner.engine.context import Context
from provisioner.errors import PlanError
from provisioner.kinds import kind
from provisioner.kinds.base import Reference
from provisioner.masking import KEY_VARIABLE
from provisioner.model import Address, Change, Desired, LockState, Plan, Problem
from provisioner.plan import Situation
from provisioner.plan.decide import rotated_elsewhere, unverified
from provisioner.text import listed
from provisioner.workspace.secrets import (
    KEY_FILE,
    FingerprintKey,
    Secret,
    SecretRefused,
    find_key,
    new_key,
    read_secret,
    spelt,
)

Secrets = Mapping[Address, Mapping[str, Secret]]

_NEW_KEY = (
    f"A key was made, `{KEY_FILE}`: with it a plan sees that a secret has changed. It is not for"
    f" version control. Colleagues and CI need the same one: give them what the file holds as"
    f" `{KEY_VARIABLE}`, as a secret of the CI."
)
_NO_KEY = (
    "Secrets were sent, and nothing is kept of them: without a key no plan sees that one has"
    f" changed. Apply once on a terminal, which makes one, or set `{KEY_VARIABLE}` to 32 random"
    " characters or more."
)
_OTHER_KEY = (
    "Secrets were sent, and nothing is kept of them: the key that the lock's fingerprints were made"
    f" with is not here. Set `{KEY_VARIABLE}` to it."
)


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


def notes_on_secrets(case: Situation, plan: Plan) -> Iterator[str]:
    """The one thing to say of secrets that cannot be compared here and are not sent anyway, and
    which ones somebody else may have changed.
    """
    unknown = [one for one in unverified(case) if str(one[0]) not in plan.made]
    found = [f"`{address}#{path}`" for address, path in unknown]
    if found:
        yield (
            f"Nobody can say here whether {listed(found, 5)} is still what was sent: the value or"
            f" the key of fingerprints (`{KEY_VARIABLE}`) is missing, or a command would have to"
            " run. `--rotate ADDR` sends it again."
        )
    secretive = (one for one, want in case.desired.items() if kind(one.kind).secrets(want.fields))
    for address in sorted(secretive):
        entry, live = case.locked(address), case.live(address)
        if entry and live and rotated_elsewhere(entry, live):
            yield (
                f"`{address}` has been written by somebody else since the last apply: its secret"
                f" may be another one now. `--rotate {address}` sends yours again."
            )


def read_all(
    plan: Plan, state: LockState, context: Context, *, may_make_key: bool
) -> tuple[Secrets, tuple[str, ...]]:
    """Every secret that a plan will send, read before anything is written, and what there is to say
    of the key; PlanError naming each one that cannot be had. `may_make_key`: where there was never
    one, because somebody sits there who can keep it.
    """
    problems: list[Problem] = []
    values: dict[Address, dict[str, str]] = {}
    reader = _Reader(context)
    for change in plan.changes:
        for path, reference in _sent(change):
            try:
                value = reader.read(reference)
                if why := kind(change.address.kind).unfit(path, value):
                    raise SecretRefused(f"{spelt(reference)} {why}")
                values.setdefault(change.address, {})[path] = value
            except SecretRefused as refused:
                problems.append(_missing(change, path, refused))
    if not (values or problems):
        return {}, ()
    key, note = _key(state, context.root, problems, may_make_key)
    if problems:
        raise PlanError(problems)
    secrets: dict[Address, dict[str, Secret]] = {}
    for address, one in values.items():
        marked = {path: key.of(path, value) if key else None for path, value in one.items()}
        secrets[address] = {path: Secret(value, marked[path]) for path, value in one.items()}
    return secrets, note


class _Reader:
    """Reads each secret once: a command may ask somebody, or need all the time that it has."""

    def __init__(self, context: Context) -> None:
        self._root = context.root
        self._keys = {one.api_key_env for one in context.workspace.environments.values()}
        self._found: dict[str, str | SecretRefused] = {}

    def read(self, reference: Reference) -> str:
        """The value, or the SecretRefused that there was before."""
        name = str(reference)
        if name not in self._found:
            try:
                self._found[name] = self._value(reference)
            except SecretRefused as refused:
                self._found[name] = refused
        found = self._found[name]
        if isinstance(found, SecretRefused):
            raise found
        return found

    def _value(self, reference: Reference) -> str:
        if reference.get("env") in self._keys:  # a saved plan may say anything
            raise SecretRefused(f"{spelt(reference)} holds the key of a service")
        return read_secret(reference, self._root)


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
    state: LockState, root: Path, problems: list[Problem], may_make_key: bool
) -> tuple[FingerprintKey | None, tuple[str, ...]]:
    try:
        key = find_key(root)
    except SecretRefused as refused:
        hint = f"mend `{KEY_VARIABLE}`, or the file `{KEY_FILE}`"
        problems.append(Problem("Key not usable", f"{refused}. Nothing was written.", hint))
        return None, ()
    marked = any(entry.fingerprints for entry in state.resources.values())
    if key is not None or problems:
        return key, ()
    if may_make_key and not marked:
        return new_key(root), (_NEW_KEY,)
    return None, (_OTHER_KEY if marked else _NO_KEY,)
