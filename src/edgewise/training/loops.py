"""Which loop trains which algorithm."""

from __future__ import annotations

from typing import Any

from edgewise.algorithms.registry import find_algorithm
from edgewise.environments.base import Environment
from edgewise.training.config import TrainingConfig
from edgewise.training.loop import Loop
from edgewise.training.off_policy import OffPolicyConfig, OffPolicyLoop


def training_config(algorithm: str) -> type[TrainingConfig]:
    """The training configuration that a named algorithm's loop takes.

    Raises:
        ConfigurationError: naming the algorithms that exist.
    """
    find_algorithm(algorithm)
    return OffPolicyConfig


def build_loop(environment: Environment[Any], algorithm: Any, config: TrainingConfig) -> Loop:
    """The loop that trains an algorithm in an environment.

    Raises:
        ConfigurationError: if the budget leaves too little experience for the algorithm's first update.
    """
    assert isinstance(config, OffPolicyConfig)
    return OffPolicyLoop(environment, algorithm, config)
