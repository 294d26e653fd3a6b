"""What is about to be done is on the disk before its request leaves, and what came of it before
another request names it: a crash of the machine loses no id.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.injecting import Watching
from tests.support.world import World

SPEC: dict[str, Any] = {
    "vector_stores": {f"s{at}": {"files": [f"docs/{at}.md"]} for at in range(3)},
    "assistants": {
        f"a{at}": {"model": "gpt-4o", "tools": [{"type": "file_search", "vector_stores": ["s0"]}]}
        for at in range(8)
    },
}
ADDRESS = re.compile(rb'"provisioner": ?"[^/]+/[^/]+/([^#"]+)#')
ID = re.compile(rb'"((?:vs_|file-)[^"]+)"')
NAME = re.compile(rb'filename="([^"]+)"')


class Disk:
    """Which files are on the disk how far, by what was synced."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._synced: dict[int, int] = {}
        for name in ("fsync", "fdatasync"):
            monkeypatch.setattr(os, name, self._noting(getattr(os, name)))

    def _noting(self, real: Any) -> Any:
        def sync(fd: int) -> None:
            found = os.fstat(fd)
            real(fd)
            time.sleep(0.002)  # a disk takes its time, and others go on writing meanwhile
            self._synced[found.st_ino] = found.st_size

        return sync

    def has(self, path: Path) -> bytes:
        """What of a file would be there after the power had failed."""
        return path.read_bytes()[: self._synced.get(path.stat().st_ino, 0)]


class Watch:
    """Middleware that looks for the intent of each request that writes, and for the ids that it
    names, on the disk, before it is served.
    """

    def __init__(self, journal: Path, disk: Disk, app: Any) -> None:
        self._journal, self._disk, self._app = journal, disk, app
        self._lock = journal.with_suffix("")
        self.seen: list[str] = []
        self.named: set[bytes] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"].removeprefix("/v1")
        if scope["method"] == "GET":
            await self._app(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        known = self._disk.has(self._journal)
        if not re.match("/vector_stores/[^/]+/", path):
            assert self._token(path, body) in known, (
                f"{scope['method']} {path} left before its intent was on the disk"
            )
            self.seen.append(f"{scope['method']} /{path.split('/')[1]}")
        known += self._lock.read_bytes() if self._lock.exists() else b""
        for id in ID.findall(body):
            assert id in known, f"{scope['method']} {path} left before `{id!r}` was on the disk"
            self.named.add(id)
        sent = [{"type": "http.request", "body": body}]

        async def again() -> Any:
            return sent.pop() if sent else await receive()

        await self._app(scope, again, send)

    def _token(self, path: str, body: bytes) -> bytes:
        """What the intent of a request names: the id of an object, the address of a new one, the
        name of an upload.
        """
        if path.count("/") == 2:
            return path.rpartition("/")[2].encode()
        found = (NAME if path == "/files" else ADDRESS).search(body)
        assert found, body
        return found[1]


@pytest.mark.parametrize("parallelism", ["1", pytest.param("10", marks=pytest.mark.thorough)])
def test_an_intent_is_on_the_disk_before_its_request(
    world: World, monkeypatch: pytest.MonkeyPatch, parallelism: str
) -> None:
    """Each create, update and delete is in the journal, and the journal on the disk, before the
    service hears of it; one at a time, and where several share one sync.
    """
    disk, watches = Disk(monkeypatch), list[Watch]()

    def watched(app: Any) -> Watch:
        watches.append(Watch(world.root / ".provisioner/local/lock.json.journal", disk, app))
        return watches[-1]

    world.from_now_on(Watching(watched))
    world.write(
        {"specs/all.yaml": SPEC, **{f"docs/{at}.md": f"Document {at}.\n" for at in range(3)}}
    )
    world.ok("apply", "-y", "--parallelism", parallelism)
    changed = {name: {**one, "model": "gpt-5"} for name, one in SPEC["assistants"].items()}
    world.write(
        {"specs/all.yaml": {**SPEC, "assistants": changed}, "docs/0.md": "Another document.\n"}
    )
    world.ok("apply", "-y", "--parallelism", parallelism)
    world.ok("destroy", "-y", "--parallelism", parallelism)
    assert len({id for watch in watches for id in watch.named}) == 5  # four files and a store
    seen = [request for watch in watches for request in watch.seen]
    assert {request: seen.count(request) for request in sorted(set(seen))} == {
        "DELETE /assistants": 8,
        "DELETE /files": 4,
        "DELETE /vector_stores": 3,
        "POST /assistants": 16,
        "POST /files": 4,
        "POST /vector_stores": 3,
    }
