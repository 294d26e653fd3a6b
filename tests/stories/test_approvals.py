"""What somebody approved elsewhere: exactly that is applied, once; what failed of it may be done
again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import Result
from tests.support.world import World

FIRST, SECOND = "a" * 40, "b" * 40
KB: dict[str, Any] = {"vector_stores": {"kb": {"files": ["docs/*.md"]}}}
WITH_KB: dict[str, Any] = {
    **KB,
    "assistants": {
        "a": {"model": "gpt-4o", "tools": [{"type": "file_search", "vector_stores": ["kb"]}]}
    },
}


def models(**wanted: str) -> dict[str, Any]:
    return {
        "assistants": {
            name: {"model": model, "metadata": {"team": "hr"}} for name, model in wanted.items()
        }
    }


@pytest.fixture
def applied(world: World) -> World:
    world.write(
        {
            "provisioner.yaml": {"workspace": "acme"},
            "specs/all.yaml": models(a="gpt-4o", b="gpt-4o"),
        }
    )
    world.apply()
    return world


def checksum(world: World, *words: str) -> str:
    return str(world.plan(*words)["checksum"])


def approved(world: World, checksum: str, commit: str, code: int = 0) -> Result:
    return world.ok("apply", "-y", "--checksum", checksum, "--commit", commit, code=code)


def record(world: World) -> Any:
    return json.loads((world.root / ".provisioner/local/lock.json").read_text()).get("applied")


def test_an_approval_is_used_once(applied: World) -> None:
    """The lock keeps what was applied, and the same commit is not applied again: what its plan
    shows then has drifted. An empty plan is no matter. Without a commit nothing is refused for its
    age, and the record stays.
    """
    assert record(applied) is None
    applied.write({"specs/all.yaml": models(a="gpt-4o-mini", b="gpt-4o")})
    shown = checksum(applied)
    approved(applied, shown, FIRST)
    assert record(applied) == {"commit": FIRST, "checksum": shown, "left": []}
    assert applied.plan()["lock"]["applied"] == record(applied)
    serial = applied.plan()["lock"]["serial"]
    approved(applied, shown, FIRST)
    assert applied.plan()["lock"]["serial"] == serial

    applied.http("POST", "/assistants/${assistant.a}", {"model": "gpt-4o"})
    assert checksum(applied) == shown
    applied.calls.clear()
    again = approved(applied, shown, FIRST, code=1)
    assert "Already applied" in again.err and f"`{FIRST}`" in again.err and "drifted" in again.err
    assert "Already applied" in applied.ok("apply", "-y", "--commit", FIRST, code=1).err
    assert {method for method, _ in applied.calls} == {"GET"}

    applied.ok("apply", "-y", "--checksum", f" {shown.removeprefix('sha256:')}\n")
    assert record(applied)["commit"] == FIRST
    applied.settled()


def test_a_saved_plan_is_used_once(applied: World) -> None:
    """The same of a plan that was saved: a commit that was applied is not applied again, whatever
    the file says.
    """
    applied.write({"specs/all.yaml": models(a="gpt-4o-mini", b="gpt-4o")})
    applied.ok("plan", "--out", "x.plan")
    applied.ok("apply", "x.plan", "--commit", FIRST)
    applied.http("POST", "/assistants/${assistant.a}", {"model": "gpt-4o"})
    applied.ok("plan", "--out", "y.plan")

    assert "Already applied" in applied.ok("apply", "y.plan", "--commit", FIRST, code=1).err
    applied.ok("apply", "y.plan", "--commit", SECOND)
    assert record(applied)["commit"] == SECOND


@pytest.mark.parametrize(
    "edit", [{"instructions": "Changed since."}, {"metadata": {"team": "law"}}]
)
def test_a_deletion_is_approved_with_what_is_there(applied: World, edit: dict[str, Any]) -> None:
    """Somebody writes into the assistant that is to be deleted: that is not what was approved. A
    metadata key of somebody else is no matter.
    """
    applied.write({"specs/all.yaml": models(a="gpt-4o")})
    shown = checksum(applied)
    applied.http("POST", "/assistants/${assistant.b}", {"metadata": {"team": "hr", "gateway": "7"}})
    assert checksum(applied) == shown
    applied.http("POST", "/assistants/${assistant.b}", edit)

    assert "Plan differs" in approved(applied, shown, FIRST, code=1).err
    assert len(applied.listed("/assistants")) == 2 and record(applied) is None


def test_a_store_is_deleted_with_what_is_in_it(world: World) -> None:
    """A document that somebody puts into a store that is to go, or a document of another size in
    its place, is seen; it counts by name and size. Nothing else of the workspace has any files.
    """
    world.write({"specs/all.yaml": {"vector_stores": {"kb": {"name": "KB"}}, **models(a="gpt-4o")}})
    world.apply()
    world.write({"specs/all.yaml": models(a="gpt-4o")})
    shown = [checksum(world)]
    for content in ("theirs\n", "longer than theirs\n"):
        file = world.upload("theirs.md", content.encode())
        world.http("POST", "/vector_stores/${vector_store.kb}/files", {"file_id": file})
        shown.append(checksum(world))
        world.http("DELETE", f"/files/{file}")
    assert len(set(shown)) == 3 and checksum(world) == shown[0]


def test_what_failed_may_be_run_again(world: World) -> None:
    """The store and its documents are made, the assistant is refused. The same approval covers what
    is left, though the plan has another checksum by now; then it is used up.
    """
    world.write(
        {"provisioner.yaml": {"workspace": "acme"}, "specs/all.yaml": WITH_KB, "docs/a.md": "# A\n"}
    )
    shown = checksum(world)
    with world.failing(
        {"match": {"method": "POST", "path": "^/v1/assistants$"}, "action": {"status": 400}}
    ):
        approved(world, shown, FIRST, code=1)
    assert checksum(world) != shown
    assert (record(world)["commit"], record(world)["checksum"], len(record(world)["left"])) == (
        FIRST,
        shown,
        1,
    )
    assert "not what was approved" in approved(world, f"sha256:{'0' * 64}", FIRST, code=1).err

    approved(world, shown, FIRST)
    assert record(world) == {"commit": FIRST, "checksum": shown, "left": []}
    world.settled()


def test_what_failed_is_done_as_it_was_approved(applied: World) -> None:
    """One of two is refused, and somebody edits what was done, or what is still to do: the plan
    does more than is left, or something else.
    """
    applied.write({"specs/all.yaml": models(a="gpt-4o-mini", b="gpt-4o-mini")})
    shown, b = checksum(applied), applied.id("assistant.b")
    with applied.failing(
        {"match": {"method": "POST", "path": f"^/v1/assistants/{b}$"}, "action": {"status": 400}}
    ):
        approved(applied, shown, FIRST, code=1)

    for address, there in (("a", "gpt-4o-mini"), ("b", "gpt-4o")):
        applied.http("POST", f"/assistants/${{assistant.{address}}}", {"model": "gpt-3.5-turbo"})
        refused = approved(applied, shown, FIRST, code=1)
        assert "Plan differs" in refused.err and "in part" in refused.err
        applied.http("POST", f"/assistants/${{assistant.{address}}}", {"model": there})
    approved(applied, shown, FIRST)
    applied.settled()


def test_documents_that_failed_may_be_put_in_again(world: World) -> None:
    """One of two documents fails to be indexed: what is left is that document, and the assistant
    goes ahead.
    """
    files = {"docs/a.md": "# A\n", "docs/b.md": "# B\n"}
    world.write({"provisioner.yaml": {"workspace": "acme"}, "specs/all.yaml": WITH_KB, **files})
    world.apply()
    world.write({"docs/b.md": "# B, again\n", "docs/c.md": "# C\n"})
    shown = checksum(world)
    with world.perhaps_failing(
        {"match": {"filename": "c.md"}, "action": {"fails": "server_error"}}
    ):
        approved(world, shown, FIRST, code=1)
    assert record(world)["left"]
    approved(world, shown, FIRST)
    assert record(world)["left"] == []
    world.settled()


def test_what_a_replacement_has_left_may_be_deleted(world: World) -> None:
    """The new store is there and the old one cannot be deleted: the same approval deletes it later
    on. Who could not be repointed is repointed by it as well.
    """
    world.write(
        {"provisioner.yaml": {"workspace": "acme"}, "specs/all.yaml": WITH_KB, "docs/a.md": "# A\n"}
    )
    world.apply()
    a = world.id("assistant.a")
    words = ("--replace", "vector_store.kb")
    shown = checksum(world, *words)
    rule = {"match": {"method": "POST", "path": f"^/v1/assistants/{a}$"}, "action": {"status": 400}}
    with world.failing(rule):
        world.ok("apply", "-y", *words, "--checksum", shown, "--commit", FIRST, code=1)
    rule = {
        "match": {"method": "DELETE", "path": "^/v1/vector_stores/[^/]+$"},
        "action": {"status": 400},
    }
    with world.failing(rule):
        approved(world, shown, FIRST, code=1)
    assert len(world.listed("/vector_stores")) == 2
    approved(world, shown, FIRST)
    assert len(world.listed("/vector_stores")) == 1 and record(world)["left"] == []
    world.settled()


def test_an_apply_by_hand_takes_away_what_is_left(applied: World) -> None:
    """What a failed apply has left and somebody has done meanwhile is not done a second time on the
    old approval.
    """
    applied.write({"specs/all.yaml": models(a="gpt-4o-mini", b="gpt-4o-mini")})
    shown, b = checksum(applied), applied.id("assistant.b")
    with applied.failing(
        {"match": {"method": "POST", "path": f"^/v1/assistants/{b}$"}, "action": {"status": 400}}
    ):
        approved(applied, shown, FIRST, code=1)
    applied.apply()
    assert record(applied) == {"commit": FIRST, "checksum": shown, "left": []}
    applied.http("POST", "/assistants/${assistant.b}", {"model": "gpt-4o"})
    assert "Already applied" in approved(applied, shown, FIRST, code=1).err


def test_a_document_of_a_plan_tells_what_was_applied(applied: World) -> None:
    """Whoever decides about a plan finds its rows in the document, and what is left of the approval
    before.
    """
    applied.write({"specs/all.yaml": models(a="gpt-4o-mini", b="gpt-4o-mini")})
    document = applied.plan()
    assert len(document["rows"]) == 2 and document["lock"]["applied"] is None
    Path(applied.root / "x.plan").write_text(json.dumps(document), encoding="utf-8")
    applied.ok("apply", "x.plan", "--checksum", document["checksum"])
