"""The kind `skill`: a folder of instructions and scripts that agents and models can load."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from provisioner.diff import top
from provisioner.kinds.base import Finding, Form, Kind, Path, Scope
from provisioner.kinds.skill.form import FIELDS, FORM, MAIN, MAX_BYTES, MAX_FILES
from provisioner.model import Fields

_AT: Path = ("path",)


class SkillKind(Kind):
    """A folder of instructions and scripts that agents and models can load."""

    name: ClassVar[str] = "skill"
    section: ClassVar[str] = "skills"
    summary: ClassVar[str] = (
        "A folder with a `SKILL.md`: instructions and scripts that agents can load."
    )
    about: ClassVar[str] = "A skill: a folder with a `SKILL.md`."
    fields = FIELDS
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"path": "skills/triage"},
        {"path": "skills/report", "lifecycle": {"protect": True}, "only": ["prod"]},
    )

    def form(self, api: str | None) -> Form:
        """Skills are the same through every API."""
        return FORM

    def leaves(self, before: Fields, paths: Collection[str]) -> str | None:
        if "content" not in map(top, paths):
            return None
        return f"a new version; version {before.get('latest_version')} and older ones stay"

    def declare(self, spec: Any, scope: Scope) -> Fields:
        """The folder's files, and what its `SKILL.md` says of it."""
        found = scope.folder(spec.path, _AT)
        if found is None:
            return {}
        folder = spec.path.strip("/")
        fields: Fields = {
            "path": folder,
            "content": {name: sha256 for name, (sha256, _) in found.items()},
        }
        _check_size(scope, len(found), sum(size for _, size in found.values()))
        if MAIN not in found:
            detail = f"`{scope.address}` is the folder `{folder}`, which has no `{MAIN}`."
            hint = "write one that begins with `---`, `name: …`, `description: …`, `---`"
            scope.report(Finding(_AT, "No SKILL.md", detail, hint))
            return fields
        head = scope.front_matter(f"{folder}/{MAIN}", _AT)
        return fields if head is None else {**fields, **_said(head, folder, scope)}


def _check_size(scope: Scope, files: int, size: int) -> None:
    if files > MAX_FILES:
        detail = f"`{scope.address}` has {files:,} files; a skill may have {MAX_FILES}."
        scope.report(Finding(_AT, "Too many files", detail, "take out what nobody needs"))
    if size > MAX_BYTES:
        detail = f"`{scope.address}` has {size:,} bytes; a skill may have {MAX_BYTES:,}."
        scope.report(Finding(_AT, "Folder too large", detail, "take out what nobody needs"))


def _said(head: Mapping[str, Any], folder: str, scope: Scope) -> Fields:
    """The name and the description in the front matter, which the service wants."""
    fields: Fields = {}
    for name in ("name", "description"):
        said = head.get(name)
        if isinstance(said, str) and said.strip():
            fields[name] = said
            continue
        detail = f"`{folder}/{MAIN}` of `{scope.address}` has no `{name}` in its front matter."
        hint = "begin the file with `---`, `name: …`, `description: …`, `---`"
        scope.report(Finding(_AT, "Front matter incomplete", detail, hint))
    return fields


KIND = SkillKind()
