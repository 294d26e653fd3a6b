"""A pattern stands for files only where it names exactly these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.importing.patterns import folded
from provisioner.workspace.contents import Contents
from provisioner.workspace.tree import Tree

MANY = [f"{at:02}.md" for at in range(12)]


def below(folder: str, names: list[str] = MANY) -> list[str]:
    return [f"{folder}/{name}" for name in names]


def write(root: Path, paths: list[str]) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x")


def read(root: Path, entries: list[Any]) -> dict[str, Any]:
    """The files that entries name, as a spec reads them, with their settings."""
    contents = Contents(root)
    found: dict[str, Any] = {}
    for entry in entries:
        one = {"path": entry} if isinstance(entry, str) else dict(entry)
        exclude = [path.replace("$${", "${") for path in one.pop("exclude", [])]
        for path in contents.glob(one.pop("path").replace("$${", "${"), exclude):
            assert path not in found
            found[path] = one
    return found


@pytest.mark.parametrize(
    ("members", "others", "wanted"),
    [
        (below("docs"), [], ["docs/*.md"]),
        (below("docs"), ["docs/deeper/a.md", "docs/a.txt", "other.md"], ["docs/*.md"]),
        (below("docs/a") + below("docs/b"), [], ["docs/**/*.md"]),
        (below("docs/a") + below("docs/b"), below("docs/c"), ["docs/a/*.md", "docs/b/*.md"]),
        (below("docs"), ["docs/no.md"], [{"path": "docs/*.md", "exclude": ["docs/no.md"]}]),
        (below("docs"), ["docs/no.md", "docs/nor.md"], below("docs")),
        (below("docs"), ["docs/[no].md"], below("docs")),
        (below("docs", MANY[:9]), [], below("docs", MANY[:9])),
        (below("a") + below("b"), [], ["a/*.md", "b/*.md"]),
        (MANY, [], MANY),
        (below("specs/docs"), [], below("specs/docs")),
        (below("docs [1]"), [], below("docs [1]")),
        (below("${x}"), [], ["$${x}/*.md"]),
        (below("docs", [*MANY, ".hidden.md"]), [], ["docs/*.md", "docs/.hidden.md"]),
        (below("docs", [f"{name}.txt" for name in MANY] + MANY), [], ["docs/*.md", "docs/*.txt"]),
    ],
)
def test_a_pattern(
    tmp_path: Path, members: list[str], others: list[str], wanted: list[Any]
) -> None:
    """What a spec reads from the pattern are the members, whatever else lies there."""
    write(tmp_path, [*members, *others])
    entries = folded(Tree(tmp_path), members)
    assert sorted(entries, key=str) == sorted(wanted, key=str)
    if all("[" not in path for path in (*members, *others)):
        assert read(tmp_path, entries) == {path: {} for path in members}


def test_settings(tmp_path: Path) -> None:
    """What has others is apart from the rest; what is known by its id stays."""
    members = below("docs")
    write(tmp_path, members)
    attributes = {"attributes": {"team": "hr"}}
    entries = [{"path": path, **attributes} for path in members[1:]]
    entries += [{"path": members[0], "attributes": {"team": "it"}}, {"id": "file-1"}]
    found = folded(Tree(tmp_path), entries)
    pattern = {"path": "docs/*.md", "exclude": [members[0]], **attributes}
    assert sorted(found, key=str) == sorted([*entries[-2:], pattern], key=str)
