"""Fig. 1: what is computed, what is claimed of it, and its drawing."""

from __future__ import annotations

from collections.abc import Sequence

from edgewise.experiments.claims import claim_above
from edgewise.experiments.comparison import Comparison
from edgewise.experiments.experiment import Experiment
from edgewise.experiments.results import Claim, Results
from edgewise.experiments.setting import Learner, Setting
from edgewise_corridor.paper import PAPER

LEARNER = "Q-learning"


def claims(results: Results) -> Sequence[Claim | None]:
    """What the paper says of the figure, judged."""
    learned = [outcome for outcome in results if outcome.label == LEARNER and outcome.setting.label == "4 places"]
    random = results.find("random", "4 places")
    return [claim_above("Learning beats random moves in the short corridor", learned, random, "return", 2)]


EXPERIMENTS = {
    "fig1": Experiment(
        name="fig1",
        title=PAPER.titles["fig1"],
        settings=tuple(
            Setting(f"{length} places", "corridor", {"length": length}, at={"length": float(length)})
            for length in (4, 6)
        ),
        learners=(Learner(LEARNER, "tabular-q"),),
        references=("random", "forward"),
        plot=Comparison("return", "return per episode"),
        claims=claims,
    )
}
