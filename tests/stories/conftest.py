"""What stories may start from."""

from tests.support.accepting import ours, written
from tests.support.drifting import applied, there
from tests.support.owning import owned

__all__ = ["applied", "ours", "owned", "there", "written"]
