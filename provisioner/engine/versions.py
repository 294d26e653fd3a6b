"""The versions of a request profile that the lock keeps: listed, compared, and put back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from provisioner.diff import same
from provisioner.engine.context import Context
from provisioner.engine.preflight import check_key, check_lock
from provisioner.engine.refresh import Refreshed
from provisioner.engine.session import Session, remember
from provisioner.engine.shutdowns import kept_answers
from provisioner.errors import PlanError, UsageError
from provisioner.kinds import kind
from provisioner.kinds.base import Names, ProfileForm
from provisioner.model import (
    Action,
    Change,
    Desired,
    FieldChange,
    Fields,
    Locked,
    LockState,
    Plan,
    Problem,
    Profile,
    Source,
)
from provisioner.plan.policy import breaches
from provisioner.plan.situation import Observed
from provisioner.records import dataclass
from provisioner.remote import together
from provisioner.text import quoted

_REVERT = "take the change back in the specs, with `git revert COMMIT`, and apply"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a request profile. What release 0.1.0 has kept has ids, and no request."""

    version: int
    digest: str
    request: Fields | None
    ids: tuple[str, ...]
    written: str | None = None
    commit: str | None = None
    restores: int | None = None
    changed: tuple[str, ...] | None = None  # since the one before it; None: nobody knows


def versions(entry: Locked) -> list[Version]:
    """Every version that is kept of a locked assistant, the newest first, also where it is an
    object through another API by now. UsageError where there are none.
    """
    form, kept = _kept(entry)
    found = []
    for one, before in pairwise([*kept, None]):
        assert one is not None
        changed: tuple[str, ...] | None = () if one["version"] == 1 else None
        if before and "request" in one and "request" in before:
            changes = _changes(form, before["request"], one["request"])
            changed = tuple(change.path for change in changes)
        found.append(
            Version(
                one["version"],
                one["digest"],
                one.get("request"),
                ids=tuple(form.kept_ids(one)),
                written=one.get("written"),
                commit=one.get("commit"),
                restores=one.get("restores"),
                changed=changed,
            )
        )
    return found


def compared(context: Context, lock: LockState, entry: Locked, old: int, new: int) -> Plan:
    """From one version of a locked assistant to another, as a plan would show it. UsageError where
    one of them is not kept whole.
    """
    change = _change(lock, entry, _request(entry, old), _request(entry, new))
    return _plan(context, lock, change if change.fields else None)


async def rollback(session: Session, entry: Locked, to: int) -> Plan:
    """The plan that makes the request of an older version the newest again. Nothing is in it where
    that is what the newest sends. UsageError where the version is not kept whole, PlanError where
    the service no longer has what it names.
    """
    context, lock = session.context, session.lock
    form, profile = _profile(entry)
    # Done already, and the version itself may not be kept any more.
    again = profile.restores == to
    request = profile.request if again else _request(entry, to)
    if form.digest(request) == profile.digest:
        return _plan(context, lock, None)
    await _check_named(session, entry, to, request)
    change = _change(lock, entry, profile.request, request)
    fields = entry.older_version(to).get("fields", entry.fields)
    needs = [one for one in kind(entry.address.kind).references(fields) if one in lock.resources]
    change = replace(change, reason="rolled_back", depends_on=tuple(sorted(needs)), restores=to)
    notes = [
        "Until the specs say the same, every plan shows the difference, and an apply writes what"
        " they say: take the change back there, too (`git revert`)."
    ]
    if form.ids(request):
        notes.append("What is in vector stores and files stays as it is now.")
    problems = tuple(_breaches(context, entry, to, request))
    return replace(_plan(context, lock, change), notes=tuple(notes), problems=problems)


def _kept(entry: Locked) -> tuple[ProfileForm, list[dict[str, Any]]]:
    """Every version of a profile, the newest first, and the form that they all have."""
    form = kind(entry.address.kind).profile_form
    if form is not None and entry.profile is None and entry.former:
        return form, list(entry.former)
    form, profile = _profile(entry)
    return form, [entry.kept_version, *profile.older]


def _profile(entry: Locked) -> tuple[ProfileForm, Profile]:
    form = kind(entry.address.kind).form(entry.api)
    if isinstance(form, ProfileForm) and entry.profile:
        return form, entry.profile
    if entry.former:
        numbers = quoted([one["version"] for one in entry.former], "and")
        one = len(entry.former) == 1
        detail = (
            f"`{entry.address}` is an object at the service through `api: {entry.api}` by now. Of"
            f" its request profile {'version' if one else 'versions'} {numbers}"
            f" {'is' if one else 'are'} kept for applications that still send"
            f" {'it' if one else 'them'}; `rollback` has {'it' if one else 'them'} again once it"
            " is a profile again."
        )
        raise UsageError(Problem("No versions", detail, _REVERT, address=str(entry.address)))
    through = f" through `api: {entry.api}`" if entry.api else ""
    detail = (
        f"`{entry.address}` is an object at the service{through}, of which no older versions are"
        " kept: only an assistant through `api: responses` has some."
    )
    raise UsageError(Problem("No versions", detail, _REVERT, address=str(entry.address)))


def _request(entry: Locked, version: int) -> Fields:
    """The request of a version. UsageError where it is not kept."""
    _, kept = _kept(entry)
    numbers = [one["version"] for one in kept]
    whole = {one["version"]: one["request"] for one in kept if "request" in one}
    if version in whole:
        request: Fields = whole[version]
        return request
    listed = quoted(list(whole), "and")
    hint = f"kept are {listed}" if len(whole) > 1 else f"only {listed or 'none'} is kept"
    detail = f"Version {version} of `{entry.address}` is not kept"
    if version in numbers:
        detail = f"Release 0.1.0 has kept the ids of version {version} of `{entry.address}` alone"
    elif version > numbers[0] or version < 1:
        detail = f"`{entry.address}` never had a version {version}"
        if entry.profile is None:
            detail += f": since version {numbers[0]} it is an object through `api: {entry.api}`,"
            detail += " which the service keeps as it is now alone"
    hint += "; `keep_versions` of the environment says how many are; further back, " + _REVERT
    raise UsageError(Problem("Version not kept", f"{detail}.", hint, address=str(entry.address)))


def _changes(form: ProfileForm, before: Fields, after: Fields) -> Iterator[FieldChange]:
    """Where two requests differ, in the spelling of the request and without their stamps."""
    old, new = form.units(before), form.units(after)
    for path in {**new, **old}:
        was, now = old.get(path), new.get(path)
        if not same(was, now):
            yield FieldChange(path, was, now, was)


def _change(lock: LockState, entry: Locked, before: Fields, after: Fields) -> Change:
    form, _ = _kept(entry)
    needs = tuple(one for one in entry.depends_on if one in lock.resources)
    return Change(
        entry.address,
        Action.UPDATE,
        "",
        api=entry.api,
        before=form.units(before),
        after=form.units(after),
        fields=tuple(_changes(form, before, after)),
        depends_on=needs,
        protect=entry.protected,
        made=entry.made,
    )


def _plan(context: Context, lock: LockState, change: Change | None) -> Plan:
    return Plan(
        lock.workspace,
        lock.environment,
        context.service,
        lineage=lock.lineage,
        serial=lock.serial,
        changes=(change,) if change else (),
        keep_versions=context.environment.keep_versions,
        approved=lock.approved,
    )


async def _check_named(session: Session, entry: Locked, version: int, request: Fields) -> None:
    """PlanError where something that a request names is gone, or where this checkout is behind."""
    context, lock, remote = session.context, session.lock, session.remote
    form, _ = _profile(entry)
    remember(remote, lock)
    named = [(name, id) for name, id in dict.fromkeys(form.uses(request)) if name]
    found = await together(kind(name).form(None).read(remote, id, Names()) for name, id in named)
    check_key(remote, lock, context.service)  # with another key they only seem to be gone
    there = tuple(live for live in found if live is not None)
    check_lock(Refreshed(Observed(), stamped=there), lock, fresh=False)
    expired = {live.id for live in there if live.status == "expired"}
    left = {live.id for live in there} - expired
    gone = [f"the {name.replace('_', ' ')} `{id}`" for name, id in named if id not in left]
    if gone:
        detail = (
            f"Version {version} of `{entry.address}` names {', '.join(gone)}: the service no"
            " longer has that, so its requests would fail."
        )
        raise PlanError(Problem("Object is gone", detail, _REVERT, address=str(entry.address)))


def _breaches(context: Context, entry: Locked, version: int, request: Fields) -> Iterator[Problem]:
    """What the policies have against the model of a version."""
    want = Desired(entry.address, {"model": request.get("model")}, Source("", ()))
    policies = context.environment.policies
    shutdowns = kept_answers(context.root, context.environment)
    for one in breaches(policies, [want], shutdowns.of, context.today):
        if one.waiver or one.severity is None:
            continue
        why = "which the policy `models` does not allow"
        if one.end is not None:
            when = "was" if context.today > one.end else "is"
            why = f"which {when} shut down on {one.end}, {shutdowns.source(one.model)}"
        summary = "Model not allowed" if one.end is None else "Model shutdown"
        yield Problem(
            summary,
            f"Version {version} of `{entry.address}` asks `{one.model}`, {why}.",
            "roll back to another version, or waive it below `policies` in `provisioner.yaml`",
            severity=one.severity,
            address=str(entry.address),
        )
