"""Reference policies: contract schemes of section VI-A, the exact optimum, and one menu for every state."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.systems.dynamic_contract.environment import DynamicContract, DynamicContractState
from edgewise.systems.dynamic_contract.optimum import optimal_contract
from edgewise.systems.dynamic_contract.sampling import Latent, network_of

NAMES = ("random", "random-static", "constant", "static", "optimum")


class Scheme(eqx.Module):
    """A policy from a function that also takes the environment.

    Attributes:
        environment: the system it acts in.
        function: `(environment, key, state) -> action`.
    """

    environment: DynamicContract
    function: Callable[[DynamicContract, PRNGKeyArray, DynamicContractState], Array] = eqx.field(static=True)

    def __call__(self, key: PRNGKeyArray, state: DynamicContractState, observation: Array) -> Float[Array, " a"]:
        return self.function(self.environment, key, state)


def build(environment: DynamicContract) -> dict[str, Scheme]:
    """The references for an environment.

    "random" draws rounds, "random-static" the same ones whatever was reported before; "constant" gives every state the
    optimum of the average one; "static" is the best static contract in each period, "optimum" the best menu with the
    rewards of Theorems 2 and 4. The last two solve each state exactly.
    """
    functions = (_random, _random_static, _constant, _static, _optimum)
    return {name: Scheme(environment, function) for name, function in zip(NAMES, functions, strict=True)}


def _random(environment: DynamicContract, key: PRNGKeyArray, state: DynamicContractState) -> Array:
    return environment.action_space.sample(key)


def _random_static(environment: DynamicContract, key: PRNGKeyArray, state: DynamicContractState) -> Array:
    kinds = environment.config.types
    first, second = jax.random.uniform(key, (2, kinds), maxval=environment.config.hardware.max_rounds)
    return environment.action_of((first, jnp.broadcast_to(second, (kinds, kinds))))


def _constant(environment: DynamicContract, key: PRNGKeyArray, state: DynamicContractState) -> Array:
    average: Latent = jax.tree.map(lambda part: jnp.full_like(part, 0.5), state.latent)
    network = network_of(environment.config, average)
    return environment.action_of(optimal_contract(network, "feasible", environment.config.shared).contract.rounds)


def _static(environment: DynamicContract, key: PRNGKeyArray, state: DynamicContractState) -> Array:
    return environment.action_of(optimal_contract(environment.network(state), "feasible", True).contract.rounds)


def _optimum(environment: DynamicContract, key: PRNGKeyArray, state: DynamicContractState) -> Array:
    network = environment.network(state)
    return environment.action_of(optimal_contract(network, "feasible", environment.config.shared).contract.rounds)
