"""Assistants through the Assistants API (v2), as compatible servers and the embedded service still
have it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

from provisioner.kinds.assistant import normal
from provisioner.kinds.base import Finding, Loss, Names, Write
from provisioner.kinds.wire import Raw, StampedForm, number, stamp, text, unstamped
from provisioner.model import Address, Fields, Live
from provisioner.text import quoted

MAX_STORES, MAX_CODE_FILES = 1, 20

_CARRIED = ("code_interpreter", "file_search", "function")
_RANKERS = ("auto", "default_2024_08_21")  # two names of one ranker
_PLAIN = (
    "model",
    "name",
    "description",
    "instructions",
    "temperature",
    "top_p",
    "reasoning_effort",
)
_LOST_SETTINGS = {"file_search": ("filters",), "code_interpreter": ("memory_limit",)}
_LOST_RANKING = ("hybrid_search",)


class AssistantsForm(StampedForm):
    """An object at `/assistants`."""

    api = "assistants"
    collection = "/assistants"
    unkept: ClassVar[Mapping[str, str]] = {
        **StampedForm.unkept,
        "model": "another model answers than the specs name",
        "instructions": "it follows other instructions than the specs have",
        "tools": "it works with other tools than the specs give it",
    }
    defaults: ClassVar[Mapping[str, Any]] = {
        "temperature": 1.0,
        "top_p": 1.0,
        "description": "",
        "instructions": "",
        "response_format": "auto",
    }

    def check(self, address: Address, fields: Fields) -> Iterable[Finding]:
        for at, tool in enumerate(fields.get("tools") or ()):
            stores, files = tool.get("vector_stores") or (), tool.get("files") or ()
            if len(stores) > MAX_STORES:
                detail = (
                    f"`{address}` searches {len(stores)} vector stores; the Assistants API takes"
                    " one an assistant."
                )
                hint = "put the files into one store, or write `api: responses`"
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
            at, kind = ("tools", index), tool["type"]
            if kind not in _CARRIED:
                why = f"`{address}` has the tool `{kind}`, which the Assistants API does not know."
                yield _loss(f"tools.{kind}", at, why)
                continue
            for name in _LOST_SETTINGS.get(kind, ()):
                if tool.get(name) is not None:
                    yield _loss(
                        f"tools.{kind}.{name}", (*at, name), _no_setting(address, kind, name)
                    )
            ranking, inside = tool.get("ranking_options") or {}, (*at, "ranking_options")
            for name in _LOST_RANKING:
                if ranking.get(name) is not None:
                    yield _loss(
                        f"tools.{kind}.{name}", (*inside, name), _no_setting(address, kind, name)
                    )
            if ranking.get("ranker") not in (None, *_RANKERS):
                why = f"`{address}` has the ranker `{ranking['ranker']}`; "
                why += f"the Assistants API has {quoted(_RANKERS, 'and')}."
                yield _loss(f"tools.{kind}.ranker", (*inside, "ranker"), why)

    def normal(self, address: Address, fields: Fields) -> Fields:
        tools = (
            _normal(tool) for tool in fields.get("tools") or () if tool.get("type") in _CARRIED
        )
        return {
            **normal.common(fields),
            "name": text(fields.get("name", address.name)),
            "tools": normal.ranked(tools),
        }

    def live(self, raw: Raw, names: Names) -> Live:
        metadata = raw.get("metadata")
        fields: Fields = {name: raw[name] for name in _PLAIN if name in raw}
        if "tools" in raw:
            fields["tools"] = [
                _flat(tool, raw.get("tool_resources") or {}, names) for tool in raw["tools"] or ()
            ]
        if "response_format" in raw:
            fields["response_format"] = _flat_format(raw["response_format"])
        fields["metadata"] = unstamped(metadata)
        return Live(str(raw["id"]), fields, stamp(metadata), created_at=number(raw, "created_at"))

    def body(self, write: Write, units: Collection[str]) -> dict[str, Any]:
        wanted = {"name": write.address.name, **write.fields}
        body = {name: wanted.get(name) for name in _PLAIN if name in units}
        if "response_format" in units:
            body["response_format"] = _format(wanted.get("response_format"))
        if "tools" in units:
            tools = [tool for tool in wanted.get("tools") or () if tool["type"] in _CARRIED]
            body["tools"] = [_tool(tool) for tool in tools]
            body["tool_resources"] = _resources(tools, write.names, whole=write.id is not None)
        return body


def _no_setting(address: Address, kind: str, name: str) -> str:
    return f"`{address}` sets `{name}` of `{kind}`, which the Assistants API does not know."


def _loss(name: str, path: tuple[str | int, ...], why: str) -> Loss:
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
    return normal.real((tool.get("ranking_options") or {}).get("score_threshold"), 0.0)


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


def _resources(tools: Iterable[Mapping[str, Any]], names: Names, whole: bool) -> dict[str, Any]:
    """What the tools work on. `whole`: both sides, empty or not, because an update keeps what it
    does not name.
    """
    stores: list[str] = []
    files: list[str] = []
    for tool in tools:
        stores += [names.id_of(store) for store in normal.references(tool.get("vector_stores"))]
        files += [names.id_of(file) for file in normal.references(tool.get("files"))]
    return {
        **({"code_interpreter": {"file_ids": files}} if files or whole else {}),
        **({"file_search": {"vector_store_ids": stores}} if stores or whole else {}),
    }


def _format(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value if value in (None, "auto") else {"type": value}
    wanted = normal.response_format(value)
    return {
        "type": "json_schema",
        "json_schema": {name: wanted[name] for name in wanted if name != "type"},
    }


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


def _flat_format(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if value.get("type") != "json_schema":
        return value.get("type")
    return {"type": "json_schema", **(value.get("json_schema") or {})}


FORM = AssistantsForm()
