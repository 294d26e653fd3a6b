"""Where an agent works: what an author may write of it."""

# Without postponed annotations, like every module that holds models.

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from provisioner.kinds.base import Path, Scope
from provisioner.kinds.common import Reference, Strict


class OpenaiHosted(Strict):
    """A computer of the service."""

    type: Literal["openai_hosted"] = Field(
        default="openai_hosted", description="Always `openai_hosted`"
    )
    template: Reference | None = Field(
        default=None,
        description="The environment template that it is made from",
        examples=[{"id": "envtmpl_abc123"}],
    )
    container_size: Literal["small", "medium", "large"] | None = Field(
        default=None, description="How large it is", examples=["medium"]
    )


class SelfHosted(Strict):
    """A computer of your own."""

    type: Literal["self_hosted"]
    workspace_directory: str = Field(
        min_length=1,
        max_length=4096,
        pattern="^/",
        description="Where the agent works there, an absolute path",
        examples=["/workspace"],
    )


def _choose_surroundings(value: Any) -> str:
    if isinstance(value, str):
        return "<text>"
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "<self_hosted>" if kind == "self_hosted" else "<hosted>"


Surroundings = Annotated[
    Annotated[Literal["none", "openai_hosted"], Tag("<text>")]
    | Annotated[OpenaiHosted, Tag("<hosted>")]
    | Annotated[SelfHosted, Tag("<self_hosted>")],
    Discriminator(_choose_surroundings),
]
"""Where an agent works."""


def read_surroundings(written: str | dict[str, Any], scope: Scope, at: Path) -> dict[str, Any]:
    """What a spec says of them, with the template by its address or id."""
    if isinstance(written, str):
        return {"type": written}
    found = {"type": "openai_hosted", **written}
    if "template" in written:
        named = scope.reference("environment_template", written["template"], (*at, "template"))
        found["template"] = named
    return found
