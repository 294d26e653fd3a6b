"""Where a secret is said to be, and what may be written there."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from provisioner.masking import KEY_VARIABLE
from provisioner.workspace import secrets
from provisioner.workspace.secrets import SecretRefused, find_key, read_secret
from tests.stories.secrets.conftest import KEY, specs
from tests.support.world import World

_URL = "https://crm.example/mcp"
FAULTY: dict[str, tuple[str, str]] = {
    "'s3cr3t-PLANTED'": ("token", "write `{env: NAME}`, `{file: PATH}` or `{command: [WORD, …]}`"),
    "246813579": ("token", "a spec only says where one is"),
    "[PLANTED0]": ("token", "must be"),
    "{value: PLANTED0}": ("token", "Unknown"),
    "{env: GITHUB_TOKEN}": ("token", "is a token of the job"),
    "{env: gh_token}": ("token", "is a token of the job"),
    "{env: ACTIONS_ID_TOKEN}": ("token", "is a token of the job"),
    "{env: PROVISIONER_FINGERPRINT_KEY}": ("token", "holds a key of ours"),
    "{env: OPENAI_API_KEY}": ("token", "keep the secret in a variable of its own"),
    "{env: openai_admin_key}": ("token", "holds a key of ours"),
    "{file: .provisioner/fingerprint.key}": ("token", "keep the secret in another folder"),
    "{file: ./a/.provisioner/x}": ("token", "is inside `.provisioner/`"),
    "{env: 'not a name'}": ("token", "env"),
    "{file: /etc/passwd}": ("token", "leaves the workspace"),
    "{file: ../key}": ("token", "leaves the workspace"),
    "{command: []}": ("token", "command"),
    "{command: op read}": ("token", "command"),
    "{env: A, file: b}": ("token", ""),
}


@pytest.mark.parametrize("written", FAULTY)
def test_what_is_no_reference(world: World, written: str) -> None:
    """What is no reference is a problem with its place and the remedy, and is not said again."""
    auth = f"{{type: static_bearer, mcp_server_url: '{_URL}', token: {written}}}"
    text = f"vaults: {{v: {{}}}}\ncredentials: {{c: {{vault: v, auth: {auth}}}}}\n"
    world.write({"specs/all.yaml": text})
    result = world.ok("validate", code=1)
    assert "specs/all.yaml:2:" in result.err and "Traceback" not in result.err
    assert FAULTY[written][1] in result.err
    assert "PLANTED" not in result.err and "246813579" not in result.err


@pytest.mark.parametrize("kind", ["credential", "template"])
def test_the_key_of_an_environment_is_no_secret(keys: World, kind: str) -> None:
    """What a service is asked with is given to nobody else, whichever environment it is of, in a
    credential and in a template; and it opens no service what fingerprints are made with.
    """
    said: dict[str, Any] = {"local": {"service": "local"}}
    said["prod"] = {"service": "openai", "api_key": {"env": "CRM_TOKEN"}}
    keys.write({"provisioner.yaml": {"environments": said}})
    if kind == "template":
        env = {"A": "plain", "TOKEN": {"env": "CRM_TOKEN"}}
        box = {"network": {"access": "disabled"}, "env": env}
        keys.write({"specs/all.yaml": {"environment_templates": {"box": box}}})
    refused = keys.ok("validate", "-e", "local", code=1).err
    assert "holds the key of the environment `prod`" in refused and "specs/all.yaml:" in refused
    assert "keep the secret in a variable of its own" in refused
    said["prod"]["api_key"] = {"env": "PROVISIONER_FINGERPRINT_KEY"}
    keys.write({"provisioner.yaml": {"environments": said}})
    assert "is the key of fingerprints" in keys.ok("validate", "-e", "prod", code=1).err


def test_a_plan_cannot_take_the_key_of_an_environment(
    keys: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a variable has become the key of a service since a plan was saved, it is not sent."""
    keys.ok("plan", "-e", "local", "--out", "p.json")
    both = {"local": {"service": "local"}}
    both["prod"] = {"service": "openai", "api_key": {"env": "CRM_TOKEN"}}  # type: ignore[dict-item]
    keys.write({"provisioner.yaml": {"environments": both}})
    refused = keys.ok("apply", "-e", "local", "p.json", "-y", code=1).err
    assert "holds the key of a service" in refused
    assert not keys.listed("/vaults")


def test_a_command_that_fails_is_asked_once(keys: World) -> None:
    """However many secrets it was to print."""
    failing = {"command": ["sh", "-c", "echo >> asked; exit 3"]}
    keys.write(specs(crm={"token": failing}, variable={"secret_value": failing}))
    refused = keys.ok("apply", "-y", code=1).err
    assert refused.count("with the exit code 3") == 2
    assert (keys.root / "asked").read_text() == "\n"


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("crm", {"mcp_server_url": "http://crm.example"}, "mcp_server_url"),
        ("crm", {"token": None}, "token"),
        ("crm", {"type": "basic"}, "type"),
        ("orders", {"expires_at": "tomorrow"}, "RFC 3339"),
        ("orders", {"expires_at": "2027-01-01T00:00:00"}, "RFC 3339"),
        ("variable", {"secret_name": "HTTPS_PROXY"}, "has for itself"),
        ("variable", {"secret_name": "9"}, "secret_name"),
        ("variable", {"networking": {"type": "limited", "allowed_hosts": []}}, "allowed_hosts"),
        (
            "variable",
            {"networking": {"type": "limited", "allowed_hosts": ["a.b", "A.B"]}},
            "names a host twice",
        ),
        (
            "variable",
            {"networking": {"type": "limited", "allowed_hosts": ["https://a.b"]}},
            "allowed_hosts",
        ),
    ],
)
def test_limits(keys: World, name: str, more: dict[str, Any], says: str) -> None:
    """What the service would refuse is refused before anything is asked."""
    keys.write(specs(**{name: more}))
    assert says in keys.ok("validate", code=1).err


def test_a_variable_is_in_a_vault_once(keys: World) -> None:
    """Two credentials for one variable in one vault are one too many; in two they are where both vaults
    are given to one session.
    """
    twice = specs()
    found = twice["specs/all.yaml"]
    found["credentials"]["other"] = found["credentials"]["variable"]
    keys.write(twice)
    assert "CRM_KEY" in keys.ok("validate", code=1).err
    found["vaults"]["more"] = {}
    found["credentials"]["other"] = {**found["credentials"]["variable"], "vault": "more"}
    keys.write(twice)
    keys.ok("validate")
    agent = {"model": "gpt-5.6", "api": "agents", "session": {"vaults": ["keys", "more"]}}
    found["assistants"] = {"a": agent}
    keys.write(twice)
    assert "`credential.variable` and `credential.other`" in keys.ok("validate", code=1).err


@pytest.mark.parametrize("name", ["", " ", "ä" * 129])
def test_names_are_measured_in_bytes(world: World, name: str) -> None:
    """A name has 1 to 256 bytes."""
    world.write({"specs/all.yaml": {"vaults": {"v": {"name": name}}}})
    assert "bytes" in world.ok("validate", code=1).err


def test_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret is what a variable holds, a file without its last line end, or a command's output
    without it; a command runs in the workspace and without a shell.
    """
    monkeypatch.setenv("TOKEN", " s3 \n")
    (tmp_path / "token").write_bytes(b"s3cr3t\r\n")
    assert read_secret({"env": "TOKEN"}, tmp_path) == " s3 \n"
    assert read_secret({"file": "token"}, tmp_path) == "s3cr3t"
    assert read_secret({"command": ["cat", "token"]}, tmp_path) == "s3cr3t"
    (tmp_path / "marked").write_bytes(b"\xef\xbb\xbfs3cr3t")
    assert read_secret({"file": "marked"}, tmp_path) == "s3cr3t"
    assert read_secret({"command": ["echo", "$HOME;x"]}, tmp_path) == "$HOME;x"


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is in the way is said in a sentence, and never what was found."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "out").symlink_to("/etc/passwd")
    (tmp_path / "empty").write_bytes(b"\n")
    (tmp_path / "blank").write_bytes(b" \t\n\n")
    (tmp_path / "huge").write_bytes(b"x" * 1_048_577)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("BINARY", os.fsdecode(b"\xff"))
    monkeypatch.setenv("GITHUB_TOKEN", "x")
    said: dict[str, str] = {}
    for reference in (
        {"env": "NOWHERE"},
        {"env": "BINARY"},
        {"env": "GITHUB_TOKEN"},
        *(
            {"file": name}
            for name in ("none", "binary", "out", "empty", "blank", "huge", "folder", "pipe")
        ),
        *({"command": words} for words in (["none-such"], ["false"], ["cat", "binary"], ["true"])),
    ):
        with pytest.raises(SecretRefused) as refused:
            read_secret(reference, tmp_path)
        said[str(next(iter(reference.values())))] = str(refused.value)
    assert "is not set" in said["NOWHERE"] and "not text" in said["BINARY"]
    assert "leaves the workspace" in said["out"] and "does not exist" in said["none"]
    assert "is empty" in said["empty"] and "is empty" in said["blank"]
    assert "exit code 1" in said["['false']"] and "is empty" in said["['true']"]


def test_a_command_has_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that does not end is ended with all that it has started, and so is one that prints
    without end.
    """
    monkeypatch.setattr(secrets, "_SECONDS", 0.2)
    began = time.monotonic()
    with pytest.raises(SecretRefused, match="has not ended"):
        read_secret({"command": ["sh", "-c", "sleep 30 & sleep 30"]}, tmp_path)
    for left in ("setsid sleep 12 & echo s3cr3t", "exec >&-; sleep 30"):
        with pytest.raises(SecretRefused, match="has not ended"):
            read_secret({"command": ["sh", "-c", left]}, tmp_path)
    monkeypatch.setattr(secrets, "_SECONDS", 20)
    with pytest.raises(SecretRefused, match="more than"):
        read_secret({"command": ["yes"]}, tmp_path)
    assert time.monotonic() - began < 10


def test_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is that of the variable, else that of the workspace; one that is too short, or cannot
    be read, is none. Nothing of it is in a fingerprint, which differs between units.
    """
    assert find_key(tmp_path) is None
    made = secrets.new_key(tmp_path)
    assert find_key(tmp_path) == made
    assert (tmp_path / secrets.KEY_FILE).stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    found = find_key(tmp_path)
    assert found and found != made
    assert found.of("a", "x") != found.of("b", "x") and KEY[:8] not in found.of("a", "x")
    monkeypatch.setenv(KEY_VARIABLE, "short")
    with pytest.raises(SecretRefused):
        find_key(tmp_path)
