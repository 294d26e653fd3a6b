"""Every small change that can be made to a module, found in its syntax and spliced into its
text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_FLIPPED: dict[type[ast.cmpop], str] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
}
_CALLS = {"any": "all", "all": "any", "min": "max", "max": "min", "sorted": "list"}
_DELETING = re.compile(
    r"(?<![A-Za-z])(delete|detach|remove|release|unlink|prune|take_back|let_go|undeposed|dismiss)"
)
_REMOVABLE = (ast.Expr, ast.AugAssign, ast.Delete, ast.Raise, ast.Continue, ast.Break)
_UNTOUCHED = (ast.Assert, ast.Import, ast.ImportFrom)


@dataclass(frozen=True, slots=True)
class Splice:
    """New text for a stretch of a module, in bytes, and what to call the old one."""

    start: int
    end: int
    text: str
    before: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module."""

    path: str  # from the root of the repository
    function: str  # its qualified name; empty at the top of the module
    statement: str  # the first line of the statement that it is in
    line: int
    splice: Splice
    deletes: bool  # whether the statement, or the function, is about deleting something

    @property
    def place(self) -> tuple[str, str, str, str, str]:
        """What names it; other edits of the module leave that alone."""
        return self.path, self.function, self.statement, self.splice.before, self.splice.text

    def applied(self, source: bytes) -> bytes:
        """The module with this change in it."""
        return source[: self.splice.start] + self.splice.text.encode() + source[self.splice.end :]

    def __str__(self) -> str:
        where = f"{self.path}:{self.line} {self.function}".strip()
        return f"{where}: `{self.splice.before}` → `{self.splice.text}`"


def mutants(path: str, source: bytes) -> list[Mutant]:
    """Every change of a module. Some few may not be Python any more; see `compiles`."""
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    return finder.mutants


def compiles(source: bytes) -> bool:
    """Whether a module is still Python."""
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


class _Finder(ast.NodeVisitor):
    """Walks a module. Types, texts, imports, assertions and decorators are left as they are."""

    def __init__(self, path: str, source: bytes) -> None:
        self.mutants: list[Mutant] = []
        self._path = path
        self._text = _Text(source)
        self._names: list[str] = []
        self._statement: ast.stmt | None = None

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            if not (isinstance(node, _UNTOUCHED) or _is_docstring(node) or _is_for_types(node)):
                outer, self._statement = self._statement, node
                self._add(node, _of_statement(self._text, node))
                self._walk(node)
                self._statement = outer
        elif isinstance(node, ast.expr):
            if not isinstance(node, ast.JoinedStr):
                self._add(node, _of_expression(self._text, node))
                self.generic_visit(node)
        else:
            self.generic_visit(node)

    def _walk(self, node: ast.stmt) -> None:
        """Go through what a statement is made of."""
        if isinstance(node, ast.AnnAssign):
            if node.value:
                self.visit(node.value)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._names.append(node.name)
            for child in (*_defaults(node), *node.body):
                self.visit(child)
            self._names.pop()
        else:
            self.generic_visit(node)

    def _add(self, node: ast.stmt | ast.expr, splices: Iterable[Splice]) -> None:
        assert self._statement
        statement, function = self._text.of(self._statement), ".".join(self._names)
        first = statement.partition("\n")[0]
        deletes = bool(_DELETING.search(f"{function} {statement}"))
        self.mutants += [
            Mutant(self._path, function, first, node.lineno, one, deletes) for one in splices
        ]


Placed = ast.stmt | ast.expr | ast.keyword


class _Text:
    """The text of a module, by its nodes."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def start(self, node: Placed) -> int:
        return self._lines[node.lineno - 1] + node.col_offset

    def end(self, node: Placed) -> int:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._lines[node.end_lineno - 1] + node.end_col_offset

    def of(self, node: Placed) -> str:
        return self.cut(self.start(node), self.end(node))

    def cut(self, start: int, end: int) -> str:
        return self._source[start:end].decode()

    def instead(self, node: Placed, text: str) -> Splice:
        return Splice(self.start(node), self.end(node), text, self.of(node))


def _of_statement(text: _Text, node: ast.stmt) -> Iterator[Splice]:
    """A statement removed, nothing returned, a branch always or never taken."""
    inner = isinstance(node, ast.Assign) and isinstance(
        node.targets[0], (ast.Attribute, ast.Subscript)
    )
    if isinstance(node, _REMOVABLE) or inner:
        yield text.instead(node, "pass")
    if isinstance(node, ast.Return) and node.value and not _is_constant(node.value, type(None)):
        yield text.instead(node, "return None")
    if isinstance(node, (ast.If, ast.While)):
        yield text.instead(node.test, "False")
    if isinstance(node, ast.If):
        yield text.instead(node.test, "True")


def _of_expression(text: _Text, node: ast.expr) -> Iterator[Splice]:
    change = _EXPRESSIONS.get(type(node))
    return change(text, node) if change else iter(())


def _of_comparison(text: _Text, node: ast.Compare) -> Iterator[Splice]:
    """The opposite, or the neighbour with its bound moved by one."""
    if len(node.ops) == 1:
        left, right = text.of(node.left), text.of(node.comparators[0])
        yield text.instead(node, f"({left} {_FLIPPED[type(node.ops[0])]} {right})")


def _of_negation(text: _Text, node: ast.UnaryOp) -> Iterator[Splice]:
    if isinstance(node.op, ast.Not):
        yield text.instead(node, f"({text.of(node.operand)})")


def _of_boolean(text: _Text, node: ast.BoolOp) -> Iterator[Splice]:
    """The other connective, and each operand left out."""
    word, other = (" and ", " or ") if isinstance(node.op, ast.And) else (" or ", " and ")
    operands = [f"({text.of(value)})" for value in node.values]
    yield text.instead(node, f"({other.join(operands)})")
    for left_out in range(len(operands)):
        yield text.instead(node, f"({word.join(operands[:left_out] + operands[left_out + 1 :])})")


def _of_arithmetic(text: _Text, node: ast.BinOp) -> Iterator[Splice]:
    """The opposite, and the right side left out: of numbers and of sets."""
    if _is_text(node):
        return
    left, right = text.of(node.left), text.of(node.right)
    if type(node.op) in _ARITHMETIC:
        yield text.instead(node, f"(({left}) {_ARITHMETIC[type(node.op)]} ({right}))")
    if not isinstance(node.op, ast.Add):
        yield text.instead(node, f"({left})")


def _of_constant(text: _Text, node: ast.Constant) -> Iterator[Splice]:
    if isinstance(node.value, bool):
        yield text.instead(node, str(not node.value))
    elif isinstance(node.value, (int, float)):
        yield text.instead(node, f"({node.value + 1})")


def _of_choice(text: _Text, node: ast.IfExp) -> Iterator[Splice]:
    yield text.instead(node.test, "True")
    yield text.instead(node.test, "False")


def _of_comprehension(
    text: _Text, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
) -> Iterator[Splice]:
    """A condition that lets everything through."""
    for part in node.generators:
        yield from (text.instead(test, "True") for test in part.ifs)


def _of_call(text: _Text, node: ast.Call) -> Iterator[Splice]:
    """Each named argument left out, and a function for its opposite."""
    arguments: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
    given = sorted(arguments, key=text.start)
    for at, argument in enumerate(given):
        if isinstance(argument, ast.keyword):
            start = text.start(argument)
            end = text.start(given[at + 1]) if at + 1 < len(given) else text.end(argument)
            yield Splice(start, end, "", text.cut(start, end))
    if isinstance(node.func, ast.Name) and node.func.id in _CALLS:
        yield text.instead(node.func, _CALLS[node.func.id])


_EXPRESSIONS: dict[type[ast.expr], Callable[[_Text, Any], Iterator[Splice]]] = {
    ast.Compare: _of_comparison,
    ast.UnaryOp: _of_negation,
    ast.BoolOp: _of_boolean,
    ast.BinOp: _of_arithmetic,
    ast.Constant: _of_constant,
    ast.IfExp: _of_choice,
    ast.ListComp: _of_comprehension,
    ast.SetComp: _of_comprehension,
    ast.DictComp: _of_comprehension,
    ast.GeneratorExp: _of_comprehension,
    ast.Call: _of_call,
}


def _defaults(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> list[ast.expr]:
    if isinstance(node, ast.ClassDef):
        return []
    return [*node.args.defaults, *(value for value in node.args.kw_defaults if value)]


def _is_constant(node: ast.expr, sort: type) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, sort)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and _is_constant(node.value, str)


def _is_text(node: ast.expr) -> bool:
    """Whether it is certainly a text."""
    if isinstance(node, ast.BinOp):
        return _is_text(node.left) or _is_text(node.right)
    return isinstance(node, ast.JoinedStr) or _is_constant(node, str)


def _is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
