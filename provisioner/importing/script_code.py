"""TypeScript and JavaScript sources, by tree-sitter; what reads them is an extra."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from provisioner.importing import code
from provisioner.importing.code import At, Node, Statement
from provisioner.importing.code_texts import MINUS, MOD, TIMES
from provisioner.importing.code_values import Unparsable

if TYPE_CHECKING:
    from tree_sitter import Node as Tree
    from tree_sitter import Parser

INSTALL = "needs `pip install 'assistants-provisioner[import]'` to be read"
_ESCAPE = re.compile(r"\\(u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|\r?\n|.)", re.S)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_WRAPPED: tuple[str, ...] = ("parenthesized_expression", "as_expression", "satisfies_expression")
_WRAPPED += ("non_null_expression", "await_expression")
_FUNCTIONS: tuple[str, ...] = (
    "arrow_function",
    "function_expression",
    "function_declaration",
    "method_definition",
)
_FUNCTIONS += ("generator_function_declaration",)


@cache
def _grammar(tsx: bool) -> Parser:
    try:
        import tree_sitter_typescript
        from tree_sitter import Language, Parser
    except ImportError:
        raise Unparsable(INSTALL) from None
    one = tree_sitter_typescript
    return Parser(Language(one.language_tsx() if tsx else one.language_typescript()))


def parse(text: str) -> code.Program:
    """The program of a TypeScript or JavaScript source. Raises Unparsable, and RecursionError if it
    is too deep.
    """
    data = text.encode("utf-8", "replace")
    trees = [_grammar(False).parse(data).root_node]
    if trees[0].has_error:
        trees.append(_grammar(True).parse(data).root_node)
    good = [tree for tree in trees if not tree.has_error]
    if not good:
        line, column = min(_broken(trees[0]), default=(1, 1))
        raise Unparsable("is not TypeScript or JavaScript", line, column)
    script = _Script()
    return code.Program(script.block(good[0]), "typescript")


def _broken(tree: Tree) -> Iterator[At]:
    """Where a tree has something that does not follow the language."""
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        if one.is_error or one.is_missing:
            yield one.start_point[0] + 1, one.start_point[1] + 1
        elif one.has_error:
            waiting += one.children


def said(node: Tree | None) -> str:
    return node.text.decode("utf-8", "replace") if node is not None and node.text else ""


def unescaped(text: str) -> str:
    """A text as its escapes mean it."""

    def meant(match: re.Match[str]) -> str:
        escape = match[1]
        if escape[0] in "ux" and len(escape) > 1:
            point = int(escape[1:].strip("{}"), 16)
            return chr(point) if point < 0x110000 else match[0]
        return "" if escape.endswith("\n") else _ESCAPES.get(escape, escape)

    whole = _ESCAPE.sub(meant, text)
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Script:
    def at(self, node: Tree) -> At:
        return node.start_point[0] + 1, node.start_point[1] + 1

    def text(self, node: Tree) -> str:
        return code.shortened(said(node)[:200])

    # Statements.

    def block(self, node: Tree | None) -> tuple[Statement, ...]:
        children = node.named_children if node is not None else []
        return tuple(one for child in children for one in self.statement(child))

    def statement(self, node: Tree) -> list[Statement]:
        method = getattr(self, f"_{node.type}", None)
        found: list[Statement] = method(node, self.at(node)) if method else []
        return found

    def _expression_statement(self, node: Tree, at: At) -> list[Statement]:
        return [one for child in node.named_children for one in self._effect(child, at)]

    def _effect(self, node: Tree, at: At) -> list[Statement]:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if node.type == "assignment_expression" and left and right:
            return [code.Assign(at, (self.node(left),), self.node(right))]
        if node.type == "augmented_assignment_expression" and left and right:
            return [code.Grow(at, self.node(left), self.node(right))]
        return [code.Do(at, self.node(node))]

    def _lexical_declaration(self, node: Tree, at: At) -> list[Statement]:
        made: list[Statement] = []
        for one in node.named_children:
            target, value = one.child_by_field_name("name"), one.child_by_field_name("value")
            if one.type != "variable_declarator" or target is None or value is None:
                continue
            made += self._declared(target, value)
        return made

    _variable_declaration = _lexical_declaration

    def _declared(self, target: Tree, value: Tree) -> list[Statement]:
        at = self.at(target)
        if said(value).startswith("require("):
            module = self.node(value.named_children[-1].named_children[0])
            name = str(getattr(module, "value", ""))
            names = _pattern(target) if target.type == "object_pattern" else []
            if names:
                return [code.Import(at, local, name, origin) for origin, local in names]
            return [code.Import(at, said(target), name, None)]
        if target.type == "object_pattern":
            places = tuple(code.Name(at, origin, origin) for origin, _ in _pattern(target))
            unpacked = code.Assign(at, places, self.node(value), True, True)
            renamed = [(origin, local) for origin, local in _pattern(target) if origin != local]
            return [
                unpacked,
                *(
                    code.Assign(at, (code.Name(at, local, local),), code.Name(at, origin, origin))
                    for origin, local in renamed
                ),
            ]
        if target.type == "array_pattern":
            names_in = tuple(self.node(child) for child in target.named_children)
            return [code.Assign(at, names_in, self.node(value), True)]
        return [code.Assign(at, (self.node(target),), self.node(value))]

    def _export_statement(self, node: Tree, at: At) -> list[Statement]:
        inner = node.child_by_field_name("declaration")
        if inner is not None:
            made = self.statement(inner)
            whole = any(child.type == "default" for child in node.children)
            if whole and len(made) == 1 and isinstance(made[0], code.Assign):
                targets = (*made[0].targets, code.Name(at, "default", "default"))
                return [replace(made[0], targets=targets)]
            return made
        value = node.child_by_field_name("value")
        if value is None:
            return []
        return [code.Assign(at, (code.Name(at, "default", "default"),), self.node(value))]

    def _function_declaration(self, node: Tree, at: At) -> list[Statement]:
        name = said(node.child_by_field_name("name"))
        return [code.Assign(at, (code.Name(at, name, name),), self._function(node))]

    _generator_function_declaration = _function_declaration
    _method_definition = _function_declaration

    def _class_declaration(self, node: Tree, at: At) -> list[Statement]:
        body = node.child_by_field_name("body")
        return [code.Class(at, said(node.child_by_field_name("name")), self.block(body))]

    def _public_field_definition(self, node: Tree, at: At) -> list[Statement]:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if value is None:
            return []
        return [code.Assign(at, (code.Name(at, said(name), said(name)),), self.node(value))]

    def _enum_declaration(self, node: Tree, at: At) -> list[Statement]:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        items: list[tuple[Node | None, Node]] = []
        for one in body.named_children if body is not None else ():
            key, value = one.child_by_field_name("name"), one.child_by_field_name("value")
            if key is not None and value is not None:
                items.append((self._key(key), self.node(value)))
        return (
            [code.Assign(at, (self.node(name),), code.DictOf(at, said(name), tuple(items)))]
            if name
            else []
        )

    def _return_statement(self, node: Tree, at: At) -> list[Statement]:
        value = node.named_children[0] if node.named_children else None
        made = code.Const(at, "undefined", None) if value is None else self.node(value)
        return [code.Return(at, made)]

    def _if_statement(self, node: Tree, at: At) -> list[Statement]:
        ways = [self._way(node.child_by_field_name("consequence"))]
        other = node.child_by_field_name("alternative")
        ways.append(self.block(other) if other is not None else ())
        test = self.text(condition) if (condition := node.child_by_field_name("condition")) else ""
        return [code.Branch(at, tuple(ways), False, test)]

    def _way(self, node: Tree | None) -> tuple[Statement, ...]:
        if node is None:
            return ()
        return self.block(node) if node.type == "statement_block" else tuple(self.statement(node))

    def _statement_block(self, node: Tree, at: At) -> list[Statement]:
        return list(self.block(node))

    def _try_statement(self, node: Tree, at: At) -> list[Statement]:
        made = list(self.block(node.child_by_field_name("body")))
        handler = node.child_by_field_name("handler")
        if handler is not None:
            way = self.block(handler.child_by_field_name("body"))
            made.append(code.Branch(at, (way,), text="except"))
        return made

    def _for_in_statement(self, node: Tree, at: At) -> list[Statement]:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        body = self._way(node.child_by_field_name("body"))
        if left is None or right is None:
            return []
        names = [said(left)]
        if left.type == "array_pattern":
            names = [said(child) for child in left.named_children]
        return [code.Loop(at, tuple(names), self.node(right), body)]

    def _while_statement(self, node: Tree, at: At) -> list[Statement]:
        return [code.Branch(at, (self._way(node.child_by_field_name("body")),), text="while")]

    _for_statement = _while_statement

    def _import_statement(self, node: Tree, at: At) -> list[Statement]:
        source = node.child_by_field_name("source")
        module = unescaped(said(source)[1:-1])
        made: list[Statement] = []
        waiting = [child for child in node.named_children if child.type == "import_clause"]
        while waiting:
            one = waiting.pop(0)
            if one.type == "identifier":
                made.append(code.Import(at, said(one), module, "default"))
            elif one.type == "namespace_import":
                made.append(code.Import(at, said(one.named_children[0]), module, None))
            elif one.type == "import_specifier":
                name = said(one.child_by_field_name("name"))
                local = said(one.child_by_field_name("alias")) or name
                made.append(code.Import(at, local, module, name))
            else:
                waiting += one.named_children
        return made

    # Values.

    def node(self, node: Tree) -> Node:
        while node.type in _WRAPPED and node.named_children:
            node = node.named_children[0]
        at, text = self.at(node), self.text(node)
        if node.type in _FUNCTIONS:
            return self._function(node)
        method: Callable[[Tree, At, str], Node | None] | None
        method = getattr(self, f"_value_{node.type}", None)
        made = method(node, at, text) if method else None
        return made if made is not None else Node(at, text)

    def _value_string(self, node: Tree, at: At, text: str) -> Node:
        return code.Const(at, text, unescaped(said(node)[1:-1]))

    def _value_template_string(self, node: Tree, at: At, text: str) -> Node:
        return code.Template(at, text, tuple(self._pieces(node, unescaped)))

    def _pieces(self, node: Tree, meant: Callable[[str], str]) -> Iterator[str | Node]:
        for child in node.children:
            if child.type == "template_substitution" and child.named_children:
                yield self.node(child.named_children[0])
            elif child.type in ("string_fragment", "escape_sequence"):
                yield meant(said(child))

    def _tagged(self, tag: str, node: Tree, at: At, text: str) -> Node:
        """A template that a function gets: what it does with the text is known of two."""
        raw = tag == "String.raw"
        parts = tuple(self._pieces(node, str if raw else unescaped))
        whole = "".join(part for part in parts if isinstance(part, str))
        if tag == "dedent" and all(isinstance(part, str) for part in parts):
            parts = (inspect.cleandoc(whole),)
        return code.Template(at, text, parts)

    def _value_number(self, node: Tree, at: At, text: str) -> Node | None:
        plain = said(node).replace("_", "")
        for read in (json.loads, lambda written: int(written, 0), float):  # `1`, `0x10`, `.5`
            try:
                return code.Const(at, text, read(plain))
            except ValueError:
                continue
        return None

    def _value_unary_expression(self, node: Tree, at: At, text: str) -> Node | None:
        try:
            return code.Const(at, text, json.loads(said(node)))
        except ValueError:
            return None

    def _value_true(self, node: Tree, at: At, text: str) -> Node:
        return code.Const(at, text, True)

    def _value_false(self, node: Tree, at: At, text: str) -> Node:
        return code.Const(at, text, False)

    def _value_null(self, node: Tree, at: At, text: str) -> Node:
        return code.Const(at, text, None)

    def _value_identifier(self, node: Tree, at: At, text: str) -> Node:
        return code.Name(at, text, said(node))

    _value_shorthand_property_identifier = _value_identifier
    _value_this = _value_identifier
    _value_property_identifier = _value_identifier

    def _value_member_expression(self, node: Tree, at: At, text: str) -> Node:
        of = node.child_by_field_name("object")
        name = said(node.child_by_field_name("property"))
        return code.Attr(at, text, self.node(of) if of is not None else None, name)

    def _value_subscript_expression(self, node: Tree, at: At, text: str) -> Node | None:
        of, key = node.child_by_field_name("object"), node.child_by_field_name("index")
        return code.Index(at, text, self.node(of), self.node(key)) if of and key else None

    def _value_array(self, node: Tree, at: At, text: str) -> Node:
        return code.ListOf(at, text, tuple(self._items(node)))

    def _items(self, node: Tree) -> Iterator[Node]:
        for child in node.named_children:
            if child.type == "comment":
                continue
            if child.type == "spread_element":
                yield code.Spread(
                    self.at(child), self.text(child), self.node(child.named_children[0])
                )
            else:
                yield self.node(child)

    def _value_object(self, node: Tree, at: At, text: str) -> Node:
        items: list[tuple[Node | None, Node]] = []
        for child in node.named_children:
            where = self.at(child)
            key, value = child.child_by_field_name("key"), child.child_by_field_name("value")
            if child.type == "pair" and key is not None and value is not None:
                items.append((self._key(key), self.node(value)))
            elif child.type == "shorthand_property_identifier":
                name = said(child)
                items.append((code.Const(where, name, name), self.node(child)))
            elif child.type == "spread_element":
                items.append((None, self.node(child.named_children[0])))
            elif child.type == "method_definition":
                name = said(child.child_by_field_name("name"))
                items.append((code.Const(where, name, name), self._function(child)))
        return code.DictOf(at, text, tuple(items))

    def _key(self, node: Tree) -> Node:
        at, text = self.at(node), said(node)
        if node.type == "computed_property_name" and node.named_children:
            return self.node(node.named_children[0])
        return code.Const(at, text, unescaped(text[1:-1]) if node.type == "string" else text)

    def _value_binary_expression(self, node: Tree, at: At, text: str) -> Node | None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        operator = said(node.child_by_field_name("operator"))
        if left is None or right is None or operator not in ("+", "||", "??", MOD, TIMES, MINUS):
            return None
        first, second = self.node(left), self.node(right)
        if operator in (MOD, TIMES, MINUS):
            return code.operation(at, text, operator, first, second)
        return (code.Add if operator == "+" else code.Either)(at, text, first, second)

    def _value_ternary_expression(self, node: Tree, at: At, text: str) -> Node:
        parts = [
            node.child_by_field_name(one) for one in ("condition", "consequence", "alternative")
        ]
        return code.Choice(at, text, *(self.node(part) if part else None for part in parts))

    def _value_call_expression(self, node: Tree, at: At, text: str) -> Node | None:
        function = node.child_by_field_name("function")
        if function is None:
            function = node.child_by_field_name("constructor")
        arguments = node.child_by_field_name("arguments")
        if function is None:
            return None
        if arguments is not None and arguments.type == "template_string":
            return self._tagged(said(function), arguments, at, text)
        args = tuple(self._items(arguments)) if arguments is not None else ()
        return code.Call(at, text, self.node(function), args)

    _value_new_expression = _value_call_expression

    def _function(self, node: Tree) -> code.Function:
        body = node.child_by_field_name("body")
        name = said(node.child_by_field_name("name"))
        made: tuple[Statement, ...] = ()
        if body is not None and body.type == "statement_block":
            made = self.block(body)
        elif body is not None:
            made = (code.Return(self.at(body), self.node(body)),)
        return code.Function(
            at=self.at(node),
            text=self.text(node),
            name=name,
            params=tuple(self._params(node)),
            body=made,
        )

    def _params(self, node: Tree) -> Iterator[code.Param]:
        single = node.child_by_field_name("parameter")
        several = node.child_by_field_name("parameters")
        for one in [single] if single is not None else several.named_children if several else []:
            target = one.child_by_field_name("pattern") or one
            value = one.child_by_field_name("value")
            default = self.node(value) if value is not None else None
            inner = tuple(local for _, local in _pattern(target))
            name = said(target) if target.type == "identifier" else "_"
            yield code.Param(name, self.at(one), default, inner=inner)


def _pattern(node: Any) -> list[tuple[str, str]]:
    """`{a, b: c}` as the names there and here."""
    if node.type != "object_pattern":
        return []
    found = []
    for child in node.named_children:
        if child.type == "shorthand_property_identifier_pattern":
            found.append((said(child), said(child)))
        elif child.type == "pair_pattern":
            key, value = child.child_by_field_name("key"), child.child_by_field_name("value")
            found.append((said(key), said(value)))
        elif child.type == "object_assignment_pattern":
            name = said(child.child_by_field_name("left"))
            found.append((name, name))
    return found
