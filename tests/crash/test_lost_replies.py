"""Requests that fail in every way there is, at every step of an apply: what is left is what was
declared.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from provisioner.remote import Retries
from tests.crash.instants import Before
from tests.crash.outcome import outcome
from tests.crash.workspace import IN_A_FILE
from tests.support.injecting import Middleware


def trouble(at: int, how: str) -> Middleware:
    """Lets request number `at` fail in one way, and all others pass."""
    numbers = itertools.count()

    def around(app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            if next(numbers) != at:
                await app(scope, receive, send)
            elif how in ("429", "500 before"):
                await answer(send, 429 if how == "429" else 500)
            else:
                await app(scope, receive, silent)
                if how == "500 after":
                    await answer(send, 500)
                else:
                    raise ConnectionResetError  # the reply is never sent

        return wrapped

    return around


async def silent(_: Any) -> None:
    """A reply that nobody hears."""


async def answer(send: Any, status: int) -> None:
    body = json.dumps(
        {"error": {"message": "injected", "type": "server_error", "param": None, "code": None}}
    ).encode()
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


WAYS = ["lost", "500 after", "500 before", "429"]
TRIED = [WAYS[0], *(pytest.param(how, marks=pytest.mark.thorough) for how in WAYS[1:])]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("how", TRIED)
@pytest.mark.parametrize("before", IN_A_FILE, indirect=True)
def test_every_request(before: Before, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One failed request of any kind changes nothing about the end: no duplicate, nothing lost,
    nothing left over.
    """
    monkeypatch.setattr("provisioner.remote.client.Retries", lambda: Retries(base=0))
    world = before.world
    world.calls.clear()
    world.ok("apply", "-y", "--force")
    total, wanted = len(world.calls), outcome(world)
    for at in before.each(total, 3, WAYS.index(how)):
        with world.behind(trouble(at, how)):
            result = world.run("apply", "-y", "--force")
        if result.code:
            world.ok("apply", "-y", "--force")
        world.settled()
        assert outcome(world) == wanted, f"request {at} of {total}\n{result.out}{result.err}"
