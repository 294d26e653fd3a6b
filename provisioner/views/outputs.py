"""What an application needs to know, as JSON, shell variables, YAML or TypeScript."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from provisioner.errors import UsageError
from provisioner.model import Problem

Outputs = Mapping[str, Mapping[str, Any]]
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"])


def as_json(outputs: Outputs) -> str:
    """One document, by address."""
    return json.dumps(outputs, ensure_ascii=False, indent=2) + "\n"


def as_env(outputs: Outputs) -> str:
    """`ASSISTANT_SUPPORT_ID=asst_…`, quoted as a shell wants it."""
    names: dict[str, str] = {}
    lines = []
    for address, found in outputs.items():
        name = re.sub(r"[^A-Z0-9]+", "_", address.upper())
        if name in names:
            raise UsageError(_collision(name, names[name], address))
        names[name] = address
        lines += [f"{name}_{key.upper()}={_shell(given)}\n" for key, given in found.items() if given is not None]
    return "".join(lines)


def _collision(name: str, first: str, second: str) -> Problem:
    return Problem(
        "Names collide",
        f"`{first}` and `{second}` would both be called `{name}_ID`.",
        "name the addresses that you need, or use `--format json`",
    )


def _shell(given: Any) -> str:
    return shlex.quote(given if isinstance(given, str) else json.dumps(given, ensure_ascii=False))


def as_yaml(outputs: Outputs) -> str:
    """Block style, every text quoted as JSON does, which YAML reads as well."""
    return "".join(f"{line}\n" for line in _yaml(outputs, 0)) if outputs else "{}\n"


def _yaml(given: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    pairs = given.items() if isinstance(given, Mapping) else ((None, item) for item in given)
    for key, item in pairs:
        head = f"{pad}-" if key is None else f"{pad}{_key(str(key))}:"
        if isinstance(item, Mapping | list | tuple) and item:
            yield head
            yield from _yaml(item, depth + 1)
        else:
            yield f"{head} {_scalar(item)}"


def _key(key: str) -> str:
    plain = _PLAIN_KEY.fullmatch(key) and key.lower() not in _WORDS
    return key if plain else _scalar(key)


def _scalar(given: Any) -> str:
    # YAML 1.1 readers take DEL and the C1 controls, but not unescaped.
    text = json.dumps(given, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def as_typescript(outputs: Outputs) -> str:
    """A constant that a TypeScript application imports."""
    body = json.dumps(outputs, ensure_ascii=True, indent=2)
    return (
        "// Written by `provisioner output --format ts`. Do not edit.\n"
        f"export const resources = {body} as const;\n\n"
        "export type Address = keyof typeof resources;\n"
    )


FORMATS: dict[str, Callable[[Outputs], str]] = {
    "json": as_json,
    "env": as_env,
    "yaml": as_yaml,
    "ts": as_typescript,
}
