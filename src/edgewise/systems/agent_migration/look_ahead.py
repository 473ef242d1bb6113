"""Look-ahead over one slot: what the joint choices of a slot would cost by what is believed, and the best of them."""

from __future__ import annotations

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from edgewise.systems.agent_migration import recollection
from edgewise.systems.agent_migration.allocation import optimal_shares, optimal_shares_migrating
from edgewise.systems.agent_migration.assignment import solve
from edgewise.systems.agent_migration.costs import (
    migration_seconds,
    next_slot_problem,
    pick,
    present_work,
    slowdown,
    worthwhile_defence,
)
from edgewise.systems.agent_migration.decision import Decision, encode
from edgewise.systems.agent_migration.environment import AgentMigration, AgentMigrationState
from edgewise.systems.agent_migration.knowledge import Belief, Knowledge, believe
from edgewise.systems.agent_migration.memory import see
from edgewise.systems.agent_migration.recollection import Recollection

Defence = Literal["never", "always", "worthwhile", "lasting"]


def decide(environment: AgentMigration, state: AgentMigrationState, belief: Belief, rule: Defence) -> Decision:
    """Choose all targets jointly for the least expected cost of this slot and the next, then this slot's best shares.

    Args:
        environment: the system.
        state: at the start of the slot; only its visible part is read.
        belief: what is taken for true.
        rule: where to defend: "never", "always", where it is "worthwhile" in this slot, or with its "lasting" savings in
            later ones (see `costs.worthwhile_defence`).
    """
    p = environment.parameters
    seen = see(environment, state)
    deployment, processing = present_work(p, seen, belief)
    share = optimal_shares(deployment + processing, state.serving, environment.rsus)
    if rule in ("worthwhile", "lasting"):
        defence = worthwhile_defence(p, seen, belief, share, rule == "lasting")
    else:
        defence = jnp.full(environment.rsus, rule == "always")
    target, _ = solve(next_slot_problem(p, seen, belief, defence, share))

    effective = belief.attacked * jnp.where(defence, 1 - p.defence_success, 1.0)
    slower = 1 + slowdown(p) * effective[state.serving]
    migration = pick(migration_seconds(p, seen, effective), target)
    share = optimal_shares_migrating(
        slower * deployment, slower * processing, migration, state.serving, environment.rsus
    )
    return Decision(target, share, defence)


class LookAhead(eqx.Module):
    """The look-ahead as a policy that needs no memory.

    Attributes:
        environment: the system it acts in.
        knowledge: of the present slot only.
        defence: see `decide`.
    """

    environment: AgentMigration
    knowledge: Knowledge = eqx.field(static=True)
    defence: Defence = eqx.field(static=True)

    def __call__(
        self, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"]
    ) -> Float[Array, " a"]:
        """The action, from the state (and the hidden part of it only for an oracle)."""
        belief = believe(self.environment, state, self.knowledge)
        return _encode(self.environment, state, decide(self.environment, state, belief, self.defence))


class RememberingLookAhead(eqx.Module):
    """The look-ahead as a policy that remembers its episode, a `RememberingReference`.

    Attributes:
        environment: the system it acts in.
        knowledge: of the present slot and of those before.
        defence: see `decide`.
    """

    environment: AgentMigration
    knowledge: Knowledge = eqx.field(static=True)
    defence: Defence = eqx.field(static=True)

    def begin(self, state: AgentMigrationState) -> Recollection:
        """What is known at the start of an episode."""
        return recollection.begin(self.environment, state)

    def step(
        self, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"], memory: Recollection
    ) -> tuple[Float[Array, " a"], Recollection]:
        """The action, and what is known after it."""
        known = recollection.recall(self.environment, state, memory)
        belief = believe(self.environment, state, self.knowledge, known)
        decision = decide(self.environment, state, belief, self.defence)
        return _encode(self.environment, state, decision), recollection.decided(known, state, decision)


def _encode(environment: AgentMigration, state: AgentMigrationState, decision: Decision) -> Float[Array, " a"]:
    return encode(
        decision.target,
        decision.share,
        decision.defence,
        environment.rsus,
        environment.parameters.share_sharpness,
        state.serving,
    )
