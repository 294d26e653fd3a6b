"""Planted secrets are in no byte that a run of all commands writes."""

from __future__ import annotations

import html
import json
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from provisioner import masking
from provisioner.remote import Retries
from tests.e2e.serving import point_at
from tests.support.injecting import Injection
from tests.support.running import PROGRAM, Result, surroundings
from tests.support.world import World

# Short ones, and whatever is spelt differently in JSON, in an address, in a page and in Python.
PLANTED = {
    "short": "q7Zx",
    "quoted": "a\"b'c\\d-PLANTED1",
    "percent": "100%25PLANTED2&<x>=?/+",
    "unicode": "pässwörd-Ω-PLANTED3",
    "pem": "-----BEGIN PRIVATE KEY-----" + "MIIEvQIBADANBgkqPLANTED4" * 20,
    "long": "PLANTED5" * 90,
}
FILES = {"percent": "secrets/percent", "pem": "secrets/pem"}
COMMANDS = {"unicode": ["cat", "hidden/unicode"], "quoted": ["cat", "hidden/quoted"]}


def reference(name: str) -> dict[str, Any]:
    if name in FILES:
        return {"file": FILES[name]}
    return {"command": COMMANDS[name]} if name in COMMANDS else {"env": name.upper()}


def declared(url: str = "https://crm.example") -> dict[str, Any]:
    """A credential of each secret, and one of all."""
    bearers = {
        name: {
            "vault": "keys",
            "auth": {"type": "static_bearer", "mcp_server_url": url, "token": reference(name)},
        }
        for name in PLANTED
    }
    oauth = {
        "type": "mcp_oauth",
        "mcp_server_url": url,
        "access_token": reference("quoted"),
        "refresh": {
            "token_endpoint": "https://login.example",
            "client_id": "support",
            "refresh_token": reference("pem"),
            "token_endpoint_auth": {
                "type": "client_secret_post",
                "client_secret": reference("short"),
            },
        },
    }
    variable = {
        "type": "environment_variable",
        "secret_name": "CRM",
        "secret_value": reference("percent"),
        "networking": {"type": "unrestricted"},
    }
    many = {
        "oauth": {"vault": "keys", "auth": oauth},
        "variable": {"vault": "keys", "auth": variable},
    }
    return {"vaults": {"keys": {}}, "credentials": {**bearers, **many}}


@pytest.fixture
def planted(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A workspace that takes secrets from everywhere, with a key of fingerprints that is one."""
    for name, value in PLANTED.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("PROVISIONER_FINGERPRINT_KEY", "PLANTED6" * 8)
    files = {path: PLANTED[name] + "\n" for name, path in FILES.items()}
    files |= {words[1]: PLANTED[name] + "\n" for name, words in COMMANDS.items()}
    world.write({"specs/all.yaml": declared(), **files})
    yield world
    masking.forget_secrets()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts are short."""
    monkeypatch.setattr("provisioner.remote.client.Retries", partial(Retries, base=0.001))


def spellings(secret: str) -> set[bytes]:
    """A secret in every spelling that it may be written in."""
    texts = {
        secret,
        repr(secret)[1:-1],
        html.escape(secret),
        html.escape(secret, quote=False),
        quote(secret),
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    }
    return {text.encode() for text in texts}


PLACES = [bytes(one) for value in PLANTED.values() for one in spellings(value)] + [b"PLANTED"]


def shows_nothing(*results: Result | bytes) -> None:
    for result in results:
        text = result if isinstance(result, bytes) else (result.out + result.err).encode()
        assert not [place for place in PLACES if place in text], text.decode(errors="replace")


def written(root: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below the workspace, apart from those that hold the secrets."""
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not name.startswith(("secrets/", "hidden/")):
            yield name, path.read_bytes()


def nothing_is_written(root: Path) -> None:
    for name, data in written(root):
        assert not [place for place in PLACES if place in data], name


class Echoing(Injection):
    """A service that refuses what has a secret and quotes it whole, in every spelling, and in
    parts; before it does, everything that is on the disk is looked at.
    """

    def __init__(self, root: Path, status: int) -> None:
        self.root, self.status, self.times = root, status, 0

    def happened(self) -> bool:
        return self.times > 0

    def around(self, app: Any) -> Any:
        async def echoing(scope: Any, receive: Any, send: Any) -> None:
            if scope["method"] != "POST" or "/credentials" not in scope["path"]:
                await app(scope, receive, send)
                return
            whole = bytearray()
            while True:
                message = await receive()
                whole.extend(message.get("body", b""))
                if not message.get("more_body"):
                    break
            self.times += 1
            nothing_is_written(self.root)
            texts = list(_texts(json.loads(whole)))
            said = "; ".join(spelt for one in texts for spelt in _echoes(one))
            said += "; ".join(one[:-3] for one in texts if len(one) > 15)
            body = json.dumps({"error": {"message": f"Incorrect: {said}", "code": said[:90]}})
            headers = [(b"content-type", b"application/json")]
            start = {"type": "http.response.start", "status": self.status, "headers": headers}
            await send(start)
            await send({"type": "http.response.body", "body": body.encode()})

        return echoing


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _echoes(text: str) -> Iterator[str]:
    yield from (one.decode() for one in spellings(text))


class Showing(Injection):
    """A service that shows a secret where it shows no secrets: in fields that nobody has declared,
    and in one that somebody has, in some spelling.
    """

    def __init__(self, secret: str) -> None:
        self.secret, self.times = secret, 0

    def happened(self) -> bool:
        return self.times > 0

    def around(self, app: Any) -> Any:
        async def showing(scope: Any, receive: Any, send: Any) -> None:
            begun: list[Any] = []
            whole = bytearray()

            async def sent(message: Any) -> None:
                if message["type"] == "http.response.start":
                    begun.append(message)
                    return
                whole.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                body = json.loads(whole)
                for one in body.get("data", [body]):
                    self._change(one)
                headers = [(b"content-type", b"application/json")]
                headers.append((b"openai-project", self.secret.encode()))
                await send({**begun[0], "headers": headers})
                await send({"type": "http.response.body", "body": json.dumps(body).encode()})

            shown = "/credentials" in scope["path"]
            await app(scope, receive, sent if shown else send)

        return showing

    def _change(self, one: Any) -> None:
        if "auth" not in one:
            return
        self.times += 1
        auth = one["auth"] | {"token": self.secret, "hint": [self.secret]}
        if "mcp_server_url" in auth:
            auth["mcp_server_url"] = f"https://{self.secret}.example/{self.secret}"
        one |= {"secret": self.secret, "auth": auth, "status": self.secret}
        one["metadata"] |= {"hint": self.secret}


COMMAND_LINES = [
    ["validate"],
    ["validate", "--json"],
    ["fmt", "--check"],
    ["plan"],
    ["plan", "-v"],
    ["plan", "--json"],
    ["plan", "--format", "html"],
    ["plan", "--format", "markdown"],
    ["plan", "--no-refresh"],
    ["plan", "--out", "plan.json"],
    ["plan", "--destroy"],
    ["drift"],
    ["drift", "--json", "--pending", "--unmanaged"],
    ["accept"],
    ["show"],
    ["show", "--json"],
    ["state", "list"],
    ["state", "show", "credential.pem", "--json"],
    ["output", "--json"],
    ["output", "--format", "yaml"],
    ["graph"],
    ["state", "rebuild"],
]


def test_success(planted: World) -> None:
    """When everything goes well, with all commands and with `-v`."""
    before = [planted.run(*words) for words in COMMAND_LINES]
    nothing_is_written(planted.root)
    applied = planted.ok("apply", "-y", "-v", "--json")
    shows_nothing(*before, applied)
    shows_nothing(*(planted.run(*words) for words in COMMAND_LINES))
    rotates = ["--rotate", "credential.oauth", "--rotate", "credential.long"]
    planted.ok("plan", *rotates, "--out", "plan.json")
    nothing_is_written(planted.root)
    shows_nothing(planted.ok("apply", "-y", "-v", "plan.json"))
    planted.write({"specs/all.yaml": declared("https://other.example")})
    shows_nothing(planted.ok("apply", "-y", "-v", "--force"), planted.ok("destroy", "-y", "-v"))
    nothing_is_written(planted.root)


@pytest.mark.parametrize("status", [400, pytest.param(500, marks=pytest.mark.thorough)])
def test_failure(planted: World, status: int) -> None:
    """When the service refuses every secret and quotes it."""
    with planted.behind(Echoing(planted.root, status)):
        shows_nothing(planted.ok("apply", "-y", "-v", code=1))
        shows_nothing(planted.ok("apply", "-y", "--json", code=1))
    nothing_is_written(planted.root)
    planted.apply()
    rotates = [word for name in PLANTED for word in ("--rotate", f"credential.{name}")]
    with planted.behind(Echoing(planted.root, status)):
        shows_nothing(planted.ok("apply", "-y", "-v", *rotates, code=1))
    nothing_is_written(planted.root)
    shows_nothing(*(planted.run(*words) for words in COMMAND_LINES))


def test_secrets_that_cannot_be_had(planted: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When some of them are missing, or are none."""
    monkeypatch.setenv("LONG", PLANTED["long"] + "\nPLANTED7")
    monkeypatch.delenv("SHORT")
    planted.write({"hidden/quoted": b"PLANTED8\xff"})
    shows_nothing(planted.ok("apply", "-y", "-v", code=1))
    nothing_is_written(planted.root)


@pytest.mark.thorough
def test_the_log_of_a_server(planted: World, tmp_path: Path) -> None:
    """What `local serve` prints and keeps has nothing of what it was sent."""
    data = tmp_path / "data"
    command = [*PROGRAM, "local", "serve", "--port", "0", "--data", str(data)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, cwd=tmp_path, env=surroundings(), **pipes) as server:
        assert server.stdout
        point_at(planted, server.stdout.readline().decode().strip())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OPENAI_API_KEY", "any-PLANTED9")
            shows_nothing(planted.ok("apply", "-y", "-v", "-e", "prod"))
            again = ["apply", "-y", "-e", "prod", "--rotate", "credential.pem"]
            shows_nothing(planted.ok(*again))
        server.terminate()
        log = server.stdout.read()
    shows_nothing(log)
    nothing_is_written(planted.root)
    nothing_is_written(data if data.is_dir() else tmp_path)


SHOWN: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "lower": str.lower,
    "hex": lambda secret: secret.encode().hex(),
    "base64": lambda secret: b64encode(b"x" + secret.encode()).decode(),
    "address": lambda secret: quote(f"&{secret}", safe=""),
}


@pytest.mark.parametrize("spelt", SHOWN)
def test_a_service_that_shows_secrets(planted: World, spelt: str) -> None:
    """What comes back is not kept: not where nobody has declared it, and only masked where somebody
    has. The plan after it is empty, also for who does not know the secret.
    """
    secret = SHOWN[spelt](PLANTED["long"])
    with planted.behind(Showing(secret)):
        shows_nothing(planted.ok("apply", "-y", "-v"))
        lock = (planted.root / ".provisioner/local/lock.json").read_text()
        assert secret not in lock and "(sensitive)" in lock
        shows_nothing(planted.ok("show", "--json"), planted.ok("state", "show", "credential.long"))
        planted.settled()
        with pytest.MonkeyPatch.context() as patch:
            for name in PLANTED:
                patch.delenv(name.upper(), raising=False)
            planted.settled()
    planted.ok("plan")


def test_accepting_what_shows_a_secret(keys: World) -> None:
    """A secret that somebody has put into another field does not go into a spec."""
    keys.apply()
    path = "/vaults/${vault.keys}/credentials/${credential.orders}"
    keys.http("POST", path, {"metadata": {"team": "of token-of-crm"}})
    refused = keys.run("accept")
    assert "holds a secret" in refused.out + refused.err
    assert "token-of-crm" not in (keys.root / "specs/all.yaml").read_text() + refused.out
