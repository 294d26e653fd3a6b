"""What OpenAI's own service refuses is found before a connection: an error where a spec goes there,
a warning where a compatible service may take it.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from provisioner.engine import validate
from provisioner.model import Problem
from tests.workspace.conftest import Write, only, reported

SETTINGS = """
    environments:
      local: {service: local, api: responses}
      prod: {service: openai}
"""
A = "assistants:\n  a:\n    model: gpt-5.6\n"

Files = dict[str, str | bytes]


def function(parameters: object) -> Files:
    written = json.dumps(parameters)
    return {
        "specs/s.yaml": A
        + f"    tools: [{{type: function, name: find_user, parameters: {written}}}]"
    }


def from_file(document: object) -> Files:
    return function({"file": "f.json"}) | {"f.json": json.dumps(document)}


OBJECT = {"type": "object", "properties": {"id": {"type": "string"}}}
OPENAPI = {"openapi": "3.1.0", "paths": {}, "components": {"schemas": {}}}
KEEP = "keep only what stands below its `{}`"

RULES: dict[str, tuple[Files, str, str]] = {
    "no type at the top": (
        function({"properties": {"id": {"type": "string"}}}),
        "4:59 Not an object",
        "`type: object`",
    ),
    "anyOf at the top": (
        function({"anyOf": [OBJECT, OBJECT]}),
        "4:69 Not an object",
        "put it into a property",
    ),
    "oneOf beside the type": (
        function({"type": "object", "oneOf": [OBJECT]}),
        "4:87 Not an object",
        "put it into a property",
    ),
    "a reference at the top": (
        function({"$ref": "#/$defs/user", "$defs": {"user": OBJECT}}),
        "4:68 Not an object",
        "write out what it names",
    ),
    "an array without items": (
        function({"type": "object", "properties": {"ids": {"type": ["array", "null"]}}}),
        "4:100 Array without items",
        "`items: {type: string}`",
    ),
    "an array without items, below a definition": (
        from_file({**OBJECT, "$defs": {"ids": {"type": "array"}}}),
        "4:68 Array without items",
        "`items: {type: string}`",
    ),
    "an extension in capitals": (
        {
            "specs/s.yaml": "vector_stores:\n  k:\n    files: [docs/*]\n",
            "docs/a.md": "a",
            "docs/report.TXT": "a",
        },
        "3:13 Extension in capitals",
        "rename it to `docs/report.txt`",
    ),
    "blanks around a model": (
        {"specs/s.yaml": "assistants:\n  a:\n    model: ' gpt-5.6'\n"},
        "3:12 Blanks around a name",
        "write `gpt-5.6`",
    ),
    "a reference to another file": (
        function({"type": "object", "properties": {"user": {"$ref": "user.json#/User"}}}),
        "4:110 External reference",
        "below `$defs`",
    ),
}


def told(problem: Problem) -> str:
    """`line:column summary` of a problem in the spec."""
    assert problem.file == "specs/s.yaml", problem
    return f"{problem.line}:{problem.column} {problem.summary}"


@pytest.mark.parametrize(("files", "expected", "hint"), RULES.values(), ids=RULES.keys())
def test_rules_of_openai_are_errors_there_and_warnings_elsewhere(
    write: Write, files: Files, expected: str, hint: str
) -> None:
    """Both have place and remedy; validating all environments says it once, as the error that
    it is in one of them.
    """
    workspace = write({"provisioner.yaml": SETTINGS, **files})
    there = only(workspace.compile("prod").problems)
    elsewhere = only(workspace.compile("local").problems)
    assert (told(there), there.severity) == (expected, "error")
    assert hint in (there.hint or "")
    assert elsewhere == replace(there, severity="warning")
    all_of_them = only(workspace.problems())
    detail = f"{there.detail} (In the environment `prod`.)"
    assert all_of_them == replace(there, detail=detail)
    assert validate(workspace.root).problems == [there]


WHOLE: dict[str, tuple[object, str]] = {
    "a function": ({"type": "function", "name": "f", "parameters": OBJECT}, "parameters"),
    "one without a type": ({"name": "f", "description": "", "parameters": OBJECT}, "parameters"),
    "a nested one": (
        {"type": "function", "function": {"name": "f", "parameters": OBJECT}},
        "function.parameters",
    ),
    "a tool of an MCP server": ({"name": "f", "inputSchema": OBJECT}, "inputSchema"),
    "a custom one": ({"type": "custom", "name": "f", "input_schema": OBJECT}, "input_schema"),
    "one of LangChain": ({"name": "f", "args_schema": OBJECT}, "args_schema"),
    "one of Bedrock": (
        {"toolSpec": {"name": "f", "inputSchema": {"json": OBJECT}}},
        "toolSpec.inputSchema.json",
    ),
    "a response format": ({"type": "json_schema", "name": "f", "schema": OBJECT}, "schema"),
}


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(("document", "below"), WHOLE.values(), ids=WHOLE.keys())
def test_what_holds_a_schema_is_not_one(
    write: Write, document: object, below: str, strict: bool
) -> None:
    """It is an error everywhere, and the hint names the part to keep."""
    files = from_file(document)
    spec = str(files["specs/s.yaml"]).replace("name:", f"strict: {str(strict).lower()}, name:")
    problem = only(write({**files, "specs/s.yaml": spec}).problems())
    assert (problem.summary, problem.severity) == ("Not a JSON Schema", "error")
    assert "`f.json`" in problem.detail
    assert KEEP.format(below) in (problem.hint or "")


TOOL = {"name": "f", "inputSchema": OBJECT}


@pytest.mark.parametrize(
    "document",
    [
        [TOOL],
        {"tools": [TOOL]},
        {"functions": [TOOL]},
        {"jsonrpc": "2.0", "result": {"tools": [TOOL]}},
    ],
    ids=json.dumps,
)
def test_a_list_of_tools_is_not_a_schema(write: Write, document: object) -> None:
    """A function takes the schema of one tool."""
    problem = only(write(from_file(document)).problems())
    assert reported([problem]) == ["specs/s.yaml:4:68 Not a JSON Schema"]
    assert "is a list of tools" in problem.detail
    assert "make a function of each" in (problem.hint or "")


@pytest.mark.parametrize(
    ("node", "hint"),
    [
        ({"type": "STRING"}, "write `string`"),
        ({"type": "dict"}, "write `object`"),
        ({"type": "text"}, "see https://"),
        ({"type": "string", "required": True}, "beside `properties`"),
        ({"$ref": "#/components/schemas/User"}, "write `#/$defs/NAME`"),
        ({"anyOf": [{"type": "string"}, {"$ref": "#/properties/a/anyOf/2"}]}, "below `$defs`"),
    ],
    ids=json.dumps,
)
def test_what_other_tools_write_in_a_schema(write: Write, node: object, hint: str) -> None:
    """The hint says what JSON Schema calls it."""
    problem = only(write(function({"type": "object", "properties": {"a": node}})).problems())
    assert problem.summary == "Not a JSON Schema"
    assert hint in (problem.hint or "")


def test_an_openapi_document_is_not_a_schema(write: Write) -> None:
    """The hint says where the schemas are in it."""
    problem = only(write(from_file(OPENAPI)).problems())
    assert reported([problem]) == ["specs/s.yaml:4:68 Not a JSON Schema"]
    assert "`requestBody`" in (problem.hint or "")
    assert "`components.schemas`" in (problem.hint or "")


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        OBJECT,
        {"type": "object", "properties": {"parameters": {"type": "object"}}},
        {"type": "object", "properties": {"tools": {"type": "array", "items": OBJECT}}},
        {
            "type": "object",
            "properties": {"a": {"anyOf": [OBJECT]}, "b": {"$ref": "#/properties/a/anyOf/0"}},
        },
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/A%5BB%5D"}},
            "$defs": {"A[B]": OBJECT},
        },
        {"type": "object", "properties": {"schema": {"anyOf": [OBJECT, {"type": "null"}]}}},
        {"type": "object", "$ref": "#/$defs/a", "$defs": {"a": OBJECT}},
        {"type": "object", "properties": {"a": {"type": "array", "items": {"$ref": "#"}}}},
    ],
    ids=json.dumps,
)
def test_what_openai_takes_has_no_finding(write: Write, parameters: object) -> None:
    """A function without arguments, a property of any name, and references inside."""
    assert write({"provisioner.yaml": SETTINGS, **function(parameters)}).problems() == []


def test_a_response_format_may_be_any_schema(write: Write) -> None:
    """The rules are those of functions."""
    schema = "{anyOf: [{type: array}, {type: string}]}"
    written = A + f"    response_format: {{type: json_schema, name: x, schema: {schema}}}\n"
    assert write({"provisioner.yaml": SETTINGS, "specs/s.yaml": written}).problems() == []


def test_a_shared_function_is_reported_once(write: Write) -> None:
    """At its declaration, and it is copied all the same: a warning leaves nothing out."""
    spec = "tools:\n  f:\n    parameters: {properties: {}}\n"
    spec += "assistants:\n  a: {model: m, tools: [use: f]}\n  b: {model: m, tools: [use: f]}\n"
    workspace = write({"provisioner.yaml": SETTINGS, "specs/s.yaml": spec})
    specs = workspace.compile("local")
    assert told(only(specs.problems)) == "3:17 Not an object"
    assert [len(one.fields["tools"]) for one in specs.desired.values()] == [1, 1]


def searching(*stores: str) -> Files:
    lines = "".join(f"  {store}: {{}}\n" for store in stores)
    tool = f"{{type: file_search, vector_stores: [{', '.join(stores)}]}}"
    return {"specs/s.yaml": A + f"    tools: [{tool}]\nvector_stores:\n{lines}"}


def test_files_with_extensions_in_capitals_stay_in_the_store(write: Write) -> None:
    """One finding for all files of an extension; a warning leaves none of them out."""
    files = {f"docs/{name}": "a" for name in ("a.MD", "b.MD", "c.Pdf", "d.md")}
    files["specs/s.yaml"] = "vector_stores:\n  k: {files: [docs/*]}\n"
    specs = write(dict(files)).compile("local")
    first, second = specs.problems
    assert "`docs/a.MD` and 1 more `.MD` files" in first.detail
    assert "`docs/c.Pdf`" in second.detail
    assert len(specs.desired) == 5


def test_responses_searches_two_stores(write: Write) -> None:
    """The service takes a profile with three, and refuses whatever is asked with it."""
    assert write({"provisioner.yaml": SETTINGS, **searching("k", "l")}).problems() == []
    problem = only(write(searching("k", "l", "m") | {"provisioner.yaml": SETTINGS}).problems())
    assert (told(problem), problem.severity) == ("4:48 Too many vector stores", "error")
    assert "put the files into 2 stores" in (problem.hint or "")


@pytest.mark.parametrize(("stores", "led"), [("kl", True), ("klm", False)])
def test_assistants_lead_to_responses_only_where_it_helps(
    write: Write, stores: str, led: bool
) -> None:
    """With three stores the other API is no way out."""
    problem = only(write(searching(*stores)).problems())
    assert told(problem) == "4:48 Too many vector stores"
    assert ("`api: responses`" in (problem.hint or "")) is led


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ("{service: openai, api: assistants}", "1:42"),
        ("{service: 'https://api.openai.com/v1', api: assistants}", "1:63"),
        ("{service: 'https://api.openai.com/v1'}", "1:29"),
    ],
)
def test_openai_has_no_assistants_api(write: Write, environment: str, place: str) -> None:
    """It can never be applied, whatever the specs say."""
    problem = only(
        write(
            {"provisioner.yaml": f"environments: {{p: {environment}}}", "specs/s.yaml": A}
        ).problems()
    )
    assert reported([problem]) == [f"provisioner.yaml:{place} API switched off"]
    assert "2026-08-26" in problem.detail
    assert problem.hint == "write `api: responses`"


def test_an_assistant_of_its_own_api_is_held_against_the_service(write: Write) -> None:
    """What one assistant says counts at OpenAI alone."""
    workspace = write({"provisioner.yaml": SETTINGS, "specs/s.yaml": A + "    api: assistants\n"})
    assert workspace.compile("local").problems == []
    problem = only(workspace.compile("prod").problems)
    assert (told(problem), problem.severity) == ("4:10 API switched off", "error")
    assert problem.hint == "write `api: responses`"


def assistant(text: str, **prompts: str) -> Files:
    made: Files = {f"prompts/{name}.md": prompt for name, prompt in prompts.items()}
    return {"specs/s.yaml": f"assistants:\n  a:\n    {text}\n", **made}


UNLIKELY: dict[str, tuple[Files, str, str]] = {
    "a path as the prompt": (
        assistant("model: m\n    instructions: prompts/a.md", a="Hello"),
        "4:19 Path as text",
        "`instructions: {file: prompts/a.md}`",
    ),
    "a path as block text": (
        assistant("model: m\n    instructions: |\n      prompts/a.md", a="Hello"),
        "4:19 Path as text",
        "`instructions: {file: prompts/a.md}`",
    ),
    "a placeholder in a prompt": (
        assistant("model: m\n    instructions: {file: prompts/a.md}", a="I am ${var.who}."),
        "4:26 Placeholder in prompt",
        "write the value out",
    ),
    "one in the second of two": (
        assistant(
            "model: m\n    instructions: {files: [prompts/a.md, prompts/b.md]}",
            a="Hello",
            b="${environment}",
        ),
        "4:42 Placeholder in prompt",
        "write the value out",
    ),
    "the temperature of a reasoning model": (
        assistant("model: o3-mini\n    temperature: 0.2"),
        "4:18 Setting not taken",
        "take it out",
    ),
    "of a tuned one": (
        assistant("model: ft:o4-mini-2025-04-16:acme::1\n    temperature: 0.2"),
        "4:18 Setting not taken",
        "take it out",
    ),
    "of one that cannot but reason": (
        assistant("model: gpt-5.2-pro\n    temperature: 0.2\n    reasoning_effort: high"),
        "4:18 Setting not taken",
        "take it out",
    ),
    "top_p of gpt-5": (
        assistant("model: gpt-5-nano-2025-08-07\n    top_p: 0.5\n    reasoning_effort: low"),
        "4:12 Setting not taken",
        "take it out",
    ),
    "a newer one that is told to reason": (
        assistant("model: gpt-5.6\n    temperature: 0\n    reasoning_effort: low"),
        "4:18 Setting not taken",
        "`reasoning_effort: none`",
    ),
}


@pytest.mark.parametrize(("files", "expected", "hint"), UNLIKELY.values(), ids=UNLIKELY.keys())
def test_what_is_hardly_meant_is_a_warning(
    write: Write, files: Files, expected: str, hint: str
) -> None:
    """At OpenAI and elsewhere: somebody may mean it."""
    workspace = write({"provisioner.yaml": SETTINGS, **files})
    problem = only(workspace.problems())
    assert (told(problem), problem.severity) == (expected, "warning")
    assert hint in (problem.hint or "")
    assert "none" in hint or "none" not in (problem.hint or "")


@pytest.mark.parametrize(
    "files",
    [
        assistant("model: m\n    instructions: prompts/b.md", a="Hello"),
        assistant("model: m\n    instructions: You answer. Briefly.", a="Hello"),
        assistant("model: m\n    instructions: {file: prompts/a.md}", a="$${var.x} ${name} ${x.y}"),
        assistant("model: o3\n    temperature: 1\n    top_p: 1.0"),
        assistant("model: gpt-5.6\n    temperature: 0.2"),
        assistant("model: gpt-5.6\n    temperature: 0.2\n    reasoning_effort: none"),
        assistant("model: gpt-5-chat-latest\n    temperature: 0.2"),
        assistant("model: gpt-4o\n    temperature: 0.2"),
        assistant("model: gpt-50\n    temperature: 0.2"),
        assistant("model: gpt-6\n    temperature: 0.2\n    reasoning_effort: low"),
        assistant("model: o3x\n    temperature: 0.2"),
    ],
)
def test_what_may_be_meant_has_no_warning(write: Write, files: Files) -> None:
    """Text is text, foreign placeholders stay, and models that take a setting have it."""
    assert write({"provisioner.yaml": SETTINGS, **files}).problems() == []


def test_an_agent_is_at_openai_wherever_it_is(write: Write) -> None:
    """No other service has the Agents API, and the embedded one refuses what OpenAI does: its rules
    are errors for an agent, and warnings for an assistant beside it.
    """
    written = json.dumps({"type": "object", "properties": {"ids": {"type": "array"}}})
    tools = f"[{{type: function, name: f, description: F, parameters: {written}}}]"
    one = f"{{model: gpt-5.6, api: %s, tools: {tools}}}"
    spec = f"assistants:\n  a: {one % 'agents'}\n  b: {one % 'assistants'}\n"
    workspace = write({"provisioner.yaml": SETTINGS, "specs/s.yaml": spec})
    found = workspace.compile("local").problems
    assert [(item.address, item.severity) for item in found] == [
        ("assistant.a", "error"),
        ("assistant.b", "warning"),
    ]
