"""Owns what every request goes through: the key, the headers, and errors in the service's own
shape.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import secrets
import sqlite3
import time
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect

from .errors import ApiError, Severed, bad_key, no_key

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)


def _check_key(scope: MutableMapping[str, Any]) -> None:
    """Any bearer token will do, as long as there is one."""
    given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    if not given.strip():
        raise no_key()
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise bad_key(token.strip()[:4] or "''")


def encode(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


class Edge:
    """ASGI middleware around all routes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._noted: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, request_id = time.perf_counter(), f"req_{secrets.token_hex(16)}"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                took = str(round((time.perf_counter() - started) * 1000)).encode()
                message["headers"] = [
                    *message.get("headers", []),
                    (b"x-request-id", request_id.encode()),
                    (b"openai-processing-ms", took),
                    (b"openai-version", b"2020-10-01"),
                    (b"openai-organization", b"local"),
                ]
            await send(message)

        try:
            _check_key(scope)
            await self.app(scope, receive, send_with_headers)
        except ApiError as error:
            await _refuse(error, scope, send_with_headers)
        except Severed:
            raise
        except ClientDisconnect:
            logger.info("%s %s: the client is gone", scope["method"], scope["path"])
        except Exception as error:  # noqa: BLE001  # whatever it is, the client is answered
            await _refuse(self._failed(error, scope, request_id), scope, send_with_headers)

    def _failed(self, error: Exception, scope: Scope, request_id: str) -> ApiError:
        """A fault of ours is told to whoever runs the service, with all of it. A full disk is none,
        and is told once: each client hears of it in its reply.
        """
        why = _of_the_disk(error)
        if why is None:
            logger.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
            return server_error(request_id)
        if why not in self._noted:
            self._noted.add(why)
            logger.error("The disk of the service: %s", why)
        return ApiError(500, f"The disk of this service: {why}.", kind="server_error")


# No room, no right, or no such disk any more; everything else is a fault of ours.
_DISK = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM}
)
_SQLITE = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")


def _of_the_disk(error: Exception) -> str | None:
    """What a disk has against keeping something, if it is that."""
    if isinstance(error, sqlite3.OperationalError):
        return str(error) if error.sqlite_errorname.startswith(_SQLITE) else None
    if isinstance(error, OSError) and error.errno in _DISK:
        return os.strerror(error.errno)
    return None


def server_error(request_id: str) -> ApiError:
    message = (
        "The server had an error while processing your request. Sorry about that! (request ID"
        f" {request_id})"
    )
    return ApiError(500, message, kind="server_error")


async def _refuse(error: ApiError, scope: Scope, send: Send) -> None:
    body = encode(error.envelope(scope["path"]))
    fields = {"content-type": "application/json", "content-length": str(len(body))} | error.headers
    headers = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
