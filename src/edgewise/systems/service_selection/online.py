"""Reference policies that learn qualities while serving; none of them is trained, and none knows a curve unless its name says so.

Among the providers with room for a task they take

- "optimistic": the one whose curve could be best, by the shape of curves alone: rising, concave over the sizes, at most 1;
- "thompson": the best in a draw from the belief on each curve (Thompson, 1933);
- "epsilon-greedy": the best estimate, or with the probability `EPSILON` any;
- "bid-price": the best estimate with a bonus for what is unknown, less the price of room (`prices`);
- "bid-price-prophet": the best utility less the price of room, with all curves known.

With room nowhere they take the provider with most free resources.
"""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.systems.service_selection import prices
from edgewise.systems.service_selection.environment import ServiceSelection, ServiceSelectionState
from edgewise.systems.service_selection.experience import Experience, begin, demand, learn, size_class
from edgewise.systems.service_selection.tokens import charges, choose, offers

EPSILON = 0.05
"""Share of tasks that go to a random provider with room."""
SURENESS = 2.0
"""Standard errors that a mean score may be above the utility."""

TIE = 0.01
"""Utility that a running task counts for, so that unknown providers are tried side by side."""

Rule = Callable[[ServiceSelection, PRNGKeyArray, ServiceSelectionState, Experience], Float[Array, " i"]]
"""The merit of each provider for the waiting task."""


class OnlineReference(eqx.Module):
    """A reference policy that remembers what finished tasks have shown.

    Attributes:
        system: the system it acts in.
        merit: by which it chooses.
    """

    system: ServiceSelection
    merit: Rule = eqx.field(static=True)

    def begin(self, state: ServiceSelectionState) -> Experience:
        """Nothing is known yet."""
        return begin(self.system)

    def step(
        self, key: PRNGKeyArray, state: ServiceSelectionState, observation: object, memory: Experience
    ) -> tuple[Int[Array, ""], Experience]:
        """The provider of the waiting task, and what is known now."""
        experience = learn(self.system, memory, state)
        return choose(self.system, state, self.merit(self.system, key, state, experience)), experience


def optimistic(
    system: ServiceSelection, key: PRNGKeyArray, state: ServiceSelectionState, experience: Experience
) -> Float[Array, " i"]:
    """The highest utility that a curve of the right shape can have; of equal ones, where least runs."""
    best = upper_bounds(experience, system)[:, size_class(system.prior, state.task).astype(int)]
    return best - TIE * (state.size > 0).sum(1)


def thompson(
    system: ServiceSelection, key: PRNGKeyArray, state: ServiceSelectionState, experience: Experience
) -> Float[Array, " i"]:
    """A draw from the belief on each utility."""
    offer = offers(system, state, experience)
    return offer.estimate + offer.deviation * jax.random.normal(key, offer.estimate.shape)


def epsilon_greedy(
    system: ServiceSelection, key: PRNGKeyArray, state: ServiceSelectionState, experience: Experience
) -> Float[Array, " i"]:
    """The estimate, or now and then a random number."""
    when_key, number_key = jax.random.split(key)
    estimate = offers(system, state, experience).estimate
    drawn = jax.random.uniform(number_key, estimate.shape)
    return jnp.where(jax.random.bernoulli(when_key, EPSILON), drawn, estimate)


def bid_price(
    system: ServiceSelection, key: PRNGKeyArray, state: ServiceSelectionState, experience: Experience
) -> Float[Array, " i"]:
    """Estimate, bonus and price."""
    return offers(system, state, experience).optimistic


class BidPriceProphet(eqx.Module):
    """Utility less the price of room, with all curves known.

    Attributes:
        system: the system it acts in.
    """

    system: ServiceSelection

    def begin(self, state: ServiceSelectionState) -> Experience:
        """No room has a price yet."""
        return begin(self.system)

    def step(
        self, key: PRNGKeyArray, state: ServiceSelectionState, observation: object, memory: Experience
    ) -> tuple[Int[Array, ""], Experience]:
        """The provider of the waiting task, and what is known of demand and prices."""
        system, sizes = self.system, self.system.prior.sizes
        learned = learn(system, memory, state)
        table = jax.vmap(lambda size: system.utility(state, size), out_axes=1)(sizes)
        capacity = jnp.where(system.is_open(state), system.present(state).capacity, 0.0)
        price = prices.follow(memory.price, table, demand(system, learned), capacity, system.crash_penalty)
        merit = system.utility(state, state.task) - charges(system, state, learned, price)
        return choose(system, state, merit), eqx.tree_at(lambda each: each.price, learned, price)


RULES: dict[str, Rule] = {
    "optimistic": optimistic,
    "thompson": thompson,
    "epsilon-greedy": epsilon_greedy,
    "bid-price": bid_price,
}
PROPHET = "bid-price-prophet"
NAMES = (*RULES, PROPHET)


def find(system: ServiceSelection, name: str) -> OnlineReference | BidPriceProphet:
    """The reference of one of `NAMES`."""
    return BidPriceProphet(system) if name == PROPHET else OnlineReference(system, RULES[name])


def upper_bounds(experience: Experience, system: ServiceSelection) -> Float[Array, "i k"]:
    """Highest utility at every size of tasks, given mean scores and that curves rise, are concave there, and end at 1 at most.

    Of a rising curve no point is above one to its right; of a concave one, none is above the line through two points that are
    both on one side of it. Noise widens every mean by `SURENESS` standard errors.
    """
    seen = experience.done > 0
    count = jnp.maximum(experience.done, 1.0)
    mean, error = experience.scores / count, SURENESS * system.noise / jnp.sqrt(count)
    high, low = mean + error, mean - error
    rising = jax.lax.cummin(jnp.where(seen, high, 1.0), axis=1, reverse=True)
    kinds = seen.shape[1]
    place = jnp.arange(kinds)
    first, second, at = place[:, None, None], place[None, :, None], place[None, None, :]
    slope = (high[:, None, :] - low[:, :, None]) / jnp.maximum(place[None, :] - place[:, None], 1)
    beyond = high[:, None, :, None] + slope[..., None] * (at - second)
    slope_least = (low[:, None, :] - high[:, :, None]) / jnp.maximum(place[None, :] - place[:, None], 1)
    before = high[:, :, None, None] - slope_least[..., None] * (first - at)
    both = (seen[:, :, None] & seen[:, None, :])[..., None] & (first < second)
    lines = jnp.minimum(
        jnp.where(both & (second <= at), beyond, 1.0).min((1, 2)),
        jnp.where(both & (at <= first), before, 1.0).min((1, 2)),
    )
    return jnp.minimum(jnp.minimum(rising, lines), 1.0)
