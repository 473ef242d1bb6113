"""Settings that tuning found for twin trading; docs/algorithms describes the search."""

from __future__ import annotations

from typing import Any

from edgewise.environments.system import Preset

TRAINING: dict[str, Any] = {
    "steps": 200_000,
    "environments": 64,
    "evaluations": 10,
    "evaluation_episodes": 8,
    "input_span": 2.0,
}
"""An episode has a hundred slots."""
_SHARED: dict[str, Any] = {
    "hidden": (32,),
    "actor_rate": 3e-3,
    "critic_rate": 3e-3,
    "leader_share": 0.1,
    "leader_start": 0.1,
}
"""What all learners share; the leaders are trained at a tenth of the rate."""
_MEMORY: dict[str, Any] = {**_SHARED, "memory": (16,), "minibatches": 8}
"""With an LSTM of 16 units."""
_ROLLOUT: dict[str, Any] = {"rollout": 20}
"""Slots between updates."""
PRESETS = {
    **dict.fromkeys(("malppo", "malppo-rl", "malppo-rf"), Preset(_MEMORY, _ROLLOUT)),
    "mappo": Preset({**_SHARED, "minibatches": 8}, _ROLLOUT),
    "maa2c": Preset(_SHARED, _ROLLOUT),
}
"""Settings by the learner's name."""
