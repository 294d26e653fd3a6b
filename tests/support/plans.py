"""Plans built by hand."""

from __future__ import annotations

from typing import Any

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
    Remnant,
    Service,
    Source,
    StoreFileChange,
)
from provisioner.planfile import writing
from provisioner.views.review import review_json

HANDBOOK = Address("vector_store", "handbook")
SUPPORT = Address("assistant", "support")


def make_plan(**parts: Any) -> Plan:
    """An empty plan of `acme/prod`, with some parts filled in."""
    service = Service("https://api.example/v1", "assistants")
    return Plan("acme", "prod", service, "0f1e2d3c-0000-4000-8000-000000000000", 3, **parts)


def document(plan: Plan) -> dict[str, Any]:
    """The plan document, as the command line makes it."""
    return writing.plan_document(plan, review_json(plan))


def plan_json(plan: Plan) -> str:
    """The same as text."""
    return writing.plan_json(plan, review_json(plan))


def file_change(
    action: Action, path: str, old: int | None, new: int | None, **parts: Any
) -> Change:
    """A file that changes its size."""

    def fields(size: int | None) -> dict[str, Any] | None:
        return (
            None
            if size is None
            else {"sha256": f"{size:064x}", "bytes": size, "purpose": "assistants"}
        )

    return Change(
        Address("file", path),
        action,
        "spec_changed",
        before=fields(old),
        after=fields(new),
        **parts,
    )


def attach(action: str, path: str, **parts: Any) -> StoreFileChange:
    return StoreFileChange(HANDBOOK, action, path, file=Address("file", path), **parts)


OLD_TOOLS = [
    {"type": "file_search", "vector_stores": ["vector_store.handbook"], "max_num_results": 8},
    {
        "type": "function",
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"unit": {"enum": ["celsius"]}}},
        "strict": False,
    },
    {"type": "function", "name": "old_one", "strict": False},
]
NEW_TOOLS = [
    {"type": "file_search", "vector_stores": ["vector_store.handbook"], "max_num_results": 8},
    {
        "type": "function",
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"unit": {"enum": ["celsius", "fahrenheit"]}},
        },
        "strict": True,
    },
    {"type": "code_interpreter", "files": ["file.data/prices.csv"]},
]
PROMPT = (
    "You help the staff.\n\nQuote the handbook.\nBe brief.\nNever guess.\nName the page.\nSay so.\n"
)


def whole_plan() -> Plan:
    """A plan in which everything happens at once."""
    support = Change(
        SUPPORT,
        Action.UPDATE,
        "spec_changed",
        id="asst_1",
        api="assistants",
        before={"model": "gpt-4o", "temperature": 0.3},
        after={
            "model": "gpt-4o",
            "name": "Support",
            "temperature": 0.5,
            "instructions": PROMPT,
            "metadata": {"team": "people"},
            "tools": NEW_TOOLS,
        },
        fields=(
            FieldChange("temperature", 0.9, 0.5, 0.3, "both"),
            FieldChange("instructions", PROMPT.replace("Be brief.", "Be kind. "), PROMPT),
            FieldChange("metadata.team", "support", "people", "support"),
            FieldChange('metadata["odd key"]', "x", None, "x"),
            FieldChange("tools", OLD_TOOLS, NEW_TOOLS, OLD_TOOLS),
        ),
        depends_on=(HANDBOOK, Address("file", "data/prices.csv")),
        source=Source("specs/support.yaml", ("assistants", "support")),
        position=Position("specs/support.yaml", 20, 3),
    )
    store = Change(
        HANDBOOK,
        Action.UPDATE,
        "spec_changed",
        id="vs_1",
        after={"name": "Handbook"},
        fields=(
            FieldChange('files["docs/new.md"]', None, {}),
            FieldChange('files["docs/tagged.md"].attributes.team', "hr", "legal", "hr"),
        ),
        position=Position("specs/support.yaml", 4, 3),
    )
    created = Change(
        Address("assistant", "weather"),
        Action.CREATE,
        "new",
        after={
            "model": "${x}",
            "tools": [{"type": "file_search", "vector_stores": ["vector_store.fresh"]}],
        },
        depends_on=(Address("vector_store", "fresh"),),
    )
    return make_plan(
        changes=(
            file_change(Action.REPLACE, "docs/a.md", 3100, 3400),
            file_change(Action.CREATE, "docs/new.md", None, 812),
            file_change(Action.DELETE, "docs/old.md", 40, None),
            file_change(
                Action.KEEP, "docs/to.md", 40, 40, previous=Address("file", "docs/from.md")
            ),
            file_change(Action.CREATE, "data/prices.csv", None, 12_345_678),
            Change(Address("vector_store", "fresh"), Action.CREATE, "new", after={"name": "Fresh"}),
            store,
            support,
            created,
            Change(
                Address("assistant", "old"),
                Action.DELETE,
                "not_in_specs",
                id="asst_9",
                before={"model": "m"},
            ),
            Change(Address("assistant", "left"), Action.FORGET, "gone", id="asst_8"),
            Change(
                Address("vector_store", "taken"),
                Action.UPDATE,
                "imported",
                id="vs_7",
                importing="vs_7",
                after={"name": "Taken"},
                fields=(FieldChange("name", None, "Taken"),),
            ),
            Change(
                Address("vector_store", "fixed"),
                Action.REPLACE,
                "fixed_field",
                id="vs_6",
                after={"description": "new"},
                fields=(FieldChange("description", "old", "new", "old"),),
                replace_paths=("description",),
            ),
        ),
        store_file_changes=(
            attach("replace", "docs/a.md", old_id="file-1"),
            attach("attach", "docs/new.md"),
            attach("detach", "docs/old.md", old_id="file-2"),
            attach("update", "docs/to.md", old_id="file-3"),
            attach("update", "docs/tagged.md", old_id="file-4", attributes={"team": "legal"}),
            StoreFileChange(HANDBOOK, "replace", "id:file-5", old_id="file-5", gap=True),
        ),
        drift=(
            Drifted(SUPPORT, "both", (FieldChange("temperature", 0.9, 0.5, 0.3, "both"),)),
            Drifted(Address("vector_store", "lost"), "missing"),
        ),
        orphans=(
            Remnant(
                Address("assistant", "orphan"), "asst_7", "keep", "delete it with `--prune-orphans`"
            ),
        ),
        deposed=(Remnant(HANDBOOK, "vs_0", "delete"),),
        notes=("The service adds metadata keys of its own: provider_id.",),
        unchanged=5,
        blocked=(Block("too_many_deletes", "4 of 10 files would be deleted."),),
        problems=(
            Problem(
                "Odd file name",
                "`data/prices.csv` is large.",
                severity="warning",
                file="specs/support.yaml",
                line=3,
            ),
        ),
        basis={"assistant.support": {"locked": "sha256:1", "live": None}},
    )
