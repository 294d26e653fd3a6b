"""The life of vaults and credentials."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.masking import KEY_VARIABLE
from tests.stories.secrets.conftest import SPECS, Sent, specs
from tests.support.world import World


def listed(world: World) -> list[dict[str, Any]]:
    """Every credential at the service, by name."""
    vaults = [vault["id"] for vault in world.listed("/vaults")]
    found = [one for vault in vaults for one in world.listed(f"/vaults/{vault}/credentials")]
    return sorted(found, key=lambda one: str(one["name"]))


def entry(world: World, name: str) -> dict[str, Any]:
    found: dict[str, Any] = world.lock()["resources"][f"credential.{name}"]
    return found


def made_by_hand(world: World, vault: str, name: str) -> str:
    """The id of a credential that somebody else has made."""
    auth = {**SPECS["credentials"]["crm"]["auth"], "token": "theirs"}
    body = {"name": name, "auth": auth}
    return str(world.http("POST", f"/vaults/{vault}/credentials", body, expect=201)["id"])


def test_applying(keys: World, sent: Sent) -> None:
    """Credentials of all types are made in their vault with the secrets from where they are; the
    lock keeps where, and fingerprints, and never a value.
    """
    planned = keys.ok("plan").out
    assert "auth.token: (sensitive)" in planned and "token-of-crm" not in planned
    keys.apply()
    auths = {body["name"]: body["auth"] for _, _, body in sent if "auth" in body}
    assert auths["crm"]["token"] == "token-of-crm"
    assert auths["orders"]["access_token"] == "access-of-orders"
    assert auths["orders"]["refresh"]["refresh_token"] == "refresh-of-orders"
    client = auths["orders"]["refresh"]["token_endpoint_auth"]
    assert client == {"type": "client_secret_post", "client_secret": "client-of-orders"}
    assert auths["variable"]["secret_value"] == "key-of-crm"
    assert [one["name"] for one in listed(keys)] == ["crm", "orders", "variable"]
    assert entry(keys, "crm")["fields"]["auth"]["token"] == {"env": "CRM_TOKEN"}
    assert entry(keys, "crm")["depends_on"] == ["vault.keys"]
    assert list(entry(keys, "crm")["fingerprints"]) == ["auth.token"]
    assert len(entry(keys, "orders")["fingerprints"]) == 3


def test_null_is_the_name_of_the_resource(keys: World) -> None:
    """No credential is without a name."""
    edited = specs()
    edited["specs/all.yaml"]["credentials"]["crm"]["name"] = None
    keys.write(edited)
    keys.apply()
    keys.settled()
    assert [one["name"] for one in listed(keys)] == ["crm", "orders", "variable"]


def test_editing(keys: World, sent: Sent) -> None:
    """What can be changed is changed in place, and says nothing of what stays; what is declared no
    more is reset.
    """
    keys.apply()
    edited = specs(orders={"expires_at": None})
    orders = edited["specs/all.yaml"]["credentials"]["orders"]
    orders["metadata"] = {"team": "it"}
    orders["auth"]["refresh"]["scope"] = "write"
    keys.write(edited)
    assert keys.changes()["credential.orders"] == "update"
    sent.clear()
    keys.apply()
    (_, _, body), *more = sent
    assert body["auth"] == {"type": "mcp_oauth", "expires_at": None, "refresh": {"scope": "write"}}
    assert body["metadata"]["team"] == "it" and not more


@pytest.mark.parametrize("name", ["crm", "orders", "variable"])
def test_a_fixed_part(keys: World, name: str) -> None:
    """Another server makes another credential, new first; of a variable a vault takes no second
    one, so that the old one goes first, and the plan says so.
    """
    keys.apply()
    before = entry(keys, name)["id"]
    fixed: Any = {"mcp_server_url": "https://other.example"}
    if name == "variable":
        fixed = {"networking": {"type": "unrestricted"}}
    keys.write(specs(**{name: fixed}))
    assert keys.changes()[f"credential.{name}"] == "create/delete"
    assert ("gap" in keys.ok("plan").out) == (name == "variable")
    keys.calls.clear()
    keys.apply()
    writes = [method for method, path in keys.calls if "/credentials" in path and method != "GET"]
    assert writes == (["DELETE", "POST"] if name == "variable" else ["POST", "DELETE"])
    assert entry(keys, name)["id"] != before and len(listed(keys)) == 3


def test_a_vault_that_is_replaced(keys: World) -> None:
    """Its credentials cannot move into another one: they are made again there."""
    keys.apply()
    keys.ok("apply", "-y", "--replace", "vault.keys")
    keys.settled()
    assert len(keys.listed("/vaults")) == 1 and len(listed(keys)) == 3


def test_what_goes(keys: World) -> None:
    """A credential that is not declared any more is deleted, a vault after its credentials; one
    that is gone is made again.
    """
    keys.apply()
    credentials = {"crm": SPECS["credentials"]["crm"]}
    keys.write({"specs/all.yaml": {**SPECS, "credentials": credentials}})
    keys.ok("apply", "-y", "--force")
    assert [one["name"] for one in listed(keys)] == ["crm"]
    keys.http("DELETE", "/vaults/${vault.keys}")
    assert keys.changes("--force") == {"vault.keys": "create", "credential.crm": "create"}
    keys.ok("apply", "-y", "--force")
    keys.settled()
    keys.ok("destroy", "-y")
    assert keys.listed("/vaults") == []


def test_moving(keys: World) -> None:
    """Under a new name it is the same object, whose name cannot follow."""
    keys.apply()
    before = entry(keys, "crm")["id"], keys.id("vault.keys")
    moved = specs()
    found = moved["specs/all.yaml"]
    found["credentials"]["shop"] = found["credentials"].pop("crm")
    found["vaults"]["safe"] = found["vaults"].pop("keys")
    for one in found["credentials"].values():
        one["vault"] = "safe"
    found["moved"] = [
        {"from": "credential.crm", "to": "credential.shop"},
        {"from": "vault.keys", "to": "vault.safe"},
    ]
    keys.write(moved)
    keys.apply()
    assert (entry(keys, "shop")["id"], keys.id("vault.safe")) == before
    assert entry(keys, "shop")["fields"]["vault"] == "vault.safe"
    assert list(entry(keys, "shop")["fingerprints"]) == ["auth.token"]


def test_importing(keys: World, sent: Sent) -> None:
    """One that somebody else made is taken over with the secret that it has, which nobody can
    compare; ours is sent on request.
    """
    vault = keys.http("POST", "/vaults", {"name": "Keys"}, expect=201)["id"]
    made = made_by_hand(keys, vault, "crm")
    unmanaged = keys.ok("drift", "--unmanaged", "--json").json["unmanaged"]
    assert {(one["kind"], one["id"]) for one in unmanaged} == {
        ("vault", vault),
        ("credential", made),
    }
    imports = [{"to": "vault.keys", "id": vault}, {"to": "credential.crm", "id": made}]
    keys.write({"specs/all.yaml": {**SPECS, "imports": imports}})
    assert "`credential.crm#auth.token`" in keys.ok("plan").out
    sent.clear()
    keys.apply()
    assert entry(keys, "crm")["id"] == made and "fingerprints" not in entry(keys, "crm")
    keys.apply("--rotate", "credential.crm")
    rotated = [body["auth"] for _, path, body in sent if path.endswith(made) and "auth" in body]
    assert rotated == [{"type": "static_bearer", "token": "token-of-crm"}]
    assert entry(keys, "crm")["fingerprints"]


def test_drift(keys: World) -> None:
    """What can be seen drifts and is accepted; what cannot is unverifiable, and a secret is never
    written into a spec. That somebody has written the credential is said.
    """
    keys.apply()
    report = keys.ok("drift", "--json").json
    assert {one["path"] for one in report["unverifiable"] if "crm" in one["address"]} == {
        "auth.token"
    }
    path = f"/vaults/${{vault.keys}}/credentials/{entry(keys, 'orders')['id']}"
    later = {"type": "mcp_oauth", "access_token": "theirs", "expires_at": "2028-01-01T00:00:00Z"}
    with keys.behind(an_hour_later):
        keys.http("POST", path, {"auth": later})
        drifted = keys.ok("drift", "--json", code=2).json
        assert [one["address"] for one in drifted["resource_drift"]] == ["credential.orders"]
        why = {one["why"] for one in drifted["unverifiable"] if "orders" in one["address"]}
        assert "somebody has written" in why.pop()
        assert "written by somebody else" in keys.ok("plan").out
        assert "auth.expires_at" in keys.ok("accept").out
    written = (keys.root / "specs/all.yaml").read_text()
    assert "2028-01-01" in written and "theirs" not in written


def test_drift_of_a_vault(keys: World) -> None:
    """Its name and its labels are seen and accepted, as of anything."""
    keys.write({"specs/all.yaml": {**SPECS, "vaults": {"keys": {"metadata": {"team": "hr"}}}}})
    keys.apply()
    live = keys.http("GET", "/vaults/${vault.keys}")["metadata"]
    keys.http("POST", "/vaults/${vault.keys}", {"metadata": {**live, "team": "it"}})
    (drifted,) = keys.ok("drift", "--json", code=2).json["resource_drift"]
    assert drifted["changed_fields"][0]["path"] == "metadata.team"
    keys.ok("accept")
    assert "team: it" in (keys.root / "specs/all.yaml").read_text()
    keys.settled()


def an_hour_later(app: Any) -> Any:
    """A service that says of every credential that it was written later than it was."""

    async def later(scope: Any, receive: Any, send: Any) -> None:
        async def moved(message: Any) -> None:
            if body := message.get("body"):
                body = body.replace(b'"updated_at":1', b'"updated_at":2')
                message = {**message, "body": body}
            await send(message)

        await app(scope, receive, moved)

    return later


def test_a_lost_lock(keys: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebuilt entry has no fingerprint: nobody can say whether its secret is ours, and nothing is
    changed for that.
    """
    keys.apply()
    (keys.root / ".provisioner/local/lock.json").unlink()
    assert "state rebuild" in keys.ok("plan", code=1).err
    keys.ok("state", "rebuild")
    again = keys.ok("plan", "--detailed-exitcode")
    assert "Nobody can say" in again.out and "No changes" in again.out
    keys.apply()
    monkeypatch.setenv("CRM_TOKEN", "another")
    assert keys.changes() == {}
    keys.apply("--rotate", "credential.crm")
    assert entry(keys, "crm")["fingerprints"]


def test_a_lost_reply(keys: World) -> None:
    """What was made and never reported is found by its stamp."""
    rule = {
        "match": {"method": "POST", "path": "/credentials$"},
        "action": {"status": 500, "when": "after"},
    }
    with keys.failing(rule):
        keys.run("apply", "-y")
    keys.apply()
    assert len(keys.listed("/vaults")) == 1 and len(listed(keys)) == 3


def test_letting_go(keys: World) -> None:
    """What is to stay at the service loses its stamp and keeps its secret."""
    keys.apply()
    removed = [{"from": f"credential.{name}", "destroy": False} for name in SPECS["credentials"]]
    removed.append({"from": "vault.keys", "destroy": False})
    keys.write({"specs/all.yaml": {"removed": removed}})
    keys.ok("apply", "-y", "--force")
    assert [one["metadata"].get("provisioner") for one in listed(keys)] == [None] * 3
    assert keys.lock()["resources"] == {}


def test_others_in_our_vault(keys: World) -> None:
    """A vault in which somebody else keeps a credential is not deleted."""
    keys.apply()
    made_by_hand(keys, "${vault.keys}", "theirs")
    keys.run("destroy", "-y")
    assert [one["name"] for one in listed(keys)] == ["theirs"]


def test_without_the_key(keys: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key and a terminal secrets are sent all the same, and it is said what is missing."""
    monkeypatch.delenv(KEY_VARIABLE)
    said = keys.ok("apply", "-y")
    assert KEY_VARIABLE in said.out + said.err
    assert "fingerprints" not in entry(keys, "crm")
    keys.settled()


def test_specs_out_of_what_there_is(keys: World) -> None:
    """Specs that are written out of live credentials say where each secret is to be, and that it
    has to be put there. Nothing is sent.
    """
    keys.apply()
    keys.ok("state", "rm", "vault.keys", *(f"credential.{name}" for name in SPECS["credentials"]))
    keys.write({"specs/all.yaml": "assistants: {a: {model: gpt-4o}}\n"})
    said = keys.ok("import", "--all", "-y")
    assert "ORDERS_REFRESH_TOKEN" in said.out + said.err
    written = (keys.root / "specs/imported.yaml").read_text()
    assert "vault: keys\n" in written and "token: {env: CRM_TOKEN}" in written
    keys.apply()
    assert len(listed(keys)) == 3


def test_output(keys: World) -> None:
    """A profile says where the application fills a secret in, and an agent has the credential by
    its id and its vaults for sessions.
    """
    server = {"type": "mcp", "server_label": "crm", "server_url": "https://crm.example/mcp"}
    tools = [{**server, "credential": "crm"}]
    agent = {"model": "gpt-5.6", "tools": tools, "session": {"vaults": ["keys"]}}
    assistants = {
        "profile": {"model": "gpt-5.6", "api": "responses", "tools": tools},
        "agent": {**agent, "api": "agents"},
    }
    keys.write({"specs/all.yaml": {**SPECS, "assistants": assistants}})
    keys.apply()
    found = keys.ok("output", "--json").json
    assert found["assistant.profile"]["secrets"] == {"tools[0].authorization": "credential.crm"}
    vault, credential = keys.id("vault.keys"), keys.id("credential.crm")
    assert found["assistant.agent"]["session"]["vault_ids"] == [vault]
    live = keys.http("GET", "/agents/${assistant.agent}")
    assert live["tools"][0]["credential_id"] == credential
    crm = {**SPECS["credentials"]["crm"], "name": "Other"}
    credentials = {**SPECS["credentials"], "crm": crm}
    specs = {**SPECS, "credentials": credentials, "assistants": assistants}
    keys.write({"specs/all.yaml": specs})
    assert keys.changes()["assistant.agent"] == "update"
    keys.apply()
    live = keys.http("GET", "/agents/${assistant.agent}")
    assert live["tools"][0]["credential_id"] == keys.id("credential.crm") != credential
