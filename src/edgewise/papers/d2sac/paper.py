"""The paper, described: what can be made again and what may be spent. The experiments are loaded when one is wanted."""

from __future__ import annotations

from edgewise.experiments.catalogue import Paper
from edgewise.experiments.profile import Profile

STEPS = 1_000_000
"""Environment steps per seed: a thousand episodes of a thousand tasks."""
PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", steps=40_000, seeds=3, evaluations=8, episodes=16, paper_steps=STEPS),
        Profile("brief", steps=65_536, seeds=10, evaluations=4, episodes=50, paper_steps=STEPS),
        Profile("paper", steps=STEPS, seeds=10, evaluations=40, episodes=50, paper_steps=STEPS),
        Profile("control", steps=100_000, seeds=10, evaluations=10, episodes=50),
    )
}
"""By name: `quick` shows that all works, `paper` is what the committed results were made with, those of Table 4 with `control`:
the paper gives no budget for its tasks; those of learners over sets with `brief`."""
TITLES = {
    "table3": "D2SAC paper, Table 3: rewards, and the way to the Crash Avoid baseline",
    "table4": "D2SAC paper, Table 4: control tasks",
    "table5": "D2SAC paper, Table 5: what becomes of the tasks",
    "fig5": "D2SAC paper, Fig. 5: learning curves",
    "fig6": "D2SAC paper, Fig. 6: arrival rates",
    "fig7": "D2SAC paper, Fig. 7: denoising steps",
    "fig8": "D2SAC paper, Fig. 8: the choice takes shape along the reverse chain",
    "fig9": "D2SAC paper, Fig. 9: entropy temperature",
    "general": "Policies for any providers: what is learned while serving, by numbers of providers, loads and changes",
    "general-learners": "Policies for any providers: the learners over sets at equal budgets",
}
PAPER = Paper(TITLES, PROFILES, "edgewise.papers.d2sac.experiments:EXPERIMENTS")
