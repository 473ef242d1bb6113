"""Reference policies for agent migration: fixed rules, and look-ahead over one slot (see `look_ahead`).

The rules and the look-aheads without a memory are pure functions `(key, state, observation) -> action`. They read from the
state only what an observation with reputations shows (positions, serving RSU, loads, reputations) and what is known
beforehand (mean data volumes, the vehicles' expected way), and take every agent to be in place. Those that filter remember
what they have seen too. The policies named oracle read the hidden state as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from edgewise.environments.instances import InstanceGroups, example
from edgewise.environments.system import Reference
from edgewise.systems.agent_migration import assignment
from edgewise.systems.agent_migration.allocation import optimal_shares
from edgewise.systems.agent_migration.assignment import reachable
from edgewise.systems.agent_migration.channel import distances
from edgewise.systems.agent_migration.costs import mean_work, worthwhile_defence
from edgewise.systems.agent_migration.decision import encode, shares
from edgewise.systems.agent_migration.entities import EntityMigration
from edgewise.systems.agent_migration.environment import LOAD_LIMIT, AgentMigration, AgentMigrationState
from edgewise.systems.agent_migration.knowledge import Knowledge, believe
from edgewise.systems.agent_migration.look_ahead import LookAhead, RememberingLookAhead
from edgewise.systems.agent_migration.memory import see

BLIND = Knowledge(attacks="none", distrust=False)
TRUSTING = Knowledge()
FILTERING = Knowledge(attacks="filter", copies="fallen", pace="own", foresight=True)
ORACLE = Knowledge(attacks="truth", volumes="truth", copies="truth", pace="truth", distrust=False)

JOINT = (LookAhead, RememberingLookAhead)
"""Policies that choose all targets jointly."""


class Rule(eqx.Module):
    """A policy from a function that also takes the environment.

    Attributes:
        environment: the system it acts in.
        function: `(environment, key, state, observation) -> action`.
    """

    environment: AgentMigration
    function: Callable[[AgentMigration, PRNGKeyArray, AgentMigrationState, Array], Array] = eqx.field(static=True)

    def __call__(
        self, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"]
    ) -> Float[Array, " a"]:
        """The action that the policy takes in the state."""
        return self.function(self.environment, key, state, observation)


def build(environment: AgentMigration) -> dict[str, Reference]:
    """All reference policies by name, from the weakest to the strongest kind.

    "...-shares" adds the closed-form shares, "...-defence" a defence of flagged RSUs where it pays; the other simple
    rules split processors equally and never defend. "look-ahead" trusts reputations and defends where that pays,
    "look-ahead-undefended" never defends, "look-ahead-blind" ignores reputations and never defends,
    "look-ahead-blind-defended" always does. "filtering-look-ahead" has probabilities of the attacks from a hidden Markov
    filter (see `belief`), and knows fallen-back vehicles and each one's own pace; "far-sighted-look-ahead" also counts what
    a successful defence saves in later slots. "oracle" is the look-ahead that knows attacks, volumes, copies and speeds.
    "...-undistrusting" pays no heed to the charge for distrust, as "oracle" does; "oracle-trusting" minds it.

    Policies are PyTrees: pass them through `equinox.filter_jit` to reuse one program for a sweep of parameters.

    Args:
        environment: the system they act in.
    """
    return {
        "random": Rule(environment, random),
        "stay": Rule(environment, stay),
        "nearest": Rule(environment, nearest),
        "nearest-next": Rule(environment, nearest_next),
        "nearest-next-shares": Rule(environment, nearest_next_shares),
        "nearest-next-defence": Rule(environment, nearest_next_defence),
        "least-loaded-naive": Rule(environment, least_loaded_naive),
        "least-loaded": Rule(environment, least_loaded),
        "highest-reputation": Rule(environment, highest_reputation),
        "highest-reputation-defence": Rule(environment, highest_reputation_defence),
        "look-ahead-blind": LookAhead(environment, BLIND, "never"),
        "look-ahead-blind-defended": LookAhead(environment, BLIND, "always"),
        "look-ahead-undefended": LookAhead(environment, TRUSTING, "never"),
        "look-ahead": LookAhead(environment, TRUSTING, "worthwhile"),
        "filtering-look-ahead": RememberingLookAhead(environment, FILTERING, "worthwhile"),
        "filtering-look-ahead-undistrusting": RememberingLookAhead(
            environment, replace(FILTERING, distrust=False), "worthwhile"
        ),
        "far-sighted-look-ahead": RememberingLookAhead(environment, FILTERING, "lasting"),
        "oracle-undefended": LookAhead(environment, ORACLE, "never"),
        "oracle": LookAhead(environment, ORACLE, "worthwhile"),
        "oracle-trusting": LookAhead(environment, replace(ORACLE, distrust=True), "worthwhile"),
    }


def find(environment: AgentMigration, name: str) -> Reference:
    """One reference policy.

    Raises:
        ConfigurationError: if it chooses all targets jointly, and there are too many pairs of vehicle and unit for that.
    """
    policy = build(environment)[name]
    if isinstance(policy, JOINT):
        assignment.require_size(environment.vehicles, environment.rsus)
    return policy


def remarks(environment: Any, names: Sequence[str]) -> tuple[str, ...]:
    """Which policies search for targets because the exact choice of all would take too long.

    Args:
        environment: a system in any form, or many instances of it.
        names: of the policies.
    """
    groups = environment.groups if isinstance(environment, InstanceGroups) else (environment,)
    systems = [one.system if isinstance(one, EntityMigration) else one for one in map(example, groups)]
    sizes = {(one.vehicles, one.rsus): f"{one.vehicles} vehicles on {one.rsus} RSUs" for one in systems}
    large = [words for size, words in sizes.items() if not assignment.is_exact(*size)]
    policies = build(systems[0])
    searching = [name for name in names if isinstance(policies.get(name), JOINT)]
    if not large or not searching:
        return ()
    return (
        f"{', '.join(searching)}: local search, as the best targets of {'; '.join(large)} would take too long to find",
    )


def random(
    environment: AgentMigration, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"]
) -> Float[Array, " a"]:
    """Uniform on the action space."""
    return environment.action_space.sample(key)


def stay(
    environment: AgentMigration, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"]
) -> Float[Array, " a"]:
    """Leave every agent where it is; a vehicle moves on only when it falls out of coverage."""
    return _act(environment, state, state.serving)


def nearest(
    environment: AgentMigration, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"]
) -> Float[Array, " a"]:
    """Migrate to the RSU that is nearest now."""
    distance = distances(environment.mobility.positions(state.mobility), environment.parameters.rsu_positions)
    return _act(environment, state, jnp.argmin(distance, axis=1))


def nearest_next(
    environment: AgentMigration, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"]
) -> Float[Array, " a"]:
    """Migrate to the RSU that will be nearest at the expected next position."""
    return _act(environment, state, _nearest_next(environment, state))


def nearest_next_shares(
    environment: AgentMigration, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"]
) -> Float[Array, " a"]:
    """`nearest_next` with processor shares in proportion to the square root of the mean volume (see `allocation`)."""
    share = optimal_shares(environment.parameters.raw_data, state.serving, environment.rsus)
    return _act(environment, state, _nearest_next(environment, state), share=share)


def nearest_next_defence(
    environment: AgentMigration, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"]
) -> Float[Array, " a"]:
    """`nearest_next` with a defence of flagged RSUs where it pays."""
    return _act(environment, state, _nearest_next(environment, state), defence=_flagged_defence(environment, state))


def least_loaded_naive(
    environment: AgentMigration, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"]
) -> Float[Array, " a"]:
    """Every vehicle migrates to the least loaded RSU in reach at its expected next position, all by the same loads."""
    load = jnp.where(_reach_next(environment, state), _observed_load(environment, state), jnp.inf)
    return _act(environment, state, jnp.argmin(load, axis=1))


def least_loaded(
    environment: AgentMigration, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"]
) -> Float[Array, " a"]:
    """One vehicle after another, the largest mean volume first, migrates to the RSU that is least loaded with it.

    Loads of the next slot are planned from nothing; RSUs in reach at the expected next position are open to a vehicle.
    """
    sites = jnp.arange(environment.rsus)
    reach = _reach_next(environment, state)
    brings = mean_work(environment.parameters) / environment.parameters.slot_seconds

    def choose(load: Float[Array, " s"], v: Int[Array, ""]) -> tuple[Array, Array]:
        target = jnp.argmin(jnp.where(reach[v], load + brings[v], jnp.inf))
        return load + jnp.where(sites == target, brings[v], 0.0), target

    order = jnp.argsort(-environment.parameters.raw_data)
    _, chosen = jax.lax.scan(choose, jnp.zeros(environment.rsus), order)
    return _act(environment, state, jnp.zeros_like(chosen).at[order].set(chosen))


def highest_reputation(
    environment: AgentMigration, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"]
) -> Float[Array, " a"]:
    """Migrate to the RSU in reach at the expected next position that the user trusts most."""
    return _act(environment, state, _most_trusted(environment, state))


def highest_reputation_defence(
    environment: AgentMigration, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"]
) -> Float[Array, " a"]:
    """`highest_reputation` with a defence of flagged RSUs where it pays."""
    return _act(environment, state, _most_trusted(environment, state), defence=_flagged_defence(environment, state))


def _act(
    environment: AgentMigration,
    state: AgentMigrationState,
    target: Int[Array, " v"],
    share: Float[Array, " v"] | None = None,
    defence: Bool[Array, " s"] | None = None,
) -> Float[Array, " a"]:
    return encode(
        target,
        _equal_shares(environment, state) if share is None else share,
        jnp.zeros(environment.rsus, dtype=bool) if defence is None else defence,
        environment.rsus,
        environment.parameters.share_sharpness,
        state.serving,
    )


def _equal_shares(environment: AgentMigration, state: AgentMigrationState) -> Float[Array, " v"]:
    return shares(jnp.ones(environment.vehicles), state.serving, environment.rsus)


def _distance_next(environment: AgentMigration, state: AgentMigrationState) -> Float[Array, "v s"]:
    return distances(environment.mobility.predict(state.mobility), environment.parameters.rsu_positions)


def _nearest_next(environment: AgentMigration, state: AgentMigrationState) -> Int[Array, " v"]:
    return jnp.argmin(_distance_next(environment, state), axis=1)


def _reach_next(environment: AgentMigration, state: AgentMigrationState) -> Bool[Array, "v s"]:
    return reachable(_distance_next(environment, state), environment.parameters.coverage)


def _most_trusted(environment: AgentMigration, state: AgentMigrationState) -> Int[Array, " v"]:
    return jnp.argmax(jnp.where(_reach_next(environment, state), state.reputation, -jnp.inf), axis=1)


def _flagged_defence(environment: AgentMigration, state: AgentMigrationState) -> Bool[Array, " s"]:
    belief = believe(environment, state, TRUSTING)
    return worthwhile_defence(
        environment.parameters, see(environment, state), belief, _equal_shares(environment, state)
    )


def _observed_load(environment: AgentMigration, state: AgentMigrationState) -> Float[Array, " s"]:
    return jnp.clip(environment.load(state), 0, LOAD_LIMIT)
