"""A workspace in a folder, the embedded service behind it, and the real command line in front."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

import provisioner.local
from tests.support.injecting import Change, Faults, Injection, Middleware, Rule
from tests.support.running import Result, run_here


@dataclass(slots=True)
class World:
    """One workspace. Every request that reaches the service is in `calls`."""

    root: Path
    indexing_seconds: float = 0.0
    calls: list[tuple[str, str]] = field(default_factory=list)
    _between: list[Injection] = field(default_factory=list)
    _faults: Faults | None = None
    rest: contextlib.ExitStack = field(
        default_factory=contextlib.ExitStack
    )  # closed when the test ends

    def app(self, data: Path | None = None, **_: object) -> Any:
        """The embedded service as the product sees it, with every request taken down."""
        folder = data or self.root / ".provisioner/local"
        faults = self._faults.path if self._faults else None
        inner = self._create(folder, indexing_seconds=self.indexing_seconds, faults=faults)
        if self._faults:
            self._faults.served_by(inner)
        for one in self._between:
            inner = one.around(inner)

        async def recorded(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                self.calls.append((scope["method"], scope["path"].removeprefix("/v1")))
            await inner(scope, receive, send)

        return recorded

    _create = staticmethod(provisioner.local.create_app)

    @contextlib.contextmanager
    def behind(self, *injected: Injection | Middleware) -> Iterator[None]:
        """The service behind all these, the last one before the others. When the block ends, each
        must have happened: a test of what never came proves nothing.
        """
        new = [one if isinstance(one, Injection) else Change(one) for one in injected]
        self._between += new
        try:
            yield
        finally:
            self._between = [one for one in self._between if one not in new]
        never = [one for one in new if not one.happened()]
        assert not never, f"injected, but it never happened: {never}"

    def from_now_on(self, *injected: Injection | Middleware) -> None:
        """The same until the test ends."""
        self.rest.enter_context(self.behind(*injected))

    @contextlib.contextmanager
    def failing(self, *rules: Rule, seed: int = 0) -> Iterator[Faults]:
        """The service with these faults, each of which must have struck when the block ends."""
        with self.perhaps_failing(*rules, seed=seed) as faults:
            yield faults
        assert faults.struck and all(faults.struck), (
            f"faults that never struck: {faults.struck} times {rules}"
        )

    @contextlib.contextmanager
    def perhaps_failing(self, *rules: Rule, seed: int = 0) -> Iterator[Faults]:
        """The same where luck decides; whoever asks says what has to have happened."""
        self.write({"faults.yaml": {"seed": seed, "rules": list(rules)}})
        self._faults = Faults(self.root / "faults.yaml")
        try:
            yield self._faults
        finally:
            self._faults = None

    def write(self, files: Mapping[str, Any]) -> None:
        """Write files; None deletes one; mappings become YAML."""
        for name, content in files.items():
            path = self.root / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                text = (
                    content
                    if isinstance(content, str)
                    else yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
                )
                path.write_text(text, encoding="utf-8")

    def run(self, *words: str) -> Result:
        """Run a command line in the workspace."""
        return run_here(["-C", str(self.root), *words])

    def ok(self, *words: str, code: int = 0) -> Result:
        """Run a command line that must end with `code`."""
        result = self.run(*words)
        assert result.code == code, f"{words} exited with {result.code}\n{result.out}\n{result.err}"
        return result

    def apply(self, *words: str) -> Result:
        """Apply, then see that there is nothing left to do."""
        result = self.ok("apply", "-y", *words)
        self.settled(*[word for word in words if word.startswith("-e")])
        return result

    def settled(self, *words: str, story: str = "") -> None:
        """The next plan is empty, in words, in its exit code and in JSON."""
        again = self.run("plan", "--detailed-exitcode", *words)
        assert again.code == 0, f"the second plan is not empty:\n{again.out}\n{again.err}\n{story}"
        assert "No changes. The service matches the specs." in again.out

    def plan(self, *words: str) -> dict[str, Any]:
        """The plan document."""
        document: dict[str, Any] = self.ok("plan", "--json", *words).json
        return document

    def changes(self, *words: str) -> dict[str, str]:
        """What is planned: address → actions joined by `/`."""
        rows = self.plan(*words)["resource_changes"]
        return {row["address"]: "/".join(row["change"]["actions"]) for row in rows}

    def lock(self, path: str = ".provisioner/local/lock.json") -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / path).read_text(encoding="utf-8"))
        return found

    def id(self, address: str) -> str:
        return str(self.lock()["resources"][address]["id"])

    def http(self, method: str, path: str, body: Any = None, expect: int = 200) -> Any:
        """A request by somebody else; it is not among `calls`. `$ADDRESS` in the path stands for an
        id.
        """
        return asyncio.run(self._http(method, self._filled(path), self._filled_in(body), expect))

    def _filled(self, text: str) -> str:
        return re.sub(r"\$\{([a-z_]+\.[^{}]+)\}", lambda match: self.id(match[1]), text)

    def _filled_in(self, body: Any) -> Any:
        return None if body is None else json.loads(self._filled(json.dumps(body)))

    def upload(self, name: str, data: bytes, purpose: str = "assistants") -> str:
        """A file that somebody else uploads; its id."""
        more = {"files": {"file": (name, data)}, "data": {"purpose": purpose}}
        return str(asyncio.run(self._http("POST", "/files", None, 200, **more))["id"])

    async def _http(self, method: str, path: str, body: Any, expect: int, **more: Any) -> Any:
        transport = httpx2.ASGITransport(
            self._create(self.root / ".provisioner/local", indexing_seconds=0)
        )
        headers = {"Authorization": "Bearer somebody-else", "OpenAI-Beta": "assistants=v2"}
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://local/v1", headers=headers
        ) as client:
            reply = await client.request(method, path, json=body, **more)
        assert reply.status_code == expect, reply.text
        return reply.json()

    @contextlib.contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """What the service keeps, past all its rules; what is changed is kept at the end."""
        place = self.root / ".provisioner/local/service.db"
        with contextlib.closing(sqlite3.connect(place)) as opened, opened:
            yield opened

    def listed(self, path: str) -> list[Any]:
        """Everything in a list of the service."""
        found: list[Any] = []
        while True:
            after = f"&after={found[-1]['id']}" if found else ""
            page = self.http("GET", f"{path}?limit=100{after}")
            found += page["data"]
            if not page["has_more"]:
                return found


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A fresh workspace over a fresh service."""
    found = World(tmp_path)
    monkeypatch.setattr(provisioner.local, "create_app", found.app)
    monkeypatch.delenv("PROVISIONER_ENV", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    with found.rest:
        yield found
