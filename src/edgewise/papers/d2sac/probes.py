"""The reverse chain of Fig. 8, from trained policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pandas as pd

from edgewise.common.errors import EdgewiseError
from edgewise.environments.episode import record_episode
from edgewise.experiments.cell import Learned, Planned
from edgewise.experiments.probe import Probe, Probes, best_policy
from edgewise.papers.d2sac.names import CHAIN, TASK_SHOWN
from edgewise.policies.categorical_diffusion import CategoricalDiffusionPolicy
from edgewise.policies.protocol import as_learned, core
from edgewise.systems.service_selection import references
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.environment import ServiceSelection


@dataclass(frozen=True)
class ReverseChain(Probe):
    """Probability of every provider along the reverse chain of a learner's first seed.

    Attributes:
        setting: the setting of the system.
        player: the learner.
        task: place in an episode of Prophet of the task for which a provider is chosen.
    """

    name = f"d2sac: {CHAIN}"
    setting: ServiceSelectionConfig
    player: Learned
    task: int

    def compute(self, folder: Path | None) -> pd.DataFrame:
        """One row per step of the chain, from noise at step 0, and provider."""
        observation, best = moment(ServiceSelection(self.setting), self.task)
        chain = distributions(best_policy(folder, 0), observation)
        steps, providers = chain.shape
        return pd.DataFrame(
            {
                "step": np.repeat(np.arange(steps), providers),
                "provider": np.tile(np.arange(providers), steps),
                "probability": chain.astype(float).ravel(),
                "best": np.tile([provider in best for provider in range(providers)], steps),
            }
        )


def reverse_chains(cells: Sequence[Planned]) -> Probes:
    """The probes on the reverse chains of every learner."""
    return {
        (CHAIN, planned.label): ReverseChain(planned.cell.setting, planned.cell.player, TASK_SHOWN)
        for planned in cells
        if isinstance(planned.cell.player, Learned)
    }


def moment(environment: ServiceSelection, task: int) -> tuple[jax.Array, set[int]]:
    """An observation in the middle of an episode, and the providers that Prophet finds best then.

    Args:
        environment: in which Prophet plays.
        task: place in the episode; the last task if the episode is shorter.
    """
    prophet = references.build(environment)["prophet"]
    states, _, _ = eqx.filter_jit(lambda e, key: record_episode(e, prophet, key))(environment, jax.random.key(0))
    place = min(task, environment.horizon - 1)
    state = jax.tree.map(lambda leaf: leaf[place], states)
    utility = np.asarray(environment.providers.utility(state.task, environment.config.with_offset))
    with_room = np.where(np.asarray(state.task <= environment.free(state)), utility, -np.inf)
    return environment.observe(state), set(np.flatnonzero(np.isclose(with_room, with_room.max())).tolist())


def distributions(policy: Any, observation: jax.Array) -> np.ndarray:
    """Probability of every action at every step of a policy's reverse chain [steps + 1, actions].

    Raises:
        EdgewiseError: if it has no such chain.
    """
    observation, policy = as_learned(policy, observation), core(policy)
    if not isinstance(policy, CategoricalDiffusionPolicy):
        raise EdgewiseError(f"{type(policy).__name__}: has no reverse chain: must be a categorical diffusion policy")
    return np.asarray(eqx.filter_jit(policy.distributions)(observation, jax.random.key(0)))
