"""Where the request of an API has a field that lies deeper, found by rendering an example of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provisioner.diff import same
from provisioner.kinds.base import Finding, Form, Kind, Names, Path, ProfileForm, Scope, Write
from provisioner.kinds.wire import StampedForm
from provisioner.model import Address, Fields, Stamp

_MISSING = object()
_NAME = "example"


def carried(kind: Kind, api: str, example: Fields, way: Path) -> tuple[str | None, str | None]:
    """Where a request has the value that an example has at the end of `way`, and what its loss is
    called where it has it nowhere.
    """
    address = Address(kind.name, _NAME)
    fields = kind.declare(kind.spec.model_validate(example), _Imagined(address))
    form = kind.form(api)
    for loss in form.losses(address, fields):
        if _above(loss.path, way):
            return None, loss.name
    # What is read from a file, or named, has become something else on the way.
    while (value := _at(fields, way)) is _MISSING:
        way = way[:-1]
    body = _body(form, address, fields)
    places = [path for path, found in _walked(body, ()) if _is_it(value, found)]
    # Of several the one that is called like it, else the first.
    places.sort(key=lambda path: path[-1] != way[-1])
    return _joined(places[0] if places else way), None


@dataclass(frozen=True, slots=True)
class Troubles:
    """What speaks against an example, in all APIs together."""

    invalid: bool = False  # it is no declaration at all
    findings: Counter[str] = field(default_factory=Counter)
    losses: frozenset[tuple[str | None, str]] = frozenset()

    @property
    def none(self) -> bool:
        """Whether it can be pasted, whatever API the environment has."""
        return not (self.invalid or self.findings or self.losses)

    def no_worse(self, other: Troubles) -> bool:
        """Whether nothing speaks against it that does not speak against another one."""
        if self.invalid:
            return False
        return other.invalid or (self.findings <= other.findings and self.losses <= other.losses)

    def better(self, other: Troubles) -> bool:
        """Whether fewer findings are left, whatever is lost for that; or as many, and less is
        lost.
        """
        if self.invalid or other.invalid:
            return not self.invalid
        if self.findings != other.findings:
            return self.findings < other.findings
        return self.losses < other.losses


def troubles(kind: Kind, example: Fields, way: Path = ()) -> Troubles:
    """What speaks against an example, as far as that can be told without a workspace: through the
    API that it names, else through each that does not lose what it has at the end of `way`.
    """
    from pydantic import ValidationError

    address = Address(kind.name, _NAME)
    try:
        spec = kind.spec.model_validate(example)
    except ValidationError:
        return Troubles(invalid=True)
    scope = _Imagined(address)
    fields = kind.declare(spec, scope)
    kind.checks(spec, fields, scope)
    named = getattr(spec, "api", None)
    found = [*scope.findings]
    losses: set[tuple[str | None, str]] = set()
    for api in kind.apis if named is None else (named,):
        form = kind.form(api)
        lost = list(form.losses(address, fields))
        if named is None and any(_above(loss.path, way) for loss in lost):
            continue
        found += form.check(address, fields)
        losses |= {(api, loss.name) for loss in lost}
    summaries = Counter(one.summary for one in found if one.severity == "error")
    return Troubles(findings=summaries, losses=frozenset(losses))


def _above(path: Path, way: Path) -> bool:
    """Whether a way leads through a path, or to its end."""
    return way[: len(path)] == tuple(path)


def _is_it(value: Any, found: Any) -> bool:
    """A tool is known by its type, however it is spelt."""
    if isinstance(value, Mapping) and isinstance(found, Mapping) and "type" in value:
        return bool(found.get("type") == value["type"])
    return same(value, found)


def _at(value: Any, way: Path) -> Any:
    for key in way:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return _MISSING
    return value


def _body(form: Form, address: Address, fields: Fields) -> Fields:
    names = _Same()
    if isinstance(form, ProfileForm):
        return form.render(address, fields, names)
    if isinstance(form, StampedForm):
        stamp = Stamp(_NAME, _NAME, str(address), lineage="", serial=0)
        return form.body(Write(address, fields, names, stamp), set(fields))
    return fields


def _walked(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every part of a request, whole ones before what is in them."""
    if path:
        yield path, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _walked(item, (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _walked(item, (*path, at))


def _joined(path: Path) -> str:
    """`tools[].file_search.max_num_results`"""
    text = ""
    for key in path:
        text += "[]" if isinstance(key, int) else f".{key}"
    return text.removeprefix(".")


class _Same(Names):
    """Names whose ids are the addresses themselves."""

    def id_of(self, reference: str | Mapping[str, Any]) -> str:
        return reference if isinstance(reference, str) else str(reference["id"])


class _Imagined(Scope):
    """A workspace that has whatever an example names."""

    environment = "local"

    def __init__(self, address: Address) -> None:
        self.address = address
        self.findings: list[Finding] = []
        self.holding = False  # whether the example names anything that may hold a document

    def report(self, finding: Finding) -> None:
        self.findings.append(finding)

    def text(self, value: str | Mapping[str, Any], path: Path) -> str | None:
        return value if isinstance(value, str) else "Text."

    def front_matter(self, value: str, path: Path) -> Mapping[str, Any]:
        return {"name": _NAME, "description": "Text."}

    def folder(self, value: str, path: Path) -> Mapping[str, tuple[str, int]]:
        return {"SKILL.md": ("0" * 64, 1)}

    def exists(self, path: str) -> bool:
        return True

    def document(self, value: Mapping[str, Any], path: Path) -> Any:
        return {"type": "object"} if value.keys() == {"file"} else value

    def reference(self, kind: str, value: str | Mapping[str, Any], path: Path) -> Any:
        self.holding = True
        return f"{kind}.{value}" if isinstance(value, str) else dict(value)

    def file(self, value: str | Mapping[str, Any], path: Path) -> Any:
        return f"file.{value}" if isinstance(value, str) else dict(value)

    def loose_file(self, value: str, path: Path) -> str | None:
        return value

    def cited(self, value: str, path: Path) -> None:
        if not self.holding:
            self.report(Finding(path, "Not found", f"Nothing holds `{value}`.", ""))

    def glob(self, pattern: str, exclude: Sequence[str], path: Path) -> list[str]:
        return [pattern]

    def tool(self, name: str, path: Path) -> Fields | None:
        return {"type": "function", "name": name, "description": "Text."}

    def size(self, path: str) -> int:
        return 1

    def set_file(self, path: str, fields: Fields, at: Path) -> None:
        pass
