"""Figures 3 and 4 of the MALPPO paper: learning in the paper's case, beside its exact equilibrium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from edgewise.drawing.panels import Line, plot_levels, plot_lines, step_axis
from edgewise.drawing.style import GREY, new_figure, styled
from edgewise.experiments.cell import Learned
from edgewise.experiments.claims import (
    FAILS,
    HOLDS,
    UNDECIDED,
    claim_above,
    claim_best,
    claim_percentage,
    notes,
    overall,
    present,
)
from edgewise.experiments.curves import learning_line
from edgewise.experiments.results import Claim, Outcome, Output, Results
from edgewise.papers.malppo.markets import NEAR, NEWEST, SYSTEM_NOTE, equilibria
from edgewise.statistics.estimates import estimate, gain, reduction
from edgewise.systems.twin_trading.equilibrium import StackelbergEquilibrium

OURS, NO_FOLLOWERS, NO_LEADERS = "MALPPO", "MALPPO-RF", "MALPPO-RL"
EQUILIBRIUM, RANDOM = "equilibrium", "random"
RETURN = "return"
DISTANCES = {
    "price_distance": "prices",
    "demand_distance": "demands",
    "leader_distance": "MRPs' utilities",
    "follower_distance": "MSPs' utilities",
}
GAINS = {"MAPPO": 1.5, "MAA2C": 5.3, NO_FOLLOWERS: 23.2, NO_LEADERS: 35.6, RANDOM: 58.2}
"""Fig. 4's advantages of MALPPO in reward, per cent."""
ITERATIONS = {OURS: 200, "MAPPO": 600, "MAA2C": 1200}
"""After which the paper's learners have converged."""
BUDGET_NOTE = (
    "The paper's budget is not known: its settings give 20 episodes of 100 slots, its text 1200 iterations. An iteration here is "
    "an update of everyone after 20 slots in each of 64 copies of the market."
)


@dataclass(frozen=True)
class Panel:
    """One kind of quantity of one kind of agent.

    Attributes:
        quantity: in words, with its unit.
        agents: names in the figure.
        metric: in the evaluations, before the agent's number.
        exact: field of the equilibrium that has it.
        paper: the paper's figures.
        gains: whether the table tells beside it what the agent could still gain alone.
    """

    quantity: str
    agents: tuple[str, ...]
    metric: str
    exact: str
    paper: tuple[float, ...]
    gains: bool = False

    def metrics(self) -> list[str]:
        """One for each agent."""
        return [f"{self.metric}_{place}" for place in range(len(self.agents))]

    def levels(self, equilibrium: StackelbergEquilibrium) -> list[float]:
        """Exact values, one for each agent; demands are summed over leaders."""
        values = np.asarray(getattr(equilibrium, self.exact))
        return [float(value) for value in (values.sum(axis=1) if values.ndim > 1 else values)]


SELLERS = ("MRP 1, c = 0.3", "MRP 2, c = 0.1")
BUYERS = ("MSP 1, alpha = 30", "MSP 2, alpha = 25", "MSP 3, alpha = 35")
PANELS = (
    Panel("price", SELLERS, "price/leader", "prices", (0.9, 0.8)),
    Panel("total demand (1e7 Hz)", BUYERS, "bought/follower", "demands", (0.79, 0.60, 0.91)),
    Panel("utility of MRPs", SELLERS, "reward/leader", "leader_utilities", (30.56, 45.12), gains=True),
    Panel("utility of MSPs", BUYERS, "reward/follower", "follower_utilities", (3.78, 1.66, 5.52), gains=True),
)
"""Fig. 3; the paper's demands belong to alpha = 25, 30, 35, its utilities to two MRPs and then alpha = 30, 25, 35."""


@styled()
def convergence(results: Results) -> Output:
    """Fig. 3: prices, demands and utilities of everyone while MALPPO learns, with the exact equilibrium."""
    [outcome] = results.outcomes
    [solved] = equilibria([outcome.setting])
    figure, grid = new_figure(8.4, 5.8, 2, 2)
    lines: list[pd.DataFrame] = []
    rows: list[dict[str, str]] = []
    for axes, panel in zip(grid.flat, PANELS, strict=True):
        drawn = [
            learning_line(outcome, metric, label=name)
            for name, metric in zip(panel.agents, panel.metrics(), strict=True)
        ]
        _draw_panel(axes, panel, drawn, panel.levels(solved))
        lines += [line.tidy("steps").assign(quantity=panel.quantity) for line in drawn]
        rows += _rows(outcome, panel, panel.levels(solved))
    figure.legend(handles=_keys(), loc="outside lower center", ncols=4)
    ends = {metric: outcome.estimate(metric) for metric in (*DISTANCES, "exploitability")}
    tail = [
        {"quantity": f"distance from the equilibrium: {name}", "distance, %": ends[metric].text(2)}
        for metric, name in DISTANCES.items()
    ]
    tail.append({"quantity": "largest gain of anyone alone", "could gain alone, %": ends["exploitability"].text(2)})
    claims = present(
        claim_near("Prices, demands and utilities converge to the Stackelberg equilibrium", [outcome]),
        _claim_settled(outcome),
    )
    said = notes(
        results,
        SYSTEM_NOTE,
        NEWEST,
        BUDGET_NOTE,
        "Evaluations while learning, deterministic policies, mean over an episode of 100 slots that begins with random past "
        "trade; interquartile mean over seeds and 95% interval.",
        f"There: within {NEAR:g}% of the equilibrium.",
        "Could gain alone: by deviating from what all agents have learned, in % of the largest utility of the agent's kind.",
    )
    table = pd.DataFrame([*rows, *tail]).fillna("")
    return Output(figure, pd.concat(lines, ignore_index=True), table, claims, said)


def _draw_panel(axes: Axes, panel: Panel, lines: Sequence[Line], levels: Sequence[float]) -> None:
    plot_lines(axes, lines, markers=True)
    curves = list(axes.lines)
    for curve, level, paper in zip(curves, levels, panel.paper, strict=True):
        colour = curve.get_color()
        curve.set_linestyle("-")
        axes.axhline(level, color=colour, linestyle="--", linewidth=1)
        axes.plot(
            1.03, paper, "D", color=colour, markerfacecolor="none", clip_on=False, transform=axes.get_yaxis_transform()
        )
    low, high = axes.get_ylim()
    axes.set_ylim(min(0.0, low), 1.05 * max(high, *panel.paper))
    step_axis(axes, "slots per seed")
    axes.set_ylabel(panel.quantity)
    axes.legend(
        handles=curves,
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=len(curves),
        handlelength=1.5,
        columnspacing=1,
    )


def _keys() -> list[mpl.lines.Line2D]:
    return [
        mpl.lines.Line2D([], [], color=GREY, label="learned, 95% interval over seeds"),
        mpl.lines.Line2D([], [], color=GREY, linestyle="--", linewidth=1, label="exact equilibrium"),
        mpl.lines.Line2D([], [], color=GREY, linestyle="", marker="D", markerfacecolor="none", label="the paper's end"),
    ]


def _rows(outcome: Outcome, panel: Panel, levels: Sequence[float]) -> list[dict[str, str]]:
    rows = []
    for name, metric, level, paper in zip(panel.agents, panel.metrics(), levels, panel.paper, strict=True):
        away = estimate([100 * np.abs(outcome.units(metric) / level - 1)])
        agent = metric.partition("/")[2]
        row = {
            "quantity": f"{panel.quantity}, {name}",
            "learned": outcome.estimate(metric).text(3),
            "exact": f"{level:.3f}",
            "distance, %": away.text(2),
            "paper": f"{paper:g}",
            "paper from exact, %": f"{100 * (paper / level - 1):+.0f}",
        }
        if panel.gains:
            row["could gain alone, %"] = outcome.estimate(f"exploitability/{agent}").text(2)
        rows.append(row)
    return rows


def claim_near(text: str, outcomes: Sequence[Outcome]) -> Claim | None:
    """That learners are within `NEAR` per cent of the equilibrium in everything; none if there is no learner."""
    if not outcomes:
        return None
    found = {(o.setting.label, metric): o.estimate(metric) for o in outcomes for metric in DISTANCES}
    words = [HOLDS if e.high <= NEAR else FAILS if e.low > NEAR else UNDECIDED for e in found.values()]
    place, metric = max(found, key=lambda key: found[key].value)
    where = f" ({place})" if len(outcomes) > 1 else ""
    return Claim(
        text,
        overall(words),
        f"farthest: {DISTANCES[metric]} {found[place, metric].text(2)}% away{where}; {NEAR:g}% counts",
    )


def iterations(outcome: Outcome) -> tuple[np.ndarray, int]:
    """Iterations after which each seed's prices and demands stayed near the equilibrium's, and how many seeds got there.

    A seed that did not counts with all its iterations, which are fewer than it needs.
    """
    assert isinstance(outcome.player, Learned)
    training = outcome.player.run.training
    prices, demands = outcome.curve("price_distance"), outcome.curve("demand_distance")
    steps = prices.index.to_numpy(float) * training.iterations / training.steps_done(training.evaluations)
    near = np.maximum(prices.to_numpy(float), demands.to_numpy(float)) <= NEAR
    from_then = np.flip(np.logical_and.accumulate(np.flip(near, axis=0), axis=0), axis=0)
    there = from_then.any(axis=0)
    return np.where(there, steps[from_then.argmax(axis=0)], steps[-1]), int(there.sum())


def _settled_text(outcome: Outcome) -> str:
    needed, there = iterations(outcome)
    return f"{estimate([needed]).text(0)}, {there} of {len(needed)} seeds there"


def _claim_settled(outcome: Outcome) -> Claim:
    """That MALPPO is at the equilibrium after the paper's number of iterations; a shorter run cannot refute it."""
    needed, there = iterations(outcome)
    e, limit = estimate([needed]), ITERATIONS[OURS]
    word = FAILS if e.low > limit else HOLDS if e.high <= limit and there == len(needed) else UNDECIDED
    return Claim("They are there after about 200 iterations", word, _settled_text(outcome), f"{limit}")


@styled()
def algorithms(results: Results) -> Output:
    """Fig. 4: rewards and distances of all algorithms while they learn."""
    learned = [o for o in results if o.learned]
    figure, grid = new_figure(8.4, 4.4, 1, 2)
    metrics = {RETURN: "reward per episode, sum over all agents", "price_distance": "distance of prices (%)"}
    data: list[pd.DataFrame] = []
    for axes, (metric, text) in zip(grid[0], metrics.items(), strict=True):
        lines = [learning_line(o, metric, o.label == OURS) for o in learned]
        plot_lines(axes, lines)
        plot_levels(
            axes, {_shown(o.label): o.estimate(metric).value for o in results if not o.learned and _level(o, metric)}
        )
        step_axis(axes, "slots per seed")
        axes.set_ylabel(text)
        data += [line.tidy("steps").assign(metric=metric) for line in lines]
    grid[0, 1].set_yscale("log")
    grid[0, 1].yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    grid[0, 1].yaxis.set_major_formatter("{x:g}")
    grid[0, 1].yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    handles, _ = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles=handles, loc="outside lower center", ncols=4, handlelength=3)
    order = sorted(results, key=lambda o: -o.estimate(RETURN).value)
    ends = [
        {"policy": o.label, "steps": np.nan, "metric": metric, **vars(o.estimate(metric))}
        for o in order
        for metric in (RETURN, *DISTANCES, "exploitability")
    ]
    said = notes(
        results,
        SYSTEM_NOTE,
        NEWEST,
        BUDGET_NOTE,
        "The reward is the sum over all agents and slots of an episode, MRPs' in their scaled unit. It ranks no joint policies: "
        "a sum above the equilibrium's means that somebody does not look after themselves. Distances and what anyone could "
        "gain alone tell who plays well.",
        'That MALPPO has x% more reward "holds" where the interval of our gain begins at x or above, "does not hold" '
        "where it ends below x; likewise for fewer iterations.",
        f"Iterations: until prices and demands stay within {NEAR:g}% of the equilibrium's; a seed that is never there counts "
        "with all its iterations, and a verdict that would rest on that is undecided.",
        "MALPPO-RF: followers act at random; MALPPO-RL: leaders do; Random: everyone does.",
    )
    return Output(
        figure,
        pd.concat([*data, pd.DataFrame(ends)], ignore_index=True),
        pd.DataFrame([_summary(o) | results.training_minutes(o) for o in order]),
        present(*_claims(results)),
        said,
    )


def _shown(label: str) -> str:
    return {EQUILIBRIUM: "exact equilibrium", RANDOM: "Random"}.get(label, label)


def _level(outcome: Outcome, metric: str) -> bool:
    """Whether a reference has a place on the axis; the equilibrium's distance of 0 has none on a logarithmic one."""
    return metric == RETURN or outcome.label != EQUILIBRIUM


def _summary(outcome: Outcome) -> dict[str, str]:
    row = {"policy": _shown(outcome.label), "reward": outcome.estimate(RETURN).text(0)}
    row |= {f"{name}, % away": outcome.estimate(metric).text(1) for metric, name in DISTANCES.items()}
    row["could gain alone, %"] = outcome.estimate("exploitability").text(1)
    row["iterations"] = _settled_text(outcome) if outcome.label in ITERATIONS else ""
    return row


def _claims(results: Results) -> list[Claim | None]:
    ours, chance = results.find(OURS), results.find(RANDOM)
    partly = [o for label in (NO_FOLLOWERS, NO_LEADERS) if (o := results.find(label)) is not None]
    above_partly = [
        claim_above(f"MALPPO has more reward than {o.label}", [ours] if ours else [], o, RETURN, 0) for o in partly
    ]
    learned = [o for o in results if o.learned]
    return [
        claim_best("MALPPO has the highest reward of all learners", results, OURS, RETURN, 0),
        claim_above("Random has the lowest reward", learned, chance, RETURN, 0),
        *above_partly,
        *_claim_gains(results, ours),
        *_claim_faster(results, ours),
    ]


def _claim_gains(results: Results, ours: Outcome | None) -> list[Claim]:
    others = {label: o for label in GAINS if (o := results.find(label)) is not None}
    if ours is None:
        return []
    return [
        claim_percentage(
            f"MALPPO has {GAINS[label]:g}% more reward than {_shown(label)}",
            gain(ours.units(RETURN), o.units(RETURN), o.centre),
            GAINS[label],
            "more",
        )
        for label, o in others.items()
    ]


def _claim_faster(results: Results, ours: Outcome | None) -> list[Claim]:
    if ours is None:
        return []
    claims = []
    for label in ("MAPPO", "MAA2C"):
        other = results.find(label)
        if other is None:
            continue
        percent = round(100 * (1 - ITERATIONS[OURS] / ITERATIONS[label]))
        (mine, we), (theirs, they) = iterations(ours), iterations(other)
        text = f"MALPPO converges in {percent}% fewer iterations than {label}"
        judged = claim_percentage(text, reduction(mine, theirs), percent, "fewer")
        unfounded = {
            HOLDS: we < len(mine),
            FAILS: they < len(theirs),
        }  # a seed that is never there needs more than it counts
        word = UNDECIDED if unfounded.get(judged.verdict) else judged.verdict
        evidence = f"{judged.evidence}; {OURS} {_settled_text(ours)}; {label} {_settled_text(other)}"
        claims.append(Claim(text, word, evidence, f"{ITERATIONS[OURS]} against {ITERATIONS[label]} iterations"))
    return claims
