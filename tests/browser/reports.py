"""Reports to look at: a story told by the real command line, and plans built by hand where size or
malice counts.
"""

from __future__ import annotations

from pathlib import Path

from provisioner.model import (
    Action,
    Address,
    Block,
    Change,
    FieldChange,
    Plan,
    Problem,
    Remnant,
    StoreFileChange,
)
from provisioner.views.html import html
from provisioner.views.outline import outline
from provisioner.views.picture import plan_graph
from tests.support.plans import file_change, make_plan
from tests.support.world import World

PROMPT = (
    "You help the staff of Acme.\n\nQuote the handbook.\nBe kind.\nNever guess.\nName the page.\n"
)
HOSTILE = (
    "<script>window.pwned=1</script></details></summary></title></svg>\"'`<!-- --><img src=x"
    " onerror='window.pwned=2'>\u202egnp.exe\u2066\x1b[31m ]]> {{ 7*7 }} {% raw %}"
    " ```\n</textarea></style><svg onload=window.pwned=3>\n"
)
HUGE = HOSTILE + "x" * 500_000 + "\n" + "y" * 500_000


def workspace(world: World) -> None:
    """A store with seven documents, two assistants that search it, and one that stands alone."""
    world.write({f"handbook/page-{number}.md": f"Rule {number}.\n" for number in range(7)})
    world.write({"prompts/support.md": PROMPT, "specs/acme.yaml": _specs()})
    world.ok("apply", "-y")


def edit(world: World) -> None:
    """Changes of every sort: a prompt, a model, documents, a new assistant, one that goes."""
    specs = _specs()
    del specs["assistants"]["weather"]
    specs["assistants"]["support"] |= {"model": "gpt-5.6", "temperature": 0.4}
    specs["assistants"]["greeter"] = {
        "model": "gpt-4o",
        "instructions": HOSTILE * 3,
        "tools": ["code_interpreter"],
    }
    changed = PROMPT.replace("Be kind.", "Be brief and kind.") + "\nSay so where you do not know.\n"
    world.write({"prompts/support.md": changed, "specs/acme.yaml": specs})
    world.write(
        {
            "handbook/page-1.md": "Another rule.\n",
            "handbook/new <b>\u202e.md": "New.\n",
            "handbook/page-6.md": None,
        }
    )


def edit_outside(world: World) -> None:
    """What somebody does at the service by hand."""
    world.http(
        "POST", "/assistants/${assistant.support}", {"instructions": HOSTILE, "temperature": 0.9}
    )
    world.http("DELETE", "/assistants/${assistant.weather}")


def _specs() -> dict[str, dict[str, dict[str, object]]]:
    search = {"type": "file_search", "vector_stores": ["handbook"]}
    return {
        "vector_stores": {"handbook": {"files": ["handbook/*.md"]}},
        "assistants": {
            "support": {
                "model": "gpt-4o",
                "instructions": {"file": "prompts/support.md"},
                "tools": [search],
            },
            "tutor": {"model": "gpt-4o", "tools": [search], "metadata": {"team": HOSTILE[:60]}},
            "weather": {"model": "gpt-4o", "instructions": "Tell the weather."},
        },
    }


def page(plan: Plan) -> str:
    return html(outline(plan, verbose=True), plan_graph(plan))


def hostile_plan() -> Plan:
    """Every text of a plan that a stranger may have written, as bad as it gets."""
    name = Address("assistant", HOSTILE)
    created = Change(
        name,
        Action.CREATE,
        "new",
        after={"model": HOSTILE, "instructions": HUGE, "metadata": {HOSTILE: HOSTILE}},
        depends_on=(Address("vector_store", f"{HOSTILE}1"), Address("file", f"{HOSTILE}2")),
    )
    fields = (
        FieldChange("instructions", HOSTILE, f"{HOSTILE.upper()}עברית\n"),
        FieldChange(HOSTILE, 1, 2),
        FieldChange("tools", [{"type": "function", "name": HOSTILE}], [{"type": HOSTILE}]),
    )
    updated = Change(
        Address("assistant", "مساعد"), Action.UPDATE, HOSTILE, before={}, after={}, fields=fields
    )
    return make_plan(
        changes=(created, updated),
        problems=(Problem(HOSTILE, HOSTILE, HOSTILE, file=HOSTILE, line=1),),
        blocked=(Block(HOSTILE, HOSTILE),),
        notes=(HOSTILE,),
        orphans=(Remnant(Address("file", f"{HOSTILE}3"), HOSTILE, "delete", HOSTILE),),
    )


def large_plan(assistants: int = 300, documents: int = 5_000) -> Plan:
    """Three hundred changed assistants among a thousand, five thousand changed documents in seven
    stores.
    """
    stores = [Address("vector_store", f"store-{number}") for number in range(7)]
    old = "".join(f"Line {number}.\n" for number in range(20))
    prompt = FieldChange("instructions", old, old.replace("7.", "7, new."))
    changed = [
        Change(
            Address("assistant", f"changed-{number:04}"),
            Action.UPDATE,
            "spec_changed",
            after={"model": "gpt-4o"},
            fields=(prompt,),
            depends_on=(stores[number % 7],),
        )
        for number in range(assistants)
    ]
    kept = [
        Change(
            Address("assistant", f"kept-{number:04}"),
            Action.KEEP,
            "in_sync",
            depends_on=(stores[number % 7],),
        )
        for number in range(1_000 - assistants)
    ]
    paths = [f"docs/{number // 100:02}/page-{number:04}.md" for number in range(documents)]
    files = [file_change(Action.REPLACE, path, 1_000, 2_000) for path in paths]
    held = [
        StoreFileChange(stores[number % 7], "replace", path, Address("file", path))
        for number, path in enumerate(paths)
    ]
    kept += [Change(store, Action.KEEP, "in_sync") for store in stores]
    return make_plan(changes=(*changed, *kept, *files), store_file_changes=tuple(held))


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / f"{name}.html"
    path.write_text(content, encoding="utf-8")
    return path
