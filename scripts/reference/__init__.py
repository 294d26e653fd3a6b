"""The reference pages, generated from the kinds and the command line so that they cannot fall
behind.
"""

from __future__ import annotations


def pages() -> dict[str, str]:
    """Every page: its path in the repository, and its Markdown."""
    from scripts.reference import apis, commands, specs, workspace

    return {
        "docs/reference/apis.md": apis.page(),
        "docs/reference/commands.md": commands.page(),
        "docs/reference/provisioner-yaml.md": workspace.page(),
        "docs/reference/specs.md": specs.page(),
    }
