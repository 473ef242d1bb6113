"""The figures of the EDMSAC paper (Wen et al.), section VI, as experiments."""

from __future__ import annotations

from edgewise.experiments.experiment import Experiment
from edgewise.experiments.setting import Learner, Setting
from edgewise.papers.edmsac import figures
from edgewise.papers.edmsac.figures import DMSAC, OURS
from edgewise.papers.edmsac.paper import TITLES
from edgewise.papers.edmsac.schemes import SYSTEM

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
            title=TITLES["fig6"],
            settings=(DEFAULT,),
            learners=COMPARED,
            references=("optimum", "static", "constant", "random"),
            draw=figures.algorithms,
        ),
        Experiment(
            name="fig7",
            title=TITLES["fig7"],
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
            draw=figures.parameters,
        ),
        Experiment(
            name="fig8",
            title=TITLES["fig8"],
            settings=(DEFAULT,),
            learners=(EDMSAC,),
            references=(),
            draw=figures.menus,
        ),
        Experiment(
            name="fig9",
            title=TITLES["fig9"],
            settings=(
                *(_setting(servers, 200.0, 1.0) for servers in SERVERS),
                *(_setting(12, alpha, beta) for alpha, beta in PROFITS[1:]),
            ),
            learners=(EDMSAC,),
            references=(),
            draw=figures.schemes,
        ),
    )
}
