"""The claims of the D2SAC paper, judged by our figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pandas as pd

from edgewise.experiments.claims import (
    FAILS,
    HOLDS,
    UNDECIDED,
    claim_above,
    claim_best,
    claim_optimum,
    judge,
    overall,
    verdict,
)
from edgewise.experiments.results import Claim, Outcome, Results
from edgewise.experiments.sweep import Sweep, claim_best_everywhere
from edgewise.papers.d2sac.measures import reached, task_figures
from edgewise.papers.d2sac.names import BASELINE, CHAIN, CONTROL, OURS, PROPHET, RANDOM, RETURN
from edgewise.papers.d2sac.published import TEST_REWARD
from edgewise.statistics.estimates import Estimate

LIKELY = 0.5
"""Probability of Prophet's choice above which a policy has learned it."""


def _control(results: Results) -> Claim | None:
    """That D2SAC exceeds the control; None if one of them was left out."""
    text = "Not in the paper: D2SAC exceeds SAC with the same settings, so that its actor makes the difference"
    return claim_above(text, [o for o in results if o.label == OURS], results.find(CONTROL), RETURN, 0)


def rewards(results: Results) -> list[Claim | None]:
    """The claims on Table 3."""
    published = results.without(CONTROL)
    learned = published.learned
    baseline, prophet = results.find(BASELINE), results.find(PROPHET)
    ours = results.find(OURS)
    return [
        claim_best("D2SAC has the highest test reward of all learners", published, OURS, RETURN, 0),
        claim_above("Every learner exceeds Crash Avoid", learned, baseline, RETURN, 0),
        _fastest({o.label: reached(o, baseline.estimate(RETURN).value) for o in learned})
        if ours and baseline and len(learned) > 1
        else None,
        _share(ours.estimate(RETURN), prophet.estimate(RETURN)) if ours and prophet else None,
        _control(results),
    ]


def _fastest(ways: Mapping[str, tuple[float, float] | None]) -> Claim:
    steps = {label: way[0] for label, way in ways.items() if way is not None}
    text = "D2SAC reaches the baseline in the fewest steps"
    if OURS not in steps:
        return Claim(text, FAILS if steps else UNDECIDED, "D2SAC did not reach it")
    others = {label: value for label, value in steps.items() if label != OURS}
    first = min(others, key=lambda label: others[label], default="")
    if not first:
        return Claim(text, HOLDS, "no other learner reached it")
    ours, next_best = steps[OURS], steps[first]
    evidence = f"D2SAC {ours / 1000:.0f} thousand, next {first} {next_best / 1000:.0f} thousand"
    return Claim(text, judge(ours < next_best, ours > next_best), evidence)


def _share(ours: Estimate, prophet: Estimate) -> Claim:
    paper = TEST_REWARD[OURS] / TEST_REWARD[PROPHET]
    low, value, high = (x / prophet.value for x in (ours.low, ours.value, ours.high))
    share = Estimate(value, low, high).text(2)
    text = f"D2SAC gets {paper:.2f} of Prophet's reward"
    return Claim(text, judge(low >= paper, high < paper), f"ours {share} of {prophet.value:.0f}")


def control(results: Results) -> list[Claim | None]:
    """The claims on Table 4."""
    tasks = list(dict.fromkeys(o.setting.label for o in results))
    return [
        _not_exceeded(task, [o for o in results.learned if o.setting.label == task], results.find(RANDOM, task))
        for task in tasks
    ]


def _not_exceeded(task: str, learned: Sequence[Outcome], random: Outcome | None) -> Claim | None:
    """That no other learner exceeds D2SAC on a task; undecided as long as none has learned to exceed random actions."""
    found = {o.label: o.estimate(RETURN) for o in learned}
    others = [e for label, e in found.items() if label != OURS]
    if OURS not in found or not others:
        return None
    best = max(others, key=lambda e: e.value)
    exceeded = any(verdict(found[OURS], e) == FAILS for e in others)
    word = FAILS if exceeded else HOLDS if found[OURS].value >= best.value else UNDECIDED
    steps = next(int(o.result.curve["steps"].max()) for o in learned if o.label == OURS)
    evidence = f"after {steps:,} steps D2SAC {found[OURS].text(1)}, best of the others {best.text(1)}"
    chance = None if random is None else random.estimate(RETURN)
    if chance is not None and all(verdict(e, chance) != HOLDS for e in found.values()):
        word, evidence = UNDECIDED, f"{evidence}; none exceeds random actions, {chance.text(1)}"
    return Claim(f"No learner exceeds D2SAC on {task}", word, evidence)


def tasks(results: Results) -> list[Claim | None]:
    """The claims on Table 5."""
    obtained = {o.label: task_figures(o)["obtained utility"] for o in results}
    heuristics = [obtained[o.label] for o in results.published if not o.learned and o.label != PROPHET]
    published = {o.label: obtained[o.label] for o in results.without(CONTROL).learned}
    return [_above_heuristics(published, heuristics), _most_utility(published)]


def _above_heuristics(published: Mapping[str, Estimate], heuristics: list[Estimate]) -> Claim | None:
    if not heuristics or not published:
        return None
    best = max(heuristics, key=lambda e: e.value)
    worst = min(published.values(), key=lambda e: e.value)
    return Claim(
        "Every learner obtains more utility than the heuristics without foresight",
        overall([verdict(e, best) for e in published.values()]),
        f"lowest learner {worst.text(0)}, best heuristic but Prophet {best.text(0)}",
    )


def _most_utility(published: Mapping[str, Estimate]) -> Claim | None:
    others = [e for label, e in published.items() if label != OURS]
    if OURS not in published or not others:
        return None
    best, ours = max(others, key=lambda e: e.value), published[OURS]
    return Claim(
        "D2SAC obtains the most utility of all learners",
        overall([verdict(ours, e) for e in others]),
        f"D2SAC {ours.text(0)}, best of the others {best.text(0)}",
    )


def learning(results: Results) -> list[Claim | None]:
    """The claims on Fig. 5."""
    best = claim_best("D2SAC ends highest", results.without(CONTROL), OURS, RETURN, 0)
    return [best, _control(results)]


def arrival_rates(axis: Sweep, results: Results) -> list[Claim | None]:
    """The claims on Fig. 6."""
    curves = axis.curves(results.without(CONTROL), RETURN)
    text = "D2SAC has the highest reward of all learners at every rate"
    return [claim_best_everywhere(text, curves, OURS, "highest")]


def optimum(axis: Sweep, place: float, text: str, results: Results) -> list[Claim | None]:
    """Figs. 7 and 9: the reward is highest at one place of the axis."""
    return [claim_optimum(text, axis.estimates(results, RETURN), place, 0, "highest")]


def reverse_chain(results: Results) -> list[Claim | None]:
    """The claims on Fig. 8."""
    chains = [(o.label, results.table(CHAIN, o.label)) for o in results]
    end = {label: _on_best(table) for label, table in chains}
    first = chains[0][1].query("step == 0")
    ordered, chance = list(end.values()), float(first["best"].mean())
    grows = all(a < b for a, b in pairwise(ordered))
    evidence = ", ".join(f"{label} {value:.2f}" for label, value in end.items())
    return [
        Claim(
            "Along the chain the distribution moves to Prophet's choice, the more so the longer it was trained",
            judge(grows and ordered[-1] > LIKELY, ordered[-1] <= chance),
            f"probability of Prophet's choice at the last step: {evidence}; by chance {chance:.2f}",
        )
    ]


def _on_best(table: pd.DataFrame) -> float:
    """Probability of Prophet's choice at the last step."""
    last = table[table["step"] == table["step"].max()]
    return float(last.loc[last["best"], "probability"].sum())
