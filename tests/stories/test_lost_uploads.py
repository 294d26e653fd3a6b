"""An upload whose reply never came is found again by its looks; whether it is ours, its text
decides.
"""

from __future__ import annotations

import json

import pytest

from tests.crash.instants import stopped
from tests.support.world import World

OURS, THEIRS = "# Leave\n\nThirty days.\n", "# Leave\n\nTwenty days.\n"
JOURNAL = ".provisioner/local/lock.json.journal"


@pytest.fixture
def handbook(world: World) -> World:
    world.write(
        {
            "specs/kb.yaml": {"vector_stores": {"kb": {"files": ["docs/*.md"]}}},
            "docs/leave.md": OURS,
        }
    )
    return world


def killed(world: World, *, arrives: bool) -> None:
    """An apply that is killed at its first upload: just before it leaves, or when it has been
    carried out.
    """
    stopped(world, "POST", "/v1/files", arrives=arrives)


def texts(world: World) -> dict[str, str]:
    """What our store has read out of each file in it."""
    path = f"/vector_stores/{world.id('vector_store.kb')}/files"
    return {
        item["id"]: world.http("GET", f"{path}/{item['id']}/content")["data"][0]["text"]
        for item in world.listed(path)
    }


def test_an_upload_of_ours_is_taken_over(handbook: World) -> None:
    """It is not sent again, its text is compared, and then it carries its hash like any other."""
    killed(handbook, arrives=True)
    (lost,) = (item["id"] for item in handbook.listed("/files"))
    handbook.apply()
    assert (
        [item["id"] for item in handbook.listed("/files")]
        == [lost]
        == [handbook.id("file.docs/leave.md")]
    )
    assert "verified" not in handbook.lock()["resources"]["file.docs/leave.md"]
    (held,) = handbook.listed(f"/vector_stores/{handbook.id('vector_store.kb')}/files")
    assert (
        held["attributes"]["sha256"]
        == handbook.lock()["resources"]["file.docs/leave.md"]["fields"]["sha256"]
    )


def test_an_upload_of_somebody_else_is_not(handbook: World) -> None:
    """Ours never left, and somebody uploads another text of that name and size: it stays theirs."""
    killed(handbook, arrives=False)
    theirs = handbook.upload("leave.md", THEIRS.encode())
    result = handbook.ok("apply", "-y")
    assert (
        f"The file `{theirs}` looked like an upload of `docs/leave.md`" in result.out + result.err
    )
    handbook.settled()
    assert texts(handbook) == {handbook.id("file.docs/leave.md"): OURS}
    assert handbook.id("file.docs/leave.md") != theirs
    handbook.ok("destroy", "-y")
    assert [item["id"] for item in handbook.listed("/files")] == [theirs]


def test_two_stores_share_one_answer(handbook: World) -> None:
    """Two stores hold the file at once: it is compared once, uploaded anew once, and both carry its
    hash.
    """
    two = {"kb": {"files": ["docs/*.md"]}, "more": {"files": ["docs/*.md"]}}
    handbook.write({"specs/kb.yaml": {"vector_stores": two}})
    killed(handbook, arrives=False)
    theirs = handbook.upload("leave.md", THEIRS.encode())
    handbook.apply()
    ours = handbook.id("file.docs/leave.md")
    assert {item["id"] for item in handbook.listed("/files")} == {ours, theirs}
    for name in two:
        store = handbook.id(f"vector_store.{name}")
        (held,) = handbook.listed(f"/vector_stores/{store}/files")
        assert held["id"] == ours and len(held["attributes"]["sha256"]) == 64


@pytest.mark.parametrize("ours", [True, False])
def test_a_comparison_that_was_stopped(handbook: World, ours: bool) -> None:
    """An apply that ends between attaching and comparing leaves that to the next one, whose plan
    has nothing else.
    """
    killed(handbook, arrives=ours)
    found = (
        handbook.listed("/files")[0]["id"] if ours else handbook.upload("leave.md", THEIRS.encode())
    )
    stopped(handbook, "GET", "/content", arrives=False)
    handbook.ok("apply", "-y")
    handbook.settled()
    assert texts(handbook) == {handbook.id("file.docs/leave.md"): OURS}
    assert (handbook.id("file.docs/leave.md") == found) == ours
    (held,) = handbook.listed(f"/vector_stores/{handbook.id('vector_store.kb')}/files")
    assert len(held["attributes"]["sha256"]) == 64


def test_a_later_upload_is_no_candidate(handbook: World) -> None:
    """What came long after our request was sent cannot be its outcome, whatever its text."""
    killed(handbook, arrives=False)
    journal = handbook.root / JOURNAL
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    lines[-1]["sent"] -= 3600
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    later = handbook.upload("leave.md", OURS.encode())
    handbook.apply()
    assert handbook.id("file.docs/leave.md") != later
    assert len(handbook.listed("/files")) == 2


def test_what_nobody_can_compare_stays_unverified(world: World) -> None:
    """A file that no store holds shows no text: it is taken over, and the lock says that nobody has
    compared it.
    """
    tools = [{"type": "code_interpreter", "files": ["data/c.csv"]}]
    world.write(
        {
            "specs/a.yaml": {"assistants": {"a": {"model": "m", "tools": tools}}},
            "data/c.csv": "x\n1\n",
        }
    )
    killed(world, arrives=True)
    world.apply()
    assert len(world.listed("/files")) == 1
    assert world.lock()["resources"]["file.data/c.csv"]["verified"] is False
