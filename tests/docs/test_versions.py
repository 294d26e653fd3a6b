"""What the page of versions shows is what is printed, times and commits apart."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import blocks
from tests.docs.session import Step, steps
from tests.support.world import World

A = "assistant.support"
PAGE = "docs/versions.md"
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")


def shown() -> list[Step]:
    return [step for block in blocks("console") if block.page == PAGE for step in steps(block.text)]


def spec(text: str, temperature: float, count: int) -> dict[str, object]:
    """The workspace of the page, as it went."""
    search = {"type": "file_search", "vector_stores": ["handbook"], "max_num_results": count}
    support = {
        "model": "gpt-4o",
        "temperature": temperature,
        "instructions": f"You answer questions of the staff.\n{text}\n",
        "tools": [search],
        "metadata": {"team": "hr"},
    }
    stores = {"handbook": {"files": ["a.md"]}}
    return {"specs/a.yaml": {"vector_stores": stores, "assistants": {"support": support}}}


def neutral(text: str) -> str:
    """A table is as wide as what stands in it."""
    text = _TIME.sub("<time>", text)
    text = text.replace("https://api.openai.com/v1", "the embedded service")
    return re.sub(r" {2,}", "  ", re.sub(r"\b[0-9a-f]{12}\b", "<commit>", text))


@pytest.mark.thorough
def test_the_page_shows_what_is_printed(world: World) -> None:
    """Listing, comparing and rolling back, one after another."""
    prod = {"service": "local", "api": "responses"}
    world.write({"provisioner.yaml": {"workspace": "acme", "environments": {"prod": prod}}})
    world.write({"a.md": "Hello.\n"})
    history = [("Be kind.", 0.3, 4), ("Cite the page.", 0.3, 4)]
    history += [("Cite the page.", 0.2, 8), ("Be quick.", 0.2, 8)]
    for number, (text, temperature, count) in enumerate(history):
        world.write(spec(text, temperature, count))
        world.ok("apply", "-y", "-q", "--commit", f"{number}" * 40)
    for step in shown():
        printed = world.ok(*step.command.split()[1:])
        output = printed.out
        if "rollback" in step.command:  # progress comes between, on the other stream
            *plan, last = output.splitlines(keepends=True)
            output = "".join([*plan, printed.err, last])
        assert neutral(output).strip() == neutral(step.output).strip(), step.command
    assert len(shown()) == 3
