"""Carrying out a plan. Decides nothing."""

from provisioner.apply.carry_out import carry_out
from provisioner.apply.run import Run

__all__ = ["Run", "carry_out"]
