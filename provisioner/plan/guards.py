"""What makes a plan unsafe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from provisioner import text
from provisioner.model import Action, Address, Block, Change, Drifted, StoreFileChange
from provisioner.plan.situation import Situation

SHARE = 0.3
ENOUGH = 10
FEW = 3
METADATA_PAIRS = 16
_DONE = {Action.DELETE: "deleted", Action.REPLACE: "replaced", Action.FORGET: "forgotten"}
_SHOWN = 10  # fields of one object, in a message


def blocks(
    case: Situation,
    changes: Iterable[Change],
    store_file_changes: Iterable[StoreFileChange],
    drift: Iterable[Drifted],
) -> Iterator[Block]:
    """Each rule that the plan breaks; `--force` overrides the safety stops among them and nothing
    else.
    """
    listed = list(changes)
    for change in listed:
        # Of an object whose API is gone nothing can be deleted, nor its protection be lifted.
        if not change.action.ends or change.reason == "api_gone":
            continue
        entry = case.locked(change.address)
        if entry and entry.protected:
            # Lifted and moved in one apply, it would still be replaced while it is protected.
            want = case.desired.get(change.address)
            lifted = want is not None and not want.protect and change.reason == "api_changed"
            still = f", still with `api: {entry.api}`" if lifted else ""
            yield Block(
                "protected",
                f"`{change.address}` is protected and would be {_DONE[change.action]}. "
                f"Apply `lifecycle: {{protect: false}}` first{still}, or take the change back.",
                forced=False,
            )
    yield from _foreign_pairs(case, listed)
    if case.options.on_drift == "fail":
        yield from _drifted(drift, {change.address: change for change in listed})
    if case.options.destroy or case.options.force:
        return
    if not case.desired and case.lock.resources and not case.forgets:
        yield Block(
            "no_specs",
            f"No spec declares anything for `{case.environment}`, and this would delete all "
            f"{len(case.lock.resources)} resources. If that is meant, use `destroy` or `--force`.",
        )
    yield from _all_missing(case) or _too_many(case, listed)
    yield from _emptied_stores(case, store_file_changes)


def _foreign_pairs(case: Situation, changes: list[Change]) -> Iterator[Block]:
    for change in changes:
        if change.action is not Action.UPDATE or change.after is None:
            continue
        live = case.live(change.address)
        if live is None:
            continue
        form, entry = case.form(change.address), case.locked(change.address)
        after = form.metadata(change.after, change.lost)
        ours = {key for key, value in after.items() if value is not None}
        removed = set(form.metadata(entry.fields) if entry else ()) - ours
        pairs = len((set(live.fields.get("metadata") or {}) - removed) | ours) + 1
        if pairs > METADATA_PAIRS:
            yield Block(
                "too_much_metadata",
                f"`{change.address}` would have {pairs} metadata pairs with those that others wrote"
                f" and our own; at most {METADATA_PAIRS} fit. Remove some here or at the service.",
                forced=False,
            )


def _drifted(drift: Iterable[Drifted], changes: Mapping[Address, Change]) -> Iterator[Block]:
    for item in drift:
        if item.drift in ("remote", "both"):
            action = changes[item.address].action
            paths = text.listed((f"`{change.path}`" for change in item.fields), _SHOWN)
            said = f"`{item.address}` was changed outside of provisioner ({paths})"
            if action.goes:
                said += (
                    f", would be {_DONE[action]}, and `on_drift` is `fail`. If that is meant, use "
                )
            else:
                said += (
                    " and `on_drift` is `fail`. Take the edit into the specs with `provisioner"
                    " accept`, or plan with "
                )
            yield Block("drift", f"{said}`--on-drift overwrite`.", forced=False)


def _all_missing(case: Situation) -> list[Block]:
    """Nothing that the lock names is there, over all kinds: as a rule the key is that of another
    project. Request profiles are not objects, and where an API is gone nobody can say.
    """
    named = [address for address in case.lock.ids if address not in case.observed.api_gone]
    if len(named) < 2 or not all(case.gone(address) for address in named):
        return []
    detail = (
        f"None of the {len(named)} objects that the lock names is at the service: the key may"
        " belong to another project, or the lock to another service. If they really are gone, use"
        " `--force`; it makes them again."
    )
    return [Block("all_missing", detail)]


def _too_many(case: Situation, changes: list[Change]) -> Iterator[Block]:
    all_of_kind = Counter(address.kind for address in case.lock.resources)
    going = Counter(change.address.kind for change in changes if _goes(case, change))
    for kind, gone in sorted(going.items()):
        total = all_of_kind[kind]
        if (total >= ENOUGH and gone > SHARE * total) or (total >= FEW and gone == total):
            yield Block(
                "too_many_deletes",
                f"{gone} of {total} resources of kind `{kind}` would be deleted or are missing "
                f"({100 * gone / total:.0f} %). If that is meant, use `--force`.",
            )


def _goes(case: Situation, change: Change) -> bool:
    if change.reason == "api_gone" or change.deferred or change.address not in case.lock.resources:
        return False
    going = change.action.goes and not change.releases
    return going or _is_missing(case, change)


def _emptied_stores(
    case: Situation, store_file_changes: Iterable[StoreFileChange]
) -> Iterator[Block]:
    leaving = Counter(
        item.store
        for item in store_file_changes
        if item.action == "detach" and item.file is not None
    )
    for store, gone in sorted(leaving.items()):
        entry = case.locked(store)
        total = len(entry.files if entry else {})
        if total >= ENOUGH and gone > SHARE * total:
            yield Block(
                "too_many_documents",
                f"`{store}` would lose {gone} of {total} documents ({100 * gone / total:.0f} %). "
                "If that is meant, use `--force`.",
            )


def missing_objects(case: Situation, changes: Mapping[Address, Change]) -> list[Drifted]:
    """Locked objects that are gone from the service."""
    return [
        Drifted(address, "missing")
        for address, change in changes.items()
        if _is_missing(case, change)
        or (change.reason == "expired" and address in case.lock.resources)
    ]


def _is_missing(case: Situation, change: Change) -> bool:
    """Whether the object in the lock is gone; another one with its stamp may be taken over in its
    place.
    """
    return change.reason in ("gone", "adopted") and case.gone(change.address)
