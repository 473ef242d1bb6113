"""The best menu of a network state, with proof; the static menu and the first best to compare it with.

Rounds alone are free in the modes "paper" and "feasible": rewards then follow from Theorems 2 and 4 and are linear in the
rounds. In "joint" mode rewards are free too. All three are concave programmes with linear constraints.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from edgewise.systems.dynamic_contract.concave import Programme, maximise, upper_bound
from edgewise.systems.dynamic_contract.model import (
    Contract,
    Network,
    discounts,
    history_probabilities,
    total_profit,
    truthful_utilities,
)
from edgewise.systems.dynamic_contract.theory import optimal_rewards, truth_slack

Mode = Literal["paper", "feasible", "joint"]
MODES: tuple[Mode, ...] = ("paper", "feasible", "joint")


class Optimum(eqx.Module):
    """The best menu of a mode.

    Attributes:
        contract: the menu.
        profit: its profit (12).
        upper_bound: what no menu that the mode allows can exceed, by duality.
        iterations: steps of the interior-point method.
    """

    contract: Contract
    profit: Float[Array, "*batch"]
    upper_bound: Float[Array, "*batch"]
    iterations: Int[Array, "*batch"]


def optimal_contract(network: Network, mode: Mode = "feasible", shared: bool = False) -> Optimum:
    """The best menu, in the precision of the network; may be part of another compiled program.

    Args:
        network: the state; H periods, K types.
        mode: "paper" asks only what Theorems 1 and 3 ask, so its menu may fail (see `theory.check`); "feasible" takes the
            rewards of Theorems 2 and 4 and requires participation and truth of everyone in every period; "joint" requires
            the same and chooses rewards freely, for which probabilities and beta have to be above 0.
        shared: the items of a period do not depend on what was reported before.
    """
    with precision(network):
        return _solve(network, mode, shared)


def optimal_contracts(networks: Network, mode: Mode = "feasible", shared: bool = False) -> Optimum:
    """`optimal_contract` for many states at once, stacked along the first axis of every array."""
    with precision(networks):
        return _solve_all(networks, mode, shared)


def static_contract(network: Network, mode: Mode = "feasible") -> Optimum:
    """The best menu whose items do not depend on what was reported before, that is, a static contract in each period."""
    return optimal_contract(network, mode, shared=True)


def first_best(network: Network) -> Contract:
    """What the cloud server would do if it knew every type: each one's best rounds, for exactly what they cost it."""
    gain = network.alpha * network.hardware.quality_rate
    rounds, rewards = [], []
    for period, types in enumerate(network.types):
        best = jnp.log(jnp.maximum(gain * types / network.round_cost, 1.0)) / network.hardware.quality_rate
        best = jnp.minimum(best, network.hardware.max_rounds)
        shape = (network.kinds,) * (period + 1)
        rounds.append(jnp.broadcast_to(best, shape))
        rewards.append(jnp.broadcast_to((network.round_cost * best + network.fixed_cost) / types, shape))
    return Contract(tuple(rounds), tuple(rewards))


def precision(network: Network) -> AbstractContextManager[object]:
    """Where a network in double precision is computed with; JAX would cut it to single precision elsewhere."""
    return jax.enable_x64(True) if network.alpha.dtype == jnp.float64 else nullcontext()


@eqx.filter_jit
def _solve(network: Network, mode: Mode, shared: bool) -> Optimum:
    programme, unpack = build_programme(network, mode, shared)
    solution = maximise(programme)
    contract = unpack(solution.z)
    profit = total_profit(network, contract)
    bound = upper_bound(programme, solution.multipliers, profit)
    return Optimum(contract, profit, bound, solution.iterations)


@eqx.filter_jit
def _solve_all(networks: Network, mode: Mode, shared: bool) -> Optimum:
    return jax.vmap(lambda network: _solve(network, mode, shared))(networks)


def build_programme(network: Network, mode: Mode, shared: bool) -> tuple[Programme, Callable[[Array], Contract]]:
    """The programme of a mode, and the menu of its variables."""
    kinds, periods, hardware = network.kinds, network.periods, network.hardware
    shapes = [(kinds,) if shared else (kinds,) * (period + 1) for period in range(periods)]
    sizes = [int(np.prod(shape)) for shape in shapes]
    count = sum(sizes)

    def split(z: Array) -> tuple[Array, ...]:
        parts = jnp.split(z, np.cumsum(sizes)[:-1].tolist())
        return tuple(
            jnp.broadcast_to(part.reshape(shape), (kinds,) * (period + 1))
            for period, (part, shape) in enumerate(zip(parts, shapes, strict=True))
        )

    def unpack(z: Array) -> Contract:
        if mode == "joint":
            return Contract(split(z[:count]), split(z[count:]))
        return optimal_rewards(network, split(z))

    def required(z: Array) -> Array:
        return requirements(network, unpack(z), mode)

    weights = [
        network.servers * discount * probability
        for discount, probability in zip(discounts(network), history_probabilities(network), strict=True)
    ]

    def linear_part(z: Array) -> Array:
        spent = sum((weight * rewards).sum() for weight, rewards in zip(weights, unpack(z).rewards, strict=True))
        return -spent - discounts(network).sum() * network.unit_cost * network.integration_energy

    def income(z: Array) -> Array:
        total = sum((weight * rounds).sum() for weight, rounds in zip(weights, split(z[:count]), strict=True))
        return network.alpha * total

    origin = jnp.zeros(2 * count if mode == "joint" else count)
    round_unit = 1 / hardware.quality_rate
    reward_unit = network.round_cost * round_unit / network.types.mean()
    units = jnp.full_like(origin, round_unit).at[count:].set(reward_unit)
    programme = Programme(
        weights=jax.grad(income)(origin),
        linear=jax.grad(linear_part)(origin),
        constant=linear_part(origin),
        matrix=-jax.jacfwd(required)(origin),
        limits=required(origin),
        units=units,
        rate=hardware.quality_rate,
        top=hardware.max_rounds,
        rounds=count,
    )
    return programme, unpack


def requirements(network: Network, contract: Contract, mode: Mode) -> Float[Array, " m"]:
    """What has to be at least 0 in a mode, as few rows as imply the rest.

    In the last period single crossing makes truth towards the neighbouring types enough, and with the rewards (35) rounds
    that do not fall. Before that every pair counts, but those that (39) holds with equality.
    """
    kinds, last = network.kinds, network.periods - 1
    rows = [contract.rounds[-1][..., 1:] - contract.rounds[-1][..., :-1]] if mode != "joint" else []
    if mode == "paper":
        rows += [jnp.diff(rounds) for rounds in contract.rounds[:-1]]
        rows += [jnp.diff(rewards) for rewards in contract.rewards[:-1]]
        return jnp.concatenate([row.ravel() for row in rows])
    offset = np.subtract.outer(np.arange(kinds), np.arange(kinds))  # type less report
    truth, utilities = truth_slack(network, contract), truthful_utilities(network, contract)
    pairs = (offset != 0) & (offset != 1) if mode == "feasible" else offset != 0
    for period in range(last):
        rows += [truth[period][..., pairs], utilities[period][..., 0 if mode == "joint" else 1 :]]
    if mode == "joint":
        rows += [truth[-1][..., np.abs(offset) == 1], utilities[-1][..., :1]]
    return jnp.concatenate([row.ravel() for row in rows])
