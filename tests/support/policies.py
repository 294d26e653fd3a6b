"""Workspaces under policies, and services that say when their models end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.e2e.middleware import Odd
from tests.support.world import World

TODAY = datetime.now(UTC).date()
AHEAD, PAST = TODAY + timedelta(days=20), TODAY - timedelta(days=20)
SPEC = "assistants:\n  a:\n    model: old-1\n  b:\n    model: new-1\n"


def day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


def ending(world: World, **ends: Any) -> None:
    """Have the service say when its models end."""
    models = [
        {
            "id": model.replace("_", "-"),
            "object": "model",
            "shutdown_date": str(end) if isinstance(end, date) else end,
        }
        for model, end in ends.items()
    ]
    saying(world, lambda: (200, {"object": "list", "data": models}))


def saying(world: World, reply: Callable[[], tuple[int, Any]]) -> None:
    def answer(method: str, path: str, status: int, body: Any) -> tuple[int, Any]:
        return reply() if path == "/models" else (status, body)

    world.from_now_on(lambda app: Odd(app, answer=answer))


def under(world: World, policies: Any, **more: Any) -> None:
    """Give the workspace these policies."""
    environments = {"local": {"service": "local"}, **more}
    world.write({"provisioner.yaml": {"environments": environments, "policies": policies}})


def reported(document: Any) -> list[str]:
    """Problems as `place severity: summary`."""
    return [
        f"{one['file']}:{one['line']}:{one['column']} {one['severity']}: {one['summary']}"
        for one in document["problems"]
    ]
