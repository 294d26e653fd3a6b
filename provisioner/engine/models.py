"""Which models an environment uses, when they end and what follows them; and one model put in the
place of another wherever the specs say it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import date
from typing import Any

from provisioner.engine.accept import Proposal, Trial, changed_units, write_specs
from provisioner.engine.context import Context
from provisioner.engine.questions import state
from provisioner.engine.shutdowns import Shutdowns, asked, kept_answers
from provisioner.errors import ServiceError
from provisioner.kinds.base import Path
from provisioner.model import Address, Check, Desired, LockState, Position
from provisioner.plan.policy import unlisted, with_model
from provisioner.records import dataclass
from provisioner.text import dotted
from provisioner.workspace import Specs
from provisioner.workspace.editing import Edit, NoPlace, placeholders
from provisioner.workspace.setting import SETTINGS_FILE
from provisioner.workspace.variables import origin, whole_variable
from provisioner.yamltext.editing import renamed
from provisioner.yamltext.patches import set_value

MODEL = "model"


@dataclass(frozen=True, slots=True)
class ModelUser:
    """A resource that uses a model: the specs say so, or only what was applied does. `path`: in
    which field.
    """

    address: Address
    position: Position | None = None  # in the specs; None for what was applied
    version: int | None = None  # of a request profile that is kept for applications
    path: str = MODEL


@dataclass(frozen=True, slots=True)
class UsedModel:
    """A model with its announced end, and what OpenAI recommends in its place."""

    name: str
    users: tuple[ModelUser, ...]
    end: date | None = None
    source: str | None = None  # who says when it ends
    replacement: str | None = None
    unlisted: bool = False  # the service lists its models, and not this one


@dataclass(frozen=True, slots=True)
class ModelsInUse:
    """Every model of an environment, those that end first before the others."""

    workspace: str
    environment: str
    models: tuple[UsedModel, ...]
    today: date
    notes: tuple[str, ...] = ()

    @property
    def ending(self) -> int:
        """How many of them have an announced end."""
        return sum(model.end is not None for model in self.models)


async def models_in_use(context: Context) -> ModelsInUse:
    """What the specs say and, where it differs, what was applied. The service is asked at most once
    a day, and whatever keeps it from answering is a note.
    """
    desired = context.specs.desired
    users: dict[str, list[ModelUser]] = defaultdict(list)
    trial = _Replacing(context, {})
    for want, path, model in trial.uses(desired.values()):
        place = context.workspace.locate(want.source.at(*path))
        users[model].append(ModelUser(want.address, place, path=dotted(path)))
    for model, user in _applied(state(context), desired):
        users[model].append(user)
    shutdowns, notes = await _shutdowns(context) if users else (Shutdowns(), ())
    missing = unlisted(desired.values(), shutdowns.names, sure=shutdowns.public)
    unknown = {want.fields[MODEL] for want in missing}
    models = []
    for name, found in users.items():
        end = shutdowns.of(name)
        models.append(
            UsedModel(
                name,
                tuple(sorted(found, key=lambda one: (one.address, one.version or 0))),
                end=end,
                source=shutdowns.source(name) if end else None,
                replacement=shutdowns.replacement(name),
                unlisted=name in unknown and end is None,
            )
        )
    models.sort(key=lambda model: (model.end or date.max, model.name))
    return ModelsInUse(
        context.workspace.name, context.environment.name, tuple(models), context.today, notes
    )


def _applied(
    lock: LockState | None, desired: Mapping[Address, Desired]
) -> Iterator[tuple[str, ModelUser]]:
    """What was applied with another model than the specs say, kept versions among it."""
    for address, entry in lock.resources.items() if lock else ():
        want = desired.get(address)
        said = {want.fields.get(MODEL)} if want else set()
        model = entry.fields.get(MODEL)
        if isinstance(model, str) and model not in said:
            yield model, ModelUser(address)
            said.add(model)
        for older in entry.older:
            model = older.get("request", {}).get(MODEL)
            if isinstance(model, str) and model not in said:
                yield model, ModelUser(address, version=older["version"])


async def _shutdowns(context: Context) -> tuple[Shutdowns, tuple[str, ...]]:
    """What is known of the models, and why it is not more."""
    where = context.root, context.environment
    try:
        async with context.remote(read_only=True) as remote:
            found = await asked(*where, remote)
    except ServiceError as error:
        why = error.problems[0].detail
        return kept_answers(*where), (f"{why} What is said of models is what was known before.",)
    if not found.fresh:
        return found, ("The service gives no answer. What is said is what was known before.",)
    if not found.known:
        return found, ("The service does not say when its models end.",)
    return found, ()


@dataclass(frozen=True, slots=True)
class ReplacedModel:
    """One resource whose model is said anew, and where. `path`: in which field."""

    address: Address
    position: Position
    before: str
    after: str
    path: str = MODEL


@dataclass(frozen=True, slots=True)
class KeptModel:
    """One resource whose model cannot be said anew here."""

    address: Address
    model: str
    reason: str
    hint: str | None = None
    path: str = MODEL


@dataclass(frozen=True, slots=True)
class ReplacedModels:
    """What became, or would become, of the specs."""

    wanted: Mapping[str, str]
    replaced: tuple[ReplacedModel, ...] = ()
    kept: tuple[KeptModel, ...] = ()
    # Path -> text before and after.
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    also: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)  # by environment
    written: bool = False


@dataclass(frozen=True, slots=True)
class Replacement:
    """Other models in the specs: drafted, and not written yet."""

    context: Context
    trial: Trial
    taken: Sequence[Proposal]
    found: ReplacedModels

    def write(self) -> ReplacedModels:
        """Write exactly what was drafted; SpecError where a file has been changed since."""
        files = write_specs(self.trial, self.taken, "provisioner models --replace")
        return replace(self.found, files=files, written=True)

    def drafted(self) -> Context:
        """The same environment with the specs as they would be."""
        workspace = self.context.workspace.draft(self.trial.drafts(self.taken))
        environment = workspace.environments[self.context.environment.name]
        return replace(self.context, workspace=workspace, environment=environment)

    def with_checks(self) -> list[str]:
        """What would have another model, itself or as a judge, and has checks."""
        desired = self.context.specs.desired
        replaced = {one.address for one in self.found.replaced}
        return [str(address) for address in sorted(replaced) if desired[address].checks]


def replace_models(context: Context, wanted: Mapping[str, str]) -> Replacement:
    """Have the specs say other models, old -> new, wherever one environment uses the old one."""
    _ = context.specs  # faulty specs are reported as such
    trial = _Replacing(context, wanted)
    proposals: list[Proposal] = []
    kept: list[KeptModel] = []
    for want, path, model in trial.uses(context.specs.desired.values()):
        if model not in wanted:
            continue
        where = dotted(path)
        try:
            edit = trial.edit(want, path, wanted[model])
        except NoPlace as why:
            kept.append(KeptModel(want.address, model, why.reason, why.hint, path=where))
        else:
            proposals.append(
                Proposal(want.address, where, before=model, after=wanted[model], edits=(edit,))
            )
    taken, refused = trial.possible(proposals)
    kept += [
        KeptModel(one.address, one.before, why, "change the specs by hand", path=one.path)
        for one, why in refused.items()
    ]
    replaced = [
        ReplacedModel(
            one.address,
            trial.place(one.edits[0]),
            before=one.before,
            after=one.after,
            path=one.path,
        )
        for one in taken
    ]
    found = ReplacedModels(
        wanted,
        tuple(sorted(replaced, key=lambda one: one.address)),
        tuple(sorted(kept, key=lambda one: one.address)),
        files=trial.texts(taken),
        also=trial.elsewhere(taken),
    )
    return Replacement(context, trial, taken, found)


class _Replacing(Trial):
    """A trial in which a model may change wherever it is one of those that are to be replaced."""

    def __init__(self, context: Context, wanted: Mapping[str, str]) -> None:
        super().__init__(
            context.workspace, context.environment.name, context.variables, context.today
        )
        self._wanted = wanted

    def uses(self, desired: Iterable[Desired]) -> Iterator[tuple[Desired, Path, str]]:
        """Every model that the specs name, where its resource does: as its own, or as that which
        judges in one of its checks.
        """
        for want in with_model(desired):
            yield want, (MODEL,), want.fields[MODEL]
            for check in want.checks:
                for index, turn in enumerate(check.turns):
                    if turn.judge and turn.judge.model:
                        at = (*self._turns(want, check), index, "judge", MODEL)
                        yield want, at, turn.judge.model

    def _turns(self, want: Desired, check: Check) -> Path:
        """Where the turns of a check are written: as the check itself, or below its settings."""
        at: Path = ("checks", check.name)
        return (*at, "turns") if isinstance(self.written(want.source.at(*at)), dict) else at

    def edit(self, want: Desired, path: Path, new: str) -> Edit:
        """Where a model is written; NoPlace where that is in no file, or in part of a text."""
        raw = self.written(want.source)
        said = self.written(want.source.at(*path)) if isinstance(raw, dict) else None
        if not isinstance(said, str):
            raise NoPlace("the resource is not written out", "declare its fields")
        name = whole_variable(said)
        if name is None and placeholders(said):
            hint = "change the variable, or write the value out"
            raise NoPlace(f"`{said}` holds `${{…}}`", hint)
        if name is None:
            return Edit(want.source.file, set_value((*want.source.path, *path), new))
        environment = self.workspace.environments[self.environment]
        place = origin(name, environment, self.variables)
        if isinstance(place, str):
            reason = f"the variable `{name}` has its value from `{place}`"
            raise NoPlace(reason, "change it there, and its default in `provisioner.yaml`")
        return Edit(SETTINGS_FILE, set_value(place, new))

    def drafts(self, proposals: Iterable[Proposal]) -> dict[str, bytes]:
        """The files with the new words in the place of the old ones, wherever those are written."""
        words: dict[str, dict[Any, str]] = defaultdict(dict)
        for proposal in proposals:
            for edit in proposal.edits:
                words[edit.file][edit.path] = proposal.after
        drafts = {}
        for file, changes in words.items():
            data = self.original(file)
            text = data.decode("utf-8-sig")
            mark = data[: len(data) - len(text.encode())]
            drafts[file] = mark + renamed(text, changes).encode()
        return drafts

    def surprise(
        self, name: str, before: Specs, after: Specs, proposals: Sequence[Proposal]
    ) -> str | None:
        """Whatever changes, in any environment, must be a model that is to be replaced."""
        where = "" if name == self.environment else f" in `{name}`"
        for address, path in changed_units(before, after):
            old, new = before.desired.get(address), after.desired.get(address)
            meant = (
                path == MODEL
                and old is not None
                and new is not None
                and self._wanted.get(str(old.fields.get(MODEL))) == new.fields.get(MODEL)
            )
            if not meant:
                return f"it would change `{address}{f'#{path}' if path else ''}`{where} as well"
        for address, old, new in _other_checks(before, after):
            if not self._only_judges(old, new):
                return f"it would change `{address}#checks`{where} as well"
        if name != self.environment:
            return None
        uses = self.uses(after.desired.values())
        said = {(want.address, dotted(path)): model for want, path, model in uses}
        if any(said.get((one.address, one.path)) != one.after for one in proposals):
            return "the specs cannot say this value"
        return None

    def _only_judges(self, before: Desired, after: Desired) -> bool:
        """Whether checks differ in models that are to be replaced, and in nothing else."""
        old, new = _judges(before), _judges(after)
        meant = len(old) == len(new) and all(
            other in (one, self._wanted.get(str(one))) for one, other in zip(old, new, strict=True)
        )
        return meant and _unjudged(before) == _unjudged(after)

    def elsewhere(self, proposals: Sequence[Proposal]) -> dict[str, tuple[Address, ...]]:
        """The resources of other environments that change as well."""
        draft = self.workspace.draft(self.drafts(proposals))
        found = {}
        for name, before in self.before.items():
            if name != self.environment:
                after = draft.compile(name, self.variables)
                changed = {address for address, _ in changed_units(before, after)}
                changed |= {address for address, _, _ in _other_checks(before, after)}
                if changed:
                    found[name] = tuple(sorted(changed))
        return found


def _other_checks(before: Specs, after: Specs) -> Iterator[tuple[Address, Desired, Desired]]:
    """Resources whose checks two readings of the specs say differently."""
    for address, old in before.desired.items():
        new = after.desired.get(address)
        if new is not None and old.checks != new.checks:
            yield address, old, new


def _judges(want: Desired) -> list[str | None]:
    turns = [turn for check in want.checks for turn in check.turns]
    return [turn.judge.model for turn in turns if turn.judge]


def _unjudged(want: Desired) -> list[Check]:
    """The checks, whoever judges in them."""
    checks = []
    for check in want.checks:
        turns = [
            replace(turn, judge=replace(turn.judge, model=None)) if turn.judge else turn
            for turn in check.turns
        ]
        checks.append(replace(check, turns=tuple(turns)))
    return checks
