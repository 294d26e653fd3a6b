"""What pydantic says of a value, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from provisioner.kinds.base import Fault, Path
from provisioner.spec.shapes import Shapes
from provisioner.spec.words import dotted, quoted, shown, sort_of, suggest

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "`true` or `false`",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "none_required": "left out",
}
_UNITS = {"string_too_long": "characters", "string_too_short": "characters"}
_RANGES = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}
_LENGTHS = {"string_too_long", "string_too_short", "too_long", "too_short"}


class Told(NamedTuple):
    """One error of pydantic, with the path in what the author wrote."""

    path: Path
    type: str
    value: Any
    context: Mapping[str, Any]
    message: str


def plain(name: str, value: Any, error: ValidationError, model: type[BaseModel]) -> Iterator[Fault]:
    """The faults behind a validation error; `name` is what the value is called: `assistant.support`."""
    shapes = Shapes(model)
    for one in _relevant(list(told(value, error))):
        yield _fault(name, one, shapes, value)


def told(value: Any, error: ValidationError, base: Path = ()) -> Iterator[Told]:
    for entry in error.errors(include_url=False):
        context = entry.get("ctx", {})
        inner: Any = context.get("error")
        path = base + _path(value, entry["loc"], entry["type"] == "missing")
        if hasattr(inner, "errors"):  # a model behind a validator
            yield from told(entry["input"], inner, path)
        else:
            yield Told(path, entry["type"], entry["input"], context, entry["msg"])


def _path(value: Any, location: Iterable[str | int], missing: bool) -> Path:
    """Without the names of union branches, which pydantic puts between the keys."""
    steps = list(location)
    path: list[str | int] = []
    for index, step in enumerate(steps):
        if _leads(value, step):
            value = value[step]
        elif not (missing and index + 1 == len(steps)):
            continue
        path.append(step)
    return tuple(path)


def _leads(value: Any, step: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(step, int) and step < len(value)
    return isinstance(value, dict) and step in value


def _relevant(told: list[Told]) -> list[Told]:
    """Of the branches of a union the one that came furthest: a type error beside deeper errors is noise."""
    deeper = {error.path[:length] for error in told for length in range(len(error.path))}
    deeper |= {error.path for error in told if error.type not in _TYPES}
    kept: dict[tuple[Path, str], Told] = {}
    for error in told:
        if error.type in _TYPES and error.path in deeper:
            continue
        kept.setdefault((error.path, "type" if error.type in _TYPES else error.type), error)
    return list(kept.values())


def _fault(name: str, told: Told, shapes: Shapes, whole: Any) -> Fault:
    path, value = told.path, told.value
    has = f"`{name}` has `{dotted(path)}: {shown(value)}`" if path else f"`{name}` is {sort_of(value)}"
    if told.type == "extra_forbidden":
        return _unknown(name, told, shapes, whole)
    if told.type == "missing":
        return Fault(path, "Missing key", f"`{name}` needs `{dotted(path)}`.", shapes.hint(path, whole))
    if told.type in _TYPES:
        must = shapes.sorts(path, whole) or _TYPES[told.type]
        if isinstance(value, dict | list):
            has = f"`{name}` has {sort_of(value)} at `{dotted(path)}`" if path else has
        return Fault(path, "Wrong type", f"{has}; it must be {must}.", None)
    if told.type in _RANGES or told.type == "finite_number":
        return Fault(
            path, "Value out of range", f"{has}; it must be {shapes.range(path, whole)}.", shapes.hint(path, whole)
        )
    if told.type in _LENGTHS:
        return _length(name, told)
    return _other(name, has, told, shapes.hint(path, whole))


def _unknown(name: str, told: Told, shapes: Shapes, whole: Any) -> Fault:
    key = str(told.path[-1]) if told.path else ""
    inside = dotted(told.path[:-1])
    where = f"`{inside}` of `{name}`" if inside else f"`{name}`"
    hint = suggest(key, shapes.keys(told.path[:-1], whole), "it can have")
    return Fault(told.path, "Unknown key", f"{where} has no key `{key}`.", hint)


def _length(name: str, told: Told) -> Fault:
    few = told.type.endswith("short")
    limit = told.context.get("min_length" if few else "max_length")
    size = told.context.get("actual_length")
    size = len(told.value) if size is None and hasattr(told.value, "__len__") else size
    unit = "characters" if isinstance(told.value, str) else "entries"
    summary = f"Too {'few' if few else 'many'} {unit}"
    most = "at least" if few else "at most"
    detail = f"`{name}` has {size} {unit} in `{dotted(told.path)}`; there must be {most} {limit}."
    if size == 0:
        detail = f"`{name}` has nothing in `{dotted(told.path)}`; it must not be empty."
    return Fault(told.path, summary, detail)


def _other(name: str, has: str, told: Told, purpose: str | None) -> Fault:
    context = told.context
    if told.type in ("literal_error", "enum"):
        choices = [part.strip().strip("'") for part in str(context["expected"]).replace(" or ", ", ").split(",")]
        return _choice(has, told, choices)
    if told.type == "union_tag_invalid":
        choices = [part.strip().strip("'") for part in str(context["expected_tags"]).split(",")]
        key = str(context["discriminator"]).strip("'")
        at = (*told.path, key)
        written = told.value.get(key) if isinstance(told.value, dict) else context["tag"]
        return _choice(f"`{name}` has `{dotted(at)}: {shown(written)}`", told._replace(path=at, value=written), choices)
    if told.type == "union_tag_not_found":
        key = str(context["discriminator"]).strip("'")
        return Fault(told.path, "Missing key", f"`{name}` needs `{dotted((*told.path, key))}`.")
    if told.type == "string_pattern_mismatch":
        return Fault(told.path, "Invalid value", f"{has}; it must look like `{context['pattern']}`.", purpose)
    if "message" in context:
        told_hint = str(context["hint"]) if context.get("hint") else None
        return Fault(told.path, "Invalid value", f"{_called(name, told)} {context['message']}.", told_hint)
    message = str(context.get("error") or told.message)
    return Fault(told.path, "Invalid value", f"{has}; {message[:1].lower()}{message[1:].rstrip('.')}.")


def _called(name: str, told: Told) -> str:
    """The subject of a sentence that a kind completes."""
    if not told.path:
        return f"`{name}`"
    value = told.value
    what = dotted(told.path) if isinstance(value, dict | list) else f"{dotted(told.path)}: {shown(value)}"
    return f"`{what}` of `{name}`"


def _choice(has: str, told: Told, choices: list[str]) -> Fault:
    hint = suggest(told.value, choices, "known")
    many = len(choices) > 8 and hint is not None and hint.startswith("did")
    must = "a known value" if many else (f"one of {quoted(choices)}" if len(choices) > 1 else quoted(choices))
    hint = hint if hint and hint.startswith("did") else None
    return Fault(told.path, "Unknown value", f"{has}; it must be {must}.", hint)
