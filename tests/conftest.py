"""What every test may use."""

from tests.support.world import world

__all__ = ["world"]
