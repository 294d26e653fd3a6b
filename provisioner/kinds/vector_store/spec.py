"""What an author may write for a vector store."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from provisioner.kinds.common import Attributes, Chunking, Metadata, Resource, Shared, Strict


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


class VectorStoreSpec(Resource):
    """A vector store: files, cut into chunks, for file_search."""

    name: str | None = Field(
        default=None,
        max_length=256,
        description="Name that people see, at most 256 characters; default: the resource's name",
        examples=["Employee handbook"],
    )
    description: str | None = Field(
        default=None,
        max_length=512,
        description="What is in it, at most 512 characters; a change makes a new store",
        examples=["Rules for all staff"],
    )
    metadata: Metadata | None = Field(
        default=None, description="Your own labels", examples=[{"department": "hr"}]
    )
    expires_after: StoreExpiry | None = Field(
        default=None,
        description="When the service deletes it; never when left out",
        examples=[{"anchor": "last_active_at", "days": 365}],
    )
    chunking: Chunking | None = Field(
        default=None,
        description="How its files are cut into chunks; default `auto`",
        examples=["auto", {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}],
    )
    other_files: Literal["keep", "remove", "fail"] | None = Field(
        default=None,
        description="Files that somebody else put into the store; default `keep`",
        examples=["remove"],
    )
    files: list[Entry] | None = Field(
        default=None,
        description=(
            "The files in it: paths, globs, or entries with settings. A file matched twice gets the"
            " settings of both, later ones win. Left out: its files are not managed here"
        ),
        examples=[
            [
                "docs/**/*.md",
                {"path": "data/prices.json", "attributes": {"team": "sales"}},
                {"id": "file-abc"},
            ]
        ],
    )
