"""What depends on what, as a Mermaid flowchart and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.model import Address
from provisioner.views.values import visible

Needs = Mapping[Address, Iterable[Address]]
FOLD = 20  # files of one store, beyond which they stand together


def graph_mermaid(needs: Needs, *, verbose: bool = False) -> str:
    """A flowchart; more than twenty files that the same resources use are one node, unless `verbose`."""
    labels, edges = _folded(needs, verbose)
    names = {label: f"n{number}" for number, label in enumerate(labels)}
    lines = ["flowchart LR", *(f'  {names[label]}["{_label(label)}"]' for label in labels)]
    lines += [f"  {names[user]} --> {names[used]}" for user, used in edges]
    return "\n".join(lines) + "\n"


def _label(text: str) -> str:
    """Mermaid has entity codes for what would end a label or open a tag."""
    codes = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;"}
    return "".join(codes.get(letter, letter) for letter in visible(text).replace("\n", " "))


def _folded(needs: Needs, verbose: bool) -> tuple[list[str], list[tuple[str, str]]]:
    users: dict[Address, set[Address]] = {address: set() for address in _nodes(needs)}
    for user, used in _edges(needs):
        users[used].add(user)
    groups: dict[frozenset[Address], list[Address]] = {}
    for address, found in users.items():
        if address.kind == "file" and found:
            groups.setdefault(frozenset(found), []).append(address)
    names = {address: str(address) for address in users}
    for shared, files in groups.items():
        if len(files) > FOLD and not verbose:
            title = f"{len(files):,} files of {', '.join(map(str, sorted(shared)))}"
            names.update(dict.fromkeys(files, title))
    edges = dict.fromkeys((names[user], names[used]) for user, used in _edges(needs))
    return list(dict.fromkeys(names.values())), list(edges)


def _nodes(needs: Needs) -> list[Address]:
    return sorted({*needs, *(used for found in needs.values() for used in found)})


def _edges(needs: Needs) -> list[tuple[Address, Address]]:
    return [(user, used) for user in sorted(needs) for used in sorted(set(needs[user]))]


def graph_json(needs: Needs) -> dict[str, Any]:
    """Nodes and edges; an edge goes from the user to what it uses."""
    return {
        "nodes": [{"address": str(node), "type": node.kind, "name": node.name} for node in _nodes(needs)],
        "edges": [{"from": str(user), "to": str(used)} for user, used in _edges(needs)],
    }
