"""Tables 3 to 5 of the D2SAC paper, with its figures beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from edgewise.drawing.panels import plot_intervals
from edgewise.drawing.style import new_figure, styled
from edgewise.experiments.claims import notes
from edgewise.experiments.results import BESIDES, Drawing, Outcome, Results
from edgewise.papers.d2sac.measures import TASK_FIGURES, reached, task_figures
from edgewise.papers.d2sac.names import BASELINE, PROPHET, RETURN, name
from edgewise.papers.d2sac.published import CONTROL_TASKS, HOURS, STEPS_TO_BASELINE, TASKS, TEST_REWARD
from edgewise.statistics.estimates import Estimate

INSTANCE = (
    "The paper's providers are not published, so figures need not agree, but order and sizes should; shares of Prophet compare "
    "best."
)
CONTROL_PANELS = 2
"""Tasks of Table 4 side by side."""
CONTROL_NOTES = (
    "The paper's figures are mean and standard deviation; those of CoinRun and Maze fit ten values of 0 or 10 each. It gives no "
    "budget for these tasks. Rows that it quotes from elsewhere (A2C to Rainbow + IMPALA) are left out.",
    "CoinRun and Maze are the easy mode of Procgen in EnvPool, every episode on a level of its own. Pictures of 64 x 64 are "
    "averaged to 16 x 16, and the networks are fully connected, as those of the other tasks: there are no convolutions.",
    "Procgen's own budget for the easy mode is 25 million steps: what is spent here is far too little to learn CoinRun or Maze, "
    "and says nothing about who would in the end.",
)
FEWER_STEPS = (
    "DRQN and Rainbow, whose updates cost most, have a tenth of the steps of the others, and Rainbow is not trained on CoinRun "
    "and Maze."
)
APART = "Below the dotted line and in the last rows: policies that the paper has not."


def _table(rows: Sequence[Mapping[str, object]], besides: int) -> pd.DataFrame:
    """The rows as a table; a row that says so comes before the last `besides` ones, which the paper has not."""
    first = len(rows) - besides
    said: list[Mapping[str, object]] = [{"policy": f"{BESIDES}:"}] if besides else []
    return pd.DataFrame([*rows[:first], *said, *rows[first:]]).fillna("")


def _plot_apart(axes: Axes, rows: int, besides: int) -> None:
    """A line above the last `besides` rows."""
    if besides:
        axes.axhline(rows - besides - 0.5, color="black", linestyle=":", linewidth=0.8)


@styled()
def rewards(results: Results) -> Drawing:
    """Figure and table of Table 3."""
    estimates = {o.label: o.estimate(RETURN) for o in results}
    figure, grid = new_figure(7.2, 1.5 + 0.28 * len(estimates))
    extra = {o.label for o in results.besides}
    order = sorted(results, key=lambda o: (o.label in extra, -estimates[o.label].value))
    paper = {name(label): float(value) for label, value in TEST_REWARD.items() if label in estimates}
    intervals = [(name(o.label), estimates[o.label], o.learned) for o in order]
    plot_intervals(grid[0, 0], intervals, paper, "test reward per episode")
    _plot_apart(grid[0, 0], len(intervals), len(extra))
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    data = [
        {"policy": label, "value": e.value, "low": e.low, "high": e.high, "paper": TEST_REWARD.get(label)}
        for label, e in estimates.items()
    ]
    said = notes(
        results,
        INSTANCE,
        "Baseline: the reward of Crash Avoid. Steps to it: the first evaluation while learning whose interquartile mean over "
        "seeds reaches it, per seed. Minutes: wall time for all seeds side by side, the paper's for one run.",
        "The bound serves every task at its best provider as if all had room; no policy need reach it.",
        "The paper's training reward is not shown: it includes exploration, which differs between learners.",
        APART if extra else "",
    )
    table = _table([_reward_row(o, estimates) for o in results], len(extra))
    return Drawing(figure, pd.DataFrame(data), table, said)


def _reward_row(outcome: Outcome, estimates: Mapping[str, Estimate]) -> dict[str, object]:
    label, e = outcome.label, estimates[outcome.label]
    prophet, baseline = estimates.get(PROPHET), estimates.get(BASELINE)
    way = reached(outcome, baseline.value) if outcome.learned and baseline is not None else None
    share = TEST_REWARD[label] / TEST_REWARD[PROPHET] if label in TEST_REWARD else None
    return {
        "policy": name(label),
        "test reward": e.text(0),
        "paper": TEST_REWARD.get(label, ""),
        "of Prophet": f"{e.value / prophet.value:.2f}" if prophet else "",
        "of Prophet, paper": "" if share is None else f"{share:.2f}",
        "training, min": f"{outcome.result.curve['wall_s'].max() / 60:.1f}" if outcome.learned else "",
        "paper, min": f"{60 * HOURS[label]:.0f}" if label in HOURS else "",
        "1000 steps to baseline": _thousands(outcome, way),
        "1000 steps, paper": STEPS_TO_BASELINE.get(label, ""),
        "min to baseline": f"{way[1] / 60:.1f}" if way else "",
    }


def _thousands(outcome: Outcome, way: tuple[float, float] | None) -> str:
    if not outcome.learned:
        return ""
    return "not reached" if way is None else f"{way[0] / 1000:.0f}"


@styled()
def control(results: Results) -> Drawing:
    """Table 4: rewards on control tasks and on games that are seen as pictures."""
    tasks = list(dict.fromkeys(o.setting.label for o in results))
    labels = list(dict.fromkeys(o.label for o in results))
    extra = {o.label for o in results.besides}
    high = -(-len(tasks) // CONTROL_PANELS)
    figure, grid = new_figure(7.2, 0.6 + high * (0.7 + 0.26 * len(labels)), high, min(len(tasks), CONTROL_PANELS))
    rows: dict[str, dict[str, object]] = {label: {"policy": name(label)} for label in labels}
    data = []
    for axes, task in zip(grid.ravel(), tasks, strict=False):
        found = {o.label: o for o in results if o.setting.label == task}
        paper = {label: mean for label, (mean, _) in CONTROL_TASKS[task].items() if label in found}
        intervals = [(name(label), o.estimate(RETURN), o.learned) for label, o in found.items()]
        plot_intervals(axes, intervals, paper, f"{task}: reward per episode")
        _plot_apart(axes, len(intervals), len(extra))
        for (_, e, _), label in zip(intervals, found, strict=True):
            rows[label][task] = e.text(1)
            published = "{:.1f} ± {:.1f}".format(*CONTROL_TASKS[task][label]) if label in paper else ""
            rows[label][f"{task}, paper"] = published
            data.append({"task": task, "policy": label, "value": e.value, "low": e.low, "high": e.high})
    for axes in grid.ravel()[len(tasks) :]:
        axes.set_axis_off()
    figure.legend(*grid.ravel()[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    fewer = FEWER_STEPS if {"DRQN", "Rainbow"} & set(labels) else ""
    said = notes(results, *CONTROL_NOTES, fewer, APART if extra else "")
    return Drawing(figure, pd.DataFrame(data), _table(list(rows.values()), len(extra)), said)


@styled()
def tasks(results: Results) -> Drawing:
    """Figure and table of Table 5."""
    found = {o.label: task_figures(o) for o in results}
    learned = {o.label: o.learned for o in results}
    figure, grid = new_figure(7.2, 2.4 + 0.42 * len(found), 2, 2)
    extra = len(results.besides)
    for place, (axes, column) in enumerate(zip(grid.ravel(), TASK_FIGURES, strict=True)):
        paper = {name(label): float(TASKS[label][place]) for label in found if label in TASKS}
        intervals = [(name(label), each[column], learned[label]) for label, each in found.items()]
        plot_intervals(axes, intervals, paper, column)
        _plot_apart(axes, len(intervals), extra)
        if place % 2:
            axes.set_yticklabels([])
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    data = [
        {"policy": label, "metric": column, "value": e.value, "low": e.low, "high": e.high}
        for label, each in found.items()
        for column, e in each.items()
    ]
    said = notes(
        results,
        INSTANCE,
        "Obtained utility: utility of accepted tasks less what crashed tasks had been credited (lost utility). Rates are of all "
        "tasks; a task refused in a crash counts as crashed, the rest still run at the end.",
        APART if extra else "",
    )
    table = _table([_task_row(label, each) for label, each in found.items()], extra)
    return Drawing(figure, pd.DataFrame(data), table, said)


def _task_row(label: str, found: Mapping[str, Estimate]) -> dict[str, object]:
    row: dict[str, object] = {"policy": name(label)}
    for place, (column, e) in enumerate(found.items()):
        row[column] = e.text(1 if "%" in column else 0)
        row[f"{column}, paper"] = TASKS[label][place] if label in TASKS else ""
    return row
