"""Constructions with real modules in one process, under several designers: an experiment on the contract of the paper."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from edgewise.common.plain import to_plain
from edgewise.construction.books import Books, total_profit
from edgewise.construction.cloud import Cloud
from edgewise.construction.contract import expected_profit
from edgewise.construction.demo import edge_configs, synthetic_kinds, write_edge
from edgewise.construction.designer import SCHEMES, design
from edgewise.construction.edge import EdgeServer
from edgewise.construction.menu import UNIT
from edgewise.construction.parcels import Nearby
from edgewise.construction.settlement import FIXED, SettlementName
from edgewise.construction.terms import TYPICAL, Terms, settlement_of

NAME = "experiment"


def construct(
    designer: str, servers: int, examples: int, tasks: int, seed: int, settlement: SettlementName = FIXED
) -> dict[str, float]:
    """Carry a construction out, with the contract of the paper: truth in expectation, and rewards that are fixed unless said.

    Args:
        designer: of the menu.
        servers: edge servers.
        examples: of each.
        tasks: of the acceptance test.
        seed: of types, data and a random menu.
        settlement: see `settlement`.

    Returns:
        Profits (12): expected of the menu, by (1) and (7) of the items that were taken, and realised with measured qualities;
        the rewards that were paid, mean qualities by (1), by the fitted constants and measured, of both periods; the share of
        deliveries that were accepted; success of the last agent.
    """
    instance = replace(TYPICAL, servers=servers)
    terms = Terms(synthetic_kinds(), instance, designer, "expected", seed, tasks=tasks, settlement=settlement)
    menu = design(instance, designer, "expected", seed, settlement_of(terms))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "cloud").mkdir()
        books = Books(folder / "cloud")
        books.begin(NAME, to_plain(terms), menu)
        edges = {}
        for address, (name, config) in enumerate(edge_configs(instance, seed, {}, examples).items()):
            write_edge(folder / name, config)
            edges[address] = EdgeServer(folder / name).answer
        Cloud(folder / "cloud", NAME, Nearby(edges)).run()
        rows, periods = books.rows(NAME), books.periods(NAME)
        books.close()
    built = [row for row in rows if row["digest"] is not None]

    def mean(field: str) -> float:
        values = [row[field] / UNIT for row in built if row[field] is not None]
        return float(np.mean(values)) if values else float("nan")

    return {
        "expected": expected_profit(instance, menu),
        "modelled": total_profit(periods, instance.beta, "profit_by_model") / UNIT,
        "realised": total_profit(periods, instance.beta) / UNIT,
        "paid": total_profit(periods, instance.beta, "paid") / UNIT,
        "quality_paper": mean("quality_paper"),
        "quality_fitted": mean("quality_fitted"),
        "quality_measured": mean("quality_measured"),
        "accepted": float(np.mean([row["verdict"] == "accepted" for row in built])) if built else float("nan"),
        "success": (periods[-1]["acceptance"] or 0) / UNIT,
    }


def compare(servers: int, examples: int, tasks: int, repetitions: int, seed: int) -> pd.DataFrame:
    """`construct` under every designer, with the same types and data in each repetition: a row for each."""
    return pd.DataFrame(
        [
            {"designer": designer, "repetition": number, **construct(designer, servers, examples, tasks, seed + number)}
            for number in range(repetitions)
            for designer in SCHEMES
        ]
    )
