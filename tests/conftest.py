"""What every test may use, and which tests run."""

import os
from collections import Counter
from pathlib import Path

import pytest

from provisioner.apply import exactly_once
from tests.support.tried import pytest_terminal_summary
from tests.support.world import world

__all__ = ["pytest_terminal_summary", "world"]

THOROUGH = "PROVISIONER_THOROUGH"
_MEMORY = Path("/dev/shm")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hardly any pause before an apply looks again for what it did not find: of no use to a service
    that shows at once what it has made. What the pause is for, `tests/e2e/test_late_lists.py`
    tells.
    """
    monkeypatch.setattr(exactly_once, "PAUSE", 0.002)


def pytest_configure(config: pytest.Config) -> None:
    """Temporary folders in memory, where there is such a place: waiting for disks is a third of the
    suite's time.
    """
    if os.access(_MEMORY, os.W_OK):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are processors: some tests wait for clocks and other processes."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked `thorough`, and all but every n-th row of what is marked
    `sampled`, unless they are asked for or the test is named on the command line.
    """
    if os.environ.get(THOROUGH) or any("::" in argument for argument in config.args):
        return
    rows: Counter[str] = Counter()
    kept, left = [], []
    for item in items:
        sampled = item.get_closest_marker("sampled")
        passed = bool(sampled and rows[_test(item)] % sampled.args[0])
        rows[_test(item)] += 1
        (left if passed or item.get_closest_marker("thorough") else kept).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def _test(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]
