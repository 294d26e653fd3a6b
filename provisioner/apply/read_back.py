"""Whether a service keeps what it was sent: some answer a write with what was sent, and show the
old value later.
"""

from __future__ import annotations

from dataclasses import replace

from provisioner.apply.recorded import STORE_FILES, own_paths
from provisioner.apply.run import Run
from provisioner.diff import same, top
from provisioner.errors import ServiceError
from provisioner.kinds.base import Form, Write
from provisioner.model import Change, Live

METADATA = "metadata"  # carries our stamp


async def read_back(run: Run, change: Change, *, form: Form, write: Write, live: Live) -> Live:
    """What the service has after a write that it has answered with `live`. Where services are not
    known to keep what they are sent, the first write of each field is read back, and speaks for
    that field in this run. A field that is not kept is read back after each write, so that the lock
    knows what is there instead.
    """
    if run.doubtful:
        # The fields that a write names. Our stamp is in each.
        paths = (change.after or {}).keys() if change.action.makes else own_paths(change)
        seen = {top(path) for path in paths if not form.hides(path)}
        named = seen - set(change.lost) - {STORE_FILES}
        written = named | {METADATA} if form.stamped else named
        names, shown = sorted(written), None
        key = change.address.kind, change.api, change.action.makes
        async with run.turn(("kept", *key)):
            unasked = [name for name in names if (*key, name) not in run.keeps]
            if unasked:
                shown = await _settled(run, form, write=write, live=live, names=unasked)
            for name in unasked:
                run.keeps[(*key, name)] = shown is None or _agree(
                    form, write, name=name, live=live, shown=shown
                )
        dropped = [name for name in names if not run.keeps[(*key, name)]]
        if dropped and shown is None:
            shown = await _look(run, form, write, live)
        if dropped and shown is not None:
            fields = {**live.fields, **{name: shown.fields.get(name) for name in dropped}}
            mark = shown.stamp if METADATA in dropped else live.stamp
            live = replace(live, fields=fields, stamp=mark)
    _note_stamp(run, form, write, live)
    return live


async def _settled(
    run: Run, form: Form, *, write: Write, live: Live, names: list[str]
) -> Live | None:
    """The object as it is read once it shows what was written, or once the service has had its time
    to show it.
    """

    def is_done(shown: Live | None) -> bool:
        return shown is None or all(
            _agree(form, write, name=name, live=live, shown=shown) for name in names
        )

    settling = run.remote.settling
    pauses = settling.pauses(settling.until([live.id]))
    shown = await _look(run, form, write, live)
    while not is_done(shown) and await anext(pauses, False):
        shown = await _look(run, form, write, live)
    return shown


async def _look(run: Run, form: Form, write: Write, live: Live) -> Live | None:
    """The object as it is read; None where it cannot be: the write itself has succeeded."""
    try:
        return await form.read(run.remote, live.id, write.names)
    except ServiceError:
        return None


def _agree(form: Form, write: Write, *, name: str, live: Live, shown: Live) -> bool:
    said, has = (form.normal(write.address, side.fields).get(name) for side in (live, shown))
    return same(said, has) and (name != METADATA or live.stamp == shown.stamp)


def _note_stamp(run: Run, form: Form, write: Write, live: Live) -> None:
    if not form.stamped or live.stamp == write.stamp:
        return
    kept = f"The service does not keep our stamp on resources of kind `{write.address.kind}`"
    if live.stamp is None:
        run.remote.note(
            f"{kept}, so that the lock alone knows what is ours: without it `state rebuild` finds"
            " nothing, and what a stopped apply has made is made again."
        )
    else:
        run.remote.note(
            f"{kept} when they are written again, so that a lock that is behind is not noticed, and"
            " `state rebuild` finds what was moved at its old address."
        )
