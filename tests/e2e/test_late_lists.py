"""A service whose lists do not show at once what was just made: what a pause before a second
attempt is for.
"""

from __future__ import annotations

import pytest

from tests.e2e import odd
from tests.support.world import World

LATE = 0.25  # seconds; less than an apply pauses before it looks again
SPECS = {
    "assistants": {"assistants": {"a": {"model": "m"}}},
    "vector_stores": {"vector_stores": {"kb": {}}},
    "files": {"files": {"loose": {"path": "data/loose.csv"}}},
}


@pytest.mark.parametrize("collection", SPECS)
def test_a_lost_reply_and_a_late_list(world: World, collection: str) -> None:
    """The object is not there when it is looked for at once; a moment later it is, and is not made
    a second time.
    """
    world.write({"specs/all.yaml": SPECS[collection], "data/loose.csv": "a\n"})
    with world.behind(odd.lists_late(LATE), odd.loses_first(f"/{collection}")):
        reported = world.ok("apply", "-y")
    assert "the reply was lost" in reported.out + reported.err
    assert world.calls.count(("POST", f"/{collection}")) == 1
    world.settled()
    assert len(world.listed(f"/{collection}")) == 1
