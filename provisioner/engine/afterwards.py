"""Checks after an apply: which it has touched, and which commit takes them back."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.engine.context import Context
from provisioner.errors import LockError, UsageError
from provisioner.lock.git_command import Git
from provisioner.model import Plan, Problem
from provisioner.model.plans import QUIET
from provisioner.refs import closure


def refuse_without_specs(context: Context) -> None:
    """Checks are no part of a plan: they are read from the specs, which have to be there before
    anything is applied. SpecError for faulty ones, UsageError where there are none.
    """
    if not context.specs.desired:
        detail = "`--check` reads the checks from the specs, and there are none here."
        hint = "apply the plan where its specs are, or leave `--check` out"
        raise UsageError(Problem("No specs", detail, hint))


def touched(context: Context, plan: Plan) -> list[str]:
    """The assistants with checks that a plan has changed, or something that they use; what it has
    deleted is not one of them.
    """
    gone = {change.address for change in plan.changes if change.action.goes}
    changed = {change.address for change in plan.changes if change.matters}
    changed |= {item.store for item in plan.store_file_changes if item.action not in QUIET}
    desired = context.specs.desired
    needs = {address: want.depends_on for address, want in desired.items()}
    return [
        str(address)
        for address, want in sorted(desired.items())
        if want.checks and address not in gone and not changed.isdisjoint(closure([address], needs))
    ]


def head(context: Context) -> str | None:
    """The commit that the workspace is of; None where it is of none, or has been edited since. What
    we write ourselves is no edit.
    """
    git = Git(context.root)
    try:
        if git.run("status", "--porcelain", "--", ".", *_ours(context)).out.strip():
            return None
        found = git.run("rev-parse", "--verify", "HEAD")
    except LockError:  # no git
        return None
    return found.out.decode().strip() or None if found.code == 0 else None


def _ours(context: Context) -> Iterator[str]:
    yield ":(exclude).provisioner"
    lock = context.environment.lock
    if isinstance(lock, str):
        yield from (f":(exclude){lock}", f":(exclude){lock}.journal")
