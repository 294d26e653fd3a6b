"""What a model cannot say of chunking: that neighbours share at most half a chunk."""

from __future__ import annotations

from typing import Any

from provisioner.kinds.base import Finding, Path, Scope
from provisioner.kinds.common import StaticChunking


def check_chunking(chunking: str | StaticChunking | None, scope: Scope, at: Path) -> None:
    """Report an overlap of more than half a chunk."""
    if not isinstance(chunking, StaticChunking):
        return
    size, overlap = chunking.max_chunk_size_tokens, chunking.chunk_overlap_tokens
    if overlap * 2 > size:
        detail = (
            f"`{scope.address}` has `chunk_overlap_tokens: {overlap}`; "
            f"it must be at most {size // 2}, half of `max_chunk_size_tokens: {size}`."
        )
        scope.report(
            Finding(
                (*at, "chunk_overlap_tokens"), "Value out of range", detail, f"write `{size // 2}`"
            )
        )


def neutral_chunking(chunking: str | StaticChunking | None) -> Any:
    """`auto`, or the two sizes; null says `auto`."""
    return chunking.declared() if isinstance(chunking, StaticChunking) else "auto"
