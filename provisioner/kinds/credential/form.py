"""Credentials at the service: below their vaults, with secrets that no reply has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

from provisioner.diff import parts, units
from provisioner.errors import RouteMissing
from provisioner.kinds.base import Names, Write
from provisioner.kinds.credential.fields import FIELDS, FIXED, NESTED, SECRETS, whole
from provisioner.kinds.table import Field
from provisioner.kinds.wire import Raw, StampedForm, route
from provisioner.model import Fields, Live, is_id
from provisioner.shapes import Shape, mapping, text, word

if TYPE_CHECKING:
    from provisioner.remote import Remote

_VAULTS = "/vaults"
_BELOW = "credentials"


class CredentialForm(StampedForm):
    """An object at `/vaults/{vault}/credentials`. Its id is its own, so its vault has to be known,
    or found.
    """

    collection = "/vaults/{vault}/credentials"
    table = FIELDS
    named = True
    replies: ClassVar[Mapping[str, Shape]] = {
        "vault_id": is_id,
        "name": text,
        "auth": mapping({"type": word, "expires_at": text, "refresh": mapping()}),
    }

    def __init__(self) -> None:
        # The vault of each credential that was seen at a service.
        self._vaults: WeakKeyDictionary[Remote, dict[str, str]] = WeakKeyDictionary()

    @cached_property
    def fixed(self) -> frozenset[str]:
        return super().fixed | FIXED

    @cached_property
    def keyed(self) -> frozenset[str]:
        return super().keyed | NESTED

    @cached_property
    def unread(self) -> frozenset[str]:
        return super().unread | SECRETS

    def excludes(self, old: Fields, new: Fields) -> bool:
        """A variable is there once in a vault."""
        was, now = old.get("auth") or {}, new.get("auth") or {}
        name = now.get("secret_name")
        there = was.get("secret_name") == name and old.get("vault") == new.get("vault")
        return bool(name) and there

    def parent(self, write: Write) -> str:
        return route(_VAULTS, write.names.id_of(write.fields["vault"]), _BELOW)

    async def place(self, remote: Remote, id: str) -> str | None:
        """Where a credential is. One that was written just now may not be shown yet, nor its
        vault.
        """
        known = self._known(remote)
        pauses = remote.settling.pauses(remote.settling.until([id]))
        if id not in known:
            await self.listed(remote)
        while id not in known and await anext(pauses, False):
            await self.listed(remote)
        return route(_VAULTS, known[id], _BELOW, id) if id in known else None

    def _known(self, remote: Remote) -> dict[str, str]:
        return self._vaults.setdefault(remote, {})

    def begin(self, remote: Remote) -> None:
        """They are listed vault by vault."""

    async def listed(self, remote: Remote, known: Sequence[str] = ()) -> Sequence[Raw]:
        """The credentials of all vaults."""
        from provisioner.remote import together

        vaults = [str(one["id"]) for one in await remote.list(_VAULTS)]
        held = await together(self._of(remote, vault) for vault in vaults)
        return [raw for some in held for raw in some]

    async def _of(self, remote: Remote, vault: str) -> Sequence[Raw]:
        try:
            found = await remote.list(route(_VAULTS, vault, _BELOW))
        except RouteMissing:  # it has been deleted meanwhile
            return ()
        self._known(remote).update((str(raw["id"]), vault) for raw in found)
        return found

    async def read(self, remote: Remote, id: str, names: Names) -> Live | None:
        """One that was written just now is asked for again."""
        pauses = remote.settling.pauses(remote.settling.until([id]))
        found = await super().read(remote, id, names)
        while found is None and await anext(pauses, False):
            found = await super().read(remote, id, names)
        return found

    async def _create(self, remote: Remote, write: Write, body: dict[str, Any]) -> Live:
        made = await super()._create(remote, write, body)
        self._known(remote)[made.id] = write.names.id_of(write.fields["vault"])
        return made

    async def delete(self, remote: Remote, id: str) -> None:
        await super().delete(remote, id)
        remote.settling.gone(id)

    def shown(self, one: Field, raw: Raw, names: Names) -> Any:
        if one.name == "auth":
            said = units({"auth": _present(raw["auth"] or {})}, self.keyed)
            # Whatever a service may say of secrets is not kept.
            return whole({path: value for path, value in said.items() if path not in SECRETS})
        return super().shown(one, raw, names)

    def sent(self, one: Field, value: Any, write: Write) -> dict[str, Any]:
        if one.name == "vault":  # is in the path
            return {}
        if one.name != "auth":
            return super().sent(one, value, write)
        if write.id is None:
            return {"auth": whole({**units({"auth": value}, self.keyed), **write.secrets})}
        return {"auth": self._rotated(value, write)}

    def _rotated(self, auth: Mapping[str, Any], write: Write) -> dict[str, Any]:
        """What an update sends of it: what differs, and what would be lost by leaving it out."""
        wanted = units({"auth": auth}, self.keyed)
        paths = {path for path in write.paths if parts(path)[0] == "auth"}
        plain = {path: wanted.get(path) for path in paths - write.secrets.keys()}
        plain["auth.type"] = auth["type"]
        if "auth.access_token" in write.secrets and auth.get("expires_at"):
            plain["auth.expires_at"] = auth["expires_at"]
        where = "auth.refresh.token_endpoint_auth"
        if f"{where}.client_secret" in write.secrets:
            plain[f"{where}.type"] = wanted[f"{where}.type"]
        return whole(plain | {path: write.secrets[path] for path in paths & write.secrets.keys()})


def _present(value: Mapping[str, Any]) -> dict[str, Any]:
    """What a service says, without what it says is not there."""
    return dict(_said(value))


def _said(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield name, _present(inner)
        elif inner is not None:
            yield name, inner


FORM = CredentialForm()
