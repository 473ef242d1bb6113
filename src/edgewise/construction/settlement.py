"""What a module is paid: the reward of its item, corrected by the quality that was measured, so that less work does not pay.

The paper pays a fixed R (stage III). Quality can be measured and rounds cannot, so a fixed R leaves room to do less. Settled by
measured quality a module is paid

    R + s (q - Q(T)),  s = c / (theta g(T)),  g(T) = min over T' < T of (Q(T) - Q(T')) / (T - T'),

where q is the measured quality, Q the mean quality of honest work after T rounds, c the cost of a round and theta the least
willingness of all types. Who builds T' < T rounds saves c (T - T') and loses theta s (Q(T) - Q(T')), which is no less; g is the
slope of Q at T where Q is concave. As Q is known from a few honest runs, what a round gives counts less `SURE` standard errors.
Honest work is paid R on average.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

import numpy as np

from edgewise.common.errors import ConfigurationError
from edgewise.construction.curve import Curve
from edgewise.construction.menu import UNIT, Costs, Gauge, Menu

SettlementName = Literal["fixed", "measured"]
"""Whether a module is paid R, or R corrected by its measured quality."""
FIXED: SettlementName = "fixed"
MEASURED: SettlementName = "measured"
CAP = 2
"""Times R that is paid at most; the least is 0: honest pay varies around R alike to both sides."""
LIMIT = 3.0
"""Deviations of honest pay that must fit between 0 and the least reward that covers the costs."""
SURE = 2.0
"""Standard errors over the honest runs by which the slope of a curve may be smaller than it was measured."""
COVER = 2.0
"""Deviations of honest pay by which rewards exceed the costs: of a hundred honest servers two or three lose."""

APART = 0.8
"""How far rewards keep a type from being indifferent between two items, see `contract.price`: at an end chance would decide."""


def owed(reward: int, quality: int, honest: int | None, slope: int | None) -> int:
    """What is paid for a module that has passed.

    Args:
        reward: R of its item, micro-units.
        quality: q as it was measured, micro-units.
        honest, slope: Q(T) and s, see `menu.Gauge`. If None, R is fixed.

    Returns:
        Whole micro-units in [0, CAP R].
    """
    if honest is None or slope is None:
        return reward
    return min(max(reward + round(Decimal(slope) * (quality - honest) / UNIT), 0), CAP * reward)


def least_gain(curve: Curve, rounds: int) -> float:
    """g: what a round fewer costs in quality at least, on the mean over those that are left out; 0 or less if nothing is sure."""
    quality = curve.smooth(np.arange(rounds + 1))
    gains = (quality[:, -1:] - quality[:, :-1]) / np.arange(rounds, 0, -1)
    return float((gains.mean(0) - SURE * gains.std(0, ddof=1) / np.sqrt(len(gains))).min())


@dataclass(frozen=True)
class Settlement:
    """Settlement by measured quality, for the kinds whose curves are known; others are paid a fixed R.

    Attributes:
        curves: of the kinds that are built, one at least.
        examples: on which the cloud server measures quality.
    """

    curves: tuple[Curve, ...]
    examples: int

    def enforceable(self, costs: Costs, theta: float, alpha: float) -> int:
        """The most rounds that a menu may ask for: of each kind the largest T with LIMIT s d <= (c T + E) / theta and s <= alpha.

        Chance, by the deviation d of an honest module's measured quality, then leaves its pay within the limits; and a unit of
        quality is not paid more than it brings in, so that more work than promised is no loss to the cloud server.

        Args:
            costs: of the servers.
            theta: least willingness of all types.
            alpha: profit per unit of quality.

        Raises:
            ConfigurationError: if a kind has none.
        """
        found = []
        for curve in self.curves:

            def told(rounds: int, curve: Curve = curve) -> bool:
                slope = _slope(curve, rounds, costs, theta)
                risk = slope * curve.deviation(rounds, self.examples)
                return slope <= alpha and LIMIT * theta * risk <= costs.of(rounds)

            able = [rounds for rounds in range(1, int(max(curve.rounds)) + 1) if told(rounds)]
            if not able:
                allowed = f"fixed: quality on {self.examples} examples does not tell rounds of {curve.kind} from fewer"
                raise ConfigurationError("settlement", MEASURED, allowed)
            found.append(max(able))
        return min(found)

    def risk(self, rounds: int, costs: Costs, theta: float) -> float:
        """Deviation s d of an honest server's pay, in units of reward, of the kind for which it is largest.

        Args:
            rounds: T, at least 1.
            costs: of the servers.
            theta: least willingness of all types.
        """
        return max(
            _slope(curve, rounds, costs, theta) * curve.deviation(rounds, self.examples) for curve in self.curves
        )

    def written(self, menu: Menu) -> Menu:
        """A menu with the terms of the settlement in it: a gauge for each kind and number of rounds."""
        theta = least_willingness(menu.theta1, menu.theta2)
        first, second = menu.rounds
        asked = sorted({built for row in (first, *second) for built in row if built})
        gauges = tuple(
            Gauge(
                curve.kind,
                rounds,
                round(float(curve.smooth(rounds).mean()) * UNIT),
                round(_slope(curve, rounds, menu.costs, theta) * UNIT),
            )
            for curve in self.curves
            for rounds in asked
        )
        return replace(menu, gauges=gauges)


def least_willingness(*levels: Iterable[float]) -> float:
    """The least theta of all types of all periods."""
    return min(theta for level in levels for theta in level)


def _slope(curve: Curve, rounds: int, costs: Costs, theta: float) -> float:
    """How many units of reward, s, are paid per unit of quality; infinite where fewer rounds give as much."""
    gain = theta * least_gain(curve, rounds)
    return costs.round / gain if gain > 0 else float("inf")
