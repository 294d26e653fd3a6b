"""Owns the routes of responses, conversations and chat completions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import chat_completions, conversations, responses

_RESPONSE = "/v1/responses/{response_id}"
_CONVERSATION = "/v1/conversations/{conversation_id}"
_ITEM = f"{_CONVERSATION}/items/{{item_id}}"
RESPONSE_ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("POST", "/v1/responses", responses.create),
    ("POST", "/v1/responses/input_tokens", responses.count),
    ("GET", _RESPONSE, responses.retrieve),
    ("DELETE", _RESPONSE, responses.delete),
    ("POST", f"{_RESPONSE}/cancel", responses.cancel),
    ("GET", f"{_RESPONSE}/input_items", responses.input_items),
    ("POST", "/v1/conversations", conversations.create),
    ("GET", _CONVERSATION, conversations.retrieve),
    ("POST", _CONVERSATION, conversations.update),
    ("DELETE", _CONVERSATION, conversations.delete),
    ("POST", f"{_CONVERSATION}/items", conversations.add_items),
    ("GET", f"{_CONVERSATION}/items", conversations.list_items),
    ("GET", _ITEM, conversations.retrieve_item),
    ("DELETE", _ITEM, conversations.delete_item),
    ("POST", "/v1/chat/completions", chat_completions.create),
]
