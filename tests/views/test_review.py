"""What a reviewer is told of a plan: the dangerous first, everything once."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.model import (
    Action,
    Address,
    Change,
    Drifted,
    FieldChange,
    Plan,
    Remnant,
    StoreFileChange,
)
from provisioner.views.outline import outline
from provisioner.views.text import plan_text
from tests.support.plans import (
    HANDBOOK,
    SUPPORT,
    attach,
    document,
    file_change,
    make_plan,
    whole_plan,
)

CRM = {
    "type": "mcp",
    "server_label": "crm",
    "server_url": "https://crm.example/mcp",
    "allowed_tools": ["list"],
}
STARTED = {
    "type": "mcp",
    "server_label": "crm",
    "transport": {"type": "stdio", "command": "crm-mcp", "cwd": "/workspace", "args": ["--all"]},
    "allowed_tools": ["list"],
}
SEARCH = {
    "type": "file_search",
    "vector_stores": ["vector_store.handbook"],
    "filters": {"type": "eq", "key": "a"},
}
WEB = {
    "type": "web_search",
    "filters": {"allowed_domains": ["who.int"]},
    "external_web_access": False,
}
CODE = {"type": "code_interpreter", "files": ["file.a.csv"]}
KEPT, EDITED = Address("vector_store", "kept"), Address("vector_store", "edited")
TEAM = (FieldChange('files["a.md"].attributes.team', "x", "y", "y", "remote"),)


def said(plan: Plan) -> dict[str, list[str]]:
    """The sentences of a review by group."""
    return {
        section.name: [item.title for item in section.items] for section in outline(plan).review
    }


def updated(*fields: FieldChange, address: Address = SUPPORT, **parts: Any) -> Plan:
    change = Change(
        address, Action.UPDATE, "spec_changed", before={}, after={}, fields=fields, **parts
    )
    edited = tuple(field for field in fields if field.drift)
    return make_plan(
        changes=(change,), drift=(Drifted(address, "remote", edited),) if edited else ()
    )


def tools(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Plan:
    return updated(FieldChange("tools", before, after, before))


def test_everything_at_once() -> None:
    """Each group has its place, the dangerous two first, and every change is told in one of
    them.
    """
    found = said(whole_plan())

    assert list(found) == ["deletes", "widens", "prompt", "model", "tools", "knowledge", "settings"]
    assert found["deletes"] == [
        "assistant.left: forgotten, gone from the service",
        "assistant.old: deleted",
        "assistant.support: somebody's edit of `temperature` gives way to what the specs say",
        "vector_store.fixed: replaced by a new one, `description` cannot be changed in place",
        "vector_store.handbook: 1 document taken out and deleted: docs/old.md",
        "vector_store.handbook: old object vs_0 deleted",
    ]
    assert found["prompt"] == ["assistant.support: instructions +1 −1 lines"]
    assert found["model"] == ["assistant.weather: new, ${x}"]
    reported = " ".join(sentence for sentences in found.values() for sentence in sentences)
    changed = [change.address for change in whole_plan().changes if change.matters]
    assert [one for one in changed if one.kind != "file" and str(one) not in reported] == []


@pytest.mark.parametrize(
    "old, new, text",
    [
        ([], [{"type": "function", "name": "pay"}], "new tool function pay"),
        ([], [CODE], "new tool code_interpreter, its code reads file.a.csv"),
        ([], [WEB], "new tool web_search"),
        ([], [CRM], "new tool mcp crm, https://crm.example/mcp, its tools list"),
        ([], [SEARCH], "new tool file_search, searches vector_store.handbook"),
        (
            [CRM],
            [{**CRM, "server_url": "https://evil.example"}],
            "mcp crm calls another server, https://evil.example",
        ),
        ([CRM], [STARTED], "mcp crm calls another server, crm-mcp --all"),
        ([{**WEB, "mode": "disabled"}], [WEB], "web_search is switched on"),
        ([CRM], [{**CRM, "allowed_tools": ["list", "drop"]}], "mcp crm may call drop"),
        ([CRM], [{**CRM, "allowed_tools": None}], "mcp crm may call everything, and not only list"),
        (
            [{**CRM, "allowed_tools": {"read_only": True}}],
            [{**CRM, "allowed_tools": None}],
            "mcp crm may call everything, and not only the read-only ones",
        ),
        (
            [CRM],
            [{**CRM, "require_approval": "never"}],
            'mcp crm needs less approval, "always" → "never"',
        ),
        (
            [WEB],
            [{**WEB, "filters": {"allowed_domains": ["who.int", "x.org"]}}],
            "web_search may look at x.org",
        ),
        ([WEB], [{**WEB, "filters": None}], "web_search is no longer limited by `filters`"),
        ([WEB], [{**WEB, "external_web_access": True}], "web_search may read the live web"),
        ([SEARCH], [{**SEARCH, "filters": None}], "file_search is no longer limited by `filters`"),
        (
            [SEARCH],
            [{**SEARCH, "vector_stores": ["vector_store.handbook", {"id": "vs_hr"}]}],
            "searches vs_hr",
        ),
        (
            [CODE],
            [{**CODE, "files": ["file.a.csv", "file.pay.csv"]}],
            "its code reads file.pay.csv",
        ),
    ],
)
def test_what_widens_access(
    old: list[dict[str, Any]], new: list[dict[str, Any]], text: str
) -> None:
    """New tools and servers, more of their tools, fewer questions, fewer limits, more documents:
    each is said; and the way back widens nothing.
    """
    assert said(tools(old, new))["widens"] == [f"assistant.support: {text}"]
    assert "widens" not in said(tools(new, old)) or "another server" in text


def test_a_flag_where_a_number_was() -> None:
    """A tool of which `true` becomes 1 has changed."""
    old, new = ([{"type": "function", "name": "ask", "default": value}] for value in (True, 1))
    assert said(tools(old, new))["tools"] == ["assistant.support: function ask changed"]


def test_other_ways_to_widen_access() -> None:
    """A store that no longer expires and a network that is opened are said as well."""
    store = FieldChange("expires_after", {"days": 7}, None, {"days": 7})
    network = FieldChange(
        "network",
        {"access": "restricted", "allowed_domains": ["a"]},
        {"access": "restricted", "allowed_domains": ["a", "b"]},
    )

    assert said(updated(store, address=HANDBOOK))["widens"] == [
        "vector_store.handbook: no longer expires"
    ]
    template = Address("environment_template", "box")
    assert said(updated(network, address=template))["widens"] == [
        "environment_template.box: its network reaches b"
    ]


def test_what_is_made_by_the_same_plan_widens_nothing() -> None:
    """A new assistant over a new store is not news; over a store that exists, or with a server, it
    is.
    """
    searching = Change(SUPPORT, Action.CREATE, "new", after={"model": "m", "tools": [SEARCH, CODE]})
    store = Change(HANDBOOK, Action.CREATE, "new", after={})
    file = file_change(Action.CREATE, "a.csv", None, 1)

    assert "widens" not in said(make_plan(changes=(searching, store, file)))
    assert said(make_plan(changes=(searching, file)))["widens"] == [
        "assistant.support: searches vector_store.handbook"
    ]
    calling = Change(SUPPORT, Action.CREATE, "new", after={"model": "m", "tools": [CRM]})
    assert said(make_plan(changes=(calling,)))["widens"][0].startswith(
        "assistant.support: new tool mcp crm"
    )


def test_losses() -> None:
    """Protection, documents, leftovers and edits of others: whatever an apply takes away is
    said.
    """
    plan = make_plan(
        changes=(
            Change(HANDBOOK, Action.DELETE, "not_in_specs", documents=2),
            Change(
                SUPPORT,
                Action.UPDATE,
                "spec_changed",
                fields=(FieldChange("lifecycle.protect", True, False),),
            ),
            Change(KEPT, Action.FORGET, "removed_block"),
            Change(Address("file", "b.md"), Action.FORGET, "used_by_forgotten", stays_with=KEPT),
            Change(EDITED, Action.UPDATE, "drift", fields=TEAM),
        ),
        drift=(Drifted(EDITED, "remote", TEAM),),
        store_file_changes=tuple(
            StoreFileChange(EDITED, "detach", f"id:file-{number}") for number in range(5)
        ),
        orphans=(Remnant(SUPPORT, "asst_1", "delete"), Remnant(SUPPORT, "asst_2", "keep")),
        deposed=(
            Remnant(
                Address("file", "c.md"), "file-1", "forget", "stays with `vector_store.kept`", KEPT
            ),
        ),
    )

    assert said(plan)["deletes"] == [
        "assistant.support: no longer protected",
        "assistant.support: orphan asst_1 deleted",
        "file.b.md: forgotten, stays with vector_store.kept",
        "file.c.md: old object file-1 forgotten, stays with `vector_store.kept`",
        "vector_store.edited: 5 documents taken out: id:file-0, id:file-1, id:file-2 and 2 more",
        "vector_store.edited: somebody's edit of 1 document is undone",
        "vector_store.handbook: deleted with 2 documents",
        "vector_store.kept: forgotten, stays at the service",
    ]


@pytest.mark.parametrize("edited, rest", [(4, "1 more field"), (5, "2 more fields")])
def test_edits_beyond_the_third_are_counted(edited: int, rest: str) -> None:
    """An edit of many fields names three of them, and one that is left is one field."""
    plan = updated(*(FieldChange(f"f{number}", 1, 2, 2, "remote") for number in range(edited)))
    assert said(plan)["deletes"] == [
        f"assistant.support: somebody's edit of `f0`, `f1`, `f2` and {rest} is undone"
    ]


def test_a_deletion_that_has_to_wait_says_for_what() -> None:
    """Under `api: responses` a store with documents stays for as long as a request profile names
    it.
    """
    change = Change(
        HANDBOOK, Action.DELETE, "not_in_specs", documents=2, kept_for=("`assistant.support@1`",)
    )
    assert said(make_plan(changes=(change,)))["deletes"] == [
        "vector_store.handbook: deleted with 2 documents once it is no longer used by"
        " `assistant.support@1`"
    ]


def test_what_is_lost_with_an_object_is_said() -> None:
    """Edits of others and their documents go with what is deleted; what is forgotten keeps them,
    and a new object has what the specs say.
    """
    taken, put = (
        FieldChange('files["b.md"]', None, None, {}, "remote"),
        FieldChange('files["id:f"]', {}, drift="remote"),
    )
    edits = (FieldChange("name", "Bot", None, "A", "both"), *TEAM, taken, put)
    changes = (
        Change(EDITED, Action.DELETE, "not_in_specs", documents=41, foreign_documents=1),
        Change(HANDBOOK, Action.REPLACE, "asked", documents=3, foreign_documents=2),
        Change(KEPT, Action.FORGET, "removed_block", documents=5, foreign_documents=1),
    )
    drift = tuple(Drifted(change.address, "both", edits) for change in changes)

    assert said(make_plan(changes=changes, drift=drift))["deletes"] == [
        "vector_store.edited: deleted with 41 documents, 1 of them not ours",
        "vector_store.edited: somebody's edit of `name` and 1 document is lost with it",
        (
            "vector_store.handbook: replaced by a new one, asked for by --replace, "
            "without 2 documents of the 3 in the old one, not ours"
        ),
        "vector_store.handbook: somebody's edit of 2 documents is undone",
        "vector_store.handbook: somebody's edit of `name` gives way to what the specs say",
        "vector_store.kept: forgotten, stays at the service",
    ]


def test_documents_are_counted_with_their_sizes() -> None:
    """Knowledge is one sentence a store: what was added, changed, moved and removed, and the first
    few names.
    """
    plan = make_plan(
        changes=(
            *(file_change(Action.CREATE, f"docs/{number}.md", None, 1000) for number in range(4)),
            file_change(Action.REPLACE, "docs/new.md", 10, 20),
            file_change(Action.DELETE, "docs/old.md", 30, None),
        ),
        store_file_changes=(
            *(attach("attach", f"docs/{number}.md") for number in range(4)),
            attach("replace", "docs/new.md"),
            attach("detach", "docs/old.md"),
            attach("adopt", "docs/there.md"),
        ),
    )

    assert said(plan)["knowledge"] == [
        "vector_store.handbook: 4 added (4.0 KB), 1 changed (20 B), 1 removed (30 B): "
        "docs/0.md, docs/1.md, docs/2.md and 3 more"
    ]


def test_the_same_of_many_is_said_once() -> None:
    """Three hundred assistants that move to another model are one sentence, and so are forty
    deletions.
    """
    model = FieldChange("model", "gpt-4o", "gpt-5.6", "gpt-4o")
    moved = [
        Change(Address("assistant", f"a{n:03}"), Action.UPDATE, "", before={}, fields=(model,))
        for n in range(300)
    ]
    gone = [Change(Address("vector_store", f"s{n}"), Action.DELETE, "") for n in range(40)]

    found = said(make_plan(changes=(*moved, *gone)))

    assert found["model"] == [
        "300 assistants: gpt-4o → gpt-5.6 (assistant.a000, assistant.a001, assistant.a002 and 297"
        " more)"
    ]
    assert [text.split(" (")[0] for text in found["deletes"]] == ["40 vector stores: deleted"]


def test_long_plans_end_with_the_whole_review() -> None:
    """Where the changes fill more than a screen, the review stands below them; short plans show the
    dangers alone.
    """
    model = FieldChange("model", "gpt-4o", "gpt-5.6", "gpt-4o")
    changes = tuple(
        Change(Address("assistant", f"a{n}"), Action.UPDATE, "", before={}, fields=(model,))
        for n in range(21)
    )

    assert "\nModels:\n  ~ 21 assistants: gpt-4o → gpt-5.6" in plan_text(make_plan(changes=changes))
    assert "Models:" not in plan_text(make_plan(changes=changes[:20]))


def test_deleting_everything_is_not_told_twice() -> None:
    """A plan of nothing but deletions says so by itself."""
    plan = make_plan(changes=(Change(SUPPORT, Action.DELETE, "destroy"),))

    assert "Deleted or lost" not in plan_text(plan)
    assert said(plan)["deletes"] == ["assistant.support: deleted"]


def test_secrets_stay_out() -> None:
    """Of a secret nothing but its name is said."""
    plan = updated(FieldChange("token", "old-secret", "new-secret", sensitive=True))

    assert said(plan)["settings"] == ["assistant.support: `token` (sensitive)"]


def test_programs_read_the_same() -> None:
    """The plan document has every sentence with its group and address, under its digest."""
    rows = document(whole_plan())["review"]

    assert rows[1] == {"section": "deletes", "address": "assistant.old", "text": "deleted"}
    texts = [f"{row['address']}: {row['text']}" if row["address"] else row["text"] for row in rows]
    assert texts == [text for sentences in said(whole_plan()).values() for text in sentences]
