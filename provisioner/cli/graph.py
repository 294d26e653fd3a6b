"""`graph`: what depends on what."""

from __future__ import annotations

from provisioner.cli.console import Console, command


@command
def graph(console: Console) -> None:
    """Draw what depends on what, as a Mermaid flowchart."""
    from provisioner import engine
    from provisioner.views.state import graph_json, graph_mermaid

    needs = engine.graph(console.open())
    if console.json:
        console.document(graph_json(needs))
    else:
        console.result(graph_mermaid(needs, verbose=console.verbose))


COMMANDS = {"graph": graph}
