"""When a secret is sent: when it is another one, when somebody asks for it, and never otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from provisioner.masking import KEY_VARIABLE
from provisioner.planfile.writing import digest
from provisioner.workspace.secrets import KEY_FILE
from tests.stories.secrets.conftest import KEY, Sent, specs
from tests.support.running import Terminal
from tests.support.world import World

CRM = "credential.crm"
SENSITIVE = "(sensitive)"


def rotated(sent: Sent) -> list[Any]:
    return [body["auth"] for _, _, body in sent if "auth" in body]


def test_another_value(keys: World, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another value is a change of its own, which shows neither the one nor the other; it is sent
    once.
    """
    keys.apply()
    before = keys.lock()["resources"][CRM]["fingerprints"]
    monkeypatch.setenv("CRM_TOKEN", "another-token")
    row = keys.plan()["resource_changes"][0]
    assert (row["address"], row["change"]["actions"]) == (CRM, ["update"])
    (field,) = row["changed_fields"]
    assert (field["path"], field["before"], field["after"]) == ("auth.token", SENSITIVE, SENSITIVE)
    assert row["change"]["after_sensitive"] == {"auth.token": True}
    assert field["drift"] is None and "~ auth.token: (sensitive)" in keys.ok("plan").out
    keys.ok("plan", "--detailed-exitcode", code=2)
    sent.clear()
    keys.apply()
    assert rotated(sent) == [{"type": "static_bearer", "token": "another-token"}]
    after = keys.lock()["resources"][CRM]["fingerprints"]
    assert after.keys() == before.keys() and after != before


def test_parts_of_one(keys: World, sent: Sent) -> None:
    """Of several secrets that is sent which is another one; a new access token keeps its expiry."""
    keys.apply()
    sent.clear()
    keys.write({"secrets/refresh": "new-refresh\n"})
    keys.apply()
    keys.write({"secrets/orders": "new-access\n"})
    keys.apply()
    assert rotated(sent) == [
        {"type": "mcp_oauth", "refresh": {"refresh_token": "new-refresh"}},
        {
            "type": "mcp_oauth",
            "access_token": "new-access",
            "expires_at": "2027-01-31T12:00:00Z",
        },
    ]


def test_another_place(keys: World, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same value in another place is no change, and the lock learns of the place."""
    keys.apply()
    monkeypatch.delenv("CRM_TOKEN")
    keys.write({**specs(crm={"token": {"file": "secrets/crm"}}), "secrets/crm": "token-of-crm\n"})
    assert keys.changes() == {}
    assert keys.ok("drift", "--json", "--pending").json["resource_drift"] == []
    sent.clear()
    keys.apply()
    assert rotated(sent) == []
    token = keys.lock()["resources"][CRM]["fields"]["auth"]["token"]
    assert token == {"file": "secrets/crm"}


def test_on_request(keys: World, sent: Sent) -> None:
    """What nobody can compare is sent on request; what has no secret cannot be."""
    keys.apply()
    sent.clear()
    keys.ok("apply", "-y", "--rotate", "credential.orders")
    assert rotated(sent)[0]["refresh"] == {
        "refresh_token": "refresh-of-orders",
        "token_endpoint_auth": {"type": "client_secret_post", "client_secret": "client-of-orders"},
    }
    keys.settled()
    assert "No secret" in keys.ok("plan", "--rotate", "vault.keys", code=1).err
    assert "--rotate" in keys.ok("apply", "x.json", "--rotate", CRM, code=1).err


def test_a_plan_needs_no_secret(keys: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any secret, and without the key, plans say and exit as with them, but for one
    warning; a command never runs.
    """
    keys.write(specs(crm={"token": {"command": ["touch", "ran"]}}))
    fresh = keys.ok("plan", "--detailed-exitcode", code=2).out
    assert not (keys.root / "ran").exists()
    keys.write(specs())
    keys.apply()
    for name in ("CRM_TOKEN", "CRM_KEY", KEY_VARIABLE):
        monkeypatch.delenv(name)
    for name in ("orders", "refresh", "client"):
        keys.write({f"secrets/{name}": None})
    bare = keys.ok("plan", "--detailed-exitcode")
    assert bare.out.count("Nobody can say") == 1 and "No changes." in bare.out
    keys.ok("validate")
    keys.ok("drift")
    keys.write({"specs/all.yaml": ""})
    keys.write(specs(crm={"token": {"command": ["touch", "ran"]}}))
    keys.ok("plan", "--detailed-exitcode")
    keys.ok("drift", "--pending")
    (keys.root / ".provisioner/local/lock.json").unlink()
    keys.ok("local", "reset", "-y")
    assert keys.ok("plan", "--detailed-exitcode", code=2).out == fresh
    assert not (keys.root / "ran").exists()


def test_missing_secrets(keys: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An apply that lacks secrets says all of them at once and writes nothing at all."""
    monkeypatch.delenv("CRM_TOKEN")
    monkeypatch.setenv("CRM_KEY", "two\nlines")
    keys.write({"secrets/client": None, "secrets/refresh": ""})
    failed = keys.ok("apply", "-y", code=1)
    for words in (
        "`CRM_TOKEN` is not set",
        "has more than one line",
        "exit code 1",
        "the file `secrets/refresh` is empty",
    ):
        assert words in failed.err, failed.err
    assert {method for method, _ in keys.calls} == {"GET"}
    assert not (keys.root / ".provisioner/local/lock.json").exists()


def test_a_saved_plan(keys: World, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps where secrets are; they are read when it is applied, and have to be there then."""
    keys.ok("plan", "--out", "p.json")
    document = (keys.root / "p.json").read_text()
    assert "CRM_TOKEN" in document and "token-of-crm" not in document
    monkeypatch.delenv("CRM_TOKEN")
    assert "`CRM_TOKEN` is not set" in keys.ok("apply", "-y", "p.json", code=1).err
    monkeypatch.setenv("CRM_TOKEN", "later-token")
    keys.ok("apply", "-y", "p.json")
    assert "later-token" in str(rotated(sent))
    keys.settled()
    monkeypatch.setenv("CRM_TOKEN", "another-token")
    keys.ok("plan", "--out", "p.json")
    sent.clear()
    keys.ok("apply", "-y", "p.json")
    assert rotated(sent) == [{"type": "static_bearer", "token": "another-token"}]
    keys.settled()


Edit = Callable[[dict[str, Any]], None]


def _after(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def found(document: dict[str, Any]) -> dict[str, Any]:
        rows = {row["address"]: row for row in document["resource_changes"]}
        after: dict[str, Any] = rows[name]["change"]["after"]
        return after

    return found


_CRM, _BOX = _after("credential.crm"), _after("environment_template.box")
EDITS: dict[str, Edit] = {
    "the secret of a replacement": lambda plan: _CRM(plan)["auth"].update(token={"env": "OTHER"}),
    "its server, which the fields still show": lambda plan: _CRM(plan)["auth"].update(
        mcp_server_url="https://other.example"
    ),
    "what it keeps": lambda plan: _CRM(plan).update(metadata={"a": "b"}),
    "a secret that goes along": lambda plan: _BOX(plan)["env"].update(TOKEN={"command": ["env"]}),
    "what goes along": lambda plan: _BOX(plan)["env"].update(SITE="other"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_plan_has_another_checksum(
    keys: World, sent: Sent, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whatever an apply would send is in what was approved, even where no changed field shows it."""
    monkeypatch.setenv("BOX", "token-of-box")
    env = {"REGION": "eu", "SITE": "a", "TOKEN": {"env": "BOX"}}
    box = {"network": {"access": "disabled"}, "env": env}
    keys.write({"specs/box.yaml": {"environment_templates": {"box": box}}})
    keys.apply()
    env["REGION"] = "us"
    keys.write({"specs/box.yaml": {"environment_templates": {"box": box}}})
    keys.write(specs(crm={"mcp_server_url": "https://new.example"}))
    keys.ok("plan", "--out", "p.json")
    document = json.loads((keys.root / "p.json").read_text())
    EDITS[name](document)
    keys.write({"p.json": json.dumps(document | {"digest": digest(document)})})
    sent.clear()
    refused = keys.ok("apply", "-y", "p.json", code=1)
    assert "Plan file altered" in refused.err
    assert not sent


def test_another_key(keys: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another key nothing can be compared, and nothing is changed for that; what is sent on
    request is marked with it.
    """
    keys.apply()
    monkeypatch.setenv(KEY_VARIABLE, "x" + KEY)
    monkeypatch.setenv("CRM_TOKEN", "another-token")
    again = keys.ok("plan", "--detailed-exitcode")
    assert "`credential.crm#auth.token`" in again.out
    keys.ok("apply", "-y", "--rotate", CRM)
    monkeypatch.setenv("CRM_TOKEN", "a-third-token")
    assert keys.changes() == {CRM: "update"}
    monkeypatch.setenv(KEY_VARIABLE, "short")
    keys.ok("plan")
    assert KEY_VARIABLE in keys.ok("apply", "-y", "--rotate", CRM, code=1).err


def test_a_new_key(world: World) -> None:
    """A key is made by an apply on a terminal, which says once what to do with it; a later one
    finds it.
    """
    world.write(
        {
            **specs(
                crm={"token": {"file": "secrets/crm"}},
                orders={"refresh": None},
                variable={"secret_value": {"file": "secrets/crm"}},
            ),
            "secrets/crm": "token-of-crm\n",
            "secrets/orders": "access\n",
        }
    )
    terminal = Terminal(world.root, "apply", "-y")
    code, seen = terminal.end()
    assert code == 0 and KEY_VARIABLE in seen and "CI" in seen
    key = (world.root / KEY_FILE).read_text().strip()
    assert len(key) >= 32 and key not in seen
    assert world.lock()["resources"][CRM]["fingerprints"]
    world.settled()
    world.write({"secrets/crm": "another\n"})
    assert KEY_VARIABLE not in world.ok("apply", "-y").out
    (world.root / KEY_FILE).unlink()
    world.write({"secrets/crm": "a-third\n"})
    code, seen = Terminal(world.root, "apply", "-y", "--rotate", CRM).end()
    assert code == 0 and "the key that the lock's fingerprints were made with" in seen
    assert not (world.root / KEY_FILE).exists()
