"""Whether lies pay an edge server: less work than it has promised, another type's item, or no item; by building with the lie.

Run: python benchmarks/lies.py build ROWS [--kinds NAME ...] [--servers N] [--seed N]
     python benchmarks/lies.py tell ROWS [--out FOLDER]

`build` trains modules of fresh edge servers, whose apps and data no curve has seen, and writes one line for each to ROWS: what
the cloud server measures after each round. A command that was interrupted goes on.
`tell` works out what each server earns by the truth and by every lie, with rewards that are fixed and with settlement by measured
quality, beside what the curves say, and writes `lies.json`, `effort.csv`, `types.csv` and `lies.png` to FOLDER.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from edgewise.common.progress import progress_bar
from edgewise.construction.contract import expected_profit
from edgewise.construction.curve import EXAMPLES, Curve
from edgewise.construction.designer import design
from edgewise.construction.ground import GROUNDS, HIDDEN
from edgewise.construction.judging import HIDDEN_SEED
from edgewise.construction.kind import MODULES, learned_kinds
from edgewise.construction.menu import UNIT, Item, Menu
from edgewise.construction.settlement import FIXED, MEASURED, owed
from edgewise.construction.terms import TYPICAL, Terms, curves_of, settlement_of
from edgewise.drawing.style import BLUE, GREY, VERMILION, new_figure, save_figure, styled

PARTS = (0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25)
"""Of the promised rounds that are built."""
LESS = tuple(part for part in PARTS if part < 1)
SERVERS, SEED = 100, 20_000
"""Fresh servers of each kind, and the first one's number: far from those of the curves."""
ROUNDS = 56
"""That each builds: a quarter more than the most that the optimum's items ask for."""


def terms_of(settlement: Any) -> Terms:
    """A construction of all kinds that are learned."""
    return Terms(learned_kinds(), settlement=settlement)


def menu_of(terms: Terms) -> Menu:
    """What the cloud server offers."""
    return design(terms.instance, terms.designer, terms.truth, terms.seed, settlement_of(terms))


def parts_of(rounds: int) -> dict[float, int]:
    """Rounds that are built by the part of the promised ones."""
    return {part: max(1, round(part * rounds)) for part in PARTS}


def qualities(kind: str, server: int, rounds: int, examples: int) -> list[float]:
    """What is measured of a fresh server's module from no round on, on hidden data of a construction of its own."""
    of = MODULES.find(kind)
    places = GROUNDS.find(of.ground).places
    apps, language = tuple(f"{name}-{server}" for name in "abc"), places[server % len(places)][1]
    hidden = of.draw_data(HIDDEN, examples, HIDDEN_SEED + server, "mixed")
    data, weights = of.draw_data(apps, EXAMPLES, server, language), of.initial(server)
    found = [of.evaluate(weights, hidden)]
    for done in range(rounds):
        weights, _ = of.train_round(weights, data, 1000 * server + done)
        found.append(of.evaluate(weights, hidden))
    return found


def build(path: Path, kinds: Sequence[str], servers: int, seed: int) -> None:
    """Rows of fresh servers, one after the other."""
    examples = terms_of(FIXED).examples
    path.parent.mkdir(parents=True, exist_ok=True)
    done = {(row["kind"], row["server"]) for row in read(path)}
    left = [
        (server, kind) for server, kind in product(range(seed, seed + servers), kinds) if (kind, server) not in done
    ]
    with path.open("a") as stream, progress_bar("lies", len(left), "modules") as report:
        for number, (server, kind) in enumerate(left):
            report(number, kind)
            row = {"kind": kind, "server": server, "quality": qualities(kind, server, ROUNDS, examples)}
            print(json.dumps(row), file=stream, flush=True)


def read(path: Path) -> list[dict[str, Any]]:
    """Rows that are there."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@dataclass(frozen=True)
class Books:
    """What servers of a kind earn.

    Attributes:
        menu: that is offered.
        curve: of the kind.
        examples: on which quality is measured.
        measured: quality [rounds, servers]. If None, that of the curve.
    """

    menu: Menu
    curve: Curve
    examples: int
    measured: np.ndarray | None

    def paid(self, item: Item, built: int) -> np.ndarray:
        """What each server is paid for an item of which it has built so many rounds."""
        gauge, least = self.menu.gauge(self.curve.kind, item.rounds), self.curve.least(item.rounds, self.examples)
        of_curve = np.array([float(self.curve.smooth(built).mean())])
        terms = (None, None) if gauge is None else (gauge.quality, gauge.slope)
        return np.array(
            [
                owed(item.reward, round(quality * UNIT), *terms) / UNIT if quality >= least else 0.0
                for quality in (of_curve if self.measured is None else self.measured[built])
            ]
        )

    def earned(self, theta: float, item: Item, part: float) -> np.ndarray:
        """Utility (6) of each server."""
        if not item.rounds:
            return np.zeros(1)
        built = parts_of(item.rounds)[part]
        return theta * self.paid(item, built) - self.menu.costs.of(built)


def difference(lie: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """How much more a lie earns: the mean over servers with its 95% interval, and the share of servers that it pays."""
    gain = lie - truth
    half = 1.96 * gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else 0.0
    return {"gain": gain.mean(), "low": gain.mean() - half, "high": gain.mean() + half, "pays": (gain > 0).mean()}


def effort(settlement: str, books: Books, worked_out: Books) -> Iterator[dict[str, Any]]:
    """Honest pay, and lies about effort: every type at the items of period 1 that are made for it."""
    for theta, item in zip(books.menu.theta1, books.menu.first, strict=True):
        paid, truth = books.paid(item, item.rounds), books.earned(theta, item, 1.0)
        for part in PARTS:
            yield {
                "settlement": settlement,
                "kind": books.curve.kind,
                "theta": theta,
                "rounds": item.rounds,
                "part": part,
                "reward": item.reward / UNIT,
                "honest_paid": paid.mean(),
                "honest_deviation": paid.std(ddof=1),
                "honest_loses": (truth < 0).mean(),
                "honest_refused": (paid == 0).mean(),
                "honest_utility": truth.mean(),
                **difference(books.earned(theta, item, part), truth),
                "worked_out": float((worked_out.earned(theta, item, part) - worked_out.earned(theta, item, 1.0))[0]),
            }


def everything(settlement: str, books: Books, parts: Sequence[float]) -> Iterator[dict[str, Any]]:
    """The best lie over both periods for every pair of types: any items, any parts of their rounds, or no item at all."""
    menu = books.menu
    levels = range(len(menu.theta1))
    items = {item for row in (menu.first, *menu.second) for item in row}
    each = product({*menu.theta1, *menu.theta2}, items, parts)
    earned = {(theta, item, part): books.earned(theta, item, part) for theta, item, part in each}
    for k, j in product(levels, levels):

        def path(branch: int, part: float, item: int, later: float, k: int = k, j: int = j) -> Any:
            there = earned[menu.theta2[j], menu.second[branch][item], later]
            return earned[menu.theta1[k], menu.first[branch], part] + menu.beta * there

        truth = path(k, 1.0, j, 1.0)
        lies = {("none",): np.zeros_like(truth)}
        for branch, part, item, later in product(levels, parts, levels, parts):
            if (branch, part, item, later) != (k, 1.0, j, 1.0):
                lies[(branch, part, item, later)] = path(branch, part, item, later)
        best = max(lies, key=lambda each: lies[each].mean())
        yield {
            "settlement": settlement,
            "kind": books.curve.kind,
            "theta1": menu.theta1[k],
            "theta2": menu.theta2[j],
            "honest_utility": truth.mean(),
            "more_work": max(parts) > 1,
            "best_lie": " ".join(str(each) for each in best),
            **difference(lies[best], truth),
        }


def tell(path: Path, out: Path) -> None:
    """Write what the rows come to."""
    rows, efforts, types, menus = read(path), list[Any](), list[Any](), dict[str, Any]()
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    for settlement in (FIXED, MEASURED):
        terms = terms_of(settlement)
        menu = menu_of(terms)
        menus[settlement] = {"menu": menu.plain(), "expected_profit": expected_profit(TYPICAL, menu)}
        for kind in kinds:
            measured = np.array([row["quality"] for row in rows if row["kind"] == kind]).T
            curve = curves_of(terms)[kind]
            books = Books(menu, curve, terms.examples, measured)
            efforts += effort(settlement, books, Books(menu, curve, terms.examples, None))
            for parts in ((*LESS, 1.0), PARTS):
                types += everything(settlement, books, parts)
    out.mkdir(parents=True, exist_ok=True)
    table, of_types = pd.DataFrame(efforts), pd.DataFrame(types)
    table.round(4).to_csv(out / "effort.csv", index=False)
    of_types.round(4).to_csv(out / "types.csv", index=False)
    servers = {kind: sum(row["kind"] == kind for row in rows) for kind in kinds}
    worst = of_types[~of_types.more_work].sort_values("gain").groupby("settlement").tail(1)
    result = {"servers": servers, "menus": menus, "best_lie": worst.to_dict("records")}
    (out / "lies.json").write_text(json.dumps(result, indent=1, default=float) + "\n")
    save_figure(plot(table, kinds), out / "lies.png")
    print(table[table.part < 1].pivot_table("gain", ["settlement", "kind", "theta"], "part").round(1).to_string())
    print(of_types.drop(columns="best_lie").round(2).to_string())


@styled()
def plot(table: pd.DataFrame, kinds: Sequence[str]) -> Any:
    """What less or more work than was promised earns beside the truth, a panel for each kind; the least willing type."""
    columns = min(3, len(kinds))
    figure, axes = new_figure(2.6 * columns, 2.2 * -(-len(kinds) // columns) + 0.4, -(-len(kinds) // columns), columns)
    lowest = table[table.theta == table.theta.min()]
    for kind, panel in zip(kinds, axes.ravel(), strict=False):
        for settlement, colour in ((FIXED, VERMILION), (MEASURED, BLUE)):
            mine = lowest[(lowest.kind == kind) & (lowest.settlement == settlement)]
            panel.fill_between(mine.part, mine.low, mine.high, color=colour, alpha=0.25, linewidth=0)
            panel.plot(
                mine.part, mine.gain, "o-", color=colour, markersize=3, label=f"{settlement}, built and measured"
            )
            panel.plot(
                mine.part, mine.worked_out, "--", color=colour, linewidth=0.8, label=f"{settlement}, by the curve"
            )
        panel.axhline(0, color=GREY, linewidth=0.8)
        panel.set_title(kind)
        panel.set_xlabel("part that is built")
    for panel in axes[:, 0]:
        panel.set_ylabel("utility, less that of the truth")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("build", "tell"))
    parser.add_argument("rows", type=Path)
    parser.add_argument("--kinds", nargs="+", default=list(learned_kinds()))
    parser.add_argument("--servers", type=int, default=SERVERS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=Path("results/construction/lies"))
    options = parser.parse_args()
    if options.what == "build":
        build(options.rows, options.kinds, options.servers, options.seed)
    else:
        tell(options.rows, options.out)


if __name__ == "__main__":
    main()
