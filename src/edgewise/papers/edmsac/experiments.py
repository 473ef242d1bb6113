"""The figures of the EDMSAC paper (Wen et al.), section VI, as experiments."""

from __future__ import annotations

from edgewise.experiments.experiment import Experiment
from edgewise.experiments.setting import Learner, Setting
from edgewise.papers.edmsac import claims, constructions, figures, phones, probes, sweeps
from edgewise.papers.edmsac.names import ALPHA, BETA, DENOISING, DMSAC, OURS, PPO, PRUNING, RATES, SERVERS
from edgewise.papers.edmsac.paper import TITLES

SYSTEM = "dynamic-contract"
FEASIBLE = {"project": True}
"""Learners are paid the profit of the feasible menu made from their action."""
DEFAULT = Setting("default", SYSTEM, FEASIBLE)
EDMSAC = Learner(OURS, "edmsac")
COMPARED = (
    EDMSAC,
    Learner(DMSAC, "dmsac"),
    Learner("DMDDPG", "dmddpg"),
    Learner(PPO, "ppo"),
    Learner("SAC", "sac"),
    Learner("DDPG", "ddpg"),
)
"""All learners of the paper's comparison."""
PROFITS = ((200.0, 1.0), (200.0, 0.5), (200.0, 0.0), (250.0, 1.0), (250.0, 0.5), (250.0, 0.0))
"""Alpha and beta."""


def _pruned(rate: float) -> Learner:
    return Learner(f"pruning {rate:.0%}", "edmsac", {"pruning_rate": rate}, at={PRUNING: rate}, group=PRUNING)


def _denoised(steps: int) -> Learner:
    return Learner(f"M = {steps}", "edmsac", {"denoising_steps": steps}, at={DENOISING: steps}, group=DENOISING)


def _rated(actor: float, critic: float) -> Learner:
    """At constant rates."""
    rates = {"actor_rate": actor, "critic_rate": critic, "final_rate": 1.0}
    return Learner(f"rates {actor:g}, {critic:g}", "edmsac", rates, at={RATES: critic}, group=RATES)


def _setting(servers: int, alpha: float, beta: float) -> Setting:
    changes = {"servers": servers, "alpha": alpha, "beta": beta}
    label = f"N = {servers}, alpha = {alpha:g}, beta = {beta:g}"
    return Setting(label, SYSTEM, {**FEASIBLE, **changes}, at={SERVERS: servers, ALPHA: alpha, BETA: beta})


EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            name="fig4",
            title=TITLES["fig4"],
            settings=(),
            learners=(),
            references=(),
            plot=phones.pictures,
            probes=phones.runs,
        ),
        Experiment(
            name="fig5",
            title=TITLES["fig5"],
            settings=(),
            learners=(),
            references=(),
            plot=phones.accuracies,
            claims=phones.on_phones,
            probes=phones.phones,
        ),
        Experiment(
            name="fig6",
            title=TITLES["fig6"],
            settings=(DEFAULT,),
            learners=COMPARED,
            references=("optimum", "static", "constant", "random"),
            plot=figures.algorithms,
            claims=claims.algorithms,
            probes=probes.optima,
        ),
        Experiment(
            name="fig7",
            title=TITLES["fig7"],
            settings=(DEFAULT,),
            learners=(
                *(_pruned(rate) for rate in (0.3, 0.5, 0.7)),
                *(_denoised(steps) for steps in (3, 6, 12)),
                *(_rated(actor, critic) for actor, critic in ((2e-7, 2e-6), (1e-4, 1e-4))),
                Learner("rates of the preset", "edmsac", group=RATES),
            ),
            references=(),
            plot=figures.parameters,
            claims=claims.parameters,
            probes=probes.optima,
        ),
        Experiment(
            name="fig8",
            title=TITLES["fig8"],
            settings=(DEFAULT,),
            learners=(EDMSAC,),
            references=(),
            plot=figures.menus,
            claims=claims.menus,
            probes=probes.menus,
        ),
        Experiment(
            name="fig9",
            title=TITLES["fig9"],
            settings=(
                *(_setting(servers, 200.0, 1.0) for servers in (3, 6, 12, 18)),
                *(_setting(12, alpha, beta) for alpha, beta in PROFITS[1:]),
            ),
            learners=(EDMSAC,),
            references=(),
            plot=sweeps.schemes,
            claims=claims.schemes,
            probes=probes.schemes,
        ),
        Experiment(
            name="construction",
            title=TITLES["construction"],
            settings=(),
            learners=(),
            references=(),
            plot=constructions.built,
            probes=constructions.constructions,
        ),
    )
}
"""By name."""
