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
    from provisioner.model.policies import (
        Policies,
        Policy,
        Strictness,
        Waiver,
    )
    from provisioner.model.reports import Carrying, Mapped, Report
    from provisioner.model.results import (
        Applied,
        Drift,
        Event,
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

# Where the others live. They are imported when somebody asks for one: a noun costs half a
# millisecond, and few commands need more than a handful.
_HOMES = {
    "checks": (
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
    ),
    "plans": (
        "LEAVING",
        "QUIET",
        "Block",
        "Change",
        "Drifted",
        "FieldChange",
        "Plan",
        "Remnant",
        "Row",
        "Service",
        "StoreFileChange",
    ),
    "policies": (
        "Policies",
        "Policy",
        "Strictness",
        "Waiver",
    ),
    "reports": ("Carrying", "Mapped", "Report"),
    "results": (
        "Applied",
        "Drift",
        "Event",
        "Unmanaged",
        "Unverifiable",
    ),
    "states": (
        "Approved",
        "Desired",
        "Live",
        "Locked",
        "LockState",
        "Overwritten",
        "Profile",
        "StoreFile",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    found = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found
