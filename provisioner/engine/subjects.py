"""Which checks there are, and with what was applied each of them is held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from provisioner.engine.checking import Subject, digest
from provisioner.engine.context import Context
from provisioner.engine.partners import document_ids, partner_of
from provisioner.engine.questions import state
from provisioner.errors import UsageError
from provisioner.kinds import kind
from provisioner.model import Address, Check, Desired, Locked, LockState, Problem
from provisioner.text import did_you_mean, listed, suggest

Entries = Mapping[Address, Locked]
Wants = Mapping[Address, Desired]

_WITHOUT_FILES = ("agents",)  # the APIs where no file goes along with a message


class Chosen(NamedTuple):
    """Checks with whom they are held, what there is to say of them, and the lock that they are
    of.
    """

    subjects: list[Subject]
    notes: list[str]
    lock: LockState | None = None


def applied(context: Context, words: Sequence[str] = ()) -> Chosen:
    """The checks of the specs, or those that `words` name (`ADDR` or `ADDR#name`), with what the
    lock has. SpecError for faulty specs, UsageError for a word that names none.
    """
    desired = context.specs.desired
    chosen = chosen_checks(desired, words)
    lock = state(context)
    entries: Entries = lock.resources if lock else {}
    subjects: list[Subject] = []
    notes: list[str] = []
    for address, checks in sorted(chosen.items()):
        subjects += [_subject(context, desired[address], one, entries) for one in checks]
        edited = list(_edited(address, desired, entries)) if address in entries else []
        if edited:
            which = "" if edited == [address] else f" ({listed(f'`{one}`' for one in edited)})"
            notes.append(
                f"`{address}` was checked as it was applied: the specs have changed since{which}."
            )
    return Chosen(subjects, notes, lock)


def chosen_checks(desired: Wants, words: Sequence[str]) -> dict[Address, list[Check]]:
    """The checks of the specs, or those that `words` name. UsageError for a word that names
    none.
    """
    every = {address: list(want.checks) for address, want in desired.items() if want.checks}
    if not words:
        return every
    by_text = {str(address): address for address in every}
    found: dict[Address, dict[str, Check]] = {}
    for word in words:
        text, mark, name = word.partition("#")
        if text not in by_text:
            raise UsageError(_without_checks(text, desired, by_text))
        checks = {check.name: check for check in every[by_text[text]]}
        if mark and name not in checks:
            detail = f"`{text}` has no check `{name}`."
            raise UsageError(Problem("Unknown check", detail, suggest(name, checks, "it has")))
        some = {name: checks[name]} if mark else checks
        found.setdefault(by_text[text], {}).update(some)
    return {address: list(checks.values()) for address, checks in found.items()}


def _without_checks(text: str, desired: Wants, with_checks: Mapping[str, Address]) -> Problem:
    declared = {str(address) for address in desired}
    if text in declared:
        advice = "write them below its `checks:`, or name an assistant that has some"
        return Problem("No checks", f"`{text}` has no checks.", advice)
    hint = did_you_mean(text, with_checks) or did_you_mean(text, declared)
    return Problem("Unknown address", f"The specs have no `{text}`.", hint)


def _subject(context: Context, want: Desired, check: Check, entries: Entries) -> Subject:
    address, entry = want.address, entries.get(want.address)
    if entry is None or not (entry.id or entry.profile):
        detail = f"`{address}` was never applied in `{context.environment.name}`."
        problem = Problem("Not applied", detail, "run `provisioner apply` first")
        return Subject(address, check, problem=problem)
    return subject_of(entry, check, entries)


def subject_of(entry: Locked, check: Check, entries: Entries) -> Subject:
    """A check with what an entry says; `entries` has what it depends on."""
    address = entry.address
    if entry.api in _WITHOUT_FILES and any(turn.attach for turn in check.turns):
        detail = f"`{check.name}` of `{address}` attaches a file, which a conversation through the"
        detail += f" API `{entry.api}` does not take."
        hint = "mount it with an environment template that the `session` of the assistant names"
        return Subject(address, check, problem=Problem("Not attached", detail, hint))
    known = {**entries, address: entry}
    used = [known[one] for one in _closure(address, known) if one in known]
    return Subject(
        address,
        check,
        partner_of(entry, known),
        model=str(entry.fields.get("model") or ""),
        documents=_documents(used),
        basis=_basis(entry, used),
    )


def _closure(address: Address, entries: Mapping[Address, Locked] | Wants) -> list[Address]:
    """An address and all that it depends on, itself first."""
    found = [address]
    for one in found:
        entry = entries.get(one)
        found += [other for other in (entry.depends_on if entry else ()) if other not in found]
    return found


def _documents(used: Sequence[Locked]) -> dict[str, set[str]]:
    """The ids of every document, by its path."""
    ids: dict[str, set[str]] = {}
    for entry in used:
        for path, id in document_ids(entry):
            ids.setdefault(path, set()).add(id)
    return ids


def _basis(entry: Locked, used: Sequence[Locked]) -> str:
    """A digest of all that an answer depends on, as far as it is managed here."""
    normal = kind(entry.address.kind).form(entry.api).normal(entry.address, entry.fields)
    fields = {str(one.address): one.fields for one in used if one.address != entry.address}
    profile = entry.profile.digest if entry.profile else None
    return digest({"api": entry.api, "profile": profile, "normal": normal, "used": fields})


def _edited(address: Address, desired: Wants, entries: Entries) -> Iterator[Address]:
    """What of an assistant and its documents is not as it was applied."""
    for one in _closure(address, desired):
        want, entry = desired.get(one), entries.get(one)
        if want is None:
            continue
        if entry is None or want.api != entry.api:
            yield one
            continue
        form = kind(one.kind).form(want.api)
        # What the service has given is in the lock alone.
        given = {name: entry.fields[name] for name in form.given if name in entry.fields}
        if form.normal(one, {**want.fields, **given}) != form.normal(one, entry.fields):
            yield one
