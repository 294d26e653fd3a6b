"""What an author may write for a file."""

from typing import Literal

from pydantic import Field

from provisioner.kinds.common import Strict


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


Purpose = Literal["assistants", "user_data", "vision", "batch", "fine-tune", "evals"]
