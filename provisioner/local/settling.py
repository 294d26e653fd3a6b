"""Owns what a lagging service does not show yet: what was just made, changed or deleted, for as
long as rules say.

A write that a rule strikes is carried out at once and whole; its own reply and every later write go
by the truth. Triggers note in the table `settling` what it made, changed and deleted. Until a note
has run out,

- views lay the old state over the tables: `seen_*` for an object by its id, `listed_*` for lists;
- `check` refuses requests that name an object which has not arrived where it is wanted.

Everything here is temporary except the notes, so a service that is started without such rules shows
the truth.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import accumulate

from .db import Database
from .errors import (
    ApiError,
    being_processed,
    no_agent,
    no_assistant,
    no_automation,
    no_batch,
    no_credential,
    no_file,
    no_skill,
    no_store,
    no_store_file,
    no_template,
    no_vault,
)

OF = ("list", "get", "attach", "use", "update", "delete")
# What a write leaves to be noted. An object that is `busy` cannot be deleted.
NOTED = {
    "made": ("list", "get", "attach", "use", "busy"),
    "changed": ("update", "busy"),
    "deleted": ("delete",),
}


@dataclass(frozen=True)
class Lag:
    """What a rule asks for: how long which `aspects` of a write stay behind, and how a missing
    object is answered.
    """

    seconds: float
    aspects: frozenset[str]
    status: int

    def notes(self, event: str, now: float) -> list[tuple[str, float, int]]:
        return [
            (aspect, now + self.seconds, self.status)
            for aspect in NOTED[event]
            if aspect in self.aspects
        ]


# How the request that is being answered lags. Uploads arrive while others are answered, so each has
# its own.
LAGS: ContextVar[Sequence[Lag]] = ContextVar("lags", default=())


@dataclass(frozen=True)
class _Kind:
    """One table.

    `path` is SQL for what a row is called in a URL; `absent` refuses the last `ids` of that URL.
    `changes` are the columns that a request can change.
    """

    path: str
    absent: Callable[..., ApiError]
    changes: tuple[str, ...] = ()
    ids: int = 1


OF_STORE = "'/v1/vector_stores/' || (SELECT id FROM vector_stores WHERE seq = {row}.store)"
_KINDS = {
    "files": _Kind("'/v1/files/' || {row}.id", no_file),
    "vector_stores": _Kind(
        "'/v1/vector_stores/' || {row}.id", no_store, ("name", "expires_days", "metadata")
    ),
    "store_files": _Kind(
        OF_STORE + " || '/files/' || {row}.file_id", no_store_file, ("attributes", "status"), ids=2
    ),
    "batches": _Kind(
        OF_STORE + " || '/file_batches/' || {row}.id", no_batch, ("cancelled",), ids=2
    ),
    "assistants": _Kind("'/v1/assistants/' || {row}.id", no_assistant, ("body",)),
    "agents": _Kind("'/v1/agents/' || {row}.id", no_agent, ("body",)),
    "templates": _Kind("'/v1/agents/environments/templates/' || {row}.id", no_template, ("body",)),
    "vaults": _Kind("'/v1/vaults/' || {row}.id", no_vault, ("body",)),
    "credentials": _Kind(
        "'/v1/vaults/' || {row}.vault || '/credentials/' || {row}.id",
        no_credential,
        ("body",),
        ids=2,
    ),
    "automations": _Kind("'/v1/agents/automations/' || {row}.id", no_automation, ("body",)),
    "skills": _Kind("'/v1/skills/' || {row}.id", no_skill, ("body",)),
}
# A status changes as time goes by, too; what a request does to it is to cancel.
CONDITIONS = {"status": "NEW.status = 'cancelled'"}
NOTES = """
CREATE TABLE IF NOT EXISTS settling (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, seq INTEGER NOT NULL, path TEXT,
    aspect TEXT NOT NULL, until REAL NOT NULL, status INTEGER NOT NULL, field TEXT, before TEXT);
CREATE INDEX IF NOT EXISTS settling_by_row ON settling (kind, aspect, seq);
CREATE INDEX IF NOT EXISTS settling_by_path ON settling (path);
"""


class LateWrites:
    """What has not arrived yet; `on` is whether any rule asks for that, and without one nothing is
    done.
    """

    def __init__(self, database: Database, clock: Callable[[], float], *, on: bool) -> None:
        self.database, self.clock, self.on = database, clock, on
        if on:
            connection = database.connection
            connection.create_function("settling_now", 0, clock)
            connection.create_function("settling_notes", 1, self._notes)
            connection.executescript(NOTES)
            database.run("DELETE FROM settling WHERE until <= ?", [clock()])
            for table, kind in _KINDS.items():
                columns = [row["name"] for row in database.all(f"PRAGMA table_info({table})")]
                connection.executescript(
                    _triggers(table, kind, columns) + _views(table, kind, columns)
                )

    def _notes(self, event: str) -> str:
        now = self.clock()
        return json.dumps([note for lag in LAGS.get() for note in lag.notes(event, now)])

    def admit(self, method: str, path: str) -> None:
        """Raises where a request names, in its URL, an object that has not arrived or is still
        being processed.
        """
        if not self.on:
            return
        if method == "GET":
            # The store first, then what is in it.
            self._check("get", accumulate(path.split("/"), "{}/{}".format))
        elif method == "DELETE":
            self._find_busy(path)
            self._check("busy", [path])

    def check(self, aspect: str, table: str, ids: Iterable[str]) -> None:
        """Raises, in the words for an object that does not exist, for the first of these that has
        not arrived.
        """
        if self.on:
            self._check(aspect, [f"/v1/{table}/{one}" for one in ids])

    def _check(self, aspect: str, paths: Iterable[str]) -> None:
        note = self.database.one(
            "SELECT n.kind, n.path, n.status FROM json_each(?) named JOIN settling n ON n.path ="
            " named.value WHERE n.aspect = ? AND n.until > ? ORDER BY named.key, n.number LIMIT 1",
            [json.dumps(list(paths)), aspect, self.clock()],
        )
        if note is None:
            return
        kind, parts = _KINDS[note["kind"]], note["path"].split("/")
        if aspect == "busy":
            raise being_processed(parts[-1])
        refusal = kind.absent(*parts[1 - 2 * kind.ids :: 2])
        refusal.status = note["status"]
        raise refusal

    def _find_busy(self, path: str) -> None:
        """A deletion that a rule strikes finds its object being processed; later ones do not begin
        that anew.
        """
        for lag in LAGS.get():
            if "busy" in lag.aspects:
                for table, kind in _KINDS.items():
                    self.database.run(
                        "INSERT INTO settling (kind, seq, path, aspect, until, status) SELECT"
                        f" '{table}', t.seq, ?, 'busy', ?, 409 FROM {table} t WHERE"
                        f" {kind.path.format(row='t')} = ? AND NOT EXISTS (SELECT 1 FROM settling"
                        " WHERE path = ? AND aspect = 'busy')",
                        [path, self.clock() + lag.seconds, path, path],
                    )


def _note(event: str, table: str, row: str, path: str, what: str = "NULL, NULL") -> str:
    """SQL for a trigger: one note for each aspect that lags; `what` is a field and its value
    before.
    """
    return (
        "INSERT INTO settling (kind, seq, path, aspect, until, status, field, before) SELECT"
        f" '{table}', {row}.seq, {path.format(row=row)}, json_extract(note.value, '$[0]'),"
        f" json_extract(note.value, '$[1]'), json_extract(note.value, '$[2]'), {what} FROM"
        f" json_each(settling_notes('{event}')) note;"
    )


def _triggers(table: str, kind: _Kind, columns: Sequence[str]) -> str:
    """The database notes by itself, so that no handler can forget and nothing that a write drags
    along is missed.
    """
    whole = ", ".join(f"'{column}', OLD.{column}" for column in columns)
    made = (
        f"CREATE TEMP TRIGGER {table}_made AFTER INSERT ON {table} BEGIN "
        # A file that is attached again is one thing in the store, not two.
        f"DELETE FROM settling WHERE path = {kind.path.format(row='NEW')}; "
        f"{_note('made', table, 'NEW', kind.path)} END;"
    )
    deleted = (
        f"CREATE TEMP TRIGGER {table}_deleted AFTER DELETE ON {table} BEGIN "
        f"DELETE FROM settling WHERE kind = '{table}' AND aspect = 'busy' AND seq = OLD.seq; "
        f"{_note('deleted', table, 'OLD', kind.path, f'NULL, json_object({whole})')} END;"
    )
    changed = []
    for column in kind.changes:
        note = _note("changed", table, "NEW", kind.path, f"'{column}', json_quote(OLD.{column})")
        changed.append(
            f"CREATE TEMP TRIGGER {table}_{column} AFTER UPDATE OF {column} ON {table} "
            f"WHEN {CONDITIONS.get(column, '1')} BEGIN {note} END;"
        )
    return "\n".join([made, deleted, *changed])


def _views(table: str, kind: _Kind, columns: Sequence[str]) -> str:
    """The table as those see it who only read: with the old values, and with what is deleted."""

    def pending(aspect: str) -> str:
        return (
            f"FROM settling WHERE kind = '{table}' AND aspect = '{aspect}' AND until >"
            " settling_now()"
        )

    def shown(column: str) -> str:
        if column not in kind.changes:
            return f"t.{column} AS {column}"
        oldest = (
            f"SELECT before {pending('update')} AND seq = t.seq AND field = '{column}' ORDER BY"
            " number LIMIT 1"
        )
        return f"json_extract(ifnull(({oldest}), json_quote(t.{column})), '$') AS {column}"

    there = ", ".join(shown(column) for column in columns)
    gone = ", ".join(f"json_extract(before, '$.{column}')" for column in columns)
    return f"""
    CREATE TEMP VIEW seen_{table} AS
        SELECT {there} FROM {table} t UNION ALL SELECT {gone} {pending("delete")};
    CREATE TEMP VIEW listed_{table} AS
        SELECT * FROM seen_{table} WHERE seq NOT IN (SELECT seq {pending("list")});
    """
