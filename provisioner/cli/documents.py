"""Results as documents for people who are not at the terminal: a comment on a pull request, a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from provisioner.cli.options import PlanFormat

if TYPE_CHECKING:
    from provisioner.views.lines import Outline
    from provisioner.views.picture import Graph


def document(format: PlanFormat, outline: Outline, graph: Callable[[], Graph]) -> str:
    """An unfolded outline as Markdown or as a page; only a page needs the graph."""
    if format is PlanFormat.markdown:
        from provisioner.views.markdown import markdown

        return markdown(outline)
    from provisioner.views.html import html

    return html(outline, graph())
