"""Progress on stderr, a bar on a terminal and plain lines elsewhere; or events on stdout."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from provisioner.cli.console import Console
from provisioner.model import Event

_EVERY = 5.0  # seconds between two plain lines about the same thing
_FRAME = 0.1


@contextmanager
def reporter(console: Console) -> Iterator[Callable[[Event], None]]:
    """What an apply calls for each event."""
    if console.json:
        yield _print_json
    elif console.quiet:
        yield _nothing
    elif sys.stderr.isatty():
        bar = Bar()
        try:
            yield bar
        finally:
            bar.clear()
    else:
        yield Lines()


def _nothing(event: Event) -> None:
    pass


def _print_json(event: Event) -> None:
    from provisioner.views.progress import event_json

    if event.type != "summary":  # the one summary comes last, from what the apply returns
        sys.stdout.write(event_json(event))
        sys.stdout.flush()


class Lines:
    """Plain lines; counts are told at their ends and every few seconds between."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        from provisioner.views.progress import event_line

        if event.type == "progress" and not self._due(event):
            return
        # Failures are told once, as problems, when the apply is over.
        if event.type not in ("failed", *self._silent(event)) and (line := event_line(event)):
            print(line, file=sys.stderr, flush=True)

    def _silent(self, event: Event) -> tuple[str, ...]:
        """Of ten thousand files only the end of each is told."""
        return ("started",) if event.address and event.address.kind == "file" else ()

    def _due(self, event: Event) -> bool:
        key, now = f"{event.address} {event.detail}", time.monotonic()
        due = event.done >= event.total or now - self._told.get(key, -_EVERY) >= _EVERY
        if due:
            self._told[key] = now
        return due


class Bar(Lines):
    """Plain lines above, and one line below them that is drawn again and again."""

    def __init__(self) -> None:
        super().__init__()
        self._began: dict[str, float] = {}
        self._drawn = 0.0
        self._shown = False

    def __call__(self, event: Event) -> None:
        if event.type == "progress" and event.done < event.total:
            self._draw(event)
        else:
            self.clear()
            super().__call__(event)

    def _silent(self, event: Event) -> tuple[str, ...]:
        """The bar counts the files; the plan above has named them."""
        return ("started", "done") if event.address and event.address.kind == "file" else ()

    def _draw(self, event: Event) -> None:
        from provisioner.views.progress import bar_text

        now = time.monotonic()
        began = self._began.setdefault(f"{event.address} {event.detail}", now)
        if now - self._drawn < _FRAME:
            return
        self._drawn, self._shown = now, True
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r\x1b[2K{bar_text(event, now - began)[:width]}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the bar off the screen."""
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._shown = False
