"""`edgewise mobility import FILE`, `edgewise mobility generate`, and traces given to `edgewise train`."""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from edgewise.common.errors import ConfigurationError
from edgewise.systems.agent_migration.build import find_scenario, longest_episode
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.map import draw_map
from edgewise.systems.agent_migration.mobility.prepare import prepare_scenario
from edgewise.systems.agent_migration.mobility.scenario import MobilityScenario, save_scenario
from edgewise.systems.agent_migration.mobility.sumo import generate_with_sumo
from edgewise.systems.agent_migration.mobility.trace import read_trace

SUFFIX = ".npz"


@dataclass(frozen=True)
class Import:
    """Prepare a recording (SUMO floating car data or CSV, gzip or not) for training, and draw it.

    Attributes:
        trace: the file.
        output: where the prepared recording goes; none puts it beside the trace, ending in .npz.
        time: column with the time in s; none guesses it, likewise the next three.
        vehicle: column with the vehicle's identity.
        x: column with the x coordinate, m.
        y: column with the y coordinate, m.
        slot_seconds: time between two slots, s.
        window: first and last time to use, s; none takes all.
        vehicles: vehicles of an episode: places that there must be at least.
        places: places to keep at most; an episode draws its vehicles from them.
        rsus: road-side units, placed by k-means on the recorded positions.
        rsu_positions: road-side units placed by hand instead, as x y x y ..., m.
        coverage_m: coverage radius, m; none derives it from the distances.
        minimum_slots: a vehicle takes a place only if it stays that many slots.
        seed: of the choice of vehicles and of k-means.
        map: image of the result; none puts it beside the output, ending in .png.
        json: print JSON.
    """

    trace: tyro.conf.Positional[Path]
    output: Path | None = None
    time: str | None = None
    vehicle: str | None = None
    x: str | None = None
    y: str | None = None
    slot_seconds: float = 30.0
    window: tuple[float, float] | None = None
    vehicles: int = 8
    places: int = 64
    rsus: int = 4
    rsu_positions: Annotated[tuple[float, ...], tyro.conf.arg(metavar="X Y ...")] = ()
    coverage_m: float | None = None
    minimum_slots: int = 4
    seed: int = 0
    map: Path | None = None
    json: bool = False


@dataclass(frozen=True)
class Generate:
    """Simulate traffic with SUMO and write the vehicles' positions (extra "mobility").

    Attributes:
        output: file to write, floating car data in XML; packed if it ends in .gz.
        network: a SUMO road network; none generates a grid of streets with traffic lights.
        rows: crossings of the grid from north to south.
        columns: crossings of the grid from west to east.
        block_m: distance between neighbouring crossings, m.
        lanes: lanes per direction.
        seconds: recorded time, s.
        vehicles: trips that start while recording.
        sample_seconds: time between two records, s.
        seed: of trips and simulation.
    """

    output: Path = Path("trace.xml.gz")
    network: Path | None = None
    rows: int = 5
    columns: int = 5
    block_m: float = 400.0
    lanes: int = 1
    seconds: float = 3600.0
    vehicles: int = 1200
    sample_seconds: float = 2.0
    seed: int = 0


def run(words: list[str]) -> int:
    """Carry the command out."""
    commands = {"import": _import, "generate": _generate}
    if not words or words[0] not in commands:
        print("usage: edgewise mobility import FILE [options]\n       edgewise mobility generate [options]")
        return 0 if words and words[0] in ("-h", "--help") else 2
    return commands[words[0]](words[1:])


def settle_mobility(config: AgentMigrationConfig, folder: Path) -> AgentMigrationConfig:
    """Make the recording that a configuration names ready for a run.

    A trace that is not prepared yet is prepared into the run's folder. Episodes left at their default length are
    shortened to what both parts of the recording allow; this is told on standard error.

    Args:
        config: as the user gave it.
        folder: of the run.

    Returns:
        The configuration with an absolute path to a prepared recording and a possible length of episodes.
    """
    if config.mobility is None:
        return config
    if config.mobility != "grid":
        path = Path(config.mobility)
        if path.suffix != SUFFIX:
            scenario = prepare_scenario(
                read_trace(path), slot_seconds=config.slot_seconds, vehicles=config.vehicles, rsus=config.rsus
            )
            folder.mkdir(parents=True, exist_ok=True)
            path = save_scenario(folder / f"mobility{SUFFIX}", scenario)
            draw_map(scenario, folder / "mobility.png")
        config = dataclasses.replace(config, mobility=str(path.resolve()))
    find_scenario(str(config.mobility))
    longest = longest_episode(config)
    default = AgentMigrationConfig().slots
    if longest is not None and config.slots == default and 0 < longest < default:
        print(f"episodes of {longest} slots: the recording's parts allow no more", file=sys.stderr)
        config = dataclasses.replace(config, slots=longest)
    return config


def _import(words: list[str]) -> int:
    options = tyro.cli(Import, args=words, prog="edgewise mobility import")
    if len(options.rsu_positions) % 2:
        raise ConfigurationError("rsu_positions", options.rsu_positions, "pairs x y")
    by_hand = tuple(zip(options.rsu_positions[::2], options.rsu_positions[1::2], strict=True))
    trace = read_trace(options.trace, time=options.time, vehicle=options.vehicle, x=options.x, y=options.y)
    scenario = prepare_scenario(
        trace,
        slot_seconds=options.slot_seconds,
        window=options.window,
        vehicles=options.vehicles,
        places=options.places,
        rsus=options.rsus,
        rsu_positions=by_hand or None,
        coverage_m=options.coverage_m,
        minimum_slots=options.minimum_slots,
        seed=options.seed,
    )
    output = options.output or Path(f"{options.trace.name.split('.')[0]}{SUFFIX}")
    if output.suffix != SUFFIX:
        raise ConfigurationError("output", str(output), f"a file name that ends in {SUFFIX}")
    output = save_scenario(output, scenario)
    image = draw_map(scenario, options.map or output.with_suffix(".png"))
    facts = _facts(scenario) | {"output": str(output), "map": str(image)}
    if options.json:
        print(json.dumps(facts))
    else:
        print("\n".join(f"{name}: {value}" for name, value in facts.items()))
        print(f"train on it: edgewise train agent-migration --mobility {output}")
    return 0


def _facts(scenario: MobilityScenario) -> dict[str, object]:
    slots, places = scenario.handover.shape
    return {
        "source": scenario.source,
        "window_s": list(scenario.window),
        "slot_seconds": scenario.slot_seconds,
        "slots": slots,
        "places": places,
        "handovers": int(scenario.handover.sum()),
        "rsu_positions_m": [[round(float(x), 1), round(float(y), 1)] for x, y in scenario.rsu_positions],
        "coverage_m": round(scenario.coverage_m, 1),
        "area_m": scenario.area_m,
    }


def _generate(words: list[str]) -> int:
    options = tyro.cli(Generate, args=words, prog="edgewise mobility generate")
    path = generate_with_sumo(
        options.output,
        network=options.network,
        rows=options.rows,
        columns=options.columns,
        block_m=options.block_m,
        lanes=options.lanes,
        seconds=options.seconds,
        vehicles=options.vehicles,
        sample_seconds=options.sample_seconds,
        seed=options.seed,
    )
    print(f"{path}\nprepare it: edgewise mobility import {path}")
    return 0
