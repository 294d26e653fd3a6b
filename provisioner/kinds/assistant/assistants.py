"""Assistants through the Assistants API (v2), as compatible servers and the embedded service still
have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from provisioner.kinds.assistant import carried, normal, responses
from provisioner.kinds.assistant.fields import FIELDS
from provisioner.kinds.base import Finding, Loss, Names, Write
from provisioner.kinds.table import REAL, Field
from provisioner.kinds.wire import Raw, StampedForm
from provisioner.model import Address, Fields, is_id
from provisioner.shapes import Shape, either, many, mapping, number, text, word
from provisioner.text import quoted

MAX_STORES, MAX_CODE_FILES = 1, 20

_RANKERS = ("auto", "default_2024_08_21")  # two names of one ranker
_LOST_RANKING = ("hybrid_search",)

_TOOL = mapping(
    {
        "type": word,
        "function": mapping({"name": text, "description": text, "parameters": mapping()}),
        "file_search": mapping({"ranking_options": mapping({"score_threshold": number})}),
        "code_interpreter": mapping(),
    },
    need=["type"],
)
_RESOURCES = mapping(
    {
        "code_interpreter": mapping({"file_ids": many(is_id)}),
        "file_search": mapping({"vector_store_ids": many(is_id)}),
    }
)
_FORMAT = either(text, mapping({"type": word, "json_schema": mapping({"schema": mapping()})}))


class AssistantsForm(StampedForm):
    """An object at `/assistants`."""

    api = "assistants"
    collection = "/assistants"
    table = FIELDS
    replies: ClassVar[Mapping[str, Shape]] = {
        "tools": many(_TOOL),
        "tool_resources": _RESOURCES,
        "response_format": _FORMAT,
    }

    def check(self, address: Address, fields: Fields) -> Iterable[Finding]:
        yield from carried.nameless(self.api, address, fields)
        for at, tool in enumerate(fields.get("tools") or ()):
            stores, files = tool.get("vector_stores") or (), tool.get("files") or ()
            if len(stores) > MAX_STORES:
                detail = (
                    f"`{address}` searches {len(stores)} vector stores; the Assistants API takes"
                    " one an assistant."
                )
                hint = "put the files into one store"
                if len(stores) <= responses.MAX_STORES:
                    hint += ", or write `api: responses`"
                yield Finding(
                    ("tools", at, "vector_stores"), "Too many vector stores", detail, hint
                )
            if len(files) > MAX_CODE_FILES:
                detail = f"`{address}` gives {len(files)} files to its code interpreter; "
                detail += f"the Assistants API takes {MAX_CODE_FILES}."
                hint = "join them, pack them into a `.zip`, or write `api: responses`"
                yield Finding(("tools", at, "files"), "Too many files", detail, hint)

    def losses(self, address: Address, fields: Fields) -> Iterable[Loss]:
        for index, tool in enumerate(fields.get("tools") or ()):
            yield from carried.lost(self.api, address, tool, index)
            ranking, inside = tool.get("ranking_options") or {}, ("tools", index, "ranking_options")
            for name in _LOST_RANKING:
                if ranking.get(name) is not None:
                    why = f"`{address}` sets `{name}` of `file_search`, which the Assistants API"
                    yield _loss(name, (*inside, name), f"{why} does not know.")
            if ranking.get("ranker") not in (None, *_RANKERS):
                why = f"`{address}` has the ranker `{ranking['ranker']}`; "
                why += f"the Assistants API has {quoted(_RANKERS, 'and')}."
                yield _loss("ranker", (*inside, "ranker"), why)

    def normal(self, address: Address, fields: Fields) -> Fields:
        found = super().normal(address, fields)
        tools = [_normal(tool) for tool in self._carried(fields.get("tools"))]
        found["tools"] = normal.ranked(tools)
        return found

    def _carried(self, tools: Iterable[Fields] | None) -> list[Fields]:
        found = (carried.carried(self.api, tool) for tool in tools or ())
        return [tool for tool in found if tool is not None]

    def shown(self, one: Field, raw: Raw, names: Names) -> Any:
        if one.name == "tools":
            resources = raw.get("tool_resources") or {}
            return [_flat(tool, resources, names) for tool in raw["tools"] or ()]
        if one.name == "response_format":
            value = raw["response_format"]
            if not isinstance(value, Mapping):
                return value
            if value.get("type") != "json_schema":
                return value.get("type")
            return {"type": "json_schema", **(value.get("json_schema") or {})}
        return super().shown(one, raw, names)

    def sent(self, one: Field, value: Any, write: Write) -> dict[str, Any]:
        if one.name == "tools":
            tools = self._carried(value)
            # What the tools work on: both sides, empty or not, where the object is there already,
            # because an update keeps what it does not name.
            whole = write.id is not None
            stores: list[str] = []
            files: list[str] = []
            for tool in tools:
                stores += [
                    write.names.id_of(store)
                    for store in normal.references(tool.get("vector_stores"))
                ]
                files += [write.names.id_of(file) for file in normal.references(tool.get("files"))]
            resources = {
                **({"code_interpreter": {"file_ids": files}} if files or whole else {}),
                **({"file_search": {"vector_store_ids": stores}} if stores or whole else {}),
            }
            return {"tools": [_tool(tool) for tool in tools], "tool_resources": resources}
        if one.name == "response_format":
            if not isinstance(value, Mapping):
                return {"response_format": value if value in (None, "auto") else {"type": value}}
            wanted = normal.response_format(value)
            settings = {name: wanted[name] for name in wanted if name != "type"}
            return {"response_format": {"type": "json_schema", "json_schema": settings}}
        return super().sent(one, value, write)


def _loss(setting: str, path: tuple[str | int, ...], why: str) -> Loss:
    name = f"tools.file_search.{setting}"
    return Loss(
        name,
        path,
        why,
        f"write `api: responses`, take it out, or accept it with `accept_loss: [{name}]`",
    )


def _normal(tool: Mapping[str, Any]) -> Fields:
    if tool["type"] == "function":
        return normal.function(tool)
    if tool["type"] == "code_interpreter":
        return {"type": "code_interpreter", "files": normal.references(tool.get("files"))}
    return normal.present(
        {
            "type": "file_search",
            "vector_stores": normal.references(tool.get("vector_stores")),
            "max_num_results": tool.get("max_num_results"),
            "ranking_options": {"score_threshold": _threshold(tool)},
        }
    )


def _threshold(tool: Mapping[str, Any]) -> Any:
    threshold = (tool.get("ranking_options") or {}).get("score_threshold")
    return 0.0 if threshold is None else REAL.normal(threshold)


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    if tool["type"] == "function":
        function = normal.function(tool)
        return {
            "type": "function",
            "function": {name: function[name] for name in function if name != "type"},
        }
    settings: dict[str, Any] = {}
    if tool.get("max_num_results") is not None:
        settings["max_num_results"] = tool["max_num_results"]
    if tool.get("ranking_options"):
        ranker = tool["ranking_options"].get("ranker")
        settings["ranking_options"] = {
            "ranker": ranker if ranker in _RANKERS else "auto",
            "score_threshold": _threshold(tool),
        }
    return {"type": tool["type"], **({"file_search": settings} if settings else {})}


def _flat(tool: Mapping[str, Any], resources: Mapping[str, Any], names: Names) -> Fields:
    """A tool in the author's spelling, together with what belongs to it in `tool_resources`."""
    kind = tool.get("type")
    inner = tool.get(str(kind)) or {}
    if kind == "function":
        return {**{name: tool[name] for name in tool if name != kind}, **inner}
    own = resources.get(str(kind)) or {}
    if kind == "code_interpreter":
        return {"type": kind, "files": [names.reference(id) for id in own.get("file_ids") or ()]}
    if kind == "file_search":
        stores = [names.reference(id) for id in own.get("vector_store_ids") or ()]
        ranking = normal.present(inner.get("ranking_options") or {})
        settings = {**inner, **({"ranking_options": ranking} if ranking else {})}
        return {"type": kind, "vector_stores": stores, **normal.present(settings)}
    return dict(tool)


FORM = AssistantsForm()
