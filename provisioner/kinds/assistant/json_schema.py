"""Whether a JSON Schema is valid, and whether it keeps to the subset that `strict: true` allows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from provisioner.kinds.assistant.json_keywords import invalid
from provisioner.kinds.assistant.json_strict import outside_subset
from provisioner.kinds.base import Fault, Path, Scope

_ENCODER = json.JSONEncoder(allow_nan=False)
_known: dict[tuple[str, bool], tuple[Flaw, ...]] = {}


@dataclass(frozen=True, slots=True)
class Flaw:
    """One fault in a schema, told by the path of the offending node below its root."""

    path: Path
    summary: str
    detail: str
    hint: str | None = None
    severity: str = "error"


def dotted(path: Path) -> str:
    """`properties.location.type`; keys that are no words in brackets."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("_", "").replace("-", "").replace("$", "").isalnum():
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text


def flaws(schema: Any, *, strict: bool) -> tuple[Flaw, ...]:
    """Every fault of a schema. The same content is looked at once, however many assistants use it."""
    try:
        key = (_ENCODER.encode(schema), strict)
    except (TypeError, ValueError, RecursionError) as error:
        return (Flaw((), "Not a JSON Schema", f"cannot be written as JSON: {error}", None),)
    if key not in _known:
        _known[key] = _found(schema, strict)
    return _known[key]


def _found(schema: Any, strict: bool) -> tuple[Flaw, ...]:
    try:
        found = tuple(_invalid(schema))
        return found or (tuple(_outside(schema)) if strict else ())
    except RecursionError:
        return (Flaw((), "Schema too deep", "is nested too deeply to be read", "flatten it, or use `$defs`"),)


def _invalid(schema: Any) -> Iterator[Flaw]:
    suspects = invalid(schema)
    confirmed = any(not sure for _, _, sure in suspects) and _refused(schema)
    for path, why, sure in suspects:
        if sure or confirmed:
            yield Flaw(path, "Not a JSON Schema", why, "see https://json-schema.org/understanding-json-schema")


def _refused(schema: Any) -> bool:
    """A second opinion, asked only when the quick look found something: it costs an import and milliseconds."""
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError:
        return True
    return False


def _outside(schema: dict[str, Any]) -> Iterator[Flaw]:
    for path, why, hint, severity in outside_subset(schema):
        yield Flaw(path, "Not a strict schema", why, hint, severity)


def read_schema(written: dict[str, Any], strict: bool, scope: Scope, at: Path) -> Any:
    """The schema that a spec holds at `at`, or names there by `{file: PATH}`; its faults are reported."""
    by_file = written.keys() == {"file"}
    if by_file and not isinstance(written["file"], str):
        detail = f"`{dotted((*at, 'file'))}` of `{scope.address}` must be the path of a JSON Schema."
        scope.report(Fault((*at, "file"), "Wrong type", detail, "write `{file: schemas/name.json}`"))
        return None
    schema = scope.document(written, at)
    if schema is not None:
        _report(schema, written["file"] if by_file else None, strict, scope, at)
    return schema


def _report(schema: Any, source: str | None, strict: bool, scope: Scope, at: Path) -> None:
    label = str(at[-1])
    for flaw in flaws(schema, strict=strict) or _wrong_root(schema, label, strict):
        node = dotted((label, *flaw.path))
        where = f"`{node}` in `{source}`" if source else f"`{node}`"
        path = (*at, "file") if source else (*at, *flaw.path)
        detail = f"{where} of `{scope.address}` {flaw.detail}."
        scope.report(Fault(path, flaw.summary, detail, flaw.hint, flaw.severity))


def _wrong_root(schema: Any, label: str, strict: bool) -> Iterator[Flaw]:
    """The arguments of a function are an object, whether strict or not."""
    if strict or label != "parameters" or not isinstance(schema, dict):
        return
    if schema.get("type", "object") != "object":
        why = "must be `object`, because the arguments of a function are named"
        yield Flaw(("type",), "Not an object", why, "write `type: object` and name each argument below `properties`")
