"""Settling: what a write did shows late where a rule says so, and is as without it once the time is
over.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest

from .things import (
    ASSISTANTS,
    DELETABLE,
    FILES,
    JSON,
    KINDS,
    LISTED,
    STORES,
    Wire,
    agent,
    assistant,
    automation,
    batch,
    credential,
    file,
    store,
    store_file,
    template,
    vault,
)


@pytest.mark.parametrize("make", LISTED)
def test_a_fresh_object_is_missing_from_lists(lagging: Any, clock: Any, make: Any) -> None:
    """It can be read by its id all the time, and stands in every list once it has settled."""

    async def story(wire: Wire) -> None:
        thing = await make(wire)
        read = await wire.get(thing.path)
        assert await thing.shown(wire) == []
        clock.tick(0.29)
        assert await thing.shown(wire) == []
        assert await wire.get(thing.path) == read
        clock.tick(0.02)
        assert await thing.shown(wire) == [read] * len(thing.lists)

    lagging(story, "seconds: 0.3, of: [list]", KINDS.get(make, KINDS[store]))


@pytest.mark.parametrize("status", [None, 400, 404])
@pytest.mark.parametrize("make", KINDS)
def test_a_fresh_object_is_not_found_by_its_id(
    lagging: Any, clock: Any, make: Any, status: int | None
) -> None:
    """In the service's own words, and with the status asked for; lists have it all the time."""

    async def story(wire: Wire) -> None:
        thing = await make(wire)
        # Nothing can be listed from a young batch either.
        thing.lists = thing.lists[:2]
        shown = await thing.shown(wire)
        assert len(shown) == len(thing.lists)
        for _ in range(2):
            assert await wire.refused(wire.get(thing.path)) == (status or 404, thing.absent)
            clock.tick(0.2)
        read = await wire.get(thing.path)
        assert read["id"] == thing.id
        assert shown == [read] * len(shown)

    lagging(
        story, "seconds: 0.3, of: [get]" + (f", status: {status}" if status else ""), KINDS[make]
    )


def test_nothing_is_read_below_a_store_that_is_not_found(lagging: Any, clock: Any) -> None:
    """Its files are not found for the same reason as the store, and in the same words; writes go by
    the truth.
    """

    async def story(wire: Wire) -> None:
        thing = await store(wire)
        file_id = await wire.upload()
        await wire.post(f"{thing.path}/files", file_id=file_id)
        for path in ("files", f"files/{file_id}", f"files/{file_id}/content"):
            assert await wire.refused(wire.get(f"{thing.path}/{path}")) == (400, thing.absent)
        assert (await wire.post(thing.path, name="new"))["name"] == "new"
        clock.tick(1)
        assert [one["id"] for one in await wire.listed(f"{thing.path}/files")] == [file_id]

    lagging(story, "seconds: 0.5, of: [get], status: 400", KINDS[store])


async def attach_one(wire: Wire, store: str, file_id: str) -> JSON:
    return await wire.post(f"{STORES}/{store}/files", file_id=file_id)


async def attach_batch(wire: Wire, store: str, file_id: str) -> JSON:
    return await wire.post(f"{STORES}/{store}/file_batches", files=[{"file_id": file_id}])


async def attach_first(wire: Wire, store: str, file_id: str) -> JSON:
    return await wire.post(STORES, file_ids=[file_id])


async def attach_by_assistant(wire: Wire, store: str, file_id: str) -> JSON:
    resources = {"file_search": {"vector_stores": [{"file_ids": [file_id]}]}}
    return await wire.post(ASSISTANTS, model="gpt-4o", tool_resources=resources)


@pytest.mark.parametrize("status", [404, 400])
@pytest.mark.parametrize("attach", [attach_one, attach_batch, attach_first, attach_by_assistant])
def test_a_young_file_cannot_be_attached(
    lagging: Any, clock: Any, attach: Any, status: int
) -> None:
    """The refusal names it, nothing is attached or made, and older files are not concerned."""

    async def story(wire: Wire) -> None:
        old = await wire.upload()
        clock.tick(1)
        store, young = await wire.store(), await wire.upload()
        assert (await wire.get(f"{FILES}/{young}"))["id"] == young
        assert await wire.refused(attach(wire, store, young)) == (
            status,
            f"No such File object: {young}",
        )
        assert len(await wire.listed(STORES)) == 1
        assert await wire.listed(ASSISTANTS) == await wire.listed(f"{STORES}/{store}/files") == []
        assert await attach(wire, store, old)
        clock.tick(0.4)
        assert await attach(wire, store, young)

    lagging(story, f"seconds: 0.4, of: [attach], status: {status}", KINDS[file])


def test_a_batch_with_a_young_file_is_refused_whole(lagging: Any, clock: Any) -> None:
    """The first young file is named; once it has settled the same request works."""

    async def story(wire: Wire) -> None:
        old = [await wire.upload(), await wire.upload()]
        clock.tick(1)
        store, young = await wire.store(), [await wire.upload(), await wire.upload()]
        files = [old[0], *young, old[1]]

        def attach() -> Awaitable[JSON]:
            return wire.post(f"{STORES}/{store}/file_batches", file_ids=files)

        assert await wire.refused(attach()) == (404, f"No such File object: {young[0]}")
        assert await wire.listed(f"{STORES}/{store}/files") == []
        clock.tick(0.4)
        assert (await attach())["file_counts"]["total"] == 4

    lagging(story, "seconds: 0.4, of: [attach]", KINDS[file])


@pytest.mark.parametrize("attach", [attach_one, attach_batch])
def test_nothing_can_be_attached_to_a_young_store(lagging: Any, clock: Any, attach: Any) -> None:
    """The store is what is not found, and it is not found by a search either."""

    async def story(wire: Wire) -> None:
        file_id, thing = await wire.upload(), await store(wire)
        assert await wire.refused(attach(wire, thing.id, file_id)) == (404, thing.absent)
        assert await wire.refused(wire.post(f"{thing.path}/search", query="text")) == (
            404,
            thing.absent,
        )
        clock.tick(0.4)
        assert await attach(wire, thing.id, file_id)
        assert await wire.post(f"{thing.path}/search", query="text")

    lagging(story, "seconds: 0.4, of: [attach]", KINDS[store])


@pytest.mark.parametrize("status", [404, 400])
@pytest.mark.parametrize("make", [file, store])
def test_an_assistant_cannot_use_what_is_young(
    lagging: Any, clock: Any, make: Any, status: int
) -> None:
    """Neither a new assistant nor one that is changed; after the refusal both are as before."""

    async def story(wire: Wire) -> None:
        other, thing = await assistant(wire), await make(wire)
        before = await wire.get(other.path)
        uses: JSON = {"file_search": {"vector_store_ids": [thing.id]}}
        if make is file:
            uses = {"code_interpreter": {"file_ids": [thing.id]}}
        tools = [{"type": tool} for tool in uses]

        def create() -> Awaitable[JSON]:
            return wire.post(ASSISTANTS, model="gpt-4o", tools=tools, tool_resources=uses)

        def update() -> Awaitable[JSON]:
            return wire.post(other.path, tools=tools, tool_resources=uses)

        for use in (create, update):
            assert await wire.refused(use()) == (status, thing.absent)
        assert await wire.listed(ASSISTANTS) == [before]
        clock.tick(0.4)
        for use in (create, update):
            assert (await use())["tool_resources"] == uses

    lagging(story, f"seconds: 0.4, of: [use], status: {status}", KINDS[make])


CHANGES: list[tuple[Any, JSON, JSON]] = [
    (store, {"name": "new"}, {"name": "kb"}),
    (store, {"name": None}, {"name": "kb"}),
    (store, {"metadata": {"k": "v"}}, {"metadata": {}}),
    (store, {"expires_after": {"anchor": "last_active_at", "days": 3}}, {"expires_after": None}),
    (store_file, {"attributes": {"n": 2, "x": True}}, {"attributes": {"n": 1}}),
    (assistant, {"name": None, "temperature": 0.5}, {"name": "a", "temperature": 1.0}),
    (agent, {"name": None, "service_tier": "flex"}, {"name": "a", "service_tier": "auto"}),
    (template, {"name": "new"}, {"name": "a"}),
    (vault, {"name": None}, {"name": "a"}),
    (credential, {"metadata": {}}, {"metadata": {"n": "1"}}),
    (automation, {"name": "new", "timezone": "Europe/Berlin"}, {"name": "a", "timezone": "UTC"}),
]


@pytest.mark.parametrize(("make", "change", "before"), CHANGES)
def test_a_read_after_an_update_shows_the_old_values(
    lagging: Any, clock: Any, make: Any, change: JSON, before: JSON
) -> None:
    """By the id and in lists; the update's own reply has the new ones, and so has every read once
    it has settled.
    """

    async def story(wire: Wire) -> None:
        thing = await make(wire)
        old = await wire.get(thing.path)
        assert old | before == old
        new = await wire.post(thing.path, **change)
        assert new | change == new != old
        for _ in range(2):
            assert await wire.get(thing.path) == old
            assert await thing.shown(wire) == [old] * len(thing.lists)
            clock.tick(0.2)
        assert await wire.get(thing.path) == new
        assert await thing.shown(wire) == [new] * len(thing.lists)

    lagging(story, "seconds: 0.3, of: [update]", "")


def test_updates_settle_one_after_the_other(lagging: Any, clock: Any) -> None:
    """Each shows when its own time is over, and each builds on the truth, not on what is shown."""

    async def story(wire: Wire) -> None:
        path = (await assistant(wire)).path
        await wire.post(path, name="b")
        clock.tick(0.3)
        assert (await wire.post(path, description="d"))["name"] == "b"
        seen = []
        for _ in range(3):
            found = await wire.get(path)
            seen.append((found["name"], found["description"]))
            clock.tick(0.25)
        assert seen == [("a", None), ("b", None), ("b", "d")]

    lagging(story, "seconds: 0.5, of: [update]", "assistants/")


def test_a_cancelled_batch_goes_on_for_a_while(lagging: Any, clock: Any) -> None:
    """The reply to the cancellation says what is true."""

    async def story(wire: Wire) -> None:
        thing = await batch(wire)
        before = await wire.get(thing.path)
        cancelled = await wire.post(f"{thing.path}/cancel")
        assert (before["status"], cancelled["status"]) == ("in_progress", "cancelled")
        assert await wire.get(thing.path) == before
        clock.tick(0.3)
        assert await wire.get(thing.path) == cancelled

    lagging(story, "seconds: 0.3, of: [update]", "/cancel$")


def test_only_what_was_written_is_old(lagging: Any, clock: Any) -> None:
    """What time brings is shown at once: a file gets indexed although its attributes are old for
    ever.
    """

    async def story(wire: Wire) -> None:
        thing = await store_file(wire)
        clock.tick(1)
        # It is this request that finds the file due.
        assert (await wire.post(thing.path, attributes={}))["status"] == "completed"
        found = await wire.get(thing.path)
        assert (found["status"], found["attributes"]) == ("completed", {"n": 1})
        assert len(await wire.listed(f"{thing.path.rpartition('/')[0]}?filter=completed")) == 1

    lagging(story, "seconds: 1000000, of: [update]", "", indexing_seconds=0.5)


@pytest.mark.parametrize("make", DELETABLE)
def test_a_deleted_object_is_still_there(lagging: Any, clock: Any, make: Any) -> None:
    """It is listed and read as it was, but deleting or changing it again finds nothing."""

    async def story(wire: Wire) -> None:
        thing = await make(wire)
        old = await wire.get(thing.path)
        assert (await wire.delete(thing.path))["deleted"] is True
        for _ in range(2):
            assert await wire.get(thing.path) == old
            assert await thing.shown(wire) == [old] * len(thing.lists)
            assert await wire.refused(wire.delete(thing.path)) == (404, thing.absent)
            clock.tick(0.25)
        assert await wire.refused(wire.get(thing.path)) == (404, thing.absent)
        assert await thing.shown(wire) == []

    lagging(story, "seconds: 0.4, of: [delete]", DELETABLE[make])


def test_what_a_deletion_takes_along_is_still_there(lagging: Any, clock: Any) -> None:
    """A file stays in its store and its assistant, a store keeps its files; bytes and uses are gone
    at once.
    """

    async def story(wire: Wire) -> None:
        thing = await store_file(wire)
        path = f"{FILES}/{thing.id}"
        uses = {"code_interpreter": {"file_ids": [thing.id]}}
        user = f"{ASSISTANTS}/{(await wire.post(ASSISTANTS, model='gpt-4o', tool_resources=uses))['id']}"
        await wire.delete(path)
        assert await wire.get(path) and await wire.get(thing.path)
        assert (await wire.get(user))["tool_resources"] == uses
        status, _ = await wire.refused(wire.post(ASSISTANTS, model="gpt-4o", tool_resources=uses))
        assert status == 404
        clock.tick(1)
        assert await wire.refused(wire.get(thing.path)) == (404, thing.absent)
        assert (await wire.get(user))["tool_resources"] == {"code_interpreter": {"file_ids": []}}

        other = await store_file(wire)
        whole = other.path.partition("/files")[0]
        await wire.delete(whole)
        assert await wire.get(whole)
        assert await other.shown(wire) == [await wire.get(other.path)] * 2
        clock.tick(1)
        status, words = await wire.refused(wire.get(other.path))
        assert (status, words) == (
            404,
            f"No vector store found with id '{whole.rpartition('/')[2]}'.",
        )

    lagging(story, "seconds: 0.5, of: [delete, update]", "")


def test_the_bytes_of_a_deleted_file_are_gone(lagging: Any) -> None:
    """They are not found, which is not a failure of the service."""

    async def story(wire: Wire) -> None:
        made = await wire.client.files.create(file=("a.md", b"text"), purpose="batch")
        assert (await wire.client.files.content(made.id)).content == b"text"
        await wire.client.files.delete(made.id)
        assert (await wire.client.files.retrieve(made.id)).id == made.id
        refusal = wire.refused(wire.client.files.content(made.id))
        assert await refusal == (404, f"No such File object: {made.id}")

    lagging(story, "seconds: 0.5, of: [delete]", "")


def test_a_file_that_is_attached_again_is_in_the_store_once(lagging: Any) -> None:
    """The new attachment ends what was still to be seen of the old one."""

    async def story(wire: Wire) -> None:
        thing = await store_file(wire)
        await wire.delete(thing.path)
        await wire.post(thing.path.rpartition("/")[0], file_id=thing.id, attributes={"n": 2})
        assert [one["attributes"] for one in await thing.shown(wire)] == [{"n": 2}] * 2

    lagging(story, "seconds: 1000000, of: [delete]", "")


@pytest.mark.parametrize("make", DELETABLE)
def test_a_young_object_refuses_its_deletion(lagging: Any, clock: Any, make: Any) -> None:
    """With 409, until it has settled; then it goes at once."""

    async def story(wire: Wire) -> None:
        thing = await make(wire)
        busy = (
            409,
            f"'{thing.id}' cannot be deleted while it is being processed. Please try again later.",
        )
        assert await wire.refused(wire.delete(thing.path)) == busy
        assert len(await thing.shown(wire)) == len(thing.lists)
        clock.tick(0.4)
        if make is store:
            await wire.post(thing.path, name="changed")
            assert await wire.refused(wire.delete(thing.path)) == busy
            clock.tick(0.4)
        assert (await wire.delete(thing.path))["deleted"] is True
        assert await thing.shown(wire) == []

    # Which writes begin the time: any that makes or changes the object.
    lagging(story, "seconds: 0.4, of: [delete], status: 409", "")


@pytest.mark.parametrize("make", DELETABLE)
def test_a_deletion_is_refused_for_a_while(lagging: Any, clock: Any, make: Any) -> None:
    """A rule about the deletion itself counts from the first attempt; what does not exist is not
    found as ever.
    """

    async def story(wire: Wire) -> None:
        thing = await make(wire)
        clock.tick(10)
        statuses = []
        for _ in range(3):
            statuses.append((await wire.refused(wire.delete(thing.path)))[0])
            clock.tick(0.12)
        assert statuses == [409, 409, 409]
        assert (await wire.delete(thing.path))["deleted"] is True
        assert await wire.refused(wire.delete(thing.path)) == (404, thing.absent)

    lagging(story, "seconds: 0.3, of: [delete], status: 409", DELETABLE[make])


def test_only_deletions_are_answered_with_409(lagging: Any, clock: Any) -> None:
    """What else the same rule asks for is answered as if it had no status."""

    async def story(wire: Wire) -> None:
        thing = await store(wire)
        assert (await wire.refused(wire.delete(thing.path)))[0] == 409
        assert await wire.refused(wire.get(thing.path)) == (404, thing.absent)
        clock.tick(0.4)
        await wire.delete(thing.path)
        assert await wire.refused(wire.get(thing.path)) == (404, thing.absent)

    lagging(story, "seconds: 0.3, of: [get, delete], status: 409", "")


def test_what_went_along_with_another_is_not_being_processed(lagging: Any) -> None:
    """An attachment whose file is deleted is not found, however young it is."""

    async def story(wire: Wire) -> None:
        thing = await store_file(wire)
        await wire.delete(f"{FILES}/{thing.id}")
        assert await wire.refused(wire.delete(thing.path)) == (404, thing.absent)

    lagging(story, "seconds: 9, of: [delete], status: 409", KINDS[store_file])


def test_both_faults_of_a_deletion_can_be_had(lagging: Any, clock: Any) -> None:
    """One rule refuses it for a while, another one hides that it was done."""

    async def story(wire: Wire) -> None:
        thing = await store(wire)
        assert (await wire.refused(wire.delete(thing.path)))[0] == 409
        clock.tick(0.3)
        await wire.delete(thing.path)
        assert await thing.shown(wire)
        clock.tick(0.3)
        assert not await thing.shown(wire)

    line = "{match: {method: DELETE}, action: {settle: {seconds: 0.3, of: [delete]}}}"
    lagging(story, "seconds: 0.3, of: [delete], status: 409", KINDS[store], line)
