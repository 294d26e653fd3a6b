"""What the lock says, for readers and as JSON."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from provisioner import jsontext
from provisioner.errors import UsageError
from provisioner.kinds import is_file
from provisioner.lock.entry import entry_to_json
from provisioner.model import Address, Locked, LockState, Problem
from provisioner.views.fields import text_like, whole_fields
from provisioner.views.text import line_text
from provisioner.views.values import inline, many, value, visible


def state_list_text(state: LockState | None) -> str:
    """An address a line."""
    return "".join(f"{inline(str(address))}\n" for address in _sorted(state))


def state_list_json(state: LockState | None) -> dict[str, Any]:
    """Every resource with its id."""
    entries = [state.resources[address] for address in _sorted(state)] if state else []
    rows = [
        {
            "address": str(entry.address),
            "type": entry.address.kind,
            "name": entry.address.name,
            "id": entry.id,
            "api": entry.api,
        }
        for entry in entries
    ]
    return {"resources": rows}


def _sorted(state: LockState | None) -> list[Address]:
    return sorted(state.resources) if state else []


def entry_json(entry: Locked) -> dict[str, Any]:
    """One resource as the lockfile has it, with its address."""
    return {"address": str(entry.address), **entry_to_json(entry)}


def entry_text(entry: Locked) -> str:
    """One resource: its address, then what we last applied."""
    lines = [inline(str(entry.address))]
    for name, given in entry_to_json(entry).items():
        if name == "fields":
            for field, item in given.items():
                lines += _lines(field, item)
        else:
            lines += _lines(name, given)
    return "\n".join(lines) + "\n"


def _lines(name: str, given: Any) -> Iterator[str]:
    if text_like(given):
        yield f"    {inline(name)}:"
        yield from (line_text(line) for line in whole_fields(given, " ", True))
    else:
        yield f"    {inline(name)}: {value(given)}"


def show_text(state: LockState | None) -> str:
    """The whole lock."""
    if state is None or not state.resources:
        return "Nothing has been applied yet.\n"
    names = f"{inline(state.workspace)}/{inline(state.environment)}"
    head = f"{names}, serial {state.serial}, {many(len(state.resources), 'resource')}\n"
    return "\n".join([head, *(entry_text(state.resources[address]) for address in _sorted(state))])


def show_json(state: LockState | None) -> dict[str, Any]:
    """The whole lock, as one document."""
    if state is None:
        return {"resources": {}}
    return {
        "workspace": state.workspace,
        "environment": state.environment,
        "lineage": state.lineage,
        "serial": state.serial,
        "origin": dict(state.origin),
        "resources": {
            str(address): entry_to_json(state.resources[address]) for address in _sorted(state)
        },
    }


Outputs = Mapping[str, Mapping[str, Any]]
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"])


def as_json(outputs: Outputs) -> str:
    """One document, by address."""
    return jsontext.indented(outputs) + "\n"


def as_env(outputs: Outputs) -> str:
    """`ASSISTANT_SUPPORT_ID=asst_…`, quoted as a shell wants it."""
    names: dict[str, str] = {}
    lines = []
    for address, output in outputs.items():
        name = re.sub(r"[^A-Z0-9]+", "_", address.upper())
        if name in names:
            detail = f"`{names[name]}` and `{address}` would both be called `{name}_ID`."
            hint = "name the addresses that you need, or use `--format json`"
            raise UsageError(Problem("Names collide", detail, hint))
        names[name] = address
        for key, given in output.items():
            if given is not None:
                text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
                lines.append(f"{name}_{key.upper()}={shlex.quote(text)}\n")
    return "".join(lines)


def as_yaml(outputs: Outputs) -> str:
    """Block style, every text quoted as JSON does, which YAML reads as well."""
    return "".join(f"{line}\n" for line in _yaml(outputs, 0)) if outputs else "{}\n"


def _yaml(given: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    pairs = given.items() if isinstance(given, Mapping) else ((None, item) for item in given)
    for key, item in pairs:
        if key is None:
            head = f"{pad}-"
        else:
            name = str(key)
            plain = _PLAIN_KEY.fullmatch(name) and name.lower() not in _WORDS
            head = f"{pad}{name if plain else _scalar(name)}:"
        if isinstance(item, Mapping | list | tuple) and item:
            yield head
            yield from _yaml(item, depth + 1)
        else:
            yield f"{head} {_scalar(item)}"


def _scalar(given: Any) -> str:
    # YAML 1.1 readers take DEL and the C1 controls, but not unescaped.
    text = json.dumps(given, ensure_ascii=False)
    return re.sub(
        "[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text
    )


FORMATS: dict[str, Callable[[Outputs], str]] = {"json": as_json, "env": as_env, "yaml": as_yaml}


_Needs = Mapping[Address, Iterable[Address]]
FOLD = 20  # files of one store, beyond which they stand together
# Mermaid's codes for what would end a label or open a tag.
_ENTITIES = str.maketrans(
    {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;"}
)


def graph_mermaid(needs: _Needs, *, verbose: bool = False) -> str:
    """A flowchart; more than twenty files that the same resources use are one node, unless
    `verbose`.
    """
    users: dict[Address, set[Address]] = {address: set() for address in _nodes(needs)}
    for user, used in _edges(needs):
        users[used].add(user)
    groups: dict[frozenset[Address], list[Address]] = {}
    for address, found in users.items():
        if is_file(address) and found:
            groups.setdefault(frozenset(found), []).append(address)
    labels = {address: str(address) for address in users}
    for shared, files in groups.items():
        if len(files) > FOLD and not verbose:
            title = f"{len(files):,} files of {', '.join(map(str, sorted(shared)))}"
            labels.update(dict.fromkeys(files, title))
    edges = dict.fromkeys((labels[user], labels[used]) for user, used in _edges(needs))
    names = {label: f"n{number}" for number, label in enumerate(dict.fromkeys(labels.values()))}
    lines = ["flowchart LR"]
    for label, name in names.items():
        shown = visible(label).replace("\n", " ").translate(_ENTITIES)
        lines.append(f'  {name}["{shown}"]')
    lines += [f"  {names[user]} --> {names[used]}" for user, used in edges]
    return "\n".join(lines) + "\n"


def _nodes(needs: _Needs) -> list[Address]:
    return sorted({*needs, *(used for found in needs.values() for used in found)})


def _edges(needs: _Needs) -> list[tuple[Address, Address]]:
    return [(user, used) for user in sorted(needs) for used in sorted(set(needs[user]))]


def graph_json(needs: _Needs) -> dict[str, Any]:
    """Nodes and edges; an edge goes from the user to what it uses."""
    return {
        "nodes": [
            {"address": str(node), "type": node.kind, "name": node.name} for node in _nodes(needs)
        ],
        "edges": [{"from": str(user), "to": str(used)} for user, used in _edges(needs)],
    }
