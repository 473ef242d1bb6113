"""Which loop trains which algorithm."""

from __future__ import annotations

from typing import Any

from edgewise.algorithms.registry import find_algorithm
from edgewise.environments.base import Environment
from edgewise.numerics.checks import ConfigurationError
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
        ConfigurationError: if the warm-up is too short for the algorithm's n-step returns.
    """
    assert isinstance(config, OffPolicyConfig)
    shortest = (algorithm.n_step - 1) * config.environments
    if config.warmup_steps < shortest:
        raise ConfigurationError("warmup_steps", config.warmup_steps, f"at least (n - 1) * environments = {shortest}")
    return OffPolicyLoop(environment, algorithm, config)
