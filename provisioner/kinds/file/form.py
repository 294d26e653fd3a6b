"""How files exist at the service: uploaded once, never changed, found again by name and size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from provisioner import shapes
from provisioner.kinds.base import PURPOSE, Names, UploadForm, Write
from provisioner.kinds.file.fields import FIELDS
from provisioner.kinds.wire import Raw, check_reply, number, route
from provisioner.model import Address, Live

if TYPE_CHECKING:
    from provisioner.remote import Remote

_SHAPES = {
    "bytes": shapes.number,
    "purpose": shapes.text,
    "filename": shapes.text,
    "status": shapes.text,
}


def base_name(address: Address) -> str:
    """The name under which a file is uploaded."""
    return PurePosixPath(address.name).name


class FileForm(UploadForm):
    """The same through every API."""

    table = FIELDS

    def begin(self, remote: Remote) -> None:
        remote.begin("/files", purpose=PURPOSE)

    async def list(
        self, remote: Remote, names: Names, purpose: str | None = PURPOSE
    ) -> Sequence[Live]:
        """Files of one purpose, or, for None, of all of them; a file of another is read by
        its id.
        """
        only = {"purpose": purpose} if purpose else {}
        return [live(raw) for raw in await remote.list("/files", **only)]

    async def read(self, remote: Remote, id: str, names: Names) -> Live | None:
        raw = await remote.find(route("/files", id))
        return None if raw is None else live(raw)

    async def create(self, remote: Remote, write: Write) -> Live:
        fields = self.normal(write.address, write.fields)
        raw = await remote.upload(
            write.content, base_name(write.address), fields["purpose"], fields["expires_after"]
        )
        return live(raw)

    async def update(self, remote: Remote, write: Write) -> Live:
        raise AssertionError("every field of a file is fixed: a change is a new upload")

    async def delete(self, remote: Remote, id: str) -> None:
        await remote.delete(route("/files", id))


def live(raw: Raw) -> Live:
    """A file as the service shows it, with its `filename`, which a lost upload is looked for by."""
    check_reply("/files", raw, _SHAPES)
    fields: dict[str, Any] = {
        name: raw[name] for name in ("bytes", "purpose", "filename") if name in raw
    }
    if raw.get("expires_at"):
        seconds = number(raw, "expires_at") - number(raw, "created_at")
        fields["expires_after"] = {"anchor": "created_at", "seconds": seconds}
    return Live(
        str(raw["id"]), fields, status=raw.get("status"), created_at=number(raw, "created_at")
    )


FORM = FileForm()
