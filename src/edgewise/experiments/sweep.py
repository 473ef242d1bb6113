"""A metric along the axis of a parameter, on which settings or learners have their places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from edgewise.drawing.panels import Line, plot_lines
from edgewise.experiments.claims import End, ahead, overall
from edgewise.experiments.results import Claim, Outcome, Results
from edgewise.statistics.estimates import Centre, Estimate, estimate, interquartile_mean


@dataclass(frozen=True)
class Curve:
    """A metric of one policy along the axis.

    Attributes:
        places: on the axis, in the order of the experiment.
        units: for each place one value per unit (seed or episode), the units being the same at all places.
        centre: what stands for them.
        learned: whether the policy was.
    """

    places: tuple[float, ...]
    units: tuple[np.ndarray, ...]
    centre: Centre = interquartile_mean
    learned: bool = True

    def estimates(self) -> list[Estimate]:
        """An estimate at every place."""
        return [estimate([units], self.centre) for units in self.units]

    def change(self, first: float, last: float) -> Estimate:
        """The estimated change of a unit from one place to another."""
        return estimate([self.units[self.places.index(last)] - self.units[self.places.index(first)]], self.centre)


@dataclass(frozen=True)
class Sweep:
    """A parameter along which outcomes lie.

    Attributes:
        name: the name of the axis in the `at` of settings or learners, and of the column in data.
        label: the label of the axis in figures, with its unit; if empty, the name.
        logarithmic: or else the axis is linear.
    """

    name: str
    label: str = ""
    logarithmic: bool = False

    def place(self, outcome: Outcome) -> float:
        """The place of an outcome on the axis."""
        return outcome.at[self.name]

    def places(self, results: Results) -> list[float]:
        """The places of all outcomes, each once, in the order of the experiment."""
        return list(dict.fromkeys(self.place(o) for o in results if self.name in o.at))

    def curves(self, results: Results, metric: str) -> dict[str, Curve]:
        """The metric of every policy, by label, where settings have the places."""
        curves: dict[str, Curve] = {}
        for o in results:
            before = curves.get(o.label, Curve((), (), o.centre, o.learned))
            places, units = (*before.places, self.place(o)), (*before.units, o.units(metric))
            curves[o.label] = Curve(places, units, o.centre, o.learned)
        return curves

    def estimates(self, results: Results, metric: str) -> dict[float, Estimate]:
        """The metric at every place, where learners have the places."""
        return {self.place(o): o.estimate(metric) for o in results}

    def plot(self, axes: Axes, lines: Sequence[Line], unit: str, markers: bool = True) -> None:
        """Draw lines with a tick at every place of the first.

        Args:
            axes: empty.
            lines: along this axis.
            unit: label of the other axis.
            markers: whether places are marked on the lines.
        """
        if self.logarithmic:
            axes.set_xscale("log")
        plot_lines(axes, lines, markers)
        named = lines[0].x if lines else ()
        axes.set_xticks(named, [f"{place:g}" for place in named])
        axes.minorticks_off()
        axes.set_xlabel(self.label or self.name)
        axes.set_ylabel(unit)


def rows(lines: Sequence[Line], digits: int) -> list[dict[str, str]]:
    """A table of lines: one row for each, one column per place."""
    return [
        {"policy": line.label, **{f"{place:g}": e.text(digits) for place, e in zip(line.x, line.y, strict=True)}}
        for line in lines
    ]


def claim_best_everywhere(text: str, curves: Mapping[str, Curve], label: str, best: End) -> Claim | None:
    """That one learner is the best of all learners at every place; None if there is nothing to compare.

    Args:
        text: the statement.
        curves: the curves of policies, by label.
        label: the label of the learner.
        best: which end of the metric's scale is the best.
    """
    others = [curve.estimates() for name, curve in curves.items() if curve.learned and name != label]
    if label not in curves or not others:
        return None
    words = [
        overall([ahead(ours, each, best) for each in theirs])
        for ours, *theirs in zip(curves[label].estimates(), *others, strict=True)
    ]
    evidence = "; ".join(f"at {place:g}: {word}" for place, word in zip(curves[label].places, words, strict=True))
    return Claim(text, overall(words), evidence)
