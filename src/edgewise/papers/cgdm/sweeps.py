"""Figures 4 and 6 to 9 of the CGDM paper: latency against a parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from edgewise.drawing.panels import Line, draw_lines
from edgewise.drawing.style import new_figure, styled
from edgewise.experiments.claims import FAILS, HOLDS, UNDECIDED, notes, overall, present, verdict
from edgewise.experiments.results import Claim, Output, Results
from edgewise.experiments.timing import TIMED, each_alone
from edgewise.papers.cgdm.learning import LATENCY, OURS, RETURN, RULE, SYSTEM_NOTE, claim_gains, name
from edgewise.statistics.estimates import Centre, Estimate, estimate, interquartile_mean, reduction

PAPER_STEPS, MANY_STEPS, MOST_STEPS = "5", "10", "15"


@dataclass(frozen=True)
class Curve:
    """Latencies of one policy along the axis.

    Attributes:
        at: for each point one value per unit, the units being the same at all points.
        centre: what stands for them.
        learned: whether the policy was.
    """

    at: tuple[np.ndarray, ...]
    centre: Centre = interquartile_mean
    learned: bool = True

    def estimates(self) -> list[Estimate]:
        """Latency at every point."""
        return [estimate([units], self.centre) for units in self.at]

    def change(self, first: int, last: int) -> Estimate:
        """Of each unit from one point to another."""
        return estimate([self.at[last] - self.at[first]], self.centre)


Curves = dict[str, Curve]


@dataclass(frozen=True)
class Gap:
    """What the paper says of the distance between the baselines and CGDM.

    Attributes:
        text: the statement.
        first, last: labels of the points between which the distance changes.
        grows: or else shrinks.
    """

    text: str
    first: str
    last: str
    grows: bool


@dataclass(frozen=True)
class Sweep:
    """One of Figs. 6 to 9; called with results, it makes the figure.

    Attributes:
        axis: what is swept, with its unit.
        text: the paper's statement on all curves.
        rises: whether latency rises along the axis; or else it falls.
        gains: the paper's advantages of CGDM in per cent.
        gaps: its statements on the distances.
        flattens: whether curves rise steeper in the lower half of the axis.
    """

    axis: str
    text: str
    rises: bool
    gains: Mapping[str, float]
    gaps: tuple[Gap, ...]
    flattens: bool = False

    @styled()
    def __call__(self, results: Results) -> Output:
        """The figure."""
        places = list(dict.fromkeys(o.setting.label for o in results))
        x = [float(place) for place in places]
        curves: Curves = {}
        for o in results:
            at = curves[o.label].at if o.label in curves else ()
            curves[o.label] = Curve((*at, o.units(LATENCY)), o.centre, o.learned)
        lines = [
            Line(name(label), x, curve.estimates(), label == OURS, curve.learned) for label, curve in curves.items()
        ]
        figure, grid = new_figure(7.2, 4.2)
        draw_lines(grid[0, 0], lines, markers=True)
        grid[0, 0].set_xticks(x, places)
        grid[0, 0].set_ylim(bottom=0)
        grid[0, 0].set_xlabel(self.axis)
        grid[0, 0].set_ylabel("test latency (s per slot)")
        figure.legend(loc="outside right upper", handlelength=3)
        compared = {label: curve for label, curve in curves.items() if label in (OURS, *self.gains)}
        claims = [
            self._claim_shape(compared, x),
            _claim_lowest(curves, places),
            *claim_gains(_reductions(compared), self.gains),
            *(_claim_gap(gap, compared, places) for gap in self.gaps),
        ]
        table = [
            {"policy": line.label, **{p: e.text(0) for p, e in zip(places, line.y, strict=True)}} for line in lines
        ]
        said = notes(
            results,
            SYSTEM_NOTE,
            RULE,
            "The paper does not say whether learners were trained at every point. Here they are trained once, in the default "
            "system, and the same policies are judged at all points.",
            "Reductions are of the mean over all points. A curve rises or falls by the change of each unit (seed or episode) "
            "from point to point.",
        )
        data = pd.concat([line.tidy(self.axis) for line in lines], ignore_index=True)
        return Output(figure, data, pd.DataFrame(table), present(*claims), said)

    def _claim_shape(self, curves: Curves, x: Sequence[float]) -> Claim:
        verdicts = {label: self.shape(curve, x) for label, curve in curves.items()}
        ends = {label: (curve.estimates()[0].value, curve.estimates()[-1].value) for label, curve in curves.items()}
        moved = [f"{name(label)} {first:.0f} to {last:.0f} s" for label, (first, last) in ends.items()]
        doubtful = [f"{name(label)}: {word}" for label, word in verdicts.items() if word != HOLDS]
        return Claim(
            self.text,
            overall(list(verdicts.values())),
            "; ".join(["from first to last point " + ", ".join(moved), *doubtful]),
        )

    def shape(self, curve: Curve, x: Sequence[float]) -> str:
        """Whether one curve goes the paper's way: as a whole and, unless it flattens, never back from point to point."""
        sign = 1 if self.rises else -1
        at = [sign * units for units in curve.at]
        whole = _sign(at[-1] - at[0], curve.centre)
        if not self.flattens:
            return FAILS if FAILS in [_sign(b - a, curve.centre) for a, b in pairwise(at)] else whole
        middle = int(np.argmin(np.abs(np.asarray(x) - (x[0] + x[-1]) / 2)))
        early = (at[middle] - at[0]) / (x[middle] - x[0])
        late = (at[-1] - at[middle]) / (x[-1] - x[middle])
        return overall([whole, _sign(sign * (early - late), curve.centre)])


def _sign(change: np.ndarray, centre: Centre) -> str:
    """Whether a change of each unit is upwards."""
    e = estimate([change], centre)
    return HOLDS if e.low > 0 else FAILS if e.high < 0 else UNDECIDED


def _reductions(curves: Curves) -> dict[str, Estimate]:
    """Part by which the mean over all points is lower with CGDM than with every other policy."""
    if OURS not in curves:
        return {}
    mean = {label: np.mean(curve.at, axis=0) for label, curve in curves.items()}
    return {label: reduction(mean[OURS], mean[label], curve.centre) for label, curve in curves.items() if label != OURS}


def _claim_lowest(curves: Curves, places: Sequence[str]) -> Claim | None:
    others = [curve.estimates() for label, curve in curves.items() if curve.learned and label != OURS]
    if OURS not in curves or not others:
        return None
    words = [
        overall([verdict(theirs, ours) for theirs in at])
        for ours, *at in zip(curves[OURS].estimates(), *others, strict=True)
    ]
    evidence = "; ".join(f"at {place}: {word}" for place, word in zip(places, words, strict=True))
    return Claim("CGDM has the lowest latency of all learners at every point", overall(words), evidence)


def _claim_gap(gap: Gap, curves: Curves, places: Sequence[str]) -> Claim | None:
    if OURS not in curves or len(curves) < 2:
        return None
    change = {label: curve.change(places.index(gap.first), places.index(gap.last)) for label, curve in curves.items()}
    ours = change.pop(OURS)
    words = [verdict(e, ours) if gap.grows else verdict(ours, e) for e in change.values()]
    moved = ", ".join(f"{name(label)} {e.value - ours.value:+.0f} s" for label, e in change.items())
    return Claim(gap.text, overall(words), f"change of the distance from {gap.first} to {gap.last}: {moved}")


@styled()
def denoising_steps(results: Results) -> Output:
    """Fig. 4: latency and training time against the length of the reverse chain."""
    labels = [o.label for o in results]
    x = [float(label) for label in labels]
    found = {o.label: o.estimate(LATENCY) for o in results}
    seconds = each_alone(results)
    time = [Estimate(s, np.nan, np.nan) for s in seconds.values()]
    lines = {
        "test latency (s per slot)": Line("latency", x, list(found.values()), leading=True),
        "training time (s)": Line("training time", x, time),
    }
    figure, grid = new_figure(7.2, 3.2, 1, 2)
    for axes, (unit, line) in zip(grid[0], lines.items(), strict=True):
        draw_lines(axes, [line], markers=True)
        axes.set_xticks(x, labels)
        axes.set_xlabel("denoising steps K")
        axes.set_ylabel(unit)
    grid[0, 1].set_ylim(bottom=0)
    rows = [
        {
            "denoising steps K": o.label,
            "latency, s per slot": found[o.label].text(1),
            "reward per episode": o.estimate(RETURN).text(1),
            "training, s": f"{seconds[o.label]:.0f}",
        }
        for o in results
    ]
    said = notes(
        results,
        SYSTEM_NOTE,
        "The paper shows reward and time as parts of their maxima; ours is latency, which is better when lower.",
        TIMED,
        "The paper explains its drop beyond ten steps by exploding gradients, which is what its printed (31) would do; here "
        "that equation is corrected.",
    )
    claims = present(_claim_optimum(found), _claim_too_many(found), _claim_time(seconds))
    data = pd.concat([line.tidy("denoising_steps") for line in lines.values()], ignore_index=True)
    return Output(figure, data, pd.DataFrame(rows), claims, said)


def _claim_optimum(found: Mapping[str, Estimate]) -> Claim | None:
    others = {label: e for label, e in found.items() if label != PAPER_STEPS}
    if PAPER_STEPS not in found or not others:
        return None
    best = min(others, key=lambda label: others[label].value)
    words = [verdict(e, found[PAPER_STEPS]) for e in others.values()]
    evidence = f"at 5 {found[PAPER_STEPS].text(1)}, best elsewhere at {best} {others[best].text(1)}"
    return Claim("K = 5 gives the best policy, shorter and longer chains worse ones", overall(words), evidence)


def _claim_too_many(found: Mapping[str, Estimate]) -> Claim | None:
    if MANY_STEPS not in found or MOST_STEPS not in found:
        return None
    many, most = found[MANY_STEPS], found[MOST_STEPS]
    evidence = f"at 10 {many.text(1)}, at 15 {most.text(1)}"
    return Claim("Beyond ten steps policies become clearly worse", verdict(most, many), evidence)


def _claim_time(seconds: Mapping[str, float]) -> Claim | None:
    if len(seconds) < 3:
        return None
    steps, taken = np.array([float(label) for label in seconds]), np.array(list(seconds.values()))
    slope, start = np.polyfit(steps, taken, 1)
    spread = taken.var()
    explained = 1 - float((taken - start - slope * steps).var() / spread) if spread > 0 else 0.0
    evidence = f"a line of {slope:.1f} s per step from {start:.0f} s explains {explained:.0%} of the variance"
    return Claim("Training time grows linearly with K", HOLDS if slope > 0 and explained > 0.9 else FAILS, evidence)
