"""Whatever lies in the place of a file or comes for a reply, a command ends in words, and
in time.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.remote import client
from provisioner.remote.retries import Retries
from provisioner.views.plan_json import digest
from tests.e2e import shop
from tests.support.injecting import Injection
from tests.support.world import World

from .mutations import damaged, torn, written

CASES = int(
    os.environ.get("PROVISIONER_FUZZ", "200" if os.environ.get("PROVISIONER_THOROUGH") else "25")
)
SEED = int(os.environ.get("PROVISIONER_SEED", "1"))
SECONDS = 20  # that one command may take, on a busy machine, too
MEGABYTES = 600  # that all commands of a test may need beyond what is there before
LOCK = ".provisioner/local/lock.json"
GOOD = (0, 1, 2, 130)

Damage = Callable[[World, random.Random], str]
"""Damages something in a workspace; says what, for whoever has to find out."""

READ = (
    "plan",
    "plan --no-refresh",
    "plan --json",
    "drift",
    "drift --json",
    "output",
    "state list",
    "accept",
    "graph",
)
READ += (
    "plan --format html",
    "plan --destroy",
    "show",
    "state show assistant.full --json",
    "validate",
)
WRITE = (
    "apply -y",
    "apply -y --force",
    "destroy -y",
    "state rm assistant.plain",
    "apply -y --json",
)
WRITE += ("state mv assistant.plain assistant.other", "state rebuild")


def specs() -> dict[str, Any]:
    """A workspace with every sort of thing in it that a reader may meet."""
    spec = shop.SPEC
    tool = {"type": "file_search", "vector_stores": ["kb"]}
    more = {
        "profiled": {
            "model": "gpt-4o",
            "api": "responses",
            "tools": [tool],
            "instructions": {"file": "p.md"},
        }
    }
    settings = {
        "workspace": "w",
        "variables": {"n": 1, "t": "x"},
        "environments": {
            "local": {"service": "local", "keep_versions": 2, "accept_loss": ["temperature"]}
        },
        "policies": {"models": {"allow": ["gpt-*"]}},
    }
    assistants = {**spec["assistants"], **more}
    files = {
        **shop.FILES,
        "specs/all.yaml": {**spec, "assistants": assistants},
        "p.md": "Be kind.\n",
    }
    return {**files, "provisioner.yaml": settings}


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace after an apply, with a saved plan beside it."""
    root = tmp_path_factory.mktemp("fuzz") / "w"
    root.mkdir()
    world = World(root)
    world.write(specs())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("provisioner.local.create_app", world.app)
        patch.setenv("NO_COLOR", "1")
        world.ok("apply", "-y")
        lock = world.lock()
        full = lock["resources"]["assistant.full"]
        full["resetting"], full["unkept"] = (
            ["top_p"],
            {'metadata["odd key"]': {"sent": "a", "got": "b"}},
        )
        full["overwritten"] = {"serial": 1, "values": {"instructions": "sha256:" + "0" * 64}}
        lock["resources"]["vector_store.bare"]["deposed"] = [
            {"id": "vs_old", "files": ["file-old"]}
        ]
        world.write({LOCK: json.dumps(lock, indent=2, sort_keys=True)})
        edited = shop.edited()
        world.write({"docs/c.md": "# C, anew\n", "specs/all.yaml": edited["specs/all.yaml"]})
        world.ok("plan", "--out", "saved.plan")
        world.write({LOCK + ".journal": journal(world)})
    return root


def journal(world: World) -> str:
    """What an apply leaves that is killed in the middle."""
    lock = world.lock()
    head = {key: lock[key] for key in ("lineage", "serial", "workspace", "environment", "origin")}
    full = lock["resources"]["assistant.full"]
    upload = {
        "filename": "c.md",
        "bytes": 10,
        "sha256": "0" * 64,
        "purpose": "assistants",
        "since": 1,
        "seen": [],
    }
    lines: list[Any] = [
        {**head, "carried": [], "started": "2026-01-01T00:00:00+00:00"},
        {
            "type": "intent",
            "id": 1,
            "address": "assistant.full",
            "action": "update",
            "wrote": ["top_p"],
        },
        {"type": "result", "id": 1, "entry": full, "also": {"assistant.gone": None}},
        {
            "type": "intent",
            "id": 2,
            "address": "file.docs/c.md",
            "action": "replace",
            "at": 1.5,
            "sent": 2.5,
            **upload,
        },
        {"type": "again", "id": 2, "sent": 3.5},
        {
            "type": "intent",
            "id": 3,
            "address": "vector_store.new",
            "action": "create",
            "stamp": "w/local/x#00000000.1",
        },
        {
            "type": "intent",
            "id": 4,
            "address": "vector_store.bare",
            "action": "delete",
            "object": "vs_old",
        },
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.fixture
def fuzzed(world: World, monkeypatch: pytest.MonkeyPatch, hasty: None) -> World:
    """A world in which failures are not waited for."""
    retries = partial(Retries, base=0.001, cap=0.001, unknown=2, throttled=2, unsent=2)
    monkeypatch.setattr(client, "Retries", retries)
    return world


@contextmanager
def in_time(seconds: int) -> Iterator[None]:
    """Fail whatever takes longer, wherever it hangs."""

    def late(_number: int, frame: types.FrameType | None) -> None:
        pytest.fail(f"still running after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def one(
    applied: Path, world: World, damage: Damage, words: tuple[str, ...], seed: str
) -> str | None:
    """One command in a fresh copy with some damage; what is wrong with how it ended."""
    shutil.rmtree(world.root)
    shutil.copytree(applied, world.root)
    draw = random.Random(seed)
    command = draw.choice(words)
    if not seed.startswith("journal"):
        (world.root / (LOCK + ".journal")).unlink()
    what = damage(world, draw)
    with in_time(SECONDS):
        found = world.run(*command.split())
    said = found.out + found.err
    if found.code in GOOD and "Traceback" not in said and "bug in provisioner" not in said:
        return None
    return f"seed {seed!r}, `{command}` ended with {found.code} after {what}\n{said[-2500:]}"


def all_well(
    applied: Path, world: World, damage: Damage, words: tuple[str, ...], name: str, cases: int
) -> None:
    """No case ends in another way than in words."""
    before = memory()
    ends = [one(applied, world, damage, words, f"{name} {SEED}.{case}") for case in range(cases)]
    bad = [end for end in ends if end is not None]
    assert not bad, f"{len(bad)} of {cases}:\n\n" + "\n\n".join(bad[:20])
    assert memory() - before < MEGABYTES


def memory() -> float:
    """Megabytes that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def document(file: str, again: Callable[[Any], Any] = lambda value: value) -> Damage:
    """Damage to the values of a JSON document, or to its text; `again` brings up to date what is
    reckoned from it.
    """

    def damage(world: World, draw: random.Random) -> str:
        path = world.root / file
        if draw.random() < 0.15:
            path.write_bytes(torn(path.read_bytes(), draw))
            return "torn"
        value = damaged(json.loads(path.read_bytes()), draw)
        text = written(again(value))
        path.write_text(text)
        return text if len(text) < 2000 else f"{file} damaged"

    return damage


def redigested(value: Any) -> Any:
    if isinstance(value, dict) and draw_is_whole(value):
        value["digest"] = digest(value)
    return value


def draw_is_whole(value: Any) -> bool:
    """Whether the digest of a document can be reckoned: what only JSON's text can hold makes it a
    stranger anyway.
    """
    return "~" not in json.dumps(value)


def lines(file: str) -> Damage:
    """Damage to a document of a line each."""

    def damage(world: World, draw: random.Random) -> str:
        path = world.root / file
        if draw.random() < 0.15:
            path.write_bytes(torn(path.read_bytes(), draw))
            return "torn"
        records = [json.loads(line) for line in path.read_text().splitlines()]
        at = draw.randrange(len(records))
        records[at] = damaged(records[at], draw)
        texts = [written(record, None) for record in records]
        path.write_text("\n".join(texts) + "\n")
        return texts[at][:2000]

    return damage


def settings(file: str) -> Damage:
    """Damage to a file of YAML."""

    def damage(world: World, draw: random.Random) -> str:
        path = world.root / file
        if draw.random() < 0.3:
            path.write_bytes(torn(path.read_bytes(), draw))
            return "torn"
        value = damaged(yaml.safe_load(path.read_bytes()), draw)
        path.write_text(yaml.safe_dump(value, sort_keys=False))
        return "damaged"

    return damage


def lease(world: World, draw: random.Random) -> str:
    from provisioner.lock.lease import Lease

    text = written(damaged(json.loads(Lease.mine().text()), draw))
    (world.root / (LOCK + ".lease")).write_text(text)
    return text[:2000]


FILES: dict[str, tuple[Damage, tuple[str, ...]]] = {
    "lock": (document(LOCK), (*READ, *WRITE)),
    "journal": (lines(LOCK + ".journal"), (*READ, *WRITE)),
    "lease": (lease, ("apply -y", "force-unlock x", "state mv assistant.plain assistant.b")),
    "plan": (
        document("saved.plan", redigested),
        (
            "apply saved.plan",
            "apply saved.plan --force",
            "show saved.plan",
            "apply saved.plan --json",
        ),
    ),
    "spec": (
        settings("specs/all.yaml"),
        ("validate", "plan", "apply -y --force", "fmt", "validate --json", "accept"),
    ),
    "settings": (
        settings("provisioner.yaml"),
        ("validate", "plan", "apply -y --force", "fmt", "state list", "drift"),
    ),
}


@pytest.mark.parametrize("reader", FILES)
def test_a_file(reader: str, applied: Path, fuzzed: World) -> None:
    """A damaged file is a problem with a place, or does no harm."""
    damage, words = FILES[reader]
    all_well(applied, fuzzed, damage, words, reader, CASES)


class Stranger(Injection):
    """A service that damages one reply, in its values or in its text."""

    def __init__(self) -> None:
        self.draw, self.left, self.reported = random.Random(0), 0, ""

    def begin(self, _world: World, draw: random.Random) -> str:
        """Choose a reply."""
        self.draw, self.left, self.reported = (
            draw,
            draw.choice((0, 1, 2, 3, 5, 8, 13, 21)),
            "no reply",
        )
        return "a reply"

    def happened(self) -> bool:
        return bool(self.reported)

    def around(self, app: Any) -> Any:
        async def damaging(scope: Any, receive: Any, send: Any) -> None:
            messages: list[Any] = []

            async def keep(message: Any) -> None:
                messages.append(message)

            await app(scope, receive, keep)
            self.left -= 1
            if self.left == -1 and messages[0]["type"] == "http.response.start":
                self.damage(scope, messages)
            for message in messages:
                await send(message)

        return damaging

    def damage(self, scope: Any, messages: list[Any]) -> None:
        body = b"".join(message.get("body", b"") for message in messages[1:])
        if self.draw.random() < 0.15:
            body = torn(body, self.draw)
        else:
            body = written(damaged(json.loads(body), self.draw)).encode()
        if self.draw.random() < 0.1:
            messages[0]["status"] = self.draw.choice((200, 201, 204, 302, 400, 404, 418, 429, 500))
        self.reported = (
            f"{scope['method']} {scope['path']} answered {messages[0]['status']} {body[:2000]!r}"
        )
        messages[0]["headers"] = [
            pair for pair in messages[0]["headers"] if pair[0] != b"content-length"
        ]
        messages[1:] = [{"type": "http.response.body", "body": body}]


def test_a_reply(applied: Path, fuzzed: World) -> None:
    """A damaged reply is a problem, or does no harm."""
    stranger = Stranger()
    words = (
        "plan",
        "apply -y --force",
        "drift",
        "accept",
        "destroy -y",
        "state rebuild",
        "apply saved.plan",
        "plan --json",
    )
    with fuzzed.behind(stranger):
        all_well(applied, fuzzed, stranger.begin, words, "reply", CASES * 3)
