"""Every thread, message and run of the guide, ported from TypeScript, against `local serve` over
HTTP.

Where the guide and the API disagree the API is right:

- `retrieve`, `cancel` and their like take the run or message first and the thread by name; `del`
  is `delete`. Threads cannot be listed: an application keeps their ids.
- A run can also be `incomplete`, and one that waits for outputs is as active as one that runs. A
  loop until `completed` never ends if the run fails, and what is neither failed nor waiting is not
  completed: it may be cancelled, expired or incomplete.
- A message may also be the assistant's. Its content is a list of parts that are not all text.
- Streams have more events than the guide lists, `thread.run.queued` and `error` among them.
- `max_prompt_tokens` and `max_completion_tokens` are at least 256. Usage is null until a run ends.
- A 429 for want of money does not go away by waiting. A store expires; it is not deleted.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from tests.e2e.guide import FIND_WEATHER, Chapter, Guide, told_async, told_sync

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
OSLO = "What's the weather in Oslo?"
ACTIVE = ("queued", "in_progress", "requires_action", "cancelling")


async def begun(guide: Guide, text: str, tools: Any = (), **assistant: Any) -> tuple[Any, Any]:
    """An assistant, and a thread with one message."""
    beta = guide.client.beta
    made = await guide(beta.assistants.create, model="gpt-4o", tools=list(tools), **assistant)
    return made, await guide(beta.threads.create, messages=[{"role": "user", "content": text}])


async def ended(guide: Guide, run: Any, *, within: float = 20) -> Any:
    """The guide's loop with a deadline, until nothing goes on any more."""
    end = time.monotonic() + within
    while run.status in ("queued", "in_progress", "cancelling"):
        assert time.monotonic() < end, run
        await asyncio.sleep(0.02)
        runs = guide.client.beta.threads.runs
        run = await guide(runs.retrieve, run.id, thread_id=run.thread_id)
    return run


async def streamed(manager: Any) -> list[Any]:
    """Every event of a stream."""
    if hasattr(manager, "__aenter__"):
        async with manager as stream:
            return [event async for event in stream]
    with manager as stream:
        return list(stream)


def text_of(events: list[Any]) -> str:
    """What a stream said, put together."""
    said = ""
    for event in events:
        if event.event == "thread.message.delta":
            for part in event.data.delta.content or []:
                said += part.text.value or ""
    return said


async def last_said(guide: Guide, thread_id: str) -> str:
    page = await guide.listed(guide.client.beta.threads.messages.list, thread_id)
    return str(page[0].content[0].text.value)


async def quick_start(guide: Guide) -> None:
    """ "Quick Start": assistant, thread, message, run, polling, the answer."""
    beta = guide.client.beta
    tutor = await guide(
        beta.assistants.create,
        name="Math Tutor",
        instructions="You are a personal math tutor. Write and run code.",
        tools=[{"type": "code_interpreter"}],
        model="gpt-4o",
    )
    thread = await guide(beta.threads.create)
    asked = "I need to solve the equation `3x + 11 = 14`. Can you help me?"
    await guide(beta.threads.messages.create, thread.id, role="user", content=asked)
    run = await guide(beta.threads.runs.create, thread.id, assistant_id=tutor.id)
    assert (await ended(guide, run)).status == "completed"
    assert asked in await last_said(guide, thread.id)


async def without_sdk(guide: Guide) -> None:
    """ "Basic Assistant (Fetch)": the same by plain requests, the message with the run."""
    base = str(guide.client.base_url)
    beta = {"Authorization": "Bearer any", "OpenAI-Beta": "assistants=v2"}
    with httpx2.Client(base_url=base, headers=beta) as http:
        tutor = http.post("assistants", json={"name": "Math Tutor", "model": "gpt-4o"}).json()
        thread = http.post("threads").json()
        said = [{"role": "user", "content": "What is 3x + 11 = 14?"}]
        body = {"assistant_id": tutor["id"], "additional_messages": said}
        run = http.post(f"threads/{thread['id']}/runs", json=body).json()
        while run["status"] in ACTIVE:
            await asyncio.sleep(0.02)
            run = http.get(f"threads/{thread['id']}/runs/{run['id']}").json()
        messages = http.get(f"threads/{thread['id']}/messages").json()["data"]
    assert run["status"] == "completed"
    assert "3x + 11 = 14" in messages[0]["content"][0]["text"]["value"]


async def threads(guide: Guide) -> None:
    """ "Threads": create empty and with messages, retrieve, update, delete; there is no list."""
    api = guide.client.beta.threads
    empty = await guide(api.create)
    assert (empty.object, empty.metadata) == ("thread", {})
    said = {"role": "user", "content": "I need help with Python.", "metadata": {"source": "web"}}
    owner = {"user_id": "user_123", "session_id": "session_456"}
    thread = await guide(api.create, messages=[said], metadata=owner)
    found = await guide(api.retrieve, thread.id)
    assert (found.id, found.metadata) == (thread.id, owner)
    (message,) = await guide.listed(api.messages.list, thread.id)
    assert message.metadata == {"source": "web"}
    changed = await guide(api.update, thread.id, metadata={"user_id": "user_9"})
    assert changed.metadata["user_id"] == "user_9"
    gone = await guide(api.delete, thread.id)
    assert (gone.id, gone.object, gone.deleted) == (thread.id, "thread.deleted", True)
    with pytest.raises(openai.NotFoundError):
        await guide(api.messages.list, thread.id)
    assert not hasattr(api, "list")
    with pytest.raises(openai.NotFoundError):
        await guide(guide.client.get, "/threads", cast_to=object)


async def messages(guide: Guide) -> None:
    """ "Messages": with an attachment, of both roles; retrieve, list, update, delete."""
    api = guide.client.beta.threads.messages
    thread = await guide(guide.client.beta.threads.create)
    data = await guide.upload("data.csv", "a\n1\n")
    attached = [{"file_id": data.id, "tools": [{"type": "code_interpreter"}]}]
    message = await guide(
        api.create,
        thread.id,
        role="user",
        content="Can you analyze this data?",
        attachments=attached,
        metadata={"timestamp": "2026-11-26T10:00:00Z"},
    )
    assert message.attachments[0].file_id == data.id
    lent = await guide(guide.client.beta.threads.retrieve, thread.id)
    assert lent.tool_resources.code_interpreter.file_ids == [data.id]
    parts = [{"type": "text", "text": "Of course."}]
    answer = await guide(api.create, thread.id, role="assistant", content=parts)
    assert await guide(api.retrieve, message.id, thread_id=thread.id) == message
    for order, wanted in (("asc", [message, answer]), ("desc", [answer, message])):
        listed = await guide.listed(api.list, thread.id, limit=20, order=order)
        assert [one.id for one in listed] == [one.id for one in wanted]
    edited = await guide(api.update, message.id, thread_id=thread.id, metadata={"edited": "true"})
    assert edited.metadata["edited"] == "true"
    gone = await guide(api.delete, message.id, thread_id=thread.id)
    assert (gone.object, gone.deleted) == ("thread.message.deleted", True)
    assert [one.id for one in await guide.listed(api.list, thread.id)] == [answer.id]


async def runs(guide: Guide) -> None:
    """ "Runs": create with overrides, states, cancel and wait for it, list."""
    api = guide.client.beta.threads.runs
    assistant, thread = await begun(guide, "Hello", [FIND_WEATHER], instructions="Be brief.")
    run = await guide(
        api.create,
        thread.id,
        assistant_id=assistant.id,
        instructions="Please address the user as Jane Doe.",
        additional_messages=[{"role": "user", "content": OSLO}],
        tools=[FIND_WEATHER],
        metadata={"asked_by": "jane"},
        temperature=0.5,
        top_p=0.5,
    )
    assert (run.status, run.instructions) == ("queued", "Please address the user as Jane Doe.")
    waiting = await ended(guide, run)
    assert (waiting.status, waiting.usage) == ("requires_action", None)
    cancelling = await guide(api.cancel, run.id, thread_id=thread.id)
    assert cancelling.status == "cancelling"
    assert (await ended(guide, cancelling)).status == "cancelled"
    again = await guide(api.create, thread.id, assistant_id=assistant.id, tool_choice="none")
    assert (await ended(guide, again)).status == "completed"
    listed = await guide.listed(api.list, thread.id, limit=10, order="desc")
    assert [one.id for one in listed] == [again.id, run.id]


async def streaming(guide: Guide) -> None:
    """ "Streaming Runs": the text piece by piece, and the events that the guide tells apart."""
    api = guide.client.beta.threads.runs
    assistant, thread = await begun(guide, "Please say this back to me, word by word.")
    which = {"thread_id": thread.id, "assistant_id": assistant.id}
    events = await streamed(api.stream(**which))
    names = [event.event for event in events]
    assert names[:3] == ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
    assert names[-1] == "thread.run.completed"
    assert {"thread.run.step.created", "thread.message.created", "thread.message.completed"} <= {
        *names
    }
    assert names.count("thread.message.delta") > 1
    assert text_of(events) == await last_said(guide, thread.id)
    plain = await guide(api.create, thread.id, assistant_id=assistant.id, stream=True)
    events = [event async for event in plain] if hasattr(plain, "__aiter__") else list(plain)
    assert text_of(events) == await last_said(guide, thread.id)


async def code_interpreter(guide: Guide) -> None:
    """ "Code Interpreter": a file attached to a message; its code comes in step deltas, and parts
    of the answer that are images would be downloaded.
    """
    beta = guide.client.beta
    data = await guide.upload("sales_data.csv", "month,total\nJan,3\n")
    analyst = await guide(
        beta.assistants.create, model="gpt-4o", tools=[{"type": "code_interpreter"}]
    )
    attached = [{"file_id": data.id, "tools": [{"type": "code_interpreter"}]}]
    said = {"role": "user", "content": "Compute the sum of the sales.", "attachments": attached}
    thread = await guide(beta.threads.create, messages=[said])
    events = await streamed(beta.threads.runs.stream(thread_id=thread.id, assistant_id=analyst.id))
    code = ""
    for event in events:
        if event.event == "thread.run.step.delta":
            for call in event.data.delta.step_details.tool_calls or []:
                code += (call.code_interpreter and call.code_interpreter.input) or ""
    assert "No code was run" in code
    (answer, _) = await guide.listed(beta.threads.messages.list, thread.id)
    assert [part.type for part in answer.content] == ["text"]


async def file_search(guide: Guide) -> None:
    """ "File Search": a store, a document, an assistant, a question, an answer that cites."""
    client = guide.client
    store = await guide(client.vector_stores.create, name="Product Documentation")
    document = await guide.upload("product_guide.md")
    await guide(client.vector_stores.files.create, store.id, file_id=document.id)
    support, thread = await begun(
        guide,
        "How do I install the product?",
        [{"type": "file_search"}],
        tool_resources={"file_search": {"vector_store_ids": [store.id]}},
    )
    run = await guide(client.beta.threads.runs.create, thread.id, assistant_id=support.id)
    assert (await ended(guide, run)).status == "completed"
    (answer, _) = await guide.listed(client.beta.threads.messages.list, thread.id)
    text = answer.content[0].text
    assert "run the installer" in text.value
    assert text.annotations[0].file_citation.file_id == document.id
    (_, search) = await guide.listed(
        client.beta.threads.runs.steps.list,
        run.id,
        thread_id=thread.id,
        include=["step_details.tool_calls[*].file_search.results[*].content"],
    )
    found = search.step_details.tool_calls[0].file_search.results[0]
    assert "installer" in found.content[0].text


async def functions(guide: Guide) -> None:
    """ "Function Calling": poll until outputs are asked for, submit them, go on; and streamed."""
    api = guide.client.beta.threads.runs
    assistant, thread = await begun(guide, OSLO, [FIND_WEATHER])
    run = await guide(api.create, thread.id, assistant_id=assistant.id)
    run = await ended(guide, run)
    outputs = answered(run)
    run = await guide(api.submit_tool_outputs, run.id, thread_id=thread.id, tool_outputs=outputs)
    assert (await ended(guide, run)).status == "completed"
    assert outputs[0]["output"] in await last_said(guide, thread.id)
    events = await streamed(
        api.stream(
            thread_id=thread.id,
            assistant_id=assistant.id,
            additional_messages=[{"role": "user", "content": OSLO}],
        )
    )
    assert events[-1].event == "thread.run.requires_action"
    run = events[-1].data
    events = await streamed(
        api.submit_tool_outputs_stream(
            run_id=run.id, thread_id=thread.id, tool_outputs=answered(run)
        )
    )
    assert events[-1].event == "thread.run.completed"
    assert text_of(events) == await last_said(guide, thread.id)


def answered(run: Any) -> list[dict[str, str]]:
    """What an application gives back for the calls that a run waits for."""
    assert run.status == "requires_action"
    outputs = []
    for call in run.required_action.submit_tool_outputs.tool_calls:
        assert call.function.name == "get_weather"
        location = json.loads(call.function.arguments)["location"]
        weather = json.dumps({"location": location, "degrees": 3})
        outputs.append({"tool_call_id": call.id, "output": weather})
    return outputs


async def helpers(guide: Guide) -> None:
    """The SDK's helpers that poll: a run, one with its thread, and after outputs."""
    beta = guide.client.beta
    assistant, thread = await begun(guide, OSLO, [FIND_WEATHER])
    which: dict[str, Any] = {"assistant_id": assistant.id}
    run = await guide(beta.threads.runs.create_and_poll, thread_id=thread.id, **which)
    done = await guide(
        beta.threads.runs.submit_tool_outputs_and_poll,
        run_id=run.id,
        thread_id=thread.id,
        tool_outputs=answered(run),
    )
    assert done.status == "completed"
    said = {"messages": [{"role": "user", "content": "Hello"}]}
    both = await guide(beta.threads.create_and_run_poll, thread=said, **which)
    assert both.status == "completed"
    events = await streamed(beta.threads.create_and_run_stream(thread=said, **which))
    assert (events[0].event, events[-1].event) == ("thread.created", "thread.run.completed")
    manager = beta.threads.create_and_run_stream(thread=said, **which)
    if hasattr(manager, "__aenter__"):
        async with manager as stream:
            deltas = [one async for one in stream.text_deltas]
            (final,) = await stream.get_final_messages()
    else:
        with manager as stream:
            deltas = list(stream.text_deltas)
            (final,) = stream.get_final_messages()
    assert "".join(deltas) == final.content[0].text.value == "You said: Hello"


async def lifecycle(guide: Guide) -> None:
    """ "Thread Lifecycle Management": one thread a user, no second run, clean-up by kept ids."""
    api = guide.client.beta.threads
    kept: dict[str, str] = {}

    async def thread_of(user: str) -> str:
        if user not in kept:
            kept[user] = (await guide(api.create, metadata={"user_id": user})).id
        return kept[user]

    mine = await thread_of("ann")
    assert await thread_of("ann") == mine != await thread_of("bob")
    assistant = await guide(
        guide.client.beta.assistants.create, model="gpt-4o", tools=[FIND_WEATHER]
    )
    await guide(api.messages.create, mine, role="user", content=OSLO)
    run = await guide(api.runs.create, mine, assistant_id=assistant.id)
    await ended(guide, run)
    (latest,) = await guide.listed(api.runs.list, mine, limit=1, order="desc")
    assert latest.status in ACTIVE
    with pytest.raises(openai.BadRequestError, match=f"already has an active run {run.id}"):
        await guide(api.runs.create, mine, assistant_id=assistant.id)
    for user in list(kept):
        await guide(api.delete, kept.pop(user))
    with pytest.raises(openai.NotFoundError):
        await guide(api.retrieve, mine)


async def errors(guide: Guide) -> None:
    """ "Error Handling": an active run is cancelled and waited for; a run that takes too long; a
    store that is not ready; a format that is not supported.
    """
    client = guide.client
    api = client.beta.threads
    assistant, thread = await begun(guide, OSLO, [FIND_WEATHER])
    run = await ended(guide, await guide(api.runs.create, thread.id, assistant_id=assistant.id))
    with pytest.raises(openai.BadRequestError, match=f"while a run {run.id} is active") as refused:
        await guide(api.messages.create, thread.id, role="user", content="And tomorrow?")
    assert (refused.value.status_code, refused.value.code) == (400, None)
    run = await guide(api.runs.cancel, run.id, thread_id=thread.id)
    assert (await ended(guide, run)).status == "cancelled"
    await guide(api.messages.create, thread.id, role="user", content=OSLO)
    run = await guide(api.runs.create, thread.id, assistant_id=assistant.id)
    await guide(api.runs.cancel, run.id, thread_id=thread.id)  # as after a deadline
    assert (await ended(guide, run)).status == "cancelled"
    store = await guide(client.vector_stores.create, name="Waited for")
    file = await guide.upload("slow.md")
    await guide(client.vector_stores.files.create, store.id, file_id=file.id)
    while (ready := await guide(client.vector_stores.retrieve, store.id)).status == "in_progress":
        await asyncio.sleep(0.05)
    assert (ready.status, ready.file_counts.failed) == ("completed", 0)
    table = await guide.upload("table.csv", "a\n1\n")
    with pytest.raises(openai.BadRequestError, match=r"extensions \[\.csv\] are not supported"):
        await guide(client.vector_stores.files.create, store.id, file_id=table.id)


async def costs(guide: Guide) -> None:
    """ "Monitor Costs": usage of a run that ended, limits, and what they make of it."""
    api = guide.client.beta.threads.runs
    assistant, thread = await begun(guide, "word " * 400)
    run = await guide(api.create, thread.id, assistant_id=assistant.id)
    used = (await ended(guide, run)).usage
    assert used.prompt_tokens + used.completion_tokens == used.total_tokens > 400
    limits = {"max_prompt_tokens": 2000, "max_completion_tokens": 256}
    run = await guide(api.create, thread.id, assistant_id=assistant.id, **limits)
    short = await ended(guide, run)
    assert (short.status, short.incomplete_details.reason) == (
        "incomplete",
        "max_completion_tokens",
    )
    with pytest.raises(openai.BadRequestError, match="256"):
        await guide(api.create, thread.id, assistant_id=assistant.id, max_prompt_tokens=255)


CHAPTERS: list[Chapter] = [
    quick_start,
    without_sdk,
    threads,
    messages,
    runs,
    streaming,
    code_interpreter,
    file_search,
    functions,
    helpers,
    lifecycle,
    errors,
    costs,
]


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.sampled(2)
def test_the_guide_with_the_sync_client(url: str, tmp_path: Path, chapter: Chapter) -> None:
    """The chapter runs with `OpenAI`, every reply validated strictly."""
    told_sync(chapter, url, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_guide_with_the_async_client(url: str, tmp_path: Path, chapter: Chapter) -> None:
    """The chapter runs with `AsyncOpenAI`, every reply validated strictly."""
    told_async(chapter, url, tmp_path)
