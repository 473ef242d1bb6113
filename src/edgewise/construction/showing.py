"""The books for readers: tables in the terminal, CSV, a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewise.common.errors import EdgewiseError
from edgewise.common.files import replace_file, told
from edgewise.common.terminal import print_table
from edgewise.construction.books import ACCEPTED, Books, micro, shown, total_profit
from edgewise.construction.cloud import read_terms
from edgewise.construction.contract import expected_profit
from edgewise.construction.menu import UNIT
from edgewise.construction.settlement import CAP

MICRO = (
    "reward_promised",
    "quality_paper",
    "quality_fitted",
    "quality_measured",
    "quality_honest",
    "slope",
    "energy_modelled",
    "energy_measured",
    "income",
    "paid",
)
"""Columns in micro-units, written with six decimals."""
COLUMNS = (
    "period",
    "name",
    "kind",
    "item",
    "rounds_promised",
    "rounds_logged",
    *MICRO,
    "bytes_up",
    "bytes_down",
    "verdict",
    "why",
    "settlement",
    "digest",
    "edge",
    "in_agent",
)
"""Of the CSV file; energies are in J, the last one is the module's digest in the agent's lock file, or empty."""
SHORT = (
    ("period", "period"),
    ("name", "server"),
    ("kind", "module"),
    ("item", "item"),
    ("rounds_promised", "rounds"),
    ("rounds_logged", "logged"),
    ("quality_paper", "quality (1)"),
    ("quality_fitted", "fitted"),
    ("quality_measured", "measured"),
    ("energy_modelled", "J (5)"),
    ("energy_measured", "J measured"),
    ("paid", "paid"),
    ("verdict", "verdict"),
)
"""Columns in the terminal and on the page, with their heads."""
PAID = (
    ("period", "period"),
    ("name", "server"),
    ("reward_promised", "R"),
    ("quality_honest", "Q(T)"),
    ("quality_measured", "q"),
    ("slope", "s"),
    ("paid", "paid"),
    ("settlement", "why"),
)
"""Columns of what was paid and why, with their heads."""
DIGITS = {
    "quality_honest": 3,
    "slope": 1,
    "quality_paper": 3,
    "quality_fitted": 3,
    "quality_measured": 3,
    "energy_modelled": 1,
    "energy_measured": 2,
}


def cell(row: Mapping[str, Any], column: str) -> str:
    """A cell in the terminal: money in full, the rest rounded; items from 1."""
    value = row[column]
    if value is None:
        return "-"
    if column in DIGITS:
        return f"{value / 1e6:.{DIGITS[column]}f}"
    if column in MICRO:
        return shown(value)
    return str(value + 1) if column == "item" else str(value)


def integrated(books: Books, name: str, period: int) -> str:
    """Whose modules have gone into the agent of a period, to end a sentence: several of a kind answer together."""
    parts = books.parts(name, period)
    by_kind: dict[str, list[str]] = {}
    for row in books.rows(name, period):
        if row["edge"] in parts:
            by_kind.setdefault(row["kind"], []).append(row["name"])
    told = (f"{kind} of {' and '.join(names)}" for kind, names in by_kind.items())
    return f"; it has {', '.join(told)}" if by_kind else ""


def payments(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """What was paid for each delivery and why, in the columns of `PAID`."""
    closed = [row for row in rows if row["digest"] is not None and row["verdict"] is not None]
    return [[cell({**row, "settlement": settled(row)}, column) for column, _ in PAID] for row in closed]


def settled(row: Mapping[str, Any]) -> str:
    """How it came to what a server was paid, in a word or two; empty as long as nothing is."""
    if row["verdict"] != ACCEPTED:
        return "refused" if row["verdict"] else ""
    if row["slope"] is None:
        return "fixed R"
    return "at a limit" if row["paid"] in (0, CAP * row["reward_promised"]) else "by quality"


def sums(books: Books, name: str) -> list[tuple[str, str, str, str]]:
    """Income, payments, costs and profit: what, period 1, period 2, together (period 2 discounted)."""
    terms, menu = read_terms(books, name)
    periods = books.periods(name)
    beta = terms.instance.beta

    def line(label: str, field: str) -> tuple[str, str, str, str]:
        values = [shown(closed[field]) for closed in periods] + ["-"] * (2 - len(periods))
        return label, values[0], values[1], shown(total_profit(periods, beta, field))

    return [
        line("income: alpha times measured quality", "income"),
        line("rewards paid", "paid"),
        line("integration: sigma E_C", "integration_cost"),
        line("profit", "profit"),
        line("profit of these choices by (1) and (7)", "profit_by_model"),
        ("profit expected of the menu by (12)", "-", "-", shown(micro(expected_profit(terms.instance, menu)))),
    ]


def print_books(books: Books, name: str) -> None:
    """The books in the terminal, added up first.

    Raises:
        EdgewiseError: if they do not add up, or hold no such construction.
    """
    books.check(name)
    rows = [[cell(row, column) for column, _ in SHORT] for row in books.rows(name)]
    heads = [head for _, head in SHORT]
    print_table(f"books of {name}", heads, rows, words=("server", "module", "verdict"), keys=2)
    for row in books.rows(name):
        if row["why"] and row["verdict"] != ACCEPTED:
            print(f"period {row['period']}, {row['name']}: {row['verdict']}: {row['why']}")
    for closed in books.periods(name):
        if closed["missing"]:
            print(
                f"period {closed['period']}: no module of {closed['missing']} has passed: a plain rule takes its place"
            )
        if closed["acceptance"] is not None:
            agent, success = closed["agent"] or "", closed["acceptance"] / UNIT
            print(
                f"period {closed['period']}: agent {agent[:16]} does {success:.1%} of the tasks of its acceptance test"
                + integrated(books, name, closed["period"])
            )
    paid = payments(books.rows(name))
    if paid:
        print_table("payments", [head for _, head in PAID], paid, words=("server", "why"), keys=2)
        print(f"by quality: R + s (q - Q(T)), at least 0 and at most {CAP} R")
    print_table("sums", ("what", "period 1", "period 2", "together"), sums(books, name))


def write_csv(books: Books, name: str, path: Path) -> None:
    """The rows of a construction as CSV; money, qualities and energies with six decimals.

    Raises:
        EdgewiseError: if it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in books.rows(name):
        in_agent = books.parts(name, row["period"]).get(row["edge"])
        row |= {"in_agent": in_agent, "settlement": settled(row)}
        writer.writerow(
            [
                shown(row[column]) if column in MICRO else "" if row[column] is None else row[column]
                for column in COLUMNS
            ]
        )
    _write(path, text.getvalue())


def write_page(books: Books, name: str, path: Path, notes: Sequence[str] = ()) -> None:
    """The books as a page of their own.

    Raises:
        EdgewiseError: if it cannot be written, or the books do not add up.
    """
    from edgewise.reports.page import render

    books.check(name)
    rows = books.rows(name)
    page = render(
        "construction.html",
        name=name,
        heads=[head for _, head in SHORT],
        rows=[[cell(row, column) for column, _ in SHORT] for row in rows],
        paid_heads=[head for _, head in PAID],
        paid=payments(rows),
        refused=[row for row in rows if row["why"] and row["verdict"] != ACCEPTED],
        sums=sums(books, name),
        periods=[each | {"parts": integrated(books, name, each["period"])} for each in books.periods(name)],
        notes=list(notes),
    )
    _write(path, page)


def _write(path: Path, text: str) -> None:
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise EdgewiseError(told(error)) from None
