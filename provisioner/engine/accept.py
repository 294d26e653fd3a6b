"""Taking over edits that somebody else made: live values are written into the specs, and nowhere
else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import date
from functools import cached_property
from typing import Any

from provisioner import disk
from provisioner.diff import ignored, join, same
from provisioner.engine.context import Context
from provisioner.engine.drift import DriftOptions, address_and_path, read_drift
from provisioner.engine.policies import rule
from provisioner.engine.shutdowns import kept_answers
from provisioner.errors import SpecError, UsageError, not_written
from provisioner.jsontext import canonical
from provisioner.kinds import holds_files, is_file, kind
from provisioner.kinds.vector_store.fields import chunks
from provisioner.masking import with_known_secret
from provisioner.model import (
    Address,
    Desired,
    Drifted,
    FieldChange,
    Live,
    Position,
    Problem,
    Source,
)
from provisioner.plan import Situation
from provisioner.plan.decide import sides
from provisioner.plan.ownership import Foreign, foreign
from provisioner.plan.policy import with_model
from provisioner.records import dataclass
from provisioner.text import suggest
from provisioner.workspace import Specs, Workspace
from provisioner.workspace.editing import Edit, NoPlace, Spot, edited, edits
from provisioner.workspace.tree import FileRefused, Tree
from provisioner.yamltext.reading import read_yaml
from provisioner.yamltext.spelling import Unwritable

_SEVERAL = "its file is used in several places"
_BY_HAND = "change the specs by hand, or run `provisioner apply` to undo the edit"
_UNDECLARED, _DECLARE = (
    "the specs no longer declare it",
    "declare it again, or run `provisioner apply` to delete it",
)
_GONE = {
    "gone": (
        "it is gone from the service",
        "take it out of the specs, or run `provisioner apply` to make it again",
    ),
    "expired": (
        "it has expired",
        "take it out of the specs, or run `provisioner apply` to make it again",
    ),
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
    # Path -> text before and after.
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    applied: bool = True  # whether anything was ever applied
    asked: tuple[str, ...] = ()  # what was named; everything where nothing was


async def accept(context: Context, words: Collection[str] = ()) -> Accepted:
    """Write what is live into the specs: everything that drifted, or only the given `ADDR` and
    `ADDR#path`.
    """
    drift, case = await read_drift(context, DriftOptions())
    known = {*case.desired, *case.lock.resources}
    wanted = [address_and_path(word, known, "so there is nothing to accept") for word in words]
    _check_fields(wanted, drift.found)
    trial = Trial(context.workspace, context.environment.name, context.variables, context.today)
    sorted_out = _Sorted(case, trial)
    for item in drift.found:
        sorted_out.look_at(
            item, [path for address, path in wanted if address == item.address] if words else [""]
        )
    sorted_out.keep_alone()
    taken, failed = trial.possible(sorted_out.proposals)
    sorted_out.refused += [
        NotAccepted(one.address, one.path, why, _BY_HAND) for one, why in failed.items()
    ]
    reported = tuple(_reported(trial, taken))
    files = write_specs(trial, taken)
    return Accepted(
        reported,
        tuple(sorted(sorted_out.refused, key=lambda one: (one.address, one.path))),
        files=files,
        applied=not case.fresh,
        asked=tuple(words),
    )


def _check_fields(wanted: Iterable[tuple[Address, str]], found: Iterable[Drifted]) -> None:
    """UsageError for a field that no resource of its kind has, and that nobody changed."""
    drifted = {item.address: [change.path for change in item.fields] for item in found}
    problems = []
    for address, path in wanted:
        fields = [field.name for field in kind(address.kind).fields]
        changed = drifted.get(address, [])
        if not path or re.split(r"[.\[]", path)[0] in fields or path in changed:
            continue
        hint = suggest(path, changed, "changed outside") or suggest(path, fields, "it has")
        detail = f"`{address}` has no field `{path}`, so there is nothing to accept."
        problems.append(Problem("Unknown field", detail, hint, address=str(address)))
    if problems:
        raise UsageError(problems)


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
            self.refused.append(
                NotAccepted(
                    item.address, "", why, f"`provisioner state rm {item.address}` lets it go"
                )
            )
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
                raise NoPlace(
                    "it is a secret, which no service gives back", "change it where it is kept"
                )
            if with_known_secret(canonical(live)):
                raise NoPlace(
                    "what it says now holds a secret, which belongs in no file",
                    "take it out at the service",
                )
            want = self.case.desired[address]
            raw = self.trial.written(want.source)
            spot = Spot(
                want,
                raw,
                form=kind(address.kind).form(want.api),
                tree=self.trial.tree,
                environment=self.case.environment,
            )
            changes = tuple(edits(spot, path, live))
        except NoPlace as why:
            self.refused.append(NotAccepted(address, path, why.reason, why.hint))
        except FileRefused as why:
            self.refused.append(NotAccepted(address, path, f"its file {why.detail}", why.hint))
        else:
            self.proposals.append(
                Proposal(address, path, before=change.after, after=live, edits=changes)
            )

    def keep_alone(self) -> None:
        """A prompt or schema that two of them would write belongs to neither."""
        users = Counter(file for one in self.proposals for file in one.own_files)
        shared = [one for one in self.proposals if any(users[file] > 1 for file in one.own_files)]
        self.refused += [NotAccepted(one.address, one.path, _SEVERAL, _BY_HAND) for one in shared]
        self.proposals = [one for one in self.proposals if one not in shared]


def _reported(trial: Trial, taken: Sequence[Proposal]) -> Iterator[Acceptance]:
    """What is accepted, with the places as they are before anything is written."""
    also: dict[tuple[Address, str], list[str]] = {}
    for address, path, name in trial.shared(taken):
        also.setdefault((address, path), []).append(name)
    drafts = trial.drafts(taken)
    for one in sorted(taken, key=lambda one: (one.address, one.path)):
        edit = one.edits[0]
        data = trial.original(edit.file), drafts[edit.file]
        place = (
            Position(edit.file, _first_difference(*data), 1) if edit.apart else trial.place(edit)
        )
        names = tuple(also.get((one.address, one.path), ()))
        yield Acceptance(
            one.address, one.path, position=place, before=one.before, after=one.after, also=names
        )


def _first_difference(before: bytes, after: bytes) -> int:
    pairs = zip(before.split(b"\n"), after.split(b"\n"), strict=False)
    return next(
        (line for line, (old, new) in enumerate(pairs, 1) if old != new), before.count(b"\n") + 1
    )


def write_specs(
    trial: Trial, taken: Sequence[Proposal], command: str = "provisioner accept"
) -> dict[str, tuple[str, str]]:
    """Write the files, each whole or not at all, and none where one of them is no longer what was
    read; then the `command` has to be run again.
    """
    drafts = trial.drafts(taken)
    places = {file: trial.workspace.file(file) for file in drafts}
    for file, place in places.items():
        if disk.read(place, disk.LARGEST_TEXT) != trial.original(file):
            detail = (
                f"`{file}` was changed while its new content was worked out; nothing was written."
            )
            raise SpecError(
                Problem("File changed meanwhile", detail, f"run `{command}` again", file=file)
            )
    for file, place in places.items():
        try:
            disk.replace(place, drafts[file])
        except OSError as error:
            raise not_written(file, error) from error
    return trial.texts(taken)


_ABSENT = object()


@dataclass(frozen=True, eq=False, slots=True)
class Proposal:
    """One field that is to be said differently, and how."""

    address: Address
    path: str
    before: Any
    after: Any  # what is live, in normal form
    edits: tuple[Edit, ...] = ()

    @property
    def own_files(self) -> list[str]:
        """The prompts and schemas, files of their own, that it would write."""
        return [edit.file for edit in self.edits if edit.apart]


class Trial:
    """The workspace as it is, and as it would be."""

    def __init__(
        self, workspace: Workspace, environment: str, variables: Mapping[str, str], today: date
    ) -> None:
        self.workspace = workspace
        self.environment = environment
        self.variables = dict(variables)
        self.today = today
        self.tree = Tree(workspace.root)
        self._original: dict[str, bytes] = {}
        self._read: dict[str, Any] = {}

    def original(self, file: str) -> bytes:
        """What a file holds now, read once."""
        if file not in self._original:
            self._original[file] = disk.read(self.workspace.file(file), disk.LARGEST_TEXT)
        return self._original[file]

    def written(self, source: Source) -> Any:
        """What a spec says at a place, before anything is made of it."""
        if source.file not in self._read:
            self._read[source.file] = read_yaml(self.original(source.file)).value
        value = self._read[source.file]
        for step in source.path:
            value = value[step]
        return value

    def place(self, edit: Edit) -> Position:
        """Where in its spec an edit is made."""
        return self.workspace.locate(Source(edit.file, edit.path))

    def drafts(self, proposals: Iterable[Proposal]) -> dict[str, bytes]:
        """The files that change, as they would be; Unwritable where a value cannot be written."""
        edits: dict[str, list[Edit]] = {}
        for edit in (edit for proposal in proposals for edit in proposal.edits):
            edits.setdefault(edit.file, []).append(edit)
        return {file: edited(self.original(file), wanted) for file, wanted in edits.items()}

    def texts(self, proposals: Iterable[Proposal]) -> dict[str, tuple[str, str]]:
        """The text of each of these files before and after."""
        return {
            file: (self.original(file).decode("utf-8-sig"), data.decode("utf-8-sig"))
            for file, data in self.drafts(proposals).items()
        }

    def possible(self, proposals: Sequence[Proposal]) -> tuple[list[Proposal], dict[Proposal, str]]:
        """Those that can be made together, and why the others cannot: halved until every problem
        stands alone.
        """
        taken: list[Proposal] = []
        refused: dict[Proposal, str] = {}
        waiting = [list(proposals)] if proposals else []
        while waiting:
            some = waiting.pop(0)
            why = self.refusal([*taken, *some])
            if why is None:
                taken += some
            elif len(some) == 1:
                refused[some[0]] = why
            else:
                half = len(some) // 2
                waiting = [some[:half], some[half:], *waiting]
        return taken, refused

    def refusal(self, proposals: Sequence[Proposal]) -> str | None:
        """Why these cannot be made together; None where they change exactly what they are
        meant to.
        """
        try:
            draft = self.workspace.draft(self.drafts(proposals))
        except Unwritable as error:
            return str(error)
        except FileRefused as refused:
            return f"its file {refused.detail}"
        for name, before in self.before.items():
            after = draft.compile(name, self.variables)
            problems = self._problems(draft, name, after)
            why = _invalid(self._known[name], problems) or self.surprise(
                name, before, after, proposals
            )
            if why:
                return why
        return None

    def shared(self, proposals: Sequence[Proposal]) -> Iterator[tuple[Address, str, str]]:
        """What changes in other environments as well: address, path and environment."""
        draft = self.workspace.draft(self.drafts(proposals))
        for name, before in self.before.items():
            if name != self.environment:
                touched = changed_units(before, draft.compile(name, self.variables))
                for proposal in proposals:
                    if any(_covers(proposal, address, path) for address, path in touched):
                        yield proposal.address, proposal.path, name

    def _problems(self, workspace: Workspace, name: str, specs: Specs) -> list[Problem]:
        """The errors of one environment, breaches of its policies among them; nobody is asked for
        anything.
        """
        environment = workspace.environments[name]
        shutdowns = kept_answers(workspace.root, environment)
        problems = list(specs.problems)
        # Each resource is judged alone: where one problem names all users of a model, it would be
        # another one as soon as one of them uses it no longer.
        for want in with_model(specs.desired.values()):
            ruling = rule(
                workspace, environment, wanted=[want], shutdowns=shutdowns, today=self.today
            )
            problems += ruling.problems
        return [problem for problem in problems if problem.severity == "error"]

    @cached_property
    def _known(self) -> dict[str, list[Problem]]:
        return {
            name: self._problems(self.workspace, name, specs) for name, specs in self.before.items()
        }

    @cached_property
    def before(self) -> dict[str, Specs]:
        """What the specs want now, by environment, that of the trial first."""
        names = [
            self.environment,
            *(name for name in self.workspace.environments if name != self.environment),
        ]
        return {name: self.workspace.compile(name, self.variables) for name in names}

    def surprise(
        self, name: str, before: Specs, after: Specs, proposals: Sequence[Proposal]
    ) -> str | None:
        """Why what changes in an environment is not what was meant; None where it is."""
        changed = changed_units(before, after)
        where = "" if name == self.environment else f" in `{name}`"
        for address, path in changed:
            if not any(_covers(proposal, address, path) for proposal in proposals):
                return f"it would change `{address}{f'#{path}' if path else ''}`{where} as well"
        if name != self.environment:
            return None
        for one in proposals:
            if not same(_value(after, one.address, one.path), one.after):
                return "the specs cannot say this value"
        return None


def _invalid(before: Iterable[Problem], after: Iterable[Problem]) -> str | None:
    known = {(problem.summary, problem.detail) for problem in before}
    for problem in after:
        if (problem.summary, problem.detail) not in known:
            return f"the specs would be faulty: {problem.detail.rstrip('.')}"
    return None


def _covers(proposal: Proposal, address: Address, path: str) -> bool:
    """Whether a change is what a proposal is about. A file that is taken out of its store may end
    with that.
    """
    if is_file(address) and holds_files(proposal.address):
        return not path and proposal.after is None and proposal.path == join("files", address.name)
    return address == proposal.address and ignored(path, [proposal.path])


def changed_units(before: Specs, after: Specs) -> dict[tuple[Address, str], None]:
    """Every unit that two readings of the specs say differently, by address and path."""
    changed: dict[tuple[Address, str], None] = {}
    for address in dict.fromkeys([*before.desired, *after.desired]):
        old, new = before.desired.get(address), after.desired.get(address)
        if old is None or new is None:
            changed[address, ""] = None
        elif not same(old.fields, new.fields) or _apart(old) != _apart(new):
            left, right = _units(old), _units(new)
            paths = [
                path
                for path in {**left, **right}
                if not same(left.get(path, _ABSENT), right.get(path, _ABSENT))
            ]
            changed.update({(address, path): None for path in paths or [""]})
    return changed


def _apart(want: Desired) -> tuple[Any, ...]:
    """What a resource says beside its fields."""
    return want.api, want.protect, want.ignore_changes, want.lost


def _units(want: Desired) -> dict[str, Any]:
    """Every declared unit in normal form, those of a store's files among them."""
    units = dict(sides(kind(want.address.kind).form(want.api), want, None, Live("", {})).want)
    if holds_files(want.address):
        for path, item in want.files.items():
            prefix, default = join("files", path), want.fields.get("chunking")
            units[prefix] = {key: item[key] for key in ("file", "id") if key in item}
            units[f"{prefix}.chunking"] = chunks(item.get("chunking", default))
            for key, value in (item.get("attributes") or {}).items():
                units[join(f"{prefix}.attributes", key)] = value
    return units


def _value(specs: Specs, address: Address, path: str) -> Any:
    """What the specs make of one unit, its default where they do not say it."""
    want = specs.desired.get(address)
    if want is None:
        return _ABSENT
    form = kind(address.kind).form(want.api)
    default = sides(form, want, None, Live("", {})).default
    return _units(want).get(path, default.get(path))
