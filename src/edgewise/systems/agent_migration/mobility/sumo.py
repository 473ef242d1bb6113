"""Generation of trajectories with the traffic simulator SUMO (package eclipse-sumo, extra `mobility`)."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgewise.common.errors import ConfigurationError, EdgewiseError, check_integer, check_range

MESSAGE_LENGTH = 300
LARGEST_SEED = 2**31 - 1


def generate_with_sumo(
    output: str | os.PathLike[str],
    *,
    network: str | os.PathLike[str] | None = None,
    rows: int = 5,
    columns: int = 5,
    block_m: float = 400.0,
    lanes: int = 1,
    seconds: float = 3600.0,
    vehicles: int = 1200,
    warm_up_seconds: float = 300.0,
    sample_seconds: float = 2.0,
    shortest_trip_m: float = 1000.0,
    seed: int = 0,
) -> Path:
    """Simulate random trips on a road network and write the vehicles' positions.

    Without a network, a grid of streets with traffic lights is generated. Trips start evenly in time at random roads.

    Args:
        output: the file to write: SUMO floating car data (XML), packed if the name ends with .gz.
        network: a SUMO road network (.net.xml or .net.xml.gz); none generates the grid.
        rows: crossings of the grid from south to north, 2 or more.
        columns: crossings from west to east, 2 or more.
        block_m: distance between neighbouring crossings, m.
        lanes: lanes per direction.
        seconds: recorded time, s.
        vehicles: trips that start while recording.
        warm_up_seconds: simulated time before the recording, in which the roads fill at the same rate, s.
        sample_seconds: time between two records, s.
        shortest_trip_m: least distance from a trip's start to its end, as the crow flies, m.
        seed: of the trips and of the simulation; the same seed gives the same file from the same SUMO version.

    Returns:
        The path of the output.

    Raises:
        ConfigurationError: if an argument is not allowed.
        EdgewiseError: if SUMO is not installed, or fails; the text holds what it said.
    """
    for name, count in (("rows", rows), ("columns", columns)):
        check_integer(name, count, 2, 1000)
    check_integer("lanes", lanes, 1, 10)
    check_integer("vehicles", vehicles, 1)
    check_integer("seed", seed, 0, LARGEST_SEED)
    check_range("block_m", block_m, 20)
    check_range("seconds", seconds, 1)
    check_range("warm_up_seconds", warm_up_seconds, 0)
    check_range("sample_seconds", sample_seconds, 1)
    check_range("shortest_trip_m", shortest_trip_m, 0)
    output = Path(output).absolute()
    if network is not None and not Path(network).is_file():
        raise ConfigurationError("network", os.fspath(network), "a file")
    if not output.parent.is_dir():
        raise ConfigurationError("output", os.fspath(output), "in a folder that exists")
    home = sumo_home()
    environment = os.environ | {"SUMO_HOME": str(home)}
    if (home / "data" / "proj").is_dir():
        environment |= {"PROJ_LIB": str(home / "data" / "proj"), "PROJ_DATA": str(home / "data" / "proj")}
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".sumo-") as name:
        folder = Path(name)
        roads = folder / "grid.net.xml" if network is None else Path(network).absolute()
        trips, records = folder / "trips.xml", folder / f"fcd.xml{'.gz' if output.suffix == '.gz' else ''}"
        steps: list[list[str]] = []
        if network is None:
            steps.append([
                str(home / "bin" / "netgenerate"),
                *("--grid", "--grid.x-number", str(columns), "--grid.y-number", str(rows)),
                *("--grid.length", f"{block_m:g}", "--default.lanenumber", str(lanes)),
                *("--default-junction-type", "traffic_light", "--tls.guess", "true"),
                *("--seed", str(seed), "--output-file", str(roads)),
            ])  # fmt: skip
        end = warm_up_seconds + seconds
        steps.append([
            sys.executable, str(home / "tools" / "randomTrips.py"),
            *("--net-file", str(roads), "--output-trip-file", str(trips), "--seed", str(seed)),
            *("--begin", "0", "--end", f"{end:g}", "--period", f"{seconds / vehicles:.6f}"),
            *("--min-distance", f"{shortest_trip_m:g}", "--no-validate"),
        ])  # fmt: skip
        steps.append([
            str(home / "bin" / "sumo"),
            *("--net-file", str(roads), "--route-files", str(trips), "--seed", str(seed)),
            *("--begin", "0", "--end", f"{end:g}", "--ignore-route-errors", "true"),
            *("--fcd-output", str(records), "--fcd-output.attributes", "x,y"),
            *("--device.fcd.begin", f"{warm_up_seconds:g}", "--device.fcd.period", f"{sample_seconds:g}"),
            *("--no-step-log", "true", "--no-warnings", "true", "--xml-validation", "never"),
        ])  # fmt: skip
        for step in steps:
            _call(step, folder, environment)
        os.replace(records, output)
    return output


def sumo_home() -> Path:
    """The folder with SUMO's `bin` and `tools`: from SUMO_HOME, the package eclipse-sumo, or the search path.

    Raises:
        EdgewiseError: if there is none.
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
    raise EdgewiseError("SUMO is not installed: pip install edgewise[mobility], or set SUMO_HOME to its folder")


def _call(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    result = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    if result.returncode != 0:
        program = next(Path(part).stem for part in command if part != sys.executable)
        said = [line.strip() for line in (result.stderr or result.stdout).splitlines() if line.strip()]
        errors = [line for line in said if line.startswith("Error")] or said[-1:]
        raise EdgewiseError(f"{program} failed (exit status {result.returncode}): {' '.join(errors)[:MESSAGE_LENGTH]}")
