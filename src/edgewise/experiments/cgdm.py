"""The figures of the CGDM paper (Kang et al.), section V, as experiments."""

from __future__ import annotations

from edgewise.experiments import cgdm_figures
from edgewise.experiments.cgdm_figures import GDM, NO_CONFIDENCE, NO_CONSISTENCY, OURS
from edgewise.experiments.experiment import BOUND, Experiment
from edgewise.experiments.parts import Learner, Profile, Setting

STEPS = 300_000
PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", steps=30_000, seeds=3, evaluations=7, episodes=16, paper_steps=STEPS),
        Profile("paper", steps=STEPS, seeds=10, evaluations=24, episodes=50, paper_steps=STEPS),
    )
}
"""Evaluations are such that PPO's rollouts fill the budget."""
SYSTEM = "agent-migration"
DEFAULT = Setting("default", SYSTEM)
CGDM = Learner(OURS, "cgdm")
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

EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            name="fig3",
            title="CGDM paper, Fig. 3: without confidence, without consistency",
            settings=(DEFAULT,),
            learners=(
                CGDM,
                Learner(NO_CONFIDENCE, "cgdm", {"confidence_sensitivity": 0.0}),
                Learner(NO_CONSISTENCY, "cgdm", {"consistency_weight": 0.0}),
                PLAIN,
            ),
            references=(),
            output=cgdm_figures.ablation,
        ),
        Experiment(
            name="fig5",
            title="CGDM paper, Fig. 5: convergence of all algorithms",
            settings=(DEFAULT,),
            learners=COMPARED,
            references=("random", "look-ahead", "oracle", BOUND),
            output=cgdm_figures.convergence,
        ),
    )
}
