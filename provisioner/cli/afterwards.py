"""`apply --check`: holds the checks of what was applied, and says what to do where one fails."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from provisioner import interrupts
from provisioner.cli.console import Console
from provisioner.cli.options import PlanFormat
from provisioner.records import dataclass

if TYPE_CHECKING:
    from provisioner.engine import Context
    from provisioner.model import CheckReport, CheckResult, Plan

_NOTHING = "No checks: nothing that was applied has any."
_NO_COMMIT = {
    True: "a saved plan does not say it; `--commit` does",
    False: "the workspace has edits that are not committed, or is in no git repository",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of the checks after an apply."""

    report: CheckReport
    commit: str | None  # that what was applied is of
    saved: bool  # whether it was a saved plan

    @property
    def code(self) -> int:
        if self.report.interrupted:
            return interrupts.CODE
        return 0 if self.report.passed else 1

    @property
    def document(self) -> dict[str, Any]:
        """For the summary of the apply; the checks themselves were events."""
        from provisioner.views.checks import checks_document

        document = checks_document(self.report)
        kept = {name: document[name] for name in ("notes", "interrupted")}
        return {**document["summary"], **kept, "commit": self.commit}


async def check_afterwards(
    console: Console, context: Context, plan: Plan, commit: str | None, *, saved: bool
) -> Checked:
    """Hold the checks of what a plan has touched; each is said as it comes."""
    from provisioner.cli.check import progress
    from provisioner.engine.afterwards import touched
    from provisioner.engine.checking import CheckOptions, run_checks
    from provisioner.engine.subjects import Chosen, applied

    words = touched(context, plan)
    subjects, notes, lock = applied(context, words) if words else Chosen([], [])
    if not subjects:
        console.say(_NOTHING)
    out = sys.stdout
    with progress(console) as say:

        def on_done(result: CheckResult) -> None:
            say(result)
            if console.json:
                from provisioner.views.checks import result_json

                event = {"type": "check", **result_json(result)}
                print(json.dumps(event, ensure_ascii=False), file=out, flush=True)

        report = await run_checks(
            context, subjects, CheckOptions(), on_done=on_done, notes=notes, lock=lock
        )
    return Checked(report, commit, saved)


def conclude(console: Console, checked: Checked, format: PlanFormat) -> None:
    """Print what came of the checks below what was applied, and the way back."""
    from provisioner.views.checks import checks_markdown, checks_text

    if checked.report.results and not console.json:
        if format is PlanFormat.text:
            console.result(checks_text(checked.report, console.paint()))
        elif format is PlanFormat.markdown:
            console.result(f"\n{checks_markdown(checked.report)}")
        else:  # a page is one document
            console.say(checks_text(checked.report, console.paint(sys.stderr)).rstrip("\n"))
    if checked.code == 1:
        console.say(_way_back(checked))


def _way_back(checked: Checked) -> str:
    stays = "A check failed. What was applied stays applied."
    if checked.commit:
        return f"{stays} To take it back, revert commit {checked.commit} and apply again."
    return (
        f"{stays} Which commit to revert is not known: {_NO_COMMIT[checked.saved]}. To take it"
        " back, undo the edit in the specs and apply again."
    )
