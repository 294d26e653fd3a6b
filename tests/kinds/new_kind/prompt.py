"""The kind `prompt`: a text that applications fetch by its id."""

from __future__ import annotations

from typing import Any, ClassVar

from provisioner.kinds.base import Form, Kind
from provisioner.kinds.table import REAL, TEXT, WRITING, Field, Table, choice, metadata, reference
from provisioner.kinds.wire import StampedForm

FIELDS = Table(
    Field("name", TEXT, "Name that people see", ["Greeting"], {"max_length": 256}),
    Field("text", WRITING, "What it says", ["Hello", {"file": "specs/hello.md"}], required=True),
    Field(
        "temperature",
        REAL,
        "How much chance there is in an answer, 0 to 2",
        [0.3],
        {"ge": 0, "le": 2},
        default=1.0,
    ),
    Field(
        "language", choice("en", "no"), "What it is written in", ["no"], default="en", fixed=True
    ),
    Field("store", reference("vector_store"), "Where its facts are", ["handbook"]),
    metadata({"team": "support"}),
)


class PromptForm(StampedForm):
    """The same through every API."""

    collection = "/prompts"
    table = FIELDS


class PromptKind(Kind):
    """A text that applications fetch by its id."""

    name: ClassVar[str] = "prompt"
    section: ClassVar[str] = "prompts"
    summary: ClassVar[str] = "A text that applications fetch by its id."
    about: ClassVar[str] = "A text with what it needs."
    fields = FIELDS
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"text": "You answer in one sentence."},
        {
            "name": "Greeting",
            "text": {"file": "specs/hello.md"},
            "temperature": 0.3,
            "language": "no",
            "store": "handbook",
            "metadata": {"team": "support"},
        },
    )

    def form(self, api: str | None) -> Form:
        return _FORM


_FORM = PromptForm()
KIND = PromptKind()
