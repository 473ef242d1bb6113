"""Fleets of any size in programs of a few sizes: arrays are filled up with vehicles and units of which nobody knows.

Programs are compiled for the sizes of two ladders. Who fills a fleet up has no influence on the others (`Known`): he is
served by a unit that is not there, and units that are not there are farther than any other. Results are those without padding
but for rounding, as sums run over more numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property, lru_cache
from operator import itemgetter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from edgewise.environments.bipartite import COLUMN
from edgewise.numerics.host_arrays import put
from edgewise.numerics.packed_program import Constants, PackedProgram
from edgewise.systems.agent_migration import features, memory, standing, trust
from edgewise.systems.agent_migration.assignment import scattered
from edgewise.systems.agent_migration.expected import expected_latencies
from edgewise.systems.agent_migration.host_records import (
    HostMemory,
    HostParameters,
    HostSeen,
    HostStanding,
    Record,
    with_values,
)
from edgewise.systems.agent_migration.memory import Known, Memory, Seen
from edgewise.systems.agent_migration.parameters import Parameters
from edgewise.systems.agent_migration.regrouping import MEMORY, STANDING, UNIT, VEHICLE
from edgewise.systems.agent_migration.standing import Standing

STEPS = (4, 6)
"""Sizes are these times powers of two: at most half of a fleet is padding."""
FAR = 1e5
"""Distance of units that are not there beyond twice the farthest coordinate, m."""
PARAMETERS: Mapping[str, str] = {
    "rsu_positions": UNIT,
    "hops": UNIT + UNIT,
    "spectrum_hz": UNIT,
    "cpu_hz": UNIT,
    "raw_data": VEHICLE,
    "agent_data": VEHICLE,
    "tolerance": VEHICLE,
}
"""The first axes of the fields of `Parameters` that have some."""
SEEN: Mapping[str, str] = {
    "positions": VEHICLE,
    "expected": VEHICLE,
    "ahead": VEHICLE,
    "serving": VEHICLE,
    "entered": VEHICLE,
    "load": UNIT,
    "reputation": VEHICLE + UNIT,
}
"""The same of `Seen`."""
SAID = ("reputation", "before", "latest", "change")
"""Tables of what users hold of units: who is not there holds what all do, so that means stay."""
SENT = ("serving", "target")
"""Units of vehicles: who is not there is at a unit that is not there."""


Form = tuple[int | None, tuple[str, ...]]
"""Of an observation: candidates, and groups that are not shown, see `features.observe`."""


@dataclass(frozen=True)
class Slot:
    """What was done in a slot, and what it has brought.

    Attributes:
        target: unit to which each agent was sent.
        defence: units that ran a defence.
        latency: of each vehicle, s.
        served: who was served by whom.
        packets: sent and lost in both directions, [direction, sent or lost, unit].
    """

    target: Int[np.ndarray, " v"]
    defence: Bool[np.ndarray, " s"]
    latency: Float[np.ndarray, " v"]
    served: Bool[np.ndarray, "v s"]
    packets: Float[np.ndarray, "2 2 s"]


def step_up(count: int) -> int:
    """The least size of the ladder that is not below."""
    size = STEPS[0]
    while size < count:
        size = size * STEPS[1] // STEPS[0] if size & (size - 1) == 0 else size * STEPS[0] // STEPS[1] * 2
    return size


@dataclass(frozen=True)
class Padding:
    """A fleet in the programs of its size.

    Attributes:
        vehicles, units: that are there.
        constants: parameters and who is there, filled up, where programs run.
    """

    vehicles: int
    units: int
    constants: Constants

    @staticmethod
    def of(p: HostParameters) -> Padding:
        """The padding of a fleet with the given parameters."""
        vehicles, units = len(p.raw_data), len(p.cpu_hz)
        sizes = _sizes(vehicles, units)
        told = {each.name: np.asarray(getattr(p, each.name)) for each in fields(p)}
        for name, axes in PARAMETERS.items():
            told[name] = _filled(told[name], axes, sizes)
        far = 2 * np.abs(told["rsu_positions"]).max() + FAR
        told["rsu_positions"][units:] = far
        vehicles_there, units_there = (
            put(np.arange(sizes[axis]) < count) for axis, count in ((VEHICLE, vehicles), (UNIT, units))
        )
        known = Known(vehicles_there, units_there, put(_scatter(vehicles, units), float))
        return Padding(vehicles, units, Constants((with_values(p, told), known)))

    def judge(
        self,
        before: HostStanding,
        latency: Float[np.ndarray, " v"],
        served: Bool[np.ndarray, "v s"],
        packets: Float[np.ndarray, "2 2 s"],
    ) -> HostStanding:
        """`standing.update` with delivery ratios of packets sent and lost [direction, sent or lost, unit]."""
        kind = np.asarray(before.reputation).dtype
        latency, served, packets = (np.asarray(each, kind) for each in (latency, served, packets))
        served = self._zeros(served, VEHICLE + UNIT)
        told = self._filled(latency, VEHICLE), served, self._filled(packets, "--" + UNIT)
        return self._cut(_judge(self.constants, self._standing(before), *told), STANDING)

    def remember(
        self, before: HostMemory, seen: HostSeen, target: np.ndarray, defence: np.ndarray, after: HostSeen
    ) -> HostMemory:
        """`memory.remember`."""
        sent, defended = self._sent(target), self._zeros(np.asarray(defence, bool), UNIT)
        told = self._memory(before), self._seen(seen), sent, defended, self._seen(after)
        return self._cut(_remember(self.constants, *told), MEMORY)

    def advance(
        self, before: HostStanding, remembered: HostMemory, seen: HostSeen, slot: Slot, after: HostSeen, form: Form
    ) -> tuple[HostStanding, HostMemory, dict[str, dict[str, np.ndarray]]]:
        """`judge`, `remember` and `observe` of a slot in one call.

        Args:
            before: how units stood before the slot.
            remembered, seen: at its start.
            slot: what was done in it, and what it has brought.
            after: what is seen at its end, but for reputations.
            form: of the observation.
        """
        kind = np.asarray(before.reputation).dtype
        latency, served, packets = (np.asarray(each, kind) for each in (slot.latency, slot.served, slot.packets))
        told = (
            self._filled(latency, VEHICLE),
            self._zeros(served, VEHICLE + UNIT),
            self._filled(packets, "--" + UNIT),
            self._sent(slot.target),
            self._zeros(slot.defence, UNIT),
        )
        records = self._standing(before), self._memory(remembered), self._seen(seen), self._seen(after)
        judged, later, observed = _advancing(form)(self.constants, *records, told)
        return self._cut(judged, STANDING), self._cut(later, MEMORY), observed

    def observe(self, seen: HostSeen, remembered: HostMemory, form: Form) -> dict[str, dict[str, np.ndarray]]:
        """`features.observe`, filled up: masks tell who is there."""
        shown: dict[str, dict[str, np.ndarray]] = _observing(form)(
            self.constants, self._seen(seen), self._memory(remembered)
        )
        return shown

    def expect(
        self, seen: HostSeen, remembered: HostMemory, target: np.ndarray, defence: np.ndarray
    ) -> tuple[Float[np.ndarray, " v"], Float[np.ndarray, " v"], Float[np.ndarray, " v"]]:
        """`expected_latencies`, and each vehicle's pace."""
        sent, defended = self._sent(target), self._zeros(np.asarray(defence, bool), UNIT)
        told = _expected(self.constants, self._seen(seen), self._memory(remembered), sent, defended)
        there, staying, pace = (each[: self.vehicles] for each in told)
        return there, staying, pace

    def cut_observation(self, observation: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, dict[str, np.ndarray]]:
        """An observation of those alone who are there."""
        v, s = self.vehicles, self.units
        listed = COLUMN in observation[features.PAIRS]
        width = min(s, observation[features.PAIRS][COLUMN].shape[1]) if listed else s

        def cut(name: str, array: np.ndarray) -> np.ndarray:
            if name == features.UNITS:
                return array[:s]
            return array[:v] if array.ndim == 1 else array[:v, :width]

        return {name: {field: cut(name, each) for field, each in part.items()} for name, part in observation.items()}

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return _sizes(self.vehicles, self.units)

    @cached_property
    def _there(self) -> dict[str, int]:
        """Those of an axis who are there."""
        return {VEHICLE: self.vehicles, UNIT: self.units}

    def _sent(self, target: np.ndarray) -> np.ndarray:
        sent = np.full(self._sizes[VEHICLE], self._sizes[UNIT] - 1, np.int32)
        sent[: self.vehicles] = target[: self.vehicles]
        return sent

    def _filled(self, array: np.ndarray, axes: str) -> np.ndarray:
        return _filled(array, axes, self._sizes)

    def _zeros(self, array: np.ndarray, axes: str) -> np.ndarray:
        """Filled up with zeros."""
        shape = tuple([self._sizes[axis] for axis in axes]) + array.shape[len(axes) :]
        filled = np.zeros(shape, array.dtype)
        place = self._inside(axes)
        filled[place] = array[place]
        return filled

    def _inside(self, axes: str) -> tuple[slice, ...]:
        """The place of those who are there."""
        if axes not in self._places:
            self._places[axes] = tuple([slice(self._there.get(axis)) for axis in axes])
        return self._places[axes]

    @cached_property
    def _places(self) -> dict[str, tuple[slice, ...]]:
        return {}

    def _seen(self, seen: HostSeen) -> HostSeen:
        return self._record(seen, SEEN, {})

    def _memory(self, remembered: HostMemory) -> HostMemory:
        own = {name: self._filled(np.asarray(each), UNIT) for name, each in vars(remembered.filter).items()}
        own["probability"][self.units :] = (1, 0, 0, 0)  # no target
        return self._record(remembered, MEMORY, {"filter": with_values(remembered.filter, own)})

    def _standing(self, before: HostStanding) -> HostStanding:
        own = vars(before)
        counts = {name: self._zeros(np.asarray(own[name]), STANDING[name]) for name in ("positive", "negative")}
        return self._record(before, STANDING, counts)

    def _record(self, record: Record, axes: Mapping[str, str], given: Mapping[str, Any]) -> Record:
        told, own = dict(given), vars(record)
        for name, first in axes.items():
            if name not in told:
                told[name] = array = self._filled(np.asarray(own[name]), first)
                there = self._there.get(first[0])
                if there == len(array):
                    continue  # nobody was added
                if name in SAID:
                    array[there:] = array[:there].mean(0)
                elif name in SENT:
                    array[there:] = self._sizes[UNIT] - 1
                elif array.dtype == bool:
                    array[there:] = False
        return with_values(record, told)

    def _cut(self, record: Record, axes: Mapping[str, str]) -> Record:
        """A record of those alone who are there."""
        own = vars(record)
        told = {name: _part(own[name], self._inside(of)) for name, of in axes.items()}
        return with_values(record, told)


def _part(arrays: Any, place: tuple[slice, ...]) -> Any:
    """A part of each array of a tree."""
    return arrays[place] if isinstance(arrays, np.ndarray) else jax.tree.map(itemgetter(place), arrays)


def _sizes(vehicles: int, units: int) -> dict[str, int]:
    """The sizes of the programs. There is always a unit that is not there, for vehicles that are not there."""
    return {VEHICLE: step_up(vehicles), UNIT: step_up(units) + 1}


def _filled(array: np.ndarray, axes: str, sizes: Mapping[str, int]) -> np.ndarray:
    """An array whose first axes have the given sizes; the last entry is repeated."""
    filled = array
    for place, axis in enumerate(axes):
        if axis in sizes and sizes[axis] != array.shape[place]:
            filled = filled.take(_repeating(array.shape[place], sizes[axis]), place)
    return array.copy() if filled is array else filled


@lru_cache(maxsize=256)
def _repeating(count: int, size: int) -> Int[np.ndarray, " n"]:
    """Places of what is there, the last one again and again up to a size."""
    return np.minimum(np.arange(size), count - 1)


@lru_cache(maxsize=32)
def _scatter(vehicles: int, units: int) -> np.ndarray:
    """The random starts of the plan's search, those of the fleet without padding."""
    noise = scattered(vehicles, units)
    return _filled(noise, "-" + VEHICLE + UNIT, _sizes(vehicles, units))


Given = tuple[Parameters, Known]


def _judge_slot(
    given: Given,
    before: Standing,
    latency: Float[Array, " v"],
    served: Float[Array, "v s"],
    packets: Float[Array, "2 2 s"],
) -> Standing:
    received, forwarded = (trust.delivery_ratio(sent, lost) for sent, lost in packets)
    return standing.update(given[0], before, latency, served, received, forwarded)


def _remember_slot(given: Given, before: Memory, seen: Seen, target: Array, defence: Array, after: Seen) -> Memory:
    return memory.remember(given[0], before, seen, target, defence, after)


@cache
def _observing(form: Form) -> PackedProgram:
    def observe(given: Given, seen: Seen, remembered: Memory) -> dict[str, dict[str, Array]]:
        return features.observe(given[0], replace(seen, known=given[1]), remembered, *form)

    return PackedProgram(observe)


@cache
def _advancing(form: Form) -> PackedProgram:
    def advance(
        given: Given, before: Standing, remembered: Memory, seen: Seen, after: Seen, told: tuple[Array, ...]
    ) -> tuple[Standing, Memory, dict[str, dict[str, Array]]]:
        p, known = given
        latency, served, packets, target, defence = told
        judged = _judge_slot(given, before, latency, served, packets)
        there = known.vehicles[:, None]
        mean = judged.reputation.mean(0, where=there)
        after = replace(after, reputation=jnp.where(there, judged.reputation, mean))
        later = memory.remember(p, remembered, seen, target, defence, after)
        return judged, later, features.observe(p, replace(after, known=known), later, *form)

    return PackedProgram(advance)


def _expect(given: Given, seen: Seen, remembered: Memory, target: Array, defence: Array) -> tuple[Array, ...]:
    p, known = given
    there, staying = expected_latencies(p, replace(seen, known=known), remembered, target, defence)
    return there, staying, remembered.pace


_judge = PackedProgram(_judge_slot)
_remember = PackedProgram(_remember_slot)
_expected = PackedProgram(_expect)
