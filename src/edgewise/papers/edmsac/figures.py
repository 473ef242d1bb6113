"""Figures 6 to 9 of the EDMSAC paper, each beside the exact optimum of the same network states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from edgewise.drawing.panels import Line, plot_intervals, plot_lines, step_axis
from edgewise.drawing.style import BLACK, BLUE, GREY, VERMILION, new_figure, styled
from edgewise.environments import registry
from edgewise.experiments.cell import Learned
from edgewise.experiments.claims import FAILS, HOLDS, UNDECIDED, claim_above, claim_best, notes, present, verdict
from edgewise.experiments.curves import learning_line
from edgewise.experiments.experiment import TEST_SEED
from edgewise.experiments.probe import best_policy
from edgewise.experiments.results import Claim, Outcome, Output, Results
from edgewise.papers.edmsac.schemes import (
    DYNAMIC,
    RANDOM,
    RANDOM_STATIC,
    STATIC,
    SYSTEM,
    first_period_of_static,
    network_states,
    optimal_profits,
    scheme_profits,
)
from edgewise.statistics.estimates import Estimate
from edgewise.systems.dynamic_contract.environment import DynamicContract
from edgewise.systems.dynamic_contract.model import Contract, Network, total_profit
from edgewise.systems.dynamic_contract.optimum import optimal_contract
from edgewise.systems.dynamic_contract.projection import project

OURS, DMSAC = "EDMSAC", "DMSAC"
PROFIT = "profit"
PAPER_GAIN = 23.0
"""Per cent that EDMSAC is above DMSAC by, at most, says the paper."""
STATES_SHOWN = 3
HEADROOM = 0.8
"""Learning curves are shown from this part of the optimum on."""
MEASURED = (
    "Profit is that of the feasible menu made from the learner's action (projection), and the reward too. Gap: by how much it is "
    "below the exact optimum of the same network states (rewards of Theorems 2 and 4, all constraints met)."
)
BANDIT = (
    "Network states are drawn independently: a menu has no effect on what comes next. The paper does not tell for how "
    "many states its learners learn."
)


def _overall(outcome: Outcome, metric: str, scale: float = 1.0) -> Estimate:
    """Over seeds of a learner; of any other policy the mean over the states, which are the same for all."""
    if outcome.learned:
        return outcome.estimate(metric, scale)
    return _mean(scale * outcome.result.episodes[metric].to_numpy())


def _gap(outcome: Outcome, optimum: np.ndarray) -> Estimate:
    """Gap to the optimum, %."""
    profit = _overall(outcome, PROFIT)
    value, low, high = (100 * (1 - part / optimum.mean()) for part in (profit.value, profit.high, profit.low))
    return Estimate(value, low, high)


def _optimum_of(outcome: Outcome, results: Results) -> np.ndarray:
    return optimal_profits(network_states(outcome.setting.build(), results.profile.episodes, TEST_SEED))


def _training_optimum(outcome: Outcome) -> float:
    """Mean profit of the optimum over the states by which a learner was judged while it learned."""
    assert isinstance(outcome.player, Learned)
    training = outcome.player.run.training
    states = network_states(outcome.setting.build(), training.evaluation_episodes, training.evaluation_seed)
    return float(optimal_profits(states).mean())


def _share_of(line: Line, optimum: float) -> Line:
    scaled = [Estimate(*(100 * part / optimum for part in (e.value, e.low, e.high))) for e in line.y]
    return replace(line, y=scaled)


def _draw_curves(axes: Axes, lines: Sequence[Line]) -> None:
    plot_lines(axes, lines)
    axes.axhline(100, color=BLACK, linewidth=1, linestyle="--", label="exact optimum")
    axes.set_ylim(100 * HEADROOM, 101)
    step_axis(axes, "network states per seed")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, handlelength=2.8)


def _row(outcome: Outcome, gap: Estimate) -> dict[str, str]:
    return {
        "policy": outcome.label,
        "profit": _overall(outcome, PROFIT).text(1),
        "gap, %": gap.text(2),
        "rewards as printed fail, %": _overall(outcome, "infeasible", 100).text(0),
    }


def _tidy(lines: Sequence[Line], gaps: dict[str, Estimate]) -> pd.DataFrame:
    tables = [line.tidy("steps").assign(metric="share of the optimum, %") for line in lines]
    ends = [{"policy": label, "steps": np.nan, "metric": "gap, %", **vars(e)} for label, e in gaps.items()]
    return pd.concat([*tables, pd.DataFrame(ends)], ignore_index=True)


@styled()
def algorithms(results: Results) -> Output:
    """Fig. 6: learning curves of all algorithms, and the gaps of their best policies."""
    optimum = _optimum_of(results.outcomes[0], results)
    gaps = {o.label: _gap(o, optimum) for o in results}
    learned = [o for o in results if o.learned]
    figure, grid = new_figure(7.2, 4.2, 1, 2)
    lines = [_share_of(learning_line(o, PROFIT, o.label == OURS), _training_optimum(o)) for o in learned]
    _draw_curves(grid[0, 0], lines)
    grid[0, 0].set_ylabel("profit, % of the exact optimum")
    order = sorted(results, key=lambda o: gaps[o.label].value)
    plot_intervals(grid[0, 1], [(o.label, gaps[o.label], o.learned) for o in order], {}, "gap to the exact optimum, %")
    grid[0, 1].axvline(0, color=BLACK, linewidth=1, linestyle="--")
    grid[0, 1].set_xscale("symlog", linthresh=1)
    grid[0, 1].set_xlim(right=100)
    grid[0, 1].xaxis.set_major_formatter("{x:g}")
    grid[0, 1].legend(loc="upper center", bbox_to_anchor=(0.5, -0.16))
    claims = [
        claim_best("EDMSAC has the highest profit of all learners", results, OURS, PROFIT, 1),
        _claim_gain(results.find(OURS), results.find(DMSAC)),
        _claim_last(learned),
    ]
    said = notes(
        results, MEASURED, BANDIT,
        "Left: evaluations while learning, deterministic policy, interquartile mean over seeds and 95% interval, in % of the "
        "optimum of the states they were judged by.",
        "Policies that were not trained: means over the test states, which are the same for everyone; no interval.",
    )  # fmt: skip
    rows = [_row(o, gaps[o.label]) | results.training_minutes(o) for o in order]
    return Output(figure, _tidy(lines, gaps), pd.DataFrame(rows), present(*claims), said)


def _claim_gain(ours: Outcome | None, plain: Outcome | None) -> Claim | None:
    """That pruning gains profit; the paper's percentage is a maximum, so any gain agrees with it."""
    if ours is None or plain is None:
        return None
    more, less = ours.estimate(PROFIT), plain.estimate(PROFIT)
    evidence = (
        f"{more.text(1)} against {less.text(1)}: {100 * (more.value / less.value - 1):+.2f}%, the paper says up to "
        f"{PAPER_GAIN:g}%"
    )
    return Claim("EDMSAC earns more than DMSAC, which does not prune", verdict(more, less), evidence)


def _claim_last(learned: Sequence[Outcome]) -> Claim | None:
    ppo = next((o for o in learned if o.label == "PPO"), None)
    others = [o for o in learned if o.label != "PPO"]
    return claim_above("PPO is the lowest of all learners", others, ppo, PROFIT, 1)


@styled()
def parameters(results: Results) -> Output:
    """Fig. 7: pruning rates, denoising steps and learning rates."""
    optimum = _optimum_of(results.outcomes[0], results)
    gaps = {o.label: _gap(o, optimum) for o in results}
    level = _training_optimum(results.outcomes[0])
    groups = (("pruning", "pruning rate"), ("M =", "denoising steps"), ("rates", "rates of actor, critic"))
    figure, grid = new_figure(9.0, 4.2, 1, 3)
    drawn = []
    for axes, (start, title) in zip(grid[0], groups, strict=True):
        lines = [_share_of(learning_line(o, PROFIT), level) for o in results if o.label.startswith(start)]
        if lines:
            _draw_curves(axes, lines)
        axes.set_title(title, loc="left")
        drawn += lines
    grid[0, 2].set_ylim(0, 105)
    grid[0, 0].set_ylabel("profit, % of the exact optimum")
    claims = [
        _claim_first(results, "A higher pruning rate earns more", ("pruning 70%", "pruning 50%", "pruning 30%")),
        _claim_first(results, "Fewer denoising steps earn more", ("M = 3", "M = 6", "M = 12")),
        _claim_first(
            results, "Rates of 2e-7 and 2e-6 earn more than 1e-4", ("rates 2e-07, 2e-06", "rates 0.0001, 0.0001")
        ),
    ]
    said = notes(
        results, MEASURED, BANDIT,
        "Evaluations while learning, deterministic policy, interquartile mean over seeds and 95% interval, in % of the "
        "optimum of the states they were judged by.",
        "The preset has a pruning rate of 50% and M = 6; its rates fall along a cosine.",
    )  # fmt: skip
    rows = [_row(o, gaps[o.label]) | results.training_minutes(o) for o in results]
    return Output(figure, _tidy(drawn, gaps), pd.DataFrame(rows), present(*claims), said)


def _claim_first(results: Results, text: str, labels: Sequence[str]) -> Claim | None:
    """That profits fall in the order of the labels; none if one was left out."""
    found = [results.find(label) for label in labels]
    if any(o is None for o in found):
        return None
    estimates = [o.estimate(PROFIT) for o in found if o is not None]
    verdicts = [verdict(a, b) for a, b in pairwise(estimates)]
    word = FAILS if FAILS in verdicts else HOLDS if set(verdicts) == {HOLDS} else UNDECIDED
    evidence = "; ".join(f"{label} {e.text(1)}" for label, e in zip(labels, estimates, strict=True))
    return Claim(text, word, evidence)


@styled()
def menus(results: Results) -> Output:
    """Fig. 8: what seed 0 of EDMSAC offers in three network states, beside the optimal menus."""
    [outcome] = results.outcomes
    environment = registry.find(SYSTEM).build_evaluation(outcome.setting.build())
    assert isinstance(environment, DynamicContract)
    networks, learned, best = _menus(outcome, environment)
    types = range(1, environment.config.types + 1)
    items = [f"{k}" for k in types] + [f"{k}, {j}" for k in types for j in types]
    figure, grid = new_figure(9.0, 5.0, 2, STATES_SHOWN)
    rows, data = [], []
    for column in range(STATES_SHOWN):
        network, own, exact = (jax.tree.map(lambda leaf, i=column: leaf[i], tree) for tree in (networks, learned, best))
        for row, part in enumerate(("rounds", "rewards")):
            ours, theirs = (np.concatenate([np.ravel(x) for x in getattr(menu, part)]) for menu in (own, exact))
            axes = grid[row, column]
            axes.bar(items, ours, color=[BLUE] * len(types) + [GREY] * len(types) ** 2, width=0.7)
            axes.plot(items, theirs, "D", markerfacecolor="none", markeredgecolor=VERMILION, markersize=6)
            axes.set_ylabel(part if column == 0 else "")
            data += [
                {"state": column + 1, "item": item, "part": part, "EDMSAC": a, "optimum": b}
                for item, a, b in zip(items, ours, theirs, strict=True)
            ]
        grid[0, column].set_title(_describe(network), loc="left", fontsize=8)
        grid[1, column].set_xlabel("type in period 1; types in periods 1, 2")
        profit, optimum = float(total_profit(network, own)), float(total_profit(network, exact))
        rows.append(
            {
                "state": f"{column + 1}",
                "profit": f"{profit:.1f}",
                "exact optimum": f"{optimum:.1f}",
                "gap, %": f"{100 * (1 - profit / optimum):.2f}",
            }
        )
    figure.legend(
        handles=[
            mpl.patches.Patch(color=BLUE, label=f"{OURS}, period 1"),
            mpl.patches.Patch(color=GREY, label=f"{OURS}, period 2"),
            mpl.lines.Line2D(
                [],
                [],
                linestyle="",
                marker="D",
                markerfacecolor="none",
                markeredgecolor=VERMILION,
                label="exact optimum",
            ),
        ],
        loc="outside lower center",
        ncols=3,
    )
    claims = [
        _claim_rises(learned, best, 1, "Lemmas 1, 2: in period 2 rounds and rewards rise with the type"),
        _claim_rises(learned, best, 0, "Lemmas 7, 8: in period 1 rounds and rewards rise with the type"),
    ]
    said = notes(
        results, MEASURED, f"Seed 0; claims are about {len(networks.alpha)} states, of which the first three are shown."
    )
    return Output(figure, pd.DataFrame(data), pd.DataFrame(rows), tuple(claims), said)


def _menus(outcome: Outcome, environment: DynamicContract) -> tuple[Network, Contract, Contract]:
    """Test states, the feasible menus that seed 0 makes of them, and the optimal ones."""
    policy: Any = best_policy(outcome.folder, 0)

    @eqx.filter_jit
    @jax.vmap
    def offer(key: jax.Array) -> tuple[Network, Contract, Contract]:
        state, observation = environment.reset(key)
        network = environment.network(state)
        rounds = environment.rounds_of(policy(observation, None))
        return network, project(network, rounds).contract, optimal_contract(network).contract

    found: tuple[Network, Contract, Contract] = offer(jax.random.split(jax.random.key(TEST_SEED), 200))
    return found


def _describe(network: Network) -> str:
    power = 10 * np.log10(float(network.power)) + 30
    first = ", ".join(f"{p:.2f}" for p in np.asarray(network.initial))
    rows = "; ".join(", ".join(f"{p:.2f}" for p in row) for row in np.asarray(network.transitions[0]))
    return (
        f"sigma {float(network.unit_cost):.2f}, P {power:.0f} dBm, r {float(network.rate) / 1e6:.1f} Mbit/s\n"
        f"p1 ({first}), p2 ({rows})"
    )


def _claim_rises(learned: Contract, best: Contract, period: int, text: str) -> Claim:
    def share(menu: Contract) -> float:
        rising = [
            (np.diff(np.asarray(part[period])) >= -1e-3).reshape(len(part[period]), -1).all(1)
            for part in (menu.rounds, menu.rewards)
        ]
        return float(np.mean(rising[0] & rising[1]))

    ours, theirs = share(learned), share(best)
    return Claim(text, HOLDS if ours == 1 else FAILS, f"in {ours:.0%} of the states; of the optimal menus {theirs:.0%}")


@styled()
def schemes(results: Results) -> Output:
    """Fig. 9: contract schemes, number of servers, alpha and beta."""
    found: dict[str, dict[str, np.ndarray]] = {}
    first_periods: dict[str, np.ndarray] = {}
    for o in results:
        states = network_states(o.setting.build(), results.profile.episodes, TEST_SEED)
        found[o.setting.label] = scheme_profits(states)
        first_periods[o.setting.label] = first_period_of_static(states)
    configs = {o.setting.label: o.setting.build() for o in results}
    default = next(label for label, c in configs.items() if (c.servers, c.alpha, c.beta) == (12, 200.0, 1.0))
    learned = {o.setting.label: o for o in results}
    gaps = {label: _gap(o, found[label][DYNAMIC]) for label, o in learned.items()}

    figure, grid = new_figure(9.6, 4.2, 1, 3)
    means = {name: _mean(values) for name, values in found[default].items()}
    rows = [(name, e, False) for name, e in means.items()] + [(OURS, learned[default].estimate(PROFIT), True)]
    plot_intervals(grid[0, 0], sorted(rows, key=lambda row: -row[1].value), {}, "profit")
    grid[0, 0].set_title("schemes", loc="left")
    grid[0, 0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.16))

    numbers = sorted(
        (label for label, c in configs.items() if (c.alpha, c.beta) == (200.0, 1.0)), key=lambda x: configs[x].servers
    )
    x = [float(configs[label].servers) for label in numbers]
    lines = [Line(OURS, x, [learned[label].estimate(PROFIT) for label in numbers], leading=True)]
    for name in (DYNAMIC, STATIC, RANDOM, RANDOM_STATIC):
        lines.append(Line(name, x, [_mean(found[label][name]) for label in numbers], learned=False))
    _draw_sweep(grid[0, 1], lines, "servers N")

    betas = sorted({c.beta for c in configs.values()})
    alphas = sorted({c.alpha for c in configs.values()})
    ours, exact = [], []
    for alpha in alphas:
        labels = [_label(configs, alpha, beta) for beta in betas]
        earned = [learned[label].estimate(PROFIT) for label in labels]
        ours.append(Line(f"{OURS}, alpha = {alpha:g}", betas, earned, leading=alpha == alphas[0]))
        possible = [_mean(found[label][DYNAMIC]) for label in labels]
        exact.append(Line(f"{DYNAMIC}, alpha = {alpha:g}", betas, possible, learned=False))
    sweeps = [*ours, *exact]
    _draw_sweep(grid[0, 2], sweeps, "beta, N = 12")

    table = [
        {
            "setting": label,
            OURS: o.estimate(PROFIT).text(1),
            "gap, %": gaps[label].text(2),
            **{name: f"{values.mean():.1f}" for name, values in found[label].items()},
        }
        for label, o in learned.items()
    ]
    one, alone = found[default], first_periods[default]
    claims = [
        _claim_order(found),
        _claim_growth("Profit grows with the number of servers", lines[0], lines[1]),
        *(
            _claim_growth(f"Profit grows with beta, alpha = {alpha:g}", *lines)
            for alpha, *lines in zip(alphas, ours, exact, strict=True)
        ),
        _claim_alpha(ours[0], ours[-1]),
        Claim(
            "The dynamic contract earns far more than the static one",
            FAILS if one[DYNAMIC].mean() < 1.1 * one[STATIC].mean() else HOLDS,
            f"on one objective, U1 + beta U2, {one[DYNAMIC].mean():.1f} against {one[STATIC].mean():.1f}: "
            f"{100 * (one[DYNAMIC].mean() / one[STATIC].mean() - 1):.1f}% more; the paper compares with U1 of the static "
            f"contract alone, which is {alone.mean():.1f}",
        ),
    ]
    said = notes(
        results, MEASURED, BANDIT,
        "Schemes other than EDMSAC are computed exactly in the test states. static: best static contract in each period; random: "
        "uniform rounds made feasible; types known: no information is hidden. EDMSAC is trained anew in every setting.",
    )  # fmt: skip
    data = pd.concat(
        [
            *(line.tidy("servers") for line in lines),
            *(line.tidy("beta") for line in sweeps),
            pd.DataFrame([{"policy": name, **vars(e), "servers": 12.0, "beta": 1.0} for name, e, _ in rows]),
        ],
        ignore_index=True,
    )
    return Output(figure, data, pd.DataFrame(table), tuple(claims), said)


def _mean(values: np.ndarray) -> Estimate:
    """Of all states, without an interval: every scheme gets the same states."""
    return Estimate(float(values.mean()), np.nan, np.nan)


def _label(configs: dict[str, Any], alpha: float, beta: float) -> str:
    return next(label for label, c in configs.items() if (c.servers, c.alpha, c.beta) == (12, alpha, beta))


def _draw_sweep(axes: Axes, lines: Sequence[Line], axis: str) -> None:
    plot_lines(axes, lines, markers=True)
    axes.set_xlabel(axis)
    axes.set_xticks(lines[0].x)
    axes.set_ylabel("profit")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), handlelength=2.8)


def _claim_order(found: dict[str, dict[str, np.ndarray]]) -> Claim:
    two_period = {label: profits for label, profits in found.items() if not label.endswith("beta = 0")}
    ordered = all(
        p[DYNAMIC].mean() > p[STATIC].mean() > max(p[RANDOM].mean(), p[RANDOM_STATIC].mean())
        for p in two_period.values()
    )
    least = min(p[DYNAMIC].mean() / p[STATIC].mean() for p in two_period.values())
    most = max(p[DYNAMIC].mean() / p[STATIC].mean() for p in two_period.values())
    return Claim(
        "Two-period dynamic above static above random contracts, with beta above 0",
        HOLDS if ordered else FAILS,
        f"exact, in all {len(two_period)} settings; dynamic is {100 * (least - 1):.1f}% to {100 * (most - 1):.1f}% above static",
    )


def _claim_growth(text: str, ours: Line, exact: Line) -> Claim:
    verdicts = [verdict(b, a) for a, b in pairwise(ours.y)]
    rising = bool((np.diff([e.value for e in exact.y]) > 0).all())
    word = FAILS if FAILS in verdicts or not rising else HOLDS if set(verdicts) == {HOLDS} else UNDECIDED
    evidence = ", ".join(f"{e.value:.0f}" for e in ours.y) + "; exact " + ", ".join(f"{e.value:.0f}" for e in exact.y)
    return Claim(text, word, evidence)


def _claim_alpha(low: Line, high: Line) -> Claim:
    verdicts = [verdict(b, a) for a, b in zip(low.y, high.y, strict=True)]
    word = FAILS if FAILS in verdicts else HOLDS if set(verdicts) == {HOLDS} else UNDECIDED
    evidence = "; ".join(
        f"beta {beta:g}: {a.value:.0f} to {b.value:.0f}" for beta, a, b in zip(low.x, low.y, high.y, strict=True)
    )
    return Claim("Profit grows with alpha", word, evidence)
