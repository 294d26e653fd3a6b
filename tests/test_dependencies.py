"""What is imported is declared, what is declared is pinned, and what is installed for a newcomer is
what is pinned.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import hatchling.build as hatchling
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
RUN = PROJECT["project"]["dependencies"]
BUILD = PROJECT["dependency-groups"]["build"]
DEV = [*RUN, *BUILD, *EXTRAS["dev"], *EXTRAS["browser"], *EXTRAS["import"]]
OURS = {"provisioner", "tests", "scripts", "benchmarks"}
PIN = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;]+)(?: ; [^\\]+)?(?P<hashes>(?:"
    r" --hash=sha256:[0-9a-f]{64})+)"
)


def names(requirements: Iterable[str]) -> set[str]:
    return {canonicalize_name(Requirement(one).name) for one in requirements}


def imported(*folders: str) -> set[str]:
    """The distributions that modules below some folders import, whatever for."""
    roots = {
        name.partition(".")[0]
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        for name in _imports(ast.parse(path.read_text(encoding="utf-8")))
    }
    homes = packages_distributions()
    foreign = roots - OURS - set(sys.stdlib_module_names)
    return {canonicalize_name(home) for root in foreign for home in homes.get(root, [root])}


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
        elif isinstance(node, ast.Call) and _called(node.func) in ("import_module", "importorskip"):
            named = node.args[0]
            if isinstance(named, ast.Constant):
                yield str(named.value)


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def pins(file: str) -> dict[str, set[str]]:
    """Name → versions: more than one where they differ from one Python or system to another."""
    found: dict[str, set[str]] = {}
    for line in _lines(file):
        pin = PIN.fullmatch(line)
        assert pin, f"{file}: `{line}` is not a version with its hashes"
        found.setdefault(canonicalize_name(pin["name"]), set()).add(pin["version"])
    return found


def _lines(file: str) -> list[str]:
    text = (ROOT / "requirements" / file).read_text(encoding="utf-8")
    stated = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return re.sub(r" \\\n +", " ", stated).splitlines()


def test_what_the_tool_imports_is_declared() -> None:
    """A dependency of a dependency may go away; and nothing is declared that is not used."""
    assert imported("provisioner") == names([*RUN, *EXTRAS["import"]])


@pytest.mark.thorough
def test_what_the_tests_import_is_declared() -> None:
    """The same for what is needed to work on it."""
    assert imported("tests", "scripts", "benchmarks") <= names(DEV)


@pytest.mark.parametrize(("file", "declared"), [("run.txt", [*RUN, *BUILD]), ("dev.txt", DEV)])
def test_what_is_declared_is_pinned(file: str, declared: list[str]) -> None:
    """Each file has only versions and hashes, no index address, and each version is one that is
    allowed.
    """
    found = pins(file)
    for one in map(Requirement, declared):
        versions = found.get(canonicalize_name(one.name), set())
        assert versions, f"{one.name} is not in requirements/{file}: run `make lock`"
        assert all(one.specifier.contains(version) for version in versions), (
            f"{one} is not {versions}: run `make lock`"
        )


def test_the_demo_and_the_tests_have_the_same_versions() -> None:
    """What the tests ran with is what somebody runs."""
    dev = pins("dev.txt")
    assert {name: dev.get(name) for name in pins("run.txt")} == pins("run.txt")


def test_what_builds_it_is_pinned_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without build isolation needs what an isolated one would fetch."""
    monkeypatch.chdir(ROOT)
    needed = [
        *hatchling.get_requires_for_build_wheel(),
        *hatchling.get_requires_for_build_editable(),
    ]

    assert names(PROJECT["build-system"]["requires"]) | names(needed) == names(BUILD)
    assert set(PROJECT["build-system"]["requires"]) <= set(BUILD)


def test_nothing_is_installed_that_is_not_pinned() -> None:
    """What the targets of newcomers and of CI would run: hashes for everything from an index."""
    targets = ["demo", "test", "lint", "actionlint"]
    planned = subprocess.run(
        ["make", "-n", "-B", *targets], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    steps = [line for line in planned.splitlines() if re.search(r"\b(pip|npm|npx|uv|pipx)\b", line)]

    assert len(steps) == 4
    for step in steps:
        ours = "--no-deps --no-build-isolation --editable ." in step
        assert ours or re.search(
            r"--require-hashes --requirement requirements/\w+\.txt$|npm ci ", step
        ), step
    script = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    assert [line.split()[:2] for line in script if " install" in line] == [
        ["DEBIAN_FRONTEND=noninteractive", "apt-get"]
    ]
