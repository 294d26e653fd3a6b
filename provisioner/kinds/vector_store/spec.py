"""What an author may write for a vector store."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from provisioner.kinds.common import Attributes, Chunking, Shared, Strict


class StoreExpiry(Strict):
    """When the service deletes a store that nobody uses."""

    anchor: Literal["last_active_at"] = Field(
        description="What the time runs from; always `last_active_at`"
    )
    days: int = Field(ge=1, le=365, description="Days until then, 1 to 365", examples=[30])


class Settings(Shared):
    """How the files of one entry are attached."""

    attributes: Attributes | None = Field(
        default=None,
        description="Labels that searches can filter by",
        examples=[{"team": "legal", "source": "${file.path}"}],
    )
    chunking: Chunking | None = Field(
        default=None,
        description="How they are cut into chunks; default: as the store says",
        examples=["auto"],
    )


class PathEntry(Settings):
    """Files of this workspace."""

    path: str = Field(
        min_length=1, description="Path or glob from the workspace root", examples=["docs/**/*.md"]
    )
    exclude: list[Annotated[str, Field(min_length=1)]] = Field(
        default=[], description="Paths or globs of what is left out", examples=[["docs/drafts/**"]]
    )


class IdEntry(Settings):
    """A file that is not managed here."""

    id: str = Field(
        min_length=1, max_length=256, description="Id of the file", examples=["file-abc"]
    )


def _choose(value: Any) -> str:
    if isinstance(value, str):
        return "<text>"
    by_id = "id" in value if isinstance(value, dict) else isinstance(value, IdEntry)
    return "<id>" if by_id else "<path>"


Entry = Annotated[
    Annotated[
        str, Field(min_length=1, description="Path or glob from the workspace root"), Tag("<text>")
    ]
    | Annotated[PathEntry, Tag("<path>")]
    | Annotated[IdEntry, Tag("<id>")],
    Discriminator(_choose),
]

Entries = list[Entry]
