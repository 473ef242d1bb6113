"""How units stand with users, slot by slot: equations (10) to (21) of the CGDM paper put together."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from edgewise.systems.agent_migration import trust
from edgewise.systems.agent_migration.host_records import record_in
from edgewise.systems.agent_migration.parameters import Parameters


class Standing(eqx.Module):
    """What reputations are made of.

    Attributes:
        positive, negative: evaluations p_{u,s}, q_{u,s} so far.
        window_latency, window_visits: total latency (s) and number of vehicle-slots of each unit in the last tau slots.
        reputation: B_{u,s}.
    """

    positive: Float[Array, "v s"]
    negative: Float[Array, "v s"]
    window_latency: Float[Array, "w s"]
    window_visits: Float[Array, "w s"]
    reputation: Float[Array, "v s"]


def begin(p: Parameters, vehicles: int, units: int, window: int, numbers: Any = jnp) -> Standing:
    """The standing of units of which nothing is known.

    Args:
        p: the system.
        vehicles: V, as many users.
        units: S.
        window: tau of (17), slots.
        numbers: see `host_records`.
    """
    kind = p.initial_reputation.dtype
    values = {
        "positive": numbers.zeros((vehicles, units), kind),
        "negative": numbers.zeros((vehicles, units), kind),
        "window_latency": numbers.zeros((window, units), kind),
        "window_visits": numbers.zeros((window, units), kind),
        "reputation": numbers.full((vehicles, units), p.initial_reputation),
    }
    return record_in(numbers, Standing, values)


def update(
    p: Parameters,
    standing: Standing,
    latency: Float[Array, " v"],
    served: Float[Array, "v s"],
    received: Float[Array, " s"],
    forwarded: Float[Array, " s"],
) -> Standing:
    """The standing after a slot.

    Args:
        p: the system.
        standing: before it.
        latency: T_tot of each vehicle, s.
        served: one-hot of the unit that served the vehicle; a row of zeros for one of which no latency is known.
        received: delivery ratio (15) of what each unit received.
        forwarded: that of what it forwarded.
    """
    content = (latency <= p.tolerance).astype(float)
    positive = trust.evaluate(standing.positive, p.forgetting, content, served)
    negative = trust.evaluate(standing.negative, p.forgetting, 1 - content, served)
    attitude = trust.posterior_mean(positive, negative, p.prior_positive, p.prior_negative)
    norm = trust.posterior_mean(trust.others(positive), trust.others(negative), p.prior_positive, p.prior_negative)

    reliability = trust.reliability(received, forwarded, p.reception_weight)
    window_latency = jnp.roll(standing.window_latency, 1, axis=0).at[0].set(latency @ served)
    window_visits = jnp.roll(standing.window_visits, 1, axis=0).at[0].set(served.sum(0))
    efficiency = trust.efficiency(window_latency.sum(0), window_visits.sum(0), p.tolerance)
    control = trust.perceived_control(reliability, efficiency, p.reliability_weight)
    latest = trust.intention(attitude, norm, control, p.trust_weights)
    reputation = trust.smooth(latest, standing.reputation, p.trust_rate)
    return Standing(positive, negative, window_latency, window_visits, reputation)
