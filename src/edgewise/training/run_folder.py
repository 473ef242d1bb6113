"""The folder of a run: its files, and the configuration from which the run can be repeated."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from edgewise import __version__
from edgewise.algorithms.registry import find_algorithm
from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.files import replace_file
from edgewise.common.plain import ADDED, from_plain, to_plain
from edgewise.common.yaml_files import read_yaml
from edgewise.environments import registry
from edgewise.policies.folders import policies_folder
from edgewise.training.config import TrainingConfig
from edgewise.training.inside import located, stored

if TYPE_CHECKING:
    import pandas as pd

CHECKPOINTS = "checkpoints"
CONFIG_FILE = "config.yaml"
METRICS_FILE = "metrics.csv"
TEST_FILE = "test.json"
EVENTS = "tensorboard"


@dataclass(frozen=True)
class Origin:
    """A policy that learners start with.

    Attributes:
        source: where it was found: the folder of a run or of a policy, or the name of one that comes with the system.
        sha256: digest of its description, which holds that of its weights.
    """

    source: str
    sha256: str


@dataclass(frozen=True)
class RunConfig:
    """All that determines a run.

    Attributes:
        environment: name in the registry.
        environment_config: its configuration.
        algorithm: name in the registry.
        algorithm_config: its configuration.
        training: budget and seeds.
        origin: the policy that its learners start with. If None, they start afresh.
    """

    environment: str
    environment_config: Any
    algorithm: str
    algorithm_config: Any
    training: TrainingConfig
    origin: Origin | None = field(default=None, metadata=ADDED)


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
    from edgewise.training.choose_loop import training_config

    values = read_yaml(path)
    fields = ("environment", "environment_config", "algorithm", "algorithm_config", "training")
    if not isinstance(values, dict) or any(name not in values for name in fields):
        raise EdgewiseError(f"{path}: must hold the fields {', '.join(fields)}")
    for name in ("environment", "algorithm"):
        if not isinstance(values[name], str):
            raise EdgewiseError(f"{path}: {name} = {values[name]!r}: must be a name")
    try:
        return RunConfig(
            environment=values["environment"],
            environment_config=from_plain(
                registry.find(values["environment"]).config, located(values["environment_config"], path.parent)
            ),
            algorithm=values["algorithm"],
            algorithm_config=from_plain(find_algorithm(values["algorithm"]).config, values["algorithm_config"]),
            training=from_plain(training_config(values["algorithm"]), values["training"]),
            origin=from_plain(Origin, values["origin"]) if "origin" in values else None,
        )
    except ConfigurationError as error:
        raise EdgewiseError(f"{path}: {error}") from None


def require_same(folder: Path, run: RunConfig) -> None:
    """Refuse a folder that holds a run of another configuration, or files of the names of a run's but no run.

    Raises:
        EdgewiseError: if it does.
    """
    if not (folder / CONFIG_FILE).exists():
        names = (TEST_FILE, METRICS_FILE, CHECKPOINTS, policies_folder(folder, "best").parent.name)
        there = [name for name in names if (folder / name).exists()]
        if there:
            raise EdgewiseError(
                f"{folder}: holds {', '.join(there)} but no {CONFIG_FILE}, and so no run: choose another name or folder"
            )
    elif to_plain(read_config(folder)) != to_plain(run):
        raise EdgewiseError(
            f"{folder}: holds a run of another configuration; choose another name, or go on with that run: "
            f"{resume_command(folder)}"
        )


def read_test(folder: Path) -> dict[str, Any]:
    """The results of a run's test episodes, as `test.json` holds them.

    Raises:
        EdgewiseError: if the file is damaged.
    """
    path = folder / TEST_FILE
    try:
        summary = json.loads(path.read_bytes())
    except ValueError:
        summary = None
    if not isinstance(summary, dict) or not all(isinstance(value, dict) for value in summary.values()):
        raise EdgewiseError(f"{path}: is damaged: remove it to have the test made again")
    return summary


def read_metrics(folder: Path, needed: Iterable[str]) -> pd.DataFrame:
    """The evaluations of a run, as `metrics.csv` holds them.

    Args:
        folder: the folder of the run.
        needed: columns that must hold numbers.

    Raises:
        EdgewiseError: if the file is missing or damaged.
    """
    import pandas as pd

    path = folder / METRICS_FILE
    try:
        metrics = pd.read_csv(path)
    except (ValueError, OSError) as error:  # pandas' errors of content are ValueErrors
        reason = error.strerror if isinstance(error, OSError) else "is no CSV"
        raise EdgewiseError(f"{path}: cannot be read: {reason}") from None
    for name in needed:
        if name not in metrics or not pd.api.types.is_numeric_dtype(metrics[name]) or not len(metrics):
            raise EdgewiseError(f"{path}: {name}: must be a column of numbers; was the file changed by hand?")
    return metrics


def require_run(folder: Path) -> RunConfig:
    """The configuration of a run folder.

    Raises:
        EdgewiseError: if the folder is no run, or holds no policy yet.
    """
    config = read_config(folder)
    if not policies_folder(folder, "best").is_dir():
        raise EdgewiseError(f"{folder}: holds no policy yet; go on with: {resume_command(folder)}")
    return config
