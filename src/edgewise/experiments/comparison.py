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
        names = [f"{o.label}, {o.setting.label}" if several else o.label for o in results]
        estimates = [o.estimate(self.metric, self.scale) for o in results]
        curves = _each_once(list(results.learned), several)
        figure, grid = new_figure(7.2, 1.4 + max(1.6, 0.25 * len(names)), 1, 2 if curves else 1)
        plot_intervals(
            grid[0, -1], [(n, e, o.learned) for n, e, o in zip(names, estimates, results, strict=True)], {}, self.label
        )
        if curves:
            axes = grid[0, 0]
            plot_lines(axes, [learning_line(o, self.metric, scale=self.scale, label=name) for name, o in curves])
            step_axis(axes)
            axes.set_ylabel(self.label)
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
        rows = [
            {"policy": o.label, "setting": o.setting.label, "value": e.value, "low": e.low, "high": e.high}
            for o, e in zip(results, estimates, strict=True)
        ]
        table = [
            {"policy": o.label, "setting": o.setting.label, self.label: e.text(self.digits)}
            for o, e in zip(results, estimates, strict=True)
        ]
        return Drawing(figure, pd.DataFrame(rows), pd.DataFrame(table), notes(results))


def _each_once(learned: list[Outcome], several: bool) -> list[tuple[str, Outcome]]:
    """Name and outcome of every run; a learner that is evaluated in several settings may have been trained in only one."""
    named = {
        (o.label, o.folder): (f"{o.label}, {o.setting.label}" if several else o.label, o) for o in reversed(learned)
    }
    runs = [o.label for o in {(o.label, o.folder): o for o in learned}.values()]
    return [(name if runs.count(o.label) > 1 else o.label, o) for name, o in reversed(named.values())]
