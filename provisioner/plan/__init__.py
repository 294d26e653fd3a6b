"""Deciding: desired, locked and live in, a whole Plan out. Pure."""

from provisioner.plan.situation import Observed, PlanOptions, Situation, Stray
from provisioner.plan.whole import make_plan

__all__ = ["Observed", "PlanOptions", "Situation", "Stray", "make_plan"]
