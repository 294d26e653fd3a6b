"""Documents that hold other sources: HAR recordings, notebooks, and Markdown with fences."""

from __future__ import annotations

import ast
import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from provisioner.importing import terraform
from provisioner.importing.azure import is_azure, on_azure
from provisioner.importing.beside import Beside
from provisioner.importing.code_sources import Reading, looks_like, read_code, worth
from provisioner.importing.json_exports import read_value
from provisioner.importing.nouns import Findings, Lost, Origin
from provisioner.importing.promptfoo import is_promptfoo, read_promptfoo
from provisioner.importing.spelling import OF_A_REQUEST
from provisioner.importing.taking import Losses, leaves
from provisioner.jsontext import Unreadable, read
from provisioner.model import Problem
from provisioner.yamltext.reading import value_of

_FENCE = re.compile(r"^[ \t]*(?P<mark>```+|~~~+)[ \t]*(?P<word>[\w+.-]*)[^\n]*$", re.M)
_MAGIC = re.compile(r"\s*([%!?]|[\w.]+\?{1,2}\s*$)")
_QUOTED = re.compile(r"^>[ \t]?", re.M)
_ROUTES = re.compile(
    r"/(assistants|vector_stores|files|responses|prompts|agents)(/[\w-]+)?/?(\?|$)"
    r"|/threads(/[\w-]+(/(messages|runs)(/[\w-]+(/steps)?)?)?)?/?(\?|$)"
)
_SENDING = ("POST", "PUT", "PATCH")
_SCRIPTS = ("ts", "typescript", "tsx", "js", "javascript", "jsx", "mjs", "node")
_TERRAFORM = ("hcl", "terraform", "tf")
_YAMLS = ("yaml", "yml")
_PYTHONS = ("py", "python", "python3", "ipython")


def is_har(value: Any) -> bool:
    log = value.get("log") if isinstance(value, Mapping) else None
    return isinstance(log, Mapping) and isinstance(log.get("entries"), list)


def read_har(value: Mapping[str, Any], source: str) -> Findings:
    """What the recorded requests and answers of a browser describe. An answer says more than its
    request, which is only read where there is no answer; what it lacks of the request is named. A
    request that was refused has made nothing.
    """
    findings = Findings()
    for index, entry in enumerate(value["log"]["entries"]):
        request = entry.get("request") if isinstance(entry, Mapping) else None
        url = str(request.get("url", "")) if isinstance(request, Mapping) else ""
        if not isinstance(request, Mapping) or not _ROUTES.search(url):
            continue
        at = Origin(source, path=f"log.entries[{index}]")
        if (status := _refused(entry)) is not None:
            severity = "warning" if request.get("method") in _SENDING else "note"
            why = f"was answered with {status}; nothing was read from it"
            findings.losses.append(Lost(at, at.path, why, None, severity))
            continue
        inner = _exchange(list(_bodies(entry, request)), at)
        if is_azure(url):
            inner.found = [on_azure(one) for one in inner.found]
        findings.add(inner)
    why = "is a recording; only objects of the service were read from it"
    findings.losses.append(Lost(Origin(source), "log", why, None, "note"))
    return findings


def _refused(entry: Mapping[str, Any]) -> int | None:
    """The status of an answer that is an error."""
    response = entry.get("response")
    status = response.get("status") if isinstance(response, Mapping) else None
    return status if isinstance(status, int) and status >= 400 else None


def _exchange(bodies: list[tuple[str, Any]], origin: Origin) -> Findings:
    """What the first of these bodies that describes something does."""
    inner = Findings()
    for index, (place, body) in enumerate(bodies):
        read_value(body, replace(origin, path=f"{origin.path}.{place}"), inner)
        inner.losses = []
        if inner.found and isinstance(body, Mapping):
            for asked_at, asked in bodies[index + 1 :]:
                losses = Losses(replace(origin, path=f"{origin.path}.{asked_at}"))
                _lacking(asked, body, losses)
                last = inner.found[-1]
                inner.found[-1] = replace(last, losses=(*last.losses, *losses.all))
        if not inner.empty:
            break
    return inner


def _lacking(asked: Any, answered: Mapping[str, Any], losses: Losses) -> None:
    """Names what a request has asked for and its answer does not say."""
    for path, leaf in leaves(asked):
        there: Any = answered
        for step in path:
            inside = step in there if isinstance(there, Mapping) else _within(there, step)
            there = there[step] if inside else None
        if there is None and path:
            usual = leaf is None or path[0] in OF_A_REQUEST
            why = "was asked for, and the answer, which was read, does not say it"
            hint = None if usual else "compare it with the spec"
            losses.lose(path, leaf, why, hint, "note" if usual else "warning")


def _within(value: Any, step: str | int) -> bool:
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def _bodies(entry: Mapping[str, Any], request: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    response = entry.get("response")
    content = response.get("content") if isinstance(response, Mapping) else None
    posted = request.get("postData")
    holders = [("response.content.text", content)]
    if request.get("method") in _SENDING:
        holders.append(("request.postData.text", posted))
    for place, holder in holders:
        if not isinstance(holder, Mapping) or not isinstance(holder.get("text"), str):
            continue
        text = holder["text"]
        try:
            if holder.get("encoding") == "base64":
                text = base64.b64decode(text, validate=True).decode()
            yield place, read(text)
        except (Unreadable, UnicodeDecodeError, binascii.Error):
            continue


def is_notebook(value: Any) -> bool:
    return (
        isinstance(value, Mapping) and "nbformat" in value and isinstance(value.get("cells"), list)
    )


def _cells(value: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """The cells with code, less those in another language."""
    for number, cell in enumerate(value["cells"]):
        if not isinstance(cell, Mapping) or cell.get("cell_type") != "code":
            continue
        said = cell.get("source", "")
        text = "".join(map(str, said)) if isinstance(said, list) else str(said)
        if not text.lstrip().startswith("%%"):
            yield number, text


def _line(line: str) -> str:
    """A line of a cell as Python has it; what is for the notebook itself is left out."""
    return f"{line[: len(line) - len(line.lstrip())]}pass" if _MAGIC.match(line) else line


def _broken(lines: list[str], name: str, source: str) -> Problem | None:
    """What is wrong with a cell that cannot be read; the others are."""
    try:
        ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        detail = f"{name} is not Python: {getattr(error, 'msg', None) or 'it cannot be read'}."
        hint = "nothing was read from this cell; mend it, or write by hand what it makes"
        return Problem("Not readable", detail, hint, file=source)
    return None


def read_notebook(value: Mapping[str, Any], source: str, reading: Reading, path: Any) -> Findings:
    """The cells of a notebook, as one program; what is for the notebook itself is left out."""
    lines: list[str] = []
    homes: list[tuple[int, int]] = []  # of each line: the cell, and the line in it
    broken_cells: list[Problem] = []
    for number, text in _cells(value):
        written = text.split("\n")
        if _broken(written, "", source):  # as it stands
            written = [_line(line) for line in written]
        if broken := _broken(written, f"`cells[{number}]` of `{source}`", source):
            broken_cells.append(broken)
            continue
        lines += written
        homes += [(number, at) for at in range(1, len(written) + 1)]
    findings = read_code("\n".join(lines), source, "python", reading, path)
    findings.problems += broken_cells

    def placed(origin: Origin) -> Origin:
        if origin.line is None or not 0 < origin.line <= len(homes):
            return origin
        cell, line = homes[origin.line - 1]
        return Origin(source, path=f"cells[{cell}] line {line}")

    found = []
    for one in findings.found:
        lost_there = tuple(replace(lost, origin=placed(lost.origin)) for lost in one.losses)
        found.append(replace(one, origin=placed(one.origin), losses=lost_there))
    losses = [replace(lost, origin=placed(lost.origin)) for lost in findings.losses]
    return Findings(found, losses, findings.problems)


def fences(text: str) -> Iterator[tuple[str, int, str]]:
    """The fenced blocks of a Markdown text: the word beside each, its first line, and the block."""
    opened: re.Match[str] | None = None
    line, counted = 1, 0
    for match in _FENCE.finditer(text):
        if opened is None:
            opened = match
        elif match["mark"].startswith(opened["mark"]) and not match["word"]:
            start = opened.end() + 1
            line += text.count("\n", counted, start)
            counted = start
            yield opened["word"].lower(), line, text[start : match.start()]
            opened = None


def read_markdown(text: str, source: str, reading: Reading, path: Any) -> Findings:
    """What the fences in a Markdown text describe. Those of one language are read together, each at
    its own lines; where that is no program, each for itself.
    """
    text = _QUOTED.sub("", text) if _QUOTED.search(text) else text
    findings = Findings()
    groups: dict[str, list[tuple[int, str]]] = {}
    for word, line, block in fences(text):
        if block.lstrip()[:1] in ("{", "[") and word not in (*_SCRIPTS, *_PYTHONS):
            findings.add(_json_fence(block, Origin(source, line=line)))
        elif word in (*_TERRAFORM, *_YAMLS):
            findings.add(_configuration(block, word, source, reading=reading, at=(path, line)))
        elif language := _language(word, block):
            groups.setdefault(language, []).append((line, block))
    for language, blocks in groups.items():
        if any(worth(block) for _, block in blocks):
            findings.add(_together(blocks, language, source=source, reading=reading, path=path))
    return findings


def _configuration(
    block: str, word: str, source: str, *, reading: Reading, at: tuple[Any, int]
) -> Findings:
    """What a block of Terraform or YAML describes."""
    path, line = at
    if word in _YAMLS:
        value = value_of(block.encode())
        return read_promptfoo(value, source) if is_promptfoo(value) else Findings()
    if not terraform.looks_like(block):
        return Findings()
    beside = Beside(reading.folder, path, root=reading.root)
    return terraform.read_terraform(block, source, beside, reading.variables, line)


def _json_fence(block: str, origin: Origin) -> Findings:
    """What a block of JSON describes; a piece of something else describes nothing."""
    inner = Findings()
    try:
        read_value(read(block), origin, inner)
    except Unreadable:
        return Findings()
    return inner if inner.found else Findings()


def _language(word: str, block: str) -> str | None:
    if word in _SCRIPTS:
        return "typescript"
    if word in _PYTHONS:
        return "python"
    return looks_like(block) if not word and worth(block) else None


def _together(
    blocks: list[tuple[int, str]], language: str, *, source: str, reading: Reading, path: Any
) -> Findings:
    parts: list[str] = []
    lines = 0
    for line, block in blocks:
        parts.append("\n" * (line - 1 - lines) + block)
        lines = line - 1 + block.count("\n")
    whole = "".join(parts)
    findings = read_code(whole, source, language, reading, path)
    if not any(problem.severity == "error" for problem in findings.problems):
        return findings
    apart = Findings()
    for line, block in blocks:
        if worth(block):
            apart.add(read_code("\n" * (line - 1) + block, source, language, reading, path))
    return apart
