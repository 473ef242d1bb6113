"""The bandwidth market and its players' utilities (MALPPO paper, section III).

M providers of resources (MRPs) sell bandwidth and lead by setting prices; N service providers (MSPs) buy it to migrate
vehicular twins and follow. Bandwidth is measured in 1e7 Hz, time in s, data in bit.
"""

from __future__ import annotations

from dataclasses import fields

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from edgewise.common.errors import ConfigurationError, check_range

BANDWIDTH_UNIT_HZ = 1e7
"""Bandwidth is sold in units of 10 MHz."""


class Delay(eqx.Module):
    """What decides how long a migration takes.

    Attributes:
        data_bits: D_i, size of a follower's twin, bit.
        cycles: L_i, work of setting the twin up again, CPU cycles.
        deadline_s: K_i, longest expected delay that a follower tolerates, s.
        cpu_hz: f_j, speed of a leader's server, cycles per s.
        arrival_rate, service_rate: lambda_j and mu_j of a leader's queue, tasks per s.
        rate_per_bandwidth: r_0, bit per s for each unit of bandwidth.
    """

    data_bits: Float[Array, " n"]
    cycles: Float[Array, " n"]
    deadline_s: Float[Array, " n"]
    cpu_hz: Float[Array, " m"]
    arrival_rate: Float[Array, " m"]
    service_rate: Float[Array, " m"]
    rate_per_bandwidth: Float[Array, ""]


class Market(eqx.Module):
    """An instance of the game.

    Attributes:
        satisfaction: alpha_i, value of the first unit of bandwidth.
        sensitivity: beta_i, how fast the value of further units falls.
        social: w_ik, what follower i gains per unit that both i and k buy; symmetric, zero diagonal.
        cost: c_j, a leader's cost per unit sold.
        price_cap: p^max.
        payment_scale: kappa, follower's utility per unit of money; the paper does not state it.
        leader_scale: leader's utility per unit of money; the paper does not state it.
        delay: the delay of migrations. If None, constraint (6) is left out.
    """

    satisfaction: Float[Array, " n"]
    sensitivity: Float[Array, " n"]
    social: Float[Array, "n n"]
    cost: Float[Array, " m"]
    price_cap: Float[Array, ""]
    payment_scale: Float[Array, ""]
    leader_scale: Float[Array, ""]
    delay: Delay | None = None

    @property
    def followers(self) -> int:
        return self.satisfaction.shape[-1]

    @property
    def leaders(self) -> int:
        return self.cost.shape[-1]


def pairing_probabilities(prices: Float[Array, " m"]) -> Float[Array, " m"]:
    """theta_j: a follower meets leader j in proportion to 1 / p_j."""
    inverse = 1 / prices
    return inverse / inverse.sum()


def follower_utilities(market: Market, prices: Float[Array, " m"], demands: Float[Array, "n m"]) -> Float[Array, " n"]:
    """Equation (1): expected satisfaction and social benefit less the payment."""
    satisfaction = market.satisfaction[:, None] * demands - market.sensitivity[:, None] * demands**2
    social = demands * (market.social @ demands)
    payment = market.payment_scale * prices * demands
    return (satisfaction + social - payment) @ pairing_probabilities(prices)


def leader_utilities(market: Market, prices: Float[Array, " m"], demands: Float[Array, "n m"]) -> Float[Array, " m"]:
    """Equation (2): expected profit."""
    return market.leader_scale * pairing_probabilities(prices) * (prices - market.cost) * demands.sum(axis=0)


def welfare(market: Market, prices: Float[Array, " m"], demands: Float[Array, "n m"]) -> Float[Array, ""]:
    """Sum of all utilities, the leaders' in their scaled unit (Fig. 5)."""
    return follower_utilities(market, prices, demands).sum() + leader_utilities(market, prices, demands).sum()


def fixed_delay(delay: Delay) -> Float[Array, "n m"]:
    """Delay that bandwidth does not change, s: waiting in the M/M/1 queue, and setting the twin up again."""
    queue = delay.arrival_rate / (delay.service_rate * (delay.service_rate - delay.arrival_rate))
    return queue + delay.cycles[:, None] / delay.cpu_hz


def transmission(delay: Delay) -> Float[Array, " n"]:
    """D_i / r_0: seconds that a follower's transmission takes with one unit of bandwidth."""
    return delay.data_bits / delay.rate_per_bandwidth


def migration_delay(delay: Delay, demands: Float[Array, "n m"]) -> Float[Array, "n m"]:
    """T_ij, s: transmission, queue and setting up (section III-B); infinite without bandwidth."""
    return transmission(delay)[:, None] / demands + fixed_delay(delay)


def expected_delay(delay: Delay, prices: Float[Array, " m"], demands: Float[Array, "n m"]) -> Float[Array, " n"]:
    """Left-hand side of constraint (6), s."""
    return migration_delay(delay, demands) @ pairing_probabilities(prices)


def delay_allowance(delay: Delay, prices: Float[Array, " m"]) -> Float[Array, " n"]:
    """What constraint (6) leaves for transmission, s; not positive where no bandwidth can meet it."""
    return delay.deadline_s - fixed_delay(delay) @ pairing_probabilities(prices)


def deadline_met(market: Market, prices: Float[Array, " m"], demands: Float[Array, "n m"]) -> Bool[Array, " n"]:
    """Constraint (6) for every follower."""
    if market.delay is None:
        return jnp.ones(market.followers, bool)
    return expected_delay(market.delay, prices, demands) <= market.delay.deadline_s


def rate_per_bandwidth(
    power_dbm: float, gain_db: float, distance_m: float, path_loss_exponent: float, noise_dbm: float
) -> float:
    """r_0 = 1e7 log2(1 + rho h d^-eps / N_0), bit per s for each unit of 1e7 Hz.

    Args:
        power_dbm: transmitter power rho, dBm.
        gain_db: channel gain at 1 m, h, dB.
        distance_m: d, m.
        path_loss_exponent: eps.
        noise_dbm: noise power N_0, dBm.
    """
    ratio_db = power_dbm + gain_db - noise_dbm - 10 * path_loss_exponent * np.log10(distance_m)
    return float(BANDWIDTH_UNIT_HZ * np.log2(1 + 10 ** (ratio_db / 10)))


def check_market(market: Market) -> Market:
    """Require what the equations need: concave utilities, symmetric ties, prices that can be set, queues that do not overflow.

    Returns:
        The market.

    Raises:
        ConfigurationError: naming the first field that fails.
    """
    for field in ("satisfaction", "sensitivity", "price_cap", "payment_scale", "leader_scale"):
        check_range(field, np.asarray(getattr(market, field)).tolist(), 0, open_low=True)
    social, cost, price_cap = np.asarray(market.social), np.asarray(market.cost), float(market.price_cap)
    check_range("social", social.tolist(), 0)
    for i, k in np.argwhere(social != social.T):
        allowed = f"social[{k}][{i}] = {social[k, i]:g}: ties are mutual"
        raise ConfigurationError(f"social[{i}][{k}]", float(social[i, k]), allowed)
    for i in np.flatnonzero(np.diag(social)):
        raise ConfigurationError(f"social[{i}][{i}]", float(social[i, i]), "0: nobody is tied to themselves")
    check_range("cost", cost.tolist(), 0)
    if cost.max() > price_cap:
        raise ConfigurationError("price_cap", price_cap, f"at least the largest cost, {cost.max():g}")
    if market.delay is not None:
        _check_delay(market.delay)
    return market


def _check_delay(delay: Delay) -> None:
    for field in fields(Delay):
        check_range(f"delay.{field.name}", np.asarray(getattr(delay, field.name)).tolist(), 0, open_low=True)
    arrival, service = np.asarray(delay.arrival_rate), np.asarray(delay.service_rate)
    for j in np.flatnonzero(service <= arrival):
        allowed = f"more than delay.arrival_rate[{j}] = {arrival[j]:g}, or the queue grows for ever"
        raise ConfigurationError(f"delay.service_rate[{j}]", float(service[j]), allowed)
