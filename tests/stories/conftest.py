"""What stories may start from."""

from tests.support.accepting import ours, written
from tests.support.drifting import applied, there

__all__ = ["applied", "ours", "there", "written"]
