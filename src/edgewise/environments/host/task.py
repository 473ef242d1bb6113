"""What a learner needs to know of an environment that is stepped outside of compiled code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax.numpy as jnp
import numpy as np
from gymnasium.vector import VectorEnv

from edgewise.environments.host.copies import HostCopies
from edgewise.environments.host.spaces import action_space, observation_space
from edgewise.environments.spaces import Box, Spaces
from edgewise.numerics.scaling import Scaling

Make = Callable[[int, int], VectorEnv[Any, Any, Any]]
"""`make(copies, seed)`: a vector environment, about to be reset with the seed; one that takes seeds only now takes it here."""


@dataclass(frozen=True)
class HostTask:
    """A Gymnasium vector environment of any number of copies.

    Attributes:
        make: makes one.
        shrink: side of the squares of pixels that are averaged in an image.
        longest_evaluation: steps after which an episode is cut where policies are judged.
        inputs: scaling of the observations. If None, they stay as they are.
    """

    make: Make
    shrink: int = 1
    longest_evaluation: int = 10_000
    inputs: Scaling | None = None

    @cached_property
    def spaces(self) -> Spaces:
        """Spaces as the learner sees them.

        Raises:
            ConfigurationError: for spaces that no learner takes.
        """
        environment = self.make(1, 0)
        try:
            observed = observation_space(environment.single_observation_space, self.shrink)
            acted = action_space(environment.single_action_space)
        finally:
            environment.close()
        if self.inputs is not None:
            low, high = (np.asarray(self.inputs(jnp.asarray(bound))) for bound in (observed.low, observed.high))
            observed = Box(low, high)
        return Spaces(observed, acted)

    def scaled(self, span: float) -> HostTask:
        """The same with each bounded component of the observations mapped to [-span, span]."""
        box = self.spaces.observation
        assert isinstance(box, Box)
        return replace(self, inputs=Scaling.of_box(box.low, box.high, span))

    def copies(self, count: int, seed: int) -> HostCopies:
        """Make `count` copies; the caller resets them with the seed."""
        return HostCopies(self.make(count, seed), self.shrink, self.inputs)
