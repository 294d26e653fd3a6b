"""Edits to the files of a workspace as data, and what becomes of a file when they are made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from provisioner.diff import same
from provisioner.spec.editing.patches import Patch, Path, patched
from provisioner.spec.editing.rewriting import rewritten
from provisioner.spec.editing.scalars import Unwritable
from provisioner.spec.reading import read

_BOM = b"\xef\xbb\xbf"
_PLACEHOLDER = re.compile(r"\$\$\{|\$\{")


class NoPlace(Exception):
    """A value that is written in no single place: the reason, and what to do instead."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.hint = reason, hint


@dataclass(frozen=True, slots=True)
class Edit:
    """One change to one file: a patch to what its YAML or JSON says, or a whole new text."""

    file: str
    patch: Patch | None = None
    text: str = ""
    document: bool = False  # a JSON Schema in a file of its own

    @property
    def apart(self) -> bool:
        """Whether it changes a file that a spec names, not a spec."""
        return self.patch is None or self.document

    @property
    def path(self) -> Path:
        """Where in the file."""
        return self.patch.path if self.patch else ()


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes of a file after its edits; Unwritable where they cannot be made."""
    for edit in edits:
        if edit.patch is None:
            data = _text_edited(data, edit.text)
    patches = [edit.patch for edit in edits if edit.patch]
    if not patches:
        return data
    mark = _BOM if data.startswith(_BOM) else b""
    text = data[len(mark) :].decode()
    as_json = any(edit.document for edit in edits) and not _is_yaml(next(iter(edits)).file)
    return mark + (_json_edited if as_json else _yaml_edited)(text, patches).encode()


def _is_yaml(file: str) -> bool:
    return file.lower().endswith((".yaml", ".yml"))


def _yaml_edited(text: str, patches: list[Patch]) -> str:
    old = read(text.encode()).value
    return rewritten(text, old, patched(old, patches))


def _json_edited(text: str, patches: list[Patch]) -> str:
    old = json.loads(text)
    new = patched(old, patches)
    try:
        result = rewritten(text, old, new, json_only=True)
        if same(json.loads(result), new):
            return result
    except (Unwritable, ValueError, yaml.YAMLError):
        pass  # JSON that YAML reads differently is laid out anew
    indent = re.search(r"\n([ \t]+)", text)
    return json.dumps(new, ensure_ascii=False, indent=indent[1] if indent else None) + "\n" * text.endswith("\n")


def _text_edited(data: bytes, text: str) -> bytes:
    """A text file that says `text`: its byte-order mark and line ends stay, and every line that stays keeps its own."""
    mark = _BOM if data.startswith(_BOM) else b""
    ending = b"\r" if b"\r\n" in data else b""
    old, new = data[len(mark) :].split(b"\n"), text.encode().split(b"\n")
    plain = [*(line.removesuffix(b"\r") for line in old[:-1]), old[-1]]
    head = _alike(plain[:-1], new[:-1])  # a last line has no line end and is like another last one only
    tail = _alike(plain[head:][::-1], new[head:][::-1])
    stop = len(new) - max(tail, 1)
    middle = [*(line + ending for line in new[head:stop]), *(new[-1:] if not tail else ())]
    return mark + b"\n".join([*old[:head], *middle, *old[len(old) - tail :]])


def _alike(left: list[bytes], right: list[bytes]) -> int:
    """How many lines are the same from the start."""
    pairs = zip(left, right, strict=False)
    return next((count for count, (one, other) in enumerate(pairs) if one != other), min(len(left), len(right)))


def literal(value: Any) -> Any:
    """A value as YAML has to say it, so that no `${` in it is taken for a placeholder."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, dict):
        return {key: literal(inner) for key, inner in value.items()}
    return [literal(inner) for inner in value] if isinstance(value, list) else value


def placeholders(value: Any) -> list[str]:
    """Every text in a value that holds `${…}`."""
    if isinstance(value, str):
        return [value] if any(found[0] == "${" for found in _PLACEHOLDER.finditer(value)) else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for one in inner for found in placeholders(one)]
