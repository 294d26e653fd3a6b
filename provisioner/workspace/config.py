"""What `provisioner.yaml` may say; only imported where that is not recognized without, because
pydantic models take time to build.
"""

from __future__ import annotations

import posixpath
import re
from datetime import date, datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from provisioner.kinds.common import Strict, refusal, refuse_token_of_job
from provisioner.masking import KEY_VARIABLE, looks_like_key
from provisioner.workspace.recognized import (
    ENV,
    MOST_DAYS,
    MOST_SETTLING,
    MOST_VERSIONS,
    NAME,
    VARIABLE,
)
from provisioner.workspace.setting import PUBLIC, Variable

_ADDRESS = r"assistant\.[a-z][a-z0-9_-]{0,63}"
# `off` would be read as false
_ACTION = "`deny` stops a plan, `warn` only says so, `ignore` switches the policy off"
_Action = Literal["deny", "warn", "ignore"]


def _day(value: object) -> object:
    """YAML reads a day without quotes as a date; in quotes it is the same."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    elif isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise refusal("day", "is not a day", "write it like `2027-01-31`")


def _address(value: str) -> str:
    if re.fullmatch(_ADDRESS, value):
        return value
    raise refusal(
        "address", "is not the address of an assistant", "write it like `assistant.support`"
    )


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Assistant = Annotated[
    str, AfterValidator(_address), WithJsonSchema({"type": "string", "pattern": f"^{_ADDRESS}$"})
]


class ModelsPolicy(Strict):
    """The models that assistants may use."""

    allow: list[Annotated[str, Field(min_length=1)]] | None = Field(
        default=None,
        min_length=1,
        description="Names of models; `*` stands for any characters. Any model when left out",
        examples=[["gpt-4o", "gpt-5*"]],
    )
    action: _Action = Field(default="deny", description=_ACTION, examples=["warn"])


class ShutdownPolicy(Strict):
    """Models with an announced end: a warning before that day, an error after it."""

    action: _Action = Field(
        default="deny",
        description=(
            "`deny` stops a plan after that day, `warn` only says so, `ignore` switches it off"
        ),
    )
    warn_days: int = Field(
        default=60,
        ge=0,
        le=MOST_DAYS,
        description="Days before the shutdown from which on it is told",
        examples=[90],
    )


class WaiverFile(Strict):
    """A breach that is put up with for a while."""

    policy: Literal["models", "model_shutdown"] = Field(
        description="The policy that it is about", examples=["model_shutdown"]
    )
    address: Assistant = Field(
        description="The assistant that may break it", examples=["assistant.support"]
    )
    reason: str = Field(
        min_length=1,
        description="Why; every plan shows it",
        examples=["moves with the next release"],
    )
    expires: Day = Field(description="The last day on which it holds", examples=["2027-01-31"])


class PoliciesFile(Strict):
    """What plans are held against."""

    models: ModelsPolicy | None = Field(
        default=None,
        description="The models that assistants may use",
        examples=[{"allow": ["gpt-4o", "gpt-5*"], "action": "deny"}],
    )
    model_shutdown: ShutdownPolicy | None = Field(
        default=None,
        description="Models with an announced end; on by default",
        examples=[{"action": "warn", "warn_days": 90}],
    )
    waivers: list[WaiverFile] = Field(
        default=[], description="Breaches that are put up with for a while"
    )


_NAME_RULE = (
    "a name has letters, digits, `.`, `_` and `-`, begins with a letter or digit, and has at most"
    " 64 characters"
)


def _matching(pattern: str, hint: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise refusal("name", "cannot be used", hint)
        return value

    return AfterValidator(check)


_Name = Annotated[
    str, _matching(NAME, _NAME_RULE), WithJsonSchema({"type": "string", "pattern": f"^{NAME}$"})
]
VariableName = Annotated[
    str,
    _matching(
        VARIABLE, "a variable's name has letters, digits and `_`, and does not begin with a digit"
    ),
    WithJsonSchema({"type": "string", "pattern": f"^{VARIABLE}$"}),
]


def _variable(value: Variable) -> Variable:
    if isinstance(value, str) and re.search(r"(?<!\$)\$\{", value):
        raise refusal(
            "variable",
            "refers to another value, but variables are taken as they are",
            "write the value out",
        )
    return value


VariableValue = Annotated[Variable, AfterValidator(_variable)]


def _service(value: str) -> str:
    if value in ("local", PUBLIC) or (
        re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value)
        and value.isprintable()
        and _reachable(value)
    ):
        return value
    raise refusal(
        "service",
        "is not a service",
        "write `local`, `openai` or a base URL like `https://host/v1`",
    )


def _reachable(address: str) -> bool:
    """Whether a host and a port can be read from an address."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # an open bracket, a port beyond 65535
        return False


def _lock_path(value: str) -> str:
    hint = "write a path below the workspace, like `locks/prod.lock.json`"
    plain = posixpath.normpath(value)
    if (
        value.startswith(("/", "~"))
        or "\\" in value
        or plain.startswith("..")
        or re.match(r"[A-Za-z]:", value)
    ):
        raise refusal("lock", "leaves the workspace", hint)
    if plain == "." or value.endswith("/") or not value.isprintable():
        raise refusal("lock", "names no file", hint)
    return plain


def _key_name(value: str) -> str:
    """The name of a variable, not the key itself; and a token of the job that runs us is nobody
    else's key.
    """
    if looks_like_key(value):
        hint = (
            "name the variable that holds it, like `OPENAI_API_KEY`, and revoke a key that stood in"
            " a file"
        )
        raise refusal(
            "api_key",
            "looks like the key itself, not like the name of an environment variable",
            hint,
        )
    refuse_token_of_job(value, "key")
    if value.upper() == KEY_VARIABLE:
        hint = "name the variable that holds the key of the service, like `OPENAI_API_KEY`"
        raise refusal("api_key", "is the key of fingerprints, which is sent to nobody", hint)
    return value


class KeyFrom(Strict):
    """Where the API key comes from."""

    env: Annotated[
        str,
        AfterValidator(_key_name),
        _matching(ENV, "name an environment variable, like `OPENAI_API_KEY`"),
    ] = Field(
        description="Name of the environment variable that holds the key",
        examples=["OPENAI_API_KEY_PROD"],
    )


def _api_key(value: object) -> object:
    if isinstance(value, str):
        raise refusal(
            "api_key",
            "is a literal, and a key must not stand in a file",
            "write `{env: OPENAI_API_KEY}`",
        )
    return value


class GitBranch(Strict):
    """A lock on a branch of the same repository."""

    branch: str = Field(
        default="provisioner-locks",
        min_length=1,
        description="The branch",
        examples=["provisioner-locks"],
    )
    path: Annotated[str, AfterValidator(_lock_path)] = Field(
        min_length=1, description="The lock's path on that branch", examples=["prod.lock.json"]
    )


class GitLock(Strict):
    """A lock that lives in git."""

    git: GitBranch = Field(
        description="Branch and path", examples=[{"branch": "provisioner-locks", "path": "l.json"}]
    )


class EnvironmentFile(Strict):
    """One environment: a named service with its API, variables and lock."""

    service: Annotated[
        str,
        AfterValidator(_service),
        WithJsonSchema(
            {"anyOf": [{"enum": ["local", "openai"]}, {"type": "string", "pattern": "^https?://"}]}
        ),
    ] = Field(
        description=(
            "`local` (the embedded service), `openai` (always the public endpoint) or a base URL"
        ),
        examples=["local", "openai", "https://gateway.example.com/v1"],
    )
    api: Literal["assistants", "responses", "agents"] | None = Field(
        default=None,
        description="Default: `assistants` on `local` and on a base URL, `responses` on `openai`",
        examples=["responses"],
    )
    api_key: Annotated[KeyFrom | None, BeforeValidator(_api_key)] = Field(
        default=None,
        description="Where the key comes from; never the key itself",
        examples=[{"env": "OPENAI_API_KEY"}],
    )
    organization: str | None = Field(
        default=None,
        min_length=1,
        description="A key that resolves elsewhere is refused",
        examples=["org-abc"],
    )
    openai_project: str | None = Field(
        default=None, min_length=1, description="The project of the key", examples=["proj_abc"]
    )
    lock: Annotated[str, AfterValidator(_lock_path)] | GitLock | None = Field(
        default=None,
        description=(
            "A file that you commit, or a branch of this repository; default"
            " `locks/<name>.lock.json`"
        ),
        examples=[
            "locks/prod.lock.json",
            {"git": {"branch": "provisioner-locks", "path": "prod.lock.json"}},
        ],
    )
    variables: dict[VariableName, VariableValue] = Field(
        default={}, description="Values of declared variables here", examples=[{"model": "gpt-5.6"}]
    )
    accept_loss: list[Annotated[str, Field(min_length=1)]] = Field(
        default=[],
        description="What this environment's API cannot carry and may be left out",
        examples=[["temperature", "assistant.support#top_p"]],
    )
    keep_versions: int = Field(
        default=3,
        ge=1,
        le=MOST_VERSIONS,
        description="Request profiles that are kept, and whose ids stay alive",
        examples=[3],
    )
    on_drift: Literal["overwrite", "fail"] = Field(
        default="overwrite",
        description="What apply does where somebody edited by hand",
        examples=["fail"],
    )
    settling: float | None = Field(
        default=None,
        ge=0,
        le=MOST_SETTLING,
        description=(
            "Seconds in which the service may not show its own writes; default 0 for `local`,"
            " otherwise 30"
        ),
        examples=[10],
    )
    policies: PoliciesFile | None = Field(
        default=None,
        description="Over those at the top: what is said here replaces it, waivers are added",
        examples=[{"models": {"allow": ["gpt-5*"]}}],
    )


class WorkspaceFile(Strict):
    """The workspace: its name, its variables and its environments."""

    workspace: _Name | None = Field(
        default=None,
        description=(
            "Part of the ownership stamp on every object; default: the lock's, else the folder's"
            " name"
        ),
        examples=["acme-support"],
    )
    default_environment: _Name | None = Field(
        default=None,
        description=(
            "The environment where none is named, on a terminal; without one and with several"
            " environments, one has to be named"
        ),
        examples=["local"],
    )
    variables: dict[VariableName, VariableValue] = Field(
        default={},
        description="Every variable with its default; null makes it required",
        examples=[{"model": "gpt-4o", "company_store": None}],
    )
    environments: dict[_Name, EnvironmentFile] = Field(
        default={},
        description="The environments by name; default: one, `local`",
        examples=[{"local": {"service": "local"}}],
    )
    policies: PoliciesFile | None = Field(
        default=None,
        description="What plans are held against, in every environment",
        examples=[{"models": {"allow": ["gpt-4o", "gpt-5*"]}}],
    )
