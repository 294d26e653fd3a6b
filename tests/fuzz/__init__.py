"""Every reader is given what it was never meant to read, from a seed, and ends in words."""
