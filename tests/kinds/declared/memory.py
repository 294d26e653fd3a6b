"""A workspace in memory, small enough to see through: what a declaration asks for, without YAML and
disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from hashlib import sha256
from typing import Any

import yaml
from pydantic import TypeAdapter

from provisioner.kinds import kind
from provisioner.kinds.base import Finding, Path, Scope
from provisioner.model import Address, Fields


class MemoryScope(Scope):
    """Files by path (their text or document), shared tools by name; every store name is
    declared.
    """

    def __init__(
        self,
        address: str = "assistant.support",
        files: Mapping[str, Any] | None = None,
        tools: Mapping[str, Fields] | None = None,
        environment: str = "local",
    ) -> None:
        self.address = Address.parse(address)
        self.environment = environment
        self.workspace = "acme"
        self.files = dict(files or {})
        self.tools = dict(tools or {})
        self.findings: list[Finding] = []
        self.wishes: dict[str, Fields] = {}

    def report(self, finding: Finding) -> None:
        self.findings.append(finding)

    def text(self, value: str | Mapping[str, Any], path: Path) -> str | None:
        if isinstance(value, str):
            return value
        names = [value["file"]] if "file" in value else value["files"]
        return "\n\n".join(str(self.files[name]) for name in names)

    def exists(self, path: str) -> bool:
        return path in self.files

    def document(self, value: Mapping[str, Any], path: Path) -> Any:
        return self.files[value["file"]] if value.keys() == {"file"} else value

    def reference(self, kind: str, value: str | Mapping[str, Any], path: Path) -> Any:
        return f"{kind}.{value}" if isinstance(value, str) else dict(value)

    def file(self, value: str | Mapping[str, Any], path: Path) -> Any:
        return f"file.{value}" if isinstance(value, str) else dict(value)

    def loose_file(self, value: str, path: Path) -> str | None:
        return value

    def folder(self, value: str, path: Path) -> Mapping[str, tuple[str, int]] | None:
        below = {name: text for name, text in self.files.items() if name.startswith(f"{value}/")}
        return {
            name.removeprefix(f"{value}/"): (sha256(str(text).encode()).hexdigest(), len(str(text)))
            for name, text in below.items()
        }

    def front_matter(self, value: str, path: Path) -> Mapping[str, Any]:
        found = yaml.safe_load(self.files[value].split("---")[1])
        return found if isinstance(found, dict) else {}

    def cited(self, value: str, path: Path) -> None:
        pass

    def glob(self, pattern: str, exclude: Sequence[str], path: Path) -> list[str]:
        found = [name for name in sorted(self.files) if fnmatch(name, pattern)]
        return [name for name in found if not any(fnmatch(name, one) for one in exclude)]

    def tool(self, name: str, path: Path) -> Fields | None:
        return self.tools.get(name)

    def size(self, path: str) -> int:
        return len(str(self.files[path]))

    def set_file(self, path: str, fields: Fields, at: Path) -> None:
        self.wishes[path] = fields

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == "error"]


def declare(
    kind_name: str, written: Any, scope: MemoryScope | None = None
) -> tuple[Fields, MemoryScope]:
    """The fields of a declaration, and the scope with what was reported. Raises pydantic's error
    for a bad shape.
    """
    scope = scope or MemoryScope(f"{kind_name}.support")
    declared = kind(kind_name)
    return declared.declare(TypeAdapter(declared.spec).validate_python(written), scope), scope


def findings(kind_name: str, written: Any, scope: MemoryScope | None = None) -> list[Finding]:
    """What is reported of a declaration whose shape is good."""
    return declare(kind_name, written, scope)[1].findings
