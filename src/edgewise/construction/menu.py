"""The menu that a cloud server publishes, and how an edge server chooses from it: EDMSAC paper, sections III-D and IV-A.

Rounds of training are whole, and rewards are whole micro-units, so that books add up to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgewise.common.plain import ADDED, from_plain, to_plain

UNIT = 1_000_000
"""Micro-units of money in one unit of reward; also micro-units of quality and of energy in the books."""
Rounds = tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]
"""[K] of period 1 and [K][K] of period 2, by the item taken in period 1."""


@dataclass(frozen=True)
class Item:
    """What a server does in a period, and what it gets.

    Attributes:
        rounds: T, rounds of training; with 0 nothing is built and nothing paid.
        reward: R, micro-units.
    """

    rounds: int
    reward: int


@dataclass(frozen=True)
class Costs:
    """What building costs a server: (6).

    Attributes:
        round: c, of a round.
        fixed: E, of perceiving and uploading.
    """

    round: float
    fixed: float

    def of(self, rounds: int) -> float:
        """Cost of a number of rounds; 0 for none."""
        return self.fixed + self.round * rounds if rounds else 0.0


@dataclass(frozen=True)
class Gauge:
    """By what measured quality corrects the reward of an item, see `settlement`.

    Attributes:
        kind: of module, by the name under which it is registered.
        rounds: T of the item.
        quality: Q(T), mean measured quality of honest work, micro-units.
        slope: s, micro-units of money per unit of quality.
    """

    kind: str
    rounds: int
    quality: int
    slope: int


@dataclass(frozen=True)
class Menu:
    """A two-period contract (8) with all that a server needs to choose.

    Attributes:
        first: items of period 1, by type.
        second: items of period 2, by the item taken in period 1 and the type.
        theta1, theta2: willingness of the types in each period, rising.
        p2: `[k][j]`, probability of type j in period 2 after type k.
        beta: discount of period 2.
        costs: c and E that the menu was designed for.
        gauges: settlement by measured quality; the reward of a kind that has none is fixed.
    """

    first: tuple[Item, ...]
    second: tuple[tuple[Item, ...], ...]
    theta1: tuple[float, ...]
    theta2: tuple[float, ...]
    p2: tuple[tuple[float, ...], ...]
    beta: float
    costs: Costs
    gauges: tuple[Gauge, ...] = field(default=(), metadata=ADDED)

    def items(self, period: int, branch: int | None) -> tuple[Item, ...]:
        """What is offered in a period (1 or 2); in period 2 by the item taken in period 1, nothing to who took none."""
        if period == 1:
            return self.first
        return () if branch is None else self.second[branch]

    def gauge(self, kind: str, rounds: int) -> Gauge | None:
        """The gauge of a kind of module after some rounds; None if its reward is fixed."""
        return next((each for each in self.gauges if (each.kind, each.rounds) == (kind, rounds)), None)

    @property
    def rounds(self) -> Rounds:
        """Rounds of all items."""
        first = tuple(item.rounds for item in self.first)
        return first, tuple(tuple(item.rounds for item in row) for row in self.second)

    def plain(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return to_plain(self)


def read_menu(values: object) -> Menu:
    """The inverse of `Menu.plain`.

    Raises:
        ConfigurationError: naming the first field that is not allowed.
    """
    return from_plain(Menu, values)


def utility(theta: float, item: Item, costs: Costs) -> float:
    """Utility of a server that carries an item out: (6); 0 if there is nothing to build."""
    return theta * item.reward / UNIT - costs.of(item.rounds)


def choose_second(menu: Menu, branch: int | None, theta: float, costs: Costs) -> int | None:
    """The best item of period 2 for a server; None below utility 0."""
    values = [utility(theta, item, costs) for item in menu.items(2, branch)]
    return _best(values)


def choose_first(menu: Menu, theta: float, costs: Costs) -> int | None:
    """The best item of period 1 for a server that looks ahead as in (10); None if none is worth at least 0.

    What it expects of period 2 is the row of `p2` of the type that is nearest to its willingness.
    """
    own = int(np.argmin(np.abs(np.asarray(menu.theta1) - theta)))
    values = []
    for branch, item in enumerate(menu.first):
        later = [max(0.0, *(utility(level, other, costs) for other in menu.second[branch])) for level in menu.theta2]
        values.append(utility(theta, item, costs) + menu.beta * float(np.dot(menu.p2[own], later)))
    return _best(values)


def _best(values: Sequence[float]) -> int | None:
    best = max(range(len(values)), key=lambda index: (values[index], index), default=None)
    return None if best is None or values[best] < 0 else best
