"""The entry of the command line; `version` is answered before anything is imported."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself would take as long as `version` may
    from typing import Any, NoReturn


def main() -> int:
    """Run the command line of this process and return its exit code."""
    if sys.stdout is None or sys.stderr is None:
        _let_nobody_hear()
    if sys.argv[1:] in (["version"], ["--version"]):
        return _tell_version()
    from provisioner import interrupts

    interrupts.watch()
    try:
        try:
            code = _run()
        finally:
            interrupts.ignore()  # where an interrupt may come as well, before it is done
    except KeyboardInterrupt:
        interrupts.ignore()
        code = interrupts.CODE
    return code


def _tell_version() -> int:
    from provisioner import __version__

    try:
        sys.stdout.write(f"provisioner {__version__}\n")
        sys.stdout.flush()
    except OSError as error:
        from provisioner.cli.streams import no_results

        return no_results(error)
    return 0


def _let_nobody_hear() -> None:
    """Where a stream was closed (`>&-`), what is said there is said to nobody. Without this the
    next file that is opened would be the stream of the programs that a command starts.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - open to the end


def _buffered(stream: Any) -> Any:
    """The same stream, by lines where PYTHONUNBUFFERED wants no buffer: without one, Python takes
    for written what a full disk has taken half of.
    """
    raw = getattr(stream, "buffer", None)
    if not isinstance(raw, io.RawIOBase):
        return stream
    # The descriptor stays the first stream's to close.
    whole = io.BufferedWriter(io.FileIO(raw.fileno(), "w", closefd=False))
    return io.TextIOWrapper(whole, stream.encoding, stream.errors, line_buffering=True)


def _run() -> int:
    from provisioner.cli.app import run

    return run(sys.argv[1:])


def process() -> NoReturn:
    """Run the command line and end the process without taking apart what is in memory, which takes
    a tenth of the time of most commands. Threads that are still at work are waited for, except
    after an interrupt.
    """
    import gc

    # What a command makes, it keeps to its end: looking for garbage less often saves up to a tenth
    # of a plan, and a twentieth of the start of a command, which makes some 40,000 objects.
    gc.set_threshold(100_000, 10, 50)
    sys.stdout, sys.stderr = _buffered(sys.stdout), _buffered(sys.stderr)
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # said already, or nobody there to hear it
            stream.flush()
    if _threads_at_work():
        sys.exit(code)
    atexit._run_exitfuncs()
    os._exit(code)


def _threads_at_work() -> bool:
    if "threading" not in sys.modules or sys.modules["threading"].active_count() == 1:
        return False
    return not sys.modules["provisioner.interrupts"].met()


if __name__ == "__main__":
    process()
