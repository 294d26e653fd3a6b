"""The days on which OpenAI shuts down models, as announced: for when nobody has asked the service
itself yet. And what it recommends in their place, which the service itself never says.

From https://developers.openai.com/api/docs/deprecations. A model without an announced day is not in
it; one has a replacement where the page names a single model, still to be had, and nothing else.
"""

from __future__ import annotations

from datetime import date
from functools import cache

AS_OF = date(2026, 10, 28)

_ANNOUNCED = {
    "2025-07-14": "gpt-4.5-preview",
    "2025-07-28": "o1-preview",
    "2025-10-27": "o1-mini",
    "2026-01-16": "codex-mini-latest",
    "2026-02-17": "chatgpt-4o-latest",
    "2026-07-23": (
        """
        computer-use-preview computer-use-preview-2025-03-11
        gpt-4o-search-preview-2025-03-11 gpt-4o-mini-search-preview-2025-03-11
        gpt-5-chat-latest gpt-5-codex gpt-5.1-chat-latest gpt-5.1-codex gpt-5.1-codex-max
        gpt-5.1-codex-mini
        gpt-5.2-codex o3-deep-research o3-deep-research-2025-06-26 o4-mini-deep-research
        o4-mini-deep-research-2025-06-26
        """
    ),
    "2026-08-10": "gpt-5.2-chat-latest gpt-5.3-chat-latest",
    "2026-10-23": (
        """
        gpt-3.5-turbo gpt-3.5-turbo-0125 gpt-4 gpt-4-0613 gpt-4-1106-preview
        gpt-4-turbo gpt-4-turbo-2024-04-09
        gpt-4.1-nano gpt-4.1-nano-2025-04-14 gpt-4o-2024-05-13
        o1 o1-2024-12-17 o1-pro o1-pro-2025-03-19 o3-mini o3-mini-2025-01-31
        o4-mini o4-mini-2025-04-16
        """
    ),
    "2026-12-11": (
        """
        gpt-5 gpt-5-2025-08-07 gpt-5-mini gpt-5-mini-2025-08-07 gpt-5-nano gpt-5-nano-2025-08-07
        gpt-5-pro gpt-5-pro-2025-10-06 o3 o3-2025-04-16 o3-pro o3-pro-2025-06-10
        """
    ),
    "2027-01-14": (
        """
        gpt-4.1 gpt-4.1-2025-04-14 gpt-4.1-mini gpt-4.1-mini-2025-04-14
        gpt-4o gpt-4o-2024-08-06 gpt-4o-2024-11-20 gpt-4o-mini gpt-4o-mini-2024-07-18
        """
    ),
    "2027-04-01": "gpt-5.1 gpt-5.3-codex gpt-5.4-nano",
}

_REPLACEMENTS = {
    "gpt-5.5": "gpt-5.2-chat-latest gpt-5.3-chat-latest",
    "gpt-5.6-sol": (
        """
        gpt-4 gpt-4-0613 gpt-4-1106-preview gpt-4-turbo gpt-4-turbo-2024-04-09 gpt-4o-2024-05-13
        gpt-5 gpt-5-2025-08-07 o1 o1-2024-12-17 o3 o3-2025-04-16 o3-mini o3-mini-2025-01-31
        """
    ),
    "gpt-5.6-terra": (
        """
        gpt-3.5-turbo gpt-3.5-turbo-0125 gpt-5-mini gpt-5-mini-2025-08-07
        o4-mini o4-mini-2025-04-16
        """
    ),
    "gpt-5.6-luna": "gpt-5-nano gpt-5-nano-2025-08-07",
    "gpt-6-luna": (
        """
        gpt-4.1 gpt-4.1-2025-04-14 gpt-4.1-mini gpt-4.1-mini-2025-04-14
        gpt-4o gpt-4o-2024-08-06 gpt-4o-2024-11-20 gpt-4o-mini gpt-4o-mini-2024-07-18
        """
    ),
}


@cache
def announced() -> dict[str, date]:
    """The last day of each model in the table, by its exact name."""
    return {
        model: date.fromisoformat(day)
        for day, models in _ANNOUNCED.items()
        for model in models.split()
    }


def shutdown(model: str) -> date | None:
    """The announced day of a model; a fine-tuned one ends with the model that it was made from."""
    return announced().get(_base(model))


@cache
def _replacements() -> dict[str, str]:
    return {
        model: replacement
        for replacement, models in _REPLACEMENTS.items()
        for model in models.split()
    }


def replacement(model: str) -> str | None:
    """What OpenAI recommends in the place of a model; for a fine-tuned one, in that of its base."""
    return _replacements().get(_base(model))


def _base(model: str) -> str:
    return model.split(":")[1] if model.startswith("ft:") else model
