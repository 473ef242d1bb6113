"""The paper, described: what can be made again, and what each profile may spend."""

from __future__ import annotations

from edgewise.experiments.catalogue import Paper
from edgewise.experiments.profile import Profile

PAPER = Paper(
    titles={"fig1": "Returns in corridors of several lengths"},
    profiles={
        "quick": Profile("quick", steps=1_000, seeds=2, evaluations=2, episodes=8, paper_steps=10_000),
        "paper": Profile("paper", steps=10_000, seeds=5, evaluations=10, episodes=50, paper_steps=10_000),
    },
    experiments="edgewise_corridor.experiments:EXPERIMENTS",
)
