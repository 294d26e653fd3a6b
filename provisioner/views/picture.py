"""What depends on what, for drawing: which resources are nodes, which stand together, and which are
left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import pairwise
from statistics import fmean

from provisioner.kinds import is_file
from provisioner.model import Address, Applied, Drift, Event, Plan
from provisioner.records import dataclass
from provisioner.views.outline import symbol_of
from provisioner.views.values import inline, many

_Needs = Mapping[Address, Iterable[Address]]
_Edge = tuple[str, str]  # from a user to what it uses, by the keys of their nodes
CROWDED = 40  # nodes that one picture carries
ALIKE = 3  # nodes in the same place, beyond which they are drawn as one
_URGENT = ("!", "-", "-/+", "+", "<-", "~", ">", ".", "")


@dataclass(frozen=True, slots=True)
class Node:
    """One resource, or several that stand together. `symbol` tells what becomes of it,
    "" nothing.
    """

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
    edges: tuple[_Edge, ...] = ()
    left_out: int = 0
    outside: bool = False  # symbols tell what somebody else did, and not what is planned

    def neighbours(self) -> dict[str, set[str]]:
        beside: dict[str, set[str]] = {node.key: set() for node in self.nodes}
        for user, used in self.edges:
            beside[user].add(used)
            beside[used].add(user)
        return beside


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
        nodes = []
        for address in sorted(self.symbols):
            symbol = self.symbols[address].strip()
            nodes.append(
                Node(inline(str(address)), inline(address.kind), inline(address.name), symbol)
            )
        edges = sorted(
            (inline(str(user)), inline(str(used))) for user, used in self.edges if user != used
        )
        return Graph(tuple(nodes), tuple(edges))


def plan_graph(plan: Plan) -> Graph:
    """What a plan looked at, with what it does to each."""
    return _planned(plan).graph()


def _planned(plan: Plan) -> _Builder:
    builder = _Builder()
    for change in plan.changes:
        builder.symbols[change.address] = symbol_of(change)
        builder.uses(change.address, change.depends_on)
    for item in plan.store_file_changes:
        if item.file is not None:
            builder.uses(item.store, [item.file])
    return builder


def applied_graph(applied: Applied, events: Iterable[Event] = ()) -> Graph:
    """What an apply did; what failed or was skipped is marked as such, and after an interruption
    what was not done.
    """
    builder = _planned(applied.plan)
    undone = {problem.address for problem in applied.failed} | {
        str(address) for address in applied.skipped
    }
    if applied.interrupted:
        done = {event.address for event in events if event.type == "done"}
        undone |= {
            str(address)
            for address, symbol in builder.symbols.items()
            if symbol.strip() and address not in done
        }
    for address in builder.symbols:
        if str(address) in undone:
            builder.symbols[address] = "!"
    return builder.graph()


def drift_graph(drift: Drift, needs: _Needs | None = None) -> Graph:
    """What drifted, beside what uses it and what it uses. `needs` is what each resource uses."""
    builder = _Builder()
    for user, used in (needs or {}).items():
        builder.uses(user, used)
    for item in drift.found:
        if item.drift != "local":
            builder.symbols[item.address] = "-" if item.drift == "missing" else "~"
    return replace(builder.graph(), outside=True)


def reduced(graph: Graph) -> Graph:
    """As much of a graph as a picture carries: alike nodes folded, what is far from any change left
    out.
    """
    graph = _folded(graph)
    if len(graph.nodes) > CROWDED:
        beside = graph.neighbours()
        changed = {node.key for node in graph.nodes if node.symbol}
        near = changed.union(*(beside[key] for key in changed))
        graph = _only(graph, near)
    if len(graph.nodes) > CROWDED:
        graph = _folded(graph, changed=True)
    if len(graph.nodes) > CROWDED:
        ordered = sorted(graph.nodes, key=lambda node: _URGENT.index(node.symbol))
        graph = _only(graph, {node.key for node in ordered[:CROWDED]})
    return graph


def _only(graph: Graph, keys: set[str]) -> Graph:
    nodes = tuple(node for node in graph.nodes if node.key in keys)
    edges = tuple((user, used) for user, used in graph.edges if user in keys and used in keys)
    lost = sum(node.size for node in graph.nodes if node.key not in keys)
    return replace(graph, nodes=nodes, edges=edges, left_out=graph.left_out + lost)


def _folded(graph: Graph, *, changed: bool = False) -> Graph:
    """Nodes of one kind and with the same neighbours as one node: files whatever becomes of them,
    others that stay as they are, or with `changed` those to which the same happens.
    """
    beside = graph.neighbours()
    groups: dict[Hashable, list[Node]] = {}
    for node in graph.nodes:
        symbol = "" if is_file(Address(node.kind, node.name)) else node.symbol
        alike = (node.kind, symbol, frozenset(beside[node.key]))
        groups.setdefault(node.key if symbol and not changed else alike, []).append(node)
    keys: dict[str, str] = {}
    nodes = []
    for members in groups.values():
        drawn = [_group(members)] if len(members) > ALIKE else members
        nodes += drawn
        keys.update(
            (member.key, drawn[0].key if len(drawn) == 1 else member.key) for member in members
        )
    edges = dict.fromkeys((keys[user], keys[used]) for user, used in graph.edges)
    return replace(graph, nodes=tuple(nodes), edges=tuple(edges))


def _group(nodes: list[Node]) -> Node:
    members = tuple(member for node in nodes for member in (node.members or (node,)))
    changed = {member.symbol for member in members if member.symbol}
    symbol = "~" if changed else ""
    if len(changed) == 1:
        symbol = changed.pop()
    kind = nodes[0].kind
    return Node(
        nodes[0].key,
        kind,
        name=many(len(members), kind.replace("_", " ")),
        symbol=symbol,
        members=members,
    )


WIDTH, HEIGHT = 216, 44  # of a node, in pixels
_GAP_X, _GAP_Y = 84, 14
_BEND = 14  # the room that an edge takes where it passes a column
_SWEEPS = 4
_MARGIN = 8


@dataclass(frozen=True, slots=True)
class Box:
    """A node with its upper left corner."""

    node: Node
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Curve:
    """An edge as the `d` of an SVG path."""

    edge: _Edge
    path: str


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole picture and its size."""

    boxes: tuple[Box, ...]
    curves: tuple[Curve, ...]
    width: float
    height: float


Slot = Hashable  # the key of a node, or (edge, column) where an edge passes
Links = dict[Slot, list[Slot]]


def laid_out(graph: Graph) -> Layout:
    """Columns by dependency, rows by the neighbours' rows (Sugiyama, with barycentres)."""
    columns = _columns(graph)
    chains: dict[_Edge, list[Slot]] = {}  # the slots that each edge runs through, from end to end
    for user, used in graph.edges:
        between = range(columns[user] + 1, columns[used])
        # References in a circle are refused long before; should one get here, its last edge is not
        # drawn.
        if columns[user] < columns[used]:
            chains[user, used] = [user, *(((user, used), column) for column in between), used]
    layers = _layers(graph, columns, chains)
    left, right = _links(chains)
    _untangle(layers, left, right)
    middle = _rows(layers, left, right)
    boxes = [
        Box(node, _left(columns[node.key]), middle[node.key] - HEIGHT / 2) for node in graph.nodes
    ]
    curves = [Curve(edge, _path(columns[edge[0]], chain, middle)) for edge, chain in chains.items()]
    width = _left(max(columns.values(), default=0)) + WIDTH + _MARGIN
    height = max((at + _height(slot) / 2 for slot, at in middle.items()), default=0.0) + _MARGIN
    return Layout(tuple(boxes), tuple(curves), width, height)


def _columns(graph: Graph) -> dict[str, int]:
    """The column of each node: right of its users, and as far right as others of its kind are."""
    uses: dict[str, list[str]] = {node.key: [] for node in graph.nodes}
    users: dict[str, list[str]] = {node.key: [] for node in graph.nodes}
    for user, used in graph.edges:
        uses[user].append(used)
        users[used].append(user)
    # Every node after its users; what stands in a circle comes last, in any order.
    waiting = {key: len(names) for key, names in users.items()}
    order = [key for key, count in waiting.items() if count == 0]
    for key in order:  # grows while it is read
        for used in uses[key]:
            waiting[used] -= 1
            if waiting[used] == 0:
                order.append(used)
    done = set(order)
    order += [node.key for node in graph.nodes if node.key not in done]
    depth: dict[str, int] = {}
    for key in order:
        depth[key] = 1 + max((depth[user] for user in users[key] if user in depth), default=-1)
    kinds = {node.key: node.kind for node in graph.nodes}
    furthest: dict[str, int] = {}
    for key, level in depth.items():
        furthest[kinds[key]] = max(level, furthest.get(kinds[key], 0))
    columns: dict[str, int] = {}
    for key in reversed(order):
        nearest = min(
            (columns[used] - 1 for used in uses[key] if used in columns), default=len(order)
        )
        columns[key] = max(depth[key], min(furthest[kinds[key]], nearest))
    return columns


def _layers(
    graph: Graph, columns: dict[str, int], chains: dict[_Edge, list[Slot]]
) -> list[list[Slot]]:
    layers: list[list[Slot]] = [[] for _ in range(max(columns.values(), default=-1) + 1)]
    connected = {key for edge in graph.edges for key in edge}
    for node in sorted(graph.nodes, key=lambda node: node.key not in connected):
        layers[columns[node.key]].append(node.key)
    for (user, _), chain in chains.items():
        for number, slot in enumerate(chain[1:-1], 1):
            layers[columns[user] + number].append(slot)
    return layers


def _links(chains: dict[_Edge, list[Slot]]) -> tuple[Links, Links]:
    """The neighbours of each slot to its left and to its right."""
    left: Links = {}
    right: Links = {}
    for chain in chains.values():
        for one, other in pairwise(chain):
            right.setdefault(one, []).append(other)
            left.setdefault(other, []).append(one)
    return left, right


def _passes(
    layers: list[list[Slot]], left: Links, right: Links
) -> Iterator[tuple[list[Slot], Links]]:
    """Every column with the side to look to: rightward, then leftward, and again."""
    for _ in range(_SWEEPS):
        yield from ((layer, left) for layer in layers[1:])
        yield from ((layer, right) for layer in reversed(layers[:-1]))


def _untangle(layers: list[list[Slot]], left: Links, right: Links) -> None:
    """Order each column by the mean row of its neighbours."""
    rows = {slot: float(row) for layer in layers for row, slot in enumerate(layer)}
    for layer, links in _passes(layers, left, right):
        layer.sort(
            key=lambda slot: (
                fmean(rows[other] for other in links[slot]) if slot in links else rows[slot]
            )
        )
        rows.update((slot, float(row)) for row, slot in enumerate(layer))


def _rows(layers: list[list[Slot]], left: Links, right: Links) -> dict[Slot, float]:
    """The middle of each slot: as near to its neighbours as the others in its column leave room
    for.
    """
    middle: dict[Slot, float] = {}
    for layer in layers:
        _stack(layer, [None] * len(layer), middle)
    for layer, links in _passes(layers, left, right):
        wanted: list[float | None] = []
        for slot in layer:
            beside = [middle[other] for other in links.get(slot, ())]
            wanted.append(fmean(beside) if beside else None)
        _stack(layer, wanted, middle)
    # The same rows from the top, without the bands in which nothing stands: parts that share
    # no edge drift apart.
    slots: dict[Slot, float] = {}
    bottom, empty = 0.0, 0.0  # where the rows above end, and the height taken out above
    for slot in sorted(middle, key=lambda slot: middle[slot] - _height(slot) / 2):
        half = _height(slot) / 2
        room = _GAP_Y if slots else _MARGIN
        top = middle[slot] - half - empty
        if top > bottom + room or not slots:
            empty += top - bottom - room
        slots[slot] = middle[slot] - empty
        bottom = max(bottom, slots[slot] + half)
    return slots


def _height(slot: Slot) -> int:
    return HEIGHT if isinstance(slot, str) else _BEND


def _stack(
    layer: Sequence[Slot], wanted: Sequence[float | None], middle: dict[Slot, float]
) -> None:
    """Put a column in its order, each where it is wanted or below the one before; then move all to
    the mean.
    """
    lowest: float | None = None
    for slot, want in zip(layer, wanted, strict=True):
        half = _height(slot) / 2
        places = [
            place
            for place in (want, None if lowest is None else lowest + half)
            if place is not None
        ]
        middle[slot] = max(places, default=0.0)
        lowest = middle[slot] + half + _GAP_Y
    off = [
        want - middle[slot] for slot, want in zip(layer, wanted, strict=True) if want is not None
    ]
    shift = 0.0
    if off:
        shift = fmean(off)
    elif layer:
        shift = -fmean(middle[slot] for slot in layer)
    for slot in layer:
        middle[slot] += shift


def _left(column: int) -> int:
    return _MARGIN + column * (WIDTH + _GAP_X)


def _path(column: int, chain: list[Slot], middle: dict[Slot, float]) -> str:
    """A smooth line from the right of the user, straight past each column between, to the left of
    what it uses.
    """
    bend = _GAP_X / 2
    x, y = _left(column) + WIDTH, middle[chain[0]]
    parts = [f"M{x} {y:.1f}"]
    for slot in chain[1:]:
        end, y_end = x + _GAP_X, middle[slot]
        parts.append(f"C{x + bend} {y:.1f} {end - bend} {y_end:.1f} {end} {y_end:.1f}")
        x, y = end, y_end
        if not isinstance(slot, str):
            x += WIDTH
            parts.append(f"H{x}")
    return "".join(parts)
