"""Vaults and credentials: what comes back, that secrets never do, rotation, and the limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import pytest

JSON = dict[str, Any]
BEARER: Any = {
    "type": "static_bearer",
    "mcp_server_url": "https://mcp.example",
    "token": "s3cret-1",
}
VARIABLE: Any = {
    "type": "environment_variable",
    "secret_name": "API_KEY",
    "secret_value": "s3cret-2",
    "networking": {"type": "limited", "allowed_hosts": ["API.example"]},
}
OAUTH: Any = {
    "type": "mcp_oauth",
    "mcp_server_url": "https://mcp.example",
    "access_token": "s3cret-3",
    "expires_at": "2027-01-01T00:00:00Z",
    "refresh": {
        "client_id": "app",
        "refresh_token": "s3cret-4",
        "token_endpoint": "https://auth.example/token",
        "token_endpoint_auth": {"type": "client_secret_post", "client_secret": "s3cret-5"},
        "scope": "read",
    },
}


@pytest.fixture
def vault(client: openai.OpenAI) -> str:
    return client.beta.agents.vaults.create(name="v").id


def refused(client: openai.OpenAI, vault: str, **given: Any) -> openai.BadRequestError:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.post(f"/vaults/{vault}/credentials", body={"name": "c"} | given, cast_to=JSON)
    assert "s3cret" not in refusal.value.message
    return refusal.value


def test_a_vault_lives_through_the_sdk(client: openai.OpenAI) -> None:
    """It is answered with 201, trimmed, listed, changed and deleted."""
    vaults = client.beta.agents.vaults
    raw = vaults.with_raw_response.create(name="  keys ", metadata={"team": "a"})
    assert raw.status_code == 201
    made = raw.parse()
    assert made.to_dict() == {
        "id": made.id,
        "object": "vault",
        "created_at": made.created_at,
        "name": "keys",
        "metadata": {"team": "a"},
    }
    assert vaults.create().name is None
    assert vaults.retrieve(made.id) == made
    assert vaults.update(made.id, metadata={"b": "1"}).metadata == {"b": "1"}
    assert vaults.update(made.id, name=None).name is None
    assert vaults.delete(made.id).object == "vault.deleted"
    with pytest.raises(openai.NotFoundError, match=f"No vault found with id '{made.id}'"):
        vaults.retrieve(made.id)


def test_a_name_is_measured_in_bytes(client: openai.OpenAI) -> None:
    """1 to 256 of UTF-8, after trimming."""
    assert client.beta.agents.vaults.create(name="ä" * 128)
    for name in ("ä" * 129, "  "):
        with pytest.raises(openai.BadRequestError, match="1 to 256 UTF-8 bytes"):
            client.beta.agents.vaults.create(name=name)


def test_a_list_of_vaults_can_be_narrowed(tell: Any) -> None:
    """By metadata, all pairs of it, and by status; a limit out of range is the nearest one."""

    async def story(client: openai.AsyncOpenAI) -> None:
        vaults = client.beta.agents.vaults
        first = await vaults.create(metadata={"team": "a", "env": "x"})
        second = await vaults.create(metadata={"team": "a"})

        async def found(**given: Any) -> list[str]:
            return [one.id async for one in vaults.list(**given)]

        assert await found(limit=0) == [second.id, first.id]
        assert await found(limit=1000) == [second.id, first.id]
        assert await found(metadata={"team": "a"}, order="asc") == [first.id, second.id]
        assert await found(metadata={"team": "a", "env": "x"}) == [first.id]
        assert await found(status="active") == [second.id, first.id]
        assert await found(status=["archived", "active"]) == [second.id, first.id]
        assert await found(status=["active", "archived"]) == [second.id, first.id]
        assert await found(status="archived") == []

    tell(story)


@pytest.mark.parametrize(
    ("auth", "shown"),
    [
        (BEARER, {"type": "static_bearer", "mcp_server_url": "https://mcp.example"}),
        (
            VARIABLE,
            {
                "type": "environment_variable",
                "secret_name": "API_KEY",
                "networking": {"type": "limited", "allowed_hosts": ["api.example"]},
            },
        ),
        (
            OAUTH,
            {
                "type": "mcp_oauth",
                "mcp_server_url": "https://mcp.example",
                "expires_at": "2027-01-01T00:00:00Z",
                "refresh": {
                    "client_id": "app",
                    "token_endpoint": "https://auth.example/token",
                    "token_endpoint_auth": {"type": "client_secret_post"},
                    "resource": None,
                    "scope": "read",
                },
            },
        ),
    ],
)
def test_a_credential_comes_back_without_its_secrets(
    client: openai.OpenAI, vault: str, auth: Any, shown: JSON
) -> None:
    """When it is made, read and listed; its vault takes it along."""
    credentials = client.beta.agents.vaults.credentials
    raw = credentials.with_raw_response.create(vault, name=" c ", auth=auth)
    made = raw.parse()
    assert (raw.status_code, made.name, made.metadata) == (201, "c", {})
    assert made.auth.to_dict() == shown
    assert credentials.retrieve(made.id, vault_id=vault) == made
    assert credentials.list(vault).data == [made]
    client.beta.agents.vaults.delete(vault)
    with pytest.raises(openai.NotFoundError, match=f"No vault found with id '{vault}'"):
        credentials.retrieve(made.id, vault_id=vault)


def test_a_secret_is_kept_nowhere(tell: Any, tmp_path: Path) -> None:
    """Not in the database either, after it was made and rotated."""

    async def story(client: openai.AsyncOpenAI) -> None:
        vaults = client.beta.agents.vaults
        made = await vaults.create()
        await vaults.credentials.create(made.id, name="c", auth=OAUTH)
        one = await vaults.credentials.create(made.id, name="c", auth=VARIABLE)
        rotated: Any = {"type": "environment_variable", "secret_value": "s3cret-6"}
        await vaults.credentials.update(one.id, vault_id=made.id, auth=rotated)
        await client.beta.agents.environments.templates.create(
            env={"A": "s3cret-7"}, setup_commands=[{"command": "echo s3cret-8"}]
        )
        transport: Any = {
            "type": "http",
            "server_url": "https://mcp.example",
            "authorization": "s3cret-9",
            "headers": {"x": "s3cret-10"},
        }
        await client.beta.agents.sessions.create(
            agent={
                "model": "gpt-6",
                "tools": [{"type": "mcp", "server_label": "a", "transport": transport}],
            },
            environment={"type": "openai_hosted", "env": {"B": "s3cret-11"}},
        )

    tell(story)
    files = [one for one in (tmp_path / "data").rglob("*") if one.is_file()]
    assert files
    assert not [one for one in files if b"s3cret" in one.read_bytes()]


def test_rotation(client: openai.OpenAI, vault: str) -> None:
    """A new token does not expire when the old one did, unless that is said; what identifies the
    credential stays.
    """
    credentials = client.beta.agents.vaults.credentials
    made = credentials.create(vault, name="c", auth=OAUTH)

    def rotated(**given: Any) -> Any:
        auth: Any = {"type": "mcp_oauth"} | given
        return credentials.update(made.id, vault_id=vault, auth=auth).auth

    assert rotated(refresh={"refresh_token": "s3cret"}) == made.auth
    assert rotated(access_token="s3cret", expires_at="2028-01-01T00:00:00Z").expires_at == (
        "2028-01-01T00:00:00Z"
    )
    assert rotated(access_token="s3cret").expires_at is None
    assert rotated(refresh={"scope": "write"}).refresh.scope == "write"
    assert rotated(refresh={"scope": None}).refresh.scope is None
    changed = credentials.update(made.id, vault_id=vault, metadata={"a": "1"})
    assert (changed.metadata, changed.name) == ({"a": "1"}, "c")
    with pytest.raises(openai.BadRequestError, match="it is 'mcp_oauth'"):
        credentials.update(
            made.id, vault_id=vault, auth={"type": "static_bearer", "token": "s3cret"}
        )
    with pytest.raises(openai.BadRequestError, match="it is 'client_secret_post'"):
        rotated(refresh={"token_endpoint_auth": {"type": "client_secret_basic"}})
    for fixed in ("name", "auth.mcp_server_url"):
        body: JSON = {"name": "new"}
        if fixed != "name":
            body = {"auth": {"type": "mcp_oauth", "mcp_server_url": "https://new.example"}}
        with pytest.raises(openai.BadRequestError, match=f"Unknown parameter: '{fixed}'"):
            client.post(f"/vaults/{vault}/credentials/{made.id}", body=body, cast_to=JSON)


def test_a_vault_has_one_credential_for_a_variable(client: openai.OpenAI, vault: str) -> None:
    """A second one is in conflict, in the same vault; names and servers may be there twice."""
    credentials = client.beta.agents.vaults.credentials
    made = credentials.create(vault, name="c", auth=VARIABLE)
    with pytest.raises(openai.ConflictError, match="'API_KEY' already exists in vault"):
        credentials.create(vault, name="d", auth=VARIABLE)
    for _ in range(2):
        credentials.create(vault, name="c", auth=BEARER)
    other = client.beta.agents.vaults.create().id
    assert credentials.create(other, name="c", auth=VARIABLE)
    assert credentials.delete(made.id, vault_id=vault).object == "vault.credential.deleted"
    assert credentials.create(vault, name="c", auth=VARIABLE)
    with pytest.raises(openai.NotFoundError, match=f"'{made.id}' in vault '{vault}'"):
        credentials.delete(made.id, vault_id=vault)


def test_a_credential_is_found_in_its_own_vault_alone(client: openai.OpenAI, vault: str) -> None:
    """Another vault does not have it."""
    made = client.beta.agents.vaults.credentials.create(vault, name="c", auth=BEARER)
    other = client.beta.agents.vaults.create().id
    with pytest.raises(openai.NotFoundError, match=f"in vault '{other}'"):
        client.beta.agents.vaults.credentials.retrieve(made.id, vault_id=other)


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        (BEARER | {"mcp_server_url": "http://mcp.example"}, "'auth.mcp_server_url'"),
        (BEARER | {"token": ""}, "minimum length 1"),
        (VARIABLE | {"secret_name": "1A"}, "'auth.secret_name'"),
        (VARIABLE | {"secret_name": "CODEX_X"}, "'CODEX_X' is a reserved name"),
        (VARIABLE | {"secret_name": "https_proxy"}, "reserved"),
        (VARIABLE | {"secret_value": "s3cret\n"}, "must not contain carriage returns"),
        (VARIABLE | {"networking": {"type": "limited", "allowed_hosts": []}}, "minimum length 1"),
        (
            VARIABLE
            | {"networking": {"type": "limited", "allowed_hosts": ["a.example", "A.example"]}},
            "distinct",
        ),
        (
            VARIABLE | {"networking": {"type": "limited", "allowed_hosts": ["*.example"]}},
            "pattern",
        ),
        (OAUTH | {"expires_at": "tomorrow"}, "RFC 3339"),
        (OAUTH | {"refresh": {"client_id": "app"}}, "'auth.refresh.refresh_token'"),
        ({"type": "api_key"}, "Invalid value: 'api_key'."),
    ],
)
def test_what_does_not_fit_is_refused(
    client: openai.OpenAI, vault: str, auth: Any, message: str
) -> None:
    """With 400, and without the secret."""
    assert message in refused(client, vault, auth=auth).message


def test_a_key_without_the_scope_is_refused(tell: Any, rules: Any) -> None:
    """A rule says which scope is lacking, and the refusal names it."""

    async def story(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(
            openai.PermissionDeniedError, match=r"scopes: api\.vaults\.write"
        ) as error:
            await client.beta.agents.vaults.create()
        assert error.value.code == "missing_scope"
        assert not (await client.beta.agents.vaults.list()).data

    line = "{match: {method: POST, path: /vaults}, action: {status: 403, scope: api.vaults.write}}"
    tell(story, faults=rules(line))


def test_a_scope_belongs_to_a_403(tell: Any, rules: Any) -> None:
    """Elsewhere it would mean nothing."""
    with pytest.raises(ValueError, match=r"'rules\[0\].action.scope' belongs to 'status: 403'"):
        tell(None, faults=rules("{action: {status: 401, scope: a}}"))
