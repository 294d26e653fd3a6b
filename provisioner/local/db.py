"""Owns the SQLite file: its tables, its connection and its transactions."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

DbRow = sqlite3.Row
Params = Sequence[Any]

_VERSION = 3
# Counters are kept by triggers, so that no code path can forget them and no read has to count.
SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
    bytes INTEGER NOT NULL, filename TEXT NOT NULL, purpose TEXT NOT NULL, expires_at INTEGER);
CREATE INDEX IF NOT EXISTS files_by_age ON files (created_at, seq);
CREATE INDEX IF NOT EXISTS files_by_purpose ON files (purpose, created_at, seq);
CREATE INDEX IF NOT EXISTS files_that_expire ON files (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS vector_stores (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
    name TEXT, description TEXT, metadata TEXT NOT NULL,
    expires_days INTEGER, last_active_at INTEGER NOT NULL,
    expired INTEGER NOT NULL DEFAULT 0, usage_bytes INTEGER NOT NULL DEFAULT 0,
    in_progress INTEGER NOT NULL DEFAULT 0, completed INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0, cancelled INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS stores_by_age ON vector_stores (created_at, seq);
CREATE INDEX IF NOT EXISTS stores_that_expire
    ON vector_stores (last_active_at + 86400 * expires_days)
    WHERE expires_days IS NOT NULL AND NOT expired;

CREATE TABLE IF NOT EXISTS store_files (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, created_at INTEGER NOT NULL,
    store INTEGER NOT NULL, file_id TEXT NOT NULL,
    status TEXT NOT NULL, due_at REAL NOT NULL, attributes TEXT NOT NULL,
    chunk_tokens INTEGER NOT NULL, overlap_tokens INTEGER NOT NULL,
    usage_bytes INTEGER NOT NULL DEFAULT 0,
    error_code TEXT, error_message TEXT, first_passage INTEGER, last_passage INTEGER,
    UNIQUE (store, file_id));
CREATE INDEX IF NOT EXISTS store_files_by_age ON store_files (store, created_at, seq);
CREATE INDEX IF NOT EXISTS store_files_by_status ON store_files (store, status, created_at, seq);
CREATE INDEX IF NOT EXISTS store_files_by_file ON store_files (file_id);
CREATE INDEX IF NOT EXISTS store_files_due ON store_files (due_at) WHERE status = 'in_progress';

CREATE TABLE IF NOT EXISTS batches (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
    store INTEGER NOT NULL, cancelled INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS batch_files (
    batch INTEGER NOT NULL, store_file INTEGER NOT NULL,
    PRIMARY KEY (batch, store_file)) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS assistants (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS assistants_by_age ON assistants (created_at, seq);
CREATE TABLE IF NOT EXISTS assistant_files (
    file_id TEXT NOT NULL, assistant INTEGER NOT NULL,
    PRIMARY KEY (file_id, assistant)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS assistant_files_by_assistant ON assistant_files (assistant);

CREATE TABLE IF NOT EXISTS uploads (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
    bytes INTEGER NOT NULL, filename TEXT NOT NULL, purpose TEXT NOT NULL, mime_type TEXT NOT NULL,
    expires_at INTEGER NOT NULL, expires_seconds INTEGER, status TEXT NOT NULL, file_id TEXT);
CREATE TABLE IF NOT EXISTS upload_parts (
    id TEXT PRIMARY KEY, upload INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS threads (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS thread_messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
    thread INTEGER NOT NULL, run_id TEXT, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS thread_messages_by_age ON thread_messages (thread, created_at, seq);
CREATE TABLE IF NOT EXISTS runs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
    thread INTEGER NOT NULL, due_at REAL, streamed INTEGER NOT NULL, fate TEXT,
    work TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS runs_by_age ON runs (thread, created_at, seq);
CREATE INDEX IF NOT EXISTS runs_that_go_on ON runs (thread) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS run_steps (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
    run INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS run_steps_by_age ON run_steps (run, created_at, seq);
CREATE TABLE IF NOT EXISTS run_events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, name TEXT NOT NULL,
    data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS run_events_by_run ON run_events (run, seq);
CREATE TABLE IF NOT EXISTS responses (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
    started_at REAL NOT NULL, due_at REAL, settled INTEGER NOT NULL DEFAULT 0,
    conversation TEXT, context TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS responses_due ON responses (due_at) WHERE NOT settled;
CREATE INDEX IF NOT EXISTS responses_by_conversation
    ON responses (conversation) WHERE NOT settled;
CREATE TABLE IF NOT EXISTS conversations (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
    metadata TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, created_at INTEGER NOT NULL,
    owner TEXT NOT NULL, part TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS items_by_owner ON items (owner, part, created_at, seq);
CREATE INDEX IF NOT EXISTS items_by_id ON items (id);

CREATE TABLE IF NOT EXISTS agents (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS templates (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS vaults (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS credentials (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, vault TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS credentials_by_age ON credentials (vault, created_at, seq);
CREATE TABLE IF NOT EXISTS automations (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS invocations (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, automation TEXT NOT NULL, due_at REAL NOT NULL,
    body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS invocations_by_age ON invocations (automation, created_at, seq);
CREATE TABLE IF NOT EXISTS agent_sessions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS agent_turns (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, session TEXT NOT NULL, active INTEGER NOT NULL, due_at REAL,
    fate TEXT, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS agent_turns_by_age ON agent_turns (session, created_at, seq);
CREATE INDEX IF NOT EXISTS agent_turns_that_go_on ON agent_turns (session) WHERE active;
CREATE TABLE IF NOT EXISTS agent_events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS agent_events_by_session ON agent_events (session, seq);
CREATE TABLE IF NOT EXISTS agent_inputs (
    session TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (session, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS skills (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, made INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS skill_versions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL, skill TEXT NOT NULL, version TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (skill, version));

CREATE VIRTUAL TABLE IF NOT EXISTS passages USING fts5(
    store, text, store_file UNINDEXED, tokenize = 'porter unicode61 remove_diacritics 2');
CREATE TABLE IF NOT EXISTS stale_passages (first INTEGER PRIMARY KEY, last INTEGER NOT NULL);

CREATE TRIGGER IF NOT EXISTS store_file_added AFTER INSERT ON store_files BEGIN
    UPDATE vector_stores SET
        in_progress = in_progress + (NEW.status = 'in_progress'),
        completed = completed + (NEW.status = 'completed'),
        failed = failed + (NEW.status = 'failed'),
        cancelled = cancelled + (NEW.status = 'cancelled'),
        usage_bytes = usage_bytes + NEW.usage_bytes
    WHERE seq = NEW.store;
END;
CREATE TRIGGER IF NOT EXISTS store_file_changed
    AFTER UPDATE OF status, usage_bytes ON store_files BEGIN
    UPDATE vector_stores SET
        in_progress = in_progress + (NEW.status = 'in_progress') - (OLD.status = 'in_progress'),
        completed = completed + (NEW.status = 'completed') - (OLD.status = 'completed'),
        failed = failed + (NEW.status = 'failed') - (OLD.status = 'failed'),
        cancelled = cancelled + (NEW.status = 'cancelled') - (OLD.status = 'cancelled'),
        usage_bytes = usage_bytes + NEW.usage_bytes - OLD.usage_bytes
    WHERE seq = NEW.store;
END;
CREATE TRIGGER IF NOT EXISTS store_file_removed AFTER DELETE ON store_files BEGIN
    UPDATE vector_stores SET
        in_progress = in_progress - (OLD.status = 'in_progress'),
        completed = completed - (OLD.status = 'completed'),
        failed = failed - (OLD.status = 'failed'),
        cancelled = cancelled - (OLD.status = 'cancelled'),
        usage_bytes = usage_bytes - OLD.usage_bytes
    WHERE seq = OLD.store;
    INSERT INTO stale_passages
        SELECT OLD.first_passage, OLD.last_passage WHERE OLD.first_passage IS NOT NULL;
END;
"""


def _refusal(path: Path) -> int:
    """What the disk has against writing there, which SQLite does not pass on."""
    room = path.with_name(f"{path.name}.room")
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC))
        room.write_bytes(bytes(1 << 16))
    except OSError as error:
        return error.errno or errno.EIO
    finally:
        with suppress(OSError):
            room.unlink()
    return errno.EIO


class Database:
    """One connection in autocommit; a change of more than one statement asks for `transaction`."""

    def __init__(self, path: Path) -> None:
        with ExitStack() as unfit:
            try:
                # Every call comes from the thread of the event loop, which differs between runs of
                # asyncio.
                self.connection = sqlite3.connect(
                    path, isolation_level=None, check_same_thread=False, timeout=30
                )
                unfit.callback(self.connection.close)
                self._prepare()
            except sqlite3.DatabaseError as error:  # not ours, no database, or not to be written
                raise OSError(_refusal(path), str(error), str(path)) from error
            unfit.pop_all()

    def _prepare(self) -> None:
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        if self.connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            self.connection.executescript(
                f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;"
            )

    def one(self, sql: str, params: Params = ()) -> DbRow | None:
        row: DbRow | None = self.connection.execute(sql, params).fetchone()
        return row

    def all(self, sql: str, params: Params = ()) -> list[DbRow]:
        return self.connection.execute(sql, params).fetchall()

    def run(self, sql: str, params: Params = ()) -> sqlite3.Cursor:
        return self.connection.execute(sql, params)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; the write lock is taken at once, so that reads inside it stay true until
        the commit. One within another is a part of it.
        """
        if self.connection.in_transaction:
            yield
            return
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:  # a full disk may have ended it
                self.connection.execute("ROLLBACK")
            raise
