"""The tables and figures of the D2SAC paper (Du et al.), section 6, as experiments."""

from __future__ import annotations

from edgewise.experiments.experiment import BOUND, Experiment
from edgewise.experiments.setting import Learner, Setting
from edgewise.experiments.timing import training_times
from edgewise.papers.d2sac import figures, tables
from edgewise.papers.d2sac.paper import TITLES

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
            title=TITLES["table3"],
            settings=(DEFAULT,),
            learners=LEARNERS,
            references=(*HEURISTICS, BOUND),
            draw=tables.rewards,
        ),
        Experiment(
            name="table4",
            title=TITLES["table4"],
            settings=(Setting("Acrobot-v1", "acrobot"), Setting("CartPole-v1", "cartpole")),
            learners=COMPARED,
            references=(),
            draw=tables.control,
        ),
        Experiment(
            name="table5",
            title=TITLES["table5"],
            settings=(DEFAULT,),
            learners=LEARNERS,
            references=HEURISTICS,
            draw=tables.tasks,
        ),
        Experiment(
            name="fig5",
            title=TITLES["fig5"],
            settings=(DEFAULT,),
            learners=LEARNERS,
            references=HEURISTICS,
            draw=figures.learning,
        ),
        Experiment(
            name="fig6",
            title=TITLES["fig6"],
            settings=tuple(Setting(f"{rate:g}", SYSTEM, {"arrival_rate": rate}) for rate in RATES),
            learners=LEARNERS,
            references=HEURISTICS,
            draw=figures.arrival_rates,
            trained_in=DEFAULT,
        ),
        Experiment(
            name="fig7",
            title=TITLES["fig7"],
            settings=(DEFAULT,),
            learners=tuple(Learner(str(steps), "d2sac", {"denoising_steps": steps}) for steps in DENOISING_STEPS),
            references=(),
            draw=figures.denoising_steps,
            probes=training_times,
        ),
        Experiment(
            name="fig8",
            title=TITLES["fig8"],
            settings=(DEFAULT,),
            learners=tuple(Learner(f"{share:.0%}", "d2sac", budget=share) for share in BUDGETS),
            references=(),
            draw=figures.reverse_chain,
        ),
        Experiment(
            name="fig9",
            title=TITLES["fig9"],
            settings=(DEFAULT,),
            learners=tuple(Learner(f"{alpha:g}", "d2sac", {"temperature": alpha}) for alpha in TEMPERATURES),
            references=(),
            draw=figures.temperatures,
        ),
    )
}
