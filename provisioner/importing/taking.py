"""A mapping that is taken apart key by key, so that what nobody took is reported and never lost in
silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provisioner.diff import same
from provisioner.importing.nouns import Lost, Origin
from provisioner.model import Stamp
from provisioner.text import did_you_mean, dotted

Path = tuple[str | int, ...]
_BOOKKEEPING = ("updated_at", "deleted", "_request_id", "request_id", "object")


class Absent:
    """The value of a key that is not there, which is neither null nor empty."""

    def __bool__(self) -> bool:
        return False


ABSENT = Absent()


def leaves(value: Any, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value with nothing inside it, with its path; null and an empty list are such, too."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*at, str(key)))
    elif isinstance(value, list | tuple) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, (*at, index))
    else:
        yield at, value


class Losses:
    """What of one thing could not be carried, in the order in which it was noticed."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.all: list[Lost] = []

    def lose(
        self, at: Path, value: Any, why: str, hint: str | None = None, severity: str = "warning"
    ) -> None:
        """Reports every leaf of a value that stands at a path."""
        for path, leaf in leaves(value, at):
            empty = isinstance(leaf, dict | list) and severity == "warning"
            self.all.append(
                Lost(
                    self.origin,
                    dotted(path),
                    "is empty, which says nothing" if empty else why,
                    None if empty else hint,
                    "note" if empty else severity,
                )
            )

    def usual(self, at: Path, value: Any, default: Any = None) -> None:
        """Notes a value that nobody writes down: null, or what is so without it."""
        if value is None:
            self.say(at, "is null, which is the default", None, "note")
        elif value is default:
            self.say(at, f"is `{str(value).lower()}`, which is the default", None, "note")

    def say(self, at: Path, why: str, hint: str | None = None, severity: str = "warning") -> None:
        """Reports one thing about a path, whatever stands there."""
        self.all.append(Lost(self.origin, dotted(at), why, hint, severity))


class Taking:
    """What is left of a mapping while its keys are taken, and where each of them stood."""

    def __init__(self, raw: Mapping[Any, Any], losses: Losses, at: Path = ()) -> None:
        self.left: dict[str, Any] = {str(key): value for key, value in raw.items()}
        self.losses = losses
        self._at = at
        self._moved: dict[str, Path] = {}

    def path(self, key: str) -> Path:
        return self._moved.get(key, (*self._at, key))

    def take(self, key: str) -> Any:
        return self.left.pop(key, ABSENT)

    def put(self, key: str, value: Any, at: Path) -> None:
        """Adds what stood somewhere else in the source."""
        self.left[key] = value
        self._moved[key] = at

    def rename(self, old: str, new: str) -> bool:
        """Reads a key as another one, unless that one is there, too."""
        if old not in self.left or new in self.left:
            return False
        self.put(new, self.left.pop(old), self.path(old))
        return True

    def respell(self, known: Iterable[str]) -> None:
        """Reads `topP` as `top_p`, and a key with two letters swapped as what it must mean."""
        names = set(known)
        sorted_names = {"".join(sorted(name)): name for name in names}
        for key in [key for key in self.left if key not in names]:
            snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in key)
            if snake in names:
                self.rename(key, snake)
                continue
            meant = sorted_names.get("".join(sorted(key)))
            if meant and self.rename(key, meant):
                self.losses.say(
                    self.path(meant), f"is not a key; it was read as `{meant}`", "check it"
                )

    def unfold(self, key: str) -> None:
        """Brings what stands in a mapping under `key` up beside it. What is inside wins."""
        at = self.path(key)
        inner = self.take(key)
        if not isinstance(inner, Mapping):
            self.drop(at, inner, "is not a mapping")
            return
        if not inner:
            self.drop(at, inner, "is empty, which says nothing")
        for name, value in inner.items():
            name = str(name)
            if name in self.left:
                alike = same(self.left[name], value)
                why = f"says {'the same as' if alike else 'something else than'}"
                why += f" `{dotted((*at, name))}`, which was taken"
                severity = "note" if alike else "warning"
                self.losses.lose(self.path(name), self.left[name], why, None, severity)
            self.put(name, value, (*at, name))

    def drop(self, at: Path, value: Any, why: str, hint: str | None = None) -> None:
        """Reports a value that was there and is not carried."""
        if value is None:
            self.losses.lose(at, value, "is null, which says nothing here", None, "note")
        elif value is not ABSENT:
            self.losses.lose(at, value, why, hint)

    def end(self, why: str, known: Iterable[str] = ()) -> None:
        """Reports all that nobody took."""
        names = list(known)
        for key, value in self.left.items():
            hint = did_you_mean(key, names) if names else None
            self.drop(self.path(key), value, why, hint)
        self.left = {}


def unstamped(fields: dict[str, Any], losses: Losses, at: Path = ()) -> None:
    """Takes our own stamp off: the lock of whoever applies the spec writes another one."""
    metadata = fields.get("metadata")
    if not isinstance(metadata, Mapping) or Stamp.KEY not in metadata:
        return
    losses.say((*at, "metadata", Stamp.KEY), "is the stamp of a lock", None, "note")
    kept = {key: value for key, value in metadata.items() if key != Stamp.KEY}
    fields["metadata"] = kept
    if not kept:
        del fields["metadata"]


def identity(some: Taking, kinds: tuple[str, ...]) -> tuple[str | None, int | None]:
    """The id and the age of an object, out of its own keys; the rest of a service's bookkeeping is
    noted.
    """
    some.rename("assistant_id", "id")
    id, age = some.take("id"), some.take("created_at")
    if not isinstance(id, str):
        some.drop(some.path("id"), id, "is not the id of an object")
        id = None
    if isinstance(age, bool) or not isinstance(age, int):
        some.drop(some.path("created_at"), age, "is no time in Unix seconds")
        age = None
    if some.left.get("object") in kinds:
        some.take("object")
    for key in _BOOKKEEPING:
        value = some.take(key)
        if value is not ABSENT:
            why = "is bookkeeping of the service"
            some.losses.lose(some.path(key), value, why, None, "note")
    return id, age
