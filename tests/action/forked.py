"""The real command line for scripts that call it often: one process imports it, and forks for each
call.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import marshal
import os
import pkgutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import provisioner

ROOT = Path(__file__).resolve().parents[2]
# the folder of a command that is running already, for those who run the tests many times
FORKED = "PROVISIONER_FORKED"
_IMPORTED = (
    "openai.resources.beta.assistants",
    "openai.resources.files",
    "openai.resources.vector_stores",
)
_NOT_NEEDED = ("provisioner.__main__", "provisioner.local")
# It starts hundreds of times: `socket` and `json` would double what that costs.
_CLIENT = """#!{python} -IS
import _socket, marshal, os, sys
server = _socket.socket(_socket.AF_UNIX)
server.connect({address!r})
call = marshal.dumps((sys.argv[1:], os.getcwd(), dict(os.environ)))
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (1, 2))
server.sendmsg([len(call).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
server.sendall(call)
sys.exit(server.recv(1)[0])
"""


@contextlib.contextmanager
def command(folder: Path) -> Iterator[Path]:
    """A folder with an executable `provisioner` that is as fast as one that needs no imports."""
    address = str(folder / "s")
    client = folder / "provisioner"
    client.write_text(_CLIENT.format(python=sys.executable, address=address), encoding="utf-8")
    client.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-m", __name__, address], cwd=ROOT, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout and server.stdout.readline() == b"ready\n"
        yield folder
        server.terminate()


def serve(address: str) -> None:
    """Answer calls until the end of this process, which has no threads and so may fork."""
    for name in _IMPORTED:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(provisioner.__path__, "provisioner."):
        if not module.name.startswith(_NOT_NEEDED):
            importlib.import_module(module.name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        while True:
            caller, _ = server.accept()
            if os.fork() == 0:
                os._exit(answer(caller))
            caller.close()


def answer(caller: socket.socket) -> int:
    """One call, in a process of its own."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    length, (out, err), _, _ = socket.recv_fds(caller, 4, 2)
    with caller.makefile("rb") as reader:
        words, folder, environment = marshal.loads(reader.read(int.from_bytes(length, "big")))
    sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115  # these live as long as the process
    sys.stdout = open(out, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stderr = open(err, "w", encoding="utf-8", buffering=1)  # noqa: PTH123, SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    from provisioner.cli.app import run

    code = run(words)
    sys.stdout.flush()
    sys.stderr.flush()
    caller.sendall(bytes([code]))
    return code


if __name__ == "__main__":
    serve(sys.argv[1])
