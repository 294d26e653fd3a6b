"""Services that answer a write with what was sent and do not keep it: named once, and nobody is
blamed for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from provisioner.local import create_app
from tests.e2e import odd
from tests.e2e.middleware import Odd
from tests.e2e.serving import point_at, served
from tests.support.world import World

UNKEPT = "The service does not keep "
STORE = ("name", "expires_after", "metadata")
ASSISTANT = ("name", "instructions", "temperature", "tools", "metadata")
ROWS = [("vector_store", field) for field in STORE] + [("assistant", field) for field in ASSISTANT]
DROPPED = [*ROWS, ("store_file", "attributes")]


def edition(number: int) -> dict[str, Any]:
    """Two stores and two assistants, every field of which tells the number."""
    store = {
        "name": f"Store {number}",
        "expires_after": {"anchor": "last_active_at", "days": number},
        "metadata": {"team": f"t{number}"},
        "files": [{"path": "d/*.md", "attributes": {"year": number}}],
    }
    assistant = {
        "name": f"Assistant {number}",
        "model": "gpt-4o",
        "instructions": f"Answer in {number} words.",
        "temperature": number / 10,
        "tools": [{"type": "file_search", "vector_stores": ["a"], "max_num_results": number}],
        "metadata": {"team": f"t{number}"},
    }
    sections = {
        "vector_stores": {"a": store, "b": store},
        "assistants": {"a": assistant, "b": assistant},
    }
    return {"specs/all.yaml": sections, "d/a.md": "# A\n", "d/b.md": "# B\n"}


@contextmanager
def odd_service(
    world: World, monkeypatch: pytest.MonkeyPatch, how: Callable[[Any], Any], settling: float = 0
) -> Iterator[None]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-e2e")
    with served(how(create_app(world.root / ".provisioner/local", indexing_seconds=0))) as url:
        point_at(world, url, settling=settling)
        yield


def echoing(*rows: tuple[str, str]) -> Callable[[Any], Any]:
    """All these fields at once."""

    def how(app: Any) -> Any:
        for kind in {kind for kind, _ in rows}:
            app = odd.echoes(kind, *(field for other, field in rows if other == kind))(app)
        return app

    return how


def notes(world: World) -> list[str]:
    plan = world.plan()
    assert plan["resource_drift"] == []
    return [note for note in plan["notes"] if note.startswith(UNKEPT)]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(DROPPED, id="all"),
        *(pytest.param([row], id=".".join(row), marks=pytest.mark.thorough) for row in DROPPED),
    ],
)
def test_an_update_that_is_not_kept(
    world: World, monkeypatch: pytest.MonkeyPatch, rows: list[tuple[str, str]]
) -> None:
    """The next plan is empty but for one line a field, with what follows from it; another value is
    proposed again.
    """
    with odd_service(world, monkeypatch, echoing(*rows)):
        world.write(edition(1))
        world.ok("apply", "-y")
        assert notes(world) == []
        world.write(edition(2))
        world.ok("apply", "-y")
        world.settled()
        reported = notes(world)
        assert len(reported) == len(rows), reported
        assert all("stays until the specs say something else" in note for note in reported)
        world.ok("drift")
        world.write(edition(3))
        found = world.plan("--on-drift", "fail")
        changed = {
            (row["type"], field["path"])
            for row in found["resource_changes"]
            for field in row["changed_fields"]
        }
        assert {_field(row) for row in rows} <= {
            (kind, path.split(".")[0]) for kind, path in changed
        } | _OF_FILES
        assert changed >= _OF_FILES


_OF_FILES = {("vector_store", f'files["d/{name}.md"].attributes.year') for name in "ab"}


def _field(row: tuple[str, str]) -> tuple[str, str]:
    """Where a plan tells of a field."""
    return min(_OF_FILES) if row[0] == "store_file" else row


@pytest.mark.thorough
def test_an_update_that_is_kept_after_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the service keeps what it is sent, nothing is noted any more; and what a hand puts back
    is a hand's edit.
    """
    apps: list[Any] = []

    def how(app: Any) -> Any:
        apps.extend((app, odd.echoes("vector_store", "name")(app)))

        async def served_by_the_last(*request: Any) -> None:
            await apps[-1](*request)

        return served_by_the_last

    with odd_service(world, monkeypatch, how):
        for number in (1, 2):
            world.write(edition(number))
            world.apply()
        assert len(notes(world)) == 1
        apps.pop()
        world.write(edition(3))
        world.apply()
        assert notes(world) == []
        world.http("POST", "/vector_stores/${vector_store.a}", {"name": "Store 2"})
        (drift,) = world.plan()["resource_drift"]
        assert [(field["path"], field["drift"]) for field in drift["changed_fields"]] == [
            ("name", "remote")
        ]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("how", "count"), [(odd.shows_late("vector_store"), 0), (odd.echoes("vector_store", "name"), 1)]
)
def test_a_read_that_is_late(
    world: World, monkeypatch: pytest.MonkeyPatch, how: Callable[[Any], Any], count: int
) -> None:
    """What a service does not show yet is not taken for dropped; what it never shows is, once it
    has had its time.
    """
    with odd_service(world, monkeypatch, how, settling=1):
        for number in (1, 2):
            world.write({"specs/all.yaml": {"vector_stores": {"a": {"name": f"Store {number}"}}}})
            world.ok("apply", "-y")
        assert len(notes(world)) == count


def test_a_create_that_is_not_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that cannot be changed is not made anew again and again."""

    def how(app: Any) -> Any:
        return odd.echoes("vector_store", "description", also_created=True)(app)

    with odd_service(world, monkeypatch, how):
        world.write(
            {
                "specs/all.yaml": {
                    "vector_stores": {"a": {"description": "A"}, "b": {"description": "B"}}
                }
            }
        )
        world.apply()
        assert notes(world) == [
            "The service does not keep `description` of `vector_store.a`, `vector_store.b` as it"
            " was sent. What it has instead stays until the specs say something else; see `unkept`"
            " in the lock."
        ]


@pytest.mark.thorough
def test_a_stamp_that_is_not_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service without metadata has no stamps: that, and what follows from it, is said once, and
    all else works.
    """

    def how(app: Any) -> Any:
        for kind, field in (
            ("vector_store", "metadata"),
            ("assistant", "metadata"),
            ("store_file", "attributes"),
        ):
            app = odd.echoes(kind, field, also_created=True)(app)
        return app

    with odd_service(world, monkeypatch, how):
        world.write(edition(1))
        said = world.apply().err
        for kind in ("vector_store", "assistant"):
            assert (
                said.count(
                    f"does not keep our stamp on resources of kind `{kind}`, so that the lock alone"
                    " knows"
                )
                == 1
            )
        world.write(edition(2))
        world.apply()
        world.ok("destroy", "-y")
        assert (
            world.listed("/assistants")
            == world.listed("/vector_stores")
            == world.listed("/files")
            == []
        )


def test_a_document_moves_where_attributes_are_not_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our stamp says its old path for ever, which is written once and then left alone."""
    with odd_service(world, monkeypatch, odd.echoes("store_file", "attributes")):
        world.write(edition(1))
        world.apply()
        world.write(
            {**edition(1), "d/a.md": None, "d/deep/a.md": "# A\n", "specs/all.yaml": deep()}
        )
        said = world.apply().err
        assert said.count("does not keep our stamp on the files of vector stores") == 1


def deep() -> dict[str, Any]:
    """The same specs, but for documents in folders."""
    specs: dict[str, Any] = edition(1)["specs/all.yaml"]
    for store in specs["vector_stores"].values():
        store["files"][0]["path"] = "d/**/*.md"
    return specs


def test_a_service_that_keeps_everything_is_asked_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first write of each field speaks for it: one read more for all the updates of a run, none
    at the embedded service.
    """
    seen: list[str] = []

    def counting(method: str, path: str) -> None:
        if method == "GET" and path.startswith("/assistants/"):
            seen.append(path)

    def counted(app: Any) -> Any:
        return Odd(app, cut=lambda method, path: counting(method, path))

    def specs(text: str) -> dict[str, Any]:
        names = [f"a{number}" for number in range(5)]
        return {
            "specs/all.yaml": {
                "assistants": {name: {"model": "gpt-4o", "instructions": text} for name in names}
            }
        }

    with odd_service(world, monkeypatch, counted):
        world.write(specs("First."))
        world.apply()
        assert len(seen) == 1
        seen.clear()
        world.write(specs("Second."))
        world.apply()
        assert len(seen) == 5 + 1  # an update reads what it changes
