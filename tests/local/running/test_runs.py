"""Runs that nobody streams: their states, what refuses them, and what time does to them."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import openai
import pytest

from provisioner.local.db import Database

from ..things import Wire
from .test_streams import WEATHER, begun

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
RUN = "/threads/{}/runs"


async def started(client: Any, text: str, tools: Any = (), **run: Any) -> tuple[Wire, Any, str]:
    """The wire, the run as it was answered, and the path of its thread's runs."""
    assistant, thread = await begun(client, text, tools)
    wire = Wire(client)
    path = RUN.format(thread.id)
    return wire, await wire.post(path, assistant_id=assistant.id, **run), path


def test_a_run_goes_on_as_time_goes_by(tell: Any, clock: Any) -> None:
    """Queued when made, in progress when looked at, and done when its time has come."""

    async def story(client: openai.AsyncOpenAI) -> None:
        wire, run, path = await started(client, "Hello", metadata={"a": "b"})
        assert (run["status"], run["expires_at"]) == ("queued", run["created_at"] + 600)
        path = f"{path}/{run['id']}"
        assert (await wire.get(path))["status"] == "in_progress"
        assert await wire.refused(wire.post(path, metadata={})) == (
            400,
            "Cannot update run with status 'in_progress'.",
        )
        clock.tick(1)
        done = await client.beta.threads.runs.retrieve(run["id"], thread_id=run["thread_id"])
        assert (done.status, done.instructions, done.expires_at) == ("completed", "", None)
        assert done.usage is not None and done.usage.prompt_tokens > 0
        assert await wire.refused(wire.post(f"{path}/cancel")) == (
            400,
            "Cannot cancel run with status 'completed'.",
        )
        assert (await wire.post(path, metadata={"c": "d"}))["metadata"] == {"c": "d"}

    tell(story)


def test_one_run_at_a_time(tell: Any, clock: Any) -> None:
    """A thread with an active run takes neither another one nor a message."""

    async def story(client: openai.AsyncOpenAI) -> None:
        wire, run, path = await started(client, "Hello")
        thread = run["thread_id"]
        again = wire.post(path, assistant_id=run["assistant_id"])
        assert await wire.refused(again) == (
            400,
            f"Thread {thread} already has an active run {run['id']}.",
        )
        said = wire.post(f"/threads/{thread}/messages", role="user", content="x")
        assert await wire.refused(said) == (
            400,
            f"Can't add messages to {thread} while a run {run['id']} is active.",
        )
        clock.tick(1)
        await wire.post(f"/threads/{thread}/messages", role="user", content="x")
        await wire.post(path, assistant_id=run["assistant_id"])

    tell(story)


@pytest.mark.parametrize(("text", "wants"), [("Hello", False), ("Weather in Oslo?", True)])
def test_a_run_expires_after_ten_minutes(
    tell: Any, rules: Any, clock: Any, text: str, wants: bool
) -> None:
    """Also one that waits for outputs; it survives a restart until then."""
    faults = rules('{match: {method: POST, path: "/runs$"}, action: {run: stays}}')
    options = {} if wants else {"faults": faults}
    where: list[str] = []

    async def begin(client: openai.AsyncOpenAI) -> None:
        wire, run, path = await started(client, text, [WEATHER] if wants else [])
        where.append(f"{path}/{run['id']}")
        await wire.get(where[0])
        clock.tick(599)
        status = (await wire.get(where[0]))["status"]
        assert status == ("requires_action" if wants else "in_progress")

    async def end(client: openai.AsyncOpenAI) -> None:
        clock.tick(1)
        wire = Wire(client)
        run = await wire.get(where[0])
        assert (run["status"], run["required_action"]) == ("expired", None)
        (step,) = (await wire.get(f"{where[0]}/steps"))["data"]
        assert (step["status"], step["expired_at"]) == ("expired", run["created_at"] + 600)
        late = wire.post(f"{where[0]}/submit_tool_outputs", tool_outputs=[])
        assert (await wire.refused(late))[1] == (
            'Runs in status "expired" do not accept tool outputs.'
        )

    tell(begin, **options)
    tell(end)


def test_a_run_stays_as_long_as_a_fault_says(tell: Any, rules: Any, clock: Any) -> None:
    """Then it goes on as if nothing had been, and the outputs it asks for end it."""
    faults = rules('{match: {path: "/runs$"}, action: {run: stays, seconds: 5}}')

    async def story(client: openai.AsyncOpenAI) -> None:
        wire, run, path = await started(client, "Weather in Oslo?", [WEATHER])
        path = f"{path}/{run['id']}"
        clock.tick(4)
        assert (await wire.get(path))["status"] == "in_progress"
        clock.tick(1)
        waiting = await wire.get(path)
        (call,) = waiting["required_action"]["submit_tool_outputs"]["tool_calls"]
        outputs = [{"tool_call_id": call["id"], "output": "3"}]
        await wire.post(f"{path}/submit_tool_outputs", tool_outputs=outputs)
        clock.tick(0.1)
        assert (await wire.get(path))["status"] == "completed"

    tell(story, faults=faults)


def test_outputs_must_fit_the_calls(tell: Any, clock: Any) -> None:
    """Missing and unknown ones are refused, and the run still waits; cancelling ends it."""

    async def story(client: openai.AsyncOpenAI) -> None:
        wire, run, path = await started(client, "Weather in Oslo?", [WEATHER])
        path = f"{path}/{run['id']}"
        await wire.get(path)
        clock.tick(1)
        waiting = await wire.get(path)
        (call,) = waiting["required_action"]["submit_tool_outputs"]["tool_calls"]
        for outputs in ([], [{"tool_call_id": "call_x", "output": "1"}]):
            submitted = wire.post(f"{path}/submit_tool_outputs", tool_outputs=outputs)
            status, message = await wire.refused(submitted)
            assert (status, call["id"] in message) == (400, True)
        assert (await wire.post(f"{path}/cancel"))["status"] == "cancelling"
        assert (await wire.get(path))["status"] == "cancelled"

    tell(story)


def test_limits_leave_a_run_incomplete(tell: Any, clock: Any) -> None:
    """Too many tokens in, or too many out."""

    async def story(client: openai.AsyncOpenAI) -> None:
        for limit in ("max_prompt_tokens", "max_completion_tokens"):
            wire, run, path = await started(client, "word " * 400, **{limit: 256})
            clock.tick(1)
            await wire.get(path)
            clock.tick(1)
            ended = await wire.get(f"{path}/{run['id']}")
            assert (ended["status"], ended["incomplete_details"]) == (
                "incomplete",
                {"reason": limit},
            )
            assert ended["usage"]["completion_tokens"] in (0, 256)
            low = wire.post(path, assistant_id=run["assistant_id"], **{limit: 255})
            assert (await wire.refused(low))[0] == 400

    tell(story)


def test_an_expired_store_makes_runs_fail(tell: Any, clock: Any) -> None:
    """A store that was made for a thread lives seven days after its last use."""

    async def story(client: openai.AsyncOpenAI) -> None:
        tools = [{"type": "file_search"}]
        resources = {"file_search": {"vector_stores": [{"file_ids": []}]}}
        assistant, thread = await begun(client, "Hello", tools, tool_resources=resources)
        clock.tick(7 * 86400 + 1)
        wire = Wire(client)
        run = await wire.post(RUN.format(thread.id), assistant_id=assistant.id)
        failed = await wire.get(f"{RUN.format(thread.id)}/{run['id']}")
        assert (failed["status"], failed["last_error"]["code"]) == ("failed", "server_error")
        assert "has expired" in failed["last_error"]["message"]

    tell(story)


def test_every_override_shows_in_the_run(tell: Any) -> None:
    """What a run says wins over its assistant; what it does not say comes from there."""

    async def story(client: openai.AsyncOpenAI) -> None:
        given: dict[str, Any] = {
            "model": "gpt-4.1",
            "temperature": 0.5,
            "top_p": 0.5,
            "max_prompt_tokens": 1000,
            "max_completion_tokens": 1000,
            "truncation_strategy": {"type": "last_messages", "last_messages": 1},
            "tool_choice": "none",
            "parallel_tool_calls": False,
            "response_format": {"type": "json_object"},
            "tools": [{"type": "code_interpreter"}],
            "metadata": {"k": "v"},
        }
        more: dict[str, Any] = {
            "instructions": "A",
            "additional_instructions": "B",
            "additional_messages": [{"role": "user", "content": "More"}],
        }
        _, run, path = await started(client, "Hello", **given, **more)
        assert {name: run[name] for name in given} == given
        assert run["instructions"] == "A\nB"
        wire = Wire(client)
        listed = await wire.listed(f"/threads/{run['thread_id']}/messages?order=asc")
        assert [one["content"][0]["text"]["value"] for one in listed][:2] == ["Hello", "More"]
        tools = [{"type": "code_interpreter"}] * 21
        many = wire.post(path, assistant_id=run["assistant_id"], tools=tools)
        assert (await wire.refused(many))[0] == 400

    tell(story)


def test_a_run_needs_something_to_answer(tell: Any) -> None:
    """Without instructions and without a message of the user there is nothing to do."""

    async def story(client: openai.AsyncOpenAI) -> None:
        assistant = await client.beta.assistants.create(model="gpt-4o")
        with pytest.raises(openai.BadRequestError) as refusal:
            await client.beta.threads.create_and_run(assistant_id=assistant.id)
        assert refusal.value.code == "invalid_thread"
        wire = Wire(client)
        nobody = wire.post("/threads/runs", assistant_id="asst_x")
        assert await wire.refused(nobody) == (404, "No assistant found with id 'asst_x'.")

    tell(story)


def test_deleting_a_thread_takes_what_is_in_it(tell: Any) -> None:
    """An assistant may go, a thread that it answered stays; with a thread all in it goes."""

    async def story(client: openai.AsyncOpenAI) -> None:
        wire, run, path = await started(client, "Hello")
        thread, inside = f"/threads/{run['thread_id']}", f"{path}/{run['id']}"
        await wire.delete(f"/assistants/{run['assistant_id']}")
        assert (await wire.get(inside))["status"] == "in_progress"
        gone = f"No thread found with id '{run['thread_id']}'."
        for kind, path in (("message", f"{thread}/messages/x"), ("run", f"{thread}/runs/x")):
            assert await wire.refused(wire.get(path)) == (404, f"No {kind} found with id 'x'.")
        assert (await wire.delete(thread))["object"] == "thread.deleted"
        for path in (thread, inside, f"{thread}/messages", f"{inside}/steps"):
            assert await wire.refused(wire.get(path)) == (404, gone)

    tell(story)


def test_messages_are_kept_as_they_were_said(tell: Any, clock: Any) -> None:
    """Parts, attachments and metadata come back; lists have cursors and know runs."""

    async def story(client: openai.AsyncOpenAI) -> None:
        file = await client.files.create(file=("a.csv", b"1,2"), purpose="assistants")
        wire, run, path = await started(client, "Hello")
        await wire.get(path)
        clock.tick(1)
        thread = run["thread_id"]
        content: Any = [
            {"type": "text", "text": "Look"},
            {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}},
        ]
        said = await client.beta.threads.messages.create(
            thread,
            role="user",
            content=content,
            attachments=[{"file_id": file.id, "tools": [{"type": "code_interpreter"}]}],
        )
        assert [part.type for part in said.content] == ["text", "image_url"]
        kept = await client.beta.threads.retrieve(thread)
        assert kept.tool_resources.code_interpreter.file_ids == [file.id]  # type: ignore
        changed = await client.beta.threads.messages.update(
            said.id, thread_id=thread, metadata={"a": "b"}
        )
        assert changed.metadata == {"a": "b"}
        assert len(await wire.listed(f"/threads/{thread}/messages")) == 3
        (answer,) = await wire.listed(f"/threads/{thread}/messages?run_id={run['id']}")
        assert (answer["status"], answer["assistant_id"]) == ("completed", run["assistant_id"])
        deleted = await client.beta.threads.messages.delete(said.id, thread_id=thread)
        assert deleted.object == "thread.message.deleted"
        searched = [{"file_id": file.id, "tools": [{"type": "file_search"}]}]
        refused = wire.post(
            f"/threads/{thread}/messages", role="user", content="x", attachments=searched
        )
        assert "not supported for retrieval" in (await wire.refused(refused))[1]
        gone: list[Any] = [{"file_id": "file-gone"}]  # for no tool
        refused = wire.post(
            f"/threads/{thread}/messages", role="user", content="x", attachments=gone
        )
        assert await wire.refused(refused) == (404, "Files [file-gone] were not found")

    tell(story)


def test_the_pollers_of_the_sdk(tell: Any) -> None:
    """Polling takes no longer than the run, and takes outputs."""

    async def story(client: openai.AsyncOpenAI) -> None:
        assistant, thread = await begun(client, "Weather in Oslo?", [WEATHER])
        runs = client.beta.threads.runs
        run = await runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
        assert run.required_action is not None
        call = run.required_action.submit_tool_outputs.tool_calls[0]
        done = await runs.submit_tool_outputs_and_poll(
            run_id=run.id,
            thread_id=thread.id,
            tool_outputs=[{"tool_call_id": call.id, "output": "3"}],
        )
        assert done.status == "completed"

    before = time.monotonic()
    tell(story, clock=time.time)
    assert time.monotonic() - before < 2


def test_over_http(client: openai.OpenAI) -> None:
    """The synchronous SDK polls and streams; one that hangs up leaves the run to end by itself."""
    assistant = client.beta.assistants.create(model="gpt-4o", instructions="Be kind.")
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "Hello there"}])
    runs = client.beta.threads.runs
    run = runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert run.status == "completed"
    with runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
        assert "".join(stream.text_deltas) == "You said: Hello there"
    gone = runs.create(thread.id, assistant_id=assistant.id, stream=True)
    next(iter(gone))
    gone.close()
    newest = runs.list(thread.id).data[0]
    assert runs.poll(run_id=newest.id, thread_id=thread.id).status == "completed"


def test_a_database_of_the_first_version_opens(tmp_path: Path) -> None:
    """What is missing is added."""
    path = tmp_path / "service.db"
    Database(path).connection.close()
    old = sqlite3.connect(path)
    old.executescript("DROP TABLE runs; DROP TABLE threads; PRAGMA user_version = 1;")
    old.close()
    opened = Database(path)
    assert opened.all("SELECT * FROM runs") == opened.all("SELECT * FROM threads") == []
    opened.connection.close()


def test_a_run_waits_for_files_that_are_being_indexed(tell: Any, clock: Any) -> None:
    """It stays queued until what was attached can be searched, but not for ever."""

    async def story(client: openai.AsyncOpenAI) -> None:
        file = await client.files.create(file=("a.md", b"Hello"), purpose="assistants")
        resources = {"file_search": {"vector_stores": [{"file_ids": [file.id]}]}}
        tools = [{"type": "file_search"}]
        assistant, thread = await begun(client, "Hello", tools, tool_resources=resources)
        wire, path = Wire(client), RUN.format(thread.id)
        run = await wire.post(path, assistant_id=assistant.id)
        assert (await wire.get(f"{path}/{run['id']}"))["status"] == "queued"
        clock.tick(60)
        assert (await wire.get(f"{path}/{run['id']}"))["status"] == "completed"

    tell(story, indexing_seconds=1000)


def test_a_deleted_file_leaves_its_threads(tell: Any) -> None:
    """A thread no longer lends it to the code interpreter; the other files stay."""

    async def story(client: openai.AsyncOpenAI) -> None:
        wire = Wire(client)
        kept, gone = await wire.upload(), await wire.upload()
        lent = {"code_interpreter": {"file_ids": [kept, gone]}}
        thread = await wire.post("/threads", tool_resources=lent)
        await wire.delete(f"/files/{gone}")
        found = await wire.get(f"/threads/{thread['id']}")
        assert found["tool_resources"]["code_interpreter"]["file_ids"] == [kept]

    tell(story)


def test_what_earlier_runs_called_is_read_again(tell: Any, clock: Any) -> None:
    """A function's output counts into the prompt of the next run of its thread."""

    async def story(client: openai.AsyncOpenAI) -> None:
        wire, run, path = await started(client, "Weather in Oslo?", [WEATHER])
        await wire.get(path)
        clock.tick(1)
        waiting = await wire.get(f"{path}/{run['id']}")
        (call,) = waiting["required_action"]["submit_tool_outputs"]["tool_calls"]
        outputs = [{"tool_call_id": call["id"], "output": "snow " * 300}]
        await wire.post(f"{path}/{run['id']}/submit_tool_outputs", tool_outputs=outputs)
        await wire.get(path)
        clock.tick(1)
        more = [{"role": "user", "content": "Thanks"}]
        again = await wire.post(
            path, assistant_id=run["assistant_id"], additional_messages=more, tool_choice="none"
        )
        await wire.get(path)
        clock.tick(1)
        used = (await wire.get(f"{path}/{again['id']}"))["usage"]
        assert used["prompt_tokens"] > 600  # the output itself, and the answer that repeats it

    tell(story)
