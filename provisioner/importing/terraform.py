"""Configurations of Terraform for OpenAI's providers, by tree-sitter."""

from __future__ import annotations

import json
import re
import textwrap
from functools import cache
from typing import TYPE_CHECKING, Any

from provisioner.importing import code
from provisioner.importing.beside import Beside
from provisioner.importing.builtins import read_opened
from provisioner.importing.code_calls import Calls
from provisioner.importing.code_found import TooMany, Variables, found_in
from provisioner.importing.code_values import (
    MISSING,
    Made,
    Mixed,
    Opened,
    TooMuch,
    Unknown,
    Unparsable,
)
from provisioner.importing.evaluating import Evaluator
from provisioner.importing.nouns import Findings, Lost, Origin
from provisioner.importing.script_code import INSTALL, said, unescaped
from provisioner.importing.terraform_state import (
    KINDS,
    OURS,
    PATHS,
    decoded,
    first_of,
    here,
    plain_blocks,
)
from provisioner.model import Problem

if TYPE_CHECKING:
    from tree_sitter import Node as Tree
    from tree_sitter import Parser

_LOOKS = re.compile(
    r'(^|\n)\s*(resource|data)\s+"[\w-]+"\s+"[\w-]+"\s*\{|(^|\n)\s*(locals|variable\s+"\w+")\s*\{'
)
_MARK = re.compile("\0(\\d+)\0")
_COMPUTED = (
    "id",
    "object",
    "created_at",
    "object_id",
    "file_id",
    "vector_store_id",
    "assistant_id",
)
STEPS = 100_000
_SEVERAL = "makes several out of one block, of which one was written"
_PROTECT = "write `lifecycle: {protect: true}` for `prevent_destroy`"
_META = {  # what Terraform itself reads in a block: why it is not in the spec, and what to do
    "count": (_SEVERAL, "write the others by hand"),
    "for_each": (_SEVERAL, "write the others by hand"),
    "lifecycle": ("is for Terraform", _PROTECT),
    "depends_on": ("is for Terraform", None),
    "provider": ("is for Terraform", None),
}


def looks_like(text: str) -> bool:
    """Whether a text is a configuration of Terraform."""
    return _LOOKS.search(text[:200_000]) is not None


@cache
def _grammar() -> Parser:
    try:
        import tree_sitter_hcl
        from tree_sitter import Language, Parser
    except ImportError:
        raise Unparsable(INSTALL) from None
    return Parser(Language(tree_sitter_hcl.language()))


def address(type: str, name: str) -> str:
    """The id of what a configuration makes, until somebody makes it."""
    return f"made:{type}.{name}"


def read_terraform(
    text: str, name: str, beside: Beside, variables: Variables, line: int = 1
) -> Findings:
    """What the resources in a configuration are. Files beside it say what names stand for, too."""
    try:
        module = Module(text, beside)
        calls = Calls(name)
        calls.made = list(module.made())
        evaluator = Evaluator(beside, calls)
        findings = Findings(found=found_in(evaluator, calls, name, variables))
        findings.losses = [*calls.losses, *module.lost(name)]
        return findings
    except Unparsable as error:
        why, place = f"`{name}` {error}.", (error.line or 1) + line - 1
    except (RecursionError, TooMuch, TooMany):
        why, place = f"`{name}` is nested too deep, or refers to itself without end.", line
    hint = "nothing was read from it; mend it, or write it by hand"
    return Findings(problems=[Problem("Not readable", why, hint, file=name, line=place)])


class Module:
    """The blocks of one file, and what the files beside it call things."""

    def __init__(self, text: str, beside: Beside) -> None:
        self.beside = beside
        self.blocks = self._parsed(text)
        self.steps = 0
        self._seen: list[str] = []
        self._names: dict[str, Tree] = {}
        self._defaults: dict[str, Tree | None] = {}
        for others in (*self._siblings(), self.blocks):
            for block in others:
                self._learn(block)

    def _siblings(self) -> list[list[Tree]]:
        own = self.beside.file
        if own is None or self.beside.folder is None:
            return []
        found = []
        for path in sorted(own.parent.glob("*.tf"))[:100]:
            text = self.beside.text(path.name) if path.name != own.name else None
            if text is not None:
                try:
                    found.append(self._parsed(text))
                except Unparsable:
                    continue
        return found

    def _parsed(self, text: str) -> list[Tree]:
        tree = _grammar().parse(text.encode("utf-8", "replace")).root_node
        if tree.has_error:
            broken = next((child for child in tree.children if child.has_error), tree)
            place = broken.start_point
            raise Unparsable("is not a configuration of Terraform", place[0] + 1, place[1] + 1)
        bodies = [child for child in tree.children if child.type == "body"]
        return [one for body in bodies for one in body.children if one.type == "block"]

    def _learn(self, block: Tree) -> None:
        sort, *labels = _labels(block)
        if sort == "locals":
            for name, value in _attributes(block):
                self._names[name] = value
        elif sort == "data" and len(labels) > 1:
            for name, value in _attributes(block):
                self._names[".".join(["data", *labels, name])] = value
        elif sort == "variable" and labels:
            self._defaults[labels[0]] = dict(_attributes(block)).get("default")

    def made(self) -> list[Made]:
        """What the resources of this file are, in their order."""
        stores: dict[str, Made] = {}
        found: list[Made] = []
        joined: list[Made] = []
        for block in self.blocks:
            sort, *labels = _labels(block)
            match = OURS.match(labels[0]) if sort == "resource" and len(labels) > 1 else None
            if match is None:
                continue
            at = block.start_point[0] + 1, block.start_point[1] + 1
            raw = plain_blocks(self.body(block))
            made = Made(match["what"], raw, at, address(labels[0], labels[1]), "resource")
            if match["what"] in KINDS:
                found.append(self._shaped(made))
                stores[made.id] = made
            elif match["what"] == "vector_store_file":
                joined.append(made)
        for made in joined:
            store = stores.get(str(made.raw.get("vector_store_id")))
            if store is not None:
                store.raw.setdefault("file_ids", []).append(made.raw.get("file_id"))
        return found

    def _shaped(self, made: Made) -> Made:
        for key in _META:
            made.raw.pop(key, None)
        if made.kind == "file":
            path = first_of(made.raw, PATHS)
            for key in PATHS:
                made.raw.pop(key, None)
            made.raw["file"] = path if isinstance(path, Opened) else Opened(here(path), made.at)
        return made

    def lost(self, name: str) -> list[Lost]:
        """Resources of the provider that no spec has, and what of the others is for Terraform
        alone, each with its place.
        """
        lost = []
        for block in self.blocks:
            sort, *labels = _labels(block)
            match = OURS.match(labels[0]) if sort == "resource" and len(labels) > 1 else None
            if match is None:
                continue
            what = ".".join(labels)
            origin = Origin(name, block.start_point[0] + 1, block.start_point[1] + 1)
            if match["what"] not in (*KINDS, "vector_store_file"):
                lost.append(Lost(origin, what, "is no resource that specs have"))
                continue
            for key in self.body(block).keys() & _META.keys():
                why, hint = _META[key]
                severity = "warning" if hint else "note"
                lost.append(Lost(origin, f"{what} {key}", why, hint, severity))
        return sorted(lost, key=lambda one: (one.origin.line or 0, one.what))

    def body(self, block: Tree) -> dict[str, Any]:
        """What a block says; blocks in it are lists, because there may be several of a name."""
        found = {name: self.value(value) for name, value in _attributes(block)}
        for inner in _blocks(block):
            sort, *labels = _labels(inner)
            if sort == "dynamic" and labels:
                at = inner.start_point[0] + 1, inner.start_point[1] + 1
                found[labels[0]] = Unknown(labels[0], f"dynamic {labels[0]}", at)
            else:
                found.setdefault(sort, [])
                if isinstance(found[sort], list):
                    found[sort].append(self.body(inner))
        return found

    # Values.

    def value(self, node: Tree) -> Any:
        self.steps += 1
        if self.steps > STEPS:
            raise TooMuch
        while node.type in ("expression", "literal_value", "collection_value", "template_expr"):
            inner = [child for child in node.named_children if child.type != "comment"]
            if len(inner) != 1:
                break
            node = inner[0]
        method = getattr(self, f"_{node.type}", None)
        at = node.start_point[0] + 1, node.start_point[1] + 1
        value = method(node) if method else MISSING
        if value is MISSING:
            text = code.shortened(said(node)[:200])
            words = re.findall(r"\w+", text.split("(")[0])
            return Unknown(words[-1] if words else "value", text, at)
        return value

    def _numeric_lit(self, node: Tree) -> Any:
        return _number(said(node))

    def _operation(self, node: Tree) -> Any:
        return _number(said(node))

    def _bool_lit(self, node: Tree) -> Any:
        return said(node) == "true"

    def _null_lit(self, node: Tree) -> Any:
        return None

    def _string_lit(self, node: Tree) -> Any:
        return _literal(said(node)[1:-1])

    def _quoted_template(self, node: Tree) -> Any:
        return self._template(node, node.start_byte + 1, node.end_byte - 1, False)

    def _heredoc_template(self, node: Tree) -> Any:
        first, last = node.children[1], node.children[-1]
        text = said(node)
        begin = first.end_byte + 1
        end = node.start_byte + len(text.encode()) - len(said(last).encode())
        made = self._template(node, begin, end, True)
        return _dedented(made) if text.startswith("<<-") else made

    def _template(self, node: Tree, begin: int, end: int, raw: bool) -> Any:
        data = node.text or b""
        parts: list[Any] = []
        at = begin
        for child in node.children:
            if child.type in ("template_interpolation", "template_directive"):
                parts.append(data[at - node.start_byte : child.start_byte - node.start_byte])
                inner = [one for one in child.named_children if one.type == "expression"]
                whole = child.type == "template_directive"  # `%{ if … }`: only a run would tell
                parts.append(self.value(child if whole else inner[0]) if whole or inner else "")
                at = child.end_byte
        parts.append(data[at - node.start_byte : end - node.start_byte])
        return _joined([_text(part, raw) if isinstance(part, bytes) else part for part in parts])

    def _tuple(self, node: Tree) -> Any:
        return [self.value(child) for child in node.named_children if child.type == "expression"]

    def _object(self, node: Tree) -> Any:
        found = {}
        for child in node.named_children:
            if child.type == "object_elem":
                key, value = [one for one in child.named_children if one.type == "expression"]
                text = said(key)
                name = self.value(key) if text.startswith(('"', "(")) else text
                if isinstance(name, str):
                    found[name] = self.value(value)
                else:
                    at = key.start_point[0] + 1, key.start_point[1] + 1
                    found[f"...{text}"] = Unknown("key", text, at)
        return found

    def _function_call(self, node: Tree) -> Any:
        name = said(node.named_children[0])
        holders = [one for one in node.named_children if one.type == "function_arguments"]
        args = [self.value(one) for holder in holders for one in holder.named_children]
        at = node.start_point[0] + 1, node.start_point[1] + 1
        if name in ("file", "templatefile", "filebase64") and args:
            if name == "filebase64":
                return Opened(here(args[0]), at)
            empty = Evaluator(self.beside, lambda *_: MISSING)
            found = read_opened(empty, Opened(here(args[0]), at), code.Node(at, said(node)[:60]))
            return _filled(found, args[1:], at) if name == "templatefile" else found
        if name in ("jsonencode", "tolist", "toset", "tomap", "tostring", "trimspace") and args:
            return args[0].strip() if name == "trimspace" and isinstance(args[0], str) else args[0]
        if name == "jsondecode" and args and isinstance(args[0], str):
            return decoded(args[0])
        return MISSING

    def _expression(self, node: Tree) -> Any:
        """A name with what is taken from it: `var.x`, `local.y["z"]`, `openai_file.k.id`."""
        path = said(node)
        words = re.findall(r"[\w-]+", path)
        if node.named_children[0].type != "variable_expr" or len(words) < 2:
            return MISSING
        head, name, *rest = words
        if head == "path":
            return ""
        if head == "var":
            return self._variable(name, node)
        if head == "data" and ".".join(words) in self._names:
            return self.value(self._names[".".join(words)])
        if head == "local":
            return self._local(name, rest)
        if OURS.match(head) and len(words) > 2:
            return address(head, name) if words[-1] in _COMPUTED else MISSING
        return MISSING

    def _variable(self, name: str, node: Tree) -> Any:
        at = node.start_point[0] + 1, node.start_point[1] + 1
        default = self._defaults.get(name)
        value = self.value(default) if default is not None else None
        if value is not None and not isinstance(value, str | int | float):
            return value
        return Unknown(name, f"var.{name}", at, value)

    def _local(self, name: str, rest: list[str]) -> Any:
        if name not in self._names or len(self._seen) > 50:
            return MISSING
        self._seen.append(name)
        value = self.value(self._names[name])
        self._seen.pop()
        for step in rest:
            if isinstance(value, dict) and step in value:
                value = value[step]
            elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
                value = value[int(step)]
            else:
                return MISSING
        return value


def _labels(block: Tree) -> list[str]:
    found = []
    for child in block.children:
        if child.type in ("identifier", "string_lit"):
            found.append(said(child).strip('"'))
        elif child.type in ("block_start", "body"):
            break
    return found


def _inside(block: Tree) -> list[Tree]:
    return [one for child in block.children if child.type == "body" for one in child.children]


def _attributes(block: Tree) -> list[tuple[str, Tree]]:
    return [
        (said(one.named_children[0]), one.named_children[-1])
        for one in _inside(block)
        if one.type == "attribute"
    ]


def _blocks(block: Tree) -> list[Tree]:
    return [one for one in _inside(block) if one.type == "block"]


def _number(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return MISSING


def _literal(text: str) -> str:
    return unescaped(text).replace("$${", "${").replace("%%{", "%{")


def _text(data: bytes, raw: bool) -> str:
    text = data.decode("utf-8", "replace")
    return text.replace("$${", "${").replace("%%{", "%{") if raw else _literal(text)


def _joined(parts: list[Any]) -> Any:
    flat: list[Any] = []
    for part in parts:
        flat += part.parts if isinstance(part, Mixed) else [part]
    known = [str(p) if isinstance(p, int | float) and not isinstance(p, bool) else p for p in flat]
    if all(isinstance(part, str) for part in known):
        return "".join(known)
    if all(isinstance(part, str | Unknown) for part in known):
        return Mixed(tuple(part for part in known if part != ""))
    return MISSING


def _dedented(value: Any) -> Any:
    """A text without the indent that all its lines have, places in it included."""
    if isinstance(value, str):
        return textwrap.dedent(value)
    if not isinstance(value, Mixed):
        return value
    unknown = [part for part in value.parts if isinstance(part, Unknown)]
    count = iter(range(len(unknown)))
    marked = "".join(p if isinstance(p, str) else f"\0{next(count)}\0" for p in value.parts)
    pieces = _MARK.split(textwrap.dedent(marked))
    return _joined([unknown[int(p)] if index % 2 else p for index, p in enumerate(pieces)])


def _filled(text: Any, args: list[Any], at: code.At) -> Any:
    """`templatefile(…)`: the places of a text, as far as they are given."""
    given = args[0] if args and isinstance(args[0], dict) else {}
    if not isinstance(text, str):
        return text
    parts: list[Any] = []
    for index, piece in enumerate(re.split(r"\$\{\s*([\w.]+)\s*\}", text)):
        parts.append(given.get(piece, Unknown(piece, piece, at)) if index % 2 else piece)
    return _joined(parts)
