"""No edit hides behind the end of an object: a plan shows it, says what is lost, and `on_drift:
fail` stops it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.drifting import SPEC, Row, drift, rows
from tests.support.world import World

HEADING = "Changed outside of provisioner since the last apply:\n"
A, KB, A_MD = "assistant.support", "vector_store.kb", "file.docs/a.md"
SUPPORT: dict[str, Any] = SPEC["assistants"]["support"]
ONLY_FILES = {"files": SPEC["files"]}


def said(world: World, *words: str) -> list[str]:
    """What a plan says of what is lost."""
    return [
        row["text"]
        for row in world.plan("--force", *words)["review"]
        if row["section"] == "deletes"
    ]


def stopped(world: World, *words: str) -> str:
    """A plan that fails on drift; the sentence that says so."""
    document = world.run("plan", "--json", "--force", "--on-drift", "fail", *words).json
    (block,) = [row for row in document["blocked"] if row["rule"] == "drift"]
    assert not block["forced"]
    assert world.run("apply", "-y", "--force", "--on-drift", "fail", *words).code == 1
    return str(block["detail"])


def planned(world: World, *words: str) -> list[Row]:
    return rows(world.plan("--force", *words))


def edit(world: World) -> None:
    """Somebody works on everything: an assistant's name, a document's attribute, one taken out and
    one put in.
    """
    world.http("POST", f"/assistants/${{{A}}}", {"name": "Bot"})
    path = f"/vector_stores/${{{KB}}}/files"
    attributes = world.http("GET", f"{path}/${{{A_MD}}}")["attributes"]
    world.http("POST", f"{path}/${{{A_MD}}}", {"attributes": attributes | {"team": "it"}})
    world.http("DELETE", f"{path}/${{file.docs/b.md}}")
    world.http("POST", path, {"file_id": world.upload("theirs.md", b"# Theirs\n")})


def test_an_assistant_that_is_deleted(there: World) -> None:
    """The edit has its heading and its three values, as a drift report has them, and is named as
    lost.
    """
    there.http("POST", f"/assistants/${{{A}}}", {"name": "Bot"})
    there.write({"specs/all.yaml": {key: SPEC[key] for key in ("vector_stores", "files")}})
    assert planned(there) == rows(drift(there)) == [(A, "name", "Support", "Bot", None, "both")]
    assert said(there) == ["deleted", "somebody's edit of `name` is lost with it"]
    shown = there.ok("plan", "--force").out
    assert shown.startswith(
        f'{HEADING}\n  ~ {A}  (no longer in the specs)\n      ~ name: "Support" → "Bot"\n'
    )
    assert (
        stopped(there)
        == f"`{A}` was changed outside of provisioner (`name`), would be deleted, and `on_drift` is"
        " `fail`. If that is meant, use `--on-drift overwrite`."
    )
    there.ok("apply", "-y", "--force", "--on-drift", "overwrite")
    there.settled()


def test_an_assistant_that_moves_to_another_api(there: World) -> None:
    """What the specs still say is undone by the move, and what the new API cannot carry is compared
    all the same.
    """
    there.http("POST", f"/assistants/${{{A}}}", {"name": "Bot", "top_p": 0.5})
    moved = SUPPORT | {
        "api": "responses",
        "metadata": SUPPORT["metadata"] | {"name": "takes the place of the name"},
    }
    lossy = {"local": {"service": "local", "accept_loss": ["name"]}}
    there.write(
        {
            "provisioner.yaml": {"workspace": "acme", "environments": lossy},
            "specs/all.yaml": SPEC | {"assistants": {"support": moved}},
        }
    )
    assert [row[:4] + row[5:] for row in planned(there)] == [
        (A, "name", "Support", "Bot", "remote"),
        (A, "top_p", 0.9, 0.5, "remote"),
    ]
    assert planned(there) == rows(drift(there))
    assert said(there)[1:] == ["somebody's edit of `name` and `top_p` is undone"]
    assert "Take the edit into the specs with `provisioner accept`" in stopped(there)
    there.ok("apply", "-y")
    there.settled()


def test_a_store_that_is_deleted(there: World) -> None:
    """Documents are counted as they are there, and what somebody put in, took out or changed is
    drift.
    """
    edit(there)
    there.write({"specs/all.yaml": ONLY_FILES})
    changed = {
        (address, path.split("-")[0]): word for address, path, _, _, _, word in planned(there)
    }
    assert changed == {
        (A, "name"): "both",
        (KB, 'files["docs/a.md"].attributes.team'): "both",
        (KB, 'files["docs/b.md"]'): "remote",
        (KB, 'files["id:file'): "remote",
    }
    shown = there.ok("plan", "--force").out
    assert f"  - {KB}  (with 2 documents, 1 of them not ours)\n" in shown
    (row,) = [row for row in there.plan("--force")["resource_changes"] if row["address"] == KB]
    assert (row["documents"], row["foreign_documents"]) == (2, 1)
    assert said(there)[-2:] == [
        "deleted with 2 documents, 1 of them not ours",
        "somebody's edit of 1 document is lost with it",
    ]
    assert "(put in by somebody else)\n" in shown and '- files["docs/b.md"] (taken out)\n' in shown
    there.ok("apply", "-y", "--force")
    there.settled()


@pytest.mark.parametrize("on_drift", ["overwrite", "fail"])
def test_destroy(there: World, on_drift: str) -> None:
    """It shows what is lost, keeps to the environment's `on_drift`, and can be reported otherwise."""
    edit(there)
    there.write(
        {
            "provisioner.yaml": {
                "workspace": "acme",
                "environments": {"local": {"service": "local", "on_drift": on_drift}},
            }
        }
    )
    result = there.run("destroy", "-y")
    assert result.code == (1 if on_drift == "fail" else 0)
    assert (
        f"{KB}  (with 2 documents, 1 of them not ours)" in result.out
        and '~ name: "Support" → "Bot"' in result.out
    )
    if on_drift == "fail":
        assert "would be deleted, and `on_drift` is `fail`" in result.err
        assert {method for method, _ in there.calls} == {"GET"}
        there.ok("destroy", "-y", "--on-drift", "overwrite")
    assert there.listed("/assistants") == []


def test_what_is_forgotten_keeps_its_edits(there: World) -> None:
    """They are shown, and stop a plan that is reported so; nothing of them is lost. Files of others
    stay where they are.
    """
    edit(there)
    removed = [{"from": A, "destroy": False}, {"from": KB, "destroy": False}]
    there.write({"specs/all.yaml": ONLY_FILES | {"removed": removed}})
    assert {(address, path) for address, path, *_ in planned(there)} == {
        (A, "name"),
        (KB, 'files["docs/a.md"].attributes.team'),
        (KB, 'files["docs/b.md"]'),
    }
    assert not [text for text in said(there) if "edit" in text]
    details = [
        row["detail"] for row in there.run("plan", "--json", "--on-drift", "fail").json["blocked"]
    ]
    assert [detail.partition(" (")[0] for detail in details] == [
        f"`{A}` was changed outside of provisioner",
        f"`{KB}` was changed outside of provisioner",
    ]
    assert all("would be forgotten" in detail for detail in details)


def test_a_store_that_is_replaced(there: World) -> None:
    """The new one holds what the specs say: what others put into the old one is not in it."""
    edit(there)
    words = ("--replace", KB)
    assert (KB, "remote") in {
        (row[0], row[-1]) for row in planned(there, *words) if row[1].startswith('files["id:')
    }
    assert (
        "replaced by a new one, asked for by --replace, without 1 document of the 2 in the old one,"
        " not ours" in said(there, *words)
    )
    assert "somebody's edit of 2 documents is undone" in said(there, *words)
    there.apply(*words)


def test_a_replaced_store_that_stays(there: World) -> None:
    """A forgotten assistant goes on searching the old one: nothing of it is lost."""
    edit(there)
    stores = {"kb": SPEC["vector_stores"]["kb"] | {"description": "Other rules"}}
    there.write(
        {
            "specs/all.yaml": (
                ONLY_FILES | {"vector_stores": stores, "removed": [{"from": A, "destroy": False}]}
            )
        }
    )
    assert f"{KB}  (cannot be changed in place, the old one stays with {A})" in there.ok("plan").out
    assert not [text for text in said(there) if "without" in text]
    assert not [row for row in planned(there) if row[1].startswith('files["id:')]


def test_a_store_for_which_nobody_declared_files(world: World) -> None:
    """An application fills it: that is looked at only when the store goes, and then it is counted
    and stops a plan.
    """
    world.write({"specs/all.yaml": {"vector_stores": {"kb": {}, "other": {}}}})
    world.apply()
    path = "/vector_stores/${vector_store.kb}/files"
    for number in range(25):
        world.http("POST", path, {"file_id": world.upload(f"{number}.md", b"# Theirs\n")})
    world.calls.clear()
    world.settled()
    assert not [target for _, target in world.calls if target.endswith("/files")]
    world.write({"specs/all.yaml": {"vector_stores": {"kb": {}}}})
    world.calls.clear()
    assert said(world) == ["deleted"]
    assert not [
        target for _, target in world.calls if target.endswith("/files")
    ]  # it is empty by the service's count
    world.write({"specs/all.yaml": {"vector_stores": {"other": {}}}})
    assert said(world) == ["deleted with 25 documents, 25 of them not ours"]
    assert "(put in by somebody else)\n      … and 5 more files\n" in world.ok("plan").out
    assert "and 15 more), would be deleted" in stopped(world)
    world.apply()


def test_a_saved_plan_rests_on_what_is_in_a_store_that_goes(world: World) -> None:
    """A document that comes after the plan was made, of which it says nothing, stops its apply."""
    world.write(
        {
            "specs/all.yaml": {
                "vector_stores": {"kb": {"files": ["a.md"]}, "empty": {}, "other": {}}
            },
            "a.md": "A\n",
        }
    )
    world.apply()
    world.write({"specs/all.yaml": {"vector_stores": {"other": {}}}})
    for store in ("kb", "empty"):
        world.ok("plan", "--force", "--out", f"{store}.plan", "--target", f"vector_store.{store}")
        world.http(
            "POST",
            f"/vector_stores/${{vector_store.{store}}}/files",
            {"file_id": world.upload("b.md", b"B\n")},
        )
        refused = world.ok("apply", f"{store}.plan", code=1)
        assert (
            f"`vector_store.{store}` has changed at the service since the plan was made."
            in refused.err
        )
        world.ok("plan", "--force", "--out", f"{store}.plan", "--target", f"vector_store.{store}")
        world.ok("apply", f"{store}.plan")
