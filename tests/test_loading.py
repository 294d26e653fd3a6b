"""`provisioner.load`: what an application sees of a lock."""

from __future__ import annotations

import importlib
import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import provisioner
from provisioner.loading import LoadError, load
from provisioner.lock.file_store import FileStore
from provisioner.model import Address, Locked, Profile
from tests.lock.contract import LEAVE, SUPPORT, entry, state

REQUEST = {"model": "gpt-4o", "tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}
PROFILE = Locked(
    SUPPORT, None, {"name": "Support"}, api="responses", profile=Profile(4, "sha256:ab", REQUEST)
)
TUTOR = replace(entry(Address("assistant", "tutor"), "asst_1", model="gpt-4o"), api="assistants")
KB = entry(Address("vector_store", "handbook"), "vs_1", name="Handbook")
SESSION = {
    "environment": {"type": "openai_hosted", "template": "environment_template.box"},
    "vaults": ["vault.keys", {"id": "vault_9"}],
}
AGENT = replace(
    entry(Address("assistant", "triage"), "agent_1", model="gpt-5", session=SESSION), api="agents"
)
PLAIN = replace(entry(Address("assistant", "plain"), "agent_2", model="gpt-5"), api="agents")
BOX = entry(Address("environment_template", "box"), "envtmpl_1")
KEYS = entry(Address("vault", "keys"), "vault_1")
PROD = state(3, PROFILE, TUTOR, KB, entry(LEAVE, "file-1"))
AGENTS = state(3, PROFILE, TUTOR, AGENT, PLAIN, BOX, KEYS)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    FileStore(tmp_path / "locks" / "prod.lock.json").write(PROD)
    return tmp_path


def test_profile(root: Path) -> None:
    """An assistant is found by its name, with everything that a call needs."""
    support = load("prod", root)["support"]
    assert (support.name, support.id, support.api) == ("Support", None, "responses")
    assert (support.version, support.digest, support.request) == (4, "sha256:ab", REQUEST)


def test_request_is_a_copy(root: Path) -> None:
    """An application may change its request without changing the next one."""
    support = load("prod", root)["support"]
    support.request["tools"][0]["vector_store_ids"].append("vs_2")
    assert support.request == REQUEST


def test_an_older_version(root: Path) -> None:
    """`at` gives what an application has sent before, as far as the lock has it whole."""
    older = (
        {"version": 3, "digest": "sha256:cd", "request": {"model": "old"}, "fields": {"name": "S"}},
        {"version": 2, "digest": "sha256:ef", "ids": ["vs_1"]},
    )
    profile = replace(PROFILE, profile=Profile(4, "sha256:ab", REQUEST, older))
    FileStore(root / "locks" / "prod.lock.json").write(state(3, profile, TUTOR))
    loaded = load("prod", root)
    support = loaded["support"]
    assert support.versions == [4, 3] and support.at(4).request == REQUEST
    third = support.at(3)
    assert (third.version, third.digest, third.name) == (3, "sha256:cd", "S")
    assert third.request == {"model": "old"}
    for missing in (2, 1, 9):
        with pytest.raises(KeyError, match=rf"version {missing} .* is not kept; kept: 4, 3"):
            support.at(missing)
    assert loaded["tutor"].versions == []
    with pytest.raises(AttributeError, match=r"`assistant.tutor` has no versions"):
        loaded["tutor"].at(1)


def test_objects(root: Path) -> None:
    """Everything else is found by its address; without a profile there is no request, and that is
    said.
    """
    loaded = load("prod", root)
    assert loaded["tutor"].id == loaded["assistant.tutor"].id == "asst_1"
    assert (loaded["vector_store.handbook"].id, loaded["vector_store.handbook"].name) == (
        "vs_1",
        "Handbook",
    )
    assert (loaded["file.docs/leave.md"].id, loaded["file.docs/leave.md"].api) == ("file-1", None)
    assert (loaded["tutor"].version, loaded["tutor"].digest) == (None, None)
    assert not hasattr(loaded["tutor"], "request")
    with pytest.raises(AttributeError, match=r"`assistant.tutor` has no request"):
        _ = loaded["tutor"].request


def test_sessions(root: Path) -> None:
    """A saved agent has the arguments of `sessions.create`, with the ids of what they name; nothing
    else has.
    """
    FileStore(root / "locks" / "prod.lock.json").write(AGENTS)
    loaded = load("prod", root)
    assert loaded["triage"].session == {
        "agent_id": "agent_1",
        "environment": {"type": "openai_hosted", "environment_template_id": "envtmpl_1"},
        "vault_ids": ["vault_1", "vault_9"],
    }
    assert loaded["plain"].session == {"agent_id": "agent_2", "environment": {"type": "none"}}
    for name in ("support", "tutor", "vault.keys"):
        with pytest.raises(AttributeError, match="has no session: it is not deployed"):
            _ = loaded[name].session
    with pytest.raises(AttributeError, match=r"Use its `\.session`"):
        _ = loaded["triage"].request


def test_mapping(root: Path) -> None:
    """It is a mapping of addresses, and says what it is."""
    loaded = load("prod", root)
    assert list(loaded) == [
        "assistant.support",
        "assistant.tutor",
        "file.docs/leave.md",
        "vector_store.handbook",
    ]
    assert "support" in loaded and "nobody" not in loaded
    assert (loaded.workspace, loaded.environment, loaded.serial) == ("acme", "prod", 3)
    assert repr(loaded) == "<Loaded acme/prod serial=3, 4 resources>"
    assert repr(loaded["support"]) == "<Deployed assistant.support version=4>"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("suport", "did you mean `support`?"),
        ("handbook", "did you mean `vector_store.handbook`?"),
        ("assistant.tutr", "did you mean `assistant.tutor`?"),
        ("zzz", "it has `assistant.support`, `assistant.tutor`"),
    ],
)
def test_unknown_name(root: Path, key: str, words: str) -> None:
    """A wrong name is a KeyError that says what was meant."""
    with pytest.raises(KeyError) as caught:
        load("prod", root)[key]
    assert words in caught.value.args[0]


def test_no_lock(tmp_path: Path) -> None:
    """A missing lock says where it was looked for and what to do."""
    with pytest.raises(LoadError) as caught:
        load("prod", tmp_path)
    assert str(tmp_path / "locks" / "prod.lock.json") in str(caught.value)
    assert "provisioner apply -e prod" in str(caught.value)
    # Also in the process that has started the one which loads it.
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_newer_lock(root: Path) -> None:
    """A lock of a later release says that the application needs it."""
    path = root / "locks" / "prod.lock.json"
    path.write_text(path.read_text().replace('"version": 2,', '"version": 9,'))
    with pytest.raises(LoadError, match="version 9") as caught:
        load("prod", root)
    assert "pip install --upgrade" in str(caught.value)


def test_other_environment(root: Path) -> None:
    """The lock of another environment is never taken for this one's."""
    with pytest.raises(LoadError, match="of the environment `prod`, not of `staging`"):
        load("staging", path=root / "locks" / "prod.lock.json")


def test_places(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The local lock lies elsewhere; from below a workspace it is found upwards."""
    FileStore(root / ".provisioner" / "local" / "lock.json").write(
        replace(PROD, environment="local")
    )
    (root / "app" / "web").mkdir(parents=True)
    monkeypatch.chdir(root / "app" / "web")
    assert load("local").path == root / ".provisioner" / "local" / "lock.json"
    assert load("prod").path == root / "locks" / "prod.lock.json"


def test_moved_lock(root: Path) -> None:
    """`provisioner.yaml` may name another place, which then wins over a stale file at the usual
    one.
    """
    FileStore(root / "deploy" / "p.json").write(replace(PROD, serial=9))
    FileStore(root / ".provisioner" / "local" / "lock.json").write(replace(PROD, environment="dev"))
    config = {
        "prod": {"service": "openai", "lock": "deploy/p.json"},
        "dev": {"service": "local"},
        "git": {"lock": {"git": {}}},
    }
    lines = [f"  {name}: {json.dumps(value)}" for name, value in config.items()]
    (root / "provisioner.yaml").write_text("\n".join(["environments:", *lines]).replace('"', ""))
    assert load("prod", root).serial == 9
    assert load("dev", root).environment == "dev"
    with pytest.raises(LoadError, match="kept in a branch"):
        load("git", root)


@pytest.mark.parametrize(
    "text",
    ["environments: {prod: {lock: [}", "lock: x", "- lock: x", "environments: {prod: {lock: 1}}"],
)
def test_odd_configuration(root: Path, text: str) -> None:
    """A configuration that cannot be read is `validate`'s business; the lock is where it
    always is.
    """
    (root / "provisioner.yaml").write_text(text)
    assert load("prod", root).serial == 3


def test_standard_library_alone(root: Path) -> None:
    """Loading imports nothing that would have to be installed, even where the configuration has a
    lock in it.
    """
    (root / "provisioner.yaml").write_text("environments:\n  prod: {service: openai}\n")
    FileStore(root / "locks" / "prod.lock.json").write(AGENTS)
    code = """
import sys
before = set(sys.modules)
import provisioner
assert not {name for name in sys.modules if name.startswith("provisioner.")}
assert provisioner.load("prod", sys.argv[1])["support"].version == 4
assert provisioner.load("prod", sys.argv[1])["triage"].session["agent_id"] == "agent_1"
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(new - sys.stdlib_module_names - {"provisioner"}))
"""
    command = [sys.executable, "-c", code, str(root)]
    found = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[1], check=False
    )
    assert (found.stdout, found.stderr) == ("[]\n", "")


def test_without_a_yaml_library(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML is not installed, the usual place counts."""
    (root / "provisioner.yaml").write_text("environments:\n  prod: {lock: elsewhere.json}\n")
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert load("prod", root).serial == 3


def test_public_name() -> None:
    """The package offers it, whatever has been imported before."""
    importlib.import_module("provisioner.loading")
    assert provisioner.load is load
    assert not hasattr(provisioner, "lod")
