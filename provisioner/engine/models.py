"""Which models an environment uses, when they end and what follows them; and one model put in the
place of another wherever the specs say it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from provisioner.engine.accept import Proposal, Trial, changed_units, write_specs
from provisioner.engine.context import Context
from provisioner.engine.questions import state
from provisioner.engine.shutdowns import Shutdowns, asked, kept_answers
from provisioner.errors import ServiceError
from provisioner.model import Address, Desired, LockState, Position
from provisioner.plan.policy import unlisted, with_model
from provisioner.workspace import Specs
from provisioner.workspace.editing import Edit, NoPlace, placeholders
from provisioner.workspace.setting import SETTINGS_FILE
from provisioner.workspace.variables import origin, whole_variable
from provisioner.yamltext.editing import renamed
from provisioner.yamltext.patches import set_value

MODEL = "model"


@dataclass(frozen=True, slots=True)
class ModelUser:
    """A resource that uses a model: the specs say so, or only what was applied does."""

    address: Address
    position: Position | None = None  # in the specs; None for what was applied
    version: int | None = None  # of a request profile that is kept for applications


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
    for want in with_model(desired.values()):
        place = context.workspace.locate(want.source.at(MODEL))
        users[want.fields[MODEL]].append(ModelUser(want.address, place))
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
        for older in entry.profile.older if entry.profile else ():
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
    """One resource whose model is said anew, and where."""

    address: Address
    position: Position
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class KeptModel:
    """One resource whose model cannot be said anew here."""

    address: Address
    model: str
    reason: str
    hint: str | None = None


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


def replace_models(context: Context, wanted: Mapping[str, str], *, write: bool) -> ReplacedModels:
    """Have the specs say other models, old -> new, wherever one environment uses the old one.
    Nothing is written where not `write`.
    """
    _ = context.specs  # faulty specs are reported as such
    trial = _Replacing(context, wanted)
    proposals: list[Proposal] = []
    kept: list[KeptModel] = []
    for want in with_model(context.specs.desired.values()):
        model = want.fields[MODEL]
        if model not in wanted:
            continue
        try:
            edit = trial.edit(want, wanted[model])
        except NoPlace as why:
            kept.append(KeptModel(want.address, model, why.reason, why.hint))
        else:
            proposals.append(
                Proposal(want.address, MODEL, before=model, after=wanted[model], edits=(edit,))
            )
    taken, refused = trial.possible(proposals)
    kept += [
        KeptModel(one.address, one.before, why, "change the specs by hand")
        for one, why in refused.items()
    ]
    replaced = [
        ReplacedModel(one.address, trial.place(one.edits[0]), before=one.before, after=one.after)
        for one in taken
    ]
    also = trial.elsewhere(taken)
    again = "provisioner models --replace"
    files = write_specs(trial, taken, again) if write else trial.texts(taken)
    return ReplacedModels(
        wanted,
        tuple(sorted(replaced, key=lambda one: one.address)),
        tuple(sorted(kept, key=lambda one: one.address)),
        files=files,
        also=also,
        written=write,
    )


class _Replacing(Trial):
    """A trial in which a model may change wherever it is one of those that are to be replaced."""

    def __init__(self, context: Context, wanted: Mapping[str, str]) -> None:
        super().__init__(
            context.workspace, context.environment.name, context.variables, context.today
        )
        self._wanted = wanted

    def edit(self, want: Desired, new: str) -> Edit:
        """Where a resource's model is written; NoPlace where that is in no file, or in part of a
        text.
        """
        raw = self.written(want.source)
        said = raw.get(MODEL) if isinstance(raw, dict) else None
        if not isinstance(said, str):
            raise NoPlace("the resource is not written out", "declare its fields")
        name = whole_variable(said)
        if name is None and placeholders(said):
            hint = "change the variable, or write the value out"
            raise NoPlace(f"`{said}` holds `${{…}}`", hint)
        if name is None:
            return Edit(want.source.file, set_value((*want.source.path, MODEL), new))
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
        for one in proposals if name == self.environment else ():
            if after.desired[one.address].fields.get(MODEL) != one.after:
                return "the specs cannot say this value"
        return None

    def elsewhere(self, proposals: Sequence[Proposal]) -> dict[str, tuple[Address, ...]]:
        """The resources of other environments that change as well."""
        draft = self.workspace.draft(self.drafts(proposals))
        found = {}
        for name, before in self.before.items():
            if name != self.environment:
                changed = changed_units(before, draft.compile(name, self.variables))
                if changed:
                    found[name] = tuple(sorted(address for address, _ in changed))
        return found
