"""Prompt objects that code names, whether or not it calls the service with them."""

from __future__ import annotations

import pytest

from .reading import read

TWO = """
export const PROMPTS = {
  support: { promptId: "pmpt_1", version: "3", variables: { tone: "kind" } },
  sales: { prompt: { id: "pmpt_2" }, temperature: 0.2 },
};
"""


@pytest.mark.parametrize(
    "text",
    [
        'const support = { promptId: "pmpt_1", version: "3" };',
        'import os\nCONFIG = {"prompt": {"id": "pmpt_1", "version": "3"}}\n',
        'import os\nanswer(prompt_id="pmpt_1", version="3", user=user)\n',
        'import os\nPROMPT = "pmpt_1"\nCONFIG = {"prompt_id": PROMPT, "version": "3"}\n',
        'import os\nCONFIG = {"PROMPT": "pmpt_1", "version": "3"}\n',
        'import os\nPROMPT = "pmpt_1"\nclient.responses.create(prompt={"id": PROMPT, "version": "3"})',
    ],
)
def test_a_prompt_is_found_once(text: str) -> None:
    """Wherever its id stands: as a key of an object, as an argument, as a constant."""
    findings = read(text)
    assert not findings.problems
    (found,) = findings.found
    assert found.fields == {"responses": {"prompt": {"id": "pmpt_1", "version": "3"}}}
    assert [lost.severity for lost in found.losses] == ["error"]


def test_what_stands_beside_it() -> None:
    """Variables, and settings that the code has of its own."""
    support, sales = read(TWO).found
    assert support.fields["responses"]["prompt"]["variables"] == {"tone": "kind"}
    assert sales.fields["temperature"] == 0.2
    assert (support.origin.line, sales.origin.line) == (3, 4)


def test_a_constant_alone() -> None:
    """Nobody needs to use it where it can be seen."""
    found = read('import os\nSUPPORT_PROMPT = "pmpt_1"\nOTHER = "pmpt_2"\n').found
    assert [one.fields["responses"]["prompt"]["id"] for one in found] == ["pmpt_1", "pmpt_2"]
