"""The nouns that everything else speaks in; imports nothing of ours."""

from provisioner.model.names import SYMBOLS, Action, Address, Fields, Position, Problem, Source, Stamp
from provisioner.model.plans import QUIET, Attachment, Block, Change, Drifted, FieldChange, Plan, Remnant, Service
from provisioner.model.results import Applied, Drift, Event, Unmanaged, Unverifiable
from provisioner.model.states import Desired, Live, Locked, LockState, Member, Profile

__all__ = [
    "QUIET",
    "SYMBOLS",
    "Action",
    "Address",
    "Applied",
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
    "Plan",
    "Position",
    "Problem",
    "Profile",
    "Remnant",
    "Service",
    "Source",
    "Stamp",
    "Unmanaged",
    "Unverifiable",
]
