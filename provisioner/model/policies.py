"""What a team allows its assistants: which models, how near the end of a model, and what is waived
until when.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from provisioner.model.names import Source
from provisioner.records import dataclass

Policy = Literal["models", "model_shutdown"]
Strictness = Literal["deny", "warn", "ignore"]


@dataclass(frozen=True, slots=True)
class Waiver:
    """A breach of one policy by one resource that is put up with, for a reason, up to and including
    a day.
    """

    policy: Policy
    address: str
    reason: str
    expires: date
    source: Source


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies of one environment."""

    allow: tuple[str, ...] = ()  # names and patterns of models; none: any model
    models: Strictness = "deny"
    shutdown: Strictness = "deny"
    warn_days: int = 60
    waivers: tuple[Waiver, ...] = ()
