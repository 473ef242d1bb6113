"""The figures of the EDMSAC paper (Wen et al.), section VI, as experiments."""

from __future__ import annotations

from edgewise.experiments.experiment import Experiment
from edgewise.experiments.setting import Learner, Profile, Setting
from edgewise.papers.edmsac import figures
from edgewise.papers.edmsac.figures import DMSAC, OURS
from edgewise.papers.edmsac.schemes import SYSTEM

PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", steps=12_000, seeds=2, evaluations=4, episodes=50),
        Profile("paper", steps=60_000, seeds=10, evaluations=12, episodes=50),
    )
}
"""The paper does not tell its budget; 60,000 network states are what the presets take. An episode has twenty states."""
FEASIBLE = {"project": True}
"""Learners are paid the profit of the feasible menu made from their action."""
DEFAULT = Setting("default", SYSTEM, FEASIBLE)
EDMSAC = Learner(OURS, "edmsac")
COMPARED = (
    EDMSAC,
    Learner(DMSAC, "dmsac"),
    Learner("DMDDPG", "dmddpg"),
    Learner("PPO", "ppo"),
    Learner("SAC", "sac"),
    Learner("DDPG", "ddpg"),
)
"""All learners of the paper's comparison."""
PRUNING = (0.3, 0.5, 0.7)
DENOISING = (3, 6, 12)
RATES = ((2e-7, 2e-6), (1e-4, 1e-4))
SERVERS = (3, 6, 12, 18)
PROFITS = ((200.0, 1.0), (200.0, 0.5), (200.0, 0.0), (250.0, 1.0), (250.0, 0.5), (250.0, 0.0))
"""Alpha and beta."""


def _setting(servers: int, alpha: float, beta: float) -> Setting:
    changes = {"servers": servers, "alpha": alpha, "beta": beta}
    return Setting(f"N = {servers}, alpha = {alpha:g}, beta = {beta:g}", SYSTEM, {**FEASIBLE, **changes})


EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            name="fig6",
            title="EDMSAC paper, Fig. 6: all algorithms",
            settings=(DEFAULT,),
            learners=COMPARED,
            references=("optimum", "static", "constant", "random"),
            output=figures.algorithms,
        ),
        Experiment(
            name="fig7",
            title="EDMSAC paper, Fig. 7: pruning rates, denoising steps, learning rates",
            settings=(DEFAULT,),
            learners=(
                *(Learner(f"pruning {rate:.0%}", "edmsac", {"pruning_rate": rate}) for rate in PRUNING),
                *(Learner(f"M = {steps}", "edmsac", {"denoising_steps": steps}) for steps in DENOISING),
                *(
                    Learner(
                        f"rates {actor:g}, {critic:g}",
                        "edmsac",
                        {"actor_rate": actor, "critic_rate": critic, "final_rate": 1.0},
                    )
                    for actor, critic in RATES
                ),
                Learner("rates of the preset", "edmsac"),
            ),
            references=(),
            output=figures.parameters,
        ),
        Experiment(
            name="fig8",
            title="EDMSAC paper, Fig. 8: menus under three network states",
            settings=(DEFAULT,),
            learners=(EDMSAC,),
            references=(),
            output=figures.menus,
        ),
        Experiment(
            name="fig9",
            title="EDMSAC paper, Fig. 9: contract schemes, number of servers, alpha and beta",
            settings=(
                *(_setting(servers, 200.0, 1.0) for servers in SERVERS),
                *(_setting(12, alpha, beta) for alpha, beta in PROFITS[1:]),
            ),
            learners=(EDMSAC,),
            references=(),
            output=figures.schemes,
        ),
    )
}
