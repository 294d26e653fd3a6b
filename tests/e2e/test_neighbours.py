"""Staging and prod in one service, with the same bytes under the same names: neither touches what
is the other's.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import random
import signal
import threading
from typing import Any

import pytest

from provisioner.cli.app import run
from tests.support.injecting import Injection
from tests.support.world import World

ALL = os.environ.get("PROVISIONER_NEIGHBOURS") == "all"
STAGING, PROD = "staging", "prod"
DOCS = {f"docs/{name}.md": f"# {name}\n" for name in "abc"}
SPEC = {
    "vector_stores": {"kb": {"files": ["docs/*.md"]}},
    "assistants": {
        "a": {"model": "m", "tools": [{"type": "file_search", "vector_stores": ["kb"]}]}
    },
}


@pytest.fixture
def both(world: World, hasty: None, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two environments of a workspace in the embedded service."""
    # The one of the two that does not run in the main thread cannot take signals, and gets none.
    monkeypatch.setattr(asyncio.SelectorEventLoop, "add_signal_handler", lambda *_: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    environments = {
        name: {"service": "local", "lock": f"locks/{name}.lock.json"} for name in (STAGING, PROD)
    }
    world.write(
        {
            "provisioner.yaml": {"workspace": "w", "environments": environments},
            "specs/a.yaml": SPEC,
            **DOCS,
        }
    )
    return world


class Meeting(Injection):
    """Staging applies; just when its upload number `lost` fails, prod applies up to its request
    number `at`, and goes on when staging is through.
    """

    def __init__(self, world: World, lost: int, how: str, at: int) -> None:
        self._world, self._lost, self._how, self._at = world, lost, how, at
        self._uploads = self._requests = 0
        self._reached, self._go_on = threading.Event(), threading.Event()
        self._prod = threading.Thread(target=self._run_prod)
        self._held = False
        self.codes: dict[str, int] = {}

    def __repr__(self) -> str:
        return (
            f"upload {self._lost} lost, and prod held at its request {self._at} ({self._requests}"
            " seen)"
        )

    def happened(self) -> bool:
        """An upload was lost; prod was held amid its requests, or had come to its end by itself."""
        return self._prod.ident is not None and (self._held or 0 < self._requests < self._at)

    def run(self) -> str:
        """Both applies; returns what they said."""
        said = io.StringIO()
        with (
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
            self._world.behind(self),
        ):
            self._apply(STAGING)
            self._go_on.set()
            self._prod.join(30)
        return said.getvalue()

    def around(self, app: Any) -> Any:
        """Each of the two has a service of its own: staging's is the first one that is opened."""
        return self._pausing(app) if self._prod.ident else self._staging(app)

    def _apply(self, name: str) -> None:
        self.codes[name] = run(["-C", str(self._world.root), "apply", "-y", "--force", "-e", name])

    def _run_prod(self) -> None:
        self._apply(PROD)
        self._reached.set()

    def _staging(self, app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            upload = (scope["method"], scope["path"]) == ("POST", "/v1/files")
            self._uploads += upload
            if not upload or self._uploads != self._lost:
                await app(scope, receive, send)
                return
            if self._how == "after":
                await app(scope, receive, unheard)
            self._prod.start()
            await asyncio.to_thread(self._reached.wait, 30)
            raise ConnectionResetError

        return wrapped

    def _pausing(self, app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, send)
            self._requests += 1
            if self._requests >= self._at and not self._go_on.is_set():
                self._reached.set()
                self._held |= await asyncio.to_thread(self._go_on.wait, 30)

        return wrapped


async def unheard(_: Any) -> None:
    """A reply that is lost on its way."""


def ids(world: World, name: str) -> set[str]:
    """The uploads that an environment's lock names."""
    path = f"locks/{name}.lock.json"
    entries = world.lock(path)["resources"] if (world.root / path).exists() else {}
    files = [entry for address, entry in entries.items() if address.startswith("file.")]
    return {id for entry in files for id in (entry["id"], *entry.get("deposed", ()))}


def apart(world: World, story: str) -> None:
    """Nobody has adopted or deleted anything that is the other's, and each store holds its own."""
    there = {item["id"] for item in world.listed("/files")}
    mine = {name: ids(world, name) for name in (STAGING, PROD)}
    assert not mine[STAGING] & mine[PROD], story
    assert mine[STAGING] | mine[PROD] <= there, story
    for store in world.listed("/vector_stores"):
        owner = store["metadata"]["provisioner"].split("/")[1]
        held = world.listed(f"/vector_stores/{store['id']}/files")
        assert {item["id"] for item in held} <= mine[owner], story


def settled(world: World, said: str) -> str:
    """An apply of each that nothing disturbs ends it, an upload too many was named; returns what
    they said.
    """
    more = ""
    for name in (STAGING, PROD):
        result = world.ok("apply", "-y", "--force", "-e", name)
        more += result.out + result.err
        apart(world, said + more)
    for name in (STAGING, PROD):
        world.settled("-e", name)
        assert len(ids(world, name)) == len(DOCS)
    left = {item["id"] for item in world.listed("/files")} - ids(world, STAGING) - ids(world, PROD)
    assert all(id in said + more for id in left), f"{left}\n{said}{more}"
    return more


def points() -> list[tuple[int, int, str]]:
    """After which request of prod staging applies, and which of its uploads is lost how."""
    found = [
        (at, lost, how) for at in range(1, 22) for lost in (1, 2, 3) for how in ("before", "after")
    ]
    return found if ALL else found[30::27]


def test_who_comes_second_is_not_told_of_the_first(both: World) -> None:
    """Files that are in another environment's store are not suspected; one that is in no store is,
    by its id.
    """
    both.ok("apply", "-y", "-e", STAGING)
    left = both.upload("a.md", DOCS["docs/a.md"].encode())
    notes = both.plan("-e", PROD)["notes"]
    assert len(notes) == 1 and left in notes[0] and "no vector store" in notes[0]


@pytest.mark.parametrize(("at", "lost", "how"), points())
@pytest.mark.sampled(2)
def test_at_once(both: World, at: int, lost: int, how: str) -> None:
    """Whatever prod has done when an upload of staging fails; the first time, and when all
    documents have changed.
    """
    said = ""
    for round in ("first", "second"):
        said += f"{round}: prod at {at}, upload {lost} lost {how}\n"
        meeting = Meeting(both, lost, how, at)
        said += meeting.run()
        assert meeting.codes == {STAGING: 0, PROD: 0}, said
        apart(both, said)
        said += settled(both, said)
        both.write({name: f"{text}again\n" for name, text in DOCS.items()})


LOST = [
    {"reset": "after"},
    {"reset": "before"},
    {"status": 500, "when": "after"},
    {"status": 500},
    {"truncate": 9},
]


@pytest.mark.parametrize("seed", range(50 if ALL else 1))
def test_in_turn(both: World, seed: int) -> None:
    """One after the other, in any order, with a third of all writes failing in some way, while
    documents change.
    """
    draw, said, struck = random.Random(seed), "", 0
    for _ in range(8):
        both.write(
            {path: f"{path} {draw.randint(0, 2)}\n" for path in draw.sample(sorted(DOCS), 2)}
        )
        rule = {"match": {"method": "POST", "probability": 0.3}, "action": draw.choice(LOST)}
        with both.perhaps_failing(rule, seed=draw.randint(0, 10**6)) as faults:
            result = both.run("apply", "-y", "--force", "-e", draw.choice([STAGING, PROD]))
        struck += sum(faults.struck)
        said += result.out + result.err
        assert result.code in (0, 1) and "bug" not in said, said
        apart(both, said)
    assert struck, said
    settled(both, said)


@pytest.mark.usefixtures("hasty")
def test_twins_in_one_apply(world: World) -> None:
    """Of two files with the same name and bytes, one does not take over what is still the other's
    to be told of.
    """
    world.write({"specs/a.yaml": {"vector_stores": {"kb": {"files": ["docs/**/*.md"]}}}})
    world.write(dict.fromkeys(["docs/x/a.md", "docs/y/a.md"], "# A\n"))
    uploads, other = [], asyncio.Event()

    def around(app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            if (scope["method"], scope["path"]) != ("POST", "/v1/files"):
                await app(scope, receive, send)
                return
            uploads.append(scope)
            if len(uploads) == 1:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(other.wait(), 0.2)
                raise ConnectionResetError
            messages: list[Any] = []
            await app(scope, receive, _collect(messages))
            other.set()
            await asyncio.sleep(0.1)
            for message in messages:
                await send(message)

        return wrapped

    with world.behind(around):
        world.ok("apply", "-y")
    world.settled()
    assert (
        len({world.id("file.docs/x/a.md"), world.id("file.docs/y/a.md")})
        == len(world.listed("/files"))
        == 2
    )


def _collect(messages: list[Any]) -> Any:
    async def send(message: Any) -> None:
        messages.append(message)

    return send


@pytest.mark.parametrize("at", [2, 4])
def test_files_that_no_store_holds(both: World, at: int) -> None:
    """They leave no stamp; where a request was lost on its way there, the upload of the other is
    not taken for ours.
    """
    both.write({"specs/a.yaml": {"files": {name: {"path": f"docs/{name}.md"} for name in "abc"}}})
    said = Meeting(both, 1, "before", at).run()
    apart(both, said)
    settled(both, said)
