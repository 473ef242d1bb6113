"""What is solved for the figures: optimal profits, contract schemes, and menus, state by state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from edgewise.environments import registry
from edgewise.environments.episode import record_episode
from edgewise.experiments.cell import Learned, Planned
from edgewise.experiments.probe import Probe, Probes, best_policy
from edgewise.papers.edmsac.names import (
    DYNAMIC,
    FIRST_BEST,
    MENUS,
    OPTIMUM,
    OURS,
    PROFIT,
    RANDOM,
    RANDOM_STATIC,
    SCHEME_PROFITS,
    STATIC,
    STATIC_FIRST,
    TRAINING_OPTIMUM,
)
from edgewise.systems.dynamic_contract.configuration import DynamicContractConfig
from edgewise.systems.dynamic_contract.environment import DynamicContract
from edgewise.systems.dynamic_contract.model import Contract, Network, period_profits, total_profit
from edgewise.systems.dynamic_contract.optimum import first_best, optimal_contract, optimal_contracts
from edgewise.systems.dynamic_contract.projection import project
from edgewise.systems.dynamic_contract.sampling import random_contract

SYSTEM = "dynamic-contract"
MENU_STATES, STATES_SHOWN = 200, 3
"""Of Fig. 8: states that claims are about, and those whose profits are told."""


@dataclass(frozen=True)
class OptimalProfit(Probe):
    """Profit of the exact optimum in each network state of some episodes.

    Attributes:
        setting: the setting of the system.
        episodes: number of episodes.
        seed: the seed of the episodes or states.
    """

    name = f"edmsac: {OPTIMUM}"
    setting: DynamicContractConfig
    episodes: int
    seed: int

    def compute(self, folder: Path | None) -> pd.DataFrame:
        """One row per state."""
        states = network_states(self.setting, self.episodes, self.seed)
        return pd.DataFrame({PROFIT: np.asarray(optimal_contracts(states).profit, float)})


def optima(cells: Sequence[Planned]) -> Probes:
    """The optima of the test states of every setting, and of the states of evaluations during training."""
    probes: dict[tuple[str, str], Probe] = {}
    for planned in cells:
        cell = planned.cell
        probes[OPTIMUM, planned.setting.label] = OptimalProfit(cell.setting, cell.episodes, cell.seed)
        if isinstance(cell.player, Learned):
            training = cell.player.run.training
            states = OptimalProfit(cell.setting, training.evaluation_episodes, training.evaluation_seed)
            probes[TRAINING_OPTIMUM, planned.label] = states
    return probes


@dataclass(frozen=True)
class SchemeProfits(Probe):
    """Profit of every contract scheme in each network state, in several settings.

    Attributes:
        settings: the settings of the system, by label.
        episodes: number of episodes in each.
        seed: the seed of the episodes or states.
    """

    name = f"edmsac: {SCHEME_PROFITS}"
    settings: Mapping[str, DynamicContractConfig]
    episodes: int
    seed: int

    def compute(self, folder: Path | None) -> pd.DataFrame:
        """One row per setting and state, one column per scheme."""
        tables = []
        for label, setting in self.settings.items():
            states = network_states(setting, self.episodes, self.seed)
            profits = {**scheme_profits(states), STATIC_FIRST: first_period_of_static(states)}
            tables.append(pd.DataFrame(profits).assign(setting=label))
        return pd.concat(tables, ignore_index=True)


def schemes(cells: Sequence[Planned]) -> Probes:
    """The probes on contract schemes, in the settings of all cells."""
    settings = {planned.setting.label: planned.cell.setting for planned in cells}
    first = cells[0].cell
    return {(SCHEME_PROFITS, ""): SchemeProfits(settings, first.episodes, first.seed)}


@dataclass(frozen=True)
class Menus(Probe):
    """The feasible menus that a learner's first seed makes of network states, beside the optimal ones.

    Attributes:
        setting: the setting of the system.
        player: the learner.
        states: number of states.
        seed: the seed of the episodes or states.
    """

    name = f"edmsac: {MENUS}"
    setting: DynamicContractConfig
    player: Learned
    states: int
    seed: int

    def compute(self, folder: Path | None) -> pd.DataFrame:
        """One row per state, part and item; of the first states also profits and what the state is."""
        environment = registry.find(SYSTEM).build_evaluation(self.setting)
        assert isinstance(environment, DynamicContract)
        networks, learned, best = _offers(environment, best_policy(folder, 0), self.states, self.seed)
        kinds = range(1, environment.config.types + 1)
        items = [f"{k}" for k in kinds] + [f"{k}, {j}" for k in kinds for j in kinds]
        tables = []
        for place in range(self.states):
            network, own, exact = (jax.tree.map(lambda leaf, i=place: leaf[i], t) for t in (networks, learned, best))
            facts = _facts(network, own, exact) if place < STATES_SHOWN else {}
            for part in ("rounds", "rewards"):
                ours, theirs = (np.concatenate([np.ravel(x) for x in getattr(menu, part)]) for menu in (own, exact))
                table = {"state": place + 1, "item": items, "part": part, OURS: ours, OPTIMUM: theirs}
                tables.append(pd.DataFrame(table | facts))
        return pd.concat(tables, ignore_index=True).fillna({"network": ""})


def menus(cells: Sequence[Planned]) -> Probes:
    """The probe on the menus of the one learner of Fig. 8."""
    [planned] = cells
    cell = planned.cell
    assert isinstance(cell.player, Learned)
    return {(MENUS, ""): Menus(cell.setting, cell.player, MENU_STATES, cell.seed)}


def network_states(config: DynamicContractConfig, episodes: int, seed: int) -> Network:
    """The network states of the episodes of a seed, those that `evaluate` plays, one after the other."""
    entry = registry.find(SYSTEM)
    environment = entry.build_evaluation(config)
    policy = entry.references(environment, ("random",))["random"]

    @eqx.filter_jit
    def states(environment: Any, keys: jax.Array) -> Network:
        found = jax.vmap(lambda key: record_episode(environment, policy, key)[0])(keys)
        flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), found)
        networks: Network = jax.vmap(environment.network)(flat)
        return networks

    return states(environment, jax.random.split(jax.random.key(seed), episodes))


def scheme_profits(networks: Network) -> dict[str, np.ndarray]:
    """Profit (12) of every scheme in each state: [states]; all menus but those of the first best are feasible.

    "static" is the best menu whose items do not depend on what was reported before, in both periods.
    """

    @eqx.filter_jit
    def others(networks: Network, keys: jax.Array) -> dict[str, jax.Array]:
        def one(network: Network, key: jax.Array) -> dict[str, jax.Array]:
            offered = {
                FIRST_BEST: first_best(network),
                RANDOM: random_contract(key, network),
                RANDOM_STATIC: random_contract(key, network, shared=True),
            }
            return {name: total_profit(network, menu) for name, menu in offered.items()}

        return jax.vmap(one)(networks, keys)

    count = len(networks.alpha)
    found = others(networks, jax.random.split(jax.random.key(0), count))
    exact = {DYNAMIC: optimal_contracts(networks).profit, STATIC: optimal_contracts(networks, shared=True).profit}
    return {name: np.asarray(values, float) for name, values in (exact | found).items()}


def first_period_of_static(networks: Network) -> np.ndarray:
    """Profit of the best static contract in period 1 alone, which is what the paper compares U1 + beta U2 with."""
    contracts = optimal_contracts(networks, shared=True).contract
    profits = jax.jit(jax.vmap(period_profits))(networks, contracts)
    return np.asarray(profits, float)[:, 0]


def _offers(environment: DynamicContract, policy: Any, states: int, seed: int) -> tuple[Network, Contract, Contract]:
    """Network states, the feasible menus that a policy makes of them, and the optimal ones."""

    @eqx.filter_jit
    @jax.vmap
    def offer(key: jax.Array) -> tuple[Network, Contract, Contract]:
        state, observation = environment.reset(key)
        network = environment.network(state)
        rounds = environment.rounds_of(policy(observation, None))
        return network, project(network, rounds).contract, optimal_contract(network).contract

    found: tuple[Network, Contract, Contract] = offer(jax.random.split(jax.random.key(seed), states))
    return jax.tree.map(np.asarray, found)


def _facts(network: Network, own: Contract, exact: Contract) -> dict[str, object]:
    network, own, exact = jax.tree.map(jnp.asarray, (network, own, exact))
    power = 10 * np.log10(float(network.power)) + 30
    first = ", ".join(f"{p:.2f}" for p in np.asarray(network.initial))
    rows = "; ".join(", ".join(f"{p:.2f}" for p in row) for row in np.asarray(network.transitions[0]))
    return {
        PROFIT: float(total_profit(network, own)),
        "optimal profit": float(total_profit(network, exact)),
        "network": f"sigma {float(network.unit_cost):.2f}, P {power:.0f} dBm, r {float(network.rate) / 1e6:.1f} Mbit/s\n"
        f"p1 ({first}), p2 ({rows})",
    }
