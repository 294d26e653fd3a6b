"""When the money is gone, nothing more is tried, and what was done is recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.world import World


@pytest.mark.parametrize("at_once", [2, 10])
def test_a_quota_stops_the_run(world: World, at_once: int) -> None:
    """The first refusal ends it: exit 1, the service's words, nothing that waited for its turn is
    tried, and the next apply goes on from there.
    """
    world.write(
        {"specs/all.yaml": {"assistants": {f"a{number}": {"model": "m"} for number in range(30)}}}
    )
    posts = []

    def broke(app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and scope["method"] == "POST":
                posts.append(scope["path"])
                if len(posts) > 5:
                    error = {
                        "message": "You exceeded your current quota.",
                        "type": "insufficient_quota",
                        "param": None,
                    }
                    body = json.dumps({"error": {**error, "code": "insufficient_quota"}}).encode()
                    headers = [(b"content-type", b"application/json")]
                    await send({"type": "http.response.start", "status": 429, "headers": headers})
                    await send({"type": "http.response.body", "body": body})
                    return
            await app(scope, receive, send)

        return wrapped

    with world.behind(broke):
        failed = world.ok("apply", "-y", "--parallelism", str(at_once), code=1)
    assert "You exceeded your current quota." in failed.err
    assert 5 < len(posts) <= 5 + at_once
    assert failed.err.count("You exceeded") == len(posts) - 5
    assert len(world.listed("/assistants")) == 5
    world.apply()
    assert len(world.listed("/assistants")) == 30
