"""Our dataclasses do what those of the standard library do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from provisioner import records

SOURCE = '''
from __future__ import annotations
from dataclasses import field
from functools import cached_property
from typing import ClassVar, Generic, TypeVar

T = TypeVar("T")

@dataclass
class Plain:
    a: int
    b: list[int] = field(default_factory=list)
    later: dict = field(init=False)
    counted: int = field(default=7, init=False)
    made: list = field(default_factory=list, init=False)
    shared: ClassVar[int] = 3

    def __post_init__(self):
        self.later = {"a": self.a}

@dataclass(frozen=True)
class Frozen:
    """Has a doc."""
    a: int
    b: str | None = None

    @cached_property
    def twice(self):
        return self.a * 2

@dataclass(frozen=True, slots=True)
class Slots(Generic[T]):
    a: T
    hidden: str = field(default="h", repr=False)
    beside: int = field(default=0, compare=False)
    kept: dict = field(default_factory=dict)

@dataclass(frozen=True, slots=True)
class Inner(Slots):
    own: int = 1
    beside: int = 5

@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    a: int
    b: tuple = ()
    c: int

@dataclass(slots=True, eq=False)
class Itself:
    a: int

@dataclass
class Empty:
    pass

@dataclass(frozen=True)
class Own:
    a: int
    b: int = 0

    def __eq__(self, other):
        return self.a == other.a

    def __hash__(self):
        return 5

    def __repr__(self):
        return "<own>"

@dataclass
class Self:
    other: object = None
    _private: int = 1
'''


@pytest.fixture(params=[dataclasses.dataclass, records.dataclass], ids=["standard", "ours"])
def made(request: pytest.FixtureRequest) -> Iterator[Any]:
    module = ModuleType(f"made_by_{request.param.__module__.replace('.', '_')}")
    sys.modules[module.__name__] = module
    vars(module)["dataclass"] = request.param
    exec(SOURCE, vars(module))
    yield module
    del sys.modules[module.__name__]


def raised(what: Callable[[], object]) -> type[BaseException] | None:
    try:
        what()
    except (AttributeError, TypeError) as error:
        return type(error)
    return None


def test_values(made: Any) -> None:
    plain = made.Plain(1)
    assert (plain.a, plain.b, plain.later, plain.counted, plain.made) == (1, [], {"a": 1}, 7, [])
    assert made.Plain(1).b is not plain.b
    assert made.Plain(1).made is not plain.made
    assert made.Plain.shared == 3
    assert vars(made.Frozen(1)) == {"a": 1, "b": None}
    assert made.Frozen(4).twice == 8
    inner = made.Inner(a=1, own=2)
    assert (inner.a, inner.hidden, inner.beside, inner.kept, inner.own) == (1, "h", 5, {}, 2)
    assert not hasattr(inner, "__dict__")
    assert made.Named(c=2, a=1).b == ()
    assert made.Empty() == made.Empty()
    assert made.Self()._private == 1


@pytest.mark.parametrize(
    "call",
    [
        "Plain()",
        "Plain(1, [], {})",
        "Plain(1, later={})",
        "Frozen(1, 2, 3)",
        "Frozen(a=1, a_=2)",
        "Named(1, c=2)",
        "Named(a=1)",
        "Empty(1)",
    ],
)
def test_arguments_that_are_refused(made: Any, call: str) -> None:
    assert raised(lambda: eval(call, vars(made))) is TypeError


def test_what_is_equal(made: Any) -> None:
    assert made.Plain(1) == made.Plain(1) != made.Plain(2)
    assert made.Frozen(1, 0) != made.Empty()
    assert made.Frozen(1) != 1
    assert made.Slots(1, beside=1) == made.Slots(1, beside=2)
    assert made.Slots(1, "x") != made.Slots(1, "y")
    assert made.Slots(1) != made.Inner(1)
    assert made.Itself(1) != made.Itself(1)
    assert made.Own(1, 2) == made.Own(1, 3)


def test_what_has_a_hash(made: Any) -> None:
    assert {made.Frozen(1): 2}[made.Frozen(1)] == 2
    assert hash(made.Own(1)) == 5
    assert isinstance(hash(made.Itself(1)), int)
    assert raised(lambda: hash(made.Plain(1))) is TypeError
    assert raised(lambda: hash(made.Slots(1))) is TypeError  # of the mapping in it


def test_what_is_said(made: Any) -> None:
    assert repr(made.Frozen(1)) == "Frozen(a=1, b=None)"
    assert repr(made.Inner(1)) == "Inner(a=1, beside=5, kept={}, own=1)"
    assert repr(made.Own(1)) == "<own>"
    assert repr(made.Empty()) == "Empty()"
    around = made.Self()
    around.other = [around]
    assert repr(around) == "Self(other=[...], _private=1)"
    assert made.Frozen.__doc__ == "Has a doc."


@pytest.mark.parametrize("name", ["a", "b", "other"])
def test_frozen_ones_stay(made: Any, name: str) -> None:
    """Nothing is set or taken away, not even what is no field."""
    for one in (made.Frozen(1), made.Own(1), made.Slots(1), made.Inner(1)):
        before = repr(one)
        assert raised(lambda one=one: setattr(one, name, 2)) is not None
        assert raised(lambda one=one: delattr(one, name)) is not None
        assert repr(one) == before
    plain = made.Plain(1)
    plain.a = 2
    assert plain == made.Plain(2) or plain.later == {"a": 1}
    assert raised(lambda: setattr(made.Itself(1), "b", 2)) is AttributeError


def test_the_tools_of_the_standard_library(made: Any) -> None:
    assert dataclasses.is_dataclass(made.Slots)
    assert dataclasses.replace(made.Slots(1), a=2) == made.Slots(2)
    assert dataclasses.replace(made.Inner(1, own=4), a=2).own == 4
    assert dataclasses.asdict(made.Frozen([made.Frozen(1)])) == {
        "a": [{"a": 1, "b": None}],
        "b": None,
    }
    assert [field.name for field in dataclasses.fields(made.Inner)][-1] == "own"
    match made.Frozen(1, "x"):
        case made.Frozen(1, said):
            assert said == "x"
        case _:
            pytest.fail("it matches nothing")


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]
)
def test_copies(made: Any, copied: Callable[[Any], Any]) -> None:
    for one in (
        made.Plain(1),
        made.Frozen(1),
        made.Slots([1]),
        made.Inner(1),
        made.Named(a=1, c=2),
    ):
        assert copied(one) == one
        assert copied(one) is not one
