"""The mappings of a JSON Schema as sections of a page, each a table of its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.views.schema_words import Words, about, limits, title
from scripts.reference.markdown import link, table

Node = Mapping[str, Any]


class Shapes(Words):
    """The mappings of a schema by the title that they have on the page."""

    def __init__(self, definitions: Mapping[str, Node], roots: Mapping[str, str]) -> None:
        """`roots` gives definitions that have a section of their own, and its title."""
        super().__init__(definitions)
        self._titles = {**{name: title(name) for name in definitions}, **roots}
        self._inline: dict[str, Node] = {}
        self._used: dict[str, Node] = {}

    def fields(self, node: Node) -> str:
        """A table of the fields of a mapping."""
        required = node.get("required", ())
        rows = [
            (
                f"`{name}`" + (" (required)" if name in required else ""),
                self.words(one, name),
                limits(one),
                self._about(one),
            )
            for name, one in node.get("properties", {}).items()
        ]
        return table(("field", "type", "limits", "meaning"), rows)

    def _about(self, node: Node) -> str:
        if "$ref" in node and "description" not in node:
            return about({**self.definitions[node["$ref"].rpartition("/")[2]], **node})
        return about(node)

    def called(self, name: str, node: Node) -> str:
        """A link to its section, which is there from now on."""
        known = node if name in self.definitions else self._inline.setdefault(name, node)
        called = self._titles.get(name) or title(name)
        self._used.setdefault(called, known)
        return link(called)

    def used(self, done: set[str]) -> Iterator[tuple[str, Node]]:
        """The mappings that were spoken of and have no section yet; telling one may bring up
        further ones.
        """
        while left := [one for one in self._used if one not in done]:
            for called in left:
                done.add(called)
                yield called, self._used[called]
