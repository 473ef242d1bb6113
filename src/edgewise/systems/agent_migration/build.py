"""From a configuration to the environment it describes, on loops or on a recorded scenario."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from edgewise.common.by_products import plot_beside
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.files import make_folder
from edgewise.systems.agent_migration.configuration import DRAWN, AgentMigrationConfig
from edgewise.systems.agent_migration.entities import EntityMigration, viewed
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.files import SUFFIX, find_scenario, load_scenario, save_scenario
from edgewise.systems.agent_migration.instance_groups import Many, drawn, from_folder, keep
from edgewise.systems.agent_migration.instances import OF_INSTANCES, alone
from edgewise.systems.agent_migration.mobility.replay import TraceReplay
from edgewise.systems.agent_migration.mobility.scenario import MobilityScenario, split_in_time

Part = Literal["training", "evaluation"]
DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(AgentMigrationConfig)}
KEPT = f"mobility{SUFFIX}"
"""The recording in the folder of a run."""
GEOMETRY = ("rsu_positions_m", "coverage_m", "origin_m", "area_m", "slot_seconds")
"""Fields that a recording gives itself, beside the number of road-side units."""
AGAIN = {
    "rsus": "--rsus {value}",
    "rsu_positions_m": "--rsu-positions X Y ...",
    "coverage_m": "--coverage-m {value:g}",
    "slot_seconds": "--slot-seconds {value:g}",
}
"""Options of `edgewise mobility import` that give a recording another geometry; the other fields follow from positions."""


def environments(config: AgentMigrationConfig, part: Part) -> AgentMigration | EntityMigration | Many:
    """The environment of a configuration in the form that it asks for, or those of all instances that it names.

    Args:
        config: the system, or many.
        part: what they are meant for: training or evaluation.

    Raises:
        EdgewiseError: as `environment`, naming the file in a folder of instances.
    """
    if config.instances is None:
        return _one(config, part)
    if config.instances == DRAWN:
        return drawn(config, part, lambda instance: viewed(instance.build(), config))
    return from_folder(config, part, _one)


def _one(config: AgentMigrationConfig, part: Part) -> AgentMigration | EntityMigration:
    return viewed(environment(config, part), config)


def environment(config: AgentMigrationConfig, part: Part) -> AgentMigration:
    """The environment of a configuration; of a recording, only the part that is meant for training or for evaluation.

    Args:
        config: the system; a default number of slots that a part does not allow is shortened, with a warning.
        part: the earlier part of the recording (`training_share` of it) or the rest; loops have no parts.

    Raises:
        ConfigurationError: if the configuration does not fit the recording.
        EdgewiseError: if the recording is missing or damaged, or too short for the episodes.
    """
    if config.mobility is None:
        return AgentMigration.build(config)
    scenario = find_scenario(config.mobility)
    _require_content(config, scenario)
    config = with_slots(with_geometry(config, scenario), scenario, _warn)
    earlier, later = split_in_time(scenario, config.training_share)
    return on_scenario(earlier if part == "training" else later, config)


def on_scenario(scenario: MobilityScenario, config: AgentMigrationConfig | None = None) -> AgentMigration:
    """An environment whose vehicles follow a scenario, the whole of it.

    Args:
        scenario: gives the geometry and the vehicles' positions.
        config: gives the rest, `vehicles` and `slots` among it. If None, the defaults, with slots as the scenario allows.

    Raises:
        ConfigurationError: if the configuration does not fit the scenario.
    """
    if config is None:
        config = AgentMigrationConfig(slots=max(min(DEFAULTS["slots"], scenario.slots - 1), 1))
    config = with_geometry(config, scenario)
    replay = TraceReplay.build(scenario.positions, scenario.handover, config.slots, config.vehicles)
    return AgentMigration.build(config, replay)


def with_geometry(config: AgentMigrationConfig, scenario: MobilityScenario) -> AgentMigrationConfig:
    """A configuration with the geometry of a scenario.

    Args:
        config: gives every other field.
        scenario: gives `rsus`, `rsu_positions_m`, `coverage_m`, `origin_m`, `area_m` and `slot_seconds`.

    Raises:
        ConfigurationError: if one of these fields has a value that is neither the default nor the scenario's.
    """
    geometry: dict[str, Any] = {
        "rsus": scenario.rsus,
        "rsu_positions_m": tuple((float(x), float(y)) for x, y in scenario.rsu_positions),
        "coverage_m": scenario.coverage_m,
        "origin_m": scenario.origin_m,
        "area_m": scenario.area_m,
        "slot_seconds": scenario.slot_seconds,
    }
    for name, value in geometry.items():
        chosen = getattr(config, name)
        if chosen != DEFAULTS[name] and not _same(chosen, value):
            again = AGAIN.get(name)
            mend = (
                f"import again with {again.format(value=chosen)}" if again else "it follows from the recorded positions"
            )
            raise ConfigurationError(name, chosen, f"{value}, as in the recording {scenario.source}; {mend}")
    return replace(config, **geometry)


def with_slots(
    config: AgentMigrationConfig, scenario: MobilityScenario, tell: Callable[[str], None]
) -> AgentMigrationConfig:
    """A configuration whose episodes, if they were left at their default length, fit in both parts of a scenario.

    Args:
        config: the configuration, as the user gave it.
        scenario: the whole recording.
        tell: called with a line if episodes were shortened.
    """
    longest = longest_episode(config, scenario)
    if config.slots != DEFAULTS["slots"] or longest >= config.slots:
        return config
    tell(f"episodes of {longest} slots: the parts of the recording {scenario.source} allow no more")
    return replace(config, slots=longest)


def longest_episode(config: AgentMigrationConfig, scenario: MobilityScenario) -> int:
    """Slots of the longest episode that both parts of a recording allow."""
    return min(part.slots for part in split_in_time(scenario, config.training_share)) - 1


def changed(config: AgentMigrationConfig, changes: Mapping[str, Any]) -> AgentMigrationConfig:
    """A configuration with other values in some fields; with another recording, or none, it has the geometry of that.

    Episodes left at their default length are shortened to what the recording allows, which standard error tells. With a size
    or a recording, but no instances, among the changes it names no instances any more.

    Args:
        config: the configuration to start from.
        changes: field to value.

    Raises:
        ConfigurationError: if a value is not allowed, or does not suit the recording.
        EdgewiseError: if the recording is missing or damaged.
    """
    if {"vehicles", "rsus", "mobility"} & set(changes) and not set(OF_INSTANCES) & set(changes):
        config = alone(config)
    mobility = changes.get("mobility", config.mobility)
    if mobility == config.mobility:
        return replace(config, **changes)
    if mobility is None:
        return replace(
            config, **{name: DEFAULTS[name] for name in (*GEOMETRY, "rsus", "mobility_sha256")} | dict(changes)
        )
    return with_slots(on_recording(config, mobility, changes), find_scenario(mobility), _tell)


def on_recording(
    config: AgentMigrationConfig, mobility: str, changes: Mapping[str, Any] | None = None
) -> AgentMigrationConfig:
    """The same system on another recording, whose geometry it takes.

    Args:
        config: the configuration, of a run for example.
        mobility: a prepared recording, or "grid".
        changes: other values of further fields.

    Raises:
        ConfigurationError: if the recording has another number of road-side units than values were given for.
        EdgewiseError: if the recording is missing or damaged.
    """
    scenario = find_scenario(mobility)
    free: dict[str, Any] = {name: DEFAULTS[name] for name in GEOMETRY}
    own = {"rsus": scenario.rsus, "mobility": mobility, "mobility_sha256": scenario.sha256}
    return with_geometry(replace(config, **(free | own | dict(changes or {}))), scenario)


def prepare(config: AgentMigrationConfig, folder: Path) -> AgentMigrationConfig:
    """Make the recording or the folder of instances that a configuration names ready for a run.

    The prepared recording is kept in the run's folder, so that the run can be moved, with a map; so are instances. Episodes
    left at their default length are shortened to what both parts of the recording allow. Changes are reported on standard
    error.

    Args:
        config: the configuration, as the user gave it.
        folder: the folder of the run.

    Returns:
        The configuration with the geometry of the recording, its digest, the path inside the run and a possible length of
        episodes.

    Raises:
        ConfigurationError: if the configuration does not fit the recording.
        EdgewiseError: if the recording cannot be used, or the folder holds another one.
    """
    if config.instances not in (None, DRAWN):
        return keep(config, folder, environment, _fitted)
    if config.mobility is None:
        return config
    scenario = _scenario(config)
    _require_content(config, scenario)
    config = with_slots(with_geometry(config, scenario), scenario, _tell)
    _require_room(config, scenario)
    if config.mobility != "grid":
        config = replace(config, mobility=str(_keep(scenario, str(config.mobility), folder)))
    return replace(config, mobility_sha256=scenario.sha256)


def _fitted(config: AgentMigrationConfig) -> AgentMigrationConfig:
    """One of several systems with the geometry of its recording and a possible length of episodes."""
    if config.mobility is None:
        return config
    scenario = find_scenario(config.mobility)
    _require_content(config, scenario)
    config = with_slots(with_geometry(config, scenario), scenario, _tell)
    _require_room(config, scenario)
    return replace(config, mobility_sha256=scenario.sha256)


def _scenario(config: AgentMigrationConfig) -> MobilityScenario:
    name = str(config.mobility)
    if name == "grid" or Path(name).suffix == SUFFIX:
        return find_scenario(name)
    from edgewise.systems.agent_migration.mobility.prepare import Preparation, prepare_scenario
    from edgewise.systems.agent_migration.mobility.trace import read_trace

    coverage = None if config.coverage_m == DEFAULTS["coverage_m"] else config.coverage_m
    options = Preparation(
        slot_seconds=config.slot_seconds,
        vehicles=config.vehicles,
        places=max(Preparation().places, config.vehicles),
        rsus=config.rsus,
        rsu_positions=config.rsu_positions_m,
        coverage_m=coverage,
    )
    return prepare_scenario(read_trace(name, tell=_tell), options, _tell)


def _keep(scenario: MobilityScenario, name: str, folder: Path) -> Path:
    """The recording's file in the folder of a run, written unless it is there."""
    path = folder / KEPT
    if path.exists():
        if load_scenario(path).sha256 != scenario.sha256:
            raise EdgewiseError(f"{path}: is another recording than {name}: choose another name or folder for the run")
        return path.resolve()
    make_folder(folder)
    save_scenario(path, scenario)
    from edgewise.systems.agent_migration.map import plot_map

    image = path.with_suffix(".png")
    plot_beside(None, image, lambda name: plot_map(scenario, name)).report(as_json=True)
    return path.resolve()


def _require_content(config: AgentMigrationConfig, scenario: MobilityScenario) -> None:
    if config.mobility_sha256 not in (None, scenario.sha256):
        raise EdgewiseError(
            f"{config.mobility}: is another recording than the one that this configuration was made for "
            f"(sha256 {scenario.sha256}, must be {config.mobility_sha256})"
        )


def _require_room(config: AgentMigrationConfig, scenario: MobilityScenario) -> None:
    longest = longest_episode(config, scenario)
    if config.slots > longest:
        raise ConfigurationError("slots", config.slots, f"at most {longest} in both parts of {scenario.source}")
    if config.vehicles > scenario.places:
        raise ConfigurationError(
            "vehicles", config.vehicles, f"at most {scenario.places}, the places of the recording {scenario.source}"
        )


def _same(one: Any, other: Any) -> bool:
    return np.shape(one) == np.shape(other) and bool(np.allclose(np.asarray(one, float), np.asarray(other, float)))


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=4)


def _tell(text: str) -> None:
    print(text, file=sys.stderr)
