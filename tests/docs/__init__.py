"""The documentation is true: commands, links, specs and the session in the README."""
