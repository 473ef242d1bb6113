"""Reference policies of the twin-trading system: all agents together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from edgewise.environments.system import Policy
from edgewise.systems.twin_trading.environment import TwinTrading
from edgewise.systems.twin_trading.equilibrium import stackelberg_equilibrium
from edgewise.systems.twin_trading.followers import solve_followers
from edgewise.systems.twin_trading.prices import price_bounds


def random(environment: TwinTrading) -> Policy:
    """Everyone's action is drawn uniformly."""

    def policy(key: PRNGKeyArray, state: Any, observation: Any) -> dict[str, Array]:
        keys = jax.random.split(key, len(environment.agents))
        spaces = environment.action_spaces
        return {agent: spaces[agent].sample(each) for agent, each in zip(environment.agents, keys, strict=True)}

    return policy


def equilibrium(environment: TwinTrading) -> Policy:
    """Leaders set the prices of the Stackelberg equilibrium; followers play theirs at the prices they see."""
    market = environment.market
    solved = environment.equilibrium or stackelberg_equilibrium(market)
    low, high = price_bounds(market)
    shares = (solved.prices - low) / (high - low)

    def policy(key: PRNGKeyArray, state: Any, observation: Any) -> dict[str, Array]:
        demands = solved.demands
        if environment.config.followers_see_price:
            prices = jnp.where(state.prices > 0, state.prices, solved.prices)
            demands = solve_followers(market, prices).demands
        actions = {agent: shares[j : j + 1] for j, agent in enumerate(environment.leaders)}
        return actions | {a: demands[i] / environment.largest_demand for i, a in enumerate(environment.followers)}

    return policy


BUILDERS: dict[str, Callable[[TwinTrading], Policy]] = {"random": random, "equilibrium": equilibrium}
