"""Owns how the service says no: the one exception that handlers raise and the envelope it
becomes.
"""

from __future__ import annotations

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


def no_file(file_id: str) -> ApiError:
    return missing(f"No such File object: {file_id}", "id")


def no_store(store_id: str) -> ApiError:
    return missing(f"No vector store found with id '{store_id}'.")


def no_assistant(assistant_id: str) -> ApiError:
    return missing(f"No assistant found with id '{assistant_id}'.")


def no_store_file(store_id: str, file_id: str) -> ApiError:
    return missing(f"No file found with id '{file_id}' in vector store '{store_id}'.")


def no_thread(thread_id: str) -> ApiError:
    return missing(f"No thread found with id '{thread_id}'.")


def no_message(message_id: str) -> ApiError:
    return missing(f"No message found with id '{message_id}'.")


def no_run(run_id: str) -> ApiError:
    return missing(f"No run found with id '{run_id}'.")


def no_step(step_id: str) -> ApiError:
    return missing(f"No run step found with id '{step_id}'.")


def no_batch(store_id: str, batch_id: str) -> ApiError:
    return missing(f"No file batch found with id '{batch_id}' in vector store '{store_id}'.")


def no_agent(agent_id: str) -> ApiError:
    return missing(f"No agent found with id '{agent_id}'.")


def no_template(template_id: str) -> ApiError:
    return missing(f"No environment template found with id '{template_id}'.")


def no_vault(vault_id: str) -> ApiError:
    return missing(f"No vault found with id '{vault_id}'.")


def no_credential(vault_id: str, credential_id: str) -> ApiError:
    return missing(f"No credential found with id '{credential_id}' in vault '{vault_id}'.")


def no_automation(automation_id: str) -> ApiError:
    return missing(f"No automation found with id '{automation_id}'.")


def no_skill(skill_id: str) -> ApiError:
    return missing(f"No skill found with id '{skill_id}'.")


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
