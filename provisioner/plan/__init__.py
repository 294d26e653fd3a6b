"""Deciding: desired, locked and live in, a whole Plan out. Pure."""

from provisioner.plan.ownership import Stray
from provisioner.plan.situation import Observed, PlanOptions, Situation
from provisioner.plan.whole import make_plan

__all__ = ["Observed", "PlanOptions", "Situation", "Stray", "make_plan"]
