"""Closed-form processor shares for a fixed assignment: problem (22a) with (22b) of the CGDM paper.

An RSU's vehicles split its processor: alpha_v > 0 and sum alpha = 1 on every RSU in use.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from edgewise.systems.agent_migration.decision import shares

BISECTIONS = 40  # each halves the interval: beyond the 24 bits of float32, whatever its length


def optimal_shares(work: Float[Array, " v"], serving: Int[Array, " v"], rsus: int) -> Float[Array, " v"]:
    """Shares that minimise sum_v w_v / alpha_v on every RSU: alpha_v = sqrt(w_v) / sum_j sqrt(w_j).

    Args:
        work: w_v > 0, seconds of the whole processor that each vehicle asks for.
        serving: RSU that serves each vehicle.
        rsus: number of RSUs S.

    Returns:
        alpha [V], adds up to 1 on every RSU in use.
    """
    return shares(jnp.sqrt(work), serving, rsus)


def optimal_time(work: Float[Array, " v"], serving: Int[Array, " v"], rsus: int) -> Float[Array, " s"]:
    """Least sum over the vehicles of each RSU of w_v / alpha_v, which is (sum_v sqrt(w_v))^2.

    Args:
        work: w_v >= 0, s.
        serving: RSU that serves each vehicle.
        rsus: number of RSUs S.

    Returns:
        Seconds per RSU [S], 0 for one without vehicles.
    """
    return _totals(jnp.sqrt(work), serving, rsus) ** 2


def optimal_shares_migrating(
    deployment: Float[Array, " v"],
    processing: Float[Array, " v"],
    migration: Float[Array, " v"],
    serving: Int[Array, " v"],
    rsus: int,
) -> Float[Array, " v"]:
    """Shares that minimise sum_v a_v / alpha_v + max(b_v / alpha_v, m_v) on every RSU.

    The problem is convex with a kink at alpha = b / m. Its optimality conditions give
    alpha_v(nu) = clip(b_v / m_v, sqrt(a_v / nu), sqrt((a_v + b_v) / nu)), and bisection finds the multiplier nu with
    which the shares of an RSU add up to 1. Where no nu does (nothing to deploy, and every migration outlasts its
    processing with processor to spare) every split that covers the kinks is optimal, and the rest is spread in
    proportion.

    Args:
        deployment: a_v >= 0, seconds of the whole processor for deploying a missing agent.
        processing: b_v > 0, seconds of the whole processor for the slot's data.
        migration: m_v >= 0, T_mig in s.
        serving: RSU that serves each vehicle.
        rsus: number of RSUs S.

    Returns:
        alpha [V], adds up to 1 on every RSU in use.
    """
    kink = jnp.where(migration > 0, processing / jnp.where(migration > 0, migration, 1.0), jnp.inf)
    low, high = jnp.sqrt(deployment), jnp.sqrt(deployment + processing)

    def split(reach: Float[Array, " s"]) -> Float[Array, " v"]:
        each = reach[serving]
        return jnp.clip(kink, low * each, high * each)

    # reach = nu^(-1/2): every share grows with it, from sum <= 1 at the first bound to sum >= 1 (if ever) at the second
    members = serving[:, None] == jnp.arange(rsus)
    least = jnp.min(jnp.where(members, high[:, None], jnp.inf), 0)
    used = members.any(0)
    total_low, total_high = _totals(low, serving, rsus), _totals(high, serving, rsus)
    start = jnp.where(used, 1 / jnp.where(used, total_high, 1.0), 0.0)
    deploys = total_low > 0
    end = jnp.maximum(
        jnp.where(used, 1 / jnp.where(used, least, 1.0), 0.0),
        jnp.where(deploys, 1 / jnp.where(deploys, total_low, 1.0), 0.0),
    )

    def halve(_: Int[Array, ""], bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        below, above = bounds
        middle = (below + above) / 2
        enough = _totals(split(middle), serving, rsus) >= 1
        return jnp.where(enough, below, middle), jnp.where(enough, middle, above)

    _, reach = jax.lax.fori_loop(0, BISECTIONS, halve, (start, end))
    return shares(split(reach), serving, rsus)


def _totals(values: Float[Array, " v"], serving: Int[Array, " v"], rsus: int) -> Float[Array, " s"]:
    return jnp.where(serving[:, None] == jnp.arange(rsus), values[:, None], 0.0).sum(0)
