"""Indexing: it takes a moment, it reads each kind of file, and a failure is the file's alone."""

from __future__ import annotations

import io
import random
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import openai
import pytest

from provisioner.local.parsing import Unparsable, parse_text, text_chunks


def office(**parts: str) -> bytes:
    """An Office document: parts by name, with `_` for `/` and the namespace left out."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, xml in parts.items():
            archive.writestr(name.replace("_", "/") + ".xml", xml)
    return out.getvalue()


WORD = (
    '<w:d xmlns:w="w"><w:p><w:r><w:t>Twenty-seven</w:t></w:r><w:r><w:t>'
    " days</w:t></w:r></w:p><w:p/></w:d>"
)


def pdf(text: str) -> bytes:
    """The smallest document with a page that says this."""
    drawing = f"BT /F 12 Tf 10 10 Td ({text}) Tj ET"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        (
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F 5"
            " 0 R>>>>>>"
        ),
        f"<</Length {len(drawing)}>>stream\n{drawing}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, offsets = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj{body}endobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    return (
        f"{out}xref\n0 6\n0000000000 65535 f \n{table}trailer<</Root 1 0 R/Size"
        f" 6>>\nstartxref\n{len(out)}\n%%EOF"
    ).encode()


PDF = pdf("Twenty-seven days")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.md", b"Twenty-seven days"),
        ("a.txt", "\ufeffTwenty-seven days".encode()),
        ("a.txt", "Twenty-seven days".encode("utf-16")),
        ("A.HTML", b"<style>no</style><p>Twenty-seven days</p>"),
        ("a.docx", office(word_document=WORD)),
        ("a.pptx", office(ppt_slides_slide1=WORD)),
        ("a.pdf", PDF),
        (
            "a.doc",
            b"\xd0\xcf\x11\xe0" + b"\0" * 20 + "Twenty-seven days".encode("utf-16-le") + b"\1",
        ),
    ],
    ids=["md", "utf-8 with mark", "utf-16", "html", "docx", "pptx", "pdf", "doc"],
)
def test_text_is_read_out_of_each_kind(tmp_path: Path, name: str, content: bytes) -> None:
    """Whatever the format, the words are found."""
    path = tmp_path / "blob"
    path.write_bytes(content)
    assert parse_text(path, name).strip() == "Twenty-seven days"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.pdf", b"no pdf", "invalid_file"),
        ("a.pdf", b"%PDF-1.4 broken", "invalid_file"),
        ("a.docx", b"no zip", "invalid_file"),
        ("a.docx", office(other="<a/>"), "invalid_file"),
        ("a.pptx", office(other="<a/>"), "invalid_file"),
        ("a.docx", office(word_document="<broken"), "invalid_file"),
        ("a.doc", b"no document", "invalid_file"),
        ("a.txt", b"caf\xe9", "invalid_file"),
        ("a.md", b" \n ", "invalid_file"),
        ("a.txt", b"\x89PNG\r\n", "unsupported_file"),
        ("a.md", PDF, "unsupported_file"),
        ("a.txt", b"a\0b", "unsupported_file"),
    ],
    ids=[
        "no pdf",
        "half a pdf",
        "no zip",
        "no document in a zip",
        "no slides in a zip",
        "half a document",
        "no old document",
        "latin-1",
        "white space",
        "a picture as text",
        "a pdf as text",
        "zeros in text",
    ],
)
def test_what_cannot_be_read_fails_with_its_code(
    tmp_path: Path, name: str, content: bytes, code: str
) -> None:
    """A broken file is invalid; a file that is not of its extension's kind is unsupported."""
    path = tmp_path / "blob"
    path.write_bytes(content)
    with pytest.raises(Unparsable) as failure:
        parse_text(path, name)
    assert failure.value.code == code


def deflated() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", WORD * 3)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content"), [("a.docx", deflated()), ("a.pdf", PDF), ("a.html", b"<p>x</p><!--y-->")]
)
def test_a_damaged_file_fails_and_nothing_else(tmp_path: Path, name: str, content: bytes) -> None:
    """Whatever bytes are wrong, the file is read or is invalid: no parser's own error gets out."""
    choose, path = random.Random(3), tmp_path / "blob"
    codes = set()
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(choose.randint(1, 4)):
            damaged[choose.randrange(len(damaged))] = choose.randrange(256)
        path.write_bytes(damaged)
        try:
            parse_text(path, name)
        except Unparsable as failure:
            codes.add(failure.code)
    assert codes <= {"invalid_file", "unsupported_file"}


def test_a_failure_is_the_files_alone(tell: Any, clock: Any) -> None:
    """The request succeeded; the file says what is wrong, the store counts it, and the others are
    indexed.
    """

    async def story(client: openai.AsyncOpenAI) -> None:
        bad = await client.files.create(file=("bad.pdf", b"no pdf"), purpose="assistants")
        good = await client.files.create(file=("good.md", b"text"), purpose="assistants")
        store = await client.vector_stores.create(name="kb", file_ids=[bad.id, good.id])
        clock.tick(1)
        failed = await client.vector_stores.files.retrieve(bad.id, vector_store_id=store.id)
        assert (failed.status, failed.usage_bytes) == ("failed", 0)
        assert failed.last_error is not None
        assert failed.last_error.model_dump() == {
            "code": "invalid_file",
            "message": "The file could not be parsed.",
        }
        store = await client.vector_stores.retrieve(store.id)
        assert (store.status, store.file_counts.failed, store.file_counts.completed) == (
            "completed",
            1,
            1,
        )
        assert (
            await client.vector_stores.files.content(bad.id, vector_store_id=store.id)
        ).data == []

    tell(story)


def test_a_failed_file_can_be_attached_again(tell: Any, clock: Any) -> None:
    """Attaching what failed queues it anew, with what is said now."""

    async def story(client: openai.AsyncOpenAI) -> None:
        bad = await client.files.create(file=("bad.pdf", b"no pdf"), purpose="assistants")
        store = await client.vector_stores.create(name="kb", file_ids=[bad.id])
        clock.tick(1)
        await client.vector_stores.files.retrieve(bad.id, vector_store_id=store.id)
        again = await client.vector_stores.files.create(
            store.id, file_id=bad.id, attributes={"try": 2}
        )
        assert (again.status, again.last_error, again.attributes) == (
            "in_progress",
            None,
            {"try": 2},
        )
        assert (await client.vector_stores.retrieve(store.id)).file_counts.in_progress == 1

    tell(story)


def test_a_parser_that_breaks_keeps_nobody_else_waiting(
    tell: Any, clock: Any, monkeypatch: Any, caplog: Any
) -> None:
    """An unforeseen exception becomes the file's server_error, and the rest of the queue
    goes on.
    """
    from provisioner.local import indexing

    def broken(path: Path, filename: str) -> str:
        if filename == "bad.md":
            raise RecursionError
        return parse_text(path, filename)

    monkeypatch.setattr(indexing, "parse_text", broken)

    async def story(client: openai.AsyncOpenAI) -> None:
        ids = [
            (await client.files.create(file=(name, b"text"), purpose="assistants")).id
            for name in ("bad.md", "ok.md")
        ]
        store = await client.vector_stores.create(name="kb", file_ids=ids)
        clock.tick(1)
        failed = await client.vector_stores.files.retrieve(ids[0], vector_store_id=store.id)
        assert failed.last_error is not None and failed.last_error.code == "server_error"
        assert (await client.vector_stores.retrieve(store.id)).file_counts.completed == 1

    tell(story)
    assert "bad.md" in caplog.text


def test_chunks_overlap_and_cover_everything() -> None:
    """Each chunk has the size asked for, begins before the last one ended, and no word is lost."""
    words = [f"w{number}" for number in range(250)]
    cut = [chunk.split() for chunk in text_chunks(" ".join(words), 100, 50)]
    assert [len(chunk) for chunk in cut] == [100, 100, 100, 100]
    assert all(before[50:] == after[:50] for before, after in pairwise(cut))
    assert cut[-1][-1] == "w249"
    assert text_chunks("one two", 100, 50) == ["one two"]
