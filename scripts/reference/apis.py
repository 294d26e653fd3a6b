"""The page that says what each field and each setting of a tool is called in each API."""

from __future__ import annotations

from provisioner.kinds import kind
from provisioner.kinds.assistant.carried import DEFAULTS, NESTED, TOOL, TOOLS
from scripts.reference.markdown import table

_HEAD = """\
# What each API calls it

Generated from the tables by which specs are carried out. A dash is what an API does not have: where
a spec says it, it is a problem with a remedy, unless the environment accepts the loss. What that
means for a change of API is in [the page on APIs](../apis.md).
"""
_DEFAULTS = """\
## Where nothing is said

What the APIs do on their own, where that is not the same under each.

"""


def page() -> str:
    """The whole page."""
    parts = [
        _HEAD,
        f"## Fields of an assistant\n\n{_fields()}",
        f"## Tools\n\n{_tools()}",
        f"{_DEFAULTS}{_defaults()}",
    ]
    return "\n".join(parts)


def _fields() -> str:
    assistant = kind("assistant")
    columns = [str(api) for api in assistant.apis]
    rows = []
    for one in assistant.fields:
        if not one.about or not one.kept or one.unread:
            continue
        row = [f"`{one.name}`"]
        for api in columns:
            path = NESTED.get((api, one.name)) or ".".join(one.path(api))
            if one.name == api:
                row.append("its own fields")
            else:
                row.append(f"`{path}`" if one in assistant.fields.carried(api) else "–")
        rows.append(row)
    return table(("field", *(f"`{api}`" for api in columns)), rows)


def _tools() -> str:
    columns = [str(api) for api in kind("assistant").apis]
    rows = []
    for tool, settings in sorted(TOOLS.items()):
        for name, where in settings.items():
            label = f"**`{tool}`**" if name == TOOL else f"`{name}`"
            said = [f"`{where[api] or name or tool}`" if api in where else "–" for api in columns]
            rows.append([label, *said])
    return table(("tool and setting", *(f"`{api}`" for api in columns)), rows)


def _defaults() -> str:
    columns = [str(api) for api in kind("assistant").apis]
    rows = [
        [f"`{name}`", *(said.get(api, "–") for api in columns)] for name, said in DEFAULTS.items()
    ]
    return table(("field", *(f"`{api}`" for api in columns)), rows)
