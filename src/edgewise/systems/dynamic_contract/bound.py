"""What no policy can earn more than in an episode of dynamic contracts."""

from __future__ import annotations

import jax
from jaxtyping import Array, Float

from edgewise.systems.dynamic_contract.environment import DynamicContract, DynamicContractState
from edgewise.systems.dynamic_contract.optimum import optimal_contracts


def upper_bound(environment: DynamicContract, states: DynamicContractState) -> Float[Array, ""]:
    """Mean of the upper bounds of the states, with rewards chosen freely; about 0.1% loose in single precision.

    Args:
        environment: the system.
        states: the states of an episode, along the first axis.
    """
    networks = jax.vmap(environment.network)(states)
    return optimal_contracts(networks, "joint", environment.config.shared).upper_bound.mean()
