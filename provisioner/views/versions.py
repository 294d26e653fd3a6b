"""The kept versions of a request profile, listed, and two of them compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from provisioner.engine.versions import Version
from provisioner.model import Address, Plan
from provisioner.views.lines import Outline
from provisioner.views.outline import outline, place_facts
from provisioner.views.values import inline, many

_COMMIT = 12  # characters of a commit that a person reads
_HEAD = ("version", "written", "commit", "changed")
_SAME = "No difference: both versions send the same request."


def versions_text(
    address: Address, environment: str, kept: Sequence[Version], api: str | None
) -> str:
    """A version a line, the newest first. `api`: through which it is an object by now."""
    rows = [_HEAD, *(_row(version) for version in kept)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    counted = f"{many(len(kept), 'version')} {'is' if len(kept) == 1 else 'are'} kept"
    of = f" of the request profile that it was before `api: {inline(api)}`" if api else ""
    lines = [f"{inline(str(address))} in `{inline(environment)}`: {counted}{of}.", ""]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append(f"  {'  '.join(cells)}".rstrip())
    return "\n".join(lines) + "\n"


def _row(version: Version) -> tuple[str, str, str, str]:
    commit = inline(version.commit or "")[:_COMMIT]
    return str(version.version), _when(version), commit or "-", _changed(version)


def _when(version: Version) -> str:
    """`2026-11-26 08:30:00 UTC`."""
    written = inline(version.written or "unknown")
    return written.replace("T", " ").replace("+00:00", " UTC")


def _changed(version: Version) -> str:
    if version.request is None:
        return "its ids alone were kept, by release 0.1.0"
    said = [f"version {version.restores} again"] if version.restores else []
    if version.version == 1:
        said.append("the first one")
    elif version.changed is None:
        said.append("the version before it is not kept")
    else:
        said.append(", ".join(map(inline, version.changed)))
    return ": ".join(said)


def versions_json(
    address: Address,
    environment: str,
    keep_versions: int,
    kept: Sequence[Version],
    *,
    api: str | None,
) -> dict[str, Any]:
    """The same for programs; `changed` is null where nobody knows, and `api` is null where it still
    is a request profile.
    """
    return {
        "address": str(address),
        "environment": environment,
        "keep_versions": keep_versions,
        "api": api,
        "versions": [_version(version) for version in kept],
    }


def _version(version: Version) -> dict[str, Any]:
    return {
        "version": version.version,
        "digest": version.digest,
        "written": version.written,
        "commit": version.commit,
        "restores": version.restores,
        "changed": None if version.changed is None else list(version.changed),
        "complete": version.request is not None,
        "ids": list(version.ids),
    }


def diff_outline(
    plan: Plan, address: Address, old: Version, new: Version, *, verbose: bool = False
) -> Outline:
    """What differs between two versions, as a plan would show it."""
    shown, name = outline(plan, verbose=verbose), inline(str(address))
    heading = (
        f"`{name}` in `{inline(plan.environment)}`, from version {old.version} to {new.version}:"
    )
    fields = sum(len(change.fields) for change in plan.changes)
    differ = f"{many(fields, 'field')} {'differs' if fields == 1 else 'differ'}."
    return replace(
        shown,
        sections=tuple(replace(section, heading=heading) for section in shown.sections),
        summary=differ if fields else _SAME,
        title=f"{name}, version {old.version} → {new.version}",
        marker=f"diff {inline(plan.workspace)}/{inline(plan.environment)}",
        facts=(*place_facts(plan), ("From", _fact(old)), ("To", _fact(new))),
    )


def _fact(version: Version) -> str:
    of = f" of {inline(version.commit)}" if version.commit else ""
    when = f", written {_when(version)}" if version.written else ""
    return f"version {version.version}{of}{when}"


def diff_json(plan: Plan, address: Address, old: Version, new: Version) -> dict[str, Any]:
    """The same for programs."""
    fields = [field for change in plan.changes for field in change.fields]
    return {
        "address": str(address),
        "environment": plan.environment,
        "from": _version(old),
        "to": _version(new),
        "changed_fields": [
            {"path": field.path, "before": field.before, "after": field.after} for field in fields
        ],
    }
