"""`edgewise mobility import FILE`, `edgewise mobility generate`."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from edgewise.common.by_products import check_image_name, free_name, is_own_figure, plot_beside
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.systems.agent_migration.files import SUFFIX, load_scenario, save_scenario
from edgewise.systems.agent_migration.map import plot_map
from edgewise.systems.agent_migration.mobility.prepare import Preparation, prepare_scenario
from edgewise.systems.agent_migration.mobility.scenario import MobilityScenario
from edgewise.systems.agent_migration.mobility.sumo import Traffic, generate_with_sumo
from edgewise.systems.agent_migration.mobility.trace import TraceFormat, read_trace

TRACE = Path("trace.xml.gz")


@dataclass(frozen=True)
class Import:
    """Prepare a recording (SUMO floating car data or CSV, gzip or not) for training, and plot it.

    Attributes:
        trace: the file.
        form: columns and units.
        preparation: how it is prepared.
        output: where the prepared recording goes. If None, into this folder, under the trace's name, ending in .npz.
        map: image of the result. If None, beside the output, ending in .png.
        json: print JSON.
    """

    trace: tyro.conf.Positional[Path]
    form: Annotated[TraceFormat, tyro.conf.arg(name="")] = field(default_factory=TraceFormat)
    preparation: Annotated[Preparation, tyro.conf.arg(name="")] = field(default_factory=Preparation)
    output: Path | None = None
    map: Path | None = None
    json: bool = False


@dataclass(frozen=True)
class Generate:
    """Simulate traffic with SUMO and write the vehicles' positions (extra "mobility").

    Attributes:
        traffic: what drives, and where.
        output: file to write, floating car data in XML; packed if it ends in .gz. If None, trace.xml.gz, or trace-2.xml.gz
            and so on if that exists.
    """

    traffic: Annotated[Traffic, tyro.conf.arg(name="")] = field(default_factory=Traffic)
    output: Path | None = None


def run(words: list[str]) -> int:
    """Carry the command out."""
    commands = {"import": _import, "generate": _generate}
    if not words or words[0] not in commands:
        print("usage: edgewise mobility import FILE [options]\n       edgewise mobility generate [options]")
        return 0 if words and words[0] in ("-h", "--help") else 2
    return commands[words[0]](words[1:])


def _import(words: list[str]) -> int:
    options = tyro.cli(Import, args=words, prog="edgewise mobility import")
    output, image = _targets(options)
    trace = read_trace(options.trace, options.form, _tell)
    scenario = prepare_scenario(trace, options.preparation, _tell)
    save_scenario(output, scenario)
    facts = _facts(scenario) | {"output": str(output), "map": str(image)}
    if options.json:
        print(json.dumps(facts))
    else:
        print("\n".join(f"{name}: {value}" for name, value in facts.items()))
        print(f"train on it: {shlex.join(['edgewise', 'train', 'agent-migration', '--mobility', str(output)])}")
    plot_beside(image, image, lambda path: plot_map(scenario, path)).report(as_json=True)
    return 0


def _targets(options: Import) -> tuple[Path, Path]:
    """The files to write; those that were not named take no other file's place."""
    check_image_name("map", options.map)
    usual = Path(f"{options.trace.name.split('.')[0]}{SUFFIX}")
    output = options.output or free_name(usual, _is_scenario)
    if output.suffix != SUFFIX:
        raise ConfigurationError("output", str(output), f"a file name that ends in {SUFFIX}")
    if output.exists() and options.trace.exists() and output.samefile(options.trace):
        raise ConfigurationError("output", str(output), "another file than the recording")
    if options.output is None and output != usual:
        _tell(f"{usual}: was not written by edgewise, and stays; see {output}")
    return output, options.map or free_name(output.with_suffix(".png"), is_own_figure)


def _is_scenario(path: Path) -> bool:
    try:
        load_scenario(path)
    except EdgewiseError:
        return False
    return True


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def _facts(scenario: MobilityScenario) -> dict[str, object]:
    slots, places = scenario.handover.shape
    facts: dict[str, object] = {
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
    if scenario.reference_deg is not None:
        facts["reference_deg"] = [round(degrees, 6) for degrees in scenario.reference_deg]
    return facts | {"sha256": scenario.sha256}


def _generate(words: list[str]) -> int:
    options = tyro.cli(Generate, args=words, prog="edgewise mobility generate")
    path = generate_with_sumo(options.output or free_name(TRACE, lambda path: False), options.traffic)
    print(f"{path}\nprepare it: edgewise mobility import {shlex.quote(str(path))}")
    return 0
