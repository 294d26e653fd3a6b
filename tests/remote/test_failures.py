from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from typing import Any

import pytest
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from provisioner.errors import (
    NotFound,
    QuotaExceeded,
    Refused,
    ReplyLost,
    RouteMissing,
    ServiceError,
)
from provisioner.remote import Remote, Retries
from provisioner.remote.exchange import Exchange
from provisioner.remote.wire import Target

OK = (200, {"id": "asst_1"})
BUSY = (
    429,
    {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}},
)
BROKEN = (500, {"error": {"message": "The server had an error", "type": "server_error"}})


async def read(remote: Remote) -> Any:
    return await remote.get("/assistants/asst_1")


async def create(remote: Remote) -> Any:
    return await remote.post("/assistants", {"model": "m"})


async def change(remote: Remote) -> Any:
    return await remote.post("/assistants/asst_1", {"model": "m"}, repeatable=True)


async def everything(remote: Remote) -> Any:
    return await remote.list("/assistants")


@pytest.mark.parametrize("story", [read, change])
@pytest.mark.parametrize("failure", [BUSY, BROKEN, (503, {}), (408, {})])
def test_what_does_no_harm_twice_is_sent_again(scripted: Any, story: Any, failure: Any) -> None:
    """A read or an update gets its answer although the first two attempts failed."""
    service = scripted(failure, failure, OK)

    assert service.tell(story) == {"id": "asst_1"}
    assert len(service.requests) == 3


def test_a_throttled_create_is_sent_again(scripted: Any) -> None:
    """429 says that nothing was carried out, so that even a create may be repeated."""
    service = scripted(BUSY, OK)

    assert service.tell(create) == {"id": "asst_1"}
    assert len(service.requests) == 2


@pytest.mark.parametrize(
    "failure", [BROKEN, (502, {}), (408, {}), (200, {"no": "id"}), PlainTextResponse("fine")]
)
def test_a_create_that_may_have_been_carried_out_is_lost(scripted: Any, failure: Any) -> None:
    """The caller has to look for the object: one request, and ReplyLost."""
    service = scripted(failure)

    with pytest.raises(ReplyLost) as lost:
        service.tell(create)

    assert len(service.requests) == 1
    assert "`POST http://odd/v1/assistants`" in lost.value.problems[0].detail


def test_retry_after_is_honoured(scripted: Any) -> None:
    """The service says how long to wait, and that is how long we wait, give or take the jitter."""
    service = scripted((*BUSY, {"retry-after": "7"}), (*BUSY, {"retry-after-ms": "1500"}), OK)

    service.tell(read)

    assert 7 <= service.waits.seconds[0] < 8
    assert 1.5 <= service.waits.seconds[1] < 2.5


def test_waits_grow(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the service names no time, each wait may be twice as long as the one before, up to a
    limit, and anything from nothing to that: many clients that failed together do not return
    together.
    """
    lowest: list[float] = []

    def longest(low: float, high: float) -> float:
        lowest.append(low)
        return high

    monkeypatch.setattr("random.uniform", longest)
    service = scripted(*[BUSY] * 7, OK)

    service.tell(read)

    assert service.waits.seconds == [0.5, 1, 2, 4, 8, 8, 8]
    assert set(lowest) == {0}


def test_a_wait_beyond_the_limit_is_not_begun(scripted: Any) -> None:
    """An hour is not waited for: the problem says what the service asked."""
    service = scripted((*BUSY, {"retry-after": "3600"}))

    with pytest.raises(ServiceError) as stopped:
        service.tell(read)

    assert service.waits.seconds == []
    assert "3600 seconds" in stopped.value.problems[0].detail
    assert stopped.value.problems[0].summary == "Too many requests"


@pytest.mark.parametrize(
    "code", ["insufficient_quota", "credit_balance_exhausted", "project_spend_limit_exceeded"]
)
def test_quota_is_final_at_once(scripted: Any, code: str) -> None:
    """No waiting cures an empty account."""
    service = scripted(
        (429, {"error": {"message": "You ran out of credit", "type": "x", "code": code}})
    )

    with pytest.raises(QuotaExceeded, match="You ran out of credit"):
        service.tell(read)

    assert len(service.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_shows_the_services_words(scripted: Any, status: int) -> None:
    """The service knows best why it refuses."""
    service = scripted((status, {"error": {"message": "Incorrect API key provided: sk-ab***yz"}}))

    with pytest.raises(Refused, match="Incorrect API key provided"):
        service.tell(read)


def test_404_on_an_id_is_not_404_on_a_route(scripted: Any) -> None:
    """An id that is gone, an API that is gone, and a nested collection are three different
    things.
    """
    service = scripted((404, {"error": {"message": "No assistant found with id 'asst_1'."}}))

    with pytest.raises(NotFound):
        service.tell(read)
    with pytest.raises(RouteMissing):
        service.tell(everything)
    with pytest.raises(RouteMissing, match="Either `vs_1` is gone"):
        service.tell(lambda remote: remote.list("/vector_stores/vs_1/files"))


def test_the_end_of_the_assistants_api_is_explained(scripted: Any) -> None:
    """OpenAI answers 404 with nothing useful; the problem names the shutdown and the two living
    APIs.
    """
    service = scripted(Response(status_code=404))

    with pytest.raises(RouteMissing) as gone:
        service.tell(create)

    problem = gone.value.problems[0]
    assert "2026-08-26" in (problem.hint or "")
    assert "`api: responses`" in (problem.hint or "") and "`api: agents`" in (problem.hint or "")


def test_a_page_of_html_is_not_a_reply(scripted: Any) -> None:
    """A base URL without `/v1` usually brings a web page."""
    service = scripted(HTMLResponse("<html><body>Welcome</body></html>"))

    with pytest.raises(ServiceError) as odd:
        service.tell(read)

    assert "<html><body>Welcome" in odd.value.problems[0].detail
    assert "/v1" in (odd.value.problems[0].hint or "")


def test_a_cut_off_reply_is_read_again(scripted: Any) -> None:
    """Half a JSON object may be whole the next time."""
    service = scripted(Response('{"id": "asst', media_type="application/json"), OK)

    assert service.tell(read) == {"id": "asst_1"}


@pytest.mark.parametrize(
    "body", ["just text", ["a", "list"], {"error": "words"}, {"error": {"message": {"a": 1}}}, None]
)
def test_any_error_body_becomes_a_problem(scripted: Any, body: Any) -> None:
    """Servers put anything into the body of an error."""
    with pytest.raises(ServiceError) as refused:
        scripted((400, body)).tell(read)

    assert refused.value.status == 400
    assert refused.value.problems[0].summary == "Request refused"


def test_an_error_behind_200_is_an_error(scripted: Any) -> None:
    """Some gateways answer 200 whatever happened."""
    with pytest.raises(ServiceError, match="model is overloaded"):
        scripted((200, {"error": {"message": "model is overloaded"}})).tell(read)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_success_is_a_success(scripted: Any, status: int) -> None:
    """Whether a create answers 200 or 201 is nobody's concern."""
    assert scripted((status, {"id": "asst_1"})).tell(create) == {"id": "asst_1"}


@pytest.mark.parametrize(
    "answer", [Response(status_code=204), (404, {"error": {"message": "gone"}}), (200, {})]
)
def test_deleting_what_is_not_there_succeeds(scripted: Any, answer: Any) -> None:
    """404 on delete is success, and so is a reply without a body."""
    scripted(answer).tell(lambda remote: remote.delete("/assistants/asst_1"))


def test_a_create_that_was_redirected_into_a_read_fails(scripted: Any) -> None:
    """302 turns a POST into a GET: its list must not be taken for the created object."""
    service = scripted(
        RedirectResponse("/v2/assistants", 302), (200, {"object": "list", "data": []})
    )

    with pytest.raises(ServiceError) as moved:
        service.tell(create)

    assert moved.value.problems[0].summary == "Moved elsewhere"
    assert "/v2/assistants" in (moved.value.problems[0].hint or "")


@pytest.mark.parametrize("status", [300, 304])
def test_a_redirect_that_leads_nowhere_fails(scripted: Any, status: int) -> None:
    """What is neither a success nor names another address is not a reply."""
    with pytest.raises(ServiceError) as moved:
        scripted(Response(status_code=status)).tell(read)

    assert moved.value.problems[0].summary == "Moved elsewhere"


def test_400_for_an_unknown_id_counts_as_gone_only_with_proof(scripted: Any) -> None:
    """An id that the complete list does not hold is gone, and the oddity is named; one that it
    holds is not.
    """
    bad, listed = (
        (400, {"error": {"message": "invalid id"}}),
        (200, {"data": [{"id": "asst_2"}], "has_more": False}),
    )
    service = scripted(bad, listed, bad)

    async def story(remote: Remote) -> set[str]:
        assert await remote.find("/assistants/asst_1") is None
        with pytest.raises(ServiceError, match="invalid id"):
            await remote.find("/assistants/asst_2")
        return remote.oddities

    assert service.tell(story) == {
        "`/assistants` answers 400 instead of 404 for an id that it does not know."
    }


def test_each_beta_has_its_header(scripted: Any) -> None:
    """Assistants, stores, agents and vaults are in one; files are not."""
    service = scripted((200, {"data": [], "has_more": False}))

    async def story(remote: Remote) -> None:
        for path in ("/assistants", "/vector_stores", "/agents", "/vaults", "/files"):
            await remote.list(path)

    service.tell(story)

    assert [headers.get("openai-beta") for headers in service.headers] == [
        "assistants=v2",
        "assistants=v2",
        "agents=v1",
        "agents=v1",
        None,
    ]


def test_the_surroundings_do_not_choose_the_organization(
    scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the workspace does not say is not taken from the SDK's environment variables."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-elsewhere")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj_elsewhere")
    service = scripted((*OK, {"openai-organization": "org-mine"}))

    async def story(remote: Remote) -> Any:
        await read(remote)
        return dict(remote.seen)

    assert service.tell(story) == {"organization": "org-mine"}
    assert (
        "openai-organization" not in service.headers[0]
        and "openai-project" not in service.headers[0]
    )


def test_a_missing_key_is_one_clear_problem_before_any_import() -> None:
    """Neither a connection nor the SDK is needed to say that the key is missing."""
    code = (
        "import sys\nfrom provisioner.remote import Remote\nfrom provisioner.errors import"
        " Refused\ntry:\n    Remote.open('https://api.openai.com/v1', None,"
        " api_key_env='KEY_PROD')\nexcept Refused as error:\n    print(error)\nprint('openai' in"
        " sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert "API key missing" in said and "`KEY_PROD`" in said
    assert said.endswith("False\n")


@pytest.mark.parametrize("key", ["sk-a b", "sk-ä", "sk-a\nb"])
def test_a_malformed_key_is_refused_without_being_shown(key: str) -> None:
    """A key with a line break in it would fail deep inside the client."""
    with pytest.raises(Refused) as refused:
        Remote.open("https://api.openai.com/v1", key)

    assert key not in str(refused.value)


def test_a_service_that_is_only_read(scripted: Any) -> None:
    """Whatever is not a GET never leaves: asking for it is a fault of ours, not of the user."""
    service = scripted(OK)

    async def story(remote: Remote) -> None:
        assert await read(remote) == {"id": "asst_1"}
        for write in (create(remote), change(remote), remote.delete("/assistants/asst_1")):
            with pytest.raises(AssertionError, match="while only reading"):
                await write

    service.tell(story, read_only=True)
    assert [method for method, _ in service.requests] == ["GET"]


@pytest.mark.parametrize(
    ("headers", "pace"),
    [({}, None), ({"openai-poll-after-ms": "1500"}, 1.5), ({"openai-poll-after-ms": "soon"}, None)],
)
def test_how_soon_to_ask_again(scripted: Any, headers: dict[str, str], pace: float | None) -> None:
    """A service may say when it wants to be asked again."""
    service = scripted((*OK, headers))
    assert service.tell(lambda remote: remote.poll("/vector_stores/vs_1/file_batches/b")) == (
        {"id": "b"},
        pace,
    )


def test_what_is_good_to_know_is_asked_once(scripted: Any) -> None:
    """A glance takes whatever comes, and is not worth a second request."""
    service = scripted(BUSY)
    with pytest.raises(ServiceError):
        service.tell(lambda remote: remote.glance("/models"))
    assert len(service.requests) == 1
    assert scripted((200, ["anything"])).tell(lambda remote: remote.glance("/models")) == [
        "anything"
    ]
    with pytest.raises(ServiceError, match="where a JSON object was expected"):
        scripted(PlainTextResponse("fine")).tell(lambda remote: remote.glance("/models"))


def test_numbers_as_text_are_read_and_named(scripted: Any) -> None:
    """In one object and in a list, and the oddity is reported."""
    item = {"id": "vs_1", "created_at": "12"}
    service = scripted((200, item), (200, {"data": [item], "has_more": False}))

    async def story(remote: Remote) -> Any:
        return (
            await remote.get("/vector_stores/vs_1"),
            await remote.list("/vector_stores"),
            remote.oddities,
        )

    one, listed, oddities = service.tell(story)
    assert one == listed[0] == {"id": "vs_1", "created_at": 12}
    assert oddities == {"`/vector_stores` shows numbers as text; they are read as numbers."}


def test_numbers_are_read_before_anything_is_made_of_an_object(scripted: Any) -> None:
    """Whoever has a list made into something else is given what every other one is."""
    service = scripted((200, {"data": [{"id": "file-1", "bytes": "52"}], "has_more": False}))

    async def run() -> Any:
        async with service.remote() as remote:
            return await remote.made("/files", lambda item: item["bytes"]), remote.oddities

    found, oddities = asyncio.run(run())
    assert found == {"file-1": 52}
    assert oddities == {"`/files` shows numbers as text; they are read as numbers."}


@pytest.mark.parametrize(("status", "odd"), [(200, False), (201, True), (202, False)])
def test_a_create_with_another_status(scripted: Any, status: int, odd: bool) -> None:
    """What creates is answered with 200 or 202; another success is a success, and odd."""

    async def story(remote: Remote) -> set[str]:
        await create(remote)
        return remote.oddities

    note = f"What creates is answered with {status} instead of 200."
    assert scripted((status, {"id": "asst_1"})).tell(story) == ({note} if odd else set())


def test_an_object_may_have_a_field_named_error(scripted: Any) -> None:
    """An object with an id is one, whatever else it says; a list or a text is none."""
    item = {"id": "asst_1", "error": {"message": "an old one"}}
    assert scripted((200, item)).tell(read) == item
    assert scripted((200, {"error": None})).tell(read) == {"error": None, "id": "asst_1"}
    for body in (["a"], "a"):
        with pytest.raises(ServiceError, match="where a JSON object was expected"):
            scripted((200, body)).tell(read)


def test_waits_are_told(scripted: Any) -> None:
    """Each repetition is reported with its reason."""
    service, reported = scripted(BUSY, OK), list[str]()

    async def story(remote: Remote) -> None:
        remote.tell_waits(reported.append)
        await read(remote)

    service.tell(story)
    (line,) = reported
    assert line.startswith(
        "to send GET /assistants/asst_1 again: `GET http://odd/v1/assistants/asst_1` answered 429"
    )


def test_400_for_a_listed_id_after_a_delete(scripted: Any) -> None:
    """What was deleted, or made, since the list was read is not taken for what the list says."""
    bad = (400, {"error": {"message": "invalid id"}})
    listed = (200, {"data": [{"id": "asst_1"}], "has_more": False})
    service = scripted(
        listed,
        (200, {"id": "asst_1", "deleted": True}),
        bad,
        (200, {"id": "asst_2"}),
        bad,
        listed,
        bad,
    )

    async def story(remote: Remote) -> None:
        await remote.list("/assistants")
        await remote.delete("/assistants/asst_1")
        assert await remote.find("/assistants/asst_1") is None
        await create(remote)
        with pytest.raises(ServiceError, match="invalid id"):
            await remote.find("/assistants/asst_1")

    service.tell(story)
    assert [path.partition("?")[0] for _, path in service.requests].count("/assistants") == 3


@pytest.mark.parametrize("status", [401, 500])
def test_another_failure_does_not_mean_gone(scripted: Any, status: int) -> None:
    """Only 404, or 400 with proof, says that an id is gone."""
    service = scripted((status, {}))
    with pytest.raises(ServiceError):
        service.tell(lambda remote: remote.find("/assistants/asst_1"))
    assert {path for _, path in service.requests} == {"/assistants/asst_1"}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://me:secret@host:8080/v1/", "http://host:8080/v1"),
        ("https://host/v1?key=secret#x", "https://host/v1"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address: str, shown: str) -> None:
    """Neither a password nor a query of the base URL is in any message."""
    place = Exchange(Target(address, "k"), Retries(), print).place("GET", "/files")
    assert str(place) == f"`GET {shown}/files`"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def _serve(answer: bytes, key: str, story: Any) -> Any:
    """A raw server that sends some bytes and hangs up."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async def nothing(seconds: float) -> None:
        return

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with (
        server,
        Remote.open(f"http://127.0.0.1:{port}/v1", key, retries=Retries(sleep=nothing)) as remote,
    ):
        return await story(remote)


HALF = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"id": '


@pytest.mark.parametrize("answer", [b"", HALF])
def test_a_connection_closed_before_the_end_of_the_reply(answer: bytes) -> None:
    """A read fails with a problem, a create is lost; neither crashes."""
    with pytest.raises(ServiceError) as failed:
        asyncio.run(_serve(answer, "sk-key", read))
    assert failed.value.problems[0].summary == "Service failing"

    with pytest.raises(ReplyLost):
        asyncio.run(_serve(answer, "sk-key", create))


def test_no_error_shows_the_key() -> None:
    """A server that repeats the key in its message does not get it into our output."""
    body = b'{"error": {"message": "wrong key sk-very-secret-key given"}}'
    answer = (
        b"HTTP/1.1 401 No\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
        % (len(body), body)
    )

    with pytest.raises(Refused) as refused:
        asyncio.run(_serve(answer, "sk-very-secret-key", read))

    assert "sk-very-secret-key" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert "wrong key … given" in str(refused.value)


def test_a_service_that_is_not_there() -> None:
    """Nothing listens: the problem says where, without the password of the address."""

    async def run() -> None:
        async with Remote.open(
            f"http://me:secret@127.0.0.1:{_free_port()}/v1", "k", retries=Retries(base=0)
        ) as remote:
            await create(remote)

    with pytest.raises(ServiceError) as failed:
        asyncio.run(run())

    assert failed.value.problems[0].summary == "Service unreachable"
    assert "secret" not in str(failed.value)


def test_an_address_that_is_none() -> None:
    """A base URL without a scheme is a problem, not a traceback."""

    async def run() -> None:
        async with Remote.open("localhost:8484/v1", "k", retries=Retries(base=0)) as remote:
            await read(remote)

    with pytest.raises(ServiceError):
        asyncio.run(run())


SECRET = "sk-very-secret-0123456789"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 401 No\r\nx-request-id: req %s\r\n\r\n{}",
        b"HTTP/1.1 500 No\r\ncontent-type: text/html\r\n\r\n<html><body>Your key %s</body></html>",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<html><body>Welcome, %s</body></html>",
        (
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id:"
            b' %s\r\n\r\n{"error": "%s"}'
        ),
        b"HTTP/1.1 302 Found\r\nlocation: https://login.example/?from=%s\r\n\r\n",
        b"HTTP/1.1 429 Slow\r\nretry-after: 0\r\nx-request-id: %s\r\n\r\n%s",
    ],
)
def test_no_part_of_a_reply_shows_the_key(answer: bytes) -> None:
    """Wherever a service repeats the key, in a page, a header or where an object should be: it is
    masked.
    """
    assert b"%s" in answer
    for story in (read, create):
        with pytest.raises(ServiceError) as failed:
            asyncio.run(_serve(answer.replace(b"%s", SECRET.encode()), SECRET, story))
        assert SECRET not in f"{failed.value} {failed.value.request_id} {failed.value.problems}"


def test_whose_key_it_is_is_not_learnt_from_the_key() -> None:
    """What a service says of the key's organization goes into the lock; the key itself must not."""

    async def seen(remote: Remote) -> Any:
        await read(remote)
        return dict(remote.seen)

    head = (
        b"HTTP/1.1 200 OK\r\nopenai-project: proj_1\r\nopenai-organization: %s\r\ncontent-length:"
        b" 2\r\n\r\n{}"
    )
    assert asyncio.run(_serve(head % SECRET.encode(), SECRET, seen)) == {"project": "proj_1"}
    assert asyncio.run(_serve(head % b"org-1", SECRET, seen)) == {
        "project": "proj_1",
        "organization": "org-1",
    }


def _redirected(location: str, story: Any) -> tuple[list[bytes], Any]:
    """Runs a story against a server that answers the first request with a redirect; `PORT` in it is
    its own port. Gives the heads of all requests.
    """
    heads: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        port = str(writer.get_extra_info("sockname")[1])
        body = b'{"id": "asst_1"}'
        first = (
            f"HTTP/1.1 307 Moved\r\nlocation: {location.replace('PORT', port)}\r\ncontent-length:"
            " 0\r\n\r\n".encode()
        )
        other = (
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
            % (len(body), body)
        )
        writer.write(first if len(heads) == 1 else other)
        await writer.drain()
        writer.close()

    async def run() -> Any:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, Remote.open(f"http://127.0.0.1:{port}/v1", SECRET) as remote:
            return await story(remote)

    try:
        return heads, asyncio.run(run())
    except ServiceError as error:
        return heads, error.problems[0].summary


@pytest.mark.parametrize("story", [read, create])
@pytest.mark.parametrize("location", ["/v2/x", "http://127.0.0.1:PORT/v2/x"])
def test_a_redirect_on_the_same_host_is_followed(location: str, story: Any) -> None:
    """A service may have moved on its own host."""
    heads, found = _redirected(location, story)
    assert found == {"id": "asst_1"} and len(heads) == 2 and SECRET.encode() in heads[1]


@pytest.mark.parametrize("story", [read, create])
@pytest.mark.parametrize(
    "location",
    ["http://localhost:PORT/v1/x", "//localhost:PORT/x", "http://127.0.0.1:1/x", "http://[::1/"],
)
def test_a_redirect_to_another_host_is_not_followed(location: str, story: Any) -> None:
    """Neither the key nor what was to be written goes to whoever a reply names."""
    heads, found = _redirected(location, story)
    assert found == "Moved elsewhere" and len(heads) == 1
