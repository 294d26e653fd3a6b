"""The least that a client can do, HTTP by hand: `list URL PATH` page after page, `create URL PATH
FILE AT_ONCE`.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class Connection:
    """One kept connection; a request waits for its reply."""

    def __init__(self, url: str) -> None:
        self.at = urlsplit(url)

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(self.at.hostname, self.at.port)

    async def send(self, method: str, path: str, body: bytes = b"") -> Any:
        head = (
            f"{method} {self.at.path}{path} HTTP/1.1\r\nhost: {self.at.netloc}\r\nauthorization:"
            " Bearer x\r\ncontent-type: application/json\r\ncontent-length:"
            f" {len(body)}\r\nopenai-beta: assistants=v2\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        length = next(line.split(":")[1] for line in lines if line.startswith("content-length:"))
        reply = await self.reader.readexactly(int(length))
        if " 200 " not in lines[0]:
            raise SystemExit(f"{method} {path}: {reply.decode()}")
        return json.loads(reply)


async def read(url: str, path: str) -> int:
    """A whole list."""
    connection, found, after = Connection(url), 0, ""
    await connection.open()
    while True:
        page = await connection.send("GET", f"{path}?limit=100{after}")
        found += len(page["data"])
        if not page["has_more"]:
            return found
        after = f"&after={page['last_id']}"


async def create(url: str, path: str, bodies: list[bytes]) -> int:
    """Take bodies until none is left; several of these run at once."""
    connection, made = Connection(url), 0
    await connection.open()
    while bodies:
        await connection.send("POST", path, bodies.pop())
        made += 1
    return made


async def create_all(url: str, path: str, file: str, at_once: str) -> int:
    """As many at once as allowed."""
    bodies = [json.dumps(body).encode() for body in json.loads(Path(file).read_text())]
    return sum(await asyncio.gather(*(create(url, path, bodies) for _ in range(int(at_once)))))


verb, *rest = sys.argv[1:]
print(asyncio.run(read(*rest) if verb == "list" else create_all(*rest)))
