"""The agent-migration environment on a recorded scenario."""

from __future__ import annotations

from dataclasses import replace

from edgewise.environments.agent_migration.configuration import AgentMigrationConfig
from edgewise.environments.agent_migration.environment import AgentMigration
from edgewise.environments.agent_migration.mobility.replay import TraceReplay
from edgewise.environments.agent_migration.mobility.scenario import MobilityScenario


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
