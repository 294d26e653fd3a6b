"""What somebody approved elsewhere: it is applied as it was shown, and once."""

from __future__ import annotations

from collections.abc import Collection

from provisioner.errors import PlanError
from provisioner.model import Approved, Plan, Problem, Row
from provisioner.planfile.checksum import checksum, is_covered, rows, unfinished


def check_approval(
    plan: Plan, applied: Approved | None, approved: str | None, commit: str | None
) -> None:
    """PlanError where the plan is not the `approved` one, or where that of `commit` was applied
    already. An apply that failed part-way may be run again: it is allowed to do what it has left.
    """
    if commit is not None and applied is not None and applied.commit == commit:
        _check_again(plan, applied, approved)
    elif approved is not None and not is_same(approved, checksum(plan)):
        raise _differs(plan, approved)


def _differs(plan: Plan, approved: str) -> PlanError:
    detail = (
        f"The plan has the checksum `{checksum(plan)}`, not `{approved.strip()}`: it is not what"
        " was approved."
    )
    return PlanError(
        Problem("Plan differs", detail, "review the plan above, and approve its checksum")
    )


def _check_again(plan: Plan, applied: Approved, approved: str | None) -> None:
    if plan.empty:
        return
    if not applied.left:
        detail = (
            f"The plan of the commit `{applied.commit}` was applied already, with the checksum"
            f" `{applied.checksum}`."
        )
        detail += " What the plan shows now has drifted since then."
        hint = (
            "approve it as a plan of its own: in another pull request, or by its checksum and"
            " without `--commit`"
        )
        raise PlanError(Problem("Already applied", detail, hint))
    if approved is None:
        return
    if not (is_same(approved, applied.checksum) or is_same(approved, checksum(plan))):
        raise _differs(plan, approved)
    if not is_covered(plan, applied.left):
        detail = (
            f"The plan of the commit `{applied.commit}` was applied in part, and this plan does"
            " more than is left."
        )
        raise PlanError(
            Problem("Plan differs", detail, "review the plan above, and approve its checksum")
        )


def is_same(one: str, other: str) -> bool:
    """Whether two checksums are one, as somebody may have copied them."""
    return one.strip().removeprefix("sha256:") == other.strip().removeprefix("sha256:")


def begin(plan: Plan, before: Approved | None, commit: str | None) -> Approved | None:
    """What the lock says if the apply is ended at any instant: all of it may be left to do."""
    if commit is None:
        return before
    # What is left after a failure has another checksum than the one that was approved.
    again = before is not None and before.commit == commit and before.left
    first = before.checksum if before and again else checksum(plan)
    return Approved(commit, first, tuple(sorted(rows(plan).values())))


def end(
    plan: Plan, before: Approved | None, undone: Collection[Row], commit: str | None
) -> tuple[str, ...]:
    """What is left of the approved plan once the apply is over. Without a commit, what an earlier
    one has left and this one has done is not left any more.
    """
    left = unfinished(plan, undone)
    if commit is not None:
        return left
    done = set(rows(plan).values()) - set(left)
    return tuple(row for row in (before.left if before else ()) if row not in done)
