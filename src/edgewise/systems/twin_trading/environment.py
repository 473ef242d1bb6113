"""The twin-trading environment: agents that see past trade alone, slot after slot in one market (MALPPO paper, section V-A)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from edgewise.environments.game import Answer, Game, GameStep, Observations
from edgewise.environments.spaces import Box, Space
from edgewise.numerics.linear import solve
from edgewise.systems.twin_trading.configuration import TwinTradingConfig
from edgewise.systems.twin_trading.distances import distances, exploitability
from edgewise.systems.twin_trading.equilibrium import StackelbergEquilibrium
from edgewise.systems.twin_trading.followers import interaction
from edgewise.systems.twin_trading.market import (
    Market,
    deadline_met,
    delay_allowance,
    follower_utilities,
    leader_utilities,
    transmission,
)
from edgewise.systems.twin_trading.prices import price_bounds
from edgewise.systems.twin_trading.sampling import configured_market

MIDDLE_RATE = 500.0
"""Rate of a queue, tasks per s, that agents see as one half."""


class TwinTradingState(eqx.Module):
    """Past trade, oldest slot first, and prices of the slot that is under way.

    Attributes:
        past_prices: the past prices of the last L slots.
        past_demands: the past demands of the last L slots, 1e7 Hz.
        prices: announced for this slot; zeros before.
        slot: slots done.
    """

    past_prices: Float[Array, "l m"]
    past_demands: Float[Array, "l n m"]
    prices: Float[Array, " m"]
    slot: Int[Array, ""]


class TwinTrading(Game[TwinTradingState]):
    """Leaders set prices, followers buy, everyone is paid (19), (20); then the next slot.

    Actions lie in [0, 1]: 0 is the lowest price, the own cost, and 1 the price cap; for a follower and each leader, 0 buys
    nothing and 1 buys `largest_demand`. Observations lie in [0, 1], prices in units of the cap, demands of `largest_demand`.

    Attributes:
        market: the instance.
        largest_demand: most that a follower can buy from one leader, 1e7 Hz.
        equilibrium: to measure trade against; with one, `info` and `gains` hold distances and what could be gained.
        config: sizes and options.
    """

    market: Market
    largest_demand: Float[Array, ""]
    equilibrium: StackelbergEquilibrium | None
    config: TwinTradingConfig = eqx.field(static=True)

    def __init__(
        self,
        config: TwinTradingConfig,
        market: Market | None = None,
        equilibrium: StackelbergEquilibrium | None = None,
    ) -> None:
        """Build the system.

        Args:
            config: sizes and options.
            market: the market. If None, the one that `config` describes.
            equilibrium: the equilibrium of the market, to measure trade against.
        """
        market = configured_market(config) if market is None else market
        self.market = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=float), market)
        self.largest_demand = config.demand_margin * largest_wish(self.market)
        self.equilibrium = equilibrium
        self.config = config

    @property
    def leaders(self) -> tuple[str, ...]:
        """Ids of the leaders."""
        return tuple(f"leader_{j}" for j in range(self.market.leaders))

    @property
    def followers(self) -> tuple[str, ...]:
        """Ids of the followers."""
        return tuple(f"follower_{i}" for i in range(self.market.followers))

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        """Leaders, then followers; or all at once, if followers do not see prices."""
        if self.config.followers_see_price:
            return self.leaders, self.followers
        return ((*self.leaders, *self.followers),)

    @property
    def observation_spaces(self) -> dict[str, Space]:
        """See `observe`."""
        n, m, length = self.market.followers, self.market.leaders, self.config.history
        leader = length * (m + n * m) + 2
        follower = length * (m + (n - 1) * m) + m * self.config.followers_see_price
        sizes = dict.fromkeys(self.leaders, leader) | dict.fromkeys(self.followers, follower)
        return {agent: _unit_box(size) for agent, size in sizes.items()}

    @property
    def action_spaces(self) -> dict[str, Space]:
        """A leader's price; a follower's demand from each leader."""
        sizes = dict.fromkeys(self.leaders, 1) | dict.fromkeys(self.followers, self.market.leaders)
        return {agent: _unit_box(size) for agent, size in sizes.items()}

    @property
    def horizon(self) -> int:
        return self.config.slots

    def reset(self, key: PRNGKeyArray) -> tuple[TwinTradingState, Observations]:
        """A history drawn at random, as in the paper, and no prices yet."""
        n, m, length = self.market.followers, self.market.leaders, self.config.history
        price_key, demand_key = jax.random.split(key)
        prices = self.price_of(jax.random.uniform(price_key, (length, m), float))
        demands = self.largest_demand * jax.random.uniform(demand_key, (length, n, m), float)
        state = TwinTradingState(prices, demands, jnp.zeros(m), jnp.zeros((), jnp.int32))
        return state, self.observe(state)

    def move(
        self, key: PRNGKeyArray, state: TwinTradingState, stage: int, actions: Mapping[str, Any]
    ) -> tuple[TwinTradingState, GameStep]:
        """Announce prices, or buy at those announced and close the slot."""
        if self.config.followers_see_price and stage == 0:
            announced = TwinTradingState(state.past_prices, state.past_demands, self._prices(actions), state.slot)
            return announced, self._announcement(announced)
        prices = state.prices if self.config.followers_see_price else self._prices(actions)
        return self.trade(state, prices, self._demands(actions))

    def trade(
        self, state: TwinTradingState, prices: Float[Array, " m"], demands: Float[Array, "n m"]
    ) -> tuple[TwinTradingState, GameStep]:
        """Close a slot with prices and demands in their own units."""
        length = self.config.history
        following = TwinTradingState(
            past_prices=jnp.concatenate([state.past_prices, prices[None]])[1 : length + 1],
            past_demands=jnp.concatenate([state.past_demands, demands[None]])[1 : length + 1],
            prices=jnp.zeros_like(prices),
            slot=state.slot + 1,
        )
        sellers = leader_utilities(self.market, prices, demands)
        buyers = follower_utilities(self.market, prices, demands)
        met = deadline_met(self.market, prices, demands)
        step = GameStep(
            observations=self.observe(following),
            rewards=self._by_agent(sellers, jnp.where(met, buyers, 0.0)),
            terminated=jnp.zeros((), bool),
            truncated=following.slot >= self.config.slots,
            info=self._metrics(prices, demands, sellers, buyers, met),
        )
        return following, step

    def gains(self, state: TwinTradingState, answer: Answer[TwinTradingState]) -> dict[str, Array]:
        """Each agent's `exploitability` in the next slot, percent, the largest of them, and the largest `gain_by_lateness`."""
        if self.equilibrium is None:
            return {}
        prices = self._prices(answer(0, state))
        stage = len(self.stages) - 1

        def react(prices: Float[Array, " m"]) -> Float[Array, "n m"]:
            announced = TwinTradingState(state.past_prices, state.past_demands, prices, state.slot)
            return self._demands(answer(stage, announced))

        found = exploitability(self.market, self.equilibrium, prices, react)
        each = jnp.concatenate([found.leaders, found.followers])
        named = _named("exploitability", (*self.leaders, *self.followers), each)
        return {"exploitability": each.max(), "gain_by_lateness": found.lateness.max(), **named}

    def price_of(self, share: Float[Array, "*batch m"]) -> Float[Array, "*batch m"]:
        """Prices at shares of the way from the lowest to the cap."""
        low, high = price_bounds(self.market)
        return low + (high - low) * share

    def observe(self, state: TwinTradingState) -> Observations:
        """What each agent sees.

        A leader: the past prices and demands of all, and its own arrival and service rates, each as x / (x + 500 per s); zeros
        in a market without delay. A follower: past prices, the other followers' past demands, and the prices of this slot if it
        may see them, zeros until they are announced. Nobody sees another's satisfaction, cost, data or deadline.
        """
        prices = state.past_prices / self.market.price_cap
        demands = state.past_demands / self.largest_demand
        current = state.prices / self.market.price_cap if self.config.followers_see_price else jnp.zeros(0)
        seen: Observations = {}
        for j, agent in enumerate(self.leaders):
            seen[agent] = jnp.concatenate([prices.ravel(), demands.ravel(), self._rates()[:, j]])
        for i, agent in enumerate(self.followers):
            others = jnp.delete(demands, i, axis=1)
            seen[agent] = jnp.concatenate([prices.ravel(), others.ravel(), current])
        return seen

    def _rates(self) -> Float[Array, "2 m"]:
        if self.market.delay is None:
            return jnp.zeros((2, self.market.leaders))
        rates = jnp.stack([self.market.delay.arrival_rate, self.market.delay.service_rate])
        return rates / (rates + MIDDLE_RATE)

    def _prices(self, actions: Mapping[str, Any]) -> Float[Array, " m"]:
        return self.price_of(jnp.concatenate([_clipped(actions[agent]) for agent in self.leaders]))

    def _demands(self, actions: Mapping[str, Any]) -> Float[Array, "n m"]:
        return self.largest_demand * jnp.stack([_clipped(actions[agent]) for agent in self.followers])

    def _metrics(
        self,
        prices: Float[Array, " m"],
        demands: Float[Array, "n m"],
        sellers: Float[Array, " m"],
        buyers: Float[Array, " n"],
        met: Bool[Array, " n"],
    ) -> dict[str, Array]:
        metrics = {
            "price": prices.mean(),
            "demand": demands.mean(),
            "leader_utility": sellers.mean(),
            "follower_utility": buyers.mean(),
            "welfare": sellers.sum() + buyers.sum(),
            "late": (~met).sum().astype(float),
            **_named("price", self.leaders, prices),
            **_named("sold", self.leaders, demands.sum(axis=0)),
            **_named("bought", self.followers, demands.sum(axis=1)),
        }
        if self.equilibrium is not None:
            metrics |= distances(self.equilibrium, prices, demands, sellers, buyers)
        return metrics

    def _by_agent(self, leaders: Float[Array, " m"], followers: Float[Array, " n"]) -> dict[str, Float[Array, ""]]:
        return dict(zip(self.leaders, leaders, strict=True)) | dict(zip(self.followers, followers, strict=True))

    def _announcement(self, state: TwinTradingState) -> GameStep:
        n, m = self.market.followers, self.market.leaders
        nothing = self._metrics(state.prices, jnp.ones((n, m)), jnp.zeros(m), jnp.zeros(n), jnp.ones(n, bool))
        return GameStep(
            observations=self.observe(state),
            rewards=self._by_agent(jnp.zeros(m), jnp.zeros(n)),
            terminated=jnp.zeros((), bool),
            truncated=jnp.zeros((), bool),
            info=jax.tree.map(jnp.zeros_like, nothing),
        )


def _named(metric: str, agents: tuple[str, ...], values: Float[Array, " k"]) -> dict[str, Float[Array, ""]]:
    return {f"{metric}/{agent}": value for agent, value in zip(agents, values, strict=True)}


def largest_wish(market: Market) -> Float[Array, ""]:
    """Most bandwidth that a follower could want from one leader: at the lowest price with everyone buying, or to be in time.

    The latter at equal prices; a follower that cannot be in time then is left out.
    """
    lowest = price_bounds(market)[0].min()
    margin = jnp.maximum(market.satisfaction - market.payment_scale * lowest, 0.0)
    wish = solve(interaction(market), margin[:, None]).max()
    if market.delay is None:
        return wish
    allowance = delay_allowance(market.delay, jnp.ones(market.leaders))
    needed = jnp.where(allowance > 0, transmission(market.delay) / jnp.where(allowance > 0, allowance, 1.0), 0.0)
    return jnp.maximum(wish, needed.max())


def _clipped(action: Any) -> Array:
    return jnp.clip(jnp.asarray(action, dtype=float), 0.0, 1.0)


def _unit_box(size: int) -> Box:
    return Box(np.zeros(size, np.float32), np.ones(size, np.float32))
