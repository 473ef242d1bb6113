"""The tables and figures of the D2SAC paper (Du et al.), section 6, as experiments."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from edgewise.experiments.experiment import BOUND, Experiment
from edgewise.experiments.setting import Learner, Setting
from edgewise.experiments.sweep import Sweep
from edgewise.experiments.timing import training_times
from edgewise.papers.d2sac import claims, figures, general, probes, sweeps, tables
from edgewise.papers.d2sac.names import CONTROL, OURS, POLICY_BASED, VALUE_BASED
from edgewise.papers.d2sac.paper import TITLES
from edgewise.papers.d2sac.published import BEST_STEPS, BEST_TEMPERATURE

SYSTEM = "service-selection"
DEFAULT = Setting("default", SYSTEM)


def _game(label: str, environment: str) -> Setting:
    """A game of Procgen, seen as 16 x 16 pixels, on a small budget. The paper has no DRQN there; Rainbow costs too much."""
    return Setting(
        label,
        environment,
        {"shrink": 4, "longest_evaluation": 500},
        learning={
            "hidden": (64, 64),
            "discount": 0.99,
            "n_step": 3,
            "batch_size": 128,
            "temperature": 0.01,
            "environments": 16,
            "updates": 4,
            "warmup_steps": 1_000,
            "replay_capacity": 10_000,
        },
        most={"steps": 10_000, "seeds": 5, "evaluations": 2},
        without=("DRQN", "Rainbow"),
    )


D2SAC = Learner(OURS, "d2sac")
COMPARED = (
    D2SAC,
    Learner("DQN", "dqn", group=VALUE_BASED),
    Learner("Prioritized-DQN", "prioritised-dqn", group=VALUE_BASED),
    Learner("DRQN", "drqn", group=VALUE_BASED),
    Learner("Rainbow", "rainbow", group=VALUE_BASED),
    Learner("REINFORCE", "reinforce", group=POLICY_BASED),
    Learner("PPO", "ppo", group=POLICY_BASED),
    Learner("SAC", "discrete-sac", group=POLICY_BASED),
)
"""All learners of the paper's comparison, by the names that it gives them."""
LEARNERS = (*COMPARED, replace(Learner.matching(CONTROL, "discrete-sac", "d2sac", SYSTEM), group=POLICY_BASED))
TABLE4 = (
    Setting("Acrobot-v1", "acrobot"),
    Setting("CartPole-v1", "cartpole"),
    _game("CoinRun-v0", "envpool:CoinrunEasy-v0"),
    _game("Maze-v0", "envpool:MazeEasy-v0"),
)
"""The tasks of Table 4."""
TABLE4_LEARNERS = tuple(
    replace(learner, budget=0.1) if learner.algorithm in ("drqn", "rainbow") else learner for learner in COMPARED
)
"""On the tasks of Table 4: the two learners whose updates cost most get a tenth of the steps."""
HEURISTICS = ("random", "round-robin", "crash-avoid", "prophet")
ALSO = ("optimistic", "thompson", "epsilon-greedy", "bid-price", "general-1")
"""Reference policies that Tables 3 and 5 show besides those of the paper."""
RATES = (0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004)
"""Arrivals per second in Fig. 6; the default system has 0.001."""
DENOISING_STEPS = (1, 2, 3, 4, 5, 10, 15)
"""Lengths of the reverse chain in Fig. 7, K."""
TEMPERATURES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Weights of the entropy in Fig. 9, alpha."""
BUDGETS = (0.15, 0.4, 1.0)
"""Parts of the profile's steps after which Fig. 8 shows the chain."""
RATE, STEPS, TEMPERATURE = (
    Sweep("arrival_rate", "arrival rate (tasks per second)"),
    Sweep("denoising steps K"),
    Sweep("temperature alpha", logarithmic=True),
)
"""Axes of Figs. 6, 7 and 9."""


def _with(field: str, value: float, axis: Sweep) -> Learner:
    """D2SAC with another value of a field, at its place on an axis."""
    return Learner(f"{value:g}", "d2sac", {field: value}, at={axis.name: value})


EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            name="table3",
            title=TITLES["table3"],
            settings=(DEFAULT,),
            learners=LEARNERS,
            references=(*HEURISTICS, BOUND),
            besides=ALSO,
            plot=tables.rewards,
            claims=claims.rewards,
        ),
        Experiment(
            name="table4",
            title=TITLES["table4"],
            settings=TABLE4,
            learners=TABLE4_LEARNERS,
            references=(),
            besides=("random",),
            plot=tables.control,
            claims=claims.control,
        ),
        Experiment(
            name="table5",
            title=TITLES["table5"],
            settings=(DEFAULT,),
            learners=LEARNERS,
            references=HEURISTICS,
            besides=ALSO,
            plot=tables.tasks,
            claims=claims.tasks,
        ),
        Experiment(
            name="fig5",
            title=TITLES["fig5"],
            settings=(DEFAULT,),
            learners=LEARNERS,
            references=HEURISTICS,
            plot=figures.learning,
            claims=claims.learning,
        ),
        Experiment(
            name="fig6",
            title=TITLES["fig6"],
            settings=tuple(
                Setting(f"{rate:g}", SYSTEM, {"arrival_rate": rate}, at={RATE.name: rate}) for rate in RATES
            ),
            learners=LEARNERS,
            references=HEURISTICS,
            plot=partial(sweeps.arrival_rates, RATE),
            claims=partial(claims.arrival_rates, RATE),
            trained_in=DEFAULT,
        ),
        Experiment(
            name="fig7",
            title=TITLES["fig7"],
            settings=(DEFAULT,),
            learners=tuple(_with("denoising_steps", steps, STEPS) for steps in DENOISING_STEPS),
            references=(),
            plot=partial(sweeps.shares, STEPS, True),
            claims=partial(
                claims.optimum, STEPS, BEST_STEPS, "K = 5 gives the highest reward, shorter and longer chains less"
            ),
            probes=training_times,
        ),
        Experiment(
            name="fig8",
            title=TITLES["fig8"],
            settings=(DEFAULT,),
            learners=tuple(Learner(f"{share:.0%}", "d2sac", budget=share) for share in BUDGETS),
            references=(),
            plot=figures.reverse_chain,
            claims=claims.reverse_chain,
            probes=probes.reverse_chains,
        ),
        Experiment(
            name="fig9",
            title=TITLES["fig9"],
            settings=(DEFAULT,),
            learners=tuple(_with("temperature", alpha, TEMPERATURE) for alpha in TEMPERATURES),
            references=(),
            plot=partial(sweeps.shares, TEMPERATURE, False),
            claims=partial(claims.optimum, TEMPERATURE, BEST_TEMPERATURE, "alpha = 0.05 gives the highest reward"),
        ),
        Experiment(
            name="general",
            title=TITLES["general"],
            settings=general.settings(),
            learners=(),
            references=general.REFERENCES,
            plot=general.plot,
            claims=general.claims,
        ),
        Experiment(
            name="general-learners",
            title=TITLES["general-learners"],
            settings=(Setting("default", SYSTEM, {"observation": "entities"}, learning=general.EQUAL),),
            learners=tuple(Learner(name, name) for name in general.OVER_SETS),
            references=("prophet", "optimistic", general.RULE, "bid-price-prophet"),
            plot=general.plot_learners,
            claims=general.learners_claims,
        ),
    )
}
