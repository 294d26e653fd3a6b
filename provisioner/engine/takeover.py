"""What an import takes over beside the object: the files of a store, and whether they are the
local files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from provisioner.digests import real_path
from provisioner.kinds import file_at, file_kind, holds_files, is_file
from provisioner.kinds.base import Names, UploadForm
from provisioner.kinds.vector_store.texts import same_text
from provisioner.model import Address, Fields, Live
from provisioner.plan import Situation
from provisioner.plan.pairing import ForeignStoreFile, pair
from provisioner.plan.situation import Taken, Taking
from provisioner.remote import Remote, together


async def take_over(
    remote: Remote, root: Path, case: Situation, files: Mapping[str, Live]
) -> Situation:
    """The situation with every imported store file paired and compared. `files`: those that are
    known, by id.
    """
    stores = sorted(
        address
        for address in case.imports
        if case.observed.live.get(address) and _files(case, address)
    )
    named = [live for address, live in case.observed.live.items() if is_file(address)]
    known = {
        **{live.id: live for live in named},
        **files,
        **await _unlisted(remote, case, stores, files),
    }
    takings: dict[Address, Taking] = {}
    live = dict(case.observed.live)
    other_versions: set[Address] = set()
    for store in stores:
        takings[store] = taking = await _taking(remote, root, case=case, store=store, known=known)
        for path, taken in taking.store_files.items():
            address = file_at(path)
            if address not in case.lock.resources and (
                address not in live or taken.id == live[address].id
            ):
                # A store file as the object of its file. Its bytes are ours unless its text
                # says otherwise.
                file = known[taken.id]
                bytes_are_ours = (
                    {} if taken.different else {"sha256": case.desired[address].fields["sha256"]}
                )
                live[address] = replace(file, fields={**file.fields, **bytes_are_ours})
                if taken.different:
                    other_versions.add(address)
    for address in case.imports:
        if not is_file(address) or address not in live or address in other_versions:
            continue
        if "sha256" not in live[address].fields:
            live[address] = _named(case, address, live[address])
    return replace(case, observed=replace(case.observed, live=live), takings=takings)


def _files(case: Situation, store: Address) -> Mapping[str, Fields]:
    """The local files that a store is to hold, with what is known of each."""
    want = case.desired.get(store)
    if want is None or not holds_files(store):
        return {}
    items = want.files.items()
    return {path: case.desired[file_at(path)].fields for path, item in items if "file" in item}


async def _unlisted(
    remote: Remote, case: Situation, stores: Iterable[Address], files: Mapping[str, Live]
) -> dict[str, Live]:
    """Documents that were uploaded for another purpose than ours; one list has them all."""
    held = {id for store in stores for id in case.held(store)}
    form = file_kind().form(None)
    if held <= files.keys() or not isinstance(form, UploadForm):
        return {}
    return {live.id: live for live in await form.list(remote, Names(), None) if live.id in held}


async def _taking(
    remote: Remote, root: Path, *, case: Situation, store: Address, known: Mapping[str, Live]
) -> Taking:
    """Pair the files of one store, and compare those whose text can be read at both ends."""
    store_files = case.held(store)
    wanted = _files(case, store)
    managed = {
        path: case.lock.ids[file_at(path)] for path in wanted if file_at(path) in case.lock.ids
    }
    wanted = {
        path: fields for path, fields in wanted.items() if managed.get(path) not in store_files
    }
    named = {
        address.name: id
        for address, id in case.imports.items()
        if is_file(address) and id in store_files
    }
    free = [
        _foreign_store_file(known[id])
        for id, store_file in store_files.items()
        if id in known and store_file.stamp is None and id not in case.lock.known_ids
    ]
    pairs = pair(store, wanted, free, named)
    holder = case.observed.live[store].id
    compared = await together(
        same_text(remote, holder, id, real_path(root, path)) for path, id in pairs.ids.items()
    )
    taken = {
        path: Taken(id, verified=same is True, different=same is False)
        for (path, id), same in zip(pairs.ids.items(), compared, strict=True)
    }
    names = {id: str(known[id].fields.get("filename")) for id in store_files if id in known}
    return Taking(taken, names, pairs.questions)


def _foreign_store_file(live: Live) -> ForeignStoreFile:
    return ForeignStoreFile(
        live.id,
        str(live.fields.get("filename")),
        int(live.fields.get("bytes") or 0),
        live.created_at,
    )


def _named(case: Situation, address: Address, file: Live) -> Live:
    """A file that the specs import by its id: of another size it is another version, otherwise
    nobody knows better.
    """
    want = case.desired.get(address)
    if want is None or file.fields.get("bytes") != want.fields["bytes"]:
        return file
    return replace(file, fields={**file.fields, "sha256": want.fields["sha256"]})
