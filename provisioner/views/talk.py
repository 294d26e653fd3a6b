"""A conversation as it is shown, line by line or as events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.conversation import Call, Citation, Event, Reply, Usage
from provisioner.engine.expecting import arguments_of
from provisioner.views.values import many, value, visible

HELP = """\
Write a message and press Enter. While an answer comes, Ctrl-C breaks it off.
  /help   these lines
  /quit   end the conversation, as Ctrl-D does
"""


def call_text(call: Call) -> str:
    """`get_weather({"location": "Oslo"})`"""
    return f"{visible(call.name)}({value(arguments_of(call))})"


def document(citation: Citation, documents: Mapping[str, str]) -> str:
    """What a cited document is called: its path where it is ours."""
    return documents.get(citation.file_id) or citation.filename or citation.file_id


def cited(reply: Reply, documents: Mapping[str, str]) -> list[str]:
    """The cited documents, each once."""
    return list(dict.fromkeys(document(one, documents) for one in reply.citations))


def end_text(reply: Reply) -> str:
    """How a turn ended and what it took: `120 tokens in, 30 out, 1.2 s`."""
    took = f"{reply.usage.input:,} tokens in, {reply.usage.output:,} out, {reply.seconds:.1f} s"
    if reply.status == "completed":
        return took
    why = f": {visible(reply.reason)}" if reply.reason else ""
    return f"{visible(reply.status)}{why} ({took})"


def event_json(event: Event) -> dict[str, Any]:
    """One event, as a line of `--json`."""
    if event.call is not None:
        named = {"id": event.call.id, "name": event.call.name}
        return {"type": event.kind, **named, "arguments": arguments_of(event.call)}
    return {"type": event.kind, "text": event.text}


def reply_json(reply: Reply, documents: Mapping[str, str]) -> dict[str, Any]:
    """The end of a turn, as a line of `--json`."""
    return {
        "type": "reply",
        "status": reply.status,
        "reason": reply.reason or None,
        "text": reply.text,
        "calls": [
            {
                "id": call.id,
                "name": call.name,
                "arguments": arguments_of(call),
                "output": reply.outputs.get(call.id),
            }
            for call in reply.calls
        ],
        "citations": [
            {"file_id": one.file_id, "document": document(one, documents), "quote": one.quote}
            for one in reply.citations
        ],
        "usage": _usage(reply.usage),
        "seconds": round(reply.seconds, 3),
    }


def summary_json(replies: Sequence[Reply]) -> dict[str, Any]:
    """What became of a conversation, as the last line of `--json`."""
    return {
        "type": "summary",
        "turns": len(replies),
        "completed": sum(reply.status == "completed" for reply in replies),
        "usage": _usage(_all(replies)),
        "problems": [],
    }


def summary_text(replies: Sequence[Reply]) -> str:
    """The same as a line."""
    return f"{many(len(replies), 'turn')}, {_all(replies).total:,} tokens."


def _all(replies: Sequence[Reply]) -> Usage:
    return Usage(
        sum(reply.usage.input for reply in replies), sum(reply.usage.output for reply in replies)
    )


def _usage(usage: Usage) -> dict[str, int]:
    return {"input": usage.input, "output": usage.output, "total": usage.total}
