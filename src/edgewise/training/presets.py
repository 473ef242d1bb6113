"""The settings that a run of an algorithm on a system starts from."""

from __future__ import annotations

from typing import Any

from edgewise.algorithms.registry import find_algorithm
from edgewise.environments.registry import find
from edgewise.environments.system import Preset
from edgewise.training.choose_loop import training_config
from edgewise.training.config import TrainingConfig


def default_configs(environment: str, algorithm: str) -> tuple[Any, TrainingConfig]:
    """Configuration of the algorithm and of its training on a system, by their names in the registries.

    Raises:
        ConfigurationError: naming the systems or algorithms that exist.
    """
    system = find(environment)
    preset = system.presets.get(algorithm, Preset())
    training = {**system.training, **preset.training}
    return find_algorithm(algorithm).config(**preset.algorithm), training_config(algorithm)(**training)
