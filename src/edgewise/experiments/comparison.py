"""What any experiment can show: a metric of all players in all settings, and how it developed while they learned."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from edgewise.drawing.panels import plot_intervals, plot_lines, step_axis
from edgewise.drawing.style import new_figure, styled
from edgewise.experiments.claims import notes
from edgewise.experiments.curves import learning_line
from edgewise.experiments.results import Drawing, Outcome, Results


@dataclass(frozen=True)
class Comparison:
    """A ready figure and table for an experiment of your own: its `plot`.

    Attributes:
        metric: the metric of the episodes: "return", or any that the environment gives.
        label: what it is, with its unit.
        scale: times this it is shown.
        digits: after the point in the table.
    """

    metric: str
    label: str
    scale: float = 1.0
    digits: int = 2

    @styled()
    def __call__(self, results: Results) -> Drawing:
        """Learning curves on the left, if anything was trained; interquartile means with 95% intervals on the right."""
        several = len({o.setting.label for o in results}) > 1
        alone = several and len({o.label for o in results}) == 1
        names = [_name(o, several, alone) for o in results]
        estimates = [o.estimate(self.metric, self.scale) for o in results]
        curves = [(_name(o, True, alone) if named else o.label, o) for named, o in _each_once(list(results.learned))]
        figure, grid = new_figure(7.2, 1.4 + max(1.6, 0.25 * len(names)), 1, 2 if curves else 1)
        plot_intervals(
            grid[0, -1], [(n, e, o.learned) for n, e, o in zip(names, estimates, results, strict=True)], {}, self.label
        )
        if curves:
            axes = grid[0, 0]
            plot_lines(axes, [learning_line(o, self.metric, scale=self.scale, label=name) for name, o in curves])
            step_axis(axes)
            axes.set_ylabel(self.label)
            figure.legend(loc="outside lower center", ncols=2)
        rows = [
            {"policy": o.label, "setting": o.setting.label, "value": e.value, "low": e.low, "high": e.high}
            for o, e in zip(results, estimates, strict=True)
        ]
        table = [
            {"policy": o.label, "setting": o.setting.label, self.label: e.text(self.digits)}
            for o, e in zip(results, estimates, strict=True)
        ]
        return Drawing(figure, pd.DataFrame(rows), pd.DataFrame(table), notes(results))


def _name(outcome: Outcome, several: bool, alone: bool) -> str:
    """What an outcome is called beside others: the setting where there are several, and only that if one policy is alone."""
    if alone:
        return outcome.setting.label
    return f"{outcome.label}, {outcome.setting.label}" if several else outcome.label


def _each_once(learned: list[Outcome]) -> list[tuple[bool, Outcome]]:
    """Every run; a learner that is evaluated in several settings may have been trained in only one, or else needs its setting."""
    runs = {(o.label, o.folder): o for o in reversed(learned)}
    trained = [o.label for o in runs.values()]
    return [(trained.count(o.label) > 1, o) for o in reversed(runs.values())]
