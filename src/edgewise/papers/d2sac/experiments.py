"""The tables and figures of the D2SAC paper (Du et al.), section 6, as experiments."""

from __future__ import annotations

from edgewise.experiments.experiment import BOUND, Experiment
from edgewise.experiments.setting import Learner, Profile, Setting
from edgewise.papers.d2sac import figures, tables

STEPS = 1_000_000
PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", steps=40_000, seeds=3, evaluations=8, episodes=16, paper_steps=STEPS),
        Profile("paper", steps=STEPS, seeds=10, evaluations=40, episodes=50, paper_steps=STEPS),
    )
}
SYSTEM = "service-selection"
DEFAULT = Setting("default", SYSTEM)
D2SAC = Learner("D2SAC", "d2sac")
COMPARED = (
    D2SAC,
    Learner("DQN", "dqn"),
    Learner("Prioritized-DQN", "prioritised-dqn"),
    Learner("DRQN", "drqn"),
    Learner("Rainbow", "rainbow"),
    Learner("REINFORCE", "reinforce"),
    Learner("PPO", "ppo"),
    Learner("SAC", "discrete-sac"),
)
"""All learners of the paper's comparison, by the names that it gives them."""
LEARNERS = (*COMPARED, Learner.matching(tables.CONTROL, "discrete-sac", "d2sac", SYSTEM))
HEURISTICS = ("random", "round-robin", "crash-avoid", "prophet")
RATES = (0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004)
DENOISING_STEPS = (1, 2, 3, 4, 5, 10, 15)
TEMPERATURES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
BUDGETS = (0.15, 0.4, 1.0)

EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            name="table3",
            title="D2SAC paper, Table 3: rewards, and the way to the Crash Avoid baseline",
            settings=(DEFAULT,),
            learners=LEARNERS,
            references=(*HEURISTICS, BOUND),
            output=tables.rewards,
        ),
        Experiment(
            name="table4",
            title="D2SAC paper, Table 4: control tasks",
            settings=(Setting("Acrobot-v1", "acrobot"), Setting("CartPole-v1", "cartpole")),
            learners=COMPARED,
            references=(),
            output=tables.control,
        ),
        Experiment(
            name="table5",
            title="D2SAC paper, Table 5: what becomes of the tasks",
            settings=(DEFAULT,),
            learners=LEARNERS,
            references=HEURISTICS,
            output=tables.tasks,
        ),
        Experiment(
            name="fig5",
            title="D2SAC paper, Fig. 5: learning curves",
            settings=(DEFAULT,),
            learners=LEARNERS,
            references=HEURISTICS,
            output=figures.learning,
        ),
        Experiment(
            name="fig6",
            title="D2SAC paper, Fig. 6: arrival rates",
            settings=tuple(Setting(f"{rate:g}", SYSTEM, {"arrival_rate": rate}) for rate in RATES),
            learners=LEARNERS,
            references=HEURISTICS,
            output=figures.arrival_rates,
            trained_in=DEFAULT,
        ),
        Experiment(
            name="fig7",
            title="D2SAC paper, Fig. 7: denoising steps",
            settings=(DEFAULT,),
            learners=tuple(Learner(str(steps), "d2sac", {"denoising_steps": steps}) for steps in DENOISING_STEPS),
            references=(),
            output=figures.denoising_steps,
        ),
        Experiment(
            name="fig8",
            title="D2SAC paper, Fig. 8: the choice takes shape along the reverse chain",
            settings=(DEFAULT,),
            learners=tuple(Learner(f"{share:.0%}", "d2sac", budget=share) for share in BUDGETS),
            references=(),
            output=figures.reverse_chain,
        ),
        Experiment(
            name="fig9",
            title="D2SAC paper, Fig. 9: entropy temperature",
            settings=(DEFAULT,),
            learners=tuple(Learner(f"{alpha:g}", "d2sac", {"temperature": alpha}) for alpha in TEMPERATURES),
            references=(),
            output=figures.temperatures,
        ),
    )
}
