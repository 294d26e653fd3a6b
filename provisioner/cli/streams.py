"""What stands between a command and its streams: no secret passes, no line that GitHub would obey,
and no result is lost unsaid.
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


class ResultsLost(Exception):
    """stdout does not take what a command has to say: its disk is full, or its reader went away. It
    is no `OSError`, which whoever was about to write may take for one of the file at hand.
    """

    def __init__(self, why: OSError) -> None:
        super().__init__(str(why))
        self.why = why


class Guarded:
    """A text stream whose every line is fit to be seen. `messages`: what it does not take is let
    go.
    """

    def __init__(self, stream: Any, in_job: bool, *, messages: bool = False) -> None:
        self._stream, self._in_job, self._messages = stream, in_job, messages
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
        try:
            self._stream.write(shown)
        except OSError as error:
            self._not_taken(error)
        return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._not_taken(error)

    def _not_taken(self, error: OSError) -> None:
        if not self._messages:
            raise ResultsLost(error) from None


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Both streams of this process, guarded while a command runs."""
    forget_secrets()
    before, in_job = (sys.stdout, sys.stderr), bool(os.environ.get("GITHUB_ACTIONS"))
    sys.stdout = Guarded(sys.stdout, in_job)
    sys.stderr = Guarded(sys.stderr, in_job, messages=True)
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


def no_results(why: OSError) -> int:
    """The exit code where stdout takes nothing more: why is said, unless its reader went away.
    Python is kept from trying once more at its end.
    """
    with suppress(OSError, ValueError):  # a stream of another program's making
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    if isinstance(why, BrokenPipeError):
        return 1
    from provisioner.cli.console import fail  # `--help` does without it
    from provisioner.model import Problem

    reason = (why.strerror or type(why).__name__).lower()
    hint = "make room there, or send it elsewhere"
    if isinstance(why, BlockingIOError):
        hint = "its reader is too slow for a pipe that does not wait: send it to a file"
    detail = f"stdout does not take what there is to say: {reason}."
    with suppress(OSError):  # `version` says it without a guard
        fail([Problem("Results lost", detail, hint)], as_json=False)
    return 1
