"""Chat completions, plain and streamed."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"location": {"type": "string"}}},
    },
}


def user(text: str) -> Any:
    return {"role": "user", "content": text}


def test_a_call_and_its_output(tell: Any) -> None:
    """A function is called with arguments that fit, and its output is what is said then."""

    async def story(client: openai.AsyncOpenAI) -> None:
        asked = [user("the weather in Oslo")]
        made = await client.chat.completions.create(
            model="gpt-4o", messages=asked, tools=[WEATHER], stop=["x"], seed=1
        )
        [choice] = made.choices
        assert choice.finish_reason == "tool_calls" and choice.message.tool_calls
        [call] = choice.message.tool_calls
        assert json.loads(call.function.arguments) == {"location": "Oslo"}  # type: ignore[union-attr]
        output: Any = {"role": "tool", "tool_call_id": call.id, "content": "3"}
        said = await client.chat.completions.create(
            model="gpt-4o",
            messages=[*asked, choice.message.to_dict(), output],  # type: ignore[list-item]
            tools=[WEATHER],
        )
        assert said.choices[0].message.content == "get_weather returned 3"
        with pytest.raises(openai.BadRequestError, match="must be a response to a preceeding"):
            await client.chat.completions.create(model="gpt-4o", messages=[*asked, output])

    tell(story)


@pytest.mark.parametrize("tools", [[], [WEATHER]])
def test_chunks_add_up(tell: Any, tools: list[Any]) -> None:
    """The helper of the SDK arrives at what the plain reply says, and the usage comes last."""

    async def story(client: openai.AsyncOpenAI) -> None:
        given: Any = {"model": "gpt-4o", "messages": [user("the weather  in Oslo")], "n": 2}
        given |= {"tools": tools} if tools else {}
        plain = await client.chat.completions.create(**given)
        options: Any = {"include_usage": True}
        async with client.chat.completions.stream(**given, stream_options=options) as stream:
            chunks = [event.chunk async for event in stream if event.type == "chunk"]
            final = await stream.get_final_completion()
        assert chunks[-1].usage == plain.usage and not chunks[-1].choices
        for one, other in zip(final.choices, plain.choices, strict=True):
            assert one.message.content == other.message.content
            assert one.finish_reason == other.finish_reason
            called = [
                [call.function.arguments for call in choice.message.tool_calls or []]  # type: ignore[union-attr]
                for choice in (one, other)
            ]
            assert called[0] == called[1]

    tell(story)


def test_formats_and_limits(tell: Any) -> None:
    """A schema is obeyed, a text is cut, and what is wrong is refused."""

    async def story(client: openai.AsyncOpenAI) -> None:
        schema = {"type": "object", "properties": {"seats": {"type": "integer"}}}
        wanted: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
        made = await client.chat.completions.create(
            model="gpt-4o", messages=[user("12 seats")], response_format=wanted
        )
        assert json.loads(made.choices[0].message.content or "") == {"seats": 12}
        cut = await client.chat.completions.create(
            model="gpt-4o", messages=[user("one two three")], max_completion_tokens=3
        )
        assert cut.choices[0].finish_reason == "length"
        assert cut.choices[0].message.content == "You said:"
        for given in ({"messages": []}, {"tools": [{"type": "nonsense"}]}, {"nonsense": 1}):
            body = {"model": "gpt-4o", "messages": [user("x")]} | given
            with pytest.raises(openai.BadRequestError):
                await client.post("/chat/completions", body=body, cast_to=dict[str, Any])

    tell(story)


CALL: Any = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": ""}}
CALLED: Any = {"role": "assistant", "tool_calls": [CALL]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"messages": [user("x"), {"role": "assistant", "tool_calls": ["x"]}]}, "an object"),
        ({"messages": [user("x"), CALLED | {"tool_calls": [CALL | {"id": [1]}]}]}, "a string"),
        ({"messages": [user("x"), {"role": "tool", "tool_call_id": [], "content": ""}]}, "string"),
        ({"messages": [user("x"), CALLED, user("y")]}, "did not have response messages: c1"),
        ({"stream_options": {"include_usage": True}}, "only allowed when 'stream' is enabled"),
        ({"tool_choice": "required"}, "only allowed when 'tools' are specified"),
        (
            {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "no"}}},
            "Tool choice 'no' not found",
        ),
        (
            {
                "tools": [
                    {
                        "type": "function",
                        "function": {
                            "name": "f",
                            "parameters": {"type": "object", "properties": {"a": {"type": "str"}}},
                        },
                    }
                ]
            },
            "Invalid schema for function 'f': 'str' is not valid under any",
        ),
    ],
)
def test_what_cannot_be_is_refused(tell: Any, change: Any, message: str) -> None:
    """A call in another form, one that nobody answered, a choice that is not there."""

    async def story(client: openai.AsyncOpenAI) -> None:
        given: Any = {"model": "gpt-4o", "messages": [user("x")]}
        with pytest.raises(openai.BadRequestError, match=message):
            await client.chat.completions.create(**(given | change))

    tell(story)
