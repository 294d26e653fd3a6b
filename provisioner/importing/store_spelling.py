"""Vector stores and files from any source, in the spelling of specs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.importing.nouns import Found, Origin
from provisioner.importing.taking import ABSENT, Losses, Path, Taking, identity, unstamped
from provisioner.importing.tool_spelling import references

STORE = ("name", "description", "metadata", "expires_after")
_COUNTED = ("status", "usage_bytes", "bytes", "file_counts", "last_active_at", "expires_at")


def read_store(
    raw: Mapping[str, Any],
    origin: Origin,
    *,
    id: str | None = None,
    name: str | None = None,
    at: Path = (),
) -> Found:
    """A vector store out of a service's spelling."""
    losses = Losses(origin)
    some = Taking(raw, losses, at)
    some.respell((*STORE, *_COUNTED, "file_ids", "chunking_strategy", "id", "object", "created_at"))
    own, age = identity(some, ("vector_store",))
    fields: dict[str, Any] = {}
    for key in STORE:
        if (value := some.take(key)) is not ABSENT:
            fields[key] = value
    unstamped(fields, losses, at)
    _expiry(fields, losses, at)
    place, chunking = some.path("chunking_strategy"), some.take("chunking_strategy")
    if chunking is not ABSENT:
        _chunking(chunking, place, some, fields)
    place, ids = some.path("file_ids"), some.take("file_ids")
    if ids is not ABSENT:
        fields["files"] = references(ids, place, some)
    for key in _COUNTED:
        value = some.take(key)
        if value is not ABSENT:
            losses.lose(some.path(key), value, "is what the service counts", None, "note")
    some.end("is no field of a vector store", STORE)
    called = fields.get("name")
    return Found(
        kind="vector_store",
        name=called if isinstance(called, str) and called else name,
        fields=fields,
        origin=origin,
        id=own or id,
        age=age,
        losses=tuple(losses.all),
    )


def _expiry(fields: dict[str, Any], losses: Losses, at: Path) -> None:
    """Providers know one anchor, and let it be left out."""
    expiry = fields.get("expires_after")
    if isinstance(expiry, Mapping) and expiry.keys() == {"days"}:
        fields["expires_after"] = {"anchor": "last_active_at", **expiry}
        losses.say((*at, "expires_after"), "has the only anchor that there is", None, "note")


def _chunking(value: Any, at: Path, some: Taking, fields: dict[str, Any]) -> None:
    if not isinstance(value, Mapping) or value.get("type") not in ("auto", "static"):
        some.drop(at, value, "is no way of cutting that specs have")
        return
    inner = Taking(value, some.losses, at)
    if inner.take("type") == "auto":
        fields["chunking"] = "auto"
    else:
        some.losses.say((*at, "type"), "is said by the sizes themselves", None, "note")
        static = inner.take("static")
        fields["chunking"] = dict(static) if isinstance(static, Mapping) else static
    inner.end("is no setting of chunking")


def read_file(raw: Mapping[str, Any], origin: Origin) -> Found:
    """A file as a service lists it; its bytes are not in any export."""
    losses = Losses(origin)
    some = Taking(raw, losses)
    some.respell(("filename", "purpose", "bytes", "id", "object", "created_at"))
    id, age = identity(some, ("file",))
    name, purpose = some.take("filename"), some.take("purpose")
    fields: dict[str, Any] = {}
    base = str(name).replace("\\", "/").rsplit("/", 1)[-1] if isinstance(name, str) else ""
    if base.strip(". "):
        fields["path"] = base
        if base != name:
            losses.lose(("filename",), name, "is a path; only its last part was taken")
    else:
        some.drop(("filename",), name, "is no name of a file")
    if purpose is not ABSENT:
        fields["purpose"] = purpose
    for key in ("bytes", "status", "status_details", "expires_at"):
        value = some.take(key)
        if value is not ABSENT:
            losses.lose(some.path(key), value, "is what the service counts", None, "note")
    some.end("is no field of a file", ("purpose", "filename"))
    hint = f"put the file at `{fields.get('path', 'its path')}`, or keep it as `{{id: {id}}}`"
    losses.say(("bytes",), "the file itself is not in this source", hint, "error")
    return Found(
        kind="file",
        name=base or None,
        fields=fields,
        origin=origin,
        id=id,
        age=age,
        losses=tuple(losses.all),
    )
