"""A `provisioner.yaml` that is taken without its models is one that these take, and says the same."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kinds.table import UNSURE
from provisioner.workspace.config import EnvironmentFile, WorkspaceFile
from provisioner.workspace.recognized import ALONE, settings
from provisioner.workspace.setting import environment
from tests.support.variants import variants

GOOD: tuple[dict[str, Any], ...] = (
    {},
    {"workspace": "acme", "environments": {"local": {"service": "local"}}},
    {
        "workspace": "acme-support",
        "default_environment": "prod",
        "variables": {"model": "gpt-4o", "store": None, "count": 3, "on": True},
        "environments": {
            "prod": {
                "service": "openai",
                "api": "responses",
                "api_key": {"env": "OPENAI_API_KEY_PROD"},
                "organization": "org-abc",
                "openai_project": "proj_abc",
                "lock": "locks/prod.lock.json",
                "variables": {"store": "vs_1"},
                "keep_versions": 5,
                "on_drift": "fail",
                "settling": 10,
            },
            "test.2": {"service": "https://gateway.example.com:8443/v1"},
        },
    },
    {
        "environments": {
            "prod": {
                "service": "openai",
                "lock": {"git": {"branch": "provisioner-locks", "path": "prod.lock.json"}},
                "policies": {"models": {"allow": ["gpt-5*"], "action": "warn"}},
            },
            "next": {"service": "openai", "lock": {"git": {"path": "next.lock.json"}}},
        },
        "policies": {"models": {}, "model_shutdown": {"action": "ignore", "warn_days": 90}},
    },
)
ODD = (
    *(None, True, False, 0, -1, 1, 100, 101, 600, 601, 1.5, float("nan"), float("inf"), 10**30),
    *("", " ", "a", "a\n", "a b", "A_B", "é", "x" * 65, "${a}", "$a", "local", "openai", "Local"),
    *("http://h", "http://h/", "http://", "https://h:0/v1", "https://h:65535", "https://h:65536"),
    *("https://u:p@h/v1", "https://h/v1?x=1", "https://h/v1#x", "https://[::1]/v1", "ftp://h"),
    *("https://h..x/", "https://-h", "https://h-/v1", "https://1.2.3.4:80/v1", "https://H/v1"),
    *("https://h:8\u0663", "https://h:8\uff10/v1"),  # digits of other alphabets
    *("https://h/a//b", "https://h/a/../b", "https://h/ä", "https://xn--4ca/v1"),
    *("../l.json", "/l.json", "~/l.json", "a/../b", "./a", "a//b", "a/", ".", "c:/l", "a\\b", ".l"),
    *("a/.b", "LOCKS/Prod.json", "l..json", "a/b..", "nul"),
    *("assistants", "agents", "fail", "overwrite", "no"),
    *([], {}, {"env": "A"}, {"env": ""}, {"env": "sk-abc123"}, {"env": "GITHUB_TOKEN"}),
    *({"env": "gh_token"}, {"env": "ABCDEFGHIJ0123456789"}, {"env": "A", "b": 1}, {"env": 1}),
    *({"env": "PROVISIONER_FINGERPRINT_KEY"}, {"env": "provisioner_fingerprint_key"}),
    *({"git": {"path": "l.json"}}, {"a": 1}, {1: "a"}, {"": "a"}, {"a b": "c"}),
)
NAMES = (
    "waivers",
    "action",
    "git",
    "branch",
    "policies",
    "accept_loss",
    "x-note",
    "service",
    "variables",
    "api",
    "unknown",
)


def _made(said: Any) -> str:
    """Everything that is asked of what was read."""
    declared = said.environments.items()
    environments = {name: environment(name, one, said.policies) for name, one in declared}
    return repr((said.workspace, said.default_environment, said.variables, environments))


@pytest.mark.parametrize("good", GOOD)
def test_what_is_recognized_is_valid(good: dict[str, Any]) -> None:
    """Whatever oddity stands in whatever place: it is left to the model, or is the same there."""
    seen = 0
    for value in variants(good, ODD, NAMES):
        known = settings(value)
        if known is not UNSURE:
            seen += 1
            assert _made(known) == _made(WorkspaceFile.model_validate(value)), value
    assert seen


@pytest.mark.parametrize("good", GOOD)
def test_what_most_say_is_recognized(good: dict[str, Any]) -> None:
    """No model is imported for it."""
    assert settings(good) is not UNSURE


def test_the_environment_where_none_is_declared() -> None:
    """It is what the model makes of one that says no more than its service."""
    alone = environment("local", ALONE)
    assert alone == environment("local", EnvironmentFile(service="local"))
