"""Configuration of the agent-migration system in everyday units."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import Literal, get_args

import numpy as np

from edgewise.common.errors import ConfigurationError, check_choice, check_integer, check_range
from edgewise.common.plain import ADDED

Observation = Literal["vector", "entities"]
View = Literal["central", "own"]
Unseen = Literal["plan", "belief", "reputations", "next-positions", "own-speeds", "last-slot", "load"]
Rewards = Literal["team", "own"]
Values = float | tuple[float, ...] | None


@dataclass(frozen=True)
class AgentMigrationConfig:
    """The system of the CGDM paper, section III; defaults from its Table II where it has them, else as
    docs/systems/agent-migration.md explains.

    A field that takes "one value or several" takes one number for all, or a sequence with one number each.

    Attributes:
        vehicles: number of vehicles V (Table II).
        rsus: number of road-side units S (Table II).
        slots: slots per episode.
        slot_seconds: length of a slot, s.
        origin_m: lower left corner of the area, m.
        area_m: side of the square area, m.
        rsu_positions_m: position of each RSU, m. If None, they stand on a regular grid.
        coverage_m: coverage radius of an RSU, m.
        carrier_ghz: carrier frequency f of (1), GHz.
        antenna_gain: Gamma of (1), a power ratio.
        minimum_distance_m: distances below count as this, m.
        reference_distance_m: distance at which a link has its nominal rate, m.
        vehicle_power_w: transmit power of a vehicle h_v, W.
        rsu_power_w: transmit power of an RSU p_s, W.
        noise_w: noise power N^2, W.
        link_rate_mbps: nominal radio rate of each RSU, Mbit/s, one value or several. If None, 300..100 (Table II).
        cpu_mhz: processor speed C_s of each RSU, 1e6 cycle/s, one value or several. If None, 100..300 (Table II).
        cycles_per_byte: d_s, cycle/byte.
        raw_data_mb: mean data volume each vehicle sends per slot, 1e6 byte, one value or several. If None, Table II's range.
        raw_data_spread: the volume of a slot is the mean times U(1 - spread, 1 + spread).
        agent_data_mb: size D_con of each vehicle's agent, 1e6 byte, one value or several. If None, Table II's range.
        computed_share: D_com over D_raw.
        result_share: D_res over D_raw.
        backhaul_mbps: rate of one wired hop between RSUs, Mbit/s.
        max_load: L_max of (22c), load in slots of processor time.
        attack_frequency: f_att, probability per slot that an idle reconnoitred target is hit.
        attacked_rsus: number of RSUs under attack in an episode, redrawn at each reset.
        attack_end_probability: p_off, probability per slot that an attack ends.
        attack_severity: eta, part of radio, processor and wired links that an attack takes.
        scheduled_attacks: attacks beside the attacker's own, each as RSU, first slot and last slot; a defence keeps such an
            attack off for the slot in which it succeeds, but does not end it.
        copy_loss_probability: p_fail, probability that a pre-migration hit by an attack loses the copy.
        defence_seconds: T_ext, delay that a moving target defence adds to every vehicle served, s.
        defence_success: q_mtd, probability that a defence works.
        reconnaissance_slots: slots an attacker needs after a successful defence before it can strike again.
        prior_positive: alpha_A = alpha_S of (10), weight of the prior belief in good service.
        prior_negative: beta_A = beta_S of (10).
        forgetting: omega in (0, 1], 1 keeps every evaluation.
        reception_weight: lambda of (16).
        reliability_weight: sigma of (19).
        trust_weights: zeta_A, zeta_S, zeta_P of (20); they add up to 1.
        trust_rate: xi of (21) (Table II).
        trust_window: tau of (17), slots.
        initial_reputation: B at reset.
        reputation_threshold: B_thre of (22d).
        tolerance: T_max of each vehicle as a multiple of its nominal latency, one value or several. If None, personal.
        beacon_packets: packets per RSU, slot and direction without any vehicle.
        vehicle_packets: packets added per served vehicle.
        packet_loss: loss probability of a healthy RSU.
        attacked_packet_loss: loss probability of an attacked RSU.
        share_sharpness: kappa_alpha, processor shares are proportional to exp(kappa_alpha x).
        trust_penalty_s: cost of each vehicle that breaks (22d) in a slot, s.
        overload_penalty: cost per second of processor time beyond (22c).
        speed_range_m_s: range of a vehicle's speed on its loop, m/s (no effect on a replayed trace).
        speed_spread: standard deviation of a slot's speed over the vehicle's speed (likewise).
        observe_reputation: whether the observation holds the reputations.
        mobility: recording that the vehicles follow: a prepared one (.npz), or for training also a trace (CSV, SUMO's XML), or
            "grid" for the one that comes with the package. If None, they drive round loops. A recording gives `rsus`,
            positions, area, coverage and `slot_seconds` itself: other values of these are refused.
        training_share: part of a recording, in time, that training sees; policies are evaluated on the rest.
        mobility_sha256: digest of the recording. If given, a file of another content is refused.
        observation: "vector", the numbers of the paper's section IV-A and its vector of actions; or "entities", for policies that
            serve any number of vehicles and units.
        candidates: with entities, so many of the nearest units for each vehicle are seen and chosen from, so that decisions in a
            large area cost as much as there are vehicles. If None, all units.
        view: of entities, "central", all that an operator knows; or "own", for decentralised policies, what each vehicle and each
            unit knows by itself.
        unseen: with entities, groups of fields that are 0 in observations, to find out what they are worth: any of plan, belief,
            reputations, next-positions, own-speeds, last-slot and load.
        rewards: in the game of vehicles and units, "team", everyone gets the system's; or "own", what each costs the others and
            itself.
        instances: many systems instead of this one: "drawn" draws them at random, each with this one's fields where they are
            not at their defaults; a folder holds them, as prepared recordings (.npz) and configurations (YAML). Evaluation is on
            drawn instances that training never sees, or on the later parts of recordings.
        shapes: sizes of drawn instances, vehicles and RSUs each, such as 8x4. If empty, seven from 4x3 to 16x2.
        instances_per_shape: drawn instances of each shape to train on.
        instance_seed: randomness of drawn instances.
        include_default: whether this system itself is one of the drawn instances of its shape.
    """

    vehicles: int = 8
    rsus: int = 4
    slots: int = 50
    slot_seconds: float = 30.0
    origin_m: tuple[float, float] = (0.0, 0.0)
    area_m: float = 2000.0
    rsu_positions_m: tuple[tuple[float, float], ...] | None = None
    coverage_m: float = 1200.0
    carrier_ghz: float = 5.9
    antenna_gain: float = 10.0
    minimum_distance_m: float = 10.0
    reference_distance_m: float = 500.0
    vehicle_power_w: float = 0.2
    rsu_power_w: float = 0.2
    noise_w: float = 1e-12
    link_rate_mbps: Values = None
    cpu_mhz: Values = None
    cycles_per_byte: float = 4.0
    raw_data_mb: Values = None
    raw_data_spread: float = 0.2
    agent_data_mb: Values = None
    computed_share: float = 1.0
    result_share: float = 0.1
    backhaul_mbps: float = 400.0
    max_load: float = 1.0
    attack_frequency: float = 0.3
    attacked_rsus: int = 2
    attack_end_probability: float = 0.2
    attack_severity: float = 0.6
    scheduled_attacks: tuple[tuple[int, int, int], ...] = ()
    copy_loss_probability: float = 0.5
    defence_seconds: float = 10.0
    defence_success: float = 0.6
    reconnaissance_slots: int = 1
    prior_positive: float = 1.4
    prior_negative: float = 0.6
    forgetting: float = 1.0
    reception_weight: float = 0.5
    reliability_weight: float = 0.5
    trust_weights: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)
    trust_rate: float = 0.7
    trust_window: int = 3
    initial_reputation: float = 0.7
    reputation_threshold: float = 0.6
    tolerance: Values = None
    beacon_packets: float = 50.0
    vehicle_packets: float = 100.0
    packet_loss: float = 0.02
    attacked_packet_loss: float = 0.7
    share_sharpness: float = 1.0
    trust_penalty_s: float = 10.0
    overload_penalty: float = 1.0
    speed_range_m_s: tuple[float, float] = (10.0, 20.0)
    speed_spread: float = 0.1
    observe_reputation: bool = True
    mobility: str | None = None
    training_share: float = 0.6
    mobility_sha256: str | None = field(default=None, metadata=ADDED)
    observation: Observation = field(default="vector", metadata=ADDED)
    candidates: int | None = field(default=None, metadata=ADDED)
    view: View = field(default="central", metadata=ADDED)
    unseen: tuple[str, ...] = field(default=(), metadata=ADDED)
    rewards: Rewards = field(default="team", metadata=ADDED)
    instances: str | None = field(default=None, metadata=ADDED)
    shapes: tuple[str, ...] = field(default=(), metadata=ADDED)
    instances_per_shape: int = field(default=192, metadata=ADDED)
    instance_seed: int = field(default=0, metadata=ADDED)
    include_default: bool = field(default=False, metadata=ADDED)

    def __post_init__(self) -> None:
        check_choice("observation", self.observation, get_args(Observation))
        if self.candidates is not None:
            check_integer("candidates", self.candidates, 1)
            if self.observation != "entities":
                raise ConfigurationError("candidates", self.candidates, 'None, or with observation = "entities"')
        check_choice("view", self.view, get_args(View))
        check_choice("rewards", self.rewards, get_args(Rewards))
        if self.view == "own" and self.observation != "entities":
            raise ConfigurationError("view", self.view, 'central, or with observation = "entities"')
        for group in self.unseen:
            check_choice("unseen", group, get_args(Unseen))
        if self.unseen and (self.observation != "entities" or self.view == "own"):
            raise ConfigurationError("unseen", self.unseen, '(), or with observation = "entities" and view = "central"')
        if self.view == "own" and self.candidates is not None:
            raise ConfigurationError("candidates", self.candidates, 'None with view = "own", which has reach instead')
        check_integer("vehicles", self.vehicles, 1)
        check_integer("rsus", self.rsus, 1)
        check_integer("slots", self.slots, 1)
        check_integer("trust_window", self.trust_window, 1)
        check_integer("attacked_rsus", self.attacked_rsus, 0, self.rsus)
        check_integer("reconnaissance_slots", self.reconnaissance_slots, 0)
        for name in (*_POSITIVE, *_NON_NEGATIVE, *_PROBABILITIES, *_OTHER_NUMBERS):
            value = getattr(self, name)
            if isinstance(value, bool | str) or np.ndim(value):
                raise ConfigurationError(name, value, "one number")
        for name, size in (("origin_m", 2), ("speed_range_m_s", 2), ("trust_weights", 3)):
            if np.shape(getattr(self, name)) != (size,):
                raise ConfigurationError(name, getattr(self, name), f"{size} numbers")
        for name in _POSITIVE:
            check_range(name, getattr(self, name), 0, open_low=True)
        for name in _NON_NEGATIVE:
            check_range(name, getattr(self, name), 0)
        for name in _PROBABILITIES:
            check_range(name, getattr(self, name), 0, 1)
        check_range("attack_severity", self.attack_severity, 0, 1, open_high=True)
        check_range("raw_data_spread", self.raw_data_spread, 0, 1, open_high=True)
        check_range("forgetting", self.forgetting, 0, 1, open_low=True)
        check_range("training_share", self.training_share, 0, 1, open_low=True, open_high=True)
        check_range("origin_m", self.origin_m)
        check_range("trust_weights", self.trust_weights, 0, 1)
        if abs(sum(self.trust_weights) - 1) > 1e-6:
            raise ConfigurationError("trust_weights", self.trust_weights, "three numbers that add up to 1")
        check_range("speed_range_m_s", self.speed_range_m_s, 0)
        if self.speed_range_m_s[0] > self.speed_range_m_s[1]:
            raise ConfigurationError("speed_range_m_s", self.speed_range_m_s, "(low, high) with low <= high")
        if self.rsu_positions_m is not None:
            check_range("rsu_positions_m", self.rsu_positions_m)
            if np.shape(self.rsu_positions_m) != (self.rsus, 2):
                raise ConfigurationError(
                    "rsu_positions_m", self.rsu_positions_m, f"{self.rsus} pairs (x, y), one per RSU"
                )
        if not _are_attacks(self.scheduled_attacks, self.rsus, self.slots):
            raise ConfigurationError(
                "scheduled_attacks",
                self.scheduled_attacks,
                f"triples of whole numbers: an RSU from 0 to {self.rsus - 1}, a first and a last slot from 0 to {self.slots - 1}",
            )
        _check_instances(self)
        for name, count in (
            ("link_rate_mbps", self.rsus),
            ("cpu_mhz", self.rsus),
            ("raw_data_mb", self.vehicles),
            ("agent_data_mb", self.vehicles),
            ("tolerance", self.vehicles),
        ):
            value = getattr(self, name)
            if value is not None:
                check_range(name, value, 0, open_low=True)
                if np.ndim(value) and np.shape(value) != (count,):
                    raise ConfigurationError(name, value, f"one number or {count} numbers")


_POSITIVE = (
    "slot_seconds", "area_m", "coverage_m", "carrier_ghz", "antenna_gain", "minimum_distance_m", "reference_distance_m",
    "vehicle_power_w", "rsu_power_w", "noise_w", "cycles_per_byte", "computed_share", "result_share", "backhaul_mbps",
    "prior_positive", "prior_negative", "beacon_packets", "share_sharpness",
)  # fmt: skip
_NON_NEGATIVE = (
    "max_load", "defence_seconds", "trust_penalty_s", "overload_penalty", "speed_spread", "vehicle_packets",
)  # fmt: skip
_OTHER_NUMBERS = ("attack_severity", "raw_data_spread", "forgetting", "training_share")
_PROBABILITIES = (
    "attack_frequency", "attack_end_probability", "copy_loss_probability", "defence_success", "reception_weight",
    "reliability_weight", "trust_rate", "packet_loss", "attacked_packet_loss", "initial_reputation",
    "reputation_threshold",
)  # fmt: skip


_OF_DRAWN = ("shapes", "instances_per_shape", "instance_seed", "include_default")
DRAWN = "drawn"
"""Of `AgentMigrationConfig.instances`: not a folder, but drawn at random."""


def shape_of(text: object) -> tuple[int, int]:
    """Vehicles and RSUs of a shape such as "8x4".

    Raises:
        ConfigurationError: if it is none.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", text) if isinstance(text, str) else None
    if found is None:
        raise ConfigurationError("shapes", text, "vehicles and RSUs, such as 8x4")
    return int(found[1]), int(found[2])


def _check_instances(config: AgentMigrationConfig) -> None:
    check_integer("instances_per_shape", config.instances_per_shape, 1)
    check_integer("instance_seed", config.instance_seed, 0, 2**32 - 1)
    shapes = [shape_of(text) for text in config.shapes]
    if len(set(shapes)) < len(shapes):
        raise ConfigurationError("shapes", config.shapes, "different from each other")
    if config.instances is not None and config.mobility is not None:
        raise ConfigurationError(
            "mobility", config.mobility, "None with instances; put the recording into their folder"
        )
    if config.instances == DRAWN:
        sizes = {each.name: each.default for each in fields(config) if each.name in ("vehicles", "rsus")}
        for name, default in sizes.items():
            if getattr(config, name) != default and not config.include_default:
                raise ConfigurationError(
                    name, getattr(config, name), "left out with drawn instances, whose sizes are in shapes"
                )
        if config.include_default and shapes and (config.vehicles, config.rsus) not in shapes:
            raise ConfigurationError(
                "include_default", True, f"with {config.vehicles}x{config.rsus} among the shapes, which this system has"
            )
        return
    for each in fields(config):
        value = getattr(config, each.name)
        if each.name in _OF_DRAWN and value != each.default:
            raise ConfigurationError(each.name, value, "left out without --instances drawn")


def _are_attacks(value: object, rsus: int, slots: int) -> bool:
    return isinstance(value, tuple | list) and all(
        isinstance(each, tuple | list)
        and len(each) == 3
        and all(isinstance(number, int) and not isinstance(number, bool) for number in each)
        and 0 <= each[0] < rsus
        and 0 <= each[1] <= each[2] < slots
        for each in value
    )
