"""The bodies of replies: unpacked and read within limits, whatever a service sends."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

# Bytes of one reply, unpacked: a page of 100 assistants with the longest instructions has 26 MB.
_LARGEST = 128 * 1024**2
_PIECE = 1 << 20
ACCEPTED = "gzip, deflate"  # the library would offer what is not unpacked here
PACKED = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # how zlib calls them


class BadBody(Exception):
    """A reply that is not read to its end, however often it may come."""


class Unpackable(Exception):
    """A reply that has become something else on its way."""


def check_size(size: int) -> None:
    """BadBody for a body of more bytes than any has."""
    if size > _LARGEST:
        raise BadBody(f"it has more than {_LARGEST // 1024**2} MB")


def how_packed(said: str) -> str:
    """What a `content-encoding` says: a name in PACKED, or nothing; BadBody for any other."""
    packed = said.strip().lower()
    if packed in ("", "identity"):
        return ""
    if packed not in PACKED:
        raise BadBody(f"it is packed as `{packed[:40]}`, which was not asked for")
    return packed


def unpacked(data: bytes, said: str) -> bytes:
    """A whole body, by its `content-encoding`."""
    packed = how_packed(said)
    if not packed:
        return data
    unpack, found, size = Unpacker(PACKED[packed]), list[bytes](), 0
    for piece in unpack.pieces(data):
        size += len(piece)
        check_size(size)
        found.append(piece)
    return b"".join([*found, unpack.rest()])


class Unpacker:
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
                raise Unpackable(f"it cannot be unpacked: {error}") from error
            self._object, self._bare = zlib.decompressobj(-15), False
            return self._piece(chunk)
        self._bare = False
        return piece

    def rest(self) -> bytes:
        try:
            return self._object.flush()
        except zlib.error as error:
            raise Unpackable(f"it cannot be unpacked: {error}") from error
