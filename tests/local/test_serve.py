"""Serving: the first line, the end, and state that outlives the process and is shared by two."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest

from provisioner.local import serve

from .conftest import Server

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_the_first_line_is_the_address(tmp_path: Path) -> None:
    """The printed address answers at once, and nothing else is ever printed."""
    server = Server(tmp_path)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", server.url)
    with server.client() as client:
        client.models.list()
    server.process.send_signal(signal.SIGTERM)
    assert server.out.read() == ""
    assert server.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: int) -> None:
    """Exit code 0, also with a connection still open."""
    server = Server(tmp_path)
    with server.client() as client:
        client.models.list()
        assert server.stop(number) == 0


def test_a_taken_port_is_an_error(tmp_path: Path) -> None:
    """The caller hears of it as an OSError."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        serve(tmp_path, "127.0.0.1", taken.getsockname()[1], None)


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    """Files with their bytes, stores with their index, and assistants read the same in a new
    process.
    """

    def state(client: openai.OpenAI, store_id: str) -> Any:
        return [
            client.files.list().data,
            [client.files.content(file.id).read() for file in client.files.list(purpose="vision")],
            client.vector_stores.files.list(store_id).data,
            client.vector_stores.search(store_id, query="vacation").data,
            client.beta.assistants.list().data,
        ]

    first = Server(tmp_path)
    with first.client() as client:
        client.files.create(file=("a.png", b"\x89PNG"), purpose="vision")
        file = client.files.create(file=("a.md", b"27 vacation days"), purpose="assistants")
        store = client.vector_stores.create(name="kb")
        client.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id)
        client.beta.assistants.create(model="m", name="a")
        before = state(client, store.id)
    first.process.kill()
    first.stop()
    second = Server(tmp_path)
    with second.client() as client:
        assert state(client, store.id) == before
        assert all(before)
    second.stop()


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    """What one writes the other reads, also while both write."""
    servers = [Server(tmp_path) for _ in range(2)]
    clients = [server.client() for server in servers]
    for number in range(20):
        for client in clients:
            client.beta.assistants.create(model="m", name=str(number))
    lists = [[one.id for one in client.beta.assistants.list(limit=100)] for client in clients]
    assert lists[0] == lists[1]
    assert len(lists[0]) == 40
    for client, server in zip(clients, servers, strict=True):
        client.close()
        server.stop()


def test_importing_it_is_cheap() -> None:
    """Whoever only imports the package pays for no web framework."""
    names = ("starlette", "uvicorn", "yaml", "sqlite3")
    code = (
        f"import sys, provisioner.local; print([name for name in {names} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
