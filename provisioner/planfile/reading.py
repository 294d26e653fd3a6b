"""The plan document, read back: a saved plan is applied exactly, or refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, NoReturn, Union, get_args, get_origin, get_type_hints

from provisioner import __version__, jsontext, kinds
from provisioner.errors import PlanError
from provisioner.lock.entry import approved_from_json
from provisioner.model import (
    QUIET,
    Address,
    Block,
    Change,
    Drifted,
    FieldChange,
    Plan,
    Position,
    Problem,
    Remnant,
    Service,
    Source,
    StoreFileChange,
)
from provisioner.planfile.checksum import ACTION_WORDS, checksum
from provisioner.planfile.writing import (
    FORMAT_VERSION,
    OWN_KEYS_OF_CHANGE,
    OWN_KEYS_OF_PLAN,
    digest,
)
from provisioner.shapes import Shape, an_id, misfit, path
from provisioner.text import spelt

_ACTION_OF = {tuple(words): action for action, words in ACTION_WORDS.items()}
_AGAIN = "make a new one with `provisioner plan --out FILE`"


def read_plan(text: str | bytes, name: str = "the plan") -> Plan:
    """The plan in a document. PlanError for anything that is not exactly what `plan --out`
    wrote.
    """
    document = _document(text, name)
    _check_version(document, name)
    if document.get("digest") != digest(document):
        _refuse(
            "Plan file altered",
            f"The digest of `{name}` does not fit its contents: it was edited or cut short.",
        )
    maker = document.get("provisioner_version")
    if isinstance(maker, str) and maker != __version__:
        said = (
            f"`{name}` was made by provisioner {maker}, and this is {__version__}, which may do"
            " something else with it."
        )
        _refuse("Plan of another release", said, f"{_AGAIN}, or apply it with that release")
    try:
        plan = _plan(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        _refuse("Not a plan", f"`{name}` lacks parts of a plan: {type(error).__name__} at {error}.")
    odd = finding(plan)
    if odd is not None:
        _refuse("Not a plan", f"`{name}` is not what `plan --out` writes: {odd}.")
    if document.get("checksum") != checksum(plan):
        _refuse(
            "Plan file altered",
            f"The checksum of `{name}` is not that of what it plans: it was edited.",
        )
    return plan


def _refuse(summary: str, detail: str, hint: str = _AGAIN) -> NoReturn:
    raise PlanError(Problem(summary, detail, hint))


def _document(text: str | bytes, name: str) -> dict[str, Any]:
    try:
        document = jsontext.read(text, deepest=jsontext.DEEPEST_OURS, unique=True)
    except jsontext.Unreadable as error:
        problem = Problem(
            "Not a plan",
            f"`{name}` {error}.",
            _AGAIN,
            file=name,
            line=error.line,
            column=error.column,
        )
        raise PlanError(problem) from None
    if not isinstance(document, dict) or "format_version" not in document:
        _refuse(
            "Not a plan",
            f"`{name}` is JSON, but not a plan of provisioner: it has no `format_version`.",
        )
    return document


def _check_version(document: dict[str, Any], name: str) -> None:
    version = str(document["format_version"])[:40]
    major = version.partition(".")[0]
    ours = FORMAT_VERSION.partition(".")[0]
    if not (major.isascii() and major.isdigit()):
        _refuse(
            "Not a plan", f"`{name}` has the format version `{version}`, which is not a version."
        )
    if int(major) > int(ours):
        _refuse(
            "Plan too new",
            f"`{name}` has the format version {version}; this provisioner reads {ours}.x.",
            "apply it with the provisioner that made it, or a newer one",
        )


def _plan(document: dict[str, Any]) -> Plan:
    return Plan(
        workspace=document["workspace"],
        environment=document["environment"],
        service=Service(**_known(Service, document["service"])),
        lineage=document["lock"]["lineage"],
        serial=document["lock"]["serial"],
        changes=tuple(_change(row) for row in document["resource_changes"]),
        store_file_changes=tuple(
            StoreFileChange(
                **{
                    **_known(StoreFileChange, row),
                    "store": Address.parse(row["store"]),
                    "file": _address(row["file"]),
                }
            )
            for row in document["attachments"]
        ),
        drift=tuple(_drifted(row) for row in document["resource_drift"]),
        orphans=tuple(_remnant(row) for row in document["orphans"]),
        deposed=tuple(_remnant(row) for row in document["deposed"]),
        notes=tuple(document["notes"]),
        unchanged=document["summary"]["unchanged"],
        blocked=tuple(Block(**_known(Block, row)) for row in document["blocked"]),
        problems=tuple(Problem(**_known(Problem, row)) for row in document["problems"]),
        basis=document["basis"],
        approved=approved_from_json(applied)
        if (applied := document["lock"].get("applied"))
        else None,
        **_rest(Plan, document, OWN_KEYS_OF_PLAN),
    )


def _rest(noun: Any, row: dict[str, Any], own_keys: frozenset[str]) -> dict[str, Any]:
    """The fields that are written under their own names; a newer minor version may leave
    some out.
    """
    rest = {}
    for field in fields(noun):
        if field.name not in own_keys and field.name in row:
            value = row[field.name]
            rest[field.name] = tuple(value) if isinstance(field.default, tuple) else value
    return rest


def _change(row: dict[str, Any]) -> Change:
    inner, path = row["change"], row["source_path"]
    defaults, after = row.get("defaults", {}), inner["after"]
    if defaults and after is not None:
        after = {name: value for name, value in after.items() if name not in defaults}
    return Change(
        address=Address.parse(row["address"]),
        action=_ACTION_OF[tuple(inner["actions"])],
        reason=row["action_reason"],
        before=inner["before"],
        after=after,
        fields=tuple(FieldChange(**_known(FieldChange, field)) for field in row["changed_fields"]),
        depends_on=tuple(Address.parse(address) for address in row["depends_on"]),
        importing=inner["importing"]["id"] if inner["importing"] else None,
        previous=_address(row["previous_address"]),
        source=Source(row["file"], tuple(path)) if path is not None else None,
        position=(
            Position(row["file"], row["line"], row["column"]) if row["line"] is not None else None
        ),
        replace_paths=tuple(inner["replace_paths"]),
        stays_with=_address(row["stays_with"]),
        **_rest(Change, row, OWN_KEYS_OF_CHANGE),
    )


def _address(text: str | None) -> Address | None:
    return Address.parse(text) if text else None


def _drifted(row: dict[str, Any]) -> Drifted:
    names = {"live": "before", "desired": "after"}
    changed = []
    for field in row["changed_fields"]:
        renamed = {names.get(key, key): value for key, value in field.items()}
        changed.append(FieldChange(**_known(FieldChange, renamed)))
    return Drifted(Address.parse(row["address"]), row["drift"], tuple(changed), row["reason"] or "")


def _remnant(row: dict[str, Any]) -> Remnant:
    address, user = Address.parse(row["address"]), _address(row["stays_with"])
    return Remnant(**{**_known(Remnant, row), "address": address, "stays_with": user})


def _known(noun: Any, row: dict[str, Any]) -> dict[str, Any]:
    """What a flat noun has; a newer minor version may tell more."""
    return {key: value for key, value in row.items() if key in noun.__dataclass_fields__}


def finding(plan: Plan) -> str | None:
    """What no plan that was decided here has, in half a sentence."""
    return next(_findings(plan, ""), None)


def _findings(thing: Any, whose: str, known: Mapping[str, Shape] = {}) -> Iterator[str]:
    """What is odd in a noun and in those inside it. `known`: the shapes of its kind's fields."""
    if isinstance(thing, FieldChange) and not _is_declared(thing, known):
        yield f"the field `{thing.path}`{whose} is of another shape than it can be declared in"
    if isinstance(thing, Change):
        yield from _odd_sides(thing, known)
    rules = _RULES.get(type(thing), {})
    for name, wanted in _types(thing.__class__).items():
        value, rule = getattr(thing, name), rules.get(name)
        if not _fits(value, wanted) or (rule is not None and not rule(value)):
            yield f"`{name}`{whose} cannot be {spelt(value)}"
        for inner in value if isinstance(value, tuple) else (value,):
            if is_dataclass(inner):
                address = getattr(inner, "address", getattr(inner, "store", None))
                if isinstance(address, Address):
                    yield from _findings(inner, f" of `{address}`", kinds.shapes(address.kind))
                else:
                    yield from _findings(inner, whose, known)


@cache
def _types(noun: Any) -> dict[str, Any]:
    hints = get_type_hints(noun)
    return {field.name: hints[field.name] for field in fields(noun)}


def _fits(value: Any, wanted: Any) -> bool:
    if wanted is Any:
        return True
    origin = get_origin(wanted)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in get_args(wanted))
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, get_args(wanted)[0]) for item in value)
    if origin is not None:
        return isinstance(value, Mapping) and all(
            _fits(item, get_args(wanted)[1]) for item in value.values()
        )
    return type(value) is int if wanted is int else isinstance(value, wanted)


def _odd_sides(change: Change, known: Mapping[str, Shape]) -> Iterator[str]:
    sides = ("before", change.before), ("after", change.after), ("defaults", change.defaults)
    for name, side in sides:
        if isinstance(side, Mapping) and misfit(side, known) is not None:
            yield f"`{name}` of `{change.address}` cannot be {spelt(side)}"
    if change.api is not None and change.api not in kinds.kind(change.address.kind).apis:
        yield f"`api` of `{change.address}` cannot be {spelt(change.api)}"


def _is_declared(change: FieldChange, known: Mapping[str, Shape]) -> bool:
    """Whether a changed field that stands for a whole one is of its shape."""
    if not isinstance(change.path, str):
        return True  # which is reported by itself
    values = (change.before, change.after, change.locked)
    return all(misfit({change.path: value}, known) is None for value in values)


def _store_file_path(value: Any) -> bool:
    """The path of a file, or the id of one that is not managed."""
    return an_id(value.removeprefix("id:")) if value.startswith("id:") else bool(value)


_RULES: dict[type, dict[str, Shape]] = {
    Change: {"id": an_id, "importing": an_id},
    FieldChange: {"path": path},
    Remnant: {"id": an_id, "action": ("keep", "delete", "forget").__contains__},
    StoreFileChange: {
        "action": ("attach", "replace", "update", "detach", *QUIET).__contains__,
        "path": _store_file_path,
        "old_id": an_id,
    },
    Drifted: {"drift": ("local", "remote", "both", "missing").__contains__},
}
