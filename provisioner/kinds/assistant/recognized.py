"""Tools and response formats that are surely valid, known as such without their models: what most
specs say, at a hundredth of the time that it takes to import what reads all the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from provisioner.kinds.table import UNSURE

FUNCTION_NAME = r"^[A-Za-z0-9_-]{1,64}$"
Named = Literal[
    "apply_patch",
    "automations",
    "code_interpreter",
    "computer",
    "computer_use",
    "file_search",
    "image_generation",
    "programmatic_tool_calling",
    "shell",
    "tool_search",
    "web_search",
]
NAMED: tuple[str, ...] = get_args(Named)
"""Tools that work without settings, so that a bare string is enough."""

MAX_INSTRUCTIONS = 256_000  # characters of a system prompt
MAX_TOOLS = 128
MAX_RESULTS = 50
MAX_CODE_FILES = 50

_NAME = re.compile(FUNCTION_NAME.strip("^$"))
_Known = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return type(value) is str


def _name(value: Any) -> bool:
    return type(value) is str and _NAME.fullmatch(value) is not None


def _document(value: Any) -> bool:
    return type(value) is dict and all(type(key) is str for key in value)


def _switch(value: Any) -> bool:
    return type(value) is bool


def _references(value: Any) -> bool:
    return type(value) is list and all(type(one) is str and one for one in value)


def _files(value: Any) -> bool:
    return _references(value) and len(value) <= MAX_CODE_FILES


def _results(value: Any) -> bool:
    return type(value) is int and 1 <= value <= MAX_RESULTS


_FUNCTION: Mapping[str, _Known] = {
    "type": _text,
    "name": _name,
    "description": _text,
    "parameters": _document,
    "strict": _switch,
}
_SETTINGS: Mapping[str, Mapping[str, _Known]] = {
    "function": _FUNCTION,
    "file_search": {"type": _text, "vector_stores": _references, "max_num_results": _results},
    "code_interpreter": {"type": _text, "files": _files},
}
_FORMAT: Mapping[str, _Known] = {
    "type": _text,
    "name": _name,
    "description": _text,
    "schema": _document,
    "strict": _switch,
}


def tools(value: Any, _limits: Mapping[str, Any]) -> Any:
    """Bare names, shared tools, functions, searches and code interpreters."""
    if type(value) is not list or len(value) > MAX_TOOLS:
        return UNSURE
    for tool in value:
        if not _is_tool(tool):
            return UNSURE
    return value


def _is_tool(tool: Any) -> bool:
    if type(tool) is str:
        return tool in NAMED
    if type(tool) is not dict:
        return False
    if tool.keys() == {"use"}:
        return _text(tool["use"]) and bool(tool["use"])
    sort = tool.get("type")
    settings = _SETTINGS.get(sort) if type(sort) is str else None
    if settings is None or (sort == "function" and "name" not in tool):
        return False
    return _fit(settings, tool)


def _fit(settings: Mapping[str, _Known], said: Mapping[str, Any]) -> bool:
    """Whether each setting is known, and has a value that it may have."""
    for name, value in said.items():
        known = settings.get(name)
        if known is None or not known(value):
            return False
    return True


def response_format(value: Any, _limits: Mapping[str, Any]) -> Any:
    """A word, or a JSON Schema with its settings."""
    if type(value) is str:
        return value if value in ("auto", "text", "json_object") else UNSURE
    known = (
        type(value) is dict
        and value.get("type") == "json_schema"
        and "schema" in value
        and _fit(_FORMAT, value)
    )
    return value if known else UNSURE


def instructions(value: Any, _limits: Mapping[str, Any]) -> Any:
    """Text, `{file: PATH}` or `{files: [PATH, …]}`."""
    if type(value) is str:
        return value if len(value) <= MAX_INSTRUCTIONS else UNSURE
    if type(value) is not dict or len(value) != 1:
        return UNSURE
    ((key, named),) = value.items()
    if key == "file":
        return value if _text(named) and named else UNSURE
    return value if key == "files" and named and _references(named) else UNSURE
