"""The lock: what we last applied, the journal of an apply under way, and the stores that
keep both.
"""
