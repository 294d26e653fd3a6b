"""From what code makes to what was found: what only a run would tell becomes a variable with its
place, and it is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import PurePath
from typing import Any

from provisioner.importing import code
from provisioner.importing.azure import on_azure
from provisioner.importing.builtins import read_opened
from provisioner.importing.code_calls import Calls, function_of, is_tool, snake
from provisioner.importing.code_schemas import schema_of, strict
from provisioner.importing.code_values import (
    Bound,
    Closure,
    Made,
    Mixed,
    Model,
    NoSchema,
    Opened,
    Schema,
    Thing,
    Typed,
    Unknown,
    Untold,
)
from provisioner.importing.evaluating import Evaluator
from provisioner.importing.nouns import Found, Lost, Origin
from provisioner.importing.spelling import APART, OF_A_REQUEST, read_assistant
from provisioner.importing.store_spelling import read_store
from provisioner.importing.taking import Path
from provisioner.records import dataclass
from provisioner.text import dotted

STRUCTURES = frozenset(
    [
        "tools",
        "tool_resources",
        "metadata",
        "response_format",
        "model_settings",
        "text",
        "reasoning",
        "input",
        "functions",
        "file_ids",
        "messages",
        "parameters",
        "vector_store_ids",
        "expires_after",
        "chunking_strategy",
        "handoffs",
        "output_type",
        "input_guardrails",
        "output_guardrails",
        "mcp_servers",
    ]
)
MOST = 100_000  # values in the settings of one object
_FORMATS = ("output_type", "text_format", "response_format")
_SCHEMA = "is a schema that code makes"
_WRITE = "write it by hand"


class TooMany(Exception):
    """Settings that refer to themselves, or are too many for anybody to have written."""


@dataclass(slots=True)
class Variables:
    """The names of variables in everything that is read together."""

    taken: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def name(self, unknown: Unknown, texts: str) -> str:
        """A name for what is unknown: the same for the same code with the same default."""
        plain = re.sub(r"[^a-z0-9_]+", "_", snake(unknown.name)).strip("_")
        plain = (plain if plain[:1].isalpha() else f"v_{plain}").strip("_")[:56]
        meaning = (unknown.text, unknown.default)
        count = 1
        while True:
            name = plain if count == 1 else f"{plain}_{count}"
            free = self.taken.setdefault(name, meaning) == meaning
            if free and f"${{var.{name}}}" not in texts:
                return name
            count += 1


class Realising:
    """One object on its way from code: plain values, variables, and what was lost on the way."""

    def __init__(
        self,
        ev: Evaluator,
        made: Made,
        source: str,
        variables: Variables,
        paths: Mapping[str, Any],
    ) -> None:
        self.ev = ev
        self.origin = Origin(made.source or source, *made.at)
        self.others: list[str] = []  # what it refers to, of whatever file
        self.losses: list[Lost] = []
        self.variables: dict[str, Any] = {}
        self._registry = variables
        self._paths = paths
        self._texts = ""
        self._count = 0
        self._gone = object()

    def settings(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        self._texts = " ".join(_texts(raw, 0))
        found: dict[str, Any] = {}
        for key, value in raw.items():
            name = snake(str(key))
            if name in APART:
                self._apart(str(key), name, value)
                continue
            if name in ("instructions", "prompt_text"):
                value = self._instructions(value, (str(key),))
            elif name in OF_A_REQUEST and isinstance(value, Unknown):
                value = value.text  # nothing keeps it, so that nobody has to know it
            if name in _FORMATS and isinstance(value, Model | Schema | Typed | Thing):
                key, value = self._format(str(key), value)
            plain = self.plain(value, (str(key),))
            if plain is not self._gone:
                found[str(key)] = plain
        return found

    def _apart(self, key: str, name: str, value: Any) -> None:
        """What no spec has, whatever it is: a line for each part, and no variable."""
        if isinstance(value, list):
            for index in range(len(value)):
                self._say((key, index), APART[name])
        elif value is not None:
            self._say((key,), APART[name])

    def _format(self, key: str, value: Any) -> tuple[str, Any]:
        """A schema in code, as the format that OpenAI's libraries make of it."""
        if isinstance(value, Thing) and value.path == "str":
            return "response_format", "text"
        try:
            schema = schema_of(self.ev, value)
        except Untold as untold:
            return key, NoSchema("schema", untold.text, untold.at)
        if schema.get("type") != "object":  # as the Agents SDK wraps it
            schema = {"type": "object", "properties": {"response": schema}, "required": []}
            schema["required"] = ["response"]
        self._say((key,), "is a schema that code makes; it became `response_format`", None, "note")
        name = value.declared.name if isinstance(value, Model) else "output"
        said = {"type": "json_schema", "name": name, "strict": True, "schema": strict(schema)}
        return "response_format", said

    def plain(self, value: Any, at: Path) -> Any:
        self._count += 1
        if self._count > MOST or len(at) > 60:
            raise TooMany
        if isinstance(value, dict):
            return self._dict(value, at)
        if isinstance(value, list):
            found = [self.plain(one, (*at, index)) for index, one in enumerate(value)]
            return [one for one in found if one is not self._gone]
        if isinstance(value, str) and value in self._paths:
            return self._mixed(Mixed(("path:", self._paths[value])), at)
        if isinstance(value, str) and value.startswith("made:"):
            self.others.append(value)
        if value is None or isinstance(value, str | bool | int | float):
            return value
        return self._of_code(value, at)

    def _of_code(self, value: Any, at: Path) -> Any:
        if isinstance(value, Mixed):
            return self._mixed(value, at)
        if isinstance(value, Schema):
            return self.plain(strict(value.json), at)
        if isinstance(value, Unknown | Thing):
            return self._unknown(value, at)
        if isinstance(value, Made):
            return self._of_made(value, at)
        if isinstance(value, Closure) and (is_tool(value.function) or _item(at)):
            self._say(at, "its body is your application's; name, words and parameters were taken")
            return self.plain(function_of(self.ev, value, {}), at)
        return self._lost(value, at)

    def _dict(self, value: dict[str, Any], at: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, inner in value.items():
            name = str(key)
            if name == "execute" and value.get("type") == "function":
                self._say((*at, name), "is code of your application")
                continue
            if isinstance(inner, NoSchema) and value.get("strict") is True:
                why = f"{_SCHEMA} (`{inner.text}`, line {inner.at[0]})"
                self._say((*at, name), why, _WRITE, "error")
                continue
            plain = self.plain(inner, (*at, name))
            if plain is not self._gone:
                found[name] = plain
        return found

    def _of_made(self, made: Made, at: Path) -> Any:
        if at[0] in ("handoffs", "tools") and made.kind == "assistant":
            why = "is another agent of a workflow, which no spec has"
            self._say(at, why)
            return self._gone
        self.others.append(made.id)
        return made.id

    def _lost(self, value: Any, at: Path) -> Any:
        if isinstance(value, Closure) and at[0] == "tools":
            self._say(at, "is code of your application")
        elif isinstance(value, Bound | Opened | Closure):
            self._say(at, "is code, which is not run", "write it by hand", "error")
        return self._gone

    def _unknown(self, value: Unknown | Thing, at: Path) -> Any:
        if isinstance(value, Thing):
            value = Unknown(value.path.rsplit(".", 1)[-1], value.path, value.at)
        key = snake(str(at[-1]))
        if isinstance(value, NoSchema) or key in ("output_type", "text_format"):
            self._say(at, f"{_SCHEMA} (`{value.text}`, line {value.at[0]})", _WRITE)
            return self._gone
        spread = key.startswith(("...", "**"))
        if spread or _item(at) or (len(at) == 1 and key in STRUCTURES) or key in STRUCTURES:
            why = f"is no literal: `{value.text}`, line {value.at[0]}"
            self._say(at, why, "write by hand what it stands for", "error")
            return self._gone
        return self._variable(value, at)

    def _variable(self, value: Unknown, at: Path) -> str:
        if " " in value.text:  # no name, but an expression: after what it is for
            value = replace(value, name=snake(str(at[-1] if isinstance(at[-1], str) else at[0])))
        name = self._registry.name(value, self._texts)
        self.variables[name] = value.default
        place = f"`{value.text}`, line {value.at[0]}"
        why = f"is no literal ({place}); it became the variable `{name}`"
        if value.default is None:
            self._say(at, why, f"give `{name}` a value below `variables:`", "error")
        else:
            self._say(at, why, "its default was kept", "note")
        return f"${{var.{name}}}"

    def forget(self, written: str) -> None:
        """Takes out variables that nothing of what is written names: their fields are lost, which
        is said of those.
        """
        for name in [name for name in self.variables if f"${{var.{name}}}" not in written]:
            del self.variables[name]
            end = f"became the variable `{name}`"
            self.losses = [lost for lost in self.losses if not lost.why.endswith(end)]

    def _mixed(self, value: Mixed, at: Path) -> str:
        parts = [
            part if isinstance(part, str) else self._variable(part, at) for part in value.parts
        ]
        return "".join(parts)

    def _instructions(self, value: Any, at: Path) -> Any:
        if isinstance(value, Opened):
            value = read_opened(self.ev, value, code.Node(value.at, "open(…)"))
        if not isinstance(value, Closure):
            return value
        function = value.function
        answer = self.ev.call(value, [], {}, function.at)
        if isinstance(answer, str | Mixed):
            why = "is a function over the state of a run; its text was kept"
            self._say(at, why, "check what the places in it stand for")
            return answer
        return Unknown(function.name or "instructions", function.text, function.at)

    def _say(self, at: Path, why: str, hint: str | None = None, severity: str = "warning") -> None:
        self.losses.append(Lost(self.origin, dotted(at), why, hint, severity))


def _item(at: Path) -> bool:
    """Whether a place is that of a whole tool."""
    return len(at) == 2 and at[0] == "tools"


def _texts(value: Any, depth: int) -> list[str]:
    """The texts in some settings, for names of variables that they must not hold."""
    if isinstance(value, str):
        return [value] if "${var." in value else []
    if depth > 5:
        return []
    if isinstance(value, Mixed):
        return [part for part in value.parts if isinstance(part, str) and "${var." in part]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in _texts(one, depth + 1)]


def found_in(ev: Evaluator, calls: Calls, source: str, variables: Variables) -> list[Found]:
    """Everything that the calls of a file make. A file of the service that the code opens by its
    path is that path wherever it is named.
    """
    paths = {
        one.id: _path(one, ev) for one in [*calls.known.values(), *calls.made] if one.kind == "file"
    }
    found: list[Found] = []
    waiting = list(calls.made)
    for made in waiting:
        if made.kind == "file":
            calls.losses += _of_file(made, source)
            continue
        realising = Realising(ev, made, source, variables, paths)
        raw = realising.settings(made.raw)
        waiting += [
            calls.known[id]
            for id in realising.others
            if id in calls.known and all(one.id != id for one in waiting)
        ]
        read = _read(made, raw, realising.origin, calls.azure_for(made))
        realising.forget(repr([one.fields for one in read]))
        for one in read:
            fields = _named(one.fields)
            losses = (*realising.losses, *one.losses) if one.id == made.id else one.losses
            found.append(
                replace(
                    one,
                    fields=fields,
                    losses=losses,
                    variables={**realising.variables, **one.variables},
                    uncalled=made.uncalled,
                )
            )
    return found


def _read(made: Made, raw: dict[str, Any], origin: Origin, azure: bool) -> list[Found]:
    if made.kind == "vector_store":
        return [read_store(raw, origin, id=made.id)]
    if raw.get("object") == "<sdk>":
        del raw["object"]
    found = read_assistant(raw, origin, PurePath(origin.source).stem)
    last = replace(found[-1], id=made.id)
    return [*found[:-1], on_azure(last) if azure else last]


def _of_file(made: Made, source: str) -> list[Lost]:
    """What code says of a file besides its path and its purpose."""
    origin = Origin(made.source or source, *made.at)
    why = "is no field of a file; what a file holds stands at its path"
    known = ("file", "file_path", "path", "filename", "purpose")
    return [Lost(origin, key, why) for key in made.raw if key not in known]


def _path(made: Made, ev: Evaluator) -> Any:
    """The path that a file of the service is opened by, or what only a run would tell."""
    opened = made.raw.get("file")
    if isinstance(opened, list) and opened:  # `(name, bytes)`
        opened = opened[-1]
    if isinstance(opened, Opened) and isinstance(opened.path, str):
        found = ev.beside.find(opened.path)
        return ev.beside.shown(found) if found else opened.path
    if isinstance(opened, Opened) and isinstance(opened.path, Unknown):
        return opened.path
    return Unknown("path", made.call, made.at)


def _named(value: Any) -> Any:
    """References to files by their path, which the conversion took for ids."""
    if isinstance(value, dict):
        id = value.get("id")
        if len(value) == 1 and isinstance(id, str) and id.startswith("path:"):
            return "file." + id.removeprefix("path:")
        return {key: _named(inner) for key, inner in value.items()}
    return [_named(inner) for inner in value] if isinstance(value, list) else value
