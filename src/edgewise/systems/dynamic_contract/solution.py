"""An instance solved: the menu, what proves it, and what other schemes would earn."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array

from edgewise.systems.dynamic_contract.files import Instance
from edgewise.systems.dynamic_contract.model import (
    Contract,
    Histories,
    Network,
    period_profits,
    total_profit,
    truthful_utilities,
)
from edgewise.systems.dynamic_contract.optimum import Mode, Optimum, first_best, optimal_contract, precision
from edgewise.systems.dynamic_contract.theory import Failure, Feasibility, check, failures


@dataclass(frozen=True, eq=False)
class Solution:
    """The best menu of an instance.

    Attributes:
        rounds, rewards, utilities: of each period, [K] and [K, K]; utilities are those of servers that tell the truth.
        profit: the profit of the cloud server (12).
        upper_bound: what no menu of the mode can exceed.
        period_profits: before discounting.
        slacks: least slack of each group of constraints, in utility; a group without constraints has none.
        failed: constraints that the menu misses.
        first_best: profit of a cloud server that knows every type.
        scale: cost of `max_rounds` rounds, with which slacks are compared.
    """

    rounds: tuple[np.ndarray, ...]
    rewards: tuple[np.ndarray, ...]
    utilities: tuple[np.ndarray, ...]
    profit: float
    upper_bound: float
    period_profits: tuple[float, ...]
    slacks: dict[str, float | None]
    failed: tuple[Failure, ...]
    first_best: float
    scale: float

    def plain(self) -> dict[str, Any]:
        """Plain values for JSON."""
        menu: dict[str, Any] = {}
        for period, (rounds, rewards) in enumerate(zip(self.rounds, self.rewards, strict=True), 1):
            menu |= {f"rounds{period}": rounds.tolist(), f"rewards{period}": rewards.tolist()}
        return menu | {"profit": self.profit, "upper_bound": self.upper_bound, "feasibility": self.slacks}


def solve(instance: Instance) -> Solution:
    """The best menu of an instance in its mode."""
    return solve_network(instance.network(), instance.mode, instance.shared)


def solve_network(network: Network, mode: Mode = "feasible", shared: bool = False) -> Solution:
    """The best menu of a network state."""
    with precision(network):
        return describe(network, optimal_contract(network, mode, shared))


def solve_side_by_side(network: Network, choices: Sequence[tuple[Mode, bool]]) -> list[Solution]:
    """`solve_network` for several modes, each with whether items are shared; their programs are compiled at the same time."""

    def optimum(choice: tuple[Mode, bool]) -> Optimum:
        with precision(network):  # holds in one thread only
            return optimal_contract(network, *choice)

    with ThreadPoolExecutor() as pool:
        optima = list(pool.map(optimum, choices))
    with precision(network):
        return [describe(network, found) for found in optima]


def describe(network: Network, optimum: Optimum) -> Solution:
    """A menu with what proves it, in the precision in force."""
    facts = _facts(network, optimum.contract)
    slacks = {name: float(slack) for name, slack in facts.worst.items()}
    return Solution(
        rounds=_arrays(optimum.contract.rounds),
        rewards=_arrays(optimum.contract.rewards),
        utilities=_arrays(facts.utilities),
        profit=float(optimum.profit),
        upper_bound=float(optimum.upper_bound),
        period_profits=tuple(np.asarray(facts.period_profits).tolist()),
        slacks={name: slack if np.isfinite(slack) else None for name, slack in slacks.items()},
        failed=tuple(failures(facts.report)),
        first_best=float(facts.first_best),
        scale=float(facts.report.scale),
    )


class _Facts(NamedTuple):
    """A menu's constraints, utilities, profits, and the profit of a cloud server that knows every type."""

    report: Feasibility
    worst: dict[str, Array]
    utilities: Histories
    period_profits: Array
    first_best: Array


@jax.jit
def _facts(network: Network, contract: Contract) -> _Facts:
    report = check(network, contract)
    return _Facts(
        report,
        report.worst(),
        truthful_utilities(network, contract),
        period_profits(network, contract),
        total_profit(network, first_best(network)),
    )


def _arrays(values: tuple[jax.Array, ...]) -> tuple[np.ndarray, ...]:
    return tuple(np.asarray(value) for value in values)
