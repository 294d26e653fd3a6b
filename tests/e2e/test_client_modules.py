"""The modules of `output --format python` and `ts`: an application's calls with the official SDKs,
the same for threads and for conversations.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import yaml

from provisioner.local import create_app
from provisioner.views.client import as_python, as_typescript
from tests.e2e.serving import served
from tests.support.running import REPOSITORY, run_here
from tests.support.typescript import compiled, prepared, printed

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
LEAVE = "# Leave\n\nEverybody has 27 vacation days a year.\n"
HOSTILE = "\"\"\" ''' */ </script> \\ \\n ${x} `${y}` {{z}}\r\n\x00\u2028\u202e \N{ROCKET} \ud800"
SPEC = {
    "vector_stores": {"handbook": {"files": ["docs/*.md"]}},
    "assistants": {
        "support": {
            "model": "gpt-4o",
            "instructions": HOSTILE.replace("\ud800", "").replace("\x00", "").replace("$", "$$"),
            "tools": [
                {"type": "file_search", "vector_stores": ["handbook"]},
                {
                    "type": "function",
                    "name": "get_weather",
                    "parameters": {
                        "type": "object",
                        "properties": {"location": {"type": "string"}},
                    },
                },
            ],
        },
        "other": {"model": "gpt-4o"},
    },
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    app = create_app(tmp_path_factory.mktemp("data"), indexing_seconds=0, run_seconds=0.01)
    with served(app) as url:
        yield url


@pytest.fixture(
    scope="module", params=[pytest.param("assistants", marks=pytest.mark.thorough), "responses"]
)
def applied(
    request: pytest.FixtureRequest, url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A workspace that was applied through an API."""
    folder = tmp_path_factory.mktemp(request.param)
    prod = {"service": url, "api": request.param, "settling": 0}
    files = {
        "provisioner.yaml": yaml.safe_dump(
            {"workspace": request.param, "environments": {"prod": prod}}
        ),
        "specs/support.yaml": yaml.safe_dump(SPEC, allow_unicode=False),
        "docs/leave.md": LEAVE,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "any")
        patch.setenv("OPENAI_BASE_URL", url)
        done = run_here(["-C", str(folder), "apply", "-y"])
        assert done.code == 0, done.out + done.err
        yield folder


def written(folder: Path, language: str) -> str:
    done = run_here(["-C", str(folder), "output", "--format", language])
    assert done.code == 0, done.err
    return done.out


def loaded(text: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of a module. It has one of its own, which dataclasses look for."""
    module = type(sys)("client_of_the_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(text, "client.py", "exec"), module.__dict__)
    return module.__dict__


def test_the_python_module_is_what_an_application_did_with_threads(
    applied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A conversation that remembers, a call of a function, one that fails, a citation, a stream with
    a function in it, an attachment, an end.
    """
    text = written(applied, "python")
    made = loaded(text, monkeypatch)
    nap = "openai._resource.SyncAPIResource._sleep"  # between two looks at a run
    monkeypatch.setattr(nap, lambda _self, seconds: time.sleep(seconds / 100))
    outputs = json.loads(written(applied, "json"))
    assert text == written(applied, "python") and outputs == made["RESOURCES"]
    asked: list[str] = []

    def get_weather(location: str) -> dict[str, str]:
        asked.append(location)
        return {"sky": "clear"}

    functions = {"get_weather": get_weather}
    ask, stream = made["ask"], made["stream"]
    with openai.OpenAI() as client:
        talk = made["start"](client, {"user": "ann"})
        answer = ask(client, "support", talk, "What's the weather in Oslo?", functions)
        assert answer.status == "completed" and asked == ["Oslo"]
        assert answer.text.startswith('get_weather returned {"sky": "clear"}')
        answer = ask(client, "support", talk, "What's the weather in Rome?")
        assert answer.text.startswith("get_weather returned Error: KeyError")
        answer = ask(client, "support", talk, "How many vacation days?")
        assert "27 vacation days" in answer.text
        assert answer.cited == [outputs["file.docs/leave.md"]["id"]]
        pieces = list(stream(client, "support", talk, "How many vacation days?"))
        assert len(pieces) > 1 and "27 vacation days" in "".join(pieces)
        pieces = list(stream(client, "support", talk, "What's the weather in Bern?", functions))
        assert "".join(pieces) == 'get_weather returned {"sky": "clear"}'
        assert asked == ["Oslo", "Bern"]
        (tmp_path / "note.md").write_text("# Sheep\n\nThe sheep are Bob's.\n")
        file = made["upload"](client, tmp_path / "note.md")
        answer = ask(client, "support", talk, "Whose sheep are there?", files=[file])
        assert answer.status == "completed"
        made["forget"](client, talk)
        with pytest.raises(openai.NotFoundError):
            ask(client, "other", talk, "Hello?")


@pytest.fixture(scope="module")
def agents(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with saved agents, one of which has more than an id for its sessions."""
    folder = tmp_path_factory.mktemp("agents")
    tool = {**SPEC["assistants"]["support"]["tools"][1], "description": "The weather"}
    agent = {"model": "gpt-5.6", "tools": [tool]}
    session = {"environment": {"template": "box"}, "vaults": ["keys"]}
    prod = {"service": url, "api": "agents", "settling": 0}
    written = {
        "provisioner.yaml": {"workspace": "agents", "environments": {"prod": prod}},
        "specs/all.yaml": {
            "vaults": {"keys": {}},
            "environment_templates": {"box": {"network": {"access": "disabled"}}},
            "assistants": {"support": {**agent, "session": session}, "other": agent},
        },
    }
    for name, body in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(yaml.safe_dump(body), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "any")
        patch.setenv("OPENAI_BASE_URL", url)
        done = run_here(["-C", str(folder), "apply", "-y"])
        assert done.code == 0, done.out + done.err
        yield folder


def test_the_python_module_holds_sessions(agents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session begins with the first question, in the environment that the spec names; it
    remembers, calls functions, streams, and ends.
    """
    text = written(agents, "python")
    made = loaded(text, monkeypatch)
    outputs = json.loads(written(agents, "json"))
    assert text == written(agents, "python") and outputs == made["RESOURCES"]
    assert made["session"]("other")["environment"] == {"type": "none"}
    functions = {"get_weather": lambda location: {"sky": location}}
    start, ask, stream = made["start"], made["ask"], made["stream"]
    with openai.OpenAI() as client:
        question = "What's the weather in Oslo?"
        talk, answer = start(client, "support", question, functions, {"user": "ann"})
        assert (answer.status, answer.text) == (
            "completed",
            'get_weather returned {"sky": "Oslo"}',
        )
        there = client.beta.agents.sessions.retrieve(talk)
        assert there.metadata == {"user": "ann"}
        assert there.environment.to_dict()["type"] == "openai_hosted"
        answer = ask(client, talk, "What's the weather in Rome?")
        assert answer.text.startswith("get_weather returned Error: KeyError")
        pieces = list(stream(client, talk, "Say something long to me, please."))
        assert len(pieces) > 1 and "something long" in "".join(pieces)
        assert "".join(stream(client, talk, "What's the weather in Bern?", functions)) == (
            'get_weather returned {"sky": "Bern"}'
        )
        assert len(client.beta.agents.sessions.turns.list(talk).data) == 4
        made["forget"](client, talk)
        with pytest.raises(openai.NotFoundError):
            ask(client, talk, "Hello?")
        other, answer = start(client, "other", "Hello there.")
        assert answer.status == "completed" and "Hello there." in answer.text
        made["forget"](client, other)


APPLICATION = """
import OpenAI from "openai";
import { ask, forget, resources, start, stream, type Address, type Name } from "./resources.js";

const client = new OpenAI();
const name: Name = "support";
const functions = { get_weather: ({ location }: { location: string }) => ({ at: location }) };
const talk = await start(client, { user: "ann" });
const weather = await ask(client, name, talk, "What's the weather in Oslo?", { functions });
console.log(weather.status, weather.text.split("\\n")[0]);
console.log((await ask(client, name, talk, "What's the weather in Rome?")).text.split("\\n")[0]);
const leave = await ask(client, "support", talk, "How many vacation days?");
console.log(leave.text.includes("27 vacation days"), leave.cited[0] === resources["file.docs/leave.md"].id);
let pieces = 0;
for await (const _ of stream(client, name, talk, "How many vacation days?")) pieces += 1;
let said = "";
for await (const piece of stream(client, name, talk, "What's the weather in Bern?", { functions })) said += piece;
console.log(pieces > 1, said);
const known: Address = "assistant.support";
// @ts-expect-error
await ask(client, "nobody", talk, known).catch(() => {});
await forget(client, talk);
console.log(await ask(client, "other", talk, "Hello?").catch((error) => error.status));
"""
TOLD = """\
completed get_weather returned {"at":"Oslo"}
get_weather returned Error: there is no function get_weather
true true
true get_weather returned {"at":"Bern"}
404
"""


@pytest.mark.thorough
def test_the_typescript_module_does_the_same(applied: Path, tmp_path: Path, url: str) -> None:
    """Compiled with every strictness, and run by node."""
    assert ran(prepared(tmp_path), written(applied, "ts"), APPLICATION, url) == TOLD


def ran(folder: Path, module: str, application: str, url: str) -> str:
    """What an application prints that is compiled with the module, with every strictness."""
    (folder / "resources.ts").write_text(module, encoding="utf-8")
    (folder / "app.ts").write_text(application, encoding="utf-8")
    strict = ["--noUncheckedIndexedAccess", "--noUnusedLocals", "--verbatimModuleSyntax"]
    assert compiled(folder, *strict, "app.ts", emit=True) == ""
    return printed(folder, "app.js", url)


SESSIONS = """
import OpenAI from "openai";
import { ask, forget, session, start, stream, type Name } from "./resources.js";

const client = new OpenAI();
const name: Name = "support";
const functions = { get_weather: ({ location }: { location: string }) => ({ at: location }) };
const begun = await start(client, name, "What's the weather in Oslo?", { functions });
const talk = begun.conversation;
console.log(begun.answer.status, begun.answer.text);
console.log((await ask(client, talk, "What's the weather in Rome?")).text);
let pieces = 0;
for await (const _ of stream(client, talk, "Say something long to me, please.")) pieces += 1;
let said = "";
for await (const piece of stream(client, talk, "What's the weather in Bern?", { functions })) said += piece;
console.log(pieces > 1, said);
// @ts-expect-error
console.log(session("other")["environment"], (() => session("nobody")) !== null);
await forget(client, talk);
console.log(await ask(client, talk, "Hello?").catch((error) => error.status));
"""
SAID = """\
completed get_weather returned {"at":"Oslo"}
get_weather returned Error: there is no function get_weather
true get_weather returned {"at":"Bern"}
{ type: 'none' } true
404
"""


@pytest.mark.thorough
def test_the_typescript_module_holds_sessions(agents: Path, tmp_path: Path, url: str) -> None:
    """Though the SDK that compiles it knows none."""
    assert ran(prepared(tmp_path), written(agents, "ts"), SESSIONS, url) == SAID


@pytest.mark.thorough
def test_the_python_modules_are_typed_and_laid_out(tmp_path: Path) -> None:
    """mypy strict and the formatter, as they come, have nothing to say."""
    outputs = {"assistant.a": {"id": "asst_1", "request": {"instructions": 'x"', "list": [1]}}}
    places = [tmp_path / f"by_{api}.py" for api in ("agents", "assistants", "responses")]
    for place in places:
        text = as_python(outputs, {"assistant.a": place.stem.removeprefix("by_")})
        place.write_text(text, encoding="utf-8")
    for command in (["ruff", "format", "--diff"], ["ruff", "check"], ["mypy", "--strict"]):
        # mypy has read the SDK for this repository already.
        plain = ["--isolated"] if command[0] == "ruff" else []
        words = [sys.executable, "-m", *command, *plain, *places]
        done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_hostile_text_stays_text() -> None:
    """Whatever stands in a prompt, each module says it and nothing else; what nobody applied has no
    calls.
    """
    outputs = {
        "assistant.a": {
            "id": None,
            "request": {"instructions": HOSTILE, "n": [1.5, True, None, {}]},
        },
        "file.\"*/'.md": {"id": "file-1"},
    }
    text = as_python(outputs, {})
    tree = ast.parse(text.encode("utf-8", "strict"))
    (said,) = [node.value for node in tree.body if isinstance(node, ast.AnnAssign)]
    assert said is not None and ast.literal_eval(said) == outputs
    assert "def ask" not in text and "\u202e" not in text
    typed = as_typescript(outputs)
    body = typed.partition("written = ")[2].partition(" as const")[0]
    assert json.loads(body) == outputs and "</script" not in typed and "function" not in typed
    assert as_python({}, {}).endswith("RESOURCES: dict[str, dict[str, Any]] = {}\n")
