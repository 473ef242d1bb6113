"""The contract at work: profits with real modules, built and measured, beside what the model has predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from edgewise.common.table import resolve
from edgewise.drawing.panels import plot_intervals
from edgewise.drawing.style import new_figure, styled
from edgewise.experiments.cell import Planned
from edgewise.experiments.claims import notes
from edgewise.experiments.probe import Probe, Probes
from edgewise.experiments.results import Drawing, Results
from edgewise.papers.edmsac.names import CONSTRUCTIONS
from edgewise.statistics.estimates import Estimate, estimate, mean

SERVICE = "edgewise.construction.experiment:compare"
"""The service stands above the papers: it is loaded when it is wanted."""
DESIGNERS = {"optimum": "dynamic", "static": "static", "random": "random"}
"""Designers of the service, and what the paper calls their contracts."""
FIGURES = {
    "expected": "expected of the menu, (12)",
    "modelled": "of the items taken, (1) and (7)",
    "realised": "realised, measured quality",
}
"""Profits that are compared."""


@dataclass(frozen=True)
class Constructions(Probe):
    """Constructions under every designer, with real modules. Rewards are fixed, as in stage III of the paper.

    Attributes:
        servers: edge servers, each of which builds a module in each period.
        examples: of each.
        tasks: of the acceptance test of an agent.
        repetitions: each with other types and data, the same for all designers.
        seed: of the first one.
    """

    name = f"edmsac: {CONSTRUCTIONS}"
    servers: int = 4
    examples: int = 1024
    tasks: int = 100
    repetitions: int = 10
    seed: int = 0

    def compute(self, folder: Path | None) -> pd.DataFrame:
        """One row per designer and repetition."""
        compare = resolve(SERVICE)
        found: pd.DataFrame = compare(self.servers, self.examples, self.tasks, self.repetitions, self.seed)
        return found


def constructions(cells: Sequence[Planned]) -> Probes:
    """What is built, whatever is trained."""
    return {(CONSTRUCTIONS, ""): Constructions()}


@styled()
def built(results: Results) -> Drawing:
    """Profits of dynamic, static and random contracts: predicted and realised."""
    table = results.table(CONSTRUCTIONS)
    figure, grid = new_figure(8.4, 3.4, 1, 2)
    rows = [
        (f"{label}: {short}", _mean(table[table["designer"] == designer], field), False)
        for designer, label in DESIGNERS.items()
        for field, short in (("expected", "expected"), ("modelled", "of items taken"), ("realised", "realised"))
    ]
    plot_intervals(grid[0, 0], rows, {}, "profit over both periods")
    qualities = [
        (f"{label}: {short}", _mean(table[table["designer"] == designer], field), False)
        for designer, label in DESIGNERS.items()
        for field, short in (
            ("quality_paper", "(1)"),
            ("quality_fitted", "(1), fitted"),
            ("quality_measured", "measured"),
        )
    ]
    plot_intervals(grid[0, 1], qualities, {}, "mean quality of the modules")
    said = notes(
        results,
        "Each repetition draws other types and data; servers, modules and data are the same under all three contracts. Mean over "
        "repetitions and 95% bootstrap interval.",
        "Realised: income is alpha times the quality that was measured on data that no server has; rewards are those that were "
        "paid after the checks. Modules are better than (1) says with the paper's constant, which knows nothing of them.",
    )
    return Drawing(figure, table, pd.DataFrame([_row(table, designer) for designer in DESIGNERS]), said)


def _mean(rows: pd.DataFrame, field: str) -> Estimate:
    """The mean over repetitions, with its interval."""
    return estimate([rows[field].to_numpy(float)], mean)


def _row(table: pd.DataFrame, designer: str) -> dict[str, str]:
    mine = table[table["designer"] == designer]

    def text(field: str, digits: int) -> str:
        e = _mean(mine, field)
        return f"{e.value:.{digits}f} [{e.low:.{digits}f}, {e.high:.{digits}f}]"

    return {
        "contract": DESIGNERS[designer],
        **{name: text(field, 1) for field, name in FIGURES.items()},
        "rewards paid": text("paid", 1),
        "quality, (1)": text("quality_paper", 3),
        "fitted": text("quality_fitted", 3),
        "measured": text("quality_measured", 3),
        "accepted": text("accepted", 2),
        "success of the agent": text("success", 2),
    }
