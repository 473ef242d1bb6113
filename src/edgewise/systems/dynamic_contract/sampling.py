"""Random network states, as section VI-A draws them, and menus at random.

A state is a function of numbers that are uniform on [0, 1]: drawn afresh they give independent states, moved a little and
reflected at the ends they give states that drift and have the same distribution.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.systems.dynamic_contract.configuration import DynamicContractConfig
from edgewise.systems.dynamic_contract.model import Contract, Network
from edgewise.systems.dynamic_contract.network import dbm_to_watt
from edgewise.systems.dynamic_contract.projection import project
from edgewise.systems.dynamic_contract.theory import optimal_rewards

PERIODS = 2
"""Periods of a contract in the paper."""
SMALLEST = 1e-6
"""Uniform numbers are kept this far from 0 and 1."""


class Latent(eqx.Module):
    """What a network state is made of, uniform on [0, 1].

    Attributes:
        resources: numbers behind unit cost, transmit power in dBm, rate, integration energy.
        willingness: the willingness of each type in each period, inside its own slice of the range.
        initial, transitions: of the probabilities, which are Dirichlet(1).
    """

    resources: Float[Array, " r"]
    willingness: Float[Array, "2 k"]
    initial: Float[Array, " k"]
    transitions: Float[Array, "1 k k"]


def draw_latent(key: PRNGKeyArray, kinds: int) -> Latent:
    """Independent numbers."""
    keys = jax.random.split(key, 4)
    shapes = ((4,), (PERIODS, kinds), (kinds,), (PERIODS - 1, kinds, kinds))
    return Latent(*(jax.random.uniform(key, shape) for key, shape in zip(keys, shapes, strict=True)))


def drift(key: PRNGKeyArray, latent: Latent, size: float) -> Latent:
    """Add normal noise of the given deviation to every number and reflect at 0 and 1."""
    leaves, structure = jax.tree.flatten(latent)

    def move(key: PRNGKeyArray, value: Array) -> Array:
        moved = jnp.mod(value + size * jax.random.normal(key, value.shape), 2.0)
        return jnp.minimum(moved, 2.0 - moved)

    keys = jax.random.split(key, len(leaves))
    return jax.tree.unflatten(structure, [move(key, leaf) for key, leaf in zip(keys, leaves, strict=True)])


def network_of(config: DynamicContractConfig, latent: Latent) -> Network:
    """The state that the numbers stand for."""

    def between(bounds: tuple[float, float], part: Array) -> Array:
        return bounds[0] + (bounds[1] - bounds[0]) * part

    unit_cost, power, rate, integration = latent.resources
    slices = (jnp.arange(config.types) + between((SMALLEST, 1 - SMALLEST), latent.willingness)) / config.types
    transitions = _simplex(latent.transitions)
    if config.ordered_rows:
        transitions = order_rows(transitions)
    return Network(
        types=between(config.willingness, slices),
        initial=_simplex(latent.initial),
        transitions=transitions,
        servers=jnp.asarray(config.servers, dtype=float),
        alpha=jnp.asarray(config.alpha, dtype=float),
        beta=jnp.asarray(config.beta, dtype=float),
        unit_cost=between(config.unit_cost, unit_cost),
        power=dbm_to_watt(between(config.power_dbm, power)),
        rate=1e6 * between(config.rate_mbps, rate),
        integration_energy=between(config.integration_energy, integration),
        hardware=config.hardware,
    )


def order_rows(transitions: Float[Array, "*h k k"]) -> Float[Array, "*h k k"]:
    """Rows such that each one's distribution dominates that of the row before (first order): sorted distribution functions.

    This is what "types are positively correlated" can mean. Appendix B's reading, every p_j growing with k, is impossible
    for numbers that add up to 1.
    """
    distribution = -jnp.sort(-jnp.cumsum(transitions, axis=-1), axis=-2)
    return jnp.diff(distribution, axis=-1, prepend=0.0)


def random_contract(key: PRNGKeyArray, network: Network, shared: bool = False, feasible: bool = True) -> Contract:
    """A menu of uniform rounds.

    Args:
        key: randomness.
        network: the state.
        shared: draw a static menu, whose items do not depend on what was reported before.
        feasible: make the menu feasible; otherwise give it the rewards of Theorems 2 and 4 whatever follows.
    """
    rounds = []
    for period, one in enumerate(jax.random.split(key, network.periods), 1):
        shape = (network.kinds,) if shared else (network.kinds,) * period
        drawn = jax.random.uniform(one, shape, network.alpha.dtype, 0.0, network.hardware.max_rounds)
        rounds.append(jnp.broadcast_to(drawn, (network.kinds,) * period))
    return project(network, tuple(rounds)).contract if feasible else optimal_rewards(network, tuple(rounds))


def _simplex(uniform: Float[Array, "*h k"]) -> Float[Array, "*h k"]:
    """Dirichlet(1) from independent uniform numbers: exponential ones over their sum."""
    exponential = -jnp.log(SMALLEST + (1 - 2 * SMALLEST) * uniform)
    return exponential / exponential.sum(axis=-1, keepdims=True)
