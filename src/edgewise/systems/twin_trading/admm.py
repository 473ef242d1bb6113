"""The paper's ADMM algorithm for the equilibrium (MALPPO paper, section IV-C, Algorithm 1), with its slips corrected.

The penalty of (16) is subtracted from the utility that is maximised, the limit (6) counts only where it is exceeded, and the
outer loop runs while leaders' utilities still change (Algorithm 1's condition is the opposite).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from edgewise.common.errors import check_choice, check_integer, check_range
from edgewise.systems.twin_trading.equilibrium import MODES, Mode
from edgewise.systems.twin_trading.followers import in_precision
from edgewise.systems.twin_trading.market import (
    Market,
    delay_allowance,
    leader_utilities,
    pairing_probabilities,
    transmission,
)
from edgewise.systems.twin_trading.prices import frozen_best_prices, price_bounds
from edgewise.systems.twin_trading.profits import best_prices

NEWTON_STEPS = 12
"""Of one purchase; see `improve` for why they converge."""


@dataclass(frozen=True)
class AdmmConfig:
    """Options of the algorithm.

    Attributes:
        penalty: damping factor rho of (16) and (17), utility per s^2.
        inner_tolerance: largest change of a demand, and excess over the delay limit in s, at which the inner loop ends.
        inner_steps: most steps of the inner loop.
        outer_tolerance: Xi of (18), relative to the leaders' utilities.
        outer_rounds: most rounds of the outer loop.
    """

    penalty: float = 3.0
    inner_tolerance: float = 1e-9
    inner_steps: int = 2000
    outer_tolerance: float = 1e-9
    outer_rounds: int = 60

    def __post_init__(self) -> None:
        check_range("penalty", self.penalty, 0, open_low=True)
        check_range("inner_tolerance", self.inner_tolerance, 0, open_low=True)
        check_integer("inner_steps", self.inner_steps, 1)
        check_range("outer_tolerance", self.outer_tolerance, 0, open_low=True)
        check_integer("outer_rounds", self.outer_rounds, 1)


class AdmmEquilibrium(eqx.Module):
    """What the algorithm ends with.

    Attributes:
        prices, demands: of leaders and followers.
        multipliers: eta_i of the delay limit.
        residuals: change of the sum of leaders' utilities in each round, (18); not a number after the last.
        rounds: the rounds of the outer loop.
        inner_residual: largest change of a demand, or excess of a delay in s, in the last step of the last inner loop.
        converged: whether both loops ended by their tolerance.
    """

    prices: Float[Array, " m"]
    demands: Float[Array, "n m"]
    multipliers: Float[Array, " n"]
    residuals: Float[Array, " q"]
    rounds: Int[Array, ""]
    inner_residual: Float[Array, ""]
    converged: Bool[Array, ""]


def admm_equilibrium(market: Market, mode: Mode = "stackelberg", config: AdmmConfig = AdmmConfig()) -> AdmmEquilibrium:
    """Run Algorithm 1, computed in double precision and returned in the caller's; see `stackelberg_equilibrium`.

    Args:
        market: the instance.
        mode: whether leaders anticipate the followers' whole reaction, found by an inner loop at every trial price, or only the
            part that the paper's (15) has.
        config: options.

    Raises:
        ConfigurationError: for another mode.
    """
    check_choice("mode", mode, MODES)
    precision = jnp.result_type(float)
    with jax.enable_x64(True):
        return _solve(market, mode, config, precision)


class _Inner(NamedTuple):
    """State of the inner loop: demands, multipliers, steps, residual."""

    demands: Float[Array, "n m"]
    multipliers: Float[Array, " n"]
    steps: Int[Array, ""]
    residual: Float[Array, ""]


class _Outer(NamedTuple):
    """State of the outer loop: prices, followers' reaction, sum of leaders' utilities, its changes, rounds."""

    prices: Float[Array, " m"]
    inner: _Inner
    total: Float[Array, ""]
    residuals: Float[Array, " q"]
    rounds: Int[Array, ""]


@partial(jax.jit, static_argnums=(1, 2, 3))
def _solve(market: Market, mode: Mode, config: AdmmConfig, precision: np.dtype) -> AdmmEquilibrium:
    market = in_precision(market, jnp.float64)
    tolerance = config.outer_tolerance

    def total(prices: Float[Array, " m"], inner: _Inner) -> Float[Array, ""]:
        return leader_utilities(market, prices, inner.demands).sum()

    def moving(outer: _Outer) -> Bool[Array, ""]:
        last = outer.residuals[jnp.maximum(outer.rounds - 1, 0)]
        settled = (outer.rounds > 0) & (last <= tolerance * jnp.abs(outer.total))
        return ~settled & (outer.rounds < config.outer_rounds)

    def advance(outer: _Outer) -> _Outer:
        if mode == "paper":
            prices = frozen_best_prices(market, outer.prices, outer.inner.demands)
        else:
            prices, _ = best_prices(
                market, outer.prices, react=lambda p: follower_loop(market, p, outer.inner.demands, config).demands
            )
        inner = follower_loop(market, prices, outer.inner.demands, config)
        reached = total(prices, inner)
        residuals = outer.residuals.at[outer.rounds].set(jnp.abs(reached - outer.total))
        return _Outer(prices, inner, reached, residuals, outer.rounds + 1)

    prices = price_bounds(market)[1]
    start = jnp.maximum(market.satisfaction[:, None] - market.payment_scale * prices, 1.0)
    inner = follower_loop(market, prices, start / (2 * market.sensitivity[:, None]), config)
    unknown = jnp.full(config.outer_rounds, jnp.nan)
    end = jax.lax.while_loop(moving, advance, _Outer(prices, inner, total(prices, inner), unknown, jnp.zeros((), int)))
    settled = ~moving(end._replace(rounds=jnp.minimum(end.rounds, config.outer_rounds - 1)))
    solved = AdmmEquilibrium(
        prices=end.prices,
        demands=end.inner.demands,
        multipliers=end.inner.multipliers,
        residuals=end.residuals,
        rounds=end.rounds.astype(jnp.int32),
        inner_residual=end.inner.residual,
        converged=settled & (end.inner.residual <= config.inner_tolerance),
    )
    return in_precision(solved, precision)


def follower_loop(
    market: Market, prices: Float[Array, " m"], demands: Float[Array, "n m"], config: AdmmConfig
) -> _Inner:
    """The inner loop: followers in turn update each purchase by (16), then their multiplier by (17), until neither changes."""
    theta = pairing_probabilities(prices)
    n, m = demands.shape
    value = market.satisfaction[:, None] - market.payment_scale * prices
    if market.delay is None:
        time, allowance, present = jnp.zeros(n), jnp.ones(n), jnp.ones(n, bool)
    else:
        time, allowance = transmission(market.delay), delay_allowance(market.delay, prices)
        present = allowance > 0

    def purchase(pair: Int[Array, ""], state: tuple[Array, Array]) -> tuple[Array, Array]:
        demands, multipliers = state
        i, j = pair // m, pair % m
        pull = value[i, j] + market.social[i] @ demands[:, j]
        twice = 2 * market.sensitivity[i]
        if market.delay is None:
            chosen = jnp.maximum(pull, 0.0) / twice
        else:
            elsewhere = (theta * time[i] / demands[i]).sum() - theta[j] * time[i] / demands[i, j] - allowance[i]

            def improve(_: int | Int[Array, ""], b: Array) -> Array:
                """Newton on the slope of the augmented utility, which rises ever more slowly: from the left after one step."""
                late = elsewhere + theta[j] * time[i] / b
                pressure = multipliers[i] + config.penalty * late
                active = pressure > 0
                slope = twice * b - pull - jnp.where(active, pressure * time[i] / b**2, 0.0)
                rise = pressure * 2 * time[i] / b**3 + config.penalty * theta[j] * time[i] ** 2 / b**4
                return jnp.maximum(b - slope / (twice + jnp.where(active, rise, 0.0)), b / 8)

            chosen = jax.lax.fori_loop(0, NEWTON_STEPS, improve, demands[i, j])
        return demands.at[i, j].set(jnp.where(present[i], chosen, demands[i, j])), multipliers

    def follower(i: Int[Array, ""], state: tuple[Array, Array]) -> tuple[Array, Array]:
        demands, multipliers = jax.lax.fori_loop(i * m, (i + 1) * m, purchase, state)
        if market.delay is None:
            return demands, multipliers
        late = (time[i] / demands[i]) @ theta - allowance[i]
        return demands, multipliers.at[i].set(jnp.maximum(multipliers[i] + config.penalty * late, 0.0) * present[i])

    def advance(inner: _Inner) -> _Inner:
        demands, multipliers = jax.lax.fori_loop(0, n, follower, (inner.demands, inner.multipliers))
        change = jnp.abs(demands - inner.demands).max()
        change = jnp.maximum(change, jnp.abs(multipliers - inner.multipliers).max() / config.penalty)
        return _Inner(demands, multipliers, inner.steps + 1, change)

    start = jnp.where(present[:, None], jnp.maximum(demands, 1e-3), 0.0) if market.delay is not None else demands
    begin = _Inner(start, jnp.zeros(n), jnp.zeros((), int), jnp.asarray(jnp.inf))
    end = jax.lax.while_loop(
        lambda s: (s.residual > config.inner_tolerance) & (s.steps < config.inner_steps), advance, begin
    )
    return end
