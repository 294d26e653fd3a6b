"""Whether the holder of a lease still lives: a living one is never taken for dead, whatever this
machine can say.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.lock import lease as module
from provisioner.lock.lease import Lease

DEAD = 2**22 - 1  # a process that there is not
needs_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="this system has no /proc"
)


@pytest.fixture
def mine() -> Lease:
    return Lease.mine()


@pytest.fixture
def without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system such as macOS, which has no `/proc` and no machine id in `/etc`."""
    real = {name: getattr(Path, name) for name in ("read_text", "readlink", "exists")}

    def hidden(name: str) -> Any:
        def method(path: Path, *rest: Any, **more: Any) -> Any:
            if str(path).startswith(("/proc", "/etc/machine-id")):
                if name == "exists":
                    return False
                raise FileNotFoundError(str(path))
            return real[name](path, *rest, **more)

        return method

    for name in real:
        monkeypatch.setattr(Path, name, hidden(name))


def test_a_living_process_is_not_dead(mine: Lease) -> None:
    """This process lives, and so does its parent, whoever it belongs to."""
    assert not mine.dead()
    assert not replace(mine, pid=1, started=None).dead()
    assert mine.pid == os.getpid() and mine.started


def test_a_process_that_has_ended_is_dead(mine: Lease) -> None:
    """Its number is free, or somebody else has it who started later, or it has ended and nobody has
    asked why.
    """
    assert replace(mine, pid=DEAD).dead()
    assert replace(mine, started="1").dead()
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.read()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert replace(mine, pid=process.pid, started=None).dead()


@pytest.mark.parametrize("where", ["host", "machine", "namespace"])
def test_elsewhere_nobody_is_dead(mine: Lease, where: str) -> None:
    """A number counts on its own machine and in its own container alone: elsewhere its process may
    live.
    """
    assert not replace(mine, pid=DEAD, **{where: "elsewhere"}).dead()
    assert not replace(mine, pid=DEAD, boot="before", **{where: "elsewhere"}).dead()


def test_before_a_restart_of_the_machine(mine: Lease) -> None:
    """After a restart nothing of before lives; where machines cannot be told apart, it may have
    been another one.
    """
    assert replace(mine, boot="before").dead() is (mine.machine is not None)
    assert not replace(mine, boot="before", machine=None).dead()


def test_after_a_restart_where_the_machine_is_known(
    mine: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id of the machine says that it is the same one."""
    monkeypatch.setattr(module, "_machine", lambda: "1234")
    assert replace(mine, boot="before", machine="1234").dead()
    assert not replace(mine, boot="before", machine="5678").dead()
    assert not replace(mine, machine="1234").dead()


@pytest.mark.usefixtures("without_proc")
def test_without_proc() -> None:
    """Where there is no `/proc`, `ps` says when a process started; one that has ended it does not
    know.
    """
    mine = Lease.mine()
    assert (mine.machine, mine.namespace, mine.boot) == (None, None, None)
    assert mine.started and mine.started == Lease.mine().started
    assert not mine.dead()
    assert replace(mine, started="Thu Jan  1 00:00:00 1970").dead()
    assert replace(mine, pid=DEAD).dead()
    assert replace(mine, pid=DEAD, started=None).dead()
    assert not replace(mine, started=None).dead()


@needs_proc
def test_what_tells_machines_and_containers_apart(
    mine: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The container in which the number counts, the last start, and the machine, whose id itself is
    not told.
    """
    assert mine.namespace == str(Path("/proc/self/ns/pid").readlink())
    assert mine.boot == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    machines = set()
    for id in ("0123456789abcdef", "fedcba9876543210"):
        monkeypatch.setattr(module, "_read", {"/etc/machine-id": id}.get)
        machine = Lease.mine().machine
        assert machine and len(machine) == 16 and machine != id
        machines.add(machine)
    assert len(machines) == 2


def test_a_process_of_somebody_else_lives(mine: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that we may not send signals to is there."""

    def refused(pid: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(module.os, "kill", refused)
    assert not replace(mine, pid=DEAD, started=None).dead()


@needs_proc
def test_the_name_of_a_process_may_be_anything(mine: Lease, tmp_path: Path) -> None:
    """A start time is found behind a name with blanks and brackets."""
    program = tmp_path / "a ) S (b\udcff"  # not even letters
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "60"]) as process:
        stat = Path(f"/proc/{process.pid}/stat").read_bytes().decode(errors="replace")
        assert "(a ) S (b\ufffd)" in stat
        started = stat.rpartition(")")[2].split()[19]
        assert not replace(mine, pid=process.pid, started=started).dead()
        process.kill()


def test_what_is_written_is_read() -> None:
    """A lease says who has it and since when; what is not a lease is none."""
    mine = Lease.mine()
    assert Lease.parse(mine.text()) == mine
    assert mine.who == f"`{mine.holder}` on `{mine.host}`, process {mine.pid}, since {mine.since}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", mine.since)
    assert [
        Lease.parse(text) for text in ("", "[]", "{}", mine.text().replace(str(mine.pid), '"1"'))
    ] == [None] * 4


def test_leases_differ() -> None:
    """Two leases of one process have different ids, so that the one is not released with
    the other.
    """
    assert Lease.mine().id != Lease.mine().id
