"""Keys and passwords in what is shown: known by their value, or by where they stand in an
address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

SENSITIVE = "(sensitive)"  # in the place of a value that is a secret as a whole
_SHOWN = 3  # characters of a secret that say which one it is
_LONG = 20  # characters from which on that many give nothing away
WORD = 8  # a key shorter than this may be a part of any word

_ADDRESS = re.compile(r"""://[^\s"'<>`\\]+""")
_SIGNED_IN = re.compile(r"(://)([^/?#]*)@")
_SECRETS = (
    r"[\w.-]*(?:token|secret|password|passwd|passphrase|signature|credential|api[-_.]?key)s?|"
    r"(?:[\w.-]*[-_.])?(?:key|pwd|pass|sig|auth|authorization)"
)
# What is masked already, or was cut, ends in `…`.
_PARAMETER = re.compile(rf"([?&#;](?:{_SECRETS})=)([^&#;…]++)(?!…)", re.IGNORECASE)
# `//user:…@host`
_BROKEN_SIGN_IN = re.compile(
    r"""((?:\bhttps?:/?|(?<![:/])//)[^\s:/?#@"'`]*:)([^\s/?#@"'`…]++)(?=@)"""
)
_NAME = re.compile(r"[A-Za-z][A-Za-z._-]{0,18}")  # of a user; a key has digits as well
_LOOSE = re.compile(
    r"\b(?:sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[a-z])[-_](?=[\w-]{0,99}\d)[\w-]{4,}"
)
_CODE = re.compile("%[0-9A-F]{2}")  # in an address
_ONE_WORD = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9]{20,}", re.DOTALL)
_HOLDERS = {
    "apikey",
    "authorization",
    "headers",
    "token",
    "accesstoken",
    "authtoken",
    "bearer",
    "password",
    "passwd",
}
_HOLDERS |= {"passphrase", "secret", "clientsecret", "credentials"}
_HOLDERS |= {"refreshtoken", "secretvalue"}
_NAMED = re.compile(
    r"""(\b(?:api[-_ ]?key|authorization|password|passwd|(?:access_|auth_)?token|secret)"""
    r"""["'`]?\s*[:=]\s*"""
    r"""(?:\{\s*env\s*:\s*)?(?:["'`]?bearer\s+)?["'`]?)([^\s"'`{}…]{3,}+)(?!…)""",
    re.IGNORECASE,
)

# A key of a file that holds one, wherever it stands in a line.
HOLDER = re.compile(
    r"\b(?:api[-_ ]?key|authorization|headers|(?:access_|auth_)?token"
    r"|passw(?:or)?d|passphrase|secret|credentials)\b",
    re.I,
)

RUNNER = ("GH_", "GITHUB_", "ACTIONS_")
"""How the variables begin in which the system that runs a job keeps keys of its own."""

KEY_VARIABLE = "PROVISIONER_FINGERPRINT_KEY"
OWN = (KEY_VARIABLE, "OPENAI_API_KEY", "OPENAI_ADMIN_KEY")
"""The variables in which keys of ours are, which are nobody else's secrets."""

_known: set[str] = set()
_concealed: set[str] = set()  # of what somebody has said that it is a secret
_PIECE = 12  # letters of a longer one that are masked where a service quotes a part of it
_ENDS = 4096  # letters at either end of a secret of which parts are known
_SHORTEST = 4  # letters of such a secret that is masked wherever it stands
_WORDS = ("true", "false", "null")


def masked(secret: str) -> str:
    """`sk-… (51 characters)`; of a secret below twenty characters nothing is shown."""
    return f"{secret[:_SHOWN]}… ({len(secret):,} characters)" if len(secret) >= _LONG else "…"


def hide(secret: str | None) -> None:
    """Have a secret masked wherever it turns up, until `forget`."""
    if secret and secret.strip():
        _known.add(secret.strip())


def conceal(secret: str) -> None:
    """Have a secret of which nothing may be seen masked wherever it turns up, each line of it as
    well. One below four letters may be any word, and is masked where it is called a secret; so is a
    word of JSON, without which a document would be none.
    """
    for line in (secret, *secret.splitlines()):
        part = line.strip()
        telling = len(part) >= _SHORTEST and part not in _WORDS
        if len(part) < WORD and not any(map(str.isalnum, part)):
            telling = False  # what JSON consists of
        (_concealed if telling else _known).add(part)


def forget_secrets() -> None:
    """A new run knows no secrets yet."""
    _known.clear()
    _concealed.clear()


def without_secrets(text: str) -> str:
    """The text with the known secrets masked, and with those in addresses: passwords, and
    `?api_key=` and its like.
    """
    if _concealed:
        text = without_concealed(text)
    for secret in _known:
        text = scrub(text, secret)
    return _ADDRESS.sub(_address, text) if "://" in text else text


def with_known_secret(text: str) -> bool:
    """Whether a text holds a secret that is known by its value."""
    return without_concealed(text) != text or any(scrub(text, secret) != text for secret in _known)


def without_concealed(text: str) -> str:
    """The text without those secrets of which nothing may be seen."""
    for secret in sorted(_concealed, key=len, reverse=True):  # one may be a part of another
        for spelt in _spellings(secret):
            if spelt.isdecimal():  # it may be a part of any time or count
                text = re.sub(rf"(?<!\d){spelt}(?!\d)", SENSITIVE, text)
            else:
                text = text.replace(spelt, SENSITIVE)
    return text


def without_pieces(text: str) -> str:
    """The same of what a service says, which may quote a long secret in part, or cut it."""
    text = without_concealed(text)
    for secret in _concealed:
        pieces = _pieces(secret) if len(secret) > _PIECE else frozenset[str]()
        at = 0
        while pieces and at <= len(text) - _PIECE:
            end = at
            while text[end : end + _PIECE] in pieces:
                end += 1
            if end > at:
                text = f"{text[:at]}{SENSITIVE}{text[end + _PIECE - 1 :]}"
            at += 1
    return text


@lru_cache(maxsize=256)
def _pieces(secret: str) -> frozenset[str]:
    """Everything of a certain length in its beginning and in its end."""
    ends = (secret[:_ENDS], secret[-_ENDS:])
    return frozenset(end[at : at + _PIECE] for end in ends for at in range(len(end) - _PIECE + 1))


def concealed(value: Any) -> Any:
    """What a service has said, to be kept: without those secrets in whatever texts it has."""
    if isinstance(value, dict):
        return {without_concealed(key): concealed(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [concealed(inner) for inner in value]
    return without_concealed(value) if isinstance(value, str) else value


def unconcealed(kept: Any, value: Any) -> Any:
    """What was kept, where a value may be what it was made of: that value. Whoever compares them
    need not know the secret.
    """
    if isinstance(kept, dict) and isinstance(value, dict) and len(kept) == len(value):
        pairs = zip(sorted(kept.items()), sorted(value.items()), strict=True)
        return {
            unconcealed(*keys): unconcealed(*values)
            for keys, values in (zip(*pair, strict=True) for pair in pairs)
        }
    if isinstance(kept, list) and isinstance(value, list) and len(kept) == len(value):
        return [unconcealed(*pair) for pair in zip(kept, value, strict=True)]
    if not (isinstance(kept, str) and isinstance(value, str) and SENSITIVE in kept):
        return kept
    begin, *middle, end = kept.split(SENSITIVE)
    pattern = ".+".join(map(re.escape, (begin, *middle, end)))
    return value if re.fullmatch(pattern, value, re.DOTALL) else kept


def with_secret(text: str) -> bool:
    """Whether a text has an address with a secret in it."""
    return _ADDRESS.sub(_address, text) != text


def without_keys(text: str) -> str:
    """The same of text that may quote a faulty spec: also what has the looks of a key, or stands
    after `api_key:`.
    """
    text = _BROKEN_SIGN_IN.sub(_second, without_secrets(text))
    return _NAMED.sub(_second, _LOOSE.sub(lambda found: masked(found[0]), text))


def without_loose(text: str) -> str:
    """The text with what is a key by its spelling alone masked, wherever it stands."""
    return _LOOSE.sub(lambda found: masked(found[0]) if len(found[0]) >= _LONG else found[0], text)


def looks_like_key(text: str) -> bool:
    """Whether a text is more likely a key than the name of a variable."""
    return bool(_LOOSE.fullmatch(text) or _ONE_WORD.fullmatch(text))


def holds_secret(path: Iterable[str | int]) -> bool:
    """Whether a place in a file, by its keys, is one where secrets stand: `api_key`, `headers` …"""
    return any(
        isinstance(step, str) and re.sub(r"[-_. ]", "", step.lower()) in _HOLDERS for step in path
    )


def all_masked(value: Any) -> Any:
    """A value from such a place with every scalar in it masked."""
    if isinstance(value, dict):
        return {key: all_masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [all_masked(inner) for inner in value]
    return value if value is None or isinstance(value, bool) else masked(str(value))


def scrub(text: str, secret: str) -> str:
    """The text with one secret masked. A short one may be part of any word, and is one only where
    it is called so.
    """
    if not secret:
        return text
    if len(secret) >= WORD:
        for spelt in _spellings(secret):
            if spelt in text:
                text = text.replace(spelt, masked(secret))
        return text
    if secret not in text:
        return text
    called = (
        rf"(\b(?:bearer|key|token)\b(?:\s+provided)?[\s:=\"'`]{{1,4}}){re.escape(secret)}(?![\w-])"
    )
    return re.sub(called, r"\1…", text, flags=re.IGNORECASE)


@lru_cache(maxsize=256)
def _spellings(secret: str) -> tuple[str, ...]:
    """As it is, and as it stands in an address, in a page, in JSON and in base64."""
    import html  # these three are needed by whoever has a key, and not by `--help`
    import json
    from urllib.parse import quote, quote_plus

    spelt = {secret, html.escape(secret), repr(secret)[1:-1]}
    if len(secret) >= WORD:  # services spell hosts and headers in one case
        spelt |= {secret.lower(), secret.upper(), secret.encode(errors="surrogateescape").hex()}
    for quoted in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        spelt |= {quoted, _CODE.sub(lambda code: code[0].lower(), quoted)}
    for only in (True, False):
        in_json = json.dumps(secret, ensure_ascii=only)[1:-1]
        spelt |= {in_json, in_json.replace("/", "\\/")}
    spelt.update(_in_base64(secret.encode(errors="surrogateescape")))
    return tuple(sorted(spelt, key=len, reverse=True))


def _in_base64(secret: bytes) -> Iterator[str]:
    """What only the secret can have made of a longer text in base64: it may begin there at any of
    three places, and what is beside it has a part in the letters at its ends.
    """
    from base64 import b64encode

    for before in range(3):
        made = b64encode(bytes(before) + secret).decode()
        own = made[(before * 4 + 2) // 3 : (before + len(secret)) * 4 // 3]
        if len(own) >= WORD:
            yield own
            yield own.replace("+", "-").replace("/", "_")


def _address(found: re.Match[str]) -> str:
    return _PARAMETER.sub(_second, _SIGNED_IN.sub(_signed_in, found[0], count=1))


def _second(found: re.Match[str]) -> str:
    return found[1] + masked(found[2])


def _signed_in(found: re.Match[str]) -> str:
    user, colon, password = found[2].partition(":")
    shown = user if not user or _NAME.fullmatch(user) else masked(user)
    return f"{found[1]}{shown}{colon}{masked(password) if password else ''}@"
