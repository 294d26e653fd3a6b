"""Owns the list of models, which is fixed; assistants may name any other model too."""

from __future__ import annotations

from .errors import ApiError
from .service import Call, EmbeddedService, Reply

# Id and creation time. Here no model is ever shut down, whatever becomes of its namesake elsewhere;
# one of them says that it was, so that this can be seen as well.
_MODELS: list[tuple[str, int]] = [
    ("gpt-4o", 1715367049),
    ("gpt-4o-mini", 1721172741),
    ("gpt-4.1", 1744316542),
    ("gpt-4.1-mini", 1744318173),
    ("gpt-4.1-nano", 1744321707),
    ("gpt-5", 1754425777),
    ("gpt-5-mini", 1754425928),
    ("gpt-5.6", 1782000000),
    ("gpt-5.6-sol", 1782000000),
    ("o3", 1744225308),
    ("o4-mini", 1744225351),
    ("text-embedding-3-small", 1705948997),
    ("text-embedding-3-large", 1705953180),
]
_SHUT_DOWN = {"gpt-4.1-nano": "2026-10-23"}


def _wire(name: str, created: int) -> Reply:
    return {
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": "system",
        "shutdown_date": _SHUT_DOWN.get(name),
    }


def list_(_service: EmbeddedService, _call: Call) -> Reply:
    return {"object": "list", "data": [_wire(*model) for model in _MODELS]}


def retrieve(_service: EmbeddedService, call: Call) -> Reply:
    name = call.params["model"]
    for model in _MODELS:
        if model[0] == name:
            return _wire(*model)
    raise _unknown(name)


def delete(_service: EmbeddedService, call: Call) -> Reply:
    """Only a model of one's own can be deleted, and here nobody has any."""
    raise _unknown(call.params["model"])


def _unknown(name: str) -> ApiError:
    return ApiError(
        404, f"The model '{name}' does not exist", param="model", code="model_not_found"
    )
