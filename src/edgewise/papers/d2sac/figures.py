"""Figures 5 to 9 of the D2SAC paper."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle, pairwise

import equinox as eqx
import jax
import numpy as np
import pandas as pd

from edgewise.common.errors import EdgewiseError
from edgewise.drawing.panels import NOT_LEARNED, Line, plot_lines, step_axis
from edgewise.drawing.style import BLUE, VERMILION, new_figure, styled
from edgewise.environments.episode import record_episode
from edgewise.experiments.claims import FAILS, HOLDS, UNDECIDED, claim_best, notes, overall, present, verdict
from edgewise.experiments.curves import learning_line
from edgewise.experiments.probe import best_policy
from edgewise.experiments.results import Claim, Outcome, Output, Results
from edgewise.experiments.training_time import TIMED, seconds_alone
from edgewise.papers.d2sac.tables import CONTROL, INSTANCE, RETURN, claim_control, name
from edgewise.policies.categorical_diffusion import CategoricalDiffusionPolicy
from edgewise.policies.scaled import ScaledPolicy
from edgewise.statistics.estimates import Estimate
from edgewise.systems.service_selection import references
from edgewise.systems.service_selection.environment import ServiceSelection

VALUE_BASED = ("DQN", "Prioritized-DQN", "DRQN", "Rainbow")
POLICY_BASED = ("REINFORCE", "PPO", "SAC", CONTROL)
PAPER_DENOISING = "5"
PAPER_TEMPERATURE = "0.05"
TASK_SHOWN = 300


@styled()
def learning(results: Results) -> Output:
    """Fig. 5: learning curves beside value-based learners, policy-based learners and heuristics."""
    lines = {o.label: learning_line(o, RETURN, o.label == "D2SAC") for o in results if o.learned}
    levels = {o.label: o.estimate(RETURN) for o in results if not o.learned}
    figure, grid = new_figure(7.2, 4.2, 1, 3)
    groups = (("value-based", VALUE_BASED), ("policy-based", POLICY_BASED), ("heuristics", ()))
    for axes, (title, members) in zip(grid[0], groups, strict=True):
        plot_lines(axes, [lines[label] for label in ("D2SAC", *members) if label in lines])
        if not members:
            for (label, e), (colour, stroke, _) in zip(levels.items(), cycle(NOT_LEARNED), strict=False):
                axes.axhline(e.value, color=colour, linestyle=stroke, linewidth=1.3, label=name(label))
        axes.set_title(title, loc="left")
        step_axis(axes)
        if axes.lines:
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), handlelength=2.6)
    low = min([e.low if np.isfinite(e.low) else e.value for line in lines.values() for e in line.y], default=0.0)
    high = max([e.value for line in lines.values() for e in line.y] + [e.value for e in levels.values()], default=1.0)
    for axes in grid[0]:
        axes.set_ylim(max(low, -0.5 * abs(high)) - 0.05 * abs(high), high + 0.05 * abs(high))
    grid[0, 0].set_ylabel("test reward per episode")
    data = pd.concat([line.tidy("steps") for line in lines.values()], ignore_index=True) if lines else pd.DataFrame()
    table = [
        {
            "policy": label,
            **{f"at {share:.0%}": line.y[round(share * (len(line.y) - 1))].text(0) for share in (0.25, 0.5, 1)},
        }
        for label, line in lines.items()
    ]
    said = notes(
        results,
        INSTANCE,
        "Curves: interquartile mean over seeds of the evaluations while learning, deterministic policy, band: 95% interval. What "
        "lies far below zero is cut off.",
    )
    claim = claim_best("D2SAC ends highest", results.without(CONTROL), "D2SAC", RETURN, 0)
    return Output(figure, data, pd.DataFrame(table), present(claim, claim_control(results)), said)


@styled()
def arrival_rates(results: Results) -> Output:
    """Fig. 6: policies trained at the default rate, judged at others; negative rewards are not displayed."""
    rates = list(dict.fromkeys(o.setting.label for o in results))
    labels = list(dict.fromkeys(o.label for o in results))
    found = {label: [o.estimate(RETURN) for o in results if o.label == label] for label in labels}
    learned = {o.label: o.learned for o in results}
    lines = [
        Line(name(label), [float(r) for r in rates], found[label], label == "D2SAC", learned[label]) for label in labels
    ]
    figure, grid = new_figure(7.2, 4.2)
    axes = grid[0, 0]
    plot_lines(axes, lines, markers=True)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("arrival rate (tasks per second)")
    axes.set_ylabel("test reward per episode")
    figure.legend(loc="outside right upper", handlelength=3)
    table = [{"policy": line.label, **{r: e.text(0) for r, e in zip(rates, line.y, strict=True)}} for line in lines]
    learners = [o.label for o in results.without(CONTROL, "D2SAC") if o.learned and o.setting.label == rates[0]]
    claims = []
    if "D2SAC" in found and learners:
        verdicts = [
            overall([verdict(found["D2SAC"][i], found[other][i]) for other in learners]) for i in range(len(rates))
        ]
        evidence = "; ".join(f"at {rate}: {each}" for rate, each in zip(rates, verdicts, strict=True))
        claims.append(Claim("D2SAC has the highest reward of all learners at every rate", overall(verdicts), evidence))
    said = notes(
        results,
        INSTANCE,
        "The paper does not say whether learners were trained at each rate. Here they are trained at 0.001 and judged at all.",
        "The rates are ours; the paper gives them in its figure only.",
    )
    data = pd.concat([line.tidy("arrival_rate") for line in lines], ignore_index=True)
    return Output(figure, data, pd.DataFrame(table), tuple(claims), said)


@styled()
def denoising_steps(results: Results) -> Output:
    """Fig. 7: reward and training time against the length of the reverse chain."""
    return _sweep(
        results, "denoising steps K", PAPER_DENOISING, "K = 5 gives the highest reward, shorter and longer chains less",
        with_time=True,
    )  # fmt: skip


@styled()
def temperatures(results: Results) -> Output:
    """Fig. 9: reward against the weight of the entropy."""
    return _sweep(
        results, "temperature alpha", PAPER_TEMPERATURE, "alpha = 0.05 gives the highest reward", with_time=False,
        prepare=lambda axes: axes.set_xscale("log"),
    )  # fmt: skip


def _sweep(
    results: Results, axis: str, optimum: str, text: str, with_time: bool, prepare: Callable[..., object] | None = None
) -> Output:
    """Reward, and perhaps training time, normalised to their maxima, against a parameter that labels the learners."""
    labels = [o.label for o in results]
    raw = {o.label: o.estimate(RETURN) for o in results}
    most = max(e.value for e in raw.values())
    if most <= 0:
        most = max(abs(e.value) for e in raw.values())
    x = [float(label) for label in labels]
    scaled = [Estimate(e.value / most, e.low / most, e.high / most) for e in raw.values()]
    lines = [Line("reward", x, scaled, leading=True)]
    seconds = seconds_alone(results) if with_time else {}
    if with_time:
        longest = max(seconds.values())
        time = [Estimate(s / longest, np.nan, np.nan) for s in seconds.values()]
        lines.append(Line("training time", x, time))
    figure, grid = new_figure(6.0, 3.6)
    plot_lines(grid[0, 0], lines, markers=True)
    if prepare is not None:
        prepare(grid[0, 0])
    grid[0, 0].set_xticks(x, labels)
    grid[0, 0].minorticks_off()
    grid[0, 0].set_xlabel(axis)
    grid[0, 0].set_ylabel("share of the maximum")
    grid[0, 0].legend(loc="best")
    rows = [
        {axis: label, "test reward": raw[label].text(0)}
        | ({"training, s": f"{seconds[label]:.0f}"} if with_time else {})
        for label in labels
    ]
    said = notes(results, INSTANCE, TIMED if with_time else "")
    data = pd.concat([line.tidy(axis) for line in lines], ignore_index=True)
    return Output(figure, data, pd.DataFrame(rows), present(_optimum(raw, optimum, text)), said)


def _optimum(found: dict[str, Estimate], optimum: str, text: str) -> Claim | None:
    others = {label: e for label, e in found.items() if label != optimum}
    if optimum not in found or not others:
        return None
    best = max(others, key=lambda label: others[label].value)
    verdicts = [verdict(found[optimum], e) for e in others.values()]
    word = FAILS if FAILS in verdicts else HOLDS if set(verdicts) == {HOLDS} else UNDECIDED
    return Claim(text, word, f"at {optimum} {found[optimum].text(0)}, best elsewhere at {best} {others[best].text(0)}")


@styled()
def reverse_chain(results: Results) -> Output:
    """Fig. 8: probability of every provider along the reverse chain, for policies trained on different budgets."""
    first = results.outcomes[0]
    environment = ServiceSelection(first.setting.build())
    observation, best = moment(environment)
    chains = {o.label: _chain(o, observation) for o in results}
    steps, providers = next(iter(chains.values())).shape
    figure, grid = new_figure(7.2, 0.9 + 1.35 * len(chains), len(chains), steps)
    rows, data = [], []
    for row, (label, chain) in enumerate(chains.items()):
        for k, (axes, probability) in enumerate(zip(grid[row], chain, strict=True)):
            colours = [VERMILION if i in best else BLUE for i in range(providers)]
            axes.bar(range(providers), probability, color=colours, width=0.9)
            for i in best:
                axes.axvline(i, color=VERMILION, linestyle=":", linewidth=1)
            axes.set_ylim(0, 1)
            axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"] if k == 0 else [""] * 3)
            axes.set_xticks(sorted({0, providers // 2, providers - 1}))
            if row == 0:
                axes.set_title("noise" if k == 0 else f"step {k}", loc="left")
            if row == len(chains) - 1:
                axes.set_xlabel("provider")
            data += [
                {"budget": label, "step": k, "provider": i, "probability": float(p)} for i, p in enumerate(probability)
            ]
        grid[row, 0].set_ylabel(f"{label} of steps")
        on_best = chain[:, sorted(best)].sum(axis=1)
        rows.append(
            {"budget": label, **{"noise" if k == 0 else f"step {k}": f"{p:.2f}" for k, p in enumerate(on_best)}}
        )
    end = {label: float(chain[-1, sorted(best)].sum()) for label, chain in chains.items()}
    ordered, chance = list(end.values()), len(best) / providers
    grows = all(a < b for a, b in pairwise(ordered))
    claim = Claim(
        "Along the chain the distribution moves to Prophet's choice, the more so the longer it was trained",
        HOLDS if grows and ordered[-1] > 0.5 else FAILS if ordered[-1] <= chance else UNDECIDED,
        "probability of Prophet's choice at the last step: "
        + ", ".join(f"{k} {v:.2f}" for k, v in end.items())
        + f"; by chance {chance:.2f}",
    )
    said = (
        f"Seed 0 of each run; the observation is that of task {TASK_SHOWN} of an episode of Prophet. Table: probability of "
        "Prophet's choice after each step. Dotted and in another colour: Prophet's choice, all of them where it has several.",
        "Rows are runs of their own with a share of the profile's steps, so that learning rates fall to their end in each.",
    )
    return Output(figure, pd.DataFrame(data), pd.DataFrame(rows), (claim,), said)


def moment(environment: ServiceSelection) -> tuple[jax.Array, set[int]]:
    """An observation in the middle of an episode, and the providers that Prophet finds best then."""
    prophet = references.build(environment)["prophet"]
    states, _, _ = eqx.filter_jit(lambda e, key: record_episode(e, prophet, key))(environment, jax.random.key(0))
    place = min(TASK_SHOWN, environment.horizon - 1)
    state = jax.tree.map(lambda leaf: leaf[place], states)
    utility = np.asarray(environment.providers.utility(state.task, environment.config.with_offset))
    with_room = np.where(np.asarray(state.task <= environment.free(state)), utility, -np.inf)
    return environment.observe(state), set(np.flatnonzero(np.isclose(with_room, with_room.max())).tolist())


def _chain(outcome: Outcome, observation: jax.Array) -> np.ndarray:
    policy = best_policy(outcome.folder, 0)
    if isinstance(policy, ScaledPolicy):
        observation, policy = policy.inputs(observation), policy.policy
    if not isinstance(policy, CategoricalDiffusionPolicy):
        raise EdgewiseError(f"{outcome.label}: has no reverse chain: must be a diffusion policy")
    return np.asarray(eqx.filter_jit(policy.distributions)(observation, jax.random.key(0)))
