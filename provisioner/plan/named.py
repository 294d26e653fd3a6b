"""What a spec names by its id, although it is managed here: taken over later, say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from provisioner.kinds import kinds
from provisioner.model import Address, Desired, Fields


def by_address(
    desired: Mapping[Address, Desired], ids: Mapping[Address, str]
) -> dict[Address, Desired]:
    """The same resources, where a tool that names one that is declared by its `{id: …}` means that
    one: the service shows an id in both cases.
    """
    known = {id: address for address, id in ids.items() if address in desired}
    found = dict(desired)
    for address, want in desired.items():
        tools = want.fields.get("tools")
        if not isinstance(tools, list):
            continue
        new = [_named(tool, known) for tool in tools]
        if new != tools:
            named = {Address.parse(one) for one in _references(new)}
            depends_on = tuple(sorted({*want.depends_on, *named}))
            found[address] = replace(
                want, fields={**want.fields, "tools": new}, depends_on=depends_on
            )
    return found


def _named(tool: Fields, known: Mapping[str, Address]) -> Fields:
    """A tool with the addresses of what it names; nothing else that has an `id` is touched."""
    new = dict(tool)
    for section in _sections() & tool.keys():
        if isinstance(tool[section], list):
            ids = [str(one.get("id")) if isinstance(one, dict) else "" for one in tool[section]]
            new[section] = [
                str(known[id]) if id in known else one
                for id, one in zip(ids, tool[section], strict=True)
            ]
    return new


def _references(tools: list[Fields]) -> Iterator[str]:
    for tool in tools:
        for section in _sections() & tool.keys():
            yield from (one for one in tool[section] or () if isinstance(one, str))


def _sections() -> set[str]:
    return {one.section for one in kinds().values() if not one.inlined}
