"""Input that is broken, careless or meant to do harm: refused in words, before anything is sent or
replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import re
import stat
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import count
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse

from provisioner.planfile.checksum import checksum
from provisioner.planfile.reading import _plan as plan_of
from provisioner.planfile.writing import digest
from provisioner.remote import bodies, exchange, lists
from tests.e2e.middleware import Odd
from tests.e2e.serving import point_at, served
from tests.support.world import World

LOCK = ".provisioner/local/lock.json"
SPECS: dict[str, Any] = {
    "specs/all.yaml": """\
vector_stores: {kb: {files: [docs/a.md]}}
assistants:
  a: {model: m, tools: [{type: file_search, vector_stores: [kb]}]}
  b: {model: m}
""",
    "docs/a.md": "# A\n",
}
Lock = dict[str, Any]


@pytest.fixture
def applied(world: World) -> World:
    world.write(SPECS)
    world.apply()
    world.calls.clear()
    return world


def edited(world: World, change: Callable[[Lock], object], file: str = LOCK) -> None:
    found = json.loads((world.root / file).read_text())
    change(found)
    if "digest" in found:
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
            found["checksum"] = checksum(plan_of(found))
        found["digest"] = digest(found)
    world.write({file: json.dumps(found, indent=2)})


def written(world: World) -> list[tuple[str, str]]:
    return [call for call in world.calls if call[0] != "GET"]


BAD_IDS = ("../vector_stores/vs_x", "..", "a/b", "a?b=c", "a#b", "%2e%2e/x", "a b", "x" * 513, "")


@pytest.mark.parametrize("id", BAD_IDS)
def test_an_id_in_the_lock_that_leads_elsewhere(applied: World, id: str) -> None:
    """What is no longer declared, and has such an id, deletes nothing at all."""
    store = applied.id("vector_store.kb")
    edited(
        applied, lambda lock: lock["resources"]["assistant.b"].update(id=id.replace("vs_x", store))
    )
    applied.write({"specs/all.yaml": SPECS["specs/all.yaml"].replace("  b: {model: m}\n", "")})
    err = applied.ok("apply", "-y", "--force", code=1).err
    assert (
        f"{LOCK}:" in err
        and "Broken lock entry" in err
        and "`id` of `assistant.b` must be an id" in err
    )
    assert not applied.calls


def test_ids_in_specs_that_lead_elsewhere(world: World) -> None:
    """Wherever a spec names an object by its id, the place of a bad one is reported."""
    world.write(
        {
            "docs/a.md": "# A\n",
            "specs/all.yaml": """\
vector_stores:
  kb: {files: [docs/a.md, {id: ../x}]}
  far: {id: a/b}
assistants:
  a: {model: m, tools: [{type: file_search, vector_stores: [{id: "vs?1"}]}]}
  b: {model: m, tools: [{type: code_interpreter, files: [{id: ".."}]}]}
imports: [{to: assistant.a, id: "../files/x"}]
""",
        }
    )
    err = world.ok("validate", code=1).err
    assert re.findall(r"all\.yaml:(\d+):\d+: error: (.*)", err) == [
        ("2", "Invalid id"),
        ("3", "Invalid id"),
        ("5", "Invalid id"),
        ("6", "Invalid id"),
        ("7", "Invalid id"),
    ]


def test_an_id_in_the_journal(applied: World) -> None:
    """What an apply is said to have left is not looked for at another address."""
    lock = applied.lock()
    head = {key: lock[key] for key in ("lineage", "serial", "workspace", "environment", "origin")}
    line = {
        "type": "intent",
        "id": 1,
        "address": "assistant.b",
        "action": "delete",
        "object": "../files/x",
    }
    applied.write({LOCK + ".journal": json.dumps(head) + "\n" + json.dumps(line) + "\n"})
    err = applied.ok("apply", "-y", code=1).err
    assert "Broken journal" in err and "Line 2 of" in err and not applied.calls


@pytest.mark.parametrize("where", ["created", "listed", "read"])
def test_an_id_in_a_reply(world: World, where: str) -> None:
    """A service that answers with such an id is refused, or what it lists left out: nothing is sent
    to that address.
    """
    world.write(SPECS)
    if where == "created":
        world.from_now_on(lambda app: _answering(app, "POST", "/assistants", {"id": "../files/x"}))
        err = world.ok("apply", "-y", code=1).err
        assert "answered 200 with the id `../files/x`, which no object can have" in err
    else:
        world.apply()
        path = "/assistants" if where == "listed" else f"/assistants/{world.id('assistant.b')}"
        reply = (
            {"data": [{"id": "../x"}, {"name": "no id"}], "has_more": False}
            if where == "listed"
            else {"id": "../x"}
        )
        with world.behind(lambda app: _answering(app, "GET", path, reply)):
            if where == "listed":
                shown = world.ok("plan").out
                assert "`/assistants` lists what has no id, or one that no object can have" in shown
            else:
                world.write(
                    {
                        "specs/all.yaml": SPECS["specs/all.yaml"].replace(
                            "b: {model: m}", "b: {model: n}"
                        )
                    }
                )
                world.run("apply", "-y")
    assert all(".." not in path and "//" not in path for _, path in world.calls)


def _answering(app: Any, method: str, path: str, reply: Any) -> Any:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        ours = (scope["method"], scope["path"]) == (method, f"/v1{path}")
        await (JSONResponse(reply) if ours else app)(scope, receive, send)

    return answer


@pytest.mark.parametrize("how", ["twice", "deposed"])
def test_an_id_that_is_in_use(applied: World, how: str) -> None:
    """An object that two entries name, or one of them as old, is not deleted: both entries are
    named.
    """
    a = applied.id("assistant.a")
    more = {"id": a} if how == "twice" else {"deposed": [{"id": a}]}
    edited(applied, lambda lock: lock["resources"]["assistant.b"].update(more))
    applied.write({"specs/all.yaml": SPECS["specs/all.yaml"].replace("  b: {model: m}\n", "")})
    err = applied.ok("apply", "-y", "--force", code=1).err
    assert "Id in use" in err and f"`{a}` is named by both `assistant.a` and `assistant.b`" in err
    assert not applied.calls
    assert len(applied.listed("/assistants")) == 2


@pytest.mark.parametrize("needs", [{"a": "a"}, {"a": "b", "b": "a"}], ids=["itself", "each other"])
def test_entries_that_depend_on_each_other(applied: World, needs: dict[str, str]) -> None:
    """Where none could go first the lock is refused, naming the circle."""

    def circle(lock: Lock) -> None:
        for user, need in needs.items():
            lock["resources"][f"assistant.{user}"]["depends_on"] = [f"assistant.{need}"]

    edited(applied, circle)
    err = applied.ok("destroy", "-y", code=1).err
    assert "Broken lock entry" in err and "`assistant.a`" in err and "in a circle" in err
    assert not written(applied)


def test_a_key_twice_in_an_entry(applied: World) -> None:
    """Of two ids in one entry nobody chooses the last."""
    text = (applied.root / LOCK).read_text()
    id = applied.id("assistant.b")
    applied.write({LOCK: text.replace(f'"id": "{id}"', f'"id": "asst_other",\n      "id": "{id}"')})
    err = applied.ok("plan", code=1).err
    assert "Duplicate key" in err and "`id` is in the same mapping" in err


def test_where_a_plan_is_saved(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A device stays one, a link stays one and its target has the plan; a pipe that nobody reads
    from is refused.
    """
    world.write(SPECS)
    world.ok("plan", "--out", "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)  # noqa: PTH116  # a device, and no path of ours
    target = tmp_path_factory.mktemp("elsewhere") / "p.json"
    target.write_text("old")
    (world.root / "link.json").symlink_to(target)
    world.ok("plan", "--out", "link.json")
    assert (world.root / "link.json").is_symlink()
    assert json.loads(target.read_text())["format_version"] == "1.0"
    assert target.stat().st_mode & 0o777 == 0o600
    os.mkfifo(world.root / "pipe.json")
    assert "Plan not saved" in world.ok("plan", "--out", "pipe.json", code=1).err
    assert stat.S_ISFIFO((world.root / "pipe.json").stat().st_mode)
    (world.root / "loop.json").symlink_to("loop.json")
    assert "Plan not saved" in world.ok("plan", "--out", "loop.json", code=1).err
    as_json = world.ok("plan", "--json", "--out", "loop.json", code=1)
    assert as_json.json["format_version"] == "1.0" and "Plan not saved" in as_json.err
    assert "Folder not found" in world.ok("plan", "-C", "loop.json", code=1).err
    assert "Not a folder" in world.ok("init", "loop.json", code=1).err
    assert "Not a folder" in world.ok("schema", "--write", "docs/a.md", code=1).err
    assert "Not a folder" in world.ok("init", "docs/a.md", code=1).err


def test_a_lock_that_is_a_link_to_itself(world: World) -> None:
    """Nobody can read it, and that is reported."""
    world.write({**SPECS, LOCK: ""})
    (world.root / LOCK).unlink()
    (world.root / LOCK).symlink_to("lock.json")
    assert "lock.json` cannot be read" in world.ok("plan", code=1).err


@pytest.mark.parametrize(
    "what",
    ["lock.json", "lock.json.journal", "lock.json.lease", "specs", "prompt", "settings", "plan"],
)
def test_a_pipe_in_the_place_of_a_file(world: World, what: str) -> None:
    """Nobody waits for its other end."""
    world.write(
        {
            **SPECS,
            "specs/p.yaml": "assistants: {p: {model: m, instructions: {file: p.md}}}\n",
            "p.md": "P\n",
        }
    )
    places = {
        "specs": "specs/x.yaml",
        "prompt": "p.md",
        "settings": "provisioner.yaml",
        "plan": "x.plan",
    }
    place = world.root / places.get(what, f".provisioner/local/{what}")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    words = {"plan": ("apply", "x.plan"), "lock.json.lease": ("apply", "-y")}.get(what, ("plan",))
    err = world.ok(*words, code=1).err
    assert "a pipe, a socket or a device" in err and places.get(what, what) in err


@pytest.mark.parametrize(
    "what", ["specs/x.yaml", "provisioner.yaml", "p.md", "f.json", LOCK, "x.plan"]
)
def test_gigabytes(world: World, what: str) -> None:
    """A file that no limit allows is not read: the limit is named, and the file."""
    tool = "{type: function, name: f, parameters: {file: f.json}}"
    spec = f"assistants: {{p: {{model: m, instructions: {{file: p.md}}, tools: [{tool}]}}}}\n"
    world.write({"specs/p.yaml": spec, "p.md": "P\n", "f.json": "{}"})
    (world.root / what).parent.mkdir(parents=True, exist_ok=True)
    with (world.root / what).open("ab") as sparse:
        sparse.truncate(3 << 30)
    began = time.monotonic()
    err = world.ok(*(("apply", "x.plan") if what == "x.plan" else ("plan",)), code=1).err
    assert what in err and "3,221,225,472 bytes" in err and "at most" in err
    assert time.monotonic() - began < 5


def _saved(world: World) -> World:
    world.write(
        {
            "docs/b.md": "# B\n",
            "specs/all.yaml": SPECS["specs/all.yaml"].replace("a.md]", "a.md, docs/b.md]"),
        }
    )
    world.ok("plan", "--out", "x.plan")
    return world


def _renamed(plan: Any, name: str) -> None:
    text = json.dumps(plan).replace("docs/b.md", name)
    plan.clear()
    plan.update(json.loads(text))


@pytest.mark.parametrize(
    "name", ["../secret.txt", "docs/../../secret.txt", "/etc/hostname", "docs/b\\u0000.md"]
)
def test_a_saved_plan_names_a_file_elsewhere(applied: World, name: str) -> None:
    """Whatever its digest says, a plan uploads nothing from outside the workspace."""
    _saved(applied)
    (applied.root.parent / "secret.txt").write_text("# B\n")
    edited(applied, lambda plan: _renamed(plan, name), "x.plan")
    err = applied.ok("apply", "x.plan", code=1).err
    assert any(said in err for said in ("File changed", "Not a plan"))
    assert not written(applied)


@pytest.mark.parametrize("how", ["link", "pipe"])
def test_a_file_of_a_saved_plan_that_is_swapped(applied: World, how: str) -> None:
    """A link out of the workspace, with the very same bytes, and a pipe are not what the plan was
    made with.
    """
    _saved(applied)
    file, secret = applied.root / "docs/b.md", applied.root.parent / "secret.txt"
    secret.write_bytes(file.read_bytes())
    file.unlink()
    if how == "link":
        file.symlink_to(secret)
    else:
        os.mkfifo(file)
    assert "File changed" in applied.ok("apply", "x.plan", code=1).err
    assert not written(applied)


def test_a_saved_plan_in_a_circle(applied: World) -> None:
    """What waits for each other is found before anything is done."""
    _saved(applied)

    def circle(plan: Any) -> None:
        for row in plan["resource_changes"]:
            if row["address"] == "file.docs/b.md":
                row["depends_on"] = ["vector_store.kb"]

    edited(applied, circle, "x.plan")
    err = applied.ok("apply", "x.plan", code=1).err
    assert "depend on each other in a circle" in err and "`vector_store.kb`" in err
    assert not written(applied)


def _unblocked(plan: Any) -> None:
    plan["blocked"] = []


def _over_another(plan: Any) -> None:
    _row(plan, "assistant.a")["previous_address"] = "assistant.b"


def _another_document(plan: Any) -> None:
    next(item for item in plan["attachments"] if item["path"] == "docs/b.md")["file"] = (
        "file.docs/a.md"
    )


def _nowhere(plan: Any) -> None:
    next(item for item in plan["attachments"] if item["path"] == "docs/b.md")["path"] = "docs/c.md"


def _baseless(plan: Any) -> None:
    plan["basis"] = {}


def _row(plan: Any, address: str) -> Any:
    return next(row for row in plan["resource_changes"] if row["address"] == address)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (_unblocked, "`assistant.b` is protected by the lock"),
        (_over_another, "The lock has both `assistant.b` and `assistant.a`"),
        (_another_document, "`docs/b.md` of `vector_store.kb` is to be another object"),
        (_nowhere, "`docs/c.md` of `vector_store.kb` is to be another object"),
        (_baseless, "has changed"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_a_saved_plan_says_of_itself(
    world: World, edit: Callable[[Any], None], said: str
) -> None:
    """A plan whose digest and checksum were made again after an edit ends nothing that is
    protected, moves nothing over anything, puts no other document into a store, and rests on what
    it is about.
    """
    specs = SPECS["specs/all.yaml"].replace(
        "b: {model: m}", "b: {model: m, lifecycle: {protect: true}}"
    )
    world.write({**SPECS, "specs/all.yaml": specs})
    world.apply()
    gone = specs.split("  b:")[0] if edit is _unblocked else specs
    changed = gone.replace("docs/a.md]", "docs/a.md, docs/b.md]").replace(
        "a: {model: m", "a: {model: n"
    )
    world.write({"specs/all.yaml": changed, "docs/b.md": "# B\n"})
    world.run("plan", "--out", "x.plan")
    world.calls.clear()
    edited(world, edit, "x.plan")
    assert said in world.ok("apply", "x.plan", code=1).err
    assert not written(world)


def test_a_saved_plan_that_deletes_something_else(applied: World) -> None:
    """A plan deletes at an address what the lock has there."""
    applied.write({"specs/all.yaml": SPECS["specs/all.yaml"].replace("  b: {model: m}\n", "")})
    applied.ok("plan", "--out", "x.plan")
    a, b = applied.id("assistant.a"), applied.id("assistant.b")
    edited(applied, lambda plan: plan["resource_changes"][0].update(id=a), "x.plan")
    assert f"The lock does not have `{a}` for `assistant.b`" not in applied.ok("show", "x.plan").err
    assert (
        f"The lock does not have `{a}` for `assistant.b`"
        in applied.ok("apply", "x.plan", code=1).err
    )
    edited(applied, lambda plan: plan["resource_changes"][0].update(id=f"{b}/../{a}"), "x.plan")
    assert "cannot be `asst_" in applied.ok("apply", "x.plan", code=1).err
    assert not written(applied)


def test_a_list_without_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fresh ids on every page are not followed for ever."""
    monkeypatch.setattr(lists, "_MOST", 2000)
    world.write(SPECS)
    numbers = count()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        page = {"data": [{"id": f"x_{next(numbers)}"} for _ in range(100)], "has_more": True}
        await JSONResponse(page)(scope, receive, send)

    with world.behind(lambda _app: endless):
        err = world.ok("plan", code=1).err
    assert "List without end" in err and "at most 2,000 are read" in err
    assert next(numbers) < 10_000


BOMB = gzip.compress(b'{"data": [' + b" " * (8 << 20) + b"]}")


def test_a_body_that_unpacks_to_gigabytes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply is read up to a limit, though it was packed a thousandfold."""
    monkeypatch.setattr(bodies, "_LARGEST", 1 << 20)
    world.write(SPECS)
    with world.behind(lambda _app: Response(BOMB, headers={"content-encoding": "gzip"})):
        err = world.ok("plan", code=1).err
    assert "Reply without end" in err and "more than 1 MB" in err


def test_a_body_without_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes and comes over a real connection is read up to the limit, also where it is the
    text of a refusal.
    """
    monkeypatch.setattr(bodies, "_LARGEST", 1 << 20)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-e2e")
    world.write(SPECS)

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65536
            await asyncio.sleep(0)  # lets the server see that nobody listens any more

    for status in (200, 400):

        async def endless(scope: Any, receive: Any, send: Any, status: int = status) -> None:
            await StreamingResponse(pieces(), status)(scope, receive, send)

        with served(endless) as url:
            point_at(world, url)
            err = world.ok("plan", code=1).err
        assert "Reply without end" in err and "more than 1 MB" in err


def test_what_is_packed_is_read(world: World) -> None:
    """Gzip and both sorts of deflate are unpacked; anything else was not asked for."""
    import zlib

    world.write(SPECS)
    page = b'{"data": [], "has_more": false}'
    bare = zlib.compressobj(wbits=-15)
    bodies_of = {
        "gzip": gzip.compress(page),
        "deflate": zlib.compress(page),
        "Deflate": bare.compress(page) + bare.flush(),
        "identity": page,
    }
    for name, body in bodies_of.items():
        reply = Response(body, headers={"content-encoding": name}, media_type="application/json")
        with world.behind(lambda _app, reply=reply: reply):
            assert "to add" in world.ok("plan").out
    with world.behind(lambda _app: Response(b"?", headers={"content-encoding": "br"})):
        assert "packed as `br`, which was not asked for" in world.ok("plan", code=1).err


def test_a_reply_that_trickles(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte every now and then keeps no one waiting for ever."""
    monkeypatch.setattr(exchange, "LONGEST", 0.3)
    world.write(SPECS)

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(5)

    began = time.monotonic()
    with world.behind(lambda _app: silent):
        err = world.ok("plan", code=1).err
    assert "Reply without end" in err and "its end did not come in time" in err
    assert time.monotonic() - began < 3


def test_a_deletion_that_is_none(applied: World) -> None:
    """`deleted: false` is a failure: the object stays in the lock."""
    applied.write({"specs/all.yaml": SPECS["specs/all.yaml"].replace("  b: {model: m}\n", "")})
    id = applied.id("assistant.b")
    path = f"/assistants/{id}"
    with applied.behind(lambda app: _answering(app, "DELETE", path, {"id": id, "deleted": False})):
        err = applied.ok("apply", "-y", code=1).err
    assert "Not deleted" in err and applied.id("assistant.b") == id


def test_a_time_that_there_is_not(applied: World) -> None:
    """Whatever a list says of when things were made, what comes of it can be read again: the
    journal, too.
    """
    applied.write({"docs/a.md": "# A, again\n"})
    old = {
        "id": "file-old",
        "filename": "z",
        "purpose": "assistants",
        "created_at": 1e300,
        "bytes": 1e300,
    }
    files = {"data": [old], "has_more": False}
    with applied.behind(
        lambda app: _answering(
            _answering(app, "POST", "/files", {"id": "a/b"}), "GET", "/files", files
        )
    ):
        applied.ok("apply", "-y", code=1)
    applied.apply()
    applied.settled()


@pytest.mark.parametrize(
    "to", ["assistant.B", "assistant.a b", "assistant." + "x" * 65, "assistant.ü", "assistant.1"]
)
def test_moving_to_what_no_spec_could_declare(applied: World, to: str) -> None:
    """`state mv` takes only names that a spec may have."""
    before = (applied.root / LOCK).read_text()
    assert "No spec could declare" in applied.ok("state", "mv", "assistant.b", to, code=1).err
    assert (applied.root / LOCK).read_text() == before


@pytest.mark.parametrize("to", ["file.../x.md", "file./x.md", "file.docs//x.md", "file..git/x"])
def test_moving_a_file_to_no_path(applied: World, to: str) -> None:
    """A file's address is its path from the workspace root."""
    assert "No spec could declare" in applied.ok("state", "mv", "file.docs/a.md", to, code=1).err


def test_an_object_that_is_nested_too_deeply(applied: World) -> None:
    """What somebody has nested in thousands of levels is refused by name, by plan and
    accept alike.
    """
    value: Any = 1
    for _ in range(600):
        value = [value]
    tool = {"type": "function", "function": {"name": "f", "parameters": {"enum": value}}}
    item = {
        "id": applied.id("assistant.b"),
        "object": "assistant",
        "model": "m",
        "tools": [tool],
        "metadata": {},
    }
    page = {"data": [item], "has_more": False}
    with applied.behind(lambda app: _answering(app, "GET", "/assistants", page)):
        for command in ("plan", "accept", "drift"):
            err = applied.ok(command, code=1).err
            assert "nested in more than 150 levels" in err and "/assistants`" in err


def test_a_kind_that_nobody_knows(applied: World) -> None:
    """A lock may name what this release does not know: that is said, and nothing is done."""
    edited(
        applied, lambda lock: lock["resources"].update({"widget.x": {"id": "w_1", "fields": {}}})
    )
    assert "`widget.x` is nothing that this release knows" in applied.ok("plan", code=1).err
    assert not applied.calls


def test_one_id_for_two_objects(world: World) -> None:
    """The second one is refused before it is recorded, and the lock can be read afterwards."""

    def same(method: str, path: str, status: int, body: Any) -> tuple[int, Any]:
        return status, {**body, "id": "asst_same"} if (method, path) == (
            "POST",
            "/assistants",
        ) else body

    world.write({"specs/all.yaml": {"assistants": {"a": {"model": "m"}, "b": {"model": "m"}}}})
    with world.behind(partial(Odd, answer=same)):
        err = world.ok("apply", "-y", code=1).err
    assert "Reply not understood" in err and "with the id `asst_same`, which `assistant." in err
    assert len(world.lock()["resources"]) == 1
    assert world.run("plan", "--force").code == 0


@pytest.mark.parametrize("shown", ["text", [1], 5])
def test_metadata_of_another_shape_in_a_single_read(applied: World, shown: Any) -> None:
    """An update reads the object before it writes: metadata that nobody can read is not metadata
    that is not there, and nothing is sent over it.
    """
    before = applied.http("GET", "/assistants/${assistant.b}")

    def odd(method: str, path: str, status: int, body: Any) -> Any:
        one = method == "GET" and path.startswith("/assistants/")
        return status, {**body, "metadata": shown} if one else body

    specs = SPECS["specs/all.yaml"].replace("b: {model: m}", "b: {model: m, instructions: New}")
    applied.write({"specs/all.yaml": specs})
    with applied.behind(partial(Odd, answer=odd)):
        err = applied.ok("apply", "-y", code=1).err
    assert "Reply not understood" in err and "as `metadata`" in err
    assert applied.http("GET", "/assistants/${assistant.b}") == before


@pytest.mark.parametrize(
    "resources", ["text", [1], {"code_interpreter": [1]}, {"code_interpreter": {"file_ids": 5}}]
)
def test_an_odd_user_of_a_lost_upload(world: World, resources: Any) -> None:
    """What looks for a lost upload among assistants of others reads them as everything else does."""
    world.http("POST", "/assistants", {"model": "m"})

    def odd(method: str, path: str, status: int, body: Any) -> Any:
        if (method, path) == ("POST", "/files"):
            return 500, {"error": {"message": "lost"}}
        if (method, path) == ("GET", "/assistants"):
            return status, {**body, "data": [{**body["data"][0], "tool_resources": resources}]}
        return status, body

    world.write({"specs/all.yaml": {"files": {"f": {"path": "a.md"}}}, "a.md": "# A\n"})
    with world.behind(partial(Odd, answer=odd)):
        err = world.ok("apply", "-y", code=1).err
    assert "Reply not understood" in err and "as `tool_resources`" in err


def test_an_odd_user_of_what_goes(world: World) -> None:
    """Nobody knows what an assistant uses that cannot be read: what a plan deletes may be it."""
    world.http("POST", "/assistants", {"model": "m", "name": "Theirs"})

    def odd(method: str, path: str, status: int, body: Any) -> Any:
        if (method, path) == ("GET", "/assistants"):
            return status, {**body, "data": [{**body["data"][0], "tool_resources": "text"}]}
        return status, body

    world.write({"specs/all.yaml": {"files": {"f": {"path": "a.md"}}}, "a.md": "# A\n"})
    world.apply()
    file = world.id("file.a.md")
    world.write({"specs/all.yaml": {"files": {}}})
    with world.behind(partial(Odd, answer=odd)):
        out = world.ok("apply", "-y", "--force").out
    assert "possibly" in out and "which cannot be read" in out
    assert world.http("GET", f"/files/{file}")["id"] == file


def test_odd_objects_of_others_are_left_out(world: World) -> None:
    """Whatever their kind, and however they are listed: nobody of ours is in the way of them, nor
    they of us.
    """
    vault = world.http("POST", "/vaults", {"name": "Theirs"}, expect=201)["id"]
    auth = {"type": "static_bearer", "mcp_server_url": "https://a.example", "token": "t"}
    below = f"/vaults/{vault}/credentials"
    world.http("POST", below, {"name": "Theirs", "auth": auth}, expect=201)
    target = {
        "type": "new_session",
        "environment": {"type": "none"},
        "agent": {"model": "m"},
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "Go."}]}],
    }
    often = {"type": "periodic", "expression": "0 8 * * 1", "timezone": "UTC"}
    world.http("POST", "/agents/automations", {"name": "Theirs", "target": target, **often})
    odd_ones = {below: {"auth": "text"}, "/agents/automations": {"target": 5, "created_by": "x"}}

    def odd(method: str, path: str, status: int, body: Any) -> Any:
        if method == "GET" and path in odd_ones:
            return status, {**body, "data": [{**body["data"][0], **odd_ones[path]}]}
        return status, body

    world.write({"specs/all.yaml": {"assistants": {"a": {"model": "m"}}}})
    with world.behind(partial(Odd, answer=odd)):
        said = world.ok("import", "--all", "--kind", "vault", "-y")
    assert said.err.count("which has another shape at OpenAI: it is left out.") == 2


@pytest.mark.parametrize("field", [{"top_p": "text"}, {"tools": 5}, {"temperature": {}}])
def test_a_field_of_another_kind_in_a_lock(applied: World, field: dict[str, Any]) -> None:
    """A field has its shape wherever it stands, also where its kind has no such field."""
    store = next(one for one in applied.lock()["resources"] if one.startswith("vector_store."))
    edited(applied, lambda lock: lock["resources"][store]["fields"].update(field))
    assert "is of another shape" in applied.ok("plan", code=1).err


def test_bad_specs_come_before_bad_data(world: World) -> None:
    """What the author can mend is said first, and a plan of bad specs leaves nothing behind."""
    world.write({"specs/all.yaml": {"assistants": {"a": {"modle": "m"}}}})

    assert "Unknown key" in world.ok("plan", code=1).err
    assert not (world.root / ".provisioner").exists()

    (world.root / ".provisioner").write_text("")
    assert "Unknown key" in world.ok("plan", code=1).err
