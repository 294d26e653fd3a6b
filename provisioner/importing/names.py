"""Readable names for what people call their things in any script: the same name for the same thing
in every run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from provisioner.model import Address

_LONGEST = 48  # characters of a name that people still read; a resource's may have 64
_ID_TAIL = 8
_SPELT = {
    "ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ð": "d", "þ": "th", "đ": "d", "ł": "l", "ı": "i",
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z",
    "и": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh",
    "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "iu", "я": "ia", "і": "i", "ї": "i",
    "є": "ie", "ґ": "g",
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i",
    "κ": "k", "λ": "l", "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s",
    "ς": "s", "τ": "t", "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o",
}  # fmt: skip
# What Unicode calls the letters of other alphabets by is their sound.
_SOUND = re.compile(
    r"(?:HIRAGANA|KATAKANA|DEVANAGARI|BENGALI|TAMIL|GEORGIAN|ARMENIAN)"
    r"(?: (?:SMALL|CAPITAL))? (?:LETTER|VOWEL SIGN) (?:SMALL |FINAL )?(?P<sound>[A-Z]+)"
    r"|(?:ARABIC|HEBREW) LETTER (?:FINAL )?(?P<first>[SKTDG]H|[A-Z])"
    r"|HANGUL SYLLABLE (?P<syllable>[A-Z]+)"
    r"|THAI CHARACTER (?:SARA (?P<vowel>[A-Z]+)|(?P<consonant>[A-Z]+)O )"
)


def slug(text: str) -> str:
    """A name as an address has it, `kundendienst_de` of `Kundendienst (DE)`; empty where nothing of
    it can be spelt so.
    """
    plain = "".join(map(_letters, unicodedata.normalize("NFC", text[:1000])))
    words = re.findall(r"[a-z0-9]+", plain.lower())
    return "_".join(words)[:_LONGEST].strip("_")


def _letters(letter: str) -> str:
    if letter in "'’":
        return ""
    if letter.isascii():
        return letter
    known = _SPELT.get(letter.lower())
    if known is not None:
        return known
    found = _SOUND.match(unicodedata.name(letter, ""))
    if found:
        return (next(group for group in found.groups() if group is not None)).lower()
    plain = unicodedata.normalize("NFKD", letter)
    if plain == letter:
        return "" if unicodedata.category(letter) in ("Mn", "Mc", "Me", "Lm") else " "
    return "".join(_letters(part) for part in plain)


class Names:
    """Gives addresses, none of them twice."""

    def __init__(self, taken: Iterable[Address] = ()) -> None:
        self._taken = set(taken)

    def give(self, kind: str, name: str | None, id: str | None = None) -> Address:
        """An address of what is called so; after its id, where its name cannot be spelt."""
        base = slug(name or "")
        if not base and id:
            base = f"{kind}_{slug(id)[-_ID_TAIL:].strip('_')}"
        if not base or not base[0].isalpha():
            base = f"{kind}_{base}".strip("_")
        address, count = Address(kind, base), 1
        while address in self._taken:
            count += 1
            address = Address(kind, f"{base}_{count}")
        self._taken.add(address)
        return address
