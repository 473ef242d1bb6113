"""The paper, described: what can be made again and what may be spent. The experiments are loaded when one is wanted."""

from __future__ import annotations

from edgewise.experiments.catalogue import Paper
from edgewise.experiments.profile import Profile

STEPS = 300_000
"""Environment steps per seed, the paper's budget."""
PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", steps=8_400, seeds=3, evaluations=2, episodes=16, paper_steps=STEPS),
        Profile("brief", steps=32_768, seeds=5, evaluations=4, episodes=200, paper_steps=STEPS),
        Profile("ten-seeds", steps=32_768, seeds=10, evaluations=4, episodes=200, paper_steps=STEPS),
        Profile("paper", steps=STEPS, seeds=10, evaluations=24, episodes=50, paper_steps=STEPS),
    )
}
"""Evaluations are such that PPO's rollouts fill the budget."""
TITLES = {
    "fig3": "CGDM paper, Fig. 3: without confidence, without consistency",
    "fig4": "CGDM paper, Fig. 4: denoising steps",
    "fig5": "CGDM paper, Fig. 5: convergence of all algorithms",
    "fig6": "CGDM paper, Fig. 6: data volumes",
    "fig7": "CGDM paper, Fig. 7: bandwidth",
    "fig8": "CGDM paper, Fig. 8: processors",
    "fig9": "CGDM paper, Fig. 9: attack frequency",
    "fig10": "CGDM paper, Fig. 10: reputations over an episode with an attack",
    "general": "A policy for any fleet: sizes, maps, hardware and attackers that it was not trained on",
    "general-learners": "Policies for any fleet: the learners over sets at equal budgets",
    "general-features": "Policies for any fleet: what each group of fields is worth",
}
PAPER = Paper(TITLES, PROFILES, "edgewise.papers.cgdm.experiments:EXPERIMENTS")
