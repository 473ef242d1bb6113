"""The claims of the EDMSAC paper, judged by our figures."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from edgewise.drawing.panels import Line
from edgewise.experiments.claims import FAILS, HOLDS, claim_above, claim_best, overall, verdict
from edgewise.experiments.results import Claim, Outcome, Results
from edgewise.papers.edmsac.measures import Profits, profits
from edgewise.papers.edmsac.names import (
    BETA,
    DENOISING,
    DMSAC,
    DYNAMIC,
    MENUS,
    OPTIMUM,
    OURS,
    PPO,
    PROFIT,
    PRUNING,
    RANDOM,
    RANDOM_STATIC,
    RATES,
    STATIC,
    STATIC_FIRST,
)
from edgewise.papers.edmsac.published import GAIN
from edgewise.papers.edmsac.sweeps import along_beta, along_servers, of_default

FAR = 1.1
"""Times the static contract's profit from which the dynamic one earns far more."""
FLAT = 1e-3
"""By how much an item may be below the one before and still count as no lower, for rounding."""


def algorithms(results: Results) -> list[Claim | None]:
    """The claims on Fig. 6."""
    others = [o for o in results.learned if o.label != PPO]
    ppo = next((o for o in results.learned if o.label == PPO), None)
    return [
        claim_best("EDMSAC has the highest profit of all learners", results, OURS, PROFIT, 1),
        _gain(results.find(OURS), results.find(DMSAC)),
        claim_above("PPO is the lowest of all learners", others, ppo, PROFIT, 1),
    ]


def _gain(ours: Outcome | None, plain: Outcome | None) -> Claim | None:
    """That pruning gains profit; the paper's percentage is a maximum, so any gain agrees with it."""
    if ours is None or plain is None:
        return None
    more, less = ours.estimate(PROFIT), plain.estimate(PROFIT)
    evidence = (
        f"{more.text(1)} against {less.text(1)}: {100 * (more.value / less.value - 1):+.2f}%, the paper says up to "
        f"{GAIN:g}%"
    )
    return Claim("EDMSAC earns more than DMSAC, which does not prune", verdict(more, less), evidence)


def parameters(results: Results) -> list[Claim | None]:
    """The claims on Fig. 7."""
    return [
        _falls(results, "A higher pruning rate earns more", PRUNING, 3, highest_first=True),
        _falls(results, "Fewer denoising steps earn more", DENOISING, 3),
        _falls(results, "Rates of 2e-7 and 2e-6 earn more than 1e-4", RATES, 2),
    ]


def _falls(results: Results, text: str, axis: str, places: int, highest_first: bool = False) -> Claim | None:
    """That profits fall along an axis, or along it backwards; None if one of the places was left out."""
    found = sorted((o for o in results if axis in o.at), key=lambda o: o.at[axis], reverse=highest_first)
    if len(found) < places:
        return None
    estimates = [o.estimate(PROFIT) for o in found]
    word = overall([verdict(a, b) for a, b in pairwise(estimates)])
    evidence = "; ".join(f"{o.label} {e.text(1)}" for o, e in zip(found, estimates, strict=True))
    return Claim(text, word, evidence)


def menus(results: Results) -> list[Claim]:
    """The claims on Fig. 8."""
    table = results.table(MENUS)
    return [
        _rises(table, 2, "Lemmas 1, 2: in period 2 rounds and rewards rise with the type"),
        _rises(table, 1, "Lemmas 7, 8: in period 1 rounds and rewards rise with the type"),
    ]


def _rises(table: pd.DataFrame, period: int, text: str) -> Claim:
    types = [item.split(", ") for item in table["item"]]
    here = table[[len(each) == period for each in types]]
    before = [each[:-1] for each in types if len(each) == period]

    def share(menu: str) -> float:
        """The share of the states in which items that differ in the last type alone rise."""
        groups = here.groupby(["state", "part", [" ".join(each) for each in before]])[menu]
        rising = groups.apply(lambda values: bool((np.diff(values) >= -FLAT).all()))
        return float(rising.groupby("state").all().mean())

    ours, theirs = share(OURS), share(OPTIMUM)
    return Claim(text, HOLDS if ours == 1 else FAILS, f"in {ours:.0%} of the states; of the optimal menus {theirs:.0%}")


def schemes(results: Results) -> list[Claim | None]:
    """The claims on Fig. 9."""
    found = profits(results)
    servers = along_servers(results, found)
    ours, exact = along_beta(results, found)
    return [
        _order(results, found),
        _growth("Profit grows with the number of servers", servers[0], servers[1]),
        *(_growth(f"Profit grows with beta, alpha = {alpha:g}", ours[alpha], exact[alpha]) for alpha in ours),
        _alpha(ours[min(ours)], ours[max(ours)]),
        _far(found[of_default(results).setting.label]),
    ]


def _order(results: Results, found: Profits) -> Claim:
    labels = {o.setting.label for o in results if o.at[BETA] > 0}
    means = [profit.drop(columns="setting").mean() for label, profit in found.items() if label in labels]
    ordered = all(each[DYNAMIC] > each[STATIC] > max(each[RANDOM], each[RANDOM_STATIC]) for each in means)
    above = [each[DYNAMIC] / each[STATIC] for each in means]
    return Claim(
        "Two-period dynamic above static above random contracts, with beta above 0",
        HOLDS if ordered else FAILS,
        f"exact, in all {len(means)} settings; dynamic is {100 * (min(above) - 1):.1f}% to {100 * (max(above) - 1):.1f}% "
        "above static",
    )


def _growth(text: str, ours: Line, exact: Line) -> Claim:
    verdicts = [verdict(b, a) for a, b in pairwise(ours.y)]
    rising = bool((np.diff([e.value for e in exact.y]) > 0).all())
    evidence = ", ".join(f"{e.value:.0f}" for e in ours.y) + "; exact " + ", ".join(f"{e.value:.0f}" for e in exact.y)
    return Claim(text, overall(verdicts) if rising else FAILS, evidence)


def _alpha(low: Line, high: Line) -> Claim:
    word = overall([verdict(b, a) for a, b in zip(low.y, high.y, strict=True)])
    evidence = "; ".join(
        f"beta {beta:g}: {a.value:.0f} to {b.value:.0f}" for beta, a, b in zip(low.x, low.y, high.y, strict=True)
    )
    return Claim("Profit grows with alpha", word, evidence)


def _far(profit: pd.DataFrame) -> Claim:
    dynamic, static, alone = (profit[name].mean() for name in (DYNAMIC, STATIC, STATIC_FIRST))
    return Claim(
        "The dynamic contract earns far more than the static one",
        FAILS if dynamic < FAR * static else HOLDS,
        f"on one objective, U1 + beta U2, {dynamic:.1f} against {static:.1f}: {100 * (dynamic / static - 1):.1f}% more; "
        f"the paper compares with U1 of the static contract alone, which is {alone:.1f}",
    )
