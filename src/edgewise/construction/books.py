"""The cloud server's books: who chose, built and delivered what, what it was worth, and who was paid."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from edgewise.common.errors import EdgewiseError
from edgewise.construction.menu import UNIT, Menu, read_menu
from edgewise.construction.settlement import owed
from edgewise.construction.tables import (
    CONSTRUCTIONS,
    EDGES,
    PARTS,
    PAYMENTS,
    PERIODS,
    ROWS,
    TABLES,
    open_database,
    told,
)

ACCEPTED = "accepted"
"""The one verdict that is paid."""
FILE = "books.db"


@dataclass(frozen=True)
class Edge:
    """A server that takes part.

    Attributes:
        edge: its public key, 64 hexadecimal digits.
        name: as it calls itself.
        kind: of the modules that it builds.
    """

    edge: str
    name: str
    kind: str


@dataclass(frozen=True)
class Choice:
    """What a server has chosen in a period, and what the models say of it.

    Attributes:
        item: its place in the menu; None if it takes none.
        rounds_promised, reward_promised: T and R, in micro-units.
        quality_paper, quality_fitted: by (1) with the constants of the instance and with those fitted to the kind of module,
            micro-units; None if nothing is built or nothing was fitted.
        energy_modelled: by (2)-(5), microjoule.
        quality_honest, slope: Q(T) and s of the settlement, see `menu.Gauge`; None if the reward is fixed.
    """

    item: int | None
    rounds_promised: int = 0
    reward_promised: int = 0
    quality_paper: int | None = None
    quality_fitted: int | None = None
    energy_modelled: int = 0
    quality_honest: int | None = None
    slope: int | None = None


@dataclass(frozen=True)
class Delivery:
    """What a server has delivered.

    Attributes:
        digest: of the module; None if nothing came.
        rounds_logged: in the module's log.
        energy_measured: CPU time as measured by the server times its declared power, and the transfer, microjoule.
        bytes_up, bytes_down: of messages from and to the server.
    """

    digest: str | None
    rounds_logged: int | None = None
    energy_measured: int | None = None
    bytes_up: int = 0
    bytes_down: int = 0


@dataclass(frozen=True)
class Judged:
    """What the cloud server makes of a delivery.

    Attributes:
        verdict: its name; "accepted" is paid.
        why: in words.
        quality_measured: on data of the cloud server's own, micro-units; None if it was not measured.
    """

    verdict: str
    why: str = ""
    quality_measured: int | None = None


@dataclass(frozen=True)
class Integrated:
    """The agent of a period.

    Attributes:
        agent: digest of its lock file; None if there is none.
        acceptance: success of its acceptance test, micro-units.
        missing: kinds of modules that nobody has delivered.
        energy_measured: of judging and integration, microjoule.
        parts: digests of the modules that have gone into it, by their authors' public keys.
    """

    agent: str | None
    acceptance: int | None = None
    missing: tuple[str, ...] = ()
    energy_measured: int = 0
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rates:
    """What turns quality into money.

    Attributes:
        alpha: income per unit of quality, micro-units.
        integration: cost of a period's integration, sigma E_C, micro-units.
    """

    alpha: int
    integration: int

    def income(self, quality: int) -> int:
        """Income from a quality, both in micro-units, rounded once."""
        return round(Decimal(self.alpha) * quality / UNIT)


def micro(value: float) -> int:
    """A number in micro-units."""
    return round(value * UNIT)


def shown(value: int | None) -> str:
    """Micro-units with six decimals; nothing for None."""
    return "" if value is None else f"{Decimal(value).scaleb(-6):.6f}"


class Books:
    """The books of one folder; several constructions may stand in them.

    Args:
        folder: that holds the database.

    Raises:
        EdgewiseError: if it cannot be opened.
    """

    def __init__(self, folder: Path) -> None:
        self._engine = open_database(folder / FILE, TABLES)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def begin(self, name: str, terms: dict[str, Any], menu: Menu) -> tuple[dict[str, Any], Menu]:
        """Begin a construction, or go on with it; its terms and menu as they stand in the books."""
        with self._engine.begin() as connection:
            row = _first(connection, CONSTRUCTIONS, construction=None, id=name)
            if row is None:
                values = {"id": name, "terms": _json(terms), "menu": _json(menu.plain()), "time": time.time()}
                connection.execute(sql.insert(CONSTRUCTIONS), values)
                row = values
        return json.loads(row["terms"]), read_menu(json.loads(row["menu"]))

    def names(self) -> list[str]:
        """Constructions, the oldest first."""
        with self._engine.connect() as connection:
            return list(connection.execute(sql.select(CONSTRUCTIONS.c.id).order_by(CONSTRUCTIONS.c.time)).scalars())

    def terms(self, name: str) -> tuple[dict[str, Any], Menu]:
        """Terms and menu of a construction.

        Raises:
            EdgewiseError: if there is none of that name.
        """
        with self._engine.connect() as connection:
            row = _first(connection, CONSTRUCTIONS, construction=None, id=name)
        if row is None:
            raise EdgewiseError(f"no construction {name} in the books: there are {', '.join(self.names()) or 'none'}")
        return json.loads(row["terms"]), read_menu(json.loads(row["menu"]))

    def enrol(self, name: str, edges: Sequence[Edge], choices: Mapping[str, Choice] | None = None) -> list[Edge]:
        """Write down who takes part and what each has chosen for period 1, unless that stands already; who does.

        Args:
            name: of the construction.
            edges: who takes part.
            choices: by public key.
        """
        with self._engine.begin() as connection:
            if _first(connection, EDGES, name) is None:
                connection.execute(sql.insert(EDGES), [{"construction": name, **asdict(edge)} for edge in edges])
                for edge, choice in (choices or {}).items():
                    values = {"construction": name, "period": 1, "edge": edge, **asdict(choice)}
                    connection.execute(sql.insert(ROWS), values)
        return self.edges(name)

    def edges(self, name: str) -> list[Edge]:
        """Who takes part, by name."""
        query = sql.select(EDGES.c.edge, EDGES.c.name, EDGES.c.kind).where(EDGES.c.construction == name)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(EDGES.c.name, EDGES.c.edge)).mappings().all()
        return [Edge(**row) for row in rows]

    def choose(self, name: str, period: int, edge: str, choice: Choice) -> None:
        """Write a choice down; the first one of a period stands."""
        values = {"construction": name, "period": period, "edge": edge, **asdict(choice)}
        with self._engine.begin() as connection:
            if _first(connection, ROWS, name, period=period, edge=edge) is None:
                connection.execute(sql.insert(ROWS), values)

    def receive(self, name: str, period: int, edge: str, delivery: Delivery) -> None:
        """Write a delivery down, and when it came; the first one of a period stands."""
        where = _where(ROWS, name, period=period, edge=edge)
        with self._engine.begin() as connection:
            connection.execute(
                sql.update(ROWS).where(*where, ROWS.c.digest.is_(None)).values(**asdict(delivery), received=time.time())
            )

    def tell(self, name: str, period: int, edge: str) -> None:
        """Write down that a server knows its verdict."""
        where = _where(ROWS, name, period=period, edge=edge)
        with self._engine.begin() as connection:
            connection.execute(sql.update(ROWS).where(*where).values(told=True))

    def settle(self, name: str, period: int, rates: Rates, judged: dict[str, Judged], integrated: Integrated) -> None:
        """Close a period: verdicts, payments and sums, all of them or none; a period that is closed stays as it is.

        Args:
            name: of the construction.
            period: 1 or 2.
            rates: of income and cost.
            judged: by server, one of each.
            integrated: the agent.

        Raises:
            EdgewiseError: if a module would be paid twice.
        """
        try:
            with self._engine.begin() as connection:
                if _first(connection, PERIODS, name, period=period) is None:
                    _close(connection, name, period, rates, judged, integrated)
        except sql.exc.IntegrityError as error:
            raise EdgewiseError(f"period {period}: a module would be paid twice: {told(error)}") from None

    def rows(self, name: str, period: int | None = None) -> list[dict[str, Any]]:
        """Rows of a period, or of both, by period and name of the server."""
        joined = ROWS.join(EDGES, sql.and_(EDGES.c.construction == ROWS.c.construction, EDGES.c.edge == ROWS.c.edge))
        query = sql.select(EDGES.c.name, EDGES.c.kind, ROWS).select_from(joined).where(ROWS.c.construction == name)
        if period is not None:
            query = query.where(ROWS.c.period == period)
        with self._engine.connect() as connection:
            found = connection.execute(query.order_by(ROWS.c.period, EDGES.c.name, ROWS.c.edge)).mappings().all()
        return [dict(row) for row in found]

    def row(self, name: str, period: int, edge: str) -> dict[str, Any] | None:
        """The row of a server in a period."""
        return next((row for row in self.rows(name, period) if row["edge"] == edge), None)

    def periods(self, name: str) -> list[dict[str, Any]]:
        """Sums of the periods that are closed."""
        query = sql.select(PERIODS).where(PERIODS.c.construction == name).order_by(PERIODS.c.period)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def parts(self, name: str, period: int) -> dict[str, str]:
        """Digests of the modules that have gone into the agent of a period, by their authors' public keys."""
        query = sql.select(PARTS.c.edge, PARTS.c.module).where(*_where(PARTS, name, period=period))
        with self._engine.connect() as connection:
            return {row.edge: row.module for row in connection.execute(query)}

    def digests(self) -> dict[str, str]:
        """Server by digest of every module that was delivered, in all constructions."""
        query = sql.select(ROWS.c.digest, ROWS.c.edge).where(ROWS.c.digest.is_not(None))
        with self._engine.connect() as connection:
            return {row.digest: row.edge for row in connection.execute(query)}

    def check(self, name: str) -> None:
        """Add everything up.

        Raises:
            EdgewiseError: naming the first sum that is not what its parts add up to.
        """
        for closed in self.periods(name):
            rows = self.rows(name, closed["period"])
            with self._engine.connect() as connection:
                where = _where(PAYMENTS, name, period=closed["period"])
                payments = dict(connection.execute(sql.select(PAYMENTS.c.edge, PAYMENTS.c.amount).where(*where)).all())
            sums = {
                "income": sum(row["income"] for row in rows),
                "paid": sum(row["paid"] for row in rows),
                "profit": closed["income"] - closed["paid"] - closed["integration_cost"],
            }
            for column, value in sums.items():
                if closed[column] != value:
                    raise _unbalanced(closed["period"], column, closed[column], value)
            for row in rows:
                right = _due(row) if row["verdict"] == ACCEPTED else 0
                for what, value in (("paid", row["paid"]), ("payment", payments.get(row["edge"], 0))):
                    if value != right:
                        raise _unbalanced(closed["period"], f"{what} of {row['name']}", value, right)


def _due(row: Mapping[str, Any]) -> int:
    """What a module that has passed is paid, by its row, micro-units."""
    return owed(row["reward_promised"], row["quality_measured"] or 0, row["quality_honest"], row["slope"])


def total_profit(periods: Sequence[dict[str, Any]], beta: float, field: str = "profit") -> int:
    """Discounted profit over the periods, micro-units: (12); period 2 is discounted as a whole and rounded once."""
    return sum(round(Decimal(str(beta)) ** (closed["period"] - 1) * closed[field]) for closed in periods)


def _close(
    connection: sql.Connection, name: str, period: int, rates: Rates, judged: dict[str, Judged], integrated: Integrated
) -> None:
    where = _where(ROWS, name, period=period)
    rows = connection.execute(sql.select(ROWS).where(*where)).mappings().all()
    income = paid = by_model = 0
    for row in rows:
        found = judged[row["edge"]]
        values: dict[str, Any] = asdict(found) | {"income": 0, "paid": 0}
        if found.verdict == ACCEPTED:
            values |= {"income": rates.income(found.quality_measured or 0), "paid": _due({**row, **values})}
            payment = {"digest": row["digest"], "construction": name, "period": period, "edge": row["edge"]}
            connection.execute(sql.insert(PAYMENTS), {**payment, "amount": values["paid"], "time": time.time()})
        connection.execute(sql.update(ROWS).where(*where, ROWS.c.edge == row["edge"]).values(values))
        income, paid = income + values["income"], paid + values["paid"]
        by_model += rates.income(row["quality_paper"] or 0) - row["reward_promised"]
    for edge, module in integrated.parts.items():
        values = {"construction": name, "period": period, "edge": edge, "module": module}
        connection.execute(sql.insert(PARTS), values)
    sums = {
        "construction": name,
        "period": period,
        "agent": integrated.agent,
        "acceptance": integrated.acceptance,
        "energy_measured": integrated.energy_measured,
        "missing": " ".join(integrated.missing),
        "income": income,
        "paid": paid,
        "integration_cost": rates.integration,
        "profit": income - paid - rates.integration,
        "profit_by_model": by_model - rates.integration,
    }
    connection.execute(sql.insert(PERIODS), sums)


def _where(table: sql.Table, construction: str | None, **values: Any) -> list[Any]:
    named = values if construction is None else {"construction": construction, **values}
    return [table.c[column] == value for column, value in named.items()]


def _first(connection: sql.Connection, table: sql.Table, construction: str | None, **values: Any) -> Any:
    return connection.execute(sql.select(table).where(*_where(table, construction, **values))).mappings().first()


def _unbalanced(period: int, field: str, found: int, right: int) -> EdgewiseError:
    return EdgewiseError(f"books: period {period}: {field} = {shown(found)}: must be {shown(right)}")


def _json(values: object) -> str:
    return json.dumps(values, sort_keys=True)
