"""The kind `file`: bytes that are uploaded."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from provisioner.kinds.base import Finding, Form, Kind, Scope
from provisioner.kinds.file.accepted import extension
from provisioner.kinds.file.fields import FIELDS
from provisioner.model import Fields

_LINES = ("batch", "fine-tune", "evals")
"""Purposes for which the service reads a file line by line."""


class FileKind(Kind):
    """Bytes that are uploaded. Every file that a spec names is one; `files:` says how it is
    uploaded.
    """

    name: ClassVar[str] = "file"
    section: ClassVar[str] = "files"
    summary: ClassVar[str] = "A file that is uploaded and used at run time, by its id."
    about: ClassVar[str] = "A file that is uploaded and used at run time, by its id."
    fields = FIELDS
    uploaded = True
    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"path": "data/sales.csv"},
        {"path": "data/targets.csv", "expires_after": {"anchor": "created_at", "seconds": 604800}},
        {"path": "forms/leave.pdf", "purpose": "user_data", "only": ["staging", "prod"]},
    )

    def form(self, api: str | None) -> Form:
        """Files are the same through every API."""
        return self._form

    @cached_property
    def _form(self) -> Form:
        from provisioner.kinds.file.form import FORM  # not needed where none is declared

        return FORM

    def declare(self, spec: Any, scope: Scope) -> Fields:
        """How the file is uploaded; its size and digest are the workspace's to add."""
        fields = {"purpose": spec.purpose, **super().declare(spec, scope)}
        reference = scope.file(spec.path, ("path",))
        if isinstance(reference, str):
            if spec.purpose in _LINES and extension(spec.path) != ".jsonl":
                detail = (
                    f"`{scope.address}` has the purpose `{spec.purpose}`, for which the service"
                    " reads `.jsonl` only."
                )
                scope.report(
                    Finding(
                        ("purpose",), "Extension not accepted", detail, "save the file as `.jsonl`"
                    )
                )
            scope.set_file(reference.removeprefix("file."), fields, ())
        return fields


KIND = FileKind()
