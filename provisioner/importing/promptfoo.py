"""Configurations of promptfoo: an assistant for each provider of OpenAI's, its tests as checks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from provisioner.importing.azure import on_azure
from provisioner.importing.json_exports import placeholders
from provisioner.importing.names import slug
from provisioner.importing.nouns import Findings, Found, Origin
from provisioner.importing.spelling import read_assistant
from provisioner.importing.taking import ABSENT, Losses, Path, Taking
from provisioner.jsontext import Unreadable, read
from provisioner.records import dataclass
from provisioner.text import dotted

_PROVIDER = re.compile(
    r"^(?:azureopenai|azure|openai):(?:(?P<sort>chat|responses|assistant|agents):)?(?P<what>.+)$"
)
_ADDRESS = re.compile(r"^assistant\.(?P<name>[a-z][a-z0-9_-]{0,63})(?:#(?P<check>[\w-]+))?")
_PLACE = re.compile(r"\{\{\s*(\w+)\s*(?:\|\s*(?:dump|safe|trim)\s*)?\}\}")
_LITERAL = re.compile(r"\{\{ '(\{[{%#])' \}\}")
_TEMPLATE = re.compile(r"\{[{%#]")
_ELSEWHERE = ("file://", "package:", "http://", "https://")
_CHECKS = "is for promptfoo; write what must hold as `checks:`"
_TALK = "_conversation"  # in a prompt: what was said before stands in front
_SENT = ("apiKeyEnvar", "apiBaseUrl", "apiHost", "organization", "headers", "omitDefaults")


def is_promptfoo(value: Any) -> bool:
    """Whether a document is a configuration of promptfoo."""
    if not isinstance(value, Mapping):
        return False
    keys = value.keys()
    return ("providers" in keys or "targets" in keys) and bool({"prompts", "tests"} & keys)


@dataclass(frozen=True)
class _Prompt:
    """What users say, with places for what a test fills in."""

    label: str
    text: str


@dataclass
class _Reading:
    """A configuration on its way."""

    rest: Losses
    prompts: list[_Prompt] = field(default_factory=list)
    system: str | None = None
    providers: list[tuple[tuple[str, ...], Found]] = field(default_factory=list)  # with its names
    others: list[Found] = field(default_factory=list)
    checks: dict[int, dict[str, Any]] = field(default_factory=dict)  # by the place of the provider
    talks: dict[tuple[int, str], str] = field(default_factory=dict)  # the check of a conversation


def read_promptfoo(value: Mapping[str, Any], source: str) -> Findings:
    """An assistant for each provider of OpenAI's, with the system message of the prompts where they
    have one, and a check for each test; the rest is reported.
    """
    reading = _Reading(Losses(Origin(source)))
    _read_prompts(value.get("prompts"), reading)
    for key in ("providers", "targets"):
        providers = value.get(key, [])
        for index, one in enumerate(providers if isinstance(providers, list) else [providers]):
            _provider(one, (key, index), reading)
    _read_tests(value, reading)
    found = [*reading.others]
    for place, (_, one) in enumerate(reading.providers):
        checks = reading.checks.get(place)
        found.append(replace(one, fields={**one.fields, "checks": checks}) if checks else one)
    return Findings(found=found, losses=reading.rest.all)


def _read_tests(value: Mapping[str, Any], reading: _Reading) -> None:
    tests, default = value.get("tests"), value.get("defaultTest")
    known = ["providers", "targets", "prompts"]
    if isinstance(tests, list):
        known += ["tests", "defaultTest"]
        for index, test in enumerate(tests):
            _test(test, ("tests", index), default, reading)
        if isinstance(default, Mapping):
            _lose_rest(default, ("defaultTest",), ("vars", "assert"), reading.rest)
    _lose_rest(value, (), known, reading.rest)


def _lose_rest(value: Mapping[str, Any], at: Path, known: Collection[str], rest: Losses) -> None:
    for key, inner in value.items():
        if key not in known:
            rest.lose((*at, key), inner, _CHECKS)


# Prompts and providers.


def _read_prompts(prompts: Any, reading: _Reading) -> None:
    """The one system message of some prompts, and what users say in each."""
    for index, prompt in enumerate(_list(prompts)):
        said = prompt.get("raw", prompt.get("id")) if isinstance(prompt, Mapping) else prompt
        label = str(prompt.get("label", said)) if isinstance(prompt, Mapping) else str(said)
        turns = _turns(said)
        system = _content(turns, ("system", "developer"))
        user = _content(turns, ("user",))
        if system is not None and reading.system is None:
            reading.system = system
            why = "its system message became `instructions`"
            reading.rest.say(("prompts", index), why, None, "note")
        elif system is not None:
            reading.rest.lose(("prompts", index), prompt, "has another system message")
        if user is None and isinstance(said, str) and not turns:
            user = "{{ say }}" if _TALK in said and "say" in said else said
        if user is not None and not user.startswith(_ELSEWHERE):
            reading.prompts.append(_Prompt(label, user))
        elif system is None:
            reading.rest.lose(("prompts", index), prompt, "is no text that stands here")


def _content(turns: list[Any], roles: tuple[str, ...]) -> str | None:
    for turn in reversed(turns):
        if isinstance(turn, Mapping) and turn.get("role") in roles:
            content = turn.get("content")
            return content if isinstance(content, str) else None
    return None


def _turns(said: Any) -> list[Any]:
    if not isinstance(said, str) or not said.lstrip().startswith("["):
        return []
    try:
        value = read(said)
    except Unreadable:
        return []
    return value if isinstance(value, list) else []


def _provider(one: Any, at: Path, reading: _Reading) -> None:
    if isinstance(one, Mapping) and len(one) == 1 and "id" not in one:
        ((name, inner),) = one.items()
        one = {"id": name, **(inner if isinstance(inner, Mapping) else {})}
    id = one.get("id") if isinstance(one, Mapping) else one
    match = _PROVIDER.match(id) if isinstance(id, str) else None
    if match is None:
        reading.rest.lose(at, one, "is no provider of OpenAI's")
        return
    label = one.get("label") if isinstance(one, Mapping) else None
    settings = _settings(one, (*at, "config"), reading.rest) if isinstance(one, Mapping) else {}
    settings.setdefault("id" if match["sort"] == "assistant" else "model", match["what"])
    if reading.system is not None:
        settings.setdefault("instructions", reading.system)
    if "max_tokens" in settings:
        settings.setdefault("max_output_tokens", settings.pop("max_tokens"))
    origin = replace(reading.rest.origin, path=dotted(at))
    address = _ADDRESS.match(str(label))
    called = address["name"] if address else label or match["what"]
    made = [placeholders(found) for found in read_assistant(settings, origin, str(called))]
    if str(id).startswith("azure"):
        made = [on_azure(found) for found in made]
    reading.others += made[:-1]
    reading.providers.append(((str(id), str(label)), made[-1]))


def _settings(one: Mapping[str, Any], at: Path, rest: Losses) -> dict[str, Any]:
    """What a provider sends with each request."""
    config = one.get("config")
    settings = dict(config) if isinstance(config, Mapping) else {}
    if isinstance(settings.get("passthrough"), Mapping):
        settings |= settings.pop("passthrough")
    for key in _SENT:
        if key in settings:
            why = "says where and how promptfoo asks; an environment does here"
            rest.lose((*at, key), settings.pop(key), why, None, "note")
    return settings | {key: one[key] for key in one if key not in ("id", "config", "label")}


# Tests.


def _test(test: Any, at: Path, default: Any, reading: _Reading) -> None:
    if not isinstance(test, Mapping):
        reading.rest.lose(at, test, "is no test that stands here")
        return
    some = Taking(test, reading.rest, at)
    description, metadata = some.take("description"), some.take("metadata")
    places = _chosen(some, [names for names, _ in reading.providers], "providers")
    prompts = _chosen(some, [(prompt.label,) for prompt in reading.prompts], "prompts")
    variables = _variables(some, default)
    asserts, where = some.take("assert"), some.path("assert")
    said = [
        text
        for index in prompts
        if (text := _filled(reading.prompts[index].text, variables)) is not None
    ]
    if not said or not places:
        why = "is a test of which nobody knows what is said, or to whom" if places else _CHECKS
        reading.rest.lose(at, test, why)
        return
    talk = metadata.get("conversationId") if isinstance(metadata, Mapping) else None
    if not isinstance(talk, str):
        some.drop(some.path("metadata"), metadata, _CHECKS)
    else:
        _lose_rest(metadata, some.path("metadata"), ("conversationId",), reading.rest)
    used = {name for index in prompts for name in _PLACE.findall(reading.prompts[index].text)}
    if isinstance(test.get("vars"), Mapping):
        _lose_rest(test["vars"], some.path("vars"), used, reading.rest)
    inherited = default.get("assert") if isinstance(default, Mapping) else None
    some.end(_CHECKS)
    for place in places:
        for number, text in enumerate(said):
            losses = (
                reading.rest if (place, number) == (places[0], 0) else Losses(some.losses.origin)
            )
            model = reading.providers[place][1].fields.get("model")
            asked = [(inherited, ("defaultTest", "assert")), (asserts, where)]
            turn = _Turn(losses, model).read(text, asked)
            name = _name(description, talk, at[-1])
            _add(reading, place, name if number == 0 else f"{name}_{number + 1}", talk, turn)


def _chosen(some: Taking, known: list[tuple[str, ...]], key: str) -> list[int]:
    """Which of the providers or prompts a test is for: those it names, or all."""
    at, wanted = some.path(key), some.take(key)
    if wanted is ABSENT:
        return list(range(len(known)))
    names = wanted if isinstance(wanted, list) else [wanted]
    chosen = [place for place, own in enumerate(known) if set(own) & set(map(str, names))]
    missing = [name for name in names if not any(str(name) in own for own in known)]
    if missing:
        some.losses.lose(at, missing, "names none of those that are here")
    return chosen


def _variables(some: Taking, default: Any) -> dict[str, Any]:
    given = default.get("vars") if isinstance(default, Mapping) else None
    own = some.take("vars")
    if own is not ABSENT and not isinstance(own, Mapping):
        some.drop(some.path("vars"), own, "is not a mapping")
    return {
        **(given if isinstance(given, Mapping) else {}),
        **(own if isinstance(own, Mapping) else {}),
    }


def _filled(text: str, variables: Mapping[str, Any]) -> str | None:
    """A prompt with what a test says; None where a place is filled by something else."""
    parts: list[str] = []
    end = 0
    for match in _PLACE.finditer(text):
        value = variables.get(match[1])
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None
        literal = _said(value)
        nested = any(name in variables for name in _PLACE.findall(literal))
        if nested or literal.startswith(_ELSEWHERE[:2]):
            return None
        parts += [text[end : match.start()], literal]
        end = match.end()
    rest = text[end:]
    if any(_TEMPLATE.search(part) for part in [*parts[::2], rest]):
        return None
    return "".join([*parts, rest]) or None


def _meant(text: str) -> str | None:
    """Text as promptfoo reads it; None where it is a template, or stands elsewhere."""
    if text.startswith(_ELSEWHERE[:2]):
        return None
    bare = text.removeprefix("{{ '' }}")
    if _TEMPLATE.search(_LITERAL.sub("", bare)):
        return None
    return _LITERAL.sub(r"\1", bare)


def _name(description: Any, talk: Any, index: Any) -> str:
    """A name for a check: what our own export calls it, or a readable one."""
    for text in (talk, description):
        if isinstance(text, str) and (match := _ADDRESS.match(text)) and match["check"]:
            return match["check"]
    for text in (description, talk):
        if isinstance(text, str) and (name := slug(text)) and name[0].isalpha():
            return name
    return f"test_{int(index) + 1}"


def _add(reading: _Reading, place: int, name: str, talk: Any, turn: dict[str, Any]) -> None:
    checks = reading.checks.setdefault(place, {})
    known = reading.talks.get((place, talk)) if isinstance(talk, str) else None
    if known:
        checks[known].append(turn)
        return
    count, free = 1, name
    while free in checks:
        count += 1
        free = f"{name[:60]}_{count}"
    checks[free] = [turn]
    if isinstance(talk, str):
        reading.talks[place, talk] = free


# Assertions.

_CASE = "a check does not look at upper and lower case"
_STATUS = re.compile(r'^context\.providerResponse\.raw\.status === "(\w+)"$')
_TOKENS = re.compile(r"^context\.providerResponse\.tokenUsage\.total <= (\d+)$")
_CALLED = re.compile(r'return calls\.some\(\(\[name\]\) => name === ("(?:[^"\\]|\\.)*")\);$')
_CALLING = re.compile(
    r'name === ("(?:[^"\\]|\\.)*") && includes\(JSON\.parse\(given\), (\{.*\})\)\);$', re.S
)


class _Turn:
    """What has to be true of one reply, assertion by assertion."""

    def __init__(self, losses: Losses, model: Any) -> None:
        self.losses = losses
        self.model = model
        self.expect: dict[str, Any] = {}
        self.judge: dict[str, Any] = {}

    def read(self, said: str, asked: list[tuple[Any, Path]]) -> dict[str, Any]:
        for asserts, at in asked:
            if asserts is ABSENT or asserts is None:
                continue
            if not isinstance(asserts, list):
                self.losses.lose(at, asserts, _CHECKS)
                continue
            for index, one in enumerate(asserts):
                if not (isinstance(one, Mapping) and self._one(one, (*at, index))):
                    self.losses.lose((*at, index), one, "is nothing that a check can say")
        turn: dict[str, Any] = {"say": said}
        turn |= {"expect": self.expect} if self.expect else {}
        return turn | ({"judge": self.judge} if self.judge else {})

    def _one(self, one: Mapping[str, Any], at: Path) -> bool:
        kind = one.get("type")
        way = _WAYS.get(kind) if isinstance(kind, str) else None
        values = list(_texts(one.get("value")))
        if way is None or not way(self, str(kind), values, one, at):
            return False
        for key, value in one.items():
            known = ("type", "value", "weight" if kind == "llm-rubric" else "type", "transform")
            if key not in (*known, "provider", "threshold"):
                self.losses.lose((*at, key), value, _CHECKS)
        return True

    def contains(self, kind: str, values: list[str], one: Mapping[str, Any], at: Path) -> bool:
        if not values:
            return False
        key = "not_contains" if kind.startswith("not-") else "contains"
        if not kind.removeprefix("not-").startswith("i"):
            self.losses.say((*at, "type"), _CASE)
        several = [*_list(self.expect.get(key)), *values]
        self.expect[key] = several[0] if len(several) == 1 else several
        return True

    def matches(self, kind: str, values: list[str], one: Mapping[str, Any], at: Path) -> bool:
        if "matches" in self.expect or not values:
            return False
        escaped = "|".join(map(re.escape, values))
        patterns = {
            "regex": values[0],
            "equals": rf"\A{escaped}\Z",
            "starts-with": rf"\A{escaped}",
            "contains-any": escaped,
            "icontains-any": f"(?i){escaped}",
        }
        if kind != "regex" and len(values) > 1 and not kind.endswith("-any"):
            return False
        try:
            re.compile(patterns[kind])
        except (re.error, OverflowError, RecursionError):
            return False
        self.expect["matches"] = patterns[kind]
        return True

    def json(self, kind: str, values: list[str], one: Mapping[str, Any], at: Path) -> bool:
        schema = one.get("value", {})
        if isinstance(schema, str):
            try:
                schema = read(_meant(schema) or "")
            except Unreadable:
                return False
        if not isinstance(schema, Mapping) or "json_schema" in self.expect:
            return False
        self.expect["json_schema"] = dict(schema)
        return True

    def rubric(self, kind: str, values: list[str], one: Mapping[str, Any], at: Path) -> bool:
        if len(values) != 1 or self.judge:
            return False
        provider = one.get("provider")
        match = _PROVIDER.match(provider) if isinstance(provider, str) else None
        if provider is not None and match is None:
            self.losses.lose((*at, "provider"), provider, "is no provider of OpenAI's")
        self.judge = {"rubric": values[0]}
        if match and match["what"] != self.model:
            self.judge["model"] = match["what"]
        if one.get("weight") != 0:
            self.losses.say((*at, "type"), "a judge can only warn; here it could fail")
        if "threshold" in one:
            self.losses.lose((*at, "threshold"), one["threshold"], "is nothing that a judge has")
        return True

    def latency(self, kind: str, values: list[str], one: Mapping[str, Any], at: Path) -> bool:
        threshold = one.get("threshold")
        if isinstance(threshold, bool) or not isinstance(threshold, int | float):
            return False
        if not 0 < threshold <= 3_600_000:
            return False
        seconds = threshold / 1000
        self.expect["max_seconds"] = int(seconds) if seconds == int(seconds) else seconds
        return True

    def script(self, kind: str, values: list[str], one: Mapping[str, Any], at: Path) -> bool:
        """What our own export writes as code; nothing else is understood, and nothing is run."""
        text = (values[0] if values else "").strip()
        if match := _STATUS.match(text):
            if match[1] != "completed":
                self.expect["status"] = match[1]
        elif match := _TOKENS.match(text):
            self.expect["max_tokens"] = int(match[1])
        elif match := _CALLED.search(text) or _CALLING.search(text):
            arguments = _read(match[2]) if match.lastindex == 2 else None
            self.expect.setdefault("calls", {})[_read(match[1])] = arguments
        else:
            return False
        return True


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _texts(value: Any) -> Iterator[str]:
    """The texts that an assertion compares with, where each is known."""
    for one in _list(value):
        plain = _said(one) if isinstance(one, int | float) and not isinstance(one, bool) else one
        text = _meant(plain) if isinstance(plain, str) else None
        if text:
            yield text


def _said(value: str | float) -> str:
    """As promptfoo says it: to JavaScript, 2.0 is 2."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 10**21
    return str(int(value) if whole else value)


def _list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


_Way = Callable[[_Turn, str, list[str], Mapping[str, Any], Path], bool]
_WAYS: dict[str, _Way] = {
    "contains": _Turn.contains,
    "icontains": _Turn.contains,
    "contains-all": _Turn.contains,
    "icontains-all": _Turn.contains,
    "not-contains": _Turn.contains,
    "not-icontains": _Turn.contains,
    "not-contains-any": _Turn.contains,
    "not-icontains-any": _Turn.contains,
    "contains-any": _Turn.matches,
    "icontains-any": _Turn.matches,
    "starts-with": _Turn.matches,
    "equals": _Turn.matches,
    "regex": _Turn.matches,
    "is-json": _Turn.json,
    "llm-rubric": _Turn.rubric,
    "latency": _Turn.latency,
    "javascript": _Turn.script,
}
