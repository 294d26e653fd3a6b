"""Python sources, by the standard library's own parser."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator

from provisioner.importing import code
from provisioner.importing.code import At, Node, Statement
from provisioner.importing.code_texts import MINUS, MOD, PART, TIMES
from provisioner.importing.code_values import Unparsable

_SIGNS: dict[type[ast.operator], str] = {ast.Mod: MOD, ast.Mult: TIMES, ast.Sub: MINUS}


def parse(text: str) -> code.Program:
    """The program of a Python source. Raises Unparsable, and RecursionError if it is too deep."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        raise Unparsable(f"is not Python: {error.msg}", error.lineno, error.offset) from None
    except (ValueError, MemoryError) as error:
        raise Unparsable(f"is not Python: {error}") from None
    return code.Program(_Python(text).block(tree.body), "python")


class _Python:
    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()

    def at(self, node: ast.AST) -> At:
        return getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1

    def text(self, node: ast.expr) -> str:
        line, first, last = node.lineno, node.col_offset, node.end_col_offset
        if not 0 < line <= len(self.lines):
            return ""
        said = self.lines[line - 1].encode()
        cut = said[first : last if node.end_lineno == line else None]
        return code.shortened(cut.decode("utf-8", "replace"))

    # Statements.

    def block(self, body: Iterable[ast.stmt]) -> tuple[Statement, ...]:
        return tuple(one for statement in body for one in self.statement(statement))

    def statement(self, node: ast.stmt) -> list[Statement]:
        at = self.at(node)
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        found: list[Statement] = method(node, at) if method else []
        return found

    def _expr(self, node: ast.Expr, at: At) -> list[Statement]:
        return [code.Do(at, self.node(node.value))]

    def _assign(self, node: ast.Assign, at: At) -> list[Statement]:
        value = self.node(node.value)
        made: list[Statement] = []
        for target in node.targets:
            several = isinstance(target, ast.Tuple | ast.List)
            targets = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            made.append(code.Assign(at, tuple(map(self.node, targets)), value, several))
        return made

    def _annassign(self, node: ast.AnnAssign, at: At) -> list[Statement]:
        if node.value is None:
            return []
        return [code.Assign(at, (self.node(node.target),), self.node(node.value))]

    def _augassign(self, node: ast.AugAssign, at: At) -> list[Statement]:
        return [code.Grow(at, self.node(node.target), self.node(node.value))]

    def _for(self, node: ast.For | ast.AsyncFor, at: At) -> list[Statement]:
        over = self.node(node.iter)
        return [code.Loop(at, _names(node.target), over, self.block(node.body))]

    _asyncfor = _for

    def _while(self, node: ast.While, at: At) -> list[Statement]:
        return [code.Branch(at, (self.block(node.body),), text="while")]

    def _if(self, node: ast.If, at: At) -> list[Statement]:
        test = self.text(node.test)
        if "__name__" in test:
            return list(self.block(node.body))
        other = self.block(node.orelse)
        return [code.Branch(at, (self.block(node.body), other), False, test)]

    def _try(self, node: ast.Try, at: At) -> list[Statement]:
        made = [*self.block(node.body), *self.block(node.orelse)]
        handlers = tuple(self.block(handler.body) for handler in node.handlers)
        return [*made, code.Branch(at, handlers, text="except"), *self.block(node.finalbody)]

    def _with(self, node: ast.With | ast.AsyncWith, at: At) -> list[Statement]:
        made: list[Statement] = []
        for item in node.items:
            value = self.node(item.context_expr)
            if item.optional_vars is None:
                made.append(code.Do(at, value))
            else:
                made.append(code.Assign(at, (self.node(item.optional_vars),), value))
        return [*made, *self.block(node.body)]

    _asyncwith = _with

    def _functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef, at: At) -> list[Statement]:
        function = code.Function(
            at=at,
            text=f"def {node.name}",
            name=node.name,
            params=self._params(node.args),
            body=self.block(node.body),
            about=ast.get_docstring(node) or "",
            marks=tuple(map(self.node, node.decorator_list)),
        )
        return [code.Assign(at, (code.Name(at, node.name, node.name),), function)]

    _asyncfunctiondef = _functiondef

    def _params(self, args: ast.arguments) -> tuple[code.Param, ...]:
        plain = [*args.posonlyargs, *args.args]
        padding: list[ast.expr | None] = [None] * (len(plain) - len(args.defaults))
        defaults = [*padding, *args.defaults, *args.kw_defaults]
        found = []
        for arg, default in zip([*plain, *args.kwonlyargs], defaults, strict=True):
            type = None if arg.annotation is None else self.node(arg.annotation)
            value = None if default is None else self.node(default)
            found.append(code.Param(arg.arg, self.at(arg), value, type))
        if args.kwarg is not None:
            found.append(code.Param(args.kwarg.arg, self.at(args.kwarg), rest=True))
        return tuple(found)

    def _classdef(self, node: ast.ClassDef, at: At) -> list[Statement]:
        return [
            code.Class(
                at=at,
                name=node.name,
                body=self.block(node.body),
                bases=tuple(map(self.node, node.bases)),
                fields=tuple(self._fields(node.body)),
                about=ast.get_docstring(node) or "",
                marks=tuple(map(self.node, node.decorator_list)),
            )
        ]

    def _fields(self, body: Iterable[ast.stmt]) -> Iterator[code.Param]:
        """What a class declares with a type."""
        for one in body:
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                value = None if one.value is None else self.node(one.value)
                yield code.Param(one.target.id, self.at(one), value, self.node(one.annotation))

    def _return(self, node: ast.Return, at: At) -> list[Statement]:
        value = code.Const(at, "None", None) if node.value is None else self.node(node.value)
        return [code.Return(at, value)]

    def _import(self, node: ast.Import, at: At) -> list[Statement]:
        made: list[Statement] = []
        for one in node.names:
            local = one.asname or one.name.split(".")[0]
            made.append(code.Import(at, local, one.name, None))
        return made

    def _importfrom(self, node: ast.ImportFrom, at: At) -> list[Statement]:
        module = "." * node.level + (node.module or "")
        return [code.Import(at, one.asname or one.name, module, one.name) for one in node.names]

    # Values.

    def node(self, node: ast.expr) -> Node:
        at, text = self.at(node), self.text(node)
        method = getattr(self, f"_value_{type(node).__name__.lower()}", None)
        made: Node | None = method(node, at, text) if method else None
        return made if made is not None else Node(at, text)

    def _value_constant(self, node: ast.Constant, at: At, text: str) -> Node | None:
        if isinstance(node.value, bytes | complex) or node.value is ...:
            return None
        return code.Const(at, text, node.value)

    def _value_unaryop(self, node: ast.UnaryOp, at: At, text: str) -> Node | None:
        value = node.operand.value if isinstance(node.operand, ast.Constant) else None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if isinstance(node.op, ast.USub) and number:
            return code.Const(at, text, -value)  # type: ignore[operator]
        return None

    def _value_joinedstr(self, node: ast.JoinedStr, at: At, text: str) -> Node:
        parts: list[str | Node] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                inner = self.node(part.value)
                plain = part.format_spec is None and part.conversion == -1
                parts.append(inner if plain else Node(inner.at, inner.text))
            elif isinstance(part, ast.Constant):
                parts.append(str(part.value))
        return code.Template(at, text, tuple(parts))

    def _value_name(self, node: ast.Name, at: At, text: str) -> Node:
        return code.Name(at, text, node.id)

    def _value_attribute(self, node: ast.Attribute, at: At, text: str) -> Node:
        return code.Attr(at, text, self.node(node.value), node.attr)

    def _value_subscript(self, node: ast.Subscript, at: At, text: str) -> Node:
        if isinstance(node.slice, ast.Slice):
            ends = (node.slice.lower, node.slice.upper, node.slice.step)
            places = [code.Const(at) if end is None else self.node(end) for end in ends]
            return code.operation(at, text, PART, self.node(node.value), *places)
        return code.Index(at, text, self.node(node.value), self.node(node.slice))

    def _value_starred(self, node: ast.Starred, at: At, text: str) -> Node:
        return code.Spread(at, text, self.node(node.value))

    def _value_list(self, node: ast.List | ast.Tuple, at: At, text: str) -> Node:
        return code.ListOf(at, text, tuple(map(self.node, node.elts)))

    _value_tuple = _value_list

    def _value_dict(self, node: ast.Dict, at: At, text: str) -> Node:
        items = [
            (None if key is None else self.node(key), self.node(value))
            for key, value in zip(node.keys, node.values, strict=True)
        ]
        return code.DictOf(at, text, tuple(items))

    def _value_binop(self, node: ast.BinOp, at: At, text: str) -> Node | None:
        if isinstance(node.op, ast.Add):
            return code.Add(at, text, self.node(node.left), self.node(node.right))
        if sign := _SIGNS.get(type(node.op)):
            several = sign == MOD and isinstance(node.right, ast.Tuple)
            right = (
                node.right.elts if isinstance(node.right, ast.Tuple) and several else [node.right]
            )
            return code.operation(at, text, sign, self.node(node.left), *map(self.node, right))
        if isinstance(node.op, ast.Div):  # Path(…) / "name"
            joined = code.Attr(at, text, self.node(node.left), "joinpath")
            return code.Call(at, text, joined, (self.node(node.right),))
        if isinstance(node.op, ast.BitOr):  # {**a} | {**b}
            both = ((None, self.node(node.left)), (None, self.node(node.right)))
            return code.DictOf(at, text, both)
        return None

    def _value_ifexp(self, node: ast.IfExp, at: At, text: str) -> Node:
        ways = self.node(node.body), self.node(node.orelse)
        return code.Choice(at, text, self.node(node.test), *ways)

    def _value_boolop(self, node: ast.BoolOp, at: At, text: str) -> Node | None:
        if not isinstance(node.op, ast.Or):
            return None
        made = self.node(node.values[-1])
        for value in reversed(node.values[:-1]):
            made = code.Either(at, text, self.node(value), made)
        return made

    def _value_call(self, node: ast.Call, at: At, text: str) -> Node:
        return code.Call(
            at,
            text,
            self.node(node.func),
            tuple(map(self.node, node.args)),
            tuple((one.arg, self.node(one.value)) for one in node.keywords),
        )

    def _value_await(self, node: ast.Await, at: At, text: str) -> Node:
        return self.node(node.value)

    def _value_namedexpr(self, node: ast.NamedExpr, at: At, text: str) -> Node:
        return self.node(node.value)

    def _value_lambda(self, node: ast.Lambda, at: At, text: str) -> Node:
        body = (code.Return(at, self.node(node.body)),)
        return code.Function(at=at, text=text, params=self._params(node.args), body=body)

    def _value_listcomp(
        self, node: ast.ListComp | ast.GeneratorExp, at: At, text: str
    ) -> Node | None:
        (first, *more) = node.generators
        if more or first.ifs:
            return None
        return code.Each(at, text, _names(first.target), self.node(first.iter), self.node(node.elt))

    _value_generatorexp = _value_listcomp


def _names(target: ast.expr) -> tuple[str, ...]:
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    return tuple(part.id if isinstance(part, ast.Name) else "_" for part in parts)
