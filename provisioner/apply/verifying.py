"""Uploads that were found again after a lost reply or a crash: until their text was compared, they
only look ours.
"""

from __future__ import annotations

from dataclasses import replace

from provisioner.apply.objects import upload_again
from provisioner.apply.run import Run
from provisioner.digests import real_path
from provisioner.kinds.vector_store import store_files as service
from provisioner.kinds.vector_store.texts import same_text
from provisioner.model import Address


async def verify_upload(run: Run, store_id: str, file: Address, id: str) -> str:
    """The id of a file that is as good as ours, given the one that a store has just indexed. Where
    that turns out to be somebody else's, it is taken out of the store and left alone, and the local
    file is uploaded instead.
    """
    async with run.turn(file):  # several stores may hold it, and one upload is enough
        entry = run.entries[file]
        if entry.id == id and not entry.verified:
            same = await same_text(run.remote, store_id, id, real_path(run.root, file.name))
            if same:
                number = await run.intent(file, "verify")
                await run.record(number, file, entry=replace(entry, verified=True))
            elif same is False:
                run.notes.append(
                    f"The file `{id}` looked like an upload of `{file.name}` whose reply was lost,"
                    " but holds another text: it is somebody else's and was left alone."
                )
                await upload_again(run, file)
    current = run.entries[file].id or ""
    if current != id:
        await service.detach(run.remote, store_id, id)
    return current
