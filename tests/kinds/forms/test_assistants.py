from __future__ import annotations

from typing import Any

import pytest

from provisioner.kinds.assistant.assistants import FORM
from provisioner.kinds.base import Names
from provisioner.model import Address, Fields, LockState
from provisioner.remote import Remote

from .gateway import STAMP, Service, as_read_by_the_sdk, write

ADDRESS = Address("assistant", "support")
STORE, DATA = Address("vector_store", "kb"), Address("file", "data/prices.csv")

STRICT = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
EVERYTHING: Fields = {
    "name": "Support",
    "description": "Answers questions",
    "model": "gpt-4o",
    "instructions": "Be kind.\n",
    "tools": [
        {"type": "function", "name": "find_user", "parameters": STRICT, "strict": True},
        {
            "type": "file_search",
            "vector_stores": ["vector_store.kb"],
            "max_num_results": 8,
            "ranking_options": {"score_threshold": 0.5},
        },
        {"type": "code_interpreter", "files": ["file.data/prices.csv"]},
        {"type": "function", "name": "add", "description": "Adds"},
    ],
    "temperature": 0.3,
    "top_p": 1,
    "reasoning_effort": "low",
    "response_format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"}},
    "metadata": {"team": "support"},
}


async def resources(remote: Remote) -> Names:
    """A store and a file to refer to."""
    store = await remote.post("/vector_stores", {"name": "kb"})
    import io

    file = await remote.upload(io.BytesIO(b"a,b\n"), "prices.csv", "assistants")
    return Names({STORE: store["id"], DATA: file["id"]})


def normal(fields: Fields) -> Fields:
    return FORM.normal(ADDRESS, fields)


def test_every_field_comes_back_as_it_was_declared(service: Service) -> None:
    """Create, read and list agree with the declaration in normal form, with nothing read twice."""

    async def story(remote: Remote) -> Any:
        names = await resources(remote)
        made = await FORM.create(remote, write("assistant", EVERYTHING, names=names))
        return made, await FORM.read(remote, made.id, names), await FORM.list(remote, names)

    made, read, listed = service.tell(story)

    assert normal(made.fields) == normal(EVERYTHING)
    assert made == read == listed[0]
    assert made.stamp == STAMP
    assert [method for method, path in service.calls if path.startswith("/assistants")] == [
        "POST",
        "GET",
        "GET",
    ]


def test_the_sdk_knows_every_field_that_is_sent(service: Service) -> None:
    """Its request type reads the body as it was written, tools and resources included."""
    from openai.types.beta import AssistantCreateParams

    async def story(remote: Remote) -> None:
        names = await resources(remote)
        await FORM.create(remote, write("assistant", EVERYTHING, names=names))

    service.tell(story)

    path, body = service.writes[-1]
    assert (path, len(body["tools"]), len(body["tool_resources"])) == ("/assistants", 4, 2)
    assert as_read_by_the_sdk(AssistantCreateParams, body) == body


def test_defaults_that_the_service_fills_in_are_no_difference(service: Service) -> None:
    """An assistant with nothing but a model equals what the service makes of it, field by field."""

    async def story(remote: Remote) -> Any:
        return await FORM.create(
            remote,
            write(
                "assistant",
                {
                    "model": "gpt-4o",
                    "tools": [{"type": "file_search"}, {"type": "code_interpreter"}],
                },
            ),
        )

    made = service.tell(story)

    assert normal(made.fields) == normal(
        {"model": "gpt-4o", "tools": [{"type": "code_interpreter"}, {"type": "file_search"}]}
    )
    assert service.writes[0][1] == {
        "name": "support",
        "model": "gpt-4o",
        "tools": [{"type": "file_search"}, {"type": "code_interpreter"}],
        "tool_resources": {},
        "metadata": {"provisioner": str(STAMP)},
    }


def test_order_never_counts() -> None:
    """Tools, stores and files are sets, whatever their order in a spec or at the service."""
    turned = {**EVERYTHING, "tools": EVERYTHING["tools"][::-1]}

    assert normal(turned) == normal(EVERYTHING)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"temperature": 1}, {}),
        ({"temperature": None}, {"temperature": 1.0}),
        ({"description": ""}, {"description": None}),
        ({"response_format": None}, {"response_format": "auto"}),
        (
            {"tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}]},
            {"tools": [{"type": "function", "name": "f"}]},
        ),
        ({"metadata": None}, {"metadata": {"provisioner": "x"}}),
        (
            {"tools": [{"type": "function", "name": "f"}]},
            {
                "tools": [
                    {
                        "type": "function",
                        "name": "f",
                        "strict": False,
                        "parameters": {},
                        "description": None,
                    }
                ]
            },
        ),
        (
            {"tools": [{"type": "file_search"}]},
            {
                "tools": [
                    {
                        "type": "file_search",
                        "ranking_options": {"ranker": "default_2024_08_21", "score_threshold": 0},
                    }
                ]
            },
        ),
        (
            {"response_format": {"type": "json_schema", "name": "a", "schema": {}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "name": "a",
                    "schema": {},
                    "strict": False,
                    "description": None,
                }
            },
        ),
        ({}, {"responses": {"store": False}, "agents": {}}),
    ],
)
def test_what_is_the_same(left: Fields, right: Fields) -> None:
    """Two spellings of one thing have one normal form."""
    assert normal(left) == normal(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"response_format": "text"}, {"response_format": "auto"}),
        ({"temperature": 0}, {"temperature": 1}),
        (
            {"tools": [{"type": "function", "name": "f", "strict": True}]},
            {"tools": [{"type": "function", "name": "f"}]},
        ),
        ({"reasoning_effort": "none"}, {"reasoning_effort": None}),
        (
            {"tools": [{"type": "file_search", "max_num_results": 20}]},
            {"tools": [{"type": "file_search"}]},
        ),
    ],
)
def test_what_is_not_the_same(left: Fields, right: Fields) -> None:
    """What the service tells apart, the normal form tells apart."""
    assert normal(left) != normal(right)


def test_removed_fields_are_reset(service: Service) -> None:
    """Every field that is not declared any more is back at its default, the name at the
    resource's.
    """

    async def story(remote: Remote) -> Any:
        names = await resources(remote)
        made = await FORM.create(remote, write("assistant", EVERYTHING, names=names))
        paths = [*(set(EVERYTHING) - {"model", "metadata"}), "metadata.team"]
        return await FORM.update(
            remote, write("assistant", {"model": "gpt-4o"}, *paths, id=made.id, names=names)
        )

    changed = service.tell(story)

    assert normal(changed.fields) == normal({"model": "gpt-4o", "name": "support"})
    sent = service.writes[-1][1]
    assert sent["temperature"] is None and sent["tools"] == []
    assert sent["tool_resources"] == {
        "code_interpreter": {"file_ids": []},
        "file_search": {"vector_store_ids": []},
    }


def test_only_what_differs_is_sent(service: Service) -> None:
    """An update names its fields; the stamp goes along, because the serial says which apply wrote
    last.
    """

    async def story(remote: Remote) -> Any:
        made = await FORM.create(
            remote, write("assistant", {"model": "gpt-4o", "temperature": 0.3})
        )
        fields = {"model": "gpt-4o", "temperature": 0.5}
        return await FORM.update(remote, write("assistant", fields, "temperature", id=made.id))

    changed = service.tell(story)

    assert changed.fields["temperature"] == 0.5
    assert service.writes[-1][1] == {"temperature": 0.5, "metadata": {"provisioner": str(STAMP)}}


def test_foreign_metadata_survives(service: Service) -> None:
    """Keys that somebody else wrote stay, also those that appeared since the plan; removed
    ones go.
    """

    async def story(remote: Remote) -> Any:
        made = await FORM.create(
            remote, write("assistant", {"model": "m", "metadata": {"team": "a", "odd key": "b"}})
        )
        await remote.post(
            f"/assistants/{made.id}",
            {
                "metadata": {
                    "team": "by hand",
                    "odd key": "b",
                    "provider_id": "x",
                    "provisioner": str(STAMP),
                }
            },
            repeatable=True,
        )
        fields = {"model": "m", "metadata": {"team": "c", "year": "2026"}}
        paths = ("metadata.team", "metadata.year", 'metadata["odd key"]')
        return await FORM.update(remote, write("assistant", fields, *paths, id=made.id))

    changed = service.tell(story)

    assert changed.fields["metadata"] == {"team": "c", "year": "2026", "provider_id": "x"}
    assert changed.stamp == STAMP


def test_a_key_that_is_not_in_the_plan_is_left_alone(service: Service) -> None:
    """An ignored key keeps what somebody wrote into it, although the spec declares it."""

    async def story(remote: Remote) -> Any:
        made = await FORM.create(
            remote, write("assistant", {"model": "m", "metadata": {"team": "a"}})
        )
        await remote.post(
            f"/assistants/{made.id}", {"metadata": {"team": "by hand"}}, repeatable=True
        )
        fields = {"model": "m", "metadata": {"team": "a"}, "temperature": 0.1}
        return await FORM.update(remote, write("assistant", fields, "temperature", id=made.id))

    assert service.tell(story).fields["metadata"] == {"team": "by hand"}


def test_releasing_takes_only_our_stamp_off(service: Service) -> None:
    """A forgotten object keeps everything but our mark; one that is gone is not an error."""

    async def story(remote: Remote) -> Any:
        made = await FORM.create(
            remote, write("assistant", {"model": "m", "metadata": {"team": "a"}})
        )
        lock = LockState(STAMP.workspace, STAMP.environment, f"{STAMP.lineage}-1", 1, {})
        await FORM.release(remote, made.id, lock)
        await FORM.release(remote, "asst_gone", lock)
        return await FORM.read(remote, made.id, Names())

    live = service.tell(story)

    assert live.stamp is None
    assert live.fields["metadata"] == {"team": "a"}


def test_deleting_and_reading_what_is_gone(service: Service) -> None:
    """Deleted twice is deleted; read afterwards it is None."""

    async def story(remote: Remote) -> Any:
        made = await FORM.create(remote, write("assistant", {"model": "m"}))
        await FORM.delete(remote, made.id)
        await FORM.delete(remote, made.id)
        return await FORM.read(remote, made.id, Names())

    assert service.tell(story) is None


def test_a_tool_that_somebody_added_shows(service: Service) -> None:
    """Ids that are not ours come back as `{id: …}`, with the tool that they belong to."""

    async def story(remote: Remote) -> Any:
        names = await resources(remote)
        made = await FORM.create(remote, write("assistant", {"model": "m", "tools": []}))
        body = {
            "tools": [{"type": "file_search"}],
            "tool_resources": {"file_search": {"vector_store_ids": [names.ids[STORE]]}},
        }
        await remote.post(f"/assistants/{made.id}", body, repeatable=True)
        return names, await FORM.read(remote, made.id, Names())

    names, live = service.tell(story)

    assert normal(live.fields)["tools"][0]["vector_stores"] == [{"id": names.ids[STORE]}]


def test_what_only_other_apis_can_carry_is_a_loss() -> None:
    """Each loss has a name for `accept_loss`, a path and a remedy."""
    fields = {
        "tools": [
            {"type": "web_search"},
            {
                "type": "file_search",
                "filters": {"type": "eq"},
                "ranking_options": {"ranker": "default-2024-11-15"},
            },
            {"type": "code_interpreter", "memory_limit": "4g"},
        ]
    }

    losses = {loss.name: loss for loss in FORM.losses(ADDRESS, fields)}

    assert set(losses) == {
        "tools.web_search",
        "tools.file_search.filters",
        "tools.file_search.ranker",
        "tools.code_interpreter.memory_limit",
    }
    assert losses["tools.web_search"].path == ("tools", 0)
    assert losses["tools.file_search.ranker"].path == ("tools", 1, "ranking_options", "ranker")
    assert "accept_loss: [tools.web_search]" in losses["tools.web_search"].hint


def test_accepted_losses_are_not_sent(service: Service) -> None:
    """What may be left out is left out, and is not a difference afterwards."""
    fields = {
        "model": "m",
        "tools": [
            {"type": "web_search"},
            {
                "type": "file_search",
                "filters": {"type": "eq", "key": "a", "value": "b"},
                "ranking_options": {"ranker": "default-2024-11-15"},
            },
        ],
    }

    made = service.tell(lambda remote: FORM.create(remote, write("assistant", fields)))

    assert normal(made.fields) == normal(fields)


def test_the_limits_of_this_api() -> None:
    """One store, twenty files."""
    files = [f"file.{number}.csv" for number in range(21)]
    fields = {
        "tools": [
            {"type": "file_search", "vector_stores": ["vector_store.a", "vector_store.b"]},
            {"type": "code_interpreter", "files": files},
        ]
    }

    assert [finding.path for finding in FORM.check(ADDRESS, fields)] == [
        ("tools", 0, "vector_stores"),
        ("tools", 1, "files"),
    ]
    assert list(FORM.check(ADDRESS, EVERYTHING)) == []


def ignoring_null(method: str, path: str, body: Any) -> Any:
    return {key: value for key, value in body.items() if value is not None}


def test_a_server_that_ignores_null_gets_the_default(service: Service) -> None:
    """Null, then the default itself, then no more; the oddity is named."""

    async def story(remote: Remote) -> Any:
        fields = {
            "model": "m",
            "temperature": 0.3,
            "description": "old",
            "response_format": "json_object",
        }
        made = await FORM.create(remote, write("assistant", fields))
        paths = ("temperature", "description", "response_format")
        return await FORM.update(
            remote, write("assistant", {"model": "m"}, *paths, id=made.id)
        ), remote.oddities

    changed, oddities = service.tell(story, request=ignoring_null)

    assert normal(changed.fields) == normal({"model": "m", "name": "support"})
    assert any("sent as null" in oddity for oddity in oddities)


@pytest.mark.parametrize("status", [200, 201])
def test_a_server_that_injects_metadata_and_answers_201(service: Service, status: int) -> None:
    """A gateway's own keys are foreign keys, nothing else."""

    def inject(method: str, path: str, body: Any) -> Any:
        return (
            (status, {**body, "metadata": {**body["metadata"], "provider_id": "p"}})
            if method == "POST"
            else body
        )

    made = service.tell(
        lambda remote: FORM.create(remote, write("assistant", EVERYTHING | {"tools": []})),
        reply=inject,
    )

    assert made.fields["metadata"] == {"team": "support", "provider_id": "p"}
    assert made.stamp == STAMP


def test_a_reply_that_lacks_a_field_is_completed_by_one_read(service: Service) -> None:
    """A terse reply costs one GET; a field that the service never shows stays missing."""

    def terse(method: str, path: str, body: Any) -> Any:
        dropped = {"reasoning_effort"} | ({"temperature", "tools"} if method == "POST" else set())
        return {key: value for key, value in body.items() if key not in dropped}

    fields = {"model": "m", "temperature": 0.3, "reasoning_effort": "low"}
    made = service.tell(lambda remote: FORM.create(remote, write("assistant", fields)), reply=terse)

    assert made.fields["temperature"] == 0.3
    assert "reasoning_effort" not in made.fields
    assert [method for method, _ in service.calls] == ["POST", "GET"]


def test_a_create_survives_a_read_back_that_fails(service: Service) -> None:
    """The id must not be lost because the GET after the create failed."""

    def flaky(method: str, path: str, body: Any) -> Any:
        return (
            {"id": body["id"]} if method == "POST" else (403, {"error": {"message": "no reading"}})
        )

    made = service.tell(
        lambda remote: FORM.create(remote, write("assistant", {"model": "m"})), reply=flaky
    )

    assert made.id.startswith("asst_")


def test_a_server_that_merges_metadata_shows_the_key_that_stayed(service: Service) -> None:
    """The removed key is still in the reply, where the caller finds it."""

    async def story(remote: Remote) -> Any:
        made = await FORM.create(
            remote, write("assistant", {"model": "m", "metadata": {"team": "a"}})
        )
        return await FORM.update(
            remote, write("assistant", {"model": "m"}, "metadata.team", id=made.id)
        )

    assert service.tell(story, metadata_update="merge").fields["metadata"] == {"team": "a"}
    assert service.tell(story).fields["metadata"] == {}
