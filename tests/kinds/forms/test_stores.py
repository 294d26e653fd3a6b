from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from provisioner.errors import RouteMissing, ServiceError
from provisioner.kinds.base import Names
from provisioner.kinds.file.form import FileForm
from provisioner.kinds.vector_store import store_files
from provisioner.kinds.vector_store.form import VectorStoreForm
from provisioner.kinds.vector_store.store_files import Attach
from provisioner.model import Address, LockState, Stamp
from provisioner.remote import Remote, together

from .gateway import STAMP, Service, as_read_by_the_sdk, write

FORM = VectorStoreForm()
ADDRESS = Address("vector_store", "support")
OURS = {"provisioner": "acme/local/docs/a.md#0123abcd.1", "sha256": "ff"}


async def store(remote: Remote) -> str:
    return str((await remote.post("/vector_stores", {"name": "kb"}))["id"])


async def files(remote: Remote, count: int, suffix: str = "md") -> list[str]:
    async def upload(number: int) -> str:
        sent = await remote.upload(
            io.BytesIO(b"# Title %d" % number), f"{number}.{suffix}", "assistants"
        )
        return str(sent["id"])

    return await together(upload(number) for number in range(count))


async def filled(remote: Remote, count: int) -> tuple[str, list[str]]:
    id, file_ids = await store(remote), await files(remote, count)
    assert (
        await store_files.attach(remote, id, [Attach(file, dict(OURS)) for file in file_ids]) == {}
    )
    return id, file_ids


def test_releasing_takes_our_marks_off_the_files(service: Service) -> None:
    """Those of the lock and of nobody else: attributes of others stay, and what another lock has
    marked.
    """
    foreign = {**OURS, "provisioner": "acme/prod/docs/a.md#0123abcd.1"}
    lock = LockState("acme", "local", f"{STAMP.lineage}-1", 1, {})

    async def story(remote: Remote) -> Any:
        id, (ours, theirs, _) = await store(remote), await files(remote, 3)
        await store_files.attach(
            remote, id, [Attach(ours, {**OURS, "team": "hr"}), Attach(theirs, foreign)]
        )
        for file in (ours, theirs, "file-gone"):
            await store_files.release_file(remote, id, file, lock)
        one_by_one = [raw["attributes"] for raw in await remote.list(f"/vector_stores/{id}/files")]
        await store_files.update_attributes(remote, id, ours, OURS)
        await FORM.release(remote, id, lock)
        await FORM.release(remote, "vs_gone", lock)
        return one_by_one, [
            raw["attributes"] for raw in await remote.list(f"/vector_stores/{id}/files")
        ]

    for found in service.tell(story):
        assert sorted(found, key=len) == [{"team": "hr"}, foreign]


def test_a_store_comes_back_as_it_was_declared(service: Service) -> None:
    """Every field. What is sent is what the SDK's request type knows."""
    from openai.types import VectorStoreCreateParams

    fields = {
        "name": "Handbook",
        "description": "All of it",
        "metadata": {"team": "hr"},
        "expires_after": {"anchor": "last_active_at", "days": 7},
        "chunking": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 100},
        "other_files": "remove",
    }

    async def story(remote: Remote) -> Any:
        made = await FORM.create(remote, write("vector_store", fields))
        return made, (await FORM.list(remote, Names()))[0]

    made, listed = service.tell(story)

    assert made == listed
    assert {**FORM.normal(ADDRESS, fields), **made.fields} == FORM.normal(ADDRESS, fields)
    assert (made.stamp, made.status) == (STAMP, "completed")
    (_, body), *_ = service.writes
    assert as_read_by_the_sdk(VectorStoreCreateParams, body) == body


def test_reset_and_rename(service: Service) -> None:
    """Expiry goes with null, the name goes back to the resource's; the rest stays."""

    async def story(remote: Remote) -> Any:
        fields = {
            "name": "Handbook",
            "expires_after": {"anchor": "last_active_at", "days": 7},
            "metadata": {"a": "b"},
        }
        made = await FORM.create(remote, write("vector_store", fields))
        return await FORM.update(
            remote,
            write("vector_store", {"metadata": {"a": "b"}}, "name", "expires_after", id=made.id),
        )

    live = service.tell(story)

    assert (live.fields["name"], live.fields["expires_after"]) == ("support", None)
    assert live.fields["metadata"] == {"a": "b"}


def test_files_inherit_the_chunking_of_their_store() -> None:
    """Auto is 800/400, an entry's own chunking wins, and versions are not part of the normal
    form.
    """
    fields = {
        "chunking": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 100},
        "files": {
            "a.md": {"file": "file.a.md", "id": "file-1", "sha256": "ff"},
            "b.md": {"file": "file.b.md", "chunking": "auto", "attributes": {"x": 1}},
            "id:file-9": {"id": "file-9"},
        },
    }

    assert FORM.normal(ADDRESS, fields)["files"] == {
        "a.md": {"file": "file.a.md", "attributes": {}, "chunking": fields["chunking"]},
        "b.md": {
            "file": "file.b.md",
            "attributes": {"x": 1},
            "chunking": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400},
        },
        "id:file-9": {"id": "file-9", "attributes": {}, "chunking": fields["chunking"]},
    }


def test_a_file_says_what_it_is(service: Service) -> None:
    """Size, purpose, name and end of life are read; another purpose is listed when asked for."""
    form = FileForm()

    async def story(remote: Remote) -> Any:
        fields = {
            "sha256": "x",
            "bytes": 2,
            "purpose": "user_data",
            "expires_after": {"anchor": "created_at", "seconds": 3600},
        }
        made = await form.create(remote, write("file", fields, content=io.BytesIO(b"hi")))
        assert await form.list(remote, Names()) == []
        assert await form.list(remote, Names(), "user_data") == [made]
        await form.delete(remote, made.id)
        assert await form.read(remote, made.id, Names()) is None
        return fields, made

    fields, made = service.tell(story)

    assert made.fields == {
        **{key: fields[key] for key in fields if key != "sha256"},
        "filename": "support",
    }


@pytest.mark.parametrize("count", [1, 3, 30])
def test_attached_files_are_waited_for(service: Service, count: int) -> None:
    """Batches or single ones: in the end each is indexed, and its attributes and chunking are read
    back.
    """
    progress: list[tuple[int, int]] = []

    async def story(remote: Remote) -> Any:
        id, file_ids = await filled(remote, count)
        outcome = await store_files.wait(
            remote, id, file_ids, 20, lambda *now: progress.append(now)
        )
        return file_ids, outcome, await store_files.list_store_files(remote, id)

    file_ids, outcome, held = service.tell(story)

    assert outcome == dict.fromkeys(file_ids)
    assert progress[-1] == (count, count)
    assert set(held) == set(file_ids)
    assert {store_file.sha256 for store_file in held.values()} == {"ff"}
    assert {str(store_file.stamp) for store_file in held.values()} == {OURS["provisioner"]}
    assert all(store_file.attributes == {} for store_file in held.values())
    sent = [body for path, body in service.writes if "/vector_stores/" in path]
    assert len(sent) == 1 and ("files" in sent[0]) == (count > 1)


def test_chunking_is_sent_and_read(service: Service) -> None:
    """Static sizes come back as they were sent, auto as what the service made of it."""
    sizes = {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}

    async def story(remote: Remote) -> Any:
        id, (one, two) = await store(remote), await files(remote, 2)
        await store_files.attach(remote, id, [Attach(one, {"n": 1}, sizes), Attach(two)])
        held = await store_files.list_store_files(remote, id)
        return held[one], held[two]

    one, two = service.tell(story)

    assert (one.chunking, one.attributes) == (sizes, {"n": 1})
    assert two.chunking == {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}


def test_what_is_not_finished_in_time_is_still_in_progress(service: Service) -> None:
    """A deadline is not a failure."""

    async def story(remote: Remote) -> Any:
        id, file_ids = await filled(remote, 2)
        return await store_files.wait(remote, id, file_ids, 0.1)

    assert set(service.tell(story, indexing_seconds=30).values()) == {"in_progress"}


def test_one_refused_file_keeps_no_other_out(service: Service) -> None:
    """The service refuses the whole batch for one extension; we find the one and attach the
    rest.
    """

    async def story(remote: Remote) -> Any:
        id, good, (bad,) = (
            await store(remote),
            await files(remote, 6),
            await files(remote, 1, "csv"),
        )
        wanted = [*good[:4], bad, *good[4:]]
        refused = await store_files.attach(remote, id, [Attach(file) for file in wanted])
        return good, bad, refused, await store_files.wait(remote, id, wanted, 20)

    good, bad, refused, outcome = service.tell(story)

    assert list(refused) == [bad]
    assert "[.csv] are not supported" in refused[bad]
    assert outcome == {**dict.fromkeys(good), bad: "the file is not in the store"}


def test_a_server_without_batches_gets_single_files(service: Service) -> None:
    """A 404 on `file_batches` is not a store that is gone; the oddity is named."""

    def without(method: str, path: str, body: Any) -> Any:
        return (404, {"detail": "Not Found"}) if path.endswith("/file_batches") else body

    async def story(remote: Remote) -> Any:
        id, file_ids = await filled(remote, 5)
        return file_ids, await store_files.list_store_files(remote, id), remote.oddities

    file_ids, held, oddities = service.tell(story, reply=without)

    assert set(held) == set(file_ids)
    assert any("file_batches" in oddity for oddity in oddities)


def test_a_lost_reply_attaches_nothing_twice(service: Service) -> None:
    """The batch was carried out although its reply never came: the store is looked at, nothing is
    sent again.
    """
    lost = 0

    def lose(method: str, path: str, body: Any) -> Any:
        nonlocal lost
        if method == "POST" and path.endswith("/file_batches"):
            lost += 1
            return 500, {}
        return body

    async def story(remote: Remote) -> Any:
        id, file_ids = await filled(remote, 3)
        return file_ids, await store_files.list_store_files(remote, id)

    file_ids, held = service.tell(story, reply=lose)

    assert lost == 1
    assert set(held) == set(file_ids)


def bad_request(method: str, path: str, body: Any) -> Any:
    """400 where the embedded service says 404."""
    return (400, body) if "error" in body else body


@pytest.mark.parametrize("reply", [None, bad_request])
def test_a_store_that_is_gone_has_no_members(service: Service, reply: Any) -> None:
    """Whether the server answers 404 or 400 for the unknown store."""

    async def story(remote: Remote) -> None:
        with pytest.raises(RouteMissing):
            await store_files.list_store_files(remote, "vs_gone")
        with pytest.raises(ServiceError):
            await store_files.attach(remote, "vs_gone", [Attach("file-1"), Attach("file-2")])

    service.tell(story, reply=reply)


def test_attributes_are_replaced_key_by_key(service: Service) -> None:
    """Ours change, removed ones go, and those of somebody else stay."""

    async def story(remote: Remote) -> Any:
        id, (file,) = await store(remote), await files(remote, 1)
        await store_files.attach(remote, id, [Attach(file, {"team": "a", "old": 1, **OURS})])
        path = f"/vector_stores/{id}/files/{file}"
        live = (await remote.get(path))["attributes"]
        await remote.post(path, {"attributes": {**live, "gateway": True}}, repeatable=True)
        return await store_files.update_attributes(remote, id, file, {"team": "b", **OURS}, ["old"])

    store_file = service.tell(story)

    assert store_file.attributes == {"team": "b", "gateway": True}
    assert store_file.sha256 == "ff"


def test_detaching_waits_until_the_file_is_out(service: Service) -> None:
    """The file itself survives; taking it out twice is not an error."""

    async def story(remote: Remote) -> Any:
        id, (file, _) = await filled(remote, 2)
        await store_files.wait(remote, id, [file], 20)
        await store_files.detach(remote, id, file)
        await store_files.detach(remote, id, file)
        return (
            file,
            await store_files.list_store_files(remote, id),
            await remote.find(f"/files/{file}"),
        )

    file, held, alive = service.tell(story)

    assert file not in held and len(held) == 1
    assert alive is not None


def test_a_file_that_stays_for_long_is_named(service: Service) -> None:
    """Some servers take their time; we do not wait for ever."""

    async def story(remote: Remote) -> Any:
        id, (file,) = await filled(remote, 1)
        await store_files.detach(remote, id, file, patience=0.1)
        return remote.oddities

    assert any("for a long time" in oddity for oddity in service.tell(story, behind=_deaf))


def _deaf(inner: Any) -> Any:
    """A service that says yes to every DELETE and does nothing."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] != "DELETE":
            await inner(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    return app


AUTO = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}
REFUSED = "unsupported_file: The file could not be processed: the faults file says so."


@pytest.mark.parametrize("dropped", ["attributes", "chunking_strategy", "last_error", "status"])
def test_what_a_server_leaves_out_is_empty(service: Service, tmp_path: Path, dropped: str) -> None:
    """A terse list is not a crash: what it does not tell of a file is empty, chunking cannot be
    compared, and a file whose state is not told counts as indexed. The rest is as it is.
    """
    faults = tmp_path / "faults.yaml"
    faults.write_text("rules: [{match: {filename: 1.md}, action: {fails: unsupported_file}}]")

    def terse(method: str, path: str, body: Any) -> Any:
        if method == "GET" and path.endswith("/files"):
            body["data"] = [
                {key: row[key] for key in row if key != dropped} for row in body["data"]
            ]
        return body

    async def story(remote: Remote) -> Any:
        id, (good, bad) = await filled(remote, 2)
        await store_files.wait(remote, id, [good, bad], 20)
        held = await store_files.list_store_files(remote, id)
        return held[good], held[bad]

    good, bad = service.tell(story, reply=terse, faults=faults)

    assert good.chunking == ("other" if dropped == "chunking_strategy" else AUTO)
    stamp = None if dropped == "attributes" else Stamp.parse(OURS["provisioner"])
    assert (good.stamp, good.sha256) == (stamp, stamp and "ff")
    assert (good.status, bad.status) == (
        "completed",
        "completed" if dropped == "status" else "failed",
    )
    assert (good.error, bad.error) == (None, None if dropped == "last_error" else REFUSED)
