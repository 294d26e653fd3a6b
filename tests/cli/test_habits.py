"""What people type out of habit, or wrongly, leads to what they meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.accepting import A
from tests.support.running import run
from tests.support.world import World

DESK = {"assistants": {"support": {"model": "gpt-4o"}}}


@pytest.mark.parametrize(
    "line, hint",
    [
        ("test", "`provisioner check` holds the checks of the specs"),
        ("help plna", "did you mean `plan`?"),
        ("plan -out x.json", "write `--out`"),
        ("plan -out=x.json", "write `--out`"),
        ("plan -json", "write `--json`"),
        ("plan -var a=b", "write `--var`"),
        ("-chdir=x plan", "write `--chdir`"),
        ("apply -auto-approve", "write `--auto-approve`"),
        ("apply -yes", "write `--yes`"),
        ("plan -env prod", "write `--env`"),
        ("-env=prod plan", "write `--env`"),
        ("plan -verbose", "write `--verbose`"),
        ("state rm -quiet assistant.support", "write `--quiet`"),
        ("apply -refresh-only", "`provisioner drift`"),
        ("plan --refresh-only", "`provisioner drift`"),
        ("plan -refresh=false", "`--no-refresh`"),
        ("apply --dry-run", "`provisioner plan` shows it and changes nothing"),
        ("destroy --dry-run", "`provisioner plan --destroy` shows it"),
        ("fmt --dry-run", "`provisioner fmt --check`"),
        ("output -raw assistant.support", "`provisioner output ADDR --format env`"),
        ("rollout undo assistant.support", "`provisioner rollback ADDR --to N` puts one back"),
        ("history assistant.support", "`provisioner versions ADDR`"),
        ("rollback assistant.support --to-revision 2", "`provisioner rollback ADDR --to N`"),
        ("rollback assistant.support", "name it with `--to N`"),
        ("describe assistant.support", "`explain KIND` what can be"),
        ("explain assistant --recursive", "`provisioner explain KIND -v`"),
        ("diff", "`provisioner plan` shows what an apply would change"),
        ("diff assistant.support", "`provisioner versions ADDR` lists them"),
    ],
)
def test_habits_from_elsewhere(tmp_path: Path, line: str, hint: str) -> None:
    """Each is wrong usage, and says what to type here."""
    ran = run(tmp_path, *line.split())

    assert (ran.code, ran.out) == (1, "")
    assert hint in ran.err.partition("hint: ")[2]


@pytest.mark.parametrize(
    "line, usual",
    [
        ("help", "--help"),
        ("help help", "--help"),
        ("help plan", "plan --help"),
        ("help state rm", "state rm --help"),
        ("state help", "state --help"),
        ("state help rm", "state rm --help"),
        ("-C nowhere help", "--help"),
        ("-C nowhere -e prod help plan", "plan --help"),
        ("-help", "--help"),
        ("plan -help", "plan --help"),
    ],
)
def test_help_is_a_command(tmp_path: Path, line: str, usual: str) -> None:
    """`help plan` says what `plan --help` says, as a result, whatever stands before it."""
    asked = run(tmp_path, *line.split())

    assert asked == run(tmp_path, *usual.split())
    assert (asked.code, asked.err) == (0, "")
    assert asked.out.startswith("Usage: ")


def test_short_options_stay_short(world: World) -> None:
    """What has one letter has one dash, glued or not; what follows `--` is no option."""
    world.write({"specs/a.yaml": DESK})

    assert world.ok("plan", "-qv", "-elocal").err == ""
    assert "assistant.-yes" in world.ok("state", "show", "--", "assistant.-yes", code=1).err


def test_output_of_what_is_not_there(world: World) -> None:
    """A slip of the pen leads to what was meant, and what is declared to the command that makes
    it.
    """
    world.write({"specs/a.yaml": DESK})
    world.apply()
    more = {"assistants": {**DESK["assistants"], "support2": {"model": "gpt-4o"}}}
    world.write({"specs/a.yaml": more})
    wanted = ["assistant.suport", "assistant.support2", "vault.keys", "assistant.suport"]

    refused = world.ok("output", *wanted, code=1)

    assert refused.out == ""
    hints = [line for line in refused.err.splitlines() if "hint: " in line]
    assert [one.partition("hint: ")[2] for one in hints] == [
        f"did you mean `{A}`?",
        "run `provisioner apply`",
        "`provisioner state list` lists what the lock has",
    ]


def test_state_rm_prints_the_id(world: World) -> None:
    """What leaves the lock can be found again at the service."""
    world.write({"specs/a.yaml": DESK})
    world.apply()
    id = world.id(A)

    removed = world.ok("state", "rm", A)

    assert removed.out == f"Removed {A} from the lock.\n"
    assert f"{A} is still there, as {id}" in removed.err
    world.http("GET", f"/assistants/{id}")


def test_destroying_twice(world: World) -> None:
    """The second time nothing is left, which is no error and no match with the specs."""
    world.write({"specs/a.yaml": DESK})
    world.apply()

    first, again = world.ok("destroy", "-y").out, world.ok("destroy").out

    assert first.endswith("Destroy complete! Resources: 1 destroyed.\n")
    nothing = "No changes. Nothing is left to destroy.\n"
    assert again == f"{nothing}Destroy complete! Nothing was changed.\n"
    assert world.ok("plan", "--destroy").out == nothing
    assert "1 to add" in world.ok("plan").out


def test_an_import_that_is_left_after_destroying(world: World) -> None:
    """It does not stop the next apply, which makes a new object; a wrong id still does."""
    id = world.http("POST", "/assistants", {"model": "gpt-4o"})["id"]
    imports = [{"to": A, "id": id}]
    world.write({"specs/a.yaml": {**DESK, "imports": imports}})
    world.apply()
    world.ok("destroy", "-y")
    assert world.lock()["deleted"] == [id]

    assert world.ok("destroy", "-y").out.endswith("Destroy complete! Nothing was changed.\n")
    planned = world.ok("plan").out

    assert f"`imports` names `{id}`" in planned and "Take the entry out." in planned
    assert planned.endswith("Plan: 1 to add.\n")
    world.apply()
    assert world.id(A) != id
    assert "Take the entry out." not in world.ok("plan").out
    world.ok("destroy", "-y")
    world.write({"specs/a.yaml": {**DESK, "imports": [{"to": A, "id": "asst_other"}]}})
    assert "Object not found" in world.ok("plan", code=1).err


def test_a_change_inside_an_import_counts(world: World) -> None:
    """Nobody takes an import for harmless that overwrites what is live; apply counts the same."""
    id = world.http("POST", "/assistants", {"model": "gpt-4o", "instructions": "Theirs"})["id"]
    ours = {"assistants": {"support": {"model": "gpt-4o", "instructions": "Ours"}}}
    world.write({"specs/a.yaml": {**ours, "imports": [{"to": A, "id": id}]}})

    assert world.ok("plan").out.endswith("Plan: 1 to import, 1 to change.\n")
    summary = world.plan()["summary"]
    assert (summary["import"], summary["change"], summary["add"]) == (1, 1, 0)
    assert "Resources: 1 imported, 1 changed." in world.apply().out
