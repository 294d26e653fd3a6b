"""Assistants, prompts, vector stores and files out of JSON: exports, lists, dumps, and what people
make of them by hand.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from provisioner.importing.conversations import add_part, entered, part_of_talk, thread_around
from provisioner.importing.nouns import Findings, Found, Origin
from provisioner.importing.spelling import read_assistant
from provisioner.importing.store_spelling import read_document, read_file, read_store
from provisioner.importing.taking import Losses, Path, leaves
from provisioner.jsontext import Unreadable, read
from provisioner.model import Problem
from provisioner.text import dotted, quoted

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.S)
_RAW = re.compile(r"[\x00-\x1f]")
_PLACEHOLDER = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
_NEXT = re.compile(r"\S")
_DECODER = json.JSONDecoder()
_SETTINGS = frozenset(
    [
        "instructions",
        "tools",
        "tool_resources",
        "toolResources",
        "file_ids",
        "response_format",
        "messages",
        "input",
        "temperature",
        "top_p",
    ]
)
_KINDS = ("assistant", "agent", "prompt", "response")
_PROMPT = ("promptId", "prompt_id")
_LIST = ("object", "first_id", "last_id", "has_more")
_OWN = ("metadata", "tool_resources")  # what a thread has of its own
_INNER = ("assistant", "config", "data", "settings", "agent")


def read_json(text: str, source: str) -> Findings:
    """What one JSON text, or one with several documents, describes; or what Python prints of it."""
    findings = Findings()
    try:
        documents = [("", parsed(text, source, findings))]
    except Unreadable as error:
        try:
            documents = _several(text) or [("", _printed_json(text))]
        except Unreadable as later:  # a later one of them, or one that Python prints
            findings.problems.append(unreadable(later, source))
            return findings
        except ValueError:
            findings.problems.append(unreadable(error, source))
            return findings
    for place, value in documents:
        line = int(place[5:]) if place else None
        read_value(value, Origin(source, line=line), findings)
    return findings


def unreadable(error: Unreadable, source: str) -> Problem:
    """What is wrong with a text, as a problem with its place."""
    return Problem(
        summary="Not readable",
        detail=f"`{source}` {error}.",
        hint="export it again, or mend it where it says",
        file=source,
        line=error.line,
        column=error.column,
    )


def parsed(text: str, source: str, findings: Findings) -> Any:
    """The value of a JSON text; a raw line break in a string is read as one, and reported."""
    try:
        return read(text, unique=True)
    except Unreadable as error:
        broken = [match for match in _STRING.finditer(text) if _RAW.search(match[0])]
        if not broken:
            raise
        mended = _STRING.sub(
            lambda match: _RAW.sub(lambda raw: f"\\u{ord(raw[0]):04x}", match[0]), text
        )
        try:
            value = read(mended, unique=True)
        except Unreadable:
            raise error from None
    offset = broken[0].start()
    findings.problems.append(
        Problem(
            summary="Raw line break",
            detail=f"`{source}` has strings with raw line breaks or tabs, which JSON does not"
            f" have ({len(broken)}); they were read as they stand.",
            hint="compare what was written with the source",
            severity="warning",
            file=source,
            line=text.count("\n", 0, offset) + 1,
            column=offset - text.rfind("\n", 0, offset),
        )
    )
    return value


def _several(text: str) -> list[tuple[str, Any]] | None:
    """The documents of a text that has one after the other, a line each or not, with the line where
    each begins; None if it is something else. Raises Unreadable for what is wrong in a later one.
    """
    found: list[tuple[str, Any]] = []
    end, line = 0, 1
    while start := _NEXT.search(text, end):
        line += text.count("\n", end, start.start())
        if start[0] not in "{[":
            return None
        try:
            after = _DECODER.raw_decode(text, start.start())[1]
            value = read(text[start.start() : after], unique=True)
        except json.JSONDecodeError as error:
            if not found:
                return None
            why = f"is not valid JSON: {error.msg}"
            raise Unreadable(why, error.lineno, error.colno) from None
        except (ValueError, RecursionError) as error:
            if not found:
                return None
            raise Unreadable(str(error), line) from None
        found.append((f"line {line}", value))
        line += text.count("\n", start.start(), after)
        end = after
    return found if len(found) > 1 else None


def _printed_json(text: str) -> Any:
    """The value of what Python prints: `Assistant(id='asst_1', …)`, or a mapping in its spelling.
    ValueError for anything else, and for what JSON could not say either; nothing is run.
    """
    try:
        value = _printed(ast.parse(text.strip(), mode="eval").body)
        return read(json.dumps(value))
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError from error


def _printed(node: ast.expr) -> Any:
    if isinstance(node, ast.List | ast.Tuple):
        return [_printed(one) for one in node.elts]
    if isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
        keys = [str(key.value) for key in node.keys if isinstance(key, ast.Constant)]
        if len(set(keys)) < len(keys):
            raise ValueError
        return dict(zip(keys, map(_printed, node.values), strict=True))
    if isinstance(node, ast.Call) and not node.args and all(one.arg for one in node.keywords):
        return {str(one.arg): _printed(one.value) for one in node.keywords}
    value = ast.literal_eval(node)
    if not isinstance(value, str | int | float | None):
        raise ValueError
    return value


def read_value(value: Any, origin: Origin, findings: Findings, name: str | None = None) -> None:
    """Everything that a document describes, wherever in it that stands."""
    walk = _Walk(origin, findings)
    walk.visit(value, (), name)
    findings.losses += walk.losses.all


class _Walk:
    """One document, and what it says outside of everything that was found."""

    def __init__(self, origin: Origin, findings: Findings) -> None:
        self.origin = origin
        self.findings = findings
        self.losses = Losses(origin)
        self.thread = thread_around((), origin.source)

    def _origin(self, at: Path) -> Origin:
        path = " ".join(part for part in (self.origin.path, dotted(at)) if part)
        return replace(self.origin, path=path)

    def visit(self, value: Any, at: Path, name: str | None) -> None:
        if isinstance(value, list) and value:
            for index, inner in enumerate(value):
                self.visit(inner, (*at, index), None)
        elif isinstance(value, Mapping) and value:
            self._mapping(value, at, name)
        else:
            why = "is part of nothing that specs have"
            self.losses.lose(at, value, why, None, "note" if at else "warning")

    def _mapping(self, value: Mapping[str, Any], at: Path, name: str | None) -> None:
        kind = kind_of(value)
        thread = self.thread if self.thread.id else thread_around(at, "")
        if part := part_of_talk(value, thread):
            self._talk(part, value, at)
        elif is_document(value):
            around = [step for step in at if isinstance(step, str) and step.startswith("vs_")]
            store = around[-1] if around else None
            self.findings.documents.append(read_document(value, self._origin(at), store))
        elif kind:
            self.findings.gain(self._found(kind, value, at, name))
        elif isinstance(value.get("data"), list):
            self._list(value, at)
        else:
            id = value.get("assistantId", value.get("assistant_id"))
            inner = [key for key in _INNER if isinstance(value.get(key), Mapping)]
            if isinstance(id, str) and len(inner) == 1:
                self._wrapped(value, id, inner[0], at)
                return
            for key, one in value.items():
                self.visit(one, (*at, key), key if isinstance(one, Mapping) else None)

    def _found(
        self, kind: str, value: Mapping[str, Any], at: Path, name: str | None
    ) -> list[Found]:
        origin = self._origin(at)
        if kind == "vector_store":
            return [read_store(self._without_documents(value, at), origin, name=name)]
        if kind == "file":
            return [read_file(value, origin)]
        return [placeholders(one) for one in read_assistant(value, origin, name)]

    def _without_documents(self, value: Mapping[str, Any], at: Path) -> Mapping[str, Any]:
        """A store without the documents that were written into it, which are taken."""
        inside = value.get("files")
        if not isinstance(inside, list) or not all(
            isinstance(one, Mapping) and is_document(one) for one in inside
        ):
            return value
        id = value.get("id")
        for index, one in enumerate(inside):
            place = self._origin((*at, "files", index))
            document = read_document(one, place, id if isinstance(id, str) else None)
            self.findings.documents.append(document)
        return {key: value[key] for key in value if key != "files" or not inside}

    def _talk(self, part: str, value: Mapping[str, Any], at: Path) -> None:
        """A part of a conversation; in a thread there are others."""
        thread = self.thread if self.thread.id else thread_around(at, "")
        if part != "thread":
            add_part(part, value, self._origin(at), thread, self.findings)
            self.losses.say(at or (part,), "is part of a conversation", None, "note")
            return
        outer, self.thread = self.thread, entered(value)
        for key, one in value.items():
            if isinstance(one, dict | list) and key not in _OWN:
                self.visit(one, (*at, key), None)
            elif isinstance(one, dict | list):
                self._of_thread(one, (*at, key))
            else:
                why = "is bookkeeping of a conversation"
                self.losses.lose((*at, key), one, why, None, "note")
        self.thread = outer

    def _of_thread(self, value: Any, at: Path) -> None:
        """What a thread has of its own: where it names a store or a file, that is said."""
        for path, leaf in leaves(value, at):
            named = "tool_resources" in path and isinstance(leaf, str)
            why = f"names `{leaf}` for" if named else "belongs to"
            hint = "your application gives it to each request" if named else None
            self.losses.lose(path, leaf, f"{why} one conversation", hint)

    def _list(self, value: Mapping[str, Any], at: Path) -> None:
        """A page of a list, as the service answers it."""
        if value.get("has_more") is True:
            where = f"`{dotted(at)}` of " if at else ""
            self.findings.problems.append(
                Problem(
                    summary="Incomplete list",
                    detail=f"{where}`{self.origin.source}` is one page of a longer list"
                    " (`has_more: true`): the others are not in it.",
                    hint="fetch the pages after `last_id`, too",
                    severity="warning",
                    file=self.origin.source,
                    line=self.origin.line,
                )
            )
        for key, one in value.items():
            if key in _LIST and not isinstance(one, dict | list):
                why = "is bookkeeping of the service"
                self.losses.lose((*at, key), one, why, None, "note")
            else:
                self.visit(one, (*at, key), None)

    def _wrapped(self, value: Mapping[str, Any], id: str, key: str, at: Path) -> None:
        """`{assistantId: …, config: {…}}`: the settings stand a level below the id."""
        origin = self._origin((*at, key))
        for one in read_assistant(value[key], origin):
            if one.kind == "assistant" and one.id is None:
                one = replace(one, id=id)
            elif one.kind == "assistant" and one.id != id:
                outer = "assistantId" if "assistantId" in value else "assistant_id"
                why = f"says something else than the `id` in `{key}`, which was taken"
                self.losses.say((*at, outer), why)
            self.findings.gain([placeholders(one)])
        for name, rest in value.items():
            if name not in (key, "assistantId", "assistant_id"):
                self.visit(rest, (*at, name), None)


def is_document(value: Mapping[str, Any]) -> bool:
    """Whether a mapping is a document as it is in a store."""
    id = str(value.get("id", ""))
    unsaid = "object" not in value and id.startswith("file-") and "vector_store_id" in value
    return unsaid or value.get("object") == "vector_store.file"


def kind_of(value: Mapping[str, Any]) -> str | None:
    """What a mapping describes, by what it says of itself, by its id, or by its settings."""
    said, id = value.get("object"), str(value.get("id", ""))
    if str(said).endswith(".deleted"):
        return None
    if said in ("vector_store", "file"):
        return str(said)
    if said in _KINDS or id.startswith(("asst_", "pmpt_")) or _settings(value):
        return "assistant"
    if id.startswith("vs_"):
        return "vector_store"
    return "file" if id.startswith("file-") and "filename" in value else None


def _settings(value: Mapping[str, Any]) -> bool:
    """Whether a mapping looks like the settings of an assistant, or refers to a prompt."""
    prompt = value.get("prompt")
    if any(key in value for key in _PROMPT) or (isinstance(prompt, Mapping) and "id" in prompt):
        return True
    settings = _SETTINGS & value.keys()
    if isinstance(value.get("model"), str) and settings:
        return True
    told = isinstance(value.get("instructions"), str)
    return told and (len(settings) > 1 or "name" in value or len(value) == 1)


def placeholders(found: Found) -> Found:
    """A thing whose text has `{{places}}` that a service of prompts would have filled: said."""
    text = found.fields.get("instructions")
    names = list(dict.fromkeys(_PLACEHOLDER.findall(text))) if isinstance(text, str) else []
    if not names:
        return found
    losses = Losses(found.origin)
    marked = quoted([f"{{{{{name}}}}}" for name in names], "and")
    why = f"has places that nobody fills any more: {marked}"
    hint = "let your application fill them, or write `${var.NAME}` for what an environment knows"
    losses.say(("instructions",), why, hint)
    return replace(found, losses=(*found.losses, *losses.all))
