"""The service-selection environment with providers and workloads from files."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from edgewise.systems.service_selection.arrivals import RecordedArrivals
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.environment import ServiceSelection
from edgewise.systems.service_selection.files import load_providers
from edgewise.systems.service_selection.workload import Workload, find_workload, split_in_time


def build_part(config: ServiceSelectionConfig, part: Literal["training", "evaluation"]) -> ServiceSelection:
    """The environment of a configuration; of a workload, only the part that is meant for training or for judging.

    Args:
        config: the system.
        part: the earlier part of the workload (`training_share` of it) or the rest; a Poisson process has no parts.

    Raises:
        EdgewiseError: if a file is missing or damaged, or the workload too short for the episodes.
    """
    providers = None
    if config.providers_file is not None:
        providers = load_providers(config.providers_file)
        config = replace(config, providers=len(providers.capacity))
    if config.workload is None:
        return ServiceSelection(config, providers)
    return ServiceSelection(config, providers, part_of(configured_workload(config), config, part))


def part_of(
    workload: Workload, config: ServiceSelectionConfig, part: Literal["training", "evaluation"]
) -> RecordedArrivals:
    """The part of a workload that is meant for training or for judging, as a source of tasks.

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
