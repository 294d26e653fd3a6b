"""What every end-to-end test may use."""

from __future__ import annotations

from functools import partial

import pytest

from provisioner.remote import Retries


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts are short."""
    monkeypatch.setattr("provisioner.remote.client.Retries", partial(Retries, base=0.001))
