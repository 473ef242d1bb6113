"""Settings that tuning found for the control tasks; docs/algorithms describes the search."""

from __future__ import annotations

from typing import Any

from edgewise.environments.system import Preset

TRAINING: dict[str, Any] = {"steps": 100_000, "environments": 8, "evaluations": 10, "evaluation_episodes": 20}
"""Budget and evaluations of one run, unless a task says otherwise."""
_REPLAY: dict[str, Any] = {"updates": 4, "warmup_steps": 1_000}
"""Updates per step of all copies, and steps before the first one."""
_Q_LEARNING: dict[str, Any] = {"epsilon_end": 0.04, "epsilon_share": 0.16, "batch_size": 128}
"""Exploration falls to 0.04 within 16% of the steps."""


def _discrete(discount: float, lowest: float, highest: float, **entropy: float) -> dict[str, Preset]:
    """Settings for a task with a finite set of actions, by the learner's name.

    Args:
        discount: the discount factor of the learners without a memory.
        lowest, highest: returns between which Rainbow's atoms lie.
        entropy: fields of the learners of entropy.
    """
    q_learning = Preset({"hidden": (64, 64), "discount": discount, "n_step": 3, **_Q_LEARNING}, _REPLAY)
    soft = Preset(
        {
            "hidden": (64, 64),
            "discount": 0.99,
            "batch_size": 128,
            "actor_rate": 3e-4,
            "critic_rate": 1e-3,
            **entropy,
        },
        _REPLAY,
    )
    return {
        "dqn": q_learning,
        "prioritised-dqn": q_learning,
        "drqn": Preset(
            {
                "hidden": (64,),
                "memory": 64,
                "discount": 0.99,
                "n_step": 3,
                "target_rate": 0.01,
                **_Q_LEARNING,
                "batch_size": 32,
            },
            _REPLAY,
        ),
        "rainbow": Preset(
            {"hidden": (64,), "stream": 64, "discount": discount, "lowest": lowest, "highest": highest}, _REPLAY
        ),
        "discrete-sac": soft,
        "d2sac": soft,
    }


CARTPOLE = _discrete(0.97, 0.0, 40.0, target_entropy=0.3)
"""Discounted returns lie in [0, 1 / (1 - 0.97)], rounded up to 40."""
ACROBOT = _discrete(0.99, -100.0, 0.0)
"""Discounted returns lie in [-1 / (1 - 0.99), 0]."""
_PENDULUM: dict[str, Any] = {"hidden": (64, 64), "discount": 0.98, "actor_rate": 1e-3, "critic_rate": 1e-3}
"""What the learners of continuous actions share."""
_PENDULUM_REPLAY: dict[str, Any] = {"updates": 8, "warmup_steps": 1_000}
"""One update for each step of the eight copies."""
PENDULUM = {
    "sac": Preset({**_PENDULUM, "temperature_rate": 1e-3}, _PENDULUM_REPLAY),
    "td3": Preset(_PENDULUM, _PENDULUM_REPLAY),
    "ddpg": Preset(_PENDULUM, _PENDULUM_REPLAY),
    "ppo": Preset(
        {**_PENDULUM, "discount": 0.9, "epochs": 10, "minibatches": 32, "initial_deviation": 1.0},
        {"steps": 100_000, "rollout": 256},
    ),
}
"""Settings by the learner's name."""
