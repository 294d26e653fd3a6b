"""The plan document: what in it somebody approves."""
