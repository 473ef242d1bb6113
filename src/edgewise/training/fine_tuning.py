"""Configurations of runs that start with a policy."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from edgewise.algorithms.registry import ALGORITHMS
from edgewise.common.errors import ConfigurationError
from edgewise.environments import registry
from edgewise.environments.system import System
from edgewise.policies.description_file import DESCRIPTION_FILE, read_description_file
from edgewise.training.inside import COPY
from edgewise.training.run_folder import CONFIG_FILE, Origin, RunConfig, read_config
from edgewise.training.sources import Candidate, origin_folder


def learner_of(system: System, name: str) -> str:
    """The algorithm that trained a policy.

    Raises:
        EdgewiseError: if there is no such policy, or the algorithm is not installed.
    """
    algorithm: str = read_description_file(origin_folder(system, name))["algorithm"]
    if algorithm not in ALGORITHMS.names():
        raise ConfigurationError(
            "algorithm", algorithm, f"installed, to go on from {name}; or give --algorithm another"
        )
    return algorithm


def following(config: RunConfig, name: str) -> RunConfig:
    """A configuration of a run that starts with a policy, with all that must be as it was where the policy was trained.

    That is the form of observations, and those fields of the learner's configuration that have the name of a part of the
    policy's architecture.

    Args:
        config: the run as it were without the policy.
        name: see `origin_folder`.

    Raises:
        EdgewiseError: if there is no such policy.
    """
    system = registry.find(config.environment)
    folder = origin_folder(system, name)
    description = read_description_file(folder)
    architecture = description["architecture"]
    while "architecture" in architecture:  # of a policy inside another one
        architecture = architecture["architecture"]
    known = {field.name for field in fields(config.algorithm_config)}
    same = {field: _tuple(value) for field, value in architecture.items() if field in known}
    trained = Candidate(name, (folder,), description["environment_config"])
    return replace(
        config,
        environment_config=trained.form(system, config.environment_config),
        algorithm_config=replace(config.algorithm_config, **same),
        training=replace(config.training, input_span=_span(config, description, Path(name))),
        origin=Origin(name, description["sha256"]),
    )


def with_kept_origin(config: RunConfig, folder: Path) -> RunConfig:
    """A configuration read from the folder of a run, whose origin is the copy there if there is one."""
    copy = folder / COPY
    if config.origin is None or not (copy / DESCRIPTION_FILE).exists():
        return config
    return replace(config, origin=replace(config.origin, source=str(copy)))


def _span(config: RunConfig, description: dict[str, Any], source: Path) -> float | None:
    """The inputs of a policy without scaling are not scaled; those of a run's policy as they were in the run."""
    if description["inputs"] is None:
        return None
    return read_config(source).training.input_span if (source / CONFIG_FILE).exists() else config.training.input_span


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
