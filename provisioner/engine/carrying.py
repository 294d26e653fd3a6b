"""Where the request of an API has a field that lies deeper, found by rendering an example of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from provisioner.diff import same
from provisioner.kinds.base import Finding, Form, Kind, Names, Path, ProfileForm, Scope, Write
from provisioner.kinds.wire import ObjectForm, StampedForm
from provisioner.model import Address, Fields, Locked, Profile, Stamp
from provisioner.records import dataclass

_MISSING = object()
_NAME = "example"


@dataclass(frozen=True, slots=True)
class Carried:
    """How one API carries a field: where a request has it, or what has to be accepted to lose."""

    api: str
    path: str | None  # None: the object's own request has it nowhere; empty: each of its keys
    loss: str | None = None  # what `accept_loss` calls it
    elsewhere: str = ""  # what has it instead, in words


def carried(kind: Kind, api: str | None, example: Fields, way: Path) -> Carried:
    """What an API makes of the value that an example has at the end of `way`."""
    address = Address(kind.name, _NAME)
    fields = kind.declare(kind.spec.model_validate(example), _Imagined(address))
    return of_declared(kind, api, fields, way)


def of_declared(kind: Kind, api: str | None, fields: Fields, way: Path) -> Carried:
    """The same of declared fields."""
    address = Address(kind.name, _NAME)
    form, called = kind.form(api), api or "every API"
    lost = list(form.losses(address, fields))
    for loss in lost:
        if _above(loss.path, way):
            return Carried(called, None, loss.name)
    whole = len(way) == 1
    # What is read from a file, or named, has become something else on the way.
    while (value := _at(fields, way)) is _MISSING:
        way = way[:-1]
    sent = _requests(form, address, fields)
    changed = _changed(form, address, fields, way)
    if not changed:
        # Another value is lost where this one says what is so anyway; and one loss may speak for
        # all that is lost beside it.
        more = form.losses(address, _replaced(fields, way, _other(value)))
        names = [loss.name for loss in more if _above(loss.path, way)]
        names += [loss.name for loss in lost if _above(loss.path[:-1], way)]
        return Carried(called, None, next(iter(names), None))
    if _BODY not in changed:
        printed = _place(sent[_OUTPUT], value, way)
        return Carried(called, None, elsewhere=_elsewhere(changed, printed))
    if whole:
        return Carried(called, ".".join(kind.fields[str(way[0])].path(api)))
    return Carried(called, _place(sent[_BODY], value, way))


def _place(body: Any, value: Any, way: Path) -> str:
    places = [path for path, found in _walked(body, ()) if _is_it(value, found)]
    # Of several the one that is called like it, else the first.
    places.sort(key=lambda path: path[-1] != way[-1])
    return _joined(places[0] if places else way)


def _elsewhere(changed: Collection[str], printed: str) -> str:
    """What has a value that the request for an object does not have."""
    if _OUTPUT in changed:
        return f"`{printed}` of what `output` prints for the application"
    return "the path of its requests" if _PATH in changed else "a request of its own"


# What has a declared value: the request for an object, what an application is given beside it, the
# path of the request, or a request after it.
_BODY, _OUTPUT, _PATH, _LATER = "body", "output", "path", "later"


def _requests(form: Form, address: Address, fields: Fields) -> dict[str, Any]:
    """All that is sent and printed for declared fields, by what has it."""
    names = _Same()
    entry = Locked(address, _NAME, fields)
    if isinstance(form, ProfileForm):
        body = form.render(address, fields, names)
        entry = replace(entry, profile=Profile(1, "", body))
        return {_BODY: body, _OUTPUT: form.output(entry, names)}
    if not isinstance(form, ObjectForm):
        return {_BODY: fields}
    stamp = Stamp(_NAME, _NAME, str(address), lineage="", serial=0)
    write = Write(address, fields, names, stamp)
    body = form.body(write, set(fields))
    if isinstance(form, StampedForm):
        body["metadata"] = form.labels(write)[0]
    return {
        _BODY: body,
        _OUTPUT: form.output(entry, names),
        _PATH: form.parent(write),
        _LATER: form.later(fields),
    }


def _changed(form: Form, address: Address, fields: Fields, way: Path) -> list[str]:
    """What of all that is sent depends on a value: what differs where that is another one, or is
    not there.
    """
    sent, value = _requests(form, address, fields), _at(fields, way)
    for other in (_other(value), _other(value, but=""), _MISSING):
        try:
            now = _requests(form, address, _replaced(fields, way, other))
        except (KeyError, TypeError, ValueError):  # there is no such request
            now = dict.fromkeys(sent) if other is _MISSING else sent
        if changed := [name for name, one in sent.items() if now[name] != one]:
            return changed
    return []


def _other(value: Any, but: str = "type") -> Any:
    """A value of the same make that says something else, `but` for one of its keys."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value / 2
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, Mapping):
        return {name: one if name == but else _other(one, but) for name, one in value.items()}
    return [_other(one, but) for one in value] if isinstance(value, list) else value


def _replaced(value: Any, way: Path, new: Any) -> Any:
    """The same value with another one at the end of a way, or without it."""
    if not way:
        return new
    key, *rest = way
    inner = _replaced(value[key], tuple(rest), new)
    if isinstance(value, list):
        before, after = value[: int(key)], value[int(key) + 1 :]
        return [*before, *([] if inner is _MISSING else [inner]), *after]
    left = {name: one for name, one in value.items() if name != key}
    return left if inner is _MISSING else {**value, key: inner}


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
    """A tool is known by its type, however it is spelt, and what is not managed by its id."""
    value = [_named(one) for one in value] if isinstance(value, list) else _named(value)
    if isinstance(value, Mapping) and isinstance(found, Mapping) and "type" in value:
        return bool(found.get("type") == value["type"])
    return same(value, found)


def _named(value: Any) -> Any:
    return value["id"] if isinstance(value, Mapping) and value.keys() == {"id"} else value


def _at(value: Any, way: Path) -> Any:
    for key in way:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return _MISSING
    return value


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
