"""States of Terraform, which are JSON, and how providers of OpenAI spell what they make."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from provisioner.importing.code_values import MISSING
from provisioner.importing.nouns import Findings, Found, Lost, Origin
from provisioner.importing.spelling import read_assistant
from provisioner.importing.store_spelling import read_file, read_store

KINDS = ("assistant", "vector_store", "file")
OURS = re.compile(r"^openai_(?:beta_)?(?P<what>\w+)$")
PATHS = ("file_path", "filepath", "path", "file", "filename")  # as providers spell it
_SINGLE: tuple[str, ...] = (
    "tool_resources",
    "code_interpreter",
    "file_search",
    "function",
    "ranking_options",
)
_SINGLE += ("expires_after", "chunking_strategy", "static", "response_format", "json_schema")


def decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return MISSING


def here(path: Any) -> Any:
    """A path from the folder of the configuration: what stands for it is left out."""
    return path.lstrip("/").removeprefix("./") if isinstance(path, str) else path


def first_of(raw: Mapping[str, Any], keys: Iterable[str]) -> Any:
    """The value of the first of these keys that says something."""
    return next((raw[key] for key in keys if raw.get(key) is not None), None)


def plain_blocks(raw: Any) -> Any:
    """Blocks that stand once as mappings, schemas out of their JSON: the spelling of the API."""
    if isinstance(raw, list):
        return [plain_blocks(one) for one in raw]
    if not isinstance(raw, Mapping):
        return raw
    found: dict[str, Any] = {}
    for key, value in raw.items():
        if key in _SINGLE and isinstance(value, list) and len(value) == 1:
            value = value[0]
        if key in ("parameters", "schema") and isinstance(value, str):
            schema = decoded(value)
            value = value if schema is MISSING else schema
        found[key] = plain_blocks(value)
    return found


def read_state(value: Mapping[str, Any], origin: Origin, findings: Findings) -> None:
    """What a state of Terraform knows of OpenAI's resources: values and ids, no names of files."""
    for at, resource in enumerate(_several(value.get("resources"))):
        if not isinstance(resource, Mapping):
            continue
        match = OURS.match(str(resource.get("type")))
        name = f"{resource.get('type')}.{resource.get('name')}"
        read = resource.get("mode") == "data"
        if match is None or match["what"] not in KINDS or read:
            why = "is only read by Terraform" if read else "is no resource that specs have"
            severity = "warning" if match and not read else "note"
            findings.losses.append(Lost(origin, f"resources[{at}] {name}", why, severity=severity))
            continue
        for one in _several(resource.get("instances")):
            attributes = one.get("attributes") if isinstance(one, Mapping) else None
            if isinstance(attributes, Mapping):
                place = replace(origin, path=name)
                findings.found += _instance(match["what"], attributes, place)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _instance(what: str, attributes: Mapping[str, Any], origin: Origin) -> list[Found]:
    raw = plain_blocks(attributes)
    if what == "vector_store":
        return [read_store(raw, origin)]
    if what == "file":
        return [_file(raw, origin)]
    return read_assistant(raw, origin)


def _file(raw: Mapping[str, Any], origin: Origin) -> Found:
    """A file that a state knows, at the path from which Terraform has uploaded it."""
    path = str(here(first_of(raw, PATHS)) or "")
    rest = {key: raw[key] for key in raw if key not in PATHS}
    found = read_file({**rest, "filename": path.rsplit("/", 1)[-1]}, origin)
    inside = path and ".." not in path.split("/")
    return replace(found, fields={**found.fields, "path": path}) if inside else found
