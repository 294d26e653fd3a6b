"""TypeScript and JavaScript sources, which go the same way as Python's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from provisioner.importing.sources import read_sources

from .reading import Headed, read

HEAD = 'import OpenAI from "openai";\nconst client = new OpenAI();\n'
WORKFLOW = """
import { hostedMcpTool, fileSearchTool, RunContext, Agent, AgentInputItem, Runner, withTrace } from "@openai/agents";
import { z } from "zod";
import { runGuardrails } from "@openai/guardrails";

// Tool definitions
const fileSearch = fileSearchTool([
  "vs_1"
], { maxNumResults: 4 })
const mcp = hostedMcpTool({ serverLabel: "crm", serverUrl: "https://crm.example/mcp", requireApproval: "never" })
const guardrailsConfig = { guardrails: [{ name: "PII" }] };
const TriageSchema = z.object({ label: z.enum(["a", "b"]) });
const triage = new Agent({
  name: "Triage",
  instructions: `Sort it.
Use \\`labels\\`.`,
  model: "gpt-4.1-mini",
  outputType: TriageSchema,
  modelSettings: { temperature: 1, topP: 0.9, maxTokens: 2048, store: true }
});
interface AnswerContext { stateCity: string; }
const answerInstructions = (runContext: RunContext<AnswerContext>, _agent: Agent<AnswerContext>) => {
  const { stateCity } = runContext.context;
  return `You help people in ${stateCity}.`
}
const answer = new Agent({
  name: "Answer", instructions: answerInstructions, model: "gpt-5",
  tools: [fileSearch, mcp],
  modelSettings: { reasoning: { effort: "low", summary: "auto" }, store: true }
});
type WorkflowInput = { input_as_text: string };
export const runWorkflow = async (workflow: WorkflowInput) => {
  return await withTrace("New agent", async () => {
    const state = { city: null };
    const runner = new Runner({});
    const checked = await runGuardrails(workflow.input_as_text, guardrailsConfig);
    if (state.city == "a") {
      const r = await runner.run(answer, []);
      return r;
    } else {
      return { x: 1 };
    }
  });
}
"""


CODE = Headed(HEAD)
found, fields = CODE.found, CODE.fields


def test_a_call_with_constants_spreads_and_the_environment() -> None:
    """Literals, names by position, spreads, shorthand, `env || "default"` and string escapes."""
    (one,) = found(
        """
        const base = { model: "gpt-4o", top_p: 0.5 } as const;
        let name = "first";
        const tools: any[] = [{ type: "code_interpreter" }];
        tools.push({ type: "function", function: { name: "f", parameters: { type: "object" } } });
        async function main() {
          const bot = await client.beta.assistants.create({
            ...base, name, tools, temperature: -0 || 1,
            instructions: "tab\\t \\u00e9 \\u{1F600} \\uD83D\\uDE00" + ' two',
            description: process.env.ABOUT ?? "none",
            metadata: { "team": `t-${process.env.TEAM}` },
          });
        }
        main();
        """
    )
    assert one.fields == {
        "model": "gpt-4o",
        "top_p": 0.5,
        "name": "first",
        "tools": [
            {"type": "code_interpreter"},
            {"type": "function", "name": "f", "parameters": {"type": "object"}},
        ],
        "temperature": 1,
        "instructions": "tab\t é 😀 😀 two",
        "description": "${var.about}",
        "metadata": {"team": "t-${var.team}"},
    }
    assert one.variables == {"about": "none", "team": None}


def test_a_helper_with_settings_that_may_be_left_out() -> None:
    """`config.name || "default"` of an empty default is that default."""
    (one,) = found(
        """
        class Bots {
          constructor() { this.openai = new OpenAI(); }
          async make(config = {}) {
            return await this.openai.beta.assistants.create({
              name: config.name || "Desk",
              model: config.model ?? "gpt-4o",
              instructions: config.text || `
                Be brief.
              `.trim(),
            });
          }
        }
        """
    )
    assert one.fields == {"name": "Desk", "model": "gpt-4o", "instructions": "Be brief."}
    assert not one.variables


def test_loops_helpers_and_stores() -> None:
    """`for … of`, `map`, helpers at their call sites, and a store made just before."""
    text = """
    import fs from "fs";
    const store = await client.vectorStores.create({ name: "KB" });
    const file = await client.files.create({ file: fs.createReadStream("docs/a.md"), purpose: "assistants" });
    await client.vectorStores.files.create(store.id, { file_id: file.id });
    for (const config of [{ name: "a", model: "m" }]) { await client.beta.assistants.create(config); }
    await Promise.all(["b", "c"].map(async (name) => client.beta.assistants.create({ name, model: "m" })));
    const make = ({ name, model = "m" }) => client.beta.assistants.create({
      name, model, tools: [{ type: "file_search" }],
      tool_resources: { file_search: { vector_store_ids: [store.id] } },
    });
    make({ name: "d", model: "n" });
    """
    assert [one.name for one in found(text)] == ["a", "b", "c", "d"]
    (store,) = found(text, "vector_store")
    assert store.fields == {"name": "KB", "files": ["file.docs/a.md"]}
    assert found(text)[3].fields["tools"][0]["vector_stores"] == [{"id": store.id}]


def test_what_agent_builder_exports() -> None:
    """Agents, hosted tools and settings are carried; schemas, guardrails and branches have a line
    each; instructions over state keep their text.
    """
    findings = read(WORKFLOW)
    assert not findings.problems
    triage, answer = findings.found
    assert triage.fields == {
        "name": "Triage",
        "instructions": "Sort it.\nUse `labels`.",
        "model": "gpt-4.1-mini",
        "temperature": 1,
        "top_p": 0.9,
        "responses": {"max_output_tokens": 2048, "store": True},
        "response_format": {
            "type": "json_schema",
            "name": "output",
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {"label": {"type": "string", "enum": ["a", "b"]}},
                "required": ["label"],
                "additionalProperties": False,
            },
        },
    }
    assert [lost.what for lost in triage.losses] == ["outputType"]
    assert answer.fields == {
        "name": "Answer",
        "instructions": "You help people in ${var.state_city}.",
        "model": "gpt-5",
        "tools": [
            {"type": "file_search", "max_num_results": 4, "vector_stores": [{"id": "vs_1"}]},
            {
                "type": "mcp",
                "server_label": "crm",
                "server_url": "https://crm.example/mcp",
                "require_approval": "never",
            },
        ],
        "reasoning_effort": "low",
        "responses": {"store": True, "reasoning": {"summary": "auto"}},
    }
    assert {"instructions"} <= {lost.what for lost in answer.losses}
    assert len(findings.losses) == 2
    assert "guardrail" in findings.losses[0].why
    assert "branch" in findings.losses[1].why


def test_the_language_by_content(tmp_path: Path) -> None:
    """TypeScript in `.py`, types in `.js`, and a backup are read as what they are; a source and
    what was compiled from it are one.
    """
    call = 'client.beta.assistants.create({ name: "NAME", model: "m" });\n'
    (tmp_path / "a.py").write_text(HEAD + call.replace("NAME", "a"))
    (tmp_path / "b.js").write_text(HEAD + "const x: string = 'b';\n" + call.replace('"NAME"', "x"))
    (tmp_path / "c.ts").write_text(HEAD + "\n\n" + call.replace("NAME", "c"))
    (tmp_path / "c.js").write_text('"use strict";\n' + HEAD + call.replace("NAME", "c"))
    (tmp_path / "d.py.bak").write_text(
        "from openai import OpenAI\nc = OpenAI()\nc.beta.assistants.create(name='d', model='m')\n"
    )
    findings = read_sources(tmp_path, tmp_path)
    assert [one.name for one in findings.found] == ["a", "b", "c", "d"]


def test_agents_of_other_libraries() -> None:
    """The import line decides whose `Agent` it is."""
    findings = read(
        'import { Agent } from "@mastra/core";\nnew Agent({ name: "x", instructions: "y" });\n'
    )
    assert "@mastra/core" in findings.problems[0].detail


def test_broken_and_endless_code() -> None:
    """A problem with its place."""
    findings = read(HEAD + "const x = {{{ ;\nclient.beta.assistants.create({name: 'x'})")
    assert findings.problems[0].line == 3
    deep = HEAD + "const x = " + "[" * 3000 + "]" * 3000 + ";"
    assert [problem.summary for problem in read(deep).problems] == ["Not readable"]


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the parser is not installed, it says how to get it."""
    from provisioner.importing import script_code

    script_code._grammar.cache_clear()
    monkeypatch.setitem(sys.modules, "tree_sitter_typescript", None)
    findings = read(HEAD + 'client.beta.assistants.create({ name: "x" });')
    assert "[import]" in findings.problems[0].detail
    script_code._grammar.cache_clear()


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("String.raw`a\\n${1}`", "a\\n1"),
        ("dedent`\n  a\n    b\n`", "a\n  b"),
        ("md`a\\tb`", "a\tb"),
    ],
)
def test_templates_with_a_tag(template: str, text: str) -> None:
    """A raw template keeps its backslashes, and `dedent` takes the indentation away."""
    findings = read(
        f"""{HEAD}client.beta.assistants.create({{model: "m", instructions: {template}}})"""
    )
    assert [one.fields["instructions"] for one in findings.found] == [text]


def test_values_as_json() -> None:
    """`JSON.stringify` makes a text; the body of a request that is written by hand is read."""
    findings = read(
        """
        import OpenAI from "openai";
        const b = { a: [1, null], b: "ü" };
        new OpenAI().beta.assistants.create({ model: "m", instructions: JSON.stringify(b) });
        await fetch("https://api.openai.com/v1/assistants", {
          method: "POST", body: JSON.stringify({ model: "m", instructions: "known" }),
        });
        await fetch("https://api.openai.com/v1/assistants", {
          method: "POST", body: JSON.stringify({ model: "m", instructions: "x", metadata: { who } }),
        });
        """
    )
    texts = [one.fields["instructions"] for one in findings.found]
    assert texts == ['{"a":[1,null],"b":"ü"}', "known", "x"]
