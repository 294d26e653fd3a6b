"""The nouns that everything else speaks in; imports nothing of ours."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from provisioner.model.names import (
    ID_RULE,
    SYMBOLS,
    Action,
    Address,
    Fields,
    Position,
    Problem,
    Source,
    Stamp,
    is_id,
)
from provisioner.model.plans import (
    LEAVING,
    QUIET,
    Block,
    Change,
    Drifted,
    FieldChange,
    Plan,
    Remnant,
    Row,
    Service,
    StoreFileChange,
)
from provisioner.model.policies import Policies, Policy, Strictness, Waiver
from provisioner.model.results import (
    Applied,
    Carrying,
    Drift,
    Event,
    Mapped,
    Report,
    Unmanaged,
    Unverifiable,
)
from provisioner.model.states import (
    Approved,
    Desired,
    Live,
    Locked,
    LockState,
    Overwritten,
    Profile,
    StoreFile,
)

if TYPE_CHECKING:
    from provisioner.model.checks import (
        Attempt,
        Check,
        CheckFile,
        CheckReport,
        CheckResult,
        CheckTurn,
        Expectation,
        Judge,
        Miss,
        TurnResult,
    )

__all__ = [
    "ID_RULE",
    "LEAVING",
    "QUIET",
    "SYMBOLS",
    "Action",
    "Address",
    "Applied",
    "Approved",
    "Attempt",
    "Block",
    "Carrying",
    "Change",
    "Check",
    "CheckFile",
    "CheckReport",
    "CheckResult",
    "CheckTurn",
    "Desired",
    "Drift",
    "Drifted",
    "Event",
    "Expectation",
    "FieldChange",
    "Fields",
    "Judge",
    "Live",
    "LockState",
    "Locked",
    "Mapped",
    "Miss",
    "Overwritten",
    "Plan",
    "Policies",
    "Policy",
    "Position",
    "Problem",
    "Profile",
    "Remnant",
    "Report",
    "Row",
    "Service",
    "Source",
    "Stamp",
    "StoreFile",
    "StoreFileChange",
    "Strictness",
    "TurnResult",
    "Unmanaged",
    "Unverifiable",
    "Waiver",
    "is_id",
]

# What few commands need is imported when somebody asks for it: a noun costs half a millisecond.
_LATER = frozenset(
    {
        "Attempt",
        "Check",
        "CheckFile",
        "CheckReport",
        "CheckResult",
        "CheckTurn",
        "Expectation",
        "Judge",
        "Miss",
        "TurnResult",
    }
)


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    return getattr(import_module(f"{__name__}.checks"), name)
