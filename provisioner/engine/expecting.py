"""What of an expectation a reply does not meet. Pure, and never for ever."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from provisioner import interrupts, jsontext
from provisioner.conversation import Call, Reply
from provisioner.model import Expectation, Miss
from provisioner.text import listed, quoted, spelt

Documents = Mapping[str, Collection[str]]
"""The ids that a document has at the service, by its path in the workspace."""

_NOT = "it does not"
_LONGEST = 5.0  # seconds that a regular expression or a schema may take over one reply


def misses(expected: Expectation, reply: Reply, documents: Documents) -> tuple[Miss, ...]:
    """Everything that was expected and is not so. Of a turn that ended otherwise than expected
    nothing else is looked at.
    """
    if reply.status != expected.status:
        why = f": {reply.reason}" if reply.reason else ""
        return (Miss(f"to end as `{expected.status}`", f"`{reply.status}`{why}"),)
    found = [
        *_texts(expected, reply.text),
        *_citations(expected.cites, reply, documents),
        *_calls(expected.calls, reply.calls),
        *_limits(expected, reply),
    ]
    if expected.json_schema is not None:
        found += _schema(expected.json_schema, reply.text)
    return tuple(found)


def _texts(expected: Expectation, text: str) -> Iterator[Miss]:
    said = _folded(text)
    for part in expected.contains:
        if _folded(part) not in said:
            yield Miss(f"to contain {spelt(part)}", _NOT)
    for part in expected.not_contains:
        if _folded(part) in said:
            yield Miss(f"not to contain {spelt(part)}", "it does")
    if expected.matches is not None:
        yield from _match(expected.matches, text)


def _match(pattern: str, text: str) -> Iterator[Miss]:
    expected = f"to match {spelt(pattern)}"
    try:
        with interrupts.limited(_LONGEST):
            found = re.search(pattern, text)
    except TimeoutError:
        yield Miss(expected, f"{_undecided()}; repeat nothing inside of what is repeated")
        return
    if not found:
        yield Miss(expected, _NOT)


def _undecided() -> str:
    return f"that could not be told in {_LONGEST:g} seconds"


def _folded(text: str) -> str:
    """Text without its case, letters in one spelling each, and with one blank for all white space:
    models like to set narrow and hard ones.
    """
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _citations(paths: Iterable[str], reply: Reply, documents: Documents) -> Iterator[Miss]:
    cited = {one.file_id for one in reply.citations}
    names = {one.filename for one in reply.citations if one.filename}
    for path in paths:
        ids = documents.get(path, ())
        by_name = not ids and PurePosixPath(path).name in names
        if by_name or cited.intersection(ids):
            continue
        others = listed(f"`{name}`" for name in sorted(names or cited))
        yield Miss(f"to cite `{path}`", f"it cites {others}" if others else "it cites nothing")


def _calls(wanted: Mapping[str, Mapping[str, Any] | None], calls: Iterable[Call]) -> Iterator[Miss]:
    made = [(call.name, arguments_of(call), spelt_call(call)) for call in calls]
    for name, arguments in wanted.items():
        if any(
            called == name and (arguments is None or includes(given, arguments))
            for called, given, _ in made
        ):
            continue
        told = "" if arguments is None else f" with `{json.dumps(arguments, ensure_ascii=False)}`"
        got = f"called was {quoted((text for _, _, text in made), 'and')}"
        yield Miss(f"a call of `{name}`{told}", got if made else "no function was called")


def arguments_of(call: Call) -> Any:
    """The arguments of a call; the text itself where it is not JSON."""
    try:
        return jsontext.read(call.arguments)
    except jsontext.Unreadable:
        return call.arguments


def spelt_call(call: Call) -> str:
    """`get_weather({"location": "Oslo"})`."""
    return f"{call.name}({call.arguments})"


def includes(given: Any, wanted: Any) -> bool:
    """Whether a value is as it is wanted: of a mapping the wanted keys, of anything else all
    of it.
    """
    if isinstance(wanted, Mapping):
        return isinstance(given, Mapping) and all(
            key in given and includes(given[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        same = isinstance(given, list) and len(given) == len(wanted)
        return same and all(includes(one, other) for one, other in zip(given, wanted, strict=True))
    if isinstance(wanted, bool) or isinstance(given, bool):
        return given is wanted
    return bool(given == wanted)


def _schema(schema: Any, text: str) -> Iterator[Miss]:
    expected = "JSON that fits the schema"
    try:
        value = jsontext.read(text)
    except jsontext.Unreadable as error:
        yield Miss(expected, f"the reply {error}")
        return
    # Costs a tenth of a second, and few checks need it.
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for

    validator = validator_for(schema, default=Draft202012Validator)(schema)
    try:
        with interrupts.limited(_LONGEST):
            found = sorted(validator.iter_errors(value), key=lambda one: str(one.json_path))
    except TimeoutError:
        yield Miss(expected, _undecided())
        return
    except Exception as error:  # noqa: BLE001  # a schema leads astray in many ways, all its own
        circle = isinstance(error, RecursionError)
        why = "it leads back to itself" if circle else spelt(str(error), 200)
        yield Miss(expected, f"the schema cannot be used: {why}")
        return
    for wrong in found[:3]:
        yield Miss(expected, f"`{wrong.json_path}`: {spelt(wrong.message, 200)}")


def _limits(expected: Expectation, reply: Reply) -> Iterator[Miss]:
    tokens, most = reply.usage.total, expected.max_tokens
    if most is not None and tokens > most:
        yield Miss(f"at most {most:,} tokens", f"it took {tokens:,}")
    seconds, longest = reply.seconds, expected.max_seconds
    if longest is not None and seconds > longest:
        yield Miss(f"at most {longest:g} seconds", f"it took {seconds:.1f}")
