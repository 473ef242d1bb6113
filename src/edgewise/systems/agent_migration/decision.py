"""The hybrid decision, read from one continuous vector (the paper's action space, section IV-A)."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int


class Decision(eqx.Module):
    """What is decided in one slot.

    Attributes:
        target: RSU to which each vehicle's agent is pre-migrated [V].
        share: fraction of the serving RSU's processor for each vehicle [V]; adds up to 1 on every RSU in use (22b).
        defence: RSUs that run a moving target defence [S].
    """

    target: Int[Array, " v"]
    share: Float[Array, " v"]
    defence: Bool[Array, " s"]


def shares(weights: Float[Array, " v"], serving: Int[Array, " v"], rsus: int) -> Float[Array, " v"]:
    """Normalise positive weights over the vehicles of each RSU.

    Args:
        weights: positive weight of each vehicle.
        serving: RSU that serves it.
        rsus: number of RSUs.
    """
    one_hot = serving[:, None] == jnp.arange(rsus)
    totals = jnp.sum(jnp.where(one_hot, weights[:, None], 0.0), 0)
    return weights / totals[serving]


def decode(action: Float[Array, " a"], serving: Int[Array, " v"], rsus: int, sharpness: Float[Array, ""]) -> Decision:
    """Read a decision from a vector in [-1, 1]^(V S + V + S).

    The first V S entries score the targets of each vehicle (the highest wins, ties go to the lowest index), the next V
    weigh the processor shares by exp(kappa_alpha x), the last S switch the defence on where positive.

    Args:
        action: the vector.
        serving: RSU that serves each vehicle.
        rsus: number of RSUs S.
        sharpness: kappa_alpha.
    """
    vehicles = serving.shape[0]
    scores, weights, defence = jnp.split(action, [vehicles * rsus, vehicles * rsus + vehicles])
    return Decision(
        target=jnp.argmax(scores.reshape(vehicles, rsus), axis=1),
        share=shares(jnp.exp(sharpness * weights), serving, rsus),
        defence=defence > 0,
    )


def encode(
    target: Int[Array, " v"],
    share: Float[Array, " v"],
    defence: Bool[Array, " s"],
    rsus: int,
    sharpness: Float[Array, ""],
    serving: Int[Array, " v"],
) -> Float[Array, " a"]:
    """The vector that `decode` reads as the given decision; shares are met as far as [-1, 1] reaches.

    Weights are centred on each RSU's own range, so that the ratio of two shares is met up to exp(2 kappa_alpha).
    """
    one_hot = target[:, None] == jnp.arange(rsus)
    logs = jnp.log(jnp.maximum(share, np.finfo(share.dtype).tiny))
    group = serving[:, None] == jnp.arange(rsus)
    highest = jnp.max(jnp.where(group, logs[:, None], -jnp.inf), 0)[serving]
    lowest = jnp.min(jnp.where(group, logs[:, None], jnp.inf), 0)[serving]
    weights = jnp.clip((logs - (highest + lowest) / 2) / sharpness, -1.0, 1.0)
    return jnp.concatenate([jnp.where(one_hot, 1.0, -1.0).reshape(-1), weights, jnp.where(defence, 1.0, -1.0)])
