"""The environments of a configuration that names many systems: drawn ones, or those in a folder of one's own maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import yaml

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.files import make_folder, replace_file
from edgewise.common.plain import from_plain, to_plain
from edgewise.common.yaml_files import read_yaml
from edgewise.environments.environment import Environment
from edgewise.environments.instances import DrawnInstances, InstanceGroups, in_groups
from edgewise.systems.agent_migration.configuration import DRAWN, AgentMigrationConfig, shape_of
from edgewise.systems.agent_migration.files import SUFFIX, find_scenario
from edgewise.systems.agent_migration.instances import (
    OF_INSTANCES,
    TRAINING_SHAPES,
    Instance,
    Shape,
    alone,
    draw_instances,
    held_out,
)
from edgewise.systems.agent_migration.parameters import nominal_latency

Part = Literal["training", "evaluation"]
Many = DrawnInstances | InstanceGroups
Build = Callable[[Instance], Environment[Any]]
One = Callable[[AgentMigrationConfig, Part], Environment[Any]]
Fit = Callable[[AgentMigrationConfig], AgentMigrationConfig]
EVALUATED = 32
"""Drawn instances of each shape to evaluate on: more than the episodes of most evaluations."""
KEPT = "instances"
"""Folder of one's own instances in the folder of a run."""
YAML_SUFFIXES = (".yaml", ".yml")
COMMON = ("observe_reputation", "observation")
"""What an observation holds must be the same for all."""


def drawn(config: AgentMigrationConfig, part: Part, build: Build) -> Many:
    """Instances drawn as a configuration says, to train on or, from randomness of their own, to evaluate on.

    Args:
        config: gives shapes, numbers and seed, and the fields that are not drawn.
        part: what they are for.
        build: from an instance to its environment.

    Raises:
        ConfigurationError: if a field has a value that does not suit a shape.
    """
    shapes: list[Shape] = [shape_of(text) for text in config.shapes] or list(TRAINING_SHAPES)
    training = part == "training"
    count = config.instances_per_shape if training else EVALUATED
    instances = [
        each
        for shape in shapes
        for each in draw_instances(
            shape,
            count,
            config.instance_seed,
            part,
            base=config,
            include_default=training and config.include_default,
        )
    ]
    return grouped(instances, build)


def held_out_groups(seed: int, count: int, build: Build, base: AgentMigrationConfig | None = None) -> Many:
    """The environments of `instances.held_out`."""
    groups = held_out(seed, count, base=base)
    return grouped([each for group in groups.values() for each in group], build)


def grouped(instances: list[Instance], build: Build) -> Many:
    """Environments of instances by size; `info["relative"]` is latency over the sum of the nominal ones."""
    nominal = [float(nominal_latency(each.config).sum()) for each in instances]
    return in_groups([build(each) for each in instances], nominal, "latency")


def played(config: AgentMigrationConfig) -> str:
    """What evaluations of a configuration play, in words; empty for a single system.

    Raises:
        EdgewiseError: as `folder_configs`.
    """
    if config.instances is None:
        return ""
    if config.instances == DRAWN:
        sizes = " ".join(config.shapes or (f"{vehicles}x{rsus}" for vehicles, rsus in TRAINING_SHAPES))
        return f"{EVALUATED} drawn instances of each size, none of them trained on: {sizes}"
    return f"{len(folder_configs(config))} systems of {config.instances}, the later parts of recordings"


def from_folder(config: AgentMigrationConfig, part: Part, one: One) -> Many:
    """The environments of a folder of prepared recordings and configurations.

    Args:
        config: names the folder, and gives what a file does not: every other field.
        part: the earlier or the later part of recordings.
        one: from the configuration of one system to its environment.

    Raises:
        EdgewiseError: naming the file that cannot be used.
    """
    environments, nominal = [], []
    for path, each in folder_configs(config):
        try:
            environments.append(one(each, part))
        except EdgewiseError as error:
            raise _of_file(path, error) from None
        sized = each if each.mobility is None else replace(each, rsus=find_scenario(each.mobility).rsus)
        nominal.append(float(nominal_latency(sized).sum()))
    return in_groups(environments, nominal, "latency")


def folder_configs(config: AgentMigrationConfig) -> list[tuple[Path, AgentMigrationConfig]]:
    """The configuration of each system in a folder, with the file that it comes from, by name.

    A recording that a configuration in the folder names is no further system of its own.

    Raises:
        EdgewiseError: if there is no such folder, nothing in it, or a file in it cannot be used.
    """
    folder = Path(str(config.instances))
    if not folder.is_dir():
        raise ConfigurationError(
            "instances", config.instances, f"{DRAWN}, or a folder of recordings ({SUFFIX}) and configurations (YAML)"
        )
    paths = sorted(path for path in folder.iterdir() if path.suffix in (SUFFIX, *YAML_SUFFIXES))
    found = {path: _read(path, config) for path in paths if path.suffix in YAML_SUFFIXES}
    named = {Path(str(each.mobility)).resolve() for each in found.values()}
    for path in paths:
        if path.suffix == SUFFIX and path.resolve() not in named:
            found[path] = replace(alone(config), mobility=str(path.resolve()))
    if not found:
        raise EdgewiseError(f"{folder}: holds no recording ({SUFFIX}) and no configuration (YAML)")
    return sorted(found.items())


def _read(path: Path, config: AgentMigrationConfig) -> AgentMigrationConfig:
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise EdgewiseError(f"{path}: must hold fields of the system, each as NAME: VALUE")
    try:
        for name in (*OF_INSTANCES, *COMMON):
            if name in values and values[name] != getattr(config, name, None):
                allowed = f"{getattr(config, name, None)}, as for all" if name in COMMON else "left out"
                raise ConfigurationError(name, values[name], allowed)
        read: AgentMigrationConfig = from_plain(AgentMigrationConfig, {**to_plain(alone(config)), **values})
    except ConfigurationError as error:
        raise _of_file(path, error) from None
    if read.mobility in (None, "grid"):
        return read
    recording = path.parent / str(read.mobility)
    if recording.suffix != SUFFIX:
        raise EdgewiseError(
            f"{path}: mobility = {read.mobility!r}: must be a prepared recording; "
            "prepare it with: edgewise mobility import FILE --output NAME.npz"
        )
    return replace(read, mobility=str(recording.resolve()))


def keep(config: AgentMigrationConfig, folder: Path, one: One, fit: Fit) -> AgentMigrationConfig:
    """Copy the systems of a folder into that of a run, so that the run can be moved and gone on with.

    Args:
        config: names the folder.
        folder: the folder of the run.
        one: from the configuration of one system to its environment; both parts of each are tried before anything is
            written.
        fit: completes the configuration of one system by what its recording gives.

    Returns:
        The configuration with the copy.

    Raises:
        EdgewiseError: naming the file that cannot be used.
    """
    kept = folder / KEPT
    if Path(str(config.instances)).resolve() == kept.resolve():
        return config
    fitted = []
    for path, each in folder_configs(config):
        try:
            complete = fit(each)
            one(complete, "training"), one(complete, "evaluation")
        except EdgewiseError as error:
            raise _of_file(path, error) from None
        fitted.append((path, complete))
    if kept.exists():
        raise EdgewiseError(f"{kept}: exists already: choose another name or folder for the run")
    make_folder(kept)
    for number, (path, each) in enumerate(fitted):
        name = f"{number:03d}-{path.stem}"
        content = to_plain(each)
        if each.mobility not in (None, "grid"):
            content["mobility"] = f"{name}{SUFFIX}"
            replace_file(kept / f"{name}{SUFFIX}", Path(str(each.mobility)).read_bytes())
        replace_file(kept / f"{name}.yaml", yaml.safe_dump(content, sort_keys=False).encode())
    return replace(config, instances=str(kept.resolve()))


def _of_file(path: Path, error: EdgewiseError) -> EdgewiseError:
    return error if str(path) in str(error) else EdgewiseError(f"{path}: {error}")
