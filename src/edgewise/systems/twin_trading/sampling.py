"""Markets drawn from the paper's distributions (MALPPO paper, section VI-A)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.common.errors import check_range
from edgewise.systems.twin_trading.configuration import TwinTradingConfig
from edgewise.systems.twin_trading.market import Delay, Market, check_market, rate_per_bandwidth

QUEUE_MARGIN = 5.0
"""Least excess of a service rate over the arrival rate, tasks per s: a queue must not grow for ever."""
QUEUE_DRAWS = 16
"""Service rates that are drawn, of which the first that is large enough counts."""


@dataclass(frozen=True)
class MarketDistribution:
    """What markets are drawn from; defaults are the paper's, but for the two scales, which it does not state.

    A normal quantity is (mean, standard deviation, lowest value).

    Attributes:
        satisfaction: alpha, normal.
        sensitivity: beta, normal.
        social: w, normal.
        cost: c, normal, per unit of 1e7 Hz.
        price_cap: p^max.
        payment_scale: kappa.
        leader_scale: the leader scale of leaders' utilities.
        data_mbyte: D, uniform, MB.
        cycles: L, normal, cycles.
        deadline_s: K, uniform, s.
        cpu_hz: f, normal, cycles per s.
        arrival_rate: lambda, normal, tasks per s.
        service_rate: mu, normal, tasks per s; drawn again until it exceeds lambda by 5.
        power_dbm: transmitter power rho, dBm.
        gain_db: channel gain h at 1 m, dB.
        distance_m: d, m.
        path_loss_exponent: eps.
        noise_dbm: noise power N_0, dBm.
        with_delay: whether the delay limit (6) is part of the market.
    """

    satisfaction: tuple[float, float, float] = (30.0, 1.0, 0.1)
    sensitivity: tuple[float, float, float] = (30.0, 1.0, 0.1)
    social: tuple[float, float, float] = (5.0, 1.0, 0.0)
    cost: tuple[float, float, float] = (0.1, 0.05, 0.01)
    price_cap: float = 1.5
    payment_scale: float = 15.0
    leader_scale: float = 100.0
    data_mbyte: tuple[float, float] = (10.0, 50.0)
    cycles: tuple[float, float, float] = (5e9, 5e8, 1e8)
    deadline_s: tuple[float, float] = (2.0, 4.0)
    cpu_hz: tuple[float, float, float] = (15e9, 5e9, 1e9)
    arrival_rate: tuple[float, float, float] = (450.0, 20.0, 1.0)
    service_rate: tuple[float, float, float] = (500.0, 20.0, 1.0)
    power_dbm: float = 40.0
    gain_db: float = -20.0
    distance_m: float = 500.0
    path_loss_exponent: float = 2.0
    noise_dbm: float = -150.0
    with_delay: bool = True

    def __post_init__(self) -> None:
        for field in (
            "satisfaction",
            "sensitivity",
            "social",
            "cost",
            "cycles",
            "cpu_hz",
            "arrival_rate",
            "service_rate",
        ):
            mean, deviation, lowest = getattr(self, field)
            check_range(f"{field} mean", mean, 0)
            check_range(f"{field} standard deviation", deviation, 0)
            check_range(f"{field} lowest value", lowest, 0, open_low=field not in ("social", "cost"))
        for field in ("data_mbyte", "deadline_s"):
            low, high = getattr(self, field)
            check_range(f"{field} low", low, 0, open_low=True)
            check_range(f"{field} high", high, low)
        for field in ("price_cap", "payment_scale", "leader_scale", "distance_m"):
            check_range(field, getattr(self, field), 0, open_low=True)
        for field in ("power_dbm", "gain_db", "path_loss_exponent", "noise_dbm"):
            check_range(field, getattr(self, field))


def draw_market(
    key: PRNGKeyArray, followers: int, leaders: int, distribution: MarketDistribution = MarketDistribution()
) -> Market:
    """Draw a market; the same one in every precision.

    Args:
        key: the key of the instance.
        followers: N.
        leaders: M.
        distribution: the distribution of its numbers.
    """
    return _draw(key, followers, leaders, distribution)


def configured_market(config: TwinTradingConfig) -> Market:
    """The market of `config.instance_seed`, with the given numbers in place of drawn ones; the others stay what they are.

    Raises:
        ConfigurationError: for a given number that the equations cannot take.
    """
    distribution = MarketDistribution(with_delay=config.with_delay)
    market = draw_market(jax.random.key(config.instance_seed), config.followers, config.leaders, distribution)
    if not config.given:
        return market
    given: dict[str, Any] = {
        name: jnp.broadcast_to(jnp.asarray(value, float), getattr(market, name).shape)
        for name, value in config.given.items()
    }
    if "social" in given:
        given["social"] = given["social"] * (1 - jnp.eye(config.followers))
    return check_market(dataclasses.replace(market, **given))


@partial(jax.jit, static_argnums=(1, 2, 3))
def _draw(key: PRNGKeyArray, followers: int, leaders: int, d: MarketDistribution) -> Market:
    keys = iter(jax.random.split(key, 10))

    def normal(parameters: tuple[float, float, float], *shape: int) -> Float[Array, "*shape"]:
        mean, deviation, lowest = parameters
        low = (lowest - mean) / deviation if deviation else -jnp.inf
        drawn = jax.random.truncated_normal(next(keys), low, jnp.inf, shape, jnp.float32)
        return jnp.maximum(mean + deviation * drawn, lowest)

    def uniform(bounds: tuple[float, float]) -> Float[Array, " n"]:
        return jax.random.uniform(next(keys), (followers,), jnp.float32, *bounds)

    satisfaction, sensitivity = normal(d.satisfaction, followers), normal(d.sensitivity, followers)
    upper = jnp.triu(normal(d.social, followers, followers), 1)
    cost = jnp.minimum(normal(d.cost, leaders), d.price_cap)
    delay = None
    if d.with_delay:
        arrival = normal(d.arrival_rate, leaders)
        delay = Delay(
            data_bits=8e6 * uniform(d.data_mbyte),
            cycles=normal(d.cycles, followers),
            deadline_s=uniform(d.deadline_s),
            cpu_hz=normal(d.cpu_hz, leaders),
            arrival_rate=arrival,
            service_rate=_above(arrival + QUEUE_MARGIN, normal(d.service_rate, QUEUE_DRAWS, leaders)),
            rate_per_bandwidth=jnp.asarray(
                rate_per_bandwidth(d.power_dbm, d.gain_db, d.distance_m, d.path_loss_exponent, d.noise_dbm), jnp.float32
            ),
        )
    return Market(
        satisfaction=satisfaction,
        sensitivity=sensitivity,
        social=upper + upper.T,
        cost=cost,
        price_cap=jnp.asarray(d.price_cap, jnp.float32),
        payment_scale=jnp.asarray(d.payment_scale, jnp.float32),
        leader_scale=jnp.asarray(d.leader_scale, jnp.float32),
        delay=delay,
    )


def _above(lowest: Float[Array, " m"], draws: Float[Array, "k m"]) -> Float[Array, " m"]:
    """The first draw above the lowest value, for each leader; the lowest value itself if there is none."""
    good = draws > lowest
    first = jnp.take_along_axis(draws, jnp.argmax(good, axis=0)[None], axis=0)[0]
    return jnp.where(good.any(axis=0), first, lowest)
