"""Owns the built-in model, which proves wiring: to the same question it always says the same.

It calls the function that the last message is about, answers from the passages that were found, and
otherwise says back what it was asked, whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from .fitting import fitting_json
from .question import (
    Answer,
    Called,
    Citation,
    Function,
    FunctionCall,
    Passage,
    Question,
    Returned,
    Said,
    Turn,
)

MOST_QUOTED = 2  # passages
LONGEST_QUOTE = 700  # characters
# What a name of a function starts with says nothing about what it is for.
VERB_TEXT = (
    "add call check compute create delete do fetch find get list lookup look make new post put"
    " query read run search send set show update"
)
VERBS = frozenset(VERB_TEXT.split())
# Words that ask for a hosted tool.
ASKS_FOR = {
    "code_interpreter": {
        "calculate",
        "chart",
        "code",
        "compute",
        "plot",
        "python",
        "script",
        "sum",
    },
    "web_search": {"internet", "news", "online", "today", "web", "website"},
    "image_generation": {"draw", "drawing", "image", "picture"},
}
NOT_RUN = {
    "code_interpreter": "The code interpreter was asked, but no code runs here.",
    "web_search": "A web search was asked for, but nothing is searched here.",
    "image_generation": "An image was asked for, but none is drawn here.",
}
NOTHING_ASKED = "Nothing was asked."


def answer(question: Question) -> Answer:
    """What the model says: first the functions it wants called, then a text."""
    since = _since_last_message(question.turns)
    asked = since[0].text if since and isinstance(since[0], Said) else ""
    calls = _calls(question, asked, {one.name for one in since if isinstance(one, Called)})
    if calls:
        return Answer(calls=calls)
    used = _hosted(question, asked)
    text, citations = _text(question, asked, since, used)
    if question.schema is None and not question.json_only:
        return Answer(text, citations, used=used)
    if question.schema is None:
        return Answer(json.dumps({"answer": text}, ensure_ascii=False), used=used)
    return Answer(fitting_json(question.schema, asked, text), used=used)


def words(text: str) -> list[str]:
    """The words of a text or of an identifier, in lower case and without a plural's ending."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).replace("_", " ")
    return [_stem(word) for word in re.findall(r"[^\W_]+", apart.lower())]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _since_last_message(turns: Sequence[Turn]) -> Sequence[Turn]:
    """The last message of the user and what was called for since."""
    for index in range(len(turns) - 1, -1, -1):
        turn = turns[index]
        if isinstance(turn, Said) and turn.role == "user":
            return turns[index:]
    return []


def _calls(question: Question, asked: str, already: set[str]) -> tuple[FunctionCall, ...]:
    """What was called for since the last message is not called again."""
    left = [one for one in question.functions if one.name not in already]
    wanted = _wanted(question, left, asked, first=not already)
    if not question.parallel:
        wanted = wanted[:1]
    return tuple(
        FunctionCall(one.name, fitting_json(one.parameters or {"type": "object"}, asked, asked))
        for one in wanted
    )


def _wanted(
    question: Question, functions: Sequence[Function], asked: str, *, first: bool
) -> list[Function]:
    match question.tool_choice:
        case "none":
            return []
        case "auto":
            return _about(functions, asked)
        case "required":
            # A hosted tool would do as well, and only one has to be called.
            needed = first and not question.hosted
            return _about(functions, asked) or (list(functions[:1]) if needed else [])
        case chosen:
            return [one for one in functions if one.name == chosen]


def _about(functions: Iterable[Function], asked: str) -> list[Function]:
    """All that the message names, or else the one whose name shares most words with it."""
    functions = list(functions)
    named = [one for one in functions if re.search(rf"(?<!\w){re.escape(one.name)}(?!\w)", asked)]
    if named:
        return named
    said = set(words(asked))
    shared = [len(said.intersection(_content(one.name))) for one in functions]
    most = max(shared, default=0)
    return [functions[shared.index(most)]] if most else []


def _content(name: str) -> set[str]:
    every = set(words(name))
    return every - VERBS or every


def _hosted(question: Question, asked: str) -> tuple[str, ...]:
    """The hosted tools that the message asks for, or that have to be used."""
    if question.tool_choice == "none":
        return ()
    if question.tool_choice in question.hosted:
        return (question.tool_choice,)
    said = set(words(asked)) | set(re.findall(r"\w+", asked.lower()))  # `news` is no plural
    used = [tool for tool in question.hosted if said & ASKS_FOR.get(tool, set())]
    if not used and question.tool_choice == "required" and not question.functions:
        used = list(question.hosted[:1])
    return tuple(dict.fromkeys(used))


def _text(
    question: Question, asked: str, since: Sequence[Turn], used: Sequence[str]
) -> tuple[str, tuple[Citation, ...]]:
    sentences = [NOT_RUN[tool] for tool in used if tool in NOT_RUN]
    names = {one.call_id: one.name for one in since if isinstance(one, Called)}
    outputs = [one for one in since if isinstance(one, Returned)]
    sentences += [
        f"{names.get(one.call_id, 'A function')} returned {one.output}" for one in outputs
    ]
    if question.passages:
        return _quoted("\n".join(sentences), question.passages[:MOST_QUOTED], asked)
    if not sentences:
        sentences = [f"You said: {asked}" if asked else NOTHING_ASKED]
    return "\n".join(sentences), ()


def _quoted(text: str, passages: Sequence[Passage], asked: str) -> tuple[str, tuple[Citation, ...]]:
    """The text with what the documents say, each quotation with a mark behind it."""
    citations = []
    for index, passage in enumerate(passages):
        quote, mark = _best_part(passage.text, asked), f"【0:{index}†{passage.filename}】"
        text += ("\n" if text else "") + f"{passage.filename} says: {quote}"
        citations.append(Citation(len(text), len(text) + len(mark), mark, quote, passage))
        text += mark
    return text, tuple(citations)


def _best_part(text: str, asked: str) -> str:
    """The part of a passage around the line that shares most words with the question."""
    text = text.strip()
    if len(text) <= LONGEST_QUOTE:
        return text
    said, lines = set(words(asked)), text.splitlines(keepends=True)
    shared = [len(said.intersection(words(line))) for line in lines]
    best = shared.index(max(shared))
    start = max(0, len("".join(lines[:best])) - LONGEST_QUOTE // 4)
    return text[start : start + LONGEST_QUOTE].strip()
