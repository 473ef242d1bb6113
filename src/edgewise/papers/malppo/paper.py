"""The paper, described: what can be made again and what may be spent. The experiments are loaded when one is wanted."""

from __future__ import annotations

from edgewise.experiments.catalogue import Paper
from edgewise.experiments.profile import Profile

STEPS = 200_000
"""Slots per seed; the paper's budget is not known."""
PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", steps=60_000, seeds=2, evaluations=6, episodes=4, paper_steps=STEPS),
        Profile("paper", steps=STEPS, seeds=10, evaluations=24, episodes=16, paper_steps=STEPS),
    )
}
"""The paper's budget is not known; 200,000 slots are what the presets take."""
TITLES = {
    "fig3": "MALPPO paper, Fig. 3: convergence to the Stackelberg equilibrium",
    "fig4": "MALPPO paper, Fig. 4: rewards of all algorithms",
    "fig5": "MALPPO paper, Fig. 5: numbers of buyers and sellers",
    "fig6": "MALPPO paper, Fig. 6: costs and satisfaction",
    "fig7": "MALPPO paper, Fig. 7: social ties",
    "fig8": "MALPPO paper, Fig. 8: the cost of one seller",
}
PAPER = Paper(TITLES, PROFILES, "edgewise.papers.malppo.experiments:EXPERIMENTS")
