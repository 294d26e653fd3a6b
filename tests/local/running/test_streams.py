"""Streams of runs: every path sends the documented events in their order."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from ..things import Wire
from .order import Order

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"location": {"type": "string"}},
            "required": ["location"],
        },
    },
}
MESSAGE = ["message.created", "message.in_progress", "message.delta"]
STEP = ["run.step.created", "run.step.in_progress"]
START = ["run.created", "run.queued", "run.in_progress"]


async def begun(client: Any, text: str, tools: Any = (), **thread: Any) -> tuple[Any, Any]:
    assistant = await client.beta.assistants.create(model="gpt-4o", tools=list(tools))
    said = [{"role": "user", "content": text}]
    return assistant, await client.beta.threads.create(messages=said, **thread)


async def followed(manager: Any) -> Order:
    order = Order()
    async with manager as stream:
        async for event in stream:
            order.feed(event)
    order.check()
    return order


def squeezed(names: list[str]) -> list[str]:
    """Several deltas in a row are one here."""
    return [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]


def test_a_message_is_said_piece_by_piece(tell: Any) -> None:
    """The text comes in several deltas that add up to the message."""

    async def story(client: openai.AsyncOpenAI) -> None:
        assistant, thread = await begun(client, "One two three four five six seven eight nine")
        order = await followed(
            client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id)
        )
        ends = ["message.completed", "run.step.completed", "run.completed"]
        assert squeezed(order.names) == [*START, *STEP, *MESSAGE, *ends]
        assert order.names.count("message.delta") > 2

    tell(story)


def test_a_long_text_comes_in_a_hundred_pieces(tell: Any) -> None:
    """Whatever blanks are in it, none is lost, and no stream has thousands of events."""
    text = " Much\n\n to  say.\t" * 2000 + "\n "

    async def story(client: openai.AsyncOpenAI) -> None:
        assistant, thread = await begun(client, text)
        order = await followed(
            client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id)
        )
        assert order.names.count("message.delta") <= 100
        said: Any = (await client.beta.threads.messages.list(thread.id)).data[0].content[0]
        assert said.text.value == f"You said: {text}"

    tell(story)


def test_a_thread_and_its_run_are_streamed_together(tell: Any) -> None:
    """The thread comes first."""

    async def story(client: openai.AsyncOpenAI) -> None:
        assistant, _ = await begun(client, "x")
        order = await followed(
            client.beta.threads.create_and_run_stream(
                assistant_id=assistant.id,
                thread={"messages": [{"role": "user", "content": "Hello"}]},
            )
        )
        assert order.names[:2] == ["created", "run.created"]

    tell(story)


def test_a_function_is_called_and_its_output_is_used(tell: Any) -> None:
    """The stream ends where an output is wanted; giving it streams the rest."""

    async def story(client: openai.AsyncOpenAI) -> None:
        assistant, thread = await begun(client, "What's the weather in Oslo?", [WEATHER])
        runs = client.beta.threads.runs
        first = await followed(runs.stream(thread_id=thread.id, assistant_id=assistant.id))
        assert squeezed(first.names) == [*START, *STEP, "run.step.delta", "run.requires_action"]
        run = (await runs.list(thread.id)).data[0]
        assert run.required_action is not None
        call = run.required_action.submit_tool_outputs.tool_calls[0]
        assert call.function.arguments == '{"location": "Oslo"}'
        rest = await followed(
            runs.submit_tool_outputs_stream(
                run_id=run.id,
                thread_id=thread.id,
                tool_outputs=[{"tool_call_id": call.id, "output": "3 degrees"}],
            )
        )
        assert rest.names[:3] == ["run.step.completed", "run.queued", "run.in_progress"]
        assert rest.names[-1] == "run.completed"
        said = (await client.beta.threads.messages.list(thread.id)).data[0].content[0]
        assert said.text.value == "get_weather returned 3 degrees"  # type: ignore[union-attr]

    tell(story)


def test_files_are_searched_and_cited(tell: Any) -> None:
    """A search is a step of its own, and its annotations enclose the marks in the text."""

    async def story(client: openai.AsyncOpenAI) -> None:
        file = await client.files.create(
            file=("leave.md", b"An employee has 27 vacation days."), purpose="assistants"
        )
        attached = [{"file_id": file.id, "tools": [{"type": "file_search"}]}]
        assistant = await client.beta.assistants.create(
            model="gpt-4o", tools=[{"type": "file_search"}, {"type": "code_interpreter"}]
        )
        asked: Any = {
            "role": "user",
            "content": "Compute with code how many vacation days an employee has.",
            "attachments": attached,
        }
        thread = await client.beta.threads.create(messages=[asked])
        order = await followed(
            client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id)
        )
        assert order.names.count("run.step.completed") == 3
        said: Any = (await client.beta.threads.messages.list(thread.id)).data[0].content[0]
        (note,) = said.text.annotations
        assert said.text.value[note.start_index : note.end_index] == note.text
        assert (note.text, note.file_citation.file_id) == ("【0:0†leave.md】", file.id)
        store_id = thread.tool_resources.file_search.vector_store_ids[0]  # type: ignore
        store = await Wire(client).get(f"/vector_stores/{store_id}")
        assert store["expires_after"] == {"anchor": "last_active_at", "days": 7}
        run = (await client.beta.threads.runs.list(thread.id)).data[0]
        steps: Any = await client.beta.threads.runs.steps.list(
            run.id, thread_id=thread.id, order="asc"
        )
        search = steps.data[0].step_details.tool_calls[0].file_search
        assert (search.results[0].file_name, search.results[0].content) == ("leave.md", None)
        shown: Any = await client.beta.threads.runs.steps.retrieve(
            steps.data[0].id,
            thread_id=thread.id,
            run_id=run.id,
            include=["step_details.tool_calls[*].file_search.results[*].content"],
        )
        result = shown.step_details.tool_calls[0].file_search.results[0]
        assert "27 vacation days" in result.content[0].text
        code = steps.data[1].step_details.tool_calls[0].code_interpreter
        assert ("executes nothing" in code.input, code.outputs) == (True, [])
        assert run.usage is not None
        assert run.usage.total_tokens == sum(step.usage.total_tokens for step in steps.data)

    tell(story, indexing_seconds=0)


@pytest.mark.parametrize(
    ("action", "step", "end", "message"),
    [
        ("run: failed, code: rate_limit_exceeded", "failed", "failed", "run_failed"),
        ("run: failed, code: invalid_prompt", "failed", "failed", "run_failed"),
        ("run: expired", "expired", "expired", "run_expired"),
        ("run: incomplete", "completed", "incomplete", "max_tokens"),
        ("run: incomplete, code: max_prompt_tokens", "completed", "incomplete", "max_tokens"),
    ],
)
def test_a_fault_ends_a_run(
    tell: Any, rules: Any, action: str, step: str, end: str, message: str
) -> None:
    """The message stays incomplete, the step and the run end as the fault says."""
    faults = rules(f'{{match: {{method: POST, path: "/runs$"}}, action: {{{action}}}}}')

    async def story(client: openai.AsyncOpenAI) -> None:
        assistant, thread = await begun(client, "One two three four five six seven eight nine")
        order = await followed(
            client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id)
        )
        ends = ["message.incomplete", f"run.step.{step}", f"run.{end}"]
        assert squeezed(order.names) == [*START, *STEP, *MESSAGE, *ends]
        said = (await client.beta.threads.messages.list(thread.id)).data[0]
        assert said.incomplete_details is not None
        assert said.incomplete_details.reason == message
        run = (await client.beta.threads.runs.list(thread.id)).data[0]
        assert (run.status, run.last_error is not None) == (end, end == "failed")
        assert run.last_error is None or run.last_error.code in action

    tell(story, faults=faults)


def test_a_run_is_cancelled_while_it_is_streamed(tell: Any, rules: Any) -> None:
    """Somebody else cancels; the stream tells of it and ends."""
    faults = rules('{match: {method: POST, path: "/runs$"}, action: {run: stays}}')

    async def story(client: openai.AsyncOpenAI) -> None:
        assistant, thread = await begun(client, "One two three four five six")
        runs = client.beta.threads.runs
        task = asyncio.create_task(
            followed(runs.stream(thread_id=thread.id, assistant_id=assistant.id))
        )
        while not (listed := (await runs.list(thread.id)).data):
            await asyncio.sleep(0.01)
        cancelled = await runs.cancel(listed[0].id, thread_id=thread.id)
        assert cancelled.status == "cancelling"
        order = await task
        ends = ["message.incomplete", "run.step.cancelled", "run.cancelled"]
        assert squeezed(order.names) == [*START, *STEP, *MESSAGE, "run.cancelling", *ends]

    tell(story, faults=faults)


def test_a_thread_that_goes_ends_its_stream_with_an_error(tell: Any, rules: Any) -> None:
    """What is deleted with the thread is the run, too."""
    faults = rules('{match: {method: POST, path: "/runs$"}, action: {run: stays}}')

    async def story(client: openai.AsyncOpenAI) -> None:
        assistant, thread = await begun(client, "One two three four five six")
        runs = client.beta.threads.runs
        task = asyncio.create_task(
            followed(runs.stream(thread_id=thread.id, assistant_id=assistant.id))
        )
        while not (await runs.list(thread.id)).data:
            await asyncio.sleep(0.01)
        await client.beta.threads.delete(thread.id)
        with pytest.raises(openai.APIError, match="No run found"):
            await task

    tell(story, faults=faults)
