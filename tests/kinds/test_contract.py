"""What every kind in the folder promises, through every API that it has, for each of its examples."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.diff import top, units
from provisioner.kinds import kinds
from provisioner.kinds.base import Finding, Form, Kind, Names, Scope, Write
from provisioner.kinds.table import Sort
from provisioner.local import create_app
from provisioner.model import Address, Fields, LockState, Stamp
from provisioner.remote import Remote
from provisioner.shapes import anything

BYTES = b"hello\n"
MAIN = "---\nname: Hello\ndescription: Says hello.\n---\n"
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


class Anything(Scope):
    """A workspace that has whatever a declaration names."""

    environment = "e"
    workspace = "w"

    def __init__(self, address: Address) -> None:
        self.address = address
        self.found: list[Finding] = []

    def report(self, finding: Finding) -> None:
        self.found.append(finding)

    def text(self, value: Any, path: Any) -> str:
        return value if isinstance(value, str) else f"The text of {value}."

    def front_matter(self, value: str, path: Any) -> dict[str, str]:
        return {"name": "Hello", "description": "Says hello."}

    def exists(self, path: str) -> bool:
        return False

    def document(self, value: Any, path: Any) -> Any:
        return SCHEMA if set(value) == {"file"} else value

    def reference(self, kind: str, value: Any, path: Any) -> Any:
        return f"{kind}.{value}" if isinstance(value, str) else value

    def file(self, value: Any, path: Any) -> Any:
        return f"file.{value}" if isinstance(value, str) else value

    def loose_file(self, value: str, path: Any) -> str:
        return value

    def folder(self, value: str, path: Any) -> dict[str, tuple[str, int]]:
        return {"SKILL.md": (hashlib.sha256(MAIN.encode()).hexdigest(), len(MAIN))}

    def cited(self, value: str, path: Any) -> None:
        pass

    def glob(self, pattern: str, exclude: Any, path: Any) -> list[str]:
        return [pattern.replace("**/", "").replace("*", "a")]

    def tool(self, name: str, path: Any) -> Fields:
        return {"type": "function", "name": name, "description": name, "parameters": SCHEMA}

    def size(self, path: str) -> int:
        return len(BYTES)

    def set_file(self, path: str, fields: Any, at: Any) -> None:
        pass


def address_of(kind: Kind) -> Address:
    return Address(kind.name, "docs/hello.md" if kind.uploaded else "x")


def declared(kind: Kind, example: Mapping[str, Any]) -> Fields:
    """The fields of an example, by its own model and its own table."""
    scope = Anything(address_of(kind))
    fields = kind.declare(kind.spec.model_validate(example), scope)
    assert [one for one in scope.found if one.severity == "error"] == []
    if kind.uploaded:
        fields |= {"sha256": hashlib.sha256(BYTES).hexdigest(), "bytes": len(BYTES)}
    return fields


def every_example() -> Iterator[Any]:
    for name, kind in sorted(kinds().items()):
        for api in kind.apis:
            for number in range(len(kind.examples)):
                yield pytest.param(name, api, number, id=f"{name}-{api or 'any'}-{number}")


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folders that examples name, in the workspace that everything is written from."""
    for name in ("triage", "report"):
        (tmp_path / "root/skills" / name).mkdir(parents=True)
        (tmp_path / "root/skills" / name / "SKILL.md").write_text(MAIN)
    monkeypatch.chdir(tmp_path / "root")


@pytest.mark.parametrize(("name", "api", "number"), list(every_example()))
def test_normal_of_each_field(name: str, api: str | None, number: int) -> None:
    """The normal form of a field is made of that field alone: planning makes none of what is the
    same everywhere, and the others do not change by that.
    """
    kind = kinds()[name]
    form, address, fields = kind.form(api), address_of(kind), declared(kind, kind.examples[number])
    whole = form.normal(address, fields)
    for field in fields.keys() - form.apart:
        alone = form.normal(address, {field: fields[field]})
        assert alone.get(field) == whole.get(field), field


@pytest.mark.parametrize("name", sorted(kinds()))
def test_what_refers_says_to_what(name: str) -> None:
    """A field that can name something says of which kinds that is: no other is asked."""
    nothing = Sort(written=None, shape=anything)
    for field in kinds()[name].fields:
        names = field.sort.references is not nothing.references
        renames = field.sort.renamed is not nothing.renamed
        assert names == renames == bool(field.sort.refers_to), field.name


def writing(address: Address, fields: Fields, names: Names, **more: Any) -> Write:
    kind = kinds()[address.kind]
    content = io.BytesIO(BYTES) if kind.uploaded else None
    stamp = Stamp("w", "e", str(address), "0123abcd", 1)
    secrets = dict.fromkeys(kind.secrets(fields), "what nobody sees")
    return Write(
        address,
        fields,
        names,
        stamp,
        content=content,
        secrets=secrets,
        root=Path.cwd(),
        **more,
    )


async def with_what_it_names(remote: Remote, kind: Kind, fields: Fields) -> Names:
    """Ids of everything that fields refer to, made here with nothing but what is required."""
    ids: dict[Address, str] = {}
    for address in kind.references(fields):
        needed = kinds()[address.kind]
        through = kind.form(kind.apis[-1]).through.get(address.kind)
        api = next(api for api in needed.apis if needed.form(api).remote)
        api = through[0] if through else api
        plain = {} if needed.holds_files else declared(needed, needed.examples[0])
        plain = {name: value for name, value in plain.items() if name != "expires_after"}
        made = await needed.form(api).create(remote, writing(address, plain, Names()))
        ids[address] = made.id
    return Names(ids)


@pytest.mark.parametrize(("name", "api", "number"), list(every_example()))
def test_the_life_of_an_object(name: str, api: str | None, number: int, tmp_path: Path) -> None:
    """Created, it is read and listed as it was wanted; updated, it is what it was; its stamp comes
    off for its own lock alone; deleted, it is gone, and may be deleted again.
    """
    kind = kinds()[name]
    form, fields = kind.form(api), declared(kind, kind.examples[number])
    if not form.remote:
        return

    async def story() -> None:
        async with Remote.open("http://local/v1", "local", app=create_app(tmp_path)) as remote:
            names = await with_what_it_names(remote, kind, fields)
            await with_a_session(remote, fields)
            wanted = writing(address_of(kind), fields, names)
            made = await form.create(remote, wanted)
            if later := form.later(fields):
                assert seen(form, fields, made.fields) != seen(form, fields, fields)
                made = await form.update(remote, replace(wanted, id=made.id, paths=later))
            assert seen(form, fields, made.fields) == seen(form, fields, fields)
            read = await form.read(remote, made.id, names)
            assert read is not None and read.fields == made.fields
            assert made.id in [live.id for live in await form.list(remote, names)] or kind.uploaded
            if form.stamped:
                assert read.stamp == wanted.stamp
                await updated_and_released(remote, form, wanted, made.id)
            await form.delete(remote, made.id)
            await form.delete(remote, made.id)
            assert await form.read(remote, made.id, names) is None

    asyncio.run(story())


async def with_a_session(remote: Remote, fields: Fields) -> None:
    """What no spec declares and an example names is there."""
    target = fields.get("target") or {}
    if "session_id" in target:
        hosted = {"type": "openai_hosted"}
        body = {"environment": hosted, "agent": {"model": "gpt-5.6"}}
        target["session_id"] = (await remote.post("/agents/sessions", body))["id"]


async def updated_and_released(remote: Remote, form: Form, wanted: Write, id: str) -> None:
    paths = frozenset(
        path
        for path in units(wanted.fields, form.keyed)
        if path not in form.fixed and (path in wanted.secrets or not form.hides(path))
    )
    again = writing(wanted.address, wanted.fields, wanted.names, id=id, paths=paths)
    before = await form.read(remote, id, wanted.names)
    after = await form.update(remote, again)
    assert before is not None and after.fields == before.fields
    await form.release(remote, id, LockState("w", "e", "deadbeef-1", 1, {}))
    kept = await form.read(remote, id, wanted.names)
    assert kept is not None and kept.stamp == wanted.stamp
    await form.release(remote, id, LockState("w", "e", "0123abcd-1", 1, {}))
    released = await form.read(remote, id, wanted.names)
    assert released is not None and released.stamp is None


def seen(form: Form, wanted: Fields, fields: Fields) -> Fields:
    """What the service shows of what was wanted, in normal form, unit by unit."""
    normal = units(form.normal(Address("x", "x"), fields), form.keyed)
    return {
        path: normal[path]
        for path in units(wanted, form.keyed)
        if path in normal and not form.hides(path)
    }


@pytest.mark.parametrize(("name", "api", "number"), list(every_example()))
def test_the_normal_form_is_one_shape(name: str, api: str | None, number: int) -> None:
    """Normalising twice changes nothing; every field that the API carries is in it, declared or
    not, and has the shape that the lock and plans rely on.
    """
    kind = kinds()[name]
    form, fields = kind.form(api), declared(kind, kind.examples[number])
    once = form.normal(address_of(kind), fields)
    assert form.normal(address_of(kind), once) == once
    assert set(once) == {one.name for one in kind.fields.carried(api)}
    assert set(once) >= set(map(top, form.fixed))
    for found in (fields, once):
        assert [key for key, value in found.items() if not kind.fields.shapes[key](value)] == []


@pytest.mark.parametrize(("name", "api", "number"), list(every_example()))
def test_references_follow_a_rename(name: str, api: str | None, number: int) -> None:
    """Every managed resource that an example names is found, and named anew where it is renamed."""
    kind = kinds()[name]
    fields = declared(kind, kind.examples[number])
    named = list(kind.references(fields))
    assert {address.kind for address in named} <= kind.fields.refers_to
    spelled = {str(address): f"{address.kind}.new{at}.md" for at, address in enumerate(named)}
    renamed = list(kind.references(kind.renamed(fields, spelled)))
    assert sorted(map(str, renamed)) == sorted(spelled.values())
    assert kind.renamed(fields, {}) == fields


@pytest.mark.parametrize("name", sorted(kinds()))
def test_a_kind_tells_of_itself(name: str) -> None:
    """A kind has its section, a summary and at least two examples that its own model accepts, and
    says something of each of its fields.
    """
    kind = kinds()[name]
    assert kind.name == name and kind.section and kind.summary.endswith(".")
    assert len(kind.examples) >= 2
    for example in kind.examples:
        kind.spec.model_validate(example)
    assert [
        one.name
        for one in kind.fields
        if one.about and one.sort.written and not (one.examples or one.fixed)
    ] == []
