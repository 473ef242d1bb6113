"""An instance solved: the menu, what proves it, and what other schemes would earn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from edgewise.systems.dynamic_contract.files import Instance
from edgewise.systems.dynamic_contract.model import Contract, Network, period_profits, total_profit, truthful_utilities
from edgewise.systems.dynamic_contract.optimum import Mode, first_best, optimal_contract, precision
from edgewise.systems.dynamic_contract.theory import Failure, check, failures


@dataclass(frozen=True, eq=False)
class Solution:
    """The best menu of an instance.

    Attributes:
        rounds, rewards, utilities: of each period, [K] and [K, K]; utilities are those of servers that tell the truth.
        profit: of the cloud server (12).
        upper_bound: what no menu of the mode can exceed.
        period_profits: before discounting.
        slacks: least slack of each group of constraints, in utility; none for a group without constraints.
        failed: constraints that the menu misses.
    """

    rounds: tuple[np.ndarray, ...]
    rewards: tuple[np.ndarray, ...]
    utilities: tuple[np.ndarray, ...]
    profit: float
    upper_bound: float
    period_profits: tuple[float, ...]
    slacks: dict[str, float | None]
    failed: tuple[Failure, ...]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
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
        optimum = optimal_contract(network, mode, shared)
        report = check(network, optimum.contract)
        slacks = {name: float(slack) for name, slack in report.worst().items()}
        return Solution(
            rounds=_arrays(optimum.contract.rounds),
            rewards=_arrays(optimum.contract.rewards),
            utilities=_arrays(truthful_utilities(network, optimum.contract)),
            profit=float(optimum.profit),
            upper_bound=float(optimum.upper_bound),
            period_profits=tuple(np.asarray(period_profits(network, optimum.contract)).tolist()),
            slacks={name: slack if np.isfinite(slack) else None for name, slack in slacks.items()},
            failed=tuple(failures(report)),
        )


def first_best_profit(network: Network) -> float:
    """Profit of a cloud server that knows every type."""
    with precision(network):
        contract: Contract = first_best(network)
        return float(total_profit(network, contract))


def _arrays(values: tuple[jax.Array, ...]) -> tuple[np.ndarray, ...]:
    return tuple(np.asarray(value) for value in values)
