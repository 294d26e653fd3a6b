from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from provisioner import schemas
from provisioner.kinds import kind, kinds

from .shapes import BAD, GOOD


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(schemas.spec_schema())


def spec_of(kind_name: str, written: Any) -> dict[str, Any]:
    return {kind(kind_name).section: {"support": written}}


def shape_error(kind_name: str, written: Any) -> ValidationError | None:
    try:
        TypeAdapter(kind(kind_name).spec).validate_python(written)
    except ValidationError as error:
        return error
    return None


@pytest.mark.parametrize("case", GOOD)
def test_good_shapes_are_accepted_by_model_and_schema(
    case: str, validator: Draft202012Validator
) -> None:
    """What is within the limits passes both."""
    kind_name, written = GOOD[case]
    assert shape_error(kind_name, written) is None
    assert [error.message for error in validator.iter_errors(spec_of(kind_name, written))] == []


@pytest.mark.parametrize("case", BAD)
def test_bad_shapes_are_refused_by_model_and_schema(
    case: str, validator: Draft202012Validator
) -> None:
    """What is just beyond a limit, or of another type, fails both."""
    kind_name, written = BAD[case]
    assert shape_error(kind_name, written) is not None
    assert not validator.is_valid(spec_of(kind_name, written))


@pytest.mark.parametrize(
    ("kind_name", "written", "place", "words"),
    [
        (
            "assistant",
            {"model": "m", "metadata": {"year": 2026}},
            "year",
            'write it in quotes: "2026"',
        ),
        (
            "assistant",
            {"model": "m", "metadata": {"old": True}},
            "old",
            'write it in quotes: "true"',
        ),
        (
            "assistant",
            {"model": "m", "metadata": {"provisioner": "x"}},
            "[key]",
            "choose another key",
        ),
        ("assistant", {"model": "m", "tools": ["get_weather"]}, "<name>", "use: get_weather"),
        ("assistant", {"model": "m", "tools": [{"name": "f"}]}, "<unknown>", "the types are"),
        (
            "assistant",
            {"model": "m", "tools": [{"type": "functon"}]},
            "type",
            "did you mean `function`?",
        ),
        (
            "assistant",
            {"model": "m", "tools": ["code_interpeter"]},
            "<name>",
            "did you mean `code_interpreter`?",
        ),
        ("tool", {"type": "retrieval"}, "type", "write `file_search`"),
        ("tool", {"type": "telephone"}, "type", "the types are"),
        (
            "assistant",
            {"model": "m", "responses": {"model": "m"}},
            "model",
            "write it beside `responses`",
        ),
        (
            "assistant",
            {"model": "m", "responses": {"reasoning": {"effort": "low"}}},
            "effort",
            "`reasoning_effort`",
        ),
        (
            "assistant",
            {"model": "m", "responses": {"input": "Hi"}},
            "input",
            "your application adds it",
        ),
        ("assistant", {"model": "m", "responses": {"prompt": {}}}, "prompt", "`instructions`"),
    ],
)
def test_a_refusal_says_the_remedy(kind_name: str, written: Any, place: str, words: str) -> None:
    """Where pydantic's words would not help, the error carries our message and a hint, at the right
    place.
    """
    error = shape_error(kind_name, written)
    assert error is not None
    (found,) = error.errors()
    assert found["loc"][-1] == place
    assert words in found["ctx"]["hint"]


def test_every_kind_has_examples_that_hold(validator: Draft202012Validator) -> None:
    """The reference shows at least two declarations of every kind, and each is good."""
    for declared in kinds().values():
        assert len(declared.examples) >= 2, declared.name
        for example in declared.examples:
            assert shape_error(declared.name, example) is None
            assert validator.is_valid(spec_of(declared.name, example))


def test_every_field_is_described_with_an_example() -> None:
    """The editor and the reference can say of every field what it is for."""
    bare = []
    for name, definition in schemas.spec_schema()["$defs"].items():
        for key, field in definition.get("properties", {}).items():
            if "const" not in field and not field.get("description"):
                bare.append(f"{name}.{key}")
    assert bare == []
