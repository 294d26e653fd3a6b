"""What is masked, and what is not."""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest

from provisioner.masking import (
    conceal,
    forget_secrets,
    masked,
    scrub,
    without_keys,
    without_pieces,
    without_secrets,
)
from provisioner.text import spelt

KEY = "sk-proj-4f9aPLANTED0123456789abcdef"
LONG = f"sk-… ({len(KEY)} characters)"


@pytest.mark.parametrize(
    ("secret", "shown"),
    [(KEY, LONG), ("a" * 20, "aaa… (20 characters)"), ("a" * 19, "…"), ("a", "…"), ("", "…")],
)
def test_a_value_is_shown_by_its_beginning_and_its_length(secret: str, shown: str) -> None:
    """Three characters and the length, from twenty characters on; below that nothing."""
    assert masked(secret) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://ada:hunter2@host/x", "see https://ada:…@host/x"),
        (f"`https://{KEY}@host`", f"`https://{LONG}@host`"),
        (f"https://{KEY}:x@host", f"https://{LONG}:…@host"),
        ("https://:p@ss@host/a@b", "https://:…@host/a@b"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("https://ghp1@host/x", "https://…@host/x"),
        (f"https://host/v1?api_key={KEY}&a=1", f"https://host/v1?api_key={LONG}&a=1"),
        ("https://h/?a=1&amp;apikey=abc&X-Amz-Signature=def#access_token=ghi", None),
        ("https://h/?page=2&monkey=x&keyboard=y", "https://h/?page=2&monkey=x&keyboard=y"),
        ('{"u": "wss://h/?Key=abc\\nnext"}', '{"u": "wss://h/?Key=…\\nnext"}'),
        ("me@host, a:b@c, ?api_key=x", "me@host, a:b@c, ?api_key=x"),
        ("https://host/a?q=api_key", "https://host/a?q=api_key"),
    ],
)
def test_an_address_is_shown_without_its_secrets(text: str, shown: str | None) -> None:
    """Passwords and parameters that hold a secret are masked, wherever the address stands; nothing
    else is. Masking twice changes nothing more.
    """
    expected = shown or "https://h/?a=1&amp;apikey=…&X-Amz-Signature=…#access_token=…"
    assert without_secrets(text) == expected
    assert without_secrets(expected) == expected


@pytest.mark.parametrize(
    ("said", "key", "shown"),
    [
        (f"wrong key {KEY}.", KEY, f"wrong key {LONG}."),
        ("wrong key sk-12345", "sk-12345", "wrong key …"),
        ("x?k=a%2Fb%2Bcdefg", "a/b+cdefg", "x?k=…"),
        ("<p>a&amp;b&lt;cdefg</p>", "a&b<cdefg", "<p>…</p>"),
        ("a local service, locally", "local", "a local service, locally"),
        ("no model `ollama` for key ollama", "ollama", "no model `ollama` for key …"),
        ("Incorrect API key provided: ollama.", "ollama", "Incorrect API key provided: …."),
        ("Authorization: Bearer local", "local", "Authorization: Bearer …"),
        ("nothing", "", "nothing"),
    ],
)
def test_a_key_is_masked_where_it_is_one(said: str, key: str, shown: str) -> None:
    """A key is masked however it is spelt. One below eight characters may be a part of any word,
    and is left alone where nothing calls it a key.
    """
    assert scrub(said, key) == shown


@pytest.fixture
def token() -> Iterator[str]:
    """A secret of which nothing may be seen."""
    value = "Zed-4/+?=\"quoted\" 'too' ~\\b"
    conceal(value)
    yield value
    forget_secrets()


def test_a_secret_is_masked_however_it_is_spelt(token: str) -> None:
    """In an address, in JSON that escapes slashes, and in base64, wherever it begins there."""
    in_json = json.dumps(token)[1:-1].replace("/", "\\/")
    lower = re.sub("%..", lambda code: code[0].lower(), quote(token, safe=""))
    for said in (quote_plus(token), lower, in_json):
        assert without_secrets(f"bad {said}.") == "bad (sensitive)."
    for before in ("", "a", "support", "me:"):
        for encode in (b64encode, urlsafe_b64encode):
            said = encode(f"{before}{token}!".encode()).decode()
            shown = without_secrets(said)
            assert "(sensitive)" in shown and len(shown) < 30 < len(said)


def test_half_a_secret_is_never_quoted(token: str) -> None:
    """What is cut is masked before."""
    assert spelt("x" * 75 + token) == f"`{'x' * 75}(sens…`"


def test_words_of_json_are_no_secrets() -> None:
    """A variable that says `true` leaves JSON what it is; where it is called a key it is masked."""
    conceal("true\nnull")
    said = '{"a": true, "b": null}, token: true'
    assert without_secrets(said) == '{"a": true, "b": null}, token: …'
    forget_secrets()


def test_a_part_of_a_secret_is_masked_where_a_service_quotes_it() -> None:
    """What is cut at either end, or torn into two; what is short may be any word."""
    secret = "".join(chr(33 + 7 * at % 90) for at in range(80))
    conceal(secret)
    for part in (secret[:30], secret[-13:], secret[20:70], f"{secret[:40]} {secret[40:]}"):
        shown = without_pieces(f"bad token {part}, sorry")
        assert shown.replace("(sensitive)", "").split() == ["bad", "token", ",", "sorry"], shown
    assert without_pieces(f"bad token {secret[:11]}.") == f"bad token {secret[:11]}."
    forget_secrets()


def test_a_number_is_no_part_of_another_one() -> None:
    """A time stays one where its first digits are a secret, and so does JSON where its signs are."""
    conceal("1795")
    conceal('": {')
    said = '{"at": 1795713392, "pin": "1795", "auth": {"a": 1}}'
    assert without_secrets(said) == said.replace('"1795"', '"(sensitive)"')
    forget_secrets()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"`service: {KEY}` is no service", f"`service: {LONG}` is no service"),
        ('write `api_key: "abc: def"`', 'write `api_key: "… def"`'),
        ("write `authorization: Bearer abcdef`", "write `authorization: Bearer …`"),
        ("api_key: {env: 0abc}", "api_key: {env: …}"),
        ("the token limit: 5, a password", "the token limit: 5, a password"),
        ("server_url: //u:abc@h/x", "server_url: //u:…@h/x"),
        ("`https:u:abc@h` and http:/u:abc@h", "`https:u:…@h` and http:/u:…@h"),
        ("risk-averse sk-learn, sk-12345", "risk-averse sk-learn, …"),
    ],
)
def test_what_quotes_a_spec_shows_no_key(said: str, shown: str) -> None:
    """A message that quotes a faulty spec masks also what only looks like a key, or stands where
    one does.
    """
    assert without_keys(said) == shown


def test_long_texts_take_no_time() -> None:
    """Neither a long word nor many addresses make it slow."""
    began = time.perf_counter()
    for text in (
        "a" * 500_000,
        "://" * 100_000,
        "https://a" + "?k" * 200_000,
        "://" + "a.-" * 100_000,
        "token=" * 90_000,
    ):
        without_keys(text)
    assert time.perf_counter() - began < 5
