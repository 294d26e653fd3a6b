"""The tools of an assistant as neutral fields: names resolved, schemas read, limits checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from provisioner.kinds.assistant.json_schema import read_schema
from provisioner.kinds.assistant.tools import CodeInterpreter, FileSearch, Function, Use
from provisioner.kinds.base import Fault, Path, Scope
from provisioner.kinds.common import Unmanaged
from provisioner.kinds.file.accepted import RUNNABLE, counted, unaccepted
from provisioner.model import Fields

MAX_CODE_FILES = 50
_MAGIC = frozenset("*?[")


def declare_tools(tools: Iterable[Any], scope: Scope) -> list[Fields]:
    """The fields of every tool, in the declared order; those with faults are left out."""
    found: list[Fields] = []
    places: list[Path] = []
    for index, tool in enumerate(tools):
        at: Path = ("tools", index)
        fields = scope.tool(tool.use, (*at, "use")) if isinstance(tool, Use) else declare_tool(tool, scope, at)
        if fields is not None:
            found.append(fields)
            places.append(at)
    _check_unique(found, places, scope)
    return found


def declare_tool(tool: Any, scope: Scope, at: Path) -> Fields:
    """The fields of one tool that is not shared. `at` is its path below the resource."""
    if isinstance(tool, str):
        return {"type": tool}
    if isinstance(tool, Function):
        return _function(tool, scope, at)
    if isinstance(tool, FileSearch):
        return _file_search(tool, scope, at)
    if isinstance(tool, CodeInterpreter):
        return _code_interpreter(tool, scope, at)
    return _hosted(tool, scope, at)


def _function(tool: Function, scope: Scope, at: Path) -> Fields:
    fields: Fields = {"type": "function", "name": tool.name}
    if tool.description is not None:
        fields["description"] = tool.description
    if tool.parameters is not None:
        fields["parameters"] = read_schema(tool.parameters, bool(tool.strict), scope, (*at, "parameters"))
    elif tool.strict:
        _needs_parameters(tool, scope, at)
    if tool.strict is not None:
        fields["strict"] = tool.strict
    return fields


def _needs_parameters(tool: Function, scope: Scope, at: Path) -> None:
    detail = f"The function `{tool.name}` of `{scope.address}` is strict and has no `parameters`."
    hint = "write `parameters: {type: object, properties: {}, required: [], additionalProperties: false}`"
    scope.report(Fault((*at, "strict"), "Not a strict schema", detail, hint))


def _file_search(tool: FileSearch, scope: Scope, at: Path) -> Fields:
    fields: Fields = {"type": "file_search"}
    if "vector_stores" in tool.model_fields_set:
        named = [_plain(store) for store in tool.vector_stores]
        places = [(*at, "vector_stores", index) for index in range(len(named))]
        found = [scope.reference("vector_store", name, place) for name, place in zip(named, places, strict=True)]
        fields["vector_stores"] = _distinct(found, places, scope, "Vector store named twice")
    fields |= tool.model_dump(include={"max_num_results", "ranking_options"}, exclude_unset=True, exclude_none=True)
    if tool.filters is not None:
        fields["filters"] = tool.filters
    return fields


def _code_interpreter(tool: CodeInterpreter, scope: Scope, at: Path) -> Fields:
    fields: Fields = {"type": "code_interpreter"}
    if "files" in tool.model_fields_set:
        fields["files"] = _code_files(tool, scope, (*at, "files"))
    if tool.memory_limit is not None:
        fields["memory_limit"] = tool.memory_limit
    return fields


def _code_files(tool: CodeInterpreter, scope: Scope, at: Path) -> list[Any]:
    found: list[Any] = []
    places: list[Path] = []
    for index, value in enumerate(tool.files):
        for one in _matched(value, scope, (*at, index)):
            found.append(scope.file(one, (*at, index)))
            places.append((*at, index))
    files = _distinct(found, places, scope, "File named twice")
    if len(files) > MAX_CODE_FILES:
        detail = (
            f"`{scope.address}` gives {len(files)} files to its code interpreter; it takes at most {MAX_CODE_FILES}."
        )
        scope.report(Fault(at, "Too many files", detail, "join them, or pack them into a `.zip`"))
    _check_extensions([file.removeprefix("file.") for file in files if isinstance(file, str)], scope, at)
    return files


def _matched(value: Any, scope: Scope, at: Path) -> list[Any]:
    """A path as it is, a glob as what it matches."""
    return scope.glob(value, (), at) if isinstance(value, str) and not _MAGIC.isdisjoint(value) else [_plain(value)]


def _check_extensions(paths: list[str], scope: Scope, at: Path) -> None:
    for suffix, some in unaccepted(paths, RUNNABLE).items():
        detail = f"`{scope.address}` gives {counted(suffix, some)} to its code interpreter, which may refuse "
        detail += f"`{suffix}`." if suffix else "files without an extension."
        hint = "nothing, if it works for you; otherwise convert it or pack it into a `.zip`"
        scope.report(Fault(at, "Unusual extension", detail, hint, "warning"))


def _hosted(tool: dict[str, Any], scope: Scope, at: Path) -> Fields:
    fields = {key: value for key, value in tool.items() if key != "only"}
    if fields["type"] != "mcp":
        return fields
    homes = [key for key in ("server_url", "connector_id", "tunnel_id") if key in fields]
    if len(homes) != 1:
        said = "none" if not homes else " and ".join(f"`{key}`" for key in homes)
        detail = (
            f"The MCP server `{fields['server_label']}` of `{scope.address}` needs exactly one of `server_url`, "
            f"`connector_id` and `tunnel_id`; it has {said}."
        )
        scope.report(Fault((*at, homes[1] if homes else "server_url"), "Unclear MCP server", detail, _home(homes)))
    return fields


def _home(homes: Sequence[str]) -> str:
    return f"keep one of {' and '.join(f'`{key}`' for key in homes)}" if homes else "write `server_url: https://…`"


def _plain(value: str | Unmanaged) -> Any:
    return value.declared() if isinstance(value, Unmanaged) else value


def _distinct(found: list[Any], places: list[Path], scope: Scope, summary: str) -> list[Any]:
    """Without what could not be resolved; what is named twice is reported."""
    kept: list[Any] = []
    for one, place in zip(found, places, strict=True):
        if one is None:
            continue
        if one in kept:
            shown = one if isinstance(one, str) else one["id"]
            scope.report(Fault(place, summary, f"`{scope.address}` names `{shown}` twice in one tool.", "remove one"))
        else:
            kept.append(one)
    return kept


def _key(tool: Fields) -> tuple[str, str]:
    """What there may be only one of in an assistant: a function by name, an MCP server by label, else the type."""
    return tool["type"], str(tool.get("name") or tool.get("server_label") or "")


def _check_unique(tools: list[Fields], places: list[Path], scope: Scope) -> None:
    seen: dict[tuple[str, str], Path] = {}
    for tool, place in zip(tools, places, strict=True):
        sort, name = key = _key(tool)
        if key not in seen:
            seen[key] = place
            continue
        what = f"{'functions' if sort == 'function' else 'MCP servers'} named `{name}`" if name else f"`{sort}` tools"
        hint = "rename one" if name else "join them into one"
        detail = f"`{scope.address}` has two {what}: `tools[{seen[key][1]}]` and `tools[{place[1]}]`."
        scope.report(Fault(place, "Duplicate tool", detail, hint))
