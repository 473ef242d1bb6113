"""Menus from a contract problem: the least rewards under which the truth pays, and what (1)-(12) say of a menu."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, Literal

import numpy as np
from scipy.optimize import linprog

from edgewise.common.errors import EdgewiseError
from edgewise.construction.menu import UNIT, Costs, Item, Menu, Rounds
from edgewise.systems.dynamic_contract.files import Instance
from edgewise.systems.dynamic_contract.network import dbm_to_watt

MARGIN = 1e-3
"""By how much utility the truth beats every other item, so that rounded rewards leave nobody indifferent."""
TINY = 1e-9
"""Weight of a reward that is paid with probability 0, so that it is the least one too."""
Truth = Literal["expected", "always"]
"""Whether the truth in period 1 is best in expectation of the type in period 2, as in (37), or whatever it turns out to be."""


def costs_of(instance: Instance) -> Costs:
    """C and E of an instance's constants: after (6)."""
    hardware = instance.hardware
    creation = hardware.capacitance * hardware.creation_cycles * hardware.cpu_speed**2
    perceived = hardware.perception_constant * hardware.perception_cycles * hardware.feature_bits
    upload = dbm_to_watt(instance.power_dbm) * hardware.module_bits / (instance.rate_mbps * 1e6)
    fixed = perceived * hardware.cpu_speed**2 + upload
    return Costs(instance.unit_cost * creation, instance.unit_cost * fixed)


def energy(instance: Instance, rounds: int) -> float:
    """Energy of a server by (2)-(5), J; 0 if there is nothing to build."""
    return costs_of(instance).of(rounds) / instance.unit_cost


def quality(instance: Instance, rounds: int) -> float:
    """Quality of a module by (1)."""
    return -float(np.expm1(-instance.hardware.quality_rate * rounds))


def whole_rounds(rounds: Sequence[Any], top: float) -> Rounds:
    """Rounds of a menu, rounded to whole ones in [0, top]."""

    def whole(value: Any) -> int:
        return int(min(max(round(float(value)), 0), int(top)))

    first, second = (np.asarray(each) for each in rounds)
    return tuple(map(whole, first)), tuple(tuple(map(whole, row)) for row in second)


def price(
    instance: Instance,
    rounds: Rounds,
    truth: Truth = "expected",
    cover: Callable[[int], float] | None = None,
    apart: float = 0.0,
) -> Menu:
    """The menu with given rounds and the least expected rewards under which every type takes part and tells the truth.

    A linear programme: in period 2 (13) and (14) after every item of period 1, in period 1 (36) and (37). An item of 0 rounds
    is worth 0 to everyone. The truth beats every item of other rounds by `MARGIN`.

    Args:
        instance: the problem.
        rounds: whole rounds of the items.
        truth: of period 1; "always" is stricter than (37) and costs the cloud server more.
        cover: by how much the reward of so many rounds is worth more than the costs at least, for pay that varies. If None,
            nothing.
        apart: how far from both ends the difference of two items' rewards is, as a part of half of the way between what makes
            the one type indifferent and what makes its neighbour so; in [0, 1).

    Raises:
        EdgewiseError: if no rewards do that.
    """
    programme = _Programme(instance, rounds, cover, apart)
    rows, bounds = [], []
    for row, least in programme.constraints(truth):
        rows.append(-row)
        bounds.append(-least)
    weights = np.maximum(programme.weights(), TINY)
    limits = [(0, 0) if built == 0 else (0, None) for built in programme.flat]
    found = linprog(weights, A_ub=np.array(rows), b_ub=np.array(bounds), bounds=limits)
    if not found.success:
        raise EdgewiseError(f"no rewards make every type tell the truth with rounds {rounds[0]} and {rounds[1]}")
    rewards = [round(reward * UNIT) for reward in found.x]
    kinds = len(instance.theta1)
    items = [Item(built, reward) for built, reward in zip(programme.flat, rewards, strict=True)]
    second = tuple(tuple(items[kinds * (k + 1) : kinds * (k + 2)]) for k in range(kinds))
    return Menu(
        tuple(items[:kinds]), second, instance.theta1, instance.theta2, instance.p2, instance.beta, costs_of(instance)
    )


class _Programme:
    """Constraints on the rewards, flat: period 1, then period 2 row by row."""

    def __init__(self, instance: Instance, rounds: Rounds, cover: Callable[[int], float] | None, apart: float) -> None:
        self.instance, self.rounds, self.cover, self.apart = instance, rounds, cover, apart
        self.kinds = len(instance.theta1)
        self.flat = [*rounds[0], *(built for row in rounds[1] for built in row)]
        self.costs = costs_of(instance)

    def weights(self) -> np.ndarray:
        """Expected number of payments of each reward."""
        p1, p2 = np.asarray(self.instance.p1), np.asarray(self.instance.p2)
        second = self.instance.beta * p1[:, None] * p2
        return self.instance.servers * np.concatenate([p1, second.ravel()])

    def _utility(self, place: int, theta: float, weight: float = 1.0) -> tuple[np.ndarray, float]:
        """Utility of an item as a row over the rewards and a constant."""
        row = np.zeros(len(self.flat))
        if self.flat[place]:
            row[place] = weight * theta
        return row, -weight * self.costs.of(self.flat[place])

    def _at(self, branch: int, kind: int) -> int:
        return self.kinds * (branch + 1) + kind

    def _path(self, theta: float, branch: int, outlook: Sequence[float]) -> tuple[np.ndarray, float]:
        """Utility over both periods of one that takes an item in period 1 and tells the truth in period 2."""
        row, constant = self._utility(branch, theta)
        for kind, probability in enumerate(outlook):
            weight = self.instance.beta * probability
            later, more = self._utility(self._at(branch, kind), self.instance.theta2[kind], weight)
            row, constant = row + later, constant + more
        return row, constant

    def constraints(self, truth: Truth) -> Iterator[tuple[np.ndarray, float]]:
        """Rows of which each, times the rewards, must be at least a number."""
        yield from self._rationality()
        kinds = range(self.kinds)
        for branch, kind in product(kinds, kinds):
            values = [self._utility(self._at(branch, other), self.instance.theta2[kind]) for other in kinds]
            gaps = self._gaps(kind, self.instance.theta2, self.rounds[1][branch])
            yield from _truths(kind, values, self.rounds[1][branch], gaps)
        every = [tuple(map(float, row)) for row in np.eye(self.kinds)]
        for kind, theta in enumerate(self.instance.theta1):
            for outlook in [self.instance.p2[kind]] if truth == "expected" else every:
                values = [self._path(theta, branch, outlook) for branch in kinds]
                gaps = self._gaps(kind, self.instance.theta1, self.rounds[0])
                yield from _truths(kind, values, list(zip(*self.rounds, strict=True)), gaps)

    def _gaps(self, kind: int, thetas: Sequence[float], rounds: Sequence[int]) -> list[float]:
        """By how much utility the truth of a type beats each other item: more where pay varies."""
        found = []
        for other, built in enumerate(rounds):
            near = thetas[kind + (other > kind) - (other < kind)]
            room = abs(built - rounds[kind]) * self.costs.round * abs(1 - thetas[kind] / near)
            found.append(MARGIN + self.apart * room / 2)
        return found

    def _rationality(self) -> Iterator[tuple[np.ndarray, float]]:
        instance = self.instance
        thetas = [*instance.theta1, *list(instance.theta2) * self.kinds]
        for place, theta in enumerate(thetas):
            row, constant = self._utility(place, theta)
            if self.flat[place]:
                risk = 0.0 if self.cover is None else theta * self.cover(self.flat[place])
                yield row, MARGIN + risk - constant


def _truths(
    kind: int, values: Sequence[tuple[np.ndarray, float]], work: Sequence[Any], gaps: Sequence[float]
) -> Iterator[tuple[np.ndarray, float]]:
    """What makes the own item better than every other one by a gap, or equal to one that asks for the same work."""
    own, constant = values[kind]
    for other, (row, more) in enumerate(values):
        if other != kind:
            yield own - row, (gaps[other] if work[other] != work[kind] else 0.0) - constant + more


def expected_profit(instance: Instance, menu: Menu) -> float:
    """Discounted profit of the cloud server over both periods: (11), (12)."""
    first = sum(p * _margin(instance, item) for p, item in zip(instance.p1, menu.first, strict=True))
    second = sum(
        p * q * _margin(instance, item)
        for p, outlook, row in zip(instance.p1, instance.p2, menu.second, strict=True)
        for q, item in zip(outlook, row, strict=True)
    )
    integration = instance.unit_cost * instance.integration_energy
    return instance.servers * (first + instance.beta * second) - (1 + instance.beta) * integration


def _margin(instance: Instance, item: Item) -> float:
    return instance.alpha * quality(instance, item.rounds) - item.reward / UNIT
