"""Faults: each kind strikes as its rule says, in-process and over HTTP, and a wrong file is
refused.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import openai
import pytest

from provisioner.local import create_app
from provisioner.local.faults import load_faults

from .conftest import Server

CREATE = 'match: {method: POST, path: "^/v1/vector_stores$", nth: 1}'


async def stores(client: openai.AsyncOpenAI) -> int:
    return len([store async for store in client.vector_stores.list()])


@pytest.mark.parametrize(
    ("action", "error", "made"),
    [
        ("{status: 429, retry_after: 2}", openai.RateLimitError, 0),
        ("{status: 500}", openai.InternalServerError, 0),
        ("{status: 500, when: after}", openai.InternalServerError, 1),
        ("{status: 503, when: before}", openai.InternalServerError, 0),
        ("{reset: before}", openai.APIConnectionError, 0),
        ("{reset: after}", openai.APIConnectionError, 1),
        ("{truncate: 20}", openai.APIConnectionError, 1),
    ],
)
def test_each_kind_strikes(tell: Any, rules: Any, action: str, error: Any, made: int) -> None:
    """The client hears of a failure, and what happened behind it is what the rule says."""

    async def story(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(error):
            await client.vector_stores.create(name="a")
        assert await stores(client) == made
        await client.vector_stores.create(name="b")

    tell(story, faults=rules(f"{{{CREATE}, action: {action}}}"))


def test_connections_really_break_over_http(rules: Any, tmp_path: Path) -> None:
    """Each break is one of the connection, the server lives on, and its end is clean."""
    breaks = {"{reset: before}": 0, "{reset: after}": 1, "{truncate: 20}": 1}
    path = rules(
        *(f"{{{CREATE[:-2]} {nth}}}, action: {action}}}" for nth, action in enumerate(breaks, 1))
    )
    server = Server(tmp_path / "served", path)
    expected = 0
    with server.client() as client:
        for made in breaks.values():
            with pytest.raises(openai.APIConnectionError):
                client.vector_stores.create(name="a")
            expected += made
            assert len(client.vector_stores.list().data) == expected
        client.vector_stores.create(name="b")
    assert server.stop() == 0


def test_a_refusal_looks_like_the_real_one(tell: Any, rules: Any) -> None:
    """A rate limit has its code and says when to come back; a spent budget has another code."""
    path = rules(
        f"{{{CREATE}, action: {{status: 429, retry_after: 2}}}}",
        f"{{{CREATE.replace('nth: 1', 'nth: 2')}, action: {{status: 429, code:"
        " insufficient_quota}}",
    )

    async def story(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.RateLimitError) as limit:
            await client.vector_stores.create(name="a")
        assert (limit.value.code, limit.value.response.headers["retry-after"]) == (
            "rate_limit_exceeded",
            "2",
        )
        assert limit.value.request_id
        with pytest.raises(openai.RateLimitError) as quota:
            await client.vector_stores.create(name="a")
        assert quota.value.code == "insufficient_quota"

    tell(story, faults=path)


def test_the_same_seed_gives_the_same_faults(tell: Any, rules: Any) -> None:
    """Two runs fail at the same requests, another seed at others, and `times` is the most."""

    def failures(seed: int, times: int = 100) -> list[int]:
        found = []

        async def story(client: openai.AsyncOpenAI) -> None:
            for number in range(40):
                try:
                    await client.models.list()
                except openai.InternalServerError:
                    found.append(number)

        tell(
            story,
            faults=rules(
                f"{{match: {{probability: 0.5, times: {times}}}, action: {{status: 500}}}}",
                seed=seed,
            ),
        )
        return found

    first = failures(1)
    assert 8 < len(first) < 32
    assert failures(1) == first
    assert failures(2) != first
    assert failures(1, times=3) == first[:3]


def test_latency_delays(tell: Any, rules: Any) -> None:
    """Latencies add up, and the reply is otherwise untouched."""
    path = rules("{match: {path: models}, action: {latency: 0.05}}", "{action: {latency: 0.05}}")

    async def story(client: openai.AsyncOpenAI) -> None:
        started = time.monotonic()
        assert (await client.models.list()).data
        assert time.monotonic() - started >= 0.1

    tell(story, faults=path)


def test_indexing_can_be_slow_and_can_fail(tell: Any, clock: Any, rules: Any) -> None:
    """By the name of the file; all others are indexed as usual."""
    path = rules(
        '{match: {filename: "slow*"}, action: {indexing_seconds: 60}}',
        '{match: {filename: "bad*"}, action: {fails: unsupported_file}}',
    )

    async def story(client: openai.AsyncOpenAI) -> None:
        ids = [
            (await client.files.create(file=(name, b"text"), purpose="assistants")).id
            for name in ("slow.md", "bad.md", "good.md")
        ]
        store = await client.vector_stores.create(name="kb", file_ids=ids)

        async def status(file_id: str) -> tuple[str, str | None]:
            file = await client.vector_stores.files.retrieve(file_id, vector_store_id=store.id)
            return file.status, file.last_error.code if file.last_error else None

        clock.tick(1)
        assert [await status(one) for one in ids] == [
            ("in_progress", None),
            ("failed", "unsupported_file"),
            ("completed", None),
        ]
        clock.tick(60)
        assert await status(ids[0]) == ("completed", None)

    tell(story, faults=path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules: [{action: {statsu: 500}}]", r"Unknown parameter: 'rules\[0\].action.statsu'"),
        ("rules: [{match: {}}]", "Missing required parameter: 'rules\\[0\\].action'"),
        (
            "rules: [{action: {reset: during}}]",
            r"faults.yaml: rules\[0\].action.reset: Invalid value: 'during'",
        ),
        (
            "rules: [{action: {latency: -1}}]",
            r"Invalid 'rules\[0\].action.latency': decimal below minimum",
        ),
        (
            "rules: [{action: {latency: .nan}}]",
            r"Invalid 'rules\[0\].action.latency': decimal below minimum",
        ),
        (
            "rules: [{match: {probability: .nan}, action: {}}]",
            r"Invalid 'rules\[0\].match.probability': decimal above",
        ),
        ("rules: [{match: {on: 1}, action: {}}]", r"Unknown parameter: 'rules\[0\].match.True'"),
        ("rules: [", "faults.yaml"),
        ("- a", "expected an object"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """The message names the file and the place; nothing is served with half of the rules."""
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        create_app(tmp_path / "data", faults=path)


def test_an_empty_file_asks_for_nothing(tmp_path: Path) -> None:
    """No rules, no faults."""
    path = tmp_path / "faults.yaml"
    path.write_text("")
    assert load_faults(path).requests == []
