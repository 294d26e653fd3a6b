"""The fields of an environment template, and how templates exist at the service."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

from provisioner import shapes
from provisioner.diff import join, top
from provisioner.kinds.base import Names, Write
from provisioner.kinds.table import TEXT, UNNAMED, Field, Sort, Table
from provisioner.kinds.wire import ObjectForm, Raw
from provisioner.model import Fields
from provisioner.shapes import Shape, either, many, mapping

_SPEC = "provisioner.kinds.environment_template.spec:"
_CWD = "/workspace"
_INSTALLERS = ("python", "npm", "system")
_FILE = mapping({"file": shapes.reference, "path": shapes.word})
_SKILL = mapping({"skill": shapes.reference, "version": shapes.text})


def _network(value: Any) -> Fields:
    """What a template without one has through the Agents API: everything is open."""
    given = value or {}
    return {
        "access": given.get("access") or "enabled",
        "allowed_domains": sorted(given.get("allowed_domains") or ()),
        "blocked_domains": sorted(given.get("blocked_domains") or ()),
    }


def _packages(value: Any) -> Fields:
    return {name: list((value or {}).get(name) or ()) for name in _INSTALLERS}


def _place(file: Fields) -> str:
    return str(file.get("path") or file.get(UNNAMED))


def _commands(value: Any) -> list[Fields]:
    """Each command, with where it is run if that is not where every command is."""
    return [
        {name: item for name, item in one.items() if (name, item) != ("cwd", _CWD)}
        for one in value or ()
    ]


def _spelt_network(value: Any) -> Any:
    return {name: item for name, item in (value or {}).items() if item}


def _spelt_files(entries: Any) -> Any:
    return [
        {**({"file": file.partition(".")[2]} if isinstance(file := one["file"], str) else file)}
        | {"path": one["path"]}
        for one in entries or ()
    ]


def _spelt_skills(entries: Any) -> Any:
    found: list[Any] = []
    for one in entries or ():
        skill, version = one["skill"], {name: one[name] for name in ("version",) if name in one}
        if not isinstance(skill, str):
            found.append({**skill, **version})
        else:
            name = skill.partition(".")[2]
            found.append({"skill": name, **version} if version else name)
    return found


def _naming(key: str) -> Any:
    """How a list of entries that name something below `key` refers, and is renamed."""

    def references(entries: Any) -> Iterator[Any]:
        return (entry[key] for entry in entries or () if key in entry)

    def renamed(entries: Any, addresses: Mapping[str, Any]) -> Any:
        found = []
        for entry in entries or ():
            named = entry.get(key)
            new = addresses.get(named, named) if isinstance(named, str) else named
            found.append({**entry, key: new} if key in entry else entry)
        return entries and found

    return {"references": references, "renamed": renamed, "refers_to": (key,)}


FIELDS = Table(
    Field(
        "name",
        TEXT,
        "Name that people see, at most 256 characters; default: the resource's name",
        ["Analysis"],
        {"min_length": 1, "max_length": 256},
    ),
    Field(
        "network",
        Sort(
            written=f"{_SPEC}Network",
            shape=mapping({"access": shapes.word}),
            normal=_network,
            declare=f"{_SPEC}read_network",
            spelt=_spelt_network,
        ),
        "What it may reach. Always said: what a template without it may reach depends on the"
        " version of the API",
        [{"access": "restricted", "allowed_domains": ["pypi.org"]}],
        required=True,
        keyed=True,
        unkept="it reaches other places than the specs say",
    ),
    Field(
        "files",
        Sort(
            written=f"{_SPEC}Files",
            shape=many(_FILE),
            normal=lambda value: sorted(value or (), key=_place),
            declare=f"{_SPEC}read_files",
            spelt=_spelt_files,
            **_naming("file"),
        ),
        "Files that are there when the agent begins, at most 50",
        [[{"file": "data/sales.csv", "path": "/workspace/data/sales.csv"}]],
    ),
    Field(
        "skills",
        Sort(
            written=f"{_SPEC}Skills",
            shape=many(_SKILL),
            normal=lambda value: list(value or ()),
            declare=f"{_SPEC}read_skills",
            spelt=_spelt_skills,
            **_naming("skill"),
        ),
        "Skills that the agent has, by name or with a version, at most 200",
        [["triage", {"skill": "report", "version": 2}, {"id": "skill_abc123"}]],
    ),
    Field(
        "packages",
        Sort(written=f"{_SPEC}Packages", shape=mapping(), normal=_packages),
        "What is installed before the agent begins",
        [{"python": ["pandas==2.3.3"], "system": ["ripgrep"]}],
    ),
    Field(
        "capability_directories",
        Sort(
            written=f"{_SPEC}Directories",
            shape=many(shapes.word),
            normal=lambda value: list(value or ()),
        ),
        "Folders with what the agent is capable of",
        [["/workspace/capabilities"]],
        {"max_length": 16_384},
    ),
    Field(
        "desktop",
        Sort(
            written=f"{_SPEC}Desktop",
            shape=mapping({"enabled": shapes.anything}),
            normal=lambda value: {"enabled": bool((value or {}).get("enabled"))},
        ),
        "A screen with a browser; none when left out",
        [{"enabled": True}],
    ),
    Field(
        "env",
        Sort(
            written=f"{_SPEC}Variables",
            shape=shapes.each(either(shapes.word, mapping(need=()))),
            normal=lambda value: dict(value or {}),
            declare=f"{_SPEC}read_variables",
        ),
        "Environment variables: texts, or where the value of a secret is. The service never shows"
        " them",
        [{"REGION": "eu", "TOKEN": {"env": "BOX_TOKEN"}}],
        keyed=True,
        unread=True,
    ),
    Field(
        "setup_commands",
        Sort(
            written=f"{_SPEC}Commands",
            shape=many(mapping({"command": shapes.word}, need=("command",))),
            normal=_commands,
            declare=f"{_SPEC}read_commands",
        ),
        "Commands that are run before the agent begins, at most 16. The service never shows them",
        [["pip check", {"command": "make tools", "cwd": "/workspace/tools"}]],
        unread=True,
    ),
)


class TemplateForm(ObjectForm):
    """The same through every API: only agents use them."""

    collection = "/agents/environments/templates"
    table = FIELDS
    replies: ClassVar[Mapping[str, Shape]] = {
        "files": many(mapping({"file_id": shapes.an_id, "path": shapes.word})),
        "skills": many(mapping({"skill_id": shapes.an_id, "version": shapes.anything})),
        "network": mapping({"access": shapes.word, "allowed_domains": many(shapes.word)}),
        "packages": mapping(),
        "desktop": mapping(),
        "capability_directories": many(shapes.word),
    }

    @cached_property
    def unread(self) -> frozenset[str]:
        return super().unread | {"network.blocked_domains"}

    def goes_along(self, unit: str, paths: Collection[str]) -> bool:
        """Objects are replaced whole: with one variable go all of them."""
        return top(unit) in set(map(top, paths))

    def shown(self, one: Field, raw: Raw, names: Names) -> Any:
        value = raw[one.name]
        if one.name == "files":
            return [_shown_file(file, names) for file in value or ()]
        if one.name == "skills":
            return [_shown_skill(skill, names) for skill in value or ()]
        if one.name == "network":
            return {name: (value or {}).get(name) for name in ("access", "allowed_domains")}
        return value

    def sent(self, one: Field, value: Any, write: Write) -> dict[str, Any]:
        if value is None:
            return {one.name: None}
        if one.name == "files":
            value = [
                {
                    "type": "file_id",
                    "file_id": write.names.id_of(file["file"]),
                    "path": file["path"],
                }
                for file in value
            ]
        if one.name == "skills":
            value = [
                {
                    "type": "skill_reference",
                    "skill_id": write.names.id_of(skill["skill"]),
                    **({"version": skill["version"]} if skill.get("version") else {}),
                }
                for skill in value
            ]
        if one.name == "env":
            value = {
                name: write.secrets[join("env", name)] if isinstance(given, Mapping) else given
                for name, given in value.items()
            }
        return {one.name: value}


def _shown_file(file: Raw, names: Names) -> Fields:
    """A file of ours by its address. What came along inline is known by its size alone."""
    if not file.get("file_id"):
        return {UNNAMED: file.get("path"), "size_bytes": file.get("size_bytes")}
    return {"file": names.reference(file["file_id"]), "path": file.get("path")}


def _shown_skill(skill: Raw, names: Names) -> Fields:
    if not skill.get("skill_id"):
        return {UNNAMED: skill.get("name")}
    version = skill.get("version")
    return {
        "skill": names.reference(skill["skill_id"]),
        **({"version": str(version)} if version else {}),
    }


FORM = TemplateForm()
