"""`openai` without its types: quick to import, and whole for whoever wants more of it."""

from __future__ import annotations

import subprocess
import sys

LOADED = "from provisioner.remote.exchange import load_sdk; load_sdk(); import openai, sys; "


def python(text: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", LOADED + text], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_types_are_left_out() -> None:
    """A client works without the hundreds of modules that hold the SDK's types."""
    counted = "sum(name.startswith('openai.types.responses.') for name in sys.modules)"
    assert int(python(f"openai.AsyncOpenAI(api_key='x'); print({counted})")) < 10


def test_whoever_asks_for_a_type_gets_it() -> None:
    """The package is whole for others in the same process, by attribute as by import, also far
    down.
    """
    text = (
        "from openai.types import Batch; import openai.types.responses as r; print(Batch.__name__,"
        " r.Response.__name__)"
    )
    assert python(text) == "Batch Response"
    assert (
        python("print(openai.types.FileObject.__name__, openai.lib.azure.__name__)")
        == "FileObject openai.lib.azure"
    )


def test_what_does_not_exist_is_missing() -> None:
    """A misspelt name is the error that it always is."""
    assert (
        python("print(hasattr(openai.types, 'Nonsense'), hasattr(openai.types, 'Batch'))")
        == "False True"
    )
