"""A service that shows its own writes late: what is doubted, for how long, and what is believed at
once.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from provisioner.errors import NotFound, RouteMissing, ServiceError
from provisioner.remote import Remote
from provisioner.remote.settling import Settling, key_of, keys_of

MADE = (200, {"id": "vs_1"})
FILE = (200, {"id": "file-1"})
ABSENT = (404, {"error": {"message": "No such thing."}})
UNNAMED = (400, {"error": {"message": "Bad request."}})
BUSY = (409, {"error": {"message": "Still processing."}})
SHORT = 0.5


async def make_and_read(remote: Remote) -> Any:
    await remote.post("/vector_stores", {})
    return await remote.get("/vector_stores/vs_1")


async def make_and_use(remote: Remote) -> Any:
    await remote.post("/vector_stores", {})
    return await remote.post(
        "/assistants", {"tool_resources": {"file_search": {"vector_store_ids": ["vs_1"]}}}
    )


async def make_and_list(remote: Remote) -> Any:
    await remote.post("/vector_stores", {})
    return await remote.list("/vector_stores/vs_1/files")


async def make_and_delete(remote: Remote) -> Any:
    await remote.post("/vector_stores", {})
    return await remote.delete("/vector_stores/vs_1")


LISTED = (200, {"data": [], "has_more": False})


@pytest.mark.parametrize(
    ("story", "late", "then"),
    [
        (make_and_read, ABSENT, MADE),
        (make_and_use, ABSENT, FILE),
        (make_and_use, (400, {"error": {"message": "No vector store vs_1."}}), FILE),
        (make_and_list, ABSENT, LISTED),
        (make_and_delete, ABSENT, (200, {"deleted": True})),
        (make_and_delete, BUSY, (200, {"deleted": True})),
    ],
)
@pytest.mark.sampled(3)
def test_what_was_just_made_is_asked_for_again(
    scripted: Any, story: Any, late: Any, then: Any
) -> None:
    """A refusal that may only mean that the service is late is met with the same request."""
    service = scripted(MADE, late, late, then)
    service.tell(story, settling=SHORT)
    assert len(set(service.requests[1:])) == 1 and len(service.requests) == 4


@pytest.mark.parametrize(
    ("story", "late", "error"),
    [
        (make_and_read, ABSENT, NotFound),
        (make_and_use, ABSENT, RouteMissing),
        (make_and_list, ABSENT, RouteMissing),
        (make_and_delete, BUSY, ServiceError),
    ],
)
def test_it_is_believed_in_the_end(
    scripted: Any, story: Any, late: Any, error: type[Exception]
) -> None:
    """After the settling time the same answer counts, and not much later."""
    service, began = scripted(MADE, late), time.monotonic()
    with pytest.raises(error):
        service.tell(story, settling=0.3)
    assert 0.3 <= time.monotonic() - began < 2
    assert 3 <= len(service.requests) <= 5


@pytest.mark.parametrize("settling", [0.0, SHORT])
def test_what_is_old_is_believed_at_once(scripted: Any, settling: float) -> None:
    """An object that nobody wrote just now is gone when the service says so; so is everything with
    `settling: 0`.
    """

    async def story(remote: Remote) -> Any:
        if not settling:
            await remote.post("/vector_stores", {})
        return await remote.find("/vector_stores/vs_1")

    service = scripted(*([MADE] if not settling else []), ABSENT)
    assert service.tell(story, settling=settling) is None
    assert len(service.requests) == (1 if settling else 2)


def test_a_refusal_of_something_else_is_believed(scripted: Any) -> None:
    """400 that does not name the young object is about something else."""
    service = scripted(MADE, UNNAMED)
    with pytest.raises(ServiceError):
        service.tell(make_and_use, settling=SHORT)
    assert len(service.requests) == 2


def test_what_was_deleted_may_be_gone(scripted: Any) -> None:
    """After a deletion nothing is doubted: that it is not found is what was wanted."""

    async def story(remote: Remote) -> Any:
        await remote.post("/vector_stores", {})
        await remote.delete("/vector_stores/vs_1")
        return await remote.find("/vector_stores/vs_1")

    service = scripted(MADE, (200, {"deleted": True}), ABSENT)
    assert service.tell(story, settling=SHORT) is None
    assert len(service.requests) == 3


def test_what_was_deleted_may_be_shown_a_little_longer(scripted: Any) -> None:
    """400 for a second deletion is not a refusal where the object is only still shown."""

    async def story(remote: Remote) -> Any:
        await remote.delete("/vector_stores/vs_1")

    service = scripted(UNNAMED, MADE, MADE, ABSENT)
    service.tell(story, settling=SHORT * 2)
    assert len(service.requests) == 4


def test_ages() -> None:
    """An age comes from what is said of it, a time in the future counts as now, and what is old is
    not remembered.
    """
    now = [1000.0]
    settling = Settling(30, clock=lambda: now[0])
    settling.wrote("old", at=900.0)
    settling.wrote("young", at=980.0)
    settling.wrote("ahead", at=5000.0)
    assert [settling.left([key]) for key in ("old", "young", "ahead", "unknown")] == [0, 10, 30, 0]
    assert settling.left(["old", "young"]) == 10
    now[0] += 10
    assert not settling.young("young") and settling.young("ahead")


def test_keys() -> None:
    """A store file is another thing than the file in it."""
    assert key_of("/vector_stores/vs_1") == "vs_1"
    assert key_of("/vector_stores/vs_1/files/file-1") == "vs_1/file-1"
    assert key_of("/vector_stores/vs_1/files") is None
    assert keys_of("/vector_stores/vs_1/files/file-1") == ["vs_1", "vs_1/file-1"]
    assert keys_of("/files") == []
    assert key_of("/agents/agent_1") == key_of("/agents/sessions/agent_1") == "agent_1"
    assert key_of("/agents/automations") is None
    assert keys_of("/agents/environments/templates/t_1") == ["t_1"]
