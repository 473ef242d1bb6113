"""What a look-ahead takes for true: each part of it from a rule, from what an operator remembers, or from the hidden truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from edgewise.systems.agent_migration import belief as attacks
from edgewise.systems.agent_migration.environment import AgentMigration, AgentMigrationState
from edgewise.systems.agent_migration.parameters import Parameters
from edgewise.systems.agent_migration.recollection import Recollection

SOON = 0.7
"""Part of a foreseen attack's slowdown that the next slot is taken to pay: it can be defended against then."""


@dataclass(frozen=True)
class Knowledge:
    """Where each part of a belief comes from. "truth" reads the hidden state, all else what an operator can know.

    Attributes:
        attacks: "none" believes in no attack; "flags" takes a unit for attacked when its mean reputation is below the
            threshold; "filter" has probabilities from the reputations so far (see `belief`), and "targets" knows the attacker's
            targets besides; "late" knows all that happened to the attacks up to the last slot, and nothing of what started or
            ended since; "truth" knows this slot's.
        volumes: "means", or "truth".
        copies: "present" takes every agent to be in place; "fallen" knows that a vehicle that fell out of its target's reach
            lacks its agent; or "truth".
        pace: "common", the expected next positions; "own", by the vehicle's mean pace so far; or "truth", by its true speed.
        foresight: whether attacks that may start before the next slot count, and that it can be defended then; without,
            running ones go on.
        distrust: whether the charge for distrust (22d) counts.
    """

    attacks: Literal["none", "flags", "filter", "targets", "late", "truth"] = "flags"
    volumes: Literal["means", "truth"] = "means"
    copies: Literal["present", "fallen", "truth"] = "present"
    pace: Literal["common", "own", "truth"] = "common"
    foresight: bool = False
    distrust: bool = True

    @property
    def remembers(self) -> bool:
        """Whether it needs what was seen in earlier slots."""
        return self.attacks in ("filter", "targets", "late") or self.copies == "fallen" or self.pace == "own"


class Belief(eqx.Module):
    """What a look-ahead takes for true.

    Attributes:
        states: probability of each unit's state in this slot, see `belief`.
        following: part of an attack's slowdown that each unit is expected to suffer in the next slot, unless a defence
            succeeds in this one.
        data: volume each vehicle sends in this slot, byte.
        missing: probability that the serving unit lacks the vehicle's agent.
        next_positions: coordinates one slot later, m.
        distrust: reputation below the threshold, which (22d) charges; nowhere where reputation is ignored.
    """

    states: Float[Array, "s 4"]
    following: Float[Array, " s"]
    data: Float[Array, " v"]
    missing: Float[Array, " v"]
    next_positions: Float[Array, "v 2"]
    distrust: Bool[Array, "v s"]

    @property
    def attacked(self) -> Float[Array, " s"]:
        """Probability that each unit is under attack in this slot."""
        return self.states[:, attacks.ATTACKED]


def believe(
    environment: AgentMigration,
    state: AgentMigrationState,
    knowledge: Knowledge,
    recollection: Recollection | None = None,
) -> Belief:
    """What can be believed at the start of a slot.

    Args:
        environment: the system.
        state: at the start of the slot.
        knowledge: what each part comes from.
        recollection: what is remembered of the slots before; None only if `knowledge.remembers` is false.
    """
    p = environment.parameters
    states = _states(p, state, knowledge, recollection)
    following = states[:, attacks.ATTACKED] * (1 - p.attack_end_probability)
    if knowledge.foresight:
        following = SOON * attacks.attacked_next(p, states, jnp.zeros(len(states)))
    return Belief(
        states=states,
        following=following,
        data=state.data if knowledge.volumes == "truth" else p.raw_data,
        missing=_missing(state, knowledge, recollection).astype(float),
        next_positions=_next_positions(environment, state, knowledge, recollection),
        distrust=jnp.asarray(knowledge.distrust) & (state.reputation < p.reputation_threshold),
    )


def _states(
    p: Parameters, state: AgentMigrationState, knowledge: Knowledge, recollection: Recollection | None
) -> Float[Array, "s 4"]:
    """Probabilities of each unit's state in this slot."""
    if knowledge.attacks in ("none", "flags"):
        flagged = state.reputation.mean(axis=0) < p.reputation_threshold
        attacked = (jnp.asarray(knowledge.attacks == "flags") & flagged).astype(float)
        return jnp.stack([1 - attacked, 0 * attacked, 0 * attacked, attacked], axis=1)
    if knowledge.attacks == "truth":
        quiet, resting = state.target & ~state.attacked, state.reconnaissance > 0
        columns = (~state.target & ~state.attacked, quiet & ~resting, quiet & resting, state.attacked)
        return jnp.stack(columns, axis=1).astype(float)
    assert recollection is not None
    if knowledge.attacks == "filter":
        return attacks.states(p, recollection.memory.filter)
    if knowledge.attacks == "targets":
        return attacks.states_of(recollection.memory.filter, state.target.astype(float))
    return _known_late(p, state, recollection)


def _known_late(p: Parameters, state: AgentMigrationState, past: Recollection) -> Float[Array, "s 4"]:
    """Probabilities of each unit's state for one who knows the hidden state of the last slot and whether defences helped.

    These are the best that any filter of the attacks can come to.
    """
    resting = state.reconnaissance > 0
    # without reconnaissance a success leaves no trace in the state: what reputations tell of it stands in
    unhurt = past.attacked * (1 - past.memory.filter.hit) * (p.reconnaissance_slots == 0)
    goes_on = past.attacked * (1 - unhurt) * (1 - p.attack_end_probability)
    starts = jnp.where(~past.attacked & (past.reconnaissance == 0) & ~past.first, p.attack_frequency, 0.0)
    attacked = jnp.where(resting, 0.0, goes_on + starts)
    idle = jnp.where(resting, 0.0, 1 - attacked)
    active = jnp.stack([idle, resting.astype(float), attacked], axis=1)
    target = state.target[:, None]
    return jnp.concatenate([~target, target * active], axis=1)


def _missing(state: AgentMigrationState, knowledge: Knowledge, recollection: Recollection | None) -> Bool[Array, " v"]:
    """Where the serving unit lacks the vehicle's agent."""
    if knowledge.copies == "truth":
        return ~state.copy_present
    if knowledge.copies == "fallen":
        assert recollection is not None
        return recollection.memory.fell_back
    return jnp.zeros_like(state.copy_present)


def _next_positions(
    environment: AgentMigration, state: AgentMigrationState, knowledge: Knowledge, recollection: Recollection | None
) -> Float[Array, "v 2"]:
    mobility = environment.mobility
    if knowledge.pace == "truth":
        return mobility.positions(mobility.advance(state.mobility, jnp.zeros(environment.vehicles)))
    if knowledge.pace == "own":
        assert recollection is not None
        return mobility.predict_at(state.mobility, recollection.memory.pace)
    return mobility.predict(state.mobility)
