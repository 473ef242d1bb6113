"""Statements of a paper, judged by our figures."""

from __future__ import annotations

from collections.abc import Sequence

from edgewise.experiments.results import Claim, Outcome, Results
from edgewise.statistics.estimates import Estimate, caution, probability_of_improvement

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"


def verdict(better: Estimate, than: Estimate) -> str:
    """Whether one figure exceeds another: only where their intervals do not overlap."""
    return HOLDS if better.low > than.high else FAILS if better.high < than.low else UNDECIDED


def overall(verdicts: Sequence[str]) -> str:
    """A statement about all: fails if one part fails, holds if every part does."""
    return FAILS if FAILS in verdicts else HOLDS if verdicts and set(verdicts) == {HOLDS} else UNDECIDED


def claim_best(text: str, results: Results, label: str, metric: str, digits: int) -> Claim | None:
    """That one learner has the highest figure of all learners in the first setting; none if there is nothing to compare."""
    ours = results.find(label)
    others = [o for o in results.without(label) if o.learned and ours is not None and o.setting == ours.setting]
    if ours is None or not others:
        return None
    mine = ours.estimate(metric)
    estimates = {o.label: o.estimate(metric) for o in others}
    best = max(others, key=lambda o: estimates[o.label].value)
    chance = probability_of_improvement([ours.units(metric)], [best.units(metric)])
    evidence = (
        f"{label} {mine.text(digits)}; best of the others {best.label} {estimates[best.label].text(digits)}; "
        f"a seed of {label} is ahead with probability {chance.text(2)}"
    )
    return Claim(text, overall([verdict(mine, e) for e in estimates.values()]), evidence)


def claim_above(text: str, above: Sequence[Outcome], than: Outcome | None, metric: str, digits: int) -> Claim | None:
    """That every one of some outcomes exceeds another; none if there is nothing to compare."""
    if than is None or not above:
        return None
    limit = than.estimate(metric)
    estimates = {o.label: o.estimate(metric) for o in above}
    worst = min(estimates, key=lambda label: estimates[label].value)
    evidence = f"lowest {worst} {estimates[worst].text(digits)}; {than.label} {limit.text(digits)}"
    return Claim(text, overall([verdict(e, limit) for e in estimates.values()]), evidence)


def claim_percentage(text: str, part: Estimate, percent: float, word: str) -> Claim:
    """That a figure is less, or more, than another by the paper's percentage.

    It holds where the interval of our part begins at the percentage or above, and does not where it ends below.

    Args:
        text: the statement.
        part: by which ours is less, or more.
        percent: the paper's.
        word: "less" or "more".
    """
    e = Estimate(100 * part.value, 100 * part.low, 100 * part.high)
    judged = FAILS if e.high < percent else HOLDS if e.low >= percent else UNDECIDED
    tail = "" if judged != FAILS else f"; not {word}" if e.high <= 0 else "; no difference found"
    if e.low > 0:
        size = {FAILS: ", but by a smaller part", UNDECIDED: "; the interval has the paper's figure in it"}
        tail = f"; {word}{size[judged]}" if judged in size else ""
    return Claim(text, judged, f"ours {e.text(1)}%{tail}", f"{percent:g}%")


def notes(results: Results, *more: str) -> tuple[str, ...]:
    """What must be said of these results, and `more`."""
    seeds = caution(results.profile.seeds) if any(o.learned for o in results) else ""
    return tuple(note for note in (seeds, *more) if note)


def present(*claims: Claim | None) -> tuple[Claim, ...]:
    """Those that could be judged."""
    return tuple(claim for claim in claims if claim is not None)
