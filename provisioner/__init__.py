"""Assistants as code: what an application ships needs the standard library alone."""

__version__ = "0.1.0"
