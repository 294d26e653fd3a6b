"""Results as text, JSON, Markdown and pages: pure functions that return strings; readers get one
outline, decorated.
"""
