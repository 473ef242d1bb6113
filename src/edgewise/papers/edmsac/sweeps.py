"""Figure 9 of the EDMSAC paper: contract schemes, number of servers, alpha and beta."""

from __future__ import annotations

import pandas as pd

from edgewise.drawing.panels import Line, plot_intervals
from edgewise.drawing.style import new_figure, styled
from edgewise.experiments.claims import notes
from edgewise.experiments.results import Drawing, Outcome, Results
from edgewise.experiments.sweep import Sweep
from edgewise.papers.edmsac.figures import BANDIT, BELOW, MEASURED
from edgewise.papers.edmsac.measures import Profits, gap, mean_of, profits
from edgewise.papers.edmsac.names import (
    ALPHA,
    BETA,
    DYNAMIC,
    OURS,
    PROFIT,
    RANDOM,
    RANDOM_STATIC,
    SCHEMES,
    SERVERS,
    STATIC,
)
from edgewise.statistics.estimates import Estimate

DEFAULT = {SERVERS: 12.0, ALPHA: 200.0, BETA: 1.0}
"""Where the other axes are while one is swept."""
SERVER_AXIS, BETA_AXIS = Sweep(SERVERS, "servers N"), Sweep(BETA, "beta, N = 12")


@styled()
def schemes(results: Results) -> Drawing:
    """Figure and table of Fig. 9."""
    found = profits(results)
    default = of_default(results)
    figure, grid = new_figure(9.6, 4.2, 1, 3)
    rows = [(scheme, mean_of(found[default.setting.label][scheme].to_numpy()), False) for scheme in SCHEMES]
    rows.append((OURS, default.estimate(PROFIT), True))
    plot_intervals(grid[0, 0], sorted(rows, key=lambda row: -row[1].value), {}, "profit")
    grid[0, 0].set_title("schemes", loc="left")
    servers = along_servers(results, found)
    SERVER_AXIS.plot(grid[0, 1], servers, "profit")
    ours, exact = along_beta(results, found)
    betas = [*ours.values(), *exact.values()]
    BETA_AXIS.plot(grid[0, 2], betas, "profit")
    grid[0, 0].legend(**BELOW)
    for axes in grid[0, 1:]:
        axes.legend(**BELOW, handlelength=2.8)
    said = notes(
        results, MEASURED, BANDIT,
        "Schemes other than EDMSAC are computed exactly in the test states. static: best static contract in each period; random: "
        "uniform rounds made feasible; types known: no information is hidden. EDMSAC is trained anew in every setting.",
    )  # fmt: skip
    ends = [{"policy": name, **vars(e), SERVERS: DEFAULT[SERVERS], BETA: DEFAULT[BETA]} for name, e, _ in rows]
    data = [*(line.tidy(SERVERS) for line in servers), *(line.tidy(BETA) for line in betas), pd.DataFrame(ends)]
    return Drawing(figure, pd.concat(data, ignore_index=True), pd.DataFrame(_rows(results, found)), said)


def _rows(results: Results, found: Profits) -> list[dict[str, str]]:
    rows = []
    for o in results:
        profit = found[o.setting.label]
        rows.append(
            {
                "setting": o.setting.label,
                OURS: o.estimate(PROFIT).text(1),
                "gap, %": gap(o, profit[DYNAMIC].to_numpy()).text(2),
                **{scheme: f"{profit[scheme].mean():.1f}" for scheme in SCHEMES},
            }
        )
    return rows


def of_default(results: Results) -> Outcome:
    """The outcome in the setting in which schemes are compared."""
    return next(o for o in results if dict(o.at) == DEFAULT)


def along_servers(results: Results, found: Profits) -> list[Line]:
    """Profit of EDMSAC and of the schemes, in that order, against the number of servers."""
    chosen = _sorted(results, SERVERS)
    places = [o.at[SERVERS] for o in chosen]
    lines = [Line(OURS, places, [o.estimate(PROFIT) for o in chosen], leading=True)]
    for scheme in (DYNAMIC, STATIC, RANDOM, RANDOM_STATIC):
        lines.append(Line(scheme, places, _means(chosen, found, scheme), learned=False))
    return lines


def along_beta(results: Results, found: Profits) -> tuple[dict[float, Line], dict[float, Line]]:
    """Profit of EDMSAC, and of the exact optimum, against beta: a line for each alpha."""
    ours, exact = {}, {}
    alphas = sorted({o.at[ALPHA] for o in results})
    for alpha in alphas:
        chosen = _sorted(results, BETA, alpha)
        places = [o.at[BETA] for o in chosen]
        earned = [o.estimate(PROFIT) for o in chosen]
        ours[alpha] = Line(f"{OURS}, alpha = {alpha:g}", places, earned, leading=alpha == alphas[0])
        possible = _means(chosen, found, DYNAMIC)
        exact[alpha] = Line(f"{DYNAMIC}, alpha = {alpha:g}", places, possible, learned=False)
    return ours, exact


def _sorted(results: Results, axis: str, alpha: float = DEFAULT[ALPHA]) -> list[Outcome]:
    """Outcomes along an axis, the others being at their default but for alpha."""
    fixed = {**DEFAULT, ALPHA: alpha}
    chosen = [o for o in results if all(o.at[name] == value for name, value in fixed.items() if name != axis)]
    return sorted(chosen, key=lambda o: o.at[axis])


def _means(chosen: list[Outcome], found: Profits, scheme: str) -> list[Estimate]:
    return [mean_of(found[o.setting.label][scheme].to_numpy()) for o in chosen]
