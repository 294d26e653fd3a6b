"""Owns one of everything that the embedded service keeps: how it is made, where it is, and in which
lists.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import openai
import pytest

FILES, STORES, ASSISTANTS = "/files", "/vector_stores", "/assistants"
AGENTS, TEMPLATES, AUTOMATIONS = "/agents", "/agents/environments/templates", "/agents/automations"
VAULTS, SKILLS = "/vaults", "/skills"
JSON = dict[str, Any]


class Wire:
    """The SDK's client, asked by path, so that one story can be told of every kind."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self.client = client

    async def get(self, path: str) -> JSON:
        return await self.client.get(path, cast_to=JSON)

    async def post(self, path: str, **body: Any) -> JSON:
        return await self.client.post(path, body=body, cast_to=JSON)

    async def delete(self, path: str) -> JSON:
        return await self.client.delete(path, cast_to=JSON)

    async def listed(self, path: str) -> list[JSON]:
        """All of a list, page by page."""
        found: list[JSON] = []
        url = f"{path}{'&' if '?' in path else '?'}limit=2"
        page = await self.get(url)
        while True:
            found += page["data"]
            if not page["has_more"]:
                return found
            page = await self.get(f"{url}&after={page['last_id']}")

    async def refused(self, call: Awaitable[Any]) -> tuple[int, str]:
        with pytest.raises(openai.APIStatusError) as refusal:
            await call
        body: Any = refusal.value.body
        return refusal.value.status_code, body["message"]

    async def upload(self) -> str:
        return (await self.client.files.create(file=("a.md", b"text"), purpose="user_data")).id

    async def store(self) -> str:
        found: str = (await self.post(STORES, name="kb"))["id"]
        return found


@dataclass
class Thing:
    """An object: its id, its path, the lists in which it stands, and what is said where it
    is not.
    """

    id: str
    path: str
    lists: list[str]
    absent: str

    async def shown(self, wire: Wire) -> list[JSON]:
        """The object as each of its lists shows it."""
        return [
            item for path in self.lists for item in await wire.listed(path) if item["id"] == self.id
        ]


async def file(wire: Wire) -> Thing:
    made = await wire.upload()
    return Thing(
        made,
        f"{FILES}/{made}",
        [FILES, f"{FILES}?purpose=user_data"],
        f"No such File object: {made}",
    )


async def joined_upload(wire: Wire) -> Thing:
    upload = await wire.post(
        "/uploads", filename="a.md", purpose="user_data", bytes=4, mime_type="text/plain"
    )
    part = await wire.client.uploads.parts.create(upload["id"], data=b"text")
    made = (await wire.post(f"/uploads/{upload['id']}/complete", part_ids=[part.id]))["file"]["id"]
    return Thing(made, f"{FILES}/{made}", [FILES], f"No such File object: {made}")


async def store(wire: Wire) -> Thing:
    made = await wire.store()
    return Thing(made, f"{STORES}/{made}", [STORES], f"No vector store found with id '{made}'.")


async def assistant(wire: Wire) -> Thing:
    made = (await wire.post(ASSISTANTS, model="gpt-4o", name="a"))["id"]
    return Thing(
        made, f"{ASSISTANTS}/{made}", [ASSISTANTS], f"No assistant found with id '{made}'."
    )


def in_store(store: str, file_id: str, *more: str) -> Thing:
    path = f"{STORES}/{store}/files"
    absent = f"No file found with id '{file_id}' in vector store '{store}'."
    return Thing(file_id, f"{path}/{file_id}", [path, f"{path}?filter=in_progress", *more], absent)


async def store_file(wire: Wire) -> Thing:
    store, file_id = await wire.store(), await wire.upload()
    made = await wire.post(f"{STORES}/{store}/files", file_id=file_id, attributes={"n": 1})
    assert (made["id"], made["attributes"]) == (file_id, {"n": 1})
    return in_store(store, file_id)


async def batched_file(wire: Wire) -> Thing:
    store, file_id = await wire.store(), await wire.upload()
    batch = await wire.post(f"{STORES}/{store}/file_batches", file_ids=[file_id])
    return in_store(store, file_id, f"{STORES}/{store}/file_batches/{batch['id']}/files")


async def first_file(wire: Wire) -> Thing:
    file_id = await wire.upload()
    return in_store((await wire.post(STORES, file_ids=[file_id]))["id"], file_id)


async def batch(wire: Wire) -> Thing:
    store, file_id = await wire.store(), await wire.upload()
    made = await wire.post(f"{STORES}/{store}/file_batches", file_ids=[file_id])
    assert made["file_counts"]["total"] == 1
    absent = f"No file batch found with id '{made['id']}' in vector store '{store}'."
    return Thing(made["id"], f"{STORES}/{store}/file_batches/{made['id']}", [], absent)


async def agent(wire: Wire) -> Thing:
    made = (await wire.post(AGENTS, model="gpt-6", name="a"))["id"]
    return Thing(made, f"{AGENTS}/{made}", [AGENTS], f"No agent found with id '{made}'.")


async def template(wire: Wire) -> Thing:
    made = (await wire.post(TEMPLATES, name="a"))["id"]
    absent = f"No environment template found with id '{made}'."
    return Thing(made, f"{TEMPLATES}/{made}", [TEMPLATES], absent)


async def vault(wire: Wire) -> Thing:
    made = (await wire.post(VAULTS, name="a"))["id"]
    return Thing(made, f"{VAULTS}/{made}", [VAULTS], f"No vault found with id '{made}'.")


async def credential(wire: Wire) -> Thing:
    within = (await vault(wire)).id
    auth = {"type": "static_bearer", "mcp_server_url": "https://mcp.example", "token": "t"}
    path = f"{VAULTS}/{within}/credentials"
    made = (await wire.post(path, name="a", metadata={"n": "1"}, auth=auth))["id"]
    absent = f"No credential found with id '{made}' in vault '{within}'."
    return Thing(made, f"{path}/{made}", [path], absent)


async def automation(wire: Wire) -> Thing:
    said = {"role": "user", "content": [{"type": "input_text", "text": "Go."}]}
    target = {"type": "new_session", "agent": {"model": "gpt-6"}, "input": [said]}
    target["environment"] = {"type": "none"}
    schedule = {"type": "periodic", "expression": "0 8 * * 1-5", "timezone": "UTC"}
    made = (await wire.post(AUTOMATIONS, name="a", target=target, **schedule))["id"]
    absent = f"No automation found with id '{made}'."
    return Thing(made, f"{AUTOMATIONS}/{made}", [AUTOMATIONS], absent)


async def skill(wire: Wire) -> Thing:
    main = ("a/SKILL.md", b"---\nname: a\ndescription: Does a.\n---\nDo a.\n")
    made = (await wire.client.skills.create(files=[main])).id
    return Thing(made, f"{SKILLS}/{made}", [SKILLS], f"No skill found with id '{made}'.")


# How each kind is made, and the request that makes it.
KINDS: dict[Callable[[Wire], Awaitable[Thing]], str] = {
    file: "^/v1/files$",
    joined_upload: "/complete$",
    store: "^/v1/vector_stores$",
    assistant: "^/v1/assistants$",
    store_file: "vector_stores/.*/files$",
    batched_file: "/file_batches$",
    batch: "/file_batches$",
    agent: "^/v1/agents$",
    template: "/templates$",
    vault: "^/v1/vaults$",
    credential: "/credentials$",
    automation: "/automations$",
    skill: "^/v1/skills$",
}
LISTED = [kind for kind in (*KINDS, first_file) if kind is not batch]
DELETABLE: dict[Callable[[Wire], Awaitable[Thing]], str] = {
    file: "^/v1/files/",
    store: "^/v1/vector_stores/[^/]*$",
    assistant: "^/v1/assistants/",
    store_file: "^/v1/vector_stores/.*/files/",
    agent: "^/v1/agents/[^/]*$",
    template: "/templates/",
    vault: "^/v1/vaults/[^/]*$",
    credential: "/credentials/",
    automation: "/automations/",
    skill: "^/v1/skills/",
}
