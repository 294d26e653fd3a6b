"""Compares changed assistants three ways and finds what differs inside their tools; prints the
seconds.
"""

import copy
import sys
import time
from pathlib import Path
from typing import Any

from provisioner.diff import compare
from provisioner.kinds import kind
from provisioner.model import Desired, Fields, Live, Locked
from provisioner.plan.decide import sides
from provisioner.views.fields import tools_lines
from provisioner.workspace import Workspace
from provisioner.workspace.workspace import undisturbed

FORM = kind("assistant").form("assistants")


def edited(fields: Fields) -> Fields:
    """The same assistant with another prompt, another temperature and another schema of its
    function.
    """
    changed: Any = copy.deepcopy(fields)
    changed["instructions"] = changed["instructions"].replace("Be brief", "Be friendly")
    changed["temperature"] = 0.7
    changed["tools"][0]["parameters"]["properties"]["key"]["description"] += ", or a part of it"
    return dict(changed)


def differ(want: Desired, entry: Locked, live: Live) -> None:
    found = compare(sides(FORM, want, entry, live))
    assert {change.path for change in found.changes} == {"instructions", "tools", "temperature"}
    tools = next(change for change in found.changes if change.path == "tools")
    assert len(list(tools_lines(tools.before, tools.after, frozenset()))) == 2


def main(root: Path) -> None:
    workspace = Workspace.open(root)
    desired = workspace.compile(next(iter(workspace.environments))).desired
    cases = []
    for address, want in desired.items():
        changed = Desired(address, edited(want.fields), want.source, want.depends_on, want.api)
        entry = Locked(address, id="asst_1", fields=want.fields, api=want.api)
        cases.append((changed, entry, Live("asst_1", want.fields)))
    with undisturbed():  # as in a plan
        start = time.perf_counter()
        for case in cases:
            differ(*case)
        print(time.perf_counter() - start)


main(Path(sys.argv[1]))
