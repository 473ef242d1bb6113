"""Pictures of an agent-migration run for its report."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax

from edgewise.drawing.picture import Picture
from edgewise.environments.episode import record_episode
from edgewise.policies.learned import LearnedPolicy
from edgewise.reports.run import SEED
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.figures import Episode, latency_figure, migration_map, reputation_figure
from edgewise.training.judgement import Judgement


def pictures(environment: AgentMigration, policy: Any, rows: list[Judgement]) -> list[Picture]:
    """Map, reputations and latency terms; the first two of one episode of the learned policy."""
    states, _, actions = eqx.filter_jit(record_episode)(environment, LearnedPolicy(policy), jax.random.key(SEED))
    episode = Episode.of(environment, states, actions)
    drawn = {
        "map": (
            migration_map(environment, episode),
            "One episode of the learned policy. Discs show the reach of each road-side unit (RSU); the width of an arrow "
            "grows with the number of agents that moved that way.",
        ),
        "reputation": (
            reputation_figure(environment, episode),
            "Reputation of each RSU over the same episode. The policy does not see the attacks (shaded), only the reputations.",
        ),
        "latency": (
            latency_figure(rows),
            "Where the seconds go: each term of the latency, mean per slot, for the learned policy and the references.",
        ),
    }
    return [Picture(name, caption, figure, data) for name, ((figure, data), caption) in drawn.items()]
