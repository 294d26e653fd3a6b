"""What was found at a service and no spec can have: it names what is gone, or is not valid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from provisioner.engine.context import Context
from provisioner.errors import RouteMissing, SpecError
from provisioner.importing.nouns import Found
from provisioner.importing.writing import Drafted
from provisioner.kinds import is_file, kind, kinds
from provisioner.kinds.base import Form, Names
from provisioner.model import Address, Live, Problem
from provisioner.remote import Remote, together
from provisioner.text import listed
from provisioner.workspace import Workspace

_AGAIN = "Mend that at the service, and run the same again."
_OTHERS = "`provisioner validate` shows it; `only` says which environments a resource is for."


def references(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Kind and id of the objects that a store or an assistant names, its tools included."""
    tools = [one for one in fields.get("tools") or () if isinstance(one, dict)]
    for holder in (fields, *tools):
        for name, one in kinds().items():
            entries = holder.get(one.section)
            for entry in entries if isinstance(entries, list) else ():
                named = entry.get("file", entry) if isinstance(entry, dict) else None
                if one.section != "tools" and isinstance(named, dict) and "id" in named:
                    yield name, named["id"]


async def living(
    remote: Remote, api: str, found: Sequence[Found], shown: Collection[str]
) -> tuple[list[Found], list[str]]:
    """What was found, less what names an object that is gone, and what there is to say of it.
    `shown`: ids that a list has. A store goes without such a document.
    """
    named = {one for each in found for one in references(each.fields) if one[1] not in shown}
    forms = [(kind(name).form(api if kind(name).per_api else None), id) for name, id in named]
    asked = [(form, id) for form, id in forms if form.remote]
    answers = await together(_shown(remote, form, id) for form, id in asked)
    gone = {id for (_, id), live in zip(asked, answers, strict=True) if live is None}
    kept: list[Found] = []
    remarks: list[str] = []
    for one in found:
        dead = sorted({id for _, id in references(one.fields) if id in gone})
        if not dead:
            kept.append(one)
            continue
        names = (
            f"`{one.id}` names {listed(f'`{id}`' for id in dead)}, which the service does not show:"
        )
        if kind(one.kind).holds_files:
            files = [entry for entry in one.fields["files"] if entry["id"] not in gone]
            kept.append(replace(one, fields={**one.fields, "files": files}))
            remarks.append(f"{names} that is not in the spec.")
        else:
            remarks.append(f"{names} it is left out. {_AGAIN}")
    return kept, remarks


async def _shown(remote: Remote, form: Form, id: str) -> Live | None:
    """An object by its id; None also where the service has no route that it could be read by."""
    try:
        return await form.read(remote, id, Names())
    except RouteMissing:
        return None


def valid(
    context: Context, found: Sequence[Found], write: Callable[[list[Found]], Drafted]
) -> tuple[Drafted, list[str]]:
    """What `write` makes of everything found that makes a valid spec, and what there is to say of
    the rest. SpecError where something else is wrong with the specs as they would be.
    """
    left, remarks = list(found), list[str]()
    while True:
        drafted = write(left)
        draft = context.workspace.draft(drafted.files)
        bad = _wrong(draft, context.environment.name, context.variables) if drafted.files else {}
        ours = {address for address in drafted.addresses if address in bad}
        if not ours:
            if bad:
                raise SpecError(replace(one, line=None, column=None) for one in _all(bad))
            return drafted, [*remarks, *_elsewhere(context, draft, drafted)]
        kept = []
        for one, address in zip(left, drafted.addresses, strict=True):
            if address in ours:
                remarks.append(_left_out(one, bad[address]))
            else:
                kept.append(one)
        left = [one for one in kept if not _alone(one, left, kept)]


def _wrong(
    draft: Workspace, environment: str, variables: Mapping[str, str]
) -> Mapping[Address | None, list[Problem]]:
    """The errors of an environment by what they are about."""
    found: dict[Address | None, list[Problem]] = defaultdict(list)
    for problem in draft.compile(environment, variables).problems:
        if problem.severity == "error":
            found[Address.parse(problem.address) if problem.address else None].append(problem)
    return found


def _all(found: Mapping[Address | None, list[Problem]]) -> list[Problem]:
    return [problem for some in found.values() for problem in some]


def _left_out(one: Found, problems: Sequence[Problem]) -> str:
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"`{one.id}` is left out, as no spec may say this{more}: {problems[0].detail} {_AGAIN}"


def _alone(one: Found, before: Sequence[Found], after: Sequence[Found]) -> bool:
    """Whether a document was in nothing but what is left out."""
    if one.kind not in kinds() or not is_file(Address(one.kind, "")):
        return False
    was, still = (
        any(one.id == id for holder in holders for _, id in references(holder.fields))
        for holders in (before, after)
    )
    return was and not still


def _elsewhere(context: Context, draft: Workspace, drafted: Drafted) -> Iterator[str]:
    """What would not be valid in another environment of the workspace."""
    new = {address for address in drafted.addresses if address}
    for name in context.workspace.environments:
        if name == context.environment.name or not new:
            continue
        bad = [one for at, some in _wrong(draft, name, {}).items() if at in new for one in some]
        if bad:
            more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
            yield f"In `{name}` this is not valid{more}: {bad[0].detail} {_OTHERS}"
