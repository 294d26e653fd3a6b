"""When models end: what a service says, how long that is believed, and what OpenAI has
announced.
"""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from provisioner import disk
from provisioner.engine import shutdowns, validate
from provisioner.engine.shutdowns import DAY, Shutdowns, asked, kept_answers, policies_apply
from provisioner.errors import ServiceError
from provisioner.model import Policies, Problem, Source, Waiver
from provisioner.workspace import Environment

END = date(2030, 1, 31)
OLD = "gpt-4.1"  # whose end OpenAI has announced


class Service:
    """What answers `/models`; an exception is raised instead."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, 0

    async def glance(self, path: str) -> Any:
        assert path == "/models"
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer == "never":
            await asyncio.sleep(60)
        return self.answer


def environment(service: str = "https://host/v1", **more: Any) -> Environment:
    return Environment("prod", service, **more)


def known(root: Path, answering: Service, **more: Any) -> Shutdowns:
    """What is known after asking."""
    return asyncio.run(asked(root, environment(**more), answering))  # type: ignore[arg-type]


def listing(*models: Any) -> Any:
    return {"object": "list", "data": [*models]}


SAID = listing({"id": "m", "shutdown_date": "2030-01-31"}, {"id": "n", "shutdown_date": None})

ANSWERS: dict[str, tuple[Any, dict[str, date | None]]] = {
    "some end, some do not, others do not say": (
        listing(
            {"id": "m", "shutdown_date": "2030-01-31"},
            {"id": "n", "shutdown_date": None},
            {"id": "o"},
        ),
        {"m": END, "n": None},
    ),
    "days that are none": (
        listing(
            *(
                {"id": f"m{at}", "shutdown_date": day}
                for at, day in enumerate(["soon", "2030-02-31", 20300131, "", True])
            )
        ),
        {},
    ),
    "models that are none": (
        listing("m", None, {"shutdown_date": "2030-01-31"}, {"id": 1, "shutdown_date": None}),
        {},
    ),
    "no list": ({"data": {}}, {}),
    "nothing": ({}, {}),
    "a list without an envelope": ([{"id": "m", "shutdown_date": "2030-01-31"}], {}),
}


@pytest.mark.parametrize("row", ANSWERS)
def test_answers(tmp_path: Path, row: str) -> None:
    """What a service says of its models counts; whatever else it may say is passed over."""
    answer, given = ANSWERS[row]
    assert known(tmp_path, Service(answer)).given == given
    assert kept_answers(tmp_path, environment()).given == given


@pytest.mark.parametrize(
    ("age", "asks"), [(0.0, False), (DAY - 1, False), (DAY, True), (DAY + 1, True), (-1, True)]
)
def test_an_answer_is_good_for_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: float, asks: bool
) -> None:
    """It is kept for so long, and not asked for again; an answer of tomorrow is none."""
    service = Service(SAID)
    monkeypatch.setattr(shutdowns.time, "time", lambda: 1_000_000.0)
    known(tmp_path, service)
    monkeypatch.setattr(shutdowns.time, "time", lambda: 1_000_000.0 + age)
    service.answer = listing()
    assert (known(tmp_path, service).given == {}) is asks
    assert service.asked == (2 if asks else 1)


def test_an_answer_is_of_one_service(tmp_path: Path) -> None:
    """Another address, organization or project is asked itself."""
    service = Service(SAID)
    for more in (
        {},
        {"service": "https://other/v1"},
        {"organization": "org-1"},
        {"project": "proj_1"},
        {},
    ):
        known(tmp_path, service, **more)
    assert service.asked == 4


def refused(status: int | None) -> ServiceError:
    return ServiceError(Problem("No", "No."), status=status)


@pytest.mark.parametrize(
    ("answer", "final"),
    [
        (refused(404), True),
        (refused(400), True),
        (refused(499), True),
        (refused(401), False),
        (refused(408), False),
        (refused(429), False),
        (refused(500), False),
        (refused(503), False),
        (refused(None), False),
        ("never", False),
    ],
)
def test_a_service_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any, final: bool
) -> None:
    """A service without such a list has none to give, and is not asked again that day. Where it may
    answer later, what it said before is believed meanwhile.
    """
    monkeypatch.setattr(shutdowns, "ASKING_SECONDS", 0.01)
    now = [1_000_000.0]
    monkeypatch.setattr(shutdowns.time, "time", lambda: now[0])
    service = Service(SAID)
    known(tmp_path, service)
    now[0] += DAY
    service.answer = answer
    assert known(tmp_path, service).given == ({} if final else {"m": END, "n": None})
    known(tmp_path, service)
    assert service.asked == (2 if final else 3)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"at": "x", "models": {}}', '{"at": 1, "models": []}', '{"at": 1e12}']
)
def test_what_was_kept_is_broken(tmp_path: Path, text: str) -> None:
    """What is not what was written counts for nothing."""
    known(tmp_path, Service(SAID))
    (file,) = (tmp_path / disk.CACHE).iterdir()
    file.write_text(text, encoding="utf-8")
    assert kept_answers(tmp_path, environment()).given == {}
    service = Service(SAID)
    assert known(tmp_path, service).given == {"m": END, "n": None} and service.asked == 1


def test_nothing_can_be_kept(tmp_path: Path) -> None:
    """A folder that cannot be written is not an error."""
    (tmp_path / ".provisioner").touch()
    assert known(tmp_path, Service(SAID)).given == {"m": END, "n": None}


@pytest.mark.parametrize(
    ("service", "public"),
    [
        ("openai", True),
        ("https://api.openai.com/v1", True),
        ("https://api.openai.com/v1/", True),
        ("https://host/v1", False),
        ("local", False),
    ],
)
def test_whose_announcements(tmp_path: Path, service: str, public: bool) -> None:
    """What OpenAI has announced is about its own service; what a service says itself comes
    first.
    """
    found = kept_answers(tmp_path, environment(service))
    assert found.public is public
    assert (found.of(OLD) is not None) is public
    assert found.of("nobody's") is None
    assert (found.known, found.ending) == (public, public)


def test_who_says_so() -> None:
    """The service itself, or OpenAI's announcements; that a model does not end is known, and ends
    nothing.
    """
    found = Shutdowns({OLD: END, "n": None}, public=True)
    assert (found.of(OLD), found.of("n")) == (END, None)
    assert found.source(OLD) == "as the service says"
    assert found.source("gpt-4o").startswith("by OpenAI's announcements as of 20")
    assert (Shutdowns({"n": None}).known, Shutdowns({"n": None}).ending) == (True, False)
    assert (Shutdowns({"m": END}).known, Shutdowns({"m": END}).ending) == (True, True)
    assert (Shutdowns().known, Shutdowns().ending) == (False, False)


def test_whether_there_is_anything_to_say() -> None:
    """A list of models, a waiver, or the end of any model."""
    waiver = Waiver("models", "assistant.a", "because", END, Source(""))
    assert not policies_apply(Policies(), Shutdowns({"n": None}))
    assert policies_apply(Policies(allow=("m",)), Shutdowns())
    assert policies_apply(Policies(waivers=(waiver,)), Shutdowns())
    assert policies_apply(Policies(), Shutdowns({"m": END}))


def test_every_name_is_kept(tmp_path: Path) -> None:
    """Those of which the service says no end, too; the embedded service takes any name."""
    said = listing({"id": "m", "shutdown_date": None}, {"id": "o"}, {"id": 3}, "p")
    assert known(tmp_path, Service(said)).names == {"m", "o"}
    assert kept_answers(tmp_path, environment()).names == {"m", "o"}
    embedded = environment("local")
    found = asyncio.run(asked(tmp_path, embedded, Service(said)))  # type: ignore[arg-type]
    assert found.names == frozenset()
    assert policies_apply(Policies(), Shutdowns(names=frozenset({"m"})))


@pytest.mark.parametrize("service", ["openai", "https://host/v1"])
def test_a_model_that_the_service_does_not_list(tmp_path: Path, service: str) -> None:
    """A warning at its place that says what was meant, by the last answer and without asking; a
    model that has ended is reported as that alone.
    """
    (tmp_path / "specs").mkdir()
    settings = f"environments: {{prod: {{service: {service}, api: responses}}}}\n"
    (tmp_path / "provisioner.yaml").write_text(settings, encoding="utf-8")
    models = ("gpt-9", "gpt9", "old")
    lines = [f"  a{at}: {{model: {model}}}\n" for at, model in enumerate(models)]
    (tmp_path / "specs/a.yaml").write_text("assistants:\n" + "".join(lines), encoding="utf-8")
    said = listing({"id": "gpt-9"}, {"id": "old", "shutdown_date": "2020-01-31"})
    asyncio.run(asked(tmp_path, environment(service), Service(said)))  # type: ignore[arg-type]
    ended, unknown = sorted(validate(tmp_path).problems, key=lambda one: one.severity)
    assert ended.summary == "Model shut down"
    assert (unknown.summary, unknown.severity) == ("Unknown model", "warning")
    assert (unknown.file, unknown.line, unknown.column) == ("specs/a.yaml", 3, 15)
    assert unknown.hint == "did you mean `gpt-9`?"


def test_a_model_that_has_ended_is_said_once(tmp_path: Path) -> None:
    """OpenAI does not list it any more, and that is no news."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "provisioner.yaml").write_text(
        "environments: {prod: {service: openai}}\n", encoding="utf-8"
    )
    (tmp_path / "specs/a.yaml").write_text("assistants: {a: {model: o1-mini}}\n", encoding="utf-8")
    said = listing({"id": "gpt-9"})
    asyncio.run(asked(tmp_path, environment("openai"), Service(said)))  # type: ignore[arg-type]
    assert [one.summary for one in validate(tmp_path).problems] == ["Model shut down"]
