"""The claims of the CGDM paper, judged by our figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from edgewise.experiments.claims import (
    FAILS,
    HOLDS,
    claim_best,
    claim_optimum,
    claim_percentage,
    judge,
    overall,
    verdict,
)
from edgewise.experiments.results import Claim, Outcome, Results
from edgewise.experiments.sweep import Curve, Sweep, claim_best_everywhere
from edgewise.experiments.training_time import seconds_alone
from edgewise.papers.cgdm.names import GDM, LATENCY, NO_CONFIDENCE, NO_CONSISTENCY, OURS, RETURN, name
from edgewise.papers.cgdm.published import BEST_STEPS, GAINS, MANY_STEPS, MOST_STEPS, Gap, Swept
from edgewise.papers.cgdm.sweeps import DENOISING_STEPS
from edgewise.papers.cgdm.trust import Trust
from edgewise.statistics.estimates import Centre, Estimate, estimate, reduction

Curves = Mapping[str, Curve]
QUICKLY = 3
"""Slots within which a reputation falls quickly."""
OBVIOUS = 0.1
"""Least difference of reputations, which are between 0 and 1, that can be seen in the figure."""
LINEAR = 0.9
"""Share of the variance that a line explains where growth counts as linear."""


def convergence(results: Results) -> list[Claim | None]:
    """The claims on Fig. 5."""
    others = [o for o in results.learned if o.label != OURS]
    return [
        claim_best("CGDM has the lowest latency of all learners", results, OURS, LATENCY, 1, "lowest"),
        _faster("CGDM converges faster than every other learner", results.find(OURS), others),
        *gains(reductions(results), GAINS),
    ]


def ablation(results: Results) -> list[Claim | None]:
    """The claims on Fig. 3."""
    ours, plain, unsure, loose = (results.find(label) for label in (OURS, GDM, NO_CONFIDENCE, NO_CONSISTENCY))
    return [
        claim_best("CGDM has the lowest latency of its variants", results, OURS, LATENCY, 1, "lowest"),
        _faster("Without confidence it still converges faster than GDM", unsure, [plain]),
        _below("Without confidence the final policy is worse", ours, unsure),
        _faster("Without the consistency term it converges slower", ours, [loose]),
        _below("Without the consistency term the final policy is worse", ours, loose),
    ]


def learners_over_sets(results: Results) -> list[Claim | None]:
    """What should speak for diffusion over sets."""
    ppo, sac, ours, masked = (results.find(f) for f in ("entity-ppo", "entity-sac", "entity-cgdm", "masked-diffusion"))
    return [
        claim_best(
            "Entity CGDM has the lowest latency of all learners over sets", results, "entity-cgdm", LATENCY, 1, "lowest"
        ),
        _below("Entity CGDM has a lower latency than entity PPO", ours, ppo),
        _below("Entity CGDM has a lower latency than entity SAC", ours, sac),
        _below("Masked diffusion has a lower latency than entity PPO", masked, ppo),
        _below("Masked diffusion has a lower latency than entity SAC", masked, sac),
    ]


def reductions(results: Results) -> dict[str, Estimate]:
    """Part by which CGDM's latency is below that of every other policy."""
    ours = results.find(OURS)
    if ours is None:
        return {}
    mine = ours.units(LATENCY)
    return {o.label: reduction(mine, o.units(LATENCY), o.centre) for o in results.without(OURS)}


def gains(less: Mapping[str, Estimate], published: Mapping[str, float]) -> list[Claim]:
    """That CGDM's latency is below each baseline's by the paper's percentage.

    Args:
        less: part by which it is below each baseline's, as far as there are any.
        published: the paper's percentages.
    """
    return [
        claim_percentage(f"{OURS} takes {percent:g}% less latency than {name(label)}", less[label], percent, "less")
        for label, percent in published.items()
        if label in less
    ]


def _faster(text: str, faster: Outcome | None, than: Sequence[Outcome | None]) -> Claim | None:
    """That a learner has the higher mean of its evaluations while learning: the higher, the sooner it learned."""
    slower = [o for o in than if o is not None]
    if faster is None or not slower:
        return None
    mine, others = _speed(faster), {o.label: _speed(o) for o in slower}
    best = max(others, key=lambda label: others[label].value)
    evidence = f"mean reward of all evaluations: {faster.label} {mine.text(1)}, {best} {others[best].text(1)}"
    return Claim(text, overall([verdict(mine, e) for e in others.values()]), evidence)


def _speed(outcome: Outcome) -> Estimate:
    return estimate([outcome.curve(RETURN).mean(axis=0).to_numpy()])


def _below(text: str, low: Outcome | None, high: Outcome | None) -> Claim | None:
    if low is None or high is None:
        return None
    less, more = low.estimate(LATENCY), high.estimate(LATENCY)
    return Claim(text, verdict(more, less), f"{low.label} {less.text(1)}, {high.label} {more.text(1)} s per slot")


def denoising_steps(results: Results) -> list[Claim | None]:
    """The claims on Fig. 4."""
    found = DENOISING_STEPS.estimates(results, LATENCY)
    best = "K = 5 gives the best policy, shorter and longer chains worse ones"
    return [
        claim_optimum(best, found, BEST_STEPS, 1, "lowest"),
        _too_many(found),
        _linear(DENOISING_STEPS.places(results), list(seconds_alone(results).values())),
    ]


def _too_many(found: Mapping[float, Estimate]) -> Claim | None:
    if MANY_STEPS not in found or MOST_STEPS not in found:
        return None
    many, most = found[MANY_STEPS], found[MOST_STEPS]
    evidence = f"at 10 {many.text(1)}, at 15 {most.text(1)}"
    return Claim("Beyond ten steps policies become clearly worse", verdict(most, many), evidence)


def _linear(steps: Sequence[float], seconds: Sequence[float]) -> Claim | None:
    if len(seconds) < 3:
        return None
    places, taken = np.array(steps), np.array(seconds)
    slope, start = np.polyfit(places, taken, 1)
    spread = taken.var()
    explained = 1 - float((taken - start - slope * places).var() / spread) if spread > 0 else 0.0
    evidence = f"a line of {slope:.1f} s per step from {start:.0f} s explains {explained:.0%} of the variance"
    return Claim("Training time grows linearly with K", HOLDS if slope > 0 and explained > LINEAR else FAILS, evidence)


def swept(axis: Sweep, published: Swept, results: Results) -> list[Claim | None]:
    """The claims on Figs. 6 to 9."""
    curves = axis.curves(results, LATENCY)
    compared = {label: curve for label, curve in curves.items() if label in (OURS, *published.gains)}
    lowest = "CGDM has the lowest latency of all learners at every point"
    return [
        _shapes(published, compared),
        claim_best_everywhere(lowest, curves, OURS, "lowest"),
        *gains(_mean_reductions(compared), published.gains),
        *(_gap(gap, compared) for gap in published.gaps),
    ]


def _shapes(published: Swept, curves: Curves) -> Claim:
    verdicts = {label: shape(published, curve) for label, curve in curves.items()}
    ends = {label: (curve.estimates()[0].value, curve.estimates()[-1].value) for label, curve in curves.items()}
    moved = [f"{name(label)} {first:.0f} to {last:.0f} s" for label, (first, last) in ends.items()]
    doubtful = [f"{name(label)}: {word}" for label, word in verdicts.items() if word != HOLDS]
    evidence = "; ".join(["from first to last point " + ", ".join(moved), *doubtful])
    return Claim(published.text, overall(list(verdicts.values())), evidence)


def shape(published: Swept, curve: Curve) -> str:
    """Whether one curve goes the paper's way: as a whole and, unless it flattens, never back from point to point."""
    sign = 1 if published.rises else -1
    at, x = [sign * units for units in curve.units], curve.places
    whole = _upward(at[-1] - at[0], curve.centre)
    if not published.flattens:
        return FAILS if FAILS in [_upward(b - a, curve.centre) for a, b in pairwise(at)] else whole
    middle = int(np.argmin(np.abs(np.asarray(x) - (x[0] + x[-1]) / 2)))
    early = (at[middle] - at[0]) / (x[middle] - x[0])
    late = (at[-1] - at[middle]) / (x[-1] - x[middle])
    return overall([whole, _upward(sign * (early - late), curve.centre)])


def _upward(change: np.ndarray, centre: Centre) -> str:
    """Whether a change of each unit is upwards."""
    e = estimate([change], centre)
    return judge(e.low > 0, e.high < 0)


def _mean_reductions(curves: Curves) -> dict[str, Estimate]:
    """Part by which the mean over all points is lower with CGDM than with every other policy."""
    if OURS not in curves:
        return {}
    mean = {label: np.mean(curve.units, axis=0) for label, curve in curves.items()}
    return {label: reduction(mean[OURS], mean[label], curve.centre) for label, curve in curves.items() if label != OURS}


def _gap(gap: Gap, curves: Curves) -> Claim | None:
    if OURS not in curves or len(curves) < 2:
        return None
    change = {label: curve.change(gap.first, gap.last) for label, curve in curves.items()}
    ours = change.pop(OURS)
    words = [verdict(e, ours) if gap.grows else verdict(ours, e) for e in change.values()]
    moved = ", ".join(f"{name(label)} {e.value - ours.value:+.0f} s" for label, e in change.items())
    return Claim(gap.text, overall(words), f"change of the distance from {gap.first:g} to {gap.last:g}: {moved}")


def reputations(results: Results) -> list[Claim]:
    """The claims on Fig. 10."""
    return [claim for o in results for claim in _trust(name(o.label), Trust.of(o, results))]


def _trust(who: str, trust: Trust) -> list[Claim]:
    slots, spread = trust.slots, trust.spread
    return [
        Claim(
            f"Under {who}, the attacked RSU's reputation falls below the threshold within {QUICKLY} slots, user by user",
            judge(slots.high <= QUICKLY, slots.low > QUICKLY),
            f"after {slots.text(1)} slots on average",
            "quickly",
        ),
        Claim(
            f"Under {who}, users differ in their trust before the attack, by more than {OBVIOUS:g}",
            judge(spread.low > OBVIOUS, spread.high < OBVIOUS),
            f"highest less lowest reputation of the RSU {spread.text(2)}",
            "obvious differences",
        ),
    ]
