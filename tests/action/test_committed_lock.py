"""A committed lock after an apply: it comes to the branch, or into the hands of somebody who brings
it there.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.action.conftest import need
from tests.action.runner import ROOT
from tests.action.site import Site
from tests.lock.repositories import NAMES, git, remote

DESK = "desks/first one"
LOCK = f"{DESK}/locks/prod.lock.json"
FASTER = """
# Somebody else is faster, once: main moves between the fetch and the push.
test -e {folder}/faster && exit 0
touch {folder}/faster
cd {bare}
made=$(git -c user.name=Bob -c user.email=b@example.com commit-tree main^{{tree}} -p main -m faster)
git update-ref refs/heads/main "$made"
"""
PROTECTED = """#!/bin/sh
echo "$$" >>{tries}
echo 'main is protected'
exit 1
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """The checkout of a run that has applied: a workspace in a folder, whose lock differs from the
    committed one.
    """
    need("bash", "git", "jq")
    found = Site(tmp_path, remote(tmp_path), programs=tmp_path / "none")
    found.push({LOCK: "before\n", f"{DESK}/.gitignore": "*.ignored.lock.json\n*.journal\n"})
    write(found, LOCK, "after\n")
    return found


def write(site: Site, path: str, text: str) -> None:
    (site.runner / path).parent.mkdir(parents=True, exist_ok=True)
    (site.runner / path).write_text(text, encoding="utf-8")


def protect(site: Site) -> Path:
    """Nobody may push to main; a line is written for everybody who tries."""
    path, tries = site.bare / "hooks/pre-receive", site.folder / "tries"
    path.write_text(PROTECTED.format(tries=tries), encoding="utf-8")
    path.chmod(0o755)
    return tries


def begin(site: Site, lock: str = "locks/*.lock.json") -> None:
    """The locks with which an apply begins."""
    script = f'source {ROOT}/action/git.sh; GITHUB_REF_NAME=main IN_LOCK="{lock}"; latest_locks'
    folder = site.runner / DESK
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        check=True,
        env={**os.environ, **NAMES},
    )


def keep(site: Site, **inputs: str) -> tuple[int, dict[str, str], str]:
    sha = git(site.runner, "rev-parse", "HEAD")
    run = site.run("apply", {}, only="lock", working_directory=DESK, GITHUB_SHA=sha, **inputs)
    assert "no such" not in run.log.lower()
    return run.code, dict(run.outputs), "\n".join(" ".join(found) for found in run.annotations)


def tip(site: Site) -> str:
    return git(site.bare, "rev-parse", "main")


def on_main(site: Site, path: str = LOCK) -> str:
    return git(site.bare, "show", f"main:{path}")


def test_it_is_pushed_on_top_of_what_others_did(site: Site) -> None:
    """Main has moved before the push and moves again during it: the lock lands on top of both, in a
    commit that starts no workflow and has nothing else of the checkout; the checkout stays as it
    was, and nothing is left behind.
    """
    site.push({"docs/other.md": "other\n"})
    site.before("push", FASTER.format(folder=site.folder, bare=site.bare))
    head = git(site.runner, "rev-parse", "HEAD")
    write(site, f"{DESK}/locks/notes.md", "notes\n")
    write(site, f"{DESK}/locks/x.ignored.lock.json", "ignored\n")
    (site.runner / ".git/hooks/pre-push").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (site.runner / ".git/hooks/pre-push").chmod(0o755)
    (site.folder / "scratch").mkdir()

    assert keep(site, TMPDIR=str(site.folder / "scratch")) == (0, {}, "")
    assert (on_main(site), on_main(site, "docs/other.md")) == ("after", "other")
    subjects = git(site.bare, "log", "-3", "--format=%an: %s", "main").splitlines()
    assert subjects == [
        f"github-actions[bot]: Lock after applying {head[:7]} [skip ci]",
        "Bob: faster",
        "Ada: change",
    ]
    assert git(site.bare, "diff", "--name-only", "main^", "main") == LOCK
    assert git(site.bare, "ls-tree", "main", "--", LOCK).startswith("100644 ")
    assert git(site.runner, "rev-parse", "HEAD") == head
    assert git(site.runner, "status", "--porcelain", "--", LOCK) == f'M "{LOCK}"'
    assert list((site.folder / "scratch").iterdir()) == []


def test_an_apply_begins_with_the_lock_of_the_branch(site: Site) -> None:
    """Another merge was applied after this commit: this apply begins with the locks that it left,
    and with nothing else of it, and pushes its own on top of that; where it changes nothing,
    nothing is pushed.
    """
    site.push(
        {
            LOCK: "the other apply's\n",
            f"{DESK}/fresh/prod.lock.json": "first\n",
            f"{DESK}/prompt.md": "later\n",
        }
    )
    site.checkout("HEAD")
    begin(site, "*/*.lock.json")

    assert (site.runner / LOCK).read_text() == "the other apply's\n"
    assert (site.runner / DESK / "fresh/prod.lock.json").read_text() == "first\n"
    assert not (site.runner / DESK / "prompt.md").exists()
    before = tip(site)
    assert keep(site, lock="*/*.lock.json") == (0, {}, "") and tip(site) == before
    write(site, LOCK, "ours\n")
    assert keep(site, lock="*/*.lock.json")[0] == 0 and on_main(site) == "ours"


def test_no_lock_is_to_be_kept(site: Site) -> None:
    """Without a pattern nothing of the branch comes into the checkout, and nothing of the checkout
    to the branch.
    """
    site.push({LOCK: "theirs\n"})
    before = tip(site)
    begin(site, "")

    assert (site.runner / LOCK).read_text() == "after\n"
    assert keep(site, lock="") == (0, {}, "") and tip(site) == before


def test_a_lock_of_others_is_never_overwritten(site: Site) -> None:
    """Somebody has changed the lock itself meanwhile: theirs stays, ours is saved, an annotation
    tells the way out.
    """
    site.push({LOCK: "theirs\n"})
    code, outputs, reported = keep(site)

    assert (code, on_main(site)) == (1, "theirs")
    assert (Path(outputs["lock"]) / "locks/prod.lock.json").read_text() == "after\n"
    assert (
        "Lock not pushed" in reported
        and "artifacts of this run" in reported
        and "locks/prod.lock.json" in reported
    )


def test_a_push_that_is_refused_loses_nothing(site: Site) -> None:
    """A protected branch: the lock is saved for the artifact, the step fails, and main is
    untouched. As nobody else has pushed, it is not tried again.
    """
    tries = protect(site)
    write(site, f"{LOCK}.journal", "line\n")
    code, outputs, reported = keep(site)

    assert (code, on_main(site), len(tries.read_text().splitlines())) == (1, "before", 1)
    saved = Path(outputs["lock"]) / "locks"
    assert sorted(path.name for path in saved.iterdir()) == [
        "prod.lock.json",
        "prod.lock.json.journal",
    ]
    assert "Apply is not finished" in reported and "Lock not pushed" in reported


@pytest.mark.parametrize("command", ["read-tree", "update-index", "commit-tree"])
def test_a_git_that_fails_deletes_nothing(site: Site, command: str) -> None:
    """Whatever goes wrong on the way to the commit, main stays as it is, even where it may be
    deleted, and the lock is saved.
    """
    git(site.bare, "config", "receive.denyDeleteCurrent", "ignore")
    before = tip(site)
    site.before(command, "exit 1")
    code, outputs, reported = keep(site)

    assert (code, tip(site)) == (1, before) and "Lock not pushed" in reported
    assert (Path(outputs["lock"]) / "locks/prod.lock.json").is_file()


def test_the_first_lock(site: Site) -> None:
    """A lock that no commit has is kept like any other; one that is there already, or as committed,
    needs nothing.
    """
    fresh = f"{DESK}/locks/fresh.lock.json"
    write(site, fresh, "first\n")

    assert keep(site) == (0, {}, "") and (on_main(site), on_main(site, fresh)) == ("after", "first")
    before = tip(site)
    assert keep(site) == (0, {}, "") and tip(site) == before
    write(site, LOCK, "before\n")
    assert keep(site) == (0, {}, "") and tip(site) == before
