"""JSON that people have: whatever it says becomes a field or is named as lost."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from provisioner.importing.nouns import Findings, Found
from provisioner.importing.sources import LARGEST, read_sources
from provisioner.importing.taking import leaves
from provisioner.text import dotted


def read(value: Any) -> Findings:
    text = value if isinstance(value, str) else json.dumps(value)
    return read_sources(text.encode())


def one(value: Any, kind: str = "assistant") -> Found:
    found = [found for found in read(value).found if found.kind == kind]
    assert len(found) == 1
    return found[0]


def said(found: Found, severity: str = "") -> dict[str, str]:
    return {lost.what: lost.why for lost in found.losses if severity in ("", lost.severity)}


PLAIN_SETTINGS = {"model": "m", "instructions": "t"}
WEATHER = {
    "name": "get_weather",
    "description": "Weather",
    "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
}
V2 = {
    "id": "asst_1",
    "object": "assistant",
    "created_at": 1700000000,
    "name": "Support",
    "description": None,
    "model": "gpt-4o",
    "instructions": "Answer.\n",
    "tools": [
        {"type": "file_search", "file_search": {"max_num_results": None}},
        {"type": "code_interpreter"},
        {"type": "function", "function": {**WEATHER, "strict": False}},
    ],
    "tool_resources": {
        "file_search": {"vector_store_ids": ["vs_1"]},
        "code_interpreter": {"file_ids": ["file-1"]},
    },
    "metadata": {"team": "a"},
    "temperature": 0.2,
    "top_p": 1.0,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "t", "strict": True, "schema": {"type": "object"}},
    },
}


def test_an_assistant_of_the_second_api() -> None:
    """Nested becomes flat, what tools work on moves into them, and nothing is lost."""
    found = one(V2)
    assert (found.id, found.age, found.name) == ("asst_1", 1700000000, "Support")
    assert found.fields == {
        "model": "gpt-4o",
        "name": "Support",
        "description": None,
        "instructions": "Answer.\n",
        "temperature": 0.2,
        "top_p": 1.0,
        "metadata": {"team": "a"},
        "response_format": {
            "type": "json_schema",
            "name": "t",
            "strict": True,
            "schema": {"type": "object"},
        },
        "tools": [
            {"type": "file_search", "max_num_results": None, "vector_stores": [{"id": "vs_1"}]},
            {"type": "code_interpreter", "files": [{"id": "file-1"}]},
            {"type": "function", **WEATHER, "strict": False},
        ],
    }
    assert said(found) == {
        "tools[0].file_search.max_num_results": "is null, which is the default",
        "tools[2].function.strict": "is `false`, which is the default",
    }


def test_a_saved_agent() -> None:
    """Its own fields go into the block, and its tools become what specs call them."""
    server = {"type": "http", "server_url": "https://crm.example/mcp"}
    found = one(
        {
            "object": "agent",
            "id": "agt_1",
            "created_at": 1700000000,
            "updated_at": 1700000001,
            "model": "gpt-6-astra",
            "reasoning": {"effort": "low", "summary": "auto"},
            "text": {
                "format": {"type": "json_schema", "schema": {"type": "object"}},
                "verbosity": "low",
            },
            "multi_agent": {"enabled": True, "max_concurrent_subagents": 3},
            "tools": [
                {
                    "type": "web_search",
                    "mode": "cached",
                    "context_size": "low",
                    "allowed_domains": ["who.int"],
                    "location": {"country": "NO"},
                },
                {
                    "type": "mcp",
                    "server_label": "crm",
                    "transport": server,
                    "credential_id": "cred_1",
                },
                {"type": "automations"},
            ],
        }
    )
    assert found.fields == {
        "model": "gpt-6-astra",
        "reasoning_effort": "low",
        "response_format": {"type": "json_schema", "schema": {"type": "object"}},
        "tools": [
            {
                "type": "web_search",
                "external_web_access": False,
                "search_context_size": "low",
                "filters": {"allowed_domains": ["who.int"]},
                "user_location": {"type": "approximate", "country": "NO"},
            },
            {
                "type": "mcp",
                "server_label": "crm",
                "transport": server,
                "credential": {"id": "cred_1"},
            },
            {"type": "automations"},
        ],
        "agents": {
            "reasoning": {"summary": "auto"},
            "text": {"verbosity": "low"},
            "multi_agent": {"enabled": True, "max_concurrent_subagents": 3},
        },
        "api": "agents",
    }
    assert not said(found, "warning")


def test_a_shell_out_of_a_request() -> None:
    """What belongs to its container stands in the tool itself; bytes of a skill stay behind."""
    environment = {
        "type": "container_auto",
        "file_ids": ["file-1"],
        "memory_limit": "4g",
        "skills": [
            {"type": "skill_reference", "skill_id": "skill_1", "version": "2"},
            {"type": "inline", "name": "a", "description": "A", "source": {"data": "UEs="}},
        ],
    }
    tools = [{"type": "shell", "environment": environment}, {"type": "local_shell"}]
    found = one({"model": "m", "instructions": "x", "tools": tools})
    assert found.fields["tools"] == [
        {
            "type": "shell",
            "environment": "container_auto",
            "files": [{"id": "file-1"}],
            "memory_limit": "4g",
            "skills": [{"id": "skill_1", "version": "2"}],
        },
        {"type": "shell"},
    ]
    assert "tools[0].environment.skills[1].source.data" in said(found)


@pytest.mark.parametrize(
    "container",
    [
        V2,
        [V2],
        {"assistants": {"support": V2}},
        {"assistants": [V2]},
        {"assistantId": "asst_1", "config": {k: v for k, v in V2.items() if k != "id"}},
        {"support": V2},
        {"object": "list", "data": [V2], "first_id": "asst_1", "has_more": False},
        [V2, V2],
    ],
)
def test_containers(container: Any) -> None:
    """The same assistant is found in whatever people keep it, and once."""
    assert one(container).fields == one(V2).fields
    assert one(container).id == "asst_1"


def test_a_document_a_line() -> None:
    """JSON Lines are documents with the place of their line."""
    text = json.dumps(V2) + "\n\n" + json.dumps({**V2, "id": "asst_2"}) + "\n"
    assert [found.origin.line for found in read(text).found] == [1, 3]


def test_names_of_a_map() -> None:
    """A map from names to settings gives each its name where it says none itself."""
    found = read({"hr": {"model": "m", "instructions": "x"}, "it": {"model": "m", "tools": []}})
    assert [(one.name, one.fields) for one in found.found] == [
        ("hr", {"model": "m", "instructions": "x"}),
        ("it", {"model": "m", "tools": []}),
    ]


def test_a_page_of_a_list_is_incomplete() -> None:
    """A list that the service cut says so."""
    found = read({"object": "list", "data": [V2], "has_more": True})
    assert [problem.summary for problem in found.problems] == ["Incomplete list"]
    assert len(found.found) == 1


def test_the_first_api() -> None:
    """`retrieval` becomes a search of a store that holds the documents."""
    found = read(
        {
            "id": "asst_1",
            "model": "gpt-4",
            "name": "Old",
            "instructions": "x",
            "tools": [{"type": "retrieval"}, {"type": "code_interpreter"}],
            "file_ids": ["file-1", "file-2"],
        }
    ).found
    store, old = found
    files = [{"id": "file-1"}, {"id": "file-2"}]
    assert store.fields == {"name": "Old documents", "files": files}
    assert old.fields["tools"] == [
        {"type": "file_search", "vector_stores": [{"id": store.id}]},
        {"type": "code_interpreter", "files": files},
    ]
    assert said(old, "note").keys() == {"tools[0].type", "file_ids"}


def test_files_of_no_tool_are_named() -> None:
    """`file_ids` beside tools that cannot read them are lost one by one."""
    found = one({"id": "asst_1", "model": "m", "tools": [], "file_ids": ["file-1", "file-2"]})
    assert said(found, "warning").keys() == {"file_ids[0]", "file_ids[1]"}


def test_null_absent_and_empty() -> None:
    """Three things that stay three."""
    base = {"id": "asst_1", "model": "m"}
    assert "tools" not in one(base).fields
    assert one({**base, "tools": None}).fields["tools"] is None
    assert one({**base, "tools": []}).fields["tools"] == []
    assert one({**base, "instructions": ""}).fields["instructions"] == ""
    tool = {"type": "function", "function": {"name": "f"}}
    assert one({**base, "tools": [tool]}).fields["tools"] == [{"type": "function", "name": "f"}]
    null = {"type": "function", "function": {"name": "f", "strict": None}}
    assert one({**base, "tools": [null]}).fields["tools"][0]["strict"] is None


def test_broken_by_hand() -> None:
    """Raw line breaks are read and said, swapped letters are read and said, flat and nested tools
    stand side by side.
    """
    text = """{"id": "asst_1", "model": "m", "instructions": "one
two\tthree",
      "tools": [{"tpye": "retrieval"}, {"type": "function", "name": "f", "parameters": {}},
                {"type": "function", "function": {"name": "g"}, "name": "h", "stirct": true},
                {"function": {"name": "i"}}, {"type": "teleport", "speed": 3}]}"""
    findings = read(text)
    (found,) = findings.found
    assert [problem.summary for problem in findings.problems] == ["Raw line break"]
    assert found.fields["instructions"] == "one\ntwo\tthree"
    assert [tool.get("name") for tool in found.fields["tools"]] == [None, "f", "g", "i"]
    assert said(found).keys() == {
        "tools[0].tpye",
        "tools[2].name",
        "tools[2].stirct",
        "tools[3].type",
        "tools[4].speed",
        "tools[4].type",
    }


def test_one_function_name_with_different_bodies() -> None:
    """Two assistants have functions of one name: each keeps its own."""
    other = {**WEATHER, "description": "Another"}
    found = read(
        [
            {"model": "m", "instructions": "a", "tools": [{"type": "function", "function": body}]}
            for body in (WEATHER, other)
        ]
    ).found
    assert [one.fields["tools"][0]["description"] for one in found] == ["Weather", "Another"]


@pytest.mark.parametrize("key", ["id", "promptId", "prompt_id"])
def test_references_to_prompts(key: str) -> None:
    """A reference alone is an entry that fails validation and says to paste the text."""
    found = one({key: "pmpt_1", "version": "3", "variables": {"city": "Oslo"}})
    assert found.fields == {
        "responses": {"prompt": {"id": "pmpt_1", "version": "3", "variables": {"city": "Oslo"}}}
    }
    (lost,) = [lost for lost in found.losses if lost.severity == "error"]
    assert "paste the text" in str(lost.hint)


def test_the_code_of_a_playground() -> None:
    """The system message inside `input` is the instructions; formats and settings are flat."""
    found = one(
        {
            "model": "gpt-4.1",
            "input": [
                {
                    "role": "system",
                    "content": [{"type": "input_text", "text": "Be brief. {{city}}"}],
                },
                {"role": "user", "content": "Hello"},
            ],
            "text": {"format": {"type": "text"}, "verbosity": "low"},
            "reasoning": {"effort": "low", "summary": "auto"},
            "tools": [
                {"type": "file_search", "vector_store_ids": ["vs_1"]},
                {
                    "type": "mcp",
                    "server_label": "crm",
                    "server_url": "https://x",
                    "headers": {"A": "b"},
                },
            ],
            "temperature": 1,
            "max_output_tokens": 2048,
            "store": True,
        }
    )
    assert found.fields["instructions"] == "Be brief. {{city}}"
    assert found.fields["responses"] == {
        "text": {"verbosity": "low"},
        "reasoning": {"summary": "auto"},
        "max_output_tokens": 2048,
        "store": True,
    }
    lost = said(found, "warning")
    assert lost.keys() == {
        "input[1].content",
        "tools[1].headers.A",
        "instructions",
    }
    assert "{{city}}" in lost["instructions"]


def test_a_prompt_with_its_text(tmp_path: Path) -> None:
    """Its versions and what filled its places in one request are named for what they are."""
    source = tmp_path / "prompt.json"
    prompt = {"id": "pmpt_1", "model": "gpt-4o", "instructions": "Hi", "version": "2"}
    source.write_text(json.dumps({**prompt, "variables": {"name": "Acme"}}))
    (found,) = read_sources(source, tmp_path).found
    assert found.fields == {"model": "gpt-4o", "instructions": "Hi"}
    assert said(found, "warning") == {
        "version": "counts versions, as git does now",
        "variables.name": "fills a place of the prompt in one request",
    }


def test_stores_and_files(tmp_path: Path) -> None:
    """Exports of stores and files are found beside assistants; a path in a name is not obeyed."""
    source = tmp_path / "export.json"
    export = [
        {"id": "vs_1", "object": "vector_store", "name": "KB", "file_counts": {"total": 2}},
        {"id": "file-1", "object": "file", "filename": "../../etc/a.md", "bytes": 2},
    ]
    source.write_text(json.dumps(export))
    alone = read_sources(source, tmp_path)
    assert [(one.kind, one.id, one.fields) for one in alone.found] == [
        ("vector_store", "vs_1", {"name": "KB"})
    ]
    assert {"filename", "bytes"} <= {lost.what for lost in alone.losses}
    (tmp_path / "a.md").write_text("text")
    assert read_sources(source, tmp_path).found[1].fields == {"path": "a.md"}


def test_folders_of_texts(tmp_path: Path) -> None:
    """`asst_…/instructions.txt` is an assistant, alone or beside its settings."""
    for id in ("asst_1", "asst_2"):
        (tmp_path / id).mkdir()
        (tmp_path / id / "instructions.txt").write_text(f"Text of {id}")
    (tmp_path / "asst_2" / "config.json").write_text('{"id": "asst_2", "model": "m"}')
    (tmp_path / "package.json").write_text('{"name": "x", "version": "1"}')
    found = read_sources(tmp_path, tmp_path).found
    assert [(one.id, one.fields) for one in found] == [
        ("asst_1", {"instructions": "Text of asst_1"}),
        ("asst_2", {"model": "m", "instructions": "Text of asst_2"}),
    ]


def test_folders_of_texts_that_differ(tmp_path: Path) -> None:
    """Settings need not repeat the id of their folder, and of two texts the other one is named."""
    folder = tmp_path / "asst_1"
    folder.mkdir()
    (folder / "config.json").write_text('{"name": "Bob", "model": "m"}')
    (folder / "instructions.txt").write_text("one")
    (folder / "prompt.md").write_text("another")
    (found,) = read_sources(tmp_path, tmp_path).found
    assert found.id == "asst_1"
    assert found.fields == {"name": "Bob", "model": "m", "instructions": "one"}
    assert said(found, "warning").keys() == {'["asst_1/prompt.md"]'}
    (folder / "config.json").write_text('{"id": "asst_2", "model": "m", "instructions": "own"}')
    (found,) = read_sources(tmp_path, tmp_path).found
    texts = {'["asst_1/instructions.txt"]', '["asst_1/prompt.md"]'}
    assert said(found, "warning").keys() == {"asst_1", *texts}
    (folder / "config.json").write_text('{"team": "a"}')
    (folder / "more.json").write_text('{"team": "b"}')
    (found,) = read_sources(tmp_path, tmp_path).found
    assert found.fields == {"instructions": "one"}


@pytest.mark.parametrize(
    ("value", "lost"),
    [
        (
            {"input": [{"role": "system", "content": [{"text": "t", "x": 1}]}]},
            "input[0].content[0].x",
        ),
        ({"input": [{"role": "system", "content": {"text": "t", "x": 1}}]}, "input[0].content.x"),
        (
            {"instructions": "t", "text": {"verbosity": "low"}, "text_verbosity": "high"},
            "text_verbosity",
        ),
    ],
)
def test_what_stands_beside_what_was_taken(value: dict[str, Any], lost: str) -> None:
    """What is beside a text or says a thing twice has a line of its own."""
    found = one({"model": "m", **value})
    assert found.fields["instructions"] == "t"
    assert lost in said(found, "warning")


def test_several_documents_in_a_row() -> None:
    """Documents one after the other, each over several lines, are all read; a broken one is told."""
    written = [json.dumps({"id": f"asst_{n}", **PLAIN_SETTINGS}, indent=1) for n in (1, 2)]
    found = read("\n".join(written)).found
    assert [(one.id, one.origin.line) for one in found] == [("asst_1", 1), ("asst_2", 6)]
    (problem,) = read("\n".join([*written, '{"id": ,}'])).problems
    assert (problem.summary, problem.line, problem.column) == ("Not readable", 11, 8)
    (problem,) = read('{"a": 1}\n\n{"a": 1, "a": 2}').problems
    assert (problem.line, "twice" in problem.detail) == (3, True)


PRINTED = """SyncCursorPage[Assistant](data=[Assistant(id='asst_1', created_at=5, model='m',
 instructions='It\\'s', object='assistant', tools=[FileSearchTool(type='file_search')],
 temperature=-1.0, greeting=1)], object='list', has_more=True)"""


def test_what_python_prints() -> None:
    """An object of the SDK as Python prints it is read as what it is, and is not run."""
    findings = read(PRINTED)
    (found,) = findings.found
    assert (found.id, found.age, found.fields["instructions"]) == ("asst_1", 5, "It's")
    assert found.fields["tools"] == [{"type": "file_search"}]
    assert "greeting" in said(found, "warning")
    assert [problem.summary for problem in findings.problems] == ["Incomplete list"]
    (found,) = read("{'id': 'asst_1', 'model': 'm', 'name': None}").found
    assert found.fields["name"] is None
    for text in ("{'model': open('x')}", "{'id': 'asst_1', 'id': 2}", "A(object='x', b=c())"):
        assert not read(text).found


def test_what_is_null_or_empty_in_tools() -> None:
    """What says no more than the default is not in the YAML, and is noted."""
    tools = [{"type": "file_search", "file_search": {"max_num_results": None}}]
    resources = {"file_search": {"vector_store_ids": []}}
    found = one({**PLAIN_SETTINGS, "tools": tools, "tool_resources": resources})
    noted = {"tools[0].file_search.max_num_results", "tool_resources.file_search.vector_store_ids"}
    assert said(found, "note").keys() == noted


def test_two_ids_of_one_thing() -> None:
    """Of an id beside the settings and another one in them, the outer one is named."""
    findings = read({"assistantId": "asst_1", "config": {"id": "asst_2", **PLAIN_SETTINGS}})
    assert [found.id for found in findings.found] == ["asst_2"]
    assert [lost.what for lost in findings.losses] == ["assistantId"]


def test_the_same_thing_twice_with_other_losses() -> None:
    """Of one thing that stands there twice, what either of them lost is named."""
    findings = read([{"id": "asst_1", **PLAIN_SETTINGS, key: 1} for key in ("a", "b")])
    (found,) = findings.found
    assert said(found, "warning").keys() == {"a", "b"}


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("{", "Not readable"),
        ("[" * 200_000, "Not readable"),
        ('{"model": "m", "model": "n"}', "Not readable"),
        ("[]", "Nothing found"),
        ('{"a": "\\ud800"}', "Not readable"),
        (b"\xff\xff\x00", "Not readable"),
        (b" " * (LARGEST + 1), "Source too large"),
    ],
)
def test_hostile_input(text: str | bytes, summary: str) -> None:
    """What cannot be read is one problem."""
    findings = read_sources(text if isinstance(text, bytes) else text.encode())
    assert [problem.summary for problem in findings.problems] == [summary]
    assert not findings.found


ODD: list[Any] = [
    None,
    True,
    0,
    -1.5,
    "",
    "x",
    "日本",
    [],
    {},
    [None],
    {"type": "auto"},
    ["file-9"],
]
KEYS = [
    *V2,
    "file_ids",
    "text",
    "reasoning",
    "prompt",
    "input",
    "handoffs",
    "colour",
    "topP",
    "modelSettings",
]
INNER = [
    "type",
    "tpye",
    "function",
    "name",
    "file_search",
    "retrieval",
    "vector_store_ids",
    "format",
    "effort",
]
INNER += [
    "ranking_options",
    "container",
    "json_schema",
    "schema",
    "role",
    "content",
    "vector_stores",
    "headers",
]
WORDS = [
    "function",
    "file_search",
    "retrieval",
    "code_interpreter",
    "mcp",
    "json_schema",
    "system",
    "auto",
]


def anything(chance: random.Random, depth: int) -> Any:
    if depth == 0 or chance.random() < 0.3:
        return chance.choice([*ODD, *WORDS])
    if chance.random() < 0.3:
        return [anything(chance, depth - 1) for _ in range(chance.randint(0, 3))]
    return {chance.choice(INNER): anything(chance, depth - 1) for _ in range(chance.randint(0, 4))}


def unaccounted(value: dict[str, Any], findings: Findings) -> list[str]:
    """The leaves of a source that are neither in a field nor in a loss."""
    texts = [
        json.dumps(leaf)
        for found in findings.found
        for _, leaf in leaves([found.fields, found.id, found.age])
    ]
    kept = set(texts)
    lost = {lost.what for found in findings.found for lost in found.losses}
    lost |= {lost.what for lost in findings.losses}
    missing = []
    for path, leaf in leaves(value):
        over = {dotted(path[:end]) for end in range(1, len(path) + 1)}
        carried = json.dumps(leaf) in kept and not isinstance(leaf, dict | list)
        empty = isinstance(leaf, dict | list) and json.dumps(leaf) in kept
        if not (carried or empty or over & lost or path == ("object",)):
            missing.append(dotted(path))
    return missing


def test_no_leaf_is_lost_in_silence() -> None:
    """Whatever odd values stand in whatever places, each leaf is carried or named."""
    for seed in range(1500):
        chance = random.Random(seed)
        value = {"id": "asst_1", "model": "m", "object": "assistant"}
        for key in chance.sample(KEYS, 5):
            value.setdefault(key, anything(chance, 4))
        if chance.random() < 0.7:
            value["tools"] = [anything(chance, 3) for _ in range(3)]
        findings = read(value)
        assert not unaccounted(value, findings), (seed, value)
        json.dumps([found.fields for found in findings.found])
