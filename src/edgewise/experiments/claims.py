"""Statements of a paper, judged by our figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from edgewise.experiments.results import Claim, Outcome, Results
from edgewise.statistics.estimates import Estimate, caution, probability_of_improvement

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"
End = Literal["highest", "lowest"]
"""Which end of a scale is the best."""


def verdict(better: Estimate, than: Estimate) -> str:
    """Whether one figure exceeds another: only where their intervals do not overlap."""
    return HOLDS if better.low > than.high else FAILS if better.high < than.low else UNDECIDED


def overall(verdicts: Sequence[str]) -> str:
    """A statement about all: fails if one part fails, holds if every part does."""
    return FAILS if FAILS in verdicts else HOLDS if verdicts and set(verdicts) == {HOLDS} else UNDECIDED


def judge(within: bool, beyond: bool) -> str:
    """The verdict where one condition makes a statement hold and another makes it fail."""
    return HOLDS if within else FAILS if beyond else UNDECIDED


def ahead(one: Estimate, other: Estimate, best: End) -> str:
    """Whether one figure is nearer to the best end than another: only where their intervals do not overlap."""
    return verdict(one, other) if best == "highest" else verdict(other, one)


def claim_best(
    text: str, results: Results, label: str, metric: str, digits: int, best: End = "highest"
) -> Claim | None:
    """That one learner is the best of all learners in the first setting; None if there is nothing to compare.

    Args:
        text: the statement.
        results: the results of all policies.
        label: the label of the learner.
        metric: that is compared.
        digits: the digits of it in the evidence.
        best: which end of the metric's scale is the best.
    """
    ours = results.find(label)
    others = [o for o in results.without(label).learned if ours is not None and o.setting == ours.setting]
    if ours is None or not others:
        return None
    sign = 1 if best == "highest" else -1
    mine = ours.estimate(metric)
    estimates = {o.label: o.estimate(metric) for o in others}
    next_best = max(others, key=lambda o: sign * estimates[o.label].value)
    chance = probability_of_improvement([sign * ours.units(metric)], [sign * next_best.units(metric)])
    evidence = (
        f"{label} {mine.text(digits)}; best of the others {next_best.label} {estimates[next_best.label].text(digits)}; "
        f"a seed of {label} is ahead with probability {chance.text(2)}"
    )
    return Claim(text, overall([ahead(mine, e, best) for e in estimates.values()]), evidence)


def claim_optimum(text: str, found: Mapping[float, Estimate], at: float, digits: int, best: End) -> Claim | None:
    """That a figure is best at one place of an axis; None if that or every other place was left out.

    Args:
        text: the statement.
        found: by place.
        at: the place.
        digits: the digits of the figure in the evidence.
        best: which end of the figure's scale is the best.
    """
    others = {place: e for place, e in found.items() if place != at}
    if at not in found or not others:
        return None
    sign = 1 if best == "highest" else -1
    place = max(others, key=lambda place: sign * others[place].value)
    evidence = f"at {at:g} {found[at].text(digits)}, best elsewhere at {place:g} {others[place].text(digits)}"
    return Claim(text, overall([ahead(found[at], e, best) for e in others.values()]), evidence)


def claim_above(text: str, above: Sequence[Outcome], than: Outcome | None, metric: str, digits: int) -> Claim | None:
    """That every one of some outcomes exceeds another; None if there is nothing to compare."""
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
    """Remarks that these results need, and `more`."""
    seeds = caution(results.profile.seeds) if results.learned else ""
    return tuple(note for note in (seeds, *more) if note)
