"""Secrets that stand where they should not, or come back from a service, are in nothing that a
command prints.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from provisioner import masking
from tests.e2e.serving import point_at, served
from tests.e2e.test_failing_services import answering
from tests.support.running import Result
from tests.support.world import World

KEY = "sk-proj-PLANTED0123456789abcdefghij"
HEX = "a0PLANTEDf00123456789abcdef012345"
PARTS = ("PLANTED", "0123456789", "46813579", "24671357", "5468911")
SPEC = "assistants: {a: {model: gpt-4o}}\n"
MCP = (
    "assistants:\n  a:\n    model: m\n    api: responses\n    tools:\n      - type: mcp\n       "
    " server_label: crm\n"
)


def environment(text: str) -> dict[str, str]:
    return {
        "provisioner.yaml": f"environments:\n  p:\n    service: openai\n    {text}\n",
        "specs/a.yaml": SPEC,
    }


def spec(text: str) -> dict[str, str]:
    return {"specs/a.yaml": f"{MCP}        {text}\n"}


# What must be reported is that something is wrong, and where; never what was written there.
FAULTY: dict[str, tuple[dict[str, str], str]] = {
    "a key for a reference": (environment(f"api_key: {KEY}"), "provisioner.yaml:4:14"),
    "a key of another sort": (environment(f"api_key: {HEX}"), "provisioner.yaml:4:14"),
    "a number for a key": (environment("api_key: 246813579"), "provisioner.yaml:4:14"),
    "an odd number for a key": (environment("api_key: 024671357"), "provisioner.yaml:4:14"),
    "an odd number in a variable": (
        {"provisioner.yaml": "variables: {token: 024671357}\n", "specs/a.yaml": SPEC},
        "provisioner.yaml:1:20",
    ),
    "a list of keys": (environment(f"api_key: [{HEX}]"), "provisioner.yaml:4:14"),
    "a key under a wrong name": (
        environment(f"api_key: {{value: {HEX}}}"),
        "provisioner.yaml:4:15",
    ),
    "a key as a name": (environment(f"api_key: {{{KEY}: x}}"), "provisioner.yaml:4:15"),
    "a key for a variable": (environment(f"api_key: {{env: {KEY}}}"), "provisioner.yaml:4:20"),
    "a key that could be a variable's name": (
        environment(f"api_key: {{env: {HEX}}}"),
        "provisioner.yaml:4:20",
    ),
    "a key in two lines": (environment(f"api_key:\n      env: {HEX} x"), "provisioner.yaml:5:12"),
    "a key for a service": (
        environment(f"x: 1\n  q:\n    service: {KEY}"),
        "provisioner.yaml:6:14",
    ),
    "a service with a password": (
        environment(f"x: 1\n  q:\n    service: https://u:{HEX}@host.example/v1"),
        "provisioner.yaml:6:14",
    ),
    "a service with a long password": (
        environment(f"x: 1\n  q:\n    service: https://u:{HEX * 9}@host.example/v1"),
        "provisioner.yaml:6:14",
    ),
    "a service with a key": (
        environment(f"x: 1\n  q:\n    service: https://host.example/v1?api_key={HEX}"),
        "provisioner.yaml:6:14",
    ),
    "YAML that cannot be read": (environment(f"api_key: @{HEX}"), "provisioner.yaml:4"),
    "two colons": (environment(f"api_key: {HEX}: x"), "provisioner.yaml:4"),
    "no colon": (environment(f"api_key {HEX}\n      x: 1"), "provisioner.yaml:"),
    "no blank": (environment(f"api_key:{HEX}"), "provisioner.yaml:4"),
    "an authorization": (spec(f"authorization: {HEX}"), "specs/a.yaml:8:24"),
    "a number as one": (spec("authorization: 246813579"), "specs/a.yaml:8:24"),
    "headers": (spec(f"headers: {{Authorization: Bearer {HEX}}}"), "specs/a.yaml:8:18"),
    "headers that are text": (spec(f"headers: Bearer {HEX}"), "specs/a.yaml:8:18"),
    "a shared tool": (
        {"specs/a.yaml": f"tools: {{t: {{type: mcp, authorization: {KEY}}}}}\n"},
        "specs/a.yaml:1:",
    ),
    "a server that is no address": (
        spec(f"server_url: ftp://u:{HEX}@crm.example"),
        "specs/a.yaml:8:21",
    ),
    "a model with an address": (
        {"specs/a.yaml": f"assistants: {{a: {{model: m, top_p: 'https://h/?token={HEX}'}}}}\n"},
        "specs/a.yaml:1:",
    ),
}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """No test leaves a secret behind for others."""
    yield
    masking.forget_secrets()


def shows_nothing(*results: Result) -> None:
    for result in results:
        assert not [part for part in PARTS if part in result.out + result.err], (
            result.out + result.err
        )
        assert "Traceback" not in result.err


@pytest.mark.parametrize(("files", "place"), FAULTY.values(), ids=list(FAULTY))
def test_a_faulty_secret_is_told_by_its_place(
    world: World, files: dict[str, str], place: str
) -> None:
    """Whatever is wrong with a secret: it is a problem with its place, and the secret itself is not
    said again.
    """
    world.write(files)
    text, as_json = world.run("validate"), world.run("validate", "--json")
    assert (text.code, as_json.code) == (1, 1)
    assert place in text.err and as_json.json["problems"]
    shows_nothing(text, as_json, world.run("plan", "-v", "-e", "p"), world.run("fmt", "--check"))


ADDRESS = "https://ada:PLANTEDword@crm.example/mcp?api_key=PLANTED0123456789abcdef&page=2"
SHOWN = "https://ada:…@crm.example/mcp?api_key=PLA… (23 characters)&page=2"
COMMANDS = [
    ["plan"],
    ["plan", "-v"],
    ["plan", "--json"],
    ["plan", "--format", "html"],
    ["plan", "--format", "markdown"],
    ["apply", "-y", "-v"],
    ["show"],
    ["show", "--json"],
    ["output", "--json"],
    ["output", "--format", "yaml"],
    ["output", "--format", "env"],
    ["state", "show", "assistant.a"],
    ["state", "show", "assistant.b", "--json"],
    ["drift"],
    ["drift", "--json"],
    ["graph"],
    ["validate"],
    ["validate", "--json"],
]


def addressed(address: str) -> dict[str, Any]:
    tool = {"type": "mcp", "server_label": "crm", "server_url": address}
    text = (
        f"Look it up at {address} at once.\n"
        + f"Then go on, {'very ' * 30} carefully, to {address}.\n"
    )
    return {
        "specs/a.yaml": {
            "assistants": {
                "a": {"model": "gpt-4o", "instructions": text, "metadata": {"where": address}},
                "b": {"model": "gpt-4o", "api": "responses", "tools": [tool]},
            }
        }
    }


def test_a_secret_in_an_address_is_masked_everywhere(world: World) -> None:
    """An address may hold a password: it is applied as it is written, warned about with its place,
    and masked in whatever is printed, whole or cut, alone or within a text.
    """
    world.write(addressed(ADDRESS))
    reported = world.ok("validate").err
    assert reported.count("Secret in address") == 3 and "specs/a.yaml:" in reported
    results = [world.ok(*words) for words in COMMANDS]
    shows_nothing_but_the_beginning(*results)
    assert SHOWN in results[0].out and SHOWN in results[2].out
    assert ADDRESS in world.http("GET", "/assistants/${assistant.a}")["instructions"]
    world.settled()

    world.write(addressed(ADDRESS.replace("crm", "www").replace("word", "other")))
    world.http(
        "POST", "/assistants/${assistant.a}", {"metadata": {"where": ADDRESS.replace("crm", "abc")}}
    )
    shows_nothing_but_the_beginning(*(world.run(*words) for words in COMMANDS))


def shows_nothing_but_the_beginning(*results: Result) -> None:
    for result in results:
        assert "PLANTED" not in result.out + result.err, result.out + result.err


def test_a_saved_plan_keeps_the_address_and_is_applied(world: World) -> None:
    """What a saved plan sends is what was written; only what is printed is masked."""
    world.write(addressed(ADDRESS))
    shows_nothing_but_the_beginning(
        world.ok("plan", "--out", "p.json"),
        world.ok("show", "p.json"),
        world.ok("apply", "-y", "p.json"),
    )
    assert ADDRESS in world.http("GET", "/assistants/${assistant.a}")["instructions"]


RUNS = [
    ["validate", "-v"],
    ["plan"],
    ["plan", "-v"],
    ["plan", "--json"],
    ["plan", "--format", "markdown"],
    ["plan", "--format", "html"],
    ["apply", "-y", "-v"],
    ["apply", "-y", "--json"],
    ["drift"],
    ["drift", "--json"],
    ["output", "--json"],
    ["state", "show", "assistant.a"],
    ["destroy", "-y", "--json"],
]


@contextlib.contextmanager
def keyed(world: World, key: str, *between: Any) -> Iterator[World]:
    """The workspace at a service over HTTP, with a key that must not be seen and a prompt that
    holds it.
    """
    text = f"Never say {key}!\nOr 1.\n"
    world.write({"specs/a.yaml": {"assistants": {"a": {"model": "m", "instructions": text}}}})
    surroundings = mock.patch.dict(os.environ, OPENAI_API_KEY=key, PROVISIONER_DEBUG="1")
    with surroundings, world.behind(*between), served(world.app()) as url:
        point_at(world, url, settling=0)
        yield world


def test_no_command_prints_the_key(world: World) -> None:
    """Where all goes well, in every form and with everything told: not even a prompt that holds it
    shows the key.
    """
    with keyed(world, KEY):
        shows_nothing_but_the_beginning(*(world.ok(*words) for words in RUNS[:8]))
        world.write(
            {
                "specs/a.yaml": {
                    "assistants": {"a": {"model": "m", "instructions": f"Say {KEY}!\nOr 2.\n"}}
                }
            }
        )
        world.http(
            "POST", "/assistants/${assistant.a}", {"name": f"I know {KEY}", "model": f"m-{KEY}"}
        )
        shows_nothing_but_the_beginning(*(world.run(*words) for words in RUNS))


ECHOES: dict[str, dict[str, Any]] = {
    "an error": {
        "status": 401,
        "body": {"error": {"message": f"wrong key {KEY}", "code": KEY, "type": KEY}},
    },
    "a spelt out one": {
        "status": 400,
        "body": '{"error": {"message": "' + "".join(f"\\u{ord(c):04x}" for c in KEY) + '"}}',
    },
    "a page": {"status": 404, "body": f"<html><body>{KEY}</body></html>", "kind": "text/html"},
    "a page that is no error": {
        "status": 200,
        "body": f"<html><title>{KEY}</title>{KEY}</html>",
        "kind": "text/html",
    },
    "a header": {"status": 403, "body": {}, "x_request_id": f"req {KEY}"},
    "a way out": {"status": 302, "body": {}, "location": f"https://login.example/{KEY}?key={KEY}"},
    "an odd list": {
        "status": 200,
        "body": {"data": [{"id": KEY}, {"object": KEY}], "has_more": False},
    },
    "a proxy": {"status": 407, "body": f"Bearer {KEY}", "kind": "text/plain"},
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=list(ECHOES))
@pytest.mark.sampled(2)
def test_no_failure_prints_the_key(world: World, hasty: None, echo: dict[str, Any]) -> None:
    """A service may say the key in whatever part of a reply it likes."""
    with keyed(world, KEY, answering(**echo)):
        for words in (["plan"], ["plan", "-v", "--json"], ["apply", "-y"]):
            shows_nothing_but_the_beginning(world.run(*words))


def test_a_short_key_garbles_no_message(world: World) -> None:
    """Keys of local servers are words. Masking one must not cut it out of the middle of a
    sentence.
    """
    said = "The note was not found; Incorrect API key provided: not."
    with keyed(world, "not", answering(401, {"error": {"message": said}})):
        reported = world.ok("plan", code=1).err
    assert "The note was not found; Incorrect API key provided: …." in reported
