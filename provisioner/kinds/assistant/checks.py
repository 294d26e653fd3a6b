"""The checks of an assistant: what an author may write, and what becomes of it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    Tag,
    WithJsonSchema,
)
from pydantic.json_schema import SkipJsonSchema

from provisioner.kinds.assistant.json_keywords import nodes
from provisioner.kinds.assistant.json_schema import dotted, read_schema
from provisioner.kinds.assistant.tools import Use
from provisioner.kinds.base import Finding, Path, Scope
from provisioner.kinds.common import Strict, Writing, read_writing, refusal, refuse
from provisioner.kinds.file.accepted import SEARCHABLE, remedy, unaccepted
from provisioner.model import Check, CheckFile, CheckTurn, Expectation, Fields, Judge
from provisioner.text import quoted, suggest

MAX_ATTEMPTS = 20
STATUSES = ("completed", "failed", "cancelled", "expired", "incomplete")
_CALLABLE = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):[A-Za-z_]\w*")


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        raise refusal("check_text", "is true or false, not text", "write it in quotes")
    return str(value) if isinstance(value, int | float) else value


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        hint = "escape what is meant as it stands with `\\`, or use `contains`"
        raise refusal("regex", f"is not a regular expression: {error}", hint) from None
    return value


def _callable(value: str) -> str:
    if not _CALLABLE.fullmatch(value):
        raise refusal("callable", "is not a callable", "write `package.module:function`")
    return value


_TEXT_OR_NUMBER = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "number"}]}
Text = Annotated[
    str, Field(min_length=1), BeforeValidator(_as_text), WithJsonSchema(_TEXT_OR_NUMBER)
]


def _one_or_many(value: object) -> str:
    return "<list>" if isinstance(value, list) else "<text>"


Texts = Annotated[
    Annotated[Text, Tag("<text>")]
    | Annotated[list[Text], Field(min_length=1, max_length=100), Tag("<list>")],
    Discriminator(_one_or_many),
]
FilePath = Annotated[str, Field(min_length=1)]
Paths = Annotated[
    Annotated[FilePath, Tag("<text>")]
    | Annotated[list[FilePath], Field(min_length=1, max_length=100), Tag("<list>")],
    Discriminator(_one_or_many),
]


class AttachedFile(Strict):
    """A file that goes along with a message; it is uploaded for the check alone."""

    file: str = Field(
        min_length=1, description="Path from the workspace root", examples=["data/leave.csv"]
    )
    tool: Literal["file_search", "code_interpreter"] = Field(
        default="file_search",
        description="The tool that is to work on it",
        examples=["code_interpreter"],
    )


class Expected(Strict):
    """What has to be true of the reply."""

    contains: Texts | None = Field(
        default=None,
        description=(
            "What it has to say: a text, or all of several; upper and lower case and the amount of"
            " white space do not matter, and a number is taken as text"
        ),
        examples=["27 days", ["27", "vacation"]],
    )
    not_contains: Texts | None = Field(
        default=None, description="What it must not say, none of several", examples=["sorry"]
    )
    matches: Annotated[str, Field(min_length=1), AfterValidator(_regex)] | None = Field(
        default=None,
        description="A regular expression, as Python reads it, that is found in it",
        examples=["2[0-9] days"],
    )
    cites: Paths | None = Field(
        default=None,
        description="The document that it has to cite, or all of several, by their paths",
        examples=["docs/leave.md"],
    )
    calls: dict[FilePath, dict[str, Any] | None] | None = Field(
        default=None,
        description=(
            "Functions that have to be called, each with arguments that have to be among those of"
            " the call, or with nothing where any call will do"
        ),
        examples=[{"get_weather": {"location": "Oslo"}}],
    )
    json_schema: dict[str, Any] | None = Field(
        default=None,
        description="A JSON Schema that it fits as JSON, or `{file: PATH}` of one",
        examples=[{"type": "object", "required": ["subject"]}],
    )
    status: Literal["completed", "failed", "cancelled", "expired", "incomplete"] = Field(
        default="completed", description="How the turn has to end", examples=["incomplete"]
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="Tokens that the turn may take", examples=[500]
    )
    max_seconds: float | None = Field(
        default=None,
        gt=0,
        le=3600,
        description="Seconds that the turn may take; it is cancelled then",
        examples=[30],
    )


class Rubric(Strict):
    """A question to a model about the reply. It can only warn."""

    rubric: str = Field(
        min_length=1,
        description="What a good reply does",
        examples=["It is polite, and says whom to ask."],
    )
    model: str | None = Field(
        default=None,
        min_length=1,
        description="The model that is asked; default: the assistant's own",
        examples=["gpt-5.6"],
    )


class Turn(Strict):
    """One message, and what is expected of the reply."""

    say: Writing = Field(
        description="What the user says: text, or `{file: PATH}`",
        examples=["How many vacation days does an employee have?"],
    )
    was: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="What was answered before; shown beside the reply, and never judged",
        examples=["27 days, says the handbook."],
    )
    attach: list[AttachedFile] = Field(
        default=[],
        max_length=10,
        description="Files that go along with it",
        examples=[[{"file": "data/leave.csv", "tool": "code_interpreter"}]],
    )
    outputs: dict[FilePath, Any] = Field(
        default={},
        description="What functions return: text as it stands, anything else as JSON",
        examples=[{"get_weather": {"temp": 3}}],
    )
    answer: Annotated[str, AfterValidator(_callable)] | None = Field(
        default=None,
        description=(
            "What answers the functions that have no output: `package.module:function` of the"
            " workspace, called with the name of the function and its arguments"
        ),
        examples=["checks.answers:weather"],
    )
    expect: Expected | None = Field(
        default=None,
        description="What has to be true of the reply; without it, that it completes",
        examples=[{"contains": "27", "cites": "docs/leave.md"}],
    )
    judge: Rubric | None = Field(
        default=None,
        description="A question to a model about the reply, which can only warn",
        examples=[{"rubric": "It is polite."}],
    )


Turns = Annotated[list[Turn], Field(min_length=1, max_length=100)]
_OF_A_TURN = refuse(
    "check_turn", "belongs in a turn", "write the check as a list of turns: `- say: …`"
)


class WholeCheck(Strict):
    """A check with settings beside its turns."""

    turns: Turns = Field(
        description="The turns of the conversation",
        examples=[[{"say": "Hello", "expect": {"contains": "hello"}}]],
    )
    attempts: int = Field(
        default=1,
        ge=1,
        le=MAX_ATTEMPTS,
        description="How often it is tried at most, each time from the start",
        examples=[3],
    )
    passes: int | None = Field(
        default=None,
        ge=1,
        description="How many attempts have to hold; default: one",
        examples=[2],
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="Tokens that all its attempts may take", examples=[5000]
    )
    cache: bool = Field(
        default=False,
        description=(
            "Do not ask again for what held, for as long as neither the check nor the applied"
            " assistant nor its documents have changed"
        ),
        examples=[True],
    )
    say: Annotated[SkipJsonSchema[None], _OF_A_TURN] = None
    expect: Annotated[SkipJsonSchema[None], _OF_A_TURN] = None


OneCheck = Annotated[
    Annotated[Turns, Tag("<turns>")] | Annotated[WholeCheck, Tag("<check>")],
    Discriminator(lambda value: "<turns>" if _one_or_many(value) == "<list>" else "<check>"),
]
_NAME = "^[a-z][a-z0-9_-]{0,63}$"


def _name(value: str) -> str:
    if not re.fullmatch(_NAME, value):
        hint = (
            "a name has small letters, digits, `_` and `-`, begins with a letter and has at most 64"
            " characters"
        )
        raise refusal("check_name", "is not a name", hint)
    return value


CheckName = Annotated[
    str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": _NAME})
]


class CheckSpecs(RootModel[dict[CheckName, OneCheck]]):
    """Conversations that must hold, by name: a list of turns, or a mapping with settings."""

    model_config = ConfigDict(strict=True, protected_namespaces=(), defer_build=True)

    def declared(self) -> Any:
        """The checks as models."""
        return self.root


def declare_checks(
    written: Mapping[str, Any], tools: Sequence[Any], fields: Fields, scope: Scope
) -> tuple[Check, ...]:
    """The checks of a valid spec with these tools; what a model cannot say is reported."""
    declared = fields.get("tools") or ()
    # A tool with a finding is left out of the fields: what it would be called is not known.
    known = list(zip(tools, declared, strict=True)) if len(declared) == len(tools) else None
    return tuple(
        _Reading(scope, known, ("checks", name)).check(name, one) for name, one in written.items()
    )


class _Reading:
    """One check on its way from a model to a noun."""

    def __init__(self, scope: Scope, tools: Iterable[tuple[Any, Fields]] | None, at: Path) -> None:
        self.scope, self.at = scope, at
        self.tools: set[str] | None = None
        self.functions: set[str] | None = None
        self.shared: dict[str, str] = {}  # functions, by the name under which they are shared
        self.attached: set[str] = set()
        if tools is not None:
            self.tools, self.functions = set(), set()
            for spec, tool in tools:
                self._take(spec, tool, self.tools, self.functions)

    def _take(self, spec: Any, tool: Fields, tools: set[str], functions: set[str]) -> None:
        tools.add(str(tool["type"]))
        if tool["type"] == "function":
            functions.add(str(tool["name"]))
            if isinstance(spec, Use):
                self.shared[spec.use] = str(tool["name"])

    def _called(self, named: Mapping[str, Any]) -> dict[str, Any]:
        """By the names that functions have at the service; what is shared may be called as it is
        called in the specs.
        """
        return {self._function(name): value for name, value in named.items()}

    def _function(self, name: str) -> str:
        own = self.functions is not None and name in self.functions
        return name if own else self.shared.get(name, name)

    def check(self, name: str, spec: Any) -> Check:
        settings = WholeCheck.model_construct(turns=spec) if isinstance(spec, list) else spec
        below = self.at if isinstance(spec, list) else (*self.at, "turns")
        turns = tuple(
            self._turn(turn, (*below, index)) for index, turn in enumerate(settings.turns)
        )
        passes = settings.passes or 1
        if passes > settings.attempts:
            detail = (
                f"The check `{name}` of `{self.scope.address}` has to pass {passes} times, and is"
                f" tried {settings.attempts} times at most."
            )
            self._report((*self.at, "passes"), "Too many passes", detail, "raise `attempts`")
        if settings.cache and any(turn.answer for turn in turns):
            detail = (
                f"The check `{name}` of `{self.scope.address}` is cached, and `answer` runs code"
                " that may say something else each time."
            )
            hint = "take `cache` away, or write `outputs` instead of `answer`"
            self._report((*self.at, "cache"), "Not to be cached", detail, hint)
        return Check(
            name,
            turns,
            attempts=settings.attempts,
            passes=passes,
            max_tokens=settings.max_tokens,
            cache=settings.cache,
        )

    def _report(self, at: Path, summary: str, detail: str, hint: str | None) -> None:
        self.scope.report(Finding(at, summary, detail, hint))

    def _turn(self, turn: Turn, at: Path) -> CheckTurn:
        files = [self._file(one, (*at, "attach", index)) for index, one in enumerate(turn.attach)]
        for name in turn.outputs:
            self._known(name, (*at, "outputs", name))
        calls = turn.expect.calls if turn.expect else None
        # What is expected to be called, and nothing is said of what it returns, returns nothing.
        silent = {} if turn.answer else dict.fromkeys(self._called(calls or {}), "")
        if turn.answer:
            self._module(turn.answer, (*at, "answer"))
        return CheckTurn(
            say=read_writing(turn.say, self.scope, (*at, "say")) or "",
            was=turn.was,
            attach=tuple(one for one in files if one is not None),
            outputs=silent | self._called(turn.outputs),
            answer=turn.answer,
            expect=self._expectation(turn, (*at, "expect")),
            judge=Judge(turn.judge.rubric, turn.judge.model) if turn.judge else None,
        )

    def _expectation(self, turn: Turn, at: Path) -> Expectation:
        spec = turn.expect or Expected()
        for name in spec.calls or ():
            self._known(name, (*at, "calls", name))
        cited = _many(spec.cites)
        for index, path in enumerate(cited):
            where = (*at, "cites", index) if isinstance(spec.cites, list) else (*at, "cites")
            if path not in self.attached:
                self.scope.cited(path, where)
        schema = None
        if spec.json_schema is not None:
            schema = read_schema(spec.json_schema, False, self.scope, (*at, "json_schema"))
            self._usable(schema, spec.json_schema, (*at, "json_schema"))
        return Expectation(
            contains=_many(spec.contains),
            not_contains=_many(spec.not_contains),
            matches=spec.matches,
            cites=cited,
            calls=self._called(spec.calls or {}),
            json_schema=schema,
            status=spec.status,
            max_tokens=spec.max_tokens,
            max_seconds=spec.max_seconds,
        )

    def _usable(self, schema: Any, written: Mapping[str, Any], at: Path) -> None:
        """Report what is a valid schema, and no reply can be held against."""
        by_file = written.keys() == {"file"}
        for below, node in nodes(schema):
            reference = node.get("$ref")
            if isinstance(reference, str) and not reference.startswith("#"):
                path, why = (*below, "$ref"), f"leads to `{reference}`, and nothing is fetched"
                hint = "copy what it names below `$defs`, and write `#/$defs/NAME`"
            elif (pattern := _unreadable(node)) is not None:
                path, why = below, f"holds the pattern `{pattern}`, which Python cannot read"
                hint = "write it as a regular expression of Python"
            else:
                continue
            label = dotted(("json_schema", *path))
            detail = f"`{label}` of `{self.scope.address}` {why}."
            self._report(
                (*at, "file") if by_file else (*at, *path), "Schema not usable", detail, hint
            )

    def _file(self, spec: AttachedFile, at: Path) -> CheckFile | None:
        path = self.scope.loose_file(spec.file, (*at, "file"))
        if self.tools is not None and spec.tool not in self.tools:
            detail = (
                f"`{spec.file}` is attached for `{spec.tool}`, which `{self.scope.address}` does"
                " not have."
            )
            hint = f"add `{spec.tool}` to its `tools`, or name another `tool`"
            self._report((*at, "tool"), "Tool not there", detail, hint)
        if path is None:
            return None
        if spec.tool == "file_search":
            for suffix in unaccepted([path], SEARCHABLE):
                detail = f"`{spec.file}` is attached for `file_search`, which does not read it."
                self._report((*at, "file"), "Extension not accepted", detail, remedy(suffix))
        self.attached.add(path)
        return CheckFile(path, spec.tool)

    def _known(self, name: str, at: Path) -> None:
        if self.functions is None or self._function(name) in self.functions:
            return
        detail = f"`{self.scope.address}` has no function `{name}`."
        hint = suggest(name, self.functions, "its functions are") or "add it to its `tools`"
        self._report(at, "Unknown function", detail, hint)

    def _module(self, written: str, at: Path) -> None:
        stem = written.partition(":")[0].replace(".", "/")
        places = [f"{stem}.py", f"{stem}/__init__.py"]
        if not any(self.scope.exists(place) for place in places):
            detail = (
                f"`{written}` is to answer for `{self.scope.address}`, and the workspace has no"
            )
            detail += f" {quoted(places)}."
            self._report(at, "File not found", detail, "write the path from the workspace root")


def _unreadable(node: Mapping[str, Any]) -> str | None:
    """The first pattern of a schema's node that is no regular expression."""
    named = node.get("patternProperties")
    for pattern in (node.get("pattern"), *(named if isinstance(named, Mapping) else ())):
        try:
            re.compile(pattern if isinstance(pattern, str) else "")
        except (re.error, OverflowError, RecursionError):
            return str(pattern)
    return None


def _many(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (value,)
