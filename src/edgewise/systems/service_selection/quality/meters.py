"""What a picture costs: seconds, processor seconds, joules."""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from edgewise.common.errors import check_range

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows the energy counters of processors (RAPL), of AMD's under the same name."""
ZONE = re.compile(r"intel-rapl:\d+$")
"""A whole zone, not a part of one, which would be counted twice."""
MICRO = 1e-6
"""Joules of the unit in which counters tell energy."""
Result = TypeVar("Result")


class Usage(NamedTuple):
    """What one picture cost.

    Attributes:
        seconds: by the clock.
        processor_seconds: of all threads of this process.
        joules: energy; None if it was not measured.
    """

    seconds: float
    processor_seconds: float
    joules: float | None


class Energy(ABC):
    """A source of energy figures."""

    @property
    @abstractmethod
    def words(self) -> str:
        """How energy is found."""

    @abstractmethod
    def start(self) -> None:
        """Begin to measure."""

    @abstractmethod
    def joules(self, processor_seconds: float) -> float | None:
        """Energy since the beginning, J, of which the processor was busy for so long."""


@dataclass(frozen=True)
class Zone:
    """A counter of RAPL.

    Attributes:
        path: its folder.
        span: the counter begins again after so much, microjoules.
    """

    path: Path
    span: int

    def read(self) -> int:
        """The counter, microjoules."""
        return int((self.path / "energy_uj").read_text())


class Rapl(Energy):
    """Energy of all processor packages, from their counters. Everything that runs on the machine is in it."""

    def __init__(self, zones: list[Zone]) -> None:
        self._zones = zones
        self._before = [zone.read() for zone in zones]

    @property
    def words(self) -> str:
        count = len(self._zones)
        return f"RAPL counters of {count} processor package{'s' * (count > 1)}, the whole machine's work"

    def start(self) -> None:
        self._before = [zone.read() for zone in self._zones]

    def joules(self, processor_seconds: float) -> float:
        pairs = zip(self._zones, self._before, strict=True)
        return sum((zone.read() - before) % zone.span for zone, before in pairs) * MICRO


@dataclass(frozen=True)
class Declared(Energy):
    """Processor seconds times a power that the user declares.

    Attributes:
        watts: of one busy processor core.
    """

    watts: float

    @property
    def words(self) -> str:
        return f"processor seconds times a declared {self.watts:g} W"

    def start(self) -> None:
        return

    def joules(self, processor_seconds: float) -> float:
        return processor_seconds * self.watts


class Unknown(Energy):
    """Energy is not measured."""

    @property
    def words(self) -> str:
        return "not measured: RAPL cannot be read here; declare the power of a busy core with --watts"

    def start(self) -> None:
        return

    def joules(self, processor_seconds: float) -> None:
        return None


def find_energy(watts: float | None, folder: Path = POWERCAP) -> Energy:
    """RAPL where it can be read, else processor seconds times `watts`.

    Args:
        watts: power of a busy core, W. If None, energy is not measured without RAPL.
        folder: where counters are looked for.

    Raises:
        ConfigurationError: for a power that is not positive.
    """
    if watts is not None:
        check_range("watts", watts, 0, open_low=True)
    zones = _zones(folder)
    if zones:
        return Rapl(zones)
    return Unknown() if watts is None else Declared(watts)


def _zones(folder: Path) -> list[Zone]:
    """Counters of processor packages that can be read; on most machines an administrator alone may."""
    found = []
    for path in sorted(folder.glob("intel-rapl:*")):
        try:
            if ZONE.match(path.name) and (path / "name").read_text().startswith("package"):
                zone = Zone(path, int((path / "max_energy_range_uj").read_text()) + 1)
                zone.read()
                found.append(zone)
        except (OSError, ValueError):
            continue
    return found


def measured(work: Callable[[], Result], energy: Energy) -> tuple[Result, Usage]:
    """Do some work, and say what it cost."""
    energy.start()
    clock, processor = time.perf_counter(), time.process_time()
    result = work()
    processor_seconds = time.process_time() - processor
    return result, Usage(time.perf_counter() - clock, processor_seconds, energy.joules(processor_seconds))
