"""Responses: what they answer, say back, keep and refuse."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import openai
import pydantic
import pytest

JSON = dict[str, Any]
WEATHER: JSON = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
        "additionalProperties": False,
    },
    "strict": True,
}


async def store_with(client: openai.AsyncOpenAI, text: str) -> str:
    file = await client.files.create(file=("leave.md", text.encode()), purpose="assistants")
    store = await client.vector_stores.create(name="kb", file_ids=[file.id])
    return store.id


def test_a_text_is_said_back_with_every_default(tell: Any) -> None:
    """The reply has what the service fills in, and is kept."""

    async def story(client: openai.AsyncOpenAI) -> None:
        made = await client.responses.create(model="gpt-4o-mini", input="Hello there")
        assert made.output_text == "You said: Hello there"
        assert (made.status, made.model) == ("completed", "gpt-4o-mini-2024-07-18")
        assert (made.temperature, made.top_p, made.truncation) == (1.0, 1.0, "disabled")
        assert made.text is not None and made.text.verbosity == "medium"
        assert made.usage is not None and made.usage.input_tokens_details.cache_write_tokens == 0
        assert (await client.responses.retrieve(made.id)).to_dict() == made.to_dict()
        items = await client.responses.input_items.list(made.id)
        assert [one.type for one in items.data] == ["message"]
        counted = await client.responses.input_tokens.count(model="gpt-4o", input="Hello there")
        assert counted.input_tokens == made.usage.input_tokens

    tell(story)


def test_file_search_searches_and_cites(tell: Any, clock: Any) -> None:
    """The text rests on what was found, the citations name the file, results come when asked."""

    async def story(client: openai.AsyncOpenAI) -> None:
        store = await store_with(client, "An employee has 27 vacation days.")
        clock.tick(1)
        made = await client.responses.create(
            model="gpt-4o",
            input="How many vacation days?",
            tools=[{"type": "file_search", "vector_store_ids": [store]}],
            include=["file_search_call.results"],
        )
        search, message = made.output
        assert search.type == "file_search_call" and search.results
        assert search.results[0].filename == "leave.md"
        assert message.type == "message" and "27" in made.output_text
        assert "【" not in made.output_text
        [cited] = message.content[0].annotations  # type: ignore[union-attr]
        assert (cited.type, cited.index) == ("file_citation", len(made.output_text))  # type: ignore[union-attr]
        tool = made.tools[0].to_dict()
        assert tool["max_num_results"] == 20 and tool["filters"] is None

    tell(story)


@pytest.mark.parametrize("way", ["previous", "conversation", "again"])
def test_a_call_is_answered(tell: Any, way: str) -> None:
    """The output of a function comes back by any of the three ways."""

    async def story(client: openai.AsyncOpenAI) -> None:
        conversation = await client.conversations.create()
        extra: JSON = {"conversation": conversation.id} if way == "conversation" else {}
        asked = "What's the weather in Oslo?"
        made = await client.responses.create(
            model="gpt-4o",
            input=asked,
            tools=[WEATHER],
            **extra,  # type: ignore[list-item]
        )
        [call] = made.output
        assert call.type == "function_call" and json.loads(call.arguments) == {"location": "Oslo"}
        given: list[Any] = [
            {"type": "function_call_output", "call_id": call.call_id, "output": "3 degrees"}
        ]
        if way == "previous":
            extra = {"previous_response_id": made.id}
        if way == "again":
            given = [{"role": "user", "content": asked}, call.to_dict(), *given]
        if way != "again":
            with pytest.raises(openai.BadRequestError, match="No tool output found for function"):
                await client.responses.create(model="gpt-4o", input="And now?", **extra)
        said = await client.responses.create(
            model="gpt-4o",
            input=given,
            tools=[WEATHER],
            **extra,  # type: ignore[list-item]
        )
        assert said.output_text == "get_weather returned 3 degrees"

    tell(story)


def test_structured_output_obeys_its_schema(tell: Any) -> None:
    """`responses.parse` finds what it asked for."""

    class Event(pydantic.BaseModel):
        name: str
        seats: int

    async def story(client: openai.AsyncOpenAI) -> None:
        made = await client.responses.parse(
            model="gpt-4o", input="A concert with 12 seats", text_format=Event
        )
        assert made.output_parsed is not None and made.output_parsed.seats == 12
        plain = await client.responses.create(
            model="gpt-4o", input="json please", text={"format": {"type": "json_object"}}
        )
        assert "answer" in json.loads(plain.output_text)

    tell(story)


def test_hosted_tools_say_that_they_did_not_run(tell: Any) -> None:
    """Every type of the SDK's union is accepted; what would act outside says that it did not."""
    tools: list[Any] = [
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "web_search"},
        {"type": "image_generation"},
        {"type": "mcp", "server_label": "crm", "server_url": "https://crm.example/mcp?key=1"},
        {"type": "custom", "name": "sketch"},
        {"type": "computer"},
        {
            "type": "computer_use_preview",
            "display_height": 1,
            "display_width": 1,
            "environment": "linux",
        },
        {"type": "programmatic_tool_calling"},
        {"type": "local_shell"},
        {"type": "shell"},
        {"type": "namespace", "name": "n", "description": "d", "tools": []},
        {"type": "tool_search"},
        {"type": "web_search_preview"},
        {"type": "apply_patch"},
    ]

    async def story(client: openai.AsyncOpenAI) -> None:
        asked = "Compute it in python, look on the web and draw a picture"
        made = await client.responses.create(model="gpt-4o", input=asked, tools=tools)
        assert [one.type for one in made.output] == [
            "mcp_list_tools",
            "code_interpreter_call",
            "web_search_call",
            "image_generation_call",
            "message",
        ]
        assert "no code runs here" in made.output_text
        assert made.tools[3].to_dict()["server_url"] == "https://crm.example/<redacted>"
        called = await client.responses.create(model="gpt-4o", input="sketch it", tools=tools)
        assert called.output[-1].type == "custom_tool_call"

    tell(story)


def test_too_few_tokens_leave_it_incomplete(tell: Any) -> None:
    """What fits is there, and the reason with it."""

    async def story(client: openai.AsyncOpenAI) -> None:
        made = await client.responses.create(
            model="gpt-4o", input="word " * 50, max_output_tokens=16
        )
        assert made.status == "incomplete"
        assert made.incomplete_details and made.incomplete_details.reason == "max_output_tokens"
        assert made.usage is not None and made.usage.output_tokens == 16

    tell(story)


def test_what_is_not_stored_is_gone(tell: Any) -> None:
    """It answers, and cannot be had again; nor can what was deleted."""

    async def story(client: openai.AsyncOpenAI) -> None:
        made = await client.responses.create(model="gpt-4o", input="x", store=False)
        kept = await client.responses.create(model="gpt-4o", input="x")
        await client.responses.delete(kept.id)
        for one in (made, kept):
            with pytest.raises(
                openai.NotFoundError, match=f"Response with id '{one.id}' not found"
            ):
                await client.responses.retrieve(one.id)
            with pytest.raises(openai.BadRequestError, match="Previous response with id") as error:
                await client.responses.create(
                    model="gpt-4o", input="x", previous_response_id=one.id
                )
            assert error.value.code == "previous_response_not_found"

    tell(story)


def test_instructions_are_not_carried(tell: Any) -> None:
    """Each response has its own; what was said is carried, also over a restart."""
    made: list[str] = []

    async def first(client: openai.AsyncOpenAI) -> None:
        one = await client.responses.create(model="gpt-4o", input="One", instructions="Be kind.")
        made.append(one.id)

    async def second(client: openai.AsyncOpenAI) -> None:
        one = await client.responses.create(model="gpt-4o", input=[], previous_response_id=made[0])
        assert one.instructions is None and one.previous_response_id == made[0]
        assert one.output_text == "You said: One"
        reference: Any = [{"type": "item_reference", "id": one.output[0].id}]
        again = await client.responses.create(model="gpt-4o", input=reference)
        listed = await client.responses.input_items.list(again.id)
        assert listed.data[0].id == one.output[0].id

    tell(first)
    tell(second)


def test_in_the_background(tell: Any, clock: Any) -> None:
    """Queued, in progress, completed: whenever somebody looks; and it can be cancelled."""

    async def story(client: openai.AsyncOpenAI) -> None:
        made = await client.responses.create(model="gpt-4o", input="x", background=True)
        assert (made.status, made.output) == ("queued", [])
        clock.tick(0.06)
        assert (await client.responses.retrieve(made.id)).status == "in_progress"
        clock.tick(1)
        assert (await client.responses.retrieve(made.id)).output_text == "You said: x"
        other = await client.responses.create(model="gpt-4o", input="x", background=True)
        assert (await client.responses.cancel(other.id)).status == "cancelled"
        clock.tick(1)
        assert (await client.responses.retrieve(other.id)).output == []
        plain = await client.responses.create(model="gpt-4o", input="x")
        with pytest.raises(openai.BadRequestError, match="synchronous"):
            await client.responses.cancel(plain.id)

    tell(story)


@pytest.mark.parametrize(
    ("action", "status", "said"),
    [
        ("run: failed, code: rate_limit_exceeded", "failed", "rate_limit_exceeded"),
        ("run: expired", "failed", "server_error"),
        ("run: incomplete", "incomplete", "max_output_tokens"),
        ("run: incomplete, code: content_filter", "incomplete", "content_filter"),
    ],
)
def test_faults_decide_how_it_ends(
    tell: Any, rules: Any, action: str, status: str, said: str
) -> None:
    """Every end can be had at will."""

    async def story(client: openai.AsyncOpenAI) -> None:
        made = await client.responses.create(model="gpt-4o", input="one two three four")
        assert made.status == status
        assert said in (
            made.error and made.error.code,
            made.incomplete_details and made.incomplete_details.reason,
        )

    tell(story, faults=rules(f'{{match: {{path: "/responses$"}}, action: {{{action}}}}}'))


def test_one_that_stays_outlives_a_restart(tell: Any, rules: Any, clock: Any) -> None:
    """It is in progress for so many seconds, whoever serves it; its conversation is busy."""
    kept: list[Any] = []

    async def before(client: openai.AsyncOpenAI) -> None:
        conversation = await client.conversations.create()
        made = await client.responses.create(
            model="gpt-4o", input="x", background=True, conversation=conversation.id
        )
        kept.extend((made.id, conversation.id))

    async def after(client: openai.AsyncOpenAI) -> None:
        clock.tick(4)
        assert (await client.responses.retrieve(kept[0])).status == "in_progress"
        with pytest.raises(openai.BadRequestError, match="Another process is currently") as error:
            await client.responses.create(model="gpt-4o", input="y", conversation=kept[1])
        assert error.value.code == "conversation_locked"
        clock.tick(2)
        assert (await client.responses.retrieve(kept[0])).status == "completed"
        items = await client.conversations.items.list(kept[1], order="asc")
        assert [one.role for one in items.data] == ["user", "assistant"]  # type: ignore[union-attr]

    stays = '{match: {path: "/responses$"}, action: {run: stays, seconds: 5}}'
    tell(before, faults=rules(stays))
    tell(after)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"nonsense": 1}, "Unknown parameter: 'nonsense'."),
        ({"max_output_tokens": 15}, "Expected a value >= 16"),
        ({"metadata": {str(one): "x" for one in range(17)}}, "at most 16 properties"),
        ({"metadata": {"a": True}}, "expected a string, but got a boolean"),
        ({"tools": [{"type": "file_search"}]}, "'tools[0].vector_store_ids'"),
        (
            {"tools": [{"type": "file_search", "vector_store_ids": ["a", "b", "c"]}]},
            "maximum of 2 vector stores allowed",
        ),
        ({"tools": [{"type": "code_interpreter"}]}, "'tools[0].container'"),
        (
            {
                "tools": [
                    {
                        "type": "code_interpreter",
                        "container": {"type": "auto", "file_ids": ["f"] * 51},
                    }
                ]
            },
            "maximum length 50",
        ),
        ({"tools": [WEATHER | {"name": "no spaces"}]}, "does not match pattern"),
        ({"tools": [WEATHER | {"name": "n" * 129}]}, "maximum length 128"),
        ({"tools": [WEATHER | {"parameters": {"anyOf": []}}]}, "'type: \"object\"'"),
        (
            {
                "tools": [
                    WEATHER
                    | {
                        "parameters": {"type": "object", "properties": {"a": {"type": "array"}}},
                        "strict": False,
                    }
                ]
            },
            "array schema missing items",
        ),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "'text.format.schema'"),
        (
            {
                "text": {
                    "format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}}
                }
            },
            "'additionalProperties' is required",
        ),
        ({"tool_choice": {"type": "function", "name": "gone"}}, "not found in 'tools'"),
        ({"previous_response_id": "resp_1", "conversation": "conv_1"}, "Mutually exclusive"),
        ({"model": "o3", "temperature": 0.2}, "'temperature' is not supported with this model."),
        ({"background": True, "store": False}, "must be stored"),
        ({"input": [{"type": "nonsense"}]}, "Invalid value: 'nonsense'."),
        ({"input": [{"role": "user"}]}, "'input[0].content'"),
        (
            {"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]},
            "No tool call found for function call output with call_id c.",
        ),
        ({"include": ["everything"]}, "Invalid value: 'everything'."),
    ],
)
def test_what_is_refused(tell: Any, given: JSON, said: str) -> None:
    """400, in the service's words."""

    async def story(client: openai.AsyncOpenAI) -> None:
        body = {"model": "gpt-4o", "input": "x"} | given
        with pytest.raises(openai.BadRequestError) as error:
            await client.post("/responses", body=body, cast_to=JSON)
        assert said in error.value.message

    tell(story)


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "file_search", "vector_store_ids": ["vs_gone"]},
        {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file-gone"]}},
    ],
)
def test_what_a_tool_names_must_exist(tell: Any, tool: JSON) -> None:
    """404, before anything is answered."""

    async def story(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.NotFoundError, match="gone"):
            await client.responses.create(model="gpt-4o", input="x", tools=[tool])  # type: ignore[list-item]

    tell(story)


def test_an_older_database_opens(tell: Any, tmp_path: Path) -> None:
    """One that knows nothing of responses learns of them, and keeps what it has."""
    kept: list[str] = []

    async def before(client: openai.AsyncOpenAI) -> None:
        kept.append((await client.vector_stores.create(name="kb")).id)

    async def after(client: openai.AsyncOpenAI) -> None:
        made = await client.responses.create(model="gpt-4o", input="x")
        assert made.output_text == "You said: x"
        assert (await client.vector_stores.retrieve(kept[0])).name == "kb"

    tell(before)
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "service.db")) as database:
        for table in ("responses", "conversations", "items"):
            database.execute(f"DROP TABLE {table}")
        database.execute("PRAGMA user_version = 1")
    tell(after)


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ({"type": "file_search"}, "file_search"),
        ({"type": "web_search_preview"}, None),
        ({"type": "mcp", "server_label": "other"}, "other"),
        ({"type": "mcp", "server_label": "here"}, None),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
            "f",
        ),
    ],
)
def test_a_choice_is_among_the_tools(tell: Any, choice: Any, name: str | None) -> None:
    """What is not there cannot be chosen, in whichever form; each version of a tool will do."""
    server = {"type": "mcp", "server_label": "here", "server_url": "https://example.com"}
    tools: Any = [WEATHER, {"type": "web_search"}, server]

    async def story(client: openai.AsyncOpenAI) -> None:
        given: Any = {"model": "gpt-4o", "input": "Hi", "tools": tools, "tool_choice": choice}
        if name is None:
            await client.responses.create(**given)
            return
        with pytest.raises(openai.BadRequestError, match=f"Tool choice '{name}' not found"):
            await client.responses.create(**given)

    tell(story)
