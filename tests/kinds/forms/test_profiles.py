from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from provisioner.kinds import kind
from provisioner.kinds.assistant.responses import FORM
from provisioner.kinds.base import Names
from provisioner.model import Address, Fields, Locked, Profile
from tests.support.turned import turned

DOCUMENT = Path(__file__).parents[4] / "shared" / "reference" / "openapi-subset.json"
ADDRESS = Address("assistant", "support")
NAMES = Names({Address("vector_store", "kb"): "vs_1", Address("file", "data/a.csv"): "file-1"})
STAMP = "acme/prod/assistant.support@3"

FUNCTION = {
    "type": "function",
    "name": "f",
    "description": "Does",
    "parameters": {"type": "object", "properties": {}},
}
SEARCH = {"type": "file_search", "vector_stores": ["vector_store.kb", {"id": "vs_9"}]}

PROFILES: dict[str, Fields] = {
    "what the application carries out": {
        "model": "gpt-6-astra",
        "tools": [
            {**FUNCTION, "defer_loading": True, "async": True, "allowed_callers": ["direct"]},
            {
                "type": "custom",
                "name": "sql",
                "format": {"type": "grammar", "syntax": "lark", "definition": "start: A"},
            },
            {
                "type": "namespace",
                "name": "crm",
                "description": "Customers",
                "tools": [FUNCTION, {"type": "custom", "name": "note"}],
            },
            {
                "type": "shell",
                "environment": "container_auto",
                "files": ["file.data/a.csv"],
                "memory_limit": "4g",
                "network_policy": {"type": "disabled"},
                "skills": [{"id": "skill_1", "version": "2"}, {"id": "skill_2"}],
            },
            {"type": "apply_patch", "allowed_callers": ["programmatic"]},
            {"type": "computer"},
            {"type": "tool_search", "execution": "client", "parameters": {"type": "object"}},
            {"type": "programmatic_tool_calling"},
        ],
    },
    "a shell of one's own": {
        "model": "gpt-6-astra",
        "tools": [
            {
                "type": "shell",
                "environment": "local",
                "skills": [{"name": "triage", "description": "Sorts", "path": "/skills/triage"}],
            }
        ],
    },
    "a shell that has skills": {
        "model": "gpt-6-astra",
        "tools": [
            {
                "type": "shell",
                "skills": [{"name": "triage", "description": "Sorts", "path": "/skills/triage"}],
            }
        ],
    },
    "a shell": {"model": "gpt-6-astra", "tools": [{"type": "shell"}]},
    "a server with headers": {
        "model": "gpt-6-astra",
        "tools": [
            {
                "type": "mcp",
                "server_label": "crm",
                "transport": {
                    "type": "http",
                    "server_url": "https://crm.example/mcp",
                    "headers": {"X-Region": "eu"},
                },
                "credential": {"id": "cred_1"},
            }
        ],
    },
    "settings of the request": {
        "model": "gpt-6-astra",
        "responses": {
            "tool_choice": {"type": "custom", "name": "sql"},
            "background": True,
            "background_options": {"completion_window": "2h"},
            "access_programs": {"cyber": "standard"},
            "image": {"context_compression": "auto"},
            "moderation": {
                "model": "omni-moderation-latest",
                "policy": {"input": {"mode": "block"}, "output": {"mode": "score"}},
            },
        },
    },
    "least": {"model": "gpt-4o"},
    "labels": {
        "model": "gpt-4o",
        "name": "Support",
        "description": "Answers",
        "metadata": {"team": "hr"},
    },
    "numbers": {"model": "gpt-4o", "temperature": 0.3, "top_p": 0.5, "instructions": "Be kind."},
    "effort": {
        "model": "gpt-5.6",
        "reasoning_effort": "low",
        "responses": {"reasoning": {"summary": "auto"}},
    },
    "functions": {
        "model": "gpt-4o",
        "tools": [FUNCTION, {"type": "function", "name": "g", "strict": True}],
    },
    "search": {
        "model": "gpt-4o",
        "tools": [
            {
                **SEARCH,
                "max_num_results": 8,
                "ranking_options": {"ranker": "auto", "score_threshold": 0.5},
                "filters": {"type": "eq", "key": "team", "value": "hr"},
            }
        ],
    },
    "code": {
        "model": "gpt-4o",
        "tools": [
            {
                "type": "code_interpreter",
                "files": ["file.data/a.csv", {"id": "file-9"}],
                "memory_limit": "4g",
            }
        ],
    },
    "bare code": {"model": "gpt-4o", "tools": [{"type": "code_interpreter"}]},
    "hosted": {
        "model": "gpt-4o",
        "tools": [
            {"type": "web_search", "search_context_size": "low"},
            {
                "type": "mcp",
                "server_label": "crm",
                "server_url": "https://crm.example/mcp",
                "require_approval": "never",
            },
            {
                "type": "image_generation",
                "quality": "low",
                "input_image_mask": {"file_id": "file-7"},
            },
        ],
    },
    "text": {
        "model": "gpt-4o",
        "response_format": "text",
        "responses": {"text": {"verbosity": "low"}},
    },
    "json": {"model": "gpt-4o", "response_format": "json_object"},
    "schema": {
        "model": "gpt-4o",
        "response_format": {
            "type": "json_schema",
            "name": "ticket",
            "description": "A ticket",
            "schema": {"type": "object"},
        },
    },
    "own fields": {
        "model": "gpt-4o",
        "responses": {
            "max_output_tokens": 2000,
            "store": False,
            "truncation": "auto",
            "parallel_tool_calls": False,
            "tool_choice": "none",
            "include": ["file_search_call.results"],
        },
        "agents": {"service_tier": "flex"},
    },
}


def render(fields: Fields, lost: Iterable[str] = ()) -> Fields:
    return FORM.render(ADDRESS, fields, NAMES, lost, STAMP)


@pytest.mark.parametrize("name", PROFILES)
def test_the_sdk_accepts_every_profile(name: str) -> None:
    """The request types of the SDK, read to the end: their lists are checked only while they are
    iterated.
    """
    from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
    from pydantic import TypeAdapter

    request = render(PROFILES[name])

    adapter = TypeAdapter(ResponseCreateParamsNonStreaming)  # has to outlive what it checks lazily
    checked = adapter.validate_python(request)
    for key in ("tools", "include"):
        list(checked.get(key) or ())  # type: ignore[call-overload]
    assert set(checked) == set(request)


@pytest.mark.skipif(not DOCUMENT.exists(), reason="the official document is not here")
@pytest.mark.parametrize("name", PROFILES)
def test_the_official_schema_accepts_every_profile(name: str) -> None:
    """The OpenAPI document says what the server takes."""
    from jsonschema import Draft202012Validator

    components = json.loads(DOCUMENT.read_text())["components"]
    schema = {"$ref": "#/components/schemas/CreateResponse", "components": components}

    assert [
        error.message for error in Draft202012Validator(schema).iter_errors(render(PROFILES[name]))
    ] == []


def test_the_least_profile_says_only_what_is_known() -> None:
    """Nothing is sent for what nobody declared: the model's own defaults hold."""
    assert render(PROFILES["least"]) == {"model": "gpt-4o", "metadata": {"provisioner": STAMP}}


def test_strict_is_always_said() -> None:
    """Left out, it meant false for an assistant and means true here."""
    tools = render(PROFILES["functions"])["tools"]

    assert [(tool["name"], tool["strict"]) for tool in tools] == [("f", False), ("g", True)]
    assert render(PROFILES["schema"])["text"]["format"] == {
        "type": "json_schema",
        "name": "ticket",
        "description": "A ticket",
        "schema": {"type": "object"},
        "strict": False,
    }


def test_ids_move_into_the_tools() -> None:
    """Stores go into file_search, files into the container of the code interpreter."""
    assert render(PROFILES["search"])["tools"][0]["vector_store_ids"] == ["vs_1", "vs_9"]
    assert render(PROFILES["code"])["tools"][0]["container"] == {
        "type": "auto",
        "file_ids": ["file-1", "file-9"],
        "memory_limit": "4g",
    }
    assert render(PROFILES["bare code"])["tools"] == [
        {"type": "code_interpreter", "container": {"type": "auto"}}
    ]


def test_one_field_from_two_places_is_one_field() -> None:
    """The effort is the assistant's, the summary only this API's: both are `reasoning`."""
    assert render(PROFILES["effort"])["reasoning"] == {"effort": "low", "summary": "auto"}
    assert render(PROFILES["text"])["text"] == {"format": {"type": "text"}, "verbosity": "low"}


def test_labels_travel_as_metadata() -> None:
    """A declared name and description go along; an undeclared name does not."""
    assert render(PROFILES["labels"])["metadata"] == {
        "name": "Support",
        "description": "Answers",
        "team": "hr",
        "provisioner": STAMP,
    }


def test_a_label_whose_key_is_taken_is_a_loss() -> None:
    """The author's own `metadata.name` wins; where it says the same, nothing is lost."""
    fields = {"model": "m", "name": "Support", "metadata": {"name": "mine"}}

    assert [(loss.name, loss.path) for loss in FORM.losses(ADDRESS, fields)] == [
        ("name", ("name",))
    ]
    assert render(fields, ["name"])["metadata"]["name"] == "mine"
    assert list(FORM.losses(ADDRESS, {**fields, "name": "mine"})) == []


@pytest.mark.parametrize(
    ("pairs", "lost"), [(13, []), (14, ["description"]), (15, ["name", "description"])]
)
def test_labels_without_room_are_losses(pairs: int, lost: list[str]) -> None:
    """Sixteen pairs, one of them ours: the description goes first; accepted, the request fits."""
    metadata = {f"key{number}": "v" for number in range(pairs)}
    fields = {"model": "m", "name": "Support", "description": "Answers", "metadata": metadata}

    losses = [loss.name for loss in FORM.losses(ADDRESS, fields)]

    assert losses == lost
    assert len(render(fields, losses)["metadata"]) == 16


def test_an_old_ranker_is_a_loss() -> None:
    """Responses refuses the ranker of the Assistants API; accepted, it is left out."""
    fields = {
        "model": "m",
        "tools": [{**SEARCH, "ranking_options": {"ranker": "default_2024_08_21"}}],
    }

    assert [loss.name for loss in FORM.losses(ADDRESS, fields)] == ["tools.file_search.ranker"]
    assert "ranking_options" not in render(fields, ["tools.file_search.ranker"])["tools"][0]


def test_a_tool_that_the_api_lacks_is_a_loss() -> None:
    """Agents have tools that Responses has not."""
    fields = {"model": "m", "tools": [{"type": "automations"}]}

    assert [loss.name for loss in FORM.losses(ADDRESS, fields)] == ["tools.automations"]
    assert "tools" not in render(fields, ["tools.automations"])


def test_what_only_agents_have_is_lost_by_name() -> None:
    """Accepted, the tool goes on without the setting, and a server that cannot be reached goes."""
    server = {"type": "mcp", "server_label": "crm", "server_url": "https://crm.example/mcp"}
    started = {"type": "stdio", "command": "crm", "cwd": "/workspace"}
    fields = {
        "model": "m",
        "tools": [
            {**server, "required": True, "connection_origin": "service"},
            {"type": "mcp", "server_label": "own", "transport": started},
            {"type": "computer_use"},
        ],
    }

    lost = [loss.name for loss in FORM.losses(ADDRESS, fields)]

    assert lost == ["tools.mcp.required", "tools.mcp.transport", "tools.computer_use"]
    assert render(fields, lost)["tools"] == [server]


def test_a_tool_that_is_switched_off_is_left_out() -> None:
    """Only an agent can have one, and a request without it means the same: nothing is lost."""
    off = [
        {"type": "programmatic_tool_calling", "enabled": False},
        {"type": "web_search", "mode": "disabled"},
    ]

    assert list(FORM.losses(ADDRESS, {"tools": off})) == []
    assert "tools" not in render({"model": "m", "tools": off})


def test_a_tool_that_is_switched_on_is_there() -> None:
    """A request has no other word for it."""
    on = {"type": "programmatic_tool_calling", "enabled": True}

    assert list(FORM.losses(ADDRESS, {"tools": [on]})) == []
    assert render({"model": "m", "tools": [on]})["tools"] == [{"type": on["type"]}]


def test_a_url_and_its_transport_are_one() -> None:
    """Either spelling of a server is the same profile, and its headers stand beside its URL."""
    url = "https://crm.example/mcp"
    server = {"type": "mcp", "server_label": "crm"}
    short = {"model": "m", "tools": [{**server, "server_url": url}]}
    whole = {"model": "m", "tools": [{**server, "transport": {"type": "http", "server_url": url}}]}

    assert FORM.normal(ADDRESS, short) == FORM.normal(ADDRESS, whole)
    assert render(short) == render(whole)
    assert render(PROFILES["a server with headers"])["tools"] == [
        {**server, "server_url": url, "headers": {"X-Region": "eu"}}
    ]


def test_the_application_fills_secrets_in() -> None:
    """`output` names the place in the request and the credential, and the request has neither."""
    plain = {"type": "mcp", "server_label": "a", "server_url": "https://a.example"}
    fields = {**PROFILES["a server with headers"]}
    fields["tools"] = [*fields["tools"], plain]
    request = render(fields)
    profile = Profile(1, FORM.digest(request), request)
    entry = Locked(ADDRESS, None, fields, api="responses", profile=profile)

    assert FORM.output(entry, NAMES) == {"secrets": {"tools[1].authorization": "cred_1"}}
    assert "credential" not in json.dumps(request)


def test_every_good_profile_loses_nothing() -> None:
    """The examples above are complete."""
    assert [loss for fields in PROFILES.values() for loss in FORM.losses(ADDRESS, fields)] == []
    assert [
        finding for fields in PROFILES.values() for finding in FORM.check(ADDRESS, fields)
    ] == []


def test_limits_of_this_api() -> None:
    """file_search needs a store; a container takes fifty files."""
    files = [f"file.{number}.csv" for number in range(51)]
    fields = {"tools": [{"type": "file_search"}, {"type": "code_interpreter", "files": files}]}

    assert [finding.path for finding in FORM.check(ADDRESS, fields)] == [
        ("tools", 0),
        ("tools", 1, "files"),
    ]


@pytest.mark.parametrize("api", ["assistants", "responses", "agents"])
def test_only_an_agent_has_a_format_without_a_name(api: str) -> None:
    """The others refuse the request; the finding stands at the format and says what to write."""
    fields = {"response_format": {"type": "json_schema", "schema": {}}}
    found = list(kind("assistant").form(api).check(ADDRESS, fields))
    named = [(one.summary, one.path) for one in found]
    assert named == ([] if api == "agents" else [("Name missing", ("response_format",))])


def test_the_digest_forgets_the_stamp_and_the_order() -> None:
    """A version number, or tools in another order, do not make a new version; a changed
    field does.
    """
    digest = FORM.digest(render(PROFILES["functions"]))
    turned = {**PROFILES["functions"], "tools": PROFILES["functions"]["tools"][::-1]}

    assert digest.startswith("sha256:")
    assert FORM.digest(FORM.render(ADDRESS, turned, NAMES, (), "another@4")) == digest
    assert FORM.digest(render({**PROFILES["functions"], "temperature": 0.1})) != digest
    assert FORM.digest(render({**PROFILES["functions"], "metadata": {"a": "b"}})) != digest


@pytest.mark.parametrize("name", PROFILES)
def test_the_digest_forgets_the_order_of_keys(name: str) -> None:
    """A lock that another program has written in another order holds the same version."""
    request = render(PROFILES[name])
    assert FORM.digest(turned(request)) == FORM.digest(request)


def test_ids_are_sorted() -> None:
    """What a profile names is in the same order wherever it is written."""
    names = Names({Address("vector_store", "kb"): "vs_9"})
    tools = [
        {
            "type": "file_search",
            "vector_stores": ["vector_store.kb", *({"id": f"vs_{at}"} for at in (5, 7, 1, 3))],
        }
    ]
    request = FORM.render(ADDRESS, {"model": "gpt-4o", "tools": tools}, names)
    assert FORM.ids(request) == ["vs_1", "vs_3", "vs_5", "vs_7", "vs_9"]


def test_every_id_of_a_request_is_named() -> None:
    """Stores, files and masks: what has to stay alive while the profile is in use."""
    assert FORM.ids(render(PROFILES["search"])) == ["vs_1", "vs_9"]
    assert FORM.ids(render(PROFILES["code"])) == ["file-1", "file-9"]
    assert FORM.ids(render(PROFILES["hosted"])) == ["file-7"]
    assert FORM.ids(render(PROFILES["what the application carries out"])) == ["file-1"]
    assert FORM.ids(render(PROFILES["least"])) == []


def test_an_id_that_is_not_known_yet_is_a_key_error() -> None:
    """Before the apply a new store has no id."""
    with pytest.raises(KeyError):
        FORM.render(ADDRESS, PROFILES["search"], Names(), (), STAMP)


def test_nothing_is_changed_by_rendering() -> None:
    """The fields belong to the plan."""
    before = json.dumps(PROFILES, sort_keys=True)

    for fields in PROFILES.values():
        render(fields)

    assert json.dumps(PROFILES, sort_keys=True) == before


def test_no_verb_touches_the_service() -> None:
    """A profile lives in the lock."""
    assert FORM.remote is False


@pytest.mark.parametrize("fields", PROFILES.values(), ids=PROFILES)
def test_normal_forms_are_stable(fields: Fields) -> None:
    """The normal form of a normal form is itself."""
    normal: Any = FORM.normal(ADDRESS, fields)

    assert FORM.normal(ADDRESS, normal) == normal
