"""A recorded scenario: places filled in every slot, the road-side units, and the area; and its split in time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32

from edgewise.common.errors import ConfigurationError, check_range


@dataclass(frozen=True, eq=False)
class MobilityScenario:
    """Recorded trajectories made ready for the environment.

    A place is a sequence of vehicles: when one leaves, another takes the place over.

    Attributes:
        positions: coordinates of the vehicle in each place at each slot, m, [L, P, 2].
        handover: slots in which a place has passed to another vehicle, [L, P].
        slot_seconds: time between two slots, s.
        rsu_positions: road-side units, m, [S, 2].
        coverage_m: coverage radius of a road-side unit, m.
        origin_m: lower left corner of the smallest square round all positions, centred on them, m.
        area_m: side of that square, m.
        source: name of the recording.
        window: recorded time of the first and the last slot, s.
        roads: recorded positions thinned to a drawing of the roads, m, [N, 2].
        reference_deg: longitude and latitude of the point (0, 0), if positions were projected from degrees, else None.
    """

    positions: Float32[np.ndarray, "l p 2"]
    handover: Bool[np.ndarray, "l p"]
    slot_seconds: float
    rsu_positions: Float32[np.ndarray, "s 2"]
    coverage_m: float
    origin_m: tuple[float, float]
    area_m: float
    source: str
    window: tuple[float, float]
    roads: Float32[np.ndarray, "n 2"]
    reference_deg: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        slots, places = self.positions.shape[:2]
        for name, shape in (
            ("positions", (slots, places, 2)),
            ("handover", (slots, places)),
            ("rsu_positions", (len(self.rsu_positions), 2)),
            ("roads", (len(self.roads), 2)),
        ):
            value = getattr(self, name)
            if value.shape != shape or (name != "roads" and value.size == 0):
                raise ConfigurationError(f"shape of {name}", value.shape, f"{shape}, not empty")
            if not np.isfinite(value).all():
                raise ConfigurationError(name, "...", "finite everywhere")
        for name in ("slot_seconds", "coverage_m", "area_m"):
            check_range(name, getattr(self, name), 0, open_low=True)
        check_range("origin_m", self.origin_m)
        check_range("window", self.window)
        if self.reference_deg is not None:
            check_range("reference_deg", self.reference_deg, -180, 180)
        seconds = (slots - 1) * self.slot_seconds
        if abs(self.window[1] - self.window[0] - seconds) > 1e-6 * max(seconds, abs(self.window[1])):
            raise ConfigurationError("window", self.window, f"{seconds:g} s long, as {slots} slots are")

    @property
    def slots(self) -> int:
        """Number of slots L; an episode of n slots needs n + 1 of them."""
        return self.positions.shape[0]

    @property
    def places(self) -> int:
        """Number of places P, the most vehicles an episode can have."""
        return self.positions.shape[1]

    @property
    def rsus(self) -> int:
        """Number of road-side units S."""
        return self.rsu_positions.shape[0]

    @property
    def sha256(self) -> str:
        """Sixteen hexadecimal digits that stand for what an environment takes from the scenario."""
        total = hashlib.sha256()
        for array in (self.positions, self.handover, self.rsu_positions):
            total.update(f"{array.dtype.str}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        numbers = (self.slot_seconds, self.coverage_m, *self.origin_m, self.area_m)
        total.update(np.asarray(numbers, dtype=float).tobytes())
        return total.hexdigest()[:16]


def split_in_time(scenario: MobilityScenario, fraction: float) -> tuple[MobilityScenario, MobilityScenario]:
    """Cut a scenario in two that share no slot, to train on the earlier part and evaluate on the later one.

    Road-side units, coverage and area stay those of the whole, so that an observation means the same in both.

    Args:
        scenario: the whole.
        fraction: part of the slots that goes to the earlier one, in (0, 1).

    Returns:
        The earlier and the later part.

    Raises:
        ConfigurationError: if a part would have fewer than two slots.
    """
    check_range("fraction", fraction, 0, 1, open_low=True, open_high=True)
    cut = round(fraction * scenario.slots)
    if min(cut, scenario.slots - cut) < 2:
        raise ConfigurationError(
            "fraction", fraction, f"such that both parts of the {scenario.slots} slots have two or more"
        )
    return _slots(scenario, 0, cut), _slots(scenario, cut, scenario.slots)


def _slots(scenario: MobilityScenario, start: int, stop: int) -> MobilityScenario:
    handover = scenario.handover[start:stop].copy()
    handover[0] = False
    first = scenario.window[0]
    window = (first + start * scenario.slot_seconds, first + (stop - 1) * scenario.slot_seconds)
    return replace(scenario, positions=scenario.positions[start:stop], handover=handover, window=window)
