from __future__ import annotations

from typing import Any

import pytest

from provisioner.kinds.assistant.agents import FORM
from provisioner.kinds.base import Names
from provisioner.model import Address, Fields, Locked, LockState
from provisioner.remote import Remote

from .gateway import STAMP, Service, as_read_by_the_sdk, write

ADDRESS = Address("assistant", "support")
ARGUMENTS = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
ANSWER = {"type": "object", "properties": {"subject": {"type": "string"}}}
EVERYTHING: Fields = {
    "name": "Support",
    "description": "Answers questions",
    "model": "gpt-5.6",
    "instructions": "Be kind.\n",
    "tools": [
        {
            "type": "function",
            "name": "find_user",
            "description": "Finds",
            "parameters": ARGUMENTS,
            "defer_loading": True,
            "async": True,
        },
        {"type": "function", "name": "ping", "description": "Asks whether it is there"},
        {
            "type": "mcp",
            "server_label": "crm",
            "server_url": "https://crm.example/mcp",
            "credential": {"id": "cred_1"},
            "allowed_tools": {"tool_names": ["list_orders"]},
            "connection_origin": "environment",
            "request_metadata": {"tenant": "acme"},
            "required": True,
        },
        {
            "type": "mcp",
            "server_label": "erp",
            "transport": {
                "type": "http",
                "server_url": "https://erp.example/mcp",
                "headers": {"X-Region": "eu"},
            },
        },
        {
            "type": "mcp",
            "server_label": "files",
            "transport": {
                "type": "stdio",
                "command": "files-mcp",
                "cwd": "/workspace",
                "args": ["-v"],
                "env_vars": ["REGION"],
            },
        },
        {
            "type": "web_search",
            "filters": {"allowed_domains": ["who.int"]},
            "search_context_size": "low",
            "user_location": {"type": "approximate", "country": "NO"},
            "external_web_access": False,
        },
        {"type": "computer_use", "include_screenshots": True},
        {"type": "programmatic_tool_calling", "enabled": False},
        {"type": "tool_search"},
        {"type": "automations"},
    ],
    "reasoning_effort": "low",
    "response_format": {"type": "json_schema", "name": "answer", "schema": ANSWER},
    "metadata": {"team": "support"},
    "agents": {
        "reasoning": {"summary": "auto"},
        "text": {"verbosity": "low"},
        "service_tier": "flex",
        "multi_agent": {"enabled": True, "max_concurrent_subagents": 3},
        "compaction": {"async": True},
        "experimental": {"time_awareness": True},
    },
}


def normal(fields: Fields) -> Fields:
    """In normal form, without the pair by which a description travels."""
    found = FORM.normal(ADDRESS, fields)
    metadata = {name: found["metadata"][name] for name in found["metadata"] if name == "team"}
    return {**found, "metadata": metadata}


def body_of(service: Service) -> Any:
    return next(body for path, body in reversed(service.writes) if path.startswith("/agents"))


def test_every_field_comes_back_as_it_was_declared(service: Service) -> None:
    """Create, read and list agree with the declaration in normal form, with nothing read twice."""

    async def story(remote: Remote) -> Any:
        made = await FORM.create(remote, write("assistant", EVERYTHING))
        return made, await FORM.read(remote, made.id, Names()), await FORM.list(remote, Names())

    made, read, listed = service.tell(story)

    assert normal(made.fields) == normal(EVERYTHING)
    assert made == read == listed[0]
    assert made.stamp == STAMP
    assert [method for method, _ in service.calls] == ["POST", "GET", "GET"]


def test_the_sdk_knows_every_field_that_is_sent(service: Service) -> None:
    """Its request type reads the body as it was written, to the last setting of each tool."""
    from openai.types.beta import AgentCreateParams

    service.tell(lambda remote: FORM.create(remote, write("assistant", EVERYTHING)))

    body = body_of(service)
    compaction = body.pop("compaction")
    assert as_read_by_the_sdk(AgentCreateParams, body) == body
    assert compaction == {"async": True}
    assert len(body["tools"]) == 10
    assert body["metadata"]["description"] == "Answers questions"


def test_what_the_service_fills_in_is_no_difference(service: Service) -> None:
    """The least that can be declared comes back with every default, which is nobody's edit."""
    least: Fields = {
        "model": "gpt-5.6",
        "tools": [
            {"type": "web_search"},
            {"type": "mcp", "server_label": "crm", "server_url": "https://crm.example/mcp"},
            {
                "type": "mcp",
                "server_label": "nothing",
                "server_url": "https://crm.example/mcp",
                "allowed_tools": [],
            },
            {"type": "programmatic_tool_calling"},
            {"type": "computer_use"},
        ],
        "agents": {"multi_agent": {"enabled": True}},
    }

    made = service.tell(lambda remote: FORM.create(remote, write("assistant", least)))

    assert normal(made.fields) == normal(least)
    # No tool allowed is not the same as nothing said of them.
    allowed = [tool.get("allowed_tools") for tool in body_of(service)["tools"]]
    assert allowed[1:3] == [None, []]


async def changed(remote: Remote, before: Fields, after: Fields, *paths: str) -> Any:
    """An agent as it is after an update, and the body that was sent."""
    made = await FORM.create(remote, write("assistant", before))
    return await FORM.update(remote, write("assistant", after, *paths, id=made.id))


def test_an_effort_takes_the_rest_of_its_object_along(service: Service) -> None:
    """The service replaces objects whole: a summary that is not ours to change stays."""
    before = {"model": "m", "reasoning_effort": "low", "agents": {"reasoning": {"summary": "auto"}}}
    after = {**before, "reasoning_effort": "high"}

    made = service.tell(lambda remote: changed(remote, before, after, "reasoning_effort"))

    sent = body_of(service)
    assert sent["reasoning"] == {"effort": "high", "summary": "auto"}
    assert sent.keys() == {"reasoning", "metadata"}
    assert normal(made.fields) == normal(after)


def test_what_is_no_longer_declared_is_reset(service: Service) -> None:
    """Null for everything, and the default for what is merged key by key."""
    gone = {"model": EVERYTHING["model"]}
    paths = EVERYTHING.keys() - {"model", "metadata"} | {"metadata.team"}

    made = service.tell(lambda remote: changed(remote, EVERYTHING, gone, *paths))

    assert normal(made.fields) == normal(gone)
    sent = body_of(service)
    assert sent["experimental"] == {"time_awareness": False}
    assert sent["metadata"].keys() == {"provisioner"}
    assert sent["multi_agent"] is sent["compaction"] is sent["service_tier"] is None


def test_foreign_metadata_stays_though_the_service_replaces_it(service: Service) -> None:
    """What somebody else wrote is sent along; our own key that is gone is not."""

    async def story(remote: Remote) -> Any:
        made = await FORM.create(
            remote, write("assistant", {"model": "m", "metadata": {"team": "a", "old": "b"}})
        )
        live = await remote.get(f"/agents/{made.id}")
        theirs = {**live["metadata"], "theirs": "c"}
        await remote.post(f"/agents/{made.id}", {"metadata": theirs}, repeatable=True)
        after = {"model": "m", "description": "D", "metadata": {"team": "a"}}
        named = ("metadata.old", "description")
        await FORM.update(remote, write("assistant", after, *named, id=made.id))
        lock = LockState("acme", "local", "0123abcd-0", 1, {})
        await FORM.release(remote, made.id, lock)
        return await remote.get(f"/agents/{made.id}")

    live = service.tell(story)

    assert live["metadata"] == {"team": "a", "theirs": "c", "description": "D"}


def test_a_description_that_is_lost_leaves_its_place(service: Service) -> None:
    """With fifteen pairs and our stamp there is no room for what was carried until now."""
    pairs = {f"key{number}": "v" for number in range(15)}
    before = {"model": "m", "description": "D"}
    lost = frozenset({"description"})

    async def story(remote: Remote) -> Any:
        made = await FORM.create(remote, write("assistant", before))
        after = {**before, "metadata": pairs}
        named = [f"metadata.{key}" for key in pairs]
        await FORM.update(remote, write("assistant", after, *named, id=made.id, lost=lost))
        return await remote.get(f"/agents/{made.id}")

    assert service.tell(story)["metadata"] == {**pairs, "provisioner": str(STAMP)}


def test_a_server_that_knows_nothing_experimental(service: Service) -> None:
    """It is not told that something is off of which it has never heard."""

    def older(method: str, path: str, body: Any) -> Any:
        return {name: body[name] for name in body if name not in ("experimental", "compaction")}

    before = {"model": "m", "agents": {"text": {"verbosity": "low"}}}
    made = service.tell(
        lambda remote: changed(remote, before, {"model": "m"}, "agents"), reply=older
    )

    assert "experimental" not in body_of(service)
    assert normal(made.fields) == normal({"model": "m"})


def test_a_search_with_an_empty_list_of_domains_comes_back_with_it(service: Service) -> None:
    """It is what was declared, not something that the service made of it."""
    tools = [{"type": "web_search", "filters": {"allowed_domains": []}}]
    declared = {"name": "Support", "model": "gpt-5.6", "tools": tools}

    made = service.tell(lambda remote: FORM.create(remote, write("assistant", declared)))

    assert normal(made.fields) == normal(declared)


def test_a_search_that_somebody_switched_off_is_an_edit(service: Service) -> None:
    """It is shown as the spec would say it."""

    async def story(remote: Remote) -> Any:
        made = await FORM.create(
            remote, write("assistant", {"model": "m", "tools": [{"type": "web_search"}]})
        )
        off = {"tools": [{"type": "web_search", "mode": "disabled"}]}
        await remote.post(f"/agents/{made.id}", off, repeatable=True)
        return await FORM.read(remote, made.id, Names())

    live = service.tell(story)

    assert normal(live.fields)["tools"] == [{"type": "web_search", "mode": "disabled"}]


def test_an_update_says_whom_it_reaches(service: Service) -> None:
    """Sessions hold a copy of their agent; it is said once, however many are updated."""

    async def story(remote: Remote) -> Any:
        for _ in range(2):
            await changed(remote, {"model": "m"}, {"model": "n"}, "model")
        return list(remote.oddities)

    assert [note for note in service.tell(story) if "new sessions" in note] == [
        "What has changed in an agent reaches new sessions; those that run keep what they have."
    ]


FUNCTION = {"type": "function", "name": "f", "description": "Does"}
NOT_CARRIED: list[tuple[Fields, list[str]]] = [
    ({"temperature": 0.3, "top_p": 0.9}, ["temperature", "top_p"]),
    ({"temperature": 1, "top_p": 1}, []),
    ({"response_format": "json_object"}, ["response_format"]),
    ({"response_format": "text"}, []),
    ({"response_format": EVERYTHING["response_format"]}, ["response_format.name"]),
    ({"response_format": {"type": "json_schema", "schema": ANSWER}}, []),
    ({"description": "D", "metadata": {"description": "E"}}, ["description"]),
    ({"tools": [{"type": "file_search"}]}, ["tools.file_search"]),
    ({"tools": [{"type": "code_interpreter", "files": []}]}, ["tools.code_interpreter"]),
    (
        {"tools": [{**FUNCTION, "strict": True, "output_schema": {"a": 1}}]},
        ["tools.function.strict", "tools.function.output_schema"],
    ),
    ({"tools": [{**FUNCTION, "strict": False}]}, []),
    (
        {
            "tools": [
                {
                    "type": "mcp",
                    "server_label": "crm",
                    "connector_id": "connector_gmail",
                    "require_approval": "never",
                    "server_description": "S",
                    "allowed_tools": {"read_only": True},
                }
            ]
        },
        [
            "tools.mcp.connector_id",
            "tools.mcp.require_approval",
            "tools.mcp.server_description",
            "tools.mcp.read_only",
        ],
    ),
    ({"tools": [{"type": "tool_search", "execution": "client"}]}, ["tools.tool_search.execution"]),
    ({"responses": {"store": False}}, []),
]


@pytest.mark.parametrize(("fields", "lost"), NOT_CARRIED)
def test_what_an_agent_does_not_have_is_a_loss(
    service: Service, fields: Fields, lost: list[str]
) -> None:
    """Each has a name for `accept_loss` and a remedy; accepted, it is neither sent nor missed."""
    losses = list(FORM.losses(ADDRESS, fields))
    assert [loss.name for loss in losses] == lost
    assert all(f"accept_loss: [{loss.name}]" in loss.hint for loss in losses)
    whole = {"model": "m", **fields}

    made = service.tell(
        lambda remote: FORM.create(remote, write("assistant", whole, lost=frozenset(lost)))
    )

    ours, theirs = normal(whole), normal(made.fields)
    left = ours.keys() & whole.keys() - set(lost)
    assert {name: theirs[name] for name in left} == {name: ours[name] for name in left}


def test_limits_of_its_own() -> None:
    """A long name, a function that nobody describes, and tools of more than three megabytes."""
    long = {"type": "function", "name": "g", "description": "x" * 3 * 1024 * 1024}
    fields = {"name": "n" * 129, "tools": [{"type": "function", "name": "f"}, long]}
    found = [(one.summary, one.path) for one in FORM.check(ADDRESS, fields)]
    assert found == [
        ("Too many characters", ("name",)),
        ("Description missing", ("tools", 0, "description")),
        ("Too many tools", ("tools",)),
    ]
    assert list(FORM.check(ADDRESS, EVERYTHING)) == []


def test_what_sessions_are_started_with() -> None:
    """`output` prints the arguments of `sessions.create`, names resolved."""
    names = Names({Address("environment_template", "box"): "tmpl_1"})
    session = {
        "environment": {"type": "openai_hosted", "template": "environment_template.box"},
        "vaults": [{"id": "vault_1"}],
    }
    entry = Locked(ADDRESS, "agent_1", {"model": "m", "session": session}, api="agents")
    assert FORM.output(entry, names) == {
        "session": {
            "agent_id": "agent_1",
            "environment": {"type": "openai_hosted", "environment_template_id": "tmpl_1"},
            "vault_ids": ["vault_1"],
        }
    }
    assert FORM.output(Locked(ADDRESS, "agent_1", {"model": "m"}, api="agents"), names) == {}
