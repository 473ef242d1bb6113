"""What is asked of the service, and what it tells: requests and answers with units in their names."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

from pydantic import Field, create_model

from edgewise.environments.service import Words
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig

FARTHEST_M = 1e7
"""Largest coordinate, m: in single precision steps of a metre are still told apart."""
LONGEST_S = 1e6
"""Longest latency, s."""
MOST_MB = 1e6
"""Largest volume, 1e6 byte."""
LEAST = 1e-6
"""Least of what must be above 0: in single precision much smaller numbers are 0, or make others infinite."""
MOST_VEHICLES, MOST_UNITS = 2000, 1000
"""Most of each in a request: a decision on more takes longer than operators wait."""

Name = Annotated[str, Field(min_length=1, max_length=128)]
Coordinate = Annotated[float, Field(ge=-FARTHEST_M, le=FARTHEST_M)]
Point = tuple[Coordinate, Coordinate]
Megabytes = Annotated[float, Field(ge=LEAST, le=MOST_MB)]
Seconds = Annotated[float, Field(ge=0, le=LONGEST_S)]
Count = Annotated[float, Field(ge=0, le=1e9)]

TOLD = (
    "slot_seconds", "coverage_m", "carrier_ghz", "antenna_gain", "minimum_distance_m", "reference_distance_m",
    "vehicle_power_w", "rsu_power_w", "noise_w", "link_rate_mbps", "cpu_mhz", "cycles_per_byte", "raw_data_mb",
    "agent_data_mb", "computed_share", "result_share", "backhaul_mbps", "max_load", "attack_frequency", "attacked_rsus",
    "attack_end_probability", "attack_severity", "copy_loss_probability", "defence_seconds", "defence_success",
    "reconnaissance_slots", "prior_positive", "prior_negative", "forgetting", "reception_weight", "reliability_weight",
    "trust_rate", "trust_window", "initial_reputation", "reputation_threshold", "tolerance", "packet_loss",
    "attacked_packet_loss", "trust_penalty_s", "overload_penalty",
)  # fmt: skip
"""Fields of the configuration that an operator may know better than the policy's training."""
WHOLE = ("attacked_rsus", "reconnaissance_slots", "trust_window")


def _system() -> type[Words]:
    known = {each.name for each in fields(AgentMigrationConfig)}
    told: dict[str, Any] = {
        name: (int | None if name in WHOLE else float | None, None) for name in TOLD if name in known
    }
    return create_model("SystemIn", __base__=Words, **told)


SystemIn: Any = _system()
SystemIn.__doc__ = (
    "What is known of the system, as in its configuration; what is left out is as in the policy's training."
)


class UnitIn(Words):
    """A road-side unit."""

    id: Name
    position_m: Point
    link_rate_mbps: Annotated[float, Field(ge=LEAST, le=1e6)] | None = None
    cpu_mhz: Annotated[float, Field(ge=LEAST, le=1e9)] | None = None


class VehicleIn(Words):
    """A vehicle at the start of a slot, with what it knows."""

    id: Name
    position_m: Point
    raw_data_mb: Megabytes | None = Field(None, description="mean volume per slot")
    agent_data_mb: Megabytes | None = Field(None, description="size of its agent")
    tolerance_s: Annotated[float, Field(ge=LEAST, le=LONGEST_S)] | None = None
    expected_position_m: Point | None = Field(None, description="where it is expected one slot later")
    own_pace_position_m: Point | None = Field(None, description="the same at its own pace, as the last answer told it")
    serving_unit: Name | None = Field(None, description="told for all vehicles or none")
    entered: bool = Field(False, description="another vehicle than the one that had this id before")


class PacketsIn(Words):
    """Packets of a unit in the last slot."""

    received: Count
    not_received: Count
    forwarded: Count
    not_forwarded: Count


class ReportIn(Words):
    """What the last slot has brought."""

    latency_s: dict[Name, Seconds] = Field(description="of the vehicles that were served")
    packets: dict[Name, PacketsIn] = Field(description="of every unit")


class CarriedOut(Words):
    """Where the last orders were not carried out."""

    target_unit: dict[Name, Name] = Field(default_factory=dict)
    defend: dict[Name, bool] = Field(default_factory=dict)


class OpenIn(Words):
    """Who and what is there for a long time."""

    units: Annotated[list[UnitIn], Field(min_length=1, max_length=MOST_UNITS)]
    system: SystemIn = SystemIn()


class SlotIn(Words):
    """A slot: what the last one has brought, and who is where now."""

    vehicles: Annotated[list[VehicleIn], Field(max_length=MOST_VEHICLES)]
    units: Annotated[list[UnitIn], Field(min_length=1, max_length=MOST_UNITS)] | None = Field(
        None, description="those that are there now, if others than before"
    )
    waiting_load_slots: dict[Name, Annotated[float, Field(ge=0, le=1e6)]] | None = Field(
        None, description="processor time that waits at every unit, slots"
    )
    report: ReportIn | None = Field(None, description="None leaves reputations as they are")
    carried_out: CarriedOut = Field(default_factory=CarriedOut)
    tell_reputations: bool = Field(False, description="tell every user's reputation of every unit")


class OpenOut(Words):
    """An open session."""

    units: list[str]
    configuration: dict[str, Any]


class VehicleOut(Words):
    """What is ordered for a vehicle, and expected."""

    serving_unit: str
    target_unit: str
    processor_share: float
    expected_latency_s: float | None = Field(
        description="in the next slot, and what waiting for the migration adds to this one; None out of the target's reach, "
        "or where programs are missing that would tell it"
    )
    expected_latency_staying_s: float | None = Field(description="the same if it stays where it is")
    pace: float = Field(description="its speed so far over the expected one")


class UnitOut(Words):
    """What is ordered for a unit, and believed of it."""

    defend: bool
    reputation: float = Field(description="mean over the users")
    attack_suspected: bool = Field(description="whether that is below the threshold")
    attack_probability: float


class SlotOut(Words):
    """The decision of a slot."""

    slot: int
    vehicles: dict[str, VehicleOut]
    units: dict[str, UnitOut]
    reputations: dict[str, dict[str, float]] | None = Field(
        None, description="of each unit as each vehicle's user holds it"
    )
