"""What stands between a command and its streams: no secret passes, and no line that GitHub would
obey.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any

from provisioner.masking import forget_secrets, without_secrets

# A runner skips the white space before `::`; the older `##[…]` counts anywhere in a line.
_COMMAND = re.compile(r"((?:^|[\r\n])[^\S\r\n]*):(?=:)")
_LINES = re.compile(r"[\r\n]")
_COLON = r"\x3a"
_OLD_COMMAND = "##["


class Guarded:
    """A text stream whose every line is fit to be seen."""

    def __init__(self, stream: Any, in_job: bool) -> None:
        self._stream, self._in_job = stream, in_job
        self._begun = (
            ""  # of a line that is not finished: nothing yet, a colon, or `…` for anything else
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        shown = without_secrets(text)
        # Without workflow commands: whoever wrote a prompt must not steer the job that prints it.
        if self._in_job and shown:
            begun = self._begun
            if begun == ":" and shown.startswith(":"):
                shown = _COLON + shown[1:]
            line = begun + shown
            last = _LINES.split(line)[-1].lstrip()
            self._begun = last if last in ("", ":") else "…"
            shown = _COMMAND.sub(rf"\1\{_COLON}", line)[len(begun) :]
            shown = shown.replace(_OLD_COMMAND, "\\u0023#[")  # which is the same text in JSON
        self._stream.write(shown)
        return len(text)


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Both streams of this process, guarded while a command runs."""
    forget_secrets()
    before, in_job = (sys.stdout, sys.stderr), bool(os.environ.get("GITHUB_ACTIONS"))
    sys.stdout, sys.stderr = (Guarded(stream, in_job) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


@contextmanager
def aside() -> Iterator[None]:
    """Around code of a workspace: what it prints, and what the programs print that it starts, is
    no result and goes to stderr.
    """
    sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # closed: nobody reads results
        kept = None
    try:
        if kept is not None:
            with suppress(OSError):
                os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        if kept is not None:
            os.dup2(kept, 1)
            os.close(kept)
