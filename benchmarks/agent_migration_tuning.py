"""Search for the settings of every learner on agent migration, with the same effort for each (`tuning.py`).

Two trials are chosen by hand: what an earlier search by hand had found for CGDM on this system, and, after the draws, the faster
rates and the longer horizon of the best draw of all, which was one of SAC's; each for every learner.

Run: python benchmarks/agent_migration_tuning.py [--only NAME ...] [--trials N] [--json FILE]
A file that exists is continued.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tuning import Grid, Search, command

from edgewise.systems.agent_migration.configuration import AgentMigrationConfig

HIDDEN = (256, 256)
RATES = (1e-4, 3e-4, 6e-4, 1e-3)
COMMON: Grid = {
    "actor_rate": RATES,
    "critic_rate": (3e-4, 1e-3, 2e-3, 3e-3),
    "discount": (0.6, 0.8, 0.95),
}
REPLAYED: Grid = {**COMMON, "target_rate": (0.005, 0.02)}
REDRAWN: Grid = {"exploration": (0.05, 0.1, 0.2)}
NOISY: Grid = {"exploration": (0.1, 0.2, 0.4)}
GRIDS: dict[str, Grid] = {
    "cgdm": {**REPLAYED, **REDRAWN, "consistency_weight": (0.03, 0.1, 0.3)},
    "gdm": {**REPLAYED, **REDRAWN},
    "sac": {**REPLAYED, "target_entropy": (-2.0, -1.0, -0.5), "temperature": (0.02, 0.2)},
    "td3": {**REPLAYED, **NOISY, "smoothing": (0.1, 0.2)},
    "ddpg": {**REPLAYED, **NOISY},
    "ppo": {
        **COMMON,
        "entropy_weight": (0.0, 0.001, 0.01),
        "initial_deviation": (0.3, 0.5, 1.0),
        "rollout": (16, 32, 64),
        "epochs": (4, 10),
    },
}
EARLIER: dict[str, Any] = {"actor_rate": 6e-4, "critic_rate": 2e-3, "discount": 0.8, "target_rate": 0.005}
FASTER: dict[str, Any] = {"actor_rate": 1e-3, "critic_rate": 3e-3, "discount": 0.95, "target_rate": 0.02}
REST: dict[str, dict[str, Any]] = {
    "cgdm": {"exploration": 0.1, "consistency_weight": 0.1},
    "gdm": {"exploration": 0.1},
    "sac": {"target_entropy": -1.0, "temperature": 0.2},
    "td3": {"exploration": 0.2, "smoothing": 0.2},
    "ddpg": {"exploration": 0.2},
    "ppo": {"entropy_weight": 0.0, "initial_deviation": 0.5, "rollout": 32, "epochs": 10},
}


def _of(name: str, common: dict[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in common.items() if field in GRIDS[name]} | REST[name]


SEARCH = Search(
    system="agent-migration",
    environment=AgentMigrationConfig(),
    grids=GRIDS,
    fixed={name: {"hidden": HIDDEN} for name in GRIDS},
    training={},
    steps=100_000,
    seeds=1,
    chosen={name: tuple(_of(name, common) for common in (EARLIER, FASTER)) for name in GRIDS},
)

if __name__ == "__main__":
    command(SEARCH, Path("results/cgdm/tuning.json"), __doc__.splitlines()[0])
