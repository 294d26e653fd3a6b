"""From what an author wrote for an assistant to its neutral fields: names resolved, files found,
texts and schemas read, shared tools copied. Models and plain values are told the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provisioner.kinds.assistant.carried import HOMES
from provisioner.kinds.assistant.json_schema import dotted, read_schema
from provisioner.kinds.assistant.recognized import MAX_CODE_FILES, MAX_INSTRUCTIONS
from provisioner.kinds.base import Finding, Path, Scope
from provisioner.kinds.file.accepted import RUNNABLE, counted, unaccepted
from provisioner.kinds.table import as_written
from provisioner.model import Fields
from provisioner.text import quoted

_MAGIC = frozenset("*?[")
_MANY = {
    "function": "functions",
    "custom": "custom tools",
    "mcp": "MCP servers",
    "namespace": "namespaces",
}


def declare_tools(tools: Iterable[Any] | None, scope: Scope, at: Path) -> list[Fields]:
    """The fields of every tool, in the declared order; those with findings are left out."""
    found: list[Fields] = []
    places: list[Path] = []
    for index, tool in enumerate(map(as_written, tools or ())):
        place = (*at, index)
        fields = (
            scope.tool(tool["use"], (*place, "use"))
            if isinstance(tool, dict) and "use" in tool
            else declare_tool(tool, scope, place)
        )
        if fields is not None:
            found.append(fields)
            places.append(place)
    _check_unique(found, places, scope)
    return found


def declare_tool(tool: Any, scope: Scope, at: Path) -> Fields:
    """The fields of one tool that is not shared, from what was written. `at` is its path below the
    resource.
    """
    if isinstance(tool, str):
        return {"type": tool}
    if tool["type"] == "function":
        return _function(tool, scope, at)
    if tool["type"] == "file_search":
        return _file_search(tool, scope, at)
    if tool["type"] == "code_interpreter":
        return _code_interpreter(tool, scope, at)
    return _hosted({key: value for key, value in tool.items() if key != "only"}, scope, at)


def _function(tool: Mapping[str, Any], scope: Scope, at: Path) -> Fields:
    name, strict = tool["name"], bool(tool.get("strict"))
    fields: Fields = {"type": "function", "name": name} | _said(tool, "description")
    if tool.get("parameters") is not None:
        fields["parameters"] = read_schema(tool["parameters"], strict, scope, (*at, "parameters"))
    elif strict:
        detail = f"The function `{name}` of `{scope.address}` is strict and has no `parameters`."
        hint = (
            "write `parameters: {type: object, properties: {}, required: [], additionalProperties:"
            " false}`"
        )
        scope.report(Finding((*at, "strict"), "Not a strict schema", detail, hint))
    fields |= _said(tool, "strict")
    if tool.get("output_schema") is not None:
        place = (*at, "output_schema")
        fields["output_schema"] = read_schema(tool["output_schema"], False, scope, place)
    return fields | _said(tool, "defer_loading", "allowed_callers", "async")


def _said(tool: Mapping[str, Any], *names: str) -> Fields:
    """The settings that a tool has, as they are; null says no more than leaving one out."""
    return {name: tool[name] for name in names if tool.get(name) is not None}


def _file_search(tool: Mapping[str, Any], scope: Scope, at: Path) -> Fields:
    fields: Fields = {"type": "file_search"}
    if "vector_stores" in tool:
        named = tool["vector_stores"]
        places = [(*at, "vector_stores", index) for index in range(len(named))]
        found = [
            scope.reference("vector_store", name, place)
            for name, place in zip(named, places, strict=True)
        ]
        fields["vector_stores"] = _distinct(found, places, scope, "Vector store named twice")
    return fields | _said(tool, "max_num_results", "ranking_options", "filters")


def _code_interpreter(tool: Mapping[str, Any], scope: Scope, at: Path) -> Fields:
    fields: Fields = {"type": "code_interpreter"}
    if "files" in tool:
        fields["files"] = _files(tool["files"], "code interpreter", scope, (*at, "files"))
        _warn_of_unusual(fields["files"], scope, (*at, "files"))
    return fields | _said(tool, "memory_limit", "network_policy", "allowed_callers")


def _files(written: Sequence[Any], whose: str, scope: Scope, at: Path) -> list[Any]:
    """The files that a sandbox has, patterns resolved."""
    found: list[Any] = []
    places: list[Path] = []
    for index, value in enumerate(written):
        place = (*at, index)
        matched: Sequence[Any] = [value]
        if isinstance(value, str) and not _MAGIC.isdisjoint(value):
            matched = scope.glob(value, (), place)
        for one in matched:
            found.append(scope.file(one, place))
            places.append(place)
    files = _distinct(found, places, scope, "File named twice")
    if len(files) > MAX_CODE_FILES:
        detail = (
            f"`{scope.address}` gives {len(files)} files to its {whose}; it takes at most"
            f" {MAX_CODE_FILES}."
        )
        scope.report(Finding(at, "Too many files", detail, "join them, or pack them into a `.zip`"))
    return files


def _warn_of_unusual(files: Sequence[Any], scope: Scope, at: Path) -> None:
    paths = [file.removeprefix("file.") for file in files if isinstance(file, str)]
    for suffix, some in unaccepted(paths, RUNNABLE).items():
        detail = (
            f"`{scope.address}` gives {counted(suffix, some)} to its code interpreter, which may"
            " refuse "
        )
        detail += f"`{suffix}`." if suffix else "files without an extension."
        hint = "nothing, if it works for you; otherwise convert it or pack it into a `.zip`"
        scope.report(Finding(at, "Unusual extension", detail, hint, "warning"))


def _hosted(tool: Mapping[str, Any], scope: Scope, at: Path) -> Fields:
    fields = dict(tool)
    if fields["type"] == "mcp":
        _mcp(fields, scope, at)
    elif fields["type"] == "custom":
        _custom(fields, scope, at)
    elif fields["type"] == "shell":
        _shell(fields, scope, at)
    elif fields["type"] == "namespace":
        _namespace(fields, scope, at)
    elif fields["type"] == "tool_search" and "parameters" in fields:
        fields["parameters"] = read_schema(fields["parameters"], False, scope, (*at, "parameters"))
    return fields


def _mcp(fields: Fields, scope: Scope, at: Path) -> None:
    homes = [key for key in HOMES if key in fields]
    if len(homes) != 1:
        said = " and ".join(f"`{key}`" for key in homes) or "none"
        detail = (
            f"The MCP server `{fields['server_label']}` of `{scope.address}` needs exactly one of"
            f" {quoted(HOMES, 'and')}; it has {said}."
        )
        hint = f"keep one of {said}" if homes else "write `server_url: https://…`"
        scope.report(
            Finding((*at, homes[1] if homes else "server_url"), "Unclear MCP server", detail, hint)
        )
    if "credential" in fields:
        fields["credential"] = scope.reference(
            "credential", fields["credential"], (*at, "credential")
        )


def _custom(fields: Fields, scope: Scope, at: Path) -> None:
    given = fields.get("format") or {}
    if "definition" in given:
        place = (*at, "format", "definition")
        fields["format"] = {**given, "definition": scope.text(given["definition"], place)}


def _shell(fields: Fields, scope: Scope, at: Path) -> None:
    local = fields.get("environment") != "container_auto"
    if "files" in fields:
        fields["files"] = _files(fields["files"], "shell", scope, (*at, "files"))
    for name in ("files", "memory_limit", "network_policy"):
        if local and fields.get(name):
            detail = f"The shell of `{scope.address}` has `{name}`, which only a container takes."
            hint = "write `environment: container_auto`, or take it out"
            scope.report(Finding((*at, name), "Not in container", detail, hint))
    for index, skill in enumerate(fields.get("skills") or ()):
        if ("id" in skill) is local:
            where = "where your application runs" if local else "in a container"
            detail = f"The shell of `{scope.address}` runs {where}, and this skill is not there."
            hint = "write `{name: …, description: …, path: …}` and `environment: local`"
            if not local:
                hint = "write `{id: skill_…}`, the id of a skill at the service"
            scope.report(Finding((*at, "skills", index), "Skill not there", detail, hint))


def _namespace(fields: Fields, scope: Scope, at: Path) -> None:
    found = []
    places: list[Path] = []
    for index, tool in enumerate(fields["tools"]):
        place = (*at, "tools", index)
        if tool["type"] == "function":
            found.append(_function(tool, scope, place))
        else:
            found.append(_hosted(tool, scope, place))
        places.append(place)
    fields["tools"] = found
    _check_unique(found, places, scope)


def _distinct(found: list[Any], places: list[Path], scope: Scope, summary: str) -> list[Any]:
    """Without what could not be resolved; what is named twice is reported."""
    kept: list[Any] = []
    for one, place in zip(found, places, strict=True):
        if one is None:
            continue
        if one in kept:
            shown = one if isinstance(one, str) else one["id"]
            scope.report(
                Finding(
                    place,
                    summary,
                    f"`{scope.address}` names `{shown}` twice in one tool.",
                    "remove one",
                )
            )
        else:
            kept.append(one)
    return kept


def _check_unique(tools: list[Fields], places: list[Path], scope: Scope) -> None:
    if len(tools) < 2:
        return
    seen: dict[tuple[str, str], Path] = {}
    for tool, place in zip(tools, places, strict=True):
        # There may be one function of a name, one MCP server of a label, and one tool of any other
        # type.
        sort, name = tool["type"], str(tool.get("name") or tool.get("server_label") or "")
        key = (sort, name)
        if key not in seen:
            seen[key] = place
            continue
        what = f"{_MANY[sort]} named `{name}`" if name else f"`{sort}` tools"
        hint = "rename one" if name else "join them into one"
        detail = f"`{scope.address}` has two {what}: `{dotted(seen[key])}` and `{dotted(place)}`."
        scope.report(Finding(place, "Duplicate tool", detail, hint))


def read_instructions(value: Any, scope: Scope, at: Path) -> str | None:
    """The text, out of its files; one that is too long is reported."""
    written = as_written(value)
    text = None if written is None else scope.text(written, at)
    if text is not None and len(text) > MAX_INSTRUCTIONS:
        detail = (
            f"`{scope.address}` has instructions of {len(text):,} characters; they may have at"
            f" most {MAX_INSTRUCTIONS:,}."
        )
        hint = "move reference material into a vector store"
        scope.report(Finding(at, "Too many characters", detail, hint))
    return text


def read_format(value: Any, scope: Scope, at: Path) -> Any:
    """The format in its shortest spelling, its schema out of its file."""
    written = as_written(value)
    if not isinstance(written, dict):
        return written
    if written["type"] != "json_schema":
        return written["type"]
    strict = bool(written.get("strict"))
    schema = read_schema(written["schema"], strict, scope, (*at, "schema"))
    settings = _said(written, "name", "description", "strict")
    return {"type": "json_schema", **settings, "schema": schema}


def read_session(value: Any, scope: Scope, at: Path) -> Any:
    """What it says, with the template and the vaults by their addresses or ids."""
    found = as_written(value)
    if not found:
        return found
    if "environment" in found:
        from provisioner.kinds.surroundings import read_surroundings  # models, which few need

        place = (*at, "environment")
        found["environment"] = read_surroundings(found["environment"], scope, place)
    if "vaults" in found:
        found["vaults"] = [
            scope.reference("vault", vault, (*at, "vaults", index))
            for index, vault in enumerate(found["vaults"])
        ]
    return found
