"""Tables 3 to 5 of the D2SAC paper, with its figures beside ours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from edgewise.drawing.panels import plot_intervals
from edgewise.drawing.style import new_figure, styled
from edgewise.experiments.claims import (
    FAILS,
    HOLDS,
    UNDECIDED,
    claim_above,
    claim_best,
    notes,
    overall,
    present,
    verdict,
)
from edgewise.experiments.results import Claim, Outcome, Output, Results
from edgewise.statistics.estimates import Estimate, interquartile_mean

NAMES = {"random": "Random", "round-robin": "Round Robin", "crash-avoid": "Crash Avoid", "prophet": "Prophet"}
TEST_REWARD = {
    "random": -35, "round-robin": 280, "crash-avoid": 400, "prophet": 596, "DQN": 503, "Prioritized-DQN": 460, "DRQN": 430,
    "REINFORCE": 463, "PPO": 481, "Rainbow": 450, "SAC": 436, "D2SAC": 537,
}  # fmt: skip
STEPS_TO_BASELINE = {
    "DQN": "470", "Prioritized-DQN": "470", "DRQN": "700", "REINFORCE": "850", "PPO": "950", "Rainbow": "{130,850}",
    "SAC": "430", "D2SAC": "190",
}  # fmt: skip
HOURS = {
    "DQN": 1.9, "Prioritized-DQN": 1.8, "DRQN": 2.9, "REINFORCE": 1.1, "PPO": 1.1, "Rainbow": 2.6, "SAC": 2.9, "D2SAC": 7.0,
}  # fmt: skip
CONTROL_TASKS = {
    "Acrobot-v1": {
        "DQN": (-81.81, 17.19), "Prioritized-DQN": (-105.20, 14.74), "DRQN": (-82.26, 14.34), "REINFORCE": (-104.80, 14.51),
        "PPO": (-77.22, 8.45), "Rainbow": (-158.10, 55.48), "SAC": (-121.00, 35.31), "D2SAC": (-70.77, 4.12),
    },
    "CartPole-v1": {
        "DQN": (499.80, 0.14), "Prioritized-DQN": (498.70, 1.43), "DRQN": (132.50, 69.79), "REINFORCE": (500.00, 0.00),
        "PPO": (499.90, 0.33), "Rainbow": (478.30, 29.28), "SAC": (500.00, 0.00), "D2SAC": (500.00, 0.00),
    },
}  # fmt: skip
TASKS = {  # finished rate %, obtained utility, crashed rate %, lost utility
    "random": (70.2, 215, 27.7, 93), "round-robin": (90.3, 309, 7.6, 32), "crash-avoid": (97.7, 357, 0, 0),
    "prophet": (97.7, 548, 0, 0), "DQN": (97.7, 479, 0, 0), "Prioritized-DQN": (97.7, 433, 0, 0), "DRQN": (94.3, 433, 3.8, 17),
    "REINFORCE": (95.8, 458, 1.9, 10), "PPO": (97.0, 457, 0.7, 4), "Rainbow": (97.7, 419, 0, 0), "SAC": (94.3, 412, 3.5, 11),
    "D2SAC": (96.6, 494, 1.1, 5),
}  # fmt: skip
INSTANCE = (
    "The paper's providers are not published, so figures need not agree, but order and sizes should; shares of Prophet compare "
    "best."
)
RETURN = "return"
CONTROL = "SAC, same settings"
"""SAC with D2SAC's settings, which the paper lacks: it tells what the diffusion actor adds."""


def name(label: str) -> str:
    """Of a policy, as the paper writes it."""
    return NAMES.get(label, label)


def claim_control(results: Results) -> Claim | None:
    """That D2SAC exceeds the control; none if one of them was left out."""
    text = "Not in the paper: D2SAC exceeds SAC with the same settings, so that its actor makes the difference"
    return claim_above(text, [o for o in results if o.label == "D2SAC"], results.find(CONTROL), RETURN, 0)


def reached(outcome: Outcome, level: float) -> tuple[float, float] | None:
    """Environment steps per seed and wall time, s, at the first evaluation whose interquartile mean is at the level."""
    curve = outcome.curve(RETURN)
    above = np.asarray(interquartile_mean([curve.to_numpy()])) >= level
    if not above.any():
        return None
    steps = float(curve.index[int(np.argmax(above))])
    rows = outcome.result.curve
    return steps, float(rows.loc[rows["steps"] == steps, "wall_s"].max())


@styled()
def rewards(results: Results) -> Output:
    """Table 3."""
    estimates = {o.label: o.estimate(RETURN) for o in results}
    prophet, baseline = (estimates.get(label) for label in ("prophet", "crash-avoid"))
    rows, ways = [], {}
    for o in results:
        e = estimates[o.label]
        way = reached(o, baseline.value) if o.learned and baseline is not None else None
        ways[o.label] = way
        rows.append(
            {
                "policy": name(o.label),
                "test reward": e.text(0),
                "paper": TEST_REWARD.get(o.label, ""),
                "of Prophet": f"{e.value / prophet.value:.2f}" if prophet else "",
                "of Prophet, paper": f"{TEST_REWARD[o.label] / TEST_REWARD['prophet']:.2f}"
                if o.label in TEST_REWARD
                else "",
                "training, min": f"{o.result.curve['wall_s'].max() / 60:.1f}" if o.learned else "",
                "paper, min": f"{60 * HOURS[o.label]:.0f}" if o.label in HOURS else "",
                "1000 steps to baseline": _thousands(o, way),
                "1000 steps, paper": STEPS_TO_BASELINE.get(o.label, ""),
                "min to baseline": f"{way[1] / 60:.1f}" if way else "",
            }
        )
    ours = results.find("D2SAC")
    published = results.without(CONTROL)
    learned = [o for o in published if o.learned]
    claims = [
        claim_best("D2SAC has the highest test reward of all learners", published, "D2SAC", RETURN, 0),
        claim_above("Every learner exceeds Crash Avoid", learned, results.find("crash-avoid"), RETURN, 0),
        _fastest({o.label: ways[o.label] for o in learned})
        if ours and baseline is not None and len(learned) > 1
        else None,
        _share(estimates["D2SAC"], prophet) if ours and prophet else None,
        claim_control(results),
    ]
    figure, grid = new_figure(7.2, 1.5 + 0.28 * len(estimates))
    order = sorted(results, key=lambda o: -estimates[o.label].value)
    paper = {name(label): float(value) for label, value in TEST_REWARD.items() if label in estimates}
    plot_intervals(
        grid[0, 0], [(name(o.label), estimates[o.label], o.learned) for o in order], paper, "test reward per episode"
    )
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    data = pd.DataFrame(
        [
            {"policy": label, "value": e.value, "low": e.low, "high": e.high, "paper": TEST_REWARD.get(label)}
            for label, e in estimates.items()
        ]
    )
    said = notes(
        results,
        INSTANCE,
        "Baseline: the reward of Crash Avoid. Steps to it: the first evaluation while learning whose interquartile mean over "
        "seeds reaches it, per seed. Minutes: wall time for all seeds side by side, the paper's for one run.",
        "The bound serves every task at its best provider as if all had room; no policy need reach it.",
        "The paper's training reward is not shown: it includes exploration, which differs between learners.",
    )
    return Output(figure, data, pd.DataFrame(rows), present(*claims), said)


def _thousands(outcome: Outcome, way: tuple[float, float] | None) -> str:
    if not outcome.learned:
        return ""
    return "not reached" if way is None else f"{way[0] / 1000:.0f}"


def _fastest(ways: dict[str, tuple[float, float] | None]) -> Claim:
    steps = {label: way[0] for label, way in ways.items() if way is not None}
    text = "D2SAC reaches the baseline in the fewest steps"
    if "D2SAC" not in steps:
        return Claim(text, FAILS if steps else UNDECIDED, "D2SAC did not reach it")
    others = {label: value for label, value in steps.items() if label != "D2SAC"}
    first = min(others, key=lambda label: others[label], default="")
    if not first:
        return Claim(text, HOLDS, "no other learner reached it")
    evidence = f"D2SAC {steps['D2SAC'] / 1000:.0f} thousand, next {first} {steps[first] / 1000:.0f} thousand"
    ours, next_best = steps["D2SAC"], steps[first]
    return Claim(text, HOLDS if ours < next_best else FAILS if ours > next_best else UNDECIDED, evidence)


def _share(ours: Estimate, prophet: Estimate) -> Claim:
    paper = TEST_REWARD["D2SAC"] / TEST_REWARD["prophet"]
    low, value, high = (x / prophet.value for x in (ours.low, ours.value, ours.high))
    found = HOLDS if low >= paper else FAILS if high < paper else UNDECIDED
    share = Estimate(value, low, high).text(2)
    return Claim(f"D2SAC gets {paper:.2f} of Prophet's reward", found, f"ours {share} of {prophet.value:.0f}")


@styled()
def control(results: Results) -> Output:
    """Table 4, the tasks that exist here."""
    tasks = list(dict.fromkeys(o.setting.label for o in results))
    labels = list(dict.fromkeys(o.label for o in results))
    figure, grid = new_figure(7.2, 1.4 + 0.3 * len(labels), 1, len(tasks))
    rows: dict[str, dict[str, str]] = {label: {"policy": label} for label in labels}
    data, claims = [], []
    for axes, task in zip(grid[0], tasks, strict=True):
        found = {o.label: o.estimate(RETURN) for o in results if o.setting.label == task}
        paper = {label: mean for label, (mean, _) in CONTROL_TASKS[task].items() if label in found}
        plot_intervals(axes, [(label, e, True) for label, e in found.items()], paper, f"{task}: reward per episode")
        for label, e in found.items():
            rows[label][task] = e.text(1)
            rows[label][f"{task}, paper"] = (
                "{:.1f} ± {:.1f}".format(*CONTROL_TASKS[task][label]) if label in paper else ""
            )
            data.append({"task": task, "policy": label, "value": e.value, "low": e.low, "high": e.high})
        others = [e for label, e in found.items() if label != "D2SAC"]
        if "D2SAC" in found and others:
            best = max(others, key=lambda e: e.value)
            beaten = [verdict(found["D2SAC"], e) == FAILS for e in others]
            tie = found["D2SAC"].value >= best.value
            claims.append(
                Claim(
                    f"No learner exceeds D2SAC on {task}",
                    FAILS if any(beaten) else HOLDS if tie else UNDECIDED,
                    f"D2SAC {found['D2SAC'].text(1)}, best of the others {best.text(1)}",
                )
            )
    handles = grid[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3)
    said = notes(results, "The paper's figures are mean and standard deviation. CoinRun and Maze are not built here.")
    return Output(figure, pd.DataFrame(data), pd.DataFrame(list(rows.values())), tuple(claims), said)


@styled()
def tasks(results: Results) -> Output:
    """Table 5."""
    columns = ("finished, %", "obtained utility", "crashed, %", "lost utility")
    found = {o.label: dict(zip(columns, _task_figures(o), strict=True)) for o in results}
    rows, data = [], []
    for label, each in found.items():
        row: dict[str, object] = {"policy": name(label)}
        for place, (column, e) in enumerate(each.items()):
            row[column] = e.text(1 if "%" in column else 0)
            row[f"{column}, paper"] = TASKS[label][place] if label in TASKS else ""
            data.append({"policy": label, "metric": column, "value": e.value, "low": e.low, "high": e.high})
        rows.append(row)
    figure, grid = new_figure(7.2, 2.4 + 0.42 * len(found), 2, 2)
    learned = {o.label: o.learned for o in results}
    for place, (axes, column) in enumerate(zip(grid.ravel(), columns, strict=True)):
        paper = {name(label): float(TASKS[label][place]) for label in found if label in TASKS}
        plot_intervals(
            axes, [(name(label), each[column], learned[label]) for label, each in found.items()], paper, column
        )
        if place % 2:
            axes.set_yticklabels([])
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    obtained = {label: each["obtained utility"] for label, each in found.items()}
    heuristics = [e for label, e in obtained.items() if not learned[label] and label != "prophet"]
    published = [o.label for o in results.without(CONTROL) if o.learned]
    others = [obtained[label] for label in published if label != "D2SAC"]
    claims = []
    if heuristics and published:
        best = max(heuristics, key=lambda e: e.value)
        worst = min((obtained[label] for label in published), key=lambda e: e.value)
        verdicts = [verdict(obtained[label], best) for label in published]
        claims.append(
            Claim(
                "Every learner obtains more utility than the heuristics without foresight", overall(verdicts),
                f"lowest learner {worst.text(0)}, best heuristic but Prophet {best.text(0)}",
            )
        )  # fmt: skip
    if "D2SAC" in found and others:
        best = max(others, key=lambda e: e.value)
        claims.append(
            Claim(
                "D2SAC obtains the most utility of all learners", overall([verdict(obtained["D2SAC"], e) for e in others]),
                f"D2SAC {obtained['D2SAC'].text(0)}, best of the others {best.text(0)}",
            )
        )  # fmt: skip
    said = notes(
        results,
        INSTANCE,
        "Obtained utility: utility of accepted tasks less what crashed tasks had been credited (lost utility). Rates are of all "
        "tasks; a task refused in a crash counts as crashed, the rest still run at the end.",
    )
    return Output(figure, pd.DataFrame(data), pd.DataFrame(rows), tuple(claims), said)


def _task_figures(outcome: Outcome) -> tuple[Estimate, ...]:
    """Finished rate, obtained utility, crashed rate and lost utility; the environment gives means per task."""
    count = outcome.setting.build().tasks
    table = outcome.result.episodes
    kept = table.assign(obtained=table["utility"] - table["lost_utility"])
    outcome = replace(outcome, result=replace(outcome.result, episodes=kept))
    scales = {"finished": 100, "obtained": count, "crashed": 100, "lost_utility": count}
    return tuple(outcome.estimate(metric, scale) for metric, scale in scales.items())
