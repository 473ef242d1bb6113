"""Trust of users in road-side units by the theory of planned behaviour: equations (10) to (21) of the CGDM paper.

Users and vehicles are the same index. Counts are [users, RSUs].
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float


def evaluate(
    counts: Float[Array, "v s"],
    forgetting: Float[Array, ""],
    outcome: Float[Array, " v"],
    served_by: Float[Array, "v s"],
) -> Float[Array, "v s"]:
    """Add one evaluation per user to a table of counts (the p or q of (11)).

    Args:
        counts: accumulated evaluations of one sign.
        forgetting: omega in (0, 1]; 1 keeps every evaluation for ever.
        outcome: 1 where the user gives an evaluation of this sign, else 0.
        served_by: one-hot of the RSU that served the user.
    """
    return forgetting * counts + outcome[:, None] * served_by


def posterior_mean(
    positive: Float[Array, "*shape"],
    negative: Float[Array, "*shape"],
    prior_positive: Float[Array, ""],
    prior_negative: Float[Array, ""],
) -> Float[Array, "*shape"]:
    """Mean of the Beta posterior of a positive evaluation: attitude (12) and subjective norm (14)."""
    return (prior_positive + positive) / (prior_positive + prior_negative + positive + negative)


def others(counts: Float[Array, "v s"]) -> Float[Array, "v s"]:
    """Evaluations of an RSU by everybody but the user: the counts p_{-u,s}, q_{-u,s} of (13)."""
    return counts.sum(0, keepdims=True) - counts


def failed_packets(sent: Float[Array, "*s"], loss: Float[Array, "*s"], noise: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """Packets lost out of `sent`: the normal approximation of a binomial count, rounded half to even and clipped.

    Args:
        sent: number of packets.
        loss: probability of losing one.
        noise: standard normal draw.
    """
    count = jnp.round(sent * loss + jnp.sqrt(sent * loss * (1 - loss)) * noise)
    return jnp.clip(count, 0.0, sent)


def delivery_ratio(sent: Float[Array, "*s"], failed: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """(received - lost) / (received + lost) in [-1, 1]: equation (15)."""
    return (sent - 2 * failed) / sent


def reliability(
    reception: Float[Array, "*s"], forwarding: Float[Array, "*s"], reception_weight: Float[Array, ""]
) -> Float[Array, "*s"]:
    """Weighted mean of the two delivery ratios: equation (16)."""
    return reception_weight * reception + (1 - reception_weight) * forwarding


def efficiency(
    latency_sum: Float[Array, " s"], visits: Float[Array, " s"], tolerance: Float[Array, " v"]
) -> Float[Array, "v s"]:
    """Migration efficiency M of each RSU for each user: equations (17) and (18).

    Args:
        latency_sum: total latency of the vehicle-slots served in the window, s.
        visits: number of those vehicle-slots; an RSU with none gets the neutral value 0.5.
        tolerance: T_max of each user, s.
    """
    mean = latency_sum / jnp.maximum(visits, 1.0)
    score = jnp.maximum(0.0, 1 - mean[None, :] / tolerance[:, None])
    return jnp.where(visits[None, :] > 0, score, 0.5)


def perceived_control(
    reliability: Float[Array, " s"], efficiency: Float[Array, "v s"], reliability_weight: Float[Array, ""]
) -> Float[Array, "v s"]:
    """Perceived behavioural control P: equation (19)."""
    return reliability_weight * reliability[None, :] + (1 - reliability_weight) * efficiency


def intention(
    attitude: Float[Array, "v s"],
    norm: Float[Array, "v s"],
    control: Float[Array, "v s"],
    weights: Float[Array, " 3"],
) -> Float[Array, "v s"]:
    """Instantaneous reputation: equation (20), weights (zeta_A, zeta_S, zeta_P)."""
    return weights[0] * attitude + weights[1] * norm + weights[2] * control


def smooth(new: Float[Array, "v s"], old: Float[Array, "v s"], rate: Float[Array, ""]) -> Float[Array, "v s"]:
    """Reputation after the slot: equation (21), xi = `rate` on the latest value."""
    return rate * new + (1 - rate) * old
