"""Configuration of the dynamic-contract system."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edgewise.common.errors import ConfigurationError, check_choice, check_integer, check_range
from edgewise.systems.dynamic_contract.model import Hardware


@dataclass(frozen=True)
class DynamicContractConfig:
    """Two-period contracts for edge servers, section IV of the EDMSAC paper; defaults from its Table I and section VI-A.

    Attributes:
        servers: number of edge servers N.
        types: number K of levels of willingness, at most `servers`.
        alpha: profit per unit of quality.
        beta: discount of the second period, in [0, 1].
        episode_states: network states in an episode.
        states: "redrawn" draws every state afresh as the paper does, "drifting" moves it a little from step to step.
        drift: deviation of a drifting parameter per step, as a part of its range.
        ordered_rows: make a higher type in period 1 mean higher types in period 2 (first-order dominance).
        shared: items of period 2 do not depend on the report in period 1: 2K numbers in an action instead of K + K^2.
        project: pay the profit of the feasible menu made from the action; otherwise the reward is (46) as it is printed,
            with the rewards of Theorems 2 and 4 and no further check.
        penalty: lambda of (46), charged on the sum of squares of the action.
        reward_unit: profit that makes a reward of 1.
        unit_cost: range of sigma, cost of a joule.
        power_dbm: range of the transmit power, dBm.
        rate_mbps: range of the transmission rate, 1e6 bit/s.
        integration_energy: range of E_C, J.
        willingness: range of the types, cut into one slice of equal width for each.
        hardware: constants of the servers.
    """

    servers: int = 12
    types: int = 2
    alpha: float = 200.0
    beta: float = 1.0
    episode_states: int = 20
    states: Literal["redrawn", "drifting"] = "redrawn"
    drift: float = 0.05
    ordered_rows: bool = False
    shared: bool = False
    project: bool = False
    penalty: float = 0.01
    reward_unit: float = 1000.0
    unit_cost: tuple[float, float] = (0.5, 1.0)
    power_dbm: tuple[float, float] = (20.0, 33.0)
    rate_mbps: tuple[float, float] = (1.0, 3.0)
    integration_energy: tuple[float, float] = (20.0, 25.0)
    willingness: tuple[float, float] = (15.0, 25.0)
    hardware: Hardware = field(default_factory=Hardware)

    def __post_init__(self) -> None:
        check_integer("servers", self.servers, 1)
        check_integer("types", self.types, 1, self.servers)
        check_range("alpha", self.alpha, 0, open_low=True)
        check_range("beta", self.beta, 0, 1)
        check_integer("episode_states", self.episode_states, 1)
        check_choice("states", self.states, ("redrawn", "drifting"))
        check_range("drift", self.drift, 0, 1, open_low=True)
        check_range("penalty", self.penalty, 0)
        check_range("reward_unit", self.reward_unit, 0, open_low=True)
        check_range("power_dbm", self.power_dbm, -100, 100)
        for name in ("unit_cost", "rate_mbps", "willingness"):
            check_range(name, getattr(self, name), 0, open_low=True)
        check_range("integration_energy", self.integration_energy, 0)
        for name in ("unit_cost", "power_dbm", "rate_mbps", "integration_energy", "willingness"):
            bounds = getattr(self, name)
            if len(bounds) != 2 or bounds[0] >= bounds[1]:
                raise ConfigurationError(name, bounds, "two numbers, the first one smaller")
