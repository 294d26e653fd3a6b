"""Small changes of the code that some test has to see: made, tried and reported by `make mutants`.

Of the tools of this trade mutmut has no deletion of statements and no module-level code, cosmic-ray
runs the whole command for each mutant, and neither keeps a list of survivors with reasons that
outlives a move of lines; together these are most of what is wanted here, so this is a small one of
our own, from the standard library and pytest.
"""
