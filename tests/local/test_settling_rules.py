"""Rules that let writes settle: what they strike, what may stand beside them, how long they last,
what is refused.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from provisioner.local import create_app

from .conftest import Server
from .things import ASSISTANTS, FILES, STORES, Thing, Wire, assistant, file, store


def test_a_lag_outlasts_the_service_and_leaves_the_truth_alone(
    lagging: Any, tell: Any, clock: Any
) -> None:
    """A restart with the same rules shows the same; one without rules shows what is true, whatever
    lags for ever.
    """
    things: dict[str, Thing] = {}
    everything = "seconds: 1000000, of: [list, get, attach, use, update, delete]"

    async def before(wire: Wire) -> None:
        things["changed"] = await assistant(wire)
        things["deleted"] = await store(wire)
        # Nothing lags that is older than its lag.
        clock.tick(2_000_000)
        things["made"] = await file(wire)
        await wire.post(things["changed"].path, name="b")
        await wire.delete(things["deleted"].path)

    async def still(wire: Wire) -> None:
        clock.tick(999_000)
        assert await things["made"].shown(wire) == []
        assert await wire.refused(wire.get(things["made"].path)) == (404, things["made"].absent)
        assert (await wire.get(things["changed"].path))["name"] == "a"
        assert (await wire.get(things["deleted"].path))["id"] == things["deleted"].id

    async def truth(client: openai.AsyncOpenAI) -> None:
        wire = Wire(client)
        assert len(await things["made"].shown(wire)) == 2
        assert (await wire.get(things["changed"].path))["name"] == "b"
        assert await wire.listed(STORES) == []

    lagging(before, everything, "")
    lagging(still, everything, "")
    tell(truth)


def test_without_such_a_rule_nothing_is_noted(lagging: Any, rules: Any, tmp_path: Path) -> None:
    """The database is the one that a service without faults has, and reads go to the tables
    themselves.
    """
    plain = create_app(tmp_path / "plain", faults=rules("{action: {latency: 0.01}}"))
    names = {
        row["name"] for row in plain.state.service.database.all("SELECT name FROM sqlite_master")
    }
    assert "settling" not in names
    assert plain.state.service.database.all("SELECT name FROM sqlite_temp_master") == []
    assert (plain.state.reader.seen("files"), plain.state.reader.listed("files")) == (
        "files",
        "files",
    )


def test_reads_neither_strike_nor_count(lagging: Any) -> None:
    """`nth` counts the writes, so that a client that reads more often meets the same lag."""

    async def story(wire: Wire) -> None:
        first = await file(wire)
        for _ in range(3):
            await wire.get(first.path)
        second, third = await file(wire), await file(wire)
        listed = [one["id"] for one in await wire.listed(FILES)]
        assert sorted(listed) == sorted([first.id, third.id])
        assert await second.shown(wire) == []

    line = "{match: {path: files, nth: 2}, action: {settle: {seconds: 9, of: [list]}}}"
    lagging(story, "seconds: 0, of: [list]", "nothing", line)


def test_other_faults_strike_beside_it(lagging: Any, clock: Any) -> None:
    """A reply can be lost of what shows late: in one rule, and by two."""

    async def story(wire: Wire) -> None:
        for number, path in enumerate((ASSISTANTS, STORES), 1):
            with pytest.raises(openai.APIConnectionError):
                await wire.post(
                    path, name="a", **({"model": "gpt-4o"} if path == ASSISTANTS else {})
                )
            assert await wire.listed(path) == []
            clock.tick(0.5)
            assert len(await wire.listed(path)) == 1, number

    lagging(
        story,
        "seconds: 0.5, of: [list]}, reset: after, latency: 0.01, settle: {seconds: 0.5, of: [list]",
        "^/v1/assistants$",
        '{match: {path: "vector_stores"}, action: {settle: {seconds: 0.5, of: [list]}}}',
        '{match: {path: "vector_stores", method: POST}, action: {reset: after}}',
    )


def test_an_upload_lags_for_itself_alone(rules: Any, tmp_path: Path) -> None:
    """Of two that arrive at the same time, the one that the rule strikes."""
    app = create_app(
        tmp_path / "data",
        faults=rules("{match: {path: files, nth: 1}, action: {settle: {seconds: 9, of: [list]}}}"),
    )
    begun, other_is_there = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"--x\r\nContent-Disposition: form-data; name=purpose\r\n\r\nuser_data\r\n--x\r\n"
        begun.set()
        await other_is_there.wait()
        yield (
            b"Content-Disposition: form-data; name=file; filename=slow.md\r\n\r\ntext\r\n--x--\r\n"
        )

    async def story() -> None:
        transport, headers = httpx2.ASGITransport(app=app), {"Authorization": "Bearer any"}
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://local/v1", headers=headers
        ) as client:
            form = {"Content-Type": "multipart/form-data; boundary=x"}
            slow = asyncio.create_task(client.post(FILES, content=slowly(), headers=form))
            await begun.wait()
            quick = await client.post(
                FILES, files={"file": ("quick.md", b"text")}, data={"purpose": "user_data"}
            )
            other_is_there.set()
            assert (await slow).json()["filename"] == "slow.md"
            assert (await client.get(FILES)).json()["data"] == [quick.json()]

    asyncio.run(story())


def test_time_passes_over_http(rules: Any, tmp_path: Path) -> None:
    """`local serve --faults` lags by the clock on the wall, and ends cleanly."""
    path = rules(
        '{match: {method: POST, path: "/v1/assistants"}, action: {settle: {seconds: 0.4, of: [list,'
        " get]}}}"
    )
    server = Server(tmp_path / "served", path)
    with httpx2.Client(base_url=server.url, headers={"Authorization": "Bearer any"}) as client:
        begun = time.monotonic()
        made = client.post(ASSISTANTS, json={"model": "gpt-4o"}).json()
        while not client.get(ASSISTANTS).json()["data"]:
            time.sleep(0.02)
        assert time.monotonic() - begun >= 0.4
        assert client.get(f"{ASSISTANTS}/{made['id']}").json() == made
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            "action: {settle: {of: [list]}}",
            r"Missing required parameter: 'rules\[0\].action.settle.seconds'",
        ),
        (
            "action: {settle: {seconds: 1}}",
            r"Missing required parameter: 'rules\[0\].action.settle.of'",
        ),
        (
            "action: {settle: {seconds: 1, of: []}}",
            r"Invalid 'rules\[0\].action.settle.of': array too short",
        ),
        (
            "action: {settle: {seconds: 1, of: list}}",
            r"'rules\[0\].action.settle.of': expected an array",
        ),
        (
            "action: {settle: {seconds: -1, of: [list]}}",
            r"Invalid 'rules\[0\].action.settle.seconds'",
        ),
        (
            "action: {settle: {seconds: .inf, of: [list]}}",
            r"Invalid 'rules\[0\].action.settle.seconds'",
        ),
        (
            "action: {settle: {seconds: 1, at: [list]}}",
            r"Unknown parameter: 'rules\[0\].action.settle.at'",
        ),
        (
            "action: {settle: {seconds: 1, of: [lists]}}",
            r"rules\[0\].action.settle.of\[0\]: Invalid value: 'lists'",
        ),
        (
            "action: {settle: {seconds: 1, off: [list]}}",
            r"Unknown parameter: 'rules\[0\].action.settle.False'",
        ),
        ("action: {settle: 1}", r"'rules\[0\].action.settle': expected an object"),
        (
            "action: {settle: {seconds: 1, of: [get], status: 500}}",
            r"rules\[0\].action.settle.status: .*'500'.*'409'",
        ),
        (
            "action: {settle: {seconds: 1, of: [get], status: true}}",
            r"'rules\[0\].action.settle.status': expected an",
        ),
        (
            "action: {settle: {seconds: 1, of: [get], status: 409}}",
            r"must name at least one of: delete\.",
        ),
        (
            "action: {settle: {seconds: 1, of: [list], status: 400}}",
            r"must name at least one of: get, attach, use\.",
        ),
        (
            "{match: {filename: a}, action: {settle: {seconds: 1, of: [get]}}}",
            r"'rules\[0\].action.settle' is about requests",
        ),
    ],
)
def test_a_wrong_rule_is_refused(rules: Any, tmp_path: Path, rule: str, words: str) -> None:
    """At the start, with its place."""
    with pytest.raises(ValueError, match=f"faults.yaml: .*{words}"):
        create_app(tmp_path / "data", faults=rules(rule))
