"""The figures of the CGDM paper (Kang et al.), section V, as experiments: what is computed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from edgewise.experiments.comparison import Comparison
from edgewise.experiments.experiment import BOUND, Experiment
from edgewise.experiments.setting import Learner, Setting
from edgewise.experiments.sweep import Sweep
from edgewise.experiments.timing import training_times
from edgewise.papers.cgdm import claims, figures, general, probes, sweeps
from edgewise.papers.cgdm.names import GDM, LATENCY, NO_CONFIDENCE, NO_CONSISTENCY, OURS
from edgewise.papers.cgdm.paper import TITLES
from edgewise.papers.cgdm.published import SWEPT
from edgewise.papers.cgdm.trust import ATTACK

SYSTEM = "agent-migration"
DEFAULT = Setting("default", SYSTEM)
FOUND = {"actor_rate": 1e-3, "critic_rate": 3e-3, "discount": 0.95, "target_rate": 0.02}
"""CGDM's settings from the search that gave all learners theirs; its defaults come from an earlier one with longer runs."""
CGDM = Learner(OURS, "cgdm", FOUND)
PLAIN = Learner(GDM, "gdm")
COMPARED = (
    CGDM,
    PLAIN,
    Learner("PPO", "ppo"),
    Learner("SAC", "sac"),
    Learner("TD3", "td3"),
    Learner("DDPG", "ddpg"),
)
"""All learners of the paper's comparison."""
OVER_SETS = tuple(Learner(name, name) for name in ("entity-ppo", "entity-sac", "entity-cgdm", "masked-diffusion"))
"""Learners of policies that serve any fleet."""
TRAINED_THERE = Learner(general.TRAINED_THERE, "entity-ppo", seen={"observation": "entities"})
DENOISING_STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 15)
"""Lengths of the reverse chain in Fig. 4, K."""


def _with_steps(steps: int) -> Learner:
    config = {**FOUND, "denoising_steps": steps}
    return Learner(str(steps), "cgdm", config, at={sweeps.DENOISING_STEPS.name: steps})


def _swept(name: str, fields: tuple[str, ...], values: Sequence[float]) -> Experiment:
    """One of Figs. 6 to 9: fields of the system that all have one value after the other."""
    axis = Sweep(SWEPT[name].axis)
    return Experiment(
        name=name,
        title=TITLES[name],
        settings=tuple(
            Setting(f"{value:g}", SYSTEM, dict.fromkeys(fields, float(value)), at={axis.name: float(value)})
            for value in values
        ),
        learners=COMPARED,
        references=("random", "nearest-next", "look-ahead"),
        plot=partial(sweeps.latency, axis),
        claims=partial(claims.swept, axis, SWEPT[name]),
        trained_in=DEFAULT,
    )


EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            name="fig3",
            title=TITLES["fig3"],
            settings=(DEFAULT,),
            learners=(
                CGDM,
                Learner(NO_CONFIDENCE, "cgdm", {**FOUND, "confidence_sensitivity": 0.0}),
                Learner(NO_CONSISTENCY, "cgdm", {**FOUND, "consistency_weight": 0.0}),
                PLAIN,
            ),
            references=(),
            plot=figures.ablation,
            claims=claims.ablation,
        ),
        Experiment(
            name="fig4",
            title=TITLES["fig4"],
            settings=(DEFAULT,),
            learners=tuple(_with_steps(steps) for steps in DENOISING_STEPS),
            references=(),
            plot=sweeps.denoising_steps,
            claims=claims.denoising_steps,
            probes=training_times,
            spared=("4", "6", "8"),
        ),
        Experiment(
            name="fig5",
            title=TITLES["fig5"],
            settings=(DEFAULT,),
            learners=COMPARED,
            references=("random", "look-ahead", "oracle", BOUND),
            plot=figures.convergence,
            claims=claims.convergence,
        ),
        _swept("fig6", ("raw_data_mb", "agent_data_mb"), range(100, 601, 100)),
        _swept("fig7", ("link_rate_mbps",), range(100, 301, 50)),
        _swept("fig8", ("cpu_mhz",), range(100, 301, 50)),
        _swept("fig9", ("attack_frequency",), (0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1)),
        Experiment(
            name="fig10",
            title=TITLES["fig10"],
            settings=(Setting("attack", SYSTEM, ATTACK),),
            learners=(CGDM,),
            references=("nearest-next",),
            plot=figures.reputations,
            claims=claims.reputations,
            probes=probes.reputations,
            trained_in=DEFAULT,
        ),
        Experiment(
            name="general",
            title=TITLES["general"],
            settings=general.settings(),
            learners=(TRAINED_THERE,),
            references=general.REFERENCES,
            plot=general.plot,
            claims=general.claims,
            spared=(TRAINED_THERE.label,),
        ),
        Experiment(
            name="general-learners",
            title=TITLES["general-learners"],
            settings=(Setting("default", SYSTEM, {"observation": "entities"}),),
            learners=OVER_SETS,
            references=("look-ahead", "filtering-look-ahead", "far-sighted-look-ahead", "oracle"),
            plot=figures.learners_over_sets,
            claims=claims.learners_over_sets,
        ),
        Experiment(
            name="general-features",
            title=TITLES["general-features"],
            settings=tuple(
                Setting(label, SYSTEM, {"observation": "entities", "unseen": unseen}, {"groups left out": len(unseen)})
                for label, unseen in general.UNSEEN.items()
            ),
            learners=(Learner("entity-ppo", "entity-ppo"),),
            references=(),
            plot=Comparison(LATENCY, "test latency (s per slot)", digits=1),
            claims=general.features_claims,
        ),
    )
}
"""By name."""
