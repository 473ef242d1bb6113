"""The reward of a slot, decomposed into what each vehicle costs the system."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from edgewise.systems.agent_migration.decision import Decision
from edgewise.systems.agent_migration.environment import AgentMigration, AgentMigrationState
from edgewise.systems.agent_migration.latency import Latency


def vehicle_costs(
    environment: AgentMigration, state: AgentMigrationState, decision: Decision, latency: Latency
) -> Float[Array, " v"]:
    """What the system would save in a slot without each vehicle (difference rewards: Wolpert and Tumer, 2002), s.

    That is its own latency; the processor time that it costs the others of its unit, which would share what it has in
    proportion; its part of the charge for overload; and its charge for distrust.

    Args:
        environment: the system.
        state: at the start of the slot.
        decision: what was decided.
        latency: what it led to.
    """
    p = environment.parameters
    served = (state.serving[:, None] == jnp.arange(environment.rsus)).astype(float)
    processor = latency.deployment + latency.processing
    others = (processor @ served)[state.serving] - processor

    load = environment.load(state)
    own = environment.work(state) / (p.cpu_hz[state.serving] * p.slot_seconds)
    over, without = (jnp.maximum(0.0, each - p.max_load) for each in (load[state.serving], load[state.serving] - own))
    chosen = jnp.take_along_axis(state.reputation, decision.target[:, None], axis=1)[:, 0]
    return (
        latency.total
        + decision.share * others
        + p.overload_penalty * p.slot_seconds * (over - without)
        + p.trust_penalty_s * (chosen < p.reputation_threshold)
    )
