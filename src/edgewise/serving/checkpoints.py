"""SQLite's log is written into its file beside the requests, so that none of them waits for the disk."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from typing import Any

import sqlalchemy as sql

EVERY_S = 1.0
"""Time between two checkpoints, s."""
LATEST = 20_000
"""Pages of the log after which a request writes it itself: what keeps the log bounded if this thread is starved."""
CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"


class Checkpoints:
    """A thread that writes the log into the file.

    The log can begin anew only when nothing was added since, so what was added in the meantime, a few pages, is written while
    nobody else does.

    Args:
        engine: of the database.
        writing: held by whoever changes something.
    """

    def __init__(self, engine: sql.Engine, writing: Any) -> None:
        self._engine, self._writing = engine, writing
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="checkpoints", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ended.wait(EVERY_S):
            self.make()

    def make(self) -> None:
        """Write the log into the file; one that cannot be written now is left to the next time."""
        with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(self._engine.raw_connection()) as lent:
            lent.execute(CHECKPOINT)
            with self._writing:
                lent.execute(CHECKPOINT)
