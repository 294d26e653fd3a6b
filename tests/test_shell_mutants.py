"""The list of edits by which the action's tests are tried."""

from __future__ import annotations

import dataclasses

import pytest

from scripts.shell_mutants import ROOT, Mutant, read


def test_the_list_fits_the_action() -> None:
    """Each edit is of a text that stands exactly once in its file, none leaves it as it is, and
    every file of the action has some; what installs has tests of its own.
    """
    listed = {mutant.file for mutant in read()}
    files = {f"action/{path.name}" for path in (ROOT / "action").iterdir()}

    assert files - listed == {"action/install.sh"} and listed - files == {"action.yml"}


@pytest.mark.parametrize(
    ("fault", "reported"),
    [
        ({"old": "nowhere to be found"}, "stands 0 times"),
        ({"old": "$"}, "not once"),
        ({"new": ' --checksum "$1"'}, "is not changed"),
        ({"guards": "luck"}, "the guards are approval, checksum"),
        ({"lives": "nobody knows"}, "has to be seen"),
    ],
)
def test_an_entry_that_proves_nothing_is_named(fault: dict[str, str], reported: str) -> None:
    """An edit that is not made would live, or one that guards something would be let live: the list
    is refused.
    """
    good = Mutant(
        "action/apply.sh", ' --checksum "$1"', "", "anything is applied", guards="checksum"
    )

    assert good.problem() == ""
    assert reported in dataclasses.replace(good, **fault).problem()
