"""What a spec names by its id, although it is managed here: taken over later, say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from provisioner.kinds import kind
from provisioner.model import Address, Desired


def by_address(
    desired: Mapping[Address, Desired], ids: Mapping[Address, str]
) -> Mapping[Address, Desired]:
    """The same resources, where what names one that is declared by its `{id: …}` means that one:
    the service shows an id in both cases.
    """
    naming = {
        address: want
        for address, want in desired.items()
        if kind(address.kind).fields.unmanaged(want.fields)
    }
    if not naming:
        return desired
    declared = {id: str(address) for address, id in ids.items() if address in desired}
    found = dict(desired)
    for address, want in naming.items():
        fields = kind(address.kind).renamed(want.fields, declared)
        if fields != want.fields:
            named = kind(address.kind).references(fields)
            depends_on = tuple(sorted({*want.depends_on, *named}))
            found[address] = replace(want, fields=fields, depends_on=depends_on)
    return found
