"""An apply that fails part-way, with the lock as a committed file: what was done is reported, and is
not forgotten.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.action.site import Site
from tests.lock.repositories import git


@pytest.fixture
def faults() -> str:
    return 'rules: [{match: {method: POST, path: "^/v1/vector_stores$"}, action: {status: 500}}]\n'


@pytest.mark.thorough
def test_what_was_done_reaches_the_branch(committed: Site) -> None:
    """One resource is created, and of another one nobody knows: the pull request is told of both,
    the step fails, the lock with what was made is pushed to `main`, and the journal of what is open
    is kept.
    """
    committed.open(7, {"specs/kb.yaml": {"vector_stores": {"kb": {"name": "Knowledge"}}}})
    assert committed.plan(7, environment="prod").code == 0
    sha = committed.merge(7)
    run = committed.apply(sha, environment="prod")
    result = committed.comments(7)[-1]

    assert (run.code, run.outputs["result"]) == (1, "failed"), run.log
    assert "assistant.support" in result and "vector_store.kb" in result and "incomplete" in result
    assert run.annotations[0][1] == "title=Not applied" and "exit code 1" in run.annotations[0][2]

    assert run.annotations[-1][1] == "title=Apply is not finished"
    assert (Path(run.outputs["lock"]) / "locks/prod.lock.json.journal").is_file()
    lock = json.loads(git(committed.bare, "show", "main:locks/prod.lock.json"))
    assert list(lock["resources"]) == ["assistant.support"]
