"""Assistants through the Agents API (v1): a saved agent, which sessions are copied from."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from provisioner.kinds.assistant import carried, normal
from provisioner.kinds.assistant.fields import FIELDS
from provisioner.kinds.base import Finding, Loss, Names, Write
from provisioner.kinds.table import Field
from provisioner.kinds.wire import Raw, StampedForm, sent_surroundings
from provisioner.model import Address, Fields, Live, Locked, is_id
from provisioner.shapes import Shape, many, mapping, maybe, text, word
from provisioner.text import quoted

if TYPE_CHECKING:
    from provisioner.remote import Remote

MAX_NAME = 128
MAX_TOOLS = 3 * 1024 * 1024  # bytes of the whole list

_WHOLE = ("reasoning", "text")  # objects of which a write without a key loses that key
_SUBAGENTS = 6  # at once, where nothing else is said
_LATER = "What has changed in an agent reaches new sessions; those that run keep what they have."
_TOOL = mapping(
    {
        "type": word,
        "name": text,
        "description": text,
        "parameters": mapping(),
        "transport": mapping({"type": word, "server_url": text, "headers": mapping()}),
        "credential_id": maybe(is_id),
        "location": mapping(),
    },
    need=["type"],
)


class AgentsForm(StampedForm):
    """An object at `/agents`."""

    api = "agents"
    collection = "/agents"
    only_openai = True
    table = FIELDS
    replies: ClassVar[Mapping[str, Shape]] = {
        "tools": many(_TOOL),
        "reasoning": mapping({"effort": text, "summary": text}),
        "text": mapping({"verbosity": text, "format": mapping({"schema": mapping()})}),
        "service_tier": text,
        "multi_agent": mapping(),
        "compaction": mapping(),
        "experimental": mapping(),
    }

    @cached_property
    def refers_to(self) -> frozenset[str]:
        """Neither stores nor files: no tool of an agent has them."""
        return frozenset({"credential", "environment_template", "vault"})

    def check(self, address: Address, fields: Fields) -> Iterable[Finding]:
        name = fields.get("name") or ""
        if len(name) > MAX_NAME:
            detail = f"The name of `{address}` has {len(name)} characters; "
            detail += f"an agent's may have at most {MAX_NAME}."
            yield Finding(("name",), "Too many characters", detail, "shorten it")
        tools = fields.get("tools") or ()
        for index, tool in enumerate(tools):
            if tool["type"] == "function" and not tool.get("description"):
                detail = f"The function `{tool['name']}` of `{address}` has no description, and"
                detail += " the Agents API takes none without."
                hint = "say what it does and when to call it"
                path = ("tools", index, "description")
                yield Finding(path, "Description missing", detail, hint)
        # A date in a schema is a problem of its own.
        spelt = json.dumps(tools, ensure_ascii=False, separators=(",", ":"), default=str)
        size = len(spelt.encode())
        if size > MAX_TOOLS:
            detail = f"The tools of `{address}` are {size:,} bytes of JSON; the Agents API takes"
            detail += f" {MAX_TOOLS:,}."
            yield Finding(("tools",), "Too many tools", detail, "shorten the schemas")

    def losses(self, address: Address, fields: Fields) -> Iterable[Loss]:
        yield from carried.lost_labels(address, fields, ("description",))
        for name in ("temperature", "top_p"):
            if fields.get(name) not in (None, 1):
                why = f"`{address}` sets `{name}`, which the Agents API does not know."
                yield Loss(name, (name,), why, f"take it out, or {carried.accept(name)}")
        yield from _lost_format(address, fields.get("response_format"))
        for index, tool in enumerate(fields.get("tools") or ()):
            yield from carried.lost(self.api, address, tool, index)

    def normal(self, address: Address, fields: Fields) -> Fields:
        found = super().normal(address, fields)
        found["tools"] = normal.ranked(self._tools(fields.get("tools")))
        found["response_format"] = _format(found["response_format"])
        found["agents"] = _block(fields.get("agents") or {})
        return found

    def _tools(self, tools: Iterable[Fields] | None) -> list[Fields]:
        found = (carried.carried(self.api, tool) for tool in tools or ())
        return [_normal(tool) for tool in found if tool is not None]

    def live(self, raw: Raw, names: Names) -> Live:
        found = super().live(raw, names)
        description = found.fields["metadata"].get("description")
        return Live(
            found.id,
            {**found.fields, "description": description, "agents": _block(raw)},
            found.stamp,
            found.status,
            found.created_at,
        )

    def shown(self, one: Field, raw: Raw, names: Names) -> Any:
        if one.name == "tools":
            return [_neutral(tool, names) for tool in raw["tools"] or ()]
        if one.name == "response_format":
            return _format((raw["text"] or {}).get("format"))
        return super().shown(one, raw, names)

    def metadata(self, fields: Fields, lost: Collection[str] = ()) -> Fields:
        """The description travels there."""
        found = super().metadata(fields, lost)
        if fields.get("description") and "description" not in lost:
            found = {**found, "description": fields["description"]}
        return found

    def labels(self, write: Write) -> tuple[Fields, Collection[str]]:
        found, paths = super().labels(write)
        # One that is lost leaves with its key: what was carried until now would take up room.
        moved = "description" in paths or "description" in write.lost
        return found, {*paths, "metadata.description"} if moved else paths

    def sent(self, one: Field, value: Any, write: Write) -> dict[str, Any]:
        if one.name == "description":
            return {}
        if one.name == "tools":
            return {"tools": [_tool(tool, write.names) for tool in self._tools(value)]}
        if one.name == "reasoning_effort":
            return {"reasoning": {"effort": value}}
        if one.name == "response_format":
            wanted = _format(value)
            return {"text": {"format": wanted if isinstance(wanted, Mapping) else None}}
        if one.name == "agents":
            return _settings(value or {}, whole=write.id is not None)
        return super().sent(one, value, write)

    def completed(self, body: dict[str, Any], before: Raw) -> dict[str, Any]:
        """Objects are replaced whole: what is not ours is sent as it is. Some servers know nothing
        experimental, and need not be told that it is off.
        """
        for name in _WHOLE:
            if name in body:
                body[name] = {**(before.get(name) or {}), **body[name]}
        if "experimental" not in before and not any((body.get("experimental") or {}).values()):
            body.pop("experimental", None)
        return body

    def opening(self, fields: Fields, names: Names) -> Fields:
        """The arguments of `sessions.create`; without an environment where a spec says none."""
        session = fields.get("session") or {}
        environment = sent_surroundings(session.get("environment"), names)
        vaults = [names.id_of(vault) for vault in session.get("vaults") or ()]
        return {"environment": environment} | ({"vault_ids": vaults} if vaults else {})

    def output(self, entry: Locked, names: Names) -> Fields:
        """With the arguments of `sessions.create`, where a spec says what sessions have."""
        if not entry.fields.get("session"):
            return {}
        return {"session": {"agent_id": entry.id, **self.opening(entry.fields, names)}}

    async def update(self, remote: Remote, write: Write) -> Live:
        found = await super().update(remote, write)
        remote.note(_LATER)
        return found


def _lost_format(address: Address, value: Any) -> Iterator[Loss]:
    if value == "json_object":
        why = f"`{address}` answers with any JSON object, which the Agents API cannot promise."
        hint = "write a `json_schema`, or " + carried.accept("response_format")
        yield Loss("response_format", ("response_format",), why, hint)
    if isinstance(value, Mapping):
        said = [name for name in ("name", "description", "strict") if value.get(name)]
        if not said:
            return
        why = f"An agent has the schema of a format alone: {quoted(said, 'and')} of `{address}`"
        why += f" {'is' if len(said) == 1 else 'are'} left out."
        name = "response_format.name"
        hint = f"take {'it' if len(said) == 1 else 'them'} out, or {carried.accept(name)}"
        first, *others = [("response_format", one) for one in said]
        yield Loss(name, first, why, hint, tuple(others))


def _format(value: Any) -> Any:
    """A format in either spelling: plain text is what `auto` means."""
    if not isinstance(value, Mapping) or value.get("type") != "json_schema":
        return "auto"
    return {"type": "json_schema", "schema": value.get("schema") or {}}


def _block(given: Mapping[str, Any]) -> Fields:
    """What an agent says beside what every assistant has, without what is so anyway."""
    inside = {name: given.get(name) or {} for name in (*_WHOLE, "multi_agent")}
    found: Fields = {
        "reasoning": normal.present({"summary": inside["reasoning"].get("summary")}),
        "text": _unless("verbosity", inside["text"].get("verbosity"), "medium"),
        "compaction": _unless("async", (given.get("compaction") or {}).get("async"), False),
        "experimental": {
            name: value for name, value in (given.get("experimental") or {}).items() if value
        },
        **_unless("service_tier", given.get("service_tier"), "auto"),
    }
    if inside["multi_agent"].get("enabled"):
        most = inside["multi_agent"].get("max_concurrent_subagents")
        limited = _unless("max_concurrent_subagents", most, _SUBAGENTS)
        found["multi_agent"] = {"enabled": True, **limited}
    return {name: value for name, value in found.items() if value}


def _unless(name: str, value: Any, anyway: Any) -> Fields:
    return {} if value in (None, anyway) else {name: value}


def _settings(block: Mapping[str, Any], *, whole: bool) -> Fields:
    """The block as a request has it. `whole`: with null for all that it does not say, because an
    update keeps that.
    """
    names = ("service_tier", "multi_agent", "compaction")
    found: Fields = {name: block.get(name) for name in names if whole or block.get(name)}
    for name, inner in (("reasoning", "summary"), ("text", "verbosity")):
        value = (block.get(name) or {}).get(inner)
        if whole or value is not None:
            found[name] = {inner: value}
    experimental = block.get("experimental") or {}
    if whole:  # keys that are not named stay as they are
        experimental = {"time_awareness": False, **experimental}
    return found | ({"experimental": experimental} if experimental else {})


def _normal(tool: Fields) -> Fields:
    kind = tool["type"]
    if kind == "function":
        return {name: value for name, value in normal.function(tool).items() if name != "strict"}
    found = {name: value for name, value in tool.items() if carried.says(kind, name, value)}
    if kind == "mcp":
        return _server(found)
    if kind == "web_search":
        if found.get("search_context_size") == "medium":
            del found["search_context_size"]
        place = normal.present(found.pop("user_location", {}))
        if place.keys() > {"type"}:
            found["user_location"] = {"type": "approximate", **place}
        if not normal.present(found.get("filters") or {}):
            found.pop("filters", None)
    return found


def _server(tool: Fields) -> Fields:
    found = normal.server(tool)
    allowed = found.get("allowed_tools")
    if isinstance(allowed, Mapping):
        names = allowed.get("tool_names")
        found = {name: value for name, value in found.items() if name != "allowed_tools"}
        found |= {} if names is None else {"allowed_tools": names}
    transport = found.get("transport")
    if transport:
        found["transport"] = {name: value for name, value in transport.items() if value}
    return found


def _tool(tool: Mapping[str, Any], names: Names) -> Fields:
    """A tool in normal form as the service spells it."""
    found = dict(tool)
    if tool["type"] == "mcp":
        if url := found.pop("server_url", None):
            found["transport"] = {"type": "http", "server_url": url}
        if credential := found.pop("credential", None):
            found["credential_id"] = names.id_of(credential)
    if tool["type"] == "web_search":
        filters = found.pop("filters", {})
        place = found.pop("user_location", {})
        live = found.pop("external_web_access", True)
        renamed = {
            "allowed_domains": filters.get("allowed_domains"),
            "context_size": found.pop("search_context_size", None),
            "location": {name: place[name] for name in place if name != "type"} or None,
            "mode": found.get("mode") or (None if live else "cached"),
        }
        found |= normal.present(renamed)
    return found


def _neutral(tool: Mapping[str, Any], names: Names) -> Fields:
    """A tool of the service as an author would declare it."""
    found = normal.present(tool)
    if tool["type"] == "mcp":
        if credential := found.pop("credential_id", None):
            found["credential"] = names.reference(credential)
        return _server(
            {name: found[name] for name in found if carried.says("mcp", name, found[name])}
        )
    if tool["type"] == "web_search":
        domains, place = found.pop("allowed_domains", None), found.pop("location", None)
        mode = found.pop("mode", None)
        renamed = {
            "filters": None if domains is None else {"allowed_domains": domains},
            "search_context_size": found.pop("context_size", None),
            "user_location": place and {"type": "approximate", **normal.present(place)},
            "external_web_access": False if mode == "cached" else None,
            "mode": mode if mode == "disabled" else None,
        }
        return found | normal.present(renamed)
    return {name: value for name, value in found.items() if carried.says(tool["type"], name, value)}


FORM = AgentsForm()
