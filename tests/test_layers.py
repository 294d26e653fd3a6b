"""The house: imports point downward only, only the command line prints, and tests stand with their
room.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "provisioner"
LAYERS = [
    {"records"},
    {"model"},
    {"disk", "interrupts", "jsontext", "masking", "shapes"},
    {"text"},
    {"errors", "refs", "diff", "digests"},
    {"remote"},
    {"kinds"},
    {"lock", "yamltext"},
    {"workspace", "plan"},
    {"planfile", "importing"},
    {"apply", "conversation"},
    {"engine"},
    {"views", "templates"},
    {"schemas"},
    {"cli"},
    {"__main__"},
]
APART = {
    "local",
    "loading",
}  # the embedded service shares no code; the library needs the standard library alone
ACROSS = {  # tests of no single room: whole stories, and what stands beside the package
    "action",
    "benchmarks",
    "browser",
    "crash",
    "docs",
    "e2e",
    "fuzz",
    "record",
    "releases",
    "scenarios",
    "stories",
    "support",
}
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py"))


def place(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> list[str]:
    """What a module imports, by the whole name; what only types need is left out."""
    return list(_imports(parsed(path)))


def _imports(tree: ast.Module) -> Iterator[str]:
    skipped = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "provisioner" and len(parts) > 1 else None


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downward(path: Path) -> None:
    """A module imports from its own folder or from a lower layer, and every folder has a layer."""
    here = place(path)
    if here in APART or here == "__init__":
        return
    assert here in LEVEL, f"`{here}` has no layer"
    for name in imports(path):
        there = ours(name)
        if there in LEVEL and there != here:
            assert LEVEL[there] < LEVEL[here], f"{path.name} imports {name}"


def test_the_embedded_service_shares_no_code() -> None:
    """A misunderstanding must not cancel out: `local` imports nothing of ours, and only one place
    imports it.
    """
    for path in modules():
        found = {ours(name) for name in imports(path)}
        if place(path) == "local":
            assert found <= {None, "local"}, path
        elif "local" in found:
            assert path.relative_to(ROOT).as_posix() in {"engine/context.py", "cli/local.py"}


@pytest.mark.parametrize(
    ("package", "owners"),
    [
        ("openai", {"remote", "conversation"}),
        ("h11", {"remote"}),
        ("httpx2", {"remote", "local"}),
        ("yaml", {"yamltext", "workspace", "local", "loading", "views"}),
        ("deepdiff", {"diff"}),
        ("typer", {"cli", "reference"}),
        ("jinja2", {"views"}),
    ],
)
def test_a_package_has_its_owner(package: str, owners: set[str]) -> None:
    """What is heavy, or what could leak everywhere, is imported in one place."""
    users = {
        place(path)
        for path in modules()
        if any(name.split(".")[0] == package for name in imports(path))
    }
    assert users <= owners


def test_dataclasses_are_ours() -> None:
    """Built by the standard library they would cost every command its start."""
    for path in modules():
        if place(path) not in ("local", "records"):
            assert "dataclasses.dataclass" not in set(imports(path)), path


def test_only_the_command_line_prints() -> None:
    """Everything else returns strings."""
    for path in modules():
        if place(path) in ("cli", "generate", "local", "__main__"):
            continue
        calls = {
            node.func.id
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "print" not in calls, path


def test_test_folders_mirror_the_rooms() -> None:
    """Tests of a room stand in a folder of its name, so that a stranger finds them."""
    rooms = {place(path) for path in modules()}
    here = Path(__file__).parent
    folders = {path.parent.relative_to(here).parts[0] for path in here.glob("*/**/*.py")}
    alone = {path.stem.removeprefix("test_") for path in here.glob("test_*.py")}
    assert folders - rooms == ACROSS
    assert alone - rooms == {"dependencies", "layers", "mutants", "shell_mutants"}
