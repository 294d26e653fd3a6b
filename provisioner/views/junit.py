"""What came of checks as JUnit XML, for whatever shows test reports: Jenkins, GitLab, GitHub
actions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from provisioner.model import CheckReport, CheckResult
from provisioner.views.checks import details_of
from provisioner.views.values import inline, visible

# What XML 1.0 has no character for; controls are spelt out before.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def checks_junit(report: CheckReport) -> str:
    """A test suite for each assistant, a test case for each check. What failed is a failure, what
    could not be run an error; nothing is ever skipped.
    """
    root = ET.Element("testsuites", name=f"{report.workspace}/{report.environment}")
    _count(root, report.results)
    by_address: dict[str, list[CheckResult]] = {}
    for result in report.results:
        by_address.setdefault(str(result.address), []).append(result)
    for address, results in by_address.items():
        suite = ET.SubElement(root, "testsuite", name=address)
        _count(suite, results)
        suite.set("skipped", "0")
        for result in results:
            _case(suite, result)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _count(element: ET.Element, results: Iterable[CheckResult]) -> None:
    outcomes = [result.outcome for result in results]
    element.set("tests", str(len(outcomes)))
    element.set("failures", str(outcomes.count("failed")))
    element.set("errors", str(outcomes.count("error")))
    element.set("time", f"{sum(result.seconds for result in results):.3f}")


def _case(suite: ET.Element, result: CheckResult) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        name=result.check.name,
        classname=str(result.address),
        time=f"{result.seconds:.3f}",
    )
    text = _fit("\n".join(details_of(result)))
    if result.outcome == "passed":
        if text:
            ET.SubElement(case, "system-out").text = text
        return
    if result.outcome == "error" and result.problem:
        kind, message = "error", f"{result.problem.summary}: {result.problem.detail}"
    else:
        kind, message = "failure", _first_miss(result)
    wrong = ET.SubElement(case, kind, message=_fit(inline(message)), type=result.outcome)
    wrong.text = text


def _first_miss(result: CheckResult) -> str:
    turns = [turn for attempt in result.attempts for turn in attempt.turns]
    misses = [miss for turn in turns for miss in turn.misses]
    return f"expected {misses[0].expected}; {misses[0].got}" if misses else "failed"


def _fit(text: str) -> str:
    return _NO_XML.sub("\ufffd", visible(text))
