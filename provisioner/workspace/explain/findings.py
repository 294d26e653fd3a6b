"""What pydantic says of a value, in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from provisioner.kinds.base import Finding, Path
from provisioner.masking import all_masked, holds_secret
from provisioner.text import dotted, quoted, shown, sort_of
from provisioner.workspace.explain.remedies import Remedies, Shapes, beside

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


class FlatError(NamedTuple):
    """One error of pydantic, with the path in what the author wrote. `key`: the last key itself is
    meant.
    """

    path: Path
    type: str
    value: Any
    context: Mapping[str, Any]
    message: str
    key: bool = False


def plain(
    name: str, value: Any, error: ValidationError, model: type[BaseModel]
) -> Iterator[Finding]:
    """The findings behind a validation error; `name` is what the value is called:
    `assistant.support`.
    """
    shapes = Shapes(model)
    words = Words(name, shapes, value)
    errors = list(flat_errors(value, error))
    # Of the branches of a union the one that came furthest: a type error beside deeper errors is
    # noise.
    deeper = {one.path[:length] for one in errors for length in range(len(one.path))}
    deeper |= {one.path for one in errors if one.type not in _TYPES}
    kept: dict[tuple[Path, str], FlatError] = {}
    for one in errors:
        mistyped = one.type in _TYPES
        if not (mistyped and one.path in deeper):
            kept.setdefault((one.path, "type" if mistyped else one.type), one)
    for one in _causes(list(kept.values()), words):
        yield words.finding(one)


def flat_errors(value: Any, error: ValidationError, base: Path = ()) -> Iterator[FlatError]:
    for entry in error.errors(include_url=False):
        context = entry.get("ctx", {})
        inner: Any = context.get("error")
        path = base + _path(value, entry["loc"], entry["type"] == "missing")
        if hasattr(inner, "errors"):  # a model behind a validator
            yield from flat_errors(entry["input"], inner, path)
        else:
            key = entry["loc"][-1:] == ("[key]",)
            yield FlatError(
                path,
                entry["type"],
                value=entry["input"],
                context=context,
                message=entry["msg"],
                key=key,
            )


def _path(value: Any, location: Iterable[str | int], missing: bool) -> Path:
    """Without the names of union branches, which pydantic puts between the keys."""
    steps = list(location)
    path: list[str | int] = []
    for index, step in enumerate(steps):
        item = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if item or (isinstance(value, dict) and step in value):
            value = value[step]
        elif not (missing and index + 1 == len(steps)):
            continue
        path.append(step)
    return tuple(path)


def _causes(errors: list[FlatError], words: Words) -> Iterator[FlatError]:
    """Without the keys that are only missing because they are misspelt, or written in an older way,
    beside it.
    """
    meant: set[Path] = set()
    nested: set[Path] = set()
    for error in errors:
        if error.type == "extra_forbidden" and error.path:
            meant.add((*error.path[:-1], words.meant(error.path)))
        elif error.type.startswith("nested"):
            nested.add(error.path[:-1])
    untyped = {error.path[:-1] for error in errors if error.path[-1:] == ("type",)}
    for error in errors:
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

    def finding(self, error: FlatError) -> Finding:
        """The finding that an error is. What was written where secrets stand is not said again."""
        if holds_secret(error.path):
            error = error._replace(value=all_masked(error.value))
        path, value, name = error.path, error.value, self._name
        if error.key:
            return self._key(error)
        if error.type == "extra_forbidden":
            key = str(error.path[-1]) if error.path else ""
            inside = dotted(error.path[:-1])
            where = f"`{inside}` of `{self._name}`" if inside else f"`{self._name}`"
            hint = (
                self._remedies.unknown(
                    error.path, [str(key) for key in beside(self._whole, error.path)]
                )
                if error.path
                else None
            )
            return Finding(error.path, "Unknown key", f"{where} has no key `{key}`.", hint)
        if error.type == "missing":
            return Finding(
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
        if error.type in _TYPES:
            return self._sort(error, has)
        if error.type in _RANGES or error.type == "finite_number":
            detail = f"{has}; it must be {self._shapes.range(path, self._whole)}."
            return Finding(path, "Value out of range", detail, self._remedies.range(path))
        if error.type in _LENGTHS:
            return self._length(error)
        return self._other(has, error)

    def _key(self, error: FlatError) -> Finding:
        inside = dotted(error.path[:-1])
        has = f"The key `{shown(error.path[-1])}` in `{inside}` of `{self._name}`"
        if error.type in _LENGTHS:
            most = error.context.get("max_length")
            if most is None:
                return Finding(error.path, "Invalid key", f"{has} is empty.", "give it a name")
            detail = f"{has} has {len(error.value)} characters; there must be at most {most}."
            return Finding(
                error.path,
                "Invalid key",
                detail,
                f"shorten it by {len(error.value) - most} characters",
            )
        message = error.context.get("message") or "cannot be used"
        return Finding(error.path, "Invalid key", f"{has} {message}.", error.context.get("hint"))

    def _sort(self, error: FlatError, has: str) -> Finding:
        path, value = error.path, error.value
        must = self._shapes.sorts(path, self._whole) or _TYPES[error.type]
        if isinstance(value, dict | list) and path:
            has = f"`{self._name}` has {sort_of(value)} at `{dotted(path)}`"
        return Finding(
            path, "Wrong type", f"{has}; it must be {must}.", self._remedies.sort(path, value, must)
        )

    def _length(self, error: FlatError) -> Finding:
        few = error.type.endswith("short")
        limit = error.context.get("min_length" if few else "max_length")
        size = error.context.get("actual_length")
        size = len(error.value) if size is None and hasattr(error.value, "__len__") else size
        unit = "characters" if isinstance(error.value, str) else "entries"
        hint = self._remedies.length(error.path, error.value, None if few else limit)
        what = f"in `{dotted(error.path)}`"
        if size == 0:
            detail = f"`{self._name}` has nothing {what}; it must not be empty."
        else:
            detail = (
                f"`{self._name}` has {size} {unit} {what}; there must be at"
                f" {'least' if few else 'most'} {limit}."
            )
        return Finding(error.path, f"Too {'few' if few else 'many'} {unit}", detail, hint)

    def _other(self, has: str, error: FlatError) -> Finding:
        context, path = error.context, error.path
        if error.type in ("literal_error", "enum"):
            return self._choice(has, error, _choices(context["expected"].replace(" or ", ", ")))
        if error.type == "string_pattern_mismatch":
            rule = f"{has}; it must match `{context['pattern']}`{self._remedies.rule(path)}."
            return Finding(
                path,
                "Invalid value",
                rule,
                self._remedies.pattern(path, error.value, context["pattern"]),
            )
        if error.type.startswith("union_tag"):
            return self._tag(error)
        if "message" in context:
            hint = str(context["hint"]) if context.get("hint") else None
            return Finding(
                path, "Invalid value", f"{self._called(error)} {context['message']}.", hint
            )
        message = str(context.get("error") or error.message)
        return Finding(
            path, "Invalid value", f"{has}; {message[:1].lower()}{message[1:].rstrip('.')}."
        )

    def _tag(self, error: FlatError) -> Finding:
        key = str(error.context["discriminator"]).strip("'")
        at = (*error.path, key)
        if error.type == "union_tag_not_found":
            return Finding(
                error.path,
                "Missing key",
                f"`{self._name}` needs `{dotted(at)}`.",
                self._remedies.missing(at),
            )
        written = error.value.get(key) if isinstance(error.value, dict) else error.context["tag"]
        has = f"`{self._name}` has `{dotted(at)}: {shown(written)}`"
        return self._choice(
            has, error._replace(path=at, value=written), _choices(error.context["expected_tags"])
        )

    def _called(self, error: FlatError) -> str:
        """The subject of a sentence that a kind completes."""
        if not error.path:
            return f"`{self._name}`"
        value = error.value
        what = (
            dotted(error.path)
            if isinstance(value, dict | list)
            else f"{dotted(error.path)}: {shown(value)}"
        )
        return f"`{what}` of `{self._name}`"

    def _choice(self, has: str, error: FlatError, choices: list[str]) -> Finding:
        hint = self._remedies.choice(error.path, error.value, choices)
        must = f"one of {quoted(choices)}" if len(choices) > 1 else quoted(choices)
        if len(choices) > 8 and hint is not None and hint.startswith("did"):
            must = "a known value"
        return Finding(error.path, "Unknown value", f"{has}; it must be {must}.", hint)


def _choices(text: str) -> list[str]:
    return [part.strip().strip("'") for part in text.split(",")]


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
            last, limit = len(gone) - 1, gone[-1]
            step = path[last] if len(path) > last and path[:last] == gone[:last] else None
            if isinstance(step, int) and isinstance(limit, int) and step >= limit:
                path = (*path[:last], step + 1, *path[last + 1 :])
        return path

    def round(self, error: ValidationError, whole: bool) -> None:
        """Take the faulty parts out; `whole`: with the fields of the resource that they are in."""

        # What cannot even be stood in for takes the mapping that it is in with it.
        errors = {
            one.path[:-1] if one.path in self._stand_ins else one.path: one
            for one in flat_errors(self.value, error)
        }
        if whole:
            errors = {path[:1]: one for path, one in errors.items()}
        # From the back, so that the indexes before stay what they are.
        for path in sorted(
            errors, key=lambda path: [str(step).zfill(9) for step in path], reverse=True
        ):
            wrong = errors[path]
            limit = wrong.context.get("max_length")
            if wrong.type == "missing" and path == wrong.path:
                self._stand_ins.add(path)
                self.value = _set(self.value, path, self._stand_in(len(self._stand_ins)))
            elif wrong.type == "too_long" and isinstance(wrong.value, list) and limit:
                self.value = _set(self.value, path, wrong.value[:limit])
            elif path:
                self.value = _drop(self.value, path, self._removed, path)


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
