"""What exists at a service becomes specs and a lock, in one command, and the plan after it is
empty.
"""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from tests.e2e.middleware import Json, Odd
from tests.support.injecting import Change, Meanwhile
from tests.support.world import World

SPEC = "specs/imported.yaml"
FIND = {"type": "function", "function": {"name": "find", "description": "Finds"}}


def assistant(world: World, name: str | None, **fields: Any) -> str:
    body = {"model": "gpt-4o", "name": name, **fields}
    return str(world.http("POST", "/assistants", body)["id"])


def store_of(world: World, name: str, *files: str) -> str:
    store = str(world.http("POST", "/vector_stores", {"name": name})["id"])
    for file in files:
        world.http("POST", f"/vector_stores/{store}/files", {"file_id": file})
    return store


def spec(world: World) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((world.root / SPEC).read_text(encoding="utf-8"))
    return found


def writes(world: World) -> list[tuple[str, str]]:
    return [call for call in world.calls if call[0] != "GET"]


def tree(root: Path) -> dict[str, bytes]:
    """Every file of the workspace that an author sees."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".provisioner" not in path.parts
    }


def test_everything_into_an_empty_folder(world: World) -> None:
    """Specs, lock and stamps; what the command says of itself a plan says as well; a second time
    there is nothing to do, and nothing changes.
    """
    handbook = store_of(world, "Handbook", world.upload("leave.md", b"Thirty days.\n"))
    search = {"file_search": {"vector_store_ids": [handbook]}}
    text = "Be kind.\n" * 100
    tools = [{"type": "file_search"}, FIND]
    assistant(world, "Support", instructions=text, tools=tools, tool_resources=search)
    assistant(world, "Sales", tools=[FIND], temperature=0.2, metadata={"team": "true"})
    said = world.ok("import", "--all", "-y").out
    assert "Apply complete! Resources: 3 imported." in said
    assert said.endswith("is empty: the specs say what the service has.\n")
    world.settled()
    world.ok("fmt", "--check")
    found = spec(world)
    assert "imports" not in found
    assert found["assistants"]["support"]["tools"] == [
        {"type": "file_search", "vector_stores": ["handbook"]},
        {"use": "find"},
    ]
    assert (world.root / "specs/prompts/support.md").read_text() == text
    assert world.http("GET", "/assistants/${assistant.sales}")["metadata"]["provisioner"]
    before, lock = tree(world.root), world.lock()
    assert world.ok("import", "--all", "-y").out == "Nothing to import.\n"
    assert (tree(world.root), world.lock()) == (before, lock)


@pytest.mark.parametrize("fields", [{}, {"description": "Short.", "temperature": 0}])
def test_names_that_yaml_has_words_for(world: World, fields: dict[str, Any]) -> None:
    """They are written in quotes, whether what is below stands on one line or on several."""
    names = ["Null", "Yes", "no", "ON", "off", "True", "false", "y", "N"]
    for name in names:
        assistant(world, name, **fields)
    world.ok("import", "--all", "-y")
    assert spec(world)["assistants"].keys() == {name.lower() for name in names}
    world.settled()
    world.ok("fmt", "--check")


def test_nothing_is_done_without_a_yes(world: World) -> None:
    """The specs are written, with `imports`, for a pull request; `apply` or the same command takes
    the rest from there.
    """
    id = assistant(world, "Support")
    said = world.ok("import", "--all", code=1).err
    assert "--auto-approve" in said and "The specs are written" in said and writes(world) == []
    assert spec(world)["imports"] == [{"to": "assistant.support", "id": id}]
    assert "Plan: 1 to import." in world.ok("plan").out
    world.ok("import", "--all", "-y")
    assert "imports" not in spec(world)
    world.settled()


def test_objects_can_stay_as_they_are(world: World) -> None:
    """With `--no-stamp` only the lock learns of them, documents included."""
    world.write({"docs/leave.md": "Thirty days.\n"})
    (world.root / "docs/out.md").symlink_to("/etc/hostname")
    store_of(world, "Handbook", world.upload("leave.md", b"Thirty days.\n"))
    assistant(world, "Support")
    said = world.ok("import", "--all", "--no-stamp", "--files", str(world.root)).err
    assert writes(world) == [] and "does not keep our stamp" not in said
    assert world.lock()["resources"].keys() == {
        "assistant.support",
        "file.docs/leave.md",
        "vector_store.handbook",
    }
    world.settled()


def test_sixteen_pairs_leave_no_room(world: World) -> None:
    """Such an object is named, and taken over without our stamp."""
    pairs = {f"key{at:02}": "v" for at in range(16)}
    id = assistant(world, "Full", metadata=pairs)
    said = world.ok("import", "--all", "-y").err
    assert f"`{id}` has 16 pairs" in said and "(not in the spec: `metadata.key15`)" in said
    assert world.http("GET", f"/assistants/{id}")["metadata"] == pairs
    world.settled()


def test_what_others_have_stamped_stays_theirs(world: World) -> None:
    """It is named with its stamp, neither written nor taken over."""
    stamp = "other/prod/assistant.theirs#12345678.4"
    id = assistant(world, "Theirs", metadata={"provisioner": stamp})
    found = world.ok("import", "--all", "-y")
    assert found.out == "Nothing to import.\n"
    assert f"`{id}` carries the stamp `{stamp}`" in found.err
    assert stamp in world.ok("import", "assistant.mine", id, "-y", code=1).err
    assert tree(world.root) == {} and writes(world) == []


def test_stamps_of_a_lost_lock_are_not_taken_over(world: World) -> None:
    """As in every plan: the lock has to be made again."""
    stamp = f"{world.root.name}/local/assistant.support#12345678.4"
    assistant(world, "Support", metadata={"provisioner": stamp})
    assert "state rebuild" in world.ok("import", "--all", "-y", code=1).err
    assert tree(world.root) == {}


def test_one_object(world: World) -> None:
    """At the address that is asked for, beside specs that there are, whose edits wait for an
    apply.
    """
    one, other = assistant(world, "Support", temperature=0.5), assistant(world, "Other")
    world.write({"specs/all.yaml": {"assistants": {"new": {"model": "gpt-4o"}}}})
    world.ok("import", "assistant.help_desk", one, "-y")
    assert spec(world)["assistants"] == {
        "help_desk": {"name": "Support", "model": "gpt-4o", "temperature": 0.5}
    }
    assert world.changes() == {"assistant.new": "create"}
    world.write({"specs/all.yaml": {"assistants": {"new": {"model": "gpt-4o", "name": "Other"}}}})
    world.ok("import", "assistant.new", other, "-y")
    world.settled()
    assert world.ok("import", "assistant.new", other).out == "Nothing to import.\n"
    assert "in the lock" in world.ok("import", "assistant.third", other, code=1).err


@pytest.mark.parametrize(
    "words",
    [
        ("import",),
        ("import", "assistant.support"),
        ("import", "assistant.support", "asst_1", "--all"),
        ("import", "assistant.Support", "asst_1"),
        ("import", "tool.find", "asst_1"),
        ("import", "nothing.find", "asst_1"),
        ("import", "assistant.support", "asst_none"),
        ("import", "assistant.support", "../files"),
        ("import", "--all", "--kind", "assitant"),
        ("import", "--all", "--into", "../outside.yaml"),
        ("import", "--all", "--into", "docs/outside.yaml"),
        ("import", "--all", "--into", "specs/.hidden.yaml"),
        ("import", "--all", "--into", "specs/.hidden/a.yaml"),
        ("import", "assistant.support", "asst_1", "--kind", "assistant"),
        ("import", "assistant.support", "asst_1", "--match", "Sup*"),
        ("import", "--all", "--files", "/"),
    ],
)
def test_what_cannot_be(world: World, words: tuple[str, ...]) -> None:
    """Each in a problem with a way out, and nothing is written."""
    said = world.ok(*words, code=1).err
    assert "hint: " in said and "bug" not in said
    assert tree(world.root) == {}


def test_some_of_it(world: World) -> None:
    """One kind, names of one pattern, into a file of its own."""
    for name in ("Support DE", "Support EN", "Sales"):
        assistant(world, name)
    store_of(world, "Support")
    into = str(world.root / "specs/desk.yaml")
    words = ("--kind", "assistants", "--match", "support*", "--into", into)
    world.ok("import", "--all", "-y", *words)
    assert world.lock()["resources"].keys() == {"assistant.support_de", "assistant.support_en"}
    world.ok("import", "--all", "-y", "--into", into)
    written = (world.root / "specs/desk.yaml").read_text()
    assert len(world.lock()["resources"]) == 4 and "\n  sales: " in written
    world.settled()
    world.ok("fmt", "--check")


def test_as_a_document(world: World) -> None:
    """With `--json` there is one."""
    id = assistant(world, "Support")
    assert world.ok("import", "--all", "-y", "--json").json == {
        "imported": {"assistant.support": id},
        "written": [SPEC],
        "remarks": [],
        "plan_is_empty": True,
    }


def test_under_responses_there_are_stores(world: World) -> None:
    """An assistant is no object there."""
    id = assistant(world, "Support")
    store_of(world, "Handbook")
    config = {"environments": {"local": {"service": "local", "api": "responses"}}}
    world.write({"provisioner.yaml": config})
    world.ok("import", "--all", "-y")
    assert spec(world) == {"vector_stores": {"handbook": {"name": "Handbook"}}}
    assert "responses" in world.ok("import", "assistant.support", id, "-y", code=1).err


def documents(world: World, count: int) -> None:
    """A store of documents that a script has filled, with the same files on disk."""
    texts = {f"doc{at:02}.md": f"# Page {at}\n\nText {at}.\n" for at in range(count)}
    ids = [world.upload(name, text.encode()) for name, text in texts.items()]
    store_of(world, "Handbook", *ids)
    world.write({f"docs/{name}": text for name, text in texts.items()})


def test_a_filled_store(world: World) -> None:
    """No upload, every member; where files were changed on disk, as many replacements."""
    documents(world, 9)
    changed = {"docs/doc00.md": "# Page 0\n\nOther.\n", "docs/doc01.md": "# Page 9\n\nText 1.\n"}
    world.write(changed)
    said = world.ok("import", "--all", "-y", "--files", str(world.root / "docs")).out
    assert "10 imported, 2 replaced" in said
    assert world.calls.count(("POST", "/files")) == 2
    assert len(world.listed("/vector_stores/${vector_store.handbook}/files")) == 9
    assert spec(world)["vector_stores"]["handbook"]["files"][0] == "docs/doc00.md"
    world.settled()


def test_one_document_uploaded_again(world: World) -> None:
    """Each store keeps its own of two uploads of one file, and one that is in no store is not taken
    over beside them: begun and not approved, gone on with, and a second time, it is the same.
    """
    world.write({"docs/a.md": "# A\n"})
    loose, first, second = (world.upload("a.md", b"# A\n") for _ in range(3))
    store_of(world, "First", first)
    store_of(world, "Second", second)
    words = ("import", "--all", "--files", str(world.root / "docs"))
    world.ok(*words, code=1)
    begun = tree(world.root)
    said = world.ok(*words, code=1).err
    assert tree(world.root) == begun and "1 file is in nothing that" in said
    assert f"`{loose}`" in said and "kept by its id" not in said
    world.ok(*words, "-y")
    world.settled()
    done = tree(world.root)
    assert world.ok(*words, "-y").out == "Nothing to import.\n"
    assert tree(world.root) == done
    assert ("POST", "/files") not in world.calls
    assert loose not in str(world.lock())


def test_edits_while_it_works(world: World) -> None:
    """What is written is one version or the other, and nobody's edit is undone."""
    ids = [assistant(world, name, temperature=0.5) for name in ("One", "Two")]
    edits = iter(
        [
            ("POST", f"/assistants/{ids[0]}", {"temperature": 0.9}),
            ("DELETE", f"/assistants/{ids[1]}"),
        ]
    )

    def edit(method: str, path: str) -> None:
        """After the specs are written, before the plan is made."""
        if (method, path) == ("GET", f"/assistants/{ids[0]}") and (one := next(edits, None)):
            somebody = Thread(target=world.http, args=one)
            somebody.start()
            somebody.join()

    with world.behind(Meanwhile(before=edit)):
        said = world.ok("import", "--all", "-y")
    assert "to change" not in said.out
    assert spec(world)["assistants"] == {
        "one": {"name": "One", "model": "gpt-4o", "temperature": 0.9}
    }
    assert world.http("GET", f"/assistants/{ids[0]}")["temperature"] == 0.9
    world.settled()


def test_a_spec_that_an_editor_saves_meanwhile(world: World) -> None:
    """What it says then is never written over: nothing is taken over until the next run."""
    assistant(world, "Support")
    saved = {"assistants": {"support": {"model": "gpt-4.1"}}}

    def save(_method: str, path: str) -> None:
        if path == "/assistants":
            world.write({SPEC: saved})

    with world.behind(Meanwhile(before=save)):
        assert "changed it just now" in world.ok("import", "--all", "-y", code=1).err
    assert spec(world) == saved and writes(world) == []
    world.ok("import", "--all", "-y")
    assert spec(world)["assistants"].keys() == {"support", "support_2"}


def test_texts_without_local_files(world: World) -> None:
    """What the service has read is kept beside, marked as that; a name leads nowhere else, and what
    is there is not asked for again.
    """
    names = ("leave.md", "../../../leave.md", "travel.md")
    ids = [world.upload(name, f"# {at}\n".encode()) for at, name in enumerate(names)]
    store_of(world, "Handbook", *ids)
    assert "3 texts in `extracted/`" in world.ok("import", "--all", "-y", "--download").err
    found = {path.name for path in (world.root / "extracted/handbook").iterdir()}
    twins = {f"leave.md.{id[-8:]}.extracted.txt" for id in ids[:2]}
    assert found == {*twins, "travel.md.extracted.txt"}
    assert (world.root / "extracted/handbook/travel.md.extracted.txt").read_text() == "# 2\n"
    world.settled()
    world.calls.clear()
    assert "0 texts" in world.ok("import", "--all", "-y", "--download").err
    assert not any(path.endswith("/content") for _, path in world.calls)


def test_a_file(world: World) -> None:
    """At the path of a local file, which has to be there."""
    id = world.upload("sales.csv", b"a,b\n", "user_data")
    assert "no file" in world.ok("import", "file.data/sales.csv", id, "-y", code=1).err
    assert tree(world.root) == {}
    world.write({"data/sales.csv": "a,b\n"})
    world.ok("import", "file.data/sales.csv", id, "-y")
    assert spec(world) == {"files": {"sales": {"path": "data/sales.csv", "purpose": "user_data"}}}
    assert world.calls.count(("POST", "/files")) == 0
    world.settled()


def test_nothing_is_written_through_a_link(world: World, tmp_path: Path) -> None:
    """A link that leads out of the workspace is a problem, and its end stays as it is."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside.md"
    (world.root / "specs/prompts").mkdir(parents=True)
    (world.root / "specs/prompts/support.md").symlink_to(outside)
    assistant(world, "Support", instructions="Be kind.\n" * 100)
    assert "leads out" in world.ok("import", "--all", "-y", code=1).err
    assert not outside.exists() and writes(world) == []


@pytest.mark.parametrize(
    "text",
    ["assistants: {}\n", "assistants:\n", "imports: []\n", "{assistants: {a: {model: gpt-4o}}}\n"],
)
def test_into_a_spec_that_says_little(world: World, text: str) -> None:
    """A section that is empty is filled, and none stands there twice."""
    assistant(world, "Support")
    world.write({SPEC: text})
    world.ok("import", "--all", "-y")
    assert spec(world)["assistants"]["support"] == {"name": "Support", "model": "gpt-4o"}
    world.ok("validate")


@pytest.mark.parametrize("in_the_way", ["specs/prompts", "specs/prompts/support.md/a.md"])
def test_something_is_in_the_way(world: World, in_the_way: str) -> None:
    """It is said, or another name is taken; nothing is half done."""
    world.write({in_the_way: "x"})
    assistant(world, "Support", instructions="Be kind.\n" * 100)
    result = world.run("import", "--all", "-y")
    if result.code:
        assert "specs/prompts/support.md" in result.err and "is a file" in result.err
        assert list(tree(world.root)) == [in_the_way] and writes(world) == []
    else:
        assert (world.root / "specs/prompts/support_2.md").is_file()


@pytest.mark.parametrize("text", ["", "version https://git-lfs.github.com/spec/v1\noid sha256:a\n"])
def test_a_local_file_that_is_no_document(world: World, text: str) -> None:
    """The document keeps its id, and the rest of the store its paths."""
    documents(world, 2)
    world.write({"docs/doc00.md": text})
    world.ok("import", "--all", "-y", "--files", str(world.root / "docs"))
    files = spec(world)["vector_stores"]["handbook"]["files"]
    assert files[0] == "docs/doc01.md" and list(files[1]) == ["id"]
    world.settled()


@pytest.mark.parametrize("status", [404, 410, 403])
def test_a_kind_that_is_gone(world: World, status: int) -> None:
    """It is said in one line, and the others are taken over."""
    store_of(world, "Handbook")

    def answer(_method: str, path: str, old: int, body: Json) -> tuple[int, Json]:
        return (status, {}) if path.startswith("/assistants") else (old, body)

    with world.behind(Change(lambda app: Odd(app, answer=answer))):
        said = world.ok("import", "--all", "-y").err
        assert said.count("shows no assistants") == 1
        assert "shows no assistants" in world.ok("drift", "--unmanaged").out
    assert list(spec(world)) == ["vector_stores"]


def test_lines_of_one_environment(world: World) -> None:
    """A line that is pasted is of the environment that it was printed for, and no other."""
    local = {"service": "local"}
    environments = {"local": local, "prod": {**local, "lock": "prod.json"}}
    world.write({"provisioner.yaml": {"environments": environments}})
    assistant(world, "Support")
    printed = world.ok("drift", "--unmanaged", "-e", "prod").out
    lines = [line for line in printed.splitlines() if line.startswith("      - {")]
    support = {"assistants": {"support": {"model": "gpt-4o", "name": "Support"}}}
    world.write({SPEC: support})
    with (world.root / SPEC).open("a") as file:
        file.write("\n".join(["imports:", *lines, ""]))
    assert "1 to import" in world.ok("plan", "-e", "prod").out
    assert "1 to add" in world.ok("plan", "-e", "local").out


def test_files_for_other_purposes(world: World) -> None:
    """They are counted, and nobody proposes them."""
    world.upload("batch.jsonl", b'{"a": 1}\n', "batch")
    world.upload("leave.md", b"# Leave\n", "user_data")
    printed = world.ok("drift", "--unmanaged").out
    assert "1 of `batch`" in printed and "batch.jsonl" not in printed and "leave.md" in printed
    assert "1 of `batch`" in world.ok("import", "--all", "-y").err


def test_what_was_left_as_it_was_is_stamped_later(world: World) -> None:
    """The next change of an object that was taken over without a stamp gives it one."""
    id = assistant(world, "Support", temperature=0.2)
    world.ok("import", "--all", "--no-stamp")
    assert not world.http("GET", f"/assistants/{id}")["metadata"]
    text = (world.root / SPEC).read_text(encoding="utf-8")
    world.write({SPEC: text.replace("0.2", "0.9")})
    world.apply()
    assert "assistant.support" in world.http("GET", f"/assistants/{id}")["metadata"]["provisioner"]


def test_one_kind_after_the_other(world: World) -> None:
    """A store that is taken over after the assistant that searches it is still what that names by
    its id: nothing has been edited, and nothing is left to do.
    """
    store = store_of(world, "Handbook")
    search = {"file_search": {"vector_store_ids": [store]}}
    assistant(world, "Support", tools=[{"type": "file_search"}], tool_resources=search)
    world.ok("import", "--all", "--kind", "assistant", "-y")
    world.ok("import", "vector_store.handbook", store, "-y")
    assert "No drift" in world.ok("drift").out
    world.settled()
    world.ok("import", "--all", "-y")
    world.settled()


def test_names_stay(world: World) -> None:
    """What comes later takes nobody's name, whatever it is called."""
    for _ in range(2):
        assistant(world, "Same", temperature=0.2)
    said = world.ok("import", "--all", "-y").err
    assert "`assistant.same`, `assistant.same_2` say the same." in said
    ids = {address: entry["id"] for address, entry in world.lock()["resources"].items()}
    assistant(world, "Same")
    assistant(world, "Same 2")
    world.ok("import", "--all", "-y")
    later = {address: entry["id"] for address, entry in world.lock()["resources"].items()}
    assert later.items() > ids.items() and len(later) == 4
