"""Settings that tuning found for agent migration; docs/algorithms describes the search."""

from __future__ import annotations

from typing import Any

from edgewise.environments.system import Preset

_SHARED: dict[str, Any] = {"actor_rate": 1e-3, "critic_rate": 3e-3, "discount": 0.95, "target_rate": 0.02}
"""What the off-policy learners share."""
_SETS: dict[str, Any] = {
    "environments": 64,
    "updates": 1,
    "warmup_steps": 2_048,
    "replay_capacity": 32_768,
    "steps": 64_000,
}
"""Training of the off-policy learners over sets; a transition takes 7 kB."""
PRESETS = {
    "entity-ppo": Preset({}, {"environments": 128, "rollout": 8, "evaluations": 12, "steps": 196_608}),
    "entity-sac": Preset({}, _SETS),
    "entity-cgdm": Preset({}, _SETS),
    "masked-diffusion": Preset({}, _SETS),
    "gdm": Preset({**_SHARED, "critic_rate": 2e-3, "discount": 0.6, "exploration": 0.1}),
    "sac": Preset({**_SHARED, "target_entropy": -2.0, "temperature": 0.02}),
    "td3": Preset({**_SHARED, "exploration": 0.2, "smoothing": 0.2}),
    "ppo": Preset(
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
    "ddpg": Preset({**_SHARED, "discount": 0.8, "target_rate": 0.005, "exploration": 0.2}),
}
"""Settings by the learner's name, best of five trials each; CGDM's are its defaults."""
