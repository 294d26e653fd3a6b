"""`python -m scripts.generate`: writes every generated file of the repository, or tells which are
stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def files() -> dict[str, str]:
    """Every generated file: its path in the repository, and what it has to say."""
    from provisioner import schemas
    from scripts import reference

    made = {f"schemas/{name}": schemas.render(schema()) for name, schema in schemas.FILES.items()}
    return {**made, **reference.pages()}


def stale(root: Path) -> Iterator[str]:
    """The paths of generated files that are missing or say something else."""
    for name, text in files().items():
        path = root / name
        if not path.is_file() or path.read_bytes() != text.encode():
            yield name


def write(root: Path) -> list[str]:
    """Write what is stale; the paths written."""
    wanted, written = files(), list(stale(root))
    for name in written:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wanted[name].encode())
    return written


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Run one command line; 1 for stale files and for wrong usage."""
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write("usage: python -m scripts.generate [--check]\n")
        return 1
    if not (root / "pyproject.toml").is_file():
        sys.stderr.write(
            f"{root} is not a checkout of this repository: there is nothing to generate.\n"
        )
        return 1
    if arguments:
        return _report(list(stale(root)))
    sys.stdout.write("".join(f"{name}\n" for name in write(root)))
    return 0


def _report(names: list[str]) -> int:
    if names:
        said = "".join(f"  {name}\n" for name in names)
        sys.stderr.write(f"Generated files are stale; run `make generate` and commit them:\n{said}")
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
