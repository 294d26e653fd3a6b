"""`make live` tells the same stories on a real service: here it is `local serve`, behind its base
URL.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts import live
from tests.scenarios import test_scenarios
from tests.support.running import PROGRAM, surroundings

SECRET = "sk-live-0123456789abcdef0123456789abcdef"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (live.KEY, live.SPEND, live.SERVICE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("PROVISIONER_ENV", raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("key", "spend", "says"),
    [
        (None, None, f"needs {live.KEY} and {live.SPEND}"),
        (SECRET, None, f"needs {live.SPEND} in"),
        (None, "1", f"needs {live.KEY} in"),
        (SECRET, "0.01", f"may cost up to ${live.COST}, and {live.SPEND} says 0.01"),
        (SECRET, "yes", "a number of US dollars"),
        (SECRET, "nan", "says nan"),
    ],
)
def test_it_is_refused(
    environment: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    key: str | None,
    spend: str | None,
    says: str,
) -> None:
    """Without a key, or without a yes that names what it may cost: it says so and ends with 1, and
    nobody has even connected.
    """
    for name, value in ((live.KEY, key), (live.SPEND, spend)):
        if value is not None:
            environment.setenv(name, value)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        environment.setenv(live.SERVICE, f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
        assert live.main(tmp_path / "live") == 1
        with pytest.raises(BlockingIOError):
            listener.accept()
    said = capsys.readouterr().err
    assert says in said and SECRET not in said
    assert not (tmp_path / "live").exists()


def test_what_is_told() -> None:
    """The life of a workspace through both APIs that OpenAI has, and nothing of the old one."""
    names = [name for name, _, _ in live.chosen()]
    assert "life-0-responses" in names and len(names) >= 8
    assert {api for _, _, api in live.chosen()} == set(live.APIS)


@pytest.fixture
def service(environment: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[live.Service]:
    command = [*PROGRAM, "local", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    process = subprocess.Popen(command, env=surroundings(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = live.Service(process.stdout.readline().strip(), SECRET)
    environment.setenv(live.KEY, SECRET)
    environment.setenv(live.SPEND, "0.05")
    environment.setenv(live.SERVICE, found.name)
    environment.setattr(live, "PAUSE", 0.0)
    environment.setattr(live, "LATE", 0)
    yield found
    process.terminate()
    assert process.wait(10) == 0
    process.stdout.close()


@pytest.mark.thorough
def test_on_a_service(service: live.Service, tmp_path: Path) -> None:
    """Every story passes, the transcript has what was printed and no key, and nothing is left."""
    assert live.main(tmp_path / "live") == 0
    [transcript] = (tmp_path / "live").iterdir()
    text = transcript.read_text(encoding="utf-8")
    assert text.startswith("# Live run of 20") and SECRET not in text
    for name, _, _ in live.chosen():
        assert f"\n{name}: passed\n" in text
    assert "$ provisioner apply -y\n" in text and "Nothing is left at the service." in text
    assert service.everything() == []


@pytest.mark.thorough
def test_a_story_that_fails(
    service: live.Service, tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    """It is named, the others are told all the same, and what it has made is deleted."""
    real = test_scenarios._expect

    def expect(step: dict[str, Any], result: Any) -> None:
        real(step, result)
        assert "4 added" not in result.out, "it went wrong here"

    two = [one for one in live.chosen() if one[0] in ("life-0-responses", "hands-3-responses")]
    environment.setattr(live, "chosen", lambda: iter(two))
    environment.setattr(test_scenarios, "_expect", expect)
    assert live.main(tmp_path / "live") == 1
    [transcript] = (tmp_path / "live").iterdir()
    text = transcript.read_text(encoding="utf-8")
    assert "\nlife-0-responses: failed\n" in text and "it went wrong here" in text
    assert "-responses: passed\n" in text
    assert service.everything() == []


@pytest.mark.thorough
def test_a_project_with_something_in_it(
    service: live.Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was there before is never touched: nothing is begun."""
    there = service.send("POST", "/vector_stores", {"name": "Somebody's"}).json()["id"]
    assert live.main(tmp_path / "live") == 1
    assert "is not empty" in capsys.readouterr().err
    assert service.everything() == [f"/vector_stores/{there}"]
