"""The bytes of a file on their way to the service: streamed, hashed, and refused if they are not
the planned ones.
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from provisioner import disk
from provisioner.errors import PlanError
from provisioner.model import Problem


class HashingReader:
    """An open file that raises PlanError, naming the file, as soon as it differs from what was
    planned.

    The end of the upload is never sent for changed bytes, so that the service cannot accept them.
    The problem is kept in `problem` as well: a service in the same process may turn the exception
    into a reply of its own.
    """

    def __init__(self, stream: BinaryIO, name: str, sha256: str, size: int) -> None:
        self.problem: PlanError | None = None
        self._stream, self._name, self._sha256, self._size = (
            stream,
            name,
            sha256.removeprefix("sha256:"),
            size,
        )
        self._restart()

    @classmethod
    def open(cls, path: Path, name: str, sha256: str, size: int) -> HashingReader:
        """Open a workspace file; PlanError if it is gone or has another size than planned."""
        try:
            stream = os.fdopen(disk.open_file(path), "rb")
        except OSError as error:
            raise _changed(name, f"it cannot be read: {error.strerror or error}") from None
        reader = cls(stream, name, sha256, size)
        actual = os.fstat(stream.fileno()).st_size
        if actual != size:
            stream.close()
            raise _changed(name, f"it has {actual} bytes instead of {size}")
        return reader

    def read(self, amount: int = -1) -> bytes:
        if self.problem:
            raise self.problem
        try:
            chunk = self._stream.read(amount)
        except OSError as error:
            raise self._refuse(f"it cannot be read: {error.strerror or error}") from None
        self._count += len(chunk)
        self._hash.update(chunk)
        if self._count > self._size:
            raise self._refuse(f"it has more than {self._size} bytes")
        if amount < 0 or not chunk:
            if self._count != self._size:
                raise self._refuse(f"it has {self._count} bytes instead of {self._size}")
            if self._hash.hexdigest() != self._sha256:
                raise self._refuse("its bytes are not the planned ones")
        return chunk

    def verify(self) -> None:
        """Read everything once and go back to the start; PlanError if it is not what was
        planned.
        """
        self.seek(0)
        while self.read(1 << 20):
            pass
        self.seek(0)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Only to the start: a second attempt sends, and hashes, everything again."""
        if (offset, whence) != (0, io.SEEK_SET):
            raise io.UnsupportedOperation("an upload is read from its start")
        self._restart()
        return self._stream.seek(0)

    def fileno(self) -> int:
        return self._stream.fileno()

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> HashingReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _restart(self) -> None:
        self._hash, self._count = hashlib.sha256(), 0

    def _refuse(self, why: str) -> PlanError:
        self.problem = _changed(self._name, why)
        return self.problem


def _changed(name: str, why: str) -> PlanError:
    detail = f"`{name}` changed since the plan: {why}. It was not uploaded."
    return PlanError(Problem("File changed", detail, "plan again", address=f"file.{name}"))
