"""`make live`: the scenarios on a real service, with a real key and under a stated spend. It writes
a dated transcript, and deletes everything that it has made.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import httpx2

from provisioner import __version__
from tests.scenarios.test_scenarios import stories, story_at, tell
from tests.support.running import Result
from tests.support.world import World

ROOT = Path(__file__).resolve().parent.parent
KEY, SPEND, SERVICE = (
    "PROVISIONER_LIVE_KEY",
    "PROVISIONER_LIVE_SPEND",
    "PROVISIONER_LIVE_SERVICE",
)
OPENAI = "https://api.openai.com/v1"

COST = Decimal("0.05")
"""US dollars. No story asks a model; what could cost is to keep a few KB for some minutes."""

APIS = ("responses", "agents")  # what OpenAI has
MADE = ("/agents", "/vector_stores", "/files")  # what stories make, users before what they use
INTERRUPTED = 130
ROUNDS, PAUSE = 10, 1.0
LATE = 30  # seconds in which a service may not yet show what was made, or what was deleted
LOCK = ".provisioner/local/lock.json"  # where a `World` looks for it


class Refused(Exception):
    """Why nothing is done."""


@dataclass(frozen=True, slots=True)
class Service:
    """A real service, without the product between."""

    name: str  # as `service:` says it
    key: str = field(repr=False)

    @property
    def environment(self) -> dict[str, Any]:
        """What `provisioner.yaml` says of it."""
        return {"service": self.name, "api_key": {"env": KEY}, "lock": LOCK, "settling": LATE}

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> httpx2.Response:
        url = OPENAI if self.name == "openai" else self.name
        headers = {"Authorization": f"Bearer {self.key}"}
        if path.startswith("/agents"):
            headers["OpenAI-Beta"] = "agents=v1"
        return httpx2.request(
            method, f"{url}{path}", json=body, headers=headers, timeout=60, **more
        )

    def everything(self) -> list[str]:
        """The path of each object that a story could have made."""
        return [f"{path}/{id}" for path in MADE for id in self._ids(path)]

    def _ids(self, path: str) -> Iterator[str]:
        after = ""
        while True:
            reply = self.send("GET", f"{path}?limit=100{after}")
            if reply.status_code == 404:  # a server without that API
                return
            if reply.status_code != 200:
                raise Refused(f"`GET {path}` was answered with {reply.status_code}: {reply.text}")
            page = reply.json()
            yield from (one["id"] for one in page["data"])
            if not page.get("has_more"):
                return
            after = f"&after={page['data'][-1]['id']}"

    def emptied(self) -> list[str]:
        """Delete everything; what would not go. The project was empty, so it is all of it ours."""
        for _ in range(ROUNDS):
            found = self.everything()
            if not found:
                return []
            for path in found:
                self.send("DELETE", path)
            time.sleep(PAUSE)
        return self.everything()


@dataclass(slots=True)
class LiveWorld(World):
    """A workspace whose service is a real one; what is printed is kept."""

    service: Service = Service("", "")
    told: list[str] = field(default_factory=list)

    def run(self, *words: str) -> Result:
        result = World.run(self, *words)
        ended = f"[exit code {result.code}]\n"
        self.told.append(f"$ provisioner {' '.join(words)}\n{result.out}{result.err}{ended}")
        if result.code == INTERRUPTED:
            raise KeyboardInterrupt
        return result

    async def _http(self, method: str, path: str, body: Any, expect: int, **more: Any) -> Any:
        reply = self.service.send(method, path, body, **more)
        self.told.append(f"by hand: {method} {path} ({reply.status_code})\n")
        assert reply.status_code == expect, reply.text
        return reply.json()


class Transcript:
    """What was done, in a file with the time in its name. It is written as the run goes on."""

    def __init__(self, folder: Path, service: Service, spend: Decimal) -> None:
        now = datetime.now(UTC)
        self.path = folder / f"{now:%Y-%m-%dT%H%M%SZ}.md"
        self._key = service.key
        folder.mkdir(parents=True, exist_ok=True)
        self.say(
            f"# Live run of {now:%Y-%m-%d %H:%M:%S} UTC\n\n"
            f"provisioner {__version__} on `{service.name}`, under a stated spend of ${spend}.\n"
        )

    def say(self, text: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text.replace(self._key, "(sensitive)") + "\n")


def main(folder: Path = ROOT / "live") -> int:
    """Tell every story that a real service can tell; 1 where one failed or something is left."""
    try:
        service, spend = asked(os.environ)
        if found := service.everything():
            some = ", ".join(found[:3])
            raise Refused(
                f"The project of the key is not empty: it has {len(found)} objects, such as {some}."
                " At the end everything in it is deleted, so it has to be one of its own."
            )
    except (Refused, httpx2.HTTPError) as error:
        sys.stderr.write(f"Nothing was made. {_masked(error)}\n")
        return 1
    os.environ.pop("PROVISIONER_ENV", None)
    os.environ["NO_COLOR"] = "1"
    transcript = Transcript(folder, service, spend)
    sys.stdout.write(f"The transcript is in {transcript.path}.\n")
    try:
        failed = [name for name, passed in _told(service, transcript) if not passed]
        time.sleep(LATE)
        left = service.emptied()
    except (Refused, httpx2.HTTPError) as error:
        why = f"look for what is left in the project: {_masked(error)}"
        sys.stderr.write(f"The run has stopped, {why}\n")
        return 1
    except KeyboardInterrupt:
        transcript.say("Interrupted.")
        return INTERRUPTED
    transcript.say("## Afterwards\n")
    transcript.say(f"Still there: {', '.join(left)}" if left else "Nothing is left at the service.")
    if left:
        sys.stderr.write(f"Still there, delete them by hand: {', '.join(left)}\n")
    if failed:
        sys.stderr.write(f"Failed: {', '.join(failed)}\n")
    return 1 if failed or left else 0


def asked(environ: Mapping[str, str]) -> tuple[Service, Decimal]:
    """The service and the spend that somebody has said yes to."""
    key, said = environ.get(KEY, ""), environ.get(SPEND, "")
    if not key or not said:
        missing = " and ".join(name for name, value in ((KEY, key), (SPEND, said)) if not value)
        raise Refused(
            f"`make live` needs {missing} in the environment: {KEY} is a key of a project of its"
            f" own, which is emptied, and {SPEND} the US dollars that the run may cost, at least"
            f" {COST}. Nothing was sent. docs/real-services.md says more."
        )
    try:
        spend = Decimal(said.removeprefix("$"))
    except InvalidOperation:
        raise Refused(f"{SPEND} has to be a number of US dollars, such as {COST}.") from None
    if not spend.is_finite() or spend < COST:
        raise Refused(f"A run may cost up to ${COST}, and {SPEND} says {said}. Nothing was sent.")
    return Service(environ.get(SERVICE) or "openai", key), spend


def _masked(error: Exception) -> str:
    """What a service says of a key may repeat it."""
    key = os.environ.get(KEY)
    return str(error).replace(key, "(sensitive)") if key else str(error)


def chosen() -> Iterator[tuple[str, dict[str, Any], str]]:
    """The stories that only use what a real service has: name, story, API."""
    for one in stories():
        path, number, api = one.values
        story = story_at(path, number)
        if api in APIS and not any(map(_only_embedded, story["steps"])):
            yield str(one.id), story, api


def _only_embedded(step: Mapping[str, Any]) -> bool:
    """Whether a step has environments of its own, counts requests, or names the service."""
    return (
        "provisioner.yaml" in step.get("write", {})
        or "writes" in step
        or "embedded service" in step.get("out", "")
    )


def _told(service: Service, transcript: Transcript) -> Iterator[tuple[str, bool]]:
    for name, story, api in chosen():
        with tempfile.TemporaryDirectory(prefix="provisioner-live-") as folder:
            world = LiveWorld(Path(folder), service=service)
            wrong = ""
            try:
                tell(world, story, api, **service.environment)
            except Exception:  # noqa: BLE001  # the others are told all the same
                wrong = traceback.format_exc()
            finally:
                transcript.say(f"## {name}\n\n{story['story']}\n")
                transcript.say("```text\n" + "".join([*world.told, wrong]) + "```\n")
                left = service.emptied()
        outcome = "failed" if wrong or left else "passed"
        transcript.say(f"{name}: {outcome}\n")
        sys.stdout.write(f"{outcome}  {name}\n")
        yield name, outcome == "passed"


if __name__ == "__main__":
    sys.exit(main())
