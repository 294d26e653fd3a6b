"""The lockfile's text: what is written, and how each problem in it is reported."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from provisioner import jsontext
from provisioner.errors import LockError
from provisioner.lock.entry import WrongShape, entry_from_json, entry_to_json
from provisioner.lock.lockfile import check_origin, dump, fresh, parse
from provisioner.model import Address, Locked, LockState, Problem, Profile

from .contract import LEAVE, ORIGIN, SUPPORT, entry, state

STORE = Address("vector_store", "kb")
FULL = Locked(
    SUPPORT,
    None,
    {
        "model": "gpt-4o",
        "instructions": "Be kind.\nä \u2028 \x7f",
        "description": None,
        "temperature": 0.3,
    },
    depends_on=(LEAVE, STORE),
    api="responses",
    protected=True,
    unkept={"metadata.team": {"sent": "a", "got": None}},
    resetting=("top_p",),
    deposed=("asst_0", "asst_1"),
    profile=Profile(
        4,
        "sha256:ab",
        {"model": "gpt-4o", "tools": []},
        (
            {"version": 3, "digest": "d", "request": {"model": "m", "input": []}},
            {"version": 2, "digest": "c", "ids": ["vs_1"]},
        ),
    ),
    made=False,
    verified=False,
    unknown={"colour": "green"},
)


def problems(text: str) -> list[Problem]:
    with pytest.raises(LockError) as caught:
        parse(text, "locks/prod.lock.json")
    assert {problem.file for problem in caught.value.problems} == {"locks/prod.lock.json"}
    return caught.value.problems


def test_text() -> None:
    """The bytes are fixed: sorted keys, two spaces, empty things left out, a newline at the end."""
    small = state(
        3,
        entry(LEAVE, "file-1", sha256="ab", bytes=3),
        replace(entry(SUPPORT, "asst_1"), deposed=("asst_0",)),
    )
    assert (
        dump(small)
        == """{
  "environment": "prod",
  "lineage": "77777777",
  "origin": {
    "base_url": "https://service.example/v1",
    "organization": null,
    "project": null
  },
  "resources": {
    "assistant.support": {
      "deposed": [
        {
          "id": "asst_0"
        }
      ],
      "fields": {},
      "id": "asst_1"
    },
    "file.docs/leave.md": {
      "fields": {
        "bytes": 3,
        "sha256": "ab"
      },
      "id": "file-1"
    }
  },
  "serial": 3,
  "version": 2,
  "workspace": "acme"
}
"""
    )


def test_round_trip() -> None:
    """Everything that an entry can hold comes back."""
    whole = state(
        3,
        FULL,
        entry(LEAVE, "file-1", bytes=3),
        entry(STORE, "vs_1", files={"docs/leave.md": {"id": "file-1"}}),
    )
    assert parse(dump(whole), "x") == whole
    assert dump(parse(dump(whole), "x")) == dump(whole)


def test_profile_entry() -> None:
    """A profile's keys lie beside the others, older versions under `versions`."""
    raw = json.loads(dump(state(3, FULL)))["resources"]["assistant.support"]
    assert (raw["version"], raw["digest"], raw["request"]) == (
        4,
        "sha256:ab",
        {"model": "gpt-4o", "tools": []},
    )
    request, order = {"model": "m", "input": []}, {"": ["model", "input"]}
    assert raw["versions"] == [
        {"version": 3, "digest": "d", "request": request, "request_order": order},
        {"version": 2, "digest": "c", "ids": ["vs_1"]},
    ]
    assert raw["deposed"] == [{"id": "asst_0"}, {"id": "asst_1"}]
    assert "id" not in raw


def test_merge_conflict() -> None:
    """Conflict markers are named with their line and both ways out."""
    text = dump(state(3)).replace(
        '  "serial": 3,\n', '<<<<<<< HEAD\n  "serial": 3,\n=======\n  "serial": 4,\n>>>>>>> b\n'
    )
    (problem,) = problems(text)
    assert (problem.summary, problem.line, problem.file) == (
        "Merge conflict",
        10,
        "locks/prod.lock.json",
    )
    assert "--theirs locks/prod.lock.json" in (problem.hint or "")


def test_merged_twice() -> None:
    """A merge that kept both sides without a conflict is found, although JSON allows it."""
    text = dump(state(3, entry(LEAVE, "file-1"), entry(SUPPORT, "asst_1")))
    block = text[text.index('    "assistant.support"') : text.index('    "file.docs')]
    (problem,) = problems(text.replace(block, block + block))
    assert (problem.summary, problem.line) == ("Duplicate key", 14)
    assert "`assistant.support`" in problem.detail


def test_other_layouts_are_read() -> None:
    """A lock that somebody's formatter has touched is still one."""
    whole = state(3, FULL, entry(LEAVE, "file-1"))
    for text in (
        json.dumps(json.loads(dump(whole))),
        json.dumps(json.loads(dump(whole)), indent=4),
    ):
        assert parse(text, "x") == whole


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "is empty"),
        ("[]", 1, "is not a mapping"),
        ('{\n  "version": 1,\n\n\n!', 5, "not valid JSON"),
        ('{"version": 1', 1, "not valid JSON"),
        ("[" * 100_000, 1, "nested in more than"),
        ('{"version": "1"}', 1, '`version: 2`, and has "1"'),
        ("{}", None, "has null"),
        ('{"version": true}', 1, "has true"),
        ('{"version": 0}', 1, "has 0"),
    ],
)
def test_broken(text: str, line: int | None, words: str) -> None:
    """A file that is not a lock is refused with its line and the way out, without a traceback."""
    (problem,) = problems(text)
    assert problem.summary == "Broken lockfile"
    assert words in problem.detail
    assert problem.line == line


def test_keys_of_a_later_release() -> None:
    """What a later release adds, at the head or in an entry, is kept as it is and means nothing
    here.
    """
    text = changed(
        lambda raw: (
            raw.update(later={"commit": "abc"})
            or raw["resources"]["file.docs/leave.md"].update(new=[1])
        )
    )
    assert dump(parse(text, "x")) == text
    assert parse(text, "x").resources[LEAVE].unknown == {"new": [1]}


def test_version_one() -> None:
    """The lock of release 0.1.0 is read; what is written is version 2."""
    text = dump(state(3, entry(LEAVE, "file-1"))).replace('"version": 2', '"version": 1')
    assert '"version": 2' in dump(parse(text, "x"))


def test_newer_version() -> None:
    """A lock of a later release is never read by guessing."""
    (problem,) = problems(
        dump(state(3))
        .replace('"version": 2', '"version": 3')
        .replace('"serial": 3', '"serial": {}')
    )
    assert problem.summary == "Newer lockfile"
    assert "version 3" in problem.detail
    assert "pip install --upgrade" in (problem.hint or "")
    assert problem.line == 11


def changed(change: Callable[[dict[str, object]], object]) -> str:
    raw = json.loads(dump(state(3, FULL, entry(LEAVE, "file-1"))))
    change(raw)
    return jsontext.indented(raw, sort=True) + "\n"


def test_all_head_faults_at_once() -> None:
    """Every wrong key of the head is reported in one run."""
    text = changed(
        lambda raw: raw.update(serial="3", origin={"base_url": 1}, written=1) or raw.pop("lineage")
    )
    found = problems(text)
    assert sorted(problem.detail.split("`")[1] for problem in found) == [
        "lineage",
        "origin",
        "serial",
        "written",
    ]
    assert all(problem.line for problem in found if "lineage" not in problem.detail)


@pytest.mark.parametrize(
    ("entry", "words", "key"),
    [
        ([], "must be a mapping", None),
        ({"id": "x"}, "lacks `fields`", None),
        ({"id": 1, "fields": {}}, "`id` of `file.a` must be an id", "id"),
        ({"fields": []}, "must be a mapping", "fields"),
        ({"fields": {}, "made": 1}, "must be true or false", "made"),
        ({"fields": {}, "protected": 1}, "must be true or false", "protected"),
        ({"fields": {}, "depends_on": ["kb"]}, "must be a list of addresses", "depends_on"),
        ({"fields": {}, "resetting": "x"}, "must be a list of paths of fields", "resetting"),
        ({"fields": {}, "deposed": ["x"]}, "must be a list of `{id: …}`", "deposed"),
        ({"fields": {}, "unkept": {"a": 1}}, "must be a mapping of paths", "unkept"),
        ({"fields": {}, "version": True}, "must be a whole number", "version"),
        ({"fields": {}, "version": 1, "digest": "d"}, "together", "version"),
        ({"fields": {}, "versions": []}, "together", "versions"),
        ({"fields": {}, "versions": [{"version": 1}]}, "`{version, digest, request}`", "versions"),
    ],
)
def test_wrong_entries(entry: object, words: str, key: str | None) -> None:
    """A wrong entry is named with its address, and with the line of what is wrong in it."""
    text = changed(lambda raw: raw.update(resources={"file.a": entry, "file.b": {"fields": {}}}))
    (problem,) = problems(text)
    assert (problem.summary, problem.address) == ("Broken lock entry", "file.a")
    assert words in problem.detail
    line = text.splitlines()[(problem.line or 0) - 1]
    assert line.strip().startswith(f'"{key or "file.a"}"')
    assert line[(problem.column or 0) - 1] == '"'


OLD = {"version": 1, "digest": "d"}
PROFILE = {"version": 2, "digest": "d", "request": {}}
SHAPES: dict[str, tuple[list[object], list[object]]] = {  # what fits, and what does not
    "id": (
        ["x", "asst_A-1.b:c=@+~", "x" * 512],
        [1, None, "", "..", "../x", "a/b", "a?b", "a#b", "%2e", "a b", "ä", "a\n", "x" * 513],
    ),
    "fields": ([{}, {"a": 1}], [[], None, "x"]),
    "api": (["responses"], [1, None]),
    "protected": ([True, False], [1, 0, "x", None]),
    "made": ([True, False], [1, 0]),
    "verified": ([True, False], [1, 0]),
    "unkept": (
        [{}, {"a": {"sent": 1, "got": None}}],
        [
            [],
            {"a": {"sent": 1}},
            {"a": {"sent": 1, "got": 2, "more": 3}},
            {"a": [], "b": {"sent": 1, "got": 1}},
        ],
    ),
    "depends_on": (
        [[], ["a.b", "file.docs/a.md"]],
        ["a.b", ["kb"], [".b"], ["a."], [1], ["a.b", "kb"], {"a.b": 1}],
    ),
    "resetting": (
        [[], ["a", "b"], [r'a.b["c.d \"e"].f']],
        ["a", [1], ["a", 1], {"a": 1}, [""], ['a["b'], ["a..b"]],
    ),
    "deposed": (
        [[], [{"id": "x"}], [{"id": "x", "files": ["f"], "api": "responses"}]],
        [
            ["x"],
            [{}],
            [{"id": 1}],
            [{"id": "../x"}],
            [{"id": "x", "files": ["a/b"]}],
            [{"id": "x", "more": 1}],
            [{"id": "x", "files": "f"}],
            [{"id": "x", "files": [1]}],
            [{"id": "x", "api": 1}],
            {"id": "x"},
            [{"id": "x"}, {}],
        ],
    ),
    "version": ([1, 0], [True, "1", 1.0]),
    "digest": (["d"], [1]),
    "request": ([{}], [[], None]),
    "request_order": ([{}, {"": ["b", "a"]}], [[], {"": "ba"}, {"": [1]}, {"": ["b"], "/x": "a"}]),
    "versions": (
        [
            [],
            [{**OLD, "ids": []}, {**OLD, "ids": ["x"]}],
            [{**OLD, "request": {}}],
            [{**OLD, "request": {}, "request_order": {"": ["b"]}}],
            [{**OLD, "request": {}, "fields": {"model": "m"}, "commit": "c", "restores": 1}],
        ],
        [
            {},
            [OLD],
            [{**OLD, "ids": "x"}],
            [{**OLD, "ids": [1]}],
            [{**OLD, "request": []}],
            [{**OLD, "request": {}, "request_order": {"": "b"}}],
            [{**OLD, "request": {}, "fields": []}],
            [{**OLD, "request": {}, "written": 1}],
            [{**OLD, "request": {}, "restores": "1"}],
            [{**OLD, "version": True, "ids": []}],
            [{**OLD, "digest": 1, "ids": []}],
            ["x"],
            [{**OLD, "ids": []}, OLD],
        ],
    ),
}


def test_fields_of_an_older_version() -> None:
    """They are what could be declared, too: they may be written back."""
    older = {"version": 1, "digest": "d", "request": {}, "fields": {"model": ["m"]}}
    with pytest.raises(WrongShape, match=r"`model` of version 1 of `assistant.support`") as wrong:
        entry_from_json(SUPPORT, {"fields": {}, **PROFILE, "versions": [older]})
    assert wrong.value.key == "versions"


def test_where_a_version_comes_from() -> None:
    """Time, commit and what it restores are read and written, for the newest and the older ones."""
    origin = {"written": "2026-11-26T08:30:00+00:00", "commit": "c", "restores": 1}
    older = {"version": 2, "digest": "d", "request": {}, "fields": {"model": "m"}, **origin}
    raw = {"fields": {}, **PROFILE, **origin, "versions": [older]}
    found = entry_from_json(SUPPORT, raw)
    assert found.profile and found.profile.origin == origin
    assert found.older_version(2) == older
    assert entry_to_json(found) == raw


@pytest.mark.parametrize("key", SHAPES)
def test_shapes_of_an_entry(key: str) -> None:
    """Each key of an entry holds what it is for, and nothing else."""
    good, bad = SHAPES[key]
    base: dict[str, object] = {"fields": {}}
    if key in ("version", "digest", "request", "request_order", "versions"):
        base |= PROFILE
    for value in good:
        entry_from_json(SUPPORT, {**base, key: value})
    for value in bad:
        with pytest.raises(WrongShape) as wrong:
            entry_from_json(SUPPORT, {**base, key: value})
        assert wrong.value.key == key, value
        assert str(wrong.value).startswith(f"`{key}` of `assistant.support` must be ")


@pytest.mark.parametrize(
    "raw", [{"id": 1, "fields": {}}, {"id": "x", "fields": []}, {"id": None, "fields": {}}]
)
def test_entries_with_nothing_but_an_id_and_fields(raw: dict[str, object]) -> None:
    """The quick way, which most entries take, is as careful as the other."""
    with pytest.raises(WrongShape):
        entry_from_json(SUPPORT, raw)


def test_all_entry_faults_at_once() -> None:
    """All wrong entries are reported in one run, addresses that are none included."""
    text = changed(
        lambda raw: raw.update(
            resources={"kb": {}, "file.a": {}, "file.b": {"fields": {}}, "file.c": 1}
        )
    )
    assert [problem.address for problem in problems(text)] == ["file.a", "file.c", "kb"]


def foreign(
    lock: LockState, workspace: str = "acme", environment: str = "prod", **origin: str
) -> list[str]:
    try:
        check_origin(lock, workspace, environment=environment, origin={**ORIGIN, **origin})
    except LockError as error:
        assert all(problem.hint for problem in error.problems)
        return [problem.summary for problem in error.problems]
    return []


def test_foreign_locks() -> None:
    """Another workspace, environment, address or project is refused; what one side leaves open is
    not.
    """
    lock = state(3)
    pinned = replace(lock, origin={**ORIGIN, "organization": "org-1", "project": "proj_1"})
    assert foreign(lock) == []
    assert foreign(lock, base_url=ORIGIN["base_url"] + "/") == []
    assert foreign(pinned) == []
    assert foreign(pinned, organization="org-1", project="proj_1") == []
    assert foreign(lock, organization="org-1") == []
    assert foreign(lock, workspace="other", environment="staging") == [
        "Foreign lock",
        "Foreign lock",
    ]
    assert foreign(lock, base_url="https://elsewhere/v1") == ["Foreign origin"]
    assert foreign(pinned, organization="org-2", project="proj_2") == [
        "Foreign origin",
        "Foreign origin",
    ]


def test_fresh() -> None:
    """Two new locks never have the same lineage."""
    one, two = fresh("acme", "prod", ORIGIN), fresh("acme", "prod", ORIGIN)
    assert (one.serial, one.resources, one.origin) == (0, {}, ORIGIN)
    assert one.lineage != two.lineage


def test_ten_thousand(capsys: pytest.CaptureFixture[str]) -> None:
    """A lock of 10,000 entries round-trips; the times are printed for people."""
    files = [
        entry(Address("file", f"docs/{n}.md"), f"file-{n:024}", sha256=f"{n:064x}", bytes=n)
        for n in range(9_000)
    ]
    assistants = [replace(FULL, address=Address("assistant", f"a{n}")) for n in range(1_000)]
    big = state(3, *files, *assistants)
    began = time.perf_counter()
    text = dump(big)
    written = time.perf_counter()
    again = parse(text, "x")
    read = time.perf_counter()
    assert again == big
    with capsys.disabled():
        print(
            f" [10,000 entries: written in {written - began:.3f} s, read in"
            f" {read - written:.3f} s]",
            end="",
        )
