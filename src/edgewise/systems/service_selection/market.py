"""What changes about providers: levels of quality that wander, and providers that leave and are followed by others."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from edgewise.systems.service_selection.sampling import Providers, draw_providers

EMPTY_TASKS = 50.0
"""Tasks that arrive, on the average, before another provider takes the place of one that has left."""


class Market(eqx.Module):
    """Providers as they are now.

    Attributes:
        providers: capacities and curves.
        level: what is added to every score of a provider.
        open: providers that take tasks.
    """

    providers: Providers
    level: Float[Array, " i"]
    open: Bool[Array, " i"]


class Changes(eqx.Module):
    """How the market changes from one arrival to the next.

    Attributes:
        drift: standard deviation of the levels.
        drift_time: time in which a level forgets where it was, s.
        leaving: probability that a provider leaves between two arrivals.
    """

    drift: Float[Array, ""]
    drift_time: Float[Array, ""]
    leaving: Float[Array, ""]

    def begin(self, key: PRNGKeyArray, providers: Providers) -> Market:
        """All are there, with stationary levels."""
        shape = providers.capacity.shape
        return Market(providers, self.drift * jax.random.normal(key, shape), jnp.ones(shape, bool))

    def advance(self, key: PRNGKeyArray, market: Market, seconds: Float[Array, ""], idle: Bool[Array, " i"]) -> Market:
        """The market some time later: an Ornstein-Uhlenbeck step of the levels, then who leaves and who comes.

        Args:
            key: randomness.
            market: as it was.
            seconds: that pass.
            idle: providers at which nothing runs; only there another one can begin.
        """
        level_key, leave_key, come_key, new_key, fresh_key = jax.random.split(key, 5)
        shape = market.level.shape
        kept = jnp.exp(-seconds / self.drift_time)
        level = kept * market.level + jnp.sqrt(1 - kept**2) * self.drift * jax.random.normal(level_key, shape)
        leaves = jax.random.bernoulli(leave_key, self.leaving, shape)
        comes = jax.random.bernoulli(come_key, 1 / EMPTY_TASKS, shape) & ~market.open & idle
        new = draw_providers(new_key, len(level))
        fresh = self.drift * jax.random.normal(fresh_key, shape)
        providers = jax.tree.map(lambda ours, theirs: jnp.where(comes, theirs, ours), market.providers, new)
        return Market(providers, jnp.where(comes, fresh, level), (market.open & ~leaves) | comes)
