"""The figures of the CGDM paper (Kang et al.), section V, as experiments."""

from __future__ import annotations

from collections.abc import Sequence

from edgewise.experiments.experiment import BOUND, Experiment
from edgewise.experiments.setting import Learner, Profile, Setting
from edgewise.papers.cgdm import learning, sweeps, trust
from edgewise.papers.cgdm.learning import GDM, NO_CONFIDENCE, NO_CONSISTENCY, OURS
from edgewise.papers.cgdm.sweeps import Gap, Sweep

STEPS = 300_000
PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", steps=8_400, seeds=3, evaluations=2, episodes=16, paper_steps=STEPS),
        Profile("paper", steps=STEPS, seeds=10, evaluations=24, episodes=50, paper_steps=STEPS),
    )
}
"""Evaluations are such that PPO's rollouts fill the budget."""
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
DENOISING_STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 15)
SWEPT = ("random", "nearest-next", "look-ahead")


def _gains(*percent: float) -> dict[str, float]:
    return dict(zip(("GDM", "SAC", "PPO", "TD3", "DDPG", "random"), percent, strict=True))


def _swept(figure: int, title: str, fields: tuple[str, ...], values: Sequence[float], output: Sweep) -> Experiment:
    """One of Figs. 6 to 9."""
    return Experiment(
        name=f"fig{figure}",
        title=f"CGDM paper, Fig. {figure}: {title}",
        settings=tuple(Setting(f"{value:g}", SYSTEM, dict.fromkeys(fields, float(value))) for value in values),
        learners=COMPARED,
        references=SWEPT,
        output=output,
        trained_in=DEFAULT,
    )


EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            name="fig3",
            title="CGDM paper, Fig. 3: without confidence, without consistency",
            settings=(DEFAULT,),
            learners=(
                CGDM,
                Learner(NO_CONFIDENCE, "cgdm", {**FOUND, "confidence_sensitivity": 0.0}),
                Learner(NO_CONSISTENCY, "cgdm", {**FOUND, "consistency_weight": 0.0}),
                PLAIN,
            ),
            references=(),
            output=learning.ablation,
        ),
        Experiment(
            name="fig4",
            title="CGDM paper, Fig. 4: denoising steps",
            settings=(DEFAULT,),
            learners=tuple(
                Learner(str(steps), "cgdm", {**FOUND, "denoising_steps": steps}) for steps in DENOISING_STEPS
            ),
            references=(),
            output=sweeps.denoising_steps,
            spared=("4", "6", "8"),
        ),
        Experiment(
            name="fig5",
            title="CGDM paper, Fig. 5: convergence of all algorithms",
            settings=(DEFAULT,),
            learners=COMPARED,
            references=("random", "look-ahead", "oracle", BOUND),
            output=learning.convergence,
        ),
        _swept(
            6,
            "data volumes",
            ("raw_data_mb", "agent_data_mb"),
            range(100, 601, 100),
            Sweep(
                "data volume of each vehicle, and size of its agent (MB)",
                "Latency rises with the data, for CGDM and the baselines",
                True,
                _gains(7.6, 16.3, 19.9, 35.6, 43.8, 48.7),
                (Gap("The distances to CGDM grow with the data", "100", "600", True),),
            ),
        ),
        _swept(
            7,
            "bandwidth",
            ("link_rate_mbps",),
            range(100, 301, 50),
            Sweep(
                "nominal link rate (Mbit/s)",
                "Latency falls with bandwidth, for CGDM and the baselines",
                False,
                _gains(9.0, 14.8, 21.5, 38.7, 44.9, 49.5),
                (Gap("The distances to CGDM shrink with bandwidth", "100", "300", False),),
            ),
        ),
        _swept(
            8,
            "processors",
            ("cpu_mhz",),
            range(100, 301, 50),
            Sweep(
                "processor of each RSU (MHz)",
                "Latency falls with faster processors, for CGDM and the baselines",
                False,
                _gains(8.9, 12.3, 14.5, 21.7, 31.1, 33.4),
                (
                    Gap("The distances to CGDM widen up to 250 MHz", "100", "250", True),
                    Gap("Beyond 250 MHz they narrow", "250", "300", False),
                ),
            ),
        ),
        _swept(
            9,
            "attack frequency",
            ("attack_frequency",),
            (0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1),
            Sweep(
                "attack frequency",
                "Latency rises with the attack frequency, then flattens, for CGDM and the baselines",
                True,
                _gains(6.3, 9.8, 11.2, 32.4, 37.8, 43.6),
                (Gap("The distances to CGDM grow above an attack frequency of 0.5", "0.5", "1", True),),
                flattens=True,
            ),
        ),
        Experiment(
            name="fig10",
            title="CGDM paper, Fig. 10: reputations over an episode with an attack",
            settings=(Setting("attack", SYSTEM, trust.ATTACK),),
            learners=(CGDM,),
            references=("nearest-next",),
            output=trust.reputations,
            trained_in=DEFAULT,
        ),
    )
}
