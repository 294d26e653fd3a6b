"""Owns the documented order of a run's events, as a state machine over what a stream sent."""

from __future__ import annotations

from typing import Any

from openai.lib.streaming._deltas import accumulate_delta

ENDS = ("completed", "failed", "cancelled", "expired", "incomplete")
# What may follow on an event of the run itself.
RUN = {
    "start": {"created", "queued"},
    "created": {"queued"},
    "queued": {"in_progress", "cancelling"},
    "in_progress": {*ENDS, "requires_action", "cancelling"} - {"cancelled"},
    "requires_action": set(),
    "cancelling": {"cancelled"},
} | {end: set() for end in ENDS}


class Order:
    """Fed with every event; raises AssertionError where one comes out of turn."""

    def __init__(self) -> None:
        self.run, self.step, self.message = "start", "none", "none"
        self.names: list[str] = []
        self.built: dict[str, Any] = {}
        self.final: dict[str, Any] = {}

    def feed(self, event: Any) -> None:
        name = event.event.removeprefix("thread.")
        self.names.append(name)
        data = event.data.to_dict()
        if name.startswith("run.step."):
            self._step(name.removeprefix("run.step."), data)
        elif name.startswith("run."):
            self._run(name.removeprefix("run."), data)
        elif name.startswith("message."):
            self._message(name.removeprefix("message."), data)
        else:
            assert (name, len(self.names)) == ("created", 1)

    def _run(self, status: str, data: Any) -> None:
        assert status in RUN[self.run], (self.run, status)
        assert status == "created" or data["status"] == status
        if status in ENDS:
            assert (self.step, self.message) == ("none", "none")
        self.run = status

    def _step(self, status: str, data: Any) -> None:
        if status == "created":
            assert (self.run, self.step) == ("in_progress", "none")
            self.step, self.built[data["id"]] = "created", data["step_details"]
        elif status == "in_progress":
            assert self.step == "created"
            self.step = "in_progress"
        elif status == "delta":
            assert self.step == "in_progress"
            whole = self.built[data["id"]]
            self.built[data["id"]] = accumulate_delta(whole, data["delta"]["step_details"])
        else:
            # A step that waited for its outputs is closed by another stream.
            assert self.step == "in_progress" or self.run == "start"
            assert (status, self.message) == (data["status"], "none")
            self.step, self.final[data["id"]] = "none", data["step_details"]

    def _message(self, status: str, data: Any) -> None:
        if status == "created":
            assert (self.step, self.message) == ("in_progress", "none")
            self.message, self.built[data["id"]] = "created", {"content": []}
        elif status == "in_progress":
            assert self.message == "created"
            self.message = "in_progress"
        elif status == "delta":
            assert self.message == "in_progress"
            self.built[data["id"]] = accumulate_delta(self.built[data["id"]], data["delta"])
        else:
            assert (self.message, data["status"]) == ("in_progress", status)
            self.message, self.final[data["id"]] = "none", {"content": data["content"]}

    def check(self) -> None:
        """Nothing is left open, and deltas add up to what was sent in the end."""
        assert self.run in (*ENDS, "requires_action")
        for key, whole in self.final.items():
            if key in self.built:
                assert _without_numbers(self.built[key]) == whole


def _without_numbers(value: Any) -> Any:
    """What deltas say without the places at which they stand."""
    if isinstance(value, list):
        return [_without_numbers(one) for one in value]
    if isinstance(value, dict):
        return {key: _without_numbers(one) for key, one in value.items() if key != "index"}
    return value
