"""What an apply has left, in the lock and at the service, without ids and times: two of them can be
compared.
"""

from __future__ import annotations

import json
import re
from typing import Any

from provisioner.engine import open_context
from provisioner.kinds import keys, kind
from provisioner.kinds.wire import ObjectForm
from provisioner.lock.lockfile import dump
from tests.support.world import World

_ID = re.compile(r'"(asst|vs|file|agt|envtmpl|skill|vault|vcred|auto)[-_][A-Za-z0-9]{8,}"')
_DIGEST = re.compile(r'"sha256:[0-9a-f]{64}"')
_STAMP = re.compile(r"#[0-9a-f]{8}\.\d+")
_WRITTEN = re.compile(r'"written": "[^"]+"')
_VOLATILE = ("id", "created_at", "updated_at", "last_active_at", "expires_at")


def outcome(world: World) -> list[str]:
    """One line an entry of the lock and one an object at the service, so that a difference is easy
    to see.
    """
    return [*entries(world), *objects(world)]


def entries(world: World) -> list[str]:
    """The lock's resources. Nobody holds it, and no journal is left."""
    store = open_context(world.root).store
    assert store.holder() is None and store.leftover() is None
    state = store.read()
    assert state
    resources = json.loads(_neutral(json.loads(dump(state))["resources"]))
    for entry in (
        resources.values()
    ):  # a lost upload that no store holds is taken over, and nobody can read it
        entry.pop("verified", None)
        entry.pop("updated_at", None)
        entry.pop("overwritten", None)  # how many updates it took to get there
    return [
        f"{address}: {json.dumps(entry, sort_keys=True)}"
        for address, entry in sorted(resources.items())
    ]


def objects(world: World) -> list[str]:
    """Everything at the service: what a store holds is reported by the names of the files."""
    files = world.listed("/files")
    names = {item["id"]: item["filename"] for item in files}
    forms = [kind(name).form(api) for name, api in keys()]
    collections = {form.collection for form in forms if isinstance(form, ObjectForm)}
    below = [f"/vaults/{vault['id']}/credentials" for vault in world.listed("/vaults")]
    paths = ["/files", *(collections - {"/vector_stores", "/vaults/{vault}/credentials"}), *below]
    found = [_reported(item) for path in paths for item in world.listed(path)]
    for store in world.listed("/vector_stores"):
        held = world.listed(f"/vector_stores/{store['id']}/files")
        found.append(_reported(store))
        found += [f"{store['name']} holds {names[item['id']]} {_reported(item)}" for item in held]
    return sorted(found)


def uploads(world: World) -> list[str]:
    """The files at the service by name."""
    return sorted(item["filename"] for item in world.listed("/files"))


def _reported(item: dict[str, Any]) -> str:
    return _neutral({key: value for key, value in item.items() if key not in _VOLATILE})


def _neutral(value: Any) -> str:
    text = _ID.sub(r'"<\1>"', json.dumps(value, sort_keys=True))
    text = _WRITTEN.sub('"written": "<time>"', _DIGEST.sub('"<digest>"', text))
    return _STAMP.sub("#<stamp>", text)
