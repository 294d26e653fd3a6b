"""Searching a store: ranking, filters, limits, and what is no longer found."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from provisioner.local.search import matches

DOCUMENTS = {
    "leave.md": (
        "Employees have 27 vacation days a year. Vacations are booked in advance.",
        {"team": "hr", "year": 2026},
    ),
    "travel.md": (
        "Travel by train is preferred. Book tickets two weeks ahead.",
        {"team": "finance", "year": 2025},
    ),
    "it.md": (
        "Reset your password at the help desk, or call the hotline.",
        {"team": "it", "year": 2024, "old": True},
    ),
}


@pytest.fixture(scope="module")
def store_id(client: openai.OpenAI) -> str:
    store = client.vector_stores.create(name="kb")
    for name, (text, attributes) in DOCUMENTS.items():
        file = client.files.create(file=(name, text.encode()), purpose="assistants")
        client.vector_stores.files.create_and_poll(
            file.id, vector_store_id=store.id, attributes=attributes
        )  # type: ignore[arg-type]
    return store.id


def names(client: openai.OpenAI, store_id: str, query: Any, **given: Any) -> list[str]:
    return [hit.filename for hit in client.vector_stores.search(store_id, query=query, **given)]


def test_the_best_passage_comes_first(client: openai.OpenAI, store_id: str) -> None:
    """A result carries the passage, where it is from, its attributes and a score from 0 to 1."""
    page = client.vector_stores.search(
        store_id, query="How many vacation days does an employee have?"
    )
    best = page.data[0]
    assert (best.filename, best.content[0].text, best.attributes) == (
        "leave.md",
        *DOCUMENTS["leave.md"],
    )
    assert [hit.score for hit in page.data] == sorted(
        (hit.score for hit in page.data), reverse=True
    )
    assert all(0 <= hit.score <= 1 for hit in page.data)
    assert page.model_extra is not None
    assert page.model_extra["search_query"] == ["How many vacation days does an employee have?"]


def test_words_are_found_in_other_forms(client: openai.OpenAI, store_id: str) -> None:
    """Singular finds plural, whatever the case."""
    assert names(client, store_id, "EMPLOYEE booking") != []
    assert names(client, store_id, "passwords")[0] == "it.md"


def test_several_queries_are_joined(client: openai.OpenAI, store_id: str) -> None:
    """Each of a list of queries finds its own."""
    assert set(names(client, store_id, ["vacation", "password"])) == {"leave.md", "it.md"}


@pytest.mark.parametrize("query", ['"', "* OR (", "?!", "NEAR(a b)", "store:x"])
def test_a_query_is_never_syntax(client: openai.OpenAI, store_id: str, query: str) -> None:
    """Signs that mean something to the index are words like any other to a user."""
    names(client, store_id, query)


def test_another_stores_passages_are_not_found(client: openai.OpenAI) -> None:
    """A store finds what is in it."""
    assert names(client, client.vector_stores.create(name="empty").id, "vacation") == []


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"type": "eq", "key": "team", "value": "hr"}, {"leave.md"}),
        ({"type": "ne", "key": "team", "value": "hr"}, {"travel.md", "it.md"}),
        ({"type": "gt", "key": "year", "value": 2025}, {"leave.md"}),
        ({"type": "gte", "key": "year", "value": 2025}, {"leave.md", "travel.md"}),
        ({"type": "lt", "key": "year", "value": 2025}, {"it.md"}),
        ({"type": "lte", "key": "year", "value": 2025}, {"travel.md", "it.md"}),
        ({"type": "in", "key": "team", "value": ["hr", "it"]}, {"leave.md", "it.md"}),
        ({"type": "nin", "key": "team", "value": ["hr", "it"]}, {"travel.md"}),
        ({"type": "eq", "key": "old", "value": True}, {"it.md"}),
        (
            {
                "type": "or",
                "filters": [
                    {"type": "eq", "key": "team", "value": "hr"},
                    {
                        "type": "and",
                        "filters": [
                            {"type": "eq", "key": "team", "value": "it"},
                            {"type": "eq", "key": "year", "value": 2024},
                        ],
                    },
                ],
            },
            {"leave.md", "it.md"},
        ),
    ],
)
def test_filters_choose_by_attributes(
    client: openai.OpenAI, store_id: str, condition: Any, found: set[str]
) -> None:
    """Every comparison, and both ways of joining them, to any depth."""
    query = ["vacation", "train", "password"]
    assert set(names(client, store_id, query, filters=condition)) == found


def test_true_is_not_one() -> None:
    """Booleans and numbers are told apart, and values of different kinds have no order."""
    assert not matches({"type": "eq", "key": "a", "value": 1}, {"a": True})
    assert not matches({"type": "gt", "key": "a", "value": 1}, {"a": "2"})
    assert matches({"type": "ne", "key": "a", "value": 1}, {})


def test_results_are_limited_by_number_and_score(client: openai.OpenAI, store_id: str) -> None:
    """`max_num_results` cuts the list, `score_threshold` drops what is weak."""
    query = ["vacation", "train", "password"]
    assert len(names(client, store_id, query, max_num_results=2)) == 2
    assert (
        names(client, store_id, "vacation hotline zebra", ranking_options={"score_threshold": 0.9})
        == []
    )


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({}, "query"),
        ({"query": "a", "max_num_results": 51}, "max_num_results"),
        ({"query": "a", "max_num_results": 0}, "max_num_results"),
        (
            {"query": "a", "ranking_options": {"score_threshold": 1.5}},
            "ranking_options.score_threshold",
        ),
        ({"query": "a", "filters": {"type": "like", "key": "k", "value": "v"}}, "filters.type"),
        (
            {"query": "a", "filters": {"type": "and", "filters": [{"type": "eq", "key": "k"}]}},
            "filters.filters[0].value",
        ),
        ({"query": "a", "limit": 3}, "limit"),
    ],
)
def test_bad_searches_are_refused(
    client: openai.OpenAI, store_id: str, given: Any, param: str
) -> None:
    """The param names the place, however deep."""
    with pytest.raises(openai.BadRequestError) as refusal:
        client.post(f"/vector_stores/{store_id}/search", body=given, cast_to=object)
    assert refusal.value.param == param


def test_what_is_detached_is_found_no_more(tell: Any, clock: Any, tmp_path: Any) -> None:
    """At once for the search, and before long its passages are out of the index too."""

    async def story(client: openai.AsyncOpenAI) -> None:
        file = await client.files.create(file=("a.md", b"zebra"), purpose="assistants")
        store = await client.vector_stores.create(name="kb", file_ids=[file.id])
        assert (await client.vector_stores.search(store.id, query="zebra")).data == []
        clock.tick(1)
        assert len((await client.vector_stores.search(store.id, query="zebra")).data) == 1
        await client.vector_stores.files.delete(file.id, vector_store_id=store.id)
        assert (await client.vector_stores.search(store.id, query="zebra")).data == []

    app = tell(story)
    assert app.state.service.database.one("SELECT count(*) FROM passages")[0] == 0
