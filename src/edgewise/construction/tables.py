"""Tables of the books: what the cloud server keeps of a construction, through SQLAlchemy.

Money, quality and energy are whole micro-units, so that sums are exact. Nothing here tells a server's willingness.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sql

from edgewise.common.errors import EdgewiseError

SETTINGS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000")
"""Of SQLite: a committed transaction is on the disk, for money is paid by it."""
TABLES = sql.MetaData()
CONSTRUCTIONS = sql.Table(
    "constructions",
    TABLES,
    sql.Column("id", sql.String(64), primary_key=True),
    sql.Column("terms", sql.Text, nullable=False),
    sql.Column("menu", sql.Text, nullable=False),
    sql.Column("time", sql.Double, nullable=False),
)
EDGES = sql.Table(
    "edges",
    TABLES,
    sql.Column("construction", sql.String(64), primary_key=True),
    sql.Column("edge", sql.String(64), primary_key=True),
    sql.Column("name", sql.String(128), nullable=False),
    sql.Column("kind", sql.String(64), nullable=False),
)
ROWS = sql.Table(
    "rows",
    TABLES,
    sql.Column("construction", sql.String(64), primary_key=True),
    sql.Column("period", sql.Integer, primary_key=True),
    sql.Column("edge", sql.String(64), primary_key=True),
    sql.Column("item", sql.Integer),
    sql.Column("rounds_promised", sql.Integer, nullable=False, default=0),
    sql.Column("reward_promised", sql.BigInteger, nullable=False, default=0),
    sql.Column("rounds_logged", sql.Integer),
    sql.Column("digest", sql.String(64)),
    sql.Column("quality_paper", sql.BigInteger),
    sql.Column("quality_fitted", sql.BigInteger),
    sql.Column("quality_measured", sql.BigInteger),
    sql.Column("quality_honest", sql.BigInteger),
    sql.Column("slope", sql.BigInteger),
    sql.Column("energy_modelled", sql.BigInteger, nullable=False, default=0),
    sql.Column("energy_measured", sql.BigInteger),
    sql.Column("bytes_up", sql.BigInteger, nullable=False, default=0),
    sql.Column("bytes_down", sql.BigInteger, nullable=False, default=0),
    sql.Column("verdict", sql.String(32)),
    sql.Column("why", sql.Text),
    sql.Column("income", sql.BigInteger, nullable=False, default=0),
    sql.Column("paid", sql.BigInteger, nullable=False, default=0),
    sql.Column("told", sql.Boolean, nullable=False, default=False),
    sql.Column("received", sql.Double),
)
PAYMENTS = sql.Table(
    "payments",
    TABLES,
    sql.Column("digest", sql.String(64), primary_key=True),
    sql.Column("construction", sql.String(64), nullable=False),
    sql.Column("period", sql.Integer, nullable=False),
    sql.Column("edge", sql.String(64), nullable=False),
    sql.Column("amount", sql.BigInteger, nullable=False),
    sql.Column("time", sql.Double, nullable=False),
    sql.UniqueConstraint("construction", "period", "edge"),
)
"""A module is paid once, whoever sends it and however often; a server once in a period."""
PARTS = sql.Table(
    "parts",
    TABLES,
    sql.Column("construction", sql.String(64), primary_key=True),
    sql.Column("period", sql.Integer, primary_key=True),
    sql.Column("edge", sql.String(64), primary_key=True),
    sql.Column("module", sql.String(64), nullable=False),
)
"""Whose modules have gone into the agent of a period, by the digests in its lock file."""
PERIODS = sql.Table(
    "periods",
    TABLES,
    sql.Column("construction", sql.String(64), primary_key=True),
    sql.Column("period", sql.Integer, primary_key=True),
    sql.Column("agent", sql.String(64)),
    sql.Column("acceptance", sql.BigInteger),
    sql.Column("missing", sql.Text, nullable=False),
    sql.Column("income", sql.BigInteger, nullable=False),
    sql.Column("paid", sql.BigInteger, nullable=False),
    sql.Column("integration_cost", sql.BigInteger, nullable=False),
    sql.Column("profit", sql.BigInteger, nullable=False),
    sql.Column("profit_by_model", sql.BigInteger, nullable=False),
    sql.Column("energy_measured", sql.BigInteger, nullable=False),
)


def open_database(path: Path, tables: sql.MetaData) -> sql.Engine:
    """A database file with its tables, kept whole if a process that writes it is killed.

    Raises:
        EdgewiseError: if it cannot be opened.
    """
    engine = sql.create_engine(f"sqlite:///{path}")
    sql.event.listen(engine, "connect", _prepare)
    sql.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        tables.create_all(engine)
        with engine.begin() as connection:
            _add_columns(connection, tables)
    except sql.exc.SQLAlchemyError as error:
        raise EdgewiseError(f"{path}: cannot be opened: {told(error)}") from None
    return engine


def _add_columns(connection: sql.Connection, tables: sql.MetaData) -> None:
    """Columns that a file from before does not have; what stands in it has nothing there."""
    for table in tables.sorted_tables:
        there = {column["name"] for column in sql.inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                kind = column.type.compile(connection.dialect)
                connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ADD COLUMN "{column.name}" {kind}')


def told(error: Exception) -> str:
    """What a database says of an error, in one line."""
    return str(getattr(error, "orig", None) or error).splitlines()[0]


def _prepare(connection: Any, _: Any) -> None:
    """Transactions begin where SQLAlchemy says."""
    connection.isolation_level = None
    for setting in SETTINGS:
        connection.execute(f"PRAGMA {setting}")
