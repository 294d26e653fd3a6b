"""Assistants: the defaults that come back, what an update does to each field, and the limits."""

from __future__ import annotations

from typing import Any

import openai
import pytest

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RANKING = {"ranker": "default_2024_08_21", "score_threshold": 0.0, "hybrid_search": None}


def create(client: openai.OpenAI, **given: Any) -> dict[str, Any]:
    """The reply as it is on the wire, which is more than the SDK's types know."""
    made: dict[str, Any] = client.post(
        "/assistants", body={"model": "gpt-4o"} | given, cast_to=dict[str, Any]
    )
    return made


def update(client: openai.OpenAI, made: dict[str, Any], **given: Any) -> dict[str, Any]:
    changed: dict[str, Any] = client.post(
        f"/assistants/{made['id']}", body=given, cast_to=dict[str, Any]
    )
    assert client.get(f"/assistants/{made['id']}", cast_to=dict[str, Any]) == changed
    return changed


def refused(client: openai.OpenAI, **given: Any) -> openai.BadRequestError:
    with pytest.raises(openai.BadRequestError) as refusal:
        create(client, **given)
    return refusal.value


def test_an_assistant_of_only_a_model_has_the_recorded_defaults(client: openai.OpenAI) -> None:
    """Every default is filled in on the wire."""
    made = create(client)
    assert made["id"].startswith("asst_")
    assert made == {
        "id": made["id"],
        "object": "assistant",
        "created_at": made["created_at"],
        "model": "gpt-4o",
        "name": None,
        "description": None,
        "instructions": None,
        "tools": [],
        "tool_resources": {},
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "response_format": "auto",
        "reasoning_effort": None,
    }


def test_the_sdk_accepts_everything(client: openai.OpenAI) -> None:
    """The SDK's strict types fit what is sent; create, read, list, update and delete work."""
    made = client.beta.assistants.create(
        model="gpt-5",
        name="n",
        description="d",
        instructions="i",
        metadata={"k": "v"},
        temperature=0.3,
        top_p=0.5,
        reasoning_effort="low",
        tools=[
            {"type": "file_search"},
            {"type": "code_interpreter"},
            {"type": "function", "function": {"name": "f"}},
        ],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "s", "schema": {"type": "object"}},
        },
    )
    assert client.beta.assistants.retrieve(made.id) == made
    assert made in client.beta.assistants.list(limit=100).data
    assert client.beta.assistants.update(made.id, name="new") == made.model_copy(
        update={"name": "new"}
    )
    deleted = client.beta.assistants.delete(made.id)
    assert deleted.model_dump() == {"id": made.id, "object": "assistant.deleted", "deleted": True}
    with pytest.raises(openai.NotFoundError, match=f"No assistant found with id '{made.id}'"):
        client.beta.assistants.retrieve(made.id)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (
            {"type": "file_search"},
            {"type": "file_search", "file_search": {"ranking_options": RANKING}},
        ),
        (
            {"type": "file_search", "file_search": {}},
            {"type": "file_search", "file_search": {"ranking_options": RANKING}},
        ),
        (
            {
                "type": "file_search",
                "file_search": {"max_num_results": 8, "ranking_options": {"score_threshold": 0.5}},
            },
            {
                "type": "file_search",
                "file_search": {
                    "max_num_results": 8,
                    "ranking_options": RANKING | {"score_threshold": 0.5},
                },
            },
        ),
        ({"type": "code_interpreter"}, {"type": "code_interpreter"}),
        (
            {"type": "function", "function": {"name": "f"}},
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "parameters": {"type": "object", "properties": {}},
                    "strict": False,
                },
            },
        ),
        (
            {
                "type": "function",
                "function": {"name": "f", "parameters": {}, "strict": None, "description": "d"},
            },
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "description": "d",
                    "parameters": {"type": "object", "properties": {}},
                    "strict": False,
                },
            },
        ),
    ],
)
def test_tools_come_back_in_the_recorded_form(client: openai.OpenAI, sent: Any, kept: Any) -> None:
    """What is left out of a tool is filled in; sending the result again changes nothing."""
    made = create(client, tools=[sent])
    assert made["tools"] == [kept]
    assert update(client, made, tools=made["tools"])["tools"] == [kept]


def test_a_code_interpreter_always_has_a_list_of_files(client: openai.OpenAI) -> None:
    """The empty list appears with the tool and goes with it."""
    made = create(client, tools=[{"type": "code_interpreter"}])
    assert made["tool_resources"] == {"code_interpreter": {"file_ids": []}}
    assert update(client, made, tools=[])["tool_resources"] == {}


def test_auto_and_text_are_two_formats(client: openai.OpenAI) -> None:
    """Each is kept as it was sent; a schema gets its default strictness."""
    made = create(client, response_format={"type": "text"})
    assert made["response_format"] == {"type": "text"}
    assert update(client, made, response_format="auto")["response_format"] == "auto"
    schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}
    kept = update(client, made, response_format=schema)["response_format"]
    assert kept == {"type": "json_schema", "json_schema": schema["json_schema"] | {"strict": False}}  # type: ignore[operator]


FULL: dict[str, Any] = {
    "name": "n",
    "description": "d",
    "instructions": "i",
    "metadata": {"a": "1", "b": "2"},
    "temperature": 0.3,
    "top_p": 0.5,
    "reasoning_effort": "low",
    "response_format": {"type": "json_object"},
    "tools": [{"type": "code_interpreter"}],
}


def test_an_update_leaves_alone_what_it_does_not_name(client: openai.OpenAI) -> None:
    """One field changes, all others stay."""
    made = create(client, **FULL)
    for name, value in {
        "model": "gpt-5",
        "name": "other",
        "tools": [],
        "metadata": {"c": "3"},
    }.items():
        changed = update(client, made, **{name: value})
        assert {key for key in made if made[key] != changed[key]} <= {name, "tool_resources"}
        assert changed[name] == value
        made = changed


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("name", None),
        ("description", None),
        ("instructions", None),
        ("metadata", {}),
        ("temperature", 1.0),
        ("top_p", 1.0),
        ("reasoning_effort", None),
        ("response_format", "auto"),
    ],
)
def test_null_clears_back_to_the_default(client: openai.OpenAI, name: str, default: Any) -> None:
    """In an update and in a creation alike."""
    made = create(client, **FULL)
    assert update(client, made, **{name: None}) == made | {name: default}
    assert create(client, **{name: None})[name] == default


@pytest.mark.parametrize("name", ["model", "tools"])
def test_some_fields_cannot_be_null(client: openai.OpenAI, name: str) -> None:
    """A model is required, and no tools are an empty list."""
    error = refused(client, **{name: None})
    assert (error.param, error.code) == (name, "invalid_type")


def test_metadata_may_be_merged_instead(tell: Any) -> None:
    """A service that merges keeps a key which an update leaves out."""

    async def story(client: openai.AsyncOpenAI) -> None:
        made = await client.beta.assistants.create(model="m", metadata={"a": "1", "b": "2"})
        changed = await client.beta.assistants.update(made.id, metadata={"b": "3"})
        assert changed.metadata == {"a": "1", "b": "3"}

    tell(story, metadata_update="merge")


def test_lists_of_ids_are_replaced(client: openai.OpenAI) -> None:
    """The list that an update names is the list afterwards; the other tool keeps its own; null
    clears both.
    """
    store = client.vector_stores.create(name="kb")
    ids = [client.files.create(file=(f"{n}.csv", b"1"), purpose="assistants").id for n in range(2)]
    search = {"vector_store_ids": [store.id]}
    made = create(
        client, tool_resources={"code_interpreter": {"file_ids": ids[:1]}, "file_search": search}
    )
    assert made["tool_resources"] == {
        "code_interpreter": {"file_ids": ids[:1]},
        "file_search": search,
    }
    changed = update(client, made, tool_resources={"code_interpreter": {"file_ids": ids[1:]}})
    assert changed["tool_resources"] == {
        "code_interpreter": {"file_ids": ids[1:]},
        "file_search": search,
    }
    assert update(client, made, tool_resources=None)["tool_resources"] == {}


def test_the_store_helper_makes_a_store(client: openai.OpenAI) -> None:
    """It comes back as an id, and an update does not know it."""
    file = client.files.create(file=("a.md", b"x"), purpose="assistants")
    helper = {"file_search": {"vector_stores": [{"file_ids": [file.id], "metadata": {"k": "v"}}]}}
    made = create(client, tools=[{"type": "file_search"}], tool_resources=helper)
    [store_id] = made["tool_resources"]["file_search"]["vector_store_ids"]
    store = client.get(f"/vector_stores/{store_id}", cast_to=dict[str, Any])
    assert (store["metadata"], store["file_counts"]["total"]) == ({"k": "v"}, 1)
    with pytest.raises(openai.BadRequestError) as refusal:
        update(client, made, tool_resources=helper)
    assert refusal.value.param == "tool_resources.file_search.vector_stores"


@pytest.mark.parametrize(
    ("resources", "names"),
    [
        ({"file_search": {"vector_store_ids": ["vs_missing"]}}, "vs_missing"),
        ({"code_interpreter": {"file_ids": ["file-missing"]}}, "file-missing"),
        ({"file_search": {"vector_stores": [{"file_ids": ["file-missing"]}]}}, "file-missing"),
    ],
)
def test_what_tools_work_on_must_exist(client: openai.OpenAI, resources: Any, names: str) -> None:
    """An unknown id is not found, and names itself."""
    with pytest.raises(openai.NotFoundError, match=names):
        create(client, tool_resources=resources)


def _function(**given: Any) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": "f"} | given}]}


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({"modle": "x"}, "modle", "unknown_parameter"),
        ({"name": "n" * 257}, "name", "string_above_max_length"),
        ({"description": "d" * 513}, "description", "string_above_max_length"),
        ({"instructions": "i" * 256_001}, "instructions", "string_above_max_length"),
        ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
        ({"temperature": -1}, "temperature", "decimal_below_min_value"),
        ({"temperature": "warm"}, "temperature", "invalid_type"),
        ({"top_p": 1.1}, "top_p", "decimal_above_max_value"),
        ({"reasoning_effort": "huge"}, "reasoning_effort", "invalid_value"),
        ({"response_format": "text"}, "response_format", "invalid_value"),
        ({"response_format": {"type": "xml"}}, "response_format.type", "invalid_value"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a b"}}},
            "response_format.json_schema.name",
            "invalid_value",
        ),
        ({"tools": [{"type": "code_interpreter"}] * 129}, "tools", "array_above_max_length"),
        ({"tools": [{"type": "browser"}]}, "tools[0].type", "invalid_value"),
        ({"tools": [{"function": {}}]}, "tools[0].type", "missing_required_parameter"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "missing_required_parameter"),
        (_function(name="a b"), "tools[0].function.name", "invalid_value"),
        (_function(name="f" * 65), "tools[0].function.name", "string_above_max_length"),
        (
            _function(parameters={"type": "string"}),
            "tools[0].function.parameters",
            "invalid_function_parameters",
        ),
        (
            _function(parameters={"type": "object"}),
            "tools[0].function.parameters",
            "invalid_function_parameters",
        ),
        (
            {"tools": [{"type": "file_search", "file_search": {"max_num_results": 51}}]},
            "tools[0].file_search.max_num_results",
            "integer_above_max_value",
        ),
        ({"metadata": {"k": 1}}, "metadata.k", "invalid_type"),
        (
            {"tool_resources": {"code_interpreter": {"file_ids": ["file-x"] * 21}}},
            "tool_resources.code_interpreter.file_ids",
            "array_above_max_length",
        ),
        (
            {"tool_resources": {"file_search": {"vector_store_ids": ["vs_a", "vs_b"]}}},
            "tool_resources.file_search.vector_store_ids",
            "array_above_max_length",
        ),
        (
            {"tool_resources": {"file_search": {"vector_store_ids": [], "vector_stores": []}}},
            "tool_resources.file_search",
            "mutually_exclusive_parameters",
        ),
    ],
)
def test_bad_parameters_are_refused(
    client: openai.OpenAI, given: Any, param: str, code: str
) -> None:
    """The param names the place and the code the reason."""
    error = refused(client, **given)
    assert (error.param, error.code, error.type) == (param, code, "invalid_request_error")


def test_a_model_is_required(client: openai.OpenAI) -> None:
    """Nothing else is."""
    with pytest.raises(openai.BadRequestError, match="Missing required parameter: 'model'"):
        client.post("/assistants", body={}, cast_to=object)


def test_patterns_are_those_of_javascript(client: openai.OpenAI) -> None:
    """What only Python cannot read is taken as it is."""
    schema = {"type": "object", "properties": {"y": {"type": "string", "pattern": r"^(?<y>\d+)$"}}}
    made = create(client, **_function(parameters=schema))
    assert made["tools"][0]["function"]["parameters"] == schema


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "object", "properties": {}}, "context=(), 'additionalProperties'"),
        (
            {
                "type": "object",
                "properties": {"a": {}},
                "required": [],
                "additionalProperties": False,
            },
            "Missing 'a'",
        ),
        (
            {
                "type": "object",
                "properties": {
                    "a": {"type": "array", "items": {"type": "object", "properties": {}}}
                },
                "required": ["a"],
                "additionalProperties": False,
            },
            "context=('properties', 'a', 'items'), 'additionalProperties'",
        ),
    ],
)
def test_a_strict_schema_is_closed(client: openai.OpenAI, schema: Any, words: str) -> None:
    """With `strict`, a function and a response format must say all of every object; without it they
    need not.
    """
    function = refused(client, **_function(parameters=schema, strict=True))
    assert words in function.body["message"]  # type: ignore[index]
    json_schema = {"name": "s", "schema": schema, "strict": True}
    answer = refused(client, response_format={"type": "json_schema", "json_schema": json_schema})
    assert words in answer.body["message"]  # type: ignore[index]
    create(client, **_function(parameters=schema, strict=False))
