"""Every parameter as a request profile: accepted by the official schema, by the SDK's types and by
the SDK's client.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import openai
import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import BaseModel, TypeAdapter

import provisioner
from provisioner.kinds import kind
from provisioner.kinds.assistant.carried import TOOLS
from provisioner.kinds.assistant.hosted import ImageGeneration, WebSearch
from provisioner.kinds.assistant.mcp import Mcp
from provisioner.kinds.assistant.own_tools import (
    ApplyPatch,
    Computer,
    Custom,
    Namespace,
    Shell,
    ToolSearch,
)
from provisioner.kinds.assistant.request_fields import RequestFields
from provisioner.kinds.assistant.tools import CodeInterpreter, FileSearch, Function
from tests.e2e import shop
from tests.support.world import World

OFFICIAL = Path(__file__).parents[3] / "shared" / "reference" / "openapi-subset.json"
LOCAL = {"service": "local", "api": "responses"}
STRICT = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
NEEDED: dict[type[BaseModel], dict[str, Any]] = {
    Mcp: {"type": "mcp", "server_label": "crm", "server_url": "https://crm.example/mcp"},
    WebSearch: {"type": "web_search"},
    ImageGeneration: {"type": "image_generation"},
    FileSearch: {"type": "file_search", "vector_stores": ["kb"]},
    CodeInterpreter: {"type": "code_interpreter"},
    Function: {"type": "function", "name": "f", "parameters": STRICT},
    Custom: {"type": "custom", "name": "sql"},
    Shell: {"type": "shell", "environment": "container_auto"},
    ApplyPatch: {"type": "apply_patch"},
    Computer: {"type": "computer"},
    Namespace: {
        "type": "namespace",
        "name": "crm",
        "description": "Customers",
        "tools": [{"type": "function", "name": "f"}],
    },
    ToolSearch: {"type": "tool_search"},
}
HOMES = ("connector_id", "tunnel_id", "transport")
FILTER = {
    "type": "or",
    "filters": [
        {"type": "eq", "key": "a", "value": 1},
        {"type": "in", "key": "b", "value": ["x", 2]},
    ],
}


def fields(model: type[BaseModel]) -> dict[str, Any]:
    """The fields that an author may write, each as JSON Schema."""
    found: dict[str, Any] = model.model_json_schema()["properties"]
    return {
        name: said for name, said in found.items() if list(values(said)) or "description" in said
    }


def values(field: dict[str, Any]) -> Iterator[Any]:
    """Every value that a field names: its choices, truths, and examples."""
    for form in [field, *field.get("anyOf", ())]:
        yield from form.get("enum", ())
        yield from [True, False] if form.get("type") == "boolean" else []
        yield from [form["const"]] if "const" in form else []
    yield from field.get("examples", ())


BOTH = ("temperature", "top_p", "reasoning_effort", "response_format", "instructions", "metadata")


def assistants() -> Iterator[tuple[str, dict[str, Any]]]:
    """An assistant for every value of every parameter that has values."""
    yield "whole", shop.ASSISTANT
    for field, value in every(kind("assistant").spec):
        if field in BOTH and "file" not in str(value):
            yield field, {field: value}
    yield from ((field, {"responses": {field: value}}) for field, value in every(RequestFields))
    for tool, start in NEEDED.items():
        for field, value in every(tool):
            carried = "responses" in TOOLS[start["type"]].get(field, ())
            if carried and field not in start and field != "files" and "file" not in str(value):
                yield field, {"tools": [_tool(start, field, value)]}
    yield "filters", {"tools": [{**NEEDED[FileSearch], "filters": FILTER}]}
    yield "stores", {"tools": [{"type": "file_search", "vector_stores": ["kb", "bare"]}]}


def every(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    """Each field with each of its values."""
    return (
        (name, value)
        for name, said in fields(model).items()
        for value in values(said)
        if value is not None
    )


def _tool(start: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    """A server has one home."""
    kept = {key: item for key, item in start.items() if key != "server_url" or field not in HOMES}
    return {**kept, field: value}


@pytest.fixture(scope="module")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A folder for all of them, with the service behind it."""
    return World(tmp_path_factory.mktemp("profiles"))


@pytest.fixture(scope="module")
def requests(profiles: World) -> dict[str, dict[str, Any]]:
    """What every assistant is rendered to, through `provisioner.load`."""
    world = profiles
    made = {
        f"n{at}_{name}": {"model": "gpt-4o", **fields}
        for at, (name, fields) in enumerate(assistants())
    }
    spec = {**shop.SPEC, "assistants": made}
    world.write(
        {
            "provisioner.yaml": {"workspace": "w", "environments": {"local": LOCAL}},
            **shop.FILES,
            "specs/all.yaml": spec,
        }
    )
    world.ok("apply", "-y")
    world.settled()
    loaded = provisioner.load("local", world.root)
    return {name: loaded[name].request for name in made}


def test_there_are_many(requests: dict[str, Any]) -> None:
    """The list has not quietly become empty: all fields of the `responses:` block occur."""
    own = {key for request in requests.values() for key in request}
    assert own >= set(fields(RequestFields))
    assert len(requests) > 100


def test_the_official_schema_accepts_each(requests: dict[str, dict[str, Any]]) -> None:
    """Every profile is a valid body of `POST /responses`."""
    if not OFFICIAL.exists():
        pytest.skip("the official document is not here")
    # The document spells recursion as an older draft did, which today's validators take for
    # "anything".
    text = OFFICIAL.read_text(encoding="utf-8").replace(
        '"$recursiveRef":"#"', '"$ref":"#/components/schemas/CompoundFilter"'
    )
    check = jsonschema.Draft202012Validator(
        json.loads(text) | {"$ref": "#/components/schemas/CreateResponse"}
    )
    wrong = {
        name: str(next(check.iter_errors({**request, "input": "Hi"}), ""))
        for name, request in requests.items()
    }
    bad = {name: said[:300] for name, said in wrong.items() if said}
    assert {name for name in bad if not newer(requests[name])} == set(), bad


def newer(request: dict[str, Any]) -> bool:
    """What the SDK (2026-11) knows and the document (2026-08) does not know yet."""
    tools = [tool for tool in request.get("tools", ()) if tool["type"] == "image_generation"]
    return any(
        {"xhigh", "max", "gif", "svg"} & {str(value) for value in tool.values()} for tool in tools
    )


def test_the_types_of_the_sdk_accept_each(requests: dict[str, dict[str, Any]]) -> None:
    """Every profile fits the SDK's parameter types, lists looked into, with no key that they do not
    know.
    """
    adapter = TypeAdapter(ResponseCreateParamsNonStreaming)
    for name, request in requests.items():
        whole = {**request, "input": "Hi"}
        assert plain(adapter.validate_python(whole)) == whole, name


def plain(value: Any) -> Any:
    """pydantic checks what is iterable only when somebody iterates."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value if isinstance(value, str | int | float | None) else [plain(item) for item in value]


def test_the_client_sends_each_as_it_is(requests: dict[str, dict[str, Any]]) -> None:
    """`client.responses.create(**request, input=…)` sends exactly the profile."""
    sent: list[Any] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(json.loads(request.content))
        return httpx2.Response(
            200, json={"id": "resp_1", "object": "response", "output": [], "created_at": 0}
        )

    http = openai.DefaultHttpx2Client(transport=httpx2.MockTransport(answer))
    with openai.OpenAI(api_key="x", http_client=http) as client:
        for request in requests.values():
            client.responses.create(**request, input="Hi")
    assert sent == [{**request, "input": "Hi"} for request in requests.values()]


def test_the_embedded_service_answers_each(
    profiles: World, requests: dict[str, dict[str, Any]]
) -> None:
    """Every profile is taken as it is, and the reply fits the SDK's types; so is the one that
    `output` prints.
    """
    whole = next(name for name in requests if name.endswith("_whole"))
    printed = profiles.ok("output", "--json", f"assistant.{whole}").json
    assert printed[f"assistant.{whole}"]["request"] == requests[whole]

    refused: dict[str, str] = {}

    async def ask() -> None:
        http = openai.DefaultAsyncHttpx2Client(transport=httpx2.ASGITransport(profiles.app()))
        async with openai.AsyncOpenAI(
            api_key="x",
            base_url="http://local/v1",
            http_client=http,
            max_retries=0,
            _strict_response_validation=True,
        ) as client:
            for name, request in requests.items():
                try:
                    made = await client.responses.create(**request, input="Hi")
                except openai.APIStatusError as error:
                    refused[name] = error.message
                    continue
                assert made.status == ("queued" if made.background else "completed"), name
                assert made.metadata == request["metadata"], name

    asyncio.run(ask())
    # The choice names a tool that this assistant does not have.
    [(_, said)] = refused.items()
    assert "Tool choice 'get_weather' not found in 'tools' parameter." in said
