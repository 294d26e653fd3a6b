"""One resource: what is to be done with it, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from provisioner.diff import Comparison, Sides, compare, ignored, same, top, units
from provisioner.digests import sha256_of
from provisioner.kinds import is_file, kind
from provisioner.kinds.base import Form, Reference
from provisioner.model import (
    Action,
    Address,
    Change,
    Desired,
    FieldChange,
    Fields,
    Live,
    Locked,
    Stamp,
)
from provisioner.plan.situation import Situation


def decide(case: Situation, address: Address) -> tuple[Change, tuple[str, ...]]:
    """The change for one address, and the fields that the service does not keep."""
    want, entry = case.desired.get(address), case.locked(address)
    if want is None or case.options.destroy:
        assert entry is not None
        return _unwanted(case, entry), ()
    if entry is None or (entry.id is None and entry.profile is None) or address in case.adopted:
        return _unlocked(case, want)
    moved = kind(address.kind).per_api and want.api != entry.api
    if moved or address in case.observed.api_gone:
        reason = "api_gone" if address in case.observed.api_gone else "api_changed"
        change = replace(
            _start(case, want, Action.REPLACE, reason),
            id=entry.id,
            before=entry.fields,
            previous_api=entry.api,
            fields=(FieldChange("api", entry.api, want.api, entry.api),),
        )
        return change, ()
    return _known(case, want, entry)


def _start(case: Situation, want: Desired, action: Action, reason: str, **more: Any) -> Change:
    return Change(
        want.address,
        action,
        reason,
        api=want.api,
        after=want.fields,
        depends_on=want.depends_on,
        protect=want.protect,
        previous=case.moves.get(want.address),
        source=want.source,
        lost=want.lost,
        **more,
    )


def _unwanted(case: Situation, entry: Locked) -> Change:
    address = entry.address
    change = Change(
        address,
        Action.DELETE,
        "destroy" if case.options.destroy else "not_in_specs",
        id=entry.id,
        api=entry.api,
        before=entry.fields,
        depends_on=entry.depends_on,
        protect=entry.protected,
        made=entry.made,
    )
    if address in case.observed.api_gone:
        return replace(change, action=Action.FORGET, reason="api_gone")
    if address in case.forgets:
        return replace(
            change, action=Action.FORGET, reason="removed_block", source=case.forgets[address]
        )
    if case.form(address).remote and case.live(address) is None:
        return replace(change, action=Action.FORGET, reason="gone")
    return change


def _unlocked(case: Situation, want: Desired) -> tuple[Change, tuple[str, ...]]:
    live = case.live(want.address)
    made = _start(case, want, Action.CREATE, "new")
    if live is None:
        return made, ()
    form = case.form(want.address)
    comparison = _compare(case, form, want, None, live)
    action = Action.UPDATE if comparison.changes else Action.KEEP
    taken = case.taken.get(want.address)
    imported = want.address in case.imports or taken is not None
    forcing = _forcing(form, comparison.changes, live)
    if forcing:
        action = Action.REPLACE
    change = replace(
        made,
        action=action,
        reason="imported" if imported else "adopted",
        made=not imported,
        verified=taken.verified if taken else not (imported and is_file(want.address)),
        id=live.id,
        importing=live.id,
        before=live.fields,
        fields=with_secrets(case, want, None, comparison.changes),
        replace_paths=forcing,
        gap=bool(forcing) and form.excludes(live.fields, want.fields),
    )
    return change, comparison.unkept


def _known(case: Situation, want: Desired, entry: Locked) -> tuple[Change, tuple[str, ...]]:
    form = kind(want.address.kind).form(want.api)
    live = case.live(want.address) if form.remote else Live(want.address.name, entry.fields)
    if live is None:
        return replace(_start(case, want, Action.CREATE, "gone"), before=entry.fields), ()
    comparison = _compare(case, form, want, entry, live)
    if comparison is _SAME and _untouched(case, want, entry, live):
        kept = Change(
            want.address,
            Action.KEEP,
            "in_sync",
            entry.id,
            want.api,
            live.fields,
            want.fields,
            depends_on=want.depends_on,
            protect=want.protect,
            previous=case.moves.get(want.address),
            source=want.source,
            lost=want.lost,
            made=entry.made,
        )
        return kept, ()
    found = with_secrets(case, want, entry, comparison.changes)
    changes = tuple(own(case, change) for change in found) + protection(want, entry)
    known: dict[str, Any] = {"id": entry.id, "before": live.fields, "fields": changes}
    base = _start(case, want, Action.KEEP, "in_sync", **known, made=entry.made)
    forcing = _forcing(form, changes, live)
    expired, asked = live.status == "expired", want.address in case.options.replaces
    if expired or asked or forcing:
        forced = replace(
            base,
            action=Action.REPLACE,
            reason="expired" if expired else "asked" if asked else "fixed_field",
            replace_paths=() if expired or asked else forcing,
            gap=form.excludes(live.fields, want.fields),
        )
        return forced, comparison.unkept
    if changes:
        local = any(change.drift != "remote" for change in changes)
        reason = "spec_changed" if local else "drift"
        return replace(base, action=Action.UPDATE, reason=reason), comparison.unkept
    return base, comparison.unkept


def _untouched(case: Situation, want: Desired, entry: Locked, live: Live) -> bool:
    """Whether there is nothing to do about a resource whose fields are all the same."""
    return (
        live.status != "expired"
        and want.protect == entry.protected
        and want.address not in case.options.replaces
        and not _secrets(want, want.fields)
    )


def with_secrets(
    case: Situation, want: Desired, entry: Locked | None, changes: Iterable[FieldChange]
) -> tuple[FieldChange, ...]:
    """The same changes, where secrets count by their values: a reference to another place of the
    same value is no change, another value in the same place is one.
    """
    secrets, sent = _secrets(want, want.fields), _secrets(want, entry.fields if entry else {})
    if not (secrets or sent):
        return tuple(changes)
    known = _in_place(want, entry)
    found = []
    for change in changes:
        if change.path not in known:
            sensitive = change.path in secrets or change.path in sent
            found.append(replace(change, sensitive=sensitive))
    for path in sorted(known):
        changed = _rotated(want, entry, path) and not ignored(path, want.ignore_changes)
        if changed or want.address in case.options.rotates:
            was = sent.get(path)
            found.append(FieldChange(path, was, secrets[path], was, sensitive=True))
    return tuple(found)


def _secrets(want: Desired, fields: Fields) -> Mapping[str, Reference]:
    return kind(want.address.kind).secrets(fields)


def _in_place(want: Desired, entry: Locked | None) -> Collection[str]:
    """The secrets that an object at the service was given already, as far as anybody knows. Of one
    that is taken over, and of one whose entry was rebuilt, whoever made it has given it all.
    """
    secrets = _secrets(want, want.fields)
    if entry is None or not (entry.fields or entry.resetting):
        return secrets.keys()
    return secrets.keys() & _secrets(want, entry.fields).keys()


NOT_KNOWN = "(not known)"  # in the place of a value that may be one or the other


def _rotated(want: Desired, entry: Locked | None, path: str) -> bool:
    """Whether both fingerprints of a secret can be had, are of one key, and differ; or an apply was
    stopped that was about to send it.
    """
    if entry and path in entry.resetting:
        return True
    was, now = entry.fingerprints.get(path) if entry else None, want.fingerprints.get(path)
    return bool(was and now) and was != now and _key_of(was) == _key_of(now)


def _key_of(fingerprint: str | None) -> str:
    return (fingerprint or "").rpartition(":")[0]


def unverified(case: Situation) -> Iterator[tuple[Address, str]]:
    """The secrets of which nobody can say here whether they are what was sent."""
    for address, want in case.desired.items():
        if address in case.options.rotates or not _secrets(want, want.fields):
            continue
        if case.live(address) is None:
            continue
        entry = None if address in case.adopted else case.locked(address)
        for path in sorted(_in_place(want, entry)):
            sent = entry.fingerprints.get(path) if entry else None
            again = entry is not None and path in entry.resetting
            if not again and _key_of(sent) != (_key_of(want.fingerprints.get(path)) or "-"):
                yield address, path


def rotated_elsewhere(entry: Locked, live: Live) -> bool:
    """Whether the service says that somebody has written an object after our last write."""
    return 0 < entry.updated_at < live.updated_at and not entry.resetting


def own(case: Situation, change: FieldChange) -> FieldChange:
    """A reference to an object that we replaced ourselves is not a hand edit: an apply was stopped
    before it got there. Nor is one to an object that is gone, where another one is taken over in
    its place.
    """
    if change.drift is None:
        return change
    old = [id for entry in case.lock.resources.values() for id in entry.deposed]
    old += [id for address, id in case.lock.ids.items() if address in case.adopted]
    return replace(change, drift=None) if any(id in str(change.before) for id in old) else change


def protection(want: Desired, entry: Locked) -> tuple[FieldChange, ...]:
    """Protection that is put on or lifted."""
    if want.protect == entry.protected:
        return ()
    return (FieldChange("lifecycle.protect", entry.protected, want.protect, entry.protected),)


def _forcing(form: Form, changes: Iterable[FieldChange], live: Live) -> tuple[str, ...]:
    """The changed fields that cannot be changed in place."""
    fixed = form.fixed | form.stuck(live)
    paths = (change.path for change in changes)
    return tuple(path for path in paths if path in fixed or top(path) in fixed)


_SAME = Comparison()


def _compare(
    case: Situation, form: Form, want: Desired, entry: Locked | None, live: Live
) -> Comparison:
    origin = case.moves.get(want.address)
    if entry and not (origin or form.given or _touched(entry)):
        equal = _equal(form, want, entry, live)
        if len(equal) == len(want.fields) and entry.fields.keys() <= equal:
            return _SAME
    return compare(sides(form, want, entry, live, origin))


def sides(
    form: Form, want: Desired, entry: Locked | None, live: Live, origin: Address | None = None
) -> Sides:
    """The three sides of one object in normal form, without what `plan.store_files` compares, and
    without what is word for word the same on all of them. `origin`: its address before a move.
    """
    touched = _touched(entry)
    # A default that moves along is held against everything that is there.
    equal = set() if origin else _equal(form, want, entry, live)
    if touched:
        equal -= {top(path) for path in touched}
    fields = _without(want.fields, equal)
    wanted = _declared(form, want.address, fields)
    locked = _without(entry.fields, equal) if entry else {}
    left = _without(live.fields, equal)
    have: Fields = {}
    if wanted or locked or touched or origin:
        have = _flat(form, form.normal(origin or want.address, left))
    if same(locked, fields):
        base = wanted
    elif all(name in left and same(value, left[name]) for name, value in locked.items()):
        base = {path: have.get(path) for path in _flat(form, locked)}  # nobody has edited it
    else:
        base = _declared(form, want.address, locked)
    default = _Default(form, want.address)
    have |= _unshown(form, live, base, [*wanted, *base, *touched], default)
    have |= dict.fromkeys(_unsure(form, entry), NOT_KNOWN)
    if entry:
        wanted |= {name: entry.fields[name] for name in form.given if name in entry.fields}
    if entry and origin:
        base = {**base, **following(form, entry, have, origin)}
    return Sides(
        want=wanted,
        base=base,
        have=have,
        default=default,
        resetting=entry.resetting if entry else (),
        unkept=entry.unkept if entry else {},
        undone=undone(entry, live.stamp, have) if entry else (),
        ignored=(*(want.ignore_changes if entry else ()), *want.lost, *form.idle(live)),
    )


def _unsure(form: Form, entry: Locked | None) -> Iterator[str]:
    """What the service never shows and a stopped apply was about to write: nobody knows which value
    it has, also where the specs are what they were before.
    """
    for path in entry.resetting if entry else ():
        if form.hides(path) and not {path, top(path)} & form.certain:
            yield path


def _unshown(
    form: Form, live: Live, base: Fields, paths: Iterable[str], default: Mapping[str, Any]
) -> Fields:
    """What the service does not show of some units: it is taken to be what was applied."""
    begins = tuple(form.unread)
    hidden = [path for path in paths if path.startswith(begins) and form.hides(path)]
    shown = _flat(form, live.fields) if hidden else {}
    return {
        path: base[path] if path in base else default.get(path)
        for path in hidden
        if path not in shown
    }


def _touched(entry: Locked | None) -> Collection[str]:
    """The units that an update has written, or was about to, of which more is asked than what they
    are worth.
    """
    if entry is None:
        return ()
    return (*entry.resetting, *(entry.overwritten.values if entry.overwritten else ()))


def _equal(form: Form, want: Desired, entry: Locked | None, live: Live) -> set[str]:
    """The fields that are declared, applied and live in the same words: their normal form, which is
    made of each alone, is the same as well. What the service never shows is what was applied.
    """
    have, base = live.fields, entry.fields if entry else {}
    found = set()
    for name, value in want.fields.items():
        if name in base and not (value is base[name] or same(value, base[name])):
            continue
        if name not in have:
            alike = name in base and name in form.unread
        else:
            alike = value is have[name] or same(value, have[name])
        if alike:
            found.add(name)
    return found


def _without(fields: Fields, names: Collection[str]) -> Fields:
    if not names:
        return fields
    return {name: value for name, value in fields.items() if name not in names}


class _Default(Mapping[str, Any]):
    """What is not declared is worth, by unit: worked out when it is asked for, because most of what
    is there has everything.
    """

    def __init__(self, form: Form, address: Address) -> None:
        self._form, self._address = form, address

    @cached_property
    def _units(self) -> Fields:
        return _flat(self._form, self._form.normal(self._address, {}))

    def __getitem__(self, path: str) -> Any:
        return self._units[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._units)

    def __len__(self) -> int:
        return len(self._units)


def following(form: Form, entry: Locked, have: Fields, origin: Address) -> Fields:
    """The defaults that an object still has from its address before a move, and that are to be
    those of its new one. What somebody has put in their place is not ours, and stays.
    """
    defaults = form.defaults(origin, entry.fields)
    return {
        name: value
        for name, value in defaults.items()
        if name not in form.fixed and same(have.get(name), value)
    }


def undone(entry: Locked, stamp: Stamp | None, have: Fields) -> frozenset[str]:
    """The units that are as they were before our last update, where our stamp is as well: the
    service did not keep it. Under the stamp of the update itself somebody has put them back; an
    update that was stopped may never have left.
    """
    before = entry.overwritten
    if before is None or stamp is None or stamp.serial != before.serial:
        return frozenset()
    sent = (path for path in before.values if path not in entry.resetting)
    return frozenset(path for path in sent if sha256_of(have.get(path)) == before.values[path])


def _flat(form: Form, fields: Fields) -> Fields:
    if form.apart:
        fields = {name: value for name, value in fields.items() if name not in form.apart}
    return units(fields, form.keyed)


def _declared(form: Form, address: Address, fields: Fields) -> Fields:
    """The normal form of what was declared, and of nothing else."""
    if not fields:
        return {}
    normal, keyed = form.normal(address, fields), form.keyed
    found: Fields = {}
    for name, value in fields.items():
        if name in form.apart:
            continue
        if name in keyed:
            shown = units({name: normal.get(name)}, keyed)
            found |= {path: shown.get(path) for path in units({name: value}, keyed)}
        else:
            found[name] = normal.get(name)
    return found


def references_of(case: Situation, address: Address) -> tuple[Address, ...]:
    """What a locked or desired resource refers to."""
    one = kind(address.kind)
    if not one.fields.refers_to:
        return ()
    return tuple(dict.fromkeys(one.references(case.fields(address))))
