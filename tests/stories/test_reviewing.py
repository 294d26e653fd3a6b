"""A change on its way through review: what the terminal, a program, a comment and a page
say of it.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.world import World
from tests.views.pages import read

PROMPT = "You help the staff.\n\nQuote the handbook.\nBe brief.\n"


def specs(**assistant: Any) -> dict[str, Any]:
    search = {"type": "file_search", "vector_stores": ["kb"]}
    support = {"model": "gpt-4o", "instructions": {"file": "prompts/support.md"}, "tools": [search]}
    return {
        "vector_stores": {"kb": {"files": ["docs/*.md"]}},
        "assistants": {"support": support | assistant},
    }


@pytest.fixture
def reviewed(world: World) -> World:
    """An applied workspace, with a change of everything that a reviewer cares for."""
    docs = {f"docs/{name}.md": f"# {name}\n" for name in ("leave", "pay", "travel")}
    world.write({"specs/all.yaml": specs(), "prompts/support.md": PROMPT, **docs})
    world.ok("apply", "-y")
    world.http(
        "POST", "/assistants/${assistant.support}", {"description": "edited", "temperature": 0.9}
    )
    search = {"type": "file_search", "vector_stores": ["kb"]}
    changed = specs(model="gpt-5", temperature=0.2, tools=[search, "code_interpreter"])
    world.write(
        {"specs/all.yaml": changed, "prompts/support.md": PROMPT.replace("staff", "staff kindly")}
    )
    world.write({"docs/pay.md": None, "docs/leave.md": "# leave\n\nMore.\n"})
    return world


def test_the_terminal_ends_with_the_dangers(reviewed: World) -> None:
    """Just above the summary stands what is deleted or lost and what widens access, whatever the
    plan's length.
    """
    out = reviewed.ok("plan").out

    assert out.endswith(
        """\
Deleted or lost:
  - vector_store.kb: 1 document taken out and deleted: docs/pay.md

Widens access:
  + assistant.support: new tool code_interpreter

Plan: 2 to change, 1 to replace, 1 to destroy.
"""
    )


def test_an_edit_that_will_be_undone_is_a_loss(world: World) -> None:
    """What somebody else changed by hand is named before it is overwritten."""
    world.write(
        {"specs/all.yaml": {"assistants": {"support": {"model": "gpt-4o", "description": "Ours"}}}}
    )
    world.ok("apply", "-y")
    world.http("POST", "/assistants/${assistant.support}", {"description": "Theirs"})

    assert (
        "  ~ assistant.support: somebody's edit of `description` is undone\n"
        in world.ok("plan").out
    )


def test_programs_get_the_same_sentences(reviewed: World) -> None:
    """The plan document lists them by group, a saved plan keeps them, and its digest covers
    them.
    """
    reviewed.ok("plan", "--out", "prod.plan.json")
    document = json.loads((reviewed.root / "prod.plan.json").read_text(encoding="utf-8"))

    assert [row["section"] for row in document["review"]] == [
        "deletes",
        "widens",
        "prompt",
        "model",
        "tools",
        "knowledge",
        "settings",
    ]
    assert document["review"] == reviewed.plan()["review"]
    document["review"] = []
    (reviewed.root / "prod.plan.json").write_text(json.dumps(document), encoding="utf-8")
    assert "Plan file altered" in reviewed.ok("show", "prod.plan.json", code=1).err


def test_a_comment_approves_a_plan(reviewed: World) -> None:
    """The hidden checksum of a comment is the one that `apply --checksum` takes; the result is a
    comment with ids.
    """
    comment = reviewed.ok("plan", "--format", "markdown").out
    page = read(comment)

    assert page.comments[0].endswith(f"plan {reviewed.root.name}/local -->")
    approved = page.comments[1].removeprefix("<!-- provisioner:checksum ").removesuffix(" -->")
    assert page.summaries == [
        "~ assistant.support specs/all.yaml:6",
        "~ vector_store.kb specs/all.yaml:2",
    ]
    assert "+  You help the staff kindly.\n!                     ^^^^^^\n" in page.fences[0]
    assert reviewed.ok("plan", "--format", "markdown").out == comment
    result = reviewed.ok("apply", "-y", "--checksum", approved, "--format", "markdown")
    done = read(result.out)
    assert done.comments == [f"<!-- provisioner:apply {reviewed.root.name}/local -->"]
    assert f"! assistant.support  (updated, {reviewed.id('assistant.support')})" in done.fences[0]
    assert "Planned for" in result.err and "Apply complete!" in done.prose
    reviewed.settled()


def test_a_saved_plan_is_shown_in_every_format(reviewed: World) -> None:
    """`show FILE` prints what `plan` printed; the lock has no such formats."""
    for format in ("text", "json", "markdown", "html"):
        printed = reviewed.ok("plan", "--out", "a.json", "--format", format).out
        assert reviewed.ok("show", "a.json", "--format", format).out == printed
    refused = reviewed.ok("show", "--format", "html", code=1)
    assert "`--format html` is for plans" in refused.err and refused.out == ""


def test_a_plan_that_cannot_be_applied_says_so_first(world: World) -> None:
    """A stop is the first thing in a comment, which then has nothing that could be approved."""
    names = [f"a{number}" for number in range(12)]
    world.write({"specs/all.yaml": {"assistants": {name: {"model": "gpt-4o"} for name in names}}})
    world.ok("apply", "-y")
    world.write(
        {"specs/all.yaml": {"assistants": {name: {"model": "gpt-4o"} for name in names[:3]}}}
    )

    page = read(text := world.ok("plan", "--format", "markdown", code=1).out)

    assert len(page.comments) == 1
    assert text.index("[!CAUTION]") < text.index("9 assistants: deleted")
    assert (
        len(read(world.ok("plan", "--format", "markdown", "--no-refresh", code=1).out).comments)
        == 1
    )


def test_a_failed_apply_tells_what_was_done_and_what_was_not(world: World) -> None:
    """One document at the end, problems included; progress and the plan are on stderr."""
    rule = {"match": {"method": "POST", "path": "^/v1/assistants$"}, "action": {"status": 400}}
    world.write({"specs/all.yaml": specs(), "prompts/support.md": PROMPT, "docs/a.md": "# A\n"})

    with world.failing(rule):
        result = world.ok("apply", "-y", "--format", "markdown", code=1)
    page = read(result.out)

    assert page.headings[0].startswith("Not all applied to ") and page.headings[0].endswith(
        "/local"
    )
    assert "1 error" in page.prose and "assistant.support" in page.prose
    assert "+ vector_store.kb  (created, vs_" in page.fences[0]
    assert result.out.count("provisioner:apply") == 1


def test_a_page_of_the_result(reviewed: World) -> None:
    """`--format html` prints one page for plans, applies and the end of everything."""
    for words in (["plan"], ["apply", "-y"], ["destroy", "-y"]):
        out = reviewed.ok(*words, "--format", "html").out
        assert out.startswith("<!doctype html>") and out.rstrip().endswith("</html>")
        assert out.count("<html") == 1
