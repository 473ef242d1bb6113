"""Figures 3 and 5 of the CGDM paper: learning curves, with the final latencies beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd

from edgewise.drawing.panels import Line, draw_intervals, draw_levels, draw_lines, short_number
from edgewise.drawing.style import new_figure, styled
from edgewise.experiments.claims import claim_percentage, notes, overall, present, verdict
from edgewise.experiments.curves import learning_line
from edgewise.experiments.results import Claim, Outcome, Output, Results
from edgewise.statistics.estimates import Estimate, estimate, performance_profile, probability_of_improvement, reduction

OURS, GDM = "CGDM", "GDM"
NO_CONFIDENCE, NO_CONSISTENCY = "CGDM w.o. Con", "CGDM w.o. DC"
LATENCY, RETURN, SHARE = "latency", "return", "share of seeds below this latency"
NAMES = {
    "random": "Random", "look-ahead": "Look-ahead", "oracle": "Oracle look-ahead", "nearest-next": "Nearest next",
    "bound": "Lower bound",
}  # fmt: skip
GAINS = {"GDM": 5.7, "PPO": 12.3, "SAC": 10.2, "TD3": 34.6, "DDPG": 39.3, "random": 44.8}
"""Fig. 5's advantages of CGDM in per cent."""
SYSTEM_NOTE = (
    "The paper leaves much of the system open, so figures need not agree. It does not say what its percentages refer to; ours "
    "are of the baseline's latency."
)
RULE = (
    'That CGDM takes x% less latency "holds" where the interval of our reduction begins at x or above, "does not hold" where '
    "it ends below x."
)


def name(label: str) -> str:
    """Of a policy, as figures show it."""
    return NAMES.get(label, label)


def claim_lowest(text: str, results: Results) -> Claim | None:
    """That CGDM has the lowest latency of all learners in the first setting; none if there is nothing to compare."""
    ours = results.find(OURS)
    others = [o for o in results.without(OURS) if o.learned and ours is not None and o.setting == ours.setting]
    if ours is None or not others:
        return None
    mine = ours.estimate(LATENCY)
    estimates = {o.label: o.estimate(LATENCY) for o in others}
    best = min(others, key=lambda o: estimates[o.label].value)
    chance = probability_of_improvement([-ours.units(LATENCY)], [-best.units(LATENCY)])
    evidence = (
        f"{OURS} {mine.text(1)}; best of the others {best.label} {estimates[best.label].text(1)}; "
        f"a seed of {OURS} is ahead with probability {chance.text(2)}"
    )
    return Claim(text, overall([verdict(e, mine) for e in estimates.values()]), evidence)


def claim_gains(less: Mapping[str, Estimate], gains: Mapping[str, float]) -> list[Claim]:
    """That CGDM's latency is below each baseline's by the paper's percentage.

    Args:
        less: part by which it is below each baseline's, as far as there are any.
        gains: the paper's percentages.
    """
    return [
        claim_percentage(f"{OURS} takes {percent:g}% less latency than {name(label)}", less[label], percent, "less")
        for label, percent in gains.items()
        if label in less
    ]


def _reductions(results: Results) -> dict[str, Estimate]:
    """Part by which CGDM's latency is below that of every other policy."""
    ours = results.find(OURS)
    if ours is None:
        return {}
    mine = ours.units(LATENCY)
    return {o.label: reduction(mine, o.units(LATENCY), o.centre) for o in results.without(OURS)}


def speed(outcome: Outcome) -> Estimate:
    """Mean of the evaluations while learning: the higher, the sooner it learned."""
    return estimate([outcome.curve(RETURN).mean(axis=0).to_numpy()])


def _claim_faster(text: str, faster: Outcome | None, than: Sequence[Outcome | None]) -> Claim | None:
    slower = [o for o in than if o is not None]
    if faster is None or not slower:
        return None
    mine, others = speed(faster), {o.label: speed(o) for o in slower}
    best = max(others, key=lambda label: others[label].value)
    evidence = f"mean reward of all evaluations: {faster.label} {mine.text(1)}, {best} {others[best].text(1)}"
    return Claim(text, overall([verdict(mine, e) for e in others.values()]), evidence)


def _claim_below(text: str, low: Outcome | None, high: Outcome | None) -> Claim | None:
    if low is None or high is None:
        return None
    less, more = low.estimate(LATENCY), high.estimate(LATENCY)
    return Claim(text, verdict(more, less), f"{low.label} {less.text(1)}, {high.label} {more.text(1)} s per slot")


@styled()
def convergence(results: Results) -> Output:
    """Fig. 5: learning curves of all algorithms, heuristics as levels, and the latencies of the best policies."""
    ours = results.find(OURS)
    learned = [o for o in results if o.learned]
    less = _reductions(results)
    claims = [
        claim_lowest("CGDM has the lowest latency of all learners", results),
        _claim_faster("CGDM converges faster than every other learner", ours, [o for o in learned if o.label != OURS]),
        *claim_gains(less, GAINS),
    ]
    said = (
        "Look-ahead knows the system's equations and plans one slot ahead; the oracle is also told attacks and data.",
    )
    return _curves(results, claims, less, said)


@styled()
def ablation(results: Results) -> Output:
    """Fig. 3: CGDM without its confidence, without its consistency term, and without both."""
    ours, plain, unsure, loose = (results.find(label) for label in (OURS, GDM, NO_CONFIDENCE, NO_CONSISTENCY))
    claims = [
        claim_lowest("CGDM has the lowest latency of its variants", results),
        _claim_faster("Without confidence it still converges faster than GDM", unsure, [plain]),
        _claim_below("Without confidence the final policy is worse", ours, unsure),
        _claim_faster("Without the consistency term it converges slower", ours, [loose]),
        _claim_below("Without the consistency term the final policy is worse", ours, loose),
    ]
    said = (
        "Con: the confidence (kappa = 0 without), DC: denoising consistency (rho = 0 without); all else as in CGDM. GDM is the "
        "learner of that name with settings of its own.",
    )
    return _curves(results, claims, {}, said)


def _curves(
    results: Results, claims: Sequence[Claim | None], less: Mapping[str, Estimate], said: Sequence[str]
) -> Output:
    figure, grid = new_figure(7.2, 6.8, 2, 2)
    (curves, final), (profile, legend) = grid
    learned = [o for o in results if o.learned]
    lines = [learning_line(o, RETURN, o.label == OURS) for o in learned]
    draw_lines(curves, lines)
    levels = [o for o in results if not o.learned and RETURN in o.result.episodes]
    draw_levels(curves, {name(o.label): o.estimate(RETURN).value for o in levels})
    curves.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(short_number))
    curves.set_xlabel("environment steps per seed")
    curves.set_ylabel("test reward per episode")
    legend.axis("off")
    legend.legend(*curves.get_legend_handles_labels(), loc="center", handlelength=2.8)
    latencies = {o.label: o.estimate(LATENCY) for o in results}
    order = sorted(results, key=lambda o: latencies[o.label].value)
    draw_intervals(
        final, [(name(o.label), latencies[o.label], o.learned) for o in order], {}, "test latency (s per slot)"
    )
    final.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18))
    shares = _profiles(learned)
    draw_lines(profile, shares)
    profile.set_ylim(0, 1.02)
    profile.set_xlabel("test latency (s per slot)")
    profile.set_ylabel("share of seeds below it")
    data = pd.concat(
        [
            *(line.tidy("steps").assign(metric=RETURN) for line in lines),
            *(line.tidy(LATENCY).assign(metric=SHARE) for line in shares),
            pd.DataFrame([{"policy": o.label, "steps": np.nan, "metric": LATENCY, **vars(latencies[o.label])} for o in order]),
        ],
        ignore_index=True,
    )  # fmt: skip
    said = notes(
        results,
        SYSTEM_NOTE,
        RULE if less else "",
        "Top left: evaluations while learning, deterministic policy, interquartile mean over seeds and 95% interval. Right: "
        "latency of the best policies on test episodes; lower is better. Bottom: performance profiles, the share of a learner's "
        "seeds below each latency, with 95% interval; a curve that does not reach 1 has seeds beyond the axis.",
        *said,
    )
    return Output(
        figure,
        data,
        pd.DataFrame([_row(o, less) | results.training_minutes(o) for o in order]),
        present(*claims),
        said,
    )


def _profiles(learned: Sequence[Outcome]) -> list[Line]:
    """Performance profiles from the best seed of all to the third quartile of the worst learner's."""
    if not learned:
        return []
    units = {o.label: o.units(LATENCY) for o in learned}
    first = min(values.min() for values in units.values())
    last = max(np.quantile(values, 0.75) for values in units.values())
    margin = 0.05 * (last - first) or 0.05 * first
    levels = np.linspace(first - margin, last + margin, 60)
    return [
        Line(label, list(levels), performance_profile([-values], -levels), label == OURS)
        for label, values in units.items()
    ]


def _row(outcome: Outcome, less: Mapping[str, Estimate]) -> dict[str, object]:
    def text(metric: str, digits: int) -> str:
        return outcome.estimate(metric).text(digits) if metric in outcome.result.episodes else ""

    row: dict[str, object] = {"policy": name(outcome.label), "latency, s per slot": text(LATENCY, 1)}
    if less:
        part = less.get(outcome.label)
        row["CGDM's is less by, %"] = (
            "" if part is None else Estimate(100 * part.value, 100 * part.low, 100 * part.high).text(1)
        )
        row["paper, %"] = GAINS.get(outcome.label, "")
    return row | {
        "reward per episode": text(RETURN, 1),
        "violations per slot": text("violations", 2),
        "defences per slot": text("defences", 2),
    }
