"""What the policy for any fleet is worth where it was not trained: settings, claims and figure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from edgewise.drawing.style import new_figure, styled
from edgewise.experiments.claims import notes, verdict
from edgewise.experiments.results import Claim, Drawing, Outcome, Results
from edgewise.experiments.setting import Setting
from edgewise.papers.cgdm.names import LATENCY

SYSTEM = "agent-migration"
GENERAL = "general-1"
"""Name of the reference: the policy "general" of agent migration, first version. Stored results are found by it, so another
policy takes another number."""
RANDOM, ORACLE = "random", "oracle"
AHEAD_OF = ("look-ahead", "filtering-look-ahead", "far-sighted-look-ahead")
REFERENCES = (RANDOM, "nearest-next", *AHEAD_OF, GENERAL, ORACLE)
TRAINED_THERE = "trained there"
"""The same learner, trained on each system by itself."""
SIZES = ((4, 2), (8, 4), (12, 4), (16, 8), (6, 9), (24, 3), (32, 16), (64, 16))
"""Vehicles and units, up to eight vehicles for each."""
MOST_TRAINED = 128
"""Pairs of the largest system that is trained on by itself: larger ones take half an hour to hours on two cores."""
APART = (TRAINED_THERE,)
OTHERS: dict[str, dict[str, Any]] = {
    "a town's streets, 12 vehicles": {"mobility": "grid", "vehicles": 12},
    "equal processors": {"cpu_mhz": 200.0},
    "slow links": {"link_rate_mbps": 100.0},
    "no attacks": {"attack_frequency": 0.0},
    "steady attacks": {"attack_frequency": 0.9, "attack_end_probability": 0.1},
    "dear defences": {"defence_seconds": 20.0},
}
"""Other maps, hardware and attackers, each against the default system."""
EVERYTHING = "everything"
UNSEEN: dict[str, tuple[str, ...]] = {
    EVERYTHING: (),
    "no plan": ("plan",),
    "no belief": ("belief",),
    "no plan, no belief": ("plan", "belief"),
    "no plan, no belief, no reputations": ("plan", "belief", "reputations"),
    "no plan, no next positions": ("plan", "next-positions", "own-speeds"),
    "no plan, no last slot": ("plan", "last-slot"),
    "no plan, no load": ("plan", "load"),
}
"""What is seen, and the groups of fields that are not. The plan tells of all others, so they are left out with it too."""


def settings() -> tuple[Setting, ...]:
    """Where it is played; of the smaller sizes alone is known what training on the spot gives."""
    sized = [
        Setting(
            f"{v} x {s}",
            SYSTEM,
            {"vehicles": v, "rsus": s},
            without=() if v * s <= MOST_TRAINED else APART,
        )
        for v, s in SIZES
    ]
    return (*sized, *(Setting(label, SYSTEM, changes) for label, changes in OTHERS.items()))


def claims(results: Results) -> list[Claim | None]:
    """That it is ahead of every look-ahead, setting by setting."""
    found: list[Claim | None] = []
    for label in dict.fromkeys(o.setting.label for o in results):
        mine = results.find(GENERAL, label)
        if mine is None:
            continue
        for other in AHEAD_OF:
            beaten = results.find(other, label)
            if beaten is not None:
                found.append(_ahead(f"{label}: lower latency than the {other}", mine, beaten))
    return found


def features_claims(results: Results) -> list[Claim | None]:
    """That a policy decides worse without a group of fields."""
    seen = {o.setting.label: o for o in results}
    if EVERYTHING not in seen:
        return []
    whole = seen.pop(EVERYTHING).estimate(LATENCY)
    found: list[Claim | None] = []
    for label, outcome in seen.items():
        less = outcome.estimate(LATENCY)
        figures = f"{less.text(1)} s per slot, {whole.text(1)} with everything"
        found.append(Claim(f"With {label} the latency is higher", verdict(less, whole), figures))
    return found


def _ahead(text: str, mine: Outcome, other: Outcome) -> Claim:
    """By the same episodes, one by one."""
    less = 1 - mine.units(LATENCY) / other.units(LATENCY)
    centre, error = float(less.mean()), 1.96 * float(less.std(ddof=1)) / len(less) ** 0.5
    verdict = "holds" if centre > error else "does not hold" if centre < -error else "undecided"
    return Claim(text, verdict, f"{100 * centre:.2f}% less, 95% interval +- {100 * error:.2f}, episode by episode")


@styled()
def plot(results: Results) -> Drawing:
    """Share of the way from random decisions to the oracle, of every policy in every setting."""
    table = pd.DataFrame(
        [
            {"setting": o.setting.label, "policy": o.label, LATENCY: o.estimate(LATENCY).value, "learned": o.learned}
            for o in results
        ]
    )
    wide = table.pivot(index="setting", columns="policy", values=LATENCY).reindex(list(table["setting"].unique()))
    figure, grid = new_figure(7.2, 1.6 + 0.32 * len(wide))
    axes: Axes = grid[0, 0]
    rows = np.arange(len(wide))[::-1]
    shown = [label for label in table["policy"].unique() if label not in (RANDOM, ORACLE)]
    ends = {RANDOM, ORACLE} <= set(wide.columns)
    data = []
    for label in shown:
        reached = wide[label]
        share = (wide[RANDOM] - reached) / (wide[RANDOM] - wide[ORACLE]) if ends else reached
        marker = "D" if label == GENERAL else "o"
        axes.plot(share.to_numpy(), rows, marker, label=label, markersize=6 if label == GENERAL else 5, alpha=0.85)
        data.append(pd.DataFrame({"setting": wide.index, "policy": label, "share": share.to_numpy()}))
    axes.set_yticks(rows, list(wide.index))
    axes.set_xlabel("share of the way from random to oracle" if ends else "latency (s per slot)")
    figure.legend(loc="outside lower center", ncols=3)
    text = wide.map(lambda value: "" if np.isnan(value) else f"{value:.1f}").reset_index()
    said = notes(
        results,
        "The policy was trained on drawn instances and on none of these settings. Latencies are in s per slot; the oracle knows "
        "the hidden state and looks one slot ahead, so it is no bound.",
    )
    return Drawing(figure, pd.concat(data, ignore_index=True).merge(table, on=["setting", "policy"]), text, said)
