"""What counts: the numbers of a plan and the summary lines of DESIGN §4.2."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.model import Action, Plan

_PLANNED = ("import", "add", "change", "replace", "destroy", "forget")
APPLIED = ("imported", "added", "changed", "replaced", "destroyed", "forgotten")
_ACTIONS = {
    "add": Action.CREATE,
    "change": Action.UPDATE,
    "replace": Action.REPLACE,
    "destroy": Action.DELETE,
    "forget": Action.FORGET,
}


def plan_counts(plan: Plan) -> dict[str, int]:
    """The `summary` of a plan document. An import that also updates counts once, as an import."""
    imports = [change for change in plan.changes if change.importing]
    counts = {"import": len(imports)}
    counts.update((word, plan.count(action)) for word, action in _ACTIONS.items())
    counts["change"] -= sum(change.action is Action.UPDATE for change in imports)
    counts["destroy"] += _old_objects(plan, "delete")
    counts["forget"] += _old_objects(plan, "forget")
    counts["unchanged"] = plan.unchanged
    return counts


def _old_objects(plan: Plan, action: str) -> int:
    return sum(remnant.action == action for remnant in (*plan.orphans, *plan.deposed))


def summary_line(plan: Plan) -> str:
    """`Plan: 0 to import, 1 to add, …`."""
    counts = plan_counts(plan)
    return f"Plan: {', '.join(f'{counts[word]} to {word}' for word in _PLANNED)}."


def applied_line(counts: Mapping[str, int]) -> str:
    """`Apply complete! Resources: 0 imported, 1 added, …`."""
    return f"Apply complete! Resources: {_resources(counts)}."


def incomplete_line(counts: Mapping[str, int]) -> str:
    """What an apply did before it failed or was interrupted."""
    return f"Apply incomplete. Resources: {_resources(counts)}."


def _resources(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts.get(word, 0)} {word}" for word in APPLIED)
