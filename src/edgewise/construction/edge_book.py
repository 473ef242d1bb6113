"""An edge server's own book: what it is willing to do, which nobody else learns, and what it has earned by it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from edgewise.construction.tables import open_database

FILE = "book.db"
TABLES = sql.MetaData()
ROWS = sql.Table(
    "rows",
    TABLES,
    sql.Column("construction", sql.String(64), primary_key=True),
    sql.Column("period", sql.Integer, primary_key=True),
    sql.Column("theta", sql.Double, nullable=False),
    sql.Column("item", sql.Integer),
    sql.Column("rounds_promised", sql.Integer, nullable=False, default=0),
    sql.Column("reward_promised", sql.BigInteger, nullable=False, default=0),
    sql.Column("rounds_built", sql.Integer),
    sql.Column("cpu_seconds", sql.Double),
    sql.Column("energy_measured", sql.Double),
    sql.Column("digest", sql.String(64)),
    sql.Column("verdict", sql.String(32)),
    sql.Column("paid", sql.BigInteger),
    sql.Column("utility", sql.Double),
    sql.Column("utility_measured", sql.Double),
)


@dataclass(frozen=True)
class EdgeBook:
    """The book of a folder.

    Attributes:
        folder: of the edge server.
    """

    folder: Path

    def row(self, construction: str, period: int) -> dict[str, Any] | None:
        """What stands of a period."""
        where = (ROWS.c.construction == construction, ROWS.c.period == period)
        engine = open_database(self.folder / FILE, TABLES)
        try:
            with engine.connect() as connection:
                row = connection.execute(sql.select(ROWS).where(*where)).mappings().first()
        finally:
            engine.dispose()
        return None if row is None else dict(row)

    def write(self, construction: str, period: int, **values: Any) -> None:
        """Add to what stands of a period."""
        where = (ROWS.c.construction == construction, ROWS.c.period == period)
        engine = open_database(self.folder / FILE, TABLES)
        try:
            with engine.begin() as connection:
                if connection.execute(sql.update(ROWS).where(*where).values(**values)).rowcount == 0:
                    connection.execute(sql.insert(ROWS).values(construction=construction, period=period, **values))
        finally:
            engine.dispose()
