"""`edgewise workload import FILE`, `edgewise workload generate`, and requests given to `edgewise train`."""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from edgewise.common.errors import ConfigurationError
from edgewise.systems.service_selection.build import part_of
from edgewise.systems.service_selection.bursts import generate_bursts
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.figures import workload_figure
from edgewise.systems.service_selection.requests import Requests, read_requests
from edgewise.systems.service_selection.workload import Workload, fit_workload, is_workload, save_workload

DEFAULTS = ServiceSelectionConfig()
ENDINGS = (".csv", ".csv.gz")


@dataclass(frozen=True)
class Import:
    """Prepare recorded requests (CSV or JSON, gzip or not) for training, and draw them.

    The traces of Azure LLM inference and BurstGPT are understood without naming columns.

    Attributes:
        trace: the file.
        output: where the workload goes; none takes the trace's name, ending in -workload.csv, in the current folder.
        time_column: column with the time, in s or as a date. If None, it is guessed.
        size_column: column with the size. If None, it is guessed; of the traces above it is the generated tokens.
        status_column: column that tells which requests failed, which are left out. If None, it is guessed.
        arrival_rate: mean arrivals per second that time is scaled to.
        window: first and last time to use, s since the first request; none takes all.
        smallest_task: smallest task size that sizes are mapped to, denoising steps.
        largest_task: largest one.
        task_step: spacing of task sizes.
        figure: image of the result; none puts it beside the output, ending in .png.
        json: print JSON.
    """

    trace: tyro.conf.Positional[Path]
    output: Path | None = None
    time_column: str | None = None
    size_column: str | None = None
    status_column: str | None = None
    arrival_rate: float = DEFAULTS.arrival_rate
    window: tuple[float, float] | None = None
    smallest_task: int = DEFAULTS.smallest_task
    largest_task: int = DEFAULTS.largest_task
    task_step: int = DEFAULTS.task_step
    figure: Path | None = None
    json: bool = False


@dataclass(frozen=True)
class Generate:
    """Draw a workload that alternates between calm times and bursts.

    Attributes:
        output: file to write; packed if it ends in .gz.
        requests: how many.
        arrival_rate: mean arrivals per second.
        burst_factor: rate in a burst over the rate in calm times.
        calm_seconds: mean length of a calm time, s.
        burst_seconds: mean length of a burst, s.
        burst_size: median size in a burst over that in calm times.
        seed: of everything drawn.
        figure: image of the result; none puts it beside the output, ending in .png.
        json: print JSON.
    """

    output: Path = Path("bursts.csv")
    requests: int = 8000
    arrival_rate: float = DEFAULTS.arrival_rate
    burst_factor: float = 3.0
    calm_seconds: float = 120_000.0
    burst_seconds: float = 40_000.0
    burst_size: float = 1.5
    seed: int = 0
    figure: Path | None = None
    json: bool = False


def run(words: list[str]) -> int:
    """Carry the command out."""
    commands = {"import": _import, "generate": _generate}
    if not words or words[0] not in commands:
        print("usage: edgewise workload import FILE [options]\n       edgewise workload generate [options]")
        return 0 if words and words[0] in ("-h", "--help") else 2
    return commands[words[0]](words[1:])


def settle_workload(config: ServiceSelectionConfig, folder: Path) -> ServiceSelectionConfig:
    """Make the files that a configuration names ready for a run.

    Recorded requests that are not prepared yet are prepared into the run's folder.

    Args:
        config: as the user gave it.
        folder: of the run.

    Returns:
        The configuration with absolute paths, and a prepared workload if it names one.
    """
    if config.providers_file is not None:
        config = dataclasses.replace(config, providers_file=str(Path(config.providers_file).resolve()))
    if config.workload in (None, "bursty"):
        return config
    path = Path(str(config.workload))
    if not is_workload(path):
        requests = read_requests(path)
        print("\n".join(requests.remarks()), end="\n" * bool(requests.remarks()), file=sys.stderr)
        workload = _fit(requests, config)
        for part in ("training", "evaluation"):
            part_of(workload, config, part)
        folder.mkdir(parents=True, exist_ok=True)
        path = save_workload(folder / "workload.csv", workload)
        workload_figure(workload, folder / "workload.png", config.training_share)
    return dataclasses.replace(config, workload=str(path.resolve()))


def _import(words: list[str]) -> int:
    options = tyro.cli(Import, args=words, prog="edgewise workload import")
    output = options.output or Path(f"{options.trace.name.split('.')[0]}-workload.csv")
    _check_names(output, options.figure)
    system = ServiceSelectionConfig(
        arrival_rate=options.arrival_rate,
        smallest_task=options.smallest_task,
        largest_task=options.largest_task,
        task_step=options.task_step,
    )
    if output.exists() and options.trace.exists() and output.samefile(options.trace):
        raise ConfigurationError("output", str(output), "another file than the recording")
    requests = read_requests(
        options.trace,
        time_column=options.time_column,
        size_column=options.size_column,
        status_column=options.status_column,
    )
    workload = _fit(requests, system, options.window)
    for remark in requests.remarks():
        print(remark, file=sys.stderr if options.json else sys.stdout)
    return _write(workload, system, output, options.figure, options.json, {"size_column": requests.size_column})


def _generate(words: list[str]) -> int:
    options = tyro.cli(Generate, args=words, prog="edgewise workload generate")
    _check_names(options.output, options.figure)
    requests = generate_bursts(
        options.requests,
        options.arrival_rate,
        options.burst_factor,
        options.calm_seconds,
        options.burst_seconds,
        options.burst_size,
        options.seed,
    )
    system = ServiceSelectionConfig(arrival_rate=options.arrival_rate)
    return _write(_fit(requests, system), system, options.output, options.figure, options.json, {})


def _fit(requests: Requests, system: ServiceSelectionConfig, window: tuple[float, float] | None = None) -> Workload:
    return fit_workload(
        requests, system.arrival_rate, window, system.smallest_task, system.largest_task, system.task_step
    )


def _check_names(output: Path, figure: Path | None) -> None:
    if not output.name.endswith(ENDINGS):
        raise ConfigurationError("output", str(output), f"a file name that ends in {' or '.join(ENDINGS)}")
    if figure is not None and figure.suffix not in (".png", ".pdf", ".svg"):
        raise ConfigurationError("figure", str(figure), "a file name that ends in .png, .pdf or .svg")


def _write(
    workload: Workload,
    system: ServiceSelectionConfig,
    output: Path,
    figure: Path | None,
    as_json: bool,
    more: dict[str, object],
) -> int:
    save_workload(output, workload)
    image = figure or output.with_name(f"{output.name.split('.')[0]}.png")
    workload_figure(workload, image, DEFAULTS.training_share)
    facts = more | _facts(workload) | {"output": str(output), "figure": str(image)}
    if as_json:
        print(json.dumps(facts))
    else:
        print("\n".join(f"{name}: {value}" for name, value in facts.items()))
        print(f"train on it: edgewise train service-selection --workload {output}{_changes(system)}")
    return 0


def _changes(system: ServiceSelectionConfig) -> str:
    """What must be said to `edgewise train` for a system that is not the default one."""
    chosen, usual = dataclasses.asdict(system), dataclasses.asdict(DEFAULTS)
    return "".join(f" --{name.replace('_', '-')} {value:g}" for name, value in chosen.items() if value != usual[name])


def _facts(workload: Workload) -> dict[str, object]:
    gaps = np.diff(workload.time_s)
    values, counts = np.unique(workload.size_steps, return_counts=True)
    return {
        "source": workload.source,
        "requests": workload.requests,
        "seconds": round(workload.seconds, 3),
        "arrival_rate": float(f"{1 / workload.mean_gap:.6g}"),
        "gap_variation": round(float(gaps.std() / gaps.mean()), 3),
        "mean_size_steps": round(float(workload.size_steps.mean()), 2),
        "sizes": {f"{value:g}": int(count) for value, count in zip(values, counts, strict=True)},
    }
