"""A stand-in for `gh api`: one repository in a JSON file, and only the handful of requests that the
action makes.
"""

import fcntl
import json
import os
import re
import subprocess
import sys
import urllib.parse
from pathlib import Path

PAGE = 2  # small, so that every longer list is read page by page
LONGEST = 65_536


def main() -> int:
    host = os.environ.get("GH_HOST")
    if host != "github.example":
        return refused(404, f"there is no repository at {host}")
    token = os.environ.get(
        "GH_ENTERPRISE_TOKEN"
    )  # the real one takes `GH_TOKEN` for github.com alone
    with Path(os.environ["STUB_GITHUB"]).open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        state = json.load(file)
        if token not in state["tokens"]:
            return refused(401, "Bad credentials")
        state["viewer"] = state["tokens"][token]
        code = answer(state, sys.argv[1:])
        file.seek(0)
        file.truncate()
        json.dump(state, file, indent=1)
    return code


def answer(state, words):
    assert words[0] == "api", words
    method, path, paginate, fields = parsed(words[1:])
    broken = out_of_order(state, method, path, fields)
    if broken:
        return refused(broken.get("status", 502), broken.get("message", "Bad gateway"))
    if path == "graphql":
        pages = list(graphql(state, fields))
        print("".join(json.dumps(page) for page in (pages if paginate else pages[:1])))
        return 0
    if method != "GET" and state["read_only"]:
        return refused(403, "Resource not accessible by integration")
    if len(fields.get("body", "")) > LONGEST:
        return refused(422, "body is too long (maximum is 65536 characters)")
    reply = route(state, method, path, fields)
    if reply is None:
        return refused(404, f"Not Found: {method} {path}")
    print(printed(reply, paginate, "--jq" in words), end="")
    return 0


def out_of_order(state, method, path, fields):
    """The rule by which a request fails, if one does: `times` often; where it is `done`, only the
    answer is lost.
    """
    request = f"{method} {path}"
    state["calls"] += [request] if method != "GET" else []
    for rule in state["broken"]:
        if re.search(rule["request"], request) and rule.setdefault("times", 1000) > 0:
            rule["times"] -= 1
            if rule.get("done"):
                route(state, method, path, fields)
            return rule
    return None


def printed(reply, paginate, address):
    if isinstance(reply, str):
        return reply
    if paginate:  # the pages one after the other
        return "".join(
            json.dumps(reply[start : start + PAGE]) for start in range(0, max(len(reply), 1), PAGE)
        )
    return f"{reply['html_url']}\n" if address else json.dumps(reply)


def route(state, method, path, fields):
    for (verb, pattern), handler in ROUTES.items():
        match = re.fullmatch(f"repos/acme/desk/{pattern}", path)
        if verb == method and match:
            return handler(state, fields, *match.groups())
    return None


def refused(status, message):
    """The answer goes to stdout, as it does for every other request."""
    print(json.dumps({"message": message, "status": str(status)}))
    print(f"gh: {message} (HTTP {status})", file=sys.stderr)
    return 1


def parsed(words):
    """Method, path, whether to page, fields: exactly the options that the action may use."""
    method, path, paginate, fields = "GET", None, False, {}
    rest = iter(words)
    for word in rest:
        if word == "--paginate":
            paginate = True
        elif word == "--method":
            method = next(rest)
        elif word == "--jq":
            assert next(rest) == ".html_url"
        elif word == "--input":
            fields |= json.loads(Path(next(rest)).read_text(encoding="utf-8"))
        elif word == "--header":
            assert next(rest) == "Accept: application/vnd.github.raw+json"
        elif word in ("-f", "-F"):
            key, _, value = next(rest).partition("=")
            fields[key] = typed(value) if word == "-F" else value
        else:
            assert path is None and not word.startswith("-"), word
            path = word
    return method, path, paginate, fields


def typed(value):
    return Path(value[1:]).read_text(encoding="utf-8") if value.startswith("@") else int(value)


def graphql(state, fields):
    """The pages of comments or issues; the query has to name the fields that it gets."""
    query, viewer = re.sub(r"\s+", " ", fields["query"]), state["viewer"]
    assert (fields["owner"], fields["name"]) == ("acme", "desk")
    if "pullRequest(" in query:
        rows = [row for row in state["comments"] if row["issue"] == fields["number"]]
        where = ("pullRequest", "comments")
    else:
        rows = [
            row
            for row in state["issues"]
            if (row["state"] == "open" or "states: OPEN" not in query)
            and (fields["label"] in row["labels"] or "labels: [$label]" not in query)
        ]
        where = ("issues",)
    for start in range(0, max(len(rows), 1), PAGE):
        nodes = [seen(row, viewer, query) for row in rows[start : start + PAGE]]
        more = (
            start + PAGE < len(rows)
            and "after: $endCursor" in query
            and "{ hasNextPage endCursor }" in query
        )
        page = {
            "nodes": nodes,
            "pageInfo": {"hasNextPage": more, "endCursor": str(start) if more else None},
        }
        for key in reversed(("data", "repository", *where)):
            page = {key: page}
        yield page
        if not more:
            break


def seen(row, viewer, query):
    whole = {
        "databaseId": row.get("id"),
        "number": row.get("number"),
        "url": row["html_url"],
        "body": row["body"],
        "createdAt": row["created"],
        "lastEditedAt": row["edited"],
        "viewerDidAuthor": row["author"] == viewer,
        "author": {"login": row["author"]},
        "editor": {"login": row["editor"]} if row["editor"] else None,
    }
    return {key: value for key, value in whole.items() if re.search(rf"\b{key}\b", query)}


def written(state, body):
    state["clock"] += 1
    when = f"2026-03-01T12:{state['clock'] // 60:02}:{state['clock'] % 60:02}Z"
    return {
        "author": state["viewer"],
        "editor": None,
        "created": when,
        "edited": None,
        "body": body,
        "when": when,
    }


def change(state, row, fields):
    """An edit of the body is noted with its author and time, as GitHub does; other changes
    are not.
    """
    if "body" in fields:
        fresh = written(state, fields["body"])
        row |= {"body": fresh["body"], "editor": fresh["author"], "edited": fresh["when"]}
    row |= {key: fields[key] for key in ("state", "state_reason") if key in fields}
    return row


def pulls_of_commit(state, _, sha):
    return [
        pull for pull in state["pulls"] if sha in (pull["merge_commit_sha"], pull["head"]["sha"])
    ]


def git(state, *words):
    done = subprocess.run(["git", "-C", state["bare"], *words], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def compare(state, _, base, commit):
    """How one commit stands to another one, as the repository has them."""
    if None in (git(state, "cat-file", "-e", base), git(state, "cat-file", "-e", commit)):
        return None
    ahead = git(state, "rev-list", "--count", f"{base}..{commit}").strip() != "0"
    behind = git(state, "rev-list", "--count", f"{commit}..{base}").strip() != "0"
    words = {
        (False, False): "identical",
        (True, False): "ahead",
        (False, True): "behind",
        (True, True): "diverged",
    }
    return {"status": words[ahead, behind]}


def contents(state, _, path, ref):
    """The bytes of a file, as they are asked for by the header."""
    return git(state, "show", f"{urllib.parse.unquote(ref)}:{urllib.parse.unquote(path)}")


def reviews(state, _, number):
    return [row for row in state["reviews"] if row["pull"] == int(number)]


def comment(state, fields, issue):
    made = 100 + len(state["comments"])
    where = f"https://github.example/acme/desk/issues/{issue}#{made}"
    row = written(state, fields["body"]) | {"id": made, "issue": int(issue), "html_url": where}
    state["comments"].append(row)
    return row


def edit_comment(state, fields, found):
    return change(state, next(row for row in state["comments"] if row["id"] == int(found)), fields)


def open_issue(state, fields):
    number = 500 + len(state["issues"])
    row = written(state, fields["body"]) | {
        "number": number,
        "title": fields["title"],
        "labels": fields["labels"],
    }
    row |= {"state": "open", "html_url": f"https://github.example/acme/desk/issues/{number}"}
    state["issues"].append(row)
    return row


def edit_issue(state, fields, number):
    return change(
        state, next(row for row in state["issues"] if row["number"] == int(number)), fields
    )


def pull_requests(state, _, owner, branch, base):
    """The newest from a branch to another one."""
    head, base = urllib.parse.unquote(branch), urllib.parse.unquote(base)
    found = [
        pull
        for pull in state["pulls"]
        if owner == "acme" and (pull.get("head_ref"), pull.get("base_ref")) == (head, base)
    ]
    return found[:-2:-1]


def open_pull_request(state, fields):
    """Refused as by GitHub: a second one of a branch, and one without a commit of its own."""
    head, base = fields["head"], fields["base"]
    tip = (git(state, "rev-parse", "--verify", f"refs/heads/{head}") or "").strip()
    ours = [pull for pull in state["pulls"] if pull.get("head_ref") == head]
    alone = git(state, "rev-list", "--count", f"{base}..{tip}") if tip else "0"
    if any(pull["state"] == "open" for pull in ours) or int(alone) == 0:
        return None
    number = 700 + len(ours)
    row = written(state, fields["body"]) | {
        "number": number,
        "title": fields["title"],
        "state": "open",
        "head": {"sha": tip, "repo": {"full_name": "acme/desk"}},
        "head_ref": head,
        "base_ref": base,
        "merged_at": None,
        "merge_commit_sha": None,
        "html_url": f"https://github.example/acme/desk/pull/{number}",
    }
    state["pulls"].append(row)
    return row


def edit_pull_request(state, fields, number):
    return change(
        state, next(row for row in state["pulls"] if row["number"] == int(number)), fields
    )


ROUTES = {
    ("GET", r"commits/(\w+)/pulls"): pulls_of_commit,
    ("GET", r"compare/(\w+)\.\.\.(\w+)\?per_page=1"): compare,
    ("GET", r"contents/([^?]+)\?ref=(.+)"): contents,
    ("GET", r"pulls/(\d+)/reviews\?per_page=100"): reviews,
    ("POST", r"issues/(\d+)/comments"): comment,
    ("PATCH", r"issues/comments/(\d+)"): edit_comment,
    ("POST", "issues"): open_issue,
    ("PATCH", r"issues/(\d+)"): edit_issue,
    (
        "GET",
        r"pulls\?state=all&head=(\w+)%3A([^&]+)&base=([^&]+)&per_page=1",
    ): pull_requests,
    ("POST", "pulls"): open_pull_request,
    ("PATCH", r"pulls/(\d+)"): edit_pull_request,
}

if __name__ == "__main__":
    sys.exit(main())
