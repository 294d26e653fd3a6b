"""What depends on what, for drawing: which resources are nodes, which stand together, and which are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from provisioner.model import Address, Applied, Drift, Event, Plan
from provisioner.views.outline import symbol_of
from provisioner.views.values import inline, many

Needs = Mapping[Address, Iterable[Address]]
Edge = tuple[str, str]  # from a user to what it uses, by the keys of their nodes
CROWDED = 40  # nodes that one picture carries
ALIKE = 3  # nodes in the same place, beyond which they are drawn as one
_URGENT = ("!", "-", "-/+", "+", "<-", "~", ">", ".", "")


@dataclass(frozen=True, slots=True)
class Node:
    """One resource, or several that stand together. `symbol` tells what becomes of it (DESIGN §2), "" nothing."""

    key: str
    kind: str
    name: str
    symbol: str = ""
    members: tuple[Node, ...] = ()

    @property
    def size(self) -> int:
        return len(self.members) or 1

    @property
    def tally(self) -> dict[str, int]:
        """How many of its members change, by symbol."""
        counts = Counter(member.symbol for member in self.members if member.symbol)
        return {symbol: counts[symbol] for symbol in _URGENT if counts[symbol]}


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes and the edges between them; `left_out` resources are in neither."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    left_out: int = 0
    outside: bool = False  # symbols tell what somebody else did, and not what is planned

    def neighbours(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {node.key: set() for node in self.nodes}
        for user, used in self.edges:
            found[user].add(used)
            found[used].add(user)
        return found


@dataclass
class _Builder:
    """A graph as it grows; whatever an edge names becomes a node."""

    symbols: dict[Address, str] = field(default_factory=dict)
    edges: dict[tuple[Address, Address], None] = field(default_factory=dict)

    def uses(self, user: Address, used: Iterable[Address]) -> None:
        self.symbols.setdefault(user, "")
        for address in used:
            self.symbols.setdefault(address, "")
            self.edges[user, address] = None

    def graph(self) -> Graph:
        nodes = [_node(address, self.symbols[address]) for address in sorted(self.symbols)]
        edges = sorted((inline(str(user)), inline(str(used))) for user, used in self.edges if user != used)
        return Graph(tuple(nodes), tuple(edges))


def _node(address: Address, symbol: str) -> Node:
    return Node(inline(str(address)), inline(address.kind), inline(address.name), symbol.strip())


def plan_graph(plan: Plan) -> Graph:
    """What a plan looked at, with what it does to each."""
    return _planned(plan).graph()


def _planned(plan: Plan) -> _Builder:
    found = _Builder()
    for change in plan.changes:
        found.symbols[change.address] = symbol_of(change)
        found.uses(change.address, change.depends_on)
    for attachment in plan.attachments:
        if attachment.file is not None:
            found.uses(attachment.store, [attachment.file])
    return found


def applied_graph(applied: Applied, events: Iterable[Event] = ()) -> Graph:
    """What an apply did; what failed or was skipped is marked as such, and after an interruption what was not done."""
    found = _planned(applied.plan)
    undone = {problem.address for problem in applied.failed} | {str(address) for address in applied.skipped}
    if applied.interrupted:
        done = {event.address for event in events if event.type == "done"}
        undone |= {str(address) for address, symbol in found.symbols.items() if symbol.strip() and address not in done}
    for address in found.symbols:
        if str(address) in undone:
            found.symbols[address] = "!"
    return found.graph()


def drift_graph(drift: Drift, needs: Needs | None = None) -> Graph:
    """What drifted, beside what uses it and what it uses. `needs` is what each resource uses."""
    found = _Builder()
    for user, used in (needs or {}).items():
        found.uses(user, used)
    for item in drift.found:
        if item.drift != "local":
            found.symbols[item.address] = "-" if item.drift == "missing" else "~"
    return replace(found.graph(), outside=True)


def reduced(graph: Graph) -> Graph:
    """As much of a graph as a picture carries: alike nodes folded, what is far from any change left out."""
    graph = _folded(graph)
    if len(graph.nodes) > CROWDED:
        graph = _near_changes(graph)
    if len(graph.nodes) > CROWDED:
        graph = _folded(graph, changed=True)
    if len(graph.nodes) > CROWDED:
        ordered = sorted(graph.nodes, key=lambda node: _URGENT.index(node.symbol))
        graph = _only(graph, {node.key for node in ordered[:CROWDED]})
    return graph


def _near_changes(graph: Graph) -> Graph:
    """What changes, with its neighbours."""
    beside = graph.neighbours()
    changed = {node.key for node in graph.nodes if node.symbol}
    return _only(graph, changed.union(*(beside[key] for key in changed)))


def _only(graph: Graph, keys: set[str]) -> Graph:
    nodes = tuple(node for node in graph.nodes if node.key in keys)
    edges = tuple((user, used) for user, used in graph.edges if user in keys and used in keys)
    lost = sum(node.size for node in graph.nodes if node.key not in keys)
    return replace(graph, nodes=nodes, edges=edges, left_out=graph.left_out + lost)


def _folded(graph: Graph, *, changed: bool = False) -> Graph:
    """Nodes of one kind and with the same neighbours as one node: files whatever becomes of them, others that stay
    as they are, or with `changed` those to which the same happens."""
    beside = graph.neighbours()
    groups: dict[Hashable, list[Node]] = {}
    for node in graph.nodes:
        symbol = "" if node.kind == "file" else node.symbol
        alike = (node.kind, symbol, frozenset(beside[node.key]))
        groups.setdefault(node.key if symbol and not changed else alike, []).append(node)
    keys: dict[str, str] = {}
    nodes = []
    for members in groups.values():
        drawn = [_group(members)] if len(members) > ALIKE else members
        nodes += drawn
        keys.update((member.key, drawn[0].key if len(drawn) == 1 else member.key) for member in members)
    edges = dict.fromkeys((keys[user], keys[used]) for user, used in graph.edges)
    return replace(graph, nodes=tuple(nodes), edges=tuple(edges))


def _group(nodes: list[Node]) -> Node:
    members = tuple(member for node in nodes for member in (node.members or (node,)))
    changed = {member.symbol for member in members if member.symbol}
    symbol = changed.pop() if len(changed) == 1 else "~" if changed else ""
    kind = nodes[0].kind
    return Node(nodes[0].key, kind, many(len(members), kind.replace("_", " ")), symbol, members)
