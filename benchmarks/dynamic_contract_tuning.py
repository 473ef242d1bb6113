"""Search for the settings of the learners on dynamic contracts; `tuning` tells how.

DMSAC takes over what EDMSAC shares with it. The figure that decides is the mean profit of feasible menus over the
states of the evaluations, which are not those that results are reported on; the exact optimum of these 1,000 states is 1115.44.

Run: python benchmarks/dynamic_contract_tuning.py [--only NAME ...] [--trials N] [--json FILE]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tuning import Grid, Search, command

from edgewise.systems.dynamic_contract.configuration import DynamicContractConfig

LEARNERS = ("edmsac", "dmddpg", "sac", "ddpg", "ppo")
RATES = (3e-4, 1e-3, 3e-3)
SHARED: Grid = {"actor_rate": RATES, "critic_rate": RATES, "discount": (0.0, 0.5, 0.9), "input_span": (1.0, 2.0)}
REPLAYED: Grid = {**SHARED, "target_rate": (0.005, 0.02)}
AFTER_SAC: dict[str, Any] = {"actor_rate": 3e-3, "critic_rate": 3e-3, "discount": 0.0, "input_span": 2.0}
"""Of the best draw of all, one of SAC's, for the others; added after the draws had been seen."""
FIRST_GUESS: dict[str, Any] = {"actor_rate": 1e-3, "critic_rate": 3e-3, "discount": 0.0, "input_span": 2.0}
SEARCH = Search(
    system="dynamic-contract",
    environment=DynamicContractConfig(project=True),
    grids={
        "edmsac": {**REPLAYED, "temperature": (0.001, 0.003, 0.01), "weight_decay": (0.0, 1e-4)},
        "dmddpg": {**REPLAYED, "exploration": (0.05, 0.1, 0.2), "weight_decay": (0.0, 1e-4)},
        "sac": {**REPLAYED, "target_entropy": (-3.0, -2.0, -1.0), "temperature_rate": (3e-4, 3e-3)},
        "ddpg": {**REPLAYED, "exploration": (0.05, 0.1, 0.2)},
        "ppo": {**SHARED, "entropy_weight": (0.0, 0.001, 0.01), "rollout": (16, 32, 64), "epochs": (4, 10)},
    },
    fixed={learner: {"hidden": (128, 128)} for learner in LEARNERS},
    training={"environments": 32, "updates": 8, "warmup_steps": 2_000, "evaluation_episodes": 50},
    steps=12_000,
    seeds=1,
    chosen={
        "edmsac": (
            {**FIRST_GUESS, "target_rate": 0.01, "temperature": 0.001, "weight_decay": 0.0},
            {**AFTER_SAC, "target_rate": 0.02, "temperature": 0.001, "weight_decay": 0.0},
        ),
        "dmddpg": (
            {**FIRST_GUESS, "target_rate": 0.01, "exploration": 0.1, "weight_decay": 0.0},
            {**AFTER_SAC, "target_rate": 0.02, "exploration": 0.1, "weight_decay": 0.0},
        ),
        "sac": ({**FIRST_GUESS, "target_rate": 0.01, "target_entropy": -2.0, "temperature": 0.001},),
        "ddpg": (
            {**FIRST_GUESS, "target_rate": 0.01, "exploration": 0.1},
            {**AFTER_SAC, "target_rate": 0.02, "exploration": 0.1},
        ),
        "ppo": ({**FIRST_GUESS, "rollout": 32, "epochs": 10}, {**AFTER_SAC, "rollout": 32, "epochs": 10}),
    },
    metric="profit",
)

if __name__ == "__main__":
    command(SEARCH, Path("results/dynamic-contract/tuning.json"), str(__doc__))
