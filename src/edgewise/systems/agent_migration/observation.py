"""What a policy sees and decides, number by number, and what reads its decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from edgewise.common.errors import ConfigurationError
from edgewise.environments.fields import Field
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.decision import decode
from edgewise.systems.agent_migration.entities import SHARE, EntityMigration
from edgewise.systems.agent_migration.environment import LOAD_LIMIT, POSITION_LIMIT, AgentMigration
from edgewise.systems.agent_migration.features import VEHICLES


def fields(environment: AgentMigration | EntityMigration) -> tuple[Field, ...]:
    """The parts of `AgentMigration.observe`, in their order; nothing for entities, whose space tells."""
    if isinstance(environment, EntityMigration):
        return ()
    v, s, p = environment.vehicles, environment.rsus, environment.parameters
    centre = tuple(np.tile(np.asarray(p.center, float), v).tolist())
    seen = (
        Field(
            "position", "m", -POSITION_LIMIT, POSITION_LIMIT, (v, 2), float(p.half_extent), centre,
            "x and y of each vehicle",
        ),
        Field("serving", "1", 0.0, 1.0, (v, s), meaning="1 for the RSU that serves the vehicle, else 0"),
        Field(
            "load", "slot", -0.5, LOAD_LIMIT / 2 - 0.5, (s,), 2.0, 1.0,
            f"processor time that waits at each RSU, at most {LOAD_LIMIT:g}",
        ),
    )  # fmt: skip
    if not environment.observe_reputation:
        return seen
    return (*seen, Field("reputation", "1", -3.0, 1.0, (v, s), 0.5, 0.5, "B of each RSU as each user holds it"))


def action_fields(environment: AgentMigration | EntityMigration) -> tuple[Field, ...]:
    """The parts of an action, in their order, which `decoder` reads; nothing for entities, whose space tells."""
    if isinstance(environment, EntityMigration):
        return ()
    v, s = environment.vehicles, environment.rsus
    return (
        Field("target_score", "1", -1.0, 1.0, (v, s), meaning="the highest one is the vehicle's target"),
        Field("share_weight", "1", -1.0, 1.0, (v,), meaning="exponential weight of the vehicle's processor share"),
        Field("defence", "1", -1.0, 1.0, (s,), meaning="positive where the RSU runs a moving target defence"),
    )


def decoder(config: AgentMigrationConfig) -> Callable[[Any, Any], dict[str, Any]]:
    """Reads an action beside the observation that it was given for, which tells who serves whom.

    Returns:
        `read(action, observation)`: `target`, the RSU to which each vehicle's agent is pre-migrated [V]; `share` of the serving
        RSU's processor for each vehicle [V]; `defence`, RSUs that run a moving target defence [S]. It raises a
        ConfigurationError without an observation.
    """
    v, entities = config.vehicles, config.observation == "entities"

    def read(action: Any, observation: Any) -> dict[str, Any]:
        if observation is None:
            raise ConfigurationError(
                "observation", None, "that for which the action was given: it tells who serves whom"
            )
        if entities:
            share = np.asarray(observation[VEHICLES][SHARE])
            own = share if config.view == "central" else np.diagonal(share)  # of V + S views: each vehicle's of itself
            return {**action, SHARE: own}
        s = (len(action) - v) // (v + 1)  # of V S + V + S components; a recording has its own number of RSUs
        serving = np.argmax(np.asarray(observation)[2 * v : 2 * v + v * s].reshape(v, s), axis=1)
        sharpness = jnp.asarray(config.share_sharpness, dtype=float)
        decision = decode(jnp.asarray(action), jnp.asarray(serving), s, sharpness)
        return {"target": decision.target, "share": decision.share, "defence": decision.defence}

    return read
