"""Figures 3, 5 and 10 of the CGDM paper: learning curves with the final latencies beside them, and reputations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from edgewise.drawing.panels import Line, plot_intervals, plot_levels, plot_lines, step_axis
from edgewise.drawing.style import new_figure, styled
from edgewise.experiments.claims import notes
from edgewise.experiments.curves import learning_line
from edgewise.experiments.results import Drawing, Outcome, Results
from edgewise.papers.cgdm.claims import reductions
from edgewise.papers.cgdm.names import LATENCY, OURS, RETURN, name
from edgewise.papers.cgdm.published import GAINS
from edgewise.papers.cgdm.sweeps import RULE, SYSTEM_NOTE
from edgewise.papers.cgdm.trust import FIRST, LAST, RSU, SHOWN, Trust, trust_threshold
from edgewise.statistics.estimates import Estimate, performance_profile
from edgewise.systems.agent_migration.reputation_figure import plot_reputations

SHARE = "share of seeds below this latency"
LEVELS = 60
"""Latencies at which a performance profile is drawn."""
MOMENTS = {
    "before": FIRST,
    "after 1 slot": FIRST + 1,
    "after 2": FIRST + 2,
    "after 4": FIRST + 4,
    "at its end": LAST + 1,
    "4 slots later": LAST + 5,
}
"""Columns of the table to the slot at whose start the reputation is read."""


def convergence(results: Results) -> Drawing:
    """Fig. 5: learning curves of all algorithms, heuristics as levels, and the latencies of the best policies."""
    said = "Look-ahead knows the system's equations and plans one slot ahead; the oracle is also told attacks and data."
    return _curves(results, reductions(results), said)


def ablation(results: Results) -> Drawing:
    """Fig. 3: CGDM without its confidence, without its consistency term, and without both."""
    said = (
        "Con: the confidence (kappa = 0 without), DC: denoising consistency (rho = 0 without); all else as in CGDM. GDM is the "
        "learner of that name with settings of its own."
    )
    return _curves(results, {}, said)


def learners_over_sets(results: Results) -> Drawing:
    """Learning curves of the learners over sets, and the latencies of the best policies."""
    said = (
        "One network on pairs for all, the same steps, privileged critics and decomposed rewards; entity-sac, entity-cgdm and "
        "masked-diffusion share their critics too. Settings are defaults without a search."
    )
    return _curves(results, {}, said)


@styled()
def _curves(results: Results, less: Mapping[str, Estimate], said: str) -> Drawing:
    figure, grid = new_figure(7.2, 6.8, 2, 2)
    (curves, final), (profile, legend) = grid
    lines = [learning_line(o, RETURN, o.label == OURS) for o in results.learned]
    plot_lines(curves, lines)
    levels = [o for o in results if not o.learned and RETURN in o.result.episodes]
    plot_levels(curves, {name(o.label): o.estimate(RETURN).value for o in levels})
    step_axis(curves)
    curves.set_ylabel("test reward per episode")
    legend.axis("off")
    legend.legend(*curves.get_legend_handles_labels(), loc="center", handlelength=2.8)
    latencies = {o.label: o.estimate(LATENCY) for o in results}
    order = sorted(results, key=lambda o: latencies[o.label].value)
    intervals = [(name(o.label), latencies[o.label], o.learned) for o in order]
    plot_intervals(final, intervals, {}, "test latency (s per slot)")
    final.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18))
    shares = _profiles(results.learned)
    plot_lines(profile, shares)
    profile.set_ylim(0, 1.02)
    profile.set_xlabel("test latency (s per slot)")
    profile.set_ylabel("share of seeds below it")
    ends = [{"policy": o.label, "steps": np.nan, "metric": LATENCY, **vars(latencies[o.label])} for o in order]
    data = [
        *(line.tidy("steps").assign(metric=RETURN) for line in lines),
        *(line.tidy(LATENCY).assign(metric=SHARE) for line in shares),
        pd.DataFrame(ends),
    ]
    table = pd.DataFrame([_row(o, less) | results.training_minutes(o) for o in order])
    return Drawing(figure, pd.concat(data, ignore_index=True), table, _notes(results, bool(less), said))


def _notes(results: Results, with_rule: bool, said: str) -> tuple[str, ...]:
    return notes(
        results,
        SYSTEM_NOTE,
        RULE if with_rule else "",
        "Top left: evaluations while learning, deterministic policy, interquartile mean over seeds and 95% interval. Right: "
        "latency of the best policies on test episodes; lower is better. Bottom: performance profiles, the share of a learner's "
        "seeds below each latency, with 95% interval; a curve that does not reach 1 has seeds beyond the axis.",
        said,
    )


def _profiles(learned: Sequence[Outcome]) -> list[Line]:
    """Performance profiles from the best seed of all to the third quartile of the worst learner's."""
    if not learned:
        return []
    units = {o.label: o.units(LATENCY) for o in learned}
    first = min(values.min() for values in units.values())
    last = max(np.quantile(values, 0.75) for values in units.values())
    margin = 0.05 * (last - first) or 0.05 * first
    levels = np.linspace(first - margin, last + margin, LEVELS)
    return [
        Line(label, list(levels), performance_profile([-values], -levels), label == OURS)
        for label, values in units.items()
    ]


def _row(outcome: Outcome, less: Mapping[str, Estimate]) -> dict[str, object]:
    def text(metric: str, digits: int) -> str:
        return outcome.estimate(metric).text(digits) if metric in outcome.result.episodes else ""

    row: dict[str, object] = {"policy": name(outcome.label), "latency, s per slot": text(LATENCY, 1)}
    if less:
        part = less.get(outcome.label)
        row["CGDM's is less by, %"] = (
            "" if part is None else Estimate(100 * part.value, 100 * part.low, 100 * part.high).text(1)
        )
        row["paper, %"] = GAINS.get(outcome.label, "")
    return row | {
        "reward per episode": text(RETURN, 1),
        "violations per slot": text("violations", 2),
        "defences per slot": text("defences", 2),
    }


def reputations(results: Results) -> Drawing:
    """Fig. 10: what becomes of every RSU's reputation when one of them is attacked."""
    first = results.outcomes[0]
    threshold = trust_threshold(first)
    shown = results.table(SHOWN)
    rows = []
    for o in results:
        trust = Trust.of(o, results)
        row = {column: f"{trust.reputation[:, :, slot].mean():.2f}" for column, slot in MOMENTS.items()}
        rows.append(
            {"policy": name(o.label)}
            | row
            | {
                "trusted before": f"{trust.trusted.mean():.0%}",
                "slots until below": trust.slots.text(1),
                "spread over users before": trust.spread.text(2),
            }
        )
    said = notes(
        results,
        f"No attacks but one, on RSU {RSU} in slots {FIRST} to {LAST}; the paper does not tell its attacks. Policies are "
        "trained in the default system.",
        f"Figure: one episode of {name(first.label)}, seed 0. A defence (tick) that succeeds keeps the attack off for that "
        "slot, and reputation with it. Nearest next never defends.",
        "Table: mean reputation of the attacked RSU over users, episodes and seeds at the start of a slot; users who trusted it "
        f"before; slots until their reputation of it is below {threshold:g} ({LAST - FIRST + 1}, the attack's, where it never "
        "is).",
    )
    return Drawing(plot_reputations(shown, threshold), shown, pd.DataFrame(rows), said)
