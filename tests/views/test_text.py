"""The terminal plan, compared as whole texts."""

from __future__ import annotations

import json

import pytest

from provisioner.model import Action, Address, Change, FieldChange, Plan, StoreFileChange
from provisioner.views.text import plan_text
from provisioner.views.values import Paint
from tests.support.plans import HANDBOOK, SUPPORT, attach, file_change, make_plan, whole_plan

WHOLE = """\
Changed outside of provisioner since the last apply:

  ~ assistant.support  (changed in the specs as well)
      ~ temperature: 0.3 → 0.9 (the specs want 0.5)

  - vector_store.lost  (gone from the service)

Planned for `prod` (https://api.example/v1):
  . assistant.left  (gone from the service)
  - assistant.old

  ~ assistant.support  specs/support.yaml:20
      ~ temperature: 0.9 → 0.5 (edited outside)
      ~ instructions:
          @@ -1,7 +1,7 @@
           You help the staff.

           Quote the handbook.
          -Be kind.·
          +Be brief.
           Never guess.
           Name the page.
           Say so.
      ~ metadata.team: "support" → "people"
      - metadata["odd key"]: "x"
      ~ tools:
          ~ function get_weather
              + parameters.properties.unit.enum[1]: "fahrenheit"
              ~ strict: false → true
          + code_interpreter
              + files: [file.data/prices.csv (known after apply)]
          - function old_one
      (2 unchanged fields hidden)

  + assistant.weather
      + model: "${x}"
      + tools:
          + file_search
              + vector_stores: [vector_store.fresh (known after apply)]
      + id: (known after apply)

  -/+ vector_store.fixed  (cannot be changed in place)
      ~ description: "old" → "new" (forces a replacement)

  + vector_store.fresh
      + name: "Fresh"
      + id: (known after apply)

  ~ vector_store.handbook  specs/support.yaml:4
      (1 unchanged field hidden)
      files:
          -/+ docs/a.md 3.1 → 3.4 KB
          + docs/new.md 812 B
          - docs/old.md 40 B
          ~ docs/tagged.md
              ~ attributes.team: "hr" → "legal"
          > docs/from.md → docs/to.md 40 B
          -/+ id:file-5 (not managed here, gap: not found by searches for a moment)

  <- vector_store.taken  (import of vs_7)
      + name: "Taken"

  + file.data/prices.csv  (12.3 MB)

Ours by their stamp, but in no spec and not in the lock:
  assistant.orphan  (asst_7, delete it with `--prune-orphans`)

Old objects that still exist:
  - vector_store.handbook  (vs_0)

Notes:
  The service adds metadata keys of its own: provider_id.

This plan cannot be applied:
  ! too_many_deletes: 4 of 10 files would be deleted.

specs/support.yaml:3: warning: Odd file name
  `data/prices.csv` is large.

Deleted or lost:
  . assistant.left: forgotten, gone from the service
  - assistant.old: deleted
  ~ assistant.support: somebody's edit of `temperature` gives way to what the specs say
  -/+ vector_store.fixed: replaced by a new one, `description` cannot be changed in place
  - vector_store.handbook: 1 document taken out and deleted: docs/old.md
  - vector_store.handbook: old object vs_0 deleted

Widens access:
  + assistant.support: new tool code_interpreter, its code reads file.data/prices.csv

Plan: 1 to import, 4 to add, 3 to change, 2 to replace, 1 to move, 3 to destroy, 1 to forget.
"""


def one(*fields: FieldChange, **parts: object) -> Plan:
    """A plan that updates one assistant."""
    return make_plan(
        changes=(Change(SUPPORT, Action.UPDATE, "spec_changed", fields=fields, **parts),)
    )


def body(plan: Plan, **options: bool) -> str:
    """The lines below the first item's own line, without the summary."""
    text = plan_text(plan, **options)
    lines = text.split("\n\nPlan: ")[0].splitlines()
    return "\n".join(line.removeprefix("      ") for line in lines[3:])


def test_everything_at_once() -> None:
    """Each kind of thing a plan may hold has its place, symbol and words."""
    assert plan_text(whole_plan()) == WHOLE


def test_the_order_of_changes_does_not_show() -> None:
    """Two machines that find things in another order print the same bytes."""
    plan = whole_plan()
    turned = make_plan(
        **{
            name: tuple(reversed(getattr(plan, name)))
            for name in ("changes", "store_file_changes", "drift", "orphans", "deposed")
        },
        notes=plan.notes,
        blocked=plan.blocked,
        problems=plan.problems,
        unchanged=plan.unchanged,
    )

    assert plan_text(plan) == plan_text(turned)


def test_nothing_to_do() -> None:
    """An empty plan is one line."""
    assert plan_text(make_plan(unchanged=7)) == "No changes. The service matches the specs.\n"


def test_colours_add_nothing() -> None:
    """Without its escape sequences the coloured text is the plain one."""
    import re

    coloured = plan_text(whole_plan(), paint=Paint(True))

    assert "\x1b[32m" in coloured
    assert plan_text(whole_plan()) == re.sub(r"\x1b\[[0-9;]*m", "", coloured)


def test_long_groups_are_folded() -> None:
    """Twenty files are shown, the rest is counted with its bytes; verbose shows all."""
    paths = [f"docs/{number:03}.md" for number in range(500)]
    plan = make_plan(
        changes=tuple(file_change(Action.CREATE, path, None, 25_600) for path in paths),
        store_file_changes=tuple(attach("attach", path) for path in paths),
    )

    text = plan_text(plan)

    assert "          + docs/019.md 25.6 KB\n          … and 480 more, 12.3 MB\n" in text
    assert "docs/020.md" not in text
    assert "docs/499.md" in plan_text(plan, verbose=True)


def test_loose_files_are_folded() -> None:
    """Files in no store are items of their own, folded as well."""
    changes = tuple(
        file_change(Action.CREATE, f"data/{number:03}.csv", None, 1000) for number in range(25)
    )

    text = plan_text(make_plan(changes=changes))

    assert "  + file.data/019.csv  (1.0 KB)\n  … and 5 more files, 5.0 KB\n" in text


def test_terminal_escapes_are_made_visible() -> None:
    """A value cannot move the cursor, recolour the terminal, hide itself or turn the text
    around.
    """
    evil = "a\x1b[2Jb\rc\u202ed\u200be\x9bf"
    plan = make_plan(
        changes=(
            Change(
                Address("assistant", "x\x1b]0;y\x07"),
                Action.UPDATE,
                "spec_changed",
                fields=(
                    FieldChange("name", evil, f"{evil}2"),
                    FieldChange("instructions", evil + "\nline", evil + "\nother"),
                ),
            ),
        ),
        notes=(evil,),
    )

    text = plan_text(plan, verbose=True)

    assert not set(text) & set("\x1b\r\x07\u202e\u200b\x9b")
    assert "\\x1b[2Jb" in text
    assert "\\u202e" in text


def test_a_replaced_reference_is_known_after_apply() -> None:
    """Who refers to something that gets a new id says so, although its own fields are equal."""
    tools = [{"type": "file_search", "vector_stores": ["vector_store.handbook"]}]
    plan = one(
        FieldChange("tools", tools, tools, tools, unknown=True),
        after={"tools": tools, "model": "m"},
    )

    assert body(plan) == "~ tools: (known after apply)\n(1 unchanged field hidden)"


def test_a_flag_beside_a_replaced_reference() -> None:
    """What becomes a flag is shown where something else only gets a new id."""
    search = {"type": "file_search", "vector_stores": ["vector_store.handbook"]}
    old, new = ([search, {"type": "function", "name": "ask", "default": one}] for one in (1, True))
    plan = one(FieldChange("tools", old, new, old, unknown=True), after={"tools": new})

    assert "~ default: 1 → true" in body(plan)


def test_secrets_never_show() -> None:
    """A sensitive field shows that it changes, and nothing of its value."""
    plan = one(FieldChange("token", "old-secret", "new-secret", sensitive=True))

    text = plan_text(plan, verbose=True)

    assert "~ token: (sensitive)" in text
    assert "secret" not in text


def test_schemas_are_diffed_by_structure() -> None:
    """A changed response format shows the nodes of its schema that differ, each by its path."""

    def format_(names: list[str], unit: str) -> dict[str, object]:
        properties = {
            name: {"type": "string", "description": f"{name}, in {unit}"} for name in names
        }
        return {
            "type": "json_schema",
            "name": "ticket",
            "schema": {"properties": properties, "required": names},
        }

    plan = one(
        FieldChange("response_format", format_(["a", "b"], "km"), format_(["a", "b", "c"], "miles"))
    )

    expected = """\
~ response_format:
    ~ schema.properties.a.description: "a, in km" → "a, in miles"
    ~ schema.properties.b.description: "b, in km" → "b, in miles"
    + schema.properties.c: {"type": "string", "description": "c, in miles"}
    + schema.required[2]: "c\""""
    assert expected == body(plan)


def test_null_is_a_value_in_a_schema() -> None:
    """What comes, what goes and what becomes something else are told apart where it is null."""

    def format_(*values: object, **more: object) -> dict[str, object]:
        schema = {"description": "x" * 100, "enum": [*values], **more}
        return {"type": "json_schema", "name": "ticket", "schema": schema}

    def shown(old: dict[str, object], new: dict[str, object]) -> str:
        return body(one(FieldChange("response_format", old, new))).split("\n    ", 1)[1]

    assert shown(format_("a", None), format_("a")) == "- schema.enum[1]: null"
    assert shown(format_("a"), format_("a", None)) == "+ schema.enum[1]: null"
    assert shown(format_("a", None), format_("a", "b")) == '~ schema.enum[1]: null → "b"'
    assert shown(format_(default=5), format_(default=None)) == "~ schema.default: 5 → null"
    assert shown(format_(default=None), format_()) == "- schema.default: null"


def test_long_texts_in_a_schema_are_diffed_as_texts() -> None:
    """A paragraph deep in a function's parameters shows its changed words, not two paragraphs side
    by side.
    """

    def function(word: str) -> list[dict[str, object]]:
        reported = (
            f"What the customer {word} wants to know, in their own words and without any names or"
            " numbers in it."
        )
        return [
            {
                "type": "function",
                "name": "ask",
                "parameters": {"properties": {"q": {"description": reported}}},
            }
        ]

    lines = body(one(FieldChange("tools", function("really"), function("probably")))).splitlines()

    assert lines[:3] == [
        "~ tools:",
        "    ~ function ask",
        "        ~ parameters.properties.q.description:",
    ]
    assert [line.split()[0] for line in lines[3:]] == ["@@", "-What", "+What"]


@pytest.mark.parametrize(("old", "new"), [(True, 1), (0, False), ([True], [1])])
def test_a_flag_where_a_number_was(old: object, new: object) -> None:
    """`true` is not 1 inside a tool either: it is a change, and no other order."""
    tools = [[{"type": "function", "name": "ask", "default": value}] for value in (old, new)]
    shown = body(one(FieldChange("tools", *tools)))
    assert shown.startswith("~ tools:\n    ~ function ask\n        ~ default")
    assert shown.endswith(f"{json.dumps(old)} → {json.dumps(new)}")


def test_tools_in_another_order() -> None:
    """A pure reordering says that it is one."""
    tools = [{"type": "file_search"}, {"type": "code_interpreter"}]

    assert body(one(FieldChange("tools", tools, tools[::-1]))) == "~ tools:\n    (another order)"


def test_a_missing_line_feed_shows() -> None:
    """Two prompts that differ in their last line feed alone do not look equal."""
    assert "line feed at the end added" in plan_text(
        one(FieldChange("instructions", "a\nb", "a\nb\n"))
    )


def test_a_file_in_two_stores_stands_under_both() -> None:
    """Each store shows what happens to its copy; the file counts once."""
    other = Address("vector_store", "other")
    file = Address("file", "docs/a.md")
    plan = make_plan(
        changes=(file_change(Action.REPLACE, "docs/a.md", 3100, 3400),),
        store_file_changes=(
            attach("replace", "docs/a.md"),
            StoreFileChange(other, "replace", "docs/a.md", file=file),
        ),
    )

    text = plan_text(plan)

    assert text.count("-/+ docs/a.md 3.1 → 3.4 KB") == 2
    assert "1 to replace" in text
    assert f"  {HANDBOOK}\n" in text
