"""Sources of a folder that import each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.importing.nouns import Found
from provisioner.importing.sources import read_sources

PYTHON = {
    "helpers.py": """
import os
from openai import OpenAI
from agents import Agent
client = OpenAI()
store = client.vector_stores.create(name="KB")
def make(name, instructions="Be brief.", model=os.getenv("MODEL", "gpt-4o")):
    return client.beta.assistants.create(
        name=name, instructions=instructions, model=model, tools=[{"type": "file_search"}],
        tool_resources={"file_search": {"vector_store_ids": [store.id]}})
def agent(name):
    return Agent(name=name, instructions=open("p.txt").read(), model="m")
""",
    "main.py": """
from helpers import make, agent
import helpers
make("A")
helpers.make("B", instructions="Other")
agent("C")
""",
    "third.py": "from . import helpers\nhelpers.make('D')\n",
    "p.txt": "From a file.",
}
SCRIPT = {
    "helpers.ts": """
import OpenAI from "openai";
import { Agent, tool } from "@openai/agents";
import { z } from "zod";
const client = new OpenAI();
export const Schema = z.object({ a: z.string() });
const weather = tool({ name: "weather", description: "W", parameters: Schema, execute: () => 1 });
export async function make(name: string, instructions: string) {
  return client.beta.assistants.create({ name, instructions, model: "m" });
}
export default function agent({ name }: { name: string }) {
  return new Agent({ name, instructions: "x", model: "m", tools: [weather], outputType: Schema });
}
""",
    "main.ts": """
import { make } from "./helpers";
import agent from "./helpers.js";
import * as h from "./helpers";
make("A", "One");
h.make("B", "Two");
agent({ name: "C" });
""",
}


def found(folder: Path, files: dict[str, str], source: str = "") -> list[Found]:
    for name, text in files.items():
        (folder / name).write_text(text)
    findings = read_sources(folder / source, folder)
    assert not findings.problems
    return findings.found


def names(some: list[Found]) -> list[str | None]:
    return [one.name for one in some if one.kind == "assistant"]


@pytest.mark.parametrize("source", ["", "main.py"])
def test_helpers_of_another_file(tmp_path: Path, source: str) -> None:
    """A helper is what its callers make of it, in whatever file they are; it has no entry of its
    own then, with a variable for each parameter. A store that it names comes along.
    """
    some = found(tmp_path, PYTHON, source)
    assert names(some) == (["A", "B", "C", "D"] if not source else ["A", "B", "C"])
    (store,) = [one for one in some if one.kind == "vector_store"]
    first = next(one for one in some if one.name == "A")
    assert first.fields["tools"][0]["vector_stores"] == [{"id": store.id}]
    assert first.origin.source == "helpers.py"
    assert first.variables == {"model": "gpt-4o"}
    agent = next(one for one in some if one.name == "C")
    assert agent.fields["instructions"] == "From a file."


def test_a_helper_alone(tmp_path: Path) -> None:
    """Without the files that call it, each parameter is a variable."""
    some = found(tmp_path, {"helpers.py": PYTHON["helpers.py"]})
    assert {name for one in some for name in one.variables} == {"name", "model", "p"}


def test_modules_of_typescript(tmp_path: Path) -> None:
    """By name, by default and as a whole; tools and schemas of the module come along."""
    some = found(tmp_path, SCRIPT)
    assert names(some) == ["A", "B", "C"]
    assert [one.fields["instructions"] for one in some] == ["One", "Two", "x"]
    schema = some[2].fields["response_format"]["schema"]
    assert some[2].fields["tools"][0]["parameters"] == schema


def test_a_store_of_two_files(tmp_path: Path) -> None:
    """What two files say alike is one thing, which what else they say refers to."""
    text = """
from openai import OpenAI
client = OpenAI()
store = client.vector_stores.create(name="KB")
client.beta.assistants.create(model="m", name="NAME", tools=[{"type": "file_search"}],
    tool_resources={"file_search": {"vector_store_ids": [store.id]}})
"""
    files = {f"{name}.py": text.replace("NAME", name) for name in ("a", "b")}
    store, *others = found(tmp_path, {**files, "copy.py": text.replace("NAME", "a")})
    assert names(others) == ["a", "b"]
    for one in others:
        assert one.fields["tools"][0]["vector_stores"] == [{"id": store.id}]


def test_compiled_code(tmp_path: Path) -> None:
    """TypeScript beside the JavaScript that a compiler made of it is one."""
    source = """
import { Agent } from "@openai/agents";
export const desk: Agent = new Agent({ name: "Desk", instructions: `Hi`, model: "m" });
"""
    compiled = """
"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.desk = void 0;
const agents_1 = require("@openai/agents");
exports.desk = new agents_1.Agent({ name: "Desk", instructions: `Hi`, model: "m" });
"""
    assert names(found(tmp_path, {"a.ts": source, "a.js": compiled})) == ["Desk"]


def test_a_client_of_azure_from_another_file(tmp_path: Path) -> None:
    """Whose client it is goes along with it."""
    files = {
        "clients.py": "from openai import AzureOpenAI\nclient = AzureOpenAI()\n",
        "main.py": "from clients import client\n"
        "client.beta.assistants.create(model='d', name='x')\n",
    }
    (one,) = found(tmp_path, files)
    assert one.fields["model"] == "${var.model_d}"
