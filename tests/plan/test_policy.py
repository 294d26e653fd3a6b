"""Which assistants break a policy, how badly, and on which day; and which waivers hold."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from provisioner.model import Address, Desired, Policies, Source, Waiver
from provisioner.plan.policy import allowed, breaches, expired, unlisted, unused

TODAY = date(2026, 6, 15)
END = date(2026, 7, 15)


def day(days: int) -> date:
    return TODAY + timedelta(days=days)


def want(name: str = "assistant.a", model: Any = "old") -> Desired:
    return Desired(Address.parse(name), {"model": model}, Source("a.yaml"))


def waiver(policy: Any = "models", address: str = "assistant.a", days: int = 0) -> Waiver:
    return Waiver(policy, address, "because", day(days), Source("provisioner.yaml"))


def found(
    policies: Policies, *wanted: Desired, end: date | None = None, today: date = TODAY
) -> list[str]:
    """`POLICY ADDRESS SEVERITY`, and whether it is waived."""
    rows = breaches(
        policies, wanted or (want(),), lambda model: end if model == "old" else None, today
    )
    return [
        f"{one.policy} {one.address} {one.severity}{' waived' if one.waiver else ''}"
        for one in rows
    ]


ALLOW: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no list": ({}, []),
    "on the list": ({"allow": ("new", "old")}, []),
    "by a pattern": ({"allow": ("o*",)}, []),
    "another case is another model": ({"allow": ("OLD",)}, ["models assistant.a error"]),
    "not on the list": ({"allow": ("new",)}, ["models assistant.a error"]),
    "not on the list, which only warns": (
        {"allow": ("new",), "models": "warn"},
        ["models assistant.a warning"],
    ),
    "not on the list, which says nothing": ({"allow": ("new",), "models": "ignore"}, []),
    "waived": ({"allow": ("new",), "waivers": (waiver(),)}, ["models assistant.a error waived"]),
    "waived until yesterday": (
        {"allow": ("new",), "waivers": (waiver(days=-1),)},
        ["models assistant.a error"],
    ),
    "another policy is waived": (
        {"allow": ("new",), "waivers": (waiver("model_shutdown"),)},
        ["models assistant.a error"],
    ),
    "somebody else's is waived": (
        {"allow": ("new",), "waivers": (waiver(address="assistant.b"),)},
        ["models assistant.a error"],
    ),
}


@pytest.mark.parametrize("row", ALLOW)
def test_models(row: str) -> None:
    """Which models may be used."""
    given, rows = ALLOW[row]
    assert found(Policies(**given)) == rows


ENDS: dict[str, tuple[dict[str, Any], date, list[str]]] = {
    "far ahead": ({}, END - timedelta(days=61), ["model_shutdown assistant.a None"]),
    "as many days ahead as are to be told": (
        {},
        END - timedelta(days=60),
        ["model_shutdown assistant.a warning"],
    ),
    "on its last day": ({}, END, ["model_shutdown assistant.a warning"]),
    "over": ({}, END + timedelta(days=1), ["model_shutdown assistant.a error"]),
    "over, which only warns": (
        {"shutdown": "warn"},
        END + timedelta(days=1),
        ["model_shutdown assistant.a warning"],
    ),
    "over, which says nothing": ({"shutdown": "ignore"}, END + timedelta(days=1), []),
    "over, and waived": (
        {"waivers": (waiver("model_shutdown", days=31),)},
        END + timedelta(days=1),
        ["model_shutdown assistant.a error waived"],
    ),
    "with a few days' warning": (
        {"warn_days": 3},
        END - timedelta(days=4),
        ["model_shutdown assistant.a None"],
    ),
    "not allowed, and over": (
        {"allow": ("new",)},
        END + timedelta(days=1),
        ["models assistant.a error", "model_shutdown assistant.a error"],
    ),
}


@pytest.mark.parametrize("row", ENDS)
def test_ends_of_models(row: str) -> None:
    """How near the end of a model is."""
    given, today, rows = ENDS[row]
    assert found(Policies(**given), end=END, today=today) == rows


def test_what_is_judged() -> None:
    """Assistants whose model is known, and nothing else."""
    policies = Policies(allow=("new",))
    others = (want("vector_store.kb"), want("assistant.b", None), want("assistant.c", "new"))
    assert found(policies, *others) == []
    assert found(policies, *others, want("assistant.d")) == ["models assistant.d error"]
    assert found(policies, want("assistant.c", "new"), end=END) == []


def test_allowed() -> None:
    """Any model where there is no list."""
    assert allowed(Policies(), "anything")
    assert allowed(Policies(allow=("a", "gpt-*")), "gpt-5")
    assert not allowed(Policies(allow=("a", "gpt-*")), "o1")


@pytest.mark.parametrize(("days", "over"), [(-1, True), (0, False), (1, False)])
def test_the_last_day_of_a_waiver(days: int, over: bool) -> None:
    """A waiver holds up to and including its day."""
    assert expired(waiver(days=days), TODAY) is over


def test_waivers_that_nothing_needs() -> None:
    """Those that hold and have nothing to waive; one for a model whose end is only known has
    something.
    """
    needed, idle = waiver(), waiver(address="assistant.b")
    ahead, over = waiver("model_shutdown"), waiver("model_shutdown", "assistant.b", days=-1)
    policies = Policies(allow=("new",), waivers=(needed, idle, ahead, over))
    rows = list(breaches(policies, (want(),), lambda _: day(400), TODAY))
    assert [one.severity for one in rows] == ["error", None]
    assert unused(policies, rows, TODAY) == [idle]
    assert unused(policies, [], TODAY) == [needed, idle, ahead]


def test_what_a_breach_says() -> None:
    """Whose it is, and of which model."""
    (one,) = breaches(Policies(allow=("new",)), (want(),), lambda _: None, TODAY)
    assert (one.address, one.model, one.end, one.waiver) == (
        Address.parse("assistant.a"),
        "old",
        None,
        None,
    )
    (other,) = breaches(Policies(), (want(),), lambda _: END, TODAY)
    assert other.end == END


@pytest.mark.parametrize(
    ("models", "names", "sure", "missing"),
    [
        (["a", "b"], {"a", "c"}, False, ["b"]),
        (["a", "b"], {"a", "b"}, False, []),
        (["b"], {"a", "c"}, False, []),
        (["b"], {"a", "c"}, True, ["b"]),
        (["b"], set(), True, []),
        ([None, 3], {"a"}, True, []),
    ],
)
def test_models_that_a_service_does_not_list(
    models: list[Any], names: set[str], sure: bool, missing: list[str]
) -> None:
    """One that lists none of ours is believed only if it is known to list all; an empty list says
    nothing.
    """
    wanted = [want(f"assistant.a{at}", model) for at, model in enumerate(models)]
    found = unlisted([*wanted, want("vector_store.k", "b")], names, sure=sure)
    assert [one.fields["model"] for one in found] == missing
