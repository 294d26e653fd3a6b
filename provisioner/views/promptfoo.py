"""Checks as a configuration of promptfoo: a provider for each assistant, a test for each turn.
Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import PurePosixPath
from typing import Any

from provisioner.diff import same
from provisioner.engine.checking import Subject
from provisioner.masking import without_secrets
from provisioner.model import Address, CheckTurn, Expectation
from provisioner.records import dataclass
from provisioner.views.values import inline
from provisioner.workspace.setting import LOCAL, Environment
from provisioner.yamltext.spelling import item_lines, pair_lines

ONE_MESSAGE = "one message"
CONVERSATION = "conversation"
_PROMPTS = {
    # Valid JSON as it stands, so that promptfoo fills in the text and escapes it.
    ONE_MESSAGE: '[{"role": "user", "content": "{{ say }}"}]\n',
    CONVERSATION: """\
[
{% for turn in _conversation %}
{"role": "user", "content": {{ turn.input | dump }}},
{"role": "assistant", "content": {{ turn.output | string | dump }}},
{% endfor %}
{"role": "user", "content": {{ say | dump }}}
]
""",
}
_HEAD = """\
# yaml-language-server: $schema=https://promptfoo.dev/config-schema.json
# Written by `provisioner check --export promptfoo`; for `promptfoo eval --no-cache -c FILE`.
"""
_AT_LOCAL = (
    "To run it at the embedded service, start `provisioner local serve`, and set `OPENAI_BASE_URL`"
    " to the address that it prints and `OPENAI_API_KEY` to anything."
)
# Where promptfoo would fill something in.
_TEMPLATE = re.compile(r"\{[{%#]")
_ENVIRONMENT = re.compile(r"\{\{[^}]*\benv\b")
_ELSEWHERE = ("file://", "package:")
# What a regular expression of Python says otherwise than one of JavaScript.
_FOREIGN = re.compile(r"\\[AZ]|\(\?(?:[aiLmsux-]+[:)]|P|#|\(|>)|[*+?}]\+|\{,")

# promptfoo gives the whole run of an assistant as one text; what was said last is the reply.
_LAST_SAID = 'output.slice(output.lastIndexOf("[Assistant] ") + 12)'
_RESPONSE = "context.providerResponse.raw"
_CALLS = {
    "responses": f"""\
const calls = {_RESPONSE}.output
  .filter((item) => item.type === "function_call")
  .map((item) => [item.name, item.arguments]);
""",
    "assistants": r"""
const made = /\[Call function (\S+) with arguments ([^]*?)\]\n\n\[Function output: /g;
const calls = [...output.matchAll(made)].map((found) => [found[1], found[2]]);
""".lstrip(),
}
_INCLUDES = """\
const includes = (given, wanted) =>
  Array.isArray(wanted)
    ? Array.isArray(given) && given.length === wanted.length
      && wanted.every((one, at) => includes(given[at], one))
    : wanted !== null && typeof wanted === "object"
      ? given !== null && typeof given === "object"
        && Object.keys(wanted).every((key) => key in given && includes(given[key], wanted[key]))
      : given === wanted;
"""
_CITED = f"""\
const cited = {_RESPONSE}.output
  .flatMap((item) => item.content ?? [])
  .flatMap((part) => part.annotations ?? []);
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """A `promptfooconfig.yaml`, how many tests it has, what there is to know of it, and what it
    does not say, a line each.
    """

    text: str
    tests: int
    notes: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass
class _Export:
    """A configuration on its way."""

    environment: Environment
    providers: dict[Address, dict[str, Any]] = field(default_factory=dict)
    prompts: set[str] = field(default_factory=set)
    tests: list[tuple[list[str], dict[str, Any]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def exported(
    subjects: Sequence[Subject], workspace: str, environment: Environment, notes: Sequence[str] = ()
) -> Exported:
    """The checks as promptfoo writes them. What it cannot say is left out and named, in the file
    and beside it.
    """
    export = _Export(environment, notes=list(notes))
    if environment.service == LOCAL:
        export.notes.append(_AT_LOCAL)
    functions = _functions(subjects)
    for subject in subjects:
        why = _left_out(subject)
        if why:
            export.left_out.append(f"`{subject.title}` is left out: {why}")
            continue
        if subject.address not in export.providers:
            provider = _provider(subject, environment, functions)
            export.providers[subject.address] = provider
            export.notes += [f"`{subject.address}`: {one}" for one in _changed(provider)]
        _add_tests(export, subject, functions.get(subject.address, {}))
    text = without_secrets(_text(export, f"{workspace}/{environment.name}"))
    lost = (*export.left_out, *export.lost)
    return Exported(text, len(export.tests), tuple(export.notes), lost)


def _left_out(subject: Subject) -> str | None:
    """Why promptfoo cannot hold a check at all."""
    if subject.problem or subject.partner is None:
        problem = subject.problem
        return f"{problem.detail} {problem.hint or ''}".strip() if problem else "it has no partner"
    if subject.partner.api == "agents":
        return "promptfoo has no provider for a saved agent"
    turns = subject.check.turns
    if any(turn.attach for turn in turns):
        return "promptfoo uploads no file with a message"
    if any(turn.say.startswith(_ELSEWHERE) for turn in turns):
        return "promptfoo reads what is said as the place of a text"
    known = ("completed", "incomplete") if subject.partner.api == "responses" else ("completed",)
    odd = [turn.expect.status for turn in turns if turn.expect.status not in known]
    if odd:
        return f"to promptfoo it is an error to end as `{odd[0]}`"
    return None


_Outputs = Mapping[str, Any]


def _functions(subjects: Sequence[Subject]) -> dict[Address, dict[str, Any]]:
    """What functions return, by assistant: promptfoo has one answer for all tests. The first check
    that names a function decides.
    """
    found: dict[Address, dict[str, Any]] = {}
    for subject in subjects:
        if _left_out(subject) or subject.partner is None or subject.partner.api != "assistants":
            continue
        outputs = found.setdefault(subject.address, {})
        for turn in subject.check.turns:
            for name, output in turn.outputs.items():
                outputs.setdefault(name, output)
    return found


def _provider(
    subject: Subject, environment: Environment, functions: Mapping[Address, _Outputs]
) -> dict[str, Any]:
    partner = subject.partner
    assert partner is not None
    config = _service(environment)
    if partner.api == "responses":
        request = dict(partner.request or {})
        id = f"openai:responses:{request.pop('model', subject.model)}"
        # Whole and as it stands: promptfoo's own settings are fewer, have defaults, and are
        # templates.
        config |= {"omitDefaults": True, "passthrough": request}
    else:
        id = f"openai:assistant:{partner.id}"
        answers = functions.get(subject.address, {})
        if answers:
            config["functionToolCallbacks"] = {
                name: f"() => {_js(output if isinstance(output, str) else json.dumps(output))}"
                for name, output in sorted(answers.items())
            }
    label = {"id": id, "label": str(subject.address)}
    return {**label, "config": config} if config else label


def _changed(provider: Mapping[str, Any]) -> Iterator[str]:
    """What promptfoo would do to a request on its way."""
    text = json.dumps(provider)
    if _ENVIRONMENT.search(text):
        yield "promptfoo fills in `{{ env… }}` where the request says it."
    if '"$ref": ' in text:
        yield "its schemas have `$ref`: set `PROMPTFOO_DISABLE_REF_PARSER=true`."


def _service(environment: Environment) -> dict[str, Any]:
    """Where the service is, and which variable has the key; never the key."""
    config: dict[str, Any] = {}
    if environment.api_key_env != "OPENAI_API_KEY":
        config["apiKeyEnvar"] = environment.api_key_env
    if environment.service != LOCAL and not environment.public:
        config["apiBaseUrl"] = environment.service
    if environment.organization:
        config["organization"] = environment.organization
    if environment.project:
        config["headers"] = {"OpenAI-Project": environment.project}
    return config


def _add_tests(export: _Export, subject: Subject, answers: _Outputs) -> None:
    api = subject.partner.api if subject.partner else ""
    turns = subject.check.turns
    last = _last_turn(turns, api)
    prompt = ONE_MESSAGE if last == 0 else CONVERSATION
    export.prompts.add(prompt)
    for index, turn in enumerate(turns[: last + 1]):
        name = subject.title if len(turns) == 1 else f"{subject.title}, turn {index + 1}"
        lost = list(_settings(subject)) if index == 0 else []
        if prompt == CONVERSATION and _TEMPLATE.search(turn.say):
            lost.append("promptfoo reads `say` as a template, and may send something else")
        lost += _lost(turn, api, answers)
        if index == last < len(turns) - 1:
            lost.append(
                "the turns after it are left out: promptfoo gives the model no output of a function"
            )
        test: dict[str, Any] = {
            "description": name,
            "providers": [str(subject.address)],
            "prompts": [prompt],
            "vars": {"say": turn.say},
        }
        metadata = {"conversationId": subject.title} if prompt == CONVERSATION else {}
        metadata |= {"was": turn.was} if turn.was is not None else {}
        if metadata:
            test["metadata"] = metadata
        test["assert"] = list(_asserts(turn, subject))
        export.tests.append((lost, test))
        export.lost += [f"`{name}`: {one}" for one in lost]


def _last_turn(turns: Sequence[CheckTurn], api: str) -> int:
    """How far promptfoo can hold a conversation: under `responses` up to a call of a function."""
    for index, turn in enumerate(turns):
        if api == "responses" and _ends_with_call(turn):
            return index
    return len(turns) - 1


def _ends_with_call(turn: CheckTurn) -> bool:
    return bool(turn.outputs or turn.answer or turn.expect.calls)


def _settings(subject: Subject) -> Iterator[str]:
    """What a check says that promptfoo has for all tests or for none."""
    check = subject.check
    if check.attempts > 1:
        yield (
            f"{check.passes} of {check.attempts} attempts are not asked for: promptfoo repeats all"
            " tests alike (`--repeat`)"
        )
    if check.max_tokens is not None:
        yield f"`max_tokens: {check.max_tokens}` of the check is left out: only turns have a limit"
    if check.cache:
        yield "`cache` is left out: nothing is cached, so that the seconds are true"


def _lost(turn: CheckTurn, api: str, answers: _Outputs) -> Iterator[str]:
    """What of a turn promptfoo does not do, or does otherwise."""
    if api == "responses" and _ends_with_call(turn):
        yield from _after_a_call(turn)
        return
    if turn.answer:
        yield "`answer` is left out: promptfoo calls no Python here"
    for name, output in turn.outputs.items():
        if not same(answers.get(name), output):
            yield f"another check has another output of `{name}`, and promptfoo uses that one"
    yield from _lost_expectations(turn.expect, api)


def _lost_expectations(expect: Expectation, api: str) -> Iterator[str]:
    if expect.matches and _FOREIGN.search(expect.matches):
        yield f"`matches: {expect.matches}` is left out: JavaScript reads it otherwise"
    if api == "assistants" and expect.cites:
        yield "`cites` is left out: promptfoo does not show what a message cites"
    if isinstance(expect.json_schema, dict) and "$schema" in expect.json_schema:
        yield "`$schema` is left out: promptfoo reads every schema as draft 7"


def _after_a_call(turn: CheckTurn) -> Iterator[str]:
    expect = turn.expect
    texts = {
        "contains": expect.contains,
        "not_contains": expect.not_contains,
        "matches": expect.matches,
        "cites": expect.cites,
        "json_schema": expect.json_schema is not None,
        "judge": turn.judge,
    }
    named = [f"`{name}`" for name, wanted in texts.items() if wanted]
    named += ["`outputs`"] if turn.outputs else []
    named += ["`answer`"] if turn.answer else []
    if named:
        yield f"{', '.join(named)} left out: promptfoo gives the model no output of a function"


def _asserts(turn: CheckTurn, subject: Subject) -> Iterator[dict[str, Any]]:
    api = subject.partner.api if subject.partner else ""
    expect = turn.expect
    if api == "responses":
        yield _script(f"{_RESPONSE}.status === {_js(expect.status)}")
    if not (api == "responses" and _ends_with_call(turn)):
        for one in _of_text(turn, subject):
            yield {**one, "transform": _LAST_SAID} if api == "assistants" else one
        if api == "responses":
            yield from (_script(_citing(path, subject)) for path in expect.cites)
    for name, arguments in expect.calls.items():
        yield _script(_calling(name, arguments, api))
    yield from _limits(expect)


def _of_text(turn: CheckTurn, subject: Subject) -> Iterator[dict[str, Any]]:
    expect = turn.expect
    if expect.contains:
        yield _of_several("icontains", "icontains-all", expect.contains)
    if expect.not_contains:
        yield _of_several("not-icontains", "not-icontains-any", expect.not_contains)
    if expect.matches is not None and not _FOREIGN.search(expect.matches):
        yield {"type": "regex", "value": _literal(expect.matches)}
    if expect.json_schema is not None:
        yield _fitting(expect.json_schema)
    if turn.judge:
        yield {
            "type": "llm-rubric",
            "value": _literal(turn.judge.rubric),
            "provider": f"openai:chat:{turn.judge.model or subject.model}",
            "weight": 0,  # promptfoo's way to say that it cannot fail
        }


def _fitting(schema: Any) -> dict[str, Any]:
    if isinstance(schema, dict):
        schema = {key: value for key, value in schema.items() if key != "$schema"}
    text = json.dumps(schema)
    if '"$ref": ' in text:
        # As text: what is YAML is searched for references, from the top of the whole file.
        schema = _literal(text)
    return {"type": "is-json", "value": schema} if schema else {"type": "is-json"}


def _of_several(one: str, several: str, texts: Sequence[str]) -> dict[str, Any]:
    literals = [_literal(text) for text in texts]
    if len(literals) == 1:
        return {"type": one, "value": literals[0]}
    return {"type": several, "value": literals}


def _limits(expect: Expectation) -> Iterator[dict[str, Any]]:
    if expect.max_tokens is not None:
        yield _script(f"context.providerResponse.tokenUsage.total <= {expect.max_tokens}")
    if expect.max_seconds is not None:
        milliseconds = expect.max_seconds * 1000
        yield {"type": "latency", "threshold": round(milliseconds, 3)}


def _citing(path: str, subject: Subject) -> str:
    ids = sorted(subject.documents.get(path, ()))
    if not ids:
        name = _js(PurePosixPath(path).name)
        return f"{_CITED}return cited.some((one) => one.filename === {name});"
    return f"{_CITED}return cited.some((one) => {_js(ids)}.includes(one.file_id));"


def _calling(name: str, arguments: Mapping[str, Any] | None, api: str) -> str:
    if arguments is None:
        return f"{_CALLS[api]}return calls.some(([name]) => name === {_js(name)});"
    return (
        f"{_CALLS[api]}{_INCLUDES}return calls.some(([name, given]) =>\n"
        f"  name === {_js(name)} && includes(JSON.parse(given), {_js(arguments)}));"
    )


def _script(code: str) -> dict[str, Any]:
    """Several lines have to return something, a single one is what they return."""
    return {"type": "javascript", "value": _literal(code)}


def _js(value: Any) -> str:
    return json.dumps(value)


def _literal(text: str) -> str:
    """Text that promptfoo takes as it stands, although it fills templates in."""
    written = _TEMPLATE.sub(lambda found: "{{ '" + found[0] + "' }}", text)
    return "{{ '' }}" + written if written.startswith(_ELSEWHERE) else written


def _text(export: _Export, place: str) -> str:
    lines = [_HEAD.rstrip("\n"), *(f"# {inline(one)}" for one in export.notes)]
    lines += _comments(export.left_out, "")
    lines += pair_lines("description", f"Checks of {place}", 0)
    lines += ["prompts:"] if export.prompts else ["prompts: []"]
    for label in sorted(export.prompts):
        lines += item_lines({"label": label, "raw": _PROMPTS[label]}, 2)
    lines += ["providers:"] if export.providers else ["providers: []"]
    for provider in export.providers.values():
        lines += item_lines(provider, 2)
    # Seconds are true only of what was asked anew.
    lines += pair_lines("evaluateOptions", {"cache": False}, 0)
    lines += ["tests:"] if export.tests else ["tests: []"]
    for lost, test in export.tests:
        lines += [*_comments(lost, "  "), *item_lines(test, 2)]
    return "\n".join(lines) + "\n"


def _comments(remarks: Sequence[str], pad: str) -> Iterator[str]:
    return (f"{pad}# NOT TRANSLATED: {inline(one)}" for one in remarks)
