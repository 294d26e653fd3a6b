"""Environment templates: what comes back of them, what never does, and what they may name."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any

import openai
import pytest

JSON = dict[str, Any]
PATH = "/agents/environments/templates"
BETA = {"OpenAI-Beta": "agents=v1"}


def archive() -> str:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("a/SKILL.md", "---\nname: a\ndescription: d\n---\n")
    return base64.b64encode(out.getvalue()).decode()


def source() -> Any:
    return {"type": "base64", "media_type": "application/zip", "data": archive()}


def refused(client: openai.OpenAI, **given: Any) -> openai.BadRequestError:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.post(PATH, body=given, cast_to=JSON)
    return refusal.value


def test_a_template_of_nothing_has_the_defaults(client: openai.OpenAI) -> None:
    """Under the beta its network may do everything, and nothing without it."""
    made = client.post(PATH, body={}, cast_to=JSON, options={"headers": BETA})
    assert made == {
        "id": made["id"],
        "object": "agent.environment.template",
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
        "name": None,
        "files": [],
        "packages": {"npm": [], "python": [], "system": []},
        "skills": [],
        "plugins": [],
        "network": {"access": "enabled", "allowed_domains": []},
        "capability_directories": [],
        "desktop": {"enabled": False},
    }
    assert client.post(PATH, body={}, cast_to=JSON)["network"]["access"] == "disabled"


def test_the_sdk_accepts_everything(client: openai.OpenAI) -> None:
    """Of contents, commands, variables and blocked domains nothing is seen again."""
    templates = client.beta.agents.environments.templates
    file = client.files.create(file=("a.csv", b"1,2"), purpose="user_data")
    skill = client.skills.create(files=[("a/SKILL.md", b"---\nname: a\ndescription: d\n---\n")])
    made = templates.create(
        name="box",
        files=[
            {"type": "file_id", "file_id": file.id, "path": "/workspace/a.csv"},
            {
                "type": "inline",
                "data": base64.b64encode(b"hidden").decode(),
                "path": "/workspace/b",
            },
        ],
        packages={"python": ["numpy"]},
        skills=[
            {"type": "skill_reference", "skill_id": skill.id, "version": "latest"},
            {"type": "inline", "name": "s", "description": "d", "source": source()},
        ],
        plugins=[{"type": "inline", "name": "p", "description": "d", "source": source()}],
        network={"access": "restricted", "blocked_domains": ["bad.example"]},
        capability_directories=["/workspace/tools"],
        desktop={"enabled": True},
        env={"TOKEN": "s3cret"},
        setup_commands=[{"command": "echo s3cret"}],
    )
    shown = made.to_dict()
    assert shown["files"] == [
        {"type": "file_id", "file_id": file.id, "path": "/workspace/a.csv"},
        {"type": "inline", "path": "/workspace/b", "size_bytes": 6},
    ]
    assert shown["skills"] == [
        {"type": "skill_reference", "skill_id": skill.id, "version": "latest"},
        {"type": "inline", "name": "s", "description": "d"},
    ]
    assert shown["plugins"] == [{"type": "inline", "name": "p", "description": "d"}]
    assert shown["network"] == {"access": "restricted", "allowed_domains": []}
    assert not shown.keys() & {"env", "setup_commands"}
    assert templates.retrieve(made.id) == made
    assert made in templates.list(limit=100).data
    assert templates.delete(made.id).object == "agent.environment.template.deleted"
    with pytest.raises(openai.NotFoundError, match=f"id '{made.id}'"):
        templates.delete(made.id)


def test_an_update_replaces_what_is_given(client: openai.OpenAI) -> None:
    """Whole; what is omitted stays, and null is the default."""
    templates = client.beta.agents.environments.templates
    made = templates.create(
        name="box",
        packages={"python": ["numpy"], "npm": ["left-pad"]},
        network={"access": "disabled"},
        desktop={"enabled": True},
    )
    assert templates.update(made.id, env={"A": "1"}).to_dict() | {"updated_at": 0} == (
        made.to_dict() | {"updated_at": 0}
    )
    changed = templates.update(made.id, packages={"npm": ["a"]}, network=None, desktop=None)
    assert changed.packages.to_dict() == {"npm": ["a"], "python": [], "system": []}
    assert changed.network.access == "enabled"
    assert changed.desktop and not changed.desktop.enabled
    assert templates.update(made.id, name=None).name is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": ""}, "minimum length 1"),
        ({"metadata": {}}, "Unknown parameter: 'metadata'."),
        ({"files": [{"type": "inline", "data": "eA==", "path": "a"}]}, "files[0].path"),
        ({"files": [{"type": "inline", "data": "eA==", "path": "/workspace/../a"}]}, "inside"),
        ({"files": [{"type": "inline", "data": "?", "path": "/workspace/a"}]}, "base64"),
        ({"network": {"access": "enabled", "blocked_domains": ["a.example"]}}, "'restricted'"),
        (
            {
                "network": {
                    "access": "restricted",
                    "allowed_domains": ["a.example"],
                    "blocked_domains": ["b.example"],
                }
            },
            "Mutually exclusive",
        ),
        ({"network": {"access": "restricted", "blocked_domains": ["*.example"]}}, "wildcard"),
        ({"skills": [{"type": "skill_reference", "skill_id": "s", "version": "0"}]}, "pattern"),
        (
            {
                "plugins": [
                    {"type": "inline", "name": "p", "description": "d", "source": source()}
                    | {"source": source() | {"data": "eA=="}}
                ]
            },
            "zip archive",
        ),
        ({"env": {"A": 1}}, "Invalid type for 'env.A'"),
        ({"setup_commands": [{"command": "a"}] * 17}, "maximum length 16"),
    ],
)
def test_what_does_not_fit_is_refused(client: openai.OpenAI, given: JSON, message: str) -> None:
    """With 400, in the words of the service."""
    assert message in refused(client, **given).message


def test_what_it_names_must_exist(client: openai.OpenAI) -> None:
    """Files, skills and the versions of skills, when it is made and when it is changed."""
    templates = client.beta.agents.environments.templates
    made = templates.create()
    with pytest.raises(openai.NotFoundError, match="No such File object: file-no"):
        templates.create(files=[{"type": "file_id", "file_id": "file-no", "path": "/workspace/a"}])
    with pytest.raises(openai.NotFoundError, match="No skill found with id 'skill_no'"):
        templates.update(made.id, skills=[{"type": "skill_reference", "skill_id": "skill_no"}])
    skill = client.skills.create(files=[("a/SKILL.md", b"---\nname: a\ndescription: d\n---\n")])
    with pytest.raises(openai.NotFoundError, match="No version '2' found"):
        templates.update(
            made.id,
            skills=[{"type": "skill_reference", "skill_id": skill.id, "version": "2"}],
        )


async def _all_of_it(client: openai.AsyncOpenAI) -> None:
    templates = client.beta.agents.environments.templates
    made = await templates.create(network={"access": "disabled"})
    assert [one async for one in templates.list()] == [made]
    assert (await templates.update(made.id, name="n")).name == "n"
    assert (await templates.delete(made.id)).deleted


def test_the_async_client_works_as_well(tell: Any) -> None:
    """Made, listed, changed and deleted."""
    tell(_all_of_it)


def test_an_agent_cannot_be_confused_with_a_template(client: openai.OpenAI) -> None:
    """The paths of both begin alike."""
    with pytest.raises(openai.NotFoundError, match="No environment template found"):
        client.beta.agents.environments.templates.retrieve("agt_1")


def test_what_is_young_cannot_be_named(tell: Any, clock: Any, rules: Any) -> None:
    """A file and a skill that were just made are not found by a template, in the words for what
    does not exist.
    """

    async def story(client: openai.AsyncOpenAI) -> None:
        file = await client.files.create(file=("a.csv", b"1"), purpose="user_data")
        main = ("a/SKILL.md", b"---\nname: a\ndescription: d\n---\n")
        skill = await client.skills.create(files=[main])
        given: list[Any] = [
            {"files": [{"type": "file_id", "file_id": file.id, "path": "/workspace/a"}]},
            {"skills": [{"type": "skill_reference", "skill_id": skill.id}]},
        ]
        for one in given:
            with pytest.raises(openai.NotFoundError):
                await client.beta.agents.environments.templates.create(**one)
        clock.tick(1)
        for one in given:
            assert await client.beta.agents.environments.templates.create(**one)

    tell(story, faults=rules("{action: {settle: {seconds: 0.5, of: [use]}}}"))
