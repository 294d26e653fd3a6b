"""What every kind in the folder promises, through every API that it has."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from provisioner.kinds import kinds
from provisioner.kinds.base import Form, Names, Write
from provisioner.local import create_app
from provisioner.model import Address, LockState, Stamp
from provisioner.remote import Remote

FIELDS: dict[str, dict[str, Any]] = {
    "file": {
        "sha256": "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
        "bytes": 6,
    },
    "vector_store": {"name": "N", "description": "D", "metadata": {"team": "hr"}},
    "assistant": {
        "model": "gpt-4o",
        "name": "N",
        "instructions": "Hello",
        "temperature": 0.5,
        "metadata": {"team": "hr"},
    },
}


def every_form() -> list[Any]:
    found = []
    for name in sorted(kinds()):
        for api in kinds()[name].apis:
            found.append(pytest.param(name, api, id=f"{name}-{api or 'any'}"))
    return found


def write(name: str, **more: Any) -> Write:
    address = Address(name, "docs/hello.md" if name == "file" else "x")
    content = io.BytesIO(b"hello\n") if name == "file" else None
    stamp = Stamp("w", "e", str(address), "0123abcd", 1)
    return Write(address, FIELDS[name], Names(), stamp, content=content, **more)


def with_remote(tmp_path: Path, story: Callable[[Remote], Awaitable[None]]) -> None:
    async def run() -> None:
        async with Remote.open("http://local/v1", "local", app=create_app(tmp_path)) as remote:
            await story(remote)

    asyncio.run(run())


@pytest.mark.parametrize(("name", "api"), every_form())
def test_the_life_of_an_object(name: str, api: str | None, tmp_path: Path) -> None:
    """Created, it is read and listed as it was wanted; deleted, it is gone, and may be deleted
    again.
    """
    form = kinds()[name].form(api)
    if not form.remote:
        return

    async def story(remote: Remote) -> None:
        wanted = write(name)
        made = await form.create(remote, wanted)
        assert declared(form, wanted, made.fields) == declared(form, wanted, wanted.fields)
        read = await form.read(remote, made.id, Names())
        assert read is not None and read.fields == made.fields
        assert made.id in [live.id for live in await form.list(remote, Names())]
        if name != "file":
            assert read.stamp == wanted.stamp
            after = await form.update(remote, write(name, id=made.id))
            assert after.fields == made.fields
            await form.release(remote, made.id, LockState("w", "e", "deadbeef-1", 1, {}))
            kept = await form.read(remote, made.id, Names())
            assert kept is not None and kept.stamp == wanted.stamp
            await form.release(remote, made.id, LockState("w", "e", "0123abcd-1", 1, {}))
            released = await form.read(remote, made.id, Names())
            assert released is not None and released.stamp is None
        await form.delete(remote, made.id)
        await form.delete(remote, made.id)
        assert await form.read(remote, made.id, Names()) is None

    with_remote(tmp_path, story)


def declared(form: Form, wanted: Write, fields: dict[str, Any]) -> dict[str, Any]:
    normal = form.normal(wanted.address, fields)
    return {key: normal[key] for key in wanted.fields if key not in form.unread}


@pytest.mark.parametrize(("name", "api"), every_form())
def test_the_normal_form_is_one_shape(name: str, api: str | None) -> None:
    """Normalising twice changes nothing, and every declared or fixed field is in it."""
    form, address = kinds()[name].form(api), write(name).address
    once = form.normal(address, FIELDS[name])
    assert form.normal(address, once) == once
    assert set(FIELDS[name]) | form.fixed <= set(once)


@pytest.mark.parametrize("name", sorted(kinds()))
def test_a_kind_tells_of_itself(name: str) -> None:
    """A kind has its section, a summary and at least two examples that its own model accepts."""
    kind = kinds()[name]
    assert kind.name == name and kind.section and kind.summary.endswith(".")
    assert len(kind.examples) >= 2
    for example in kind.examples:
        kind.spec.model_validate(example)
