"""An outline as Markdown: the comment on a pull request, never longer than GitHub takes."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import islice

from provisioner.errors import quiet
from provisioner.model import Problem
from provisioner.planfile.checksum import FORMULA
from provisioner.records import dataclass
from provisioner.views.lines import Item, Line, Outline, Section
from provisioner.views.problems import place_text
from provisioner.views.values import and_more, bounded, many, visible

LIMIT = 65_000  # of the 65,536 that a comment may have: an action adds a line or two
_OPEN = 60  # lines of diffs that need not be unfolded by hand
_ELSEWHERE = {
    "plan": "`provisioner show` prints all of a saved plan",
    "drift": "`provisioner drift` prints all of it",
    "apply": "the log of the job has all of it",
    "accept": "the changed files have all of it",
}
_NAME = 300  # characters of a name with its facts
_URGENT = ("blocked", "interrupted")
_UNSAFE = re.compile(r"[^\w./ -]")  # what could end a comment


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is said."""

    lines: int | None = None  # of one resource's diff
    context: bool = True  # whether lines that touch no change are shown
    rows: int | None = None  # resources of one section that are named
    review: int = 20  # sentences of one group of the review
    sentence: int = 2_000  # characters of one sentence

    @property
    def sentences(self) -> int | None:
        """Of a section, or of the problems."""
        return None if self.rows is None else max(self.rows, self.review)


_WHOLE = (
    Detail(),
    Detail(1_000, context=False),
    Detail(400, context=False),
    Detail(150, context=False),
    Detail(60, context=False),
    Detail(24, context=False),
)
_ROWS = Detail(0, sentence=500)
_COUNTS = (
    Detail(0, rows=300, sentence=500),
    Detail(0, rows=100, sentence=300),
    Detail(0, rows=20, review=10, sentence=200),
    Detail(0, rows=0, review=5, sentence=150),
    Detail(0, rows=0, review=1, sentence=80),
)


def markdown(outline: Outline, *, limit: int = LIMIT) -> str:
    """The comment, in at most `limit` bytes of UTF-8 (1,000 are always enough): all of it, or
    shorter diffs, or the diffs that fit and a line for every other resource, or counts; what
    matters most is always there.
    """
    least = sum(
        len(line.text)
        for section in outline.sections
        for item in section.items
        for line in item.lines
    )
    for detail in _WHOLE if least <= limit else _WHOLE[1:]:
        if weight(text := _page(outline, detail)) <= limit:
            return text
    left = limit - weight(_page(outline, _ROWS))
    if left >= 0:
        return _page(outline, _ROWS, frozenset(_affordable(outline, left)))
    for detail in _COUNTS:
        if weight(text := _page(outline, detail)) <= limit:
            return text
    return _head(outline) + unmarked(
        f"### {prose(outline.title[:80])}\n\n**{outline.summary}**\n\n{_pointer(outline)}"
    )


def _affordable(outline: Outline, left: int) -> Iterator[str]:
    """The resources whose diffs fit as well: those first that the review names first."""
    rank: dict[str, int] = {}
    for item in (item for section in outline.review for item in section.items):
        rank.setdefault(item.address, len(rank))
    costs: Counter[str] = Counter()  # a resource may stand in two sections
    for item in (
        item
        for section in outline.sections
        for item in section.items
        if item.lines and item.address
    ):
        costs[item.address] += weight(_box(item, _WHOLE[-1])) + len("\n open")
    for address in sorted(costs, key=lambda address: rank.get(address, len(rank))):
        if costs[address] <= left:
            left -= costs[address]
            yield address


def _page(outline: Outline, detail: Detail, boxed: frozenset[str] = frozenset()) -> str:
    parts = [f"### {prose(outline.title)}\n", f"**{outline.summary}**\n"]
    for section in outline.sections:
        if section.name in _URGENT:
            parts.append(
                _alert("CAUTION", section.heading, list(map(_sentence, section.items)), detail)
            )
    parts += _problems(outline.problems, detail)
    for group in outline.review:
        bullets = _bullets(list(map(_sentence, group.items)), detail, detail.review)
        parts.append("\n".join([f"**{group.heading.rstrip(':')}**", *bullets, ""]))
    parts += [
        _section(section, detail, boxed)
        for section in outline.sections
        if section.name not in _URGENT
    ]
    if detail != _WHOLE[0]:
        parts.append(f"{_pointer(outline)}\n")
    facts = []
    for label, value in outline.facts:
        shown = passing(value) if label == "Lock" else value
        facts.append(f"{label} {code(shown)}")
    if facts:
        parts.append(f"<sub>{' · '.join(facts)}</sub>\n")
    return _head(outline) + unmarked("\n".join(part for part in parts if part))


def _head(outline: Outline) -> str:
    """What programs find the comment by, and the plan that it approves."""
    lines = [f"<!-- provisioner:{_UNSAFE.sub('_', outline.marker)} -->"] if outline.marker else []
    checksum = dict(outline.facts).get("Checksum")
    if checksum:
        lines += [
            f"<!-- provisioner:checksum {checksum} -->",
            f"<!-- provisioner:formula {FORMULA} -->",
        ]
    return "".join(f"{line}\n" for line in lines)


def _pointer(outline: Outline) -> str:
    where = _ELSEWHERE.get(
        outline.marker.partition(" ")[0], "the artifact of the job has all of it"
    )
    return prose(f"This is a shortened version that fits a comment; {where}.")


def _alert(sort: str, heading: str, sentences: list[str], detail: Detail) -> str:
    lines = [
        f"**{prose(heading.rstrip(':'))}**",
        "",
        *_bullets(sentences, detail, detail.sentences),
    ]
    return "".join(f"> {line}".rstrip() + "\n" for line in (f"[!{sort}]", *lines))


def _bullets(sentences: Sequence[str], detail: Detail, most: int | None) -> list[str]:
    shown = [f"- {prose(bounded(text, detail.sentence))}" for text in sentences[:most]]
    rest = len(sentences) - len(shown)
    return [*shown, *([f"- {and_more(rest)}"] if rest else [])]


def _problems(problems: Sequence[Problem], detail: Detail) -> Iterator[str]:
    for severity, sort in (("error", "CAUTION"), ("warning", "WARNING")):
        chosen = sorted(
            (one for one in problems if one.severity == severity), key=lambda one: one.order
        )
        sentences = []
        for problem in map(quiet, chosen):
            place = " ".join(visible(place_text(problem)).split())
            if place:
                place = f"`{passing(place) if problem.line else place}` "
            hint = f" hint: {problem.hint}" if problem.hint else ""
            text = visible(f"{problem.summary}: {problem.detail}{hint}")
            sentences.append(place + " ".join(text.split()))
        if sentences:
            yield _alert(sort, many(len(sentences), severity), sentences, detail)


def _sentence(item: Item) -> str:
    """An item that is said in one sentence, the name of its resource as code."""
    named = item.address and item.title.startswith(item.address) and "`" not in item.address
    title = f"`{item.address}`{item.title[len(item.address) :]}" if named else item.title
    symbol = f"`{item.symbol}` " if item.symbol and item.symbol != "!" else ""
    facts = f" ({', '.join(item.facts)})" if item.facts else ""
    return f"{symbol}{title}{facts}"


def _section(section: Section, detail: Detail, boxed: frozenset[str]) -> str:
    """Sentences, the details of resources, and a line for each one without."""
    sentences = [item for item in section.items if not (item.symbol or item.address)]
    others = [item for item in section.items if item.symbol or item.address]
    kept = _WHOLE[-1] if boxed else detail
    boxes, rows = [], []
    for item in others:
        if item.lines and (detail.lines != 0 or item.address in boxed):
            boxes.append(_box(item, kept))
        else:
            rows.append(item)
    few = sum(box.count("\n") for box in boxes) <= _OPEN
    bullets = _bullets(list(map(_sentence, sentences)), detail, detail.sentences)
    # One line a resource; what is too much is counted by what happens to which kind.
    shown = rows if detail.rows is None else rows[: detail.rows]
    lines = [line for item in shown for line in _row(item)]
    rest = Counter(
        (item.symbol, item.address.partition(".")[0].replace("_", " "))
        for item in rows[len(shown) :]
    )
    counts = [
        Line(symbol, f"{symbol} {many(count, kind or 'row')}")
        for (symbol, kind), count in sorted(rest.items())
    ]
    parts = [
        f"#### {prose(section.heading.rstrip(':'))}\n",
        "".join(f"{line}\n" for line in bullets),
        *(box.replace("<details>", "<details open>", 1) if few else box for box in boxes),
        fence([*lines, *fenced_lines(counts)]) if rows else "",
    ]
    return "\n".join(part for part in parts if part)


def _row(item: Item) -> list[str]:
    """The position stands behind the rest, or below where that is long: how it is wrapped does not
    hang on a number.
    """
    facts = f"  ({', '.join(item.facts)})" if item.facts else ""
    lines = fenced_lines([Line(item.symbol, bounded(f"{item.symbol} {item.title}{facts}", _NAME))])
    if not item.position:
        return lines
    position = passing(bounded(item.position, _NAME))
    if len(lines[-1]) + len(item.position.rpartition(":")[0]) < WIDTH - 8:
        return [*lines[:-1], f"{lines[-1]}  {position}"]
    return [*lines, f"  {position}"]


def _box(item: Item, detail: Detail) -> str:
    """The diff of one resource, to be unfolded."""
    lines = item.lines if detail.context else near_changes(item.lines)
    facts = f" ({html_text(bounded(', '.join(item.facts), _NAME))})" if item.facts else ""
    place = (
        f" <code>{passing(html_text(bounded(item.position, _NAME)))}</code>"
        if item.position
        else ""
    )
    title = html_text(bounded(f"{item.symbol} {item.title}".strip(), _NAME))
    head = f"<code>{title}</code>{facts}{place}"
    body = fence(fenced_lines(lines, detail.lines))
    return f"<details><summary>{head}</summary>\n\n{body}\n</details>\n"


WIDTH = 100  # columns, so that nobody has to scroll sideways
_STEP = "  "
_AGAIN = "↳ "  # before what did not fit into the line above
_SAID = ("+", "-", "~", "!", "")  # what the first column says; other symbols stand behind it


def fenced_lines(lines: Sequence[Line], most: int | None = None) -> list[str]:
    """The lines of a `diff` block; of more than `most` the beginning and the end, with the rest
    counted.
    """
    first = list(islice(_fence_rows(enumerate(lines)), None if most is None else most + 1))
    if most is None or len(first) <= most:
        return [row for _, row in first]
    backwards = ((number, lines[number]) for number in range(len(lines) - 1, -1, -1))
    last = list(islice(_fence_rows(backwards, turned=True), most // 3))[::-1]
    first = first[: most - len(last)]
    left = (last[0][0] if last else len(lines)) - first[-1][0] - 1
    more = f"@@ {many(left, 'more line')} @@" if left > 0 else "@@ … @@"
    return [*(row for _, row in first), more, *(row for _, row in last)]


def _fence_rows(
    lines: Iterable[tuple[int, Line]], *, turned: bool = False
) -> Iterator[tuple[int, str]]:
    """Each row with the number of the line that it is part of."""
    for number, line in lines:
        rows = list(_line(line))
        yield from ((number, row) for row in (reversed(rows) if turned else rows))


def near_changes(lines: Sequence[Line]) -> list[Line]:
    """The lines without the context that touches no change."""
    plain = [line.tone == "" and line.text[:1] in ("", " ") for line in lines]
    beside = [not all(plain[max(0, n - 1) : n + 2]) for n in range(len(lines))]
    return [line for line, kept in zip(lines, beside, strict=True) if kept]


def _line(line: Line) -> Iterator[str]:
    if line.tone == "@":
        yield line.text
        return
    column = {"+": "+", "-": "-", "": " ", "dim": " "}.get(line.tone, "!")
    skip = 1 if line.tone in _SAID and line.text[:1] == (line.tone or " ") else 0
    text = line.text[skip:] if line.tone in _SAID or line.tone == "dim" else f" {line.text}"
    marks = [(low - skip, high - skip) for low, high in line.marks]
    for number, (start, end) in enumerate(_wrapped(text)):
        head = f"{column}{_STEP * line.depth}{_AGAIN if number else ''}"
        yield (head + text[start:end]).rstrip()
        # `^^^^` below the marked words of one range.
        under, at = "", start
        for low, high in marks:
            low, high = max(low, start), min(high, end)
            if low < high:
                under += " " * _columns(text[at:low]) + "^" * max(1, _columns(text[low:high]))
                at = high
        if under:
            yield f"!{' ' * (_columns(head) - 1)}{under}"


def _wrapped(text: str) -> Iterator[tuple[int, int]]:
    """The ranges into which a text is cut, at blanks where there are any."""
    start = 0
    while len(text) - start > WIDTH:
        end = text.rfind(" ", start + WIDTH // 2, start + WIDTH) + 1 or start + WIDTH
        yield start, end
        start = end
    yield start, len(text)


def _columns(text: str) -> int:
    """How wide a text is in a fixed font: scripts of East Asia take two columns, combining marks
    none.
    """
    if text.isascii():
        return len(text)
    columns = 0
    for letter in text:
        if not unicodedata.combining(letter):
            columns += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
    return columns


_TICKS = re.compile(r"`+")
_SPAN = re.compile(r"`([^`]+)`")
_SPECIAL = re.compile(r"([\\`*_\[\]<>&~|$])")
# A heading, a list, a rule, where a paragraph begins.
_FIRST = re.compile(r"^([#+\-=]|\d+(?=[.)]))")
# What GitHub makes links, mentions and pictures of even in plain text: names, issues, addresses,
# emoji. An entity for a space without width goes into the middle.
_LINKED = re.compile(
    r"(@(?=\w)|#(?=\d)|\bgh-(?=\d)|:(?=//)|\bwww(?=\.)|:(?=[\w+-]+:))", re.IGNORECASE
)
_APART = "&#8203;"
_OPEN_TAG, _CLOSE = "\u2062", "\u2064"  # invisible; text of others has none, see `values.visible`
_NUMBER = re.compile(r"\d+(?::\d+)?$")
_PASSING = re.compile(f"{_OPEN_TAG}[^{_CLOSE}]*{_CLOSE}")
_MARKER = re.compile(r"<!(--\s*provisioner\s*:)", re.IGNORECASE)


def code(text: str) -> str:
    """A code span; in one nothing is linked."""
    ticks = "`" * (_longest(text) + 1)
    pad = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{ticks}{pad}{text}{pad}{ticks}" if text else ""


def prose(text: str) -> str:
    """A sentence in which names stand in backticks: those become code, everything else
    plain text.
    """
    shown = []
    for number, part in enumerate(_SPAN.split(text)):
        if number % 2:
            shown.append(code(part))
        else:
            escaped = _SPECIAL.sub(r"\\\1", part)
            unlinked = _LINKED.sub(rf"\1{_APART}", escaped)
            shown.append(_FIRST.sub(r"\\\1", unlinked))
    return "".join(shown)


def html_text(text: str) -> str:
    """Plain text inside an HTML tag."""
    return _LINKED.sub(rf"\1{_APART}", escape(text))


def fence(lines: Iterable[str], info: str = "diff") -> str:
    """A fenced block that none of its lines can close."""
    text = "\n".join(lines)
    ticks = "`" * max(3, _longest(text) + 1)
    return f"{ticks}{info}\n{text}\n{ticks}\n"


def unmarked(text: str) -> str:
    """The text without any comment that a program could take for one of ours."""
    return _MARKER.sub(r"<! \1", text)


def passing(text: str) -> str:
    """A text whose number at the end is only that of the moment: the line of a position, the serial
    of a lock. It is marked, so that a program can leave it out when it compares what was shown.
    """
    return _NUMBER.sub(rf"{_OPEN_TAG}\g<0>{_CLOSE}", text)


def weight(text: str) -> int:
    """What a text counts at most against GitHub's limit: bytes are never fewer than characters of
    any sort. A number of the moment counts as a long one, so that how much is shown does not hang
    on it.
    """
    return len(_PASSING.sub("x" * 24, text).encode(errors="surrogatepass"))


def _longest(text: str) -> int:
    return max(map(len, _TICKS.findall(text)), default=0)
