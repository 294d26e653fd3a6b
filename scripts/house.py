"""What a tree of Python looks like from outside: `python -m scripts.house FOLDER…` prints a column
for each folder.

The figures are to look at, not to be fitted: they say in which direction a change goes.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# What carries no meaning of its own: `x` is a name, and that it is read stands in its context.
CONTEXTS = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)


@dataclass(frozen=True)
class Module:
    """One file, parsed."""

    name: str  # dotted, from the top of the tree
    text: str
    tree: ast.Module

    @property
    def code_lines(self) -> int:
        """Lines that are neither empty nor comment alone."""
        stripped = (line.strip() for line in self.text.splitlines())
        return sum(bool(line) and not line.startswith("#") for line in stripped)

    @property
    def nodes(self) -> int:
        return sum(not isinstance(node, CONTEXTS) for node in ast.walk(self.tree))

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, FUNCTIONS):
                yield node

    def public(self) -> set[str]:
        """What other modules may use: functions, classes and constants at its top."""
        found: set[str] = set()
        for node in self.tree.body:
            if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                found.add(node.name)
            elif isinstance(node, ast.Assign):
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
        return {name for name in found if not name.startswith("_")}


@dataclass
class Tree:
    """All modules of a folder."""

    modules: list[Module] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path) -> Tree:
        found = cls()
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder.parent).with_suffix("").parts
            name = ".".join(parts).removesuffix(".__init__")
            text = path.read_text(encoding="utf-8")
            found.modules.append(Module(name, text, ast.parse(text)))
        return found

    def figures(self) -> dict[str, str]:
        """Every figure by what it says."""
        lengths = sorted(_length(function) for one in self.modules for function in one.functions())
        helpers, once = self._helpers()
        nodes, lines = (
            sum(one.nodes for one in self.modules),
            sum(one.code_lines for one in self.modules),
        )
        return {
            "files": f"{len(self.modules):,}",
            "lines of code": f"{lines:,}",
            "longest file": f"{max(one.text.count(chr(10)) for one in self.modules):,} lines",
            "functions": f"{len(lengths):,}",
            "lines a function, median, 90 %, longest": (
                f"{_share(lengths, 0.5)}, {_share(lengths, 0.9)}, {lengths[-1]}"
            ),
            "private helpers": f"{helpers:,}",
            "of them used once": f"{once:,} ({once / max(helpers, 1):.0%})",
            "syntax nodes": f"{nodes:,}",
            "syntax nodes a line": f"{nodes / max(lines, 1):.1f}",
            "comprehensions in comprehensions": f"{self._nested():,}",
            "public names in several modules": f"{len(self.shared()):,}",
            "imports inside functions": f"{self._late_imports():,}",
            "cycles of imports": f"{self._cycles():,}",
        }

    def _helpers(self) -> tuple[int, int]:
        """Private functions and methods, and how many of them are named in one other place of their
        module.
        """
        helpers = once = 0
        for module in self.modules:
            words = Counter(re.findall(r"\w+", _without_strings(module)))
            for function in module.functions():
                if function.name.startswith("_") and not function.name.endswith("__"):
                    helpers += 1
                    once += words[function.name] == 2  # where it is made, and where it is used
        return helpers, once

    def shared(self) -> Mapping[str, Sequence[str]]:
        """Public names that several modules define, each with these."""
        places: defaultdict[str, list[str]] = defaultdict(list)
        for module in self.modules:
            for name in module.public():
                places[name].append(module.name)
        return {name: where for name, where in sorted(places.items()) if len(where) > 1}

    def _nested(self) -> int:
        found = 0
        for module in self.modules:
            for node in ast.walk(module.tree):
                if isinstance(node, COMPREHENSIONS):
                    inner = (other for other in ast.walk(node) if other is not node)
                    found += any(isinstance(other, COMPREHENSIONS) for other in inner)
        return found

    def _late_imports(self) -> int:
        found: set[tuple[str, int]] = set()
        for module in self.modules:
            for function in module.functions():
                for node in ast.walk(function):
                    if isinstance(node, (ast.Import, ast.ImportFrom)):
                        found.add((module.name, node.lineno))
        return len(found)

    def _cycles(self) -> int:
        """Circles among the imports that are made when a module is loaded, taken out one by one."""
        edges = {module.name: set(self._imports(module)) for module in self.modules}
        count = 0
        while True:
            try:
                TopologicalSorter(edges).prepare()
            except CycleError as error:
                first, second = error.args[1][:2]
                edges[second].discard(first)
                count += 1
            else:
                return count

    def _imports(self, module: Module) -> Iterator[str]:
        names = {one.name for one in self.modules}
        for node in _loaded(module.tree.body):
            if isinstance(node, ast.Import):
                wanted = [alias.name for alias in node.names]
            else:
                base = _absolute(module, node, names)
                wanted = [f"{base}.{alias.name}" for alias in node.names] if base else []
                wanted = [name if name in names else name.rpartition(".")[0] for name in wanted]
            # That a package is loaded before what is in it is what Python does.
            yield from (
                name for name in wanted if name in names and not module.name.startswith(f"{name}.")
            )


def _loaded(body: Sequence[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that run when the module is loaded: not those in functions, nor those for types
    alone.
    """
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            yield from _loaded([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            yield from _loaded(node.body)


def _absolute(module: Module, node: ast.ImportFrom, names: set[str]) -> str:
    if not node.level:
        return node.module or ""
    is_package = any(name.startswith(f"{module.name}.") for name in names)
    parts = module.name.split(".")
    above = parts[: len(parts) - node.level + (1 if is_package else 0)]
    return ".".join([*above, *([node.module] if node.module else [])])


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _share(sorted_numbers: Sequence[int], share: float) -> int:
    return sorted_numbers[min(int(len(sorted_numbers) * share), len(sorted_numbers) - 1)]


def _without_strings(module: Module) -> str:
    """The code alone: a name in a docstring does not use it."""
    tree = ast.parse(module.text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.unparse(tree)


def main(folders: Sequence[str]) -> int:
    """Print the figures of some folders beside each other."""
    if not folders or not all(Path(folder).is_dir() for folder in folders):
        print("usage: python -m scripts.house FOLDER…", file=sys.stderr)
        return 1
    columns = {Path(folder).name: Tree.of(Path(folder)).figures() for folder in folders}
    rows = [["", *columns]]
    rows += [
        [what, *(figures[what] for figures in columns.values())]
        for what in next(iter(columns.values()))
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
