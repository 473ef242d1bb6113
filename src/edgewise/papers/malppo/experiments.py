"""The figures of the MALPPO paper (Kang et al.), section VI, as experiments."""

from __future__ import annotations

from edgewise.experiments.experiment import Experiment
from edgewise.experiments.setting import Learner, Setting
from edgewise.papers.malppo import learning
from edgewise.papers.malppo.learning import EQUILIBRIUM, NO_FOLLOWERS, NO_LEADERS, OURS, RANDOM
from edgewise.papers.malppo.markets import PAPER_CASE, at_means
from edgewise.papers.malppo.paper import TITLES
from edgewise.papers.malppo.sweeps import AVERAGES, DOWN, UP, Curve, Sweep, Trend, of_seller

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
UTILITIES = ("utility of MSPs", "utility of MRPs", "welfare")
FOUR_BUYERS, THREE_SELLERS = 4, 3
BUYERS, SELLERS = (2, 3, 4, 5, 6), (2, 3, 4)
COSTS, SATISFACTION = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5), (25.0, 30.0, 35.0)
TIES = (4.0, 4.5, 5.0, 5.5, 6.0)
FIRST_COSTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


def _sized(followers: int, leaders: int) -> Setting:
    return at_means(f"N = {followers}, M = {leaders}", followers, leaders)


def _costly(cost: float, satisfaction: float) -> Setting:
    label = f"mu_c = {cost:g}, mu_alpha = {satisfaction:g}"
    return at_means(label, FOUR_BUYERS, THREE_SELLERS, satisfaction=satisfaction, cost=(cost,))


def _tied(social: float) -> Setting:
    return at_means(f"mu_w = {social:g}", FOUR_BUYERS, THREE_SELLERS, social=social)


def _first_cost(cost: float) -> Setting:
    return at_means(f"c1 = {cost:g}", FOUR_BUYERS, THREE_SELLERS, cost=(cost, 0.1, 0.5))


def _swept(figure: int, learned: tuple[Setting, ...], output: Sweep) -> Experiment:
    """One of Figs. 5 to 8; `learned` are the markets that MALPPO is trained in."""
    return Experiment(
        name=f"fig{figure}",
        title=TITLES[f"fig{figure}"],
        settings=learned,
        learners=(MALPPO,),
        references=(),
        draw=output,
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
            draw=learning.convergence,
        ),
        Experiment(
            name="fig4",
            title=TITLES["fig4"],
            settings=(PAPER_CASE,),
            learners=COMPARED,
            references=(RANDOM, EQUILIBRIUM),
            draw=learning.algorithms,
        ),
        _swept(
            5,
            (_sized(3, 2), _sized(6, 2), _sized(3, 4)),
            Sweep(
                "number of MSPs N",
                tuple(Curve(f"M = {m}", {float(n): _sized(n, m) for n in BUYERS}, AVERAGES) for m in SELLERS),
                AVERAGE_UNITS,
                (
                    Trend(
                        "With more MSPs demand and the utilities of MSPs, MRPs and all together rise",
                        {"demand": UP, **dict.fromkeys(UTILITIES, UP)},
                        paper="M = 2, N from 2 to 6: demand 0.38 to 0.56, MSPs' utility 4.37 to 9.35",
                    ),
                    Trend(
                        "With more MRPs prices, MRPs' utility and welfare fall",
                        {"price": DOWN, "utility of MRPs": DOWN, "welfare": DOWN},
                        across=True,
                        paper="N = 3, M from 2 to 4: MRPs' utility 40.95 to 14.4, welfare 95.58 to 78.33",
                    ),
                    Trend(
                        "With more MRPs demand and MSPs' utility rise",
                        {"demand": UP, "utility of MSPs": UP},
                        across=True,
                    ),
                ),
                ("Welfare adds MRPs' utilities in their scaled unit, as in the paper.",),
            ),
        ),
        _swept(
            6,
            (_costly(0.1, 30.0), _costly(0.5, 30.0), _costly(0.2, 25.0), _costly(0.2, 35.0)),
            Sweep(
                "mean cost of MRPs",
                tuple(Curve(f"mu_alpha = {a:g}", {c: _costly(c, a) for c in COSTS}, AVERAGES) for a in SATISFACTION),
                AVERAGE_UNITS,
                (
                    Trend(
                        "Higher costs raise prices",
                        {"price": UP},
                        paper="mu_alpha = 30, mu_c from 0.1 to 0.5: 0.6 to 1.1",
                    ),
                    Trend(
                        "Higher costs lower demand, MSPs' utility and welfare",
                        {"demand": DOWN, "utility of MSPs": DOWN, "welfare": DOWN},
                    ),
                    Trend("Higher costs lower MRPs' utility", {"utility of MRPs": DOWN}),
                    Trend(
                        "More satisfaction raises prices, demand and all utilities",
                        {"price": UP, "demand": UP, **dict.fromkeys(UTILITIES, UP)},
                        across=True,
                        paper="mu_c = 0.2, mu_alpha from 25 to 35: price 0.6 to 0.9, demand 0.36 to 0.48",
                    ),
                ),
            ),
        ),
        _swept(
            7,
            (_tied(4.0), _tied(5.0), _tied(6.0)),
            Sweep(
                "mean social coefficient",
                (Curve("N = 4, M = 3", {w: _tied(w) for w in TIES}, AVERAGES),),
                AVERAGE_UNITS,
                (
                    Trend(
                        "Stronger ties raise demand and the utilities of MSPs, MRPs and all together",
                        {"demand": UP, **dict.fromkeys(UTILITIES, UP)},
                    ),
                ),
            ),
        ),
        _swept(
            8,
            (_first_cost(0.0), _first_cost(0.3), _first_cost(0.6)),
            Sweep(
                "cost of MRP 1",
                tuple(
                    Curve(name, {c: _first_cost(c) for c in FIRST_COSTS}, of_seller(place))
                    for place, name in enumerate(("MRP 1", "MRP 2, c = 0.1", "MRP 3, c = 0.5"))
                ),
                SELLER_UNITS,
                (
                    Trend("A higher cost raises MRP 1's price", {"price": UP}, curves=("MRP 1",)),
                    Trend("It lowers MRP 1's sales and utility", {"sold": DOWN, "utility": DOWN}, curves=("MRP 1",)),
                    Trend(
                        "It raises the utilities of MRP 2 and MRP 3",
                        {"utility": UP},
                        curves=("MRP 2, c = 0.1", "MRP 3, c = 0.5"),
                    ),
                ),
            ),
        ),
    )
}
