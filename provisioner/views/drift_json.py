"""The drift document, written."""

from __future__ import annotations

from collections import Counter
from typing import Any

from provisioner import jsontext
from provisioner.model import Drift
from provisioner.planfile.writing import drifted_json, plain_json

_FORMAT_VERSION = "1.0"


def drift_json(drift: Drift) -> str:
    """The document as text."""
    return jsontext.indented(drift_document(drift)) + "\n"


def drift_document(drift: Drift) -> dict[str, Any]:
    """What drifted, and nothing of what did not."""
    drifted = []
    for one in drift.found:
        place = one.position
        where = {
            "file": place.file if place else None,
            "line": place.line if place else None,
            "column": place.column if place else None,
        }
        drifted.append({**drifted_json(one), **where})
    unmanaged = []
    for stray in drift.unmanaged:
        store = str(stray.store) if stray.store else None
        unmanaged.append({**plain_json(stray), "store": store})
    # How many resources have each word. In sync is what was compared whole and is as it was
    # last applied.
    count = Counter(one.drift for one in drift.found)
    other = {one.address for one in drift.found if one.drift != "local"}
    other |= {one.address for one in drift.unverifiable}
    return {
        "format_version": _FORMAT_VERSION,
        "workspace": drift.workspace,
        "environment": drift.environment,
        "resource_drift": drifted,
        "unverifiable": [plain_json(field) for field in drift.unverifiable],
        "unmanaged": unmanaged,
        "summary": {
            "remote": count["remote"],
            "both": count["both"],
            "missing": count["missing"],
            "local": count["local"],
            "unverifiable": len(drift.unverifiable),
            "unmanaged": len(drift.unmanaged),
            "in_sync": drift.checked - len(other),
        },
    }
