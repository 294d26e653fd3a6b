"""The drift document (DESIGN §4.6), written."""

from __future__ import annotations

import json
from typing import Any

from provisioner.model import Drift, Drifted
from provisioner.views.plan_json import drifted_json, plain

FORMAT_VERSION = "1.0"


def drift_json(drift: Drift) -> str:
    """The document as text."""
    return json.dumps(drift_document(drift), ensure_ascii=False, indent=2) + "\n"


def drift_document(drift: Drift) -> dict[str, Any]:
    """What drifted, and nothing of what did not."""
    return {
        "format_version": FORMAT_VERSION,
        "workspace": drift.workspace,
        "environment": drift.environment,
        "resource_drift": [_drifted(found) for found in drift.found],
        "unverifiable": [plain(found) for found in drift.unverifiable],
        "unmanaged": [plain(found) | {"store": str(found.store) if found.store else None} for found in drift.unmanaged],
        "summary": _summary(drift),
    }


def _drifted(found: Drifted) -> dict[str, Any]:
    place = found.position
    return {
        **drifted_json(found),
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
    }


def _summary(drift: Drift) -> dict[str, int]:
    """How many resources have each word. In sync is what was compared whole and is as it was last applied."""
    words = ("remote", "both", "missing", "local")
    count = {word: sum(found.drift == word for found in drift.found) for word in words}
    other = {found.address for found in drift.found if found.drift != "local"}
    other |= {found.address for found in drift.unverifiable}
    return {
        **count,
        "unverifiable": len(drift.unverifiable),
        "unmanaged": len(drift.unmanaged),
        "in_sync": drift.checked - len(other),
    }
