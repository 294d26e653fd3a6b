"""Services that are not OpenAI's: batches that take nothing, refusals that mean something else."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.errors import ReplyLost, RouteMissing, ServiceError
from provisioner.kinds.vector_store.store_files import Attach, attach
from provisioner.remote import Remote

STORE = (200, {"id": "vs_1", "object": "vector_store"})
TAKEN = (200, {"id": "file-11111111", "object": "vector_store.file"})
EMPTY = (200, {"data": [], "has_more": False})
IGNORED = (200, {"id": "vsfb_1", "file_counts": {"total": 0}})
BROKEN = (500, {"error": {"message": "Something went wrong."}})
TWO = [Attach("file-11111111"), Attach("file-22222222")]


async def attach_two(remote: Remote) -> Any:
    return await attach(remote, "vs_1", TWO)


@pytest.mark.parametrize(
    "answers", [[IGNORED, EMPTY, TAKEN], [BROKEN, EMPTY, BROKEN, EMPTY, TAKEN]]
)
def test_a_batch_that_takes_nothing(scripted: Any, answers: list[Any]) -> None:
    """What the store does not show after a batch is attached one by one, and that is said once."""

    async def story(remote: Remote) -> Any:
        refused = await attach(remote, "vs_1", TWO)
        return refused, remote.oddities

    service = scripted(*answers)
    refused, oddities = service.tell(story)
    assert refused == {}
    assert service.requests[-2:] == [("POST", "/vector_stores/vs_1/files")] * 2
    assert oddities == {
        "Files cannot be attached in batches here (`file_batches`); they are attached one by one."
    }


def test_what_the_batch_has_put_in_is_not_put_in_twice(scripted: Any) -> None:
    """After a reply that says nothing only what is missing is attached."""
    held = (200, {"data": [{"id": "file-11111111"}], "has_more": False})
    service = scripted(IGNORED, held, TAKEN)
    service.tell(attach_two)
    assert [path for method, path in service.requests if method == "POST"] == [
        "/vector_stores/vs_1/file_batches",
        "/vector_stores/vs_1/files",
    ]


def test_a_service_that_is_only_broken_is_not_hammered(scripted: Any) -> None:
    """Where single requests fail as well, the failure is reported."""
    service = scripted(BROKEN, EMPTY, BROKEN, EMPTY, BROKEN, EMPTY, BROKEN)
    with pytest.raises(ReplyLost):
        service.tell(attach_two)


def test_a_404_that_names_an_id_of_the_body(scripted: Any) -> None:
    """It is the object that is missing, not the route."""
    absent = (404, {"error": {"message": "No vector store found with id 'vs_12345678'."}})

    async def use(remote: Remote) -> Any:
        body = {"tool_resources": {"file_search": {"vector_store_ids": ["vs_12345678"]}}}
        return await remote.post("/assistants", body)

    with pytest.raises(ServiceError) as caught:
        scripted(absent).tell(use)
    assert not isinstance(caught.value, RouteMissing)
    (problem,) = caught.value.problems
    assert problem.summary == "Object not found" and "`vs_12345678` is gone" in (problem.hint or "")


def test_a_404_without_an_id_is_the_route(scripted: Any) -> None:
    """A create at a service without this API says so, whatever the body names."""

    async def use(remote: Remote) -> Any:
        return await remote.post("/assistants", {"file_ids": ["file-11111111"]})

    with pytest.raises(RouteMissing):
        scripted((404, {"error": {"message": "Not Found"}})).tell(use)


@pytest.mark.parametrize("there", [True, False])
def test_400_on_a_second_deletion(scripted: Any, there: bool) -> None:
    """400 counts as gone where the object is, and as a refusal where it is not."""
    refusal = (400, {"error": {"message": "Cannot delete."}})

    async def delete(remote: Remote) -> Any:
        await remote.delete("/files/file-1")

    service = scripted(
        refusal, (200, {"id": "file-1"}) if there else (404, {"error": {"message": "gone"}})
    )
    if there:
        with pytest.raises(ServiceError):
            service.tell(delete)
    else:
        service.tell(delete)
