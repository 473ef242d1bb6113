"""Traffic that SUMO simulates while one watches, in this process (package libsumo, extra `mobility`)."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.extras import missing
from edgewise.systems.agent_migration.drive.places import Point
from edgewise.systems.agent_migration.mobility.sumo import (
    Traffic,
    plan_trips,
    simulation_options,
    sumo_environment,
    sumo_home,
)


class Roads:
    """A running simulation.

    Args:
        simulator: libsumo.
    """

    def __init__(self, simulator: Any) -> None:
        self._simulator = simulator

    @property
    def crossings(self) -> Float[np.ndarray, "n 2"]:
        """Where roads meet, m."""
        names = [name for name in self._simulator.junction.getIDList() if not name.startswith(":")]
        return np.array([self._simulator.junction.getPosition(name) for name in names], float)

    @property
    def time_s(self) -> float:
        """Simulated time, s."""
        return float(self._simulator.simulation.getTime())

    def advance(self, until_s: float) -> dict[str, Point]:
        """Let time pass.

        Args:
            until_s: simulated time to stop at, s.

        Returns:
            Position of every vehicle on the road then, m.

        Raises:
            EdgewiseError: if SUMO fails.
        """
        try:
            self._simulator.simulationStep(until_s)
            vehicle = self._simulator.vehicle
            places = {name: vehicle.getPosition(name) for name in vehicle.getIDList()}
        except self._simulator.TraCIException as error:
            raise EdgewiseError(f"SUMO: {error}") from None
        return {name: (float(x), float(y)) for name, (x, y) in places.items()}


@contextmanager
def open_roads(traffic: Traffic, scenario: Path | None) -> Iterator[Roads]:
    """SUMO, started; it ends with the block.

    Args:
        traffic: random trips on a network.
        scenario: a configuration of SUMO (.sumocfg) instead.

    Raises:
        ConfigurationError: if the scenario is no file.
        EdgewiseError: if SUMO or libsumo is not installed, or fails.
    """
    if scenario is not None and not scenario.is_file():
        raise ConfigurationError("scenario", str(scenario), "a file of SUMO (.sumocfg)")
    home = sumo_home()
    simulator = _simulator(home)
    with tempfile.TemporaryDirectory(prefix="edgewise-sumo-") as name:
        if scenario is None:
            words = simulation_options(traffic, *plan_trips(traffic, Path(name), home))
        else:
            words = ["--configuration-file", str(scenario), "--no-step-log", "true", "--no-warnings", "true"]
        try:
            simulator.start(["sumo", *words])
        except simulator.TraCIException as error:
            raise EdgewiseError(f"SUMO: {error}") from None
        try:
            yield Roads(simulator)
        finally:
            simulator.close()


def _simulator(home: Path) -> Any:
    os.environ.update(sumo_environment(home))
    said = io.StringIO()  # where pyarrow is installed it warns of it, though none of its outputs are asked for
    try:
        with redirect_stdout(said), redirect_stderr(said):
            import libsumo
    except ImportError as error:
        raise missing("libsumo", "mobility", error) from None
    return libsumo
