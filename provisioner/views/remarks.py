"""One sentence about a plan."""

from __future__ import annotations

from provisioner.records import dataclass


@dataclass(frozen=True, slots=True)
class Remark:
    """What a reviewer reads: of which group, with which symbol, about what."""

    section: str
    symbol: str
    address: str  # empty where it is about several resources
    text: str

    @property
    def kind(self) -> str:
        return self.address.partition(".")[0]

    @property
    def sentence(self) -> str:
        return f"{self.address}: {self.text}" if self.address else self.text
