"""What learners ask of policies that draw their actions at random."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from jaxtyping import Array, Bool, Float, PRNGKeyArray


@runtime_checkable
class StochasticPolicy(Protocol):
    """A policy whose actions have a probability, or a density, that can be computed."""

    def sample(self, observation: Float[Array, "*batch o"], key: PRNGKeyArray) -> Array:
        """A sampled action for each observation, [*batch, ...]."""

    def log_probability_and_entropy(
        self, observation: Float[Array, "*batch o"], action: Array
    ) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"]]:
        """The logarithm of the probability of each observation's action, and the entropy over all actions, in nats."""


@runtime_checkable
class DensityPolicy(Protocol):
    """A policy whose samples can be differentiated and come with their density."""

    def sample_with_density(
        self, observation: Float[Array, "*batch o"], key: PRNGKeyArray
    ) -> tuple[Float[Array, "*batch a"], Float[Array, "*batch"]]:
        """A sampled action for each observation, and the logarithm of its density."""


@runtime_checkable
class RecurrentStochasticPolicy(Protocol):
    """A `StochasticPolicy` with a memory of its episode; what it samples may be squashed before it becomes an action."""

    def sample(self, observation: Float[Array, "*batch o"], memory: Any, key: PRNGKeyArray) -> tuple[Array, Any]:
        """A sample for each observation, [*batch, ...], and the memory to go on with."""

    def log_probability_and_entropy(
        self, observation: Float[Array, "t c o"], sample: Array, ended: Bool[Array, "t c"], memory: Any
    ) -> tuple[Float[Array, "t c"], Float[Array, ""]]:
        """The logarithm of the probability of samples in successive observations of several copies, and the entropy, in nats.

        Args:
            observation: in their order.
            sample: for each observation, [t, c, ...].
            ended: whether the episode ended after the observation.
            memory: before the first observation.
        """
