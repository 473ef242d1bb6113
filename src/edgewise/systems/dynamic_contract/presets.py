"""Settings that tuning found for dynamic contracts; docs/algorithms describes the search."""

from __future__ import annotations

from typing import Any

from edgewise.environments.system import Preset

TRAINING: dict[str, Any] = {
    "steps": 60_000,
    "environments": 32,
    "evaluations": 12,
    "evaluation_episodes": 50,
    "input_span": 2.0,
}
"""An episode has twenty network states."""
_SHARED: dict[str, Any] = {"hidden": (128, 128), "discount": 0.0, "actor_rate": 1e-3, "critic_rate": 3e-3}
"""What all learners share; states are independent, so that nothing is discounted into a value."""
_DIFFUSION = {**_SHARED, "target_rate": 0.01, "weight_decay": 0.0, "temperature": 0.001}
"""What EDMSAC and DMSAC share."""
_REPLAY: dict[str, Any] = {"updates": 8, "warmup_steps": 2_000}
"""Updates per step of all copies, and steps before the first one."""
PRESETS = {
    "edmsac": Preset(_DIFFUSION, _REPLAY),
    "dmsac": Preset(_DIFFUSION, _REPLAY),
    "dmddpg": Preset({**_SHARED, "actor_rate": 3e-3, "target_rate": 0.02, "weight_decay": 1e-4}, _REPLAY),
    "sac": Preset(
        {**_SHARED, "actor_rate": 3e-3, "target_rate": 0.02, "target_entropy": -3.0, "temperature_rate": 3e-3},
        _REPLAY,
    ),
    "ddpg": Preset({**_SHARED, "actor_rate": 3e-4, "target_rate": 0.02, "exploration": 0.2}, _REPLAY),
    "ppo": Preset({**_SHARED, "actor_rate": 3e-3, "epochs": 10}, {"rollout": 32}),
}
"""Settings by the learner's name."""
