"""Owns turning the bytes of a file into text, and the two ways in which that fails."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

MOST_TOKENS = 5_000_000
CHARACTERS_PER_TOKEN = 4

# How the formats that are not text begin. A text file that begins so is not what its name says.
MAGIC = (
    b"%PDF-",
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0",
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"\x1f\x8b",
    b"\x7fELF",
)


class Unparsable(Exception):
    """`code` and `message` as they stand in the `last_error` of a store's file."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def _invalid(why: str = "") -> Unparsable:
    return Unparsable("invalid_file", f"The file could not be parsed{why}.")


def parse_text(path: Path, filename: str) -> str:
    """The text of a file, chosen by its name's extension; raises Unparsable."""
    read = READERS.get(PurePosixPath(filename).suffix.lower(), _read_text)
    try:
        text = read(path)
    except Unparsable:
        raise
    except Exception as error:  # whatever a parser stumbles over is the file's problem
        raise _invalid() from error
    if not text.strip():
        raise _invalid(" because it is empty")
    if len(text) > MOST_TOKENS * CHARACTERS_PER_TOKEN:
        raise _invalid(" because it is too large")
    return text


def _read_text(path: Path) -> str:
    # One character takes up to four bytes, so a longer file is too large however it is encoded.
    if path.stat().st_size > MOST_TOKENS * CHARACTERS_PER_TOKEN * 4:
        raise _invalid(" because it is too large")
    data = path.read_bytes()
    if data.startswith(MAGIC):
        raise Unparsable("unsupported_file", "The file type is not supported.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    if b"\0" in data:
        raise Unparsable("unsupported_file", "The file type is not supported.")
    return data.decode("utf-8-sig")


class _Visible(HTMLParser):
    """Collects what a reader of the page would see."""

    HIDDEN = ("script", "style", "head")

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in self.HIDDEN

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in self.HIDDEN and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.words.append(data.strip())


def _read_html(path: Path) -> str:
    page = _Visible()
    page.feed(_read_text(path))
    page.close()
    return "\n".join(page.words)


def _paragraphs(xml: bytes) -> str:
    """Office documents keep text in elements `t` within paragraphs `p`, whatever the namespace."""
    lines: list[str] = []
    for element in ElementTree.fromstring(xml).iter():
        tag = element.tag.rsplit("}", 1)[-1]
        if tag == "p":
            lines.append("")
        elif tag == "t" and lines:
            lines[-1] += element.text or ""
    return "\n".join(line for line in lines if line)


def _read_docx(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return _paragraphs(archive.read("word/document.xml"))


def _read_pptx(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        slides = [
            name for name in archive.namelist() if re.fullmatch(r"ppt/slides/slide\d+\.xml", name)
        ]
        slides.sort(key=lambda name: int(re.sub(r"\D", "", name)))
        if not slides:
            raise _invalid()
        return "\n".join(_paragraphs(archive.read(name)) for name in slides)


def _read_doc(path: Path) -> str:
    """The old binary format: what can be known without a parser are its runs of UTF-16 or Latin
    characters.
    """
    data = path.read_bytes()
    if not data.startswith(b"\xd0\xcf\x11\xe0"):
        raise _invalid()
    wide = [run.decode("utf-16-le") for run in re.findall(rb"(?:[\x20-\x7e\xa0-\xff]\0){8,}", data)]
    narrow = [run.decode("latin-1") for run in re.findall(rb"[\x20-\x7e\xa0-\xff]{16,}", data)]
    return "\n".join(wide + narrow)


def _read_pdf(path: Path) -> str:
    with path.open("rb") as file:
        if not file.read(1024).lstrip().startswith(b"%PDF-"):
            raise _invalid()
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        return "\n".join(page.extract_text() for page in PdfReader(path).pages)
    except PyPdfError as error:
        raise _invalid() from error


READERS: dict[str, Callable[[Path], str]] = {
    ".html": _read_html,
    ".docx": _read_docx,
    ".pptx": _read_pptx,
    ".doc": _read_doc,
    ".pdf": _read_pdf,
}


TOKEN = re.compile(r"\w+|[^\w\s]")


def count_tokens(text: str) -> int:
    """A word or a sign counts as one, which is near enough."""
    return sum(1 for _ in TOKEN.finditer(text))


def text_chunks(text: str, size: int, overlap: int) -> list[str]:
    """Cut text into chunks of so many tokens."""
    spans = [match.span() for match in TOKEN.finditer(text)]
    step = size - overlap
    # A last chunk that would only repeat the overlap of the one before it is left out.
    starts = range(0, max(len(spans) - overlap, 1), step)
    return (
        [text[spans[start][0] : spans[min(start + size, len(spans)) - 1][1]] for start in starts]
        if spans
        else []
    )
