"""The figures of the MALPPO paper (Kang et al.), section VI, as experiments: what is computed."""

from __future__ import annotations

from functools import partial

from edgewise.experiments.experiment import Experiment
from edgewise.experiments.setting import Learner, Setting
from edgewise.experiments.sweep import Sweep
from edgewise.papers.malppo import claims, figures, probes, sweeps
from edgewise.papers.malppo.markets import AVERAGES, PAPER_CASE, Curve, Swept, at_means, of_seller
from edgewise.papers.malppo.names import EQUILIBRIUM, NO_FOLLOWERS, NO_LEADERS, OURS, RANDOM
from edgewise.papers.malppo.paper import TITLES
from edgewise.papers.malppo.published import TRENDS

MALPPO = Learner(OURS, "malppo")
COMPARED = (
    MALPPO,
    Learner("MAPPO", "mappo"),
    Learner("MAA2C", "maa2c"),
    Learner(NO_FOLLOWERS, "malppo-rf"),
    Learner(NO_LEADERS, "malppo-rl"),
)
"""All learners of the paper's comparison."""
AVERAGE_UNITS = {
    "price": "mean price",
    "demand": "demand from one MRP (1e7 Hz)",
    "utility of MSPs": "mean utility of MSPs",
    "utility of MRPs": "mean utility of MRPs",
    "welfare": "social welfare",
}
SELLER_UNITS = {"price": "price", "sold": "bandwidth sold (1e7 Hz)", "utility": "utility of MRP"}
FOUR_BUYERS, THREE_SELLERS = 4, 3
"""Numbers of MSPs and MRPs in Figs. 6 to 8."""
BUYERS, SELLERS = (2, 3, 4, 5, 6), (2, 3, 4)
"""Numbers of MSPs and MRPs in Fig. 5."""
COSTS, SATISFACTION = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5), (25.0, 30.0, 35.0)
"""Mean costs mu_c and mean satisfactions mu_alpha in Fig. 6."""
TIES = (4.0, 4.5, 5.0, 5.5, 6.0)
"""Mean social coefficients mu_w in Fig. 7."""
FIRST_COSTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
"""Costs of the first MRP in Fig. 8."""
SIZE, COST, TIE, FIRST_COST = (
    Sweep("number of MSPs N"),
    Sweep("mean cost of MRPs"),
    Sweep("mean social coefficient"),
    Sweep("cost of MRP 1"),
)
"""Axes of Figs. 5 to 8."""


def _sized(followers: int, leaders: int) -> Setting:
    return at_means(f"N = {followers}, M = {leaders}", {SIZE.name: float(followers)}, followers, leaders)


def _costly(cost: float, satisfaction: float) -> Setting:
    label = f"mu_c = {cost:g}, mu_alpha = {satisfaction:g}"
    return at_means(label, {COST.name: cost}, FOUR_BUYERS, THREE_SELLERS, satisfaction=satisfaction, cost=(cost,))


def _tied(social: float) -> Setting:
    return at_means(f"mu_w = {social:g}", {TIE.name: social}, FOUR_BUYERS, THREE_SELLERS, social=social)


def _first_cost(cost: float) -> Setting:
    return at_means(f"c1 = {cost:g}", {FIRST_COST.name: cost}, FOUR_BUYERS, THREE_SELLERS, cost=(cost, 0.1, 0.5))


SHOWN = {
    "fig5": Swept(
        SIZE,
        tuple(Curve(f"M = {m}", tuple(_sized(n, m) for n in BUYERS), AVERAGES) for m in SELLERS),
        AVERAGE_UNITS,
        "Welfare adds MRPs' utilities in their scaled unit, as in the paper.",
    ),
    "fig6": Swept(
        COST,
        tuple(Curve(f"mu_alpha = {a:g}", tuple(_costly(c, a) for c in COSTS), AVERAGES) for a in SATISFACTION),
        AVERAGE_UNITS,
    ),
    "fig7": Swept(TIE, (Curve("N = 4, M = 3", tuple(_tied(w) for w in TIES), AVERAGES),), AVERAGE_UNITS),
    "fig8": Swept(
        FIRST_COST,
        tuple(
            Curve(name, tuple(_first_cost(c) for c in FIRST_COSTS), of_seller(place))
            for place, name in enumerate(("MRP 1", "MRP 2, c = 0.1", "MRP 3, c = 0.5"))
        ),
        SELLER_UNITS,
    ),
}
"""Figs. 5 to 8."""


def _swept(name: str, *learned: Setting) -> Experiment:
    """One of Figs. 5 to 8; `learned` are the markets that MALPPO is trained in."""
    shown = SHOWN[name]
    return Experiment(
        name=name,
        title=TITLES[name],
        settings=learned,
        learners=(MALPPO,),
        references=(),
        plot=partial(sweeps.swept, shown),
        claims=partial(claims.swept, shown, TRENDS[name]),
        probes=partial(probes.equilibria_of, shown.markets()),
    )


EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            name="fig3",
            title=TITLES["fig3"],
            settings=(PAPER_CASE,),
            learners=(MALPPO,),
            references=(),
            plot=figures.convergence,
            claims=claims.convergence,
            probes=partial(probes.equilibria_of, (PAPER_CASE,)),
        ),
        Experiment(
            name="fig4",
            title=TITLES["fig4"],
            settings=(PAPER_CASE,),
            learners=COMPARED,
            references=(RANDOM, EQUILIBRIUM),
            plot=figures.algorithms,
            claims=claims.algorithms,
        ),
        _swept("fig5", _sized(3, 2), _sized(6, 2), _sized(3, 4)),
        _swept("fig6", _costly(0.1, 30.0), _costly(0.5, 30.0), _costly(0.2, 25.0), _costly(0.2, 35.0)),
        _swept("fig7", _tied(4.0), _tied(5.0), _tied(6.0)),
        _swept("fig8", _first_cost(0.0), _first_cost(0.3), _first_cost(0.6)),
    )
}
"""By name."""
