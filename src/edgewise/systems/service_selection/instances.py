"""Drawn instances of service selection: providers, load and sizes of tasks at random, to train and judge policies on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from edgewise.environments.environment import Environment
from edgewise.environments.instances import DrawnInstances, InstanceGroups, in_groups
from edgewise.systems.service_selection.arrivals import Arrivals, PoissonArrivals, RecordedArrivals
from edgewise.systems.service_selection.configuration import DRAWN, ServiceSelectionConfig
from edgewise.systems.service_selection.curves import Prior
from edgewise.systems.service_selection.entities import viewed
from edgewise.systems.service_selection.environment import ServiceSelection
from edgewise.systems.service_selection.sampling import (
    CAPACITY,
    END_SCORE,
    END_STEPS,
    START_SCORE,
    START_STEPS,
    Providers,
)
from edgewise.systems.service_selection.workload import find_workload, split_in_time

Part = Literal["training", "evaluation"]
Stream = Literal["training", "evaluation", "held out"]
STREAMS: dict[Stream, int] = {"training": 0, "evaluation": 1, "held out": 2}
SIZES = (6, 12, 24)
"""Numbers of providers to train on, with Poisson arrivals."""
RECORDED_SIZE = 20
"""Number of providers that serve the recorded workload."""
RECORDING = "bursty"
EVALUATED = 16
"""Drawn instances of each size to evaluate on."""
USUAL_SIZES = 0.5
"""Part of the instances that have the sizes of tasks of the configuration."""
PER_PROVIDER = 0.001 / 20
"""Tasks per second for each provider at a load of 1: the paper's."""


@dataclass(frozen=True)
class InstanceRanges:
    """What instances are drawn from; a range that is not explained is of uniform draws.

    Attributes:
        load: arrivals over the paper's for as many providers; its logarithm is uniform.
        narrowest: least part of the range of each number of a provider (`sampling`) that an instance's providers are drawn from.
        smallest_task, largest_task: denoising steps.
    """

    load: tuple[float, float] = (0.5, 2.0)
    narrowest: float = 0.4
    smallest_task: tuple[float, float] = (80.0, 120.0)
    largest_task: tuple[float, float] = (200.0, 300.0)


def drawn(config: ServiceSelectionConfig, part: Part) -> DrawnInstances | InstanceGroups:
    """Instances as a configuration says, to train on or, from randomness of their own, to evaluate on.

    Without sizes of its own, a group with the recorded workload of the package stands beside those with Poisson arrivals.

    Raises:
        ConfigurationError: if the recording is too short for the episodes.
    """
    count = config.instances_per_size if part == "training" else EVALUATED
    found = [
        each
        for size in config.sizes or SIZES
        for each in draw_instances(config, size, count, config.instance_seed, part)
    ]
    if not config.sizes:
        found += draw_instances(config, RECORDED_SIZE, count, config.instance_seed, part, recording=RECORDING)
    environments: Sequence[Environment[Any]] = [viewed(each, config, rivalled=part == "training") for each in found]
    return in_groups(environments)


def draw_instances(
    config: ServiceSelectionConfig,
    providers: int,
    count: int,
    seed: int,
    stream: Stream,
    ranges: InstanceRanges | None = None,
    recording: str | None = None,
) -> list[ServiceSelection]:
    """Instances with one number of providers.

    Args:
        config: gives every field that is not drawn. An arrival rate that is not the default is kept, for each provider as many.
        providers: their number.
        count: number of instances.
        seed: their randomness.
        stream: what they are for; streams of one seed have nothing in common.
        ranges: what is drawn from. If None, the usual ranges.
        recording: a workload whose arrivals and sizes are taken, the earlier part for training. If None, tasks arrive at random.
    """
    ranges = InstanceRanges() if ranges is None else ranges
    base = replace(config, instances=None, providers=providers, sizes=())
    arrivals = None if recording is None else _recorded(base, recording, stream)
    return [
        _draw(
            base,
            np.random.default_rng((seed, STREAMS[stream], providers, recording is not None, number)),
            ranges,
            arrivals,
        )
        for number in range(count)
    ]


def facts(config: ServiceSelectionConfig) -> dict[str, Any]:
    """What a policy is trained on."""
    if config.instances != DRAWN:
        return {} if config.workload is None else {"workload": config.workload, "its first part": config.training_share}
    ranges = InstanceRanges()
    recorded = {} if config.sizes else {"recorded workload": f"{RECORDING}, {RECORDED_SIZE} providers"}
    return {
        "providers": list(config.sizes or SIZES),
        **recorded,
        "instances of each": config.instances_per_size,
        "seed": config.instance_seed,
        "arrivals over 0.00005 per second and provider": list(ranges.load),
        "smallest task": list(ranges.smallest_task),
        "largest task": list(ranges.largest_task),
        "part of the ranges of providers": [ranges.narrowest, 1.0],
    }


def played(config: ServiceSelectionConfig) -> str:
    """What evaluations of a configuration play, in words; empty for a single system."""
    if config.instances is None:
        return ""
    sizes = " ".join(str(size) for size in config.sizes or (*SIZES, f"{RECORDED_SIZE} (recorded)"))
    return f"{EVALUATED} drawn instances of each number of providers, none of them trained on: {sizes}"


def _recorded(config: ServiceSelectionConfig, recording: str, stream: Stream) -> RecordedArrivals:
    workload = find_workload(recording, (config.smallest_task, config.largest_task))
    earlier, later = split_in_time(workload, config.training_share)
    return RecordedArrivals.build(earlier if stream == "training" else later, workload.mean_gap, config.tasks)


def _draw(
    base: ServiceSelectionConfig, generator: np.random.Generator, ranges: InstanceRanges, recorded: Arrivals | None
) -> ServiceSelection:
    providers = Providers(
        *(
            jnp.asarray(_narrowed(generator, grid, ranges.narrowest, base.providers), dtype=float)
            for grid in (CAPACITY, START_STEPS, START_SCORE, END_STEPS, END_SCORE)
        )
    )
    kinds = (base.largest_task - base.smallest_task) // base.task_step + 1
    smallest, spacing = float(base.smallest_task), float(base.task_step)
    if generator.uniform() >= USUAL_SIZES and recorded is None and kinds > 1:
        smallest = round(generator.uniform(*ranges.smallest_task))
        spacing = round((generator.uniform(*ranges.largest_task) - smallest) / (kinds - 1), 1)
    load = float(np.exp(generator.uniform(*np.log(ranges.load))))
    rate = PER_PROVIDER if base.arrival_rate == ServiceSelectionConfig.arrival_rate else base.arrival_rate
    arrivals = recorded or PoissonArrivals(jnp.asarray(smallest, dtype=float), jnp.asarray(spacing, dtype=float), kinds)
    prior = Prior.of_sizes(smallest, spacing, kinds, base.with_offset)
    places = int(CAPACITY[1] // min(base.smallest_task, ranges.smallest_task[0]))
    system = ServiceSelection(base, providers, arrivals, prior, places)
    changed: ServiceSelection = eqx.tree_at(
        lambda each: each.arrival_rate, system, jnp.asarray(rate * load * base.providers, dtype=float)
    )
    return changed


def _narrowed(
    generator: np.random.Generator, grid: tuple[float, float, float], narrowest: float, count: int
) -> Float[np.ndarray, " i"]:
    """Draws from a part of a grid."""
    low, high, step = grid
    kinds = round((high - low) / step) + 1
    taken = max(1, round(kinds * generator.uniform(narrowest, 1.0)))
    first = generator.integers(0, kinds - taken, endpoint=True)
    return low + float(step) * (first + generator.integers(0, taken, count))
