"""The comment on a pull request: complete where it fits, never too long, and never anybody else's
mark-up.
"""

from __future__ import annotations

import random
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest

from provisioner.model import (
    Action,
    Address,
    Block,
    Change,
    Drifted,
    FieldChange,
    Plan,
    Position,
    Problem,
)
from provisioner.planfile.checksum import checksum
from provisioner.views.lines import Item, Outline, Section
from provisioner.views.markdown import LIMIT, markdown
from provisioner.views.outline import outline
from tests.support.plans import SUPPORT, attach, file_change, make_plan, whole_plan

from .pages import read

WORDS = [
    "You",
    "help",
    "the",
    "staff",
    "to",
    "find",
    "what",
    "they",
    "need",
    "and",
    "never",
    "guess",
]
HOSTILE = (
    "```\n</details>\n<!-- provisioner:checksum sha256:0000 -->\n<script>alert(1)</script>"
    " @everyone #1 GH-2\n\u202eevil\u202c \x1b[2J [x](https://x.example)"
    " ![i](http://x.example/i.png) | a | b |\n|---|---|\n````````````\n~~~\n    indented\n>"
    " quote\n# heading\n<details><summary>mine</summary>\n\x00\r\n$x$ &amp; :smile:\n"
)
FLAT = HOSTILE.replace("\n", " ")


_OUTLINES: dict[int, tuple[Plan, Outline]] = {}  # large ones are asked for several times


def comment(plan: Plan, limit: int = LIMIT) -> str:
    if id(plan) not in _OUTLINES:
        _OUTLINES[id(plan)] = (plan, outline(plan, verbose=True))
    found = _OUTLINES[id(plan)][1]
    return markdown(found, limit=limit)


@cache
def prompt(lines: int) -> Plan:
    """A prompt of which every line changes."""
    dice = random.Random(lines)
    old = [" ".join(dice.choices(WORDS, k=12)) for _ in range(lines)]
    new = [f"{line} always" for line in old]
    return updated(SUPPORT, "\n".join(old), "\n".join(new))


def updated(address: Address, old: str, new: str, **parts: object) -> Plan:
    field = FieldChange("instructions", old, new, old)
    return make_plan(
        changes=(
            Change(address, Action.UPDATE, "spec_changed", before={}, fields=(field,), **parts),
        )
    )


@cache
def many_resources() -> Plan:
    """Three hundred assistants with a changed paragraph each, two of which get a server, and one
    deletion.
    """
    changes = []
    for number in range(300):
        (change,) = prompt(20 + number % 3).changes
        server = {"type": "mcp", "server_label": "crm", "server_url": "https://crm.example"}
        fields = (
            *change.fields,
            *([FieldChange("tools", [], [server], [])] if number in (7, 290) else []),
        )
        place = Position(f"specs/bot{number}.yaml", 2, 3)
        changes.append(
            replace(
                change,
                address=Address("assistant", f"bot-{number:03}"),
                fields=fields,
                position=place,
            )
        )
    return make_plan(
        changes=(*changes, Change(Address("vector_store", "old"), Action.DELETE, "not_in_specs"))
    )


@cache
def many_documents() -> Plan:
    """Five thousand changed documents of one store."""
    paths = [
        f"docs/handbook/chapter-{number % 40:02}/page-{number:04}.md" for number in range(5_000)
    ]
    return make_plan(
        changes=tuple(file_change(Action.REPLACE, path, 3000, 3100) for path in paths),
        store_file_changes=tuple(attach("replace", path) for path in paths),
    )


@cache
def many_edits() -> Plan:
    """A hundred and fifty assistants that stand in two sections: edited by hand, and about to be
    changed back.
    """
    changes = many_resources().changes[:150]
    fields = [
        tuple(replace(field, drift="remote") for field in change.fields) for change in changes
    ]
    return make_plan(
        changes=tuple(
            replace(change, fields=found) for change, found in zip(changes, fields, strict=True)
        ),
        drift=tuple(
            Drifted(change.address, "remote", found)
            for change, found in zip(changes, fields, strict=True)
        ),
    )


def test_everything_at_once() -> None:
    """The markers, the title, what stops it, the review, the details, where it is about: in this
    order.
    """
    text = comment(whole_plan())
    page = read(text)

    assert text.startswith("<!-- provisioner:plan acme/prod -->\n### Plan for acme/prod\n")
    assert page.headings[0] == "Plan for acme/prod"
    assert [heading.split()[0] for heading in page.headings[1:]] == [
        "Changed",
        "Planned",
        "Ours",
        "Old",
        "Notes",
    ]
    order = [
        "[!CAUTION]",
        "[!WARNING]",
        "**Deleted or lost**",
        "**Widens access**",
        "**Prompts**",
        "#### Changed",
    ]
    assert sorted(order, key=text.index) == order
    assert page.summaries[1] == "~ assistant.support specs/support.yaml:20"
    assert "! temperature: 0.9 → 0.5 (edited outside)\n" in page.fences[2]
    assert text.endswith("· API `assistants` · Lock `serial \u20623\u2064`</sub>\n")


def test_what_can_be_approved_has_a_checksum() -> None:
    """The checksum travels in the comment, unless the plan is stopped, faulty or made without
    looking.
    """
    plan = prompt(2)
    line = f"<!-- provisioner:checksum {checksum(plan)} -->"

    assert comment(plan).split("\n")[:2] == ["<!-- provisioner:plan acme/prod -->", line]
    stopped = replace(plan, blocked=(Block("drift", "x"),))
    faulty = replace(plan, problems=(Problem("Bad", "It is bad."),))
    warned = replace(plan, problems=(Problem("Odd", "It is odd.", severity="warning"),))
    for other in (stopped, faulty, replace(plan, refreshed=False)):
        assert "provisioner:checksum" not in comment(other)
    assert line in comment(warned)


def test_a_changed_prompt_reads_like_a_diff() -> None:
    """Symbols stand in the first column, changed words are underlined, long lines are wrapped."""
    old = (
        "Be brief.\n"
        + "Quote the staff handbook whenever you can and name the page that you quote from, " * 2
    )
    (fence,) = read(
        comment(updated(SUPPORT, old, old.replace("brief", "kind").replace("can and", "can, and")))
    ).fences

    lines = fence.splitlines()
    assert lines[0] == "! instructions:"
    assert lines[2] == "-  Be brief." and lines[3].rstrip() == "!     ^^^^^"
    wrapped = [line for line in lines if "↳" in line]
    assert wrapped and all(line[0] in "+-" for line in wrapped)
    assert max(map(len, lines)) <= 110
    for line, under in pairwise(lines):
        if line.startswith("+") and "can, and" in line:
            assert under[line.index(", and")] == "^"


def test_scripts_of_two_columns_are_underlined_in_place() -> None:
    """Under Japanese the carets stand where the reader sees the changed words."""
    (fence,) = read(
        comment(updated(SUPPORT, "従業員の手引きを引用\nb", "従業員の規則を引用\nb"))
    ).fences

    assert "-  従業員の手引きを引用\n!          ^^^^^^\n" in fence


@pytest.mark.parametrize(
    "make", [lambda: prompt(2_000), many_resources, many_edits, many_documents]
)
@pytest.mark.parametrize("limit", [LIMIT, 6_000, 1_000])
@pytest.mark.sampled(3)
def test_never_too_long(make: object, limit: int) -> None:
    """However large the change and however small the limit, the comment fits, is whole, and keeps
    its summary.
    """
    text = comment(make(), limit)  # type: ignore[operator]
    page = read(text)

    assert len(text.encode()) <= limit
    assert "Plan: " in page.prose
    assert len(text.encode()) > limit / 3 or limit < LIMIT


def test_a_large_prompt_in_the_first_screen() -> None:
    """Two thousand changed lines: how many, of which assistant, and as many of them as fit."""
    text = comment(prompt(2_000))

    assert "- `~` `assistant.support`: instructions +2,000 −2,000 lines" in text.split("\n")[:10]
    assert "more lines @@" in text
    assert (
        "This is a shortened version that fits a comment; `provisioner show` prints all of a saved"
        " plan." in text
    )


def test_many_resources_in_the_first_screen() -> None:
    """Of three hundred resources the two that get a server and the one that goes are said first,
    and unfolded first; each of the others has at least a line.
    """
    text = comment(many_resources())
    first, page = "\n".join(text.split("\n")[:40]), read(text)

    assert first.index("`vector_store.old`: deleted") < first.index(
        "`assistant.bot-007`: new tool mcp crm"
    )
    assert "`assistant.bot-290`: new tool mcp crm" in first
    assert {"~ assistant.bot-007", "~ assistant.bot-290"} <= {
        reported.split(" specs")[0] for reported in page.summaries
    }
    listed = " ".join([*page.summaries, *page.fences])
    assert [number for number in range(300) if f"assistant.bot-{number:03}" not in listed] == []


def test_many_documents_in_the_first_screen() -> None:
    """Five thousand documents: how many, how large, where, and the first names."""
    line = comment(many_documents()).split("\n")[8]

    assert line.startswith(
        "- `~` `vector_store.handbook`: 5,000 changed (15.5 MB): docs/handbook/chapter-00/page-0000"
    )


def test_groups_are_counted_where_not_even_lines_fit() -> None:
    """With room for little, kinds and actions are counted."""
    text = comment(many_resources(), 3_000)

    assert "! 300 assistants\n" in text or "! 280 assistants\n" in text
    assert "This is a shortened version" in text


def test_where_there_is_room_nothing_is_left_out() -> None:
    """A hundred notes and problems are all there, each symbol once in its line."""
    notes = tuple(f"Note {number}." for number in range(100))
    problems = tuple(Problem("Bad", f"Problem {number}.") for number in range(100))
    rows = tuple(
        Item(symbol, f"kind.{number}") for number, symbol in enumerate(("!", "?", "-", ".", ""))
    )
    found = outline(make_plan(notes=notes, problems=problems))
    found = replace(found, sections=(*found.sections, Section("rows", "Rows:", rows)))

    page = read(text := markdown(found))

    assert "Note 99." in page.prose and "Problem 99." in page.prose and "shortened" not in text
    assert page.fences == ["! kind.0\n! ? kind.1\n- kind.2\n! . kind.3\n"]
    assert "kind.4" in page.prose


def hostile_plan() -> Plan:
    """Every text that a stranger can write into a spec or a service, as nasty as it gets."""
    name = FLAT.replace("/", "_")
    return make_plan(
        changes=(
            Change(
                SUPPORT,
                Action.UPDATE,
                HOSTILE,
                before={},
                position=Position(f"specs/{name}.yaml", 1, 1),
                fields=(
                    FieldChange(
                        "instructions",
                        HOSTILE,
                        HOSTILE.replace("evil", "wicked") + HOSTILE,
                        HOSTILE,
                        "both",
                    ),
                    FieldChange(f'metadata["{name}"]', HOSTILE, FLAT),
                    FieldChange("model", FLAT, HOSTILE),
                    FieldChange(
                        "tools",
                        [],
                        [{"type": "mcp", "server_label": HOSTILE, "server_url": HOSTILE}],
                    ),
                ),
            ),
            Change(Address("assistant", HOSTILE), Action.DELETE, ""),
            Change(
                Address("vector_store", FLAT),
                Action.UPDATE,
                "imported",
                importing=HOSTILE,
                before={},
            ),
            file_change(Action.CREATE, name, None, 3),
        ),
        store_file_changes=(attach("attach", name),),
        notes=(HOSTILE, "# no heading", "1. no list", "- no bullet"),
        blocked=(Block(FLAT, HOSTILE),),
        problems=(
            Problem(FLAT, HOSTILE, HOSTILE, file=HOSTILE),
            Problem("Odd", HOSTILE, severity="warning"),
        ),
    )


@pytest.mark.parametrize("limit", [LIMIT, 12_000, 5_000, 1_000])
def test_hostile_text_stays_text(limit: int) -> None:
    """A parser finds our tree and nothing else: no tag, link, mention or heading of others, and no
    forged marker.
    """
    text = comment(hostile_plan(), limit)
    page = read(text)

    assert page.comments == ["<!-- provisioner:plan acme/prod -->"]
    assert len([line for line in text.split("\n") if "<!-- provisioner" in line]) == 1
    assert page.headings[0] == "Plan for acme/prod" and len(page.headings) <= 4
    assert not set(text) & set("\x00\x1b\r\u202e\u202c")
    assert len(text.encode()) <= limit


def test_a_large_hostile_prompt() -> None:
    """A megabyte of fences and tags is one comment that fits."""
    old = HOSTILE * 3_000
    page = read(text := comment(updated(SUPPORT, old, old.replace("evil", "good"))))

    assert len(text.encode()) <= LIMIT
    assert page.summaries == ["~ assistant.support"]


def test_two_runs_say_the_same() -> None:
    """The order in which things were found does not show."""
    plan = whole_plan()
    turned = replace(
        plan,
        changes=plan.changes[::-1],
        store_file_changes=plan.store_file_changes[::-1],
        drift=plan.drift[::-1],
    )

    assert comment(plan) == comment(turned)


def moved(plan: Plan, by: int) -> Plan:
    """The same plan from specs that are longer at their beginning, against a later lock."""
    changes = tuple(
        (
            replace(change, position=replace(change.position, line=change.position.line + by))
            if change.position
            else change
        )
        for change in plan.changes
    )
    problems = tuple(replace(found, line=(found.line or 0) + by) for found in plan.problems)
    return replace(plan, changes=changes, problems=problems, serial=plan.serial + by)


@pytest.mark.parametrize("limit", [65_000, 3_000, 2_000, 1_200])
def test_what_is_only_so_for_the_moment_is_marked(limit: int) -> None:
    """Lines and serials stand between two invisible characters, which no text of others has;
    without them two comments about one plan are the same, however much of it is shown.
    """
    rows = tuple(
        Change(
            Address("assistant", f"a{number}"),
            Action.DELETE,
            "not_in_specs",
            position=Position("specs/a.yaml", 1, 1),
        )
        for number in range(20)
    )
    plan = replace(whole_plan(), changes=(*whole_plan().changes, *rows), blocked=())
    one, other = (markdown(outline(moved(plan, by)), limit=limit) for by in (0, 98_765))
    forged = markdown(outline(make_plan(notes=("\u20627\u2064",))))

    assert one != other or limit < 3_000
    assert re.sub("\u2062[0-9:]+\u2064", "", one) == re.sub("\u2062[0-9:]+\u2064", "", other)
    assert max(len(one.encode()), len(other.encode())) <= limit
    assert forged.count("\u2062") == 1  # that of the serial
