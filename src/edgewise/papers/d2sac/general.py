"""Beyond the paper: policies that learn qualities while serving, and learners over sets of providers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from edgewise.drawing.panels import plot_intervals, plot_levels, plot_lines, step_axis
from edgewise.drawing.style import new_figure, styled
from edgewise.experiments.claims import claim_best, judge, notes, overall, verdict
from edgewise.experiments.curves import learning_line
from edgewise.experiments.results import Claim, Drawing, Outcome, Results
from edgewise.experiments.setting import Setting
from edgewise.papers.d2sac.names import BASELINE, PROPHET, RETURN, name
from edgewise.statistics.estimates import Estimate, estimate, mean

SYSTEM = "service-selection"
OURS = "entity-d2sac"
OVER_SETS = {OURS: "Entity D2SAC", "entity-sac": "entity SAC", "entity-ppo": "entity PPO"}
"""Learners over sets."""
RULE = "bid-price"
"""The reference that a policy over sets starts from."""
GENERAL = "general-1"
"""Name of the reference: the policy "general" of service selection, first version. Stored results are found by it, so another
policy takes another number."""
LEADING = (RULE, GENERAL)
"""Policies that are held against Prophet."""
REFERENCES = (BASELINE, PROPHET, "optimistic", "thompson", "epsilon-greedy", *LEADING, "bid-price-prophet")
PER_PROVIDER = 0.00005
"""Tasks per second for each provider in the paper."""
EQUAL: dict[str, Any] = {"width": 16, "rounds": 1, "discount": 0.995, "environments": 64}
"""What all learners over sets share."""


def settings() -> tuple[Setting, ...]:
    """Numbers of providers at the paper's load for each, other loads, and providers that are not what they were."""
    sized = {f"{count} providers": _loaded(count, 1.0) for count in (5, 10, 20, 40)}
    loaded = {f"{load:g} times the load": _loaded(20, load) for load in (0.5, 1.5, 2.0)}
    others: dict[str, dict[str, Any]] = {
        "second episode": {"earlier_episodes": 1},
        "noise 0.1": {"quality_noise": 0.1},
        "drift 0.05": {"quality_drift": 0.05},
        "providers leave": {"provider_turnover": 0.5},
    }
    return tuple(Setting(label, SYSTEM, changes) for label, changes in {**sized, **loaded, **others}.items())


def _loaded(providers: int, load: float) -> dict[str, Any]:
    return {"providers": providers, "arrival_rate": round(PER_PROVIDER * providers * load, 10)}


def claims(results: Results) -> list[Claim | None]:
    """That policies which are not told a curve exceed the one that is told all, setting by setting."""
    found: list[Claim | None] = []
    for label in dict.fromkeys(o.setting.label for o in results):
        prophet = results.find(PROPHET, label)
        for leading in LEADING:
            outcome = results.find(leading, label)
            if outcome is not None and prophet is not None:
                text = f"{label}: {leading} exceeds Prophet, which knows every curve"
                found.append(_exceeds(text, _share(outcome, prophet)))
    return found


def _exceeds(text: str, share: Estimate) -> Claim:
    evidence = f"{share.text(3)} of Prophet's reward, episode by episode"
    return Claim(text, judge(share.low > 1, share.high < 1), evidence)


def _share(outcome: Outcome, prophet: Outcome) -> Estimate:
    """Of Prophet's reward, episode by episode."""
    return estimate([outcome.units(RETURN) / prophet.units(RETURN)], mean)


@styled()
def plot(results: Results) -> Drawing:
    """Share of Prophet's reward of every policy in every setting; rewards, if Prophet was left out."""
    places = list(dict.fromkeys(o.setting.label for o in results))
    labels = list(dict.fromkeys(o.label for o in results))
    figure, grid = new_figure(7.2, 1.8 + 0.32 * len(places))
    axes: Axes = grid[0, 0]
    shares = PROPHET in labels
    data = [_shown(o, results) for o in results]
    for number, label in enumerate(labels):
        if shares and label == BASELINE:
            continue
        rows = [row for row in data if row["policy"] == label]
        heights = [len(places) - places.index(row["setting"]) for row in rows]
        marker = "D" if label in LEADING else "o"
        axes.plot([row["value"] for row in rows], heights, marker, color=f"C{number}", label=name(label), alpha=0.85)
    axes.set_yticks(range(len(places), 0, -1), places)
    axes.set_xlabel("share of Prophet's reward" if shares else "reward per episode")
    axes.grid(color="#e5e7eb")
    figure.legend(loc="outside lower center", ncols=3)
    said = notes(
        results,
        "Prophet's column has its reward, the others have their share of it, the mean over episodes." if shares else "",
        "Crash Avoid lies left of what is shown." if shares and BASELINE in labels else "",
        "One instance of every number of providers. Only Prophet and bid-price-prophet know curves. Whether the others are as "
        "good at providers of all kinds is what benchmarks/providers.py asks.",
    )
    table = [{"setting": place, **_cells(place, results)} for place in places]
    return Drawing(figure, pd.DataFrame(data), pd.DataFrame(table), said)


def _shown(outcome: Outcome, results: Results) -> dict[str, Any]:
    """A row of the data: share of Prophet's reward, or the reward."""
    prophet = results.find(PROPHET, outcome.setting.label)
    e = outcome.estimate(RETURN) if prophet is None else _share(outcome, prophet)
    return {"policy": outcome.label, "setting": outcome.setting.label, **vars(e)}


def _cells(place: str, results: Results) -> dict[str, str]:
    """What a setting's row of the table tells of every policy."""
    prophet = results.find(PROPHET, place)
    found = {}
    for outcome in results:
        if outcome.setting.label == place:
            alone = prophet is None or outcome.label == PROPHET
            value = outcome.estimate(RETURN) if prophet is None or alone else _share(outcome, prophet)
            found[name(outcome.label)] = f"{value.value:.1f}" if alone else f"{value.value:.3f}"
    return found


def learners_claims(results: Results) -> list[Claim | None]:
    """What should speak for training, and for diffusion, over sets."""
    ours = results.find(OURS)
    best = f"{OVER_SETS[OURS]} has the highest reward of all learners over sets"
    return [
        claim_best(best, results, OURS, RETURN, 1),
        *(
            _higher(f"{OVER_SETS[OURS]} has a higher reward than {words}", ours, results.find(label))
            for label, words in OVER_SETS.items()
            if label != OURS
        ),
        _worth(results),
    ]


def _higher(text: str, one: Outcome | None, other: Outcome | None) -> Claim | None:
    if one is None or other is None:
        return None
    more, less = one.estimate(RETURN), other.estimate(RETURN)
    return Claim(text, verdict(more, less), f"{one.label} {more.text(1)}, {other.label} {less.text(1)}")


def _worth(results: Results) -> Claim | None:
    """By the same episodes, so that the interval over seeds is held against one figure of the rule."""
    rule, learned = results.find(RULE), results.learned
    if rule is None or not learned:
        return None
    limit = float(np.mean(rule.units(RETURN)))
    found = {o.label: o.estimate(RETURN) for o in learned}
    worst = min(found, key=lambda label: found[label].value)
    return Claim(
        f"Every learner over sets exceeds {RULE}, the rule that it starts from",
        overall([judge(e.low > limit, e.high < limit) for e in found.values()]),
        f"lowest {worst} {found[worst].text(1)}; {RULE} {limit:.1f} in the same episodes",
    )


@styled()
def plot_learners(results: Results) -> Drawing:
    """Learning curves with references as levels, and the rewards of the best policies."""
    figure, grid = new_figure(7.2, 3.6, 1, 2)
    curves, final = grid[0]
    lines = [learning_line(o, RETURN, o.label == OURS) for o in results.learned]
    plot_lines(curves, lines)
    plot_levels(curves, {name(o.label): o.estimate(RETURN).value for o in results if not o.learned})
    step_axis(curves)
    curves.set_ylabel("test reward per episode")
    figure.legend(*curves.get_legend_handles_labels(), loc="outside lower left", ncols=2, handlelength=2.6)
    rewards = {o.label: o.estimate(RETURN) for o in results}
    order = sorted(results, key=lambda o: -rewards[o.label].value)
    plot_intervals(final, [(name(o.label), rewards[o.label], o.learned) for o in order], {}, "test reward per episode")
    ends = [{"policy": o.label, "steps": np.nan, **vars(rewards[o.label])} for o in order]
    rule, prophet = results.find(RULE), results.find(PROPHET)
    table = [
        {
            "policy": name(o.label),
            "test reward": rewards[o.label].text(1),
            "of Prophet": _of(rewards[o.label], prophet),
            f"of {RULE}": _of(rewards[o.label], rule),
            **results.training_minutes(o),
        }
        for o in order
    ]
    said = notes(
        results,
        f"All learners start from the rule {RULE}: an untrained policy decides as it does. One network on pairs, equal steps, "
        "copies of the environment, width, rounds and discount; entity-d2sac and entity-sac share critics and updates too.",
        "All other settings are those of the presets. The claims are ours, the paper has no learners over sets.",
    )
    data = pd.concat([*(line.tidy("steps") for line in lines), pd.DataFrame(ends)], ignore_index=True)
    return Drawing(figure, data, pd.DataFrame(table), said)


def _of(e: Estimate, other: Outcome | None) -> str:
    return "" if other is None else f"{e.value / float(np.mean(other.units(RETURN))):.3f}"
