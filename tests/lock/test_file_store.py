"""The lock as a file: the contract, and what only a disk and processes can do to it."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner import disk
from provisioner.errors import LockError
from provisioner.lock.file_store import FileSink, FileStore
from provisioner.lock.lease import Lease
from tests.support.processes import met, said

from .contract import LEAVE, SUPPORT, StoreContract, entry, state

ROOT = Path(__file__).parents[2]


class TestFileStore(StoreContract):
    """The contract, for the file."""

    def open(self, folder: Path) -> FileStore:
        return FileStore(folder / "locks" / "prod.lock.json")

    def tear(self, folder: Path, bytes: int) -> None:
        journal = folder / "locks" / "prod.lock.json.journal"
        os.truncate(journal, journal.stat().st_size - bytes)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "prod.lock.json")


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a process of its own that runs this code."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def outcome(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out.strip()


HOLD = """
    import sys, time
    from pathlib import Path
    from provisioner.lock.file_store import FileStore
    with FileStore(Path(sys.argv[1])).lease():
        print("held", flush=True)
        time.sleep(60)
"""


@pytest.fixture
def held(store: FileStore) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the lease."""
    process = python(HOLD, store.path)
    assert process.stdout and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_nothing_is_left_beside_the_lock(store: FileStore) -> None:
    """After an apply the folder holds the lock alone."""
    with store.lease():
        with store.journal(state(0)) as journal:
            journal.result(journal.intent(SUPPORT, "create"), entry(SUPPORT, "asst_1"))
        store.fold_journal()
    assert [path.name for path in store.path.parent.iterdir()] == ["prod.lock.json"]


def test_mode_and_link_are_kept(store: FileStore, tmp_path: Path) -> None:
    """Replacing the lock keeps its mode, and the symbolic link through which it was named."""
    real = tmp_path / "elsewhere.json"
    real.write_text("")
    real.chmod(0o640)
    link = tmp_path / "link.json"
    link.symlink_to(real)
    FileStore(link).write(state(3))
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert FileStore(real).read() == state(3)


def test_half_a_character(store: FileStore) -> None:
    """Text that UTF-8 cannot spell is in no lock that we have written: the place is named."""
    store.write(state(3, entry(SUPPORT, "asst_1", instructions="a smile \U0001f600, and ä")))
    text = store.path.read_text()
    assert "ä" in text
    store.path.write_text(text.replace("ä", "\\ud83d"))
    with pytest.raises(LockError, match="half a character") as caught:
        store.read()
    assert caught.value.problems[0].line == text[: text.index("ä")].count("\n") + 1


def test_not_utf8(store: FileStore) -> None:
    """A lock in another encoding is a problem with its line, not a traceback."""
    store.path.write_bytes(b'{\n "workspace": "\xe4"}')
    with pytest.raises(LockError) as caught:
        store.read()
    assert (caught.value.problems[0].summary, caught.value.problems[0].line) == (
        "Broken lockfile",
        2,
    )


def test_dead_holder(store: FileStore, held: subprocess.Popen[str]) -> None:
    """While its process lives a lease is respected; after `kill -9` the next one simply
    takes it.
    """
    with pytest.raises(LockError, match=f"process {held.pid}"), store.lease():
        pass
    held.kill()
    held.wait()
    with store.lease() as lease:
        assert lease.pid == os.getpid()


def test_zombie_holder(store: FileStore, held: subprocess.Popen[str]) -> None:
    """A process that has ended and that nobody has waited for yet is dead too."""
    held.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, held.pid, os.WEXITED | os.WNOWAIT)
    with store.lease():
        pass


def test_waiting_for_the_holder(store: FileStore, held: subprocess.Popen[str]) -> None:
    """Who waits gets the lease soon after it is free."""
    reported: list[str] = []

    def end(message: str) -> None:
        reported.append(message)
        held.kill()
        held.wait()

    begun = time.monotonic()
    with store.lease(30, end):
        assert time.monotonic() - begun < 10
    assert "Waiting up to 30 s" in reported[0]


def test_reused_pid(store: FileStore) -> None:
    """A process with the same number that started at another time is not the holder."""
    mine = Lease.mine()
    store._beside("lease").write_text(replace(mine, started="1").text())
    with store.lease():
        pass


@pytest.mark.parametrize(
    "foreign", [{"host": "elsewhere"}, {"machine": "0"}, {"namespace": "pid:[1]"}]
)
def test_holder_elsewhere(store: FileStore, foreign: dict[str, str]) -> None:
    """Nobody can tell from here whether a process of another host or container lives: its lease is
    respected.
    """
    store._beside("lease").write_text(replace(Lease.mine(), pid=2**22 - 1, **foreign).text())
    with pytest.raises(LockError, match="Lock is busy"), store.lease():
        pass


def test_rebooted(store: FileStore) -> None:
    """A holder of this very machine before its last start is dead; without a machine id nobody can
    say so.
    """
    here = replace(Lease.mine(), boot="earlier")
    assert here.dead() == (here.machine is not None)


def test_unreadable_lease(store: FileStore) -> None:
    """A lease that its writer could not finish is respected for ten seconds, and then nobody's."""
    path = store._beside("lease")
    path.write_text('{"id": ')
    with pytest.raises(LockError, match="just taking"), store.lease():
        pass
    os.utime(path, (0, 0))
    with store.lease():
        pass


RACE = """
    import sys, time
    from pathlib import Path
    from provisioner.errors import LockError
    from provisioner.lock.file_store import FileStore
    path, count, rounds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    for _ in range(rounds):
        with FileStore(path).lease(60, lambda words: print(words, file=sys.stderr, flush=True)):
            seen = int(count.read_text())
            time.sleep(0.002)
            count.write_text(str(seen + 1))
"""


def test_race(store: FileStore, tmp_path: Path) -> None:
    """Several processes that want the lease again and again are never inside at the same time."""
    count = tmp_path / "count"
    count.write_text("0")
    for process in met(store, lambda: [python(RACE, store.path, count, 8) for _ in range(4)]):
        outcome(process)
    assert count.read_text() == "32"


TAKE = """
    import sys, time
    from pathlib import Path
    from provisioner.errors import LockError
    from provisioner.lock.file_store import FileStore
    print("ready", file=sys.stderr, flush=True)
    while not Path(sys.argv[2]).exists():
        time.sleep(0.001)
    try:
        with FileStore(Path(sys.argv[1])).lease():
            print("won")
            while not Path(sys.argv[3]).exists():
                time.sleep(0.001)
    except LockError:
        print("refused")
"""


def test_two_takers_of_a_dead_lease(store: FileStore, tmp_path: Path) -> None:
    """Of several who find the same dead holder at once exactly one wins."""
    for round in range(3):
        store._beside("lease").write_text(replace(Lease.mine(), started="1").text())
        go, end = tmp_path / f"go-{round}", tmp_path / f"end-{round}"
        takers = [python(TAKE, store.path, go, end) for _ in range(4)]
        for taker in takers:
            said(taker, "ready")
        go.touch()
        while (
            sum(taker.poll() is None for taker in takers) > 1
        ):  # the winner stays until the others have been refused
            time.sleep(0.01)
        end.touch()
        assert sorted(map(outcome, takers)) == ["refused"] * 3 + ["won"]


APPLY = """
    import sys
    from pathlib import Path
    from provisioner.lock.file_store import FileStore
    from provisioner.model import Address, Locked
    store = FileStore(Path(sys.argv[1]))
    with store.lease(), store.journal(store.read()) as journal:
        for number in range(100_000):
            address = Address("file", f"docs/{number}.md")
            id = journal.intent(address, "create")
            journal.result(id, Locked(address, f"file-{number}", {"bytes": number}))
            if number == 20:
                print("going", flush=True)
"""


def test_killed_while_it_writes(store: FileStore) -> None:
    """After `kill -9` in the middle of a journal, every finished line is in the lock and at most
    one is open.
    """
    store.write(state(3))
    process = python(APPLY, store.path)
    assert process.stdout and process.stdout.readline() == "going\n"
    process.kill()
    process.communicate()
    with store.lease():
        settled, still_open = store.fold_journal()
    assert settled is not None and settled.serial == 4
    numbers = sorted(
        fields["bytes"] for fields in (item.fields for item in settled.resources.values())
    )
    assert numbers == list(range(len(numbers))) and len(numbers) > 20
    assert len(still_open) <= 1


def test_every_torn_byte(store: FileStore) -> None:
    """Cut at any byte, a journal folds to what its whole lines say, and nothing that was said
    before is lost.
    """
    start = state(3, entry(LEAVE, "file-0"))
    with store.lease():
        store.write(start)
        with store.journal(start) as journal:
            first = journal.intent(SUPPORT, "create", name="ünï")
            asyncio.run(journal.note(first, "created", object="asst_1"))
            journal.result(first, entry(SUPPORT, "asst_1", name="ünï"))
            journal.result(
                journal.intent(LEAVE, "replace"),
                replace(entry(LEAVE, "file-1"), deposed=("file-0",)),
            )
        whole = store._beside("journal").read_bytes()
    seen = []
    for size in range(len(whole) + 1):
        store._beside("journal").write_bytes(whole[:size])
        folded = store.peek()
        assert folded.state is not None
        seen.append(
            (folded.state.serial, sorted(folded.state.ids.values()), len(folded.open_intents))
        )
    stages = [found for found, before in zip(seen, [None, *seen], strict=False) if found != before]
    assert stages == [
        (3, ["file-0"], 0),
        (4, ["file-0"], 1),
        (4, ["asst_1", "file-0"], 0),
        (4, ["asst_1", "file-0"], 1),
        (4, ["asst_1", "file-1"], 0),
    ]


def test_a_torn_journal_settles(store: FileStore) -> None:
    """Whatever is left of a journal can be folded, and then a new apply can begin."""
    start = state(3)
    store.write(start)
    with store.journal(start) as journal:
        journal.result(journal.intent(SUPPORT, "create"), entry(SUPPORT, "asst_1"))
        journal.intent(LEAVE, "create")
    whole = store._beside("journal").read_bytes()
    for size in sorted({*range(0, len(whole), 7), *range(len(whole) - 2, len(whole) + 1)}):
        store.write(start)
        store._beside("journal").write_bytes(whole[:size])
        with store.lease():
            settled, still_open = store.fold_journal()
            assert settled is not None
            with store.journal(settled) as journal:
                assert list(journal.open) == still_open


def test_damage_inside_a_journal(store: FileStore) -> None:
    """A broken line that is not the last one is not a crash: refused with its line, never silently
    skipped.
    """
    store.write(state(3))
    with store.journal(state(3)) as journal:
        journal.intent(SUPPORT, "create")
        journal.intent(LEAVE, "create")
    lines = store._beside("journal").read_text().splitlines(keepends=True)
    store._beside("journal").write_text(lines[0] + lines[1][:9] + "\n" + lines[2])
    with pytest.raises(LockError) as caught:
        store.fold_journal()
    (problem,) = caught.value.problems
    assert (problem.summary, problem.file, problem.line) == (
        "Broken journal",
        f"{store.name}.journal",
        2,
    )


def test_a_journal_without_its_lock(store: FileStore) -> None:
    """Where the lock is gone, its journal is a hint and stays where it is."""
    with store.lease():
        store.write(state(3))
        with store.journal(state(3)) as journal:
            journal.result(journal.intent(SUPPORT, "create"), entry(SUPPORT, "asst_1"))
        left = store.leftover()
        store.path.unlink()
        settled, (hint,) = store.fold_journal()
        assert (settled, hint.address, hint.hint) == (None, SUPPORT, True)
        assert store.leftover() == left


def test_an_apply_that_fails_leaves_no_reserve(store: FileStore) -> None:
    """The room that was kept for the end of an apply is free again when the lease is given back."""
    with store.lease():
        store.write(state(3))
        store.journal(state(3)).close()
        assert store._beside("reserve").exists()
    assert sorted(path.name for path in store.path.parent.iterdir()) == [
        "prod.lock.json",
        "prod.lock.json.journal",
    ]


def test_settling_what_is_settled(store: FileStore) -> None:
    """A journal in which nothing happened leaves the lock's file untouched, its time included."""
    with store.lease():
        store.write(state(3))
        before = store.path.stat()
        for _ in range(2):
            with store.journal(state(3)) as journal:
                journal.dismiss(journal.intent(SUPPORT, "create"))
            store.fold_journal()
        after = store.path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_disk_full_in_the_journal(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that does not fit is taken back, so that the next one does not continue half of it."""
    store.write(state(3))

    def half(fd: int, data: bytes) -> None:
        os.write(fd, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with store.lease(), store.journal(state(3)) as journal:
        id = journal.intent(SUPPORT, "create")
        with monkeypatch.context() as patch:
            patch.setattr(disk, "write", half)
            with pytest.raises(LockError, match="Disk is full"):
                journal.intent(LEAVE, "create")
        journal.result(id, entry(SUPPORT, "asst_1"))
        assert store.fold_journal() == (state(4, entry(SUPPORT, "asst_1")), [])


def test_a_line_that_is_written_during_a_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync covers what was written before it began: who writes meanwhile waits for another one,
    and those who wait at the same time share it.
    """
    path = tmp_path / "journal"
    path.touch()
    covered: list[int] = []
    late: list[asyncio.Task[None]] = []

    async def waits(sink: FileSink, line: bytes) -> None:
        await sink.soon(line)
        assert covered[-1] >= path.read_bytes().index(line) + len(line)

    async def run() -> None:
        loop = asyncio.get_running_loop()

        def sync(fd: int) -> None:
            size = os.fstat(fd).st_size
            if not covered:  # two others begin while the first line is synced
                asyncio.run_coroutine_threadsafe(more(), loop).result(10)
            covered.append(size)

        async def more() -> None:
            late.extend(asyncio.ensure_future(waits(sink, line)) for line in (b"two\n", b"three\n"))
            await asyncio.sleep(0)

        monkeypatch.setattr(os, "fdatasync", sync, raising=False)
        sink = FileSink(path, "journal")
        await waits(sink, b"one\n")
        await asyncio.gather(*late)
        sink.close()

    asyncio.run(run())
    assert covered == [4, 14]


def test_a_sync_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be synced is never taken for durable, by nobody who shares the sync: the next
    one would say nothing of these lines.
    """
    path = tmp_path / "journal"
    path.touch()
    ended: list[str] = []

    def sync(fd: int) -> None:
        ended.append("")
        if len(ended) == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    async def run() -> None:
        sink = FileSink(path, "journal")
        said = await asyncio.gather(
            *(sink.soon(b"one\n"), sink.after(b"two\n")), return_exceptions=True
        )
        assert [type(one) for one in said] == [LockError, LockError]
        with pytest.raises(LockError, match="may not be whole"):
            sink.append(b"three\n")
        sink.close()

    monkeypatch.setattr(os, "fdatasync", sync, raising=False)
    asyncio.run(run())
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_sync_that_fails_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk says once that something was lost: where a line that is synced at once hears of it,
    one that waits for its sync is not taken for durable either.
    """
    path = tmp_path / "journal"
    path.touch()
    failing: list[int] = []

    def sync(fd: int) -> None:
        if not failing:
            failing.append(fd)
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    async def run() -> None:
        sink = FileSink(path, "journal")
        waits = sink.after(b"one\n")
        with pytest.raises(LockError):
            sink.later(b"two\n")
        with pytest.raises(LockError, match="may not be whole"):
            await waits
        sink.close()

    monkeypatch.setattr(os, "fdatasync", sync, raising=False)
    asyncio.run(run())
    assert path.read_bytes() == b"one\n"


@pytest.mark.parametrize("fails", [True, False])
def test_who_waits_for_a_sync_is_cancelled(
    fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync that fails is noticed all the same; what nobody waits for any more is durable once the
    journal is closed.
    """
    path = tmp_path / "journal"
    path.touch()
    synced: list[int] = []
    began, go = threading.Event(), threading.Event()

    def sync(fd: int) -> None:
        began.set()
        assert go.wait(5)
        if fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        synced.append(os.fstat(fd).st_size)

    async def cancelled() -> None:
        waits = asyncio.ensure_future(sink.after(b"one\n"))
        await asyncio.to_thread(began.wait, 5)
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
        go.set()

    monkeypatch.setattr(os, "fdatasync", sync, raising=False)
    sink = FileSink(path, "journal")
    asyncio.run(cancelled())  # waits for its threads
    if fails:
        with pytest.raises(LockError, match="may not be whole"):
            sink.append(b"two\n")
    sink.close()
    assert synced == ([] if fails else [4, 4])


def test_disk_full_for_the_lock(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that does not fit leaves the old one whole and nothing else behind."""
    store.write(state(3))

    def full(fd: int, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(disk, "write", full)
    with pytest.raises(LockError, match="Disk is full"):
        store.write(state(4))
    assert store.read() == state(3)
    assert [path.name for path in store.path.parent.iterdir()] == ["prod.lock.json"]


LIMITED = """
    import resource, sys
    from pathlib import Path
    from provisioner.errors import LockError
    from provisioner.lock.file_store import FileStore
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    store = FileStore(Path(sys.argv[1]))
    try:
        with store.lease(), store.journal(store.read()):
            print("began")
    except LockError as error:
        print(error.problems[0].summary)
"""


def test_full_disk_is_found_first(store: FileStore) -> None:
    """Without room for the end of the apply it does not begin (a real limit of the system)."""
    store.write(state(3))
    assert outcome(python(LIMITED, store.path)) == "Disk is full"
    assert store.read() == state(3)
    assert store.leftover() is None


def test_read_only_folder() -> None:
    """A folder that cannot be written to is named before the first request, with what the system
    says.
    """
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o555)
        code = """
            import os, sys
            from pathlib import Path
            from provisioner.errors import LockError
            from provisioner.lock.file_store import FileSink, FileStore
            if os.geteuid() == 0:
                os.seteuid(65534)
            for path in (Path(sys.argv[1]) / "lock.json", Path(sys.argv[1]) / "below" / "lock.json"):
                try:
                    with FileStore(path).lease():
                        print("began")
                except LockError as error:
                    print(error.problems[0].summary, error.problems[0].detail)
        """
        found = outcome(python(code, folder)).splitlines()
        Path(folder).chmod(0o755)
    assert len(found) == 2
    assert all(
        line.startswith("Lock not accessible") and "Permission denied" in line for line in found
    )


def test_lock_in_the_place_of_a_folder(tmp_path: Path) -> None:
    """A path that cannot be a file is a problem too."""
    (tmp_path / "lock.json").mkdir()
    with pytest.raises(LockError, match="cannot be read"):
        FileStore(tmp_path / "lock.json").read()
    (tmp_path / "file").touch()
    with (
        pytest.raises(LockError, match="Lock not accessible"),
        FileStore(tmp_path / "file" / "lock.json").lease(),
    ):
        pass


def test_reader_between_lock_and_journal(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader without a lease never pairs an old lock with a newer journal."""
    store.write(state(3))
    with store.journal(state(3)) as journal:
        journal.result(journal.intent(SUPPORT, "create"), entry(SUPPORT, "asst_1"))
        journal.intent(LEAVE, "create")
    real, reader = store.leftover, FileStore(store.path)

    def meanwhile() -> str | None:
        monkeypatch.setattr(reader, "leftover", real)
        store.fold_journal()
        return real()

    monkeypatch.setattr(reader, "leftover", meanwhile)
    settled, (left,) = reader.peek()
    assert store.read() == settled, "the writer was not there between the two looks"
    assert settled == state(4, entry(SUPPORT, "asst_1"))
    assert not left.hint


def test_journal_lines(store: FileStore) -> None:
    """The journal's format, which a person may have to read after an accident."""
    with store.journal(state(0)) as journal:
        id = journal.intent(LEAVE, "create", bytes=3)
        asyncio.run(journal.note(id, "created", object="file-1"))
        journal.result(id, entry(LEAVE, "file-1", bytes=3))
    head, *records = map(json.loads, (store.leftover() or "").splitlines())
    assert (head["lineage"], head["serial"], head["workspace"], head["environment"]) == (
        "7" * 8,
        0,
        "acme",
        "prod",
    )
    assert all(abs(record.pop("at") - time.time()) < 60 for record in records)
    assert records == [
        {
            "type": "intent",
            "id": 1,
            "address": "file.docs/leave.md",
            "action": "create",
            "bytes": 3,
        },
        {"type": "created", "id": 1, "object": "file-1"},
        {"type": "result", "id": 1, "entry": {"id": "file-1", "fields": {"bytes": 3}}},
    ]
