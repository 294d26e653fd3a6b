"""Words that several places use."""

from __future__ import annotations

from provisioner.text import did_you_mean


def test_suggestions_are_near():
    """A near word is suggested, a far one is not."""
    assert did_you_mean("temprature", ["temperature", "top_p"]) == "did you mean `temperature`?"
    assert did_you_mean("zzz", ["temperature", "top_p"]) is None
    addresses = ["assistant.support", "vector_store.kb"]
    assert did_you_mean("kb", addresses) == "did you mean `vector_store.kb`?"
