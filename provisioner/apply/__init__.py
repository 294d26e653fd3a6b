"""Carrying out a plan. Decides nothing."""

from provisioner.apply.run import Run
from provisioner.apply.tasks import carry_out

__all__ = ["Run", "carry_out"]
