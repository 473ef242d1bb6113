"""What an operator believes of quality curves: a Gaussian over piecewise-linear curves, sharpened by every finished task.

A curve is known at the sizes of tasks. Beforehand it is a draw from the population of providers: a mean curve plus a sum of a few
principal curves with coefficients ~ N(0, 1) (the Karhunen-Loeve form of a Gaussian process). A finished task of size T with the
score q is an observation q = m(T) + phi(T) . c + error of a provider's coefficients c, which a Kalman filter takes in.
"""

from __future__ import annotations

from functools import lru_cache

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from edgewise.systems.service_selection.sampling import (
    END_SCORE,
    END_STEPS,
    START_SCORE,
    START_STEPS,
)

COMPONENTS = 6
"""Principal curves; what is left of a curve of the population beside them is 0.003 on the average."""
LEAST_ERROR = 0.01
"""Standard deviation of the error of an exact score: what the principal curves leave out, with room to spare."""
POPULATION = 5_000
"""Curves from which mean and principal curves are computed."""


class Prior(eqx.Module):
    """The population of curves at the sizes of tasks.

    Attributes:
        smallest, spacing: of the sizes, denoising steps.
        mean: mean curve [K].
        basis: principal curves, each times its standard deviation [K, D].
    """

    smallest: Float[Array, ""]
    spacing: Float[Array, ""]
    mean: Float[Array, " k"]
    basis: Float[Array, "k d"]

    @classmethod
    def of_sizes(cls, smallest: float, spacing: float, kinds: int, with_offset: bool) -> Prior:
        """The prior for sizes smallest, smallest + spacing, ..., K = `kinds` of them."""
        mean, basis = _population(float(smallest), float(spacing), int(kinds), bool(with_offset))
        return cls(*(jnp.asarray(each, dtype=float) for each in (smallest, spacing, mean, basis)))

    def at(self, size: Float[Array, "*b"]) -> tuple[Float[Array, "*b"], Float[Array, "*b d"]]:
        """Mean and principal curves at any sizes, linear between the sizes of tasks."""
        place = jnp.clip((size - self.smallest) / self.spacing, 0.0, len(self.mean) - 1.0)
        low = jnp.clip(place.astype(int), 0, max(len(self.mean) - 2, 0))
        high = jnp.minimum(low + 1, len(self.mean) - 1)
        part = place - low
        mean = (1 - part) * self.mean[low] + part * self.mean[high]
        return mean, (1 - part)[..., None] * self.basis[low] + part[..., None] * self.basis[high]

    @property
    def sizes(self) -> Float[Array, " k"]:
        """Sizes of tasks, denoising steps."""
        return self.smallest + self.spacing * jnp.arange(len(self.mean))


class Curves(eqx.Module):
    """What is believed of the curve of each of I providers.

    Attributes:
        mean: of the coefficients [I, D].
        covariance: of them [I, D, D].
    """

    mean: Float[Array, "i d"]
    covariance: Float[Array, "i d d"]

    @classmethod
    def unknown(cls, providers: int) -> Curves:
        """Nothing is known but the population."""
        return cls(jnp.zeros((providers, COMPONENTS)), jnp.tile(jnp.eye(COMPONENTS), (providers, 1, 1)))

    def forget(self, who: Bool[Array, " i"]) -> Curves:
        """The same, with nothing known of some."""
        fresh = Curves.unknown(len(self.mean))
        mean, covariance = jnp.where(who[:, None], fresh.mean, self.mean), self.covariance
        return Curves(mean, jnp.where(who[:, None, None], fresh.covariance, covariance))

    def loosen(self, prior: Prior, variance: Float[Array, ""]) -> Curves:
        """After levels have wandered: more uncertain by a common shift of all sizes of that variance."""
        shift = jnp.linalg.lstsq(prior.basis, jnp.ones(len(prior.mean)))[0]
        return Curves(self.mean, self.covariance + variance * shift[:, None] * shift)

    def learn(
        self, prior: Prior, size: Float[Array, "i n"], score: Float[Array, "i n"], deviation: Float[Array, ""]
    ) -> Curves:
        """Take scores in, in any order.

        Args:
            prior: the population.
            size: sizes of finished tasks; 0 for none.
            score: their scores.
            deviation: standard deviation of a score around the utility.
        """
        variance = jnp.maximum(deviation, LEAST_ERROR) ** 2
        expected, direction = prior.at(size)
        mean, covariance = self.mean, self.covariance
        for place in range(size.shape[1]):
            there = (size[:, place] > 0)[:, None]
            phi = direction[:, place]
            along, spread = _gain(covariance, phi, variance)
            surprise = score[:, place] - expected[:, place] - (phi * mean).sum(-1)
            mean = jnp.where(there, mean + along * (surprise / spread)[:, None], mean)
            covariance = jnp.where(there[..., None], _sharper(covariance, along, spread), covariance)
        return Curves(mean, covariance)

    def sharpened(self, prior: Prior, size: Float[Array, "i n"], deviation: Float[Array, ""]) -> Curves:
        """As sure as it will be when tasks of these sizes are done, whatever their scores will be."""
        variance = jnp.maximum(deviation, LEAST_ERROR) ** 2
        _, direction = prior.at(size)
        covariance = self.covariance
        for place in range(size.shape[1]):
            along, spread = _gain(covariance, direction[:, place], variance)
            there = (size[:, place] > 0)[:, None, None]
            covariance = jnp.where(there, _sharper(covariance, along, spread), covariance)
        return Curves(self.mean, covariance)

    def estimate(self, prior: Prior, size: Float[Array, ""]) -> tuple[Float[Array, " i"], Float[Array, " i"]]:
        """Mean and standard deviation of the utility of a task at every provider."""
        expected, phi = prior.at(size)
        variance = jnp.einsum("d,ide,e->i", phi, self.covariance, phi)
        return expected + self.mean @ phi, jnp.sqrt(jnp.maximum(variance, 0.0))

    def table(self, prior: Prior) -> Float[Array, "i k"]:
        """Mean of the utility at every size of tasks."""
        return prior.mean + self.mean @ prior.basis.T


def _gain(
    covariance: Float[Array, "i d d"], phi: Float[Array, "i d"], variance: Float[Array, ""]
) -> tuple[Float[Array, "i d"], Float[Array, " i"]]:
    along = jnp.einsum("ide,ie->id", covariance, phi)
    return along, (along * phi).sum(-1) + variance


def _sharper(
    covariance: Float[Array, "i d d"], along: Float[Array, "i d"], spread: Float[Array, " i"]
) -> Float[Array, "i d d"]:
    return covariance - along[:, :, None] * along[:, None, :] / spread[:, None, None]


@lru_cache(maxsize=64)
def _population(
    smallest: float, spacing: float, kinds: int, with_offset: bool
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "k d"]]:
    """Mean and principal curves of providers drawn as `sampling.draw_providers` does, in NumPy."""
    generator = np.random.default_rng(0)
    start, low, end, high = (
        _draw(generator, grid)[:, None] for grid in (START_STEPS, START_SCORE, END_STEPS, END_SCORE)
    )
    sizes = smallest + spacing * np.arange(kinds)
    rise = (high - low) / (end - start)
    curves = np.where(sizes < start, 0.0, rise * (np.minimum(sizes, end) - start) + low * with_offset)
    variances, directions = np.linalg.eigh(np.cov(curves.T).reshape(kinds, kinds))
    basis = np.zeros((kinds, COMPONENTS))
    taken = min(kinds, COMPONENTS)
    basis[:, :taken] = (directions * np.sqrt(np.maximum(variances, 0.0)))[:, ::-1][:, :taken]
    return curves.mean(0), basis


def _draw(generator: np.random.Generator, grid: tuple[float, float, float]) -> Float[np.ndarray, " n"]:
    low, high, step = grid
    drawn: Float[np.ndarray, " n"] = low + float(step) * generator.integers(
        0, round((high - low) / step) + 1, POPULATION
    )
    return drawn
