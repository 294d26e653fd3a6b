"""What every end-to-end test may use."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import partial

import pytest

from provisioner.remote import Retries
from tests.support.running import PROGRAM, surroundings


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts are short."""
    monkeypatch.setattr("provisioner.remote.client.Retries", partial(Retries, base=0.001))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address that `provisioner local serve` prints."""
    command = [*PROGRAM, "local", "serve", "--port", "0"]
    folder = tmp_path_factory.mktemp("served")
    process = subprocess.Popen(
        command, cwd=folder, env=surroundings(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    assert process.wait(10) == 0
    process.stdout.close()
