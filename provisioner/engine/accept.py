"""Taking over edits that somebody else made: live values are written into the specs, and nowhere else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from provisioner import disk
from provisioner.diff import ignored
from provisioner.engine.context import Context
from provisioner.engine.drift import DriftOptions, read_drift, split
from provisioner.engine.trial import Proposal, Trial
from provisioner.errors import SpecError
from provisioner.kinds import kind
from provisioner.model import Address, Drifted, FieldChange, Position, Problem
from provisioner.plan import Situation
from provisioner.plan.ownership import Foreign, foreign
from provisioner.spec.editing.edits import NoPlace
from provisioner.spec.editing.units import Spot, edits
from provisioner.spec.tree import Refused

_SEVERAL = "its file is used in several places"
_BY_HAND = "change the specs by hand, or run `provisioner apply` to undo the edit"
_UNDECLARED, _DECLARE = "the specs no longer declare it", "declare it again, or run `provisioner apply` to delete it"
_GONE = {
    "gone": ("it is gone from the service", "take it out of the specs, or run `provisioner apply` to make it again"),
    "expired": ("it has expired", "take it out of the specs, or run `provisioner apply` to make it again"),
}


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One field that the specs now say as the service has it."""

    address: Address
    path: str
    position: Position
    before: Any  # what the specs said
    after: Any
    also: tuple[str, ...] = ()  # other environments that it changes as well


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """One field, or object, that has no single place in the specs."""

    address: Address
    path: str
    reason: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of the drift."""

    accepted: tuple[Acceptance, ...] = ()
    not_accepted: tuple[NotAccepted, ...] = ()
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # path -> text before and after
    applied: bool = True  # whether anything was ever applied
    asked: tuple[str, ...] = ()  # what was named; everything where nothing was


async def accept(context: Context, words: Collection[str] = ()) -> Accepted:
    """Write what is live into the specs: everything that drifted, or only the given `ADDR` and `ADDR#path`."""
    drift, case = await read_drift(context, DriftOptions())
    known = {*case.desired, *case.lock.resources}
    wanted = [split(word, known, "so there is nothing to accept") for word in words]
    trial = Trial(context.workspace, context.environment.name, context.variables, context.today)
    found = _Sorted(case, trial)
    for item in drift.found:
        found.look_at(item, [path for address, path in wanted if address == item.address] if words else [""])
    found.keep_alone()
    taken, failed = trial.settled(found.proposals)
    found.refused += [NotAccepted(one.address, one.path, why, _BY_HAND) for one, why in failed.items()]
    told = tuple(_told(trial, taken))
    files = write(trial, taken)
    return Accepted(told, tuple(sorted(found.refused, key=_order)), files, not case.fresh, tuple(words))


@dataclass
class _Sorted:
    """What drifted, as edits where there is a single place for it."""

    case: Situation
    trial: Trial
    proposals: list[Proposal] = field(default_factory=list)
    refused: list[NotAccepted] = field(default_factory=list)

    @cached_property
    def foreign(self) -> dict[Address, Foreign]:
        """What somebody else has stamped, by address."""
        return {one.address: one for one in foreign(self.case.lock, self.case.observed.live, {})}

    def look_at(self, item: Drifted, paths: Sequence[str]) -> None:
        """Sort the fields of one object; `""` among the paths means all of them."""
        everything = "" in paths
        taken = self.foreign.get(item.address)
        if taken and paths:
            why = f"`{taken.id}` carries the stamp `{taken.stamp}`, so it is somebody else's"
            self.refused.append(NotAccepted(item.address, "", why, f"`provisioner state rm {item.address}` lets it go"))
            return
        if item.drift == "missing" and paths:
            self.refused.append(NotAccepted(item.address, "", *_GONE[item.reason]))
        elif item.address not in self.case.desired:
            if paths:
                self.refused.append(NotAccepted(item.address, "", _UNDECLARED, _DECLARE))
        else:
            for change in item.fields:
                if everything or ignored(change.path, paths):
                    self._field(item, change)

    def _field(self, item: Drifted, change: FieldChange) -> None:
        address, path, live = item.address, change.path, change.before
        try:
            if change.sensitive:
                raise NoPlace("it is a secret, which no service gives back", "change it where it is kept")
            found = tuple(edits(self._spot(address), path, live))
        except NoPlace as why:
            self.refused.append(NotAccepted(address, path, why.reason, why.hint))
        except Refused as why:
            self.refused.append(NotAccepted(address, path, f"its file {why.detail}", why.hint))
        else:
            self.proposals.append(Proposal(address, path, change.after, live, found))

    def _spot(self, address: Address) -> Spot:
        want = self.case.desired[address]
        raw = self.trial.written(want.source)
        return Spot(want, raw, kind(address.kind).form(want.api), self.trial.tree, self.case.environment)

    def keep_alone(self) -> None:
        """A prompt or schema that two of them would write belongs to neither."""
        users = Counter(file for one in self.proposals for file in one.own_files)
        shared = [one for one in self.proposals if any(users[file] > 1 for file in one.own_files)]
        self.refused += [NotAccepted(one.address, one.path, _SEVERAL, _BY_HAND) for one in shared]
        self.proposals = [one for one in self.proposals if one not in shared]


def _order(one: NotAccepted) -> tuple[Address, str]:
    return one.address, one.path


def _told(trial: Trial, taken: Sequence[Proposal]) -> Iterator[Acceptance]:
    """What is accepted, with the places as they are before anything is written."""
    also: dict[tuple[Address, str], list[str]] = {}
    for address, path, name in trial.shared(taken):
        also.setdefault((address, path), []).append(name)
    drafts = trial.drafts(taken)
    for one in sorted(taken, key=lambda one: (one.address, one.path)):
        edit = one.edits[0]
        data = trial.original(edit.file), drafts[edit.file]
        place = Position(edit.file, _first_difference(*data), 1) if edit.apart else trial.place(edit)
        names = tuple(also.get((one.address, one.path), ()))
        yield Acceptance(one.address, one.path, place, one.before, one.after, names)


def _first_difference(before: bytes, after: bytes) -> int:
    pairs = zip(before.split(b"\n"), after.split(b"\n"), strict=False)
    return next((line for line, (old, new) in enumerate(pairs, 1) if old != new), before.count(b"\n") + 1)


def write(trial: Trial, taken: Sequence[Proposal]) -> dict[str, tuple[str, str]]:
    """Write the files, each whole or not at all, and none where one of them is no longer what was read."""
    drafts = trial.drafts(taken)
    places = {file: trial.workspace.file(file) for file in drafts}
    for file, place in places.items():
        if disk.read(place, disk.LARGEST_TEXT) != trial.original(file):
            detail = f"`{file}` was changed while its new content was worked out; nothing was written."
            raise SpecError(Problem("File changed meanwhile", detail, "run `provisioner accept` again", file=file))
    for file, place in places.items():
        try:
            disk.replace(place, drafts[file])
        except OSError as error:
            detail = f"`{file}` cannot be written: {error.strerror}."
            raise SpecError(Problem("File not written", detail, "check the permissions", file=file)) from error
    return {file: (trial.original(file).decode("utf-8-sig"), data.decode("utf-8-sig")) for file, data in drafts.items()}
