"""Owns the reading of a multipart form: its one file goes to disk as it arrives, its fields stay in
memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

from .errors import bad

LONGEST_FIELD = 1 << 20


@dataclass
class MultipartForm:
    """`size` counts every byte of the file that arrived; only the first `most` of them are
    on disk.
    """

    fields: dict[str, str] = field(default_factory=dict)
    file_field: str | None = None
    filename: str = ""
    size: int = 0


class _Parts:
    """The parser's callbacks: it tells of headers and data in pieces, and this puts them
    together.
    """

    def __init__(self, out: BinaryIO, most: int) -> None:
        self.form = MultipartForm()
        self._out, self._most = out, most
        self._header, self._value = bytearray(), bytearray()
        self._disposition = b""
        self._name, self._is_file = "", False
        self._text = bytearray()

    def on_part_begin(self) -> None:
        self._disposition, self._is_file = b"", False
        self._text.clear()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def on_headers_finished(self) -> None:
        from python_multipart.multipart import parse_options_header

        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            self._is_file = True
            self.form.file_field = self._name
            self.form.filename = _base_name(options[b"filename"])

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if not self._is_file:
            self._text += data[start:end]
            if len(self._text) > LONGEST_FIELD:
                raise bad("A field of the form is too long.", self._name)
            return
        # What is over the limit is read to its end, so that the client hears the refusal, but not
        # kept.
        if self.form.size < self._most:
            self._out.write(data[start:end])
        self.form.size += end - start

    def on_part_end(self) -> None:
        if not self._is_file:
            self.form.fields[self._name] = self._text.decode("utf-8", "replace")


def _base_name(raw: bytes) -> str:
    """Clients escape quotes and line breaks in a filename as percent codes, and nothing else."""
    name = raw.decode("utf-8", "replace")
    for code in ("%22", "%0D", "%0A"):
        name = name.replace(code, unquote(code))
    return name.replace("\\", "/").rsplit("/", 1)[-1]


async def receive(
    content_type: str, stream: AsyncIterator[bytes], target: Path, most: int
) -> MultipartForm:
    """Read the whole form; the file's bytes are in `target` afterwards."""
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise bad(
            "Could not parse multipart form: expected the content type multipart/form-data with a"
            " boundary."
        )
    with target.open("wb") as out:
        parts = _Parts(out, most)
        names = (
            "part_begin",
            "part_data",
            "part_end",
            "header_field",
            "header_value",
            "header_end",
            "headers_finished",
        )
        callbacks: Any = {f"on_{name}": getattr(parts, f"on_{name}") for name in names}
        try:
            # Refuses a boundary that is too long.
            parser = MultipartParser(options[b"boundary"], callbacks)
            async for chunk in stream:
                parser.write(chunk)
            parser.finalize()
        except FormParserError as error:
            raise bad(f"Could not parse multipart form: {error}") from error
    return parts.form
