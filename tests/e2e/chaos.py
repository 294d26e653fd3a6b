"""What befalls a workspace between two looks at it: edits, somebody else's hands, faults, and an
apply that dies.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.crash.instants import Dead, hooked
from tests.e2e.holding import BY_HAND
from tests.e2e.mortal import Mortal
from tests.e2e.random_specs import TEXTS, Workspace
from tests.support.running import Result
from tests.support.strangers import Strangers
from tests.support.world import World

LOCK = ".provisioner/local/lock.json"
ROUTES = {"assistant": "/assistants", "vector_store": "/vector_stores"}
NEVER = 20  # faults that should have struck: that not one of so many did is not an accident
FAULTS = [
    {"status": 429, "retry_after": 0},
    {"status": 500},
    {"status": 500, "when": "after"},
    {"reset": "before"},
    {"reset": "after"},
    {"truncate": 20},
]


class Chaos:
    """One workspace and what befalls it, drawn from the seed of its specs. `said` is all that was
    ever printed.
    """

    def __init__(self, world: World, workspace: Workspace) -> None:
        self.world, self.workspace, self.draw = (
            world,
            workspace,
            random.Random(workspace.draw.random()),
        )
        self.said = ""
        self.story: list[str] = []
        self.others: set[str] = set()  # files that somebody else has uploaded
        some = self.draw.sample(sorted(workspace.disk), 3)
        documents = [path for path in some if path.endswith(".md")]
        self.strangers = Strangers(
            world, *((Path(path).name, len(workspace.disk[path])) for path in documents)
        )

    def step(self) -> None:
        """One thing that happens."""
        steps = [
            self.edit,
            self.edit,
            self.edit,
            self.by_hand,
            self.by_hand,
            self.by_hand,
            self.they_use,
            self.they_use,
            self.faulty,
            self.faulty,
            self.killed,
            self.killed,
            self.killed,
            self.killed_and_faulty,
        ]
        step = self.draw.choice(steps)
        self.story.append(step.__name__)
        step()
        if step in (self.by_hand, self.they_use):
            self.strangers.look()
        self.strangers.untouched(f"{self.story}\n{self.said}")

    def edit(self) -> None:
        self.workspace.edit()
        self.story[-1] = self.workspace.story[-1]
        self.world.write(self.workspace.written())

    # applies

    def apply(self) -> Result:
        """One that nothing disturbs."""
        result = self._run()
        if result.code == 0:
            self.workspace.done()
        return result

    def faulty(self) -> None:
        """Each request may fail, in any way; the apply may, too."""
        with self._faults():
            self._ended(self._run())

    def killed(self) -> None:
        """The process ends at a request, or while something is written, unless it is through
        before.
        """
        crash = Mortal(self.draw.randint(0, self.draw.choice([10, 40, 160])), self.draw)
        self.story[-1] += f" at {crash.at}"
        dead = False
        with (
            pytest.MonkeyPatch.context() as patched,
            hooked(crash, patched),
            self.world.behind(crash),
        ):
            try:
                self._ended(self._run())
            except* Dead:
                dead = True
        assert dead == crash.dead, self.story
        self.story[-1] += ", dead" if dead else ""

    def killed_and_faulty(self) -> None:
        with self._faults():
            self.killed()

    def _run(self) -> Result:
        result = self.world.run("apply", "-y", "--force")
        self.said += result.out + result.err
        return result

    def _ended(self, result: Result) -> None:
        assert result.code in (0, 1) and "Traceback" not in result.err, (
            f"{self.story}\n{result.out}{result.err}"
        )
        self.story[-1] += f", exit {result.code}"

    @contextmanager
    def _faults(self) -> Iterator[None]:
        share, before = self.draw.choice([0.02, 0.1, 0.3, 0.6]), len(self.world.calls)
        rules = [
            {"match": {"probability": share / 2}, "action": action}
            for action in self.draw.sample(FAULTS, 3)
        ]
        with self.world.perhaps_failing(*rules, seed=self.draw.randint(0, 10**6)) as faults:
            yield
        struck, requests = sum(faults.struck), len(self.world.calls) - before
        self.story[-1] += f", {struck} faults in {requests} requests"
        assert struck or share * requests < NEVER, self.story

    # somebody else

    def they_use(self) -> None:
        """Another team begins to use something of ours, or lets go of it."""
        ours = {
            address: entry["id"] for address, entry in self._locked().items() if entry.get("id")
        }
        self.story[-1] = self.strangers.change_something(ours, self.draw)

    def by_hand(self) -> None:
        """Somebody changes, removes or adds something in the dashboard, where the lock knows what
        is there.
        """
        resources = self._locked()
        kinds = [address for address, entry in resources.items() if entry.get("id")]
        if kinds:
            address = self.draw.choice(kinds)
            kind, entry = address.partition(".")[0], resources[address]
            edits = {
                "file": [self._delete_file],
                "vector_store": [self._touch, self._delete, self._store_files, self._add],
            }
            edit = self.draw.choice(edits.get(kind, [self._touch, self._touch, self._delete]))
            self.story[-1] = f"by hand: {edit.__name__} {address}"
            edit(kind, entry)

    def _locked(self) -> dict[str, Any]:
        """What the lock knows to be there; nothing while a journal says more."""
        if not (self.world.root / LOCK).exists() or (self.world.root / f"{LOCK}.journal").exists():
            return {}
        resources: dict[str, Any] = self.world.lock()["resources"]
        return resources

    def _touch(self, kind: str, entry: Any) -> None:
        live = self._live(f"{ROUTES[kind]}/{entry['id']}")
        if live is None:
            return
        text = set(TEXTS) & entry["fields"].keys()
        body: dict[str, Any] = dict.fromkeys(
            self.draw.sample(sorted(text), min(len(text), 1)), "by hand"
        )
        metadata = {
            key: self.draw.choice([value, "by hand"]) for key, value in live["metadata"].items()
        }
        ours = {key: value for key, value in live["metadata"].items() if key == "provisioner"}
        self._send(
            "POST",
            f"{ROUTES[kind]}/{entry['id']}",
            {**body, "metadata": {**metadata, **ours, BY_HAND: "x"}},
        )

    def _delete(self, kind: str, entry: Any) -> None:
        self._send("DELETE", f"{ROUTES[kind]}/{entry['id']}")

    def _delete_file(self, kind: str, entry: Any) -> None:
        self._send("DELETE", f"/files/{entry['id']}")

    def _store_files(self, kind: str, entry: Any) -> None:
        """A document is taken out, or its attributes are changed."""
        held = [item for item in (entry["fields"].get("files") or {}).values() if "id" in item]
        if not held:
            return
        path = f"/vector_stores/{entry['id']}/files/{self.draw.choice(held)['id']}"
        live = self._live(path)
        if self.draw.random() < 0.5 or live is None:
            self._send("DELETE", path)
            return
        theirs = {
            key: "by hand" for key in live["attributes"] if key not in ("provisioner", "sha256")
        }
        self._send("POST", path, {"attributes": {**live["attributes"], **theirs, BY_HAND: "x"}})

    def _add(self, kind: str, entry: Any) -> None:
        """A document of somebody else, with the name and bytes that one of ours has or
        might have.
        """
        path = self.draw.choice(sorted(self.workspace.disk))
        id = self.world.upload(path.rpartition("/")[2], self.workspace.disk[path].encode())
        self.others.add(id)
        self._send("POST", f"/vector_stores/{entry['id']}/files", {"file_id": id})

    def _live(self, path: str) -> Any:
        found = self._send("GET", path)
        return None if "error" in found else found

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        async def send() -> Any:
            async with self._client() as client:
                return (await client.request(method, path, json=body)).json()

        return asyncio.run(send())

    def _client(self) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(self.world._create(self.world.root / ".provisioner/local"))
        headers = {"Authorization": "Bearer somebody-else", "OpenAI-Beta": "assistants=v2"}
        return httpx2.AsyncClient(transport=transport, base_url="http://local/v1", headers=headers)
