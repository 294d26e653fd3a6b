"""What most of `provisioner.yaml` says, known to be valid without its models: to import them takes
as long as everything else that a check of a small workspace does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from provisioner.kinds.table import UNSURE, Said
from provisioner.masking import KEY_VARIABLE, RUNNER, looks_like_key

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"  # of a workspace or an environment
VARIABLE = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
ENV = r"[A-Za-z_][A-Za-z0-9_]*"
MOST_VERSIONS = 100
MOST_SETTLING = 600  # seconds
MOST_DAYS = 3650  # before a shutdown

_NAME, _VARIABLE, _ENV = re.compile(NAME), re.compile(VARIABLE), re.compile(ENV)
# Plain ones: what else may be a service or a path, the models know.
_SERVICE = re.compile(
    r"local|openai|https?://[a-z0-9]+([.-][a-z0-9]+)*(:[1-9][0-9]{0,4})?(/[a-z0-9]+)*"
)
_PATH = re.compile(r"[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)*", re.IGNORECASE | re.ASCII)
_LARGEST_PORT = 65_535

_Read = Callable[[Any], Any]
"""What the model makes of a value; UNSURE where only the model knows."""


def _matching(pattern: re.Pattern[str]) -> _Read:
    return lambda value: value if type(value) is str and pattern.fullmatch(value) else UNSURE


def _one_of(*known: str) -> _Read:
    return lambda value: value if type(value) is str and value in known else UNSURE


def _text(value: Any) -> Any:
    return value if type(value) is str and value else UNSURE


def _service(value: Any) -> Any:
    found = _SERVICE.fullmatch(value) if type(value) is str else None
    return value if found and int((found[2] or ":1")[1:]) <= _LARGEST_PORT else UNSURE


def _api_key(value: Any) -> Any:
    if type(value) is not dict or value.keys() != {"env"} or type(value["env"]) is not str:
        return UNSURE
    name = value["env"]
    ours = name.upper() == KEY_VARIABLE or name.upper().startswith(RUNNER)
    if ours or looks_like_key(name) or not _ENV.fullmatch(name):
        return UNSURE
    return Said(value, {})


def _number(least: int, most: int) -> _Read:
    return lambda value: value if type(value) is int and least <= value <= most else UNSURE


def _texts(value: Any) -> Any:
    some = type(value) is list and value and all(_text(one) is not UNSURE for one in value)
    return value if some else UNSURE


def _lock(value: Any) -> Any:
    if type(value) is dict and value.keys() == {"git"}:
        found = _git(value["git"])
        return found if found is UNSURE else Said({"git": found.declared()}, {})
    return value if type(value) is str and _PATH.fullmatch(value) else UNSURE


def _seconds(value: Any) -> Any:
    return float(value) if type(value) in (int, float) and 0 <= value <= MOST_SETTLING else UNSURE


def _variable(value: Any) -> Any:
    plain = value is None or type(value) in (bool, int) or (type(value) is str and "$" not in value)
    return value if plain else UNSURE


def _each(name: re.Pattern[str], read: _Read) -> _Read:
    def mapping(value: Any) -> Any:
        if type(value) is not dict:
            return UNSURE
        found = {}
        for key, inner in value.items():
            named = type(key) is str and name.fullmatch(key)
            found[key] = read(inner) if named else UNSURE
            if found[key] is UNSURE:
                return UNSURE
        return found

    return mapping


def _said(known: Mapping[str, _Read], left_out: Mapping[str, Any], *required: str) -> _Read:
    def mapping(value: Any) -> Any:
        if type(value) is not dict or not value.keys() <= known.keys():
            return UNSURE
        found = {key: known[key](inner) for key, inner in value.items()}
        sure = all(one is not UNSURE for one in found.values()) and found.keys() >= {*required}
        return Said(found, left_out) if sure else UNSURE

    return mapping


_variables = _each(_VARIABLE, _variable)
_git = _said({"branch": _text, "path": _matching(_PATH)}, {}, "path")
_action = _one_of("deny", "warn", "ignore")
_policies = _said(
    {
        "models": _said({"allow": _texts, "action": _action}, {}),
        "model_shutdown": _said({"action": _action, "warn_days": _number(0, MOST_DAYS)}, {}),
    },
    {"waivers": []},
)
_environment = _said(
    {
        "service": _service,
        "api": _one_of("assistants", "responses", "agents"),
        "api_key": _api_key,
        "organization": _text,
        "openai_project": _text,
        "lock": _lock,
        "variables": _variables,
        "keep_versions": _number(1, MOST_VERSIONS),
        "on_drift": _one_of("overwrite", "fail"),
        "settling": _seconds,
        "policies": _policies,
    },
    {"variables": {}, "accept_loss": [], "keep_versions": 3, "on_drift": "overwrite"},
    "service",
)
settings: _Read = _said(
    {
        "workspace": _matching(_NAME),
        "default_environment": _matching(_NAME),
        "variables": _variables,
        "environments": _each(_NAME, _environment),
        "policies": _policies,
    },
    {"variables": {}, "environments": {}},
)
"""A whole `provisioner.yaml`, as its model would have it."""

ALONE: Said = _environment({"service": "local"})
"""The environment where none is declared."""
