"""The folder of a run: its files, and the configuration from which the run can be repeated."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from edgewise import __version__
from edgewise.algorithms.registry import find_algorithm
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.files import replace_file
from edgewise.common.plain import from_plain, to_plain
from edgewise.common.yaml_files import read_yaml
from edgewise.environments import registry
from edgewise.training.choose_loop import training_config
from edgewise.training.config import TrainingConfig
from edgewise.training.inside import located, stored

CHECKPOINTS = "checkpoints"
CONFIG_FILE = "config.yaml"
METRICS_FILE = "metrics.csv"
TEST_FILE = "test.json"
EVENTS = "tensorboard"

Which = Literal["best", "last"]
"""The policy of the best evaluation, or the newest one."""


@dataclass(frozen=True)
class RunConfig:
    """All that determines a run.

    Attributes:
        environment: name in the registry.
        environment_config: its configuration.
        algorithm: name in the registry.
        algorithm_config: its configuration.
        training: budget and seeds.
    """

    environment: str
    environment_config: Any
    algorithm: str
    algorithm_config: Any
    training: TrainingConfig


def policies_folder(folder: Path, which: Which) -> Path:
    """Where a run keeps the policies of all seeds."""
    return folder / "policy" / which


def policy_folder(folder: Path, which: Which, seed: int) -> Path:
    """Where a run keeps the policy of a seed; that of a game has a folder for each agent inside."""
    return policies_folder(folder, which) / f"seed-{seed}"


def folder_name(environment: str) -> str:
    """An environment's name as that of a folder on any system: SOURCE:ID without characters that some refuse."""
    return re.sub(r'[\\/:*?"<>|]', "-", environment)


def resume_command(folder: Path) -> str:
    """How to go on with a run, to be pasted into a shell."""
    return shlex.join(["edgewise", "train", "--resume", str(folder)])


def write_config(folder: Path, run: RunConfig) -> None:
    """Write `config.yaml`: complete and reloadable."""
    values = {"edgewise": __version__, **to_plain(run)}
    values["environment_config"] = stored(values["environment_config"], folder)
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / CONFIG_FILE, yaml.safe_dump(values, sort_keys=False).encode())


def read_config(folder: Path) -> RunConfig:
    """Read `config.yaml` of a run.

    Raises:
        EdgewiseError: if there is no configuration, or a field of it is unknown or not allowed.
    """
    if not (folder / CONFIG_FILE).is_file():
        raise EdgewiseError(f"{folder}: is not a run folder, it has no {CONFIG_FILE}")
    return read_config_file(folder / CONFIG_FILE)


def read_config_file(path: Path) -> RunConfig:
    """Read the configuration of a run from a file.

    Raises:
        EdgewiseError: if it cannot be read, or a field of it is unknown or not allowed.
    """
    values = read_yaml(path)
    fields = ("environment", "environment_config", "algorithm", "algorithm_config", "training")
    if not isinstance(values, dict) or any(name not in values for name in fields):
        raise EdgewiseError(f"{path}: must hold the fields {', '.join(fields)}")
    try:
        return RunConfig(
            environment=values["environment"],
            environment_config=from_plain(
                registry.find(values["environment"]).config, located(values["environment_config"], path.parent)
            ),
            algorithm=values["algorithm"],
            algorithm_config=from_plain(find_algorithm(values["algorithm"]).config, values["algorithm_config"]),
            training=from_plain(training_config(values["algorithm"]), values["training"]),
        )
    except ConfigurationError as error:
        raise EdgewiseError(f"{path}: {error}") from None


def require_same(folder: Path, run: RunConfig) -> None:
    """Refuse a folder that holds a run of another configuration.

    Raises:
        EdgewiseError: if it does.
    """
    if (folder / CONFIG_FILE).exists() and to_plain(read_config(folder)) != to_plain(run):
        raise EdgewiseError(
            f"{folder}: holds a run of another configuration; choose another name, or go on with that run: "
            f"{resume_command(folder)}"
        )


def require_run(folder: Path) -> RunConfig:
    """The configuration of a run folder.

    Raises:
        EdgewiseError: if the folder is no run, or holds no policy yet.
    """
    config = read_config(folder)
    if not policies_folder(folder, "best").is_dir():
        raise EdgewiseError(f"{folder}: holds no policy yet; go on with: {resume_command(folder)}")
    return config
