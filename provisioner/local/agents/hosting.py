"""Owns what can be said about a hosted environment: what is accepted, what of it comes back, and
what must exist for it.

Contents, commands and the values of variables are checked and forgotten: no reply ever has them,
and so nothing here keeps them.
"""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
from collections.abc import Mapping
from typing import Any

from .. import checks, skills
from ..errors import bad, no_file
from ..service import EmbeddedService

LONGEST_FILE = 6_990_508  # characters of base64, which is 5 MiB
LONGEST_ARCHIVE = 70_254_592  # characters of base64, which is 50 MiB
MOST_NAMES = 16_384
PLACE = "/workspace"
_ABSOLUTE = checks.string(longest=4096, shortest=1, pattern="/.*")
# How wide a network is open.
OPEN = {"disabled": 0, "restricted": 1, "enabled": 2}


def _bytes(path: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise bad(f"Invalid '{path}': expected standard base64.", path, "invalid_base64") from error


def _path(path: str, value: Any) -> str:
    given: str = _ABSOLUTE(path, value)
    parts = given.split("/")
    if not given.startswith(f"{PLACE}/") or ".." in parts or not parts[-1]:
        raise bad(
            f"Invalid '{path}': expected an absolute path of a file inside '{PLACE}'.",
            path,
            "invalid_value",
        )
    return given


_FILE_ID = checks.fields(
    {
        "type": checks.any_value,
        "file_id": checks.string(longest=256, shortest=1),
        "path": _path,
    },
    ("file_id", "path"),
)
_INLINE_FILE = checks.fields(
    {"type": checks.any_value, "data": checks.string(longest=LONGEST_FILE), "path": _path},
    ("data", "path"),
)


def _inline_file(path: str, value: Any) -> dict[str, Any]:
    given = _INLINE_FILE(path, value)
    size = len(_bytes(f"{path}.data", given["data"]))
    return {"type": "inline", "path": given["path"], "size_bytes": size}


def _archive(path: str, value: Any) -> None:
    given = checks.fields(
        {
            "type": checks.one_of("base64"),
            "media_type": checks.one_of("application/zip"),
            "data": checks.string(longest=LONGEST_ARCHIVE, shortest=1),
        },
        ("type", "media_type", "data"),
    )(path, value)
    if not zipfile.is_zipfile(io.BytesIO(_bytes(f"{path}.data", given["data"]))):
        raise bad(f"Invalid '{path}.data': expected a zip archive.", f"{path}.data", "invalid_zip")


def _packed(longest: int | None = None) -> checks.Check:
    """A skill or plugin that comes along as an archive."""
    check = checks.fields(
        {
            "type": checks.any_value,
            "name": checks.string(longest=longest, shortest=1),
            "description": checks.string(),
            "source": _archive,
        },
        ("name", "description", "source"),
    )

    def shown(path: str, value: Any) -> dict[str, Any]:
        given = check(path, value)
        return {"type": "inline", "name": given["name"], "description": given["description"]}

    return shown


_SKILL_REFERENCE = checks.fields(
    {
        "type": checks.any_value,
        "skill_id": checks.string(longest=64, shortest=1),
        "version": checks.nullable(checks.string(pattern="([1-9][0-9]*|latest)")),
    },
    ("skill_id",),
)
_COMMAND = checks.fields(
    {
        "command": checks.string(longest=65_536, shortest=1),
        "cwd": checks.nullable(_ABSOLUTE),
    },
    ("command",),
)
_NETWORK = checks.fields(
    {
        "access": checks.one_of(*OPEN),
        "allowed_domains": checks.nullable(checks.array(checks.string(shortest=1))),
        "blocked_domains": checks.nullable(checks.array(checks.string(shortest=1))),
    },
    ("access",),
)


def _network(path: str, value: Any) -> dict[str, Any]:
    given = _NETWORK(path, value)
    allowed, blocked = given.get("allowed_domains") or [], given.get("blocked_domains") or []
    where = f"{path}.blocked_domains"
    if blocked and given["access"] != "restricted":
        raise bad(f"'{where}' requires '{path}.access' to be 'restricted'.", where, "invalid_value")
    if blocked and allowed:
        raise checks.exclusive(path, "allowed_domains", "blocked_domains")
    if any("*" in domain for domain in blocked):
        raise bad(f"'{where}' does not support wildcard domains.", where, "invalid_value")
    return {"access": given["access"], "allowed_domains": allowed}


_NAMES = checks.nullable(checks.array(checks.string(shortest=1), most=MOST_NAMES))
_PACKAGES = checks.fields({"npm": _NAMES, "python": _NAMES, "system": _NAMES})


def _packages(path: str, value: Any) -> dict[str, Any]:
    given = _PACKAGES(path, value)
    return {name: given.get(name) or [] for name in ("npm", "python", "system")}


_VALUE = checks.string()


def _env(path: str, value: Any) -> list[str]:
    """The names alone."""
    given = checks.json_object(path, value)
    if len(given) > 1024:
        raise bad(
            f"Invalid '{path}': too many properties. Expected an object with at most 1024"
            f" properties, but got an object with {len(given)} properties instead.",
            path,
            "object_above_max_properties",
        )
    for name, one in given.items():
        checks.string(longest=256, shortest=1)(path, name)
        if len(_VALUE(f"{path}.{name}", one).encode()) > 1 << 20:
            raise bad(f"Invalid '{path}.{name}': longer than 1 MiB.", f"{path}.{name}")
    return sorted(given)


HOSTED: dict[str, checks.Check] = {
    "files": checks.nullable(
        checks.array(
            checks.variants({"file_id": _FILE_ID, "inline": _inline_file}), most=50, of="objects"
        )
    ),
    "packages": checks.nullable(_packages),
    "skills": checks.nullable(
        checks.array(
            checks.variants(
                {
                    "skill_reference": lambda path, value: (
                        {"version": None} | _SKILL_REFERENCE(path, value)
                    ),
                    "inline": _packed(),
                }
            ),
            most=200,
            of="objects",
        )
    ),
    "plugins": checks.nullable(
        checks.array(checks.variants({"inline": _packed(64)}), most=32, of="objects")
    ),
    "network": checks.nullable(_network),
    "capability_directories": checks.nullable(checks.array(_ABSOLUTE, most=MOST_NAMES)),
    "desktop": checks.nullable(checks.fields({"enabled": checks.boolean}, ("enabled",))),
    "env": checks.nullable(_env),
    "setup_commands": checks.nullable(checks.array(_COMMAND, most=16, of="objects")),
}


def defaults(headers: Mapping[str, str]) -> dict[str, Any]:
    """What comes back where nothing is said. What a network may do is another thing under the beta
    than without it.
    """
    beta = "agents=v1" in headers.get("openai-beta", "")
    return {
        "files": [],
        "packages": {"npm": [], "python": [], "system": []},
        "skills": [],
        "plugins": [],
        "network": {"access": "enabled" if beta else "disabled", "allowed_domains": []},
        "capability_directories": [],
        "desktop": {"enabled": False},
        "env": [],
    }


def check_known(service: EmbeddedService, given: Mapping[str, Any]) -> None:
    """What is referred to must exist."""
    for file_id in [one["file_id"] for one in given.get("files") or [] if "file_id" in one]:
        service.settling.check("use", "files", [file_id])
        if service.database.one("SELECT 1 FROM files WHERE id = ?", [file_id]) is None:
            raise no_file(file_id)
    for skill in given.get("skills") or []:
        if skill["type"] == "skill_reference":
            service.settling.check("use", "skills", [skill["skill_id"]])
            skills.chosen(service, skill["skill_id"], skill["version"])
