"""Which loop trains which algorithm."""

from __future__ import annotations

from typing import Any

from edgewise.algorithms.base import OnPolicyAlgorithm
from edgewise.algorithms.game import GameAlgorithm
from edgewise.algorithms.registry import find_algorithm
from edgewise.environments.environment import Environment
from edgewise.environments.game import Game
from edgewise.training.config import TrainingConfig
from edgewise.training.game_loop import GameLoop
from edgewise.training.loop import Loop
from edgewise.training.off_policy import OffPolicyConfig, OffPolicyLoop
from edgewise.training.on_policy import OnPolicyConfig, OnPolicyLoop


def training_config(algorithm: str) -> type[TrainingConfig]:
    """The training configuration that a named algorithm's loop takes.

    Raises:
        ConfigurationError: naming the algorithms that exist.
    """
    on_policy = issubclass(find_algorithm(algorithm).algorithm, OnPolicyAlgorithm | GameAlgorithm)
    return OnPolicyConfig if on_policy else OffPolicyConfig


def build_loop(environment: Environment[Any] | Game[Any], algorithm: Any, config: TrainingConfig) -> Loop:
    """The loop that trains an algorithm in an environment.

    Raises:
        ConfigurationError: if the budget does not suit the algorithm's updates.
    """
    if isinstance(environment, Game):
        assert isinstance(config, OnPolicyConfig)
        return GameLoop(environment, algorithm, config)
    if isinstance(algorithm, OnPolicyAlgorithm):
        assert isinstance(config, OnPolicyConfig)
        return OnPolicyLoop(environment, algorithm, config)
    assert isinstance(config, OffPolicyConfig)
    return OffPolicyLoop(environment, algorithm, config)
