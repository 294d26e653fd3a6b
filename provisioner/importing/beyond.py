"""What a live object says and no spec can: the fields of a later release, or of another server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.importing.taking import Path, leaves
from provisioner.kinds import kind
from provisioner.kinds.base import Names, Write
from provisioner.kinds.wire import StampedForm
from provisioner.model import Address, Live, Stamp
from provisioner.text import dotted

# What a service counts and notes by itself, and metadata, whose keys are all an author's.
_ITS_OWN = frozenset(
    ("id", "object", "created_at", "updated_at", "metadata", "status", "bytes", "usage_bytes")
) | frozenset(("file_counts", "last_active_at", "expires_at"))
_AN_AUTHORS = ("parameters", "schema")  # JSON Schemas: none of their keys is a field
_SAYS_NOTHING: tuple[Any, ...] = (None, "", [], {})


def beyond(name: str, api: str | None, live: Live) -> list[str]:
    """The paths of a reply that would not be sent if everything known of the object were declared.
    A tool of a type that nobody knows is not taken apart.
    """
    form = kind(name).form(api)
    if not isinstance(form, StampedForm):
        return []
    at = Address(name, "found")
    write = Write(at, live.fields, Names(), Stamp("", "", str(at), "", 0), id=live.id)
    sent = form.body(write, {one.name for one in form.own})
    reply = {key: value for key, value in live.reply.items() if key not in _ITS_OWN}
    known = {str(tool.get("type")) for tool in sent.get("tools") or ()}
    if isinstance(reply.get("tools"), list):
        reply["tools"] = [tool for tool in reply["tools"] if str(tool.get("type")) in known]
    return [dotted(path) for path in _unsent(reply, sent, ())]


def _unsent(reply: Any, sent: Any, at: Path) -> Iterator[Path]:
    """The leaves of a reply at whose place nothing is sent."""
    if isinstance(reply, Mapping) and isinstance(sent, Mapping):
        for key, value in reply.items():
            if key not in sent:
                yield from (
                    path for path, leaf in leaves(value, (*at, key)) if leaf not in _SAYS_NOTHING
                )
            elif key not in _AN_AUTHORS:
                yield from _unsent(value, sent[key], (*at, key))
    elif isinstance(reply, list) and isinstance(sent, list):
        if any(isinstance(one, Mapping) for one in reply):
            for index, (one, other) in enumerate(zip(reply, sent, strict=False)):
                yield from _unsent(one, other, (*at, index))
        else:
            yield from ((*at, index) for index, one in enumerate(reply) if one not in sent)
