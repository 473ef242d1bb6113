"""Decisions of a server, out of its database into a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from edgewise.common.errors import EdgewiseError
from edgewise.common.packed import unpack
from edgewise.serving.decision_files import FACTS, ROWS, Decision, forms_of, written
from edgewise.serving.store import DECISIONS, Store


@dataclass(frozen=True)
class Chosen:
    """Which decisions are meant; what is None does not restrict them.

    Attributes:
        system: its name.
        model: by which requests called it.
        session: its name.
        since, until: of their time, s since 1970.
    """

    system: str | None = None
    model: str | None = None
    session: str | None = None
    since: float | None = None
    until: float | None = None

    @property
    def conditions(self) -> list[Any]:
        """For the database."""
        told = [(DECISIONS.c[name], getattr(self, name)) for name in ("system", "model", "session")]
        found: list[Any] = [column == value for column, value in told if value is not None]
        if self.since is not None:
            found.append(DECISIONS.c.time >= self.since)
        return found if self.until is None else [*found, DECISIONS.c.time < self.until]


def count(store: Store, chosen: Chosen) -> int:
    """Number of decisions that are kept.

    Raises:
        EdgewiseError: if there are none.
    """
    query = sql.select(sql.func.count()).select_from(DECISIONS).where(*chosen.conditions)
    with store.reading() as connection:
        found = int(connection.execute(query).scalar_one())
    if not found:
        raise EdgewiseError("no such decisions are kept")
    return found


def export(store: Store, chosen: Chosen, out: Path, tell: Callable[[int], None]) -> int:
    """Write decisions to a file, in the order of their time.

    Args:
        store: where they are kept.
        chosen: which.
        out: the file, Parquet or CSV.
        tell: called with how many are written.

    Returns:
        Their number.

    Raises:
        ConfigurationError: if the file has another ending.
    """
    where, done = chosen.conditions, 0
    alike = DECISIONS.c.system, DECISIONS.c.policy, sql.func.length(DECISIONS.c.observation) > 0
    some = sql.select(sql.func.min(DECISIONS.c.id)).where(*where).group_by(*alike)
    with store.reading() as connection:
        query = sql.select(DECISIONS).where(DECISIONS.c.id.in_(some))
        columns = forms_of(map(_decision, connection.execute(query).mappings()))
        with written(out, columns) as write:
            for rows in _in_parts(connection, where):
                write(rows)
                done += len(rows)
                tell(done)
    return done


def _in_parts(connection: Any, where: list[Any]) -> Iterator[list[Decision]]:
    query = sql.select(DECISIONS).where(*where).order_by(DECISIONS.c.time, DECISIONS.c.id)
    found = connection.execution_options(yield_per=ROWS).execute(query).mappings()
    for part in found.partitions():
        yield [_decision(row) for row in part]


def _decision(row: Any) -> Decision:
    observation, action = (unpack(row[part])[0] if row[part] else {} for part in ("observation", "action"))
    return Decision({name: row[name] for name in FACTS}, observation, action)
