"""What came out of an experiment, and what is shown of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from edgewise.common.errors import EdgewiseError
from edgewise.experiments.cell import CellResult, Learned, Planned, Player, ProbeResult
from edgewise.experiments.profile import Profile
from edgewise.experiments.setting import Setting
from edgewise.statistics.estimates import Centre, Estimate, estimate, interquartile_mean, mean

BESIDES = "not in the paper"
"""Group of the policies that an experiment shows besides those of the paper."""


@dataclass(frozen=True)
class Outcome:
    """What one player did in one setting.

    Attributes:
        setting, label, player: who and where.
        result: tables.
        folder: the folder of the training run; None for a policy that was not trained.
        at: where it lies on the axes of a figure, by their names.
        group: which panel or curve of a figure it belongs to.
    """

    setting: Setting
    label: str
    player: Player
    result: CellResult
    folder: Path | None = None
    at: Mapping[str, float] = field(default_factory=dict)
    group: str = ""

    @classmethod
    def of(cls, planned: Planned, result: CellResult, folder: Path | None = None) -> Outcome:
        """The outcome of a cell, from its result."""
        return cls(planned.setting, planned.label, planned.cell.player, result, folder, planned.at, planned.group)

    @property
    def learned(self) -> bool:
        """Whether it was trained."""
        return isinstance(self.player, Learned)

    def units(self, metric: str) -> np.ndarray:
        """Independent values: one per seed of a learner, one per episode of a policy that was not trained."""
        return self.result.per_seed(metric) if self.learned else self.result.per_episode(metric)

    @property
    def centre(self) -> Centre:
        """What stands for the units: the interquartile mean of seeds, the mean of episodes."""
        return interquartile_mean if self.learned else mean

    def estimate(self, metric: str, scale: float = 1.0) -> Estimate:
        """Centre of the units times `scale`, with its 95% interval."""
        return estimate([scale * self.units(metric)], self.centre)

    def curve(self, metric: str) -> pd.DataFrame:
        """Evaluations while it learned: one row per number of steps, one column per seed."""
        return self.result.curve.pivot(index="steps", columns="seed", values=metric)

    @property
    def training_seconds(self) -> float:
        """Wall time of the run, s, extrapolated from what follows its first evaluation, before which programs are compiled."""
        wall = self.result.curve.groupby("evaluation")["wall_s"].max()
        if len(wall) < 2:
            return float(wall.iloc[-1])
        return float((wall.iloc[-1] - wall.iloc[0]) * len(wall) / (len(wall) - 1))


@dataclass(frozen=True)
class Results:
    """All that an experiment has computed: claims and figures are made of this alone.

    Attributes:
        profile: what was spent.
        outcomes: the outcomes of its players.
        probes: the probes of its other computations, by name and by what they are of.
    """

    profile: Profile
    outcomes: tuple[Outcome, ...]
    probes: Mapping[tuple[str, str], ProbeResult] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    def without(self, *labels: str) -> Results:
        """All but some players."""
        return Results(self.profile, tuple(o for o in self.outcomes if o.label not in labels), self.probes)

    @property
    def published(self) -> Results:
        """All but the policies that the paper has not, of the group `BESIDES`."""
        return Results(self.profile, tuple(o for o in self.outcomes if o.group != BESIDES), self.probes)

    @property
    def besides(self) -> tuple[Outcome, ...]:
        """The outcomes of those."""
        return tuple(o for o in self.outcomes if o.group == BESIDES)

    @property
    def learned(self) -> tuple[Outcome, ...]:
        """The outcomes of policies that were trained."""
        return tuple(o for o in self.outcomes if o.learned)

    def table(self, probe: str, of: str = "") -> pd.DataFrame:
        """The table of a probe.

        Args:
            probe: its name.
            of: the label of what it was computed of, if there are several.

        Raises:
            EdgewiseError: if the experiment has no such probe.
        """
        if (probe, of) not in self.probes:
            raise EdgewiseError(f"no probe {probe!r} of {of!r}: there are {sorted(self.probes)}")
        return self.probes[probe, of].table

    @property
    def machines(self) -> tuple[str, ...]:
        """That computed the outcomes, as far as that was noted."""
        return tuple(sorted({o.result.machine for o in self.outcomes if o.result.machine}))

    @property
    def code(self) -> tuple[str, ...]:
        """Digests of the library's code that anything here was made by."""
        made = [*(o.result.code for o in self.outcomes), *(probe.code for probe in self.probes.values())]
        return tuple(sorted({code for each in made for code in each.split()}))

    def training_minutes(self, outcome: Outcome) -> dict[str, str]:
        """A column for tables; no column if outcomes come from several machines, whose times are no comparison."""
        if len(self.machines) > 1:
            return {}
        return {"training, min": f"{outcome.training_seconds / 60:.1f}" if outcome.learned else ""}

    def find(self, label: str, setting: str | None = None) -> Outcome | None:
        """The outcome of a player, in the named setting or the first; None if it was left out."""
        matching = (o for o in self.outcomes if o.label == label and setting in (None, o.setting.label))
        return next(matching, None)


@dataclass(frozen=True)
class Claim:
    """A statement of the paper and what we find.

    Attributes:
        text: the statement.
        verdict: "holds", "does not hold" or "undecided".
        evidence: our figures behind the verdict.
        paper: the paper's figures, where it gives any.
    """

    text: str
    verdict: str
    evidence: str
    paper: str = ""


@dataclass(frozen=True)
class Drawing:
    """What is drawn of results.

    Attributes:
        figure: drawn.
        data: what the figure shows, as a tidy table.
        table: for readers, its cells already text.
        notes: what a reader must know.
    """

    figure: Figure
    data: pd.DataFrame
    table: pd.DataFrame
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Output:
    """What an experiment shows: a drawing, and the paper's claims.

    Attributes:
        figure, data, table: see `Drawing`.
        claims: the claims of the paper, with verdicts.
        notes: what a reader must know.
    """

    figure: Figure
    data: pd.DataFrame
    table: pd.DataFrame
    claims: tuple[Claim, ...] = ()
    notes: tuple[str, ...] = ()
