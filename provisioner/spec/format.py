"""`fmt`: specs laid out in one way, without a change of what they say."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from provisioner.errors import SpecError
from provisioner.model import Problem
from provisioner.spec.reading import compose, read
from provisioner.spec.syntax import explain

WIDTH = 4096  # nothing is wrapped: a long line is its author's choice
_MARK = "\ufeff"


def format_text(text: str, file: str | None = None) -> str:
    """The text with two spaces an indent, sequences indented, one newline at the end; comments, anchors, quotes, key
    order and block style stay. Idempotent. SpecError where it is not YAML or cannot be laid out without changing it."""
    plain = text.removeprefix(_MARK).replace("\r\n", "\n")
    before = _meaning(plain, file)
    if not plain.strip():
        return ""
    if before is None:
        return plain.rstrip("\n") + "\n"
    raw = _laid_out(plain, file).removesuffix("...\n")  # which follows a block that keeps its newlines
    result = raw.rstrip("\n") + "\n"
    for candidate in (_with_comments_in_line(result), result, raw):
        if _meaning(candidate, file) == before:
            return candidate
    raise SpecError(_refusal(file))


def _meaning(text: str, file: str | None) -> Any:
    """The value as we read it, with the source text of every scalar and every comment that an author wrote."""
    data = text.encode()
    try:
        node = compose(data)
        return None if node is None else (repr(read(data).value), sorted(_comments(text)), list(_scalars(node)))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
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


def _laid_out(text: str, file: str | None) -> str:
    from ruamel.yaml.error import YAMLError

    ruamel = _ruamel()
    out = io.StringIO()
    try:
        ruamel.dump(ruamel.load(text), out)
    except (YAMLError, RecursionError, ValueError, AttributeError, AssertionError) as error:
        raise SpecError(_refusal(file)) from error
    return out.getvalue()


def _ruamel() -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import RoundTripConstructor
    from ruamel.yaml.representer import RoundTripRepresenter

    class Constructor(RoundTripConstructor):
        """Keeps numbers, booleans, dates and nulls as they are written."""

    class Representer(RoundTripRepresenter):
        """Writes them back."""

    for name in ("null", "bool", "int", "float", "timestamp"):
        Constructor.add_constructor(f"tag:yaml.org,2002:{name}", _keep)
    Representer.add_representer(_Written, _write)
    ruamel = YAML()
    ruamel.Constructor = Constructor
    ruamel.Representer = Representer
    ruamel.preserve_quotes = True
    ruamel.allow_duplicate_keys = True
    ruamel.width = WIDTH
    ruamel.indent(mapping=2, sequence=4, offset=2)
    return ruamel


@dataclass(frozen=True)
class _Written:
    """A plain scalar with its source text."""

    text: str
    tag: str
    anchor: str | None


def _keep(_constructor: Any, node: Any) -> _Written:
    return _Written(node.value, str(node.tag), node.anchor)


def _write(representer: Any, value: _Written) -> Any:
    from ruamel.yaml.anchor import Anchor

    anchor: Any = None
    if value.anchor:
        anchor = Anchor()
        anchor.value, anchor.always_dump = value.anchor, True
    return representer.represent_scalar(value.tag, value.text, anchor=anchor)


_BLOCK = re.compile(r"(?:^|[:\-?]) +(?:[&!]\S+ +)*[|>][-+0-9]*(?: +#.*)?$")


def _with_comments_in_line(text: str) -> str:
    """ruamel leaves a comment line in its old column; put it where the lines around it have gone."""
    lines = text.split("\n")
    outside = list(_outside_of_blocks(lines))
    content = [index for index in outside if lines[index].strip() and not lines[index].lstrip().startswith("#")]
    for index in outside:
        line = lines[index]
        if line.lstrip().startswith("#"):
            before = next((_indent(lines[other]) for other in reversed(content) if other < index), 0)
            after = next((_indent(lines[other]) for other in content if other > index), 0)
            if _indent(line) not in (before, after):
                lines[index] = " " * (before if before > after else after) + line.lstrip()
    return "\n".join(lines)


def _outside_of_blocks(lines: list[str]) -> Iterator[int]:
    """The lines that are not the text of a block scalar."""
    header: int | None = None
    for index, line in enumerate(lines):
        if header is not None and (not line.strip() or _indent(line) > header):
            continue
        header = _indent(line) if _BLOCK.search(line) else None
        yield index


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _refusal(file: str | None) -> Problem:
    detail = f"`{file or 'The text'}` cannot be laid out without changing what it says; it is left as it is."
    return Problem("Cannot be formatted", detail, "lay it out by hand", file=file)
