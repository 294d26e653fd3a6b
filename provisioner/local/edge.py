"""Owns what every request goes through: the key, the headers, and errors in the service's own
shape.
"""

from __future__ import annotations

import json
import logging
import secrets
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
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            await _refuse(server_error(request_id), scope, send_with_headers)


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
