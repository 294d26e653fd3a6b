"""Workspaces to crash in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.instants import Before
from tests.crash.workspace import edited
from tests.support.tried import REPORTED
from tests.support.world import World


@pytest.fixture
def before(
    world: World,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    record_property: pytest.RecordProperty,
) -> Iterator[Before]:
    """A workspace that was applied and then edited in every way there is; the parameter is its API
    and its lock's store. What the test tries goes into the report.
    """
    api, store = request.param
    strangers = edited(world, tmp_path / "all", api, store)
    found = Before(world, tmp_path / "saved", store, strangers)
    yield found
    if found.tried:
        record_property(REPORTED, f"{len(found.tried)} tried of {found.of}")
