"""One object made, changed or removed: intent, request, read back, result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from provisioner.apply.exactly_once import create_once
from provisioner.apply.read_back import read_back
from provisioner.apply.recorded import (
    after_write,
    of_profile,
    overwriting,
    own_paths,
    without_write,
)
from provisioner.apply.releasing import let_go
from provisioner.apply.run import COUNTED, Run
from provisioner.apply.schedule import TaskOutcome
from provisioner.errors import ProvisionerError
from provisioner.kinds import holds_files, is_file, kind
from provisioner.kinds.base import Form, ProfileForm, Write
from provisioner.lock.entry import alike
from provisioner.model import Action, Address, Change, Event, Fields, Locked, Profile, Remnant
from provisioner.plan.moves import moving
from provisioner.remote.sent import watched

_T = TypeVar("_T")


async def make_object(run: Run, change: Change) -> bool:
    """Carry out a change that leaves an object behind."""
    if change.matters:
        run.started(change)
    try:
        entry = await _made(run, change)
    except ProvisionerError as error:
        run.fail(change.address, change.action, error)
        return False
    if not is_file(change.address) or not change.action.makes:
        # A new file is only finished when the stores have taken it: `end_file`
        run.finished(change, entry.id)
    return True


async def _made(run: Run, change: Change) -> Locked:
    form = run.form(change.address, change.api)
    if isinstance(form, ProfileForm):
        return await _profile(run, change, form)
    if change.action.makes:
        return await _created(run, change, form)
    # Whether the service has nothing to learn: a file that moved, a field that only the lock
    # keeps.
    nothing = not own_paths(change)  # that the service would have to learn, but for our stamp
    unstamped = nothing and (change.address in run.unstamped or not form.stamped)
    if change.importing or change.previous:
        only_lock = is_file(change.address) or unstamped
    else:
        only_lock = not own_paths(change)
    if only_lock:
        entry = without_write(run, change, form)
        # Files have moved before.
        respelled = {} if is_file(change.address) else _moved(run, change)
        if not alike(run.written.get(change.address), entry):
            await run.record(
                await run.intent(change.address, "settle"),
                change.address,
                entry=entry,
                respelled=respelled,
            )
        return entry
    write = _write(run, change)
    # What a later apply has to know of an update that was stopped.
    over = overwriting(run, change, form)
    traces: dict[str, Any] = {
        "wrote": sorted(own_paths(change)),
        **({"overwritten": asdict(over)} if over else {}),
        **({"previous": str(change.previous)} if change.previous else {}),
    }
    number = await run.intent(change.address, change.action.value, object=change.id, **traces)
    live = await _sent(run, number, form.update(run.remote, write))
    live = await read_back(run, change, form=form, write=write, live=live)
    entry = after_write(run, change, form, live)
    await run.record(number, change.address, entry=entry, respelled=_moved(run, change))
    return entry


async def _sent(run: Run, number: int, work: Awaitable[_T]) -> _T:
    """Do what an intent says. What is refused before any of it was sent was never begun."""
    with watched() as sent:
        try:
            return await work
        except ProvisionerError:
            if not sent.writes:
                run.journal.dismiss(number)
            raise


async def move_files(run: Run) -> None:
    """Let the lock learn of every file that moved, before anything else is done. Nothing is written
    to the service: the object stays as it is, and the stores that hold it are written later.
    """
    files = [change for change in run.plan.changes if change.previous and is_file(change.address)]
    if files:
        changed = moving(
            run.written, [(change.previous, change.address) for change in files if change.previous]
        )
        first = files[0].address
        entry = changed.pop(first)
        await run.record(await run.intent(first, "move"), first, entry=entry, respelled=changed)


async def _created(run: Run, change: Change, form: Form) -> Locked:
    before = run.entries.get(change.address)
    if change.importing is not None:
        # It is taken over and replaced at once. If the lock has an object, that one is gone.
        before = Locked(
            change.address, change.importing, change.before or {}, api=change.api, made=change.made
        )
    if change.gap and not change.deferred:
        before = await _make_room(run, change, form)
    elif change.action is Action.REPLACE and form.retired and change.id:
        before = await _retired(run, change, form, before)
    write, later = _write(run, change), form.later(change.after or {})
    made = await create_once(run, form, write, change)
    entry = _deposing(after_write(run, change, form, made.live, later), change, before)
    if is_file(change.address):
        # What was found looks like ours; only its content can tell.
        verified = entry.verified and not made.found
        # An earlier upload of the same bytes may be at a service that shows its own writes late.
        again = made.resent or change.address in run.unfound
        resent = entry.resent or (again and run.remote.settling.seconds > 0)
        entry = replace(entry, verified=verified, resent=resent)
    await run.record(made.intent, change.address, entry=entry, respelled=_moved(run, change))
    run.made.add(change.address)
    if is_file(change.address):
        run.uploaded_one()
    # With what the service turns out not to have kept; the id is durable already.
    live = await read_back(run, change, form=form, write=write, live=made.live)
    if live is not made.live:
        entry = after_write(run, change, form, live, later)
        if not alike(entry, run.entries[change.address]):
            number = await run.intent(change.address, "settle")
            await run.record(number, change.address, entry=entry)
    return await _completed(run, change, form, write, later) if later else entry


async def _completed(
    run: Run, change: Change, form: Form, write: Write, later: frozenset[str]
) -> Locked:
    """Give a new object what it was not made with."""
    id = run.entries[change.address].id
    number = await run.intent(change.address, "update", object=id, wrote=sorted(later))
    live = await _sent(run, number, form.update(run.remote, replace(write, id=id, paths=later)))
    entry = after_write(run, change, form, live)
    await run.record(number, change.address, entry=entry)
    return entry


async def _retired(run: Run, change: Change, form: Form, before: Locked | None) -> Locked | None:
    """Let the old object of a replacement rest before there is a new one."""
    number = await run.intent(
        change.address, "update", object=change.id, wrote=sorted(form.retired)
    )
    await _sent(run, number, form.retire(run.remote, change.id or ""))
    known = run.entries.get(change.address)
    if known is None or known.id != change.id:
        run.journal.dismiss(number)
        return before
    entry = replace(known, fields={**known.fields, **form.retired})
    await run.record(number, change.address, entry=entry)
    return entry


async def _make_room(run: Run, change: Change, form: Form) -> Locked | None:
    """Delete the old object of a replacement that the service would not take beside it. From then
    on there is none, whatever becomes of the new one.
    """
    number = await run.intent(change.address, "delete", object=change.id)
    try:
        await form.delete(run.remote, change.id or "")
    except ProvisionerError:
        run.journal.dismiss(number)
        raise
    entry = run.entries.get(change.address)
    left = replace(entry, id=None, fields={}, fingerprints={}) if entry else None
    kept = None if left is None or left.empty else left
    await run.record(number, change.address, entry=kept)
    return kept


async def upload_again(run: Run, file: Address) -> str:
    """Upload a file whose object turned out to be somebody else's, and forget that one; the
    new id.
    """
    entry = run.entries[file]
    change = Change(
        file, Action.CREATE, "not_ours", after=entry.fields, depends_on=entry.depends_on
    )
    return (await _created(run, change, run.form(file, None))).id or ""


async def _profile(run: Run, change: Change, form: ProfileForm) -> Locked:
    """A new version of a request profile, where the request differs."""
    before = run.entries.get(change.address)
    old = before.profile if before else None
    older = before.succeeded(run.plan.keep_versions) if before is not None else ()
    version = max([old.version if old else 0, *(one["version"] for one in older)]) + 1
    address, names = change.address, run.names(change.depends_on)
    stamp = f"{run.plan.workspace}/{run.plan.environment}/{address}@{version}"
    if change.restores is not None and before is not None:
        older_one = before.older_version(change.restores)
        request = form.with_stamp(older_one["request"], stamp)
        change = replace(change, after=older_one.get("fields", before.fields))
    else:
        request = form.render(address, change.after or {}, names, change.lost, stamp)
    profile = Profile(
        version,
        form.digest(request),
        request,
        older,
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=run.commit,
        restores=change.restores,
    )
    if old and old.digest == profile.digest:
        profile = old
    entry = _deposing(replace(of_profile(run, change), profile=profile), change, before)
    if not alike(entry, run.written.get(address)):
        await run.record(
            await run.intent(address, "profile"),
            address,
            entry=entry,
            respelled=_moved(run, change),
        )
    return entry


def _deposing(entry: Locked, change: Change, before: Locked | None) -> Locked:
    """The entry of a replacement: the old object is in it until it has been deleted."""
    return (
        entry.with_deposed(before)
        if change.action is Action.REPLACE and change.reason != "api_gone"
        else entry
    )


def _write(run: Run, change: Change) -> Write:
    return Write(
        change.address,
        {**_given(run, change), **(change.after or {})},
        run.names(change.depends_on),
        run.stamp(change.address),
        id=None if change.action.makes else change.id,
        paths=own_paths(change),
        lost=frozenset(change.lost),
        secrets={
            path: secret.value for path, secret in run.secrets.get(change.address, {}).items()
        },
        root=run.root,
    )


def _given(run: Run, change: Change) -> Fields:
    """What the service has said of itself when the object was written, and is held to."""
    entry, form = run.entries.get(change.address), run.form(change.address, change.api)
    if entry is None or change.action.makes:
        return {}
    return {name: entry.fields[name] for name in form.given if name in entry.fields}


def _moved(run: Run, change: Change) -> Mapping[Address, Locked | None]:
    """The entries of others that change with a move: the old one of this address, and those that
    name it.
    """
    if change.previous is None:
        return {}
    changed = moving(run.written, [(change.previous, change.address)])
    return {address: entry for address, entry in changed.items() if address != change.address}


async def remove_object(run: Run, change: Change) -> bool:
    """Carry out a change that leaves no resource behind."""
    run.started(change)
    entry = run.entries.get(change.address)
    form = run.form(change.address, change.api)
    number = await run.intent(change.address, change.action.value, object=change.id)
    try:
        if change.deferred and entry and entry.id:
            await run.record(
                number, change.address, entry=replace(entry.with_deposed(entry), id=None, fields={})
            )
        else:
            if entry and change.id and form.remote:
                # Delete an object, or leave it at the service without our marks; one that is
                # gone needs neither.
                if change.action is Action.DELETE:
                    await run.form(entry.address, entry.api).delete(run.remote, change.id)
                elif change.releases:
                    await let_go(
                        run.remote,
                        run.state,
                        entry=entry,
                        id=change.id,
                        locked=run.entries.values(),
                    )
            left = replace(entry, id=None, fields={}, profile=None) if entry else None
            await run.record(
                number, change.address, entry=left if left and not left.empty else None
            )
    except ProvisionerError as error:
        run.journal.dismiss(number)
        run.fail(change.address, change.action, error)
        return False
    run.finished(change, change.id)
    return True


async def remove_old(run: Run, change: Change) -> bool:
    """Delete what a replacement left behind, unless something forgotten or request profiles still
    name it.
    """
    if change.id is None or change.reason == "api_gone" or (change.gap and not change.deferred):
        return True
    if change.stays_with:
        return await _give_up(run, change.address, change.id)
    if change.deferred:
        return True
    form = run.form(change.address, change.previous_api or change.api)
    return not form.remote or await _delete(run, change.address, change.id, form)


async def end_file(run: Run, change: Change, clear: bool) -> bool:
    """A new version is final once every store has it; one that no store could index is taken back.
    `clear` says that nobody is left who needs the old one.
    """
    address, broken = change.address, run.broken.get(change.address)
    if broken is None:
        run.finished(change, run.entries[address].id)
        return change.action is not Action.REPLACE or (clear and await remove_old(run, change))
    stores = {item.store for item in run.plan.store_file_changes if item.file == address}
    used_elsewhere = any(
        address in kind(other.address.kind).references(other.after or {})
        for other in run.plan.changes
        if not holds_files(other.address) and address in other.depends_on
    )
    if broken < stores or address in run.indexing or used_elsewhere:
        # somebody has taken the new version: both stay, and the next plan says what is left to do
        return False
    # Delete an upload that could not be indexed; its predecessor, if there was one, is the file
    # again.
    form = run.form(address, None)
    new = run.entries[address].id
    number = await run.intent(address, "take_back", object=new)
    try:
        await form.delete(run.remote, new or "")
    except ProvisionerError as error:
        run.journal.dismiss(number)
        run.fail(address, Action.DELETE, error)
        return False
    old = run.state.resources.get(address) if change.action is Action.REPLACE else None
    # The old one is no longer deposed.
    entry = old and old.inheriting(run.entries[address].undeposed(old.id or ""))
    await run.record(number, address, entry=entry)
    return False


async def remove_deposed(
    run: Run, remnant: Remnant, blockers: set[Any], outcome: TaskOutcome
) -> bool:
    """Delete an old object of an address, unless something that used it could not be changed."""
    if blockers & (outcome.failed | outcome.skipped):
        return False
    entry = run.entries[remnant.address]
    form = run.form(remnant.address, entry.deposed_api(remnant.id))
    if not await _delete(run, remnant.address, remnant.id, form):
        return False
    _finished(run, remnant, Action.DELETE, "deposed")
    return True


async def give_up_deposed(run: Run, remnant: Remnant) -> bool:
    """Let go of an old object that something forgotten uses."""
    if not await _give_up(run, remnant.address, remnant.id):
        return False
    _finished(run, remnant, Action.FORGET, "deposed")
    return True


async def remove_orphan(run: Run, remnant: Remnant) -> bool:
    """Delete an object that carries our stamp and that nothing accounts for; the plan has
    shown it.
    """
    number = await run.intent(remnant.address, "prune", object=remnant.id)
    try:
        await run.form(remnant.address, remnant.api).delete(run.remote, remnant.id)
    except ProvisionerError as error:
        run.fail(remnant.address, Action.DELETE, error)
        return False
    finally:
        run.journal.dismiss(number)
    _finished(run, remnant, Action.DELETE, "orphan")
    return True


def _finished(run: Run, remnant: Remnant, action: Action, what: str) -> None:
    run.counts[COUNTED[action]] += 1
    run.on_event(Event("done", remnant.address, action=action, id=remnant.id, detail=what))


async def _delete(run: Run, address: Address, id: str, form: Form) -> bool:
    """Delete an object that is no longer the one of its address, and forget its id."""
    return await _undepose(
        run, address, id=id, action=Action.DELETE, work=partial(form.delete, run.remote, id)
    )


async def _give_up(run: Run, address: Address, id: str) -> bool:
    """Leave an object that is no longer the one of its address at the service, and forget
    its id.
    """
    work = partial(
        let_go,
        run.remote,
        run.state,
        entry=run.entries[address],
        id=id,
        locked=run.entries.values(),
    )
    return await _undepose(run, address, id=id, action=Action.FORGET, work=work)


async def _undepose(
    run: Run, address: Address, *, id: str, action: Action, work: Callable[[], Awaitable[None]]
) -> bool:
    number = await run.intent(address, action.value, object=id)
    try:
        await work()
    except ProvisionerError as error:
        run.journal.dismiss(number)
        run.fail(address, action, error)
        return False
    left = run.entries[address].undeposed(id)
    await run.record(number, address, entry=None if left.empty else left)
    return True
