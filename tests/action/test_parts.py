"""The parts of the action's shell: what it escapes, what it cuts, whom it believes."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from provisioner.planfile.checksum import FORMULA
from tests.action.conftest import need
from tests.action.runner import ROOT, secrets
from tests.lock.repositories import git

HERE = ROOT / "action"
HEAD = {"commit": "a" * 40, "checksum": "sha256:12", "formula": FORMULA}
SHOWN = {"shown": "2026-03-01T10:00:00Z", "edited": None, "head": HEAD, "essence": "### Plan"}
PLAN = {"checksum": "sha256:12", "rows": ["r1", "r2"], "lock": {"applied": None}}
RUNS = "https://github.example/acme/desk/actions"
MERGED = {"head": {"sha": "a" * 40}, "merged_at": "2026-03-01T11:00:00Z"}


@pytest.fixture(autouse=True)
def _programs() -> None:
    need("bash", "git", "jq")


def shell(command: str, *words: str, stdin: str = "") -> str:
    """What a command prints in a shell that has the functions of the action."""
    script = (
        f'HERE={HERE} IN_DIRECTORY=. RUN_URL=https://run RUN_MARK="run 42/1"; source'
        f' "$HERE/say.sh"; {command}'
    )
    done = subprocess.run(
        ["bash", "-euc", script, "-", *words], input=stdin, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def jq(program: str, data: Any, *words: str) -> Any:
    done = subprocess.run(
        ["jq", *words, "--from-file", str(HERE / program)],
        input=json.dumps(data),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_annotations_cannot_be_forged() -> None:
    """A problem becomes one workflow command at its line; whatever its text holds, it starts no
    second one.
    """
    problem = {
        "severity": "error",
        "summary": "Bad, worse: 100%",
        "detail": "first\r\n::error file=x::forged\u202e",
        "file": "specs/a,b:c.yaml",
        "line": 3,
        "column": 7,
        "hint": "write `1`",
    }
    unknown = {"severity": "add-mask", "summary": "New", "detail": "new"}
    plain = {
        "severity": "warning",
        "summary": "Old",
        "detail": "old",
        "file": None,
        "line": None,
        "column": None,
    }
    document = {
        "problems": [problem, plain, unknown],
        "blocked": [{"rule": "x", "detail": "Too many."}],
    }
    reported = jq("annotations.jq", document, "-r", "--arg", "folder", "desk").splitlines()

    assert reported == [
        (
            "::error file=desk/specs/a%2Cb%3Ac.yaml,line=3,col=7,title=Bad%2C worse%3A 100%25"
            "::first%0D%0A::error file=x::forged\ufffd%0Ahint: write `1`"
        ),
        "::warning title=Old::old",
        "::notice title=New::new",
        "::error title=Plan is stopped::Too many.",
    ]


def test_problems_stay_in_their_fence(tmp_path: Path) -> None:
    """Problems become Markdown with one fence, longer than any run of backticks in them."""
    problem = {
        "severity": "error",
        "summary": "Bad",
        "detail": "````\n</details>",
        "file": "a.yaml",
        "line": 1,
    }
    (tmp_path / "plan.json").write_text(json.dumps({"problems": [problem]}), encoding="utf-8")
    reported = shell('problems_markdown "$@"', str(tmp_path / "plan.json"), "No plan").splitlines()

    assert reported[0] == "## No plan"
    assert reported[2:] == ["`````text", "a.yaml:1: error: Bad", "  ````", "  </details>", "`````"]


def test_of_a_log_the_problems_are_shown(tmp_path: Path) -> None:
    """What a command has said before its problems is left out, and of a log without one all but the
    end; nothing in it is hidden from the reader, and a comment has room for it.
    """
    log = tmp_path / "log"

    def shown(text: str) -> str:
        log.write_text(text, encoding="utf-8")
        return shell('log_markdown "$1" "Not applied"', str(log))

    fence = "## Not applied\n\n```text\n{}\n```\n"
    problem = "specs/a.yaml:3: error: Bad\n  detail\n  hint: mend it"
    assert shown(f"assistant.a: creating…\n{problem}\n") == fence.format(problem)
    assert shown("Killed\u202e\n") == fence.format("Killed\ufffd")
    assert shown(f"{'x' * 10_000}end\n") == fence.format(f"{'x' * 3_996}end")
    assert shown(f"error: Bad\n{'x' * 100_000}\n") == fence.format(f"error: Bad\n{'x' * 19_989}")


@pytest.mark.parametrize("ending", ["plain", "details", "fence"])
def test_what_is_too_long_points_to_the_artifact(tmp_path: Path, ending: str) -> None:
    """Of a body that is too long the beginning is left, up to its details; no fence is cut; the
    rest is pointed to.
    """
    fence = "````\n" + "```\nline\n" * 20_000 + "````\n"
    rest = {
        "plain": "word ä\n" * 20_000,
        "details": f"<details>\n{fence}</details>\n",
        "fence": fence,
    }[ending]
    whole = tmp_path / "plan.md"
    whole.write_text(
        "<!-- provisioner:place plan/./prod -->\n## Plan\n\n```diff\n+ a\n```\n" + rest,
        encoding="utf-8",
    )
    reported = shell('fitted "$1" 65536', str(whole))

    assert len(reported.encode()) <= 65_536
    assert reported.startswith(
        "<!-- provisioner:place plan/./prod -->\n## Plan\n\n```diff\n+ a\n```\n"
    )
    assert reported.endswith(
        "**There is more than fits here.** The rest is in the artifacts of [this"
        " run](https://run).\n"
    )
    assert reported.count("```") == 2 and "<details>" not in reported
    assert ("word" in reported) == (ending == "plain")
    assert shell('fitted "$1" 900000', str(whole)) == whole.read_text(encoding="utf-8")


def test_what_we_write_has_our_head_alone(tmp_path: Path) -> None:
    """A comment begins with the hidden lines of its text and with ours, fits, and leads to its run.
    A line of the text that looks like a hidden one stays where it is; a folder whose name would end
    one is spelt otherwise.
    """
    ours, forged = (
        "<!-- provisioner:checksum sha256:12 -->\n",
        "<!-- provisioner:checksum sha256:0 -->\n",
    )
    (tmp_path / "plan.md").write_text(f"{ours}## Plan\n{forged}end\n", encoding="utf-8")
    script = (
        f'source "$HERE/github.sh"; SCRATCH=$(mktemp -d) FOLDER={tmp_path} IN_DIRECTORY="a-->"'
        ' IN_ENVIRONMENT="<b"'
    )
    script += '; addressed "$FOLDER/plan.md" "$(place plan)" "commit 12"'
    head = f"{ours}<!-- provisioner:place plan/a--_/_b -->\n<!-- provisioner:commit 12 -->\n"
    head += "<!-- provisioner:run 42/1 -->\n"

    assert (
        shell(script)
        == f"{head}## Plan\n{forged}end\n\n<sub>[This run](https://run) has the details.</sub>\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["plan.md"]
    (tmp_path / "plan.md").write_text(f"{ours}## Plan\n{'ä' * 40 * 1024}\n", encoding="utf-8")
    assert shell(script).startswith(f"{head}## Plan\n\n**There is more than fits here.**")


@pytest.mark.parametrize(
    ("pull", "actor", "reported"),
    [
        (None, "ada", "||false|"),
        (
            {"number": 7, "head": {"sha": "12", "repo": {"full_name": "acme/desk"}}},
            "ada",
            "7|12|false|main",
        ),
        (
            {"number": 7, "head": {"sha": "12", "repo": {"full_name": "acme/desk"}}},
            "dependabot[bot]",
            "7|12|true|main",
        ),
        (
            {"number": 7, "head": {"sha": "12", "repo": {"full_name": "eve/desk"}}},
            "ada",
            "7|12|true|main",
        ),
        ({"number": 7, "head": {"sha": "12", "repo": None}}, "ada", "7|12|true|main"),
    ],
)
def test_who_is_outside(tmp_path: Path, pull: Any, actor: str, reported: str) -> None:
    """A pull request of a fork, also of one that is gone, or of Dependabot; never a push."""
    event = {
        "pull_request": pull and {**pull, "base": {"ref": "main"}},
        "repository": {"full_name": "acme/desk"},
    }
    (tmp_path / "event").write_text(json.dumps(event), encoding="utf-8")
    script = (
        'source "$HERE/github.sh"; GITHUB_EVENT_PATH=$1 GITHUB_ACTOR=$2; export GITHUB_ACTOR;'
        " read_event"
    )

    assert (
        shell(
            f'{script}; echo "$PULL|$PULL_HEAD|$OUTSIDE|$BASE_BRANCH"',
            str(tmp_path / "event"),
            actor,
        )
        == f"{reported}\n"
    )


def test_a_merge_queue(tmp_path: Path) -> None:
    """It has no pull request to tell, and the branch that it merges into."""
    (tmp_path / "event").write_text(
        '{"merge_group": {"base_ref": "refs/heads/main"}, "repository": {}}', encoding="utf-8"
    )
    script = (
        'source "$HERE/github.sh"; GITHUB_EVENT_PATH=$1; read_event; echo'
        ' "$PULL|$OUTSIDE|$BASE_BRANCH"'
    )
    assert shell(script, str(tmp_path / "event")) == "|false|main\n"


def test_an_output_cannot_set_another(tmp_path: Path) -> None:
    """Several lines are one value, whatever they say."""
    file = tmp_path / "output"
    shell(f'GITHUB_OUTPUT={file}; output summary "$1"; output summary "$1"', "a\nchecksum=b\nEOF")
    delimiters = re.findall(r"<<(.+)", file.read_text())

    assert len(set(delimiters)) == 2
    assert all(file.read_text().count(f"\n{delimiter}\n") == 1 for delimiter in delimiters)


def comment(*bodies: tuple[str, str, str | None]) -> Any:
    nodes = [
        {
            "databaseId": id,
            "url": "u",
            "body": body,
            "createdAt": "1",
            "lastEditedAt": "2" if editor else None,
            "author": {"login": author},
        }
        | {"viewerDidAuthor": author == "bot", "editor": {"login": editor} if editor else None}
        for id, (body, author, editor) in enumerate(bodies, 1)
    ]
    page = {"data": {"repository": {"pullRequest": {"comments": {"nodes": nodes}}}}}
    words = ["--slurp", "--arg", "place", "plan/./prod", "--arg", "runs", RUNS, "-L", str(HERE)]
    return next(iter(json.loads(jq("comments.jq", page, *words))), None)


def test_only_the_head_of_our_own_comments_counts() -> None:
    """A marker counts in the first lines of what we wrote, with either line end; not further down,
    not from others.
    """
    head = "<!-- provisioner:place plan/./prod -->\r\n<!-- provisioner:commit 12 -->\n"
    later = "Hello\n" + head

    assert comment((head, "mallory", None), (later, "bot", None)) is None
    ours = comment(
        (head, "mallory", None),
        (later, "bot", None),
        (head + later, "bot", "bot"),
        (head, "bot", None),
    )
    assert (ours["id"], ours["head"]) == (3, {"place": "plan/./prod", "commit": "12"}) and ours[
        "edited"
    ] is None
    assert (ours["shown"], comment((head, "bot", None))["shown"]) == ("2", "1")
    assert comment((head, "bot", "eve"))["edited"] == "eve"
    assert (
        comment(("Hello " + head, "bot", None), (head.replace(" -->", " --> Hello"), "bot", None))
        is None
    )
    assert comment((head.replace("prod", "production"), "bot", None)) is None


@pytest.mark.parametrize(
    ("pull", "comment", "reason"),
    [
        (None, None, "No merged pull request made the commit `bbbbbbb`"),
        (MERGED, None, "no comment with a plan"),
        (MERGED, SHOWN | {"edited": "eve"}, "was edited by `eve`"),
        (
            MERGED | {"head": {"sha": "c" * 40}},
            SHOWN,
            "shown for the commit `aaaaaaa`, and `ccccccc` was merged",
        ),
        (MERGED, SHOWN | {"shown": "2026-03-01T11:00:01Z"}, "only after the merge"),
        (MERGED, SHOWN | {"head": {"commit": "a" * 40}}, "no plan that can be applied"),
        (
            MERGED,
            SHOWN | {"head": {"commit": "a" * 40, "checksum": "sha256:12"}},
            "by another release",
        ),
        (MERGED, SHOWN | {"head": HEAD | {"formula": "1"}}, "by another release"),
    ],
)
def test_what_is_no_approval(pull: Any, comment: Any, reason: str) -> None:
    """Whatever is wrong with a pull request or its comment, there is no checksum, and a sentence
    says why.
    """
    checksum, _, reported = approval(pull, comment)

    assert checksum == "" and reason in reported


def test_what_is_an_approval() -> None:
    """The checksum of our unedited comment for the merged commit; or the one that somebody gives by
    hand.
    """
    assert approval(MERGED, SHOWN) == ["sha256:12", "b" * 40, ""]
    assert approval(MERGED, SHOWN | {"shown": MERGED["merged_at"]}) == ["sha256:12", "b" * 40, ""]
    assert approval(None, None, given="sha256:12") == ["sha256:12", "b" * 40, ""]
    assert approval(None, None, given="12") == ["12", "b" * 40, ""]
    assert "whose checksum is `34`" in approval(None, None, given="34")[2]


def review(
    state: str = "APPROVED", at: str = "2026-03-01T10:30:00Z", commit: str = "a" * 40
) -> dict[str, str]:
    return {"state": state, "submitted_at": at, "commit_id": commit}


@pytest.mark.parametrize(
    ("reviews", "holds"),
    [
        ([], True),
        ([review()], True),
        ([review(at="2026-03-01T09:30:00Z")], False),
        ([review(at="2026-03-01T10:00:00Z")], False),
        ([review(at="2026-03-01T09:30:00Z"), review(at="2026-03-01T10:30:00Z")], True),
        ([review(at="2026-03-01T09:30:00Z"), review("COMMENTED")], False),
        ([review(at="2026-03-01T09:30:00Z"), review("DISMISSED")], False),
        ([review(at="2026-03-01T09:30:00Z", commit="9" * 40)], True),
    ],
)
def test_what_was_shown_anew_has_to_be_approved_anew(reviews: Any, holds: bool) -> None:
    """Where a plan of the same commit was shown before, a review of this commit has to be later
    than the newest; a first one needs none. A comment that has told of the commit before, and of
    another one between, counts as well.
    """
    old = SHOWN | {"head": {"commit": "a" * 40, "outdated": "x"}, "shown": "2026-03-01T08:00:00Z"}
    other = SHOWN | {"head": {"commit": "9" * 40}}
    again = SHOWN | {"head": HEAD | {"earlier": f"{'9' * 40} {'a' * 40}"}}

    assert (verdict(MERGED, [old, SHOWN], reviews)[0] != "") == holds
    assert (verdict(MERGED, [again], reviews)[0] != "") == holds
    assert verdict(MERGED, [other, SHOWN], reviews)[0] != ""
    assert holds or "shown anew after it was approved" in verdict(MERGED, [old, SHOWN], reviews)[2]


@pytest.mark.parametrize(
    ("applied", "relation", "reported"),
    [
        ({"commit": "c" * 40, "checksum": "x", "left": []}, "ahead", None),
        ({"commit": "c" * 40, "checksum": "x", "left": []}, "diverged", None),
        ({"commit": "c" * 40, "checksum": "x", "left": []}, "unknown", None),
        (
            {"commit": "c" * 40, "checksum": "x", "left": []},
            "behind",
            "A later commit, `ccccccc`, was applied already",
        ),
        ({"commit": "b" * 40, "checksum": "sha256:12", "left": []}, "", "was applied already"),
        ({"commit": "b" * 40, "checksum": "sha256:99", "left": ["r1", "r2", "r3"]}, "", None),
        ({"commit": "b" * 40, "checksum": "sha256:12", "left": ["r1"]}, "", "was applied in part"),
    ],
)
def test_an_approval_is_used_once(applied: Any, relation: str, reported: str | None) -> None:
    """A commit before the one that was applied last is refused; the same one is covered as far as
    it was left to do.
    """
    checksum, commit, reason = verdict(
        MERGED, [SHOWN], plan=PLAN | {"lock": {"applied": applied}}, relation=relation
    )

    assert (checksum, commit) == (("", "") if reported else ("sha256:12", "b" * 40))
    assert (reported or "") in reason and bool(reason) == bool(reported)


def test_what_is_approved_by_hand_after_that() -> None:
    """For a commit that was applied already the approval is a new one; for one that is overtaken
    there is none.
    """
    applied = PLAN | {
        "lock": {"applied": {"commit": "b" * 40, "checksum": "sha256:12", "left": []}}
    }
    older = PLAN | {"lock": {"applied": {"commit": "c" * 40, "checksum": "sha256:12", "left": []}}}

    assert verdict(MERGED, [SHOWN], plan=applied, given="sha256:12") == ["sha256:12", "", ""]
    assert verdict(MERGED, [SHOWN], plan=older, given="sha256:12", relation="behind")[0] == ""


def test_a_plan_that_is_another_one_or_shown_in_other_words() -> None:
    """The checksum has to be the one that was shown, and the text that of the plan."""
    assert (
        "whose checksum is `sha256:12`"
        in verdict(MERGED, [SHOWN], plan=PLAN | {"checksum": "sha256:13"})[2]
    )
    assert "not what this plan shows" in verdict(MERGED, [SHOWN | {"essence": "No changes"}])[2]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("at specs/a.yaml:\u206299\u2064\nserial \u20627\u2064", True),
        ("at specs/a.yaml:\u206220:3\u2064\r\nserial \u20624\u2064", True),
        ("at specs/b.yaml:\u206220\u2064\nserial \u20624\u2064", False),
        ("at specs/a.yaml:\u2062No changes\u2064\nserial \u20624\u2064", False),
        ("at specs/a.yaml:20\nserial \u20624\u2064", False),
        ("at specs/a.yaml:\u206220\u2064\nserial \u20624\u2064\nMore", False),
    ],
)
def test_what_counts_of_a_text(text: str, same: bool) -> None:
    """Everything but the numbers that are marked, the head, and the link to the run at the end."""
    link = f"\n<sub>[This run]({RUNS}/runs/{{}}) has the details.</sub>\n"
    ours = "<!-- provisioner:plan a/b -->\n"
    ours += "at specs/a.yaml:\u206220\u2064\nserial \u20624\u2064" + link.format(42)
    found = [essence(one) for one in (ours, text + link.format(7))]
    assert (found[0] == found[1]) == same
    assert essence(ours) != essence(ours.replace("acme", "evil"))
    assert essence(text + "\n" + ours) != essence(ours)


def essence(text: str) -> str:
    words = [
        "jq",
        "-Rsr",
        "-L",
        str(HERE),
        "--arg",
        "runs",
        RUNS,
        'include "essence"; essence($runs)',
    ]
    return subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("last", "what"),
    [
        (None, ["new", "", ""]),
        ({}, ["keep", "3", ""]),
        ({"essence": "No changes"}, ["new", "3", ""]),
        ({"edited": "eve"}, ["new", "3", ""]),
        ({"head": HEAD | {"checksum": "sha256:9"}}, ["new", "3", ""]),
        ({"head": {"commit": "a" * 40}}, ["new", "3", ""]),
        ({"head": HEAD | {"commit": "9" * 40}}, ["edit", "3", "9" * 40]),
        ({"head": HEAD | {"commit": "9" * 40, "earlier": "8 9"}}, ["edit", "3", f"8 9 {'9' * 40}"]),
    ],
)
def test_what_becomes_of_a_comment(last: Any, what: list[str]) -> None:
    """The same plan of the same commit writes nothing, another one outdates it, another commit
    brings it up to date.
    """
    head = "".join(f"<!-- provisioner:{key} {value} -->\n" for key, value in HEAD.items())
    comments = [] if last is None else [SHOWN | {"id": 2}, SHOWN | {"id": 3} | last]
    words = ["-r", "-L", str(HERE), "--arg", "runs", RUNS, "--arg", "text", f"{head}### Plan\n"]
    assert (jq("sticky.jq", comments, *words) + "\n\n").split("\n")[:3] == what


@pytest.mark.parametrize(
    ("merged_at", "made", "reported"),
    [
        ("2026-03-01T11:00:00Z", "b" * 40, '{"number":7'),
        (None, "b" * 40, ""),
        ("2026-03-01T11:00:00Z", "c" * 40, ""),
    ],
)
def test_which_pull_request_made_a_commit(merged_at: str | None, made: str, reported: str) -> None:
    """The merged one whose merge the commit is; neither an open one nor one that only has the
    commit in its branch, both of which GitHub names, too.
    """
    pull = {
        "number": 7,
        "head": {"sha": "b" * 40},
        "merged_at": merged_at,
        "merge_commit_sha": made,
    }
    script = (
        'gh() { printf %s "$PULLS"; }; GITHUB_REPOSITORY=acme/desk; source "$HERE/github.sh";'
        " PULLS=$2"
    )
    script += "; SCRATCH=$(mktemp -d)"

    found = shell(f'{script}; merged_pull_request "$1"', "b" * 40, json.dumps([pull]))
    assert found.startswith(reported) and bool(found) == bool(reported)


@pytest.mark.parametrize(
    ("token", "kept", "given"),
    [("t" * 70, False, True), ("t" * 70, True, False), ("", False, False)],
)
def test_when_git_gets_the_token(tmp_path: Path, token: str, kept: bool, given: bool) -> None:
    """Where there is one, and the checkout has not kept credentials of its own, of which GitHub
    would refuse a second pair. What git sends is masked whole: GitHub masks the token alone, and
    not in this form. What else the environment tells git stays.
    """
    git(tmp_path, "init", "-q")
    if kept:
        git(
            tmp_path,
            "config",
            "http.https://github.example/.extraheader",
            "AUTHORIZATION: basic kept",
        )
    script = (
        f'cd {tmp_path}; source "$HERE/git.sh"; GITHUB_SERVER_URL=https://github.example'
        " GH_TOKEN=$1"
    )
    script += (
        "; export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=Ada;"
        " give_git_the_token"
    )
    script += (
        "; git config user.name; git config --get-urlmatch http.extraheader"
        " https://github.example/acme/desk || true"
    )
    (secret,) = secrets([token])

    reported = (
        [f"::add-mask::{secret}", "Ada", f"AUTHORIZATION: basic {secret}"] if given else ["Ada"]
    )
    assert shell(script, token).splitlines() == reported + ["AUTHORIZATION: basic kept"] * kept


def approval(pull: Any, comment: Any, given: str = "") -> list[str]:
    return verdict(pull, [comment] if comment else [], given=given)


def verdict(
    pull: Any,
    comments: list[Any],
    reviews: Any = (),
    plan: Any = PLAN,
    relation: str = "",
    given: str = "",
) -> list[str]:
    words = [
        "--arg",
        "given",
        given,
        "--arg",
        "commit",
        "b" * 40,
        "--arg",
        "runs",
        RUNS,
        "--arg",
        "relation",
        relation,
    ]
    words += [
        "--argjson",
        "facts",
        json.dumps([pull, comments, list(reviews)]),
        "--argjson",
        "plan",
        json.dumps([plan]),
    ]
    words += ["--arg", "text", "### Plan\n", "-L", str(HERE)]
    return jq("approval.jq", None, "--null-input", "--raw-output", *words).splitlines()
