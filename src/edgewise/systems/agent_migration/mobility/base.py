"""The mobility contract."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
from jaxtyping import Array, Bool, Float


class Mobility(eqx.Module):
    """A source of vehicle positions, one set per slot. Randomness comes in as draws, so that an episode can be replayed."""

    @property
    @abc.abstractmethod
    def vehicles(self) -> int:
        """Number of vehicles V."""

    @property
    @abc.abstractmethod
    def start_draws(self) -> int:
        """How many uniform numbers `reset` consumes."""

    @property
    def most_visitors(self) -> int:
        """Most vehicles that follow each other at one place in an episode."""
        return 1

    @abc.abstractmethod
    def reset(self, start: Float[Array, " n"]) -> Any:
        """State at the first slot, from `start_draws` uniform numbers in [0, 1)."""

    @abc.abstractmethod
    def advance(self, state: Any, noise: Float[Array, " v"]) -> Any:
        """State one slot later, from one standard normal number per vehicle."""

    @abc.abstractmethod
    def positions(self, state: Any) -> Float[Array, "v 2"]:
        """Coordinates in m."""

    @abc.abstractmethod
    def predict(self, state: Any) -> Float[Array, "v 2"]:
        """Expected coordinates one slot later in m, from what an observer can know."""

    def predict_at(self, state: Any, pace: Float[Array, " v"]) -> Float[Array, "v 2"]:
        """The same of vehicles known to drive at `pace` times the expected speed; ignored unless a model can use it."""
        return self.predict(state)

    @abc.abstractmethod
    def entered(self, state: Any) -> Bool[Array, " v"]:
        """Where another vehicle has taken over the place of one that left, in this slot."""
