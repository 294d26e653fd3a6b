"""Owns the routes: which handler answers which request, and how its reply is written."""

from __future__ import annotations

import json
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from . import (
    assistants,
    batches,
    files,
    models,
    search,
    skills,
    store_files,
    uploads,
    vector_stores,
)
from .agents.routes import AGENT_ROUTES
from .db import Database
from .edge import Edge, encode
from .errors import bad, no_route
from .faults import Faults, FaultyEdge, load_faults
from .running.response_routes import RESPONSE_ROUTES
from .running.thread_routes import THREAD_ROUTES
from .service import Call, EmbeddedService, MetadataUpdate, Reply
from .settling import LateWrites

Answer = Reply | Response
Handler = Callable[[EmbeddedService, Call], Answer | Awaitable[Answer]]
Endpoint = Callable[[Request], Awaitable[Response]]

_DEEPEST = 128  # levels of a body
STORE = "/v1/vector_stores/{store_id}"
SKILL = "/v1/skills/{skill_id}"
HANDLERS: list[tuple[str, str, Handler]] = [
    ("GET", "/v1/models", models.list_),
    ("GET", "/v1/models/{model}", models.retrieve),
    ("DELETE", "/v1/models/{model}", models.delete),
    ("GET", "/v1/files", files.list_),
    ("GET", "/v1/files/{file_id}", files.retrieve),
    ("DELETE", "/v1/files/{file_id}", files.delete),
    ("POST", "/v1/uploads", uploads.create),
    ("POST", "/v1/uploads/{upload_id}/complete", uploads.complete),
    ("POST", "/v1/uploads/{upload_id}/cancel", uploads.cancel),
    ("POST", "/v1/vector_stores", vector_stores.create),
    ("GET", "/v1/vector_stores", vector_stores.list_),
    ("GET", STORE, vector_stores.retrieve),
    ("POST", STORE, vector_stores.update),
    ("DELETE", STORE, vector_stores.delete),
    ("POST", f"{STORE}/search", search.search),
    ("POST", f"{STORE}/files", store_files.create),
    ("GET", f"{STORE}/files", store_files.list_),
    ("GET", f"{STORE}/files/{{file_id}}", store_files.retrieve),
    ("POST", f"{STORE}/files/{{file_id}}", store_files.update),
    ("DELETE", f"{STORE}/files/{{file_id}}", store_files.delete),
    ("GET", f"{STORE}/files/{{file_id}}/content", store_files.file_content),
    ("POST", f"{STORE}/file_batches", batches.create),
    ("GET", f"{STORE}/file_batches/{{batch_id}}", batches.retrieve),
    ("POST", f"{STORE}/file_batches/{{batch_id}}/cancel", batches.cancel),
    ("GET", f"{STORE}/file_batches/{{batch_id}}/files", batches.list_files),
    ("POST", "/v1/assistants", assistants.create),
    ("GET", "/v1/assistants", assistants.list_),
    ("GET", "/v1/assistants/{assistant_id}", assistants.retrieve),
    ("POST", "/v1/assistants/{assistant_id}", assistants.update),
    ("DELETE", "/v1/assistants/{assistant_id}", assistants.delete),
    ("GET", "/v1/skills", skills.list_),
    ("GET", SKILL, skills.retrieve),
    ("POST", SKILL, skills.update),
    ("DELETE", SKILL, skills.delete),
    ("GET", f"{SKILL}/versions", skills.list_versions),
    ("GET", f"{SKILL}/versions/{{version}}", skills.retrieve_version),
    ("DELETE", f"{SKILL}/versions/{{version}}", skills.delete_version),
    *THREAD_ROUTES,
    *RESPONSE_ROUTES,
    *AGENT_ROUTES,
]


def _service(request: Request) -> EmbeddedService:
    """Raises where the request names an object that it cannot have yet."""
    settling: LateWrites = request.app.state.service.settling
    settling.admit(request.method, request.url.path)
    service: EmbeddedService = (
        request.app.state.reader if request.method == "GET" else request.app.state.service
    )
    return service


def reply(service: EmbeddedService, body: Reply | Response) -> Response:
    """Whoever hears that work goes on also hears when to ask again. A stream is a reply already."""
    if isinstance(body, Response):
        return body
    headers = {}
    if body.get("status") in ("queued", "in_progress", "cancelling"):
        runs = body.get("object") in ("thread.run", "agent.session")
        seconds = service.run_seconds if runs else service.indexing_seconds
        headers["openai-poll-after-ms"] = str(min(max(round(seconds * 1000), 20), 1000))
    return Response(encode(body), media_type="application/json", headers=headers)


def _check_whole(body: Any, raw: bytes) -> None:
    """ValueError for what is JSON and still no payload: text with half a character, and what is
    nested so deeply that nothing could walk it.
    """
    if b"\\u" in raw:
        json.dumps(body, ensure_ascii=False).encode()  # raises UnicodeEncodeError
    level = [body]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise ValueError("nested too deeply")


async def _body(request: Request) -> Reply:
    raw = await request.body()
    try:
        body = json.loads(raw or b"{}")
        _check_whole(body, raw)
    except (ValueError, RecursionError) as error:
        raise bad(
            "We could not parse the JSON body of your request. The OpenAI API expects a JSON"
            " payload, but what was sent was not valid JSON."
        ) from error
    if not isinstance(body, dict):
        raise bad("Invalid type for the request body: expected an object.", code="invalid_type")
    return body


def _endpoint(handler: Handler) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        body = await _body(request) if request.method == "POST" else {}
        service = _service(request)
        call = Call(request.path_params, request.query_params, body, request.headers)
        answer = handler(service, call)
        return reply(service, await answer if isinstance(answer, Awaitable) else answer)

    return endpoint


async def _upload_file(request: Request) -> Response:
    service = _service(request)
    return reply(
        service,
        await files.create(service, request.headers.get("content-type", ""), request.stream()),
    )


async def _upload_part(request: Request) -> Response:
    service, upload_id = _service(request), request.path_params["upload_id"]
    content_type = request.headers.get("content-type", "")
    return reply(
        service, await uploads.add_part(service, upload_id, content_type, request.stream())
    )


async def _upload_skill(request: Request) -> Response:
    service = _service(request)
    making = skills.create_version if "skill_id" in request.path_params else skills.create
    return reply(service, await making(service, request))


async def _skill_content(request: Request) -> Response:
    params = request.path_params
    content = skills.content_path(_service(request), params["skill_id"], params.get("version"))
    return FileResponse(content, media_type="application/zip")


async def _file_content(request: Request) -> Response:
    return FileResponse(
        files.content_path(_service(request), request.path_params["file_id"]),
        media_type="application/octet-stream",
    )


# Routes of OpenAI that are not here, on paths that are here with another method.
LACKING = {("POST", "/v1/responses/compact"), ("GET", "/v1/chat/completions")}


async def _no_route(request: Request, error: Exception) -> Response:
    known = isinstance(error, HTTPException) and error.status_code == 405
    lacking = (request.method, request.url.path) in LACKING
    raise no_route(request.method, request.url.path, known=known and not lacking)


def routes() -> list[Route]:
    return [
        Route("/v1/files", _upload_file, methods=["POST"]),
        Route("/v1/files/{file_id}/content", _file_content, methods=["GET"]),
        Route("/v1/uploads/{upload_id}/parts", _upload_part, methods=["POST"]),
        Route("/v1/skills", _upload_skill, methods=["POST"]),
        Route(f"{SKILL}/versions", _upload_skill, methods=["POST"]),
        Route(f"{SKILL}/content", _skill_content, methods=["GET"]),
        Route(f"{SKILL}/versions/{{version}}/content", _skill_content, methods=["GET"]),
        *(Route(path, _endpoint(handler), methods=[method]) for method, path, handler in HANDLERS),
    ]


def create_app(
    data: Path,
    *,
    indexing_seconds: float = 0.3,
    run_seconds: float = 0.05,
    faults: Path | None = None,
    metadata_update: MetadataUpdate = "replace",
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """The service over the folder `data`; `clock` gives Unix seconds."""
    blobs = data / "files"
    blobs.mkdir(parents=True, exist_ok=True)
    rules = load_faults(faults) if faults else Faults()
    database = Database(data / "service.db")
    app = Starlette(
        routes=routes(),
        middleware=[Middleware(Edge), Middleware(FaultyEdge, rules=rules.requests)],
        exception_handlers={404: _no_route, 405: _no_route},
    )
    app.router.redirect_slashes = False
    settling = LateWrites(database, clock, on=rules.lag)
    service = EmbeddedService(
        database, blobs, clock, indexing_seconds, metadata_update, rules, settling, run_seconds
    )
    app.state.service, app.state.reader = service, replace(service, reads=settling.on)
    # Used in-process there is no shutdown to close the file in.
    weakref.finalize(app, database.connection.close)
    return app
