"""Paths, patterns and contents of the files that specs name."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import pytest

from provisioner.digests import hash_file
from provisioner.model import Address
from tests.workspace.conftest import only

FILES = {
    "docs/a.md": "a",
    "docs/b.txt": "b",
    "docs/x/c.md": "c",
    "docs/x/y/d.md": "d",
    "docs/.hidden.md": "h",
    "docs/.dir/e.md": "e",
    "docs/[1].md": "1",
    "docs/A.md": "A",
    ".provisioner/cache.md": "no",
}


def matched(write, *entries: object) -> list[str]:
    workspace = write(
        FILES | {"specs/a.yaml": json.dumps({"vector_stores": {"kb": {"files": entries}}})}
    )
    specs = workspace.compile("local")
    assert specs.problems == []
    return list(specs.desired[Address("vector_store", "kb")].fields["files"])


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("docs/a.md", ["docs/a.md"]),
        ("./docs//x/../a.md", ["docs/a.md"]),
        ("docs/*.md", ["docs/A.md", "docs/[1].md", "docs/a.md"]),
        ("docs/**/*.md", ["docs/A.md", "docs/[1].md", "docs/a.md", "docs/x/c.md", "docs/x/y/d.md"]),
        ("**/c.md", ["docs/x/c.md"]),
        ("docs/x/**", ["docs/x/c.md", "docs/x/y/d.md"]),
        ("docs/*/*.md", ["docs/x/c.md"]),
        ("docs/[ab].md", ["docs/a.md"]),
        ("docs/[!a].md", ["docs/A.md"]),
        ("docs/[1].md", ["docs/[1].md"]),
        ("docs/?.md", ["docs/A.md", "docs/a.md"]),
        ("docs/.*.md", ["docs/.hidden.md"]),
        ("docs/.dir/*.md", ["docs/.dir/e.md"]),
    ],
)
def test_patterns(write, pattern, expected):
    """`**` is any folders, names are case-sensitive and sorted, hidden ones match only if spelt
    out.
    """
    assert matched(write, pattern) == expected


def test_exclude(write):
    """What `exclude` matches is left out."""
    entry = {"path": "docs/**/*.md", "exclude": ["docs/x/**", "docs/[[]1].md", "docs/A.md"]}
    assert matched(write, entry) == ["docs/a.md"]


def test_names_are_nfc(write):
    """A name that the disk spells decomposed has a composed path, and its bytes are found."""
    plain, composed = unicodedata.normalize("NFD", "docs/ä.md"), "docs/ä.md"
    assert plain != composed
    workspace = write(
        {plain: "x", "specs/a.yaml": f"vector_stores: {{kb: {{files: ['{plain}', 'docs/*.md']}}}}"}
    )
    specs = workspace.compile("local")

    assert specs.problems == []
    assert Address("file", composed) in specs.desired
    assert hash_file(workspace.root, composed)[1] == 1


@pytest.mark.parametrize(
    ("path", "summary"),
    [
        ("docs/none.md", "File not found"),
        ("docs/a.md/b.md", "File not found"),
        ("docs/*.pdf", "Nothing matched"),
        ("none/**/*.md", "Nothing matched"),
        ("../a.md", "Path outside workspace"),
        ("docs/../../a.md", "Path outside workspace"),
        ("/etc/hosts", "Absolute path"),
        ("C:\\a.md", "Absolute path"),
        ("docs/link.md", "Path outside workspace"),
        ("docs/away/x.md", "Path outside workspace"),
        ("docs/dangling.md", "Path outside workspace"),
        ("docs", "Folder, not file"),
        (".git/x.md", "Invalid path"),
        ("docs/empty.md", "Empty file"),
        ("docs/lfs.md", "Git LFS pointer"),
        ("docs/large.md", "File too large"),
    ],
)
def test_files_that_cannot_be_used(write, tmp_path: Path, path, summary):
    """Each is one problem at the place that names it."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n"
    workspace = write(
        FILES
        | {"docs/empty.md": "", "docs/lfs.md": pointer, "docs/large.md": "x", ".git/x.md": "x"}
        | {
            "specs/a.yaml": json.dumps({"vector_stores": {"kb": {"files": [path]}}}),
            "../away/x.md": "x",
        }
    )
    docs = workspace.root / "docs"
    (docs / "link.md").symlink_to("/etc/hosts")
    (docs / "away").symlink_to(tmp_path / "away")
    (docs / "dangling.md").symlink_to("/none")
    os.truncate(docs / "large.md", 512 * 1024 * 1024 + 1)

    problem = only(workspace.problems())
    assert (problem.summary, problem.line, problem.address) == (summary, 1, "vector_store.kb")


def test_links_that_stay_inside(write):
    """A link to a file or a folder of the workspace is followed, and never in a circle."""
    workspace = write(
        FILES | {"specs/a.yaml": "vector_stores: {kb: {files: ['more/**/*.md']}}", "more/z.md": "z"}
    )
    (workspace.root / "more/x").symlink_to(workspace.root / "docs/x")
    (workspace.root / "more/self").symlink_to(workspace.root / "more")
    specs = workspace.compile("local")

    assert specs.problems == []
    assert list(specs.desired[Address("vector_store", "kb")].fields["files"]) == [
        "more/x/c.md",
        "more/x/y/d.md",
        "more/z.md",
    ]


def test_two_ways_to_upload_one_file(write):
    """A file cannot be uploaded in two ways at once; once said, the way holds for all who
    name it.
    """
    good = (
        "vector_stores: {kb: {files: [docs/a.md]}}\nfiles: {a: {path: docs/a.md, purpose:"
        " user_data}}\n"
    )
    workspace = write(FILES | {"specs/a.yaml": good})
    assert (
        workspace.compile("local").desired[Address("file", "docs/a.md")].fields["purpose"]
        == "user_data"
    )

    again = write({"specs/b.yaml": "files: {b: {path: docs/a.md, purpose: vision}}\n"})
    assert [problem.summary for problem in again.problems()] == ["Two different uploads"]
