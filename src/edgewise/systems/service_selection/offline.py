"""An episode of service selection that is known beforehand: reference policies, the best schedule found, and the bound."""

from __future__ import annotations

from dataclasses import dataclass

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from edgewise.environments.episode import record_episode
from edgewise.systems.service_selection import references
from edgewise.systems.service_selection.bound import Episode, upper_bound
from edgewise.systems.service_selection.environment import ServiceSelection
from edgewise.systems.service_selection.schedule import follow_bound, improve, play

LOOSE = 0.5
"""A bound of which the best schedule found has less than this share is called loose."""


@dataclass(frozen=True, eq=False)
class KnownEpisode:
    """What is known of an episode's reward.

    Attributes:
        references: episode reward of every reference policy.
        schedule: reward of the best schedule found.
        actions: that schedule, the provider of each task.
        bound: no policy's reward is higher.
    """

    references: dict[str, float]
    schedule: float
    actions: Int[np.ndarray, " n"]
    bound: float

    @property
    def loose(self) -> bool:
        """Whether the bound is so far from the best schedule found that shares of it say nothing."""
        return self.bound <= 0 or self.schedule < LOOSE * self.bound

    def share(self, reward: float) -> float:
        """A reward as a share of the bound; not a number if the bound is not positive."""
        return reward / self.bound if self.bound > 0 else float("nan")


def solve_episode(environment: ServiceSelection, key: PRNGKeyArray, sweeps: int = 1) -> KnownEpisode:
    """Play the references, bound the episode, and look for a good schedule.

    Args:
        environment: the system.
        key: the key of the episode, as `record_episode` takes it.
        sweeps: passes of `improve` over the schedule.

    Raises:
        EdgewiseError: if the linear program of the bound is not solved.
    """
    record = eqx.filter_jit(record_episode)
    played = {name: record(environment, policy, key) for name, policy in references.build(environment).items()}
    rewards = {name: _total(timesteps.reward) for name, (_, timesteps, _) in played.items()}
    states, _, prophet = played["prophet"]
    episode = Episode.of(environment, states)
    bound = upper_bound(episode)

    def value(actions: Int[np.ndarray, " n"]) -> float:
        return _total(eqx.filter_jit(play)(environment, states, actions))

    best = max(follow_bound(episode, bound), np.asarray(prophet), key=value)
    best = max(improve(episode, best, sweeps), best, key=value)
    return KnownEpisode(rewards, value(best), best, bound.value)


def _total(rewards: Float[Array, " n"]) -> float:
    return float(np.asarray(rewards, dtype=float).sum())
