"""The report in a real browser, opened from disk as a reviewer opens an artifact.

Skipped where there is no browser, unless `PROVISIONER_BROWSER=required` says that there must be
one.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

import provisioner.local
from tests.browser.reports import (
    edit,
    edit_outside,
    hostile_plan,
    large_plan,
    page,
    workspace,
    written,
)
from tests.support.plans import whole_plan
from tests.support.world import World

ARTIFACTS = Path(__file__).resolve().parents[2] / ".artifacts"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("plan", "drift", "applied", "whole", "hostile", "large", "empty")
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")


def missing(reason: str) -> None:
    """Skip, or fail where a browser is required."""
    if os.environ.get("PROVISIONER_BROWSER") == "required":
        pytest.fail(f"PROVISIONER_BROWSER=required, but {reason}")
    pytest.skip(f"{reason}; PROVISIONER_BROWSER=required makes this a failure")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of every sort. They are made before the browser starts, whose event loop stays in this
    thread.
    """
    if not any(map(shutil.which, PROGRAMS)):
        missing("there is no chromium")
    folder = tmp_path_factory.mktemp("reports")
    pages = {
        "whole": page(whole_plan()),
        "hostile": page(hostile_plan()),
        "large": page(large_plan(documents=100)),
    }
    with pytest.MonkeyPatch.context() as patch:
        world = World(folder)
        patch.setattr(provisioner.local, "create_app", world.app)
        workspace(world)
        pages["empty"] = world.ok("plan", "--format", "html").out
        edit(world)
        pages["plan"] = world.ok("plan", "--format", "html").out
        edit_outside(world)
        pages["drift"] = world.ok("drift", "--format", "html", code=2).out
        pages["applied"] = world.ok("apply", "-y", "--format", "html").out
    return {name: written(folder, name, text) for name, text in pages.items()}


@pytest.fixture(scope="module")
def browser(reports: dict[str, Path]) -> Iterator[Any]:
    """One browser for all tests, with an empty profile of its own."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("the extra `browser` is not installed")
    program = next(filter(None, map(shutil.which, PROGRAMS)))
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def window(browser: Any) -> Any:
    """Where reports are opened, unless a test wants other settings."""
    return browser.new_context(viewport=DESK, color_scheme="light")


Open = Callable[..., Any]


@pytest.fixture
def opened(browser: Any, window: Any, reports: dict[str, Path]) -> Iterator[Open]:
    """Opens a report. Whatever it says on the console, asks for or pops up fails the test at its
    end.
    """
    noise: list[str] = []
    with ExitStack() as stack:

        def open_report(name: str, *, quiet: bool = True, **settings: Any) -> Any:
            context = browser.new_context(viewport=DESK, **settings) if settings else window
            tab = context.new_page()
            stack.callback((context if settings else tab).close)
            if quiet:
                tab.on("console", lambda message: noise.append(f"{name}: console: {message.text}"))
                tab.on("request", lambda sent: noise.append(sent.url) if sent.url != url else None)
            tab.on("pageerror", lambda error: noise.append(f"{name}: {error}"))
            tab.on(
                "dialog",
                lambda dialog: (noise.append(f"{name}: {dialog.message}"), dialog.dismiss()),
            )
            url = reports[name].as_uri()
            tab.goto(url)
            return tab

        yield open_report
    assert not noise, "; ".join(noise)


def shoot(tab: Any, name: str, *, whole: bool = False) -> None:
    """Keep what is on the screen for people."""
    ARTIFACTS.mkdir(exist_ok=True)
    tab.screenshot(path=ARTIFACTS / f"{name}.png", full_page=whole)


def shown(tab: Any) -> list[str]:
    """The resources that the filter leaves."""
    found: list[str] = tab.eval_on_selector_all(
        "#details .item[data-action]:not([data-action='']):not([hidden]) .name",
        "all => all.map(one => one.textContent)",
    )
    return found


def counted(tab: Any, count: int, of: int = 13) -> None:
    """Wait for the filter to say how much is left. Playwright's polling of expressions is against
    the page's policy."""
    from playwright.sync_api import expect

    expect(tab.locator("#count")).to_have_text(f"{count} of {of} shown", timeout=20_000)


def focused(tab: Any) -> str:
    return str(
        tab.evaluate(
            "document.activeElement.closest('.item')?.querySelector('.name')?.textContent ?? ''"
        )
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_report_opens_without_a_sound(opened: Open, name: str) -> None:
    """No error, no request, no dialog: light and dark, at a desk and on a phone, where nothing is
    wider than the screen; and every text can be read against what is behind it.
    """
    tab = opened(name)
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        assert tab.locator("h1").is_visible() and tab.locator(".summary").is_visible()
        if name != "large":  # more of the same
            ratio, where = tab.evaluate(CONTRAST)
            assert ratio >= 4.5, f"{scheme}: {ratio:.2f} {where}"
        shoot(tab, f"{name}-{scheme}", whole=name in ("plan", "drift", "applied"))
    tab.set_viewport_size(PHONE)
    assert tab.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    shoot(tab, f"{name}-phone")


def test_graph_and_diffs_are_visible(opened: Open) -> None:
    """The graph has the changed resources with their symbols, the diff its lines and what differs
    within one; a node leads to its resource and opens it.
    """
    tab = opened("plan")
    graph = tab.locator(".canvas svg")
    assert graph.bounding_box()["height"] > 100
    assert tab.locator(".node.chg .name").all_text_contents()[:1] == ["support"]
    assert tab.locator(".edge").count() >= 3
    assert tab.locator("ins.l", has_text="Be brief and kind.").is_visible()
    assert tab.locator("ins.l mark", has_text="brief").is_visible()
    assert tab.locator("del.l", has_text="Be kind.").is_visible()
    assert "deletes" in tab.locator(".review .card").first.get_attribute("data-name")
    tab.click("#collapse")
    tab.set_viewport_size({"width": 1280, "height": 400})
    tab.click("a.node[data-key='assistant.support']")
    # The address of the page changes first; whoever listens to that opens it.
    tab.locator("[id='assistant.support'][open]").wait_for()
    tab.wait_for_function("document.activeElement.closest('[id]').id === 'assistant.support'")
    assert focused(tab) == "assistant.support"
    tools, item = (
        tab.locator(found).bounding_box()
        for found in ("#tools", "[id='assistant.support'] summary")
    )
    assert item["y"] >= tools["y"] + tools["height"], "the toolbar covers what was looked for"


def test_the_filter_narrows_and_counts(opened: Open) -> None:
    """By text, down to the lines; by action; both together; and everything comes back."""
    tab = opened("whole")
    everything = shown(tab)
    counted(tab, len(everything))
    tab.fill("#filter", "FAHRENHEIT")
    counted(tab, 1)
    assert shown(tab) == ["assistant.support"]
    tab.fill("#filter", "no such thing")
    counted(tab, 0)
    assert shown(tab) == [] and tab.locator("#nothing").is_visible()
    tab.fill("#filter", "")
    counted(tab, len(everything))
    for chip in tab.locator(".chip input").all():
        if chip.get_attribute("value") != "del":
            chip.uncheck()
    counted(tab, 2)
    assert shown(tab)[0] == "assistant.old"
    assert "Changed outside" not in tab.inner_text("#details"), (
        "a section without anything to show is hidden"
    )


def test_the_keyboard_reaches_the_filter(opened: Open) -> None:
    """A skip link, `/` to type what `j` and `k` would otherwise do, Escape to see
    everything again.
    """
    tab = opened("whole")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "details"
    everything = shown(tab)
    tab.keyboard.press("/")
    tab.keyboard.type("jk /x")
    assert tab.input_value("#filter") == "jk /x"
    tab.wait_for_selector("#nothing:not([hidden])")
    tab.keyboard.press("Escape")
    assert tab.input_value("#filter") == "" and shown(tab) == everything


def test_the_keyboard_walks_and_opens(opened: Open) -> None:
    """`j` and `k` go from resource to resource, Enter and Space fold, and one sees where one is."""
    tab = opened("whole")
    names = shown(tab)
    visited = []
    for key in "jjjjkkkk":
        tab.keyboard.press(key)
        visited.append(focused(tab))
    assert visited == [*names[:4], *names[2::-1], names[0]]
    fold = tab.locator("details.item").first
    for key in ("Enter", " "):
        before = fold.get_attribute("open")
        tab.keyboard.press(key)
        assert fold.get_attribute("open") != before
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_theme_is_the_readers(opened: Open) -> None:
    """Dark differs from light; the button switches, and a reload remembers."""
    colour = "getComputedStyle(document.body).backgroundColor"
    tab = opened("whole", color_scheme="light")
    light = tab.evaluate(colour)
    tab.emulate_media(color_scheme="dark")
    dark = tab.evaluate(colour)
    assert light != dark and tab.text_content("#theme") == "Light"
    tab.emulate_media(color_scheme="light")
    tab.click("#theme")
    assert tab.evaluate(colour) == dark
    tab.reload()
    assert tab.evaluate(colour) == dark


def test_what_strangers_wrote_runs_nothing(opened: Open) -> None:
    """Scripts, tags and handlers in specs, in live objects and in file names are text; were they
    not, the page's own policy would stop them.
    """
    for name in ("hostile", "plan", "drift"):
        tab = opened(name)
        tab.click("#expand")
        assert tab.evaluate("window.pwned") is None
        assert tab.locator("script").count() == 1 and tab.locator("img, iframe").count() == 0
    assert tab.locator("ins.l", has_text="<script>window.pwned=1</script>").first.is_visible()
    tab = opened("hostile", quiet=False)
    refused = "fetch('http://127.0.0.1:9/').then(() => 'sent', (error) => error.message)"
    assert "Failed to fetch" in tab.evaluate(refused)
    tab.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.pwned=4\">')"
    )
    assert tab.evaluate("new Promise((done) => setTimeout(() => done(window.pwned), 50))") is None


def test_large_reports_stay_usable(opened: Open) -> None:
    """A thousand resources: a small picture that says what is missing, and a filter that
    answers.
    """
    tab = opened("large")
    assert tab.locator(".node").count() <= 40
    assert "700 more resources are not drawn" in tab.text_content(".left-out")
    tab.fill("#filter", "changed-0123")
    counted(tab, 1, of=307)
    assert shown(tab) == ["assistant.changed-0123"]


def test_without_javascript_only_the_filter_is_missing(opened: Open) -> None:
    """Graph, review and diffs are in the document; what could not work is not offered."""
    tab = opened("whole", java_script_enabled=False)
    assert tab.locator(".canvas svg").is_visible()
    assert tab.locator("ins.l", has_text="Be brief.").is_visible()
    assert not tab.locator("#tools").is_visible() and not tab.locator("#theme").is_visible()
    tab.locator("[id='assistant.support'] summary").click()
    assert not tab.locator("ins.l", has_text="Be brief.").is_visible()


def test_paper_shows_everything(opened: Open) -> None:
    """Printing unfolds the diffs, in light colours, without buttons; afterwards they are folded
    again.
    """
    tab = opened("whole", color_scheme="dark")
    tab.click("#collapse")
    printed = "".join(page.extract_text() for page in PdfReader(io.BytesIO(tab.pdf())).pages)
    assert "Be brief." in printed and "assistant.support" in printed
    assert "Collapse all" not in printed
    assert tab.locator("details.item[open]").count() == 0
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
