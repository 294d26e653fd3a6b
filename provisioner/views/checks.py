"""What came of checks: a line for each while they are held, and the whole as text, Markdown and
JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from provisioner import jsontext
from provisioner.errors import problem_json
from provisioner.model import Attempt, CheckReport, CheckResult, TurnResult
from provisioner.views.markdown import LIMIT, fence, prose, unmarked, weight
from provisioner.views.values import PLAIN, Paint, and_more, bounded, inline, many, visible

_FORMAT_VERSION = "1.0"
_WORDS = {"passed": "ok", "failed": "FAILED", "error": "ERROR", "needs_apply": "needs apply"}
_TONES = {"passed": "+", "failed": "-", "error": "-", "needs_apply": "~"}
_SAID = 300  # characters of a message
_MOST = 3  # attempts that are shown


def check_line(result: CheckResult, paint: Paint = PLAIN) -> str:
    """One check in one line."""
    word = f"{_WORDS[result.outcome]:<7}"
    facts = ", ".join(_facts(result))
    shown = f"{paint(_TONES[result.outcome], word)} {inline(result.title)}"
    return f"{shown}  ({facts})" if facts else shown


def _facts(result: CheckResult) -> Iterator[str]:
    check = result.check
    if result.side:
        yield "unchanged" if result.unchanged else result.side
    if result.applied:
        yield f"{_WORDS[result.applied.outcome]} as applied"
        if result.answers and result.applied.answers and not changed_answers(result):
            yield "the same answer"
    if check.attempts > 1 and result.attempts:
        needed = "" if result.outcome == "passed" else f", {check.passes} needed"
        yield f"{result.passes} of {len(result.attempts)} attempts passed{needed}"
    if result.cached:
        yield "cached"
    elif result.attempts:
        yield f"{result.seconds:.1f} s"
        yield many(result.tokens, "token")


def checks_text(report: CheckReport, paint: Paint = PLAIN, *, brief: bool = False) -> str:
    """Every check, with what was said and what was expected where one failed, and the summary.
    `brief`: without those of which there is nothing more to say.
    """
    lines = []
    for result in report.results:
        details = list(details_of(result))
        if brief and not details:
            continue
        lines.append(check_line(result, paint))
        lines += [f"        {line}" if line else "" for line in details]
        if details:
            lines.append("")
    if lines and lines[-1] != "":
        lines.append("")
    lines += [f"Note: {inline(note)}" for note in report.notes]
    lines.append(paint("bold", summary(report)))
    return "\n".join(lines) + "\n"


def details_of(result: CheckResult) -> Iterator[str]:
    """What a reader needs to know of a check that failed, what a judge says of any, and where an
    answer is another one than it was, or than what is applied gives, all of them.
    """
    yield from _beside(result)
    failed = [one for one in result.attempts if not one.passed]
    if result.outcome != "passed":
        for attempt in failed[:_MOST]:
            yield from _attempt_lines(attempt, result)
        if len(failed) > _MOST:
            yield and_more(len(failed) - _MOST, "attempt")
    if result.problem is not None:
        yield f"{inline(result.problem.summary)}: {inline(result.problem.detail)}"
        if result.problem.hint:
            yield f"hint: {inline(result.problem.hint)}"
    for warning in result.warnings:
        yield f"warning: {inline(warning)}"


def _beside(result: CheckResult) -> Iterator[str]:
    """What holds, but is answered otherwise than before."""
    applied = result.applied.answers if result.applied else ()
    for index, turn in enumerate(result.answers):
        before = [old for old in applied[index : index + 1] if _differ(turn, old)]
        if turn.misses or not (before or _old_answer(turn)):
            continue
        yield from _labelled("said", bounded(turn.said, _SAID))
        yield from _earlier_lines(turn, before)
        yield from _labelled("planned" if before else "replied", _answer(turn))
    if result.applied and result.applied.problem:
        yield f"As applied: {inline(result.applied.problem.detail)}"


def _answer(turn: TurnResult) -> str:
    return "\n".join([bounded(turn.replied) or "(nothing)", *(f"→ {one}" for one in turn.calls)])


def changed_answers(result: CheckResult) -> list[tuple[TurnResult, TurnResult]]:
    """The turns that are answered otherwise than before, planned and applied."""
    if result.applied is None:
        return []
    both = zip(result.answers, result.applied.answers, strict=False)
    return [(turn, before) for turn, before in both if _differ(turn, before)]


def _differ(turn: TurnResult, before: TurnResult) -> bool:
    return (turn.replied, turn.calls) != (before.replied, before.calls)


def _old_answer(turn: TurnResult) -> str | None:
    """What was answered once, if that was something else."""
    was = turn.was
    return None if was is None or was.split() == turn.replied.split() else was


def _earlier_lines(turn: TurnResult, before: Iterable[TurnResult]) -> Iterator[str]:
    if was := _old_answer(turn):
        yield from _labelled("was", bounded(was))
    for one in before:
        yield from _labelled("applied", _answer(one))


def _attempt_lines(attempt: Attempt, result: CheckResult) -> Iterator[str]:
    for number, turn in enumerate(attempt.turns, 1):
        if turn.misses:
            where = f"turn {number}: " if number > 1 else ""
            before = [old for new, old in changed_answers(result) if new is turn]
            yield from _turn_lines(turn, where, before)


def _turn_lines(turn: TurnResult, where: str, before: Iterable[TurnResult]) -> Iterator[str]:
    yield from _labelled("said", where + bounded(turn.said, _SAID))
    yield from _earlier_lines(turn, before)
    yield from _labelled("replied", bounded(turn.replied) or "(nothing)")
    for call in turn.calls:
        yield from _labelled("called", bounded(call, _SAID))
    for miss in turn.misses:
        yield from _labelled("expected", f"{miss.expected}; {miss.got}")


def _labelled(label: str, text: str) -> Iterator[str]:
    first, *rest = visible(text).rstrip("\n").split("\n")
    yield f"{label:<9} {first}"
    yield from (f"{'':<9} {line}".rstrip() for line in rest)


def summary(report: CheckReport) -> str:
    """`Checks: 3 passed, 1 failed, 1 could not be run. 1,234 tokens in 2.3 s.`"""
    counted = Counter(result.outcome for result in report.results)
    cached = sum(result.cached for result in report.results)
    parts = [f"{counted['passed']:,} passed" + (f" ({cached:,} of them cached)" if cached else "")]
    if counted["failed"]:
        parts.append(f"{counted['failed']:,} failed")
    if counted["error"]:
        parts.append(f"{counted['error']:,} could not be run")
    if counted["needs_apply"]:
        parts.append(f"{counted['needs_apply']:,} needs apply")
    warnings = sum(len(result.warnings) for result in report.results)
    if warnings:
        parts.append(many(warnings, "warning"))
    spent = f"{many(report.tokens, 'token')} in {report.seconds:.1f} s"
    interrupted = " Interrupted." if report.interrupted else ""
    what = "Planned checks" if report.planned else "Checks"
    return f"{what}: {', '.join(parts)}. {spent}.{interrupted}"


def checks_markdown(report: CheckReport, *, limit: int = LIMIT) -> str:
    """A table of every check, and what failed below it; never longer than a comment may be."""
    where = f"{report.workspace}/{report.environment}"
    what = "Planned checks" if report.planned else "Checks"
    head = [f"### {prose(f'{what} of {where}')}", "", f"**{prose(summary(report))}**", ""]
    rows = list(_rows(report)) if report.results else []
    notes = [f"- {prose(inline(note))}" for note in report.notes]
    parts = ["\n".join([*head, *rows, "", *notes, ""])]
    left = limit - weight(parts[0]) - 200
    boxes = [_box(result) for result in report.results if any(details_of(result))]
    for number, box in enumerate(boxes):
        left -= weight(box)
        if left < 0:
            parts.append(f"{and_more(len(boxes) - number, 'check')} in the log of the job.\n")
            break
        parts.append(box)
    whole = "\n".join(parts)
    if weight(whole) > limit:
        whole = "\n".join([*head, "The log of the job has all of it.", ""])
    return unmarked(whole)


def _rows(report: CheckReport) -> Iterator[str]:
    if report.planned:
        yield from ("| check | applied | planned | |", "| --- | --- | --- | --- |")
    else:
        yield from ("| check | result | |", "| --- | --- | --- |")
    for result in report.results:
        cells = [prose(f"`{inline(result.title)}`")]
        if report.planned:
            cells.append(_applied_word(result))
        cells += [_WORDS[result.outcome], ", ".join(_facts(result))]
        yield f"| {' | '.join(cells)} |"


def _applied_word(result: CheckResult) -> str:
    if result.unchanged:
        return _WORDS[result.outcome]
    return _WORDS[result.applied.outcome] if result.applied else ""


def _box(result: CheckResult) -> str:
    return f"**{prose(f'`{inline(result.title)}`')}**\n\n{fence(details_of(result), 'text')}"


def checks_json(report: CheckReport) -> str:
    """The document as text."""
    return jsontext.indented(checks_document(report)) + "\n"


def checks_document(report: CheckReport) -> dict[str, Any]:
    """Everything that was said, expected and found."""
    counted = Counter(result.outcome for result in report.results)
    return {
        "format_version": _FORMAT_VERSION,
        "workspace": report.workspace,
        "environment": report.environment,
        "planned": report.planned,
        "checks": [result_json(result) for result in report.results],
        "notes": list(report.notes),
        "interrupted": report.interrupted,
        "summary": {
            "passed": counted["passed"],
            "failed": counted["failed"],
            "error": counted["error"],
            "needs_apply": counted["needs_apply"],
            "cached": sum(result.cached for result in report.results),
            "warnings": sum(len(result.warnings) for result in report.results),
            "tokens": report.tokens,
            "seconds": round(report.seconds, 3),
        },
    }


def result_json(result: CheckResult) -> dict[str, Any]:
    """One check, and of what is planned the same check with what is applied."""
    return {
        "address": str(result.address),
        "name": result.check.name,
        "outcome": result.outcome,
        "unchanged": result.unchanged,
        "applied": result_json(result.applied) if result.applied else None,
        "cached": result.cached,
        "passes": result.passes,
        "needed": result.check.passes,
        "attempts": [
            {"passed": attempt.passed, "turns": [_turn_json(turn) for turn in attempt.turns]}
            for attempt in result.attempts
        ],
        "warnings": list(result.warnings),
        "problem": problem_json(result.problem) if result.problem else None,
        "tokens": result.tokens,
        "seconds": round(result.seconds, 3),
    }


def _turn_json(turn: TurnResult) -> dict[str, Any]:
    return {
        "said": turn.said,
        "was": turn.was,
        "replied": turn.replied,
        "calls": list(turn.calls),
        "misses": [{"expected": miss.expected, "got": miss.got} for miss in turn.misses],
        "warnings": list(turn.warnings),
        "tokens": turn.tokens,
        "seconds": round(turn.seconds, 3),
    }
