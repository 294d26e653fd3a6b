"""What an API makes of a whole assistant: field by field, and setting by setting of its tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from provisioner.kinds.assistant import carried
from provisioner.kinds.assistant.carried import DEFAULTS, NESTED, TOOL, TOOLS
from provisioner.kinds.assistant.fields import FIELDS
from provisioner.kinds.base import Form, Loss, Path
from provisioner.kinds.table import Field
from provisioner.model import Address, Fields, Mapped
from provisioner.text import quoted

_TOP = "its keys, at the top of the request"
_SESSION = "what `output` prints for `sessions.create`"
_ANYWAY = "is so anyway, and not sent"


def mapped(form: Form, address: Address, fields: Fields) -> Iterator[Mapped]:
    """A row for everything that is declared, in the order of the reference, and one for what is
    not and means something else under another API.
    """
    losses = list(form.losses(address, fields))
    for one in FIELDS:
        if not one.kept or not one.about:
            continue
        if one.name == "tools":
            yield from _tools(str(form.api), fields.get("tools") or (), losses)
        elif fields.get(one.name) is None:
            yield from _left(str(form.api), one.name)
        else:
            yield from _field(str(form.api), one, fields[one.name], losses)


def spelt(one: Field, api: str) -> str:
    """Where a request has a field as a whole: `reasoning.effort`."""
    return NESTED.get((api, one.name)) or ".".join(one.path(api))


def _field(api: str, one: Field, value: Any, losses: Sequence[Loss]) -> Iterator[Mapped]:
    whole = _loss_of((one.name,), losses)
    if whole is not None:
        yield _lost((one.name,), whole)
        return
    carriers = one.apis or frozenset(carried.TITLES)
    if api not in carriers:
        if one.name in DEFAULTS:  # what is said is the default, otherwise it is lost
            yield from _left(api, one.name)
        else:
            why = f"for {quoted(sorted(carriers), 'and')} alone"
            yield Mapped(one.name, "unused", why=why)
    elif api == carried.R and value in (one.default, "", [], {}):
        yield Mapped(one.name, "default", why=_ANYWAY)
    else:
        yield _kept(one.name, _place(api, one, value))
        yield from _inside((one.name,), losses)
        if one.name == "response_format":
            yield from _unsaid(api, value)


def _place(api: str, one: Field, value: Any) -> str:
    """Where a request has a field that is carried."""
    if one.name == api:
        return _TOP
    if one.name == "session":
        return _SESSION
    return spelt(one, api) if isinstance(value, Mapping) else ".".join(one.path(api))


def _unsaid(api: str, value: Any) -> Iterator[Mapped]:
    """What a format says of what an agent has no word for, where that says nothing."""
    if api == carried.G and isinstance(value, Mapping):
        for name in ("description", "strict"):
            if name in value and not value[name]:
                yield Mapped(f"response_format.{name}", "default", why=_ANYWAY)


def _tools(api: str, tools: Sequence[Fields], losses: Sequence[Loss]) -> Iterator[Mapped]:
    for index, tool in enumerate(tools):
        kind, at = str(tool["type"]), ("tools", index)
        inside = [loss for loss in losses if loss.path[:2] == at]
        nothing_left = carried.carried(api, tool) is None
        whole = _loss_of(at, inside)
        if nothing_left and whole is None:  # a server without the one home that it has
            homes = [_loss_of((*at, home), inside) for home in carried.HOMES]
            whole = next(filter(None, homes), None)
        if whole is not None:
            yield _lost(at, whole, kind)
            with_it = replace(whole, why="goes with its tool", hint="")
            for name in _said(tool):
                path = (*at, name)
                yield _lost(path, _loss_of(path, inside) or with_it, kind)
        elif nothing_left:
            yield Mapped(_joined(at), "renamed", kind, to=carried.OFF)
        else:
            yield _kept(_joined(at), TOOLS[kind][TOOL][api] or kind, kind, own=kind)
            yield from _settings(api, tool, at, inside)


def _settings(api: str, tool: Fields, at: Path, losses: Sequence[Loss]) -> Iterator[Mapped]:
    kind = str(tool["type"])
    for name in _said(tool):
        path = (*at, name)
        whole, where = _loss_of(path, losses), TOOLS[kind].get(name, {})
        if whole is not None:
            yield _lost(path, whole, kind)
        elif where.get(api, carried.OFF) != carried.OFF:
            yield _kept(_joined(path), where[api] or name, kind, own=name)
            yield from _inside(path, losses, kind)
        else:
            yield Mapped(_joined(path), "default", kind, why=_ANYWAY)
    for name in TOOLS[kind]:
        if name and tool.get(name) is None:
            yield from _left(api, f"tools.{kind}.{name}", _joined((*at, name)), kind)


def _inside(path: Path, losses: Sequence[Loss], kind: str = "") -> Iterator[Mapped]:
    """What is lost below a value that goes along."""
    for loss in losses:
        for at in (loss.path, *loss.also):
            if at[: len(path)] == path and len(at) > len(path):
                yield _lost(at, loss, kind)


def _left(api: str, name: str, path: str = "", kind: str = "") -> Iterator[Mapped]:
    """What nobody says, and each API fills in on its own."""
    said = DEFAULTS.get(name, {})
    others = [f"{said[other]} under `{other}`" for other in said if other != api]
    if api in said:
        why = f"{said[api]} here; {', '.join(others)}"
        yield Mapped(path or name, "default", kind, why=why)


def _said(tool: Mapping[str, Any]) -> Iterator[str]:
    for name, value in tool.items():
        if name != "type" and value is not None:
            yield name


def _loss_of(path: Path, losses: Sequence[Loss]) -> Loss | None:
    """What takes all of a value away."""
    return next((one for one in losses if tuple(one.path) == path), None)


def _kept(path: str, to: str, kind: str = "", *, own: str = "") -> Mapped:
    return Mapped(path, "carried" if to == (own or path) else "renamed", kind, to=to)


def _lost(path: Path, loss: Loss, kind: str = "") -> Mapped:
    return Mapped(_joined(path), "lost", kind, why=loss.why, hint=loss.hint, loss=loss.name)


def _joined(path: Path) -> str:
    """`tools[0].max_num_results`"""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")
