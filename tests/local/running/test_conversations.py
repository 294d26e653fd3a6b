"""Conversations: their items, and what responses add to them."""

from __future__ import annotations

from typing import Any

import openai
import pytest


def user(text: Any) -> Any:
    return {"type": "message", "role": "user", "content": text}


def test_a_conversation_and_its_items(tell: Any) -> None:
    """Made, changed, listed with cursors, deleted; an item too."""

    async def story(client: openai.AsyncOpenAI) -> None:
        made = await client.conversations.create(metadata={"a": "1"}, items=[user("one")])
        assert (made.object, made.metadata) == ("conversation", {"a": "1"})
        changed = await client.conversations.update(made.id, metadata={"b": "2"})
        assert changed == await client.conversations.retrieve(made.id)
        assert changed.metadata == {"b": "2"}
        added = await client.conversations.items.create(made.id, items=[user("two"), user("three")])
        assert [one.type for one in added.data] == ["message", "message"]
        listed = [one.id async for one in client.conversations.items.list(made.id, limit=1)]
        assert listed[:2] == [added.last_id, added.first_id] and len(listed) == 3
        item = await client.conversations.items.retrieve(listed[2], conversation_id=made.id)
        assert item.content[0].text == "one"  # type: ignore[union-attr]
        left = await client.conversations.items.delete(listed[2], conversation_id=made.id)
        assert left.id == made.id
        with pytest.raises(openai.NotFoundError, match=f"Item with id '{listed[2]}' not found"):
            await client.conversations.items.retrieve(listed[2], conversation_id=made.id)
        assert (await client.conversations.delete(made.id)).deleted
        with pytest.raises(
            openai.NotFoundError, match=f"Conversation with id '{made.id}' not found"
        ):
            await client.conversations.retrieve(made.id)

    tell(story)


def test_responses_add_to_it(tell: Any) -> None:
    """Question and answer, in order, and after a restart."""
    kept: list[str] = []

    async def before(client: openai.AsyncOpenAI) -> None:
        made = await client.conversations.create()
        kept.append(made.id)
        one = await client.responses.create(model="gpt-4o", input="Hello", conversation=made.id)
        assert one.conversation is not None and one.conversation.id == made.id

    async def after(client: openai.AsyncOpenAI) -> None:
        await client.responses.create(
            model="gpt-4o", input="Again", conversation={"id": kept[0]}, store=False
        )
        items = await client.conversations.items.list(kept[0], order="asc")
        texts = [one.content[0].text for one in items.data]  # type: ignore[union-attr]
        assert texts == ["Hello", "You said: Hello", "Again", "You said: Again"]

    tell(before)
    tell(after)


def test_twenty_items_at_once(tell: Any) -> None:
    """One more is refused, at the creation and later."""

    async def story(client: openai.AsyncOpenAI) -> None:
        many = [user("x")] * 21
        made = await client.conversations.create(items=many[:20])
        for call in (
            client.conversations.create(items=many),
            client.conversations.items.create(made.id, items=many),
        ):
            with pytest.raises(openai.BadRequestError, match="maximum length 20"):
                await call
        with pytest.raises(openai.NotFoundError, match="Conversation with id 'conv_gone'"):
            await client.responses.create(model="gpt-4o", input="x", conversation="conv_gone")

    tell(story)


OUTPUT: Any = {"type": "function_call_output", "call_id": "c", "output": "x"}


@pytest.mark.parametrize(
    ("item", "param"),
    [
        (OUTPUT | {"output": 5}, "items[0].output"),
        (OUTPUT | {"output": ["x"]}, "items[0].output[0]"),
        (OUTPUT | {"id": [1]}, "items[0].id"),
        (OUTPUT | {"call_id": None}, "items[0].call_id"),
        (OUTPUT | {"status": "done"}, "items[0].status"),
        ({"type": "item_reference", "id": {}}, "items[0].id"),
        ({"type": "mcp_list_tools", "server_label": [], "tools": []}, "items[0].server_label"),
        (user([{"type": "input_file", "file_id": [1]}]), "items[0].content[0].file_id"),
    ],
)
def test_an_item_in_another_form_is_refused(tell: Any, item: Any, param: str) -> None:
    """The refusal names the place."""

    async def story(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.BadRequestError) as refused:
            await client.conversations.create(items=[item])
        assert refused.value.param == param

    tell(story)


def test_what_a_background_response_adds_shows_without_asking_for_it(tell: Any, clock: Any) -> None:
    """The conversation itself is looked at, and nobody looks at the response."""

    async def story(client: openai.AsyncOpenAI) -> None:
        made = await client.conversations.create()
        await client.responses.create(
            model="gpt-4o", input="Hello", conversation=made.id, background=True
        )
        clock.tick(1)
        listed = await client.conversations.items.list(made.id)
        assert [one.role for one in listed.data] == ["assistant", "user"]  # type: ignore[union-attr]

    tell(story)


def test_an_item_is_said_once(tell: Any) -> None:
    """One with the id of another is refused, wherever the other came from."""

    async def story(client: openai.AsyncOpenAI) -> None:
        item = user("one") | {"id": "msg_1"}
        made = await client.conversations.create(items=[item])
        twice = "Duplicate item found with id msg_1"
        with pytest.raises(openai.BadRequestError, match=twice):
            await client.conversations.items.create(made.id, items=[item])
        with pytest.raises(openai.BadRequestError, match=twice):
            await client.conversations.create(items=[item, item])
        with pytest.raises(openai.BadRequestError, match=twice):
            await client.responses.create(model="gpt-4o", input=[item], conversation=made.id)
        assert len((await client.conversations.items.list(made.id)).data) == 1

    tell(story)
