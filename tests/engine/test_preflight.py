"""What the stamps of objects say about the lock: some of it stops a plan before it is made."""

from __future__ import annotations

from typing import Any

from provisioner.engine.preflight import check_lock, check_ownership
from provisioner.engine.refresh import Refreshed
from provisioner.errors import PlanError
from provisioner.model import Address, Live, Stamp
from provisioner.plan import Stray
from tests.plan.spelling import BASE, LINEAGE, situation
from tests.support.tables import table

BOT = "assistant.bot"
NOTHING: dict[str, Any] = dict.fromkeys(BASE)


def refusal(*beside: str, fresh: bool = False, **sides: Any) -> str:
    """How a plan is refused where objects with these stamps are there that the lock does not name."""
    marks = [mark for mark in map(Stamp.parse, beside) if mark]
    others = [
        Stray(Address.parse(mark.address), Live(f"asst_{at}", {}, mark), api="assistants")
        for at, mark in enumerate(marks)
    ]
    strays = (one for one in others if one.live.stamp and one.live.stamp.lineage == LINEAGE[:8])
    case = situation(**sides, strays=tuple(strays))
    shown = [*case.observed.live.values(), *(one.live for one in others)]
    refreshed = Refreshed(case.observed, stamped=tuple(live for live in shown if live.stamp))
    try:
        check_lock(refreshed, case.lock, fresh=fresh)
        check_ownership(case.lock, refreshed, case.claims.values())
    except PlanError as error:
        return ", ".join(problem.summary for problem in error.problems)
    return "-"


@table("""
    ours                                   | beside                             | refused
    acme/prod/assistant.bot#0f1e2d3c.3     | -                                  | -
    acme/prod/assistant.bot#0f1e2d3c.2     | -                                  | -
    acme/prod/assistant.bot#0f1e2d3c.4     | -                                  | Lock is behind
    acme/prod/assistant.old#0f1e2d3c.3     | -                                  | -
    no stamp                               | -                                  | -
    acme/prod/assistant.bot#ffffffff.3     | -                                  | Foreign object
    acme/prod/assistant.bot#ffffffff.4     | -                                  | Foreign object
    acme/staging/assistant.bot#0f1e2d3c.3  | -                                  | Foreign object
    other/prod/assistant.bot#0f1e2d3c.3    | -                                  | Foreign object
    acme/prod/assistant.bot#0f1e2d3c.3     | acme/prod/assistant.bot#0f1e2d3c.3 | -
    acme/prod/assistant.bot#0f1e2d3c.3     | acme/prod/assistant.new#0f1e2d3c.4 | Lock is behind
    acme/prod/assistant.bot#0f1e2d3c.3     | acme/prod/assistant.bot#ffffffff.4 | -
    gone                                   | -                                  | -
    gone                                   | acme/prod/assistant.bot#0f1e2d3c.3 | -
    gone                                   | acme/prod/assistant.bot#ffffffff.3 | -
""")
def test_the_object_that_the_lock_names(ours: str, beside: str, refused: str) -> None:
    """Only stamps of our own lineage are ours, and none of them is from after the lock's apply."""
    live = None if ours == "gone" else {"stamp": Stamp.parse(ours)}
    assert refusal(beside, live={BOT: live}) == refused


@table("""
    first                              | second                             | refused
    acme/prod/assistant.bot#0f1e2d3c.3 | -                                  | -
    acme/prod/assistant.bot#0f1e2d3c.3 | acme/prod/assistant.bot#0f1e2d3c.2 | Several objects
    acme/prod/assistant.bot#0f1e2d3c.3 | acme/prod/assistant.bot#ffffffff.3 | -
    acme/prod/assistant.new#0f1e2d3c.3 | acme/prod/assistant.new#0f1e2d3c.3 | -
""")
def test_what_the_lock_does_not_name(first: str, second: str, refused: str) -> None:
    """Two objects of one declared address are a question, whether its object is new or gone."""
    for sides in ({"lock": {BOT: None}}, {"live": {BOT: None}}):
        assert refusal(first, second, **sides) == refused


@table("""
    stamp                              | refused
    acme/prod/assistant.bot#0f1e2d3c.1 | Lock is gone
    acme/prod/assistant.new#ffffffff.1 | Lock is gone
    -                                  | -
""")
def test_where_there_is_no_lock(stamp: str, refused: str) -> None:
    """What carries a stamp of this workspace and environment was made with a lock."""
    assert refusal(stamp, lock=NOTHING, fresh=True) == refused
