"""The page of the embedded service names every route that there is."""

from __future__ import annotations

import re

from provisioner.local.app import routes
from tests.docs.pages import ROOT

PAGE = ROOT / "docs/embedded-service.md"
METHODS = {"GET", "POST", "DELETE"}


def named() -> list[tuple[str, str, str]]:
    """Method, path and what it does not do, of each call in the table."""
    table = PAGE.read_text(encoding="utf-8").split("| call | what it does not do |")[1]
    rows = re.findall(r"^\| (`.+?) \| (.*) \|$", table.split("\n\n")[0], re.M)
    found = []
    for calls, lacks in rows:
        for call in calls.split(", "):
            words = re.findall(r"`([^`]+)`", call)
            methods, paths = words[:-1], words[-1:]
            assert methods and set(methods) <= METHODS, call
            found += [(method, paths[0], lacks) for method in methods]
    return found


def test_the_table_and_the_routes_are_the_same() -> None:
    """Each call stands in it once, with what it does not do or a dash; nothing else does."""
    there = [
        (method, route.path.removeprefix("/v1"))
        for route in routes()
        for method in (route.methods or set()) - {"HEAD"}
    ]
    shown = named()

    assert sorted((method, path) for method, path, _ in shown) == sorted(there)
    assert all(lacks for _, _, lacks in shown)
