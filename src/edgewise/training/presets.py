"""Tuned settings: what a run of an algorithm on a system starts from unless told otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from edgewise.algorithms.registry import find_algorithm
from edgewise.training.config import TrainingConfig
from edgewise.training.loops import training_config


@dataclass(frozen=True)
class Preset:
    """Departures from the defaults.

    Attributes:
        algorithm: fields of the algorithm's configuration.
        training: fields of the training configuration.
    """

    algorithm: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


_CONTROL: dict[str, Any] = {"steps": 100_000, "environments": 8, "evaluations": 10, "evaluation_episodes": 20}
SYSTEM_TRAINING: dict[str, dict[str, Any]] = {
    "service-selection": {"evaluation_episodes": 8, "input_span": 4.0},  # an episode has a thousand tasks
    "dynamic-contract": {"evaluation_episodes": 50, "input_span": 1.0},  # an episode has twenty network states
    "cartpole": _CONTROL,
    "acrobot": _CONTROL,
    "gymnasium": _CONTROL,
    "envpool": _CONTROL,
}
"""Fields of the training configuration that hold for every algorithm on a system, or on all that come from one source."""

_DQN = Preset({"hidden": (128, 128), "discount": 0.8, "epsilon_end": 0.01}, {"updates": 4})
_ACTOR_CRITIC = Preset(
    {"hidden": (128, 128), "discount": 0.8, "n_step": 1, "actor_rate": 1e-3, "critic_rate": 2e-3}, {"updates": 1}
)
TUNED: dict[tuple[str, str], Preset] = {
    ("service-selection", "d2sac"): _ACTOR_CRITIC,
    ("service-selection", "discrete-sac"): _ACTOR_CRITIC,
    ("service-selection", "dqn"): _DQN,
    ("service-selection", "prioritised-dqn"): _DQN,
    ("service-selection", "drqn"): Preset({"discount": 0.8, "epsilon_end": 0.01}),
    ("service-selection", "rainbow"): Preset(
        {"hidden": (128,), "stream": 128, "discount": 0.8, "lowest": -4.0, "highest": 4.0, "batch_size": 64},
        {"updates": 1},
    ),
    ("service-selection", "reinforce"): Preset(
        {"hidden": (128, 128), "actor_rate": 3e-3, "critic_rate": 3e-4, "discount": 0.5, "critic_steps": 20},
        {"rollout": 16},
    ),
    ("service-selection", "ppo"): Preset({"hidden": (128, 128), "discount": 0.9, "minibatches": 16}),
}
"""(system, algorithm) to what tuning found; docs/algorithms tells the search."""


def default_configs(environment: str, algorithm: str) -> tuple[Any, TrainingConfig]:
    """Configuration of the algorithm and of its training on a system, by their names in the registries.

    Raises:
        ConfigurationError: naming the algorithms that exist.
    """
    preset = TUNED.get((environment, algorithm), Preset())
    training = {**SYSTEM_TRAINING.get(environment.partition(":")[0], {}), **preset.training}
    return find_algorithm(algorithm).config(**preset.algorithm), training_config(algorithm)(**training)
