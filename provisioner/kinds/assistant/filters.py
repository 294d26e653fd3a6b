"""Which files a search looks at, by their attributes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    Discriminator,
    Field,
    RootModel,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
)

from provisioner.kinds.common import Strict

Scalar = StrictStr | StrictInt | StrictFloat | StrictBool


class Comparison(Strict):
    """One attribute against a value."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"] = Field(
        description="How the attribute is compared", examples=["eq"]
    )
    key: str = Field(min_length=1, max_length=64, description="The attribute", examples=["team"])
    value: Scalar | list[StrictStr | StrictInt | StrictFloat] = Field(
        union_mode="left_to_right",
        description="The value; a list for `in` and `nin`",
        examples=["legal", 2026],
    )


class Compound(Strict):
    """Several filters at once."""

    type: Literal["and", "or"] = Field(description="Whether all must hold or one", examples=["and"])
    filters: list[Filter] = Field(
        min_length=1,
        description="The filters",
        examples=[[{"type": "eq", "key": "team", "value": "legal"}]],
    )


def _choose_filter(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    joined = isinstance(value, dict) and "filters" in value and "key" not in value
    return "<compound>" if kind in ("and", "or") or joined else "<comparison>"


Filter = Annotated[
    Annotated[Comparison, Tag("<comparison>")] | Annotated[Compound, Tag("<compound>")],
    Discriminator(_choose_filter),
]
Compound.model_rebuild()


class AnyFilter(RootModel[Filter]):
    """A comparison, or several joined by `and` or `or`."""

    def declared(self) -> dict[str, Any]:
        """Exactly what the author wrote."""
        return self.root.declared()
