"""`fmt`: specs laid out in one way, without a change of what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from provisioner.errors import SpecError
from provisioner.model import Problem
from provisioner.spec.layout import Unusual, laid_out
from provisioner.spec.reading import compose, read
from provisioner.spec.syntax import explain

_MARK = "\ufeff"


def format_text(text: str, file: str | None = None) -> str:
    """The text with two spaces an indent, sequences indented, one newline at the end; comments, anchors, quotes, key
    order and line breaks stay. Idempotent. SpecError where it is not YAML or cannot be laid out without changing it."""
    plain = text.removeprefix(_MARK).replace("\r\n", "\n").replace("\r", "\n")
    before = _meaning(plain, file)
    if not plain.strip():
        return ""
    if before is None:
        return plain.rstrip("\n") + "\n"
    try:
        result = _stable(plain)
    except Unusual:
        result = plain if plain.endswith("\n") else plain + "\n"
    for candidate in (result.rstrip("\n") + "\n", result):  # a block may keep its newlines
        if _meaning(candidate, file) == before:
            return candidate
    raise SpecError(_refusal(file))


def _stable(text: str) -> str:
    """Laid out until that changes nothing any more."""
    for _ in range(4):
        before, text = text, laid_out(text)
        if text == before:
            break
    return text


def _meaning(text: str, file: str | None) -> Any:
    """The value as we read it, with the source text of every scalar and every comment that an author wrote."""
    data = text.encode()
    try:
        node = compose(data)
        return None if node is None else (repr(read(data).value), sorted(_comments(text)), list(_scalars(node)))
    except (yaml.YAMLError, ValueError) as error:
        raise SpecError(explain(file or "the text", data, error)) from None


def _scalars(root: Any) -> Iterator[tuple[str, str, bool]]:
    """Tag, text and whether it is quoted, of every scalar in order, each node once."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            yield node.tag, node.value, node.style in ("'", '"')
        else:
            waiting += [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]


def _comments(text: str) -> list[str]:
    return [found.strip() for found in re.findall(r"(?:^|\s)(#.*)$", text, re.MULTILINE)]


def _refusal(file: str | None) -> Problem:
    detail = f"`{file or 'The text'}` cannot be laid out without changing what it says; it is left as it is."
    return Problem("Cannot be formatted", detail, "lay it out by hand", file=file)
