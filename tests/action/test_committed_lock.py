"""A committed lock after an apply: it comes to the branch, or into the hands of somebody who brings it there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.action.conftest import need
from tests.action.runner import ROOT
from tests.action.site import Site
from tests.lock.repositories import NAMES, git, remote

LOCK = "locks/prod.lock.json"
OTHER = """#!/bin/sh
# Somebody else is faster, once: main moves between the fetch and the push.
test -e {flag} && exit 0
touch {flag}
unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
made=$(git -c user.name=Bob -c user.email=b@example.com commit-tree main^{{tree}} -p main -m faster)
git update-ref refs/heads/main "$made"
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """The checkout of a run that has applied, with a lock that differs from the committed one."""
    need("bash", "git", "jq")
    found = Site(tmp_path, remote(tmp_path), programs=tmp_path / "none")
    found.push({LOCK: "before\n"})
    (found.runner / LOCK).write_text("after\n", encoding="utf-8")
    return found


def hook(site: Site, text: str) -> None:
    path = site.bare / "hooks/pre-receive"
    path.write_text(text.format(flag=site.folder / "flag"), encoding="utf-8")
    path.chmod(0o755)


def keep(site: Site) -> tuple[int, dict[str, str], str]:
    run = site.run("apply", {}, only="lock", GITHUB_SHA=git(site.runner, "rev-parse", "HEAD"))
    assert "no such" not in run.log.lower()
    return run.code, dict(run.outputs), "\n".join(" ".join(found) for found in run.annotations)


def on_main(site: Site, path: str = LOCK) -> str:
    return git(site.bare, "show", f"main:{path}")


def test_it_is_pushed_on_top_of_what_others_did(site: Site) -> None:
    """Main has moved before the push and moves again during it: the lock lands on top of both, in a commit that starts
    no workflow, and the checkout stays as it was."""
    site.push({"docs/other.md": "other\n"})
    hook(site, OTHER)
    head = git(site.runner, "rev-parse", "HEAD")

    assert keep(site) == (0, {}, "")
    assert (on_main(site), on_main(site, "docs/other.md")) == ("after", "other")
    subjects = git(site.bare, "log", "-3", "--format=%an: %s", "main").splitlines()
    assert subjects == [f"github-actions[bot]: Lock after applying {head[:7]} [skip ci]", "Bob: faster", "Ada: change"]
    assert git(site.runner, "rev-parse", "HEAD") == head
    assert git(site.runner, "status", "--porcelain") == f"M {LOCK}"


def test_an_apply_begins_with_the_lock_of_the_branch(site: Site) -> None:
    """Another merge was applied after this commit: this apply begins with the lock that it left, and pushes its own on
    top of that; where it changes nothing, nothing is pushed."""
    site.push({LOCK: "the other apply's\n"})
    site.checkout("HEAD")
    script = f'source {ROOT}/action/git.sh; GITHUB_REF_NAME=main IN_LOCK="locks/*.lock.json"; latest_locks'
    subprocess.run(["bash", "-euc", script], cwd=site.runner, check=True, env={**os.environ, **NAMES})

    assert (site.runner / LOCK).read_text() == "the other apply's\n"
    tip = git(site.bare, "rev-parse", "main")
    assert keep(site) == (0, {}, "") and git(site.bare, "rev-parse", "main") == tip
    (site.runner / LOCK).write_text("ours\n", encoding="utf-8")
    assert keep(site)[0] == 0 and on_main(site) == "ours"


def test_a_lock_of_others_is_never_overwritten(site: Site) -> None:
    """Somebody has changed the lock itself meanwhile: theirs stays, ours is saved, an annotation tells the way out."""
    site.push({LOCK: "theirs\n"})
    code, outputs, told = keep(site)

    assert (code, on_main(site)) == (1, "theirs")
    assert (Path(outputs["lock"]) / LOCK).read_text() == "after\n"
    assert "Lock not pushed" in told and "artifacts of this run" in told and LOCK in told


def test_a_push_that_is_refused_loses_nothing(site: Site) -> None:
    """A protected branch: the lock is saved for the artifact, the step fails, and main is untouched."""
    hook(site, "#!/bin/sh\necho 'main is protected'\nexit 1\n")
    (site.runner / f"{LOCK}.journal").write_text("line\n", encoding="utf-8")
    code, outputs, told = keep(site)

    assert (code, on_main(site)) == (1, "before")
    saved = Path(outputs["lock"]) / "locks"
    assert sorted(path.name for path in saved.iterdir()) == ["prod.lock.json", "prod.lock.json.journal"]
    assert "Apply is not finished" in told and "Lock not pushed" in told


def test_nothing_to_keep(site: Site) -> None:
    """A lock that is as committed, one that is already there, and one on a branch of its own need nothing."""
    tip = git(site.bare, "rev-parse", "main")
    assert keep(site)[0] == 0 and git(site.bare, "rev-parse", "main") != tip
    tip = git(site.bare, "rev-parse", "main")
    (site.runner / LOCK).write_text("before\n", encoding="utf-8")

    assert keep(site) == (0, {}, "")
    assert git(site.bare, "rev-parse", "main") == tip
