"""Uploads a file to a service; prints the bytes that the peak of memory rose by."""

import asyncio
import re
import sys
from pathlib import Path

from provisioner.digests import hash_file
from provisioner.remote import HashingReader, Remote


def peak() -> int:
    """Bytes. Not `ru_maxrss`, which a process inherits from the one that started it."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


async def main(url: str, path: Path) -> None:
    sha256, size = hash_file(path.parent, path.name)
    async with Remote.open(url, "sk-bench") as remote:
        await remote.list("/files")  # what the client itself takes is not the upload's
        before = peak()
        with HashingReader.open(path, path.name, sha256, size) as stream:
            await remote.upload(stream, path.name, "assistants")
        print(peak() - before)


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
