"""The life of a resource of a kind that nothing but its own file knows."""

from __future__ import annotations

import json

import pytest

from tests.support.world import World

SPEC = """\
vector_stores:
  kb: {files: ["specs/a.md"]}
prompts:
  greeting:
    text: {file: specs/hello.md}
    temperature: 0.5  # calm
    store: kb
    metadata: {team: hr}
"""


@pytest.fixture
def prompts(world: World) -> World:
    """A prompt with a store that is applied."""
    world.write({"specs/all.yaml": SPEC, "specs/hello.md": "Hello\n", "specs/a.md": "# A\n"})
    world.apply()
    return world


def test_declaring(world: World) -> None:
    """Its mistakes are found with their places, and it has a schema and a section."""
    bad = "prompts: {a: {txt: Hello, temperature: 3}, b: {text: {file: no.md}, store: kb}}\n"
    world.write({"specs/all.yaml": bad})
    found = world.ok("validate", code=1).err
    for words in (
        "did you mean `text`?",
        "`prompt.a` has `temperature: 3`; it must be between 0 and 2.",
        "specs/all.yaml:1:61: error: File not found",
        "refers to the vector store `kb`",
    ):
        assert words in found, found
    assert "prompts" in world.ok("schema", "spec").json["properties"]


def test_the_first_apply(world: World) -> None:
    """It is planned, applied after what it refers to, listed, shown, put out and drawn."""
    world.write({"specs/all.yaml": SPEC, "specs/hello.md": "Hello\n", "specs/a.md": "# A\n"})
    planned = world.ok("plan").out
    assert "+ prompt.greeting" in planned and "temperature" in planned
    world.apply()
    entry = world.lock()["resources"]["prompt.greeting"]
    assert entry["depends_on"] == ["vector_store.kb"]
    assert entry["fields"]["store"] == "vector_store.kb"
    live = world.http("GET", "/prompts/${prompt.greeting}")
    assert (live["text"], live["store"]) == ("Hello\n", world.id("vector_store.kb"))
    assert live["metadata"]["team"] == "hr" and "provisioner" in live["metadata"]
    assert "prompt.greeting" in world.ok("state", "list").out
    assert "prompt.greeting" in world.ok("show", "prompt.greeting").out
    assert entry["id"] == world.ok("output", "--json").json["prompt.greeting"]["id"]
    assert "prompt.greeting" in world.ok("graph").out


def test_editing(prompts: World) -> None:
    """A field is updated, a removed one reset, a fixed one makes a new object; what goes is
    deleted.
    """
    edited = SPEC.replace("    temperature: 0.5  # calm\n", "").replace("hr", "it")
    prompts.write({"specs/all.yaml": edited, "specs/hello.md": "Hi\n"})
    assert prompts.changes() == {"prompt.greeting": "update"}
    prompts.apply()
    live = prompts.http("GET", "/prompts/${prompt.greeting}")
    assert (live["text"], live["temperature"], live["metadata"]["team"]) == ("Hi\n", 1.0, "it")
    before = prompts.id("prompt.greeting")
    prompts.write({"specs/all.yaml": edited + "    language: 'no'\n"})
    assert prompts.changes() == {"prompt.greeting": "create/delete"}
    prompts.apply()
    assert prompts.id("prompt.greeting") != before and len(prompts.listed("/prompts")) == 1
    prompts.write({"specs/all.yaml": SPEC[: SPEC.index("prompts:")]})
    prompts.apply()
    assert prompts.listed("/prompts") == []


def test_drift(prompts: World) -> None:
    """Somebody else's edit is reported, and accepted into the spec with its comment kept."""
    prompts.http("POST", "/prompts/${prompt.greeting}", {"temperature": 0.9, "text": "Rude\n"})
    drifted = prompts.ok("drift", "--json", code=2).json["resource_drift"]
    assert [(one["address"], one["drift"]) for one in drifted] == [("prompt.greeting", "remote")]
    prompts.ok("accept")
    assert "temperature: 0.9  # calm" in (prompts.root / "specs/all.yaml").read_text()
    assert (prompts.root / "specs/hello.md").read_text() == "Rude\n"
    prompts.apply()
    prompts.http("DELETE", "/prompts/${prompt.greeting}")
    drifted = prompts.ok("drift", "--json", code=2).json["resource_drift"]
    assert [(one["address"], one["drift"]) for one in drifted] == [("prompt.greeting", "missing")]
    prompts.apply()
    assert len(prompts.listed("/prompts")) == 1


def test_moving(prompts: World) -> None:
    """It keeps its object under a new name, and follows what it refers to."""
    before = prompts.id("prompt.greeting"), prompts.id("vector_store.kb")
    moved = "moved: [{from: prompt.greeting, to: prompt.hello}]\n"
    prompts.write({"specs/all.yaml": SPEC.replace("greeting:", "hello:") + moved})
    prompts.apply()
    prompts.ok("state", "mv", "vector_store.kb", "vector_store.base")
    entry = prompts.lock()["resources"]["prompt.hello"]
    assert entry["depends_on"] == ["vector_store.base"]
    assert entry["fields"]["store"] == "vector_store.base"
    renamed = SPEC.replace("greeting:", "hello:").replace("kb", "base")
    prompts.write({"specs/all.yaml": renamed})
    prompts.apply()
    assert (prompts.id("prompt.hello"), prompts.id("vector_store.base")) == before


def test_a_lost_lock(prompts: World) -> None:
    """Without the lock nothing is made a second time, and `state rebuild` finds it by its stamp."""
    lock = prompts.root / ".provisioner/local/lock.json"
    before = json.loads(lock.read_text())["resources"]["prompt.greeting"]["id"]
    lock.unlink()
    assert "state rebuild" in prompts.ok("plan", code=1).err
    prompts.ok("state", "rebuild")
    assert prompts.id("prompt.greeting") == before
    prompts.apply()
    assert len(prompts.listed("/prompts")) == 1


def test_importing(prompts: World) -> None:
    """One that somebody else made is taken over, and an unmanaged one is listed."""
    made = prompts.http("POST", "/prompts", {"text": "Bye"})["id"]
    unmanaged = prompts.ok("drift", "--unmanaged", "--json").json["unmanaged"]
    assert [(one["kind"], one["id"]) for one in unmanaged] == [("prompt", made)]
    imports = f"  bye: {{text: Bye bye}}\nimports: [{{to: prompt.bye, id: {made}}}]\n"
    prompts.write({"specs/all.yaml": SPEC + imports})
    prompts.apply()
    assert prompts.http("GET", f"/prompts/{made}")["text"] == "Bye bye"


def test_others_who_use_what_goes(prompts: World) -> None:
    """A store that somebody else's prompt names is not deleted."""
    store = prompts.id("vector_store.kb")
    prompts.http("POST", "/prompts", {"text": "Theirs", "store": store})
    prompts.write({"specs/all.yaml": "prompts: {greeting: {text: Hello}}\n"})
    prompts.ok("apply", "-y", "--force")
    assert [one["id"] for one in prompts.listed("/vector_stores")] == [store]


def test_a_lost_reply(prompts: World) -> None:
    """What was made and never reported is found by its stamp."""
    prompts.write({"specs/all.yaml": SPEC + "  bye: {text: Bye}\n"})
    with prompts.failing(
        {
            "match": {"method": "POST", "path": "/v1/prompts"},
            "action": {"status": 500, "when": "after"},
        }
    ):
        prompts.run("apply", "-y")
    prompts.apply()
    assert len(prompts.listed("/prompts")) == 2
