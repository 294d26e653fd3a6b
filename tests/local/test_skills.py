"""Skills and their versions: folders and archives that arrive, numbers, defaults and contents."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openai
import pytest


def main(name: str = "basic-math", description: str = "Adds.") -> bytes:
    return f"---\nname: {name}\ndescription: {description}\n---\nAdd.\n".encode()


def archive(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in files.items():
            packed.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def refused(client: openai.OpenAI, *files: Any) -> str:
    with pytest.raises(openai.BadRequestError) as refusal:
        client.skills.create(files=list(files))
    return refusal.value.message


def test_a_folder_becomes_a_skill(client: openai.OpenAI) -> None:
    """Its name and description are those of its `SKILL.md`, its content comes back file by file,
    and names may be there twice.
    """
    files: list[Any] = [("math/SKILL.md", main()), ("math/a/b.txt", b"text")]
    made = client.skills.create(files=files)
    assert made.to_dict() == {
        "id": made.id,
        "object": "skill",
        "created_at": made.created_at,
        "name": "basic-math",
        "description": "Adds.",
        "default_version": "1",
        "latest_version": "1",
    }
    assert client.skills.create(files=files).id != made.id
    assert client.skills.retrieve(made.id) == made
    assert made in client.skills.list(limit=100).data
    assert unpacked(client.skills.content.retrieve(made.id).content) == dict(files)
    assert client.skills.delete(made.id).object == "skill.deleted"
    for look in (client.skills.retrieve, client.skills.content.retrieve, client.skills.delete):
        with pytest.raises(openai.NotFoundError, match=f"No skill found with id '{made.id}'"):
            look(made.id)


def test_an_archive_becomes_a_skill(client: openai.OpenAI) -> None:
    """And comes back byte by byte."""
    whole = archive(math__SKILL_md=b"")
    assert "No SKILL.md found" in refused(client, ("math.zip", whole))
    whole = archive(**{"math/SKILL.md": main()})
    made = client.skills.create(files=("math.zip", whole))
    assert client.skills.content.retrieve(made.id).content == whole


def test_versions_are_numbered(client: openai.OpenAI) -> None:
    """A new one is the latest, and the default only if that is said; numbers are not used again."""
    skill = client.skills.create(files=[("m/SKILL.md", main())])
    versions = client.skills.versions
    second = versions.create(skill.id, files=[("m/SKILL.md", main("second", "Two."))])
    assert second.to_dict() == {
        "id": second.id,
        "object": "skill.version",
        "created_at": second.created_at,
        "skill_id": skill.id,
        "version": "2",
        "name": "second",
        "description": "Two.",
    }
    now = client.skills.retrieve(skill.id)
    assert (now.name, now.default_version, now.latest_version) == ("basic-math", "1", "2")
    versions.create(skill.id, files=[("m/SKILL.md", main("third"))], default=True)
    now = client.skills.retrieve(skill.id)
    assert (now.name, now.default_version, now.latest_version) == ("third", "3", "3")
    assert [one.version for one in versions.list(skill.id, order="asc")] == ["1", "2", "3"]
    assert [one.version for one in versions.list(skill.id, limit=2)] == ["3", "2", "1"]
    assert versions.retrieve("2", skill_id=skill.id) == second

    now = client.skills.update(skill.id, default_version="2")
    assert (now.name, now.default_version, now.latest_version) == ("second", "2", "3")
    deleted = versions.delete("3", skill_id=skill.id)
    assert (deleted.object, deleted.version) == ("skill.version.deleted", "3")
    assert client.skills.retrieve(skill.id).latest_version == "2"
    fourth = versions.create(skill.id, files=[("m/SKILL.md", main("fourth"))])
    assert fourth.version == "4"
    content = versions.content.retrieve("4", skill_id=skill.id).content
    assert unpacked(content) == {"m/SKILL.md": main("fourth")}


def test_a_page_may_be_empty(client: openai.OpenAI) -> None:
    """A limit is 0 to 100 here, and 1 to 100 everywhere else."""
    made = client.skills.create(files=[("math/SKILL.md", main())])
    for page in (client.skills.list(limit=0), client.skills.versions.list(made.id, limit=0)):
        assert page.data == [] and page.has_more
    for limit in (-1, 101):
        with pytest.raises(openai.BadRequestError):
            client.skills.list(limit=limit)


def test_the_default_stays(client: openai.OpenAI) -> None:
    """The default version cannot be deleted, and only a version can become it."""
    skill = client.skills.create(files=[("m/SKILL.md", main())])
    with pytest.raises(openai.BadRequestError, match="is the default"):
        client.skills.versions.delete("1", skill_id=skill.id)
    with pytest.raises(openai.NotFoundError, match=f"No version '2' found of skill '{skill.id}'"):
        client.skills.update(skill.id, default_version="2")
    with pytest.raises(openai.NotFoundError, match="No version '2' found"):
        client.skills.versions.delete("2", skill_id=skill.id)


def test_what_is_no_skill_is_refused(client: openai.OpenAI) -> None:
    """With 400, and nothing is made."""
    good: Any = ("m/SKILL.md", main())
    assert "No SKILL.md found" in refused(client, ("m/README.md", b""))
    assert "one directory" in refused(client, good, ("other/a.txt", b""))
    assert "one directory" in refused(client, ("SKILL.md", main()), ("m/a.txt", b""))
    assert "Invalid path" in refused(client, good, ("m/../a.txt", b""))
    assert "'name'" in refused(client, ("m/SKILL.md", b"Add."))
    broken = archive(**{"m/SKILL.md": main()}).replace(b"Adds.", b"Subs.")
    assert "cannot be read" in refused(client, ("m.zip", broken))
    assert "'description'" in refused(client, ("m/SKILL.md", b"---\nname: a\n---\n"))
    assert "'name'" in refused(client, ("m/SKILL.md", b"---\n: [\n---\n"))
    assert "'name'" in refused(client, ("m/SKILL.md", b"---\nname: 1\ndescription: d\n---\n"))
    with pytest.raises(openai.BadRequestError, match="multipart"):
        client.post("/skills", body={"files": []}, cast_to=dict[str, Any])
    before = client.skills.list(limit=100).data
    with pytest.raises(openai.BadRequestError):
        client.skills.create(files=[("m/README.md", b"")])
    assert client.skills.list(limit=100).data == before


def test_a_skill_has_at_most_500_files(client: openai.OpenAI) -> None:
    """One more is refused, whether they come one by one or packed."""
    files: list[Any] = [("m/SKILL.md", main()), *((f"m/{one}", b"") for one in range(500))]
    assert client.skills.create(files=files[:500])
    assert "500" in refused(client, *files)
    assert "500 files" in refused(client, ("m.zip", archive(**dict(files))))
    whole = archive(**{"m/": b"", **dict(files[:500])})
    assert client.skills.create(files=("m.zip", whole))


async def _all_of_it(client: openai.AsyncOpenAI) -> None:
    made = [(await client.skills.create(files=[("m/SKILL.md", main())])).id for _ in range(3)]
    assert [one.id async for one in client.skills.list(limit=2)] == made[::-1]
    await client.skills.versions.create(made[0], files=[("m/SKILL.md", main())])
    assert (await client.skills.update(made[0], default_version="2")).default_version == "2"
    content = await client.skills.content.retrieve(made[0])
    assert unpacked(content.content) == {"m/SKILL.md": main()}
    assert (await client.skills.delete(made[0])).deleted


def test_the_async_client_works_as_well(tell: Any) -> None:
    """Made, listed page by page, given a version, read and deleted."""
    tell(_all_of_it)
