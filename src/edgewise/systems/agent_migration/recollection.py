"""How a reference policy remembers an episode: the memory is brought up to date when the next slot is seen."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from edgewise.numerics.select import select
from edgewise.systems.agent_migration import memory as operator
from edgewise.systems.agent_migration.decision import Decision
from edgewise.systems.agent_migration.environment import AgentMigration, AgentMigrationState
from edgewise.systems.agent_migration.memory import Memory, Seen


class Recollection(eqx.Module):
    """What is known of an episode so far.

    Attributes:
        memory: what an operator remembers at the start of the slot that was recalled last.
        seen: what he saw then.
        target, defence: what was decided in it.
        attacked, reconnaissance: the hidden state of the attacks in it, for references that learn it late.
        first: whether nothing has been decided yet.
    """

    memory: Memory
    seen: Seen
    target: Int[Array, " v"]
    defence: Bool[Array, " s"]
    attacked: Bool[Array, " s"]
    reconnaissance: Int[Array, " s"]
    first: Bool[Array, ""]


def begin(environment: AgentMigration, state: AgentMigrationState) -> Recollection:
    """At the start of an episode."""
    seen = operator.see(environment, state)
    return Recollection(
        memory=operator.begin(environment.parameters, seen),
        seen=seen,
        target=state.serving,
        defence=jnp.zeros(environment.rsus, bool),
        attacked=state.attacked,
        reconnaissance=state.reconnaissance,
        first=jnp.asarray(True),
    )


def recall(environment: AgentMigration, state: AgentMigrationState, past: Recollection) -> Recollection:
    """At the start of a slot: with the memory of now, but the decision and the attacks of the slot before."""
    seen = operator.see(environment, state)
    later = operator.remember(environment.parameters, past.memory, past.seen, past.target, past.defence, seen)
    memory = select(past.first, past.memory, later)
    return eqx.tree_at(lambda r: (r.memory, r.seen), past, (memory, seen))


def decided(past: Recollection, state: AgentMigrationState, decision: Decision) -> Recollection:
    """When the slot's decision is made."""
    return eqx.tree_at(
        lambda r: (r.target, r.defence, r.attacked, r.reconnaissance, r.first),
        past,
        (decision.target, decision.defence, state.attacked, state.reconnaissance, jnp.asarray(False)),
    )
