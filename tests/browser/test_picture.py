"""The dependency graph: what is drawn, what stands together, what is left out, and where everything
goes.
"""

from __future__ import annotations

import random
import time
from itertools import combinations

import pytest

from provisioner.model import (
    Action,
    Address,
    Applied,
    Change,
    Drift,
    Drifted,
    Event,
    Problem,
    Service,
)
from provisioner.views.picture import (
    CROWDED,
    HEIGHT,
    WIDTH,
    Graph,
    Node,
    applied_graph,
    drift_graph,
    laid_out,
    plan_graph,
    reduced,
)
from tests.browser.reports import large_plan
from tests.support.plans import HANDBOOK, SUPPORT, file_change, make_plan, whole_plan


def graph(edges: str, changed: str = "") -> Graph:
    """`a>b b>c` with the kinds of the first letters; the names in `changed` are updated."""
    pairs = [tuple(edge.split(">")) for edge in edges.split()]
    keys = dict.fromkeys(key for pair in pairs for key in pair)
    nodes = tuple(Node(key, key[0], key, "~" if key in changed.split() else "") for key in keys)
    return Graph(nodes, tuple((user, used) for user, used in pairs))


def columns(found: Graph) -> dict[str, int]:
    """The column of each node, counted from 0."""
    boxes = laid_out(found).boxes
    places = sorted({box.x for box in boxes})
    return {box.node.key: places.index(box.x) for box in boxes}


def test_a_plan_is_drawn_with_what_it_does() -> None:
    """Every change is a node with its symbol, and each use is an edge, files of a store
    included.
    """
    found = plan_graph(whole_plan())
    symbols = {node.key: node.symbol for node in found.nodes}
    assert symbols["assistant.support"] == "~" and symbols["assistant.old"] == "-"
    assert symbols["vector_store.taken"] == "<-"
    assert ("assistant.support", "vector_store.handbook") in found.edges
    assert ("vector_store.handbook", "file.docs/new.md") in found.edges


def test_an_apply_marks_what_failed() -> None:
    """What failed and what was skipped for it stand out; the rest looks as planned."""
    problem = Problem("Upload failed", "It did not work.", address=str(HANDBOOK))
    found = applied_graph(Applied(whole_plan(), {}, failed=(problem,), skipped=(SUPPORT,)))
    symbols = {node.key: node.symbol for node in found.nodes}
    assert symbols["vector_store.handbook"] == symbols["assistant.support"] == "!"
    assert symbols["assistant.weather"] == "+"


def test_an_interrupted_apply_marks_what_it_did_not_reach() -> None:
    """What it told to be done looks as planned, every other change does not."""
    done = Event("done", address=SUPPORT, action=Action.UPDATE)
    found = applied_graph(Applied(whole_plan(), {}, interrupted=True), [done])
    symbols = {node.key: node.symbol for node in found.nodes}
    assert symbols["assistant.support"] == "~"
    assert symbols["assistant.weather"] == symbols["assistant.old"] == "!"


def test_drift_is_drawn_beside_what_depends_on_it() -> None:
    """What somebody changed or deleted is marked, edits of one's own are not, and neighbours are
    there.
    """
    where = Service("local", "assistants")
    edited, own, gone = (
        Drifted(SUPPORT, "remote"),
        Drifted(Address("file", "a"), "local"),
        Drifted(HANDBOOK, "missing"),
    )
    drift = Drift("acme", "prod", where, "0f1e", 3, (edited, own, gone))
    found = drift_graph(drift, {SUPPORT: [HANDBOOK], HANDBOOK: [Address("file", "a")]})
    assert [(node.key, node.symbol) for node in found.nodes] == [
        ("assistant.support", "~"),
        ("file.a", ""),
        ("vector_store.handbook", "-"),
    ]
    assert found.outside and reduced(found).outside


def test_files_of_a_store_stand_together() -> None:
    """Many files are one node that counts what becomes of them; three files are three nodes."""
    stores = {
        HANDBOOK: [f"docs/{number}.md" for number in range(7)],
        Address("vector_store", "few"): ["a", "b", "c"],
    }
    changes = [
        Change(store, Action.KEEP, "", depends_on=_files(names)) for store, names in stores.items()
    ]
    changes += [
        file_change(Action.REPLACE, "docs/1.md", 1, 2),
        file_change(Action.CREATE, "docs/2.md", None, 2),
    ]
    found = {
        node.name: node for node in reduced(plan_graph(make_plan(changes=tuple(changes)))).nodes
    }
    assert set(found) == {"handbook", "few", "a", "b", "c", "7 files"}
    assert (found["7 files"].symbol, found["7 files"].tally) == ("~", {"-/+": 1, "+": 1})


def _files(names: list[str]) -> tuple[Address, ...]:
    return tuple(Address("file", name) for name in names)


def test_a_thousand_resources_become_a_picture() -> None:
    """What changes is drawn with its neighbours; the rest is counted, and nobody is lost or drawn
    twice.
    """
    whole = plan_graph(large_plan(documents=50))
    found = reduced(whole)
    assert 0 < len(found.nodes) <= CROWDED
    drawn = [member.key for node in found.nodes for member in (node.members or (node,))]
    assert len(drawn) == len(set(drawn)) == len(whole.nodes) - found.left_out
    changed = {node.key for node in whole.nodes if node.symbol}
    assert changed <= set(drawn) and found.left_out == 700


def test_what_cannot_be_folded_is_cut_by_weight() -> None:
    """Of a hundred changes that are all different the deletions are drawn first."""
    edges = " ".join(f"a{number}>b{number}" for number in range(100))
    odd = graph(edges, " ".join(f"a{number}" for number in range(100)))
    nodes = tuple(
        Node(n.key, n.kind, n.name, "-" if n.key in ("a97", "a98") else n.symbol) for n in odd.nodes
    )
    found = reduced(Graph(nodes, odd.edges))
    assert len(found.nodes) == CROWDED and {"a97", "a98"} <= {node.key for node in found.nodes}
    assert found.left_out == 200 - CROWDED


def test_users_stand_left_of_what_they_use() -> None:
    """Columns follow the edges, and what is used by nobody stands with its own kind."""
    found = graph("a1>s1 s1>f1 a2>f2 a1>a3 s2>f3")
    lonely = (Node("f9", "f", "f9"), Node("a9", "a", "a9"))
    where = columns(Graph(found.nodes + lonely, found.edges))
    assert all(where[user] < where[used] for user, used in found.edges)
    assert where["f1"] == where["f2"] == where["f3"] == where["f9"] == 2
    assert where["s1"] == where["s2"] == 1


@pytest.mark.parametrize("seed", range(5))
def test_no_two_nodes_meet(seed: int) -> None:
    """Whatever depends on whatever: boxes keep apart, inside the picture, and every edge is drawn
    once.
    """
    dice = random.Random(seed)
    keys = [f"{dice.choice('abcd')}{number}" for number in range(30)]
    pairs = {f"{one}>{other}" for one, other in combinations(keys, 2) if dice.random() < 0.08}
    found = graph(" ".join(sorted(pairs)))
    picture = laid_out(found)
    assert len(picture.curves) == len(found.edges)
    for one, other in combinations(picture.boxes, 2):
        assert abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= HEIGHT
    for box in picture.boxes:
        assert box.x >= 0 and box.y >= 0
        assert box.x + WIDTH <= picture.width and box.y + HEIGHT <= picture.height


def test_nothing_drifts_apart() -> None:
    """Parts that share no edge stand under each other without an empty band between them."""
    picture = laid_out(graph("a1>f1 a2>s1 a3>s1 s1>f2 a4>s2 s2>f3 a5>f4"))
    ends = sorted((box.y, box.y + HEIGHT) for box in picture.boxes)
    reach = ends[0][0]
    for top, bottom in ends:
        assert top <= reach + 2 * HEIGHT
        reach = max(reach, bottom)


def test_a_circle_is_drawn_all_the_same() -> None:
    """References in a circle are refused elsewhere; a picture of them is finished nevertheless."""
    picture = laid_out(graph("a>b b>c c>a c>d"))
    assert len(picture.boxes) == 4 and picture.curves


def test_nothing_is_a_picture_too() -> None:
    assert laid_out(Graph()).boxes == ()


def test_large_graphs_are_never_quadratic() -> None:
    """Four times the resources take about four times as long, not sixteen."""

    def seconds(count: int) -> float:
        graph = plan_graph(large_plan(assistants=300, documents=count))
        taken = []
        for _ in range(3):  # the best, because others may work on this machine
            before = time.process_time()
            laid_out(reduced(graph))
            taken.append(time.process_time() - before)
        return min(taken)

    assert seconds(10_000) < 8 * max(seconds(2_500), 0.02)
