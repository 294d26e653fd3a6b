"""What is approved of a plan, and what another machine and a merge do not change about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provisioner.model import Action, Address, Change, FieldChange, Plan, Remnant, Row, Service
from provisioner.planfile.checksum import checksum, is_covered, unfinished
from tests.support.plans import HANDBOOK, SUPPORT, attach, file_change, make_plan, whole_plan
from tests.support.turned import turned


def test_an_old_object_that_is_let_go_of_is_approved_as_well() -> None:
    """The checksum tells it from one that is deleted, and from one that stays."""
    old = Remnant(Address("file", "docs/a.md"), "file-1", "keep")
    plans = [
        make_plan(deposed=(replace(old, action=action),)) for action in ("keep", "delete", "forget")
    ]
    assert len({checksum(plan) for plan in plans}) == 3


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.REPLACE])
@pytest.mark.parametrize("path", ["auth.token", "metadata"])
def test_where_a_secret_is_read_is_approved(action: Action, path: str) -> None:
    """Whatever else is changed: another place of a secret is another checksum."""

    def with_token(reference: dict[str, Any]) -> str:
        auth = {"type": "static_bearer", "mcp_server_url": "https://a.b", "token": reference}
        after = {"vault": "vault.keys", "auth": auth, "metadata": {"a": "b"}}
        changed = FieldChange(path, None, {"a": "b"}, sensitive=path == "auth.token")
        address = Address("credential", "crm")
        made = Change(address, action, "declared", after=after, fields=(changed,))
        return checksum(make_plan(changes=(made,)))

    references = [{"env": "CRM_TOKEN"}, {"env": "OTHER"}, {"command": ["env"]}]
    assert len({with_token(one) for one in references}) == 3


def test_the_whole_of_a_profile_is_approved() -> None:
    """A request is rendered from all that is declared, whichever field has changed."""

    def with_model(model: str) -> str:
        after = {"model": model, "temperature": 0.3}
        change = FieldChange("temperature", 0.2, 0.3)
        made = Change(SUPPORT, Action.UPDATE, "", api="responses", after=after, fields=(change,))
        return checksum(make_plan(changes=(made,)))

    assert with_model("gpt-4o") != with_model("gpt-5.6")


def test_a_flag_is_no_number() -> None:
    """What is sent is approved also where it only equals what the change shows."""

    def sending(value: object) -> str:
        change, after = FieldChange("top_p", None, True), {"top_p": value}
        made = Change(SUPPORT, Action.UPDATE, "", api="assistants", after=after, fields=(change,))
        return checksum(make_plan(changes=(made,)))

    assert sending(True) != sending(1)


def other_ids(plan: Plan) -> Plan:
    """The same decision on another machine."""
    changes = tuple(
        replace(
            change,
            id=change.id and "other",
            position=None,
            source=None,
            before=turned(change.before),
            after=turned(change.after),
            fields=tuple(
                replace(field, before=turned(field.before), after=turned(field.after))
                for field in reversed(change.fields)
            ),
        )
        for change in reversed(plan.changes)
    )
    store_file_changes = tuple(
        replace(found, old_id=found.old_id and "other", attributes=turned(found.attributes))
        for found in reversed(plan.store_file_changes)
    )
    found = replace(
        plan,
        lineage="other",
        serial=99,
        changes=changes,
        store_file_changes=store_file_changes,
        basis={},
        notes=(),
    )
    return replace(found, deposed=plan.deposed[::-1], orphans=plan.orphans[::-1])


def test_the_checksum_is_the_same_on_two_machines() -> None:
    """Ids, lineage, serial, positions and order do not count."""
    leftovers = (Remnant(HANDBOOK, "vs_0", "delete"), Remnant(SUPPORT, "asst_0", "delete"))
    plan = replace(whole_plan(), deposed=leftovers)
    assert checksum(plan) == checksum(other_ids(plan))


def edited(number: int) -> Change:
    """A change whose old object somebody has edited since."""
    return replace(whole_plan().changes[number], old_digest="sha256:2")


@pytest.mark.parametrize(
    "changed",
    [
        replace(whole_plan(), workspace="other"),
        replace(whole_plan(), environment="other"),
        replace(whole_plan(), service=Service("https://other/v1", "assistants")),
        replace(whole_plan(), changes=whole_plan().changes[1:]),
        replace(whole_plan(), store_file_changes=whole_plan().store_file_changes[1:]),
        replace(whole_plan(), deposed=()),
        replace(
            whole_plan(), changes=(*whole_plan().changes[:2], edited(2), *whole_plan().changes[3:])
        ),
        replace(
            whole_plan(),
            changes=(
                file_change(Action.REPLACE, "docs/a.md", 3100, 3401),
                *whole_plan().changes[1:],
            ),
        ),
    ],
)
def test_the_checksum_sees_what_is_planned(changed: Plan) -> None:
    """Whatever a reviewer would want to see again has another checksum."""
    assert checksum(whole_plan()) != checksum(changed)


def test_a_value_that_looks_like_a_reference() -> None:
    """Only in what a store holds does a path come with an id of ours; metadata and schemas may say
    what they like.
    """
    values = [{"file": "x", "id": "1"}, {"file": "x", "id": "2"}]
    made = [
        Change(SUPPORT, Action.CREATE, "new", after={"metadata": value, "tools": [value]})
        for value in values
    ]
    changed = [
        Change(
            SUPPORT, Action.UPDATE, "", fields=(FieldChange("tools", None, [{"function": value}]),)
        )
        for value in values
    ]
    held = [
        Change(
            HANDBOOK,
            Action.CREATE,
            "new",
            after={"files": {"a.md": {**value, "file": "file.a.md"}}},
        )
        for value in values
    ]

    for plans, same in ((made, False), (changed, False), (held, True)):
        one, other = (checksum(make_plan(changes=(change,))) for change in plans)
        assert (one == other) == same


def test_what_a_failed_apply_leaves_to_do() -> None:
    """A row that was not done is one that the next plan has, too: the same update, the same
    document, and, where a replacement could not delete the old object, its deletion.
    """
    plan = whole_plan()
    row, document_row = Row("change", str(SUPPORT)), Row("file", str(HANDBOOK), "docs/new.md")
    old = Row("old", "vector_store.fixed", "vs_6")
    left = unfinished(plan, {row, document_row, old})
    support = next(change for change in plan.changes if change.address == SUPPORT)
    again = make_plan(
        changes=(
            support,
            Change(
                HANDBOOK,
                Action.UPDATE,
                "files_changed",
                fields=(FieldChange('files["docs/new.md"]', None, {}),),
            ),
        ),
        store_file_changes=(attach("attach", "docs/new.md"),),
        deposed=(Remnant(Address("vector_store", "fixed"), "vs_6", "delete"),),
    )

    assert len(left) == 3 and is_covered(again, left)
    assert not is_covered(plan, left) and not is_covered(again, left[1:])
    edit = replace(support, fields=(replace(support.fields[0], before=0.7), *support.fields[1:]))
    assert not is_covered(replace(again, changes=(edit,)), left)


def test_a_reference_to_an_old_object_of_ours() -> None:
    """Whoever was not repointed before an apply stopped is planned as before: as if it referred to
    the address.
    """
    tools = [{"type": "file_search", "vector_stores": ["vector_store.handbook"]}]
    old = [{"type": "file_search", "vector_stores": [{"id": "vs_0"}]}]
    first = make_plan(
        changes=(Change(SUPPORT, Action.UPDATE, "", fields=(FieldChange("tools", tools, tools),)),)
    )
    deposed = (Remnant(HANDBOOK, "vs_0", "keep"),)
    again = make_plan(
        changes=(Change(SUPPORT, Action.UPDATE, "", fields=(FieldChange("tools", old, tools),)),),
        deposed=deposed,
    )

    assert checksum(first) == checksum(again) != checksum(replace(again, deposed=()))


def test_the_checksum_knows_no_secret() -> None:
    """A secret counts as changed, whatever it is: the checksum gives nothing away about it."""
    plans = [
        make_plan(
            changes=(
                Change(
                    SUPPORT, Action.UPDATE, "", fields=(FieldChange("t", "x", new, sensitive=True),)
                ),
            )
        )
        for new in ("a", "b")
    ]

    assert checksum(plans[0]) == checksum(plans[1])
