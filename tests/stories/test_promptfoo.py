"""Checks written for promptfoo, from the command line."""

from __future__ import annotations

import pytest
import yaml

from tests.support.world import World

HELLO = {"hello": [{"say": "Hello", "expect": {"contains": "hello"}}]}
SPEC = {
    "assistants": {
        "old": {"api": "assistants", "model": "gpt-4o", "checks": HELLO},
        "new": {
            "api": "responses",
            "model": "gpt-4o",
            "instructions": "Help.\nAlways.\n",
            "checks": {**HELLO, "ends": [{"say": "Hello", "expect": {"status": "failed"}}]},
        },
    }
}


@pytest.fixture
def applied(world: World) -> World:
    world.write({"specs/all.yaml": SPEC})
    world.apply()
    return world


def test_an_export_has_what_was_applied(applied: World) -> None:
    """Ids and requests are those of the lock; nobody is asked, and what is left out is said."""
    applied.calls.clear()
    result = applied.ok("check", "--export", "promptfoo")
    found = yaml.safe_load(result.out)

    assert [one["id"] for one in found["providers"]] == [
        "openai:responses:gpt-4o",
        f"openai:assistant:{applied.id('assistant.old')}",
    ]
    request = applied.ok("output").json["assistant.new"]["request"]
    sent = found["providers"][0]["config"]["passthrough"]
    assert {"model": "gpt-4o", **sent} == request
    assert [one["description"] for one in found["tests"]] == [
        "assistant.new#hello",
        "assistant.old#hello",
    ]
    assert "not translated: `assistant.new#ends` is left out" in result.err
    assert "note: To run it at the embedded service" in result.err
    assert applied.calls == []


def test_an_export_into_a_file(applied: World) -> None:
    """The same bytes each time, and nothing on stdout; a part where one is named."""
    printed = applied.ok("check", "--export", "promptfoo").out
    for _ in range(2):
        assert not applied.ok("check", "--export", "promptfoo", "--out", "sub/p.yaml").out
        assert (applied.root / "sub/p.yaml").read_text() == printed
    some = applied.ok("check", "--export", "promptfoo", "assistant.old").out
    assert [one["label"] for one in yaml.safe_load(some)["providers"]] == ["assistant.old"]


def test_what_was_never_applied_is_named(world: World) -> None:
    """With nothing to export that is a failure; the file is one all the same."""
    world.write({"specs/all.yaml": SPEC})
    result = world.ok("check", "--export", "promptfoo", code=1)

    assert yaml.safe_load(result.out)["tests"] == []
    assert "`assistant.new#hello` is left out: `assistant.new` was never applied" in result.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--out", "a.yaml"], "`--out` is for `--export`"),
        (["--export", "promptfoo", "--json"], "`--export` asks nobody"),
        (["--export", "promptfoo", "--junit", "a.xml"], "`--export` asks nobody"),
        (["--export", "promptfoo", "--out", "specs/all.yaml/a"], "is not a folder"),
        (["--export", "promptfoo", "--out", "specs/p.yaml"], "would be read as a spec"),
    ],
)
def test_what_does_not_go_together(world: World, words: list[str], told: str) -> None:
    """It is refused before anything is done."""
    world.write({"specs/all.yaml": SPEC})

    result = world.ok("check", *words, code=1)
    assert told in result.err + result.out
