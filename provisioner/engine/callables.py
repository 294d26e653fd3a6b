"""What functions return while a check is held: canned outputs, or callables of the workspace."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from provisioner.conversation import Call
from provisioner.engine.expecting import arguments_of
from provisioner.errors import UsageError
from provisioner.model import CheckTurn, Problem

_T = TypeVar("_T")

FORBIDDEN = "PROVISIONER_NO_CALLABLES"
"""Set, nothing of a workspace is run: a pull request from a fork may have written it."""


class Unanswered(Exception):
    """A function could not be answered; the message says why, in a full sentence."""


class Answering:
    """Answers the functions of one turn, and remembers why it could not."""

    def __init__(self, turn: CheckTurn, root: Path) -> None:
        self._turn = turn
        self._function = load(turn.answer, root) if turn.answer else None
        self.failure: str | None = None

    async def __call__(self, call: Call) -> str:
        try:
            return await self._answer(call)
        except Unanswered as error:
            self.failure = self.failure or str(error)
            raise

    async def _answer(self, call: Call) -> str:
        if call.name in self._turn.outputs:
            return _as_text(self._turn.outputs[call.name])
        if self._function is None:
            raise Unanswered(f"`{call.name}` was called, and the check has no output for it.")
        try:
            value = await _called(self._function, call)
            return _as_text(value)
        except (Exception, SystemExit) as error:
            said = f"{type(error).__name__}: {error}".rstrip(": ")
            raise Unanswered(f"`{self._turn.answer}` failed for `{call.name}`: {said}") from error


async def _called(function: Callable[..., Any], call: Call) -> Any:
    """What a callable returns; one that is not asynchronous may block, and gets a thread."""
    if inspect.iscoroutinefunction(function):
        return await function(call.name, arguments_of(call))

    value = await in_thread(lambda: function(call.name, arguments_of(call)))
    return await value if inspect.isawaitable(value) else value


async def in_thread(work: Callable[[], _T]) -> _T:
    """What code of a workspace returns, run in a thread of its own. Nobody waits for that thread
    who does not wait for this: not the end of the process either.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[_T] = loop.create_future()

    def settle(value: Any, error: Exception | None) -> None:
        if result.done():
            return
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(value)

    def run() -> None:
        value: _T | None = None
        failure: Exception | None = None
        try:
            value = work()
        except SystemExit as error:
            failure = RuntimeError(f"it exits with {error.code}")
        except BaseException as error:  # noqa: BLE001  # an interrupt never comes to this thread
            failure = RuntimeError(f"{type(error).__name__}: {error}".rstrip(": "))
            if isinstance(error, Exception) and not isinstance(error, StopIteration):
                failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed by now
            loop.call_soon_threadsafe(settle, value, failure)

    threading.Thread(target=run, name="callable", daemon=True).start()
    return await result


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def load(named: str, root: Path) -> Callable[..., Any]:
    """A callable of the workspace by `package.module:function`; UsageError where it cannot be had,
    or must not.
    """
    if os.environ.get(FORBIDDEN, "0") not in ("", "0"):
        detail = f"`{named}` is code of the workspace, and {FORBIDDEN} is set: it is not run."
        hint = "write canned `outputs` for what has to be checked there as well"
        raise UsageError(Problem("Callable not run", detail, hint))
    name, _, attribute = named.partition(":")
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        detail = f"`{named}` cannot be imported: {said}."
        raise UsageError(Problem("Callable not found", detail, "mend the module")) from error
    if not _is_of(module, root):
        detail = f"`{name}` is a module of Python's own or of a package, not of the workspace."
        raise UsageError(Problem("Callable not found", detail, "give the module another name"))
    function: Callable[..., Any] | None = getattr(module, attribute, None)
    if function is None or not callable(function):
        detail = f"`{name}` has no function `{attribute}`."
        raise UsageError(Problem("Callable not found", detail, f"define it in `{name}`"))
    return function


def _is_of(module: Any, root: Path) -> bool:
    """Whether a module lies in the workspace; what is installed in an environment there does not
    count.
    """
    file = getattr(module, "__file__", None)
    place = Path(os.path.realpath(file)) if file else None
    return bool(place and place.is_relative_to(root) and "site-packages" not in place.parts)


@contextmanager
def importable(root: Path) -> Iterator[None]:
    """Modules of the workspace can be imported inside, and are forgotten afterwards."""
    place, before = str(root), set(sys.modules)
    sys.path.insert(0, place)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(place)
        for name in sys.modules.keys() - before:
            # The program itself may lie in the workspace, as in its own repository.
            if _is_of(sys.modules[name], root) and name.partition(".")[0] != "provisioner":
                del sys.modules[name]
