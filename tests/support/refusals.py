"""What a refusal has to be: said in full, with nothing sent that writes and every lock as
it was.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.running import Result
from tests.support.world import World

_IDS = re.compile(r"\b(asst|vs|vsfb|file)[-_][A-Za-z0-9]{8,}")
_LINEAGES = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_SUMS = re.compile(r"\bsha256:[0-9a-f]{64}\b")


def masked(text: str) -> str:
    """A text without what differs from run to run."""
    return _SUMS.sub("<sum>", _LINEAGES.sub("<lineage>", _IDS.sub(r"<\1>", text)))


def refused(world: World, *words: str) -> Result:
    """Run a command line that must be refused."""
    before = _locks(world)
    world.calls.clear()
    result = world.ok(*words, code=1)
    assert {method for method, _ in world.calls} <= {"GET"}
    assert _locks(world) == before
    return result


def _locks(world: World) -> dict[Path, bytes]:
    """Every lock, and whatever lies beside it."""
    return {path: path.read_bytes() for path in world.root.rglob("*lock.json*")}
