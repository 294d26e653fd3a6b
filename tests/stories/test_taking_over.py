"""What exists is taken over without an upload: files by their id, filled stores document by
document.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.world import World

LEAVE, TRAVEL = "# Leave\n\nThirty days a year.\n", "# Travel\n\nBy train.\n"


def store_of(world: World, name: str, **documents: str) -> str:
    """A store that somebody else made, with files that somebody else uploaded."""
    store = str(world.http("POST", "/vector_stores", {"name": name})["id"])
    for file in documents.values():
        world.http("POST", f"/vector_stores/{store}/files", {"file_id": file})
    return store


def held(world: World, store: str) -> dict[str, dict[str, Any]]:
    return {
        item["id"]: item["attributes"] for item in world.listed(f"/vector_stores/{store}/files")
    }


def spec(store: str, **fields: Any) -> dict[str, Any]:
    return {
        "imports": [{"to": "vector_store.hr", "id": store}],
        "vector_stores": {"hr": {"files": ["docs/**/*.md"], **fields}},
    }


def uploads(world: World) -> int:
    return world.calls.count(("POST", "/files"))


@pytest.fixture
def filled(world: World) -> World:
    """A filled store, and the same documents beside the specs; one of them ends its lines in
    another way.
    """
    world.write({"docs/leave.md": LEAVE, "docs/travel.md": TRAVEL})
    return world


def test_a_filled_store(filled: World) -> None:
    """Every document is paired, compared, stamped with its hash, and nothing is uploaded."""
    leave, travel = (
        filled.upload("leave.md", LEAVE.encode()),
        filled.upload("travel.md", TRAVEL.encode()),
    )
    store = store_of(filled, "HR", a=leave, b=travel)
    filled.write({"specs/all.yaml": spec(store)})
    shown = filled.ok("plan").out
    assert "Plan: 3 to import" in shown and "is in no vector store" not in shown
    assert f"docs/leave.md 29 B (import of {leave})" in shown
    filled.apply()
    assert uploads(filled) == 0
    lock = filled.lock()["resources"]
    assert (lock["file.docs/leave.md"]["id"], lock["file.docs/leave.md"]["made"]) == (leave, False)
    assert "verified" not in lock["file.docs/leave.md"]
    attributes = held(filled, store)
    assert attributes.keys() == {leave, travel}
    assert attributes[leave]["sha256"] == lock["file.docs/leave.md"]["fields"]["sha256"]
    assert attributes[leave]["provisioner"].startswith(f"{filled.root.name}/local/docs/leave.md#")


def test_bytes_that_cannot_be_compared(world: World) -> None:
    """A document whose bytes nobody can read is taken over unverified: our stamp, no hash, no
    upload.
    """
    data = "# Form\n".encode("utf-16")
    world.write({"docs/form.md": data})
    store = store_of(world, "HR", a=world.upload("form.md", data))
    world.write({"specs/all.yaml": spec(store)})
    shown = world.ok("plan").out
    assert "the bytes of `docs/form.md` could not be compared" in shown
    world.apply()
    (attributes,) = held(world, store).values()
    assert "provisioner" in attributes and "sha256" not in attributes
    assert world.lock()["resources"]["file.docs/form.md"]["verified"] is False
    world.write(
        {
            "specs/all.yaml": spec(
                store, files=[{"path": "docs/form.md", "attributes": {"team": "hr"}}]
            )
        }
    )
    world.apply()
    (attributes,) = held(world, store).values()
    assert attributes["team"] == "hr" and "sha256" not in attributes
    world.write({"docs/form.md": "# Form\n"})
    world.apply()
    assert "verified" not in world.lock()["resources"]["file.docs/form.md"]
    assert [sorted(found) for found in held(world, store).values()] == [
        ["provisioner", "sha256", "team"]
    ]


def test_another_text_is_another_version(filled: World) -> None:
    """Name and size are the same, the text is not: the local file is uploaded, and the plan names
    what it deletes.
    """
    other = filled.upload("leave.md", LEAVE.replace("Thirty", "Twenty").encode())
    store = store_of(filled, "HR", a=other)
    filled.write({"specs/all.yaml": spec(store)})
    shown = filled.ok("plan", "--format", "markdown").out
    assert f"`{other}`, which was taken over, is deleted" in shown.replace("\\", "")
    filled.apply()
    assert uploads(filled) == 2
    assert other not in {item["id"] for item in filled.listed("/files")}
    assert len(held(filled, store)) == 2
    assert "made" not in filled.lock()["resources"]["file.docs/leave.md"]


def test_white_space_does_not_count(filled: World) -> None:
    """A service lays out anew what it reads: the same words are the same text."""
    theirs = LEAVE.replace("\n", " ").rstrip() + "\n"
    filled.write({"docs/leave.md": LEAVE.rstrip() + "\n"})
    assert len(theirs) == len(LEAVE)
    store = store_of(filled, "HR", a=filled.upload("leave.md", theirs.encode()))
    filled.write({"specs/all.yaml": spec(store), "docs/travel.md": None})
    filled.apply()
    assert uploads(filled) == 0


@pytest.mark.parametrize("same", [True, False])
def test_several_that_look_the_same(world: World, same: bool) -> None:
    """Documents of one name and size are paired where it does not matter which is which; else they
    are a question.
    """
    texts = {"docs/a/intro.md": "# One\n", "docs/b/intro.md": "# One\n" if same else "# Two\n"}
    world.write(texts)
    first, second = (world.upload("intro.md", text.encode()) for text in texts.values())
    store = store_of(world, "HR", a=first, b=second)
    world.write({"specs/all.yaml": spec(store)})
    if same:
        world.apply()
        assert uploads(world) == 0 and len(held(world, store)) == 2
        return
    result = world.ok("apply", "-y", code=1)
    assert (
        "called `intro.md` and 6 bytes long, which may be `docs/a/intro.md`, `docs/b/intro.md`"
        in result.out
    )
    assert not [call for call in world.calls if call[0] != "GET"]
    named = [
        {"to": "file.docs/a/intro.md", "id": first},
        {"to": "file.docs/b/intro.md", "id": second},
    ]
    found = spec(store)
    world.write({"specs/all.yaml": found | {"imports": [*found["imports"], *named]}})
    world.apply()
    assert uploads(world) == 0
    assert {
        address: entry["id"]
        for address, entry in world.lock()["resources"].items()
        if "intro" in address
    } == {
        "file.docs/a/intro.md": first,
        "file.docs/b/intro.md": second,
    }


@pytest.mark.parametrize("policy", ["keep", "remove", "fail"])
def test_what_cannot_be_paired(filled: World, policy: str) -> None:
    """A document that no local file is follows `other_files`, and the plan says so."""
    stranger = filled.upload("notes.md", b"# Notes\n")
    store = store_of(filled, "HR", a=filled.upload("leave.md", LEAVE.encode()), b=stranger)
    filled.write({"specs/all.yaml": spec(store, other_files=policy)})
    if policy == "fail":
        assert (
            f"holds files that are not declared (`{stranger}`)"
            in filled.ok("apply", "-y", code=1).out
        )
        filled.http("DELETE", f"/vector_stores/{store}/files/{stranger}")
    else:
        shown = filled.ok("plan").out
        assert (f"keeps it (`other_files: keep`): `{stranger}` (`notes.md`)" in shown) == (
            policy == "keep"
        )
    filled.apply()
    assert uploads(filled) == 1  # docs/travel.md, which the store does not have
    assert (stranger in held(filled, store)) == (policy == "keep")
    assert stranger in {item["id"] for item in filled.listed("/files")}


def test_one_path_in_two_stores(filled: World) -> None:
    """Two stores have documents of their own for one path; both stay until the next version, which
    is one for both.
    """
    first, second = (filled.upload("leave.md", LEAVE.encode()) for _ in range(2))
    one, two = store_of(filled, "One", a=first), store_of(filled, "Two", a=second)
    found = {
        "imports": [{"to": "vector_store.one", "id": one}, {"to": "vector_store.two", "id": two}],
        "vector_stores": {"one": {"files": ["docs/leave.md"]}, "two": {"files": ["docs/leave.md"]}},
    }
    filled.write({"specs/all.yaml": found, "docs/travel.md": None})
    filled.apply()
    assert uploads(filled) == 0
    assert (list(held(filled, one)), list(held(filled, two))) == ([first], [second])
    filled.write({"docs/leave.md": "# Leave\n\nForty days.\n"})
    filled.apply()
    assert uploads(filled) == 1
    assert list(held(filled, one)) == list(held(filled, two)) == [filled.id("file.docs/leave.md")]
    assert {item["id"] for item in filled.listed("/files")} == {filled.id("file.docs/leave.md")}


def test_an_imported_file_stays_where_it_is_used(filled: World) -> None:
    """A file is imported by its id; a new version of it leaves the old one to whoever else holds
    it.
    """
    file = filled.upload("leave.md", LEAVE.encode())
    theirs = store_of(filled, "Theirs", a=file)
    found = {
        "imports": [{"to": "file.docs/leave.md", "id": file}],
        "vector_stores": {"hr": {"files": ["docs/leave.md"]}},
    }
    filled.write({"specs/all.yaml": found, "docs/travel.md": None})
    filled.apply()
    assert uploads(filled) == 0 and filled.id("file.docs/leave.md") == file
    filled.write({"docs/leave.md": "# Leave\n\nForty days.\n"})
    filled.apply()
    filled.ok("destroy", "-y")
    assert list(held(filled, theirs)) == [file]
    assert file in {item["id"] for item in filled.listed("/files")}


def test_an_import_of_other_bytes_stays_where_it_is_used(filled: World) -> None:
    """An imported file of another size becomes a new version at once, and the old one stays with
    whoever holds it.
    """
    file = filled.upload("leave.md", b"# Old\n")
    theirs = store_of(filled, "Theirs", a=file)
    found = {
        "imports": [{"to": "file.docs/leave.md", "id": file}],
        "vector_stores": {"hr": {"files": ["docs/leave.md"]}},
    }
    filled.write({"specs/all.yaml": found, "docs/travel.md": None})
    assert "the old one stays, used by the vector store" in filled.ok("plan").out
    filled.apply()
    assert list(held(filled, theirs)) == [file]
    assert filled.lock()["resources"]["file.docs/leave.md"]["deposed"] == [{"id": file}]


def test_an_import_of_other_bytes_stays_with_an_assistant(world: World) -> None:
    """The same where an assistant of theirs uses it, which is listed together with one of ours."""
    file = world.upload("q.csv", b"old\n")
    tools, files = [{"type": "code_interpreter"}], {"code_interpreter": {"file_ids": [file]}}
    theirs = world.http(
        "POST", "/assistants", {"model": "m", "tools": tools, "tool_resources": files}
    )["id"]
    found = {
        "imports": [{"to": "file.data/q.csv", "id": file}],
        "files": {"q": {"path": "data/q.csv"}},
        "assistants": {"ours": {"model": "gpt-4o"}},
    }
    world.write({"specs/all.yaml": found, "data/q.csv": "x,y\n1,2\n"})
    assert f"the old one stays, used by the assistant {theirs}" in world.ok("plan").out.replace(
        "`", ""
    )
    world.apply()
    assert world.http("GET", f"/assistants/{theirs}")["tool_resources"] == files
    assert file in {item["id"] for item in world.listed("/files")}


def test_a_forgotten_store_keeps_its_own_document_alone(filled: World) -> None:
    """Of two documents for one path the forgotten store keeps its own; the other one is replaced
    and deleted.
    """
    declared = {"h": {"files": ["docs/leave.md"]}}
    filled.write({"specs/all.yaml": {"vector_stores": declared}, "docs/travel.md": None})
    filled.apply()
    first, second = filled.id("file.docs/leave.md"), filled.upload("leave.md", LEAVE.encode())
    store = store_of(filled, "X", a=second)
    both = {
        "imports": [{"to": "vector_store.x", "id": store}],
        "vector_stores": {**declared, "x": declared["h"]},
    }
    filled.write({"specs/all.yaml": both})
    filled.apply()
    removed = [{"from": "vector_store.x", "destroy": False}]
    filled.write(
        {
            "specs/all.yaml": {"vector_stores": declared, "removed": removed},
            "docs/leave.md": "# Other\n",
        }
    )
    filled.apply()
    assert list(held(filled, store)) == [second]
    assert {item["id"] for item in filled.listed("/files")} == {
        second,
        filled.id("file.docs/leave.md"),
    }
    assert first != filled.id("file.docs/leave.md")


def test_what_was_taken_over_is_managed(filled: World) -> None:
    """A new version deletes the document that was taken over, and the plan names it; so does a
    removal.
    """
    leave = filled.upload("leave.md", LEAVE.encode())
    travel = filled.upload("travel.md", TRAVEL.encode())
    store = store_of(filled, "HR", a=leave, b=travel)
    filled.write({"specs/all.yaml": spec(store)})
    filled.apply()
    filled.write({"docs/leave.md": LEAVE + "More.\n", "docs/travel.md": None})
    shown = filled.ok("plan", "--format", "markdown").out.replace("\\", "")
    for id in (leave, travel):
        assert f"`{id}`, which was taken over, is deleted" in shown
    filled.apply()
    assert {item["id"] for item in filled.listed("/files")} == {filled.id("file.docs/leave.md")}


def test_a_saved_plan_takes_over_the_same(filled: World) -> None:
    """The pairs are part of the plan: saved, it is applied as it was shown."""
    store = store_of(
        filled,
        "HR",
        a=filled.upload("leave.md", LEAVE.encode()),
        b=filled.upload("travel.md", TRAVEL.encode()),
    )
    filled.write({"specs/all.yaml": spec(store)})
    filled.ok("plan", "--out", "import.plan")
    filled.ok("apply", "import.plan")
    filled.settled()
    assert uploads(filled) == 0
    assert all("sha256" in attributes for attributes in held(filled, store).values())


def test_a_thousand_documents_cost_a_list(world: World, tmp_path: Path) -> None:
    """Pairing needs the lists of files and of the store, and one look at the text of each document;
    nothing else.
    """
    texts = {f"docs/{number}.md": f"# {number}\n" for number in range(20)}
    world.write(texts)
    store = store_of(
        world,
        "HR",
        **{name: world.upload(Path(name).name, text.encode()) for name, text in texts.items()},
    )
    world.write({"specs/all.yaml": spec(store)})
    world.calls.clear()
    world.ok("plan")
    texts_read = [path for _, path in world.calls if path.endswith("/content")]
    assert len(texts_read) == len(set(texts_read)) == 20
    assert len(world.calls) == 20 + 3  # the stores, the files in it, all files
