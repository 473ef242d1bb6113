"""The service-selection environment of a configuration, and the files that it names made ready for a run."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from edgewise.common.by_products import free_name, plot_beside
from edgewise.environments.instances import DrawnInstances, InstanceGroups
from edgewise.systems.service_selection.arrivals import RecordedArrivals
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.entities import EntitySelection, viewed
from edgewise.systems.service_selection.environment import ServiceSelection
from edgewise.systems.service_selection.files import load_providers
from edgewise.systems.service_selection.instances import drawn
from edgewise.systems.service_selection.load import ENOUGH, measure_load
from edgewise.systems.service_selection.requests import Requests, read_requests
from edgewise.systems.service_selection.sampling import Providers
from edgewise.systems.service_selection.workload import (
    Workload,
    find_workload,
    fit_workload,
    is_own_workload,
    is_workload,
    save_workload,
    split_in_time,
)

Part = Literal["training", "evaluation"]


def environments(
    config: ServiceSelectionConfig, part: Part
) -> ServiceSelection | EntitySelection | DrawnInstances | InstanceGroups:
    """The environment of a configuration in the form that it asks for, or those of all instances that it names.

    Args:
        config: the system, or many.
        part: what they are meant for: training or evaluation.

    Raises:
        EdgewiseError: as `environment`.
    """
    if config.instances is not None:
        return drawn(config, part)
    return viewed(environment(config, part), config, rivalled=part == "training")


def environment(config: ServiceSelectionConfig, part: Part) -> ServiceSelection:
    """The environment of a configuration; of a workload, only the part that is meant for training or for evaluation.

    Args:
        config: the system.
        part: the earlier part of the workload (`training_share` of it) or the rest; a Poisson process has no parts.

    Raises:
        EdgewiseError: if a file is missing or damaged, or the workload too short for the episodes.
    """
    providers, config = with_providers(config)
    if config.workload is None:
        return ServiceSelection(config, providers)
    return ServiceSelection(config, providers, part_of(configured_workload(config), config, part))


def with_providers(config: ServiceSelectionConfig) -> tuple[Providers | None, ServiceSelectionConfig]:
    """The providers of the file that a configuration names, and the configuration with their number; None without a file.

    Raises:
        TraceError: if the file is missing or damaged.
    """
    if config.providers_file is None:
        return None, config
    providers = load_providers(config.providers_file)
    return providers, dataclasses.replace(config, providers=len(providers.capacity))


def part_of(workload: Workload, config: ServiceSelectionConfig, part: Part) -> RecordedArrivals:
    """The part of a workload that is meant for training or for evaluation, as a source of tasks.

    Raises:
        ConfigurationError: if it is too short for the episodes.
    """
    earlier, later = split_in_time(workload, config.training_share)
    return RecordedArrivals.build(earlier if part == "training" else later, workload.mean_gap, config.tasks)


def configured_workload(config: ServiceSelectionConfig) -> Workload:
    """The workload that a configuration names.

    Raises:
        TraceError: if the file is missing or damaged, or has a size that the system has not.
    """
    assert config.workload is not None
    return find_workload(config.workload, (config.smallest_task, config.largest_task))


def fit_requests(
    requests: Requests, config: ServiceSelectionConfig, window: tuple[float, float] | None = None
) -> Workload:
    """A workload of recorded requests with the rate and the sizes of a configuration; see `fit_workload`."""
    return fit_workload(
        requests, config.arrival_rate, window, config.smallest_task, config.largest_task, config.task_step
    )


def prepare(config: ServiceSelectionConfig, folder: Path) -> ServiceSelectionConfig:
    """Make the files that a configuration names ready for a run.

    Recorded requests that are not prepared yet are prepared into the run's folder; what must be known of them is told on
    standard error.

    Args:
        config: the configuration, as the user gave it.
        folder: the folder of the run.

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
        workload = fit_requests(requests, config)
        for part in ("training", "evaluation"):
            part_of(workload, config, part)
        folder.mkdir(parents=True, exist_ok=True)
        path = save_workload(free_name(folder / "workload.csv", is_own_workload), workload)
        _tell(requests.remarks())
        load = measure_load(workload, config, with_providers(config)[0])
        _tell(load.remarks() if load.finished < ENOUGH else ())
        _plot(workload, folder / "workload.png", config.training_share)
    return dataclasses.replace(config, workload=str(path.resolve()))


def _plot(workload: Workload, image: Path, training_share: float) -> None:
    from edgewise.systems.service_selection.figures import plot_workload

    plot_beside(None, image, lambda path: plot_workload(workload, path, training_share)).report(as_json=True)


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)
