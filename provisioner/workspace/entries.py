"""What the entries of `imports`, `moved` and `removed` may say."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from provisioner.kinds.common import Strict

AddressText = Annotated[
    str, Field(min_length=1, description="Address of a resource", examples=["assistant.support"])
]


class ImportEntry(Strict):
    """An object that exists and is to become a resource's."""

    to: AddressText
    id: str = Field(min_length=1, description="Id of the object", examples=["asst_abc123"])
    environment: str | None = Field(
        default=None,
        min_length=1,
        description="The environment that it is in; default: all",
        examples=["prod"],
    )


class MovedEntry(Strict):
    """A resource that has a new address."""

    from_: AddressText = Field(alias="from")
    to: AddressText


class RemovedEntry(Strict):
    """A resource that is no longer declared, on purpose."""

    from_: AddressText = Field(alias="from")
    destroy: bool = Field(
        default=True, description="`false` leaves the object at the service", examples=[False]
    )


MODELS: dict[str, type[Strict]] = {
    "imports": ImportEntry,
    "moved": MovedEntry,
    "removed": RemovedEntry,
}
