"""The agent-migration environment on a recorded scenario."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.mobility.replay import TraceReplay
from edgewise.systems.agent_migration.mobility.scenario import (
    MobilityScenario,
    load_scenario,
    shipped_scenario,
    split_in_time,
)


def scenario_config(scenario: MobilityScenario, config: AgentMigrationConfig | None = None) -> AgentMigrationConfig:
    """A configuration with the geometry of a scenario.

    Args:
        scenario: gives `rsus`, `rsu_positions_m`, `coverage_m`, `origin_m`, `area_m` and `slot_seconds`.
        config: gives every other field; none takes the defaults.

    Raises:
        ConfigurationError: if a field of `config` does not fit, such as a number of values other than one per RSU.
    """
    return replace(
        AgentMigrationConfig() if config is None else config,
        rsus=scenario.rsus,
        rsu_positions_m=tuple((float(x), float(y)) for x, y in scenario.rsu_positions),
        coverage_m=scenario.coverage_m,
        origin_m=scenario.origin_m,
        area_m=scenario.area_m,
        slot_seconds=scenario.slot_seconds,
    )


def replay(scenario: MobilityScenario, slots: int, vehicles: int) -> TraceReplay:
    """The mobility model of a scenario.

    Args:
        scenario: the recording.
        slots: slots of an episode.
        vehicles: number of vehicles of an episode.

    Raises:
        ConfigurationError: if the recording has fewer than `slots` + 1 slots or fewer places than `vehicles`.
    """
    return TraceReplay.build(scenario.positions, scenario.handover, slots, vehicles)


def build_environment(scenario: MobilityScenario, config: AgentMigrationConfig | None = None) -> AgentMigration:
    """An environment whose vehicles follow a scenario.

    Args:
        scenario: gives the geometry and the vehicles' positions.
        config: gives the rest, `vehicles` and `slots` among it; none takes the defaults.

    Raises:
        ConfigurationError: if the configuration does not fit the scenario.
    """
    config = scenario_config(scenario, config)
    return AgentMigration.build(config, replay(scenario, config.slots, config.vehicles))


def find_scenario(name: str) -> MobilityScenario:
    """The scenario that `AgentMigrationConfig.mobility` names: "grid", or a file.

    Raises:
        EdgewiseError: if the file is missing or damaged.
    """
    return shipped_scenario() if name == "grid" else load_scenario(name)


def build_part(config: AgentMigrationConfig, part: Literal["training", "evaluation"]) -> AgentMigration:
    """The environment of a configuration; of a recording, only the part that is meant for training or for judging.

    Args:
        config: the system.
        part: the earlier part of the recording (`training_share` of it) or the rest; loops have no parts.

    Raises:
        EdgewiseError: if the recording is missing or damaged, or too short for the episodes.
    """
    if config.mobility is None:
        return AgentMigration.build(config)
    earlier, later = split_in_time(find_scenario(config.mobility), config.training_share)
    return build_environment(earlier if part == "training" else later, config)


def longest_episode(config: AgentMigrationConfig) -> int | None:
    """Slots of the longest episode that both parts of the configured recording allow; none on loops."""
    if config.mobility is None:
        return None
    return min(part.slots for part in split_in_time(find_scenario(config.mobility), config.training_share)) - 1
