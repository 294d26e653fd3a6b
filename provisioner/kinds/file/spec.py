"""What an author may write for a file."""

from typing import Literal

from pydantic import Field

from provisioner.kinds.common import Resource, Strict


class FileExpiry(Strict):
    """When the service deletes an uploaded file."""

    anchor: Literal["created_at"] = Field(
        description="What the time runs from; always `created_at`"
    )
    seconds: int = Field(
        ge=3600,
        le=2_592_000,
        description="Seconds until then: one hour to 30 days",
        examples=[604800],
    )


class FileSpec(Resource):
    """A file that is uploaded and used at run time, by its id."""

    path: str = Field(
        min_length=1, description="Path from the workspace root", examples=["data/sales.csv"]
    )
    purpose: Literal["assistants", "user_data", "vision", "batch", "fine-tune", "evals"] = Field(
        default="assistants",
        description=(
            "What the service may use it for; vector stores and the code interpreter want"
            " `assistants`"
        ),
        examples=["user_data"],
    )
    expires_after: FileExpiry | None = Field(
        default=None,
        description="When the service deletes it; never when left out",
        examples=[{"anchor": "created_at", "seconds": 604800}],
    )
