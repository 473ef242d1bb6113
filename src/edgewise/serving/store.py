"""What is kept in the database: sessions, decisions, and answers by the keys of their requests, through SQLAlchemy."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql

from edgewise.common.errors import EdgewiseError
from edgewise.serving.checkpoints import LATEST, Checkpoints

TABLES = sql.MetaData()
SESSIONS = sql.Table(
    "sessions",
    TABLES,
    sql.Column("id", sql.String(128), primary_key=True),
    sql.Column("system", sql.String(64), nullable=False, index=True),
    sql.Column("model", sql.String(64), nullable=False),
    sql.Column("version", sql.Integer, nullable=False),
    sql.Column("state", sql.LargeBinary, nullable=False),
    sql.Column("time", sql.Double, nullable=False, index=True),
    sql.Column("memory", sql.LargeBinary, nullable=False),
)
DECISIONS = sql.Table(
    "decisions",
    TABLES,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("time", sql.Double, nullable=False, index=True),
    sql.Column("session", sql.String(128), nullable=False, index=True),
    sql.Column("system", sql.String(64), nullable=False),
    sql.Column("model", sql.String(64), nullable=False),
    sql.Column("policy", sql.String(64), nullable=False),
    sql.Column("request", sql.String(64), nullable=False),
    sql.Column("input_sha256", sql.String(64), nullable=False),
    sql.Column("observation", sql.LargeBinary, nullable=False),
    sql.Column("action", sql.LargeBinary, nullable=False),
    sql.Column("degraded", sql.Boolean, nullable=False),
    sql.Column("outside", sql.Text, nullable=False),
    sql.Column("milliseconds", sql.Double, nullable=False),
)
STATES = sql.Table(
    "states",
    TABLES,
    sql.Column("session", sql.String(128), primary_key=True),
    sql.Column("version", sql.Integer, primary_key=True),
    sql.Column("state", sql.LargeBinary, nullable=False),
)
ANSWERS = sql.Table(
    "answers",
    TABLES,
    sql.Column("scope", sql.String(256), primary_key=True),
    sql.Column("key", sql.String(128), primary_key=True),
    sql.Column("input_sha256", sql.String(64), nullable=False),
    sql.Column("status", sql.Integer, nullable=False),
    sql.Column("body", sql.LargeBinary, nullable=False),
    sql.Column("time", sql.Double, nullable=False, index=True),
)


@dataclass(frozen=True)
class SessionRow:
    """A session as it is kept.

    Attributes:
        id: chosen by the client or the server.
        system, model: to which it belongs.
        version: number of requests that have changed it.
        state: see `Service.dump`.
        time: of the last change, s since 1970.
        memory: the policy's own, if it has one.
    """

    id: str
    system: str
    model: str
    version: int
    state: bytes
    time: float
    memory: bytes = b""


@dataclass(frozen=True)
class DecisionRow:
    """A decision as it is kept.

    Attributes:
        id: of its own.
        time: when it was answered, s since 1970.
        session, system, model: to which it belongs.
        policy: digest of the policy that gave it; of the one that was late, if it is degraded.
        request: id of the request.
        input_sha256: digest of the observation; of the request, if there is none.
        observation, action: see `common.packed`; no observation where programs were missing that would have made it.
        degraded: whether a reference rule gave it.
        outside: what of its input was outside of what the policy was trained on; a line each.
        milliseconds: from the question to the action.
    """

    id: str
    time: float
    session: str
    system: str
    model: str
    policy: str
    request: str
    input_sha256: str
    observation: bytes
    action: bytes
    degraded: bool
    outside: str
    milliseconds: float


@dataclass(frozen=True)
class AnswerRow:
    """An answer as it is kept, to be given again to a request that is repeated.

    Attributes:
        scope: address of the request.
        key: that the client gave it.
        input_sha256: digest of its body.
        status, body: of the answer.
        time: s since 1970.
    """

    scope: str
    key: str
    input_sha256: str
    status: int
    body: bytes
    time: float


@dataclass(frozen=True)
class Change:
    """What one request changes, kept whole or not at all.

    Attributes:
        session: its new row.
        decision: made by the request, if one was.
        answer: if the request had a key.
        removed: whether the session is removed.
    """

    session: SessionRow
    decision: DecisionRow | None = None
    answer: AnswerRow | None = None
    removed: bool = False


class Store:
    """A database.

    Args:
        url: of SQLAlchemy.
        every_state: whether earlier states of sessions are kept too.

    Raises:
        EdgewiseError: if it cannot be opened.
    """

    def __init__(self, url: str, every_state: bool = False) -> None:
        self._every_state = every_state
        try:
            self._engine = sql.create_engine(url)
            if self._engine.dialect.name == "sqlite":
                sql.event.listen(self._engine, "connect", _prepare_sqlite)
                sql.event.listen(self._engine, "begin", _begin_sqlite)
            TABLES.create_all(self._engine)
        except (sql.exc.SQLAlchemyError, ImportError) as error:
            raise EdgewiseError(f"database {url}: cannot be opened: {_told(error)}") from None
        self._writing = threading.Lock()
        self._checkpoints = None if self.shared else Checkpoints(self._engine, self._writing)

    @property
    def shared(self) -> bool:
        """Whether other servers may keep their sessions there too."""
        return self._engine.dialect.name != "sqlite"

    def close(self) -> None:
        """Give the connections back."""
        if self._checkpoints is not None:
            self._checkpoints.close()
        self._engine.dispose()

    def commit(self, changes: Sequence[Change]) -> list[bool]:
        """Keep changes in one transaction.

        Returns:
            Of each whether it was kept: not if another one has changed its session since, has taken its name, or has been
            answered with its key.
        """
        with self._writing:
            try:
                with self._engine.begin() as connection:
                    return [_keep(connection, change, self._every_state) for change in changes]
            except sql.exc.IntegrityError:  # of one of them: each by itself then
                with self._engine.begin() as connection:
                    return [_kept(connection, change, self._every_state) for change in changes]

    def reading(self) -> sql.Connection:
        """A connection to read what is kept, to be used in a `with` statement."""
        return self._engine.connect()

    def session(self, name: str) -> SessionRow | None:
        """A session, if it is kept."""
        row = self._first(sql.select(SESSIONS).where(SESSIONS.c.id == name))
        return None if row is None else SessionRow(**row)

    def version(self, name: str) -> int | None:
        """Number of requests that have changed a session, if it is kept."""
        row = self._first(sql.select(SESSIONS.c.version).where(SESSIONS.c.id == name))
        return None if row is None else int(row["version"])

    def latest(self, count: int) -> list[SessionRow]:
        """The sessions that were changed last, the latest first."""
        query = sql.select(SESSIONS).order_by(SESSIONS.c.time.desc()).limit(count)
        with self._engine.connect() as connection:
            return [SessionRow(**row) for row in connection.execute(query).mappings()]

    def versions(self, name: str) -> range:
        """The versions of a session of which the state is kept, beside the last one."""
        ends = sql.select(sql.func.min(STATES.c.version).label("first"), sql.func.max(STATES.c.version).label("last"))
        row = self._first(ends.where(STATES.c.session == name))
        return range(0) if row is None or row["first"] is None else range(row["first"], row["last"] + 1)

    def state(self, name: str, version: int) -> bytes | None:
        """The state of a session at a version, if it is kept."""
        row = self._first(sql.select(STATES.c.state).where(STATES.c.session == name, STATES.c.version == version))
        return None if row is None else bytes(row["state"])

    def answer(self, scope: str, key: str) -> AnswerRow | None:
        """The answer to a request that has been carried out."""
        row = self._first(sql.select(ANSWERS).where(ANSWERS.c.scope == scope, ANSWERS.c.key == key))
        return None if row is None else AnswerRow(**row)

    def sessions(self) -> int:
        """Number of sessions."""
        with self._engine.connect() as connection:
            return int(connection.execute(sql.select(sql.func.count()).select_from(SESSIONS)).scalar_one())

    def prune(self, before: float) -> None:
        """Remove answers that were given before a time, s since 1970."""
        with self._writing, self._engine.begin() as connection:
            connection.execute(sql.delete(ANSWERS).where(ANSWERS.c.time < before))

    def _first(self, query: Any) -> dict[str, Any] | None:
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
            return None if row is None else dict(row)


def _kept(connection: sql.Connection, change: Change, every_state: bool) -> bool:
    try:
        with connection.begin_nested():
            return _keep(connection, change, every_state)
    except sql.exc.IntegrityError:
        return False


class Statement:
    """A statement in the words of a database, made once: SQLAlchemy looks its own up anew each time that one is carried out.

    Args:
        told: it; all of its parameters have names.
    """

    def __init__(self, told: Any) -> None:
        self._told = told
        self._made: dict[str, Any] = {}

    def carry_out(self, connection: sql.Connection, values: Mapping[str, Any]) -> int:
        """Carry it out.

        Returns:
            Number of rows that it has changed.
        """
        dialect = connection.dialect
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = self._told.compile(dialect=dialect)
        names = made.positiontup
        given: Any = dict(values) if names is None else tuple([values[name] for name in names])
        return int(connection.exec_driver_sql(made.string, given).rowcount)


BEFORE, BEFORE_VERSION = "before_id", "before_version"
_UNCHANGED = sql.and_(SESSIONS.c.id == sql.bindparam(BEFORE), SESSIONS.c.version == sql.bindparam(BEFORE_VERSION))
_CHANGED: dict[str, Any] = {each.name: sql.bindparam(each.name) for each in SESSIONS.columns}
REMOVE = Statement(sql.delete(SESSIONS).where(_UNCHANGED))
UPDATE = Statement(sql.update(SESSIONS).where(_UNCHANGED).values(_CHANGED))
REMOVE_STATES = Statement(sql.delete(STATES).where(STATES.c.session == sql.bindparam(BEFORE)))
ADD_SESSION, ADD_STATE, ADD_DECISION, ADD_ANSWER = (
    Statement(sql.insert(table)) for table in (SESSIONS, STATES, DECISIONS, ANSWERS)
)


def _keep(connection: sql.Connection, change: Change, every_state: bool) -> bool:
    row = change.session
    before = {BEFORE: row.id, BEFORE_VERSION: row.version - 1}
    if change.removed:
        kept = REMOVE.carry_out(connection, before) == 1
        if kept and every_state:
            REMOVE_STATES.carry_out(connection, {BEFORE: row.id})
    elif row.version == 0:
        ADD_SESSION.carry_out(connection, vars(row))
        kept = True
    else:
        kept = UPDATE.carry_out(connection, {**vars(row), **before}) == 1
    if kept and change.decision is not None:
        ADD_DECISION.carry_out(connection, vars(change.decision))
    if kept and every_state and not change.removed:
        ADD_STATE.carry_out(connection, {"session": row.id, "version": row.version, "state": row.state})
    if kept and change.answer is not None:
        ADD_ANSWER.carry_out(connection, vars(change.answer))
    return kept


def _prepare_sqlite(connection: Any, _: Any) -> None:
    """A log ahead of the file, so that readers do not wait; kept by the operating system if this process is killed.

    Transactions begin where SQLAlchemy says, as savepoints need it, and not where the driver guesses.
    """
    connection.isolation_level = None
    for setting in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000", f"wal_autocheckpoint={LATEST}"):
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: sql.Connection) -> None:
    connection.connection.execute("BEGIN")  # of the driver: quicker than through SQLAlchemy


def _told(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
