"""What an author may write for an environment template."""

# Modules that hold models do without postponed annotations, as in `provisioner.kinds.common`.

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from provisioner.kinds.base import Finding, Path, Scope
from provisioner.kinds.common import (
    FromCommand,
    InFile,
    InVariable,
    Strict,
    Unmanaged,
    choose_secret,
    refusal,
    text_or,
)
from provisioner.kinds.table import as_written

PLACE = "/workspace"
MAX_VALUE = 1 << 20  # bytes of a variable
Line = Annotated[str, Field(min_length=1)]
Absolute = Annotated[str, Field(min_length=1, max_length=4096, pattern="^/")]
Directories = list[Absolute]


class Network(Strict):
    """What the environment may reach."""

    access: Literal["enabled", "disabled", "restricted"] = Field(
        description="`enabled`: everything; `disabled`: nothing; `restricted`: as the domains say",
        examples=["restricted"],
    )
    allowed_domains: list[Line] | None = Field(
        default=None,
        description="The only domains that it may reach, where access is `restricted`",
        examples=[["pypi.org", "*.example.com"]],
    )
    blocked_domains: list[Line] | None = Field(
        default=None,
        description="Domains that it may not reach, where access is `restricted` and nothing is"
        " allowed by name. The service never shows them",
        examples=[["ads.example.com"]],
    )


def _inside(path: str) -> str:
    parts = path.split("/")
    if not path.startswith(f"{PLACE}/") or ".." in parts or not parts[-1]:
        message = f"is not the path of a file inside `{PLACE}`"
        raise refusal("workspace_path", message, f"write it like `{PLACE}/data/sales.csv`")
    return path


Inside = Annotated[str, Field(max_length=4096), AfterValidator(_inside)]
_PATH = Field(description="Where the agent finds it", examples=["/workspace/data/sales.csv"])


class Placed(Strict):
    """A file of this workspace, and where the agent finds it."""

    file: str = Field(
        min_length=1, description="Path from the workspace root", examples=["data/sales.csv"]
    )
    path: Inside = _PATH


class PlacedUnmanaged(Unmanaged):
    """A file that is not managed here, and where the agent finds it."""

    path: Inside = _PATH


def _choose_file(value: Any) -> str:
    found = "id" in value if isinstance(value, dict) else isinstance(value, PlacedUnmanaged)
    return "<id>" if found else "<file>"


Files = Annotated[
    list[
        Annotated[
            Annotated[Placed, Tag("<file>")] | Annotated[PlacedUnmanaged, Tag("<id>")],
            Discriminator(_choose_file),
        ]
    ],
    Field(max_length=50),
]


class Packages(Strict):
    """What is installed before the agent begins."""

    python: Annotated[list[Line], Field(max_length=16_384)] | None = Field(
        default=None, description="Packages of Python", examples=[["pandas==2.3.3"]]
    )
    npm: Annotated[list[Line], Field(max_length=16_384)] | None = Field(
        default=None, description="Packages of npm, installed globally", examples=[["typescript"]]
    )
    system: Annotated[list[Line], Field(max_length=16_384)] | None = Field(
        default=None, description="Packages of the system", examples=[["ripgrep"]]
    )


def _version(value: object) -> object:
    """A number as the service spells it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


Version = Annotated[
    str,
    Field(pattern="^([1-9][0-9]*|latest)$"),
    BeforeValidator(_version),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": "^([1-9][0-9]*|latest)$"},
            ]
        }
    ),
]
_VERSION = Field(
    default=None,
    description="A number, or `latest`, which moves; left out: the default version",
    examples=[2],
)


class Chosen(Strict):
    """A skill of this workspace, in one version."""

    skill: str = Field(min_length=1, description="Its name", examples=["triage"])
    version: Version | None = _VERSION


class ChosenUnmanaged(Unmanaged):
    """A skill that is not managed here."""

    version: Version | None = _VERSION


def _choose_skill(value: Any) -> str:
    if isinstance(value, str):
        return "<text>"
    found = "id" in value if isinstance(value, dict) else isinstance(value, ChosenUnmanaged)
    return "<id>" if found else "<skill>"


Skills = Annotated[
    list[
        Annotated[
            Annotated[str, Field(min_length=1), Tag("<text>")]
            | Annotated[Chosen, Tag("<skill>")]
            | Annotated[ChosenUnmanaged, Tag("<id>")],
            Discriminator(_choose_skill),
        ]
    ],
    Field(max_length=200),
]


class Desktop(Strict):
    """A screen with a browser."""

    enabled: bool = Field(description="Whether there is one", examples=[True])


class Command(Strict):
    """A command that is run before the agent begins."""

    command: str = Field(
        min_length=1, max_length=65_536, description="What is run", examples=["pip check"]
    )
    cwd: Absolute | None = Field(
        default=None, description="Where; default `/workspace`", examples=["/workspace/tool"]
    )


Commands = Annotated[
    list[
        Annotated[
            Annotated[str, Field(min_length=1, max_length=65_536), Tag("<text>")]
            | Annotated[Command, Tag("<command>")],
            text_or("<command>"),
        ]
    ],
    Field(max_length=16),
]


def _choose_value(value: Any) -> str:
    return "<text>" if isinstance(value, str) else choose_secret(value)


def _variable(name: str) -> str:
    if "=" in name or "\0" in name:
        raise refusal(
            "variable_name", "is not the name of a variable", "write letters, `_` and digits"
        )
    return name


def _value(text: str) -> str:
    if len(text) > MAX_VALUE // 4 and len(text.encode()) > MAX_VALUE:
        raise refusal("variable_size", "has more than 1 MiB", "put it into a file of the template")
    return text


Variables = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_variable)],
        Annotated[
            Annotated[str, AfterValidator(_value), Tag("<text>")]
            | Annotated[InVariable, Tag("<variable>")]
            | Annotated[InFile, Tag("<file>")]
            | Annotated[FromCommand, Tag("<command>")],
            Discriminator(_choose_value),
        ],
    ],
    Field(max_length=1024),
]


def read_files(value: list[Any] | None, scope: Scope, at: Path) -> Any:
    """The files by their addresses or ids; a path that two of them want is reported."""
    if value is None:
        return None
    found: list[dict[str, Any]] = []
    taken: set[str] = set()
    for index, one in enumerate(value):
        unmanaged = isinstance(one, PlacedUnmanaged)
        place = (*at, index) if unmanaged else (*at, index, "file")
        named = scope.file({"id": one.id} if unmanaged else one.file, place)
        if one.path in taken:
            detail = f"`{scope.address}` puts two files at `{one.path}`."
            scope.report(Finding((*at, index, "path"), "Path used twice", detail, "rename one"))
        taken.add(one.path)
        if named is not None:
            found.append({"file": named, "path": one.path})
    return found


def read_skills(value: list[Any] | None, scope: Scope, at: Path) -> Any:
    """The skills by their addresses or ids, each with its version where one is said."""
    if value is None:
        return None
    found: list[dict[str, Any]] = []
    for index, one in enumerate(value):
        written = {"skill": one} if isinstance(one, str) else one.declared()
        named = written.get("skill")
        reference: Any = named if named is not None else {"id": written["id"]}
        place = (*at, index) if isinstance(one, str | ChosenUnmanaged) else (*at, index, "skill")
        skill = scope.reference("skill", reference, place)
        version = written.get("version")
        if version == "latest":
            detail = (
                f"`{scope.address}` takes the latest version of `{named or written['id']}`: whoever"
                " uploads one changes what its sessions do, and no plan shows it."
            )
            hint = "leave the version out, or write a number"
            scope.report(
                Finding((*at, index, "version"), "Moving version", detail, hint, "warning")
            )
        if skill is not None:
            found.append({"skill": skill, **({"version": version} if version else {})})
    return found


def read_network(value: Network | None, scope: Scope, at: Path) -> Any:
    """What it says; domains that contradict each other are reported."""
    if value is None:
        return None
    blocked, allowed = value.blocked_domains or [], value.allowed_domains or []
    if (blocked or allowed) and value.access != "restricted":
        name = "blocked_domains" if blocked else "allowed_domains"
        detail = f"`{scope.address}` says `{name}`, and its access is `{value.access}`."
        hint = "write `access: restricted`, or take the domains out"
        scope.report(Finding((*at, name), "Domains without effect", detail, hint))
    elif blocked and allowed:
        detail = f"`{scope.address}` both allows and blocks domains by name."
        hint = "where some are allowed, all others are blocked: leave `blocked_domains` out"
        scope.report(Finding((*at, "blocked_domains"), "Contradiction", detail, hint))
    for index, domain in enumerate(blocked):
        if "*" in domain:
            detail = f"`{scope.address}` blocks `{domain}`; blocked domains take no `*`."
            place = (*at, "blocked_domains", index)
            scope.report(Finding(place, "Wildcard not accepted", detail, "name each domain"))
    return value.declared()


def read_commands(value: list[Any] | None, _scope: Scope, _at: Path) -> Any:
    """Each command with where it is run."""
    if value is None:
        return None
    return [{"command": one} if isinstance(one, str) else one.declared() for one in value]


def read_variables(value: Mapping[str, Any] | None, _scope: Scope, _at: Path) -> Any:
    """Texts, and references to secrets."""
    return None if value is None else {name: as_written(one) for name, one in value.items()}
