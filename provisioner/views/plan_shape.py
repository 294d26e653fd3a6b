"""What the nouns of a saved plan are made of: their types, and what their words and ids can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from provisioner.model import QUIET, Attachment, Change, Drifted, FieldChange, Plan, Remnant
from provisioner.shapes import FIELDS, Shape, an_id, misfit, path
from provisioner.text import spelt


def fault(plan: Plan) -> str | None:
    """What no plan that was decided here has, in half a sentence."""
    return next(_faults(plan, ""), None)


def _faults(thing: Any, whose: str) -> Iterator[str]:
    if isinstance(thing, FieldChange) and not _field(thing):
        yield f"the field `{thing.path}`{whose} is of another shape than it can be declared in"
    rules = _RULES.get(type(thing), {})
    for name, wanted in _types(thing.__class__).items():
        value = getattr(thing, name)
        if not _fits(value, wanted) or not rules.get(name, _anything)(value):
            yield f"`{name}`{whose} cannot be {spelt(value)}"
        for inner in value if isinstance(value, tuple) else (value,):
            if is_dataclass(inner):
                address = getattr(inner, "address", getattr(inner, "store", None))
                yield from _faults(inner, f" of `{address}`" if address else whose)


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
        return isinstance(value, Mapping) and all(_fits(item, get_args(wanted)[1]) for item in value.values())
    return type(value) is int if wanted is int else isinstance(value, wanted)


def _field(change: FieldChange) -> bool:
    """Whether a changed field that stands for a whole one is of its shape."""
    if not isinstance(change.path, str):
        return True  # which is told by itself
    values = (change.before, change.after, change.locked)
    return all(misfit({change.path: value}, FIELDS) is None for value in values)


def _anything(_value: Any) -> bool:
    return True


def _declared(value: Any) -> bool:
    return value is None or misfit(value, FIELDS) is None


def _member(value: Any) -> bool:
    """The path of a file, or the id of one that is not managed."""
    return an_id(value.removeprefix("id:")) if value.startswith("id:") else bool(value)


_RULES: dict[type, dict[str, Shape]] = {
    Change: {"id": an_id, "importing": an_id, "before": _declared, "after": _declared},
    FieldChange: {"path": path},
    Remnant: {"id": an_id, "action": ("keep", "delete", "forget").__contains__},
    Attachment: {
        "action": ("attach", "replace", "update", "detach", *QUIET).__contains__,
        "path": _member,
        "old_id": an_id,
    },
    Drifted: {"drift": ("local", "remote", "both", "missing").__contains__},
}
