"""Reference policies for agent migration (spec section 10): fixed rules, and look-ahead over one slot.

A policy is a pure function `(key, state, observation) -> action`. The rules read from the state only what an
observation with reputations shows (positions, serving RSU, loads, reputations) and what is known beforehand (mean data
volumes, the vehicles' expected way); they take every agent to be in place. The policies named oracle read the hidden
state as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from edgewise.systems.agent_migration.allocation import optimal_shares, optimal_shares_migrating
from edgewise.systems.agent_migration.assignment import FORBIDDEN, AssignmentProblem, reachable, solve
from edgewise.systems.agent_migration.channel import distances, path_gain, spectral_efficiency
from edgewise.systems.agent_migration.decision import encode, shares
from edgewise.systems.agent_migration.environment import LOAD_LIMIT, AgentMigration, AgentMigrationState
from edgewise.systems.agent_migration.latency import migration_time, transfer_time

NAMES = (
    "random",
    "stay",
    "nearest",
    "nearest-next",
    "nearest-next-shares",
    "nearest-next-defence",
    "least-loaded-naive",
    "least-loaded",
    "highest-reputation",
    "highest-reputation-defence",
    "look-ahead-blind",
    "look-ahead-blind-defended",
    "look-ahead-undefended",
    "look-ahead",
    "oracle-undefended",
    "oracle",
)
Policy = Callable[[PRNGKeyArray, AgentMigrationState, Float[Array, " o"]], Float[Array, " a"]]
Knowledge = Literal["blind", "trust", "oracle"]
Defence = Literal["never", "always", "worthwhile"]


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
        """The action."""
        return self.function(self.environment, key, state, observation)


def build(environment: AgentMigration) -> dict[str, Policy]:
    """All reference policies by name, from the weakest to the strongest kind.

    "...-shares" adds the closed-form shares, "...-defence" a defence of flagged RSUs where it pays; the other simple
    rules split processors equally and never defend. "look-ahead" trusts reputations and defends where that pays,
    "look-ahead-undefended" never defends, "look-ahead-blind" ignores reputations and never defends,
    "look-ahead-blind-defended" always does. "oracle" is the look-ahead that knows attacks, volumes, copies and speeds.

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
        "look-ahead-blind": LookAhead(environment, "blind", "never"),
        "look-ahead-blind-defended": LookAhead(environment, "blind", "always"),
        "look-ahead-undefended": LookAhead(environment, "trust", "never"),
        "look-ahead": LookAhead(environment, "trust", "worthwhile"),
        "oracle-undefended": LookAhead(environment, "oracle", "never"),
        "oracle": LookAhead(environment, "oracle", "worthwhile"),
    }


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
    """`nearest_next` with processor shares in proportion to the square root of the mean volume (spec section 9)."""
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
    brings = _mean_work(environment) / environment.parameters.slot_seconds

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


class Belief(eqx.Module):
    """What a look-ahead takes for true.

    Attributes:
        attacked: probability that each RSU is under attack in this slot.
        data: volume each vehicle sends in this slot, byte.
        missing: where the serving RSU lacks the vehicle's agent.
        next_positions: coordinates one slot later, m.
        distrust: reputation below the threshold, which (22d) charges; nowhere where reputation is ignored.
    """

    attacked: Float[Array, " s"]
    data: Float[Array, " v"]
    missing: Bool[Array, " v"]
    next_positions: Float[Array, "v 2"]
    distrust: Bool[Array, "v s"]


def believe(environment: AgentMigration, state: AgentMigrationState, knowledge: Knowledge) -> Belief:
    """What can be believed at the start of a slot.

    Args:
        environment: the system.
        state: at the start of the slot.
        knowledge: "blind" believes in no attack; "trust" takes an RSU for attacked when it is flagged, that is when its
            mean reputation is below the threshold; "oracle" knows the attacks, volumes, copies and the vehicles' own
            speeds, and pays no heed to distrust.
    """
    p, mobility = environment.parameters, environment.mobility
    if knowledge == "oracle":
        return Belief(
            attacked=state.attacked.astype(float),
            data=state.data,
            missing=~state.copy_present,
            next_positions=mobility.positions(mobility.advance(state.mobility, jnp.zeros(environment.vehicles))),
            distrust=jnp.zeros_like(state.reputation, dtype=bool),
        )
    trusting = jnp.asarray(knowledge == "trust")
    flagged = state.reputation.mean(axis=0) < p.reputation_threshold
    return Belief(
        attacked=(trusting & flagged).astype(float),
        data=p.raw_data,
        missing=jnp.zeros(environment.vehicles, dtype=bool),
        next_positions=mobility.predict(state.mobility),
        distrust=trusting & (state.reputation < p.reputation_threshold),
    )


def worthwhile_defence(
    environment: AgentMigration, state: AgentMigrationState, belief: Belief, share: Float[Array, " v"]
) -> Bool[Array, " s"]:
    """RSUs on which a defence is expected to save more latency in this slot than the T_ext that it costs.

    Args:
        environment: the system.
        state: at the start of the slot.
        belief: what is taken for true.
        share: processor share of each vehicle.
    """
    p, serving = environment.parameters, state.serving
    served = serving[:, None] == jnp.arange(environment.rsus)
    up, down = (_pick(rate, serving) for rate in environment.rates(state, jnp.ones(environment.rsus)))
    deployment, processing = _present_work(environment, state, belief)
    healthy = (
        transfer_time(belief.data + jnp.where(belief.missing, p.agent_data, 0.0), up)
        + transfer_time(p.result_share * belief.data, down)
        + (deployment + processing) / share
    )
    saving = p.defence_success * belief.attacked * _slowdown(environment) * (healthy @ served.astype(float))
    return saving > p.defence_seconds * served.sum(axis=0)


def next_slot_problem(
    environment: AgentMigration,
    state: AgentMigrationState,
    belief: Belief,
    defence: Bool[Array, " s"],
    share: Float[Array, " v"],
) -> AssignmentProblem:
    """Cost of the targets: what they add to this slot and the expected latency of the next one.

    This slot pays max(0, T_mig - T_pro) and the charge for distrust. The next one pays radio time, optimally shared
    processor time and the charge for overload at the expected positions, slowed by the attacks that are expected to go
    on, and the upload and deployment of an agent whose copy an attack may destroy on the way.

    Args:
        environment: the system.
        state: at the start of the slot.
        belief: what is taken for true.
        defence: RSUs that run a defence in this slot.
        share: processor share of each vehicle in this slot.
    """
    p, serving = environment.parameters, state.serving
    effective = belief.attacked * jnp.where(defence, 1 - p.defence_success, 1.0)
    slower = 1 + _slowdown(environment) * effective * (1 - p.attack_end_probability)

    distance = distances(belief.next_positions, p.rsu_positions)
    gain = path_gain(distance, p.carrier_hz, p.antenna_gain, p.minimum_distance)
    up = p.spectrum_hz * spectral_efficiency(gain, p.vehicle_power, p.noise) / slower
    down = p.spectrum_hz * spectral_efficiency(gain, p.rsu_power, p.noise) / slower
    data, agent = p.raw_data[:, None], p.agent_data[:, None]
    work = _mean_work(environment)
    redeployed = work + p.cycles_per_byte * agent / p.cpu_hz

    moves = serving[:, None] != jnp.arange(environment.rsus)
    exposed = jnp.maximum(effective[serving][:, None], effective)
    lost = jnp.where(moves, p.copy_loss_probability * exposed, 0.0)

    _, processing = _present_work(environment, state, belief)
    present_processing = processing / share * (1 + _slowdown(environment) * effective[serving])
    waiting = jnp.maximum(0.0, _migration(environment, state, effective) - present_processing[:, None])

    fixed = (
        waiting
        + p.trust_penalty_s * belief.distrust
        + transfer_time(jnp.broadcast_to(data, up.shape) + lost * agent, up)
        + transfer_time(jnp.broadcast_to(p.result_share * data, down.shape), down)
    )
    return AssignmentProblem(
        fixed=jnp.where(reachable(distance, p.coverage), fixed, FORBIDDEN),
        root=((1 - lost) * jnp.sqrt(work) + lost * jnp.sqrt(redeployed)) * jnp.sqrt(slower),
        load=work,
        capacity=jnp.full(environment.rsus, p.max_load * p.slot_seconds),
        overload_price=p.overload_penalty,
    )


class LookAhead(eqx.Module):
    """Choose all targets jointly for the least expected cost of this slot and the next, then this slot's best shares.

    Attributes:
        environment: the system it acts in.
        knowledge: see `believe`.
        defence: "never", "always", or "worthwhile" (see `worthwhile_defence`).
    """

    environment: AgentMigration
    knowledge: Knowledge = eqx.field(static=True)
    defence: Defence = eqx.field(static=True)

    def __call__(
        self, key: PRNGKeyArray, state: AgentMigrationState, observation: Float[Array, " o"]
    ) -> Float[Array, " a"]:
        """The action, from the state (and the hidden part of it only for an oracle)."""
        environment, p = self.environment, self.environment.parameters
        belief = believe(environment, state, self.knowledge)
        deployment, processing = _present_work(environment, state, belief)
        share = optimal_shares(deployment + processing, state.serving, environment.rsus)
        if self.defence == "worthwhile":
            defence = worthwhile_defence(environment, state, belief, share)
        else:
            defence = jnp.full(environment.rsus, self.defence == "always")
        target, _ = solve(next_slot_problem(environment, state, belief, defence, share))

        effective = belief.attacked * jnp.where(defence, 1 - p.defence_success, 1.0)
        slower = 1 + _slowdown(environment) * effective[state.serving]
        migration = _pick(_migration(environment, state, effective), target)
        share = optimal_shares_migrating(
            slower * deployment, slower * processing, migration, state.serving, environment.rsus
        )
        return _act(environment, state, target, share, defence)


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
    belief = believe(environment, state, "trust")
    return worthwhile_defence(environment, state, belief, _equal_shares(environment, state))


def _observed_load(environment: AgentMigration, state: AgentMigrationState) -> Float[Array, " s"]:
    return jnp.clip(environment.load(state), 0, LOAD_LIMIT)


def _mean_work(environment: AgentMigration) -> Float[Array, "v s"]:
    """Processor seconds that each vehicle's mean volume asks of each RSU."""
    p = environment.parameters
    return p.cycles_per_byte * p.computed_share * p.raw_data[:, None] / p.cpu_hz


def _present_work(
    environment: AgentMigration, state: AgentMigrationState, belief: Belief
) -> tuple[Float[Array, " v"], Float[Array, " v"]]:
    """Seconds of its RSU's healthy processor that each vehicle asks for deployment and for processing in this slot."""
    p = environment.parameters
    per_byte = p.cycles_per_byte / p.cpu_hz[state.serving]
    deployment = jnp.where(belief.missing, per_byte * p.agent_data, 0.0)
    return deployment, per_byte * p.computed_share * belief.data


def _migration(
    environment: AgentMigration, state: AgentMigrationState, effective: Float[Array, " s"]
) -> Float[Array, "v s"]:
    """T_mig from the serving RSU to every other in s, over links slowed by the expected attacks."""
    p = environment.parameters
    health = 1 - p.attack_severity * effective
    link = p.backhaul_bps * jnp.minimum(health[state.serving][:, None], health)
    return migration_time(jnp.broadcast_to(p.agent_data[:, None], link.shape), p.hops[state.serving], link)


def _slowdown(environment: AgentMigration) -> Float[Array, ""]:
    """What an attack adds to every latency of an RSU, as a part of its healthy value."""
    return 1 / (1 - environment.parameters.attack_severity) - 1


def _pick(table: Float[Array, "v s"], column: Int[Array, " v"]) -> Float[Array, " v"]:
    return jnp.take_along_axis(table, column[:, None], axis=1)[:, 0]
