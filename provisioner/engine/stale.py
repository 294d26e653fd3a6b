"""Whether a saved plan still fits: what it rests on is compared with the lock and the service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provisioner.engine.context import Context
from provisioner.engine.refresh import Refreshed, RefreshRequest
from provisioner.errors import PlanError
from provisioner.kinds import holds_files, kind
from provisioner.kinds.base import Names
from provisioner.model import (
    QUIET,
    Action,
    Address,
    Desired,
    Locked,
    LockState,
    Plan,
    Problem,
    Source,
)
from provisioner.planfile.basis import basis
from provisioner.refs import cycle
from provisioner.remote import Remote, together
from provisioner.text import listed

_ANEW = "make a new one with `provisioner plan --out FILE`"
_AGAIN = "run `provisioner plan` again and have the new plan reviewed"


def check_identity(context: Context, plan: Plan) -> None:
    """PlanError when a plan was made for another workspace, environment or service."""
    ours = (context.workspace.name, context.environment.name, context.service.base_url)
    theirs = (plan.workspace, plan.environment, plan.service.base_url)
    if ours != theirs:
        said = (
            f"`{theirs[0]}` in `{theirs[1]}` at `{theirs[2]}`, and this is `{ours[0]}` in"
            f" `{ours[1]}` at `{ours[2]}`"
        )
        hint = "apply it where it was made for, or make another plan here"
        raise PlanError(Problem("Foreign plan", f"The plan was made for {said}.", hint))


def check_lineage(plan: Plan, lock: LockState | None) -> None:
    """PlanError when the lock is another one than the plan was made from."""
    if (lock.lineage if lock else plan.lineage) != plan.lineage:
        detail = (
            f"The plan was made from lineage `{plan.lineage}`, and the lock is of"
            f" `{lock.lineage if lock else '-'}`."
        )
        raise PlanError(Problem("Stale plan", detail, _AGAIN))
    if lock is None and plan.serial > 0:
        raise PlanError(
            Problem(
                "Stale plan", "The plan was made from a lock that is not there any more.", _AGAIN
            )
        )


def check_order(plan: Plan, resources: Mapping[Address, Locked]) -> None:
    """PlanError where things wait for each other, or for what nobody makes, so that only a part of
    the plan could ever be done.
    """
    there = {*resources, *(change.address for change in plan.changes if change.after is not None)}
    for change in plan.changes:
        left = [
            one
            for one in kind(change.address.kind).references(change.after or {})
            if one not in there
        ]
        if left:
            detail = (
                f"`{change.address}` refers to `{left[0]}`, which is neither in the lock nor in the"
                " plan."
            )
            raise PlanError(Problem("Not a plan", detail, _ANEW, address=str(change.address)))
    needs = {
        address: set(kind(address.kind).references(entry.fields))
        for address, entry in resources.items()
    }
    for change in plan.changes:
        needs.setdefault(change.address, set()).update(change.depends_on)
    circle = cycle(needs)
    if circle:
        detail = (
            f"{listed((f'`{one}`' for one in circle[:-1]), 5)} depend on each other in a circle."
        )
        raise PlanError(Problem("Not a plan", detail, _ANEW))


def refresh_request(remote: Remote, lock: LockState, plan: Plan) -> RefreshRequest:
    """What has to be looked at again."""
    desired = {
        change.address: Desired(
            change.address,
            change.after,
            source=Source(""),
            depends_on=change.depends_on,
            api=change.api,
        )
        for change in plan.changes
        if change.after is not None
    }
    imports = {change.address: change.importing for change in plan.changes if change.importing}
    return RefreshRequest(
        remote, lock, desired=desired, imports=imports, ours=(plan.workspace, plan.environment)
    )


def check_basis(plan: Plan, resources: Mapping[Address, Locked], refreshed: Refreshed) -> None:
    """PlanError naming everything that has moved since the plan was made."""
    now = basis(plan, resources, refreshed.observed.live.get)
    # An edited plan may leave out what it rests on.
    rests = {
        **{address: {} for address in now},
        **plan.basis,
    }
    moved = [_said(address, before, now.get(address, {})) for address, before in rests.items()]
    problems = [
        Problem("Stale plan", said, _AGAIN, address=address)
        for address, said in zip(rests, moved, strict=True)
        if said
    ]
    if problems:
        raise PlanError(problems)


def check_ids(plan: Plan, resources: Mapping[Address, Locked]) -> None:
    """PlanError where a plan names other objects than the lock does: a checksum covers no ids, so
    that whoever approved one has approved what the lock has for each address.
    """
    wrong = []
    for change in plan.changes:
        entry = resources.get(change.address)
        if change.id is not None and change.id not in (
            entry.id if entry else None,
            change.importing,
        ):
            wrong.append((change.address, change.id))
    for remnant in plan.deposed:
        entry = resources.get(remnant.address)
        if entry is None or remnant.id not in entry.deposed:
            wrong.append((remnant.address, remnant.id))
    problems = [
        Problem(
            "Stale plan",
            f"The lock does not have `{id}` for `{address}`.",
            _AGAIN,
            address=str(address),
        )
        for address, id in wrong
    ]
    if problems:
        raise PlanError(problems)


def check_entries(
    plan: Plan, resources: Mapping[Address, Locked], moved: Mapping[Address, Locked]
) -> None:
    """PlanError where a plan ends what the lock protects, or moves one entry over another; `moved`
    are the entries after its moves. No plan does that that was made here; what an edited one says
    of itself is not believed.
    """
    freed = {change.previous for change in plan.changes}
    for change in plan.changes:
        entry = moved.get(change.address)
        if entry and entry.protected and change.action.ends:
            detail = (
                f"`{change.address}` is protected by the lock, and the plan would"
                f" {change.action.value} it."
            )
            raise PlanError(Problem("Not a plan", detail, _ANEW, address=str(change.address)))
        taken = change.address in resources and change.address not in freed
        if change.previous in resources and (taken or change.previous == change.address):
            detail = (
                f"The lock has both `{change.previous}` and `{change.address}`, so that neither"
                " becomes the other."
            )
            raise PlanError(Problem("Not a plan", detail, _ANEW, address=str(change.address)))


def check_store_files(plan: Plan, resources: Mapping[Address, Locked]) -> None:
    """PlanError where what is put into a store is not what the store is to have by its own row; by
    the lock, where only a store file has a new version.
    """
    fields = {address: entry.fields for address, entry in resources.items() if holds_files(address)}
    fields |= {
        change.address: change.after
        for change in plan.changes
        if change.after is not None and holds_files(change.address)
    }
    wanted = {address: given.get("files") or {} for address, given in fields.items()}
    for item in plan.store_file_changes:
        if item.action == "detach" or item.action in QUIET:
            continue
        held = wanted.get(item.store, {}).get(item.path, {})
        same = (
            held.get("file") == str(item.file)
            if item.file
            else held.get("id") == item.old_id is not None
        )
        if not same:
            detail = (
                f"`{item.path}` of `{item.store}` is to be another object than the store's own row"
                " says."
            )
            raise PlanError(Problem("Not a plan", detail, _ANEW, address=str(item.store)))


def check_users(plan: Plan, users: Mapping[str, Iterable[str]]) -> None:
    """PlanError naming everything that the plan deletes and that somebody has begun to use since it
    was made.
    """
    remnants = (*plan.deposed, *plan.orphans)
    named = {change.id: change.address for change in plan.changes} | {
        item.id: item.address for item in remnants
    }
    problems = [
        Problem(
            "Stale plan",
            f"`{named[id]}` (`{id}`) is used by {listed(whos)} by now.",
            _AGAIN,
            address=str(named[id]),
        )
        for id, whos in users.items()
    ]
    if problems:
        raise PlanError(problems)


async def check_strays(request: RefreshRequest, plan: Plan, refreshed: Refreshed) -> None:
    """PlanError where something with our stamp has come for what the plan creates, or where an
    orphan that it deletes is ours no longer.
    """
    observed = refreshed.observed
    making = {change.address for change in plan.changes if change.action is Action.CREATE}
    claimed = request.claims(observed.live, observed.strays)
    problems = [
        Problem(
            "Stale plan",
            f"{listed(f'`{id}`' for id in claim.ids)} has our stamp for `{address}`.",
            _AGAIN,
        )
        for address, claim in claimed.items()
        if address in making
    ]
    left = {stray.live.id for stray in observed.strays}
    going = [one for one in plan.orphans if one.action == "delete" and one.id not in left]
    forms = [kind(one.address.kind).form(one.api) for one in going]
    objects = await together(
        [form.read(request.remote, one.id, Names()) for form, one in zip(forms, going, strict=True)]
    )
    problems += [
        Problem(
            "Stale plan",
            f"`{one.id}`, an orphan that would be deleted, does not have our stamp any more.",
            _AGAIN,
        )
        for one, live in zip(going, objects, strict=True)
        if live is not None and not (live.stamp and request.lock.owns(live.stamp))
    ]
    if problems:
        raise PlanError(problems)


def _said(
    address: str, before: Mapping[str, str | None], now: Mapping[str, str | None]
) -> str | None:
    if before.get("locked") != now.get("locked"):
        return f"The lock entry of `{address}` has changed since the plan was made."
    if before.get("live") != now.get("live"):
        return f"`{address}` has changed at the service since the plan was made."
    return None
