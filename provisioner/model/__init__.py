"""The nouns that everything else speaks in; imports nothing of ours."""

from provisioner.model.names import SYMBOLS, Action, Address, Fields, Position, Problem, Source, Stamp
from provisioner.model.plans import (
    LEAVING,
    QUIET,
    Attachment,
    Block,
    Change,
    Drifted,
    FieldChange,
    Plan,
    Remnant,
    Row,
    Service,
)
from provisioner.model.policies import Policies, Policy, Strictness, Waiver
from provisioner.model.results import Applied, Drift, Event, Unmanaged, Unverifiable
from provisioner.model.states import Approved, Desired, Live, Locked, LockState, Member, Overwritten, Profile

__all__ = [
    "LEAVING",
    "QUIET",
    "SYMBOLS",
    "Action",
    "Address",
    "Applied",
    "Approved",
    "Attachment",
    "Block",
    "Change",
    "Desired",
    "Drift",
    "Drifted",
    "Event",
    "FieldChange",
    "Fields",
    "Live",
    "LockState",
    "Locked",
    "Member",
    "Overwritten",
    "Plan",
    "Policies",
    "Policy",
    "Position",
    "Problem",
    "Profile",
    "Remnant",
    "Row",
    "Service",
    "Source",
    "Stamp",
    "Strictness",
    "Unmanaged",
    "Unverifiable",
    "Waiver",
]
