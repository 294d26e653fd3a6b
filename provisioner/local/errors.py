"""Owns how the service says no: the one exception that handlers raise and the envelope it
becomes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class ApiError(Exception):
    """A refusal that the client is meant to read."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code, self.kind = (
            status,
            message,
            param,
            code,
            kind,
        )
        self.headers: dict[str, str] = {}

    def envelope(self, path: str) -> dict[str, Any]:
        """The body; everything below `/files` also carries a top-level `detail`."""
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        body: dict[str, Any] = {"error": error}
        if path == "/v1/files" or path.startswith("/v1/files/"):
            body["detail"] = {"message": self.message, "code": self.code}
        return body


class Severed(Exception):
    """A connection that breaks on purpose; nothing may turn it into a reply."""


def bad(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """400: the request itself is wrong."""
    return ApiError(400, message, param=param, code=code)


def missing(message: str, param: str | None = None) -> ApiError:
    """404: what the request names is not there."""
    return ApiError(404, message, param=param)


def none_of(what: str) -> Callable[[str], ApiError]:
    """404 for the id of one sort of object."""
    return lambda id: missing(f"No {what} found with id '{id}'.")


no_agent = none_of("agent")
no_assistant = none_of("assistant")
no_automation = none_of("automation")
no_message = none_of("message")
no_run = none_of("run")
no_skill = none_of("skill")
no_step = none_of("run step")
no_store = none_of("vector store")
no_template = none_of("environment template")
no_thread = none_of("thread")
no_vault = none_of("vault")


def no_file(file_id: str) -> ApiError:
    return missing(f"No such File object: {file_id}", "id")


def no_store_file(store_id: str, file_id: str) -> ApiError:
    return missing(f"No file found with id '{file_id}' in vector store '{store_id}'.")


def no_batch(store_id: str, batch_id: str) -> ApiError:
    return missing(f"No file batch found with id '{batch_id}' in vector store '{store_id}'.")


def no_credential(vault_id: str, credential_id: str) -> ApiError:
    return missing(f"No credential found with id '{credential_id}' in vault '{vault_id}'.")


def conflict(message: str) -> ApiError:
    """409: what the request asks for does not go with how things are."""
    return ApiError(409, message)


def being_processed(one: str) -> ApiError:
    return conflict(
        f"'{one}' cannot be deleted while it is being processed. Please try again later."
    )


def no_route(method: str, path: str, *, known: bool) -> ApiError:
    """A wrong method on a `known` path is answered as OpenAI does; a path that only OpenAI may know
    is said not to be here.
    """
    lacking = "" if known else ". The embedded service does not have this route."
    return missing(f"Invalid URL ({method} {path}){lacking}")


def no_key() -> ApiError:
    return ApiError(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header"
        " using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from"
        " https://platform.openai.com/account/api-keys.",
    )


def bad_key(shown: str) -> ApiError:
    return ApiError(
        401,
        f"Incorrect API key provided: {shown}. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        code="invalid_api_key",
    )
