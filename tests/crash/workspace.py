"""A workspace of every kind that is edited in every way, so that one apply has something of every
action to do.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.lock.repositories import clone, remote
from tests.support.strangers import Strangers
from tests.support.world import World

GIT_LOCK = {"git": {"branch": "provisioner-locks", "path": "local.lock.json"}}
_CASES = {
    (api, store): f"{api}-{store}"
    for store in ("file", "git")
    for api in ("assistants", "responses", "agents")
    if (api, store) != ("agents", "git")
}
THOROUGHLY = set(_CASES.values()) - {"assistants-file"}  # the other is what a quick run tries
EVERYWHERE = [
    pytest.param(case, id=name, marks=[pytest.mark.thorough] if name in THOROUGHLY else [])
    for case, name in _CASES.items()
]
IN_A_FILE = [one for one in EVERYWHERE if one.values[0][1] == "file"]


def _searching(store: str, **fields: Any) -> dict[str, Any]:
    return {
        "model": "gpt-4o",
        "tools": [{"type": "file_search", "vector_stores": [store]}],
        **fields,
    }


def _computing(file: str) -> dict[str, Any]:
    return {"model": "gpt-4o", "tools": [{"type": "code_interpreter", "files": [file]}]}


def _skill(text: str) -> str:
    return f"---\nname: sorting\ndescription: Sorts what comes in.\n---\n{text}\n"


def _box(**fields: Any) -> dict[str, Any]:
    return {"network": {"access": "disabled"}, **fields}


def _opening(file: str, host: str = "crm", **fields: Any) -> dict[str, Any]:
    url, token = f"https://{host}.example", {"file": file}
    auth = {"type": "static_bearer", "mcp_server_url": url, "token": token}
    return {"vault": "keys", "auth": auth, **fields}


def _weekly(**fields: Any) -> dict[str, Any]:
    told = {"target": {"assistant": "agent", "input": ["Go."]}}
    return {"type": "periodic", "expression": "0 8 * * 1", "timezone": "UTC", **told, **fields}


ONCE = {
    "type": "once",
    "run_at": "2100-01-31T12:00:00Z",
    "target": {"assistant": "agent", "input": ["Go."]},
}


def _variable(host: str) -> dict[str, Any]:
    auth = {
        "type": "environment_variable",
        "secret_name": "CRM",
        "secret_value": {"file": "secrets/a"},
        "networking": {"type": "limited", "allowed_hosts": [host]},
    }
    return {"vault": "keys", "auth": auth}


# What was applied first; `rotating` is replaced twice, so that there is something deposed to
# delete.
FIRST: dict[str, Any] = {
    "specs/all.yaml": {
        "vector_stores": {
            "kb": {
                "metadata": {"team": "hr"},
                "other_files": "remove",
                "files": [
                    "docs/*.md",
                    {"path": "docs/b.md", "attributes": {"year": 1}},
                    {
                        "path": "docs/k.md",
                        "chunking": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50},
                    },
                ],
            },
            "old": {"files": ["old/*.md"]},
            "gone": {"files": ["docs/b.md"]},
            "left": {"files": ["docs/b.md", "left/l.md"]},
            "lost": {"description": "deleted by hand, still declared"},
            "former": {"files": ["docs/b.md"]},
            "moved": {"description": "first"},
            "rotating": {"description": "first"},
        },
        "assistants": {
            "a": _searching("kb"),
            "b": _computing("data/x.csv"),
            "gone": _searching("old"),
            "left": {"model": "gpt-4o", "api": "assistants"},
            "former": {"model": "gpt-4o"},
            "m": _searching("moved"),
            "r": _searching("rotating"),
            "onwards": _searching("kb", api="assistants"),
            "back": _searching("kb", api="responses"),
            "hands": {"model": "gpt-4o", "api": "assistants"},
            "agent": {"model": "gpt-4o", "api": "agents"},
        },
        "automations": {
            "fixed": _weekly(),
            "stopped": _weekly(status="active"),
            "started": _weekly(status="paused"),
            "gone": _weekly(),
            "left": _weekly(),
            "former": _weekly(),
        },
        "files": {"loose": {"path": "data/loose.csv"}},
        "environment_templates": {
            "box": _box(
                files=[{"file": "data/x.csv", "path": "/workspace/x.csv"}],
                skills=["sorting", "former"],
                env={"REGION": "eu"},
                setup_commands=["pip check"],
            ),
            "gone": _box(skills=["gone"]),
            "left": _box(packages={"python": ["pandas"]}),
            "former": _box(name="Moved"),
        },
        "skills": {
            name: {"path": f"skills/{name}"} for name in ("sorting", "former", "gone", "left")
        },
        "vaults": {"keys": {"metadata": {"team": "hr"}}, "old": {}},
        "credentials": {
            "rotated": _opening("secrets/a"),
            "elsewhere": _opening("secrets/b"),
            "old": _opening("secrets/b", vault="old"),
            "left": _opening("secrets/b"),
            "former": _opening("secrets/b"),
            "variable": _variable("a.example"),
        },
    },
    "skills/sorting/SKILL.md": _skill("First"),
    "skills/former/SKILL.md": _skill("Moved"),
    "skills/gone/SKILL.md": _skill("Gone"),
    "skills/left/SKILL.md": _skill("Left"),
    ".provisioner/fingerprint.key": f"{'0123456789abcdef' * 4}\n",
    "secrets/a": "a-first\n",
    "secrets/b": "b-first\n",
    "docs/a.md": "# A one\n",
    "docs/b.md": "# B\n",
    "docs/c.md": "# C\n",
    "docs/k.md": "# K\n",
    "docs/m.md": "# M\n",
    "old/o.md": "# O\n",
    "left/l.md": "# L\n",
    "data/x.csv": "a\n1\n",
    "data/loose.csv": "b\n1\n",
}
# The edits under test. `found` names what somebody made by hand.
SECOND: dict[str, Any] = {
    "specs/all.yaml": {
        "vector_stores": {
            "kb": {
                "metadata": {"team": "it"},
                "other_files": "remove",
                "files": ["docs/**/*.md", {"path": "docs/b.md", "attributes": {"year": 2}}],
            },
            "lost": {"description": "deleted by hand, still declared"},
            "latter": {"files": ["docs/b.md"]},
            "moved": {"description": "second", "files": ["docs/b.md"]},
            "rotating": {"description": "third"},
            "fresh": {"files": ["docs/new.md"]},
            "found": {"metadata": {"team": "it"}},
        },
        "assistants": {
            "a": _searching("kb", model="gpt-4o-mini"),
            "b": _computing("data/x.csv"),
            "latter": {"model": "gpt-4o"},
            "m": _searching("moved"),
            "n": _searching("fresh"),
            "r": _searching("rotating"),
            "onwards": _searching("kb", api="responses"),
            "back": _searching("kb", api="assistants"),
            "hands": {"model": "gpt-4o", "api": "assistants"},
            "found": {"model": "gpt-4o-mini", "api": "assistants"},
            "agent": {"model": "gpt-4o", "api": "agents"},
        },
        "automations": {
            "fixed": ONCE,
            "stopped": _weekly(status="paused"),
            "started": _weekly(status="active", expression="0 9 * * 1"),
            "new": _weekly(status="paused"),
            "latter": _weekly(),
        },
        "files": {"loose": {"path": "data/loose.csv"}},
        # Three that look the same, of which two are the same to the last byte.
        "environment_templates": {
            "box": _box(
                files=[{"file": "data/x.csv", "path": "/workspace/x.csv"}],
                skills=["sorting", "latter"],
                env={"REGION": "us"},
            ),
            "one": _box(name="Twin", skills=["fresh"]),
            "other": _box(name="Twin", skills=["fresh"]),
            "third": _box(name="Twin", skills=["fresh"], env={"REGION": "us"}),
            "latter": _box(name="Moved"),
            "found": _box(name="Found", desktop={"enabled": True}),
        },
        "skills": {
            "sorting": {"path": "skills/sorting"},
            "latter": {"path": "skills/former"},
            "fresh": {"path": "skills/fresh"},
            "twin": {"path": "skills/twin"},
        },
        "vaults": {"keys": {"metadata": {"team": "it"}}, "new": {}},
        "credentials": {
            "rotated": _opening("secrets/a"),
            "elsewhere": _opening("secrets/b", "shop"),
            "new": _opening("secrets/b", vault="new"),
            "latter": _opening("secrets/b"),
            "variable": _variable("b.example"),
        },
        "moved": [
            {"from": "environment_template.former", "to": "environment_template.latter"},
            {"from": "skill.former", "to": "skill.latter"},
            {"from": "credential.former", "to": "credential.latter"},
            {"from": "automation.former", "to": "automation.latter"},
            {"from": "vector_store.former", "to": "vector_store.latter"},
            {"from": "assistant.former", "to": "assistant.latter"},
        ],
        "removed": [
            {"from": "environment_template.left", "destroy": False},
            {"from": "skill.left", "destroy": False},
            {"from": "credential.left", "destroy": False},
            {"from": "automation.left", "destroy": False},
            {"from": "vector_store.left", "destroy": False},
            {"from": "assistant.left", "destroy": False},
        ],
    },
    "skills/sorting/SKILL.md": _skill("Second"),
    "skills/fresh/SKILL.md": _skill("Fresh"),
    "skills/twin/SKILL.md": _skill("Twin"),
    "secrets/a": "a-second\n",
    "docs/a.md": "# A two\n",
    "docs/c.md": None,
    "docs/new.md": "# New\n",
    "docs/m.md": None,
    "docs/deep/m.md": "# M\n",
    "old/o.md": None,
    "data/x.csv": "a\n2\n",
    "data/loose.csv": "b\n2\n",
}


def edited(world: World, base: Path, api: str, store: str) -> Strangers:
    """Make `world` such a workspace below `base`, with its lock in a file or on a branch (`store`),
    applied and then edited. All that it consists of is below `base`. Returns those who are in the
    same service, and use some of it.
    """
    world.root = base / "desk"
    base.mkdir()
    if store == "git":
        clone(remote(base), world.root)
    environment = {
        "service": "local",
        "api": api,
        "keep_versions": 2,
        "accept_loss": ["tools.file_search", "tools.code_interpreter"] if api == "agents" else [],
        **({"lock": GIT_LOCK} if store == "git" else {}),
    }
    world.write(
        {"provisioner.yaml": {"workspace": "w", "environments": {"local": environment}}, **FIRST}
    )
    world.ok("apply", "-y")
    _rotate(world, api)
    ids = ids_of(world)
    strangers = Strangers(world, ("b.md", len("# B\n")), ("new.md", len("# New\n")))
    strangers.hold(ids["file.docs/a.md"])  # of which there will be a new version
    strangers.hold(ids["file.docs/c.md"])  # which is not wanted any more
    strangers.name(
        stores=[ids["vector_store.moved"]], files=[ids["file.data/x.csv"]]
    )  # which are to be replaced
    strangers.look()
    _edit(world, ids)
    return strangers


def ids_of(world: World) -> dict[str, str]:
    """Every address with its id at the service, wherever the lock is."""
    return {
        address: item["id"]
        for address, item in world.ok("output", "--json").json.items()
        if "id" in item
    }


def _rotate(world: World, api: str) -> None:
    """Replace a store whose old object cannot be deleted, or (under `responses`) has to stay: it is
    deposed.
    """
    specs = FIRST["specs/all.yaml"]
    stores = {**specs["vector_stores"], "rotating": {"description": "second"}}
    world.write({"specs/all.yaml": {**specs, "vector_stores": stores}})
    with nullcontext() if api == "responses" else world.behind(undeletable):
        assert "1 to replace" in world.run("apply", "-y").out


def undeletable(app: Any) -> Any:
    """A service that refuses to delete anything."""

    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] != "DELETE":
            await app(scope, receive, send)
            return
        await send(
            {
                "type": "http.response.start",
                "status": 400,
                "headers": [(b"content-type", b"application/json")],
            }
        )
        await send({"type": "http.response.body", "body": b'{"error": {"message": "not now"}}'})

    return refusing


def _edit(world: World, ids: dict[str, str]) -> None:
    """Edit the specs and the files, and the service by hand: what is imported, gone, or a stranger
    in a store.
    """
    store = world.http("POST", "/vector_stores", {"name": "found"})
    assistant = world.http("POST", "/assistants", {"model": "gpt-4o", "name": "found"})
    template = world.http("POST", "/agents/environments/templates", _box(name="Found"))
    stranger = world.upload("stranger.md", b"# S\n")
    world.http("POST", f"/vector_stores/{ids['vector_store.kb']}/files", {"file_id": stranger})
    for gone in ("vector_store.gone", "vector_store.lost"):
        world.http("DELETE", f"/vector_stores/{ids[gone]}")
    world.http("POST", f"/assistants/{ids['assistant.hands']}", {"model": "gpt-4o-mini"})
    imports = [
        {"to": "vector_store.found", "id": store["id"]},
        {"to": "assistant.found", "id": assistant["id"]},
        {"to": "environment_template.found", "id": template["id"]},
    ]
    world.write({**SECOND, "specs/all.yaml": {**SECOND["specs/all.yaml"], "imports": imports}})
