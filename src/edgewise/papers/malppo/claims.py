"""The claims of the MALPPO paper, judged by our figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewise.experiments.cell import Learned
from edgewise.experiments.claims import (
    FAILS,
    HOLDS,
    UNDECIDED,
    claim_above,
    claim_best,
    claim_percentage,
    overall,
    verdict,
)
from edgewise.experiments.results import Claim, Outcome, Results
from edgewise.papers.malppo.markets import Swept
from edgewise.papers.malppo.names import DISTANCES, NEAR, NO_FOLLOWERS, NO_LEADERS, OURS, RANDOM, RETURN, name
from edgewise.papers.malppo.published import GAINS, ITERATIONS
from edgewise.papers.malppo.trends import Trend
from edgewise.statistics.estimates import Estimate, estimate, gain, reduction


def convergence(results: Results) -> list[Claim | None]:
    """The claims on Fig. 3."""
    [outcome] = results.outcomes
    text = "Prices, demands and utilities converge to the Stackelberg equilibrium"
    return [_near(text, [outcome]), _settled(outcome)]


def _near(text: str, outcomes: Sequence[Outcome]) -> Claim | None:
    """That learners are within `NEAR` per cent of the equilibrium in everything; None if there is no learner."""
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


def settled_text(outcome: Outcome) -> str:
    """Iterations until a learner stayed near the equilibrium, in words."""
    needed, there = iterations(outcome)
    return f"{estimate([needed]).text(0)}, {there} of {len(needed)} seeds there"


def _settled(outcome: Outcome) -> Claim:
    """That MALPPO is at the equilibrium after the paper's number of iterations; a shorter run cannot refute it."""
    needed, there = iterations(outcome)
    e, limit = estimate([needed]), ITERATIONS[OURS]
    word = FAILS if e.low > limit else HOLDS if e.high <= limit and there == len(needed) else UNDECIDED
    return Claim("They are there after about 200 iterations", word, settled_text(outcome), f"{limit}")


def algorithms(results: Results) -> list[Claim | None]:
    """The claims on Fig. 4."""
    ours, chance = results.find(OURS), results.find(RANDOM)
    partly = [o for label in (NO_FOLLOWERS, NO_LEADERS) if (o := results.find(label)) is not None]
    above_partly = [
        claim_above(f"MALPPO has more reward than {o.label}", [ours] if ours else [], o, RETURN, 0) for o in partly
    ]
    return [
        claim_best("MALPPO has the highest reward of all learners", results, OURS, RETURN, 0),
        claim_above("Random has the lowest reward", results.learned, chance, RETURN, 0),
        *above_partly,
        *_gains(results, ours),
        *_faster(results, ours),
    ]


def _gains(results: Results, ours: Outcome | None) -> list[Claim]:
    others = {label: o for label in GAINS if (o := results.find(label)) is not None}
    if ours is None:
        return []
    return [
        claim_percentage(
            f"MALPPO has {GAINS[label]:g}% more reward than {name(label)}",
            gain(ours.units(RETURN), o.units(RETURN), o.centre),
            GAINS[label],
            "more",
        )
        for label, o in others.items()
    ]


def _faster(results: Results, ours: Outcome | None) -> list[Claim]:
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
        evidence = f"{judged.evidence}; {OURS} {settled_text(ours)}; {label} {settled_text(other)}"
        claims.append(Claim(text, word, evidence, f"{ITERATIONS[OURS]} against {ITERATIONS[label]} iterations"))
    return claims


def swept(figure: Swept, trends: Sequence[Trend], results: Results) -> list[Claim | None]:
    """Figs. 5 to 8: each trend on the exact equilibria and on the learners."""
    exact, learned = figure.exact(results), figure.learned(results)
    claims = [
        claim
        for trend in trends
        for claim in (
            trend.judge(exact, "exact equilibrium", _above, lambda value: f"{value:.4g}"),
            trend.judge(learned, "learned", _clearly_above, lambda e: e.text(2)),
        )
    ]
    return [*claims, _near("MALPPO converges to the equilibrium at every point", results.learned)]


def _above(one: float, two: float) -> str:
    return HOLDS if two > one else FAILS


def _clearly_above(one: Estimate, two: Estimate) -> str:
    return verdict(two, one)
