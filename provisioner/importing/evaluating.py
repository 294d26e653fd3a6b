"""What the values in a piece of code are, as far as the code alone says: followed by position,
within limits, and never by running anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from provisioner.diff import same
from provisioner.importing import builtins, code
from provisioner.importing.beside import Beside
from provisioner.importing.code import At, Node, Statement
from provisioner.importing.code_schemas import GENERIC
from provisioner.importing.code_values import (
    MISSING,
    Bound,
    Closure,
    Imported,
    Made,
    Mixed,
    Model,
    NoSchema,
    Scope,
    Thing,
    TooMuch,
    Typed,
    Unit,
    Unknown,
)

STEPS = 200_000  # nodes and statements that are looked at in one file
_METHODS = frozenset({"copy", "entries", "get", "items", "keys", "setdefault", "update", "values"})
PROMPT = "pmpt_"  # how the id of a prompt object begins
DEPTH = 12  # calls of functions within calls
LONGEST = 2_000_000  # characters of a text, and items of a list, that are put together


class _Returned(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


Handler = Callable[[str, list[Any], dict[str, Any], code.Call], Any]


class Evaluator:
    """One file. `handler` is asked what a call of a library means; MISSING if it does not know."""

    def __init__(self, beside: Beside, handler: Handler, source: str = "") -> None:
        self.main = self.unit = Unit(beside, source)  # what is read, and what is followed now
        self.handler = handler
        self.scope = Scope(own=self.main)
        self.steps = 0
        self.depth = 0
        self.called: set[int] = set()
        self.active: set[int] = set()  # the functions that are being followed now
        self.defined: list[Closure] = []
        self.elsewhere: set[tuple[str, At]] = set()  # functions of other files that it calls
        self.uncalled: tuple[str, At] | None = None  # followed though nobody in its file calls it
        self.branches: list[code.Branch] = []
        self.references: list[tuple[dict[str, Any], Node]] = []  # objects that name a prompt
        self.constants: list[tuple[dict[str, Any], Node]] = []  # names that stand for one
        self.early: list[Any] = []  # what the function at hand answers in some of its branches

    def run(self, program: code.Program) -> None:
        """Follows a file from top to bottom, then every function that nobody in it calls."""
        self.block(program.body, self.scope)
        for closure in self.defined:
            if id(closure.function) not in self.called:
                self.uncalled = (self.main.key, closure.function.at)
                self.call(closure, [], {}, closure.function.at)

    @property
    def beside(self) -> Beside:
        return self.unit.beside

    @property
    def imports(self) -> dict[str, tuple[str, str | None]]:
        return self.unit.imports

    # Statements.

    def block(self, body: tuple[Statement, ...], scope: Scope) -> None:
        for statement in body:
            self.step()
            method = getattr(self, f"_{type(statement).__name__.lower()}")
            method(statement, scope)

    def step(self) -> None:
        self.steps += 1
        if self.steps > STEPS:
            raise TooMuch

    def _do(self, one: code.Do, scope: Scope) -> None:
        self.value(one.value, scope)

    def _import(self, one: code.Import, scope: Scope) -> None:
        self.imports[one.local] = (one.module, one.name)
        scope.set(one.local, Imported(one.module, one.name, one.at))

    def _assign(self, one: code.Assign, scope: Scope) -> None:
        value = self.value(one.value, scope)
        if isinstance(value, Closure) and isinstance(one.value, code.Function):
            self.defined.append(value)
        if isinstance(value, str) and value.startswith(PROMPT):
            self.constants += [({"prompt": value}, target) for target in one.targets]
        if not one.unpacked:
            for target in one.targets:
                self._bind(target, value, scope)
            return
        for index, target in enumerate(one.targets):
            name = target.id if isinstance(target, code.Name) else target.text
            key: Any = name if one.keyed else index
            self._bind(target, self._item(value, key, name, target), scope)

    def _bind(self, target: Node, value: Any, scope: Scope) -> None:
        if isinstance(target, code.Name):
            scope.set(target.id, value)
        elif isinstance(target, code.Index) and target.of and target.key:
            holder, key = self.value(target.of, scope), self.value(target.key, scope)
            if isinstance(holder, dict) and isinstance(key, str):
                holder[key] = value
        elif path := _dotted(target):
            scope.set(path, value)

    def _grow(self, one: code.Grow, scope: Scope) -> None:
        both = self._sum(self.value(one.target, scope), self.value(one.value, scope), one.target)
        self._bind(one.target, both, scope)

    def _loop(self, one: code.Loop, scope: Scope) -> None:
        for item in self._items(self.value(one.over, scope), one.over, one.target[0]):
            self._spread_names(one.target, item, scope, one.over)
            self.block(one.body, scope)

    def _spread_names(self, names: tuple[str, ...], item: Any, scope: Scope, node: Node) -> None:
        if len(names) == 1:
            scope.set(names[0], item)
            return
        for index, name in enumerate(names):
            scope.set(name, self._item(item, index, name, node))

    def _items(self, value: Any, node: Node, name: str) -> list[Any]:
        if isinstance(value, dict):
            return list(value)
        if isinstance(value, list):
            return value
        return [Unknown(_last(name), node.text, node.at)]

    def _branch(self, one: code.Branch, scope: Scope) -> None:
        """Each way is followed; a name that they leave with different values is unknown then."""
        self.branches.append(one)
        before = dict(scope.names)
        ends = [] if not one.open else [before]
        answers = []
        for way in one.ways:
            scope.names = dict(before)
            try:
                self.block(way, scope)
                ends.append(dict(scope.names))
            except _Returned as returned:
                answers.append(returned.value)
        self.early += answers
        if not ends:
            raise _Returned(self.early.pop())
        scope.names = {}
        for name in dict.fromkeys(name for end in ends for name in end):
            values = [end[name] for end in ends if name in end]
            alike = all(same(value, values[0]) for value in values[1:])
            scope.names[name] = values[0] if alike else Unknown(_last(name), name, one.at)

    def _class(self, one: code.Class, scope: Scope) -> None:
        inner = Scope(scope)
        self.block(one.body, inner)
        for name, value in inner.names.items():
            for owner in (one.name, "self", "cls", "this"):
                scope.names.setdefault(f"{owner}.{name}", value)
        bases = tuple(self.value(base, scope) for base in one.bases)
        scope.set(one.name, Model(one.name, one.at, one, scope, inner.names, bases))

    def _return(self, one: code.Return, scope: Scope) -> None:
        raise _Returned(self.value(one.value, scope))

    # Values.

    def value(self, node: Node | None, scope: Scope) -> Any:
        if node is None:
            return None
        self.step()
        method = getattr(self, f"_value_{type(node).__name__.lower()}")
        return method(node, scope)

    def _value_node(self, node: Node, scope: Scope) -> Any:
        return Unknown(_last(node.text), node.text, node.at)

    def _value_const(self, node: code.Const, scope: Scope) -> Any:
        return node.value

    def _value_template(self, node: code.Template, scope: Scope) -> Any:
        found: Any = ""
        for part in node.parts:
            piece = part if isinstance(part, str) else self.value(part, scope)
            where = node if isinstance(part, str) else part
            if isinstance(piece, bool) or not isinstance(
                piece, str | Mixed | Unknown | int | float
            ):
                piece = Unknown(_last(where.text), where.text, where.at)
            found = self._sum(found, str(piece) if isinstance(piece, int | float) else piece, node)
        return found

    def _value_name(self, node: code.Name, scope: Scope) -> Any:
        value = scope.get(node.id)
        if isinstance(value, Imported):  # read once it is used: most imports say nothing
            said = self.beside.imported(value.module, value.name)
            value = MISSING if said is None else said
            scope.set(node.id, Thing(node.id, node.at) if said is None else said)
        return Thing(node.id, node.at) if value is MISSING else value

    def _value_attr(self, node: code.Attr, scope: Scope) -> Any:
        path = _dotted(node)
        if path and (known := scope.get(path)) is not MISSING:
            return known
        return self._member(self.value(node.of, scope), node.name, node)

    def _member(self, of: Any, name: str, node: Node) -> Any:
        if isinstance(of, Made):
            return of.id if name == "id" else of.raw.get(name, Unknown(name, node.text, node.at))
        if isinstance(of, dict):
            return of.get(name, Bound(of, name) if name in _METHODS else None)
        if isinstance(of, Model) and name in ("model_json_schema", "schema"):
            return Bound(of, name)
        if isinstance(of, Thing):
            if of.path.endswith("env"):
                return Unknown(_last(name), node.text, node.at)
            return Thing(f"{of.path}.{name}", node.at)
        if isinstance(of, NoSchema):
            return of
        if isinstance(of, Unknown):
            return Unknown(_last(name), node.text, node.at)
        return Bound(of, name)

    def _value_index(self, node: code.Index, scope: Scope) -> Any:
        of, key = self.value(node.of, scope), self.value(node.key, scope)
        if isinstance(of, Thing) and of.path.rsplit(".", 1)[-1] in GENERIC:
            return Typed(node, scope)
        if isinstance(of, Thing) and isinstance(key, str):
            return Unknown(_last(key), node.text, node.at)
        return self._item(of, key, _last(node.text), node)

    def _item(self, of: Any, key: Any, name: str, node: Node) -> Any:
        if isinstance(of, dict) and isinstance(key, str | int) and key in of:
            return of[key]
        if isinstance(of, list) and isinstance(key, int) and -len(of) <= key < len(of):
            return of[key]
        return Unknown(_last(name), node.text, node.at)

    def _value_spread(self, node: code.Spread, scope: Scope) -> Any:
        return self.value(node.of, scope)

    def _value_listof(self, node: code.ListOf, scope: Scope) -> Any:
        found: list[Any] = []
        for item in node.items:
            value = self.value(item, scope)
            if isinstance(item, code.Spread) and isinstance(value, list):
                found += value
                self._bounded(found)
            else:
                found.append(value)
        return found

    def _value_dictof(self, node: code.DictOf, scope: Scope) -> Any:
        found: dict[str, Any] = {}
        for key, value in node.items:
            inner = self.value(value, scope)
            if key is not None:
                said = self.value(key, scope)
                if isinstance(said, Unknown | Mixed | Thing):
                    found[f"...{key.text}"] = Unknown(_last(key.text), key.text, key.at)
                else:
                    found[said if isinstance(said, str) else key.text] = inner
            elif isinstance(inner, dict):
                found |= inner
            else:
                found[f"...{value.text}"] = inner
        self._refer(found, node)
        return found

    def _refer(self, named: dict[str, Any], node: Node) -> None:
        inner = named.get("prompt")
        values = [*named.values(), *(inner.values() if isinstance(inner, dict) else ())]
        if any(isinstance(one, str) and one.startswith(PROMPT) for one in values):
            self.references.append((named, node))

    def _value_add(self, node: code.Add, scope: Scope) -> Any:
        return self._sum(self.value(node.left, scope), self.value(node.right, scope), node)

    def _sum(self, left: Any, right: Any, node: Node) -> Any:
        if isinstance(left, list) and isinstance(right, list):
            both = [*left, *right]
            self._bounded(both)
            return both
        texts = (str, Mixed, Unknown)
        if isinstance(left, str) and isinstance(right, str):
            self._bounded(left)
            return left + right
        if isinstance(left, texts) and isinstance(right, texts):
            return Mixed(tuple(_joined([*_parts(left), *_parts(right)])))
        return Unknown(_last(node.text), node.text, node.at)

    def _bounded(self, value: Any) -> None:
        self.steps += len(value) // 1000
        if len(value) > LONGEST or self.steps > STEPS:
            raise TooMuch

    def _value_either(self, node: code.Either, scope: Scope) -> Any:
        first = self.value(node.first, scope)
        second = self.value(node.second, scope)
        if isinstance(first, Unknown) and not isinstance(second, Unknown):
            return Unknown(first.name, first.text, first.at, second)
        return first if first else second

    def _value_choice(self, node: code.Choice, scope: Scope) -> Any:
        test = self.value(node.test, scope)
        if isinstance(test, str | int | float | None):
            return self.value(node.first if test else node.second, scope)
        first, second = self.value(node.first, scope), self.value(node.second, scope)
        alike = first is second or (plain(first) and plain(second) and same(first, second))
        return first if alike else Unknown(_last(node.text), node.text, node.at)

    def _value_function(self, node: code.Function, scope: Scope) -> Any:
        return Closure(node, scope)

    def _value_each(self, node: code.Each, scope: Scope) -> Any:
        inner = Scope(scope)
        found = []
        for item in self._items(self.value(node.over, scope), node, node.target[0]):
            self._spread_names(node.target, item, inner, node)
            found.append(self.value(node.value, inner))
        return found

    # Calls.

    def _value_call(self, node: code.Call, scope: Scope) -> Any:
        function = self.value(node.function, scope)
        args, named = self._arguments(node, scope)
        if isinstance(function, Closure):
            return self.call(function, args, named, node.at)
        if isinstance(node.function, code.Attr) and node.function.name in ("as_tool", "asTool"):
            return self.value(node.function.of, scope)  # the agent itself
        path = function.path if isinstance(function, Thing) else _chain(node.function)
        made = self.handler(path, args, named, node) if path else MISSING
        if made is MISSING:
            made = builtins.known_call(self, function, args, named, node)
        if made is not MISSING:
            return made
        self._refer(named, node)
        for one in [*args, *named.values()]:
            if isinstance(one, Closure) and id(one.function) not in self.called:
                self.call(one, [], {}, node.at)
        return Unknown(_last(node.text), node.text, node.at)

    def _arguments(self, node: code.Call, scope: Scope) -> tuple[list[Any], dict[str, Any]]:
        args: list[Any] = []
        for one in node.args:
            value = self.value(one, scope)
            args += value if isinstance(one, code.Spread) and isinstance(value, list) else [value]
        named: dict[str, Any] = {}
        for name, one in node.named:
            value = self.value(one, scope)
            if name is not None:
                named[name] = value
            elif isinstance(value, dict):
                named |= value
            else:
                named[f"**{one.text}"] = value
        return args, named

    def call(self, closure: Closure, args: list[Any], named: Mapping[str, Any], at: At) -> Any:
        """What a function of this file answers to some arguments; what it is not given and has no
        default for is unknown.
        """
        function = closure.function
        self.called.add(id(function))
        if self.depth >= DEPTH or id(function) in self.active:  # a circle says nothing new
            return Unknown(_last(function.name), function.text, at)
        before, self.unit = self.unit, closure.scope.unit
        if self.unit is not self.main:
            self.elsewhere.add((self.unit.key, function.at))
        self.depth += 1
        self.active.add(id(function))
        outer, self.early = self.early, []
        answer = None
        try:
            self.block(function.body, self._inside(closure, args, named, at))
        except _Returned as returned:
            answer = returned.value
        finally:
            self.unit = before
            self.depth -= 1
            self.active.discard(id(function))
            early, self.early = self.early, outer
        if all(other is answer or other == answer for other in early):
            return answer
        return Unknown(_last(function.name), f"{function.name}(…)", at)

    def _inside(self, closure: Closure, args: list[Any], named: Mapping[str, Any], at: At) -> Scope:
        """The names in a function that is given something."""
        scope = Scope(closure.scope)
        params = closure.function.params
        if params and params[0].name in ("self", "cls"):
            scope.set(params[0].name, Thing(params[0].name, at))
            params = params[1:]
        for index, param in enumerate(params):
            if param.rest:
                known = {one.name for one in params}
                more = {name: one for name, one in named.items() if name not in known}
                self._give(param, more or MISSING, scope)
                continue
            value = args[index] if index < len(args) else named.get(param.name, MISSING)
            self._give(param, value, scope)
        return scope

    def _give(self, param: code.Param, value: Any, scope: Scope) -> None:
        if value is MISSING:
            value = Unknown(_last(param.name), param.name, param.at)
            if param.default is not None:
                value = self.value(param.default, scope)
        for name in param.inner:
            inner = Unknown(_last(name), name, param.at)
            scope.set(name, value.get(name, inner) if isinstance(value, dict) else inner)
        scope.set(param.name, value)


def _dotted(node: Node | None) -> str:
    if isinstance(node, code.Name):
        return node.id
    if isinstance(node, code.Attr):
        before = _dotted(node.of)
        return f"{before}.{node.name}" if before else ""
    return ""


def _chain(node: Node | None) -> str:
    """The names of a chain of members, whatever it begins with."""
    if isinstance(node, code.Attr):
        before = _chain(node.of)
        return f"{before}.{node.name}" if before else node.name
    return node.id if isinstance(node, code.Name) else ""


def _parts(value: Any) -> tuple[str | Unknown, ...]:
    return value.parts if isinstance(value, Mixed) else (value,)


def _joined(parts: list[str | Unknown]) -> Iterator[str | Unknown]:
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
        text = ""
        yield part
    if text:
        yield text


def _last(text: str) -> str:
    """A name for a variable out of a piece of code: its last word before any call."""
    head = text.split("(")[0] or text
    words = "".join(c if c.isalnum() or c == "_" else " " for c in head).split()
    return words[-1] if words else "value"


def plain(value: Any) -> bool:
    """Whether a value is known to its last leaf."""
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
