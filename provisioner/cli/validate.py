"""`validate`: every problem of the specs, before any connection."""

from __future__ import annotations

from dataclasses import replace

from provisioner.cli.console import Console, command


@command
def validate(console: Console) -> int:
    """Check the specs of every environment, without a connection."""
    from provisioner import engine
    from provisioner.views.problems import problems_text, report_json, report_text

    report = engine.validate(
        console.root, console.environment, console.variables, carrying=console.verbose
    )
    errors = any(problem.severity == "error" for problem in report.problems)
    if console.json:
        placed = replace(report, problems=console.placed(report.problems))
        console.document(report_json(placed))
        return int(errors)
    if report.problems:
        import sys

        problems = console.placed(report.problems)
        sys.stderr.write(problems_text(problems, console.paint(sys.stderr)))
    if report.carrying:
        from provisioner.views.carrying import carrying_text

        console.result(carrying_text(report.carrying, console.paint()))
    if not errors:
        console.result(report_text(report))
    return int(errors)


COMMANDS = {"validate": validate}
