"""From the spelling of any source into that of specs: nested becomes flat, what belongs to a tool
moves into it, and every leaf that no spec has is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from provisioner.importing.nouns import Found, Origin
from provisioner.importing.store_spelling import read_store
from provisioner.importing.taking import ABSENT, Losses, Path, Taking, identity, leaves, unstamped
from provisioner.importing.tool_spelling import give, list_of, read_tools, references
from provisioner.kinds.assistant.fields import FIELDS

PLAIN = (
    "model",
    "name",
    "description",
    "instructions",
    "temperature",
    "top_p",
    "reasoning_effort",
    "metadata",
)
CHOICES = ("none", "auto", "required")
FORMAT = ("name", "description", "strict", "schema")
PASTE = "paste the text of the prompt into `instructions` and take `responses.prompt` out"
UNKNOWN = "is no field of a spec"
_FILLED = ("fills a place of the prompt in one request", "your application does it")
TURN = "belongs to a single request, not to an assistant"
_ELSEWHERE: tuple[str, ...] = (
    "tools",
    "functions",
    "tool_resources",
    "file_ids",
    "response_format",
    "reasoning",
)
_ELSEWHERE += ("text", "input", "messages", "prompt", "prompt_id", "id", "created_at", "object")
_ELSEWHERE += ("model_settings", "updated_at", "max_completion_tokens", "assistant_id")
_TURN = (
    "stream",
    "stream_options",
    "conversation",
    "previous_response_id",
    "thread_id",
    "additional_instructions",
    "additional_messages",
    "extra_headers",
    "extra_query",
    "extra_body",
    "timeout",
)
_CHECK = "write it as a check, or send it yourself"
OF_A_REQUEST = ("input", "messages", *_TURN)
APART = {
    "handoffs": "is a branch of a workflow, which no spec has",
    "handoff_description": "is for a workflow of several agents, which no spec has",
    "handoff_output_types": "is for a workflow of several agents, which no spec has",
    "input_guardrails": "is a guardrail, which your application runs",
    "output_guardrails": "is a guardrail, which your application runs",
    "hooks": "is code of your application",
    "mcp_servers": "is a connection that your application opens",
}


@cache
def block_keys(api: str) -> frozenset[str]:
    """The keys of the block of one API alone, without those that are only refused there."""
    from provisioner.kinds.assistant import request_fields

    models: dict[str, Any] = {
        "responses": request_fields.RequestFields,
        "agents": request_fields.AgentFields,
    }
    return frozenset(models[api].model_json_schema()["properties"])


@cache
def _known() -> frozenset[str]:
    names = {field.name for field in FIELDS if field.about}
    return frozenset(names | block_keys("responses") | set(_ELSEWHERE) | set(_TURN))


def read_assistant(raw: Mapping[str, Any], origin: Origin, name: str | None = None) -> list[Found]:
    """An assistant out of what any source calls its settings; before it the stores that exist only
    because the assistant names documents. `name` is what it is called where it does not say.
    """
    losses = Losses(origin)
    some = _opened(raw, losses)
    api = "agents" if some.left.get("object") == "agent" else "responses"
    id, age = identity(some, ("assistant", "agent", "prompt", "response"))
    fields: dict[str, Any] = {}
    block: dict[str, Any] = {}
    _prompt(some, block, id)
    _conversation(some)
    for key in PLAIN:
        if (value := some.take(key)) is not ABSENT:
            fields[key] = value
    unstamped(fields, losses)
    _format(some, fields, block)
    _reasoning(some, fields, block)
    if (tools := read_tools(some)) is not ABSENT:
        fields["tools"] = tools
    stores = _resources(some, fields, origin, id)
    stores += _first_version(some, fields, origin, id)
    _block(some, block, api)
    if block:
        fields[api] = block
    if api == "agents":
        fields["api"] = "agents"
    _close(some)
    _check_model(fields, block, losses)
    called = fields.get("name")
    assistant = Found(
        kind="assistant",
        name=called if isinstance(called, str) and called else name,
        fields=fields,
        origin=origin,
        id=id,
        age=age,
        losses=tuple(losses.all),
    )
    return [*stores, assistant]


def _opened(raw: Mapping[str, Any], losses: Losses) -> Taking:
    """The settings with every key in the spelling of the service, on one level."""
    some = Taking(raw, losses)
    some.respell(_known())
    if isinstance(some.left.get("model_settings"), Mapping):
        some.unfold("model_settings")
        some.respell({*_known(), "max_tokens", "verbosity"})
        some.rename("max_tokens", "max_output_tokens")
        some.rename("verbosity", "text_verbosity")
    return some


def _check_model(fields: dict[str, Any], block: dict[str, Any], losses: Losses) -> None:
    if not fields.get("model") and "prompt" not in block:
        why = "an assistant needs a model, and this source names none"
        losses.say(("model",), why, "write `model:`", "error")


def _close(some: Taking) -> None:
    """Reports what no field of a spec took."""
    for key in _TURN:
        some.drop(some.path(key), some.take(key), TURN, "your application sends it")
    for key, why in APART.items():
        some.drop(some.path(key), some.take(key), why)
    some.end(UNKNOWN, _known())


def _prompt(some: Taking, block: dict[str, Any], id: str | None) -> None:
    """A reference to a prompt object, kept where validation says what to do about it."""
    some.rename("prompt_id", "prompt")
    at, prompt = some.path("prompt"), some.take("prompt")
    if isinstance(prompt, str):
        prompt = {"id": prompt}
    lone = id is not None and id.startswith("pmpt_")
    texts = ("instructions", "input", "messages")
    if prompt is ABSENT and lone and not any(some.left.get(key) for key in texts):
        at, prompt = ("id",), {"id": id}
    if not isinstance(prompt, Mapping):
        some.drop(at, prompt, "is not a reference to a prompt object")
        if lone:
            some.drop(
                some.path("version"), some.take("version"), "counts versions, as git does now"
            )
            some.drop(some.path("variables"), some.take("variables"), *_FILLED)
        return
    block["prompt"] = dict(prompt)
    if at in (("id",), some.path("prompt")):
        for key in ("version", "variables"):
            if key in some.left and key not in prompt:
                block["prompt"][key] = some.take(key)
    why = "names a prompt object, whose text is not here; the service drops it on 2026-11-30"
    some.losses.say(at, why, PASTE, "error")


def _said(message: Any) -> str | None:
    """The text of a message, if it is text and no more than that."""
    if not isinstance(message, Mapping) or set(message) - {"role", "content", "type", "id"}:
        return None
    content = message.get("content")
    if isinstance(content, Mapping):
        content = [content]
    if isinstance(content, list):
        text = (
            content[0].get("text") if len(content) == 1 and isinstance(content[0], dict) else None
        )
        return text if isinstance(text, str) else None
    return content if isinstance(content, str) else None


def _part(content: Any, at: Path, some: Taking) -> None:
    """What stands beside a text that became the instructions."""
    if isinstance(content, list):
        content, at = content[0], (*at, 0)
    if not isinstance(content, Mapping):
        return
    beside = Taking(content, some.losses, at)
    beside.take("text")
    if beside.take("type") is not ABSENT:
        some.losses.say((*at, "type"), "became `instructions`", None, "note")
    beside.end("stands beside a text that became `instructions`")


def _conversation(some: Taking) -> None:
    """Instructions that stand as a system message before what a user says."""
    for key in ("input", "messages"):
        at, turns = some.path(key), some.take(key)
        if not isinstance(turns, list):
            some.drop(at, turns, TURN, "your application sends it")
            continue
        for index, turn in enumerate(turns):
            role = turn.get("role") if isinstance(turn, Mapping) else None
            text = _said(turn)
            first = role in ("system", "developer") and not some.left.get("instructions")
            if first and text is not None:
                some.left["instructions"] = text
                some.losses.say((*at, index, "role"), "became `instructions`", None, "note")
                rest = {k: v for k, v in turn.items() if k not in ("role", "content")}
                some.drop((*at, index), rest or ABSENT, "is bookkeeping of a message")
                _part(turn["content"], (*at, index, "content"), some)
            else:
                for path, leaf in leaves(turn, (*at, index)):
                    severity = "note" if path[-1] in ("role", "type") else "warning"
                    some.losses.lose(path, leaf, TURN, _CHECK, severity)
        if not turns:
            some.drop(at, turns, TURN)


def _format(some: Taking, fields: dict[str, Any], block: dict[str, Any]) -> None:
    at, text = some.path("text"), some.take("text")
    if isinstance(text, Mapping) and text:
        _text(text, at, some, block)
    else:
        some.drop(at, text, "is not a mapping with settings")
    place, verbosity = some.path("text_verbosity"), some.take("text_verbosity")
    if "text" in block:
        some.drop(place, verbosity, "stands beside `text.verbosity`, which was taken")
    elif verbosity is not ABSENT:
        block["text"] = {"verbosity": verbosity}
    at, format = some.path("response_format"), some.take("response_format")
    if format is None or isinstance(format, str):
        fields["response_format"] = format
    elif isinstance(format, Mapping):
        read_format(format, at, some, fields)
    else:
        some.drop(at, format, "is no format")


def _text(text: Mapping[str, Any], at: Path, some: Taking, block: dict[str, Any]) -> None:
    """`text` of the Responses API: the format, and how much is written."""
    inner = Taking(text, some.losses, at)
    place, format = inner.path("format"), inner.take("format")
    if format is not ABSENT and "response_format" not in some.left:
        some.put("response_format", format, place)
    else:
        inner.drop(place, format, "says something else than `response_format`")
    if (verbosity := inner.take("verbosity")) is not ABSENT:
        block["text"] = {"verbosity": verbosity}
    inner.end(UNKNOWN)


def read_format(format: Mapping[str, Any], at: Path, some: Taking, fields: dict[str, Any]) -> None:
    """The flat spelling of a response format."""
    inner = Taking(format, some.losses, at)
    inner.respell(("type", "json_schema", *FORMAT))
    kind = inner.take("type")
    if kind in ("text", "json_object", "auto"):
        fields["response_format"] = kind
        inner.end(f"has no meaning beside `type: {kind}`")
        return
    if "json_schema" in inner.left:
        inner.unfold("json_schema")
    if kind not in ("json_schema", ABSENT) or "schema" not in inner.left:
        some.drop(at, format or ABSENT, "is no format that specs have", "write it by hand")
        if not format:
            some.drop(at, format, "is empty")
        return
    taken = {key: inner.take(key) for key in FORMAT}
    present = {key: value for key, value in taken.items() if value is not ABSENT}
    for key, value in present.items():
        some.losses.usual(inner.path(key), value, False if key == "strict" else None)
    fields["response_format"] = {"type": "json_schema", **present}
    if "name" not in present:
        why = "a format needs a name and has none"
        some.losses.say((*at, "name"), why, "write `name:` beside `schema`", "error")
    inner.end("is no setting of a format", FORMAT)


def _reasoning(some: Taking, fields: dict[str, Any], block: dict[str, Any]) -> None:
    at, reasoning = some.path("reasoning"), some.take("reasoning")
    if not isinstance(reasoning, Mapping) or not reasoning:
        some.drop(at, reasoning, "is not a mapping with settings")
        return
    inner = Taking(reasoning, some.losses, at)
    place, effort = inner.path("effort"), inner.take("effort")
    if effort is not ABSENT and "reasoning_effort" not in fields:
        fields["reasoning_effort"] = effort
    else:
        inner.drop(place, effort, "says something else than `reasoning_effort`")
    known = ("summary", "context", "mode")
    taken = {key: inner.take(key) for key in known}
    present = {key: value for key, value in taken.items() if value is not ABSENT}
    if present:
        block["reasoning"] = present
    inner.end("is no setting of reasoning", known)


def _block(some: Taking, block: dict[str, Any], api: str) -> None:
    some.rename("max_completion_tokens", "max_output_tokens")
    choice = some.left.get("tool_choice")
    if isinstance(choice, str) and choice not in CHOICES and not choice.startswith("${"):
        at, choice = some.path("tool_choice"), some.take("tool_choice")
        some.drop(at, choice, "names one tool, which no spec can choose")
    for key in sorted(block_keys(api)):
        if key not in ("text", "reasoning") and key in some.left:
            block[key] = some.take(key)


def _resources(some: Taking, fields: dict[str, Any], origin: Origin, id: str | None) -> list[Found]:
    """`tool_resources` of the Assistants API, into the tools that work on them."""
    at, resources = some.path("tool_resources"), some.take("tool_resources")
    if not isinstance(resources, Mapping) or not resources:
        some.drop(at, resources, "is not a mapping")
        return []
    outer = Taking(resources, some.losses, at)
    outer.respell(("code_interpreter", "file_search"))
    stores: list[Found] = []
    for kind, key, field in (
        ("code_interpreter", "file_ids", "files"),
        ("file_search", "vector_store_ids", "vector_stores"),
    ):
        place, own = outer.path(kind), outer.take(kind)
        if not isinstance(own, Mapping) or not own:
            outer.drop(place, own, "is not a mapping")
            continue
        inner = Taking(own, some.losses, place)
        where, ids = inner.path(key), inner.take(key)
        _attach(fields, kind, field, ids, where, inner)
        if kind == "file_search" and "vector_stores" in inner.left:
            stores += _helpers(inner, fields, origin, id)
        inner.end("is no resource that specs have")
    outer.end("belongs to no tool that specs have")
    return stores


def _attach(
    fields: dict[str, Any], kind: str, field: str, ids: Any, at: Path, some: Taking
) -> None:
    if ids is ABSENT:
        return
    if ids == []:
        some.losses.say(at, "is empty, which says nothing", None, "note")
        give(fields.get("tools"), kind, field, [])
    elif not give(fields.get("tools"), kind, field, references(ids, at, some)):
        written = f"`{{type: {kind}, {field}: […]}}`"
        some.drop(at, ids, f"belongs to no tool: there is no `{kind}`", f"add {written} to `tools`")


def _helpers(some: Taking, fields: dict[str, Any], origin: Origin, id: str | None) -> list[Found]:
    """Stores that a request would have made beside the assistant."""
    at = some.path("vector_stores")
    made: list[Found] = []
    for index, raw in enumerate(list_of(some.take("vector_stores"), at, some)):
        if not isinstance(raw, Mapping):
            some.drop((*at, index), raw, "is not a vector store")
            continue
        one = f"made:{origin}:{id or ''}:{index}"
        name = f"{fields.get('name') or id or 'assistant'} documents"
        store = read_store(raw, origin, id=one, name=name, at=(*at, index))
        made.append(store)
        _attach(fields, "file_search", "vector_stores", [one], (*at, index), some)
    return made


def _first_version(
    some: Taking, fields: dict[str, Any], origin: Origin, id: str | None
) -> list[Found]:
    """`file_ids` of the first Assistants API: the code interpreter's files, and the documents of
    what was called retrieval.
    """
    at, ids = some.path("file_ids"), some.take("file_ids")
    if not isinstance(ids, list) or not ids:
        some.drop(at, ids, "is not a list of files")
        return []
    tools = fields.get("tools")
    files = references(ids, at, some)
    ran = give(tools, "code_interpreter", "files", files)
    one = f"made:{origin}:{id or ''}"
    searched = give(tools, "file_search", "vector_stores", [{"id": one}])
    if not (ran or searched):
        hint = "give them to a `code_interpreter`, or to a vector store that it searches"
        some.drop(at, files and ids, "belongs to no tool", hint)
    if not searched:
        return []
    why = "the first Assistants API searched files without a store; one was written for them"
    some.losses.say(at, why, None, "note")
    name = f"{fields.get('name') or id or 'assistant'} documents"
    store = Found(
        kind="vector_store", name=name, fields={"name": name, "files": files}, origin=origin, id=one
    )
    return [store]
