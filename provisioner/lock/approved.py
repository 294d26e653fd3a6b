"""`applied` of the lock and of a journal's head: which approval was used last."""

from __future__ import annotations

from typing import Any

from provisioner.lock.entry import WrongShape
from provisioner.model import Approved


def approved_to_json(approved: Approved) -> dict[str, Any]:
    """As the lock and the plan document have it."""
    return {"commit": approved.commit, "checksum": approved.checksum, "left": list(approved.left)}


def approved_from_json(raw: Any) -> Approved:
    """The same, read; WrongShape where it is something else."""
    if not isinstance(raw, dict):
        raise WrongShape("`applied` must be a mapping")
    for key in ("commit", "checksum"):
        if not isinstance(raw.get(key), str):
            raise WrongShape(f"`{key}` must be a string")
    return Approved(raw["commit"], raw["checksum"], row_digests(raw.get("left", [])))


def row_digests(raw: Any) -> tuple[str, ...]:
    """The digests of some rows; WrongShape where they are something else."""
    if not (isinstance(raw, list) and all(isinstance(item, str) for item in raw)):
        raise WrongShape("`left` must be a list of strings")
    return tuple(raw)
