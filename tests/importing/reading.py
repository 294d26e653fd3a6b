"""Owns how the tests of source code read it: each line of code behind a head of imports."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

from provisioner.importing.nouns import Found
from provisioner.importing.sources import Findings, read_sources


def read(text: str) -> Findings:
    return read_sources(textwrap.dedent(text).encode())


@dataclass(frozen=True)
class Headed:
    """Code behind a head, which has no problems."""

    head: str

    def found(self, text: str, kind: str = "assistant") -> list[Found]:
        findings = read(self.head + textwrap.dedent(text))
        assert not findings.problems, findings.problems
        return [one for one in findings.found if one.kind == kind]

    def fields(self, text: str) -> dict[str, Any]:
        (one,) = self.found(text)
        return one.fields
