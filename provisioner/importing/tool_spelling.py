"""Tools from any source, in the flat spelling of specs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from provisioner.importing.taking import ABSENT, Losses, Path, Taking
from provisioner.text import did_you_mean

_GUESSED = ("code_interpreter", "file_search", "function", "image_generation", "mcp", "web_search")
_FORMERLY = {
    "retrieval": "file_search",
    "web_search_preview": "web_search",
    "web_search_preview_2025_03_11": "web_search",
    "web_search_2025_08_26": "web_search",
    "hosted_mcp": "mcp",
    "computer_use_preview": "computer",
    "local_shell": "shell",
}
_IDS = {
    "file_search": ("vector_store_ids", "vector_stores"),
    "code_interpreter": ("file_ids", "files"),
    "shell": ("file_ids", "files"),
}
# What agents call it, by what specs do.
_RENAMED = {"search_context_size": "context_size", "user_location": "location"}
_SHELLS = ("container_auto", "local")
_SECRET = "is a secret and has no place in a spec"


@cache
def _keys(kind: str) -> frozenset[str]:
    """The settings of a tool in a spec, without those that are only refused there."""
    from provisioner.kinds.assistant import hosted, tools

    models: dict[str, Any] = {
        "code_interpreter": tools.CodeInterpreter,
        "file_search": tools.FileSearch,
        "function": tools.Function,
        **hosted.MODELS,
    }
    return frozenset(models[kind].model_json_schema()["properties"]) - {"type"}


@cache
def _kinds() -> tuple[str, ...]:
    from provisioner.kinds.assistant.tools import TYPES

    return TYPES


def list_of(value: Any, at: Path, some: Taking) -> list[Any]:
    """A list, or none where something else stands, which is reported."""
    if isinstance(value, list):
        return value
    some.drop(at, value, "is not a list")
    return []


def references(ids: Any, at: Path, some: Taking) -> list[Any]:
    """Ids of the service, as specs name what they do not manage; what is a reference stays."""
    found: list[Any] = []
    for index, one in enumerate(list_of(ids, at, some)):
        if isinstance(one, str) and one:
            found.append({"id": one})
        else:
            some.drop((*at, index), one, "is not an id")
    return found


def give(tools: Any, kind: str, field: str, named: Iterable[Any]) -> bool:
    """Lets the first tool of a kind work on some more; False if there is none."""
    for tool in tools or ():
        if tool["type"] == kind:
            has = tool.setdefault(field, [])
            has += [one for one in named if one not in has]
            return True
    return False


def read_tools(some: Taking) -> Any:
    """The tools of an assistant; ABSENT if it says nothing of any, None if it says null."""
    at, tools = some.path("tools"), some.take("tools")
    functions = some.take("functions")
    if functions is ABSENT and (tools is ABSENT or tools is None):
        return tools
    read: list[dict[str, Any]] = []
    given = [] if tools is ABSENT else list_of(tools, at, some)
    for index, tool in enumerate(given):
        read += read_tool(tool, (*at, index), some.losses)
    old = [] if functions is ABSENT else list_of(functions, some.path("functions"), some)
    for index, function in enumerate(old):
        nested = {"type": "function", **function} if isinstance(function, Mapping) else function
        read += read_tool(nested, (*some.path("functions"), index), some.losses)
    return read


def read_tool(tool: Any, at: Path, losses: Losses) -> list[dict[str, Any]]:
    """One tool in the flat spelling, or none, which is then reported leaf by leaf."""
    if isinstance(tool, str):
        return _bare(tool, at, losses)
    if not isinstance(tool, Mapping) or not tool:
        losses.lose(at, tool, "is no tool")
        return []
    some = Taking(tool, losses, at)
    some.respell(("type", *_GUESSED))
    place, said = some.path("type"), some.take("type")
    kind = _guessed(some) if said is ABSENT else _FORMERLY.get(str(said), said)
    if kind not in _kinds():
        if said is not ABSENT:
            some.put("type", said, place)
        hint = did_you_mean(said, _kinds()) if isinstance(said, str) else None
        for key, value in some.left.items():
            losses.lose(some.path(key), value, _no_tool(said), hint)
        return []
    if said is ABSENT:
        losses.say(place, f"a tool needs a type and has none; it was read as `{kind}`")
    _formerly(said, place, losses)
    return [_flat(str(kind), some)]


def _bare(tool: str, at: Path, losses: Losses) -> list[dict[str, Any]]:
    """A tool that is only its name."""
    kind = _FORMERLY.get(tool, tool)
    from provisioner.kinds.assistant.recognized import NAMED

    if kind not in NAMED:
        losses.lose(at, tool, "is no tool", did_you_mean(tool, _kinds()))
        return []
    _formerly(tool, at, losses)
    return [{"type": kind}]


def _no_tool(said: Any) -> str:
    if said is ABSENT:
        return "stands in a tool without a type"
    return f"stands in a tool of the type `{said}`, which no spec has"


def _formerly(said: Any, at: Path, losses: Losses) -> None:
    if said in _FORMERLY:
        why = f"is called `{_FORMERLY[said]}` in specs"
        losses.say(at, why, None, "note")


def _guessed(some: Taking) -> str | None:
    for kind in _GUESSED:
        if kind in some.left:
            return kind
    return "function" if {"name", "parameters"} <= some.left.keys() else None


def _flat(kind: str, some: Taking) -> dict[str, Any]:
    if kind in some.left:
        some.unfold(kind)
    known = set(_keys(kind))
    ids, field = _IDS.get(kind, ("", ""))
    some.respell({*known, ids, "container"} - {""})
    flat: dict[str, Any] = {"type": kind}
    _bring_up(kind, some)
    if ids and ids in some.left:
        at = some.path(ids)
        flat[field] = references(some.take(ids), at, some)
    flat |= _settings(known - {field}, some)
    _ranking(flat, some)
    if kind == "mcp":
        for key in ("headers", "authorization"):
            at, value = some.path(key), some.take(key)
            some.drop(at, value, _SECRET, "your application adds it to the request")
    some.end(f"is no setting of `{kind}`", known)
    return flat


def _bring_up(kind: str, some: Taking) -> None:
    """What a spec has in the tool itself, and a source further inside or under another name."""
    if kind == "code_interpreter":
        _container(some)
    elif kind == "shell":
        _environment(some)
    elif kind == "web_search":
        _of_agents(some)
    elif kind == "mcp" and isinstance(some.left.get("credential_id"), str):
        at = some.path("credential_id")
        some.put("credential", {"id": some.take("credential_id")}, at)


def _of_agents(some: Taking) -> None:
    """A web search as agents spell it, in the spelling of specs."""
    for ours, theirs in _RENAMED.items():
        some.rename(theirs, ours)
    if isinstance(place := some.left.get("user_location"), Mapping):
        some.left["user_location"] = {"type": "approximate", **place}
    at, domains = some.path("allowed_domains"), some.take("allowed_domains")
    if domains is not ABSENT:
        some.put("filters", {"allowed_domains": domains}, at)
    if some.left.get("mode") == "cached":
        some.put("external_web_access", some.take("mode") != "cached", some.path("mode"))
    elif some.left.get("mode") == "live":
        some.losses.lose(some.path("mode"), some.take("mode"), "is so anyway", None, "note")


def _environment(some: Taking) -> None:
    """Where a shell runs: what belongs to a container stands in the tool itself."""
    at, environment = some.path("environment"), some.take("environment")
    if not isinstance(environment, Mapping) or environment.get("type") not in _SHELLS:
        some.drop(at, environment, "is a container that your application made")
        return
    inner = Taking(environment, some.losses, at)
    some.put("environment", inner.take("type"), (*at, "type"))
    for key in ("file_ids", "memory_limit", "network_policy"):
        if key in inner.left:
            some.put(key, inner.left.pop(key), inner.path(key))
    skills = inner.take("skills")
    if skills is not ABSENT:
        found = []
        for index, skill in enumerate(list_of(skills, inner.path("skills"), some)):
            found += _skill(skill, (*inner.path("skills"), index), some)
        some.put("skills", found, inner.path("skills"))
    inner.end("is no setting of a shell")


def _skill(skill: Any, at: Path, some: Taking) -> list[dict[str, Any]]:
    """A skill by its id, or by where it lies; its bytes are left where they are."""
    if isinstance(skill, Mapping) and skill.get("type") == "skill_reference":
        taken = Taking(skill, some.losses, at)
        taken.take("type")
        taken.rename("skill_id", "id")
        names = [key for key in ("id", "version") if key in taken.left]
        found: dict[str, Any] = {key: taken.take(key) for key in names}
        taken.end("is no setting of a skill")
        return [found]
    if isinstance(skill, Mapping) and "path" in skill:
        return [dict(skill)]
    some.drop(
        at, skill, "is a skill in itself", "make a skill of it at the service, and name its id"
    )
    return []


def _settings(known: set[str], some: Taking) -> dict[str, Any]:
    """The settings that a spec has. Nobody writes down what is so without it."""
    found: dict[str, Any] = {}
    for key in [key for key in some.left if key in known]:
        at, found[key] = some.path(key), some.take(key)
        some.losses.usual(at, found[key], False if key == "strict" else None)
    return found


def _container(some: Taking) -> None:
    at, container = some.path("container"), some.take("container")
    if not isinstance(container, Mapping):
        some.drop(at, container, "is a container that your application made")
        return
    inner = Taking(container, some.losses, at)
    if inner.left.get("type") == "auto":
        inner.take("type")
        some.losses.say((*at, "type"), "is what specs mean anyway", None, "note")
    for key in ("file_ids", "memory_limit", "network_policy"):
        if key in inner.left:
            some.put(key, inner.left.pop(key), inner.path(key))
    inner.end("is no setting of a container")


def _ranking(flat: dict[str, Any], some: Taking) -> None:
    from provisioner.kinds.assistant.tools import RankingOptions

    known = set(RankingOptions.model_fields)
    given = flat.get("ranking_options")
    if not isinstance(given, Mapping):
        return
    at = some.path("ranking_options")
    if not given:
        some.losses.say(at, "is empty, which says nothing", None, "note")
    options = Taking(given, some.losses, at)
    flat["ranking_options"] = {key: options.take(key) for key in given if key in known}
    options.end("is no setting of a ranking", known)
