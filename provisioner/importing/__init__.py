"""From what exists to specs: reading it where it is, and writing it as an author would have."""
