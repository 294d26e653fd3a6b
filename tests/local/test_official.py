"""Replies against the official API document, where it lies beside the project and the real traffic
agrees.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest

DOCUMENT = Path(__file__).parents[3] / "shared" / "reference" / "openapi-subset.json"
pytestmark = [
    pytest.mark.skipif(not DOCUMENT.exists(), reason="the official document is not here"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
# Where the recorded traffic differs from the document: null for what is merely not there, and one
# name.
NULL = {"expires_at", "status_details", "expires_after", "first_id", "last_id", "file"}


@pytest.fixture(scope="module")
def check() -> Any:
    import jsonschema

    document = json.loads(DOCUMENT.read_text())

    def check(name: str, reply: dict[str, Any]) -> None:
        document["$ref"] = f"#/components/schemas/{name}"
        jsonschema.Draft202012Validator(document).validate(_as_documented(reply))

    return check


def _as_documented(reply: Any) -> Any:
    if isinstance(reply, list):
        return [_as_documented(one) for one in reply]
    if not isinstance(reply, dict):
        return reply
    kept = {
        key: _as_documented(one) for key, one in reply.items() if one is not None or key not in NULL
    }
    if kept.get("object") == "vector_store" and kept["name"] is None:
        kept["name"] = ""
    if kept.get("object") == "vector_store.file_batch":
        kept["object"] = "vector_store.files_batch"
    return kept


def test_every_reply_fits(client: openai.OpenAI, check: Any) -> None:
    """Each object, list and confirmation has the documented fields and types."""

    def get(path: str) -> dict[str, Any]:
        return client.get(path, cast_to=dict[str, Any])

    def post(path: str, **body: Any) -> dict[str, Any]:
        return client.post(path, body=body, cast_to=dict[str, Any])

    file = client.files.create(file=("a.md", b"27 vacation days"), purpose="assistants")
    store = post("/vector_stores", name="kb", expires_after={"anchor": "last_active_at", "days": 3})
    base = f"/vector_stores/{store['id']}"
    attached = post(f"{base}/files", file_id=file.id, attributes={"a": 1})
    batch = post(f"{base}/file_batches", file_ids=[file.id])
    client.vector_stores.files.poll(file.id, vector_store_id=store["id"])
    tools = [{"type": "code_interpreter"}, {"type": "function", "function": {"name": "f"}}]
    found = {
        "file_search": {"vector_store_ids": [store["id"]]},
        "code_interpreter": {"file_ids": [file.id]},
    }
    assistant = post("/assistants", model="m", tools=tools, tool_resources=found)
    main = ("a/SKILL.md", b"---\nname: a\ndescription: d\n---\n")
    skill = client.skills.create(files=[main]).to_dict()
    version = client.skills.versions.create(str(skill["id"]), files=[main]).to_dict()
    versions = f"/skills/{skill['id']}/versions"
    for name, reply in {
        "SkillResource": skill,
        "SkillListResource": get("/skills"),
        "SkillVersionResource": version,
        "SkillVersionListResource": get(versions),
        "DeletedSkillVersionResource": client.delete(f"{versions}/2", cast_to=dict[str, Any]),
        "DeletedSkillResource": client.delete(f"/skills/{skill['id']}", cast_to=dict[str, Any]),
        "OpenAIFile": get(f"/files/{file.id}"),
        "ListFilesResponse": get("/files"),
        "VectorStoreObject": store,
        "ListVectorStoresResponse": get("/vector_stores"),
        "VectorStoreFileObject": attached,
        "ListVectorStoreFilesResponse": get(f"{base}/files"),
        "VectorStoreFileBatchObject": batch,
        "VectorStoreFileContentResponse": get(f"{base}/files/{file.id}/content"),
        "VectorStoreSearchResultsPage": post(f"{base}/search", query="vacation"),
        "AssistantObject": assistant,
        "ListAssistantsResponse": get("/assistants"),
        "ListModelsResponse": get("/models"),
        "Upload": post("/uploads", filename="a", purpose="vision", bytes=1, mime_type="image/png"),
        "DeleteAssistantResponse": client.delete(
            f"/assistants/{assistant['id']}", cast_to=dict[str, Any]
        ),
        "DeleteVectorStoreFileResponse": client.delete(
            f"{base}/files/{file.id}", cast_to=dict[str, Any]
        ),
        "DeleteVectorStoreResponse": client.delete(base, cast_to=dict[str, Any]),
        "DeleteFileResponse": client.delete(f"/files/{file.id}", cast_to=dict[str, Any]),
    }.items():
        check(name, reply)
