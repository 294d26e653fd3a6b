"""Another team in the same service: what they have, what they use of ours, and that nobody ever
takes it from them.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

from tests.support.world import World

VOLATILE = ("last_active_at", "status", "usage_bytes", "expires_at")
TEXT = b"# Not yours\n"


class Strangers:
    """Their assistants and vector stores. None carries a stamp; `untouched` fails once anything of
    theirs is another one, or gone, or lacks what it uses of ours.
    """

    def __init__(self, world: World, *alike: tuple[str, int]) -> None:
        """`alike`: names and sizes of files of ours that theirs have as well, with other bytes."""
        self._world = world
        self.files = [
            world.upload(name, _bytes(size)) for name, size in (("theirs.md", len(TEXT)), *alike)
        ]
        self.store = self._made("/vector_stores", {"name": "Theirs"})
        other = self._made("/vector_stores", {"name": "Unrelated"})
        for at, file in enumerate(self.files):
            self.hold(file, in_store=other if at else self.store)
        tools = [{"type": "file_search"}, {"type": "code_interpreter"}]
        self.bot = self._made(
            "/assistants", {"model": "gpt-4o", "name": "Their bot", "tools": tools}
        )
        plain = self._made(
            "/assistants",
            {"model": "gpt-4o", "name": "Plain", "instructions": "Nobody stamped me."},
        )
        self._mine = {"/vector_stores": [self.store, other], "/assistants": [self.bot, plain]}
        self.name(stores=[self.store])
        self.look()

    @property
    def ids(self) -> set[str]:
        """Everything that is theirs."""
        return {*self.files, *self._mine["/vector_stores"], *self._mine["/assistants"]}

    @property
    def used(self) -> set[str]:
        """What is ours and they use, directly: files in their store or bot, and stores that their
        bot searches.
        """
        found = {id for ids in self._tools().values() for id in ids}
        found |= {item["id"] for item in self._world.listed(f"/vector_stores/{self.store}/files")}
        return found - self.ids

    def look(self) -> None:
        """What they have from now on is what they have now, but for what somebody has deleted under
        their hands.
        """
        self._had, self._missing = self._state(), self.used - self._there()

    def untouched(self, story: str = "") -> None:
        """Nothing of theirs has changed, and all that they use of ours is there."""
        assert self._state() == self._had, story
        taken = self.used - self._missing - self._there()
        assert not taken, f"{taken} was taken from them\n{story}"

    def _there(self) -> set[str]:
        return {
            item["id"] for path in ("/files", "/vector_stores") for item in self._world.listed(path)
        }

    def kept(self, *words: str) -> set[str]:
        """What they use and we do not any more: it is deposed, and the plan says that somebody uses
        it.
        """
        ours = {item.get("id") for item in self._world.ok("output", "--json", *words).json.values()}
        deposed = {item["id"]: item for item in self._world.plan("--force", *words)["deposed"]}
        kept = self.used - self._missing - ours
        for id in kept:
            assert id in deposed, f"{id} is used and not deposed: {deposed}"
            assert deposed[id]["action"] == "keep" and "still used by" in deposed[id]["detail"], (
                deposed[id]
            )
        return kept

    # What they do

    def hold(self, file: str, *, in_store: str | None = None) -> None:
        """Put a file into their store."""
        self._world.http(
            "POST", f"/vector_stores/{in_store or self.store}/files", {"file_id": file}
        )

    def let_go(self, file: str) -> None:
        """Take it out again."""
        self._world.http("DELETE", f"/vector_stores/{self.store}/files/{file}")

    def name(self, *, stores: list[str] | None = None, files: list[str] | None = None) -> None:
        """Have their bot search this store, and compute with these files."""
        there = self._there()  # a name of what somebody has deleted is refused
        named = {name: [id for id in ids if id in there] for name, ids in self._tools().items()}
        resources = {
            "file_search": {"vector_store_ids": named["stores"] if stores is None else stores},
            "code_interpreter": {"file_ids": named["files"] if files is None else files},
        }
        self._world.http("POST", f"/assistants/{self.bot}", {"tool_resources": resources})

    def change_something(self, ours: dict[str, str], draw: Random) -> str:
        """Begin or cease to use something of ours, which is given by its address; what that was."""
        ours = {address: id for address, id in ours.items() if id in self._there()}
        stores = [id for address, id in ours.items() if address.startswith("vector_store.")]
        held = {
            item["id"] for item in self._world.listed(f"/vector_stores/{self.store}/files")
        } - self.ids
        documents = [
            id for address, id in ours.items() if address.endswith(".md") and id not in held
        ]
        data = [id for address, id in ours.items() if address.endswith(".csv")]
        steps: list[partial[None]] = []
        if documents:
            steps.append(partial(self.hold, draw.choice(documents)))
        if held:
            steps.append(partial(self.let_go, draw.choice(sorted(held))))
        if stores:
            steps.append(partial(self.name, stores=[draw.choice([self.store, *stores])]))
        steps.append(
            partial(self.name, files=draw.sample(data, draw.randint(0, min(2, len(data)))))
        )
        step = draw.choice(steps)
        step()
        return f"they {step.func.__name__} {step.args or step.keywords}"

    def _tools(self) -> dict[str, list[str]]:
        resources = self._world.http("GET", f"/assistants/{self.bot}")["tool_resources"]
        return {
            "stores": resources.get("file_search", {}).get("vector_store_ids", []),
            "files": resources.get("code_interpreter", {}).get("file_ids", []),
        }

    def _made(self, path: str, body: dict[str, Any]) -> str:
        return str(self._world.http("POST", path, body)["id"])

    def _state(self) -> list[Any]:
        files = {item["id"]: item for item in self._world.listed("/files")}
        found: list[Any] = [files.get(id) for id in self.files]
        for path, ids in self._mine.items():
            there = {item["id"]: item for item in self._world.listed(path)}
            found += [_lasting(there.get(id)) for id in ids]
        for store in self._mine["/vector_stores"]:
            found.append(
                [_lasting(item) for item in self._world.listed(f"/vector_stores/{store}/files")]
            )
        return found


def _lasting(item: dict[str, Any] | None) -> dict[str, Any] | None:
    return item and {key: value for key, value in item.items() if key not in VOLATILE}


def _bytes(size: int) -> bytes:
    return (TEXT * (size // len(TEXT) + 1))[:size]
