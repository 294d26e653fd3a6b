"""Python sources: what calls make, followed by position, with nothing ever run."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from provisioner.importing.nouns import Found
from provisioner.importing.sources import read_sources

from .reading import Headed, read

HEAD = "import os\nfrom openai import OpenAI\nclient = OpenAI()\n"
SDK = "from agents import Agent, FileSearchTool, ModelSettings, WebSearchTool, function_tool\n"


CODE = Headed(HEAD)
found, fields = CODE.found, CODE.fields


def errors(one: Found) -> dict[str, str]:
    return {lost.what: lost.why for lost in one.losses if lost.severity == "error"}


def test_literals_and_their_place() -> None:
    """A call of literals is what it says, at its line and column."""
    (one,) = found(
        """
        assistant = client.beta.assistants.create(
            name="Tutor",
            instructions="You are " "a tutor.",
            tools=[{"type": "code_interpreter"}, {"type": "function", "function": {"name": "f"}}],
            model="gpt-4o",
            temperature=0.2,
        )
        """
    )
    assert one.fields == {
        "name": "Tutor",
        "instructions": "You are a tutor.",
        "tools": [{"type": "code_interpreter"}, {"type": "function", "name": "f"}],
        "model": "gpt-4o",
        "temperature": 0.2,
    }
    assert (one.origin.line, one.origin.column) == (5, 13)
    assert not one.losses and not one.variables


def test_constants_by_position() -> None:
    """A name is what it stood for where it was used, not what it became later."""
    made = found(
        """
        MODEL = "gpt-4o"
        TOOLS = [{"type": "code_interpreter"}]
        client.beta.assistants.create(model=MODEL, tools=TOOLS, name="a" + "-" + MODEL)
        MODEL = "gpt-4.1"
        base = {"model": MODEL, "top_p": 0.5}
        base["temperature"] = 1
        TOOLS.append({"type": "file_search"})
        client.beta.assistants.create(**base, tools=TOOLS, name=f"b {MODEL}")
        """
    )
    assert [one.fields["model"] for one in made] == ["gpt-4o", "gpt-4.1"]
    assert [one.fields["name"] for one in made] == ["a-gpt-4o", "b gpt-4.1"]
    assert made[1].fields["temperature"] == 1
    assert len(made[1].fields["tools"]) == 2


def test_loops_over_literals() -> None:
    """A list of settings that is gone through makes one assistant each."""
    made = found(
        """
        CONFIGS = [{"name": "a", "model": "m"}, {"name": "b", "model": "n"}]
        for config in CONFIGS:
            client.beta.assistants.create(**config)
        for name, text in {"c": "C", "d": "D"}.items():
            client.beta.assistants.create(name=name, instructions=text, model="m")
        rest = [client.beta.assistants.create(name=n, model="m") for n in ("e", "f")]
        """
    )
    assert [one.name for one in made] == ["a", "b", "c", "d", "e", "f"]


def test_the_environment_keeps_its_default() -> None:
    """What the environment says becomes a variable, with the default where the code has one."""
    (one,) = found(
        """
        client.beta.assistants.create(
            model=os.environ.get("MODEL", "gpt-4o"),
            name=os.environ["BOT_NAME"],
            description=os.getenv("ABOUT") or "none",
        )
        """
    )
    assert one.fields["model"] == "${var.model}"
    assert one.variables == {"model": "gpt-4o", "bot_name": None, "about": "none"}
    assert errors(one).keys() == {"name"}
    assert "line 7" in errors(one)["name"]


def test_stores_and_files_made_just_before() -> None:
    """Ids of a run become references to what the code made."""
    text = """
    store = client.vector_stores.create(name="KB")
    one = client.files.create(file=open("docs/a.md", "rb"), purpose="assistants")
    client.vector_stores.files.create(vector_store_id=store.id, file_id=one.id)
    streams = [open(path, "rb") for path in ["docs/b.md", "docs/c.md"]]
    client.vector_stores.file_batches.upload_and_poll(vector_store_id=store.id, files=streams)
    client.beta.assistants.create(
        model="m",
        tools=[{"type": "file_search"}, {"type": "code_interpreter"}],
        tool_resources={
            "file_search": {"vector_store_ids": [store.id]},
            "code_interpreter": {"file_ids": [one.id]},
        },
    )
    """
    (store,) = found(text, "vector_store")
    assert store.fields == {
        "name": "KB",
        "files": ["file.docs/a.md", "file.docs/b.md", "file.docs/c.md"],
    }
    (one,) = found(text)
    assert one.fields["tools"] == [
        {"type": "file_search", "vector_stores": [{"id": store.id}]},
        {"type": "code_interpreter", "files": ["file.docs/a.md"]},
    ]


def test_helpers_go_by_their_call_sites() -> None:
    """A function with parameters is what its callers give it; without callers each parameter is a
    variable with its place.
    """
    helper = """
    def make(name, model="gpt-4o", text=None):
        return client.beta.assistants.create(name=name, model=model, instructions=text)
    """
    calls = """
    make("a")
    make("b", text="B")
    """
    made = found(textwrap.dedent(helper) + textwrap.dedent(calls))
    assert [(one.name, one.fields["instructions"]) for one in made] == [("a", None), ("b", "B")]
    (alone,) = found(helper)
    assert alone.variables == {"name": None}
    assert alone.fields["model"] == "gpt-4o"
    assert "line 5" in errors(alone)["name"]


def test_classes_and_branches() -> None:
    """Attributes of a class are followed; what branches leave different is unknown."""
    (one,) = found(
        """
        class Bot:
            MODEL = "gpt-4o"
            def __init__(self, key):
                self.client = OpenAI(api_key=key)
                if key:
                    text = "a"
                else:
                    text = "b"
                self.bot = self.client.beta.assistants.create(model=self.MODEL, name="x", instructions=text)
        """
    )
    assert one.fields == {"model": "gpt-4o", "name": "x", "instructions": "${var.text}"}


def test_branches_that_only_look_alike() -> None:
    """`True` in one and 1 in the other is not the same value."""
    (one,) = found(
        """
        if key:
            count = True
        else:
            count = 1
        client.beta.assistants.create(model="gpt-4o", name="x", temperature=count)
        """
    )
    assert one.fields["temperature"] == "${var.count}"
    (one,) = found(
        """
        count = True if key() else 1
        client.beta.assistants.create(model="gpt-4o", name="x", temperature=count)
        """
    )
    assert isinstance(one.fields["temperature"], str)


def test_texts_beside_the_source(tmp_path: Path) -> None:
    """Texts and modules inside the folder are read as text; what lies outside is not."""
    (tmp_path / "src" / "prompts").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "src" / "prompts" / "a.md").write_text("Text A")
    (tmp_path / "src" / "texts.py").write_text("raise SystemExit\nTEXT = 'Text B'\n")
    (tmp_path / "src" / "bots.py").write_text(
        HEAD
        + textwrap.dedent(
            """
            from pathlib import Path
            from .texts import TEXT
            HERE = Path(__file__).resolve().parent
            with open("prompts/a.md") as f:
                first = f.read().strip()
            for text in (first, TEXT, (HERE / "prompts" / "a.md").read_text(), open("../secret.txt").read()):
                client.beta.assistants.create(model="m", instructions=text)
            """
        )
    )
    texts = [one.fields["instructions"] for one in read_sources(tmp_path / "src", tmp_path).found]
    assert texts == ["Text A", "Text B", "${var.secret}"]


def test_text_with_places() -> None:
    """f-strings and `format` keep their text; places become variables, and it says so."""
    (one,) = found(
        """
        client.beta.assistants.create(
            model="m", name="Hi {who}".format(who=get_who()), instructions=f"Today {now()} in {user.city}."
        )
        """
    )
    assert one.fields["instructions"] == "Today ${var.now} in ${var.city}."
    assert one.fields["name"] == "Hi ${var.get_who}"
    assert set(one.variables) == {"now", "city", "get_who"}


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ('"{} {b} {0} {{c}}".format("x", b=2)', "x 2 x {c}"),
        ('"{} {}".format("x", who)', "x ${var.who}"),
        ('"{a} {b}".format(a=[who], b=f"{who}!")', "${var.a} ${var.who}!"),
        ('"{a:>9}".format(a="x")', "${var.a}"),
        ('"{} {c".format("x")', "${var.instructions}"),
    ],
)
def test_text_that_is_formatted(call: str, text: str) -> None:
    """Places are filled by number and name; what only a run would fill in is a variable."""
    (one,) = found(f'client.beta.assistants.create(model="m", instructions={call})')
    assert one.fields["instructions"] == text


def test_values_as_json() -> None:
    """A value that code prints as JSON is that text, as a run would have it."""
    (one,) = found(
        """
        import json
        BODY = {"a": [1, None], "b": "ü"}
        client.beta.assistants.create(
            model="m", instructions=json.dumps(BODY, indent=1), metadata={"a": json.dumps(BODY)}
        )
        """
    )
    assert one.fields["instructions"] == '{\n "a": [\n  1,\n  null\n ],\n "b": "\\u00fc"\n}'
    assert one.fields["metadata"] == {"a": '{"a": [1, null], "b": "\\u00fc"}'}


def test_keys_that_are_no_literals() -> None:
    """A key that only a run would tell is not taken for its own code."""
    (one,) = found(
        'client.beta.assistants.create(model="m", metadata={KEY: "a", f"{KEY}x": "b", 5: "c"})'
    )
    assert one.fields["metadata"] == {"5": "c"}
    assert [lost.severity for lost in one.losses] == ["error", "error"]


def test_classes_under_another_name() -> None:
    """`Agent` is known by its import, whatever it is called here."""
    findings = read(
        """
        from agents import Agent as Ours
        from crewai import Agent as Theirs
        Ours(name="A", instructions="x", model="m")
        Theirs(name="B", instructions="y", model="m")
        """
    )
    assert [one.name for one in findings.found] == ["A"]
    (problem,) = findings.problems
    assert "it comes from `crewai`" in problem.detail


def test_what_is_no_literal_is_named() -> None:
    """Tools that only a run makes are lost with their place."""
    (one,) = found(
        """
        client.beta.assistants.create(model="m", tools=load_tools(), metadata=meta, **extra)
        """
    )
    assert one.fields == {"model": "m"}
    assert errors(one).keys() == {"tools", "metadata", '["**extra"]'}
    assert "load_tools()" in errors(one)["tools"]


def test_responses() -> None:
    """A request with instructions is an assistant; its input is a loss; one without says nothing."""
    (one,) = found(
        """
        r = client.responses.create(model="gpt-4o", instructions="Be brief.", input="hello", store=False)
        client.responses.create(model="gpt-4o", input="hello")
        """
    )
    assert one.fields == {
        "model": "gpt-4o",
        "instructions": "Be brief.",
        "responses": {"store": False},
    }
    assert [lost.what for lost in one.losses] == ["input"]


def test_agents_of_the_sdk() -> None:
    """What Agent Builder exports: agents, hosted tools, settings, instructions over state."""
    findings = read(
        SDK
        + textwrap.dedent(
            '''
            from pydantic import BaseModel
            from agents import RunContextWrapper, Runner
            file_search = FileSearchTool(vector_store_ids=["vs_1"], max_num_results=3)
            class Schema(BaseModel):
                label: str
            @function_tool
            def weather(city: str, days: int = 1) -> str:
                """Weather of a city."""
                raise SystemExit
            def triage_instructions(run_context: RunContextWrapper, _agent):
                city = run_context.context.city
                return f"""Help people in {city}."""
            triage = Agent(
                name="Triage", instructions=triage_instructions, model="gpt-4.1",
                tools=[file_search, weather, WebSearchTool(search_context_size="low")],
                output_type=Schema, handoffs=[other],
                model_settings=ModelSettings(temperature=0.5, max_tokens=100, store=True),
            )
            async def run_workflow(x):
                if x:
                    await Runner.run(triage, x)
            '''
        )
    )
    assert not findings.problems
    (one,) = findings.found
    assert one.fields == {
        "name": "Triage",
        "model": "gpt-4.1",
        "instructions": "Help people in ${var.city}.",
        "temperature": 0.5,
        "responses": {"max_output_tokens": 100, "store": True},
        "tools": [
            {"type": "file_search", "max_num_results": 3, "vector_stores": [{"id": "vs_1"}]},
            {
                "type": "function",
                "name": "weather",
                "description": "Weather of a city.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "city": {"type": "string"},
                        "days": {"type": "integer", "default": 1},
                    },
                    "required": ["city", "days"],
                    "additionalProperties": False,
                },
                "strict": True,
            },
            {"type": "web_search", "search_context_size": "low"},
        ],
        "response_format": {
            "type": "json_schema",
            "name": "Schema",
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {"label": {"type": "string"}},
                "required": ["label"],
                "additionalProperties": False,
            },
        },
    }
    lost = {loss.what for loss in one.losses}
    assert {"instructions", "output_type", "handoffs[0]"} <= lost
    assert [loss.what for loss in findings.losses] == ["if x"]


@pytest.mark.parametrize("module", ["crewai", "pydantic_ai"])
def test_agents_of_other_libraries(module: str) -> None:
    """The import line decides whose `Agent` it is; another one is refused by name."""
    findings = read(f"from {module} import Agent\nx = Agent(name='a', instructions='b')\n")
    assert not findings.found
    assert module in findings.problems[0].detail


def test_deployments_on_azure() -> None:
    """A deployment's name is not a model: a variable maps it, and somebody has to give it a value.
    What another client of the same file makes has a model.
    """
    findings = read(
        "from openai import AzureOpenAI, OpenAI\nc = AzureOpenAI()\nd = OpenAI()\n"
        "e = OpenAI(base_url='https://x.openai.azure.com/openai/v1/')\n"
        "c.beta.assistants.create(model='my-gpt4', name='x')\n"
        "d.beta.assistants.create(model='gpt-4o', name='y')\n"
        "e.beta.assistants.create(model='my-gpt4', name='z')\n"
    )
    first, second, third = findings.found
    assert errors(first).keys() == errors(third).keys() == {"model"}
    assert "`model_my_gpt4`" in errors(first)["model"]
    assert first.fields["model"] == third.fields["model"] == "${var.model_my_gpt4}"
    assert first.variables == {"model_my_gpt4": None}
    assert second.fields["model"] == "gpt-4o"


def test_code_that_would_do_harm(tmp_path: Path) -> None:
    """Nothing is run."""
    bomb = tmp_path / "bomb"
    text = HEAD + f"open({str(bomb)!r}, 'w').write('x')\nos.system('touch {bomb}')\n"
    text += "__import__('os').abort()\nclient.beta.assistants.create(model='m', name=eval('1'))\n"
    assert read(text).found[0].variables == {"eval": None}
    assert not bomb.exists()


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "def (:\n",
        HEAD + "x = " + "(" * 5000 + ")" * 5000,
        HEAD + "x = " + "+".join(["'a'"] * 20000) + "\nclient.beta.assistants.create(name=x)",
        HEAD + "d = {}\nd['d'] = d\nclient.beta.assistants.create(metadata=d)",
        HEAD
        + "a = ['x']\n"
        + "a = [a, a]\n" * 40
        + "client.beta.assistants.create(model='m', metadata={'a': a})",
        HEAD + "s = 'xxxxxxxx'\n" + "s = s + s\n" * 60 + "client.beta.assistants.create(name=s)",
        HEAD
        + "def f0(n):\n    return n\n"
        + "".join(f"def f{i}(n):\n" + f"    f{i - 1}(n)\n" * 8 for i in range(1, 12))
        + "f11(1)\n",
    ],
)
def test_hostile_code(text: str) -> None:
    """Deep, endless and broken code is a problem with its place, soon."""
    findings = read_sources(text.encode())
    assert [problem.summary for problem in findings.problems] == ["Not readable"]
    assert findings.problems[0].line


def test_names_of_variables() -> None:
    """The same code is the same variable; other code of that name gets another one; a text that has
    such a place already is not mistaken for one.
    """
    made = found(
        """
        client.beta.assistants.create(model=cfg.model, name=cfg.model)
        client.beta.assistants.create(model=other.model, instructions="${var.model_2}")
        """
    )
    assert [one.fields["model"] for one in made] == ["${var.model}", "${var.model_3}"]


def test_what_agents_have_besides() -> None:
    """Other agents, tools and settings that no spec has are named; none of them leaves a variable
    behind that nothing uses.
    """
    head = "from agents import Agent, HostedMCPTool, ModelSettings, ShellTool, handoff\n"
    text = """
    other = Agent(name="Other", model="m", instructions="x")
    Agent(name="a", model=OpenAIChatCompletionsModel(model="gpt-4o", openai_client=client),
        instructions=prompt_with_handoff_instructions("Be kind."),
        handoffs=[handoff(other)], mcp_servers=[Server(url)], capabilities=[Shell()],
        model_settings=ModelSettings(tool_choice="find"),
        tools=[other.as_tool(tool_name="t"), ShellTool(run=shell),
               HostedMCPTool(tool_config={"type": "mcp", "server_label": "l", "server_url": "u"},
                             on_approval_request=lambda x: True)])
    """
    findings = read(head + textwrap.dedent(text))
    one = findings.found[1]
    tools = [{"type": "shell"}, {"type": "mcp", "server_label": "l", "server_url": "u"}]
    assert one.fields == {
        "name": "a",
        "model": "gpt-4o",
        "instructions": "Be kind.",
        "tools": tools,
    }
    assert not one.variables
    lost = {loss.what for loss in one.losses}
    assert {"handoffs[0]", "mcp_servers[0]", "model_settings.tool_choice", "tools[0]"} <= lost
    assert any(what.startswith("capabilities") for what in lost)
    assert any(what.endswith("on_approval_request") for what in lost)
    assert not errors(one)
    assert any(loss.what.startswith("ShellTool(") for loss in findings.losses)


def test_agents_in_a_sandbox() -> None:
    """Every module of the Agents SDK is OpenAI's."""
    text = "from agents.sandbox import SandboxAgent\nSandboxAgent(name='a', model='m')\n"
    assert read(text).found[0].fields == {"name": "a", "model": "m"}


def test_requests_by_hand() -> None:
    """A request that is sent without OpenAI's library says what a call would."""
    sent = "{'name': 'a', 'model': 'm'}"
    for call in (
        f"requests.post('https://api.openai.com/v1/assistants', headers=h, json={sent})",
        f"url = 'https://api.openai.com/v1/assistants'\nhttpx.post(url, json={sent})",
    ):
        assert read(f"import requests\n{call}\n").found[0].fields == {"name": "a", "model": "m"}
    script = (
        "const r = await fetch('https://api.openai.com/v1/assistants', "
        f"{{ method: 'POST', body: JSON.stringify({sent}) }});"
    )
    assert read(script).found[0].fields == {"name": "a", "model": "m"}


def test_what_an_expression_is_for() -> None:
    """A variable for more than a name is called after its field; what wraps it counts for nothing."""
    (one,) = found(
        """
        def make(x, data):
            client.beta.assistants.create(
                name="big" if x else None, model="m", instructions=f"See {json.dumps(data['rules'])}.")
        """
    )
    assert one.variables == {"name": None, "rules": None}
    assert one.fields["instructions"] == "See ${var.rules}."


def test_helpers_that_pass_everything_on() -> None:
    """`**kwargs` is what a caller gives by name, with what the helper adds."""
    text = """
    def make(kind, **kwargs):
        kwargs.setdefault("model", "gpt-4o")
        return client.beta.assistants.create(**kwargs)
    make("x", name="a", instructions="b")
    """
    assert fields(text) == {"name": "a", "instructions": "b", "model": "gpt-4o"}


def test_what_is_changed_after_it_was_made() -> None:
    """A store that is given to an assistant later belongs to it from the start."""
    text = """
    bot = client.beta.assistants.create(name="a", model="m", tools=[{"type": "file_search"}])
    store = client.vector_stores.create(name="KB")
    client.beta.assistants.update(
        assistant_id=bot.id, tool_resources={"file_search": {"vector_store_ids": [store.id]}})
    """
    (store,) = found(text, "vector_store")
    assert fields(text)["tools"] == [{"type": "file_search", "vector_stores": [{"id": store.id}]}]
