"""How many crash points were tried, told at the end of a test run."""

from __future__ import annotations

import pytest

REPORTED = "crash points"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell them; the properties of a report come from wherever the test has run."""
    for report in sorted(
        terminalreporter.getreports(""), key=lambda report: getattr(report, "nodeid", "")
    ):
        for key, value in getattr(report, "user_properties", ()):
            if key == REPORTED and getattr(report, "when", None) == "teardown":
                terminalreporter.write_line(
                    f"{REPORTED}: {value} ({report.nodeid.rpartition('::')[2]})"
                )
