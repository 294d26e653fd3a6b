"""The entry of the command line; `version` is answered before anything is imported."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line of this process and return its exit code."""
    if sys.argv[1:] in (["version"], ["--version"]):
        from provisioner import __version__

        sys.stdout.write(f"provisioner {__version__}\n")
        return 0
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
    return interrupts.leave(code)


def _run() -> int:
    import gc

    # What a command makes, it keeps to its end: looking for garbage less often saves up to a tenth
    # of a plan.
    gc.set_threshold(20_000, 20, 50)
    from provisioner.cli.app import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
