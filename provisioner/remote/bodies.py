"""The bodies of replies: unpacked and read within limits, whatever a service sends."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx2

if TYPE_CHECKING:
    from collections.abc import Iterator

# Bytes of one reply, unpacked: a page of 100 assistants with the longest instructions has 26 MB.
_LARGEST = 128 * 1024**2
_PIECE = 1 << 20
ACCEPTED = "gzip, deflate"  # the library would offer what is not unpacked here
_PACKED = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # how zlib calls them


class BadBody(httpx2.DecodingError):
    """A reply that is not read to its end, however often it may come."""


async def bound(response: httpx2.Response) -> None:
    """See to it that a reply is read within the limit and as UTF-8, which JSON is. For every
    response, redirects and refusals included, before any of its body is read.
    """
    response.encoding = "utf-8"
    packed = response.headers.pop("content-encoding", "identity").strip().lower()
    stream: Any = response.stream
    response.stream = _Bounded(stream, packed)


class _Bounded(httpx2.AsyncByteStream):
    """A body as it comes, unpacked piece by piece."""

    def __init__(self, inner: httpx2.AsyncByteStream, packed: str) -> None:
        self._inner, self._packed = inner, packed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = _LARGEST
        async for piece in _unpacked(self._inner, self._packed):
            left -= len(piece)
            if left < 0:
                raise BadBody(f"it has more than {_LARGEST // 1024**2} MB")
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _unpacked(stream: httpx2.AsyncByteStream, packed: str) -> AsyncIterator[bytes]:
    """A small body may unpack to a very large one: never more than a piece of it is held here."""
    if packed in ("", "identity"):
        async for chunk in stream:
            yield chunk
        return
    if packed not in _PACKED:
        raise BadBody(f"it is packed as `{packed[:40]}`, which was not asked for")
    unpack = _Unpacker(_PACKED[packed])
    async for chunk in stream:
        for piece in unpack.pieces(chunk):
            yield piece
    yield unpack.rest()


class _Unpacker:
    """Gzip and deflate; what calls itself `deflate` often lacks its head."""

    def __init__(self, bits: int) -> None:
        self._object = zlib.decompressobj(bits)
        self._bare = bits == 15

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            yield self._piece(chunk)
            chunk = self._object.unconsumed_tail

    def _piece(self, chunk: bytes) -> bytes:
        try:
            piece = self._object.decompress(chunk, _PIECE)
        except zlib.error as error:
            if not self._bare:
                raise httpx2.DecodingError(f"it cannot be unpacked: {error}") from error
            self._object, self._bare = zlib.decompressobj(-15), False
            return self._piece(chunk)
        self._bare = False
        return piece

    def rest(self) -> bytes:
        try:
            return self._object.flush()
        except zlib.error as error:
            raise httpx2.DecodingError(f"it cannot be unpacked: {error}") from error
