"""Problems, outputs, graphs, progress and the lock, as text and JSON."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest
import yaml

from provisioner.errors import UsageError
from provisioner.model import Action, Address, Applied, Change, Event, Locked, LockState, Problem
from provisioner.views.client import as_typescript
from provisioner.views.outline import summary_line
from provisioner.views.problems import problem_text, problems_json, problems_text
from provisioner.views.progress import bar_text, event_json, event_line, summary_json, summary_text
from provisioner.views.state import (
    as_env,
    as_json,
    as_yaml,
    graph_json,
    graph_mermaid,
    show_json,
    show_text,
    state_list_text,
)
from provisioner.views.values import size, sizes
from tests.support.plans import HANDBOOK, SUPPORT, make_plan

RANGE = Problem(
    "Value out of range",
    "`assistant.support` has `temperature: 3.5`; it must be between 0 and 2.",
    "0.2 is focused, 1 is the default",
    file="specs/support.yaml",
    line=14,
    column=18,
    address="assistant.support",
)


def test_a_problem_as_text() -> None:
    """Place, severity and summary in one line; below it what is wrong and what to do."""
    expected = """\
specs/support.yaml:14:18: error: Value out of range
  `assistant.support` has `temperature: 3.5`; it must be between 0 and 2.
  hint: 0.2 is focused, 1 is the default"""

    assert expected == problem_text(RANGE)


def test_problems_are_sorted_and_keep_their_data() -> None:
    """Text and JSON list them in the same order; a problem without a place has none."""
    lost = Problem("Lock is gone", "There is no lock.")

    assert problems_text([RANGE, lost]).startswith(
        "error: Lock is gone\n  There is no lock.\nspecs/support.yaml:14:18"
    )
    assert [found["line"] for found in problems_json([RANGE, lost])["problems"]] == [None, 14]
    assert {"severity", "summary", "detail", "file", "line", "column", "address", "hint"} == set(
        problems_json([lost])["problems"][0]
    )


@pytest.mark.parametrize(
    "count, text",
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (999_949, "999.9 KB"),
        (999_950, "1.0 MB"),
        (5 * 10**8, "500.0 MB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    """Sizes are short, and never 1000 of a unit."""
    assert text == size(count)


def test_two_sizes_share_their_unit() -> None:
    """The unit is reported once where it is one."""
    assert (sizes(3100, 3400), sizes(999, 1000)) == ("3.1 → 3.4 KB", "999 B → 1.0 KB")


OUTPUTS: dict[str, dict[str, Any]] = {
    "assistant.support": {
        "id": None,
        "version": 2,
        "request": {"model": "m", "no": "it's: #1\n", "list": [1, [], {"a": None}]},
    },
    "file.docs/a.md": {"id": "file-1"},
}


def test_outputs_as_shell_variables() -> None:
    """Every name is one that a shell takes, every value survives it, what is not known is
    left out.
    """
    lines = as_env(OUTPUTS).splitlines()
    values = dict(word.split("=", 1) for line in lines for word in shlex.split(line))

    assert list(values) == [
        "ASSISTANT_SUPPORT_VERSION",
        "ASSISTANT_SUPPORT_REQUEST",
        "FILE_DOCS_A_MD_ID",
    ]
    assert OUTPUTS["assistant.support"]["request"] == json.loads(
        values["ASSISTANT_SUPPORT_REQUEST"]
    )
    assert values["FILE_DOCS_A_MD_ID"] == "file-1"


def test_outputs_whose_names_collide_are_refused() -> None:
    """Two addresses that would share a variable are a problem that names both."""
    with pytest.raises(UsageError, match=r"`file.a-b` and `file.a_b`"):
        as_env({"file.a-b": {"id": "1"}, "file.a_b": {"id": "2"}})


def test_outputs_as_yaml_json_and_typescript_say_the_same() -> None:
    """Each format holds the whole of it."""
    body = as_typescript(OUTPUTS).split("written = ")[1].split(" as const")[0]

    assert (
        OUTPUTS
        == yaml.safe_load(as_yaml(OUTPUTS))
        == json.loads(as_json(OUTPUTS))
        == json.loads(body)
    )
    assert yaml.safe_load(as_yaml({})) == {}


def test_typescript_keeps_literals_and_is_not_read_only() -> None:
    """`as const` makes literals of ids and types; what is exported has lists that the SDK takes."""
    expected = """\
// Written by `provisioner output --format ts`. Do not edit.
const written = {
  "file.docs/a.md": {
    "id": "file-1"
  }
} as const;

type Mutable<T> = { -readonly [Key in keyof T]: Mutable<T[Key]> };

export const resources = written as Mutable<typeof written>;

export type Address = keyof typeof resources;
"""

    assert expected == as_typescript({"file.docs/a.md": OUTPUTS["file.docs/a.md"]})


def test_a_graph() -> None:
    """Users point to what they use; labels cannot break the chart."""
    odd = Address("file", 'a"]<b>.md')
    expected = """\
flowchart LR
  n0["assistant.support"]
  n1["file.a#quot;]#lt;b#gt;.md"]
  n2["vector_store.handbook"]
  n0 --> n2
  n2 --> n1
"""

    assert expected == graph_mermaid({SUPPORT: (HANDBOOK,), HANDBOOK: (odd,)})
    assert {"from": "assistant.support", "to": "vector_store.handbook"} in graph_json(
        {SUPPORT: (HANDBOOK,)}
    )["edges"]


def test_a_graph_folds_the_files_of_a_store() -> None:
    """Hundreds of files are one node, unless everything is wanted."""
    files = tuple(Address("file", f"{number}.md") for number in range(30))

    assert '"30 files of vector_store.handbook"' in graph_mermaid({HANDBOOK: files})
    assert len(graph_mermaid({HANDBOOK: files}, verbose=True).split("-->")) + 1 == 32


@pytest.mark.parametrize(
    "event, line",
    [
        (Event("started", HANDBOOK, Action.CREATE), "vector_store.handbook: creating…"),
        (Event("done", HANDBOOK, Action.CREATE, "vs_1"), "vector_store.handbook: created (vs_1)"),
        (
            Event("progress", HANDBOOK, detail="indexing", done=120, total=312),
            "handbook: 120/312 files indexed",
        ),
        (
            Event("skipped", SUPPORT, detail="needs what failed"),
            "assistant.support: skipped, needs what failed",
        ),
        (Event("failed", SUPPORT, problem=RANGE), problem_text(RANGE)),
    ],
)
def test_progress_lines(event: Event, line: str) -> None:
    """One line an event, in the words of the plan."""
    assert line == event_line(event)


def test_the_bar_tells_rate_and_time_left() -> None:
    """Half of it after ten seconds leaves ten seconds."""
    event = Event("progress", HANDBOOK, detail="indexing", done=50, total=100)

    assert f"[{'█' * 12}{'░' * 12}] handbook: 50/100 files indexed  5.0/s, 10 s left" == bar_text(
        event, 10
    )


def test_events_as_json() -> None:
    """What an event does not say is left out."""
    event = Event("done", HANDBOOK, Action.CREATE, "vs_1")

    assert json.loads(event_json(event)) == {
        "type": "done",
        "address": "vector_store.handbook",
        "action": "create",
        "id": "vs_1",
    }


def test_the_end_of_an_apply() -> None:
    """A whole apply is complete; one that failed says what it did and what it left out."""
    counts = {
        "imported": 1,
        "added": 2,
        "changed": 3,
        "replaced": 4,
        "destroyed": 5,
        "forgotten": 6,
    }
    whole = Applied(make_plan(), counts)
    partly = Applied(make_plan(), {"added": 1}, failed=(RANGE,), skipped=(SUPPORT,))

    expected = (
        "Apply complete! Resources: 1 imported, 2 added, 3 changed, 4 replaced, 5 destroyed, 6"
        " forgotten.\n"
    )
    assert expected == summary_text(whole)
    assert summary_text(partly).startswith("Apply incomplete. Resources: 1 added")
    assert summary_text(partly).endswith("Skipped: assistant.support.\n")
    assert tuple(json.loads(summary_json(partly))[key] for key in ("type", "added", "skipped")) == (
        "summary",
        1,
        ["assistant.support"],
    )


def test_counts_of_zero_are_left_out() -> None:
    """Where a person reads them; where nothing counts, that is said in words."""
    counts = {"imported": 1, "added": 0, "changed": 1, "moved": 2, "forgotten": 3}
    everything = Applied(make_plan(), counts)
    assert (
        summary_text(everything)
        == "Apply complete! Resources: 1 imported, 1 changed, 2 moved, 3 forgotten.\n"
    )
    assert summary_text(Applied(make_plan(), {})) == "Apply complete! Nothing was changed.\n"
    assert summary_text(replace(everything, counts={}, skipped=(SUPPORT,))).startswith(
        "Apply incomplete. Nothing was changed.\n"
    )
    assert {word: json.loads(summary_json(everything))[word] for word in ("added", "moved")} == {
        "added": 0,
        "moved": 2,
    }
    assert summary_line(make_plan()) == "Plan: no resource changes."
    moved = Change(SUPPORT, Action.UPDATE, "spec_changed", previous=Address("assistant", "old"))
    imported = Change(HANDBOOK, Action.UPDATE, "imported", importing="vs_1")
    assert (
        summary_line(make_plan(changes=(moved, imported)))
        == "Plan: 1 to import, 2 to change, 1 to move."
    )


def test_the_lock() -> None:
    """The lock is shown by address; without one, nothing has been applied."""
    entries = {
        address: Locked(address, id, {"name": "x"})
        for address, id in ((HANDBOOK, "vs_1"), (SUPPORT, "asst_1"))
    }
    state = LockState("acme", "prod", "l", 3, {}, entries)

    assert state_list_text(state) == "assistant.support\nvector_store.handbook\n"
    assert list(show_json(state)["resources"]) == ["assistant.support", "vector_store.handbook"]
    assert '\nvector_store.handbook\n    name: "x"\n    id: "vs_1"\n' in show_text(state)
    assert show_text(None) == "Nothing has been applied yet.\n"
