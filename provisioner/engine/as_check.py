"""A conversation that was held, written into the specs as a check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provisioner import jsontext
from provisioner.conversation import Call, Reply
from provisioner.engine.accept import Proposal, Trial, write_specs
from provisioner.engine.context import Context
from provisioner.engine.expecting import arguments_of
from provisioner.errors import SpecError, UsageError
from provisioner.model import Address, Position, Problem
from provisioner.records import dataclass
from provisioner.text import spelt
from provisioner.workspace.editing import Edit, literal
from provisioner.workspace.sections import declarable
from provisioner.yamltext.patches import set_value
from provisioner.yamltext.spelling import Unwritable

_STATUSES = frozenset({"completed", "failed", "cancelled", "expired", "incomplete"})
Said = tuple[str, Reply]  # what the user said, and what came of it


@dataclass(frozen=True, slots=True)
class CheckPlace:
    """Where a new check is to be written."""

    context: Context
    trial: Trial
    address: Address
    name: str


def place_for_check(context: Context, address: str, name: str) -> CheckPlace:
    """Where the check `name` of an assistant will be written. UsageError where it cannot be: found
    out before anybody talks.
    """
    at = Address.parse(address)
    if not declarable(context.root, Address(at.kind, name)):
        detail = f"A check cannot be called {spelt(name)}."
        hint = "a name has small letters, digits, `_` and `-`, and begins with a letter"
        raise UsageError(Problem("Not a name", detail, hint))
    want = context.specs.desired.get(at)
    if want is None:
        detail = f"`{address}` is not in the specs any more, so that no check can be written there."
        raise UsageError(Problem("Not in the specs", detail, "talk without `--as-check`"))
    trial = Trial(
        context.workspace, context.environment.name, context.variables, today=context.today
    )
    raw = trial.written(want.source)
    if not isinstance(raw, dict):
        detail = f"`{address}` is not written out in its spec, so that no check fits there."
        raise UsageError(Problem("No place", detail, "declare its fields"))
    if name in (raw.get("checks") or {}):
        detail = f"`{address}` has a check `{name}` already."
        raise UsageError(Problem("Check exists", detail, "choose another name"))
    return CheckPlace(context, trial, at, name)


def write_check(place: CheckPlace, said: Sequence[Said], documents: Mapping[str, str]) -> Position:
    """Write what was said as a check: what functions returned, and as expectation the functions
    that were called and the documents of ours that were cited. SpecError where that cannot be
    written; nothing is written then.
    """
    source = place.context.specs.desired[place.address].source
    turns = [_turn(text, reply, documents) for text, reply in said]
    path = (*source.path, "checks", place.name)
    edit = Edit(source.file, set_value(path, literal(turns)))
    proposal = Proposal(
        place.address, f"checks.{place.name}", before=None, after=turns, edits=(edit,)
    )
    try:
        drafts = place.trial.drafts([proposal])
    except Unwritable as error:
        detail = f"The check cannot be written into `{source.file}`: {error}."
        raise SpecError(
            Problem("Check not written", detail, "write it by hand", file=source.file)
        ) from None
    context = place.context
    draft = context.workspace.draft(drafts).compile(context.environment.name, context.variables)
    if draft.failed:
        raise SpecError(draft.problems)
    write_specs(place.trial, [proposal])
    return Position(source.file, place.trial.place(edit).line, 1)


def _turn(text: str, reply: Reply, documents: Mapping[str, str]) -> dict[str, Any]:
    turn: dict[str, Any] = {"say": text}
    outputs = {
        call.name: reply.outputs[call.id] for call in reply.calls if call.id in reply.outputs
    }
    if outputs:
        turn["outputs"] = {name: _data(output) for name, output in outputs.items()}
    expect: dict[str, Any] = {}
    if reply.calls:
        expect["calls"] = {call.name: _arguments(call) for call in reply.calls}
    cited = [documents[one.file_id] for one in reply.citations if one.file_id in documents]
    if cited:
        paths = list(dict.fromkeys(cited))
        expect["cites"] = paths if len(paths) > 1 else paths[0]
    if reply.status in _STATUSES and (reply.status != "completed" or not expect):
        expect["status"] = reply.status
    return {**turn, "expect": expect}


def _data(output: str) -> Any:
    """An output as data, where it is a JSON object or list; anything else stays text."""
    try:
        value = jsontext.read(output)
    except jsontext.Unreadable:
        return output
    return value if isinstance(value, dict | list) else output


def _arguments(call: Call) -> dict[str, Any] | None:
    given = arguments_of(call)
    return given if isinstance(given, dict) and given else None
