"""Good and bad declarations by kind: everything that both the models and the JSON Schema decide."""

from __future__ import annotations

from typing import Any

TEXT_64 = "a" * 64
SCHEMA = {"type": "object", "properties": {}}
ASSISTANT: dict[str, Any] = {"model": "gpt-4o"}


def assistant(**fields: Any) -> tuple[str, dict[str, Any]]:
    return "assistant", {**ASSISTANT, **fields}


def with_tool(**tool: Any) -> tuple[str, dict[str, Any]]:
    return assistant(tools=[tool])


def responses(**fields: Any) -> tuple[str, dict[str, Any]]:
    return assistant(responses=fields)


def agents(**fields: Any) -> tuple[str, dict[str, Any]]:
    return assistant(agents=fields)


def store(**fields: Any) -> tuple[str, dict[str, Any]]:
    return "vector_store", fields


def entry(**fields: Any) -> tuple[str, dict[str, Any]]:
    return store(files=[{"path": "a.md", **fields}])


def file(**fields: Any) -> tuple[str, dict[str, Any]]:
    return "file", {"path": "data/sales.csv", **fields}


def shared(**fields: Any) -> tuple[str, dict[str, Any]]:
    return "tool", fields


def pairs(count: int) -> dict[str, str]:
    return {f"key{number}": "x" for number in range(count)}


def chunks(size: Any, overlap: Any) -> dict[str, Any]:
    return {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}


def json_format(**fields: Any) -> tuple[str, dict[str, Any]]:
    return assistant(
        response_format={"type": "json_schema", "name": "ticket", "schema": SCHEMA, **fields}
    )


FUNCTION = {"type": "function", "name": "f"}
TUNNEL = "tunnel_" + "a" * 32

GOOD: dict[str, tuple[str, Any]] = {
    "assistant: model alone": assistant(),
    "assistant: everything null": assistant(
        name=None,
        description=None,
        instructions=None,
        tools=None,
        temperature=None,
        top_p=None,
        reasoning_effort=None,
        response_format=None,
        metadata=None,
        api=None,
        responses=None,
        agents=None,
        lifecycle=None,
    ),
    "name of 256": assistant(name="a" * 256),
    "description of 512": assistant(description="a" * 512),
    "instructions of 256,000": assistant(instructions="a" * 256_000),
    "instructions from a file": assistant(instructions={"file": "p.md"}),
    "instructions from files": assistant(instructions={"files": ["p.md", "q.md"]}),
    "temperature 0": assistant(temperature=0),
    "temperature 2": assistant(temperature=2),
    "temperature 0.3": assistant(temperature=0.3),
    "top_p 0": assistant(top_p=0),
    "top_p 1": assistant(top_p=1),
    **{
        f"effort {value}": assistant(reasoning_effort=value)
        for value in ("none", "minimal", "low", "medium", "high", "xhigh", "max")
    },
    **{
        f"format {value}": assistant(response_format=value)
        for value in ("auto", "text", "json_object")
    },
    "format as mapping": assistant(response_format={"type": "json_object"}),
    "format json_schema": json_format(strict=True, description="A ticket"),
    "format name of 64": json_format(name=TEXT_64),
    "format without name": assistant(response_format={"type": "json_schema", "schema": SCHEMA}),
    "format schema from a file": json_format(schema={"file": "ticket.json"}),
    "15 pairs of metadata": assistant(metadata=pairs(15)),
    "metadata key of 64, value of 512": assistant(metadata={TEXT_64: "a" * 512}),
    "metadata empty value": assistant(metadata={"a": ""}),
    "metadata key sha256": assistant(metadata={"sha256": "x"}),
    "128 tools": assistant(tools=[{**FUNCTION, "name": f"f{number}"} for number in range(128)]),
    "bare tools": assistant(
        tools=["code_interpreter", "file_search", "web_search", "image_generation"]
    ),
    "use": with_tool(use="get_weather"),
    "function name of 64": with_tool(type="function", name=TEXT_64),
    "function whole": with_tool(**FUNCTION, description="F", strict=False, parameters=SCHEMA),
    "function nulls": with_tool(**FUNCTION, description=None, strict=None, parameters=None),
    "file_search whole": with_tool(
        type="file_search",
        vector_stores=["kb", {"id": "vs_1"}],
        max_num_results=50,
        ranking_options={
            "ranker": "auto",
            "score_threshold": 1,
            "hybrid_search": {"embedding_weight": 0.5, "text_weight": 1},
        },
        filters={
            "type": "and",
            "filters": [
                {"type": "eq", "key": "team", "value": "legal"},
                {"type": "or", "filters": [{"type": "in", "key": "year", "value": [2025, 2026]}]},
            ],
        },
    ),
    "max_num_results 1": with_tool(type="file_search", max_num_results=1),
    "code_interpreter 50 files": with_tool(
        type="code_interpreter", files=[f"d/{n}.csv" for n in range(50)]
    ),
    "code_interpreter memory": with_tool(
        type="code_interpreter", files=[{"id": "file-1"}], memory_limit="64g"
    ),
    "web_search": with_tool(
        type="web_search",
        filters={"allowed_domains": ["who.int"]},
        search_context_size="low",
        user_location={"type": "approximate", "country": "NO"},
        external_web_access=False,
    ),
    "web_search off": with_tool(type="web_search", mode="disabled"),
    "function called": with_tool(
        **FUNCTION,
        output_schema=SCHEMA,
        defer_loading=True,
        allowed_callers=["direct", "programmatic"],
        **{"async": True},
    ),
    "mcp url": with_tool(
        type="mcp", server_label="crm", server_url="https://crm.example/mcp", allowed_tools=["a"]
    ),
    "mcp over http": with_tool(
        type="mcp",
        server_label="crm",
        transport={
            "type": "http",
            "server_url": "https://c.example",
            "headers": {"X-Region": "eu"},
        },
        credential={"id": "cred_1"},
        allowed_callers=["direct"],
    ),
    "mcp started": with_tool(
        type="mcp",
        server_label="crm",
        transport={"type": "stdio", "command": "crm", "cwd": "/workspace", "args": ["-v"]},
        connection_origin="environment",
        request_metadata={"tenant": "acme"},
        required=True,
    ),
    "tools of the agents API": assistant(
        tools=[
            {"type": "computer_use", "include_screenshots": True},
            {"type": "programmatic_tool_calling", "enabled": True},
            "automations",
            "tool_search",
        ]
    ),
    "tools that the application runs": assistant(
        tools=[
            "apply_patch",
            "computer",
            {"type": "shell", "environment": "local"},
            {
                "type": "custom",
                "name": "sql",
                "format": {"type": "grammar", "syntax": "lark", "definition": {"file": "a.lark"}},
            },
            {
                "type": "namespace",
                "name": "crm",
                "description": "Customers",
                "tools": [FUNCTION, {"type": "custom", "name": "note"}],
            },
            {"type": "tool_search", "execution": "client", "parameters": SCHEMA},
        ]
    ),
    "shell in a container": with_tool(
        type="shell",
        environment="container_auto",
        files=["data/a.csv"],
        memory_limit="4g",
        network_policy={"type": "allowlist", "allowed_domains": ["pypi.org"]},
        skills=[{"id": "skill_1", "version": "2"}],
    ),
    "tool: custom": shared(type="custom", name="sql", only=["prod"]),
    "session in no environment": assistant(session={"environment": "none"}),
    "session from a template": assistant(
        session={
            "environment": {"template": {"id": "tmpl_1"}, "container_size": "large"},
            "vaults": [{"id": f"vault_{number}"} for number in range(10)],
        }
    ),
    "session of one's own": assistant(
        session={"environment": {"type": "self_hosted", "workspace_directory": "/workspace"}}
    ),
    "mcp connector": with_tool(
        type="mcp", server_label="m", connector_id="connector_gmail", require_approval="never"
    ),
    "mcp tunnel": with_tool(
        type="mcp",
        server_label="m",
        tunnel_id=TUNNEL,
        allowed_tools={"read_only": True},
        require_approval={"always": {"tool_names": ["d"]}},
    ),
    "image_generation": with_tool(
        type="image_generation",
        size="1024x1536",
        quality="high",
        output_compression=100,
        partial_images=3,
    ),
    "api": assistant(api="agents"),
    "lifecycle": assistant(lifecycle={"protect": True, "ignore_changes": ["description"]}),
    "only": assistant(only=["staging"]),
    "responses: nothing": responses(),
    "responses: max_output_tokens 16": responses(max_output_tokens=16),
    "responses: safety_identifier of 64": responses(safety_identifier=TEXT_64),
    "responses: top_logprobs 20": responses(top_logprobs=20),
    "responses: top_logprobs 0": responses(top_logprobs=0),
    "responses: many": responses(
        store=False,
        truncation="auto",
        parallel_tool_calls=False,
        service_tier="flex",
        max_tool_calls=1,
        include=["file_search_call.results"],
        prompt_cache_key="k",
        prompt_cache_retention="24h",
        reasoning={"summary": "auto"},
        text={"verbosity": "low"},
        background=True,
        user="u",
        context_management=[{"type": "compaction", "compact_threshold": 1000}],
        prompt_cache_options={"ttl": "12h"},
    ),
    **{
        f"responses: tool_choice {value}": responses(tool_choice=value)
        for value in ("none", "auto", "required")
    },
    "responses: chosen function": responses(tool_choice={"type": "function", "name": "f"}),
    "responses: chosen mcp": responses(tool_choice={"type": "mcp", "server_label": "crm"}),
    "responses: chosen hosted": responses(tool_choice={"type": "file_search"}),
    "responses: allowed tools": responses(
        tool_choice={
            "type": "allowed_tools",
            "mode": "auto",
            "tools": [{"type": "function", "name": "f"}],
        }
    ),
    "agents: many": agents(
        reasoning={"summary": "concise"},
        text={"verbosity": "high"},
        service_tier="fast",
        multi_agent={"enabled": True, "max_concurrent_subagents": 1},
        compaction={"async": True},
        experimental={"time_awareness": True},
    ),
    "store: nothing": store(),
    "store: whole": store(
        name="a" * 256,
        description="a" * 512,
        metadata=pairs(15),
        chunking="auto",
        other_files="fail",
        expires_after={"anchor": "last_active_at", "days": 365},
        files=["docs/**/*.md", {"id": "file-1"}],
    ),
    "store: one day": store(expires_after={"anchor": "last_active_at", "days": 1}),
    "store: smallest chunks": store(chunking=chunks(100, 0)),
    "store: largest chunks": store(chunking=chunks(4096, 2048)),
    **{
        f"store: other files {value}": store(other_files=value)
        for value in ("keep", "remove", "fail")
    },
    "entry: whole": entry(
        exclude=["b.md"], attributes={"a": "x", "b": 1, "c": 1.5, "d": True}, only=["prod"]
    ),
    "entry: 14 attributes": entry(attributes=pairs(14)),
    "entry: attribute key of 64, value of 512": entry(attributes={TEXT_64: "a" * 512}),
    "entry: unmanaged": store(
        files=[{"id": "file-1", "attributes": {"a": 1}, "chunking": chunks(100, 50)}]
    ),
    "file: path": file(),
    "file: one hour": file(expires_after={"anchor": "created_at", "seconds": 3600}),
    "file: thirty days": file(expires_after={"anchor": "created_at", "seconds": 2_592_000}),
    "file: purpose": file(purpose="user_data"),
    "tool: nothing": shared(),
    "tool: function": shared(
        type="function", name="getWeather", strict=True, parameters=SCHEMA, only=["prod"]
    ),
    "tool: file_search": shared(type="file_search", vector_stores=["kb"]),
    "tool: code_interpreter": shared(type="code_interpreter"),
    "tool: web_search": shared(type="web_search", only=["prod"]),
    "tool: mcp": shared(type="mcp", server_label="crm", server_url="http://localhost:3000"),
}

BAD: dict[str, tuple[str, Any]] = {
    "assistant: nothing": ("assistant", {}),
    "assistant: a list": ("assistant", []),
    "assistant: text": ("assistant", "gpt-4o"),
    "assistant: null": ("assistant", None),
    "model null": ("assistant", {"model": None}),
    "model empty": ("assistant", {"model": ""}),
    "model a number": ("assistant", {"model": 4}),
    "unknown key": assistant(temprature=1),
    "name of 257": assistant(name="a" * 257),
    "name a number": assistant(name=7),
    "description of 513": assistant(description="a" * 513),
    "instructions of 256,001": assistant(instructions="a" * 256_001),
    "instructions a number": assistant(instructions=1),
    "instructions a list": assistant(instructions=["p.md"]),
    "instructions with another key": assistant(instructions={"path": "p.md"}),
    "instructions from both": assistant(instructions={"file": "p.md", "files": ["q.md"]}),
    "instructions from no files": assistant(instructions={"files": []}),
    "temperature below 0": assistant(temperature=-0.1),
    "temperature above 2": assistant(temperature=2.1),
    "temperature text": assistant(temperature="0.3"),
    "temperature true": assistant(temperature=True),
    "top_p above 1": assistant(top_p=1.01),
    "top_p below 0": assistant(top_p=-0.01),
    "effort unknown": assistant(reasoning_effort="huge"),
    "format unknown": assistant(response_format="json"),
    "format without schema": assistant(response_format={"type": "json_schema", "name": "t"}),
    "format name of 65": json_format(name="a" * 65),
    "format name with space": json_format(name="a b"),
    "format nested": assistant(
        response_format={"type": "json_schema", "json_schema": {"name": "t", "schema": SCHEMA}}
    ),
    "format schema text": json_format(schema="ticket.json"),
    "16 pairs of metadata": assistant(metadata=pairs(16)),
    "metadata key of 65": assistant(metadata={"a" * 65: "x"}),
    "metadata empty key": assistant(metadata={"": "x"}),
    "metadata value of 513": assistant(metadata={"a": "a" * 513}),
    "metadata number": assistant(metadata={"year": 2026}),
    "metadata boolean": assistant(metadata={"old": True}),
    "metadata null value": assistant(metadata={"old": None}),
    "metadata list value": assistant(metadata={"old": ["a"]}),
    "metadata list": assistant(metadata=["a"]),
    "metadata reserved": assistant(metadata={"provisioner": "x"}),
    "129 tools": assistant(tools=["code_interpreter"] * 129),
    "tools a mapping": assistant(tools={"type": "code_interpreter"}),
    "tool unknown name": assistant(tools=["get_weather"]),
    "tool bare function": assistant(tools=["function"]),
    "tool a number": assistant(tools=[3]),
    "tool null": assistant(tools=[None]),
    "tool without type": with_tool(name="f"),
    "tool unknown type": with_tool(type="retrieval"),
    "use with override": with_tool(use="get_weather", strict=True),
    "function without name": with_tool(type="function"),
    "function name of 65": with_tool(type="function", name="a" * 65),
    "function name empty": with_tool(type="function", name=""),
    "function name with space": with_tool(type="function", name="get weather"),
    "function name with dot": with_tool(type="function", name="get.weather"),
    "function nested": with_tool(type="function", function={"name": "f"}),
    "function strict text": with_tool(**FUNCTION, strict="yes"),
    "function parameters list": with_tool(**FUNCTION, parameters=[]),
    "file_search results 0": with_tool(type="file_search", max_num_results=0),
    "file_search results 51": with_tool(type="file_search", max_num_results=51),
    "file_search store ids": with_tool(type="file_search", vector_store_ids=["vs_1"]),
    "file_search store number": with_tool(type="file_search", vector_stores=[3]),
    "file_search score 1.1": with_tool(
        type="file_search", ranking_options={"score_threshold": 1.1}
    ),
    "file_search ranker": with_tool(type="file_search", ranking_options={"ranker": "best"}),
    "file_search hybrid half": with_tool(
        type="file_search", ranking_options={"hybrid_search": {"text_weight": 1}}
    ),
    "file_search filter": with_tool(
        type="file_search", filters={"type": "like", "key": "a", "value": "b"}
    ),
    "file_search filter without value": with_tool(
        type="file_search", filters={"type": "eq", "key": "a"}
    ),
    "code_interpreter 51 files": with_tool(
        type="code_interpreter", files=[f"d/{n}.csv" for n in range(51)]
    ),
    "code_interpreter file ids": with_tool(type="code_interpreter", file_ids=["file-1"]),
    "code_interpreter memory": with_tool(type="code_interpreter", memory_limit="2g"),
    "web_search size": with_tool(type="web_search", search_context_size="huge"),
    "web_search country": with_tool(
        type="web_search", user_location={"type": "approximate", "country": "Norway"}
    ),
    "mcp without label": with_tool(type="mcp", server_url="https://crm.example"),
    "mcp url": with_tool(type="mcp", server_label="crm", server_url="crm.example"),
    "mcp secret": with_tool(
        type="mcp", server_label="crm", server_url="https://c.example", authorization="sk-1"
    ),
    "mcp headers": with_tool(
        type="mcp", server_label="crm", server_url="https://c.example", headers={"a": "b"}
    ),
    "mcp approval": with_tool(
        type="mcp", server_label="crm", server_url="https://c.example", require_approval="no"
    ),
    "mcp transport": with_tool(
        type="mcp", server_label="crm", transport={"type": "sse", "server_url": "https://c.example"}
    ),
    "mcp started nowhere": with_tool(
        type="mcp", server_label="crm", transport={"type": "stdio", "command": "crm"}
    ),
    "custom without a name": with_tool(type="custom"),
    "custom grammar": with_tool(
        type="custom", name="a", format={"type": "grammar", "syntax": "ebnf", "definition": "a"}
    ),
    "namespace of nothing": with_tool(type="namespace", name="a", description="A", tools=[]),
    "namespace in a namespace": with_tool(
        type="namespace", name="a", description="A", tools=[{"type": "namespace", "name": "b"}]
    ),
    "shell environment": with_tool(type="shell", environment="remote"),
    "network secrets": with_tool(
        type="code_interpreter",
        network_policy={
            "type": "allowlist",
            "allowed_domains": ["a.example"],
            "domain_secrets": [{"domain": "a.example", "name": "A", "value": "s"}],
        },
    ),
    "older name of a tool": with_tool(type="local_shell"),
    "session of a size": assistant(session={"environment": {"container_size": "huge"}}),
    "session with 11 vaults": assistant(session={"vaults": [{"id": "v"}] * 11}),
    "session with an agent": assistant(session={"agent_id": "agt_1"}),
    "image_generation partial 4": with_tool(type="image_generation", partial_images=4),
    "image_generation compression 101": with_tool(type="image_generation", output_compression=101),
    "image_generation size": with_tool(type="image_generation", size="large"),
    "api unknown": assistant(api="threads"),
    "lifecycle unknown": assistant(lifecycle={"prevent_destroy": True}),
    "lifecycle text": assistant(lifecycle={"protect": "yes"}),
    "only empty": assistant(only=[]),
    "only text": assistant(only="staging"),
    "tool_resources": assistant(tool_resources={"file_search": {"vector_store_ids": ["vs_1"]}}),
    "responses: max_output_tokens 15": responses(max_output_tokens=15),
    "responses: safety_identifier of 65": responses(safety_identifier="a" * 65),
    "responses: top_logprobs 21": responses(top_logprobs=21),
    "responses: truncation": responses(truncation="on"),
    "responses: include": responses(include=["everything"]),
    "responses: tool_choice": responses(tool_choice="any"),
    "responses: chosen without name": responses(tool_choice={"type": "function"}),
    "responses: compaction 999": responses(
        context_management=[{"type": "compaction", "compact_threshold": 999}]
    ),
    **{
        f"responses: {key}": responses(**{key: value})
        for key, value in {
            "model": "gpt-4o",
            "instructions": "x",
            "tools": [],
            "temperature": 1,
            "top_p": 1,
            "metadata": {},
            "input": "Hello",
            "stream": True,
            "conversation": "conv_1",
            "previous_response_id": "resp_1",
            "prompt": {"id": "pmpt_1"},
            "max_tokens": 5,
        }.items()
    },
    "responses: effort": responses(reasoning={"effort": "low"}),
    "responses: format": responses(text={"format": {"type": "text"}}),
    "agents: unknown": agents(temperature=1),
    "agents: multi_agent half": agents(multi_agent={}),
    "agents: no subagents": agents(multi_agent={"enabled": True, "max_concurrent_subagents": 0}),
    "store: name of 257": store(name="a" * 257),
    "store: description of 513": store(description="a" * 513),
    "store: no days": store(expires_after={"anchor": "last_active_at", "days": 0}),
    "store: 366 days": store(expires_after={"anchor": "last_active_at", "days": 366}),
    "store: other anchor": store(expires_after={"anchor": "created_at", "days": 3}),
    "store: without anchor": store(expires_after={"days": 3}),
    "store: chunks of 99": store(chunking=chunks(99, 0)),
    "store: chunks of 4097": store(chunking=chunks(4097, 0)),
    "store: overlap below 0": store(chunking=chunks(800, -1)),
    "store: overlap missing": store(chunking={"max_chunk_size_tokens": 800}),
    "store: chunking static": store(chunking="static"),
    "store: other files": store(other_files="delete"),
    "store: file ids": store(file_ids=["file-1"]),
    "store: files a mapping": store(files={"path": "a.md"}),
    "store: entry a number": store(files=[1]),
    "store: entry empty": store(files=[""]),
    "store: 16 pairs": store(metadata=pairs(16)),
    "entry: no path": store(files=[{"attributes": {}}]),
    "entry: path and id": entry(id="file-1"),
    "entry: unknown": entry(attribute={}),
    "entry: exclude text": entry(exclude="b.md"),
    "entry: 15 attributes": entry(attributes=pairs(15)),
    "entry: attribute key of 65": entry(attributes={"a" * 65: 1}),
    "entry: attribute value of 513": entry(attributes={"a": "a" * 513}),
    "entry: attribute null": entry(attributes={"a": None}),
    "entry: attribute list": entry(attributes={"a": ["b"]}),
    "entry: attribute provisioner": entry(attributes={"provisioner": "x"}),
    "entry: attribute sha256": entry(attributes={"sha256": "x"}),
    "file: no path": ("file", {}),
    "file: path a number": ("file", {"path": 1}),
    "file: 3599 seconds": file(expires_after={"anchor": "created_at", "seconds": 3599}),
    "file: 2592001 seconds": file(expires_after={"anchor": "created_at", "seconds": 2_592_001}),
    "file: other anchor": file(expires_after={"anchor": "last_active_at", "seconds": 3600}),
    "file: purpose": file(purpose="assistant"),
    "tool: text": ("tool", "get_weather"),
    "tool: unknown type": shared(type="retrieval"),
    "tool: use": shared(use="other"),
    "tool: name of 65": shared(name="a" * 65),
    "tool: parameters list": shared(parameters=[]),
}
