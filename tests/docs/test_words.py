"""The vocabulary and the code say the same."""

from __future__ import annotations

import re
from pathlib import Path

from provisioner import model

WORDS = Path(__file__).resolve().parents[2] / "docs/words.md"


def test_every_noun_is_explained() -> None:
    """Each public class of the model stands in the table, and nothing else does."""
    _, _, table = WORDS.read_text(encoding="utf-8").partition("## Nouns of the code")
    explained = re.findall(r"^\| `(\w+)` \|", table, flags=re.M)

    assert explained == sorted(
        name for name in model.__all__ if name[0].isupper() and not name.isupper()
    )
