"""From what exists to specs."""
