"""`edgewise workload measure-quality GENERATOR --metric METRIC`."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from edgewise.common.by_products import check_image_name, plot_beside
from edgewise.common.errors import ConfigurationError, check_integer, check_range
from edgewise.common.terminal import number, print_table
from edgewise.systems.service_selection.quality.functions import fingerprint, load_function
from edgewise.systems.service_selection.quality.measure import Task, measure_quality
from edgewise.systems.service_selection.quality.measurements import TABLE, Settings
from edgewise.systems.service_selection.quality.meters import find_energy
from edgewise.systems.service_selection.quality.metrics import REFERENCE_METRICS, Metric, find_metric
from edgewise.systems.service_selection.quality.pictures import find_references
from edgewise.systems.service_selection.quality.result import (
    Result,
    evaluate_measurements,
    plain,
    save_fits,
    save_provider,
)

PROVIDERS, FITS = "providers.csv", "fit.json"
STEPS = (10, 20, 40, 60, 80, 100, 130, 160, 200, 250)
"""Up to the largest task of the D2SAC paper, closer where quality usually rises."""
FEWEST_STEPS = 4
"""Numbers of steps that a curve of four parameters needs."""
FEWEST_ROWS = 2
"""Pictures at each number of steps that an interval needs."""


@dataclass(frozen=True)
class MeasureQuality:
    """Run a generator at several numbers of denoising steps, and make a provider of it: quality, running time, energy.

    Attributes:
        generator: `generate(prompt, steps, seed) -> image`, as MODULE:FUNCTION or FILE.py:FUNCTION; the image is an array
            H x W or H x W x 3, 8-bit or floating in [0, 1].
        metric: "brisque", "sharpness", "psnr", "ssim", or functions of an image that give a number, as MODULE:FUNCTION or
            FILE.py:FUNCTION. The provider's curve is that of the first.
        metric_range: figures of the first metric that become the scores 0 and 1, the worst first. If None, its own; of a
            function 0 and 1.
        reference: what pictures are compared with: a folder with PROMPT.png for every prompt, or a function
            `reference(prompt) -> image`. Without a metric that needs it, psnr and ssim are measured too.
        steps: numbers of denoising steps.
        prompts: prompts.
        prompts_file: text file with a prompt per line, instead.
        seeds: number of seeds; every prompt is run with seeds 0, 1, ... Every third is held out to check the curve.
        watts: power of a busy processor core, W, for the energy where RAPL cannot be read. If None, there is no energy then.
        capacity: denoising steps that the provider may run at the same time.
        output: folder for the results; of a run that was interrupted, to go on. If None, FUNCTION-quality in the current folder.
        figure: image of the result. If None, figure.png in the output folder.
        json: print JSON.
    """

    generator: tyro.conf.Positional[str]
    metric: tuple[str, ...] = ("brisque", "sharpness")
    metric_range: tuple[float, float] | None = None
    reference: str | None = None
    steps: tuple[int, ...] = STEPS
    prompts: tuple[str, ...] = ("",)
    prompts_file: Path | None = None
    seeds: int = 12
    watts: float | None = None
    capacity: float = 600
    output: Path | None = None
    figure: Path | None = None
    json: bool = False


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(MeasureQuality, args=words, prog="edgewise workload measure-quality")
    check_image_name("figure", options.figure)
    task = _task(options)
    function = options.generator.rpartition(":")[2]
    folder = options.output or Path(f"{function}-quality")
    rows = measure_quality(folder, task, lambda text: print(text, file=sys.stderr, flush=True))
    result = evaluate_measurements(rows, task.settings)
    save_fits(folder / FITS, result)
    save_provider(folder / PROVIDERS, result, options.capacity)
    _report(result, task, folder, options)
    return 0


def _task(options: MeasureQuality) -> Task:
    """What is measured; everything that can be wrong in the options is found here."""
    prompts = _prompts(options)
    steps = tuple(sorted(set(options.steps)))
    for value in steps:
        check_integer("steps", value, 1)
    if len(steps) < FEWEST_STEPS:
        raise ConfigurationError("steps", options.steps, f"{FEWEST_STEPS} or more different numbers")
    check_integer("seeds", options.seeds, 1)
    check_range("capacity", options.capacity, 0, open_low=True)
    if len(prompts) * (options.seeds - options.seeds // 3) < FEWEST_ROWS:
        raise ConfigurationError("seeds", options.seeds, "2 or more, for intervals")
    energy = find_energy(options.watts)
    metrics = _metrics(options)
    generate = load_function("generator", options.generator)
    reference = None if options.reference is None else find_references(options.reference)
    settings = Settings(
        generator=options.generator,
        fingerprint=fingerprint(generate),
        metrics=tuple(metric.name for metric in metrics),
        metric_range=options.metric_range,
        reference=options.reference,
        steps=steps,
        prompts=prompts,
        seeds=options.seeds,
        energy=energy.words,
    )
    return Task(settings, generate, metrics, energy, reference)


def _prompts(options: MeasureQuality) -> tuple[str, ...]:
    if options.prompts_file is None:
        given = options.prompts
    else:
        try:
            given = tuple(line for line in options.prompts_file.read_text("utf-8").splitlines() if line.strip())
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "is no text in UTF-8"
            raise ConfigurationError("prompts_file", str(options.prompts_file), f"a text file: {reason}") from None
    prompts = tuple(text.strip() for text in given)
    if not prompts or len(set(prompts)) < len(prompts):
        raise ConfigurationError("prompts", prompts, "one or more, all different")
    return prompts


def _metrics(options: MeasureQuality) -> list[Metric]:
    names = options.metric
    if not names or len(set(names)) < len(names):
        raise ConfigurationError("metric", names, "one or more, all different")
    limits = [options.metric_range, *[None] * len(names)]
    metrics = [find_metric(name, own) for name, own in zip(names, limits, strict=False)]
    if options.reference is not None and not any(metric.needs_reference for metric in metrics):
        metrics += [find_metric(name) for name in REFERENCE_METRICS]
    lacking = [metric.name for metric in metrics if metric.needs_reference and options.reference is None]
    if lacking:
        raise ConfigurationError("reference", None, f"given for the metric {lacking[0]}")
    return metrics


def _report(result: Result, task: Task, folder: Path, options: MeasureQuality) -> None:
    def plot(path: Path) -> None:
        from edgewise.systems.service_selection.quality.figure import plot_quality

        plot_quality(result, path)

    if options.json:
        print(json.dumps(plain(result) | {"output": str(folder)}))
    else:
        _show(result, task, folder)
    drawn = plot_beside(options.figure, folder / "figure.png", plot)
    drawn.report(options.json)
    if not options.json:
        words = [
            "edgewise",
            "evaluate",
            "service-selection",
            "--providers-file",
            str(folder / PROVIDERS),
            "--with-offset",
        ]
        print(f"use it: {shlex.join(words)}")


def _show(result: Result, task: Task, folder: Path) -> None:
    settings = result.settings
    titles = ("steps", *settings.metrics, "seconds", *(["joules"] if result.energy_fit else []))
    means = result.scores.mean(axis=1)
    medians = np.median(result.costs, axis=1)
    rows = []
    for place, steps in enumerate(settings.steps):
        costs = [f"{medians[0, place]:.3g}", *([f"{medians[2, place]:.3g}"] if result.energy_fit else [])]
        rows.append((str(steps), *(number(each, 4) for each in means[:, place]), *costs))
    print_table("mean scores, median cost of a picture", titles, rows)
    for name, metric, fit, coverage in zip(settings.metrics, task.metrics, result.fits, result.coverage, strict=True):
        parts = (("A_x", "start_steps", 1), ("A_y", "start_score", 3), ("B_x", "end_steps", 1), ("B_y", "end_score", 3))
        print(f"{metric.words}")
        print("  " + ", ".join(f"{label} = {fit.intervals[field].text(digits)}" for label, field, digits in parts))
        if coverage is not None:
            print(
                f"  held-out seeds: {coverage.single:.1%} of pictures and {coverage.means_inside} of {coverage.numbers} means "
                f"inside their 95% intervals; means are off by {coverage.error:.4f} ({name})"
            )
    a, b, c = (f"{each.value:.3g}" for each in result.time_fit)
    print(f"seconds: {a} T^2 + {b} T + {c}")
    if result.energy_fit:
        slope, once = (f"{each.value:.3g}" for each in result.energy_fit)
        print(f"joules: {slope} T + {once}")
    print(f"energy: {settings.energy}")
    print(
        "\n".join(
            [
                *result.remarks,
                f"measurements: {folder / TABLE}",
                f"fits: {folder / FITS}",
                f"provider: {folder / PROVIDERS}",
            ]
        )
    )
