"""Requests that fail in every way there is, at every step of an apply: what is left is what was declared."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from provisioner.apply import exactly_once
from provisioner.remote import Retries
from tests.crash.test_crash_points import Crash, crashing, edited, neutral, points, told
from tests.support.world import World

__all__ = ["edited"]


class Trouble:
    """Lets request number `at` fail in one way, and all others pass."""

    def __init__(self, at: int, how: str) -> None:
        self.at, self.how, self.seen = at, how, 0

    def around(self, app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            number, self.seen = self.seen, self.seen + 1
            if number != self.at:
                await app(scope, receive, send)
            elif self.how in ("429", "500 before"):
                await answer(send, 429 if self.how == "429" else 500)
            else:
                await app(scope, receive, silent)
                if self.how == "500 after":
                    await answer(send, 500)
                else:
                    raise ConnectionResetError  # the reply is never sent

        return wrapped


async def silent(_: Any) -> None:
    """A reply that nobody hears."""


async def answer(send: Any, status: int) -> None:
    body = json.dumps({"error": {"message": "injected", "type": "server_error", "param": None, "code": None}}).encode()
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


WAYS = ["lost", "500 after", "500 before", "429"]


@pytest.mark.parametrize("how", WAYS)
def test_every_request(
    edited: World, how: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One failed request of any kind changes nothing about the end: no duplicate, nothing lost, nothing left over."""
    monkeypatch.setattr("provisioner.remote.client.Retries", lambda: Retries(base=0))
    monkeypatch.setattr(exactly_once, "PAUSE", 0)
    saved = tmp_path_factory.mktemp("saved") / "w"
    shutil.copytree(edited.root, saved)
    edited.calls.clear()
    crashing(edited, Crash(None), monkeypatch)
    total, wanted = len(edited.calls), neutral(edited)
    for at in points(total, 5, WAYS.index(how)):
        shutil.rmtree(edited.root)
        shutil.copytree(saved, edited.root)
        trouble = Trouble(at, how)
        edited.wrap = trouble.around
        result = edited.run("apply", "-y", "--force")
        edited.wrap = lambda app: app
        if result.code:
            edited.ok("apply", "-y", "--force")
        edited.settled()
        assert told(neutral(edited)) == told(wanted), f"request {at} of {total}\n{result.out}{result.err}"
