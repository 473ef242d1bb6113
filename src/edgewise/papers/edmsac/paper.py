"""The paper, described: what can be made again and what may be spent. The experiments are loaded when one is wanted."""

from __future__ import annotations

from edgewise.experiments.catalogue import Paper
from edgewise.experiments.profile import Profile

PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", steps=12_000, seeds=2, evaluations=4, episodes=50),
        Profile("paper", steps=60_000, seeds=10, evaluations=12, episodes=50),
    )
}
"""The paper does not tell its budget; 60,000 network states are what the presets take. An episode has twenty states."""
TITLES = {
    "fig4": "EDMSAC paper, Fig. 4: an agent operates a phone, a simple and a complex case",
    "fig5": "EDMSAC paper, Fig. 5: accuracies of agents that operate a phone",
    "fig6": "EDMSAC paper, Fig. 6: all algorithms",
    "fig7": "EDMSAC paper, Fig. 7: pruning rates, denoising steps, learning rates",
    "fig8": "EDMSAC paper, Fig. 8: menus under three network states",
    "fig9": "EDMSAC paper, Fig. 9: contract schemes, number of servers, alpha and beta",
    "construction": "EDMSAC paper, section III: profits of contracts with real modules",
}
PAPER = Paper(TITLES, PROFILES, "edgewise.papers.edmsac.experiments:EXPERIMENTS")
