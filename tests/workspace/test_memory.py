"""What `validate` remembers: an untouched file is not read again, and no problem is ever hidden."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provisioner import digests, engine
from provisioner.digests import KNOWN
from provisioner.workspace import Workspace, memory, sections
from provisioner.workspace.memory import PLACE

COUNT = 60
SPEC = """\
assistants:
  a{number}:
    model: gpt-4o
    instructions: Be brief.
    tools: [{{type: file_search, vector_stores: [kb]}}]
"""
PLAIN = SPEC.format(number=7)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace that was validated, and whose files count as older than they are."""
    monkeypatch.setattr(memory, "FRESH", -(10**9))
    monkeypatch.setattr(digests, "FRESH", -(10**9))
    folder = tmp_path / "specs"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"a{number}.yaml").write_text(SPEC.format(number=number))
    (folder / "kb.yaml").write_text('vector_stores:\n  kb: {files: ["docs/*.md"]}\n')
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A\n")
    assert not engine.validate(tmp_path).problems
    return tmp_path


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the specs that were read."""
    found: list[int] = []
    parse = sections.read_yaml

    def counted(data: bytes) -> object:
        found.append(len(data))
        return parse(data)

    monkeypatch.setattr(sections, "read_yaml", counted)
    return found


def kept(root: Path) -> set[str]:
    return set(json.loads((root / PLACE).read_bytes())["paths"])


def test_an_untouched_file_is_not_read(root: Path, read: list[int]) -> None:
    """Only what has changed, and what hangs on other files."""
    (root / "specs" / "a7.yaml").write_text(PLAIN.replace("brief", "brief and kind"))

    report = engine.validate(root)

    assert (report.problems, report.counts["assistant"]) == ([], COUNT)
    assert len(read) == 2  # the one that was edited, and the store
    assert len(kept(root)) == COUNT


def _write(name: str, text: str) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)

    return write


def _remove(name: str) -> Callable[[Path], None]:
    return lambda root: (root / name).unlink()


_PROD = "environments:\n  local: {service: local}\n  prod: {service: openai, api: agents}\n"
_OLD = "environments:\n  old: {service: openai, api: assistants}\n"


@pytest.mark.parametrize(
    ("change", "summary"),
    [
        (_write("specs/a7.yaml", PLAIN.replace("gpt-4o", "no")), "Wrong type"),
        (_write("specs/a7.yaml", PLAIN + "    top_p: 7\n"), "Value out of range"),
        (_write("specs/b.yaml", PLAIN), "Duplicate name"),
        (_write("specs/b.yaml", "asistants: {}\n"), "Unknown section"),
        (_write("specs/b.yaml", "assistants:\n  b: {model: gpt-4o, tools: [{use: x}]}\n"), None),
        (_write("specs/b.yaml", "assistants: [\n"), None),
        (_remove("specs/kb.yaml"), "Unknown reference"),
        (_write("specs/kb.yaml", "vector_stores:\n  kb: {only: [prod]}\n"), None),
        (_write("specs/kb.yaml", "vector_stores:\n  kb: {id: vs_1}\n"), ""),
        (_remove("docs/a.md"), "Nothing matched"),
        (_write("provisioner.yaml", _PROD), "Not carried by API"),
        (_write("provisioner.yaml", _OLD), "API switched off"),
    ],
)
def test_a_problem_is_never_hidden(
    root: Path, change: Callable[[Path], None], summary: str | None
) -> None:
    """Whatever is changed, the same is found as where nothing is remembered, twice over."""
    change(root)
    whole = engine.validate(root, carrying=True).problems

    for _ in range(2):
        assert engine.validate(root).problems == whole
    found = {one.summary for one in whole}
    assert summary in found if summary else bool(found) is (summary is None)


@pytest.mark.parametrize(
    "said",
    [
        "temperature: 0.5\n    model: o3",  # a warning
        "model: no",
        "model: gpt-4o\n    instructions: {file: docs/a.md}",
        "model: gpt-4o\n    instructions: docs/a.md",
        "model: gpt-4o\n    tools: [{type: code_interpreter, files: [docs/a.csv]}]",
        "model: gpt-4o\n    tools: [{type: file_search, vector_stores: [{id: vs_1}]}]",
        "model: ${environment}",
        "model: gpt-4o\n    only: [local]",
        "model: gpt-4o\n    lifecycle: {protect: true}",
        "model: gpt-4o\n    session: {environment: {template: {id: envtmpl_1}}}",
        "model: gpt-4o\n    api: agents\n    temperature: 0.2",
        'model: gpt-4o\n    metadata: {url: "https://me:secret@host.example"}',
    ],
)
def test_what_hangs_on_more_is_read_again(root: Path, said: str) -> None:
    """Warnings are repeated, and what other files or the environment decide is decided anew."""
    (root / "specs" / "b.yaml").write_text(f"assistants:\n  b:\n    {said}\n")
    (root / "docs" / "a.csv").write_text("a,b\n")
    first = engine.validate(root)
    assert "specs/b.yaml" not in kept(root)
    assert (
        engine.validate(root).problems
        == first.problems
        == engine.validate(root, carrying=True).problems
    )


def test_a_young_file_is_not_remembered(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may change again without its times showing it."""
    monkeypatch.setattr(memory, "FRESH", 10**12)
    (root / "specs" / "a7.yaml").write_text(PLAIN.replace("brief", "kind"))

    engine.validate(root)

    assert kept(root) == {f"specs/a{number}.yaml" for number in range(COUNT) if number != 7}


def test_a_file_written_while_specs_are_read_is_not_remembered(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the reading takes: it may be written again before the clock of the disk moves."""
    monkeypatch.setattr(memory, "FRESH", 0)
    workspace = Workspace.open(root)
    workspace.remember()
    (root / "specs" / "a7.yaml").write_text(PLAIN.replace("brief", "kind"))

    assert not workspace.problems()
    workspace.keep()

    assert kept(root) == {f"specs/a{number}.yaml" for number in range(COUNT) if number != 7}


@pytest.mark.parametrize(
    "broken",
    [b"", b"{", b"[]", b'{"basis": 1}', b"\xff", b'{"basis": [], "paths": 1, "marks": 2}'],
)
def test_a_broken_memory_is_passed_over(root: Path, broken: bytes) -> None:
    """Everything is read again, and kept again."""
    (root / PLACE).write_bytes(broken)
    (root / "specs" / "a7.yaml").write_text(PLAIN.replace("gpt-4o", "no"))

    assert [one.summary for one in engine.validate(root).problems] == ["Wrong type"]
    assert len(kept(root)) == COUNT - 1


def test_a_memory_with_odd_entries(root: Path) -> None:
    """Names, kinds and APIs that nothing has are not believed, nor is what is no text."""
    known = json.loads((root / PLACE).read_bytes())
    odd: list[list[Any]] = [
        ["elephant", "a", "", "m", ""],
        ["assistant", "A B", "", "m", ""],
        ["assistant", "a1", "smoke", "m", "vector_store.kb"],
        ["assistant"],
        ["assistant", ["a1"], "", "m", ""],
        [["assistant"], "a1", "", "m", ""],
    ]
    for one in odd:
        known["told"][1] = one
        (root / PLACE).write_text(json.dumps(known))

        assert engine.validate(root).counts["assistant"] == COUNT


def test_another_release_remembers_nothing(
    root: Path, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is right for one is not for the next."""
    monkeypatch.setattr("provisioner.__version__", "99.0")
    engine.validate(root)
    assert len(read) == COUNT + 1


def test_a_small_workspace_is_left_alone(tmp_path: Path) -> None:
    """Nothing is written where it would save nothing."""
    _write("specs/a.yaml", SPEC.format(number=1).replace("[kb]", "[]"))(tmp_path)
    assert not engine.validate(tmp_path).problems
    assert not (tmp_path / ".provisioner").exists()


def test_a_folder_that_cannot_be_written(root: Path) -> None:
    """A file in the place of our folder is no error."""
    (root / PLACE).unlink()
    (root / ".provisioner" / "cache").rename(root / "gone")
    (root / ".provisioner" / "cache").write_text("")
    assert not engine.validate(root).problems


def test_a_plan_reads_everything(root: Path, read: list[int]) -> None:
    """It needs the fields, and they are not kept."""
    specs = Workspace.open(root).compile("local")
    assert len(read) == COUNT + 1
    assert all(want.fields for want in specs.desired.values())


@pytest.mark.parametrize("name", [PLACE, KNOWN])
def test_what_a_link_leads_to_is_not_written_over(root: Path, name: str) -> None:
    """Whoever sent the workspace does not choose what is lost: the link goes, its file stays."""
    (root / PLACE).unlink()
    (root / name).unlink(missing_ok=True)
    (root / name).symlink_to(root / "docs" / "a.md")
    os.utime(root / "docs" / "a.md", (1, 1))

    assert not engine.validate(root).problems
    assert (root / "docs" / "a.md").read_text() == "# A\n"
    assert not (root / name).is_symlink()
