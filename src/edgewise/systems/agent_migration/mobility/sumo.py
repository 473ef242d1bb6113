"""Generation of trajectories with the traffic simulator SUMO (package eclipse-sumo, extra `mobility`)."""

from __future__ import annotations

import gzip
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewise.common.errors import ConfigurationError, EdgewiseError, check_integer, check_range
from edgewise.common.tables import GZIP_MAGIC

HEAD_BYTES = 1 << 17
"""So far into a network its element `net` is looked for (128 KiB); the remark before it holds the options that made it."""
MESSAGE_LENGTH = 300  # of what SUMO said, in an error
LARGEST_SEED = 2**31 - 1  # that SUMO takes


@dataclass(frozen=True)
class Traffic:
    """Random trips on a road network. They start evenly in time at random roads.

    Attributes:
        network: a SUMO road network (.net.xml or .net.xml.gz). If None, a grid of streets with traffic lights is generated.
        rows: crossings of the grid from south to north, 2 or more.
        columns: crossings of the grid from west to east, 2 or more.
        block_m: distance between neighbouring crossings, m.
        lanes: lanes per direction.
        seconds: recorded time, s.
        vehicles: trips that start while recording.
        warm_up_seconds: simulated time before the recording, in which the roads fill at the same rate, s.
        sample_seconds: time between two records, s.
        shortest_trip_m: least distance from a trip's start to its end, as the crow flies, m.
        seed: the seed of the trips and of the simulation; the same seed gives the same file from the same SUMO version.
    """

    network: Path | None = None
    rows: int = 5
    columns: int = 5
    block_m: float = 400.0
    lanes: int = 1
    seconds: float = 3600.0
    vehicles: int = 1200
    warm_up_seconds: float = 300.0
    sample_seconds: float = 2.0
    shortest_trip_m: float = 1000.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("rows", "columns"):
            check_integer(name, getattr(self, name), 2, 1000)
        check_integer("lanes", self.lanes, 1, 10)
        check_integer("vehicles", self.vehicles, 1)
        check_integer("seed", self.seed, 0, LARGEST_SEED)
        check_range("block_m", self.block_m, 20)
        check_range("seconds", self.seconds, 1)
        check_range("warm_up_seconds", self.warm_up_seconds, 0)
        check_range("sample_seconds", self.sample_seconds, 1)
        check_range("shortest_trip_m", self.shortest_trip_m, 0)
        if self.network is not None:
            if not Path(self.network).is_file():
                raise ConfigurationError("network", os.fspath(self.network), "a file")
            if not _is_network(Path(self.network)):
                raise ConfigurationError("network", os.fspath(self.network), "a road network of SUMO (.net.xml)")


def generate_with_sumo(output: str | os.PathLike[str], traffic: Traffic) -> Path:
    """Simulate traffic and write the vehicles' positions.

    Args:
        output: the file to write: SUMO floating car data (XML), packed if the name ends with .gz.
        traffic: what drives, and where.

    Returns:
        The path of the output.

    Raises:
        ConfigurationError: if the output is in no folder that exists, or is a folder or the network itself.
        EdgewiseError: if SUMO is not installed, or fails; the error holds its output.
    """
    output = Path(output).absolute()
    if not output.parent.is_dir():
        raise ConfigurationError("output", os.fspath(output), "in a folder that exists")
    if output.is_dir():
        raise ConfigurationError("output", os.fspath(output), "a file, not a folder")
    if traffic.network is not None and output.exists() and output.samefile(traffic.network):
        raise ConfigurationError("output", os.fspath(output), "another file than the network")
    home = sumo_home()
    environment = sumo_environment(home)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".sumo-") as name:
        folder = Path(name)
        records = folder / f"fcd.xml{'.gz' if output.suffix == '.gz' else ''}"
        roads, trips = plan_trips(traffic, folder, home)
        _call(_recording(traffic, home, roads, trips, records), folder, environment)
        os.replace(records, output)
    return output


def plan_trips(traffic: Traffic, folder: Path, home: Path) -> tuple[Path, Path]:
    """Write the trips of a traffic, and its roads if it has none.

    Args:
        traffic: what drives, and where.
        folder: to write into.
        home: of SUMO, see `sumo_home`.

    Returns:
        The road network and the trips.

    Raises:
        EdgewiseError: if SUMO fails; the error holds its output.
    """
    roads = folder / "grid.net.xml" if traffic.network is None else Path(traffic.network).absolute()
    trips = folder / "trips.xml"
    for step in _planning(traffic, home, roads, trips):
        _call(step, folder, sumo_environment(home))
    return roads, trips


def sumo_environment(home: Path) -> dict[str, str]:
    """Environment variables with which SUMO finds its files."""
    projections = home / "data" / "proj"
    found = {"PROJ_LIB": str(projections), "PROJ_DATA": str(projections)} if projections.is_dir() else {}
    return os.environ | {"SUMO_HOME": str(home)} | found


def _is_network(path: Path) -> bool:
    """Whether a file, plain or gzip, begins with the element `net`, after remarks."""
    with path.open("rb") as file:
        packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        try:
            start = (gzip.GzipFile(fileobj=file) if packed else file).read(HEAD_BYTES)
        except (OSError, EOFError, zlib.error):
            return False
    return re.search(rb"<net[\s>]", start) is not None


def _planning(traffic: Traffic, home: Path, roads: Path, trips: Path) -> list[list[str]]:
    """The programs that make roads, if there are none, and trips."""
    seed = str(traffic.seed)
    grid = [
        str(home / "bin" / "netgenerate"),
        *("--grid", "--grid.x-number", str(traffic.columns), "--grid.y-number", str(traffic.rows)),
        *("--grid.length", f"{traffic.block_m:g}", "--default.lanenumber", str(traffic.lanes)),
        *("--default-junction-type", "traffic_light", "--tls.guess", "true"),
        *("--seed", seed, "--output-file", str(roads)),
    ]
    plan = [
        sys.executable, str(home / "tools" / "randomTrips.py"),
        *("--net-file", str(roads), "--output-trip-file", str(trips), "--seed", seed),
        *("--begin", "0", "--end", _end(traffic), "--period", f"{traffic.seconds / traffic.vehicles:.6f}"),
        *("--min-distance", f"{traffic.shortest_trip_m:g}", "--no-validate"),
    ]  # fmt: skip
    return [*([grid] if traffic.network is None else []), plan]


def simulation_options(traffic: Traffic, roads: Path, trips: Path) -> list[str]:
    """What SUMO is told of a traffic."""
    return [
        *("--net-file", str(roads), "--route-files", str(trips), "--seed", str(traffic.seed)),
        *("--begin", "0", "--end", _end(traffic), "--ignore-route-errors", "true"),
        *("--no-step-log", "true", "--no-warnings", "true", "--xml-validation", "never"),
    ]


def _recording(traffic: Traffic, home: Path, roads: Path, trips: Path, records: Path) -> list[str]:
    """The program that simulates and records."""
    return [
        str(home / "bin" / "sumo"),
        *simulation_options(traffic, roads, trips),
        *("--fcd-output", str(records), "--fcd-output.attributes", "x,y"),
        *("--device.fcd.begin", f"{traffic.warm_up_seconds:g}", "--device.fcd.period", f"{traffic.sample_seconds:g}"),
    ]


def _end(traffic: Traffic) -> str:
    return f"{traffic.warm_up_seconds + traffic.seconds:g}"


def sumo_home() -> Path:
    """The folder with SUMO's `bin` and `tools`: from SUMO_HOME, the package eclipse-sumo, or the search path.

    Raises:
        EdgewiseError: if there is no such file.
    """
    places = [Path(os.environ["SUMO_HOME"])] if os.environ.get("SUMO_HOME") else []
    package = importlib.util.find_spec("sumo")
    if package is not None:
        places += [Path(place) for place in package.submodule_search_locations or ()]
    program = shutil.which("sumo")
    if program is not None:
        prefix = Path(program).resolve().parent.parent
        places += [prefix, prefix / "share" / "sumo"]
    for place in places:
        if shutil.which("sumo", path=str(place / "bin")) and (place / "tools" / "randomTrips.py").is_file():
            return place
    raise EdgewiseError(
        "SUMO is not installed: pip install eclipse-sumo (the extra mobility), or set SUMO_HOME to its folder"
    )


def _call(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    result = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    if result.returncode != 0:
        program = next(Path(part).stem for part in command if part != sys.executable)
        said = [line.strip() for line in (result.stderr or result.stdout).splitlines() if line.strip()]
        errors = [line for line in said if line.startswith("Error")] or said[-1:]
        raise EdgewiseError(f"{program} failed (exit status {result.returncode}): {' '.join(errors)[:MESSAGE_LENGTH]}")
