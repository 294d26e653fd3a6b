"""Pages hold what they promise: links lead somewhere, specs are valid, the session is what the
product prints.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from provisioner.local.faults import load_faults
from provisioner.lock.lockfile import parse
from provisioner.workspace import Workspace
from tests.docs.pages import ROOT, Block, anchors, blocks, links, name, pages, prose
from tests.docs.session import OMITTED, Step, fits, replay, steps

FILES = {
    "docs/handbook/leave.md": "# Leave\n",
    "docs/leave.md": "# Leave\n",
    "docs/drafts/later.md": "# Later\n",
    "checks/answers.py": "",
    "data/prices.csv": "name,price\n",
    "data/sales.csv": "month,total\n",
    "data/targets.csv": "month,total\n",
    "forms/leave.pdf": "%PDF-1.7\n",
    "prompts/support.md": "Be brief.\n",
    "skills/report/SKILL.md": "---\nname: report\ndescription: Writes reports.\n---\n",
    "skills/triage/SKILL.md": "---\nname: triage\ndescription: Sorts mail.\n---\n",
    "prompts/look.md": "Look again.\n",
    "prompts/night.md": "Sort the night.\n",
    "prompts/tone.md": "Be kind.\n",
    "prompts/triage.md": "Sort.\n",
    "specs/data/prices.csv": "name,price\n",
    "specs/handbook/leave.md": "# Leave\n",
    "specs/prompts/support.md": "Be brief.\n",
    "schemas/find_user.json": '{"type": "object", "properties": {"name": {"type": "string"}}}',
}
NEEDED = {
    "vector_stores": {"handbook": {"files": ["docs/handbook/*.md"]}},
    "tools": {"get_weather": {"description": "Current weather"}},
    "assistants": {"triage": {"model": "gpt-5.6", "api": "agents"}},
    "environment_templates": {"box": {"network": {"access": "disabled"}}},
    "vaults": {"keys": {}},
    "skills": {name: {"path": f"skills/{name}"} for name in ("report", "triage")},
}
WORKSPACE = {
    "workspace": "acme-support",
    "variables": {"model": "gpt-4o"},
    "environments": {
        "local": {"service": "local"},
        "staging": {"service": "https://staging.example/v1"},
        "prod": {"service": "openai", "api": "responses"},
    },
}


def problems(root: Path) -> list[str]:
    """Every error of a workspace, in all of its environments."""
    workspace = Workspace.open(root)
    found = [
        problem for name in workspace.environments for problem in workspace.compile(name).problems
    ]
    return [
        f"{problem.summary}: {problem.detail}" for problem in found if problem.severity == "error"
    ]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with the files and names that the pages speak of, and without specs of
    its own.
    """
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    (tmp_path / "provisioner.yaml").write_text(yaml.safe_dump(WORKSPACE), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("block", blocks("yaml spec"), ids=str)
def test_specs_are_valid(block: Block, root: Path) -> None:
    """Every block marked as a spec validates, beside the names that it does not declare itself."""
    declared = yaml.safe_load(block.text)
    rest = {
        section: {k: v for k, v in some.items() if k not in declared.get(section, {})}
        for section, some in NEEDED.items()
    }
    (root / "specs/page.yaml").write_text(block.text, encoding="utf-8")
    (root / "specs/rest.yaml").write_text(yaml.safe_dump(rest), encoding="utf-8")

    assert problems(root) == []


@pytest.mark.parametrize("block", blocks("yaml provisioner.yaml"), ids=str)
def test_workspace_files_are_valid(block: Block, root: Path) -> None:
    """Every block marked as a `provisioner.yaml` validates."""
    (root / "provisioner.yaml").write_text(block.text, encoding="utf-8")

    assert problems(root) == []


@pytest.mark.parametrize("block", blocks("yaml faults"), ids=str)
def test_faults_files_are_read(block: Block, tmp_path: Path) -> None:
    """Every block marked as a faults file is one."""
    (tmp_path / "faults.yaml").write_text(block.text, encoding="utf-8")

    faults = load_faults(tmp_path / "faults.yaml")

    assert faults.requests or faults.indexing


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_locks_are_read(block: Block) -> None:
    """Every JSON block is a lock that the product reads."""
    assert json.loads(block.text)["version"] == 2
    assert parse(block.text, str(block)).resources


def test_there_is_something_to_check() -> None:
    """The marks are spelt as the pages spell them."""
    assert len(blocks("yaml spec")) > 10
    assert len(blocks("yaml provisioner.yaml")) > 2
    assert blocks("yaml faults") and blocks("json")


@pytest.mark.parametrize("page", pages(), ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    """A link within the repository names a file, and a heading of it."""
    broken = []
    for target in links(page):
        path, _, fragment = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        if not other.exists() or (fragment and fragment not in anchors(other)):
            broken.append(target)

    assert broken == []


# Of pull requests that the action opens, and no paths.
BRANCHES = ("provisioner/models", "provisioner/accept-")


@pytest.mark.parametrize("page", pages(), ids=name)
def test_modules_and_targets_exist(page: Path) -> None:
    """Paths of the package and `make` targets that a page names are there."""
    text = prose(page)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"`make ([a-z]+)`", text)
    paths = [
        path
        for path in re.findall(r"`((?:provisioner|tests|schemas|docs)/[\w/.-]+)`", text)
        if "<" not in path and not path.startswith(BRANCHES)
    ]

    assert [target for target in targets if f"\n{target}:" not in makefile] == []
    assert [path for path in paths if not (ROOT / path).exists()] == [
        path for path in paths if path in FILES
    ]


def test_modules_of_the_life_of_a_change_exist() -> None:
    """Each module that the page leads through is where it says."""
    text = prose(ROOT / "docs/life-of-a-change.md")
    layers = "apply|cli|engine|kinds|lock|plan|planfile|remote|views|workspace|yamltext"
    named = re.findall(rf"`((?:{layers})/[a-z_/]+)`", text)

    assert len(named) > 20
    assert [path for path in named if not _is_module(path)] == []


def _is_module(path: str) -> bool:
    found = ROOT / "provisioner" / path
    return found.is_dir() or found.with_suffix(".py").is_file()


def shown() -> list[Step]:
    return steps(next(block.text for block in blocks("console") if block.page == "README.md"))


def test_the_session_is_what_is_printed(tmp_path: Path) -> None:
    """The README shows what the commands print, apart from ids, the order of progress, and lines
    left out.
    """
    wanted = shown()
    printed = replay([step.command for step in wanted], tmp_path)

    assert len(wanted) > 8
    for step, real in zip(wanted, printed, strict=True):
        assert fits(step.output, real.output), f"$ {real.command}\n{real.output}"


def test_another_session_would_be_noticed() -> None:
    """The comparison is not a formality: another line, another order or a missing line does
    not fit.
    """
    output = "Plan: 1 to add.\nhandbook: 0/2 files indexed\nb.x: creating…\na.x: creating…\nDone.\n"

    assert fits("Plan: 1 to add.\na.x: creating…\nb.x: creating…\nDone.\n", output)
    assert fits(f"{OMITTED}\nDone.\n", output)
    assert not fits("Plan: 2 to add.\na.x: creating…\nb.x: creating…\nDone.\n", output)
    assert not fits("Plan: 1 to add.\na.x: creating…\nDone.\n", output)
    assert not fits(f"{OMITTED}\nDone\n", output)
