from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from provisioner.kinds import kind
from provisioner.kinds.base import Finding
from provisioner.model import Address

from .memory import MemoryScope, declare, findings

ARGUMENTS = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
WEATHER = {
    "type": "function",
    "name": "getWeather",
    "parameters": {"type": "object", "properties": {}},
}


def reported(found: list[Finding]) -> list[tuple[Any, ...]]:
    return [(finding.summary, finding.path) for finding in found]


def tools(*written: Any, files: dict[str, Any] | None = None) -> tuple[list[Any], list[Finding]]:
    scope = MemoryScope(files=files, tools={"get_weather": WEATHER})
    fields, _ = declare("assistant", {"model": "m", "tools": list(written)}, scope)
    return fields["tools"], scope.findings


def test_only_what_is_declared_becomes_a_field() -> None:
    """Absent stays absent, null stays null, a value equal to the default stays a value."""
    assert declare("assistant", {"model": "m"})[0] == {"model": "m"}
    written = {
        "model": "m",
        "name": None,
        "temperature": 1,
        "top_p": None,
        "metadata": {},
        "response_format": None,
        "instructions": None,
        "description": "d",
    }
    assert declare("assistant", written)[0] == written


def test_lifecycle_only_and_api_are_no_fields() -> None:
    """They say what is done with the object, not what it is."""
    written = {"model": "m", "api": "responses", "only": ["local"], "lifecycle": {"protect": True}}
    assert declare("assistant", written)[0] == {"model": "m"}


def test_instructions_are_read_and_measured() -> None:
    """Text from files is held to the same limit as text in the spec."""
    scope = MemoryScope(files={"a.md": "a" * 128_000, "b.md": "b" * 127_998, "c.md": "b" * 127_999})
    good, _ = declare(
        "assistant", {"model": "m", "instructions": {"files": ["a.md", "b.md"]}}, scope
    )
    assert len(good["instructions"]) == 256_000
    assert scope.findings == []
    declare("assistant", {"model": "m", "instructions": {"files": ["a.md", "c.md"]}}, scope)
    assert reported(scope.findings) == [("Too many characters", ("instructions",))]
    assert "256,001" in scope.findings[0].detail


def test_tools_become_neutral_fields_in_their_order() -> None:
    """Names are resolved, shared tools inlined, bare strings spelt out."""
    found, seen = tools(
        "code_interpreter",
        {
            "type": "file_search",
            "vector_stores": ["handbook", {"id": "vs_1"}],
            "max_num_results": 8,
            "ranking_options": {"score_threshold": 0.5, "ranker": None},
        },
        {"use": "get_weather"},
        {"type": "function", "name": "find", "strict": False, "parameters": {"file": "find.json"}},
        {"type": "web_search", "search_context_size": "low", "user_location": None},
        files={"find.json": ARGUMENTS},
    )
    assert seen == []
    assert found == [
        {"type": "code_interpreter"},
        {
            "type": "file_search",
            "vector_stores": ["vector_store.handbook", {"id": "vs_1"}],
            "max_num_results": 8,
            "ranking_options": {"score_threshold": 0.5},
        },
        WEATHER,
        {"type": "function", "name": "find", "strict": False, "parameters": ARGUMENTS},
        {"type": "web_search", "search_context_size": "low"},
    ]


def test_null_tools_own_the_default() -> None:
    """`tools:` without anything below it means no tools."""
    assert declare("assistant", {"model": "m", "tools": None})[0] == {"model": "m", "tools": []}


def test_code_files_may_be_globs() -> None:
    """A pattern stands for what it matches; an unmanaged file keeps its id."""
    files = {"data/a.csv": "x", "data/b.csv": "x", "data/c.md": "x"}
    found, seen = tools(
        {"type": "code_interpreter", "files": ["data/*.csv", {"id": "file-1"}]}, files=files
    )
    assert seen == []
    assert found[0]["files"] == ["file.data/a.csv", "file.data/b.csv", {"id": "file-1"}]


def test_a_glob_counts_as_what_it_matches() -> None:
    """Fifty files are the most that any API takes, however they are written."""
    files = {f"data/{number:02}.csv": "x" for number in range(51)}
    assert tools({"type": "code_interpreter", "files": ["data/[0-4]*.csv"]}, files=files)[1] == []
    _, seen = tools({"type": "code_interpreter", "files": ["data/*.csv"]}, files=files)
    assert reported(seen) == [("Too many files", ("tools", 0, "files"))]


def test_unusual_extensions_are_a_warning_for_code() -> None:
    """The list for the code interpreter is not enforced everywhere."""
    _, seen = tools({"type": "code_interpreter", "files": ["a.parquet", "b.parquet", "README"]})
    assert {finding.severity for finding in seen} == {"warning"}
    assert "`a.parquet` and 1 more `.parquet` files" in seen[0].detail
    assert "without an extension" in seen[1].detail


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            {"type": "function", "name": "f"},
            {"type": "function", "name": "f", "description": "other"},
        ),
        ({"use": "get_weather"}, {"type": "function", "name": "getWeather"}),
        (
            {"type": "file_search", "vector_stores": ["a"]},
            {"type": "file_search", "vector_stores": ["b"]},
        ),
        ("code_interpreter", {"type": "code_interpreter", "files": ["a.csv"]}),
        (
            {"type": "mcp", "server_label": "c", "server_url": "https://a.example"},
            {"type": "mcp", "server_label": "c", "server_url": "https://b.example"},
        ),
    ],
)
def test_a_tool_may_be_there_once(first: Any, second: Any) -> None:
    """Two functions of one name, and two of a tool that there is one of, are reported with both
    places.
    """
    _, seen = tools(first, "web_search", second)
    assert reported(seen) == [("Duplicate tool", ("tools", 2))]
    assert "`tools[0]` and `tools[2]`" in seen[0].detail


def test_functions_of_different_names_are_fine() -> None:
    """Only the same name is a duplicate."""
    assert tools({"type": "function", "name": "f"}, {"type": "function", "name": "F"})[1] == []


def test_one_thing_named_twice_in_a_tool() -> None:
    """A store or file that is named twice is a slip."""
    _, seen = tools(
        {"type": "file_search", "vector_stores": ["a", "a"]},
        {"type": "code_interpreter", "files": ["a.csv", "a.csv"]},
    )
    assert reported(seen) == [
        ("Vector store named twice", ("tools", 0, "vector_stores", 1)),
        ("File named twice", ("tools", 1, "files", 1)),
    ]


@pytest.mark.parametrize(
    "homes", [{}, {"server_url": "https://a.example", "connector_id": "connector_gmail"}]
)
def test_an_mcp_server_has_one_home(homes: dict[str, str]) -> None:
    """Exactly one of URL, connector and tunnel."""
    _, seen = tools({"type": "mcp", "server_label": "crm", **homes})
    assert reported(seen) == [
        ("Unclear MCP server", ("tools", 0, [*homes, "server_url"][bool(homes)]))
    ]


def test_a_secret_has_no_place_in_a_header() -> None:
    """A header that says by its name that it opens a door is refused, and named."""
    transport = {"type": "http", "server_url": "https://a.example", "headers": {"X-Api-Key": "s"}}
    error = shape_error({"type": "mcp", "server_label": "crm", "transport": transport})
    assert error.errors()[0]["loc"][-1] == "[key]"
    assert "credential" in error.errors()[0]["ctx"]["hint"]


def shape_error(tool: dict[str, Any]) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        kind("assistant").spec.model_validate({"model": "m", "tools": [tool]})
    return caught.value


def test_a_credential_is_named() -> None:
    """By the name of a resource, or by an id of the service."""
    server = {"type": "mcp", "server_label": "crm", "server_url": "https://a.example"}
    found, seen = tools({**server, "credential": {"id": "cred_1"}})
    assert (found[0]["credential"], seen) == ({"id": "cred_1"}, [])
    found, seen = tools({**server, "credential": "crm"})
    assert (found[0]["credential"], seen) == ("credential.crm", [])


def test_a_session_names_templates_and_vaults() -> None:
    """A word is spelt out; what a session works with is named, or has an id of the service."""
    box = {"type": "openai_hosted", "template": {"id": "tmpl_1"}}
    declared = [
        ({"environment": "none"}, {"environment": {"type": "none"}}),
        ({"environment": {"template": {"id": "tmpl_1"}}}, {"environment": box}),
        ({"vaults": [{"id": "vault_1"}]}, {"vaults": [{"id": "vault_1"}]}),
    ]
    for written, fields in declared:
        assert declare("assistant", {"model": "m", "session": written})[0]["session"] == fields
    named = {"environment": {"template": "box"}, "vaults": ["keys"]}
    fields, scope = declare("assistant", {"model": "m", "session": named})
    ours = {"type": "openai_hosted", "template": "environment_template.box"}
    assert fields["session"] == {"environment": ours, "vaults": ["vault.keys"]}
    assert scope.findings == []


def test_what_tools_read_from_files() -> None:
    """Grammars, the functions of a namespace and the files of a shell come out of the workspace."""
    files = {"a.lark": "start: A", "f.json": ARGUMENTS, "data/a.csv": "a"}
    grammar = {"type": "grammar", "syntax": "lark", "definition": {"file": "a.lark"}}
    custom = {"type": "custom", "name": "sql", "format": grammar}
    function = {"type": "function", "name": "f", "parameters": {"file": "f.json"}}
    inside = [function, custom]
    found, seen = tools(
        custom,
        {"type": "namespace", "name": "crm", "description": "C", "tools": inside},
        {"type": "shell", "environment": "container_auto", "files": ["data/*.csv"]},
        files=files,
    )
    assert seen == []
    read = {**custom, "format": {**grammar, "definition": "start: A"}}
    assert found[0] == read
    assert found[1]["tools"] == [{**function, "parameters": ARGUMENTS}, read]
    assert found[2]["files"] == ["file.data/a.csv"]


def test_a_shell_is_in_a_container_or_not() -> None:
    """What only one of them takes is reported where the other is meant."""
    skill = {"name": "triage", "description": "Sorts", "path": "/skills/triage"}
    _, seen = tools({"type": "shell", "memory_limit": "4g", "skills": [{"id": "skill_1"}]})
    assert reported(seen) == [
        ("Not in container", ("tools", 0, "memory_limit")),
        ("Skill not there", ("tools", 0, "skills", 0)),
    ]
    _, seen = tools({"type": "shell", "environment": "container_auto", "skills": [skill]})
    assert reported(seen) == [("Skill not there", ("tools", 0, "skills", 0))]


def test_schemas_are_checked_where_they_stand() -> None:
    """The offending node is named from the key down, and the position is the node's own."""
    broken = {
        "type": "object",
        "properties": {"location": {"type": "object", "properties": {}}},
        "required": ["location"],
        "additionalProperties": False,
    }
    _, seen = tools({"type": "function", "name": "f", "strict": True, "parameters": broken})
    assert reported(seen) == [
        (
            "Not a strict schema",
            ("tools", 0, "parameters", "properties", "location", "additionalProperties"),
        )
    ]
    assert "`parameters.properties.location.additionalProperties`" in seen[0].detail


def test_schemas_from_files_name_the_file() -> None:
    """The problem is reported at the key that names the file, and says which file."""
    _, seen = tools(
        {"type": "function", "name": "f", "parameters": {"file": "f.json"}},
        files={"f.json": {"type": "x"}},
    )
    assert reported(seen) == [("Not a JSON Schema", ("tools", 0, "parameters", "file"))]
    assert "`parameters.type` in `f.json`" in seen[0].detail
    _, seen = tools(
        {"type": "function", "name": "f", "parameters": {"file": "f.json"}}, files={"f.json": []}
    )
    assert reported(seen) == [("Not a JSON Schema", ("tools", 0, "parameters", "file"))]
    _, seen = tools({"type": "function", "name": "f", "parameters": {"file": 3}})
    assert reported(seen) == [("Wrong type", ("tools", 0, "parameters", "file"))]


def test_arguments_are_an_object() -> None:
    """The service refuses any other root, strict or not."""
    _, seen = tools({"type": "function", "name": "f", "parameters": {"type": "string"}})
    assert reported(seen) == [("Not an object", ("tools", 0, "parameters", "type"))]


def test_strict_needs_parameters() -> None:
    """Without parameters the service fills in a schema that is not strict."""
    _, seen = tools({"type": "function", "name": "f", "strict": True})
    assert reported(seen) == [("Not a strict schema", ("tools", 0, "strict"))]


def test_response_formats() -> None:
    """Plain formats are words however they are written; a schema is read and checked."""
    for written in ("auto", "text", "json_object"):
        assert (
            declare("assistant", {"model": "m", "response_format": written})[0]["response_format"]
            == written
        )
    assert (
        declare("assistant", {"model": "m", "response_format": {"type": "text"}})[0][
            "response_format"
        ]
        == "text"
    )
    scope = MemoryScope(files={"t.json": ARGUMENTS})
    written_format = {
        "type": "json_schema",
        "name": "t",
        "strict": True,
        "schema": {"file": "t.json"},
    }
    fields, _ = declare("assistant", {"model": "m", "response_format": written_format}, scope)
    assert fields["response_format"] == {
        "type": "json_schema",
        "name": "t",
        "strict": True,
        "schema": ARGUMENTS,
    }
    assert reported(scope.findings) == [
        ("Not a strict schema", ("response_format", "schema", "file"))
    ]
    assert "`schema.additionalProperties` in `t.json`" in scope.findings[0].detail


def test_fields_of_one_api_keep_their_spelling() -> None:
    """They are handed on as written; null says no more than leaving a key out."""
    written = {
        "model": "m",
        "responses": {"store": False, "user": None, "text": {"verbosity": "low"}},
        "agents": {"compaction": {"async": True}},
    }
    fields, _ = declare("assistant", written)
    assert fields["responses"] == {"store": False, "text": {"verbosity": "low"}}
    assert fields["agents"] == {"compaction": {"async": True}}


def test_references_are_found() -> None:
    """Stores and files of every tool; what is not managed here is none."""
    fields = {
        "tools": [
            {"type": "file_search", "vector_stores": ["vector_store.kb", {"id": "vs_1"}]},
            {"type": "code_interpreter", "files": ["file.data/a.b.csv"]},
        ]
    }
    assert list(kind("assistant").references(fields)) == [
        Address("vector_store", "kb"),
        Address("file", "data/a.b.csv"),
    ]
    assert list(kind("assistant").references({"tools": None})) == []


def test_apis_are_the_files_of_the_folder() -> None:
    """A form is found because its module is there; an API without one is a KeyError."""
    assert kind("assistant").form("assistants").api == "assistants"
    assert kind("assistant").form("responses").api == "responses"
    for unknown in ("threads", None):
        with pytest.raises(KeyError):
            kind("assistant").form(unknown)


def test_shared_tools() -> None:
    """`type: function` and the resource's name are the defaults; problems are reported below the tool
    itself.
    """
    assert declare("tool", {"description": "d"})[0] == {
        "type": "function",
        "name": "support",
        "description": "d",
    }
    assert declare("tool", {"name": "n", "only": ["local"]})[0] == {"type": "function", "name": "n"}
    assert declare("tool", {"type": "web_search", "only": ["local"]})[0] == {"type": "web_search"}
    assert reported(findings("tool", {"parameters": {"type": "text"}})) == [
        ("Not a JSON Schema", ("parameters", "type"))
    ]
    fields, scope = declare("tool", {"type": "file_search", "vector_stores": ["kb"]})
    assert fields == {"type": "file_search", "vector_stores": ["vector_store.kb"]}
    assert scope.findings == []
