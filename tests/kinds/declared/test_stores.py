from __future__ import annotations

from typing import Any

import pytest

from provisioner.kinds import kind
from provisioner.kinds.base import Finding
from provisioner.kinds.file.accepted import SEARCHABLE
from provisioner.model import Address

from .memory import MemoryScope, declare

FILES = {"docs/a.md": "a", "docs/b.md": "b", "docs/drafts/c.md": "c", "README.md": "r"}


def store(
    written: Any, files: dict[str, Any] | None = None, **options: Any
) -> tuple[dict[str, Any], list[Finding]]:
    scope = MemoryScope("vector_store.kb", FILES if files is None else files, **options)
    fields, _ = declare("vector_store", written, scope)
    return fields, scope.findings


def documents(*entries: Any, files: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    fields, seen = store({"files": list(entries)}, files, **options)
    assert seen == []
    found: dict[str, Any] = fields["files"]
    return found


def test_only_what_is_declared_becomes_a_field() -> None:
    """Absent stays absent; without `files` the files are not managed."""
    assert store({})[0] == {}
    written = {
        "name": None,
        "description": "d",
        "metadata": {"a": "b"},
        "other_files": "keep",
        "expires_after": {"anchor": "last_active_at", "days": 1},
    }
    assert store(written)[0] == written
    assert store({"files": []})[0] == {"files": {}}
    assert store({"files": None, "chunking": None})[0] == {"files": {}, "chunking": "auto"}


def test_entries_match_paths_and_globs() -> None:
    """Every file is there once, by its path; an exclusion holds for its own entry."""
    found = documents({"path": "docs/*.md", "exclude": ["docs/drafts/*"]}, "README.md")
    assert found == {
        path: {"file": f"file.{path}"} for path in ("docs/a.md", "docs/b.md", "README.md")
    }


def test_settings_of_a_file_matched_twice_merge_in_order() -> None:
    """Attributes merge by key and later keys win; the later chunking wins; the store's own is not
    copied down.
    """
    found = documents(
        {"path": "docs/*.md", "attributes": {"team": "hr", "year": 2025}, "chunking": "auto"},
        {
            "path": "docs/a.md",
            "attributes": {"year": 2026},
            "chunking": {"max_chunk_size_tokens": 300, "chunk_overlap_tokens": 60},
        },
        "docs/b.md",
    )
    assert found["docs/a.md"] == {
        "file": "file.docs/a.md",
        "attributes": {"team": "hr", "year": 2026},
        "chunking": {"max_chunk_size_tokens": 300, "chunk_overlap_tokens": 60},
    }
    assert found["docs/b.md"]["attributes"] == {"team": "hr", "year": 2025}
    assert found["docs/b.md"]["chunking"] == "auto"


def test_placeholders_are_the_files_own() -> None:
    """Path, folder, name and stem of each file; `$${…}` stays literal."""
    attributes = {
        "p": "${file.path}",
        "f": "in ${file.folder}",
        "n": "${file.name}",
        "s": "${file.stem}",
        "l": "$${file.path}",
        "x": 1,
    }
    found = documents({"path": "*.md", "attributes": attributes})
    assert found["docs/drafts/c.md"]["attributes"] == {
        "p": "docs/drafts/c.md",
        "f": "in docs/drafts",
        "n": "c.md",
        "s": "c",
        "l": "${file.path}",
        "x": 1,
    }
    assert found["README.md"]["attributes"]["f"] == "in "


def test_unmanaged_files_keep_their_id() -> None:
    """Their key says that there is no path."""
    found = documents(
        {"id": "file-1", "attributes": {"a": True}}, {"id": "file-1", "attributes": {"b": 2}}
    )
    assert found == {"id:file-1": {"id": "file-1", "attributes": {"a": True, "b": 2}}}


def test_entries_of_other_environments_do_not_count() -> None:
    """`only` on an entry leaves it out elsewhere."""
    entry = {"path": "README.md", "only": ["staging"]}
    assert documents(entry, environment="local") == {}
    assert list(documents(entry, environment="staging")) == ["README.md"]


@pytest.mark.parametrize("suffix", sorted(SEARCHABLE))
def test_extensions_that_file_search_reads(suffix: str) -> None:
    """Every documented extension is accepted; in upper case it stays, with a warning."""
    low, high = f"a{suffix}", f"B{suffix.upper()}"
    files = {low: "", high: ""}
    assert list(documents(low, files=files)) == [low]
    found, seen = store({"files": [low, high]}, files=files)
    assert list(found["files"]) == [low, high]
    assert [(one.summary, one.severity) for one in seen] == [("Extension in capitals", "warning")]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("a.csv", "code_interpreter"),
        ("a.xlsx", "code_interpreter"),
        ("a.yaml", "`.md` or `.txt`"),
        ("LICENSE", "`.txt`"),
        ("a.png", "convert it"),
        ("a.tar.gz", "convert it"),
        ("a.h", "`.txt`"),
        (".gitignore", "`.txt`"),
    ],
)
def test_extensions_that_file_search_refuses(name: str, remedy: str) -> None:
    """The file is left out, and the author told what to do with it."""
    fields, seen = store({"files": [name]}, {name: "x"})
    assert fields["files"] == {}
    assert [(finding.summary, finding.path, finding.severity) for finding in seen] == [
        ("Extension not accepted", ("files", 0), "error")
    ]
    assert remedy in str(seen[0].hint)


def test_refused_files_are_told_by_extension() -> None:
    """A glob over thousands of files gives one problem an extension, not one a file."""
    files = {f"data/{number}.csv": "x" for number in range(9)} | {
        "data/x.log": "x",
        "data/y.md": "y",
    }
    fields, seen = store({"files": [{"path": "data/*"}]}, files)
    assert list(fields["files"]) == ["data/y.md"]
    assert sorted(finding.detail for finding in seen) == [
        (
            "`vector_store.kb` cannot hold `data/0.csv` and 8 more `.csv` files: file_search does"
            " not read `.csv`."
        ),
        "`vector_store.kb` cannot hold `data/x.log`: file_search does not read `.log`.",
    ]


@pytest.mark.parametrize(("overlap", "good"), [(0, True), (399, True), (400, True), (401, False)])
def test_neighbours_share_at_most_half_a_chunk(overlap: int, good: bool) -> None:
    """In the store and in an entry alike."""
    chunking = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": overlap}
    _, seen = store({"chunking": chunking, "files": [{"path": "README.md", "chunking": chunking}]})
    expected = [
        ("chunking", "chunk_overlap_tokens"),
        ("files", 0, "chunking", "chunk_overlap_tokens"),
    ]
    assert [finding.path for finding in seen] == ([] if good else expected)


def test_an_odd_chunk_is_halved_downwards() -> None:
    """Half of 101 tokens are 50."""
    for overlap, count in ((50, 0), (51, 1)):
        chunking = {"max_chunk_size_tokens": 101, "chunk_overlap_tokens": overlap}
        assert len(store({"chunking": chunking})[1]) == count


@pytest.mark.parametrize(
    ("length", "expected"), [(256, None), (257, "warning"), (512, "warning"), (513, "error")]
)
def test_long_text_attributes(length: int, expected: str | None) -> None:
    """Over 256 characters is a warning; over 512 after the placeholders are replaced an error, told
    once an entry.
    """
    name = "a" * (length - 3 - 5) + ".md"
    attributes = {"path": "docs/${file.path}"}
    files = {name: "", name.replace("a", "b"): ""}
    _, seen = store({"files": [{"path": "*.md", "attributes": attributes}]}, files)
    reported = [finding for finding in seen if finding.summary != "Path too long"]
    if length < 500:  # the stamp holds the path as well
        assert [finding.severity for finding in reported] == ([expected] if expected else [])
    literal = {"text": "x" * min(length, 512)}
    _, seen = store({"files": [{"path": "README.md", "attributes": literal}]})
    assert [finding.severity for finding in seen] == (["warning"] if length > 256 else [])


def test_a_text_that_grows_beyond_the_limit() -> None:
    """Placeholders count with what they stand for."""
    attributes = {"twice": "${file.path} ${file.path}"}
    name = "a" * 253 + ".md"
    _, seen = store({"files": [{"path": name, "attributes": attributes}]}, {name: ""})
    assert [(finding.summary, finding.path) for finding in seen] == [
        ("Too many characters", ("files", 0, "attributes", "twice"))
    ]


def test_attributes_of_several_entries_count_together() -> None:
    """Fourteen of ours fit beside our two."""
    first = {"path": "docs/*.md", "attributes": {f"a{number}": 1 for number in range(10)}}
    assert (
        store({"files": [first, {"path": "*.md", "attributes": {f"b{n}": 1 for n in range(4)}}]})[1]
        == []
    )
    _, seen = store(
        {"files": [first, {"path": "*.md", "attributes": {f"b{n}": 1 for n in range(5)}}]}
    )
    assert [(finding.summary, finding.path) for finding in seen] == [
        ("Too many attributes", ("files", 1, "attributes"))
    ]


@pytest.mark.parametrize(
    ("entry", "summary"),
    [
        ({"path": "README.md", "attributes": {"a": "${file.size}"}}, "Unknown variable"),
        ({"id": "file-1", "attributes": {"a": "${file.path}"}}, "Unknown path"),
    ],
)
def test_placeholders_that_do_not_exist(entry: dict[str, Any], summary: str) -> None:
    """What cannot be replaced is reported, not sent."""
    _, seen = store({"files": [entry]})
    assert [(finding.summary, finding.path) for finding in seen] == [
        (summary, ("files", 0, "attributes", "a"))
    ]


def test_the_stamp_must_fit() -> None:
    """The stamp holds workspace, environment and path, and an attribute at most 512 characters."""
    room = 512 - len("acme/local/#12345678.1000000000")
    assert list(documents("*", files={"a" * (room - 3) + ".md": ""})) == ["a" * (room - 3) + ".md"]
    _, seen = store({"files": ["*"]}, {"a" * (room - 2) + ".md": ""})
    assert [finding.summary for finding in seen] == ["Path too long"]
    assert f"there is room for {room}" in seen[0].detail


def test_references_are_the_files() -> None:
    """Unmanaged files are none."""
    fields = {"files": {"docs/a.md": {"file": "file.docs/a.md"}, "id:file-1": {"id": "file-1"}}}
    assert list(kind("vector_store").references(fields)) == [Address("file", "docs/a.md")]
    assert list(kind("vector_store").references({"files": None})) == []


def test_files_say_how_they_are_uploaded() -> None:
    """The settings go to the file's own resource, whose name is its path."""
    scope = MemoryScope("file.sales", {"data/sales.csv": "x"})
    expiry = {"anchor": "created_at", "seconds": 3600}
    declare("file", {"path": "data/sales.csv", "expires_after": expiry}, scope)
    assert scope.wishes == {"data/sales.csv": {"purpose": "assistants", "expires_after": expiry}}
    assert scope.findings == []


@pytest.mark.parametrize("purpose", ["batch", "fine-tune", "evals"])
def test_purposes_that_want_lines(purpose: str) -> None:
    """The service reads them line by line and refuses any other extension."""
    for path, count in (("data/a.jsonl", 0), ("data/a.json", 1)):
        scope = MemoryScope("file.sales", {path: "x"})
        declare("file", {"path": path, "purpose": purpose}, scope)
        assert len(scope.findings) == count
