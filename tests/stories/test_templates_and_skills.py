"""Environment templates and skills through their whole lives: what is planned, sent, found again
without a stamp, and never guessed.
"""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kinds import kind
from tests.crash.instants import stopped
from tests.crash.test_lost_replies import trouble
from tests.support.injecting import Meanwhile
from tests.support.world import World

TEMPLATES, SKILLS = "/agents/environments/templates", "/skills"
CLOSED = {"access": "disabled"}
MAIN = "---\nname: triage\ndescription: Sorts mails.\n---\nSort them.\n"
BOX: dict[str, Any] = {
    "network": {"access": "restricted", "allowed_domains": ["pypi.org"]},
    "files": [{"file": "data/r.csv", "path": "/workspace/r.csv"}],
    "skills": ["triage"],
    "env": {"REGION": "eu", "TOKEN": {"env": "BOX_TOKEN"}},
    "setup_commands": ["pip check"],
}


@pytest.fixture
def ours(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A template with everything in it, and the skill that it names, applied."""
    monkeypatch.setenv("BOX_TOKEN", "what-nobody-may-see")
    monkeypatch.setenv("PROVISIONER_FINGERPRINT_KEY", "k" * 40)
    world.write({"data/r.csv": "a\n1\n", "skills/triage/SKILL.md": MAIN})
    world.write({"skills/triage/scripts/__init__.py": "", "skills/triage/.DS_Store": "x"})
    declare(world, {"box": BOX}, {"triage": {"path": "skills/triage"}})
    world.apply()
    return world


def declare(world: World, templates: Any, skills: Any = None, **more: Any) -> None:
    spec = {"environment_templates": templates, **({"skills": skills} if skills else {}), **more}
    world.write({"specs/all.yaml": spec})


def shown(world: World, address: str = "environment_template.box") -> Any:
    return world.http("GET", f"{TEMPLATES}/{world.id(address)}")


def test_what_is_never_shown_is_compared_with_the_lock(ours: World) -> None:
    """Variables, commands and blocked domains are sent when the specs change, are named as what
    nobody can verify, and their secrets stand nowhere.
    """
    report = ours.ok("drift", "--json").json
    assert sorted(one["path"] for one in report["unverifiable"]) == [
        "env.REGION",
        "env.TOKEN",
        "setup_commands",
    ]
    box = {**BOX, "network": {"access": "restricted", "blocked_domains": ["ads.example"]}}
    declare(ours, {"box": {**box, "env": {"REGION": "us"}}}, {"triage": {"path": "skills/triage"}})
    [row] = [
        one for one in ours.plan()["resource_changes"] if one["change"]["actions"] != ["no-op"]
    ]
    assert {one["path"] for one in row["changed_fields"]} == {
        "network.allowed_domains",
        "network.blocked_domains",
        "env.REGION",
        "env.TOKEN",
    }
    ours.apply()
    assert shown(ours)["network"] == {"access": "restricted", "allowed_domains": []}
    written = [path.read_bytes() for path in ours.root.rglob("*") if path.is_file()]
    assert not any(b"what-nobody-may-see" in data for data in written)


def test_one_variable_goes_with_all_of_them(ours: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects are replaced whole: where one variable changes, every secret beside it is needed, and
    a plan does without.
    """
    changed = {**BOX, "env": {**BOX["env"], "REGION": "us"}}
    declare(ours, {"box": changed}, {"triage": {"path": "skills/triage"}})
    monkeypatch.delenv("BOX_TOKEN")
    assert ours.changes()["environment_template.box"] == "update"
    refused = ours.ok("apply", "-y", code=1)
    assert "`BOX_TOKEN` is not set" in refused.err and "Nothing was written" in refused.err
    monkeypatch.setenv("BOX_TOKEN", "another")
    ours.apply()


def test_an_edit_at_the_service_is_drift(ours: World) -> None:
    """What somebody changes is shown and written over; with `accept` it goes into the specs in their
    own spelling.
    """
    path = f"{TEMPLATES}/{ours.id('environment_template.box')}"
    edit = {"packages": {"python": ["pandas"]}, "skills": [], "network": CLOSED}
    ours.http("POST", path, edit)
    report = ours.ok("drift", "--json", code=2).json
    [row] = report["resource_drift"]
    assert {one["path"] for one in row["changed_fields"]} >= {"skills", "network.access"}
    ours.apply()
    assert shown(ours)["network"]["allowed_domains"] == ["pypi.org"]
    version = [{"type": "skill_reference", "skill_id": ours.id("skill.triage"), "version": "1"}]
    ours.http("POST", path, {"skills": version})
    ours.ok("accept")
    assert "version: '1'" in (ours.root / "specs/all.yaml").read_text().replace('"', "'")
    ours.settled()


def test_a_skill_is_uploaded_as_another_version(ours: World) -> None:
    """A change is a new version, which is the default one; the id stays, and older versions as
    well. A folder that moves sends nothing.
    """
    skill = ours.id("skill.triage")
    ours.write({"skills/triage/SKILL.md": MAIN + "Quickly.\n"})
    assert "a new version; version 1 and older ones stay" in ours.ok("plan").out
    ours.apply()
    raw = ours.http("GET", f"{SKILLS}/{skill}")
    assert (raw["default_version"], raw["latest_version"]) == ("2", "2")
    assert ours.id("skill.triage") == skill
    assert [one["version"] for one in ours.listed(f"{SKILLS}/{skill}/versions")] == ["2", "1"]
    (ours.root / "skills/triage").rename(ours.root / "skills/sorting")
    declare(ours, {"box": BOX}, {"triage": {"path": "skills/sorting"}})
    ours.calls.clear()
    ours.apply()
    assert not [call for call in ours.calls if call[0] != "GET"]


def test_another_default_version_is_drift(ours: World) -> None:
    """Whoever makes another version the default changes what applications get: it is shown, and
    undone without an upload.
    """
    skill = ours.id("skill.triage")
    ours.write({"skills/triage/SKILL.md": MAIN + "Quickly.\n"})
    ours.apply()
    ours.http("POST", f"{SKILLS}/{skill}", {"default_version": "1"})
    [row] = ours.ok("drift", "--json", code=2).json["resource_drift"]
    assert [one["path"] for one in row["changed_fields"]] == ["default_version"]
    ours.apply()
    raw = ours.http("GET", f"{SKILLS}/{skill}")
    assert (raw["default_version"], raw["latest_version"]) == ("2", "2")


def test_bytes_that_changed_since_the_plan_are_refused(ours: World) -> None:
    """A saved plan sends the files that it was made with, and names the one that is another. Then
    nothing has been done, so that it fits as soon as the bytes are there again.
    """
    quickly, before = {"skills/triage/SKILL.md": MAIN + "Quickly.\n"}, ours.lock()
    ours.write(quickly)
    ours.ok("plan", "--out", "p.json")
    ours.write({"skills/triage/SKILL.md": MAIN + "Slowly.\n"})
    refused = ours.ok("apply", "p.json", "-y", code=1)
    assert "`skills/triage/SKILL.md` is not the file that the plan was made with" in refused.err
    assert ours.http("GET", f"{SKILLS}/{ours.id('skill.triage')}")["latest_version"] == "1"
    assert ours.lock() == before
    ours.write(quickly)
    ours.ok("apply", "p.json", "-y")
    ours.settled()


@pytest.mark.parametrize("made", [False, True])
def test_bytes_that_change_while_an_apply_runs_are_refused(ours: World, made: bool) -> None:
    """The last moment to see it is when they are read to be sent: nothing of it was, whether it is
    another version or a new skill, and neither lock nor plan is another one afterwards.
    """
    folder = "new" if made else "triage"
    planned = {f"skills/{folder}/SKILL.md": MAIN + "Quickly.\n"}
    skills = {name: {"path": f"skills/{name}"} for name in {"triage", folder}}
    ours.write(planned)
    declare(ours, {"box": BOX}, skills)
    ours.ok("plan", "--out", "p.json")
    before = ours.lock()

    edited = {f"skills/{folder}/SKILL.md": MAIN + "Slowly.\n"}
    with ours.behind(Meanwhile(before=lambda *_: ours.write(edited))):
        refused = ours.ok("apply", "p.json", "-y", code=1)
    assert f"`skills/{folder}/SKILL.md` changed since the plan" in refused.err
    assert ours.lock() == before
    assert not (ours.root / ".provisioner/local/lock.json.journal").exists()
    ours.write(planned)
    ours.ok("apply", "p.json", "-y")
    ours.settled()


@pytest.mark.parametrize("arrives", [True, False])
def test_a_version_whose_reply_is_lost_is_not_uploaded_twice(ours: World, arrives: bool) -> None:
    """The newest version is looked at first: the same bytes are not sent again."""
    ours.write({"skills/triage/SKILL.md": MAIN + "Quickly.\n"})
    stopped(ours, "POST", "/versions", arrives=arrives)
    ours.apply()
    assert len(ours.listed(f"{SKILLS}/{ours.id('skill.triage')}/versions")) == 2


@pytest.mark.usefixtures("hasty")
def test_equal_templates_are_each_made_once(world: World) -> None:
    """Two templates that nothing tells apart are two objects, whichever reply is lost."""
    declare(world, {name: {"name": "Twin", "network": CLOSED} for name in ("a", "b", "c")})
    for at in range(1, 4):
        with world.behind(trouble(at, "lost")):
            world.run("apply", "-y")
        world.apply()
        assert len(world.listed(TEMPLATES)) == 3
        world.ok("destroy", "-y")


def test_equal_templates_are_told_apart_by_nothing_after_a_crash(world: World) -> None:
    """Where the process ends, it does not matter which of two equal objects is whose."""
    declare(world, {name: {"name": "Twin", "network": CLOSED} for name in ("a", "b")})
    stopped(world, "POST", "/templates")
    world.apply()
    assert len(world.listed(TEMPLATES)) == 2


def test_a_twin_of_somebody_else_is_never_taken(world: World) -> None:
    """Somebody makes the same template before the next apply looks for ours: nobody can tell them
    apart, so that both are named, and ours is made again.
    """
    body = {"name": "box", "network": CLOSED}
    declare(world, {"box": {"network": CLOSED}})
    stopped(world, "POST", "/templates")
    world.http("POST", TEMPLATES, body)
    result = world.ok("apply", "-y")
    found = [one["id"] for one in world.listed(TEMPLATES)]
    own = world.id("environment_template.box")
    assert len(found) == 3
    assert all(id in result.out + result.err for id in found if id != own)


def test_a_twin_that_was_there_before_is_not_ours(world: World) -> None:
    """What was there when the apply began is named in the plan, and never taken over."""
    body = {"name": "box", "network": CLOSED}
    before = world.http("POST", TEMPLATES, body)["id"]
    declare(world, {"box": {"network": CLOSED}})
    assert f"`{before}` looks exactly like `environment_template.box`" in world.ok("plan").out
    stopped(world, "POST", "/templates")
    world.apply()
    assert world.id("environment_template.box") != before
    assert len(world.listed(TEMPLATES)) == 2


def test_what_was_there_is_looked_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are to be made beside it: ten times as many take ten times as long."""
    looked: list[Any] = []
    form = kind("environment_template").form(None)
    looks = type(form).looks

    def counted(self: Any, address: Any, fields: Any, names: Any) -> str:
        looked.append(address)
        return looks(self, address, fields, names)

    for number in range(20):
        body = {"name": f"b{number}", "network": {"access": "enabled"}}
        world.http("POST", TEMPLATES, body)
    declare(world, {f"b{number}": {"network": CLOSED} for number in range(20)})
    monkeypatch.setattr(type(form), "looks", counted)
    world.ok("apply", "-y")
    assert len(looked) <= 5 * (20 + 20)


def test_another_environment_may_have_made_it(world: World) -> None:
    """Where another environment of ours has the same service, nothing is guessed."""
    both = {"local": {"service": "local"}, "other": {"service": "local", "lock": "other.json"}}
    world.write({"provisioner.yaml": {"workspace": "w", "environments": both}})
    declare(world, {"box": {"network": CLOSED}})
    stopped(world, "POST", "/templates", words=("apply", "-y", "-e", "local"))
    result = world.ok("apply", "-y", "-e", "local")
    [left] = {one["id"] for one in world.listed(TEMPLATES)} - {world.id("environment_template.box")}
    assert f"`{left}` may be what a request of ours has made" in result.out + result.err


def test_without_the_journal_what_is_left_is_named(world: World) -> None:
    """A crash whose journal is gone leaves what nobody can prove: the plan names it, and `imports`
    takes it over.
    """
    declare(world, {"box": {"network": CLOSED}})
    stopped(world, "POST", "/templates")
    (world.root / ".provisioner/local/lock.json.journal").unlink()
    [left] = [one["id"] for one in world.listed(TEMPLATES)]
    assert f"`{left}` looks exactly like" in world.ok("plan").out
    imports = [{"to": "environment_template.box", "id": left}]
    declare(world, {"box": {"network": CLOSED}}, imports=imports)
    world.apply()
    assert world.id("environment_template.box") == left


def test_a_lost_lock_is_rebuilt_from_what_looks_exactly_so(ours: World) -> None:
    """Beside what carries stamps, `state rebuild` takes what is declared once and there once; two
    that look the same are named, and nothing is chosen.
    """
    twins = {name: {"name": "Twin", "network": CLOSED} for name in ("one", "two")}
    skills, stores = {"triage": {"path": "skills/triage"}}, {"kb": {"files": ["data/*.md"]}}
    ours.write({"data/a.md": "# A\n"})
    box = {name: value for name, value in BOX.items() if name != "files"}
    declare(ours, {"box": box, **twins}, skills, vector_stores=stores)
    ours.apply()
    had = {address: entry["id"] for address, entry in ours.lock()["resources"].items()}
    (ours.root / ".provisioner/local/lock.json").unlink()
    rebuilt = ours.ok("state", "rebuild")
    found = {address: entry["id"] for address, entry in ours.lock()["resources"].items()}
    names = ("environment_template.box", "skill.triage", "vector_store.kb")
    assert all(found[name] == had[name] for name in names)
    assert not any(f"environment_template.{name}" in found for name in twins)
    said = rebuilt.out + rebuilt.err
    assert all(had[f"environment_template.{name}"] in said for name in twins)
    changes = ours.changes()
    assert {"skill.triage", "vector_store.kb"}.isdisjoint(changes), changes
    ours.write({"skills/triage/SKILL.md": MAIN + "Quickly.\n"})
    ours.apply()
    ours.http("POST", f"{SKILLS}/{had['skill.triage']}", {"default_version": "1"})
    (ours.root / ".provisioner/local/lock.json").unlink()
    ours.write({"skills/triage/SKILL.md": MAIN})
    ours.ok("state", "rebuild")
    ours.http("POST", f"{SKILLS}/{had['skill.triage']}", {"default_version": "2"})
    [row] = ours.ok("drift", "--json", code=2).json["resource_drift"]
    assert (row["address"], row["drift"]) == ("skill.triage", "remote")


def test_a_lock_without_any_stamp_is_rebuilt(world: World) -> None:
    """Where nothing has metadata, what is declared is looked for all the same; where nothing is
    there, there is nothing to rebuild.
    """
    declare(world, {"box": {"network": CLOSED}})
    assert "Nothing to rebuild" in world.ok("state", "rebuild", code=1).err
    world.apply()
    had = world.id("environment_template.box")
    (world.root / ".provisioner/local/lock.json").unlink()
    world.ok("state", "rebuild")
    assert world.id("environment_template.box") == had
    world.settled()
    assert "Nothing to rebuild" in world.ok("state", "rebuild", code=1).err
    world.apply()


def test_a_rebuilt_lock_knows_what_only_we_know(world: World) -> None:
    """What the service has nothing to do with is no change after the lock was lost: nobody but the
    specs can say what it is. A key that may not list what nothing here declares is enough.
    """
    agent = {"api": "agents", "model": "gpt-5", "session": {"vaults": ["keys"]}}
    declare(world, {}, vaults={"keys": {}}, assistants={"a": agent})
    world.apply()
    lock = world.root / ".provisioner/local/lock.json"
    lock.unlink()
    unseen = ("/assistants", TEMPLATES, "/skills", "/agents/automations")
    rules = [
        {"match": {"method": "GET", "path": f"/v1{path}$"}, "action": {"status": 403}}
        for path in unseen
    ]
    with world.failing(*rules):
        said = world.ok("state", "rebuild").out
    assert "may not list `environment_templates`" in said and "`assistants` of the API" in said
    world.settled()
    lock.unlink()
    with world.failing(
        {"match": {"method": "GET", "path": "/v1/agents$"}, "action": {"status": 403}}
    ):
        world.ok("state", "rebuild", code=1)
    assert not lock.exists()


def test_what_is_there_becomes_a_spec(world: World) -> None:
    """`import --all` writes templates with what they name; what came along inline is left alone, and
    a skill, whose folder nobody can see, is named.
    """
    file = world.upload("r.csv", b"a\n")
    body = {
        "name": "Box",
        "network": {"access": "restricted", "allowed_domains": ["pypi.org"]},
        "files": [{"type": "file_id", "file_id": file, "path": "/workspace/r.csv"}],
        "desktop": {"enabled": True},
    }
    made = world.http("POST", TEMPLATES, body)["id"]
    inline = [{"type": "inline", "data": "YQ==", "path": "/workspace/a"}]
    world.http("POST", TEMPLATES, {"name": "Packed", "network": CLOSED, "files": inline})
    result = world.ok("import", "--all", "-y")
    assert "came along inline" in result.out + result.err
    assert world.id("environment_template.box") == made
    world.settled()
    assert file in (world.root / "specs/imported.yaml").read_text()


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({}, "Missing"),
    ({"network": {"access": "enabled", "allowed_domains": ["a.b"]}}, "Domains without effect"),
    (
        {"network": {"access": "restricted", "allowed_domains": ["a"], "blocked_domains": ["b"]}},
        "Contradiction",
    ),
    (
        {"network": {"access": "restricted", "blocked_domains": ["*.b"]}},
        "Wildcard not accepted",
    ),
    (
        {"network": CLOSED, "files": [{"file": "data/r.csv", "path": "/etc/r.csv"}]},
        "inside `/workspace`",
    ),
    (
        {"network": CLOSED, "files": [{"file": "data/r.csv", "path": "/workspace/r"}] * 2},
        "Path used twice",
    ),
    ({"network": CLOSED, "skills": [{"id": "skill_1", "version": "latest"}]}, "Moving version"),
    ({"network": CLOSED, "skills": ["nobody"]}, "Unknown reference"),
    ({"network": CLOSED, "env": {"A": "ä" * (1 << 19) + "b"}}, "has more than 1 MiB"),
    ({"network": CLOSED, "name": ""}, "nothing in `name`"),
    ({"network": CLOSED, "capability_directories": ["tools"]}, "capability_directories[0]"),
]


@pytest.mark.parametrize(("template", "said"), FAULTS)
def test_faults_are_found_before_anything_is_sent(
    world: World, template: dict[str, Any], said: str
) -> None:
    """Each with its place and a remedy."""
    world.write({"data/r.csv": "a\n"})
    declare(world, {"box": template})
    result = world.run("validate")
    assert said in result.out + result.err


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.md": "x"}, "No SKILL.md"),
        ({"SKILL.md": "# no front matter\n"}, "Front matter incomplete"),
        ({"SKILL.md": "---\nname: a\n---\n"}, "has no `description`"),
        (
            {"SKILL.md": MAIN, "big.bin": "version https://git-lfs.github.com/spec/v1\noid x\n"},
            "Git LFS pointer",
        ),
    ],
)
def test_faults_of_a_folder(world: World, files: dict[str, str], said: str) -> None:
    """A folder that the service would refuse is a problem of the spec that names it."""
    world.write({f"skills/a/{name}": text for name, text in files.items()})
    world.write({"specs/all.yaml": {"skills": {"a": {"path": "skills/a"}}}})
    assert said in world.ok("validate", code=1).err
    outside = {"specs/all.yaml": {"skills": {"a": {"path": "../a"}}}}
    world.write(outside)
    assert "Path outside workspace" in world.ok("validate", code=1).err


def _variable(**networking: Any) -> dict[str, Any]:
    auth = {
        "type": "environment_variable",
        "secret_name": "CRM",
        "secret_value": {"env": "BOX_TOKEN"},
        "networking": networking,
    }
    return {"vault": "keys", "auth": auth}


LIMITED = {"type": "limited", "allowed_hosts": ["crm.example"]}


@pytest.mark.parametrize(
    ("template", "networking", "said"),
    [
        ({"network": CLOSED}, LIMITED, "reaches no network"),
        ({"network": {"access": "enabled"}}, {"type": "unrestricted"}, "has to restrict"),
        (
            {"network": {"access": "restricted", "allowed_domains": ["a.example"]}},
            LIMITED,
            "is for `crm.example`",
        ),
        (
            {"network": {"access": "enabled"}, "env": {"CRM": "x"}},
            LIMITED,
            "in the template's `env`",
        ),
        (
            {"network": {"access": "restricted", "blocked_domains": ["ads.example"]}},
            {"type": "unrestricted"},
            "has to restrict",
        ),
        (
            {"network": {"access": "restricted", "blocked_domains": ["ads.example"]}},
            LIMITED,
            "instead of blocking others",
        ),
        (
            {"network": {"access": "restricted", "allowed_domains": ["crm.example"]}},
            {"type": "limited", "allowed_hosts": ["crm.example", "b.example"]},
            "add `b.example` to `allowed_domains`",
        ),
        ({"network": {"access": "restricted", "allowed_domains": ["*.example"]}}, LIMITED, ""),
    ],
)
def test_variables_of_vaults_fit_the_template(
    world: World, template: dict[str, Any], networking: dict[str, Any], said: str
) -> None:
    """What a session would refuse is a problem of whoever gives a template and vaults to one."""
    session = {"environment": {"template": "box"}, "vaults": ["keys"]}
    declare(
        world,
        {"box": template},
        vaults={"keys": {}},
        credentials={"crm": _variable(**networking)},
        assistants={"a": {"api": "agents", "model": "gpt-5", "session": session}},
    )
    result = world.run("validate")
    assert (said in result.err and result.code == 1) if said else result.code == 0, result.err


def _told(environment: Any, *vaults: str) -> dict[str, Any]:
    target = {"assistant": "a", "input": ["Go."], "environment": environment, "vaults": [*vaults]}
    return {"type": "periodic", "expression": "0 8 * * *", "timezone": "UTC", "target": target}


@pytest.mark.parametrize(
    ("environment", "networking", "said"),
    [
        ({"template": "box"}, LIMITED, "is for `crm.example`, which the template does not reach"),
        ({"template": {"id": "envtmpl_1"}}, LIMITED, ""),
        ("openai_hosted", {"type": "unrestricted"}, "which only a template can restrict"),
        ({"container_size": "small"}, {"type": "unrestricted"}, "give it a template"),
        ("openai_hosted", LIMITED, ""),
        ({"type": "self_hosted", "workspace_directory": "/w"}, {"type": "unrestricted"}, ""),
    ],
)
def test_an_automation_is_held_against_its_template_as_well(
    world: World, environment: Any, networking: dict[str, Any], said: str
) -> None:
    """Where there is none, nothing restricts the network; of one elsewhere nobody knows."""
    declare(
        world,
        {"box": {"network": {"access": "restricted", "allowed_domains": ["a.example"]}}},
        vaults={"keys": {}},
        credentials={"crm": _variable(**networking)},
        assistants={"a": {"api": "agents", "model": "gpt-5"}},
        automations={"daily": _told(environment, "keys")},
    )
    result = world.run("validate")
    assert (said in result.err and result.code == 1) if said else result.code == 0, result.err


@pytest.mark.parametrize(
    ("held", "told", "refused"),
    [
        ("keys", [["keys"]], True),
        ("more", [["keys", "more"]], True),
        ("more", [["keys"], ["more"]], False),
    ],
)
def test_a_variable_is_given_once(
    world: World, held: str, told: list[list[str]], refused: bool
) -> None:
    """Neither twice in a vault, nor by two vaults that are given together; apart they may."""
    again = {**_variable(**LIMITED), "vault": held}
    declare(
        world,
        {},
        vaults={"keys": {}, "more": {}},
        credentials={"crm": _variable(**LIMITED), "again": again},
        assistants={"a": {"api": "agents", "model": "gpt-5"}},
        automations={f"n{at}": _told("openai_hosted", *some) for at, some in enumerate(told)},
    )
    result = world.run("validate")
    assert result.code == int(refused), result.err
    assert ("both the variable `CRM`" in result.err) == refused


def test_what_a_key_may_not_see_may_use_a_file(world: World) -> None:
    """A restricted key that may not list templates deletes no file: one of them may name it."""
    world.write({"data/r.csv": "a\n"})
    world.write({"specs/all.yaml": {"files": {"r": {"path": "data/r.csv"}}}})
    world.apply()
    old = world.id("file.data/r.csv")
    world.write({"data/r.csv": "b\n"})
    rule = {"match": {"method": "GET", "path": TEMPLATES}, "action": {"status": 403}}
    with world.failing(rule):
        assert "may not list any environment template" in world.ok("apply", "-y").out
    assert old in [one["id"] for one in world.listed("/files")]
    world.ok("apply", "-y")
    assert old not in [one["id"] for one in world.listed("/files")]


HIDDEN: dict[str, Any] = {
    "env": {"REGION": "us", "TOKEN": {"env": "BOX_TOKEN"}},
    "env without": {"TOKEN": {"env": "BOX_TOKEN"}},
    "setup_commands": ["pip install x"],
    "network": {"access": "restricted", "blocked_domains": ["ads.example"]},
}


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("name", HIDDEN)
def test_what_nobody_sees_and_a_crash_has_left_open(ours: World, name: str, arrives: bool) -> None:
    """An update was stopped, and the specs are what they were before it: nobody knows which value
    the service has, so that it is sent again.
    """
    field = name.split()[0]
    declare(ours, {"box": {**BOX, field: HIDDEN[name]}}, {"triage": {"path": "skills/triage"}})
    box = ours.id("environment_template.box")
    stopped(ours, "POST", f"/templates/{box}", arrives=arrives)
    declare(ours, {"box": BOX}, {"triage": {"path": "skills/triage"}})
    rows = ours.plan()["resource_changes"]
    [row] = [one for one in rows if one["address"] == "environment_template.box"]
    assert row["change"]["actions"] == ["update"]
    assert "(not known)" in [one["before"] for one in row["changed_fields"]]
    assert not [one for one in row["changed_fields"] if one["drift"]]
    ours.ok("drift")
    ours.calls.clear()
    ours.apply()
    assert ("POST", f"{TEMPLATES}/{box}") in ours.calls


EDITS: dict[str, Any] = {
    "name": "Another",
    "files": [],
    "skills": [],
    "packages": {"system": ["git"]},
    "capability_directories": ["/workspace/tools"],
    "desktop": {"enabled": True},
}


@pytest.mark.parametrize("field", EDITS)
def test_every_field_that_is_edited_by_hand_shows(ours: World, field: str) -> None:
    """Exactly that field; after an apply it is as the specs say."""
    declared = {
        **BOX,
        "name": "Box",
        "packages": {"python": ["pandas"]},
        "desktop": {"enabled": False},
    }
    declared["capability_directories"] = ["/workspace/capabilities"]
    declare(ours, {"box": declared}, {"triage": {"path": "skills/triage"}})
    ours.apply()
    before = shown(ours)
    path = f"{TEMPLATES}/{ours.id('environment_template.box')}"
    ours.http("POST", path, {field: EDITS[field]})
    [row] = ours.ok("drift", "--json", code=2).json["resource_drift"]
    assert [one["path"] for one in row["changed_fields"]] == [field]
    ours.apply()
    assert {**shown(ours), "updated_at": 0} == {**before, "updated_at": 0}


def test_every_field_that_is_shown_has_an_edit() -> None:
    """A field that comes later fails here until somebody says what its drift looks like."""
    table = kind("environment_template").fields
    assert set(EDITS) == {one.name for one in table if not one.unread} - {"network"}
