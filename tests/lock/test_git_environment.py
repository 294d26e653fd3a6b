"""An environment with `lock: {git: …}` through the real command line, from two clones, over every
transport.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import provisioner.local
from provisioner.lock.git_store import GitStore
from tests.e2e.serving import served
from tests.support.processes import met, start
from tests.support.world import World

from .contract import SUPPORT
from .repositories import NAMES, clone, everything, git, remote
from .test_git_store import LOCKS, apply

SPECS: dict[str, Any] = {
    "vector_stores": {"kb": {"files": ["docs/*.md"]}},
    "assistants": {
        "support": {"model": "gpt-4o", "tools": [{"type": "file_search", "vector_stores": ["kb"]}]},
        "sales": {"model": "gpt-4o"},
    },
}


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in [key for key in os.environ if key.startswith("GIT_")]:
        monkeypatch.delenv(key)
    for key, value in {**NAMES, "OPENAI_API_KEY": "key", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(key, value)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[str]:
    with served(provisioner.local.create_app(tmp_path / "service", indexing_seconds=0)) as url:
        yield url


@pytest.fixture
def worlds(tmp_path: Path, service: str) -> tuple[World, World]:
    """Two clones of one repository, with the same workspace in a folder of it."""
    bare = remote(tmp_path)
    lock = {"git": {"branch": LOCKS, "path": "prod.lock.json"}}
    first = World(clone(bare, tmp_path / "mine") / "desk")
    first.write(
        {
            "provisioner.yaml": {
                "workspace": "acme",
                "environments": {"prod": {"service": service, "lock": lock}},
            },
            "specs/all.yaml": SPECS,
            "docs/a.md": "# A\n",
            "docs/b.md": "# B\n",
            ".gitignore": ".provisioner/\n",
        }
    )
    git(first.root, "add", ".")
    git(first.root, "commit", "-q", "-m", "specs")
    git(first.root, "push", "-q", "origin", "main")
    return first, World(clone(bare, tmp_path / "yours") / "desk")


@pytest.mark.thorough
def test_plan_apply_plan_from_two_clones(worlds: tuple[World, World]) -> None:
    """What one clone applies the other one plans against, without a pull and without a change in
    either checkout.
    """
    mine, yours = worlds
    before = everything(mine.root.parent)
    assert "to add" in mine.ok("plan").out
    mine.apply()
    yours.settled()
    yours.write(
        {"specs/all.yaml": {**SPECS, "assistants": {"support": SPECS["assistants"]["support"]}}}
    )
    assert yours.changes() == {"assistant.sales": "delete"}
    yours.apply()
    git(yours.root, "checkout", "-q", "--", ".")
    assert mine.changes() == {"assistant.sales": "create"}
    ids = mine.ok("output", "--json").json
    assert set(ids) == {"assistant.support", "vector_store.kb", "file.docs/a.md", "file.docs/b.md"}
    assert everything(mine.root.parent) == before
    assert not list(mine.root.rglob("*.lock.json*"))


@pytest.mark.thorough
def test_two_applies_at_once(worlds: tuple[World, World]) -> None:
    """Each from its own clone and in its own process: the second waits, and nothing is
    there twice.
    """
    store = GitStore(worlds[0].root, "prod.lock.json")
    running = met(
        store, lambda: [start(world, "apply", "-y", "--lock-timeout", "60") for world in worlds]
    )
    reported = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], reported
    counts = sorted((re.findall(r"(\d+) added", out) or ["0"])[0] for out, _ in reported)
    assert counts == ["0", "5"], reported
    for world in worlds:
        world.settled()


@pytest.mark.thorough
def test_busy_and_forced(worlds: tuple[World, World]) -> None:
    """An apply is refused while the other clone has the lease; `force-unlock` takes it away."""
    mine, yours = worlds
    with GitStore(mine.root, "prod.lock.json").lease() as lease:
        refused = yours.run("apply", "-y")
        assert refused.code == 1 and "Lock is busy" in refused.err and lease.id in refused.err
        yours.ok("plan")
        yours.ok("force-unlock", lease.id)
        yours.apply()
    mine.settled()


def test_unreachable(worlds: tuple[World, World]) -> None:
    """Without the remote nothing is planned against an empty lock."""
    mine, _ = worlds
    mine.apply()
    git(mine.root, "remote", "set-url", "origin", "/nowhere.git")
    refused = mine.run("plan")
    assert (
        refused.code == 1 and "'/nowhere.git' does not appear to be a git repository" in refused.err
    )


# Transports


def test_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over ssh, by whatever command git has been told to use."""
    bare = remote(tmp_path)
    script = tmp_path / "ssh"
    script.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nfor last; do :; done\nexec sh -c "$last"\n'
    )
    script.chmod(0o755)
    mine = clone(bare, tmp_path / "mine")
    git(mine, "remote", "set-url", "origin", f"ssh://git@host.example{bare}")
    git(mine, "config", "core.sshCommand", str(script))
    apply(GitStore(mine, "prod.lock.json"))
    assert f"host.example git-receive-pack '{bare}'" in (tmp_path / "calls").read_text()
    assert git(bare, "show", f"{LOCKS}:prod.lock.json")


class Hosting(http.server.BaseHTTPRequestHandler):
    """Git over HTTP, for whoever knows the password."""

    root: Path
    wanted = "Basic " + base64.b64encode(b"ada:hunter2").decode()

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != self.wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic realm=git")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        env = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "ada",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=env, capture_output=True, check=True
        )
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        self.send_response(200)
        for line in head.decode().splitlines():
            self.send_header(*line.split(": ", 1))
        self.end_headers()
        self.wfile.write(rest)

    do_POST = do_GET


@contextlib.contextmanager
def hosted(root: Path) -> Iterator[int]:
    handler = type("Here", (Hosting,), {"root": root})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_http_with_a_credential_helper(tmp_path: Path) -> None:
    """Over HTTP with the credentials that git already has; without them it says so, and
    never asks.
    """
    bare = remote(tmp_path)
    git(bare, "config", "http.receivepack", "true")
    with hosted(tmp_path) as port:
        mine = clone(bare, tmp_path / "mine")
        git(mine, "remote", "set-url", "origin", f"http://127.0.0.1:{port}/remote.git")
        store = GitStore(mine, "prod.lock.json")
        with pytest.raises(Exception, match=r"Git has failed.*could not read Username"):
            store.read()
        git(mine, "config", "credential.helper", "!printf 'username=ada\\npassword=hunter2\\n';:")
        apply(store)
        found = GitStore(mine, "prod.lock.json").read()
    assert found is not None and SUPPORT in found.resources
    assert git(bare, "show", f"{LOCKS}:prod.lock.json")
