"""Terraform, promptfoo, recordings, notebooks and Markdown."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from provisioner.importing.nouns import Findings, Found
from provisioner.importing.sources import read_sources

TERRAFORM = """
variable "model" { default = "gpt-4o" }
variable "team" {}
locals {
  tone  = "kind"
  about = "A ${local.tone} bot"
}

resource "openai_file" "guide" {
  file_path = "${path.module}/docs/guide.md"
  purpose   = "assistants"
}
resource "openai_vector_store" "kb" {
  name = "KB"
  expires_after { days = 90 }
}
resource "openai_vector_store_file" "one" {
  vector_store_id = openai_vector_store.kb.id
  file_id         = openai_file.guide.id
}
resource "openai_assistant" "support" {
  name         = "Support"
  description  = local.about
  model        = var.model
  instructions = <<-EOT
    Hello ${var.team},
      be brief.
  EOT
  tools { type = "file_search" }
  tools {
    type = "function"
    function {
      name       = "f"
      parameters = jsonencode({ type = "object", properties = { "a" = { type = "string" } } })
    }
  }
  tool_resources {
    file_search { vector_store_ids = [openai_vector_store.kb.id] }
  }
  metadata = { "team" = "hr" }
}
resource "openai_thread" "t" {}
"""


def read(text: str) -> Findings:
    return read_sources(textwrap.dedent(text).encode())


def one(findings: Findings, kind: str = "assistant") -> Found:
    assert not findings.problems, findings.problems
    (found,) = [found for found in findings.found if found.kind == kind]
    return found


def test_terraform_without_its_state() -> None:
    """Blocks, heredocs, locals, variables and references between resources."""
    findings = read(TERRAFORM)
    store = one(findings, "vector_store")
    assert store.fields == {
        "name": "KB",
        "expires_after": {"anchor": "last_active_at", "days": 90},
        "files": ["file.docs/guide.md"],
    }
    found = one(findings)
    assert found.fields == {
        "name": "Support",
        "description": "A kind bot",
        "model": "${var.model}",
        "instructions": "Hello ${var.team},\n  be brief.\n",
        "metadata": {"team": "hr"},
        "tools": [
            {"type": "file_search", "vector_stores": [{"id": store.id}]},
            {
                "type": "function",
                "name": "f",
                "parameters": {"type": "object", "properties": {"a": {"type": "string"}}},
            },
        ],
    }
    assert found.variables == {"model": "gpt-4o", "team": None}
    assert [lost.what for lost in findings.losses] == ["openai_thread.t"]


def test_terraform_in_several_files(tmp_path: Path) -> None:
    """A folder is one module: names of one file stand for what another one says."""
    (tmp_path / "variables.tf").write_text('variable "m" { default = "gpt-4o" }\n')
    (tmp_path / "prompt.md").write_text("Text")
    (tmp_path / "main.tf").write_text(
        'resource "openai_assistant" "a" {\n  model = var.m\n'
        '  instructions = file("${path.module}/prompt.md")\n  tools = ["code_interpreter"]\n}\n'
    )
    found = one(read_sources(tmp_path, tmp_path))
    assert found.variables == {"m": "gpt-4o"}
    assert found.fields["instructions"] == "Text"
    assert found.fields["tools"] == [{"type": "code_interpreter"}]


def test_a_state_without_its_configuration() -> None:
    """Values and ids; blocks that a state keeps as lists are mappings again."""
    attributes = {
        "id": "asst_1",
        "model": "gpt-4o",
        "name": "S",
        "tools": [{"type": "file_search", "function": []}],
        "tool_resources": [{"file_search": [{"vector_store_ids": ["vs_1"]}]}],
    }
    state = {
        "version": 4,
        "terraform_version": "1.9.0",
        "resources": [
            {
                "mode": "managed",
                "type": "openai_assistant",
                "name": "a",
                "instances": [{"attributes": attributes}],
            }
        ],
    }
    found = one(read(json.dumps(state)))
    assert found.id == "asst_1"
    assert found.fields["tools"] == [{"type": "file_search", "vector_stores": [{"id": "vs_1"}]}]
    assert str(found.origin) == "<stdin> openai_assistant.a"


def test_a_state_beside_its_configuration(tmp_path: Path) -> None:
    """One resource in both is one: the configuration's, and the id is said."""
    (tmp_path / "main.tf").write_text('resource "openai_assistant" "a" { model = "new" }\n')
    resource = {
        "mode": "managed",
        "type": "openai_assistant",
        "name": "a",
        "instances": [{"attributes": {"id": "asst_1", "model": "old"}}],
    }
    state = {"terraform_version": "1.9.0", "resources": [resource]}
    (tmp_path / "terraform.tfstate").write_text(json.dumps(state))
    findings = read_sources(tmp_path, tmp_path)
    assert one(findings).fields == {"model": "new"}
    assert "asst_1" in findings.losses[0].why


UPLOADED = """
resource "openai_file" "one" {
  filepath = "./docs/one.md"
}
resource "openai_file" "two" {
  file = "docs/two.md"
}
resource "openai_vector_store" "kb" {
  name     = "KB"
  count    = 2
  file_ids = [openai_file.one.id, openai_file.two.id]
  lifecycle { prevent_destroy = true }
  depends_on = [openai_file.one]
}
"""


def test_the_spellings_of_providers_and_what_terraform_keeps_for_itself() -> None:
    """A file is at its path, whichever key names it; a count and a protection are not dropped in
    silence.
    """
    findings = read(UPLOADED)
    store = one(findings, "vector_store")
    assert store.fields == {"name": "KB", "files": ["file.docs/one.md", "file.docs/two.md"]}
    assert [(lost.what, lost.severity, lost.origin.line) for lost in findings.losses] == [
        ("openai_vector_store.kb count", "warning", 8),
        ("openai_vector_store.kb depends_on", "note", 8),
        ("openai_vector_store.kb lifecycle", "warning", 8),
    ]


def state_of(**resources: dict[str, Any]) -> str:
    kept = [
        {"type": f"openai_{kind}", "name": "a", "instances": [{"attributes": attributes}]}
        for kind, attributes in resources.items()
    ]
    return json.dumps({"terraform_version": "1.9.0", "resources": kept})


def test_a_state_knows_where_files_lie(tmp_path: Path) -> None:
    """The path from which a file was uploaded is its path; one that leads out is not."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/one.md").write_text("text")
    (tmp_path / "terraform.tfstate").write_text(
        state_of(file={"id": "file-1", "filepath": "./docs/one.md", "filename": "one.md"})
    )
    (found,) = read_sources(tmp_path, tmp_path).found
    assert (found.id, found.fields) == ("file-1", {"path": "docs/one.md"})
    assert not found.losses
    outside = read(state_of(file={"id": "file-1", "filepath": "docs/../../one.md"}))
    assert "`one.md`" in str(outside.losses[0].hint)


def test_terraform_that_is_none() -> None:
    """Broken and endless configurations are problems with their place."""
    broken = read('resource "openai_assistant" "a" {\n  model = = 1\n}\n')
    assert [problem.summary for problem in broken.problems] == ["Not readable"]
    endless = read('locals { a = local.a }\nresource "openai_assistant" "b" { model = local.a }\n')
    assert endless.found[0].variables == {"a": None}


def test_promptfoo() -> None:
    """An assistant a provider of OpenAI's, the system message its instructions, a test a check."""
    findings = read(
        """
        prompts:
          - '[{"role": "system", "content": "Be {{tone}}."}, {"role": "user", "content": "{{q}}"}]'
        providers:
          - id: openai:chat:gpt-4o
            label: Bot
            config: {temperature: 0.2, max_tokens: 100}
          - openai:assistant:asst_1
          - anthropic:claude
        tests:
          - vars: {q: hello, tone: kind}
        """
    )
    bot, other = findings.found
    assert (bot.name, bot.fields) == (
        "Bot",
        {
            "model": "gpt-4o",
            "instructions": "Be {{tone}}.",
            "temperature": 0.2,
            "responses": {"max_output_tokens": 100},
            "checks": {"test_1": [{"say": "hello"}]},
        },
    )
    assert other.id == "asst_1"
    lost = {loss.what for loss in findings.losses}
    assert {"providers[2]", "tests[0].vars.tone", "prompts[0]"} <= lost


def test_notebooks() -> None:
    """Cells are one program, and the place is the cell."""
    cells = [
        {"cell_type": "markdown", "source": ["# Title"]},
        {"cell_type": "code", "source": ["%pip install openai\n", "from openai import OpenAI\n"]},
        {"cell_type": "code", "source": "c = OpenAI()\nMODEL = 'gpt-4o'"},
        {"cell_type": "code", "source": ["\n", "c.beta.assistants.create(model=MODEL, name='n')"]},
    ]
    found = one(read(json.dumps({"nbformat": 4, "cells": cells})))
    assert found.fields == {"model": "gpt-4o", "name": "n"}
    assert found.origin.path == "cells[3] line 2"


def test_notebooks_with_cells_that_are_no_program() -> None:
    """A cell that cannot be read is named, and the others are read; lines for the notebook go."""
    sources = [
        "from openai import OpenAI\nc = OpenAI()\nOpenAI?\n?c",
        "if c:\n    !ls\n",
        "c.beta.assistants.create(model='m', instructions='''\n!a\nb?\n''')",
        "broken(:",
    ]
    cells = [{"cell_type": "code", "source": source} for source in sources]
    findings = read(json.dumps({"nbformat": 4, "cells": cells}))
    assert [found.fields["instructions"] for found in findings.found] == ["\n!a\nb?\n"]
    (problem,) = findings.problems
    assert "`cells[3]` of `<stdin>` is not Python" in problem.detail


def test_markdown() -> None:
    """Fences of one language are one program at its own lines; JSON in a fence is an export."""
    findings = read(
        """
        # Guide

        ```python
        from openai import OpenAI
        c = OpenAI()
        ```
        Then:
        ```python
        c.beta.assistants.create(model="m", name="a")
        ```
        ```json
        {"id": "asst_2", "model": "m", "name": "b"}
        ```
        ```ts
        const bot = await openai.beta.assistants.create({ model: "m", name: "c" });
        ```
        """
    )
    assert not findings.problems
    assert sorted((found.name, found.origin.line) for found in findings.found) == [
        ("a", 10),
        ("b", 13),
        ("c", 16),
    ]


def test_what_describes_nothing(tmp_path: Path) -> None:
    """A folder of other things has nothing, and nothing else is said about it."""
    (tmp_path / "README.md").write_text("# Hi\n\n```sh\nls\n```\n")
    (tmp_path / "a.py").write_text("def f(:\n")
    (tmp_path / "b.yaml").write_text("on: push\n")
    (tmp_path / "link.json").symlink_to("/etc/hostname")
    findings = read_sources(tmp_path, tmp_path)
    assert [problem.summary for problem in findings.problems] == ["Nothing found"]
    assert read_sources(tmp_path / "none.json").problems[0].summary == "No such source"


ODD: list[Any] = [None, True, -1.5, "x", [], {}, [None], [[]], {"a": 1}]


@pytest.mark.parametrize("odd", ODD)
def test_odd_shapes(odd: Any) -> None:
    """Whatever stands where a list or a mapping is expected, the answer is no traceback."""
    url = "https://api.openai.com/v1/assistants"
    for document in (
        {"log": {"entries": [odd, {"request": odd}, {"request": {"url": url}, "response": odd}]}},
        {"nbformat": 4, "cells": [odd, {"cell_type": "code", "source": odd}]},
        {"terraform_version": "1", "resources": odd},
        {"terraform_version": "1", "resources": [{"type": "openai_file", "instances": odd}]},
        {"providers": odd, "prompts": odd},
        {"providers": [{"id": "openai:chat:m", "config": odd}], "tests": odd},
    ):
        json.dumps([found.fields for found in read(json.dumps(document)).found])


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the parser is not installed, it says how to get it."""
    from provisioner.importing import terraform

    terraform._grammar.cache_clear()
    monkeypatch.setitem(sys.modules, "tree_sitter_hcl", None)
    assert "[import]" in read(TERRAFORM).problems[0].detail
    terraform._grammar.cache_clear()


@pytest.mark.parametrize(
    "text",
    [
        '{"endpoint": "https://x.openai.azure.com/", "assistants": [{"id": "asst_1", "model": "d-1",'
        ' "instructions": "x"}]}',
        "endpoint: https://x.openai.azure.com/\nid: asst_1\nmodel: d-1\ninstructions: x\n",
        'provider "openai" {\n  base_url = "https://x.openai.azure.com/openai/v1"\n}\n'
        'resource "openai_assistant" "a" {\n  model = "d-1"\n}\n',
        "providers: [azureopenai:chat:d-1]\nprompts: [a]\n",
    ],
)
def test_documents_of_azure(text: str) -> None:
    """Who names an endpoint at Azure has deployments, in whatever format that stands."""
    (one,) = read(text).found
    assert one.fields["model"] == "${var.model_d_1}"
    assert [lost.what for lost in one.losses if lost.severity == "error"] == ["model"]


def test_a_text_about_azure() -> None:
    """A host in a text is no endpoint."""
    text = '{"id": "asst_1", "model": "m", "instructions": "see https://x.openai.azure.com"}'
    assert read(text).found[0].fields["model"] == "m"


def test_what_terraform_looks_up() -> None:
    """The literals of a data source, a file under any of its keys, the only anchor that there is."""
    store, one = read(
        """
        data "openai_model" "big" {
          model_id = "gpt-4o"
        }
        resource "openai_file" "a" {
          file    = "docs/a.md"
          content = "text"
        }
        resource "openai_vector_store" "kb" {
          name     = "KB"
          file_ids = [openai_file.a.id]
          expires_after {
            days = 90
          }
        }
        resource "openai_assistant" "desk" {
          model = data.openai_model.big.model_id
        }
        """
    ).found
    assert one.fields == {"model": "gpt-4o"}
    assert store.fields["files"] == ["file.docs/a.md"]
    assert store.fields["expires_after"] == {"anchor": "last_active_at", "days": 90}


def test_what_terraform_says_of_a_file() -> None:
    """What a file holds is no field of a spec, and is named."""
    findings = read('resource "openai_file" "a" {\n  file = "a.md"\n  content = "text"\n}\n')
    assert [lost.what for lost in findings.losses] == ["content"]


def test_terraform_and_quotations_in_markdown(tmp_path: Path) -> None:
    """A fence of any language that is known here, also where somebody quotes it."""
    text = """
# Desk

```hcl
resource "openai_assistant" "desk" {
  model = "m"
}
```

> ```json
> {"id": "asst_1", "model": "n", "instructions": "x"}
> ```
"""
    (tmp_path / "a.md").write_text(text)
    findings = read_sources(tmp_path / "a.md", tmp_path)
    assert [one.fields["model"] for one in findings.found] == ["m", "n"]


def test_terraform_texts_that_only_a_run_would_tell() -> None:
    """Directives in a text and keys that are put together are no literals, and are named."""
    findings = read(
        """
        resource "openai_assistant" "a" {
          model        = "m"
          instructions = "x%{ if true }y%{ endif }z"
          metadata     = { (local.k) = "a", "${var.k}b" = "c", "d" = "e", f = "g" }
        }
        """
    )
    found = one(findings)
    assert found.fields["instructions"] == "x${var.instructions}z"
    assert found.fields["metadata"] == {"d": "e", "f": "g"}
    assert [lost.severity for lost in found.losses] == ["error"] * 3


def test_terraform_state_of_others() -> None:
    """Every resource of a state that specs do not have is named."""
    resources = [
        {"mode": "managed", "type": "aws_s3", "name": "a", "instances": []},
        {"mode": "data", "type": "openai_file", "name": "b", "instances": []},
    ]
    text = json.dumps({"version": 4, "terraform_version": "1", "resources": resources})
    whats = [lost.what for lost in read(text).losses]
    assert whats == ["resources[0] aws_s3.a", "resources[1] openai_file.b"]


def test_answers_to_a_delete() -> None:
    """What was deleted is no assistant."""
    deleted = {"id": "asst_1", "object": "assistant.deleted", "deleted": True}
    assert not read(json.dumps(deleted)).found
