"""What of a source is not in the specs that it became: as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from provisioner.errors import problem_json
from provisioner.importing.nouns import Lost
from provisioner.views.values import inline

if TYPE_CHECKING:
    from provisioner.engine.from_sources import FromSources

_LASTING = ("vs_", "file-")  # what begins so outlives the API that assistants were made with
_THERE = (
    "The service may have these still. An apply makes new ones, unless `imports:` in a spec names"
    " them:"
)
_ORDER = {"error": 0, "warning": 1, "note": 2}


def losses_text(made: FromSources, *, verbose: bool = False) -> str:
    """A line for each leaf that is lost, below what it belongs to; notes only with `-v`."""
    found = made.findings.found
    lines: list[str] = []
    quiet = 0
    for title, losses in _groups(made):
        shown = [lost for lost in losses if verbose or lost.severity != "note"]
        quiet += len(losses) - len(shown)
        if shown:
            lines += [title, *(_line(lost) for lost in _sorted(shown)), ""]
    many = "1 thing" if len(found) == 1 else f"{len(found)} things"
    if not found:
        return "\n".join([*lines, "Nothing was found.", ""])
    lines.append(f"{many} found. {_summary(made)}")
    if quiet == 1:
        lines.append("1 value that means nothing to a spec is listed with `-v`.")
    elif quiet:
        lines.append(f"{quiet} values that mean nothing to a spec are listed with `-v`.")
    lines += [inline(remark) for remark in made.drafted.remarks]
    if ids := _ids(made):
        lines.append(_THERE)
        lines += [inline(f"  - {{to: {address}, id: {id}}}") for address, id in ids.items()]
    return "\n".join([*lines, "Now: `provisioner validate`.", ""])


def _ids(made: FromSources) -> dict[str, str]:
    """The stores and files of which the source knows the id at the service."""
    ids = {}
    for one, address in zip(made.findings.found, made.drafted.addresses, strict=True):
        id = made.findings.ids.get(one.id or "", one.id or "")
        if address and id.startswith(_LASTING):
            ids[str(address)] = id
    return ids


def _summary(made: FromSources) -> str:
    all_lost = [lost for _, losses in _groups(made) for lost in losses]
    errors = sum(lost.severity == "error" for lost in all_lost)
    others = sum(lost.severity == "warning" for lost in all_lost)
    if not errors and not others:
        return "Everything in the source is in the specs."
    return f"{errors} to mend before it validates, {others} not in the specs."


def _groups(made: FromSources) -> Iterator[tuple[str, tuple[Lost, ...]]]:
    for one, address in zip(made.findings.found, made.drafted.addresses, strict=True):
        yield inline(f"{address or one.name} ({one.origin})"), one.losses
    if made.findings.losses:
        yield "elsewhere in the source", tuple(made.findings.losses)


def _sorted(losses: list[Lost]) -> list[Lost]:
    return sorted(losses, key=lambda lost: _ORDER.get(lost.severity, 1))


def _line(lost: Lost) -> str:
    hint = f" ({lost.hint})" if lost.hint else ""
    return inline(f"  {lost.severity}: `{lost.what}` {lost.why}{hint}")


def sources_json(made: FromSources) -> dict[str, Any]:
    """The same as one document."""
    found = [
        {
            "kind": one.kind,
            "name": one.name,
            "address": None if address is None else str(address),
            "id": None if (one.id or "made:").startswith("made:") else one.id,
            "variables": one.variables,
            **_place(one.origin),
            "losses": [_lost_json(lost) for lost in one.losses],
        }
        for one, address in zip(made.findings.found, made.drafted.addresses, strict=True)
    ]
    return {
        "found": found,
        "losses": [_lost_json(lost) for lost in made.findings.losses],
        "written": sorted(made.changed),
        "imports": [{"to": address, "id": id} for address, id in _ids(made).items()],
        "remarks": list(made.drafted.remarks),
        "problems": [problem_json(problem) for problem in made.findings.problems],
    }


def _place(origin: Any) -> dict[str, Any]:
    return {
        "file": origin.source,
        "line": origin.line,
        "column": origin.column,
        "path": origin.path or None,
    }


def _lost_json(lost: Lost) -> dict[str, Any]:
    return {
        "severity": lost.severity,
        "what": lost.what,
        "why": lost.why,
        "hint": lost.hint,
        **_place(lost.origin),
    }
