"""Secrets: read from where a reference says that they are, and what is kept of them instead."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import Any

from provisioner import disk
from provisioner.masking import KEY_VARIABLE, OWN, RUNNER, conceal, hide
from provisioner.records import dataclass
from provisioner.workspace.tree import FileRefused, Tree, not_readable

KEY_FILE = f"{disk.OURS}/fingerprint.key"
_SHORTEST_KEY = 32  # characters
_LARGEST = 1_048_576  # bytes of a secret
_SECONDS = 30.0  # that a command may take
_CHUNK = 65_536  # bytes that are read at a time


class SecretRefused(Exception):
    """A secret cannot be had; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value on its way to the service, and what the lock keeps of it where there is a key."""

    value: str = field(repr=False)
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class FingerprintKey:
    """What fingerprints are made with: whoever has the lock alone cannot try out values."""

    key: bytes = field(repr=False)

    def of(self, path: str, value: str) -> str:
        """The fingerprint of the value of a unit."""
        digest = hmac.new(self.key, f"{path}\0{value}".encode(), hashlib.sha256).hexdigest()
        return f"hmac-sha256:{hashlib.sha256(self.key).hexdigest()[:8]}:{digest}"


def find_key(root: Path) -> FingerprintKey | None:
    """The key of the environment variable, else that of the workspace, if there is one;
    SecretRefused for what is no key.
    """
    said, where = os.environ.get(KEY_VARIABLE, "").strip(), KEY_VARIABLE
    if not said:
        where = KEY_FILE
        try:
            said = disk.read(root / KEY_FILE, _LARGEST).decode("ascii").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            raise SecretRefused(f"`{where}` cannot be read") from None
    hide(said)
    if len(said) < _SHORTEST_KEY:
        raise SecretRefused(f"`{where}` holds less than {_SHORTEST_KEY} characters")
    return FingerprintKey(said.encode())


def new_key(root: Path) -> FingerprintKey:
    """A key that stays on this machine unless somebody takes it elsewhere."""
    said = secrets.token_hex(_SHORTEST_KEY)
    disk.make_folder((root / KEY_FILE).parent)
    disk.replace(root / KEY_FILE, f"{said}\n".encode(), mode=0o600)
    hide(said)
    return FingerprintKey(said.encode())


def read_secret(reference: Mapping[str, Any], root: Path) -> str:
    """The value that a reference leads to, which is masked from then on; SecretRefused where there
    is none. A command is run.
    """
    if "command" in reference:
        value = _from_command(reference["command"], root)
    elif "file" in reference:
        value = _from_file(reference["file"], root)
    else:
        value = _from_variable(reference["env"])
    if not value.strip():
        raise SecretRefused(f"{spelt(reference)} is empty")
    conceal(value)
    return value


def spelt(reference: Mapping[str, Any]) -> str:
    """A reference as people read it: "the environment variable `CRM_TOKEN`"."""
    if "env" in reference:
        return f"the environment variable `{reference['env']}`"
    if "file" in reference:
        return f"the file `{reference['file']}`"
    return f"what `{reference['command'][0]}` prints"


def _from_variable(name: str) -> str:
    if name.upper().startswith(RUNNER):
        raise SecretRefused(f"`{name}` belongs to the system that runs this job")
    if name.upper() in OWN:
        raise SecretRefused(f"`{name}` holds a key of ours, which is sent to nobody else")
    value = os.environ.get(name)
    if value is None:
        raise SecretRefused(f"the environment variable `{name}` is not set")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise SecretRefused(f"what the environment variable `{name}` holds is not text") from None
    return value


def _from_file(path: str, root: Path) -> str:
    tree = Tree(root)
    try:
        return _text(disk.read(tree.find(tree.normal(path)).place, _LARGEST))
    except FileRefused as refused:
        raise SecretRefused(f"the file `{path}` {refused.detail}") from None
    except OSError as error:
        raise SecretRefused(f"the file `{path}` {not_readable(error).detail}") from None
    except UnicodeDecodeError:
        raise SecretRefused(f"the file `{path}` is not text") from None


def _from_command(words: list[str], root: Path) -> str:
    """What a command prints. It runs in the workspace, without a shell, and with all that it has
    started it is ended when its time is over or it prints without end.
    """
    name = words[0]
    try:
        started = subprocess.Popen(
            words,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not a command"
        raise SecretRefused(f"`{name}` cannot be run: {why}") from None
    ends = time.monotonic() + _SECONDS
    with started:
        try:
            printed = _printed(started, ends)
            code = started.wait(max(0.0, ends - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise SecretRefused(f"`{name}` has not ended after {_SECONDS:.0f} s") from None
        except OverflowError:
            raise SecretRefused(f"`{name}` has printed more than {_LARGEST:,} bytes") from None
        finally:
            if started.returncode is None:
                _end(started)
    if code:
        raise SecretRefused(f"`{name}` has failed, with the exit code {code}")
    try:
        return _text(printed)
    except UnicodeDecodeError:
        raise SecretRefused(f"what `{name}` has printed is not text") from None


def _printed(started: subprocess.Popen[bytes], ends: float) -> bytes:
    """What a command prints until nobody can print any more: a process that it has left behind, in
    a session of its own, may hold the pipe for as long as it likes.
    """
    assert started.stdout is not None
    printed = bytearray()
    with selectors.DefaultSelector() as waiting:
        waiting.register(started.stdout, selectors.EVENT_READ)
        while waiting.select(max(0.0, ends - time.monotonic())):
            more = os.read(started.stdout.fileno(), _CHUNK)
            if not more:
                return bytes(printed)
            printed += more
            if len(printed) > _LARGEST:
                raise OverflowError
    raise subprocess.TimeoutExpired(started.args, _SECONDS)


def _end(started: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        os.killpg(started.pid, signal.SIGKILL)


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
