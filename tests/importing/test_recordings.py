"""What a browser has recorded: answers before requests, and nothing of what was refused."""

from __future__ import annotations

import json
from typing import Any

from .reading import read


def har(url: str, asked: Any, answered: Any) -> dict[str, Any]:
    return {
        "log": {
            "entries": [
                {
                    "request": {"method": "POST", "url": url, "postData": {"text": asked}},
                    "response": {"content": {"text": answered}},
                }
            ]
        }
    }


def test_recordings() -> None:
    """The answer of the service, else what was asked; on Azure the model is a deployment."""
    made = json.dumps({"object": "assistant", "id": "asst_1", "model": "m", "instructions": "x"})
    found = read(json.dumps(har("https://api.openai.com/v1/assistants", "{}", made))).found[0]
    assert found.id == "asst_1"
    assert found.origin.path == "log.entries[0].response.content.text"
    asked = json.dumps({"model": "dep", "instructions": "y"})
    azure = "https://x.openai.azure.com/openai/assistants?api-version=1"
    found = read(json.dumps(har(azure, asked, ""))).found[0]
    assert [lost.what for lost in found.losses if lost.severity == "error"] == ["model"]


def test_a_recording_of_what_was_refused() -> None:
    """A request that was answered with an error has made nothing, and a line says so."""
    asked = json.dumps({"model": "m", "instructions": "y"})
    recorded = har("https://api.openai.com/v1/assistants", asked, '{"error": {}}')
    recorded["log"]["entries"][0]["response"]["status"] = 400
    findings = read(json.dumps(recorded))
    assert not findings.found
    (lost,) = [one for one in findings.losses if one.severity == "warning"]
    assert (lost.what, "400" in lost.why) == ("log.entries[0]", True)


def test_what_an_answer_lacks_of_its_request() -> None:
    """The request of a store names its documents, and the answer does not."""
    asked = json.dumps({"name": "KB", "file_ids": ["file-1"], "metadata": {}})
    made = json.dumps({"object": "vector_store", "id": "vs_1", "name": "KB", "metadata": {}})
    recorded = har("https://api.openai.com/v1/vector_stores", asked, made)
    found = read(json.dumps(recorded)).found[0]
    (lost,) = [one for one in found.losses if one.severity == "warning"]
    assert lost.what == "file_ids[0]"
    assert lost.origin.path == "log.entries[0].request.postData.text"
