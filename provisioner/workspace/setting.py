"""`provisioner.yaml` read: the workspace's name, variables and environments, whatever is wrong with
it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import field
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from provisioner import disk, jsontext
from provisioner.kinds.base import Finding
from provisioner.kinds.table import UNSURE, Said
from provisioner.model import Policies, Problem, Source, Waiver
from provisioner.records import dataclass
from provisioner.text import sort_of, suggest
from provisioner.workspace.recognized import ALONE, settings
from provisioner.workspace.sections import SourcedFinding, secrets_in
from provisioner.workspace.tree import FileRefused, Tree, not_readable
from provisioner.yamltext.reading import Reading, read_yaml

if TYPE_CHECKING:
    from provisioner.kinds.common import Strict
    from provisioner.workspace.config import EnvironmentFile, PoliciesFile, WorkspaceFile


SETTINGS_FILE = "provisioner.yaml"
LOCAL_LOCK = f"{disk.LOCAL_DATA}/lock.json"
PUBLIC = "openai"
PUBLIC_URL = "https://api.openai.com/v1"
SETTLING = 30.0

SWITCHED_OFF = {"assistants": "2026-08-26"}
"""The APIs that OpenAI's own service does not have any more, and since when."""

Variable = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Environment:
    """A named service with its API, variables and lock."""

    name: str
    service: str = "local"  # local, openai or a base URL
    api: str = "assistants"
    api_key_env: str = "OPENAI_API_KEY"
    organization: str | None = None
    project: str | None = None
    lock: str | Mapping[str, Any] = (
        LOCAL_LOCK  # a path from the workspace root, or {"git": {"branch", "path"}}
    )
    variables: Mapping[str, Variable] = field(default_factory=lambda: MappingProxyType({}))
    accept_loss: tuple[str, ...] = ()
    keep_versions: int = 3
    on_drift: str = "overwrite"
    settling: float = 0.0  # seconds in which the service may not show its own writes
    policies: Policies = field(default_factory=Policies)

    @property
    def public(self) -> bool:
        """Whether it is OpenAI's own service, by whichever name."""
        return self.service.rstrip("/") in (PUBLIC, PUBLIC_URL)

    def lock_path(self, root: Path) -> Path:
        """Where the lock lies on this machine. A lock on a git branch has no such place:
        ValueError.
        """
        if isinstance(self.lock, str):
            return root / self.lock
        raise ValueError(f"the lock of environment `{self.name}` is on a branch")


LOCAL = "local"


@dataclass
class Setting:
    """What a workspace is called and where it goes."""

    name: str
    config: WorkspaceFile | Said | None  # None where there is no file
    environments: dict[str, Environment]
    default_environment: str
    problems: list[Problem] = field(default_factory=list)
    findings: list[SourcedFinding] = field(default_factory=list)
    odd: bool = False
    # The names of all environments, those that cannot be read included.
    written: tuple[str, ...] = ()

    @property
    def variables(self) -> dict[str, Variable]:
        return self.config.variables if self.config else {}


def setting(root: Path, draft: bytes | None = None) -> Setting:
    """Read `provisioner.yaml`, or what it would hold; without one, or without a readable one, the
    defaults stand in.
    """
    problems: list[Problem] = []
    reading = _read(root, problems, draft)
    value = {} if reading is None or reading.value is None else reading.value
    config, findings = _config(value) if reading else (None, [])
    environments = {LOCAL: Environment(LOCAL)}
    if config is not None:
        declared = config.environments or {LOCAL: ALONE}
        environments = {
            name: environment(name, one, config.policies) for name, one in declared.items()
        }
    said = config.default_environment if config else None
    default = said or (LOCAL if LOCAL in environments else next(iter(environments)))
    folder = unicodedata.normalize("NFKD", root.resolve().name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", folder).strip("-._")[:64]
    name = (config and config.workspace) or _locked_name(root) or plain or "workspace"
    made = Setting(
        name,
        config,
        environments=environments,
        default_environment=default,
        problems=problems,
        findings=findings,
        odd=bool(reading and reading.odd),
    )
    written = value.get("environments") if isinstance(value, dict) else None
    made.written = (
        tuple(map(str, written)) if written and isinstance(written, dict) else tuple(environments)
    )
    made.findings += [*_consistent(made), *secrets_in(Source(SETTINGS_FILE), value)]
    if default not in environments:
        made.default_environment = next(iter(environments))
    return made


def environment(
    name: str, said: EnvironmentFile | Said, common: PoliciesFile | None = None
) -> Environment:
    """An environment with its defaults filled in, under the policies common to all."""
    api = said.api or ("responses" if said.service == PUBLIC else "assistants")
    lock = said.lock if isinstance(said.lock, str | None) else said.lock.declared()
    default_settling = 0.0 if said.service == "local" else SETTLING
    local = LOCAL_LOCK if said.service == "local" else f"locks/{name}.lock.json"
    return Environment(
        name=name,
        service=said.service,
        api=api,
        api_key_env=said.api_key.env if said.api_key else "OPENAI_API_KEY",
        organization=said.organization,
        project=said.openai_project,
        lock=lock or local,
        variables=said.variables,
        accept_loss=tuple(said.accept_loss),
        keep_versions=said.keep_versions,
        on_drift=said.on_drift,
        settling=default_settling if said.settling is None else said.settling,
        policies=policies(common, said.policies, name),
    )


def policies(top: PoliciesFile | None, own: PoliciesFile | None, environment: str) -> Policies:
    """The policies of an environment: its own keys replace those at the top, its waivers are added
    to them.
    """
    models = {**_said(top and top.models), **_said(own and own.models)}
    shutdown = {**_said(top and top.model_shutdown), **_said(own and own.model_shutdown)}
    return Policies(
        tuple(models.get("allow") or ()),
        models.get("action", "deny"),
        shutdown=shutdown.get("action", "deny"),
        warn_days=shutdown.get("warn_days", 60),
        waivers=(
            *_waivers(top, Source(SETTINGS_FILE, ("policies", "waivers"))),
            *_waivers(
                own, Source(SETTINGS_FILE, ("environments", environment, "policies", "waivers"))
            ),
        ),
    )


def _said(part: Strict | Said | None) -> dict[str, Any]:
    return part.declared() if part else {}


def _waivers(said: PoliciesFile | None, source: Source) -> list[Waiver]:
    listed = enumerate(said.waivers if said else ())
    return [
        Waiver(
            one.policy, one.address, reason=one.reason, expires=one.expires, source=source.at(at)
        )
        for at, one in listed
    ]


def _misnamed(tree: Tree, root: Path) -> list[Problem]:
    """A file that was meant to be this one is not silently passed over."""
    names = [
        name
        for name in tree.entries("", str(root))
        if name.casefold() in (SETTINGS_FILE, "provisioner.yml")
    ]
    return [
        Problem("Wrong file name", f"`{n}` is not read.", f"rename it to `{SETTINGS_FILE}`", file=n)
        for n in sorted(names)
    ]


def _read(root: Path, problems: list[Problem], draft: bytes | None) -> Reading | None:
    data = b""
    tree = Tree(root)
    try:
        entry = tree.entries("", str(root)).get(SETTINGS_FILE)
        if entry is None:
            problems += _misnamed(tree, root)
            return None if draft is None else read_yaml(draft)
        tree.inside(entry)
        data = disk.read(entry.place, disk.LARGEST_TEXT) if draft is None else draft
        return read_yaml(data)
    except (OSError, FileRefused) as error:
        refused = error if isinstance(error, FileRefused) else not_readable(error)
        problems.append(
            Problem(
                refused.summary,
                f"`{SETTINGS_FILE}` {refused.detail}.",
                refused.hint,
                file=SETTINGS_FILE,
            )
        )
    except (yaml.YAMLError, ValueError) as error:
        from provisioner.yamltext.syntax import explain

        problems.append(explain(SETTINGS_FILE, data, error))
    return None


def _config(value: Any) -> tuple[WorkspaceFile | Said, list[SourcedFinding]]:
    known = value
    if isinstance(value, dict):
        known = {key: inner for key, inner in value.items() if not str(key).startswith("x-")}
        recognized = settings(known)
        if recognized is not UNSURE:
            return recognized, []
    from pydantic import ValidationError

    from provisioner.workspace.config import WorkspaceFile
    from provisioner.workspace.explain.findings import plain, salvage

    source = Source(SETTINGS_FILE)
    if not isinstance(value, dict):
        detail = f"`{SETTINGS_FILE}` is {sort_of(value)}; it must be a mapping."
        return WorkspaceFile(), [
            SourcedFinding(
                source, Finding((), "Wrong type", detail, "begin with a key, like `environments:`")
            )
        ]
    try:
        return WorkspaceFile.model_validate(known), []
    except ValidationError as error:
        findings = [
            SourcedFinding(source, finding)
            for finding in plain(SETTINGS_FILE, known, error, WorkspaceFile)
        ]
        rest, _ = salvage(known, error, WorkspaceFile, lambda _number: "https://stand.in")
        return rest if isinstance(rest, WorkspaceFile) else WorkspaceFile(), findings


def _consistent(made: Setting) -> list[SourcedFinding]:
    """What no single field can say."""
    source = Source(SETTINGS_FILE)
    findings = []
    named = made.config.default_environment if made.config else None
    known = made.written
    if named and named not in known:
        detail = f"`default_environment: {named}` names an environment that is not declared."
        hint = suggest(named, known, "environments are")
        findings.append(
            SourcedFinding(
                source, Finding(("default_environment",), "Unknown environment", detail, hint)
            )
        )
    for name, declared in made.environments.items():
        for variable in declared.variables:
            if variable not in made.variables:
                detail = (
                    f"The environment `{name}` sets the variable `{variable}`, which is not"
                    " declared."
                )
                hint = (
                    suggest(variable, made.variables, "declared are")
                    or "declare it below `variables:` at the top"
                )
                path = ("environments", name, "variables", variable)
                findings.append(
                    SourcedFinding(source, Finding(path, "Unknown variable", detail, hint))
                )
    return [*findings, *_shared_locks(made), *_in_the_clear(made), *_switched_off(made)]


def switched_off(subject: str, api: str | None, path: tuple[str | int, ...]) -> Finding | None:
    """What is wrong with an API at OpenAI's own service, if anything."""
    since = SWITCHED_OFF.get(api or "")
    if since is None:
        return None
    detail = f"{subject} the API `{api}`, which OpenAI switched off on {since}."
    return Finding(path, "API switched off", detail, "write `api: responses`")


def _switched_off(made: Setting) -> Iterator[SourcedFinding]:
    """Environments that could never be applied."""
    said = made.config.environments if made.config else {}
    for name, declared in made.environments.items():
        written = name in said and said[name].api is not None
        path = ("environments", name, "api" if written else "service")
        finding = switched_off(f"The environment `{name}` uses", declared.api, path)
        if finding and declared.public:
            yield SourcedFinding(Source(SETTINGS_FILE), finding)


def _in_the_clear(made: Setting) -> list[SourcedFinding]:
    """Services to which keys and prompts go without encryption, over a network."""
    findings = []
    for name, declared in made.environments.items():
        if declared.service.startswith("http://") and not _on_this_machine(declared.service):
            detail = (
                f"The environment `{name}` sends its key, prompts and documents to"
                f" `{declared.service}` unencrypted."
            )
            path = ("environments", name, "service")
            hint = "write `https://`, if the service has it; `http://` is for this machine"
            findings.append(
                SourcedFinding(
                    Source(SETTINGS_FILE),
                    Finding(path, "Not encrypted", detail, hint, severity="warning"),
                )
            )
    return findings


def _on_this_machine(url: str) -> bool:
    host = ""
    try:
        host = urlsplit(url).hostname or ""
        return ip_address(host).is_loopback
    except ValueError:  # a name, or no address at all
        return host == "localhost" or host.endswith(".localhost")


def _shared_locks(made: Setting) -> list[SourcedFinding]:
    findings = []
    taken: dict[str, str] = {}
    for name, declared in made.environments.items():
        key = jsontext.canonical(declared.lock)
        first = taken.setdefault(key, name)
        if first != name:
            detail = (
                f"The environments `{first}` and `{name}` have the same lock; each needs its own."
            )
            path = ("environments", name)
            findings.append(
                SourcedFinding(
                    Source(SETTINGS_FILE),
                    Finding(path, "Shared lock", detail, "give one of them `lock: PATH`"),
                )
            )
    return findings


def _locked_name(root: Path) -> str | None:
    try:
        name = jsontext.read(disk.read(root / LOCAL_LOCK, disk.LARGEST))["workspace"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) and name else None
