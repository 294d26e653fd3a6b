"""Every sample of `docs/runtime` runs, in Python and in TypeScript, and prints what its page shows."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.local import create_app
from tests.docs.pages import ROOT, Block, blocks
from tests.e2e.serving import served
from tests.support.running import run_here
from tests.support.typescript import compiled, prepared, printed

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
APIS = ("assistants", "responses")
FOLDER = "docs/runtime/"
MARK = "=== next page ==="
LEAVE = "# Leave\n\nEverybody has 27 vacation days a year.\n"


def of_pages(info: str) -> dict[str, Block]:
    """Page → its block of that kind, of which it has one."""
    found = [block for block in blocks(info) if block.page.startswith(FOLDER)]
    assert len({block.page for block in found}) == len(found)
    return {block.page.removeprefix(FOLDER).removesuffix(".md"): block for block in found}


PAGES = sorted(of_pages("text assistants"))
(SPEC,) = [block for block in blocks("yaml spec") if block.page == f"{FOLDER}README.md"]


def start(language: str) -> str:
    return of_pages(f"{language} start")["README"].text


def said_by(program: str, where: str) -> str:
    """What a sample in Python prints, behind what every sample begins with."""
    said = io.StringIO()
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(said):
        exec(compile(start("python") + program, where, "exec"), names)
    names["client"].close()
    return said.getvalue()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the service keeps."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def url(data: Path) -> Iterator[str]:
    with served(create_app(data, indexing_seconds=0, run_seconds=0.01)) as url:
        yield url


@pytest.fixture(scope="module", params=APIS)
def applied(
    request: pytest.FixtureRequest, url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """An API, and a workspace whose `prod` was applied through it."""
    api = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "any")
        patch.setenv("OPENAI_BASE_URL", url)
        yield api, applied_there(tmp_path_factory.mktemp(api), url, api, SPEC.text)


def applied_there(folder: Path, url: str, api: str, spec: str) -> Path:
    """A workspace whose `prod` was applied through an API."""
    prod = {"service": url, "api": api, "settling": 0}
    setting = {"workspace": api, "environments": {"prod": prod}}
    files = {
        "provisioner.yaml": yaml.safe_dump(setting),
        "specs/support.yaml": spec,
        "docs/handbook/leave.md": LEAVE,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "any")
        patch.setenv("OPENAI_BASE_URL", url)
        done = run_here(["-C", str(folder), "apply", "-y"])
        assert done.code == 0, done.out + done.err
    return folder


@pytest.fixture(scope="module")
def told(applied: tuple[str, Path], url: str) -> dict[str, str]:
    """What the TypeScript of each page prints; all of it is compiled and run in one go."""
    api, workspace = applied
    folder = prepared(workspace)
    resources = run_here(["-C", str(folder), "output", "-e", "prod", "--format", "ts"]).out
    (folder / "resources.ts").write_text(resources, encoding="utf-8")
    main = ""
    for page, block in of_pages(f"ts {api}").items():
        program = f"{start('ts')}{block.text}\nexport {{}};\n"
        (folder / f"{page}.ts").write_text(program, encoding="utf-8")
        main += f'console.log("{MARK}{page}");\nawait import("./{page}.js");\n'
    (folder / "main.ts").write_text(f"{main}export {{}};\n", encoding="utf-8")
    assert compiled(folder, "main.ts", emit=True) == ""
    parts = [part.partition("\n") for part in printed(folder, "main.js", url).split(MARK)[1:]]
    return {page: said for page, _, said in parts}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.sampled(3)
def test_the_python_of_a_page_prints_what_it_shows(
    applied: tuple[str, Path], page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against what was applied, without an id in it."""
    api, folder = applied
    block = of_pages(f"python {api}")[page]
    monkeypatch.chdir(folder)

    assert said_by(block.text, str(block)) == of_pages(f"text {api}")[page].text


@pytest.fixture(scope="module")
def agents(url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose `prod` has the agent of the page on sessions."""
    (spec,) = [block for block in blocks("yaml spec") if block.page == f"{FOLDER}sessions.md"]
    return applied_there(tmp_path_factory.mktemp("agents"), url, "agents", spec.text)


def test_the_sample_of_sessions_prints_what_it_shows(
    agents: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what `load` gives of a saved agent."""
    monkeypatch.chdir(agents)
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    block = of_pages("python agents")["sessions"]
    assert (
        f"{said_by(block.text, str(block)).rstrip()}\n" == of_pages("text agents")["sessions"].text
    )


def test_waiting_has_an_end(
    applied: tuple[str, Path], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The samples of polling cancel what takes too long."""
    api, folder = applied
    block = of_pages(f"python {api}")["polling"]
    hurried = re.sub(r"\b60(\.0)?\b", "0.1", block.text)
    assert hurried != block.text
    rule = {"match": {"path": "/(runs|responses)$"}, "action": {"run": "stays"}}
    faults = tmp_path / "faults.yaml"
    faults.write_text(yaml.safe_dump({"rules": [rule]}), encoding="utf-8")
    monkeypatch.chdir(folder)
    with served(create_app(data, faults=faults)) as url:
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        assert said_by(hurried, str(block)) == "cancelled None\n"


@pytest.mark.thorough
@pytest.mark.parametrize("page", PAGES)
def test_the_typescript_of_a_page_prints_what_it_shows(
    applied: tuple[str, Path], told: dict[str, str], page: str
) -> None:
    """The same as the Python of it."""
    assert told[page] == of_pages(f"text {applied[0]}")[page].text


def test_every_page_has_every_sample() -> None:
    """In both languages and for both APIs, with what it prints."""
    pages = {path.stem for path in (ROOT / FOLDER).glob("*.md")} - {"README", "sessions"}

    for language in ("python", "ts", "text"):
        for api in APIS:
            assert set(of_pages(f"{language} {api}")) == pages
