"""With whom a conversation can be held, and which documents are ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager

from provisioner.conversation import Partner
from provisioner.engine.context import Context
from provisioner.engine.questions import state
from provisioner.errors import ProvisionerError, UsageError
from provisioner.kinds import is_file, kind
from provisioner.kinds.base import Names
from provisioner.model import Address, Locked, Problem
from provisioner.remote import Remote
from provisioner.text import quoted, suggest

_APPLY = "run `provisioner apply`"


def partner(context: Context, word: str | None) -> Partner:
    """The applied assistant that a word names: its address, or its name alone. Without a word, the
    only one there is. UsageError where that is none.
    """
    lock = state(context)
    entries = lock.resources if lock else {}
    # Only what comes through an API of its own can be talked to.
    talking = {
        address: entry
        for address, entry in entries.items()
        if entry.api is not None and (entry.id or entry.profile)
    }
    nobody = Problem(
        "Nothing applied", "No assistant has been applied in this environment.", _APPLY
    )
    address = _only(talking, nobody) if word is None else _named(context, word, talking, entries)
    return partner_of(talking[address], entries)


def partner_of(entry: Locked, entries: Mapping[Address, Locked]) -> Partner:
    """Whom to talk to, of what was applied; `entries` has what it depends on."""
    if entry.profile:
        request = entry.profile.request
    else:
        ids = {one: entries[one].id for one in entry.depends_on if one in entries}
        names = Names({one: id for one, id in ids.items() if id})
        try:
            request = kind(entry.address.kind).form(entry.api).opening(entry.fields, names)
        except KeyError as missing:
            detail = f"`{entry.address}` works with `{missing.args[0]}`, which is not in the lock."
            raise UsageError(Problem("Not applied", detail, _APPLY)) from None
    return Partner(str(entry.address), str(entry.api), id=entry.id, request=request)


def document_ids(entry: Locked) -> Iterator[tuple[str, str]]:
    """The path and the id of every document of an entry: as a file, and as a member of a store."""
    if is_file(entry.address) and entry.id:
        yield entry.address.name, entry.id
    for path, file in entry.files.items():
        if file.get("id"):
            yield path, str(file["id"])


def declared_partner(context: Context, word: str | None) -> Address:
    """The same, of the specs."""
    desired = context.specs.desired
    talking = [address for address, want in desired.items() if want.api is not None]
    nobody = Problem("No assistant", "The specs have no assistant.", "declare one in a spec")
    return _only(talking, nobody) if word is None else _named(context, word, talking, desired)


@asynccontextmanager
async def meet(context: Context, partner: Partner) -> AsyncIterator[tuple[Remote, Partner]]:
    """The service, and whom to talk to there."""
    async with context.remote() as remote:
        yield remote, partner


def documents(context: Context) -> dict[str, str]:
    """The path of every document that was applied, by the ids that it has as a file and in
    stores.
    """
    lock = state(context)
    paths: dict[str, str] = {}
    for address, entry in lock.resources.items() if lock else ():
        if is_file(address):
            paths.update(dict.fromkeys(entry.deposed, address.name))
        paths.update((id, path) for path, id in document_ids(entry))
    return paths


def _only(talking: Collection[Address], nobody: Problem) -> Address:
    if len(talking) == 1:
        return next(iter(talking))
    if not talking:
        raise UsageError(nobody)
    choices = quoted(sorted(talking), "and")
    detail = f"There are several assistants: {choices}."
    raise UsageError(Problem("Assistant not named", detail, "name the one that is meant"))


def _named(
    context: Context,
    word: str,
    talking: Collection[Address],
    entries: Collection[Address],
) -> Address:
    by_word = {address.name: address for address in talking}
    by_word |= {str(address): address for address in talking}
    if word in by_word:
        return by_word[word]
    if word in {str(address) for address in entries}:
        detail = f"`{word}` is not an assistant: nobody can talk to it."
        hint = suggest(word, map(str, talking), "these are")
        raise UsageError(Problem("Not an assistant", detail, hint))
    try:
        declared = {str(address) for address, want in context.specs.desired.items() if want.api}
    except ProvisionerError:  # what was applied can be talked to all the same
        declared = set()
    known = declared | {name.partition(".")[2] for name in declared}
    if word in known:
        detail = f"`{word}` is in the specs and has not been applied yet."
        raise UsageError(Problem("Not applied", detail, _APPLY))
    detail = f"There is no assistant `{word}`."
    hint = suggest(word, {*known, *map(str, talking)}, "there are")
    raise UsageError(Problem("Unknown address", detail, hint))
