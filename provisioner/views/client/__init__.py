"""What an application commits: the resources with the calls that it makes with them, as a module
that needs nothing but the official SDK.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

Outputs = Mapping[str, Mapping[str, Any]]
_CALLED = (
    "responses",
    "agents",
    "assistants",
)  # APIs; a module has the calls of the first that it meets
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PLACE = "RESOURCES: dict[str, dict[str, Any]] = {}\n"
_NAME = 'Name = Literal["…"]\n'
_BARE = f'''"""Written by `provisioner output --format python`. Do not edit."""

from __future__ import annotations

from typing import Any

{_PLACE}'''


def as_python(outputs: Outputs, apis: Mapping[str, str]) -> str:
    """A module for Python, as `ruff format` has it. `apis`: of each assistant."""
    api, names = _callable(outputs, apis)
    text = _template(f"{api}.py.txt") if api else _BARE
    resources = "\n".join(_python(outputs, 0))
    head, _, rest = text.replace(_NAME, _names_python(names)).partition(_PLACE)
    return head + _PLACE.replace("{}", "", 1).rstrip() + f" {resources}\n" + rest


def as_typescript(outputs: Outputs, apis: Mapping[str, str] | None = None) -> str:
    """A module for TypeScript. `resources` is a constant in which every value is a literal type,
    and nothing is read-only, because the official SDK takes no read-only lists.
    """
    api, names = _callable(outputs, apis or {})
    # What ends a script in a page does not end this one.
    body = json.dumps(outputs, ensure_ascii=True, indent=2).replace("</", "<\\/")
    head = "// Written by `provisioner output --format ts`. Do not edit.\n"
    head += 'import type OpenAI from "openai";\n\n' if api else ""
    text = (
        f"{head}const written = {body} as const;\n\n"
        "type Mutable<T> = { -readonly [Key in keyof T]: Mutable<T[Key]> };\n\n"
        "export const resources = written as Mutable<typeof written>;\n\n"
        "export type Address = keyof typeof resources;\n"
    )
    if not api:
        return text
    either = " | ".join(json.dumps(name) for name in names)
    return f"{text}\nexport type Name = {either};\n{_template(f'{api}.ts')}"


def _template(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")


def _callable(outputs: Outputs, apis: Mapping[str, str]) -> tuple[str, list[str]]:
    """The API whose calls a module has, and the names of the assistants that are called so."""
    for api in _CALLED:
        found = [one for one in outputs if apis.get(one) == api and one.startswith("assistant.")]
        if found:
            return api, [address.partition(".")[2] for address in found]
    return "", []


def _names_python(names: list[str]) -> str:
    if len(names) == 1:
        return f"Name = Literal[{_quoted(names[0])}]\n"
    return "Name = Literal[\n" + "".join(f"    {_quoted(name)},\n" for name in names) + "]\n"


def _python(value: Any, depth: int) -> Iterator[str]:
    """The lines of a literal: the first without what stands before it, the last without a comma."""
    pad = "    " * (depth + 1)
    if isinstance(value, Mapping) and value:
        yield "{"
        for key, inner in value.items():
            yield from _entry(f"{pad}{_quoted(str(key))}: ", inner, depth)
        yield "    " * depth + "}"
    elif isinstance(value, list | tuple) and value:
        yield "["
        for inner in value:
            yield from _entry(pad, inner, depth)
        yield "    " * depth + "]"
    elif isinstance(value, str):
        yield _quoted(value)
    else:
        yield repr(list(value) if isinstance(value, tuple) else value)


def _entry(before: str, value: Any, depth: int) -> Iterator[str]:
    lines = list(_python(value, depth + 1))
    lines[0] = before + lines[0]
    lines[-1] += ","
    yield from lines


def _quoted(text: str) -> str:
    """A literal on one line that says exactly this, in the quotes that need fewer escapes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(_escaped(letter, quote) for letter in text) + quote


def _escaped(letter: str, quote: str) -> str:
    if letter == quote:
        return f"\\{quote}"
    if letter in _ESCAPES or letter.isprintable():
        return _ESCAPES.get(letter, letter)
    code = ord(letter)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
