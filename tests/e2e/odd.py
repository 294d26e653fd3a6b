"""Services that behave differently from OpenAI's: the embedded one, with middleware around it."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from functools import partial
from typing import Any

from tests.e2e.middleware import OBJECTS, Json, Odd, asked, each
from tests.support.injecting import Middleware

# Each oddity is a function from the service to the odd service.


def gateway_keys(app: Any) -> Any:
    """Writes a key of its own into what is created, and another one into every reply."""

    def create(method: str, path: str, body: Json) -> Json:
        if path in ("/assistants", "/vector_stores"):
            body["metadata"] = {**(body.get("metadata") or {}), "gateway_id": "g1"}
        return body

    def show(kind: str, item: Json) -> None:
        if "metadata" in item:
            item["metadata"] = {**item["metadata"], "provider_id": "p1"}

    return Odd(app, create, each(show))


def created(app: Any) -> Any:
    """Answers 201 to what creates."""
    return Odd(
        app, answer=lambda method, path, status, body: (201 if method == "POST" else status, body)
    )


def ignores_null(app: Any) -> Any:
    """Takes null for not having been sent."""

    def change(kind: str, body: Json) -> None:
        for name in [name for name, value in body.items() if value is None]:
            del body[name]

    return Odd(app, asked(change))


def not_shown(kind: str, field: str) -> Middleware:
    """Knows a field but never shows it."""
    return partial(Odd, answer=each(partial(_without, field), kind=kind))


def not_kept(kind: str, field: str) -> Middleware:
    """Takes a field and forgets it, but shows the default."""
    return partial(Odd, ask=asked(partial(_without, field), kind=kind))


def echoes(kind: str, *fields: str, also_created: bool = False) -> Middleware:
    """Answers an update with what was sent, and keeps what it had; `also_created`: what is created
    neither.
    """
    had: dict[str, Json] = {}  # by path; whoever updates has read before
    sent: dict[Any, Json] = {}  # by the task that serves the request

    def ask(method: str, path: str, body: Json) -> Json:
        match = OBJECTS[kind].match(path)
        if method != "POST" or not match or not (match[1] or also_created):
            return body
        sent[asyncio.current_task()] = {name: body[name] for name in fields if name in body}
        old = {name: had[path].get(name) for name in fields if name in body} if match[1] else {}
        return {**{name: value for name, value in body.items() if name not in fields}, **old}

    def answer(method: str, path: str, status: int, body: Json) -> tuple[int, Json]:
        if method == "GET":
            had[path] = body
        return status, {**body, **sent.pop(asyncio.current_task(), {})}

    return lambda app: Odd(app, ask, answer)


def shows_late(kind: str, looks: int = 2) -> Middleware:
    """Shows an object as it was, the first times that it is read after an update."""
    had: dict[str, Json] = {}
    left: dict[str, int] = {}

    def answer(method: str, path: str, status: int, body: Json) -> tuple[int, Json]:
        if not OBJECTS[kind].match(path) or path not in had:
            had.update({path: body} if method == "GET" else {})
        elif method == "POST":
            left[path] = looks
        elif left.get(path, 0) > 0:
            left[path] -= 1
            return status, had[path]
        else:
            had[path] = body
        return status, body

    return lambda app: Odd(app, answer=answer)


def _without(field: str, kind: str, item: Json) -> None:
    item.pop(field, None)


def bad_request_for_unknown(app: Any) -> Any:
    """Answers 400 where OpenAI answers 404."""

    def answer(method: str, path: str, status: int, body: Json) -> tuple[int, Json]:
        return (400 if status == 404 else status), body

    return Odd(app, answer=answer)


def breaks_on_get(app: Any, seed: int = 1, share: float = 0.2) -> Any:
    """Closes connections at random while something is read."""
    draw = random.Random(seed)

    def cut(method: str, path: str) -> str | None:
        return (
            draw.choice(("before", "after")) if method == "GET" and draw.random() < share else None
        )

    return Odd(app, cut=cut)


def loses_replies(app: Any) -> Any:
    """Carries out every third write and loses its reply."""
    count = [0]

    def cut(method: str, path: str) -> str | None:
        count[0] += method == "POST"
        return "after" if method == "POST" and count[0] % 3 == 0 else None

    return Odd(app, cut=cut)


def loses_first(path: str) -> Middleware:
    """Carries out the first create of a path and loses its reply."""
    posts = itertools.count()

    def cut(method: str, where: str) -> str | None:
        return "after" if (method, where) == ("POST", path) and next(posts) == 0 else None

    return partial(Odd, cut=cut)


def lists_late(seconds: float) -> Middleware:
    """Shows what is made in no list until some seconds after the first list that should have had
    it; by its id it is there at once.
    """
    made: set[str] = set()
    due: dict[str, float] = {}

    def shown(item: Json) -> bool:
        return (
            item["id"] not in made
            or due.setdefault(item["id"], time.monotonic() + seconds) <= time.monotonic()
        )

    def answer(method: str, path: str, status: int, body: Json) -> tuple[int, Json]:
        if method == "POST" and status == 200:
            made.add(body["id"])
        if method == "GET" and isinstance(body.get("data"), list):
            body["data"] = [item for item in body["data"] if shown(item)]
        return status, body

    return partial(Odd, answer=answer)


def no_batches(app: Any) -> Any:
    """Has no `file_batches`."""
    return without("/file_batches")(app)


def without(
    part: str,
    body: bytes = b'{"error": {"message": "Not Found"}}',
    kind: bytes = b"application/json",
) -> Any:
    """Lacks the routes with `part` in them."""

    def wrap(app: Any) -> Any:
        async def wrapped(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or part not in scope["path"]:
                await app(scope, receive, send)
                return
            headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 404, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        return wrapped

    return wrap


def no_has_more(app: Any) -> Any:
    """Lists without `has_more`, `first_id` and `last_id`."""

    def answer(method: str, path: str, status: int, body: Json) -> tuple[int, Json]:
        if isinstance(body, dict) and isinstance(body.get("data"), list):
            body = {"object": "list", "data": body["data"]}
        return status, body

    return Odd(app, answer=answer)


def numbers_as_text(app: Any) -> Any:
    """Shows every number as text."""
    return Odd(app, answer=lambda method, path, status, body: (status, _texts(body)))


def _texts(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def extra_fields(app: Any) -> Any:
    """Shows fields that nobody knows, also inside tools."""

    def change(kind: str, item: Json) -> None:
        item |= {"provider": {"name": "x"}, "updated_at": 17, "tier": None}
        for tool in item.get("tools", []):
            tool["vendor"] = {"x": 1}
        for inner in (tool.get(str(tool["type"])) for tool in item.get("tools", [])):
            if isinstance(inner, dict):
                inner["cache"] = True

    return Odd(app, answer=each(change))


def reordered(app: Any) -> Any:
    """Shows tools, ids and keys in another order every time."""
    draw = random.Random(3)

    def change(kind: str, item: Json) -> None:
        draw.shuffle(item.get("tools", []))
        for resource in (item.get("tool_resources") or {}).values():
            for ids in resource.values():
                draw.shuffle(ids)
        for name in ("metadata", "attributes"):
            if item.get(name):
                item[name] = dict(reversed(item[name].items()))

    return Odd(app, answer=each(change))


def slow_to_settle(app: Any) -> Any:
    """Says `in_progress` of a file in a store the first times that it is looked at after its
    attachment.
    """
    left: dict[str, int] = {}

    def attach(kind: str, body: Json) -> None:
        if "file_id" in body:
            left[body["file_id"]] = 2

    def show(kind: str, item: Json) -> None:
        if left.get(item["id"], 0) > 0:
            left[item["id"]] -= 1
            item["status"] = "in_progress"

    return Odd(app, asked(attach, kind="store_file"), each(show, kind="store_file"))


def snapshots(app: Any) -> Any:
    """Resolves a model's alias to a snapshot."""

    def change(kind: str, item: Json) -> None:
        if not str(item.get("model", "2024-08-06")).endswith("2024-08-06"):
            item["model"] += "-2024-08-06"

    return Odd(app, answer=each(change, kind="assistant"))


def trims(app: Any) -> Any:
    """Trims texts before it keeps them."""

    def change(kind: str, body: Json) -> None:
        for name in ("instructions", "description", "name"):
            if isinstance(body.get(name), str):
                body[name] = body[name].strip()

    return Odd(app, asked(change))


def silent_writes(app: Any) -> Any:
    """Answers a write with nothing but the id."""

    def answer(method: str, path: str, status: int, body: Json) -> tuple[int, Json]:
        return status, (
            {"id": body["id"]} if method == "POST" and status == 200 and "id" in body else body
        )

    return Odd(app, answer=answer)


def silent_deletes(app: Any) -> Any:
    """Answers a deletion with 204 and no body."""
    return Odd(
        app,
        answer=lambda method, path, status, body: (
            (204, None) if method == "DELETE" and status == 200 else (status, body)
        ),
    )


def empty_for_null(app: Any) -> Any:
    """Shows empty texts, lists and mappings where there is nothing."""

    def change(kind: str, item: Json) -> None:
        for name in ("name", "description", "instructions"):
            if name in item and item[name] is None:
                item[name] = ""
        for name in ("metadata", "attributes", "tools", "tool_resources"):
            if name in item and not item[name]:
                item[name] = None

    return Odd(app, answer=each(change))


def merges_metadata(app: Any) -> Any:
    """Adds metadata to what is there: a key cannot be removed."""
    shown: dict[str, Any] = {}

    def ask(method: str, path: str, body: Json) -> Json:
        there = shown.get(path.rpartition("/")[2])
        return (
            {**body, "metadata": {**there, **body["metadata"]}}
            if there and body.get("metadata")
            else body
        )

    def show(kind: str, item: Json) -> None:
        shown[item["id"]] = item.get("metadata")

    return Odd(app, ask, each(show))


HARMLESS = (extra_fields, reordered, slow_to_settle, silent_deletes, empty_for_null)
