"""The page about checks: what it shows is held, and comes out as it says."""

from __future__ import annotations

import re

from tests.docs.pages import blocks
from tests.support.world import World

PAGE = "docs/checks.md"


def of(info: str) -> list[str]:
    return [block.text for block in blocks(info) if block.page == PAGE]


def test_the_checks_of_the_page_hold(world: World) -> None:
    """Each of its specs is applied and checked; where one is made to fail, it says what is shown."""
    (code,) = of("python")
    leave = "# Leave\nAn employee has 27 vacation days."
    world.write({"docs/leave.md": leave, "data/sales.csv": "may,3\n", "checks/answers.py": code})
    specs = of("yaml spec")
    world.write({f"specs/{number}.yaml": text for number, text in enumerate(specs)})
    world.apply()
    assert len(specs) == 4
    held = world.ok("check").out
    assert "Checks: 6 passed." in held
    assert (
        "        was       Within thirty days, says expenses.md.\n        replied   You said"
        in held
    )
    world.write({"specs/0.yaml": specs[0].replace("contains: 27", "contains: 30")})
    failed = world.ok("check", "assistant.support#vacation", code=1).out
    (shown,) = of("text")
    assert re.sub(r"  \(.*\)\n", "\n", failed).startswith(shown)
