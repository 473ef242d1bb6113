"""What a construction is about, as its cloud server sets it."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgewise.common.errors import check_choice, check_integer, check_range
from edgewise.common.plain import ADDED
from edgewise.construction.contract import Truth
from edgewise.construction.curve import EXAMPLES, Curve, shipped
from edgewise.construction.designer import OPTIMUM
from edgewise.construction.kind import SYNTHETIC
from edgewise.construction.settlement import FIXED, MEASURED, Settlement, SettlementName
from edgewise.systems.dynamic_contract.files import Instance

PERIODS = (1, 2)
TYPICAL = Instance(
    servers=4,
    alpha=200.0,
    beta=1.0,
    unit_cost=0.75,
    power_dbm=26.5,
    rate_mbps=2.0,
    integration_energy=22.5,
    p1=(0.5, 0.5),
    p2=((0.7, 0.3), (0.3, 0.7)),
    theta1=(17.5, 22.5),
    theta2=(17.5, 22.5),
)
"""The middle of the ranges of Table I, with two types that keep to what they were by 7 to 3."""


@dataclass(frozen=True)
class Terms:
    """A construction.

    Attributes:
        instance: the contract problem; its `servers` take part.
        kinds: of modules that an agent is made of, by the names under which they are registered; server n builds kind n, and
            begins again where there are more servers than kinds.
        designer: of the menu, see `designer.design`.
        truth: whether the truth in period 1 is best in expectation or always, see `contract.price`.
        seed: of initial weights, of hidden data, and of a random menu.
        examples: on which the cloud server measures a module; half as many again are the probe that finds copies.
        tasks: of the acceptance test of an agent.
        patience_s: how long a server may take for a period's building; who takes longer is late.
        gather_s: how long servers may take to connect; who is not there then does not take part.
        watts: power of a busy core of the cloud server, W.
        curves: measured quality over rounds of kinds, before those that come with the package; they say what a promise must give.
        ground: on which the agent is tested, by name; see `ground.ground_of`.
        round_examples: of a round, which is a pass over a server's data. Curves that come with the package and were measured with
            another number say nothing of a promise.
        apart: whether every order has initial weights of its own, by which copies are known, see `origin`; else those of a kind
            are the same for all.
        settlement: "fixed" pays R as the paper does, "measured" corrects it by the measured quality; see `settlement`.
    """

    kinds: tuple[str, ...]
    instance: Instance = TYPICAL
    designer: str = OPTIMUM
    truth: Truth = "always"
    seed: int = 0
    examples: int = 512
    patience_s: float = 600.0
    gather_s: float = 120.0
    watts: float = 15.0
    tasks: int = 100
    curves: tuple[Curve, ...] = ()
    ground: str = field(default=SYNTHETIC, metadata=ADDED)
    round_examples: int = field(default=EXAMPLES, metadata=ADDED)
    apart: bool = field(default=False, metadata=ADDED)
    settlement: SettlementName = field(default=FIXED, metadata=ADDED)

    def __post_init__(self) -> None:
        check_integer("kinds", len(self.kinds), 1)
        check_choice("truth", self.truth, ("expected", "always"))
        check_choice("settlement", self.settlement, (FIXED, MEASURED))
        check_integer("seed", self.seed, 0)
        check_integer("examples", self.examples, 1)
        check_integer("tasks", self.tasks, 1)
        check_integer("round_examples", self.round_examples, 1)
        for name in ("patience_s", "gather_s", "watts"):
            check_range(name, getattr(self, name), 0, open_low=True)


def curves_of(terms: Terms) -> dict[str, Curve]:
    """Measured curves by kind: those of the terms, else those of the package that were measured with as many examples."""
    return {**shipped(terms.round_examples), **{curve.kind: curve for curve in terms.curves}}


def settlement_of(terms: Terms) -> Settlement | None:
    """The settlement by measured quality of the kinds that have a curve; None if the rewards of all are fixed."""
    if terms.settlement == FIXED:
        return None
    known = curves_of(terms)
    curves = tuple(known[kind] for kind in dict.fromkeys(terms.kinds) if kind in known)
    return Settlement(curves, terms.examples) if curves else None
