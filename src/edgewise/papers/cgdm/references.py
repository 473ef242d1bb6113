"""The policy for any fleet that comes with agent migration, as a reference among the others."""

from __future__ import annotations

from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.policies.matching import MatchingPolicy
from edgewise.policies.shipped import shipped_reference
from edgewise.systems.agent_migration import features, recollection
from edgewise.systems.agent_migration.decision import Decision, encode
from edgewise.systems.agent_migration.environment import AgentMigration, AgentMigrationState
from edgewise.systems.agent_migration.memory import see
from edgewise.systems.agent_migration.recollection import Recollection
from edgewise.systems.agent_migration.system import AGENT_MIGRATION


class General(eqx.Module):
    """The policy for any fleet, played as a reference that remembers.

    Attributes:
        environment: the system it acts in.
        policy: on entities.
    """

    environment: AgentMigration
    policy: MatchingPolicy

    def begin(self, state: AgentMigrationState) -> Recollection:
        """What is known at the start of an episode."""
        return recollection.begin(self.environment, state)

    def step(
        self, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"], memory: Recollection
    ) -> tuple[Float[Array, " a"], Recollection]:
        """The action, and what is known after it; only the visible part of the state is read."""
        p = self.environment.parameters
        known = recollection.recall(self.environment, state, memory)
        seen = see(self.environment, state, known.memory)
        action = self.policy(features.observe(p, seen, known.memory), None)
        share = features.closed_form_shares(p, seen, known.memory)
        decision = Decision(action["target"], share, action["defence"])
        units, sharpness = self.environment.rsus, p.share_sharpness
        encoded = encode(decision.target, share, decision.defence, units, sharpness, state.serving)
        return encoded, recollection.decided(known, state, decision)


def reference(environment: Any) -> Any:
    """The policy for any fleet that comes with the package, as a reference for an environment of agent migration."""
    return shipped_reference(environment, AGENT_MIGRATION.name, "general", General)
