"""The options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class OnDrift(StrEnum):
    """What a plan does about somebody else's edits."""

    overwrite = "overwrite"
    fail = "fail"


class PlanFormat(StrEnum):
    """How a plan, the result of an apply or a drift report is printed."""

    text = "text"
    json = "json"
    markdown = "markdown"
    html = "html"

    @property
    def document(self) -> bool:
        """Whether it is for people who are not at the terminal."""
        return self in (PlanFormat.markdown, PlanFormat.html)


class ReportFormat(StrEnum):
    """How a report that has no page of its own is printed."""

    text = "text"
    json = "json"
    markdown = "markdown"


Chdir = Annotated[
    str | None,
    typer.Option(
        "--chdir", "-C", metavar="DIR", help="The workspace; default: this folder, or one above."
    ),
]
EnvironmentOption = Annotated[
    str | None,
    typer.Option(
        "--env",
        "-e",
        metavar="NAME",
        envvar="PROVISIONER_ENV",
        help="The environment.",
        show_envvar=True,
    ),
]
Variables = Annotated[
    list[str] | None,
    typer.Option("--var", metavar="NAME=VALUE", help="A variable of the specs; repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours; NO_COLOR says the same.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Nothing but results and errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show everything.")]

Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="ADDR",
        help="Only this and what it depends on; deletes nothing outside.",
    ),
]
Excludes = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="ADDR", help="Everything but this and what depends on it."),
]
Replaces = Annotated[
    list[str] | None,
    typer.Option("--replace", metavar="ADDR", help="Replace this, though nothing differs."),
]
Rotates = Annotated[
    list[str] | None,
    typer.Option("--rotate", metavar="ADDR", help="Send the secrets of this again."),
]
FormatOption = Annotated[PlanFormat, typer.Option("--format", help="How to print it.")]
Destroy = Annotated[
    bool, typer.Option("--destroy", help="Plan to delete everything that the lock names.")
]
OnDriftOption = Annotated[
    OnDrift | None,
    typer.Option(
        "--on-drift", help="Overwrite edits of others, or fail. Default: the environment's."
    ),
]
PruneOrphans = Annotated[
    bool,
    typer.Option(
        "--prune-orphans", help="Delete objects with our stamp that nothing accounts for."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Override a safety stop, and nothing else.")]
AutoApprove = Annotated[
    bool,
    typer.Option("--auto-approve", "-y", "--yes", help="Do not ask; needed without a terminal."),
]
Parallelism = Annotated[
    int, typer.Option("--parallelism", metavar="N", min=1, help="Requests at once.")
]
IndexTimeout = Annotated[
    float,
    typer.Option(
        "--index-timeout",
        metavar="SECONDS",
        min=0,
        help="How long a vector store may take to index files.",
    ),
]
LockTimeout = Annotated[
    float,
    typer.Option("--lock-timeout", metavar="SECONDS", min=0, help="How long to wait for the lock."),
]
