"""Assistants through the Responses API: no object, but the keyword arguments of
`client.responses.create`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from provisioner.diff import units
from provisioner.kinds.assistant import carried, normal
from provisioner.kinds.assistant.fields import FIELDS
from provisioner.kinds.base import Finding, Loss, Names, ProfileForm, Write
from provisioner.kinds.table import unstamped
from provisioner.model import Address, Fields, Live, Locked, Stamp
from provisioner.text import quoted

if TYPE_CHECKING:
    from provisioner.remote import Remote

MAX_STORES = 2
MAX_CODE_FILES = 50

# What a reader looks for first; a lock keeps the order.
_FIRST = ("model", "temperature", "top_p", "instructions", "tools", "reasoning", "text", "metadata")
_KEYED = frozenset({"metadata", "reasoning", "text"})
_LABELS = ("name", "description")
_RANKERS = ("auto", "default-2024-11-15")


class ResponsesForm(ProfileForm):
    """A request profile: it lives in the lock, and the application sends it."""

    api = "responses"
    table = FIELDS

    def check(self, address: Address, fields: Fields) -> Iterable[Finding]:
        yield from carried.nameless(self.api, address, fields)
        for at, tool in enumerate(fields.get("tools") or ()):
            stores = tool.get("vector_stores") or ()
            if len(stores) > MAX_STORES:
                detail = (
                    f"`{address}` searches {len(stores)} vector stores; the Responses API takes"
                    f" {MAX_STORES} and refuses each request with more."
                )
                hint = (
                    f"put the files into {MAX_STORES} stores; attributes and `filters` tell them"
                    " apart"
                )
                yield Finding(
                    ("tools", at, "vector_stores"), "Too many vector stores", detail, hint
                )
            if tool["type"] == "file_search" and not stores:
                detail = (
                    f"`{address}` has `file_search` without a vector store; Responses needs at"
                    " least one."
                )
                yield Finding(
                    ("tools", at), "Vector store missing", detail, "name one in `vector_stores`"
                )
            if len(tool.get("files") or ()) > MAX_CODE_FILES:
                detail = (
                    f"`{address}` gives more than {MAX_CODE_FILES} files to its code interpreter."
                )
                yield Finding(
                    ("tools", at, "files"),
                    "Too many files",
                    detail,
                    "join them, or pack them into a `.zip`",
                )

    def losses(self, address: Address, fields: Fields) -> Iterable[Loss]:
        yield from carried.lost_labels(address, fields, _LABELS)
        for at, tool in enumerate(fields.get("tools") or ()):
            yield from carried.lost(self.api, address, tool, at)
            ranker = (tool.get("ranking_options") or {}).get("ranker")
            if tool["type"] == "file_search" and ranker not in (None, *_RANKERS):
                why = (
                    f"`{address}` has the ranker `{ranker}`; the Responses API has"
                    f" {quoted(_RANKERS, 'and')}."
                )
                hint = f"write `ranker: auto`, or {carried.accept('tools.file_search.ranker')}"
                path = ("tools", at, "ranking_options", "ranker")
                yield Loss("tools.file_search.ranker", path, why, hint)

    def normal(self, address: Address, fields: Fields) -> Fields:
        found = (carried.carried(self.api, tool) for tool in fields.get("tools") or ())
        tools = [_normal(tool) for tool in found if tool is not None]
        return {**super().normal(address, fields), "tools": normal.ranked(tools)}

    def render(
        self,
        address: Address,
        fields: Fields,
        names: Names,
        lost: Iterable[str] = (),
        stamp: str = "",
    ) -> Fields:
        """What equals the default of both APIs is left out, what has different defaults is said."""
        given, left_out = self.normal(address, fields), frozenset(lost)
        own = given.pop("responses")
        request: Fields = {"metadata": {}}
        for one in self.table.carried(self.api):
            value = given.get(one.name)
            if one.name == "tools":
                value = [_tool(tool, names, left_out) for tool in given["tools"]]
            if one.name == "response_format" and isinstance(value, str):
                value = {"type": value} if value != one.default else None
            if one.name not in left_out and value not in (one.default, None, [], {}):
                _put(request, one.path(self.api), value)
        request["metadata"] = {**request.pop("metadata"), Stamp.KEY: stamp}
        for name, value in own.items():
            _put(request, (name,), value)
        first = {name: request[name] for name in _FIRST if name in request}
        return {**first, **request}

    def digest(self, request: Fields) -> str:
        metadata = {
            key: value for key, value in request.get("metadata", {}).items() if key != Stamp.KEY
        }
        canonical = json.dumps(
            {**request, "metadata": metadata}, sort_keys=True, separators=(",", ":")
        )
        import hashlib  # 3 ms, where no request is rendered

        return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"

    def with_stamp(self, request: Fields, stamp: str) -> Fields:
        return {**request, "metadata": {**(request.get("metadata") or {}), Stamp.KEY: stamp}}

    def units(self, request: Fields) -> Fields:
        metadata = unstamped(request.get("metadata"))
        return units({**request, "metadata": metadata}, _KEYED)

    def uses(self, request: Fields) -> Iterator[tuple[str | None, str]]:
        for tool in request.get("tools") or ():
            yield from _named(tool)

    def output(self, entry: Locked, names: Names) -> Fields:
        """With the secrets that the application fills in: what each is, by its place in the
        request.
        """
        credentials = {
            tool["server_label"]: tool["credential"]
            for tool in entry.fields.get("tools") or ()
            if tool.get("credential")
        }
        request = entry.profile.request if entry.profile else {}
        secrets = {}
        for index, tool in enumerate(request.get("tools") or ()):
            if credential := credentials.get(tool.get("server_label")):
                name = credential if isinstance(credential, str) else credential["id"]
                secrets[f"tools[{index}].authorization"] = name
        return {"secrets": secrets} if secrets else {}

    async def list(self, remote: Remote, names: Names) -> Sequence[Live]:
        return ()

    async def read(self, remote: Remote, id: str, names: Names) -> Live | None:
        return None

    async def create(self, remote: Remote, write: Write) -> Live:
        raise AssertionError("a request profile is rendered, not created")

    async def update(self, remote: Remote, write: Write) -> Live:
        raise AssertionError("a request profile is rendered, not updated")

    async def delete(self, remote: Remote, id: str) -> None:
        """Nothing exists at the service."""


def _put(request: Fields, path: Sequence[str], value: Any) -> None:
    """Put a value where a request has it, beside what is there already."""
    inside = request
    for name in path[:-1]:
        inside = inside.setdefault(name, {})
    there = inside.get(path[-1])
    inside[path[-1]] = {**there, **value} if isinstance(there, dict) else value


def _unless_empty(name: str, value: Any) -> Fields:
    return {name: value} if value else {}


def _normal(tool: Fields) -> Fields:
    if tool["type"] == "function":
        return normal.function(tool)
    found = normal.present(tool)
    for name in ("vector_stores", "files"):
        if name in found:
            found[name] = normal.references(found[name])
    if found["type"] == "mcp":
        return normal.server(found)
    if found["type"] == "namespace":
        found["tools"] = normal.ranked(_normal(inner) for inner in found["tools"])
    return found


def _tool(tool: Mapping[str, Any], names: Names, lost: Collection[str]) -> Fields:
    kind = tool["type"]
    if kind == "file_search":
        return _file_search(tool, names, lost)
    if kind == "code_interpreter":
        callers = _unless_empty("allowed_callers", tool.get("allowed_callers"))
        return {"type": kind, "container": {"type": "auto", **_sandbox(tool, names)}, **callers}
    if kind == "shell":
        return _shell(tool, names)
    if kind == "programmatic_tool_calling":
        return {"type": kind}  # whether it is switched on is said by its being there
    if kind == "mcp":
        server = {name: tool[name] for name in tool if name not in ("transport", "credential")}
        there = tool.get("transport") or {}
        return server | {name: there[name] for name in there if name != "type"}
    return dict(tool)


def _file_search(tool: Mapping[str, Any], names: Names, lost: Collection[str]) -> Fields:
    stores = tool.get("vector_stores") or ()
    ranking = normal.present(tool.get("ranking_options") or {})
    if "tools.file_search.ranker" in lost and ranking.get("ranker") not in _RANKERS:
        ranking.pop("ranker", None)
    settings = {key: tool[key] for key in ("max_num_results", "filters") if key in tool}
    return {
        "type": "file_search",
        "vector_store_ids": [names.id_of(store) for store in stores],
        **settings,
        **_unless_empty("ranking_options", ranking),
    }


def _sandbox(tool: Mapping[str, Any], names: Names) -> Fields:
    files = [names.id_of(file) for file in tool.get("files") or ()]
    return {
        **_unless_empty("file_ids", files),
        **_unless_empty("memory_limit", tool.get("memory_limit")),
        **_unless_empty("network_policy", tool.get("network_policy")),
    }


def _shell(tool: Mapping[str, Any], names: Names) -> Fields:
    skills = tool.get("skills") or ()
    # Skills without a container are those of the application's own computer.
    where = tool.get("environment") or ("local" if skills else None)
    if where is None:
        return {name: tool[name] for name in tool if name in ("type", "allowed_callers")}
    if where == "container_auto":
        skills = [
            {"type": "skill_reference", "skill_id": one["id"]}
            | _unless_empty("version", one.get("version"))
            for one in skills
        ]
    environment = {"type": where, **_sandbox(tool, names), **_unless_empty("skills", skills)}
    callers = _unless_empty("allowed_callers", tool.get("allowed_callers"))
    return {"type": "shell", "environment": environment, **callers}


def _named(tool: Mapping[str, Any]) -> Iterator[tuple[str | None, str]]:
    """The ids that a tool of a request names, each with its kind."""
    for store in tool.get("vector_store_ids") or ():
        yield "vector_store", store
    for place in ("container", "environment"):
        sandbox = tool.get(place) or {}
        if isinstance(sandbox, Mapping):
            for file in sandbox.get("file_ids") or ():
                yield "file", file
        else:
            yield None, sandbox
    mask = tool.get("input_image_mask") or {}
    if isinstance(mask, Mapping) and mask.get("file_id"):
        yield "file", mask["file_id"]


FORM = ResponsesForm()
