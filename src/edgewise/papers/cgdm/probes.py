"""What is played for Fig. 10: episodes in which one RSU is attacked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pandas as pd

from edgewise.environments import registry
from edgewise.environments.episode import AnyPolicy, record_episode
from edgewise.experiments.cell import Learned, Planned, Reference
from edgewise.experiments.probe import Probe, Probes, best_policy
from edgewise.papers.cgdm.trust import INDEX, REPUTATION, RSU, SHOWN
from edgewise.policies.learned import LearnedPolicy
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.figures import recorded, reputation_table

SYSTEM = "agent-migration"


@dataclass(frozen=True)
class AttackedReputation(Probe):
    """Reputation of the attacked RSU for each user at the start of each slot.

    Attributes:
        setting: with the attack.
        player: whose decisions.
        episodes: number of episodes of each of its policies.
        seed: the seed of the episodes.
    """

    name = f"cgdm: {REPUTATION}"
    setting: AgentMigrationConfig
    player: Learned | Reference
    episodes: int
    seed: int

    def compute(self, folder: Path | None) -> pd.DataFrame:
        """One row per policy (seed of the learner), episode and slot; one column per user."""
        environment = registry.find(SYSTEM).build_evaluation(self.setting)
        found = attacked_reputations(environment, _policies(self.player, environment, folder), self.episodes, self.seed)
        index = pd.DataFrame(np.indices(found.shape[:-1]).reshape(3, -1).T, columns=list(INDEX))
        users = pd.DataFrame(found.reshape(-1, found.shape[-1]), columns=[f"user {i}" for i in range(found.shape[-1])])
        return pd.concat([index, users], axis=1)


@dataclass(frozen=True)
class ShownEpisode(Probe):
    """Reputations of all RSUs over one episode of one policy.

    Attributes:
        setting: with the attack.
        player: whose decisions; a learner's are those of its first seed.
        seed: the seed of the episode.
    """

    name = f"cgdm: {SHOWN}"
    setting: AgentMigrationConfig
    player: Learned | Reference
    seed: int

    def compute(self, folder: Path | None) -> pd.DataFrame:
        """See `reputation_table`."""
        environment = registry.find(SYSTEM).build_evaluation(self.setting)
        [policy, *_] = _policies(self.player, environment, folder)
        states, _, actions = eqx.filter_jit(record_episode)(environment, policy, jax.random.key(self.seed))
        return reputation_table(recorded(environment, states, actions))


def reputations(cells: Sequence[Planned]) -> Probes:
    """The reputations of every player, and the episode of the first that the figure shows."""
    probes: dict[tuple[str, str], Probe] = {}
    for planned in cells:
        cell, player = planned.cell, planned.cell.player
        assert isinstance(player, Learned | Reference)
        probes[REPUTATION, planned.label] = AttackedReputation(cell.setting, player, cell.episodes, cell.seed)
        if planned is cells[0]:
            probes[SHOWN, ""] = ShownEpisode(cell.setting, player, cell.seed)
    return probes


def attacked_reputations(
    environment: AgentMigration, policies: Sequence[AnyPolicy], episodes: int, seed: int
) -> np.ndarray:
    """Reputation of the attacked RSU for each user at the start of each slot [policies, episodes, slots, users]."""
    keys = jax.random.split(jax.random.key(seed), episodes)

    @eqx.filter_jit
    def play(policy: AnyPolicy) -> jax.Array:
        return jax.vmap(lambda key: record_episode(environment, policy, key)[0].reputation[..., RSU])(keys)

    return np.stack([np.asarray(play(policy), float) for policy in policies])


def _policies(player: Learned | Reference, environment: AgentMigration, folder: Path | None) -> list[AnyPolicy]:
    if isinstance(player, Reference):
        return [registry.find(SYSTEM).references(environment, (player.name,))[player.name]]
    return [LearnedPolicy(best_policy(folder, seed)) for seed in range(player.run.training.seeds)]
