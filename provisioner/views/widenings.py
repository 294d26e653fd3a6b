"""What a plan lets somebody reach that was out of reach before: tools, servers, documents, the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.model import Action, Change, Plan
from provisioner.text import listed
from provisioner.views.fields import pending
from provisioner.views.remarks import Remark
from provisioner.views.tools import Tool, by_key, tool_title
from provisioner.views.values import inline, shortened

_REACHES = (("vector_stores", "searches"), ("files", "its code reads"))
_OUTSIDE = ("mcp", "web_search")  # what a new assistant may have that is not of this plan's own making
_SERVER = ("server_url", "connector_id", "tunnel_id")


def widenings(plan: Plan) -> Iterator[Remark]:
    """A remark for each new reach; what is made by the same plan is in nobody's reach yet."""
    fresh = pending(plan)
    for change in plan.changes:
        if change.action in (Action.CREATE, Action.UPDATE, Action.REPLACE) or change.importing:
            for text in _reaches(change, fresh):
                yield Remark("widens", "+", inline(str(change.address)), text)


def _reaches(change: Change, fresh: frozenset[str]) -> Iterator[str]:
    sides = {field.path: (field.before, field.after) for field in change.fields}
    if change.address.kind == "assistant":
        made = change.before is None
        if made or change.action is Action.REPLACE:
            sides.setdefault("tools", ((change.before or {}).get("tools"), (change.after or {}).get("tools")))
        yield from _tools(*sides.get("tools", ((), ())), made=made, fresh=fresh)
    if "expires_after" in sides and sides["expires_after"][0] and not sides["expires_after"][1]:
        yield "no longer expires"
    if "network" in sides:
        yield from _network(*(side or {} for side in sides["network"]))


def _tools(before: Any, after: Any, *, made: bool, fresh: frozenset[str]) -> Iterator[str]:
    old, new = by_key(list(before or ())), by_key(list(after or ()))
    for key, tool in new.items():
        if key in old:
            yield from _wider(old[key], tool)
            continue
        known = _searched({}, tool, fresh if made else frozenset())
        if not made or tool.get("type") in _OUTSIDE:
            yield f"new tool {', '.join([tool_title(tool), *_where(tool), *known])}"
        else:
            yield from known


def _where(tool: Tool) -> Iterator[str]:
    """Which server a tool calls, and with how little asking."""
    yield from (inline(str(tool[name])) for name in _SERVER if tool.get(name))
    if tool.get("type") == "mcp":
        allowed = _allowed(tool)
        yield "all of its tools" if allowed is None else f"its tools {listed(sorted(allowed))}"
        if _approval(tool) != "always":
            yield f"approval {shortened(_approval(tool), 60)}"


def _wider(old: Tool, new: Tool) -> Iterator[str]:
    name = tool_title(new)
    yield from _searched(old, new, frozenset())
    if old.get("filters") and not new.get("filters"):
        yield f"{name} is no longer limited by `filters`"
    elif new.get("type") == "web_search" and (more := _more(_domains(old), _domains(new))):
        yield f"{name} may look at {more}"
    if old.get("external_web_access") is False and new.get("external_web_access") is not False:
        yield f"{name} may read the live web"
    yield from _server(name, old, new)


def _server(name: str, old: Tool, new: Tool) -> Iterator[str]:
    if new.get("type") != "mcp":
        return
    where = [inline(str(new[key])) for key in _SERVER if new.get(key) and new.get(key) != old.get(key)]
    if where:
        yield f"{name} calls another server, {', '.join(where)}"
    if more := _more(_allowed(old), _allowed(new)):
        yield f"{name} may call {more}"
    if _approval(old) != _approval(new) != "always":
        yield f"{name} needs less approval, {shortened(_approval(old), 60)} → {shortened(_approval(new), 60)}"


def _searched(old: Mapping[str, Any], new: Mapping[str, Any], fresh: frozenset[str]) -> Iterator[str]:
    """Stores and documents that a tool reaches anew."""
    for key, verb in _REACHES:
        had, has = old.get(key) or (), new.get(key) or ()
        found = [_reference(item) for item in has if item not in had and not (isinstance(item, str) and item in fresh)]
        if found:
            yield f"{verb} {listed(found)}"


def _reference(item: Any) -> str:
    return inline(str(item.get("id", item) if isinstance(item, dict) else item))


def _allowed(tool: Tool) -> list[str] | None:
    """The tools of a server that may be called; None for all of them."""
    given = tool.get("allowed_tools")
    if not isinstance(given, dict):
        return given
    read_only = ["the read-only ones"] if given.get("read_only") else None
    return given.get("tool_names", read_only)


def _approval(tool: Tool) -> Any:
    return tool.get("require_approval") or "always"


def _domains(holder: Mapping[str, Any]) -> list[str] | None:
    return (holder.get("filters") or holder).get("allowed_domains")


def _more(old: list[str] | None, new: list[str] | None) -> str:
    """What is allowed anew, where None allows everything."""
    if new is None:
        return "" if old is None else "everything, and not only " + listed([inline(item) for item in old])
    return "" if old is None else listed([inline(item) for item in new if item not in old])


def _network(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """The network of an environment template."""
    if before.get("access") != after.get("access") and after.get("access") not in ("none", "disabled"):
        yield f"network access {shortened(before.get('access'))} → {shortened(after.get('access'))}"
    if more := _more(_domains(before), _domains(after)):
        yield f"its network reaches {more}"
