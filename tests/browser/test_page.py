"""The report as a document: well-formed and escaped whatever is in it, self-contained, quick to
make.
"""

from __future__ import annotations

import time
from collections import Counter

import html5lib
import pytest

from provisioner.model import Applied, Plan, Problem
from provisioner.views.html import anchor_of, html, label, pieces, ticks
from provisioner.views.lines import Line, Outline
from provisioner.views.picture import Graph, Node, applied_graph
from provisioner.views.progress import applied_outline
from tests.browser.reports import HOSTILE, hostile_plan, large_plan, page
from tests.support.plans import SUPPORT, make_plan, whole_plan

XHTML = "{http://www.w3.org/1999/xhtml}"


def parsed(text: str):
    """The tree of a page; any error of HTML's own rules is raised."""
    return html5lib.HTMLParser(strict=True).parse(text)


def tags(text: str) -> Counter[str]:
    return Counter(
        element.tag.removeprefix(XHTML)
        for element in parsed(text).iter()
        if isinstance(element.tag, str)
    )


@pytest.mark.parametrize(
    "plan", [whole_plan(), hostile_plan(), make_plan()], ids=["whole", "hostile", "empty"]
)
def test_a_report_is_well_formed(plan: Plan) -> None:
    """It parses without any error, brings one script and one style, and names each id once."""
    text = page(plan)
    found = tags(text)
    assert (found["script"], found["style"]) == (1, 1)
    assert not {"img", "iframe", "object", "embed", "link", "base", "textarea"} & set(found)
    ids = [element.get("id") for element in parsed(text).iter() if element.get("id")]
    assert len(ids) == len(set(ids))


def test_what_strangers_wrote_is_text() -> None:
    """Names, prompts, reasons and ids are read as they are, and no attribute of theirs comes to
    life.
    """
    tree = parsed(page(hostile_plan()))
    assert not [
        key for element in tree.iter() for key in element.attrib if str(key).startswith("on")
    ]
    text = "".join(tree.find(f"{XHTML}body").itertext())
    assert text.count("<script>window.pwned=1</script>") >= 10
    assert "{{ 7*7 }} {% raw %}" in text
    assert "\\u202egnp.exe\\u2066\\x1b[31m" in text
    assert not set("\u202e\u2066\x1b\x00") & set(page(hostile_plan()))


def test_callers_need_not_spell_out_anything() -> None:
    """The page itself shows control and direction characters, should a view forget to."""
    text = html(
        Outline((), (), "a\u202eb\x00c\ud800", title="d\u2066"),
        Graph((Node("k\u202e", "x\x1b", "n\u202e"),)),
    )
    assert "a\\u202eb\\x00c\\ud800" in text and "n\\u202e" in text
    assert not set("\u202e\u2066\x1b\x00\ud800") & set(text)
    parsed(text)


def test_nothing_may_be_fetched() -> None:
    """The page forbids every source but its own style and script, and refers to none."""
    tree = parsed(page(whole_plan()))
    policy = tree.find(f".//{XHTML}meta[@http-equiv]").get("content")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    targets = [
        value
        for element in tree.iter()
        for key, value in element.attrib.items()
        if str(key).endswith("href")
    ]
    assert targets and all(target.startswith("#") for target in targets)
    assert not [element for element in tree.iter() if element.get("src") or element.get("style")]


def test_every_node_leads_somewhere() -> None:
    """A link of the graph and of the review meets a resource of the page."""
    tree = parsed(page(whole_plan()))
    ids = {element.get("id") for element in tree.iter()}
    targets = {element.get("href")[1:] for element in tree.iter() if element.get("href")}
    assert {"assistant.support", "vector_store.handbook", "details"} <= targets <= ids


def test_large_plans_are_quick_and_small() -> None:
    """300 changed resources and 5,000 changed documents: every one is in it, in far less than two
    seconds.
    """
    plan = large_plan()
    page(whole_plan())  # the templates are read once
    text, seconds = min((_timed(plan) for _ in range(2)), key=lambda found: found[1])
    assert seconds < 2
    assert len(text) < 2_000_000
    assert text.count('class="item chg"') == 300
    assert text.count("docs/49/page-4999.md") == 1


def _timed(plan: Plan) -> tuple[str, float]:
    before = time.process_time()
    return page(plan), time.process_time() - before


def test_two_runs_print_the_same_bytes() -> None:
    assert page(whole_plan()) == page(whole_plan())


def test_an_apply_that_failed_says_so_first() -> None:
    """Problems and the interruption stand at the top; what was skipped is a resource that was not
    done.
    """
    problem = Problem(
        "Upload failed",
        "`vector_store.handbook` is `odd`.",
        "try again",
        address="vector_store.handbook",
    )
    applied = Applied(whole_plan(), {}, (problem,), (SUPPORT,), ("A note.",), interrupted=True)
    text = html(applied_outline(applied, []), applied_graph(applied))
    tree = parsed(text)
    alerts = [
        "".join(found.itertext()) for found in tree.iter() if "alert " in (found.get("class") or "")
    ]
    assert len(alerts) == 2 and "Interrupted" in alerts[0] and "hint: try again" in alerts[1]
    chips = [
        "".join(found.itertext()) for found in tree.iter() if "chip " in (found.get("class") or "")
    ]
    assert [" ".join(chip.split()) for chip in chips] == ["!not done: not done 1"]
    assert "<code>odd</code>" in text


def test_nothing_to_do_is_said_calmly() -> None:
    """An empty plan has its summary, and neither graph nor filter."""
    text = page(make_plan())
    assert "No changes. The service matches the specs." in text
    assert "<svg" not in text and 'id="tools"' not in text


@pytest.mark.parametrize(
    ("marks", "parts"),
    [
        ((), [("-one two", False)]),
        (((1, 4),), [("-", False), ("one", True), (" two", False)]),
        (((5, 8), (1, 4)), [("-", False), ("one", True), (" ", False), ("two", True), ("", False)]),
        (((1, 4), (2, 6)), [("-", False), ("one", True), (" two", False)]),
    ],
)
def test_marks_are_ranges_of_a_line(
    marks: tuple[tuple[int, int], ...], parts: list[tuple[str, bool]]
) -> None:
    """Every letter is shown once, whatever the ranges are."""
    assert list(pieces(Line("-", "-one two", 0, marks))) == parts


def test_names_between_backticks_are_code() -> None:
    """Odd backticks are letters like any other."""
    assert list(ticks("`a.b` is odd ` here")) == [("a.b", True), (" is odd ` here", False)]


@pytest.mark.parametrize("name", ["short", "handbook/people/working-hours.md", "名" * 40, HOSTILE])
def test_long_names_keep_both_ends(name: str) -> None:
    """A label fits its node; a cut one begins and ends as the name does."""
    shown = label(Node("k", "file", name))
    assert len(shown) <= 22
    head, _, tail = shown.partition("…")
    assert name.startswith(head) and name.endswith(tail)


def test_anchors_are_ids() -> None:
    """An address with blanks and odd letters is one word, and another address another one."""
    assert anchor_of("file.docs/my page.md") == "file.docs%2Fmy%20page.md"
    assert anchor_of('x."><script>') == "x.%22%3E%3Cscript%3E"
