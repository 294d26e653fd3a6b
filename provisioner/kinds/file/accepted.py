"""Which files the service's tools take: by extension, and how large."""

from __future__ import annotations

from collections.abc import Iterable

MAX_BYTES = 512 * 1024 * 1024

SEARCHABLE = frozenset(
    {
        ".c",
        ".cpp",
        ".cs",
        ".css",
        ".doc",
        ".docx",
        ".go",
        ".html",
        ".java",
        ".js",
        ".json",
        ".md",
        ".pdf",
        ".php",
        ".pptx",
        ".py",
        ".rb",
        ".sh",
        ".tex",
        ".ts",
        ".txt",
    }
)
"""What file_search indexes; it refuses anything else."""

RUNNABLE = (SEARCHABLE - {".go"}) | frozenset(
    {".csv", ".gif", ".jpeg", ".jpg", ".pkl", ".png", ".tar", ".xlsx", ".xml", ".zip"}
)
"""What the code interpreter is known to take; the list is not enforced everywhere."""

_TEXT = frozenset(
    {
        ".csv",
        ".h",
        ".hpp",
        ".ini",
        ".log",
        ".markdown",
        ".mdx",
        ".org",
        ".rst",
        ".rtf",
        ".svg",
        ".toml",
        ".tsv",
        ".xml",
        ".yaml",
        ".yml",
    }
)


def extension(path: str) -> str:
    """`.md` of `docs/a.MD`; empty for none."""
    name = path.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if dot and stem else ""


def unaccepted(paths: Iterable[str], accepted: frozenset[str]) -> dict[str, list[str]]:
    """The paths whose extension is not accepted, by extension."""
    found: dict[str, list[str]] = {}
    for path in paths:
        suffix = extension(path)
        if suffix not in accepted:
            found.setdefault(suffix, []).append(path)
    return found


def in_capitals(paths: Iterable[str]) -> dict[str, list[str]]:
    """The paths whose extension is not in small letters, by extension."""
    found: dict[str, list[str]] = {}
    for path in paths:
        suffix = path.rpartition("/")[2].rpartition(".")[2]
        if suffix != suffix.lower():
            found.setdefault(suffix, []).append(path)
    return found


def counted(suffix: str, paths: list[str]) -> str:
    """`docs/a.csv` or `docs/a.csv` and 11 more `.csv` files, for a message."""
    more = len(paths) - 1
    kind = f"`{suffix}` files" if suffix else "files without an extension"
    return f"`{paths[0]}`" if not more else f"`{paths[0]}` and {more} more {kind}"


def remedy(suffix: str) -> str:
    """What to do with a file that file_search does not take."""
    if suffix in (".csv", ".tsv", ".xlsx"):
        return "convert it to `.md` or `.json`, or give it to `code_interpreter`"
    if suffix in _TEXT or not suffix:
        return "save it as `.md` or `.txt`"
    return f"convert it to one of {' '.join(sorted(SEARCHABLE))}"
