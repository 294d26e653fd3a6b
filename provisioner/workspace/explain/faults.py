"""What pydantic says of a value, in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from provisioner.kinds.base import Fault, Path
from provisioner.masking import all_masked, holds_secret
from provisioner.text import dotted, quoted, shown, sort_of
from provisioner.workspace.explain.remedies import Remedies, Shapes

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
_RANGES = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}
_LENGTHS = {"string_too_long", "string_too_short", "too_long", "too_short"}


class Told(NamedTuple):
    """One error of pydantic, with the path in what the author wrote. `key`: the last key itself is
    meant.
    """

    path: Path
    type: str
    value: Any
    context: Mapping[str, Any]
    message: str
    key: bool = False


def plain(name: str, value: Any, error: ValidationError, model: type[BaseModel]) -> Iterator[Fault]:
    """The faults behind a validation error; `name` is what the value is called:
    `assistant.support`.
    """
    shapes = Shapes(model)
    words = Words(name, shapes, value)
    relevant = _relevant(list(told(value, error)))
    for one in _causes(relevant, words):
        yield words.fault(one)


def told(value: Any, error: ValidationError, base: Path = ()) -> Iterator[Told]:
    for entry in error.errors(include_url=False):
        context = entry.get("ctx", {})
        inner: Any = context.get("error")
        path = base + _path(value, entry["loc"], entry["type"] == "missing")
        if hasattr(inner, "errors"):  # a model behind a validator
            yield from told(entry["input"], inner, path)
        else:
            key = entry["loc"][-1:] == ("[key]",)
            yield Told(path, entry["type"], entry["input"], context, entry["msg"], key)


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
    """Of the branches of a union the one that came furthest: a type error beside deeper errors is
    noise.
    """
    deeper = {error.path[:length] for error in told for length in range(len(error.path))}
    deeper |= {error.path for error in told if error.type not in _TYPES}
    kept: dict[tuple[Path, str], Told] = {}
    for error in told:
        if error.type in _TYPES and error.path in deeper:
            continue
        kept.setdefault((error.path, "type" if error.type in _TYPES else error.type), error)
    return list(kept.values())


def _causes(told: list[Told], words: Words) -> Iterator[Told]:
    """Without the keys that are only missing because they are misspelt, or written in an older way,
    beside it.
    """
    meant: set[Path] = set()
    nested: set[Path] = set()
    for error in told:
        if error.type == "extra_forbidden" and error.path:
            meant.add((*error.path[:-1], words.meant(error.path)))
        elif error.type.startswith("nested"):
            nested.add(error.path[:-1])
    untyped = {error.path[:-1] for error in told if error.path[-1:] == ("type",)}
    for error in told:
        if (
            error.type in ("missing", "extra_forbidden")
            and error.path[-1:] != ("type",)
            and error.path[:-1] in untyped
        ):
            continue  # which keys there may be depends on the type
        missing = error.type == "missing" and (error.path in meant or error.path[:-1] in nested)
        tag = (
            error.type == "extra_forbidden"
            and error.path[-1:] == ("type",)
            and error.path[:-1] in nested
        )
        if not (missing or tag):
            yield error


class Words:
    """Puts the errors of one value into plain words."""

    def __init__(self, name: str, shapes: Shapes, whole: Any) -> None:
        self._name, self._shapes, self._whole = name, shapes, whole
        self._remedies = Remedies(name, shapes, whole)

    def meant(self, path: Path) -> str:
        """The key that an unknown one was meant to be; empty where none is near."""
        hint = self._remedies.meant(str(path[-1]), path[:-1])
        return hint.split("`")[1] if hint else ""

    def fault(self, told: Told) -> Fault:
        """The fault that an error is. What was written where secrets stand is not said again."""
        if holds_secret(told.path):
            told = told._replace(value=all_masked(told.value))
        path, value, name = told.path, told.value, self._name
        if told.key:
            return self._key(told)
        if told.type == "extra_forbidden":
            return self._unknown(told)
        if told.type == "missing":
            return Fault(
                path,
                "Missing key",
                f"`{name}` needs `{dotted(path)}`.",
                self._remedies.missing(path),
            )
        has = (
            f"`{name}` has `{dotted(path)}: {shown(value)}`"
            if path
            else f"`{name}` is {sort_of(value)}"
        )
        if told.type in _TYPES:
            return self._sort(told, has)
        if told.type in _RANGES or told.type == "finite_number":
            detail = f"{has}; it must be {self._shapes.range(path, self._whole)}."
            return Fault(path, "Value out of range", detail, self._remedies.range(path))
        if told.type in _LENGTHS:
            return self._length(told)
        return self._other(has, told)

    def _key(self, told: Told) -> Fault:
        inside = dotted(told.path[:-1])
        has = f"The key `{shown(told.path[-1])}` in `{inside}` of `{self._name}`"
        if told.type in _LENGTHS:
            most = told.context.get("max_length")
            if most is None:
                return Fault(told.path, "Invalid key", f"{has} is empty.", "give it a name")
            detail = f"{has} has {len(told.value)} characters; there must be at most {most}."
            return Fault(
                told.path,
                "Invalid key",
                detail,
                f"shorten it by {len(told.value) - most} characters",
            )
        message = told.context.get("message") or "cannot be used"
        return Fault(told.path, "Invalid key", f"{has} {message}.", told.context.get("hint"))

    def _unknown(self, told: Told) -> Fault:
        key = str(told.path[-1]) if told.path else ""
        inside = dotted(told.path[:-1])
        where = f"`{inside}` of `{self._name}`" if inside else f"`{self._name}`"
        hint = (
            self._remedies.unknown(told.path, _keys(self._whole, told.path[:-1]))
            if told.path
            else None
        )
        return Fault(told.path, "Unknown key", f"{where} has no key `{key}`.", hint)

    def _sort(self, told: Told, has: str) -> Fault:
        path, value = told.path, told.value
        must = self._shapes.sorts(path, self._whole) or _TYPES[told.type]
        if isinstance(value, dict | list) and path:
            has = f"`{self._name}` has {sort_of(value)} at `{dotted(path)}`"
        return Fault(
            path, "Wrong type", f"{has}; it must be {must}.", self._remedies.sort(path, value, must)
        )

    def _length(self, told: Told) -> Fault:
        few = told.type.endswith("short")
        limit = told.context.get("min_length" if few else "max_length")
        size = told.context.get("actual_length")
        size = len(told.value) if size is None and hasattr(told.value, "__len__") else size
        unit = "characters" if isinstance(told.value, str) else "entries"
        hint = self._remedies.length(told.path, told.value, None if few else limit)
        what = f"in `{dotted(told.path)}`"
        if size == 0:
            detail = f"`{self._name}` has nothing {what}; it must not be empty."
        else:
            detail = (
                f"`{self._name}` has {size} {unit} {what}; there must be at"
                f" {'least' if few else 'most'} {limit}."
            )
        return Fault(told.path, f"Too {'few' if few else 'many'} {unit}", detail, hint)

    def _other(self, has: str, told: Told) -> Fault:
        context, path = told.context, told.path
        if told.type in ("literal_error", "enum"):
            return self._choice(has, told, _choices(context["expected"].replace(" or ", ", ")))
        if told.type == "string_pattern_mismatch":
            rule = f"{has}; it must match `{context['pattern']}`{self._remedies.rule(path)}."
            return Fault(
                path,
                "Invalid value",
                rule,
                self._remedies.pattern(path, told.value, context["pattern"]),
            )
        if told.type.startswith("union_tag"):
            return self._tag(told)
        if "message" in context:
            hint = str(context["hint"]) if context.get("hint") else None
            return Fault(path, "Invalid value", f"{self._called(told)} {context['message']}.", hint)
        message = str(context.get("error") or told.message)
        return Fault(
            path, "Invalid value", f"{has}; {message[:1].lower()}{message[1:].rstrip('.')}."
        )

    def _tag(self, told: Told) -> Fault:
        key = str(told.context["discriminator"]).strip("'")
        at = (*told.path, key)
        if told.type == "union_tag_not_found":
            return Fault(
                told.path,
                "Missing key",
                f"`{self._name}` needs `{dotted(at)}`.",
                self._remedies.missing(at),
            )
        written = told.value.get(key) if isinstance(told.value, dict) else told.context["tag"]
        has = f"`{self._name}` has `{dotted(at)}: {shown(written)}`"
        return self._choice(
            has, told._replace(path=at, value=written), _choices(told.context["expected_tags"])
        )

    def _called(self, told: Told) -> str:
        """The subject of a sentence that a kind completes."""
        if not told.path:
            return f"`{self._name}`"
        value = told.value
        what = (
            dotted(told.path)
            if isinstance(value, dict | list)
            else f"{dotted(told.path)}: {shown(value)}"
        )
        return f"`{what}` of `{self._name}`"

    def _choice(self, has: str, told: Told, choices: list[str]) -> Fault:
        hint = self._remedies.choice(told.path, told.value, choices)
        many = len(choices) > 8 and hint is not None and hint.startswith("did")
        must = (
            "a known value"
            if many
            else (f"one of {quoted(choices)}" if len(choices) > 1 else quoted(choices))
        )
        return Fault(told.path, "Unknown value", f"{has}; it must be {must}.", hint)


def _choices(text: str) -> list[str]:
    return [part.strip().strip("'") for part in text.split(",")]


def _keys(value: Any, path: Path) -> list[str]:
    for step in path:
        value = value[step]
    return [str(key) for key in value] if isinstance(value, dict) else []


_ROUNDS = 12
STAND_IN = "stand_in_"


def stand_in(number: int) -> str:
    """Good as text and as a name; no two are the same, and what is said about one is not worth
    telling.
    """
    return f"{STAND_IN}{number}"


def salvage(
    value: Any,
    error: ValidationError,
    model: type[BaseModel],
    stand_in: Callable[[int], str] = stand_in,
) -> tuple[BaseModel | None, Callable[[Path], Path]]:
    """A valid instance of the model without the faulty parts, if there is one; and the way from its
    paths back to those of `value`, because what follows a removed entry of a list has moved up.
    """
    from pydantic import ValidationError

    repair = _Repair(value, stand_in)
    for number in range(_ROUNDS):
        repair.round(error, whole=number + 2 >= _ROUNDS)
        try:
            return model.model_validate(repair.value), repair.placed
        except ValidationError as again:
            error = again
    return None, repair.placed


class _Repair:
    """A value that loses its faulty parts round by round."""

    def __init__(self, value: Any, stand_in: Callable[[int], str]) -> None:
        self.value = value
        self._stand_in = stand_in
        self._stand_ins: set[Path] = set()
        self._removed: list[Path] = []

    def placed(self, path: Path) -> Path:
        """The path in what the author wrote."""
        for gone in reversed(self._removed):
            path = _moved_back(path, gone)
        return path

    def round(self, error: ValidationError, whole: bool) -> None:
        """Take the faulty parts out; `whole`: with the fields of the resource that they are in."""

        # What cannot even be stood in for takes the mapping that it is in with it.
        faults = {
            one.path[:-1] if one.path in self._stand_ins else one.path: one
            for one in told(self.value, error)
        }
        if whole:
            faults = {path[:1]: one for path, one in faults.items()}
        # From the back, so that the indexes before stay what they are.
        for path in sorted(
            faults, key=lambda path: [str(step).zfill(9) for step in path], reverse=True
        ):
            self._repair(path, faults[path])

    def _repair(self, path: Path, fault: Told) -> None:
        limit = fault.context.get("max_length")
        if fault.type == "missing" and path == fault.path:
            self._stand_ins.add(path)
            self.value = _set(self.value, path, self._stand_in(len(self._stand_ins)))
        elif fault.type == "too_long" and isinstance(fault.value, list) and limit:
            self.value = _set(self.value, path, fault.value[:limit])
        elif path:
            self.value = _drop(self.value, path, self._removed, path)


def _moved_back(path: Path, gone: Path) -> Path:
    last = len(gone) - 1
    step = path[last] if len(path) > last and path[:last] == gone[:last] else None
    limit = gone[last]
    if isinstance(step, int) and isinstance(limit, int) and step >= limit:
        return (*path[:last], step + 1, *path[last + 1 :])
    return path


def _set(value: Any, path: Path, new: Any) -> Any:
    step = path[0]
    if isinstance(value, dict):
        return {**value, step: _set(value[step], path[1:], new) if path[1:] else new}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return [*value[:step], _set(value[step], path[1:], new), *value[step + 1 :]]
    return value


def _drop(value: Any, path: Path, removed: list[Path], whole: Path) -> Any:
    step = path[0]
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        if len(path) == 1:
            removed.append(whole)
            return [*value[:step], *value[step + 1 :]]
        return [*value[:step], _drop(value[step], path[1:], removed, whole), *value[step + 1 :]]
    if isinstance(value, dict) and step in value:
        if len(path) == 1:
            return {key: inner for key, inner in value.items() if key != step}
        return {**value, step: _drop(value[step], path[1:], removed, whole)}
    return value
