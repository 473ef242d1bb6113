"""From any rounds to a menu that everyone takes part in and tells the truth under."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from edgewise.systems.dynamic_contract.model import Contract, Histories, Network, history_probabilities
from edgewise.systems.dynamic_contract.theory import check, complete, least_rewards

BISECTIONS = 12
"""Halvings of the way to a static menu; they find the part to 1/4096."""
GAP = 0.2
"""Between neighbouring types of a static menu, as a part of the whole range over the number of types."""


class Projected(NamedTuple):
    """A feasible menu near given rounds.

    Attributes:
        contract: the menu.
        pooled: part of the way that the rounds had to go towards a static menu, in [0, 1].
    """

    contract: Contract
    pooled: Float[Array, ""]


def project(network: Network, rounds: Histories) -> Projected:
    """The menu of the least rewards for these rounds, changed as little as it takes to be feasible.

    Rounds of the last period are first replaced by the nearest ones that do not fall with the type (isotonic regression).
    If no rewards make everyone tell the truth even so, all rounds move towards those of a static menu, their average over
    what was reported before, made to rise. Under a static menu truth is always possible, so a least part of the way exists;
    it is found by bisection. Rounds of a feasible menu with the rewards of Theorem 2 stay as they are.
    """
    wanted = (*rounds[:-1], nearest_monotone(rounds[-1]))
    static = static_rounds(network, wanted)

    def menu(part: Float[Array, ""]) -> Contract:
        mixed = tuple((1 - part) * own + part * common for own, common in zip(wanted, static, strict=True))
        return complete(network, mixed, least_rewards)

    def halve(bounds: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
        low, high = bounds
        middle = (low + high) / 2
        enough = check(network, menu(middle)).feasible()
        return (jnp.where(enough, low, middle), jnp.where(enough, middle, high)), None

    as_wanted = check(network, menu(jnp.zeros(()))).feasible()
    (_, part), _ = jax.lax.scan(halve, (jnp.zeros(()), jnp.ones(())), None, BISECTIONS)
    part = jnp.where(as_wanted, 0.0, part)
    return Projected(menu(part), part)


def nearest_monotone(values: Float[Array, "*h k"]) -> Float[Array, "*h k"]:
    """The nearest sequence along the last axis that does not fall: max over i <= j of min over l >= j of mean(i..l)."""
    size = values.shape[-1]
    total = jnp.concatenate([jnp.zeros_like(values[..., :1]), jnp.cumsum(values, axis=-1)], axis=-1)
    first, last = jnp.arange(size)[:, None], jnp.arange(size)[None, :]
    means = (total[..., None, 1:] - total[..., :-1, None]) / jnp.maximum(last - first + 1, 1)
    means = jnp.where(last >= first, means, jnp.inf)
    least = jnp.flip(jax.lax.cummin(jnp.flip(means, -1), axis=means.ndim - 1), -1)
    return jnp.where(last >= first, least, -jnp.inf).max(axis=-2)


def static_rounds(network: Network, rounds: Histories) -> Histories:
    """Rounds averaged over what was reported before, made to rise with the type; same shapes.

    In all periods but the last they rise by a gap at least: truth there is then worth something, and stays best when the
    later items are not quite the same for everyone.
    """
    averages = [rounds[0]]
    for probability, own in zip(history_probabilities(network), rounds[1:], strict=False):
        averages.append((probability[..., None] * own).sum(axis=tuple(range(probability.ndim))))
    top, kinds = network.hardware.max_rounds, network.kinds
    ramp = jnp.arange(kinds) * (GAP * top / kinds)
    apart = [jnp.clip(nearest_monotone(average - ramp), 0.0, top - ramp[-1]) + ramp for average in averages[:-1]]
    return tuple(
        jnp.broadcast_to(values, own.shape)
        for values, own in zip((*apart, nearest_monotone(averages[-1])), rounds, strict=True)
    )
