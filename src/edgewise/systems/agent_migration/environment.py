"""The agent-migration environment: a slot of section III of the CGDM paper, in the order of docs/systems/agent-migration.md."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from edgewise.common.errors import ConfigurationError
from edgewise.environments.environment import Environment, TimeStep
from edgewise.environments.spaces import Box
from edgewise.systems.agent_migration import attack, standing, trust
from edgewise.systems.agent_migration.channel import distances, path_gain, spectral_efficiency
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.decision import Decision, decode
from edgewise.systems.agent_migration.hidden import hidden, vector, vector_space
from edgewise.systems.agent_migration.latency import (
    Latency,
    computing_time,
    migration_time,
    total_latency,
    transfer_time,
)
from edgewise.systems.agent_migration.mobility.base import Mobility
from edgewise.systems.agent_migration.mobility.loops import RectangularLoops
from edgewise.systems.agent_migration.parameters import Parameters, build_parameters
from edgewise.systems.agent_migration.sampling import Draws, ResetDraws, draw_reset, draw_step
from edgewise.systems.agent_migration.standing import Standing

LOAD_LIMIT = 4.0  # slots of waiting work; more look the same to a policy
POSITION_LIMIT = 10.0  # half extents of the area: a recording may go beyond the one that was chosen for it


class AgentMigrationState(eqx.Module):
    """What the system knows at the start of a slot; the policy sees only `AgentMigration.observe`.

    Attributes:
        mobility: state of the mobility model.
        serving: RSU that serves each vehicle, K_v.
        copy_present: whether that RSU holds the vehicle's agent, epsilon_v.
        data: volume each vehicle sends in this slot, D_raw, byte.
        target: RSUs that the attacker has chosen in this episode.
        attacked: RSUs under attack in this slot.
        reconnaissance: slots of reconnaissance left to the attacker.
        positive, negative: evaluations p_{u,s}, q_{u,s} so far.
        window_latency, window_visits: total latency (s) and number of vehicle-slots of each RSU in the last tau slots.
        reputation: B_{u,s}.
        slot: number of slots done.
    """

    mobility: Any
    serving: Int[Array, " v"]
    copy_present: Bool[Array, " v"]
    data: Float[Array, " v"]
    target: Bool[Array, " s"]
    attacked: Bool[Array, " s"]
    reconnaissance: Int[Array, " s"]
    positive: Float[Array, "v s"]
    negative: Float[Array, "v s"]
    window_latency: Float[Array, "w s"]
    window_visits: Float[Array, "w s"]
    reputation: Float[Array, "v s"]
    slot: Int[Array, ""]


class AgentMigration(Environment[AgentMigrationState]):
    """Where each vehicle's AI agent migrates, who gets how much processor, and which RSUs move their defence.

    Attributes:
        parameters: the numbers, sweepable.
        mobility: where the vehicles are.
        slots: length of an episode.
        trust_window: tau of equation (17), slots.
        observe_reputation: whether the observation holds the reputations.
    """

    parameters: Parameters
    mobility: Mobility
    slots: int = eqx.field(static=True)
    trust_window: int = eqx.field(static=True)
    observe_reputation: bool = eqx.field(static=True)

    @classmethod
    def build(cls, config: AgentMigrationConfig | None = None, mobility: Mobility | None = None) -> AgentMigration:
        """Make an environment.

        Args:
            config: the system. If None, the defaults.
            mobility: where the vehicles are. If None, they drive round the rectangular loops.

        Raises:
            ConfigurationError: if the mobility model has another number of vehicles than the configuration, or if the
                configuration names a recording and none is given.
        """
        config = AgentMigrationConfig() if config is None else config
        if mobility is None:
            if config.mobility is not None:
                made = f'edgewise.environments.registry.make("agent-migration", mobility={config.mobility!r})'
                raise ConfigurationError("mobility", config.mobility, f"None here; on a recording: {made}")
            mobility = RectangularLoops.build(
                config.vehicles,
                config.origin_m,
                config.area_m,
                config.speed_range_m_s,
                config.speed_spread,
                config.slot_seconds,
            )
        if mobility.vehicles != config.vehicles:
            raise ConfigurationError("vehicles", config.vehicles, f"the {mobility.vehicles} of the mobility model")
        return cls(build_parameters(config), mobility, config.slots, config.trust_window, config.observe_reputation)

    @property
    def vehicles(self) -> int:
        """Number of vehicles V."""
        return self.mobility.vehicles

    @property
    def horizon(self) -> int:
        """Slots of an episode."""
        return self.slots

    @property
    def rsus(self) -> int:
        """Number of road-side units S."""
        return self.parameters.rsu_positions.shape[-2]

    @property
    def observation_space(self) -> Box:
        """2 V positions, V S one-hot of the serving RSU, S loads, and V S reputations (see `observe`)."""
        v, s = self.vehicles, self.rsus
        bounds = [((-POSITION_LIMIT, POSITION_LIMIT), 2 * v), ((0.0, 1.0), v * s), ((-0.5, LOAD_LIMIT / 2 - 0.5), s)]
        if self.observe_reputation:
            bounds.append(((-3.0, 1.0), v * s))
        low, high = (np.concatenate([np.full(n, pair[i], np.float32) for pair, n in bounds]) for i in (0, 1))
        return Box(low, high)

    @property
    def action_space(self) -> Box:
        """[-1, 1]^(V S + V + S), read by `decision.decode`."""
        size = self.vehicles * self.rsus + self.vehicles + self.rsus
        return Box(np.full(size, -1.0, np.float32), np.full(size, 1.0, np.float32))

    @property
    def privileged_space(self) -> Box:
        return vector_space(self.vehicles, self.rsus)

    def privileged(self, state: AgentMigrationState) -> Float[Array, " n"]:
        """What only a critic may see, in training: `hidden.Hidden` in one vector."""
        return vector(hidden(self.parameters, self.mobility, state))

    def reset(self, key: PRNGKeyArray) -> tuple[AgentMigrationState, Float[Array, " o"]]:
        """Start an episode: vehicles on their way, agents on the nearest RSU, attacker's targets drawn."""
        state = self.reset_from(draw_reset(key, self.mobility.start_draws, self.vehicles, self.rsus))
        return state, self.observe(state)

    def reset_from(self, draws: ResetDraws) -> AgentMigrationState:
        """The initial state that the given random numbers make."""
        p, v, s = self.parameters, self.vehicles, self.rsus
        mobility = self.mobility.reset(draws.start)
        rank = jnp.argsort(jnp.argsort(draws.targets))
        return AgentMigrationState(
            mobility=mobility,
            serving=self._nearest(mobility),
            copy_present=jnp.ones(v, dtype=bool),
            data=self._data_volume(draws.data),
            target=rank < p.attacked_rsus,
            attacked=attack.scheduled(p.scheduled_attacks, jnp.zeros((), dtype=int), s),
            reconnaissance=jnp.zeros(s, dtype=int),
            positive=jnp.zeros((v, s)),
            negative=jnp.zeros((v, s)),
            window_latency=jnp.zeros((self.trust_window, s)),
            window_visits=jnp.zeros((self.trust_window, s)),
            reputation=jnp.full((v, s), p.initial_reputation),
            slot=jnp.zeros((), dtype=int),
        )

    def step(
        self, key: PRNGKeyArray, state: AgentMigrationState, action: Float[Array, " a"]
    ) -> tuple[AgentMigrationState, TimeStep]:
        """Advance one slot; see `step_from`."""
        return self.step_from(state, action, draw_step(key, self.vehicles, self.rsus))

    def step_from(
        self, state: AgentMigrationState, action: Float[Array, " a"], draws: Draws
    ) -> tuple[AgentMigrationState, TimeStep]:
        """Advance one slot with the given random numbers.

        Args:
            state: at the start of the slot.
            action: vector in [-1, 1]^(V S + V + S).
            draws: random numbers of the slot.

        Returns:
            The state at the start of the next slot, and the time step. Its reward is the negative sum of the reward terms
            over V dt; `info` holds those terms in s per slot (`latency`, `trust_penalty`, `overload_penalty`), the parts of
            the latency (`latency/...`), and counts per slot: `violations` of (22d), `overload_s` beyond (22c),
            `migrations`, `missing_copies`, `lost_copies`, `defences`, `attacked`.
        """
        decision = decode(action, state.serving, self.rsus, self.parameters.share_sharpness)
        next_state, timestep, _ = self.carry_out(state, decision, draws)
        return next_state, timestep

    def carry_out(
        self, state: AgentMigrationState, decision: Decision, draws: Draws
    ) -> tuple[AgentMigrationState, TimeStep, Latency]:
        """The same as `step_from` for a decision; returns the latency of each vehicle too."""
        p = self.parameters
        defended = attack.defend(decision.defence, p.defence_success, draws.defence)
        hit = state.attacked & ~defended

        latency = self.latency(state, decision, hit)
        terms, counts = self._charges(state, decision, latency)
        reward = -sum(terms.values()) / (self.vehicles * p.slot_seconds)

        moves = decision.target != state.serving
        lost = moves & (hit[state.serving] | hit[decision.target]) & (draws.copy < p.copy_loss_probability)
        next_state = self._next_state(state, decision, latency, hit, defended, lost, draws)
        info = terms | counts
        info |= {
            "migrations": moves.sum(),
            "missing_copies": (~state.copy_present).sum(),
            "lost_copies": lost.sum(),
            "defences": decision.defence.sum(),
            "attacked": hit.sum(),
        }
        info |= {f"latency/{name}": term.sum() for name, term in vars(latency).items()}
        timestep = TimeStep(
            observation=self.observe(next_state),
            reward=reward,
            terminated=jnp.zeros((), dtype=bool),
            truncated=next_state.slot >= self.slots,
            info={name: jnp.asarray(value, dtype=float) for name, value in info.items()},
        )
        return next_state, timestep, latency

    def observe(self, state: AgentMigrationState) -> Float[Array, " o"]:
        """What the policy sees (paper, section IV-A).

        Positions in half extents from the area's centre; one-hot of the serving RSU; load of each RSU, clipped at 4 and
        mapped to [-0.5, 1.5]; 2 B - 1 user by user. Attacks, data volumes and copies stay hidden.
        """
        p = self.parameters
        parts = [
            ((self.mobility.positions(state.mobility) - p.center) / p.half_extent).reshape(-1),
            (state.serving[:, None] == jnp.arange(self.rsus)).astype(float).reshape(-1),
            jnp.clip(self.load(state), 0, LOAD_LIMIT) / 2 - 0.5,
        ]
        if self.observe_reputation:
            parts.append((2 * state.reputation - 1).reshape(-1))
        return jnp.concatenate(parts)

    def rates(
        self, state: AgentMigrationState, health: Float[Array, " s"]
    ) -> tuple[Float[Array, "v s"], Float[Array, "v s"]]:
        """Uplink and downlink rate of every vehicle to every RSU, equation (2), in bit/s.

        Args:
            state: gives the positions.
            health: part of each RSU's resources that an attack leaves, 1 when healthy.
        """
        p = self.parameters
        distance = distances(self.mobility.positions(state.mobility), p.rsu_positions)
        gain = path_gain(distance, p.carrier_hz, p.antenna_gain, p.minimum_distance)
        up = health * p.spectrum_hz * spectral_efficiency(gain, p.vehicle_power, p.noise)
        down = health * p.spectrum_hz * spectral_efficiency(gain, p.rsu_power, p.noise)
        return up, down

    def latency(self, state: AgentMigrationState, decision: Decision, hit: Bool[Array, " s"]) -> Latency:
        """Latency of each vehicle in this slot, equations (1) to (9).

        Args:
            state: at the start of the slot.
            decision: what is decided.
            hit: RSUs whose attack takes effect.
        """
        p = self.parameters
        health = 1 - p.attack_severity * hit
        serving = state.serving
        up, down = (jnp.take_along_axis(rate, serving[:, None], 1)[:, 0] for rate in self.rates(state, health))
        cpu = (p.cpu_hz * health)[serving]
        link = p.backhaul_bps * jnp.minimum(health[serving], health[decision.target])
        return total_latency(
            copy_present=state.copy_present.astype(float),
            agent_upload=transfer_time(p.agent_data, up),
            deployment=computing_time(p.agent_data, p.cycles_per_byte, decision.share, cpu),
            data_upload=transfer_time(state.data, up),
            processing=computing_time(p.computed_share * state.data, p.cycles_per_byte, decision.share, cpu),
            migration=migration_time(p.agent_data, p.hops[serving, decision.target], link),
            download=transfer_time(p.result_share * state.data, down),
            defence=jnp.where(decision.defence[serving], p.defence_seconds, 0.0),
        )

    def work(self, state: AgentMigrationState) -> Float[Array, " v"]:
        """Processor cycles each vehicle asks of its RSU in this slot, deployment of a missing agent included."""
        p = self.parameters
        data = p.computed_share * state.data + jnp.where(state.copy_present, 0.0, p.agent_data)
        return p.cycles_per_byte * data

    def load(self, state: AgentMigrationState) -> Float[Array, " s"]:
        """L_s of (22c): cycles asked of each RSU over the cycles of a slot."""
        p = self.parameters
        served = state.serving[:, None] == jnp.arange(self.rsus)
        return jnp.where(served, self.work(state)[:, None], 0.0).sum(0) / (p.cpu_hz * p.slot_seconds)

    def _charges(
        self, state: AgentMigrationState, decision: Decision, latency: Latency
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """The reward terms of a slot in s, and by how much (22c) and (22d) are broken."""
        p = self.parameters
        overload = jnp.maximum(0.0, self.load(state) - p.max_load).sum() * p.slot_seconds
        chosen = jnp.take_along_axis(state.reputation, decision.target[:, None], axis=1)[:, 0]
        violations = (chosen < p.reputation_threshold).sum()
        terms = {
            "latency": latency.total.sum(),
            "trust_penalty": p.trust_penalty_s * violations,
            "overload_penalty": p.overload_penalty * overload,
        }
        return terms, {"violations": violations, "overload_s": overload}

    def _next_state(
        self,
        state: AgentMigrationState,
        decision: Decision,
        latency: Latency,
        hit: Bool[Array, " s"],
        defended: Bool[Array, " s"],
        lost: Bool[Array, " v"],
        draws: Draws,
    ) -> AgentMigrationState:
        """Vehicles move and attach, attacks start and end, trust follows what was seen, new data are collected."""
        p = self.parameters
        mobility = self.mobility.advance(state.mobility, draws.speed)
        serving, copy_present = self._attach(mobility, decision.target, ~lost)
        attacked, reconnaissance = attack.advance(
            hit & ~attack.scheduled(p.scheduled_attacks, state.slot, self.rsus),
            state.reconnaissance,
            state.target,
            defended,
            start_probability=p.attack_frequency,
            end_probability=p.attack_end_probability,
            reconnaissance_slots=p.reconnaissance_slots,
            start_draw=draws.attack_start,
            end_draw=draws.attack_end,
        )
        return AgentMigrationState(
            mobility=mobility,
            serving=serving,
            copy_present=copy_present,
            data=self._data_volume(draws.data),
            target=state.target,
            attacked=attacked | attack.scheduled(p.scheduled_attacks, state.slot + 1, self.rsus),
            reconnaissance=reconnaissance,
            slot=state.slot + 1,
            **self._update_trust(state, latency, hit, draws.packets),
        )

    def _data_volume(self, draw: Float[Array, " v"]) -> Float[Array, " v"]:
        p = self.parameters
        return p.raw_data * (1 + p.raw_data_spread * (2 * draw - 1))

    def _nearest(self, mobility: Any) -> Int[Array, " v"]:
        return jnp.argmin(distances(self.mobility.positions(mobility), self.parameters.rsu_positions), axis=1)

    def _attach(
        self, mobility: Any, target: Int[Array, " v"], arrived: Bool[Array, " v"]
    ) -> tuple[Int[Array, " v"], Bool[Array, " v"]]:
        """Serving RSU and copy flag of the next slot; a vehicle out of its target's reach falls back to the nearest RSU.

        A vehicle that takes over another's place starts as at a reset: at the nearest RSU, with its agent deployed.
        """
        distance = distances(self.mobility.positions(mobility), self.parameters.rsu_positions)
        nearest = jnp.argmin(distance, axis=1)
        covered = jnp.take_along_axis(distance, target[:, None], 1)[:, 0] <= self.parameters.coverage
        entered = self.mobility.entered(mobility)
        serving = jnp.where(covered & ~entered, target, nearest)
        return serving, jnp.where(entered, True, covered & arrived)

    def _update_trust(
        self, state: AgentMigrationState, latency: Latency, hit: Bool[Array, " s"], packets: Float[Array, "2 s"]
    ) -> dict[str, Array]:
        p = self.parameters
        served = (state.serving[:, None] == jnp.arange(self.rsus)).astype(float)
        sent = p.beacon_packets + p.vehicle_packets * served.sum(0)
        loss = jnp.where(hit, p.attacked_packet_loss, p.packet_loss)
        received, forwarded = (trust.delivery_ratio(sent, trust.failed_packets(sent, loss, z)) for z in packets)
        before = Standing(**{field.name: getattr(state, field.name) for field in fields(Standing)})
        return vars(standing.update(p, before, latency.total, served, received, forwarded))
