"""How a run ends that does not succeed: problems, bugs, broken pipes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioner.model import Problem


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a command line, right or wrong, asked for JSON."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return any(
        first in ("--json", "--format=json") or (first, second) == ("--format", "json") for first, second in pairs
    )


def fail(problems: Iterable[Problem], *, as_json: bool, color: bool | None = None, summary: bool = False) -> int:
    """Print problems, as text to stderr or as one JSON document to stdout (the `summary` of a stream of events,
    where there is one), and return the exit code."""
    from provisioner.views.paint import Paint
    from provisioner.views.problems import problems_json, problems_text

    if as_json:
        head = {"type": "summary"} if summary else {}
        print(json.dumps({**head, **problems_json(problems)}, ensure_ascii=False))
    else:
        sys.stderr.write(problems_text(problems, Paint(color_wanted(sys.stderr) if color is None else color)))
    return 1


def color_wanted(stream: object) -> bool:
    """Whether colours are wanted on a stream: a terminal that is not dumb, without NO_COLOR."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty())


def bug(error: BaseException, *, verbose: bool, as_json: bool) -> int:
    """Tell of a fault of our own in one line; its traceback only to who asks."""
    if verbose or os.environ.get("PROVISIONER_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    from provisioner.masking import without_keys

    told = without_keys(str(error).split("\n", 1)[0])
    said = f"{type(error).__name__}: {told}" if told else type(error).__name__
    if as_json:
        from provisioner.model import Problem

        return fail([Problem("This is a bug in provisioner", said, _REPORT)], as_json=True)
    print(f"This is a bug in provisioner: {said} ({_REPORT})", file=sys.stderr)
    return 1


_REPORT = "PROVISIONER_DEBUG=1 shows the traceback for a report"


def broken_pipe() -> int:
    """The reader went away: nothing more can be said, and Python is kept from trying at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
