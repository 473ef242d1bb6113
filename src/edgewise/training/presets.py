"""Tuned settings: what a run of an algorithm on a system starts from unless told otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from edgewise.algorithms.registry import find_algorithm
from edgewise.training.choose_loop import training_config
from edgewise.training.config import TrainingConfig


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
    "dynamic-contract": {  # an episode has twenty network states
        "steps": 60_000,
        "environments": 32,
        "evaluations": 12,
        "evaluation_episodes": 50,
        "input_span": 2.0,
    },
    "twin-trading": {  # an episode has a hundred slots
        "steps": 200_000,
        "environments": 64,
        "evaluations": 10,
        "evaluation_episodes": 8,
        "input_span": 2.0,
    },
    "cartpole": _CONTROL,
    "acrobot": _CONTROL,
    "pendulum": _CONTROL | {"steps": 50_000},
    "gymnasium": _CONTROL,
    "envpool": _CONTROL,
}
"""Fields of the training configuration that hold for every algorithm on a system, or on all that come from one source."""

_SERVICE: dict[str, Any] = {"updates": 1}
_SERVICE_HIDDEN = (128, 128)
_SERVICE_Q: dict[str, Any] = {"rate": 3e-3, "epsilon_end": 0.01, "target_rate": 0.02}
_REPLAY: dict[str, Any] = {"updates": 4, "warmup_steps": 1_000}
_DISCOUNTS = {"cartpole": 0.97, "acrobot": 0.99}
_Q_CONTROL: dict[str, Any] = {"epsilon_end": 0.04, "epsilon_share": 0.16, "batch_size": 128}
_ATOMS: dict[str, dict[str, Any]] = {
    "cartpole": {"lowest": 0.0, "highest": 40.0},
    "acrobot": {"lowest": -100.0, "highest": 0.0},
}
_CONTROL_PRESETS: dict[tuple[str, str], Preset] = {
    **{
        (task, name): Preset({"hidden": (64, 64), "discount": discount, "n_step": 3, **_Q_CONTROL}, _REPLAY)
        for task, discount in _DISCOUNTS.items()
        for name in ("dqn", "prioritised-dqn")
    },
    **{
        (task, "drqn"): Preset(
            {
                "hidden": (64,), "memory": 64, "discount": 0.99, "n_step": 3, "target_rate": 0.01,
                **_Q_CONTROL, "batch_size": 32,
            },
            _REPLAY,
        )
        for task in _DISCOUNTS
    },
    **{
        (task, "rainbow"): Preset(
            {"hidden": (64,), "stream": 64, "discount": discount, **_ATOMS[task]}, _REPLAY
        )
        for task, discount in _DISCOUNTS.items()
    },
    **{
        (task, name): Preset(
            {"hidden": (64, 64), "discount": 0.99, "batch_size": 128, "actor_rate": 3e-4, "critic_rate": 1e-3}
            | ({"target_entropy": 0.3} if task == "cartpole" else {}),
            _REPLAY,
        )
        for task in _DISCOUNTS
        for name in ("discrete-sac", "d2sac")
    },
}  # fmt: skip
_PENDULUM: dict[str, Any] = {"hidden": (64, 64), "discount": 0.98, "actor_rate": 1e-3, "critic_rate": 1e-3}
_PENDULUM_REPLAY: dict[str, Any] = {"updates": 8, "warmup_steps": 1_000}
_CONTRACT: dict[str, Any] = {"hidden": (128, 128), "discount": 0.0, "actor_rate": 1e-3, "critic_rate": 3e-3}
_CONTRACT_REPLAY: dict[str, Any] = {"updates": 8, "warmup_steps": 2_000}
_CONTRACT_DIFFUSION = {**_CONTRACT, "target_rate": 0.01, "weight_decay": 0.0}
_GAME: dict[str, Any] = {
    "hidden": (32,),
    "actor_rate": 3e-3,
    "critic_rate": 3e-3,
    "leader_share": 0.1,
    "leader_start": 0.1,
}
_GAME_MEMORY: dict[str, Any] = {**_GAME, "memory": (16,), "minibatches": 8}
_GAME_ROLLOUT: dict[str, Any] = {"rollout": 20}
_MIGRATION: dict[str, Any] = {"actor_rate": 1e-3, "critic_rate": 3e-3, "discount": 0.95, "target_rate": 0.02}
TUNED: dict[tuple[str, str], Preset] = {
    ("agent-migration", "gdm"): Preset({**_MIGRATION, "critic_rate": 2e-3, "discount": 0.6, "exploration": 0.1}),
    ("agent-migration", "sac"): Preset({**_MIGRATION, "target_entropy": -2.0, "temperature": 0.02}),
    ("agent-migration", "td3"): Preset({**_MIGRATION, "exploration": 0.2, "smoothing": 0.2}),
    ("agent-migration", "ppo"): Preset(
        {
            "actor_rate": 3e-4,
            "critic_rate": 3e-4,
            "discount": 0.8,
            "entropy_weight": 0.01,
            "initial_deviation": 0.3,
            "epochs": 10,
            "hidden": (256, 256),
        },
        {"rollout": 64},
    ),
    ("agent-migration", "ddpg"): Preset({**_MIGRATION, "discount": 0.8, "target_rate": 0.005, "exploration": 0.2}),
    **{("twin-trading", name): Preset(_GAME_MEMORY, _GAME_ROLLOUT) for name in ("malppo", "malppo-rl", "malppo-rf")},
    ("twin-trading", "mappo"): Preset({**_GAME, "minibatches": 8}, _GAME_ROLLOUT),
    ("twin-trading", "maa2c"): Preset(_GAME, _GAME_ROLLOUT),
    **_CONTROL_PRESETS,
    ("pendulum", "sac"): Preset({**_PENDULUM, "temperature_rate": 1e-3}, _PENDULUM_REPLAY),
    ("pendulum", "td3"): Preset(_PENDULUM, _PENDULUM_REPLAY),
    ("pendulum", "ddpg"): Preset(_PENDULUM, _PENDULUM_REPLAY),
    ("pendulum", "ppo"): Preset(
        {**_PENDULUM, "discount": 0.9, "epochs": 10, "minibatches": 32, "initial_deviation": 1.0},
        {"steps": 100_000, "rollout": 256},
    ),
    ("dynamic-contract", "edmsac"): Preset({**_CONTRACT_DIFFUSION, "temperature": 0.001}, _CONTRACT_REPLAY),
    ("dynamic-contract", "dmsac"): Preset({**_CONTRACT_DIFFUSION, "temperature": 0.001}, _CONTRACT_REPLAY),
    ("dynamic-contract", "dmddpg"): Preset(
        {**_CONTRACT, "actor_rate": 3e-3, "target_rate": 0.02, "weight_decay": 1e-4}, _CONTRACT_REPLAY
    ),
    ("dynamic-contract", "sac"): Preset(
        {**_CONTRACT, "actor_rate": 3e-3, "target_rate": 0.02, "target_entropy": -3.0, "temperature_rate": 3e-3},
        _CONTRACT_REPLAY,
    ),
    ("dynamic-contract", "ddpg"): Preset(
        {**_CONTRACT, "actor_rate": 3e-4, "target_rate": 0.02, "exploration": 0.2}, _CONTRACT_REPLAY
    ),
    ("dynamic-contract", "ppo"): Preset({**_CONTRACT, "actor_rate": 3e-3, "epochs": 10}, {"rollout": 32}),
    ("service-selection", "d2sac"): Preset(
        {"discount": 0.8, "n_step": 1, "actor_rate": 1e-3, "critic_rate": 2e-3, "hidden": _SERVICE_HIDDEN}, _SERVICE
    ),
    ("service-selection", "discrete-sac"): Preset(
        {
            "discount": 0.5,
            "n_step": 1,
            "actor_rate": 3e-3,
            "critic_rate": 3e-3,
            "temperature": 0.1,
            "hidden": _SERVICE_HIDDEN,
        },
        _SERVICE,
    ),
    ("service-selection", "dqn"): Preset({**_SERVICE_Q, "discount": 0.8, "hidden": _SERVICE_HIDDEN}, _SERVICE),
    ("service-selection", "prioritised-dqn"): Preset(
        {**_SERVICE_Q, "discount": 0.5, "priority_exponent": 0.3, "hidden": _SERVICE_HIDDEN}, _SERVICE
    ),
    ("service-selection", "drqn"): Preset({**_SERVICE_Q, "discount": 0.8}, _SERVICE),
    ("service-selection", "rainbow"): Preset(
        {
            "discount": 0.0,
            "n_step": 3,
            "rate": 3e-3,
            "target_rate": 0.005,
            "lowest": -20.0,
            "hidden": _SERVICE_HIDDEN[:1],
            "stream": _SERVICE_HIDDEN[1],
        },
        _SERVICE,
    ),
    ("service-selection", "reinforce"): Preset(
        {
            "discount": 0.5,
            "actor_rate": 3e-3,
            "critic_rate": 3e-3,
            "entropy_weight": 0.01,
            "critic_steps": 20,
            "hidden": _SERVICE_HIDDEN,
        },
        {"rollout": 16},
    ),
    ("service-selection", "ppo"): Preset(
        {"discount": 0.9, "actor_rate": 1e-3, "critic_rate": 1e-3, "minibatches": 16, "hidden": _SERVICE_HIDDEN}
    ),
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
