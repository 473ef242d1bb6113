"""Search for the settings of every learner on service selection, with the same effort for each (`tuning.py`).

Run: python benchmarks/service_selection_tuning.py [--only NAME ...] [--trials N] [--json FILE]
A file that exists is continued.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tuning import Grid, Search, command

from edgewise.systems.service_selection.configuration import ServiceSelectionConfig

INSTANCE = 1000
HIDDEN = (128, 128)
RATES = (3e-4, 1e-3, 3e-3)
DISCOUNTS = (0.0, 0.5, 0.8, 0.95)
N_STEPS = (1, 3)
Q_LEARNING = {"rate": RATES, "discount": DISCOUNTS, "epsilon_end": (0.01, 0.05), "target_rate": (0.005, 0.02)}
ACTOR_CRITIC = {
    "actor_rate": RATES,
    "critic_rate": RATES,
    "discount": DISCOUNTS,
    "n_step": N_STEPS,
    "temperature": (0.02, 0.05, 0.1),
}
POLICY_GRADIENT = {
    "actor_rate": RATES,
    "critic_rate": RATES,
    "discount": DISCOUNTS,
    "entropy_weight": (0.0, 0.01, 0.05),
    "rollout": (16, 32, 64),
}
GRIDS: dict[str, Grid] = {
    "d2sac": {**ACTOR_CRITIC, "predicts": ("clean", "noise")},
    "discrete-sac": {**ACTOR_CRITIC, "soft_target": (True, False)},
    "dqn": {**Q_LEARNING, "n_step": N_STEPS},
    "prioritised-dqn": {**Q_LEARNING, "n_step": N_STEPS, "priority_exponent": (0.3, 0.6)},
    "drqn": {**Q_LEARNING, "sequence_length": (8, 16)},
    "rainbow": {
        "rate": RATES,
        "discount": DISCOUNTS,
        "n_step": N_STEPS,
        "noise": (0.1, 0.5),
        "target_rate": (0.005, 0.02),
        "lowest": (-20.0, -10.0),
    },
    "reinforce": {**POLICY_GRADIENT, "critic_steps": (5, 20)},
    "ppo": {**POLICY_GRADIENT, "epochs": (4, 10)},
}
WIDTHS: dict[str, dict[str, Any]] = {
    "drqn": {"hidden": HIDDEN[:1], "memory": HIDDEN[1]},
    "rainbow": {"hidden": HIDDEN[:1], "stream": HIDDEN[1]},
}
CHOSEN: dict[str, dict[str, Any]] = {
    "d2sac": {
        "actor_rate": 1e-3, "critic_rate": 2e-3, "discount": 0.8, "n_step": 1, "temperature": 0.05, "predicts": "clean",
    },
    "discrete-sac": {
        "actor_rate": 1e-3, "critic_rate": 2e-3, "discount": 0.8, "n_step": 1, "temperature": 0.05, "soft_target": True,
    },
    "dqn": {"rate": 3e-3, "discount": 0.8, "epsilon_end": 0.01, "target_rate": 0.02, "n_step": 1},
    "prioritised-dqn": {
        "rate": 3e-3, "discount": 0.8, "epsilon_end": 0.01, "target_rate": 0.02, "n_step": 1, "priority_exponent": 0.3,
    },
    "drqn": {"rate": 3e-3, "discount": 0.8, "epsilon_end": 0.01, "target_rate": 0.02, "sequence_length": 16},
    "rainbow": {
        "rate": 3e-3, "discount": 0.5, "n_step": 1, "noise": 0.5, "target_rate": 0.02, "lowest": -10.0,
    },
    "reinforce": {
        "actor_rate": 3e-3, "critic_rate": 3e-3, "discount": 0.5, "entropy_weight": 0.01, "rollout": 16, "critic_steps": 20,
    },
    "ppo": {
        "actor_rate": 1e-3, "critic_rate": 1e-3, "discount": 0.8, "entropy_weight": 0.01, "rollout": 16, "epochs": 10,
    },
}  # fmt: skip
"""By hand, one for each learner, from what the draws had shown."""
SEARCH = Search(
    system="service-selection",
    environment=ServiceSelectionConfig(instance_seed=INSTANCE),
    grids=GRIDS,
    fixed={name: WIDTHS.get(name, {"hidden": HIDDEN}) for name in GRIDS},
    training={"updates": 1},
    steps=200_000,
    chosen={name: (settings,) for name, settings in CHOSEN.items()},
)

if __name__ == "__main__":
    command(SEARCH, Path("results/d2sac/tuning.json"), __doc__.splitlines()[0])
