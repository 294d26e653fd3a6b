"""The embedded service: OpenAI's wire protocol over SQLite, in-process or over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from starlette.applications import Starlette

__all__ = ["create_app", "serve"]


def create_app(
    data: Path,
    *,
    indexing_seconds: float = 0.3,
    run_seconds: float = 0.05,
    faults: Path | None = None,
    metadata_update: Literal["replace", "merge"] = "replace",
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """An ASGI app with all routes below `/v1`, whose state lives in the folder `data`."""
    # Imported here, so that commands which never start a service do not pay for its web framework.
    from .app import create_app

    return create_app(
        data,
        indexing_seconds=indexing_seconds,
        run_seconds=run_seconds,
        faults=faults,
        metadata_update=metadata_update,
        clock=clock,
    )


def serve(data: Path, host: str, port: int, faults: Path | None) -> None:
    """Serve over HTTP until interrupted; the first line on stdout is the base URL."""
    from .server import serve

    serve(data, host, port, faults)
