"""Two services over the same data: what one of them began holds for the other at once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx2
import pytest

from provisioner.local import create_app

ROUNDS = 40


@pytest.fixture
def both(tmp_path: Path, clock: Any) -> Any:
    """Posts the same at the same instant through both."""
    apps = [create_app(tmp_path / "data", clock=clock) for _ in range(2)]
    at_once = Barrier(2)

    def post(number: int, path: str, body: Any, *, alone: bool = False) -> httpx2.Response:
        async def send() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=apps[number])
            async with httpx2.AsyncClient(
                transport=transport,
                base_url="http://local/v1",
                headers={"authorization": "Bearer local"},
            ) as client:
                if not alone:
                    at_once.wait(10)
                return await (client.post(path, json=body) if body else client.get(path))

        return asyncio.run(send())

    with ThreadPoolExecutor(2) as pool:

        def twice(path: str, *bodies: Any) -> list[int]:
            replies = pool.map(lambda number: post(number, path, bodies[number]), range(2))
            return sorted(reply.status_code for reply in replies)

        yield twice, lambda path, body=None: post(0, path, body, alone=True).json()


def test_only_one_run_begins(both: Any) -> None:
    """Of two runs one is refused, and what it wanted to say is not in the thread."""
    twice, once = both
    assistant = once("/assistants", {"model": "gpt-4o"})["id"]
    for _ in range(ROUNDS):
        thread = once("/threads", {"messages": [{"role": "user", "content": "first"}]})["id"]
        said = [[{"role": "user", "content": text}] for text in ("a", "b")]
        runs = [{"assistant_id": assistant, "additional_messages": one} for one in said]
        assert twice(f"/threads/{thread}/runs", *runs) == [200, 400]
        listed = once(f"/threads/{thread}/messages")["data"]
        assert len([one for one in listed if one["role"] == "user"]) == 2


def test_only_one_response_joins_a_conversation(both: Any) -> None:
    """The other one hears that the conversation is in use."""
    twice, once = both
    for _ in range(ROUNDS):
        conversation = once("/conversations", {"metadata": {"a": "b"}})["id"]
        given = {"model": "gpt-4o", "input": "x", "background": True, "conversation": conversation}
        assert twice("/responses", given, given) == [200, 400]
