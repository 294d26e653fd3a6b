"""Markdown read back by a parser, as GitHub would."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

_HTML = re.compile(
    r"<!-- provisioner:[\w ./:-]+ -->|<details(?:"
    r" open)?><summary>(?P<summary>.*)</summary>|</details>"
)
_TAG = re.compile(r"</?code>")
_LINKED = re.compile(r"@\w|#\d|\bgh-\d|://|\bwww\.", re.IGNORECASE)


@dataclass
class Page:
    """What a reader finds on a page; an AssertionError where anything foreign became part of it."""

    headings: list[str] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)
    fences: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    prose: str = ""


def read(text: str) -> Page:
    """A page, after seeing that it is one well-formed tree without a link, an image or a tag of
    others.
    """
    page, depth = Page(), 0
    text = re.sub(
        "[\u2062\u2064]", "", text
    )  # marks around positions and serials, which no reader sees
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    for number, token in enumerate(tokens):
        if token.type == "html_block":
            depth = _html(page, token.content, depth)
        elif token.type == "fence":
            _fence(page, token, depth)
        elif token.type == "inline":
            _inline(page, token)
            if tokens[number - 1].type == "heading_open":
                page.headings.append(token.content)
        else:
            assert token.type.split("_")[0] in (
                "paragraph",
                "bullet",
                "list",
                "heading",
                "blockquote",
            ), token
    assert depth == 0
    return page


def _html(page: Page, block: str, depth: int) -> int:
    for line in block.strip().split("\n"):
        found = _HTML.fullmatch(line)
        assert found, line
        if line.startswith("<!--"):
            page.comments.append(line)
        elif found["summary"] is not None:
            inner = _TAG.sub("", found["summary"])
            assert not set(inner) & set("<>"), inner
            page.summaries.append(inner)
            depth += 1
        else:
            depth -= 1
    assert depth in (0, 1)
    return depth


def _fence(page: Page, token: Token, depth: int) -> None:
    assert token.info == "diff"
    foreign = [line for line in token.content.splitlines() if line and line[0] not in "+-! @"]
    assert not foreign, foreign
    page.fences.append(token.content)


def _inline(page: Page, token: Token) -> None:
    for child in token.children or ():
        if child.type == "html_inline":
            assert child.content in ("<sub>", "</sub>"), child.content
        elif child.type == "text":
            assert not _LINKED.search(child.content), child.content
            page.prose += child.content
        else:
            assert child.type in ("code_inline", "softbreak", "strong_open", "strong_close"), child
            page.prose += child.content
