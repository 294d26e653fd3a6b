"""`make demo-migrate` follows the page about the Assistants API, and prints what that shows."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from scripts import demo
from tests.docs.pages import ROOT, blocks
from tests.docs.session import Step, fits, steps
from tests.support.running import surroundings

_PAGE = demo.MIGRATION.relative_to(ROOT).as_posix()


def shown() -> list[Step]:
    """The commands of the page, with what they print."""
    return [
        step for block in blocks("console") if block.page == _PAGE for step in steps(block.text)
    ]


@pytest.mark.thorough
def test_the_demo_runs_and_the_page_shows_what_it_prints() -> None:
    """From an export to checks whose old answers stand beside the new ones."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/demo.py", "migrate"],
        env=surroundings(NO_COLOR="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    wanted = shown()
    printed = re.split(r"\n\$ (.*)\n", done.stdout)[1:]
    assert [step.command for step in wanted] == printed[::2]
    assert {step.command.split()[1] for step in wanted} >= {"import", "validate", "apply", "output"}
    for step, output in zip(wanted, printed[1::2], strict=True):
        real = re.sub(r"\n\n# [^\n]*\n$", "\n", f"{output}\n")
        assert fits(step.output, real), f"$ {step.command}\n{real}"
