"""What the everyday calls of a language answer, as far as that needs no run: texts that are put
together, files that are opened, settings of the environment, lists that are gone through.
"""

from __future__ import annotations

import inspect
import json
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from provisioner.importing import code, zod
from provisioner.importing.code_schemas import schema_of
from provisioner.importing.code_texts import (
    OPERATORS,
    TIMES,
    concatenated,
    formatted,
    operated,
    part_of_script,
)
from provisioner.importing.code_values import (
    MISSING,
    Bound,
    Closure,
    Mixed,
    Model,
    NoSchema,
    Opened,
    Schema,
    Thing,
    Unknown,
    Untold,
)
from provisioner.importing.taking import leaves

if TYPE_CHECKING:
    from provisioner.importing.evaluating import Evaluator

_ENV = ("os.environ.get", "os.getenv", "getenv", "environ.get", "Deno.env.get", "config")
_OPEN: tuple[str, ...] = (
    "open",
    "Path",
    "pathlib.Path",
    "fs.createReadStream",
    "createReadStream",
    "Bun.file",
)
_OPEN += ("io.open", "codecs.open", "aiofiles.open", "PurePath")
_READ = ("fs.readFileSync", "readFileSync", "fs.readFile", "readFile", "fs.promises.readFile")
_JOIN = ("os.path.join", "path.join", "path.resolve", "join", "resolve", "os.path.abspath")
_PARSED = ("json.loads", "json.load", "JSON.parse")
_HERE = ("os.path.dirname", "path.dirname", "dirname", "fileURLToPath")
_PRINTED = ("JSON.stringify", "json.dumps")
_INDENTS = (None, 0, 1, 2, 3, 4, 8, "\t", "  ", "    ")
_LAYOUT = {"indent", "ensure_ascii", "sort_keys", "separators"}
_SAME = (
    "str",
    "String",
    "list",
    "tuple",
    "asyncio.run",
    "Promise.all",
    "asyncio.gather",
    "cast",
)
_TRIMMED = {
    "textwrap.dedent": textwrap.dedent,
    "dedent": textwrap.dedent,
    "inspect.cleandoc": inspect.cleandoc,
    "cleandoc": inspect.cleandoc,
}
_WAYS: dict[str, Callable[[str], str]] = {
    "strip": str.strip,
    "rstrip": str.rstrip,
    "lstrip": str.lstrip,
    "trim": str.strip,
    "trimEnd": str.rstrip,
    "trimStart": str.lstrip,
}


def known_call(
    ev: Evaluator, function: Any, args: list[Any], named: dict[str, Any], node: code.Call
) -> Any:
    """What a call answers; MISSING if only a run would tell."""
    if isinstance(function, Thing):
        return _of_library(ev, function.path, args, named, node)
    if isinstance(function, Bound):
        if function.name in OPERATORS:
            return operated(function.of, function.name, args, node)
        return _of_value(ev, function, args, named, node)
    if isinstance(function, NoSchema):
        return function
    if isinstance(function, Unknown) and isinstance(node.function, code.Attr):
        path = node.function.text
        if path in _ENV:
            return _environment(args, node)
    return MISSING


def _of_library(
    ev: Evaluator, path: str, args: list[Any], named: dict[str, Any], node: code.Call
) -> Any:
    if path in _JOIN:
        return _path(args)
    if path in _HERE:
        return ""
    if (word := _zod(ev, path)) is not None:
        return _schema(lambda: zod.built(word, args, node))
    if args and (answer := _of_first(ev, path, args, node)) is not MISSING:
        return answer
    if args and path in _PRINTED:
        return _as_json(path, args, named)
    return _collection(path, args, named)


def _of_first(ev: Evaluator, path: str, args: list[Any], node: code.Call) -> Any:
    """What a call makes of what it is given first: a file, a text, a name."""
    if path in ("str", "String") and type(args[0]) is int:
        return str(args[0])
    if path in _ENV:
        return _environment(args, node)
    if path in _OPEN:
        return Opened(_path(args[:1]), node.at)
    if path in _READ:
        return read_opened(ev, Opened(_path(args[:1]), node.at), node)
    if path in _TRIMMED:
        return _TRIMMED[path](args[0]) if isinstance(args[0], str) else args[0]
    return _json(ev, args[0], node) if path in _PARSED else MISSING


def _zod(ev: Evaluator, path: str) -> str | None:
    """What is called of zod, if a path leads there."""
    base, _, word = path.rpartition(".")
    module, _ = ev.imports.get(base.split(".")[0], ("zod" if base == "z" else "", None))
    ours = module == "zod" or module.startswith("zod/")
    return word if ours and base in (base.split(".")[0], base.split(".")[0] + ".coerce") else None


def _schema(way: Callable[[], Any]) -> Any:
    """A schema, or what of it only a run would tell."""
    try:
        return way()
    except Untold as untold:
        return NoSchema("schema", untold.text, untold.at)


def _collection(path: str, args: list[Any], named: dict[str, Any]) -> Any:
    first = args[0] if args else None
    if path in ("dict", "Object.assign") and all(isinstance(arg, dict) for arg in args):
        joined: dict[str, Any] = {}
        for arg in args:
            joined |= arg
        return joined | named
    if path.startswith("Object.") and isinstance(first, dict):
        return _of_dict(first, path.removeprefix("Object."))
    if path.rsplit(".", 1)[-1] == "ConfigDict":
        return named
    if path == "enumerate" and isinstance(first, list):
        return [[index, value] for index, value in enumerate(first)]
    if path in _SAME and args:
        return first if len(args) == 1 else list(args)
    return MISSING


def _as_json(path: str, args: list[Any], named: dict[str, Any]) -> Any:
    """The text of a value as JSON; the value itself where a part of it is not known."""
    if path == "JSON.stringify":
        indent = args[2] if len(args) > 2 and isinstance(args[2], int | str) else None
        separators = (",", ":") if indent is None else None
        named = {"ensure_ascii": False, "indent": indent, "separators": separators}
    usual = named.keys() <= _LAYOUT and named.get("indent") in _INDENTS
    try:
        return json.dumps(args[0], **named) if usual and _printable(args[0]) else args[0]
    except (TypeError, ValueError, RecursionError):
        return args[0]


def _printable(value: Any) -> bool:
    """Whether the text of a value has an end that anybody would wait for."""
    size = 0
    for path, leaf in leaves(value):
        size += 10 + sum(len(str(step)) for step in path[-1:])
        size += len(leaf) if isinstance(leaf, str) else 0
        if size > 1_000_000:
            return False
    return True


def _environment(args: list[Any], node: code.Call) -> Any:
    if not args or not isinstance(args[0], str):
        return MISSING
    default = args[1] if len(args) > 1 and isinstance(args[1], str | int | float) else None
    return Unknown(args[0], node.text, node.at, default)


def _path(args: list[Any]) -> Any:
    """Paths joined; the folder of the source itself is where they start."""
    parts = []
    for arg in args:
        value = arg.path if isinstance(arg, Opened) else arg
        if isinstance(value, Thing):
            value = "" if value.path.startswith(("__", "import.meta")) else None
        if isinstance(value, Bound):
            value = _path([value.of])
        if not isinstance(value, str):
            return value
        parts.append(value)
    return "/".join(part for part in parts if part)


def _json(ev: Evaluator, value: Any, node: code.Call) -> Any:
    text = read_opened(ev, value, node) if isinstance(value, Opened) else value
    if not isinstance(text, str):
        return MISSING
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return MISSING


def read_opened(ev: Evaluator, opened: Opened, node: code.Node) -> Any:
    """The text of a file that the code names, if it lies in the folder that was given."""
    if not isinstance(opened.path, str):
        path = opened.path
        known = isinstance(path, Unknown)
        return Unknown(f"text_of_{path.name}", path.text, path.at) if known else MISSING
    text = ev.beside.text(opened.path)
    if text is not None:
        return text
    stem = opened.path.replace("\\", "/").rsplit("/", 1)[-1].split(".")[0]
    return Unknown(stem or "text", node.text, node.at)


def _of_value(
    ev: Evaluator, bound: Bound, args: list[Any], named: dict[str, Any], node: code.Call
) -> Any:
    of, name = bound.of, bound.name
    while isinstance(of, Bound) and isinstance(of.of, Opened) and of.name in ("parent", "resolve"):
        of = of.of
    if isinstance(of, Opened):
        return _of_file(ev, of, name, args, node)
    if isinstance(of, Schema):
        return _schema(lambda: zod.method(of, name, args, node))
    if isinstance(of, Model):
        return _schema(lambda: schema_of(ev, of))
    if isinstance(of, str | Mixed | Unknown):
        return _of_text(of, name, args, named, node)
    if isinstance(of, dict):
        return _of_mapping(of, name, args)
    if isinstance(of, list):
        return _of_list(ev, of, name, args, node)
    return MISSING


def _of_file(ev: Evaluator, of: Opened, name: str, args: list[Any], node: code.Call) -> Any:
    if name in ("read", "read_text", "text", "readlines"):
        return read_opened(ev, of, node)
    if name in ("joinpath", "resolve", "absolute", "open", "expanduser"):
        if name == "joinpath" and not isinstance(of.path, str):
            return Opened(_path(args), node.at)
        return Opened(_path([of, *args]) if name == "joinpath" else of.path, node.at)
    return MISSING


def _of_text(of: Any, name: str, args: list[Any], named: dict[str, Any], node: code.Call) -> Any:
    if name in _WAYS:
        return _WAYS[name](of) if isinstance(of, str) and not args else of
    if name == "joinpath" and isinstance(of, str):
        return _path([of, *args])
    if name == "format" and isinstance(of, str):
        numbered = {str(number): arg for number, arg in enumerate(args)}
        return formatted(of, numbered | named, node)
    if name == "join" and isinstance(of, str) and args and isinstance(args[0], list):
        texts = [one for one in args[0] if isinstance(one, str)]
        return of.join(texts) if len(texts) == len(args[0]) else MISSING
    return _changed(of, name, args, node)


def _changed(of: Any, name: str, args: list[Any], node: code.Call) -> Any:
    """A text that becomes another one."""
    if name in ("replace", "replaceAll") and isinstance(of, str):
        return of.replace(*args[:2]) if _small(of, args) else MISSING
    if name == "concat" and not isinstance(of, Unknown):
        return concatenated(of, args)
    if name == "repeat" and isinstance(of, str):
        return operated(of, TIMES, args, node)
    if name in ("slice", "substring") and isinstance(of, str):
        return part_of_script(of, name, args)
    return MISSING


def _small(of: str, args: list[Any]) -> bool:
    known = len(args) >= 2 and all(isinstance(arg, str) for arg in args[:2])
    return known and bool(args[0]) and len(of) * (len(args[1]) + 1) < 1_000_000


def _of_dict(of: dict[str, Any], name: str) -> Any:
    if name in ("items", "entries"):
        return [[key, value] for key, value in of.items()]
    if name == "keys":
        return list(of)
    return list(of.values()) if name == "values" else MISSING


def _of_mapping(of: dict[str, Any], name: str, args: list[Any]) -> Any:
    if name == "get" and args and isinstance(args[0], str):
        return of.get(args[0], args[1] if len(args) > 1 else None)
    if name == "setdefault" and len(args) == 2 and isinstance(args[0], str):
        return of.setdefault(args[0], args[1])
    if name == "copy":
        return dict(of)
    if name == "update" and args and isinstance(args[0], dict):
        of |= args[0]
        return None
    return _of_dict(of, name)


def _of_list(ev: Evaluator, of: list[Any], name: str, args: list[Any], node: code.Call) -> Any:
    if name in ("append", "push"):
        of += args
        return None
    if name in ("extend", "concat") and args and isinstance(args[0], list):
        more = list(args[0])
        if name == "concat":
            return [*of, *more]
        of += more
        return None
    if name in ("map", "forEach") and args and isinstance(args[0], Closure):
        return [ev.call(args[0], [one], {}, node.at) for one in list(of)]
    if name == "slice":
        return part_of_script(of, name, args)
    if name == "join" and all(isinstance(one, str) for one in of):
        return (args[0] if args and isinstance(args[0], str) else ",").join(of)
    return MISSING
