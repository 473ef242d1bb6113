"""What each contract scheme earns in the network states of a test, computed state by state."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import numpy as np

from edgewise.environments import registry
from edgewise.environments.episode import record_episode
from edgewise.systems.dynamic_contract.configuration import DynamicContractConfig
from edgewise.systems.dynamic_contract.model import Network, period_profits, total_profit
from edgewise.systems.dynamic_contract.optimum import first_best, optimal_contracts
from edgewise.systems.dynamic_contract.sampling import random_contract

SYSTEM = "dynamic-contract"
DYNAMIC, STATIC, FIRST_BEST = "exact optimum", "static", "types known"
RANDOM, RANDOM_STATIC = "random", "random static"


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


def optimal_profits(networks: Network) -> np.ndarray:
    """Profit of the exact optimum in each state."""
    return np.asarray(optimal_contracts(networks).profit, float)


def scheme_profits(networks: Network) -> dict[str, np.ndarray]:
    """Profit (12) of every scheme in each state: [states]; all menus but those of the first best are feasible.

    "static" is the best menu whose items do not depend on what was reported before, in both periods.
    """

    @eqx.filter_jit
    def others(networks: Network, keys: jax.Array) -> dict[str, jax.Array]:
        def one(network: Network, key: jax.Array) -> dict[str, jax.Array]:
            menus = {
                FIRST_BEST: first_best(network),
                RANDOM: random_contract(key, network),
                RANDOM_STATIC: random_contract(key, network, shared=True),
            }
            return {name: total_profit(network, menu) for name, menu in menus.items()}

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
