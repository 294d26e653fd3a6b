"""What to write instead: the remedy of a fault, taken from what the model says of the place."""

from __future__ import annotations

import json
import re
from typing import Any

from provisioner.kinds.base import Path
from provisioner.spec.shapes import Shapes
from provisioner.spec.words import did_you_mean, dotted, quoted, shown, suggest

_GLUED = re.compile(r"([A-Za-z_][\w-]*):(\S.*)")
_LEFT_OUT = "write a value, or leave the key out"


class Remedies:
    """The remedies for faults of one value, `whole`."""

    def __init__(self, name: str, shapes: Shapes, whole: Any) -> None:
        self._name, self._shapes, self._whole = name, shapes, whole

    def example(self, path: Path) -> str | None:
        """`for example …`, or what the field is."""
        for written in self._written(path):
            return (
                f"for example `{path[-1]}: {written}`" if path and isinstance(path[-1], str) else f"as in `{written}`"
            )
        return self._purpose(path)

    def _written(self, path: Path) -> list[str]:
        """Examples that fit into a line."""
        found = [shown(value) for value in self._shapes.examples(path, self._whole)]
        return [written for written in found if not written.endswith("…")]

    def _purpose(self, path: Path) -> str | None:
        said = self._shapes.description(path, self._whole)
        return f"`{path[-1]}` is: {said}" if said and path else None

    def missing(self, path: Path) -> str | None:
        """The key with a value that it may have."""
        for written in self._written(path):
            return f"write `{path[-1]}: {written}`"
        return self._purpose(path) or f"add `{path[-1]}`"

    def range(self, path: Path) -> str | None:
        """What the numbers mean, which a description tells after a colon; or else an example."""
        said = self._shapes.description(path, self._whole) or ""
        return said.partition(": ")[2] or self.example(path)

    def pattern(self, path: Path, value: Any, pattern: str) -> str | None:
        """The value without what it may not hold, or an example."""
        better = re.sub(r"[^A-Za-z0-9_-]+", "_", value).strip("_")[:64] if isinstance(value, str) else ""
        if better and better != value and "/" not in pattern and re.search(pattern, better):
            return f"did you mean `{better}`?"
        return self.example(path)

    def rule(self, path: Path) -> str:
        """What a pattern means, in words."""
        said = self._shapes.description(path, self._whole)
        return f": {said[:1].lower()}{said[1:]}" if said else ""

    def unknown(self, path: Path, beside: list[str]) -> str | None:
        """The key that was meant, or those that there are."""
        key, known = str(path[-1]), self._shapes.keys(path[:-1], self._whole)
        if key == "id" and len(path) == 1:
            return "an `id` stands alone, for an object that is not managed here; `imports:` takes one over"
        if key in known:
            others = [other for other in beside if other != key and other in known]
            return f"it does not go with {quoted(others, 'and')}" if others else "leave it out"
        return suggest(key, known, "it can have")

    def meant(self, key: str, path: Path) -> str | None:
        """`did you mean …` for an unknown key."""
        return did_you_mean(key, self._shapes.keys(path, self._whole))

    def sort(self, path: Path, value: Any, must: str) -> str | None:
        """How a value of a wrong sort becomes a right one. Text that YAML read as something else is told later."""
        if value is None:
            return _LEFT_OUT if path else "write its fields below it"
        if isinstance(value, str):
            return self._from_text(path, value, must) or self.example(path) or self._keys(path)
        if "a list" in must and not isinstance(value, dict):
            return self._in_list(path, value)
        if "text" in must and not isinstance(value, dict | list):
            return None
        return self.example(path) or self._keys(path) or f"write {must}"

    def _keys(self, path: Path) -> str | None:
        return suggest("", self._shapes.keys(path, {}), "it can have")

    def _from_text(self, path: Path, text: str, must: str) -> str | None:
        plain = _plain(text)
        if plain is not None and ("number" in must or "true" in must):
            return f"write `{plain}` without quotes"
        if "a list" in must:
            return self._in_list(path, text)
        return self._from_line(path, text) if "a mapping" in must else None

    def _in_list(self, path: Path, value: Any) -> str | None:
        return f"write `{path[-1]}: [{shown(value)}]`" if path else None

    def _from_line(self, path: Path, text: str) -> str | None:
        """Text where a mapping is expected: `model:gpt-4o`, a field in the column of its resource, or a short form."""
        glued = _GLUED.fullmatch(text)
        keys = self._shapes.keys(path, {})
        if glued and glued[1] in keys:
            return f"write a space after the colon: `{glued[1]}: {glued[2]}`"
        field = self._name.rpartition(".")[2]
        if not path and field in keys:
            return f"indent `{field}` further: it is a field of the resource above"
        required = self._shapes.required(path, {})
        where = f"{path[-1]}: " if path and isinstance(path[-1], str) else ""
        return f"write `{where}{{{required[0]}: {shown(text)}}}`" if len(required) == 1 else None

    def choice(self, path: Path, value: Any, choices: list[str]) -> str | None:
        """The value that was meant; or the longer form, where there is one."""
        hint = did_you_mean(value, choices) if isinstance(value, str) else None
        longer = [one for one in self._shapes.examples(path, self._whole) if isinstance(one, dict)]
        if longer and not hint:
            return f"or a mapping, as in `{dotted(path[-1:])}: {shown(longer[0])}`"
        return hint or self.example(path) or f"for example `{choices[0]}`"

    def length(self, path: Path, value: Any, limit: int | None) -> str | None:
        """Shorter by how much, or something rather than nothing."""
        size = len(value) if hasattr(value, "__len__") else 0
        if limit is None or size <= limit:
            return self.example(path) or "write something, or take it out"
        over = size - limit
        return f"shorten it by {over} characters" if isinstance(value, str) else f"take {over} of them away"


def _plain(text: str) -> str | None:
    """A number or boolean that stands in quotes, or is written as YAML does not know it."""
    try:
        value = json.loads(text.strip().lower())
    except (ValueError, RecursionError):
        return None
    return json.dumps(value) if isinstance(value, int | float) else None
