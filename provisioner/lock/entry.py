"""One lock entry as JSON: what the lockfile and the journal both write and read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from provisioner import kinds
from provisioner.diff import same
from provisioner.masking import concealed
from provisioner.model import ID_RULE, Address, Approved, Locked, Overwritten, Profile, is_id
from provisioner.shapes import address as is_address
from provisioner.shapes import misfit
from provisioner.shapes import path as is_path

_FINGERPRINT = re.compile("hmac-sha256:[0-9a-f]{8}:[0-9a-f]{64}")


class WrongShape(ValueError):
    """An entry that is not one; `key` is the part of it that is wrong."""

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


def alike(one: Locked | None, other: Locked | None) -> bool:
    """Whether two entries say the same, where a flag is no number, and to Python it is one."""
    if one is None or other is None or one != other:
        return one is other
    return same(one.fields, other.fields) and same(one.unkept, other.unkept)


def entry_to_json(entry: Locked) -> dict[str, Any]:
    """What the lock keeps of a resource; whatever is empty is left out."""
    raw: dict[str, Any] = {"fields": entry.fields}
    optional: dict[str, Any] = {
        "id": entry.id,
        "api": entry.api,
        "protected": entry.protected,
        "unkept": {
            path: {**record, "got": concealed(record["got"])}
            for path, record in entry.unkept.items()
        },
        "depends_on": entry.depends_on and sorted(map(str, entry.depends_on)),
        "resetting": entry.resetting and sorted(entry.resetting),
        "overwritten": entry.overwritten and asdict(entry.overwritten),
        "deposed": entry.deposed and [_deposed(entry, id) for id in entry.deposed],
        "fingerprints": dict(entry.fingerprints),
        "updated_at": entry.updated_at,
    }
    raw.update({key: value for key, value in optional.items() if value})
    if not entry.made:
        raw["made"] = False
    if not entry.verified:
        raw["verified"] = False
    if entry.resent:
        raw["resent"] = True
    profile = entry.profile
    if profile:
        raw.update(_version_to_json(profile.version, profile.digest, profile.request))
        raw.update(profile.origin)
    if entry.older and (profile or entry.id):
        raw["versions"] = [_older_to_json(version) for version in entry.older]
    return {**entry.unknown, **raw}


def _version_to_json(version: int, digest: str, request: dict[str, Any]) -> dict[str, Any]:
    order = key_order(request)
    raw = {"version": version, "digest": digest, "request": request}
    return {**raw, "request_order": order} if order else raw


def _older_to_json(version: dict[str, Any]) -> dict[str, Any]:
    if "request" not in version:  # release 0.1.0 kept the ids alone
        return version
    known = _version_to_json(version["version"], version["digest"], version["request"])
    return {**known, **{key: version[key] for key in _OF_VERSIONS if key in version}}


def _deposed(entry: Locked, id: str) -> dict[str, Any]:
    files, api = entry.deposed_files.get(id), entry.deposed_apis.get(id)
    return {"id": id, **({"files": list(files)} if files else {}), **({"api": api} if api else {})}


def entry_from_json(address: Address, raw: object) -> Locked:
    """The entry of one address; raises WrongShape with a sentence that names it."""
    if not isinstance(raw, dict):
        raise WrongShape(f"`{address}` must be a mapping")
    plain = raw.keys() == _PLAIN and is_id(raw["id"]) and type(raw["fields"]) is dict
    if not plain:
        for key, (fits, shape) in _SHAPES.items():
            if key in raw and not fits(raw[key]):
                raise WrongShape(f"`{key}` of `{address}` must be {shape}", key)
        if "fields" not in raw:
            raise WrongShape(f"`{address}` lacks `fields`")
    odd = misfit(raw["fields"], kinds.shapes(address.kind))
    if odd is not None:
        raise WrongShape(
            f"The field `{odd}` of `{address}` is of another shape than it can be declared in", odd
        )
    if plain:
        # By far the most are files, and thousands of them.
        return Locked(address, raw["id"], raw["fields"])
    return _full(address, raw)


def _full(address: Address, raw: dict[str, Any]) -> Locked:
    get = raw.get
    keys = [key for key in ("version", "digest", "request", "versions") if key in raw]
    profile = None
    older = tuple(_older(address, version) for version in get("versions", ()))
    # Alone they are those of a profile that has gone to another API.
    former = older if keys == ["versions"] and "id" in raw else ()
    if keys and not former:
        if keys[:3] != ["version", "digest", "request"]:
            raise WrongShape(
                f"`{address}` must have `version`, `digest` and `request` together", keys[0]
            )
        request = in_order(raw["request"], raw.get("request_order", {}))
        profile = Profile(
            raw["version"],
            raw["digest"],
            request,
            older,
            written=get("written"),
            commit=get("commit"),
            restores=get("restores"),
        )
    return Locked(
        address=address,
        id=get("id"),
        fields=raw["fields"],
        depends_on=tuple(sorted(map(Address.parse, get("depends_on", ())))),
        api=get("api"),
        protected=get("protected", False),
        unkept=get("unkept", {}),
        resetting=tuple(get("resetting", ())),
        overwritten=Overwritten(**raw["overwritten"]) if "overwritten" in raw else None,
        deposed=tuple(old["id"] for old in get("deposed", ())),
        deposed_files={
            old["id"]: tuple(old["files"]) for old in get("deposed", ()) if "files" in old
        },
        deposed_apis={old["id"]: old["api"] for old in get("deposed", ()) if "api" in old},
        profile=profile,
        former=former,
        made=get("made", True),
        verified=get("verified", True),
        resent=get("resent", False),
        fingerprints=get("fingerprints", {}),
        updated_at=get("updated_at", 0),
        unknown={key: value for key, value in raw.items() if key not in _SHAPES},
    )


def _older(address: Address, raw: dict[str, Any]) -> dict[str, Any]:
    if "request" not in raw:
        return raw
    odd = misfit(raw.get("fields", {}), kinds.shapes(address.kind))
    if odd is not None:
        raise WrongShape(
            f"The field `{odd}` of version {raw['version']} of `{address}` is of another shape"
            " than it can be declared in",
            "versions",
        )
    request = in_order(raw["request"], raw.get("request_order", {}))
    known = {"version": raw["version"], "digest": raw["digest"], "request": request}
    return {**known, **{key: raw[key] for key in _OF_VERSIONS if key in raw}}


def _is_text(value: object) -> bool:
    return type(value) is str


def _is_mapping(value: object) -> bool:
    return type(value) is dict


def _list_of(rule: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: type(value) is list and all(map(rule, value))


_are_ids = _list_of(is_id)
_are_texts = _list_of(_is_text)


def _is_order(value: object) -> bool:
    return type(value) is dict and all(map(_are_texts, value.values()))


def _is_deposed(value: object) -> bool:
    if (
        type(value) is not dict
        or not is_id(value.get("id"))
        or not value.keys() <= {"id", "files", "api"}
    ):
        return False
    return _are_ids(value.get("files", [])) and _is_text(value.get("api", ""))


def _is_whole(value: object) -> bool:
    return type(value) is int


# What else is known of a version; the newest has its fields as the entry's own.
_OF_VERSIONS: dict[str, Callable[[object], bool]] = {
    "fields": _is_mapping,
    "written": _is_text,
    "commit": _is_text,
    "restores": _is_whole,
}


def _is_version(value: object) -> bool:
    return (
        type(value) is dict
        and type(value.get("version")) is int
        and type(value.get("digest")) is str
        and all(fits(value[key]) for key, fits in _OF_VERSIONS.items() if key in value)
        and (
            _are_ids(value.get("ids"))
            or (_is_mapping(value.get("request")) and _is_order(value.get("request_order", {})))
        )
    )


def _is_flag(value: object) -> bool:
    return type(value) is bool


def _is_unkept(value: object) -> bool:
    if type(value) is not dict or not all(map(is_path, value)):
        return False
    return all(type(item) is dict and item.keys() == {"sent", "got"} for item in value.values())


def _are_fingerprints(value: object) -> bool:
    if type(value) is not dict or not all(map(is_path, value)):
        return False
    return all(_is_text(one) and _FINGERPRINT.fullmatch(one) for one in value.values())


def _is_overwritten(value: object) -> bool:
    if (
        type(value) is not dict
        or value.keys() != {"serial", "values"}
        or type(value["serial"]) is not int
    ):
        return False
    if not (_is_mapping(value["values"]) and all(map(is_path, value["values"]))):
        return False
    return all(map(_is_text, value["values"].values()))


_PLAIN = {"id", "fields"}
_SHAPES: dict[str, tuple[Callable[[object], bool], str]] = {
    "id": (is_id, f"an id ({ID_RULE})"),
    "fields": (_is_mapping, "a mapping"),
    "api": (_is_text, "a string"),
    "protected": (_is_flag, "true or false"),
    "made": (_is_flag, "true or false"),
    "verified": (_is_flag, "true or false"),
    "resent": (_is_flag, "true or false"),
    "unkept": (_is_unkept, "a mapping of paths to `sent` and `got`"),
    "depends_on": (_list_of(is_address), "a list of addresses"),
    "resetting": (_list_of(is_path), "a list of paths of fields"),
    "overwritten": (_is_overwritten, "a serial and a mapping of paths to digests"),
    "deposed": (_list_of(_is_deposed), f"a list of `{{id: …}}`, each an id ({ID_RULE})"),
    "fingerprints": (_are_fingerprints, "a mapping of paths to `hmac-sha256:KEY:DIGEST`"),
    "updated_at": (_is_whole, "a whole number"),
    "version": (_is_whole, "a whole number"),
    "digest": (_is_text, "a string"),
    "request": (_is_mapping, "a mapping"),
    "request_order": (_is_order, "a mapping of JSON pointers to lists of keys"),
    "versions": (_list_of(_is_version), "a list of `{version, digest, request}`"),
    "written": (_is_text, "a string"),
    "commit": (_is_text, "a string"),
    "restores": (_is_whole, "a whole number"),
}


Order = dict[str, list[str]]


def key_order(value: Any, path: str = "") -> Order:
    """The keys of every mapping that are not in alphabetical order, by JSON pointer."""
    order: Order = {}
    if isinstance(value, Mapping):
        keys = list(value)
        if keys != sorted(keys):
            order[path] = keys
        for key, item in value.items():
            order |= key_order(item, f"{path}/{_escaped(key)}")
    elif isinstance(value, list):
        for at, item in enumerate(value):
            order |= key_order(item, f"{path}/{at}")
    return order


def in_order(value: Any, order: Mapping[str, list[str]], path: str = "") -> Any:
    """The same value with its keys in their own order again; keys that `order` does not know stay
    behind the others.
    """
    if isinstance(value, list):
        return [in_order(item, order, f"{path}/{at}") for at, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    first = [key for key in order.get(path, ()) if key in value]
    return {
        key: in_order(value[key], order, f"{path}/{_escaped(key)}")
        for key in dict.fromkeys([*first, *value])
    }


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def approved_to_json(approved: Approved) -> dict[str, Any]:
    """As the lock and the plan document have it."""
    return {"commit": approved.commit, "checksum": approved.checksum, "left": list(approved.left)}


def approved_from_json(raw: Any) -> Approved:
    """The same, read; WrongShape where it is something else."""
    if not isinstance(raw, dict):
        raise WrongShape("`applied` must be a mapping")
    for key in ("commit", "checksum"):
        if not isinstance(raw.get(key), str):
            raise WrongShape(f"`{key}` must be a string")
    return Approved(raw["commit"], raw["checksum"], row_digests(raw.get("left", [])))


def row_digests(raw: Any) -> tuple[str, ...]:
    """The digests of some rows; WrongShape where they are something else."""
    if not (isinstance(raw, list) and all(isinstance(item, str) for item in raw)):
        raise WrongShape("`left` must be a list of strings")
    return tuple(raw)
