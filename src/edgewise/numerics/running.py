"""Running mean and standard deviation."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

SMALLEST_DEVIATION = 1e-4
"""Values that hardly vary are not divided by less than this."""


class RunningScale(eqx.Module):
    """Exponential averages over batches; before the first one the mean is 0 and the deviation 1.

    Attributes:
        weighted_mean, weighted_variance: averages that began at 0.
        weight: sum of the weights in them.
    """

    weighted_mean: Float[Array, ""]
    weighted_variance: Float[Array, ""]
    weight: Float[Array, ""]

    @staticmethod
    def fresh() -> RunningScale:
        """The averages before the first batch."""
        return RunningScale(jnp.zeros(()), jnp.zeros(()), jnp.zeros(()))

    @property
    def mean(self) -> Float[Array, ""]:
        """Weighted average of the means of the batches."""
        return self.weighted_mean / jnp.where(self.weight > 0, self.weight, 1.0)

    @property
    def deviation(self) -> Float[Array, ""]:
        """Square root of the weighted average of the variances of the batches."""
        variance = self.weighted_variance / jnp.where(self.weight > 0, self.weight, 1.0)
        return jnp.where(self.weight > 0, jnp.maximum(jnp.sqrt(variance), SMALLEST_DEVIATION), 1.0)

    def follow(self, batch: Float[Array, "*batch"], rate: float) -> RunningScale:
        """The averages after another batch, which counts with the weight `rate`."""
        return RunningScale(
            self.weighted_mean + rate * (batch.mean() - self.weighted_mean),
            self.weighted_variance + rate * (batch.var() - self.weighted_variance),
            self.weight + rate * (1 - self.weight),
        )

    def to_unit(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Values in deviations from the mean."""
        return (x - self.mean) / self.deviation

    def from_unit(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The inverse of `to_unit`."""
        return self.mean + self.deviation * x
