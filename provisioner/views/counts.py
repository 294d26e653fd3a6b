"""What counts: the numbers of a plan and the summary lines of DESIGN §4.2."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.model import Action, Plan

_PLANNED = ("import", "add", "change", "replace", "move", "destroy", "forget")
APPLIED = ("imported", "added", "changed", "replaced", "moved", "destroyed", "forgotten")
_ACTIONS = {
    "add": Action.CREATE,
    "change": Action.UPDATE,
    "replace": Action.REPLACE,
    "destroy": Action.DELETE,
    "forget": Action.FORGET,
}


def plan_counts(plan: Plan) -> dict[str, int]:
    """The `summary` of a plan document. An import or a move that also updates counts in both."""
    counts = {word: plan.count(_ACTIONS[word]) if word in _ACTIONS else 0 for word in _PLANNED}
    counts["import"] = sum(bool(change.importing) for change in plan.changes)
    counts["move"] = sum(change.previous is not None for change in plan.changes)
    counts["destroy"] += _old_objects(plan, "delete")
    counts["forget"] += _old_objects(plan, "forget")
    counts["unchanged"] = plan.unchanged
    return counts


def _old_objects(plan: Plan, action: str) -> int:
    return sum(remnant.action == action for remnant in (*plan.orphans, *plan.deposed))


def summary_line(plan: Plan) -> str:
    """`Plan: 1 to add, 2 to change.`"""
    counts = plan_counts(plan)
    told = [f"{counts[word]} to {word}" for word in _PLANNED if counts[word]]
    return f"Plan: {', '.join(told) or 'no resource changes'}."


def applied_line(counts: Mapping[str, int]) -> str:
    """`Apply complete! Resources: 1 added, 2 changed.`"""
    return f"Apply complete! {_resources(counts)}"


def incomplete_line(counts: Mapping[str, int]) -> str:
    """What an apply did before it failed or was interrupted."""
    return f"Apply incomplete. {_resources(counts)}"


def _resources(counts: Mapping[str, int]) -> str:
    told = [f"{counts[word]} {word}" for word in APPLIED if counts.get(word)]
    return f"Resources: {', '.join(told)}." if told else "Nothing was changed."
