"""`edgewise workload import FILE`, `edgewise workload generate` and `edgewise workload measure-quality GENERATOR`."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from edgewise.common.by_products import check_image_name, free_name, plot_beside
from edgewise.common.errors import ConfigurationError
from edgewise.common.times import TimeUnit
from edgewise.systems.service_selection.build import fit_requests, with_providers
from edgewise.systems.service_selection.bursts import generate_bursts
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.load import Load, measure_load
from edgewise.systems.service_selection.requests import read_requests
from edgewise.systems.service_selection.workload import Workload, is_own_workload, save_workload

DEFAULTS = ServiceSelectionConfig()
ENDINGS = (".csv", ".csv.gz")


@dataclass(frozen=True)
class Import:
    """Prepare recorded requests (CSV or JSON, gzip or not) for training, and plot them.

    The traces of Azure LLM inference and BurstGPT are understood without naming columns.

    Attributes:
        trace: the file.
        output: where the workload goes. If None, the trace's name, ending in -workload.csv, in the current folder.
        time_column: column with the time, a number or a date. If None, it is guessed.
        time_unit: the time unit of times that are numbers.
        size_column: column with the size. If None, it is guessed; of the traces above it is the generated tokens.
        status_column: column that shows which requests failed; those are left out. If None, it is guessed.
        arrival_rate: mean arrivals per second that time is scaled to.
        window: first and last time to use, s since the first request. If None, all are used.
        smallest_task: smallest task size that sizes are mapped to, denoising steps.
        largest_task: largest one.
        task_step: spacing of task sizes.
        providers_file: CSV or YAML file with the providers that the load is held against. If None, the default ones.
        figure: image of the result. If None, beside the output, ending in .png.
        json: print JSON.
    """

    trace: tyro.conf.Positional[Path]
    output: Path | None = None
    time_column: str | None = None
    time_unit: TimeUnit = "s"
    size_column: str | None = None
    status_column: str | None = None
    arrival_rate: float = DEFAULTS.arrival_rate
    window: tuple[float, float] | None = None
    smallest_task: int = DEFAULTS.smallest_task
    largest_task: int = DEFAULTS.largest_task
    task_step: int = DEFAULTS.task_step
    providers_file: Path | None = None
    figure: Path | None = None
    json: bool = False


@dataclass(frozen=True)
class Generate:
    """Draw a workload that alternates between calm times and bursts.

    Attributes:
        output: file to write; packed if it ends in .gz. If None, bursts.csv.
        requests: number of requests.
        arrival_rate: mean arrivals per second.
        burst_factor: rate in a burst over the rate in calm times.
        calm_seconds: mean length of a calm time, s.
        burst_seconds: mean length of a burst, s.
        burst_size: median size in a burst over that in calm times.
        seed: the seed of everything drawn.
        figure: image of the result. If None, beside the output, ending in .png.
        json: print JSON.
    """

    output: Path | None = None
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
    commands = {"import": _import, "generate": _generate, "measure-quality": _measure_quality}
    if not words or words[0] not in commands:
        print(
            "usage: edgewise workload import FILE [options]\n"
            "       edgewise workload generate [options]\n"
            "       edgewise workload measure-quality GENERATOR [options]"
        )
        return 0 if words and words[0] in ("-h", "--help") else 2
    return commands[words[0]](words[1:])


def _import(words: list[str]) -> int:
    options = tyro.cli(Import, args=words, prog="edgewise workload import")
    usual = Path(f"{options.trace.name.split('.')[0]}-workload.csv")
    output = options.output or free_name(usual, is_own_workload)
    _check_names(output, options.figure)
    providers, system = with_providers(
        ServiceSelectionConfig(
            arrival_rate=options.arrival_rate,
            smallest_task=options.smallest_task,
            largest_task=options.largest_task,
            task_step=options.task_step,
            providers_file=None if options.providers_file is None else str(options.providers_file),
        )
    )
    for what, path in (("recording", options.trace), ("providers", options.providers_file)):
        if path is not None and output.exists() and path.exists() and output.samefile(path):
            raise ConfigurationError("output", str(output), f"another file than the {what}")
    requests = read_requests(
        options.trace,
        time_column=options.time_column,
        size_column=options.size_column,
        status_column=options.status_column,
        time_unit=options.time_unit,
    )
    workload = fit_requests(requests, system, options.window)
    load = measure_load(workload, system, providers)
    facts = {"size_column": requests.size_column, "failed_requests": requests.failed} | _facts(workload, load)
    remarks = [*requests.remarks(), *workload.remarks(), *load.remarks()]
    return _write(workload, system, output, options.figure, options.json, facts, remarks)


def _generate(words: list[str]) -> int:
    options = tyro.cli(Generate, args=words, prog="edgewise workload generate")
    output = options.output or free_name(Path("bursts.csv"), is_own_workload)
    _check_names(output, options.figure)
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
    workload = fit_requests(requests, system)
    load = measure_load(workload, system)
    return _write(workload, system, output, options.figure, options.json, _facts(workload, load), load.remarks())


def _measure_quality(words: list[str]) -> int:
    from edgewise.systems.service_selection.quality.command import run

    return run(words)


def _check_names(output: Path, figure: Path | None) -> None:
    if not output.name.endswith(ENDINGS):
        raise ConfigurationError("output", str(output), f"a file name that ends in {' or '.join(ENDINGS)}")
    check_image_name("figure", figure)


def _write(
    workload: Workload,
    system: ServiceSelectionConfig,
    output: Path,
    figure: Path | None,
    as_json: bool,
    facts: dict[str, object],
    remarks: list[str],
) -> int:
    def plot(path: Path) -> None:
        from edgewise.systems.service_selection.figures import plot_workload

        plot_workload(workload, path, DEFAULTS.training_share)

    save_workload(output, workload)
    facts |= {"output": str(output)}
    usual = output.with_name(f"{output.name.split('.')[0]}.png")
    if as_json:
        drawn = plot_beside(figure, usual, plot)
        print(json.dumps(facts | {"figure": drawn.path and str(drawn.path), "remarks": remarks}))
    else:
        print("\n".join([*(f"{name}: {value}" for name, value in facts.items()), *remarks]), flush=True)
        drawn = plot_beside(figure, usual, plot)
    drawn.report(as_json)
    if not as_json:
        words = ["edgewise", "train", "service-selection", "--workload", str(output), *_changes(system)]
        print(f"train on it: {shlex.join(words)}")
    return 0


def _changes(system: ServiceSelectionConfig) -> Iterator[str]:
    """Options that `edgewise train` needs for a system that is not the default one."""
    chosen, usual = dataclasses.asdict(system), dataclasses.asdict(DEFAULTS)
    if system.providers_file is not None:  # it gives their number itself
        del chosen["providers"]
    for name, value in chosen.items():
        if value != usual[name]:
            yield from (f"--{name.replace('_', '-')}", value if isinstance(value, str) else f"{value:g}")


def _facts(workload: Workload, load: Load) -> dict[str, object]:
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
        "load": round(load.mean, 4),
        "busiest_load": round(load.busiest, 4),
        "prophet_finishes": round(load.finished, 4),
    }
