"""What an author hardly means: a path in the place of a prompt, a placeholder that stays, a setting
that the model refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.kinds.base import OPENAI, Finding, Path, Scope
from provisioner.kinds.table import as_written
from provisioner.model import Fields

_PATH = re.compile(r"\S(?:[^\n]{0,250}\S)?\.[A-Za-z0-9]{1,8}")
_PLACEHOLDER = re.compile(r"(?<!\$)\$\{(?:var\.[A-Za-z0-9_-]+|environment)\}")
# What is known to refuse; of families that are not here nobody knows.
_REASONING = re.compile(r"(?:o[134]|gpt-5(?P<minor>\.\d+)?)(?=[-:]|$)")
_ALWAYS_REASONS = re.compile(r"-(?:pro|codex)\b")
_SAMPLING = ("temperature", "top_p")


def unlikely(spec: Any, fields: Fields, scope: Scope) -> Iterator[Finding]:
    """Warnings about a declared assistant; `spec` is what was written, `fields` what it says."""
    model = str(fields.get("model") or "")
    if model != model.strip():
        yield Finding(
            ("model",),
            "Blanks around a name",
            f"The model of `{scope.address}` is `{model}`, with blanks around it.",
            hint=f"write `{model.strip()}`",
            severity="warning",
            rule=OPENAI,
        )
    yield from _refused_settings(model.strip(), fields, scope)
    written = as_written(spec.instructions)
    if isinstance(written, str):
        yield from _path_as_prompt(written, scope)
    elif written is not None and "${" in (fields.get("instructions") or ""):
        yield from _left_placeholders(written, scope)


def _refused_settings(model: str, fields: Fields, scope: Scope) -> Iterator[Finding]:
    """Reasoning models refuse all but the default. From gpt-5.1 on most of them reason only where
    they are told to, and take the settings otherwise.
    """
    found = _REASONING.match(model.removeprefix("ft:"))
    if found is None or "-chat" in model:
        return
    effort = fields.get("reasoning_effort")
    if found["minor"] and effort in (None, "none"):
        return
    hint = "take it out"
    if found["minor"] and not _ALWAYS_REASONS.search(model):
        hint = "take it out, or write `reasoning_effort: none`"
    for name in _SAMPLING:
        if fields.get(name) not in (None, 1):
            detail = (
                f"`{scope.address}` sets `{name}`, which the model `{model}` refuses while it"
                " reasons: requests would fail."
            )
            yield Finding((name,), "Setting not taken", detail, hint, severity="warning")


def _path_as_prompt(written: str, scope: Scope) -> Iterator[Finding]:
    written = written.strip()  # block text ends with a line break
    if _PATH.fullmatch(written) and scope.exists(written):
        detail = (
            f"The instructions of `{scope.address}` are the text `{written}`, and a file of that"
            " name exists: its path would be sent, not what it holds."
        )
        hint = f"write `instructions: {{file: {written}}}`"
        yield Finding(("instructions",), "Path as text", detail, hint, severity="warning")


def _left_placeholders(written: Mapping[str, Any], scope: Scope) -> Iterator[Finding]:
    for path, name in _named(written):
        left = _PLACEHOLDER.search(scope.text({"file": name}, path) or "")
        if left:
            detail = (
                f"`{name}` of `{scope.address}` has `{left[0]}`, which is sent as it stands: only"
                " what is written in YAML is replaced."
            )
            hint = "write the value out, or move that part into the spec"
            yield Finding(path, "Placeholder in prompt", detail, hint, severity="warning")


def _named(written: Mapping[str, Any]) -> list[tuple[Path, str]]:
    if "file" in written:
        return [(("instructions", "file"), written["file"])]
    return [(("instructions", "files", at), name) for at, name in enumerate(written["files"])]
